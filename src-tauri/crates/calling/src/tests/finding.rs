//! Finding the calling service (cases 1–11).

use std::sync::Arc;

use deskline_core::{CallingFact, CallingRequest, Problem};
use deskline_wire::{Catalog, Json, json};

use super::world::{Scripted, World, catalog_json, host, status};
use crate::effect::{Service, Verb};

fn with_catalog(change: impl FnOnce(&mut Json)) -> World {
    let mut catalog = catalog_json();
    change(&mut catalog);
    let mut world = World::new();
    world.request(CallingRequest::Connect(Arc::new(Catalog::from_json(
        &catalog,
    ))));
    world
}

fn refusal(world: &World) -> Problem {
    let refused = world.facts.iter().find_map(|(_, fact)| match fact {
        CallingFact::Registered(Err(problem)) => Some(problem.clone()),
        _ => None,
    });
    refused.expect("the registration was refused")
}

fn asked(world: &World) -> Vec<String> {
    let asked = world.requests(Verb::Get, "regionCode");
    asked
        .into_iter()
        .map(|sent| host(&sent.request.url))
        .collect()
}

#[test]
fn calling_001_region_is_asked_first_then_the_first_cluster() {
    let mut world = World::new();
    world.connect();
    world.sent.clear();
    world.register();
    let (region, servers) = (&world.sent[0].request, &world.sent[1].request);
    assert_eq!(region.url, "https://region.test/v1/region");
    assert_eq!(
        region.service,
        Service::Region,
        "asked without authorization"
    );
    assert_eq!(
        servers.url,
        "https://h1.test/api/v1/calling/web/?regionCode=US-EAST&countryCode=US"
    );
    assert_eq!(servers.service, Service::Mobius);
    assert!(servers.device_url.is_some());
}

#[test]
fn calling_005_without_a_region_the_first_cluster_is_the_server() {
    let mut world = World::new();
    world.always(Verb::Get, "region.test", Scripted::Refused);
    world.connect();
    world.register();
    assert!(asked(&world).is_empty(), "no discovery");
    assert_eq!(world.posts(), ["h1"]);
    assert_eq!(world.registrations(), [true]);
}

#[test]
fn calling_006_the_next_cluster_is_asked_after_a_server_error() {
    let mut world = World::new();
    world.always(Verb::Get, "h1.test", status(500));
    world.always(Verb::Post, "p1.test", status(503));
    world.always(Verb::Post, "p2.test", status(503));
    world.connect();
    world.register();
    assert_eq!(asked(&world), ["h1", "h2"]);
    assert_eq!(world.posts(), ["p1", "p2"]);
}

#[test]
fn calling_007_if_all_clusters_fail_the_first_is_the_server() {
    let mut world = World::new();
    world.always(Verb::Get, "regionCode", status(503));
    world.connect();
    world.register();
    assert_eq!(asked(&world), ["h1", "h2"]);
    assert_eq!(world.posts(), ["h1"]);
}

#[test]
fn a_cluster_that_answers_nonsense_counts_as_failed() {
    let mut world = World::new();
    world.script(
        Verb::Get,
        "h1.test",
        [Scripted::Answer(200, Json::Null, None)],
    );
    world.connect();
    world.register();
    assert_eq!(asked(&world), ["h1", "h2"]);
}

#[test]
fn calling_009_a_catalog_without_calling_is_a_clear_error() {
    let mut world = with_catalog(|catalog| catalog["hostCatalog"] = json!({}));
    world.sent.clear();
    world.register();
    assert_eq!(refusal(&world).text, "calling service not in catalog");
    assert!(refusal(&world).is_final);
    assert!(world.sent.is_empty(), "no region and no Mobius request");
}

#[test]
fn calling_010_a_service_domain_without_dots_is_refused() {
    let mut world = with_catalog(|catalog| {
        catalog["serviceLinks"]["wcc-calling-rtms-domain"] = json!("https://localhost");
    });
    world.sent.clear();
    world.register();
    assert!(refusal(&world).text.starts_with("Invalid service domain"));
    assert!(world.sent.is_empty());
}

#[test]
fn calling_011_without_a_service_domain_the_default_is_used() {
    for link in [Json::Null, json!("not a url")] {
        let mut world =
            with_catalog(|catalog| catalog["serviceLinks"]["wcc-calling-rtms-domain"] = link);
        world.register();
        let post = world.requests(Verb::Post, "/calling/web/device")[0];
        let service = &post.request.body.as_ref().unwrap()["serviceData"];
        assert_eq!(
            *service,
            json!({ "indicator": "contactcenter", "domain": "rtw.prod-us1.rtmsprod.net" })
        );
    }
}
