//! From the answers of the configuration services to one profile (contact-center 5.5, 5.6).

use deskline_wire::{Json, Object, json, truth};

use super::{AuxCode, DEFAULT_RECOVERY_LIMIT_MS, Profile, WrapUpRules, either_unit_ms};
use crate::{AgentId, OrgId};

/// The bodies of the configuration services, as they came (contact-center 5.5).
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// `user/by-ci-user-id`.
    pub user: Json,
    /// `agent-profile`.
    pub agent_profile: Json,
    /// `site`; null if the user has none.
    pub site: Json,
    /// `v2/team`, one body per page in page order; empty if the user has no team list.
    pub teams: Vec<Json>,
    /// `v2/auxiliary-code`, one body per page in page order.
    pub aux_codes: Vec<Json>,
    /// The organisation itself.
    pub organization: Json,
    /// `v2/organization-setting`.
    pub settings: Json,
    /// `v2/tenant-configuration`.
    pub tenant: Json,
    /// `v2/org-url-mapping`.
    pub url_mapping: Json,
    /// `dial-plan`; `None` if it was not asked for because the agent has no dial plan.
    pub dial_plan: Option<Json>,
    /// `v2/ai-feature`.
    pub ai_feature: Json,
}

/// An answer of a configuration service that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer of {resource} cannot be used: {wanted} is missing")]
pub struct BadAnswer {
    /// Which service.
    pub resource: &'static str,
    /// What it should have held.
    pub wanted: &'static str,
}

