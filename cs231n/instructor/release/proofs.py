"""What a student edition proves before it is released: no solution is in it, it runs, and with the solutions it is right."""

import ast
import builtins
import contextlib
import functools
import html
import io
import json
import keyword
import os
import re
import subprocess
import tempfile
import tokenize
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

import nbformat
import numpy as np
from nbformat import NotebookNode

from ...datasets import Source, State, record_of, sources, states
from ..course import OwnQuestion
from .edition import CELLS, NAME, NOTEBOOK
from .model_answers import is_answer, labelled_lines
from .reference import Reference, strings, texts
from .solutions import NEVER_IN_AN_EDITION, Marked, tokens
from .student_notebook import Exercise

SHORT_LINE, SHORT_SENTENCE = 12, 30  # characters without white space, below which nothing is given away
RUN_CELL_SECONDS = 120


def secrets(
    kit: Path,
    exercises: Iterable[Exercise],
    left_out: Iterable[Marked] = (),
    own_questions: Mapping[str, OwnQuestion] | None = None,
) -> dict[str, str]:
    """Return {text without white space: where it comes from} of all that no file of the edition may hold.

    These are the lines of the solutions and the sentences of the model answers. Left out are lines that give nothing away:
    those shorter than SHORT_LINE, those that stand in the function outside of the solution as well, and those that hold no
    name of their own, only Python's words and built-ins and what belongs to an imported module: `else:`,
    `for _ in range(100):`, `with torch.no_grad():`. Of the sentences, and of the solutions' comments, those shorter than
    SHORT_SENTENCE are left out.

    left_out: Marked functions that are in no exercise of the edition; their solutions are secrets as well. own_questions: {key:
    OwnQuestion} of the course, whose rubrics are secrets.
    Raises ValueError with file and line if nothing is left of a solution, so that nothing could be proven.
    """
    found: dict[str, str] = {}
    for function in [*(exercise.marked for exercise in exercises), *left_out]:
        lines = _telling_lines(function)
        if not lines:
            raise ValueError(
                f"{function.place}: no line of this solution can be told from code that stands anywhere, so it cannot be "
                "proven that the edition does not hold it. Give its values names."
            )
        found |= {line: f"a line of the solution, {place}" for line, place in lines.items()}
    reference = Reference(Path(kit) / NOTEBOOK)
    for cell in reference.cells:
        if is_answer(cell):
            text = re.sub(r"^\*\*.*?\*\*", "", cell.source, flags=re.M)  # without "Model answer." and "Rubric"
            found |= dict.fromkeys(_telling_sentences(text), f"a model answer, {reference.place(cell)}")
    for key, question in (own_questions or {}).items():
        found |= dict.fromkeys(_telling_sentences(question.rubric), f"the rubric of the course's own {key}")
    return found


def _telling_sentences(text: str) -> list[str]:
    """Return the sentences of a text, without white space, that are long enough to give something away."""
    plain = (_plain(sentence) for sentence in re.split(r"(?<=[.?!:;])\s+|\n+", text))
    return [sentence for sentence in plain if len(sentence) >= SHORT_SENTENCE]


def _telling_lines(marked: Marked) -> dict[str, str]:
    """Return {text without white space: its place} of the lines and comments of a solution that give something away."""
    text = "\n".join(marked.lines) + "\n"
    names: dict[int, set[str]] = {}
    columns: dict[int, int] = {}
    previous = ""
    for token in tokens(marked.file, text):
        line, column = token.start
        if token.type == tokenize.COMMENT:
            columns[line] = column
        elif token.type == tokenize.NAME and previous != ".":
            names.setdefault(line, set()).add(token.string)
        previous = token.string
    codes = {i: _plain(line[: columns.get(i)]) for i, line in enumerate(marked.lines, 1)}
    comments = {i: _plain(marked.lines[i - 1][column:].lstrip("# ")) for i, column in columns.items()}
    inside = {i for begin, end in marked.regions for i in range(begin, end)}
    frame = {codes[i] for i in range(marked.first, marked.last + 1) if i not in inside}
    imports = [statement for statement in ast.parse(text).body if isinstance(statement, ast.Import)]
    modules = {(alias.asname or alias.name.split(".")[0]) for statement in imports for alias in statement.names}
    common = {"_", *keyword.kwlist, *dir(builtins), *modules}
    telling = {
        codes[i]: f"{marked.file}:{i}"
        for i in sorted(inside)
        if len(codes[i]) >= SHORT_LINE and codes[i] not in frame and names.get(i, set()) - common
    }
    return telling | {comments[i]: f"{marked.file}:{i}" for i in sorted(inside) if len(comments.get(i, "")) >= SHORT_SENTENCE}


