//! Kernel messages as the service sees them: the little it needs, read from the raw parts.
//!
//! A header has more fields than are read here (session, date, version, subshell_id, and whatever comes
//! next). They are not modelled, so none can be wrong, missing or dropped.

mod glance;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{json, weight};

pub use glance::{Glance, glance};

/// The longest header that is read, in bytes. Real ones have about 300; more is an attempt to cost something.
const MAX_HEADER: usize = 64 << 10;

/// What content may weigh, in bytes, of which only a few fields are of interest.
const LIGHT: u64 = 1 << 20;

/// The version of the protocol that our messages follow: the first with everything they use.
const PROTOCOL: &str = "5.3";

/// Who our messages say they are from. Kernels carry it around and do nothing with it.
const USERNAME: &str = "cellblock";

/// The fields of a header that the service reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Unique to the message.
    pub msg_id: String,
    /// What kind of message.
    pub msg_type: String,
}

/// A message whose header and parent were read, and whose content is parsed on demand.
#[derive(Clone, Debug)]
pub struct MessageView {
    /// Its own header.
    pub header: Header,
    /// The msg_id of the request it belongs to; empty where there is none.
    pub parent_id: String,
    content: Bytes,
}

impl MessageView {
    /// Reads the parts of a message: header, parent_header, metadata, content, buffers. None: they are not JSON
    /// of that shape.
    #[must_use]
    pub fn parse(parts: &[Bytes]) -> Option<MessageView> {
        let [header, parent, _metadata, content, ..] = parts else {
            return None;
        };
        Some(MessageView {
            header: read_header(header)?,
            parent_id: read_parent(parent)?.msg_id,
            content: content.clone(),
        })
    }

    /// Its content, which may weigh many times its bytes: of a message that [`OutputFolder`](super::OutputFolder) has taken. None:
    /// not a JSON object.
    #[must_use]
    pub fn content(&self) -> Option<Value> {
        self.content_as()
    }

    /// What the kernel does, if it is a `status`.
    #[must_use]
    pub fn execution_state(&self) -> Option<String> {
        self.light_content::<Status>()?.execution_state
    }

    /// Its content, if that weighs little.
    pub(super) fn light_content<T: DeserializeOwned>(&self) -> Option<T> {
        light(&self.content)
    }

    /// Its content, as what its kind says it is. None: it is not.
    pub(super) fn content_as<T: DeserializeOwned>(&self) -> Option<T> {
        json::object(&self.content)
    }

    /// Bytes that its content takes beside its texts, once it is parsed.
    pub(super) fn content_weight(&self) -> u64 {
        weight::beside_texts(&self.content)
    }

    /// Bytes of its content as they came.
    pub(super) fn content_size(&self) -> u64 {
        self.content.len() as u64
    }
}

/// A `status`.
#[derive(Deserialize)]
struct Status {
    execution_state: Option<String>,
}

/// A `shutdown_request`.
#[derive(Deserialize)]
struct Shutdown {
    restart: Option<bool>,
}

/// Whether a `shutdown_request` with this content wants another kernel afterwards.
#[must_use]
pub fn asks_for_restart(content: &[u8]) -> bool {
    let shutdown: Option<Shutdown> = light(content);
    shutdown.and_then(|it| it.restart).unwrap_or(false)
}

/// A JSON object that weighs little. None: it is none, or not of that shape.
fn light<T: DeserializeOwned>(content: &[u8]) -> Option<T> {
    (weight::beside_texts(content) <= LIGHT)
        .then(|| json::object(content))
        .flatten()
}

/// A header as it may come: a field may be missing or null.
#[derive(Deserialize)]
struct LooseHeader {
    msg_id: Option<String>,
    msg_type: Option<String>,
}

fn read_header(part: &[u8]) -> Option<Header> {
    if part.len() > MAX_HEADER {
        return None;
    }
    let header: LooseHeader = json::object(part)?;
    Some(Header {
        msg_id: header.msg_id.unwrap_or_default(),
        msg_type: header.msg_type.unwrap_or_default(),
    })
}

/// A message without a request to it has `{}` here; some kernels write null.
fn read_parent(part: &[u8]) -> Option<Header> {
    if part.trim_ascii() == b"null" {
        return Some(Header::default());
    }
    read_header(part)
}

