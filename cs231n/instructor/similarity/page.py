"""The page of the most unusual pairs, side by side. It is for the instructor alone: it shows names."""

import itertools
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape

from ..reports.rendering import isolation_note, templates, title_of
from ..reports.safe import picture_addresses, plain
from .pairs import Finding, Pair, same_person
from .pieces import LONGEST, WORD, Piece
from .rarity import SMALLEST, Shared, most_holders
from .signs import Class, Kind, Sign
from .submissions import Submission

SHOWN = 8  # things of one kind that a pair shares
SCRAP = 15  # characters of an answer that are marked, at least
OPEN = 5  # pairs whose texts are shown at once; those of the others are folded

Span = tuple[int, int, bool]  # start and end in a text, in characters; whether nobody else has it


@dataclass(frozen=True)
class Row:
    """A line of a student's code, or several that are left out.

    Parameters
    ----------
    number : int
        Of the line in the student's code, or of the first that is left out.
    text : Markup
        With what is shared marked; empty where lines are left out.
    last : int
        The number of the last line that is left out; 0 if none is.
    """

    number: int
    text: Markup
    last: int = 0


_templates = templates.overlay(
    loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(Path(__file__).with_name("templates")), templates.loader])  # type: ignore[list-item]
)


def page(found: Class, signs: Sequence[Sign], pairs: Sequence[Pair]) -> str:
    """Return the page on the pairs of a class. signs: those that the pairs were chosen by."""
    submissions = found.submissions
    comments = next(sign for sign in signs if sign.kind is Kind.COMMENT)
    return _templates.get_template("similar.html").render(
        isolation=isolation_note([one.record for one in submissions]),
        this_year=sum(not one.last_year for one in submissions),
        last_year=sum(one.last_year for one in submissions),
        small=len(submissions) < SMALLEST,
        most=most_holders(len(submissions)),
        same=_same_people(found),
        pairs=[_pair(found, pair, comments, place < OPEN) for place, pair in enumerate(pairs)],
    )


def _same_people(found: Class) -> list[tuple[Submission, Submission]]:
    """Return the pairs that are not compared, since somebody seems to have a part in both."""
    rows, columns = np.nonzero(np.triu(same_person(found), 1))
    pairs = [(found.submissions[a], found.submissions[b]) for a, b in zip(rows, columns, strict=True)]
    return [(one, other) for one, other in pairs if not (one.last_year and other.last_year)]


def _pair(found: Class, pair: Pair, comments: Sign, is_open: bool) -> dict[str, Any]:
    sides = [found.submissions[i] for i in (pair.a, pair.b)]
    return {
        "names": [one.names for one in sides],
        "files": [one.record.submission for one in sides],
        "last_year": [one.last_year for one in sides],
        "lines": [_line(found, finding, pair) for finding in pair.findings],
        "open": is_open,
        "texts": [_texts(found, pair, one.sign, comments) for one in pair.findings if one.sign.kind in (Kind.CODE, Kind.ANSWER)],
        "others": [[found.submissions[i].names for i in other] for other in pair.others[:SHOWN]],
        "more_others": max(0, len(pair.others) - SHOWN),
        "pictures": [picture for finding in pair.findings if finding.sign.kind is Kind.PICTURE for picture in _pictures(finding)],
    }


def _line(found: Class, finding: Finding, pair: Pair) -> dict[str, Any]:
    """Return what a line of the list says: the kind and the task, what is shared, and who else has it."""
    sign, things = finding.sign, finding.things
    alone = sum(len(sign.shared.holders[thing]) == 2 for thing in things)
    others = min(len(sign.shared.holders[thing]) for thing in things) - 2
    return {
        "kind": sign.kind.value,
        "title": title_of(sign.task),
        "number": len(things),
        "alone": alone,
        "others": others,
        "equal": sign.kind is Kind.ANSWER and _equal_answers(found, pair, sign.task),
        "shown": [_in_words(sign.kind, thing) for thing in things[:SHOWN]] if sign.kind not in (Kind.CODE, Kind.ANSWER) else [],
        "more": max(0, len(things) - SHOWN),
    }


def _equal_answers(found: Class, pair: Pair, question: str) -> bool:
    one, other = (found.submissions[i].record.answer(question).split() for i in (pair.a, pair.b))
    return one == other


def _in_words(kind: Kind, thing: Any) -> str:
    if kind is Kind.MISTAKE:
        return thing[2] or ", ".join(thing[1]) or thing[0]
    if kind is Kind.PICTURE:
        return title_of(thing[0])
    if kind is Kind.TIMES:
        return f"{thing[1]} ({thing[0]})"
    return str(thing)


def _pictures(finding: Finding) -> list[Markup]:
    """Return the address of the rarest picture that both have, [] if there is none that can be shown."""
    return picture_addresses([thing[1] for thing in finding.things if isinstance(thing, tuple)])[:1]


