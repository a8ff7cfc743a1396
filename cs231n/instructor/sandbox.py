"""The grader's side of the sandbox: it starts jobs, gives inputs and takes back numbers, and believes nothing else."""

import base64
import contextlib
import json
import os
import pickle
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torchvision.models import SqueezeNet

from ..checks.guard import CALLS, TimeIsUp, TooManyCalls, Trial
from . import cage
from .edition import package_without
from .solutions import marked_functions
from .wire import BadMessage, receive, send

ROOT = Path(__file__).resolve().parents[2]
FIRST_USER = 61000  # one for each worker, so that their limits on processes are their own
STARTING = 120.0  # seconds
PART_OF_THE_CHILD = ("__init__.py", "archives.py", "cage.py", "reading.py", "sandbox_child.py", "wire.py")
ANSWER_LIMIT, OUTLINE_LIMIT = 2**20, 32 * 2**20  # bytes of JSON; an outline holds figures
FLOATS = {"float16", "bfloat16", "float32", "float64"}


class Ended(Exception):
    """The process that runs submissions has ended; its message, if any, stands on the standard error."""


class Stopped(Exception):
    """A job came to no answer; the text says why."""


@dataclass
class RemoteTrial(Trial):
    """A Trial of a function in the sandbox. line: (file, number, text) of the student's line that raised the error."""

    line: tuple | None = None

    @property
    def where(self):
        return self.line


class Sandbox:
    """A process that imports PyTorch once and runs submissions, each in a fresh process of its own. Close it after use.

    protections: those of cage.PROTECTIONS that this machine allows.
    """

    def __init__(self):
        self._folder = Path(tempfile.mkdtemp(prefix="grading-"))
        self._folder.chmod(0o755)
        scratch = self._folder / "scratch"
        scratch.mkdir()
        scratch.chmod(0o777)
        _copy_without_solutions(self._folder / "edition")
        cage.close_to_others()
        self._control, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_STREAM
        )
        configuration = {
            "folders": [*_pythons_folders(), str(self._folder / "edition")],
            "scratch": str(scratch),
            "user": FIRST_USER + os.getpid() % 4000,
        }
        code = (
            f"import sys; sys.path[:0] = [{str(self._folder / 'edition')!r}]; sys.path += {_pythons_folders()[2:]!r}\n"
            "import cs231n, json, socket\n"
            "from cs231n.instructor.sandbox_child import main\n"
            f"main(socket.socket(fileno={theirs.fileno()}), json.loads(sys.argv[1]))"
        )
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        # no other variable: /proc/self/environ shows them to submissions
        own = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT") if name in os.environ}
        environment = {**own, **threads, "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg"}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", code, json.dumps(configuration)],
            pass_fds=[theirs.fileno()],
            env=environment,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self.protections = self._answer(STARTING)

    def _answer(self, seconds):
        self._control.settimeout(seconds)
        try:
            message = self._control.recv(4096)
        except OSError:
            message = b""
        if not message:
            self.close()
            raise Ended("The process that runs submissions has ended; its message, if any, stands above.")
        return json.loads(message)

    def job(self, seconds, cpu_seconds, file=None):
        """Start a process for one job and return it as a context: a Job. file: an open binary file that it may read."""
        return Job(self, seconds, cpu_seconds, file)

    def start(self, seconds, cpu_seconds, descriptors):
        job = json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "files": len(descriptors) - 1}).encode()
        try:
            socket.send_fds(self._control, [job], descriptors)
        except OSError as error:
            raise Ended(f"The process that runs submissions cannot be reached: {error}.") from None

    def end(self, wait):
        """Wait for the job's end, at most so many seconds, then end it; return its exit code."""
        if not select.select([self._control], [], [], wait)[0]:
            with contextlib.suppress(OSError):  # _answer says why
                self._control.send(b"end")  # the job may be ending this very moment: main() takes that for nothing then
        return self._answer(30)["code"]

    def close(self):
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Job:
    """One process in the sandbox. `ask` it; at the end of the context all that is left of it is ended."""

    def __init__(self, sandbox, seconds, cpu_seconds, file):
        self.sandbox, self.seconds, self.cpu_seconds, self.file = sandbox, seconds, cpu_seconds, file
        self._names = {}  # id of what was sent -> (its name there, the object itself)

    def __enter__(self):
        self._connection, theirs = socket.socketpair()
        descriptors = [theirs.fileno(), *([self.file.fileno()] if self.file else [])]
        self.sandbox.start(self.seconds, self.cpu_seconds, descriptors)
        theirs.close()
        return self

    def __exit__(self, *_):
        if self._connection is not None:
            self._finish(0.5)

    def _finish(self, wait):
        self._connection.close()
        self._connection = None
        return self.sandbox.end(wait)

    def ask(self, do, seconds=None, **arguments):
        """Return (JSON, arrays) that the process answers. Raises Stopped if it does not, or not in time."""
        if self._connection is None:
            raise Stopped("It was stopped before.")
        try:
            send(self._connection, {"do": do, "with": arguments})
            return receive(self._connection, seconds or self.seconds, OUTLINE_LIMIT if do == "outline" else ANSWER_LIMIT)
        except BadMessage as error:
            code = self._finish(0.2)
            raise Stopped(_reason(code, str(error), self.seconds)) from None

    def run(self, _, *arguments, network, watched=False, **limits):
        """What guard.run does, for the function that was defined in this job: call it, return its Trial.

        network: None for a function that takes none. watched: whether what SqueezeNet is given comes back in `way`, as that of
        the small networks always does; each image takes 0.6 MB.
        """
        new = {}
        content, arrays = self.ask(
            "call",
            arguments=[self._told(argument, new) for argument in arguments],
            network=None if network is None else self._told(network, new)["known"],
            limits=limits,
            new=new,
            watched=watched,
        )
        try:
            return self._trial(content, arrays, network, limits.get("calls", CALLS))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError, OverflowError):
            raise Stopped("What it answered is not of the agreed form.") from None

    def _told(self, argument, new):
        if not isinstance(argument, (torch.Tensor, torch.nn.Module)):
            return argument
        if isinstance(argument, SqueezeNet):  # the process has it
            return {"known": "squeezenet"}
        if id(argument) not in self._names:
            name = f"object-{len(self._names)}"
            self._names[id(argument)] = name, argument
            new[name] = base64.b64encode(pickle.dumps(argument)).decode()
        return {"known": self._names[id(argument)][0]}

    def _trial(self, content, arrays, network, calls):
        objects = dict(self._names.values())
        trial = RemoteTrial(network)
        trial.calls = int(content["calls"])
        trial.changed = {str(name)[:80] for name in content["changed"]}
        trial.patched = [str(name)[:80] for name in content["patched"]]
        trial.left_behind = bool(content["left_behind"])
        trial.error, trial.line = _error(content["error"])
        first, count = content["way"]
        if not 0 <= count <= calls:
            raise ValueError
        trial.way = arrays[first : first + count]
        for name, told in content["after"].items():
            if isinstance(objects.get(name), torch.Tensor):
                after = _tensor(told, arrays)
                if after.shape != objects[name].shape:  # which other shape does not matter; it may be one of 10^12 numbers
                    after = torch.zeros(0)
                objects[name].data = after.to(objects[name].dtype)
        trial.value = _value(content["value"], arrays, objects)
        return trial


