//! The organisation's configuration as the gateway would answer it (`contact-center.md` 5.4, 5.5, Appendix A point 10).

use serde_json::{Value, json};

use crate::names::named;
use crate::roster::{Member, ORG_ID, Roster};
use crate::settings::{AiFlags, AutoWrapUp, Settings};

/// Idle codes: name, system, default.
const IDLE: &[(&str, bool, bool)] = &[
    ("Meeting", false, true),
    ("Break", false, false),
    ("Lunch", false, false),
    ("Training", false, false),
    ("RONA", true, false),
    ("Invalid_Number", true, false),
    ("Agent_Unavailable", true, false),
    ("Agent_Declined", true, false),
    ("Agent_Busy", true, false),
    ("Channel_Failure", true, false),
];

/// Wrap-up codes on the first page.
const WRAP_UP: &[&str] = &[
    "Resolved",
    "Callback needed",
    "Sale",
    "Complaint",
    "Wrong number",
    "Escalated",
    "Address change",
    "Claim opened",
    "Claim closed",
    "Payment question",
];

/// Codes that stand on the second page only: a client that stops after one page misses them.
const SECOND_PAGE: &[(&str, bool)] = &[("Back office", true), ("Warranty claim", false)];

/// Entry points of the organisation.
const ENTRY_POINTS: &[&str] = &["Main line", "Billing line", "Outdial", "Partners"];

/// The id of an idle or wrap-up code by its name.
pub(crate) fn aux_code_id(name: &str) -> String {
    named("aux-code", name)
}

/// Id and name of the idle code agents start with.
pub(crate) fn default_idle_code() -> (String, &'static str) {
    (aux_code_id("Meeting"), "Meeting")
}

/// The only site.
pub(crate) fn site_id() -> String {
    named("site", "Headquarters")
}

/// The team simulated colleagues belong to.
pub(crate) fn first_team(roster: &Roster) -> String {
    roster
        .members
        .first()
        .map(|member| member.team_id.clone())
        .unwrap_or_default()
}

/// The name of an entry point, by its id.
pub(crate) fn entry_point_name(id: &str) -> Option<&'static str> {
    ENTRY_POINTS
        .iter()
        .copied()
        .find(|name| named("entry-point", name) == id)
}

/// The address book's id.
pub(crate) fn address_book_id() -> String {
    named("address-book", "Everyone")
}

/// The id of the list of caller ids.
pub(crate) fn outdial_ani_id() -> String {
    named("outdial-ani", "Numbers")
}

fn profile_id(member: &Member) -> String {
    named("agent-profile", &member.team_name)
}

fn dial_plan_ids() -> [String; 2] {
    [named("dial-plan", "US"), named("dial-plan", "Any Format")]
}

/// `user/by-ci-user-id`.
pub(crate) fn user(member: &Member) -> Value {
    let (first, last) = member.names();
    json!({
        "id": named("user", &member.name), "ciUserId": member.id.as_str(), "firstName": first, "lastName": last,
        "email": format!("{}@sandbox.example", first.to_lowercase()), "agentProfileId": profile_id(member),
        "siteId": site_id(), "teamIds": [member.team_id], "multimediaProfileId": named("multimedia", "Blended"),
        "skillProfileId": named("skills", &member.skills.join(",")), "dbId": named("db", &member.name), "active": true,
        "defaultDialledNumber": member.extension, "contactCenterEnabled": true, "skills": member.skills,
    })
}

/// `agent-profile/{id}`.
pub(crate) fn agent_profile(id: &str, settings: &Settings) -> Value {
    let mut out = json!({
        "id": id, "name": "Agent", "active": true, "loginVoiceOptions": ["BROWSER", "EXTENSION", "AGENT_DN"],
        "accessWrapUpCode": "ALL", "wrapUpCodes": [], "accessIdleCode": "ALL", "idleCodes": [],
        "dialPlanEnabled": true, "dialPlans": dial_plan_ids(), "autoAnswer": false,
        "allowAutoWrapUpExtension": settings.auto_wrap_up_cancellable, "outdialEnabled": true,
        "outdialEntryPointId": named("entry-point", "Outdial"), "outdialANIId": outdial_ani_id(),
        "addressBookId": address_book_id(), "consultToQueue": true, "agentAvailableAfterOutdial": false,
        "lastAgentRouting": false, "agentDNValidation": "UNRESTRICTED", "viewableStatistics": {"agentStats": true},
        "timeoutDesktopInactivityCustomEnabled": false, "timeoutDesktopInactivityMins": 5,
        "showUserDetailsMS": false, "stateSynchronizationMS": false, "showUserDetailsWebex": false,
        "stateSynchronizationWebex": false,
    });
    match settings.auto_wrap_up {
        AutoWrapUp::Off => out["autoWrapUp"] = json!(false),
        AutoWrapUp::On => {
            out["autoWrapUp"] = json!(true);
            out["autoWrapAfterSeconds"] = number(settings.auto_wrap_after);
        }
        AutoWrapUp::Absent => {}
    }
    out
}

