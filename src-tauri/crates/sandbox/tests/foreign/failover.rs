//! Several hosts of the calling service, devices that end, event sockets that misbehave.

use std::time::Duration;

use deskline_sandbox::{MercuryHello, MercuryPong, Options, Sandbox, Scenario};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, sandbox};

async fn direct(client: &Client, verb: &str, body: Value) -> Value {
    let (status, answer) = client.post(&format!("/director/{verb}"), body).await;
    assert_eq!(status, 200, "{verb}: {answer}");
    answer
}

async fn hosts(client: &Client) -> (Vec<String>, Vec<String>) {
    let path = "/api/v1/calling/web/?regionCode=US-EAST&countryCode=US";
    let (status, list) = client.get(path).await;
    assert_eq!(status, 200);
    let uris = |which: &str| -> Vec<String> {
        assert!(list[which]["region"].is_string(), "{list}");
        let uris = list[which]["uris"].as_array().unwrap().iter();
        uris.map(|uri| uri.as_str().unwrap().to_owned()).collect()
    };
    (uris("primary"), uris("backup"))
}

fn line_form(client: &Client, wdm: &str) -> Value {
    json!({
        "userId": client.me.id.as_str(), "clientDeviceUri": wdm,
        "serviceData": {"indicator": "contactcenter", "domain": "rtms.sandbox.test"},
    })
}

#[tokio::test]
async fn two_primary_and_two_backup_hosts_are_there_and_answer_pings() {
    let sandbox = sandbox(|scenario| {
        scenario.settings.mobius_primaries = 2;
        scenario.settings.mobius_backups = 2;
    })
    .await;
    let client = Client::connect(&sandbox, 0).await;
    let (primary, backup) = hosts(&client).await;
    assert_eq!((primary.len(), backup.len()), (2, 2));
    let mut all: Vec<&String> = primary.iter().chain(&backup).collect();
    for uri in &all {
        let (status, body) = client.get(&format!("{uri}/ping")).await;
        assert_eq!((status, body["message"].as_str()), (200, Some("Healthy")));
        let list = format!("{uri}/calling/web/?regionCode=US-EAST&countryCode=US");
        assert_eq!(client.get(&list).await.0, 200, "any cluster can be asked");
    }
    let side = backup[0].trim_end_matches("/api/v1");
    let (status, _) = client.get(&format!("{side}/u2c/api/v1/catalog")).await;
    assert_eq!(status, 404, "it is a host of the calling service alone");
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4, "each has an address of its own");
}

#[tokio::test]
async fn the_catalog_names_a_second_cluster_that_can_be_asked() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let (_, catalog) = client.get("/u2c/api/v1/catalog").await;
    let entries = catalog["hostCatalog"].as_object().unwrap().values();
    let hosts: Vec<&str> = entries
        .flat_map(|list| list.as_array().unwrap())
        .filter(|one| one["id"].as_str().unwrap().ends_with(":mobius"))
        .map(|one| one["host"].as_str().unwrap())
        .collect();
    assert_eq!(hosts.len(), 2);
    assert!(sandbox.base_url().ends_with(hosts[0]), "the main one first");
    let (status, _) = client
        .get(&format!("http://{}/api/v1/ping", hosts[1]))
        .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_host_that_is_down_answers_nothing_and_the_line_moves_to_the_backup_and_back() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let (primary, backup) = hosts(&client).await;
    let line = client.line().await;
    assert!(line.uri.starts_with(&primary[0]));
    let down = json!({"which": "mobius", "host": "primary1", "seconds": 600});
    direct(&client, "outage", down).await;
    let raw = reqwest::Client::builder().no_proxy().build().unwrap();
    let at_main = raw.get(format!("{}/ping", primary[0])).send().await;
    assert!(at_main.is_err(), "the connection is dropped");
    assert_eq!(client.get(&format!("{}/ping", backup[0])).await.0, 200);

    // The same device there: the same id, another address; calls ring over it.
    let form = line_form(&client, &line.wdm_url);
    let register = |uri: &str| format!("{uri}/calling/web/device");
    let (status, moved) = client.post(&register(&backup[0]), form.clone()).await;
    assert_eq!(
        (status, &moved["device"]["deviceId"]),
        (200, &json!(line.device))
    );
    let uri = moved["device"]["uri"].as_str().unwrap().to_owned();
    assert!(uri.starts_with(&backup[0]));
    let keepalive = format!("{uri}/status");
    assert_eq!(client.ask(Method::POST, &keepalive, None).await.0, 200);

    // Back on its feet, the old host knows nothing of it.
    direct(
        &client,
        "outage",
        json!({"which": "mobius", "host": "primary1", "seconds": 0}),
    )
    .await;
    let stale = format!("{}/status", line.uri);
    assert_eq!(client.ask(Method::POST, &stale, None).await.0, 404);
    assert_eq!(client.ask(Method::DELETE, &line.uri, None).await.0, 404);
    // Failback: deleted there, registered here.
    assert_eq!(client.ask(Method::DELETE, &uri, None).await.0, 200);
    let (status, back) = client.post(&register(&primary[0]), form).await;
    assert_eq!(status, 200);
    assert_eq!(back["device"]["uri"], line.uri.as_str());
}

