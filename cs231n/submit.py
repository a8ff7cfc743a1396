"""Check a filled-in notebook and put it into submission.zip, with a copy of it as a web page.

    python -m cs231n.submit [NOTEBOOK] [--incomplete]

The last cell of the notebook does the same, and compares the saved file with what its kernel ran. The student's code is read,
never run.
"""

import argparse
import contextlib
import dataclasses
import functools
import json
import os
import re
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from . import front_end
from .answers import OPTIONAL_QUESTIONS, QUESTIONS, Answer
from .answers import answers as find_answers
from .assignment import assignment
from .checked import verdict_on
from .console import say, tell
from .kit import PACKAGE, ROOT
from .notebook_file import mended, sources_of, text_of
from .notebook_file import notebook as read_notebook
from .student_code import Find, Part, cells_of, is_stub, last_definition, on_disk, parts_of, with_own_modules, words_of_script
from .whole_file import replacing

# The functions of the exercises. Those of the second line give bonus points: what a student leaves out of them is nothing to do.
EXERCISES = tuple(exercise.function for exercise in assignment().exercises if not exercise.bonus)
OPTIONAL_EXERCISES = tuple(exercise.function for exercise in assignment().exercises if exercise.bonus)
NOTEBOOK = "NetworkVisualization.ipynb"
ARCHIVE = "submission.zip"
RUN_ALL = "Restart the kernel and run all cells, save the notebook, and try again."
COLAB = (
    "Colab did not hand over the notebook that you see. Choose File > Download > Download .ipynb, upload that file under Files "
    'on the left, and run submit("/content/NAME.ipynb") with its name.'
)
PYTHON = r".venv\Scripts\python" if os.name == "nt" else ".venv/bin/python"  # as the README names it
SAVE = "Save the notebook (Ctrl+S, on a Mac Cmd+S) and try again."
SHOWN_NOTEBOOKS = 5  # of those in the folder, where the one that was named is not
FIRST_CHARACTERS = 50  # of an answer that are shown
PICTURE_IN_TEXT = re.compile(r"!\[[^\]\n]*\]\((?:data:|attachment:)[^)]*\)|data:image/[^\s)]*")
PLACEHOLDER = re.compile(r"^\W*your answer(?: here)?\W*", re.I)
# What is said of a check's verdict (`checks.report.Verdict`), and which of them leave something to do.
VERDICTS = {
    "right": "correct",
    "wrong": "wrong",
    "broken": "does not run",
    "stopped": "stopped by its check",
    "unfinished": "not implemented yet",
    "missing": "not found",
    "newer-python": "not judged: it needs a newer Python",
}
NOT_DONE = {"unfinished", "missing"}
KIT_CELLS = PACKAGE / "notebook_cells.json"  # {id: source}, as the notebook was given out; release writes it
CONDITION = re.compile(r"<!-- (?:needs|otherwise|end)\b.*?-->")  # in the reference's texts, of what a course may leave out
SCRIPT = "cs231n_script"  # in a notebook's metadata: it was a Python file, in which nothing says what was run
SOLUTION = b"# BEGIN " + b"SOLUTION"  # what marks the reference's solutions, which no student has


@dataclass(frozen=True)
class Kernel:
    """What is known of the kernel in which the notebook ran.

    Parameters
    ----------
    runs : mapping of int to str
        {execution count: source} of the cells that it ran before this one.
    verdict : callable
        From the name of an exercise's function to what its last check found, a verdict's value; "" if the function was changed
        since then, None if that is not known.
    """

    runs: Mapping[int, str] = field(default_factory=dict)
    verdict: Callable[[str], str | None] = lambda name: None


@dataclass(frozen=True)
class _Work:
    """What is handed in: its bytes, what they hold, where submission.zip goes, and what is said about where it came from."""

    path: Path
    raw: bytes
    notebook: NotebookNode
    origin: str
    is_live: bool = False  # as it is on the screen, so that nothing in it can be unsaved


def submit(path: str | os.PathLike[str] = NOTEBOOK, incomplete: bool = False) -> None:
    """Do what the command does, for a cell of a notebook: print all there is to say, and raise nothing.

    Parameters
    ----------
    path : str or os.PathLike
        The notebook as it was last saved. On Colab the default stands for the notebook as it is on the screen.
    incomplete : bool
        Whether to write submission.zip even if something is missing.
    """
    try:
        is_live = front_end.on_colab() and os.fspath(path) == NOTEBOOK
        work = _live() if is_live else _saved(Path(path))
        kernel = Kernel(front_end.runs(), lambda name: verdict_on(name, front_end.defined(name)))
        if _hand_in(work, incomplete, kernel, "submit(incomplete=True)") and front_end.on_colab():
            front_end.offer(work.path.with_name(ARCHIVE))
    except Exception as error:  # whatever it is, a student who hands in needs a sentence and no traceback
        tell(_in_words(error))


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
        written = _hand_in(_saved(Path(options.notebook)), options.incomplete, Kernel(), "add the option --incomplete")
    except Exception as error:  # as in a cell
        tell(_in_words(error), stream=sys.stderr)
        return 1
    return int(not written)


