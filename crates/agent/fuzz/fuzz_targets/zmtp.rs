//! Whatever a kernel sends and however it is cut, the decoder gives the same messages or the same refusal, and takes
//! memory in proportion to what has come.

#![no_main]

#[path = "../../src"]
mod agent {
    #[expect(dead_code, reason = "the agent uses more of it")]
    pub mod zmtp;
}

use agent::zmtp::{Decoded, Decoder};
use libfuzzer_sys::fuzz_target;

/// What the decoder takes at once, and a little for its own.
const ROOM: usize = 256 << 10;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let whole = decode(bytes, bytes.len().max(1));
    assert_eq!(decode(bytes, usize::from(cut) + 1), whole);
});

/// What comes out, and whether it was refused.
fn decode(bytes: &[u8], step: usize) -> (Vec<Decoded>, bool) {
    let mut decoder = Decoder::new();
    let mut decoded = Vec::new();
    for piece in bytes.chunks(step) {
        let room = decoder.space();
        assert!(room.capacity() <= 2 * bytes.len() + ROOM);
        room.extend_from_slice(piece);
        loop {
            match decoder.next() {
                Ok(Some(one)) => decoded.push(one),
                Ok(None) => break,
                Err(_) => return (decoded, true),
            }
        }
    }
    (decoded, false)
}
