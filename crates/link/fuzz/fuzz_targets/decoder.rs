//! Whatever the bytes and however they are cut, the decoder takes each for a frame's or counts it as skipped,
//! holds less than a frame, and finds what comes after padding.

#![no_main]

use cellblock_link::frame::{Decoder, Frame, HEADER, Kind, MAX_FRAME, PADDING, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let mut decoder = Decoder::new();
    let (mut given, mut taken) = (0, 0);
    for piece in bytes.chunks(usize::from(cut) + 1) {
        decoder.push(piece);
        given += piece.len() as u64;
        while let Some(frame) = decoder.next_frame() {
            taken += (HEADER + frame.payload.len()) as u64;
        }
        let held = given - taken - decoder.skipped();
        assert!(held < MAX_FRAME as u64);
    }
    let hello = Frame::bare(Kind::Hello, 1);
    let mut last = PADDING.as_slice().into();
    encode(&hello, &mut last);
    decoder.push(&last);
    assert_eq!(std::iter::from_fn(|| decoder.next_frame()).last(), Some(hello));
});
