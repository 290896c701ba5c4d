//! Sign-in, configuration, station, state, relogin, logout.

use std::time::Duration;

use deskline_sandbox::{AutoWrapUp, ORG_ID, Options, Sandbox, Socket};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, sandbox, socket};

#[tokio::test]
async fn the_ready_line_has_every_key_and_three_agents() {
    let sandbox = sandbox(|_| {}).await;
    let line: Value = serde_json::from_str(&sandbox.ready_line()).unwrap();
    assert_eq!(line["ready"], true);
    assert_eq!(line["baseUrl"], sandbox.base_url());
    assert!(line["tlsBaseUrl"].is_null() && line["caFile"].is_null());
    assert!(line["u2c"].as_str().unwrap().ends_with("/u2c/api/v1"));
    assert!(line["region"].as_str().unwrap().ends_with("/v1/region"));
    assert!(line["director"].as_str().unwrap().ends_with("/director"));
    let agents = line["agents"].as_array().unwrap();
    assert!(agents.len() >= 3);
    for agent in agents {
        let parts: Vec<&str> = agent["accessToken"].as_str().unwrap().split('_').collect();
        assert_eq!((parts.len(), parts[2]), (3, ORG_ID));
        assert!(
            agent["agentId"].is_string()
                && agent["teamId"].is_string()
                && agent["name"].is_string()
        );
    }
}

#[tokio::test]
async fn the_catalog_names_the_needed_links_and_a_calling_host() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let (status, catalog) = client.get("/u2c/api/v1/catalog?format=hostmap").await;
    assert_eq!(status, 200);
    for link in [
        "wcc-api-gateway",
        "wdm",
        "mobius",
        "wcc-calling-rtms-domain",
    ] {
        assert!(catalog["serviceLinks"][link].is_string(), "{link}");
    }
    let host = sandbox.address().to_string();
    let entry = &catalog["hostCatalog"][&host][0];
    assert_eq!(entry["host"], host.as_str());
    assert!(
        entry["id"].as_str().unwrap().ends_with(":mobius")
            && entry["id"].as_str().unwrap().split(':').count() == 4
    );
    assert!(
        entry["priority"].as_i64().unwrap() <= 0,
        "a positive priority glues the port on twice"
    );
    let (status, _) = client
        .get("/api/v1/calling/web/?regionCode=US-EAST&countryCode=US")
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        client.get("/api/v1/calling/web/").await.0,
        400,
        "the query is required"
    );
}

