"""The page that a student gets."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ...checks.explanations import MISTAKES, NOTES
from ...checks.report import Report, Verdict
from .album import Album
from .deductions import Deduction
from .marks import Mark, Points
from .mistake_lines import places
from .own_code import lines_of_given_docstring
from .records import Record, Result, State
from .reference import FIGURES, Reference
from .rendering import LEFT_OUT, VERDICTS, explanation_of, isolation_note, said_by, templates, title_of
from .safe import LONGEST, html, plain

PAGE_BYTES = 300_000  # of the whole page
TEXT_BYTES = 200_000  # of it without its pictures, if it can be had by shortening
MOST_LISTED = 12  # mistakes or notes of an exercise; there are never so many
SHORT = 200  # characters of a name or a title
MOST_MEMBERS = 30  # of a group
NOT_TRIED = Verdict.MISSING, Verdict.UNFINISHED
DATE, VERSION = Markup("<!--date-->"), Markup("<!--version-->")  # nobody else can write a comment: all is escaped
OWN, REFERENCE, IN_ANSWER, FURTHER = range(4)  # pictures; of too many the last go first


@dataclass(frozen=True)
class Detail:
    """How much of long texts a page holds: the characters and the lines of each, and whether answers' Markdown is drawn."""

    characters: int
    lines: int
    drawn: bool = True


# A text that is cut ends with a note, and is not cut again by what every page cuts.
DETAILS = (Detail(LONGEST - 100, 2000), Detail(4000, 400), Detail(1000, 100, drawn=False))


class Draft:
    """A student's page before its pictures, which take the time, are put in.

    Parameters
    ----------
    text : str
        The page, with comments where the pictures, the date and its version belong.
    album : Album
        The pictures.
    """

    def __init__(self, text: str, album: Album) -> None:
        self._text, self._album = text, album
        self.text_bytes = len(text.encode("utf-8", "surrogatepass"))
        self.version = album.version(text)  # of the page, whatever its date

    def page(self, today: datetime.date) -> str:
        """Return the page, of at most PAGE_BYTES, as made today."""
        text = self._text.replace(DATE, day(today)).replace(VERSION, self.version)
        return self._album.filled(text, PAGE_BYTES)

    def is_in(self, beginning: str) -> bool:
        """Return whether a page, of which the beginning is given, is this one, made on whatever day."""
        return f'content="{self.version}"' in beginning


def day(date: datetime.date) -> str:
    """Return a date in words."""
    return f"{date.day} {date:%B} {date.year}"


def time_in_words(told: str) -> str:
    """Return a time in ISO 8601 in words, to the minute; what is not one as it is."""
    try:
        time = datetime.datetime.fromisoformat(told.replace("Z", "+00:00"))
    except ValueError:
        return told
    zone = f" ({time.tzname()})" if time.tzinfo else ""
    return f"{day(time)}, {time:%H:%M}{zone}"


def feedback(
    record: Record,
    columns: Points,
    rubric: Any,
    marks: Mapping[str, Mark],
    reference: Reference,
    deductions: Sequence[Deduction] = (),
    today: datetime.date | None = None,
) -> str:
    """Return the page that a student gets, as `draft` describes it. today: by default the day that it is."""
    return draft(record, columns, rubric, marks, reference, deductions).page(today or datetime.date.today())


def draft(
    record: Record,
    columns: Points,
    rubric: Any,
    marks: Mapping[str, Mark],
    reference: Reference,
    deductions: Sequence[Deduction] = (),
) -> Draft:
    """Return the page that a student gets: points, messages, own code and figures, answers with marks.

    Model answers are not on it: it may be read while others still write theirs. The reference's figures are there where the
    student's differ from them in what counts: beside the first of an exercise that is not right.

    Parameters
    ----------
    record : Record
        The student's.
    columns : dict of str to float or None
        What rubric.score() gave.
    rubric : Rubric
        The course's.
    marks : dict of str to (float, str)
        By question, points and comment of this student.
    reference : Reference
        With the course's questions.
    deductions : sequence of Deduction
        What is taken off as a whole.
    """
    for detail in DETAILS:
        made = _draft(record, columns, rubric, marks, reference, deductions, detail)
        if made.text_bytes <= TEXT_BYTES:
            break
    return made


