//! What is played with every foreign stack.

use deskline_core::{MediaRequest, SdpKind};
use serde_json::json;

use crate::far::Far;
use crate::stage::Stage;

pub(crate) async fn they_call_hold_and_resume(name: &str, far: Far) {
    let mut stage = Stage::new(name, far);
    stage.they_offer(json!({})).await;
    stage.connected().await;
    stage.both_hear().await;
    // They play an announcement: we are heard no more, and hear them still.
    let answer = stage.they_offer(json!({"direction": "sendonly"})).await;
    assert!(answer.contains("a=recvonly"), "{answer}");
    stage.we_send_nothing().await;
    stage.we_hear().await;
    let answer = stage.they_offer(json!({"direction": "inactive"})).await;
    assert!(answer.contains("a=inactive"), "{answer}");
    stage.we_send_nothing().await;
    stage.we_hear_nothing().await;
    let answer = stage.they_offer(json!({"direction": "sendrecv"})).await;
    assert!(answer.contains("a=sendrecv"), "{answer}");
    stage.both_hear().await;
    // And we offer in the midst of their call.
    stage.we_offer().await;
    stage.both_hear().await;
}

/// The second offer can only name what the far side has said it knows.
pub(crate) async fn we_call_and_offer_again(name: &str, far: Far) {
    let mut stage = Stage::new(name, far);
    stage.we_offer().await;
    stage.connected().await;
    stage.both_hear().await;
    stage.we_offer().await;
    stage.both_hear().await;
}

/// They began DTLS, since the first offer was ours: our answers must not ask for the parts to be changed.
pub(crate) async fn we_call_and_they_take_over(name: &str, far: Far) {
    let mut stage = Stage::new(name, far);
    stage.we_offer().await;
    stage.connected().await;
    stage.both_hear().await;
    stage.they_offer(json!({"direction": "inactive"})).await;
    stage.we_send_nothing().await;
    stage.we_hear_nothing().await;
    stage.they_offer(json!({})).await;
    stage.both_hear().await;
}

/// No names of sections and no group: what a gateway from the world of telephones says.
pub(crate) async fn offers_without_bundle_and_mid(name: &str, far: Far) {
    let mut stage = Stage::new(name, far);
    let without = |offer: String| {
        let bare = offer
            .lines()
            .filter(|line| !line.starts_with("a=group:"))
            .filter(|line| !line.starts_with("a=mid:") && !line.starts_with("a=msid-semantic"));
        bare.map(|line| format!("{line}\r\n")).collect()
    };
    let offer = without(stage.far.offer(json!({})).await);
    stage
        .engine
        .ask(MediaRequest::Answer(stage.id.clone(), offer));
    let answer = stage.engine.local(&stage.id, SdpKind::Answer).await;
    assert!(
        !answer.contains("a=group:") && !answer.contains("a=mid:"),
        "{answer}"
    );
    // These stacks themselves insist on the name that was taken out on the way.
    let named = answer.replacen("a=sendrecv", "a=sendrecv\na=mid:0", 1);
    stage.far.accept(&named).await;
    stage.connected().await;
    stage.both_hear().await;
}

/// Each has an offer open when the other's comes. Whoever can takes the own one back; the call goes on all the while,
/// and the next exchange finds nothing left over.
pub(crate) async fn both_offer_at_once(name: &str, far: Far) {
    let mut stage = Stage::new(name, far);
    stage.they_offer(json!({})).await;
    stage.connected().await;
    stage.both_hear().await;
    let id = stage.id.clone();
    for _ in 0..2 {
        stage.engine.ask(MediaRequest::Offer(id.clone()));
        let ours = stage.engine.local(&id, SdpKind::Offer).await;
        let theirs = stage.far.offer(json!({})).await;
        stage.engine.ask(MediaRequest::Answer(id.clone(), theirs));
        let our_answer = stage.engine.local(&id, SdpKind::Answer).await;
        stage.far.accept(&our_answer).await;
        // What they say to the offer that was taken back comes too late and does no harm.
        let late = stage.far.answer(&ours).await;
        if let Ok(late) = late {
            stage.engine.ask(MediaRequest::Remote(id.clone(), late));
            let problem = stage.engine.failure(&id).await;
            assert!(problem.text.contains("stable"), "{problem:?}");
        }
        stage.both_hear().await;
    }
    stage.they_offer(json!({})).await;
    stage.we_offer().await;
    stage.both_hear().await;
}

/// Their network changed: new names and passwords of ICE, the same certificate.
pub(crate) async fn they_restart_ice(name: &str, far: Far) {
    let mut stage = Stage::new(name, far);
    let before = stage.they_offer(json!({})).await;
    stage.connected().await;
    stage.both_hear().await;
    let attribute = |sdp: &str, name: &str| {
        let line = sdp.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().to_owned()
    };
    let after = stage.they_offer(json!({"iceRestart": true})).await;
    let ufrag = "a=ice-ufrag:";
    assert_ne!(attribute(&before, ufrag), attribute(&after, ufrag));
    stage.both_hear().await;
    let sample = stage.sample().await;
    assert!(stage.sample().await.received > sample.received + 30);
}

/// Their key tones are events beside the voice: no noise, and no packets missed.
pub(crate) async fn they_dial(name: &str, far: Far) {
    let mut stage = Stage::new(name, far);
    stage.they_offer(json!({})).await;
    stage.connected().await;
    stage.both_hear().await;
    stage.far.dial("159#").await;
    stage.both_hear().await;
    let sample = stage.sample().await;
    assert_eq!(sample.lost, 0, "{sample:?}");
    // And ours to them.
    stage
        .engine
        .ask(MediaRequest::Digits(stage.id.clone(), "159#".to_owned()));
    stage.both_hear().await;
}

/// Names that only multicast DNS could tell stand for their addresses, so that they must find us.
pub(crate) async fn they_hide_their_addresses(name: &str, far: Far) {
    let mut stage = Stage::new(name, far);
    let offer = stage.far.offer(json!({})).await;
    let candidates = offer.lines().filter(|line| line.starts_with("a=candidate"));
    for candidate in candidates {
        assert!(candidate.contains(".local "), "{candidate}");
    }
    stage.they_offer(json!({})).await;
    stage.connected().await;
    stage.both_hear().await;
}

/// A gateway that hands the call from one machine to the next: new sources, numbers and times, and no word about it.
pub(crate) async fn they_jump(name: &str, far: Far) {
    let mut stage = Stage::new(name, far);
    stage.they_offer(json!({})).await;
    stage.connected().await;
    stage.both_hear().await;
    let jumps = [
        json!({"source": true, "ticks": 123_456_789}),
        json!({"packets": 5_000, "ticks": 4_800_000}),
        json!({"ticks": 480_000}),
        // Ten seconds back.
        json!({"ticks": u64::from(u32::MAX) + 1 - 480_000}),
        json!({"source": true}),
    ];
    for jump in jumps {
        stage.far.jump(jump.clone()).await;
        stage.both_hear().await;
        stage.sample().await;
        let sample = stage.sample().await;
        println!("{jump}: {sample:?}");
        // Heard in full again, and with the delay of a quiet network.
        assert!(
            sample.concealed_pct.is_some_and(|made_up| made_up < 20.0),
            "{jump}: {sample:?}"
        );
        assert!(
            sample.buffer_ms.is_some_and(|delay| delay < 300.0),
            "{jump}: {sample:?}"
        );
        // A jump in numbers is a restart, not so many packets lost.
        assert!(sample.lost < 100, "{jump}: {sample:?}");
    }
}
