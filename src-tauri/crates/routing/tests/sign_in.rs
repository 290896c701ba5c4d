//! Signing in over real HTTP and a real socket: groups B and E.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    dead_code,
    missing_docs
)]

mod centre;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use centre::{Canned, Centre, Client, SUBSCRIBE, TOKEN};
use deskline_core::{LinkState, RoutingFact, RoutingRequest, Secret};
use deskline_routing::{Renew, Services};
use deskline_wire::json;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

#[tokio::test]
async fn case_025_the_subscription_body_is_exact() {
    let centre = Centre::start().await;
    let _client = Client::signed_in(&centre, 1.0).await;
    let body = &centre.seen(SUBSCRIBE)[0].body;
    assert_eq!(
        *body,
        json!({"force": true, "isKeepAliveEnabled": false, "clientType": "WebexCCSDK", "allowMultiLogin": false})
    );
}

#[tokio::test]
async fn case_026_the_int_environment_gets_the_organisation_on_subscribe_alone() {
    let centre = Centre::start().await;
    let mut client = Client::with(format!("{}/intb/u2c/api/v1", centre.base), None, 1.0);
    client.ask(RoutingRequest::SignIn);
    client
        .until(|fact| matches!(fact, RoutingFact::SignedIn(_)).then_some(()))
        .await;
    let with_header: Vec<String> = centre.with(|inner| {
        inner
            .seen
            .iter()
            .filter(|seen| seen.header("x-organization-id") == Some("ORG"))
            .map(|seen| seen.target.clone())
            .collect()
    });
    assert_eq!(with_header, [SUBSCRIBE]);
}

#[tokio::test]
async fn case_027_the_socket_is_opened_at_exactly_that_address_and_greets_at_once() {
    let centre = Centre::start().await;
    let _client = Client::signed_in(&centre, 1.0).await;
    let subscribed = centre.seen(SUBSCRIBE)[0].at;
    let (at, target, text) = centre.with(|inner| inner.frames[0].clone());
    assert_eq!(target, "/ws/1?key=secret-1");
    assert_eq!(text, r#"{"keepalive":"true"}"#);
    assert!(
        at - subscribed < Duration::from_secs(2),
        "at once, not after four seconds"
    );
}

#[tokio::test]
async fn case_028_a_heartbeat_every_four_seconds_and_none_after_the_end() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 20.0).await;
    centre
        .until("four heartbeats", |inner| inner.frames.len() >= 4)
        .await;
    let times: Vec<Instant> =
        centre.with(|inner| inner.frames.iter().map(|frame| frame.0).collect());
    // Four seconds are 200 ms at this pace. Late is possible on a busy machine, early is not.
    for pair in times[..4].windows(2) {
        assert!(
            pair[1] - pair[0] > Duration::from_millis(150),
            "{:?}",
            pair[1] - pair[0]
        );
    }
    assert!(
        times[3] - times[0] > Duration::from_millis(550),
        "{:?}",
        times[3] - times[0]
    );
    client.ask(RoutingRequest::SignOut);
    client
        .until(|fact| matches!(fact, RoutingFact::Link(LinkState::Off)).then_some(()))
        .await;
    centre
        .until("a closed socket", |inner| inner.open_sockets == 0)
        .await;
    let count = centre.with(|inner| inner.frames.len());
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(centre.with(|inner| inner.frames.len()), count);
}

#[tokio::test]
async fn case_029_the_welcome_names_the_user_to_fetch() {
    let centre = Centre::start().await;
    let mut client = Client::start(&centre, 1.0);
    client.ask(RoutingRequest::SignIn);
    let RoutingFact::SignedIn(signed_in) = client.fact().await else {
        panic!("not signed in")
    };
    assert_eq!(signed_in.agent_id.as_str(), "AGENT");
    assert_eq!(signed_in.org_id.as_str(), "ORG");
    assert_eq!(signed_in.profile.agent_name, "Ada Lind");
    assert_eq!(
        centre
            .seen("/organization/ORG/user/by-ci-user-id/AGENT")
            .len(),
        1
    );
    assert!(matches!(
        client.fact().await,
        RoutingFact::Link(LinkState::Up)
    ));
}