def _texts(found: Class, pair: Pair, sign: Sign, comments: Sign) -> dict[str, Any]:
    """Return both texts that a sign is about, with what they share marked."""
    both = set(sign.shared.between(pair.a, pair.b))
    sides: list[Markup | list[Row]] = []
    for i in (pair.a, pair.b):
        if sign.kind is Kind.CODE:
            text, pieces = found.code[i][sign.task].source, found.pieces_of_code(i, sign.task)
        else:
            text, pieces = found.submissions[i].record.answer(sign.task)[:LONGEST], found.pieces_of_answer(i, sign.task)
        spans = _rare(pieces, both, sign.shared)
        if sign.kind is Kind.ANSWER:
            sides.append(marked(text, _without_scraps(whole_words(text, spans))))
        else:
            spans = _between(spans, [(one.start, one.end) for one in found.code[i][sign.task].words])
            spans += _rare(found.comments(i, sign.task), set(comments.shared.between(pair.a, pair.b)), comments.shared)
            sides.append(rows(text, spans, found.given.docstring(sign.task)))
    return {"title": title_of(sign.task), "code": sign.kind is Kind.CODE, "sides": sides}


def _rare(pieces: Iterable[Piece], both: set[Hashable], shared: Shared) -> list[Span]:
    """Return the places of the pieces that both have and few have in all."""
    return [(one.start, one.end, len(shared.holders[one.what]) == 2) for one in pieces if one.what in both]


def _between(spans: Iterable[Span], comments: Iterable[tuple[int, int]]) -> list[Span]:
    """Return the spans without the comments in them, which are compared on their own."""
    found = list(spans)
    for start, end in comments:
        parts = [((a, min(b, start), alone), (max(a, end), b, alone)) for a, b, alone in found]
        found = [part for two in parts for part in two if part[0] < part[1]]
    return found


def whole_words(text: str, spans: Iterable[Span]) -> list[Span]:
    """Return the spans cut to the words that they cover whole, and to what is between two of these; one strength for each."""
    strength = _strengths(text, spans)
    words: list[Span] = []
    for word in WORD.finditer(text):
        covered = strength[word.start() : word.end()]
        if all(covered):
            words.append((word.start(), word.end(), 2 * covered.count(2) >= len(covered)))
    gaps = [
        (left[1], right[0], left[2] and right[2])
        for left, right in itertools.pairwise(words)
        if not WORD.search(text, left[1], right[0])
    ]
    return sorted(words + gaps)


def _without_scraps(spans: Iterable[Span]) -> list[Span]:
    """Return the spans without those that, with all that overlap them, cover fewer than SCRAP characters: these are chance."""
    runs: list[list[Span]] = []
    reach = -1
    for span in sorted(spans):
        if span[0] > reach:
            runs.append([])
        runs[-1].append(span)
        reach = max(reach, span[1])
    return [span for run in runs if max(end for _, end, _ in run) - run[0][0] >= SCRAP for span in run]


def marked(text: str, spans: Iterable[Span]) -> Markup:
    """Return a text, escaped, with <mark> around the spans (start, end, alone); those of `alone` have the class "alone"."""
    strength = _strengths(text, spans)
    out, start = [], 0
    for at in range(1, len(text) + 1):
        if at == len(text) or strength[at] != strength[start]:
            words = escape(plain(text[start:at], len(text)))
            out.append(("{}", "<mark>{}</mark>", '<mark class="alone">{}</mark>')[strength[start]].format(words))
            start = at
    return Markup("".join(out))


def rows(source: str, spans: Sequence[Span], docstring: Sequence[str] = ()) -> list[Row]:
    """Return the lines of a source with what spans say marked; those of a docstring, where it is as given, as one empty Row.

    The indentation is not marked.
    """
    lines = source.rstrip().split("\n")
    left_out = _place_of(docstring, lines)
    found, start = [], 0
    for number, line in enumerate(lines, 1):
        if number in left_out:
            found += [Row(number, Markup(), left_out[-1])] if number == left_out[0] else []
        else:
            indented = len(line) - len(line.lstrip())
            here = [(max(a - start, indented), min(b - start, len(line.rstrip())), alone) for a, b, alone in spans]
            found.append(Row(number, marked(line, [span for span in here if span[0] < span[1]])))
        start += len(line) + 1
    return found


def _place_of(some: Sequence[str], lines: Sequence[str]) -> range:
    """Return the numbers of the lines, from 1, that are `some`, in a row; none if there is no such place."""
    some, lines = [line.rstrip() for line in some], [line.rstrip() for line in lines]
    places = range(len(lines) - len(some) + 1 if some else 0)
    start = next((at for at in places if lines[at : at + len(some)] == some), None)
    return range(0) if start is None else range(start + 1, start + 1 + len(some))


def _strengths(text: str, spans: Iterable[Span]) -> bytearray:
    """Return, by character, 2 where a span says that nobody else has it, 1 in the other spans, else 0."""
    strength = bytearray(len(text))
    for start, end, alone in sorted(spans, key=lambda span: span[2]):
        strength[start:end] = bytes([2 if alone else 1]) * (min(end, len(text)) - start)
    return strength
