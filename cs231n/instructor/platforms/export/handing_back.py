"""What is handed back, put together: the grades file, the zip of feedback, the list for mail merge, and who is left out."""

import dataclasses
import io
import zipfile
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...grading.found_files import named
from ...reports.safe import file_name
from ...reports.spreadsheets import id_cell, table, text_cell
from .lms import Above, Column, Line, Platform, Student
from .matching import LeftOut, matched
from .names import readable_names
from .sheet import Sheet, decimal

PAGES, PAGE = "feedback", "feedback.html"  # the folder of pages; the page in a zip
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


def into_gradebook(students: Sequence[Student], sheet: Sheet, platform: Platform, full: float, wishes: Wishes) -> HandBack:
    """Return what is handed back in a platform's own gradebook, of which one column is filled. full: what the kit gives.

    Raises ValueError if it is not the platform's, or if the column cannot be told.
    """
    column = chosen(platform.columns(sheet), sheet, wishes, full)
    lines = [line for line in platform.lines(sheet) if line.is_somebody]
    found = matched(students, lines, platform)
    done = HandBack(("", b""), [], full if column.most is None else column.most, list(found.left_out), [])
    done.notices += _on_column(sheet, column, platform, full) + _on_names(found.by_name)
    changes: dict[tuple[int, int], str] = {}
    replaced = []
    for student, line in found.pairs:
        why = _why_not(student, column.most, platform, wishes) or platform.closed(sheet, line.row, column.index)
        if why:
            done.left_out.append(LeftOut(student, why))
            continue
        done.given.append((_capped(student, column.most, wishes), line))
        points, before = done.given[-1][0].points, sheet.row(line.row)[column.index].strip()
        changes[line.row, column.index] = sheet.number(points)
        if _is_other(before, points):
            replaced.append(f"{student.key} ({before})")
    if replaced:
        done.notices.append(f"Points in the gradebook that are replaced: {len(replaced)}. {named(replaced)}.")
    done.notices += _on_points(done.given, column.most, platform)
    others = [line for line in lines if line.row not in found.claimed]
    zero = _zeros(others, sheet, column, platform) if wishes.zero_missing else {}
    done.notices += _on_others(others, {row for row, _ in zero})
    done.grades = (sheet.path.suffix or ".csv", sheet.filled(changes | zero))
    return done


def from_ids(students: Sequence[Student], platform: Platform, full: float, wishes: Wishes) -> HandBack:
    """Return what is handed back in a grades file that is made from the ids in a platform's download.

    Raises ValueError if those are not the ids that its gradebook needs.
    """
    title = wishes.column or wishes.title
    done = HandBack(("", b""), [], full)
    sharing = Counter(platform.own_id(student) for student in students)
    for student in students:
        own = platform.own_id(student)
        why = _why_not(student, None, platform, wishes)
        if not own:
            why = _why_no_id(student, platform) + ("; pass the gradebook as --gradebook" if platform.has_gradebook else "")
        elif sharing[own] > 1:
            why = f"has the {platform.name} id {own}, and so has another submission"
        if why:
            done.left_out.append(LeftOut(student, why))
        else:
            done.given.append((_capped(student, full, wishes), Line(0, own, (), student.name)))
    ending, text = platform.fresh([student for student, _ in done.given], title, full)
    done.grades = (ending, text.encode())
    done.notices.append(f"The column is called {title!r}. If it has another name in {platform.name}, pass --column NAME.")
    done.notices += _on_points(done.given, None, platform)
    return done


def chosen(columns: Sequence[Column], sheet: Sheet, wishes: Wishes, full: float) -> Column:
    """Return the column of this assignment: the one that was asked for, else the only one, else the one with its title.

    full: what the assignment gives. Raises ValueError, with the columns that there are and the likely one, if none or several
    can be meant.
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
        have = f"has {len(titled)} columns" if titled else "has no column"
        raise ValueError(
            f"{sheet.path} {have} named {wishes.title!r}. Its columns are {listed}. "
            f"{_likely(columns, sheet, wishes.title, full)}Pass the right one as --column NAME."
        )
    return titled[0] if len(titled) == 1 else columns[0]


def _likely(columns: Sequence[Column], sheet: Sheet, title: str, full: float) -> str:
    """Return a sentence on the only column whose name contains the title, or else that takes as many points; "" if none is."""
    containing = [one for one in columns if title.strip().casefold() in one.title.casefold()]
    fitting = [one for one in columns if one.most is not None and abs(one.most - full) < 1e-9]
    if len(containing) == 1:
        return f"Only {sheet.header[containing[0].index]!r} contains that name. "
    return (
        f"Only {sheet.header[fitting[0].index]!r} takes {decimal(full)} points, as this assignment gives. "
        if len(fitting) == 1
        else ""
    )


def _why_no_id(student: Student, platform: Platform) -> str:
    if student.record.platform != platform.name:
        return f"was not downloaded from {platform.name}, so the {platform.name} id is unknown"
    return f"has no known {platform.name} id: the names in the download do not contain it"


def _why_not(student: Student, most: float | None, platform: Platform, wishes: Wishes) -> str:
    """Return why a student gets no grade, "" if there is no reason. most: what the column takes, None if nobody knows."""
    if student.unmarked and not wishes.unmarked_as_zero:
        return f"has {counted(len(student.unmarked), 'answer')} that nobody has marked yet"
    if most is not None and student.points > most and platform.above is Above.IGNORED and not wishes.cap:
        return f"has {decimal(student.points)} points, and {platform.name} ignores more than {decimal(most)} (--cap lowers them)"
    return ""


def _capped(student: Student, most: float | None, wishes: Wishes) -> Student:
    return dataclasses.replace(student, points=min(student.points, most)) if wishes.cap and most is not None else student


def _is_other(before: str, points: float) -> bool:
    """Return whether a cell holds something else than these points; "-" and N/A stand for no points."""
    try:
        return abs(float(before.replace(",", ".")) - points) > 0.005
    except ValueError:
        return before not in ("", "-", "N/A")


# What the instructor should know


def counted(count: int, noun: str) -> str:
    """Return "1 answer", "2 answers"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _on_column(sheet: Sheet, column: Column, platform: Platform, full: float) -> list[str]:
    notices = [f"The points go into the column {sheet.header[column.index]!r} of {sheet.path.name}."]
    if column.most is not None and abs(column.most - full) > 1e-9:
        notices.append(
            f"That column takes {decimal(column.most)} points, and this assignment gives {decimal(full)}. Points are not scaled."
        )
    return notices


