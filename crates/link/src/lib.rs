//! What both ends of the link share: framing, the handshake, multiplexed streams and request types.
//!
//! The link is the one byte stream between the service and the agent in a sandbox: the container's attached
//! stdin and stdout. This crate knows how to make an honest connection out of it, and what may be asked over
//! that connection. It knows no Docker, no kernel and no policy.
//!
//! ```text
//! request   one stream = one operation: a JSON request, a JSON reply, then raw bytes or kernel messages
//! mux       streams with flow control each (yamux), over
//! carrier   an ordered byte stream within one epoch, with HELLO/ACK and heartbeats, over
//! frame     magic, epoch, sequence, length, checksum; resynchronises after any garbage
//! ```
//!
//! The tasks, each ended by its owner:
//!
//! ```text
//! Connection (service)          Listener (agent)
//! ├─ writer   queues → attach   ├─ writer    queues → stdout
//! ├─ receive  attach → epoch    └─ receive   stdin → epochs
//! └─ drive    yamux                └─ serve  yamux of the living epoch
//!                                     └─ greet, one a stream, until its request is read
//! ```

mod carrier;
mod config;
mod connection;
mod error;
mod fate;
pub mod frame;
mod json;
mod listener;
pub mod message;
mod mux;
pub mod path;
pub mod request;
mod stream;

pub use config::LinkConfig;
pub use connection::{Connection, Opener};
pub use error::LinkError;
pub use listener::Listener;
pub use stream::Stream;
