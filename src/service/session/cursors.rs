//! How far each client has read: the number of the last kernel message that was written to its connection.
//!
//! A client that comes back is sent what it has missed, and nothing twice; also when the service was killed meanwhile. So each
//! number is on disk as soon as the message is on its way: one write of a few bytes to the page cache, which
//! outlives the process. What would be lost with the machine, is: the sandbox is gone then too.
//!
//! A service that is killed between sending a message and noting it sends that one again: no client of Jupyter's protocol says
//! what it has got, and twice is better than never.
//!
//! ```text
//! a slot of 24 bytes for each client: hash of its name 16 | number 8, little-endian
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use sha2::{Digest, Sha256};

/// Clients that are remembered; the one that has read least makes room.
const CLIENTS: usize = 64;

const HASH: usize = 16;
const SLOT: usize = HASH + 8;

type ClientHash = [u8; HASH];

/// How far the clients of one session have read.
#[derive(Debug)]
pub(super) struct Cursors {
    file: Option<File>,
    slots: Mutex<HashMap<ClientHash, Slot>>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    place: usize,
    number: u64,
}

impl Cursors {
    /// Those in the file, which is made if it is not there. It blocks.
    pub(super) fn open(path: &Path) -> io::Result<Cursors> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut bytes = Vec::new();
        let longest = (CLIENTS * SLOT) as u64;
        (&file).take(longest).read_to_end(&mut bytes)?;
        let slots = bytes.chunks_exact(SLOT).enumerate().map(parse).collect();
        Ok(Cursors {
            file: Some(file),
            slots: Mutex::new(slots),
        })
    }

    /// Where no disk is to be had: they last as long as the value.
    pub(super) fn in_memory() -> Cursors {
        Cursors {
            file: None,
            slots: Mutex::default(),
        }
    }

    /// How far the client has read, if it is remembered.
    pub(super) fn of(&self, client: &str) -> Option<u64> {
        self.slots().get(&hash(client)).map(|slot| slot.number)
    }

    /// How far anybody has read; None: nobody ever was there.
    pub(super) fn furthest(&self) -> Option<u64> {
        self.slots().values().map(|slot| slot.number).max()
    }

    /// The client has got the message with this number, and all before it that were for it.
    pub(super) fn reached(&self, client: &str, number: u64) {
        let client = hash(client);
        let mut slots = self.slots();
        let place = match slots.get(&client) {
            Some(slot) if slot.number >= number => return,
            Some(slot) => slot.place,
            None => free_place(&mut slots),
        };
        slots.insert(client, Slot { place, number });
        let mut bytes = [0; SLOT];
        bytes[..HASH].copy_from_slice(&client);
        bytes[HASH..].copy_from_slice(&number.to_le_bytes());
        let Some(file) = &self.file else { return };
        if let Err(error) = file.write_all_at(&bytes, (place * SLOT) as u64) {
            tracing::debug!(%error, "how far a client has read was not written");
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<ClientHash, Slot>> {
        self.slots.lock().expect("nothing panics with them")
    }
}

/// One that nobody has, or the one of whoever has read least.
fn free_place(slots: &mut HashMap<ClientHash, Slot>) -> usize {
    if slots.len() < CLIENTS {
        return slots.len();
    }
    let least = slots.iter().min_by_key(|(_, slot)| slot.number);
    let (client, slot) = least
        .map(|(client, slot)| (*client, *slot))
        .expect("it is full");
    slots.remove(&client);
    slot.place
}

fn parse((place, bytes): (usize, &[u8])) -> (ClientHash, Slot) {
    let (client, number) = bytes.split_at(HASH);
    let client = client.try_into().expect("a slot has a hash");
    let number = number.try_into().expect("a slot has a number");
    let number = u64::from_le_bytes(number);
    (client, Slot { place, number })
}

fn hash(client: &str) -> ClientHash {
    let digest = Sha256::digest(client.as_bytes());
    digest[..HASH].try_into().expect("a digest is longer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outlive_the_value_and_never_go_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cursors");
        let cursors = Cursors::open(&path).unwrap();
        assert_eq!(cursors.furthest(), None);
        cursors.reached("a", 7);
        cursors.reached("b", 3);
        cursors.reached("a", 5);
        drop(cursors);
        let cursors = Cursors::open(&path).unwrap();
        assert_eq!(cursors.of("a"), Some(7));
        assert_eq!(cursors.of("b"), Some(3));
        assert_eq!(cursors.of("c"), None);
        assert_eq!(cursors.furthest(), Some(7));
    }

    #[test]
    fn clients_are_bounded_and_the_file_with_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cursors");
        let cursors = Cursors::open(&path).unwrap();
        for number in 1..=3 * CLIENTS as u64 {
            cursors.reached(&number.to_string(), number);
        }
        assert_eq!(cursors.of("1"), None);
        assert_eq!(
            cursors.of(&(3 * CLIENTS).to_string()),
            Some(3 * CLIENTS as u64)
        );
        let size = std::fs::metadata(&path).unwrap().len();
        assert_eq!(size, (CLIENTS * SLOT) as u64);
        drop(cursors);
        assert_eq!(Cursors::open(&path).unwrap().slots().len(), CLIENTS);
    }

    #[test]
    fn a_file_that_was_cut_is_read_as_far_as_it_goes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cursors");
        let cursors = Cursors::open(&path).unwrap();
        cursors.reached("a", 7);
        cursors.reached("b", 3);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(SLOT as u64 + 5)
            .unwrap();
        assert_eq!(Cursors::open(&path).unwrap().furthest(), Some(7));
    }
}
