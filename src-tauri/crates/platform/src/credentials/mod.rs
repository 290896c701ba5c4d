//! Tokens in the operating system's keyring, or in memory for this run; never in a file.
//!
//! [`Store`] is a set of small named secrets: the system's keyring, or memory.
//! [`Vault`] decides how a token of any length lies in it, and asks it off the caller's thread
//! with a time limit, because a locked keyring waits for a person.

mod native;
mod store;
mod vault;

pub use native::NativeStore;
pub use store::{CredentialError, EntryName, MemoryStore, Store};
pub use vault::{DEFAULT_PROFILE, Facts, Kept, Stored, Vault};
