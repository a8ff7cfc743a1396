"""The submissions of a class, and of the year before, read from the folders that `grade` wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..reports import records
from ..reports.records import Record

NAMED = 5  # files in a sentence


@dataclass(frozen=True)
class Submission:
    """What one student, or one group, handed in.

    Parameters
    ----------
    record : Record
        What grading found.
    last_year : bool
        Whether it is of the year before.
    """

    record: Record
    last_year: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Whose it is, for people: the members of a group, or the one student."""
        named = [(one.name, one.student) for one in self.record.members] or [(self.record.name, self.record.student)]
        return tuple(name if name == student or not student else f"{name} ({student})" for name, student in named)

    @property
    def people(self) -> frozenset[str]:
        """The keys and ids of everyone whose it is."""
        record = self.record
        ids = [record.student, *record.ids, *(one for member in record.members for one in (member.student, *member.ids))]
        return frozenset(one for one in ids if one)


def home(folder: Path) -> Path:
    """Return the folder that `grade` wrote; it or its folder rows may be given."""
    return folder.parent if folder.name == "rows" and not (folder / "rows").is_dir() else folder


def read(folder: Path, last_year: bool = False) -> tuple[list[Submission], list[str]]:
    """Return (the submissions in a folder that `grade` wrote, or in its folder rows, sentences on what could not be read).

    Raises
    ------
    ValueError
        If there are no results of grading in it.
    """
    rows = home(folder) / "rows"
    paths = sorted(rows.glob("*.json")) if rows.is_dir() else []
    found, damaged = [], []
    for path in paths:
        try:
            found.append(Submission(records.read(path), last_year))
        except ValueError:
            damaged.append(path.name)
    if not found:
        raise ValueError(
            f"{folder} holds no results of grading{f' that can be read (damaged: {len(damaged)} files)' if damaged else ''}. "
            "Name the folder that `grade --out` wrote, which has a folder rows in it."
        )
    return found, [*_on_damaged(rows, damaged), *_on_missing_code(folder, found)]


def _on_damaged(rows: Path, damaged: Sequence[str]) -> list[str]:
    if not damaged:
        return []
    more = f" and {len(damaged) - NAMED} more" if len(damaged) > NAMED else ""
    return [f"Not compared, since they are not records of submissions: {', '.join(damaged[:NAMED])}{more} in {rows}."]


def _on_missing_code(folder: Path, found: Sequence[Submission]) -> list[str]:
    without = sum(not one.record.sources and any(one.record.answers.values()) for one in found)
    if not without:
        return []
    return [
        f"{folder}: the records of {without} of {len(found)} submissions hold no code, so only their answers, figures and files "
        "are compared. Either nothing was written there, or an earlier version of the kit graded them; to grade them again, "
        f"remove their files from {folder}/rows and run `grade --resume`."
    ]
