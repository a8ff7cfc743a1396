"""A marker's desk: the answers as they are now, what everybody gave them, and the changes that this marker makes.

A Desk is used by one thread at a time: whoever uses it holds `lock`.
"""

import contextlib
import dataclasses
import secrets
import statistics
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..grading.rubric import Rubric
from ..reports import journal, marks, spreadsheets, writing
from ..reports.graded import Graded, graded_points
from ..reports.items import Item, item_id, items
from ..reports.journal import Entry, Journals, Kind
from ..reports.merging import Conflict
from ..reports.records import Record
from ..reports.reference import Reference
from ..reports.safe import file_name
from .near import nearly_equal
from .rows import Rows
from .shares import Share, aliases, drawn, require_same_plan

PACE_ANSWERS = 40  # the last ones, over which the pace is the mean
LONGEST_PAUSE_SECONDS = 600.0  # a longer one is a break, and counts as this
UNTIL_THEN = "Until this is fixed, the marks files are neither read nor written."


class Refused(Exception):
    """A change that cannot be made; the message is a sentence for the marker.

    Parameters
    ----------
    missing : bool
        Whether the answer is not there any more.
    needs_reason : bool
        Whether it can be made with a reason.
    """

    def __init__(self, sentence: str, *, missing: bool = False, needs_reason: bool = False) -> None:
        super().__init__(sentence)
        self.missing, self.needs_reason = missing, needs_reason


@dataclass(frozen=True)
class View:
    """An answer as a marker may see it.

    Parameters
    ----------
    mark : Entry or None
        The marker's own mark, or else the one that counts; None as long as not all who gave the answer have the same.
    counting : dict of str to Entry or None
        By student, the mark that counts.
    heads : tuple of Entry
        All marks that nothing replaces, as far as this marker may see them.
    blind : bool
        Whether the marker is still to mark it without seeing what another gave.
    """

    mark: Entry | None
    counting: Mapping[str, Entry | None]
    heads: tuple[Entry, ...]
    blind: bool

    @property
    def marks(self) -> list[Entry]:
        """The heads that give points."""
        return [entry for entry in self.heads if entry.points is not None]

    @property
    def disagrees(self) -> bool:
        """Whether markers gave different points, and nobody who saw both has settled it."""
        together = [entry.points for entry in self.marks if not entry.only]
        return len(set(together)) > 1


