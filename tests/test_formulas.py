"""Formulas become MathML that browsers draw by themselves; what is not LaTeX stays readable, and nothing in a formula acts."""

import re
from html.parser import HTMLParser

import pytest
from helpers.places import ROOT

from cs231n.formulas import ATTRIBUTES, ELEMENTS, Waiting, formula, mathml
from cs231n.notebook_file import sources_of

NOTEBOOK = {name: re.sub(r"`[^`]*`", "", text) for name, text in sources_of(ROOT / "NetworkVisualization.ipynb").items()}
WRITTEN = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<![\\$])\$(?P<inline>[^$]+?)(?<!\\)\$", re.S)


class Tags(HTMLParser):
    """The (tag, attributes) of a piece of HTML."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)


def is_text(cell):
    return NOTEBOOK[cell].startswith(("#", "*", ">", "|")) or cell.endswith(("-text", "-seen", "-look", "title", "learned"))


def test_every_formula_of_the_notebook_is_drawn():
    formulas = [(cell, found) for cell in NOTEBOOK if is_text(cell) for found in WRITTEN.finditer(NOTEBOOK[cell])]
    assert len(formulas) > 90
    left = [(cell, found[0]) for cell, found in formulas if mathml((found["block"] or found["inline"]).strip()) is None]
    assert left == []


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\lVert g \rVert_2", "‖g‖2"),
        (r"M \odot I", "M⊙I"),
        (r"\dfrac{a}{b}", "ab"),
        (r"\left. \frac{\partial s}{\partial I} \right|_{I_0}", "∂s∂I|I0"),
        (r"150\,528", "150528"),
        (r"\arg\max_I s", "argmaxIs"),
        (r"\operatorname{ReLU}(x) < 1", "ReLU(x)<1"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "a=bc=d"),
        (r"\text{if } a \& b", "if a&b"),
    ],
)
def test_what_the_notebook_and_students_write_is_drawn(latex, shown):
    made = Tags(mathml(latex))
    assert made.found[0] == ("math", {"display": "inline"})
    assert "".join(made.texts).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_a_formula_on_a_line_of_its_own_says_so():
    assert mathml("x", block=True).startswith('<math display="block">')


@pytest.mark.parametrize(
    "latex",
    [
        *("", "x^", "x_1_2", r"\frac{1}{", r"\left(", r"\foo", r"\arg{\foo}", "{" * 61 + "}" * 61, "{" * 2000, r"\left(" * 500),
        *("a" * 3001, "^" * 3000, r"\sqrt" * 700, r"\frac" * 700),
        *(r"\newcommand{\a}{\b\b}\a", r"\def\a{\a\a}\a", r"\let\a\b"),
    ],
)
def test_what_cannot_be_drawn_or_is_without_bound_is_shown_as_it_was_written(latex):
    assert mathml(latex) is None
    shown = Tags(formula(latex))
    assert [tag for tag, _ in shown.found] == ["code"]
    assert "".join(shown.texts) == f"${latex}$"


def test_the_source_of_a_formula_that_cannot_be_drawn_is_escaped():
    assert formula("<img src=x>^", block=True) == "<code>$$&lt;img src=x&gt;^$$</code>"


@pytest.mark.parametrize(
    "latex",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\href{https://example.org}{x}",
        r"\style{position:fixed;inset:0}{x}",
        r"\class{head}{x}",
        r"\text{<script>alert(1)</script>}",
        r"\text{&lt;img src=x onerror=alert(1)&gt;}",
        r"\text{</math><img src=x onerror=alert(1)>}",
        r"<script>alert(1)</script>",
        r"\color{red;background:url(//example.org)}{x}",
        r'\color{red" onclick="alert(1)}{x}',
        r"\hspace{9999em}x",
        r"\rule{9999em}{9999em}",
        r"\unicode{x3C}img src=x\unicode{x3E}",
        r"\begin{array}{c onclick=alert(1)}x\end{array}",
    ],
)
def test_nothing_in_a_formula_acts(latex):
    for tag, attributes in Tags(formula(latex)).found:
        assert tag in ELEMENTS | {"code"}
        for name, value in attributes.items():
            assert re.fullmatch(ATTRIBUTES[name], value)
    assert not {"href", "style", "class", "src", "id"} & set(ATTRIBUTES)
    assert not any("script" in name or name in ("a", "img", "maction", "annotation-xml") for name in ELEMENTS)


@pytest.mark.parametrize("latex", ["5 and ", "5, and ", "5) and (", "1,000.50 to ", "5M or ", "5-", "5, ", " or 6"])
def test_what_stands_between_two_sums_of_money_is_text(latex):
    assert formula(latex) == f"${latex}$"


@pytest.mark.parametrize(
    "latex", ["5", "5x", "5 + x", r"0.5 \times 3", " x ", "x ", " x", r"3 \text{ and } 4", "150{,}528", "2^{-5}", "0, 1"]
)
def test_a_formula_that_begins_with_a_number_is_drawn(latex):
    assert formula(latex).startswith("<math")


def test_a_sum_of_money_is_escaped():
    assert formula("5 <img src=x> and ") == "$5 &lt;img src=x&gt; and $"


def test_formulas_wait_for_the_cleaning_and_in_an_attribute_are_text():
    waiting = Waiting()
    x, y = waiting.word("x"), waiting.word('\\text{"<b>}', block=True)
    assert waiting.filled(f'<img alt="{x} {y}">{x} formula-0-0.') == f'<img alt="x &quot;&lt;b&gt;">{formula("x")} formula-0-0.'
