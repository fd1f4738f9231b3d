//! That the fake's files are like those of a real sandbox, so that what is tested on them holds.

use cellblock::config::Settings;
use cellblock::sandbox::fake::{FakeEngine, environment};
use cellblock::sandbox::{Engine, KernelStart, Limits, Network, SandboxSpec};

use crate::file_rules;

#[tokio::test(start_paused = true)]
async fn the_files_of_a_fake_sandbox_keep_the_rules() {
    let spec = SandboxSpec {
        environment: environment("python"),
        limits: Limits::from(&Settings::default().sandbox),
        environment_variables: Default::default(),
        working_directory: "work".to_owned(),
        runtime: None,
        network: Network::None,
        packages: None,
        kernel: KernelStart::Never,
    };
    let sandbox = FakeEngine::new().start(&spec).await.unwrap();
    file_rules::hold(sandbox.as_ref()).await;
}
