//! What came of a sign-in, in the words of the contract: kind, code, text and tracking id.

use deskline_account::{AccountError, WhyDevice};
use deskline_core::{CommandError, Kind};

/// What scripts and the window are told of a failed sign-in.
#[must_use]
pub fn failed(error: AccountError) -> CommandError {
    let kind = match &error {
        AccountError::NotSetUp
        | AccountError::NoSecret { .. }
        | AccountError::SecretFile { .. }
        | AccountError::PortsTaken(_)
        | AccountError::OtherAccount { .. }
        | AccountError::Trust(_) => Kind::Invalid,
        AccountError::TimedOut => Kind::Timeout,
        AccountError::Cancelled => Kind::Superseded,
        AccountError::Service(_) => Kind::Unreachable,
        AccountError::UnusableToken | AccountError::Keyring(_) => Kind::SignedOut,
        AccountError::Denied
        | AccountError::InvalidScope { .. }
        | AccountError::Refused { .. }
        | AccountError::OtherIssuer
        | AccountError::TryAgain { .. }
        | AccountError::SetUpWrong { .. }
        | AccountError::TooManyTokens { .. }
        | _ => Kind::Refused,
    };
    let mut told = CommandError::ours(kind, error.word(), error.to_string());
    if let AccountError::SetUpWrong { tracking_id, .. }
    | AccountError::TryAgain { tracking_id }
    | AccountError::TooManyTokens { tracking_id } = error
    {
        told.tracking_id = tracking_id;
    }
    told
}

/// Why another device is offered.
pub(super) fn device(why: WhyDevice) -> &'static str {
    match why {
        WhyDevice::NoAnswer => "noAnswer",
        WhyDevice::NoPort => "noPort",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_who_must_do_something() {
        let told = failed(AccountError::SetUpWrong {
            client_id: "C1".to_owned(),
            word: "invalid_client",
            tracking_id: "T1".to_owned(),
        });
        assert_eq!(
            (told.kind, told.code.as_str()),
            (Kind::Refused, "Deskline.SetUpWrong")
        );
        assert_eq!(told.tracking_id, "T1");
        assert!(told.text.contains("C1"), "{}", told.text);
        let told = failed(AccountError::OtherAccount { what: "user" });
        assert_eq!(
            (told.kind, told.code.as_str()),
            (Kind::Invalid, "Deskline.OtherUser")
        );
    }
}
