//! Who a header is from and what it is, without a copy: for messages that are only passed on.

use std::borrow::Cow;

use serde::Deserialize;

use super::MAX_HEADER;

/// What a router of messages reads of a header. A field that is missing or null is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance<'a> {
    /// Unique to the message.
    pub msg_id: Cow<'a, str>,
    /// What kind of message.
    pub msg_type: Cow<'a, str>,
    /// Of the client that asked, or of the kernel.
    pub session: Cow<'a, str>,
}

/// Reads a header part, or a parent_header part; `null` reads as `{}`. Only a string with escapes is copied.
///
/// None: not a JSON object of that shape, or longer than 64 KiB. Unlike in a
/// [`MessageView`](super::MessageView), half a surrogate pair in one of the three is not mended.
#[must_use]
pub fn glance(part: &[u8]) -> Option<Glance<'_>> {
    let part = part.trim_ascii();
    if part == b"null" {
        return Some(Glance::default());
    }
    // serde would take an array for a struct.
    if part.len() > MAX_HEADER || part.first() != Some(&b'{') {
        return None;
    }
    let fields: Fields = serde_json::from_slice(part).ok()?;
    Some(Glance {
        msg_id: text(fields.msg_id),
        msg_type: text(fields.msg_type),
        session: text(fields.session),
    })
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    msg_id: Option<Text<'a>>,
    #[serde(borrow)]
    msg_type: Option<Text<'a>>,
    #[serde(borrow)]
    session: Option<Text<'a>>,
}

/// Of its own, since serde borrows a Cow within an Option only so.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text(field: Option<Text<'_>>) -> Cow<'_, str> {
    field.map(|text| text.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_escapes_is_not_copied() {
        let header = br#" {"msg_id":"a","username":"\u00e9","msg_type":"status","session":"s"} "#;
        let glance = glance(header).unwrap();
        assert!(matches!(glance.msg_id, Cow::Borrowed("a")));
        assert!(matches!(glance.msg_type, Cow::Borrowed("status")));
        assert!(matches!(glance.session, Cow::Borrowed("s")));
    }

    #[test]
    fn escapes_are_read() {
        let glance = glance(br#"{"msg_id":"\u0061\"","x":[{"msg_id":1}]}"#).unwrap();
        assert_eq!(glance.msg_id, "a\"");
    }

    #[test]
    fn missing_and_null_are_empty() {
        for header in ["{}", "null", " null ", r#"{"msg_id":null,"session":null}"#] {
            assert_eq!(
                glance(header.as_bytes()),
                Some(Glance::default()),
                "{header}"
            );
        }
    }

    #[test]
    fn what_is_no_header_is_none() {
        for header in ["", "[]", r#"["a","b","c"]"#, r#"{"msg_id":1}"#, "{", "1"] {
            assert_eq!(glance(header.as_bytes()), None, "{header}");
        }
        let long = format!(r#"{{"msg_id":"{}"}}"#, "a".repeat(MAX_HEADER));
        assert_eq!(glance(long.as_bytes()), None);
    }
}
