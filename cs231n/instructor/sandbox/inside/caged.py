"""Run something in a cage: which protections this machine allows, and a process with these."""

import contextlib
import dataclasses
import json
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import torch

from .... import checks
from . import cage, limits
from .messages import Configuration, Order, exit_code, received

REFUSED = 119  # exit code of a job whose cage could not be set up
# Protections without which a cage serves one job only. Without "few-calls" a job could leave shared memory behind, without
# "other-user" it could change the limits of the cage's first process, which forks the next job.
CLEARED = {"own-processes", "small-disk", "few-calls", "other-user"}


def possible_protections(configuration: Configuration) -> set[str]:
    """Return the names of the protections that this machine allows, each one tried in a process of its own."""
    found = {"limits"}
    with contextlib.suppress(OSError):
        cage.adopt_orphans()
        found.add("clean-up")
    for name in ("no-network", "small-disk", cage.CLOSED_DISK, "own-processes", "few-calls", "other-user"):
        if name == cage.CLOSED_DISK and "small-disk" in found:
            continue
        needed = {name, *(found & {"small-disk"})} if name == "other-user" else {name}
        pid = os.fork()
        if pid == 0:
            code = REFUSED
            with contextlib.suppress(BaseException):
                code = in_cage(_python_is_there, configuration, needed)
            os._exit(code)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
            found.add(name)
    return found | ({"clean-up"} if "own-processes" in found else set())


def _python_is_there() -> int:
    """Return 0 if this process can read Python's own files and the packages', which may lie below a folder closed to others."""
    return 0 if all(os.access(module.__file__ or "", os.R_OK) for module in (os, torch, checks)) else REFUSED


def in_cage(work: Callable[[], int | None], configuration: Configuration, protections: set[str]) -> int:
    """Run `work` in a new process (C) within a cage; return its exit code. This process (A) waits for B, B for C."""
    return _in_new_cage(lambda here: _exit_code(_started(work, here, protections)), configuration, protections)


def jobs_in_cage(
    control: socket.socket, work: Callable[[list[int]], int | None], configuration: Configuration, protections: set[str]
) -> int:
    """Run work(descriptors) in a new process (C) for each job, one after the other, within the same cage.

    Return when B has ended. Between two jobs B clears the cage (cage.cleared); without CLEARED give it one job only.

    Parameters
    ----------
    control : socket.socket
        An Order comes through it with its descriptors, the first of which is that of Configuration.started. Exit codes go back.
    work : callable
        What a job does.
    configuration : Configuration
        That of all jobs.
    protections : set of str
        The names of those that this machine allows.
    """

    def serve(here: Configuration) -> int:
        while True:
            message, given = received(control)
            if not message:
                return 0
            started, *descriptors = given
            order = Order(**json.loads(message))
            job = dataclasses.replace(here, cpu_seconds=order.cpu_seconds, started=started)
            inmate = _started(partial(work, descriptors), job, protections)
            for descriptor in given:
                os.close(descriptor)
            code = _exit_code(inmate)
            if protections >= CLEARED:
                cage.cleared(configuration.scratch)
            control.send(str(code).encode())

    return _in_new_cage(serve, configuration, protections)


def _in_new_cage(inside: Callable[[Configuration], int], configuration: Configuration, protections: set[str]) -> int:
    """Return inside(configuration), computed in a new process (B) that has set a cage up around itself; this one (A) waits."""
    names = {
        *(["net", "ipc"] if "no-network" in protections else []),
        *(["mount"] if protections & {"small-disk", "own-processes"} else []),
        *(["pid"] if "own-processes" in protections else []),
    }
    configuration = dataclasses.replace(configuration, processes=_most_processes(protections, names))
    if names:
        cage.separate(names)
    cage_builder = os.fork()
    if cage_builder:
        return _exit_code(cage_builder)
    code = REFUSED
    try:
        cage.end_with_parent()
        if "small-disk" in protections:
            cage.small_disk(*_disk(configuration))
        elif "own-processes" in protections:
            cage.own_processes()
        code = inside(configuration)
    finally:
        os._exit(code)


def _started(work: Callable[[], int | None], configuration: Configuration, protections: set[str]) -> int:
    """Return the number of a new process (C) of this cage, in which `work` runs."""
    inmate = os.fork()
    if inmate == 0:
        _run(work, configuration, protections)
    return inmate


def _disk(configuration: Configuration) -> tuple[list[str], str, list[str], str]:
    return configuration.folders, configuration.packages, configuration.hidden, configuration.scratch


def _run(work: Callable[[], int | None], configuration: Configuration, protections: set[str]) -> NoReturn:
    code = REFUSED
    try:
        if "own-processes" not in protections:
            cage.end_with_parent()
        os.chdir(configuration.scratch)
        memory = configuration.mapped_bytes + limits.PROCESS_BYTES
        cage.limit(memory, configuration.cpu_seconds, configuration.processes)
        cage.give_up_rights(configuration.user if "other-user" in protections else None)
        if cage.CLOSED_DISK in protections:
            cage.close_disk(*_disk(configuration))
        if "few-calls" in protections:
            cage.refuse_calls()
        if configuration.started is not None:
            os.write(configuration.started, b".")
            os.close(configuration.started)
        code = work() or 0
    finally:
        os._exit(code)


def _most_processes(protections: set[str], namespaces: set[str]) -> int | None:
    """Return how many processes and threads Linux is to allow the user, counted as it counts them."""
    if "other-user" in protections or (namespaces and os.geteuid() != 0 and cage.counted_by_namespace()):
        return limits.PROCESSES
    tasks = cage.tasks_of_user()
    return None if tasks is None else tasks + limits.PROCESSES_OF_OTHERS  # the sandbox counts a submission's own


def _exit_code(pid: int) -> int:
    """Wait for a child and return its exit code, 128 + the signal if one ended it."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return exit_code(status)
