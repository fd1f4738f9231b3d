//! An execute request as clients write it: a cell, and the sandbox that it runs in.

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::config;
use crate::http::cell_fields::{self, CellFields};
use crate::http::field::{FieldErrors, Loc};
use crate::http::fields::Fields;
use crate::http::request_id::RequestId;
use crate::http::sandbox_fields::{self, SandboxFields};
use crate::http::schema;
use crate::service::execution::request::ExecutionRequest;

/// Code to run, and in what.
#[derive(Debug)]
pub struct ExecuteRequest<'a> {
    cell: CellFields<'a>,
    sandbox: SandboxFields<'a>,
}

impl<'a> ExecuteRequest<'a> {
    /// Reads it. None when it is not even an object.
    pub fn read(text: &'a str, errors: &mut FieldErrors) -> Option<Self> {
        let known = [cell_fields::FIELDS, sandbox_fields::FIELDS].concat();
        let fields = Fields::find(text, Loc::body(), &known, errors)?;
        Some(Self {
            cell: CellFields::read(&fields, errors),
            sandbox: SandboxFields::read(&fields, errors),
        })
    }

    /// Checks every field, and tells all that is wrong.
    pub fn check(
        self,
        limits: &config::Execution,
        request_id: &RequestId,
        errors: &mut FieldErrors,
    ) -> Option<ExecutionRequest> {
        let sandbox = self.sandbox.check(limits, request_id, errors);
        let cell = self.cell.check(limits, errors)?;
        Some(ExecutionRequest { cell, sandbox })
    }
}

impl PartialSchema for ExecuteRequest<'_> {
    fn schema() -> RefOr<Schema> {
        let parts = [CellFields::schema(), SandboxFields::schema()];
        schema::together("Code to run, and in what.", parts)
    }
}

impl ToSchema for ExecuteRequest<'_> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        CellFields::schemas(schemas);
        SandboxFields::schemas(schemas);
    }
}
