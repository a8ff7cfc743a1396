"""The grader's side of the sandbox: it starts jobs, gives inputs and takes back numbers, and believes nothing else."""

import contextlib
import json
import os
import pickle
import select
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torchvision.models import SqueezeNet

from ...checks.guard import CALLS, TimeIsUp, TooManyCalls, Trial
from ..exercises.stopped import Stopped
from .inside import limits
from .inside.messages import End, Order, Outcome, encoded, outcome
from .inside.wire import BadMessage, Trouble, receive, send
from .launcher import NOT_STARTED, Failed, Launcher, configuration, new_folder, set_up, socket_pair, started, undone

FIRST_USER = 61000  # one for each worker, so that their limits on processes are their own
USERS = 2000  # for sandboxes that a worker starts, and as many for those that are started ahead of the workers
FLOATS = {"float16", "bfloat16", "float32", "float64"}


class Ended(Exception):
    """The process that runs submissions has ended; its message, if any, is on the standard error."""


@dataclass
class RemoteTrial(Trial):
    """A Trial of a function in the sandbox. line: (file, number, text) of the student's line that raised the error."""

    line: tuple[str, int, str] | None = None

    @property
    def where(self) -> tuple[str, int, str] | None:
        return self.line


class Sandbox:
    """A process that imports PyTorch once and runs submissions, each in a fresh process of its own. Close it after use.

    protections: those of cage.PROTECTIONS that this machine allows, known when it can be used. spoiled: whether a submission has
    changed files that the next one would use, which happens only where there is no small disk. shares_edition: whether these are
    other sandboxes' files as well.
    """

    protections: list[str]

    def __init__(self, folder: Path | None = None) -> None:
        """folder: where to make its own; the temporary folder by default. Raises Failed with a sentence if it cannot be made."""
        self._begin(folder, FIRST_USER + os.getpid() % USERS)
        self.wait()

    @classmethod
    def begun(cls, folder: Path, number: int, launcher: Launcher) -> "Sandbox":
        """Return a sandbox that a Launcher is asked to fork; `wait` for it before use.

        A worker that is forked meanwhile can take it over. number: 0, 1, ..., which
        tells it from others that this process begins. Raises Failed like the class itself.
        """
        sandbox = cls.__new__(cls)
        sandbox._begin(folder, FIRST_USER + USERS + (os.getpid() + number) % USERS, launcher)
        return sandbox

    def wait(self) -> None:
        """Wait until its process can run submissions. Raises Failed with a sentence if it cannot be started."""
        if hasattr(self, "protections"):
            return
        try:
            self.protections = json.loads(self._answer(limits.START_SECONDS))
        except Ended:
            raise Failed(NOT_STARTED) from None

    def let_go(self) -> None:
        """Leave it to the process, forked from this one, that takes it over: it ends with that process."""
        self._control.close()

    def _begin(self, folder: Path | None, user: int, launcher: Launcher | None = None) -> None:
        self.spoiled, self.shares_edition = False, launcher is not None
        self._folder = new_folder(folder)
        with undone(self.close, self._folder):
            self._start(user, launcher)

    def _start(self, user: int, launcher: Launcher | None) -> None:
        scratch = self._folder / "scratch"
        scratch.mkdir()
        scratch.chmod(0o777)
        if launcher is None:
            set_up(self._folder)
        self._control, theirs = socket_pair()
        if launcher is None:
            self._process = started("child", theirs, self._folder, scratch)
        else:
            launcher.fork(theirs)
        ground = self._folder if launcher is None else launcher.folder
        self._control.send(encoded(configuration(ground, scratch, user)))

    def _answer(self, seconds: float) -> bytes:
        self._control.settimeout(seconds)
        try:
            message = self._control.recv(4096)
        except OSError:
            message = b""
        if not message:
            self.close()
            raise Ended("The process that runs submissions has ended; its message, if any, is above.")
        return message

    def job(self, seconds: float, cpu_seconds: float, file: BinaryIO | None = None, same_cage: bool = False) -> "Job":
        """Start a process for one job and return it as a context: a Job.

        seconds, cpu_seconds, same_cage: see messages.Order. file: an open binary file that it may read.
        """
        return Job(self, Order(seconds, cpu_seconds, same_cage), file)

    def start(self, order: Order, descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._control, [encoded(order)], descriptors)
        except OSError as error:
            raise Ended(f"The process that runs submissions cannot be reached: {error}.") from None

    def end(self, wait: float) -> Outcome:
        """Wait for the job's end, at most so many seconds, then end it. Return its Outcome."""
        if not select.select([self._control], [], [], wait)[0]:
            with contextlib.suppress(OSError):  # _answer says why
                self._control.send(b"end")  # the job may be ending this very moment: main() takes that for nothing then
        return outcome(self._answer(limits.REPORT_SECONDS))

    def close(self) -> None:
        if hasattr(self, "_control"):
            if self.shares_edition:
                self._see_it_end()
            self._control.close()
        if hasattr(self, "_process"):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _see_it_end(self) -> None:
        """Wait until the process has ended that a Launcher has forked: it is no child of this one. If it does not, it ends with
        the launcher."""
        with contextlib.suppress(OSError):  # this process has let it go
            self._control.shutdown(socket.SHUT_WR)
            self._control.settimeout(10)
            while self._control.recv(4096):
                pass

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Job:
    """One process in the sandbox. `ask` it; at the end of the context all that is left of it is ended."""

    def __init__(self, sandbox: Sandbox, order: Order, file: BinaryIO | None) -> None:
        self.sandbox, self.order, self.file = sandbox, order, file
        self._connection: socket.socket | None = None
        self._names: dict[int, tuple[str, Any]] = {}  # id of what was sent -> (its name there, the object itself)

    def __enter__(self) -> "Job":
        self._connection, theirs = socket.socketpair()
        descriptors = [theirs.fileno(), *([self.file.fileno()] if self.file else [])]
        self.sandbox.start(self.order, descriptors)
        theirs.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._connection is not None:
            with contextlib.suppress(*([Failed] if kind else [])):
                self._finish(limits.END_SECONDS)

    def _finish(self, wait: float) -> Outcome:
        """End the process and return its Outcome. Raises Failed if it never came so far that a submission could do harm."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        ended = self.sandbox.end(wait)
        if ended.spoiled:
            self.sandbox.spoiled = True
        if not ended.started:
            raise Failed("A process for a submission could not be started in the sandbox; its message, if any, is above.")
        return ended

    def ask(
        self, do: str, seconds: float | None = None, arrays: Sequence[np.ndarray] = (), **arguments: Any
    ) -> tuple[Any, list[np.ndarray]]:
        """Return (JSON, arrays) that the process answers. Raises Stopped if it does not, or not in time."""
        if self._connection is None:
            raise Stopped("It was stopped before.")
        try:
            send(self._connection, {"do": do, "with": arguments}, arrays)
            return receive(
                self._connection,
                seconds or self.order.seconds,
                limits.OUTLINE_JSON_BYTES if do == "outline" else limits.ANSWER_JSON_BYTES,
            )
        except BadMessage as error:
            ended = self._finish(limits.END_SECONDS)
            raise Stopped(_reason(ended, error, self.order.seconds)) from None

    def run(
        self, _: object, *arguments: Any, network: torch.nn.Module | None, watched: bool = False, **limits: Any
    ) -> RemoteTrial:
        """What guard.run does, for the function that was defined in this job: call it, return its Trial.

        network: None for a function that takes none. watched: whether what SqueezeNet is given comes back in `way`, as that of
        the small networks always does; each image takes 0.6 MB.
        """
        new: dict[str, np.ndarray] = {}
        content, arrays = self.ask(
            "call",
            arguments=[self._told(argument, new) for argument in arguments],
            network=None if network is None else self._told(network, new)["known"],
            limits=limits,
            new=list(new),
            watched=watched,
            arrays=list(new.values()),
        )
        try:
            return self._trial(content, _Once(arrays), network, limits.get("calls", CALLS))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError, OverflowError):
            raise Stopped("Its return value could not be read: it is not in the agreed format.") from None

    def _told(self, argument: Any, new: dict[str, np.ndarray]) -> Any:
        if not isinstance(argument, (torch.Tensor, torch.nn.Module)):
            return argument
        if isinstance(argument, SqueezeNet):  # the process has it
            return {"known": "squeezenet"}
        if id(argument) not in self._names:
            name = f"object-{len(self._names)}"
            self._names[id(argument)] = name, argument
            new[name] = np.frombuffer(pickle.dumps(argument), np.uint8)
        return {"known": self._names[id(argument)][0]}

    def _trial(self, content: Any, arrays: "_Once", network: torch.nn.Module | None, calls: int) -> RemoteTrial:
        objects = dict(self._names.values())
        trial = RemoteTrial(network)
        trial.calls = int(content["calls"])
        trial.changed = {str(name)[: limits.NAME_CHARACTERS] for name in content["changed"]}
        trial.patched = [str(name)[: limits.NAME_CHARACTERS] for name in content["patched"]]
        trial.left_behind = bool(content["left_behind"])
        trial.error, trial.line = _error(content["error"])
        first, count = content["way"]
        if not 0 <= count <= calls:
            raise ValueError
        trial.way = arrays.taken(range(first, first + count))
        for name, told in content["after"].items():
            if isinstance(objects.get(name), torch.Tensor):
                after = _tensor(told, arrays)
                if after.shape != objects[name].shape:  # which other shape does not matter; it may be one of 10^12 numbers
                    after = torch.zeros(0)
                objects[name].data = after.to(objects[name].dtype)
        trial.value = _value(content["value"], arrays, objects)
        return trial


class _Once:
    """The arrays of an answer, each to be taken once: a forged one can name the same a thousand times, and copies are made."""

    def __init__(self, arrays: Iterable[np.ndarray]) -> None:
        self._arrays = dict(enumerate(arrays))

    def take(self, index: int) -> np.ndarray:
        """Return an array. Raises KeyError if there is none of this number, or it has been taken."""
        return self._arrays.pop(index)

    def taken(self, indices: Iterable[int]) -> list[np.ndarray]:
        return [self.take(index) for index in indices]


def _reason(ended: Outcome, error: BadMessage, seconds: float) -> str:
    """Return a sentence on why a job returned nothing."""
    if ended.end is End.TIME or error.trouble is Trouble.LATE:
        return f"It was stopped after {seconds:.0f} seconds."
    if ended.end is End.MEMORY:
        return f"It was stopped: its processes took more than {limits.ALL_PROCESSES_BYTES // 2**20} MB of memory."
    if ended.end is End.PROCESSES:
        return f"It was stopped: it started more than {limits.PROCESSES} processes or threads."
    if ended.code in (128 + signal.SIGKILL, 128 + signal.SIGXCPU):
        return "It was stopped: it used too much CPU time, or its process was killed."
    if ended.code > 128:
        return f"Its process was ended by signal {ended.code - 128} during the call (11 is a segmentation fault)."
    if error.trouble is Trouble.CLOSED:
        return "Its process ended during the call: does the code call exit()?"
    return f"Its return value could not be read: {error}."


def _error(told: Any) -> tuple[BaseException | None, tuple[str, int, str] | None]:
    if told is None:
        return None, None
    kinds: dict[str, type[BaseException]] = {
        "TimeIsUp": TimeIsUp,
        "TooManyCalls": TooManyCalls,
        "NotImplementedError": NotImplementedError,
    }
    name = str(told["name"])[: limits.NAME_CHARACTERS]
    kind = kinds.get(told["kind"]) or type(name if name.isidentifier() else "Exception", (Exception,), {})
    where = told["where"]
    line = (
        (str(where[0])[: limits.SOURCE_LINE_CHARACTERS], int(where[1]), str(where[2])[: limits.SOURCE_LINE_CHARACTERS])
        if where
        else None
    )
    return kind(str(told["said"])[: limits.ERROR_CHARACTERS]), line


def _tensor(told: Any, arrays: _Once) -> torch.Tensor:
    """Return a tensor of the told shape and dtype; where its values did not come, one of the same form."""
    shape, dtype = tuple(int(size) for size in told["shape"]), told["dtype"]
    if told["tensor"] is not None and dtype in FLOATS:
        return torch.from_numpy(arrays.take(told["tensor"]).reshape(shape)).to(getattr(torch, dtype))
    if "values" in told:
        return torch.tensor([int(value) for value in told["values"]]).reshape(shape)
    if dtype in FLOATS:
        return torch.full((), np.nan, dtype=torch.float64).expand(shape)
    return torch.zeros((), dtype=torch.long).expand(shape)


def _value(told: Any, arrays: _Once, objects: Mapping[str, Any], deep: bool = True) -> Any:
    if told is None:
        return None
    if "known" in told:
        return objects[told["known"]]
    if "tensor" in told:
        return _tensor(told, arrays)
    if "numpy" in told:
        return arrays.take(told["numpy"])
    if "numpy_of" in told:
        return np.zeros((0,), dtype=np.int64)
    if "tuple" in told and deep:
        return tuple(_value(element, arrays, objects, deep=False) for element in told["tuple"][: limits.TUPLE_ELEMENTS])
    name = str(told.get("other", "object"))
    return type(name if name.isidentifier() else "object_", (), {})()
