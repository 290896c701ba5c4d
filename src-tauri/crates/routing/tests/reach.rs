//! Which host is asked, and what a stale catalog changes (calling 1.2).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    dead_code,
    missing_docs
)]

#[allow(dead_code)]
mod centre;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use centre::{Canned, Centre, Client};
use deskline_core::{Method, RequestId, Rest, RoutingFact, RoutingRequest};
use deskline_routing::Services;
use deskline_trust::Hosts;
use deskline_wire::{Json, json};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

const CATALOG: &str = "/u2c/api/v1/catalog";
const LIMITED: &str = "/u2c/api/v1/limited/catalog";
const RELOAD: &str = "/v1/agents/reload";

fn entry(host: &str, priority: i64) -> Json {
    json!({"host": host, "ttl": -1, "priority": priority, "id": "urn:TEAM:us:wcc-api-gateway"})
}

async fn signed_in(centre: &Centre, hosts: &Hosts) -> Client {
    let mut client = Client::of(
        Services {
            u2c: format!("{}/u2c/api/v1", centre.base),
            hosts: hosts.clone(),
            ..Services::default()
        },
        1.0,
    );
    client.ask(RoutingRequest::SignIn);
    client
        .until(|fact| match fact {
            RoutingFact::SignedIn(_) => Some(()),
            RoutingFact::SignInFailed(problem) => panic!("{problem:?}"),
            _ => None,
        })
        .await;
    client
}

/// An address of this machine where nobody listens.
async fn nobody() -> String {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    gone.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_failed_host_is_marked_and_the_next_is_asked() {
    let centre = Centre::start().await;
    let (dead, alive) = (nobody().await, centre.base.replace("http://", ""));
    let body = json!({
        "serviceLinks": {"wcc-api-gateway": format!("http://{dead}")},
        "hostCatalog": {dead.clone(): [entry(&dead, 1), entry(&alive, 2)]},
    });
    centre.set(CATALOG, Canned::json(200, body));
    let _client = signed_in(&centre, &Hosts::default()).await;
    assert_eq!(centre.seen("/v1/notification/subscribe").len(), 1);
}

#[tokio::test]
async fn a_stale_catalog_is_fetched_anew_and_the_old_one_stays_until_then() {
    let (old, new) = (Centre::start().await, Centre::start().await);
    let hosts = Hosts::default();
    let client = signed_in(&old, &hosts).await;
    let mut catalog = hosts.catalog();
    let before = catalog.borrow_and_update().clone();

    old.set(CATALOG, Canned::json(503, json!({})));
    hosts.invalidate(Some("1763800000001".to_owned()));
    old.until("the catalog is asked for again", |inner| {
        inner
            .seen
            .iter()
            .filter(|seen| seen.target.contains("timestamp="))
            .count()
            == 1
    })
    .await;
    assert_eq!(*hosts.catalog().borrow(), before);

    let links = json!({"serviceLinks": {"wcc-api-gateway": new.base}, "hostCatalog": {}});
    old.set(CATALOG, Canned::json(200, links));
    hosts.invalidate(Some("1763800000002".to_owned()));
    tokio::time::timeout(Duration::from_secs(5), catalog.changed())
        .await
        .unwrap()
        .unwrap();
    let wanted = "/catalog?format=hostmap&timestamp=1763800000002";
    assert!(
        old.targets().iter().any(|target| target.ends_with(wanted)),
        "{:?}",
        old.targets()
    );
    // The socket stays; what is asked from now on goes to the new place.
    let rest = Rest {
        method: Method::Get,
        path: RELOAD.to_owned(),
        body: None,
    };
    client.ask(RoutingRequest::Send(RequestId(1), rest));
    new.until("the new gateway is asked", |inner| {
        inner.seen.iter().any(|seen| seen.target == RELOAD)
    })
    .await;
    assert!(old.seen(RELOAD).is_empty());
    assert_eq!(old.seen(LIMITED).len(), 1, "asked once, at sign-in");
}

#[tokio::test]
async fn the_whole_session_goes_through_the_proxy_to_a_server_of_our_own_authority() {
    let centre = Centre::start().await;
    centre.set(
        CATALOG,
        Canned::json(
            200,
            json!({"serviceLinks": {"wcc-api-gateway": "https://desk.test"}}),
        ),
    );
    let socket = json!({"webSocketUrl": "wss://desk.test/ws/1"});
    centre.set("/v1/notification/subscribe", Canned::json(200, socket));
    let (front, ca_file) = front(centre.base.replace("http://", "").parse().unwrap()).await;
    let (proxy, heads) = proxy(front).await;
    let mut client = Client::of(
        Services {
            u2c: "https://desk.test/u2c/api/v1".to_owned(),
            proxy: Some(format!("http://agent:secret@{proxy}")),
            ca_file: Some(ca_file.clone()),
            ..Services::default()
        },
        1.0,
    );
    client.ask(RoutingRequest::SignIn);
    client
        .until(|fact| match fact {
            RoutingFact::SignedIn(_) => Some(()),
            RoutingFact::SignInFailed(problem) => panic!("{problem:?}"),
            _ => None,
        })
        .await;
    let heads = heads.lock().unwrap().clone();
    assert!(heads.len() >= 2, "requests and the socket: {heads:?}");
    for head in heads {
        assert!(head.starts_with("CONNECT desk.test:443 "), "{head}");
        let head = head.to_lowercase();
        assert!(
            head.contains("proxy-authorization: basic ywdlbnq6c2vjcmv0"),
            "{head}"
        );
    }
    std::fs::remove_file(ca_file).unwrap();
}

/// TLS as `desk.test` in front of `centre`, and the file with the authority that signed for it.
async fn front(centre: SocketAddr) -> (SocketAddr, PathBuf) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let file = std::env::temp_dir().join(format!("deskline-reach-{}.pem", std::process::id()));
    std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["desk.test".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2090, 1, 1);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
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
                let mut near = acceptor.accept(stream).await.unwrap();
                let mut far = TcpStream::connect(centre).await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (at, file)
}

/// A proxy that knows `desk.test`, and what it was asked.
async fn proxy(front: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(near.read_u8().await.unwrap());
                }
                seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                let mut far = TcpStream::connect(front).await.unwrap();
                near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (at, heads)
}
