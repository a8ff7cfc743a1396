"""What every student was given, so that having it says nothing: stubs, the notebook, and, to be safe, the reference solutions."""

import ast
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from ...assignment import assignment
from ...kit import ROOT
from ...student_code import bound, is_import
from ..release.model_answers import is_answer
from ..release.reference import Reference
from ..release.solutions import marked_functions, parsed
from ..sandbox.inside.reading import outline
from . import pieces
from .code import Code, read

NOTEBOOK = ROOT / "NetworkVisualization.ipynb"
USUAL = frozenset({"torch", "nn", "F", "np", "numpy", "Variable", "autograd"})  # names for libraries, imported or not


@dataclass(frozen=True)
class Given:
    """What every student was given.

    Parameters
    ----------
    stubs : dict of str to str
        By the name of an exercise's function, its stub.
    solved : dict of str to str
        The same with the reference's solution.
    parameters : dict of str to tuple of str
        The names of its parameters.
    known : frozenset of str
        Names that the kit and the notebook import or define.
    quotations : frozenset of tuple of str
        Runs of pieces.QUOTED_WORDS words of the notebook's texts, without the model answers.
    asked : dict of str to frozenset of tuple of str
        By question, runs of pieces.ASKED_WORDS words of its text.
    words : frozenset of str
        All words of the notebook's texts and the stubs.
    cells : frozenset of str
        The ids of the notebook's cells.
    pictures : frozenset of str
        The reference's figures as grading keeps a student's: PNG, in base64.
    """

    stubs: Mapping[str, str] = field(default_factory=dict)
    solved: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    quotations: frozenset[tuple[str, ...]] = frozenset()
    asked: Mapping[str, frozenset[tuple[str, ...]]] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    cells: frozenset[str] = frozenset()
    pictures: frozenset[str] = frozenset()

    def docstring(self, function: str) -> list[str]:
        """Return the lines of the docstring in an exercise's stub; none if it has none."""
        stub = self.stubs.get(function, "")
        for node in ast.walk(ast.parse(stub)):
            if isinstance(node, ast.FunctionDef) and node.name == function and ast.get_docstring(node) is not None:
                return stub.split("\n")[node.body[0].lineno - 1 : node.body[0].end_lineno]
        return []

    def code(self, function: str, source: str) -> Code:
        """Return what is compared of a student's source for an exercise."""
        return read(source, function, self.parameters.get(function, ()), self.known)

    def of_everybody(self, function: str) -> tuple[Code, Code]:
        """Return what stub and reference solution of an exercise would be compared by."""
        return self.code(function, self.stubs.get(function, "")), self.code(function, self.solved.get(function, ""))


@functools.cache
def given() -> Given:
    """Return what the kit gives to every student.

    Raises OSError and ValueError, with a sentence, for a kit that is damaged.
    """
    marked = {one.name: one for one in marked_functions(ROOT)}
    notebook = Reference(NOTEBOOK)
    texts = {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "markdown" and not is_answer(cell)}
    stubs = {name: one.stub() for name, one in marked.items()}
    spoken = [pieces.words_of(text) for text in (*texts.values(), *stubs.values())]
    asked = {one.key: pieces.words_of(texts.get(f"{one.key}-text", "")) for one in assignment().questions}
    return Given(
        stubs=stubs,
        solved={name: one.solved() for name, one in marked.items()},
        parameters={name: _parameters(stub, name) for name, stub in stubs.items()},
        known=_names_of(notebook.notebook, {one.file for one in marked.values()}),
        quotations=frozenset(run for words in spoken for run in pieces.runs(words, pieces.QUOTED_WORDS)),
        asked={key: frozenset(pieces.runs(words, pieces.ASKED_WORDS)) for key, words in asked.items()},
        words=frozenset(word for words in spoken for word in words),
        cells=frozenset(cell.id for cell in notebook.cells),
        pictures=_pictures(notebook),
    )


def _parameters(stub: str, name: str) -> tuple[str, ...]:
    function = next(node for node in ast.walk(ast.parse(stub)) if isinstance(node, ast.FunctionDef) and node.name == name)
    return tuple(one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs))


def _names_of(notebook: nbformat.NotebookNode, files: set[Path]) -> frozenset[str]:
    """Return the names that the notebook and the files with the solutions import, and those that these files define."""
    statements = [one for file in sorted(files) for one in parsed(file, file.read_text(encoding="utf-8")).body]
    cells = [parsed(NOTEBOOK, cell.source).body for cell in notebook.cells if cell.cell_type == "code"]
    statements += [one for body in cells for one in body if is_import(one)]
    return USUAL | {name for one in statements for name in bound(one)}


def _pictures(notebook: Reference) -> frozenset[str]:
    sources = {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "code"}
    cells = {name: sources[name] for one in assignment().exercises for name in one.figures if name in sources}
    found = outline(NOTEBOOK.name, notebook.text.encode(), cells)["figures"]
    return frozenset(picture for shown in found.values() for picture in shown)
