"""Jupyter's own servers as processes: the reference that the tests are checked against, and those in gateway mode."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import requests

START_SECONDS = 90
IMAGES = Path(__file__).parents[2] / "images"
# The last two are for a reference that does not hold back what a kernel prints; Cellblock has limits of its own.
REFERENCE_OPTIONS = (
    "--ServerApp.allow_remote_access=True",
    "--ZMQChannelsWebsocketConnection.limit_rate=False",
    "--ZMQChannelsWebsocketConnection.iopub_data_rate_limit=1e12",
)


@dataclass
class Server:
    url: str
    token: str
    files: Path
    """Its root folder."""


@contextlib.contextmanager
def running(folder, *options, application="server"):
    """A Jupyter application on a free port. Nothing of this machine's Jupyter configuration reaches it."""
    port, token, files = free_port(), secrets.token_hex(16), folder / "files"
    files.mkdir(parents=True)
    command = [sys.executable, "-m", "jupyter", application, "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={files}", *options]
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment(folder), stdout=output, stderr=subprocess.STDOUT)
    try:
        server = Server(f"http://127.0.0.1:{port}", token, files)
        await_answer(server, process, log)
        yield server
    finally:
        end(process)


def environment(folder):
    home = {"HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")}
    jupyter = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER_", "KERNEL_"))}
    return {**kept, **home, **jupyter, "JUPYTER_PLATFORM_DIRS": "1", "PYTHONUNBUFFERED": "1"}


def await_answer(server, process, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended at once:\n{log.read_text()}"
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{server.url}/api", timeout=5).ok:
                return
        time.sleep(0.05)
    raise TimeoutError(f"the server does not answer:\n{log.read_text()}")


def end(process):
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return opened.getsockname()[1]


def reference(folder):
    """A plain Jupyter Server: the kernel of this environment, and those of the images that are built."""
    for environment_name in built_images():
        write_kernelspec(folder / "data" / "kernels" / environment_name, environment_name)
    return running(folder, *REFERENCE_OPTIONS)


QUIET = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


def lab(folder, url, token):
    """JupyterLab in gateway mode, without its question about news."""
    configuration = folder / "config" / "labconfig"
    configuration.mkdir(parents=True)
    (configuration / "page_config.json").write_text(json.dumps(QUIET))
    return gateway(folder, url, token, application="lab")


def gateway(folder, url, token, application="server"):
    """A Jupyter application whose kernels are all at `url`."""
    options = (f"--gateway-url={url}", f"--GatewayClient.auth_token={token}", "--GatewayClient.request_timeout=120")
    return running(folder, *options, application=application)


def built_images():
    if not shutil.which("docker"):
        return []
    listed = subprocess.run(["docker", "images", "--format", "{{.Repository}}"], capture_output=True, text=True, check=False)
    built = {name.removeprefix("cellblock/") for name in listed.stdout.split() if name.startswith("cellblock/")}
    return sorted(path.parent.name for path in IMAGES.glob("*/conformance.json") if path.parent.name in built)


def write_kernelspec(folder, environment_name):
    """A kernel in its image, on this machine's network, so that a plain server can reach it."""
    image = f"cellblock/{environment_name}"
    label = '{{index .Config.Labels "cellblock.kernelspec"}}'
    name = docker("image", "inspect", "--format", label, image)
    path = f"/opt/conda/share/jupyter/kernels/{name}/kernel.json"
    spec = json.loads(docker("run", "--rm", "--network=none", "--entrypoint=/bin/cat", image, path))
    program, *arguments = [word.replace("{connection_file}", "/tmp/connection.json") for word in spec["argv"]]
    variables = [f"--env={key}={value}" for key, value in spec.get("env", {}).items()]
    # As root, because the server keeps the file with the kernel's key to itself.
    run = ["docker", "run", "--rm", "--init", "--network=host", "--user=root", "--workdir=/tmp", *variables]
    run += ["--volume={connection_file}:/tmp/connection.json:ro", f"--entrypoint={program}", image, *arguments]
    folder.mkdir(parents=True)
    kept = {key: value for key, value in spec.items() if key not in ("argv", "env")}
    (folder / "kernel.json").write_text(json.dumps({**kept, "argv": run}))


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()
