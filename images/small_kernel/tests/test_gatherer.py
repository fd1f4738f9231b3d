"""Output is gathered into few pieces, and its order is kept."""

import sys
import unittest

sys.path.insert(0, "/opt/conda/share/smallkernel")

from gatherer import PIECE_BYTES, Gatherer


class GathererTest(unittest.TestCase):
    def setUp(self):
        self.emitted = []
        self.gatherer = Gatherer(lambda name, text: self.emitted.append((name, text)))

    def test_neighbours_are_joined(self):
        self.gatherer.add("stdout", "a")
        self.gatherer.add("stdout", "b")
        self.gatherer.flush()
        self.assertEqual("".join(text for _, text in self.emitted), "ab")

    def test_the_order_of_two_streams_is_kept(self):
        for name in ("stdout", "stderr", "stdout"):
            self.gatherer.add(name, name[-3:])
        self.gatherer.flush()
        self.assertEqual(self.emitted, [("stdout", "out"), ("stderr", "err"), ("stdout", "out")])

    def test_a_long_piece_does_not_wait(self):
        self.gatherer.add("stdout", "x" * PIECE_BYTES)
        self.assertEqual(len(self.emitted), 1)
        self.assertIsNone(self.gatherer.due())


if __name__ == "__main__":
    unittest.main()
