"""jupyter_kernel_test's own checks, and what the images promise of stdin and interrupts, for every kernel over the WebSocket."""

import jupyter_kernel_test
import pytest
from channels import WAIT_SECONDS
from jupyter_kernel_client.wsclient import KernelWebSocketClient, WSChannel
from languages import CASES, LANGUAGES, cases_with, samples

# What a check of jupyter_kernel_test needs.
CHECKS = {
    "test_kernel_info": None,
    "test_execute_stdout": "code_hello_world",
    "test_execute_stderr": "code_stderr",
    "test_completion": "completion_samples",
    "test_is_complete": "complete_code_samples",
    "test_pager": "code_page_something",
    "test_error": "code_generate_error",
    "test_execute_result": "code_execute_result",
    "test_display_data": "code_display_data",
    "test_inspect": "code_inspect_sample",
    "test_clear_output": "code_clear_output",
}
NAMES = sorted(CASES.keys() & LANGUAGES.keys())
KERNEL_CHECKS = [
    (name, check) for name in NAMES for check, needs in CHECKS.items() if needs is None or samples(name).get(needs)
]


class PatientChannel(WSChannel):
    """Waits longer than the tenths of a second that are enough for a local kernel, and hears what is for its own session:
    a server may ask a kernel things too."""

    def get_msg(self, timeout=None):
        while True:
            message = super().get_msg(timeout=WAIT_SECONDS)
            if message["parent_header"].get("session") == self.session.session:
                return message


class PatientClient(KernelWebSocketClient):
    shell_channel_class = iopub_channel_class = PatientChannel


class KernelTests(jupyter_kernel_test.KernelTests):
    __test__ = False  # Its methods are called for each kernel.

    def flush_channels(self):
        """Until the kernel has said all that it had to say. What is overridden waits for a silence."""
        asked = self.kc.kernel_info()
        while self.kc.get_shell_msg()["parent_header"].get("msg_id") != asked:
            pass
        while True:
            message = self.kc.get_iopub_msg()
            if message["parent_header"].get("msg_id") == asked and message["content"].get("execution_state") == "idle":
                return


@pytest.fixture(scope="module")
def kernel(request, api, kernelspecs):
    """The id of a kernel, which is kept while the tests that follow are for the same."""
    if request.param not in kernelspecs["kernelspecs"]:
        pytest.skip(f"the server has no kernel {request.param}")
    kernel_id = api.post("/kernels", json={"name": request.param}).json()["id"]
    yield kernel_id
    assert api.delete(f"/kernels/{kernel_id}").status_code == 204


@pytest.fixture(scope="module")
def client(service, kernel):
    """jupyter-kernel-client's WebSocket client."""
    endpoint = f"{service.url.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
    client = PatientClient(endpoint, token=service.token)
    client.start_channels(stdin=False)
    yield client
    # It would look for the connection's end every ten seconds only.
    client.kernel_socket.sock.send_close()
    client.stop_channels()


def for_each_kernel(what, pairs):
    """Runs a test for pairs of a kernel's name and something more."""
    pairs = [(name, name, more) for name, more in pairs if name in NAMES]
    ids = [f"{name} {more if isinstance(more, str) else more['name']}" for name, _, more in pairs]
    return pytest.mark.parametrize(f"kernel,name,{what}", pairs, ids=ids, indirect=["kernel"], scope="module")


def test_every_kernel_is_checked(kernelspecs):
    assert kernelspecs["kernelspecs"].keys() - {kernelspecs["default"]} <= set(NAMES)


@for_each_kernel("check", KERNEL_CHECKS)
def test_jupyter_kernel_test(request, client, kernel, name, check):
    if check in samples(name)["faults"]:
        request.applymarker(pytest.mark.xfail(reason=samples(name)["faults"][check], strict=True))
    case = type(name, (KernelTests,), samples(name))(check)
    case.kc = client
    getattr(case, check)()


@for_each_kernel("case", cases_with("stdin"))
def test_questions_are_answered(api, kernel, name, case):
    with api.channels(kernel) as opened:
        asked = opened.start(case["code"], allow_stdin=True)
        for line in case["stdin"]:
            opened.until_kind("input_request", asked)
            opened.send("input_reply", {"value": line}, channel="stdin")
        done = opened.finish(asked)
    assert done.content["status"] == case["expect"]["status"]
    assert done.text() == case["expect"]["stdout"]


@for_each_kernel("case", cases_with("interrupt_after"))
def test_cells_are_interrupted(api, kernel, name, case):
    first = CASES[name][0]
    with api.channels(kernel) as opened:
        asked = opened.start(case["code"])
        opened.until_printed(asked, case["interrupt_after"])
        assert api.post(f"/kernels/{kernel}/interrupt").status_code == 204
        assert opened.finish(asked).content["status"] == "error"
        assert opened.execute(first["code"]).text() == first["expect"]["stdout"]


@for_each_kernel("case", [(name, CASES[name][0]) for name in NAMES])
def test_a_restarted_kernel_answers(api, kernel, name, case):
    assert api.post(f"/kernels/{kernel}/restart").status_code == 200
    with api.channels(kernel) as opened:
        assert opened.execute(case["code"]).text() == case["expect"]["stdout"]
