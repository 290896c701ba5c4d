//! A CONNECT proxy and a TLS server, as small as they can be.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a proxy does with those who ask.
#[derive(Clone)]
pub(super) enum Manner {
    /// Connects to this address, whatever the name: it is the only one that knows the name.
    To(SocketAddr),
    /// The same, for those who say who they are.
    ToKnown(SocketAddr, &'static str),
    /// Answers this and closes.
    Answers(&'static str),
    /// Takes the request and stays silent.
    Hangs,
}

pub(super) struct ProxyServer {
    pub(super) at: SocketAddr,
    /// Every head it was asked with.
    pub(super) heads: Arc<Mutex<Vec<String>>>,
}

impl ProxyServer {
    pub(super) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manner.clone(), seen.clone()));
            }
        });
        Self { at, heads }
    }

    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    let target = match manner {
        Manner::To(target) => target,
        Manner::ToKnown(target, known) if head.to_lowercase().contains(&known.to_lowercase()) => {
            target
        }
        Manner::ToKnown(..) => {
            let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(refusal.as_bytes()).await.unwrap();
            return;
        }
        Manner::Answers(answer) => {
            stream.write_all(answer.as_bytes()).await.unwrap();
            return;
        }
        Manner::Hangs => std::future::pending().await,
    };
    let mut far = TcpStream::connect(target).await.unwrap();
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .unwrap();
    let _ = copy_bidirectional(&mut stream, &mut far).await;
}

/// An authority of our own.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Its certificate as a file.
    pub(super) fn file(&self) -> PathBuf {
        let name = format!("deskline-trust-{}-{:p}.pem", std::process::id(), self);
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, &self.pem).unwrap();
        file
    }

    /// A server for `name` that answers every request over TLS with `200 {}`, and every
    /// upgrade with a websocket that says "hello".
    pub(super) async fn serve(&self, name: &str, years: (i32, i32)) -> SocketAddr {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut start = [0; 5];
                    stream.read_exact(&mut start).await.unwrap();
                    if &start == b"GET /" {
                        let answer =
                            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
                        stream.write_all(answer).await.unwrap();
                        let _ = stream.shutdown().await;
                    }
                });
            }
        });
        at
    }
}
