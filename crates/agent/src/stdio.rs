//! The link's two ends: stdin and stdout, without a thread where they are pipes.
//!
//! The engine gives pipes. Anything else (a terminal, a file) goes through tokio's blocking stdio, which is
//! slower and good enough to look at by hand.

use std::io;
use std::os::fd::AsFd;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe;

/// What the service sends.
pub(crate) type Input = Box<dyn AsyncRead + Send + Unpin>;

/// What it reads.
pub(crate) type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Stdin. Call it within a tokio runtime.
pub(crate) fn input() -> io::Result<Input> {
    let descriptor = io::stdin().as_fd().try_clone_to_owned()?;
    Ok(match pipe::Receiver::from_owned_fd(descriptor) {
        Ok(pipe) => Box::new(pipe),
        Err(_) => Box::new(tokio::io::stdin()),
    })
}

/// Stdout. Call it within a tokio runtime.
pub(crate) fn output() -> io::Result<Output> {
    let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
    Ok(match pipe::Sender::from_owned_fd(descriptor) {
        Ok(pipe) => Box::new(pipe),
        Err(_) => Box::new(tokio::io::stdout()),
    })
}
