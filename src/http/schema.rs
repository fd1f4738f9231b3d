//! Schemas that no derive can write: fields that may be one thing or another, and bare bytes.

use std::borrow::Cow;

use utoipa::openapi::schema::{
    AdditionalProperties, Array, KnownFormat, ObjectBuilder, OneOfBuilder, Type,
};
use utoipa::openapi::{Object, Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use super::amount::Amount;
use super::file_upload::FileUpload;
use super::sandbox_fields::RequestFile;

/// Answers to `input()`, as a request has them.
pub enum Stdin {}

/// A body that is a file.
pub enum FileBytes {}

/// What a file may be called, as [`FileName`](crate::service::files::FileName) has it.
pub enum FileNameText {}

/// Where code runs: names as those of files, with slashes between.
pub enum DirectoryText {}

/// Environment variables, as a request has them.
pub enum Variables {}

fn of(kind: Type, description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(kind)
        .description(Some(description))
}

/// One object with the fields of all these objects, and no other. (`allOf` says the same, but few clients are generated well from it.)
pub fn together<const PARTS: usize>(
    description: &str,
    parts: [RefOr<Schema>; PARTS],
) -> RefOr<Schema> {
    let mut all = Object::new();
    all.description = Some(description.to_owned());
    all.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
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
            .item(Self::text())
            .into()
    }
}

impl Amount<'_> {
    /// One that is text.
    pub fn text() -> ObjectBuilder {
        of(Type::String, "With a unit: `90s`, `512MiB`.")
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

impl PartialSchema for FileNameText {
    fn schema() -> RefOr<Schema> {
        of(Type::String, "A file's name: no path, at most 255 bytes.")
            .pattern(Some(r"^(?!\.\.?$)[^/\x00-\x1f\x7f-\x9f]+$"))
            .max_length(Some(255))
            .into()
    }
}

impl ToSchema for FileNameText {
    fn name() -> Cow<'static, str> {
        "FileName".into()
    }
}

impl PartialSchema for DirectoryText {
    fn schema() -> RefOr<Schema> {
        let name = r"(?!\.\.?(/|$))[^/\x00-\x1f\x7f-\x9f]{1,255}";
        of(
            Type::String,
            "A directory, by the way to it from the home directory.",
        )
        .pattern(Some(format!("^{name}(/{name})*$")))
        .max_length(Some(1024))
        .into()
    }
}

impl ToSchema for DirectoryText {
    fn name() -> Cow<'static, str> {
        "Directory".into()
    }
}

impl PartialSchema for Variables {
    fn schema() -> RefOr<Schema> {
        let name = of(Type::String, "Its name.").pattern(Some("^[A-Za-z_][A-Za-z0-9_]{0,255}$"));
        let value = of(Type::String, "Its value.").pattern(Some(r"^[^\x00]*$"));
        of(Type::Object, "Environment variables by their names.")
            .property_names(Some(name))
            .additional_properties(Some(value))
            .into()
    }
}

impl ToSchema for Variables {}
