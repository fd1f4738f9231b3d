"""Cells that are whole programs, with a language that every image has: the shell's."""

import os
import signal
import sys
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, "/opt/conda/share/smallkernel")

from compiled import Compiled, Description
from kernel import INTERRUPTED

CHECKED = [["sh", "-c", "sh -n {source} && cp {source} {program}"]]


SHELL = {
    "language_info": {"name": "sh"},
    "version": ["echo", "sh 1.2"],
    "source": "cell.sh",
    "run": ["sh", "{source}"],
}


def description(**more):
    return Description(**{**SHELL, **more})


class CompiledTest(unittest.TestCase):
    def run_cell(self, code, **more):
        said = []
        language = Compiled(description(**more))
        self.addCleanup(language.info)  # It waits for the command that tells the version.
        error = language.run(code, lambda name, text: said.append((name, text)), None)
        return error, said

    def text_of(self, said, stream):
        return "".join(text for name, text in said if name == stream)

    def interrupt_after(self, word):
        """A SIGINT to us as soon as a program has made the file `word`."""

        def wait():
            while not os.path.exists(word):
                time.sleep(0.005)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=wait)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(os.remove, word)

    def test_the_version_can_be_asked_for_by_two_at_once(self):
        language = Compiled(description(version=["sh", "-c", "sleep 0.1; echo sh 1.2"]))
        with ThreadPoolExecutor(2) as pool:
            answers = [pool.submit(language.info) for _ in range(2)]
        self.assertEqual([answer.result()["language_info"]["version"] for answer in answers], ["sh 1.2"] * 2)

    def test_output_keeps_its_stream(self):
        error, said = self.run_cell("echo out; echo err >&2")
        self.assertIsNone(error)
        self.assertEqual((self.text_of(said, "stdout"), self.text_of(said, "stderr")), ("out\n", "err\n"))

    def test_an_exit_status_is_kept(self):
        error, said = self.run_cell("echo out; exit 3")
        self.assertEqual((error["ename"], error["evalue"]), ("ExitStatus", "3"))
        self.assertEqual(self.text_of(said, "stdout"), "out\n")

    def test_a_signal_is_named(self):
        error, _ = self.run_cell("kill -SEGV $$")
        self.assertEqual((error["ename"], error["evalue"]), ("Signal", "SIGSEGV"))

    def test_a_compilers_complaint_is_the_error_and_nothing_is_run(self):
        error, said = self.run_cell("echo started\nif then", compile=CHECKED, run=["sh", "{program}"])
        self.assertEqual(error["ename"], "CompileError")
        self.assertIn("cell.sh: 2:", error["evalue"])
        self.assertEqual(said, [])

    def test_a_compilers_warning_goes_to_stderr(self):
        warns = [["sh", "-c", "echo careful; cp {source} {program}"]]
        error, said = self.run_cell("echo out", compile=warns, run=["sh", "{program}"])
        self.assertIsNone(error)
        self.assertEqual((self.text_of(said, "stderr"), self.text_of(said, "stdout")), ("careful\n", "out\n"))

    def test_a_compiler_that_is_missing_is_an_error(self):
        error, _ = self.run_cell("", compile=[["/no/such/compiler"]])
        self.assertEqual(error["ename"], "FileNotFoundError")

    def test_the_opening_is_put_before_a_cell_that_lacks_it(self):
        self.assertEqual(self.run_cell("echo $x", opening="x=1; ")[1], [("stdout", "1\n")])
        self.assertEqual(self.run_cell("x=1; echo $x", opening="x=1; ")[1], [("stdout", "1\n")])

    def test_standard_input_is_empty(self):
        self.assertEqual(self.run_cell("cat; echo end")[1], [("stdout", "end\n")])

    def test_bytes_that_are_no_utf8_are_replaced(self):
        self.assertEqual(self.run_cell(r"printf 'a\377b'")[1], [("stdout", "a�b")])

    def test_an_interrupted_program_is_an_error(self):
        self.interrupt_after("started")
        error, _ = self.run_cell("touch started; sleep 100")
        self.assertEqual(error, INTERRUPTED)

    def test_a_program_that_ignores_an_interrupt_is_killed(self):
        self.interrupt_after("started")
        error, said = self.run_cell("trap '' INT; touch started; while :; do sleep 0.1; done")
        self.assertEqual((error, said), (INTERRUPTED, []))

    def test_a_program_may_tidy_up_when_interrupted(self):
        self.interrupt_after("started")
        error, said = self.run_cell("trap 'echo tidy; exit 0' INT; touch started; while :; do sleep 0.01; done")
        self.assertEqual((error, said), (None, [("stdout", "tidy\n")]))

    def test_an_interrupted_compiler_is_an_error_and_nothing_is_run(self):
        self.interrupt_after("started")
        error, said = self.run_cell("echo out", compile=[["sh", "-c", "touch started; sleep 100"]])
        self.assertEqual((error, said), (INTERRUPTED, []))

    def test_what_runs_in_the_background_ends_with_its_cell(self):
        began = time.monotonic()
        _, said = self.run_cell("sleep 100 & echo $!")
        self.assertLess(time.monotonic() - began, 50)
        pid = int(self.text_of(said, "stdout"))
        deadline = time.monotonic() + 10
        while running(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(running(pid))

    def test_nothing_of_a_cell_is_left_in_tmp(self):
        before = set(os.listdir("/tmp"))
        self.run_cell("exit 1")
        self.assertEqual(set(os.listdir("/tmp")), before)

    def test_the_version_is_the_first_line_with_a_digit(self):
        language = Compiled(description(version=["printf", "Welcome\nsh 1.2\n3\n"]))
        self.assertEqual(language.info()["language_info"], {"name": "sh", "version": "sh 1.2"})


def running(pid):
    """Is it there, and no corpse that nobody has collected yet?"""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    unittest.main()
