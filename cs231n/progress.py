"""The progress bars of everything that takes a while, and of a notebook's loops."""

import base64
import html
import io
import sys
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm  # not tqdm.auto, whose widgets need ipywidgets, and are lost in a saved notebook

from .console import writable
from .front_end import in_notebook

if TYPE_CHECKING:
    from PIL.Image import Image  # who fetches the data may not have it yet

Step = TypeVar("Step")

DELAY_SECONDS = 1.0  # what is over sooner gets no bar
INTERVAL_SECONDS = 0.25  # from one update to the next, at least
JPEG_QUALITY = 80


def progress(steps: Collection[Step], title: str) -> Iterator[Step]:
    """Go through the steps of a loop, and show a bar that names the current one.

    Parameters
    ----------
    steps : collection of str, or of tuple that begins with a str
        The steps, each with its name: a dictionary or its items, for example.
    title : str
        What all of them together are.

    Yields
    ------
    str or tuple
        The steps.
    """
    with Bar(len(steps), title) as bar:
        for step in steps:
            bar.begin(f"{title}, {step[0] if isinstance(step, tuple) else step}")
            yield step
            bar.update()
        bar.begin(title)


class Bar(tqdm):
    """A progress bar; in a notebook it can have a picture below it.

    In a notebook it is one output, which is updated in place and at the end keeps a single line. In a terminal it is that line,
    in ASCII where the terminal knows no more. Elsewhere, in a file for example, and for what is over within DELAY_SECONDS, it
    writes nothing.

    Parameters
    ----------
    total : int
        How many steps there are.
    title : str
        What they are.
    shown : bool
        False for a bar that is never shown.
    **more : Any
        What else tqdm takes, such as unit; with delay=0 even what is over soon gets a bar.

    Attributes
    ----------
    picture : function or None
        `picture()` returns a PIL image of how far things are. It is called for each update in a notebook, and at no other time:
        a GPU may have to wait for it.
    """

    def __init__(self, total: int, title: str, shown: bool = True, **more: Any) -> None:
        self.picture: Callable[[], Image] | None = None
        self._in_notebook = in_notebook()
        self._output: Any = None  # IPython's handle of the output that is updated
        super().__init__(
            total=total,
            desc=_printable(title),
            file=sys.stdout,
            disable=not (shown and (self._in_notebook or sys.stdout.isatty())),
            mininterval=INTERVAL_SECONDS,
            miniters=1,  # else, after a fast beginning, tqdm waits for many steps
            gui=self._in_notebook,  # as tqdm's own bars beyond the terminal do: then nothing is written to the file
            **{"delay": DELAY_SECONDS, **more},
        )

    def begin(self, title: str, at: int | None = None) -> None:
        """Say what comes next.

        Parameters
        ----------
        title : str
            The new title.
        at : int or None
            How many steps are done; None leaves that as it is.
        """
        if self.disable:
            return
        if at is not None:
            self.n = at
        self.set_description(_printable(title), refresh=False)
        if self._time() >= self.start_t + self.delay:
            self.refresh()

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Show the present state.

        Parameters
        ----------
        msg : str or None
            Shown instead of it in a terminal.
        pos : int or None
            The line in a terminal.
        """
        if self._in_notebook:
            self._show(self.picture)
        else:
            super().display(msg, pos)

    def close(self) -> None:
        """Stop, and leave the last state; in a notebook the picture goes."""
        is_shown = not self.disable and self._output is not None  # it is called again when the bar is forgotten
        super().close()
        if is_shown:
            self._show(None)

    def _show(self, picture: "Callable[[], Image] | None") -> None:
        from IPython.display import display  # a notebook has it

        data = {"text/plain": str(self)}
        if picture is not None:
            data["text/html"] = f"<pre>{html.escape(str(self))}</pre>{_as_html(picture())}"
        if self._output is None:
            self._output = display(data, raw=True, display_id=True)
        else:
            self._output.update(data, raw=True)


def _printable(title: str) -> str:
    return writable(title, sys.stdout.encoding or "utf-8")


def _as_html(picture: "Image") -> str:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    content = base64.b64encode(file.getvalue()).decode()
    return f'<img src="data:image/jpeg;base64,{content}" alt="the image so far">'
