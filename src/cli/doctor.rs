//! `cellblock doctor`: what the engine offers, what is missing, and how to mend it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use bytesize::ByteSize;
use cellblock::config::Settings;
use cellblock::sandbox::docker::{DockerEngine, EngineReport};
use cellblock::sandbox::{Engine, EnvironmentImage, SandboxError};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    /// As it should be.
    Good,
    /// It works, with less safety or comfort.
    Warning,
    /// No execution can be served.
    Bad,
}

/// One line of the examination.
#[derive(Debug)]
struct Finding {
    grade: Grade,
    what: &'static str,
    seen: String,
    /// How to mend it.
    advice: Option<&'static str>,
}

impl Finding {
    fn good(what: &'static str, seen: impl Into<String>) -> Finding {
        let (seen, grade) = (seen.into(), Grade::Good);
        Finding {
            grade,
            what,
            seen,
            advice: None,
        }
    }

    fn warning(what: &'static str, seen: impl Into<String>, advice: &'static str) -> Finding {
        let (seen, grade, advice) = (seen.into(), Grade::Warning, Some(advice));
        Finding {
            grade,
            what,
            seen,
            advice,
        }
    }

    fn bad(what: &'static str, seen: impl Into<String>, advice: &'static str) -> Finding {
        let (seen, grade, advice) = (seen.into(), Grade::Bad, Some(advice));
        Finding {
            grade,
            what,
            seen,
            advice,
        }
    }
}

pub(super) async fn examine(settings: Settings) -> anyhow::Result<ExitCode> {
    let findings = match look(&settings).await {
        Ok((report, environments)) => judge(&settings, &report, &environments),
        Err(error) => vec![Finding::bad(
            "engine",
            error.to_string(),
            "start one (`scripts/ensure-engine`, or `systemctl start docker`); join the group `docker` to reach its \
             socket; or set engine.host (DOCKER_HOST)",
        )],
    };
    for finding in &findings {
        print(finding);
    }
    let bad = findings.iter().any(|finding| finding.grade == Grade::Bad);
    Ok(if bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn print(finding: &Finding) {
    let mark = match finding.grade {
        Grade::Good => "ok  ",
        Grade::Warning => "warn",
        Grade::Bad => "BAD ",
    };
    println!("{mark}  {:<13} {}", finding.what, finding.seen);
    if let Some(advice) = finding.advice {
        println!("      {:<13} → {advice}", "");
    }
}

async fn look(settings: &Settings) -> Result<(EngineReport, Vec<EnvironmentImage>), SandboxError> {
    let engine = DockerEngine::connect(settings, None)?;
    let report = engine.report().await?;
    let environments = engine.environments().await?;
    Ok((report, environments))
}

fn judge(
    settings: &Settings,
    report: &EngineReport,
    environments: &[EnvironmentImage],
) -> Vec<Finding> {
    let mut findings = vec![
        Finding::good(
            "engine",
            format!(
                "{} (API {}) on {}",
                report.version, report.api_version, report.host
            ),
        ),
        runtime(settings, report),
        isolation(settings, report, environments),
        cgroups(report),
        seccomp(report),
        apparmor(report),
        user_namespaces(report),
        memory(settings, report),
        images(environments),
    ];
    let warnings = report.warnings.iter().map(|warning| {
        Finding::warning(
            "limits",
            warning.as_str(),
            "the engine cannot enforce this limit on this kernel",
        )
    });
    findings.extend(warnings);
    findings
}

fn runtime(settings: &Settings, report: &EngineReport) -> Finding {
    let runtime = settings
        .engine
        .runtime
        .as_ref()
        .unwrap_or(&report.default_runtime);
    let all: Vec<&str> = report.runtimes.iter().map(String::as_str).collect();
    let seen = format!("{runtime} (the engine has {})", all.join(", "));
    if report.runtimes.contains(runtime) {
        Finding::good("runtime", seen)
    } else {
        Finding::bad(
            "runtime",
            seen,
            "add it to `runtimes` in the engine's daemon.json, or set engine.runtime",
        )
    }
}

/// What stands between the code of each environment and the host.
fn isolation(
    settings: &Settings,
    report: &EngineReport,
    environments: &[EnvironmentImage],
) -> Finding {
    let engine = &settings.engine;
    let usual = engine.runtime.as_ref().unwrap_or(&report.default_runtime);
    let of = |name: &String| engine.runtimes.get(name).unwrap_or(usual).clone();
    let mut by_runtime: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for environment in environments {
        let names = by_runtime.entry(of(&environment.name)).or_default();
        names.push(&environment.name);
    }
    let missing = |runtime: &&String| !report.runtimes.contains(*runtime);
    let missing: Vec<&str> = engine
        .runtimes
        .values()
        .filter(missing)
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        return Finding::bad(
            "isolation",
            format!("the engine has no runtime {}", missing.join(", ")),
            "add it to `runtimes` in the engine's daemon.json, or change engine.runtimes",
        );
    }
    let line = |(runtime, names): (&String, &Vec<&str>)| {
        format!("{runtime}, {}: {}", boundary(runtime), names.join(", "))
    };
    let lines: Vec<String> = by_runtime.iter().map(line).collect();
    Finding::good("isolation", lines.join("; "))
}

/// By the names that runtimes usually have.
fn boundary(runtime: &str) -> &'static str {
    if runtime.contains("runsc") || runtime.contains("gvisor") {
        "a kernel of its own in user space"
    } else if runtime.contains("kata") {
        "a virtual machine"
    } else {
        "the host's kernel, filtered"
    }
}

