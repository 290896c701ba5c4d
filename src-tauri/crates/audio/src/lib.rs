//! Deskline audio.
