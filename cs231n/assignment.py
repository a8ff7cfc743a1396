"""The exercises and questions of the assignment, as `assignment.toml` lists them: what is asked, where, for how many points."""

import dataclasses
import functools
import json
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PATH = Path(__file__).with_name("assignment.toml")


@dataclass(frozen=True)
class Exercise:
    """A function that a student writes.

    Parameters
    ----------
    key : str
        Its name in files, tables and fingerprints, such as "saliency_maps".
    number : int
        Of its heading: by default counted from 1, in the order of the notebook.
    section : str
        Of the notebook, such as "4" or "7.1".
    points : float
        At least 0.
    bonus : bool
        Whether its points come on top of full marks.
    function : str
        The name of the function, such as "compute_saliency_maps".
    module : str
        The module of `cs231n` that holds its solution, or in a student edition the place for it.
    figures : dict
        {id of a cell: caption} of the notebook's figures that depend on it, the most telling one first.
    """

    key: str
    number: int
    section: str
    points: float
    bonus: bool
    function: str
    module: str
    figures: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Question:
    """An inline question.

    Parameters
    ----------
    key : str
        "question-1" and so on.
    number : int
        Of its heading.
    section : str
        Of the notebook, such as "4" or "7.1".
    points : float
        At least 0.
    bonus : bool
        Whether its points come on top of full marks.
    figures : tuple of str
        The ids of the cells with the exercises' figures that it is about: who marks an answer sees the student's.
    """

    key: str
    number: int
    section: str
    points: float
    bonus: bool
    figures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """All that is asked, in the order of the notebook.

    Parameters
    ----------
    title : str
        Of the notebook.
    tasks : tuple of Exercise or Question
        In the order of the notebook.
    """

    title: str
    tasks: tuple[Exercise | Question, ...]

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        """The exercises alone."""
        return tuple(task for task in self.tasks if isinstance(task, Exercise))

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions alone."""
        return tuple(task for task in self.tasks if isinstance(task, Question))

    @property
    def by_key(self) -> dict[str, Exercise | Question]:
        """{key: exercise or question}."""
        return {task.key: task for task in self.tasks}

    @property
    def by_function(self) -> dict[str, Exercise]:
        """{name of the function: exercise}."""
        return {exercise.function: exercise for exercise in self.exercises}

    def points(self, bonus: bool = False) -> float:
        """Return the sum of the points without the bonus, or with `bonus` of the bonus alone."""
        return math.fsum(task.points for task in self.tasks if task.bonus == bonus)


@functools.lru_cache
def assignment() -> Assignment:
    """Return the assignment as the kit has it or, in a student edition, as the course gives it.

    Returns
    -------
    Assignment
        All that `assignment.toml` lists, in its order.
    """
    return read(PATH)


def read(path: Path) -> Assignment:
    """Return the Assignment of a TOML file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Assignment
        What it lists.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not such a list; the message names file, table and key.
    """
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:  # TOML or UTF-8 that is neither
        raise ValueError(f"{path} is not a TOML file: {error}") from None
    title = tables.pop("title", None)
    if not isinstance(title, str) or not title.strip():
        raise ValueError(f'{path}: title = {title!r}; expected the title of the notebook, a text: title = "...".')
    exercises = 0
    tasks: list[Exercise | Question] = []
    for key, table in tables.items():
        if isinstance(table, dict) and "function" in table:
            fields = _common(path, key, table, {"function", "module"})
            exercises = fields.pop("number", exercises + 1)
            tasks.append(Exercise(**fields, number=exercises))
        else:
            tasks.append(Question(**_common(path, key, table, set()), number=_number(path, key)))
    for what in ("function", "number"):
        values = [getattr(task, what) for task in tasks if isinstance(task, Exercise)]
        if twice := {str(value) for value in values if values.count(value) > 1}:
            raise ValueError(f"{path}: two exercises have the {what} {', '.join(sorted(twice))}; expected one each.")
    return Assignment(title, tuple(tasks))


def written(listed: Assignment) -> str:
    """Return the TOML text of an assignment, from which `read` makes the same one again.

    Parameters
    ----------
    listed : Assignment
        What to write.

    Returns
    -------
    str
        Ends in a newline.
    """
    blocks = [f"title = {_quoted(listed.title)}\n"]
    for task in listed.tasks:
        fields = {name: value for name, value in dataclasses.asdict(task).items() if name != "key"}
        if isinstance(task, Question):
            del fields["number"]
        lines = [f"{name} = {_value(value)}\n" for name, value in fields.items() if value not in ({}, ())]
        blocks.append("".join([f"[{task.key}]\n", *lines]))
    return "\n".join(blocks)


def plain(points: float) -> str:
    """Return points as people write them.

    Parameters
    ----------
    points : float
        Finite.

    Returns
    -------
    str
        Such as "7" or "7.5".
    """
    return f"{points:.10g}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # TOML's basic strings escape as JSON's do


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_quoted(key)} = {_value(item)}' for key, item in value.items())} }}"
    return plain(value) if isinstance(value, int | float) else _quoted(str(value))


def points_of(path: Path, table: str, value: object, key: str = "points") -> float:
    """Return points as a float.

    Parameters
    ----------
    path : pathlib.Path
        The file in which they are, for the message.
    table : str
        The table there.
    value : object
        What the file says.
    key : str
        The key in the table.

    Returns
    -------
    float
        At least 0, finite.

    Raises
    ------
    ValueError
        Unless it is a number from 0; the message names file, table and key.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{path}: [{table}] {key} = {value!r}; expected a number from 0, such as 3 or 7.5.")
    return float(value)


