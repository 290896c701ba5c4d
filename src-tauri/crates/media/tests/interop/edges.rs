//! What may happen to descriptions on their way: doubled, late, and written as older devices write them.

use deskline_core::{CallId, MediaRequest, SdpKind};
use deskline_media::AudioMode;
use deskline_sandbox::peer::{OfferShape, Voice};

use crate::common::{Engine, Folder, hears, peer, write_tone};

const TONE: Voice = Voice::Tone { hz: 660.0 };

fn talking(folder: &Folder) -> Engine {
    write_tone(&folder.file("in.wav"), 440.0, 48_000, 1, 60.0);
    Engine::start(AudioMode::Files {
        input: Some(folder.file("in.wav")),
        output: None,
    })
}

/// Waits until packets come, however long the connection takes.
async fn moving(engine: &mut Engine, id: &CallId) {
    let before = engine.fresh_sample(id).await;
    while engine.fresh_sample(id).await.received <= before.received {}
}

/// Whether packets go both ways.
async fn flows(engine: &mut Engine, id: &CallId) -> bool {
    let before = engine.fresh_sample(id).await;
    let after = engine.fresh_sample(id).await;
    after.sent > before.sent + 30 && after.received > before.received + 30
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_address_it_is_the_direction_that_holds() {
    let folder = Folder::new("no-address");
    let mut engine = talking(&folder);
    let (id, far) = (CallId::from("c1"), peer(TONE, OfferShape::default()).await);
    engine.connect(&id, &far).await;
    let nowhere = |offer: String| offer.replace("IN IP4 127.0.0.1", "IN IP4 0.0.0.0");
    let held = |offer: String| nowhere(offer).replace("a=sendrecv", "a=inactive");
    let answer = engine.exchange_as(&id, &far, held).await;
    assert!(answer.contains("a=inactive"), "{answer}");
    engine.fresh_sample(&id).await;
    let before = engine.fresh_sample(&id).await;
    assert_eq!(before.sent, engine.fresh_sample(&id).await.sent);
    // Browsers write no address either, and mean nothing by it: their candidates have the addresses.
    let answer = engine.exchange_as(&id, &far, nowhere).await;
    assert!(answer.contains("a=sendrecv"), "{answer}");
    assert!(flows(&mut engine, &id).await);
    hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_answer_is_refused_and_changes_nothing() {
    let folder = Folder::new("doubled-answer");
    let mut engine = talking(&folder);
    let (id, far) = (CallId::from("c1"), peer(TONE, OfferShape::default()).await);
    for _ in 0..2 {
        engine.ask(MediaRequest::Offer(id.clone()));
        let offer = engine.local(&id, SdpKind::Offer).await;
        let answer = far.answer(&offer).await.unwrap();
        engine.ask(MediaRequest::Remote(id.clone(), answer.clone()));
        engine.ask(MediaRequest::Remote(id.clone(), answer));
        let problem = engine.failure(&id).await;
        assert!(problem.text.contains("stable"), "{problem:?}");
        moving(&mut engine, &id).await;
        assert!(flows(&mut engine, &id).await);
    }
    hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_offer_is_answered_twice_alike() {
    let folder = Folder::new("doubled-offer");
    let mut engine = talking(&folder);
    let (id, far) = (CallId::from("c1"), peer(TONE, OfferShape::default()).await);
    let named = |sdp: &str| -> Vec<String> {
        let lines = sdp.lines().filter(|line| !line.starts_with("o="));
        lines.map(str::to_owned).collect()
    };
    for _ in 0..2 {
        let offer = far.offer().await.unwrap();
        let mut answers = Vec::new();
        for _ in 0..2 {
            engine.ask(MediaRequest::Answer(id.clone(), offer.clone()));
            answers.push(engine.local(&id, SdpKind::Answer).await);
        }
        assert_eq!(named(&answers[0]), named(&answers[1]));
        far.accept_answer(&answers[0]).await.unwrap();
        far.accept_answer(&answers[1]).await.unwrap();
        moving(&mut engine, &id).await;
        assert!(flows(&mut engine, &id).await);
    }
    hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_of_ours_that_nobody_answers_does_not_block_theirs() {
    let folder = Folder::new("unanswered");
    let mut engine = talking(&folder);
    let (id, far) = (CallId::from("c1"), peer(TONE, OfferShape::default()).await);
    for _ in 0..2 {
        engine.ask(MediaRequest::Offer(id.clone()));
        engine.local(&id, SdpKind::Offer).await;
        engine.exchange(&id, &far).await;
        moving(&mut engine, &id).await;
        assert!(flows(&mut engine, &id).await);
    }
    hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
}
