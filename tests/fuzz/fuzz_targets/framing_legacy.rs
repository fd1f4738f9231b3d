//! Whatever the bytes, as text and as binary: legacy reads them or says what is wrong, and what it read it writes
//! so that it is read as the same.

#![no_main]

#[path = "../../../src/jupyter"]
mod jupyter {
    #[expect(dead_code, reason = "the service uses more of it")]
    pub mod framing;
}

use bytes::Bytes;
use jupyter::framing::{Framing, Incoming, Outgoing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (begin, bytes) = input;
    let message = Bytes::copy_from_slice(bytes);
    check(Incoming::Text(message.clone()));
    check(Incoming::Binary(message));
    let json = [br#"{"header":{}"#, bytes].concat();
    check(Incoming::Binary(with_a_buffer(begin, &json)));
    check(Incoming::Text(Bytes::from(json)));
});

fn check(message: Incoming) {
    let framed = match Framing::Legacy.decode(message) {
        Ok(framed) => framed,
        Err(error) => return assert!(error.to_string().len() <= 123),
    };
    let again = match Framing::Legacy.encode(framed.channel, &framed.parts) {
        Ok(Outgoing::Text(text)) => Incoming::Text(Bytes::from(text)),
        Ok(Outgoing::Binary(message)) => Incoming::Binary(message),
        Err(error) => panic!("what was read cannot be written: {error}"),
    };
    assert_eq!(Framing::Legacy.decode(again), Ok(framed));
}

/// What begins at `begin` is a buffer, if that is right.
fn with_a_buffer(begin: u8, json: &[u8]) -> Bytes {
    let numbers = [2, 12, u32::from(begin)].into_iter();
    let numbers = numbers.flat_map(u32::to_be_bytes);
    numbers.chain(json.iter().copied()).collect()
}