#[tokio::test]
async fn without_a_known_token_everything_but_the_open_endpoints_is_401() {
    let sandbox = sandbox(|_| {}).await;
    let _client = Client::connect(&sandbox, 0).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let status = async |path: &str| {
        http.get(format!("{}{path}", sandbox.base_url()))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(
        status("/u2c/api/v1/limited/catalog?orgId=x&format=hostmap").await,
        200
    );
    assert_eq!(status("/v1/region").await, 200);
    assert_eq!(status("/u2c/api/v1/catalog").await, 401);
    assert_eq!(status(&format!("/organization/{ORG_ID}")).await, 401);
}

#[tokio::test]
async fn the_configuration_has_pages_traps_and_everything_a_profile_needs() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let org = |path: &str| format!("/organization/{ORG_ID}{path}");
    let fetch = async |path: &str| {
        let (status, body) = client.get(&org(path)).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    };
    let user = fetch(&format!("/user/by-ci-user-id/{}", client.me.id)).await;
    assert_eq!(user["ciUserId"], client.me.id.as_str());
    let profile = fetch(&format!(
        "/agent-profile/{}",
        user["agentProfileId"].as_str().unwrap()
    ))
    .await;
    assert_eq!(profile["autoWrapUp"], false, "it must be false explicitly");
    assert!(
        profile["loginVoiceOptions"]
            .as_array()
            .unwrap()
            .contains(&json!("BROWSER"))
    );
    assert!(fetch("").await["tenantId"].is_string());
    fetch(&format!("/site/{}", user["siteId"].as_str().unwrap())).await;
    assert_eq!(
        fetch("/v2/organization-setting?agentView=true").await["data"][0]["webRtcEnabled"],
        true
    );
    assert!(fetch("/v2/tenant-configuration?agentView=true").await["data"][0].is_object());
    assert!(fetch("/v2/org-url-mapping?sort=name,ASC").await["data"].is_array());
    assert_eq!(
        fetch("/v2/ai-feature?page=0&pageSize=100").await["data"][0]["realtimeTranscripts"]["enable"],
        false
    );
    let plans = fetch("/dial-plan?agentView=true").await;
    assert!(plans.as_array().unwrap().len() >= 2);

    let codes = "/v2/auxiliary-code?pageSize=100&attributes=id,isSystemCode,name,defaultCode,workTypeCode,active&page=";
    let first = fetch(&format!("{codes}0")).await;
    assert_eq!(
        (
            first["meta"]["totalPages"].as_u64(),
            first["data"].as_array().unwrap().len()
        ),
        (Some(2), 100)
    );
    let second = fetch(&format!("{codes}1")).await;
    assert!(
        second["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|code| code["active"] == true),
        "page two matters"
    );
    assert_eq!(
        first["data"][0].as_object().unwrap().len(),
        6,
        "only the attributes asked for"
    );

    let team = fetch(&format!(
        "/v2/team?page=0&pageSize=100&filter=id=in=({})",
        client.me.team_id
    ))
    .await;
    assert_eq!(team["data"].as_array().unwrap().len(), 1);
    assert!(
        fetch("/v2/team?page=0&pageSize=100").await["data"]
            .as_array()
            .unwrap()
            .len()
            >= 2
    );
    let book = fetch(&format!(
        "/v2/address-book/{}/entry?page=0&pageSize=100",
        profile["addressBookId"].as_str().unwrap()
    ))
    .await;
    assert!(book["meta"]["totalRecords"].as_u64().unwrap() > 100);
    let queues = fetch("/v2/contact-service-queue?page=0&pageSize=10").await;
    let channel = |word: &str| {
        queues["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|queue| queue["channelType"] == word)
    };
    assert!(channel("TELEPHONY") && channel("EMAIL") && channel("CHAT"));
    fetch("/v2/entry-point?page=0&pageSize=100&sortOrder=asc").await;
    fetch(&format!(
        "/v2/outdial-ani/{}/entry",
        profile["outdialANIId"].as_str().unwrap()
    ))
    .await;
}

#[tokio::test]
async fn auto_wrap_up_can_be_on_or_the_trap_of_a_missing_field() {
    for (setting, wanted) in [
        (AutoWrapUp::On, json!(true)),
        (AutoWrapUp::Absent, Value::Null),
    ] {
        let sandbox = sandbox(|scenario| scenario.settings.auto_wrap_up = setting).await;
        let client = Client::connect(&sandbox, 0).await;
        let (_, profile) = client
            .get(&format!("/organization/{ORG_ID}/agent-profile/x"))
            .await;
        assert_eq!(profile["autoWrapUp"], wanted);
    }
}

#[tokio::test]
async fn an_agent_who_is_not_logged_in_cannot_reload() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    assert_eq!(client.post("/v1/agents/reload", json!({})).await.0, 202);
    let frame = client
        .routing
        .inbox
        .take("AgentReloginFailed", |frame| {
            frame["type"] == "AgentReloginFailed"
        })
        .await;
    assert_eq!(frame["data"]["type"], "AgentReloginFailed");
    assert_eq!(
        (
            frame["data"]["reason"].as_str(),
            frame["data"]["reasonCode"].as_u64()
        ),
        (Some("AGENT_NOT_FOUND"), Some(1038))
    );
}

#[tokio::test]
async fn login_state_buddies_and_logout_are_confirmed_by_frames() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    let login = ada.login("BROWSER", ada.me.id.as_str()).await;
    assert!(login["channelsMap"]["telephony"].is_array());
    assert_eq!(
        (login["deviceType"].as_str(), login["subStatus"].as_str()),
        (Some("BROWSER"), Some("Idle"))
    );
    let bo = Client::connect(&sandbox, 1).await;
    bo.login("EXTENSION", "1002").await;
    bo.available().await;
    let lunch = ada.state("Idle", "some-code").await;
    assert_eq!(
        (lunch["subStatus"].as_str(), lunch["auxCodeId"].as_str()),
        (Some("Idle"), Some("some-code"))
    );
    ada.post(
        "/v1/agents/buddyList",
        json!({"agentProfileId": "p", "mediaType": "telephony", "state": "Available"}),
    )
    .await;
    let buddies = ada.frame("BuddyAgents").await;
    let names: Vec<&str> = buddies["agentList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["agentName"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"Bo Chandra")
            && names.contains(&"Dana Field")
            && !names.contains(&"Ada Brandt"),
        "{names:?}"
    );
    ada.post(
        "/v1/agents/logout",
        json!({"logoutReason": "User requested logout"}),
    )
    .await;
    assert_eq!(ada.frame("AgentLogoutSuccess").await["status"], "LoggedOut");
}

#[tokio::test]
async fn a_bad_station_is_refused_by_frame_with_its_reason() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    let bo = Client::connect(&sandbox, 1).await;
    for (number, reason) in [
        ("1001", "DUPLICATE_LOCATION"),
        ("nowhere", "INVALID_DIAL_NUMBER"),
    ] {
        let form = json!({"dialNumber": number, "teamId": bo.me.team_id, "deviceType": "EXTENSION", "deviceId": number});
        assert_eq!(bo.post("/v1/agents/login", form).await.0, 202);
        assert_eq!(bo.frame("AgentStationLoginFailed").await["reason"], reason);
    }
    let (status, body) = bo
        .post("/v1/agents/login", json!({"deviceType": "PIGEON"}))
        .await;
    assert_eq!(
        (status, body["errorData"].as_str()),
        (400, Some("deviceType"))
    );
}

