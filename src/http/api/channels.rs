//! `/api/kernels/{id}/channels`: a client's WebSocket to its kernel.
//!
//! ```text
//! handshake ─► talk ─┬─ incoming   client → kernel    waits while the kernel takes nothing
//!                    ├─ outgoing   kernel → client    and asks the client from time to time whether it is there
//!                    └─ the server stops, or the key is no longer good
//! ```
//!
//! Whatever ends first ends all; the client is told why, in a close. One task does it: it has the connection's
//! [`Place`], so the server counts it and can end it.
//!
//! What comes from the client takes memory of its owner's ([`Arrivals`]) until the kernel has it; where there is none left, the
//! connection ends.
//!
//! **Invariant:** messages pass untouched. Comms, subshells, the debugger and whatever comes next are the client's and the kernel's.

mod close;
mod incoming;
mod outgoing;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::HeaderValue;
use axum::response::Response;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::time::timeout;
use tracing::{Instrument, Span};

use self::close::End;
use super::session;
use crate::http::app::App;
use crate::http::field::Loc;
use crate::http::key::CallerOrToken;
use crate::http::problem::Problem;
use crate::http::server::{Arrivals, Place};
use crate::jupyter::Framing;
use crate::service::keys::Admission;
use crate::service::session::{Cut, Session};

/// Bytes of a client's message, in one frame or in several: enough for what widgets send. Files have routes of their own.
const LARGEST: usize = 64 << 20;

/// Bytes of a client's name for itself. Clients use UUIDs.
const LONGEST_NAME: usize = 256;

/// How long a client may take to read why its connection ends, and to agree.
const CLOSES_WITHIN: Duration = Duration::from_secs(2);

/// What may stand in the url.
#[derive(Debug, Deserialize)]
pub struct ChannelsQuery {
    session_id: Option<String>,
}

impl ChannelsQuery {
    /// The client's name for itself, under which it is sent what it missed.
    fn client(self) -> Result<Option<String>, Problem> {
        let name = self.session_id.filter(|name| !name.is_empty());
        if name.as_ref().is_some_and(|name| name.len() > LONGEST_NAME) {
            let reason = format!("must not be longer than {LONGEST_NAME} bytes");
            return Err(Problem::invalid_field(Loc::query("session_id"), reason));
        }
        Ok(name)
    }
}

/// Opens a client's connection to a kernel.
pub async fn open(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
    admission: Admission,
    Path(id): Path<String>,
    Query(query): Query<ChannelsQuery>,
    upgrade: WebSocketUpgrade,
    Extension(place): Extension<Place>,
) -> Result<Response, Problem> {
    let session = session(&app, &owner, &id)?;
    let client = query.client()?;
    let offered = upgrade.requested_protocols();
    let framing = Framing::with_offer(offered.filter_map(|name| name.to_str().ok()));
    let mut upgrade = upgrade.max_message_size(LARGEST).max_frame_size(LARGEST);
    if let Some(subprotocol) = framing.subprotocol() {
        upgrade.set_selected_protocol(HeaderValue::from_static(subprotocol));
    }
    let (span, arrivals) = (Span::current(), place.arrivals());
    arrivals.count(app.memory.of(&owner));
    Ok(upgrade.on_upgrade(move |socket| {
        let stopping = place.stopping();
        let ended = async move {
            tokio::select! {
                () = stopping.cancelled() => End::stopping(),
                () = admission.over() => End::not_admitted(),
            }
        };
        let talk = talk(socket, session, client, framing, arrivals, ended);
        let kept = async move {
            // Where the server waits no longer, nobody is told.
            let _ = place.keep_while(talk).await;
        };
        kept.instrument(span)
    }))
}

async fn talk(
    socket: WebSocket,
    session: Arc<Session>,
    client: Option<String>,
    framing: Framing,
    arrivals: Arrivals,
    ended: impl Future<Output = End>,
) {
    let (mut sink, mut stream) = socket.split();
    let conversation = converse(&mut sink, &mut stream, session, client, framing, &arrivals);
    let end = tokio::select! {
        end = conversation => end,
        end = ended => end,
    };
    tracing::debug!(?end, "a client's channels close");
    part(end, sink, stream).await;
}

async fn converse(
    sink: &mut SplitSink<WebSocket, Message>,
    stream: &mut SplitStream<WebSocket>,
    session: Arc<Session>,
    client: Option<String>,
    framing: Framing,
    arrivals: &Arrivals,
) -> End {
    let Ok(connection) = session.connect(client).await else {
        return End::of_cut(Cut::Ended);
    };
    let to_kernel = connection.sender();
    tokio::select! {
        end = incoming::pass_on(stream, arrivals, framing, &session, &to_kernel) => end,
        end = outgoing::pass_on(connection, framing, sink) => end,
    }
}

/// Tells the client why, and reads on until it agrees: what is not read when a connection ends would take the reason with it.
async fn part(
    end: End,
    mut sink: SplitSink<WebSocket, Message>,
    mut stream: SplitStream<WebSocket>,
) {
    let parting = async {
        let told = match end {
            End::Gone => sink.close().await,
            End::Told(frame) => sink.send(Message::Close(Some(frame))).await,
        };
        if told.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    // A client that does not agree in time is left.
    let _ = timeout(CLOSES_WITHIN, parting).await;
}
