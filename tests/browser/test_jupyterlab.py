"""A student's way through the notebook in JupyterLab, from the first look to the file that is handed in.

It is one story: each fixture goes a step further in the same page, and the tests look at what was seen there.
"""

import re
import zipfile
from dataclasses import dataclass

import pytest
from looks import SCREENSHOTS, Picture, photographed, pictures, too_wide
from student import Screen
from written import MISTAKES, WRONG, filled_in

from cs231n.instructor.release.edition import NAME

SECTION_7 = "further-text"  # its first cell
NUMBERED = re.compile(r"\[\d+\]:")
DEPENDENTS = {  # cells that use an exercise, in order
    "exercise-1": ["saliency-numbers", "saliency-figure"],
    "exercise-2": ["fooling-image", "fooling-figure"],
    "exercise-3": ["climb"],
}
FORMULA = re.compile(r"\$[^$\n]+\$")


@dataclass(frozen=True)
class Look:
    """What is seen once all is done: what the cells show, their pictures, and what is too wide."""

    screens: dict[str, Screen]
    pictures: list[Picture]
    too_wide: list[str]


def check_of(exercise):
    return exercise.replace("exercise", "check")


# The steps


@pytest.fixture(scope="module")
def student(opened):
    """The student in front of JupyterLab, in which the notebook has just been opened."""
    return opened("jupyterlab", "lab/tree")


@pytest.fixture(scope="module")
def untouched(student):
    """{id: Screen} after Run All Cells with nothing done."""
    student.run_all("Run", "Run All Cells")
    return student.screens()


@pytest.fixture(scope="module")
def wrong(student, kit, untouched):
    """{id: Screen} of the cells above section 7 after all of them were run, with wrong solutions; the first is typed."""
    for exercise, lines in WRONG.items():
        if exercise == "exercise-1":
            student.type_over(exercise, "# YOUR CODE HERE", lines)
        else:
            student.paste(exercise, filled_in(kit.sources[exercise], lines))
    student.cell(SECTION_7).click()
    student.run_all("Run", "Run All Above Selected Cell")
    return {name: screen for name, screen in student.screens().items() if kit.ids.index(name) < kit.ids.index(SECTION_7)}


@pytest.fixture(scope="module")
def right(student, kit, wrong):
    """{id: Screen} of the checks and of the cells that use an exercise, each run after its right solution."""
    found = {}
    for exercise, dependents in DEPENDENTS.items():
        student.paste(exercise, kit.solved[exercise])
        student.run(exercise)
        found |= {name: student.run(name) for name in (check_of(exercise), *dependents)}
    return found


@pytest.fixture(scope="module")
def finished(student, kit, right):
    """The Look of the notebook with all solutions and answers, after Restart Kernel and Run All Cells; nothing is saved."""
    for exercise, source in kit.solved.items():
        if exercise not in WRONG:
            student.paste(exercise, source)
    for name in kit.ids:
        if name.startswith("answer-"):
            student.answer(name, f"\n\nA student's thoughts: this is {name}.")
    student.run_all("Kernel", "Restart Kernel and Run All Cells…", confirm=True)
    photographed(student, SCREENSHOTS / "jupyterlab")
    return Look(student.screens(), pictures(student), too_wide(student))


@pytest.fixture(scope="module")
def saved(student, finished):
    """What submit says after the notebook was saved."""
    student.save()
    return student.run("submit").text


@pytest.fixture(scope="module")
def dark(student, saved):
    """The Look of the finished notebook in the dark theme."""
    student.choose("Settings", "Theme", "JupyterLab Dark")
    student.page.wait_for_selector('body[data-jp-theme-light="false"]', state="attached")  # it has no height of its own
    photographed(student, SCREENSHOTS / "jupyterlab-dark")
    return Look({}, pictures(student), too_wide(student))


@pytest.fixture(scope="module")
def page(context, kit, saved, tmp_path_factory):
    """The page in the zip, opened from the disk, and the number of requests before that."""
    folder = tmp_path_factory.mktemp("handed in")
    with zipfile.ZipFile(kit.folder / "submission.zip") as archive:
        archive.extractall(folder)
    opened = context.new_page()
    opened.goto((folder / f"{NAME}.html").as_uri())
    opened.screenshot(path=SCREENSHOTS / "page.png", full_page=True)
    return opened


# What is seen


def test_a_hint_folds_open_and_shut(student):
    text = student.cell("exercise-1-text")
    hint = text.locator("details").first
    body = hint.locator("p").first
    assert not body.is_visible()
    hint.locator("summary").click()
    body.wait_for(state="visible")
    assert body.inner_text()
    hint.locator("summary").click()
    body.wait_for(state="hidden")


