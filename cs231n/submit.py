"""Look over a filled-in notebook and put it into submission.zip, with a copy of it as a web page.

    python -m cs231n.submit [NOTEBOOK] [--incomplete]

The last cell of the notebook does the same. The student's code is read, never run.
"""

import argparse
import ast
import logging
import os
import re
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

EXERCISES = "compute_saliency_maps", "make_fooling_image", "class_visualization_update_step"
QUESTIONS = range(1, 7)
# For bonus points: what a student leaves out of these is nothing to do.
OPTIONAL_EXERCISES = "compute_smoothgrad_maps", "compute_integrated_gradients", "compute_grad_cam_maps", "transform_images"
OPTIONAL_QUESTIONS = range(7, 9)

NOTEBOOK = "NetworkVisualization.ipynb"
ARCHIVE = "submission.zip"
RUN_ALL = "Restart the kernel and run all cells, save the notebook, and try again."
COLAB = (
    "On Colab the notebook lies in your Drive and not beside the kit: take File > Download > Download .ipynb, upload that file "
    'under Files at the left, and name it: submit("/content/NAME.ipynb").'
)
PLACEHOLDER = re.compile(r"your answer( here)?|type your answer here|[*_#>:.\s]|<!--.*?-->", re.I | re.S)

# Nothing is fetched and no script runs where the page is opened; so formulas stay as they are written.
PAGE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:">
{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
"""


def submit(path=NOTEBOOK, incomplete=False):
    """Do what the command does, for a cell of a notebook: print all there is to say, and raise nothing.

    path: the notebook as it was saved last. incomplete: write submission.zip even if something is missing.
    """
    try:
        _hand_in(Path(path), incomplete, _executed_sources(), "submit(incomplete=True)")
    except (ValueError, OSError) as error:
        print(error)


def main(arguments=None):
    """Run the command. Return 0 if submission.zip was written, 1 if not; the reason has been printed then."""
    parser = argparse.ArgumentParser(
        prog="python -m cs231n.submit",
        description="Look over a notebook and put it into submission.zip, with a copy as a web page. "
        "Exit code 0: written. 1: not written, and why. 2: a wrong option.",
    )
    parser.add_argument("notebook", nargs="?", default=NOTEBOOK, help=f"the notebook, saved (default: {NOTEBOOK})")
    parser.add_argument("--incomplete", action="store_true", help=f"write {ARCHIVE} even if something is missing")
    options = parser.parse_args(arguments)
    try:
        written = _hand_in(Path(options.notebook), options.incomplete, [], "the option --incomplete")
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return int(not written)


def missing(notebook):
    """Return what a notebook (nbformat 4) lacks, as a list of sentences, each with its place and what to do; [] if nothing.

    Exercises and questions of the optional part are not in it; that its cells were run is.
    """
    cells = [cell for cell in notebook.cells if not _is_submit_cell(cell)]
    return _exercises_not_attempted(cells) + _not_run_in_order(cells) + _answers_not_given(cells)


def left_out(notebook):
    """Return a sentence on what of the optional part is not done in a notebook (nbformat 4); "" if all of it is."""
    trees = _trees(notebook.cells)
    exercises = sum(_not_attempted(name, trees) is not None for name in OPTIONAL_EXERCISES)
    questions = sum(not _answer(notebook.cells, number) for number in OPTIONAL_QUESTIONS)
    if not exercises and not questions:
        return ""
    if exercises == len(OPTIONAL_EXERCISES) and questions == len(OPTIONAL_QUESTIONS):
        return "The optional part is not done. That is fine: it gives bonus points only."
    return (
        f"Of the optional part, {exercises} of {len(OPTIONAL_EXERCISES)} exercises and {questions} of "
        f"{len(OPTIONAL_QUESTIONS)} questions are not done. That is fine: they give bonus points only."
    )


def answers(notebook):
    """Return {"question-1": the answer's Markdown, ...} of a notebook (nbformat 4), "" where nothing is written.

    An answer is the cell with the id, or the nbgrader id, "answer-N", and what is written in further cells between the
    heading "Inline question N" and the next heading or code cell.
    """
    return {f"question-{number}": _answer(notebook.cells, number) for number in (*QUESTIONS, *OPTIONAL_QUESTIONS)}


def _hand_in(path, incomplete, executed, anyway):
    """Print what is found, write the archive beside the notebook and return whether it was written."""
    raw, notebook = _read(path)
    if _is_reference(notebook):
        print(f"{path.name} is the reference notebook: it imports the solutions. There is nothing to submit.")
        return False
    print(f"{path.name} as it was saved at {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(path.stat().st_mtime))}.")
    if _is_older(notebook, executed):
        raise ValueError(f"It is not the notebook that you ran. Save it (Ctrl+S), then run this cell again. {COLAB}")
    found, optional = missing(notebook), left_out(notebook)
    if found:
        print(f"There {'is 1 thing' if len(found) == 1 else f'are {len(found)} things'} to do before you hand it in:")
        print(*(f"  {number}. {sentence}" for number, sentence in enumerate(found, 1)), sep="\n")
    if optional:
        print(optional)
    if found and not incomplete:
        print(f"{ARCHIVE} was not written. To hand the notebook in as it is: {anyway}.")
        return False
    archive = path.with_name(ARCHIVE)
    _write(archive, {path.name: raw, f"{path.stem}.html": page(notebook, path.stem)})
    print(
        f"{archive.name} is written, {archive.stat().st_size / 1e6:.1f} MB: {path.name} and a copy to look at, {path.stem}.html."
    )
    print(f"Hand in this one file, in the way your course asks for: {archive.resolve()}")
    return True


def page(notebook, title):
    """Return a notebook as a web page, UTF-8 bytes. It needs no network and runs no script."""
    from nbconvert import HTMLExporter

    quiet = logging.Logger("page", logging.ERROR)  # not a word about pictures without a description
    html, _ = HTMLExporter(raw_template=PAGE, log=quiet).from_notebook_node(notebook, {"metadata": {"name": title}})
    return html.encode()


def _read(path):
    """Return (bytes, notebook in nbformat 4). Raises ValueError with a sentence for what is no notebook."""
    import nbformat

    if not path.is_file():
        raise ValueError(f"There is no file {path}. Name your notebook, or go to the folder where it lies.")
    raw = path.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells without an id
            notebook = nbformat.reads(raw.decode("utf-8"), as_version=4)
            nbformat.validate(notebook)
    except Exception as error:  # whatever nbformat and json raise for a broken file
        said = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{path} is not a notebook, or it is damaged ({type(error).__name__}: {said}). Open it in Jupyter and save it anew; "
            "if it does not open, go back to an earlier version. Nothing was written."
        ) from None
    if not notebook.cells:
        raise ValueError(f"{path} holds no cells. Is it the right file? Nothing was written.")
    return raw, notebook


def _write(archive, files):
    """Write the zip `archive` with `files` {name: bytes}; what was there before stays until the new one is whole."""
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".submission-") as folder:
        whole = Path(folder) / archive.name
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as target:
            for name, content in files.items():
                target.writestr(name, content)
        with zipfile.ZipFile(whole) as written:
            if {name: written.read(name) for name in written.namelist()} != files:
                raise OSError(f"{archive} could not be written whole. Is the disk full? What was there before is still there.")
        os.replace(whole, archive)


# Exercises


def _exercises_not_attempted(cells):
    trees = _trees(cells)
    return [sentence for name in EXERCISES if (sentence := _not_attempted(name, trees))]


def _trees(cells):
    """Return the syntax trees of the code cells that Python can read."""
    trees = (_tree(cell) for cell in cells if cell.cell_type == "code")
    return [tree for tree in trees if tree]


def _not_attempted(name, trees):
    """Return the sentence about an exercise that is not written, or None."""
    definitions = [
        statement
        for tree in trees
        for statement in tree.body
        if isinstance(statement, (ast.FunctionDef, ast.Assign)) and name in _names(statement)
    ]
    if not definitions:
        return f"{name} is not defined in any cell that Python can read. Write it in the cell of its exercise."
    if _is_stub(definitions[-1]):
        return f"{name} is not written yet. Write it in the cell of its exercise, in place of the line with `raise`."
    return None


def _names(statement):
    if isinstance(statement, ast.FunctionDef):
        return {statement.name}
    return {target.id for target in statement.targets if isinstance(target, ast.Name)}


def _is_stub(definition):
    """Return whether a function still raises NotImplementedError, or does nothing at all."""
    raised = [node.exc for node in ast.walk(definition) if isinstance(node, ast.Raise) and node.exc]
    if any("NotImplementedError" in ast.unparse(error) for error in raised):
        return True
    nothing = ast.Pass, ast.Expr  # a docstring, or ...
    return isinstance(definition, ast.FunctionDef) and all(
        isinstance(statement, nothing) and isinstance(getattr(statement, "value", ast.Constant(0)), ast.Constant)
        for statement in definition.body
    )


def _tree(cell):
    """Return the syntax tree of a code cell, its magics and shell commands set aside; None if Python cannot read it."""
    from IPython.core.inputtransformer2 import TransformerManager

    lines = cell.source.splitlines(keepends=True)
    if lines and re.match(r"%%(time|timeit|capture|prun)\b", lines[0]):
        lines[0] = "\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in strings
        try:
            return ast.parse(TransformerManager().transform_cell("".join(lines)))
        except (SyntaxError, ValueError, RecursionError):
            return None


def _is_reference(notebook):
    """Return whether an exercise is imported from the kit, in which students find no solution."""
    names = {*EXERCISES, *OPTIONAL_EXERCISES}
    imports = [node for tree in _trees(notebook.cells) for node in tree.body if isinstance(node, ast.ImportFrom)]
    return any((node.module or "").startswith("cs231n.") and alias.name in names for node in imports for alias in node.names)


# Execution


def _not_run_in_order(cells):
    code = [(number, cell) for number, cell in enumerate(cells, 1) if cell.cell_type == "code" and cell.source.strip()]
    counts = [cell.execution_count for _, cell in code]
    found = [
        f"{_place(cells, number)} ends in an error. Repair it or, if you cannot, hand the notebook in as it is (see below)."
        for number, cell in code
        if any(output.output_type == "error" for output in cell.outputs)
    ]
    idle = [number for number, cell in code if cell.execution_count is None]
    if idle:
        places = ", ".join(_place(cells, number) for number in idle[:3])
        more = f", and {len(idle) - 3} more" if len(idle) > 3 else ""
        found.append(f"{len(idle)} of {len(code)} code cells were not run: {places}{more}. {RUN_ALL}")
    elif counts != list(range(1, len(code) + 1)):
        first = next(i for i, count in enumerate(counts) if count != i + 1)
        found.append(
            f"The cells were not run once each from top to bottom: {_place(cells, code[first][0])} was run as number "
            f"{counts[first]}, expected {first + 1}. {RUN_ALL}"
        )
    return found


def _place(cells, number):
    """Return where a cell is, for people: its number in the notebook, from 1, and the heading above it."""
    headings = [line for cell in cells[:number] if cell.cell_type == "markdown" for line in _headings(cell.source)]
    return f'cell {number} (under "{headings[-1]}")' if headings else f"cell {number}"


def _headings(text):
    return [re.sub(r"[`*]|\s·.*", "", line.lstrip("#")).strip() for line in text.splitlines() if re.match(r"#{1,6}\s", line)]


def _is_submit_cell(cell):
    return cell.cell_type == "code" and "cs231n.submit" in cell.source


# Answers


def _answers_not_given(cells):
    return [
        f"Inline question {number} has no answer. Write it in the cell below the question."
        for number in QUESTIONS
        if not _answer(cells, number)
    ]


def _answer(cells, number):
    own = [cell for cell in cells if f"answer-{number}" in (cell.get("id"), cell.metadata.get("nbgrader", {}).get("grade_id"))]
    texts = [cell.source for cell in own] + [cell.source for cell in _below_question(cells, number) if cell not in own]
    return "\n\n".join(text.strip() for text in texts if PLACEHOLDER.sub("", text))


def _below_question(cells, number):
    """Return the cells between the heading "Inline question N" and the next heading or code cell."""
    heading = re.compile(rf"^#+\s*Inline question {number}\b", re.I | re.M)
    start = next((i for i, cell in enumerate(cells) if cell.cell_type == "markdown" and heading.search(cell.source)), None)
    below = []
    for cell in cells[start + 1 :] if start is not None else []:
        if cell.cell_type == "code" or _headings(cell.source):
            break
        below.append(cell)
    return below


# The kernel, where a cell of the notebook asks


def _executed_sources():
    """Return the sources of the cells that the present kernel ran, in order; [] outside of a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    return list(shell.history_manager.input_hist_raw) if shell else []


def _is_older(notebook, executed):
    """Return whether the last definition of an exercise that was run is in no cell of the notebook."""
    saved = {cell.source.strip() for cell in notebook.cells}
    for name in (*EXERCISES, *OPTIONAL_EXERCISES):
        defining = [source for source in executed if re.search(rf"^def {name}\b", source, re.M)]
        if defining and defining[-1].strip() not in saved:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
