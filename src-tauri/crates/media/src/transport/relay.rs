//! Relays (TURN) for networks that let nothing through directly.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use deskline_core::Secret;
use tokio_rustls::rustls::ClientConfig;

/// Where media may be relayed, and as whom.
#[derive(Debug, Clone)]
pub struct Relays {
    /// The relays, all of which are asked for every call.
    pub urls: Vec<RelayUrl>,
    /// The name they know us by.
    pub username: String,
    /// And the password.
    pub password: Secret,
    /// Whether nothing may go directly.
    pub only: bool,
    /// For those that are reached by TLS.
    pub tls: Arc<ClientConfig>,
}

/// One relay, by its address (RFC 7065).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayUrl {
    /// Name or address.
    pub host: String,
    /// Its port; 3478, or 5349 for TLS, if the address names none.
    pub port: u16,
    /// How packets get to it.
    pub transport: RelayTransport,
}

/// How packets get to a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayTransport {
    /// As datagrams.
    Udp,
    /// In a stream.
    Tcp,
    /// In an encrypted stream.
    Tls,
}

/// Why an address names no relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must be like turn:HOST:PORT, turn:HOST:PORT?transport=tcp or turns:HOST:PORT?transport=tcp"
)]
pub struct NoRelay;

impl FromStr for RelayUrl {
    type Err = NoRelay;

    fn from_str(text: &str) -> Result<Self, NoRelay> {
        let (scheme, rest) = text.split_once(':').ok_or(NoRelay)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let transport = match (scheme, query) {
            ("turn", "" | "transport=udp") => RelayTransport::Udp,
            ("turn", "transport=tcp") => RelayTransport::Tcp,
            ("turns", "" | "transport=tcp") => RelayTransport::Tls,
            _ => return Err(NoRelay),
        };
        let usual = match transport {
            RelayTransport::Udp | RelayTransport::Tcp => 3478,
            RelayTransport::Tls => 5349,
        };
        let (host, port) = match place.rsplit_once(':') {
            // The colons of an IPv6 address stand inside brackets.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| NoRelay)?)
            }
            Some(_) | None => (place, usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-:".contains(letter);
        if host.is_empty() || port == 0 || !host.chars().all(is_plain) {
            return Err(NoRelay);
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            transport,
        })
    }
}

impl Relays {
    /// What the library is told: it speaks to relays by datagrams alone. One that is reached by a stream gets an
    /// address nobody has (it is one for documentation); what is sent there goes through a [`super::tunnel::Tunnel`].
    pub(super) fn for_the_library(&self) -> Vec<String> {
        let told = |(index, relay): (usize, &RelayUrl)| match relay.transport {
            RelayTransport::Udp => {
                let host = match relay.host.contains(':') {
                    true => format!("[{}]", relay.host),
                    false => relay.host.clone(),
                };
                format!("turn:{host}:{}?transport=udp", relay.port)
            }
            RelayTransport::Tcp | RelayTransport::Tls => {
                format!("turn:{}?transport=udp", invented(index))
            }
        };
        self.urls.iter().enumerate().map(told).collect()
    }

    /// The relay behind an invented address.
    pub(super) fn behind(&self, address: SocketAddr) -> Option<&RelayUrl> {
        let at = |(index, _): &(usize, &RelayUrl)| invented(*index) == address;
        let (_, relay) = self.urls.iter().enumerate().find(at)?;
        (relay.transport != RelayTransport::Udp).then_some(relay)
    }
}

fn invented(index: usize) -> SocketAddr {
    let last = u8::try_from(index + 1).unwrap_or(u8::MAX);
    SocketAddr::from(([198, 51, 100, last], 3478))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_is_read_from_its_address() {
        let relay = |text: &str| {
            text.parse::<RelayUrl>()
                .map(|url| (url.host, url.port, url.transport))
        };
        let (udp, tcp, tls) = (
            RelayTransport::Udp,
            RelayTransport::Tcp,
            RelayTransport::Tls,
        );
        for (text, host, port, transport) in [
            ("turn:relay.example", "relay.example", 3478, udp),
            ("turn:10.0.0.1:99?transport=udp", "10.0.0.1", 99, udp),
            (
                "turn:relay.example?transport=tcp",
                "relay.example",
                3478,
                tcp,
            ),
            ("turns:relay.example", "relay.example", 5349, tls),
            (
                "turns:[2001:db8::1]:443?transport=tcp",
                "2001:db8::1",
                443,
                tls,
            ),
            ("turn:[2001:db8::1]", "2001:db8::1", 3478, udp),
        ] {
            assert_eq!(
                relay(text),
                Ok((host.to_owned(), port, transport)),
                "{text}"
            );
        }
        for text in [
            "",
            "relay.example",
            "stun:relay.example",
            "turns:relay.example?transport=udp",
            "turn:relay.example:0",
            "turn:relay.example:x",
            "turn::3478",
            "turn:a/b",
            "https://relay.example",
        ] {
            assert_eq!(relay(text), Err(NoRelay), "{text}");
        }
    }

    #[test]
    fn a_relay_behind_a_stream_has_an_invented_address_for_the_library() {
        let urls = ["turn:[::1]:1", "turns:relay.example:443"];
        let relays = Relays {
            urls: urls.iter().map(|url| url.parse().unwrap()).collect(),
            username: "me".to_owned(),
            password: Secret::new("never told".to_owned()),
            only: false,
            tls: tls(),
        };
        assert_eq!(
            relays.for_the_library(),
            [
                "turn:[::1]:1?transport=udp",
                "turn:198.51.100.2:3478?transport=udp"
            ]
        );
        let behind = |text: &str| relays.behind(text.parse().unwrap()).map(|url| url.port);
        assert_eq!(behind("198.51.100.2:3478"), Some(443));
        assert_eq!(behind("198.51.100.1:3478"), None, "that one has an address");
        assert_eq!(behind("198.51.100.3:3478"), None);
        assert!(!format!("{relays:?}").contains("never told"));
    }

    fn tls() -> Arc<ClientConfig> {
        let none = tokio_rustls::rustls::RootCertStore::empty();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        Arc::new(
            ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(none)
                .with_no_client_auth(),
        )
    }
}
