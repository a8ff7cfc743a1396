"""Check a filled-in notebook and put it into submission.zip, with a copy of it as a web page.

    python -m cs231n.submit [NOTEBOOK] [--incomplete]

The last cell of the notebook does the same. The student's code is read, never run.
"""

import argparse
import contextlib
import functools
import json
import os
import re
import sys
import time
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .answers import OPTIONAL_QUESTIONS, QUESTIONS, Answer
from .answers import answers as find_answers
from .assignment import assignment
from .kit import PACKAGE, ROOT
from .notebook_file import notebook as read_notebook
from .notebook_file import sources_of, text_of
from .student_code import Find, Part, cells_of, is_stub, last_definition, on_disk, parts_of, with_own_modules, words_of_script
from .whole_file import replacing

# The functions of the exercises. Those of the second line give bonus points: what a student leaves out of them is nothing to do.
EXERCISES = tuple(exercise.function for exercise in assignment().exercises if not exercise.bonus)
OPTIONAL_EXERCISES = tuple(exercise.function for exercise in assignment().exercises if exercise.bonus)
NOTEBOOK = "NetworkVisualization.ipynb"
ARCHIVE = "submission.zip"
RUN_ALL = "Restart the kernel and run all cells, save the notebook, and try again."
COLAB = (
    "On Colab the notebook is in your Drive and not next to the kit: choose File > Download > Download .ipynb, upload that file "
    'under Files at the left, and name it: submit("/content/NAME.ipynb").'
)
KIT_CELLS = PACKAGE / "notebook_cells.json"  # {id: source}, as the notebook was given out; release writes it
CONDITION = re.compile(r"<!-- (?:needs|otherwise|end)\b.*?-->")  # in the reference's texts, of what a course may leave out
SCRIPT = "cs231n_script"  # in a notebook's metadata: it was a Python file, in which nothing says what was run
SOLUTION = b"# BEGIN " + b"SOLUTION"  # what marks the reference's solutions, which no student has


