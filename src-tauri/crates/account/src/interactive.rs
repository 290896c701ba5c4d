//! A sign-in with a person: through the browser of this computer, or with another device.

use std::sync::Arc;
use std::time::Duration;

use deskline_core::WallMs;
use deskline_identity::{
    Attempt, DevicePoll, Grant, Listener, Outcome, PollStep, Service, ServiceError,
};
use tokio::sync::mpsc;
use url::Url;

use crate::account::Account;
use crate::keeping::now;
use crate::problem::AccountError;
use crate::who::Who;

/// When the other way is offered to a person who has not finished.
const OFFER_AFTER: Duration = Duration::from_secs(60);

/// What a person must do, or should know, while a sign-in waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// Open this address in the system's browser.
    Open {
        /// The consent page.
        url: Url,
    },
    /// Type this code in at that address, on any device.
    Code {
        /// The code.
        user_code: String,
        /// Where.
        verification_uri: String,
        /// The same with the code in it.
        verification_uri_complete: Option<String>,
        /// When the code ends.
        expires_at: WallMs,
    },
    /// Signing in with another device may be the better way.
    OfferDevice(WhyDevice),
    /// The person is done; the rest is ours.
    Finishing,
}

/// Why the other way is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyDevice {
    /// A minute has passed.
    NoAnswer,
    /// No registered port is free.
    NoPort,
}

/// The whole way through the browser. The result page is shown when everything, storing included, is done.
pub(crate) async fn browser(
    account: &Account,
    service: Service,
    prompts: &mpsc::Sender<Prompt>,
) -> Result<Who, AccountError> {
    let settings = service.settings();
    let client_id = settings.client_id.clone();
    let listener = match Listener::open(&settings.redirect_ports).await {
        Ok(listener) => listener,
        Err(error) => {
            tell(prompts, Prompt::OfferDevice(WhyDevice::NoPort));
            return Err(error.into());
        }
    };
    let attempt = Arc::new(Attempt::begin(settings, listener.port()));
    let url = attempt.authorize_url(settings);
    tell(prompts, Prompt::Open { url });
    let exchange = {
        let (attempt, account, prompts) = (Arc::clone(&attempt), account.clone(), prompts.clone());
        let client_id = client_id.clone();
        move |code| async move {
            tell(&prompts, Prompt::Finishing);
            let granted = service.exchange(&attempt, &code).await;
            let granted = granted.map_err(|error| AccountError::of_service(error, &client_id))?;
            account.take(&service, granted).await
        }
    };
    let mut waiting = std::pin::pin!(listener.wait(&attempt, exchange));
    let outcome = match tokio::time::timeout(OFFER_AFTER, &mut waiting).await {
        Ok(outcome) => outcome,
        Err(_) => {
            tell(prompts, Prompt::OfferDevice(WhyDevice::NoAnswer));
            waiting.await
        }
    };
    match outcome {
        Outcome::Exchanged(done) => done,
        Outcome::Refused(refusal) => Err(AccountError::of_refusal(refusal, &client_id)),
        Outcome::TimedOut => Err(AccountError::TimedOut),
    }
}

/// The whole way by a code that is typed in elsewhere.
pub(crate) async fn device(
    account: &Account,
    service: Service,
    prompts: &mpsc::Sender<Prompt>,
) -> Result<Who, AccountError> {
    let client_id = service.settings().client_id.clone();
    let code = service.device().await;
    let code = code.map_err(|error| AccountError::of_service(error, &client_id))?;
    let lasts = i64::try_from(code.lasts.as_millis()).unwrap_or(i64::MAX);
    tell(
        prompts,
        Prompt::Code {
            user_code: code.user_code.clone(),
            verification_uri: code.verification_uri.clone(),
            verification_uri_complete: code.verification_uri_complete.clone(),
            expires_at: WallMs(now().0.saturating_add(lasts)),
        },
    );
    let mut poll = DevicePoll::new(&code, now());
    let mut step = poll.first(now());
    loop {
        match step {
            PollStep::Ask(at) => {
                let wait = u64::try_from(at.0 - now().0).unwrap_or_default();
                tokio::time::sleep(Duration::from_millis(wait)).await;
                let answer: Result<Grant, ServiceError> = service.poll(&code.device_code).await;
                step = poll.answered(answer.map_err(ServiceError::fault), now());
            }
            PollStep::Granted(grant) => {
                tell(prompts, Prompt::Finishing);
                return account.take(&service, grant).await;
            }
            PollStep::Denied => return Err(AccountError::Denied),
            PollStep::Expired => return Err(AccountError::TimedOut),
            PollStep::Failed(fault) => return Err(AccountError::of_fault(fault, &client_id)),
        }
    }
}

/// Tells a prompt; a front that does not listen still gets the outcome.
fn tell(prompts: &mpsc::Sender<Prompt>, prompt: Prompt) {
    if prompts.try_send(prompt).is_err() {
        tracing::debug!("nobody takes the prompts of the sign-in");
    }
}
