//! How the services are reached: whom the desk trusts, which proxy stands between, and which host
//! of the catalog is asked.
//!
//! `routing`, `calling` and `identity` share these rules, for requests and sockets alike. It knows
//! no protocol beyond `CONNECT`, no token and no service by itself.
//!
//! Start reading at [`Reach`], then [`Hosts`].

mod hosts;
mod named;
mod proxy;
mod reach;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

pub use crate::hosts::{Hosts, Stale};
use crate::named::Named;
pub use crate::proxy::{Proxies, Proxy, ProxyError};
pub use crate::reach::{Reach, ReachError};

/// Why no TLS settings could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The file of extra anchors cannot be used.
    #[error("{} cannot be used as trust anchors: {why}", file.display())]
    Anchors {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The proxy of the settings cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

/// TLS settings for HTTP and sockets alike: the platform's anchors, and those in `ca_file`
/// (headless section 6). A server may also show a certificate of that file itself, as one that
/// signed its own does.
///
/// # Errors
/// [`TrustError`] if the file cannot be read, holds no certificate, or holds an unusable one.
pub fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let named = ca_file.map(anchors).transpose()?.unwrap_or_default();
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    let config = match (
        Verifier::new_with_extra_roots(named.iter().cloned(), provider),
        ca_file,
    ) {
        (Ok(verifier), _) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Named::new(verifier, named)))
            .with_no_client_auth(),
        (Err(error), Some(file)) => return Err(unusable(file, &error)),
        (Err(error), None) => {
            // A machine without anchors can still talk to itself; everything else is refused.
            tracing::warn!(%error, "no trust anchors: encrypted connections will be refused");
            builder
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth()
        }
    };
    Ok(config)
}

fn anchors(file: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let anchors = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(file, &error))?;
    if anchors.is_empty() {
        return Err(unusable(file, &"it holds no certificate"));
    }
    Ok(anchors)
}

fn unusable(file: &Path, why: &dyn std::fmt::Display) -> TrustError {
    TrustError::Anchors {
        file: file.to_owned(),
        why: why.to_string(),
    }
}
