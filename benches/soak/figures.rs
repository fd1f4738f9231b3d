//! What the service holds, looked at every few seconds, and whether it grows.
//!
//! All of it goes up and down with the work that is being done: 4 MiB of output here, a container more there. So what is
//! compared are means of many looks.

use std::fs;

use crate::support::Service;

/// How much more of anything at the end than after warming up is growth.
const TOLERATED: f64 = 1.25;

/// What is looked at.
const HELD: [&str; 4] = ["resident kB", "descriptors", "threads", "containers"];

/// As much of each of [`HELD`].
type Amounts = [f64; HELD.len()];

/// All looks.
#[derive(Debug, Default)]
pub struct Figures(Vec<Amounts>);

impl Figures {
    /// Looks once more, and says how often that has been done.
    pub fn look(&mut self, service: &Service) -> usize {
        let process = format!("/proc/{}", service.pid());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        self.0.push([
            number(&status, "VmRSS:"),
            fs::read_dir(format!("{process}/fd")).unwrap().count() as f64,
            number(&status, "Threads:"),
            service.containers().len() as f64,
        ]);
        self.0.len()
    }

    /// What stands above the means.
    pub fn head() -> String {
        HELD.map(|what| format!("   {what:>11}")).concat()
    }

    /// The means of the last looks, so many of them.
    pub fn means(&self, of: usize) -> String {
        let last = &self.0[self.0.len() - of..];
        means(last).map(|mean| format!("   {mean:11.1}")).concat()
    }

    /// What there is more of in the last third than in the second: the first warms up.
    pub fn grown(&self) -> Vec<String> {
        let third = self.0.len() / 3;
        if third == 0 {
            return vec!["too short to tell what grows".to_owned()];
        }
        let (before, after) = (
            means(&self.0[third..2 * third]),
            means(&self.0[2 * third..]),
        );
        let grown = HELD.iter().zip(before.into_iter().zip(after));
        grown
            .filter(|(_, (before, after))| *after > before * TOLERATED)
            .map(|(what, (before, after))| format!("{what} grew: {before:.1} to {after:.1}"))
            .collect()
    }
}

fn number(status: &str, name: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

fn means(looks: &[Amounts]) -> Amounts {
    std::array::from_fn(|of| looks.iter().map(|look| look[of]).sum::<f64>() / looks.len() as f64)
}
