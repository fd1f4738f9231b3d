"""The kernel, started from its kernelspec in a sandbox's conditions: fast, quiet, and with nothing taken away."""

import os
import unittest
from pathlib import Path

from jupyter_client.manager import start_new_kernel

WAIT_SECONDS = 60


class KernelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = open("/tmp/kernel.log", "w+b")
        environment = {key: value for key, value in os.environ.items() if key != "JPY_PARENT_PID"}
        cls.manager, cls.client = start_new_kernel(
            kernel_name="python3", stdout=cls.log, stderr=cls.log, env=environment, startup_timeout=WAIT_SECONDS
        )

    @classmethod
    def tearDownClass(cls):
        cls.client.stop_channels()
        cls.manager.shutdown_kernel(now=True)
        cls.log.close()

    def run_code(self, code):
        """The messages that carry output, as (type, content)."""
        outputs = []
        kinds = ("stream", "execute_result", "display_data", "error")

        def hook(message):
            if message["msg_type"] in kinds:
                outputs.append((message["msg_type"], message["content"]))

        self.client.execute_interactive(code, timeout=WAIT_SECONDS, output_hook=hook, allow_stdin=False)
        return outputs

    def printed(self, code):
        outputs = self.run_code(code)
        self.assertTrue(all(kind == "stream" for kind, _ in outputs), outputs)
        return "".join(content["text"] for _, content in outputs)

    def test_a_stream_is_sent_in_pieces_and_nothing_of_it_is_lost(self):
        for code in ("print('x' * (5 << 20))", "for _ in range(5 << 10): print('x' * 1023)"):
            texts = [content["text"] for kind, content in self.run_code(code) if kind == "stream"]
            self.assertEqual(sum(map(len, texts)) >> 20, 5)
            self.assertLessEqual(max(map(len, texts)), 2 << 20)

    def test_the_kernel_starts_without_a_word(self):
        self.printed("print('it runs')")
        self.log.seek(0)
        self.assertEqual(self.log.read(), b"")

    def test_garbage_is_collected_again(self):
        code = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 1000)"
        self.assertEqual(self.printed(code), "True True\n")

    def test_the_debugger_is_left_out_and_can_be_imported(self):
        code = "import sys; print('debugpy' in sys.modules); import debugpy; print(debugpy.__name__)"
        self.assertEqual(self.printed(code), "False\ndebugpy\n")

    def test_a_file_beside_the_code_can_be_imported(self):
        Path("beside.py").write_text("value = 42\n")
        self.assertEqual(self.printed("import beside; print(beside.value)"), "42\n")

    def test_a_plot_is_a_picture(self):
        outputs = self.run_code("import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()")
        self.assertEqual([kind for kind, _ in outputs], ["display_data"])
        self.assertIn("image/png", outputs[0][1]["data"])

    def test_the_font_list_of_the_image_is_used(self):
        code = (
            "import json, os; import matplotlib.font_manager as fonts; from pathlib import Path\n"
            "name = f'fontlist-v{fonts.FontManager.__version__}.json'\n"
            "made = Path('/opt/conda/share/matplotlib-cache', name).read_bytes()\n"
            "print(made == Path(os.environ['MPLCONFIGDIR'], name).read_bytes())"
        )
        self.assertEqual(self.printed(code), "True\n")

    def test_every_library_is_compiled(self):
        code = (
            "import importlib.util, sys; import numpy, pandas, matplotlib.pyplot\n"
            "missing = [name for name, module in list(sys.modules.items()) if name.partition('.')[0] in\n"
            "    ('numpy', 'pandas', 'matplotlib', 'IPython', 'ipykernel', 'zmq', 'tornado', 'traitlets')\n"
            "    and (getattr(module, '__file__', None) or '').endswith('.py')\n"
            "    and not os.path.exists(importlib.util.cache_from_source(module.__file__))]\n"
            "print(missing)"
        )
        self.assertEqual(self.printed("import os\n" + code), "[]\n")

    def test_the_home_holds_nothing_that_the_code_did_not_write(self):
        self.run_code("import matplotlib.pyplot as plt; plt.figure(); plt.close()")
        self.assertEqual(self.printed("import os; print(sorted(set(os.listdir(os.environ['HOME'])) - {'beside.py', '__pycache__'}))"), "[]\n")

    def test_one_thread_for_one_processor(self):
        self.assertEqual(self.printed("import os; print(os.environ['OPENBLAS_NUM_THREADS'])"), "1\n")

    def test_an_interrupt_keeps_the_variables(self):
        self.run_code("x = 41")
        # ipykernel aborts what comes within a moment of a failure, unless it is told otherwise.
        reply = self.client.execute("print('on')\nwhile True: pass", stop_on_error=False)
        while self.client.get_iopub_msg(timeout=WAIT_SECONDS)["msg_type"] != "stream":
            pass
        self.manager.interrupt_kernel()
        answer = self.client.get_shell_msg(timeout=WAIT_SECONDS)
        while answer["parent_header"]["msg_id"] != reply:
            answer = self.client.get_shell_msg(timeout=WAIT_SECONDS)
        self.assertEqual(answer["content"]["ename"], "KeyboardInterrupt")
        self.assertEqual(self.printed("print(x + 1)"), "42\n")


if __name__ == "__main__":
    unittest.main()
