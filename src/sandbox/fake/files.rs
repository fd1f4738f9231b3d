//! The working directory of a fake sandbox.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::sandbox::FilesReply;

/// Paths and contents; and which of them are new.
#[derive(Debug, Default)]
pub(super) struct Files {
    files: BTreeMap<String, File>,
    forged: Option<Vec<u8>>,
}

#[derive(Debug)]
struct File {
    content: Vec<u8>,
    age: Age,
}

/// Made before the mark, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Old,
    New,
}

impl Files {
    pub(super) fn write(&mut self, path: &str, content: Vec<u8>) {
        let age = Age::New;
        self.files.insert(path.to_owned(), File { content, age });
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

    pub(super) fn unpack(&mut self, tar: &[u8]) -> io::Result<()> {
        for entry in tar::Archive::new(tar).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.display().to_string();
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            self.write(&path, content);
        }
        Ok(())
    }

    pub(super) fn pack(&self, max_files: u32, max_bytes: u64) -> (FilesReply, Vec<u8>) {
        let mut reply = FilesReply {
            files: 0,
            bytes: 0,
            left_out: 0,
        };
        if let Some(tar) = &self.forged {
            reply.files = 1;
            return (reply, tar.clone());
        }
        let mut tar = tar::Builder::new(Vec::new());
        for (path, file) in self.files.iter().filter(|(_, file)| file.age == Age::New) {
            let size = file.content.len() as u64;
            if reply.files == max_files || reply.bytes + size > max_bytes {
                reply.left_out += 1;
                continue;
            }
            reply.files += 1;
            reply.bytes += size;
            let mut header = tar::Header::new_gnu();
            header.set_size(size);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, file.content.as_slice())
                .expect("memory can be written");
        }
        (reply, tar.into_inner().expect("memory can be written"))
    }
}
