//! What the legacy framing guarantees, rule by rule.

use serde_json::{Value, json};

use super::*;

fn parts(parts: &[&'static [u8]]) -> Vec<Bytes> {
    parts.iter().copied().map(Bytes::from_static).collect()
}

fn encoded_text(parts: &[Bytes]) -> String {
    match encode(ChannelName::Iopub, parts).unwrap() {
        Outgoing::Text(text) => text,
        Outgoing::Binary(message) => panic!("binary: {message:?}"),
    }
}

fn encoded_binary(parts: &[Bytes]) -> Bytes {
    match encode(ChannelName::Iopub, parts).unwrap() {
        Outgoing::Binary(message) => message,
        Outgoing::Text(text) => panic!("text: {text}"),
    }
}

fn not_encoded(parts: &[Bytes]) -> String {
    encode(ChannelName::Iopub, parts).unwrap_err().to_string()
}

/// Count, begins, and what is behind them.
fn message(numbers: &[u32], behind: &[u8]) -> Bytes {
    let numbers = numbers.iter().flat_map(|number| number.to_be_bytes());
    numbers.chain(behind.iter().copied()).collect()
}

fn not_decoded(message: &Bytes) -> String {
    decode_binary(message).unwrap_err().to_string()
}

#[test]
fn without_buffers_a_message_is_text_with_its_parts_as_they_are() {
    let parts = parts(&[
        br#"{"msg_id": "\u0061", "msg_type":"stream","n":1.0}"#,
        br#"{ "msg_id":"r" }"#,
        b"{}",
        br#"{"text":"\ud800","text":1e5}"#,
    ]);
    let expected = r#"{"header":{"msg_id": "\u0061", "msg_type":"stream","n":1.0},"msg_id":"\u0061","msg_type":"stream","parent_header":{ "msg_id":"r" },"metadata":{},"content":{"text":"\ud800","text":1e5},"buffers":[],"channel":"iopub"}"#;
    assert_eq!(encoded_text(&parts), expected);
}

#[test]
fn with_buffers_a_message_is_binary() {
    let head = [&b"{}"[..], b"{}", b"{}", b"{}"];
    let json = encoded_text(&parts(&head));
    let length = json.len() as u32;
    let with_buffers = parts(&[&head[..], &[b"\x00\xff", b"", b"abc"]].concat());
    let begins = [20, 20 + length, 22 + length, 22 + length];
    let behind = [json.as_bytes(), b"\x00\xffabc"].concat();
    let expected = message(&[&[4], &begins[..]].concat(), &behind);
    assert_eq!(encoded_binary(&with_buffers), expected);
    let framed = decode_binary(&expected).unwrap();
    assert_eq!(framed.channel, ChannelName::Iopub);
    assert_eq!(framed.parts, with_buffers);
    assert_eq!(
        framed.parts[6].as_ptr(),
        expected[22 + json.len()..].as_ptr()
    );
}

#[test]
fn a_kernel_cannot_say_anything_beside_its_parts() {
    for forged in [
        &br#"{},"channel":"shell""#[..],
        br#"{}}{"header":{}"#,
        b"{",
        b"",
        b"[]",
        b"1",
        b"nul",
        b"NaN",
    ] {
        for at in 0..MIN_PARTS {
            let mut parts = parts(&[&b"{}"[..]; 4]);
            parts[at] = Bytes::from_static(forged);
            let part = ["header", "parent_header", "metadata", "content"][at];
            assert_eq!(not_encoded(&parts), format!("{part} is not a JSON object"));
        }
    }
}

#[test]
fn a_kernel_s_null_is_empty() {
    let text = encoded_text(&parts(&[b" null ", b"null", b"null", b"null"]));
    let value: Value = serde_json::from_str(&text).unwrap();
    for part in ["header", "parent_header", "metadata", "content"] {
        assert_eq!(value[part], json!({}));
    }
}

#[test]
fn an_identity_that_is_missing_or_twice_or_no_string_is_empty() {
    for header in [
        &b"{}"[..],
        br#"{"msg_id":null,"msg_type":{"a":1}}"#,
        br#"{"msg_id":"a","msg_id":"b"}"#,
    ] {
        let header = Bytes::copy_from_slice(header);
        let empty = Bytes::from_static(b"{}");
        let text = encoded_text(&[header, empty.clone(), empty.clone(), empty]);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["msg_id"], "");
        assert_eq!(value["msg_type"], "");
    }
}

#[test]
fn bytes_of_a_kernel_that_are_no_utf8_become_replacement_characters() {
    let text = encoded_text(&parts(&[b"{}", b"{}", b"{}", b"{\"text\":\"a\xffb\"}"]));
    assert!(text.contains("\"a\u{fffd}b\""), "{text}");
}

#[test]
fn a_binary_message_may_have_no_buffers() {
    let framed = decode_binary(&message(&[1, 8], br#"{"header":{}}"#)).unwrap();
    assert_eq!(framed.parts, ["{}"; 4]);
}

#[test]
fn a_table_that_is_wrong_is_refused() {
    let json = br#"{"header":{}}"#;
    let whole = message(&[2, 12, 25], &[&json[..], b"ab"].concat());
    assert_eq!(decode_binary(&whole).unwrap().parts[4], "ab");
    for length in 0..25 {
        decode_binary(&whole.slice(..length)).unwrap_err();
    }
    for (numbers, said) in [
        (&[0, 8][..], "0 offsets, but 1 to 1021 are allowed"),
        (&[1022, 8], "1022 offsets, but 1 to 1021 are allowed"),
        (&[u32::MAX], "4294967295 offsets, but 1 to 1021 are allowed"),
        (&[900, 8], "the message ends before its offsets do"),
        (&[1, 9], "offset 0 is 9, but the offsets end at 8"),
        (&[2, 12, 11], "offset 1 is smaller than the one before it"),
        (&[2, 12, 26], "offset 1 is beyond the message"),
    ] {
        assert_eq!(not_decoded(&message(numbers, json)), said);
    }
    assert_eq!(
        not_decoded(&Bytes::from_static(b"\0\0")),
        "the message ends before its offsets do"
    );
}

#[test]
fn what_a_binary_message_s_json_is_to_be_it_is() {
    assert_eq!(
        not_decoded(&message(&[1, 8], b"{}")),
        "the header is missing"
    );
    assert_eq!(
        not_decoded(&message(&[1, 8], b"\xff")),
        "the JSON is not UTF-8"
    );
}
