//! The agent's own requests to the kernel, and how the answers to them are told from everybody else's.
//!
//! The kernel's clients must never see these: their ids share a random beginning, and whatever has one of them
//! as its parent stays here.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::connection::random_hex;

/// Makes requests. Clones share a session.
#[derive(Clone, Debug)]
pub(super) struct Requests(Arc<Session>);

#[derive(Debug)]
struct Session {
    id: String,
    count: AtomicU64,
}

#[derive(Serialize)]
struct Header<'a> {
    msg_id: String,
    session: &'a str,
    username: &'a str,
    date: String,
    msg_type: &'a str,
    version: &'a str,
}

/// What the agent reads of a header.
#[derive(Deserialize)]
struct Glance<'a> {
    #[serde(borrow)]
    msg_id: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    msg_type: Option<std::borrow::Cow<'a, str>>,
}

impl Requests {
    pub(super) fn new() -> io::Result<Requests> {
        let id = format!("agent-{}", random_hex::<16>()?);
        Ok(Requests(Arc::new(Session {
            id,
            count: AtomicU64::new(0),
        })))
    }

    /// The session's id, which also serves as an identity.
    pub(super) fn session(&self) -> &str {
        &self.0.id
    }

    /// The parts of a request without content.
    pub(super) fn make(&self, msg_type: &str) -> Vec<Bytes> {
        let count = self.0.count.fetch_add(1, Ordering::Relaxed);
        let header = Header {
            msg_id: format!("{}_{count}", self.0.id),
            session: &self.0.id,
            username: "agent",
            date: iso_8601(SystemTime::now()),
            msg_type,
            version: "5.3",
        };
        let header = serde_json::to_vec(&header).expect("strings are JSON");
        let empty = Bytes::from_static(b"{}");
        vec![header.into(), empty.clone(), empty.clone(), empty]
    }

    /// Whether a message answers one of these requests.
    pub(super) fn is_answer(&self, parts: &[Bytes]) -> bool {
        let parent = parts.get(1).and_then(|parent| glance(parent));
        let id = parent.as_ref().and_then(|parent| parent.msg_id.as_deref());
        id.is_some_and(|id| id.starts_with(&self.0.id))
    }
}

/// Whether the message is of this type.
pub(super) fn is_type(parts: &[Bytes], msg_type: &str) -> bool {
    let header = parts.first().and_then(|header| glance(header));
    header.is_some_and(|header| header.msg_type.as_deref() == Some(msg_type))
}

fn glance(header: &[u8]) -> Option<Glance<'_>> {
    serde_json::from_slice(header).ok()
}

/// The time in UTC, as Jupyter writes it.
fn iso_8601(time: SystemTime) -> String {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_micros()
    )
}

/// The Gregorian date so many days after 1970-01-01, counted from 1 March of the year 0: leap days come last
/// (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right() {
        assert_eq!(
            iso_8601(SystemTime::UNIX_EPOCH),
            "1970-01-01T00:00:00.000000Z"
        );
        let leap_day = SystemTime::UNIX_EPOCH + Duration::from_micros(1_709_210_096_000_789);
        assert_eq!(iso_8601(leap_day), "2024-02-29T12:34:56.000789Z");
    }

    #[test]
    fn only_answers_to_its_own_are_recognised() {
        let requests = Requests::new().unwrap();
        let request = requests.make("kernel_info_request");
        let header = request[0].clone();
        let empty = Bytes::from_static(b"{}");
        let answer = vec![empty.clone(), header.clone(), empty.clone(), empty.clone()];
        assert!(requests.is_answer(&answer));
        assert!(is_type(
            std::slice::from_ref(&header),
            "kernel_info_request"
        ));
        assert!(!Requests::new().unwrap().is_answer(&answer));
        for parent in ["{}", "", "[]", "{\"msg_id\": 7}", "\u{0}"] {
            let other = vec![
                header.clone(),
                Bytes::from(parent),
                empty.clone(),
                empty.clone(),
            ];
            assert!(!requests.is_answer(&other), "{parent}");
        }
    }
}
