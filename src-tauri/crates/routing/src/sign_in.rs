//! From an access token to a session: catalog, subscription, socket, Welcome, profile
//! (contact-center 1.2, steps 1 to 6).

use std::sync::Arc;

use deskline_core::SignedIn;
use deskline_core::profile::assemble;
use deskline_identity::subject_of;

use crate::catalog::{self, Gateway};
use crate::problem::RoutingError;
use crate::profile;
use crate::socket::SocketEvent;
use crate::subscription::{self, Way, Welcomed};

/// A session that has begun.
pub(crate) struct Started {
    pub(crate) signed_in: SignedIn,
    pub(crate) gateway: Gateway,
    pub(crate) welcomed: Welcomed,
}

/// Signs in. Whatever was opened is closed again when it fails, or when the future is dropped.
///
/// # Errors
/// [`RoutingError`] of the first step that failed.
pub(crate) async fn sign_in(way: Arc<Way>) -> Result<Started, RoutingError> {
    let token = way.http.token()?;
    let org = subject_of(&token)
        .map(|subject| subject.org)
        .ok_or_else(|| RoutingError::SignInNeeded {
            why: "the access token names no organisation".to_owned(),
            status: None,
            body: None,
            tracking_id: None,
        })?;
    let catalog = catalog::fetch(&way.http, &way.config.services.u2c, &org).await?;
    let gateway = Gateway::new(&catalog, &way.config.services)?;
    let catalog = Arc::new(catalog);
    way.config.services.hosts.set(Arc::clone(&catalog));
    let mut welcomed = subscription::open(&way, &gateway, &org).await?;

    let agent = welcomed.agent.clone();
    // The socket is read meanwhile: frames must not be lost, and its end ends the sign-in.
    let fetched = tokio::select! {
        fetched = profile::fetch(&way.http, &gateway, &org, &agent) => fetched?,
        why = collect(&mut welcomed) => return Err(RoutingError::Unreachable {
            asked: "the notification socket".to_owned(),
            why: format!("it closed during sign-in: {why}"),
            tracking_id: None,
        }),
    };
    let profile = assemble(&org, &agent, &fetched)
        .map_err(|error| RoutingError::bad_answer(error.to_string()))?;
    let signed_in = SignedIn {
        agent_id: agent,
        org_id: org,
        profile: Arc::new(profile),
        catalog,
    };
    Ok(Started {
        signed_in,
        gateway,
        welcomed,
    })
}

/// Keeps what arrives for later; ends with the reason when the socket closes.
async fn collect(welcomed: &mut Welcomed) -> String {
    loop {
        match welcomed.socket.next().await {
            SocketEvent::Closed { why, .. } => return why,
            event @ (SocketEvent::Text { .. } | SocketEvent::Binary { .. }) => {
                welcomed.early.push(event);
            }
        }
    }
}
