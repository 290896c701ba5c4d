//! Faults the director ordered for the next request of a kind.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

/// The kinds of request a fault can be ordered for; the names are the director's words.
pub(crate) const VERBS: &[&str] = &[
    "catalog",
    "region",
    "subscribe",
    "config",
    "queues",
    "entryPoints",
    "addressBook",
    "outdialAnis",
    "login",
    "logout",
    "reload",
    "state",
    "buddyList",
    "accept",
    "hold",
    "resume",
    "pauseRecording",
    "resumeRecording",
    "consult",
    "consultAccept",
    "endConsult",
    "cancelCtq",
    "consultTransfer",
    "transfer",
    "consultConference",
    "exitConference",
    "transferConference",
    "end",
    "wrapup",
    "outdial",
    "acceptPreview",
    "wdmRegister",
    "wdmRefresh",
    "wdmDelete",
    "wdmList",
    "discovery",
    "ping",
    "register",
    "keepalive",
    "deregister",
    "listDevices",
    "alerting",
    "connected",
    "media",
    "callStatus",
    "deleteCall",
    "dial",
    "callHold",
    "metrics",
    "upload",
    "aiEvent",
    "transcripts",
    "authorize",
    "token",
    "deviceAuthorize",
    "deviceToken",
    "revoke",
    "people",
    "userinfo",
];

/// The verb a word means: its name, or what the wire or the headless agent calls it.
pub(crate) fn verb(word: &str) -> Option<&'static str> {
    let word = word
        .strip_prefix("task.")
        .or_else(|| word.strip_prefix("station."))
        .unwrap_or(word);
    let alias = match word {
        "unhold" => "resume",
        "setState" | "stateChange" | "agent.setState" => "state",
        "stationLogin" => "login",
        "stationLogout" => "logout",
        "record/pause" => "pauseRecording",
        "record/resume" => "resumeRecording",
        "consult/end" => "endConsult",
        "consult/transfer" => "consultTransfer",
        "consult/conference" => "consultConference",
        "conference/exit" => "exitConference",
        "conference/transfer" => "transferConference",
        "startOutdial" | "outdial.start" => "outdial",
        "campaign.accept" => "acceptPreview",
        "answer" => "media",
        "hangup" => "deleteCall",
        other => other,
    };
    VERBS
        .iter()
        .copied()
        .find(|verb| verb.eq_ignore_ascii_case(alias))
}

/// How the next request of a kind is refused.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Refuse {
    /// HTTP status; none = by frame, where one exists.
    pub(crate) status: Option<u16>,
    /// Wire name of the refusing frame.
    pub(crate) event: Option<String>,
    /// Reason, in frame or body.
    pub(crate) reason: Option<String>,
    /// `reasonCode` of frame or body.
    pub(crate) reason_code: Option<u64>,
    /// `errorCode` of the calling service.
    pub(crate) error_code: Option<u64>,
    /// `retry-after` in seconds.
    pub(crate) retry_after: Option<u64>,
    /// The whole body.
    pub(crate) body: Option<Value>,
}

/// What happens to one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// It is refused.
    pub(crate) refuse: Option<Refuse>,
    /// It is confirmed late.
    pub(crate) delay: Option<Duration>,
    /// It is accepted and never confirmed.
    pub(crate) dropped: bool,
    /// It is carried out in time and answered so much later: its frames overtake the answer.
    pub(crate) late: Option<Duration>,
}

/// Orders not yet carried out.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    refuse: BTreeMap<&'static str, Vec<Refuse>>,
    delay: BTreeMap<&'static str, Vec<Duration>>,
    late: BTreeMap<&'static str, Vec<Duration>>,
    dropped: BTreeMap<&'static str, u64>,
}

impl Faults {
    /// Refuses the next requests of a kind.
    pub(crate) fn refuse(&mut self, verb: &'static str, how: &Refuse, times: u64) {
        let list = self.refuse.entry(verb).or_default();
        list.extend((0..times).map(|_| how.clone()));
    }

    /// Delays the next request of a kind.
    pub(crate) fn delay(&mut self, verb: &'static str, by: Duration, times: u64) {
        let list = self.delay.entry(verb).or_default();
        list.extend((0..times).map(|_| by));
    }

    /// Answers the next requests of a kind after their frames.
    pub(crate) fn answer_late(&mut self, verb: &'static str, by: Duration, times: u64) {
        let list = self.late.entry(verb).or_default();
        list.extend((0..times).map(|_| by));
    }

    /// Accepts the next requests of a kind and does nothing.
    pub(crate) fn drop_next(&mut self, verb: &'static str, times: u64) {
        *self.dropped.entry(verb).or_default() += times;
    }

    /// What was ordered for this request; the order is used up.
    pub(crate) fn plan(&mut self, verb: &str) -> Plan {
        let refuse = self
            .refuse
            .get_mut(verb)
            .filter(|list| !list.is_empty())
            .map(|list| list.remove(0));
        let delay = self
            .delay
            .get_mut(verb)
            .filter(|list| !list.is_empty())
            .map(|list| list.remove(0));
        let late = self
            .late
            .get_mut(verb)
            .filter(|list| !list.is_empty())
            .map(|list| list.remove(0));
        let dropped = self.dropped.get_mut(verb).is_some_and(|left| {
            let any = *left > 0;
            *left = left.saturating_sub(1);
            any
        });
        Plan {
            refuse,
            delay,
            dropped,
            late,
        }
    }
}

/// Order of the next frames of a channel.
#[derive(Debug, Default)]
pub(crate) struct Shuffle {
    lose: usize,
    duplicate: usize,
    reorder: usize,
}

impl Shuffle {
    /// Loses the next `n` frames.
    pub(crate) fn lose(&mut self, n: usize) {
        self.lose += n;
    }

    /// Sends each of the next `n` frames twice.
    pub(crate) fn duplicate(&mut self, n: usize) {
        self.duplicate += n;
    }

    /// Sends the next `n` frames in reverse order.
    pub(crate) fn reorder(&mut self, n: usize) {
        self.reorder = n;
    }

    /// How often to send this frame, and whether to hold it back.
    pub(crate) fn next(&mut self) -> (usize, bool) {
        if self.lose > 0 {
            self.lose -= 1;
            return (0, false);
        }
        let copies = if self.duplicate > 0 { 2 } else { 1 };
        self.duplicate = self.duplicate.saturating_sub(1);
        let back = self.reorder > 0;
        self.reorder = self.reorder.saturating_sub(1);
        (copies, back)
    }

    /// Whether frames are still being held back for reordering.
    pub(crate) fn is_holding(&self) -> bool {
        self.reorder > 0
    }

    /// Stops waiting for more frames.
    pub(crate) fn give_up(&mut self) {
        self.reorder = 0;
    }
}
