//! Deskline routing.
