//! JSON as kernels write it, which is not always JSON.
//!
//! Python's encoder lets half a surrogate pair through, as an escape (`"\ud800"`) or as a raw byte. serde_json
//! refuses both, and with them the whole message. So what does not parse is mended and parsed once more: what
//! is no character becomes U+FFFD. serde_json's limit on depth stays: such a message is refused.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Reads one JSON object. None: it is none, or not of that shape.
pub(super) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    // serde would take an array for a struct.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(bytes)
        .or_else(|_| serde_json::from_str(&mended(bytes)))
        .ok()
}

/// The text with U+FFFD in place of everything that is no character.
fn mended(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut mended = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let (kept, length) = mended_escape(escape);
        mended.push_str(&kept);
        rest = &escape[length..];
    }
    mended.push_str(rest);
    mended
}

/// What to write for the escape at the front of `text`, and how long the escape is there.
fn mended_escape(text: &str) -> (Cow<'_, str>, usize) {
    /// Bytes of `\uXXXX`.
    const UNIT: usize = 6;
    let length = match unit(text) {
        Some(0xd800..=0xdbff) if matches!(unit(&text[UNIT..]), Some(0xdc00..=0xdfff)) => 2 * UNIT,
        Some(0xd800..=0xdfff) => return (Cow::Borrowed("\\ufffd"), UNIT),
        Some(_) => UNIT,
        // The backslash, and what it escapes.
        None => text.chars().take(2).map(char::len_utf8).sum(),
    };
    (Cow::Borrowed(&text[..length]), length)
}

/// The UTF-16 code unit of a `\uXXXX` at the front of `text`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::object;

    fn text(bytes: &[u8]) -> Option<String> {
        let value: Value = object(bytes)?;
        Some(value["text"].as_str()?.to_owned())
    }

    #[test]
    fn half_a_surrogate_pair_becomes_a_replacement_character() {
        assert_eq!(text(br#"{"text": "a\ud800b"}"#).unwrap(), "a\u{fffd}b");
        assert_eq!(text(br#"{"text": "a\uDFFF"}"#).unwrap(), "a\u{fffd}");
        assert_eq!(
            text(br#"{"text": "\ud800\ud83d\ude00"}"#).unwrap(),
            "\u{fffd}😀"
        );
        assert_eq!(text(br#"{"text": "\ud83d\n"}"#).unwrap(), "\u{fffd}\n");
    }

    #[test]
    fn bytes_that_are_no_utf8_become_replacement_characters() {
        assert_eq!(text(b"{\"text\": \"a\xffb\"}").unwrap(), "a\u{fffd}b");
        assert_eq!(
            text(b"{\"text\": \"\xed\xb3\xbf\"}").unwrap(),
            "\u{fffd}\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn what_is_right_beside_what_is_wrong_is_kept() {
        let found = text("{\"text\": \"\\\\ud800 é \\ud800 \\\" \\u0041\"}".as_bytes()).unwrap();
        assert_eq!(found, "\\ud800 é \u{fffd} \" A");
    }

    #[test]
    fn only_objects_are_objects() {
        for bytes in [
            "",
            "[]",
            "null",
            "1",
            "{",
            "{\"a\": \\",
            "{\"a\": \"\\é\"}",
            "{}}",
        ] {
            assert_eq!(object::<Value>(bytes.as_bytes()), None, "{bytes}");
        }
        assert_eq!(object::<Value>(b" \n{} "), Some(json!({})));
    }

    #[test]
    fn depth_is_limited() {
        let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(object::<Value>(deep.as_bytes()), None);
    }
}
