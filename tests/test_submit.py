"""Handing in: what is missing is told with its place, and what is written is whole."""

import copy
import json
import re
import subprocess
import sys
import zipfile

import nbclient
import nbformat
import pytest
from helpers.limits import HANGS
from helpers.places import ROOT

from cs231n import checks, pages, submit, whole_file
from cs231n.instructor.release.edition import edition
from cs231n.instructor.sandbox.inside.reading import outline

NAME = "NetworkVisualization.ipynb"
STUB_EXERCISES, FILES = edition(ROOT)
SOLVED = {exercise.cell: exercise.solved for exercise in STUB_EXERCISES}
OPTIONAL = ("exercise-4", "exercise-5", "exercise-6", "answer-7", "exercise-7", "answer-8")  # in the notebook's order


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
    """Return the number of a cell, from 1, and how many code cells with a source there are but for the one that submits."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    return [cell.id for cell in notebook.cells].index(name) + 1, len(code) - 1


def without(notebook, *names):
    """Undo what a student has done in these cells."""
    untouched = {cell.id: cell.source for cell in nbformat.reads(FILES[NAME].decode(), as_version=4).cells}
    for name in names:
        cell(notebook, name).source = untouched[name]
    return notebook


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
    printed = capsys.readouterr().out
    assert "NetworkVisualization.ipynb and a copy to look at, NetworkVisualization.html" in printed
    assert str(tmp_path / "submission.zip") in printed
    assert {entry.name for entry in tmp_path.iterdir()} == {NAME, "submission.zip"}


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
    printed = capsys.readouterr().out
    assert "There are 10 things to do" in printed
    for exercise in submit.EXERCISES:
        assert f"{exercise} is not written yet." in printed
    for number in range(1, 7):
        assert f"Inline question {number} has no answer." in printed
    count = place(filled(), "submit")[1]
    assert f'{count} of {count} code cells were not run: cell 3 (under "1. Setup")' in printed
    assert "The optional part is not done. That is fine: it gives bonus points only." in printed
    assert "submission.zip was not written. To hand the notebook in as it is: the option --incomplete." in printed
    assert list(tmp_path.iterdir()) == [path]


def test_an_incomplete_notebook_can_be_handed_in_all_the_same(tmp_path, capsys):
    path = tmp_path / NAME
    path.write_bytes(FILES[NAME])
    assert submit.main([str(path), "--incomplete"]) == 0
    assert "There are 10 things to do" in capsys.readouterr().out
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


def test_cells_that_were_not_run_or_not_in_order_or_failed_are_told_with_their_place():
    notebook = filled()
    cell(notebook, "climb").execution_count = None
    number, count = place(notebook, "climb")
    where = f'cell {number} (under "Exercise 3: class_visualization_update_step")'
    (told,) = submit.missing(notebook)
    assert told.startswith(f"1 of {count} code cells were not run: {where}. Restart")

    notebook = filled()
    expected = cell(notebook, "climb").execution_count
    cell(notebook, "climb").execution_count = 77
    (told,) = submit.missing(notebook)
    assert f"{where} was run as number 77, expected {expected}" in told

    notebook = filled()
    cell(notebook, "check-2").outputs = [nbformat.v4.new_output("error", ename="WrongAnswer", evalue="", traceback=[])]
    (told,) = submit.missing(notebook)
    number, _ = place(notebook, "check-2")
    assert told.startswith(f'cell {number} (under "Exercise 2: make_fooling_image") ends in an error.')


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
    assert found["question-1"] == "*Your answer:* my words about answer-1."
    assert found["question-2"] == "*Your answer:* my words about answer-2."
    assert found["question-3"] == "In a cell of its own."
    assert found["question-4"] == ""
    assert found["question-5"] == "*Your answer:* my words about answer-5."
    assert submit.missing(notebook) == ["Inline question 4 has no answer. Write it in the cell below the question."]


def test_it_knows_the_exercises_of_the_checks_and_the_questions_of_the_notebook():
    assert (*submit.EXERCISES, *submit.OPTIONAL_EXERCISES) == tuple(checks.EXERCISES)
    headings = re.findall(r"^### Inline question (\d+)", "\n".join(cell.source for cell in filled().cells), re.M)
    assert [int(number) for number in headings] == [*submit.QUESTIONS, *submit.OPTIONAL_QUESTIONS]


# The optional part


def test_who_leaves_the_optional_part_out_has_nothing_to_do_and_is_told_that_this_is_fine(tmp_path, capsys):
    assert submit.main([str(saved(without(filled(), *OPTIONAL), tmp_path))]) == 0
    printed = capsys.readouterr().out
    assert "to do" not in printed
    assert printed.count("The optional part is not done. That is fine: it gives bonus points only.") == 1
    assert (tmp_path / "submission.zip").exists()


@pytest.mark.parametrize(
    ("left", "told"),
    [
        ((), ""),
        (("exercise-4",), "Of the optional part, 1 of 4 exercises and 0 of 2 questions are not done. That is fine"),
        (("exercise-5", "exercise-7", "answer-8"), "2 of 4 exercises and 1 of 2 questions are not done. That is fine"),
        (OPTIONAL[:-1], "4 of 4 exercises and 1 of 2 questions are not done. That is fine"),
        (OPTIONAL, "The optional part is not done. That is fine"),
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
    assert "The optional part is not done" in submit.left_out(notebook)


def test_cells_of_the_optional_part_must_have_been_run_as_all_others():
    notebook = without(filled(), *OPTIONAL)
    cell(notebook, "check-5").execution_count = None
    (told,) = submit.missing(notebook)
    assert told.startswith(f"1 of {place(notebook, 'submit')[1]} code cells were not run: cell {place(notebook, 'check-5')[0]} (")


def test_answers_of_the_optional_part_are_found():
    found = submit.answers(filled())
    assert list(found) == [f"question-{number}" for number in range(1, 9)]
    assert found["question-8"] == "*Your answer:* my words about answer-8."


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
    assert capsys.readouterr().out == (
        "NetworkVisualization.ipynb is the reference notebook: it imports the solutions. There is nothing to submit.\n"
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


@pytest.mark.parametrize("name", LEFT)
def test_what_grade_reads_can_be_handed_in_as_it_is(tmp_path, name, capsys):
    path = tmp_path / NAME
    path.write_bytes(LEFT[name])
    assert outline(NAME, LEFT[name], {})["problem"] == ""
    assert submit.main([str(path), *(["--incomplete"] if name == "no counts" else [])]) == 0
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.read(NAME) == LEFT[name]
        assert b"my words about answer-6" in archive.read("NetworkVisualization.html")
    assert ("were not run" in capsys.readouterr().out) == (name == "no counts")


def test_a_python_file_can_be_handed_in_with_the_answers_in_its_strings(tmp_path, capsys):
    exercises = "\n\n".join(SOLVED[f"exercise-{number}"] for number in (1, 2, 3))
    said = "\n".join(f'"""### Inline question {number}\nWhy?"""\n\n"""Because."""\n' for number in range(1, 7))
    (tmp_path / "work.py").write_text(f"{exercises}\n\n{said}")
    assert submit.main([str(tmp_path / "work.py")]) == 0
    assert "to do" not in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == ["work.py", "work.html"]
    (tmp_path / "work.py").write_text(exercises)
    assert submit.main([str(tmp_path / "work.py")]) == 1
    assert "There are 6 things to do" in capsys.readouterr().out


