//! Identifiers. All are opaque texts of the far side, but for the two we count ourselves.

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// One contact as the routing service knows it.
    InteractionId
);
text_id!(
    /// One leg as the calling service knows it (`callId`, calling 0.3).
    CallId
);
text_id!(
    /// The agent: the CI user id that the Welcome frame names.
    AgentId
);
text_id!(
    /// The organisation.
    OrgId
);
text_id!(
    /// A team of the agent.
    TeamId
);
text_id!(
    /// What ties a request of ours, or a frame, to the far side's log.
    TrackingId
);

/// One question asked by the window or a script; it has exactly one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub u64);

/// One HTTP request asked of `routing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);
