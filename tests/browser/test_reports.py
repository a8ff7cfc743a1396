"""The pages that come out of grading, opened from the disk in Chromium: on a screen and on a phone, in light and in dark."""

import base64
import io
import itertools
import random
from dataclasses import dataclass, field

import pytest
from conftest import Watch
from helpers.own_figures import NOTEBOOK, own_figures
from looks import SCREENSHOTS
from PIL import Image

from cs231n.checks.explanations import EXERCISES
from cs231n.checks.report import Report, Verdict
from cs231n.formulas import mathml
from cs231n.instructor.__main__ import main
from cs231n.instructor.grading import rubric
from cs231n.instructor.reports import pages
from cs231n.instructor.reports.records import Record, Result, State, write
from cs231n.instructor.reports.reference import reference_material
from cs231n.instructor.reports.safe import file_name

RUBRIC = rubric.load()
SALIENCY, FOOLING, STEP, SMOOTHGRAD, INTEGRATED, GRAD_CAM, TRANSFORMATION = EXERCISES
MISTAKES = {SALIENCY: "batch-mean", FOOLING: "no-stop-test", STEP: "regulariser-detached", SMOOTHGRAD: "sum-over-copies"}
STUDENTS, COPIES = 24, (3, 7)
ANSWER = (
    "The gradient $\\nabla_x s_y(x)$ says *how much* the score changes:\n\n"
    "$$\\frac{\\partial s_y}{\\partial x_i} \\approx \\frac{s_y(x + \\epsilon e_i) - s_y(x)}{\\epsilon} = "
    "\\sum_{k=1}^{1000} w_k \\left( \\frac{\\partial a_k}{\\partial x_i} + \\beta_k \\right) + \\mathcal{O}(\\epsilon^2)$$\n\n"
    "| a | b |\n|---|---|\n| `x.grad` | 1 |\n\nsee [picture 1]"
)
EVIL = (
    '</pre></style></title><script>window.hacked = 1; alert(1)</script><img src=http://127.0.0.1:9/x onerror="window.hacked = 2">'
    "<svg onload=alert(1)><base href=//evil><meta http-equiv=refresh content=0;url=http://127.0.0.1:9/><form action=//evil>"
    "\u202egnp.exe " + "W" * 3000
)
EVIL_NAME = f"{EVIL[:180]}"

# Each page by its path in the folder of grades.
PAGES = {
    "feedback": "feedback/s1.html",
    "feedback-hostile": f"feedback/{file_name(EVIL_NAME)}.html",
    "summary": "summary.html",
    "marking": "marking/question-1.html",
    "similar": "similar.html",
}
HOSTILE = "feedback-hostile", "marking", "similar"  # and the summary's folded lists
WIDTHS, SCHEMES = (1280, 390), ("light", "dark")

# What is wider than the screen, or than its own place and would be cut or scroll.
WIDE = """() => [document.documentElement, ...document.querySelectorAll('section, table, pre, p, figure, .text, .comment, .head')]
    .filter(part => part.clientWidth && part.scrollWidth > part.clientWidth + 1)
    .map(part => `${part.className || part.tagName}: ${part.scrollWidth} in ${part.clientWidth}`)"""

# Text whose colour is too close to what is behind it: WCAG's ratio, 4.5, and 3 for large letters.
PALE = """() => {
    const channels = colour => colour.match(/[\\d.]+/g).map(Number)
    const light = colour => channels(colour).slice(0, 3).map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
    const opaque = colour => { const found = channels(colour); return found.length < 4 || found[3] === 1 }
    const behind = part => {
        for (; part; part = part.parentElement) {
            const colour = getComputedStyle(part).backgroundColor
            if (opaque(colour)) return colour
        }
        return 'rgb(255, 255, 255)'
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = new Set()
    while (walker.nextNode()) {
        const part = walker.currentNode.parentElement
        if (!walker.currentNode.data.trim() || !part.getClientRects().length) continue
        const style = getComputedStyle(part), size = parseFloat(style.fontSize)
        const colour = part.closest('svg') ? style.fill : style.color
        const [a, b] = [light(colour), light(behind(part))].sort((x, y) => y - x)
        const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 600) ? 3 : 4.5
        if ((a + 0.05) / (b + 0.05) < least)
            found.add(`${part.className || part.tagName}: ${colour} on ${behind(part)}: ${walker.currentNode.data.slice(0, 20)}`)
    }
    return [...found]
}"""

CHARTS = """() => [...document.querySelectorAll('svg')].map(chart => {
    const box = part => { const {left, right, top, bottom} = part.getBoundingClientRect(); return {left, right, top, bottom} }
    const all = kind => [...chart.querySelectorAll(kind)].map(box)
    return {chart: box(chart), words: all('text'), bars: all('rect')}
})"""

