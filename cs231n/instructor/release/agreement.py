"""Whether the notebook and the README say what assignment.toml lists: exercises, questions, where they are, their points."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from ...assignment import Assignment, Exercise, Question, plain
from .adapting import POINTS, SECTION, TOTALS
from .reference import Reference

LISTED = "cs231n/assignment.toml"
HEADING = re.compile(r"^#+ .*?\b(?:exercise|question) (?P<number>\d+)\b", re.M | re.I)
README_ROW = re.compile(r"^\| (?P<section>\d+(?:\.\d+)?)\b[^|]*\|.*\| (?P<points>\d+(?:\.\d+)?)(?P<bonus> bonus)? \|$")


@dataclass(frozen=True)
class Asked:
    """What the notebook asks.

    Parameters
    ----------
    task : Exercise or Question
        As assignment.toml lists it.
    text : NotebookNode
        The cell with its heading and points.
    cell : NotebookNode
        Where a student writes.
    graded : str
        The id of the cell that has the points: an exercise's check, an answer.
    """

    task: Exercise | Question
    text: NotebookNode
    cell: NotebookNode
    graded: str

    @property
    def cells(self) -> tuple[str, str, str]:
        """The ids of all its cells."""
        return self.text.id, self.cell.id, self.graded


def disagreements(reference: Reference, listed: Assignment, asked: list[Asked], minutes: float) -> Iterator[str]:
    """Yield a sentence, with file and line, for everything in which the notebook and the README differ from the list.

    Parameters
    ----------
    reference : Reference
        The notebook.
    listed : Assignment
        What assignment.toml says.
    asked : list of Asked
        What the notebook asks, in its order.
    minutes : float
        For the exercises that count for full marks, by their headings.
    """
    for one in asked:
        yield from _of_one(reference, one)
    order = [one.task.key for one in asked]
    keys = [task.key for task in listed.tasks if task.key in order]
    if keys != order and sorted(keys) == sorted(order):
        first = next(one for one, key in zip(asked, keys, strict=True) if one.task.key != key)
        yield f"{reference.place(first.text)} asks for {first.task.key}, which has another place in {LISTED}; expected one order."
    yield from _of_totals(reference, totals_of(listed, minutes), listed.title)


def not_asked(reference: Reference, listed: Assignment, asked: list[Asked]) -> list[str]:
    """Return a sentence for each exercise and question of the list that the notebook lacks."""
    found = {one.task.key for one in asked}
    return [
        f"{reference.path}: no cell asks for {task.key}, which {LISTED} lists. Write its cells or, if a course does without it, "
        f'leave it out by the course\'s own file (--course): left-out = ["{task.key}"].'
        for task in listed.tasks
        if task.key not in found
    ]


def totals_of(listed: Assignment, minutes: float) -> Mapping[str, float]:
    """Return {name in TOTALS: number} of an assignment."""
    return {
        "points": listed.points(),
        "bonus points": listed.points(bonus=True),
        "minutes for the exercises": minutes,
    }


def _of_one(reference: Reference, one: Asked) -> Iterator[str]:
    task, source = one.task, one.text.source
    heading, points = HEADING.search(source), POINTS.search(source)
    if heading and int(heading["number"]) != task.number:
        yield f"{reference.place(one.text, heading[0])} has the number {heading['number']}; {LISTED} makes it {task.number}."
    expected = f"**{'Bonus points' if task.bonus else 'Points'}** {plain(task.points)}"
    if points and points[0] != expected:
        yield (
            f"{reference.place(one.text, points[0])} says {points[0]}; for {task.key}, {LISTED} says {expected}. Change one of "
            "the two; what a course wants otherwise belongs in its own file (--course)."
        )
    section = _section(reference, one.text)
    if section and section != task.section:
        yield f"{reference.place(one.text)} is in section {section}; for {task.key}, {LISTED} says section {task.section}."


def _section(reference: Reference, cell: NotebookNode) -> str:
    """Return the number of the section in which a cell is, "" if no heading has one."""
    above = reference.cells[: reference.index(cell) + 1]
    found = [number for text in above if text.cell_type == "markdown" for number in SECTION.findall(text.source)]
    return found[-1] if found else ""


def _of_totals(reference: Reference, totals: Mapping[str, float], title: str) -> Iterator[str]:
    cell = next((cell for cell in reference.cells if cell.id == "title"), None)
    if cell is not None and cell.source.splitlines()[:1] != [f"# {title}"]:
        yield f"{reference.place(cell)} does not begin with `# {title}`, the title in {LISTED}."
    places = [(cell.source, lambda line: reference.place(cell, line))] if cell is not None else []
    for text, place in places:
        yield from (f"{place(line)} {said}" for line, said in _wrong_totals(text, totals))


def disagreements_of_readme(path: Path, listed: Assignment) -> Iterator[str]:
    """Yield a sentence, with file and line, for each number of points in the README that is not the list's."""
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    totals = {name: total for name, total in totals_of(listed, 0).items() if name.endswith("points")}
    for number, line in enumerate(lines, 1):
        yield from (f"{path}:{number} {said}" for _, said in _wrong_totals(line, totals))
        row = README_ROW.match(line)
        own = [task for task in listed.tasks if row and row["section"] in (task.section, task.section.partition(".")[0])]
        points = sum(task.points for task in own if task.bonus == bool(row and row["bonus"]))
        if row and own and float(row["points"]) != points:
            yield f"{path}:{number} gives section {row['section']} {row['points']} points; by {LISTED} they are {plain(points)}."


def _wrong_totals(text: str, totals: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Yield (line, what is wrong) for each total in a text that is not right."""
    for line in text.splitlines():
        for name, total in totals.items():
            for found in TOTALS[name].finditer(line):
                if float(found[0]) != total:
                    yield line, f"says {found[0]} {name}; by {LISTED} and the headings they are {plain(total)}."
