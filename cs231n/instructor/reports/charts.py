"""The charts of the summary, as pictures that a page can hold."""

import base64
import io
from collections.abc import Collection
from typing import Any

from ...checks.report import Verdict
from .marks import Points
from .records import Record
from .rendering import VERDICTS
from .safe import picture_addresses

COLOURS = {
    Verdict.RIGHT: "#2e7d32",
    Verdict.WRONG: "#e08a1e",
    Verdict.BROKEN: "#b3402e",
    Verdict.STOPPED: "#6d2a5e",
    Verdict.UNFINISHED: "#9e9e9e",
    Verdict.MISSING: "#d0d0d0",
    Verdict.NEWER_PYTHON: "#c2185b",
}


def points_chart(rubric: Any, all_columns: Collection[Points]) -> str:
    """Two histograms: of the exercises' points, which stand at once, and of all points so far."""
    from matplotlib.figure import Figure as Drawing  # imported here: reading marks has no use for it, and it takes its time

    drawing = Drawing(figsize=(9, 3), layout="constrained")
    for axis, names, title in zip(
        drawing.subplots(1, 2), (rubric.exercises, rubric.columns), ("The exercises", "Everything so far"), strict=True
    ):
        most, bonus = rubric.full_marks(names), rubric.most_bonus(names)
        width = max(1, -(-(most + bonus) // 20))
        edges = [width * i for i in range(int((most + bonus) // width) + 2)]
        axis.hist(
            [sum(columns[name] or 0 for name in names) for columns in all_columns], edges, color="#33658a", edgecolor="white"
        )
        title += f": {most:g} points" + (f"\nand {bonus:g} bonus points" if bonus else "")
        axis.set(title=title, xlabel="points", ylabel="students", xlim=(0, edges[-1]))
        axis.locator_params(integer=True)
        axis.spines[["top", "right"]].set_visible(False)
    return _drawn(drawing)


def verdicts_chart(records: list[Record], rubric: Any) -> str:
    """A bar for each exercise, divided by verdict."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(9, 1.4 + 0.5 * len(rubric.exercises)), layout="constrained")
    axis = drawing.subplots()
    start = [0] * len(rubric.exercises)
    for verdict, colour in COLOURS.items():
        counts = [sum(_has(record, name, verdict) for record in records) for name in rubric.exercises]
        bars = axis.barh(rubric.exercises, counts, left=start, color=colour, label=VERDICTS[verdict][2:])
        dark = verdict not in (Verdict.WRONG, Verdict.UNFINISHED, Verdict.MISSING)
        axis.bar_label(bars, [count or "" for count in counts], label_type="center", color="white" if dark else "black")
        start = [sum(pair) for pair in zip(start, counts, strict=True)]
    axis.invert_yaxis()
    axis.set(xlabel="students", xlim=(0, max(1, len(records))))
    axis.locator_params("x", integer=True)
    axis.spines[["top", "right"]].set_visible(False)
    drawing.legend(loc="outside upper center", ncols=4, frameon=False)
    return _drawn(drawing)


def _has(record: Record, exercise: str, verdict: Verdict) -> bool:
    return exercise in record.exercises and record.exercises[exercise].verdict is verdict


def _drawn(drawing):
    png = io.BytesIO()
    drawing.savefig(png, format="png", dpi=160)
    return picture_addresses([base64.b64encode(png.getvalue()).decode()])[0]
