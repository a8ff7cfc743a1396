"""A Jupyter server of a student's own: settings, runtime files and home in a folder that goes away."""

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

from helpers.limits import HANGS

# What a student may have chosen in the Settings menu. Saved is when the story says so; every cell stays in the page, also out
# of sight; and nobody asks for news on the network.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
NOT_A_STUDENTS = {"@jupyter/nbgrader": True}  # in JupyterLab wherever the instructor's packages are installed


@dataclass(frozen=True)
class Server:
    """A running server: its address, which ends in a slash, and the token that opens it."""

    url: str
    token: str

    def address_of(self, path):
        """Return the address of a page, with the token."""
        return f"{self.url}{path}?token={self.token}"


@contextlib.contextmanager
def serving(application, root, own, theme):
    """Yield the Server that `python -m application` runs for the folder `root`; at the end it and its kernels are stopped.

    application: "jupyterlab" or "notebook". own: a new folder for all that Jupyter writes, its log among it. theme: its name.
    """
    _write_settings(own / "settings", SETTINGS | {"apputils-extension/themes": {"theme": theme}})
    _write(own / "config" / "labconfig" / "page_config.json", {"disabledExtensions": NOT_A_STUDENTS})
    with (own / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", application, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"],
            cwd=root,
            env=_environment(own),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _started(process, own)
    finally:
        process.terminate()
        process.wait(HANGS)


def _environment(own):
    """Return the environment of a student who has never used Jupyter, with a home of its own."""
    places = {
        "HOME": "home",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    for name in places.values():
        (own / name).mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON", "MPL"))}
    return inherited | {name: str(own / place) for name, place in places.items()}


def _write_settings(folder, chosen):
    for plugin, settings in chosen.items():
        _write(folder / "@jupyterlab" / f"{plugin}.jupyterlab-settings", settings)


def _write(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def _started(process, own):
    """Return the Server once it listens. Raises RuntimeError, with its log, if it ends before."""
    file, end = own / "runtime" / f"jpserver-{process.pid}.json", time.monotonic() + HANGS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):  # not there yet, or half written
            told = json.loads(file.read_text(encoding="utf-8"))
            return Server(told["url"], told["token"])
        time.sleep(0.1)
    raise RuntimeError(f"Jupyter did not start:\n{(own / 'log.txt').read_text(errors='replace')}")