/// Puts the profile together. Fields the centre left out stay out of [`Profile::json`].
///
/// # Errors
/// [`BadAnswer`] if a body lacks the shape everything else is read from.
pub fn assemble(org: &OrgId, agent: &AgentId, fetched: &Fetched) -> Result<Profile, BadAnswer> {
    let user = object(&fetched.user, "user")?;
    let agent_profile = object(&fetched.agent_profile, "agent-profile")?;
    let organization = object(&fetched.organization, "organization")?;
    let settings = first_record(&fetched.settings, "organization-setting")?;
    let tenant = first_record(&fetched.tenant, "tenant-configuration")?;
    let urls = records(&fetched.url_mapping, "org-url-mapping")?;
    let teams = all_records(&fetched.teams, "team")?;
    let aux_codes = all_records(&fetched.aux_codes, "auxiliary-code")?;
    let dial_plan = dial_plan(agent_profile, fetched.dial_plan.as_ref())?;
    let ai_feature = fetched
        .ai_feature
        .get("data")
        .and_then(Json::as_array)
        .and_then(|list| list.first());

    let mut idle_codes = codes(
        &aux_codes,
        "IDLE_CODE",
        agent_profile,
        "accessIdleCode",
        "idleCodes",
    );
    idle_codes.push(AuxCode {
        id: "0".to_owned(),
        name: "Available".to_owned(),
        is_system: false,
        is_default: false,
    });
    let wrapup_codes = codes(
        &aux_codes,
        "WRAP_UP_CODE",
        agent_profile,
        "accessWrapUpCode",
        "wrapUpCodes",
    );
    let default_wrapup = wrapup_codes
        .iter()
        .find(|code| code.is_default)
        .map_or(String::new(), |code| code.id.clone());
    let multimedia = text(user, "multimediaProfileId")
        .or_else(|| {
            teams
                .first()
                .and_then(|team| text(team.as_object()?, "multiMediaProfileId"))
        })
        .or_else(|| text(fetched.site.as_object()?, "multimediaProfileId"));
    let agent_name = [text(user, "firstName"), text(user, "lastName")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");

    let mut out = Out(Object::new());
    out.set(
        "agentId",
        json!(text(user, "ciUserId").unwrap_or_else(|| agent.0.clone())),
    );
    out.set("agentName", json!(agent_name));
    out.copy("agentMailId", user, "email");
    out.copy("agentProfileID", user, "agentProfileId");
    out.copy("agentDbId", user, "dbId");
    out.copy("analyserUserId", user, "id");
    out.copy("siteId", user, "siteId");
    out.set("skillProfileId", json!(text(user, "skillProfileId")));
    out.set("orgId", json!(org.0));
    out.copy("defaultDn", user, "defaultDialledNumber");
    out.copy("dn", user, "defaultDialledNumber");
    out.copy("forceDefaultDn", tenant, "forceDefaultDn");
    out.set(
        "forceDefaultDnForAgent",
        json!(text(agent_profile, "agentDNValidation").as_deref() == Some("PROVISIONED_VALUE")),
    );
    out.copy("regexUS", tenant, "dnDefaultRegex");
    out.copy("regexOther", tenant, "dnOtherRegex");
    out.set(
        "teams",
        Json::Array(teams.iter().map(|team| (*team).clone()).collect()),
    );
    out.set_some("multimediaProfileId", multimedia.map(Json::String));
    out.set_some("dialPlan", dial_plan.as_ref().map(|plan| plan.json.clone()));
    out.set("idleCodes", codes_json(&idle_codes));
    out.set("wrapupCodes", codes_json(&wrapup_codes));
    out.set("defaultWrapupCode", json!(default_wrapup));
    out.set("wrapUpData", wrap_up_data(agent_profile, &wrapup_codes));
    out.copy("autoAnswer", agent_profile, "autoAnswer");
    out.copy("isOutboundEnabledForTenant", tenant, "outdialEnabled");
    out.copy("isOutboundEnabledForAgent", agent_profile, "outdialEnabled");
    out.set(
        "isAdhocDialingEnabled",
        json!(truth(agent_profile.get("dialPlanEnabled"))),
    );
    out.copy(
        "isAgentAvailableAfterOutdial",
        agent_profile,
        "agentAvailableAfterOutdial",
    );
    out.copy("outDialEp", agent_profile, "outdialEntryPointId");
    out.copy("outdialANIId", agent_profile, "outdialANIId");
    out.copy("addressBookId", agent_profile, "addressBookId");
    out.copy("allowConsultToQueue", agent_profile, "consultToQueue");
    out.copy("isEndCallEnabled", tenant, "endCallEnabled");
    out.copy("isEndConsultEnabled", tenant, "endConsultEnabled");
    out.copy("callVariablesSuppressed", tenant, "callVariablesSuppressed");
    out.copy("privacyShieldVisible", tenant, "privacyShieldVisible");
    out.copy(
        "isCampaignManagementEnabled",
        settings,
        "campaignManagerEnabled",
    );
    out.set("webRtcEnabled", json!(truth(settings.get("webRtcEnabled"))));
    out.set(
        "maskSensitiveData",
        json!(truth(settings.get("maskSensitiveData"))),
    );
    out.copy("enterpriseId", organization, "tenantId");
    out.copy("tenantTimezone", organization, "timezone");
    out.copy("environment", organization, "environment");
    out.set(
        "urlMappings",
        json!({
            "acqueonApiUrl": mapped_url(urls, "ACQUEON_API_URL"),
            "acqueonConsoleUrl": mapped_url(urls, "ACQUEON_CONSOLE_URL"),
        }),
    );
    out.copy(
        "isTimeoutDesktopInactivityEnabled",
        tenant,
        "timeoutDesktopInactivityEnabled",
    );
    out.set(
        "timeoutDesktopInactivityMins",
        inactivity(agent_profile, tenant),
    );
    let voice_options = texts(agent_profile.get("loginVoiceOptions"));
    out.set("loginVoiceOptions", json!(voice_options));
    out.set(
        "agentPersonalStatsEnabled",
        json!(truth(
            agent_profile
                .get("viewableStatistics")
                .and_then(|s| s.get("agentStats"))
        )),
    );
    out.set(
        "microsoftConfig",
        flags(
            agent_profile,
            ["showUserDetailsMS", "stateSynchronizationMS"],
        ),
    );
    out.set(
        "webexConfig",
        flags(
            agent_profile,
            ["showUserDetailsWebex", "stateSynchronizationWebex"],
        ),
    );
    let recovery = tenant.get("lostConnectionRecoveryTimeout");
    out.set(
        "lostConnectionRecoveryTimeout",
        recovery
            .filter(|value| either_unit_ms(Some(value)).is_some())
            .cloned()
            .unwrap_or_else(|| json!(DEFAULT_RECOVERY_LIMIT_MS)),
    );
    out.set_some("aiFeature", ai_feature.cloned());
    out.set("organizationIdleCodes", json!([]));

    Ok(Profile {
        json: Json::Object(out.0),
        agent_profile_id: text(user, "agentProfileId").unwrap_or_default(),
        agent_name,
        teams: teams
            .iter()
            .filter_map(|team| {
                let team = team.as_object()?;
                let id = text(team, "id")?;
                let name = text(team, "name").unwrap_or_else(|| id.clone());
                Some((id, name))
            })
            .collect(),
        voice_options,
        web_rtc_enabled: truth(settings.get("webRtcEnabled")),
        idle_codes,
        wrapup_codes,
        wrap_up: WrapUpRules {
            auto_wrapup: agent_profile
                .get("autoWrapUp")
                .filter(|value| !value.is_null())
                .map(|value| truth(Some(value))),
            interval_ms: either_unit_ms(agent_profile.get("autoWrapAfterSeconds")),
            allow_cancel: truth(agent_profile.get("allowAutoWrapUpExtension")),
        },
        default_dn: text(user, "defaultDialledNumber"),
        dial_plan: dial_plan.map(|plan| plan.patterns),
        outdial_ep: text(agent_profile, "outdialEntryPointId"),
        outdial_ani_id: text(agent_profile, "outdialANIId"),
        address_book_id: text(agent_profile, "addressBookId"),
        is_outdial_enabled: truth(tenant.get("outdialEnabled"))
            && truth(agent_profile.get("outdialEnabled")),
        is_end_call_enabled: truth(tenant.get("endCallEnabled")),
        is_end_consult_enabled: truth(tenant.get("endConsultEnabled")),
        recovery_limit_ms: either_unit_ms(recovery).unwrap_or(DEFAULT_RECOVERY_LIMIT_MS),
    })
}

/// The public profile while it grows.
struct Out(Object);

impl Out {
    fn set(&mut self, name: &str, value: Json) {
        self.0.insert(name.to_owned(), value);
    }

    fn set_some(&mut self, name: &str, value: Option<Json>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    fn copy(&mut self, name: &str, from: &Object, field: &str) {
        self.set_some(name, from.get(field).cloned());
    }
}

struct DialPlan {
    json: Json,
    patterns: Vec<String>,
}

fn dial_plan(agent_profile: &Object, answer: Option<&Json>) -> Result<Option<DialPlan>, BadAnswer> {
    let Some(answer) = answer.filter(|_| truth(agent_profile.get("dialPlanEnabled"))) else {
        return Ok(None);
    };
    let plans = answer.as_array().ok_or(BadAnswer {
        resource: "dial-plan",
        wanted: "a list",
    })?;
    let allowed = texts(agent_profile.get("dialPlans"));
    let chosen: Vec<&Object> = plans
        .iter()
        .filter_map(Json::as_object)
        .filter(|plan| text(plan, "id").is_some_and(|id| allowed.contains(&id)))
        .collect();
    let entities = chosen
        .iter()
        .map(|plan| {
            let mut entity = Out(Object::new());
            entity.copy("regex", plan, "regularExpression");
            entity.copy("prefix", plan, "prefix");
            entity.copy("strippedChars", plan, "strippedChars");
            entity.copy("name", plan, "name");
            Json::Object(entity.0)
        })
        .collect();
    Ok(Some(DialPlan {
        json: json!({"type": "adhocDial", "dialPlanEntity": Json::Array(entities)}),
        patterns: chosen
            .iter()
            .filter_map(|plan| text(plan, "regularExpression"))
            .collect(),
    }))
}

/// The active codes of one kind the agent may use. `SPECIFIC` with an empty list means none (O-23).
fn codes(all: &[&Json], kind: &str, profile: &Object, access: &str, list: &str) -> Vec<AuxCode> {
    let allowed = match (text(profile, access).as_deref(), profile.get(list)) {
        (Some("ALL"), _) | (None, None | Some(Json::Null)) => None,
        (_, list) => Some(texts(list)),
    };
    all.iter()
        .filter_map(|code| code.as_object())
        .filter(|code| text(code, "workTypeCode").as_deref() == Some(kind))
        .filter(|code| truth(code.get("active")))
        .filter_map(|code| {
            Some(AuxCode {
                id: text(code, "id")?,
                name: text(code, "name").unwrap_or_default(),
                is_system: truth(code.get("isSystemCode")),
                is_default: truth(code.get("defaultCode")),
            })
        })
        .filter(|code| {
            allowed
                .as_ref()
                .is_none_or(|allowed| allowed.contains(&code.id))
        })
        .collect()
}

fn codes_json(codes: &[AuxCode]) -> Json {
    codes
        .iter()
        .map(|code| {
            json!({
                "id": code.id, "name": code.name,
                "isSystem": code.is_system, "isDefault": code.is_default,
            })
        })
        .collect()
}

fn wrap_up_data(agent_profile: &Object, wrapup_codes: &[AuxCode]) -> Json {
    let mut props = Out(Object::new());
    props.copy("autoWrapup", agent_profile, "autoWrapUp");
    props.copy("autoWrapupInterval", agent_profile, "autoWrapAfterSeconds");
    props.copy("lastAgentRoute", agent_profile, "lastAgentRouting");
    props.set("wrapUpReasonList", codes_json(wrapup_codes));
    props.copy("wrapUpCodeAccess", agent_profile, "accessWrapUpCode");
    props.copy(
        "allowCancelAutoWrapup",
        agent_profile,
        "allowAutoWrapUpExtension",
    );
    json!({"wrapUpProps": Json::Object(props.0)})
}

fn inactivity(agent_profile: &Object, tenant: &Object) -> Json {
    let from = if truth(agent_profile.get("timeoutDesktopInactivityCustomEnabled")) {
        agent_profile
    } else if truth(tenant.get("timeoutDesktopInactivityEnabled")) {
        tenant
    } else {
        return Json::Null;
    };
    from.get("timeoutDesktopInactivityMins")
        .cloned()
        .unwrap_or(Json::Null)
}

fn flags(from: &Object, names: [&str; 2]) -> Json {
    Json::Object(
        names
            .into_iter()
            .map(|name| (name.to_owned(), json!(truth(from.get(name)))))
            .collect(),
    )
}

fn mapped_url(urls: &[Json], name: &str) -> String {
    urls.iter()
        .filter_map(Json::as_object)
        .find(|entry| text(entry, "name").as_deref() == Some(name))
        .and_then(|entry| text(entry, "url"))
        .unwrap_or_default()
}

fn object<'a>(body: &'a Json, resource: &'static str) -> Result<&'a Object, BadAnswer> {
    body.as_object().ok_or(BadAnswer {
        resource,
        wanted: "an object",
    })
}

fn records<'a>(body: &'a Json, resource: &'static str) -> Result<&'a [Json], BadAnswer> {
    body.get("data")
        .and_then(Json::as_array)
        .map(Vec::as_slice)
        .ok_or(BadAnswer {
            resource,
            wanted: "the list \"data\"",
        })
}

fn all_records<'a>(pages: &'a [Json], resource: &'static str) -> Result<Vec<&'a Json>, BadAnswer> {
    let mut all = Vec::new();
    for page in pages {
        all.extend(records(page, resource)?);
    }
    Ok(all)
}

fn first_record<'a>(body: &'a Json, resource: &'static str) -> Result<&'a Object, BadAnswer> {
    records(body, resource)?
        .first()
        .and_then(Json::as_object)
        .ok_or(BadAnswer {
            resource,
            wanted: "the first record of \"data\"",
        })
}

/// A text that is there and not empty; the centre sends both for "none".
fn text(from: &Object, field: &str) -> Option<String> {
    from.get(field)
        .and_then(Json::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn texts(value: Option<&Json>) -> Vec<String> {
    value
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
