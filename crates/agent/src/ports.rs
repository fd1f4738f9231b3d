//! Ports on the sandbox's loopback, for the kernel and for the agent.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use crate::random::random;

/// Where ports are taken from. Below the range that the system gives to connecting sockets (from 32768 on
/// Linux), so that polling for the kernel cannot take its port.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// How often another port is tried. In a sandbox nobody else listens, and the first will do.
const ATTEMPTS: usize = 1000;

/// A listener on a port that nobody has.
pub(crate) fn bind() -> io::Result<TcpListener> {
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..ATTEMPTS {
        let [high, low] = random::<2>()?;
        let port = PORTS.start + u16::from_be_bytes([high, low]) % (PORTS.end - PORTS.start);
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}
