//! What is kept of a file beside its bytes: `record.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FileName, Owner};

/// Everything that cannot be told from the file's name and bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub owner: Owner,
    pub filename: FileName,
    /// Bytes.
    pub size: u64,
    pub stored_at: Timestamp,
    pub expires_at: Timestamp,
}
