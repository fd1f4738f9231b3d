//! A session to be made, as clients ask for it.

use std::borrow::Cow;

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::fields::{self, SessionFields};
use crate::config;
use crate::http::field::{FieldErrors, Loc};
use crate::http::fields::Fields;
use crate::http::request_id::RequestId;
use crate::http::sandbox_fields::{self, SandboxFields};
use crate::http::schema;
use crate::service::session::SessionId;
use crate::service::session::request::{Home, SessionRequest};

/// A session to be made. Every field may be absent, and so may the body.
#[derive(Debug)]
pub struct CreateSession<'a> {
    id: Option<SessionId>,
    fields: SessionFields<'a>,
    sandbox: SandboxFields<'a>,
}

/// The id of a session to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the field, which is read on its own")]
struct ChosenId {
    /// Its id, if you choose it: a UUID that no session has.
    #[schema(format = "uuid", example = "0b8f6f3c-3c5f-4a53-9f0e-2b7a5a0f6f11")]
    id: Option<String>,
}

impl<'a> CreateSession<'a> {
    /// Reads it. None when it is not even an object.
    pub fn read(text: &'a str, errors: &mut FieldErrors) -> Option<Self> {
        let known = [&["id"], fields::FIELDS, sandbox_fields::FIELDS].concat();
        let fields = Fields::find(text, Loc::body(), &known, errors)?;
        Some(Self {
            id: id(&fields, errors),
            fields: SessionFields::read(&fields, errors),
            sandbox: SandboxFields::read(&fields, errors),
        })
    }

    /// Checks every field, and tells all that is wrong. Where something is, the request is none.
    pub fn check(
        self,
        limits: &config::Execution,
        request_id: &RequestId,
        errors: &mut FieldErrors,
    ) -> SessionRequest {
        let said = self.fields.into_change();
        SessionRequest {
            id: self.id,
            name: said.name,
            metadata: said.metadata.unwrap_or_default(),
            notebook: None,
            home: Home::Never,
            lifetime: said.lifetime,
            sandbox: self.sandbox.check(limits, request_id, errors),
        }
    }
}

fn id(fields: &Fields<'_>, errors: &mut FieldErrors) -> Option<SessionId> {
    let text: Cow<'_, str> = fields.take("id", "text", errors)?;
    let id = text.parse::<SessionId>();
    id.map_err(|reason| errors.push(fields.loc("id"), reason.to_string()))
        .ok()
}

impl PartialSchema for CreateSession<'_> {
    fn schema() -> RefOr<Schema> {
        let parts = [
            ChosenId::schema(),
            SessionFields::schema(),
            SandboxFields::schema(),
        ];
        let description = "A session to be made. Every field may be absent, and so may the body.";
        schema::together(description, parts)
    }
}

impl ToSchema for CreateSession<'_> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        SessionFields::schemas(schemas);
        SandboxFields::schemas(schemas);
    }
}
