//! The owner of the desk and the handles that reach it.
//!
//! It runs the rules of `core` in one task, hands their effects to the adapters, and tells
//! windows and scripts what changed. It decides nothing and knows no protocol.
//!
//! Start reading at [`view`] for what is shown.

pub mod view;
