//! `/jupyter/sessions/{id}/files/…`: the files of a living sandbox, below its working directory.
//!
//! ```text
//! entry       what is known of a file or directory
//! read        GET: bytes, a listing, or a tar
//! write       PUT: bytes, or a tar to unpack
//! delete      DELETE
//! format      whether a tar is meant
//! ```

pub mod delete;
mod entry;
mod format;
pub mod read;
pub mod write;
