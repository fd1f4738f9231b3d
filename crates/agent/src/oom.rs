//! Whom the out-of-memory killer takes first: what this program starts, and itself last.
//!
//! The sandbox's memory is also used up by what belongs to no process (files in memory, shared segments), and code can
//! lower its own score again, as far as the engine lets it. So the agent goes as far down as anybody in the sandbox can.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::ops::RangeInclusive;

const SCORE: &str = "/proc/self/oom_score_adj";

/// What a score can be.
const SCORES: RangeInclusive<i32> = -1000..=1000;

/// Makes this process the first to be killed. What it starts inherits that.
pub(crate) fn come_first() -> io::Result<()> {
    fs::write(SCORE, SCORES.end().to_string())
}

/// Gives this process the lowest score that it may have. To be called while it is dumpable: later the file is not its own.
pub(crate) fn come_last() -> io::Result<()> {
    let mut score = OpenOptions::new().write(true).open(SCORE)?;
    // How low is not said anywhere. A refusal costs a microsecond.
    for lowest in SCORES {
        match score.write_all(lowest.to_string().as_bytes()) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
