//! What an execution's output may still cost.
//!
//! A limit on bytes alone would let a million empty outputs through, each a few hundred bytes of our memory.
//! So an output costs its bytes and what its shape takes ([`weight`](crate::jupyter::weight)).

use super::OutputLimitReached;

/// Every output, beside what is in it.
pub(super) const OUTPUT: u64 = 256;

/// No message is refused for less, since there is one in memory at a time.
const LIGHT: u64 = 64 << 10;

/// Counts down. Once something did not fit, nothing does.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
    spent: bool,
}

impl Budget {
    pub fn new(limit: u64) -> Budget {
        Budget {
            left: limit,
            spent: false,
        }
    }

    /// Whether there may be anything left.
    pub fn check(&self) -> Result<(), OutputLimitReached> {
        if self.spent {
            Err(OutputLimitReached)
        } else {
            Ok(())
        }
    }

    /// Takes nothing, and fails where that much would be more than there is, and more than any message may have.
    pub fn admit(&mut self, bytes: u64) -> Result<(), OutputLimitReached> {
        if bytes > self.left.max(LIGHT) {
            self.spent = true;
        }
        self.check()
    }

    /// Takes all of it or fails.
    pub fn take(&mut self, bytes: u64) -> Result<(), OutputLimitReached> {
        self.check()?;
        let left = self.left.checked_sub(bytes);
        self.spent = left.is_none();
        self.left = left.ok_or(OutputLimitReached)?;
        Ok(())
    }

    /// As much of a text as fits, cut at a character's boundary. [`Budget::check`] fails after a cut.
    pub fn take_text<'a>(&mut self, text: &'a str) -> &'a str {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let fitting = &text[..text.floor_char_boundary(left)];
        self.left -= fitting.len() as u64;
        self.spent |= fitting.len() < text.len();
        fitting
    }
}