#[tokio::test]
async fn a_lost_socket_leaves_the_agent_idle_with_its_reason_and_contacts_return_after_reload() {
    let sandbox = sandbox(|_| {}).await;
    let (mut ada, line) = Client::at_work(&sandbox, 0).await;
    let (id, _leg) = ada.call(&sandbox, &line).await;
    sandbox
        .cut_socket(Socket::Routing, Some("ada"), Duration::ZERO)
        .unwrap();
    assert_eq!(ada.routing.inbox.closed().await, 1006);
    ada.subscribe(true).await;
    ada.post("/v1/agents/reload", json!({})).await;
    let relogin = ada.frame("AgentReloginSuccess").await;
    assert_eq!(relogin["lastStateChangeReason"], "agent-wss-disconnect");
    assert_eq!(
        (
            relogin["subStatus"].as_str(),
            relogin["deviceType"].as_str()
        ),
        (Some("Idle"), Some("BROWSER"))
    );
    assert_eq!(relogin["interactionIds"], json!([id]));
    let contact = ada.frame("AgentContact").await;
    assert_eq!(
        (
            contact["interactionId"].as_str(),
            contact["interaction"]["state"].as_str()
        ),
        (Some(id.as_str()), Some("connected"))
    );
}

#[tokio::test]
async fn a_second_login_with_force_closes_the_first_socket_after_saying_so() {
    let sandbox = sandbox(|_| {}).await;
    let first = Client::connect(&sandbox, 0).await;
    // Another kind of client replaces it as well.
    let form = json!({"force": true, "clientType": "Other"});
    let (status, _) = first.post("/v1/notification/subscribe", form).await;
    assert_eq!(status, 200);
    let notice = first
        .routing
        .inbox
        .take("AGENT_MULTI_LOGIN", |frame| {
            frame["type"] == "AGENT_MULTI_LOGIN"
        })
        .await;
    assert_eq!(notice["data"]["type"], "AgentMultiLoginCloseSession");
    first.routing.inbox.closed().await;
}

#[tokio::test]
async fn keepalives_are_echoed_and_a_silent_socket_is_dropped() {
    let sandbox = sandbox(|scenario| scenario.settings.silence_seconds = 0.4).await;
    let client = Client::connect(&sandbox, 0).await;
    client
        .routing
        .inbox
        .take("echo", |frame| frame["keepalive"] == "true")
        .await;
    assert_eq!(client.routing.inbox.closed().await, 1006);
}

#[tokio::test]
async fn a_socket_address_works_once() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let (_, body) = client
        .post("/v1/notification/subscribe", json!({"clientType": "Other"}))
        .await;
    let url = body["webSocketUrl"].as_str().unwrap();
    let _first = socket(url).await;
    assert!(tokio_tungstenite::connect_async(url).await.is_err());
}

#[tokio::test]
async fn plain_and_encrypted_share_a_port_and_name_each_their_own_addresses() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = Sandbox::start(Options {
        tls: true,
        ..Options::default()
    })
    .await
    .unwrap();
    let pem = std::fs::read(sandbox.ca_file().unwrap()).unwrap();
    let ca = reqwest::Certificate::from_pem(&pem).unwrap();
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([ca])
        .build()
        .unwrap();
    let token = &sandbox.agents()[0].token;
    let catalog = async |base: &str| -> Value {
        let request = http
            .get(format!("{base}/u2c/api/v1/catalog"))
            .bearer_auth(token);
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    };
    let plain = catalog(sandbox.base_url()).await;
    let encrypted = catalog(sandbox.tls_base_url().unwrap()).await;
    assert!(
        plain["serviceLinks"]["wdm"]
            .as_str()
            .unwrap()
            .starts_with("http://")
    );
    assert!(
        encrypted["serviceLinks"]["wdm"]
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
    for one in [&plain, &encrypted] {
        assert!(
            one["serviceLinks"]["mobius"]
                .as_str()
                .unwrap()
                .starts_with("https://"),
            "browsers ask over TLS"
        );
        assert!(one["hostCatalog"]["ds.ciscospark.com"].is_array());
    }
    assert!(sandbox.ready_line().contains("caFile\":\"/"));
}

#[tokio::test]
async fn only_loopback_is_served_unless_somebody_knows_better() {
    let bind = "0.0.0.0".parse().unwrap();
    let refused = Sandbox::start(Options {
        bind,
        ..Options::default()
    })
    .await
    .unwrap_err();
    assert!(refused.to_string().contains("--i-know-this-is-public"));
}

#[tokio::test]
async fn nonsense_is_answered_and_breaks_nothing() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let raw = reqwest::Client::builder().no_proxy().build().unwrap();
    let sent = raw
        .post(format!("{}/v1/agents/login", client.base))
        .bearer_auth(&client.me.token)
        .body("{oops")
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status().as_u16(), 400);
    client.routing.send.send("not json".to_owned()).unwrap();
    client.routing.send.send("[1,2]".to_owned()).unwrap();
    assert_eq!(client.ask(Method::GET, "/nowhere", None).await.0, 404);
    assert_eq!(
        client.ask(Method::DELETE, "/v1/agents/login", None).await.0,
        404
    );
    assert_eq!(client.post("/v1/agents/login", json!([1])).await.0, 400);
    client.login("BROWSER", "x").await;
}
