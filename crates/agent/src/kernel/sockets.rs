//! The four sockets to one kernel.
//!
//! One task a socket: it connects as soon as the kernel listens, again should the connection be lost, and ends
//! when the kernel's process has ended and all that it had sent is read. What comes goes into the ring, without
//! ever waiting; what is to go waits in short queues, so that a kernel that does not read stops its clients.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cellblock_link::message::Channel;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connection::Description;
use super::envelope::Envelope;
use super::requests::{self, Requests};
use crate::log::Log;
use crate::ring::Ring;
use crate::zmtp::{self, Decoded, Kind};

/// Messages that wait for one socket.
const QUEUE: usize = 16;

/// The pause between two attempts to connect: a kernel is noticed at once, and a refusal costs microseconds.
const KNOCK_EVERY: Duration = Duration::from_millis(5);

/// The pause after a connection was lost: whoever closes it may do so again.
const RECONNECT_AFTER: Duration = Duration::from_millis(100);

/// What the sockets have seen of the kernel.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The shell's connection stands.
    pub(super) shell_connected: bool,
    /// iopub's connection stands, and the subscription is sent.
    pub(super) iopub_connected: bool,
    /// Something came on iopub: the subscription works.
    pub(super) published: bool,
    /// How many answers to `kernel_info_request` came.
    pub(super) replies: u64,
    /// What they said.
    pub(super) kernel_info: Option<Value>,
}

/// Whether the kernel's process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    Ended,
}

/// The sockets of one kernel. Dropping them closes them.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) tasks: JoinSet<()>,
    pub(super) senders: Senders,
    pub(super) seen: watch::Receiver<Seen>,
}

/// Where messages to the kernel go.
#[derive(Clone, Debug)]
pub(super) struct Senders {
    shell: mpsc::Sender<Vec<Bytes>>,
    control: mpsc::Sender<Vec<Bytes>>,
    stdin: mpsc::Sender<Vec<Bytes>>,
}

impl Senders {
    /// Queues a message; waits while the queue is full. What is for iopub, where nobody sends, or for a kernel
    /// that has ended, is dropped.
    pub(super) async fn send(&self, channel: Channel, parts: Vec<Bytes>) {
        let queue = match channel {
            Channel::Shell => &self.shell,
            Channel::Control => &self.control,
            Channel::Stdin => &self.stdin,
            Channel::Iopub => return,
        };
        let _ = queue.send(parts).await;
    }
}

/// What all sockets of a kernel share.
#[derive(Debug)]
struct Common {
    envelope: Envelope,
    requests: Requests,
    ring: Ring,
    seen: watch::Sender<Seen>,
    log: Log,
}

impl Sockets {
    /// Begins to connect.
    pub(super) fn open(
        connection: &Description,
        requests: &Requests,
        life: &watch::Receiver<Life>,
        ring: &Ring,
        log: &Log,
    ) -> Sockets {
        let (seen_by, seen) = watch::channel(Seen::default());
        let common = Arc::new(Common {
            envelope: Envelope::new(&connection.key),
            requests: requests.clone(),
            ring: ring.clone(),
            seen: seen_by,
            log: log.clone(),
        });
        // Shell and stdin must have the same, or input requests reach nobody.
        let dealer = Kind::Dealer {
            identity: requests.session().to_owned().into(),
        };
        let mut tasks = JoinSet::new();
        let mut open = |channel, port, kind: &Kind| {
            let (sender, outgoing) = mpsc::channel(QUEUE);
            let socket = Socket {
                channel,
                port,
                kind: kind.clone(),
                life: life.clone(),
                common: common.clone(),
            };
            tasks.spawn(socket.run(outgoing));
            sender
        };
        let senders = Senders {
            shell: open(Channel::Shell, connection.shell_port, &dealer),
            control: open(Channel::Control, connection.control_port, &dealer),
            stdin: open(Channel::Stdin, connection.stdin_port, &dealer),
        };
        open(Channel::Iopub, connection.iopub_port, &Kind::Subscriber);
        Sockets {
            tasks,
            senders,
            seen,
        }
    }
}

struct Socket {
    channel: Channel,
    port: u16,
    kind: Kind,
    life: watch::Receiver<Life>,
    common: Arc<Common>,
}

impl Socket {
    async fn run(mut self, mut outgoing: mpsc::Receiver<Vec<Bytes>>) {
        while let Some((mut receiver, mut sender)) = self.connect().await {
            self.connected();
            // The end of the connection is for its reader to find, once all that came is read.
            tokio::select! {
                () = self.receive(&mut receiver) => {}
                never = self.send(&mut sender, &mut outgoing) => match never {},
            }
            if *self.life.borrow() == Life::Running {
                sleep(RECONNECT_AFTER).await;
            }
        }
    }

    /// Connects, however often it takes; `None` once the kernel's process has ended.
    async fn connect(&mut self) -> Option<(zmtp::Receiver, zmtp::Sender)> {
        let (port, kind) = (self.port, &self.kind);
        let knock = async {
            loop {
                if let Ok(connection) = zmtp::connect(port, kind).await {
                    return connection;
                }
                sleep(KNOCK_EVERY).await;
            }
        };
        tokio::select! {
            connection = knock => Some(connection),
            _ = self.life.wait_for(|life| *life == Life::Ended) => None,
        }
    }

    fn connected(&self) {
        self.common
            .seen
            .send_if_modified(|seen| match self.channel {
                Channel::Shell => !std::mem::replace(&mut seen.shell_connected, true),
                Channel::Iopub => !std::mem::replace(&mut seen.iopub_connected, true),
                Channel::Control | Channel::Stdin => false,
            });
    }

    async fn receive(&self, receiver: &mut zmtp::Receiver) {
        loop {
            match receiver.next().await {
                Ok(Some(Decoded::Message(message))) => match self.common.envelope.open(message) {
                    Some(parts) => self.arrived(parts),
                    None => self.say("dropped a message that is not signed by the kernel"),
                },
                Ok(Some(Decoded::Oversized)) => {
                    self.say("lost a message that is too long");
                    self.common.ring.lose();
                }
                Ok(Some(Decoded::Command)) => {}
                Ok(None) => return,
                Err(error) => return self.say(&format!("lost the connection: {error}")),
            }
        }
    }

    fn arrived(&self, parts: Vec<Bytes>) {
        if self.channel == Channel::Iopub {
            self.common
                .seen
                .send_if_modified(|seen| !std::mem::replace(&mut seen.published, true));
        }
        if !self.common.requests.is_answer(&parts) {
            self.common.ring.push(self.channel, parts);
        } else if requests::is_type(&parts, "kernel_info_reply") {
            let content = parts
                .get(3)
                .and_then(|content| serde_json::from_slice(content).ok());
            self.common.seen.send_modify(|seen| {
                seen.replies += 1;
                seen.kernel_info = content.or(seen.kernel_info.take());
            });
        }
    }

    async fn send(
        &self,
        sender: &mut zmtp::Sender,
        outgoing: &mut mpsc::Receiver<Vec<Bytes>>,
    ) -> Infallible {
        while let Some(parts) = outgoing.recv().await {
            if let Err(error) = sender.send(&self.common.envelope.seal(&parts)).await {
                self.say(&format!("could not send a message: {error}"));
                break;
            }
        }
        std::future::pending().await
    }

    fn say(&self, what: &str) {
        self.common
            .log
            .say(format_args!("{:?}: {what}", self.channel));
    }
}
