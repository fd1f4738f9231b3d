"""Every route of Jupyter's REST API that kernels need, with plain HTTP."""

import re
import uuid

import pytest
import requests

LAST_ACTIVITY = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
KERNEL_ID = re.compile(r"\w+-\w+-\w+-\w+-\w+")
STATES = ("unknown", "starting", "idle", "busy", "restarting")
NOBODY = str(uuid.uuid4())


def check_model(model, name):
    assert KERNEL_ID.fullmatch(model["id"])
    assert model["name"] == name
    assert LAST_ACTIVITY.fullmatch(model["last_activity"])
    assert model["execution_state"] in STATES
    assert type(model["connections"]) is int


def test_the_version_is_told_without_a_key(base_url):
    response = requests.get(f"{base_url}/api", timeout=10)
    assert response.status_code == 200
    assert response.json()["version"]


def test_the_status_counts_kernels_and_connections(api, channels, kernel_id):
    channels.execute("pass")
    status = api.get("/status").json()
    assert status["kernels"] >= 1
    assert status["connections"] >= 1
    assert LAST_ACTIVITY.fullmatch(status["last_activity"])
    assert LAST_ACTIVITY.fullmatch(status["started"])


def test_me_is_who_has_the_key(api):
    me = api.get("/me").json()
    assert me["identity"]["username"]
    assert me["identity"]["name"]
    assert isinstance(me["permissions"], dict)


@pytest.mark.parametrize(
    "key",
    [
        lambda key: {"params": {"token": key}},
        lambda key: {"headers": {"Authorization": f"token {key}"}},
        lambda key: {"headers": {"Authorization": f"Bearer {key}"}},
        pytest.param(
            lambda key: {"headers": {"X-API-Key": key}},
            marks=pytest.mark.not_on_reference("knows no X-API-Key"),
        ),
    ],
    ids=["token parameter", "token", "bearer", "x-api-key"],
)
def test_a_key_is_taken_wherever_clients_put_it(base_url, token, key):
    response = requests.get(f"{base_url}/api/kernels", timeout=10, **key(token))
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/kernels", "/kernelspecs", "/sessions", "/status", "/contents"])
def test_nothing_is_told_without_a_key(base_url, token, path):
    assert token, "the tests want a service with keys"
    for headers in ({}, {"Authorization": "token wrong"}):
        assert requests.get(f"{base_url}/api{path}", headers=headers, timeout=10).status_code in (401, 403)


def test_a_post_without_a_body_starts_the_default_kernel(api, python):
    response = api.post("/kernels")
    assert response.status_code == 201
    model = response.json()
    check_model(model, python)
    assert response.headers["Location"].endswith(f"/api/kernels/{model['id']}")
    assert api.delete(f"/kernels/{model['id']}").status_code == 204


@pytest.mark.parametrize("more", [{}, {"path": "a/notebook.ipynb"}, {"path": None}, {"env": {"KERNEL_USERNAME": "ada"}}])
def test_a_kernel_is_started_by_name_with_what_clients_add(start_kernel, python, more):
    check_model(start_kernel(json={"name": python, **more}), python)


def test_the_kernel_that_notebooks_name_is_there(start_kernel, api):
    model = start_kernel(json={"name": "python3"})
    with api.channels(model["id"]) as opened:
        assert opened.execute("print(6 * 7)").text() == "42\n"


def test_an_unknown_kernelspec_starts_nothing(api):
    before = len(api.get("/kernels").json())
    assert api.post("/kernels", json={"name": "no_such_kernel"}).status_code >= 400
    assert len(api.get("/kernels").json()) == before


def test_kernels_are_listed_and_looked_up(start_kernel, api, python):
    started = start_kernel(json={"name": python})
    listed = {model["id"]: model for model in api.get("/kernels").json()}
    for model in (listed[started["id"]], api.kernel(started["id"])):
        check_model(model, python)


def test_a_deleted_kernel_is_gone(start_kernel, api, python):
    kernel_id = start_kernel(json={"name": python})["id"]
    deleted = api.delete(f"/kernels/{kernel_id}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert api.get(f"/kernels/{kernel_id}").status_code == 404
    assert kernel_id not in [model["id"] for model in api.get("/kernels").json()]
    assert api.delete(f"/kernels/{kernel_id}").status_code == 404


@pytest.mark.parametrize(
    "method,path",
    [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/interrupt"),
        pytest.param("POST", "/restart", marks=pytest.mark.not_on_reference("answers 500 here")),
    ],
)
def test_a_kernel_that_never_was_is_not_found(api, method, path):
    response = api.call(method, f"/kernels/{NOBODY}{path}")
    assert response.status_code == 404
    assert response.json()["message"]


def test_connections_are_counted(api, kernel_id):
    with api.channels(kernel_id) as first, api.channels(kernel_id) as second:
        first.execute("pass"), second.execute("pass")
        assert api.kernel(kernel_id)["connections"] == 2
    api.await_kernel(kernel_id, connections=0)


def test_the_execution_state_and_the_last_activity_follow_the_kernel(api, channels, kernel_id):
    asked = channels.start("print('on')\nwhile True: pass")
    channels.until_printed(asked, "on")
    busy = api.await_kernel(kernel_id, execution_state="busy")
    assert api.post(f"/kernels/{kernel_id}/interrupt").status_code == 204
    channels.finish(asked)
    idle = api.await_kernel(kernel_id, execution_state="idle")
    assert idle["last_activity"] > busy["last_activity"]


def test_every_kernelspec_has_what_clients_read(api, kernelspecs):
    assert kernelspecs["default"] in kernelspecs["kernelspecs"]
    for name, entry in kernelspecs["kernelspecs"].items():
        assert entry["name"] == name
        assert isinstance(entry["resources"], dict)
        spec = entry["spec"]
        assert spec["display_name"] and spec["language"]
        assert spec["interrupt_mode"] in ("signal", "message")
        assert isinstance(spec["argv"], list) and isinstance(spec["env"], dict) and isinstance(spec["metadata"], dict)
        assert api.get(f"/kernelspecs/{name}").json() == entry


def test_an_unknown_kernelspec_is_not_found(api, base_url, python):
    assert api.get("/kernelspecs/no_such_kernel").status_code == 404
    assert api.http.get(f"{base_url}/kernelspecs/{python}/no-such-file.svg", timeout=10).status_code == 404


def test_every_resource_of_a_kernelspec_is_served(api, base_url, kernelspecs):
    for entry in kernelspecs["kernelspecs"].values():
        for path in entry["resources"].values():
            response = api.http.get(f"{base_url}{path}", timeout=10)
            assert response.status_code == 200
            assert response.content
