"""PyTorch's, NumPy's and Python's settings: those of the checks' own code, and what a call changes about the student's."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

# What belongs to the process, to be put back: (read, write).
SETTINGS: list[tuple[Callable, Callable]] = [
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (Path.cwd, os.chdir),
    (np.get_printoptions, lambda options: np.set_printoptions(**options)),
]


@contextlib.contextmanager
def own_settings() -> Iterator[None]:
    """Let the checks' own code run with PyTorch's usual settings, whatever those of the student's kernel are."""
    dtype, tf32, precision = torch.get_default_dtype(), torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(np.errstate(all="ignore"))
        if torch.empty(0).device != torch.device("cpu"):
            stack.enter_context(torch.device("cpu"))  # it slows every call of torch down, so only where it is needed
        for device in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(device, enabled=False))
        try:
            torch.set_default_dtype(torch.float32)
            torch.backends.cudnn.allow_tf32 = False  # full precision on a GPU, too
            torch.set_float32_matmul_precision("highest")
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_float32_matmul_precision(precision)
            torch.backends.cudnn.allow_tf32 = tf32


@contextlib.contextmanager
def restored(note: Callable[[str], None]) -> Iterator[None]:
    """Put back the process's settings and streams, and the number of threads. note: called with the id of what was changed."""
    values, streams, threads = [read() for read, _ in SETTINGS], (sys.stdout, sys.stderr), torch.get_num_threads()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        torch.set_num_threads(threads)  # also for threads to come
        for (read, write), value in zip(SETTINGS, values, strict=True):
            if read() != value:
                note("changes-settings")
                write(value)


@contextlib.contextmanager
def exit_raises() -> Iterator[None]:
    """Let exit() and quit() raise SystemExit in a notebook, too, where they would go on and end the kernel after the cell."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or not hasattr(shell, "ask_exit"):
        yield
        return

    def leave() -> None:
        raise SystemExit

    own = vars(shell).get("ask_exit")
    shell.ask_exit = leave
    try:
        yield
    finally:
        if own is None:
            del shell.ask_exit
        else:
            shell.ask_exit = own


def _settings_of_the_thread() -> tuple[object, ...]:
    return torch.is_grad_enabled(), torch.get_num_threads(), torch.empty(0).device, np.geterr()


def noting(function: Callable, note: Callable[[str], None]) -> Callable:
    """Return the function with a look, before and after, at what belongs to its thread and ends with it.

    note: called with the id of what was changed.
    """

    def noted(*arguments: Any) -> Any:
        torch.set_num_threads(1)  # small networks gain nothing by more, which would wait for each other on a busy machine
        before = _settings_of_the_thread()
        try:
            return function(*arguments)
        finally:
            if _settings_of_the_thread() != before:
                note("changes-settings")

    return noted
