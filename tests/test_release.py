"""The student edition: what is refused, what is in it, and that each of its proofs fails where it should."""

import argparse
import ast
import base64
import contextlib
import dataclasses
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile

import nbformat
import numpy as np
import pytest
from helpers.limits import HANGS
from helpers.places import ROOT
from nbgrader.nbgraderformat.v3 import MetadataValidatorV3

from cs231n.instructor.release import edition as editions
from cs231n.instructor.release import proofs, release
from cs231n.instructor.release.agreement import LISTED
from cs231n.instructor.release.edition import draft, edition
from cs231n.instructor.release.proofs import require_no_leaks, require_solutions_right, require_stubs_run, secrets, unpacked

NAME = "NetworkVisualization"
NOTEBOOK = f"{NAME}.ipynb"
EXERCISES, FILES = edition(ROOT)
SECRETS = secrets(ROOT, EXERCISES)
CELLS = {cell.id: cell for cell in nbformat.reads(FILES[NOTEBOOK].decode(), as_version=4).cells}
POINTS = {
    **dict.fromkeys(["check-1", "check-2", "check-3"], 7),
    **{f"answer-{number}": 4 if number == 1 else 3 for number in range(1, 7)},
    **dict.fromkeys(["check-4", "check-5", "check-6", "check-7", "answer-7", "answer-8", "answer-9"], 0),  # a bonus: extra
}


