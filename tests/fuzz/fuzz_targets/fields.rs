//! Whatever a request's body, it is read field by field or what is wrong is told, in bounded words.

#![no_main]

#[path = "../../../src/http"]
mod http {
    #[expect(dead_code, reason = "the service uses more of it")]
    pub mod field;
    pub mod fields;
}

use std::borrow::Cow;

use http::field::{FieldErrors, Loc};
use http::fields::Fields;
use libfuzzer_sys::fuzz_target;

const KNOWN: [&str; 4] = ["code", "timeout", "stdin", "files"];

/// No reason quotes more of the body than one word.
const LONGEST: usize = 400;

fuzz_target!(|text: &str| {
    check(text);
    check(&format!(r#"{{"code": "1", "timout": 1, "stdin": {text}}}"#));
});

fn check(text: &str) {
    let mut errors = FieldErrors::default();
    if let Some(fields) = Fields::find(text, Loc::body(), &KNOWN, &mut errors) {
        let _: Option<Cow<str>> = fields.required("code", "a text", &mut errors);
        let _: Option<u64> = fields.take("timeout", "a number", &mut errors);
        assert!(fields.texts::<8>("stdin", &mut errors).len() <= 8);
        let _ = fields.raw("files");
    }
    for error in errors.into_vec() {
        assert!(error.msg.len() <= LONGEST, "{}", error.msg);
    }
}
