"""Notebooks executed in a kernel of their own."""

from pathlib import Path

from nbclient import NotebookClient
from nbformat import NotebookNode

from helpers.forked_kernels import POSSIBLE, ForkedKernelManager
from helpers.limits import HANGS


def notebook_client(notebook: NotebookNode, folder: Path, allow_errors: bool = False) -> NotebookClient:
    """Return a client that executes `notebook` in `folder`; all that a cell prints is one output, in whatever pieces it came."""
    options = {"kernel_manager_class": ForkedKernelManager} if POSSIBLE else {}
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(
        notebook, timeout=HANGS, allow_errors=allow_errors, coalesce_streams=True, resources=resources, **options
    )
