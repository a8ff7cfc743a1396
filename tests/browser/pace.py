"""How long marking takes by machine: a script reads forty answers of the class and presses the keys of JUDGED for each.

    python tests/browser/pace.py [--chromium PATH]

Prints the seconds an answer, from its showing to the page's word that the mark is on disk and the next answer is shown.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

from classroom import everybody, graded  # noqa: E402
from marker import Marker, marking  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from test_marking_page import JUDGED, judge_share  # noqa: E402


def main(arguments=None):
    """Mark the class once, print the seconds, return 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chromium", default=shutil.which("chromium"), metavar="PATH", help="the browser (default: on the PATH)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, chromium_sandbox=False)
        grades = graded(Path(folder) / "grades", everybody())
        with marking(grades, "ada") as desk:
            seconds = seconds_of_answers(Marker(browser.new_page(), desk))
        browser.close()
    print(
        f"{len(seconds)} answers: {statistics.mean(seconds):.2f} seconds an answer, median {statistics.median(seconds):.2f}, "
        f"most {max(seconds):.2f}"
    )
    return 0


def seconds_of_answers(marker):
    """Return the seconds of each answer to the questions of JUDGED."""
    found = []
    for number, question in enumerate(JUDGED, 1):
        marker.overview()
        marker.open(number)
        if number == 1:
            marker.press("n")
            marker.see("#names[aria-pressed='true']")
        started = time.perf_counter()
        for _ in judge_share(marker, question):
            found.append(time.perf_counter() - started)
            started = time.perf_counter()
    return found


if __name__ == "__main__":
    sys.exit(main())
