//! What surrounds a message between client and kernel: `<IDS|MSG>` and the signature.
//!
//! On the wire a message is any number of identities, the delimiter, the signature, then the parts that the link
//! carries. The signature is HMAC-SHA256 in hex over the four JSON parts; buffers are unsigned.

use bytes::Bytes;
use cellblock_link::message::{MAX_PARTS, MIN_PARTS};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const DELIMITER: &[u8] = b"<IDS|MSG>";

/// Seals and opens messages with the key of one kernel.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    keyed: Hmac<Sha256>,
}

impl Envelope {
    /// The key is what stands in the connection file, as it stands there.
    pub(super) fn new(key: &str) -> Envelope {
        let keyed = Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
        Envelope { keyed }
    }

    /// The parts as they go to the kernel. There must be four at least.
    pub(super) fn seal(&self, parts: &[Bytes]) -> Vec<Bytes> {
        let signature = hex::encode(self.sign(parts).finalize().into_bytes());
        let mut sealed = vec![Bytes::from_static(DELIMITER), signature.into()];
        sealed.extend_from_slice(parts);
        sealed
    }

    /// The parts of a message that came; `None` where it is malformed or not signed with the key.
    pub(super) fn open(&self, mut message: Vec<Bytes>) -> Option<Vec<Bytes>> {
        let delimiter = message.iter().position(|part| part == DELIMITER)?;
        let parts = message.split_off(message.len().min(delimiter + 2));
        let signature = hex::decode(message.get(delimiter + 1)?).ok()?;
        if !(MIN_PARTS..=MAX_PARTS).contains(&parts.len()) {
            return None;
        }
        self.sign(&parts).verify_slice(&signature).ok()?;
        Some(parts)
    }

    fn sign(&self, parts: &[Bytes]) -> Hmac<Sha256> {
        let mut signing = self.keyed.clone();
        parts
            .iter()
            .take(MIN_PARTS)
            .for_each(|part| signing.update(part));
        signing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Vec<Bytes> {
        ["{\"msg_id\":\"1\"}", "{}", "{}", "{\"a\":1}", "a buffer"]
            .map(Bytes::from)
            .to_vec()
    }

    /// As `jupyter_client.session.Session(key=b"secret").sign` computes it.
    #[test]
    fn signatures_are_those_of_jupyter() {
        let sealed = Envelope::new("secret").seal(&parts());
        let expected = "891f1d698842c1c8000a13c5fd79be20dd4782e8d07c8c77cfe6e35a9b3140c5";
        assert_eq!(sealed[1], expected);
    }

    #[test]
    fn what_was_sealed_is_opened_behind_any_identities() {
        let envelope = Envelope::new("secret");
        let mut message = vec![Bytes::from("an identity"), Bytes::from("another")];
        message.extend(envelope.seal(&parts()));
        assert_eq!(envelope.open(message), Some(parts()));
    }

    #[test]
    fn what_was_changed_or_cut_is_dropped() {
        let envelope = Envelope::new("secret");
        let sealed = envelope.seal(&parts());
        for changed in 0..6 {
            let mut message = sealed.clone();
            message[changed] = Bytes::from("something else");
            assert_eq!(envelope.open(message), None, "{changed}");
        }
        for length in 0..6 {
            assert_eq!(envelope.open(sealed[..length].to_vec()), None, "{length}");
        }
        assert_eq!(Envelope::new("another").open(sealed), None);
    }
}
