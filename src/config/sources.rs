//! Where settings come from: flags over the environment over the file over the defaults.
//!
//! A key that nobody knows is refused wherever it stands: a typing error must not run with a default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::error::{Origin, SettingsError};
use super::keys;
use super::{Settings, check, file};

/// The file that is read when no other is named, if it is there.
const USUAL_FILE: &str = "/etc/cellblock/cellblock.toml";

/// Names the file.
const FILE_FLAG: &str = "config";
const FILE_VARIABLE: &str = "CELLBLOCK_CONFIG";

const PREFIX: &str = "CELLBLOCK_";

/// Variables of ours that are no settings of the service, and those that Kubernetes sets for a service of our name.
const OTHER_VARIABLES: [&str; 4] = [
    FILE_VARIABLE,
    "CELLBLOCK_AGENT",
    "CELLBLOCK_SERVICE_",
    "CELLBLOCK_PORT",
];

/// The settings that stand on a command line: one flag for each, and `--config`.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    file: Option<PathBuf>,
    values: BTreeMap<&'static str, String>,
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE_FLAG)
            .long(FILE_FLAG)
            .value_name("FILE")
            .help(format!(
                "Settings file [env: {FILE_VARIABLE}] [default: {USUAL_FILE}, if it is there]"
            ));
        let settings = keys::all().map(|key| {
            Arg::new(key.name)
                .long(key.flag())
                .value_name("VALUE")
                .help_heading("Settings")
                .help(format!(
                    "{} [env: {}] [default: {}]",
                    key.help,
                    key.variable(),
                    default_of(key)
                ))
        });
        command.arg(file).args(settings)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args(command)
    }
}

fn default_of(key: &keys::Key) -> String {
    (key.field)(&mut Settings::default()).show()
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Flags, clap::Error> {
        let mut flags = Flags::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.file = matches.get_one::<String>(FILE_FLAG).map(PathBuf::from);
        let given = keys::all()
            .filter_map(|key| Some((key.name, matches.get_one::<String>(key.name)?.clone())));
        self.values = given.collect();
        Ok(())
    }
}

/// The effective settings, and where each comes from.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The settings.
    pub settings: Settings,
    sources: BTreeMap<&'static str, Origin>,
}

impl Configuration {
    /// Merges all sources. `variables` is the process's environment.
    ///
    /// # Errors
    ///
    /// The first key that is unknown, or whose value is none or contradicts another.
    pub fn load(
        flags: &Flags,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Configuration, SettingsError> {
        let variables: BTreeMap<String, String> = variables
            .into_iter()
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let mut configuration = Configuration {
            settings: Settings::default(),
            sources: BTreeMap::new(),
        };
        if let Some(path) = file_path(flags, &variables) {
            configuration.take_file(&path)?;
        }
        configuration.take_variables(&variables)?;
        for (key, text) in &flags.values {
            let name = key.replace(['.', '_'], "-");
            configuration.set(key, text, Origin::Flag(name))?;
        }
        check::check(&configuration.settings).map_err(|error| configuration.with_origin(error))?;
        Ok(configuration)
    }

    /// The effective settings as a TOML file, each with its origin; secrets are not shown.
    #[must_use]
    pub fn show(&self) -> String {
        let mut settings = self.settings.clone();
        let (mut text, mut table) = (String::new(), "");
        for key in keys::all() {
            let (of, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
            if of != table {
                text += &format!("\n[{of}]\n");
                table = of;
            }
            let origin = self.sources.get(key.name).unwrap_or(&Origin::Default);
            text += &format!(
                "{name} = {}  # {origin}\n",
                (key.field)(&mut settings).show()
            );
        }
        for environment in &self.settings.environments {
            text += &format!(
                "\n[[environments]]\nname = {:?}\nimage = {:?}\nkernelspec = {:?}\n",
                environment.name, environment.image, environment.kernelspec
            );
        }
        text
    }

    fn take_file(&mut self, path: &Path) -> Result<(), SettingsError> {
        let file = file::read(path)?;
        for (key, text) in &file.values {
            self.set(key, text, Origin::File(path.to_owned()))?;
        }
        self.settings.environments = file.environments;
        Ok(())
    }

    fn take_variables(
        &mut self,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), SettingsError> {
        for (name, text) in variables {
            if OTHER_VARIABLES.iter().any(|other| name.starts_with(other)) {
                continue;
            }
            let origin = Origin::Variable(name.clone());
            match keys::all().find(|key| key.variable() == *name) {
                Some(key) => self.set(key.name, text, origin)?,
                None => return Err(unknown(name, origin, keys::all().map(|key| key.variable()))),
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &str, text: &str, origin: Origin) -> Result<(), SettingsError> {
        let Some(known) = keys::find(key) else {
            return Err(unknown(
                key,
                origin,
                keys::all().map(|key| key.name.to_owned()),
            ));
        };
        if let Err(reason) = (known.field)(&mut self.settings).set(text) {
            return Err(SettingsError::Invalid {
                key: key.to_owned(),
                origin,
                reason,
            });
        }
        self.sources.insert(known.name, origin);
        Ok(())
    }

    /// A check knows the key only.
    fn with_origin(&self, error: SettingsError) -> SettingsError {
        match error {
            SettingsError::Invalid {
                key,
                origin,
                reason,
            } => SettingsError::Invalid {
                origin: self.sources.get(key.as_str()).cloned().unwrap_or(origin),
                key,
                reason,
            },
            other => other,
        }
    }
}

fn file_path(flags: &Flags, variables: &BTreeMap<String, String>) -> Option<PathBuf> {
    let usual = || Some(PathBuf::from(USUAL_FILE)).filter(|path| path.exists());
    flags
        .file
        .clone()
        .or_else(|| variables.get(FILE_VARIABLE).map(PathBuf::from))
        .or_else(usual)
}

fn unknown(key: &str, origin: Origin, known: impl Iterator<Item = String>) -> SettingsError {
    let close = |other: &String| strsim::jaro_winkler(key, other) > 0.85;
    let near = known
        .filter(close)
        .max_by(|a, b| strsim::jaro_winkler(key, a).total_cmp(&strsim::jaro_winkler(key, b)));
    SettingsError::Unknown {
        key: key.to_owned(),
        origin,
        near,
    }
}

#[cfg(test)]
mod tests;
