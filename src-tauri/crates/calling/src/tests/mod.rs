//! Cases of calling section 7, in virtual time.
