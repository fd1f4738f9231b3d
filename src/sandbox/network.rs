//! The way out of a sandbox that has one: connections that its processes ask for, one by one.
//!
//! A sandbox never has an interface. With [`Network::Proxy`] its agent takes connections on the sandbox's loopback, and
//! each waits for whoever holds the sandbox to take it with [`super::Sandbox::next_connection`], to judge it, and to
//! dial, or not to.

use std::fmt;

use async_trait::async_trait;
pub use cellblock_link::request::Network;
use tokio::io::{AsyncRead, AsyncWrite};

use super::SandboxError;

/// A stream of bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A stream of bytes to and from a process in a sandbox.
pub type Wire = Box<dyn Duplex>;

/// A connection that a process of the sandbox asks for. Dropping it unanswered tells the process that nobody could be
/// reached.
pub struct Outbound {
    /// A name or an address, as the process gave it; an IPv6 address stands without brackets. Nothing of it is checked.
    pub host: String,
    /// Not 0.
    pub port: u16,
    asking: Box<dyn Asking>,
}

impl Outbound {
    pub(super) fn new(host: String, port: u16, asking: Box<dyn Asking>) -> Outbound {
        Outbound { host, port, asking }
    }

    /// Tells the process that it is connected: what it says and hears from now on is the wire. Shutting the wire's
    /// writing down is the end of what it hears.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Lost`] when nobody waits any more.
    pub async fn accept(self) -> Result<Wire, SandboxError> {
        self.asking.accept().await
    }

    /// Tells the process that it is not connected, and why.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Lost`] when nobody waits any more.
    pub async fn refuse(self, refusal: Refusal) -> Result<(), SandboxError> {
        self.asking.refuse(refusal).await
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Outbound")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Why a process is not connected, in words that it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It may not be: 403 from the proxy.
    Forbidden(String),
    /// Nobody answers there: 502 from the proxy.
    Unreachable(String),
}

/// The sandbox's end of a connection that is not decided on.
#[async_trait]
pub(super) trait Asking: Send {
    async fn accept(self: Box<Self>) -> Result<Wire, SandboxError>;
    async fn refuse(self: Box<Self>, refusal: Refusal) -> Result<(), SandboxError>;
}