#[tokio::test]
async fn a_registration_elsewhere_is_in_the_way_and_can_be_deleted_there() {
    let sandbox = sandbox(|scenario| scenario.settings.one_device_per_agent = true).await;
    let client = Client::connect(&sandbox, 0).await;
    let (primary, backup) = hosts(&client).await;
    let line = client.line().await;
    let form = line_form(&client, &line.wdm_url);
    let at_backup = format!("{}/calling/web/device", backup[0]);
    let (status, body) = client.post(&at_backup, form.clone()).await;
    assert_eq!((status, &body["errorCode"]), (403, &json!(101)));
    assert_eq!(body["userId"], client.me.id.as_str());
    let old = &body["devices"][0];
    for field in [
        "deviceId",
        "uri",
        "status",
        "lastSeen",
        "addresses",
        "clientDeviceUri",
    ] {
        assert!(!old[field].is_null(), "{field} is missing: {old}");
    }
    let uri = old["uri"].as_str().unwrap();
    assert!(uri.starts_with(&primary[0]), "it names its own host");
    let at_wrong_host = uri.replace(&primary[0], &backup[0]);
    assert_eq!(
        client.ask(Method::DELETE, &at_wrong_host, None).await.0,
        404
    );
    assert_eq!(client.ask(Method::DELETE, uri, None).await.0, 200);
    assert_eq!(client.post(&at_backup, form).await.0, 200);
}

#[tokio::test]
async fn every_host_speaks_tls_with_the_certificate_of_the_ready_line() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options {
        tls: true,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let pem = std::fs::read(sandbox.ca_file().unwrap()).unwrap();
    let ca = reqwest::Certificate::from_pem(&pem).unwrap();
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([ca])
        .build()
        .unwrap();
    let base = sandbox.tls_base_url().unwrap();
    let list = http
        .get(format!(
            "{base}/api/v1/calling/web/?regionCode=EU&countryCode=DE"
        ))
        .bearer_auth(&sandbox.agents()[0].token);
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    for which in ["primary", "backup"] {
        let uri = list[which]["uris"][0].as_str().unwrap();
        assert!(uri.starts_with("https://"), "{uri}");
        let ping = http
            .get(format!("{uri}/ping"))
            .bearer_auth(&sandbox.agents()[0].token);
        assert_eq!(ping.send().await.unwrap().status().as_u16(), 200);
        let preflight = http
            .request(Method::OPTIONS, format!("{uri}/calling/web/device"))
            .header("origin", "http://page.test")
            .header("access-control-request-method", "POST");
        let preflight = preflight.send().await.unwrap();
        assert_eq!(preflight.status().as_u16(), 204);
        assert_eq!(
            preflight.headers()["access-control-allow-origin"],
            "http://page.test"
        );
    }
}

