//! Fetching what the profile is made of (contact-center 5.5).

use deskline_core::profile::Fetched;
use deskline_core::{AgentId, OrgId};
use deskline_wire::{Json, truth};
use futures_util::future::{try_join, try_join_all, try_join3};
use tokio::try_join;

use crate::catalog::Gateway;
use crate::http::{Ask, Http};
use crate::problem::RoutingError;

/// Records per page.
const PAGE_SIZE: u32 = 100;
/// More pages than any tenant has; beyond it the count is nonsense.
const PAGE_LIMIT: u64 = 1000;

/// Asks the configuration services, as parallel as their answers allow. One failure ends it all.
///
/// # Errors
/// [`RoutingError`] of the first request that failed.
pub(crate) async fn fetch(
    http: &Http,
    gateway: &Gateway,
    org: &OrgId,
    agent: &AgentId,
) -> Result<Fetched, RoutingError> {
    let fetcher = Fetcher { http, gateway, org };
    let (person, organization, settings, tenant, url_mapping, ai_feature, aux_codes) = try_join!(
        fetcher.person(agent),
        fetcher.body(""),
        fetcher.body("/v2/organization-setting?agentView=true"),
        fetcher.body("/v2/tenant-configuration?agentView=true"),
        fetcher.body("/v2/org-url-mapping?sort=name,ASC"),
        fetcher.body("/v2/ai-feature?page=0&pageSize=100"),
        fetcher.pages(
            "/v2/auxiliary-code",
            "&attributes=id,isSystemCode,name,defaultCode,workTypeCode,active"
        ),
    )?;
    Ok(Fetched {
        organization,
        settings,
        tenant,
        url_mapping,
        ai_feature,
        aux_codes,
        ..person
    })
}

struct Fetcher<'a> {
    http: &'a Http,
    gateway: &'a Gateway,
    org: &'a OrgId,
}

impl Fetcher<'_> {
    /// The user and what hangs on it: agent profile with dial plan, site, teams.
    async fn person(&self, agent: &AgentId) -> Result<Fetched, RoutingError> {
        let user = self
            .body(&format!("/user/by-ci-user-id/{}", segment(agent.as_str())))
            .await?;
        let profile_id = user
            .get("agentProfileId")
            .and_then(Json::as_str)
            .filter(|id| !id.is_empty())
            .ok_or_else(|| RoutingError::bad_answer("the user has no agentProfileId"))?;
        let ((agent_profile, dial_plan), site, teams) = try_join3(
            self.agent_profile(profile_id),
            self.site(&user),
            self.teams(&user),
        )
        .await?;
        Ok(Fetched {
            user,
            agent_profile,
            dial_plan,
            site,
            teams,
            ..Fetched::default()
        })
    }

    async fn agent_profile(&self, id: &str) -> Result<(Json, Option<Json>), RoutingError> {
        let profile = self
            .body(&format!("/agent-profile/{}", segment(id)))
            .await?;
        let dial_plan = if truth(profile.get("dialPlanEnabled")) {
            Some(self.body("/dial-plan?agentView=true").await?)
        } else {
            None
        };
        Ok((profile, dial_plan))
    }

    async fn site(&self, user: &Json) -> Result<Json, RoutingError> {
        match user.get("siteId").and_then(Json::as_str) {
            Some(id) if !id.is_empty() => self.body(&format!("/site/{}", segment(id))).await,
            Some(_) | None => Ok(Json::Null),
        }
    }

    async fn teams(&self, user: &Json) -> Result<Vec<Json>, RoutingError> {
        let Some(ids) = user.get("teamIds").and_then(Json::as_array) else {
            return Ok(Vec::new());
        };
        let ids: Vec<String> = ids.iter().filter_map(Json::as_str).map(segment).collect();
        let filter = if ids.is_empty() {
            String::new()
        } else {
            format!("&filter=id=in=({})", ids.join(","))
        };
        self.pages("/v2/team", &filter).await
    }

    /// All pages of a list: the first tells how many there are, the others come together.
    async fn pages(&self, resource: &str, query: &str) -> Result<Vec<Json>, RoutingError> {
        let page = |n: u64| {
            let resource = format!("{resource}?page={n}&pageSize={PAGE_SIZE}{query}");
            async move { self.body(&resource).await }
        };
        let first = page(0).await?;
        let total = first
            .get("meta")
            .and_then(|meta| deskline_wire::task_data::number_of(meta.get("totalPages")))
            .and_then(|total| u64::try_from(total).ok())
            .unwrap_or(1);
        if total > PAGE_LIMIT {
            return Err(RoutingError::bad_answer(format!(
                "{resource} claims {total} pages"
            )));
        }
        let (first, rest) =
            try_join(async { Ok(first) }, try_join_all((1..total).map(page))).await?;
        Ok(std::iter::once(first).chain(rest).collect())
    }

    async fn body(&self, resource: &str) -> Result<Json, RoutingError> {
        let resource = format!("organization/{}{resource}", segment(self.org.as_str()));
        let answer = self
            .http
            .send(&Ask::get(self.gateway.url(&resource)?))
            .await?;
        if answer.status != 200 {
            return Err(RoutingError::BadAnswer {
                why: format!("API call failed with {}", answer.status),
                status: Some(answer.status),
                tracking_id: Some(answer.tracking_id),
            });
        }
        let name = resource.split('?').next().unwrap_or_default();
        answer.json(name)
    }
}

/// An id as one part of a path: whatever would end the part is escaped.
fn segment(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
