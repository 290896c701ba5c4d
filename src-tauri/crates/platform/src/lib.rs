//! What the operating system keeps or shows for us: the keyring, notifications, the user's folders.
//!
//! It decides nothing about calls and knows no window. Everything here may be missing on a given
//! machine, and says so in an error the caller can show; nothing here is needed for a call.
//!
//! Start reading at [`credentials::Vault`] and [`notifications::Notifier`].

pub mod credentials;
pub mod folders;
pub mod notifications;
pub mod tray;
