"""Somebody who marks: the program in a terminal, its page in a browser, and what hands and eyes do there."""

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from helpers.limits import HANGS
from helpers.places import ROOT

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/\?token=\S+")
REACTING = 120_000  # milliseconds: only a page that hangs takes as long
WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@dataclass(frozen=True)
class Desk:
    """The program that serves the page, and the address that it printed."""

    process: subprocess.Popen
    address: str
    port: int

    def kill(self):
        """End it as a power failure would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(HANGS)


@contextlib.contextmanager
def marking(grades, name, *options):
    """Yield the Desk of a marker at a folder of grades; at the end it is stopped, as Ctrl-C does."""
    command = [sys.executable, "-m", "cs231n.instructor", "mark", str(grades), "--no-open", "--as", name, *map(str, options)]
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield _started(process, Path(log.name))
        finally:
            process.terminate()  # SIGINT is ignored by what was started in the background
            process.wait(HANGS)


def _started(process, log):
    """Return the Desk once it prints its address. Raises RuntimeError, with what it said, if it ends before."""
    end = time.monotonic() + HANGS
    while time.monotonic() < end and process.poll() is None:
        if found := ADDRESS.search(log.read_text(encoding="utf-8", errors="replace")):
            return Desk(process, found[0], int(found[1]))
        time.sleep(0.1)
    raise RuntimeError(f"The marking program did not start:\n{log.read_text(errors='replace')}")


class Marker:
    """Somebody in front of the page."""

    def __init__(self, page, desk):
        self.page = page
        page.set_default_timeout(REACTING)
        page.goto(desk.address)
        self.see("#view table")

    # Looking

    def see(self, selector):
        """Wait until something is to be seen, and return its text."""
        self.page.wait_for_selector(selector)
        return self.page.locator(selector).first.inner_text()

    def at(self, place):
        """Wait until the answer at this place, from 1, is shown."""
        self.see(f"#position:has-text('Answer {place} of')")

    def text(self, name):
        """Return the text of a part of the page, by its id."""
        return self.page.locator(f"#{name}").inner_text().strip()

    def points(self):
        """Return the points as they are shown."""
        return self.page.input_value("#points")

    def mark(self):
        """Return (points, the numbers of the rubric's lines that are chosen, comment) as they are shown."""
        chosen = self.page.locator("#lines button").evaluate_all(
            "buttons => buttons.flatMap((button, place) => button.getAttribute('aria-pressed') === 'true' ? [place + 1] : [])"
        )
        return self.points(), chosen, self.page.input_value("#comment")

    def is_unsaved(self):
        """Return whether the page says that something is not saved."""
        return self.page.locator("#retry").is_visible()

    # Doing

    def press(self, *keys):
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def open(self, number):
        """Open a question from the overview."""
        self.press(str(number))
        self.see("#marking #position:has-text('Answer')")

    def overview(self):
        self.press("o")
        self.see("#view table")

    def write(self, key, words):
        """Go to the field that a key leads to, write, and leave it."""
        self.press(key)
        self.page.keyboard.type(words)
        self.press("Escape")

    def done(self):
        """Wait until the page says that what was asked for is on disk, and return the sentence."""
        return self.see("#status.saved")

    def refused(self):
        """Wait until the page says that something cannot be done, and return the sentence."""
        return self.see("#problem:not(:empty)")

    def save(self):
        """Save and go on, once the page says that it is on disk."""
        self.page.evaluate("document.getElementById('status').classList.remove('saved')")
        self.press("Enter")
        return self.done()
