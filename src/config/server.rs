//! Settings of how the service is reached.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytesize::ByteSize;

/// How the service is reached.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address and port it listens on. `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// The base of urls in answers, its path included, where a proxy stands in front. None: from the request's Host header.
    pub public_url: Option<String>,
    /// Where all routes begin, for a proxy that passes paths on as they are. `/`.
    pub base_path: String,
    /// How long running requests may go on after a signal to stop. 10 s.
    pub shutdown_grace: Duration,
    /// How long a client may take to send its request. 60 s.
    pub request_timeout: Duration,
    /// For bodies that are read whole, and files that are answered as JSON, of all requests at once; half of it for one owner.
    /// 1 GiB.
    pub body_memory: ByteSize,
}

impl Default for Server {
    fn default() -> Server {
        Server {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            base_path: "/".to_owned(),
            shutdown_grace: Duration::from_secs(10),
            request_timeout: Duration::from_secs(60),
            body_memory: ByteSize::gib(1),
        }
    }
}

impl Server {
    /// What every path begins with: the base path without the slash at its end, so nothing where it is `/`.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.base_path.trim_end_matches('/')
    }
}
