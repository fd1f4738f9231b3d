//! Whatever the bytes, they are weighed; and if they are JSON, its value is no heavier than that and its texts.

#![no_main]

#[path = "../../../src/jupyter"]
mod jupyter {
    mod weight;

    pub fn check(bytes: &[u8]) {
        let weighed = weight::beside_texts(bytes) + bytes.len() as u64;
        if let Ok(object) = serde_json::from_slice(bytes) {
            assert!(weight::of_object(&object) <= weighed);
        }
    }
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    jupyter::check(bytes);
    jupyter::check(&[br#"{"":"#, bytes, b"}"].concat());
});
