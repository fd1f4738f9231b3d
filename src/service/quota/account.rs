//! What one owner has used, and whether it may have more. Pure: the time is given.

use std::collections::VecDeque;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use super::store::Used;

use crate::config::key_file::Quota;
use crate::service::ServiceError;

const MINUTE: Duration = Duration::from_secs(60);

/// Of a day of UTC, which is what days mean here.
const DAY: i64 = 24 * 60 * 60;

/// When to ask again for a session: they last.
const SESSION_RETRY: Duration = Duration::from_secs(30);

/// `Retry-After` counts whole seconds.
const SHORTEST_RETRY: Duration = Duration::from_secs(1);

/// What an execution is taken to last before any has ended.
const FIRST_GUESS: Duration = Duration::from_secs(2);

/// The weight of the newest execution in the mean, as one part in so many.
const WEIGHT: u32 = 8;

/// By both clocks: that which does not jump, and that which knows when a day ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) time: Timestamp,
}

/// What one owner has used.
pub(super) struct Account {
    executions: u32,
    /// When those of the last minute began, the oldest first. No more of them than the limit.
    begun: VecDeque<Instant>,
    /// The moving mean of how long executions take.
    held: Duration,
    pub(super) sessions: u32,
    today: Day,
}

/// What was used of what is limited by the day.
#[derive(Default)]
struct Day {
    date: Date,
    cpu: Duration,
    bytes: u64,
}

impl Now {
    /// By both clocks of this machine.
    pub(super) fn new() -> Now {
        Now {
            instant: Instant::now(),
            time: Timestamp::now(),
        }
    }

    fn since(&self, earlier: Instant) -> Duration {
        self.instant.saturating_duration_since(earlier)
    }

    /// Of UTC.
    pub(super) fn date(&self) -> Date {
        TimeZone::UTC.to_datetime(self.time).date()
    }
}

impl Default for Account {
    fn default() -> Account {
        Account {
            executions: 0,
            begun: VecDeque::new(),
            held: FIRST_GUESS,
            sessions: 0,
            today: Day::default(),
        }
    }
}

impl Account {
    /// Of an owner of whom nothing is known but what was used on a day.
    pub(super) fn resumed(date: Date, used: Used) -> Account {
        let cpu = Duration::from_millis(used.cpu_ms);
        let bytes = used.bytes;
        Account {
            today: Day { date, cpu, bytes },
            ..Account::default()
        }
    }

    /// What was used today, if anything.
    pub(super) fn used_today(&mut self, now: Now) -> Option<Used> {
        let today = self.today(now);
        let used = Used {
            cpu_ms: u64::try_from(today.cpu.as_millis()).unwrap_or(u64::MAX),
            bytes: today.bytes,
        };
        (used != Used::default()).then_some(used)
    }

    /// Whether it can be forgotten: nothing goes on, and nothing that was counts any more.
    pub(super) fn is_idle(&mut self, now: Now) -> bool {
        self.forget_begun(now);
        self.executions == 0
            && self.sessions == 0
            && self.begun.is_empty()
            && self.used_today(now).is_none()
    }

    /// Counts one more execution, unless it is too many.
    pub(super) fn begin_execution(&mut self, quota: &Quota, now: Now) -> Result<(), ServiceError> {
        self.has_cpu(quota, now)?;
        if let Some(limit) = quota.executions.filter(|limit| self.executions >= *limit) {
            let reason = format!("executions: this key may have {limit} at the same time");
            return Err(over(reason, self.held / limit.max(1)));
        }
        if let Some(limit) = quota.executions_per_minute {
            self.rate(limit, now)?;
        }
        self.executions += 1;
        Ok(())
    }

    pub(super) fn end_execution(&mut self, held: Duration) {
        self.executions = self.executions.saturating_sub(1);
        self.held = (self.held * (WEIGHT - 1) + held) / WEIGHT;
    }

