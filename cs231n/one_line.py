"""Errors that a notebook shows as one line: their message says all there is to say to a person."""

import contextlib
from collections.abc import Iterator


class _ShownInOneLine:
    """What IPython asks an error for; everywhere else, in a script or a test, it has its traceback like any other."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython prints, here a traceback's last one; this name is IPython's."""
        return [f"{type(self).__name__}: {self}"]


class OneLine(_ShownInOneLine, Exception):
    """A base class for errors that a notebook shows without a traceback."""


class Interrupted(_ShownInOneLine, KeyboardInterrupt):
    """Ctrl-C or "Interrupt the kernel"; the message says what was not finished."""


@contextlib.contextmanager
def interrupts_say(what: str) -> Iterator[None]:
    """Let an interrupt of this block cost one line.

    Parameters
    ----------
    what : str
        The line: what was not finished, and what to do.

    Raises
    ------
    Interrupted
        Instead of a KeyboardInterrupt without a message of its own.
    """
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(what) from None
