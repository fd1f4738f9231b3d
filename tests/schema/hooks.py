"""What a request may say and no schema can: which environments there are, which texts are base64, which bytes are a tar.

The description is narrowed here to what is known to be right, so that what schemathesis makes of it has to be accepted, and what
contradicts it refused. Nothing is made wider, and no check is switched off.
"""

import io
import re
import tarfile

import schemathesis
from hypothesis import strategies
from schemathesis.core import NotSet
from schemathesis.core.parameters import ParameterLocation

# What the service under test may run (see main.rs), as a request may spell it.
ENVIRONMENTS = ["bash", "BASH"]

# Amounts as text, within what the service under test allows.
AMOUNTS = {
    "timeout": ["1s", "2", "1s 500ms"],
    "memory": ["128MiB", "134217728"],
    "cpus": ["0.5", "1"],
    "idle_timeout": ["20s", "30"],
    "lifetime": ["20s", "1m"],
}

SIZES = {"cpus", "memory"}

BASE64 = r"^([A-Za-z0-9+/]{4})*$"

# Of a file, in bytes.
LONGEST_NAME = 255


@schemathesis.hook
def before_load_schema(context, raw_schema):
    schemas = raw_schema["components"]["schemas"]
    for schema in schemas.values():
        narrow_amounts(schema.get("properties", {}))
    for name in ("ExecuteRequest", "CreateSession"):
        narrow_sandbox(schemas[name])
    schemas["RequestFile"] = {"$ref": "#/components/schemas/FileUpload"}
    schemas["FileUpload"]["properties"]["content"]["pattern"] = BASE64
    # A session that does not say so runs Python, which the keys of this run may not.
    raw_schema["paths"]["/jupyter/sessions"]["post"]["requestBody"]["required"] = True
    # Whether a signature fits is for tests/http/keys.rs. One that does not is 404: who has only a url is told no more.
    read_file = raw_schema["paths"]["/jupyter/files/{name}"]["get"]
    read_file["parameters"] = [it for it in read_file["parameters"] if it["name"] != "signature"]


def narrow_amounts(properties):
    for name, texts in AMOUNTS.items():
        for alternative in properties.get(name, {}).get("oneOf", []):
            if alternative.get("type") == "string":
                alternative["enum"] = texts


def narrow_sandbox(schema):
    """Without packages and hosts: there are none that this service could get or reach."""
    properties = schema["properties"]
    properties["execution_environment"] = {"enum": ENVIRONMENTS}
    schema["required"] = [*schema.get("required", []), "execution_environment"]
    for name in ("packages", "network"):
        properties[name] = {"type": ["array", "null"], "items": {"type": "string"}, "maxItems": 0}


@schemathesis.hook
def filter_case(context, case):
    """Leaves out what is right or wrong for a reason that no schema can say."""
    uploads = list(uploads_in(case))
    is_form = case.media_type == "multipart/form-data" and isinstance(case.body, dict)
    if case.meta.generation.mode.is_negative:
        # Any text will do where it is not base64, and whatever a form has as its file, it is bytes once it is sent.
        is_base64 = all(upload.get("base64encoded") is not False for upload in uploads)
        return is_base64 and not (is_form and "file" in case.body)
    if (case.query or {}).get("format") == "tar" and case.media_type != "application/x-tar":
        return isinstance(case.body, NotSet)
    if is_form:
        # Other parts are passed over, but not every text can be the name of one.
        return case.body.keys() <= {"file"}
    return all(is_name(name) for name in names_in(case, uploads))


def uploads_in(case):
    body = case.body if isinstance(case.body, dict) else {}
    files = body.get("files")
    for upload in [body, *(files if isinstance(files, list) else [])]:
        if isinstance(upload, dict):
            yield upload


def names_in(case, uploads):
    """Names of files and folders. Some are made of two, and they have so many bytes at most; a schema counts characters."""
    yield (case.query or {}).get("filename", "bare.bin")
    for upload in uploads:
        if "filename" in upload:
            yield f"{upload['filename']}.{(upload.get('extension') or '').lstrip('.')}".removesuffix(".")
        yield from (upload.get("working_directory") or "work").split("/")


def is_name(name):
    return name not in ("", ".", "..") and len(name.encode("utf-8", "replace")) <= LONGEST_NAME


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.method == "PUT" and case.operation.path.startswith("/jupyter/files"):
        name_bare_body(case)
    if case.method == "POST" and case.operation.path.endswith("/execute") and lot(case, 2):
        case.headers["Accept"] = "text/event-stream"
    if case.meta.generation.mode.is_positive and has_size(case) and not lot(case, 8):
        case.body = {name: value for name, value in case.body.items() if name not in SIZES}


def has_size(case):
    """A sandbox of another size than those of the pool takes a second to start."""
    return isinstance(case.body, dict) and not SIZES.isdisjoint(case.body)


def name_bare_body(case):
    """With a name in the url, the body is the file itself, even if it is JSON. No schema can say that."""
    is_bare = isinstance(case.body, NotSet) or case.media_type == "application/octet-stream"
    if is_bare and "filename" not in (case.query or {}):
        case.query = {**(case.query or {}), "filename": "bare.bin"}
    if case.media_type == "application/json" and case.meta.is_negative_at(ParameterLocation.BODY):
        case.query = {}


def lot(case, among):
    """One case among so many, and the same ones each time."""
    return len(str(case.body)) % among == 0


@schemathesis.check
def stream_ends_with_its_result(context, response, case):
    if "text/event-stream" in response.headers.get("content-type", [""])[0]:
        events = re.findall("^event: (.*)$", response.content.decode(), re.MULTILINE)
        assert events[-1] in ("result", "problem"), f"the last event is {events[-1]}"


def tar(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


NAMES = strategies.text("abcdefghij", min_size=1, max_size=8)
TARS = strategies.dictionaries(NAMES, strategies.binary(max_size=64), max_size=4).map(tar)
schemathesis.openapi.media_type("application/x-tar", TARS)


@schemathesis.deserializer("*/*", "application/octet-stream", "text/*")
def bytes_as_text(context, response):
    return response.content.decode("latin-1")


@schemathesis.deserializer("application/x-tar")
def unpacked(context, response):
    """A tar that does not end where it should is an error."""
    with tarfile.open(fileobj=io.BytesIO(response.content)) as archive:
        return str(archive.getnames())
