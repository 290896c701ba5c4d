//! The owner of the desk and the handles that reach it.
//!
//! It runs the rules of `core` in one task, hands their effects to the adapters, and tells
//! windows and scripts what changed. It decides nothing and knows no protocol.
//!
//! Start reading at [`Owner`] (what runs), then [`DeskHandle`] (how it is reached) and [`view`]
//! (what is shown).

mod clock;
mod handle;
mod measurements;
mod owner;
mod snapshot;
pub mod view;

pub use handle::{DeskHandle, Gone, TaskHandle};
pub use owner::{Adapters, Owner};