def _draft(
    record: Record,
    columns: Points,
    rubric: Any,
    marks: Mapping[str, Mark],
    reference: Reference,
    deductions: Sequence[Deduction],
    detail: Detail,
) -> Draft:
    page = _Page(record, columns, rubric, marks, reference, detail, Album())
    text = templates.get_template("feedback.html").render(
        isolation=isolation_note([record]),
        record=record,
        members=[plain(member.name or member.student, SHORT) for member in record.members[:MOST_MEMBERS]],
        more_members=max(0, len(record.members) - MOST_MEMBERS),
        handed_in=time_in_words(plain(record.handed_in, SHORT)),
        date=DATE,
        version=VERSION,
        smaller=Album.note,
        course=rubric.course.assignment.title,
        total=round(rubric.total(columns) - rubric.bonus_of(columns), 2),
        final=round(rubric.total(columns) + sum(one.points for one in deductions), 2),
        most=rubric.full_marks(),
        bonus=rubric.bonus_of(columns),
        most_bonus=rubric.most_bonus(),
        deductions=[(plain(one.title, SHORT), _change(one.points), plain(one.explanation, 1000)) for one in deductions],
        waiting=sum(points is None for points in columns.values()),
        parts=[page.part(name) for name in rubric.columns] if record.verdict is State.GRADED else [],
        regrade=rubric.course.regrade,
    )
    return Draft(text, page.album)


def _change(points: float) -> str:
    return f"\N{MINUS SIGN}{-points:g}" if points < 0 else f"{points:g}"