    /// Counts one more session, unless it is too many.
    pub(super) fn begin_session(&mut self, quota: &Quota, now: Now) -> Result<(), ServiceError> {
        self.has_cpu(quota, now)?;
        if let Some(limit) = quota.sessions.filter(|limit| self.sessions >= *limit) {
            let reason = format!("sessions: this key may have {limit} at the same time");
            return Err(over(reason, SESSION_RETRY));
        }
        self.sessions += 1;
        Ok(())
    }

    pub(super) fn count_cpu(&mut self, cpu: Duration, now: Now) {
        let today = self.today(now);
        today.cpu = today.cpu.saturating_add(cpu);
    }

    /// Whether any byte is left.
    pub(super) fn may_send(&mut self, quota: &Quota, now: Now) -> Result<(), ServiceError> {
        match quota.egress_per_day {
            Some(limit) if self.today(now).bytes >= limit.as_u64() => Err(no_bytes(limit, now)),
            _ => Ok(()),
        }
    }

    /// Counts bytes, also those that are too many.
    pub(super) fn send(&mut self, bytes: u64, quota: &Quota, now: Now) -> Result<(), ServiceError> {
        let today = self.today(now);
        today.bytes = today.bytes.saturating_add(bytes);
        match quota.egress_per_day {
            Some(limit) if today.bytes > limit.as_u64() => Err(no_bytes(limit, now)),
            _ => Ok(()),
        }
    }

    fn has_cpu(&mut self, quota: &Quota, now: Now) -> Result<(), ServiceError> {
        let Some(limit) = quota.cpu_per_day else {
            return Ok(());
        };
        if self.today(now).cpu < limit {
            return Ok(());
        }
        let limit = humantime::format_duration(limit);
        let reason = format!("cpu_per_day: the {limit} of processor time of this key are used up");
        Err(over(reason, to_midnight(now.time)))
    }

    /// No more than `limit` in any minute, wherever it begins.
    fn rate(&mut self, limit: u32, now: Now) -> Result<(), ServiceError> {
        self.forget_begun(now);
        if self.begun.len() >= limit as usize {
            // Where the limit was lowered, more than one has to grow old.
            let until = self.begun.len() - limit as usize;
            let wait = self
                .begun
                .get(until)
                .map_or(MINUTE, |begun| MINUTE - now.since(*begun));
            let reason = format!("executions_per_minute: this key may begin {limit} in a minute");
            return Err(over(reason, wait));
        }
        self.begun.push_back(now.instant);
        Ok(())
    }

    /// Those that are a minute old.
    fn forget_begun(&mut self, now: Now) {
        let is_old = |begun: &Instant| now.since(*begun) >= MINUTE;
        while self.begun.front().is_some_and(is_old) {
            self.begun.pop_front();
        }
    }

    fn today(&mut self, now: Now) -> &mut Day {
        let date = now.date();
        if self.today.date != date {
            self.today = Day {
                date,
                ..Day::default()
            };
        }
        &mut self.today
    }
}

fn no_bytes(limit: ByteSize, now: Now) -> ServiceError {
    let reason = format!("egress_per_day: the {limit} of this key are used up");
    over(reason, to_midnight(now.time))
}

fn over(limit: String, retry_after: Duration) -> ServiceError {
    ServiceError::OverQuota {
        limit,
        retry_after: retry_after.max(SHORTEST_RETRY),
    }
}

