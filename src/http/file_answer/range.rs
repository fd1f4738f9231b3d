//! Which part of a file a request wants (RFC 9110, 14).
//!
//! One range is served. Several, another unit, or nonsense are ignored, as the RFC allows: the whole file answers them.

use axum::http::HeaderMap;
use axum::http::header::{IF_RANGE, RANGE};

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// From one byte to another, both included.
    Bytes {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// The range has no byte of the file.
    Unsatisfiable,
}

/// What a request wants of a file of this size and tag.
pub fn wanted(headers: &HeaderMap, size: u64, etag: &str) -> Part {
    let unchanged = headers
        .get(IF_RANGE)
        .is_none_or(|tag| tag.as_bytes() == etag.as_bytes());
    let range = headers.get(RANGE).and_then(|value| value.to_str().ok());
    match range {
        Some(range) if unchanged => part(range, size).unwrap_or(Part::Whole),
        _ => Part::Whole,
    }
}

fn part(range: &str, size: u64) -> Option<Part> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let end = size.saturating_sub(1);
    let (first, last) = match (first, last) {
        ("", suffix) => (size.saturating_sub(number(suffix)?.min(size)), end),
        (first, "") => (number(first)?, end),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.min(end))
        }
    };
    Some(match first < size {
        true => Part::Bytes { first, last },
        false => Part::Unsatisfiable,
    })
}

/// Digits only: `parse` alone would take a sign. More digits than fit are more than any file has.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(first: u64, last: u64) -> Option<Part> {
        Some(Part::Bytes { first, last })
    }

    #[test]
    fn one_range_is_cut_to_the_file() {
        assert_eq!(part("bytes=0-3", 10), bytes(0, 3));
        assert_eq!(part("bytes=4-", 10), bytes(4, 9));
        assert_eq!(part("bytes=-3", 10), bytes(7, 9));
        assert_eq!(part("bytes=-30", 10), bytes(0, 9));
        assert_eq!(part("bytes=9-99999999999999999999999", 10), bytes(9, 9));
    }

    #[test]
    fn a_range_without_a_byte_is_unsatisfiable() {
        for (range, size) in [
            ("bytes=10-", 10),
            ("bytes=-0", 10),
            ("bytes=0-0", 0),
            ("bytes=-1", 0),
        ] {
            assert_eq!(part(range, size), Some(Part::Unsatisfiable), "{range}");
        }
    }

    #[test]
    fn nonsense_and_several_ranges_are_ignored() {
        for range in [
            "bytes=3-1",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=a-b",
            "bytes=-",
            "bytes",
            "bytes=+1-2",
        ] {
            assert_eq!(part(range, 10), None, "{range}");
        }
    }

    #[test]
    fn a_changed_file_is_sent_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "bytes=0-3".parse().unwrap());
        headers.insert(IF_RANGE, "\"old\"".parse().unwrap());
        assert_eq!(wanted(&headers, 10, "\"new\""), Part::Whole);
        assert_eq!(
            wanted(&headers, 10, "\"old\""),
            Part::Bytes { first: 0, last: 3 }
        );
    }
}
