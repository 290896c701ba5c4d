//! Notifications on a real daemon.

use std::process::Command;
use std::time::{Duration, Instant};

use deskline_core::InteractionId;
use deskline_platform::notifications::{Choice, News, Notice, Notifier, Offer};
use tokio::sync::mpsc;

use crate::{has_session, probe};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_agent_accepts_from_the_notification() {
    if !has_session() {
        return;
    }
    assert_eq!(chosen("Accept").await, Choice::Accept);
}

#[tokio::test]
async fn the_agent_declines_from_the_notification() {
    if !has_session() {
        return;
    }
    assert_eq!(chosen("Decline").await, Choice::Decline);
}

#[tokio::test]
async fn a_click_on_the_text_asks_for_the_window() {
    if !has_session() {
        return;
    }
    let (_notice, mut news) = shown("<b>not markup</b> & Co").await;
    dunstctl(&["action", "0"]);
    let (task, choice) = choice(&mut news).await;
    assert_eq!((task.as_str(), choice), ("task-1", Choice::Show));
    gone().await;
}

#[tokio::test]
async fn a_notification_goes_when_its_offer_ends() {
    if !has_session() {
        return;
    }
    let (notice, mut news) = shown("Billing").await;
    assert_eq!(dunstctl(&["count", "displayed"]), "1");
    notice.withdraw().await;
    assert_eq!(dunstctl(&["count", "displayed"]), "0");
    // What was taken back is no choice of the agent.
    assert!(matches!(
        news.try_recv(),
        Err(mpsc::error::TryRecvError::Empty | mpsc::error::TryRecvError::Disconnected)
    ));
}

#[tokio::test]
async fn a_notice_that_is_dropped_takes_its_notification_along() {
    if !has_session() {
        return;
    }
    let (notice, _news) = shown("Billing").await;
    drop(notice);
    gone().await;
}

#[test]
fn without_a_daemon_we_are_told_and_nothing_else_happens() {
    if !has_session() {
        return;
    }
    let answers = probe::play(&["--no-x", "--no-audio", "--no-keyring"], &["notify"]);
    assert!(
        answers[0].starts_with("notifications are not available"),
        "{answers:?}"
    );
}

async fn chosen(label: &str) -> Choice {
    let (_notice, mut news) = shown("Billing").await;
    let file = std::env::var("SESSION_NOTIFY_CHOICE").expect("the session runs dunst");
    std::fs::write(file, label).unwrap();
    dunstctl(&["context"]);
    let (task, choice) = choice(&mut news).await;
    assert_eq!(task.as_str(), "task-1");
    gone().await;
    choice
}

async fn shown(body: &str) -> (Notice, mpsc::Receiver<News>) {
    let (notifier, mut news) = Notifier::new(tokio::runtime::Handle::current());
    let notice = notifier.offer(Offer {
        task: InteractionId::from("task-1"),
        title: "Incoming call from Daniel".to_owned(),
        body: body.to_owned(),
    });
    match tokio::time::timeout(PATIENCE, news.recv()).await {
        Ok(Some(News::Shown { has_buttons, .. })) => assert!(has_buttons),
        other => panic!("not shown: {other:?}"),
    }
    (notice, news)
}

async fn choice(news: &mut mpsc::Receiver<News>) -> (InteractionId, Choice) {
    match tokio::time::timeout(PATIENCE, news.recv()).await {
        Ok(Some(News::Chose { task, choice })) => (task, choice),
        other => panic!("no choice: {other:?}"),
    }
}

/// Waits until nothing is on the screen.
async fn gone() {
    let until = Instant::now() + PATIENCE;
    while dunstctl(&["count", "displayed"]) != "0" {
        assert!(Instant::now() < until, "the notification is still shown");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn dunstctl(words: &[&str]) -> String {
    let output = Command::new("dunstctl").args(words).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
