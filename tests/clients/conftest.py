"""What every test starts from: the service (or the reference), its key, and kernels that are gone afterwards."""

import functools
import os
import time

import pytest
import requests
import servers
import websocket
from channels import WAIT_SECONDS, Channels
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayKernelManager


def pytest_addoption(parser):
    parser.addoption("--reference", action="store_true", help="run against a plain Jupyter Server, started for the tests")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """What a plain server cannot do is skipped on it, with the reason; never the other way round."""
    for item in items:
        marker = item.get_closest_marker("not_on_reference")
        if marker and config.getoption("--reference"):
            item.add_marker(pytest.mark.skip(reason=f"a plain Jupyter Server {marker.args[0]}"))
    items.sort(key=turn)


def turn(item):
    """Tests of test_kernels.py that are for one kernel are run together, so that it is started once, and as they are written."""
    kernel = item.callspec.params.get("kernel", "") if hasattr(item, "callspec") else ""
    return kernel, item.function.__code__.co_firstlineno if kernel else 0


@pytest.fixture(scope="session")
def service(request, tmp_path_factory):
    """Where the kernels are."""
    if not request.config.getoption("--reference"):
        yield servers.Server(os.environ["CELLBLOCK_URL"].rstrip("/"), os.environ.get("CELLBLOCK_TOKEN", ""), None)
        return
    with servers.reference(tmp_path_factory.mktemp("reference")) as server:
        yield server


@pytest.fixture(scope="session")
def base_url(service):
    return service.url


@pytest.fixture(scope="session")
def token(service):
    return service.token


class Api:
    """The server's REST API, with a key. Paths are below /api."""

    def __init__(self, base_url, token):
        self.base_url, self.token = base_url, token
        self.http = requests.Session()
        if token:
            self.http.headers["Authorization"] = f"token {token}"

    def call(self, method, path, **more):
        return self.http.request(method, f"{self.base_url}/api{path}", timeout=WAIT_SECONDS, **more)

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, **more):
        return self.call("POST", path, **more)

    def delete(self, path):
        return self.call("DELETE", path)

    def kernel(self, kernel_id):
        return self.get(f"/kernels/{kernel_id}").json()

    def await_kernel(self, kernel_id, **expected):
        """Waits until the kernel's model has these values."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            model = self.kernel(kernel_id)
            if expected.items() <= model.items():
                return model
            time.sleep(0.05)
        raise TimeoutError(f"{model} never got {expected}")

    def channels(self, kernel_id, **more):
        return Channels(self.base_url, self.token, kernel_id, **more)


@pytest.fixture(scope="session")
def api(base_url, token):
    return Api(base_url, token)


@pytest.fixture(scope="session")
def kernelspecs(api):
    return api.get("/kernelspecs").json()


@pytest.fixture(scope="session")
def python(kernelspecs):
    """The name of the default kernelspec, which is Python's."""
    assert kernelspecs["kernelspecs"][kernelspecs["default"]]["spec"]["language"] == "python"
    return kernelspecs["default"]


@pytest.fixture
def start_kernel(api):
    """Starts kernels that end with the test: start_kernel(json=…) gives the model."""
    started = []

    def start(**more):
        response = api.post("/kernels", **more)
        assert response.status_code == 201, response.text
        started.append(response.json()["id"])
        return response.json()

    yield start
    for kernel_id in started:
        assert api.delete(f"/kernels/{kernel_id}").status_code in (204, 404)


@pytest.fixture
def kernel_id(start_kernel, python):
    return start_kernel(json={"name": python})["id"]


@pytest.fixture
def channels(api, kernel_id):
    """A connection to a Python kernel."""
    with api.channels(kernel_id) as opened:
        yield opened


@pytest.fixture(scope="session")
def gateway(service, tmp_path_factory):
    """A Jupyter Server whose kernels are the service's."""
    with servers.gateway(tmp_path_factory.mktemp("gateway"), service.url, service.token) as server:
        yield server


@pytest.fixture
def gateway_kernels(service, monkeypatch):
    """Jupyter Server's GatewayKernelManager, set up for the service: the class, as nbclient and papermill take it."""
    # Up to jupyter_server 2.21 its own client opens the WebSocket without the key that it was given.
    header = [f"Authorization: token {service.token}"] if service.token else []
    connect = functools.partial(websocket.create_connection, header=header)
    monkeypatch.setattr("jupyter_server.gateway.managers.websocket.create_connection", connect)
    GatewayClient.clear_instance()
    GatewayClient.instance(url=service.url, auth_token=service.token, request_timeout=120)
    yield GatewayKernelManager
    GatewayClient.clear_instance()