@pytest.fixture
def reference(tmp_path):
    """A copy of the reference, with links to its data, in a folder that is itself called cs231n."""
    kit = tmp_path / "cs231n" / "a copy"
    shutil.copytree(ROOT / "cs231n", kit / "cs231n", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("datasets", ".devcontainer"):
        (kit / folder).mkdir()
    for name in [*editions.AS_THEY_ARE, editions.REQUIREMENTS, NOTEBOOK]:
        shutil.copy(ROOT / name, kit / name)
    for name in ("photographs", "squeezenet1_1.pth", "squeezenet1_1.pth.sha256"):
        (kit / "datasets" / name).symlink_to(ROOT / "datasets" / name)
    return kit


def rewrite(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def index_of(name):
    """Return the index of a cell, the same in the reference and in the edition."""
    return list(CELLS).index(name)


def line_of(path, text):
    return next(number for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if text in line)


# The whole way


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """(DIR, what was printed, the zip's bytes each time) of two runs of the command, the second over the first.

    The second does without the two trials in a kernel: the first has passed them with the same files.
    """
    out = tmp_path_factory.mktemp("release") / "deep" / "out"
    parser = argparse.ArgumentParser()
    release.add_arguments(parser)
    printed, digests = io.StringIO(), []
    with contextlib.redirect_stdout(printed), pytest.MonkeyPatch.context() as patch:
        patch.setattr(proofs, "RUN_CELL_SECONDS", HANGS)
        for _ in range(2):
            assert release.run(parser.parse_args(["--out", str(out)])) == 0
            digests.append((out / f"{NAME}.zip").read_bytes())
            for trial in ("require_stubs_run", "require_solutions_right"):
                patch.setattr(release, trial, lambda root, exercises: None)
    return out, printed.getvalue(), digests


def test_a_release_is_a_folder_and_a_zip_with_the_same_files_and_the_same_bytes_every_time(released):
    out, printed, (first, second) = released
    assert first == second
    assert sorted(path.name for path in out.iterdir()) == [NAME, f"{NAME}.zip"]
    assert list(out.parent.iterdir()) == [out]
    on_disk = {path.relative_to(out / NAME).as_posix(): path for path in (out / NAME).rglob("*") if path.is_file()}
    assert {name: path.read_bytes() for name, path in on_disk.items()} == FILES
    with zipfile.ZipFile(out / f"{NAME}.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {f"{NAME}/{n}": c for n, c in FILES.items()}
        assert archive.namelist() == sorted(archive.namelist())
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        modes = {member.filename: oct(member.external_attr >> 16)[-3:] for member in archive.infolist()}
    assert {name for name, mode in modes.items() if mode != "644"} == {f"{NAME}/get_datasets.sh"}
    assert modes[f"{NAME}/get_datasets.sh"] == "755"
    assert on_disk["get_datasets.sh"].stat().st_mode & 0o777 == 0o755
    assert printed.count(str(out / f"{NAME}.zip")) == 2
    assert "Without --kit-url" in printed


def test_an_edition_that_somebody_worked_in_is_not_replaced(released, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(released[0], out)
    (out / NAME / "cs231n" / "__pycache__").mkdir()
    (out / NAME / "cs231n" / "__pycache__" / "submit.cpython-311.pyc").touch()
    release.require_replaceable(out)
    rewrite(out / NAME / NOTEBOOK, "YOUR CODE HERE", "my code")
    with pytest.raises(ValueError, match=rf"{NOTEBOOK} has changed since the earlier release"):
        release.release(out)
    (out / NAME / NOTEBOOK).unlink()
    (out / NAME / "mine.txt").touch()
    with pytest.raises(ValueError, match=r"mine\.txt has changed since the earlier release"):
        release.release(out)
    assert (out / NAME / "mine.txt").exists()


@pytest.mark.parametrize("name", ["notes.txt", f"{NAME}.zip", NAME])
def test_a_folder_with_anything_else_in_it_is_refused_and_stays(tmp_path, name):
    (tmp_path / name).mkdir() if name == NAME else (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match="Name another folder"):
        release.release(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(ValueError, match=r"out is a file; expected a folder"):
        release.release(tmp_path / "out")


def test_a_release_that_fails_its_trial_leaves_all_as_it_was(reference, tmp_path):
    rewrite(reference / "cs231n" / "__init__.py", "import ", "import no_such_module\nimport ")
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ValueError, match=r"does not run to the end:\n(.|\n)*No module named 'no_such_module'"):
        release.release(out, kit=reference)
    assert list(out.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cs231n", "out"]


def test_without_data_the_release_says_what_to_run(reference, tmp_path):
    (reference / "datasets" / "squeezenet1_1.pth").unlink()
    with pytest.raises(ValueError, match=r"squeezenet1_1\.pth is missing; .* Run get_datasets\.sh in"):
        release.release(tmp_path / "out", kit=reference)
    assert not (tmp_path / "out").exists()


# What is in it


def test_the_edition_holds_what_students_need_and_nothing_of_the_instructors():
    assert set(FILES) >= {"README.md", "Makefile", NOTEBOOK, "cs231n/submit.py", "cs231n/checks/fingerprints.npz", "LICENSE"}
    assert "cs231n/net_visualization_pytorch.py" not in FILES
    assert not [name for name in FILES if re.search(r"instructor|tests|\.git(?!ignore$)|__pycache__|\.pyc|\.pth|\.jpg", name)]
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "cs231n").rglob("*.py") if "instructor" not in path.parts}
    assert package - set(FILES) == {"cs231n/net_visualization_pytorch.py"}
    assert "cs231n/py.typed" in FILES


def test_a_checkout_with_the_line_ends_of_windows_gives_the_same_edition(reference):
    rewritten = set()
    for path in [*reference.rglob("*")]:
        if path.is_file() and not path.is_symlink() and b"\0" not in (content := path.read_bytes()):
            path.write_bytes(content.replace(b"\n", b"\r\n"))
            rewritten.add(path.relative_to(reference).as_posix())
    assert rewritten >= {"get_datasets.sh", "cs231n/instructor/release/student_Makefile", "cs231n/submit.py", NOTEBOOK}
    made = editions.draft(reference)
    assert made.problems == []
    assert {path for path in FILES if made.files[path] != FILES[path]} == set()
    assert made.files.keys() == FILES.keys()
    assert b"\r\n" in FILES["cs231n/checks/fingerprints.npz"]  # a binary file, which must stay as it is


def test_a_stub_is_signature_docstring_frame_and_a_marked_place():
    source = CELLS["exercise-2"].source
    assert source.startswith(
        "import torch\n\nfrom cs231n.validation import checked_image\n\n\n"
        "def make_fooling_image(X: torch.Tensor, target_y: int, model: torch.nn.Module) -> torch.Tensor:"
    )
    assert source.endswith(
        "    learning_rate = 1\n    # YOUR CODE HERE\n"
        '    raise NotImplementedError("make_fooling_image is not implemented yet")\n    return X_fooling.detach()'
    )
    for exercise in EXERCISES:
        stub, solved = ast.parse(CELLS[exercise.cell].source), ast.parse(exercise.solved)
        assert ast.get_docstring(stub.body[-1]) == ast.get_docstring(solved.body[-1])
        assert ast.dump(stub.body[-1].args) == ast.dump(solved.body[-1].args)
        assert "show_source" not in CELLS[exercise.cell].source


def without_comments(text):
    """A text of the notebook without white space and without its comments on what needs what, which students do not get."""
    return re.sub(r"<!-- (needs|otherwise|end).*?-->|\s", "", text)


def test_answers_are_empty_outputs_are_gone_and_all_other_cells_are_as_they_were():
    reference = {cell.id: cell for cell in nbformat.read(ROOT / NOTEBOOK, as_version=4).cells}
    assert list(CELLS) == list(reference)
    changed = {name for name in CELLS if without_comments(CELLS[name].source) != without_comments(reference[name].source)}
    assert changed == {"setup", *(f"exercise-{n}" for n in range(1, 8)), *(f"answer-{n}" for n in range(1, 10))}
    assert {CELLS[f"answer-{number}"].source for number in range(1, 10)} == {"*Your answer:*"}
    code = [cell for cell in CELLS.values() if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count is not None]


def test_nbgrader_accepts_the_metadata_and_finds_all_points():
    notebook = nbformat.reads(FILES[NOTEBOOK].decode(), as_version=4)
    MetadataValidatorV3().validate_nb(notebook)
    meta = {cell.id: cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata}
    assert all(found.grade_id == name for name, found in meta.items())
    assert {name: found.points for name, found in meta.items() if found.grade} == POINTS
    assert sum(POINTS.values()) == 40

    def kinds(*names):
        return {(meta[name].grade, meta[name].solution, meta[name].locked) for name in names}

    assert kinds(*(f"exercise-{number}" for number in range(1, 8))) == {(False, True, False)}
    assert kinds(*(f"check-{number}" for number in range(1, 8))) == {(True, False, True)}
    assert kinds(*(f"answer-{number}" for number in range(1, 10))) == {(True, True, False)}
    assert kinds("exercise-1-text", "question-6-text", "imports", "saliency-figure") == {(False, False, True)}
    assert not {"setup", "own-class", "submit"} & set(meta)


def test_the_kit_is_fetched_from_the_address_given_and_never_from_the_references(released):
    def url(files):
        notebook = nbformat.reads(files[NOTEBOOK].decode(), as_version=4)
        (setup,) = [cell for cell in notebook.cells if cell.id == "setup"]
        return re.search(r'^KIT_URL = "(.*)"$', setup.source, re.M)[1]

    assert url(edition(ROOT, "https://example.org/a/kit.zip")[1]) == "https://example.org/a/kit.zip"
    assert url(FILES) == "https://YOUR-COURSE/NetworkVisualization.zip"


@pytest.mark.parametrize("url", ["example.org/kit.zip", "file:///kit.zip", 'https://x"; import os; "', "https://a b", ""])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match=r"--kit-url got .* expected an address that begins with https://"):
        edition(ROOT, url)


def test_every_target_of_the_students_makefile_is_listed_and_can_be_made(released):
    folder = released[0] / NAME
    targets = re.search(r"^\.PHONY: help (.*)$", (folder / "Makefile").read_text(), re.M)[1].split()
    listed = subprocess.run(["make"], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert sorted(re.findall(r"^make (\w+)", listed, re.M)) == sorted(targets)
    plan = subprocess.run(["make", "-n", *targets], cwd=folder, capture_output=True, text=True, check=True).stdout
    modules = re.findall(r"\bcs231n\.\w+", plan)
    assert set(modules) == {"cs231n.download", "cs231n.checks", "cs231n.submit"}
    for module in modules:
        path = folder / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_every_file_that_the_students_readme_names_is_there():
    readme = FILES["README.md"].decode()
    for target in re.findall(r"\]\(([^)#]+)\)", readme):
        assert target.startswith("https://") or target in FILES
    for module in re.findall(r"-m (cs231n[\w.]*)", readme):
        assert f"{module.replace('.', '/')}.py" in FILES or f"{module.replace('.', '/')}/__main__.py" in FILES


def test_what_the_readme_says_about_the_reference_stays_out_of_the_students():
    assert "solution" not in FILES["README.md"].decode().lower()


# Files with exercises and other functions, as the optional part has them

HALF = '''"""Half of this file is given."""

import math

import torch

SCALE = 2


def given(x):
    """Given."""
    return SCALE * x


def half(x):
    """Return the half.

    x: a number.
    """
    wide = given(x)
    # BEGIN SOLUTION
    quarter_of_it = wide / 4
    # END SOLUTION
    if math.isfinite(x):
        # BEGIN SOLUTION
        quarter_of_it = quarter_of_it + torch.zeros(())
        # END SOLUTION
        pass
    return quarter_of_it


def also_given(x):
    return math.sqrt(x)
'''


def with_half(reference, source=HALF, points="**Minutes** 5 · **Bonus points** 0"):
    """Write an optional exercise into a copy of the reference."""
    (reference / "cs231n" / "halves.py").write_text(source)
    notebook = nbformat.read(reference / NOTEBOOK, as_version=4)
    imported = "from cs231n.halves import half\n\nvis_utils.show_source(half)"
    notebook.cells += [
        nbformat.v4.new_markdown_cell(points, id="half-text"),
        nbformat.v4.new_code_cell(imported, id="half", metadata={"tags": ["exercise"]}),
        nbformat.v4.new_code_cell("check_half(half)", id="check-half", metadata={"tags": ["check"]}),
    ]
    nbformat.write(notebook, reference / NOTEBOOK)
    with (reference / LISTED).open("a") as file:
        file.write('\n[half]\nfunction = "half"\nmodule = "halves"\nsection = "9"\npoints = 0\nbonus = true\n')


def test_from_a_file_with_given_functions_only_the_solved_ones_are_taken_out(reference):
    with_half(reference)
    exercises, files = edition(reference)
    require_no_leaks(files, secrets(reference, exercises))
    assert [exercise.marked.name for exercise in exercises][-1] == "half"
    left = files["cs231n/halves.py"].decode()
    given = HALF[: HALF.index("def half")] + HALF[HALF.index("def also_given") :]
    assert left == given.replace("import torch\n\n", "")  # nothing that is left needs it
    (cell,) = [cell for cell in nbformat.reads(files[NOTEBOOK].decode(), as_version=4).cells if cell.id == "half"]
    assert cell.source.startswith("import math\nimport torch\n\nfrom cs231n.halves import given\n\n\ndef half(x):")
    assert cell.source.count("# YOUR CODE HERE\n") == cell.source.count("raise NotImplementedError(") == 2
    assert "quarter_of_it =" not in cell.source
    assert exercises[-1].solved == cell.source[: cell.source.index("def half")] + "\n".join(
        line for line in HALF[HALF.index("def half") : HALF.index("\n\n\ndef also")].splitlines() if "SOLUTION" not in line
    )


IMPORTS = """from pathlib import Path
from .validation import checked_batch, checked_image
from .vis_utils import (
    plot_filters,
    plot_fooling as fooling,
    plot_saliency,
    plot_scores,
    show_source,
)

import math, sys
import torch.nn.functional as F

"""
LONG = ", ".join(f"a_rather_long_name_{number}" for number in range(8))


def test_imports_that_only_solutions_need_are_gone_from_what_students_get(reference):
    used = "\n\ndef uses(X):\n    return checked_image, plot_filters, fooling, sys, " + LONG + "\n"
    imports = IMPORTS + f"from .names import (other, {LONG})\n"
    solution = "    # BEGIN SOLUTION\n    x = Path, checked_batch, plot_saliency, math, F, other\n    # END SOLUTION\n"
    with_half(reference, f"{imports}\n\ndef half(x):\n{solution}    return x\n{used}")
    left = edition(reference)[1]["cs231n/halves.py"].decode()
    assert left == (
        "from .validation import checked_image\nfrom .vis_utils import plot_filters, plot_fooling as fooling\n\nimport sys\n\n"
        "from .names import (\n    " + LONG.replace(", ", ",\n    ") + ",\n)\n" + used
    )


def test_the_solved_functions_of_the_optional_part_are_gone_and_what_is_given_beside_them_stays():
    for module in ("attribution", "feature_visualization"):
        left = ast.parse(FILES[f"cs231n/{module}.py"])
        solved = {exercise.marked.name for exercise in EXERCISES if exercise.marked.module == f"cs231n.{module}"}
        whole = {
            node.name for node in ast.parse((ROOT / f"cs231n/{module}.py").read_text()).body if isinstance(node, ast.FunctionDef)
        }
        assert solved
        assert {node.name for node in left.body if isinstance(node, ast.FunctionDef)} == whole - solved
        imported = {
            a.asname or a.name for node in left.body if isinstance(node, (ast.Import, ast.ImportFrom)) for a in node.names
        }
        assert imported <= {node.id for node in ast.walk(left) if isinstance(node, ast.Name)}


def test_a_module_that_imports_a_solved_function_is_refused(reference):
    with_half(reference)
    rewrite(reference / "cs231n" / "vis_utils.py", "import ", "from .halves import half\nimport ")
    with pytest.raises(ValueError, match=r"vis_utils\.py:\d+: half is an exercise, which students get without its solution"):
        edition(reference)


def test_a_given_function_that_uses_a_solved_one_is_refused(reference):
    with_half(reference, HALF.replace("math.sqrt(x)", "half(x)"))
    with pytest.raises(ValueError, match=r"halves\.py:15: half is an exercise, and the rest of the file uses it"):
        edition(reference)


# What the reference must not be

BEGIN, END = "    # BEGIN SOLUTION\n", "    # END SOLUTION\n"
SOLVED = "cs231n/net_visualization_pytorch.py"
# The lines of the three markers at which a solution begins.
FIRST, SECOND, THIRD = (n for n, line in enumerate((ROOT / SOLVED).read_text().splitlines(True), 1) if line == BEGIN)
SALIENCY = "saliency = gradient.abs().amax(dim=1)\n"


LAST = "img += learning_rate * ascent / (ascent.norm() + 1e-12)  # never 0 / 0\n"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        (SALIENCY + END, SALIENCY, SECOND - 1, f"'# BEGIN SOLUTION' inside of the solution that began in line {FIRST}"),
        (SALIENCY, SALIENCY + BEGIN, FIRST + 4, f"'# BEGIN SOLUTION' inside of the solution that began in line {FIRST}"),
        (LAST + END, LAST, THIRD, "'# BEGIN SOLUTION' without an '# END SOLUTION' below it"),
        (BEGIN, "", FIRST + 3, "'# END SOLUTION' without a '# BEGIN SOLUTION' above it"),
        (SALIENCY + END, SALIENCY + END + END, FIRST + 5, "'# END SOLUTION' without a '# BEGIN SOLUTION' above it"),
        (BEGIN, "    # Begin solution\n", FIRST, "'# Begin solution' looks like a marker"),
        (BEGIN, "    ### BEGIN SOLUTION\n", FIRST, "'### BEGIN SOLUTION' looks like a marker"),
        (SALIENCY + END, SALIENCY.strip() + "  # END SOLUTION\n", FIRST + 3, "'# END SOLUTION' looks like a marker"),
        ("import torch\n", "# BEGIN SOLUTION\nimport torch\n# END SOLUTION\n", 3, "is not in a function at the top level"),
        (BEGIN, BEGIN + "    # a word\n\n    pass\n" + END + BEGIN, FIRST, "equals its solution: there is no code between"),
        (BEGIN, "    if True:\n" + BEGIN + "        pass\n", FIRST + 1, "the stub of compute_saliency_maps is not Python"),
        ("import torch\n", "import torch as\n", 3, "Python cannot read this"),
    ],
)
def test_a_reference_with_wrong_markers_is_refused_with_file_and_line(reference, old, new, line, said):
    rewrite(reference / SOLVED, old, new)
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        edition(reference)
    assert f"net_visualization_pytorch.py:{line}: " in str(refused.value)


@pytest.mark.parametrize(
    ("cell", "old", "new", "said"),
    [
        ("exercise-2", "**Points** 7", "**Points**", r"the cell above it names no points; expected `\*\*Points\*\* N`"),
        ("exercise-2", "**Minutes** 25", "", "the cell above it names no minutes"),
        ("answer-5", " · **Points** 3", "", "the cell above it names no points"),
        ("exercise-4", "**Bonus points** 2", "", "the cell above it names no points"),
        ("answer-9", "**Bonus points** 2", "**Bonus points**", r"names no bonus points; expected `\*\*Bonus points\*\* N`"),
        ("exercise-2", "check_fooling_image(make_fooling_image)", "pass", "no check of make_fooling_image follows"),
        (
            "exercise-2",
            "import make_fooling_image",
            "import Path",
            "imports Path from cs231n; expected one function with",
        ),
        ("exercise-2", "from cs231n.net_visualization_pytorch import make_fooling_image", "", "imports nothing from cs231n"),
        ("exercise-2", "vis_utils.show_source(", "vis_utils.show_source)(", ":3: Python cannot read this"),
        ("setup", "KIT_URL = ", "ADDRESS = ", 'holds 0 lines `KIT_URL = "..."`'),
        ("climb", "climb = []", "climb = []  # BEGIN SOLUTION", "holds a marker of a solution"),
    ],
)
def test_a_notebook_with_an_incomplete_exercise_is_refused_with_file_and_line(reference, cell, old, new, said):
    path = reference / NOTEBOOK
    notebook = nbformat.read(path, as_version=4)
    names = [found.id for found in notebook.cells]
    near = notebook.cells[names.index(cell) - 1 : names.index(cell) + 2]
    changed = next(found for found in near if old in found.source)
    changed.source = changed.source.replace(old, new)
    nbformat.write(notebook, path)
    with pytest.raises(ValueError, match=said) as refused:
        edition(reference)
    assert f"{path}:{line_of(path, chr(34) + cell + chr(34))}: cell {cell}" in str(refused.value)


# Solutions that would go to students


def edited(kit, edit):
    """Change a kit's notebook in place: edit(cells, {id: cell})."""
    notebook = nbformat.read(kit / NOTEBOOK, as_version=4)
    edit(notebook.cells, {cell.id: cell for cell in notebook.cells})
    nbformat.write(notebook, kit / NOTEBOOK)


def drop_the_optional_part(kit):
    def edit(cells, by_id):
        first, after = cells.index(by_id["further-text"]), cells.index(by_id["learned"])
        del cells[first:after]

    edited(kit, edit)


def take_the_markers_away(path):
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "SOLUTION" not in line), encoding="utf-8")


