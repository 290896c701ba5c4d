//! Group O: directories and their page cache.

use deskline_core::{Action, CommandId, Directory, Method, Page, Problem};
use deskline_wire::{Json, json};

use crate::support::{EXTENSION, Kind, Story, profile};

fn story() -> Story {
    Story::logged_in(EXTENSION)
}

fn look(story: &mut Story, directory: Directory, page: Page) -> CommandId {
    story.act(Action::Look(directory, page))
}

fn queues(story: &mut Story, page: Page) -> CommandId {
    look(story, Directory::Queues, page)
}

/// What is asked for this question, if anything.
#[track_caller]
fn asked(story: &mut Story, directory: Directory, page: Page) -> String {
    look(story, directory, page);
    let (_, rest) = story.sent().remove(0);
    assert_eq!((rest.method, rest.body), (Method::Get, None));
    rest.path
}

fn search(text: &str) -> Page {
    Page {
        search: Some(text.to_owned()),
        ..Page::default()
    }
}

/// Answers the one open request with a page of these items.
#[track_caller]
fn answer(story: &mut Story, items: Json) {
    let (request, _) = story.sent().remove(0);
    story.answered(
        request,
        json!({ "data": items, "meta": { "orgid": "ORG", "page": 0, "pageSize": 100, "totalPages": 3, "totalRecords": 201 } }),
    );
}

#[test]
fn case_241_queues() {
    assert_eq!(
        asked(&mut story(), Directory::Queues, Page::default()),
        "/organization/ORG/v2/contact-service-queue?page=0&pageSize=100"
    );
}

#[test]
fn every_part_of_a_question_is_sent_encoded_as_a_form() {
    let page = Page {
        search: Some("sales & more".to_owned()),
        filter: Some("channelType==TELEPHONY".to_owned()),
        attributes: Some("id,name".to_owned()),
        sort_by: Some("name".to_owned()),
        sort_order: Some("desc".to_owned()),
        page: Some(2),
        page_size: Some(25),
    };
    assert_eq!(
        asked(&mut story(), Directory::Queues, page),
        "/organization/ORG/v2/contact-service-queue?page=2&pageSize=25&filter=channelType%3D%3DTELEPHONY\
         &attributes=id%2Cname&search=sales+%26+more&sortBy=name&sortOrder=desc"
    );
}

#[test]
fn case_242_entry_points_are_sorted() {
    let path = asked(&mut story(), Directory::EntryPoints, Page::default());
    assert_eq!(
        path,
        "/organization/ORG/v2/entry-point?page=0&pageSize=100&sortOrder=asc"
    );
}

#[test]
fn case_243_the_address_book_of_the_profile() {
    assert_eq!(
        asked(&mut story(), Directory::AddressBook(None), search("jo")),
        "/organization/ORG/v2/address-book/AB/entry?page=0&pageSize=100&search=jo"
    );
    assert_eq!(
        asked(
            &mut story(),
            Directory::AddressBook(Some("X".to_owned())),
            Page::default()
        ),
        "/organization/ORG/v2/address-book/X/entry?page=0&pageSize=100"
    );
}

#[test]
fn case_244_without_an_address_book_nothing_is_asked() {
    let mut without = profile();
    without.address_book_id = None;
    let mut story = Story::with(without, EXTENSION);
    let command = look(&mut story, Directory::AddressBook(None), Page::default());
    let error = story.error(command);
    assert_eq!(
        error.text,
        "AddressBook: addressBookId is not available for the current agent."
    );
    assert_eq!(error.kind, Kind::Invalid);
    assert!(story.sent().is_empty());
}

#[test]
fn case_245_a_page_is_shown_again_for_five_minutes() {
    let mut story = story();
    let first = queues(&mut story, Page::default());
    answer(&mut story, json!([{ "id": "Q" }]));
    let expected = json!({ "items": [{ "id": "Q" }], "page": 0, "totalPages": 3 });
    assert_eq!(story.ok(first), expected);

    story.wait(299_999);
    let again = queues(&mut story, Page::default());
    assert_eq!(story.ok(again), expected);
    assert!(story.sent().is_empty());

    story.wait(1);
    let later = queues(&mut story, Page::default());
    assert!(story.is_open(later));
    answer(&mut story, json!([{ "id": "Q2" }]));
    assert_eq!(story.ok(later)["items"], json!([{ "id": "Q2" }]));
}

