//! A tar, into a folder.
//!
//! Only regular files and folders, only below the folder. What has a file's name before is replaced, not
//! written to: it could be a link, or open elsewhere. No size is checked: the sandbox's file systems are capped.

use std::ffi::{CString, OsStr};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use tar::{Archive, Entry, EntryType};

use super::FilesError;
use super::folder::{self, Folder};

/// Folders within folders at most. Each is open while those below it are looked at.
const DEEPEST: usize = 64;

/// The rights of a new file that the tar does not need to give.
const OWNER: u32 = 0o600;

/// Unpacks the tar; says how many regular files it held. What was unpacked before an error stays.
pub(super) fn unpack(root: &Folder, tar: impl Read) -> Result<u32, FilesError> {
    let mut archive = Archive::new(tar);
    let mut files = 0_u32;
    for entry in archive.entries().map_err(FilesError::Tar)? {
        let mut entry = entry.map_err(FilesError::Tar)?;
        let path = entry.path().map_err(FilesError::Tar)?.into_owned();
        let names = names(&path)?;
        match entry.header().entry_type() {
            EntryType::Directory => drop(make_folders(root, &names, &path)?),
            EntryType::Regular | EntryType::Continuous => {
                write(root, &names, &path, &mut entry)?;
                files = files.saturating_add(1);
            }
            // Of `git archive`: the commit, as a comment.
            EntryType::XGlobalHeader => {}
            _ => {
                return Err(FilesError::NotAllowed {
                    path,
                    reason: "neither a regular file nor a folder",
                });
            }
        }
    }
    Ok(files)
}

/// The names on the way, if it leads down.
fn names(path: &Path) -> Result<Vec<CString>, FilesError> {
    let not_allowed = |reason| FilesError::NotAllowed {
        path: path.to_owned(),
        reason,
    };
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(self::name(name, path)?),
            Component::CurDir => {}
            Component::ParentDir => return Err(not_allowed("leads upwards")),
            Component::RootDir | Component::Prefix(_) => return Err(not_allowed("is absolute")),
        }
    }
    if names.len() > DEEPEST {
        Err(not_allowed("too deep"))
    } else {
        Ok(names)
    }
}

fn name(name: &OsStr, path: &Path) -> Result<CString, FilesError> {
    folder::name(name).map_err(|error| FilesError::refused(path, error))
}

fn make_folders(
    root: &Folder,
    names: &[CString],
    path: &Path,
) -> Result<Option<Folder>, FilesError> {
    let mut deepest = None;
    for name in names {
        let above = deepest.as_ref().unwrap_or(root);
        deepest = Some(
            above
                .make_folder(name)
                .map_err(|error| FilesError::refused(path, error))?,
        );
    }
    Ok(deepest)
}

fn write(
    root: &Folder,
    names: &[CString],
    path: &Path,
    entry: &mut Entry<'_, impl Read>,
) -> Result<(), FilesError> {
    let Some((name, folders)) = names.split_last() else {
        return Err(FilesError::NotAllowed {
            path: path.to_owned(),
            reason: "a file without a name",
        });
    };
    let folder = make_folders(root, folders, path)?;
    let mode = entry.header().mode().unwrap_or(0o644) & 0o777 | OWNER;
    let file = folder.as_ref().unwrap_or(root).make_file(name, mode);
    let mut file = file.map_err(|error| FilesError::refused(path, error))?;
    io::copy(entry, &mut file)
        .map(drop)
        .map_err(|error| explain(path, error))
}

