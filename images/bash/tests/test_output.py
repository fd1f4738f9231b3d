"""What comes out of a shell is told apart from the fences and decoded, wherever it was cut into pieces."""

import sys
import unittest

sys.path.insert(0, "/opt/conda/share/jupyter/kernels/bash/bashkernel")

from output import Fence, Stream


class StreamTest(unittest.TestCase):
    def setUp(self):
        self.fence = Fence()
        self.stream = Stream("stdout", self.fence)

    def feed(self, *pieces):
        texts, cells = [], []
        for piece in pieces:
            text, seen = self.stream.feed(piece)
            texts.append(text)
            cells += seen
        return "".join(texts), cells

    def test_a_fence_is_found_wherever_it_is_cut(self):
        whole = b"before" + self.fence.text(7).encode() + b"after"
        for at in range(len(whole) + 1):
            with self.subTest(at=at):
                self.assertEqual(self.feed(whole[:at], whole[at:]), ("beforeafter", [7]))

    def test_fences_of_earlier_cells_are_cut_out(self):
        text, cells = self.feed(self.fence.text(1).encode() + b"a" + self.fence.text(2).encode())
        self.assertEqual((text, cells), ("a", [1, 2]))

    def test_a_character_cut_in_two_is_whole(self):
        euro = "€".encode()
        self.assertEqual(self.feed(euro[:1], euro[1:2], euro[2:])[0], "€")

    def test_bytes_that_are_no_utf8_are_replaced(self):
        self.assertEqual(self.feed(b"a\xffb")[0], "a\ufffdb")

    def test_half_a_character_does_not_outlive_its_cell(self):
        text, _ = self.feed(b"\xe2\x82" + self.fence.text(1).encode(), b"next")
        self.assertEqual(text, "\ufffdnext")

    def test_what_only_looks_like_a_fence_is_output(self):
        other = Fence().text(1)
        text, cells = self.feed(other.encode(), b"\x1e", b"end")
        self.assertEqual((text, cells), (other + "\x1eend", []))

    def test_what_is_left_at_the_end_comes_out(self):
        self.stream.feed(b"\x1e")
        self.assertEqual(self.stream.finish(), "\x1e")


if __name__ == "__main__":
    unittest.main()