#[tokio::test]
async fn case_030_a_refused_subscription_ends_the_sign_in() {
    let centre = Centre::start().await;
    centre.set(
        SUBSCRIBE,
        Canned {
            tracking_id: Some("T-403"),
            ..Canned::json(403, json!({"message": "no licence"}))
        },
    );
    let problem = Client::start(&centre, 1.0).refused_sign_in().await;
    assert_eq!(problem.status, Some(403));
    assert_eq!(problem.body, Some(json!({"message": "no licence"})));
    assert_eq!(problem.tracking_id.unwrap().as_str(), "T-403");
    assert!(problem.text.contains("no licence") && problem.is_final && !problem.signed_out);
    assert_eq!(centre.with(|inner| inner.most_open_sockets), 0);
    assert!(
        !centre
            .targets()
            .iter()
            .any(|target| target.starts_with("/organization"))
    );
}

#[tokio::test]
async fn case_031_a_subscription_without_address_is_a_bad_answer() {
    for body in [
        json!({}),
        json!({"webSocketUrl": ""}),
        json!({"webSocketUrl": 7}),
        json!([]),
    ] {
        let centre = Centre::start().await;
        centre.set(SUBSCRIBE, Canned::json(200, body));
        let problem = Client::start(&centre, 1.0).refused_sign_in().await;
        assert_eq!(problem.name.as_deref(), Some("BadAnswer"));
        assert!(problem.text.contains("webSocketUrl") && problem.tracking_id.is_some());
    }
}

#[tokio::test]
async fn case_032_no_welcome_ends_the_sign_in_after_thirty_seconds() {
    let centre = Centre::start().await;
    centre.with(|inner| inner.is_welcoming = false);
    let begun = Instant::now();
    let problem = Client::start(&centre, 30.0).refused_sign_in().await;
    assert!(
        problem.text.contains("no Welcome within 30 seconds"),
        "{}",
        problem.text
    );
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "thirty seconds are one at this pace"
    );
    centre
        .until("a closed socket", |inner| inner.open_sockets == 0)
        .await;
}

#[tokio::test]
async fn a_welcome_without_agent_is_passed_over_until_a_better_one_comes() {
    let centre = Centre::start().await;
    centre.with(|inner| inner.is_welcoming = false);
    let mut client = Client::start(&centre, 1.0);
    client.ask(RoutingRequest::SignIn);
    centre
        .until("a socket", |inner| inner.open_sockets == 1)
        .await;
    centre.push(json!({"type": "Welcome", "data": {}}));
    centre.push(json!({"type": "Welcome"}));
    centre.push(json!({"type": "Welcome", "data": {"agentId": "AGENT"}}));
    let RoutingFact::SignedIn(_) = client.fact().await else {
        panic!("not signed in")
    };
}

#[tokio::test]
async fn without_a_welcome_that_names_the_agent_the_answer_is_bad() {
    for welcome in [
        json!({"type": "Welcome", "data": {}}),
        json!({"type": "Welcome"}),
    ] {
        let centre = Centre::start().await;
        centre.with(|inner| inner.is_welcoming = false);
        let mut client = Client::start(&centre, 30.0);
        client.ask(RoutingRequest::SignIn);
        centre
            .until("a socket", |inner| inner.open_sockets == 1)
            .await;
        centre.push(welcome);
        let RoutingFact::SignInFailed(problem) = client.fact().await else {
            panic!("no failure")
        };
        assert_eq!(problem.name.as_deref(), Some("BadAnswer"));
    }
}

#[tokio::test]
async fn case_089_no_dial_plan_is_asked_for_unless_the_agent_has_one() {
    let centre = Centre::start().await;
    let _client = Client::signed_in(&centre, 1.0).await;
    assert!(centre.seen("/organization/ORG/dial-plan").is_empty());

    let centre = Centre::start().await;
    centre.set(
        "/organization/ORG/agent-profile/P",
        Canned::json(200, json!({"dialPlanEnabled": true, "dialPlans": ["d"]})),
    );
    centre.set(
        "/organization/ORG/dial-plan",
        Canned::json(200, json!([{"id": "d", "regularExpression": "1"}])),
    );
    let _client = Client::signed_in(&centre, 1.0).await;
    assert_eq!(
        centre.seen("/organization/ORG/dial-plan")[0].target,
        "/organization/ORG/dial-plan?agentView=true"
    );
}

