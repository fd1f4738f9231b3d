//! `v1.kernel.websocket.jupyter.org`: the parts as they are, behind their offsets. Always binary.
//!
//! ```text
//! count 8 | count × offset 8 | channel | header | parent_header | metadata | content | buffers …
//! ```
//!
//! Numbers are little-endian, offsets count from the start of the message: the first is where the channel
//! begins, each other one where something ends, the last is the message's length.

use bytes::Bytes;

use super::offsets::{count, cut};
use super::{ChannelName, Framed, FramingError, MAX_PARTS, MIN_PARTS};

/// Bytes of a number.
const NUMBER: usize = size_of::<u64>();

/// Offsets beside those where parts end: where the channel begins, and where it ends.
const OF_CHANNEL: usize = 2;

pub(super) fn decode(message: &Bytes) -> Result<Framed, FramingError> {
    let (number, rest) = message.split_first_chunk().ok_or(FramingError::Truncated)?;
    let number = u64::from_le_bytes(*number);
    let count = count(number, MIN_PARTS + OF_CHANNEL, MAX_PARTS + OF_CHANNEL)?;
    let table = rest.get(..NUMBER * count).ok_or(FramingError::Truncated)?;
    let (offsets, _) = table.as_chunks();
    let offsets = offsets.iter().copied().map(u64::from_le_bytes);
    let mut parts = cut(message, NUMBER * (1 + count), offsets)?;
    let channel = ChannelName::parse(&parts.remove(0))?;
    Ok(Framed { channel, parts })
}

pub(super) fn encode(channel: ChannelName, parts: &[Bytes]) -> Bytes {
    let channel = channel.as_str().as_bytes();
    let count = parts.len() + OF_CHANNEL;
    let begin = NUMBER * (1 + count);
    let segments = || {
        [channel]
            .into_iter()
            .chain(parts.iter().map(|part| &part[..]))
    };
    let length = begin + segments().map(<[u8]>::len).sum::<usize>();
    let mut message = Vec::with_capacity(length);
    let mut write = |number: usize| message.extend((number as u64).to_le_bytes());
    write(count);
    write(begin);
    segments().fold(begin, |before, segment| {
        write(before + segment.len());
        before + segment.len()
    });
    segments().for_each(|segment| message.extend_from_slice(segment));
    Bytes::from(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Count, offsets, and what is behind them.
    fn message(numbers: &[u64], behind: &[u8]) -> Bytes {
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        numbers.chain(behind.iter().copied()).collect()
    }

    fn said(message: &Bytes) -> String {
        decode(message).unwrap_err().to_string()
    }

    #[test]
    fn a_message_stands_as_its_description_says() {
        let parts =
            ["{1}", "{}", "", "{345}", "ab"].map(|part| Bytes::from_static(part.as_bytes()));
        let begin = 8 * 8;
        let ends = [
            begin,
            begin + 5,
            begin + 8,
            begin + 10,
            begin + 10,
            begin + 15,
            begin + 17,
        ];
        let numbers = [&[7], &ends[..]].concat();
        let whole = message(&numbers, b"iopub{1}{}{345}ab");
        let encoded = encode(ChannelName::Iopub, &parts);
        assert_eq!(encoded, whole);
        let framed = decode(&whole).unwrap();
        assert_eq!(framed.channel, ChannelName::Iopub);
        assert_eq!(framed.parts, parts);
    }

    #[test]
    fn a_message_that_is_cut_short_is_refused() {
        let whole = encode(ChannelName::Shell, &vec![Bytes::from_static(b"{}"); 5]);
        for length in 0..whole.len() {
            decode(&whole.slice(..length)).unwrap_err();
        }
        assert_eq!(
            said(&whole.slice(..7)),
            "the message ends before its offsets do"
        );
        assert_eq!(
            said(&whole.slice(..63)),
            "the message ends before its offsets do"
        );
        assert_eq!(said(&whole.slice(..64)), "offset 1 is beyond the message");
    }

    #[test]
    fn a_message_has_four_parts_at_least_and_a_bounded_count() {
        assert_eq!(
            said(&message(&[5, 48, 53, 53, 53, 53], b"shell")),
            "5 offsets, but 6 to 1026 are allowed"
        );
        for wrong in [0, 1027, u64::MAX / 8, u64::MAX] {
            let said = said(&message(&[wrong, 8], b""));
            assert_eq!(said, format!("{wrong} offsets, but 6 to 1026 are allowed"));
        }
        let most = encode(ChannelName::Shell, &vec![Bytes::new(); MAX_PARTS]);
        assert_eq!(decode(&most).unwrap().parts.len(), MAX_PARTS);
    }

    #[test]
    fn bytes_behind_the_last_part_are_refused() {
        let whole = encode(
            ChannelName::Shell,
            &[const { Bytes::from_static(b"{}") }; 4],
        );
        let longer = Bytes::from([&whole[..], b"!"].concat());
        assert_eq!(
            said(&longer),
            "the last offset is not the end of the message"
        );
    }

    #[test]
    fn only_the_four_channels_are_channels() {
        for name in ["", "Shell", "shell ", "hb", "\u{fffd}"] {
            let end = 56 + name.len() as u64;
            let message = message(&[6, 56, end, end, end, end, end], name.as_bytes());
            assert_eq!(
                said(&message),
                "the channel is none of shell, control, stdin, iopub"
            );
        }
    }

    #[test]
    fn a_part_is_a_slice_of_the_message() {
        let whole = encode(
            ChannelName::Shell,
            &[const { Bytes::from_static(b"{}") }; 4],
        );
        let framed = decode(&whole).unwrap();
        assert_eq!(framed.parts[0].as_ptr(), whole[56 + 5..].as_ptr());
    }
}
