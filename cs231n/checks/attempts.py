"""What a student's function may take and print where the notebook uses it on the real network."""

import contextlib
import io
import sys
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any, TextIO

from .guard import within

SECONDS = 90.0  # of one call, computing or waiting; the longest in the notebook takes about 6 on two cores
FIRST_LINES, LAST_LINES = 40, 20
LINE_CHARACTERS = 1000


def limited(function: Callable) -> Callable:
    """Return a function that does the same, but is stopped if it does not return; `attempted` then says so.

    Parameters
    ----------
    function : callable
        Any; it is called in a thread of its own.

    Returns
    -------
    callable
        Raises TimeIsUp after SECONDS of computing, or of waiting.
    """

    @wraps(function)
    def call(*arguments: Any, **settings: Any) -> Any:
        return within(SECONDS, partial(function, **settings), arguments, waiting=SECONDS)

    return call


@contextlib.contextmanager
def shortened_output() -> Iterator[None]:
    """Leave out the middle of what a block prints, if it prints many lines, and say how many they are."""
    shortened = _Shortened(sys.stdout)
    with contextlib.redirect_stdout(shortened):
        try:
            yield
        finally:
            shortened.finish()


class _Shortened(io.TextIOBase):
    """Passes the first lines on at once, and the last ones at the end; each is cut at LINE_CHARACTERS."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines = 0  # that are whole
        self._line = ""  # the beginning of the last one
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def isatty(self) -> bool:
        return self._stream.isatty()

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self._stream.flush()

    def write(self, text: str) -> int:
        for piece in text.splitlines(keepends=True):
            whole = piece[-1] in "\r\n"
            fits = piece.rstrip("\r\n")[: LINE_CHARACTERS - len(self._line)] + (piece[-1] if whole else "")
            if self._lines < FIRST_LINES:
                self._stream.write(fits)
            self._line += fits
            if whole:
                if self._lines >= FIRST_LINES:
                    self._last.append(self._line)
                self._lines, self._line = self._lines + 1, ""
        return len(text)

    def finish(self) -> None:
        """Write what is left to be written."""
        left_out = self._lines - FIRST_LINES - len(self._last)
        if left_out > 0:
            self._stream.write(f"... ({left_out:,} {'line is' if left_out == 1 else 'lines are'} left out)\n")
        if left_out >= 0:
            self._stream.write("".join(self._last) + self._line)
        self._stream.flush()
