"""What a check found, and how it is told: in words, in a notebook with a small figure beside them."""

import enum
import re
from dataclasses import dataclass, field

import numpy as np

from ..console import say, wrapped
from ..front_end import in_notebook
from ..one_line import OneLine
from .explanations import EXERCISES, LIMITED, MISTAKES, NOTES

ALIKE = 1e-5, 0.1  # of the range: a larger difference than rounding makes, and a smaller one than colours show


class WrongAnswer(OneLine, AssertionError):
    """An exercise is wrong or broken; the message says how."""


class Verdict(str, enum.Enum):
    """What is found about an exercise. A member equals its value, as a string, and is written so into text and JSON.

    No check gives STOPPED: it is the grader's word for an exercise whose process it had to end, or could not judge.
    """

    RIGHT = "right"
    WRONG = "wrong"
    UNFINISHED = "unfinished"
    BROKEN = "broken"  # it cannot be read, or raises an error
    STOPPED = "stopped"
    MISSING = "missing"
    NEWER_PYTHON = "newer-python"  # not judged

    def __str__(self) -> str:
        return self.value


@dataclass
class Report:
    """What is found about one exercise.

    Parameters
    ----------
    exercise : str
        The name of its function.
    verdict : Verdict
        Or its value, a string.
    mistakes, notes : list of str
        Ids, explained in README.md.
    evidence : list of str
        Sentences on what was seen.
    yours, expected : np.ndarray, optional
        (H, W), to be drawn beside each other.
    caption : str
        Of that figure.
    explained : bool
        Whether the mistakes are all that is wrong, as far as is known; else something has no name.

    Raises
    ------
    ValueError
        If there is no such verdict.
    """

    exercise: str
    verdict: Verdict
    mistakes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    yours: np.ndarray | None = None
    expected: np.ndarray | None = None
    caption: str = ""
    explained: bool = True

    def __post_init__(self) -> None:
        self.verdict = Verdict(self.verdict)

    def as_json(self) -> dict[str, str | list[str]]:
        """Return what a program reads of it: {"verdict": ..., "mistakes": [ids], "notes": [ids]}."""
        return {"verdict": self.verdict.value, "mistakes": sorted(self.mistakes), "notes": sorted(self.notes)}

    def text(self) -> str:
        """Return the whole message, in lines."""
        lines = wrapped(self.headline(), "  ", first="")
        for paragraph in self.evidence:
            lines += wrapped(paragraph, "  ")
        for mistake in self.mistakes:
            explanation = MISTAKES[mistake]
            lines += [
                "",
                *wrapped(f"{explanation.title}. {explanation.meaning}", "  "),
                *wrapped(f"Think: {explanation.think}", "  "),
            ]
        for note in self.notes:
            lines += wrapped(f"Note: {NOTES[note]}", "  ")
        return "\n".join(lines)

    def headline(self) -> str:
        """Return the sentence that says what was found."""
        if self.verdict is Verdict.RIGHT:
            limited = {"fixed-sizes", "fixed-batch-size", "fails-for-one-image"} & set(self.notes)
            return f"✓ {self.exercise} is correct. {LIMITED if limited else EXERCISES[self.exercise]}"
        if self.verdict is Verdict.WRONG:
            names = " and ".join(_inside_of_a_sentence(MISTAKES[name].title) for name in self.mistakes)
            return f"✗ {self.exercise} is wrong{f': {names}' if names else ', in a way that this check does not recognise'}."
        if self.verdict is Verdict.UNFINISHED:
            return f"… {self.exercise}: not implemented yet."
        if self.verdict is Verdict.MISSING:
            return f"… {self.exercise}: not defined here."
        if self.verdict is Verdict.NEWER_PYTHON:
            return f"… {self.exercise}: not checked, because it needs a newer Python than this one."
        if self.verdict is Verdict.STOPPED:
            return f"✗ {self.exercise} was stopped."
        return f"✗ {self.exercise} is broken: it cannot be read, or it raises an error."

    def show(self) -> None:
        """Print the message; in a notebook draw the figure, too."""
        say(self.text())
        if self.yours is not None and self.expected is not None and in_notebook():
            self._draw(self.yours, self.expected)

    def _draw(self, yours: np.ndarray, expected: np.ndarray) -> None:
        from matplotlib.figure import Figure  # imported here: the command has no use for it, and it takes its time

        from .. import figures

        panels = _panels(yours, expected)
        width = figures.INCHES * len(panels) / 3
        figure = Figure(figsize=(width, 3.4), layout="constrained")
        for axis, panel in zip(figure.subplots(1, len(panels)), panels, strict=True):
            colours = {"cmap": "RdBu_r", "vmin": -panel.limit} if panel.signed else {"cmap": "gray", "vmin": 0}
            drawn = axis.imshow(panel.values, vmax=panel.limit, **colours)
            axis.set(xticks=[], yticks=[])
            axis.set_title(panel.title, fontsize=10)
            figure.colorbar(drawn, ax=axis, shrink=0.8)
        figure.suptitle(self.caption, fontsize=10)
        ranges = ", ".join(f"{panel.title} from {panel.values.min():.2g} to {panel.values.max():.2g}" for panel in panels)
        figures.show(figure, f"{self.caption}: {ranges}.", figures.Content.LINES)


@dataclass
class _Panel:
    """One of the maps in a figure: its values (H, W), and the largest that its colours show."""

    title: str
    values: np.ndarray
    limit: float
    signed: bool


def _panels(yours: np.ndarray, expected: np.ndarray) -> list[_Panel]:
    limit, signed = float(np.abs(expected).max()), bool(expected.min() < 0)
    panels = [_Panel("yours", yours, limit, signed), _Panel("expected", expected, limit, signed)]
    if look_alike(yours, expected):
        difference = yours - expected
        panels.append(_Panel("yours - expected, in its own scale", difference, float(np.abs(difference).max()), signed=True))
    return panels


def look_alike(yours: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether two arrays (H, W) differ, but so little that in the same colours nobody sees it."""
    lowest, highest = (part * np.abs(expected).max() for part in ALIKE)
    return bool(lowest < np.quantile(np.abs(yours - expected), 0.9) <= highest)


def _inside_of_a_sentence(title):
    """Return a title with a small first letter, unless its first word is written in capitals, as NaN and L2 are."""
    first, _, _ = title.partition(" ")
    return title if re.search(r"[A-Z0-9]", first[1:]) else title[0].lower() + title[1:]
