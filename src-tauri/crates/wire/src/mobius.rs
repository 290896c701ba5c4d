//! The calling service, Mobius: requests and events (calling 1.6, 1.7, 2.7, 2.8, 2.15, 3.13).

use serde_json::{Value, json};

use crate::{Json, Object, roap::RoapMessage};

/// Body of `POST …/device`.
#[must_use]
pub fn registration(user_id: &str, client_device_uri: &str, domain: &str) -> Json {
    json!({
        "userId": user_id,
        "clientDeviceUri": client_device_uri,
        "serviceData": { "indicator": "contactcenter", "domain": domain },
    })
}

/// Answer to a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MobiusRegistration {
    /// Key of all later paths and events.
    pub device_id: String,
    /// Target of the keepalive, as the server sent it; `None` if it did not.
    pub uri: Option<String>,
    /// Seconds between keepalives.
    pub keepalive_seconds: Option<u64>,
    /// Minutes, lower bound of the wait before going home to a primary server.
    pub rehoming_min: Option<u64>,
    /// Minutes, upper bound of it.
    pub rehoming_max: Option<u64>,
}

impl MobiusRegistration {
    /// Reads the answer; `None` if it names no device.
    #[must_use]
    pub fn from_json(body: &Json) -> Option<Self> {
        let device = body.get("device")?;
        let number = |name: &str| body.get(name).and_then(Value::as_u64).filter(|n| *n > 0);
        Some(Self {
            device_id: filled(device, "deviceId")?.to_owned(),
            uri: filled(device, "uri").map(str::to_owned),
            keepalive_seconds: number("keepaliveInterval"),
            rehoming_min: number("rehomingIntervalMin"),
            rehoming_max: number("rehomingIntervalMax"),
        })
    }
}

/// One device of a 403/101 refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleDevice {
    /// Its id.
    pub device_id: String,
    /// Its address.
    pub uri: String,
    /// The client it belongs to.
    pub client_device_uri: Option<String>,
}

/// `errorCode` of a refusal.
#[must_use]
pub fn error_code(body: &Json) -> Option<i64> {
    let code = body.get("errorCode")?;
    code.as_i64().or_else(|| code.as_str()?.trim().parse().ok())
}

/// The first device that a 403/101 names.
#[must_use]
pub fn stale_device(body: &Json) -> Option<StaleDevice> {
    let device = body.get("devices")?.as_array()?.first()?;
    Some(StaleDevice {
        device_id: filled(device, "deviceId")?.to_owned(),
        uri: filled(device, "uri")?.to_owned(),
        client_device_uri: filled(device, "clientDeviceUri").map(str::to_owned),
    })
}

/// What discovery answers: API roots, primary and backup; absent or null parts are empty (N-3).
#[must_use]
pub fn discovered(body: &Json) -> (Vec<String>, Vec<String>) {
    let uris = |part: &str| {
        body.get(part)
            .and_then(|part| part.get("uris"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|uri| uri.as_str().filter(|uri| !uri.is_empty()))
            .map(|uri| uri.trim_end_matches('/').to_owned())
            .collect()
    };
    (uris("primary"), uris("backup"))
}

/// Region and country, if the answer has both.
#[must_use]
pub fn region(body: &Json) -> Option<(String, String)> {
    Some((
        filled(body, "clientRegion")?.to_owned(),
        filled(body, "countryCode")?.to_owned(),
    ))
}

/// Whom a request of a leg is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegName {
    /// The registered device.
    pub device_id: String,
    /// Our name of the leg.
    pub correlation_id: String,
    /// The far side's name of the leg.
    pub call_id: String,
}

impl LegName {
    fn device(&self) -> Json {
        json!({ "deviceId": self.device_id, "correlationId": self.correlation_id })
    }

    /// Body of R2 and R3 (`sig_alerting`, `sig_connected`).
    #[must_use]
    pub fn state(&self, call_state: &str) -> Json {
        json!({
            "device": self.device(),
            "callId": self.call_id,
            "callState": call_state,
            "inbandMedia": false,
        })
    }

    /// Body of R4.
    #[must_use]
    pub fn media(&self, message: &RoapMessage, media_id: &str) -> Json {
        json!({
            "device": self.device(),
            "callId": self.call_id,
            "localMedia": { "roap": message.to_json(), "mediaId": media_id },
        })
    }

    /// Body of R5.
    #[must_use]
    pub fn status(&self) -> Json {
        json!({ "device": self.device(), "callId": self.call_id })
    }

