//! What both framings guarantee, whatever the message.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Messages of clients that are in use, as they send them.
const OF_CLIENTS: &[(&str, ChannelName, &str, &str)] = &[
    (
        // JupyterLab, over a server that does not know v1.
        r#"{"buffers":[],"channel":"shell","content":{"silent":false,"store_history":true,"user_expressions":{},"allow_stdin":true,"stop_on_error":true,"code":"print('é')"},"header":{"date":"2025-03-01T10:20:30.405Z","msg_id":"0fcd8f2c-2b5f-4b6e-8c8e-0b3f1a6f6d0b","msg_type":"execute_request","session":"9c3bdb0c-6c4b-4c40-a3b3-1f0f3e5d9c11","username":"","version":"5.2"},"metadata":{"deletedCells":[],"recordTiming":false,"cellId":"7f6c"},"parent_header":{}}"#,
        ChannelName::Shell,
        r#"{"date":"2025-03-01T10:20:30.405Z","msg_id":"0fcd8f2c-2b5f-4b6e-8c8e-0b3f1a6f6d0b","msg_type":"execute_request","session":"9c3bdb0c-6c4b-4c40-a3b3-1f0f3e5d9c11","username":"","version":"5.2"}"#,
        r#"{"silent":false,"store_history":true,"user_expressions":{},"allow_stdin":true,"stop_on_error":true,"code":"print('é')"}"#,
    ),
    (
        // The classic notebook.
        r#"{"header":{"msg_id":"a1","username":"username","session":"b2","msg_type":"kernel_info_request","version":"5.2"},"metadata":{},"content":{},"buffers":[],"parent_header":{},"channel":"shell"}"#,
        ChannelName::Shell,
        r#"{"msg_id":"a1","username":"username","session":"b2","msg_type":"kernel_info_request","version":"5.2"}"#,
        "{}",
    ),
    (
        // The classic notebook's answer to input().
        r#"{"header":{"msg_id":"a3","username":"username","session":"b2","msg_type":"input_reply","version":"5.2"},"metadata":{},"content":{"value":"forty-two"},"buffers":[],"parent_header":{"msg_id":"k9","msg_type":"input_request","session":"k","username":"u","date":"2025-03-01T10:20:30.405000Z","version":"5.3"},"channel":"stdin"}"#,
        ChannelName::Stdin,
        r#"{"msg_id":"a3","username":"username","session":"b2","msg_type":"input_reply","version":"5.2"}"#,
        r#"{"value":"forty-two"}"#,
    ),
    (
        // Kernel Gateway's demonstration client, and what was copied from it: json.dumps writes the spaces.
        r#"{"header": {"username": "", "version": "5.0", "session": "", "msg_id": "c3", "msg_type": "execute_request"}, "parent_header": {}, "channel": "shell", "content": {"code": "1", "silent": false, "store_history": false, "user_expressions": {}, "allow_stdin": false}, "metadata": {}, "buffers": {}}"#,
        ChannelName::Shell,
        r#"{"username": "", "version": "5.0", "session": "", "msg_id": "c3", "msg_type": "execute_request"}"#,
        r#"{"code": "1", "silent": false, "store_history": false, "user_expressions": {}, "allow_stdin": false}"#,
    ),
    (
        // Scripts written from the description of the messages alone.
        r#"{"msg_id": "d4", "msg_type": "execute_request", "header": {"msg_id": "d4", "msg_type": "execute_request", "date": ""}, "content": {"code": "1"}}"#,
        ChannelName::Shell,
        r#"{"msg_id": "d4", "msg_type": "execute_request", "date": ""}"#,
        r#"{"code": "1"}"#,
    ),
    (
        // JupyterLab's debugger, to a subshell.
        r#"{"buffers":[],"channel":"control","content":{"type":"request","seq":1,"command":"initialize","arguments":{"linesStartAt1":true}},"header":{"date":"2025-03-01T10:20:30.405Z","msg_id":"e5","msg_type":"debug_request","session":"s","subshell_id":"0e","username":"","version":"5.2"},"metadata":{},"parent_header":{}}"#,
        ChannelName::Control,
        r#"{"date":"2025-03-01T10:20:30.405Z","msg_id":"e5","msg_type":"debug_request","session":"s","subshell_id":"0e","username":"","version":"5.2"}"#,
        r#"{"type":"request","seq":1,"command":"initialize","arguments":{"linesStartAt1":true}}"#,
    ),
];