#[tokio::test]
async fn case_090_all_pages_of_aux_codes_in_their_order() {
    let centre = Centre::start().await;
    let mut client = Client::start(&centre, 1.0);
    client.ask(RoutingRequest::SignIn);
    let RoutingFact::SignedIn(signed_in) = client.fact().await else {
        panic!("not signed in")
    };
    let ids: Vec<&str> = signed_in
        .profile
        .idle_codes
        .iter()
        .map(|code| code.id.as_str())
        .collect();
    assert_eq!(ids, ["i0", "i1", "i2", "0"]);
    let mut asked: Vec<String> = centre
        .seen("/organization/ORG/v2/auxiliary-code")
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    assert!(
        asked[0].contains("?page=0&"),
        "the first page tells how many there are"
    );
    asked.sort();
    let target = |page: u8| {
        format!(
            "/organization/ORG/v2/auxiliary-code?page={page}&pageSize=100&attributes=id,isSystemCode,name,defaultCode,workTypeCode,active"
        )
    };
    assert_eq!(asked, [target(0), target(1), target(2)]);
}

#[tokio::test]
async fn case_091_teams_are_asked_for_by_id() {
    let centre = Centre::start().await;
    let _client = Client::signed_in(&centre, 1.0).await;
    assert_eq!(
        centre.seen("/organization/ORG/v2/team")[0].target,
        "/organization/ORG/v2/team?page=0&pageSize=100&filter=id=in=(a,b)"
    );
}

#[tokio::test]
async fn case_091_without_team_list_none_is_asked_for_and_an_empty_one_has_no_filter() {
    for (ids, targets) in [
        (json!(null), &[][..]),
        (
            json!([]),
            &["/organization/ORG/v2/team?page=0&pageSize=100"][..],
        ),
    ] {
        let centre = Centre::start().await;
        centre.set(
            "/organization/ORG/user/by-ci-user-id/AGENT",
            Canned::json(
                200,
                json!({"ciUserId": "AGENT", "agentProfileId": "P", "teamIds": ids}),
            ),
        );
        let _client = Client::signed_in(&centre, 1.0).await;
        let asked: Vec<String> = centre
            .seen("/organization/ORG/v2/team")
            .into_iter()
            .map(|seen| seen.target)
            .collect();
        assert_eq!(asked, targets);
    }
}

#[tokio::test]
async fn case_095_one_failing_answer_leaves_nothing_half_done() {
    let centre = Centre::start().await;
    centre.set(
        "/organization/ORG/v2/tenant-configuration",
        Canned {
            tracking_id: Some("T-500"),
            ..Canned::json(500, json!({}))
        },
    );
    let mut client = Client::start(&centre, 1.0);
    let problem = client.refused_sign_in().await;
    assert_eq!(problem.status, Some(500));
    assert_eq!(problem.tracking_id.unwrap().as_str(), "T-500");
    assert!(!problem.is_final);
    centre
        .until("a closed socket", |inner| inner.open_sockets == 0)
        .await;
    // The next one starts afresh and works.
    centre.set(
        "/organization/ORG/v2/tenant-configuration",
        Canned::json(200, json!({"data": [{}]})),
    );
    client.ask(RoutingRequest::SignIn);
    client
        .until(|fact| matches!(fact, RoutingFact::SignedIn(_)).then_some(()))
        .await;
    assert_eq!(centre.seen("/u2c/api/v1/limited/catalog").len(), 2);
}

#[tokio::test]
async fn case_095_another_2xx_than_200_is_a_failure_too() {
    let centre = Centre::start().await;
    centre.set(
        "/organization/ORG/v2/ai-feature",
        Canned::json(202, json!({"data": []})),
    );
    let problem = Client::start(&centre, 1.0).refused_sign_in().await;
    assert_eq!(problem.text, "API call failed with 202");
    assert_eq!(problem.name.as_deref(), Some("BadAnswer"));
}

