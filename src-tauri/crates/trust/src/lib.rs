//! Whom the desk trusts: the platform's anchors, and the certificates the settings name.
//!
//! Both ways to the services, `routing` and `calling`, use the same rules. It knows no address and
//! opens no connection.
//!
//! Start reading at [`client_config`].

mod named;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::named::Named;

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused_with_its_name() {
        for name in ["Cargo.toml", "src/no-such-file.pem"] {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            let error = client_config(Some(&file)).unwrap_err().to_string();
            assert!(error.contains(&file.display().to_string()), "{error}");
        }
    }

    #[test]
    fn without_a_file_the_platform_decides() {
        client_config(None).unwrap();
    }
}
