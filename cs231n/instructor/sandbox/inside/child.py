"""The process in which submissions run. It is started once for each worker, and forks a fresh process for every job.

    grader's worker -> this process -> (A: waits, in the outer namespaces) -> (B: sets the cage up) -> C: reads or runs

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
from .caged import REFUSED, in_cage, possible_protections
from .messages import Configuration, End, Order, Outcome, encoded, exit_code
from .quick_start import leave_compiler_out
from .student import serve, without_dropout
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
    while True:
        message, descriptors = received(control)
        if not message:
            break
        if message == b"end":  # of a job that had ended by itself when this was sent
            continue
        ended = _supervised(Order(**json.loads(message)), descriptors, configuration, protections, control, network)
        ended = dataclasses.replace(ended, spoiled=before is not None and _state(edition) != before)
        with contextlib.suppress(OSError):  # the worker was killed: the next look finds the socket closed
            control.send(encoded(ended))
    shutil.rmtree(Path(configuration.scratch).parent, ignore_errors=True)  # the worker may have been killed


def _told_of_the_end(pid: int) -> list[int]:
    """Return a list of a descriptor that can be read from once the process has ended; an empty one where Linux is too old."""
    try:
        return [os.pidfd_open(pid)]
    except (AttributeError, OSError):
        return []


def received(control: socket.socket) -> tuple[bytes, list[int]]:
    """Return the next message and its file descriptors; no message if the other side is closed, or was killed."""
    try:
        message, descriptors, *_ = socket.recv_fds(control, 4096, 2)
    except ConnectionResetError:  # killed before it had read what was sent to it
        return b"", []
    return message, descriptors


def _state(folder: Path) -> set[tuple[Path | int, ...]]:
    """Return what tells whether a file below a folder has been changed, added or removed."""
    return {
        (path, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        for path in folder.rglob("*")
        for found in (path.lstat(),)
    }


def _supervised(
    order: Order,
    descriptors: list[int],
    configuration: Configuration,
    protections: set[str],
    control: socket.socket,
    network: torch.nn.Module,
) -> Outcome:
    """Fork A for a job and watch over it: its time, its memory, its processes, and whether the worker wants it to end.

    Return its Outcome, except for what it has spoiled.
    """
    deadline, before = time.monotonic() + order.seconds, resident(os.getpid())
    started, theirs = os.pipe()
    os.set_blocking(started, False)
    pid = os.fork()
    if pid == 0:
        code = REFUSED
        try:
            control.close()
            cage.end_with_parent()
            os.setsid()
            here = dataclasses.replace(configuration, cpu_seconds=order.cpu_seconds, started=theirs)
            code = in_cage(lambda: serve(descriptors, configuration, network), here, protections)
        finally:
            os._exit(code)
    for descriptor in (theirs, *descriptors):
        os.close(descriptor)
    end: End | None = None
    code, looked = 0, time.monotonic()
    told = _told_of_the_end(pid)
    waited_for: list[socket.socket | int] = [control, *told]
    while end is None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            end, code = End.BY_ITSELF, exit_code(status)
            break
        wanted, _, _ = select.select(waited_for, [], [], limits.LOOK_EVERY_SECONDS / 4 if told else 0.01)
        if control in wanted:
            control.recv(16)  # the word to end it, or nothing where the worker is gone
            end = End.AS_ASKED
        elif time.monotonic() > deadline:
            end = End.TIME
        elif time.monotonic() > looked + limits.LOOK_EVERY_SECONDS:
            looked = time.monotonic()
            below = descendants(pid)
            if taken(below, before) > limits.ALL_PROCESSES_BYTES:
                end = End.MEMORY
            elif sum(map(tasks, below)) > limits.PROCESSES + 2:  # this process's own: A, B
                end = End.PROCESSES
    end_all(pid)
    for descriptor in told:
        os.close(descriptor)
    if "small-disk" not in protections:
        empty_folder(Path(configuration.scratch))
    with os.fdopen(started, "rb") as file:
        return Outcome(end, code, started=bool(file.read(1)))