/// Tells an error of the file system from one of the tar: only the former has a number.
fn explain(path: &Path, error: io::Error) -> FilesError {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(_) => FilesError::refused(PathBuf::from(path), error),
        None => FilesError::Tar(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use cellblock_link::request::FailureKind;
    use tar::{Builder, Header};

    use super::*;

    fn unpack(directory: &Path, tar: impl Read) -> Result<u32, FilesError> {
        super::unpack(&Folder::make(directory)?, tar)
    }

    /// A tar of entries that a builder would not write: its names are taken as they are.
    fn tar(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (kind, name, contents) in entries {
            let mut header = Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o640);
            header.set_size(contents.len() as u64);
            header.set_cksum();
            builder.append(&header, contents.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn file<'a>(name: &'a str, contents: &'a str) -> (EntryType, &'a str, &'a str) {
        (EntryType::Regular, name, contents)
    }

    #[test]
    fn files_and_folders_are_unpacked() {
        let outer = tempfile::tempdir().unwrap();
        let directory = outer.path().join("made/if need be");
        let tar = tar(&[
            file("a", "1"),
            (EntryType::Directory, "b/", ""),
            file("./b/c/d", "2"),
        ]);
        assert_eq!(unpack(&directory, &tar[..]).unwrap(), 2);
        assert_eq!(fs::read_to_string(directory.join("a")).unwrap(), "1");
        assert_eq!(fs::read_to_string(directory.join("b/c/d")).unwrap(), "2");
        let mode = fs::metadata(directory.join("a"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn nothing_but_files_and_folders_below_is_accepted() {
        let outer = tempfile::tempdir().unwrap();
        let directory = outer.path().join("inside");
        let bad = [
            file("../escaped", "x"),
            file("/tmp/cellblock-escaped", "x"),
            file("a/../../escaped", "x"),
            file("", "x"),
            (EntryType::Symlink, "link", ""),
            (EntryType::Link, "link", ""),
            (EntryType::Fifo, "pipe", ""),
            (EntryType::Char, "device", ""),
            (EntryType::Block, "device", ""),
            (EntryType::GNUSparse, "sparse", ""),
            (EntryType::Directory, "../folder", ""),
        ];
        for entry in bad {
            let error = unpack(&directory, &tar(&[entry])[..]).unwrap_err();
            assert!(
                matches!(error, FilesError::NotAllowed { .. } | FilesError::Tar(_)),
                "{entry:?}: {error}"
            );
        }
        let deep = tar(&[file(&"a/".repeat(49).to_string(), "")]);
        assert!(unpack(&directory, &deep[..]).is_ok());
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
        assert!(!Path::new("/tmp/cellblock-escaped").exists());
    }

    #[test]
    fn links_that_user_code_made_are_not_followed() {
        let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(elsewhere.path().join("file"), "kept").unwrap();
        symlink(elsewhere.path(), directory.path().join("folder")).unwrap();
        symlink(elsewhere.path().join("file"), directory.path().join("file")).unwrap();
        assert!(unpack(directory.path(), &tar(&[file("folder/new", "x")])[..]).is_err());
        unpack(directory.path(), &tar(&[file("file", "new")])[..]).unwrap();
        assert_eq!(
            fs::read_to_string(directory.path().join("file")).unwrap(),
            "new"
        );
        assert_eq!(
            fs::read_to_string(elsewhere.path().join("file")).unwrap(),
            "kept"
        );
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_pipe_in_the_way_does_not_block() {
        let directory = tempfile::tempdir().unwrap();
        nix::unistd::mkfifo(
            &directory.path().join("file"),
            nix::sys::stat::Mode::S_IRWXU,
        )
        .unwrap();
        unpack(directory.path(), &tar(&[file("file", "new")])[..]).unwrap();
        assert_eq!(
            fs::read_to_string(directory.path().join("file")).unwrap(),
            "new"
        );
    }

    #[test]
    fn a_tar_that_is_cut_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let whole = tar(&[file("a", &"x".repeat(2000))]);
        for length in [1, 100, 511, 513, 1500] {
            let error = unpack(directory.path(), &whole[..length]).unwrap_err();
            assert!(matches!(error, FilesError::Tar(_)), "{length}: {error}");
        }
    }

    #[test]
    fn the_system_s_own_files_are_refused() {
        let error = Folder::open(Path::new("/proc/self")).unwrap_err();
        assert_eq!(error.kind(), FailureKind::NoPermission, "{error}");
        let root = Folder::open(Path::new("/")).unwrap();
        assert_eq!(root.folder(c"proc").unwrap_err(), Errno::EACCES);
    }

    #[test]
    fn a_full_file_system_is_told() {
        let error = explain(Path::new("a"), Errno::ENOSPC.into());
        assert!(
            error.to_string().starts_with("a: No space left on device"),
            "{error}"
        );
    }
}
