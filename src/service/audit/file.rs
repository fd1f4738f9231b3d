//! The file of the audit log: lines are whole or not there.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// An open file, and where it was found.
pub(super) struct AuditFile {
    path: PathBuf,
    file: File,
}

impl AuditFile {
    /// Opens it to append, for this user only: what was run is nobody else's business.
    pub(super) fn open(path: &Path) -> io::Result<AuditFile> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let path = path.to_owned();
        Ok(AuditFile { path, file })
    }

    /// Opens what is there now under its path. On an error it stays as it is.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        *self = AuditFile::open(&self.path)?;
        Ok(())
    }

    /// Appends a line. What was written of one that does not fit is taken back, so that it does not spoil the next.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        if written.is_err() {
            // A pipe cannot take it back.
            let _ = self.file.set_len(before);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_user_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        AuditFile::open(&path).unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_there_already_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        for line in ["one", "two"] {
            AuditFile::open(&path).unwrap().write(line).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn a_file_that_cannot_be_opened_anew_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let mut file = AuditFile::open(&inner.join("audit.log")).unwrap();
        let moved = folder.path().join("moved");
        std::fs::rename(&inner, &moved).unwrap();
        file.reopen().unwrap_err();
        file.write("kept").unwrap();
        let text = std::fs::read_to_string(moved.join("audit.log")).unwrap();
        assert_eq!(text, "kept\n");
    }
}