#[tokio::test]
async fn nonsense_from_any_service_is_a_bad_answer() {
    for path in [
        "/u2c/api/v1/limited/catalog",
        "/u2c/api/v1/catalog",
        SUBSCRIBE,
        "/organization/ORG",
        "/organization/ORG/user/by-ci-user-id/AGENT",
        "/organization/ORG/agent-profile/P",
        "/organization/ORG/v2/auxiliary-code",
        "/organization/ORG/v2/team",
        "/organization/ORG/v2/organization-setting",
    ] {
        let centre = Centre::start().await;
        centre.set(
            path,
            Canned {
                body: "<html>busy</html>".to_owned(),
                ..Canned::json(200, json!(0))
            },
        );
        let problem = Client::start(&centre, 1.0).refused_sign_in().await;
        assert_eq!(
            problem.name.as_deref(),
            Some("BadAnswer"),
            "{path}: {}",
            problem.text
        );
        assert!(problem.tracking_id.is_some(), "{path}");
    }
}

#[tokio::test]
async fn the_order_is_catalog_subscribe_user_and_the_rest_in_parallel() {
    let centre = Centre::start().await;
    // If the seven first ones waited for each other this would never end in time.
    centre.set(
        "/organization/ORG/user/by-ci-user-id/AGENT",
        Canned {
            delay: Duration::from_millis(300),
            ..Canned::json(
                200,
                json!({"ciUserId": "AGENT", "agentProfileId": "P", "siteId": "S"}),
            )
        },
    );
    let _client = Client::signed_in(&centre, 1.0).await;
    let targets = centre.targets();
    assert_eq!(
        targets[0],
        "/u2c/api/v1/limited/catalog?orgId=ORG&format=hostmap"
    );
    assert_eq!(targets[1], "/u2c/api/v1/catalog?format=hostmap");
    assert_eq!(targets[2], SUBSCRIBE);
    let place = |part: &str| {
        targets
            .iter()
            .position(|target| target.contains(part))
            .unwrap()
    };
    for first in [
        "by-ci-user-id",
        "organization-setting",
        "tenant-conf",
        "url-mapping",
        "ai-feature",
        "auxiliary-code?page=0",
    ] {
        assert!(
            place(first) < place("agent-profile"),
            "{first} does not wait for the user"
        );
    }
}

#[tokio::test]
async fn every_request_carries_its_headers_and_only_the_first_catalog_has_no_token() {
    let centre = Centre::start().await;
    let _client = Client::signed_in(&centre, 1.0).await;
    let seen = centre.with(|inner| inner.seen.clone());
    let mut tracking_ids = Vec::new();
    for request in &seen {
        let id = request.header("trackingid").unwrap();
        assert!(
            id.starts_with("webex-js-sdk_") && id.split('_').count() == 3,
            "{id}"
        );
        tracking_ids.push(id.to_owned());
        assert_eq!(
            request.header("spark-user-agent"),
            Some("webex/3.12.0 (web) deskline/0")
        );
        assert_eq!(request.header("cisco-no-http-redirect"), Some("true"));
        let wanted = (!request.target.contains("/limited/")).then(|| format!("Bearer {TOKEN}"));
        assert_eq!(
            request.header("authorization").map(str::to_owned),
            wanted,
            "{}",
            request.target
        );
        assert_eq!(request.header("cisco-device-url"), None);
    }
    tracking_ids.sort();
    tracking_ids.dedup();
    assert_eq!(tracking_ids.len(), seen.len(), "each its own");
}

#[tokio::test]
async fn a_spent_token_asks_for_a_new_sign_in_and_a_newer_one_is_used_once() {
    let centre = Centre::start().await;
    centre.set(SUBSCRIBE, Canned::json(401, json!({})));
    let mut client = Client::start(&centre, 1.0);
    let problem = client.refused_sign_in().await;
    assert!(problem.signed_out);
    assert_eq!(
        centre.seen(SUBSCRIBE).len(),
        1,
        "the same token is not tried again"
    );

    // While the answer is under way a newer token comes.
    centre.set(
        SUBSCRIBE,
        Canned {
            delay: Duration::from_millis(300),
            ..Canned::json(401, json!({}))
        },
    );
    client.ask(RoutingRequest::SignIn);
    centre
        .until("the second subscription", |inner| {
            inner
                .seen
                .iter()
                .filter(|seen| seen.target == SUBSCRIBE)
                .count()
                == 2
        })
        .await;
    client.token.send(Some(Secret::new("new_er_ORG"))).unwrap();
    let RoutingFact::SignInFailed(problem) = client.fact().await else {
        panic!("no failure")
    };
    assert!(problem.signed_out, "a second 401 is an error");
    let seen = centre.seen(SUBSCRIBE);
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[2].header("authorization"), Some("Bearer new_er_ORG"));
    assert_eq!(
        seen[2].header("trackingid").unwrap(),
        format!("{}+1", seen[1].header("trackingid").unwrap())
    );
}

