//! Deskline media.
