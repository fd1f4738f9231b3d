//! The kernel process's own stdout and stderr: warnings, crashes, what its child processes print.
//!
//! Always drained, so that nobody in the sandbox waits for the agent; logged as far as the log goes; and the end
//! of it is kept, to be told when the kernel does not start.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use crate::log::Log;
use crate::tail::Tail;

/// How much of the end is kept, in bytes.
pub(super) const TAIL: usize = 2 << 10;

/// Longer lines are logged in pieces.
const LONGEST_LINE: usize = 1 << 10;

/// Drains one of the outputs until nobody holds its other end.
pub(super) fn drain(output: OwnedFd, tail: Tail, log: Log) -> io::Result<impl Future<Output = ()>> {
    let mut pipe = pipe::Receiver::from_owned_fd(output)?;
    Ok(async move {
        let mut read = vec![0; 8 << 10];
        let mut line = Vec::new();
        while let Ok(count @ 1..) = pipe.read(&mut read).await {
            tail.push(&read[..count]);
            log_lines(&read[..count], &mut line, &log);
        }
        if !line.is_empty() {
            say(&line, &log);
        }
    })
}

/// Logs what is complete of the lines, and leaves the rest in `line`.
fn log_lines(bytes: &[u8], line: &mut Vec<u8>, log: &Log) {
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        line.extend_from_slice(piece);
        if piece.ends_with(b"\n") || line.len() >= LONGEST_LINE {
            say(line, log);
            line.clear();
        }
    }
}

fn say(line: &[u8], log: &Log) {
    let text = String::from_utf8_lossy(line);
    if !text.trim().is_empty() {
        log.say(format_args!("kernel: {}", text.trim_end()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_drained_to_its_end_whatever_it_holds() {
        let (reader, mut writer) = io::pipe().unwrap();
        let tail = Tail::new(TAIL);
        let writing = std::thread::spawn(move || {
            let mut bytes = vec![b'\n'; 1 << 20];
            bytes.extend_from_slice(b"\xff last");
            io::Write::write_all(&mut writer, &bytes).unwrap();
        });
        drain(reader.into(), tail.clone(), Log::new())
            .unwrap()
            .await;
        writing.join().unwrap();
        assert!(tail.line().ends_with("last"));
    }
}
