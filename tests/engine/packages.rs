//! Packages, from the real registries: these tests need to reach PyPI and npm.

use serde_json::{Value, json};

use crate::index::Index;
use crate::support::{Service, eventually};

const HUMANIZE: &str = "import humanize\nprint(humanize.intcomma(1234567))";

fn packages(packages: &[&str]) -> Value {
    json!({ "packages": packages })
}

#[tokio::test]
async fn a_python_package_is_there_and_the_next_time_at_once() {
    let service = Service::start(&[]).await;
    let first = service
        .execute_with("python", HUMANIZE, packages(&["humanize==4.*"]))
        .await;
    assert_eq!(first["output"], "1,234,567", "{first:#}");
    let second = service
        .execute_with("python", HUMANIZE, packages(&["Humanize ==4.*"]))
        .await;
    assert_eq!(second["output"], "1,234,567", "{second:#}");
    let install = |answer: &Value| answer["timing_ms"]["install"].as_f64().unwrap();
    assert!(install(&first) > 0.0);
    assert!(
        install(&second) < install(&first) / 10.0,
        "{first:#} {second:#}"
    );
}

#[tokio::test]
async fn packages_cannot_be_written_by_code() {
    let service = Service::start(&[]).await;
    let code = "import os\nfor path in ('/packages/evil.py', '/packages/humanize/evil.py'):\n    try: open(path, 'w')\n    \
                except OSError as error: print(error.errno)\nprint(os.environ['PYTHONPATH'], os.listdir('/sys/class/net'))";
    let answer = service
        .execute_with("python", code, packages(&["humanize"]))
        .await;
    assert_eq!(answer["output"], "30\n30\n/packages ['lo']", "{answer:#}");
}

#[tokio::test]
async fn sets_survive_a_service_that_is_killed() {
    let mut service = Service::start(&[]).await;
    let first = service
        .execute_with("python", HUMANIZE, packages(&["humanize"]))
        .await;
    service.kill();
    service.restart();
    let second = service
        .execute_with("python", HUMANIZE, packages(&["humanize"]))
        .await;
    assert_eq!(second["output"], "1,234,567", "{second:#}");
    let install = |answer: &Value| answer["timing_ms"]["install"].as_f64().unwrap();
    // What is left is the look at what the image has.
    assert!(install(&second) < install(&first), "{first:#} {second:#}");
}

#[tokio::test]
async fn what_the_image_has_costs_no_install() {
    let service = Service::start(&[]).await;
    let code = "import numpy, os\nprint(os.environ.get('PYTHONPATH'))";
    let answer = service
        .execute_with("python", code, packages(&["numpy>=2"]))
        .await;
    assert_eq!(answer["output"], "None", "{answer:#}");
}

#[tokio::test]
async fn what_cannot_be_installed_says_why() {
    let service = Service::start(&[]).await;
    for (package, why) in [
        ("cellblock-has-no-such-package", "not found"),
        ("humanize==0.0.0.1", "no version"),
        // Only as a source, whose build would run code.
        ("docopt==0.6.2", "wheels"),
    ] {
        let (status, answer) = service
            .post("python", "print(1)", packages(&[package]))
            .await;
        assert_eq!(status, 422, "{answer:#}");
        let reason = answer["errors"][0]["msg"].as_str().unwrap();
        assert!(reason.contains(why), "{reason}");
        assert!(
            !reason.contains("/packages") && !reason.contains("://"),
            "{reason}"
        );
    }
    let (status, answer) = service.post("java", "1", packages(&["guava"])).await;
    assert_eq!(status, 422, "{answer:#}");
}

#[tokio::test]
async fn npm_packages_can_be_required_and_imported() {
    let service = Service::start(&[]).await;
    let code = "const ms = require('ms');\nconst { default: same } = await import('ms');\nconsole.log(ms('2 days'), same('2 days'))";
    let answer = service
        .execute_with("javascript", code, packages(&["ms@^2.1"]))
        .await;
    assert_eq!(answer["output"], "172800000 172800000", "{answer:#}");
    let none = packages(&["cellblock-has-no-such-package"]);
    let (status, answer) = service.post("javascript", "1", none).await;
    assert_eq!(status, 422, "{answer:#}");
    let reason = answer["errors"][0]["msg"].as_str().unwrap();
    assert!(
        reason.contains("404") && !reason.contains("://"),
        "{reason}"
    );
}

/// Posts a cell that asks for these; why that is refused. Nothing of it is left.
async fn refused(service: &Service, environment: &str, asked: &[&str]) -> String {
    let (status, answer) = service.post(environment, "1", packages(asked)).await;
    assert_eq!(status, 422, "{answer:#}");
    eventually("no volume is left", async || service.volumes().is_empty()).await;
    answer["errors"][0]["msg"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn requirements_that_contradict_each_other_are_refused_with_the_reason() {
    let service = Service::start(&[]).await;
    let reason = refused(&service, "python", &["requests==2.32.*", "idna==2.0"]).await;
    for word in ["requests", "idna", "unsatisfiable"] {
        assert!(reason.contains(word), "{reason}");
    }
}

#[tokio::test]
async fn a_set_that_is_too_large_is_refused() {
    // The wheel is a third of that, what it becomes three times as much.
    let service = Service::start(&["--packages-max-set-size=400KiB"]).await;
    let reason = refused(&service, "python", &["humanize==4.*"]).await;
    assert!(reason.contains("no space"), "{reason}");
}

#[tokio::test]
async fn packages_join_those_of_a_larger_image() {
    let service = Service::start(&[]).await;
    let code = "import os, sympy\nprint(os.environ.get('PYTHONPATH'))";
    let there = service
        .execute_with("python_scientific", code, packages(&["sympy"]))
        .await;
    assert_eq!(there["output"], "None", "{there:#}");
    let code = format!("{code}\n{HUMANIZE}");
    let joined = service
        .execute_with("python_scientific", &code, packages(&["sympy", "humanize"]))
        .await;
    assert_eq!(joined["output"], "/packages\n1,234,567", "{joined:#}");
}

/// Makes a wheel of a few hundred kilobytes that unpacks to 400 MB.
const BOMB: &str = r"
import zipfile
with zipfile.ZipFile('bomb-1.0-py3-none-any.whl', 'w', zipfile.ZIP_DEFLATED) as wheel:
    with wheel.open('bomb.bin', 'w') as bomb:
        for _ in range(400): bomb.write(bytes(1 << 20))
    about = 'bomb-1.0.dist-info/'
    wheel.writestr(about + 'METADATA', 'Metadata-Version: 2.1\nName: bomb\nVersion: 1.0\n')
    wheel.writestr(about + 'WHEEL', 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
    wheel.writestr(about + 'RECORD', '')
";

#[tokio::test]
async fn an_archive_that_unpacks_to_a_thousand_times_its_size_is_refused() {
    let maker = Service::start(&[]).await;
    let made = maker.execute("python", BOMB).await;
    let url = made["files"][0]["url"].as_str().unwrap();
    let wheel = maker.client().get(url).send().await.unwrap();
    let index = Index::start("bomb", wheel.bytes().await.unwrap()).await;

    let pip_index = format!("--packages-pip-index={}", index.url);
    let settings = [
        pip_index.as_str(),
        "--egress-private=127.0.0.2/32",
        "--packages-max-set-size=64MiB",
    ];
    let service = Service::start(&settings).await;
    let reason = refused(&service, "python", &["bomb"]).await;
    assert!(reason.contains("no space"), "{reason}");
    assert_eq!(service.execute("python", "print(1)").await["output"], "1");
}
