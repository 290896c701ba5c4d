//! What the agent reads and hears when devices come and go in a call.

use std::process::Command;

use deskline_sandbox::Scenario;

use crate::page::daniel;
use crate::shell::{hears_agent, until};
use crate::sound::Sound;
use crate::stage::{Stage, story};

/// A headset whose microphone hears what the session's does. Unplugged when it goes.
struct Headset {
    module: String,
}

impl Headset {
    /// Plugs it in, and the system prefers it.
    fn plugged() -> Self {
        let module = pactl(&[
            "load-module",
            "module-remap-source",
            "source_name=headset",
            "master=mic_feed.monitor",
            "channels=1",
            "channel_map=mono",
            "source_properties=device.description=Headset",
        ]);
        let headset = Self { module };
        pactl(&["set-default-source", "headset"]);
        headset
    }
}

impl Drop for Headset {
    fn drop(&mut self) {
        for arguments in [
            ["unload-module", self.module.as_str()],
            ["set-default-source", "microphone"],
        ] {
            let _ = Command::new("pactl").args(arguments).status();
        }
    }
}

fn pactl(arguments: &[&str]) -> String {
    let output = Command::new("pactl").args(arguments).output().unwrap();
    assert!(output.status.success(), "pactl {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_headset_that_is_unplugged_in_a_call_is_told_and_the_call_goes_on_with_it_or_another() {
    story(
        "headset_unplugged",
        Scenario::default(),
        async |stage: &mut Stage| {
            let _voice = Sound::tone();
            let headset = Headset::plugged();
            stage.ready().await;
            let call = stage.connected(daniel()).await;
            until("the customer hears the agent", || hears_agent(stage, &call)).await;

            drop(headset);
            stage.reads("microphone-missing", "cannot hear you").await;
            stage.reads("microphone-missing", "Headset").await;
            stage.see("active-call").await;
            until("the customer hears nothing", || !hears_agent(stage, &call)).await;

            // It comes back: nobody has to do anything.
            let headset = Headset::plugged();
            stage.sees_no("microphone-missing").await;
            until("the customer hears the agent again", || {
                hears_agent(stage, &call)
            })
            .await;

            // It stays away: one press takes the other.
            drop(headset);
            stage.click("use-microphone").await;
            stage.sees_no("microphone-missing").await;
            until("the customer hears the other microphone", || {
                hears_agent(stage, &call)
            })
            .await;
            stage.see("active-call").await;
        },
    )
    .await;
}
