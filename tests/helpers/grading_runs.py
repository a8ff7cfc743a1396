"""Runs of the grader in a process of their own, and as an ordinary user."""

import functools
import json
import subprocess
import sys

from helpers.limits import HANGS
from helpers.places import ROOT

# The command, but for what it draws: python -c COMMAND RUN.pickle grade ...
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
PRINT_PROTECTIONS = """
import cs231n, json
from cs231n.instructor.sandbox.sandbox import Sandbox

with Sandbox() as sandbox:
    print(json.dumps(sandbox.protections))
"""


@functools.cache
def protections_of_an_ordinary_user(*machine):
    """Return the names of the protections in force where an ordinary user grades. machine: options of as_user.py."""
    command = [*AS_USER, *machine, "--", sys.executable, "-c", PRINT_PROTECTIONS]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=HANGS, check=True)
    return set(json.loads(done.stdout))
