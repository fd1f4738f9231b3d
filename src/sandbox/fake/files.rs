//! The working directory of a fake sandbox.

mod single;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use crate::sandbox::FilesReply;

/// Paths and contents; and which of them are new.
#[derive(Debug, Default)]
pub(super) struct Files {
    files: BTreeMap<String, File>,
    /// Those that were made as such. One that has files in it is there anyhow.
    directories: BTreeSet<String>,
    forged: Option<Vec<u8>>,
}

#[derive(Debug)]
struct File {
    content: Vec<u8>,
    age: Age,
    modified: jiff::Timestamp,
}

/// Made before the mark, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Old,
    New,
}

/// Which files are to be packed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which<'a> {
    /// Those that are new.
    New,
    /// Those below a directory.
    Below(&'a str),
}

impl Files {
    pub(super) fn write(&mut self, path: &str, content: Vec<u8>) {
        let file = File {
            content,
            age: Age::New,
            modified: jiff::Timestamp::now(),
        };
        self.files.insert(path.to_owned(), file);
    }

    pub(super) fn read(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(|file| file.content.as_slice())
    }

    /// From now on [`Files::pack`] answers with these bytes, whatever they are.
    pub(super) fn forge(&mut self, tar: Vec<u8>) {
        self.forged = Some(tar);
    }

    pub(super) fn mark(&mut self) {
        for file in self.files.values_mut() {
            file.age = Age::Old;
        }
    }

    /// Unpacks a tar into a directory.
    pub(super) fn unpack(&mut self, directory: &str, tar: &[u8]) -> io::Result<()> {
        for entry in tar::Archive::new(tar).entries()? {
            let mut entry = entry?;
            let path = format!("{}{}", prefix(directory), entry.path()?.display());
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            self.write(&path, content);
        }
        Ok(())
    }

    pub(super) fn pack(
        &self,
        which: Which<'_>,
        max_files: u32,
        max_bytes: u64,
    ) -> (FilesReply, Vec<u8>) {
        let mut reply = FilesReply::default();
        if let Some(tar) = &self.forged {
            reply.files = 1;
            return (reply, tar.clone());
        }
        let mut tar = tar::Builder::new(Vec::new());
        for (path, file) in &self.files {
            let Some(path) = which.path_of(path, file) else {
                continue;
            };
            let size = file.content.len() as u64;
            if reply.files == max_files || reply.bytes + size > max_bytes {
                reply.left_out += 1;
                continue;
            }
            reply.files += 1;
            reply.bytes += size;
            append(&mut tar, path, file);
        }
        (reply, tar.into_inner().expect("memory can be written"))
    }
}

impl Which<'_> {
    /// What a file is called in the tar, if it is to be in it.
    fn path_of<'a>(self, path: &'a str, file: &File) -> Option<&'a str> {
        match self {
            Which::New if file.age == Age::New => Some(path),
            Which::New => None,
            Which::Below(directory) => path.strip_prefix(prefix(directory).as_str()),
        }
    }
}

fn append(tar: &mut tar::Builder<Vec<u8>>, path: &str, file: &File) {
    let mut header = tar::Header::new_gnu();
    header.set_size(file.content.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, path, file.content.as_slice())
        .expect("memory can be written");
}

/// What the paths of everything in a directory begin with.
fn prefix(directory: &str) -> String {
    match directory {
        "" | "." => String::new(),
        _ => format!("{directory}/"),
    }
}