OPTIONAL = {
    "attribution": ["compute_smoothgrad_maps", "compute_integrated_gradients", "compute_grad_cam_maps"],
    "feature_visualization": ["transform_images"],
}


def sentences_of_functions(kit, modules, said):
    """The start of the sentence on each of the optional functions, with its file and line."""
    files = {module: kit / "cs231n" / f"{module}.py" for module in modules}
    return [f"{files[m]}:{line_of(files[m], f'def {name}')}{said(name)}" for m in modules for name in OPTIONAL[m]]


def test_a_list_that_asks_for_more_than_the_notebook_is_refused(reference):
    drop_the_optional_part(reference)
    lacking = ["smoothgrad", "integrated_gradients", "grad_cam", "question-7", "question-8", "transformation", "question-9"]
    found = draft(reference).problems
    assert len(found) == len(lacking)
    for sentence, key in zip(found, lacking, strict=True):
        assert f"no cell asks for {key}, which cs231n/assignment.toml lists" in sentence


def test_an_exercise_that_the_course_leaves_out_is_left_out_of_the_edition_with_its_solution(reference):
    (reference / "course.toml").write_text('left-out = ["smoothgrad", "integrated_gradients", "grad_cam", "7.2"]')
    made = draft(reference, course_file=reference / "course.toml")
    assert made.problems == []
    assert [function.name for function in made.left_out()] == [name for names in OPTIONAL.values() for name in names]
    secret = secrets(reference, [], made.left_out())
    require_no_leaks(made.files, secret)
    assert "def compute_guided_backpropagation_maps" in made.files["cs231n/attribution.py"].decode()
    leaked = {"README.md": made.files["README.md"] + b"\nmaps = (weights * features).sum(dim=1, keepdim=True).relu()\n"}
    with pytest.raises(ValueError, match=r"README\.md:\d+ holds a line of the solution, .*attribution\.py:\d+"):
        require_no_leaks(made.files | leaked, secret)