#[test]
fn a_cached_page_is_one_of_its_directory_and_number() {
    let mut story = story();
    queues(&mut story, Page::default());
    answer(&mut story, json!([]));
    let other_page = Page {
        page: Some(1),
        ..Page::default()
    };
    for (directory, page) in [
        (Directory::Queues, other_page),
        (Directory::EntryPoints, Page::default()),
        (Directory::AddressBook(None), Page::default()),
    ] {
        look(&mut story, directory, page);
        assert_eq!(story.sent().len(), 1);
    }
}

#[test]
fn case_246_a_search_is_always_asked_and_never_kept() {
    let mut story = story();
    queues(&mut story, Page::default());
    answer(&mut story, json!([{ "id": "all" }]));
    let text = || Some("x".to_owned());
    for page in [
        search("x"),
        Page {
            filter: text(),
            ..Page::default()
        },
        Page {
            attributes: text(),
            ..Page::default()
        },
        Page {
            sort_by: text(),
            ..Page::default()
        },
    ] {
        for _ in 0..2 {
            let command = queues(&mut story, page.clone());
            assert!(story.is_open(command), "{page:?}");
            answer(&mut story, json!([{ "id": "some" }]));
        }
    }
    let plain = queues(&mut story, Page::default());
    assert_eq!(story.ok(plain)["items"], json!([{ "id": "all" }]));
}

#[test]
fn case_247_caller_numbers() {
    let page = Page {
        page: Some(0),
        page_size: Some(25),
        search: Some("a".to_owned()),
        ..Page::default()
    };
    assert_eq!(
        asked(
            &mut story(),
            Directory::OutdialAnis(Some("X".to_owned())),
            page
        ),
        "organization/ORG/v2/outdial-ani/X/entry?page=0&pageSize=25&search=a"
    );
    let mut story = story();
    let command = look(&mut story, Directory::OutdialAnis(None), Page::default());
    let (request, rest) = story.sent().remove(0);
    assert_eq!(rest.path, "organization/ORG/v2/outdial-ani/ANI/entry");
    story.answered(
        request,
        json!({ "data": [{ "id": "1", "number": "+18005550100" }] }),
    );
    assert_eq!(
        story.ok(command)["items"],
        json!([{ "id": "1", "number": "+18005550100" }])
    );
}

#[test]
fn case_248_another_order_is_another_page() {
    let mut story = story();
    queues(&mut story, Page::default());
    answer(&mut story, json!([{ "id": "asc" }]));
    let descending = Page {
        sort_order: Some("desc".to_owned()),
        ..Page::default()
    };
    let command = queues(&mut story, descending);
    assert!(story.is_open(command));
    answer(&mut story, json!([{ "id": "desc" }]));
    assert_eq!(story.ok(command)["items"], json!([{ "id": "desc" }]));
}

#[test]
fn the_cache_does_not_outlive_the_session() {
    let mut story = story();
    queues(&mut story, Page::default());
    answer(&mut story, json!([]));
    story.act(Action::SignOut);
    story.begin_sign_in(profile());
    story.calling(deskline_core::CallingFact::Connected(Ok(())));
    story.relogged_in(EXTENSION, json!({}));
    story.forget();
    queues(&mut story, Page::default());
    assert_eq!(story.sent().len(), 1, "O-26");
}

#[test]
fn a_refused_directory_keeps_status_and_body() {
    let mut story = story();
    let command = queues(&mut story, Page::default());
    let (request, _) = story.sent().remove(0);
    story.http(request, 403, json!({ "message": "no" }), "T1");
    let error = story.error(command);
    assert_eq!(error.kind, Kind::Refused);
    assert_eq!(error.text, "Error while performing getQueues");
    assert_eq!(
        (error.status, error.tracking_id.as_str()),
        (Some(403), "T1")
    );
    assert_eq!(error.body, Some(json!({ "message": "no" })));

    let command = queues(&mut story, Page::default());
    let (request, _) = story.sent().remove(0);
    story.refused(
        request,
        Problem {
            text: "no route".to_owned(),
            ..Problem::default()
        },
    );
    assert_eq!(story.error(command).kind, Kind::Unreachable);
}

#[test]
fn case_245_an_answer_that_is_no_page_is_refused_and_not_kept() {
    for nonsense in [json!("garbage"), json!(5), Json::Null] {
        let mut story = story();
        let command = queues(&mut story, Page::default());
        let (request, _) = story.sent().remove(0);
        story.answered(request, nonsense);
        let error = story.error(command);
        assert_eq!(error.kind, Kind::Refused);
        assert_eq!(error.code, "Deskline.BadAnswer");
        story.forget();
        queues(&mut story, Page::default());
        assert_eq!(story.sent().len(), 1, "asked again, not from the cache");
    }
}
