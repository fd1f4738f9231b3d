//! What the decoder guarantees, whatever the bytes.

use bytes::{Bytes, BytesMut};
use cellblock_link::frame::{
    Decoder, Frame, HEADER, Kind, MAX_FRAME, MAX_PAYLOAD, PADDING, encode,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Hello,
        Kind::Ack,
        Kind::Refused,
        Kind::Data,
        Kind::Ping,
        Kind::Pong,
        Kind::Reset,
    ])
}

fn frames() -> impl Strategy<Value = Frame> {
    let length = prop_oneof![4 => 0..64_usize, 1 => 0..=MAX_PAYLOAD];
    let payload = length.prop_flat_map(|length| vec(any::<u8>(), length));
    (kinds(), any::<u64>(), any::<u64>(), payload).prop_map(|(kind, epoch, sequence, payload)| {
        Frame {
            kind,
            epoch,
            sequence,
            payload: payload.into(),
        }
    })
}

/// Garbage that looks like frames: pieces of true ones among noise.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let torn = (
        frames(),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
    );
    let torn = torn.prop_map(|(frame, from, to)| {
        let bytes = bytes_of(&frame);
        let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
        bytes[from.min(to)..from.max(to)].to_vec()
    });
    prop_oneof![vec(any::<u8>(), 0..80), torn]
}

fn bytes_of(frame: &Frame) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    encode(frame, &mut bytes);
    bytes.to_vec()
}

/// Feeds `bytes` in pieces of the given lengths, over and over.
fn decode(bytes: &[u8], cuts: &[usize]) -> Vec<Frame> {
    let mut decoder = Decoder::new();
    let (mut rest, mut found) = (bytes, Vec::new());
    for cut in cuts.iter().cycle() {
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        decoder.push(piece);
        found.extend(std::iter::from_fn(|| decoder.next_frame()));
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    found
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1..40_usize, 1..40_000_usize], 1..20)
}

proptest! {
    #[test]
    fn frames_survive_any_cut(frames in vec(frames(), 0..8), cuts in cuts()) {
        let bytes: Vec<u8> = frames.iter().flat_map(bytes_of).collect();
        prop_assert_eq!(decode(&bytes, &cuts), frames);
    }

    #[test]
    fn after_any_garbage_and_padding_every_frame_is_found(
        garbage in garbage(), frames in vec(frames(), 1..4), cuts in cuts(),
    ) {
        let mut bytes = garbage;
        bytes.extend_from_slice(&PADDING);
        bytes.extend(frames.iter().flat_map(bytes_of));
        let found = decode(&bytes, &cuts);
        prop_assert!(found.ends_with(&frames));
    }

    #[test]
    fn a_frame_is_found_inside_what_was_taken_for_a_payload(
        torn in frames().prop_filter("has a payload", |frame| !frame.payload.is_empty()),
        inside in vec(frames(), 1..4),
        at in any::<prop::sample::Index>(),
        cuts in cuts(),
    ) {
        let torn = bytes_of(&torn);
        let at = HEADER + at.index(torn.len() - HEADER);
        let mut bytes = torn[..at].to_vec();
        bytes.extend(inside.iter().flat_map(bytes_of));
        bytes.extend_from_slice(&torn[at..]);
        bytes.extend_from_slice(&PADDING);
        // What comes next may be the very bytes that were missing: then nothing was torn.
        prop_assume!(!bytes.starts_with(&torn));
        prop_assert_eq!(decode(&bytes, &cuts), inside);
    }

    #[test]
    fn a_changed_byte_is_never_a_frame(
        frame in frames(), at in any::<prop::sample::Index>(), by in 1..=255_u8,
    ) {
        let mut bytes = bytes_of(&frame);
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        bytes.extend_from_slice(&PADDING);
        prop_assert_eq!(decode(&bytes, &[4096]), vec![]);
    }

    #[test]
    fn skipped_bytes_are_counted(noise in vec(0..0xCB_u8, 0..300), frame in frames()) {
        let mut decoder = Decoder::new();
        decoder.push(&noise);
        decoder.push(&bytes_of(&frame));
        prop_assert_eq!(decoder.next_frame(), Some(frame));
        prop_assert_eq!(decoder.skipped(), noise.len() as u64);
    }
}

#[test]
fn padding_outlasts_every_torn_frame() {
    assert!(PADDING.len() > MAX_FRAME);
    let longest = Frame {
        payload: Bytes::from(vec![1; MAX_PAYLOAD]),
        ..Frame::bare(Kind::Data, 1)
    };
    let hello = Frame::bare(Kind::Hello, 2);
    let mut bytes = bytes_of(&longest)[..HEADER].to_vec();
    bytes.extend_from_slice(&PADDING);
    bytes.extend(bytes_of(&hello));
    assert_eq!(decode(&bytes, &[1000]), [hello]);
}
