"""What the inmost process does: it answers the worker's requests with one student's code."""

import itertools
import os
import pickle
import resource
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torchvision.models import SqueezeNet

from .... import checks, student_code
from ....checks import guard, student_file
from ....checks.report import Report
from . import limits
from .messages import Configuration
from .reading import outline
from .telling import copied, told_trial
from .wire import BYTES, BadMessage, receive, send

Reply = tuple[Any, list[np.ndarray]]  # JSON, and arrays of floats


def serve(descriptors: list[int], configuration: Configuration, network: torch.nn.Module) -> int:
    """Answer the worker's requests, one after the other, until it closes the socket.

    descriptors: the socket, and the file to be read, if there is one; everything else that is open is closed.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    close_all_but({0, 1, 2, *descriptors})
    os.environ.clear()
    own = dict.fromkeys(("HOME", "TMPDIR"), configuration.scratch)
    os.environ.update(own, USER="student", PATH="/usr/bin:/bin", MPLBACKEND="agg")
    descriptor, *files = descriptors
    connection, student = socket.socket(fileno=descriptor), _Student(network, files)
    while True:
        try:
            request, student.arrays = receive(connection, limits.REQUEST_SECONDS, kinds={BYTES})
        except BadMessage:
            return 0
        content, arrays = getattr(student, request["do"])(**request["with"])
        send(connection, content, arrays)


def close_all_but(keep: Collection[int]) -> None:
    """Close all descriptors but some."""
    last = resource.getrlimit(resource.RLIMIT_NOFILE)[0] + 4096
    for before, after in itertools.pairwise([*sorted(keep), last]):
        if after > before + 1:  # of an empty range os.closerange(0, 0) makes all there is
            os.closerange(before + 1, after)


class _Student:
    """One student's code in this process: what the worker may ask for."""

    def __init__(self, network: torch.nn.Module, files: list[int]) -> None:
        self.arrays: list[np.ndarray] = []  # that came with the request
        self.known: dict[str, Any] = {"squeezenet": network}  # what came with earlier requests
        self.copies: dict[str, torch.Tensor] = {}  # of the tensors that came, as the grader knows them
        self.files = files
        self.function: Callable[..., Any] | None = None

    def outline(self, name: str, figures: dict[str, str], kit: dict[str, str] | None, first: str) -> Reply:
        """Read the file that came with the job; see reading.outline."""
        with os.fdopen(self.files[0], "rb") as file:
            return outline(name, file.read(), figures, kit, first), []

    def define(self, exercise: str, parts: Sequence[Sequence[str]]) -> Reply:
        """Define an exercise from the parts of an outline; return None, or the report of why that is not possible."""
        found = student_file.defined([student_code.parsed(*part) for part in parts], [exercise])[exercise]
        if isinstance(found, Report):
            return _as_json(found), []
        self.function = found
        return None, []

    def own_check(self, exercise: str) -> Reply:
        """Return what the student's own check says."""
        return _as_json(checks.examine(exercise, self.function)), []

    def call(
        self, arguments: Sequence[Any], network: str | None, limits: Mapping[str, Any], new: Sequence[str], watched: bool
    ) -> Reply:
        """Call the function. arguments: numbers, or {"known": name}. network: a name or None.

        new: the names of what came with the request, pickled tensors and networks. watched: whether SqueezeNet says what it is
        given.
        """
        if watched:
            watch(self.known["squeezenet"])
        for name, pickled in zip(new, self.arrays, strict=True):
            self.known[name] = value = pickle.loads(pickled.data)  # from the grader, never from a student
            if isinstance(value, torch.Tensor):
                self.copies[name] = copied(value)
        values = [self.known[a["known"]] if isinstance(a, dict) else a for a in arguments]
        assert self.function is not None, "the worker has a function defined before it has it called"
        given = None if network is None else self.known.get(network)
        trial = guard.run(self.function, *values, network=given, **limits)
        return told_trial(trial, {name: self.known[name] for name in self.copies}, self.copies)


def without_dropout(network: torch.nn.Module) -> torch.nn.Module:
    """Return SqueezeNet so that training mode changes no score: that mode is noticed by itself, and the values can be judged."""
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return network


def watch(network: SqueezeNet) -> None:
    """Have SqueezeNet call its `on_call` with what it is given, as a SmallNetwork does."""
    network.on_call = None
    network.features.register_forward_pre_hook(lambda _, given: network.on_call and network.on_call(given[0], None))


def _as_json(report: Report) -> dict[str, str | list[str]]:
    return {**report.as_json(), "text": report.text(), "evidence": report.evidence}