/// Knows one newer token, or none, and counts who asked.
struct Renewer(Option<&'static str>, AtomicUsize);

impl Renew for Renewer {
    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn renew(&self, stale: Secret) -> BoxFuture<'_, Option<Secret>> {
        assert_eq!(stale.reveal(), TOKEN);
        self.1.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { self.0.map(Secret::new) })
    }
}

#[tokio::test]
async fn a_refused_request_is_renewed_once_and_repeated_once() {
    for (newer, requests) in [(Some("new_er_ORG"), 2), (Some(TOKEN), 1), (None, 1)] {
        let centre = Centre::start().await;
        centre.set(SUBSCRIBE, Canned::json(401, json!({})));
        let renewer = Arc::new(Renewer(newer, AtomicUsize::new(0)));
        let services = Services {
            u2c: format!("{}/u2c/api/v1", centre.base),
            ..Services::default()
        };
        let mut client = Client::renewed_by(services, 1.0, Some(renewer.clone()));
        let problem = client.refused_sign_in().await;
        assert!(problem.signed_out, "the refusal goes to who asked");
        assert_eq!(renewer.1.load(Ordering::SeqCst), 1);
        let seen = centre.seen(SUBSCRIBE);
        assert_eq!(seen.len(), requests, "{newer:?}");
        if requests == 2 {
            assert_eq!(seen[1].header("authorization"), Some("Bearer new_er_ORG"));
            assert_eq!(
                seen[1].header("trackingid").unwrap(),
                format!("{}+1", seen[0].header("trackingid").unwrap())
            );
        }
    }
}

/// Has a newer token ready as soon as it is asked whether there is one.
#[derive(Default)]
struct Ready(OnceLock<watch::Sender<Option<Secret>>>);

impl Renew for Ready {
    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let token = self.0.get().unwrap();
            token.send_replace(Some(Secret::new("new_er_ORG")));
        })
    }

    fn renew(&self, _stale: Secret) -> BoxFuture<'_, Option<Secret>> {
        panic!("nothing was refused");
    }
}

#[tokio::test]
async fn a_token_that_ended_is_not_tried() {
    let centre = Centre::start().await;
    let services = Services {
        u2c: format!("{}/u2c/api/v1", centre.base),
        ..Services::default()
    };
    let ready = Arc::new(Ready::default());
    let mut client = Client::renewed_by(services, 1.0, Some(ready.clone()));
    ready.0.set(client.token.clone()).unwrap();
    client.ask(RoutingRequest::SignIn);
    client
        .until(|fact| matches!(fact, RoutingFact::SignedIn(_)).then_some(()))
        .await;
    for target in centre.targets() {
        for seen in centre.seen(&target) {
            assert_ne!(
                seen.header("authorization"),
                Some(&*format!("Bearer {TOKEN}")),
                "{target}"
            );
        }
    }
}

#[tokio::test]
async fn without_a_token_or_an_organisation_nothing_is_sent() {
    let centre = Centre::start().await;
    let mut client = Client::start(&centre, 1.0);
    for token in [None, Some(Secret::new("no-organisation"))] {
        client.token.send(token).unwrap();
        let problem = client.refused_sign_in().await;
        assert!(problem.signed_out);
        assert!(!problem.text.contains("no-organisation"));
    }
    assert!(centre.targets().is_empty());
}

