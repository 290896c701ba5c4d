//! Signing in at the sandbox as a client that knows only the published protocol.

use std::collections::HashMap;

use deskline_sandbox::{ORG_ID, Sandbox};
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use url::Url;

use crate::client::sandbox;

const REDIRECT: &str = "http://127.0.0.1:47113/callback";
const VERIFIER: &str = "sandboxVerifier-0123456789-abcdefghijklmnopqrstu";
const CHALLENGE: &str = "MfMT2j1Qio5U2pyJbgfbVMydv6R5zwVMynSg2KmzIT4";

struct Foreign {
    http: Client,
    account: Value,
    base: String,
}

impl Foreign {
    fn at(sandbox: &Sandbox) -> Self {
        // Other features of the build may bring a second provider; one has to be named.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            http: Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .build()
                .unwrap(),
            account: sandbox.account(),
            base: sandbox.base_url().to_owned(),
        }
    }

    fn address(&self, name: &str) -> Url {
        Url::parse(self.account[name].as_str().unwrap()).unwrap()
    }

    async fn ask_consent(&self) -> Response {
        let mut url = self.address("authorizeUrl");
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.account["clientId"].as_str().unwrap())
            .append_pair("redirect_uri", REDIRECT)
            .append_pair("scope", "cjp:user spark:webrtc_calling spark:people_read")
            .append_pair("state", "q1w2e3")
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256");
        self.http.get(url).send().await.unwrap()
    }

    fn form(&self, name: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.http
            .post(self.address(name))
            .basic_auth(
                self.account["clientId"].as_str().unwrap(),
                self.account["clientSecret"].as_str(),
            )
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    async fn exchange(&self, code: &str) -> (u16, Value) {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        read(self.form("tokenUrl", &fields)).await
    }

    async fn refresh(&self, token: &Value) -> (u16, Value) {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.as_str().unwrap()),
        ];
        read(self.form("tokenUrl", &fields)).await
    }

    /// The status of a service's request with this token.
    async fn catalog(&self, token: &Value) -> u16 {
        let request = self
            .http
            .get(format!("{}/u2c/api/v1/catalog", self.base))
            .bearer_auth(token.as_str().unwrap());
        request.send().await.unwrap().status().as_u16()
    }
}

