//! Requests and sockets go the same way, through the same proxy.

use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use url::Url;

use super::net::{Authority, Manner, ProxyServer};
use crate::{Proxies, ProxyError, Reach, ReachError, TrustError};

const NAME: &str = "desk.test";
const PASSWORD: &str = "s3cret:p%ss";

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// Asks the host at the end of the proxy, once as a request and once as a socket would.
async fn ask(reach: &Reach) -> (Result<u16, String>, Result<(), ReachError>) {
    let at = url(&format!("https://{NAME}:8443/secret-path"));
    let client = reach.client().build().unwrap();
    let answer = client.get(at.clone()).send().await;
    let answer = answer
        .map(|answer| answer.status().as_u16())
        .map_err(|error| reach.explain(&at, &error.without_url()));
    let socket = reach.connect(&url(&format!("wss://{NAME}:8443/s"))).await;
    (answer, socket.map(drop))
}

async fn through(
    manner: Manner,
    credentials: &str,
) -> (Result<u16, String>, Result<(), ReachError>, ProxyServer) {
    let proxy = ProxyServer::start(manner).await;
    let setting = format!("http://{credentials}{}", proxy.at);
    let reach = Reach::new(None, Some(&setting)).unwrap();
    let (answer, socket) = ask(&reach).await;
    (answer, socket, proxy)
}

#[tokio::test]
async fn requests_and_sockets_are_tunnelled_by_connect() {
    let authority = Authority::new("ours");
    let server = authority.serve(NAME, (2020, 2040)).await;
    let proxy = ProxyServer::start(Manner::To(server)).await;
    let file = authority.file();
    let reach = Reach::new(Some(&file), Some(&format!("http://{}", proxy.at))).unwrap();
    let (answer, socket) = ask(&reach).await;
    assert_eq!(answer, Ok(200));
    socket.unwrap();
    let heads = proxy.heads();
    assert_eq!(heads.len(), 2);
    for head in heads {
        assert!(
            head.starts_with("CONNECT desk.test:8443 HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(!head.to_lowercase().contains("authorization"), "{head}");
    }
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_name_and_password_are_shown_to_the_proxy_as_basic() {
    let authority = Authority::new("ours");
    let server = authority.serve(NAME, (2020, 2040)).await;
    // agent:s3cret:p%ss
    let known = "proxy-authorization: Basic YWdlbnQ6czNjcmV0OnAlc3M=";
    let proxy = ProxyServer::start(Manner::ToKnown(server, known)).await;
    let file = authority.file();
    let setting = format!("http://agent:s3cret%3Ap%25ss@{}", proxy.at);
    let reach = Reach::new(Some(&file), Some(&setting)).unwrap();
    assert!(!format!("{reach:?}").contains("s3cret"));
    let (answer, socket) = ask(&reach).await;
    assert_eq!(answer, Ok(200));
    socket.unwrap();
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_is_named_without_the_one_it_refused() {
    let nobody = "127.0.0.1:9".parse().unwrap();
    for credentials in ["", "agent:s3cret%3Ap%25ss@"] {
        let (answer, socket, proxy) = through(Manner::ToKnown(nobody, "never"), credentials).await;
        for text in [answer.unwrap_err(), socket.unwrap_err().to_string()] {
            assert!(text.contains(&format!("http://{}", proxy.at)), "{text}");
            assert!(
                text.contains("407") && text.contains("HTTPS_PROXY"),
                "{text}"
            );
            assert!(
                !text.contains(PASSWORD) && !text.contains("s3cret"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_with_the_host_it_refuses() {
    let refusal = Manner::Answers("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let (answer, socket, proxy) = through(refusal, "").await;
    for text in [answer.unwrap_err(), socket.unwrap_err().to_string()] {
        assert!(
            text.contains(&format!("http://{} refuses", proxy.at)),
            "{text}"
        );
        assert!(
            text.contains(NAME) && !text.contains("secret-path"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_speaks_no_http_or_hangs_up_is_no_way() {
    for manner in [
        Manner::Answers("SSH-2.0-OpenSSH\r\n\r\n"),
        Manner::Answers("HTTP/1.1 20"),
        Manner::Answers(""),
    ] {
        let (answer, socket, proxy) = through(manner, "").await;
        let name = format!("http://{}", proxy.at);
        let text = socket.unwrap_err().to_string();
        assert!(
            text.contains(&name) && text.contains("[services] proxy"),
            "{text}"
        );
        let text = answer.unwrap_err();
        assert!(text.contains(&name), "{text}");
    }
}

#[tokio::test]
async fn a_proxy_that_hangs_is_given_up_and_named() {
    let proxy = ProxyServer::start(Manner::Hangs).await;
    let reach = Reach::new(None, Some(&format!("http://{}", proxy.at))).unwrap();
    let began = Instant::now();
    let (answer, socket) = ask(&reach).await;
    assert!(began.elapsed() < Duration::from_secs(25));
    let name = format!("http://{} cannot be reached", proxy.at);
    for text in [answer.unwrap_err(), socket.unwrap_err().to_string()] {
        assert!(text.contains(&name), "{text}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = gone.local_addr().unwrap();
    drop(gone);
    let reach = Reach::new(None, Some(&at.to_string())).unwrap();
    let (answer, socket) = ask(&reach).await;
    let name = format!("http://{at} cannot be reached");
    for text in [answer.unwrap_err(), socket.unwrap_err().to_string()] {
        assert!(text.contains(&name), "{text}");
    }
}

#[test]
fn this_machine_is_never_asked_through_a_proxy() {
    let proxies = Proxies::new(Some("http://proxy.test:3128")).unwrap();
    for here in [
        "http://127.0.0.1:8080/",
        "https://localhost/",
        "wss://127.9.9.9/",
        "ws://[::1]:1/",
    ] {
        assert_eq!(proxies.proxy_for(&url(here)).unwrap(), None, "{here}");
    }
    for there in [
        "https://desk.test/",
        "wss://10.0.0.1/",
        "https://localhost.test/",
    ] {
        let proxy = proxies.proxy_for(&url(there)).unwrap().unwrap();
        assert_eq!(proxy.to_string(), "http://proxy.test:3128", "{there}");
    }
}

#[test]
fn direct_means_no_proxy_at_all() {
    let proxies = Proxies::new(Some("direct")).unwrap();
    assert_eq!(proxies.proxy_for(&url("https://desk.test/")).unwrap(), None);
}

#[test]
fn a_proxy_we_cannot_speak_to_is_said_at_once_and_never_passed_by() {
    for setting in [
        "socks5://agent:s3cret@proxy.test:1080",
        "https://agent:s3cret@proxy.test",
    ] {
        let error = Reach::new(None, Some(setting)).unwrap_err();
        assert!(
            matches!(error, TrustError::Proxy(ProxyError::Unsupported { .. })),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("proxy.test") && !text.contains("s3cret"),
            "{text}"
        );
    }
    for setting in ["http://", "http://a b:1", "::"] {
        let error = Proxies::new(Some(setting)).unwrap_err();
        assert_eq!(error, ProxyError::Setting, "{setting}");
    }
}
