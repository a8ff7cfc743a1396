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
LEFT_OUT = """
import_torchvision()
from cs231n.instructor.sandbox.inside.quick_start import leave_compiler_out
leave_compiler_out()
import torch
"""
PREPARED = """
import_torchvision()
import torch
from cs231n.instructor.sandbox.inside.child import prepared
prepared()
"""
STEPS = """
for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop):
    weight = torch.ones(2, requires_grad=True)
    optimizer = kind([weight], 0.5)
    optimizer.zero_grad()
    (weight * torch.tensor([1.0, 2.0])).sum().backward()
    optimizer.step()
    assert (weight < 1).all()
assert not [name for name in sys.modules if name.startswith("torch._dynamo.") and name != "torch._dynamo.utils"]
"""
STILL_THERE = """
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item() == 2
assert torch._dynamo.__file__ and torch._dynamo.utils.__file__
"""
A_MODULE_OF_IT = """
import torch._dynamo.config as config
assert config is sys.modules["torch._dynamo.config"] is torch._dynamo.config
assert torch._dynamo.convert_frame.config is config
assert config.__spec__.origin.endswith("config.py")
from torch._dynamo.decorators import allow_in_graph
assert allow_in_graph is torch._dynamo.allow_in_graph
"""
ITS_UTILITIES = """
from torch._dynamo.utils import counters
assert counters is torch._dynamo.utils.counters
"""
NOT_OF_IT = """
try:
    import torch._dynamo.nothing
except ModuleNotFoundError as error:
    assert error.name == "torch._dynamo.nothing"
else:
    raise AssertionError
"""
AS_DECORATOR = """
assert torch._dynamo.disable(recursive=False)(lambda: 3)() == 3 and torch._dynamo.__file__
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
        pytest.param(f"{LEFT_OUT}{STEPS}", id="optimisers-step"),
        pytest.param(f"{PREPARED}{STEPS}", id="optimisers-step-in-a-job"),
        pytest.param(f"{LEFT_OUT}{STEPS}{STILL_THERE}", id="compiled-after-steps"),
        pytest.param(f"{LEFT_OUT}{STILL_THERE}{STEPS.partition('assert not')[0]}", id="steps-after-compiling"),
        pytest.param(f"{LEFT_OUT}{A_MODULE_OF_IT}", id="a-module-of-it"),
        pytest.param(f"{LEFT_OUT}{ITS_UTILITIES}", id="its-utilities"),
        pytest.param(f"{LEFT_OUT}{NOT_OF_IT}", id="not-of-it"),
        pytest.param(f"{LEFT_OUT}{AS_DECORATOR}", id="as-decorator"),
    ],
)
def test_the_compiler_is_left_out_and_there_for_whoever_asks_for_it(code, tmp_path):
    command = [sys.executable, "-c", f"{BEGIN}{code}", str(ROOT)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stderr