/// The parts of an `execute_request`, and its msg_id. Stdin is allowed: what the code asks for comes as an
/// `input_request` on stdin, and waits for its [`input_reply`]. What comes after it runs even when it fails: ipykernel aborts what
/// comes within a moment of a failure, although nobody had asked for it before.
#[must_use]
pub fn execute_request(code: &str) -> (String, Vec<Bytes>) {
    let content = json!({
        "code": code,
        "silent": false,
        "store_history": true,
        "user_expressions": {},
        "allow_stdin": true,
        "stop_on_error": false,
    });
    request("execute_request", &content)
}

/// The parts of an `is_complete_request`, and its msg_id: would the kernel run the code, or does it wait for more lines?
#[must_use]
pub fn is_complete_request(code: &str) -> (String, Vec<Bytes>) {
    request("is_complete_request", &json!({ "code": code }))
}

/// The parts of a `kernel_info_request`, and its msg_id. Every kernel answers it, on shell and with its status on
/// iopub, so it tells whether both are heard.
#[must_use]
pub fn kernel_info_request() -> (String, Vec<Bytes>) {
    request("kernel_info_request", &json!({}))
}

/// The parts of an `input_reply` to the `input_request` whose header part is `parent`.
#[must_use]
pub fn input_reply(parent: &Bytes, value: &str) -> Vec<Bytes> {
    let msg_id = Uuid::new_v4().to_string();
    message(&msg_id, "input_reply", parent, &json!({ "value": value }))
}

/// What a kernel is doing, as a `status` message tells it. The last two are said for it, by whoever looks after
/// its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExecutionState {
    /// Its process runs, and has said nothing yet.
    Starting,
    /// It runs code, or answers a request.
    Busy,
    /// It waits for a request.
    Idle,
    /// Its process was ended, and another takes its place.
    Restarting,
    /// Its process ended, and nothing takes its place.
    Dead,
}

impl ExecutionState {
    /// As it is written in the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ExecutionState::Starting => "starting",
            ExecutionState::Busy => "busy",
            ExecutionState::Idle => "idle",
            ExecutionState::Restarting => "restarting",
            ExecutionState::Dead => "dead",
        }
    }
}

/// The parts of a `status` message, for iopub. `parent` is the header part of the request that it belongs to, or
/// `{}`.
#[must_use]
pub fn status_message(state: ExecutionState, parent: &Bytes) -> Vec<Bytes> {
    let msg_id = Uuid::new_v4().to_string();
    let content = json!({ "execution_state": state.as_str() });
    message(&msg_id, "status", parent, &content)
}

/// The parts of a `stream` message on stderr, for iopub. `parent` is the header part of the request whose output it is among, or
/// `{}`.
#[must_use]
pub fn stderr_message(text: &str, parent: &Bytes) -> Vec<Bytes> {
    let msg_id = Uuid::new_v4().to_string();
    let content = json!({ "name": "stderr", "text": text });
    message(&msg_id, "stream", parent, &content)
}

/// The parts of a message that answers none, and its msg_id.
fn request(msg_type: &str, content: &Value) -> (String, Vec<Bytes>) {
    let msg_id = Uuid::new_v4().to_string();
    let parts = message(&msg_id, msg_type, &Bytes::from_static(b"{}"), content);
    (msg_id, parts)
}

fn message(msg_id: &str, msg_type: &str, parent: &Bytes, content: &Value) -> Vec<Bytes> {
    vec![
        header_part(msg_id, msg_type),
        parent.clone(),
        Bytes::from_static(b"{}"),
        part(content),
    ]
}

fn header_part(msg_id: &str, msg_type: &str) -> Bytes {
    part(&json!({
        "msg_id": msg_id,
        "msg_type": msg_type,
        // Six digits: clients that parse dates expect a fraction, even of .000000.
        "date": format!("{:.6}", jiff::Timestamp::now()),
        "session": Uuid::new_v4().to_string(),
        "username": USERNAME,
        "version": PROTOCOL,
    }))
}

