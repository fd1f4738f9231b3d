//! What can be said of a session when it is made, and changed later.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::amount::Amount;
use crate::http::field::FieldErrors;
use crate::http::fields::{Fields, Text};
use crate::service::session::request::{Lifetime, SessionChange};

/// Characters of a name.
const MAX_NAME: usize = 256;

/// Bytes of JSON for all metadata. They are kept in memory, and on disk.
const MAX_METADATA: usize = 64 * 1024;

/// The fields of [`SessionFields`].
pub const FIELDS: &[&str] = &["name", "metadata", "idle_timeout", "lifetime"];

/// What can be said of a session.
#[derive(Debug, ToSchema)]
#[schema(as = SessionChange)]
#[serde(deny_unknown_fields)]
pub struct SessionFields<'a> {
    /// What you call it: 256 characters at most.
    #[schema(value_type = Option<String>, max_length = 256, example = "chat 42")]
    name: Option<Cow<'a, str>>,
    /// What you note: 64 KiB of JSON at most.
    #[schema(value_type = Option<Object>, example = json!({"customer": 7}))]
    metadata: Option<Map<String, Value>>,
    /// After so long without use it ends: seconds, or text such as `30m`. The service sets the default and the maximum.
    #[schema(value_type = Option<Amount>, example = "30m")]
    idle_timeout: Option<Duration>,
    /// After so long from now on it ends, however it is used: seconds, or text such as `2h`. The service sets the default
    /// and the maximum.
    #[schema(value_type = Option<Amount>, example = "24h")]
    lifetime: Option<Duration>,
}

impl<'a> SessionFields<'a> {
    /// Reads and checks them from among the fields of a request. Where something is wrong, they are none.
    pub fn read(fields: &Fields<'a>, errors: &mut FieldErrors) -> Self {
        Self {
            name: name(fields, errors),
            metadata: metadata(fields, errors),
            idle_timeout: duration("idle_timeout", fields, errors),
            lifetime: duration("lifetime", fields, errors),
        }
    }

    /// As the service has it.
    pub fn into_change(self) -> SessionChange {
        SessionChange {
            name: self.name.map(Cow::into_owned),
            metadata: self.metadata,
            lifetime: Lifetime {
                total: self.lifetime,
                idle: self.idle_timeout,
            },
        }
    }
}

fn name<'a>(fields: &Fields<'a>, errors: &mut FieldErrors) -> Option<Cow<'a, str>> {
    let Text(name) = fields.take("name", "text", errors)?;
    if name.chars().count() > MAX_NAME {
        let msg = format!("may have {MAX_NAME} characters at most");
        errors.push(fields.loc("name"), msg);
    }
    Some(name)
}

fn metadata(fields: &Fields<'_>, errors: &mut FieldErrors) -> Option<Map<String, Value>> {
    let raw = fields.raw("metadata")?;
    if raw.get().len() > MAX_METADATA {
        let msg = format!("may have {MAX_METADATA} bytes of JSON at most");
        errors.push(fields.loc("metadata"), msg);
        return None;
    }
    fields.take("metadata", "an object", errors)
}

/// Whether it is within the operator's bounds, the service says.
fn duration(name: &str, fields: &Fields<'_>, errors: &mut FieldErrors) -> Option<Duration> {
    const EXPECTED: &str = "a number of seconds, or text with a unit";
    let amount: Amount<'_> = fields.take(name, EXPECTED, errors)?;
    let duration = amount.duration();
    if duration.is_none() {
        errors.push(fields.loc(name), format!("must be {EXPECTED}"));
    }
    duration
}
