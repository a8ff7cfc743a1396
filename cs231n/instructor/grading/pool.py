"""Grade many submissions in worker processes of this machine, and go on without those that are killed."""

import contextlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Generator
from concurrent.futures import BrokenExecutor, as_completed
from pathlib import Path

from joblib.externals.loky import ProcessPoolExecutor

from .owners import Submission
from .run import Run
from .worker import CutShort, Graded, in_worker, mine, with_isolation, with_note


def by_workers(run: Run, found: list[Submission], jobs: int) -> Generator[Graded, None, None]:
    """Yield (record, protections) of Submissions, graded in worker processes.

    Where a worker ends, those that were being graded are graded again at the end, one at a time; the one with which a worker
    ends a second time gets a row that says so.
    """
    waiting, in_vain = list(found), 0
    again: list[Submission] = []
    with _own_folder() as folder:
        while waiting or again:
            now, done = waiting or again, []
            try:
                for submission, result in _through_workers(run, now, jobs if waiting else 1, folder):
                    done.append(submission)
                    yield result
            except BrokenExecutor:  # loky's word for a worker that was killed: by a submission, by a person, for want of memory
                begun = {int(path.name) for path in folder.glob("[0-9]*")}
            else:
                begun = set()
            left = [submission for submission in now if submission not in done]
            suspects = [submission for i, submission in enumerate(now) if i in begun and submission in left]
            in_vain = 0 if done or suspects else in_vain + 1
            if in_vain == 3:
                raise CutShort("The worker processes end before they have graded anything: is there enough memory?")
            if not waiting:
                for submission in suspects:
                    protections = _protections_of_a_new_worker(run, folder)
                    record = with_note(
                        submission, run, "The grader's worker process ended twice while it graded this submission."
                    )
                    yield with_isolation(record, protections), protections
            left = [submission for submission in left if submission not in suspects]
            waiting, again = (left, again + suspects) if waiting else ([], left)


@contextlib.contextmanager
def _own_folder():
    """Make a temporary folder, which others can look into; it is gone at the end, with what processes that were killed left."""
    try:
        made = tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
    except OSError as error:
        raise CutShort(f"There is no temporary folder to work in ({error}). Name one in the variable TMPDIR.") from None
    with made as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _protections_of_a_new_worker(run, folder):
    """Return the protections in force in a worker that grades nothing. Raises CutShort if it ends nevertheless."""
    try:
        ((_, (_, protections)),) = _through_workers(run, [None], 1, folder)
        return protections
    except BrokenExecutor:
        raise CutShort("The worker processes end, also without a submission: is there enough memory?") from None


def _through_workers(run, found, jobs, folder):
    """Yield (Submission, what in_worker returns) from worker processes. Raises BrokenExecutor if one of them ends.

    folder: for their sandboxes, and for a file for each submission that is being graded, named by its number in `found`.
    """
    for path in folder.glob("[0-9]*"):
        path.unlink()
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # the run goes to each worker once, not with every submission
    executor = ProcessPoolExecutor(min(jobs, len(found)), env=threads, initializer=_keep_for_worker, initargs=(run, folder))
    futures, whole = {}, False
    try:
        with _not_interrupted():  # and so the workers: Ctrl-C is for this process, which ends them
            for i, submission in enumerate(found):
                futures[executor.submit(_in_own_process, submission, folder / str(i), os.getpid())] = submission
        for future in as_completed(futures):
            yield futures[future], future.result()
        whole = True
    finally:
        with contextlib.nullcontext() if whole else _threads_end_silently():
            executor.shutdown(wait=True, kill_workers=not whole)  # with the workers their sandboxes end


@contextlib.contextmanager
def _threads_end_silently():
    """Let threads end without a traceback meanwhile: loky's own can trip over the workers that are taken from it."""
    before, threading.excepthook = threading.excepthook, lambda _: None
    try:
        yield
    finally:
        threading.excepthook = before


@contextlib.contextmanager
def _not_interrupted():
    """Ignore Ctrl-C meanwhile; the processes that are started here ignore it for ever."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _keep_for_worker(run, folder):
    mine.run, mine.folder = run, folder


def _in_own_process(submission, marker, parent):
    """in_worker, in a process that `parent` has started. marker: a file that is there as long as this goes on."""
    if os.getppid() == parent and not hasattr(mine, "watch"):
        mine.watch = threading.Thread(target=_end_with, args=(parent,), daemon=True)
        mine.watch.start()
    marker.touch()
    try:
        return in_worker(mine.run, submission)
    finally:
        marker.unlink(missing_ok=True)


def _end_with(parent):
    """End this worker soon after the process that started it was killed; its sandbox ends with it."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
