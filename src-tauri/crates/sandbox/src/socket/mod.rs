//! The two kinds of socket: notifications of the centre, and Mercury with the events of the calling service.

pub(crate) mod mercury;
pub(crate) mod notification;

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};

use crate::hub::ToSocket;

/// Longest message taken from a client: they only send keepalives, pings, acknowledgements and a token.
const MESSAGE_LIMIT: usize = 256 * 1024;

/// How long a client may take to read a frame before it counts as gone.
const READING_LIMIT: Duration = Duration::from_secs(20);

/// An upgrade that takes no longer messages than clients have reason to send.
fn bounded(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(MESSAGE_LIMIT)
        .max_frame_size(MESSAGE_LIMIT)
}

/// Carries out an order; false when the socket is done.
async fn carry_out(socket: &mut WebSocket, order: ToSocket) -> bool {
    let (message, goes_on) = match order {
        ToSocket::Text(text) => (Message::Text(text.into()), true),
        ToSocket::Close(code, reason) => {
            let reason = reason.into();
            (Message::Close(Some(CloseFrame { code, reason })), false)
        }
        ToSocket::Cut => return false,
    };
    // When closing, the client may be gone already; the end is all that is wanted.
    let sent = tokio::time::timeout(READING_LIMIT, socket.send(message)).await;
    goes_on && matches!(sent, Ok(Ok(())))
}
