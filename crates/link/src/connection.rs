//! The service's end of the link.
//!
//! Life of a connection: HELLO until an ACK ([`handshake`]), then heartbeats and streams until something ends
//! it. There is no repair: a broken connection is dropped and another one opened, which is the next epoch.

mod handshake;
mod receive;

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::carrier::Carrier;
use crate::carrier::frames::Frames;
use crate::carrier::writer::Writer;
use crate::fate::{EndOnDrop, Fate};
use crate::mux::{self, ClientLimits, OpenRequest};
use crate::request::{AgentHello, PROTOCOL_VERSION, Reply, Request};
use crate::{LinkConfig, LinkError, Stream};

/// The service's end of a link. Dropping it ends the link and its tasks.
#[derive(Debug)]
pub struct Connection {
    opener: Opener,
    fate: Fate,
    // Before the tasks: whoever holds a stream learns that the link was closed, not that it broke.
    _closed: EndOnDrop,
    _tasks: JoinSet<()>,
}

impl Connection {
    /// Makes a link out of an attached stream: `reader` is the container's stdout, `writer` its stdin.
    ///
    /// The attach may precede the container's start. Dropping the future drops the attach.
    ///
    /// # Errors
    ///
    /// [`LinkError::NoAnswer`], [`LinkError::Version`], [`LinkError::MalformedAck`], or what befell the
    /// attached stream.
    pub async fn open<R, W>(
        reader: R,
        writer: W,
        config: LinkConfig,
    ) -> Result<(Connection, AgentHello), LinkError>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let fate = Fate::new();
        let mut tasks = JoinSet::new();
        let (queues, writer) = Writer::new(writer);
        tasks.spawn(write(writer, fate.clone()));
        let mut frames = Frames::new(reader);
        let (epoch, hello) =
            handshake::shake_hands(&mut frames, &queues.control, &config, &fate).await?;
        check_version(&hello)?;

        let limits = ClientLimits::new(config.max_streams, config.receive_window);
        let (inlet, carrier) = Carrier::new(epoch, limits.arrived(), queues.data);
        let (opener, requested) = Opener::new(config.max_streams, &fate);
        let epoch = receive::Epoch::new(epoch, inlet, queues.control, config);
        tasks.spawn(receive::receive(frames, epoch, fate.clone()));
        tasks.spawn(mux::client(carrier, limits, &fate).drive(requested));
        let _closed = fate.end_on_drop(LinkError::Closed);
        Ok((
            Connection {
                opener,
                fate,
                _closed,
                _tasks: tasks,
            },
            hello,
        ))
    }

    /// What opens streams; it can be cloned and outlive the connection, but does nothing then.
    pub fn opener(&self) -> Opener {
        self.opener.clone()
    }

    /// Waits until the link is gone, and tells why. Cancel-safe; every caller gets the same answer.
    pub async fn broken(&self) -> LinkError {
        self.fate.wait().await
    }
}

fn check_version(hello: &AgentHello) -> Result<(), LinkError> {
    if hello.protocol == PROTOCOL_VERSION {
        return Ok(());
    }
    Err(LinkError::Version {
        agent: hello.protocol,
        service: PROTOCOL_VERSION,
    })
}

async fn write<W: AsyncWrite + Unpin>(mut writer: Writer<W>, fate: Fate) {
    let _broken = fate.end_on_drop(LinkError::Broken);
    if let Err(error) = writer.run().await {
        fate.end(LinkError::attach(&error));
    }
}

/// Opens streams on a [`Connection`].
#[derive(Clone, Debug)]
pub struct Opener {
    requests: mpsc::Sender<OpenRequest>,
    permits: Arc<Semaphore>,
    fate: Fate,
}

impl Opener {
    fn new(max_streams: usize, fate: &Fate) -> (Opener, mpsc::Receiver<OpenRequest>) {
        let (requests, requested) = mpsc::channel(1);
        let permits = Arc::new(Semaphore::new(max_streams));
        (
            Opener {
                requests,
                permits,
                fate: fate.clone(),
            },
            requested,
        )
    }

    /// Opens a stream, sends the request and waits for the reply, be it [`Reply::Failed`]. Dropping the future
    /// gives the operation up.
    ///
    /// # Errors
    ///
    /// [`LinkError::TooManyStreams`] at once, [`LinkError::Stream`] when the agent dropped the operation or
    /// answered nonsense, or how the link ended.
    pub async fn request(&self, request: &Request) -> Result<(Reply, Stream), LinkError> {
        let mut stream = self.begin(request).await?;
        let reply = stream
            .read_reply()
            .await
            .map_err(|error| self.explain(&error))?;
        Ok((reply, stream))
    }

    /// Opens a stream and sends the request only, for a request whose reply comes after what follows it.
    ///
    /// # Errors
    ///
    /// As [`Opener::request`].
    pub async fn begin(&self, request: &Request) -> Result<Stream, LinkError> {
        let permit = self
            .permits
            .clone()
            .try_acquire_owned()
            .map_err(|_| LinkError::TooManyStreams)?;
        let inner = self.open().await.ok_or_else(|| self.ended())?;
        let mut stream = Stream::new(inner, self.fate.clone(), permit);
        stream
            .write_request(request)
            .await
            .map_err(|error| self.explain(&error))?;
        Ok(stream)
    }

    async fn open(&self) -> Option<yamux::Stream> {
        let (request, stream) = oneshot::channel();
        self.requests.send(request).await.ok()?;
        stream.await.ok()
    }

    fn ended(&self) -> LinkError {
        self.fate.ended().unwrap_or(LinkError::Broken)
    }

    fn explain(&self, error: &std::io::Error) -> LinkError {
        self.fate
            .ended()
            .unwrap_or_else(|| LinkError::stream(error))
    }
}