def _common(path: Path, key: str, table: Any, of_exercises: set[str]) -> dict[str, Any]:
    """Return the fields of a table of the file, all but the number. Raises ValueError for a table that is not one of a task."""
    expected = {"section", "points", *of_exercises}
    optional = {"bonus", "number", "figures"} if of_exercises else {"bonus", "figures"}
    if not isinstance(table, dict):
        raise ValueError(f"{path}: {key} = {table!r}; expected a table, [{key}], with {', '.join(sorted(expected))}.")
    if wrong := (table.keys() ^ expected) - optional:
        lacking = ", ".join(sorted(wrong & expected)) or "nothing"
        unknown = ", ".join(sorted(wrong - expected)) or "nothing"
        raise ValueError(f"{path}: [{key}] lacks {lacking}; not known there: {unknown}.")
    for name in {"section", *of_exercises}:
        if not isinstance(table[name], str) or not table[name]:
            raise ValueError(f"{path}: [{key}] {name} = {table[name]!r}; expected a text, in quotes.")
    figures = _figures(path, key, table.get("figures", {} if of_exercises else []), bool(of_exercises))
    bonus = table.get("bonus", False)
    if not isinstance(bonus, bool):
        raise ValueError(f"{path}: [{key}] bonus = {bonus!r}; expected true or false.")
    number = table.get("number", 1)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError(f"{path}: [{key}] number = {number!r}; expected the number of its heading, such as 4.")
    return {**table, "key": key, "points": points_of(path, key, table["points"]), "bonus": bonus, "figures": figures}


def _figures(path: Path, key: str, figures: Any, of_exercise: bool) -> dict[str, str] | tuple[str, ...]:
    """Return the figures of a table, {id of a cell: caption} for an exercise's, ids for those that a question is about."""
    texts = list(figures.values() if isinstance(figures, dict) else figures) if isinstance(figures, dict | list) else []
    if isinstance(figures, dict if of_exercise else list) and all(isinstance(text, str) for text in texts):
        return dict(figures) if of_exercise else tuple(texts)
    expected = '{ CELL-ID = "caption" }' if of_exercise else '["CELL-ID"]'
    raise ValueError(f"{path}: [{key}] figures = {figures!r}; expected {expected}.")


def _number(path: Path, key: str) -> int:
    prefix, _, number = key.rpartition("-")
    if prefix != "question" or not (number.isascii() and number.isdigit()):
        raise ValueError(f"{path}: [{key}] has no function, so it is a question; expected a key such as question-3.")
    return int(number)
