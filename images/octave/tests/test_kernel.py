"""The kernel, started from its kernelspec as the agent starts it, and spoken to as a client speaks to it."""

import os
import random
import signal
import time
import unittest

from kernel_client import EXECUTION, KernelClient, text_of

RACES = 40


def pictures(published):
    return [content["data"] for kind, content in published if kind == "display_data"]


class KernelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = KernelClient("octave")

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def printed(self, code):
        reply, published = self.client.execute(code)
        self.assertEqual(reply["status"], "ok", reply)
        self.assertEqual(text_of(published, "stderr"), "")
        return text_of(published)

    def answered(self, code, *lines):
        """What was printed, and the prompts."""
        reply, published, questions = self.client.execute_answering(code, *lines)
        self.assertEqual(reply["status"], "ok", reply)
        return text_of(published), [question["prompt"] for question in questions]

    def test_every_figure_is_shown_in_its_order_and_closed(self):
        _, published = self.client.execute("figure(2); plot(1:2); figure(1); bar(1:3); figure(3);")
        self.assertEqual([list(data) for data in pictures(published)], [["image/png"]] * 2)
        _, published = self.client.execute("disp(numel(get(0, 'children')))")
        self.assertEqual((text_of(published), pictures(published)), ("0\n", []))

    def test_a_figure_is_shown_although_the_cell_failed(self):
        reply, published = self.client.execute("plot(1:3); error('bad thing');")
        self.assertEqual((reply["evalue"], len(pictures(published))), ("bad thing", 1))

    def test_plots_leave_no_files(self):
        self.client.execute("plot(1:3);")
        self.assertEqual(self.printed("printf('%d', numel(glob('*')), numel(glob('/tmp/.octave-*/figure-*')));"), "00")

    def test_a_cell_that_begins_with_a_function_can_be_wrong(self):
        reply, published = self.client.execute("function f()\nend\nx = = 1")
        self.assertIn("parse error near line 3", reply["evalue"])
        self.assertEqual(text_of(published, "stderr"), "")

    def test_warnings_stay_as_they_were_after_a_wrong_cell(self):
        self.client.execute("x = = 1")
        self.assertEqual(self.printed("disp(['a' \"b\"]);"), "ab\n")

    def test_a_cell_may_forget_everything(self):
        self.printed("x = 1; clear all; close all; restoredefaultpath;")
        self.assertEqual(self.printed("disp(exist('x'))"), "0\n")

    def test_a_cell_may_empty_tmp(self):
        self.printed("confirm_recursive_rmdir(false); cellfun(@(f) rmdir(f, 's'), glob('/tmp/.octave-*'));")
        self.assertEqual(self.printed("disp(1)"), "1\n")

    def test_keyboard_runs_the_clients_lines_in_the_cell(self):
        printed, prompts = self.answered("x = 1; keyboard('? '); disp(x)", "x = x + 1;", "undefined_name", "return")
        self.assertEqual((printed, prompts), ("2\n", ["? "] * 3))

    def test_the_other_questions_ask_the_client(self):
        printed, prompts = self.answered("disp(yes_or_no('Go? ')); pause; disp(kbhit())", "perhaps", "yes", "", "key")
        self.assertEqual((printed, prompts[:2]), ("1\nk\n", ["Go? (yes or no) "] * 2))

    def test_an_answer_may_be_anything(self):
        printed, _ = self.answered("for i = 1:3, printf('[%s]', input('', 's')); end", "%{", "", "żółw '\"\\n")
        self.assertEqual(printed, "[%{][][żółw '\"\\n]")

    def test_a_question_can_be_interrupted(self):
        asked = self.client.send(self.client.shell, "execute_request", {"code": "input('? ')", **EXECUTION, "allow_stdin": True})
        self.client.receive(self.client.stdin)
        self.client.interrupt()
        self.assertEqual(self.client.reply(asked)["ename"], "KeyboardInterrupt")
        self.assertEqual(self.printed("disp(1)"), "1\n")

    def test_what_reads_its_standard_input_can_be_interrupted(self):
        for code in ("disp('on'); fgetl(stdin)", "disp('on'); system('cat');"):
            reply, _ = self.client.execute_interrupting(code, "on")
            self.assertEqual(reply["ename"], "KeyboardInterrupt")
            self.assertEqual(self.printed("disp(1)"), "1\n")

    def test_long_arithmetic_is_interrupted_when_it_is_done(self):
        reply, _ = self.client.execute_interrupting("disp('on'); inv(rand(2500)); while true, end", "on")
        self.assertEqual(reply["ename"], "KeyboardInterrupt")
        self.assertEqual(self.printed("disp(1)"), "1\n")

    def test_an_interrupt_at_any_moment_leaves_the_state(self):
        self.printed("kept = 7;")
        for _ in range(RACES):
            code = random.choice(("x = 1;", "pause(0.002);", "plot(1:3);", "error('bad thing')", "x = = 1"))
            asked = self.client.send(self.client.shell, "execute_request", {"code": code, **EXECUTION})
            time.sleep(random.random() * 0.004)  # It is the moment that is tried.
            for _ in range(random.randrange(1, 4)):
                os.kill(self.client.process.pid, signal.SIGINT)
            self.client.reply(asked)
            # A gnuplot that was interrupted may complain.
            self.assertEqual(text_of(self.client.execute("disp(kept)")[1]), "7\n", code)

    def test_output_in_the_background_comes_between_cells(self):
        asked = self.client.send(self.client.shell, "execute_request", {"code": "system('(sleep 0.2; echo late)&');", **EXECUTION})
        self.client.reply(asked)
        while (message := self.client.receive(self.client.iopub))["type"] != "stream":
            pass
        self.assertEqual(message["content"]["text"], "late\n")

    def test_an_octave_that_ended_is_replaced_by_one_that_knows_nothing(self):
        self.client.execute("x = 1; exit")
        self.assertEqual(self.printed("disp(exist('x'))"), "0\n")

    def test_completion(self):
        self.client.execute("my_variable = 1;")
        answer = self.client.request("complete_request", {"code": "x = my_va", "cursor_pos": 9})
        self.assertEqual((answer["matches"], answer["cursor_start"]), (["my_variable"], 4))


if __name__ == "__main__":
    unittest.main()
