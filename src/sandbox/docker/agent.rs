//! The agent's delivery: a volume that holds the binary which is embedded in this service.
//!
//! The volume is named by the binary's hash, so a newer service never changes what runs in an older one's sandboxes. It is
//! written through a container that is made for that and never started, which works through any engine, local or not.
//! Each service looks once, before its first sandbox, whether it is there in full, and writes it only if not: somebody
//! may be starting from it at this moment, and a service may have been killed while it wrote.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HostConfig, VolumeCreateRequest};
use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, CreateContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use tokio::sync::Mutex;

use super::calls::Calls;
use super::{Inner, body, labels};
use crate::sandbox::{SandboxError, SandboxId};

static BINARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/agent"));
const SHA256: &str = env!("CELLBLOCK_AGENT_SHA256");

/// Digits of the hash in the volume's name: enough to tell versions apart.
const HASH_DIGITS: usize = 16;

/// The agent, delivered or not yet.
pub(super) struct Agent {
    volume: String,
    delivered: Mutex<bool>,
}

impl Agent {
    pub(super) fn new() -> Agent {
        Agent {
            volume: format!("cellblock-agent-{}", &SHA256[..HASH_DIGITS]),
            delivered: Mutex::new(false),
        }
    }

    /// The volume's name.
    pub(super) fn volume(&self) -> &str {
        &self.volume
    }

    /// Makes sure that the agent is in its volume. `image` is any image that is there. Whoever asks in the meantime
    /// waits for the first.
    pub(super) async fn deliver(&self, engine: &Inner, image: &str) -> Result<(), SandboxError> {
        let mut delivered = self.delivered.lock().await;
        if !*delivered {
            self.make_sure(engine, image).await?;
            *delivered = true;
        }
        Ok(())
    }

    /// Somebody found it missing: it is to be delivered again.
    pub(super) async fn is_missing(&self) {
        *self.delivered.lock().await = false;
    }

    async fn make_sure(&self, engine: &Inner, image: &str) -> Result<(), SandboxError> {
        self.create_volume(engine).await?;
        let sandbox = SandboxId::random();
        // Removed when it is dropped, at the end of this function.
        let courier = engine.remover.own(&sandbox);
        let name = courier.name();
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let container = self.courier(engine, image, &sandbox);
        engine
            .calls
            .call("create", |docker| async move {
                docker.create_container(Some(options), container).await
            })
            .await?;
        if !is_there(&engine.calls, &name).await {
            write(&engine.calls, &name).await?;
        }
        Ok(())
    }

    async fn create_volume(&self, engine: &Inner) -> Result<(), SandboxError> {
        let volume = VolumeCreateRequest {
            name: Some(self.volume.clone()),
            labels: Some(HashMap::from([(
                labels::AGENT.to_owned(),
                SHA256.to_owned(),
            )])),
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

    /// A container that is never started.
    fn courier(&self, engine: &Inner, image: &str, sandbox: &SandboxId) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(image.to_owned()),
            entrypoint: Some(vec![body::AGENT.to_owned()]),
            network_disabled: Some(true),
            labels: Some(engine.instance.container_labels(sandbox, "")),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                mounts: Some(vec![body::agent_mount(
                    &self.volume,
                    body::MountAccess::Write,
                )]),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }
}

/// Whether the volume has the whole agent. Where the engine cannot tell, it is written again.
async fn is_there(calls: &Calls, courier: &str) -> bool {
    let options = ContainerArchiveInfoOptionsBuilder::default()
        .path(body::AGENT)
        .build();
    let stat = calls
        .call("look for the agent", |docker| async move {
            docker
                .get_container_archive_info(courier, Some(options))
                .await
        })
        .await;
    stat.is_ok_and(|stat| u64::try_from(stat.size) == Ok(BINARY.len() as u64))
}

async fn write(calls: &Calls, courier: &str) -> Result<(), SandboxError> {
    let options = UploadToContainerOptionsBuilder::default()
        .path(body::AGENT_DIRECTORY)
        .build();
    let tar = bollard::body_full(tar_of_agent()?);
    calls
        .call("upload the agent", |docker| async move {
            docker
                .upload_to_container(courier, Some(options), tar)
                .await
        })
        .await
}

fn tar_of_agent() -> Result<Bytes, SandboxError> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o555);
    header.set_size(BINARY.len() as u64);
    let mut tar = tar::Builder::new(Vec::with_capacity(BINARY.len() + 4096));
    tar.append_data(&mut header, body::AGENT_FILE, BINARY)
        .and_then(|()| tar.into_inner())
        .map(Bytes::from)
        .map_err(|error| SandboxError::Start(format!("the agent's tar: {error}")))
}