def _reason(code, said, seconds):
    """Say why a job came to no answer."""
    if code == -2 or "in time" in said:
        return f"It was stopped: it was not done after {seconds:.0f} seconds."
    if code == -3:
        return "It was stopped: its processes took too much memory."
    if code == 128 + 9 or code == 128 + 24:
        return "It was stopped: it used too much CPU time, or its process was killed."
    if code > 128:
        return f"Its process was ended by signal {code - 128} in the midst of the call (11 is a segmentation fault)."
    if said == "the connection was closed":
        return "Its process ended in the midst of the call: does it exit by itself?"
    return f"What it answered could not be used: {said}."


def _error(told):
    if told is None:
        return None, None
    kinds = {"TimeIsUp": TimeIsUp, "TooManyCalls": TooManyCalls, "NotImplementedError": NotImplementedError}
    name = str(told["name"])[:80]
    kind = kinds.get(told["kind"]) or type(name if name.isidentifier() else "Exception", (Exception,), {})
    where = told["where"]
    line = (str(where[0])[:200], int(where[1]), str(where[2])[:200]) if where else None
    return kind(str(told["said"])[:300]), line


def _tensor(told, arrays):
    """Return a tensor of the told shape and dtype; where its values did not come, one of the same form."""
    shape, dtype = tuple(int(size) for size in told["shape"]), told["dtype"]
    if told["tensor"] is not None and dtype in FLOATS:
        return torch.from_numpy(arrays[told["tensor"]].reshape(shape)).to(getattr(torch, dtype))
    if "values" in told:
        return torch.tensor([int(value) for value in told["values"]]).reshape(shape)
    if dtype in FLOATS:
        return torch.full((), np.nan, dtype=torch.float64).expand(shape)
    return torch.zeros((), dtype=torch.long).expand(shape)


def _value(told, arrays, objects, deep=True):
    if told is None:
        return None
    if "known" in told:
        return objects[told["known"]]
    if "tensor" in told:
        return _tensor(told, arrays)
    if "numpy" in told:
        return arrays[told["numpy"]]
    if "numpy_of" in told:
        return np.zeros((0,), dtype=np.int64)
    if "tuple" in told and deep:
        return tuple(_value(element, arrays, objects, deep=False) for element in told["tuple"])
    name = str(told.get("other", "object"))
    return type(name if name.isidentifier() else "object_", (), {})()


def _copy_without_solutions(folder):
    """Copy the package as the sandbox's process imports it: what students have, and of the instructor's files its own."""
    files = package_without(marked_functions(ROOT), ROOT)
    files |= {f"cs231n/instructor/{name}": (ROOT / "cs231n" / "instructor" / name).read_bytes() for name in PART_OF_THE_CHILD}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "datasets").symlink_to(ROOT / "datasets")


def _pythons_folders():
    """Return the folders that Python and what it imports lie in."""
    packages = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return [str(Path(path)) for path in (sys.prefix, sys.base_prefix, *packages) if Path(path).is_dir()]