def require_no_leaks(
    files: Mapping[str, bytes],
    secret: Mapping[str, str],
    reference: Reference | None = None,
    originals: Mapping[str, tuple[str, str]] | None = None,
    problems: Iterable[str] = (),
) -> None:
    """Raise ValueError, a line each, if a file holds a secret or the beginning of a model answer, or belongs in no edition.

    White space does not matter; comments, outputs (HTML, too), attachments and the names and strings in .npz files are
    searched as well. In a notebook only secrets are looked for: its beginnings of model answers are in misplaced_answers.

    files: {path: bytes}. secret: {text without white space: where it comes from}.
    reference, originals: the Reference, and {path: (its file in the kit, text)}, that the notebook and these files were made
    from: people look for the lines there. By default the lines are those of the edition.
    problems: sentences on what was found before; they are raised with the rest.
    """
    found = dict.fromkeys(problems)  # each once: a text is searched in several forms
    for path, content in files.items():
        if path == CELLS:  # once more the cells of the notebook, in which what is found is named by its cell
            continue
        if NEVER_IN_AN_EDITION & set(Path(path).parts):
            found[f"{path} does not belong into a student edition."] = None
        shown, lines = (originals or {}).get(path, (path, content.decode("utf-8", errors="replace")))
        in_file = functools.partial(_place_in_file, shown, "" if path.endswith(".npz") else lines)
        if path.endswith(".ipynb"):
            found |= dict.fromkeys(_leaks(_texts_of_notebook(path, content, reference, in_file), secret))
            continue
        texts_of_file = [path, *_texts(path, content)]
        found |= dict.fromkeys(_leaks(((text, in_file) for text in texts_of_file), secret))
        for line in (line for text in texts_of_file for line in labelled_lines(text, path.endswith(".py"))):
            found[f'{in_file(line, _plain(line))} has "{line[:60]}", which looks like a model answer.'] = None
    if found:
        raise ValueError("\n".join(found) + " Nothing was released.")


