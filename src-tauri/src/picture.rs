//! The little the shell itself must know of the desk: who rings, and whether something runs.

use std::collections::BTreeMap;

use deskline_session::view::{Change, Phase, Snapshot, TaskView, Update};

/// What the tray icon tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mood {
    /// Signed out, not logged in, or the centre does not answer.
    Offline,
    /// Idle.
    Idle,
    /// Waiting for calls.
    Available,
    /// A task runs, or its wrap-up is owed.
    OnCall,
    /// A task is offered.
    Ringing,
}

/// The desk, seen from the shell.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    tasks: BTreeMap<String, TaskView>,
    state: Option<String>,
    is_lost: bool,
}

impl Picture {
    /// Takes one update over.
    pub(crate) fn apply(&mut self, update: Update) {
        match update.change {
            Change::Snapshot { mut snapshot } => {
                let tasks = std::mem::take(&mut snapshot.tasks);
                self.tasks = tasks
                    .into_iter()
                    .map(|task| (task.task_id.clone(), task))
                    .collect();
                self.desk(&snapshot);
            }
            Change::Desk { desk } => self.desk(&desk),
            Change::Task { task } => {
                self.tasks.insert(task.task_id.clone(), task);
            }
            Change::Removed { task_id } => {
                self.tasks.remove(&task_id);
            }
            Change::Event { .. } | Change::Quality { .. } => {}
        }
    }

    fn desk(&mut self, desk: &Snapshot) {
        self.state = desk.state.as_ref().map(|state| state.state.clone());
        self.is_lost = desk.lost_since.is_some();
    }

    /// The tasks the agent may accept.
    pub(crate) fn offered(&self) -> impl Iterator<Item = &TaskView> {
        self.tasks
            .values()
            .filter(|task| task.phase == Phase::Offered && !task.auto_answering)
    }

    /// Whether closing the window would leave a customer alone.
    pub(crate) fn is_busy(&self) -> bool {
        self.tasks
            .values()
            .any(|task| !matches!(task.phase, Phase::Reserved | Phase::Ended))
    }

    /// What the tray tells.
    pub(crate) fn mood(&self) -> Mood {
        if self.offered().next().is_some() {
            return Mood::Ringing;
        }
        if self.is_busy() {
            return Mood::OnCall;
        }
        match self.state.as_deref() {
            _ if self.is_lost => Mood::Offline,
            None => Mood::Offline,
            Some("Available") => Mood::Available,
            Some(_) => Mood::Idle,
        }
    }
}

/// What a notification says of an offer: only what the centre sent.
pub(crate) fn words(task: &TaskView) -> (String, String) {
    let what = if task.media_type.is_empty() || task.media_type == "telephony" {
        "Incoming call"
    } else {
        "Incoming contact"
    };
    let customer = &task.customer;
    let title = [&customer.name, &customer.number]
        .into_iter()
        .find(|text| !text.is_empty())
        .map_or_else(|| what.to_owned(), |who| format!("{what}: {who}"));
    let mut body = Vec::new();
    if !customer.name.is_empty() && !customer.number.is_empty() {
        body.push(customer.number.as_str());
    }
    if !task.queue.is_empty() {
        body.push(task.queue.as_str());
    }
    (title, body.join(" · "))
}

#[cfg(test)]
pub(crate) mod tests {
    use deskline_session::view::{Can, Customer, Direction, Recording};

    use super::*;

    pub(crate) fn task(id: &str, phase: Phase) -> TaskView {
        TaskView {
            task_id: id.to_owned(),
            media_type: "telephony".to_owned(),
            phase,
            muted: false,
            held: false,
            consult: None,
            conference: None,
            participants: Vec::new(),
            recording: Recording::Off,
            recording_paused_at: None,
            recording_resumes_at: None,
            wrap_up_required: false,
            auto_wrapup: None,
            customer: Customer {
                name: "Daniel Okafor".to_owned(),
                number: "+1 555 0100".to_owned(),
            },
            queue: "Billing".to_owned(),
            direction: Direction::Inbound,
            started_at: None,
            hold_since: None,
            offer_ends_at: None,
            offer_lasts_ms: None,
            wrap_up_since: None,
            preview: false,
            open_url: false,
            auto_answering: false,
            pending: Vec::new(),
            variables: Vec::new(),
            can: Can::default(),
        }
    }

    fn told(picture: &mut Picture, change: Change) {
        picture.apply(Update { rev: 1, change });
    }

    #[test]
    fn the_mood_follows_the_tasks() {
        let mut picture = Picture::default();
        assert_eq!(picture.mood(), Mood::Offline);
        for (phase, mood) in [
            (Phase::Reserved, Mood::Offline),
            (Phase::Offered, Mood::Ringing),
            (Phase::Connected, Mood::OnCall),
            (Phase::WrapUp, Mood::OnCall),
            (Phase::Ended, Mood::Offline),
        ] {
            let task = task("t", phase);
            told(&mut picture, Change::Task { task });
            assert_eq!(picture.mood(), mood, "{phase:?}");
        }
        let task_id = "t".to_owned();
        told(&mut picture, Change::Removed { task_id });
        assert!(!picture.is_busy());
    }

    #[test]
    fn a_notification_says_only_what_the_centre_sent() {
        let mut task = task("t", Phase::Offered);
        let (title, body) = words(&task);
        assert_eq!(title, "Incoming call: Daniel Okafor");
        assert_eq!(body, "+1 555 0100 · Billing");
        task.customer.name.clear();
        task.queue.clear();
        assert_eq!(
            words(&task),
            ("Incoming call: +1 555 0100".to_owned(), String::new())
        );
        task.customer.number.clear();
        assert_eq!(words(&task).0, "Incoming call");
    }
}