PICTURES = """() => [...document.querySelectorAll('img, svg')].map(part => ({
    words: part.getAttribute('alt') || part.getAttribute('aria-label') || '',
    shown: part.tagName === 'svg' || part.naturalWidth > 0 }))"""


@dataclass(frozen=True)
class Seen:
    """What an eye sees of a page, and what it did."""

    text: str
    too_wide: list[str]
    pale: list[str]
    charts: list[dict]
    pictures: list[dict]
    scripts: int
    hacked: object
    address: str
    watch: Watch = field(default_factory=Watch)


def noise():
    content = io.BytesIO()
    Image.frombytes("RGB", (300, 200), random.Random(0).randbytes(3 * 300 * 200)).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def result(exercise, verdict, *mistakes, evidence=()):
    report = Report(exercise, verdict, list(mistakes), [], list(evidence))
    return Result(verdict, mistakes, message=report.text(), evidence=tuple(evidence))


def student(number, figures):
    """Return the record of one of the class: of the first all is shown that a page can hold."""
    wrong = {name for place, name in enumerate(MISTAKES) if (number + place) % 3 == 1}
    exercises = {
        name: result(name, Verdict.WRONG, MISTAKES[name]) if name in wrong else result(name, Verdict.RIGHT) for name in EXERCISES
    }
    exercises[TRANSFORMATION] = result(
        TRANSFORMATION, Verdict.BROKEN, evidence=["line 3: return grid.shapes", "AttributeError: no attribute 'shapes'"]
    )
    shared = "Perhapps the two of us see an octopus in the saliency map, " * 3 if number in COPIES else ""
    return Record(
        f"s{number}",
        f"Zoë Çelik-Nguyễn {number}",
        f"celikzoe_{number}_NetworkVisualization.zip",
        "0" * 64,
        verdict=State.GRADED,
        exercises=exercises,
        answers=dict.fromkeys(RUBRIC.questions, ANSWER + shared),
        answer_pictures={"question-1": [noise()]},
        figures=figures if number < 4 else {},
        sources={name: source_of(name) for name in EXERCISES},
        handed_in="2026-10-05T23:59:00+02:00",
        late=number == 2,
    )


def source_of(exercise):
    if exercise == SALIENCY:
        return "def compute_saliency_maps(X, y, model):\n    scores = model(X)\n    scores.mean().backward()\n    return X.grad\n"
    return "def f(grid):\n    grid = grid * 2  # " + "a long comment " * 12 + "\n    return grid.shapes\n"


def hostile(name):
    return Record(
        name,
        EVIL,
        EVIL,
        "0" * 64,
        earlier=(EVIL,),
        verdict=State.GRADED,
        note=EVIL,
        exercises={name: Result(Verdict.WRONG, (EVIL,), (EVIL,), message=EVIL, look=EVIL) for name in EXERCISES},
        answers=dict.fromkeys(RUBRIC.questions, EVIL),
        answer_notes=dict.fromkeys(RUBRIC.questions, EVIL),
        figures={"saliency-figure": [EVIL, base64.b64encode(EVIL.encode()).decode()]},
        sources=dict.fromkeys(EXERCISES, EVIL),
        handed_in=EVIL,
    )


