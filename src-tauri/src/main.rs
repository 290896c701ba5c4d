//! Deskline.

fn main() {}