def submit(path: str | os.PathLike[str] = NOTEBOOK, incomplete: bool = False) -> None:
    """Do what the command does, for a cell of a notebook: print all there is to say, and raise nothing.

    Parameters
    ----------
    path : str or os.PathLike
        The notebook as it was last saved.
    incomplete : bool
        Whether to write submission.zip even if something is missing.
    """
    try:
        _hand_in(Path(path), incomplete, _executed_sources(), "submit(incomplete=True)")
    except (ValueError, OSError) as error:
        print(error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str or None
        Those of the command line; None for the process's own.

    Returns
    -------
    int
        0 if submission.zip was written, 1 if not; the reason has been printed then.
    """
    parser = argparse.ArgumentParser(
        prog="python -m cs231n.submit",
        description="Check a notebook and put it into submission.zip, with a copy as a web page. "
        "Exit code 0: written. 1: not written, and why. 2: a wrong option.",
    )
    parser.add_argument("notebook", nargs="?", default=NOTEBOOK, help=f"the notebook, saved (default: {NOTEBOOK})")
    parser.add_argument("--incomplete", action="store_true", help=f"write {ARCHIVE} even if something is missing")
    options = parser.parse_args(arguments)
    try:
        written = _hand_in(Path(options.notebook), options.incomplete, [], "the option --incomplete")
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return int(not written)


def missing(notebook: NotebookNode, find: Find | None = None) -> list[str]:
    """Return what a notebook lacks. The optional exercises and questions are not required; that their cells were run is.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Of nbformat 4.
    find : callable or None
        Finds the student's own modules, see `student_code.with_own_modules`.

    Returns
    -------
    list of str
        Sentences, each with its place and what to do; [] if nothing is missing.
    """
    cells = [cell for cell in notebook.cells if not _is_submit_cell(cell)]
    runs = [] if notebook.metadata.get(SCRIPT) else _not_run_in_order(cells)
    return _exercises_not_attempted(_parts(notebook, find)) + runs + _answers_not_given(notebook)


def left_out(notebook: NotebookNode, find: Find | None = None) -> str:
    """Return a sentence on what of the optional part is not done.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Of nbformat 4.
    find : callable or None
        Finds the student's own modules, see `student_code.with_own_modules`.

    Returns
    -------
    str
        "" if all of it is done.
    """
    parts, found = _parts(notebook, find), find_answers(notebook, kit_cells())
    exercises = sum(_not_attempted(name, parts) is not None for name in OPTIONAL_EXERCISES)
    questions = sum(not found[f"question-{number}"].text for number in OPTIONAL_QUESTIONS)
    if not exercises and not questions:
        return ""
    if exercises == len(OPTIONAL_EXERCISES) and questions == len(OPTIONAL_QUESTIONS):
        return "The optional part is not done. That is fine: it gives bonus points only."
    counts = (exercises, OPTIONAL_EXERCISES, "exercises"), (questions, OPTIONAL_QUESTIONS, "questions")
    lacking = " and ".join(f"{count} of {len(of)} {noun}" for count, of, noun in counts if of)
    return f"Of the optional part, {lacking} are not done. That is fine: they give bonus points only."


def answers(notebook: NotebookNode) -> dict[str, str]:
    """Return the answers to the inline questions.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Of nbformat 4.

    Returns
    -------
    dict of str to str
        {"question-1": the answer's Markdown, ...}, "" where nothing is written.
    """
    return {question: "" if answer.perhaps else answer.text for question, answer in find_answers(notebook, kit_cells()).items()}


@functools.cache
def kit_cells() -> dict[str, str]:
    """Return the cells of the notebook as it was given out; where the solutions are, of the reference.

    Returns
    -------
    dict of str to str
        {cell id: source}; {} if the notebook is not there.
    """
    if KIT_CELLS.is_file():
        return json.loads(KIT_CELLS.read_text(encoding="utf-8"))
    with contextlib.suppress(OSError, ValueError):
        sources = sources_of(ROOT / NOTEBOOK).items()
        return {name: CONDITION.sub("", source) for name, source in sources if not name.startswith("answer-")}
    return {}


def _hand_in(path: Path, incomplete: bool, executed: Sequence[str], anyway: str) -> bool:
    """Print what is found, write the archive next to the notebook and return whether it was written."""
    raw, notebook = _read(path)
    if _is_reference(notebook, path.resolve().parent):
        print(f"{path.name} is the reference notebook: it imports the solutions. There is nothing to submit.")
        return False
    print(f"{path.name} as it was saved at {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(path.stat().st_mtime))}.")
    if _is_older(notebook, executed):
        raise ValueError(f"It is not the notebook that you ran. Save it (Ctrl+S), then run this cell again. {COLAB}")
    find = _own_files(path.resolve().parent)
    found, optional = missing(notebook, find), left_out(notebook, find)
    if found:
        print(f"There {'is 1 thing' if len(found) == 1 else f'are {len(found)} things'} to do before you hand it in:")
        print(*(f"  {number}. {sentence}" for number, sentence in enumerate(found, 1)), sep="\n")
    for sentence in (*_moved_answers(notebook), *([optional] if optional else [])):
        print(sentence)
    if found and not incomplete:
        print(f"{ARCHIVE} was not written. To hand the notebook in as it is: {anyway}.")
        return False
    archive = path.with_name(ARCHIVE)
    files = {path.name: raw, **_own_modules(notebook, find), **_page(notebook, path.stem)}
    _write(archive, files)
    print(f"{archive.name} is written, {archive.stat().st_size / 1e6:.1f} MB: {_listed(files, path.stem)}.")
    print(f"Hand in this one file, in the way your course asks for: {archive.resolve()}")
    return True


def _own_modules(notebook: NotebookNode, find: Find) -> dict[str, bytes]:
    """Return {path: bytes} of the student's own modules that a notebook needs, apart from those that its own cells write."""
    files = [find(part.module) for part in _parts(notebook, find) if part.module]
    return dict(file for file in files if file is not None)


def _page(notebook: NotebookNode, title: str) -> dict[str, bytes]:
    """Return {name: bytes} of the copy as a web page; {} if none can be made, which is said and does no harm."""
    try:
        from .pages import page  # imported here: where nbconvert does not work, nothing else is missing

        return {f"{title}.html": page(notebook, title)}
    except Exception as error:  # whatever nbconvert raises for an odd output
        print(
            f"The copy as a web page could not be made ({type(error).__name__}). It is only to look at: nothing else is missing."
        )
        return {}


def _listed(files: Iterable[str], title: str) -> str:
    first, *others = files
    modules = [name for name in others if name != f"{title}.html"]
    names = [first, *(f"your own {name}" for name in modules)]
    if f"{title}.html" in files:
        names.append(f"a copy to look at, {title}.html")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _read(path: Path) -> tuple[bytes, NotebookNode]:
    """Return (bytes, notebook in nbformat 4). Raises ValueError with a sentence for what is not a notebook."""
    if not path.is_file():
        raise ValueError(f"There is no file {path}. Name your notebook, or change to the folder that it is in.")
    raw = path.read_bytes()
    try:
        notebook = _of_script(path, raw) if path.suffix.lower() == ".py" else read_notebook(str(path), raw)
    except ValueError as error:
        raise ValueError(
            f"{error} Open it in Jupyter and save it again; if it does not open, go back to an earlier version. "
            "Nothing was written."
        ) from None
    if not any(cell.source.strip() for cell in notebook.cells):
        raise ValueError(f"{path} holds no cells with anything in them. Is it the right file? Nothing was written.")
    return raw, notebook


def _of_script(path: Path, raw: bytes) -> NotebookNode:
    """Return the notebook that a marimo file is; of other Python one with its code in a cell, and what it says in words."""
    notebook = cells_of(path.name, raw)
    if notebook is None:
        text = text_of(raw)
        words = words_of_script(text)
        said = [cell for cell in words.cells if cell.cell_type == "markdown"] if words else []
        notebook = nbformat.from_dict({"cells": [nbformat.v4.new_code_cell(text), *said], "metadata": {}})
    notebook.metadata[SCRIPT] = True
    return notebook


def _write(archive: Path, files: Mapping[str, bytes]) -> None:
    """Write the zip `archive` with `files` {name: bytes}; what was there before stays until the new one is whole."""
    with replacing(archive) as whole:
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as target:
            for name, content in files.items():
                target.writestr(name, content)
        with zipfile.ZipFile(whole) as written:
            if {name: written.read(name) for name in written.namelist()} != files:
                raise OSError("it differs from what was to be written; is the disk full?")


# Exercises


def _parts(notebook: NotebookNode, find: Find | None = None) -> list[Part]:
    """Return the Parts of a notebook's code cells, and of the student's own modules that they import."""
    parts = parts_of(notebook, "the notebook")
    return with_own_modules(parts, find, (*EXERCISES, *OPTIONAL_EXERCISES)) if find else parts


def _exercises_not_attempted(parts: Sequence[Part]) -> list[str]:
    return [sentence for name in EXERCISES if (sentence := _not_attempted(name, parts))]


def _not_attempted(name: str, parts: Sequence[Part]) -> str | None:
    """Return the sentence about an exercise that is not written, or None."""
    found = last_definition(parts, name)
    if found is None:
        return f"{name} is not defined in any cell that Python can read. Write it in the cell of its exercise."
    if found.imported:
        return (
            f"{name} is imported from {found.imported}, and there is no such file next to the notebook. Put it there, or write "
            "the function in the cell of its exercise."
        )
    if found.statement is None and found.part.newer:
        return None  # which Python grades it is not known here
    if found.statement is None:
        return f"{name} is not defined in any cell that Python can read: {found.part.reason}"
    if is_stub(found.statement) and found.part.module:
        return f"{name} is not written yet in {found.part.name}, from which the notebook imports it."
    if is_stub(found.statement):
        return f"{name} is not written yet. Write it in the cell of its exercise, instead of the line with `raise`."
    return None


def _own_files(folder: Path) -> Find:
    """Return a `find` for modules in a folder, or in the kit's, that holds none of the reference's solutions."""
    on_this_disk = on_disk(folder, ROOT)

    def find(dotted: str) -> tuple[str, bytes] | None:
        file = on_this_disk(dotted)
        return None if file is None or SOLUTION in file[1] else file

    return find


def _is_reference(notebook: NotebookNode, folder: Path) -> bool:
    """Return whether a notebook in a folder imports each exercise, all of them from the reference's solutions."""
    parts = _parts(notebook, on_disk(folder, ROOT))
    found = [last_definition(parts, name) for name in EXERCISES or OPTIONAL_EXERCISES]
    return all(one and one.part.module and SOLUTION in one.part.source.encode() for one in found)


# Execution


def _not_run_in_order(cells: Sequence[NotebookNode]) -> list[str]:
    code = [(number, cell) for number, cell in enumerate(cells, 1) if cell.cell_type == "code" and cell.source.strip()]
    counts = [cell.execution_count for _, cell in code]
    found = [
        f"{_place(cells, number)} ends in an error. Repair it or, if you cannot, hand the notebook in as it is (see below)."
        for number, cell in code
        if any(output.output_type == "error" for output in cell.outputs)
    ]
    idle = [number for number, cell in code if cell.execution_count is None]
    if idle:
        places = ", ".join(_place(cells, number) for number in idle[:3])
        more = f", and {len(idle) - 3} more" if len(idle) > 3 else ""
        found.append(f"{len(idle)} of {len(code)} code cells were not run: {places}{more}. {RUN_ALL}")
    elif counts != list(range(1, len(code) + 1)):
        first = next(i for i, count in enumerate(counts) if count != i + 1)
        found.append(
            f"The cells were not run once each from top to bottom: {_place(cells, code[first][0])} was run as number "
            f"{counts[first]}, expected {first + 1}. {RUN_ALL}"
        )
    return found


def _place(cells: Sequence[NotebookNode], number: int) -> str:
    """Return where a cell is, for people: its number in the notebook, from 1, and the heading above it."""
    headings = [line for cell in cells[:number] if cell.cell_type == "markdown" for line in _headings(cell.source)]
    return f'cell {number} (under "{headings[-1]}")' if headings else f"cell {number}"


def _headings(text: str) -> list[str]:
    return [re.sub(r"[`*]|\s·.*", "", line.lstrip("#")).strip() for line in text.splitlines() if re.match(r"#{1,6}\s", line)]


def _is_submit_cell(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and "cs231n.submit" in cell.source


# Answers


def _answers_not_given(notebook: NotebookNode) -> list[str]:
    found = find_answers(notebook, kit_cells())
    return [_not_given(number, found[f"question-{number}"]) for number in QUESTIONS if not _is_given(found[f"question-{number}"])]


def _is_given(answer: Answer) -> bool:
    return bool(answer.text) and not answer.perhaps


def _not_given(number: int, answer: Answer) -> str:
    if not answer.perhaps:
        return f"Inline question {number} has no answer. Write it in the cell below the question."
    places = ", ".join(answer.places)
    return f"Inline question {number} has no answer in the cell below it. If it is in {places}, move it there."


def _moved_answers(notebook: NotebookNode) -> list[str]:
    """Return the sentences on answers that were found elsewhere than in their cells, which do count."""
    found = find_answers(notebook, kit_cells())
    return [
        f"Inline question {question.removeprefix('question-')}: your answer counts. {answer.where}"
        for question, answer in found.items()
        if _is_given(answer) and answer.where
    ]


# The kernel, where a cell of the notebook asks


def _executed_sources() -> list[str]:
    """Return the sources of the cells that the present kernel ran, in order; [] outside of a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    return list(shell.history_manager.input_hist_raw) if shell else []


def _is_older(notebook: NotebookNode, executed: Sequence[str]) -> bool:
    """Return whether the last definition of an exercise that was run is in no cell of the notebook."""
    saved = {cell.source.strip() for cell in notebook.cells}
    for name in (*EXERCISES, *OPTIONAL_EXERCISES):
        defining = [source for source in executed if re.search(rf"^def {name}\b", source, re.M)]
        if defining and defining[-1].strip() not in saved:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
