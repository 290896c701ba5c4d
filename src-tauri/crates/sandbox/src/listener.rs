//! One listener for plain HTTP and TLS: the first byte decides (0x16 opens a TLS handshake).

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::director::HangUp;
use crate::http::{Door, Encrypted};

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// How long a connection may stay without a first byte.
const FIRST_BYTE_LIMIT: Duration = Duration::from_secs(30);

/// How long a TLS handshake, and the head of a request, may take.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// A certificate made for this run.
pub(crate) struct Certificate {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_file: PathBuf,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error("making the certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("using the certificate: {0}")]
    Use(#[from] tokio_rustls::rustls::Error),
    #[error("writing {0}: {1}")]
    Write(PathBuf, io::Error),
}

/// Makes a self-signed certificate for localhost and an address, and writes it to a file.
pub(crate) fn certificate(bind: IpAddr) -> Result<Certificate, CertificateError> {
    let names = vec![
        "localhost".to_owned(),
        "ds.ciscospark.com".to_owned(),
        "127.0.0.1".to_owned(),
        bind.to_string(),
    ];
    let made = rcgen::generate_simple_self_signed(names)?;
    let ca_file =
        std::env::temp_dir().join(format!("deskline-sandbox-{}.pem", crate::names::fresh()));
    std::fs::write(&ca_file, made.cert.pem())
        .map_err(|error| CertificateError::Write(ca_file.clone(), error))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Certificate {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        ca_file,
    })
}

/// Removes the certificate's file.
pub(crate) fn forget(ca_file: &Path) {
    // A file that is gone already is what is wanted.
    let _ = std::fs::remove_file(ca_file);
}

/// Accepts connections until told to stop.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    door: Door,
    stop: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
        };
        let (tls, router, stop) = (tls.clone(), router.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                // Open sockets say goodbye by themselves when the sandbox stops.
                () = async { stop.cancelled().await; tokio::time::sleep(Duration::from_millis(200)).await } => {}
                () = serve(stream, tls, router, door) => {}
            }
        });
    }
}

async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router, door: Door) {
    // Small frames must not wait for each other.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let mut first = [0_u8];
    match tokio::time::timeout(FIRST_BYTE_LIMIT, stream.peek(&mut first)).await {
        Ok(Ok(1)) => {}
        Ok(Ok(_) | Err(_)) | Err(_) => return,
    }
    match tls.filter(|_| first[0] == TLS_HANDSHAKE) {
        Some(acceptor) => match tokio::time::timeout(HEAD_LIMIT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => talk(stream, router, door, true).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake never ended"),
        },
        None => talk(stream, router, door, false).await,
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    router: Router,
    door: Door,
    tls: bool,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(Encrypted(tls));
        request.extensions_mut().insert(door);
        let answer = router.clone().oneshot(request);
        async move {
            let Ok(answer) = answer.await;
            // A service that is away does not answer: the connection ends.
            if answer.extensions().get::<HangUp>().is_some() {
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
            Ok(answer)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT);
    if let Err(error) = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await
    {
        tracing::debug!(%error, "connection ended");
    }
}
