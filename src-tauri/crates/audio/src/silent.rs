//! No sound at all.

use crate::{DeviceChoice, Frame, Port, SILENCE};

/// A silent microphone and a speaker nobody hears.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Port for Silent {
    fn open(&mut self) {}

    fn close(&mut self) {}

    fn capture(&mut self, frame: &mut Frame) {
        *frame = SILENCE;
    }

    fn play(&mut self, _frame: &Frame) {}

    fn ring(&mut self, _on: bool) {}

    fn choose(&mut self, _choice: DeviceChoice) {}
}