fn part(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(header: &str, parent: &str) -> Vec<Bytes> {
        [header, parent, "{}", r#"{"a": 1}"#]
            .map(|part| Bytes::copy_from_slice(part.as_bytes()))
            .to_vec()
    }

    #[test]
    fn only_what_is_needed_of_a_header_is_read() {
        let header = r#"{"msg_id": "b", "msg_type": "stream", "date": "", "version": 5, "subshell_id": null}"#;
        let view = MessageView::parse(&parts(header, r#"{"msg_id": "a", "x": {}}"#)).unwrap();
        assert_eq!(view.header.msg_id, "b");
        assert_eq!(view.header.msg_type, "stream");
        assert_eq!(view.parent_id, "a");
        assert_eq!(view.content(), Some(json!({"a": 1})));
    }

    #[test]
    fn missing_and_null_fields_are_empty() {
        for (header, parent) in [
            ("{}", "{}"),
            (r#"{"msg_id": null}"#, "null"),
            ("{}", r#"{"msg_id": null}"#),
        ] {
            let view = MessageView::parse(&parts(header, parent)).unwrap();
            assert_eq!(view.header, Header::default());
            assert_eq!(view.parent_id, "");
        }
    }

    #[test]
    fn what_is_no_message_is_none() {
        assert!(MessageView::parse(&[]).is_none());
        assert!(MessageView::parse(&parts("{}", "{}")[..3]).is_none());
        assert!(MessageView::parse(&parts("", "{}")).is_none());
        assert!(MessageView::parse(&parts(r#"["b", "stream"]"#, "{}")).is_none());
        assert!(MessageView::parse(&parts("{}", r#"{"msg_id": 1}"#)).is_none());
    }

    #[test]
    fn a_header_is_bounded() {
        let long = format!(r#"{{"msg_id": "{}"}}"#, "a".repeat(MAX_HEADER));
        assert!(MessageView::parse(&parts(&long, "{}")).is_none());
        assert!(MessageView::parse(&parts("{}", &long)).is_none());
    }

    #[test]
    fn buffers_do_not_matter() {
        let mut parts = parts("{}", "{}");
        parts.push(Bytes::from_static(b"\xff\x00"));
        assert!(MessageView::parse(&parts).is_some());
    }

    #[test]
    fn an_execute_request_asks_for_everything_a_notebook_does() {
        let (msg_id, parts) = execute_request("print(\"é\")");
        let view = MessageView::parse(&parts).unwrap();
        assert_eq!(
            view.header,
            Header {
                msg_id,
                msg_type: "execute_request".to_owned()
            }
        );
        assert_eq!(view.parent_id, "");
        let content = view.content().unwrap();
        assert_eq!(content["code"], "print(\"é\")");
        assert_eq!(content["allow_stdin"], true);
        assert_eq!(content["silent"], false);
        assert_eq!(content["store_history"], true);
        assert_eq!(content["stop_on_error"], false);
    }

    #[test]
    fn a_header_has_the_fields_and_the_date_that_kernels_expect() {
        let (_, parts) = execute_request("1");
        let header: Value = serde_json::from_slice(&parts[0]).unwrap();
        assert_eq!(header["version"], "5.3");
        assert_ne!(header["session"], "");
        assert_ne!(header["username"], "");
        let date = header["date"].as_str().unwrap();
        assert_eq!(date.len(), "2026-01-01T00:00:00.000000Z".len(), "{date}");
        assert!(date.ends_with('Z'));
        date.parse::<jiff::Timestamp>().unwrap();
    }

    #[test]
    fn no_two_requests_share_an_id() {
        assert_ne!(execute_request("1").0, execute_request("1").0);
    }

    #[test]
    fn an_input_reply_carries_its_request_s_header_as_it_came() {
        let request =
            Bytes::from_static(br#"{ "msg_id":"q",  "msg_type":"input_request","new":[1] }"#);
        let parts = input_reply(&request, "an\nswer");
        assert_eq!(parts[1], request);
        let view = MessageView::parse(&parts).unwrap();
        assert_eq!(view.header.msg_type, "input_reply");
        assert_eq!(view.parent_id, "q");
        assert_eq!(view.content(), Some(json!({"value": "an\nswer"})));
    }

    #[test]
    fn a_kernel_info_request_asks_for_nothing_else() {
        let (msg_id, parts) = kernel_info_request();
        let view = MessageView::parse(&parts).unwrap();
        assert_eq!(view.header.msg_id, msg_id);
        assert_eq!(view.header.msg_type, "kernel_info_request");
        assert_eq!(view.parent_id, "");
        assert_eq!(view.content(), Some(json!({})));
    }

    #[test]
    fn a_status_tells_its_state_and_carries_its_request_s_header_as_it_came() {
        let request = Bytes::from_static(br#"{ "msg_id":"q" }"#);
        for (state, name) in [
            (ExecutionState::Starting, "starting"),
            (ExecutionState::Busy, "busy"),
            (ExecutionState::Idle, "idle"),
            (ExecutionState::Restarting, "restarting"),
            (ExecutionState::Dead, "dead"),
        ] {
            let parts = status_message(state, &request);
            assert_eq!(parts[1], request);
            let view = MessageView::parse(&parts).unwrap();
            assert_eq!(view.header.msg_type, "status");
            assert_eq!(view.content(), Some(json!({"execution_state": name})));
        }
    }
}
