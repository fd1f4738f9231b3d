//! What a notebook would show of an execution right now.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::ansi;
use super::content::{Bundle, Raised};

/// One output.
#[derive(Debug)]
pub(super) enum Shown {
    Stream {
        name: String,
        text: String,
    },
    Display {
        data: Bundle,
        metadata: Bundle,
    },
    Result {
        data: Bundle,
        metadata: Bundle,
        execution_count: Option<u64>,
    },
    Error(Raised),
}

/// The outputs in order, and which of them can be updated.
#[derive(Debug, Default)]
pub(super) struct Cell {
    outputs: Vec<Shown>,
    /// Places in `outputs` by display id: an update must not cost a walk over all of them.
    displays: HashMap<String, Vec<usize>>,
    clears: Clears,
}

/// What happens before the next output.
#[derive(Debug, Default, PartialEq, Eq)]
enum Clears {
    #[default]
    Nothing,
    Everything,
}

impl Cell {
    /// Takes an output, behind those that are there.
    pub fn push(&mut self, output: Shown, display_id: Option<String>) {
        self.clear_if_due();
        if let Some(display_id) = display_id {
            let place = self.outputs.len();
            self.displays.entry(display_id).or_default().push(place);
        }
        self.outputs.push(output);
    }

    /// The text of the stream output that more text of this stream belongs to.
    pub fn last_stream(&mut self, name: &str) -> Option<&mut String> {
        self.clear_if_due();
        match self.outputs.last_mut() {
            Some(Shown::Stream { name: last, text }) if last == name => Some(text),
            _ => None,
        }
    }

    /// How many outputs an update to this display would change.
    pub fn count(&self, display_id: &str) -> usize {
        self.displays.get(display_id).map_or(0, Vec::len)
    }

    /// Changes every output of a display.
    pub fn update(&mut self, display_id: &str, new_data: &Bundle, new_metadata: &Bundle) {
        for &place in self.displays.get(display_id).into_iter().flatten() {
            match &mut self.outputs[place] {
                Shown::Display { data, metadata } | Shown::Result { data, metadata, .. } => {
                    data.clone_from(new_data);
                    metadata.clone_from(new_metadata);
                }
                Shown::Stream { .. } | Shown::Error(_) => {}
            }
        }
    }

    pub fn clear(&mut self) {
        self.outputs.clear();
        self.displays.clear();
        self.clears = Clears::Nothing;
    }

    pub fn clear_before_next(&mut self) {
        self.clears = Clears::Everything;
    }

    fn clear_if_due(&mut self) {
        match self.clears {
            Clears::Nothing => {}
            Clears::Everything => self.clear(),
        }
    }

    /// The texts of all outputs; each begins on a line of its own.
    pub fn text(&self) -> String {
        let mut joined = String::new();
        for output in &self.outputs {
            if !joined.is_empty() && !joined.ends_with('\n') {
                joined.push('\n');
            }
            match output {
                Shown::Stream { text, .. } => joined.push_str(text),
                Shown::Display { data, .. } | Shown::Result { data, .. } => {
                    joined.push_str(data.get("text/plain").and_then(Value::as_str).unwrap_or(""));
                }
                Shown::Error(raised) => joined.push_str(&traceback(raised)),
            }
        }
        joined.trim().to_owned()
    }

    /// As nbformat has them. Moved, not copied: pictures are large.
    pub fn into_outputs(self) -> Vec<Value> {
        self.outputs.into_iter().map(into_nbformat).collect()
    }
}

/// The traceback without ANSI codes. Kernels that send none still say what was raised.
pub(super) fn traceback(raised: &Raised) -> String {
    if raised.traceback.is_empty() {
        ansi::strip(&format!("{}: {}", raised.ename, raised.evalue))
    } else {
        ansi::strip(&raised.traceback.join("\n"))
    }
}

fn into_nbformat(output: Shown) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    match output {
        Shown::Stream { name, text } => {
            put("output_type", "stream".into());
            put("name", name.into());
            put("text", text.into());
        }
        Shown::Display { data, metadata } => {
            put("output_type", "display_data".into());
            put("data", data.into());
            put("metadata", metadata.into());
        }
        Shown::Result {
            data,
            metadata,
            execution_count,
        } => {
            put("output_type", "execute_result".into());
            put("data", data.into());
            put("metadata", metadata.into());
            put("execution_count", execution_count.into());
        }
        Shown::Error(raised) => {
            put("output_type", "error".into());
            put("ename", raised.ename.into());
            put("evalue", raised.evalue.into());
            put("traceback", raised.traceback.into());
        }
    }
    Value::Object(fields)
}
