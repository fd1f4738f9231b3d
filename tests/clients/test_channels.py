"""A kernel's WebSocket: both framings, several clients at once, and the ones that come back."""

import json
import uuid

import pytest
import websocket
from channels import WAIT_SECONDS, is_for
from framings import V1

ECHO = """
from comm import get_comm_manager

def opened(comm, message):
    @comm.on_msg
    def answer(message):
        buffers = [bytes(buffer) for buffer in message['buffers']]
        comm.send({'lengths': [len(buffer) for buffer in buffers]}, buffers=[buffer[::-1] for buffer in buffers])

get_comm_manager().register_target('echo', opened)
"""
WAIT_FOR_INTERRUPT = """
import time
print('on')
try:
    while True: time.sleep(0.05)
except KeyboardInterrupt:
    print('interrupted')
"""
both_framings = pytest.mark.parametrize("subprotocol", [V1, None], ids=["v1", "legacy"])


@both_framings
def test_the_framing_is_the_one_the_client_asks_for(api, kernel_id, subprotocol):
    with api.channels(kernel_id, subprotocol=subprotocol) as opened:
        assert opened.subprotocol == subprotocol
        done = opened.execute("print('żółw'); 6 * 7")
    assert done.content["status"] == "ok"
    assert done.text() == "żółw\n"
    assert [content["data"]["text/plain"] for content in done.of_kind("execute_result")] == ["42"]
    states = [content["execution_state"] for content in done.of_kind("status")]
    assert states == ["busy", "idle"]
    assert [content["code"] for content in done.of_kind("execute_input")] == ["print('żółw'); 6 * 7"]


def test_v1_is_taken_among_several(base_url, token, kernel_id):
    url = f"{base_url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels"
    opened = websocket.create_connection(
        url, header=[f"Authorization: token {token}"], subprotocols=["other.example", V1], timeout=WAIT_SECONDS
    )
    assert opened.getsubprotocol() == V1
    opened.close()


def test_a_key_in_the_address_opens_it(base_url, token, kernel_id):
    url = f"{base_url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels?token={token}"
    websocket.create_connection(url, timeout=WAIT_SECONDS).close()


@pytest.mark.parametrize("key", ["", "wrong"])
def test_it_does_not_open_without_a_key(base_url, kernel_id, key):
    url = f"{base_url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels?token={key}"
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        websocket.create_connection(url, timeout=WAIT_SECONDS)
    assert refused.value.status_code in (401, 403)


def test_it_does_not_open_for_a_kernel_that_never_was(api):
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        api.channels(uuid.uuid4())
    assert refused.value.status_code == 404


@both_framings
def test_what_is_sent_at_once_after_connecting_is_answered_in_full(api, start_kernel, python, subprotocol):
    kernel_id = start_kernel(json={"name": python})["id"]
    with api.channels(kernel_id, subprotocol=subprotocol) as opened:
        done = opened.execute("print('first')")
    assert done.text() == "first\n"
    assert done.content["execution_count"] == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"buffers": {}},
        {"channel": "shell", "msg_id": "top", "msg_type": "execute_request", "made_up": {}},
    ],
    ids=["no channel and an object for buffers", "fields of its own"],
)
def test_what_odd_clients_send_is_understood(api, kernel_id, odd):
    with api.channels(kernel_id, subprotocol=None) as opened:
        header = {**opened.header("execute_request"), "date": "", "version": "5.0", "made_up": "kept"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": {"code": "print('odd')"}}
        opened.socket.send(json.dumps({**message, **odd}))
        done = opened.finish(header["msg_id"])
    assert done.text() == "odd\n"
    assert done.reply["parent_header"]["made_up"] == "kept"


def test_replies_go_to_the_asker_and_outputs_to_all(api, kernel_id):
    with api.channels(kernel_id) as asker, api.channels(kernel_id, subprotocol=None) as other:
        other.request("kernel_info_request", {})
        asked = asker.start("print('for all')")
        asker.finish(asked)
        other.until(lambda message: is_for(message, asked) and message["content"].get("execution_state") == "idle")
        # Had the other got the answer, it would have come before this one.
        other.request("kernel_info_request", {})
    heard = [message for message in other.seen if is_for(message, asked)]
    assert {message["channel"] for message in heard} == {"iopub"}
    assert [message["content"]["text"] for message in heard if message["header"]["msg_type"] == "stream"] == ["for all\n"]


@both_framings
def test_who_comes_back_with_its_session_gets_what_it_missed(api, kernel_id, subprotocol):
    session_id = str(uuid.uuid4())
    with api.channels(kernel_id, subprotocol=subprotocol, session_id=session_id) as opened:
        asked = opened.start(WAIT_FOR_INTERRUPT)
        opened.until_printed(asked, "on")
    api.await_kernel(kernel_id, connections=0)
    assert api.post(f"/kernels/{kernel_id}/interrupt").status_code == 204
    api.await_kernel(kernel_id, execution_state="idle")
    with api.channels(kernel_id, subprotocol=subprotocol, session_id=session_id) as again:
        done = again.finish(asked)
    assert done.text() == "interrupted\n"
    assert done.content["status"] == "ok"


def test_state_outlives_a_connection(api, kernel_id):
    with api.channels(kernel_id) as first:
        first.execute("kept = 42")
    with api.channels(kernel_id) as second:
        assert second.execute("print(kept)").text() == "42\n"


@both_framings
def test_binary_buffers_reach_a_comm_and_come_back(api, kernel_id, subprotocol):
    sent = [b"\x00\x01\x02", b"", bytes(range(256)) * 4096]
    comm_id = str(uuid.uuid4())
    with api.channels(kernel_id, subprotocol=subprotocol) as opened:
        assert opened.execute(ECHO).content["status"] == "ok"
        opened.send("comm_open", {"comm_id": comm_id, "target_name": "echo", "data": {}})
        asked = opened.send("comm_msg", {"comm_id": comm_id, "data": {}}, buffers=sent)
        answer = opened.until_kind("comm_msg", asked)
        comms = opened.request("comm_info_request", {"target_name": "echo"}).content["comms"]
    assert answer["content"] == {"comm_id": comm_id, "data": {"lengths": [len(buffer) for buffer in sent]}}
    assert answer["buffers"] == [buffer[::-1] for buffer in sent]
    assert comms == {comm_id: {"target_name": "echo"}}


@both_framings
def test_large_and_many_messages_all_arrive_in_order(api, kernel_id, subprotocol):
    code = "import sys\nprint('x' * 5_000_000)\nsys.stdout.flush()\nfor i in range(2000): display(i)"
    with api.channels(kernel_id, subprotocol=subprotocol) as opened:
        done = opened.execute(code)
    assert done.text() == "x" * 5_000_000 + "\n"
    assert [content["data"]["text/plain"] for content in done.of_kind("display_data")] == [str(i) for i in range(2000)]


def test_clients_that_come_and_go_harm_nobody(api, kernel_id, channels):
    asked = channels.start(WAIT_FOR_INTERRUPT)
    channels.until_printed(asked, "on")
    for subprotocol in [V1, None] * 5:
        api.channels(kernel_id, subprotocol=subprotocol).socket.shutdown()
    assert api.post(f"/kernels/{kernel_id}/interrupt").status_code == 204
    assert channels.finish(asked).text() == "on\ninterrupted\n"
