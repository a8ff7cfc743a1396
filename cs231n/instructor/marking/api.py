"""What the page asks the desk for, and what it tells the desk to do: JSON in, JSON out.

Texts that are drawn (questions, answers, rubric lines) are Markdown objects in what is returned; the server draws them when it
writes the JSON, so that nobody waits for that with the desk's lock held. Names of students are in names() alone.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..reports.items import Item
from ..reports.journal import Entry
from ..reports.marks import for_an_earlier_answer
from ..reports.reference import FIGURES
from ..reports.rendering import title_of
from ..reports.safe import picture_addresses, plain
from ..rubric_lines import Lines, rubric_lines
from .desk import Desk, Refused, View, counts
from .near import difference

LONGEST_COMMENT_CHARACTERS = 5000
LONGEST_REASON_CHARACTERS = 500
MOST_COMMENTS = 60  # that are offered again
MOST_NEAR = 50  # answers that are marked in one go
EXACT = 1e-6

Json = dict[str, Any]


@dataclass(frozen=True)
class Markdown:
    """A text that is drawn when it is sent."""

    text: str


class Wrong(Exception):
    """A request that no page of ours sends; the message says what was expected."""


class Api:
    """The requests that a page can make. Each method answers one; those with a body get it as a dictionary."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.lines: dict[str, Lines] = {
            question: rubric_lines(desk.reference.model_answers[question], desk.rubric.points[question])
            for question in desk.rubric.questions
        }

    # GET

    def get_desk(self) -> Json:
        """Return the course, the questions with how far each is, and how many things wait for a decision."""
        desk = self.desk
        questions = [self._question(question) for question in desk.rubric.questions]
        total = {name: sum(question[name] for question in questions) for name in ("total", "marked", "flagged")}
        conflicts = len(desk.conflicts())
        return {
            "course": desk.rubric.course.assignment.title,
            "marker": desk.marker,
            "markers": sorted({plain(name, 100) for name in desk.journals.standing.markers() if not name.endswith(".csv")}),
            "share": str(desk.share),
            "questions": questions,
            "counts": total | self._pace(None, total["total"] - total["marked"]),
            "conflicts": conflicts,
            "disagreements": len(self.get_disagreements()["items"]),
            "notices": desk.notices,
        }

    def _question(self, question: str) -> Json:
        desk, lines = self.desk, self.lines[question]
        total, marked, flagged = counts(desk, question)
        return {
            "key": question,
            "title": title_of(question),
            "most": desk.rubric.points[question],
            "bonus": question in desk.rubric.bonus,
            "question": Markdown(desk.reference.questions[question]),
            "model_answer": Markdown(lines.rest),
            "mode": "additive" if lines.additive else "exclusive",
            "scaled_from": lines.scaled_from,
            "lines": [{"points": line.points, "text": Markdown(line.text)} for line in lines.lines],
            "figures": bool(self._cells(question)),
            "own": question in desk.rubric.course.questions,
            "total": total,
            "marked": marked,
            "flagged": flagged,
            "outside": len(desk.items[question]) - total,
            "students": sum(len(item.students) for item in desk.items[question].values()),
        }

    def get_question(self, question: str) -> Json:
        """Return all answers to a question, in this marker's order, without their pictures."""
        self.desk.require_question(question)
        return {"key": question, "items": [self._item(question, name, whole=False) for name in self.desk.order[question]]}

    def get_item(self, question: str, name: str) -> Json:
        """Return an answer with its pictures, the student's figures, and how it differs from nearly equal ones."""
        return self._item(question, name, whole=True)

    def _item(self, question: str, name: str, whole: bool) -> Json:
        desk = self.desk
        item = desk.item(question, name)
        view = desk.view(question, item)
        desk.shown.update(entry.id for entry in view.heads)
        cells = self._cells(question)
        return {
            "id": item.id,
            "answer": Markdown(item.answer),
            "note": self._note(item),
            "pictures": picture_addresses(list(item.pictures)) if whole else [],
            "figures": self._figures(item, cells) if whole else [],
            "pictures_waiting": not whole and bool(item.pictures or cells),
            "aliases": [desk.alias(student) for student in item.students],
            "near": [
                {"id": other, "difference": difference(item.answer, desk.items[question][other].answer) if whole else ""}
                for other in desk.near(question)[name]
            ],
            "mine": desk.share.is_mine(question, name),
            "twice": desk.share.is_twice(question, name),
            "mark": _mark(view.mark) if view.mark else None,
            "marked": view.mark is not None,
            "others": [_mark(entry) for entry in _others(view)],
            "before": self._before(question, item, view),
            "flag": desk.journals.standing.flagged(question, name),
        }

    def _cells(self, question: str) -> tuple[str, ...]:
        asked = {task.key: task for task in self.desk.rubric.course.assignment.questions}[question]
        own = question in self.desk.rubric.course.questions  # the course's own question: nobody knows what it is about
        return () if own else tuple(cell for cell in asked.figures if cell in FIGURES)

    def _figures(self, item: Item, cells: Sequence[str]) -> list[Json]:
        """Return the figures of the first of the students; others with the same answer have figures of their own."""
        own = self.desk.rows.figures(item.students[0]) if cells else {}
        return [
            {
                "caption": FIGURES[cell].caption,
                "own": picture_addresses(own.get(cell, [])),
                "reference": picture_addresses(self.desk.reference.figures[cell]),
            }
            for cell in cells
        ]

    def _note(self, item: Item) -> str:
        if len(set(item.notes.values())) == 1 and len(item.notes) == len(item.students):
            return plain(next(iter(item.notes.values())), 2000)
        return " ".join(f"{self.desk.alias(student)}: {plain(note, 2000)}" for student, note in item.notes.items())

    def _before(self, question: str, item: Item, view: View) -> str:
        """Return what there is to know of earlier marks, as long as the answer has none."""
        if view.mark is not None:
            return ""
        found = {student: self._earlier(question, item, student, view) for student in item.students}
        return " ".join(f"{self.desk.alias(student)}: {plain(told, 1000)}." for student, told in found.items() if told)

    def _earlier(self, question: str, item: Item, student: str, view: View) -> str:
        counting = None if view.blind else view.counting[student]
        if counting is not None:
            return f"has {counting.points:g} points already, by {counting.by}"
        most, heads = self.desk.rubric.points[question], [entry for entry in view.heads if (entry.points or 0) > 0]
        if heads and not view.blind and heads[0].points is not None and heads[0].points > most:
            return f"{heads[0].points:g} points, more than the question gives now"
        if earlier := self.desk.journals.standing.for_another(question, item.id, student):
            return for_an_earlier_answer(f"{earlier.points:g}", earlier.comment)
        return self.desk.before.get((student, question), "")

    def get_comments(self, question: str) -> Json:
        """Return the comments given for a question, the most frequent first."""
        self.desk.require_question(question)
        found = self.desk.journals.standing.comments(question)
        ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
        return {"comments": [{"text": plain(text), "times": times} for text, times in ordered[:MOST_COMMENTS]]}

    def get_names(self) -> Json:
        """Return the students' names by their aliases."""
        return {
            self.desk.alias(record.student): f"{plain(record.name, 200)} ({plain(record.student, 200)})"
            for record in self.desk.rows.records
        }

    def get_disagreements(self) -> Json:
        """Return the answers to which markers gave different points, those that this marker may see."""
        found = []
        for question, of_question in self.desk.items.items():
            for item in of_question.values():
                view = self.desk.view(question, item)
                if view.disagrees:
                    self.desk.shown.update(entry.id for entry in view.heads)
                    found.append({"question": question, "item": item.id, "marks": [_mark(entry) for entry in view.marks]})
        return {"items": found}

    def get_conflicts(self) -> Json:
        """Return the rows of marks files that contradict what was given in the browser."""
        return {
            "items": [
                {
                    "question": one.question,
                    "student": self.desk.alias(one.student),
                    "file": {"points": one.file[0] if one.file else None, "comment": plain(one.file[1]) if one.file else ""},
                    "journal": _mark(one.entry)
                    if one.entry
                    else {"points": None, "comment": "", "by": "", "when": "", "lines": []},
                }
                for one in self.desk.conflicts()
            ]
        }

    def get_log(self) -> Json:
        """Return the changes of points that were in the grades, the earliest first."""
        standing = self.desk.journals.standing
        return {
            "changes": [
                {
                    "question": entry.question,
                    "student": self.desk.alias(student),
                    "old": entry.graded,
                    "new": entry.points,
                    "reason": plain(entry.reason, LONGEST_REASON_CHARACTERS),
                    "by": plain(entry.by, 100),
                    "when": entry.when,
                    "undone": entry.id in standing.undone,
                }
                for entry in standing.changes()
                for student in entry.students
                if student in self.desk.aliases
            ]
        }

    # POST

    def post_mark(self, body: Json) -> Json:
        """Give an answer a mark, or take it back."""
        question, name = _text(body, "question"), _text(body, "item")
        self.desk.item(question, name)
        self.desk.mark(
            question,
            name,
            self._points(body, question),
            self._lines(body, question),
            plain(_text(body, "comment", LONGEST_COMMENT_CHARACTERS, ""), LONGEST_COMMENT_CHARACTERS),
            _seconds(body),
            self._reason(body),
        )
        return self._changed(question, name)

    def post_near(self, body: Json) -> Json:
        """Give the mark of an answer to nearly equal ones."""
        question, name, others = _text(body, "question"), _text(body, "item"), body.get("others")
        if not isinstance(others, list) or not all(isinstance(other, str) for other in others) or len(others) > MOST_NEAR:
            raise Wrong(f"others: expected a list of at most {MOST_NEAR} answers' ids.")
        self.desk.mark_near(question, name, others, self._reason(body))
        return {"items": [self._item(question, other, whole=False) for other in others], "progress": self._progress(question)}

    def post_flag(self, body: Json) -> Json:
        """Set or take away a flag."""
        question, name, flag = _text(body, "question"), _text(body, "item"), body.get("flag")
        if not isinstance(flag, bool):
            raise Wrong("flag: expected true or false.")
        self.desk.flag(question, name, flag)
        return self._changed(question, name)

    def post_undo(self, body: Json) -> Json:
        """Take back this marker's last change."""
        question = _text(body, "question")
        name = self.desk.undo(question)
        there = name is not None and name in self.desk.items[question]
        item = self._item(question, name, whole=False) if there and name is not None else None
        return {"item": item, "progress": self._progress(question)}

    def post_conflict(self, body: Json) -> Json:
        """Settle a conflict."""
        question, alias, keep = _text(body, "question"), _text(body, "student"), body.get("keep")
        if keep not in ("file", "journal"):
            raise Wrong('keep: expected "file" or "journal".')
        student = next((one.student for one in self.desk.rows.records if self.desk.alias(one.student) == alias), "")
        self.desk.decide(question, student, keep == "file")
        return {"conflicts": len(self.desk.conflicts())}

    def _changed(self, question: str, name: str) -> Json:
        return {"item": self._item(question, name, whole=False), "progress": self._progress(question)}

    def _progress(self, question: str) -> Json:
        total, marked, flagged = counts(self.desk, question)
        return {"marked": marked, "total": total, "flagged": flagged} | self._pace(question, total - marked)

    def _pace(self, question: str | None, left: int) -> Json:
        pace = self.desk.seconds_an_answer(question)
        return {"seconds_an_answer": pace, "left_seconds": None if pace is None else pace * left}

    def _points(self, body: Json, question: str) -> float | None:
        points, most = body.get("points"), self.desk.rubric.points[question]
        if points is None:
            return None
        if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points <= most:
            raise Refused(f"{points!r:.40} points: expected a number from 0 to {most:g}.")
        if not math.isclose(points, round(points, 2), abs_tol=EXACT):
            raise Refused(f"{points:g} points: expected at most two digits after the point.")
        return round(float(points), 2)

    def _lines(self, body: Json, question: str) -> list[int]:
        lines = body.get("lines", [])
        there = range(len(self.lines[question].lines))
        if not isinstance(lines, list) or not all(type(one) is int and one in there for one in lines) or len(lines) > len(there):
            raise Wrong(f"lines: expected numbers of rubric lines, from 0 to {len(there) - 1}.")
        return sorted(set(lines))

    def _reason(self, body: Json) -> str:
        return plain(_text(body, "reason", LONGEST_REASON_CHARACTERS, "").strip(), LONGEST_REASON_CHARACTERS)


