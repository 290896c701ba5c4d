//! Deskline cli.
