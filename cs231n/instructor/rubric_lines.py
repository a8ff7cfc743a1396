"""The lines of a rubric, from its Markdown: what each gives, and whether they add up."""

import math
import re
from dataclasses import dataclass

ITEM = re.compile(r"[*+-] +\S")  # of a list, not indented
HEADING = re.compile(r"^\*\*Rubric\b([^*\n]*)\*\*", re.MULTILINE)
OF_HEADING = re.compile(r"\((\d+(?:[.,]\d+)?) points?\)")
LINE = re.compile(r"[*+-] +(?P<points>\d+(?:[.,]\d+)?)(?: points?| pts?\.?)?\s*:\s*(?P<text>\S.*)")
MOST_LINES = 30
EXACT = 1e-6


@dataclass(frozen=True)
class Line:
    """What a line gives, and for what, in Markdown."""

    points: float
    text: str


@dataclass(frozen=True)
class Lines:
    """The lines of a rubric.

    Parameters
    ----------
    lines : tuple of Line
        In the rubric's order; none if the rubric has no such lines.
    additive : bool
        Whether an answer gets the sum of all lines that fit. Otherwise it gets the points of one.
    rest : str
        The Markdown without the rubric; all of it where the rubric says more than its lines do.
    scaled_from : float or None
        What the rubric gives by its heading, if the question gives something else: the lines' points are scaled then.
    """

    lines: tuple[Line, ...]
    additive: bool
    rest: str = ""
    scaled_from: float | None = None


def rubric_lines(markdown: str, points: float) -> Lines:
    """Return the lines of a rubric such as "* 2: the sign is lost."; a line may go on, indented, below.

    They are additive if they add up to the points of the rubric, and none of them is 0. Where the question gives other points
    than the rubric's heading says, what each line gives is scaled, and rounded to 2 decimals.

    Parameters
    ----------
    markdown : str
        A model answer with its rubric, below "**Rubric (4 points).**", or a rubric alone.
    points : float
        Of the question.
    """
    headings, rest, says_more, ours = list(HEADING.finditer(markdown)), markdown, False, points
    if headings:
        markdown = markdown[headings[-1].end() :]
        told = OF_HEADING.search(headings[-1][1])
        ours = _number(told[1]) if told else points
    lines: list[Line] = []
    goes_on = False
    for row in markdown.splitlines():
        if found := LINE.fullmatch(row.rstrip()):
            lines.append(Line(_number(found["points"]), found["text"]))
            goes_on = True
        elif goes_on and row.startswith((" ", "\t")) and row.strip():
            lines[-1] = Line(lines[-1].points, f"{lines[-1].text}\n{row.strip()}")
        else:
            goes_on = False
            says_more = says_more or bool(row.strip())
    if headings and 0 < len(lines) <= MOST_LINES and not says_more:
        rest = rest[: headings[-1].start()].rstrip()
    lines = lines[:MOST_LINES]
    total = math.fsum(line.points for line in lines)
    additive = bool(lines) and all(line.points for line in lines) and abs(total - ours) < EXACT
    if not lines or not ours or abs(ours - points) < EXACT:
        return Lines(tuple(lines), additive, rest)
    scaled = tuple(Line(round(line.points * points / ours, 2), line.text) for line in lines)
    return Lines(scaled, additive, rest, scaled_from=ours)


def contradiction(rubric: str, points: float) -> str:
    """Return how a question's rubric contradicts its points, as a clause; "" if it does not.

    The lines either add up to the points, or the best of them gives the points. A rubric in prose is not judged, nor is one with
    other items among its lines.
    """
    below = rubric
    for heading in HEADING.finditer(rubric):
        below = rubric[heading.end() :]
        told = OF_HEADING.search(heading[1])
        if told and abs(_number(told[1]) - points) >= EXACT:
            return f"the rubric's heading says {_number(told[1]):g} points"
    found = [LINE.fullmatch(row.rstrip()) for row in below.splitlines() if ITEM.match(row)]
    given = [_number(line["points"]) for line in found if line]
    if not given or len(given) < len(found):
        return ""
    total, best = math.fsum(given), max(given)
    if abs(best - points) < EXACT or (all(given) and abs(total - points) < EXACT):
        return ""
    if abs(total - points) < EXACT:
        return f"the rubric has a line for 0 points, so an answer gets the points of one line, and the best gives {best:g}"
    return f"the lines of the rubric add up to {total:g}, and the best of them gives {best:g}"


def _number(text: str) -> float:
    return float(text.replace(",", "."))
