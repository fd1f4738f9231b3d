"""JupyterLab in a browser, with its kernels on the service: what a person does there, with mouse and keyboard."""

import contextlib

import browser
import nbformat
import pytest
import servers
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import expect

# Each wait has a deadline; a signal would strike in the middle of Playwright's own loop.
pytestmark = pytest.mark.timeout(0)

PLOT = """import matplotlib.pyplot as plt
plt.plot([1, 4, 9, 16])
plt.title("squares")
plt.show()"""
SLIDER = """from ipywidgets import IntSlider
slider = IntSlider(value=3, description="n")
slider"""
IDLE = '.jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status="idle"]'
ATTEMPTS, ATTEMPT_MS = 6, 5_000
# The machine may be busy: what passes waits for none of it.
expect.set_options(timeout=browser.WAIT_MS)


@pytest.fixture(scope="module")
def lab(service, tmp_path_factory):
    with servers.lab(tmp_path_factory.mktemp("lab"), service.url, service.token) as server:
        yield server


# A gateway of jupyter_server 2.21 refuses a browser's first connection, which offers a subprotocol, and still keeps its
# own side of it; a plain server then closes the second connection instead, for both have the session's id.
OFFER_NO_SUBPROTOCOL = "window.WebSocket = class extends WebSocket { constructor(url) { super(url); } };"


@pytest.fixture(scope="module")
def window(request):
    with browser.page() as page:
        if request.config.getoption("--reference"):
            page.add_init_script(OFFER_NO_SUBPROTOCOL)
        yield page


@pytest.fixture(scope="module")
def connections(window):
    return browser.Connections(window)


@pytest.fixture
def open_notebook(lab, window, connections, python, request):
    """Opens a notebook of these cells and waits until its kernel answers."""

    def open_notebook(*cells):
        spec = {"name": python, "display_name": "Python", "language": "python"}
        made = [cell if isinstance(cell, dict) else new_code_cell(cell) for cell in cells]
        path = f"{request.node.name}.ipynb"
        nbformat.write(new_notebook(cells=made, metadata={"kernelspec": spec}), lab.files / path)
        # A workspace of its own, or the notebook before would be open in it too.
        connections.answered.clear()
        window.goto(f"{lab.url}/lab/workspaces/{request.node.name}/tree/{path}?token={lab.token}")
        return Notebook(window, connections)

    yield open_notebook
    # A page that sees its kernel go would start another.
    window.goto("about:blank")
    end_sessions(lab)


def end_sessions(lab):
    headers = {"Authorization": f"token {lab.token}"}
    for session in servers.requests.get(f"{lab.url}/api/sessions", headers=headers, timeout=60).json():
        servers.requests.delete(f"{lab.url}/api/sessions/{session['id']}", headers=headers, timeout=60)


class Notebook:
    def __init__(self, window, connections):
        self.window, self.connections = window, connections
        self.await_kernel()

    def await_kernel(self, before=0):
        self.connections.await_answer(before)
        self.window.locator(IDLE).wait_for()

    def cell(self, number):
        return self.window.locator(".jp-NotebookPanel .jp-Cell").nth(number)

    def output(self, number):
        return self.cell(number).locator(".jp-Cell-outputArea")

    def run(self, number):
        def ask():
            self.cell(number).locator(".cm-content").click()
            self.window.keyboard.press("Control+Enter")

        self.until_started(number, ask)

    def run_all(self, first):
        self.until_started(first, lambda: self.menu("Run", "Run All Cells"))

    def until_started(self, number, ask):
        """Asks again if a cell that never ran does not start: a page that is still settling takes the focus away."""
        prompt = self.cell(number).locator(".jp-InputPrompt")
        for _ in range(ATTEMPTS):
            ask()
            with contextlib.suppress(AssertionError):
                expect(prompt).not_to_have_text("[ ]:", timeout=ATTEMPT_MS)
                return
        raise AssertionError(f"cell {number} does not start")

    def menu(self, name, entry):
        self.window.locator(".lm-MenuBar-item", has_text=name).first.click()
        self.window.locator(".lm-Menu-item", has_text=entry).first.click()

    def press(self, command):
        self.window.locator(f'.jp-NotebookPanel [data-command="{command}"]').first.click()

    def save_screenshot(self, name):
        browser.save_screenshot(self.window, name)


def test_a_notebook_runs_and_draws(open_notebook):
    notebook = open_notebook(new_markdown_cell("# Squares"), "print('hi')\n6 * 7", PLOT)
    notebook.run_all(first=1)
    expect(notebook.output(1)).to_contain_text("hi")
    expect(notebook.output(1)).to_contain_text("42")
    picture = notebook.output(2).locator("img")
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") > 100
    notebook.save_screenshot("notebook")


def test_an_error_is_shown_with_its_traceback(open_notebook):
    notebook = open_notebook("def f():\n    raise ValueError('bad thing')\nf()")
    notebook.run(0)
    expect(notebook.output(0)).to_contain_text("ValueError")
    expect(notebook.output(0)).to_contain_text("bad thing")
    notebook.save_screenshot("error")


def test_a_slider_and_its_kernel_follow_each_other(open_notebook):
    notebook = open_notebook(SLIDER, "slider.value = 7", "print('n is', slider.value)")
    notebook.run(0)
    readout = notebook.output(0).locator(".widget-readout")
    expect(readout).to_have_text("3")
    notebook.run(1)
    expect(readout).to_have_text("7")
    notebook.output(0).locator(".noUi-handle").press("ArrowRight")
    expect(readout).to_have_text("8")
    notebook.run(2)
    expect(notebook.output(2)).to_contain_text("n is 8")
    notebook.save_screenshot("slider")


def test_a_question_is_answered_in_the_notebook(open_notebook):
    notebook = open_notebook("print('Hello', input('Name? '))")
    notebook.run(0)
    field = notebook.output(0).locator("input.jp-Stdin-input")
    field.wait_for()
    notebook.save_screenshot("input")
    field.fill("Ada")
    field.press("Enter")
    expect(notebook.output(0)).to_contain_text("Hello Ada")


def test_a_loop_is_interrupted_and_the_state_kept(open_notebook):
    notebook = open_notebook("kept = 42\nprint('on')\nwhile True: pass", "print(kept)")
    notebook.run(0)
    expect(notebook.output(0)).to_contain_text("on")
    notebook.press("notebook:interrupt-kernel")
    expect(notebook.output(0)).to_contain_text("KeyboardInterrupt")
    notebook.save_screenshot("interrupt")
    notebook.run(1)
    expect(notebook.output(1)).to_contain_text("42")


def test_a_restart_forgets_everything(open_notebook):
    notebook = open_notebook("kept = 1\nprint('set')", "print('kept' in globals())")
    notebook.run(0)
    expect(notebook.output(0)).to_contain_text("set")
    answered = len(notebook.connections.answered)
    notebook.press("notebook:restart-kernel")
    notebook.window.locator(".jp-Dialog .jp-mod-accept").click()
    notebook.await_kernel(before=answered)
    notebook.run(1)
    expect(notebook.output(1)).to_contain_text("False")