#[tokio::test]
async fn too_many_devices_are_said_in_the_words_clients_compare_and_cleaned_up_by_list() {
    let sandbox = sandbox(|scenario| scenario.settings.wdm_device_limit = 3).await;
    let client = Client::connect(&sandbox, 0).await;
    let form = json!({"deviceType": "WEB", "name": "n", "ttl": 1800});
    for _ in 0..3 {
        assert_eq!(
            client.post("/wdm/api/v1/devices", form.clone()).await.0,
            200
        );
    }
    let (status, body) = client.post("/wdm/api/v1/devices", form.clone()).await;
    assert_eq!(status, 403);
    assert_eq!(body["message"], "User has excessive device registrations");
    let (_, list) = client.get("/wdm/api/v1/devices").await;
    let devices = list["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 3);
    let oldest = &devices[0];
    assert!(oldest["modificationTime"].is_string() && oldest["deviceType"] == "WEB");
    let url = oldest["url"].as_str().unwrap();
    assert_eq!(client.ask(Method::DELETE, url, None).await.0, 204);
    assert_eq!(client.post("/wdm/api/v1/devices", form).await.0, 200);
}

#[tokio::test]
async fn a_device_that_is_not_refreshed_in_time_is_gone() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let form = json!({"deviceType": "WEB", "ttl": 1});
    let (_, short) = client.post("/wdm/api/v1/devices", form.clone()).await;
    let (_, kept) = client.post("/wdm/api/v1/devices", form).await;
    let socket = client
        .mercury(short["webSocketUrl"].as_str().unwrap())
        .await;
    let kept = kept["url"].as_str().unwrap();
    let longer = json!({"deviceType": "WEB", "ttl": 1800});
    assert_eq!(client.ask(Method::PUT, kept, Some(longer)).await.0, 200);
    // The limit itself is the fact under test: one second.
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let url = short["url"].as_str().unwrap();
    let (status, _) = client.ask(Method::PUT, url, Some(json!({}))).await;
    assert_eq!(status, 404);
    assert_eq!(socket.inbox.closed().await, 1001);
    assert_eq!(client.ask(Method::PUT, kept, Some(json!({}))).await.0, 200);
}

#[tokio::test]
async fn a_refreshed_device_has_another_etag() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = json!({"deviceType": "WEB"});
    let made = http
        .post(format!("{}/wdm/api/v1/devices", sandbox.base_url()))
        .bearer_auth(&client.me.token)
        .json(&form);
    let made = made.send().await.unwrap();
    let first = made.headers()["etag"].to_str().unwrap().to_owned();
    let url = made.json::<Value>().await.unwrap()["url"]
        .as_str()
        .unwrap()
        .to_owned();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let again = http
        .put(url)
        .bearer_auth(&client.me.token)
        .header("if-none-match", &first)
        .json(&form);
    let again = again.send().await.unwrap();
    assert_eq!(again.status().as_u16(), 200);
    assert_ne!(again.headers()["etag"], first.as_str());
}

/// A Mercury socket that has been authorised, and whatever came first.
async fn authorised(client: &Client) -> crate::client::Socket {
    let (_, wdm) = client
        .post("/wdm/api/v1/devices", json!({"deviceType": "WEB"}))
        .await;
    let socket = crate::client::socket(wdm["webSocketUrl"].as_str().unwrap()).await;
    let token = format!("Bearer {}", client.me.token);
    let hello = json!({"id": "1", "type": "authorization", "data": {"token": token}});
    socket.send.send(hello.to_string()).unwrap();
    socket
}

#[tokio::test]
async fn the_first_word_of_an_event_socket_can_be_another_or_none() {
    for (hello, first) in [
        (
            MercuryHello::RegistrationStatus,
            "mercury.registration_status",
        ),
        (MercuryHello::Other, "sandbox.weather"),
        (MercuryHello::Nothing, "pong"),
    ] {
        let sandbox = sandbox(|scenario| scenario.settings.mercury_hello = hello).await;
        let client = Client::connect(&sandbox, 0).await;
        let socket = authorised(&client).await;
        let ping = json!({"id": "p", "type": "ping"}).to_string();
        socket.send.send(ping).unwrap();
        let frame = socket.inbox.take("a frame", |_| true).await;
        let word = frame["data"]["eventType"]
            .as_str()
            .or(frame["type"].as_str());
        assert_eq!(word, Some(first));
    }
}