class Desk:
    """What a marker works on.

    Parameters
    ----------
    grades : Path
        The folder that `grade` wrote.
    rubric : Rubric
        With the course's points.
    reference : Reference
        Questions, model answers and figures, as the course asks them.
    marker : str
        The marker's name.
    share : Share
        The marker's share.

    Raises
    ------
    ValueError
        If there is nothing to mark, if this marker is at work in another process, or if a marks file cannot be read.
    OSError
        If GRADES cannot be written.
    """

    def __init__(self, grades: Path, rubric: Rubric, reference: Reference, marker: str, share: Share | None = None) -> None:
        self.grades, self.rubric, self.reference = Path(grades), rubric, reference
        self.marker, self.share = marker, share or Share()
        self.lock = threading.RLock()
        self.folder = self.grades / "marking" / journal.FOLDER
        self.rows = Rows(self.grades / "rows")
        self.rows.refresh()
        if not self.rows.records:
            raise ValueError(
                f"{grades}/rows holds no results. Name the folder that `python -m cs231n.instructor grade --out` wrote."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        require_same_plan(self.folder, self.share)
        name = file_name(marker)
        with contextlib.ExitStack() as held:
            held.enter_context(writing.only_one(self.folder / f"{name}.lock", f"{marker} is marking in {grades} already"))
            self._writer = journal.Writer(self.folder / f"{name}{journal.ENDING}")
            held.callback(self._writer.close)
            self.journals = Journals(self.folder)
            self.journals.refresh()
            self.problem = ""
            self.shown: set[str] = set()  # the ids of the marks that the marker has seen
            self.items: dict[str, dict[str, Item]] = {}
            self.order: dict[str, list[str]] = {}
            self.aliases: dict[str, int] = {}
            self.before: dict[tuple[str, str], str] = {}
            self._near: dict[str, dict[str, list[str]]] = {}
            self._graded: tuple[object, Graded] = (None, {})
            self._conflicts: tuple[object, list[Conflict]] = (None, [])
            self._synced: object = None
            self._take_in()
            self._merge()
            self._held = held.pop_all()

    @property
    def notices(self) -> list[str]:
        """Sentences on what a person should know: cut off and damaged lines of journals, marks files that cannot be read."""
        return [notice for notice in (self._writer.torn, self.problem, *self.journals.damaged) if notice]

    def close(self) -> None:
        """Bring journals and marks files together, and let another process work for this marker; once is enough."""
        try:
            self.sync()
        finally:
            self._held.close()

    # What is there

    def refresh(self) -> None:
        """See what `grade`, the other markers and the marks files say now."""
        if self.rows.refresh():
            self._take_in()
        self.journals.refresh()

    def _take_in(self) -> None:
        self.items = {question: items(question, self.rows.records) for question in self.rubric.questions}
        self._near = {}
        for question, found in self.items.items():
            self.order[question] = sorted(found, key=lambda item, question=question: self._place(question, item))  # type: ignore[misc]
        with writing.in_turn(self.folder / marks.LOCK):
            self.aliases = aliases(self.folder, [record.student for record in self.rows.records])

    def _place(self, question: str, item: str) -> tuple[bool, float]:
        """Return where an answer comes for this marker: those to mark first, drawn once and for all."""
        return not self.to_mark(question, item), drawn("order", self.marker, question, item)

    def to_mark(self, question: str, item: str) -> bool:
        """Return whether an answer is this marker's: in the share, or to be marked twice by this marker and another."""
        return self.share.is_mine(question, item) or self.share.is_twice(question, item)

    def near(self, question: str) -> Mapping[str, list[str]]:
        """Return, by answer, the ids of those that are nearly equal."""
        if question not in self._near:
            self._near[question] = nearly_equal({item.id: item.answer for item in self.items[question].values()})
        return self._near[question]

    def alias(self, student: str) -> str:
        """Return what a student is called as long as names are hidden."""
        return f"Student {self.aliases[student]}"

    def item(self, question: str, name: str) -> Item:
        """Return an answer. Raises Refused if there is no such question, or the answer is not there any more."""
        self.require_question(question)
        if name not in self.items[question]:
            raise Refused("This answer no longer exists: it has changed, or its submission is gone.", missing=True)
        return self.items[question][name]

    def require_question(self, question: str) -> None:
        """Raise Refused if there is no such question."""
        if question not in self.items:
            raise Refused(f"There is no question {question[:60]!r} here.", missing=True)

    def view(self, question: str, item: Item) -> View:
        """Return an answer as this marker may see it."""
        standing, most = self.journals.standing, self.rubric.points[question]
        heads = {student: standing.heads(question, item.id, student) for student in item.students}
        counting = {student: standing.counting(question, item.id, student, most) for student in item.students}
        given = standing.marks(question, item.id)
        if self.share.is_twice(question, item.id) and not any(entry.by == self.marker for entry in given):
            rows = {entry.id: entry for found in heads.values() for entry in found if entry.only}
            return View(None, counting, tuple(rows.values()), blind=True)
        seen = {entry.id: entry for found in heads.values() for entry in found}
        differing = {entry.mark if entry else None for entry in counting.values()}
        first = next(iter(counting.values()))
        own = [entry for entry in heads[item.students[0]] if entry.by == self.marker and entry.points is not None]
        mark = None if len(differing) > 1 or first is None else own[0] if own and not first.only else first
        return View(mark, counting, tuple(seen.values()), blind=False)

    def graded(self) -> Graded:
        """Return the points for answers that are in grades.csv."""
        path = self.grades / "grades.csv"
        state = (path.stat().st_mtime_ns, len(self.rows.records)) if path.exists() else None
        if self._graded[0] != state:
            self._graded = state, graded_points(path, self.rows.records, self.rubric.questions)
        return self._graded[1]

    def conflicts(self) -> list[Conflict]:
        """Return the rows of marks files that contradict what was given in the browser."""
        state = self._state()
        if self._conflicts[0] != state:
            try:
                found = marks.conflicts(self.grades, self.rubric, self.rows.records)
                self.problem = ""
            except (ValueError, OSError) as error:
                found, self.problem = [], f"{error} {UNTIL_THEN}"
            self._conflicts = state, found
        return self._conflicts[1]

    def _state(self) -> object:
        """Return something that changes whenever a marks file, a journal or a row does."""
        paths = [self.grades / "marking" / f"{question}.csv" for question in self.rubric.questions]
        files = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
        return files, len(self.journals.standing.entries), tuple(map(id, self.rows.records))

    # Changes

    def mark(
        self,
        question: str,
        name: str,
        points: float | None,
        lines: Sequence[int] = (),
        comment: str = "",
        seconds: float = 0.0,
        reason: str = "",
    ) -> None:
        """Give an answer a mark, for all students who gave it; None takes it back. It is on the disk when this returns.

        It replaces every mark that this marker has seen. Raises Refused, if a change of points that are in the grades has no
        reason, among others; OSError if the disk does not take it.
        """
        item = self.item(question, name)
        entry = Entry(
            Kind.MARK,
            question,
            name,
            self.marker,
            item.students,
            points=points,
            lines=tuple(lines),
            comment=comment,
            seconds=min(seconds, LONGEST_PAUSE_SECONDS),
        )
        self._append([self._completed(entry, item, reason)])

    def mark_near(self, question: str, name: str, others: Collection[str], reason: str = "") -> None:
        """Give the mark of an answer to others that are nearly equal, all or none."""
        item = self.item(question, name)
        mark = self.view(question, item).mark
        if mark is None:
            raise Refused("Mark this answer first; then its mark can be given to others.")
        stranger = set(others) - set(self.near(question)[name])
        if stranger:
            raise Refused("One of these answers is not nearly equal to this one any more. Look at them again.", missing=True)
        batch = secrets.token_hex(8)
        entries = []
        for other in dict.fromkeys(others):
            target = self.item(question, other)
            entry = Entry(
                Kind.MARK,
                question,
                other,
                self.marker,
                target.students,
                points=mark.points,
                lines=mark.lines,
                comment=mark.comment,
                batch=batch,
            )
            entries.append(self._completed(entry, target, reason))
        self._append(entries)

    def _completed(self, entry: Entry, item: Item, reason: str) -> Entry:
        """Return a mark with what it replaces, and with its reason where it needs one. Raises Refused if that is lacking."""
        view = self.view(entry.question, item)
        replaces = tuple(head.id for head in view.heads if head.id in self.shown or head.by == self.marker)
        others = any(head.by != self.marker for head in view.heads)
        second = self.share.is_twice(entry.question, item.id) and not self.share.is_mine(entry.question, item.id) and not others
        entry = dataclasses.replace(entry, replaces=replaces, second=second)
        for student, counting in view.counting.items():
            takes_effect = counting is None or counting.id in replaces or (counting.second and not second)
            told = marks.regraded(self.graded(), student, entry.question, entry.mark, reason) if takes_effect else {}
            if told and not reason:
                have = "1 student has" if len(item.students) == 1 else f"{len(item.students)} students have"
                change = "take the mark back" if entry.points is None else f"change it to {_in_words(entry.points)}"
                raise Refused(
                    f"{have} {_in_words(told['graded'])} for this answer in the grades already. To {change}, give a reason.",
                    needs_reason=True,
                )
            if told:
                return dataclasses.replace(entry, **told)
        return entry

    def flag(self, question: str, name: str, flag: bool) -> None:
        """Set the flag of an answer, which all markers see, or take it away."""
        item = self.item(question, name)
        self._append([Entry(Kind.FLAG, question, name, self.marker, item.students, flag=flag)])

    def undo(self, question: str) -> str | None:
        """Take back this marker's last change of a mark; return the id of its answer, None if there is nothing to take back."""
        self.require_question(question)
        standing = self.journals.standing
        own = [entry for entry in standing.entries.values() if self._can_be_undone(entry, question)]
        if not own:
            return None
        last = own[-1]
        together = [entry for entry in own if entry.batch == last.batch] if last.batch else [last]
        names = tuple(entry.id for entry in together)
        if later := [entry for entry in standing.replacing(names) if entry.by != self.marker]:
            raise Refused(f"{later[0].by} has changed this mark since. Look at the answer, then mark it again.")
        self._require_ungraded(question, together, names)
        self._append([Entry(Kind.UNDO, question, last.item, self.marker, undoes=names)])
        return last.item

    def _can_be_undone(self, entry: Entry, question: str) -> bool:
        mine = entry.kind is Kind.MARK and entry.by == self.marker and entry.question == question
        return mine and not entry.only and entry.id not in self.journals.standing.undone

    def _require_ungraded(self, question: str, together: Sequence[Entry], names: Collection[str]) -> None:
        """Raise Refused if the grades have the points that an undo would take back."""
        standing, graded = self.journals.standing, self.graded()
        for entry in together:
            for student in entry.students:
                points = graded.get((student, question))
                if points is None or entry.graded is not None or entry.points != points:
                    continue
                without = standing.without(names).counting(question, entry.item, student)
                if without is None or without.points != points:
                    raise Refused(
                        f"This mark is already in the grades ({points:g} points for {self.alias(student)}) and cannot be undone. "
                        "Mark the answer again; you will be asked for a reason."
                    )

    def decide(self, question: str, student: str, keep_file: bool) -> None:
        """Settle a conflict between the row of a marks file and what was given in the browser."""
        found = [one for one in self.conflicts() if (one.question, one.student) == (question, student)]
        if not found:
            raise Refused("This conflict no longer exists.", missing=True)
        if keep_file:
            self._append([self._from_file(found[0])])
        self._merge([] if keep_file else [(question, student)])

    def _from_file(self, conflict: Conflict) -> Entry:
        record = self._record(conflict.student)
        item = item_id(record, conflict.question)
        heads = self.journals.standing.heads(conflict.question, item, conflict.student)
        reason = f"conflict settled by {self.marker} in favour of {conflict.question}.csv"
        return Entry(
            Kind.MARK,
            conflict.question,
            item,
            self.marker,
            (conflict.student,),
            points=conflict.file[0] if conflict.file else None,
            comment=conflict.file[1] if conflict.file else "",
            replaces=tuple(head.id for head in heads),
            only=True,
            **marks.regraded(self.graded(), conflict.student, conflict.question, conflict.file, reason),
        )

    def _record(self, student: str) -> Record:
        return next(record for record in self.rows.records if record.student == student)

    def _append(self, entries: Sequence[Entry]) -> None:
        self._writer.append(entries)
        self.journals.refresh()

    def sync(self) -> None:
        """Carry news over between journals and marks files, if there are any. What cannot be read is said in `notices`."""
        self.refresh()
        if self._state() == self._synced:
            return
        try:
            self._merge()
            self.problem = ""
        except (ValueError, OSError) as error:
            self.problem = f"{error} {UNTIL_THEN}"
            self._synced = self._state()

    def _merge(self, decided: Collection[tuple[str, str]] = ()) -> None:
        marks.merge(self.grades, self.rubric, self.rows.records, decided)
        self.journals.refresh()
        self.before = self._befores()
        self._synced = self._state()

    def _befores(self) -> dict[tuple[str, str], str]:
        """Return {(student, question): what the column `before` of a marks file says} of those without points."""
        ids = spreadsheets.Ids([record.student for record in self.rows.records])
        found = {}
        for question in self.rubric.questions:
            for row in marks.MarksFile.read(self.grades / "marking" / f"{question}.csv").rows:
                student = ids.find(row["student"])
                if student and not row["points"].strip() and row.get("before", "").strip():
                    found[student, question] = spreadsheets.unguarded(row["before"])
        return found

    # How far it is

    def seconds_an_answer(self, question: str | None = None) -> float | None:
        """Return this marker's pace, None if nothing was marked yet. question: of one question alone."""
        times = [
            entry.seconds
            for entry in self.journals.standing.entries.values()
            if entry.by == self.marker and entry.seconds > 0 and question in (None, entry.question)
        ]
        return statistics.fmean(times[-PACE_ANSWERS:]) if times else None


def counts(desk: Desk, question: str) -> tuple[int, int, int]:
    """Return (how many answers to a question this marker is to mark, how many of them are marked, how many have a flag)."""
    own = [item for item in desk.items[question].values() if desk.to_mark(question, item.id)]
    marked = sum(desk.view(question, item).mark is not None for item in own)
    return len(own), marked, sum(desk.journals.standing.flagged(question, item.id) for item in own)


def _in_words(points: float) -> str:
    return f"{points:g} point{'' if points == 1 else 's'}"
