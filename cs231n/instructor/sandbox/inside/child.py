"""The process in which submissions run. It is started once for each worker. Every job has a fresh process of its own.

    grader's worker -> this process -> (A: waits, in the outer namespaces) -> (B: sets the cage up) -> C: reads or runs

Where the protections of caged.CLEARED are in force, A and B serve several jobs of one submission: for each of them B forks a C,
once it has ended and emptied all that is left of the job before. Elsewhere each job has its own.
This process holds no expectation, no seed and no solution: the package that it imports is a copy without them. C gets its
inputs through a socket, and whatever it answers is verified by the worker. If A or B ends, so does all that C left behind.
"""

import contextlib
import dataclasses
import gc
import json
import os
import select
import shutil
import socket
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from .... import checks
from ....checks.cases import Case
from ....checks.exam import own_exam
from ....squeezenet import load_squeezenet
from . import cage, limits, reading
from .caged import CLEARED, REFUSED, jobs_in_cage, possible_protections
from .messages import Configuration, End, Order, Outcome, encoded, exit_code, received
from .quick_start import leave_compiler_out
from .student import close_all_but, serve, without_dropout
from .watching import descendants, empty_folder, end_all, resident, taken, tasks


def main(control: socket.socket) -> None:
    """Serve jobs until the other side of the socket `control` is closed.

    The first message is a Configuration, each further one an Order; each job is answered by an Outcome.
    """
    cage.end_with_parent(False)  # it will clean up first
    serve_jobs(control, prepared())


