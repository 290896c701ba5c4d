//! The whole way through a real browser: consent page, redirect, result page.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use deskline_tests::chromium;
use serde_json::json;
use thirtyfour::prelude::*;
use tokio::time::Instant;

use crate::{Wishes, person, stage};

/// How long the browser may take to start, or a page to appear.
const WITHIN: Duration = Duration::from_secs(30);

/// A browser without a window, driven as a person would.
struct Browser {
    driver: Child,
    web: WebDriver,
    _profile: tempfile::TempDir,
}

impl Browser {
    async fn start(program: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian package chromium-driver)");
        let profile = tempfile::tempdir().unwrap();
        let mut capabilities = DesiredCapabilities::chrome();
        capabilities.set_binary(program).unwrap();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            capabilities.add_arg(argument).unwrap();
        }
        // The driver's HTTP client brings no cryptography of its own; the first to choose wins.
        drop(rustls::crypto::ring::default_provider().install_default());
        let address = format!("http://127.0.0.1:{port}");
        let until = Instant::now() + WITHIN;
        loop {
            // The driver listens a moment after it has started.
            match WebDriver::new(&address, capabilities.clone()).await {
                Ok(web) => {
                    return Self {
                        driver,
                        web,
                        _profile: profile,
                    };
                }
                Err(error) if Instant::now() > until => {
                    drop(driver.kill());
                    panic!("no session: {error}");
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn open(&self, url: &str) {
        self.web.goto(url).await.unwrap();
    }

    async fn click(&self, css: &str) {
        let button = self.web.query(By::Css(css)).first().await.unwrap();
        button.click().await.unwrap();
    }

    async fn heading(&self) -> String {
        let heading = self.web.query(By::Css("h1")).first().await.unwrap();
        heading.text().await.unwrap()
    }

    /// Waits until the page comes from this address, and gives its text.
    async fn text_at(&self, beginning: &str) -> String {
        let until = Instant::now() + WITHIN;
        loop {
            let url = self.web.current_url().await.unwrap();
            if url.as_str().starts_with(beginning) {
                let body = self.web.query(By::Css("body")).first().await.unwrap();
                return body.text().await.unwrap();
            }
            assert!(Instant::now() < until, "the browser stays at {url}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn end(mut self) {
        drop(self.web.quit().await);
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_01_a_fresh_sign_in_through_a_real_browser() {
    let Some(program) = chromium::program() else {
        return;
    };
    let mut stage = stage(Wishes::default()).await;
    let browser = Browser::start(&program).await;
    let wish = json!({"flow": "browser"});
    let asked = stage.agent.ask("session.signInInteractive", wish).await;
    let url = stage.agent.event("signIn:open").await["url"].clone();
    let url = url.as_str().unwrap();
    assert!(url.contains("code_challenge_method=S256"), "{url}");
    assert!(
        url.contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A47113%2Fcallback"),
        "{url}"
    );
    let state = url.split("state=").nth(1).unwrap();
    let state = state.split('&').next().unwrap();
    assert!(state.len() >= 22, "128 bits or more: {state}");

    browser.open(url).await;
    assert_eq!(browser.heading().await, "Sign in to the sandbox");
    browser.click("button[value=allow]").await;
    let page = browser.text_at("http://127.0.0.1:47113/").await;

    let profile = asked.await.unwrap().unwrap();
    assert!(page.to_lowercase().contains("signed in"), "{page}");
    assert_eq!(profile["agentId"], stage.member.id.as_str());
    assert_eq!(profile["missingScopes"], json!([]));
    let session = stage.agent.ok("session.get", json!({})).await;
    assert_eq!(session["profile"]["agentId"], stage.member.id.as_str());
    stage.check_secrecy();
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_08_a_person_who_clicks_deny_is_told_so_and_nobody_is_signed_in() {
    let Some(program) = chromium::program() else {
        return;
    };
    let mut stage = stage(Wishes::default()).await;
    let browser = Browser::start(&program).await;
    let wish = json!({"flow": "browser"});
    let asked = stage.agent.ask("session.signInInteractive", wish).await;
    let url = stage.agent.event("signIn:open").await["url"].clone();
    browser.open(url.as_str().unwrap()).await;
    browser.click("button[value=deny]").await;
    let page = browser.text_at("http://127.0.0.1:47113/").await;

    let error = asked.await.unwrap().unwrap_err();
    assert!(page.contains("not allowed"), "{page}");
    assert_eq!(error["data"]["kind"], "refused", "{error}");
    assert!(
        error["message"].as_str().unwrap().contains("did not allow"),
        "{error}"
    );
    let session = stage.agent.ok("session.get", json!({})).await;
    assert!(session["profile"].is_null());
    // Nothing was stored: there is nothing to go on with.
    let failure = stage.agent.refused("session.signIn", json!({})).await;
    assert_eq!(failure.0["data"]["code"], "Deskline.NoToken");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_27_a_device_is_approved_in_a_browser_elsewhere() {
    let Some(program) = chromium::program() else {
        return;
    };
    let mut stage = stage(Wishes::default()).await;
    let browser = Browser::start(&program).await;
    let wish = json!({"flow": "device"});
    let asked = stage.agent.ask("session.signInInteractive", wish).await;
    let code = stage.agent.event("signIn:code").await;
    let user_code = code["userCode"].as_str().unwrap();
    assert_eq!(user_code.len(), 6);
    assert!(code["expiresAt"].as_i64().unwrap() > 1_700_000_000_000);

    browser
        .open(code["verificationUri"].as_str().unwrap())
        .await;
    let field = browser.web.query(By::Css("input[name=userCode]"));
    let field = field.first().await.unwrap();
    field.send_keys(user_code).await.unwrap();
    browser.click("button").await;
    browser.click("button[value=allow]").await;

    let profile = asked.await.unwrap().unwrap();
    assert_eq!(profile["agentId"], stage.member.id.as_str());
    // Never faster than the service allows: it would have answered so.
    let polls = stage.requests(|entry| entry["path"] == "/v1/device/token");
    assert!(polls.iter().all(|poll| poll["status"] != 400), "{polls:?}");
    let log = std::fs::read_to_string(stage.folder.path().join("log")).unwrap();
    assert!(log.contains(user_code), "the code is on standard error too");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_09_an_ignored_consent_is_taken_back_and_the_port_is_free() {
    let mut stage = stage(Wishes::default()).await;
    stage
        .direct(json!({"do": "consent", "decision": "ignore"}))
        .await;
    let wish = json!({"flow": "browser"});
    let asked = stage.agent.ask("session.signInInteractive", wish).await;
    let url = stage.agent.event("signIn:open").await["url"].clone();
    person::follow(url.as_str().unwrap()).await;
    stage.agent.ok("session.cancelSignIn", json!({})).await;
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error["data"]["kind"], "superseded", "{error}");
    let freed = std::net::TcpListener::bind("127.0.0.1:47113");
    assert!(freed.is_ok(), "the port is free again");
    drop(freed);
    // And the next sign-in works.
    let profile = stage.sign_in().await;
    assert_eq!(profile["agentId"], stage.member.id.as_str());
}
