"""Start processes on this machine, and end them."""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from typing import Any

import torch
from joblib.externals.loky import ProcessPoolExecutor

FORKS = sys.platform == "linux"  # whether a worker is a fork of this process; elsewhere that is not safe


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def processes(
    count: int, initializer: Callable[..., Any] | None = None, given: Sequence[Any] = ()
) -> Iterator[ProcessPoolExecutor]:
    """An executor of so many processes, which compute with one thread each; they have ended at the end.

    On Linux they are forks of this process, as those of PyTorch's DataLoader are: nothing is imported again. They are started
    when the first work is submitted; do that while this process is `not_interrupted`. Ctrl-C is for this process, which ends
    them: they ignore it. A process that has grown by 300 MB since its first work is replaced by another one.
    """
    # loky replaces a process that has grown, and warns of it in a thread of its own; an error there would leave all waiting
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
    begin: dict[str, Any] = {"initializer": _begin, "initargs": (initializer, given)}
    if FORKS:
        executor = ProcessPoolExecutor(count, context=multiprocessing.get_context("fork"), **begin)
    else:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        executor = ProcessPoolExecutor(count, env=threads, **begin)
    whole = False
    try:
        yield executor
        whole = True
    finally:
        with contextlib.nullcontext() if whole else _threads_end_silently():
            executor.shutdown(wait=True, kill_workers=not whole)


def in_processes(function: Callable[[Any], Any], given: Sequence[Any], count: int) -> Iterator[tuple[Any, Any]]:
    """Yield (item, function(item)) of `given` as they come, computed in at most `count` processes; in this one without forks.

    Also one process is another one: where PyTorch has a GPU, no fork computes gradients once this process has computed some.
    """
    count = min(count, len(given))
    if not given or not FORKS:
        yield from ((item, function(item)) for item in given)
        return
    with processes(count, torch.set_num_threads, (1,)) as executor:
        with not_interrupted():
            futures = {executor.submit(giving_memory_back, function, item): item for item in given}
        for future in as_completed(futures):
            yield futures[future], future.result()


def giving_memory_back(function: Callable[..., Any], *given: Any) -> Any:
    """Return function(*given), and give Linux the memory that is free afterwards.

    cs231n keeps up to half a gigabyte of it for the next iteration of a loop, which looks as if the process had grown.
    """
    try:
        return function(*given)
    finally:
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None:
            trim(0)


def counter() -> Any:
    """Return a number that forks of this process count up together; None where there are no forks."""
    return multiprocessing.get_context("fork").Value("i", 0) if FORKS else None


def _begin(initializer: Callable[..., Any] | None, given: Sequence[Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if initializer is not None:
        initializer(*given)


@contextlib.contextmanager
def not_interrupted() -> Iterator[None]:
    """Put Ctrl-C off meanwhile: it takes effect at the end. A fork that is made here takes no notice of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def _threads_end_silently() -> Iterator[None]:
    """Let threads end without a traceback meanwhile: loky's own can trip over the workers that are taken from it."""
    before, threading.excepthook = threading.excepthook, lambda _: None
    try:
        yield
    finally:
        threading.excepthook = before