async fn read(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

fn sent_back(response: &Response) -> HashMap<String, String> {
    assert_eq!(response.status(), 302);
    let to = response.headers()[LOCATION].to_str().unwrap();
    assert!(to.starts_with(REDIRECT), "{to}");
    Url::parse(to).unwrap().query_pairs().into_owned().collect()
}

/// The value of a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let at = format!("name=\"{name}\" value=\"");
    let rest = page.split_once(&at).unwrap().1;
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_person_allows_and_the_tokens_work_until_they_end() {
    let sandbox = sandbox(|_| {}).await;
    let client = Foreign::at(&sandbox);
    let page = client.ask_consent().await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(page.contains("Work as a contact centre agent"), "{page}");
    let bo = sandbox.agents()[1].clone();
    let decision = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("request", &hidden(&page, "request"))
        .append_pair("csrf", &hidden(&page, "csrf"))
        .append_pair("agent", bo.id.as_str())
        .append_pair("decision", "allow")
        .finish();
    let response = client
        .http
        .post(format!("{}/v1/authorize/decision", client.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(decision)
        .send()
        .await
        .unwrap();
    let back = sent_back(&response);
    assert_eq!(back["state"], "q1w2e3");
    assert_eq!(back["iss"], client.account["issuer"].as_str().unwrap());

    let (status, granted) = client.exchange(&back["code"]).await;
    assert_eq!(status, 200, "{granted}");
    assert_eq!(granted["token_type"], "Bearer");
    assert!(granted["access_token"].as_str().unwrap().ends_with(ORG_ID));
    assert_eq!(client.catalog(&granted["access_token"]).await, 200);
    let me = client
        .http
        .get(client.address("peopleUrl"))
        .bearer_auth(granted["access_token"].as_str().unwrap());
    let (status, me) = read(me).await;
    assert_eq!(
        (status, me["displayName"].as_str()),
        (200, Some(bo.name.as_str()))
    );

    let order = json!({"do": "expireToken", "agent": bo.name});
    sandbox.direct(order).await.unwrap();
    assert_eq!(client.catalog(&granted["access_token"]).await, 401);
    let (status, next) = client.refresh(&granted["refresh_token"]).await;
    assert_eq!(status, 200, "{next}");
    assert_eq!(client.catalog(&next["access_token"]).await, 200);
    let (status, dead) = client.refresh(&granted["refresh_token"]).await;
    assert_eq!(
        (status, dead["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    assert_eq!(
        client.catalog(&next["access_token"]).await,
        401,
        "the family died"
    );

    let noted = serde_json::to_string(&sandbox.journal()).unwrap();
    for secret in [
        &back["code"],
        granted["access_token"].as_str().unwrap(),
        granted["refresh_token"].as_str().unwrap(),
        client.account["clientSecret"].as_str().unwrap(),
        VERIFIER,
    ] {
        assert!(!noted.contains(secret), "the journal tells a secret");
    }
}

#[tokio::test]
async fn the_director_decides_for_the_person() {
    let sandbox = sandbox(|_| {}).await;
    let client = Foreign::at(&sandbox);
    let order = |order: Value| sandbox.direct(order);
    order(json!({"do": "consent", "decision": "deny"}))
        .await
        .unwrap();
    assert_eq!(
        sent_back(&client.ask_consent().await)["error"],
        "access_denied"
    );
    order(json!({"do": "consent", "decision": "ignore"}))
        .await
        .unwrap();
    assert_eq!(client.ask_consent().await.status(), 200);
    order(json!({"do": "tokenLife", "access": 10, "refresh": 100}))
        .await
        .unwrap();
    order(json!({"do": "consent", "decision": "allow", "scopes": ["cjp:user"]}))
        .await
        .unwrap();
    let back = sent_back(&client.ask_consent().await);
    let (_, granted) = client.exchange(&back["code"]).await;
    assert_eq!(granted["scope"], "cjp:user");
    assert_eq!(
        (
            granted["expires_in"].as_u64(),
            granted["refresh_token_expires_in"].as_u64()
        ),
        (Some(10), Some(100))
    );
    let me = client
        .http
        .get(client.address("peopleUrl"))
        .bearer_auth(granted["access_token"].as_str().unwrap());
    assert_eq!(read(me).await.0, 403, "the scope was not granted");

    order(json!({"do": "identityDown", "seconds": 60, "retryAfter": 7}))
        .await
        .unwrap();
    let response = client.form("tokenUrl", &[]).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "7");
    for bad in [
        json!({"do": "consent", "decision": "maybe"}),
        json!({"do": "refreshMode", "mode": "never"}),
        json!({"do": "errorShape", "shape": "round"}),
    ] {
        assert!(order(bad).await.is_err());
    }
}

#[tokio::test]
async fn a_device_is_signed_in_by_typing_its_code() {
    let sandbox = sandbox(|_| {}).await;
    let client = Foreign::at(&sandbox);
    let start = [
        ("client_id", client.account["clientId"].as_str().unwrap()),
        ("scope", "cjp:user"),
    ];
    let (status, started) = read(client.form("deviceAuthorizeUrl", &start)).await;
    assert_eq!(status, 200, "{started}");
    let code = started["user_code"].as_str().unwrap();
    let page = client
        .http
        .get(started["verification_uri_complete"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert!(page.text().await.unwrap().contains(code));
    let poll = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", started["device_code"].as_str().unwrap()),
    ];
    let (status, waiting) = read(client.form("deviceTokenUrl", &poll)).await;
    assert_eq!(status, 428);
    assert_eq!(waiting["errors"][0]["description"], "authorization_pending");
    let (status, hasty) = read(client.form("deviceTokenUrl", &poll)).await;
    assert_eq!((status, hasty["error"].as_str()), (400, Some("slow_down")));
    let typed = format!("userCode={code}&decision=allow&agent=Ada");
    let response = client
        .http
        .post(format!("{}/verify", client.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(typed)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_body_of_another_kind_and_a_wrong_secret_are_told_apart() {
    let sandbox = sandbox(|_| {}).await;
    let client = Foreign::at(&sandbox);
    let response = client
        .http
        .post(client.address("tokenUrl"))
        .header("content-type", "application/json")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 415);
    let wrong = client
        .http
        .post(client.address("tokenUrl"))
        .basic_auth(client.account["clientId"].as_str().unwrap(), Some("wrong"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=refresh_token&refresh_token=x");
    let (status, told) = read(wrong).await;
    assert_eq!(
        (status, told["error"].as_str()),
        (401, Some("invalid_client"))
    );
    assert!(told["trackingID"].is_string());
}

#[tokio::test]
async fn the_identity_service_can_be_refused_delayed_and_lost_by_verb() {
    let sandbox = crate::client::sandbox(|_| {}).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = sandbox.base_url().to_owned();
    let order = |order: Value| {
        let (http, base) = (http.clone(), base.clone());
        async move {
            let sent = http.post(format!("{base}/director")).json(&order);
            assert_eq!(sent.send().await.unwrap().status().as_u16(), 200);
        }
    };
    let people = || {
        http.get(format!("{base}/v1/people/me"))
            .bearer_auth(&sandbox.agents()[0].token)
    };
    for (verb, path) in [
        ("token", "/v1/access_token"),
        ("token", "/idb/oauth2/v1/access_token"),
        (
            "deviceAuthorize",
            "/helperservice/v1/actions/device/authorize",
        ),
        ("deviceToken", "/v1/device/token"),
        ("revoke", "/idb/oauth2/v1/revoke"),
    ] {
        let refuse = json!({"do": "refuseNext", "verb": verb, "status": 503, "reason": "temporarily_unavailable", "retryAfter": 9});
        order(refuse).await;
        let answer = http.post(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 503, "{verb}");
        assert_eq!(answer.headers()["retry-after"], "9");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"], "temporarily_unavailable");
    }
    let before = people().send().await.unwrap().status();
    order(json!({"do": "delayNext", "verb": "people", "ms": 300})).await;
    let began = std::time::Instant::now();
    assert_eq!(people().send().await.unwrap().status(), before);
    assert!(began.elapsed() >= std::time::Duration::from_millis(300));
    order(json!({"do": "dropNext", "verb": "people"})).await;
    let limit = std::time::Duration::from_millis(300);
    assert!(
        people()
            .timeout(limit)
            .send()
            .await
            .unwrap_err()
            .is_timeout()
    );
    assert_eq!(people().send().await.unwrap().status(), before);
}
