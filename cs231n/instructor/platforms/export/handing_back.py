"""What is handed back, put together: the grades file, the zip of feedback, the list for mail merge, and who is left out."""

import dataclasses
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...grading.found_files import named
from ...reports.safe import file_name
from ...reports.spreadsheets import id_cell, table, text_cell
from .lms import Above, Column, Line, Platform, Student
from .matching import LeftOut, matched
from .names import readable_names
from .sheet import Sheet, decimal

PAGE = "feedback.html"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the date of what is in the zip, so that the same pages give the same bytes


Given = tuple[Student, Line]


@dataclass(frozen=True)
class Wishes:
    """What the command line asks for.

    Parameters
    ----------
    title : str
        The assignment's name in a file that is made.
    column : str or None
        The gradebook's column, by its header or its title.
    cap : bool
        Whether points above what the column takes become that.
    unmarked_as_zero : bool
        Whether students get a grade whose answers are not all marked.
    zero_missing : bool
        Whether students of the gradebook without a submission get 0 if they have no points there.
    """

    title: str
    column: str | None = None
    cap: bool = False
    unmarked_as_zero: bool = False
    zero_missing: bool = False


@dataclass
class HandBack:
    """What is handed back.

    Parameters
    ----------
    grades : tuple of (str, bytes)
        The ending and the content of the grades file.
    given : list of (Student, Line)
        Who is in it, with the platform's ids.
    most : float
        What the assignment gives.
    left_out : list of LeftOut
        Who is not in it, and why.
    notices : list of str
        Sentences for the instructor.
    """

    grades: tuple[str, bytes]
    given: list[Given]
    most: float
    left_out: list[LeftOut] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def unfinished(students: Iterable[Student], wishes: Wishes) -> tuple[list[Student], list[LeftOut]]:
    """Return (students who can get a grade, those whose answers are not all marked)."""
    ready, waiting = [], []
    for student in students:
        if student.unmarked and not wishes.unmarked_as_zero:
            count = len(student.unmarked)
            waiting.append(LeftOut(student, f"has {count} {'answer' if count == 1 else 'answers'} that nobody has marked yet"))
        else:
            ready.append(student)
    return ready, waiting


def into_gradebook(students: Sequence[Student], sheet: Sheet, platform: Platform, full: float, wishes: Wishes) -> HandBack:
    """Return what is handed back in a platform's own gradebook, of which one column is filled. full: what the kit gives.

    Raises ValueError if it is not the platform's, or if the column cannot be told.
    """
    column = chosen(platform.columns(sheet), sheet, wishes)
    lines = platform.lines(sheet)
    found = matched(students, lines, platform)
    left_out = found.left_out
    changes: dict[tuple[int, int], str] = {}
    given, replaced, capped = [], [], []
    for student, line in found.pairs:
        kept, why = _fitting(student, column.most, platform, wishes)
        if why := why or platform.closed(sheet, line.row, column.index):
            left_out.append(LeftOut(student, why))
            continue
        if kept is not student:
            capped.append(student.key)
        before = sheet.row(line.row)[column.index].strip()
        changes[line.row, column.index] = sheet.number(kept.points)
        given.append((kept, line))
        if before and _is_other(before, kept.points):
            replaced.append(f"{student.key} ({before})")
    notices = [f"The points are in the column {sheet.header[column.index]!r} of {sheet.path.name}."]
    if column.most is not None and abs(column.most - full) > 1e-9:
        notices.append(
            f"That column takes {decimal(column.most)} points, and this assignment gives {decimal(full)}. Points are not scaled."
        )
    notices += _on_names(found.by_name) + _on_points(replaced, capped)
    busy = {line.row for _, line in found.pairs}
    notices += _on_others([line for line in lines if line.row not in busy], sheet, column, platform, wishes, changes)
    return HandBack((sheet.path.suffix or ".csv", sheet.filled(changes)), given, column.most or full, left_out, notices)


def from_ids(students: Sequence[Student], platform: Platform, full: float, wishes: Wishes) -> HandBack:
    """Return what is handed back in a grades file that is made from the ids in a platform's download.

    Raises ValueError if those are not the ids that its gradebook needs.
    """
    left_out, given, capped = [], [], []
    sharing = Counter(platform.own_id(student) for student in students)
    for student in students:
        own = platform.own_id(student)
        kept, why = _fitting(student, full, platform, wishes)
        if not own:
            why = f"has no id that {platform.name} gave it in the names of a download; pass the gradebook as --gradebook"
        elif sharing[own] > 1:
            why = f"has the {platform.name} id {own}, and so has another submission"
        if why:
            left_out.append(LeftOut(student, why))
            continue
        given.append((kept, Line(0, own, (), student.name)))
        capped += [student.key] if kept is not student else []
    title = wishes.column or wishes.title
    ending, text = platform.fresh([student for student, _ in given], title, full)
    notices = [f"The points are in a column {title!r}; another name, as it is in {platform.name}, by --column NAME."]
    return HandBack((ending, text.encode()), given, full, left_out, notices + _on_points([], capped))


