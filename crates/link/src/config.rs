//! The service end's limits: how long it waits, and how much it holds.
//!
//! The agent end has none to set: it waits for ever, and the service is the one that decides.

use std::time::Duration;

/// The limits of a [`Connection`](crate::Connection).
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// From the first HELLO to the ACK, at most. Includes the agent's start when the attach comes before it.
    pub open_within: Duration,
    /// The pause before the second HELLO. It doubles with each further one, up to [`LinkConfig::HELLO_AT_MOST`]:
    /// every HELLO starts a new epoch, so an agent slower than a constant pause would never be heard.
    pub hello_every: Duration,
    /// The pause between two heartbeats.
    pub ping_every: Duration,
    /// The link counts as gone when the agent has said nothing for this long.
    pub silence: Duration,
    /// Streams open at once. One more is refused at once.
    pub max_streams: usize,
    /// Bytes that the agent may have sent and nobody has read, over all streams. Raised to what yamux asks
    /// for: 256 KiB for each of twice `max_streams`.
    pub receive_window: usize,
}

impl LinkConfig {
    /// The longest pause between two HELLOs.
    pub const HELLO_AT_MOST: Duration = Duration::from_secs(4);
}

impl Default for LinkConfig {
    fn default() -> LinkConfig {
        LinkConfig {
            open_within: Duration::from_secs(30),
            hello_every: Duration::from_millis(250),
            ping_every: Duration::from_secs(2),
            silence: Duration::from_secs(10),
            max_streams: 32,
            receive_window: 32 << 20,
        }
    }
}
