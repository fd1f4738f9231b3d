//! Settings of the log.

/// What is logged, to stderr.
#[derive(Clone, Debug)]
pub struct Log {
    /// Which lines, in the language of `RUST_LOG`. bollard would log whole requests at `debug`.
    pub filter: String,
    /// How they look. `text`.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Log {
        Log {
            filter: "info,bollard=info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