fn to_midnight(time: Timestamp) -> Duration {
    let left = DAY - time.as_second().rem_euclid(DAY);
    Duration::from_secs(left.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Now {
        Now {
            instant: Instant::now(),
            time: "2026-05-01T23:00:00Z".parse().unwrap(),
        }
    }

    fn later(now: Now, seconds: u64) -> Now {
        let duration = Duration::from_secs(seconds);
        Now {
            instant: now.instant + duration,
            time: now.time.checked_add(duration).unwrap(),
        }
    }

    /// The limit, and when to ask again.
    fn refusal<T: std::fmt::Debug>(refused: Result<T, ServiceError>) -> (String, u64) {
        match refused.unwrap_err() {
            ServiceError::OverQuota { limit, retry_after } => {
                let (name, _) = limit.split_once(':').unwrap();
                (name.to_owned(), retry_after.as_secs())
            }
            error => panic!("{error:?}"),
        }
    }

    #[test]
    fn without_limits_everything_goes() {
        let (mut account, now) = (Account::default(), now());
        account.count_cpu(Duration::MAX, now);
        for _ in 0..1000 {
            account.begin_execution(&Quota::default(), now).unwrap();
            account.begin_session(&Quota::default(), now).unwrap();
            account.send(u64::MAX, &Quota::default(), now).unwrap();
        }
    }

    #[test]
    fn executions_at_once_are_limited() {
        let quota = Quota {
            executions: Some(2),
            ..Quota::default()
        };
        let (mut account, now) = (Account::default(), now());
        account.begin_execution(&quota, now).unwrap();
        account.begin_execution(&quota, now).unwrap();
        let refused = refusal(account.begin_execution(&quota, now));
        assert_eq!(refused, ("executions".to_owned(), 1));
        account.end_execution(Duration::from_secs(1));
        account.begin_execution(&quota, now).unwrap();
    }

    #[test]
    fn executions_in_any_minute_are_limited() {
        let quota = Quota {
            executions_per_minute: Some(2),
            ..Quota::default()
        };
        let (mut account, now) = (Account::default(), now());
        account.begin_execution(&quota, now).unwrap();
        account.begin_execution(&quota, later(now, 50)).unwrap();
        let refused = refusal(account.begin_execution(&quota, later(now, 55)));
        assert_eq!(refused, ("executions_per_minute".to_owned(), 5));
        account.begin_execution(&quota, later(now, 60)).unwrap();
        let refused = refusal(account.begin_execution(&quota, later(now, 61)));
        assert_eq!(refused.1, 49, "the second is 11 s old");
    }

    #[test]
    fn a_refused_execution_counts_nothing() {
        let quota = Quota {
            executions: Some(1),
            executions_per_minute: Some(2),
            ..Quota::default()
        };
        let (mut account, now) = (Account::default(), now());
        account.begin_execution(&quota, now).unwrap();
        for _ in 0..10 {
            refusal(account.begin_execution(&quota, now));
        }
        account.end_execution(Duration::ZERO);
        account.begin_execution(&quota, now).unwrap();
    }

    #[test]
    fn processor_time_is_limited_until_midnight() {
        let quota = Quota {
            cpu_per_day: Some(Duration::from_secs(10)),
            ..Quota::default()
        };
        let (mut account, now) = (Account::default(), now());
        account.count_cpu(Duration::from_secs(9), now);
        account.begin_execution(&quota, now).unwrap();
        account.count_cpu(Duration::from_secs(1), now);
        let refused = refusal(account.begin_execution(&quota, now));
        assert_eq!(refused, ("cpu_per_day".to_owned(), 3600));
        refusal(account.begin_session(&quota, now));
        account.begin_execution(&quota, later(now, 3600)).unwrap();
    }

    #[test]
    fn sessions_are_limited() {
        let quota = Quota {
            sessions: Some(1),
            ..Quota::default()
        };
        let (mut account, now) = (Account::default(), now());
        account.begin_session(&quota, now).unwrap();
        let refused = refusal(account.begin_session(&quota, now));
        assert_eq!(refused, ("sessions".to_owned(), 30));
    }

    #[test]
    fn bytes_are_limited_until_midnight() {
        let quota = Quota {
            egress_per_day: Some(ByteSize::b(10)),
            ..Quota::default()
        };
        let (mut account, now) = (Account::default(), now());
        account.send(10, &quota, now).unwrap();
        let refused = refusal(account.send(1, &quota, now));
        assert_eq!(refused, ("egress_per_day".to_owned(), 3600));
        refusal(account.may_send(&quota, now));
        account.may_send(&quota, later(now, 3600)).unwrap();
    }
}
