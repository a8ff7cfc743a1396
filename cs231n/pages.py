"""A notebook as a web page that needs no network and runs no script: `python -m cs231n.pages NOTEBOOK PAGE`."""

import argparse
import logging
import sys
import warnings
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from .console import tell
from .formulas import CSS, formula
from .notebook_file import notebook as read_notebook
from .notebook_file import picture_of
from .whole_file import write_whole

PAGE = (
    """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:">
{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_css %}
{{ super() }}
<style>
"""
    + CSS
    + """
</style>
{% endblock %}
"""
)


class _Renderer(IPythonRenderer):
    """Markdown in which formulas are drawn, and pictures are shown only if they are in the notebook."""

    def inline_math(self, body: str) -> str:
        return formula(body)

    def block_math(self, body: str) -> str:
        return formula(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        attached = url.removeprefix("attachment:")
        if url.startswith("data:image/") or (attached != url and attached in self.attachments):
            return super().image(text, url, title)
        return f"[picture that is not in the notebook: {self.escape_html(text or url)}]"


class _Exporter(HTMLExporter):
    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        attachments = context.get("cell", {}).get("attachments") or {}
        return MarkdownWithMath(renderer=_Renderer(escape=False, attachments=attachments)).render(source)


def _shown(output: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an output; of a picture an <img> with its text and size, since nbconvert knows neither WebP nor GIF."""
    found = picture_of(output)
    if found is None or found[0] not in output["data"]:  # none, or one of the kit's figures, which is HTML already
        return output
    kind, picture = found
    told = output.get("metadata", {}).get(kind, {})
    size = "".join(f' {side}="{told[side]:g}"' for side in ("width", "height") if side in told)
    image = f'<img src="data:{kind};base64,{escape("".join(picture.split()))}" alt="{escape(told.get("alt", ""))}"{size}>'
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": f'<div class="jp-RenderedImage">{image}</div>'}}


def page(notebook: NotebookNode, title: str) -> bytes:
    """Return a notebook as a web page that needs no network and runs no script. Its formulas are MathML.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Of nbformat 4.
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
