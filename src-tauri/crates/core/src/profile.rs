//! The agent profile and how it is assembled (contact-center 5.6).

use deskline_wire::Json;

pub mod assemble;

pub use assemble::{BadAnswer, Fetched, assemble};

/// What the tenant gets without a setting of its own (contact-center 5.6).
pub const DEFAULT_RECOVERY_LIMIT_MS: u64 = 50_000;

/// An idle or wrap-up code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuxCode {
    /// Id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Made by the system.
    pub is_system: bool,
    /// Preselected.
    pub is_default: bool,
}

/// What wrap-up is like for this agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrapUpRules {
    /// `autoWrapUp`; `None` if the centre did not say.
    pub auto_wrapup: Option<bool>,
    /// Interval in milliseconds; `None` if missing or not positive (O-08, Appendix B: ≥ 1000 is ms, below is seconds).
    pub interval_ms: Option<u64>,
    /// Whether the agent may keep wrap-up open.
    pub allow_cancel: bool,
}

/// The agent profile. `json` is what scripts are shown, under the names of contact-center 5.6.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// The whole profile under its public names.
    pub json: Json,
    /// `agentProfileId`, needed by the buddy list.
    pub agent_profile_id: String,
    /// Full name.
    pub agent_name: String,
    /// Teams: id and name.
    pub teams: Vec<(String, String)>,
    /// `loginVoiceOptions`.
    pub voice_options: Vec<String>,
    /// Whether voice in this client is allowed.
    pub web_rtc_enabled: bool,
    /// Idle codes, Available (`"0"`) last.
    pub idle_codes: Vec<AuxCode>,
    /// Wrap-up codes.
    pub wrapup_codes: Vec<AuxCode>,
    /// Wrap-up rules.
    pub wrap_up: WrapUpRules,
    /// The agent's number or extension to suggest.
    pub default_dn: Option<String>,
    /// Dial-plan patterns; `None` without a dial plan.
    pub dial_plan: Option<Vec<String>>,
    /// Entry point for outdial.
    pub outdial_ep: Option<String>,
    /// Caller number list.
    pub outdial_ani_id: Option<String>,
    /// Address book.
    pub address_book_id: Option<String>,
    /// Whether outdial is allowed (tenant and agent).
    pub is_outdial_enabled: bool,
    /// Whether the agent may end calls.
    pub is_end_call_enabled: bool,
    /// Whether the agent may end consults.
    pub is_end_consult_enabled: bool,
    /// Milliseconds until a silent connection counts as failed.
    pub recovery_limit_ms: u64,
}

impl Profile {
    /// Whether the agent may consult a queue; allowed unless the centre says no (contact-center 5.6).
    #[must_use]
    pub fn is_consult_to_queue_enabled(&self) -> bool {
        self.json
            .get("allowConsultToQueue")
            .is_none_or(|flag| flag.is_null() || deskline_wire::truth(Some(flag)))
    }
}

/// Milliseconds out of a tenant's number that may mean either unit: below 1000 it is seconds
/// (contact-center O-08, O-14, Appendix B). `None` if it is missing, not a number or not positive.
#[must_use]
pub fn either_unit_ms(value: Option<&Json>) -> Option<u64> {
    let number = match value? {
        Json::Number(number) => number.as_f64()?,
        Json::String(text) => text.trim().parse().ok()?,
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    if !number.is_finite() || number <= 0.0 {
        return None;
    }
    let ms = if number < 1000.0 {
        number * 1000.0
    } else {
        number
    };
    // A float beyond u64 saturates, which here means "practically never": that is what was said.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let ms = ms.round() as u64;
    Some(ms).filter(|ms| *ms > 0)
}