#[tokio::test]
async fn unencrypted_services_elsewhere_are_refused_clearly() {
    let centre = Centre::start().await;
    let mut client = Client::with("http://u2c.test/api".to_owned(), None, 1.0);
    assert!(
        client
            .refused_sign_in()
            .await
            .text
            .contains("http://u2c.test is refused")
    );
    let own = Some("http://gateway.test".to_owned());
    let mut client = Client::with(format!("{}/u2c/api/v1", centre.base), own, 1.0);
    assert!(
        client
            .refused_sign_in()
            .await
            .text
            .contains("http://gateway.test is refused")
    );
    centre.set(
        SUBSCRIBE,
        Canned::json(200, json!({"webSocketUrl": "ws://socket.test/secret-9"})),
    );
    let problem = Client::start(&centre, 1.0).refused_sign_in().await;
    assert!(problem.text.contains("ws://socket.test is refused"));
    assert!(!format!("{problem:?}").contains("secret-9"));
}

#[tokio::test]
async fn nobody_there_is_a_problem_without_status() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let problem = Client::with(format!("http://{address}/u2c"), None, 1.0)
        .refused_sign_in()
        .await;
    assert_eq!(problem.status, None);
    assert!(problem.tracking_id.is_some() && !problem.is_final && !problem.signed_out);
}

#[tokio::test]
async fn a_socket_that_closes_during_the_profile_ends_the_sign_in() {
    let centre = Centre::start().await;
    centre.set(
        "/organization/ORG",
        Canned {
            delay: Duration::from_secs(30),
            ..Canned::json(200, json!({}))
        },
    );
    let mut client = Client::start(&centre, 1.0);
    client.ask(RoutingRequest::SignIn);
    centre
        .until("a slow answer", |inner| {
            inner
                .seen
                .iter()
                .any(|seen| seen.target == "/organization/ORG")
        })
        .await;
    centre.drop_sockets();
    let RoutingFact::SignInFailed(problem) = client.fact().await else {
        panic!("no failure")
    };
    assert!(problem.text.contains("closed during sign-in"));
}

#[tokio::test]
async fn frames_that_come_before_the_profile_are_not_lost() {
    let centre = Centre::start().await;
    centre.set(
        "/organization/ORG",
        Canned {
            delay: Duration::from_millis(400),
            ..Canned::json(200, json!({}))
        },
    );
    let mut client = Client::start(&centre, 1.0);
    client.ask(RoutingRequest::SignIn);
    centre
        .until("a slow answer", |inner| {
            inner
                .seen
                .iter()
                .any(|seen| seen.target == "/organization/ORG")
        })
        .await;
    centre.push(json!({"type": "AgentStateChange", "data": {"type": "AgentStateChangeSuccess"}}));
    assert!(matches!(client.fact().await, RoutingFact::SignedIn(_)));
    assert!(matches!(
        client.fact().await,
        RoutingFact::Link(LinkState::Up)
    ));
    let RoutingFact::Frame(frame) = client.fact().await else {
        panic!("the frame is lost")
    };
    assert_eq!(frame.name(), Some("AgentStateChangeSuccess"));
}

#[tokio::test]
async fn signing_out_takes_a_sign_in_back() {
    let centre = Centre::start().await;
    centre.set(
        SUBSCRIBE,
        Canned {
            delay: Duration::from_secs(30),
            ..Canned::json(200, json!({}))
        },
    );
    let mut client = Client::start(&centre, 1.0);
    client.ask(RoutingRequest::SignIn);
    centre
        .until("a subscription", |inner| {
            inner.seen.iter().any(|seen| seen.target == SUBSCRIBE)
        })
        .await;
    client.ask(RoutingRequest::SignOut);
    assert!(matches!(
        client.fact().await,
        RoutingFact::Link(LinkState::Off)
    ));
    assert!(
        timeout(Duration::from_millis(200), client.facts.recv())
            .await
            .is_err(),
        "nothing else follows"
    );
}

#[tokio::test]
async fn no_fact_shows_the_token_or_the_sockets_address() {
    let centre = Centre::start().await;
    let mut client = Client::start(&centre, 1.0);
    client.ask(RoutingRequest::SignIn);
    let fact = client.fact().await;
    let shown = format!("{fact:?}");
    assert!(matches!(fact, RoutingFact::SignedIn(_)));
    assert!(!shown.contains(TOKEN) && !shown.contains("secret-1"));
}
