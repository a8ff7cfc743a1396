"""The notebook as students get it: stubs, empty answers, what the course keeps, and nbgrader's metadata."""

import ast
import copy
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from ...assignment import Assignment
from . import adapting
from .adapting import Kept, fitted
from .agreement import Asked, totals_of
from .model_answers import is_answer
from .package import without_imports
from .reference import Reference
from .solutions import Marked, noted, parsed

KEPT_METADATA = "kernelspec", "language_info", "accelerator"
KEPT_OF_CELLS = "jupyter", "cellView"  # that a cell is folded, in JupyterLab and on Colab
FREE_CELLS = {"setup", "own-class", "submit"}  # students may change them
EMPTY_ANSWER = "*Your answer:*"


@dataclass(frozen=True)
class Exercise:
    """An exercise of the notebook: its key, the cell that imports its Marked function, and its check's cell, by id."""

    key: str
    cell: str
    marked: Marked
    minutes: int
    check: str
    solved: str  # what stands in the cell when a student has written the solution


def source_of_cell(marked: Marked, function: str, known: Collection[str]) -> str:
    """Return the source of an exercise's cell: `function`, its stub or its solved source, below the imports that it needs.

    known: the package's files in the edition. Imported are whole modules that the solved function uses, too.
    """
    used, used_when_solved = _names(function), _names(marked.solved())
    module = marked.module
    plain: list[str] = []
    grouped: dict[str, list[str]] = {}
    for statement in parsed(marked.file, "\n".join(marked.lines)).body:
        if isinstance(statement, ast.Import):
            plain += [
                ast.unparse(ast.Import([a])) for a in statement.names if (a.asname or a.name.split(".")[0]) in used_when_solved
            ]
        elif isinstance(statement, ast.ImportFrom):
            above = module.split(".")[: -statement.level] if statement.level else []
            source = ".".join([*above, *([statement.module] if statement.module else [])])
            grouped.setdefault(source, []).extend(
                ast.unparse(alias) for alias in statement.names if (alias.asname or alias.name) in used
            )
        elif f"{module.replace('.', '/')}.py" in known:
            grouped.setdefault(module, []).extend(sorted(_defined(statement) & used - {marked.name}))
    imports = [f"from {source} import {', '.join(sorted(names))}" for source, names in sorted(grouped.items()) if names]
    paragraphs = ["\n".join(lines) for lines in (plain, imports) if lines]
    return "\n\n".join(paragraphs) + "\n\n\n" + function


