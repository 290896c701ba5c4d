//! The switches of the centre: what Appendix A of `contact-center.md` calls scenario hooks that last.

use serde::{Deserialize, Serialize};

/// When the call leg rings relative to the frames of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RingOrder {
    /// After `AgentContactReserved` and `AgentOfferContact`.
    #[default]
    AfterOffer,
    /// Between the two.
    Between,
    /// Before the reservation.
    BeforeReservation,
}

/// Where `ContactEnded` stands at the end of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactEnded {
    /// Before `AgentWrapup`.
    #[default]
    BeforeWrapup,
    /// Right after `AgentWrapup`.
    AfterWrapup,
    /// After `AgentWrappedUp`.
    AfterWrappedUp,
    /// Not at all.
    Never,
}

/// What the agent profile says of automatic wrap-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoWrapUp {
    /// `autoWrapUp: false`.
    #[default]
    Off,
    /// `autoWrapUp: true` with `auto_wrap_after`.
    On,
    /// The field is left out: the trap of `observed-traffic.md` 13.1.
    Absent,
}

/// What the AI feature answer says of real-time transcripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AiFlags {
    /// `enable: false`.
    #[default]
    Off,
    /// `enable: true`.
    On,
    /// An empty list.
    Absent,
}

/// What a Mercury socket hears first after its authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MercuryHello {
    /// `mercury.buffer_state`.
    #[default]
    BufferState,
    /// `mercury.registration_status`, as later servers say.
    RegistrationStatus,
    /// Another event: clients must not take the socket for open.
    Other,
    /// Nothing.
    Nothing,
}

/// What becomes of Mercury pings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MercuryPong {
    /// A pong with the ping's id.
    #[default]
    Echo,
    /// No pong.
    Lost,
    /// A pong with a foreign id.
    Wrong,
}

/// The lasting switches; each is a key of `[settings]` and of the director's `configure`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Seconds until an unanswered offer goes elsewhere; a queue may say otherwise.
    pub ring_seconds: f64,
    /// Time between a command and the frames that confirm it, in ms.
    pub reaction_ms: u64,
    /// Order of reservation, offer and ringing leg.
    pub ring_order: RingOrder,
    /// Sends `mobius.media` before `mobius.call`.
    pub media_first: bool,
    /// Asks the client for an offer (`OFFER_REQUEST`) in place of offering.
    pub offer_request: bool,
    /// Where `ContactEnded` stands.
    pub contact_ended: ContactEnded,
    /// Whether calls are recorded.
    pub recording: bool,
    /// Seconds until a paused recording resumes by itself; 0 = never.
    pub pause_seconds: u64,
    /// Automatic wrap-up of the agent profile.
    pub auto_wrap_up: AutoWrapUp,
    /// `autoWrapAfterSeconds` as it is sent, whatever its unit.
    pub auto_wrap_after: f64,
    /// `allowAutoWrapUpExtension` of the agent profile.
    pub auto_wrap_up_cancellable: bool,
    /// Whether browser voice is enabled in the organisation.
    pub web_rtc_enabled: bool,
    /// `endCallEnabled` of the tenant.
    pub end_call_enabled: bool,
    /// `endConsultEnabled` of the tenant.
    pub end_consult_enabled: bool,
    /// `keepaliveInterval` of line registrations in seconds.
    pub keepalive_seconds: u64,
    /// Seconds of silence after which a notification socket is dropped.
    pub silence_seconds: f64,
    /// Seconds without call keepalive after which a leg ends.
    pub call_keepalive_seconds: u64,
    /// Delay of `Welcome` in ms.
    pub welcome_delay_ms: u64,
    /// Whether keepalives are echoed.
    pub keepalive_echo: bool,
    /// Whether failure frames carry the interaction (O-09).
    pub failure_with_interaction: bool,
    /// Whether a second registration of a device is refused with 403/101.
    pub one_device_per_agent: bool,
    /// Hosts named as primary in the list of calling servers: 1 or 2.
    pub mobius_primaries: usize,
    /// Hosts named as backup there: 0 to 2.
    pub mobius_backups: usize,
    /// `rehomingIntervalMin` of line registrations, in minutes.
    pub rehoming_min_minutes: u64,
    /// `rehomingIntervalMax` of line registrations, in minutes.
    pub rehoming_max_minutes: u64,
    /// Devices an agent may register at the device service; 0 = any number.
    pub wdm_device_limit: usize,
    /// What a Mercury socket hears first.
    pub mercury_hello: MercuryHello,
    /// What becomes of Mercury pings.
    pub mercury_pong: MercuryPong,
    /// AI flags of the organisation.
    pub ai: AiFlags,
    /// Time until a simulated telephone is lifted, in ms.
    pub phone_answers_ms: u64,
    /// Time until the called party of an outdial answers, in ms.
    pub outdial_answers_ms: u64,
    /// Calls an agent that many seconds after becoming Available.
    pub contact_after_available: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ring_seconds: 18.0,
            reaction_ms: 60,
            ring_order: RingOrder::default(),
            media_first: false,
            offer_request: false,
            contact_ended: ContactEnded::default(),
            recording: true,
            pause_seconds: 30,
            auto_wrap_up: AutoWrapUp::default(),
            auto_wrap_after: 30_000.0,
            auto_wrap_up_cancellable: true,
            web_rtc_enabled: true,
            end_call_enabled: true,
            end_consult_enabled: true,
            keepalive_seconds: 30,
            silence_seconds: 16.0,
            call_keepalive_seconds: 900,
            welcome_delay_ms: 0,
            keepalive_echo: true,
            failure_with_interaction: false,
            one_device_per_agent: false,
            mobius_primaries: 1,
            mobius_backups: 1,
            rehoming_min_minutes: 60,
            rehoming_max_minutes: 120,
            wdm_device_limit: 0,
            mercury_hello: MercuryHello::default(),
            mercury_pong: MercuryPong::default(),
            ai: AiFlags::default(),
            phone_answers_ms: 1_500,
            outdial_answers_ms: 800,
            contact_after_available: None,
        }
    }
}

/// Seconds as whole milliseconds; negative and not-a-number become 0.
pub(crate) fn ms(seconds: f64) -> u64 {
    let ms = (seconds * 1000.0).round();
    if ms.is_finite() && ms > 0.0 {
        ms as u64
    } else {
        0
    }
}
