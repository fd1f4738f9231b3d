"""A shell keeps what a shell keeps between cells, and comes back from everything that a cell does to it."""

import os
import signal
import sys
import threading
import time
import unittest

sys.path[:0] = ["/opt/conda/share/jupyter/kernels/bash/bashkernel", "/opt/conda/share/smallkernel"]

from shell import Ended, How, Shell

DONE = Ended(How.DONE, 0)
INTERRUPTED = Ended(How.INTERRUPTED, 130)


class ShellTest(unittest.TestCase):
    def setUp(self):
        self.shell = Shell()
        self.addCleanup(self.shell.close)

    def run_cell(self, code, ask=None):
        """How the cell ended, its stdout and its stderr."""
        said = {"stdout": "", "stderr": ""}

        def emit(name, text):
            said[name] += text

        ended = self.shell.run(code, emit, ask)
        return ended, said["stdout"], said["stderr"]

    def interrupt_when(self, file):
        """Interrupts as soon as the cell has made this file."""

        def wait():
            while not os.path.exists(file):
                time.sleep(0.005)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=wait)
        thread.start()
        self.addCleanup(os.remove, file)
        self.addCleanup(thread.join)

    # ── What is kept ──

    def test_variables_functions_and_directory_are_kept(self):
        self.run_cell("x=5; f() { echo f$x; }; cd /usr")
        self.assertEqual(self.run_cell("f; pwd"), (DONE, "f5\n/usr\n", ""))

    def test_the_exit_status_is_kept_for_the_next_cell(self):
        self.assertEqual(self.run_cell("(exit 3)")[0], Ended(How.DONE, 3))
        self.assertEqual(self.run_cell("echo $?"), (DONE, "3\n", ""))

    def test_a_query_leaves_no_trace(self):
        self.run_cell("(exit 3)")
        self.assertEqual(self.shell.query("echo asked"), "asked\n")
        self.assertEqual(self.run_cell("echo $?")[1], "3\n")

    def test_tracing_shows_the_code_alone(self):
        self.run_cell("set -x")
        self.assertEqual(self.run_cell("echo a"), (DONE, "a\n", "++ echo a\n"))

    def test_redirected_output_stays_redirected(self):
        self.assertEqual(self.run_cell("exec 3>&1 >/dev/null; echo lost"), (DONE, "", ""))
        self.assertEqual(self.run_cell("echo lost too; exec >&3; echo back"), (DONE, "back\n", ""))

    # ── Output ──

    def test_stdout_and_stderr_are_apart(self):
        self.assertEqual(self.run_cell("echo out; echo err >&2"), (DONE, "out\n", "err\n"))

    def test_much_output_is_complete(self):
        ended, out, _ = self.run_cell("seq 1 500000")
        self.assertEqual((ended, out), (DONE, "".join(f"{n}\n" for n in range(1, 500001))))

    def test_many_small_writes_become_few_pieces(self):
        pieces = []
        self.shell.run("for i in {1..20000}; do echo $i; done", lambda _, text: pieces.append(text))
        self.assertEqual("".join(pieces).count("\n"), 20000)
        self.assertLess(len(pieces), 2000)

    def test_what_runs_on_in_the_background_is_heard_later(self):
        self.assertEqual(self.run_cell("{ sleep 0.1; echo late; } & echo soon")[1], "soon\n")
        self.assertEqual(self.run_cell("wait")[1], "late\n")

    def test_a_cell_sees_none_of_our_descriptors(self):
        self.assertEqual(self.run_cell("ls /proc/self/fd")[1].split(), ["0", "1", "2", "3"])

    # ── Standard input ──

    def test_an_input_that_nobody_gives_is_empty(self):
        self.assertEqual(self.run_cell('read x; echo "$? <$x>"; cat')[1], "1 <>\n")

    def test_read_asks(self):
        asked = []

        def ask(prompt, secret, _):
            asked.append((prompt, secret))
            return "an answer"

        ended, out, _ = self.run_cell('read -rp "Name? " a b; read -s c; echo "$b|$c"', ask)
        self.assertEqual((ended, out), (DONE, "answer|an answer\n"))
        self.assertEqual(asked, [("Name? ", False), ("", True)])

    def test_the_end_of_the_input_is_one(self):
        ended, out, _ = self.run_cell('read x; echo "$? <$x>"; while read y; do echo $y; done', lambda *_: "\x04")
        self.assertEqual((ended, out), (DONE, "1 <>\n"))

    def test_read_asks_only_for_the_input_of_the_cell(self):
        code = 'echo piped | { read x; echo $x; }; read x <<<here; echo $x; f() { local y; read y <<<own; echo $y; }; f'
        self.assertEqual(self.run_cell(code, self.fail)[1], "piped\nhere\nown\n")

    def test_other_programs_see_an_empty_input(self):
        self.assertEqual(self.run_cell("cat; echo end", self.fail)[1], "end\n")

    def test_what_came_before_a_question_is_seen_before_it(self):
        events = []
        self.shell.run(
            "echo before; read x; echo after",
            lambda _, text: events.append(text),
            lambda *_: events.append("?") or "",
        )
        self.assertEqual(events, ["before\n", "?", "after\n"])

    def test_read_with_a_timeout_goes_on_without_an_answer(self):
        def never(_prompt, _secret, is_past):
            while not is_past():
                time.sleep(0.01)

        ended, out, _ = self.run_cell('read -t 0.2 x; echo "$(($? > 128)) <$x>"', never)
        self.assertEqual((ended, out), (DONE, "1 <>\n"))

    # ── Interrupts ──

    def test_an_interrupted_loop_keeps_the_variables(self):
        self.interrupt_when("/tmp/looping")
        ended, out, _ = self.run_cell("x=1; touch /tmp/looping; while :; do :; done; echo no")
        self.assertEqual((ended, out), (INTERRUPTED, ""))
        self.assertEqual(self.run_cell("echo $? $x"), (DONE, "130 1\n", ""))

    def test_an_interrupt_ends_what_the_cell_waits_for(self):
        self.interrupt_when("/tmp/sleeping")
        began = time.monotonic()
        self.assertEqual(self.run_cell("touch /tmp/sleeping; sleep 60")[0], INTERRUPTED)
        self.assertLess(time.monotonic() - began, 30)

    def test_a_trap_for_the_interrupt_runs(self):
        self.interrupt_when("/tmp/trapping")
        # It goes on only once the interrupt came, however late that is; and an interrupt is repeated until the cell
        # has ended, so the trap stays until then.
        code = (
            "came=; trap 'echo trapped; came=1' INT; : >/tmp/trapping; "
            'until [ "$came" ]; do sleep 0.01; done; echo on'
        )
        ended, out, _ = self.run_cell(code)
        self.run_cell("trap - INT")
        self.assertEqual((ended, out.replace("trapped\n", "")), (DONE, "on\n"))
        self.assertIn("trapped\n", out)

    def test_an_interrupt_ends_a_question(self):
        def interrupted(_prompt, _secret, is_past):
            self.shell.interrupt()
            while not is_past():
                time.sleep(0.01)

        self.assertEqual(self.run_cell("read x", interrupted)[0], INTERRUPTED)

    def test_an_interrupt_between_cells_does_nothing(self):
        self.run_cell("x=1")
        self.shell.interrupt()
        self.assertEqual(self.run_cell("echo $x"), (DONE, "1\n", ""))

    def test_interrupts_at_any_moment_are_survived(self):
        for delay in range(60):
            timer = threading.Timer(delay / 4000, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            ended, _, _ = self.run_cell("for i in {1..300}; do :; done; echo a; echo b")
            timer.join()
            self.assertIn(ended.how, (How.DONE, How.INTERRUPTED))
        self.assertEqual(self.run_cell("echo still here"), (DONE, "still here\n", ""))

    # ── Ends of the shell ──

    def test_exit_ends_the_cell_with_its_status(self):
        self.assertEqual(self.run_cell("x=1; echo out; exit 3"), (Ended(How.DONE, 3), "out\n", ""))
        self.assertEqual(self.run_cell("echo new ${x-shell} $?"), (DONE, "new shell 0\n", ""))

    def test_errexit_ends_the_cell(self):
        self.assertEqual(self.run_cell("set -e; echo a; false; echo b"), (Ended(How.DONE, 1), "a\n", ""))

    def test_an_exit_trap_runs(self):
        self.assertEqual(self.run_cell("trap 'echo bye' EXIT; exit 0"), (DONE, "bye\n", ""))

    def test_a_killed_shell_is_replaced(self):
        self.assertEqual(self.run_cell("kill -9 $$")[0], Ended(How.KILLED, 9))
        self.assertEqual(self.run_cell("echo new")[1], "new\n")

    def test_code_that_cannot_be_parsed_is_an_error(self):
        ended, out, err = self.run_cell("echo a\nif then")
        self.assertEqual((ended.how, out), (How.DONE, "a\n"))
        self.assertNotEqual(ended.status, 0)
        self.assertIn("line 2", err)

    def test_an_emptied_tmp_is_survived(self):
        self.run_cell("rm -rf /tmp/.bash-*")
        self.assertEqual(self.run_cell("read x; echo $x", lambda *_: "yes")[1], "yes\n")


if __name__ == "__main__":
    unittest.main()
