"""What is deducted from a submission that was handed in late.

A group has one deadline, the latest that any of its members has, and the free late days of the member with the fewest left.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..late_policy import Amount, LatePolicy, Of, told
from ..reports import spreadsheets
from ..reports.deductions import Deduction
from ..reports.records import Record
from .found_files import named
from .roster import ID, closest
from .whom import Called, comparable, unknown

DAYS_USED = ("days used", "used", "late days", "late_days", "days")  # the column of a table of late days, the first that is there


@dataclass(frozen=True)
class Counts:
    """Of a class.

    Parameters
    ----------
    late : int
        Submissions that were late.
    deducted : int
        Those of them that lose points.
    unknown : int
        Submissions of which nobody says when they were handed in, so that nothing is deducted.
    unknown_late : int
        Those of them that the platform calls late.
    """

    late: int
    deducted: int
    unknown: int
    unknown_late: int


def due_of(record: Record, policy: LatePolicy) -> datetime:
    """Return when a submission is due: of a group, the latest that any of its members has."""
    return max([policy.due, *_of_people(record, policy.extensions)])


def days_late(record: Record, policy: LatePolicy) -> int | None:
    """Return how many days late a submission is; None if nobody says when it was handed in, or only that it was late."""
    if record.handed_in:
        return policy.days_late(policy.moment(record.handed_in), due_of(record, policy))
    return 0 if record.late is False else None


def deduction(
    record: Record, policy: LatePolicy, days_used: Mapping[str, int], total: float, full_marks: float
) -> Deduction | None:
    """Return what is taken off a submission's points; None if it is not late, as far as is known.

    days_used: by a student's id, the free late days that went into earlier assignments. total: the points earned, with the
    bonus. full_marks: without it.
    """
    days = days_late(record, policy)
    if not days:
        return None
    free = min(days, max(0, policy.free_days - max([0, *_of_people(record, days_used)])))
    sentences = [
        f"Handed in: {told(policy.moment(record.handed_in).astimezone(policy.zone), policy.zone_name)}. "
        f"Due: {told(due_of(record, policy).astimezone(policy.zone), policy.zone_name)}."
    ]
    if free:
        sentences.append(f"Free late days used: {free} of {policy.free_days}.")
    if policy.last_day is not None and days > policy.last_day:
        sentences.append(f"After {_days(policy.last_day)} a submission earns no points.")
        return Deduction(_title(days), 0.0 - total, " ".join(sentences))
    points, rule = _points(policy, days - free, total, full_marks)
    return Deduction(_title(days), 0.0 - points, " ".join([*sentences, *rule]))


def _points(policy: LatePolicy, days: int, total: float, full_marks: float) -> tuple[float, list[str]]:
    """Return (points, sentences) for days that are not free; never more points than there are."""
    if not days or policy.deduction is None:
        return 0.0, []
    base = total if policy.of is Of.EARNED else full_marks
    points = days * policy.deduction.points(base)
    sentences = [f"{_amount(policy.deduction, policy)} for {'1 day' if days == 1 else f'each of {_days(days)}'}."]
    if policy.cap is not None and points > policy.cap.points(base):
        points = policy.cap.points(base)
        sentences.append(f"At most {_amount(policy.cap, policy)} is taken off.")
    return round(min(points, total), 2), sentences


def _amount(amount: Amount, policy: LatePolicy) -> str:
    return f"{amount.value:g} % of {policy.of}" if amount.is_percent else f"{amount.value:g} points"


def _title(days: int) -> str:
    return f"Late by {_days(days)}"


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


def counts(records: Iterable[Record], policy: LatePolicy, deductions: Iterable[Deduction | None]) -> Counts:
    """Return the Counts of a class. deductions: one for each record."""
    records = list(records)
    unknown = [record for record in records if days_late(record, policy) is None]
    return Counts(
        late=sum(bool(days_late(record, policy)) for record in records) + sum(bool(record.late) for record in unknown),
        deducted=sum(one is not None and one.points < 0 for one in deductions),
        unknown=len(unknown),
        unknown_late=sum(bool(record.late) for record in unknown),
    )


# Whose


def _of_people(record: Record, by_id: Mapping[str, Any]) -> list[Any]:
    """Return what a table says of the student of a record; of a group what it says of each member, and of the group itself."""
    known = {comparable(one): value for one, value in by_id.items()}
    people = [(record.student, *record.ids, record.name)]
    people += [(member.student, *member.ids, member.name) for member in record.members]
    found = [next((known[one] for one in map(comparable, person) if one in known), None) for person in people]
    return [value for value in found if value is not None]


def require_known(policy: LatePolicy, people: Sequence[Called]) -> None:
    """Raise ValueError, with the closest ids and names, for a student with an extension who has no row in the grades."""
    for student in unknown(policy.extensions, people, "[late.extensions]"):
        near = closest(student, {text for one in people for text in one.texts})
        raise ValueError(
            f"[late.extensions] names {student}, who has neither a submission nor a line in a roster. "
            + (f"Closest ids: {', '.join(near)}. " if near else "")
            + "Write an id of the roster, or one that is in the names of the files; for students who handed in nothing, pass the "
            "class as --roster."
        )


def notices_on_days_used(days_used: Mapping[str, int], people: Sequence[Called], policy: LatePolicy | None) -> list[str]:
    """Return sentences on the lines of a list of days used that change nothing.

    Raises ValueError if none of its lines is about anybody in the class, and as whom.unknown() does.
    """
    if not days_used:
        return []
    if policy is None or not policy.free_days:
        return ["--days-used changes nothing: the course's file gives no free-days in a table [late]."]
    strangers = unknown(days_used, people, "--days-used")
    if len(strangers) == len(days_used):
        raise ValueError(
            f"--days-used names {named(strangers)}, none of whom has a submission or a line in a roster. Write the ids of the "
            "roster, or those in the names of the files."
        )
    texts = {text for one in people for text in one.texts}
    near = [f"{one}{f' (closest: {close[0]})' if close else ''}" for one in strangers for close in [closest(one, texts, most=1)]]
    return [f"{named(near)}: in --days-used, but with neither a submission nor a line in a roster."] if near else []


def read_days_used(path: Path) -> dict[str, int]:
    """Return {id: free late days that were used before} of a CSV file with the columns id and days used.

    Raises OSError if it cannot be read, and ValueError, with file and line, for what is not such a file.
    """
    _, header, rows = spreadsheets.read_table(path)
    one, days = (next((header.index(name) for name in names if name in header), None) for names in (ID, DAYS_USED))
    if one is None or days is None:
        raise ValueError(f"{path}, line 1: the columns are {', '.join(header)!r}; expected id and days used.")
    used: dict[str, int] = {}
    for line, cells in rows:
        student, number = spreadsheets.unguarded(cells[one].strip()), cells[days].strip()
        if not student or comparable(student) in map(comparable, used):
            raise ValueError(f"{path}, line {line}: the id is {student!r}; expected one that is in no other line.")
        if not re.fullmatch(r"[0-9]{0,3}", number):
            raise ValueError(f"{path}, line {line}: the days used are {number!r}; expected a whole number.")
        used[student] = int(number or 0)
    return used
