//! Every TLS failure has its own words; none is passed over in silence.

use std::path::Path;

use tokio_tungstenite::{Connector, client_async_tls_with_config};
use url::Url;

use super::net::Authority;
use crate::{Reach, client_config};

/// What a request and a socket say of the server at this port.
async fn words(reach: &Reach, host: &str, port: u16) -> [String; 2] {
    let at = Url::parse(&format!("https://{host}:{port}/secret-path")).unwrap();
    let answer = reach.client().build().unwrap().get(at.clone()).send().await;
    let request = match answer {
        Ok(answer) => answer.status().to_string(),
        Err(error) => reach.explain(&at, &error.without_url()),
    };
    let at = Url::parse(&format!("wss://{host}:{port}/secret-path")).unwrap();
    let stream = reach.connect(&at).await.unwrap();
    let connector = Connector::Rustls(reach.tls().clone());
    let opened = client_async_tls_with_config(at.as_str(), stream, None, Some(connector)).await;
    [request, reach.explain(&at, &opened.unwrap_err())]
}

#[tokio::test]
async fn each_failure_says_what_is_wrong_and_what_to_do() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let file = ours.file();
    let reach = Reach::new(Some(&file), Some("direct")).unwrap();
    let good = ours.serve("127.0.0.1", (2020, 2040)).await.port();
    assert_eq!(words(&reach, "127.0.0.1", good).await[0], "200 OK");
    let cases = [
        (ours.serve("127.0.0.1", (2020, 2021)).await, "has expired"),
        (
            ours.serve("127.0.0.1", (2090, 2095)).await,
            "is not valid yet",
        ),
        (
            ours.serve("desk.test", (2020, 2040)).await,
            "belongs to another name",
        ),
        (
            theirs.serve("127.0.0.1", (2020, 2040)).await,
            "[services] ca_file",
        ),
    ];
    for (server, said) in cases {
        for text in words(&reach, "127.0.0.1", server.port()).await {
            assert!(text.contains(said) && text.contains("127.0.0.1"), "{text}");
            assert!(!text.contains("secret-path"), "{text}");
        }
    }
    std::fs::remove_file(file).unwrap();
}

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
