"""What may import what (the arrows of the design point down only), and that looking at the data needs no torch."""

import ast
import subprocess
import sys

import pytest
from helpers.places import ROOT

MAY_IMPORT = {
    "__init__": set(),
    "datasets": set(),
    "image_utils": set(),
    "validation": set(),
    "squeezenet": {"datasets", "image_utils"},
    "data_utils": {"datasets"},
    "download": {"datasets", "squeezenet"},
    "batches": {"validation"},
    "class_visualization": {"batches", "image_utils", "validation"},
    "net_visualization_pytorch": {"validation"},
    "attribution": {"validation"},
    "attribution_metrics": {"validation"},
    "feature_visualization": {"image_utils", "validation"},
    "judge": {"datasets", "image_utils", "squeezenet", "validation"},
    "vis_utils": {"image_utils"},
    "notebook_file": set(),
    "newer_python": set(),
    "answers": set(),
    "student_code": {"newer_python", "notebook_file"},
    "checks": {"notebook_file", "squeezenet", "student_code"},
    "submit": {"answers", "notebook_file", "student_code"},
    "instructor": {
        "net_visualization_pytorch",
        "attribution",
        "feature_visualization",
        "answers",
        "checks",
        "datasets",
        "squeezenet",
        "data_utils",
        "image_utils",
        "notebook_file",
        "student_code",
        "submit",
        "batches",
        "class_visualization",
        "validation",
    },
}


def modules():
    for path in (ROOT / "cs231n").rglob("*.py"):
        parts = path.relative_to(ROOT / "cs231n").with_suffix("").parts
        yield pytest.param(path, parts[0], len(parts), id="/".join(parts))


@pytest.mark.parametrize(("path", "name", "depth"), list(modules()))
def test_a_module_imports_only_what_lies_below_it(path, name, depth):
    """Inside of the package imports are relative: one dot for each folder up to it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    for node in (node for node in nodes if isinstance(node, ast.ImportFrom)):
        assert node.module is None or not node.module.startswith("cs231n")
        if node.level == depth:
            names = {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
            assert names <= MAY_IMPORT[name]
    assert not [node for node in nodes if isinstance(node, ast.Import) and "cs231n" in ast.unparse(node)]


def test_importing_the_package_and_looking_at_the_data_imports_no_torch():
    code = "import cs231n.download, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
