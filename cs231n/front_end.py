"""What a cell can learn of the notebook it is in: what its kernel ran and, on Colab, the notebook as it is on the screen."""

import contextlib
import importlib
import json
import sys
from pathlib import Path
from typing import Any

COLAB_SECONDS = 30  # until the browser has to answer


def shell() -> Any:
    """Return the IPython that runs this code.

    Returns
    -------
    IPython.core.interactiveshell.InteractiveShell or None
        None in a script, also where IPython is not installed: nothing is imported for the answer.
    """
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def in_notebook() -> bool:
    """Return whether this is the kernel of a notebook.

    Returns
    -------
    bool
        False in a terminal, IPython's own included.
    """
    return getattr(shell(), "kernel", None) is not None


def runs() -> dict[int, str]:
    """Return what the present kernel ran before the cell that asks.

    Returns
    -------
    dict of int to str
        {execution count: source of the cell}; {} outside of a notebook.
    """
    history = getattr(shell(), "history_manager", None)
    if history is None:
        return {}
    sources = list(enumerate(history.input_hist_raw))[1:-1]  # the first is never run, the last is the cell that asks
    return {count: source for count, source in sources if source.strip()}


def defined(name: str) -> Any:
    """Return what has a name in the notebook's kernel.

    Parameters
    ----------
    name : str
        Of a function, for example.

    Returns
    -------
    Any
        None outside of a notebook, or if nothing has this name.
    """
    return getattr(shell(), "user_ns", {}).get(name)


def on_colab() -> bool:
    """Return whether this kernel is Colab's.

    Returns
    -------
    bool
        By Colab's own package, which its kernels import when they start.
    """
    return "google.colab" in sys.modules


def live_notebook() -> bytes | None:
    """Ask Colab's page for the notebook as it is on the screen, saved or not.

    Returns
    -------
    bytes or None
        The file's content as Colab would write it; None if the page does not answer with a notebook.
    """
    try:
        answer = importlib.import_module("google.colab._message").blocking_request(
            "get_ipynb", request="", timeout_sec=COLAB_SECONDS
        )
        return json.dumps(answer["ipynb"]).encode() if answer["ipynb"]["cells"] else None
    except Exception:  # no page is open, it does not answer, or Colab has changed
        return None


def offer(path: Path) -> None:
    """Let Colab's page download a file, where it can.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    """
    with contextlib.suppress(Exception):  # the file stays where it is, and has been named
        importlib.import_module("google.colab.files").download(str(path))
