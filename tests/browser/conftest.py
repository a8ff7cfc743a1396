"""What the tests in a browser share: Chromium, the student edition in a folder of its own, and what a page gave away."""

import contextlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from helpers.places import ROOT
from looks import PIXELS, SCREEN
from playwright.sync_api import sync_playwright
from server import serving
from student import Student

from cs231n.instructor.release.edition import CELLS, NAME, NOTEBOOK, edition

HERE = {"127.0.0.1", "localhost"}
ON_THE_NETWORK = {"http", "https", "ws", "wss"}
BROWSERS = "chromium", "chromium-browser", "google-chrome"


@dataclass
class Watch:
    """What the pages of a context did: the errors in their consoles, and the addresses that they asked for."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def outward(self):
        """Return the addresses of requests that left this machine."""
        parts = [(address, urlsplit(address)) for address in self.requests]
        return [address for address, part in parts if part.scheme in ON_THE_NETWORK and part.hostname not in HERE]


@dataclass(frozen=True)
class Kit:
    """The student edition, unpacked in `folder` with links to the data.

    sources: {id: source} of the notebook's cells, in order. solved: {id of an exercise's cell: it with the reference's solution}.
    """

    folder: Path
    sources: dict[str, str]
    solved: dict[str, str]

    @property
    def ids(self):
        """Return the ids of the notebook's cells, in order."""
        return list(self.sources)


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium; without one the run ends with a sentence."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.exit(
            f"There is no browser: none of {', '.join(BROWSERS)} is on the PATH. Install Chromium (Debian: apt-get install "
            "chromium), or name one: CHROMIUM=/path/to/chrome make browser",
            returncode=1,
        )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, chromium_sandbox=False)  # root has no sandbox
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """A new Kit, as a student unpacks it."""
    exercises, files = edition(ROOT)
    folder = tmp_path_factory.mktemp("student") / NAME
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    for path in (ROOT / "datasets").iterdir():
        with contextlib.suppress(FileExistsError):
            (folder / "datasets" / path.name).symlink_to(path)
    return Kit(folder, json.loads(files[CELLS]), {exercise.cell: exercise.solved for exercise in exercises})


@pytest.fixture(scope="module")
def watch():
    return Watch()


@pytest.fixture(scope="module")
def context(browser, watch):
    """A browser window on a screen with twice the pixels, watched."""
    window = browser.new_context(viewport=SCREEN, device_scale_factor=PIXELS)
    window.on("console", lambda message: watch.errors.append(_said(message)) if message.type == "error" else None)
    window.on("weberror", lambda error: watch.errors.append(str(error.error)))
    window.on("request", lambda request: watch.requests.append(request.url))
    window.on("page", lambda page: page.on("websocket", lambda socket: watch.requests.append(socket.url)))
    yield window
    window.close()


def _said(message):
    return f"{message.text} ({message.location.get('url')})"


@pytest.fixture(scope="module")
def opened(tmp_path_factory, kit, context):
    """A function that serves the kit with an application and returns a Student in front of the notebook, at a path of it."""
    with contextlib.ExitStack() as servers:

        def opened(application, path, theme="JupyterLab Light"):
            own = tmp_path_factory.mktemp("jupyter")
            server = servers.enter_context(serving(application, kit.folder, own, theme))
            student = Student(context.new_page(), kit.ids)
            student.page.goto(server.address_of(f"{path}/{NOTEBOOK}"))
            student.wait_until_open()
            return student

        yield opened
