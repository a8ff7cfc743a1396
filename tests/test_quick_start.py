"""PyTorch's compiler is left out when the grader starts, and is there for whoever asks for it afterwards."""

import subprocess
import sys

import pytest
from helpers.limits import HANGS
from helpers.places import ROOT

BEGIN = """
import sys
sys.path.insert(0, sys.argv[1])
from cs231n.instructor.sandbox.inside.quick_start import import_torchvision
"""
AFTER = """
import torchvision
assert not [name for name in sys.modules if name.startswith("torch._dynamo")]
"""
ASKED_OF_TORCHVISION = """
assert torchvision.ops.roi_align.__globals__["is_compile_supported"]("cpu") in (True, False)
import torch
assert torch._dynamo.__file__ and torch._dynamo.utils.__file__
"""
USED = """
import torch
weight = torch.ones(2, requires_grad=True)
optimizer = torch.optim.SGD([weight], 0.5)
(weight * torch.tensor([1.0, 2.0])).sum().backward()
optimizer.step()
assert weight.tolist() == [0.5, 0.0]
assert callable(torch.compile(lambda x: x)) and torch._dynamo.utils.__file__
"""
THERE = """
import torch._dynamo.utils
before = sys.modules["torch._dynamo"], sys.modules["torch._dynamo.utils"]
import_torchvision()
assert before == (sys.modules["torch._dynamo"], sys.modules["torch._dynamo.utils"])
"""
# A torchvision that asks for something else of the compiler.
MORE = """
import importlib, pathlib, tempfile
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "torchvision.py").write_text("from torch._dynamo import disable\\nfrom torch._dynamo.utils import counters")
sys.path.insert(0, str(folder))
import torch
import_torchvision()
assert sys.modules["torchvision"].disable is torch._dynamo.disable
assert sys.modules["torchvision"].counters is torch._dynamo.utils.counters
"""
FAILS = """
import pathlib, tempfile
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "torchvision.py").write_text("raise ImportError('no library')")
sys.path.insert(0, str(folder))
try:
    import_torchvision()
except ImportError as error:
    assert str(error) == "no library"
else:
    raise AssertionError
assert not [name for name in sys.modules if name.startswith("torch._dynamo")]
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(f"import_torchvision(){AFTER}", id="left-out"),
        pytest.param(f"import_torchvision(){AFTER}{ASKED_OF_TORCHVISION}", id="torchvision-asks-later"),
        pytest.param(f"import_torchvision(){AFTER}{USED}", id="used-later"),
        pytest.param(THERE, id="there-before"),
        pytest.param(MORE, id="more-is-asked"),
        pytest.param(FAILS, id="torchvision-fails"),
    ],
)
def test_the_compiler_is_left_out_and_there_for_whoever_asks_for_it(code, tmp_path):
    command = [sys.executable, "-c", f"{BEGIN}{code}", str(ROOT)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stderr