def test_where_no_page_can_be_made_the_notebook_is_handed_in_without_it(tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise KeyError("state")

    monkeypatch.setattr(pages, "page", fail)
    assert submit.main([str(saved(filled(), tmp_path))]) == 0
    printed = capsys.readouterr().out
    assert "The copy as a web page could not be made (KeyError). It is only to look at: nothing else is missing." in printed
    assert "MB: NetworkVisualization.ipynb.\n" in printed
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
    printed = capsys.readouterr().out
    assert "your own cs231n/net_visualization_pytorch.py, your own mine.py and a copy to look at" in printed
    assert "to do" not in printed
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
    assert "compute_saliency_maps" not in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert "mine.py" not in archive.namelist()


def test_who_imports_all_exercises_from_an_own_file_has_something_to_hand_in(tmp_path, capsys):
    with_modules(tmp_path, cs231n__net_visualization_pytorch="\n\n".join(SOLVED[f"exercise-{n}"] for n in (1, 2, 3)))
    notebook = filled()
    for number, name in enumerate(submit.EXERCISES, 1):
        cell(notebook, f"exercise-{number}").source = f"from cs231n.net_visualization_pytorch import {name}"
    assert submit.main([str(saved(notebook, tmp_path))]) == 0
    assert "your own cs231n/net_visualization_pytorch.py" in capsys.readouterr().out


def test_a_module_that_is_not_there_or_has_a_stub_is_named(tmp_path, capsys):
    assert submit.main([str(with_modules(tmp_path))]) == 1
    assert (
        "compute_saliency_maps is imported from cs231n.net_visualization_pytorch, and there is no such file next to the notebook."
        in capsys.readouterr().out
    )
    stub = "def compute_saliency_maps(X, y, model):\n    pass\n"
    assert submit.main([str(with_modules(tmp_path, cs231n__net_visualization_pytorch=stub))]) == 1
    told = "compute_saliency_maps is not written yet in cs231n/net_visualization_pytorch.py, from which the notebook imports it."
    assert told in capsys.readouterr().out


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
    printed = capsys.readouterr().out
    assert "There is 1 thing to do" in printed
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
    command = capsys.readouterr().out
    assert submit.submit(path) is None
    assert capsys.readouterr().out == command.replace("the option --incomplete", "submit(incomplete=True)")
    submit.submit(tmp_path / "no.ipynb")
    assert capsys.readouterr().out.startswith("There is no file")
    submit.submit(path, incomplete=True)
    assert (tmp_path / "submission.zip").exists()


def test_a_notebook_that_was_not_saved_after_its_last_run_is_told_so(tmp_path):
    """The kernel knows what it ran; the file holds what was saved."""
    (tmp_path / "cs231n").symlink_to(ROOT / "cs231n")
    notebook = filled()
    cell(notebook, "exercise-1").source = source = "def compute_saliency_maps(X, y, model):\n    return X"
    saved(notebook, tmp_path)

    def printed(*sources):
        kernel = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        nbclient.NotebookClient(kernel, timeout=HANGS, resources={"metadata": {"path": tmp_path}}).execute()
        outputs = kernel.cells[-1].outputs
        assert {output.name for output in outputs} == {"stdout"}
        return "".join(output.text for output in outputs)

    submit_cell = cell(notebook, "submit").source
    told = printed(source, source + ".abs()", submit_cell)
    assert "It is not the notebook that you ran. Save it (Ctrl+S), then run this cell again. On Colab" in told
    assert not (tmp_path / "submission.zip").exists()
    assert "submission.zip is written" in printed(source + ".abs()", source, submit_cell)