def _in_words(error: Exception) -> str:
    if isinstance(error, ValueError | OSError) and error.args and not isinstance(error, UnicodeError):
        return str(error)
    return (
        f"This notebook could not be packed ({type(error).__name__}: {str(error)[:200]}). An existing {ARCHIVE} is unchanged. "
        "Hand in the notebook itself, and tell your course staff what this message says."
    )


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
    runs = [] if notebook.metadata.get(SCRIPT) else _not_run(notebook.cells)
    return [*_not_written(_parts(notebook, find)).values(), *runs, *_answers_not_given(notebook)]


def left_out(notebook: NotebookNode, find: Find | None = None) -> str:
    """Return a sentence on what of the optional section is not done.

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
        return "The optional section is not done. That is fine: it gives bonus points only."
    counts = (exercises, OPTIONAL_EXERCISES, "exercises"), (questions, OPTIONAL_QUESTIONS, "questions")
    lacking = " and ".join(f"{count} of {len(of)} {noun}" for count, of, noun in counts if of)
    return f"Of the optional section, {lacking} are not done. That is fine: they give bonus points only."


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


def _hand_in(work: _Work, incomplete: bool, kernel: Kernel, anyway: str) -> bool:
    """Print what is found, write the archive next to the notebook and return whether it was written."""
    notebook, path = work.notebook, work.path
    if _is_reference(notebook, path.parent):
        tell(f"{path.name} is the reference notebook: it imports the solutions. There is nothing to submit.")
        return False
    tell(work.origin)
    unsaved = "" if work.is_live else _unsaved(notebook, kernel.runs, path.name)
    if unsaved:
        tell(f"{unsaved} {SAVE}")
        if not incomplete:
            tell(f"{_not_written_now(path)} To hand in the notebook as it was saved: {anyway}.")
            return False
    find = _own_files(path.parent)
    parts = _parts(notebook, find)
    unfinished = _unfinished(parts, kernel)
    runs = [] if notebook.metadata.get(SCRIPT) else _not_run(notebook.cells)
    found = [*_not_written(parts).values(), *unfinished.values(), *runs, *_answers_not_given(notebook)]
    _print_contents(notebook, parts, kernel)
    if not kernel.runs:
        tell(f"To see which of them are correct, run in a terminal: {PYTHON} -m cs231n.checks {path.name}")
    if not work.is_live:
        tell("If an answer above differs from what you see in the notebook, it has not been saved yet. " + SAVE)
    if found:
        print()
        tell(f"To do before you hand it in ({len(found)}):")
        for number, sentence in enumerate(found, 1):
            tell(sentence, "     ", first=f"  {number}. ")
    optional = left_out(notebook, find)
    advice = [] if runs or notebook.metadata.get(SCRIPT) else _out_of_order(notebook.cells)
    for sentence in (*_moved_answers(notebook), *advice, *([optional] if optional else [])):
        tell(sentence)
    print()
    if found and not incomplete:
        tell(f"{_not_written_now(path)} To hand in the notebook as it is: {anyway}.")
        return False
    archive = path.with_name(ARCHIVE)
    files = {path.name: work.raw, **_own_modules(notebook, find), **_page(notebook, path.stem)}
    _write(archive, files)
    tell(f"{archive.name} is written, {archive.stat().st_size / 1e6:.1f} MB: {_listed(files, path.stem)}.")
    tell("Hand in this one file, in the way your course asks for:")
    say(str(archive))  # on a line of its own, however long: so its spaces end no line
    return True


def _not_written_now(path: Path) -> str:
    """Return the sentences that submission.zip was not written, and which one is there."""
    archive = path.with_name(ARCHIVE)
    try:
        return f"{ARCHIVE} was not written; the one that is there is from {_when(archive.stat().st_mtime)}."
    except OSError:
        return f"{ARCHIVE} was not written."


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


# What is in it


def _print_contents(notebook: NotebookNode, parts: Sequence[Part], kernel: Kernel) -> None:
    """Print a line for each exercise, with its check's verdict, and for each question, with its answer's first words."""
    found, not_written = find_answers(notebook, kit_cells()), _not_written(parts, (*EXERCISES, *OPTIONAL_EXERCISES))
    width = max(map(len, (*EXERCISES, *OPTIONAL_EXERCISES)), default=0)
    print()
    for exercise in assignment().exercises:
        said = "not written yet" if exercise.function in not_written else _said_of_check(exercise.key, notebook, kernel)
        print(f"  {exercise.function:{width}}  {said}")
    for question in assignment().questions:
        tell(f"question {question.number}: {_first_words(found[question.key])}", "    ", first="  ")
    print()


def _said_of_check(key: str, notebook: NotebookNode, kernel: Kernel) -> str:
    """Return what is known of the verdict on an exercise: from the kernel, or else from its check's cell in the file."""
    verdict = kernel.verdict(assignment().by_key[key].function)  # type: ignore[union-attr]
    if verdict:
        return VERDICTS[verdict]
    if verdict == "":
        return "changed since its check ran: run the check again"
    checks = [cell for cell in notebook.cells if cell.cell_type == "code" and re.search(rf"\bcheck_{key}\b", cell.source)]
    if any(output.get("ename") == "WrongAnswer" for cell in checks for output in cell.outputs):
        return "wrong, says the check in the file"
    return "written; its check has not run in this kernel" if kernel.runs else "written"


