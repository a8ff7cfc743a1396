"""The charts of the summary, as numbers that its template draws: as SVG and as bars of HTML, whose words a browser sets.

So no word is cut off, and they follow the page's width and its dark theme.
"""

import collections
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .records import Record
from .rendering import VERDICTS

MOST_BARS = 20  # of a histogram; a bar is one point wide or more
MOST_TICKS = 6


@dataclass(frozen=True)
class Bar:
    """Of a histogram: its edges, in points, and how many students are between them."""

    left: float
    right: float
    count: int


@dataclass(frozen=True)
class Histogram:
    """How many students have how many points.

    Parameters
    ----------
    title : str
        What the points are for.
    most : float
        The most points there are.
    bars : tuple of Bar
        From 0 points up; a bar holds its left edge, not its right one.
    """

    title: str
    most: float
    bars: tuple[Bar, ...]

    @property
    def right(self) -> float:
        """The right edge of the last bar."""
        return self.bars[-1].right

    @property
    def top(self) -> int:
        """The height of the highest tick, which no bar exceeds."""
        return self.heights[-1]

    @property
    def heights(self) -> list[int]:
        """The ticks upwards, in students."""
        highest = max(1, *(bar.count for bar in self.bars))
        step = _step(highest / 4)
        return list(range(0, highest + step, step))

    @property
    def ticks(self) -> list[int]:
        """The ticks to the side, in points, at edges of bars."""
        width = round(self.bars[0].right)
        step = width * math.ceil(len(self.bars) / MOST_TICKS)
        return list(range(0, math.floor(self.right) + 1, step))

    @property
    def words(self) -> str:
        """What the chart shows, for those who do not see it."""
        filled = [f"{bar.left:g} to below {bar.right:g}: {bar.count}" for bar in self.bars if bar.count]
        return f"Histogram of the points for {self.title}. Students by points: {'; '.join(filled) or 'none'}."


def histogram(title: str, points: Iterable[float], most: float) -> Histogram:
    """Return the histogram of students' points, of which there are at most `most`."""
    width = max(1, math.ceil(most / MOST_BARS))
    last = int(most // width)
    counts = collections.Counter(min(max(int(one // width), 0), last) for one in points)
    bars = (Bar(place * width, (place + 1) * width, counts[place]) for place in range(last + 1))
    return Histogram(title, most, tuple(bars))


def _step(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20 ... that is not below `least`."""
    power = 10 ** max(0, math.floor(math.log10(max(least, 1))))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= least)


@dataclass(frozen=True)
class Section:
    """Of a bar divided by verdicts: the verdict's key and words, and how many students have it."""

    kind: str
    words: str
    count: int
    percent: float


def verdict_bars(records: Collection[Record], exercises: Iterable[str]) -> list[tuple[str, list[Section]]]:
    """Return [(exercise, sections)]: how many students have which verdict, those that occur."""
    return [(name, _sections(records, name)) for name in exercises]


def _sections(records: Collection[Record], exercise: str) -> list[Section]:
    counts = collections.Counter(record.result(exercise).verdict for record in records)
    return [
        Section(verdict.value, words[2:], counts[verdict], 100 * counts[verdict] / len(records))
        for verdict, words in VERDICTS.items()
        if counts[verdict]
    ]