    /// Body of R6.
    #[must_use]
    pub fn end(&self, metrics: Json, cause_code: u32, cause: &str) -> Json {
        json!({
            "device": self.device(),
            "callId": self.call_id,
            "metrics": metrics,
            "causecode": cause_code,
            "cause": cause,
        })
    }
}

/// What the hang-up report says about one call; times in the units of the wire (calling 3.13).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallReport {
    /// Length of media in seconds.
    pub seconds: f64,
    /// Packets received.
    pub received: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Packets that came too late.
    pub late: u64,
    /// Packets lost.
    pub lost: u64,
    /// Mean delay of the jitter buffer in seconds.
    pub buffer_seconds: f64,
    /// One-way delay in seconds (despite the name on the wire).
    pub one_way_seconds: f64,
    /// Packets sent.
    pub sent: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// What the encoder aims at, in bits per second.
    pub bit_rate: f64,
    /// Codec we send with; `unknown` if empty.
    pub codec: String,
    /// Codec that came; that of ours if empty.
    pub received_codec: String,
    /// Operating system and client; `unknown` if empty.
    pub hardware: String,
}

impl CallReport {
    /// The `metrics` member of the hang-up. No member is ever null (N-34).
    #[must_use]
    pub fn to_json(&self) -> Json {
        let word = |text: &str| {
            if text.is_empty() {
                "unknown".to_owned()
            } else {
                text.to_owned()
            }
        };
        let received_codec = if self.received_codec.is_empty() {
            &self.codec
        } else {
            &self.received_codec
        };
        json!({
            "rtp-rxstat": {
                "Dur": finite(self.seconds), "Pkt": self.received, "Oct": self.received_bytes,
                "LatePkt": self.late, "LostPkt": self.lost, "AvgJit": finite(self.buffer_seconds),
                "VQMetrics": {
                    "VoRxCodec": word(received_codec),
                    // Constants of the original client, but for a call that had no media.
                    "VoPktSizeMs": if self.seconds > 0.0 { 20 } else { 0 },
                    "maxJitter": 0,
                    "VoOneWayDelayMs": finite(self.one_way_seconds),
                    "networkType": "unknown",
                    "hwType": word(&self.hardware),
                },
            },
            "rtp-txstat": {
                "Dur": finite(self.seconds), "Pkt": self.sent, "Oct": self.sent_bytes,
                "VQMetrics": { "VoTxCodec": word(&self.codec), "rtpBitRate": finite(self.bit_rate) },
            },
        })
    }
}

fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

/// Who calls, as far as the leg tells (calling 2.15).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// Display name.
    pub name: Option<String>,
    /// Number.
    pub number: Option<String>,
}

impl Caller {
    fn from_json(caller_id: Option<&Json>) -> Self {
        let part = |name: &str| {
            let header = caller_id
                .and_then(|id| id.get(name))
                .and_then(Value::as_str);
            header.map(Self::from_header).unwrap_or_default()
        };
        let (asserted, from) = (part("p-asserted-identity"), part("from"));
        Self {
            name: asserted.name.or(from.name),
            number: asserted.number.or(from.number),
        }
    }

    fn from_header(header: &str) -> Self {
        let name = header
            .split_once('<')
            .map(|(name, _)| name.replace('"', "").trim().to_owned())
            .filter(|name| !name.is_empty());
        let number = header
            .split_once(':')
            .and_then(|(_, rest)| rest.split_once('@'))
            .map(|(number, _)| number.replace('"', ""))
            .filter(|number| {
                !number.is_empty()
                    && number
                        .chars()
                        .all(|c| c.is_ascii_digit() || " ()*#+.-".contains(c))
            });
        Self { name, number }
    }
}

/// What a `mobius.…` event says.
#[derive(Debug, Clone, PartialEq)]
pub enum MobiusNews {
    /// A leg is set up.
    Call(Caller),
    /// Something about a leg that is up: held, resumed, other caller.
    MidCall,
    /// A media message.
    Media(RoapMessage),
    /// An outbound leg progresses.
    Progress,
    /// An outbound leg is connected; means nothing for an inbound one.
    Connected,
    /// The leg is over.
    Disconnected,
    /// An event we do not know.
    Other(String),
}

