"""/api/contents: files and notebooks, as Jupyter's file browsers read and write them."""

import base64
import concurrent.futures
import hashlib
import http.client
import urllib.parse
import uuid

import pytest
import requests

NOTEBOOK = {
    "cells": [{"cell_type": "code", "id": "one", "source": "1", "metadata": {}, "outputs": [], "execution_count": None}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
TEXT = {"type": "file", "format": "text", "content": "żółw\n"}


OURS = "keeps its files on its own disk"


@pytest.fixture
def folder(api):
    """The path of a folder that is gone afterwards."""
    path = f"/contents/test-{uuid.uuid4().hex}"
    assert api.call("PUT", path, json={"type": "directory"}).status_code == 201
    yield path
    for entry in api.get(path).json()["content"]:
        api.delete(f"/contents/{entry['path']}")
    assert api.delete(path).status_code == 204


def meant(model):
    """The content, without what a server may write in another way."""
    if model["type"] == "notebook":
        return [cell["source"] for cell in model["content"]["cells"]]
    return base64.b64decode(model["content"]) if model["format"] == "base64" else model["content"]


def test_the_root_is_a_directory(api):
    root = api.get("/contents").json()
    assert (root["type"], root["path"], root["format"]) == ("directory", "", "json")
    assert isinstance(root["content"], list)


@pytest.mark.parametrize(
    "name,model",
    [
        ("a.txt", TEXT),
        ("a.bin", {"type": "file", "format": "base64", "content": base64.b64encode(bytes(range(256))).decode()}),
        ("a.ipynb", {"type": "notebook", "format": "json", "content": NOTEBOOK}),
    ],
)
def test_what_is_saved_is_read_back(api, folder, name, model):
    created = api.call("PUT", f"{folder}/{name}", json=model)
    assert created.status_code == 201
    assert created.json()["content"] is None
    assert created.headers["Location"].endswith(f"{folder}/{name}")
    read = api.get(f"{folder}/{name}", params={"content": 1}).json()
    assert (read["name"], read["type"], read["format"]) == (name, model["type"], model["format"])
    assert meant(read) == meant(model)
    assert api.call("PUT", f"{folder}/{name}", json=model).status_code == 200


def test_a_folder_lists_what_is_in_it(api, folder):
    api.call("PUT", f"{folder}/a.txt", json=TEXT)
    entries = api.get(folder).json()["content"]
    assert [(entry["name"], entry["type"], entry["content"]) for entry in entries] == [("a.txt", "file", None)]
    for field in ("path", "last_modified", "created", "writable", "mimetype", "size"):
        assert field in entries[0]
    assert entries[0]["size"] == len(TEXT["content"].encode())


def test_a_model_without_its_content_can_be_asked_for(api, folder):
    api.call("PUT", f"{folder}/a.txt", json=TEXT)
    assert api.get(f"{folder}/a.txt", params={"content": 0}).json()["content"] is None


def test_a_new_file_gets_a_name(api, folder):
    made = [api.post(folder, json={"type": kind}) for kind in ("notebook", "file", "directory")]
    assert [response.status_code for response in made] == [201, 201, 201]
    assert [response.json()["type"] for response in made] == ["notebook", "file", "directory"]
    assert made[0].json()["name"].endswith(".ipynb")


def test_a_file_can_be_renamed(api, folder):
    api.call("PUT", f"{folder}/a.txt", json=TEXT)
    renamed = api.call("PATCH", f"{folder}/a.txt", json={"path": f"{folder.removeprefix('/contents/')}/b.txt"})
    assert renamed.status_code == 200
    assert renamed.json()["name"] == "b.txt"
    assert api.get(f"{folder}/a.txt").status_code == 404
    assert api.get(f"{folder}/b.txt").json()["content"] == TEXT["content"]


def test_a_deleted_file_is_gone(api, folder):
    api.call("PUT", f"{folder}/a.txt", json=TEXT)
    assert api.delete(f"{folder}/a.txt").status_code == 204
    assert api.get(f"{folder}/a.txt").status_code == 404
    assert api.delete(f"{folder}/a.txt").status_code == 404


@pytest.mark.parametrize("path", ["../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc%2fpasswd", "/etc/passwd"])
def test_no_path_leads_out(base_url, token, path):
    # Other clients tidy a path up before they send it.
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(base_url).netloc, timeout=10)
    connection.request("GET", f"/api/contents/{path}", headers={"Authorization": f"token {token}"})
    response = connection.getresponse()
    assert response.status >= 400
    assert b"root:" not in response.read()


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE"])
def test_nothing_goes_without_a_key(api, base_url, folder, method):
    keyless = requests.request(method, f"{base_url}/api{folder}", json={}, timeout=60)
    # A plain server answers 403, for want of a cookie against forged requests.
    assert keyless.status_code in (401, 403)
    name = folder.removeprefix("/contents/")
    assert requests.get(f"{base_url}/files/{name}/a.txt", timeout=60, allow_redirects=False).status_code in (401, 403, 302)


def test_what_is_hidden_is_not_there(api, folder):
    assert api.get(f"{folder}/.hidden").status_code == 404
    assert api.call("PUT", f"{folder}/.hidden", json=TEXT).status_code == 400
    assert api.get(folder).json()["content"] == []


def test_what_is_no_notebook_is_said(api, folder):
    api.call("PUT", f"{folder}/a.ipynb", json={**TEXT, "content": "{"})
    read = api.get(f"{folder}/a.ipynb")
    assert read.status_code == 400
    assert read.json()["message"]
    assert api.get(f"{folder}/a.ipynb", params={"content": 0}).json()["type"] == "notebook"


def test_a_hash_is_that_of_the_bytes(api, folder):
    api.call("PUT", f"{folder}/a.txt", json=TEXT)
    expected = hashlib.sha256(TEXT["content"].encode()).hexdigest()
    for content in (0, 1):
        model = api.get(f"{folder}/a.txt", params={"content": content, "hash": 1}).json()
        assert (model["hash"], model["hash_algorithm"]) == (expected, "sha256")


def test_new_names_are_counted(api, folder):
    made = [api.post(folder, json=what).json()["name"] for what in 2 * [{"type": "notebook"}] + 2 * [{"ext": ".txt"}]]
    assert made == ["Untitled.ipynb", "Untitled1.ipynb", "untitled.txt", "untitled1.txt"]
    folders = [api.post(folder, json={"type": "directory"}).json()["name"] for _ in range(2)]
    assert folders == ["Untitled Folder", "Untitled Folder 1"]


def test_a_copy_gets_a_name_of_its_own(api, folder):
    api.call("PUT", f"{folder}/a.txt", json=TEXT)
    source = f"{folder.removeprefix('/contents/')}/a.txt"
    copies = [api.post(folder, json={"copy_from": source}) for _ in range(2)]
    assert [copy.status_code for copy in copies] == [201, 201]
    assert [copy.json()["name"] for copy in copies] == ["a-Copy1.txt", "a-Copy2.txt"]
    assert api.get(f"{folder}/a-Copy2.txt").json()["content"] == TEXT["content"]


def test_a_name_that_is_taken_is_not_taken_over(api, folder):
    for name in ("a.txt", "b.txt"):
        api.call("PUT", f"{folder}/{name}", json={**TEXT, "content": name})
    taken = api.call("PATCH", f"{folder}/a.txt", json={"path": f"{folder.removeprefix('/contents/')}/b.txt"})
    assert taken.status_code == 409
    assert api.get(f"{folder}/b.txt").json()["content"] == "b.txt"


def test_a_large_file_comes_in_chunks(api, folder):
    parts = [bytes([number]) * 1_000_000 for number in range(4)]
    for chunk, part in zip((1, 2, 3, -1), parts, strict=True):
        model = {"type": "file", "format": "base64", "chunk": chunk, "content": base64.b64encode(part).decode()}
        assert api.call("PUT", f"{folder}/a.bin", json=model).status_code in (200, 201)
    read = api.get(f"{folder}/a.bin", params={"format": "base64"}).json()
    assert base64.b64decode(read["content"]) == b"".join(parts)


def test_a_checkpoint_is_made_and_gone_back_to(api, folder):
    api.call("PUT", f"{folder}/a.txt", json=TEXT)
    checkpoints = f"{folder}/a.txt/checkpoints"
    assert api.get(checkpoints).json() == []
    made = api.post(checkpoints)
    assert made.status_code == 201
    assert made.headers["Location"].endswith(f"{checkpoints}/{made.json()['id']}")
    assert [each["id"] for each in api.get(checkpoints).json()] == [made.json()["id"]]
    api.call("PUT", f"{folder}/a.txt", json={**TEXT, "content": "changed"})
    assert api.post(f"{checkpoints}/{made.json()['id']}").status_code == 204
    assert api.get(f"{folder}/a.txt").json()["content"] == TEXT["content"]
    assert api.delete(f"{checkpoints}/{made.json()['id']}").status_code == 204
    assert api.get(checkpoints).json() == []


def test_a_saved_notebook_has_a_checkpoint(api, folder):
    api.call("PUT", f"{folder}/a.ipynb", json={"type": "notebook", "format": "json", "content": NOTEBOOK})
    assert len(api.get(f"{folder}/a.ipynb/checkpoints").json()) == 1


def test_a_file_s_bytes_are_downloaded(api, base_url, folder):
    content = bytes(range(256))
    model = {"type": "file", "format": "base64", "content": base64.b64encode(content).decode()}
    api.call("PUT", f"{folder}/a b.png", json=model)
    path = urllib.parse.quote(f"{folder.removeprefix('/contents/')}/a b.png")
    shown = api.http.get(f"{base_url}/files/{path}", timeout=60)
    assert (shown.content, shown.headers["Content-Type"]) == (content, "image/png")
    kept = api.http.get(f"{base_url}/files/{path}", params={"download": 1}, timeout=60)
    assert kept.headers["Content-Disposition"].startswith("attachment")


@pytest.fixture
def beside(api, python):
    """A notebook in the root with a kernel, and a file beside it: the kernel's id and the file's path."""
    name = f"test-{uuid.uuid4().hex}"
    assert api.call("PUT", f"/contents/{name}.txt", json=TEXT).status_code == 201
    document = {"path": f"{name}.ipynb", "name": "", "type": "notebook", "kernel": {"name": python}}
    session = api.post("/sessions", json=document).json()
    yield session["kernel"]["id"], f"{name}.txt"
    api.delete(f"/sessions/{session['id']}")
    assert api.delete(f"/contents/{name}.txt").status_code == 204


def test_a_kernel_reads_what_was_saved_beside_its_notebook(api, beside):
    kernel_id, path = beside
    with api.channels(kernel_id) as opened:
        assert opened.execute(f"print(open({path!r}).read(), end='')").text() == TEXT["content"]


def test_what_a_kernel_writes_is_listed_and_read(api, beside):
    kernel_id, path = beside
    with api.channels(kernel_id) as opened:
        opened.execute(f"_ = open('of-{path}', 'w').write('written')")
    assert f"of-{path}" in [entry["name"] for entry in api.get("/contents").json()["content"]]
    assert api.get(f"/contents/of-{path}").json()["content"] == "written"
    assert api.delete(f"/contents/of-{path}").status_code == 204


@pytest.mark.parametrize("way", ["kernel", "session", "switch"])
def test_a_notebook_outlives_its_kernel(api, python, way):
    path = f"{uuid.uuid4().hex}.ipynb"
    assert api.call("PUT", f"/contents/{path}", json={"type": "notebook", "content": NOTEBOOK}).status_code == 201
    document = {"path": path, "name": "", "type": "notebook", "kernel": {"name": python}}
    session = api.post("/sessions", json=document).json()
    kernel_id = session["kernel"]["id"]
    with api.channels(kernel_id) as opened:
        opened.execute("x = 1")
    if way == "kernel":
        assert api.delete(f"/kernels/{kernel_id}").status_code == 204
    elif way == "session":
        assert api.delete(f"/sessions/{session['id']}").status_code == 204
    else:
        switched = api.call("PATCH", f"/sessions/{session['id']}", json={"kernel": {"name": python}}).json()
        assert switched["kernel"]["id"] != kernel_id
    assert api.get(f"/kernels/{kernel_id}").status_code == 404
    assert kernel_id not in [kernel["id"] for kernel in api.get("/kernels").json()]
    assert meant(api.get(f"/contents/{path}").json()) == meant({"type": "notebook", "content": NOTEBOOK})
    if way == "switch":
        assert api.delete(f"/sessions/{session['id']}").status_code == 204
    again = api.post("/sessions", json=document).json()
    with api.channels(again["kernel"]["id"]) as opened:
        assert opened.execute(f"import os; print(os.path.exists({path!r}), 'x' in globals())").text() == "True False\n"
    assert api.delete(f"/sessions/{again['id']}").status_code == 204
    assert api.delete(f"/contents/{path}").status_code == 204


@pytest.mark.not_on_reference(OURS)
def test_every_kernel_has_a_folder_of_its_own_that_stays(api, start_kernel, python):
    # The first may be the one whose folder is the root.
    for kernel_id in [start_kernel(json={"name": python})["id"] for _ in range(2)]:
        folder = f"/contents/{kernel_id}"
        assert api.call("PUT", f"{folder}/a.txt", json=TEXT).status_code == 201
        with api.channels(kernel_id) as opened:
            assert opened.execute("print(open('a.txt').read(), end='')").text() == TEXT["content"]
        assert [entry["path"] for entry in api.get(folder).json()["content"]] == [f"{kernel_id}/a.txt"]
        assert api.delete(folder).status_code == 403
    assert kernel_id in [entry["name"] for entry in api.get("/contents").json()["content"]]


@pytest.mark.not_on_reference("may start two")
def test_requests_at_once_give_a_path_one_kernel(api, python):
    body = {"path": f"{uuid.uuid4().hex}.ipynb", "name": "", "type": "notebook", "kernel": {"name": python}}
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: api.post("/sessions", json=body).json(), range(4)))
    assert len({session["kernel"]["id"] for session in made}) == 1
    assert api.delete(f"/sessions/{made[0]['id']}").status_code == 204
