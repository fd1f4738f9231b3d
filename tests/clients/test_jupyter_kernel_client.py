"""jupyter-kernel-client, as its README uses it. Its own v1 framing fails on every message (1.0.2), so it is not chosen."""

import threading

import pytest
from jupyter_kernel_client import JupyterKernelClient

LOOP = "print('on', flush=True)\nwhile True: pass"


# One for all tests: it takes ten seconds to see that its connection has ended.
@pytest.fixture(scope="module")
def kernel(base_url, token, python):
    client = JupyterKernelClient(server_url=base_url, token=token)
    client.start(name=python)
    yield client
    client.stop()


def outputs(result, kind="stream"):
    return [output for output in result["outputs"] if output["output_type"] == kind]


def test_it_executes(kernel):
    result = kernel.execute("print('hi')\n6 * 7")
    assert result["status"] == "ok"
    assert result["execution_count"] >= 1
    assert "".join(output["text"] for output in outputs(result)) == "hi\n"
    assert outputs(result, "execute_result")[0]["data"]["text/plain"] == "42"


def test_it_reports_errors(kernel):
    result = kernel.execute("1 / 0")
    assert result["status"] == "error"
    assert outputs(result, "error")[0]["ename"] == "ZeroDivisionError"


def test_it_follows_updates_of_a_display(kernel):
    result = kernel.execute("shown = display('first', display_id=True)\nshown.update('second')")
    assert [output["data"]["text/plain"] for output in outputs(result, "display_data")] == ["'second'"]


def test_it_answers_questions(kernel):
    def answer(question):
        assert question["content"]["prompt"] == "Name? "
        kernel._manager.client.input("Ada")

    result = kernel.execute("print('Hello', input('Name? '))", allow_stdin=True, stdin_hook=answer)
    assert outputs(result)[0]["text"] == "Hello Ada\n"


def test_it_knows_the_kernel(kernel, python):
    assert kernel.kernel_info["language_info"]["name"] == "python"
    assert kernel.is_alive()
    assert kernel.execution_state in ("idle", "busy", "starting")
    assert kernel.last_activity.tzinfo is not None
    assert kernel.id in [model["id"] for model in kernel.list_kernels()]


def test_it_lists_variables(kernel):
    kernel.execute("number = 42\ntext = 'hi'")
    listed = {variable["name"]: tuple(variable["type"]) for variable in kernel.list_variables()}
    assert listed.keys() >= {"number", "text"}


def test_it_interrupts(kernel):
    started, results = threading.Event(), []

    def hook(message):
        if message["header"]["msg_type"] == "stream":
            started.set()

    runner = threading.Thread(
        target=lambda: results.append(kernel.execute_interactive(LOOP, allow_stdin=False, timeout=60, output_hook=hook))
    )
    runner.start()
    assert started.wait(60)
    kernel.interrupt()
    runner.join(60)
    assert results[0]["content"]["ename"] == "KeyboardInterrupt"
    assert kernel.execute("print('again')")["status"] == "ok"


def test_it_restarts(kernel):
    kernel.execute("kept = 1")
    kernel.restart(timeout=60)
    kernel._manager.client.wait_for_ready(timeout=60)
    result = kernel.execute("print('kept' in globals())")
    assert outputs(result)[0]["text"] == "False\n"


def test_it_joins_a_kernel_that_runs(kernel, base_url, token):
    kernel.execute("kept = 42")
    other = JupyterKernelClient(server_url=base_url, token=token, kernel_id=kernel.id)
    other.start()
    assert outputs(other.execute("print(kept)"))[0]["text"] == "42\n"
    other.stop(shutdown_kernel=False)
    assert kernel.is_alive()


def test_a_kernel_is_gone_when_it_stops(base_url, token, python, api):
    with JupyterKernelClient(server_url=base_url, token=token) as client:
        client.execute("pass")
        kernel_id = client.id
    assert api.get(f"/kernels/{kernel_id}").status_code == 404
