//! Folding iopub messages into what a notebook would show.
//!
//! ```text
//! stream               joins the output before it if that is the same stream; \r and \b stay as they came
//! display_data         an output; with a display_id one that can be updated
//! execute_result       the same, with the kernel's count
//! update_display_data  changes every earlier output of that display_id
//! error                an output, and what the code raised
//! clear_output         takes the outputs away: at once, or when the next one comes
//! execute_input        tells the kernel's count
//! ```
//!
//! The limit counts everything that was ever kept, and something for each output, so that neither a million
//! empty outputs nor an endless loop of print and clear gets past it: `clear_output` gives nothing back.

mod ansi;
mod budget;
mod content;
mod shown;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{MessageView, weight};
use budget::Budget;
use content::{Clear, Display, Input, Raised, Reply, Stream};
use shown::{Cell, Shown};

/// What an execution printed and drew.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// All text of streams and of `text/plain` results, and the traceback without ANSI codes, joined by
    /// newlines and stripped.
    pub text: String,
    /// Everything on stdout, whether or not it was cleared later.
    pub stdout: String,
    /// Everything on stderr, whether or not it was cleared later.
    pub stderr: String,
    /// nbformat outputs: stream, display_data, execute_result, error.
    pub outputs: Vec<Value>,
    /// What the code raised.
    pub error: Option<RaisedError>,
    /// The kernel's count.
    pub execution_count: Option<u64>,
}

/// An exception of the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedError {
    /// Its class.
    pub name: String,
    /// Its message.
    pub value: String,
    /// The traceback without ANSI codes.
    pub traceback: String,
}

/// More output came than allowed; what fitted is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more output than allowed")]
pub struct OutputLimitReached;

/// What the kernel says of the code in its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replied {
    /// It is done.
    Ok,
    /// It failed, or was aborted, or nobody understands what it says.
    Failed,
}

/// Takes iopub messages of one execution, in order.
#[derive(Debug)]
pub struct OutputFolder {
    budget: Budget,
    cell: Cell,
    stdout: String,
    stderr: String,
    error: Option<RaisedError>,
    /// What the reply says of an error.
    error_in_reply: Option<RaisedError>,
    execution_count: Option<u64>,
}

impl OutputFolder {
    /// Keeps `limit` bytes at most.
    #[must_use]
    pub fn new(limit: u64) -> OutputFolder {
        OutputFolder {
            budget: Budget::new(limit),
            cell: Cell::default(),
            stdout: String::new(),
            stderr: String::new(),
            error: None,
            error_in_reply: None,
            execution_count: None,
        }
    }

    /// Takes one message that belongs to the execution; kinds it does not know are ignored. What is not of the
    /// shape its kind has is skipped, and counts with the bytes it came in.
    ///
    /// # Errors
    ///
    /// Once the limit is passed, from then on always; a stream's text is cut at the limit, at a character
    /// boundary, every other output that does not fit is left out.
    pub fn take(&mut self, message: &MessageView) -> Result<(), OutputLimitReached> {
        self.budget.check()?;
        match message.header.msg_type.as_str() {
            "stream" => self.read(message, Self::stream),
            "display_data" => self.read(message, Self::display),
            "execute_result" => self.read(message, Self::result),
            "update_display_data" => self.read(message, Self::update),
            "error" => self.read(message, Self::raise),
            "clear_output" => self.read(message, Self::clear),
            "execute_input" => self.read(message, Self::input),
            _ => Ok(()),
        }
    }

    /// Takes the reply to the request. Some kernels tell an error there only.
    ///
    /// # Errors
    ///
    /// When the limit is passed with it.
    pub fn take_reply(&mut self, reply: &MessageView) -> Result<Replied, OutputLimitReached> {
        let reply: Reply = reply.light_content().unwrap_or_default();
        if reply.status == "ok" {
            return Ok(Replied::Ok);
        }
        if reply.status == "error" && self.error.is_none() {
            let raised = reply.raised();
            self.budget.take(cost_of_raised(&raised))?;
            self.error_in_reply = Some(told(&raised));
        }
        Ok(Replied::Failed)
    }

