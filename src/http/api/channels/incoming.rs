//! From the client to the kernel.

use std::time::Duration;

use axum::Error;
use axum::extract::ws::Message;
use futures::{Stream, StreamExt};
use tokio::time::timeout;

use super::close::End;
use crate::http::server::Arrivals;
use crate::jupyter::{ChannelName, Framed, Framing, Incoming};
use crate::sandbox::{Channel, KernelMessage};
use crate::service::session::{KernelSender, Session, State};

/// A client of which nothing at all comes for so long, not even answers to three pings, is away.
const SILENCE: Duration = Duration::from_secs(90);

/// Bytes of a client's control frame before its payload: two of a head, four of a mask.
const CONTROL_HEAD: usize = 6;

/// Passes messages on until something is wrong with one, or there are no more. The next is read once the kernel has taken the
/// last: a client that sends faster than its kernel takes waits on its own connection.
pub async fn pass_on(
    client: &mut (impl Stream<Item = Result<Message, Error>> + Unpin),
    arrivals: &Arrivals,
    framing: Framing,
    session: &Session,
    kernel: &KernelSender,
) -> End {
    loop {
        let Ok(next) = timeout(SILENCE, client.next()).await else {
            return End::silent();
        };
        let incoming = match next {
            Some(Ok(Message::Text(text))) => Incoming::Text(arrivals.message(text.into())),
            Some(Ok(Message::Binary(bytes))) => Incoming::Binary(arrivals.message(bytes)),
            Some(Ok(Message::Ping(bytes) | Message::Pong(bytes))) => {
                // It may come between the frames of a message.
                arrivals.gone(CONTROL_HEAD + bytes.len());
                continue;
            }
            Some(Ok(Message::Close(_))) | None => return End::Gone,
            Some(Err(error)) => return End::of_socket(error),
        };
        match framing.decode(incoming) {
            Ok(framed) => send(framed, session, kernel).await,
            Err(error) => return End::of_framing(&error),
        }
    }
}

/// What nobody can take is dropped, as Jupyter Server does: what is for a dead kernel, and what a client would say in the kernel's
/// name.
async fn send(framed: Framed, session: &Session, kernel: &KernelSender) {
    let Some(channel) = channel(framed.channel) else {
        return;
    };
    if session.state() == State::Dead {
        return;
    }
    let message = KernelMessage {
        sequence: 0,
        channel,
        parts: framed.parts,
    };
    if let Err(error) = kernel.send(message).await {
        tracing::debug!(%error, "a client's message was dropped");
    }
}

/// Where a client may send to.
fn channel(name: ChannelName) -> Option<Channel> {
    match name {
        ChannelName::Shell => Some(Channel::Shell),
        ChannelName::Control => Some(Channel::Control),
        ChannelName::Stdin => Some(Channel::Stdin),
        ChannelName::Iopub => None,
    }
}
