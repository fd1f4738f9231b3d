//! The users that an image knows, for sandboxes that are each a user of their own.
//!
//! What the kernel counts for a user number (inotify instances, queued signals and timers, descriptors in flight, pages in
//! pipes) one sandbox could else use up for all. A user that an image does not know has no name and, to some languages, no
//! home; so it is the image that says which numbers may be taken.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// User numbers, from the first to the last, none of them root's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserNumbers {
    first: u32,
    last: u32,
}

/// What is no [`UserNumbers`].
#[derive(Debug, thiserror::Error)]
#[error("not FIRST-LAST, two user numbers of 1 or more")]
pub struct NoUserNumbers;

impl UserNumbers {
    /// None where it would be empty, or root among them.
    #[must_use]
    pub fn new(first: u32, last: u32) -> Option<UserNumbers> {
        (1 <= first && first <= last).then_some(UserNumbers { first, last })
    }

    /// All of them.
    #[must_use]
    pub fn range(self) -> RangeInclusive<u32> {
        self.first..=self.last
    }
}

impl FromStr for UserNumbers {
    type Err = NoUserNumbers;

    fn from_str(text: &str) -> Result<UserNumbers, NoUserNumbers> {
        let (first, last) = text.split_once('-').ok_or(NoUserNumbers)?;
        let number = |text: &str| text.parse::<u32>().map_err(|_| NoUserNumbers);
        UserNumbers::new(number(first)?, number(last)?).ok_or(NoUserNumbers)
    }
}

impl fmt::Display for UserNumbers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_never_among_them() {
        let numbers: UserNumbers = "50000-54095".parse().unwrap();
        assert_eq!(numbers.range(), 50000..=54095);
        assert_eq!(numbers.to_string(), "50000-54095");
        for wrong in [
            "",
            "1",
            "0-10",
            "2-1",
            "a-b",
            "-1-5",
            "1-4294967296",
            "1-2-3",
        ] {
            assert!(wrong.parse::<UserNumbers>().is_err(), "{wrong}");
        }
    }
}
