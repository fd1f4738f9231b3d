//! Who may reach what: pure, and decided before anything runs.

use crate::config::Egress;
use crate::config::host_rule::{Host, HostRule};
use crate::service::ServiceError;
use crate::service::owner::Owner;

/// The hosts that one sandbox may reach: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service) struct Allowed(Vec<HostRule>);

impl Allowed {
    /// These.
    pub(in crate::service) fn hosts(rules: Vec<HostRule>) -> Allowed {
        Allowed(rules)
    }

    /// Whether a connection may be made.
    pub(super) fn allows(&self, host: &Host, port: u16) -> bool {
        self.0.iter().any(|rule| rule.allows(host, port))
    }
}

/// What a request gets of what it asks for: all of it, or a refusal that names the first entry that is not allowed.
/// One that asks for nothing gets nothing.
pub(in crate::service) fn allowed(
    egress: &Egress,
    owner: &Owner,
    environment: &str,
    asked: &[HostRule],
) -> Result<Option<Allowed>, ServiceError> {
    if asked.is_empty() {
        return Ok(None);
    }
    may_ask(egress, owner, environment)?;
    for (index, rule) in asked.iter().enumerate() {
        if !egress.hosts.iter().any(|ours| ours.covers(rule)) {
            let reason = format!("{rule} is not among the hosts that may be reached here");
            return Err(ServiceError::invalid(format!("network.{index}"), reason));
        }
    }
    Ok(Some(Allowed(asked.to_vec())))
}

fn may_ask(egress: &Egress, owner: &Owner, environment: &str) -> Result<(), ServiceError> {
    let listed =
        |names: &[String], name: &str| names.is_empty() || names.iter().any(|it| it == name);
    let refuse = |reason: String| Err(ServiceError::invalid("network", reason));
    if egress.hosts.is_empty() {
        return refuse("no host may be reached here".to_owned());
    }
    if !listed(&egress.environments, environment) {
        return refuse(format!("no host may be reached from {environment}"));
    }
    if !listed(&egress.keys, &owner.to_string()) {
        return refuse("no host may be reached with this key".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Vec<HostRule> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn egress() -> Egress {
        Egress {
            hosts: rules(&["pypi.org:443", "*.example.com"]),
            ..Egress::default()
        }
    }

    fn refusal(egress: &Egress, asked: &[&str]) -> String {
        let allowed = allowed(egress, &Owner::local(), "python", &rules(asked));
        allowed.unwrap_err().to_string()
    }

    #[test]
    fn nothing_is_allowed_unless_it_is_asked_for() {
        let nothing = allowed(&egress(), &Owner::local(), "python", &[]);
        assert_eq!(nothing.unwrap(), None);
    }

    #[test]
    fn a_subset_is_allowed_and_no_more_than_it() {
        let asked = rules(&["pypi.org:443"]);
        let allowed = allowed(&egress(), &Owner::local(), "python", &asked)
            .unwrap()
            .unwrap();
        assert!(allowed.allows(&"pypi.org".parse().unwrap(), 443));
        assert!(!allowed.allows(&"pypi.org".parse().unwrap(), 80));
        assert!(!allowed.allows(&"a.example.com".parse().unwrap(), 443));
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        let refusal = refusal(&egress(), &["a.example.com", "pypi.org"]);
        assert!(
            refusal.starts_with("network.1: pypi.org is not"),
            "{refusal}"
        );
    }

    #[test]
    fn an_operator_who_lists_no_host_allows_none() {
        assert!(refusal(&Egress::default(), &["pypi.org"]).contains("no host may be reached here"));
    }

    #[test]
    fn environments_and_keys_can_be_left_out() {
        let bash_only = Egress {
            environments: vec!["bash".to_owned()],
            ..egress()
        };
        assert!(refusal(&bash_only, &["pypi.org:443"]).contains("from python"));
        let alice_only = Egress {
            keys: vec!["alice".to_owned()],
            ..egress()
        };
        assert!(refusal(&alice_only, &["pypi.org:443"]).contains("with this key"));
    }
}