def _on_names(by_name: Sequence[Student]) -> list[str]:
    if not by_name:
        return []
    people = named([f"{student.key} as {student.name}" for student in by_name])
    return [f"Matched to the gradebook by name alone, since no id matches: {len(by_name)}. Please check: {people}."]


def _on_points(given: Sequence[Given], most: float | None, platform: Platform) -> list[str]:
    """Return what becomes of more points than the assignment gives; what the gradebook does not say, a person has to check."""
    if not given or platform.above is Above.TAKEN:
        return []
    highest = max(student.points for student, _ in given)
    if most is not None and highest <= most:
        return []
    maximum = "" if most is None else f" ({decimal(most)} here)"
    return [f"{platform.name} {platform.above.value}{maximum}. The highest total is {decimal(highest)}."]


def _zeros(others: Sequence[Line], sheet: Sheet, column: Column, platform: Platform) -> dict[tuple[int, int], str]:
    """Return {(row, column): "0"} for students without points whose cell takes some; never for a test student."""
    return {
        (line.row, column.index): "0"
        for line in others
        if not line.is_test
        and sheet.row(line.row)[column.index].strip() in ("", "-")
        and not platform.closed(sheet, line.row, column.index)
    }


def _on_others(others: Sequence[Line], zero: Container[int]) -> list[str]:
    """Return sentences on the rows without a submission; those in `zero` get 0 points."""
    test = [_called(line) for line in others if line.is_test]
    kept = [_called(line) for line in others if not line.is_test and line.row not in zero]
    emptied = [_called(line) for line in others if line.row in zero]
    notices = [f"{named(test)}: the platform's own test student. The row stays as it is."] if test else []
    if kept:
        notices.append(f"Students without a submission who keep what the gradebook has: {len(kept)}. {named(kept)}.")
    if emptied:
        notices.append(f"Students without a submission who get 0: {len(emptied)}. {named(emptied)}.")
    return notices


def _called(line: Line) -> str:
    return line.name or line.own or line.others[0]


# The feedback


def page_of(grades: Path, student: Student) -> bytes:
    """Return the bytes of a student's feedback page. Raises ValueError if it is missing."""
    path = grades / PAGES / f"{file_name(student.record.student)}.html"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path} is missing. Run grade --resume, which makes it.") from None


def feedback_zip(given: Sequence[Given], pages: Sequence[bytes], platform: Platform) -> tuple[bytes, list[str]]:
    """Return (the zip that the platform takes, b"" if it takes none; the keys of students for whom it has no place).

    pages: in the order of `given`.
    """
    paths: dict[str, bytes] = {}
    without = []
    for (student, line), page in zip(given, pages, strict=True):
        if path := platform.feedback_path(student, line.own):
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


def mail_merge(given: Sequence[Given], most: float) -> tuple[str, list[str]]:
    """Return (the list for mail merge, the paths of the pages that it names, in the order of `given`).

    Names are the gradebook's where it has them: those of a download may be squeezed together ("doejane").
    """
    names = [line.name or student.name for student, line in given]
    keys = [student.key for student, _ in given]
    paths = [f"{PAGES}/{name}.html" for name in readable_names(list(zip(keys, names, strict=True)))]
    rows = [["id", "name", "email", "points", "of", "feedback"]]
    for (student, line), name, path in zip(given, names, paths, strict=True):
        email = next((one for one in (*student.ids, *line.others) if "@" in one), "")
        points = [decimal(student.points), decimal(most)]
        rows.append([id_cell(student.key), text_cell(name), text_cell(email), *points, text_cell(path)])
    return "\ufeff" + table(rows), paths


def left_out_table(left_out: Iterable[LeftOut]) -> str:
    """Return left_out.csv."""
    rows = [[id_cell(one.student.key), text_cell(one.student.name), text_cell(one.why)] for one in left_out]
    return "\ufeff" + table([["student", "name", "why"], *rows])
