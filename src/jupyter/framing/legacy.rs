//! The framing of WebSockets without a subprotocol: a message is one JSON object, as text.
//!
//! ```text
//! text    {"header": …, "msg_id": …, "msg_type": …, "parent_header": …, "metadata": …, "content": …,
//!          "buffers": [], "channel": …}
//! binary  count 4 | count × offset 4 | that JSON | buffers …
//! ```
//!
//! A message with buffers is binary, with big-endian numbers: each offset is where something begins, counted from
//! the start of the message, and the JSON is the first of them.
//!
//! The four parts are raw text within that JSON, read from it and written into it as they are. A kernel's parts
//! are checked to be JSON objects first, since a client would read what else they say as its own.

mod envelope;

use std::borrow::Cow;
use std::iter::once;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::offsets::{count, cut};
use super::{ChannelName, Framed, FramingError, MAX_PARTS, MIN_PARTS, Outgoing};
use envelope::object;

/// Bytes of a number.
const NUMBER: usize = size_of::<u32>();

/// The JSON and as many buffers as a message may have.
const MAX_COUNT: usize = 1 + MAX_PARTS - MIN_PARTS;

pub(super) fn decode_text(message: &Bytes) -> Result<Framed, FramingError> {
    envelope::open(message)
}

pub(super) fn decode_binary(message: &Bytes) -> Result<Framed, FramingError> {
    let (number, rest) = message.split_first_chunk().ok_or(FramingError::Truncated)?;
    let count = count(u32::from_be_bytes(*number).into(), 1, MAX_COUNT)?;
    let table = rest.get(..NUMBER * count).ok_or(FramingError::Truncated)?;
    let (begins, _) = table.as_chunks();
    let begins = begins.iter().map(|begin| u32::from_be_bytes(*begin).into());
    let offsets = begins.chain(once(message.len() as u64));
    let segments = cut(message, NUMBER * (1 + count), offsets)?;
    let mut framed = envelope::open(&segments[0])?;
    framed.parts.extend_from_slice(&segments[1..]);
    Ok(framed)
}

pub(super) fn encode(channel: ChannelName, parts: &[Bytes]) -> Result<Outgoing, FramingError> {
    let [header, parent_header, metadata, content, buffers @ ..] = parts else {
        return Err(FramingError::Parts { count: parts.len() });
    };
    let json = envelope([header, parent_header, metadata, content], channel)?;
    if buffers.is_empty() {
        Ok(Outgoing::Text(json))
    } else {
        binary(&json, buffers).map(Outgoing::Binary)
    }
}

fn envelope(parts: [&Bytes; MIN_PARTS], channel: ChannelName) -> Result<String, FramingError> {
    let [header, parent_header, metadata, content] = parts;
    let header = text("header", header)?;
    let Identity { msg_id, msg_type } = serde_json::from_str(&header).unwrap_or_default();
    let json = [
        r#"{"header":"#,
        &header,
        r#","msg_id":"#,
        string(msg_id),
        r#","msg_type":"#,
        string(msg_type),
        r#","parent_header":"#,
        &text("parent_header", parent_header)?,
        r#","metadata":"#,
        &text("metadata", metadata)?,
        r#","content":"#,
        &text("content", content)?,
        r#","buffers":[],"channel":""#,
        channel.as_str(),
        r#""}"#,
    ];
    Ok(json.concat())
}

/// What a client finds beside the header too. Empty where a kernel says it twice.
#[derive(Default, Deserialize)]
struct Identity<'a> {
    #[serde(borrow)]
    msg_id: Option<&'a RawValue>,
    #[serde(borrow)]
    msg_type: Option<&'a RawValue>,
}

/// A string as it is written; anything else is an empty one.
fn string(json: Option<&RawValue>) -> &str {
    json.map(RawValue::get)
        .filter(|text| text.starts_with('"'))
        .unwrap_or(r#""""#)
}

/// A part as text that can stand in JSON. What is no UTF-8 becomes U+FFFD: a text message cannot carry it.
fn text<'a>(part: &'static str, bytes: &'a Bytes) -> Result<Cow<'a, str>, FramingError> {
    let text = String::from_utf8_lossy(bytes);
    let json: &RawValue =
        serde_json::from_str(&text).map_err(|_| FramingError::NotAnObject { part })?;
    match object(part, json.get())? {
        Some(_) => Ok(text),
        None => Ok(Cow::Borrowed("{}")),
    }
}

fn binary(json: &str, buffers: &[Bytes]) -> Result<Bytes, FramingError> {
    let count = 1 + buffers.len();
    let begin = NUMBER * (1 + count);
    let segments = || once(json.as_bytes()).chain(buffers.iter().map(|buffer| &buffer[..]));
    let length = begin + segments().map(<[u8]>::len).sum::<usize>();
    if u32::try_from(length).is_err() {
        return Err(FramingError::TooLong);
    }
    let mut message = Vec::with_capacity(length);
    let mut write = |number: usize| message.extend((number as u32).to_be_bytes());
    write(count);
    segments().fold(begin, |begin, segment| {
        write(begin);
        begin + segment.len()
    });
    segments().for_each(|segment| message.extend_from_slice(segment));
    Ok(Bytes::from(message))
}

#[cfg(test)]
mod tests;
