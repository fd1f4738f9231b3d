//! Which environment a kernel's name means.
//!
//! A kernel is called as its environment, but for Python's: every Jupyter calls it `python3`, notebooks say so, and a gateway takes
//! it for the usual one before it has asked. Names that other kernels have elsewhere are understood too, where no environment has
//! that very name.

use crate::http::app::App;
use crate::http::field::Loc;
use crate::http::problem::{Kind, Problem};
use crate::sandbox::EnvironmentImage;
use crate::service::owner::Owner;

/// The kernel of who names none, where there is one of that name.
const USUAL: &str = "python";

/// What Jupyter's clients call the usual one.
const USUAL_ELSEWHERE: &str = "python3";

/// Names of kernelspecs as their own installers write them, and the environment that runs such notebooks.
const ALIASES: &[(&str, &str)] = &[
    (USUAL_ELSEWHERE, USUAL), // ipykernel
    ("xpython", "python"),    // xeus-python
    ("ir", "r"),              // IRkernel
    ("xr", "r"),              // xeus-r
    ("deno", "typescript"),   // Deno
    ("tslab", "typescript"),
    ("jslab", "javascript"),       // tslab's other half
    ("ijavascript", "javascript"), // IJavascript
    ("jjava", "java"),
    ("gophernotes", "go"),
    ("gonb", "go"),
    ("xcpp11", "cpp"), // xeus-cling and xeus-cpp
    ("xcpp14", "cpp"),
    ("xcpp17", "cpp"),
    ("xcpp20", "cpp"),
    ("xcpp23", "cpp"),
    ("xlua", "lua"),
    ("iperl", "perl"),
    ("ruby3", "ruby"),
    ("xoctave", "octave"),
];

/// The environment that a name means; without a name, the usual one of those that the owner's key may use.
///
/// # Errors
///
/// [`Kind::Invalid`] for a name that means none; [`Kind::Unavailable`] when the engine does not tell, or there are none at
/// all.
pub async fn environment(
    app: &App,
    owner: &Owner,
    name: Option<&str>,
) -> Result<EnvironmentImage, Problem> {
    let environments = app.service.environments().await?;
    let granted = app.service.environments_of(owner).await?;
    let found = match name {
        Some(name) => meant(name, &environments),
        // That a key may use none is for the service to say.
        None => usual(&granted).or(usual(&environments)),
    };
    found.cloned().ok_or_else(|| match name {
        Some(name) => unknown(name, &environments),
        None => Problem::new(Kind::Unavailable, "No image of an environment is present."),
    })
}

/// What Jupyter's clients call an environment's kernel.
pub fn kernel_name(environment: &str) -> &str {
    if environment == USUAL {
        USUAL_ELSEWHERE
    } else {
        environment
    }
}

/// The one of this name.
pub fn meant<'a>(name: &str, environments: &'a [EnvironmentImage]) -> Option<&'a EnvironmentImage> {
    let named = |name: &str| environments.iter().find(|it| it.name == name);
    let alias = || ALIASES.iter().find(|(alias, _)| *alias == name);
    named(name).or_else(|| named(alias()?.1))
}

/// The one of who names none.
pub fn usual(environments: &[EnvironmentImage]) -> Option<&EnvironmentImage> {
    meant(USUAL, environments).or(environments.first())
}

fn unknown(name: &str, environments: &[EnvironmentImage]) -> Problem {
    let known = environments.iter().map(|it| kernel_name(&it.name));
    let known: Vec<_> = known.collect();
    let known = known.join(", ");
    let shortened: String = name.chars().take(64).collect();
    let reason = format!("there is no kernel {shortened:?}; there are: {known}");
    Problem::invalid_field(Loc::body().field("name"), reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::fake::environment;

    fn name_of(found: Option<&EnvironmentImage>) -> Option<&str> {
        found.map(|environment| environment.name.as_str())
    }

    #[test]
    fn an_environment_s_own_name_comes_before_any_alias() {
        let both = [environment("python"), environment("python3")];
        assert_eq!(name_of(meant("python3", &both)), Some("python3"));
        assert_eq!(name_of(meant("python3", &both[..1])), Some("python"));
        assert_eq!(name_of(meant("ir", &both)), None);
        assert_eq!(name_of(meant("", &both)), None);
    }

    #[test]
    fn python_is_called_as_everywhere() {
        let all = [environment("python"), environment("python_scientific")];
        assert_eq!(kernel_name("python"), "python3");
        assert_eq!(name_of(meant(kernel_name("python"), &all)), Some("python"));
        assert_eq!(kernel_name("python_scientific"), "python_scientific");
    }

    #[test]
    fn who_names_none_gets_python_or_the_first() {
        let all = [environment("bash"), environment("python")];
        assert_eq!(name_of(usual(&all)), Some("python"));
        assert_eq!(name_of(usual(&all[..1])), Some("bash"));
        assert_eq!(name_of(usual(&[])), None);
    }
}
