//! What a session is called. It is also the id of its Jupyter kernel, so it is a UUID.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A session's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionId(Uuid);

/// Not a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID, such as 0b8f6f3c-3c5f-4a53-9f0e-2b7a5a0f6f11")]
pub struct NotAnId;

impl SessionId {
    /// A new one, like no other.
    #[must_use]
    pub fn random() -> SessionId {
        SessionId(Uuid::new_v4())
    }
}

impl FromStr for SessionId {
    type Err = NotAnId;

    /// With hyphens, as it is written everywhere; other spellings of a UUID are none here, so that one session has one url.
    fn from_str(text: &str) -> Result<SessionId, NotAnId> {
        let id = Uuid::try_parse(text).map(SessionId).map_err(|_| NotAnId)?;
        let same = id.to_string().eq_ignore_ascii_case(text);
        if same { Ok(id) } else { Err(NotAnId) }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_in_one_way() {
        let id = SessionId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        for text in [
            "",
            "1",
            &format!("{{{id}}}"),
            &id.to_string().replace('-', ""),
        ] {
            assert_eq!(text.parse::<SessionId>(), Err(NotAnId), "{text}");
        }
    }
}
