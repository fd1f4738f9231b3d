//! A copy of what is in a sandbox, in the same one or in another.

use crate::http::held::{Held, problem, unread};
use crate::http::problem::Problem;
use crate::http::sessions::{MAX_TAR, MAX_TAR_FILES};
use crate::sandbox::SandboxError;

/// Copies a file within a sandbox or from one to another, through no more memory than it takes to pass it on.
///
/// # Errors
///
/// When it cannot be read, or written.
pub async fn copy_file(from: Held, path: &str, held: &Held, to: &str) -> Result<(), Problem> {
    let (_, bytes) = from.ask(from.sandbox().read_file(path, None)).await?;
    let bytes = Box::new(from.reading(bytes));
    let written = held.until_end(held.sandbox().write_file(to, bytes)).await?;
    written.map(drop).map_err(broken_off)
}

/// Copies the regular files of a directory, and their folders.
///
/// # Errors
///
/// As [`copy_file`].
pub async fn copy_directory(from: Held, path: &str, held: &Held, to: &str) -> Result<(), Problem> {
    let sandbox = held.sandbox();
    held.ask(sandbox.make_directory(to)).await?;
    let packed = from
        .sandbox()
        .get_directory(path, MAX_TAR_FILES, MAX_TAR.as_u64());
    let (_, tar) = from.ask(packed).await?;
    let tar = Box::new(from.reading(tar));
    let put = held.until_end(sandbox.put_files(to, tar)).await?;
    put.map_err(broken_off)
}

fn broken_off(error: SandboxError) -> Problem {
    match error {
        SandboxError::Content(error) => unread(error),
        error => problem(error),
    }
}