def test_what_is_left_out_is_said(reference, tmp_path, monkeypatch, capsys):
    (reference / "cs231n" / "halves.py").write_text(HALF)
    for trial in ("require_stubs_run", "require_solutions_right"):
        monkeypatch.setattr(release, trial, lambda root, exercises: None)
    release.release(tmp_path / "out", kit=reference)
    place = f"{reference}/cs231n/halves.py:21"
    assert f"leaving out half ({place}), which is not an exercise of this edition" in capsys.readouterr().err
    assert "def half" not in (tmp_path / "out" / NAME / "cs231n" / "halves.py").read_text()


def test_solutions_whose_markers_were_taken_away_with_their_exercises_are_refused_with_file_and_line(reference):
    drop_the_optional_part(reference)
    for module in OPTIONAL:
        take_the_markers_away(reference / "cs231n" / f"{module}.py")
    expected = sentences_of_functions(
        reference, OPTIONAL, lambda name: f": {name} is an exercise, and students would get it solved"
    )
    found = draft(reference).problems
    assert len(found) == len(expected)
    for sentence in expected:
        assert [text for text in found if text.startswith(sentence)]


def test_every_exercise_whose_function_has_no_markers_is_named_with_both_places(reference):
    take_the_markers_away(reference / "cs231n" / "attribution.py")
    found = draft(reference).problems
    ends = sentences_of_functions(reference, ["attribution"], lambda name: ".")
    assert len(found) == len(ends) == 3
    for number, sentence, end in zip((4, 5, 6), found, ends, strict=True):
        line = line_of(reference / NOTEBOOK, f'"exercise-{number}"')
        assert sentence.startswith(f"{reference / NOTEBOOK}:{line}: cell exercise-{number} is an exercise and imports ")
        assert sentence.endswith(f", but there is none in {end}")


