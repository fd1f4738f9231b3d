"""Notebooks run by nbclient and papermill, whose kernels Jupyter Server's GatewayKernelManager starts on the service."""

import base64

import nbformat
import papermill
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

MANAGER = "jupyter_server.gateway.managers.GatewayKernelManager"
PNG = b"\x89PNG\r\n"
PLOT = """import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.title("a plot")
plt.show()"""


@pytest.fixture
def notebook(gateway_kernels, python):
    """Makes a notebook of cells: text for code, a Markdown cell as it is."""

    def make(*cells):
        made = [cell if isinstance(cell, dict) else new_code_cell(cell) for cell in cells]
        spec = {"name": python, "display_name": "Python", "language": "python"}
        return new_notebook(cells=made, metadata={"kernelspec": spec})

    return make


def run(notebook, **more):
    # Without a timeout for a cell: nbclient then asks the manager what a gateway's does not know (jupyter_server 2.21).
    NotebookClient(notebook, kernel_manager_class=MANAGER, timeout=None, startup_timeout=120, **more).execute()
    nbformat.validate(notebook)
    return [cell.get("outputs") for cell in notebook.cells]


def test_a_notebook_with_text_state_results_and_a_plot(notebook):
    outputs = run(notebook(new_markdown_cell("# A tour"), "x = 6\nprint('hi')", "x * 7", PLOT))
    assert outputs[0] is None
    assert outputs[1][0]["text"] == "hi\n"
    assert outputs[2][0]["data"]["text/plain"] == "42"
    picture = next(output for output in outputs[3] if "image/png" in output.get("data", {}))
    assert base64.b64decode(picture["data"]["image/png"]).startswith(PNG)


def test_an_error_ends_a_notebook(notebook):
    failing = notebook("print('before')", "1 / 0", "print('never')")
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run(failing)
    assert failing.cells[0].outputs[0]["text"] == "before\n"
    assert failing.cells[1].outputs[0]["ename"] == "ZeroDivisionError"
    assert failing.cells[2].outputs == []


def test_an_error_that_is_allowed_does_not(notebook):
    outputs = run(notebook("1 / 0", "print('on')"), allow_errors=True)
    assert outputs[0][0]["output_type"] == "error"
    assert outputs[1][0]["text"] == "on\n"


def test_a_question_nobody_can_answer_is_an_error(notebook):
    outputs = run(notebook("input('Name? ')", "print('on')"), allow_errors=True)
    assert outputs[0][0]["ename"] == "StdinNotImplementedError"
    assert outputs[1][0]["text"] == "on\n"


def test_displays_are_updated_and_cleared(notebook):
    code = "from IPython.display import clear_output\nprint('gone')\nclear_output()\nshown = display('first', display_id=True)"
    outputs = run(notebook(code, "shown.update('second')"))
    assert [output["data"]["text/plain"] for output in outputs[0]] == ["'second'"]


def test_papermill_runs_a_notebook_with_parameters(notebook, tmp_path, python):
    source = notebook(new_markdown_cell("# Parameters"), new_code_cell("n = 1", metadata={"tags": ["parameters"]}), "n * 7", PLOT)
    nbformat.write(source, tmp_path / "in.ipynb")
    papermill.execute_notebook(
        tmp_path / "in.ipynb",
        tmp_path / "out.ipynb",
        parameters={"n": 6},
        kernel_name=python,
        kernel_manager_class=MANAGER,
        progress_bar=False,
    )
    done = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert done.metadata.papermill.exception is None
    assert [output["data"]["text/plain"] for output in done.cells[3].outputs] == ["42"]
    assert any("image/png" in output.get("data", {}) for output in done.cells[4].outputs)


def test_papermill_keeps_what_a_failing_notebook_said(notebook, tmp_path, python):
    nbformat.write(notebook("print('before')", "1 / 0"), tmp_path / "in.ipynb")
    with pytest.raises(papermill.PapermillExecutionError, match="division by zero"):
        papermill.execute_notebook(
            tmp_path / "in.ipynb",
            tmp_path / "out.ipynb",
            kernel_name=python,
            kernel_manager_class=MANAGER,
            progress_bar=False,
        )
    done = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert done.metadata.papermill.exception is True
    assert "before\n" in [output.get("text") for cell in done.cells for output in cell.get("outputs", [])]
