"""What goes on in one worker: it keeps a sandbox from one submission to the next, and looks after it."""

import contextlib
import dataclasses
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import overload

import torch

from ...squeezenet import load_squeezenet
from ..reports.records import Record, Result
from ..sandbox.inside import limits
from ..sandbox.inside.cage import CLOSED_DISK, ISOLATION, PROTECTIONS, mapped
from ..sandbox.launcher import Failed
from ..sandbox.sandbox import Ended, Sandbox
from ..sandbox.specimens import examined
from .judging import empty_record, exercise_result, graded, outline_of, unreadable
from .owners import Submission
from .run import Asked, Run

Graded = tuple[Record, list[str] | None]  # a record, and the protections in force while it was made, where they are known
NOT_ISOLATED = "Graded without isolation: submissions shared this machine's disk and processes with the grader."


class CutShort(Exception):
    """The run ended before all submissions were graded; what is done is kept."""


class NotIsolated(ValueError):
    """The machine does not allow what keeps a submission from the solutions and from the others."""


mine = threading.local()  # the sandbox of this worker; Dask's workers are threads


@overload
def in_worker(run: Run, submission: Submission) -> tuple[Record, list[str]]: ...
@overload
def in_worker(run: Run, submission: None) -> tuple[None, list[str]]: ...
def in_worker(run: Run, submission: Submission | None) -> tuple[Record | None, list[str]]:
    """Return (record, protections), in a sandbox that this worker keeps from one submission to the next.

    submission: None to do all but grade. Raises CutShort where the sandbox itself fails, which gives nobody 0 points.
    """
    torch.set_num_threads(1)
    try:
        return _in_own_sandbox(run, submission)
    except (Ended, Failed, MemoryError):  # whoever caused that, this submission gets a second, fresh one
        pass
    try:
        return _in_own_sandbox(run, submission)
    except (Ended, Failed, MemoryError) as end:
        return _after_two_ends(run, submission, end)


def _in_own_sandbox(run: Run, submission: Submission | None) -> tuple[Record | None, list[str]]:
    """Return (record, protections) in this worker's sandbox, which is closed if that fails, whatever the reason."""
    try:
        sandbox = _own_sandbox(run)
        if submission is None:
            return None, sandbox.protections
        with _memory_limited():
            record = graded(submission, run, sandbox, mine.network)
        if sandbox.spoiled:
            close_sandbox()
        return with_isolation(record, sandbox.protections), sandbox.protections
    except BaseException:
        close_sandbox()
        raise


def unreadable_one(asked: Asked, submission: Submission) -> Graded | None:
    """Return (record, protections) of a submission that cannot be read, None for another one: before an exam is drawn.

    The sandbox in which it is read is this worker's from then on. A sandbox that fails is left to in_worker, which says so.
    """
    try:
        sandbox = _isolated_sandbox(asked)
        outline = outline_of(submission, asked, sandbox)
    except (Ended, Failed, MemoryError):
        close_sandbox()
        return None
    mine.begun = sandbox
    if not outline.problem:
        return None
    return with_isolation(unreadable(submission, asked, outline), sandbox.protections), sandbox.protections


def _own_sandbox(run: Run) -> Sandbox:
    """Return this worker's sandbox. The first one of a run has to pass an examination, as has one `after` a failure."""
    if getattr(mine, "number", None) == run.number:
        return mine.sandbox
    _isolated_sandbox(run)
    mine.network = load_squeezenet(device="cpu")
    if getattr(mine, "examined", None) != run.number:
        problem = examined(mine.sandbox, partial(_judged, run, mine.sandbox, mine.network))
        if problem:
            raise CutShort(f"The grader's self-test failed, so nothing is graded: {problem}")
        mine.examined = run.number
    mine.number = run.number
    return mine.sandbox


def _isolated_sandbox(asked: Asked) -> Sandbox:
    """Return a sandbox as this worker's: one that was started ahead, if there is one, else a new one. Raises NotIsolated."""
    begun, mine.begun = getattr(mine, "begun", None), None
    if begun is not getattr(mine, "sandbox", None):
        close_sandbox()
    mine.sandbox, mine.number = begun or Sandbox(getattr(mine, "folder", None)), None
    mine.sandbox.wait()
    if mine.sandbox.shares_edition and not {"small-disk", CLOSED_DISK} & set(mine.sandbox.protections):
        close_sandbox()  # submissions may change files here: only those of their own sandbox, which then is replaced
        mine.sandbox, mine.number = Sandbox(getattr(mine, "folder", None)), None
        mine.sandbox.wait()
    missing = sorted(ISOLATION - set(mine.sandbox.protections))
    if missing and not asked.without_isolation:
        raise NotIsolated(
            "This machine cannot isolate submissions from the solutions and from each other. Not in force: "
            f"{'; '.join(PROTECTIONS[name] for name in missing)}. Grade on a Linux machine that allows user namespaces, or as "
            "root outside of a container; or add --without-isolation if you trust all students, and every page will say so."
        )
    return mine.sandbox


def _judged(run: Run, sandbox: Sandbox, network: torch.nn.Module, name: str, parts: list[list[str]], seconds: float) -> Result:
    return exercise_result(name, parts, run, sandbox, network, seconds)


def _after_two_ends(run: Run, submission: Submission | None, end: Ended | Failed | MemoryError) -> tuple[Record, list[str]]:
    """Return what in_worker does for a submission with which the sandbox ended twice, if it is not the sandbox's own doing."""
    if isinstance(end, Failed) or submission is None:
        raise CutShort(str(end)) from None
    mine.examined = None
    try:
        protections = _own_sandbox(run).protections
    except (Ended, Failed) as again:
        raise CutShort(str(again)) from None
    finally:
        close_sandbox()
    said = "Judging it exceeded the memory limit, twice." if isinstance(end, MemoryError) else f"{end} This happened twice."
    return with_isolation(with_note(submission, run, said), protections), protections


def with_note(submission: Submission, run: Run, note: str) -> Record:
    return dataclasses.replace(empty_record(submission, run), note=note)


def with_isolation(record: Record, protections: Iterable[str]) -> Record:
    """Return the record, with the sentence that it was graded without isolation if that is so."""
    if set(protections) >= ISOLATION:
        return record
    return dataclasses.replace(record, isolation=NOT_ISOLATED, note=" ".join(filter(None, (record.note, NOT_ISOLATED))))


@dataclass
class _Limited:
    """What threads share: Dask's workers grade in several. now: how many of them do. before: the limits before the first one."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    now: int = 0
    before: tuple[int, int] = (-1, -1)


_limited = _Limited()


@contextlib.contextmanager
def _memory_limited() -> Iterator[None]:
    """Let this process take no more than limits.WORKER_BYTES on top of what it has: the rest of it fails with MemoryError."""
    if sys.platform != "linux":
        yield
        return
    import resource

    with _limited.lock:
        if not _limited.now:
            _limited.before = soft, hard = resource.getrlimit(resource.RLIMIT_AS)
            wanted = mapped() + limits.WORKER_BYTES
            resource.setrlimit(resource.RLIMIT_AS, (wanted if soft == resource.RLIM_INFINITY else min(soft, wanted), hard))
        _limited.now += 1
    try:
        yield
    finally:
        with _limited.lock:
            _limited.now -= 1
            if not _limited.now:
                resource.setrlimit(resource.RLIMIT_AS, _limited.before)


def close_sandbox() -> None:
    if getattr(mine, "sandbox", None) is not None:
        mine.sandbox.close()
    if getattr(mine, "begun", None) is getattr(mine, "sandbox", None):
        mine.begun = None
    mine.sandbox = mine.number = None
