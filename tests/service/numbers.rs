//! Reads Prometheus' text format, strictly enough that what is wrong with it fails a test.

use std::collections::{BTreeMap, BTreeSet};

/// What a service counts, at one moment.
#[derive(Debug)]
pub struct Numbers(BTreeMap<String, f64>);

impl Numbers {
    /// Reads a text in which each metric has its help and its type once, in front of its samples.
    #[track_caller]
    pub fn read(text: &str) -> Numbers {
        let (mut samples, mut names) = (BTreeMap::new(), BTreeSet::new());
        let mut helped = "";
        let mut current = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                helped = rest.split_once(' ').expect("a help has words").0;
                continue;
            }
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                current = rest.split_once(' ').expect("a type has a name").0;
                assert_eq!(helped, current, "each metric has its help");
                assert!(names.insert(current.to_owned()), "{current} is there twice");
                continue;
            }
            let (sample, value) = line.rsplit_once(' ').expect("a sample has a value");
            assert!(sample.starts_with(current), "{sample} follows {current}");
            let before = samples.insert(sample.to_owned(), value.parse().unwrap());
            assert_eq!(before, None, "{sample} is there twice");
        }
        Numbers(samples)
    }

    /// All samples.
    pub fn samples(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A sample, 0 if it is not there. `name{label="value"}` without `cellblock_`; labels in the order of the text.
    pub fn of(&self, sample: &str) -> f64 {
        let sample = format!("cellblock_{sample}");
        self.0.get(&sample).copied().unwrap_or_default()
    }
}
