//! `cellblock shell`: a session in the terminal, through the API of a running service.
//!
//! ```text
//! lines       reads code: history, and more lines until the kernel says that it is complete
//! connection  makes the session, and carries messages over the kernel's WebSocket
//! show        prints what comes; images are saved and named
//! ```
//!
//! Ctrl-C interrupts running code, and clears a line that is being written. Ctrl-D ends the shell, and with it the session,
//! unless that was there before or is to be kept.

mod connection;
mod lines;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::connection::{Connection, Heard, Server};
use self::lines::{Line, Lines};
use self::show::Show;

/// How `cellblock shell` is called.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the service is
    #[arg(long, env = "CELLBLOCK_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The API key, where the service wants one
    #[arg(long, env = "CELLBLOCK_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// The environment
    #[arg(long = "env", short, default_value = "python")]
    environment: String,
    /// Go on with a session that is there, by its id; it is kept
    #[arg(long, conflicts_with = "environment")]
    session: Option<String>,
    /// Keep the session when the shell ends
    #[arg(long)]
    keep: bool,
    /// Where images are saved
    #[arg(long, default_value = ".")]
    images: PathBuf,
}

/// What becomes of the session when the shell ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Afterwards {
    Kept,
    Ended,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let server = Server::new(&arguments.url, arguments.api_key)?;
    let (session, afterwards) = match arguments.session {
        Some(session) => (session, Afterwards::Kept),
        None => (
            server.create(&arguments.environment).await?,
            afterwards(arguments.keep),
        ),
    };
    let mut lines = Lines::open()?;
    let outcome = match server.connect(&session).await {
        Ok(connection) => converse(connection, &mut lines, Show::new(arguments.images)).await,
        Err(error) => Err(error),
    };
    lines.save();
    match afterwards {
        Afterwards::Ended => server.end(&session).await?,
        Afterwards::Kept => eprintln!("the session is kept: cellblock shell --session {session}"),
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

fn afterwards(keep: bool) -> Afterwards {
    if keep {
        Afterwards::Kept
    } else {
        Afterwards::Ended
    }
}

/// One piece of code after the other, until there is no more.
async fn converse(
    mut connection: Connection,
    lines: &mut Lines,
    mut show: Show,
) -> anyhow::Result<()> {
    let mut count = 1;
    loop {
        let Some(code) = read_code(&mut connection, lines, count).await? else {
            return Ok(());
        };
        if code.trim().is_empty() {
            continue;
        }
        lines.remember(&code);
        count = run_code(&mut connection, lines, &mut show, &code)
            .await?
            .map_or(count, |count| count + 1);
    }
}

/// Code that the kernel takes for complete; None: there is no more.
async fn read_code(
    connection: &mut Connection,
    lines: &mut Lines,
    count: u64,
) -> anyhow::Result<Option<String>> {
    let mut code = String::new();
    loop {
        let prompt = match code.is_empty() {
            true => format!("In [{count}]: "),
            false => format!("{:>1$} ", "...:", format!("In [{count}]:").len()),
        };
        match lines.read(&prompt).await? {
            Line::Text(line) => {
                let blank = line.trim().is_empty();
                code.push_str(&line);
                code.push('\n');
                if blank || connection.is_complete(&code).await? {
                    return Ok(Some(code));
                }
            }
            Line::Cleared => code.clear(),
            Line::End if code.is_empty() => return Ok(None),
            Line::End => return Ok(Some(code)),
        }
    }
}

/// Has the code run; the kernel's count.
async fn run_code(
    connection: &mut Connection,
    lines: &mut Lines,
    show: &mut Show,
    code: &str,
) -> anyhow::Result<Option<u64>> {
    connection.execute(code).await?;
    loop {
        let heard = tokio::select! {
            heard = connection.hear() => heard?,
            _ = tokio::signal::ctrl_c() => {
                connection.interrupt().await?;
                continue;
            }
        };
        match heard {
            Heard::Output(kind, content) => show.output(&kind, &content)?,
            Heard::Question { prompt, header } => match lines.read(&prompt).await? {
                Line::Text(line) => connection.answer(&header, &line).await?,
                Line::Cleared => connection.interrupt().await?,
                Line::End => connection.answer(&header, "\u{4}").await?,
            },
            Heard::Ended(words) => eprintln!("{words}"),
            Heard::Done(count) => return Ok(count),
        }
    }
}
