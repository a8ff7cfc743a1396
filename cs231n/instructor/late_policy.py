"""When the work is due and what a late day costs: the table [late] of a course's file. For example::

    [late]
    due = 2026-10-05T23:59:00        # a date alone lasts until 23:59:59
    timezone = "Europe/Berlin"       # of all times without an offset
    grace-minutes = 15
    free-days = 3                    # that a student may be late without losing points
    deduction = "10 %"               # a day, of the points that `of` says; a number is points
    of = "earned"                    # or "full", for full marks
    cap = "50 %"                     # at most so much in all
    last-day = 7                     # handed in later than so many days, it earns nothing

    [late.extensions]                # by a student's id: the new date, or a number of days
    4711 = 2026-10-09
    4712 = 3

Only `due` is needed: then late days are counted and cost nothing.
"""

import contextlib
import enum
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

KEYS = {"due", "timezone", "grace-minutes", "free-days", "deduction", "of", "cap", "last-day", "extensions"}
END_OF_DAY = time(23, 59, 59)
Refused = Callable[[str], ValueError]  # makes the error that names the file


class Of(str, enum.Enum):
    """What a percentage refers to."""

    EARNED = "earned"
    FULL = "full"

    def __str__(self) -> str:
        return "the points earned" if self is Of.EARNED else "full marks"


@dataclass(frozen=True)
class Amount:
    """What is deducted: points, or per cent of something."""

    value: float
    is_percent: bool = False

    def points(self, base: float) -> float:
        """Return it in points. base: what the percentage refers to."""
        return self.value * base / 100 if self.is_percent else self.value


