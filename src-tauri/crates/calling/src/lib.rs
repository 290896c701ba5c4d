//! Deskline calling.