@dataclass(frozen=True)
class _Page:
    """What the parts of a student's page are made of."""

    record: Record
    columns: Points
    rubric: Any
    marks: Mapping[str, Mark]
    reference: Reference
    detail: Detail
    album: Album

    def part(self, name: str) -> dict[str, Any]:
        """Return what the template shows of an exercise or a question."""
        shared = {
            "name": name,
            "title": title_of(name),
            "points": self.columns[name],
            "most": self.rubric.points[name],
            "bonus": name in self.rubric.bonus,
        }
        return shared | (self._exercise(name) if name in self.rubric.exercises else self._question(name))

    def _question(self, name: str) -> dict[str, Any]:
        answer, pictures = self.record.answer(name), self.record.answer_pictures.get(name, [])
        marked, empty = name in self.marks, LEFT_OUT if name in self.rubric.bonus else "no answer"
        return {
            "question": html(self.reference.questions[name]),
            "answer": self._answer(answer) if answer.strip() else None,
            "answer_note": plain(self.record.answer_notes.get(name, ""), 1000),
            "answer_pictures": self.album.added(pictures, f"In your answer to {title_of(name).lower()}", IN_ANSWER),
            "comment": plain(self.marks[name][1], self.detail.characters) if marked else "",
            "verdict": "marked" if marked else "not marked yet" if answer.strip() else empty,
        }

    def _answer(self, answer: str) -> Markup:
        shown = plain(answer, self.detail.characters)
        return html(shown) if self.detail.drawn else Markup("<pre>{}</pre>").format(shown)

    def _exercise(self, name: str) -> dict[str, Any]:
        result = self.record.result(name)
        if name in self.rubric.bonus and result.verdict in NOT_TRIED:
            return {"kind": "", "verdict": LEFT_OUT, "said": None, "code": None, "figures": []}
        return {
            "kind": result.verdict.value,
            "verdict": VERDICTS[result.verdict],
            "said": self._said(name, result),
            "code": self._code(name, result),
            "figures": self._figures(name, result),
        }

    def _said(self, name: str, result: Result) -> dict[str, Any]:
        """Return what is said about an exercise, in order: what was found and what it costs, why, what was seen.

        The row of an earlier kit has all of that in one message, apart from what that does not explain.
        """
        is_whole = result.evidence is None
        message = result.message if is_whole else ""
        known = [mistake for mistake in result.mistakes if mistake in MISTAKES]
        notes = [note for note in result.notes if note in NOTES and NOTES[note] not in _flat(message)]
        return {
            "message": plain(message, self.detail.characters),
            "finding": "" if is_whole else _finding(Report(name, result.verdict, known, notes)),
            "cost": "" if is_whole else self._cost(name, result),
            "mistakes": [_explained(mistake) for mistake in result.mistakes[:MOST_LISTED] if not _told(mistake, message)],
            "evidence": [plain(sentence, self.detail.characters) for sentence in result.evidence or ()],
            "said_by": said_by(result).removesuffix(":"),
            "reported": [plain(sentence, self.detail.characters) for sentence in result.reported],
            "notes": [html(NOTES[note]) for note in notes],
        }

    def _cost(self, name: str, result: Result) -> str:
        points, most = self.columns[name] or 0.0, self.rubric.points[name]
        if result.verdict is Verdict.RIGHT or result.verdict in NOT_TRIED or result.verdict is Verdict.NEWER_PYTHON:
            return ""
        return f"This costs {most - points:g} of {most:g} points." if points else "It earns no points."

    def _code(self, name: str, result: Result) -> dict[str, Any] | None:
        """Return the student's own code, line by line, with what is known about where its mistakes are."""
        source = self.record.sources.get(name, "")
        if result.verdict in NOT_TRIED or not source.strip():
            return None
        given = lines_of_given_docstring(name, source)
        lines = [*enumerate(plain(source, self.detail.characters).rstrip().split("\n"), 1)]
        own = [(number, line) for number, line in lines if number not in given]
        shown = own[: self.detail.lines]
        numbers = {number for number, _ in shown}
        known = [place for place in places(name, source, result) if place.line in numbers]
        return {
            "lines": shown,
            "given": given,
            "more": len(own) - len(shown),
            "here": {place.line for place in known},
            "places": [plain(place.why, SHORT) for place in known],
            "open": result.verdict is not Verdict.RIGHT,
        }

    def _figures(self, name: str, result: Result) -> list[dict[str, Any]]:
        """Return the student's pictures, the first beside the reference's where the exercise is not right."""
        found: list[dict[str, Any]] = []
        for cell in (cell for cell, figure in FIGURES.items() if figure.exercise == name):
            caption, first = FIGURES[cell].caption, not found
            own = self.album.added(self.record.figures.get(cell, []), f"{caption}, from your notebook", OWN if first else FURTHER)
            beside = self.reference.figures[cell] if first and result.verdict is not Verdict.RIGHT else []
            found.append(
                {
                    "caption": caption,
                    "own": own,
                    "reference": self.album.added(beside, f"{caption}, the reference", REFERENCE),
                }
            )
        return [figure for number, figure in enumerate(found) if figure["own"] or number == 0]


def _explained(mistake: str) -> dict[str, Any]:
    title, meaning, think = (plain(text, 2000) for text in explanation_of(mistake))
    return {"title": plain(title, SHORT), "meaning": html(meaning) if meaning else "", "think": html(think) if think else ""}


def _finding(report: Report) -> str:
    """Return the sentence that says what was found, without the sign that stands beside the exercise's name."""
    return report.headline().partition(" ")[2]


def _told(mistake: str, message: str) -> bool:
    """A check's own message explains its mistakes already."""
    return mistake in MISTAKES and f"{MISTAKES[mistake].title}. " in _flat(message)


def _flat(message: str) -> str:
    return " ".join(message[:LONGEST].split())
