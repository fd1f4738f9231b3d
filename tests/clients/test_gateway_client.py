"""Jupyter Server in gateway mode: what JupyterLab and Jupyter Notebook put between a browser and remote kernels."""

import asyncio

import pytest
from conftest import Api


@pytest.fixture
def through(gateway):
    return Api(gateway.url, gateway.token)


@pytest.fixture
def session(through, python):
    """A session as a notebook's front end makes it."""
    body = {"path": "a.ipynb", "name": "", "type": "notebook", "kernel": {"name": python}}
    response = through.post("/sessions", json=body)
    assert response.status_code == 201, response.text
    yield response.json()
    assert through.delete(f"/sessions/{response.json()['id']}").status_code in (204, 404)


@pytest.fixture
def opened(through, session):
    # A gateway chooses no subprotocol, whatever a browser offers.
    with through.channels(session["kernel"]["id"], subprotocol=None) as channels:
        yield channels


def test_the_gateway_lists_the_service_s_kernelspecs(through, kernelspecs):
    # A gateway says what it believes to be the default, and learns the service's while it looks the list up.
    through.get("/kernelspecs")
    listed = through.get("/kernelspecs").json()
    assert listed["default"] == kernelspecs["default"]
    assert listed["kernelspecs"].keys() == kernelspecs["kernelspecs"].keys()
    for name, entry in kernelspecs["kernelspecs"].items():
        assert through.get(f"/kernelspecs/{name}").json()["spec"]["display_name"] == entry["spec"]["display_name"]


def test_a_session_runs_code_on_the_service(api, session, opened):
    assert api.kernel(session["kernel"]["id"])["id"] == session["kernel"]["id"]
    assert opened.execute("print(6 * 7)").text() == "42\n"


def test_a_question_is_answered_through_the_gateway(opened):
    asked = opened.start("print('Hello', input('Name? '))", allow_stdin=True)
    assert opened.until_kind("input_request", asked)["content"]["prompt"] == "Name? "
    opened.send("input_reply", {"value": "Ada"}, channel="stdin")
    assert opened.finish(asked).text() == "Hello Ada\n"


def test_an_interrupt_goes_through_the_gateway(through, session, opened):
    asked = opened.start("print('on')\nwhile True: pass")
    opened.until_printed(asked, "on")
    assert through.post(f"/kernels/{session['kernel']['id']}/interrupt").status_code == 204
    assert opened.finish(asked).content["ename"] == "KeyboardInterrupt"


def test_a_restart_goes_through_the_gateway(through, session, opened):
    opened.execute("kept = 1")
    assert through.post(f"/kernels/{session['kernel']['id']}/restart").status_code == 200
    with through.channels(session["kernel"]["id"], subprotocol=None) as again:
        assert again.execute("print('kept' in globals())").text() == "False\n"


def test_a_session_ended_at_the_gateway_ends_the_service_s_kernel(through, session, api):
    assert through.delete(f"/sessions/{session['id']}").status_code == 204
    assert api.get(f"/kernels/{session['kernel']['id']}").status_code == 404


def test_the_gateway_sees_a_kernel_go(through, session, api):
    kernel_id = session["kernel"]["id"]
    assert api.delete(f"/kernels/{kernel_id}").status_code == 204
    assert kernel_id not in [model["id"] for model in through.get("/kernels").json()]


async def published(client, asked):
    """What is published for a request, up to idle."""
    found = []
    while True:
        message = await client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != asked:
            continue
        found.append(message)
        if message["content"].get("execution_state") == "idle":
            return found


async def execute_interrupt_and_execute(manager, client):
    asked = client.execute("print('on')\nwhile True: pass")
    while (await client.get_iopub_msg(timeout=60))["msg_type"] != "stream":
        pass
    await manager.interrupt_kernel()
    kinds = [message["msg_type"] for message in await published(client, asked)]
    after = await published(client, client.execute("print(6 * 7)"))
    return "error" in kinds, [message["content"]["text"] for message in after if message["msg_type"] == "stream"]


def test_jupyter_server_s_own_kernel_manager_runs_and_interrupts_code(gateway_kernels, python):
    async def run():
        manager = gateway_kernels()
        await manager.start_kernel(kernel_name=python)
        client = manager.client()
        await client.start_channels()
        try:
            await client.wait_for_ready(timeout=60)
            return await execute_interrupt_and_execute(manager, client)
        finally:
            client.stop_channels()
            await manager.shutdown_kernel()

    assert asyncio.run(run()) == (True, ["42\n"])
