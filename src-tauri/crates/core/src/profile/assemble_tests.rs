//! The cases of group E that need no network.

#![allow(clippy::unwrap_used)]

use deskline_wire::{Json, json};

use super::{Fetched, assemble};
use crate::{AgentId, OrgId, Profile};

fn fetched() -> Fetched {
    Fetched {
        user: json!({
            "id": "u1", "ciUserId": "A", "firstName": "Ada", "lastName": "Lind", "email": "a@x.test",
            "agentProfileId": "P1", "siteId": "s1", "teamIds": ["t1"],
        }),
        agent_profile: json!({
            "loginVoiceOptions": ["BROWSER", "EXTENSION"], "accessWrapUpCode": "ALL",
            "accessIdleCode": "ALL", "autoWrapUp": false,
        }),
        site: json!({}),
        teams: vec![json!({"data": [{"id": "t1", "name": "Team 1"}]})],
        aux_codes: vec![json!({"data": []})],
        organization: json!({"tenantId": "E1", "timezone": "Europe/Oslo", "environment": "us1"}),
        settings: json!({"data": [{"webRtcEnabled": true}]}),
        tenant: json!({"data": [{}]}),
        url_mapping: json!({"data": []}),
        dial_plan: None,
        ai_feature: json!({"data": []}),
    }
}

fn profile(fetched: &Fetched) -> Profile {
    assemble(&OrgId::from("O"), &AgentId::from("A"), fetched).unwrap()
}

fn code(id: &str, kind: &str, active: bool, default: bool) -> Json {
    json!({"id": id, "name": format!("name of {id}"), "isSystemCode": false, "defaultCode": default,
        "workTypeCode": kind, "active": active})
}

fn set(target: &mut Json, field: &str, value: Json) {
    target
        .as_object_mut()
        .unwrap()
        .insert(field.to_owned(), value);
}

fn set_tenant(fetched: &mut Fetched, field: &str, value: Json) {
    set(&mut fetched.tenant["data"][0], field, value);
}

fn ids(list: &Json) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|code| code["id"].as_str().unwrap())
        .collect()
}

#[test]
fn case_083_all_idle_codes_and_available_last() {
    let mut from = fetched();
    from.aux_codes = vec![json!({"data": [
        code("i1", "IDLE_CODE", true, false), code("i2", "IDLE_CODE", true, true),
        code("i3", "IDLE_CODE", false, false), code("w1", "WRAP_UP_CODE", true, false),
    ]})];
    let profile = profile(&from);
    assert_eq!(ids(&profile.json["idleCodes"]), ["i1", "i2", "0"]);
    assert_eq!(
        profile.json["idleCodes"][2],
        json!({"id": "0", "name": "Available", "isSystem": false, "isDefault": false})
    );
    assert_eq!(profile.idle_codes.len(), 3);
}

#[test]
fn case_084_specific_wrapup_codes() {
    let mut from = fetched();
    from.aux_codes = vec![json!({"data": [
        code("w1", "WRAP_UP_CODE", true, false), code("w2", "WRAP_UP_CODE", true, false),
        code("w3", "WRAP_UP_CODE", false, false),
    ]})];
    set(
        &mut from.agent_profile,
        "accessWrapUpCode",
        json!("SPECIFIC"),
    );
    set(&mut from.agent_profile, "wrapUpCodes", json!(["w2", "w3"]));
    assert_eq!(ids(&profile(&from).json["wrapupCodes"]), ["w2"]);
}

#[test]
fn case_085_specific_and_empty_means_only_available() {
    let mut from = fetched();
    from.aux_codes = vec![json!({"data": [code("i1", "IDLE_CODE", true, false)]})];
    set(&mut from.agent_profile, "accessIdleCode", json!("SPECIFIC"));
    for list in [json!([]), json!(null)] {
        set(&mut from.agent_profile, "idleCodes", list);
        assert_eq!(ids(&profile(&from).json["idleCodes"]), ["0"]);
    }
}

#[test]
fn case_086_default_wrapup_code() {
    let mut from = fetched();
    from.aux_codes = vec![json!({"data": [code("w1", "WRAP_UP_CODE", true, false)]})];
    assert_eq!(profile(&from).json["defaultWrapupCode"], "");
    from.aux_codes
        .push(json!({"data": [code("w2", "WRAP_UP_CODE", true, true)]}));
    assert_eq!(profile(&from).json["defaultWrapupCode"], "w2");
}

