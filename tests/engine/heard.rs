//! What a client has heard of a kernel, for tests that count messages.

use cellblock::jupyter::MessageView;

use crate::channels::Channels;

/// What a client keeps of a message.
#[derive(Debug)]
pub struct Heard {
    /// The message's own.
    pub id: String,
    /// What a stream's says.
    pub printed: String,
    kind: String,
    parent: String,
}

impl Heard {
    /// The next; None: the connection is lost or closed.
    pub async fn next(channels: &mut Channels) -> Option<Heard> {
        let framed = channels.next().await?;
        let view = MessageView::parse(&framed.parts).unwrap();
        let content = view.content().unwrap();
        let printed = match view.header.msg_type.as_str() {
            "stream" => content["text"].as_str().unwrap().to_owned(),
            _ => String::new(),
        };
        Some(Heard {
            id: view.header.msg_id,
            printed,
            kind: view.header.msg_type,
            parent: view.parent_id,
        })
    }

    /// Whether it says what came of the execution with this id.
    pub fn is_reply_to(&self, request: &str) -> bool {
        self.kind == "execute_reply" && self.parent == request
    }
}
