#![allow(clippy::unwrap_used)]

use super::grants::Caller;
use super::*;

const BASE: &str = "http://127.0.0.1:9";
const VERIFIER: &str = "sandboxVerifier-0123456789-abcdefghijklmnopqrstu";
const CHALLENGE: &str = "MfMT2j1Qio5U2pyJbgfbVMydv6R5zwVMynSg2KmzIT4";
const NOW: Moment = Moment(1_800_000_000_000);

fn later(seconds: u64) -> Moment {
    NOW.after_ms(seconds * 1_000)
}

fn lookup(fields: &[(&str, &str)]) -> Fields {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn confidential() -> Caller<'static> {
    Caller {
        id: Some(CONFIDENTIAL),
        secret: Some(CONFIDENTIAL_SECRET),
    }
}

fn public() -> Caller<'static> {
    Caller {
        id: Some(PUBLIC),
        secret: None,
    }
}

/// A request for consent with one field changed; an empty value leaves it out.
fn asking(identity: &mut Identity, change: (&str, &str)) -> Authorize {
    let usual = [
        ("response_type", "code"),
        ("client_id", PUBLIC),
        ("redirect_uri", "http://127.0.0.1:47113/callback"),
        ("scope", "cjp:user spark:people_read"),
        ("state", "s1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let fields: Vec<(&str, &str)> = usual
        .into_iter()
        .filter(|(name, _)| *name != change.0)
        .chain([change])
        .filter(|(_, value)| !value.is_empty())
        .collect();
    identity.authorize(&lookup(&fields), None, BASE, NOW, &AgentId::new("ada"))
}

fn allow(identity: &mut Identity) {
    identity.ordered.push_back(Ordered {
        decision: Next::Allow,
        agent: None,
        scopes: None,
    });
}

fn back(authorize: Authorize) -> BTreeMap<String, String> {
    let Authorize::Back(to) = authorize else {
        panic!("not sent back: {authorize:?}");
    };
    url::Url::parse(&to)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

fn code(identity: &mut Identity) -> String {
    allow(identity);
    back(asking(identity, ("client_id", PUBLIC)))["code"].clone()
}

fn exchange(
    identity: &mut Identity,
    caller: &Caller<'_>,
    code: &str,
    change: (&str, &str),
    now: Moment,
) -> Result<Value, Problem> {
    let usual = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", "http://127.0.0.1:47113/callback"),
        ("code_verifier", VERIFIER),
    ];
    let fields: Vec<(&str, &str)> = usual
        .into_iter()
        .filter(|(name, _)| *name != change.0)
        .chain([change])
        .collect();
    identity.token(caller, &lookup(&fields), BASE, now)
}

fn signed_in(identity: &mut Identity) -> Value {
    let code = code(identity);
    exchange(identity, &public(), &code, ("", ""), NOW).unwrap()
}

fn refresh(identity: &mut Identity, token: &Value, now: Moment) -> Result<Value, Problem> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str().unwrap()),
    ];
    identity.token(&public(), &lookup(&fields), BASE, now)
}

#[test]
fn a_client_or_way_back_that_is_not_registered_gets_a_page_and_no_redirect() {
    let mut identity = Identity::default();
    for change in [
        ("client_id", "Cother"),
        ("redirect_uri", "http://127.0.0.1:47113/other"),
        ("redirect_uri", "http://localhost:47113/callback"),
        ("redirect_uri", ""),
    ] {
        let became = asking(&mut identity, change);
        assert!(matches!(became, Authorize::Refused(_)), "{change:?}");
    }
}

#[test]
fn other_faults_of_a_request_go_back_with_their_state() {
    let mut identity = Identity::default();
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", ""), "invalid_scope"),
        (("scope", "spark-admin:all"), "invalid_scope"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("prompt", "none"), "login_required"),
    ] {
        let told = back(asking(&mut identity, change));
        assert_eq!(told["error"], error, "{change:?}");
        assert_eq!(told["state"], "s1");
        assert_eq!(told["iss"], format!("{BASE}/idb"));
    }
}

#[test]
fn a_person_decides_once_and_only_with_the_page_that_was_shown() {
    let mut identity = Identity::default();
    let Authorize::Ask(question) = asking(&mut identity, ("", "")) else {
        panic!("nobody is asked");
    };
    let ada = AgentId::new("ada");
    let mut decide = |csrf: &str, decision| {
        identity.decide(&question.request, csrf, decision, &ada, None, BASE, NOW)
    };
    assert_eq!(decide("guessed", Decision::Allow), None);
    let to = decide(&question.csrf, Decision::Allow).unwrap();
    assert!(to.starts_with("http://127.0.0.1:47113/callback?code="));
    assert_eq!(decide(&question.csrf, Decision::Allow), None);
}

#[test]
fn a_code_is_bound_and_used_once_and_its_reuse_kills_its_tokens() {
    let mut identity = Identity::default();
    let first = code(&mut identity);
    for (caller, change, now, error) in [
        (
            Caller {
                id: Some(CONFIDENTIAL),
                secret: Some("wrong"),
            },
            ("", ""),
            NOW,
            "invalid_client",
        ),
        (
            public(),
            ("grant_type", "password"),
            NOW,
            "unsupported_grant_type",
        ),
        (confidential(), ("", ""), NOW, "invalid_grant"),
        (
            public(),
            ("redirect_uri", "http://127.0.0.1:47114/callback"),
            NOW,
            "invalid_grant",
        ),
        (public(), ("code_verifier", "wrong"), NOW, "invalid_grant"),
        (public(), ("", ""), later(121), "invalid_grant"),
    ] {
        let told = exchange(&mut identity, &caller, &first, change, now).unwrap_err();
        assert_eq!(told.error, error, "{caller:?} {change:?}");
    }
    let granted = exchange(&mut identity, &public(), &first, ("", ""), NOW).unwrap();
    let token = granted["access_token"].as_str().unwrap();
    assert_eq!(token.split('_').count(), 3);
    assert_eq!(
        identity.holder(token, NOW).unwrap().agent,
        AgentId::new("ada")
    );
    assert!(exchange(&mut identity, &public(), &first, ("", ""), NOW).is_err());
    assert!(
        identity.holder(token, NOW).is_none(),
        "the thief's tokens die too"
    );
    assert!(refresh(&mut identity, &granted["refresh_token"], NOW).is_err());
}

