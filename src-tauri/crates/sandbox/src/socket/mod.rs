//! The two kinds of socket: notifications of the centre, and Mercury with the events of the calling service.

pub(crate) mod mercury;
pub(crate) mod notification;

use axum::extract::ws::{CloseFrame, Message, WebSocket};

use crate::hub::ToSocket;

/// Carries out an order; false when the socket is done.
async fn carry_out(socket: &mut WebSocket, order: ToSocket) -> bool {
    match order {
        ToSocket::Text(text) => socket.send(Message::Text(text.into())).await.is_ok(),
        ToSocket::Close(code, reason) => {
            // The client may be gone already; closing is all that is wanted.
            let _ = socket
                .send(Message::Close(Some(CloseFrame {
                    code,
                    reason: reason.into(),
                })))
                .await;
            false
        }
        ToSocket::Cut => false,
    }
}