def _unfinished(parts: Sequence[Part], kernel: Kernel) -> dict[str, str]:
    """Return {function: sentence} of the exercises that are written, for who reads them, and not for their check."""
    written = [name for name in EXERCISES if name not in _not_written(parts)]
    return {
        name: f"{name}: its check says that it is not implemented yet. Finish it, then run its check again."
        for name in written
        if kernel.verdict(name) in NOT_DONE
    }


def _first_words(answer: Answer) -> str:
    """Return how an answer begins, in quotes, or that there is none."""
    if not _is_given(answer):
        return "no answer"
    text = " ".join(PLACEHOLDER.sub("", PICTURE_IN_TEXT.sub("[picture]", answer.text)).split())
    return f'"{textwrap.shorten(text, FIRST_CHARACTERS, placeholder=" ...")}"'


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
        tell(
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


def _no_file(path: Path) -> str:
    """Return the sentences on a notebook that is not there, and on those that are in its folder."""
    near = sorted(other.name for other in path.absolute().parent.glob("*.ipynb"))
    if not near:
        return f"There is no file {path}. Name your notebook, or change to the folder that it is in."
    shown, name = ", ".join(near[:SHOWN_NOTEBOOKS]), path.with_name(near[0]).as_posix()
    return f'There is no file {path}. Notebooks in its folder: {shown}. Give the name of yours: in a cell, submit("{name}").'


def _saved(path: Path) -> _Work:
    """Return the work in a file. Raises ValueError or OSError with a sentence for what is not a notebook or cannot be read."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Name the notebook in it.")
    if not path.is_file():
        raise ValueError(_no_file(path))
    try:
        raw, changed = path.read_bytes(), path.stat().st_mtime
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error.strerror or error}. Nothing was written.") from None
    if not raw.strip():
        raise ValueError(f"{path} is empty. Go back to an earlier version. Nothing was written.")
    return _read(path, raw, f"{path.name}, as it was saved at {_when(changed)}.")


def _live() -> _Work:
    """Return the notebook that Colab shows. Raises ValueError where it does not hand it over."""
    raw = front_end.live_notebook()
    if raw is None:
        raise ValueError(COLAB)
    work = _read(Path(NOTEBOOK), raw, f"{NOTEBOOK}, as it is on the screen now.")
    return dataclasses.replace(work, is_live=True)


def _read(path: Path, raw: bytes, origin: str) -> _Work:
    try:
        script = path.suffix.lower() == ".py"
        notebook = _of_script(path, raw) if script else read_notebook(str(path), raw)
    except ValueError as error:
        raise ValueError(
            f"{error} Open it in Jupyter and save it again; if it does not open, go back to an earlier version. "
            "Nothing was written."
        ) from None
    if not any(cell.source.strip() for cell in notebook.cells):
        raise ValueError(f"{path} holds no cells with anything in them. Is it the right file? Nothing was written.")
    return _Work(path.resolve(), raw if script else mended(raw), notebook, origin)


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


def _not_written(parts: Sequence[Part], names: Iterable[str] = EXERCISES) -> dict[str, str]:
    """Return {function: sentence} of the exercises that are not written."""
    return {name: sentence for name in names if (sentence := _not_attempted(name, parts))}


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


def _not_run(cells: Sequence[NotebookNode]) -> list[str]:
    """Return the sentences on the cells that ended in an error or were not run."""
    code = _code(cells)
    found = [
        f"{_place(cells, number)} ends in an error. Fix it or, if you cannot, hand the notebook in as it is (see below)."
        for number, cell in code
        if any(output.output_type == "error" for output in cell.outputs)
    ]
    idle = [number for number, cell in code if cell.execution_count is None and not cell.outputs]
    if idle and not _was_run_without_counts(code):
        places = ", ".join(_place(cells, number) for number in idle[:3])
        more = f", and {len(idle) - 3} more" if len(idle) > 3 else ""
        found.append(f"{len(idle)} of {len(code)} code cells were not run: {places}{more}. {RUN_ALL}")
    return found


def _was_run_without_counts(code: Sequence[tuple[int, NotebookNode]]) -> bool:
    """Return whether a tool has taken the counts out of a notebook that was run: there are outputs, and no count at all."""
    return any(cell.outputs for _, cell in code) and all(cell.execution_count is None for _, cell in code)


def _out_of_order(cells: Sequence[NotebookNode]) -> list[str]:
    """Return the advice to run all cells in order, where they were not; what is handed in may be complete all the same."""
    code = _code(cells)
    counts = [cell.execution_count for _, cell in code]
    if _was_run_without_counts(code):
        return ["The file does not say in which order its cells were run."]
    first = next((i for i, count in enumerate(counts) if count != i + 1), None)
    if first is None:
        return []
    return [
        f"Advice: the cells were not run once each from top to bottom ({_place(cells, code[first][0])} was run as number "
        f"{counts[first]}, not {first + 1}). To be sure that it works from the start, restart the kernel and run all cells."
    ]


def _code(cells: Sequence[NotebookNode]) -> list[tuple[int, NotebookNode]]:
    """Return [(number, cell)] of the code cells with a source, apart from the one that submits."""
    code = [(number, cell) for number, cell in enumerate(cells, 1) if cell.cell_type == "code" and cell.source.strip()]
    return [(number, cell) for number, cell in code if not _submits(cell.source)]


def _place(cells: Sequence[NotebookNode], number: int) -> str:
    """Return where a cell is, for people: its number in the notebook, from 1, and the heading above it."""
    headings = [line for cell in cells[:number] if cell.cell_type == "markdown" for line in _headings(cell.source)]
    return f'cell {number} (under "{headings[-1]}")' if headings else f"cell {number}"


def _headings(text: str) -> list[str]:
    return [re.sub(r"[`*]|\s·.*", "", line.lstrip("#")).strip() for line in text.splitlines() if re.match(r"#{1,6}\s", line)]


def _submits(source: str) -> bool:
    return re.search(r"\bcs231n\.submit\b|^\s*submit\(", source, re.M) is not None


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


# What the kernel ran and the file does not hold


def _unsaved(notebook: NotebookNode, runs: Mapping[int, str], name: str) -> str:
    """Return the sentence that the kernel ran what the saved file does not hold, "" if it did not.

    A cell of the file that was run last as number N has this number; so what ran after the highest number that the file and the
    kernel agree on, ran after the file was saved.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    saved = {cell.execution_count: cell.source.strip() for cell in code if cell.execution_count is not None}
    sources = {cell.source.strip() for cell in code}
    ran = {count: source.strip() for count, source in runs.items()}
    own = [count for count in ran if not _submits(ran[count])]
    no_counts = _was_run_without_counts(_code(notebook.cells))
    if no_counts:  # a tool keeps none; without outputs, too, nothing was run when the file was saved
        since = [count for count in own if ran[count] not in sources]
    else:
        agreed = max((count for count in ran if saved.get(count) == ran[count]), default=0)
        since = [count for count in own if count > agreed]
    if since and not any(ran[count] in sources for count in own):
        return f"{name} holds nothing of what you ran in this notebook ({_cells(len(since))}). Is it the right file?"
    if since and no_counts:
        return f"{name} does not hold {_cells(len(since))} as you ran {'it' if len(since) == 1 else 'them'}."
    if since:
        return f"You ran {_cells(len(since))} since {name} was saved."
    places = [_place(notebook.cells, number) for number, cell in _code(notebook.cells) if _differs(cell, ran)]
    if places:
        differ, again = ("differs", "it") if len(places) == 1 else ("differ", "them")
        return f"In the saved file, {', '.join(places[:3])} {differ} from what you ran. Run {again} again."
    if _has_older_exercise(sources, ran):
        return f"{name} does not hold your exercises as you ran them last."
    return ""


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _differs(cell: NotebookNode, ran: Mapping[int, str]) -> bool:
    return ran.get(cell.execution_count, cell.source.strip()) != cell.source.strip()


def _has_older_exercise(sources: Iterable[str], ran: Mapping[int, str]) -> bool:
    """Return whether the last definition of an exercise that was run is in no cell of the notebook."""
    for name in (*EXERCISES, *OPTIONAL_EXERCISES):
        defining = [source for source in ran.values() if re.search(rf"^def {name}\b", source, re.M)]
        if defining and defining[-1] not in sources:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
