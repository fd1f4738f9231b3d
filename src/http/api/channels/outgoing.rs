//! From the kernel to the client.

use std::time::Duration;

use axum::Error;
use axum::extract::ws::Message;
use bytes::Bytes;
use futures::{Sink, SinkExt};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

use super::close::End;
use crate::jupyter::{ChannelName, Framing, Outgoing, stderr_message};
use crate::sandbox::{Channel, KernelEvent, KernelMessage};
use crate::service::session::{Connection, Cut};

/// How often a client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);

/// How long one message may take to be written. The largest that there are still get through a slow line.
const WRITES_WITHIN: Duration = Duration::from_secs(120);

/// The longest parent that is remembered, in bytes. Real ones have about 300.
const LONGEST_PARENT: usize = 4096;

/// What a client is told in place of what it cannot be told.
const LOST: &str = "[cellblock: output was lost here]\n";

enum Step {
    Event(Result<KernelEvent, Cut>),
    Ping,
}

/// Passes on what the kernel says until there is no more of it, or the client takes no more.
pub async fn pass_on(
    mut kernel: Connection,
    framing: Framing,
    client: &mut (impl Sink<Message, Error = Error> + Unpin),
) -> End {
    let mut pings = pings();
    let mut script = Script::new(framing);
    loop {
        let step = tokio::select! {
            event = kernel.next() => Step::Event(event),
            _ = pings.tick() => Step::Ping,
        };
        let (number, message) = match step {
            Step::Event(Ok(event)) => script.of(event),
            Step::Event(Err(cut)) => return End::of_cut(cut),
            Step::Ping => (0, Some(Message::Ping(Bytes::new()))),
        };
        if let Some(message) = message {
            match timeout(WRITES_WITHIN, client.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return End::Gone,
                Err(_) => return End::slow(),
            }
        }
        if number > 0 {
            kernel.delivered(number);
        }
    }
}

fn pings() -> Interval {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}

/// What a kernel says, as this client reads it.
struct Script {
    framing: Framing,
    /// Of the last output: what is lost is said where it was.
    parent: Bytes,
}

impl Script {
    fn new(framing: Framing) -> Self {
        let parent = Bytes::from_static(b"{}");
        Self { framing, parent }
    }

    /// The number of what the client then knows (0: it has none), and the message that says it.
    fn of(&mut self, event: KernelEvent) -> (u64, Option<Message>) {
        match event {
            KernelEvent::Message(message) => {
                self.note_parent(&message);
                let channel = name(message.channel);
                let framed = self.framing.encode(channel, &message.parts);
                let framed = framed.map(ws).map_err(|error| {
                    tracing::debug!(%error, "a kernel's message cannot be framed");
                });
                (message.sequence, framed.ok().or_else(|| self.lost()))
            }
            KernelEvent::Gap { after } => (after, self.lost()),
            // The session says what becomes of it, in messages of its own.
            KernelEvent::Unreadable | KernelEvent::Exited { .. } => (0, None),
        }
    }

    /// A copy, or it would keep all of the message.
    fn note_parent(&mut self, message: &KernelMessage) {
        let parent = message.parts.get(1).filter(|it| it.len() <= LONGEST_PARENT);
        if let (Channel::Iopub, Some(parent)) = (message.channel, parent) {
            self.parent = Bytes::copy_from_slice(parent);
        }
    }

    fn lost(&self) -> Option<Message> {
        let parts = stderr_message(LOST, &self.parent);
        let framed = self.framing.encode(ChannelName::Iopub, &parts);
        // Where the kernel's own parent cannot be framed, there is no place to say it at.
        framed.ok().map(ws)
    }
}

fn ws(outgoing: Outgoing) -> Message {
    match outgoing {
        Outgoing::Text(text) => Message::Text(text.into()),
        Outgoing::Binary(bytes) => Message::Binary(bytes),
    }
}

fn name(channel: Channel) -> ChannelName {
    match channel {
        Channel::Shell => ChannelName::Shell,
        Channel::Control => ChannelName::Control,
        Channel::Stdin => ChannelName::Stdin,
        Channel::Iopub => ChannelName::Iopub,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(parent: &'static str, content: &'static str) -> KernelEvent {
        let parts = ["{}", parent, "{}", content];
        KernelEvent::Message(KernelMessage {
            sequence: 7,
            channel: Channel::Iopub,
            parts: parts
                .map(|part| Bytes::from_static(part.as_bytes()))
                .to_vec(),
        })
    }

    fn text((number, message): (u64, Option<Message>)) -> (u64, serde_json::Value) {
        let Some(Message::Text(text)) = message else {
            panic!("{message:?}");
        };
        (number, serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn lost_output_is_told_where_it_was() {
        let mut script = Script::new(Framing::Legacy);
        script.of(output(r#"{"msg_id": "a"}"#, "{}"));
        let (number, told) = text(script.of(KernelEvent::Gap { after: 9 }));
        assert_eq!(number, 9);
        assert_eq!(told["channel"], "iopub");
        assert_eq!(told["parent_header"]["msg_id"], "a");
        assert_eq!(told["content"]["name"], "stderr");
    }

    #[test]
    fn what_cannot_be_framed_counts_as_lost() {
        let mut script = Script::new(Framing::Legacy);
        let (number, told) = text(script.of(output("{}", "no JSON")));
        assert_eq!(number, 7);
        assert_eq!(told["content"]["name"], "stderr");
    }
}
