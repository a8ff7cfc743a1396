"""What may import what (the arrows of the design point down only), and that looking at the data needs no torch."""

import ast
import subprocess
import sys

import pytest
from conftest import ROOT

MAY_IMPORT = {
    "__init__": set(),
    "datasets": set(),
    "image_utils": set(),
    "validation": set(),
    "squeezenet": {"datasets", "image_utils"},
    "data_utils": {"datasets"},
    "download": {"datasets", "squeezenet"},
    "class_visualization": {"image_utils", "validation"},
    "net_visualization_pytorch": {"validation"},
    "vis_utils": {"image_utils"},
}


@pytest.mark.parametrize("module", sorted(path.stem for path in (ROOT / "cs231n").glob("*.py")))
def test_a_module_imports_only_what_lies_below_it(module):
    tree = ast.parse((ROOT / "cs231n" / f"{module}.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1}
    assert imported <= MAY_IMPORT[module]


def test_importing_the_package_and_looking_at_the_data_imports_no_torch():
    code = "import cs231n.download, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
