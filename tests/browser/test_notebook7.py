"""The same in Notebook 7, in short, and in the dark theme from the start: section 4 with its exercise solved."""

import pytest
from looks import SCREENSHOTS, photographed, pictures, too_wide

BELOW = "fooling-text"  # the first cell of section 5
OF_NOTEBOOK_7 = {"Cannot read properties of undefined (reading 'schema')"}  # it says so about an empty notebook, too


@pytest.fixture(scope="module")
def student(opened, kit):
    """The student after exercise 1 was solved and everything above section 5 was run."""
    student = opened("notebook", "notebooks", "JupyterLab Dark")
    student.paste("exercise-1", kit.solved["exercise-1"])
    student.cell(BELOW).click()
    student.run_all("Run", "Run All Above Selected Cell")
    photographed(student, SCREENSHOTS / "notebook7", BELOW)
    return student


def above(student, names):
    return [name for name in names if student.ids.index(name) < student.ids.index(BELOW)]


def test_every_cell_above_runs_without_an_error(student):
    screens = student.screens()
    names = above(student, screens)
    for number, name in enumerate(names, 1):
        assert screens[name].folded or screens[name].prompt == f"[{number}]:", name
        assert not screens[name].error
    assert "✓" in screens["check-1"].text


def test_the_figures_are_sharp_and_say_what_they_show(student):
    found = pictures(student)
    assert {picture.cell for picture in found} >= {"data", "filters", "feature-maps", "saliency-figure"}
    assert [picture for picture in found if not picture.is_sharp()] == []
    assert [picture for picture in found if len(picture.alt.split()) < 3] == []


def test_nothing_scrolls_to_the_side(student):
    assert too_wide(student) == []


def test_no_request_leaves_the_machine_and_no_console_shows_an_error(student, watch):
    assert watch.requests
    assert watch.outward() == []
    assert [error for error in watch.errors if error not in OF_NOTEBOOK_7] == []
