"""A notebook as a web page that needs no network and runs no script: `python -m cs231n.pages NOTEBOOK PAGE`.

Course staff open the page that a student hands in, so nothing in the notebook acts there: a policy forbids scripts and requests,
and HTML is cleaned of what a policy does not stop, such as an address to go to at once, or a box laid over the page.
"""

import argparse
import logging
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from textwrap import shorten
from typing import Any

import nbformat
from bleach.css_sanitizer import CSSSanitizer
from bleach.sanitizer import Cleaner
from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from .console import tell
from .formulas import CSS, Waiting
from .notebook_file import notebook as read_notebook
from .notebook_file import picture_of
from .whole_file import write_whole

PAGE = (
    """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; \
base-uri 'none'; form-action 'none'">
{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block rawcell %}<pre>{{ cell.source | e }}</pre>{% endblock %}
{% block input_group -%}
{% if cell.folded_as %}
<details class="folded"><summary>{{ cell.folded_as | e }}</summary>{{ super() }}</details>
{% else %}{{ super() }}{% endif %}
{%- endblock input_group %}
{% block html_head_css %}
{{ super() }}
<style>
"""
    + CSS
    + """
details.folded { margin-left: 90px; }
details.folded > summary { cursor: pointer; padding: 6px 0; font: 600 14px var(--jp-content-font-family, sans-serif); }
details.folded .jp-InputPrompt { display: none; }
@media (max-width: 760px) { details.folded { margin-left: 8px; } }
img.figure, img.animation { display: block; margin: 0 auto; }
</style>
{% endblock %}
"""
)