def _leaks(placed: Iterable[tuple[str, Callable[[str | None, str], str]]], secret: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each secret in texts. placed: (text, function that gives the place of a line and its secret)."""
    for text, place in placed:
        plain = _plain(text)
        for leaked in secret:
            if leaked in plain:
                line = next((line for line in text.splitlines() if leaked in _plain(line)), None)
                yield f"{place(line, leaked)} holds {secret[leaked]}."


def _plain(text: str) -> str:
    """Return a text without white space, and without the headers of functions: a definition may look like its call."""
    return re.sub(r"\s", "", re.sub(r"\bdef\s+\w+\s*\([^()]*\)", "", text))


def _texts(path: str, content: bytes) -> Iterator[str]:
    """Yield all texts in a file that is not a notebook."""
    if path.endswith(".npz"):
        yield from _texts_of_arrays(path, content)
        return
    text = content.decode("utf-8", errors="replace")
    yield text
    for string in strings(json.loads(text)) if path.endswith(".json") else []:
        yield from (string, _without_tags(string))


def _texts_of_notebook(
    path: str, content: bytes, reference: Reference | None, in_file: Callable[..., str]
) -> Iterator[tuple[str, Callable[..., str]]]:
    """Yield (text, function that gives its place) of all texts in a notebook."""
    own = Reference(Path(path), content.decode())
    yield from ((text, in_file) for text in (path, *strings(own.notebook.metadata)))
    shown_by_id = {cell.id: cell for cell in reference.cells} if reference else {}
    for cell in own.cells:
        named, shown = (own, cell) if reference is None else (reference, shown_by_id[cell.id])
        in_cell = functools.partial(_place_in_cell, named, shown)
        for _, text in texts(cell):
            yield from ((form, in_cell) for form in (text, _without_tags(text)))


def _without_tags(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", text))


def _place_in_cell(reference: Reference, cell: NotebookNode, line: str, plain: str) -> str:
    return f"{reference.place(cell, line and line.strip())} (index {reference.index(cell)})"


def _place_in_file(path: str, text: str, line: str, plain: str) -> str:
    number = next((number for number, other in enumerate(text.splitlines(), 1) if plain and plain in _plain(other)), None)
    return path if number is None else f"{path}:{number}"


def _texts_of_arrays(path: str, content: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as members:
        yield members.comment.decode("latin-1")
        for name in members.namelist():
            yield name
            yield members.read(name).decode("latin-1")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            for name in arrays.files:
                if arrays[name].dtype.kind in "SU":
                    yield "\n".join(str(value) for value in arrays[name].astype(str).ravel())
    except ValueError:
        raise ValueError(f"{path} holds pickled objects; expected plain arrays. Nothing was released.") from None


# It runs


def require_data(kit: Path) -> None:
    """Raise ValueError unless the weights and the pictures on which an edition is tried are in the kit."""
    for source in _required_sources(kit):
        for path, state in states(source, kit / "datasets").items():
            if state is not State.VERIFIED:
                raise ValueError(
                    f"{path} is {state.value}; the edition is tried on the real data. "
                    f"Run get_datasets.sh in {kit}, then try again."
                )


def _required_sources(kit: Path) -> list[Source]:
    return [source for source in sources(kit / "datasets").values() if source.required]


@contextlib.contextmanager
def unpacked(archive: Path, kit: Path) -> Iterator[Path]:
    """Yield a new folder with the edition from a zip and links to the kit's data; afterwards it is gone."""
    with tempfile.TemporaryDirectory(prefix="edition-") as folder:
        with zipfile.ZipFile(archive) as members:
            members.extractall(folder)
        root = Path(folder).resolve() / NAME
        for path in [path for source in _required_sources(kit) for path in states(source, kit / "datasets")]:
            link = root / path.relative_to(kit)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
            if path.suffix == ".pth":
                record_of(link).symlink_to(record_of(path).resolve())
        yield root


def require_stubs_run(root: Path, exercises: Iterable[Exercise]) -> None:
    """Execute the whole notebook of the edition in the folder `root`.

    Raises ValueError if a cell fails, if a module is not the edition's own or cannot be imported, or if a check does not
    say "not implemented yet".
    """
    notebook = nbformat.read(root / NOTEBOOK, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(WHERE_THE_PACKAGE_IS, id="where-the-package-is"))
    cells = _executed(notebook, root)
    for place in json.loads(_printed(cells["where-the-package-is"])):
        if not Path(place).is_relative_to(root):
            raise ValueError(f"The edition used {place}, which is not its own. Nothing was released.")
    for exercise in exercises:
        _require_said(cells[exercise.check], f"{exercise.marked.name}: not implemented yet")


def require_solutions_right(root: Path, exercises: Collection[Exercise]) -> None:
    """Execute the set-up, imports, the exercises with their solutions, and the checks; no more.

    Raises ValueError if one is not right.
    """
    notebook = nbformat.read(root / NOTEBOOK, as_version=4)
    solved = {exercise.cell: exercise.solved for exercise in exercises}
    needed = {"setup", "imports", *solved, *(exercise.check for exercise in exercises)}
    notebook.cells = [cell for cell in notebook.cells if cell.id in needed or _only_imports(cell)]
    for cell in notebook.cells:
        cell.source = solved.get(cell.id, cell.source)
    cells = _executed(notebook, root)
    for exercise in exercises:
        _require_said(cells[exercise.check], f"{exercise.marked.name} is correct")


def _only_imports(cell: NotebookNode) -> bool:
    try:
        body = ast.parse(cell.source).body if cell.cell_type == "code" else []
    except SyntaxError:  # a magic, or a shell command
        return False
    return bool(body) and all(isinstance(statement, (ast.Import, ast.ImportFrom)) for statement in body)


WHERE_THE_PACKAGE_IS = """
import importlib, json, pkgutil
import cs231n

names = [found.name for found in pkgutil.walk_packages(cs231n.__path__, "cs231n.")]
modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
print(json.dumps([module.__file__ for module in modules]))
"""


def _executed(notebook: NotebookNode, root: Path) -> dict[str, NotebookNode]:
    """Execute a notebook in the folder `root`, with this interpreter and without PYTHONPATH; return {id: cell}."""
    from ipykernel.kernelspec import write_kernel_spec
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory(prefix="kernels-") as kernels:
        write_kernel_spec(str(Path(kernels) / "this-python"))
        specs = KernelSpecManager(kernel_dirs=[kernels])
        manager = AsyncKernelManager(kernel_name="this-python", kernel_spec_manager=specs)
        client = NotebookClient(
            notebook, km=manager, timeout=RUN_CELL_SECONDS, resources={"metadata": {"path": str(root)}}, record_timing=False
        )
        try:
            client.execute(cleanup_kc=True, env=environment, stderr=subprocess.DEVNULL)
        except (CellExecutionError, CellTimeoutError, RuntimeError) as error:  # RuntimeError: the kernel died
            said = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
            raise ValueError(f"The edition's notebook does not go through:\n{said}\nNothing was released.") from None
    return {cell.id: cell for cell in notebook.cells}


def _printed(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def _require_said(cell: NotebookNode, expected: str) -> None:
    if expected not in _printed(cell):
        raise ValueError(
            f"Cell {cell.id} of the edition printed {_printed(cell)[:300]!r}; expected {expected!r} in it. Nothing was released."
        )
