//! Amounts in requests: a number in the unit that the field has, or text with a unit.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use bytesize::ByteSize;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Of which durations are.
const LEAST: Duration = Duration::from_nanos(1);

/// A number, or text.
#[derive(Clone, Debug, PartialEq)]
pub enum Amount<'a> {
    /// In the field's unit.
    Number(f64),
    /// With a unit: `90s`, `512MiB`. Without one it is in the field's unit.
    Text(Cow<'a, str>),
}

impl Amount<'_> {
    /// As a duration: seconds, or text like `1m 30s`.
    pub fn duration(&self) -> Option<Duration> {
        let seconds = match self {
            Self::Number(seconds) => *seconds,
            Self::Text(text) => match humantime::parse_duration(text) {
                Ok(duration) => return Some(duration),
                Err(_) => text.trim().parse().ok()?,
            },
        };
        in_nanoseconds(seconds)
    }

    /// As a size: whole bytes, or text like `512MiB`.
    pub fn size(&self) -> Option<ByteSize> {
        match self {
            // Up to 2^53, beyond which a JSON number is no longer exact; that is 8 PiB.
            Self::Number(bytes) => (bytes.fract() == 0.0 && (0.0..=9e15).contains(bytes))
                .then_some(ByteSize(*bytes as u64)),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// As a plain number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
        .filter(|number| number.is_finite())
    }
}

/// The nearest duration. But what is not quite a whole second does not become one: that is what bounds are, and it is beyond.
fn in_nanoseconds(seconds: f64) -> Option<Duration> {
    let nearest = Duration::try_from_secs_f64(seconds).ok()?;
    if nearest.subsec_nanos() != 0 {
        return Some(nearest);
    }
    match seconds.total_cmp(&nearest.as_secs_f64()) {
        Ordering::Less => nearest.checked_sub(LEAST),
        Ordering::Equal => Some(nearest),
        Ordering::Greater => nearest.checked_add(LEAST),
    }
}

/// By hand, because serde's untagged enums first copy whatever is there, however large it grows by that.
impl<'a> Deserialize<'a> for Amount<'a> {
    fn deserialize<D: Deserializer<'a>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(NumberOrText)
    }
}

struct NumberOrText;

impl<'a> Visitor<'a> for NumberOrText {
    type Value = Amount<'a>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number or text")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Amount<'a>, E> {
        Ok(Amount::Number(number as f64))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Amount<'a>, E> {
        Ok(Amount::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Amount<'a>, E> {
        Ok(Amount::Number(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Amount<'a>, E> {
        Ok(Amount::Text(text.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Amount<'a>, E> {
        Ok(Amount::Text(text.to_owned().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Amount<'_> {
        Amount::Text(text.into())
    }

    #[test]
    fn a_duration_is_seconds_or_has_a_unit() {
        let ninety = Some(Duration::from_secs(90));
        assert_eq!(Amount::Number(90.0).duration(), ninety);
        assert_eq!(text("1m 30s").duration(), ninety);
        assert_eq!(text("90").duration(), ninety);
        assert_eq!(Amount::Number(-1.0).duration(), None);
        assert_eq!(text("soon").duration(), None);
    }

    #[test]
    fn what_is_nearly_a_whole_second_is_no_whole_second() {
        let second = Duration::from_secs(1);
        for (seconds, expected) in [
            (1.0_f64.next_down(), Some(second - LEAST)),
            (1.0_f64.next_up(), Some(second + LEAST)),
            (1.0, Some(second)),
            (0.0, Some(Duration::ZERO)),
            (1.234_567_890_1, Some(Duration::new(1, 234_567_890))),
            (-f64::MIN_POSITIVE, None),
        ] {
            assert_eq!(Amount::Number(seconds).duration(), expected, "{seconds:e}");
        }
        assert_eq!(text("1.0000000000000002").duration(), Some(second + LEAST));
    }

    #[test]
    fn a_size_is_bytes_or_has_a_unit() {
        assert_eq!(Amount::Number(1024.0).size(), Some(ByteSize::kib(1)));
        assert_eq!(text("512MiB").size(), Some(ByteSize::mib(512)));
        assert_eq!(Amount::Number(0.5).size(), None);
        assert_eq!(Amount::Number(-1.0).size(), None);
        assert_eq!(text("much").size(), None);
    }

    #[test]
    fn json_decides_which() {
        assert_eq!(
            serde_json::from_str::<Amount>("2").unwrap(),
            Amount::Number(2.0)
        );
        assert_eq!(
            serde_json::from_str::<Amount>("\"2s\"").unwrap(),
            text("2s")
        );
        assert!(serde_json::from_str::<Amount>("[]").is_err());
    }
}