TEXTS = ("text/html", "text/markdown", "image/svg+xml", "text/latex", "text/plain")  # what outputs may hold beside pictures
TAGS = {"a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "dd", "del", "details", "div", "dl", "dt", "em"}
TAGS |= {"figcaption", "figure", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol"}
TAGS |= {"p", "pre", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th"}
TAGS |= {"thead", "tr", "tt", "u", "ul", "var"}
TITLE_CHARACTERS = 80
WIDEST = 4000  # pixels that a picture may ask for
NUMBER = r"\d{1,4}"
ATTRIBUTES = {
    "alt": r".*",
    "title": r".*",
    "href": r"#.*|https?://.*|mailto:.*|[\w.%-]+(/[\w.%-]+)*(#.*)?",
    "src": r"data:image/.*",
    "id": r"(?!cell-).*",  # those are the page's
    "class": r"anchor-link|figure|animation|highlight|dataframe|[a-z]{1,2}\d?",  # of two letters: the colours of code
    "width": NUMBER,
    "height": NUMBER,
    "colspan": NUMBER,
    "rowspan": NUMBER,
    "start": NUMBER,
    "open": r".*",
    "color": r"#?\w+",
    "align": r"left|right|center",
    "style": r".*",
}
# Nothing that moves a thing away from its place, or hides it.
STYLES = {"background", "background-color", "border", "border-radius", "color", "font-family", "font-style", "font-weight"}
STYLES |= {"max-width", "text-align", "text-decoration", "vertical-align", "white-space"}
UNSEEN = re.compile(r"(</?(?:style|script)\b[^<>]*>)", re.I)  # what stands between two of them is no text to read


LONGEST_CHARACTERS = (
    20_000  # of a text that is read as Markdown, without its pictures; of 100,000 brackets a parser reads for minutes
)
PICTURE = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=]*")
DEEPEST = 200  # elements in each other; of 20,000 a parser reads for minutes
TAG = re.compile(r"<(/?)(?!(?:br|hr|img|input|link|meta|wbr)\b)[a-z]", re.I)


def _may_stay(tag: str, name: str, value: str) -> bool:
    return name in ATTRIBUTES and re.fullmatch(ATTRIBUTES[name], value, re.S) is not None


_cleaner = Cleaner(
    tags=TAGS,
    attributes=_may_stay,
    protocols={"http", "https", "mailto", "data"},
    strip=True,
    css_sanitizer=CSSSanitizer(allowed_css_properties=STYLES),
)


def _as_written(text: str) -> str:
    """Return a text as HTML, its brackets spelled out: nbconvert searches what follows each for a link."""
    return f"<pre>{escape(text).replace('[', '&#91;')}</pre>"


def _cleaned(html: str) -> str:
    """Return HTML in which every element is closed, nothing acts, and nothing lies on what is beside it."""
    if _depth(html) > DEEPEST:
        return _as_written(html)
    pieces = UNSEEN.split(html)  # text and tag in turns
    for number in range(2, len(pieces) - 1, 2):
        if not pieces[number - 1].startswith("</") and pieces[number + 1].startswith("</"):
            pieces[number] = ""
    return _cleaner.clean("".join(pieces))


def _depth(html: str) -> int:
    """Return how many elements are open at once, at most, roughly: as if none were closed by the beginning of another."""
    depth = deepest = 0
    for tag in TAG.finditer(html):
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


class _Renderer(IPythonRenderer):
    """Markdown in which formulas wait for the cleaning, and pictures are shown only if they are in the notebook."""

    def __init__(self, attachments: dict[str, dict[str, str]]) -> None:
        super().__init__(escape=False, attachments=attachments)
        self.formulas = Waiting()

    def inline_math(self, body: str) -> str:
        return self.formulas.word(body)

    def block_math(self, body: str) -> str:
        return self.formulas.word(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return self.formulas.word(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        attached = url.removeprefix("attachment:")
        if url.startswith("data:image/") or (attached != url and self.attachments.get(attached)):
            return super().image(text, url, title)
        return f"[picture that is not in the notebook: {self.escape_html(text or url)}]"


class _Exporter(HTMLExporter):
    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        if len(PICTURE.sub("", source)) > LONGEST_CHARACTERS:
            return _as_written(source)
        renderer = _Renderer(context.get("cell", {}).get("attachments") or {})
        try:
            return renderer.formulas.filled(_cleaned(MarkdownWithMath(renderer=renderer).render(source)))
        except Exception:  # whatever a parser raises for one text, as too deep a quotation, the others keep their page
            return _as_written(source)


def _shown(output: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an output; of a picture an <img> with its text and size, since nbconvert knows neither WebP nor GIF."""
    if not output.get("data"):
        return output
    found = picture_of(output)
    if found is None or found[0] not in output["data"]:  # none, or one of the kit's figures, which is HTML already
        texts = {kind: output["data"][kind] for kind in TEXTS if kind in output["data"]}
        if "text/html" in texts:
            texts["text/html"] = _cleaned(texts["text/html"])
        return {**output, "data": texts or {"text/plain": f"[output that a page cannot show: {', '.join(output['data'])}]"}}
    kind, picture = found
    told = output.get("metadata", {}).get(kind, {})
    size = "".join(f' {side}="{min(told[side], WIDEST):g}"' for side in ("width", "height") if side in told)
    image = f'<img src="data:{kind};base64,{escape("".join(picture.split()))}" alt="{escape(told.get("alt", ""))}"{size}>'
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": f'<div class="jp-RenderedImage">{image}</div>'}}


def _title(source: str) -> str:
    """Return how folded code is announced: by its first line, which may be a title as Colab reads it."""
    first, _, _ = source.strip().partition("\n")
    return shorten(first.removeprefix("#").strip().removeprefix("@title").strip(), TITLE_CHARACTERS) or "Code"


def page(notebook: NotebookNode, title: str) -> bytes:
    """Return a notebook as a web page that needs no network and runs no script. Its formulas are MathML.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        As `notebook_file.notebook` reads it.
    title : str
        The page's title.

    Returns
    -------
    bytes
        HTML in UTF-8.
    """
    cells = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(notebook.cells, 1)]  # ids may be missing, or twice
    for cell in cells:
        if cell["cell_type"] == "code":
            folded = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
            cell["folded_as"] = _title(cell["source"]) if folded else ""
            cell["outputs"] = [_shown(output) for output in cell["outputs"]]
    shown = nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    quiet = logging.Logger("page", logging.ERROR)  # not a word about pictures without a description
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of outputs that a page cannot show, as widgets
        html, _ = _Exporter(raw_template=PAGE, log=quiet).from_notebook_node(shown, {"metadata": {"name": title}})
    return html.encode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str or None
        Those of the command line; None for the process's own.

    Returns
    -------
    int
        0 if the page was written, 1 if not; the reason has been printed then.
    """
    parser = argparse.ArgumentParser(prog="python -m cs231n.pages", description="Write a notebook as a web page.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("page", type=Path, help="the HTML file to write")
    options = parser.parse_args(arguments)
    try:
        found = read_notebook(options.notebook.name, options.notebook.read_bytes())
        write_whole(options.page, page(found, options.notebook.stem))
    except (OSError, ValueError) as error:
        tell(str(error), stream=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
