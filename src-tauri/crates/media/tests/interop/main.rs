//! The engine against WebRTC stacks that are not ours: Chromium, aiortc and str0m, each offering and answering.
//!
//! What happens is told once, in `scenes`, and played with every stack that can; `edges` has what happens
//! to descriptions on their way. A stack that is not on this machine is skipped, and said so.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout
)]

mod aiortc;
mod chromium;
mod edges;
mod far;
mod scenes;
mod stage;
mod str0m;

#[path = "../../../../../tests/support/chromium.rs"]
#[allow(unreachable_pub)]
mod browser;
#[path = "../common/mod.rs"]
mod common;

use far::Far;

macro_rules! played {
    ($scene:ident with $($stack:ident)*) => {
        mod $scene {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $stack() {
                    let name = concat!(stringify!($scene), "-", stringify!($stack));
                    if let Some(far) = super::Far::$stack(name).await {
                        super::scenes::$scene(name, far).await;
                    }
                }
            )*
        }
    };
}

played!(they_call_hold_and_resume with chromium aiortc str0m);
played!(we_call_and_offer_again with chromium aiortc);
played!(we_call_and_they_take_over with chromium);
played!(offers_without_bundle_and_mid with chromium aiortc);
played!(both_offer_at_once with chromium aiortc);
played!(they_restart_ice with chromium str0m);
played!(they_jump with str0m);
played!(they_dial with chromium);
played!(they_hide_their_addresses with chromium_without_addresses);
