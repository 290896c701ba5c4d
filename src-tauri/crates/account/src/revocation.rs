//! Telling the identity service that tokens are not needed any more: after everything local is gone, and best effort.

use std::time::Duration;

use deskline_core::Secret;
use deskline_identity::Service;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(3);

/// Revokes what was granted to our client: with a secret by the revocation endpoint, else by the tokens themselves.
pub(crate) async fn revoke(service: &Service, refresh: Option<Secret>, access: Option<Secret>) {
    let all = async {
        if service.settings().client_secret.is_some() {
            for token in [refresh, access].into_iter().flatten() {
                service.revoke(&token).await;
            }
        } else if let Some(token) = access {
            service.revoke_itself(&token).await;
        }
    };
    if tokio::time::timeout(LIMIT, all).await.is_err() {
        tracing::info!("the tokens were not revoked: no answer in time");
    }
}