def _names(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _defined(statement: ast.stmt) -> set[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


# The cells


def student_notebook(
    reference: Reference,
    asked: Sequence[Asked],
    exercises: Sequence[Exercise],
    kept: Kept,
    package: Mapping[str, bytes],
    kit_url: str,
    problems: list[str],
) -> tuple[NotebookNode, dict[str, str]]:
    """Return (the notebook as students get it, {id: source} of all its cells before the course's file took any away).

    Every graded, locked or answered cell has nbgrader's metadata. Of the notebook's own metadata only KEPT_METADATA stay:
    editors put widgets' states there, for example, and Colab the address of the file in the instructor's Drive.

    asked: [Asked], all that the reference asks. exercises: [Exercise], all of the reference's. kept: what the course keeps.
    What is wrong with a cell joins `problems`.
    """
    whole = _whole_notebook(reference, asked, exercises, package, kit_url, problems)
    before = {cell.id: cell.source for cell in whole.cells}
    of_tasks = {name: one.task.key for one in asked for name in one.cells}
    gone = adapting.cells_that_go(reference, kept, of_tasks, problems)
    whole.cells = [cell for cell in whole.cells if cell.id not in gone]
    for cell in whole.cells:
        try:
            cell.source = _adapted_source(cell, asked, exercises, kept)
        except ValueError as error:
            problems.append(f"{_place(reference, cell)}: {error}")
    whole.cells = [cell for cell in whole.cells if cell.source.strip() or not before[cell.id].strip()]
    _prune_references(whole.cells, before)
    _prune_imports(whole.cells, before, {exercise.cell for exercise in exercises})
    _for_points(whole.cells, asked, kept)
    problems += [] if problems else _contradictions(reference, whole.cells, before, kept)  # else it would say the same again
    nbformat.validate(whole)
    return whole, before


def _place(reference: Reference, cell: NotebookNode) -> str:
    return reference.place(next(old for old in reference.cells if old.id == cell.id))


def _whole_notebook(
    reference: Reference,
    asked: Sequence[Asked],
    exercises: Sequence[Exercise],
    package: Collection[str],
    kit_url: str,
    problems: list[str],
) -> NotebookNode:
    """Return the notebook with all that the reference asks, as stubs and empty answers."""
    notebook = copy.deepcopy(reference.notebook)
    notebook.metadata = nbformat.from_dict({key: notebook.metadata[key] for key in KEPT_METADATA if key in notebook.metadata})
    marked = {exercise.cell: exercise.marked for exercise in exercises}
    known = [name for name in package if name.endswith(".py")]
    locked = {notebook.cells[i - 1].id for i, cell in enumerate(notebook.cells) if cell.id in marked or is_answer(cell)}
    for old, cell in zip(reference.cells, notebook.cells, strict=True):
        tags = [tag for tag in cell.metadata.get("tags", []) if not tag.startswith("nbval")]
        folded = {key: cell.metadata[key] for key in KEPT_OF_CELLS if key in cell.metadata}
        cell.metadata = nbformat.from_dict(folded | ({"tags": tags} if tags else {}))
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if cell.id in marked:
            cell.source = source_of_cell(marked[cell.id], marked[cell.id].stub(), known)
            _for_nbgrader(cell, solution=True)
        elif is_answer(old):
            cell.source = EMPTY_ANSWER
            cell.pop("attachments", None)
            _for_nbgrader(cell, grade=True, solution=True, points=0)
        elif cell.id in {exercise.check for exercise in exercises}:
            _for_nbgrader(cell, grade=True, locked=True, points=0)
        elif cell.id in locked or (cell.cell_type == "code" and cell.id not in FREE_CELLS):
            _for_nbgrader(cell, locked=True)
        if cell.id == "setup":
            with noted(problems):
                cell.source = _with_kit_url(reference, old, kit_url)
    if not any(cell.id == "setup" for cell in notebook.cells):
        problems.append(
            f"{reference.path} has no cell with the id setup, whose `KIT_URL` leads to the solutions. Restore the id."
        )
    return notebook


def _adapted_source(cell: NotebookNode, asked: Sequence[Asked], exercises: Sequence[Exercise], kept: Kept) -> str:
    """Return the source of a cell that stays, as the course has it."""
    listed = kept.course.assignment
    if cell.cell_type == "code":
        functions = {exercise.marked.name for exercise in exercises if exercise.key in kept.course.left_out}
        return adapting.without_unready(cell.source, functions) if functions else cell.source
    source = fitted(cell.source, kept)
    task = next((listed.by_key.get(one.task.key) for one in asked if one.text.id == cell.id), None)
    if task is not None:
        source = adapting.with_points(source, task.points, task.bonus)
        if own := kept.course.questions.get(task.key):
            source = adapting.with_own_text(source, own.text)
    if cell.id == "title":
        totals = totals_of(listed, exercise_minutes(exercises, listed))
        source = adapting.with_title(adapting.with_totals(source, totals), listed.title)
        source = adapting.with_due(source, kept.course)
    return source


def exercise_minutes(exercises: Iterable[Exercise], listed: Assignment) -> int:
    """Return the minutes, by their headings, for the exercises that count for full marks."""
    counted = {task.key for task in listed.exercises if not task.bonus}
    return sum(exercise.minutes for exercise in exercises if exercise.key in counted)


def _for_points(cells: Sequence[NotebookNode], asked: Sequence[Asked], kept: Kept) -> None:
    """Give nbgrader the points of each check and each answer; a bonus is extra credit, on top of a maximum of 0."""
    tasks = {one.graded: kept.course.assignment.by_key.get(one.task.key) for one in asked}
    for cell in cells:
        if task := tasks.get(cell.id):
            points = 0 if task.bonus else task.points
            cell.metadata["nbgrader"]["points"] = int(points) if points == int(points) else points


def _prune_references(cells: Sequence[NotebookNode], before: Mapping[str, str]) -> None:
    """Take the items out of the lists of the cells that lead to an address which only texts that are gone led to."""
    then = {name: adapting.addresses(source) for name, source in before.items()}
    now = {cell.id: adapting.addresses(cell.source) for cell in cells}
    for cell in (cell for cell in cells if cell.cell_type == "markdown"):
        led = set().union(*(found for name, found in then.items() if name != cell.id))
        leads = set().union(*(found for name, found in now.items() if name != cell.id))
        cell.source = adapting.without_lost_references(cell.source, led - leads)


def _prune_imports(cells: Sequence[NotebookNode], before: Mapping[str, str], stubs: Collection[str]) -> None:
    """Take the imports out of code cells that only code which is gone needed."""
    used_before = set().union(*(adapting.names_in(source)[0] for source in before.values()))
    code = [cell for cell in cells if cell.cell_type == "code"]
    unused = used_before - set().union(*(adapting.names_in(cell.source)[0] for cell in code))
    for cell in code if unused else []:
        _, defined = adapting.names_in(cell.source)
        if cell.id not in stubs and defined & unused:
            cell.source = without_imports(ast.parse(cell.source), cell.source, unused)


def _contradictions(reference: Reference, cells: Sequence[NotebookNode], before: Mapping[str, str], kept: Kept) -> Iterator[str]:
    """Yield a sentence, with cell and line, for each cell that stays and needs or names what is gone."""
    code = {cell.id: adapting.names_in(cell.source) for cell in cells if cell.cell_type == "code"}
    defined = set().union(*(found for _, found in code.values()))
    defined_before = set().union(*(adapting.names_in(source)[1] for source in before.values()))
    nowhere = adapting.links_to_nowhere({cell.id: cell.source for cell in cells if cell.cell_type == "markdown"})
    hint = "Give the cell `needs` in its metadata, or put this between `<!-- needs: ... -->` and `<!-- end -->`."
    for cell in cells:
        used, _ = code.get(cell.id, (frozenset[str](), None))
        if lost := used & (defined_before - defined):
            yield (
                f"{_place(reference, cell)} uses {', '.join(sorted(lost))}, which only what the course leaves out defines. "
                "Give the cell `needs` in its metadata, or put this under `if ready(...)`."
            )
        for mention in dict.fromkeys(adapting.mentions_of_what_is_gone(cell.source, kept)):
            yield f"{_place(reference, cell)} mentions {mention}, which the course leaves out. {hint}"
        for target in nowhere.get(cell.id, ()):
            yield f"{_place(reference, cell)} links to #{target}, which is not there. {hint}"


def _for_nbgrader(
    cell: NotebookNode, grade: bool = False, solution: bool = False, locked: bool = False, points: float | None = None
) -> None:
    cell.metadata["nbgrader"] = {
        "grade": grade,
        "grade_id": cell.id,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
        **({} if points is None else {"points": points}),
    }


def _with_kit_url(reference: Reference, cell: NotebookNode, kit_url: str) -> str:
    source, count = re.subn(r'^KIT_URL = ".*"$', lambda _: f'KIT_URL = "{kit_url}"', cell.source, flags=re.M)
    if count != 1:
        raise ValueError(f'{reference.place(cell)} holds {count} lines `KIT_URL = "..."`; expected one.')
    return source