def test_a_copy_of_a_solved_file_without_markers_is_refused(reference):
    copied = reference / "cs231n" / "attribution-Copy1.py"
    shutil.copy(reference / "cs231n" / "attribution.py", copied)
    take_the_markers_away(copied)
    found = draft(reference).problems
    assert [text.split(": ")[0] for text in found] == [
        f"{copied}:{line_of(copied, f'def {name}')}" for name in OPTIONAL["attribution"]
    ]


def test_an_exercise_without_tag_and_markers_is_found_by_the_heading_that_names_it(reference):
    with_half(reference, HALF.replace("    # BEGIN SOLUTION\n", "").replace("    # END SOLUTION\n", ""))

    def edit(cells, by_id):
        by_id["half-text"].source = "### Exercise 8: `half`\n\n**Minutes** 5 · **Points** 0"
        by_id["half"].metadata = {}
        by_id["half"].source = "%matplotlib inline\n" + by_id["half"].source

    edited(reference, edit)
    found = "\n".join(draft(reference).problems)
    halves = reference / "cs231n" / "halves.py"
    assert f"{halves}:{line_of(halves, 'def half')}: half is an exercise, and students would get it solved" in found
    assert f"cell half-text (index {len(CELLS)}) asks a question or gives points, and no cell with the tag" in found
    assert "cell half imports or defines half, which is an exercise, but lacks the tag `exercise`" in found


def test_a_solved_function_in_a_cell_of_the_notebook_is_refused(reference):
    def edit(cells, by_id):
        by_id["climb"].source += "\n\ndef make_fooling_image(X, target_y, model):\n    return X"

    edited(reference, edit)
    (found,) = draft(reference).problems
    assert "cell climb imports or defines make_fooling_image, which is an exercise" in found


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("```python\n# BEGIN SOLUTION\nx = 1\n```", True),
        ("### END SOLUTION", True),
        ("In the end, solutions are compared.", False),
        ("From the beginning: solutions are hard to find.", False),
    ],
)
def test_a_marker_in_a_text_of_the_notebook_is_refused_and_prose_is_not(reference, text, refused):
    def edit(cells, by_id):
        by_id["saliency-seen"].source += f"\n\n{text}"

    edited(reference, edit)
    assert ["cell saliency-seen holds a marker of a solution" in found for found in draft(reference).problems] == [True] * refused


def test_wrong_markers_in_several_files_are_all_named(reference):
    for module in ("attribution", "feature_visualization"):
        rewrite(reference / "cs231n" / f"{module}.py", "    # BEGIN SOLUTION\n", "")
    with pytest.raises(ValueError, match="without") as refused:
        edition(reference)
    found = str(refused.value).split("\n")
    assert [re.search(r"(\w+)\.py:\d+: '# END SOLUTION' without", text)[1] for text in found] == [
        "attribution",
        "feature_visualization",
    ]


