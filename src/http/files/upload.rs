//! `PUT /jupyter/files`: storing a file, streamed to disk as it comes.
//!
//! It comes in one of three ways: as the part `file` of a form (what clients of the earlier service send), as a bare body with `?filename=` (`curl -T`),
//! or as a `FileUpload` in JSON.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;
use utoipa::ToSchema;

use super::file_name;
use super::form::Form;
use crate::http::app::App;
use crate::http::body::{BodyLimits, BoundedBody, Failure, MediaType, json_text};
use crate::http::field::{FieldErrors, Loc};
use crate::http::file_upload::FileUpload;
use crate::http::file_url::PublicBase;
use crate::http::key::Caller;
use crate::http::problem::{Kind, Problem};
use crate::http::schema::{FileBytes, FileNameText};
use crate::service::files::{FileName, Lifetime, StoredFile};
use crate::service::owner::Owner;

/// What an upload's body may have beside the file: a form's boundaries, names, JSON.
const BESIDE_FILE: u64 = 1024 * 1024;

/// What may stand in the url.
#[derive(Debug, Deserialize)]
pub struct UploadQuery {
    filename: Option<String>,
}

/// A form with a file. Or a bare body, with its name in the url.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form, which is read as a stream")]
pub struct UploadForm {
    /// The file, with its filename.
    file: FileBytes,
}

/// A file that was stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct Uploaded {
    /// What it is called in the store.
    #[schema(example = "5f8d0d55b54764421b7156c5d4e2a1f0.csv")]
    name: String,
    /// Where it can be fetched, until it expires. Whoever has the url can. Requests to execute code can name it in `files`.
    url: String,
    /// What it was called by whoever sent it.
    #[schema(example = "data.csv")]
    filename: String,
    /// Bytes.
    #[schema(example = 8)]
    size: u64,
    /// When it is gone.
    #[schema(value_type = String, format = DateTime)]
    expires_at: jiff::Timestamp,
}

/// Stores a file for a short time: 20 minutes, unless the service is set otherwise.
///
/// Send it as the part `file` of a form, or as a bare body with `?filename=`, or as a `FileUpload` in JSON.
#[utoipa::path(
    put,
    path = "/jupyter/files",
    tag = "files",
    params(("filename" = inline(Option<FileNameText>), Query, description = "Its name, where the body is the file itself")),
    request_body(content(
        (UploadForm = "multipart/form-data"),
        (FileUpload = "application/json"),
        (FileBytes = "application/octet-stream"),
    )),
    responses((
        status = 200,
        description = "It is stored",
        body = Uploaded,
        links(
            ("read" = (operation_id = "read_file", parameters(("name" = "$response.body#/name")))),
            ("delete" = (operation_id = "delete_file", parameters(("name" = "$response.body#/name")))),
        ),
    )),
)]
pub async fn store_file(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    base: PublicBase,
    query: Query<UploadQuery>,
    request: Request,
) -> Result<Json<Uploaded>, Problem> {
    let upload = Upload {
        app: &app,
        owner: &owner,
        lifetime: Lifetime::Short,
    };
    let stored = upload.take(query.0.filename, request).await?;
    Ok(Uploaded::new(&app, &base, stored))
}

/// Stores a file for a long time: 2 days, unless the service is set otherwise.
///
/// Send it as the part `file` of a form, or as a bare body with `?filename=`, or as a `FileUpload` in JSON.
#[utoipa::path(
    put,
    path = "/jupyter/files/long-lifetime",
    tag = "files",
    params(("filename" = inline(Option<FileNameText>), Query, description = "Its name, where the body is the file itself")),
    request_body(content(
        (UploadForm = "multipart/form-data"),
        (FileUpload = "application/json"),
        (FileBytes = "application/octet-stream"),
    )),
    responses((
        status = 200,
        description = "It is stored",
        body = Uploaded,
        links(
            ("read" = (operation_id = "read_file", parameters(("name" = "$response.body#/name")))),
            ("delete" = (operation_id = "delete_file", parameters(("name" = "$response.body#/name")))),
        ),
    )),
)]
pub async fn store_file_long(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    base: PublicBase,
    query: Query<UploadQuery>,
    request: Request,
) -> Result<Json<Uploaded>, Problem> {
    let upload = Upload {
        app: &app,
        owner: &owner,
        lifetime: Lifetime::Long,
    };
    let stored = upload.take(query.0.filename, request).await?;
    Ok(Uploaded::new(&app, &base, stored))
}

