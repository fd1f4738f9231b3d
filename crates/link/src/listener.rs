//! The agent's end of the link.
//!
//! It outlives every client: it waits for HELLOs for ever, lets the newest one begin an epoch, and answers
//! heartbeats. Neither silence nor the end of stdin ends it. What it knows of the operations of an older epoch
//! is only that their streams fail.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::carrier::epoch::{Epochs, Step};
use crate::carrier::frames::Frames;
use crate::carrier::writer::{Queues, Writer};
use crate::carrier::{Carrier, Inlet};
use crate::fate::{EndOnDrop, Fate};
use crate::frame::{Frame, Kind};
use crate::request::{AgentHello, Failure, FailureKind, Reply, Request};
use crate::{LinkError, Stream, mux};

/// How long to wait before stdin or stdout is tried again after an end or an error.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Operations that wait for [`Listener::accept`].
const WAITING_OPERATIONS: usize = 16;

type Operation = (Request, Stream);

/// The agent's end of the link. Dropping it ends its tasks.
#[derive(Debug)]
pub struct Listener {
    operations: mpsc::Receiver<Operation>,
    _tasks: JoinSet<()>,
}

impl Listener {
    /// Listens on `stdin` and answers on `stdout`; `hello` goes out with every ACK. Call it within a tokio
    /// runtime.
    pub fn new<R, W>(stdin: R, stdout: W, hello: AgentHello) -> Listener
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let (accepted, operations) = mpsc::channel(WAITING_OPERATIONS);
        let (queues, writer) = Writer::new(stdout);
        let ack = serde_json::to_vec(&hello)
            .expect("a number and a string are JSON")
            .into();
        let receiver = Receiver {
            epochs: Epochs::default(),
            alive: None,
            queues,
            ack,
            accepted,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(write(writer));
        tasks.spawn(receive(Frames::new(stdin), receiver));
        Listener {
            operations,
            _tasks: tasks,
        }
    }

    /// The next operation that a living client asks for. Cancel-safe.
    pub async fn accept(&mut self) -> (Request, Stream) {
        loop {
            match self.operations.recv().await {
                Some((request, stream)) if stream.is_wanted() => return (request, stream),
                Some(_) => {}
                // Only a panic of the receiving task leads here.
                None => std::future::pending().await,
            }
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(mut writer: Writer<W>) {
    while writer.run().await.is_err() {
        sleep(TRY_AGAIN).await;
    }
}

async fn receive<R: AsyncRead + Unpin>(mut frames: Frames<R>, mut receiver: Receiver) {
    loop {
        match frames.next().await {
            Ok(Some(frame)) => receiver.take(frame),
            Ok(None) | Err(_) => sleep(TRY_AGAIN).await,
        }
    }
}

struct Receiver {
    epochs: Epochs,
    alive: Option<Alive>,
    queues: Queues,
    ack: Bytes,
    accepted: mpsc::Sender<Operation>,
}

/// The living epoch; dropping it ends its streams.
struct Alive {
    inlet: Inlet,
    // Before the task: its streams are to see the end and its reason at once.
    _closed: EndOnDrop,
    _serving: AbortOnDropHandle<()>,
}

impl Receiver {
    fn take(&mut self, frame: Frame) {
        let step = self.epochs.take(frame);
        self.act(step);
    }

    fn act(&mut self, step: Step) {
        match step {
            Step::Begin(epoch) => self.begin(epoch),
            Step::Refuse { epoch, current } => {
                self.say(Kind::Refused, epoch, current.to_be_bytes().to_vec().into())
            }
            Step::Data(bytes) => self.data(bytes),
            Step::Pong(epoch) => self.say(Kind::Pong, epoch, Bytes::new()),
            Step::Reset(epoch) => self.say(Kind::Reset, epoch, Bytes::new()),
            Step::Break(epoch) => {
                self.alive = None;
                self.say(Kind::Reset, epoch, Bytes::new());
            }
            Step::Ignore => {}
        }
    }

    fn begin(&mut self, epoch: u64) {
        self.alive = None;
        self.say(Kind::Ack, epoch, self.ack.clone());
        let (inlet, carrier) = Carrier::new(epoch, mux::AGENT_ARRIVED, self.queues.data.clone());
        let fate = Fate::new();
        let closed = fate.end_on_drop(LinkError::Closed);
        let serving = tokio::spawn(serve(carrier, fate, self.accepted.clone()));
        self.alive = Some(Alive {
            inlet,
            _closed: closed,
            _serving: AbortOnDropHandle::new(serving),
        });
    }

    fn data(&mut self, bytes: Bytes) {
        let fits = self
            .alive
            .as_ref()
            .is_none_or(|alive| alive.inlet.push(bytes));
        if !fits {
            let step = self.epochs.break_off();
            self.act(step);
        }
    }

    /// Queues an answer. Where there is no room for it, the other end will ask again.
    fn say(&self, kind: Kind, epoch: u64, payload: Bytes) {
        let _ = self.queues.control.try_send(Frame {
            payload,
            ..Frame::bare(kind, epoch)
        });
    }
}

/// Serves the streams of one epoch until it ends.
async fn serve(carrier: Carrier, fate: Fate, accepted: mpsc::Sender<Operation>) {
    let mut connection = mux::server(carrier);
    let _broken = fate.end_on_drop(LinkError::Broken);
    let permits = Arc::new(Semaphore::new(mux::AGENT_STREAMS));
    let mut greetings = JoinSet::new();
    loop {
        let inbound = tokio::select! {
            inbound = poll_fn(|context| connection.poll_next_inbound(context)) => inbound,
            Some(_) = greetings.join_next() => continue,
        };
        let Some(Ok(stream)) = inbound else { return };
        // One too many is reset by being dropped.
        if let Ok(permit) = permits.clone().try_acquire_owned() {
            let stream = Stream::new(stream, fate.clone(), permit);
            greetings.spawn(greet(stream, accepted.clone()));
        }
    }
}

/// Reads what the stream is for.
async fn greet(mut stream: Stream, accepted: mpsc::Sender<Operation>) {
    match stream.read_request().await {
        // Nobody accepts any more when the listener is gone.
        Ok(request) => drop(accepted.send((request, stream)).await),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            refuse(stream, error.to_string()).await
        }
        // The client gave it up.
        Err(_) => {}
    }
}

async fn refuse(mut stream: Stream, detail: String) {
    let reply = Reply::Failed(Failure {
        kind: FailureKind::Request,
        detail,
    });
    // Where it cannot be told, the stream is gone already.
    let _ = stream.write_reply(&reply).await;
    let _ = stream.shutdown().await;
}
