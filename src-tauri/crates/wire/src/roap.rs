//! ROAP messages as Mobius carries them (calling 2.5–2.7).

use serde_json::{Value, json};

use crate::Json;

/// What a ROAP message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoapKind {
    /// "Answer this description."
    Offer,
    /// The reply to an offer.
    Answer,
    /// "Send me an offer."
    OfferRequest,
    /// Our offer, sent because it was requested.
    OfferResponse,
    /// The transaction is complete.
    Ok,
    /// The transaction failed.
    Error,
    /// A word we do not know.
    Other(String),
}

impl RoapKind {
    /// The word on the wire.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Offer => "OFFER",
            Self::Answer => "ANSWER",
            Self::OfferRequest => "OFFER_REQUEST",
            Self::OfferResponse => "OFFER_RESPONSE",
            Self::Ok => "OK",
            Self::Error => "ERROR",
            Self::Other(word) => word,
        }
    }

    /// Reads the word of the wire; never fails.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "OFFER" => Self::Offer,
            "ANSWER" => Self::Answer,
            "OFFER_REQUEST" => Self::OfferRequest,
            "OFFER_RESPONSE" => Self::OfferResponse,
            "OK" => Self::Ok,
            "ERROR" => Self::Error,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// One ROAP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoapMessage {
    /// What it is for.
    pub kind: RoapKind,
    /// Number of the transaction; `None` if the far side sent none.
    pub seq: Option<u64>,
    /// Session description, as received.
    pub sdp: Option<String>,
    /// Kind of failure of an [`RoapKind::Error`], e.g. `OUT_OF_ORDER`.
    pub error_type: Option<String>,
    /// Whether the sender of this answer wants no OK (`headers` holds `noOkInTransaction`).
    pub no_ok: bool,
}

impl RoapMessage {
    /// A message of ours with a description.
    #[must_use]
    pub fn with_sdp(kind: RoapKind, seq: u64, sdp: String) -> Self {
        Self {
            kind,
            seq: Some(seq),
            sdp: Some(sdp),
            error_type: None,
            no_ok: false,
        }
    }

    /// Our OK.
    #[must_use]
    pub fn ok(seq: u64) -> Self {
        Self {
            kind: RoapKind::Ok,
            seq: Some(seq),
            sdp: None,
            error_type: None,
            no_ok: false,
        }
    }

    /// Our error, e.g. `FAILED`.
    #[must_use]
    pub fn error(seq: u64, error_type: &str) -> Self {
        Self {
            kind: RoapKind::Error,
            seq: Some(seq),
            sdp: None,
            error_type: Some(error_type.to_owned()),
            no_ok: false,
        }
    }

    /// Reads `message` of a `mobius.media` event; `None` if it names no `messageType`.
    #[must_use]
    pub fn from_json(message: &Json) -> Option<Self> {
        Some(Self {
            kind: RoapKind::from_word(message.get("messageType")?.as_str()?),
            seq: message.get("seq").and_then(read_seq),
            sdp: message
                .get("sdp")
                .and_then(Value::as_str)
                .map(str::to_owned),
            error_type: message
                .get("errorType")
                .and_then(Value::as_str)
                .map(str::to_owned),
            no_ok: message
                .get("headers")
                .and_then(Value::as_array)
                .is_some_and(|headers| {
                    headers
                        .iter()
                        .any(|header| header.as_str() == Some("noOkInTransaction"))
                }),
        })
    }

    /// The form that is posted: absent members are left out, there is no `version` (calling 2.7).
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut message = json!({ "seq": self.seq, "messageType": self.kind.word() });
        if let Some(sdp) = &self.sdp {
            message["sdp"] = json!(sdp);
        }
        if let Some(error) = &self.error_type {
            message["errorType"] = json!(error);
        }
        message
    }
}

/// A sequence number travels as a number; a text of digits is forgiven.
fn read_seq(value: &Json) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_posted_without_members_it_lacks() {
        let answer = RoapMessage::with_sdp(RoapKind::Answer, 1, "v=0\n".into());
        assert_eq!(
            answer.to_json(),
            json!({ "seq": 1, "messageType": "ANSWER", "sdp": "v=0\n" })
        );
        assert_eq!(
            RoapMessage::error(1, "FAILED").to_json(),
            json!({ "seq": 1, "messageType": "ERROR", "errorType": "FAILED" })
        );
    }

    #[test]
    fn an_unknown_kind_or_a_missing_number_is_still_read() {
        let message = RoapMessage::from_json(&json!({ "messageType": "NEWS" }));
        assert_eq!(
            message.map(|m| (m.kind, m.seq)),
            Some((RoapKind::Other("NEWS".into()), None))
        );
        assert_eq!(RoapMessage::from_json(&json!({ "seq": 1 })), None);
    }

    #[test]
    fn an_answer_may_forbid_the_ok() {
        let message =
            json!({ "messageType": "ANSWER", "seq": "2", "headers": ["noOkInTransaction"] });
        let read = RoapMessage::from_json(&message);
        assert_eq!(read.map(|m| (m.no_ok, m.seq)), Some((true, Some(2))));
    }
}