def test_an_exercise_whose_function_has_no_markers_is_refused(reference):
    with_half(reference, HALF.replace("    # BEGIN SOLUTION\n", "").replace("    # END SOLUTION\n", ""))
    with pytest.raises(ValueError, match=rf"{NOTEBOOK}:\d+: cell half is an exercise and imports half from cs231n; expected"):
        edition(reference)


def test_a_solution_of_words_that_stand_anywhere_is_refused_since_nothing_could_be_proven(reference):
    empty = "def half(x):\n    # BEGIN SOLUTION\n    for _ in range(100):\n        break\n    # END SOLUTION\n    return x\n"
    with_half(reference, empty)
    with pytest.raises(ValueError, match=r"halves\.py:2: no line of this solution differs from code that could be anywhere"):
        secrets(reference, edition(reference)[0])


# The proof that nothing leaks


def in_output(text, kind="text/plain"):
    notebook = json.loads(FILES[NOTEBOOK])
    output = {"output_type": "display_data", "data": {kind: text}, "metadata": {}}
    next(cell for cell in notebook["cells"] if cell["id"] == "climb")["outputs"] = [output]
    return {NOTEBOOK: json.dumps(notebook, indent=1).encode()}


def in_attachment(text):
    notebook = json.loads(FILES[NOTEBOOK])
    attached = {"a.txt": {"text/plain": base64.b64encode(text.encode()).decode()}}
    next(cell for cell in notebook["cells"] if cell["id"] == "learned")["attachments"] = attached
    return {NOTEBOOK: json.dumps(notebook, indent=1).encode()}


def in_arrays(**arrays):
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return {"cs231n/checks/fingerprints.npz": content.getvalue()}


def appended(name, text):
    return {name: FILES[name] + text.encode()}


LINE = "saliency = gradient.abs().amax(dim=1)"
SENTENCE = 'A large value of $M$ means "the score is sensitive here", not "more of this raises the score".'
ANSWER_1 = next(cell.source for cell in nbformat.read(ROOT / NOTEBOOK, as_version=4).cells if cell.id == "answer-1")
RUBRIC_LINE = re.search(r"^\* 3: no; (.*)$", ANSWER_1, re.M)[1]
LEAKS = {
    "a comment": appended("cs231n/vis_utils.py", f"# {LINE}\n"),
    "other spaces": appended("cs231n/vis_utils.py", "x = 1\nsaliency=gradient.abs( ).amax(dim = 1)\n"),
    "broken over lines": appended("cs231n/vis_utils.py", "saliency = gradient.abs().amax(\n    dim=1\n)\n"),
    "a short but telling line": appended("cs231n/vis_utils.py", "    scores = model(X_fooling)\n"),
    "a text": appended("README.md", f"\nTry `{LINE}`.\n"),
    "an output": in_output(["something\n", f"    {LINE}\n"]),
    "an output in HTML": in_output("<b>saliency</b> = <i>gradient</i>.abs().amax(dim<span>=</span>1)", "text/html"),
    "an output in escaped HTML": in_output("<pre>(ascent,) = torch.autograd.grad(objective&#44; img)</pre>", "text/html"),
    "a label": in_arrays(**{f"known/{LINE}/ids": np.zeros(3)}),
    "an array of strings": in_arrays(labels=np.array(["x", LINE])),
    "an array of bytes": in_arrays(labels=np.frombuffer(LINE.encode(), dtype=np.uint8)),
    "a name of a file": {f"cs231n/{LINE}.md": b""},
    "a model answer": appended("cs231n/checks/README.md", f"\n{SENTENCE}\n"),
    "a model answer in the notebook": in_output(SENTENCE),
    "an attached text": in_attachment(f"Try {LINE}."),
    "a rubric": appended("README.md", RUBRIC_LINE),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_found(leak):
    with pytest.raises(
        ValueError, match=r" holds a (line of the solution|model answer), .*:\d+.*Nothing was released\."
    ) as refused:
        require_no_leaks(FILES | LEAKS[leak], SECRETS)
    (name,) = LEAKS[leak]
    assert str(refused.value).startswith(name)


def test_a_leak_is_told_with_its_line():
    files = FILES | appended("cs231n/vis_utils.py", f"# {LINE}\n")
    number = files["cs231n/vis_utils.py"].decode().count("\n")
    origin = f"a line of the solution, {ROOT}/cs231n/net_visualization_pytorch.py:{FIRST + 3}"
    with pytest.raises(ValueError, match=re.escape(f"cs231n/vis_utils.py:{number} holds {origin}. Nothing was released.")):
        require_no_leaks(files, SECRETS)
    files = FILES | in_output([f'{LINE} and "more"\n'])
    number = next(i for i, line in enumerate(files[NOTEBOOK].decode().splitlines(), 1) if LINE in line)
    place = f"{NOTEBOOK}:{number}: cell climb (index {index_of('climb')})"
    with pytest.raises(ValueError, match=re.escape(f"{place} holds {origin}")):
        require_no_leaks(files, SECRETS)


def test_all_leaks_are_told_not_only_the_first():
    python = appended("cs231n/vis_utils.py", f"# {LINE}\n# Rubric: 4: no\n")
    markdown = appended("README.md", f"\n## Rubric\n\n{SENTENCE}\n")
    with pytest.raises(ValueError, match=r"holds") as refused:
        require_no_leaks(markdown | python | {"tests/x.py": b""}, SECRETS)
    found = [re.sub(r":\d+ |, /.*|, which.*", " ", text).strip() for text in str(refused.value).split("\n")]
    assert found == [
        "README.md holds a model answer",
        'README.md has "## Rubric"',
        "cs231n/vis_utils.py holds a line of the solution",
        'cs231n/vis_utils.py has "# Rubric: 4: no"',
        "tests/x.py does not belong in a student edition. Nothing was released.",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "\n**Rubric (4 points).**\n"),
        ("README.md", "\n<details><summary>Model answer</summary>no</details>\n"),
        ("datasets/README.md", "\n### Model answer\n"),
        ("cs231n/checks/README.md", "\n| Rubric | 4 |\n"),
        ("Makefile", "\n# Model answer: no\n"),
        ("get_datasets.sh", "\n# Rubric: 4: no\n"),
        ("cs231n/vis_utils.py", '\nNOTE = "Model answer: no"\n'),
        ("datasets/sources.json", '{"notes": "Rubric (4 points)"}'),
    ],
)
def test_a_text_that_begins_like_a_model_answer_is_a_leak_in_every_file(name, text):
    files = {name: text.encode()} if name.endswith(".json") else appended(name, text)
    with pytest.raises(
        ValueError, match=rf'{name}:\d+ has ".*(Rubric|Model answer).*", which looks like a model answer\. Nothing was released'
    ):
        require_no_leaks(files, SECRETS)


