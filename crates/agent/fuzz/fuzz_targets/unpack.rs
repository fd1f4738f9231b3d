//! Whatever the bytes, and whatever paths and kinds a well-formed tar has: nothing is written but below the folder.

#![no_main]

#[path = "../../src/files"]
mod files {
    #[expect(dead_code, reason = "the agent uses more of it")]
    mod error;
    #[expect(dead_code, reason = "the agent uses more of it")]
    mod folder;
    mod unpack;

    use std::path::Path;

    use error::FilesError;

    pub fn unpack(directory: &Path, tar: &[u8]) {
        let folder = folder::Folder::make(directory).expect("it is there");
        // Taken or refused: both are fine.
        let _ = unpack::unpack(&folder, tar);
    }
}

use std::fs;

use libfuzzer_sys::fuzz_target;
use tar::{EntryType, Header};

/// An entry as hostile as it likes: its path, its kind, its contents.
type Entry<'a> = (&'a [u8], u8, &'a [u8]);

fuzz_target!(|input: (Vec<Entry>, &[u8])| {
    let (entries, bytes) = input;
    check(bytes);
    let mut tar: Vec<u8> = entries.iter().flat_map(|entry| written(entry)).collect();
    tar.extend_from_slice(&[0; 1024]);
    check(&tar);
});

fn check(tar: &[u8]) {
    let outer = tempfile::tempdir().expect("a folder can be made");
    let inside = outer.path().join("inside");
    fs::create_dir(&inside).expect("a folder can be made");
    fs::write(outer.path().join("kept"), "kept").expect("a file can be written");
    files::unpack(&inside, tar);
    let beside = fs::read_dir(outer.path()).expect("it is there").count();
    assert_eq!(beside, 2);
    let kept = fs::read(outer.path().join("kept")).expect("it is there");
    assert_eq!(kept, b"kept");
}

/// With a checksum that is right, so that what lies behind it is reached too.
fn written((path, kind, contents): &Entry) -> Vec<u8> {
    let mut header = Header::new_gnu();
    let name = &mut header.as_gnu_mut().expect("it is one").name;
    let length = path.len().min(name.len());
    name[..length].copy_from_slice(&path[..length]);
    header.set_entry_type(EntryType::new(*kind));
    header.set_mode(0o644);
    header.set_size(contents.len() as u64);
    header.set_cksum();
    let padding = contents.len().next_multiple_of(512) - contents.len();
    [header.as_bytes(), *contents, &[0; 512][..padding]].concat()
}
