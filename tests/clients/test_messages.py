"""What a kernel and its clients say to each other, all the way through: control, stdin, subshells, the debugger."""

import time

import pytest
from channels import WAIT_SECONDS
from framings import V1

LOOP = "print('on')\nwhile True: pass"
both_framings = pytest.mark.parametrize("subprotocol", [V1, None], ids=["v1", "legacy"])


def interrupted(done):
    return done.content["status"] == "error" and done.content["ename"] == "KeyboardInterrupt"


def test_an_interrupt_ends_the_cell_and_not_the_kernel(api, kernel_id, channels):
    channels.execute("kept = 1")
    asked = channels.start(LOOP)
    channels.until_printed(asked, "on")
    response = api.post(f"/kernels/{kernel_id}/interrupt")
    assert (response.status_code, response.content) == (204, b"")
    assert interrupted(channels.finish(asked))
    assert channels.execute("print(kept)").text() == "1\n"


def test_an_error_drops_what_is_queued_behind_it(channels):
    channels.execute("pass")
    asked = channels.start(LOOP.replace("while", "import time; time.sleep(0.5); 1 / 0\nwhile"))
    channels.until_printed(asked, "on")
    queued = channels.start("print('never')")
    assert channels.finish(asked).content["ename"] == "ZeroDivisionError"
    dropped = channels.finish(queued)
    assert dropped.content["status"] in ("error", "aborted")
    assert dropped.text() == ""


def test_a_restart_forgets_everything_and_keeps_the_id(api, kernel_id, channels):
    channels.execute("kept = 1")
    response = api.post(f"/kernels/{kernel_id}/restart")
    assert response.status_code == 200
    assert response.json()["id"] == kernel_id
    with api.channels(kernel_id) as again:
        done = again.execute("print('kept' in globals())")
    assert done.text() == "False\n"
    assert done.content["execution_count"] == 1


@pytest.mark.not_on_reference("may lose what is said right after a restart")
def test_a_connection_outlives_a_restart(api, kernel_id, channels):
    channels.execute("pass")
    assert api.post(f"/kernels/{kernel_id}/restart").status_code == 200
    assert channels.execute("print('again')").text() == "again\n"
    # JupyterLab takes this word for a kernel that died, and says so; it is for those that were not asked to restart.
    assert "restarting" not in [message["content"].get("execution_state") for message in channels.seen]


def test_a_restart_ends_what_runs(api, kernel_id, channels):
    asked = channels.start(LOOP)
    channels.until_printed(asked, "on")
    assert api.post(f"/kernels/{kernel_id}/restart").status_code == 200
    with api.channels(kernel_id) as again:
        assert again.execute("print('again')").text() == "again\n"


def test_a_kernel_that_kills_itself_is_reported_and_started_again(api, kernel_id, channels):
    channels.execute("kept = 1")
    channels.start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    states = ("restarting", "autorestarting")
    channels.until(lambda message: message["content"].get("execution_state") in states)
    with api.channels(kernel_id) as again:
        assert again.execute("print('kept' in globals())").text() == "False\n"


@both_framings
def test_a_question_is_asked_and_its_answer_heard(api, kernel_id, subprotocol):
    with api.channels(kernel_id, subprotocol=subprotocol) as opened:
        asked = opened.start("print('Hello', input('Name? '))", allow_stdin=True)
        question = opened.until_kind("input_request", asked)
        assert question["channel"] == "stdin"
        assert question["content"] == {"prompt": "Name? ", "password": False}
        opened.send("input_reply", {"value": "Ada", "status": "ok"}, channel="stdin")
        assert opened.finish(asked).text() == "Hello Ada\n"


def test_a_question_goes_to_the_client_whose_cell_asks(api, kernel_id, channels):
    with api.channels(kernel_id) as other:
        other.request("kernel_info_request", {})
        asked = channels.start("import getpass; print(len(getpass.getpass('Key? ')))", allow_stdin=True)
        assert channels.until_kind("input_request", asked)["content"]["password"] is True
        channels.send("input_reply", {"value": "four"}, channel="stdin")
        assert channels.finish(asked).text() == "4\n"
        other.request("kernel_info_request", {})
    assert not [message for message in other.seen if message["channel"] == "stdin"]


def test_code_is_completed_inspected_and_remembered(channels):
    channels.execute("a_long_name = 1")
    done = channels.request("complete_request", {"code": "a_lon", "cursor_pos": 5})
    assert "a_long_name" in done.content["matches"]
    found = channels.request("inspect_request", {"code": "len", "cursor_pos": 3, "detail_level": 0})
    assert found.content["found"] and "text/plain" in found.content["data"]
    assert channels.request("is_complete_request", {"code": "for x in y:"}).content["status"] == "incomplete"


def test_control_answers_while_shell_is_busy(api, kernel_id, channels):
    asked = channels.start(LOOP)
    channels.until_printed(asked, "on")
    told = channels.request("kernel_info_request", {}, channel="control")
    assert told.content["language_info"]["name"] == "python"
    assert channels.answer_to(asked) is None
    assert api.post(f"/kernels/{kernel_id}/interrupt").status_code == 204
    assert interrupted(channels.finish(asked))


@both_framings
def test_a_subshell_works_while_the_main_shell_is_busy(api, kernel_id, subprotocol):
    with api.channels(kernel_id, subprotocol=subprotocol) as opened:
        subshell = opened.request("create_subshell_request", {}, channel="control").content["subshell_id"]
        listed = opened.request("list_subshell_request", {}, channel="control").content["subshell_id"]
        assert listed == [subshell]
        asked = opened.start(LOOP)
        opened.until_printed(asked, "on")
        beside = opened.send("execute_request", {"code": "print('beside')", "silent": False}, subshell_id=subshell)
        assert opened.finish(beside).text() == "beside\n"
        assert opened.answer_to(asked) is None
        assert api.post(f"/kernels/{kernel_id}/interrupt").status_code == 204
        opened.finish(asked)
        gone = opened.request("delete_subshell_request", {"subshell_id": subshell}, channel="control")
        assert gone.content["status"] == "ok"


def test_the_debugger_answers_over_control(start_kernel, api, python):
    # The variable asks our images for a debugger, which they leave out of a kernel's start; others have it anyway.
    kernel_id = start_kernel(json={"name": python, "env": {"KERNEL_DEBUGGER": "1"}})["id"]
    arguments = {"clientID": "test", "adapterID": "", "pathFormat": "path", "linesStartAt1": True, "columnsStartAt1": True}
    request = {"type": "request", "command": "initialize", "arguments": {**arguments, "supportsVariableType": True}}
    with api.channels(kernel_id) as opened:
        assert "debugger" in opened.request("kernel_info_request", {}).content["supported_features"]
        said = opened.request("debug_request", {**request, "seq": 1}, channel="control").content
        assert said["success"] is True and said["command"] == "initialize"
        info = opened.request("debug_request", {**request, "seq": 2, "command": "debugInfo"}, channel="control").content
        assert info["body"]["isStarted"] is True


def test_a_shutdown_request_is_answered(channels):
    asked = channels.send("shutdown_request", {"restart": False}, channel="control")
    assert channels.until_kind("shutdown_reply", asked)["content"]["restart"] is False


@pytest.mark.not_on_reference("starts a kernel again that ended")
def test_a_shutdown_request_ends_the_kernel(api, kernel_id, channels):
    channels.send("shutdown_request", {"restart": False}, channel="control")
    deadline = time.monotonic() + WAIT_SECONDS
    while api.get(f"/kernels/{kernel_id}").status_code != 404:
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.05)
