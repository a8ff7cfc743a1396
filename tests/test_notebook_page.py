"""The page of a notebook: formulas drawn, pictures with their texts, no script and no request, whatever the notebook holds."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import nbformat
import pytest
from bs4 import BeautifulSoup
from helpers.places import ROOT
from PIL import Image

from cs231n import figures, pages
from cs231n.notebook_file import notebook

REFERENCE = ROOT / "NetworkVisualization.ipynb"
LOADING = {"src", "srcset", "poster", "data", "background", "action", "formaction"}  # attributes for which a browser fetches


class Elements(HTMLParser):
    """The (tag, attributes) of a page, and the text that is neither style nor script."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text, self._in = [], "", ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, {name: value or "" for name, value in attributes}))
        self._in = tag

    def handle_data(self, data):
        self.text += data if self._in not in ("style", "script") else ""

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def page_of(*cells):
    raw = nbformat.writes(nbformat.v4.new_notebook(cells=list(cells))).encode()
    return pages.page(notebook("n.ipynb", raw), "mine").decode()


def markdown(text):
    return page_of(nbformat.v4.new_markdown_cell(text))


def shown(kind, metadata=None, data=None):
    picture = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(picture, kind)
    data = data or base64.b64encode(picture.getvalue()).decode()
    bundle = {f"image/{kind.lower()}": data, "text/plain": "<Figure>"}
    output = nbformat.v4.new_output("display_data", bundle, metadata=metadata or {})
    return page_of(nbformat.v4.new_code_cell("draw()", outputs=[output])), data


def requests(page):
    """Return what a browser would fetch from elsewhere, whether or not the policy lets it."""
    elements = Elements(page)
    fetched = [value for _, told in elements.found for name, value in told.items() if name in LOADING]
    fetched += [told.get("href", "") for told in elements.of("link")]
    fetched += re.findall(r"@import\s+\S+|url\(([^)]*)\)", page)
    return [address for address in fetched if address and not address.strip("\"'").startswith(("data:", "#"))]


