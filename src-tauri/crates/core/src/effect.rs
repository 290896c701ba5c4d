//! Everything the desk asks of the outside world.

use std::sync::Arc;

use deskline_wire::{Catalog, Json};

use crate::{
    CallId, CallSample, CommandError, CommandId, Event, Metric, RequestId, SdpKind, VoiceSettings,
};

/// One thing to do now; the order within one answer matters.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Tell everybody who listens; the desk already shows the new truth.
    Publish(Box<Event>),
    /// The outcome of a command; always after what it changed was published.
    Settle(CommandId, Box<Result<Json, CommandError>>),
    /// For `routing`.
    Routing(RoutingRequest),
    /// For `calling`.
    Calling(CallingRequest),
    /// For `media`.
    Media(MediaRequest),
    /// A diagnostic event; it stays on this machine.
    Measure(Box<Metric>),
}

/// HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
}

/// One REST call to the routing gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Rest {
    /// Method.
    pub method: Method,
    /// Path below the gateway, with query, as contact-center section 5 writes it.
    pub path: String,
    /// JSON body.
    pub body: Option<Json>,
}

/// What `routing` is asked to do.
#[derive(Debug, Clone)]
pub enum RoutingRequest {
    /// Open the session: catalog, subscription, socket, Welcome, profile.
    SignIn,
    /// Close the socket for good; no logout.
    SignOut,
    /// Send one REST call; answered by `Answered` or `Refused` with the same id.
    Send(RequestId, Rest),
    /// Send one REST call to the AI assistant, on its own host; answered like `Send`.
    Assist(RequestId, Rest),
    /// Try to reconnect now instead of at the next attempt.
    TryNow,
    /// The machine slept: no socket from before counts; open another now.
    Woke,
    /// The tenant's limit until a silent connection counts as failed (O-14).
    RecoveryLimit(std::time::Duration),
}

/// Why a leg is hung up (calling 2.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HangUpCause {
    /// The agent declined, or it never connected: 115 after all, or 0 once connected; `calling` knows.
    ByState,
    /// 131 `Media Inactivity.`
    MediaInactivity,
}

/// What `calling` is asked to do.
#[derive(Debug, Clone)]
pub enum CallingRequest {
    /// Get a device and open the event socket.
    Connect(Arc<Catalog>),
    /// Register the line (idempotent: a live registration is kept, N-23).
    Register,
    /// The same after a relogin, when nobody asks again: also answered in time, but attempts that
    /// may still succeed go on (N-37).
    Restore,
    /// Deregister the line; cancels whatever registration is under way (N-21).
    Deregister,
    /// Close the event socket and delete the device.
    Disconnect,
    /// The agent answers this leg: signal connected, then send our description.
    Answer(CallId),
    /// Our description for this leg, or why there is none.
    Local(CallId, SdpKind, Result<String, String>),
    /// End, reject or clean up this leg.
    HangUp(CallId, HangUpCause),
    /// The machine slept: verify device, event socket and line now.
    Woke,
    /// Latest statistics of this leg, for the hang-up report (calling 3.13).
    Statistics(CallId, Box<CallSample>),
}

/// What `media` is asked to do.
#[derive(Debug, Clone)]
pub enum MediaRequest {
    /// Take their offer and make our answer; opens the microphone the first time.
    Answer(CallId, String),
    /// Make our offer.
    Offer(CallId),
    /// Take their answer to our offer.
    Remote(CallId, String),
    /// Microphone off or on.
    Mute(CallId, bool),
    /// Send tones: 0–9 * # A–D, comma is a pause of two seconds.
    Digits(CallId, String),
    /// The leg is over: close its path and its microphone.
    Close(CallId),
    /// Ring (or stop ringing) on the ring device.
    Ring(bool),
    /// One short tone in the headset: a call was answered without the agent (contact-center 8.10).
    Beep,
    /// Treat the sound of the microphone with this name so; an empty name stands for every other microphone.
    Voice(String, VoiceSettings),
    /// Play the far end without noise removal, or with it again.
    HearOriginal(bool),
}