/// A widget of ipywidgets opened by JupyterLab, in v1, cut into its segments.
const COMM_OPEN: [&[u8]; 6] = [
    b"shell",
    br#"{"date":"2025-03-01T10:20:30.405Z","msg_id":"f6","msg_type":"comm_open","session":"s","username":"","version":"5.2"}"#,
    b"{}",
    br#"{"version":"2.1.0"}"#,
    br#"{"comm_id":"c","target_name":"jupyter.widget","data":{"state":{"value":null},"buffer_paths":[["value"]]}}"#,
    b"\x00\x01\x02\xff",
];

/// Jupyter Server's description of v1, followed word by word.
fn as_described(segments: &[&[u8]]) -> Bytes {
    let count = segments.len() as u64 + 1;
    let mut offsets = vec![8 * (1 + count)];
    for segment in segments {
        offsets.push(offsets[offsets.len() - 1] + segment.len() as u64);
    }
    let numbers = [count].into_iter().chain(offsets);
    let mut message: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
    message.extend(segments.concat());
    Bytes::from(message)
}

fn incoming(outgoing: Outgoing) -> Incoming {
    match outgoing {
        Outgoing::Text(text) => Incoming::Text(Bytes::from(text)),
        Outgoing::Binary(message) => Incoming::Binary(message),
    }
}

fn channels() -> impl Strategy<Value = ChannelName> {
    prop::sample::select(vec![
        ChannelName::Shell,
        ChannelName::Control,
        ChannelName::Stdin,
        ChannelName::Iopub,
    ])
}

fn any_part() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

/// An object with names that come twice and values as serde_json would not write them.
fn object() -> impl Strategy<Value = Bytes> {
    let raw = prop::sample::select(vec![
        "1.0e+05",
        "-0",
        "[ ]",
        "null",
        r#""\/\ud800""#,
        "{\"a\":1,\"a\":2}",
        " true\n",
    ]);
    let text = any::<String>().prop_map(|text| json!(text).to_string());
    let value = prop_oneof![raw.prop_map(str::to_owned), text];
    let name = prop::sample::select(vec!["", "a", "msg_type", "channel", "buffers"]);
    let field = (name, value).prop_map(|(name, value)| format!("\"{name}\": {value}"));
    vec(field, 0..5).prop_map(|fields| Bytes::from(format!("{{{}}}", fields.join(","))))
}

/// JSON that is a message, or nearly.
fn nearly_json() -> impl Strategy<Value = Bytes> {
    let name = prop::sample::select(vec!["header", "metadata", "content", "channel", "x", "\\u"]);
    let value = prop::sample::select(vec![
        "{}",
        "null",
        "[{}]",
        "\"stdin\"",
        "1",
        "{\"a\":\"\\",
        "",
    ]);
    let field = (name, value).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    vec(field, 0..5)
        .prop_map(|fields| Bytes::from(format!("{{\"header\":{{}},{}}}", fields.join(","))))
}

/// Bytes that come as far as a decoder's checks.
fn nearly_a_message() -> impl Strategy<Value = Bytes> {
    let little_endian = vec(prop_oneof![0..100_u64, any::<u64>()], 0..12);
    let big_endian = vec(prop_oneof![8..40_u32, any::<u32>()], 0..4);
    prop_oneof![
        any_part(),
        nearly_json(),
        nearly_json().prop_map(|json| [&[0, 0, 0, 1, 0, 0, 0, 8], &json[..]].concat().into()),
        (little_endian, any_part()).prop_map(|(numbers, behind)| {
            let count = numbers.len() as u64;
            let numbers = [count].into_iter().chain(numbers);
            numbers.flat_map(u64::to_le_bytes).chain(behind).collect()
        }),
        (big_endian, nearly_json()).prop_map(|(numbers, json)| {
            let count = numbers.len() as u32;
            let numbers = [count].into_iter().chain(numbers);
            numbers.flat_map(u32::to_be_bytes).chain(json).collect()
        }),
    ]
}

