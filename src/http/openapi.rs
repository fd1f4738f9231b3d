//! The description of the API, generated from the code that serves it.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::problem::{Kind, PROBLEM_JSON, ProblemDocument};

/// What is said of the API as a whole. The routes add themselves.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Cellblock",
        description = "Runs code nobody trusts: one hardened, network-less container per execution, with a Jupyter kernel inside. \
                       Everything that goes wrong is told as `application/problem+json`.",
    ),
    tags(
        (name = "executions", description = "Running code"),
        (name = "sessions", description = "Sandboxes that are kept from one execution to the next"),
        (name = "files", description = "Files for code, and from code"),
        (name = "service", description = "What there is, and how it does"),
    ),
    components(schemas(ProblemDocument)),
    modifiers(&Keys),
    security(("key" = []), ("bearer" = [])),
)]
pub struct Api;

struct Keys;

impl Modify for Keys {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let header = ApiKeyValue::with_description("X-API-Key", "Asked for where keys are set.");
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "The same key, or a JSON Web Token where the service takes them.",
            ))
            .build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::ApiKey(ApiKey::Header(header)));
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// Names parameters that take the rest of a path as OpenAPI does: it knows no `{*path}`.
pub fn name_paths(api: &mut utoipa::openapi::OpenApi) {
    let paths = std::mem::take(&mut api.paths.paths);
    let named = paths.into_iter();
    api.paths.paths = named
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
}

/// Operations that take an empty body, or none, for what it is: an empty file, an empty tar, a session like all others.
const BODY_MAY_BE_EMPTY: [&str; 5] = [
    "create_session",
    "store_file",
    "store_file_long",
    "unpack_session_files",
    "write_session_file",
];

/// Adds to every operation the problems that it may answer with.
pub fn add_problems(api: &mut utoipa::openapi::OpenApi) {
    operations(api).for_each(add_problems_to_operation);
}

/// Says of the bodies that may be left out that they may be.
pub fn free_bodies(api: &mut utoipa::openapi::OpenApi) {
    for operation in operations(api) {
        let free = BODY_MAY_BE_EMPTY.contains(&id(operation));
        if let Some(RefOr::T(body)) = operation.request_body.as_mut().filter(|_| free) {
            body.required = None;
        }
    }
}

fn operations(api: &mut utoipa::openapi::OpenApi) -> impl Iterator<Item = &mut Operation> {
    let items = api.paths.paths.values_mut();
    let operations = items.flat_map(|item| {
        [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ]
    });
    operations.flatten()
}

fn id(operation: &Operation) -> &str {
    operation.operation_id.as_deref().unwrap_or_default()
}

fn add_problems_to_operation(operation: &mut Operation) {
    for kind in problems_of(id(operation)) {
        let status = kind.status();
        let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
        let response = ResponseBuilder::new()
            .description(status.canonical_reason().unwrap_or_default())
            .content(PROBLEM_JSON, content)
            .build();
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.as_str().to_owned())
            .or_insert(RefOr::T(response));
    }
}

/// By the operation's id. What every operation can do goes without saying: 500, 403 on a service without keys, and 503 on
/// one that takes tokens and cannot check them now.
fn problems_of(operation: &str) -> &'static [Kind] {
    use Kind::{
        Busy, Conflict, Malformed, NoRoom, NotFound, RangeNotSatisfiable, RequestTimeout,
        StartTimeout, TooLarge, Unauthorized, Unavailable, UnsupportedMediaType,
    };
    match operation {
        "execute" => &[
            Malformed,
            Unauthorized,
            RequestTimeout,
            TooLarge,
            UnsupportedMediaType,
            Kind::Invalid,
            Busy,
            Unavailable,
            StartTimeout,
            NoRoom,
        ],
        "create_session" => &[
            Malformed,
            Unauthorized,
            RequestTimeout,
            Conflict,
            TooLarge,
            UnsupportedMediaType,
            Kind::Invalid,
            Busy,
            Unavailable,
            StartTimeout,
            NoRoom,
        ],
        "execute_in_session" => &[
            Malformed,
            Unauthorized,
            NotFound,
            RequestTimeout,
            Conflict,
            TooLarge,
            UnsupportedMediaType,
            Kind::Invalid,
            Busy,
            Unavailable,
        ],
        "change_session" => &[
            Malformed,
            Unauthorized,
            NotFound,
            RequestTimeout,
            TooLarge,
            UnsupportedMediaType,
            Kind::Invalid,
            Busy,
            Unavailable,
            NoRoom,
        ],
        "list_session_files" => &[
            Malformed,
            Unauthorized,
            NotFound,
            Kind::Invalid,
            Unavailable,
        ],
        "read_session_file" => &[
            Malformed,
            Unauthorized,
            NotFound,
            Conflict,
            RangeNotSatisfiable,
            Kind::Invalid,
            Unavailable,
        ],
        "write_session_file" | "unpack_session_files" => &[
            Malformed,
            Unauthorized,
            NotFound,
            RequestTimeout,
            Conflict,
            TooLarge,
            Kind::Invalid,
            Unavailable,
        ],
        "delete_session_file" => &[
            Malformed,
            Unauthorized,
            NotFound,
            Conflict,
            Kind::Invalid,
            Unavailable,
        ],
        "interrupt_session" => &[Malformed, Unauthorized, NotFound, Conflict, Unavailable],
        "restart_session" => &[Malformed, Unauthorized, NotFound, Unavailable, StartTimeout],
        "show_session" | "end_session" => &[Malformed, Unauthorized, NotFound],
        "store_file" | "store_file_long" => &[
            Malformed,
            Unauthorized,
            RequestTimeout,
            TooLarge,
            UnsupportedMediaType,
            Kind::Invalid,
            Busy,
            Unavailable,
            NoRoom,
        ],
        "read_file" => &[Malformed, Unauthorized, NotFound, RangeNotSatisfiable],
        "delete_file" => &[Malformed, Unauthorized, NotFound],
        "list_kernel_specs" => &[Unauthorized, Unavailable],
        "list_files" | "list_sessions" | "metrics" => &[Unauthorized],
        _ => &[],
    }
}