@pytest.fixture(scope="module")
def grades(tmp_path_factory):
    """A folder with the pages of a class."""
    folder, figures = tmp_path_factory.mktemp("grades"), own_figures()
    records = [*(student(number, figures) for number in range(STUDENTS)), hostile(EVIL_NAME), hostile(f"{EVIL_NAME}2")]
    draw = random.Random(0)
    marks = {
        record.student: {name: (round(draw.uniform(0, RUBRIC.points[name])), "Good.\nBut why?") for name in RUBRIC.questions}
        for record in records
    }
    marks["s5"].pop("question-6")
    pages.write_pages(folder, records, RUBRIC, marks, reference_material(NOTEBOOK), gallery=["s1", "s2", "s3"])
    for record in records:
        write(folder / "rows" / f"{file_name(record.student)}.json", record)
    assert main(["similar", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def looked_at(browser, grades):
    """A function that opens a page of the grades at a width and in a colour scheme and returns what is Seen, once for each."""
    seen = {}

    def look(name, width, scheme):
        if (name, width, scheme) not in seen:
            seen[name, width, scheme] = _seen(browser, grades / PAGES[name], SCREENSHOTS / "reports", (name, width, scheme))
        return seen[name, width, scheme]

    return look


def _seen(browser, file, screenshots, view):
    name, width, scheme = view
    watch = Watch()
    window = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    window.on("console", lambda message: watch.errors.append(message.text) if message.type in ("error", "warning") else None)
    window.on("weberror", lambda error: watch.errors.append(str(error.error)))
    window.on("request", lambda request: watch.requests.append(request.url))
    page = window.new_page()
    page.on("dialog", lambda dialog: watch.errors.append(dialog.message))
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    screenshots.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=screenshots / f"{name}-{width}-{scheme}.png", full_page=True)
    found = Seen(
        page.evaluate("document.body.innerText"),
        page.evaluate(WIDE),
        page.evaluate(PALE),
        page.evaluate(CHARTS),
        page.evaluate(PICTURES),
        page.evaluate("document.querySelectorAll('script, iframe, form, base, link, object').length"),
        page.evaluate("window.hacked"),
        page.url,
        watch,
    )
    window.close()
    return found


@pytest.fixture(params=itertools.product(PAGES, WIDTHS, SCHEMES), ids=lambda view: "-".join(map(str, view)))
def view(request):
    return request.param


def test_nothing_scrolls_to_the_side_or_is_cut(looked_at, view):
    assert looked_at(*view).too_wide == []


@pytest.mark.parametrize("name", ["feedback", "marking"])
def test_a_formula_that_is_wider_than_a_phone_scrolls_in_its_answer_and_not_with_the_page(browser, grades, name):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((grades / PAGES[name]).as_uri())
    formula = mathml(" + ".join(["p_k s'_k"] * 30))
    page.evaluate("formula => { document.querySelector('.text').innerHTML = `<p>So ${formula}.</p>` }", formula)
    assert page.locator("math").first.bounding_box()["width"] > 390
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]") == [390, 390]
    assert page.evaluate("(part => { part.scrollLeft = 50; return part.scrollLeft })(document.querySelector('.text'))") == 50
    page.close()


def test_the_text_is_readable_on_what_is_behind_it(looked_at, view):
    assert looked_at(*view).pale == []


def test_the_page_follows_the_colour_scheme_and_no_light_is_left_in_the_dark(browser, grades):
    shades = {}
    for scheme in SCHEMES:
        page = browser.new_page(color_scheme=scheme)
        page.goto((grades / PAGES["summary"]).as_uri())
        shades[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"  # ink is dear
        page.close()
    assert shades == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 25, 29)"}


def test_no_request_leaves_and_the_console_is_empty(looked_at, view, grades):
    seen = looked_at(*view)
    outside = [address for address in seen.watch.requests if not address.startswith("data:")]
    assert outside == [(grades / PAGES[view[0]]).as_uri()] == [seen.address]
    assert seen.watch.errors == []


def test_pictures_and_charts_are_shown_and_say_what_they_show(looked_at, view):
    pictures = looked_at(*view).pictures
    assert [picture for picture in pictures if not picture["shown"] or len(picture["words"].split()) < 3] == []
    assert len(pictures) >= {"feedback": 12, "summary": 6, "marking": 1}.get(view[0], 0)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_word_of_a_chart_is_cut_off_or_on_another(looked_at, width):
    charts = looked_at("summary", width, "light").charts
    assert len(charts) == 3
    for chart in charts:
        assert len(chart["words"]) > 6
        assert len(chart["bars"]) >= 1
        for box in (*chart["words"], *chart["bars"]):
            assert _is_inside(box, chart["chart"])
        assert not [pair for pair in itertools.combinations(chart["words"], 2) if _overlap(*pair)]


def _is_inside(box, outer):
    return (
        outer["left"] <= box["left"]
        and box["right"] <= outer["right"]
        and outer["top"] <= box["top"]
        and box["bottom"] <= outer["bottom"]
    )


def _overlap(one, other):
    side = min(one["right"], other["right"]) - max(one["left"], other["left"])
    return side > 0 and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > 0


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_student_wrote_stays_text(looked_at, name):
    seen = looked_at(name, 1280, "light")
    assert (seen.scripts, seen.hacked) == (0, None)
    assert "<script>window.hacked = 1; alert(1)</script>" in seen.text
    assert "\u202e" not in seen.text


def test_the_summary_with_hostile_students_holds_nothing_that_acts(looked_at):
    seen = looked_at("summary", 1280, "light")
    assert (seen.scripts, seen.hacked) == (0, None)
    assert "<script>window.hacked" in seen.text  # in the folded list, as a name


def test_the_code_has_its_line_numbers_and_the_marked_line_beside_them(browser, grades):
    page = browser.new_page()
    page.goto((grades / PAGES["feedback"]).as_uri())
    here = page.locator(".code .here").first
    assert here.inner_text().strip() == "scores.mean().backward()"
    assert here.evaluate("part => getComputedStyle(part, '::before').content") == '"3"'
    assert page.get_by_text("Mean over the batch: line 3 is the only one that calls mean().").is_visible()
    page.close()
