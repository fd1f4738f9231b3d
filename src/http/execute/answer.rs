//! What an execution's answer looks like.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::request_id::RequestId;
use crate::service::execution::result::{ExecutionResult, Status, Timing};
use crate::service::files::StoredFile;

/// What came of an execution. The first five fields are those of the earlier service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExecuteAnswer {
    /// Everything that was printed, the text of results, and the traceback if the code raised: joined by newlines, stripped.
    #[schema(example = "hello")]
    output: String,
    /// `false` if the code ran to its end, `true` if it raised, else a sentence that says why it ended.
    #[schema(value_type = ErrorAnswer)]
    error: ErrorAnswer,
    /// Whether the code ran past its timeout.
    timedout: bool,
    /// What the code created or changed in its working directory; null if nothing.
    files: Option<Vec<CreatedFile>>,
    /// The traceback without ANSI codes; null if the code did not raise.
    stacktrace: Option<String>,
    /// How the execution ended.
    status: StatusAnswer,
    /// Everything on stdout.
    #[schema(example = "hello\n")]
    stdout: String,
    /// Everything on stderr.
    stderr: String,
    /// What a notebook would show, as nbformat outputs: stream, display_data, execute_result, error. Images are base64.
    #[schema(value_type = Vec<Object>)]
    outputs: Vec<Value>,
    /// The kernel's count.
    execution_count: Option<u64>,
    /// What the log calls this request.
    request_id: String,
    /// All of it, in whole milliseconds.
    #[schema(example = 21)]
    duration_ms: u64,
    /// Where the time went, to the microsecond.
    timing_ms: TimingAnswer,
    /// What the sandbox used.
    usage: UsageAnswer,
    /// Created files that were not kept: too many, too large, or not regular files.
    files_left_out: u64,
}

/// Whether something went wrong, or what.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum ErrorAnswer {
    /// `true`: the code raised. `false`: it ran to its end.
    Raised(bool),
    /// Why it ended.
    Because(String),
}

/// A file that the code created or changed.
#[derive(Debug, Serialize, ToSchema)]
struct CreatedFile {
    /// Its name in the working directory.
    #[schema(example = "plot.png")]
    filename: String,
    /// Where it can be fetched, until it expires. Whoever has the url can.
    url: String,
    /// Bytes.
    size: u64,
    /// From its extension.
    #[schema(example = "image/png")]
    content_type: String,
    /// When it is gone.
    #[schema(value_type = String, format = DateTime)]
    expires_at: jiff::Timestamp,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Status)]
enum StatusAnswer {
    /// The code ran to its end.
    Ok,
    /// The code raised.
    Error,
    /// The code ran past its timeout.
    Timeout,
    /// The sandbox's memory ran out.
    OutOfMemory,
    /// More output than allowed.
    OutputLimit,
    /// The kernel died.
    Killed,
    /// The client went away.
    Cancelled,
}

/// Where an execution's time went, in milliseconds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Timing)]
struct TimingAnswer {
    /// Installing packages: near zero where they were there.
    install: f64,
    /// Waiting for a place.
    queue: f64,
    /// Getting a sandbox: near zero when the pool had one.
    start: f64,
    /// Files in.
    copy_in: f64,
    /// The code.
    run: f64,
    /// Files out.
    copy_out: f64,
}

/// What the sandbox used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
struct UsageAnswer {
    /// CPU time of all its processes.
    cpu_ms: u64,
    /// The most memory that was in use.
    peak_memory_bytes: u64,
}

impl ExecuteAnswer {
    /// Of a result; `timeout` is the request's, `url` says where a file can be fetched.
    pub fn new(
        result: ExecutionResult,
        timeout: Duration,
        request_id: &RequestId,
        url: impl Fn(&StoredFile) -> String,
    ) -> Self {
        let file = |file: &StoredFile| CreatedFile {
            filename: file.filename.to_string(),
            url: url(file),
            size: file.size,
            content_type: file.content_type.clone(),
            expires_at: file.expires_at,
        };
        let files: Vec<_> = result.files.iter().map(file).collect();
        let output = result.output;
        Self {
            output: output.text,
            error: error(result.status, timeout),
            timedout: result.status == Status::Timeout,
            files: (!files.is_empty()).then_some(files),
            stacktrace: output.error.map(|raised| raised.traceback),
            status: result.status.into(),
            stdout: output.stdout,
            stderr: output.stderr,
            outputs: output.outputs,
            execution_count: output.execution_count,
            request_id: request_id.to_string(),
            duration_ms: total(&result.timing).as_secs_f64().mul_add(1000.0, 0.5) as u64,
            timing_ms: result.timing.into(),
            usage: UsageAnswer {
                cpu_ms: result.usage.cpu_ms,
                peak_memory_bytes: result.usage.peak_memory_bytes,
            },
            files_left_out: result.files_left_out,
        }
    }
}

fn error(status: Status, timeout: Duration) -> ErrorAnswer {
    let because = |words: &str| ErrorAnswer::Because(words.to_owned());
    match status {
        Status::Ok => ErrorAnswer::Raised(false),
        Status::Error => ErrorAnswer::Raised(true),
        Status::Timeout => {
            let timeout = humantime::format_duration(timeout);
            ErrorAnswer::Because(format!(
                "The code ran longer than its timeout of {timeout}."
            ))
        }
        Status::OutOfMemory => because("The code used more memory than the sandbox has."),
        Status::OutputLimit => because("The code printed or drew more than is allowed."),
        Status::Killed => because("The kernel died before the code ended."),
        Status::Cancelled => because("The execution was cancelled."),
    }
}

impl From<Status> for StatusAnswer {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Self::Ok,
            Status::Error => Self::Error,
            Status::Timeout => Self::Timeout,
            Status::OutOfMemory => Self::OutOfMemory,
            Status::OutputLimit => Self::OutputLimit,
            Status::Killed => Self::Killed,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Timing> for TimingAnswer {
    fn from(timing: Timing) -> Self {
        Self {
            install: milliseconds(timing.install),
            queue: milliseconds(timing.queue),
            start: milliseconds(timing.start),
            copy_in: milliseconds(timing.copy_in),
            run: milliseconds(timing.run),
            copy_out: milliseconds(timing.copy_out),
        }
    }
}

fn total(timing: &Timing) -> Duration {
    timing.install + timing.queue + timing.start + timing.copy_in + timing.run + timing.copy_out
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
