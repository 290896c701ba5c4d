//! Ids as types, and where fresh ones come from.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text of an id.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as it stands on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The CI user id of an agent: what `Welcome` names.
    AgentId
);
id!(
    /// One contact as the centre knows it.
    InteractionId
);
id!(
    /// One call leg; the `callId` of the calling service.
    LegId
);
id!(
    /// A line registered with the calling service.
    DeviceId
);
id!(
    /// A device registered with the device service; owner of Mercury sockets.
    WdmId
);

/// A moment in ms since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment `ms` milliseconds later.
    pub fn after_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// A source of fresh ids; the same seed gives the same ids.
#[derive(Debug)]
pub(crate) struct Ids(StdRng);

impl Ids {
    /// Ids that follow from a seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// The next id, a version 4 UUID.
    pub(crate) fn next_id(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.0.random())
            .into_uuid()
            .to_string()
    }
}

/// A random id outside the model.
pub(crate) fn fresh() -> String {
    Uuid::new_v4().to_string()
}

/// The id that always belongs to a name of a kind, so that a restarted sandbox is the same centre.
pub(crate) fn named(kind: &str, name: &str) -> String {
    Uuid::new_v3(
        &Uuid::NAMESPACE_URL,
        format!("deskline-sandbox:{kind}:{name}").as_bytes(),
    )
    .to_string()
}
