//! A connectivity check of our own, made from the library's last one (RFC 8445, 7.2; RFC 8489).

use rtc::crypto::RTCCryptoProvider;
use rtc::shared::error::Error;
use rtc::stun::attributes::{
    ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME,
};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{
    BINDING_REQUEST, BINDING_SUCCESS, Message, MessageType, Setter as _, TransactionId,
    is_stun_message,
};

/// The highest priority there is (RFC 8445, 5.1.2).
const HIGHEST: u32 = i32::MAX as u32;

/// What a packet of a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A connectivity check.
    Check,
    /// The answer to one: the far side has had our packet.
    Answer,
    /// Something else of STUN.
    Other,
    /// Sound or a report about it, protected. The handshake before it is none of these.
    Media,
}

/// Tells packets apart by their first bytes (RFC 7983).
pub(super) fn kind(packet: &[u8]) -> Kind {
    match packet {
        [0..=3, ..] if is_stun_message(packet) => {
            let mut kind = MessageType::default();
            kind.read_value(u16::from_be_bytes([packet[0], packet[1]]));
            match kind {
                BINDING_REQUEST => Kind::Check,
                BINDING_SUCCESS => Kind::Answer,
                _ => Kind::Other,
            }
        }
        [128..=191, ..] => Kind::Media,
        _ => Kind::Other,
    }
}

/// A check like `last`, which the library sent: the same names, a new transaction, and a nomination if we are the one
/// who nominates. Of two nominated addresses a lite far side takes the one of higher priority (RFC 8445, 8.1.2), so
/// every address is `raised` above the one before it.
///
/// # Errors
/// What the library finds wrong with `last`.
pub(super) fn renewed(
    last: &[u8],
    password: &str,
    raised: u32,
    crypto: &dyn RTCCryptoProvider,
) -> Result<Vec<u8>, Error> {
    let mut old = Message::new();
    old.unmarshal_binary(last)?;
    let mut new = Message::new();
    new.build(&[Box::new(BINDING_REQUEST), Box::new(TransactionId::new())])?;
    new.add(ATTR_USERNAME, &old.get(ATTR_USERNAME)?);
    if let Ok(tie_breaker) = old.get(ATTR_ICE_CONTROLLING) {
        new.add(ATTR_USE_CANDIDATE, &[]);
        new.add(ATTR_ICE_CONTROLLING, &tie_breaker);
    } else {
        new.add(ATTR_ICE_CONTROLLED, &old.get(ATTR_ICE_CONTROLLED)?);
    }
    let priority: [u8; 4] = old
        .get(ATTR_PRIORITY)?
        .try_into()
        .map_err(|_| Error::Other("a priority has four bytes".to_owned()))?;
    let priority = u32::from_be_bytes(priority).saturating_add(raised);
    new.add(ATTR_PRIORITY, &priority.min(HIGHEST).to_be_bytes());
    MessageIntegrity::new_short_term_integrity_with_provider(password.to_owned(), crypto.crypto())
        .add_to(&mut new)?;
    FINGERPRINT.add_to(&mut new)?;
    Ok(new.raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(role: rtc::stun::attributes::AttrType) -> Vec<u8> {
        let mut message = Message::new();
        message
            .build(&[Box::new(BINDING_REQUEST), Box::new(TransactionId::new())])
            .unwrap();
        message.add(ATTR_USERNAME, b"their:ours");
        message.add(role, &7_u64.to_be_bytes());
        message.add(ATTR_PRIORITY, &9_u32.to_be_bytes());
        message.raw
    }

    #[test]
    fn a_renewed_check_is_signed_and_nominates_only_as_the_one_who_may() {
        let crypto = rtc::crypto::default_provider().unwrap();
        for (role, nominates) in [(ATTR_ICE_CONTROLLING, true), (ATTR_ICE_CONTROLLED, false)] {
            let last = check(role);
            let raw = renewed(&last, "secret", 3, &*crypto).unwrap();
            assert_eq!(kind(&raw), Kind::Check);
            assert_ne!(raw[8..20], last[8..20], "another transaction");
            let mut message = Message::new();
            message.unmarshal_binary(&raw).unwrap();
            assert_eq!(message.get(ATTR_USERNAME).unwrap(), b"their:ours");
            assert_eq!(message.get(ATTR_PRIORITY).unwrap(), 12_u32.to_be_bytes());
            assert_eq!(message.contains(ATTR_USE_CANDIDATE), nominates);
            FINGERPRINT.check(&message).unwrap();
            assert!(MessageIntegrity::check(&mut message, b"secret", crypto.crypto()).is_ok());
            assert!(MessageIntegrity::check(&mut message, b"wrong", crypto.crypto()).is_err());
        }
    }

    #[test]
    fn nonsense_is_no_model_for_a_check() {
        let crypto = rtc::crypto::default_provider().unwrap();
        assert!(renewed(&[], "secret", 0, &*crypto).is_err());
        assert!(renewed(&[0; 40], "secret", 0, &*crypto).is_err());
    }

    #[test]
    fn packets_are_told_apart() {
        assert_eq!(kind(&[]), Kind::Other);
        assert_eq!(kind(&[0x80, 111, 0, 1]), Kind::Media);
        assert_eq!(kind(&[22, 254, 253]), Kind::Other, "a handshake");
        assert_eq!(kind(&[0, 1]), Kind::Other);
        assert_eq!(kind(&check(ATTR_ICE_CONTROLLING)), Kind::Check);
    }
}
