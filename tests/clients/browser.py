"""A browser for JupyterLab's page: Debian's Chromium, driven by Playwright, which would download another."""

import contextlib
import os
import shutil
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS = 60_000
SIZE = {"width": 1280, "height": 900}


def executable():
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, f"none of {NAMES} is installed"
    return found


@contextlib.contextmanager
def page():
    """A page in a browser that ends with it."""
    with sync_playwright() as playwright:
        # Its own sandbox needs what root in a container may not do; the page is ours.
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox", "--disable-gpu"])
        try:
            opened = browser.new_page(viewport=SIZE)
            opened.set_default_timeout(WAIT_MS)
            yield opened
        finally:
            browser.close()


class Connections:
    """A page's connections to kernels, in the order in which a kernel has answered on them.

    JupyterLab shows a kernel as idle a little before its connection is the one that stays; what is sent until then is lost.
    """

    def __init__(self, page):
        self.page, self.answered = page, []
        page.on("websocket", self.watch)

    def watch(self, opened):
        if "/channels" in opened.url:
            opened.on("framereceived", lambda frame: self.hear(opened, frame))

    def hear(self, opened, frame):
        text = frame if isinstance(frame, str) else frame.decode(errors="replace")
        if '_reply"' in text and opened not in self.answered:
            self.answered.append(opened)

    def await_answer(self, before=0):
        """Waits until kernels have answered on more connections than `before`, and the last of them is open."""
        deadline = time.monotonic() + WAIT_MS / 1000
        while len(self.answered) <= before or self.answered[-1].is_closed():
            assert time.monotonic() < deadline, "no kernel answers"
            self.page.wait_for_timeout(20)


def save_screenshot(opened, name):
    """Into the folder that CELLBLOCK_SCREENSHOTS names, if it names one."""
    folder = os.environ.get("CELLBLOCK_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        opened.screenshot(path=Path(folder) / f"{name}.png")
