//! The log: lines on stderr, never waiting and never many.
//!
//! Stderr travels with the link through the engine's attach, and may be stuck or read by nobody. A line that
//! does not fit at once, or that comes beyond the rate, is left out; the next one says how many were.

use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::time::Instant;

/// Bytes that may come at once.
const BURST: u64 = 64 << 10;

/// Bytes a second, in the long run.
const RATE: u64 = 16 << 10;

/// The longest line in bytes: what a pipe that can be written at all takes at once (`PIPE_BUF`).
const LONGEST: usize = 4096;

/// Where log lines go. Clones share one rate.
#[derive(Clone, Debug)]
pub(crate) struct Log(Arc<Mutex<Bucket>>);

impl Log {
    pub(crate) fn new() -> Log {
        let bucket = Bucket {
            tokens: BURST,
            filled: Instant::now(),
            left_out: 0,
        };
        Log(Arc::new(Mutex::new(bucket)))
    }

    /// Logs one line, as far as it fits.
    pub(crate) fn say(&self, line: impl Display) {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = bucket.format(&line.to_string());
        if bucket.take(line.len(), Instant::now()) && write(&line) {
            bucket.left_out = 0;
        } else {
            bucket.left_out += 1;
        }
    }
}

#[derive(Debug)]
struct Bucket {
    tokens: u64,
    filled: Instant,
    left_out: u64,
}

impl Bucket {
    fn take(&mut self, bytes: usize, now: Instant) -> bool {
        let earned = now.duration_since(self.filled).as_millis() as u64 * RATE / 1000;
        if earned > 0 {
            self.tokens = self.tokens.saturating_add(earned).min(BURST);
            self.filled = now;
        }
        let left = self.tokens.checked_sub(bytes as u64);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }

    /// One line without control characters.
    fn format(&self, line: &str) -> String {
        let mut formatted = match self.left_out {
            0 => String::new(),
            count => format!("({count} lines left out) "),
        };
        let printable = line.chars().map(|c| if c.is_control() { ' ' } else { c });
        for character in printable {
            if formatted.len() + character.len_utf8() >= LONGEST {
                break;
            }
            formatted.push(character);
        }
        formatted.push('\n');
        formatted
    }
}

/// Writes the line if that does not have to wait.
fn write(line: &str) -> bool {
    let stderr = io::stderr();
    let mut ready = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    let writable = poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count == 1)
        && ready[0]
            .revents()
            .is_some_and(|events| events.contains(PollFlags::POLLOUT));
    writable && stderr.lock().write_all(line.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_held_to_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket {
            tokens: BURST,
            filled: start,
            left_out: 0,
        };
        let mut passed = 0;
        for millisecond in 0..10_000 {
            let now = start + Duration::from_millis(millisecond);
            passed += (0..10).filter(|_| bucket.take(100, now)).count() as u64 * 100;
        }
        assert!(passed <= BURST + 10 * RATE, "{passed}");
        assert!(passed >= BURST + 9 * RATE, "{passed}");
    }

    #[test]
    fn a_line_is_one_line_and_no_longer_than_a_pipe_takes() {
        let bucket = Bucket {
            tokens: BURST,
            filled: Instant::now(),
            left_out: 3,
        };
        let line = bucket.format(&format!("a\n\u{1b}[31m{}", "ü".repeat(5000)));
        assert!(line.len() <= LONGEST);
        assert!(line.starts_with("(3 lines left out) a  [31mü"));
        assert_eq!(line.find('\n'), Some(line.len() - 1));
    }
}