#[test]
fn tokens_end_and_refreshing_goes_on_in_every_mode() {
    for mode in [RefreshMode::Same, RefreshMode::Omit, RefreshMode::Rotate] {
        let mut identity = Identity::default();
        identity.switches.mode = mode;
        let granted = signed_in(&mut identity);
        let access = granted["access_token"].as_str().unwrap().to_owned();
        assert!(identity.holder(&access, later(43_198)).is_some());
        assert!(identity.holder(&access, later(43_199)).is_none());
        let next = refresh(&mut identity, &granted["refresh_token"], later(10)).unwrap();
        let again = refresh(&mut identity, &granted["refresh_token"], later(20));
        match mode {
            RefreshMode::Same => assert_eq!(next["refresh_token"], granted["refresh_token"]),
            RefreshMode::Omit => assert!(next.get("refresh_token").is_none()),
            RefreshMode::Rotate => {
                assert_ne!(next["refresh_token"], granted["refresh_token"]);
                assert!(again.is_err(), "the old one is dead");
                let family = refresh(&mut identity, &next["refresh_token"], later(30));
                assert!(family.is_err(), "its reuse kills the family");
                continue;
            }
        }
        assert!(again.is_ok());
    }
}

#[test]
fn a_refresh_token_runs_down_or_starts_again() {
    for (restarts, left) in [(true, 5_183_999_u64), (false, 5_183_979)] {
        let mut identity = Identity::default();
        identity.switches.restarts = restarts;
        let granted = signed_in(&mut identity);
        let next = refresh(&mut identity, &granted["refresh_token"], later(20)).unwrap();
        assert_eq!(next["refresh_token_expires_in"], left);
    }
}

#[test]
fn a_device_waits_is_slowed_down_and_granted_once() {
    let mut identity = Identity::default();
    let ada = AgentId::new("ada");
    let mut start =
        |client: &str| identity.device_start(Some(client), Some("cjp:user"), BASE, NOW, &ada);
    let told = start(PUBLIC).unwrap_err();
    assert!(told.description.starts_with("redirect_uri"));
    let started = start(CONFIDENTIAL).unwrap();
    let (device, user) = (
        started["device_code"].as_str().unwrap(),
        started["user_code"].as_str().unwrap(),
    );
    assert_eq!(user.len(), 6);
    let grant = Some("urn:ietf:params:oauth:grant-type:device_code");
    let poll = |identity: &mut Identity, seconds: u64| {
        identity.device_poll(&confidential(), grant, Some(device), BASE, later(seconds))
    };
    assert_eq!(poll(&mut identity, 0).unwrap_err().status, 428);
    assert_eq!(poll(&mut identity, 1).unwrap_err().error, "slow_down");
    assert_eq!(
        poll(&mut identity, 7).unwrap_err().error,
        "slow_down",
        "five seconds more, for good"
    );
    assert_eq!(poll(&mut identity, 20).unwrap_err().status, 428);
    assert!(identity.device_of(user, NOW).is_some());
    assert!(identity.device_decide(user, Some(ada.clone()), NOW));
    assert!(!identity.device_decide(user, None, NOW), "decided already");
    assert!(poll(&mut identity, 40).is_ok());
    assert_eq!(poll(&mut identity, 60).unwrap_err().error, "invalid_grant");
}

#[test]
fn a_self_contained_token_names_its_organisation_and_can_be_long() {
    let mut identity = Identity::default();
    identity.switches.pad = 8_192;
    let code = code(&mut identity);
    let granted = exchange(
        &mut identity,
        &public(),
        &code,
        ("self_contained_token", "true"),
        NOW,
    )
    .unwrap();
    let token = granted["access_token"].as_str().unwrap();
    assert!((8_192..8_200).contains(&token.len()), "{}", token.len());
    assert_eq!(token.split('.').count(), 3);
    assert!(identity.holder(token, NOW).is_some());
    assert_eq!(identity.keys()["keys"][0]["kty"], "RSA");
}

#[test]
fn a_revoked_token_is_dead_at_once() {
    let mut identity = Identity::default();
    let granted = signed_in(&mut identity);
    let access = granted["access_token"].as_str().unwrap();
    identity.revoke(access, NOW);
    assert!(identity.holder(access, NOW).is_none());
    assert!(refresh(&mut identity, &granted["refresh_token"], NOW).is_ok());
    identity.revoke(granted["refresh_token"].as_str().unwrap(), NOW);
    identity.revoke("unknown", NOW);
}

#[test]
fn problems_are_told_in_the_shape_that_is_set() {
    let mut identity = Identity::default();
    let problem = Problem::grant("Gone.");
    assert_eq!(identity.tell(&problem)["error"], "invalid_grant");
    identity.switches.shape = ErrorShape::Gateway;
    let told = identity.tell(&problem);
    assert_eq!(told["errors"][0]["description"], "invalid_grant");
    let slow = Problem::new(400, "slow_down", "Asked too often.");
    identity.switches.slow_down = SlowDown::Message;
    assert_eq!(identity.tell_poll(&slow)["message"], "slow_down");
}
