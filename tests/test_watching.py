"""How much memory a submission's processes take, whoever else shares the pages that they have from the sandbox."""

import subprocess
import sys

import pytest
from helpers.limits import HANGS
from helpers.places import ROOT

# Takes memory, forks; says how many MB more the children are said to take, of which each has written to some by itself.
CODE = """
import os, sys, signal
sys.path.insert(0, sys.argv[1])
from cs231n.instructor.sandbox.inside import limits, watching

MB = 2**20
shared = bytearray(os.urandom(1)) * (100 * MB)
sharing, children, own = map(int, sys.argv[2:])
limits.ALL_PROCESSES_BYTES = 0
pids = []
for number in range(sharing + children):
    ready, tell = os.pipe()
    pid = os.fork()
    if not pid:
        mine = bytearray(b"x") * (own * MB) if number >= sharing else None
        os.write(tell, b".")
        signal.pause()
    os.read(ready, 1)
    pids.append(pid)
before = watching.resident(os.getpid())
print(watching.taken(pids[sharing:], before) / MB)
for pid in pids:
    os.kill(pid, 9)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
@pytest.mark.parametrize("sharing", [0, 1, 6])
@pytest.mark.parametrize("children", [1, 3])
def test_memory_that_others_share_as_well_is_no_allowance(sharing, children):
    """sharing: other processes that have the same pages, such as other sandboxes of the run."""
    command = [sys.executable, "-I", "-c", CODE, str(ROOT), str(sharing), str(children), "60"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS, check=True)
    assert 60 * children - 10 <= float(done.stdout) <= 60 * children + 15
