//! Schemas that no derive can write: fields that may be one thing or another, and bare bytes.

use utoipa::openapi::schema::{Array, KnownFormat, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Object, Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use super::amount::Amount;
use super::file_upload::FileUpload;
use super::sandbox_fields::RequestFile;

/// Answers to `input()`, as a request has them.
pub enum Stdin {}

/// A body that is a file.
pub enum FileBytes {}

fn of(kind: Type, description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(kind)
        .description(Some(description))
}

/// One object with the fields of all these objects. (`allOf` says the same, but few clients are generated well from it.)
pub fn together<const PARTS: usize>(
    description: &str,
    parts: [RefOr<Schema>; PARTS],
) -> RefOr<Schema> {
    let mut all = Object::new();
    all.description = Some(description.to_owned());
    for part in parts {
        if let RefOr::T(Schema::Object(part)) = part {
            all.properties.extend(part.properties);
            all.required.extend(part.required);
        }
    }
    RefOr::T(Schema::Object(all))
}

impl PartialSchema for Amount<'_> {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(of(
                Type::Number,
                "In the field's unit: seconds, bytes, processors.",
            ))
            .item(of(Type::String, "With a unit: `90s`, `512MiB`."))
            .into()
    }
}

impl ToSchema for Amount<'_> {}

impl PartialSchema for Stdin {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(of(Type::String, "Each line is an answer."))
            .item(Array::new(of(Type::String, "An answer.")))
            .into()
    }
}

impl ToSchema for Stdin {}

impl PartialSchema for RequestFile<'_> {
    fn schema() -> RefOr<Schema> {
        let stored = "A file in the store: its url, or the last part of it.";
        OneOfBuilder::new()
            .item(Ref::from_schema_name(FileUpload::name()))
            .item(of(Type::String, stored))
            .into()
    }
}

impl ToSchema for RequestFile<'_> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((FileUpload::name().into_owned(), FileUpload::schema()));
        FileUpload::schemas(schemas);
    }
}

impl PartialSchema for FileBytes {
    fn schema() -> RefOr<Schema> {
        of(Type::String, "The file itself.")
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .into()
    }
}

impl ToSchema for FileBytes {}
