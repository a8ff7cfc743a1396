"""The pieces of code and of answers that are compared: short runs of tokens and of letters, each with its place in the text."""

import re
from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import NamedTuple

from .code import Token

TOKENS = 6  # of a piece of code
LETTERS = 5  # of a piece of an answer
QUOTED_WORDS = 5  # in a row that are also in the notebook: a quotation
ASKED_WORDS = 3  # in a row that are also in the question
LONGEST = 20_000  # characters of an answer that are compared and shown
WORD = re.compile(r"[^\W_]+")


class Piece(NamedTuple):
    """A piece of a text. what: two pieces with an equal one are equal. start, end: where it is in the text, in characters."""

    what: Hashable
    start: int
    end: int


def pieces_of_code(tokens: Sequence[Token]) -> list[Piece]:
    """Return every run of TOKENS tokens. A chosen name counts as its number in the run: the first one, the second one ..."""
    found = []
    for i in range(len(tokens) - TOKENS + 1):
        run, numbers = tokens[i : i + TOKENS], {}  # type: ignore[var-annotated]
        what = tuple(numbers.setdefault(one.text, len(numbers)) if one.chosen else one.text for one in run)
        found.append(Piece(what, run[0].start, run[-1].end))
    return found


def words_of(text: str) -> list[str]:
    """Return the words of a text, in small letters."""
    return [word.casefold() for word in WORD.findall(text)]


def runs(words: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """Yield every run of so many words."""
    return (tuple(words[i : i + length]) for i in range(len(words) - length + 1))


def pieces_of_answer(
    text: str, quotations: Collection[tuple[str, ...]] = (), asked: Collection[tuple[str, ...]] = ()
) -> list[Piece]:
    """Return every run of LETTERS letters, digits and gaps between words, in small letters, of what a student wrote.

    quotations: runs of QUOTED_WORDS words of the notebook; asked: runs of ASKED_WORDS words of the question. Words that are in
    one of these are not the student's own.
    """
    words = list(WORD.finditer(text[:LONGEST]))
    plain = [word[0].casefold() for word in words]
    not_own = _covered(plain, QUOTED_WORDS, quotations) | _covered(plain, ASKED_WORDS, asked)
    found, letters = [], []  # type: ignore[var-annotated]
    for i, word in enumerate(words):
        if i in not_own:
            found += _windows(letters)
            letters = []
            continue
        letters += [(" ", word.start() - 1)] if letters else []
        letters += [(small, word.start() + at) for at, letter in enumerate(word[0]) for small in letter.casefold()]
    return found + _windows(letters)


def _covered(words: Sequence[str], length: int, known: Collection[tuple[str, ...]]) -> set[int]:
    return {i + k for i, run in enumerate(runs(words, length)) if run in known for k in range(length)}


def _windows(letters: Sequence[tuple[str, int]]) -> list[Piece]:
    text, places = "".join(letter for letter, _ in letters), [place for _, place in letters]
    starts = range(len(text) - LETTERS + 1)
    return [Piece(text[i : i + LETTERS], places[i], places[i + LETTERS - 1] + 1) for i in starts]
