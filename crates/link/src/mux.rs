//! yamux: many streams over one carrier.
//!
//! yamux is a state machine that somebody must poll: one task an end. It ends the whole connection when one
//! stream too many is opened, so both ends count streams themselves, and what yamux allows is far beyond: the
//! service refuses to open more ([`Opener`](crate::Opener)), the agent resets what it has no room for. The
//! agent has room for more than the service opens, since a stream that the service gave up lives on at the
//! agent until its operation notices.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};

use crate::LinkError;
use crate::carrier::Carrier;
use crate::fate::{EndOnDrop, Fate};
use crate::frame::MAX_PAYLOAD;

/// Bytes of a yamux header.
const YAMUX_HEADER: usize = 12;

/// What yamux grants each stream from the start.
const STREAM_WINDOW: usize = yamux::DEFAULT_CREDIT as usize;

/// Streams at once on the agent's end; one more is reset. The windows there never grow, so this bounds the
/// agent's memory to 32 MiB.
pub(crate) const AGENT_STREAMS: usize = 128;

/// What the agent's yamux allows; reset streams count until it has noticed.
const AGENT_YAMUX_STREAMS: usize = 8192;

/// What a peer may have on the way beyond the windows: yamux's own frames.
const BEYOND_WINDOWS: usize = 1 << 20;

/// The most bytes that an honest service can have sent and yamux has not taken from the agent's carrier.
pub(crate) const AGENT_ARRIVED: usize = AGENT_STREAMS * STREAM_WINDOW + BEYOND_WINDOWS;

/// Asks a [`Dialer`] for a stream.
pub(crate) type OpenRequest = oneshot::Sender<yamux::Stream>;

/// The agent's end.
pub(crate) fn server(carrier: Carrier) -> yamux::Connection<Carrier> {
    yamux::Connection::new(
        carrier,
        configuration(AGENT_YAMUX_STREAMS, AGENT_YAMUX_STREAMS * STREAM_WINDOW),
        yamux::Mode::Server,
    )
}

/// What the service's end may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientLimits {
    streams: usize,
    window: usize,
}

impl ClientLimits {
    /// For `streams` at once and `window` bytes unread, or what yamux asks for at least.
    pub(crate) fn new(streams: usize, window: usize) -> ClientLimits {
        // A stream that was dropped counts until yamux has noticed.
        let streams = streams.max(1).saturating_mul(2);
        ClientLimits {
            streams,
            window: window.max(streams.saturating_mul(STREAM_WINDOW)),
        }
    }

    /// The most bytes that an honest agent can have sent and yamux has not taken from the carrier.
    pub(crate) fn arrived(self) -> usize {
        self.window.saturating_add(BEYOND_WINDOWS)
    }
}

/// The service's end.
pub(crate) fn client(carrier: Carrier, limits: ClientLimits, fate: &Fate) -> Dialer {
    let blocked = carrier.blocked();
    let configuration = configuration(limits.streams, limits.window);
    let connection = yamux::Connection::new(carrier, configuration, yamux::Mode::Client);
    Dialer {
        _broken: fate.end_on_drop(LinkError::Broken),
        connection,
        blocked,
        waiting: None,
    }
}

fn configuration(streams: usize, window: usize) -> yamux::Config {
    let mut configuration = yamux::Config::default();
    configuration.set_max_connection_receive_window(None);
    configuration.set_max_num_streams(streams);
    configuration.set_max_connection_receive_window(Some(window));
    configuration.set_split_send_size(MAX_PAYLOAD - YAMUX_HEADER);
    configuration
}

/// The service's end of yamux.
pub(crate) struct Dialer {
    // Before the connection: its streams are to see that this is no plain end.
    _broken: EndOnDrop,
    connection: yamux::Connection<Carrier>,
    blocked: Arc<AtomicBool>,
    waiting: Option<OpenRequest>,
}

impl Dialer {
    /// Drives yamux and opens the streams that are asked for, until the connection ends.
    pub(crate) async fn drive(mut self, mut requests: mpsc::Receiver<OpenRequest>) {
        poll_fn(|context| self.poll(context, &mut requests)).await;
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        requests: &mut mpsc::Receiver<OpenRequest>,
    ) -> Poll<()> {
        loop {
            match self.connection.poll_next_inbound(context) {
                // The agent opens none; one that comes is reset by being dropped.
                Poll::Ready(Some(Ok(_))) => continue,
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            // While it cannot write, yamux does not notice dropped streams and would count them.
            if self.blocked.load(Ordering::Relaxed) {
                return Poll::Pending;
            }
            if self.waiting.is_none() {
                match requests.poll_recv(context) {
                    Poll::Ready(Some(request)) => self.waiting = Some(request),
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                }
            }
            match self.connection.poll_new_outbound(context) {
                Poll::Ready(Ok(stream)) => self.hand_over(stream),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn hand_over(&mut self, stream: yamux::Stream) {
        if let Some(request) = self.waiting.take() {
            // Whoever asked may have gone; dropping the stream resets it.
            let _ = request.send(stream);
        }
    }
}
