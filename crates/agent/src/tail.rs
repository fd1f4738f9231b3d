//! The end of what a process says, kept while the rest passes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The last bytes that were said. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    bytes: Arc<Mutex<VecDeque<u8>>>,
    limit: usize,
}

impl Tail {
    /// Keeps `limit` bytes.
    pub(crate) fn new(limit: usize) -> Tail {
        Tail {
            bytes: Arc::default(),
            limit,
        }
    }

    pub(crate) fn push(&self, bytes: &[u8]) {
        let mut tail = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(&bytes[bytes.len().saturating_sub(self.limit)..]);
        let over = tail.len().saturating_sub(self.limit);
        tail.drain(..over);
    }

    /// They as text; what is no UTF-8 is replaced.
    pub(crate) fn text(&self) -> String {
        let mut tail = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(tail.make_contiguous()).into_owned()
    }

    /// They as one line of text.
    pub(crate) fn line(&self) -> String {
        self.text().trim().replace('\n', " | ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_no_more() {
        let tail = Tail::new(100);
        tail.push(&[b'x'; 10_000]);
        tail.push(b"\nthe end\n");
        assert_eq!(tail.text().len(), 100);
        assert!(tail.line().ends_with("x | the end"), "{}", tail.line());
    }
}
