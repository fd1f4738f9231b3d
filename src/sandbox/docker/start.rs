//! One sandbox, from nothing to a kernel that answers.

use std::time::Duration;

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptionsBuilder, StartContainerOptions};
use cellblock_link::request::StartKernel;
use cellblock_link::{Connection, LinkConfig};
use tokio::time::{Instant, timeout_at};

use super::remover::OwnedContainer;
use super::{Inner, attach, body, packages};
use crate::sandbox::linked::{self, LinkedSandbox, lost};
use crate::sandbox::{KernelStart, PackageAccess, Sandbox, SandboxError, SandboxId, SandboxSpec};

/// Starts a sandbox, within the start timeout. Dropping the future removes what there is of it.
pub(super) async fn start(
    engine: &Inner,
    spec: &SandboxSpec,
) -> Result<Box<dyn Sandbox>, SandboxError> {
    let deadline = Instant::now() + engine.start_timeout;
    match timeout_at(deadline, start_until(engine, spec, deadline)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(SandboxError::Start(format!(
            "not ready within {:?}",
            engine.start_timeout
        ))),
    }
}

async fn start_until(
    engine: &Inner,
    spec: &SandboxSpec,
    deadline: Instant,
) -> Result<Box<dyn Sandbox>, SandboxError> {
    match start_once(engine, spec, deadline).await {
        // Somebody removed the agent's volume, and the engine made an empty one in its place.
        Err(SandboxError::EngineRefused(reason)) if reason.contains(body::AGENT) => {
            engine.agent.is_missing().await;
            start_once(engine, spec, deadline).await
        }
        outcome => outcome,
    }
}

async fn start_once(
    engine: &Inner,
    spec: &SandboxSpec,
    deadline: Instant,
) -> Result<Box<dyn Sandbox>, SandboxError> {
    engine
        .agent
        .deliver(engine, &spec.environment.image)
        .await?;
    if let Some(volume) = &spec.packages
        && volume.access == PackageAccess::Write
    {
        packages::open(engine, &spec.environment.image, &volume.name).await?;
    }
    let id = SandboxId::random();
    let container = create(engine, spec, &id).await?;
    let link = boot(engine, &id, &container, deadline).await?;
    let sandbox = LinkedSandbox::new(id, link, engine.max_message, spec.network, container);
    match spec.kernel {
        KernelStart::Now => start_kernel(&sandbox, spec, deadline).await?,
        KernelStart::Never => {}
    }
    Ok(Box::new(sandbox))
}

async fn start_kernel(
    sandbox: &LinkedSandbox<OwnedContainer>,
    spec: &SandboxSpec,
    deadline: Instant,
) -> Result<(), SandboxError> {
    let ready = sandbox.start_kernel(kernel(spec, deadline)).await?;
    sandbox.mark_files().await?;
    tracing::debug!(
        sandbox = %sandbox.id(),
        environment = spec.environment.name,
        kernel_ms = ready.boot_ms,
        "sandbox ready"
    );
    Ok(())
}

/// Asks the engine for the container, in a task of its own: a request that is given up may still make one, and then
/// there must be somebody to remove it.
async fn create(
    engine: &Inner,
    spec: &SandboxSpec,
    id: &SandboxId,
) -> Result<OwnedContainer, SandboxError> {
    let body = body::create_body(spec, id, &engine.instance, engine.agent.volume());
    let container = engine.remover.own(id);
    let calls = engine.calls.clone();
    let creating = tokio::spawn(async move {
        create_owned(&calls, &container, body).await?;
        Ok(container)
    });
    match creating.await {
        Ok(outcome) => outcome,
        Err(error) => Err(SandboxError::Start(format!("create: {error}"))),
    }
}

async fn create_owned(
    calls: &super::Calls,
    container: &OwnedContainer,
    body: ContainerCreateBody,
) -> Result<(), SandboxError> {
    let options = CreateContainerOptionsBuilder::default()
        .name(&container.name())
        .build();
    calls
        .call("create", |docker| async move {
            docker.create_container(Some(options), body).await
        })
        .await?;
    Ok(())
}

/// Attaches, and starts the agent while HELLO waits for it.
async fn boot(
    engine: &Inner,
    id: &SandboxId,
    container: &OwnedContainer,
    deadline: Instant,
) -> Result<Connection, SandboxError> {
    let attached = attach::attach(&engine.calls, id, &container.name()).await?;
    let config = LinkConfig {
        open_within: deadline.saturating_duration_since(Instant::now()),
        max_streams: linked::STREAMS,
        ..LinkConfig::default()
    };
    let opening = async {
        Connection::open(attached.reader, attached.writer, config)
            .await
            .map(|(link, _)| link)
            .map_err(|error| lost(&error))
    };
    let ((), link) = tokio::try_join!(run(engine, container), opening)?;
    Ok(link)
}

async fn run(engine: &Inner, container: &OwnedContainer) -> Result<(), SandboxError> {
    let name = container.name();
    engine
        .calls
        .call("start", |docker| async move {
            docker
                .start_container(&name, None::<StartContainerOptions>)
                .await
        })
        .await
}

fn kernel(spec: &SandboxSpec, deadline: Instant) -> StartKernel {
    let left = deadline.saturating_duration_since(Instant::now());
    StartKernel {
        kernelspec: spec.environment.kernelspec.clone(),
        environment: spec.environment_variables.clone(),
        working_directory: spec.working_directory.clone(),
        network: spec.network,
        deadline_ms: millis(left),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