/// One event about a leg.
#[derive(Debug, Clone, PartialEq)]
pub struct MobiusEvent {
    /// What it says.
    pub news: MobiusNews,
    /// The far side's name of the leg.
    pub call_id: Option<String>,
    /// The device it is for.
    pub device_id: Option<String>,
    /// Our name of the leg, once the far side has learnt it.
    pub correlation_id: Option<String>,
    /// For log searches in the telephony core.
    pub broadworks: Option<String>,
}

impl MobiusEvent {
    /// Reads `data` of a Mercury frame.
    ///
    /// # Errors
    /// Why a `mobius.…` event cannot be used; `Ok(None)` if the event is not about calling.
    pub fn from_data(data: &Object) -> Result<Option<Self>, &'static str> {
        let Some(kind) = data.get("eventType").and_then(Value::as_str) else {
            return Err("an event without eventType");
        };
        let Some(kind) = kind.strip_prefix("mobius.") else {
            return Ok(None);
        };
        let news = match kind {
            "call" if data.get("midCallService").is_some_and(Value::is_array) => {
                MobiusNews::MidCall
            }
            "call" => MobiusNews::Call(Caller::from_json(data.get("callerId"))),
            "media" => {
                let message = data.get("message").and_then(RoapMessage::from_json);
                MobiusNews::Media(message.ok_or("mobius.media without a message")?)
            }
            "callprogress" => MobiusNews::Progress,
            "callconnected" => MobiusNews::Connected,
            "calldisconnected" => MobiusNews::Disconnected,
            other => MobiusNews::Other(other.to_owned()),
        };
        let text = |name: &str| {
            data.get(name)
                .and_then(Value::as_str)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
        };
        Ok(Some(Self {
            news,
            call_id: text("callId"),
            device_id: text("deviceId"),
            correlation_id: text("correlationId"),
            broadworks: text("broadworksCorrelationInfo"),
        }))
    }
}

fn filled<'a>(object: &'a Json, name: &str) -> Option<&'a str> {
    object
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_call_event_names_caller_device_and_leg() {
        let data = serde_json::from_str(include_str!("../fixtures/mobius-call.json")).unwrap();
        let event = MobiusEvent::from_data(&data).unwrap().unwrap();
        assert_eq!(
            event.news,
            MobiusNews::Call(Caller {
                name: Some("Pat Doe".into()),
                number: Some("+14085550100".into())
            })
        );
        assert_eq!(
            event.correlation_id, None,
            "an empty correlation id is none"
        );
    }

    #[test]
    fn calling_071_asserted_identity_wins_over_from() {
        let caller = Caller::from_json(Some(&json!({
            "p-asserted-identity": "\"A\" <sip:100@x>",
            "from": "\"B\" <sip:200@x>",
        })));
        assert_eq!(
            caller,
            Caller {
                name: Some("A".into()),
                number: Some("100".into())
            }
        );
    }

    #[test]
    fn a_number_with_letters_is_not_a_number_and_from_fills_in() {
        let caller = Caller::from_json(Some(&json!({
            "p-asserted-identity": "<sip:anonymous@x>",
            "from": "\"B\" <sip:(408) 555-0100@x>",
        })));
        assert_eq!(
            caller,
            Caller {
                name: Some("B".into()),
                number: Some("(408) 555-0100".into())
            }
        );
    }

    #[test]
    fn a_registration_answer_is_read() {
        let body =
            serde_json::from_str(include_str!("../fixtures/mobius-registration.json")).unwrap();
        let read = MobiusRegistration::from_json(&body).unwrap();
        assert_eq!(
            (read.keepalive_seconds, read.rehoming_max),
            (Some(30), Some(120))
        );
        assert_eq!(
            MobiusRegistration::from_json(&json!({ "device": {} })),
            None
        );
    }

    #[test]
    fn a_report_never_holds_null() {
        let report = CallReport {
            buffer_seconds: f64::NAN,
            ..CallReport::default()
        }
        .to_json();
        assert!(!report.to_string().contains("null"));
        assert_eq!(report["rtp-rxstat"]["VQMetrics"]["VoRxCodec"], "unknown");
    }

    #[test]
    fn events_of_other_services_are_none_and_broken_ones_an_error() {
        let other = json!({ "eventType": "janus.user_recent_sessions" });
        assert_eq!(MobiusEvent::from_data(other.as_object().unwrap()), Ok(None));
        let broken = json!({ "eventType": "mobius.media", "callId": "c" });
        assert!(MobiusEvent::from_data(broken.as_object().unwrap()).is_err());
    }
}
