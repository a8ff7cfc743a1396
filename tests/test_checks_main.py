"""The command `python -m cs231n.checks`: whole files and notebooks."""

import inspect
import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
from helpers.limits import HANGS
from helpers.places import ROOT
from helpers.solutions import FOOLING, SALIENCY, STEP, TRANSFORMATION

from cs231n import net_visualization_pytorch
from cs231n.checks import (
    EXERCISES,
    OPTIONAL,
)
from cs231n.checks.__main__ import main
from cs231n.checks.student_file import functions

pytestmark = pytest.mark.usefixtures("short_patience")


def test_a_cell_that_is_nested_too_deeply_costs_the_other_cells_nothing(tmp_path):
    cells = ["-" * 100_000 + "1", "def compute_saliency_maps(X, y, model):\n    return None\n"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, tmp_path / "mine.ipynb")
    found = functions(tmp_path / "mine.ipynb", EXERCISES)
    assert callable(found[SALIENCY])


@pytest.mark.long
def test_the_command_ends_as_always_after_a_function_that_could_not_be_ended(tmp_path):
    student = tmp_path / "mine.py"
    student.write_text(
        "import torch\n"
        "def compute_saliency_maps(X, y, model):\n"
        "    while True:\n"
        "        try:\n"
        "            torch.ones(300, 300) @ torch.ones(300, 300)\n"
        "        except:\n"
        "            pass\n"
    )
    command = [sys.executable, "-m", "cs231n.checks", str(student), "--json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANGS)
    assert (result.returncode, result.stderr) == (1, "")
    assert json.loads(result.stdout)[SALIENCY]["mistakes"] == ["never-returns"]


COURSE_STYLE = """# -*- coding: utf-8 -*-
import torch
import random
import torchvision.transforms as T
import numpy as np
from .image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD, a_name_that_is_not_there
from scipy.ndimage.filters import gaussian_filter1d
from a_module_that_nobody_has import *

STEPS = 100
raise SystemExit("what stands beside the functions is not executed")

def compute_saliency_maps(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return _strongest(X.grad)

def _strongest(gradient):
    return np.abs(gradient).max(dim=1)[0]

def make_fooling_image(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for _ in range(STEPS):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling

def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    # *****START OF YOUR CODE (DO NOT DELETE/MODIFY THIS LINE)*****
    pass
    # *****END OF YOUR CODE (DO NOT DELETE/MODIFY THIS LINE)*****

def preprocess(img, size=224):
    return T.Compose([T.Resize(size)])(img)
"""


def check_file(path, capsys):
    code = main([str(path), "--json"])
    printed = capsys.readouterr()
    assert printed.err == ""
    reports = json.loads(printed.out)
    assert list(reports) == list(EXERCISES)
    return code, {name: report["verdict"] for name, report in reports.items() if name not in OPTIONAL}


def notebook(*cells):
    """The JSON text of a notebook of version 4.4, as older Jupyters and Colab write it: no cell ids."""
    cells = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": cell.splitlines(keepends=True)}
        for cell in cells
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def test_the_reference_file_is_right_and_the_exit_code_is_0(capsys):
    assert main([str(ROOT / "cs231n" / "net_visualization_pytorch.py")]) == 0
    assert capsys.readouterr().out.count("is correct") == 3


@pytest.mark.parametrize(
    ("line", "code"),
    [("return None", 0), ("return images.flip(3)", 1), ("return nothing", 1)],
)
def test_an_optional_exercise_counts_for_the_exit_code_only_if_it_is_begun(tmp_path, capsys, line, code):
    path = tmp_path / "mine.py"
    solved = inspect.getsource(net_visualization_pytorch).replace("from .", "from cs231n.")
    path.write_text(f"{solved}\n\ndef transform_images(images, angles, scales, shifts):\n    {line}\n")
    assert main([str(path)]) == code
    told = re.findall(r"^[✓✗…] (\w+)", capsys.readouterr().out, re.M)
    assert told == [SALIENCY, FOOLING, STEP, TRANSFORMATION]


@pytest.mark.parametrize(
    ("only", "code", "named"),
    [
        (["saliency_maps"], 0, [SALIENCY]),
        ([FOOLING], 0, [FOOLING]),
        (["fooling_image", "saliency_maps"], 0, [FOOLING, SALIENCY]),
        (["saliency_maps", "class_visualization_step"], 1, [SALIENCY, STEP]),
        (["transformation"], 1, [TRANSFORMATION]),  # optional, but asked for
    ],
)
def test_with_only_the_exercises_that_are_named_are_checked_and_count(tmp_path, capsys, only, code, named):
    path = tmp_path / "mine.py"
    path.write_text(COURSE_STYLE)
    assert main([str(path), *(part for name in only for part in ("--only", name))]) == code
    assert re.findall(r"^[✓✗…] (\w+)", capsys.readouterr().out, re.M) == named


def test_only_takes_no_name_that_is_not_an_exercise_and_lists_those_that_are(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(COURSE_STYLE)
    with pytest.raises(SystemExit) as ended:
        main([str(path), "--only", "saliency"])
    assert ended.value.code == 2
    assert "saliency_maps" in capsys.readouterr().err


def test_the_command_prints_the_same_message_as_the_check(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text("def compute_saliency_maps(X, y, model):\n    return None\n")
    assert main([str(path)]) == 1
    assert capsys.readouterr().out.startswith(
        "… compute_saliency_maps: not implemented yet.\n\n… make_fooling_image: not defined"
    )


@pytest.mark.parametrize(
    "line", ["from no_such_module import *", "from no_such_module import total", "import no_such_module as total"]
)
def test_an_import_that_fails_is_named_where_what_it_should_bring_is_used(tmp_path, capsys, line):
    path = tmp_path / "mine.py"
    path.write_text(f"{line}\nfrom math import *\n\ndef compute_saliency_maps(X, y, model):\n    return total(model(X), pi)\n")
    assert main([str(path)]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "compute_saliency_maps does not run" in printed
    assert f"{line} fails here: No module named 'no_such_module'" in printed


def test_an_import_of_everything_that_fails_is_not_blamed_for_names_that_exist(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(
        "from no_such_module import *\n" + COURSE_STYLE.split("raise SystemExit")[0] + COURSE_STYLE.split('executed")')[1]
    )
    assert check_file(path, capsys) == (1, {SALIENCY: "right", FOOLING: "right", STEP: "unfinished"})


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_file_of_the_course_is_checked_whatever_it_imports(tmp_path, capsys, line_end):
    path = tmp_path / "net_visualization_pytorch.py"
    path.write_bytes(COURSE_STYLE.replace("\n", line_end).encode())
    assert check_file(path, capsys) == (1, {SALIENCY: "right", FOOLING: "right", STEP: "unfinished"})


def test_a_file_with_merge_markers_is_broken_with_the_line(tmp_path, capsys):
    path = tmp_path / "merged.py"
    path.write_text(COURSE_STYLE.replace("STEPS = 100\n", "<<<<<<< HEAD\nSTEPS = 100\n=======\nSTEPS = 50\n>>>>>>> theirs\n"))
    assert check_file(path, capsys)[1] == dict.fromkeys((SALIENCY, FOOLING, STEP), "broken")
    main([str(path)])
    printed = " ".join(capsys.readouterr().out.split())
    assert "merged.py, line 10 is a mark of a merge that was not finished: <<<<<<< HEAD" in printed


def test_a_file_that_python_cannot_read_is_broken_with_the_line(tmp_path, capsys):
    path = tmp_path / "typo.py"
    path.write_text(COURSE_STYLE.replace("X.requires_grad_()\n", "X.requires_grad_(\n", 1))
    assert check_file(path, capsys)[1] == dict.fromkeys((SALIENCY, FOOLING, STEP), "broken")
    main([str(path)])
    assert re.search(r"typo\.py, line 1\d: ", capsys.readouterr().out)


def test_a_notebook_with_magics_is_checked_and_only_its_definitions_are_executed(tmp_path, capsys):
    path = tmp_path / "mine.ipynb"
    definitions = COURSE_STYLE.split("raise SystemExit")[0], COURSE_STYLE.split('executed")')[1]
    cells = "%matplotlib inline\n!pip install nothing\nraise ValueError", definitions[0], "%%time\n" + definitions[1]
    path.write_text(notebook(*cells, "%%bash\nexit 1", "print 'Python 2'", "assert False"))
    assert check_file(path, capsys) == (1, {SALIENCY: "right", FOOLING: "right", STEP: "unfinished"})


def test_the_last_of_several_definitions_counts(tmp_path, capsys):
    path = tmp_path / "twice.py"
    path.write_text("def compute_saliency_maps(X, y, model):\n    pass\n" + COURSE_STYLE)
    assert check_file(path, capsys)[1][SALIENCY] == "right"
    path.write_text(COURSE_STYLE + "def compute_saliency_maps(X, y, model):\n    pass\n")
    assert check_file(path, capsys)[1][SALIENCY] == "unfinished"


def test_a_cell_that_python_cannot_read_breaks_only_its_own_function(tmp_path, capsys):
    path = tmp_path / "mine.ipynb"
    before, after = COURSE_STYLE.split("def make_fooling_image")
    path.write_text(
        notebook(before.split("raise SystemExit")[0], before.split('executed")')[1], "def make_fooling_image(((:\n  pass")
    )
    assert after
    assert check_file(path, capsys)[1] == {SALIENCY: "right", FOOLING: "broken", STEP: "missing"}


def test_an_imported_function_counts_where_the_file_that_defines_it_lies_beside(tmp_path, capsys):
    reference = ROOT / "NetworkVisualization.ipynb"
    assert check_file(reference, capsys) == (0, dict.fromkeys((SALIENCY, FOOLING, STEP), "right"))
    (tmp_path / "alone.ipynb").write_bytes(reference.read_bytes())
    assert check_file(tmp_path / "alone.ipynb", capsys) == (1, dict.fromkeys((SALIENCY, FOOLING, STEP), "missing"))


@pytest.mark.parametrize(
    ("name", "text", "options", "code"),
    [
        ("right.py", inspect.getsource(net_visualization_pytorch).replace("from .", "from cs231n."), [], 0),
        ("wrong.py", "def compute_saliency_maps(X, y, model):\n    return X[:, 0]\n", [], 1),
        ("damaged.ipynb", "[]", [], 1),
        ("text.txt", "", [], 2),
        ("wrong.py", "", ["--only", "nothing"], 2),
    ],
)
def test_the_exit_codes_are_those_that_help_tells(tmp_path, capsys, name, text, options, code):
    (tmp_path / name).write_text(text)
    with pytest.raises(SystemExit) as ended:
        sys.exit(main([str(tmp_path / name), *options]))
    assert ended.value.code == code
    with pytest.raises(SystemExit):
        main(["--help"])
    told = " ".join(capsys.readouterr().out.split()).partition("The exit code is")[2]
    cases = {0: "0 if all are correct", 1: "1 if not, also for a damaged notebook", 2: "2 if there is no such file"}
    assert cases[code] in told


def test_a_damaged_notebook_is_broken_and_a_missing_file_a_usage_error(tmp_path, capsys):
    path = tmp_path / "damaged.ipynb"
    for text in ('{"cells": [', "[]", notebook("x = 1") + "<<<<<<< HEAD", "", "\0"):
        path.write_text(text)
        assert check_file(path, capsys) == (1, dict.fromkeys((SALIENCY, FOOLING, STEP), "broken"))
    for name in ("absent.py", "text.txt"):
        (tmp_path / "text.txt").touch()
        with pytest.raises(SystemExit, match="2"):
            main([str(tmp_path / name)])
        assert name in capsys.readouterr().err


def test_what_a_file_prints_stays_out_of_the_json(tmp_path, capsys):
    path = tmp_path / "noisy.py"
    path.write_text(
        "def helper():\n    print('now')\n    return 1\n\nNUMBER = helper()\n\n"
        "def compute_saliency_maps(X, y, model):\n    print(NUMBER)\n    return X.sum(dim=NUMBER)\n"
    )
    assert check_file(path, capsys)[1][SALIENCY] == "wrong"


def test_a_helper_that_cannot_be_made_is_told_where_it_is_used(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(
        "TABLE = open('no such file').read()\n\n\ndef compute_saliency_maps(X, y, model):\n    return TABLE.upper()\n"
    )
    assert main([str(path)]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "compute_saliency_maps does not run" in printed
    assert "TABLE has no value, since mine.py, line 1 raises FileNotFoundError" in printed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_file_with_changed_globals_future_imports_and_magics_inside_is_checked(tmp_path, capsys, encoding):
    path = tmp_path / "mine.py"
    path.write_text(
        """from __future__ import annotations
import torch
AXES, SETTINGS = [], {}
AXES.append(1)
SETTINGS["é"] = 1
torch.no_such_function()

def compute_saliency_maps(X: Tensor, y: Tensor, model):
    X.requires_grad_()
    %time model.eval()
    !ls
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().max(AXES[0])[0] * SETTINGS["é"]
""",
        encoding=encoding,
    )
    assert check_file(path, capsys)[1][SALIENCY] == "right"


@pytest.mark.long
@pytest.mark.parametrize(
    ("encoding", "begins", "quoted"),
    [
        ("utf-8", "✗ compute_saliency_maps", "raise ValueError('naïve ≤')"),
        ("cp1252", "[x] compute_saliency_maps", "raise ValueError('naïve \\u2264')"),
        ("ascii", "[x] compute_saliency_maps", "raise ValueError('na\\xefve \\u2264')"),
    ],
)
def test_every_message_arrives_in_a_pipe_whatever_its_encoding(tmp_path, encoding, begins, quoted):
    student = tmp_path / "mine.py"
    student.write_text("def compute_saliency_maps(X, y, model):\n    raise ValueError('naïve ≤')\n", encoding="utf-8")
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "cs231n.checks", str(student)]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert (result.returncode, result.stderr) == (1, b"")
    printed = result.stdout.decode(encoding)
    assert printed.startswith(begins)
    assert quoted in printed
