//! What the shell does around the page: it survives the page's death, and answers from a notification.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use deskline_sandbox::Scenario;
use deskline_sandbox::peer::Voice;

use crate::page::{PATIENCE, daniel};
use crate::processes::{await_descendant, gone, signal};
use crate::sound::{AGENT, Sound};
use crate::stage::{Stage, story};

/// What the customer says, in Hz.
const CUSTOMER: f32 = 1_000.0;

#[tokio::test]
async fn a_page_that_dies_in_a_call_comes_back_while_the_voices_go_on() {
    story(
        "page_dies",
        Scenario::default(),
        async |stage: &mut Stage| {
            let _speech = Sound::tone();
            stage.ready().await;
            let mut customer = daniel();
            customer.voice = Some(Voice::Tone { hz: CUSTOMER });
            let call = stage.connected(customer).await;
            stage.click("hold").await;
            stage.see("on-hold").await;
            stage.click("resume").await;
            stage.sees_no("on-hold").await;
            until("the customer hears the agent", || hears_agent(stage, &call)).await;
            until("the agent hears the customer", || {
                heard_in_speaker() > 500.0
            })
            .await;

            let app = stage.app();
            let window = main_window(app);
            // The chip is in the picture: it must have said what it will say again.
            stage.reads("quality", "Good").await;
            let before_picture = stage.header(&window, "before");
            let page = await_descendant(app, "WebKitWebProces", None).await;
            let before = stage.centre.heard(&call).unwrap().seconds;
            signal(page, "-KILL");
            await_descendant(app, "WebKitWebProces", Some(page)).await;

            // Both directions, while the page loads and after.
            until("the agent still hears the customer", || {
                heard_in_speaker() > 500.0
            })
            .await;
            until("the customer still hears the agent", || {
                hears_agent(stage, &call)
            })
            .await;
            until("the customer hears more than before", || {
                stage.centre.heard(&call).unwrap().seconds > before + 2.0
            })
            .await;

            // The driver gave its session up with the page, so we look at the screen and press keys.
            until("the window shows the same call", || {
                stage.header(&window, "after") == before_picture
            })
            .await;
            let asked = |word: &str| {
                let journal = stage.centre.journal();
                journal
                    .iter()
                    .filter(|entry| entry.to_string().contains(word))
                    .count()
            };
            let holds = asked("/hold\"");
            press(&window, "h");
            until("the page still knows how to hold", || {
                asked("/hold\"") > holds
            })
            .await;
            until("the customer waits", || !hears_agent(stage, &call)).await;
            press(&window, "h");
            until("the customer is back", || hears_agent(stage, &call)).await;
        },
    )
    .await;
}

#[tokio::test]
async fn the_agent_accepts_from_the_notification_while_another_window_has_the_keyboard() {
    story(
        "notification",
        Scenario::default(),
        async |stage: &mut Stage| {
            stage.ready().await;
            let other = OtherWindow::open(stage.app()).await;
            stage.centre.offer(daniel()).unwrap();
            until("the notification is shown", || {
                dunstctl(&["count", "displayed"]) == "1"
            })
            .await;
            std::fs::write(std::env::var("SESSION_NOTIFY_CHOICE").unwrap(), "Accept").unwrap();
            dunstctl(&["context"]);
            stage.see("active-call").await;
            until("the notification is gone", || {
                dunstctl(&["count", "displayed"]) == "0"
            })
            .await;
            drop(other);
        },
    )
    .await;
}

#[tokio::test]
async fn a_notification_goes_when_the_offer_goes_elsewhere() {
    let mut scenario = Scenario::default();
    scenario.settings.ring_seconds = 3.0;
    story("notification_rona", scenario, async |stage: &mut Stage| {
        stage.ready().await;
        let other = OtherWindow::open(stage.app()).await;
        stage.centre.offer(daniel()).unwrap();
        until("the notification is shown", || {
            dunstctl(&["count", "displayed"]) == "1"
        })
        .await;
        until("the notification is gone", || {
            dunstctl(&["count", "displayed"]) == "0"
        })
        .await;
        stage.see("missed-note").await;
        drop(other);
    })
    .await;
}

/// The window of the app on the screen.
fn main_window(app: u32) -> String {
    let found = output(
        "xdotool",
        &["search", "--onlyvisible", "--pid", &app.to_string()],
    );
    // Besides the window there may be invisible helpers; the window is the one with a name.
    let windows = found.lines().map(ToOwned::to_owned);
    let mut named = windows.filter(|id| output("xdotool", &["getwindowname", id]) == "Deskline");
    named.next().expect("the window is on the screen")
}

