//! One sandbox, from nothing to a kernel that answers; or from what an earlier life left of it.

use std::time::Duration;

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, StartContainerOptions,
};
use cellblock_link::request::StartKernel;
use cellblock_link::{Connection, LinkConfig};
use tokio::time::{Instant, timeout_at};

use super::attach::{self, Attached};
use super::remover::OwnedContainer;
use super::user::User;
use super::{Inner, body, packages};
use crate::sandbox::linked::{self, LinkedSandbox, Owned, Parts, lost};
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
    let id = SandboxId::random();
    let container = engine.remover.own(&id);
    let user = engine.register.give_user(&id, spec.environment.users);
    if let Some(volume) = &spec.packages
        && volume.access == PackageAccess::Write
    {
        packages::open(engine, &spec.environment.image, &volume.name, user).await?;
    }
    let body = body::create_body(spec, &id, user, engine.common());
    let container = create(engine, container, body).await?;
    let attached = attach::attach(&engine.calls, &id, &container.name()).await?;
    let ((), link) = tokio::try_join!(run(engine, &container), open(attached, deadline))?;
    let sandbox = linked(engine, spec, id, link, container);
    match spec.kernel {
        KernelStart::Now => start_kernel(&sandbox, spec).await?,
        KernelStart::Never => {}
    }
    Ok(Box::new(sandbox))
}

/// Links up with a sandbox that runs already, within the start timeout.
pub(super) async fn adopt(
    engine: &Inner,
    id: &SandboxId,
    spec: &SandboxSpec,
) -> Result<Box<dyn Sandbox>, SandboxError> {
    let deadline = Instant::now() + engine.start_timeout;
    let container = engine.remover.adopt(id);
    let outcome = timeout_at(deadline, async {
        let user = must_run(engine, &container).await?;
        if let Some(user) = user {
            engine.register.has_user(id, user);
        }
        let attached = attach::attach(&engine.calls, id, &container.name()).await?;
        open(attached, deadline).await
    })
    .await;
    let late = |_| SandboxError::Lost("its agent did not answer in time".to_owned());
    match outcome.unwrap_or_else(|elapsed| Err(late(elapsed))) {
        Ok(link) => Ok(Box::new(linked(engine, spec, id.clone(), link, container))),
        Err(error @ SandboxError::Gone(_)) => Err(error),
        Err(error) => {
            container.leave();
            Err(error)
        }
    }
}

/// A container that has ended is of no use to anybody: what was in it is gone. One that runs tells its user.
async fn must_run(
    engine: &Inner,
    container: &OwnedContainer,
) -> Result<Option<User>, SandboxError> {
    let name = container.name();
    let inspected = engine.calls.find("inspect", |docker| async move {
        docker
            .inspect_container(&name, None::<InspectContainerOptions>)
            .await
    });
    let inspected = inspected.await?.unwrap_or_default();
    let user = inspected.config.and_then(|config| config.user);
    match inspected.state.and_then(|state| state.running) {
        Some(true) => Ok(user.and_then(|user| User::of_container(&user))),
        Some(false) => Err(SandboxError::Gone("its container has ended".to_owned())),
        None => Err(SandboxError::Gone("it has no container".to_owned())),
    }
}

fn linked(
    engine: &Inner,
    spec: &SandboxSpec,
    id: SandboxId,
    link: Connection,
    owned: OwnedContainer,
) -> LinkedSandbox<OwnedContainer> {
    LinkedSandbox::new(Parts {
        id,
        link,
        max_message: engine.max_message,
        kernel: kernel(spec, engine.start_timeout),
        owned,
    })
}

async fn start_kernel(
    sandbox: &LinkedSandbox<OwnedContainer>,
    spec: &SandboxSpec,
) -> Result<(), SandboxError> {
    let ready = sandbox.start_kernel().await?;
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
    container: OwnedContainer,
    body: ContainerCreateBody,
) -> Result<OwnedContainer, SandboxError> {
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

/// Shakes hands. The agent may start only now, while HELLO waits for it.
async fn open(attached: Attached, deadline: Instant) -> Result<Connection, SandboxError> {
    let config = LinkConfig {
        open_within: deadline.saturating_duration_since(Instant::now()),
        max_streams: linked::STREAMS,
        ..LinkConfig::default()
    };
    Connection::open(attached.reader, attached.writer, config)
        .await
        .map(|(link, _)| link)
        .map_err(|error| lost(&error))
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

/// How its kernel is started: within `limit`, whoever waits for it.
fn kernel(spec: &SandboxSpec, limit: Duration) -> StartKernel {
    StartKernel {
        kernelspec: spec.environment.kernelspec.clone(),
        environment: spec.environment_variables.clone(),
        working_directory: spec.working_directory.clone(),
        network: spec.network,
        deadline_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    }
}
