"""What the grader's worker and the process that runs submissions say to each other about jobs."""

import dataclasses
import enum
import json
import os
import socket
from dataclasses import dataclass

from . import limits


@dataclass(frozen=True)
class Configuration:
    """What the process that runs submissions is told when it starts, and what it adds for each process in a cage.

    Parameters
    ----------
    folders : list of str
        Shown to submissions, besides the system's libraries.
    packages : str
        A folder of links; what they lead to is shown instead of them.
    hidden : list of str
        Folders that stay empty, should they lie within one that is shown.
    scratch : str
        The folder that a submission may write into.
    user : int or None
        The number of the user that submissions become, where that is possible.
    mapped_bytes : int
        Of memory that a process has before it runs anything of a submission.
    cpu_seconds : float
        At most for one process.
    processes : int or None
        At most for the user, counted as Linux counts them; None for no such limit.
    started : int or None
        A descriptor; a byte is written to it when the cage is set up.
    """

    folders: list[str]
    packages: str
    hidden: list[str]
    scratch: str
    user: int | None
    mapped_bytes: int = 0
    cpu_seconds: float = limits.TRIAL_CPU_SECONDS
    processes: int | None = None
    started: int | None = None


@dataclass(frozen=True)
class Order:
    """A job to be started.

    Parameters
    ----------
    seconds : float
        By the clock, at most.
    cpu_seconds : float
        That each of its processes may compute.
    same_cage : bool
        Whether it may run in the cage of the previous job, because it belongs to the same submission. Nothing of that job is
        left there; if the cage has ended, or cannot be cleared, there is a new one.
    """

    seconds: float
    cpu_seconds: float
    same_cage: bool = False


class End(str, enum.Enum):
    """Why a job ended."""

    BY_ITSELF = "by itself"
    AS_ASKED = "as asked"
    TIME = "time"
    MEMORY = "memory"
    PROCESSES = "processes"


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Parameters
    ----------
    end : End
        Why.
    code : int
        The exit code of a job that ended by itself, 128 + the signal if one ended it; otherwise 0.
    started : bool
        Whether its cage was set up; what fails before is not the submission's doing.
    spoiled : bool
        Whether it changed files that the next job would use.
    """

    end: End
    code: int
    started: bool
    spoiled: bool = False


def received(socket_: socket.socket) -> tuple[bytes, list[int]]:
    """Return the next message and its file descriptors; no message if the other side is closed, or was killed."""
    try:
        message, descriptors, *_ = socket.recv_fds(socket_, 4096, 3)
    except ConnectionResetError:  # killed before it had read what was sent to it
        return b"", []
    return message, descriptors


def encoded(message: Configuration | Order | Outcome) -> bytes:
    """Return a message as JSON."""
    return json.dumps(dataclasses.asdict(message)).encode()


def outcome(raw: bytes) -> Outcome:
    """Return the Outcome of its JSON."""
    told = json.loads(raw)
    return Outcome(**{**told, "end": End(told["end"])})


def exit_code(status: int) -> int:
    """Return the exit code in what os.waitpid gives, 128 + the signal if one ended the process."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
