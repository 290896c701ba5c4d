//! Nothing that must stay secret is in a log, an error or a state, whatever happens.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deskline_account::{Account, Flow, Prompt, Setup};
use deskline_core::Secret;
use deskline_identity::{ClientAuth, Settings};
use deskline_platform::credentials::Vault;
use deskline_sandbox::{Options, Sandbox};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn settings(sandbox: &Sandbox, secret: &str) -> Settings {
    let account = sandbox.account();
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    let url = |name: &str| Url::parse(&text(name)).unwrap();
    Settings {
        client_id: text("clientId"),
        client_secret: Some(Secret::new(secret)),
        client_auth: ClientAuth::Basic,
        scopes: vec!["cjp:user".to_owned()],
        authorize_url: url("authorizeUrl"),
        token_url: url("tokenUrl"),
        device_authorize_url: url("deviceAuthorizeUrl"),
        device_token_url: url("deviceTokenUrl"),
        revoke_url: Some(url("revokeUrl")),
        issuer: Some(text("issuer")),
        redirect_ports: vec![0],
        self_contained: false,
    }
}

#[tokio::test]
async fn signin_32_no_log_no_error_and_no_state_holds_a_secret() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let right = sandbox.account()["clientSecret"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut secrets = vec![right.clone(), "planted-wrong-secret".to_owned()];
    let mut shown = String::new();
    let allow = || json!({"do": "consent", "decision": "allow"});
    for secret in [right.as_str(), "planted-wrong-secret"] {
        let (token_in, token) = watch::channel(None);
        let setup = Setup {
            identity: Some(settings(&sandbox, secret)),
            ..Setup::default()
        };
        let vault = Vault::for_this_run("p");
        let account = Account::new(setup, vault.clone(), token_in).unwrap();
        sandbox.direct(allow()).await.unwrap();
        let (prompts, _prompts) = mpsc::channel::<Prompt>(8);
        let cancel = CancellationToken::new();
        let signing_in = account.sign_in(Some(Flow::Device), prompts, cancel).await;
        shown.push_str(&format!("{signing_in:?} {account:?}"));
        if let Err(error) = signing_in {
            shown.push_str(&error.to_string());
            continue;
        }
        for _ in 0..3 {
            let (_, kept) = vault.recall().await.unwrap().unwrap();
            shown.push_str(&format!("{kept:?} {:?}", account.state().borrow()));
            let tokens = [kept.access_token, kept.refresh_token];
            secrets.extend(
                tokens
                    .into_iter()
                    .flatten()
                    .map(|token| token.reveal().to_owned()),
            );
            let stale = token.borrow().clone().unwrap();
            account.renew(stale).await;
        }
        sandbox
            .direct(json!({"do": "identityDown", "seconds": 1, "status": 503}))
            .await
            .unwrap();
        let stale = token.borrow().clone().unwrap();
        tokio::time::timeout(Duration::from_secs(10), account.renew(stale))
            .await
            .unwrap();
        account.sign_out().await;
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    for handed_in in ["planted_token", "a_b_planted-organisation"] {
        let (token_in, _token) = watch::channel(None);
        let vault = Vault::for_this_run("p");
        let account = Account::new(Setup::default(), vault, token_in).unwrap();
        let used = account.use_token(Secret::new(handed_in), true).await;
        shown.push_str(&format!("{used:?} {account:?}"));
        secrets.push(handed_in.to_owned());
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("renew"),
        "the log was taken: {} bytes",
        logged.len()
    );
    assert!(secrets.len() >= 10);
    for secret in secrets {
        assert!(!shown.contains(&secret), "shown");
        assert!(!logged.contains(&secret), "logged");
    }
}