def prepared() -> torch.nn.Module:
    """Do once what all jobs need, and return SqueezeNet."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    checks.fingerprints.stored()
    reading.prepare()
    leave_compiler_out()
    own_exam().with_cases(_computed)
    network = without_dropout(load_squeezenet(device="cpu"))
    gc.freeze()  # or each job's first collection would write to, and so copy, the memory of all that is here
    return network


def _computed(case: Case) -> Case:
    """Compute a gradient of a case, so that PyTorch has done, before the forks, what it does when it is first used.

    Of several scores with weights: then it imports 480 modules, for half a second.
    """
    X = case.images().requires_grad_()
    scores = case.network()(X)
    torch.autograd.grad(scores, X, torch.ones_like(scores))
    return case


def serve_jobs(
    control: socket.socket, network: torch.nn.Module, begin: Callable[[Configuration], None] = lambda configuration: None
) -> None:
    """What main() does, with SqueezeNet as prepared() returns it. begin: called with the Configuration."""
    configuration = Configuration(**json.loads(control.recv(2**18)))
    begin(configuration)
    with contextlib.suppress(OSError):
        cage.adopt_orphans()
    cage.close_to_others()
    configuration = dataclasses.replace(configuration, mapped_bytes=cage.mapped())
    with contextlib.suppress(OSError):
        cage.shown_on_small_disk(tuple(configuration.folders), configuration.packages, tuple(configuration.hidden))
    protections = possible_protections(configuration)
    edition = Path(checks.__file__).parents[2]
    before = None if "small-disk" in protections else _state(edition)
    with contextlib.suppress(OSError):
        control.send(json.dumps(sorted(protections)).encode())
    cages = _Cages(configuration, protections, control, network)
    while True:
        message, descriptors = received(control)
        if not message:
            break
        if message == b"end":  # of a job that had ended by itself when this was sent
            continue
        ended = cages.run(Order(**json.loads(message)), descriptors)
        ended = dataclasses.replace(ended, spoiled=before is not None and _state(edition) != before)
        with contextlib.suppress(OSError):  # the worker was killed: the next look finds the socket closed
            control.send(encoded(ended))
    cages.end()
    shutil.rmtree(Path(configuration.scratch).parent, ignore_errors=True)  # the worker may have been killed


def _told_of_the_end(pid: int) -> list[int]:
    """Return a list of a descriptor that can be read from once the process has ended; an empty one where Linux is too old."""
    try:
        return [os.pidfd_open(pid)]
    except (AttributeError, OSError):
        return []


def _state(folder: Path) -> set[tuple[Path | int, ...]]:
    """Return what tells whether a file below a folder has been changed, added or removed."""
    return {
        (path, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        for path in folder.rglob("*")
        for found in (path.lstat(),)
    }


class _Cage:
    """The processes A and B in whose cage jobs run, forked from this one. `end` it after use.

    control: through it B is given jobs and tells their exit codes.
    """

    def __init__(self, configuration: Configuration, protections: set[str], kind: int, network: torch.nn.Module) -> None:
        """kind: of socket."""
        self.control, theirs = socket.socketpair(socket.AF_UNIX, kind)
        self.pid = os.fork()
        if self.pid == 0:
            code = REFUSED
            try:
                close_all_but({0, 1, 2, theirs.fileno()})
                cage.end_with_parent()
                os.setsid()
                code = jobs_in_cage(theirs, lambda given: serve(given, configuration, network), configuration, protections)
            finally:
                os._exit(code)
        theirs.close()
        self.told = _told_of_the_end(self.pid)

    def ended(self) -> int | None:
        """Return the exit code of A if it has ended, else None."""
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        return exit_code(status) if ended else None

    def end(self) -> None:
        """End it with all that is in it."""
        end_all(self.pid)
        self.control.close()
        for descriptor in self.told:
            os.close(descriptor)


class _Cages:
    """Runs jobs: each in a cage of its own, or in that of the job before where an Order allows it and it could be cleared."""

    def __init__(
        self, configuration: Configuration, protections: set[str], control: socket.socket, network: torch.nn.Module
    ) -> None:
        self.configuration, self.protections, self.control, self.network = configuration, protections, control, network
        self._cage: _Cage | None = None

    def run(self, order: Order, descriptors: list[int]) -> Outcome:
        """Run a job in a cage and watch over it: its time, its memory, its processes, and whether the worker wants it to end.

        Return its Outcome, except for what it has spoiled. The descriptors are closed here.
        """
        if not order.same_cage:
            self.end()
        deadline, before = time.monotonic() + order.seconds, resident(os.getpid())
        started, theirs = os.pipe()
        os.set_blocking(started, False)
        used = self._given(order, [theirs, *descriptors])
        for descriptor in (theirs, *descriptors):
            os.close(descriptor)
        end, code = self._watched(used, deadline, before)
        if end is not End.BY_ITSELF or not self.protections >= CLEARED:
            self.end()
        if "small-disk" not in self.protections:
            empty_folder(Path(self.configuration.scratch))
        with os.fdopen(started, "rb") as file:
            return Outcome(end, code, started=bool(file.read(1)))

    def _given(self, order: Order, descriptors: list[int]) -> _Cage:
        """Give a job to the cage, or to a new one where that has ended. Return the cage."""
        if self._cage:
            with contextlib.suppress(OSError):
                socket.send_fds(self._cage.control, [encoded(order)], descriptors)
                return self._cage
            self.end()
        self._cage = _Cage(self.configuration, self.protections, self.control.type, self.network)
        with contextlib.suppress(OSError):  # it could not be set up: _watched finds that it has ended
            socket.send_fds(self._cage.control, [encoded(order)], descriptors)
        return self._cage

    def _watched(self, used: _Cage, deadline: float, before: int) -> tuple[End, int]:
        """Return how the job ends that a cage has been given, and its exit code. deadline: by time.monotonic()."""
        looked, pause = time.monotonic(), limits.LOOK_EVERY_SECONDS / 4 if used.told else 0.01
        waited_for: list[socket.socket | int] = [self.control, used.control, *used.told]
        while True:
            wanted, _, _ = select.select(waited_for, [], [], pause)
            if used.control in wanted and (message := received(used.control)[0]):
                return End.BY_ITSELF, int(message)
            code = used.ended()
            if code is not None:
                self.end()
                return End.BY_ITSELF, code
            if self.control in wanted:
                self.control.recv(16)  # the word to end it, or nothing where the worker is gone
                return End.AS_ASKED, 0
            if time.monotonic() > deadline:
                return End.TIME, 0
            if time.monotonic() > looked + limits.LOOK_EVERY_SECONDS:
                looked = time.monotonic()
                below = descendants(used.pid)
                if taken(below, before) > limits.ALL_PROCESSES_BYTES:
                    return End.MEMORY, 0
                if sum(map(tasks, below)) > limits.PROCESSES + 2:  # this process's own: A, B
                    return End.PROCESSES, 0

    def end(self) -> None:
        """End the cage, if there is one."""
        if self._cage:
            self._cage.end()
        self._cage = None
