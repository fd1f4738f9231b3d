//! What is known of a file or directory in a session.

use serde::Serialize;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, SchemaType};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::sandbox::{Entry, EntryKind, Listing, below};

/// A file or directory.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileEntry)]
pub struct EntryModel {
    /// Its name; empty for the working directory.
    #[schema(example = "table.csv")]
    name: String,
    /// The way to it from the working directory.
    #[schema(example = "project/table.csv")]
    path: String,
    /// What it is.
    r#type: TypeModel,
    /// Bytes; 0 for what is no regular file.
    #[schema(example = 12)]
    size: u64,
    /// When its content was last changed, as its file system has it; null where that is no time.
    #[schema(value_type = Option<String>, format = DateTime)]
    modified_at: Option<jiff::Timestamp>,
}

/// What it is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FileType)]
enum TypeModel {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A link, a pipe, a device: it can be replaced and deleted, and that is all.
    Other,
}

/// What is directly in a directory.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileListing)]
pub struct ListingModel {
    /// In the order of their names.
    entries: Vec<EntryModel>,
    /// How many more there are: too many to be listed, or with a name that is no UTF-8.
    left_out: u64,
}

/// What a path is answered with where that is JSON.
pub enum ListingOrFile {}

impl PartialSchema for ListingOrFile {
    fn schema() -> RefOr<Schema> {
        let file = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        AnyOfBuilder::new()
            .item(Ref::from_schema_name(ListingModel::name()))
            .item(file.description(Some("A file that is JSON.")))
            .into()
    }
}

impl ToSchema for ListingOrFile {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((ListingModel::name().into_owned(), ListingModel::schema()));
        ListingModel::schemas(schemas);
    }
}

impl EntryModel {
    /// Of what is at this path.
    pub fn at(path: &str, entry: Entry) -> Self {
        Self {
            name: entry.name,
            path: path.to_owned(),
            r#type: match entry.kind {
                EntryKind::File => TypeModel::File,
                EntryKind::Directory => TypeModel::Directory,
                EntryKind::Other => TypeModel::Other,
            },
            size: entry.size,
            modified_at: jiff::Timestamp::from_millisecond(entry.modified_ms).ok(),
        }
    }
}

impl ListingModel {
    /// Of the directory at this path.
    pub fn of(directory: &str, listing: Listing) -> Self {
        let entry = |entry: Entry| EntryModel::at(&below(directory, &entry.name), entry);
        Self {
            entries: listing.entries.into_iter().map(entry).collect(),
            left_out: listing.left_out,
        }
    }
}
