"""Grade many submissions in worker processes of this machine, and go on without those that are killed."""

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ..sandbox.launcher import Failed, Launcher
from ..sandbox.sandbox import Sandbox
from .owners import Submission
from .processes import FORKS, counter, giving_memory_back, not_interrupted, processes
from .run import Run
from .worker import CutShort, Graded, in_worker, mine, with_isolation, with_note

Work = TypeVar("Work", Submission, None)  # None: a worker does all but grade


@dataclass(frozen=True)
class Ahead:
    """What is there before the workers: a folder for what they make, and a sandbox for each of them, which has begun to start."""

    folder: Path
    sandboxes: list[Sandbox]


@contextlib.contextmanager
def started_ahead(count: int, launcher: Launcher | None = None) -> Iterator[Ahead]:
    """Begin to start so many sandboxes, which try their protections while the exam is drawn; at the end all of them have ended.

    Where workers cannot be forked there are none: a sandbox cannot be handed over then. launcher: forks them; by default a new
    one. Raises CutShort with a sentence.
    """
    with contextlib.ExitStack() as ends:
        ahead = Ahead(ends.enter_context(_own_folder()), [])
        try:
            if FORKS:
                launcher = launcher or ends.enter_context(Launcher(ahead.folder))
                for number in range(count):
                    ahead.sandboxes.append(Sandbox.begun(ahead.folder, number, launcher))
                    ends.callback(ahead.sandboxes[-1].close)
                launcher.let_go()  # before there are forks of this process, which would hold it
        except Failed as error:
            raise CutShort(str(error)) from None
        yield ahead


def by_workers(run: Run, found: list[Submission], jobs: int, ahead: Ahead) -> Generator[Graded, None, None]:
    """Yield (record, protections) of Submissions, graded in worker processes.

    Where a worker ends, those that were being graded are graded again at the end, one at a time; the one with which a worker
    ends a second time gets a row that says so. ahead: what started_ahead() gives.
    """
    waiting, in_vain = list(found), 0
    again: list[Submission] = []
    folder, sandboxes = ahead.folder, list(ahead.sandboxes)
    while waiting or again:
        now, done = waiting or again, []
        try:
            for submission, result in _through_workers(run, now, jobs if waiting else 1, folder, sandboxes):
                done.append(submission)
                yield result
        except BrokenExecutor:  # loky's word for a worker that was killed: by a submission, by a person, for want of memory
            begun = {int(path.name) for path in folder.glob("[0-9]*")}
        else:
            begun = set()
        sandboxes = []  # they have been the first workers'
        left = [submission for submission in now if submission not in done]
        suspects = [submission for i, submission in enumerate(now) if i in begun and submission in left]
        in_vain = 0 if done or suspects else in_vain + 1
        if in_vain == 3:
            raise CutShort("The worker processes end before they have graded anything: is there enough memory?")
        if not waiting:
            for submission in suspects:
                protections = _protections_of_a_new_worker(run, folder)
                record = with_note(submission, run, "The grader's worker process ended twice while it graded this submission.")
                yield with_isolation(record, protections), protections
        left = [submission for submission in left if submission not in suspects]
        waiting, again = (left, again + suspects) if waiting else ([], left)


@contextlib.contextmanager
def _own_folder() -> Iterator[Path]:
    """Make a temporary folder, which others can look into; it is gone at the end, with what processes that were killed left."""
    try:
        made = tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
    except OSError as error:
        raise CutShort(f"There is no temporary folder to work in ({error}). Name one in the variable TMPDIR.") from None
    with made as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _protections_of_a_new_worker(run: Run, folder: Path) -> list[str]:
    """Return the protections in force in a worker that grades nothing. Raises CutShort if it ends nevertheless."""
    try:
        ((_, (_, protections)),) = _through_workers(run, [None], 1, folder, [])
        return protections or []
    except BrokenExecutor:
        raise CutShort("The worker processes end, also without a submission: is there enough memory?") from None


def _through_workers(
    run: Run, found: Sequence[Work], jobs: int, folder: Path, sandboxes: Sequence[Sandbox]
) -> Iterator[tuple[Work, Graded]]:
    """Yield (Submission, what in_worker returns) from worker processes. Raises BrokenExecutor if one of them ends.

    folder: for their sandboxes, and for a file for each submission that is being graded, named by its number in `found`.
    sandboxes: those that have been started ahead, which the first workers take over.
    """
    for path in folder.glob("[0-9]*"):
        path.unlink()
    # the run goes to each worker once, not with every submission
    given = run, folder, os.getpid(), sandboxes, counter()
    with processes(min(jobs, len(found)), _keep_for_worker, given) as executor:  # with the workers their sandboxes end
        with not_interrupted():
            work = partial(executor.submit, giving_memory_back, _in_own_process)
            futures = {work(one, folder / str(i)): one for i, one in enumerate(found)}
        for sandbox in sandboxes:
            sandbox.let_go()
        for future in as_completed(futures):
            yield futures[future], future.result()


def _keep_for_worker(run: Run, folder: Path, parent: int, sandboxes: Sequence[Sandbox], counter: Any) -> None:
    """Begin as a worker of the process `parent`. sandboxes: of all workers; counter: says which of them is this one's."""
    if os.getppid() == parent:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    mine.run, mine.folder, mine.begun = run, folder, None
    if counter is not None:
        with counter.get_lock():
            number, counter.value = counter.value, counter.value + 1
        for place, sandbox in enumerate(sandboxes):
            if place == number:
                mine.begun = sandbox
            else:
                sandbox.let_go()  # it is another worker's, with which it has to end


def _in_own_process(submission: Submission | None, marker: Path) -> Any:
    """in_worker, in a process of its own. marker: a file that is there as long as this goes on."""
    marker.touch()
    try:
        return in_worker(mine.run, submission)
    finally:
        marker.unlink(missing_ok=True)


def _end_with(parent: int) -> NoReturn:
    """End this worker soon after the process that started it was killed; its sandbox ends with it."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
