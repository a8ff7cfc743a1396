"""The summary's charts: that they count everybody once, in the right place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs231n.checks.report import Verdict
from cs231n.instructor.reports.charts import histogram, verdict_bars
from cs231n.instructor.reports.records import Record, Result
from cs231n.instructor.reports.rendering import VERDICTS


@given(st.floats(0.25, 500), st.lists(st.floats(0, 1), max_size=60))
def test_a_histogram_counts_everybody_once_where_the_points_are(most, fractions):
    points = [fraction * most for fraction in fractions]
    chart = histogram("a task", points, most)
    for bar in chart.bars:
        assert bar.count == sum(bar.left <= one < bar.right for one in points)
    assert sum(bar.count for bar in chart.bars) == len(points)
    assert chart.bars[0].left == 0
    assert chart.right > most
    assert all(before.right == after.left for before, after in zip(chart.bars, chart.bars[1:], strict=False))


@given(st.floats(0.25, 500), st.lists(st.floats(-9, 600), max_size=300))
def test_a_chart_has_room_for_its_bars_and_few_ticks(most, points):
    chart = histogram("a task", points, most)
    assert len(chart.bars) <= 21
    assert max(bar.count for bar in chart.bars) <= chart.top
    assert 2 <= len(chart.heights) <= 6
    assert 1 <= len(chart.ticks) <= 7
    assert max(chart.ticks) <= chart.right
    assert sum(bar.count for bar in chart.bars) == len(points)


def test_a_histogram_says_in_words_what_it_shows():
    chart = histogram("the exercises", [0, 1, 1.5, 3], 3)
    assert chart.words.endswith("0 to below 1: 1; 1 to below 2: 2; 3 to below 4: 1.")
    assert histogram("the exercises", [], 3).words.endswith("none.")


def test_a_bar_of_verdicts_is_as_long_as_the_class():
    verdicts = [Verdict.RIGHT, Verdict.RIGHT, Verdict.WRONG, Verdict.NEWER_PYTHON]
    records = [Record(str(n), "", "", "", exercises={"f": Result(verdict)}) for n, verdict in enumerate(verdicts)]
    ((name, sections),) = verdict_bars(records, ["f"])
    assert name == "f"
    assert [(one.kind, one.count) for one in sections] == [("right", 2), ("wrong", 1), ("newer-python", 1)]
    assert sum(one.percent for one in sections) == pytest.approx(100)
    assert [one.words for one in sections] == ["correct", "wrong", "not judged: newer Python"]
    assert VERDICTS.keys() == set(Verdict)