    /// What has come of it.
    #[must_use]
    pub fn finish(self) -> Output {
        Output {
            text: self.cell.text(),
            stdout: self.stdout,
            stderr: self.stderr,
            outputs: self.cell.into_outputs(),
            error: self.error.or(self.error_in_reply),
            execution_count: self.execution_count,
        }
    }

    fn read<C: DeserializeOwned>(
        &mut self,
        message: &MessageView,
        fold: fn(&mut Self, C) -> Result<(), OutputLimitReached>,
    ) -> Result<(), OutputLimitReached> {
        self.budget.admit(message.content_weight())?;
        match message.content_as() {
            Some(content) => fold(self, content),
            None => self.budget.take(budget::OUTPUT + message.content_size()),
        }
    }

    fn stream(&mut self, stream: Stream) -> Result<(), OutputLimitReached> {
        if stream.text.is_empty() {
            return Ok(());
        }
        let Stream { name, text } = stream;
        let begun = self.cell.last_stream(&name);
        if begun.is_none() {
            self.budget.take(budget::OUTPUT + name.len() as u64)?;
        }
        let kept = self.budget.take_text(&text);
        match name.as_str() {
            "stdout" => self.stdout.push_str(kept),
            "stderr" => self.stderr.push_str(kept),
            _ => {}
        }
        match begun {
            Some(begun) => begun.push_str(kept),
            None => {
                let text = kept.to_owned();
                self.cell.push(Shown::Stream { name, text }, None);
            }
        }
        self.budget.check()
    }

    fn display(&mut self, display: Display) -> Result<(), OutputLimitReached> {
        self.budget.take(cost_of_display(&display))?;
        let Display { data, metadata, .. } = display;
        let output = Shown::Display { data, metadata };
        self.cell.push(output, display.transient.display_id);
        Ok(())
    }

    fn result(&mut self, display: Display) -> Result<(), OutputLimitReached> {
        self.budget.take(cost_of_display(&display))?;
        let execution_count = display.execution_count.as_u64();
        self.execution_count = execution_count.or(self.execution_count);
        let output = Shown::Result {
            data: display.data,
            metadata: display.metadata,
            execution_count,
        };
        self.cell.push(output, display.transient.display_id);
        Ok(())
    }

    /// Every output of the display gets a copy, and every copy counts.
    fn update(&mut self, display: Display) -> Result<(), OutputLimitReached> {
        let Some(display_id) = &display.transient.display_id else {
            return Ok(());
        };
        let copies = self.cell.count(display_id) as u64;
        let cost = copies.saturating_mul(cost_of_display(&display));
        self.budget.take(cost)?;
        self.cell
            .update(display_id, &display.data, &display.metadata);
        Ok(())
    }

    fn raise(&mut self, raised: Raised) -> Result<(), OutputLimitReached> {
        self.budget.take(cost_of_raised(&raised))?;
        self.error = Some(told(&raised));
        self.cell.push(Shown::Error(raised), None);
        Ok(())
    }

    fn clear(&mut self, clear: Clear) -> Result<(), OutputLimitReached> {
        if clear.wait.unwrap_or(false) {
            self.cell.clear_before_next();
        } else {
            self.cell.clear();
        }
        Ok(())
    }

    fn input(&mut self, input: Input) -> Result<(), OutputLimitReached> {
        self.execution_count = input.execution_count.as_u64().or(self.execution_count);
        Ok(())
    }
}

fn cost_of_display(display: &Display) -> u64 {
    let display_id = display.transient.display_id.as_deref().unwrap_or("");
    let bundles = weight::of_object(&display.data) + weight::of_object(&display.metadata);
    budget::OUTPUT + display_id.len() as u64 + bundles
}

fn cost_of_raised(raised: &Raised) -> u64 {
    let lines = raised.traceback.iter().map(|line| line.len() as u64 + 1);
    let texts = raised.ename.len() + raised.evalue.len();
    budget::OUTPUT + texts as u64 + lines.sum::<u64>()
}

fn told(raised: &Raised) -> RaisedError {
    RaisedError {
        name: raised.ename.clone(),
        value: raised.evalue.clone(),
        traceback: shown::traceback(raised),
    }
}

#[cfg(test)]
mod tests;
