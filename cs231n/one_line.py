"""Errors that a notebook shows as one line: their message says all there is to say to a person."""


class OneLine(Exception):
    """A base class for errors that a notebook shows without a traceback.

    Everywhere else, in a script or a test, such an error has its traceback like any other.
    """

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython prints, here a traceback's last one; this name is IPython's."""
        return [f"{type(self).__name__}: {self}"]
