//! An execution as server-sent events: one event an output as it comes, a comment as keep-alive, a last `result`.
//!
//! The execution is a task of the stream's: its deadline holds also while the client does not read. A client that closes the
//! connection drops the stream, and with it the execution and its sandbox.
//! What goes wrong on our side before anything was sent is answered with its own status, as without a stream; after
//! that it is a last event `problem`.

use std::mem;
use std::panic::resume_unwind;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::Value;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::ExecuteAnswer;
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;
use crate::service::execution::watch::{OutputEvent, OutputEvents};

/// The pause between two keep-alives. Proxies cut connections that are silent for half a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// How long an answer's status waits for a problem: that there is no place is known at once.
const KNOWN_SOON: Duration = Duration::from_millis(250);

/// What an execution comes to.
pub type Outcome = Result<ExecuteAnswer, Problem>;

/// An execution that is watched.
pub struct Watched {
    state: State,
    outputs: OutputEvents,
    request_id: RequestId,
}

enum State {
    Running(AbortOnDropHandle<Outcome>),
    Ended(Box<Outcome>),
    Told,
}

/// What comes next of it.
enum Next {
    Output(OutputEvent),
    Outcome(Box<Outcome>),
}

impl Watched {
    /// `outputs` are those of `execution`.
    pub fn new(
        execution: impl Future<Output = Outcome> + Send + 'static,
        outputs: OutputEvents,
        request_id: RequestId,
    ) -> Watched {
        Watched {
            state: State::Running(AbortOnDropHandle::new(tokio::spawn(execution))),
            outputs,
            request_id,
        }
    }

    /// The answer.
    pub async fn answer(mut self) -> Response {
        let first = match timeout(KNOWN_SOON, self.next()).await {
            Ok(Some(Next::Outcome(outcome))) => match *outcome {
                Err(problem) => return problem.into_response(),
                Ok(answer) => Some(Next::Outcome(Box::new(Ok(answer)))),
            },
            Ok(next) => next,
            Err(_) => None,
        };
        let rest = stream::unfold((first, self), |(first, mut watched)| async move {
            let next = match first {
                Some(next) => next,
                None => watched.next().await?,
            };
            let event = watched.event(next);
            Some((event, (None, watched)))
        });
        let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
        Sse::new(rest).keep_alive(keep_alive).into_response()
    }

    /// Outputs in their order, then the outcome, then nothing. Cancel-safe.
    async fn next(&mut self) -> Option<Next> {
        while let State::Running(execution) = &mut self.state {
            tokio::select! {
                biased;
                Some(output) = self.outputs.recv() => return Some(Next::Output(output)),
                outcome = execution => {
                    // Nothing else aborts it.
                    let outcome = outcome.unwrap_or_else(|error| resume_unwind(error.into_panic()));
                    self.state = State::Ended(Box::new(outcome));
                }
            }
        }
        if let Ok(output) = self.outputs.try_recv() {
            return Some(Next::Output(output));
        }
        match mem::replace(&mut self.state, State::Told) {
            State::Ended(outcome) => Some(Next::Outcome(outcome)),
            State::Running(_) | State::Told => None,
        }
    }

    fn event(&self, next: Next) -> Result<Event, axum::Error> {
        match next {
            Next::Output(output) => Event::default()
                .event(&output.kind)
                .json_data(as_output(output)),
            Next::Outcome(outcome) => match *outcome {
                Ok(answer) => Event::default().event("result").json_data(answer),
                Err(problem) => Event::default()
                    .event("problem")
                    .json_data(problem.document(&self.request_id)),
            },
        }
    }
}

/// As nbformat has outputs: the kind is in it.
fn as_output(OutputEvent { kind, mut content }: OutputEvent) -> Value {
    if let Value::Object(fields) = &mut content {
        fields.insert("output_type".to_owned(), kind.into());
    }
    content
}
