"""The process that imports PyTorch once and forks sandboxes. It runs nothing of any submission, and holds no solution.

A sandbox is a fork in a session of its own, with no descriptor but its own socket: see child.py for what it does.
"""

import contextlib
import os
import shutil
import socket
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

import torch

from .... import checks
from . import cage
from .child import prepared, serve_jobs
from .messages import Configuration, received


def main(control: socket.socket) -> None:
    """Fork a sandbox for each socket that comes through `control`; once that is closed, wait until all have ended."""
    cage.end_with_parent(False)  # it will clean up first
    cage.close_to_others()
    network = prepared()
    while True:
        message, descriptors = received(control)
        if not message:
            break
        for descriptor in descriptors:
            if os.fork() == 0:
                control.close()
                _sandbox(socket.socket(fileno=descriptor), network)
            os.close(descriptor)
    control.close()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    shutil.rmtree(Path(checks.__file__).parents[3], ignore_errors=True)  # the grader may have been killed


def _sandbox(control: socket.socket, network: torch.nn.Module) -> NoReturn:
    """Be a sandbox in this fork, with what a process that had been started for it would have of its own."""
    code = 1
    try:
        cage.end_with_parent()  # it waits until this one has ended, so it ends before only if it is killed
        os.setsid()
        serve_jobs(control, network, _at_home)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _at_home(configuration: Configuration) -> None:
    """Work in the folder of this sandbox, and put temporary files where its submissions may write."""
    os.chdir(Path(configuration.scratch).parent)
    os.environ["TMPDIR"] = configuration.scratch
    tempfile.tempdir = None
