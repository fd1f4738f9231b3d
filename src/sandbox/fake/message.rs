//! Jupyter messages, as a kernel makes them. Written out here, since this layer does not know the protocol's.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::sandbox::{Channel, KernelMessage};

/// A message of the kernel.
pub(super) fn message(
    number: u64,
    channel: Channel,
    kind: &str,
    parent: &Bytes,
    content: &Value,
) -> KernelMessage {
    let header = json!({
        "msg_id": format!("kernel_{number}"),
        "msg_type": kind,
        "session": "kernel",
        "username": "kernel",
        "date": "2026-01-01T00:00:00.000000Z",
        "version": "5.3",
    });
    KernelMessage {
        sequence: number,
        channel,
        parts: vec![
            header.to_string().into(),
            // It has been over a wire: no part of the request.
            Bytes::copy_from_slice(parent),
            Bytes::from_static(b"{}"),
            content.to_string().into(),
        ],
    }
}

/// The msg_type in a header.
pub(super) fn kind(message: &KernelMessage) -> String {
    text(&part(message, 0)["msg_type"])
}

/// The content of a message.
pub(super) fn content(message: &KernelMessage) -> Value {
    part(message, 3)
}

/// A string, or the empty one.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn part(message: &KernelMessage, index: usize) -> Value {
    let part = message.parts.get(index);
    part.and_then(|part| serde_json::from_slice(part).ok())
        .unwrap_or_default()
}
