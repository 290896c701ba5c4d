//! The contact centre in a box.

pub mod peer;
