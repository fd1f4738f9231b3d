//! What came into a directory since a snapshot, as a tar.
//!
//! First everything is found and counted, since the reply stands before the tar; then it is packed. What
//! changes in between cannot change the counts: a file that has shrunk or vanished is filled up with zeros, one
//! that has grown is cut.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cellblock_link::request::{FilesReply, GetFiles};
use nix::sys::stat::SFlag;
use tar::{Builder, EntryType, Header};

use super::folder::{self, Folder, kind};
use super::snapshot::{self, Snapshot, walk};

/// The paths that are remembered, together, in bytes. Files beyond are left out.
const MAX_PATHS: usize = 4 << 20;

/// The files that are to be packed.
#[derive(Debug)]
pub(super) struct Found {
    root: Folder,
    files: Vec<Regular>,
    reply: FilesReply,
}

#[derive(Debug)]
struct Regular {
    path: PathBuf,
    size: u64,
    mode: u32,
    modified: u64,
}

impl Regular {
    /// In bytes.
    fn path_length(&self) -> usize {
        self.path.as_os_str().len()
    }
}

impl Found {
    /// Finds what the snapshot does not know, up to the limits of the request. A sparse file counts with its
    /// whole length, which is what the tar will hold.
    pub(super) fn find(root: Folder, before: &Snapshot, limits: &GetFiles) -> Found {
        let mut files = Vec::new();
        let mut room = MAX_PATHS;
        let mut reply = FilesReply::default();
        let not_walked = walk(&root, |found| {
            if before.knows(&found) {
                return;
            }
            match regular(&found) {
                Some(file) if fits(&file, &reply, limits) && file.path_length() <= room => {
                    room -= file.path_length();
                    reply.files += 1;
                    reply.bytes += file.size;
                    files.push(file);
                }
                Some(_) | None => reply.left_out += 1,
            }
        });
        reply.left_out += not_walked;
        Found { root, files, reply }
    }

    pub(super) fn reply(&self) -> &FilesReply {
        &self.reply
    }

    /// Writes the tar.
    pub(super) fn pack(&self, to: impl Write) -> io::Result<()> {
        let mut tar = Builder::new(to);
        for file in &self.files {
            let contents = Contents {
                file: open(&self.root, &file.path),
            };
            tar.append_data(&mut header(file), &file.path, contents.take(file.size))?;
        }
        tar.into_inner()?.flush()
    }
}

fn fits(file: &Regular, so_far: &FilesReply, limits: &GetFiles) -> bool {
    let bytes = so_far.bytes.checked_add(file.size);
    so_far.files < limits.max_files && bytes.is_some_and(|bytes| bytes <= limits.max_bytes)
}

/// A regular file that can be read.
fn regular(found: &snapshot::Found<'_>) -> Option<Regular> {
    if kind(found.status) != SFlag::S_IFREG {
        return None;
    }
    found.folder.file(found.name).ok()?;
    Some(Regular {
        path: found.path.to_owned(),
        size: found.status.st_size.try_into().ok()?,
        mode: found.status.st_mode & 0o777,
        modified: found.status.st_mtime.try_into().unwrap_or(0),
    })
}

fn header(file: &Regular) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(file.size);
    header.set_mode(file.mode);
    header.set_mtime(file.modified);
    header
}

/// Opens a file below the folder, if it is still there.
fn open(root: &Folder, path: &Path) -> Option<File> {
    let (name, folders) = (path.file_name()?, path.parent()?);
    let mut deepest = None;
    for folder in folders.iter() {
        let above = deepest.as_ref().unwrap_or(root);
        deepest = Some(above.folder(&folder::name(folder).ok()?).ok()?);
    }
    let name = folder::name(OsStr::from_bytes(name.as_bytes())).ok()?;
    deepest.as_ref().unwrap_or(root).file(&name).ok()
}

/// A file's contents, and zeros for ever behind them.
struct Contents {
    file: Option<File>,
}

impl Read for Contents {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // What cannot be read any more is as good as ended.
        match self.file.as_mut().map_or(Ok(0), |file| file.read(into)) {
            Ok(count @ 1..) => return Ok(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Ok(_) | Err(_) => {}
        }
        self.file = None;
        into.fill(0);
        Ok(into.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    use cellblock_link::request::Since;
    use tempfile::TempDir;

    use super::*;

    fn open(directory: &TempDir) -> Folder {
        Folder::open(directory.path()).unwrap()
    }

    const NO_LIMITS: GetFiles = GetFiles {
        directory: String::new(),
        since: Since::Mark,
        max_files: u32::MAX,
        max_bytes: u64::MAX,
    };

    fn unpack(found: &Found) -> BTreeMap<String, Vec<u8>> {
        let mut tar = Vec::new();
        found.pack(&mut tar).unwrap();
        let mut archive = tar::Archive::new(&tar[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut contents = Vec::new();
            entry.read_to_end(&mut contents).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), contents)
        });
        entries.collect()
    }

    fn names(found: &Found) -> Vec<String> {
        unpack(found).into_keys().collect()
    }