impl Uploaded {
    fn new(app: &App, base: &PublicBase, stored: StoredFile) -> Json<Self> {
        Json(Self {
            url: base.file(app.service.files(), &stored),
            name: stored.name,
            filename: stored.filename.to_string(),
            size: stored.size,
            expires_at: stored.expires_at,
        })
    }
}

/// One upload.
struct Upload<'a> {
    app: &'a App,
    owner: &'a Owner,
    lifetime: Lifetime,
}

impl Upload<'_> {
    async fn take(
        &self,
        filename: Option<String>,
        request: Request,
    ) -> Result<StoredFile, Problem> {
        match (MediaType::of(request.headers()), filename) {
            (MediaType::Form, _) => self.take_form(request).await,
            (_, Some(filename)) => self.take_bare(&filename, request).await,
            (MediaType::Json, None) => self.take_json(request).await,
            (MediaType::Unsaid, None) => {
                let loc = Loc::query("filename");
                Err(Problem::invalid_field(loc, "is required with a bare body"))
            }
            (MediaType::Other, None) => {
                let detail = "Send a form with the part `file`, or a bare body and ?filename=.";
                Err(Problem::new(Kind::UnsupportedMediaType, detail))
            }
        }
    }

    async fn take_bare(&self, filename: &str, request: Request) -> Result<StoredFile, Problem> {
        let filename = file_name(filename, Loc::query("filename"))?;
        let (parts, body) = request.into_parts();
        let body = self.bounded(&parts.headers, body)?;
        let failure = body.failure();
        self.store(filename, StreamReader::new(body), &failure)
            .await
    }

    async fn take_form(&self, request: Request) -> Result<StoredFile, Problem> {
        let (parts, body) = request.into_parts();
        let mut form = Form::new(&parts.headers, self.bounded(&parts.headers, body)?)?;
        let (filename, content) = form.file().await?;
        self.store(filename, StreamReader::new(content), &form.failure())
            .await
    }

    async fn take_json(&self, request: Request) -> Result<StoredFile, Problem> {
        let limits = BodyLimits {
            size: self.app.files.max_size.as_u64().div_ceil(3) * 4 + BESIDE_FILE,
            time: self.app.server.request_timeout,
        };
        let (parts, body) = request.into_parts();
        let mut taken = self.app.memory.of(self.owner);
        let text = json_text(&parts.headers, body, limits, &mut taken).await?;
        let mut errors = FieldErrors::default();
        let upload = FileUpload::read(&text, Loc::body(), &mut errors);
        let checked = upload.and_then(|upload| upload.check(&mut errors));
        match checked {
            Some((name, content)) if errors.is_empty() => {
                self.store(name, &*content, &Failure::default()).await
            }
            _ => Err(Problem::invalid(errors)),
        }
    }

    fn bounded(&self, headers: &HeaderMap, body: Body) -> Result<BoundedBody, Problem> {
        let limits = BodyLimits {
            size: self.app.files.max_size.as_u64() + BESIDE_FILE,
            time: self.app.server.request_timeout,
        };
        BoundedBody::new(headers, body, limits)
    }

    /// If the content fails, that is the reason, whatever the store makes of it.
    async fn store(
        &self,
        filename: FileName,
        content: impl AsyncRead + Send + Unpin,
        failure: &Failure,
    ) -> Result<StoredFile, Problem> {
        let store = self.app.service.files();
        let stored = store
            .store(self.owner, filename, self.lifetime, content)
            .await;
        stored.map_err(|error| failure.get().unwrap_or_else(|| error.into()))
    }
}
