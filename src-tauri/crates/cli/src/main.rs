//! Deskline cli.

fn main() {}
