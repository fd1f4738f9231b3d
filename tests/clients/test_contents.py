"""/api/contents: files and notebooks, as Jupyter's file browsers read and write them."""

import base64
import http.client
import urllib.parse
import uuid

import pytest

NOTEBOOK = {
    "cells": [{"cell_type": "code", "id": "one", "source": "1", "metadata": {}, "outputs": [], "execution_count": None}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
TEXT = {"type": "file", "format": "text", "content": "żółw\n"}


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
