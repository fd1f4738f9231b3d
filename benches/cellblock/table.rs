//! Samples, and the table of them.

use std::fmt;
use std::time::Duration;

/// Durations of one kind.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// One more.
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// The sums of both, median with median: as if one followed the other.
    pub fn plus(&self, other: &Samples) -> Samples {
        let (mut first, mut second) = (self.0.clone(), other.0.clone());
        first.sort();
        second.sort();
        Samples(first.into_iter().zip(second).map(|(a, b)| a + b).collect())
    }

    /// The smallest sample that so many percent do not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(index).copied().unwrap_or_default()
    }
}

impl FromIterator<Duration> for Samples {
    fn from_iter<I: IntoIterator<Item = Duration>>(samples: I) -> Samples {
        Samples(samples.into_iter().collect())
    }
}

/// What is printed at the end.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// A row of times at the median, one at the 99th percentile.
    pub fn times(&mut self, what: &str, samples: &Samples, floor: &Samples) {
        for percent in [50, 99] {
            let (ours, theirs) = (samples.percentile(percent), floor.percentile(percent));
            let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
            self.row(
                &format!("{what}, p{percent}"),
                millis(ours),
                millis(theirs),
                format!("{ratio:.2} ×"),
            );
        }
    }

    /// A row of one time, without a floor.
    pub fn time(&mut self, what: &str, took: Duration) {
        self.row(what, millis(took), String::new(), String::new());
    }

    /// A row of bytes a second at the median.
    pub fn rates(&mut self, what: &str, bytes: usize, samples: &Samples, floor: &Samples) {
        let rate = |samples: &Samples| bytes as f64 / samples.percentile(50).as_secs_f64() / 1e6;
        let (ours, theirs) = (rate(samples), rate(floor));
        let rate = |rate: f64| format!("{rate:.0} MB/s");
        self.row(
            what,
            rate(ours),
            rate(theirs),
            format!("{:.2} ×", ours / theirs),
        );
    }

    /// A row of bytes.
    pub fn size(&mut self, what: &str, bytes: u64) {
        let size = match bytes {
            ..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
            _ => format!("{:.1} MB", bytes as f64 / 1e6),
        };
        self.row(what, size, String::new(), String::new());
    }

    fn row(&mut self, what: &str, ours: String, floor: String, ratio: String) {
        self.rows.push([what.to_owned(), ours, floor, ratio]);
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "| figure | Cellblock | floor | ratio |\n|---|--:|--:|--:|"
        )?;
        for row in &self.rows {
            writeln!(formatter, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}