/// Whole numbers go out without a fraction.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

/// `organization/{org}`.
pub(crate) fn organization() -> Value {
    json!({"id": ORG_ID, "tenantId": named("tenant", "sandbox"), "name": "Sandbox", "timezone": "Europe/Berlin", "environment": "sandbox"})
}

/// `v2/organization-setting`.
pub(crate) fn organization_setting(settings: &Settings) -> Value {
    json!({"webRtcEnabled": settings.web_rtc_enabled, "maskSensitiveData": false, "campaignManagerEnabled": true})
}

/// `v2/tenant-configuration`.
pub(crate) fn tenant_configuration(settings: &Settings) -> Value {
    json!({
        "timeoutDesktopInactivityEnabled": false, "timeoutDesktopInactivityMins": 15, "forceDefaultDn": false,
        "dnDefaultRegex": "1[0-9]{3}[2-9][0-9]{6}([,]{1,10}[0-9]+){0,1}", "dnOtherRegex": "([0-9a-zA-Z]+[-._])*[0-9a-zA-Z]+",
        "privacyShieldVisible": true, "outdialEnabled": true, "endCallEnabled": settings.end_call_enabled,
        "endConsultEnabled": settings.end_consult_enabled, "callVariablesSuppressed": false,
        "lostConnectionRecoveryTimeout": 50_000,
    })
}

/// `v2/org-url-mapping`.
pub(crate) fn url_mappings() -> Vec<Value> {
    vec![
        json!({"id": named("url", "crm"), "name": "ACQUEON_API_URL", "url": "https://campaign.sandbox.example/api"}),
    ]
}

/// `v2/ai-feature`.
pub(crate) fn ai_features(settings: &Settings) -> Vec<Value> {
    let feature = |enable: bool| json!({"id": named("ai", "feature"), "realtimeTranscripts": {"enable": enable}, "suggestedResponses": {"enable": false}});
    match settings.ai {
        AiFlags::Off => vec![feature(false)],
        AiFlags::On => vec![feature(true)],
        AiFlags::Absent => Vec::new(),
    }
}

/// `v2/auxiliary-code`: more than one page of 100, with retired codes in between.
pub(crate) fn aux_codes() -> Vec<Value> {
    let code = |name: &str, kind: &str, system: bool, default: bool, active: bool| {
        json!({
            "id": aux_code_id(name), "isSystemCode": system, "name": name, "defaultCode": default, "workTypeCode": kind,
            "active": active, "description": "",
        })
    };
    let mut out: Vec<Value> = IDLE
        .iter()
        .map(|(name, system, default)| code(name, "IDLE_CODE", *system, *default, true))
        .collect();
    out.extend(
        WRAP_UP
            .iter()
            .enumerate()
            .map(|(index, name)| code(name, "WRAP_UP_CODE", false, index == 0, true)),
    );
    out.extend((1..=90).map(|n| {
        code(
            &format!("Retired reason {n:02}"),
            "WRAP_UP_CODE",
            false,
            false,
            false,
        )
    }));
    out.extend(SECOND_PAGE.iter().map(|(name, idle)| {
        code(
            name,
            if *idle { "IDLE_CODE" } else { "WRAP_UP_CODE" },
            false,
            false,
            true,
        )
    }));
    out
}

/// `site/{id}`.
pub(crate) fn site() -> Value {
    json!({"id": site_id(), "name": "Headquarters", "active": true, "multimediaProfileId": named("multimedia", "Blended")})
}

