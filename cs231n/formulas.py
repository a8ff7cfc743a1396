"""Formulas as MathML, which a browser draws by itself: no script, no network, nothing in it that acts.

latex2mathml reads the LaTeX. What it makes is not trusted, because a student wrote the formula: the elements are written again
here, those in ELEMENTS with the attributes in ATTRIBUTES alone, and every text escaped.
"""

import functools
import html
import re
import secrets
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

LONGEST_CHARACTERS = 3000  # of one formula
DEEPEST = 60  # braces, \left and \begin in each other
MOST_ELEMENTS = 4000
ELEMENTS = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle", "mpadded", "mphantom"}
ELEMENTS |= {"msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd", "menclose"}
LENGTH = r"-?\d?(\.\d+)?em"  # below 10 em, so that nothing lands far from its formula
WORD = r"[a-z-]+"
TRUTH = r"true|false"
ATTRIBUTES = {
    "display": r"block|inline",
    "displaystyle": TRUTH,
    "scriptlevel": r"[+-]?\d",
    "mathvariant": WORD,
    "mathcolor": rf"{WORD}|#[0-9A-Fa-f]{{3,8}}",
    "stretchy": TRUTH,
    "symmetric": TRUTH,
    "fence": TRUTH,
    "separator": TRUTH,
    "accent": TRUTH,
    "accentunder": TRUTH,
    "largeop": TRUTH,
    "movablelimits": TRUTH,
    "form": r"prefix|infix|postfix",
    "linethickness": r"[0-3](\.\d+)?(pt|px|em)?",
    "minsize": LENGTH,
    "maxsize": LENGTH,
    "width": LENGTH,
    "height": LENGTH,
    "depth": LENGTH,
    "lspace": LENGTH,
    "rspace": LENGTH,
    "columnalign": r"(left|right|center)( (left|right|center))*",
    "columnspacing": LENGTH,
    "rowspacing": LENGTH,
    "notation": rf"{WORD}( {WORD})*",
}
# What stands between the signs of two sums of money, as in "$5 and $6" or "5$ or 6$", and is no formula.
MONEY = re.compile(r"\d[\d.,]*[A-Za-z]?([^\w\\]+[A-Za-z]{2,}[^\\]*|[^\w\\]*[-\N{EN DASH}/,\s])|\s+[A-Za-z]{2,}\s[^\\]*\d")
LONGEST_MONEY = 200  # characters
MACRO = re.compile(r"\\(new|renew|provide)?(command|def|let|DeclareMathOperator)\b")  # they can grow without bound
OPENING = re.compile(r"\\left\b|\\begin\b|(?<!\\)\{")
CLOSING = re.compile(r"\\right\b|\\end\b|(?<!\\)\}")
UNKNOWN = re.compile(r"\\[A-Za-z]")  # a command that latex2mathml passes on as it was written
# What LaTeX knows and latex2mathml does not, in words that it knows.
SPELLED = (
    (re.compile(r"\\arg(?![A-Za-z])"), r"\\operatorname{arg}"),
    (re.compile(r"\\begin\{(?:aligned|align\*?|split)\}"), r"\\begin{array}{rlrlrl}"),
    (re.compile(r"\\end\{(?:aligned|align\*?|split)\}"), r"\\end{array}"),
)
# For the pages: a font made for formulas where the system has one, and long formulas scroll within the page.
CSS = (
    'math { font-family: "Latin Modern Math", "STIX Two Math", "STIX Math", "Cambria Math", "Libertinus Math", '
    '"TeX Gyre DejaVu Math", "Noto Sans Math", math; }\n'
    'math [columnalign="left"] { text-align: left; } math [columnalign="right"] { text-align: right; }\n'
    'math[display="block"] { margin: 0.6em 0; max-width: 100%; overflow-x: auto; overflow-y: hidden; }'
)