proptest! {
    #[test]
    fn any_parts_survive_v1(channel in channels(), parts in vec(any_part(), 4..12)) {
        let outgoing = Framing::V1.encode(channel, &parts).unwrap();
        let framed = Framing::V1.decode(incoming(outgoing)).unwrap();
        prop_assert_eq!(framed, Framed { channel, parts });
    }

    #[test]
    fn any_objects_and_buffers_survive_legacy(
        channel in channels(),
        objects in vec(object(), 4),
        buffers in vec(any_part(), 0..6),
    ) {
        let parts = [objects, buffers].concat();
        let outgoing = Framing::Legacy.encode(channel, &parts).unwrap();
        let text = matches!(&outgoing, Outgoing::Text(_));
        prop_assert_eq!(text, parts.len() == MIN_PARTS);
        let framed = Framing::Legacy.decode(incoming(outgoing)).unwrap();
        prop_assert_eq!(framed, Framed { channel, parts });
    }

    #[test]
    fn no_bytes_break_a_decoder_and_what_it_takes_it_can_give(bytes in nearly_a_message()) {
        if let Ok(framed) = Framing::V1.decode(Incoming::Binary(bytes.clone())) {
            let again = Framing::V1.encode(framed.channel, &framed.parts);
            prop_assert_eq!(again, Ok(Outgoing::Binary(bytes.clone())));
        }
        for incoming_message in [Incoming::Text(bytes.clone()), Incoming::Binary(bytes)] {
            if let Ok(framed) = Framing::Legacy.decode(incoming_message) {
                let again = Framing::Legacy.encode(framed.channel, &framed.parts).unwrap();
                prop_assert_eq!(Framing::Legacy.decode(incoming(again)), Ok(framed));
            }
        }
    }

    #[test]
    fn no_parts_break_an_encoder(channel in channels(), parts in vec(any_part(), 0..8)) {
        let v1 = Framing::V1.encode(channel, &parts);
        prop_assert_eq!(v1.is_ok(), parts.len() >= MIN_PARTS);
        if let Ok(Outgoing::Text(text)) = Framing::Legacy.encode(channel, &parts) {
            serde_json::from_str::<Value>(&text).unwrap();
        }
    }
}

#[test]
fn messages_of_real_clients_are_understood() {
    for (message, channel, header, content) in OF_CLIENTS {
        let message = Bytes::from_static(message.as_bytes());
        let framed = Framing::Legacy.decode(Incoming::Text(message)).unwrap();
        assert_eq!(framed.channel, *channel);
        assert_eq!(framed.parts.len(), MIN_PARTS);
        assert_eq!(framed.parts[0], header);
        assert_eq!(framed.parts[3], content);
    }
}

#[test]
fn a_widget_s_buffers_are_understood_in_v1() {
    let message = as_described(&COMM_OPEN);
    let framed = Framing::V1
        .decode(Incoming::Binary(message.clone()))
        .unwrap();
    assert_eq!(framed.channel, ChannelName::Shell);
    assert_eq!(framed.parts, COMM_OPEN[1..]);
    let again = Framing::V1.encode(framed.channel, &framed.parts);
    assert_eq!(again, Ok(Outgoing::Binary(message)));
}

#[test]
fn a_message_crosses_from_one_framing_to_the_other() {
    let message = Incoming::Binary(as_described(&COMM_OPEN));
    let framed = Framing::V1.decode(message).unwrap();
    let legacy = Framing::Legacy
        .encode(framed.channel, &framed.parts)
        .unwrap();
    assert_eq!(Framing::Legacy.decode(incoming(legacy)), Ok(framed));
}

#[test]
fn v1_takes_no_text() {
    let error = Framing::V1.decode(Incoming::Text(Bytes::from_static(b"{\"header\":{}}")));
    assert_eq!(
        error.unwrap_err().to_string(),
        "a text message, but messages of v1.kernel.websocket.jupyter.org are binary"
    );
}

#[test]
fn a_message_has_a_bounded_count_of_parts() {
    for count in [0, 3, MAX_PARTS + 1] {
        let parts = vec![Bytes::from_static(b"{}"); count];
        for framing in [Framing::V1, Framing::Legacy] {
            let error = framing.encode(ChannelName::Shell, &parts).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{count} parts, but 4 to 1024 are allowed")
            );
        }
    }
    let parts = vec![Bytes::from_static(b"{}"); MAX_PARTS];
    for framing in [Framing::V1, Framing::Legacy] {
        let outgoing = framing.encode(ChannelName::Shell, &parts).unwrap();
        assert_eq!(framing.decode(incoming(outgoing)).unwrap().parts, parts);
    }
}

#[test]
fn v1_is_spoken_with_who_offers_it() {
    assert_eq!(Framing::with_offer(["x", V1_SUBPROTOCOL]), Framing::V1);
    assert_eq!(Framing::with_offer([]), Framing::Legacy);
    assert_eq!(Framing::with_offer(["v1.kernel"]), Framing::Legacy);
    assert_eq!(Framing::V1.subprotocol(), Some(V1_SUBPROTOCOL));
    assert_eq!(Framing::Legacy.subprotocol(), None);
}
