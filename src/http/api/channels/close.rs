//! How a client's channels end: the code and the words of the close, by what was the matter.

use axum::Error;
use axum::extract::ws::{CloseCode, CloseFrame, close_code};
use tokio_tungstenite::tungstenite;

use crate::http::problem::Kind;
use crate::http::server::NoMemory;
use crate::jupyter::FramingError;
use crate::service::session::Cut;

/// How they end.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The client has closed them, or is away.
    Gone,
    /// The client is told why.
    Told(CloseFrame),
}

impl End {
    /// The server stops. Clients come back later.
    pub fn stopping() -> Self {
        Self::told(close_code::AWAY, "the service stops")
    }

    /// The key that let the client in was revoked or has expired.
    pub fn not_admitted() -> Self {
        Self::told(close_code::POLICY, "the API key is no longer valid")
    }

    /// The client answers no ping.
    pub fn silent() -> Self {
        Self::told(close_code::POLICY, "no ping was answered")
    }

    /// The client does not read.
    pub fn slow() -> Self {
        Self::of_cut(Cut::Slow)
    }

    /// The session says nothing more.
    pub fn of_cut(cut: Cut) -> Self {
        match cut {
            Cut::Slow => Self::told(
                close_code::POLICY,
                "too slow: what the kernel says was not read",
            ),
            Cut::Replaced => {
                let reason = "another connection has the same session_id";
                Self::told(close_code::NORMAL, reason)
            }
            Cut::Ended => Self::told(close_code::AWAY, "the kernel has ended"),
            Cut::Crowded => Self::told(close_code::AGAIN, "too many connections to this kernel"),
        }
    }

    /// A message of the client was not understood.
    pub fn of_framing(error: &FramingError) -> Self {
        Self::told(code(error), error.to_string())
    }

    /// What came is no WebSocket's, or too large.
    pub fn of_socket(error: Error) -> Self {
        match error.into_inner().downcast::<tungstenite::Error>() {
            Ok(error) => Self::of_protocol(&error),
            Err(_) => Self::Gone,
        }
    }

    fn of_protocol(error: &tungstenite::Error) -> Self {
        use tungstenite::Error as Wrong;
        use tungstenite::error::ProtocolError;
        match error {
            Wrong::Capacity(_) => Self::told(close_code::SIZE, "the message is too large"),
            Wrong::Utf8(_) => Self::told(close_code::INVALID, "a text message that is not UTF-8"),
            Wrong::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            Wrong::Protocol(error) => Self::told(close_code::PROTOCOL, error.to_string()),
            Wrong::Io(error) => error
                .get_ref()
                .and_then(|error| error.downcast_ref())
                .map_or(Self::Gone, Self::of_no_memory),
            _ => Self::Gone,
        }
    }

    fn of_no_memory(NoMemory(kind): &NoMemory) -> Self {
        match kind {
            Kind::TooLarge => Self::told(close_code::SIZE, "the message is too large"),
            Kind::Busy => Self::told(close_code::AGAIN, "your clients send too much at once"),
            _ => Self::told(close_code::AGAIN, "clients send too much at once"),
        }
    }

    fn told(code: CloseCode, reason: impl Into<String>) -> Self {
        let reason = reason.into().into();
        Self::Told(CloseFrame { code, reason })
    }
}

/// 1003: not this type of message. 1002: its frame contradicts itself. 1007: what is in it is none of what it must be.
fn code(error: &FramingError) -> CloseCode {
    match error {
        FramingError::Text => close_code::UNSUPPORTED,
        FramingError::Truncated
        | FramingError::Count { .. }
        | FramingError::FirstOffset { .. }
        | FramingError::Backwards { .. }
        | FramingError::Beyond { .. }
        | FramingError::LastOffset
        | FramingError::Parts { .. } => close_code::PROTOCOL,
        FramingError::UnknownChannel
        | FramingError::NotUtf8
        | FramingError::NotJson { .. }
        | FramingError::MissingHeader
        | FramingError::NotAnObject { .. }
        | FramingError::TooLong => close_code::INVALID,
    }
}