/// Presses a key in a window.
fn press(window: &str, key: &str) {
    output("xdotool", &["windowactivate", "--sync", window]);
    output("xdotool", &["key", key]);
}

fn output(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Stage {
    /// What the window shows of who is on the line: name, number and queue, as a fingerprint of the pixels.
    fn header(&self, window: &str, name: &str) -> String {
        let file = self.folder().join(format!("{name}.png"));
        let file = file.to_str().unwrap();
        output(
            "import",
            &["-window", window, "-crop", "270x62+10+72", "+repage", file],
        );
        let facts = output("identify", &["-format", "%# %k", file]);
        let (fingerprint, colours) = facts.split_once(' ').unwrap();
        // Text has edges of many shades; a page that is not painted yet has none.
        if colours.parse::<u32>().unwrap() > 8 {
            fingerprint.to_owned()
        } else {
            format!("{name} is empty")
        }
    }
}

#[tokio::test]
async fn closing_the_window_in_a_call_keeps_the_call_and_a_second_start_brings_it_back() {
    story("close", Scenario::default(), async |stage: &mut Stage| {
        stage.ready().await;
        let call = stage.connected(daniel()).await;
        let app = stage.app();
        let window = main_window(app);
        close(&window);
        until("the window is put away", || !is_on_screen(app)).await;
        let seconds = stage.centre.heard(&call).unwrap().seconds;
        until("the call goes on", || {
            stage.centre.heard(&call).unwrap().seconds > seconds + 1.0
        })
        .await;

        let second = stage.start_again();
        assert!(second.success(), "{second}");
        until("the window is back", || is_on_screen(app)).await;
        assert_eq!(stage.app(), app);
        stage.click("end").await;
        stage.see("wrap-up").await;
    })
    .await;
}

#[tokio::test]
async fn closing_the_window_with_nobody_on_the_line_gives_everything_back() {
    story("quit", Scenario::default(), async |stage: &mut Stage| {
        stage.ready().await;
        let app = stage.app();
        close(&main_window(app));
        assert!(gone(app).await, "the app does not end");
        let deleted = |path: &str| {
            let journal = stage.centre.journal();
            let mut entries = journal.iter().map(ToString::to_string);
            entries.any(|entry| entry.contains("\"DELETE\"") && entry.contains(path))
        };
        assert!(deleted("/wdm/"), "the device is given back");
        assert!(deleted("/calling/web/device"), "the line is given back");
    })
    .await;
}

/// Closes a window as its user does.
fn close(window: &str) {
    output("xdotool", &["windowactivate", "--sync", window]);
    output("xdotool", &["key", "alt+F4"]);
}

/// Whether the app's window is on the screen.
fn is_on_screen(app: u32) -> bool {
    let found = output(
        "xdotool",
        &["search", "--onlyvisible", "--pid", &app.to_string()],
    );
    found
        .lines()
        .any(|id| output("xdotool", &["getwindowname", id]) == "Deskline")
}

pub(crate) fn hears_agent(stage: &Stage, call: &deskline_sandbox::InteractionId) -> bool {
    let heard = stage.centre.heard(call).unwrap();
    (heard.dominant_hz - AGENT as f32).abs() < 20.0 && heard.rms_db > -40.0
}

pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "not so: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How loud the agent's speaker is during a fifth of a second: the root mean square of 16-bit samples.
fn heard_in_speaker() -> f64 {
    let mut recorder = Command::new("parec")
        .args([
            "--latency-msec=20",
            "--rate=48000",
            "--channels=1",
            "--format=s16le",
            "-d",
        ])
        .arg(std::env::var("SESSION_SPEAKER_MONITOR").unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut bytes = vec![0; 48_000 / 5 * 2];
    let mut output = recorder.stdout.take().unwrap();
    output.read_exact(&mut bytes).unwrap();
    let _ = recorder.kill();
    recorder.wait().unwrap();
    let squares: f64 = bytes
        .chunks_exact(2)
        .map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]])).powi(2))
        .sum();
    (squares / (bytes.len() / 2) as f64).sqrt()
}

/// A window of somebody else's that has the keyboard.
struct OtherWindow(Child);

impl OtherWindow {
    async fn open(app: u32) -> Self {
        let window = Command::new("xev")
            .stdout(Stdio::null())
            .spawn()
            .expect("xev is there (package x11-utils)");
        let this = Self(window);
        until("another window has the keyboard", || {
            output("xdotool", &["getactivewindow", "getwindowpid"]) != app.to_string()
        })
        .await;
        this
    }
}

impl Drop for OtherWindow {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn dunstctl(words: &[&str]) -> String {
    output("dunstctl", words)
}
