//! Whatever a sandbox sends as its files, it is read in bounded memory to its end or to an error, and no file has more
//! bytes than it said.

#![no_main]

#[path = "../../../src/service/execution"]
mod execution {
    mod untar;

    use std::io;

    use tokio::io::AsyncReadExt;

    /// The longest path that is taken.
    const LONGEST_PATH: usize = 4096;

    pub async fn read(bytes: &[u8], leave: u8) -> io::Result<()> {
        let mut tar = untar::Untar::new(bytes);
        while let Some(entry) = tar.next().await? {
            assert!(entry.path.len() <= LONGEST_PATH);
            // Some is left, which is skipped.
            let wanted = entry.size.saturating_sub(u64::from(leave));
            let mut content = Vec::new();
            tar.content().take(wanted).read_to_end(&mut content).await?;
            assert_eq!(content.len() as u64, wanted);
        }
        Ok(())
    }
}

use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;
use tar::Header;

fuzz_target!(|input: (u8, &[u8], Vec<(u8, u16, &[u8])>)| {
    let (leave, bytes, entries) = input;
    // Both an error and an end are fine.
    let _ = block_on(execution::read(bytes, leave));
    let tar: Vec<u8> = entries.into_iter().flat_map(written).collect();
    let _ = block_on(execution::read(&tar, leave));
});

/// With a checksum that is right and a size that may not be, so that what lies behind them is reached too.
fn written((kind, size, contents): (u8, u16, &[u8])) -> Vec<u8> {
    let mut header = Header::new_old();
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(u64::from(size));
    header.set_cksum();
    [header.as_bytes(), contents].concat()
}
