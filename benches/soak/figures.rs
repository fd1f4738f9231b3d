//! What the service holds, a line a minute, and whether it grows.

use std::fmt;
use std::fs;

use crate::support::Service;

/// How much more of anything at the end than after warming up is growth.
const TOLERATED: f64 = 1.25;

/// What the service holds at a time.
#[derive(Clone, Debug)]
pub struct Line {
    done: usize,
    resident_kb: u64,
    descriptors: u64,
    threads: u64,
    containers: u64,
}

impl Line {
    /// Above them all.
    pub const HEAD: &str = "     done   resident kB   descriptors   threads   containers";

    /// Now.
    pub fn of(service: &Service, done: usize) -> Line {
        let process = format!("/proc/{}", service.pid());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        Line {
            done,
            resident_kb: number(&status, "VmRSS:"),
            descriptors: fs::read_dir(format!("{process}/fd")).unwrap().count() as u64,
            threads: number(&status, "Threads:"),
            containers: service.containers().len() as u64,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line {
            done,
            resident_kb,
            descriptors,
            threads,
            containers,
        } = self;
        write!(
            formatter,
            "{done:9}   {resident_kb:11}   {descriptors:11}   {threads:7}   {containers:10}"
        )
    }
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

/// What of a line is looked at.
type Figure = fn(&Line) -> u64;

/// All lines.
#[derive(Debug, Default)]
pub struct Figures(Vec<Line>);

impl Figures {
    /// One more.
    pub fn push(&mut self, line: Line) {
        self.0.push(line);
    }

    /// What there is more of in the last third than in the second: the first warms up. Not containers: as many as work is done in
    /// at that time, three or nine of them. Those that are left are counted when it is over.
    pub fn grown(&self) -> Vec<String> {
        let third = self.0.len() / 3;
        if third == 0 {
            return vec![
                "too short to tell what grows: at least three lines are needed".to_owned(),
            ];
        }
        let (second, last) = (&self.0[third..2 * third], &self.0[2 * third..]);
        let kinds: [(&str, Figure); 3] = [
            ("resident memory", |line| line.resident_kb),
            ("descriptors", |line| line.descriptors),
            ("threads", |line| line.threads),
        ];
        let grown = kinds.iter().filter_map(|(what, of)| {
            let (before, after) = (median(second, of), median(last, of));
            (after > before * TOLERATED).then(|| format!("{what} grew: {before} to {after}"))
        });
        grown.collect()
    }
}

fn median(lines: &[Line], of: impl Fn(&Line) -> u64) -> f64 {
    let mut values: Vec<u64> = lines.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2] as f64
}
