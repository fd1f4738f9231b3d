"""What every environment promises: the cells of its conformance.json end as is written there.

The same file is run through the service's API by the service's tests. Its fields are described in README.md.
"""

import json
import os
import time
import unittest

from kernel_client import KernelClient, KernelDied, text_of

with open(os.path.join(os.path.dirname(__file__), "conformance.json"), encoding="utf-8") as file:
    CASES = json.load(file)
KERNELSPEC = os.environ["KERNELSPEC"]


class ConformanceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Other tests look at what is in the home.
        cls.home = os.getcwd()
        os.makedirs("/tmp/conformance")
        os.chdir("/tmp/conformance")
        cls.client = KernelClient(KERNELSPEC)
        first = time.monotonic()
        cls.client.execute(CASES[0]["code"])
        first, second = time.monotonic() - first, time.monotonic()
        cls.client.execute(CASES[0]["code"])
        second = time.monotonic() - second
        print(
            f"ready {cls.client.ready_ms:.0f} ms, first and second cell {first * 1000:.1f} and {second * 1000:.1f} ms, "
            f"resident {cls.client.resident_mb():.0f} MB",
            flush=True,
        )

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        os.chdir(cls.home)

    def restart(self):
        """Kills the kernel's process and starts another."""
        type(self).client.close()
        type(self).client = KernelClient(KERNELSPEC)

    def run_case(self, case):
        if "before_restart" in case:
            self.client.execute(case["before_restart"])
            self.restart()
        if "interrupt_after" in case:
            return self.client.execute_interrupting(case["code"], case["interrupt_after"])
        if "stdin" in case:
            return self.client.execute_answering(case["code"], *case["stdin"])[:2]
        return self.client.execute(case["code"])

    def check(self, expected, reply, published):
        self.assertEqual(reply["status"], expected["status"], (reply, published))
        outputs = [content for kind, content in published if kind in ("display_data", "execute_result")]
        for stream in ("stdout", "stderr"):
            if stream in expected:
                self.assertEqual(text_of(published, stream), expected[stream])
            if f"{stream}_contains" in expected:
                self.assertIn(expected[f"{stream}_contains"], text_of(published, stream))
        if "result" in expected:
            results = [content for kind, content in published if kind == "execute_result"]
            self.assertEqual([content["data"]["text/plain"] for content in results], [expected["result"]], published)
        for mime in expected.get("mime", []):
            self.assertTrue(any(mime in content["data"] for content in outputs), (mime, published))
        if "error" in expected:
            self.check_error(expected["error"], published)

    def check_error(self, expected, published):
        error = next(content for kind, content in published if kind == "error")
        if "name" in expected:
            self.assertEqual(error["ename"], expected["name"])
        if "value" in expected:
            self.assertEqual(error["evalue"], expected["value"])
        if "value_contains" in expected:
            self.assertIn(expected["value_contains"], error["evalue"])
        if "traceback_contains" in expected:
            self.assertIn(expected["traceback_contains"], "\n".join(error["traceback"]))


def test_of(case):
    def test(self):
        try:
            reply, published = self.run_case(case)
        except KernelDied:
            self.assertEqual(case["expect"]["status"], "killed")
            self.restart()
            return
        self.check(case["expect"], reply, published)
        # Whatever a cell did, the next one works.
        if case["expect"]["status"] != "killed":
            self.check(CASES[0]["expect"], *self.run_case(CASES[0]))

    return test


for number, each in enumerate(CASES):
    setattr(ConformanceTest, f"test_{number:02}_{each['name'].replace(' ', '_')}", test_of(each))


if __name__ == "__main__":
    unittest.main()
