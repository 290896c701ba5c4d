//! Servers that show one of the named certificates themselves.
//!
//! The usual tools mark a self-signed certificate as an authority, and the library refuses an
//! authority as a server's own certificate. Whoever names exactly this certificate in the settings
//! means this server.

use std::fmt::Debug;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Asks `inner`, and forgives a named certificate that it is an authority. Its dates and the
/// server's name count as ever.
#[derive(Debug)]
pub(crate) struct Named<V> {
    inner: V,
    named: Vec<CertificateDer<'static>>,
}

impl<V> Named<V> {
    pub(crate) fn new(inner: V, named: Vec<CertificateDer<'static>>) -> Self {
        Self { inner, named }
    }
}

impl<V: ServerCertVerifier> ServerCertVerifier for Named<V> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verdict {
            Err(error) if is_authority(&error) && self.named.iter().any(|it| it == end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Whether the only objection is that the certificate is an authority. The dates are looked at
/// before that, the name is not.
fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(why)) = error else {
        return false;
    };
    // The library hands its reason on as an opaque error, whose text is its name.
    why.to_string().contains("CaUsedAsEndEntity")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
    use rustls::crypto::ring::default_provider;
    use rustls_platform_verifier::Verifier;

    use super::*;

    const YEAR: u64 = 365 * 24 * 3600;

    fn certificate(is_ca: IsCa) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.is_ca = is_ca;
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2028, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    fn authority() -> CertificateDer<'static> {
        certificate(IsCa::Ca(BasicConstraints::Unconstrained))
    }

    fn verdict(
        named: &CertificateDer<'static>,
        shown: &CertificateDer<'_>,
        server: &str,
        years_after_1970: u64,
    ) -> Result<ServerCertVerified, Error> {
        let provider = Arc::new(default_provider());
        let inner = Verifier::new_with_extra_roots([named.clone()], provider).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(years_after_1970 * YEAR));
        Named::new(inner, vec![named.clone()]).verify_server_cert(
            shown,
            &[],
            &ServerName::try_from(server.to_owned()).unwrap(),
            &[],
            now,
        )
    }

    #[test]
    fn a_server_may_show_the_named_certificate_itself() {
        let own = authority();
        verdict(&own, &own, "127.0.0.1", 57).unwrap();
        let own = certificate(IsCa::NoCa);
        verdict(&own, &own, "127.0.0.1", 57).unwrap();
    }

    #[test]
    fn its_name_its_dates_and_being_named_still_count() {
        let own = authority();
        verdict(&own, &own, "127.0.0.2", 57).unwrap_err();
        verdict(&own, &own, "example.test", 57).unwrap_err();
        verdict(&own, &own, "127.0.0.1", 50).unwrap_err();
        verdict(&own, &own, "127.0.0.1", 60).unwrap_err();
        verdict(&own, &authority(), "127.0.0.1", 57).unwrap_err();
    }
}