    #[test]
    fn only_what_is_new_or_changed_is_packed() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        for name in ["same", "folder/changed", "restored"] {
            fs::write(at(name), "before").unwrap();
        }
        let before = Snapshot::take(&Folder::open(directory.path()).unwrap());
        fs::write(at("folder/changed"), "after!").unwrap();
        fs::write(at("new"), "new").unwrap();
        // The same size, and the time set back to what it was.
        let modified = fs::metadata(at("restored")).unwrap().modified().unwrap();
        fs::write(at("restored"), "effort").unwrap();
        File::options()
            .write(true)
            .open(at("restored"))
            .unwrap()
            .set_modified(modified)
            .unwrap();
        let found = Found::find(open(&directory), &before, &NO_LIMITS);
        assert_eq!(names(&found), ["folder/changed", "new", "restored"]);
        assert_eq!(
            *found.reply(),
            FilesReply {
                files: 3,
                bytes: 15,
                left_out: 0
            }
        );
    }

    #[test]
    fn links_pipes_and_what_cannot_be_read_are_left_out() {
        let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(elsewhere.path().join("secret"), "x").unwrap();
        symlink(elsewhere.path(), directory.path().join("folder")).unwrap();
        symlink(
            elsewhere.path().join("secret"),
            directory.path().join("link"),
        )
        .unwrap();
        nix::unistd::mkfifo(
            &directory.path().join("pipe"),
            nix::sys::stat::Mode::S_IRWXU,
        )
        .unwrap();
        fs::write(directory.path().join("file"), "y").unwrap();
        let found = Found::find(open(&directory), &Snapshot::default(), &NO_LIMITS);
        assert_eq!(names(&found), ["file"]);
        assert_eq!(found.reply().left_out, 3);
    }

    #[test]
    fn the_limits_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        for (name, size) in [("a", 10), ("b", 100), ("c", 10), ("d", 10)] {
            fs::write(directory.path().join(name), vec![1; size]).unwrap();
        }
        let find = |limits| Found::find(open(&directory), &Snapshot::default(), &limits);
        let found = find(GetFiles {
            max_files: 2,
            ..NO_LIMITS
        });
        assert_eq!(
            (names(&found), found.reply().left_out),
            (vec!["a".to_owned(), "b".to_owned()], 2)
        );
        let found = find(GetFiles {
            max_bytes: 25,
            ..NO_LIMITS
        });
        assert_eq!(
            (names(&found), found.reply().left_out),
            (vec!["a".to_owned(), "c".to_owned()], 2)
        );
    }

    #[test]
    fn a_sparse_file_counts_with_its_whole_length() {
        let directory = tempfile::tempdir().unwrap();
        File::create(directory.path().join("sparse"))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        let limits = GetFiles {
            max_bytes: 1 << 30,
            ..NO_LIMITS
        };
        let found = Found::find(open(&directory), &Snapshot::default(), &limits);
        assert_eq!(
            *found.reply(),
            FilesReply {
                files: 0,
                bytes: 0,
                left_out: 1
            }
        );
    }

    #[test]
    fn what_changes_meanwhile_cannot_break_the_tar() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["cut", "gone", "grown", "linked", "other"] {
            fs::write(at(name), "contents").unwrap();
        }
        let found = Found::find(open(&directory), &Snapshot::default(), &NO_LIMITS);
        fs::write(at("cut"), "con").unwrap();
        fs::remove_file(at("gone")).unwrap();
        fs::write(at("grown"), "contents and more").unwrap();
        fs::remove_file(at("linked")).unwrap();
        symlink(at("other"), at("linked")).unwrap();
        let unpacked = unpack(&found);
        assert_eq!(unpacked["cut"], b"con\0\0\0\0\0");
        assert_eq!(unpacked["gone"], [0; 8]);
        assert_eq!(unpacked["grown"], b"contents");
        assert_eq!(unpacked["linked"], [0; 8]);
        assert_eq!(unpacked["other"], b"contents");
    }

    #[test]
    fn long_names_and_strange_ones_survive() {
        let directory = tempfile::tempdir().unwrap();
        let long = format!("{}/{}", "a".repeat(200), "b".repeat(200));
        fs::create_dir(directory.path().join("a".repeat(200))).unwrap();
        fs::write(directory.path().join(&long), "1").unwrap();
        fs::write(directory.path().join("new\nline \\ *"), "2").unwrap();
        let found = Found::find(open(&directory), &Snapshot::default(), &NO_LIMITS);
        assert_eq!(names(&found), [long.as_str(), "new\nline \\ *"]);
    }

    #[test]
    fn folders_without_end_are_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let mut path = directory.path().to_owned();
        for _ in 0..70 {
            path.push("d");
            fs::create_dir(&path).unwrap();
        }
        fs::write(path.join("file"), "x").unwrap();
        let found = Found::find(open(&directory), &Snapshot::default(), &NO_LIMITS);
        assert_eq!(
            *found.reply(),
            FilesReply {
                files: 0,
                bytes: 0,
                left_out: 1
            }
        );
    }

    #[test]
    fn times_before_the_epoch_are_no_harm() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("old");
        fs::write(&path, "x").unwrap();
        let old = SystemTime::UNIX_EPOCH - Duration::from_secs(1000);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(old)
            .unwrap();
        let found = Found::find(open(&directory), &Snapshot::default(), &NO_LIMITS);
        assert_eq!(names(&found), ["old"]);
    }
    #[test]
    fn paths_beyond_what_is_remembered_are_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let names: PathBuf = (0..13).map(|_| "d".repeat(250)).collect();
        let deep = directory.path().join(names);
        fs::create_dir_all(&deep).unwrap();
        for n in 0..1500 {
            File::create(deep.join(format!("{n:0250}"))).unwrap();
        }
        let found = Found::find(open(&directory), &Snapshot::default(), &NO_LIMITS);
        let remembered: usize = found.files.iter().map(Regular::path_length).sum();
        assert!(remembered <= MAX_PATHS && remembered > MAX_PATHS - 4096);
        assert_eq!(u64::from(found.reply.files) + found.reply.left_out, 1500);
    }
}
