//! Reading lines in a terminal, with a history that outlives the shell.

use std::path::PathBuf;

use anyhow::Context;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use tokio::task::spawn_blocking;

/// What was written.
pub(super) enum Line {
    /// A line, without its end.
    Text(String),
    /// Ctrl-C.
    Cleared,
    /// Ctrl-D, or the end of a pipe.
    End,
}

/// Reads lines.
pub(super) struct Lines {
    /// None only while a line is being read.
    editor: Option<DefaultEditor>,
    history: Option<PathBuf>,
}

impl Lines {
    pub(super) fn open() -> anyhow::Result<Lines> {
        let mut editor = DefaultEditor::new().context("the terminal")?;
        let history = history_file();
        if let Some(history) = &history {
            // The first time there is none.
            let _ = editor.load_history(history);
        }
        Ok(Lines {
            editor: Some(editor),
            history,
        })
    }

    /// Waits for a line.
    pub(super) async fn read(&mut self, prompt: &str) -> anyhow::Result<Line> {
        let mut editor = self.editor.take().expect("one line is read at a time");
        let prompt = prompt.to_owned();
        let (editor, line) = spawn_blocking(move || {
            let line = editor.readline(&prompt);
            (editor, line)
        })
        .await?;
        self.editor = Some(editor);
        match line {
            Ok(line) => Ok(Line::Text(line)),
            Err(ReadlineError::Interrupted) => Ok(Line::Cleared),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(error).context("the terminal"),
        }
    }

    /// For the arrow keys.
    pub(super) fn remember(&mut self, code: &str) {
        if let Some(editor) = &mut self.editor {
            // Without it, the shell works as well.
            let _ = editor.add_history_entry(code.trim_end());
        }
    }

    /// Keeps the history for the next shell.
    pub(super) fn save(&mut self) {
        let (Some(editor), Some(history)) = (&mut self.editor, &self.history) else {
            return;
        };
        let directory = history.parent().expect("it is a file in a directory");
        let saved = std::fs::create_dir_all(directory)
            .map_err(ReadlineError::from)
            .and_then(|()| editor.save_history(history));
        if let Err(error) = saved {
            eprintln!(
                "the history was not saved in {}: {error}",
                history.display()
            );
        }
    }
}

/// `$XDG_STATE_HOME/cellblock/history`, else `~/.local/state/cellblock/history`.
fn history_file() -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("cellblock/history"))
}
