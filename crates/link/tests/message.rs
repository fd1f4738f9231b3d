//! What the messages stream guarantees, whatever the bytes.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use cellblock_link::message::{Channel, KernelMessage, MessageFrame, MessageReader, write_frame};
use cellblock_link::request::KernelExit;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, duplex};

const LIMIT: usize = 1 << 20;

fn frames() -> impl Strategy<Value = MessageFrame> {
    let channel = prop::sample::select(vec![
        Channel::Shell,
        Channel::Control,
        Channel::Stdin,
        Channel::Iopub,
    ]);
    let length = prop_oneof![6 => 0..50_usize, 1 => 0..40_000_usize];
    let part = length
        .prop_flat_map(|length| vec(any::<u8>(), length))
        .prop_map(Bytes::from);
    prop_oneof![
        (any::<u64>(), channel, vec(part, 4..8)).prop_map(|(sequence, channel, parts)| {
            MessageFrame::Message(KernelMessage {
                sequence,
                channel,
                parts,
            })
        }),
        any::<(u64, Option<i32>, Option<i32>)>().prop_map(|(kernel, code, signal)| {
            let exit = KernelExit { code, signal };
            MessageFrame::KernelExit { kernel, exit }
        }),
        any::<u64>().prop_map(|after| MessageFrame::Gap { after }),
    ]
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

async fn read_all(bytes: &[u8], limit: usize) -> io::Result<Vec<MessageFrame>> {
    let mut reader = MessageReader::new(bytes, limit);
    let mut found = Vec::new();
    while let Some(frame) = reader.next().await? {
        found.push(frame);
    }
    Ok(found)
}

fn message(parts: usize) -> MessageFrame {
    let parts = vec![Bytes::from_static(b"{}"); parts];
    MessageFrame::Message(KernelMessage {
        sequence: 1,
        channel: Channel::Iopub,
        parts,
    })
}

proptest! {
    #[test]
    fn frames_survive_any_cut(frames in vec(frames(), 0..6), pipe in 1..5000_usize) {
        let found = block_on(async {
            let (mut near, far) = duplex(pipe);
            let write = async {
                for frame in &frames {
                    write_frame(&mut near, frame).await.unwrap();
                }
                near.shutdown().await.unwrap();
            };
            let read = async {
                let mut reader = MessageReader::new(far, LIMIT);
                let mut found = Vec::new();
                while let Some(frame) = reader.next().await.unwrap() {
                    found.push(frame);
                }
                found
            };
            tokio::join!(write, read).1
        });
        prop_assert_eq!(found, frames);
    }

    #[test]
    fn no_bytes_can_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = block_on(read_all(&bytes, LIMIT));
    }

    #[test]
    fn a_changed_byte_is_an_error_or_another_frame(
        frame in frames(), at in any::<prop::sample::Index>(), by in 1..=255_u8,
    ) {
        let found = block_on(async {
            let mut bytes = Vec::new();
            write_frame(&mut bytes, &frame).await.unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            read_all(&bytes, LIMIT).await
        });
        prop_assert_ne!(found.ok(), Some(vec![frame]));
    }
}

#[tokio::test]
async fn a_frame_beyond_the_limit_is_refused_before_it_is_read() {
    let bytes = (LIMIT as u32 + 1).to_be_bytes();
    let error = read_all(&bytes, LIMIT).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

/// Gives a length of nearly 4 GiB, then little, and notes the largest buffer it is asked to fill.
struct Boaster {
    left: usize,
    largest: usize,
}

impl AsyncRead for &mut Boaster {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.largest = self.largest.max(into.remaining());
        let count = self.left.min(into.remaining()).min(1000);
        into.put_slice(&vec![0xFF; count]);
        self.left -= count;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_claimed_length_takes_no_memory() {
    let mut boaster = Boaster {
        left: 50_000,
        largest: 0,
    };
    let error = MessageReader::new(&mut boaster, usize::MAX)
        .next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(
        boaster.largest <= 200_000,
        "asked for {} bytes",
        boaster.largest
    );
}

#[tokio::test]
async fn a_message_has_4_to_1024_parts() {
    for parts in [0, 3, 1025] {
        let mut written = Vec::new();
        let error = write_frame(&mut written, &message(parts))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(written.is_empty());
    }
    let mut written = Vec::new();
    write_frame(&mut written, &message(1024)).await.unwrap();
    assert_eq!(read_all(&written, LIMIT).await.unwrap(), [message(1024)]);
    // The count sits behind length, kind, channel and sequence.
    for count in [3_u16, 1025] {
        written[14..16].copy_from_slice(&count.to_be_bytes());
        assert!(read_all(&written, LIMIT).await.is_err());
    }
}

#[tokio::test]
async fn an_end_within_a_frame_is_an_error() {
    let mut written = Vec::new();
    write_frame(&mut written, &message(4)).await.unwrap();
    for end in 1..written.len() {
        let error = read_all(&written[..end], LIMIT).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
