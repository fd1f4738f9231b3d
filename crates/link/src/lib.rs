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

pub mod message;
pub mod request;