def test_run_all_with_nothing_done_runs_to_the_end(untouched):
    stopped = [name for name, screen in untouched.items() if not screen.folded and not NUMBERED.fullmatch(screen.prompt)]
    assert stopped == []


def test_with_nothing_done_no_cell_shows_a_traceback(untouched):
    assert [name for name, screen in untouched.items() if screen.error] == []


def test_with_nothing_done_every_check_says_so(kit, untouched):
    for exercise in kit.solved:
        assert "not implemented yet" in untouched[check_of(exercise)].text, exercise


def test_wrong_solutions_do_not_stop_what_is_run_below_them(wrong):
    numbers = [int(re.sub(r"\D", "", screen.prompt) or 0) for screen in wrong.values() if not screen.folded]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize("exercise", WRONG)
def test_a_wrong_solution_is_named_and_what_depends_on_it_shows_no_figure(wrong, exercise):
    check = wrong[check_of(exercise)]
    assert "✗" in check.text
    assert MISTAKES[exercise] in check.error
    for name in DEPENDENTS[exercise]:
        assert wrong[name].text.strip()  # it says why
        assert (wrong[name].pictures, wrong[name].error) == (0, "")


@pytest.mark.parametrize("exercise", WRONG)
def test_a_right_solution_is_called_right_and_what_depends_on_it_is_shown(right, exercise):
    check = right[check_of(exercise)]
    assert "✓" in check.text
    assert not check.error
    for name in DEPENDENTS[exercise]:
        assert not right[name].error
        assert right[name].pictures or re.search(r"\d", right[name].text)


def test_restart_and_run_all_runs_every_cell_in_order_without_an_error(finished):
    for number, (name, screen) in enumerate(finished.screens.items(), 1):
        assert screen.folded or screen.prompt == f"[{number}]:", name
    assert [name for name, screen in finished.screens.items() if screen.error] == []


def test_every_check_says_right(kit, finished):
    assert [exercise for exercise in kit.solved if "✓" not in finished.screens[check_of(exercise)].text] == []


def test_every_figure_is_shown(finished):
    cells = {name for name in finished.screens if name.endswith("-figure")} | {"data", "filters", "feature-maps", "film"}
    assert cells - {picture.cell for picture in finished.pictures} == set()
    assert [picture for picture in finished.pictures if not picture.natural] == []


def test_no_figure_is_blurred_on_a_screen_with_twice_the_pixels(finished):
    assert [picture for picture in finished.pictures if not picture.is_sharp()] == []


def test_every_figure_says_in_words_what_it_shows(finished):
    assert [picture for picture in finished.pictures if len(picture.alt.split()) < 3] == []


def test_nothing_scrolls_to_the_side(finished):
    assert finished.too_wide == []


def test_submit_before_saving_says_to_save_first(finished, kit):
    assert re.search(r"\bsave\b", finished.screens["submit"].text, re.I)
    assert "is written" not in finished.screens["submit"].text


def test_submit_after_saving_writes_the_zip(saved, kit):
    assert "submission.zip is written" in saved
    with zipfile.ZipFile(kit.folder / "submission.zip") as archive:
        assert set(archive.namelist()) == {f"{NAME}.ipynb", f"{NAME}.html"}


def test_in_the_dark_theme_the_figures_are_as_sharp_and_nothing_scrolls(dark, finished):
    assert [picture for picture in dark.pictures if not picture.is_sharp()] == []
    assert len(dark.pictures) == len(finished.pictures)
    assert dark.too_wide == []


def test_the_page_in_the_zip_draws_its_formulas(page):
    assert page.locator("math").count() > 50
    words = page.locator(".jp-RenderedMarkdown").all_inner_texts()
    assert [found for text in words for found in FORMULA.findall(text)] == []


def test_the_page_in_the_zip_shows_the_figures_and_fits_the_screen(page, finished):
    shown = page.locator(".jp-OutputArea-output img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert len(shown) == len(finished.pictures)
    assert all(shown)
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_no_request_left_the_machine(watch, dark, page):
    assert watch.requests
    assert watch.outward() == []


def test_the_page_in_the_zip_asks_for_nothing_but_itself(watch, page):
    files = [address for address in watch.requests if not address.startswith(("http:", "ws:", "data:", "blob:"))]
    assert files == [page.url]


def test_no_console_shows_an_error(watch, dark, page):
    assert watch.errors == []
