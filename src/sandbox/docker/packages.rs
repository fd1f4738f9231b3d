//! Package volumes: made empty, written by one sandbox, mounted read-only in the others.
//!
//! A new volume's root is root's, and the sandbox that writes into it is not root. As nothing of ours ever runs as root,
//! the engine changes the owner: it unpacks a directory entry over the volume's mount point, through a container that is
//! made for that and never started.

use bollard::models::{ContainerCreateBody, HostConfig, Volume, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListVolumesOptionsBuilder, RemoveVolumeOptions,
    UploadToContainerOptionsBuilder,
};
use bytes::Bytes;

use super::user::{GROUP, User};
use super::{Inner, body, labels};
use crate::sandbox::{PACKAGES_DIRECTORY, PackageVolumeInfo, SandboxError, SandboxId};

/// Makes the volume, unless it is there.
pub(super) async fn create(engine: &Inner, name: &str) -> Result<(), SandboxError> {
    let volume = VolumeCreateRequest {
        name: Some(engine.instance.packages_volume(name)),
        labels: Some(engine.instance.packages_labels(name)),
        ..VolumeCreateRequest::default()
    };
    engine
        .calls
        .call("create volume", |docker| async move {
            docker.create_volume(volume).await
        })
        .await?;
    Ok(())
}

/// Removes the volume. One that is in use is an error: it is still there.
pub(super) async fn remove(engine: &Inner, name: &str) -> Result<(), SandboxError> {
    let volume = engine.instance.packages_volume(name);
    let removal = engine.calls.call("remove volume", |docker| async move {
        match docker
            .remove_volume(&volume, None::<RemoveVolumeOptions>)
            .await
        {
            Err(bollard::errors::Error::DockerResponseServerError {
                status_code: 404, ..
            }) => Ok(()),
            other => other,
        }
    });
    removal.await
}

/// Those of this instance.
pub(super) async fn list(engine: &Inner) -> Result<Vec<PackageVolumeInfo>, SandboxError> {
    let options = ListVolumesOptionsBuilder::default()
        .filters(&labels::with_label(labels::PACKAGES))
        .build();
    let list = engine
        .calls
        .call("list volumes", |docker| async move {
            docker.list_volumes(Some(options)).await
        })
        .await?;
    let volumes = list.volumes.unwrap_or_default().into_iter();
    Ok(volumes
        .filter_map(|volume| describe(engine, &volume))
        .collect())
}

fn describe(engine: &Inner, volume: &Volume) -> Option<PackageVolumeInfo> {
    let created = volume.created_at.as_ref().map(ToString::to_string);
    Some(PackageVolumeInfo {
        name: engine.instance.packages_of(&volume.labels)?,
        created: created
            .and_then(|at| at.parse().ok())
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH),
    })
}

/// Makes the volume's root writable for a sandbox of this user. `image` is any image that is there.
pub(super) async fn open(
    engine: &Inner,
    image: &str,
    name: &str,
    user: User,
) -> Result<(), SandboxError> {
    let sandbox = SandboxId::random();
    // Removed when it is dropped, at the end of this function.
    let courier = engine.remover.own(&sandbox);
    let container_name = courier.name();
    let options = CreateContainerOptionsBuilder::default()
        .name(&container_name)
        .build();
    let container = container(engine, image, &sandbox, name);
    engine
        .calls
        .call("create", |docker| async move {
            docker.create_container(Some(options), container).await
        })
        .await?;
    // Not into the mount point: of an archive's `.` the engine takes nothing.
    let options = UploadToContainerOptionsBuilder::default().path("/").build();
    let tar = bollard::body_full(directory(user)?);
    engine
        .calls
        .call("open the package volume", |docker| async move {
            docker
                .upload_to_container(&container_name, Some(options), tar)
                .await
        })
        .await
}

fn container(engine: &Inner, image: &str, sandbox: &SandboxId, name: &str) -> ContainerCreateBody {
    let volume = engine.instance.packages_volume(name);
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec![body::AGENT.to_owned()]),
        network_disabled: Some(true),
        labels: Some(engine.instance.container_labels(sandbox, "")),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            mounts: Some(vec![body::packages_mount(
                &volume,
                body::MountAccess::Write,
            )]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// A tar of nothing but the directory where the volume is mounted, as the user's own.
fn directory(user: User) -> Result<Bytes, SandboxError> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o755);
    header.set_uid(user.number().into());
    header.set_gid(GROUP.into());
    header.set_size(0);
    let path = format!("{}/", PACKAGES_DIRECTORY.trim_start_matches('/'));
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, path, std::io::empty())
        .and_then(|()| tar.into_inner())
        .map(Bytes::from)
        .map_err(|error| SandboxError::Start(format!("the package volume's tar: {error}")))
}
