//! What the events of a stream look like, in the description. They are made in [`stream`](super::stream).

use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::ExecuteAnswer;
use crate::http::problem::ProblemDocument;

/// The kinds of outputs, as Jupyter names them.
const OUTPUTS: [&str; 6] = [
    "stream",
    "display_data",
    "execute_result",
    "error",
    "update_display_data",
    "clear_output",
];

/// One event of a stream. (Until OpenAPI 3.2, the schema of a stream is that of an event.)
pub enum ExecutionEvent {}

impl PartialSchema for ExecutionEvent {
    fn schema() -> RefOr<Schema> {
        let output = ObjectBuilder::new()
            .description(Some("As nbformat has outputs."))
            .property("output_type", one_of(&OUTPUTS))
            .required("output_type");
        let answer = Ref::from_schema_name(ExecuteAnswer::name());
        let problem = Ref::from_schema_name(ProblemDocument::name());
        OneOfBuilder::new()
            .description(Some("One server-sent event."))
            .item(event("An output.", &OUTPUTS, output))
            .item(event("The last one: what came of it.", &["result"], answer))
            .item(event(
                "The last one: why nothing did.",
                &["problem"],
                problem,
            ))
            .into()
    }
}

impl ToSchema for ExecutionEvent {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((ExecuteAnswer::name().into_owned(), ExecuteAnswer::schema()));
        ExecuteAnswer::schemas(schemas);
    }
}

fn event(description: &str, names: &[&str], data: impl Into<RefOr<Schema>>) -> ObjectBuilder {
    let data = ObjectBuilder::new()
        .schema_type(Type::String)
        .content_media_type("application/json")
        .content_schema(Some(data));
    ObjectBuilder::new()
        .description(Some(description))
        .property("event", one_of(names))
        .required("event")
        .property("data", data)
        .required("data")
}

fn one_of(names: &[&str]) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names.iter().copied()))
}
