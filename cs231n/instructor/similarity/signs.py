"""The signs: what two submissions may share, and how much of a surprise that is."""

import enum
import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...checks.report import Verdict
from ..reports.records import Record
from . import pieces
from .code import Code
from .given import Given
from .pieces import Piece
from .rarity import Shared
from .submissions import Submission

ALIKE = 0.25  # of what the shorter answer is worth: what two have to share; independent answers share up to 0.16
SHORTEST = 50  # pieces of an answer that can be compared
CHARACTER = 2  # pieces of an answer count as if each letter were worth half of a piece: text is easier to guess than code
COMMENT_WORDS = 2  # of a comment that is compared
TYPED_LETTERS = 6, 30  # of a word that can be misspelt, at least and at most
COMMON = 5  # submissions that write a word, for it to be known; one that fewer write may be misspelt
EXACT_TIME = re.compile(r"[.,]\d*[1-9]")  # with a fraction of a second
SEVERAL = 3  # times to the second that have to be equal; one may be chance
FAILED = {Verdict.WRONG, Verdict.BROKEN, Verdict.STOPPED}


class Kind(enum.Enum):
    """What is shared."""

    FILE = "file"
    CODE = "code"
    ANSWER = "answer"
    COMMENT = "comment"
    SPELLING = "spelling"
    MISTAKE = "mistake"
    PICTURE = "picture"
    CELLS = "cells"
    TIMES = "times"


@dataclass(frozen=True)
class Sign:
    """One way in which submissions can be alike, for a whole class.

    Parameters
    ----------
    kind : Kind
        What is shared.
    task : str
        The exercise's function or the question's key where it is about one, else "".
    shared : Shared
        The things that few submissions have.
    worth : array of shape (submissions, submissions)
        How surprising is what two of them share, in the unit of Shared: 0 for nothing.
    """

    kind: Kind
    task: str
    shared: Shared
    worth: np.ndarray = field(repr=False)


class Class:
    """The submissions with what is compared of each, taken out once.

    Parameters
    ----------
    submissions : sequence of Submission
        Of this year and the one before.
    given : Given
        What all of them were given.
    """

    def __init__(self, submissions: Sequence[Submission], given: Given) -> None:
        self.submissions, self.given = list(submissions), given
        records = [one.record for one in submissions]
        self.functions = sorted({name for record in records for name in record.sources}, key=_order(given.stubs))
        self.questions = sorted({name for record in records for name in record.answers}, key=_order(given.asked))
        self.code = [{name: given.code(name, source) for name, source in record.sources.items()} for record in records]
        self._free = {name: _of_everybody(given, name) for name in self.functions}
        self._spoken = {word.text for name in self._free for one in given.of_everybody(name) for word in one.words}

    def pieces_of_code(self, i: int, function: str) -> list[Piece]:
        """Return the pieces of a submission's code for an exercise that are not in the stub and not in the reference."""
        code = self.code[i].get(function, Code(""))
        return [one for one in pieces.pieces_of_code(code.tokens) if one.what not in self._free[function]]

    def pieces_of_answer(self, i: int, question: str) -> list[Piece]:
        """Return the pieces of a submission's answer that quote neither the notebook nor the question."""
        answer = self.submissions[i].record.answer(question)
        return pieces.pieces_of_answer(answer, self.given.quotations, self.given.asked.get(question, frozenset()))

    def comments(self, i: int, function: str) -> list[Piece]:
        """Return the comments in a submission's code for an exercise that the kit has not written."""
        words = self.code[i].get(function, Code("")).words
        own = [word for word in words if word.text not in self._spoken and len(pieces.words_of(word.text)) >= COMMENT_WORDS]
        return [Piece(word.text, word.start, word.end) for word in own]

    def words(self, i: int) -> set[str]:
        """Return the words in a submission's comments and answers."""
        comments = [word.text for code in self.code[i].values() for word in code.words]
        return {word for text in (*comments, *self.submissions[i].record.answers.values()) for word in pieces.words_of(text)}

    def signs(self) -> list[Sign]:
        """Return all signs."""
        n = range(len(self.submissions))
        records = [one.record for one in self.submissions]
        return [
            _once(Kind.FILE, [[record.sha256] if record.sha256 else [] for record in records]),
            *(self._code(name) for name in self.functions),
            *(self._answers(name) for name in self.questions),
            _each(Kind.COMMENT, [[one.what for name in self.code[i] for one in self.comments(i, name)] for i in n]),
            _each(Kind.SPELLING, _misspelt([self.words(i) for i in n], self.given.words)),
            *(_each(Kind.MISTAKE, [_mistake(record, name) for record in records], name) for name in self._failed()),
            _once(Kind.PICTURE, [_pictures(record, self.given.pictures) for record in records]),
            _once(Kind.CELLS, [[one for one in record.cell_ids if one and one not in self.given.cells] for record in records]),
            _times([_moments(record) for record in records]),
        ]

    def _failed(self) -> list[str]:
        names = {name for one in self.submissions for name, result in one.record.exercises.items() if result.verdict in FAILED}
        return sorted(names, key=_order(self.given.stubs))

    def _code(self, function: str) -> Sign:
        shared = Shared([[one.what for one in self.pieces_of_code(i, function)] for i in range(len(self.submissions))])
        return Sign(Kind.CODE, function, shared, shared.summed() / pieces.TOKENS)

    def _answers(self, question: str) -> Sign:
        found = [dict.fromkeys(one.what for one in self.pieces_of_answer(i, question)) for i in range(len(self.submissions))]
        shared = Shared([own if len(own) >= SHORTEST else () for own in found])
        both = shared.summed()
        alike = both >= ALIKE * np.maximum(1e-9, np.minimum(shared.own[:, None], shared.own[None]))
        return Sign(Kind.ANSWER, question, shared, both * alike / (pieces.LETTERS * CHARACTER))


