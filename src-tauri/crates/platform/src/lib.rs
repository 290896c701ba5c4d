//! Deskline platform.
