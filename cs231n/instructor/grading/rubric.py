"""The rubric: how many points each part of the assignment gives, and what a wrong answer keeps of them."""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

from ...checks.explanations import EXERCISES
from ..reports.records import Verdict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT = Path(__file__).with_name("rubric.toml")


@dataclass(frozen=True)
class Rubric:
    """points: {exercise or question: its points}, in the notebook's order. kept: {mistake id: part kept, 0 to 1}.

    bonus: the exercises and questions whose points come on top of full marks.
    """

    points: dict
    kept: dict
    bonus: frozenset = frozenset()

    @property
    def columns(self):
        """All exercises and questions, in the notebook's order."""
        return tuple(self.points)

    @property
    def exercises(self):
        return tuple(name for name in self.points if name in EXERCISES)

    @property
    def questions(self):
        return tuple(name for name in self.points if name not in EXERCISES)

    def score(self, record, marks):
        """Return {exercise or question: points}, in the notebook's order; None for an answer that is not marked yet.

        record: what grading one submission yields. marks: {question: (points, comment)} of its student.
        """
        return {
            name: self._for_exercise(record, name) if name in EXERCISES else self._for_answer(record, name, marks)
            for name in self.points
        }

    def total(self, columns):
        """Return the sum of what score() returned, with the bonus, rounded to 2 decimals; what is not marked yet counts 0."""
        return round(sum(points for points in columns.values() if points is not None), 2)

    def bonus_of(self, columns):
        """Return the part of total() that is bonus."""
        return self.total({name: points for name, points in columns.items() if name in self.bonus})

    def full_marks(self, names=None):
        """Return the points of `names`, by default of all exercises and questions, without the bonus."""
        return sum(self.points[name] for name in names or self.points if name not in self.bonus)

    def most_bonus(self, names=None):
        """Return the points of those of `names`, by default of all, that give a bonus."""
        return sum(self.points[name] for name in names or self.points if name in self.bonus)

    def _for_exercise(self, record, name):
        result = record.result(name)
        if result.verdict is Verdict.RIGHT:
            return self.points[name]
        mistakes = set(result.mistakes) if result.verdict is Verdict.WRONG else set()
        if not mistakes or not result.explained:
            return 0.0
        return round(self.points[name] * math.prod(self.kept.get(mistake, 0.0) for mistake in mistakes), 2)

    def _for_answer(self, record, name, marks):
        if name in marks:
            return marks[name][0]
        return None if record.answer(name).strip() else 0.0


def load(path=None):
    """Return the Rubric of a TOML file with a list `bonus` and the tables [points] and [kept].

    What it does not name is as in rubric.toml. Raises OSError if the file cannot be read, and ValueError, with file and key,
    for what is no rubric.
    """
    tables = _tables(DEFAULT)
    bonus = tables.pop("bonus")
    own = _tables(path) if path else {}
    if "bonus" in own:
        bonus = own.pop("bonus")
        _require_names(path, bonus, list(tables["points"]))
    for table, values in own.items():
        if table not in tables:
            raise ValueError(
                f"{path}: the table [{table}] is not known; expected [points], [kept], and above them, if need be, bonus = [...]."
            )
        if not isinstance(values, dict):
            raise ValueError(f"{path}: {table} is {values!r}; expected a table, [{table}], with a line for each id.")
        for key, value in values.items():
            _require(path, table, key, value, tables[table])
        tables[table].update(values)
    points, kept = ({key: float(value) for key, value in tables[table].items()} for table in ("points", "kept"))
    return Rubric(points, kept, frozenset(bonus))


def _tables(path):
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:  # TOML or UTF-8 that is none
        raise ValueError(f"{path} is not a TOML file: {error}") from None


def _require_names(path, names, known):
    """Raise ValueError unless the list `bonus` holds exercises and questions."""
    if not isinstance(names, list):
        raise ValueError(f"{path}: bonus = {names!r}; expected a list of exercises and questions.")
    for name in names:
        if name not in known:
            raise ValueError(f"{path}: bonus names {name!r}, which is not known; expected some of {', '.join(known)}.")


def _require(path, table, key, value, known):
    if key not in known:
        raise ValueError(f"{path}: [{table}] {key} is not known; expected one of {', '.join(known)}.")
    most = 1 if table == "kept" else math.inf
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 <= value <= most and math.isfinite(value)):
        wanted = "a part from 0 to 1" if table == "kept" else "points, a number from 0"
        raise ValueError(f"{path}: [{table}] {key} = {value!r}; expected {wanted}.")