#[tokio::test]
async fn pongs_can_be_lost_or_wrong() {
    for (pong, expected) in [(MercuryPong::Wrong, None), (MercuryPong::Lost, Some("q"))] {
        let sandbox = sandbox(|scenario| scenario.settings.mercury_pong = pong).await;
        let client = Client::connect(&sandbox, 0).await;
        let socket = authorised(&client).await;
        socket.inbox.take("buffer state", |_| true).await;
        let ping = |id: &str| json!({"id": id, "type": "ping"}).to_string();
        socket.send.send(ping("p")).unwrap();
        if pong == MercuryPong::Lost {
            // The next one is answered again: what comes first is the answer to it.
            tokio::time::sleep(Duration::from_millis(50)).await;
            direct(&client, "configure", json!({"mercuryPong": "echo"})).await;
            socket.send.send(ping("q")).unwrap();
        }
        let frame = socket.inbox.take("a pong", |_| true).await;
        assert_eq!(frame["type"], "pong");
        match expected {
            Some(id) => assert_eq!(frame["id"], id),
            None => assert_ne!(frame["id"], "p"),
        }
    }
}

#[tokio::test]
async fn lost_events_leave_a_gap_in_the_numbers_and_doubled_ones_are_the_same() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    direct(&ada, "lose", json!({"which": "mercury", "n": 1})).await;
    direct(&ada, "offer", json!({"agent": "ada"})).await;
    let is = |kind: &'static str| move |frame: &Value| frame["data"]["eventType"] == kind;
    let media = line
        .mercury
        .inbox
        .take("mobius.media", is("mobius.media"))
        .await;
    assert_eq!(
        media["sequenceNumber"], 3,
        "the setup was number 2: {media}"
    );
    direct(&ada, "duplicate", json!({"which": "mercury", "n": 1})).await;
    direct(&ada, "hangUp", json!({})).await;
    ada.frame("ContactEnded").await;
    direct(&ada, "offer", json!({"agent": "ada"})).await;
    let first = line
        .mercury
        .inbox
        .take("mobius.call", is("mobius.call"))
        .await;
    let second = line
        .mercury
        .inbox
        .take("mobius.call", is("mobius.call"))
        .await;
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_server_that_goes_away_says_so_and_the_new_socket_retires_the_old() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let line = client.line().await;
    let told = direct(&client, "switchover", json!({"agent": "ada"})).await;
    assert_eq!(told["told"], 1);
    let old = &line.mercury.inbox;
    old.take("shutdown", |frame| frame["type"] == "shutdown")
        .await;
    let (_, device) = client
        .get(&line.wdm_url.replace(sandbox.base_url(), ""))
        .await;
    let new = client
        .mercury(device["webSocketUrl"].as_str().unwrap())
        .await;
    assert_eq!(old.closed().await, 4001);
    let ping = json!({"id": "p", "type": "ping"}).to_string();
    new.send.send(ping).unwrap();
    new.inbox
        .take("a pong", |frame| frame["type"] == "pong")
        .await;
}