def _mark(entry: Entry) -> Json:
    return {
        "points": entry.points,
        "lines": list(entry.lines),
        "comment": plain(entry.comment),
        "by": plain(entry.by, 100),
        "when": entry.when,
    }


def _others(view: View) -> list[Entry]:
    """Return what others gave, where that differs from the mark that is shown."""
    shown = view.mark
    return [entry for entry in view.marks if shown and entry.points != shown.points] if view.disagrees else []


def _text(body: Json, key: str, longest: int = 200, default: str | None = None) -> str:
    text = body.get(key, default)
    if not isinstance(text, str):
        raise Wrong(f"{key}: expected a text.")
    if len(text) > longest:
        raise Refused(f"This text has {len(text)} characters; expected at most {longest}.")
    return text


def _seconds(body: Json) -> float:
    seconds = body.get("seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e9:
        raise Wrong("seconds: expected a number from 0.")
    return float(seconds)


GET: Mapping[tuple[str, int], Callable[..., Json]] = {  # by name, and how many parts follow it in the address
    ("desk", 0): Api.get_desk,
    ("question", 1): Api.get_question,
    ("item", 2): Api.get_item,
    ("comments", 1): Api.get_comments,
    ("names", 0): Api.get_names,
    ("disagreements", 0): Api.get_disagreements,
    ("conflicts", 0): Api.get_conflicts,
    ("log", 0): Api.get_log,
}
POST: Mapping[str, Callable[[Api, Json], Json]] = {
    "mark": Api.post_mark,
    "near": Api.post_near,
    "flag": Api.post_flag,
    "undo": Api.post_undo,
    "conflict": Api.post_conflict,
}
