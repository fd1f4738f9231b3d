"""What each language's kernel is checked with, in the words of jupyter_kernel_test.

Most of it is in the environments' own conformance.json; here is what those do not say: a cell that does nothing but fail,
what is completed, and what is found out about a name. A language that has no such thing has no such line. `faults` are a kernel's own: checks that it fails wherever it runs, and why.
"""

import json
from pathlib import Path

CASES = {
    path.parent.name: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[2] / "images").glob("*/conformance.json"))
}

PYTHON = {
    "completion_samples": [{"text": "zi", "matches": {"zip"}}],
    "complete_code_samples": ["1", "print('hello, world')", "def f(x):\n  return x*2\n\n\n"],
    "incomplete_code_samples": ["print('''hello", "def f(x):\n  x*2"],
    "invalid_code_samples": ["import = 7q"],
    "code_page_something": "zip?",
    "code_generate_error": "raise ValueError('bad thing')",
    "code_display_data": [
        {"code": "from IPython.display import HTML, display; display(HTML('<b>test</b>'))", "mime": "text/html"},
        {"code": "from IPython.display import Math, display; display(Math('\\\\frac{1}{2}'))", "mime": "text/latex"},
    ],
    "code_inspect_sample": "zip",
    "code_clear_output": "from IPython.display import clear_output; clear_output()",
}
JAVASCRIPT = {
    "completion_samples": [{"text": "consol", "matches": {"console"}}],
    "complete_code_samples": ["1 + 1", "function f() { return 1; }"],
    "incomplete_code_samples": ["function f() {"],
    "code_generate_error": "throw new TypeError('bad thing')",
    "code_display_data": [{"code": "display.html('<b>test</b>')", "mime": "text/html"}],
}
LANGUAGES = {
    "bash": {
        "completion_samples": [{"text": "declar", "matches": {"declare"}}],
        "complete_code_samples": ["echo 1", "if true; then echo 1; fi"],
        "incomplete_code_samples": ["if true; then"],
        "code_generate_error": "exit 3",
    },
    "c": {"code_generate_error": "int main(void) {\n  return missing;\n}"},
    "cpp": {"code_generate_error": "int main() {\n  return missing;\n}"},
    "go": {"code_generate_error": "package main\n\nfunc main() {\n\tmissing()\n}\n"},
    "java": {
        "completion_samples": [{"text": "Syste", "matches": {"System"}}],
        "complete_code_samples": ["1 + 1"],
        "incomplete_code_samples": ["int f() {"],
        "code_generate_error": 'throw new IllegalStateException("bad thing");',
        "faults": {"test_kernel_info": "the kernel_info_reply of JJava has no status"},
        "code_display_data": [{"code": 'display("<b>test</b>", "text/html");', "mime": "text/html"}],
    },
    "javascript": JAVASCRIPT,
    "kotlin": {"code_generate_error": 'throw IllegalStateException("bad thing")'},
    "lua": {"code_generate_error": "os.exit(3)"},
    "octave": {"code_generate_error": "error('bad thing')"},
    "perl": {"code_generate_error": "exit 3;"},
    "php": {"code_generate_error": "exit(3);"},
    "python": PYTHON,
    "python_scientific": PYTHON,
    "r": {
        "completion_samples": [{"text": "rnor", "matches": {"rnorm"}}],
        "complete_code_samples": ["1 + 1"],
        "incomplete_code_samples": ["f <- function() {"],
        "code_generate_error": "stop('bad thing')",
        "code_display_data": [{"code": "plot(1:3)", "mime": "image/png"}],
        "code_inspect_sample": "rnorm",
    },
    "ruby": {"code_generate_error": "exit 3"},
    # It tells no unfinished cell from a wrong one: what is stripped of its types has to be whole.
    "typescript": {**JAVASCRIPT, "incomplete_code_samples": []},
}


def samples(name):
    """The attributes of jupyter_kernel_test's class for an environment."""
    prints, results = CASES[name][0], [case for case in CASES[name] if "result" in case["expect"]]
    return {
        "code_hello_world": prints["code"].replace("hi", "hello, world"),
        "code_stderr": prints["code"] if prints["expect"].get("stderr") else "",
        "code_execute_result": [{"code": case["code"], "result": case["expect"]["result"]} for case in results],
        "faults": {},
        **LANGUAGES[name],
    }


def cases_with(field):
    """The cells that have this field, with their environments."""
    return [(name, case) for name, cases in CASES.items() for case in cases if field in case]
