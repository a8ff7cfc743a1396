"""Handing in: what is missing is told with its place, and what is written is whole."""

import copy
import gc
import json
import os
import re
import subprocess
import sys
import time
import types
import zipfile

import nbformat
import pytest
from helpers.notebooks import notebook_client
from helpers.places import ROOT

from cs231n import checked, checks, pages, submit, whole_file
from cs231n.checks.report import Verdict
from cs231n.instructor.release.edition import edition
from cs231n.instructor.sandbox.inside.reading import outline

NAME = "NetworkVisualization.ipynb"
STUB_EXERCISES, FILES = edition(ROOT)
SOLVED = {exercise.cell: exercise.solved for exercise in STUB_EXERCISES}
OPTIONAL = ("exercise-4", "exercise-5", "exercise-6", "answer-7", "answer-8", "exercise-7", "answer-9")  # in the notebook's order


def filled():
    """The notebook of the student edition with everything done, as if it had been run from top to bottom."""
    notebook = nbformat.reads(FILES[NAME].decode(), as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.execution_count = count
        cell.source = SOLVED.get(cell.id, cell.source)
    for cell in notebook.cells:
        if "inline-answer" in cell.metadata.get("tags", []):
            cell.source = f"*Your answer:* my words about {cell.id}."
    return notebook


def cell(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def place(notebook, name):
    """Return the number of a cell, from 1, and how many code cells with a source there are apart from the one that submits."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    return [cell.id for cell in notebook.cells].index(name) + 1, len(code) - 1


def without(notebook, *names):
    """Undo what a student has done in these cells."""
    untouched = {cell.id: cell.source for cell in nbformat.reads(FILES[NAME].decode(), as_version=4).cells}
    for name in names:
        cell(notebook, name).source = untouched[name]
    return notebook


def told(captured):
    """Return what was printed, whatever line it is on."""
    return " ".join((captured.readouterr().out).split())


def saved(notebook, folder):
    path = folder / NAME
    nbformat.write(notebook, path)
    return path


# What is written


def test_a_finished_notebook_becomes_a_zip_with_the_notebook_and_a_page(tmp_path, capsys):
    path = saved(filled(), tmp_path)
    assert submit.main([str(path)]) == 0
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == [NAME, "NetworkVisualization.html"]
        assert archive.read(NAME) == path.read_bytes()
        page = archive.read("NetworkVisualization.html").decode()
    assert "my words about answer-6" in page
    printed = told(capsys)
    assert "NetworkVisualization.ipynb and a copy to look at, NetworkVisualization.html" in printed
    assert str(tmp_path / "submission.zip") in printed
    assert {entry.name for entry in tmp_path.iterdir()} == {NAME, "submission.zip"}


def test_the_path_of_the_zip_is_on_one_line_whatever_is_in_it(tmp_path, capsys):
    folder = tmp_path / ("a folder with many spaces in its name " * 3).strip() / "für 231n"
    folder.mkdir(parents=True)
    assert submit.main([str(saved(filled(), folder))]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / "submission.zip")


def test_an_earlier_zip_stays_if_the_new_one_cannot_be_written(tmp_path, monkeypatch, capsys):
    path = saved(filled(), tmp_path)
    (tmp_path / "submission.zip").write_text("earlier")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_file.os, "replace", full)
    assert submit.main([str(path)]) == 1
    assert "No space left" in capsys.readouterr().err
    assert (tmp_path / "submission.zip").read_text() == "earlier"
    assert {entry.name for entry in tmp_path.iterdir()} == {NAME, "submission.zip"}


def test_the_students_code_is_never_run(tmp_path):
    notebook = filled()
    mark = tmp_path / "it ran"
    cell(notebook, "exercise-1").source += f"\n\nopen({str(mark)!r}, 'w').close()\n"
    assert submit.main([str(saved(notebook, tmp_path))]) == 0
    assert not mark.exists()


def test_it_works_in_a_student_edition_without_torch(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    saved(filled(), tmp_path)
    code = "import sys; sys.modules['torch'] = None; from cs231n.submit import main; sys.exit(main([]))"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


# What is missing


def test_an_untouched_notebook_is_told_all_that_is_missing_and_nothing_is_written(tmp_path, capsys):
    path = tmp_path / NAME
    path.write_bytes(FILES[NAME])
    assert submit.main([str(path)]) == 1
    printed = told(capsys)
    assert "To do before you hand it in (10):" in printed
    for exercise in submit.EXERCISES:
        assert f"{exercise} is not written yet." in printed
    for number in range(1, 7):
        assert f"Inline question {number} has no answer." in printed
    count = place(filled(), "submit")[1]
    assert f'{count} of {count} code cells were not run: cell 3 (under "1. Setup")' in printed
    assert "The optional section is not done. That is fine: it gives bonus points only." in printed
    assert "submission.zip was not written. To hand in the notebook as it is: add the option --incomplete." in printed
    assert list(tmp_path.iterdir()) == [path]


def test_an_incomplete_notebook_can_be_handed_in_all_the_same(tmp_path, capsys):
    path = tmp_path / NAME
    path.write_bytes(FILES[NAME])
    assert submit.main([str(path), "--incomplete"]) == 0
    assert "To do before you hand it in (10):" in told(capsys)
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.read(NAME) == FILES[NAME]


NOT_WRITTEN = {
    "def compute_saliency_maps(X, y, model):\n    raise NotImplementedError": "is not written yet",
    "def compute_saliency_maps(X, y, model):\n    X = X + 1\n    raise NotImplementedError('later')": "is not written yet",
    "def compute_saliency_maps(X, y, model):\n    pass": "is not written yet",
    'def compute_saliency_maps(X, y, model):\n    """Words."""\n    ...': "is not written yet",
    "def another(X, y, model):\n    return X": "is not defined in any cell that Python can read",
    "def compute_saliency_maps(X, y, model)\n    return X": "is not defined in any cell that Python can read",
    "from mine import compute_saliency_maps": "is imported from mine, and there is no such file next to the notebook",
    "": "is not defined in any cell that Python can read",
}


@pytest.mark.parametrize("source", NOT_WRITTEN)
def test_an_exercise_that_is_not_written_is_told(source):
    notebook = filled()
    cell(notebook, "exercise-1").source = source
    (told, *_) = submit.missing(notebook)
    assert told.startswith(f"compute_saliency_maps {NOT_WRITTEN[source]}")


@pytest.mark.parametrize(
    "source",
    [
        "def compute_saliency_maps(X, y, model):\n    return X.wrong",
        "%%time\ndef compute_saliency_maps(X, y, model):\n    !ls\n    return X",
        "compute_saliency_maps = lambda X, y, model: X",
        "def compute_saliency_maps(X, y, model):\n    pass\n\ndef compute_saliency_maps(X, y, model):\n    return X",
    ],
)
def test_whatever_is_written_counts_as_attempted_right_or_wrong(source):
    notebook = filled()
    cell(notebook, "exercise-1").source = source
    assert submit.missing(notebook) == []


def test_the_last_definition_counts_as_it_does_when_the_notebook_runs():
    notebook = filled()
    count = place(notebook, "submit")[1] + 1
    stub = nbformat.v4.new_code_cell("def make_fooling_image(X, target_y, model):\n    pass", execution_count=count)
    notebook.cells.insert(-1, stub)
    assert submit.missing(notebook) == [
        "make_fooling_image is not written yet. Write it in the cell of its exercise, instead of the line with `raise`."
    ]


def test_cells_that_were_not_run_or_failed_are_named_with_their_place():
    notebook = filled()
    cell(notebook, "climb").execution_count = None
    number, count = place(notebook, "climb")
    where = f'cell {number} (under "Exercise 3: class_visualization_update_step")'
    (told,) = submit.missing(notebook)
    assert told.startswith(f"1 of {count} code cells were not run: {where}. Restart")

    notebook = filled()
    cell(notebook, "check-2").outputs = [nbformat.v4.new_output("error", ename="WrongAnswer", evalue="", traceback=[])]
    (told,) = submit.missing(notebook)
    number, _ = place(notebook, "check-2")
    assert told.startswith(f'cell {number} (under "Exercise 2: make_fooling_image") ends in an error.')


def test_the_order_in_which_cells_were_run_is_advice_and_no_reason_to_refuse(tmp_path, capsys):
    notebook = filled()
    expected, (number, _) = cell(notebook, "climb").execution_count, place(notebook, "climb")
    cell(notebook, "climb").execution_count = 77
    assert submit.missing(notebook) == []
    assert submit.main([str(saved(notebook, tmp_path))]) == 0
    printed = told(capsys)
    assert "Advice: the cells were not run once each from top to bottom" in printed
    assert f"cell {number} (under" in printed
    assert f"was run as number 77, not {expected}" in printed
    assert submit.main([str(saved(filled(), tmp_path))]) == 0
    assert "Advice" not in told(capsys)


def test_empty_cells_and_the_cell_that_submits_need_no_run():
    notebook = filled()
    cell(notebook, "submit").execution_count = None
    notebook.cells.insert(5, nbformat.v4.new_code_cell("  \n"))
    assert submit.missing(notebook) == []
    cell(notebook, "submit").execution_count = 90
    assert submit.missing(notebook) == []


@pytest.mark.parametrize(
    "text", ["*Your answer:*", "", " \n", "**Your answer:**\n\n> ", "Type your answer here", "<!-- a hint -->", "..."]
)
def test_an_answer_without_words_is_told(text):
    notebook = filled()
    cell(notebook, "answer-3").source = text
    assert submit.missing(notebook) == ["Inline question 3 has no answer. Write it in the cell below the question."]
    assert submit.answers(notebook)["question-3"] == ""


def test_an_answer_is_found_by_its_id_by_nbgraders_and_by_its_place():
    notebook = filled()
    for number, name in enumerate(["other", "renamed"], 1):
        cell(notebook, f"answer-{number}").id = name
    del cell(notebook, "renamed").metadata["nbgrader"]
    cell(notebook, "answer-3").source = "*Your answer:*"
    below = notebook.cells.index(cell(notebook, "answer-3")) + 1
    notebook.cells.insert(below, nbformat.v4.new_markdown_cell("In a cell of its own."))
    notebook.cells.remove(cell(notebook, "answer-4"))
    found = submit.answers(notebook)
    assert found["question-1"] == "my words about answer-1."
    assert found["question-2"] == "my words about answer-2."
    assert found["question-3"] == "In a cell of its own."
    assert found["question-4"] == ""
    assert found["question-5"] == "my words about answer-5."
    assert submit.missing(notebook) == ["Inline question 4 has no answer. Write it in the cell below the question."]


def test_it_knows_the_exercises_of_the_checks_and_the_questions_of_the_notebook():
    assert (*submit.EXERCISES, *submit.OPTIONAL_EXERCISES) == tuple(checks.EXERCISES)
    headings = re.findall(r"^### Inline question (\d+)", "\n".join(cell.source for cell in filled().cells), re.M)
    assert [int(number) for number in headings] == [*submit.QUESTIONS, *submit.OPTIONAL_QUESTIONS]


# The optional part


def test_who_leaves_the_optional_part_out_has_nothing_to_do_and_is_told_that_this_is_fine(tmp_path, capsys):
    assert submit.main([str(saved(without(filled(), *OPTIONAL), tmp_path))]) == 0
    printed = told(capsys)
    assert "To do" not in printed
    assert printed.count("The optional section is not done. That is fine: it gives bonus points only.") == 1
    assert (tmp_path / "submission.zip").exists()


@pytest.mark.parametrize(
    ("left", "told"),
    [
        ((), ""),
        (("exercise-4",), "Of the optional section, 1 of 4 exercises and 0 of 3 questions are not done. That is fine"),
        (("exercise-5", "exercise-7", "answer-8"), "2 of 4 exercises and 1 of 3 questions are not done. That is fine"),
        (OPTIONAL[:-1], "4 of 4 exercises and 2 of 3 questions are not done. That is fine"),
        (OPTIONAL, "The optional section is not done. That is fine"),
    ],
)
def test_what_is_left_of_the_optional_part_is_told_in_one_line_and_is_nothing_to_do(left, told):
    notebook = without(filled(), *left)
    assert submit.missing(notebook) == []
    sentence = submit.left_out(notebook)
    assert told in sentence
    assert bool(sentence) == bool(told)
    assert "\n" not in sentence


def test_a_notebook_that_never_had_an_optional_part_can_be_handed_in():
    notebook = filled()
    notebook.cells = [cell for cell in notebook.cells if cell.id not in OPTIONAL]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.execution_count = count
    assert submit.missing(notebook) == []
    assert "The optional section is not done" in submit.left_out(notebook)


def test_cells_of_the_optional_part_must_have_been_run_as_all_others():
    notebook = without(filled(), *OPTIONAL)
    cell(notebook, "check-5").execution_count = None
    (told,) = submit.missing(notebook)
    assert told.startswith(f"1 of {place(notebook, 'submit')[1]} code cells were not run: cell {place(notebook, 'check-5')[0]} (")


def test_answers_of_the_optional_part_are_found():
    found = submit.answers(filled())
    assert list(found) == [f"question-{number}" for number in range(1, 10)]
    assert found["question-8"] == "my words about answer-8."


# What cannot be handed in


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "There is no file"),
        (b'{"cells": [', "is not a notebook, or it is damaged"),
        (b"\xff\xfe\x00", "is not a notebook, or it is damaged"),
        (b"[]", "is not a notebook, or it is damaged"),
        (b'{"cells": [{"cell_type": "code"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "with anything in them"),
        (nbformat.writes(nbformat.v4.new_notebook()).encode(), "holds no cells"),
    ],
)
def test_what_is_no_notebook_is_refused_even_as_incomplete(tmp_path, capsys, content, said):
    path = tmp_path / NAME
    if content is not None:
        path.write_bytes(content)
    assert submit.main([str(path), "--incomplete"]) == 1
    output = capsys.readouterr()
    assert said in output.err
    assert output.out == ""
    assert not (tmp_path / "submission.zip").exists()


def test_the_reference_is_recognised_and_not_handed_in(tmp_path, capsys):
    (tmp_path / NAME).write_bytes((ROOT / NAME).read_bytes())
    assert submit.main([str(tmp_path / NAME), "--incomplete"]) == 1
    assert told(capsys) == (
        "NetworkVisualization.ipynb is the reference notebook: it imports the solutions. There is nothing to submit."
    )
    assert not (tmp_path / "submission.zip").exists()


# Whatever grade reads


def as_editors_leave_it(raw):
    """{what was done to a notebook: its bytes}."""
    notebook = json.loads(raw)
    widgets = copy.deepcopy(notebook)
    widgets["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"a": {"model_name": "HBoxModel"}}}
    shown = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}},
    }
    widgets["cells"][-1]["outputs"] = [shown]
    older, outputs = {**notebook, "nbformat_minor": 2}, copy.deepcopy(notebook)
    for cell in outputs["cells"]:
        if cell["cell_type"] == "markdown":
            cell |= {"outputs": [], "execution_count": None}
    uncounted = copy.deepcopy(notebook)
    for cell in uncounted["cells"]:
        cell.pop("execution_count", None)
    without_ids, same_ids = copy.deepcopy(notebook), copy.deepcopy(notebook)
    for cell, same in zip(without_ids["cells"], same_ids["cells"], strict=True):
        del cell["id"]
        same["id"] = "same"
    made = {
        "no ids": {**without_ids, "nbformat_minor": 4},
        "the same id everywhere": same_ids,
        "widgets without state": widgets,
        "ids in an older format": older,
        "outputs under a text": outputs,
        "no counts": uncounted,
    }
    return {name: json.dumps(content).encode() for name, content in made.items()} | {"a byte order mark": b"\xef\xbb\xbf" + raw}


LEFT = as_editors_leave_it(nbformat.writes(filled()).encode())


@pytest.mark.long
@pytest.mark.parametrize("name", LEFT)
def test_what_grade_reads_can_be_handed_in_and_is_mended_in_the_zip_alone(tmp_path, name, capsys):
    path = tmp_path / NAME
    path.write_bytes(LEFT[name])
    assert outline(NAME, LEFT[name], {})["problem"] == ""
    assert submit.main([str(path), *(["--incomplete"] if name == "no counts" else [])]) == 0
    assert path.read_bytes() == LEFT[name]
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        mended = archive.read(NAME)
        assert b"my words about answer-6" in archive.read("NetworkVisualization.html")
    nbformat.validate(nbformat.reads(mended.decode(), as_version=nbformat.NO_CONVERT))
    of_ids = {"cell_ids": []}  # those that several cells share are mended
    assert outline(NAME, mended, {}) | of_ids == outline(NAME, LEFT[name], {}) | of_ids
    assert ("were not run" in capsys.readouterr().out) == (name == "no counts")


def test_a_python_file_can_be_handed_in_with_the_answers_in_its_strings(tmp_path, capsys):
    exercises = "\n\n".join(SOLVED[f"exercise-{number}"] for number in (1, 2, 3))
    said = "\n".join(f'"""### Inline question {number}\nWhy?"""\n\n"""Because."""\n' for number in range(1, 7))
    (tmp_path / "work.py").write_text(f"{exercises}\n\n{said}")
    assert submit.main([str(tmp_path / "work.py")]) == 0
    assert "To do" not in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == ["work.py", "work.html"]
    (tmp_path / "work.py").write_text(exercises)
    assert submit.main([str(tmp_path / "work.py")]) == 1
    assert "To do before you hand it in (6):" in capsys.readouterr().out


def test_where_no_page_can_be_made_the_notebook_is_handed_in_without_it(tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise KeyError("state")

    monkeypatch.setattr(pages, "page", fail)
    assert submit.main([str(saved(filled(), tmp_path))]) == 0
    printed = told(capsys)
    assert "The copy as a web page could not be made (KeyError). It is only to look at: nothing else is missing." in printed
    assert "MB: NetworkVisualization.ipynb. " in printed
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == [NAME]


# Modules of the student's own


def with_modules(folder, **sources):
    """A notebook that imports its first exercise from the student's own file, with such files beside it."""
    for name, source in sources.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    notebook = filled()
    cell(notebook, "exercise-1").source = "from cs231n.net_visualization_pytorch import compute_saliency_maps"
    return saved(notebook, folder)


OWN = "from mine import helper\n\ndef compute_saliency_maps(X, y, model):\n    return helper(X)\n"


def test_modules_of_the_students_own_are_handed_in_with_the_notebook_and_graded_with_it(tmp_path, capsys):
    path = with_modules(tmp_path, cs231n__net_visualization_pytorch=OWN, mine="def helper(X): return X", unused="x = 1")
    assert submit.main([str(path)]) == 0
    printed = told(capsys)
    assert "your own cs231n/net_visualization_pytorch.py, your own mine.py and a copy to look at" in printed
    assert "To do" not in printed
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == [NAME, "cs231n/net_visualization_pytorch.py", "mine.py", "NetworkVisualization.html"]
    found = outline("submission.zip", (tmp_path / "submission.zip").read_bytes(), {})
    assert [part[2] for part in found["parts"] if len(part) == 3] == ["cs231n.net_visualization_pytorch", "mine"]
    assert found["notes"] == []


def test_a_module_that_a_cell_of_the_notebook_writes_is_handed_in_with_that_cell(tmp_path, capsys):
    notebook = filled()
    written = nbformat.v4.new_code_cell("%%writefile mine.py\n" + cell(notebook, "exercise-1").source, id="writes")
    cell(notebook, "exercise-1").source = "from mine import compute_saliency_maps"
    notebook.cells.insert(0, written)
    assert submit.main([str(saved(notebook, tmp_path)), "--incomplete"]) == 0
    assert "compute_saliency_maps is" not in told(capsys)
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert "mine.py" not in archive.namelist()


def test_who_imports_all_exercises_from_an_own_file_has_something_to_hand_in(tmp_path, capsys):
    with_modules(tmp_path, cs231n__net_visualization_pytorch="\n\n".join(SOLVED[f"exercise-{n}"] for n in (1, 2, 3)))
    notebook = filled()
    for number, name in enumerate(submit.EXERCISES, 1):
        cell(notebook, f"exercise-{number}").source = f"from cs231n.net_visualization_pytorch import {name}"
    assert submit.main([str(saved(notebook, tmp_path))]) == 0
    assert "your own cs231n/net_visualization_pytorch.py" in told(capsys)


def test_a_module_that_is_not_there_or_has_a_stub_is_named(tmp_path, capsys):
    assert submit.main([str(with_modules(tmp_path))]) == 1
    assert (
        "compute_saliency_maps is imported from cs231n.net_visualization_pytorch, and there is no such file next to the notebook."
        in told(capsys)
    )
    stub = "def compute_saliency_maps(X, y, model):\n    pass\n"
    assert submit.main([str(with_modules(tmp_path, cs231n__net_visualization_pytorch=stub))]) == 1
    sentence = (
        "compute_saliency_maps is not written yet in cs231n/net_visualization_pytorch.py, from which the notebook imports it."
    )
    assert sentence in told(capsys)


def test_the_references_own_solutions_are_never_packed(tmp_path):
    with_modules(tmp_path)
    submit.main([str(tmp_path / NAME), "--incomplete"])
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == [NAME, "NetworkVisualization.html"]


# Answers elsewhere


def test_an_answer_in_the_cell_of_its_question_counts_and_one_that_may_be_elsewhere_is_asked_for(tmp_path, capsys):
    notebook = filled()
    cell(notebook, "answer-1").source = cell(notebook, "answer-2").source = "*Your answer:*"
    cell(notebook, "question-1-text").source += "\n\nThe sign is lost."
    notebook.cells.append(nbformat.v4.new_markdown_cell("Q2: the values are all close to zero."))
    assert submit.main([str(saved(notebook, tmp_path))]) == 1
    printed = told(capsys)
    assert "To do before you hand it in (1):" in printed
    assert "Inline question 1: your answer counts. It was written into the cell of the question." in printed
    place = f"cell {len(notebook.cells)}, which names the question"
    assert f"Inline question 2 has no answer in the cell below it. If it is in {place}, move it there." in printed


def test_a_student_edition_knows_its_cells_as_they_were_given_out(tmp_path):
    known = json.loads(FILES["cs231n/notebook_cells.json"])
    assert known == {cell.id: cell.source for cell in nbformat.reads(FILES[NAME].decode(), as_version=4).cells}
    in_the_kit = submit.kit_cells()
    assert {name: known[name] for name in known if name.startswith("question-")}.items() <= in_the_kit.items()
    assert not [name for name in in_the_kit if name.startswith("answer-")]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python reads all newer syntax that is known here")
def test_newer_syntax_is_not_said_to_be_missing():
    notebook = filled()
    cell(notebook, "exercise-1").source = 'def compute_saliency_maps(X, y, model):\n    return t"{X}"'
    assert submit.missing(notebook) == []


# From a cell of the notebook


def test_the_cell_prints_the_same_list_and_raises_nothing(tmp_path, capsys):
    path = tmp_path / NAME
    path.write_bytes(FILES[NAME])
    submit.main([str(path)])
    command = told(capsys)
    assert submit.submit(path) is None
    assert told(capsys) == command.replace("add the option --incomplete", "submit(incomplete=True)")
    submit.submit(tmp_path / "no.ipynb")
    missing = told(capsys)
    assert missing.startswith("There is no file")
    assert f'Give the name of yours: in a cell, submit("{path.as_posix()}").' in missing
    submit.submit(path, incomplete=True)
    assert (tmp_path / "submission.zip").exists()


def test_it_says_when_the_file_was_saved_and_how_each_answer_begins(tmp_path, capsys):
    notebook = filled()
    cell(notebook, "answer-1").source = "**Your answer:**\n\nThe sign\nof the gradient " + "is lost " * 20
    cell(notebook, "answer-2").source = "![a](data:image/png;base64,QUJD) as drawn"
    cell(notebook, "answer-3").source = "*Your answer:*"
    path = saved(notebook, tmp_path)
    os.utime(path, (0, 0))
    submit.main([str(path)])
    printed = told(capsys)
    assert printed.startswith(f"{NAME}, as it was saved at {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(0))}.")
    assert 'question 1: "The sign of the gradient is lost is lost is ..."' in printed
    assert 'question 2: "[picture] as drawn"' in printed
    assert "question 3: no answer" in printed
    assert "If an answer above differs from what you see in the notebook, it has not been saved yet." in printed


@pytest.fixture
def run_cells(tmp_path):
    """A function that runs cells in a kernel of their own, next to a saved notebook; returns what the last one printed."""
    (tmp_path / "cs231n").symlink_to(ROOT / "cs231n")

    def run(notebook, *sources):
        saved(notebook, tmp_path)
        kernel = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        notebook_client(kernel, tmp_path).execute()
        outputs = kernel.cells[-1].outputs
        assert {output.name for output in outputs} == {"stdout"}
        return " ".join("".join(output.text for output in outputs).split())

    return run


def small(*sources):
    """A notebook with the exercises as empty functions that are run first, then other cells, counted from 1, and the answers."""
    cells = [nbformat.v4.new_code_cell(f"def {name}(*given):\n    return 0", id=name) for name in submit.EXERCISES]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    for count, one in enumerate(cells, 1):
        one.execution_count = count
    cells += [nbformat.v4.new_markdown_cell("Because.", id=f"answer-{number}") for number in submit.QUESTIONS]
    return nbformat.v4.new_notebook(cells=cells)


SUBMIT = f'from cs231n.submit import submit\n\nsubmit("{NAME}")'


def sources_of(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_cells_that_ran_after_the_file_was_saved_are_counted_and_nothing_is_written(run_cells, tmp_path):
    notebook = small("a = 1", "b = 2")
    ran = sources_of(notebook)
    printed = run_cells(notebook, *ran, "a = 3", "  ", "c = 4", SUBMIT)
    assert f"You ran 2 cells since {NAME} was saved. Save the notebook (Ctrl+S, on a Mac Cmd+S) and try again." in printed
    assert "To do" not in printed
    assert "To hand in the notebook as it was saved: submit(incomplete=True)." in printed
    assert not (tmp_path / "submission.zip").exists()
    printed = run_cells(notebook, *ran, "a = 3", SUBMIT.replace(")", ", incomplete=True)"))
    assert f"You ran 1 cell since {NAME} was saved." in printed
    assert "submission.zip is written" in printed


def test_cells_that_ran_otherwise_than_a_file_without_counts_holds_them_are_counted(run_cells):
    notebook = small("a = 1", "b = 2")
    ran = sources_of(notebook)
    for cell in notebook.cells:
        cell.pop("execution_count", None)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="it was run")]
    assert f"{NAME} does not hold 2 cells as you ran them. Save the notebook" in run_cells(
        notebook, *ran[:-2], "a = 3", "b = 4", SUBMIT
    )


def test_of_a_file_in_which_nothing_was_run_when_it_was_saved_no_cell_is_said_to_be_not_run(run_cells):
    """As the kit gives it out: who opens it, runs cells and submits has run them, and not saved."""
    notebook = small("a = 1", "b = 2")
    for cell in notebook.cells:
        cell.pop("execution_count", None)
    printed = run_cells(notebook, *sources_of(notebook), SUBMIT)
    assert f"You ran {len(submit.EXERCISES) + 2} cells since {NAME} was saved. Save the notebook" in printed
    assert "not run" not in printed
    assert "code cells were not run" in run_cells(notebook, SUBMIT)  # and in this kernel nothing was


def test_a_saved_notebook_is_handed_in_however_often_cells_and_submit_ran_before(run_cells):
    notebook = small("a = 1", "b = 2")
    ran = sources_of(notebook)
    assert "submission.zip is written" in run_cells(notebook, *ran, SUBMIT)
    assert "submission.zip is written" in run_cells(notebook, *ran, SUBMIT, SUBMIT)
    assert "submission.zip is written" in run_cells(notebook, SUBMIT)  # the kernel was restarted
    again = small("a = 1", "b = 2")
    again.cells[0].execution_count = 6  # the first cell was run once more, then the file was saved
    assert "submission.zip is written" in run_cells(again, *ran, ran[0], SUBMIT)


def test_a_file_of_an_earlier_run_is_noticed_though_its_numbers_agree(run_cells, tmp_path):
    """Restart and run all, after a change that was not saved."""
    notebook = small("a = 1", "b = 2")
    ran = sources_of(notebook)
    ran[3] = "a = 5"
    printed = run_cells(notebook, *ran, SUBMIT)
    assert "In the saved file, cell 4 differs from what you ran. Run it again." in printed
    assert not (tmp_path / "submission.zip").exists()
    moved = small("a = 1", "b = 2")
    moved.cells[0].execution_count = 90
    older = [sources_of(moved)[0] + " + 1", *sources_of(moved)[1:]]
    assert f"{NAME} does not hold your exercises as you ran them last." in run_cells(moved, *older, SUBMIT)


def test_another_notebook_than_the_one_that_ran_is_noticed(run_cells):
    printed = run_cells(small(), "x = 1", "y = 2", SUBMIT)
    assert f"{NAME} holds nothing of what you ran in this notebook (2 cells). Is it the right file?" in printed


def test_each_checks_verdict_is_shown_and_what_a_check_calls_unfinished_is_to_do(run_cells, tmp_path):
    first, second, third = submit.EXERCISES
    found = [
        "from cs231n import checked\nfrom cs231n.checks.report import Report",
        f"checked.record({first}, Report('{first}', 'right'))",
        f"checked.record({second}, Report('{second}', 'unfinished'))",
        f"checked.record(len, Report('{third}', 'right'))",
    ]
    notebook = small(*found)
    printed = run_cells(notebook, *sources_of(notebook), SUBMIT)
    assert f"{submit.EXERCISES[0]} correct" in printed
    assert f"{submit.EXERCISES[1]} not implemented yet" in printed
    assert f"{submit.EXERCISES[2]} changed since its check ran: run the check again" in printed
    assert f"To do before you hand it in (1): 1. {submit.EXERCISES[1]}: its check says that it is not implemented yet." in printed
    assert not (tmp_path / "submission.zip").exists()


def test_a_check_records_its_verdict():
    function = submit.EXERCISES[0]

    def compute_saliency_maps(X, y, model):
        raise NotImplementedError

    assert checked.verdict_on("none of the exercises", len) is None
    checks.check_saliency_maps(compute_saliency_maps)
    assert checked.verdict_on(function, compute_saliency_maps) == "unfinished"
    assert checked.verdict_on("none of the exercises", compute_saliency_maps) is None
    for other in (len, None):  # another function, and a name that was deleted
        assert checked.verdict_on(function, other) == ""
    del compute_saliency_maps
    gc.collect()
    assert checked.verdict_on(function, None) == ""  # also when what was checked is gone


def test_every_verdict_of_a_check_has_its_words():
    assert submit.VERDICTS.keys() == {verdict.value for verdict in Verdict}


def test_without_a_kernel_a_check_that_ended_in_an_error_is_shown(tmp_path, capsys):
    notebook = filled()
    cell(notebook, "check-2").outputs = [nbformat.v4.new_output("error", ename="WrongAnswer", evalue="", traceback=[])]
    assert submit.main([str(saved(notebook, tmp_path))]) == 1
    printed = told(capsys)
    assert "make_fooling_image wrong, says the check in the file" in printed
    assert "compute_saliency_maps written" in printed
    assert f"To see which of them are correct, run in a terminal: {submit.PYTHON} -m cs231n.checks {NAME}" in printed


# Whatever the notebook, whatever the machine


def odd_files(folder):
    """{name: path} of what may be named as a notebook."""
    made = {"empty": b"", "spaces": b" \n", "binary": bytes(range(256)) * 40, "cut": FILES[NAME][: len(FILES[NAME]) // 2]}
    made |= {
        "list": b"[]",
        "deep": b"[" * 100_000,
        "number": b"7",
        "cells": b'{"cells": [7, null, {"cell_type": 3, "source": 9}]}',
    }
    made["outputs"] = json.dumps(
        {"cells": [{"cell_type": "code", "source": "x", "outputs": [{"output_type": "display_data", "data": {"image/png": 7}}]}]}
    ).encode()
    for name, content in made.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    (folder / "folder.ipynb").mkdir()
    (folder / "loop.ipynb").symlink_to("loop.ipynb")
    return [*(folder / f"{name}.ipynb" for name in (*made, "folder", "loop")), folder / ("n" * 300), "a\0b", None, 7, ""]


def test_whatever_is_named_gets_a_sentence_and_raises_nothing(tmp_path, capsys):
    (tmp_path / "submission.zip").write_text("earlier")
    for path in odd_files(tmp_path):
        assert submit.submit(path) is None
        output = capsys.readouterr()
        assert output.out.strip(), path
        assert output.err == ""
        assert "Traceback" not in output.out
        assert max(map(len, output.out.splitlines())) < 400
    assert (tmp_path / "submission.zip").read_text() == "earlier"


@pytest.mark.parametrize(
    ("name", "said"),
    [("empty", "is empty"), ("cut", "is not a notebook, or it is damaged"), ("folder", "is a folder. Name the notebook in it")],
)
def test_what_cannot_be_a_notebook_is_said(tmp_path, capsys, name, said):
    odd_files(tmp_path)
    submit.submit(tmp_path / f"{name}.ipynb")
    assert said in told(capsys)


def test_an_error_that_nobody_foresaw_is_a_sentence_too(tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise KeyError("odd")

    monkeypatch.setattr(submit, "find_answers", fail)
    submit.submit(saved(filled(), tmp_path))
    assert "This notebook could not be packed (KeyError: 'odd'). An existing submission.zip is unchanged." in told(capsys)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not limit the size of a file")
def test_on_a_full_disk_an_earlier_zip_stays_whole_and_a_sentence_says_why(tmp_path):
    path = saved(filled(), tmp_path)
    (tmp_path / "submission.zip").write_bytes(b"earlier")
    code = (
        "import resource, sys\nfrom cs231n.submit import submit\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\nsubmit(sys.argv[1])"
    )
    result = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert "submission.zip could not be written" in " ".join(result.stdout.split())
    assert (tmp_path / "submission.zip").read_bytes() == b"earlier"
    assert {entry.name for entry in tmp_path.iterdir()} == {NAME, "submission.zip"}


def test_a_folder_that_cannot_be_written_or_a_file_that_cannot_be_read_is_said(tmp_path, monkeypatch, capsys):
    path = saved(filled(), tmp_path)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(whole_file.tempfile, "TemporaryDirectory", refuse)
        submit.submit(path)
    assert "submission.zip could not be written: Permission denied." in told(capsys)
    with monkeypatch.context() as patch:
        patch.setattr(type(path), "read_bytes", refuse)
        submit.submit(path)
    assert "NetworkVisualization.ipynb cannot be read: Permission denied." in told(capsys)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_every_line_fits_and_can_be_written_in_any_encoding(tmp_path, encoding):
    notebook = filled()
    cell(notebook, "answer-1").source = "Größe Δ 🎉 " + "x" * 200
    cell(notebook, "answer-2").source = "*Your answer:*"
    saved(notebook, tmp_path)
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cs231n.submit"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
    assert (result.returncode, result.stderr) == (1, b"")
    lines = result.stdout.decode(encoding).splitlines()
    assert any("question 1" in line for line in lines)
    assert max(map(len, lines)) <= 88


# On Colab


@pytest.fixture
def colab(monkeypatch, tmp_path):
    """Let this process be Colab's: what the page answers, and what it was asked to download, are attributes."""
    package = types.ModuleType("google.colab")
    package.asked, package.offered, package.answer = [], [], None

    def blocking_request(kind, request="", timeout_sec=5):
        package.asked.append(kind)
        if isinstance(package.answer, Exception):
            raise package.answer
        return package.answer

    message, files = types.ModuleType("google.colab._message"), types.ModuleType("google.colab.files")
    message.blocking_request, files.download = blocking_request, package.offered.append
    google = types.ModuleType("google")
    google.__path__ = package.__path__ = []
    for module in (google, package, message, files):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).write_bytes(FILES[NAME])  # the kit's own copy, which is not what the student sees
    return package


def test_on_colab_the_notebook_that_is_on_the_screen_is_handed_in_and_the_zip_is_offered(colab, tmp_path, capsys):
    live = json.loads(nbformat.writes(filled()))
    for one in live["cells"]:
        one["metadata"]["id"] = one.pop("id")
    colab.answer = {"ipynb": live | {"nbformat_minor": 0}}
    submit.submit(NAME)
    printed = told(capsys)
    assert printed.startswith(f"{NAME}, as it is on the screen now.")
    assert "not saved yet" not in printed
    assert colab.asked == ["get_ipynb"]
    assert colab.offered == [str(tmp_path / "submission.zip")]
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        found = outline(NAME, archive.read(NAME), {})
    assert "my words about answer-6" in found["answers"]["question-6"]


@pytest.mark.parametrize("answer", [None, {}, {"ipynb": {"cells": []}}, RuntimeError("no page")])
def test_where_colab_does_not_answer_its_copy_of_the_kit_is_not_taken_for_the_students_work(colab, answer, tmp_path, capsys):
    colab.answer = answer
    submit.submit(NAME, incomplete=True)
    printed = told(capsys)
    assert "Choose File > Download > Download .ipynb" in printed
    assert 'submit("/content/NAME.ipynb")' in printed
    assert not (tmp_path / "submission.zip").exists()


def test_on_colab_a_file_that_is_named_is_taken(colab, tmp_path):
    nbformat.write(filled(), tmp_path / "mine.ipynb")
    submit.submit(str(tmp_path / "mine.ipynb"))
    assert colab.asked == []
    assert colab.offered == [str(tmp_path / "submission.zip")]
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert "mine.ipynb" in archive.namelist()
