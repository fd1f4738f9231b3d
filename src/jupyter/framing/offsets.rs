//! Cutting a message at the offsets in front of it. Both framings have such a table; only its numbers differ.

use bytes::Bytes;

use super::FramingError;

/// How many offsets there are to read.
pub(super) fn count(count: u64, least: usize, most: usize) -> Result<usize, FramingError> {
    usize::try_from(count)
        .ok()
        .filter(|count| (least..=most).contains(count))
        .ok_or(FramingError::Count { count, least, most })
}

/// What lies between each offset and the next. The first is to be `begin`, the last the end of the message.
pub(super) fn cut(
    message: &Bytes,
    begin: usize,
    offsets: impl Iterator<Item = u64>,
) -> Result<Vec<Bytes>, FramingError> {
    let mut segments = Vec::new();
    let mut before = begin;
    for (index, offset) in offsets.enumerate() {
        let offset = within(message, offset).ok_or(FramingError::Beyond { index })?;
        if index == 0 && offset != begin {
            let found = offset as u64;
            return Err(FramingError::FirstOffset { found, end: begin });
        }
        if offset < before {
            return Err(FramingError::Backwards { index });
        }
        if index > 0 {
            segments.push(message.slice(before..offset));
        }
        before = offset;
    }
    if before == message.len() {
        Ok(segments)
    } else {
        Err(FramingError::LastOffset)
    }
}

fn within(message: &Bytes, offset: u64) -> Option<usize> {
    let offset = usize::try_from(offset).ok()?;
    (offset <= message.len()).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_at(offsets: &[u64]) -> Result<Vec<Bytes>, FramingError> {
        let message = Bytes::from_static(b"##abcd");
        cut(&message, 2, offsets.iter().copied())
    }

    #[test]
    fn a_segment_is_what_lies_between_two_offsets() {
        assert_eq!(cut_at(&[2, 3, 3, 6]).unwrap(), ["a", "", "bcd"]);
        assert_eq!(cut_at(&[2, 6]).unwrap(), ["abcd"]);
    }

    #[test]
    fn a_segment_is_a_slice_of_the_message() {
        let message = Bytes::from_static(b"##abcd");
        let segments = cut(&message, 2, [2, 6].into_iter()).unwrap();
        assert_eq!(segments[0].as_ptr(), message[2..].as_ptr());
    }

    #[test]
    fn an_offset_that_is_wrong_is_named() {
        let said = |offsets: &[u64]| cut_at(offsets).unwrap_err().to_string();
        assert_eq!(said(&[2, 7, 6]), "offset 1 is beyond the message");
        assert_eq!(said(&[2, 3, u64::MAX]), "offset 2 is beyond the message");
        assert_eq!(
            said(&[2, 5, 4, 6]),
            "offset 2 is smaller than the one before it"
        );
        assert_eq!(
            said(&[2, 1, 6]),
            "offset 1 is smaller than the one before it"
        );
        assert_eq!(said(&[1, 6]), "offset 0 is 1, but the offsets end at 2");
        assert_eq!(said(&[3, 6]), "offset 0 is 3, but the offsets end at 2");
        assert_eq!(
            said(&[2, 5]),
            "the last offset is not the end of the message"
        );
        assert_eq!(said(&[]), "the last offset is not the end of the message");
    }

    #[test]
    fn a_count_is_bounded_before_anything_is_made_of_it() {
        assert_eq!(count(6, 6, 9), Ok(6));
        assert_eq!(count(9, 6, 9), Ok(9));
        for wrong in [0, 5, 10, u64::MAX] {
            let said = count(wrong, 6, 9).unwrap_err().to_string();
            assert_eq!(said, format!("{wrong} offsets, but 6 to 9 are allowed"));
        }
    }
}
