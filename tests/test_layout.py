"""What may import what (the arrows of the design point down only), and that looking at the data needs no torch."""

import ast
import subprocess
import sys

import pytest
from helpers.places import ROOT

MAY_IMPORT = {
    "__init__": {"one_line"},
    "kit": set(),
    "networks": set(),
    "console": set(),
    "recording": set(),
    "accumulated_gradients": set(),
    "one_line": set(),
    "progress": {"console", "front_end"},
    "whole_file": set(),
    "datasets": {"kit"},
    "image_utils": {"console", "networks", "one_line"},
    "validation": {"networks"},
    "squeezenet": {"datasets", "image_utils", "networks"},
    "data_utils": {"datasets", "networks", "one_line"},
    "download": {"console", "datasets", "progress", "squeezenet"},
    "batches": {"networks"},
    "class_visualization": {"batches", "console", "image_utils", "networks", "progress", "validation"},
    "net_visualization_pytorch": {"validation"},
    "attribution": {"validation"},
    "attribution_metrics": {"batches", "progress", "validation"},
    "feature_visualization": {"console", "image_utils", "networks", "progress", "validation"},
    "judge": {"datasets", "image_utils", "networks"},
    "shortcut": {"batches", "image_utils", "networks", "validation"},
    "figures": set(),
    "vis_utils": {"figures", "image_utils", "networks", "whole_file"},
    "notebook_file": set(),
    "newer_python": set(),
    "assignment": set(),
    "answers": {"assignment"},
    "student_code": {"kit", "newer_python", "notebook_file"},
    "checked": {"used_code"},
    "used_code": set(),
    "front_end": set(),
    "first_cell": {"download", "front_end", "squeezenet"},
    "checks": {
        "assignment",
        "checked",
        "console",
        "figures",
        "front_end",
        "networks",
        "notebook_file",
        "one_line",
        "student_code",
    },
    "formulas": set(),
    "pages": {"console", "formulas", "notebook_file", "whole_file"},
    "submit": {
        "answers",
        "assignment",
        "checked",
        "console",
        "front_end",
        "kit",
        "notebook_file",
        "pages",
        "student_code",
        "whole_file",
    },
    "instructor": {
        "net_visualization_pytorch",
        "assignment",
        "attribution",
        "feature_visualization",
        "answers",
        "checks",
        "datasets",
        "squeezenet",
        "data_utils",
        "formulas",
        "image_utils",
        "notebook_file",
        "student_code",
        "batches",
        "class_visualization",
        "kit",
        "networks",
        "validation",
        "whole_file",
    },
}


# The rooms of `instructor`, from the top floor down: which of them each may import.
ROOMS = {
    "platforms": {"course", "grading", "release", "reports"},
    "marking": {"grading", "reports", "rubric_lines"},
    "similarity": {"sandbox", "release", "reports"},
    "grading": {"course", "late_policy", "sandbox", "exercises", "release", "reports"},
    "sandbox": {"exercises", "release"},
    "exercises": set(),
    "release": {"course", "late_policy"},
    "reports": set(),
    "atlas": set(),
    "course": {"late_policy", "rubric_lines"},  # one file, not a room: what a course changes
    "late_policy": set(),  # one file: when the work is due
    "rubric_lines": set(),  # one file: what a rubric's lines give
}
PACKAGE = ROOT / "cs231n"
SOLUTIONS = {"net_visualization_pytorch", "attribution", "feature_visualization"}
OF_STUDENTS = MAY_IMPORT.keys() - SOLUTIONS - {"instructor"}
INSIDE = "instructor", "sandbox", "inside"
FILES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = {path.parent.relative_to(PACKAGE).parts for path in FILES}


def parts_of(path):
    """Return the parts of a module's name below the package: ("instructor", "grading", "rubric")."""
    return path.relative_to(PACKAGE).with_suffix("").parts


