"""How a call is limited in time: it runs in a thread of its own, whose computing, importing and waiting are counted."""

import atexit
import ctypes
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

WAITING_SECONDS = 15.0  # in which a call sleeps or is blocked; no solution has a reason to
IMPORT_SECONDS = 300.0  # in which a call imports: torch.optim takes 1.4 seconds of computing when it is first used
LOOK_SECONDS = 0.02  # between two looks at a call
EXIT_SECONDS = 3.0  # for which Python's end waits for the threads of calls
TASKS = Path("/proc/self/task")  # Linux: a folder for each thread of this process, named by its native id

_left_behind: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
_ending: set[int] = set()  # native ids of threads that are done with Python, and perhaps not with what PyTorch keeps for them


class Stopped(SystemExit):
    """Ends a student's call. No Exception, so that `except Exception` in it does not catch it; threads end on it silently."""


class TimeIsUp(Stopped):
    """Ends a call that takes too long. left_behind: whether it could not be ended."""

    left_behind = False


def within(seconds: float, function: Callable, arguments: Iterable, waiting: float | None = None) -> Any:
    """Return function(*arguments), called in a thread of its own, or raise what it raises, or TimeIsUp after `seconds`.

    `seconds` are seconds of the thread's own computing, so that a busy machine ends no call; imports are not counted. A call
    that sleeps or is blocked has `waiting` seconds (by default WAITING_SECONDS), an import IMPORT_SECONDS. TimeIsUp is raised
    inside of the function, too, again and again for a second. What does not end by that, because it catches everything, is
    blocked outside of Python or still imports, is left behind: the TimeIsUp then has `left_behind`.
    """
    outcome: list[tuple[Any, BaseException | None]] = []
    clocks: list[_Clocks] = []
    started = threading.Event()

    def work() -> None:
        clocks.append(_Clocks())
        started.set()
        try:
            outcome.append((function(*arguments), None))
        except BaseException as error:  # handed on to whoever waits for it
            outcome.append((None, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        started.wait()
        while thread.is_alive() and not clocks[0].is_time_up(seconds, WAITING_SECONDS if waiting is None else waiting):
            thread.join(LOOK_SECONDS)
            clocks[0].look()
        _end(thread, clocks[0])
    except KeyboardInterrupt:
        if clocks:  # in the background, because it may take a while until an import is done
            threading.Thread(target=_end, args=(thread, clocks[0]), daemon=True).start()
        raise
    if thread.native_id is not None:
        _ending.add(thread.native_id)
    _ending.difference_update([one for one in _ending if not (TASKS / str(one)).exists()])
    if not outcome:
        stopped = TimeIsUp()
        stopped.left_behind = thread.is_alive()
        if stopped.left_behind:
            _left_behind.add(thread)
        raise stopped
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


class _Clocks:
    """How many seconds a thread has computed, imported and waited; made in the thread itself, looked at from another one.

    Where the thread could run but other processes have the processor, no time passes here. Only Linux says so; elsewhere
    that time counts as waiting.
    """

    def __init__(self) -> None:
        self.computed = self.imported = self.waited = 0.0
        self.imports = False  # whether it was importing at the last look
        self._thread, self._schedule = threading.get_ident(), Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        own_clock = getattr(time, "pthread_getcpuclockid", None)  # not on macOS and Windows
        self._processor = own_clock and own_clock(self._thread)
        self._last = self._now()

    def look(self) -> None:
        """Count what has passed since the last look."""
        try:
            now = self._now()
        except OSError:  # the thread has ended
            return
        passed, processor, queued = (after - before for after, before in zip(now, self._last, strict=True))
        waited = max(min(passed, 10 * LOOK_SECONDS) - processor - queued, 0)  # the whole machine may have been asleep
        self._last, self.imports = now, _is_importing(self._thread)
        if self.imports:
            self.imported += processor + waited
        else:
            self.computed += processor
            self.waited += waited

    def is_time_up(self, seconds: float, waiting: float) -> bool:
        return self.computed > seconds or self.waited > waiting or self.imported > IMPORT_SECONDS

    def _now(self) -> tuple[float, float, float]:
        """Return (the time, the thread's time on a processor, its time in the queue for one), in seconds."""
        processor = time.process_time() if self._processor is None else time.clock_gettime(self._processor)
        try:
            queued = int(self._schedule.read_text().split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            queued = 0.0
        return time.monotonic(), processor, queued


def _is_importing(thread: int | None) -> bool:
    """Return whether a thread, given by its identifier, is inside of an import; None, of one that has not begun, is not."""
    frame = None if thread is None else sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _end(thread: threading.Thread, clocks: _Clocks) -> None:
    """Raise TimeIsUp in a thread until it ends, for a second at most, and not while it imports.

    A module whose import was cut off would stay half-loaded until the kernel is restarted.
    """
    allowed = clocks.computed + clocks.waited + 1
    while thread.is_alive() and clocks.computed + clocks.waited < allowed and clocks.imported <= IMPORT_SECONDS:
        if not _is_importing(thread.ident):
            _raise_in(thread, TimeIsUp)
        thread.join(LOOK_SECONDS)
        clocks.look()


@atexit.register
def _end_threads() -> None:
    """Give threads a moment to end before Python does: those that were left behind, and those that have only just returned.

    Before Python 3.14 a thread that wants to go on with Python while that ends is ended there, in the midst of PyTorch's C++: the
    process then aborts with "terminate called without an active exception", whatever its result was. A thread that has returned
    still clears what PyTorch keeps for it, and needs Python for that; only the system knows when it is gone.
    """
    until = time.monotonic() + EXIT_SECONDS
    for thread in list(_left_behind):
        while thread.is_alive() and time.monotonic() < until:
            if not _is_importing(thread.ident):
                _raise_in(thread, TimeIsUp)
            thread.join(LOOK_SECONDS)
    while any((TASKS / str(one)).exists() for one in _ending) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS / 10)


def _raise_in(thread: threading.Thread, error: type[BaseException]) -> None:
    """Have an exception raised in a thread before its next line of Python; nothing happens if it has ended."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(error))