@pytest.mark.parametrize(
    "text",
    ["The rubric is on the course's page.", "Rubrics are published after\nthe answers.", "Write an answer, by the\nrubric."],
)
def test_prose_about_answers_and_rubrics_is_no_leak(text):
    comment = "".join(f"# {line}\n" for line in text.split("\n"))
    require_no_leaks(appended("README.md", f"\n{text}\n") | appended("cs231n/vis_utils.py", comment), SECRETS)


def test_leaks_are_told_with_the_lines_of_the_kits_own_files(reference):
    """Students' files have other names and lines: imports and solutions are gone, outputs as well."""
    package = reference / "cs231n"
    attribution, readme = package / "attribution.py", package / "instructor" / "release" / "student_README.md"
    for path in (attribution, readme):
        path.write_text(path.read_text(encoding="utf-8") + f"\n# {LINE}\n# Rubric: 4: no\n", encoding="utf-8")
    edited(reference, lambda cells, by_id: by_id["saliency-seen"].update(source=f"Try\n{LINE}"))
    made = draft(reference)
    with pytest.raises(ValueError, match="holds") as refused:
        require_no_leaks(made.files, SECRETS, made.reference, made.originals())
    place = f"{reference / NOTEBOOK}:{line_of(reference / NOTEBOOK, LINE)}"
    expected = {f"{place}: cell saliency-seen (index {index_of('saliency-seen')}) holds"}
    for path, text in ((attribution, attribution.read_text()), (readme, readme.read_text())):
        last = len(text.splitlines())
        name = path.relative_to(reference)
        expected |= {f"{name}:{last - 1} holds", f"{name}:{last} has"}
    assert {re.match(r".*? (holds|has)(?= )", text)[0] for text in str(refused.value).split("\n")} == expected


def test_a_rubric_in_the_given_part_of_an_exercise_is_refused(reference):
    rewrite(reference / SOLVED, BEGIN, "    # Rubric: 4: no\n" + BEGIN)
    (found,) = draft(reference).problems
    assert found.startswith(f"{reference / SOLVED}:{FIRST} has '# Rubric: 4: no', which looks like a model answer")


def test_with_an_answer_its_pictures_go_and_of_the_notebooks_metadata_only_what_a_student_needs_stays(reference):
    notebook = json.loads((reference / NOTEBOOK).read_text(encoding="utf-8"))
    kept = {"accelerator": "GPU", **notebook["metadata"]}
    notebook["metadata"] = {"colab": {"provenance": [{"file_id": "1aBc"}]}, "widgets": {}, **kept}
    for cell in notebook["cells"]:
        if cell["id"] in ("answer-1", "learned"):
            cell["attachments"] = {"image.png": {"image/png": "iVBORw0KGgo="}}
    (reference / NOTEBOOK).write_text(json.dumps(notebook), encoding="utf-8")
    student = json.loads(edition(reference)[1][NOTEBOOK])
    assert student["metadata"] == kept
    assert [cell["id"] for cell in student["cells"] if "attachments" in cell] == ["learned"]