def chosen(columns: Sequence[Column], sheet: Sheet, wishes: Wishes) -> Column:
    """Return the column of this assignment: the one that was asked for, else the only one, else the one with its title.

    Raises ValueError, with the columns that there are, if none or several can be meant.
    """
    listed = "; ".join(repr(sheet.header[column.index]) for column in columns) or "; ".join(map(repr, sheet.header))
    if wishes.column is not None:
        wanted = wishes.column.strip().casefold()
        named_so = [one for one in columns if wanted in (sheet.header[one.index].casefold(), one.title.casefold())]
        other = [index for index, header in enumerate(sheet.header) if header.casefold() == wanted]
        if not named_so and len(other) == 1:
            return Column(other[0], wishes.column)
        if len(named_so) != 1:
            raise ValueError(f"{sheet.path} has {len(named_so) or 'no'} column {wishes.column!r}. Its columns are {listed}.")
        return named_so[0]
    titled = [one for one in columns if one.title.strip().casefold() == wishes.title.strip().casefold()]
    if len(columns) != 1 and len(titled) != 1:
        raise ValueError(
            f"{sheet.path} does not say which column is {wishes.title!r}. Its columns are {listed}. Name one by --column NAME."
        )
    return titled[0] if len(titled) == 1 else columns[0]


def _fitting(student: Student, most: float | None, platform: Platform, wishes: Wishes) -> tuple[Student, str]:
    """Return (the student, with fewer points where they are capped; why there is no grade, or "")."""
    if most is None or student.points <= most or platform.above is Above.TAKEN:
        return student, ""
    if wishes.cap:
        return dataclasses.replace(student, points=most), ""
    if platform.above is Above.CAPPED:
        return student, ""
    return (
        student,
        f"has {decimal(student.points)} points, and {platform.name} ignores more than {decimal(most)} (--cap writes those)",
    )


def _is_other(before: str, points: float) -> bool:
    try:
        return abs(float(before.replace(",", ".")) - points) > 0.005
    except ValueError:
        return before not in ("-", "N/A")


def _on_names(by_name: Sequence[Student]) -> list[str]:
    if not by_name:
        return []
    people = named([f"{student.key} as {student.name}" for student in by_name])
    return [f"{len(by_name)} found in the gradebook by name alone, for want of a common id; please compare: {people}."]


def _on_points(replaced: Sequence[str], capped: Sequence[str]) -> list[str]:
    notices = []
    if replaced:
        notices.append(f"{len(replaced)} had other points in the gradebook, which these replace: {named(list(replaced))}.")
    if capped:
        notices.append(
            f"{len(capped)} have more points than the column takes, and get the most that it takes: {named(list(capped))}."
        )
    return notices


def _on_others(
    lines: Sequence[Line],
    sheet: Sheet,
    column: Column,
    platform: Platform,
    wishes: Wishes,
    changes: dict[tuple[int, int], str],
) -> list[str]:
    """Return sentences on rows without a submission; with zero_missing those without points get 0 in `changes`."""
    test = [line.name or line.own for line in lines if line.is_test]
    others = [line for line in lines if not line.is_test]
    notices = [f"{named(test)}: the platform's own test student. The row stays as it is."] if test else []
    if not others:
        return notices
    zero = []
    for line in others:
        cell = sheet.row(line.row)[column.index].strip()
        if wishes.zero_missing and cell in ("", "-") and not platform.closed(sheet, line.row, column.index):
            changes[line.row, column.index] = "0"
            zero.append(line.name or line.own)
    people = named([line.name or line.own for line in others])
    kept = f"{len(others) - len(zero)} keep what the gradebook has" + (f", {len(zero)} get 0" if zero else "")
    return [*notices, f"{len(others)} in the gradebook have no submission here; {kept}: {people}."]


# The feedback


def pages_of(grades: Path, students: Iterable[Student]) -> dict[str, bytes]:
    """Return {student's key: the bytes of the feedback page}. Raises ValueError if a page is missing."""
    pages = {}
    for student in students:
        path = grades / "feedback" / f"{file_name(student.record.student)}.html"
        try:
            pages[student.key] = path.read_bytes()
        except FileNotFoundError:
            raise ValueError(f"{path} is missing. Run grade --resume, which makes it.") from None
    return pages


def feedback_zip(given: Iterable[Given], pages: Mapping[str, bytes], platform: Platform) -> tuple[bytes, list[str]]:
    """Return (the zip that the platform takes, b"" if it takes none; the keys of students for whom it has no place)."""
    paths: dict[str, bytes] = {}
    without = []
    for student, line in given:
        if path := platform.feedback_path(student, line.own):
            page = pages[student.key]
            paths[path] = _zipped({PAGE: page}) if path.lower().endswith(".zip") else page
        else:
            without.append(student.key)
    return (_zipped(paths) if paths else b""), without


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip; names outside ASCII carry the flag that they are UTF-8."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return content.getvalue()


def mail_merge(given: Sequence[Given], most: float) -> tuple[str, dict[str, str]]:
    """Return (the list for mail merge, {student's key: name of the page, without its ending})."""
    names = readable_names({student.key: student.name for student, _ in given})
    rows = [["id", "name", "email", "points", "of", "feedback"]]
    for student, line in given:
        email = next((one for one in (*student.ids, *line.others) if "@" in one), "")
        page = f"feedback/{names[student.key]}.html"
        points = [decimal(student.points), decimal(most)]
        rows.append([id_cell(student.key), text_cell(student.name), text_cell(email), *points, text_cell(page)])
    return "\ufeff" + table(rows), names


def left_out_table(left_out: Iterable[LeftOut]) -> str:
    """Return left_out.csv."""
    rows = [[id_cell(one.student.key), text_cell(one.student.name), text_cell(one.why)] for one in left_out]
    return "\ufeff" + table([["student", "name", "why"], *rows])