@dataclass(frozen=True)
class LatePolicy:
    """When the work is due, and what a late day costs.

    Parameters
    ----------
    due : datetime
        With its zone.
    zone : tzinfo or None
        Of times without an offset; None for the zone of this machine.
    zone_name : str
        For people, "" for the zone of this machine.
    grace : timedelta
        After the due date, in which nothing is late.
    free_days : int
        That a student may be late in a course without losing points.
    deduction : Amount or None
        For each further day; None if nothing is deducted.
    of : Of
        What the percentage refers to.
    cap : Amount or None
        At most this is deducted in all; None if all points may go.
    last_day : int or None
        What is handed in after so many late days earns nothing; None if there is no such day.
    extensions : dict of str to datetime
        By a student's id, when the work is due instead.
    """

    due: datetime
    zone: tzinfo | None = None
    zone_name: str = ""
    grace: timedelta = timedelta()
    free_days: int = 0
    deduction: Amount | None = None
    of: Of = Of.EARNED
    cap: Amount | None = None
    last_day: int | None = None
    extensions: Mapping[str, datetime] = field(default_factory=dict)

    def moment(self, told: str) -> datetime:
        """Return a time in ISO 8601 with its zone, which is the course's if the text has no offset. Raises ValueError."""
        return _with_zone(datetime.fromisoformat(told), self.zone)

    def days_late(self, handed_in: datetime, due: datetime) -> int:
        """Return how many days late something is: 1 from the end of the grace period on, 2 from one day after that.

        A day lasts until the same time of the next day in the course's zone, also when clocks change in between.
        """
        if (handed_in - due).total_seconds() <= self.grace.total_seconds():
            return 0
        late_by = self._clock(handed_in) - self._clock(due) - self.grace
        return max(1, -(-late_by // timedelta(days=1)))

    def _clock(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None)


def told(moment: datetime, zone_name: str = "") -> str:
    """Return a time for people: Monday, 5 October 2026, 23:59 (Europe/Berlin)."""
    return f"{moment:%A}, {moment.day} {moment:%B %Y, %H:%M}" + (f" ({zone_name})" if zone_name else "")


def late_policy(table: Mapping[str, Any], refused: Refused) -> LatePolicy:
    """Return what a table [late] says.

    Parameters
    ----------
    table : mapping
        As TOML has it.
    refused : callable
        From a sentence to the ValueError that names the file.

    Raises
    ------
    ValueError
        If it says something that is not known or contradicts itself; the message names the key.
    """
    if unknown := sorted(table.keys() - KEYS):
        raise refused(f"[late] {unknown[0]} is not known; expected {', '.join(sorted(KEYS))}.")
    if "due" not in table:
        raise refused("[late] has no due; give the date, such as due = 2026-10-05T23:59:00.")
    own_zone = _zone(table, refused)
    written = _written_time(table["due"], "due", refused)
    zone = own_zone or written.tzinfo
    due = _with_zone(written, zone)
    due = due.astimezone(own_zone) if own_zone else due
    deduction, cap = (_amount(table, key, refused) for key in ("deduction", "cap"))
    if cap and not deduction:
        raise refused("[late] cap is there without a deduction; give deduction, or take cap out.")
    return LatePolicy(
        due=due,
        zone=zone,
        zone_name=str(table.get("timezone") or (due.tzname() if zone else "") or ""),
        grace=timedelta(minutes=_number(table, "grace-minutes", refused)),
        free_days=_days(table, "free-days", refused) or 0,
        deduction=deduction,
        of=_of(table, [amount for amount in (deduction, cap) if amount and amount.is_percent], refused),
        cap=cap,
        last_day=_days(table, "last-day", refused),
        extensions=_extensions(table, due, zone, refused),
    )


def _with_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    if moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=zone) if zone else moment.astimezone()


def _zone(table: Mapping[str, Any], refused: Refused) -> tzinfo | None:
    name = table.get("timezone")
    if name is None:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise refused(f'[late] timezone = {name!r} is not known here; expected a name such as "Europe/Berlin".') from None


def _written_time(value: object, key: str, refused: Refused) -> datetime:
    """Return a date or time as TOML has it, or as a text in ISO 8601; a date alone is the end of the day."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):  # said below
            value = date.fromisoformat(value) if len(value) == len("2026-10-05") else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, END_OF_DAY)
    raise refused(f"[late] {key} = {value!r}; expected a date or a time, such as 2026-10-05 or 2026-10-05T23:59:00.")


def _number(table: Mapping[str, Any], key: str, refused: Refused) -> float:
    value = table.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**6:
        raise refused(f"[late] {key} = {value!r}; expected a number from 0.")
    return float(value)


def _days(table: Mapping[str, Any], key: str, refused: Refused) -> int | None:
    value = table.get(key)
    if value is not None and (type(value) is not int or not 0 <= value < 1000):
        raise refused(f"[late] {key} = {value!r}; expected a whole number of days from 0.")
    return value


def _amount(table: Mapping[str, Any], key: str, refused: Refused) -> Amount | None:
    value = table.get(key)
    if value is None:
        return None
    is_percent = isinstance(value, str) and value.strip().endswith("%")
    try:
        number = float(value.strip().removesuffix("%")) if isinstance(value, str) and is_percent else value
    except ValueError:
        number = None
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 10**6 or (is_percent and number > 100):
        raise refused(f'[late] {key} = {value!r}; expected points, such as 2.5, or a percentage, such as "10 %".')
    return Amount(float(number), is_percent)


def _of(table: Mapping[str, Any], percent: list[Amount], refused: Refused) -> Of:
    value = table.get("of")
    if value is None and percent:
        raise refused('[late] has a percentage and does not say of what; add of = "earned" or of = "full" (for full marks).')
    if value is not None and not percent:
        raise refused(f"[late] of = {value!r} has nothing to go with: neither deduction nor cap is a percentage.")
    if value not in (None, *(one.value for one in Of)):
        raise refused(f'[late] of = {value!r}; expected "earned" or "full".')
    return Of(value) if value else Of.EARNED


def _extensions(table: Mapping[str, Any], due: datetime, zone: tzinfo | None, refused: Refused) -> dict[str, datetime]:
    given = table.get("extensions", {})
    if not isinstance(given, dict):
        raise refused(f"[late] extensions = {given!r}; expected a table, [late.extensions], with a line for each student.")
    extensions = {}
    for student, value in given.items():
        if isinstance(value, dict):
            dotted = f"{student}.{next(iter(value), '...')}"
            raise refused(f'[late.extensions] {student} is a table; put an id with a dot into quotes, such as "{dotted}" = 3.')
        if type(value) is int:
            if not 0 < value < 1000:
                raise refused(f"[late.extensions] {student} = {value!r}; expected a date, or a number of days from 1.")
            extended = _with_zone((due.astimezone(zone) + timedelta(days=value)).replace(tzinfo=None), zone)
        else:
            extended = _with_zone(_written_time(value, f"extensions: {student}", refused), zone)
        if extended <= due:
            raise refused(f"[late.extensions] {student} = {value!s} is not after due, {told(due)}.")
        extensions[student] = extended
    return extensions
