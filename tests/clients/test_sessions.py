"""/api/sessions: what ties a notebook's path to a kernel."""

import uuid

import pytest


@pytest.fixture
def start_session(api):
    started = []

    def start(**more):
        response = api.post("/sessions", json=more)
        assert response.status_code == 201, response.text
        started.append(response.json()["id"])
        return response.json()

    yield start
    for session_id in started:
        assert api.delete(f"/sessions/{session_id}").status_code in (204, 404)


def notebook(kernel, path="folder/a notebook.ipynb"):
    return {"path": path, "name": "a notebook", "type": "notebook", "kernel": kernel}


def test_a_session_starts_a_kernel(start_session, api, python):
    session = start_session(**notebook({"name": python}))
    assert (session["path"], session["name"], session["type"]) == ("folder/a notebook.ipynb", "a notebook", "notebook")
    assert session["kernel"]["name"] == python
    assert api.kernel(session["kernel"]["id"])["id"] == session["kernel"]["id"]
    with api.channels(session["kernel"]["id"]) as opened:
        assert opened.execute("print('hi')").text() == "hi\n"


def test_a_session_takes_a_kernel_that_runs(start_session, start_kernel, python):
    kernel_id = start_kernel(json={"name": python})["id"]
    session = start_session(**notebook({"id": kernel_id}))
    assert session["kernel"]["id"] == kernel_id


def test_a_path_has_one_session(start_session, python):
    first = start_session(**notebook({"name": python}))
    second = start_session(**notebook({"name": python}))
    assert second["id"] == first["id"]
    assert second["kernel"]["id"] == first["kernel"]["id"]


def test_sessions_are_listed_and_looked_up(start_session, api, python):
    session = start_session(**notebook({"name": python}))
    listed = {each["id"]: each for each in api.get("/sessions").json()}
    for found in (listed[session["id"]], api.get(f"/sessions/{session['id']}").json()):
        assert found["path"] == session["path"]
        assert found["kernel"]["id"] == session["kernel"]["id"]


def test_a_session_can_be_moved_and_renamed(start_session, api, python):
    session = start_session(**notebook({"name": python}))
    response = api.call("PATCH", f"/sessions/{session['id']}", json={"path": "elsewhere.ipynb", "name": "elsewhere"})
    assert response.status_code == 200
    assert response.json()["path"] == "elsewhere.ipynb"
    found = api.get(f"/sessions/{session['id']}").json()
    assert (found["path"], found["name"]) == ("elsewhere.ipynb", "elsewhere")


def test_a_session_can_be_given_another_kernel(start_session, api, python):
    session = start_session(**notebook({"name": python}))
    response = api.call("PATCH", f"/sessions/{session['id']}", json={"kernel": {"name": python}})
    assert response.status_code == 200
    assert response.json()["kernel"]["id"] != session["kernel"]["id"]
    assert api.get(f"/kernels/{session['kernel']['id']}").status_code == 404


def test_a_deleted_session_takes_its_kernel_with_it(start_session, api, python):
    session = start_session(**notebook({"name": python}))
    deleted = api.delete(f"/sessions/{session['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert api.get(f"/sessions/{session['id']}").status_code == 404
    assert api.get(f"/kernels/{session['kernel']['id']}").status_code == 404


def test_a_deleted_kernel_takes_its_session_with_it(start_session, api, python):
    session = start_session(**notebook({"name": python}))
    assert api.delete(f"/kernels/{session['kernel']['id']}").status_code == 204
    assert session["id"] not in [each["id"] for each in api.get("/sessions").json()]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_session_that_never_was_is_not_found(api, method):
    assert api.call(method, f"/sessions/{uuid.uuid4()}").status_code == 404


@pytest.mark.parametrize("missing", ["path", "type"])
def test_a_session_needs_a_path_and_a_type(api, python, missing):
    body = {key: value for key, value in notebook({"name": python}).items() if key != missing}
    assert api.post("/sessions", json=body).status_code == 400


def test_an_unknown_kernelspec_makes_no_session(api):
    assert api.post("/sessions", json=notebook({"name": "no_such_kernel"})).status_code >= 400
    assert notebook({})["path"] not in [each["path"] for each in api.get("/sessions").json()]
