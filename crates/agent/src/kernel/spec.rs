//! Kernelspecs: found where Jupyter finds them, read as Jupyter reads them.
//!
//! User code can write to some of these places, and its kernelspecs are then as good as any: they start in its
//! own sandbox. A pipe or a giant in the place of one must only not stop the agent.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use serde::Deserialize;

use crate::launch::Environment;

/// The longest kernel.json, in bytes.
const LONGEST: u64 = 1 << 20;

/// Programs that tell, by where they are, where Jupyter's files are.
const TELLING_PROGRAMS: [&str; 3] = ["jupyter", "python3", "python"];

/// How a kernel is started.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct KernelSpec {
    argv: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// How running code is interrupted.
    #[serde(default)]
    pub(super) interrupt_mode: InterruptMode,
    #[serde(skip)]
    resource_directory: PathBuf,
}

/// How running code is interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum InterruptMode {
    /// SIGINT to the kernel's process group.
    #[default]
    Signal,
    /// An `interrupt_request` on the control channel.
    Message,
}

/// Why there is no kernelspec.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpecError {
    /// None on the data path has the name.
    #[error("no kernelspec {name:?} on {path}")]
    Missing {
        /// What was looked for.
        name: String,
        /// Where.
        path: String,
    },
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Its kernel.json.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

impl KernelSpec {
    /// Finds the kernelspec with the name (in any case), as seen with these environment variables.
    pub(super) fn find(name: &str, environment: &Environment) -> Result<KernelSpec, SpecError> {
        let path = data_path(environment);
        let found = path
            .iter()
            .find_map(|directory| find_in(&directory.join("kernels"), name));
        match found {
            Some(directory) => read(&directory),
            None => {
                let path = path.iter().map(|directory| directory.display().to_string());
                Err(SpecError::Missing {
                    name: name.to_owned(),
                    path: path.collect::<Vec<_>>().join(":"),
                })
            }
        }
    }

    /// The command that starts the kernel.
    pub(super) fn command(&self, connection_file: &Path) -> Vec<String> {
        let connection_file = connection_file.to_string_lossy();
        let resource_directory = self.resource_directory.to_string_lossy();
        let substitute = |argument: &String| {
            argument
                .replace("{connection_file}", &connection_file)
                .replace("{resource_dir}", &resource_directory)
        };
        self.argv.iter().map(substitute).collect()
    }

    /// The kernel's environment variables: those given, and its own on top, in which `${NAME}` and `$NAME`
    /// stand for one of those given.
    pub(super) fn environment(&self, given: &Environment) -> Environment {
        let mut environment = given.clone();
        for (name, value) in &self.env {
            environment.insert(name.clone(), expand(value, given));
        }
        environment
    }
}

/// Jupyter's data path, in the order in which it is searched.
fn data_path(environment: &Environment) -> Vec<PathBuf> {
    let value = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let mut path = Vec::new();
    path.extend(
        value("JUPYTER_PATH")
            .into_iter()
            .flat_map(std::env::split_paths),
    );
    match (value("JUPYTER_DATA_DIR"), value("HOME")) {
        (Some(directory), _) => path.push(directory.into()),
        (None, Some(home)) => path.push(Path::new(home).join(".local/share/jupyter")),
        (None, None) => {}
    }
    let programs: Vec<_> = value("PATH")
        .into_iter()
        .flat_map(std::env::split_paths)
        .collect();
    for program in TELLING_PROGRAMS {
        let place = programs
            .iter()
            .find(|directory| directory.join(program).is_file());
        path.extend(
            place
                .and_then(|directory| directory.parent())
                .map(|prefix| prefix.join("share/jupyter")),
        );
    }
    path.extend(value("CONDA_DIR").map(|prefix| Path::new(prefix).join("share/jupyter")));
    path.extend(["/usr/local/share/jupyter", "/usr/share/jupyter"].map(PathBuf::from));
    let mut seen = std::collections::HashSet::new();
    path.retain(|directory| seen.insert(directory.clone()));
    path
}

/// The kernelspec's folder. Names are compared, never joined, so that none leads elsewhere.
fn find_in(kernels: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(kernels).ok()?.flatten();
    let mut named = entries.filter(|entry| {
        entry
            .file_name()
            .to_str()
            .is_some_and(|entry| entry.eq_ignore_ascii_case(name))
    });
    named.find_map(|entry| {
        entry
            .path()
            .join("kernel.json")
            .exists()
            .then(|| entry.path())
    })
}

fn read(directory: &Path) -> Result<KernelSpec, SpecError> {
    let path = directory.join("kernel.json");
    let parsed = read_json(&path).and_then(|json| Ok(serde_json::from_slice::<KernelSpec>(&json)?));
    match parsed {
        Ok(spec) if spec.argv.is_empty() => Err(SpecError::Unreadable {
            path,
            error: io::Error::other("its argv is empty"),
        }),
        Ok(spec) => Ok(KernelSpec {
            resource_directory: directory.to_owned(),
            ..spec
        }),
        Err(error) => Err(SpecError::Unreadable { path, error }),
    }
}

fn read_json(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::options()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("no regular file"));
    }
    let mut json = Vec::new();
    file.take(LONGEST).read_to_end(&mut json)?;
    Ok(json)
}