#[test]
fn case_087_multimedia_profile_from_user_then_team_then_site() {
    let mut from = fetched();
    from.site = json!({"multimediaProfileId": "m2"});
    assert_eq!(profile(&from).json["multimediaProfileId"], "m2");
    set(
        &mut from.teams[0]["data"][0],
        "multiMediaProfileId",
        json!("m1"),
    );
    assert_eq!(profile(&from).json["multimediaProfileId"], "m1");
    set(&mut from.user, "multimediaProfileId", json!("m0"));
    assert_eq!(profile(&from).json["multimediaProfileId"], "m0");
}

#[test]
fn case_088_dial_plan_holds_the_agents_entries() {
    let mut from = fetched();
    set(&mut from.agent_profile, "dialPlanEnabled", json!(true));
    set(&mut from.agent_profile, "dialPlans", json!(["d2"]));
    from.dial_plan = Some(json!([
        {"id": "d1", "name": "US", "regularExpression": "1.*", "prefix": "", "strippedChars": ""},
        {"id": "d2", "name": "Any", "regularExpression": "[0-9]+", "prefix": "0", "strippedChars": "-"},
    ]));
    let profile = profile(&from);
    assert_eq!(
        profile.json["dialPlan"],
        json!({"type": "adhocDial", "dialPlanEntity":
            [{"regex": "[0-9]+", "prefix": "0", "strippedChars": "-", "name": "Any"}]})
    );
    assert_eq!(profile.dial_plan.unwrap(), ["[0-9]+"]);
}

#[test]
fn case_089_no_dial_plan() {
    let profile = profile(&fetched());
    assert!(profile.json.get("dialPlan").is_none());
    assert_eq!(profile.json["isAdhocDialingEnabled"], false);
    assert_eq!(profile.dial_plan, None);
}

#[test]
fn case_090_pages_keep_their_order() {
    let mut from = fetched();
    from.aux_codes = ["i0", "i1", "i2"]
        .map(|id| json!({"meta": {"totalPages": 3}, "data": [code(id, "IDLE_CODE", true, false)]}))
        .to_vec();
    assert_eq!(
        ids(&profile(&from).json["idleCodes"]),
        ["i0", "i1", "i2", "0"]
    );
}

#[test]
fn case_092_inactivity_minutes() {
    let mut from = fetched();
    set(
        &mut from.agent_profile,
        "timeoutDesktopInactivityCustomEnabled",
        json!(true),
    );
    set(
        &mut from.agent_profile,
        "timeoutDesktopInactivityMins",
        json!(12),
    );
    set_tenant(&mut from, "timeoutDesktopInactivityEnabled", json!(true));
    set_tenant(&mut from, "timeoutDesktopInactivityMins", json!(30));
    assert_eq!(profile(&from).json["timeoutDesktopInactivityMins"], 12);
    set(
        &mut from.agent_profile,
        "timeoutDesktopInactivityCustomEnabled",
        json!(false),
    );
    assert_eq!(profile(&from).json["timeoutDesktopInactivityMins"], 30);
    set_tenant(&mut from, "timeoutDesktopInactivityEnabled", json!(false));
    assert_eq!(
        profile(&from).json["timeoutDesktopInactivityMins"],
        Json::Null
    );
}

#[test]
fn case_093_forced_dial_number() {
    let mut from = fetched();
    for (value, forced) in [("PROVISIONED_VALUE", true), ("UNRESTRICTED", false)] {
        set(&mut from.agent_profile, "agentDNValidation", json!(value));
        assert_eq!(profile(&from).json["forceDefaultDnForAgent"], forced);
    }
}

#[test]
fn case_094_recovery_limit() {
    let mut from = fetched();
    assert_eq!(profile(&from).json["lostConnectionRecoveryTimeout"], 50_000);
    assert_eq!(profile(&from).recovery_limit_ms, 50_000);
    for (value, ms) in [
        (json!(30), 30_000),
        (json!(40_000), 40_000),
        (json!(0), 50_000),
    ] {
        set_tenant(&mut from, "lostConnectionRecoveryTimeout", value);
        assert_eq!(profile(&from).recovery_limit_ms, ms);
    }
}

