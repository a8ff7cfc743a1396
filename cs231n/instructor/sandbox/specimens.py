"""What the grader examines itself with before the first submission: a right, a wrong and a prying specimen.

Only where all three come out as expected is a sandbox and its worker trusted with what students wrote.
"""

import json
import socket
from collections.abc import Callable
from typing import Any

from ...assignment import assignment
from ...kit import ROOT
from ..exercises import exercise
from .inside import limits
from .inside.cage import CLOSED_DISK
from .sandbox import Sandbox, Stopped

EXERCISE, SPECIMEN = next(
    (one.function, one.specimen) for one in (exercise(task.key) for task in assignment().exercises) if one.specimen
)

# Raises what it found, as JSON: {protection: how it was got round}. $FUNCTION, $KIT, $PORT: its name, the kit's folder, a port
# that listens.
PRYING = """\
import importlib, json, os, socket

def $FUNCTION(*_):
    found = {}
    for path in ("cs231n/net_visualization_pytorch.py", "NetworkVisualization.ipynb", "requirements.txt"):
        try:
            with open(os.path.join($KIT, path), "rb") as file:
                file.read(1)
            found["small-disk"] = "it read the kit's " + path
        except OSError:
            pass
    for name in ("cs231n.instructor.exercises.exam", "cs231n.net_visualization_pytorch", "captum", "nbgrader"):
        try:
            importlib.import_module(name)
            found["small-disk"] = "it imported " + name
        except ImportError:
            pass
    import cs231n
    try:
        with open(os.path.join(os.path.dirname(cs231n.__file__), "planted.py"), "w") as file:
            found["small-disk"] = "it planted a module"
        os.remove(file.name)
    except OSError:
        pass
    if os.getppid() != 1:
        found["own-processes"] = "it saw a process of the grader"
    try:
        with socket.create_connection(("127.0.0.1", $PORT), timeout=1):
            found["no-network"] = "it connected to a port of this machine"
    except OSError:
        pass
    raise ValueError(json.dumps(found))
"""


def examined(sandbox: Sandbox, judge: Callable[[str, list[list[str]], float], Any]) -> str:
    """Return a sentence on what is not as expected in a sandbox and in how its worker judges, "" if all is.

    judge: called with (name of the exercise, parts of the code, seconds) it returns an object with a verdict and a message.
    """
    for code, expected in ((SPECIMEN.right, "right"), (SPECIMEN.wrong, "wrong")):
        result = judge(EXERCISE, [["a specimen", code]], limits.SPECIMEN_SECONDS)
        if result.verdict != expected:
            said = " ".join(result.message.split())[:300]
            return f"a sample solution that is {expected} was judged as {result.verdict}. {said}"
    return _pried(sandbox)


def pried_with(port: int) -> str:
    """Return the source of the prying specimen, told where the kit is and which port of this machine listens."""
    return PRYING.replace("$FUNCTION", EXERCISE).replace("$KIT", repr(str(ROOT))).replace("$PORT", str(port))


def _pried(sandbox: Sandbox) -> str:
    """Return a sentence on what the prying specimen found although a protection is said to be in force, "" if nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = pried_with(server.getsockname()[1])
        try:
            with sandbox.job(limits.SPECIMEN_SECONDS, limits.SPECIMEN_SECONDS) as job:
                job.ask("define", exercise=EXERCISE, parts=[["a specimen", code]])
                trial = job.run(None, network=None, seconds=limits.SPECIMEN_SECONDS)
            found = json.loads(str(trial.error))
        except (Stopped, ValueError) as error:
            return f"the sample that probes the sandbox returned nothing ({error})."
    kept = {"small-disk" if name == CLOSED_DISK else name for name in sandbox.protections}
    broken = [f"{how}, although {name!r} is in force" for name, how in found.items() if name in kept]
    return f"the sample that probes the sandbox got out of it: {'; '.join(broken)}." if broken else ""