/// Replaces `$NAME` and `${NAME}` by what is given, and `$$` by `$`; what is not given stays.
fn expand(template: &str, given: &Environment) -> String {
    let mut expanded = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('$') {
        expanded.push_str(before);
        let (value, length) = variable(behind, given);
        expanded.push_str(value.unwrap_or(&rest[before.len()..][..1 + length]));
        rest = &behind[length..];
    }
    expanded + rest
}

/// The value of the variable whose name stands behind a `$`, and how long that is.
fn variable<'a>(behind: &str, given: &'a Environment) -> (Option<&'a str>, usize) {
    if behind.starts_with('$') {
        return (Some("$"), 1);
    }
    if let Some((name, _)) = behind
        .strip_prefix('{')
        .and_then(|braced| braced.split_once('}'))
    {
        return (given.get(name).map(String::as_str), name.len() + 2);
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = behind.find(|c| !is_name(c)).unwrap_or(behind.len());
    (given.get(&behind[..length]).map(String::as_str), length)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn write_spec(data: &Path, name: &str, json: &str) {
        let directory = data.join("kernels").join(name);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("kernel.json"), json).unwrap();
    }

    #[test]
    fn a_spec_is_found_in_any_case_and_substituted() {
        let data = tempfile::tempdir().unwrap();
        let json = r#"{"argv": ["run", "-f", "{connection_file}", "{resource_dir}/x", "{other}"],
            "env": {"A": "${B}:$C$$", "D": "${E}"}, "interrupt_mode": "message", "metadata": {"x": 1}}"#;
        write_spec(data.path(), "MyKernel", json);
        let given = environment(&[
            ("JUPYTER_PATH", data.path().to_str().unwrap()),
            ("B", "b"),
            ("C", "c"),
        ]);
        let spec = KernelSpec::find("mykernel", &given).unwrap();
        assert_eq!(spec.interrupt_mode, InterruptMode::Message);
        let resources = data.path().join("kernels/MyKernel/x");
        let command = spec.command(Path::new("/run/k.json"));
        assert_eq!(
            command,
            [
                "run",
                "-f",
                "/run/k.json",
                resources.to_str().unwrap(),
                "{other}"
            ]
        );
        let environment = spec.environment(&given);
        assert_eq!(
            (&*environment["A"], &*environment["D"], &*environment["B"]),
            ("b:c$", "${E}", "b")
        );
    }

    #[test]
    fn the_prefix_of_the_interpreter_on_the_path_is_searched() {
        let prefix = tempfile::tempdir().unwrap();
        fs::create_dir(prefix.path().join("bin")).unwrap();
        fs::write(prefix.path().join("bin/python3"), "").unwrap();
        write_spec(
            &prefix.path().join("share/jupyter"),
            "python3",
            r#"{"argv": ["python3"]}"#,
        );
        let path = format!("/nowhere:{}/bin", prefix.path().display());
        let spec = KernelSpec::find("python3", &environment(&[("PATH", &path)])).unwrap();
        assert_eq!(spec.interrupt_mode, InterruptMode::Signal);
    }

    #[test]
    fn earlier_places_win() {
        let (user, conda) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write_spec(
            &user.path().join(".local/share/jupyter"),
            "k",
            r#"{"argv": ["user"]}"#,
        );
        write_spec(
            &conda.path().join("share/jupyter"),
            "k",
            r#"{"argv": ["conda"]}"#,
        );
        let mut given = environment(&[("CONDA_DIR", conda.path().to_str().unwrap())]);
        assert_eq!(KernelSpec::find("k", &given).unwrap().argv, ["conda"]);
        given.insert("HOME".to_owned(), user.path().to_str().unwrap().to_owned());
        assert_eq!(KernelSpec::find("k", &given).unwrap().argv, ["user"]);
    }

    #[test]
    fn no_name_leads_out_of_the_data_path() {
        let data = tempfile::tempdir().unwrap();
        write_spec(data.path(), "k", r#"{"argv": ["x"]}"#);
        let given = environment(&[("JUPYTER_PATH", data.path().to_str().unwrap())]);
        for name in ["../kernels/k", "./k", "k/", "", "..", "/"] {
            assert!(
                matches!(
                    KernelSpec::find(name, &given),
                    Err(SpecError::Missing { .. })
                ),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_no_spec_is_refused_and_does_not_block() {
        let data = tempfile::tempdir().unwrap();
        write_spec(data.path(), "empty", r#"{"argv": []}"#);
        write_spec(data.path(), "cut", r#"{"argv": ["x""#);
        let pipe = data.path().join("kernels/pipe");
        fs::create_dir(&pipe).unwrap();
        nix::unistd::mkfifo(&pipe.join("kernel.json"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let endless = data.path().join("kernels/endless");
        fs::create_dir(&endless).unwrap();
        symlink("/dev/zero", endless.join("kernel.json")).unwrap();
        let given = environment(&[("JUPYTER_PATH", data.path().to_str().unwrap())]);
        for name in ["empty", "cut", "pipe", "endless"] {
            assert!(
                matches!(
                    KernelSpec::find(name, &given),
                    Err(SpecError::Unreadable { .. })
                ),
                "{name}"
            );
        }
    }
}
