//! Reading the JSON object that a message of the legacy framing is.
//!
//! Clients differ in what they leave out, and Jupyter Server has always coped: no channel is `shell`; a
//! parent_header, metadata or content that is missing or null is `{}`; fields nobody knows are skipped, and so
//! are `buffers`, which are `[]` with some and `{}` with others. A field that is there twice is the last one.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::{ChannelName, Framed, FramingError};

/// The message in `json`, without its buffers. Its parts are slices of `json`.
pub(super) fn open(json: &Bytes) -> Result<Framed, FramingError> {
    let text = str::from_utf8(json).map_err(|_| FramingError::NotUtf8)?;
    let envelope: Envelope =
        serde_json::from_str(text).map_err(|error| FramingError::not_json(&error))?;
    let slice = |text: &str| json.slice_ref(text.as_bytes());
    let part = |part, value: Field| {
        let text = object(part, value.map_or("null", RawValue::get))?;
        Ok(text.map(slice))
    };
    let or_empty = |part: Option<Bytes>| part.unwrap_or(Bytes::from_static(b"{}"));
    Ok(Framed {
        channel: channel(envelope.channel)?,
        parts: vec![
            part("header", envelope.header)?.ok_or(FramingError::MissingHeader)?,
            or_empty(part("parent_header", envelope.parent_header)?),
            or_empty(part("metadata", envelope.metadata)?),
            or_empty(part("content", envelope.content)?),
        ],
    })
}

/// The object that `json` is, which is JSON without spaces around it; None where that is null.
pub(super) fn object<'a>(
    part: &'static str,
    json: &'a str,
) -> Result<Option<&'a str>, FramingError> {
    match json.as_bytes().first() {
        Some(b'{') => Ok(Some(json)),
        Some(b'n') => Ok(None),
        _ => Err(FramingError::NotAnObject { part }),
    }
}

fn channel(name: Field) -> Result<ChannelName, FramingError> {
    let Some(name) = name else {
        return Ok(ChannelName::Shell);
    };
    let name: Cow<str> =
        serde_json::from_str(name.get()).map_err(|_| FramingError::UnknownChannel)?;
    ChannelName::parse(name.as_bytes())
}

/// None: missing or null.
type Field<'a> = Option<&'a RawValue>;

#[derive(Default)]
struct Envelope<'a> {
    channel: Field<'a>,
    header: Field<'a>,
    parent_header: Field<'a>,
    metadata: Field<'a>,
    content: Field<'a>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    Channel,
    Header,
    ParentHeader,
    Metadata,
    Content,
    #[serde(other)]
    Unknown,
}

// Not derived: that would refuse a field that is there twice.
impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a kernel message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(name) = map.next_key()? {
            let field = match name {
                Name::Channel => &mut envelope.channel,
                Name::Header => &mut envelope.header,
                Name::ParentHeader => &mut envelope.parent_header,
                Name::Metadata => &mut envelope.metadata,
                Name::Content => &mut envelope.content,
                Name::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = map.next_value()?;
        }
        Ok(envelope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_text(json: &str) -> Result<Framed, FramingError> {
        open(&Bytes::copy_from_slice(json.as_bytes()))
    }

    fn said(json: &str) -> String {
        open_text(json).unwrap_err().to_string()
    }

    #[test]
    fn what_is_left_out_or_null_is_empty_and_on_shell() {
        for json in [
            r#"{"header":{}}"#,
            r#"{"header":{},"parent_header":null,"metadata":null,"content":null,"channel":null}"#,
        ] {
            let framed = open_text(json).unwrap();
            assert_eq!(framed.channel, ChannelName::Shell);
            assert_eq!(framed.parts, ["{}"; 4]);
        }
    }

    #[test]
    fn parts_are_as_they_were_written() {
        let parts = [
            r#"{ "msg_id" : "a",  "date":"", "subshell_id":null }"#,
            r#"{"twice":1,"twice":2}"#,
            r#"{"number":1.0e+05,"large":123456789012345678901234567890}"#,
            "{\n\t\"text\":\"\\u00e9é\\ud800\\/\"}",
        ];
        let [header, parent_header, metadata, content] = parts;
        let json = format!(
            r#" {{"content": {content} ,"header":
            {header},"metadata":{metadata},"parent_header":{parent_header}}} "#
        );
        assert_eq!(open_text(&json).unwrap().parts, parts);
    }

    #[test]
    fn parts_are_slices_of_the_message() {
        let json = Bytes::from_static(br#"{"header":{"a":1}}"#);
        let framed = open(&json).unwrap();
        assert_eq!(framed.parts[0].as_ptr(), json[10..].as_ptr());
    }

    #[test]
    fn unknown_fields_and_any_buffers_are_skipped() {
        for buffers in ["[]", "{}", "null", "0", "[{}]", r#""AAEC""#] {
            let json = format!(r#"{{"msg_id":"a","buffers":{buffers},"x":[{{}}],"header":{{}}}}"#);
            assert_eq!(open_text(&json).unwrap().parts, ["{}"; 4], "{json}");
        }
    }

    #[test]
    fn a_field_that_is_there_twice_is_the_last_one() {
        let framed = open_text(
            r#"{"header":{"a":1},"channel":"stdin","channel":"control","\u0068eader":{"b":2}}"#,
        );
        let framed = framed.unwrap();
        assert_eq!(framed.channel, ChannelName::Control);
        assert_eq!(framed.parts[0], r#"{"b":2}"#);
    }

    #[test]
    fn a_message_without_a_header_is_refused() {
        for json in ["{}", r#"{"header":null}"#, r#"{"content":{}}"#] {
            assert_eq!(said(json), "the header is missing");
        }
    }

    #[test]
    fn every_part_is_an_object() {
        for part in ["header", "parent_header", "metadata", "content"] {
            for value in ["[]", "1", "\"{}\"", "true"] {
                let json = format!(r#"{{"header":{{}},"{part}":{value}}}"#);
                assert_eq!(said(&json), format!("{part} is not a JSON object"));
            }
        }
    }

    #[test]
    fn a_channel_is_one_of_the_four() {
        for channel in ["\"\"", "\"Shell\"", "1", "{}", "[\"shell\"]"] {
            let json = format!(r#"{{"header":{{}},"channel":{channel}}}"#);
            assert_eq!(
                said(&json),
                "the channel is none of shell, control, stdin, iopub"
            );
        }
        let escaped = open_text(r#"{"header":{},"channel":"\u0069opub"}"#);
        assert_eq!(escaped.unwrap().channel, ChannelName::Iopub);
    }

    #[test]
    fn what_is_no_json_object_is_refused_with_its_place() {
        assert_eq!(
            said("{\n  \"header\": x}"),
            "not a JSON object: line 2, column 13"
        );
        for json in ["", "[]", "null", "{", "{}{}", "{\"header\":{}", "{\"a\"}"] {
            assert!(
                said(json).starts_with("not a JSON object: line 1,"),
                "{json}"
            );
        }
        let latin = Bytes::from_static(b"{\"header\":{\"a\":\"\xe9\"}}");
        assert_eq!(open(&latin), Err(FramingError::NotUtf8));
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let framed = open_text(&format!(r#"{{"x":{deep},"content":{deep},"header":{{}}}}"#));
        assert_eq!(framed.unwrap().parts[3], deep);
    }
}
