//! Memory for bodies and messages that are read whole, and for files that are answered as JSON: so much for all requests, half of
//! it for those of one owner.
//!
//! A body may be large, and so may be the number of connections: without a bound, their product is more than a host has. Bytes
//! are counted as they come, so that who only announces them takes nothing; where there is no room left, the request is
//! refused at once. None waits for another.

use std::collections::HashMap;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytesize::ByteSize;
use prometheus_client::metrics::gauge::Gauge;
use serde::Serialize;

use super::problem::{Kind, Problem};
use crate::service::owner::Owner;

/// What a refused client is told to wait.
const RETRY: Duration = Duration::from_secs(1);

/// Of all requests.
#[derive(Debug)]
pub struct Memory {
    whole: ByteSize,
    taken: Mutex<Counts>,
    gauge: Gauge,
}

/// Bytes.
#[derive(Debug, Default)]
struct Counts {
    all: u64,
    /// Whoever has taken some.
    owners: HashMap<Owner, u64>,
}

/// What one request has taken, until this is dropped.
#[derive(Debug)]
pub struct Taken {
    memory: Arc<Memory>,
    owner: Owner,
    bytes: u64,
}

impl Memory {
    /// So much.
    pub fn new(whole: ByteSize) -> Arc<Self> {
        Arc::new(Self {
            whole,
            taken: Mutex::default(),
            gauge: Gauge::default(),
        })
    }

    /// What is taken of it.
    pub fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }

    /// For a request of the owner: nothing yet.
    pub fn of(self: &Arc<Self>, owner: &Owner) -> Taken {
        Taken {
            memory: self.clone(),
            owner: owner.clone(),
            bytes: 0,
        }
    }

    fn taken(&self) -> MutexGuard<'_, Counts> {
        self.taken.lock().expect("nothing panics with it")
    }
}

impl Taken {
    /// So many bytes more.
    ///
    /// # Errors
    ///
    /// [`Kind::TooLarge`] when this request alone would have more than an owner may, [`Kind::Busy`] when the owner's requests
    /// together would, and [`Kind::Unavailable`] when all requests together would have more than there is.
    pub fn more(&mut self, bytes: usize) -> Result<(), Problem> {
        let (memory, bytes) = (&self.memory, bytes as u64);
        let (whole, each) = (memory.whole.as_u64(), memory.whole.as_u64() / 2);
        let mut taken = memory.taken();
        let own = taken.owners.get(&self.owner).copied().unwrap_or_default();
        if self.bytes + bytes > each {
            let each = ByteSize(each);
            let detail = format!(
                "The request needs more than {each} of memory; send files to /jupyter/files as they are, and name them."
            );
            return Err(Problem::new(Kind::TooLarge, detail));
        }
        if own + bytes > each {
            let detail =
                "What your requests send and read has too much of the memory; try again later.";
            return Err(Problem::new(Kind::Busy, detail).retry_after(RETRY));
        }
        if taken.all + bytes > whole {
            let detail = "What requests send and read has all of the memory; try again later.";
            return Err(Problem::new(Kind::Unavailable, detail).retry_after(RETRY));
        }
        taken.all += bytes;
        memory.gauge.set(taken.all.cast_signed());
        taken.owners.insert(self.owner.clone(), own + bytes);
        self.bytes += bytes;
        Ok(())
    }

    /// So many bytes less, or all of them where it has fewer.
    pub fn less(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        let mut taken = self.memory.taken();
        taken.all -= bytes;
        self.memory.gauge.set(taken.all.cast_signed());
        let own = taken.owners.get(&self.owner).copied().unwrap_or_default();
        match own - bytes {
            0 => taken.owners.remove(&self.owner),
            left => taken.owners.insert(self.owner.clone(), left),
        };
        self.bytes -= bytes;
    }

    /// What is answered with this as JSON, which takes its own memory too, until it is sent.
    ///
    /// # Errors
    ///
    /// As [`Taken::more`].
    pub fn json(mut self, answer: &impl Serialize) -> Result<Response, Problem> {
        let json = serde_json::to_vec(answer).expect("answers are plain data");
        self.more(json.len())?;
        let sent = self.held_by(json.into());
        Ok(([(CONTENT_TYPE, "application/json")], sent).into_response())
    }

    /// All that it has, apart: it has nothing then.
    pub fn apart(&mut self) -> Self {
        Self {
            memory: self.memory.clone(),
            owner: self.owner.clone(),
            bytes: take(&mut self.bytes),
        }
    }

    /// These bytes, and with them what they have taken: until nobody has a part of them.
    pub fn held_by(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Held {
            bytes,
            _taken: self,
        })
    }
}

/// Bytes on their way, and their memory.
struct Held {
    bytes: Bytes,
    _taken: Taken,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.less(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(taken: &mut Taken, bytes: usize) -> Option<Kind> {
        taken.more(bytes).err().map(|problem| problem.kind)
    }

    #[test]
    fn an_owner_has_half_and_gets_it_back() {
        let memory = Memory::new(ByteSize(100));
        let ada = Owner::named("ada");
        let (mut first, mut second) = (memory.of(&ada), memory.of(&ada));
        assert_eq!(kind(&mut first, 30), None);
        assert_eq!(kind(&mut first, 20), None);
        assert_eq!(kind(&mut second, 1), Some(Kind::Busy));
        assert_eq!(kind(&mut second, 51), Some(Kind::TooLarge));
        drop(first);
        assert_eq!(kind(&mut second, 50), None);
    }

    #[test]
    fn all_together_have_no_more_than_there_is() {
        let memory = Memory::new(ByteSize(100));
        let owners = ["ada", "grace", "mary"].map(Owner::named);
        let [mut ada, mut grace, mut mary] = owners.map(|owner| memory.of(&owner));
        assert_eq!(kind(&mut ada, 50), None);
        assert_eq!(kind(&mut grace, 49), None);
        assert_eq!(kind(&mut mary, 2), Some(Kind::Unavailable));
        assert_eq!(kind(&mut mary, 1), None);
    }

    #[test]
    fn what_bytes_have_taken_is_given_back_with_the_last_of_them() {
        let memory = Memory::new(ByteSize(100));
        let mut taken = memory.of(&Owner::local());
        taken.more(50).unwrap();
        let bytes = taken.apart().held_by(Bytes::from_static(b"ab"));
        let part = bytes.slice(1..);
        drop(bytes);
        assert_eq!(
            (kind(&mut taken, 1), &part[..]),
            (Some(Kind::Busy), &b"b"[..])
        );
        drop(part);
        assert_eq!(kind(&mut taken, 50), None);
    }

    #[test]
    fn nothing_is_known_of_whoever_has_none() {
        let memory = Memory::new(ByteSize(100));
        let mut taken = memory.of(&Owner::local());
        taken.more(10).unwrap();
        drop(taken);
        let taken = memory.taken();
        assert_eq!((taken.all, taken.owners.len()), (0, 0));
    }
}
