//! Contacts that left: a frame that was sent before they did must not bring them back.

use std::collections::VecDeque;

use deskline_wire::{Object, task_data::number_of};

use super::Desk;
use crate::InteractionId;

/// How many are remembered; frames are late by seconds, not by hundreds of contacts.
const REMEMBERED: usize = 256;

/// The last contacts that left, and when the centre said its last word about each (`eventTime`).
#[derive(Debug, Default)]
pub(super) struct Gone(VecDeque<(InteractionId, i64)>);

impl Gone {
    fn add(&mut self, id: &InteractionId, at: i64) {
        if let Some((_, last)) = self.0.iter_mut().find(|(known, _)| known == id) {
            *last = at.max(*last);
            return;
        }
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((id.clone(), at));
    }
}

impl Desk {
    /// Remembers that a contact left with this event; one without a time proves nothing.
    pub(super) fn bury(&mut self, id: &InteractionId, data: &Object) {
        if let Some(at) = number_of(data.get("eventTime")) {
            self.gone.add(id, at);
        }
    }

    /// Whether a frame about a contact that left is older than its end.
    pub(super) fn is_about_the_past(&self, id: &InteractionId, data: &Object) -> bool {
        let at = number_of(data.get("eventTime"));
        let last = self.gone.0.iter().find(|(known, _)| known == id);
        matches!((at, last), (Some(at), Some((_, last))) if at < *last)
    }
}