/// `v2/team`: the agents' teams, and always at least two.
pub(crate) fn teams(roster: &Roster) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for name in roster
        .members
        .iter()
        .map(|member| member.team_name.as_str())
        .chain(["Claims", "Billing"])
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let team = |name: &str| {
        json!({
            "id": named("team", name), "name": name, "siteId": site_id(), "siteName": "Headquarters", "active": true,
            "multiMediaProfileId": named("multimedia", "Blended"), "teamStatus": "IN_SERVICE", "teamType": "AGENT",
        })
    };
    names.into_iter().map(team).collect()
}

/// `dial-plan`: the second entry is no valid regular expression, the third belongs to no profile.
pub(crate) fn dial_plan() -> Value {
    let [us, broken] = dial_plan_ids();
    json!([
        {"id": us, "name": "US", "regularExpression": "1[0-9]{3}[2-9][0-9]{6}([,]{1,10}[0-9]+){0,1}", "prefix": "", "strippedChars": "( )-"},
        {"id": broken, "name": "Any Format", "regularExpression": "([0-9a-zA-Z]+[-._", "prefix": "", "strippedChars": ""},
        {"id": named("dial-plan", "Unused"), "name": "Unused", "regularExpression": ".*", "prefix": "9", "strippedChars": "+"},
    ])
}

/// `multimedia-profile/{id}`.
pub(crate) fn multimedia_profile(id: &str) -> Value {
    json!({"id": id, "name": "Blended", "telephony": 1, "chat": 3, "email": 3, "social": 3, "blendingMode": "BLENDED"})
}

/// `v2/contact-service-queue`.
pub(crate) fn queues(roster: &Roster) -> Vec<Value> {
    let queue = |queue: &crate::roster::Queue| {
        json!({
            "id": queue.id, "name": queue.name, "description": "", "queueType": "INBOUND", "channelType": queue.channel,
            "active": true, "routingType": "LONGEST_AVAILABLE_AGENT", "queueRoutingType": "TEAM_BASED",
            "serviceLevelThreshold": 30, "maxActiveContacts": 50, "maxTimeInQueue": 600,
        })
    };
    let mut out: Vec<Value> = roster.queues.iter().map(queue).collect();
    out.push(json!({
        "id": named("queue", "Outdial queue"), "name": "Outdial queue", "description": "", "queueType": "OUTBOUND",
        "channelType": "TELEPHONY", "active": true, "routingType": "LONGEST_AVAILABLE_AGENT",
        "queueRoutingType": "TEAM_BASED", "serviceLevelThreshold": 30, "maxActiveContacts": 50, "maxTimeInQueue": 600,
    }));
    out
}

/// `v2/entry-point`.
pub(crate) fn entry_points() -> Vec<Value> {
    let entry = |name: &&str| {
        json!({
            "id": named("entry-point", name), "name": name, "description": "", "isActive": true, "orgId": ORG_ID,
            "type": if *name == "Outdial" { "outbound" } else { "inbound" },
        })
    };
    ENTRY_POINTS.iter().map(entry).collect()
}

/// `v2/address-book/{id}/entry`: more than one page of 100.
pub(crate) fn address_book() -> Vec<Value> {
    let first = [
        "Ava", "Ben", "Cora", "Dev", "Eva", "Finn", "Gia", "Hugo", "Ida", "Jon", "Kim", "Leo",
    ];
    let last = [
        "Abel", "Berg", "Costa", "Diaz", "Egan", "Faber", "Gupta", "Haas", "Ito", "Jansen",
    ];
    (0..120_usize)
        .map(|n| {
            let name = format!("{} {}", first[n % first.len()], last[n / first.len()]);
            json!({
                "id": named("address", &name), "name": name, "number": format!("+1408555{:04}", 1000 + n),
                "organizationId": ORG_ID, "version": 1,
            })
        })
        .collect()
}

/// `v2/outdial-ani/{id}/entry`.
pub(crate) fn outdial_anis() -> Vec<Value> {
    [("Service", "+18005550100"), ("Billing", "+18005550101"), ("Call backs & more", "+18005550102")]
        .into_iter()
        .map(|(name, number)| json!({"id": named("ani", name), "name": name, "number": number, "links": []}))
        .collect()
}