#[tokio::test]
async fn every_service_can_be_refused_by_the_name_of_its_verb() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let org = deskline_sandbox::ORG_ID;
    let device = &line.uri;
    let call = format!("{device}/calls/c");
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let rows: Vec<(&str, Method, String)> = vec![
        ("catalog", get.clone(), "/u2c/api/v1/catalog".into()),
        ("region", get.clone(), "/v1/region".into()),
        (
            "subscribe",
            post.clone(),
            "/v1/notification/subscribe".into(),
        ),
        ("config", get.clone(), format!("/organization/{org}")),
        (
            "queues",
            get.clone(),
            format!("/organization/{org}/v2/contact-service-queue"),
        ),
        (
            "entryPoints",
            get.clone(),
            format!("/organization/{org}/v2/entry-point"),
        ),
        ("login", post.clone(), "/v1/agents/login".into()),
        ("logout", post.clone(), "/v1/agents/logout".into()),
        ("reload", post.clone(), "/v1/agents/reload".into()),
        ("state", put.clone(), "/v1/agents/session/state".into()),
        ("buddyList", post.clone(), "/v1/agents/buddyList".into()),
        ("outdial", post.clone(), "/v1/tasks/".into()),
        ("hold", post.clone(), "/v1/tasks/t/hold".into()),
        ("resume", post.clone(), "/v1/tasks/t/unhold".into()),
        (
            "pauseRecording",
            post.clone(),
            "/v1/tasks/t/record/pause".into(),
        ),
        (
            "resumeRecording",
            post.clone(),
            "/v1/tasks/t/record/resume".into(),
        ),
        ("consult", post.clone(), "/v1/tasks/t/consult".into()),
        ("endConsult", post.clone(), "/v1/tasks/t/consult/end".into()),
        (
            "consultTransfer",
            post.clone(),
            "/v1/tasks/t/consult/transfer".into(),
        ),
        (
            "consultConference",
            post.clone(),
            "/v1/tasks/t/consult/conference".into(),
        ),
        (
            "exitConference",
            post.clone(),
            "/v1/tasks/t/conference/exit".into(),
        ),
        (
            "transferConference",
            post.clone(),
            "/v1/tasks/t/conference/transfer".into(),
        ),
        ("transfer", post.clone(), "/v1/tasks/t/transfer".into()),
        ("end", post.clone(), "/v1/tasks/t/end".into()),
        ("wrapup", post.clone(), "/v1/tasks/t/wrapup".into()),
        ("accept", post.clone(), "/v1/tasks/t/accept".into()),
        ("wdmRegister", post.clone(), "/wdm/api/v1/devices".into()),
        ("wdmRefresh", put.clone(), line.wdm_url.clone()),
        ("wdmList", get.clone(), "/wdm/api/v1/devices".into()),
        ("wdmDelete", Method::DELETE, line.wdm_url.clone()),
        (
            "discovery",
            get.clone(),
            "/api/v1/calling/web/?regionCode=R&countryCode=C".into(),
        ),
        ("ping", get.clone(), "/api/v1/ping".into()),
        (
            "register",
            post.clone(),
            "/api/v1/calling/web/device".into(),
        ),
        ("listDevices", get, "/api/v1/calling/web/devices".into()),
        ("keepalive", post.clone(), format!("{device}/status")),
        ("deregister", Method::DELETE, device.clone()),
        ("connected", Method::PATCH, call.clone()),
        ("media", post.clone(), format!("{call}/media")),
        ("callStatus", post.clone(), format!("{call}/status")),
        ("deleteCall", Method::DELETE, call),
        (
            "metrics",
            post.clone(),
            "/metrics/api/v1/clientmetrics".into(),
        ),
        (
            "upload",
            post.clone(),
            "/client-logs/api/v1/logs/urls".into(),
        ),
        ("aiEvent", post.clone(), "/ai/event".into()),
        ("transcripts", post, "/ai/transcripts/list".into()),
    ];
    for (verb, method, path) in rows {
        let order = json!({"verb": verb, "status": 429, "retryAfter": 7, "errorCode": 120});
        direct(&ada, "refuseNext", order).await;
        let body = (method != Method::GET).then(|| json!({}));
        let (status, body) = ada.ask(method.clone(), &path, body).await;
        assert_eq!((status, &body["errorCode"]), (429, &json!(120)), "{verb}");
        let (status, _) = ada
            .ask(method, &path, Some(json!({"callState": "x"})))
            .await;
        assert_ne!(status, 429, "{verb} is refused once");
    }
}

#[tokio::test]
async fn the_scenario_may_not_name_a_host_that_is_none() {
    let text = "[faults]\noutage = [{ which = \"wdm\", host = \"backup1\", seconds = 3 }]\n";
    let parsed = Scenario::parse(text, std::path::Path::new("shift.toml"));
    assert!(parsed.unwrap_err().to_string().contains("host"));
}

#[tokio::test]
async fn with_several_lines_from_before_the_limit_one_deletion_is_enough() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let (_first, second) = (client.line().await, client.line().await);
    direct(&client, "configure", json!({"oneDevicePerAgent": true})).await;
    let (status, body) = client.register(&second.wdm_url).await;
    assert_eq!(
        (status, body["devices"].as_array().unwrap().len()),
        (403, 1)
    );
    let uri = body["devices"][0]["uri"].as_str().unwrap();
    assert_eq!(uri, second.uri, "the newest one is in the way");
    assert_eq!(client.ask(Method::DELETE, uri, None).await.0, 200);
    assert_eq!(client.register(&second.wdm_url).await.0, 200);
}