def _order(given: Collection[str]) -> Callable[[str], tuple[int, str]]:
    """Return a key that sorts names as the kit lists them; what it does not know comes last."""
    places = {name: place for place, name in enumerate(given)}
    return lambda name: (places.get(name, len(places)), name)


def _of_everybody(given: Given, function: str) -> set[Hashable]:
    return {one.what for code in given.of_everybody(function) for one in pieces.pieces_of_code(code.tokens)}


def _each(kind: Kind, things: Sequence[Collection[Hashable]], task: str = "") -> Sign:
    """Return a sign in which every thing counts."""
    shared = Shared(things)
    return Sign(kind, task, shared, shared.summed())


def _once(kind: Kind, things: Sequence[Collection[Hashable]]) -> Sign:
    """Return a sign in which the rarest thing counts: the others have the same reason."""
    shared = Shared(things)
    return Sign(kind, "", shared, shared.rarest())


def _mistake(record: Record, name: str) -> list[Hashable]:
    result = record.result(name)
    said = "\n".join(result.reported) or result.message
    return [(str(result.verdict), result.mistakes, said)] if result.verdict in FAILED else []


def _pictures(record: Record, reference: Collection[str]) -> list[Hashable]:
    """Return [(cell or question, picture)] without the reference's own."""
    places = (*record.figures.items(), *record.answer_pictures.items())
    return [(place, picture) for place, shown in places for picture in shown if picture not in reference]


def _moments(record: Record) -> list[tuple[str, str]]:
    """Return [(cell, when it was executed)]; the cell by its id, or by its number where the record has no ids."""
    numbers = map(str, range(1, len(record.executed_at) + 1))
    names = record.cell_ids if len(record.cell_ids) == len(record.executed_at) else numbers
    return [(name, when) for name, when in zip(names, record.executed_at, strict=True) if when]


def _times(moments: Sequence[Sequence[tuple[str, str]]]) -> Sign:
    """Return the sign of equal times. Times without fractions of a second count where two submissions share SEVERAL."""
    shared = Shared(moments)
    exact = Shared([[one for one in own if EXACT_TIME.search(one[1])] for own in moments])
    number = np.zeros_like(exact.rarest())
    for who in shared.holders.values():
        number[np.ix_(who, who)] += 1
    return Sign(Kind.TIMES, "", shared, np.maximum(exact.rarest(), shared.rarest() * (number >= SEVERAL)))


def _misspelt(words: Sequence[Collection[str]], known: Collection[str]) -> list[list[str]]:
    """Return, by submission, its rare words that are one slip of the keyboard away from a common one."""
    times = Counter(word for own in words for word in own)
    common = {word for word, count in times.items() if count >= COMMON} | set(known)
    slips: dict[str, set[str]] = {}
    for word in filter(_is_compared, common):
        for less in _with_a_letter_less(word):
            slips.setdefault(less, set()).add(word)
    rare = [word for word, count in times.items() if 1 < count < COMMON and word not in known and _is_compared(word)]
    wrong = {word for word in rare if _is_slip(word, slips)}
    return [sorted(wrong.intersection(own)) for own in words]


def _is_compared(word: str) -> bool:
    return TYPED_LETTERS[0] <= len(word) <= TYPED_LETTERS[1] and word.isalpha()


def _with_a_letter_less(word: str) -> set[str]:
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


def _is_slip(word: str, slips: dict[str, set[str]]) -> bool:
    near = {other for less in _with_a_letter_less(word) for other in slips.get(less, ())} - {word}
    return any(_differ_inside(word, other) for other in near)


def _differ_inside(word: str, other: str) -> bool:
    """Return whether two words differ by a slip, not by their endings, and not as British and American spellings do."""
    if word[:-1] == other[:-1] or word.startswith(other) or other.startswith(word):
        return False
    if word.replace("z", "s").replace("our", "or") == other.replace("z", "s").replace("our", "or"):
        return False
    return sorted(word) == sorted(other) or abs(len(word) - len(other)) == 1 or _is_one_letter_off(word, other)


def _is_one_letter_off(word: str, other: str) -> bool:
    return len(word) == len(other) and sum(a != b for a, b in zip(word, other, strict=True)) == 1