def imported(parts, source):
    """Return [names below the package that a module imports], each a tuple of parts; parts: its own.

    Inside of the package imports are relative: one dot for each folder up to it.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            assert "cs231n" not in ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert not node.module.startswith("cs231n")
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= len(parts)
            base = (*parts[: len(parts) - node.level], *(node.module.split(".") if node.module else ()))
            found += [(*base, alias.name) for alias in node.names] if base in FOLDERS else [base]
    return found


def forbidden(parts, source):
    """Return the names that a module imports and may not. parts: its own name below the package."""
    return [name for name in imported(parts, source) if not _allowed(parts, name)]


def _allowed(parts, name):
    if name[0] != parts[0]:
        return name[0] in MAY_IMPORT[parts[0]] and (parts[:3] != INSIDE or name[0] in OF_STUDENTS)
    if parts[0] != "instructor":
        return True
    if parts[:3] == INSIDE:
        return name[:3] == INSIDE
    return name[1] == parts[1] or name[1] in ROOMS[parts[1]]


@pytest.mark.parametrize("path", [pytest.param(path, id="/".join(parts_of(path))) for path in FILES])
def test_a_module_imports_only_what_lies_below_it(path):
    assert not forbidden(parts_of(path), path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("checks/exercises/grad_cam", "from ...instructor import exercises"),
        ("submit", "from .instructor.grading import rubric"),
        ("image_utils", "from .data_utils import SIZE"),
        ("data_utils", "from . import checks"),
        ("instructor/exercises/exam", "from ..sandbox.sandbox import Sandbox"),
        ("instructor/reports/pages", "from ..grading import rubric"),
        ("instructor/sandbox/sandbox", "from .. import grading"),
        ("instructor/release/release", "from ..reports.writing import write_whole"),
        ("instructor/sandbox/inside/child", "from ..sandbox import Sandbox"),
        ("instructor/sandbox/inside/child", "from .. import specimens"),
        ("instructor/sandbox/inside/reading", "from ...exercises import stopped"),
        ("instructor/sandbox/inside/reading", "from .... import attribution"),
        ("instructor/grading/rubric", "def later():\n    from ..platforms.gradescope import run"),
    ],
)
def test_an_arrow_that_points_up_is_found(module, line):
    assert forbidden(tuple(module.split("/")), line)


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("checks/exercises/grad_cam", "from ..arrays import ArrayCheck"),
        ("data_utils", "from .datasets import sources"),
        ("instructor/platforms/gradescope", "from ..grading.grading import grade_folder"),
        ("instructor/sandbox/sandbox", "from .inside import cage"),
        ("instructor/grading/layouts", "from ..sandbox.inside.reading import is_expected"),
        ("instructor/exercises/exam", "from ... import attribution"),
        ("instructor/sandbox/inside/child", "from .... import checks"),
        ("instructor/sandbox/inside/child", "from . import cage"),
    ],
)
def test_an_arrow_that_points_down_may_be(module, line):
    assert not forbidden(tuple(module.split("/")), line)


def test_every_file_of_the_instructors_is_in_a_room_and_no_arrow_is_in_the_table_for_nothing():
    in_rooms = [parts_of(path) for path in FILES if parts_of(path)[0] == "instructor"]
    assert {parts[1] for parts in in_rooms} == {*ROOMS, "__init__", "__main__"}
    arrows = {
        (parts_of(path)[1], name[1])
        for path in FILES
        for name in imported(parts_of(path), path.read_text(encoding="utf-8"))
        if parts_of(path)[0] == name[0] == "instructor" and parts_of(path)[1] != name[1]
    }
    assert arrows == {(room, lower) for room, below in ROOMS.items() for lower in below}


def test_every_module_is_in_the_table_and_no_arrow_is_for_nothing():
    found = {parts_of(path)[0]: set() for path in FILES}
    for path in FILES:
        parts = parts_of(path)
        found[parts[0]] |= {name[0] for name in imported(parts, path.read_text(encoding="utf-8"))} - {parts[0]}
    assert found == MAY_IMPORT


def test_importing_the_package_and_looking_at_the_data_imports_no_torch():
    code = "import cs231n.download, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
