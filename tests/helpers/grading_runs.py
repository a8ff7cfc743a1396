"""Runs of the grader in processes of their own, and as an ordinary user.

Each is a fork of one process that has imported the grader: to import PyTorch takes longer than what most of them grade. Where a
claim is about a Python that has just started, `command` starts one.
"""

import atexit
import contextlib
import functools
import json
import os
import pickle
import select
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cs231n.instructor.__main__ import main
from cs231n.instructor.grading import command, grading, worker  # noqa: F401 (command: for the forks, before they begin)
from cs231n.instructor.sandbox.sandbox import Sandbox
from helpers import as_user
from helpers.limits import HANGS
from helpers.places import ROOT

# The command, except for what it draws: python -c COMMAND RUN.pickle grade ...
COMMAND = """
import pickle, sys
from pathlib import Path
from cs231n.instructor.grading import grading
from cs231n.instructor.__main__ import main

run = pickle.loads(Path(sys.argv[1]).read_bytes())
grading.Run.drawn = lambda: run
sys.exit(main(sys.argv[2:]))
"""
AS_USER = [sys.executable, str(ROOT / "tests" / "helpers" / "as_user.py")]
SERVE = "from helpers.grading_runs import serve; serve()"


def forked_command(run_file, *arguments, machine=None, environment=None):
    """Run the command with these arguments in a fork; return a subprocess.CompletedProcess with its output as text.

    run_file: the path of a pickled Run, which it takes for drawn. machine: options of as_user.py; None to stay who runs this.
    environment: its variables, by default this process's own.
    """
    return _forked(["command", str(run_file), *map(str, arguments)], machine, environment)


@functools.cache
def protections_of_an_ordinary_user(*machine):
    """Return the names of the protections in force where an ordinary user grades. machine: options of as_user.py."""
    done = _forked(["protections"], machine, None)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def _forked(work, machine, environment):
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("stdout", "stderr")]
        asked = {
            "work": work,
            "machine": machine,
            "environment": environment or dict(os.environ),
            "output": list(map(str, paths)),
        }
        code = _server().answer(asked | {"output": [str(path) for path in paths]})
        return subprocess.CompletedProcess(work, code, *(path.read_text(encoding="utf-8") for path in paths))


@contextlib.contextmanager
def one_sandbox():
    """Have the worker that is this process take one Sandbox for each of its own, from when it first needs one to the end.

    The sandbox's process imports PyTorch, which takes longer than what most tests grade.
    """
    started = []

    def the_first(*arguments):
        started[:] = started or [Sandbox(*arguments)]
        return started[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "Sandbox", the_first)
        patch.setattr(Sandbox, "close", lambda self: None)
        yield
    for sandbox in started:
        sandbox.close()


class _Server:
    """The process that forks: one fork at a time. It ends when its standard input is closed, also by the end of this process."""

    def __init__(self):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests")))}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen([sys.executable, "-c", SERVE], cwd=ROOT, env=environment, text=True, **pipes)
        atexit.register(self.close)

    def close(self):
        """End it."""
        self._process.stdin.close()
        self._process.wait()

    def answer(self, asked):
        """Return the exit code of a fork that does what is asked."""
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], HANGS)[0]:
            self._process.kill()
            _server.cache_clear()
            raise TimeoutError(f"{asked['work']} was not done after {HANGS} seconds.")
        return int(self._process.stdout.readline())


@functools.cache
def _server():
    return _Server()


def serve():
    """Do what is asked by each line of the standard input in a fork, and answer with a line: its exit code."""
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            sys.exit(_work(**asked))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _work(work, machine, environment, output):
    """Do the work of a fork, with its output in files; return its exit code."""
    for number, path in enumerate([os.devnull, *output]):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    if machine is not None:
        as_user.be(as_user.options([*machine, "--", *work]))
    if work == ["protections"]:
        return _print_protections()
    return _command(*work[1:])


def _print_protections():
    with Sandbox() as sandbox:
        print(json.dumps(sandbox.protections))
    return 0


def _command(run_file, *arguments):
    run = pickle.loads(Path(run_file).read_bytes())
    grading.Run.drawn = lambda: run
    return main(list(arguments))