def test_the_notebooks_page_draws_every_formula_and_asks_for_nothing(tmp_path):
    assert pages.main([str(REFERENCE), str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(re.findall("<math ", page)) > 90
    assert not re.search(r"\\(frac|lVert|arg|partial|left|sum)\b", Elements(page).text)
    assert requests(page) == []
    assert not Elements(page).of("script")


def test_a_request_is_found_where_there_is_one():
    assert requests("<img src='https://example.org/a.png'><link href='a.css'>") == ["https://example.org/a.png", "a.css"]
    assert requests("<style>a { background: url(https://example.org/b) } </style>") == ["https://example.org/b"]


def test_the_page_forbids_scripts_and_requests_before_anything_else():
    page = markdown("<b>bold</b>")
    (policy,) = re.findall('<meta content="([^"]*)" http-equiv="Content-Security-Policy"/>', page)
    assert (
        policy
        == "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'"
    )
    assert page.index(policy) < min(page.index(tag) for tag in ("<style", "<b>"))


ACTING = [
    '<meta http-equiv="refresh" content="0;url=https://example.org">',
    '<base href="https://example.org">',
    "<script>alert(1)</script>",
    '<iframe src="https://example.org"></iframe>',
    '<object data="https://example.org"></object><embed src="https://example.org">',
    '<link rel="stylesheet" href="https://example.org/a.css">',
    '<style>@import "https://example.org/a.css"; body { display: none }</style>',
    '<svg><image href="https://example.org/a.png"/></svg><video poster="https://example.org/a.png"></video>',
    '<form action="https://example.org"><input type="image" src="https://example.org/a.png"><button>Log in</button></form>',
    '<img class="figure" src="https://example.org/a.png" onerror="alert(1)">',
    '<img class="figure" src="data:image/webp;base64,AA" onload="alert(1)">',
    '<math><maction xlink:href="javascript:alert(1)"><mi>x</mi></maction><annotation-xml></annotation-xml></math>',
    '<a href="javascript:alert(1)" ping="https://example.org">x</a><a href="//example.org/share">x</a><a href="file:///etc">x</a>',
    '<div id="cell-1" class="jp-Dialog" style="position: fixed; inset: 0; margin: -9em; background: red">over all</div>',
    '<div hidden style="display: none"><details><table><select><textarea>',
    "<!-- <plaintext> <style> <title> <template> <xmp>",
    "</div></div></div></div></body></html>",
]
HOLDING = ["a markdown cell", "text/html", "text/markdown", "application/javascript", "text/vnd.mermaid", "a raw cell"]


def cell_with(text, place):
    if place == "a markdown cell":
        return nbformat.v4.new_markdown_cell(text)
    if place == "a raw cell":
        return nbformat.v4.new_raw_cell(text)
    return nbformat.v4.new_code_cell("show()", outputs=[nbformat.v4.new_output("display_data", {place: text})])


def page_with(text, *places):
    """Return a page with a text in each place, and after each a cell that says "Afterwards"."""
    return page_of(*(cell for place in places for cell in (cell_with(text, place), nbformat.v4.new_markdown_cell("Afterwards"))))


@pytest.fixture(scope="module")
def harmless():
    return Elements(page_with("", *HOLDING))


@pytest.mark.parametrize("text", ACTING)
def test_nothing_that_a_notebook_holds_acts_or_lies_over_the_page_or_swallows_what_follows(text, harmless):
    page = page_with(text, *HOLDING)
    made = Elements(page)
    for tag in (
        "meta",
        "base",
        "script",
        "iframe",
        "object",
        "embed",
        "link",
        "style",
        "svg",
        "video",
        "form",
        "input",
        "button",
    ):
        assert len(made.of(tag)) == len(harmless.of(tag)), tag
    assert not [told for _, told in made.found if any(name.startswith("on") or name in ("ping", "hidden") for name in told)]
    assert requests(page) == []
    assert all(re.match("#|https://", told["href"]) for told in made.of("a") if "href" in told)
    assert not re.search("position|inset|display|margin", " ".join(told.get("style", "") for _, told in made.found))
    assert not [told for _, told in made.found if told.get("class") == "jp-Dialog"]
    following = BeautifulSoup(page, "html.parser").find_all(string="Afterwards")
    assert len(following) == len(HOLDING)
    for one in following:
        assert {parent.name for parent in one.parents} <= {"p", "div", "main", "body", "html", "[document]"}
        assert len(list(one.parents)) == len(list(following[0].parents))


def test_html_that_does_nothing_stays_as_it_is_with_the_kits_pictures_and_links():
    picture = figures.tag(b"RIFF1234WEBP", 300, 'a "map" <1>')
    page = page_with(
        f'<div class="highlight"><pre><span class="k" style="color: #008000">def</span></pre></div>{picture}', "text/html"
    )
    told = Elements(page).of("img")[0]
    expected = Elements(picture).of("img")[0]
    assert {name: told[name] for name in ("class", "src", "width", "alt")} == {
        name: expected[name] for name in ("class", "src", "width", "alt")
    }
    assert "max-width: 100%" in told["style"]
    assert {"class": "k", "style": "color: #008000;"} in Elements(page).of("span")
    text = '<a id="exercise-9"></a><details><summary>Hint</summary>x<sup>2</sup></details>\n\n[up](#exercise-9) [web](https://example.org)'
    page = Elements(markdown(text))
    assert {"id": "exercise-9"} in page.of("a")
    assert {"href": "#exercise-9"} in page.of("a")
    assert {"href": "https://example.org"} in page.of("a")
    for tag in ("details", "summary", "sup"):
        assert len(page.of(tag)) == 1


def test_the_setup_cell_is_folded_and_every_other_cell_is_not():
    html = pages.page(notebook("n.ipynb", REFERENCE.read_bytes()), "page").decode()
    (folded,) = re.findall(r'<details class="folded">.*?</details>', html, re.S)
    assert "<summary>Setup: run this cell first</summary>" in folded
    assert "kit_on_colab" in folded
    assert "create_feature_extractor" in html
    assert "create_feature_extractor" not in folded


@pytest.mark.parametrize("jupyter", ["folded", None, {"source_hidden": "yes"}, [], {"source_hidden": False}])
def test_metadata_that_say_nothing_of_folding_fold_nothing(jupyter):
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 3")])
    written.cells[0].metadata = {"jupyter": jupyter}
    assert "<details" not in pages.page(notebook("n.ipynb", json.dumps(written).encode()), "mine").decode()


@pytest.mark.parametrize(
    ("source", "title"), [("</summary><b>x", "&lt;/summary&gt;&lt;b&gt;x"), ("", "Code"), ("x " * 999, "x x"), ("#\n1", "Code")]
)
def test_the_title_of_folded_code_is_short_and_is_text(source, title):
    folded = page_of(nbformat.v4.new_code_cell(source, metadata={"jupyter": {"source_hidden": True}}))
    (summary,) = re.findall(r"<details class=\"folded\"><summary>(.*?)</summary>", folded)
    assert summary.startswith(title)
    assert len(summary) < 100


def test_styles_are_no_text():
    assert "Elsewhere" not in Elements(page_with("<style>.Elsewhere { color: red }</style><b>x</b>", "text/html")).text
    assert "never closed" in Elements(page_with("<style>never closed", "text/html")).text


def test_an_output_of_a_kind_that_a_page_cannot_show_is_named():
    assert "cannot show: application/pdf" in Elements(page_with("JVBER", "application/pdf")).text


@pytest.mark.parametrize("text", ["<div>" * 20_000, "<b><p>" * 10_000, "<style" * 30_000, "[" * 200_000, "$x$ " * 50_000])
def test_a_text_that_parsers_read_for_minutes_is_shown_as_it_was_written(text):
    made = Elements(page_with(text, "a markdown cell"))
    assert text.strip() in made.text
    assert "Afterwards" in made.text


def test_a_formula_in_a_pictures_description_is_text():
    (told,) = Elements(markdown('![of $x_1$ "here"](data:image/png;base64,AA)')).of("img")
    assert told == {"src": "data:image/png;base64,AA", "alt": 'of x1 "here"'}


def test_a_picture_does_not_ask_for_more_than_a_page():
    page, _ = shown("PNG", {"image/png": {"width": 1e9, "height": 3}})
    (told,) = Elements(page).of("img")
    assert (told["width"], told["height"]) == ("4000", "3")


def test_dollars_in_code_and_escaped_ones_are_no_formulas_and_those_in_tables_are():
    page = markdown("It costs \\$5, `a $b$ c`, and\n\n```\n$x$\n```\n\n| $y$ | \\$6 |\n|---|---|\n| $z_1$ | `$w$` |\n")
    elements = Elements(page)
    assert len(elements.of("math")) == 2
    for text in ("It costs $5", "a $b$ c", "$x$", "$6", "$w$"):
        assert text in elements.text


@pytest.mark.parametrize("text", ["$$\n\\frac{a}{b}\n$$", "$$a$$", "\\begin{equation}\na\n\\end{equation}"])
def test_formulas_on_lines_of_their_own_are_displayed(text):
    (told,) = Elements(markdown(text)).of("math")
    assert told["display"] == "block"


def test_a_formula_that_cannot_be_drawn_is_shown_and_costs_the_page_nothing():
    elements = Elements(markdown("Before $\\foo<b>$ and $x$ after"))
    assert "$\\foo<b>$" in elements.text
    assert "after" in elements.text
    assert len(elements.of("math")) == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_figure_is_shown_with_its_text_and_its_size(kind):
    page, data = shown(kind, {f"image/{kind.lower()}": {"alt": 'five "maps" <1>', "width": 400}})
    (told,) = Elements(page).of("img")
    assert told == {"src": f"data:image/{kind.lower()};base64,{data}", "alt": 'five "maps" <1>', "width": "400"}


def test_what_figures_say_of_themselves_cannot_leave_its_place():
    page, _ = shown("PNG", {"image/png": {"alt": 7, "width": '1" onerror="alert(1)', "height": -3}})
    (told,) = Elements(page).of("img")
    assert set(told) <= {"src", "alt"}
    page, _ = shown("PNG", data='" onerror="alert(1)')
    assert all("onerror" not in told for told in Elements(page).of("img"))


def test_pictures_of_an_answer_are_shown_if_they_are_in_the_notebook_and_named_if_not():
    cell = nbformat.v4.new_markdown_cell("![a](attachment:a.png) ![b](attachment:b.png) ![c](https://example.org/c.png)")
    cell.attachments = {"a.png": {"image/png": "iVBORw0KGgo="}}
    page = page_of(cell)
    assert [told["src"] for told in Elements(page).of("img")] == ["data:image/png;base64,iVBORw0KGgo="]
    for name in "bc":
        assert f"[picture that is not in the notebook: {name}]" in Elements(page).text
    assert requests(page) == []


def test_what_is_not_a_notebook_gets_a_sentence_and_no_page(tmp_path, capsys):
    (tmp_path / "n.ipynb").write_text("[]")
    assert pages.main([str(tmp_path / "n.ipynb"), str(tmp_path / "n.html")]) == 1
    assert pages.main([str(tmp_path / "no.ipynb"), str(tmp_path / "n.html")]) == 1
    assert "n.ipynb is not a notebook" in capsys.readouterr().err
    assert not (tmp_path / "n.html").exists()
