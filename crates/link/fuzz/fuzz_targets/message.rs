//! Whatever the bytes, the reader gives frames within its limit or an error, and what it gives is written as
//! it was read.

#![no_main]

use cellblock_link::message::{MessageReader, write_frame};
use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    block_on(async {
        let mut reader = MessageReader::new(bytes, 1 << 16);
        let mut written = Vec::new();
        while let Ok(Some(frame)) = reader.next().await {
            write_frame(&mut written, &frame).await.expect("it was read, so it can be written");
        }
        assert!(bytes.starts_with(&written));
    });
});