@functools.lru_cache(maxsize=4096)
def mathml(latex: str, block: bool = False) -> str | None:
    r"""Return a formula as MathML.

    Parameters
    ----------
    latex : str
        The formula, without the dollar signs around it.
    block : bool
        Whether it is displayed on a line of its own.

    Returns
    -------
    str or None
        A <math> element that is safe in any page, whoever wrote the formula; None if it cannot be converted: it is not LaTeX, or
        is too long, too deep, or defines commands.
    """
    if len(latex) > LONGEST_CHARACTERS or MACRO.search(latex) or _depth(latex) > DEEPEST:
        return None
    try:
        for expression, words in SPELLED:
            latex = expression.sub(words, latex)
        element = convert_to_element(latex, display="block" if block else "inline")
        if any(UNKNOWN.match(part.text or "") for part in element.iter() if part.tag != "mtext"):
            return None
        written = list(_written(element))
    except (Exception, RecursionError):  # latex2mathml raises IndexError and others for what is not LaTeX
        return None
    return "".join(written) if len(written) <= 3 * MOST_ELEMENTS else None


def formula(latex: str, block: bool = False) -> str:
    r"""Return a formula for a page: drawn or, where that cannot be, as it was written.

    Parameters
    ----------
    latex : str
        The formula, without the dollar signs around it.
    block : bool
        Whether it is displayed on a line of its own.

    Returns
    -------
    str
        HTML that is safe in any page. Two sums of money are text, as they were written.
    """
    if not block and len(latex) <= LONGEST_MONEY and MONEY.fullmatch(latex):
        return html.escape(f"${latex}$")
    drawn = mathml(latex.strip(), block)
    if drawn is not None:
        return drawn
    signs = "$$" if block else "$"
    return f"<code>{html.escape(f'{signs}{latex}{signs}')}</code>"


class Waiting:
    """Formulas that wait until the text around them is cleaned: a word stands for each, which nobody can have written before."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(8)
        self._drawn: list[str] = []

    def word(self, latex: str, block: bool = False) -> str:
        """Return the word that stands for a formula.

        Parameters
        ----------
        latex : str
            The formula, without the dollar signs around it.
        block : bool
            Whether it is displayed on a line of its own.

        Returns
        -------
        str
            Letters, digits, hyphens and a full stop, which no cleaning changes.
        """
        self._drawn.append(formula(latex, block))
        return f"formula-{self._secret}-{len(self._drawn) - 1}."

    def filled(self, cleaned: str) -> str:
        """Return a cleaned text with its formulas.

        Parameters
        ----------
        cleaned : str
            HTML with words in it.

        Returns
        -------
        str
            HTML: the formulas in the text, and what they say where there is no place for more, as in an attribute.
        """
        word = rf"formula-{self._secret}-(\d+)\."
        inside = re.sub(r"<[^<>]*>", lambda tag: re.sub(word, lambda found: self._said(int(found[1])), tag[0]), cleaned)
        return re.sub(word, lambda found: self._drawn[int(found[1])], inside)

    def _said(self, number: int) -> str:
        return re.sub("<[^<>]*>", "", self._drawn[number])  # every text in it is escaped, so what is left has no quotes


def _depth(latex: str) -> int:
    r"""Return how many braces, \left and \begin are open at once, at most."""
    opening = {found.start(): 1 for found in OPENING.finditer(latex)}
    steps = opening | {found.start(): -1 for found in CLOSING.finditer(latex)}
    depth = deepest = 0
    for place in sorted(steps):
        depth = max(depth + steps[place], 0)
        deepest = max(deepest, depth)
    return deepest


def _written(element: Element) -> Iterator[str]:
    """Yield an element as text, piece by piece; of one that is not allowed what is in it."""
    allowed = element.tag in ELEMENTS
    if allowed:
        yield f"<{element.tag}{''.join(_attributes(element))}>"
    if element.text:
        yield html.escape(html.unescape(element.text))  # latex2mathml writes characters as &#x2016;
    for child in element:
        yield from _written(child)
    if allowed:
        yield f"</{element.tag}>"
    if element.tail:
        yield html.escape(html.unescape(element.tail))


def _attributes(element: Element) -> Iterator[str]:
    for name, value in element.attrib.items():
        if name in ATTRIBUTES and re.fullmatch(ATTRIBUTES[name], value):
            yield f' {name}="{value}"'
