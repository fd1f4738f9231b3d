//! What a session's kernel is doing, as its clients are told.
//!
//! ```text
//!              ┌──────────── restart ────────────┐
//!              ▼                                 │
//!  ready ──► idle ⇄ busy ──► (ends by itself) ──► restarting ──► dead ──► (restart)
//!              │      │                            too often
//!              └──────┴── link lost ──► unreachable ──► as it was
//!
//!  every state ──► ended          deleted, expired, its container gone
//! ```

/// What a session's kernel is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It waits for code.
    Idle,
    /// It runs code.
    Busy,
    /// It is being started anew.
    Restarting,
    /// Its process ended, too often to be started anew by itself.
    Dead,
    /// The engine, or the link, is away; it is being looked for.
    Unreachable,
    /// The session is over. There is no way back.
    Ended,
}

impl State {
    /// What to believe of a kernel that is reached (again) and was like this before. What it said meanwhile follows: one of
    /// which nothing is known and that says nothing waits for code.
    pub(super) fn or_idle(self) -> State {
        match self {
            State::Unreachable => State::Idle,
            State::Idle | State::Busy | State::Restarting | State::Dead | State::Ended => self,
        }
    }

    /// In the words of Jupyter's `execution_state`.
    #[must_use]
    pub fn as_jupyter(self) -> &'static str {
        match self {
            State::Idle => "idle",
            State::Busy => "busy",
            State::Restarting => "restarting",
            State::Unreachable => "reconnecting",
            State::Dead | State::Ended => "dead",
        }
    }
}
