"""The command `mark`: its options, and what it prints."""

import argparse
import getpass
import os
import shlex
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from ...assignment import plain
from ..grading.course_material import as_asked
from ..grading.settings import settled
from ..reports.reference import REFERENCE, reference_material
from ..reports.safe import DECEPTIVE, html
from .api import Api
from .desk import Desk, counts
from .drawing import InMainThread
from .server import Server
from .shares import Share

SYNC_SECONDS = 60.0  # between looks at the marks files
WORK_SECONDS = 0.2
LONGEST_NAME_CHARACTERS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mark` takes to an argparse parser."""
    parser.description = (
        "Mark the answers to the inline questions in the browser, on a page that only this machine can open. Each mark is on "
        "the disk before the page says so; GRADES/marking/question-N.csv has it within a minute, and at the end."
    )
    parser.add_argument("grades", type=Path, metavar="GRADES", help="the folder that `grade` wrote")
    parser.add_argument("--as", dest="marker", metavar="NAME", help="who is marking (default: your name on this machine)")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="where the page is served (default: a free port)")
    parser.add_argument("--share", default="1/1", metavar="K/N", help="mark the K-th of N shares, such as 1/2 (default: all)")
    parser.add_argument(
        "--twice",
        type=float,
        default=0.0,
        metavar="PERCENT",
        help="with --share: how many of the answers two markers are to mark, neither seeing what the other gives (default: 0)",
    )
    parser.add_argument("--no-open", action="store_true", help="print the address, and do not open a browser")


def run(options: argparse.Namespace) -> int:
    """Serve the page until it is interrupted. Returns 0.

    Raises ValueError or OSError, with a sentence, before it serves anything.
    """
    marker = _marker(options.marker)
    if not 0 <= options.port <= 65535:
        raise ValueError(f"--port is {options.port}; expected a number from 1 to 65535.")
    if not 0 <= options.twice <= 100:
        raise ValueError(f"--twice is {plain(options.twice)}; expected a percentage from 0 to 100.")
    share = Share.read(options.share, options.twice)
    if options.twice and share.of == 1:
        raise ValueError("--twice needs --share K/N: it says who the two markers are.")
    if not options.grades.is_dir():
        raise ValueError(
            f"There is no folder {options.grades}. Name the folder that `python -m cs231n.instructor grade --out` wrote."
        )
    rubric, remembered = settled(options.grades, None, None, resume=True)
    for notice in (*rubric.notices, *remembered):
        print(notice, file=sys.stderr)
    desk = Desk(options.grades, rubric, as_asked(reference_material(REFERENCE), rubric), marker, share)
    try:
        draw = InMainThread(html)
        with Server(Api(desk), draw, options.port) as server:
            _serve(desk, server, draw, options.no_open)
    finally:
        with desk.lock:
            desk.close()
    print(_summary(desk))
    return 0


def _marker(given: str | None) -> str:
    """Return the marker's name. Raises ValueError if it cannot be one."""
    if given is None:
        try:
            given = getpass.getuser()
        except (OSError, KeyError, ImportError):  # nobody has a name in some containers
            raise ValueError("This machine does not say who you are. Add --as NAME.") from None
    if not given.strip() or len(given) > LONGEST_NAME_CHARACTERS or DECEPTIVE.search(given) or given.endswith(".csv"):
        raise ValueError(f"--as is {given!r:.100}; expected a name of at most {LONGEST_NAME_CHARACTERS} characters.")
    return given.strip()


def _serve(desk: Desk, server: Server, draw: InMainThread, no_open: bool) -> None:
    """Serve until SIGINT or SIGTERM; this thread draws, and keeps the marks files up to date."""
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=server.serve_forever, args=(WORK_SECONDS,), daemon=True).start()
    for notice in desk.notices:
        print(notice, file=sys.stderr)
    print(
        f"Marking as {desk.marker}. Open this address; it holds a secret, so do not pass it on:\n\n  {server.address}\n",
        flush=True,
    )
    print("End with Ctrl-C.", flush=True)
    if not no_open and _has_browser():
        webbrowser.open(server.address)
    try:
        _work(desk, draw)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        server.shutdown()


def _work(desk: Desk, draw: InMainThread) -> None:
    next_sync = time.monotonic() + SYNC_SECONDS
    ahead = _to_draw(desk)
    while True:
        text = next(ahead, None)
        draw.work(WORK_SECONDS if text is None else 0)
        if text is None:
            ahead = _to_draw(desk)
        else:
            draw.ahead(text)
        if time.monotonic() > next_sync:
            _sync(desk)
            next_sync = time.monotonic() + SYNC_SECONDS


def _to_draw(desk: Desk) -> Iterator[str]:
    """Yield the answers, in the order in which they will be asked for."""
    for question, order in list(desk.order.items()):
        for name in order:
            if name in desk.items[question]:
                yield desk.items[question][name].answer


def _sync(desk: Desk) -> None:
    before = desk.problem
    with desk.lock:
        desk.sync()
    if desk.problem and desk.problem != before:
        print(desk.problem, file=sys.stderr)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _has_browser() -> bool:
    """Return whether a browser with a window can be opened: one in this terminal would take it over."""
    windows = sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    try:
        return windows and webbrowser.get() is not None
    except webbrowser.Error:
        return False


def _summary(desk: Desk) -> str:
    found = [counts(desk, question) for question in desk.rubric.questions]
    total, marked, flagged = (sum(column) for column in zip(*found, strict=True)) if found else (0, 0, 0)
    flags = f", {flagged} of them with a flag" if flagged else ""
    whose = f"of share {desk.share} " if desk.share.of > 1 else ""
    return (
        f"{marked} of {total} answers {whose}are marked{flags}; {total - marked} are left. The marks are in "
        f"{desk.grades}/marking. This merges them into grades and feedback:\n\n"
        f"  {shlex.quote(sys.executable)} -m cs231n.instructor grade SUBMISSIONS --out {shlex.quote(str(desk.grades))} --resume"
    )
