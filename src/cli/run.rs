//! `cellblock run`: one execution from the terminal, without a service.
//!
//! Exit codes: 0 the code ran, 1 it raised, 124 it timed out (as `timeout(1)`), 137 it was killed or out of memory (as a
//! shell says of SIGKILL), 141 it printed more than allowed, 125 it could not be run.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use cellblock::config::{Flags, Settings};
use cellblock::sandbox::docker::DockerEngine;
use cellblock::service::Service;
use cellblock::service::execution::request::{Cell, ExecutionRequest, InputFile, SandboxRequest};
use cellblock::service::execution::result::{ExecutionResult, Status};
use cellblock::service::files::{Access, FileName};
use cellblock::service::owner::Owner;
use clap::Args;

/// Beyond everything that is bounded by a setting: engine calls, copies.
const MARGIN: Duration = Duration::from_secs(300);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The code: a file, or - for stdin
    #[arg(value_name = "FILE")]
    code: PathBuf,
    /// The environment to run it in
    #[arg(long = "env", value_name = "NAME", default_value = "python")]
    environment: String,
    /// A file to put into the working directory; may be repeated
    #[arg(long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Where to save the files that the code makes; they are lost without it
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// How long it may run [default: the setting execution.timeout]
    #[arg(long, value_parser = humantime::parse_duration, value_name = "DURATION")]
    timeout: Option<Duration>,
    #[command(flatten)]
    pub(super) flags: Flags,
}

pub(super) async fn run(mut settings: Settings, arguments: Arguments) -> anyhow::Result<ExitCode> {
    if settings.log.filter == cellblock::config::Log::default().filter {
        "warn,bollard=warn".clone_into(&mut settings.log.filter);
    }
    let _traces = super::log::start(&settings.log)?;
    let request = request(&settings, &arguments)?;
    let state = tempfile::tempdir().context("a temporary directory")?;
    let settings = super::apart(settings, state.path());
    let lifetime =
        settings.sandbox.start_timeout + request.cell.timeout + settings.execution.grace + MARGIN;
    let engine = DockerEngine::connect(&settings, Some(lifetime))
        .context("no container engine answers; `cellblock doctor` tells more")?;
    let service = Service::start(&settings, Arc::new(engine)).await?;
    let owner = Owner::local();
    let outcome = tokio::select! {
        outcome = service.execute(&owner, request) => outcome.map_err(anyhow::Error::from),
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    let reported = match outcome {
        Ok(result) => report(&service, &result, arguments.save.as_deref()).await,
        Err(error) => Err(error),
    };
    service.shut_down().await;
    reported
}

fn request(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExecutionRequest> {
    let environment = arguments.environment.to_lowercase();
    let request_id = uuid::Uuid::new_v4().to_string();
    let files = arguments.files.iter().map(|path| input(path));
    Ok(ExecutionRequest {
        cell: Cell {
            code: code(&arguments.code)?,
            timeout: arguments.timeout.unwrap_or(settings.execution.timeout),
            stdin: Vec::new(),
            user: None,
        },
        sandbox: SandboxRequest {
            files: files.collect::<anyhow::Result<_>>()?,
            ..SandboxRequest::plain(&environment, &request_id)
        },
    })
}

fn code(path: &Path) -> anyhow::Result<String> {
    let mut code = String::new();
    if path == Path::new("-") {
        std::io::stdin()
            .read_to_string(&mut code)
            .context("the code on stdin")?;
    } else {
        code = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    }
    Ok(code)
}

fn input(path: &Path) -> anyhow::Result<InputFile> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        bail!("{}: no file name", path.display());
    };
    let name = FileName::parse(name).with_context(|| path.display().to_string())?;
    let content = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(InputFile::Inline {
        name,
        content: content.into(),
    })
}

async fn report(
    service: &Service,
    result: &ExecutionResult,
    save: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    std::io::stdout().write_all(printed(result).as_bytes())?;
    std::io::stderr().write_all(result.output.stderr.as_bytes())?;
    if let Some(error) = &result.output.error {
        eprintln!("{}", error.traceback.trim_end());
    }
    for file in &result.files {
        match save {
            Some(directory) => {
                save_file(service, &file.name, &directory.join(file.filename.as_str())).await?
            }
            None => eprintln!(
                "cellblock: {} was made and is lost; --save DIR keeps it",
                file.filename
            ),
        }
    }
    let (code, ending) = ending(result.status);
    if let Some(ending) = ending {
        eprintln!("cellblock: {ending}");
    }
    Ok(ExitCode::from(code))
}

/// stdout, and the value of the last expression where it has one.
fn printed(result: &ExecutionResult) -> String {
    let mut text = result.output.stdout.clone();
    let values = result
        .output
        .outputs
        .iter()
        .filter(|output| output["output_type"] == "execute_result");
    for value in values.filter_map(|output| output["data"]["text/plain"].as_str()) {
        text += value;
        text += "\n";
    }
    text
}

async fn save_file(service: &Service, name: &str, to: &Path) -> anyhow::Result<()> {
    let (_, mut content) = service
        .files()
        .read(name, Access::Owner(&Owner::local()))
        .await?;
    let mut file = tokio::fs::File::create(to)
        .await
        .with_context(|| to.display().to_string())?;
    tokio::io::copy(&mut content, &mut file)
        .await
        .with_context(|| to.display().to_string())?;
    Ok(())
}

/// The exit code, and what is to be said besides what the code said itself.
fn ending(status: Status) -> (u8, Option<&'static str>) {
    match status {
        Status::Ok => (0, None),
        Status::Error => (1, None),
        Status::Timeout => (124, Some("it ran past its timeout")),
        Status::OutOfMemory => (137, Some("its memory ran out")),
        Status::Killed => (137, Some("its kernel died")),
        Status::Cancelled => (130, Some("it was cancelled")),
        Status::OutputLimit => (141, Some("it printed more than allowed")),
    }
}
