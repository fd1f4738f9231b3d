//! The sweep: what carries our labels and nobody owns is removed.
//!
//! Needed after a service was killed, after an engine lost an answer, and where a removal was given up. The engine's own
//! list is the truth.

use std::collections::HashSet;

use bollard::models::{ContainerSummary, Volume};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveVolumeOptions,
};
use futures::StreamExt;
use futures::stream;

use super::{Inner, labels, remover};
use crate::sandbox::SandboxError;

/// Strays removed at the same time.
const AT_ONCE: usize = 4;

/// Removes every stray; says how many containers that were. The first failure is told after all were tried.
pub(super) async fn sweep(engine: &Inner) -> Result<usize, SandboxError> {
    let strays = strays(engine).await?;
    let removals =
        stream::iter(strays).map(|id| async move { remover::remove(&engine.calls, &id).await });
    let outcomes: Vec<Result<(), SandboxError>> =
        removals.buffer_unordered(AT_ONCE).collect().await;
    let removed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    engine.meters.swept(removed);
    if removed > 0 {
        tracing::warn!(removed, "removed containers that nobody owned");
    }
    outcomes.into_iter().collect::<Result<(), SandboxError>>()?;
    remove_old_agents(engine).await?;
    remove_expired_packages(engine).await?;
    Ok(removed)
}

/// Strays, by two lists: what was just being removed may be in the first, and in no register when it has come.
async fn strays(engine: &Inner) -> Result<HashSet<String>, SandboxError> {
    let mut strays = not_held(engine).await?;
    if !strays.is_empty() {
        let still = not_held(engine).await?;
        strays.retain(|id| still.contains(id));
    }
    Ok(strays)
}

async fn not_held(engine: &Inner) -> Result<HashSet<String>, SandboxError> {
    let containers = containers(engine).await?.into_iter();
    let not_held = containers.filter(|container| is_stray(engine, container));
    Ok(not_held.filter_map(|container| container.id).collect())
}

async fn containers(engine: &Inner) -> Result<Vec<ContainerSummary>, SandboxError> {
    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&labels::with_label(labels::INSTANCE))
        .build();
    engine
        .calls
        .call("list containers", |docker| async move {
            docker.list_containers(Some(options)).await
        })
        .await
}

fn is_stray(engine: &Inner, container: &ContainerSummary) -> bool {
    let labels = container.labels.clone().unwrap_or_default();
    let owned = labels
        .get(labels::SANDBOX)
        .is_some_and(|sandbox| engine.register.holds(sandbox));
    engine.instance.may_remove(&labels) && !owned
}

/// Removes the agents of other versions of this service. One that is in use stays; a service that finds its own gone
/// delivers it again.
async fn remove_old_agents(engine: &Inner) -> Result<(), SandboxError> {
    for volume in volumes(engine, labels::AGENT).await? {
        if volume.name != engine.agent.volume() {
            remove_volume(engine, volume).await?;
        }
    }
    Ok(())
}

/// Removes the packages of instances that do not come back. Those of a service are for itself to remove.
async fn remove_expired_packages(engine: &Inner) -> Result<(), SandboxError> {
    for volume in volumes(engine, labels::PACKAGES).await? {
        if labels::is_expired(&volume.labels) {
            remove_volume(engine, volume).await?;
        }
    }
    Ok(())
}

async fn volumes(engine: &Inner, label: &str) -> Result<Vec<Volume>, SandboxError> {
    let options = ListVolumesOptionsBuilder::default()
        .filters(&labels::with_label(label))
        .build();
    let list = engine
        .calls
        .call("list volumes", |docker| async move {
            docker.list_volumes(Some(options)).await
        })
        .await?;
    Ok(list.volumes.unwrap_or_default())
}

/// Removes a volume, unless it is in use.
async fn remove_volume(engine: &Inner, volume: Volume) -> Result<(), SandboxError> {
    engine
        .calls
        .remove("remove volume", |docker| async move {
            docker
                .remove_volume(&volume.name, None::<RemoveVolumeOptions>)
                .await
        })
        .await
}
