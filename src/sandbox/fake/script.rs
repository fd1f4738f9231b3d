//! The tiny language of fake kernels: a step a line.
//!
//! | step | does |
//! |---|---|
//! | `print TEXT`, `stderr TEXT` | prints a line |
//! | `result TEXT` | gives a result |
//! | `display TYPE BASE64` | draws |
//! | `sleep 10s` | waits |
//! | `loop` | prints `x` every millisecond, for ever |
//! | `flood` | prints as fast as it can, for ever |
//! | `hang` | waits for ever and hears no interrupt |
//! | `raise NAME: TEXT` | raises |
//! | `input PROMPT` | asks for a line and prints it; raises `EOFError` for the end of input |
//! | `write PATH TEXT`, `read PATH` | writes a file, prints one |
//! | `forge HEX` | makes the answer to the next request for files these bytes |
//! | `variable NAME` | prints an environment variable |
//! | `where` | prints environment, memory, processors and working directory |
//! | `silent` | from now on the kernel does not say when it is idle |
//! | `gap` | makes the link lose messages |
//! | `connect HOST:PORT TEXT` | says the text to that host, and prints what it hears or the proxy's refusal; raises `ConnectionError` where there is no network |
//! | `exit` | ends the kernel's process |
//! | `oom` | has the out-of-memory killer end it |
//! | `stall` | makes the sandbox answer nothing any more |
//! | `die` | makes the sandbox unreachable |

use std::time::Duration;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Stream { name: &'static str, text: String },
    Result(String),
    Display { kind: String, content: String },
    Sleep(Duration),
    Loop,
    Flood,
    Hang,
    Raise { name: String, text: String },
    Input(String),
    Write { path: String, text: String },
    Read(String),
    Forge(Vec<u8>),
    Variable(String),
    Connect { to: String, text: String },
    Where,
    Silent,
    Gap,
    Exit,
    Oom,
    Stall,
    Die,
}

/// The step that a line means. The error is for `SyntaxError`.
pub(super) fn parse(line: &str) -> Result<Step, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.to_owned();
    Ok(match verb {
        "print" => stream("stdout", &rest),
        "stderr" => stream("stderr", &rest),
        "result" => Step::Result(rest),
        "display" => two(&rest, " ", |kind, content| Step::Display { kind, content }),
        "sleep" => Step::Sleep(humantime::parse_duration(&rest).map_err(|e| e.to_string())?),
        "loop" => Step::Loop,
        "flood" => Step::Flood,
        "hang" => Step::Hang,
        "raise" => two(&rest, ": ", |name, text| Step::Raise { name, text }),
        "input" => Step::Input(rest),
        "write" => two(&rest, " ", |path, text| Step::Write { path, text }),
        "read" => Step::Read(rest),
        "forge" => Step::Forge(hex::decode(&rest).map_err(|error| error.to_string())?),
        "variable" => Step::Variable(rest),
        "connect" => two(&rest, " ", |to, text| Step::Connect { to, text }),
        "where" => Step::Where,
        "silent" => Step::Silent,
        "gap" => Step::Gap,
        "exit" => Step::Exit,
        "oom" => Step::Oom,
        "stall" => Step::Stall,
        "die" => Step::Die,
        _ => return Err(format!("no such step: {verb}")),
    })
}

fn stream(name: &'static str, line: &str) -> Step {
    let text = format!("{line}\n");
    Step::Stream { name, text }
}

fn two(text: &str, between: &str, step: impl FnOnce(String, String) -> Step) -> Step {
    let (first, second) = text.split_once(between).unwrap_or((text, ""));
    step(first.to_owned(), second.to_owned())
}