def test_a_notebook_whose_ids_colab_moved_gives_the_same_edition(reference):
    notebook = json.loads((reference / NOTEBOOK).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["metadata"]["id"] = cell.pop("id")
    (reference / NOTEBOOK).write_text(json.dumps(notebook | {"nbformat_minor": 0}), encoding="utf-8")
    assert edition(reference)[1] == FILES


def test_without_the_id_of_the_setup_cell_the_references_address_is_not_released(reference):
    edited(reference, lambda cells, by_id: by_id["setup"].update(id="3f2a9c01"))
    (found,) = draft(reference).problems
    assert "has no cell with the id setup" in found


ANYWHERE = "with torch.no_grad():", "for _ in range(100):", "else:", "break", "def warn_not_fooled(X_fooling, target_y, model):"


@pytest.mark.parametrize("text", ANYWHERE)
def test_what_stands_in_any_code_is_no_leak(text):
    require_no_leaks(FILES | appended("cs231n/vis_utils.py", f"    {text}\n"), SECRETS)


def test_every_line_of_the_solutions_is_searched_for_but_for_those_that_say_nothing():
    regions = re.findall(r"# BEGIN SOLUTION\n(.*?)# END SOLUTION", (ROOT / SOLVED).read_text(), re.S)
    lines = [re.sub(r"\s+|#.*", "", line) for region in regions for line in region.splitlines()]
    assert [line for line in lines if line and line not in SECRETS] == [
        "for_inrange(100):",
        "break",
        "withtorch.no_grad():",
        "else:",
        "withtorch.no_grad():",
    ]


def test_a_comment_of_a_solution_is_a_secret_too(reference):
    comment = "    # the images do not see each other, so one pass is enough\n"
    rewrite(reference / SOLVED, BEGIN, BEGIN + comment)
    exercises, files = edition(reference)
    with pytest.raises(
        ValueError, match=rf"README\.md:\d+ holds a line of the solution, .*net_visualization_pytorch\.py:{FIRST + 1}"
    ):
        require_no_leaks(files | appended("README.md", comment), secrets(reference, exercises))


@pytest.mark.parametrize(
    "name", [".git/objects/ab", "cs231n/instructor/grading/rubric.toml", "tests/test_x.py", "cs231n/__pycache__/x.pyc"]
)
def test_a_file_that_belongs_in_no_edition_is_found(name):
    with pytest.raises(ValueError, match=f"{name} does not belong in a student edition"):
        require_no_leaks(FILES | {name: b""}, SECRETS)


def test_pickled_objects_are_refused():
    content = io.BytesIO()
    np.savez(content, labels=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="holds pickled objects"):
        require_no_leaks({"x.npz": content.getvalue()}, SECRETS)


def test_a_leak_in_the_reference_stops_the_release_before_anything_is_written(reference, tmp_path):
    rewrite(reference / "cs231n" / "vis_utils.py", "import ", f"# {LINE}\nimport ")
    with pytest.raises(ValueError, match=r"cs231n/vis_utils\.py:\d+ holds a line of the solution"):
        release.release(tmp_path / "deep" / "out", kit=reference)
    assert not (tmp_path / "deep").exists()


def test_the_command_refuses_with_all_findings_and_what_was_there_stays(reference, released, tmp_path):
    def edit(cells, by_id):
        by_id["answer-1"].metadata = {}
        by_id["answer-7"].metadata = {"tags": ["inline_answer"]}
        cells.insert(cells.index(by_id["answer-3"]) + 1, nbformat.v4.new_markdown_cell("The second half.", id="half"))

    edited(reference, edit)
    drop = reference / "cs231n" / "feature_visualization.py"
    take_the_markers_away(drop)
    readme = reference / "cs231n" / "instructor" / "release" / "student_README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\n## Rubric\n", encoding="utf-8")
    out = tmp_path / "out"
    shutil.copytree(released[0], out)
    command = [sys.executable, "-m", "cs231n.instructor", "release", "--out", str(out)]
    ran = subprocess.run(command, cwd=reference, capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    for said in (
        rf"{NOTEBOOK}:\d+: cell answer-1 \(index {index_of('answer-1')}\) looks like a model answer",
        rf"{NOTEBOOK}:\d+: cell half \(index {index_of('answer-3') + 1}\) looks like a model answer",
        rf"{NOTEBOOK}:\d+: cell answer-7 \(index {index_of('answer-7') + 1}\) looks like a model answer",
        rf"cell exercise-7 .* but there is none in .*feature_visualization\.py:{line_of(drop, 'def transform_images')}\.",
        r'student_README\.md:\d+ has "## Rubric", which looks like a model answer\. Nothing was released\.',
    ):
        assert len(re.findall(said, ran.stderr)) == 1
    assert len(ran.stderr.strip().split("\n")) == 1 + 5
    kept = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert kept == {path.relative_to(released[0]): path.read_bytes() for path in released[0].rglob("*") if path.is_file()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cs231n", "out"]


# The proof that it runs


@pytest.fixture
def small(tmp_path):
    """A function that writes an edition whose notebook has these cells {id: source}, and returns its folder."""

    def write(**cells):
        (tmp_path / "cs231n").mkdir()
        (tmp_path / "cs231n" / "__init__.py").touch()
        code = [nbformat.v4.new_code_cell(source, id=name) for name, source in cells.items()]
        nbformat.write(nbformat.v4.new_notebook(cells=code), tmp_path / NOTEBOOK)
        return tmp_path

    return write


ONE = dataclasses.replace(EXERCISES[0], check="check")
UNFINISHED = 'print("… compute_saliency_maps: not implemented yet.")'


def test_a_stub_notebook_that_goes_through_and_says_what_is_unfinished_is_accepted(small):
    require_stubs_run(small(check=UNFINISHED), [ONE])


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"bad": "1 / 0", "check": UNFINISHED}, r"does not run to the end:\n(.|\n)*ZeroDivisionError"),
        (
            {"check": "print('✓ right')"},
            "Cell check of the edition printed '✓ right.*; expected 'compute_saliency_maps: not",
        ),
        ({"bad": "import os; os._exit(1)", "check": UNFINISHED}, "does not run to the end:\n.*died"),
    ],
)
def test_a_stub_notebook_that_does_not_is_refused(small, cells, said):
    with pytest.raises(ValueError, match=said):
        require_stubs_run(small(**cells), [ONE])


def test_a_module_that_students_do_not_get_is_not_found_through_pythonpath(small, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    root = small(check=UNFINISHED)
    shutil.rmtree(root / "cs231n")
    with pytest.raises(ValueError, match="No module named 'cs231n'"):
        require_stubs_run(root, [ONE])


def test_a_package_from_elsewhere_is_noticed(small, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "cs231n").mkdir()
    for name in ("__init__.py", "other.py"):
        (elsewhere / "cs231n" / name).touch()
    root = small(check=f"import sys\nsys.path.insert(0, {str(elsewhere)!r})\n{UNFINISHED}")
    with pytest.raises(ValueError, match=r"The edition used .*cs231n/.*, which is not its own"):
        require_stubs_run(root, [ONE])


def test_a_check_that_does_not_call_the_solution_right_is_refused(small):
    cells = {EXERCISES[0].cell: "raise NotImplementedError", "check": UNFINISHED}
    with pytest.raises(ValueError, match="expected 'compute_saliency_maps is correct' in it"):
        require_solutions_right(small(**cells), [dataclasses.replace(ONE, solved="def compute_saliency_maps(): pass")])


def test_solutions_that_are_not_right_in_the_edition_are_refused(released):
    wrong = dataclasses.replace(EXERCISES[0], solved=EXERCISES[0].solved.replace(".abs()", ""))
    with (
        unpacked(released[0] / f"{NAME}.zip", ROOT) as root,
        pytest.raises(
            ValueError,
            match=r"✗ compute_saliency_maps is wrong: no absolute value(.|\n)*expected 'compute_saliency_maps is correct' in it",
        ),
    ):
        require_solutions_right(root, [wrong, *EXERCISES[1:]])
    assert not root.exists()