fn cgroups(report: &EngineReport) -> Finding {
    let seen = format!(
        "version {}, driver {}",
        report.cgroup_version, report.cgroup_driver
    );
    if report.cgroup_driver == "none" {
        Finding::bad(
            "cgroups",
            seen,
            "no limit holds without cgroups: give a rootless engine cgroup v2 with systemd",
        )
    } else {
        Finding::good("cgroups", seen)
    }
}

fn seccomp(report: &EngineReport) -> Finding {
    if report.security.contains("seccomp") {
        Finding::good("seccomp", "on")
    } else {
        Finding::warning(
            "seccomp",
            "off",
            "use a kernel and an engine with seccomp: system calls are not filtered",
        )
    }
}

fn apparmor(report: &EngineReport) -> Finding {
    if report.security.contains("apparmor") || report.security.contains("selinux") {
        Finding::good("apparmor", "on (or SELinux)")
    } else {
        Finding::warning(
            "apparmor",
            "off",
            "one layer less; enable AppArmor or SELinux on the engine's host",
        )
    }
}

fn user_namespaces(report: &EngineReport) -> Finding {
    if report.security.contains("rootless") || report.security.contains("userns") {
        Finding::good("userns", "on")
    } else {
        Finding::warning(
            "userns",
            "off",
            "a kernel bug that breaks out of a sandbox ends as an unprivileged user of the host; `userns-remap` in daemon.json or a \
             rootless engine ends it as nobody",
        )
    }
}

fn memory(settings: &Settings, report: &EngineReport) -> Finding {
    let total = ByteSize::b(report.memory);
    let each = settings.sandbox.memory;
    let fit = report.memory / each.as_u64().max(1);
    let seen = format!(
        "{total}, {} processors: {fit} sandboxes of {each} at their limits",
        report.cpus
    );
    if fit >= 2 {
        Finding::good("memory", seen)
    } else {
        Finding::warning(
            "memory",
            seen,
            "set sandbox.memory lower, or use a larger host",
        )
    }
}

fn images(environments: &[EnvironmentImage]) -> Finding {
    let names: Vec<&str> = environments
        .iter()
        .map(|environment| environment.name.as_str())
        .collect();
    if names.is_empty() {
        Finding::bad("environments", "none", "`make images` builds them")
    } else {
        Finding::good("environments", names.join(", "))
    }
}