#[test]
fn case_096_first_ai_record() {
    let mut from = fetched();
    assert!(profile(&from).json.get("aiFeature").is_none());
    from.ai_feature = json!({"data": [{"id": "f1"}, {"id": "f2"}]});
    assert_eq!(profile(&from).json["aiFeature"], json!({"id": "f1"}));
}

#[test]
fn case_097_wrap_up_props() {
    let mut from = fetched();
    from.aux_codes = vec![json!({"data": [code("w1", "WRAP_UP_CODE", true, false)]})];
    set(&mut from.agent_profile, "autoWrapUp", json!(true));
    set(
        &mut from.agent_profile,
        "autoWrapAfterSeconds",
        json!(30_000),
    );
    set(
        &mut from.agent_profile,
        "allowAutoWrapUpExtension",
        json!(true),
    );
    let profile = profile(&from);
    let props = &profile.json["wrapUpData"]["wrapUpProps"];
    assert_eq!(props["autoWrapup"], true);
    assert_eq!(props["autoWrapupInterval"], 30_000);
    assert_eq!(props["allowCancelAutoWrapup"], true);
    assert_eq!(props["wrapUpReasonList"], profile.json["wrapupCodes"]);
    assert_eq!(profile.wrap_up.interval_ms, Some(30_000));
    assert_eq!(profile.wrap_up.auto_wrapup, Some(true));
    assert!(profile.wrap_up.allow_cancel);
}

#[test]
fn an_interval_below_a_thousand_is_seconds_and_a_missing_one_is_none() {
    let mut from = fetched();
    let cases = [
        (json!(30), Some(30_000)),
        (json!(1000), Some(1000)),
        (json!(0), None),
        (json!(-5), None),
        (json!(null), None),
        (json!("soon"), None),
    ];
    for (value, interval) in cases {
        set(&mut from.agent_profile, "autoWrapAfterSeconds", value);
        assert_eq!(profile(&from).wrap_up.interval_ms, interval);
    }
    from.agent_profile
        .as_object_mut()
        .unwrap()
        .remove("autoWrapUp");
    assert_eq!(profile(&from).wrap_up.auto_wrapup, None);
}

#[test]
fn the_smallest_answers_that_work_make_a_profile() {
    let from = Fetched {
        user: json!({"ciUserId": "A", "agentProfileId": "P", "siteId": "S", "teamIds": ["T"],
            "firstName": "Ada", "lastName": "Lind"}),
        ..fetched()
    };
    let profile = profile(&from);
    assert_eq!(profile.json["agentId"], "A");
    assert_eq!(profile.json["agentName"], "Ada Lind");
    assert_eq!(profile.json["orgId"], "O");
    assert_eq!(profile.json["skillProfileId"], Json::Null);
    assert_eq!(
        profile.json["loginVoiceOptions"],
        json!(["BROWSER", "EXTENSION"])
    );
    assert_eq!(profile.teams, [("t1".to_owned(), "Team 1".to_owned())]);
    assert!(profile.web_rtc_enabled);
}

#[test]
fn nonsense_answers_are_named_and_never_panic() {
    let nonsense = [
        json!(null),
        json!([]),
        json!("x"),
        json!(7),
        json!({"data": 7}),
    ];
    let mut refused = 0;
    for value in &nonsense {
        let parts: [fn(&mut Fetched) -> &mut Json; 8] = [
            |f| &mut f.user,
            |f| &mut f.agent_profile,
            |f| &mut f.organization,
            |f| &mut f.settings,
            |f| &mut f.tenant,
            |f| &mut f.url_mapping,
            |f| &mut f.aux_codes[0],
            |f| &mut f.teams[0],
        ];
        for part in parts {
            let mut from = fetched();
            *part(&mut from) = value.clone();
            if let Err(bad) = assemble(&OrgId::from("O"), &AgentId::from("A"), &from) {
                assert!(!bad.resource.is_empty());
                refused += 1;
            }
        }
    }
    // An object without the wanted fields is thin, not unusable: the first three parts accept it.
    assert_eq!(refused, nonsense.len() * 8 - 3);
}
