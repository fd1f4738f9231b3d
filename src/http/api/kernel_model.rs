//! A kernel, as Jupyter Server describes one.

use jiff::Timestamp;
use serde::Serialize;

use super::kernel_name::kernel_name;
use crate::service::session::{Session, SessionView};

/// A kernel.
#[derive(Debug, Serialize)]
pub struct KernelModel {
    id: String,
    /// Of its kernelspec.
    name: String,
    last_activity: String,
    execution_state: &'static str,
    connections: usize,
}

impl KernelModel {
    /// That of a session.
    pub fn of(session: &Session) -> Self {
        Self::of_view(&session.view())
    }

    /// That of a session that was looked at already.
    pub fn of_view(view: &SessionView) -> Self {
        Self {
            id: view.id.to_string(),
            name: kernel_name(&view.environment).to_owned(),
            last_activity: time(view.last_activity),
            execution_state: view.state.as_jupyter(),
            connections: view.connections,
        }
    }
}

/// With a fraction, always: Jupyter's own client reads no other.
pub fn time(time: Timestamp) -> String {
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_fraction_even_of_nothing() {
        assert_eq!(time(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
    }
}
