//! Whom we trust: the platform's anchors and those of the settings.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::problem::RoutingError;

/// TLS settings for HTTP and sockets alike.
///
/// # Errors
/// [`RoutingError::Settings`] if the file of extra anchors cannot be read or holds none.
pub(crate) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, RoutingError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let extra = ca_file.map(anchors).transpose()?.unwrap_or_default();
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| RoutingError::settings(format!("TLS cannot be used: {error}")))?;
    let config = match Verifier::new_with_extra_roots(extra, provider) {
        Ok(verifier) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth(),
        Err(error) => {
            // A machine without anchors can still talk to itself; everything else is refused.
            tracing::warn!(%error, "no trust anchors: encrypted connections will be refused");
            builder
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth()
        }
    };
    Ok(config)
}

fn anchors(file: &Path) -> Result<Vec<CertificateDer<'static>>, RoutingError> {
    let unusable = |why: String| {
        RoutingError::settings(format!(
            "{} cannot be used as trust anchors: {why}",
            file.display()
        ))
    };
    let anchors = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(error.to_string()))?;
    if anchors.is_empty() {
        return Err(unusable("it holds no certificate".to_owned()));
    }
    Ok(anchors)
}
