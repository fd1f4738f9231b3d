//! Whatever the bytes, v1 takes them apart or says what is wrong, and what it took apart it puts together as it was.

#![no_main]

#[path = "../../../src/jupyter"]
mod jupyter {
    #[expect(dead_code, reason = "the service uses more of it")]
    pub mod framing;
}

use bytes::Bytes;
use jupyter::framing::{Framing, Incoming, Outgoing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: ([u8; 4], &[u8])| {
    let (ends, bytes) = input;
    check(Bytes::copy_from_slice(bytes));
    check(nearly_a_message(ends, bytes));
});

fn check(message: Bytes) {
    match Framing::V1.decode(Incoming::Binary(message.clone())) {
        Ok(framed) => {
            let again = Framing::V1.encode(framed.channel, &framed.parts);
            assert_eq!(again, Ok(Outgoing::Binary(message)));
        }
        Err(error) => assert!(error.to_string().len() <= 123),
    }
}

/// Wrong only where its parts end, so that what lies behind the first checks is reached too.
fn nearly_a_message(ends: [u8; 4], bytes: &[u8]) -> Bytes {
    const BEGIN: u64 = 8 * 8;
    let channel = BEGIN + 5;
    let last = channel + bytes.len() as u64;
    let ends = ends.map(|end| channel + u64::from(end));
    let numbers = [&[7, BEGIN, channel][..], &ends, &[last]].concat();
    let numbers = numbers.into_iter().flat_map(u64::to_le_bytes);
    numbers
        .chain(*b"shell")
        .chain(bytes.iter().copied())
        .collect()
}
