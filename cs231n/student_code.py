"""A student's code as parts with their syntax trees, read and never run: what it defines, imports, and leaves as a stub."""

import ast
import functools
import importlib.util
import linecache
import os
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

import nbformat
from nbformat import NotebookNode

from . import newer_python
from .kit import ROOT
from .notebook_file import is_notebook_name, merge_marker, notebook, text_of, with_plain_line_ends

PACKAGE = __package__
CHECKS = re.compile("check_|checked_|require_")  # how the names of the kit's functions begin that check arguments
MODULES_LIMIT = 40  # own modules that are read
# In a script: a string of its own, or lines of comment.
BLOCK = re.compile(r"^[rR]?(\"\"\"(.*?)\"\"\"|'''(.*?)''')|(?:^#[^\n]*(?:\n|\Z))+", re.M | re.S)
# Finds the file of a student's own module: from its dotted name to (name for messages, bytes), None if there is none.
Find = Callable[[str], tuple[str, bytes] | None]
NOT_OWN = {"site-packages", "dist-packages", "venv", ".venv", "env", "__pycache__", "node_modules"}


@dataclass
class Part:
    """A cell, or a whole file.

    Attributes
    ----------
    name : str
        What messages call it.
    source : str
        Its text as plain Python, line for line.
    tree : ast.Module or None
        Its syntax tree, or None if it does not parse.
    reason : str
        Why it does not parse, "" if it does.
    newer : (int, int) or None
        The (major, minor) of the Python that reads it, if that is newer than this one.
    module : str
        The dotted name by which other parts import it, "" for the notebook or file itself.
    """

    name: str
    source: str
    tree: ast.Module | None = None
    reason: str = ""
    newer: tuple[int, int] | None = None
    module: str = ""


def parsed(name: str, source: str, module: str = "") -> Part:
    """Parse a cell or a file.

    Parameters
    ----------
    name : str
        What messages call it.
    source : str
        Its text, in which IPython's magics may occur.
    module : str
        The dotted name by which other parts import it, "" for the notebook or file itself.

    Returns
    -------
    Part
        With its syntax tree, or the reason why it has none.
    """
    part = Part(name, source, module=module)
    line = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in strings
        for rewrite in (lambda source: source, _without_magics):
            try:
                part.source = rewrite(part.source)
                part.tree = ast.parse(part.source, part.name)
                break
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two for what is nested too deeply
                line = ""
                if isinstance(error, SyntaxError) and error.lineno:
                    line = f"line {error.lineno}: {(error.text or '').strip()}. "
                part.reason = f"{line}Python cannot read this: {getattr(error, 'msg', error) or 'it is nested too deeply'}."
    marker = merge_marker(part.source)
    if part.tree is None and not marker:
        part.newer = newer_python.needed(part.source)
    if part.newer:
        own, needed = _version(sys.version_info[:2]), _version(part.newer)
        part.reason = f"{line}This needs Python {needed} or newer; this grader runs {own}."
    part.reason = f"{part.name}, {marker or part.reason}" if part.tree is None else ""
    linecache.cache[part.name] = (len(part.source), None, part.source.splitlines(keepends=True), part.name)
    return part


def _version(numbers: tuple[int, int]) -> str:
    return f"{numbers[0]}.{numbers[1]}"


def _without_magics(source: str) -> str:
    """Return IPython's source as plain Python, line for line."""
    from IPython.core.inputtransformer2 import TransformerManager

    lines = source.splitlines(keepends=True)
    if lines and re.match(r"%%(time|timeit|capture|prun)\b", lines[0]):
        lines[0] = "\n"
    return TransformerManager().transform_cell("".join(lines))


def cells_of(name: str, raw: bytes, with_outputs: bool = True) -> NotebookNode | None:
    """Read a notebook file, or marimo's.

    Parameters
    ----------
    name : str
        The file's name.
    raw : bytes
        The file's content.
    with_outputs : bool
        Whether to keep all outputs, as `notebook_file.notebook` does.

    Returns
    -------
    nbformat.NotebookNode or None
        None for plain Python.

    Raises
    ------
    ValueError
        For a notebook that cannot be read; the message is a sentence.
    """
    if is_notebook_name(name):
        return notebook(name, raw, with_outputs)
    return _of_marimo(text_of(raw)) if b"marimo" in raw else None


def parts_of(notebook: NotebookNode, name: str) -> list[Part]:
    """Parse a notebook's code cells.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Of nbformat 4.
    name : str
        What messages call it.

    Returns
    -------
    list of Part
        One for each code cell, numbered from 1.
    """
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return [parsed(f"{name}, code cell {number}", source) for number, source in enumerate(code, 1)]


def words_of_script(text: str) -> NotebookNode | None:
    """Return what a script says in comments and in strings of their own, as a notebook.

    This is what a notebook looks like when Colab or Jupyter saved it as a script.

    Parameters
    ----------
    text : str
        Python.

    Returns
    -------
    nbformat.NotebookNode or None
        Its code and its words, in cells; None if it asks no inline question.
    """
    if not re.search(r"Inline question \d", text, re.I):
        return None
    cells, end = [], 0
    for found in BLOCK.finditer(text):
        if text[end : found.start()].strip():
            cells.append(_cell("code", text[end : found.start()].strip()))
        words = found[2] or found[3] or re.sub(r"^#(?: %%.*| In\[.*| ?)", "", found[0], flags=re.M)
        cells.append(_cell("markdown", words.strip()))
        end = found.end()
    cells.append(_cell("code", text[end:].strip()))
    return nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


# marimo keeps a notebook as Python: each cell is a function


def _of_marimo(text: str) -> NotebookNode | None:
    """Return the notebook that a marimo file is, or None if it is not one."""
    part = parsed("marimo", text)
    if part.tree is None or not any("marimo" in ast.unparse(node) for node in part.tree.body if is_import(node)):
        return None
    cells = [cell for statement in part.tree.body if (cell := _cell_of_marimo(statement, text))]
    return nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}) if cells else None


def _cell_of_marimo(statement: ast.stmt, text: str) -> dict[str, Any] | None:
    """Return the cell of an `@app.cell` function, an `@app.function` or class, or a `with app.setup:`; None for others."""
    if isinstance(statement, ast.With) and "app.setup" in ast.unparse(statement.items[0]):
        return _cell("code", _lines(text, statement.body))
    if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return None
    decorators = [ast.unparse(node).partition("(")[0] for node in statement.decorator_list]
    if {"app.function", "app.class_definition"} & set(decorators):
        statement.decorator_list = []
        return _cell("code", ast.unparse(statement))
    if "app.cell" not in decorators:
        return None
    body = [line for line in statement.body if not isinstance(line, ast.Return)]
    words = _markdown_of_marimo(body)
    return _cell("markdown", words) if words is not None else _cell("code", _lines(text, body))


def _markdown_of_marimo(body: Sequence[ast.stmt]) -> str | None:
    """Return the text of a cell that is nothing but `mo.md("...")`, or None."""
    call = body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None
    if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(".md") and len(call.args) == 1:
        words = call.args[0]
        if isinstance(words, ast.Constant) and isinstance(words.value, str):
            return textwrap.dedent(words.value).strip()
        if isinstance(words, ast.JoinedStr):
            return ast.unparse(words)
    return None


def _lines(text: str, body: Sequence[ast.stmt]) -> str:
    """Return the source of the statements of a block, dedented as if they were outside of it."""
    if not body:
        return ""
    first = min([body[0].lineno, *(node.lineno for node in getattr(body[0], "decorator_list", []))])
    source = textwrap.dedent("\n".join(text.split("\n")[first - 1 : body[-1].end_lineno]))
    return source if newer_python.is_read(source) else "\n".join(map(ast.unparse, body))


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell = {"id": "", "cell_type": kind, "metadata": {}, "source": source}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


# What is defined


def is_import(statement: ast.AST) -> TypeGuard[ast.Import | ast.ImportFrom]:
    """Return whether a statement is an import.

    Parameters
    ----------
    statement : ast.AST
        Any node.

    Returns
    -------
    bool
        Whether it is `import ...` or `from ... import ...`.
    """
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def is_star_import(statement: ast.AST) -> bool:
    """Return whether a statement imports all names of a module.

    Parameters
    ----------
    statement : ast.AST
        Any node.

    Returns
    -------
    bool
        Whether it is `from ... import *`.
    """
    return isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"


@functools.lru_cache(maxsize=10_000)  # asked again and again of the same statements
def bound(node: ast.AST) -> frozenset[str]:
    """Return the names that a statement at the top level gives a value to.

    Parameters
    ----------
    node : ast.AST
        The statement.

    Returns
    -------
    frozenset of str
        Those of functions, classes, imports and assignments.
    """
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return frozenset({node.name})
    if is_import(node):
        return frozenset((alias.asname or alias.name.split(".")[0]) for alias in node.names)
    names: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            names.add(child.id)
        elif isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            names.add(child.name)
        elif is_import(child):
            names |= bound(child)
    return frozenset(names)


def written_in(source: str) -> set[str]:
    """Return the names that a source which does not parse seems to define.

    Parameters
    ----------
    source : str
        Python with an error in it.

    Returns
    -------
    set of str
        Those of functions and classes.
    """
    return set(re.findall(r"^\s*(?:async\s+)?(?:def|class)\s+(\w+)", source, re.M))


@dataclass
class Definition:
    """Where a name gets its value last.

    Attributes
    ----------
    name : str
        By which it goes in the part; an import can have changed it.
    part : Part
        The one in which.
    statement : ast.stmt or None
        None where the part does not parse, and for an import that could not be followed.
    imported : str
        The module of such an import, or "".
    """

    name: str
    part: Part
    statement: ast.stmt | None = None
    imported: str = ""


def last_definition(parts: Sequence[Part], name: str, module: str = "", seen: frozenset[str] = frozenset()) -> Definition | None:
    """Return where a name gets its value last.

    What is imported from another of the parts is followed there; an import from elsewhere counts only if there is nothing else.

    Parameters
    ----------
    parts : sequence of Part
        All that the student wrote.
    name : str
        The name.
    module : str
        The module in which it is looked for, "" for the notebook or file itself.
    seen : frozenset of str
        The modules from which an import led here.

    Returns
    -------
    Definition or None
        None if it gets no value.
    """
    elsewhere, modules = None, {part.module for part in parts} - {module}
    for part in reversed([part for part in parts if part.module == module]):
        if part.tree is None:
            if name in written_in(part.source):
                return Definition(name, part)
            continue
        for statement in reversed(part.tree.body):
            if not is_import(statement):
                if name in bound(statement):
                    return Definition(name, part, statement)
                continue
            for source, original in _imports_of(statement, name, module):
                if source in modules and source not in seen:
                    found = last_definition(parts, original, source, seen | {module})
                    if found:
                        return found
                elif elsewhere is None and not is_star_import(statement):
                    elsewhere = Definition(name, part, imported=source)
    if not seen:  # used as module.name, or handed in next to the rest
        for own in {part.module: None for part in parts if part.module}:
            found = last_definition(parts, name, own, frozenset({module}))
            if found and not found.imported:
                return found
    return elsewhere


def _imports_of(statement: ast.stmt, name: str, module: str) -> list[tuple[str, str]]:
    """Return [(module, name there)] from which a `from ... import ...` can give `name` its value."""
    if not isinstance(statement, ast.ImportFrom):
        return []
    source = source_of(statement, module)
    given = [alias.name for alias in statement.names if alias.name == "*" or name == (alias.asname or alias.name)]
    return [(source, name if original == "*" else original) for original in given]


def source_of(statement: ast.ImportFrom, module: str) -> str:
    """Return the module that a `from ... import ...` imports from.

    Parameters
    ----------
    statement : ast.ImportFrom
        The import.
    module : str
        The dotted name of the module in which it is, "" for the notebook or file itself.

    Returns
    -------
    str
        A dotted name.
    """
    if not statement.level:
        return statement.module or ""
    package = (module or f"{PACKAGE}.notebook").split(".")[: -statement.level]
    return ".".join([*package, *([statement.module] if statement.module else [])])


def imported_modules(parts: Iterable[Part], modules: Collection[str] | None = None) -> list[str]:
    """Return the modules that parts import.

    Parameters
    ----------
    parts : iterable of Part
        Those that do not parse import nothing.
    modules : collection of str or None
        Only these; None for all.

    Returns
    -------
    list of str
        Dotted names, each once, in order.
    """
    found: dict[str, None] = {}
    for part in parts:
        for node in ast.walk(part.tree) if part.tree else []:
            if isinstance(node, ast.Import):
                found |= dict.fromkeys(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                source = source_of(node, part.module)
                found |= dict.fromkeys([source, *(f"{source}.{alias.name}" for alias in node.names if alias.name != "*")])
    return [name for name in found if modules is None or name in modules]


def is_stub(statement: ast.stmt) -> bool:
    """Return whether a definition still raises NotImplementedError, or does nothing at all.

    Parameters
    ----------
    statement : ast.stmt
        The statement that gives the name its value.

    Returns
    -------
    bool
        Whether it is unfinished.
    """
    raised = [node.exc for node in ast.walk(statement) if isinstance(node, ast.Raise) and node.exc]
    if any("NotImplementedError" in ast.unparse(error) for error in raised):
        return True
    return isinstance(statement, ast.FunctionDef) and all(map(_does_nothing, statement.body))


def ends_before_it_begins(statement: ast.stmt) -> bool:
    """Return whether a function is so certainly unfinished that it need not be called: it checks its arguments, and gives up.

    Parameters
    ----------
    statement : ast.stmt
        The statement that gives the name its value.

    Returns
    -------
    bool
        Whether it is a plain function that does nothing, or raises NotImplementedError after nothing but a docstring,
        constants, and calls of the kit's functions that check arguments.
    """
    if not isinstance(statement, ast.FunctionDef) or statement.decorator_list:
        return False
    defaults = [default for default in [*statement.args.defaults, *statement.args.kw_defaults] if default is not None]
    if not all(isinstance(default, ast.Constant) for default in defaults):
        return False
    if any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in ast.walk(statement)):
        return False  # a call of it raises nothing
    if all(map(_does_nothing, statement.body)):
        return True
    for line in statement.body:
        if isinstance(line, ast.Raise):
            return line.exc is not None and _called_name(line.exc) == "NotImplementedError"
        value = line.value if isinstance(line, (ast.Expr, ast.Assign)) else None
        if not (isinstance(value, ast.Constant) or CHECKS.match(_called_name(value) or "")):
            return False
    return False


def _called_name(node: ast.expr | None) -> str | None:
    """Return the name of a class or of a called function: f of `f` and `f(x)`; None if it is anything else."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.id if isinstance(node, ast.Name) else None


def _does_nothing(line: ast.stmt) -> bool:
    """Return whether a line is a docstring, `...`, `pass`, or returns nothing."""
    if isinstance(line, ast.Return):
        return line.value is None or (isinstance(line.value, ast.Constant) and line.value.value is None)
    return isinstance(line, ast.Pass) or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))


# What was written for an exercise


def source_with_helpers(parts: Sequence[Part], name: str, apart: Collection[str], helpers: int) -> list[str]:
    """Return the code that gives a name its value last, and that of the functions and classes it uses.

    Parameters
    ----------
    parts : sequence of Part
        All that the student wrote.
    name : str
        The name of a function.
    apart : collection of str
        Functions that are no helpers, such as those of the other exercises.
    helpers : int
        How many helpers at most.

    Returns
    -------
    list of str
        As it was written, with comments: the function first, then what it uses, and what that uses. A part that does not parse
        is there as a whole. Empty if the name gets no value, or one that was imported from elsewhere.
    """
    first = last_definition(parts, name)
    if first is None or first.imported:
        return []
    known = _functions(parts) - set(apart)
    found: dict[tuple[int, int], str] = {}
    waiting = [first]
    while waiting and len(found) <= helpers:
        one = waiting.pop(0)
        place = (id(one.part), getattr(one.statement, "lineno", 0))
        if place in found:
            continue
        found[place] = _written(one)
        used = [name for name in _used_names(one.statement) if name in known][:helpers] if one.statement else []
        waiting += [helper for name in used if (helper := last_definition(parts, name, one.part.module)) and helper.statement]
    return list(found.values())


def _functions(parts: Iterable[Part]) -> set[str]:
    """Return the names of the functions and classes that parts define at the top level, and those by which they import some."""
    names: set[str] = set()
    for statement in (statement for part in parts for statement in (part.tree.body if part.tree else [])):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or (
            isinstance(statement, ast.ImportFrom) and not is_star_import(statement)
        ):
            names |= bound(statement)
    return names


def _used_names(statement: ast.AST) -> list[str]:
    """Return the names that a statement reads, and those behind a dot (as in `helpers.scaled`), each once, in order."""
    names = [node for node in ast.walk(statement) if isinstance(node, (ast.Name, ast.Attribute))]
    return list(dict.fromkeys(node.id if isinstance(node, ast.Name) else node.attr for node in names))


def _written(definition: Definition) -> str:
    """Return a definition as it was written, with decorators, the comments right above it, and those at its end."""
    lines = with_plain_line_ends(definition.part.source).split("\n")
    statement = definition.statement
    if statement is None:
        return "\n".join(lines).strip("\n")
    first = min([statement.lineno, *(node.lineno for node in getattr(statement, "decorator_list", []))]) - 1
    last = statement.end_lineno or statement.lineno
    while first > 0 and lines[first - 1].startswith("#"):
        first -= 1
    end = last
    while end < len(lines) and (not lines[end].strip() or re.match(r"\s+#", lines[end])):
        end += 1
        last = end if lines[end - 1].strip() else last
    return "\n".join(lines[first:last])


# Modules of the student's own


def with_own_modules(parts: Sequence[Part], find: Find, names: Collection[str]) -> list[Part]:
    """Return parts together with those of the student's own modules that they import, and that these import.

    Parameters
    ----------
    parts : sequence of Part
        Those of the notebook or file.
    find : callable
        From a dotted name to (name for messages, bytes), or None if there is no such file.
    names : collection of str
        Those of the exercises: a file of the kit's name that defines one of them is the student's. Of other files the kit has its
        own, which count. So do installed packages: a file torch.py next to the notebook is not what `import torch` means.

    Returns
    -------
    list of Part
        `parts`, then at most MODULES_LIMIT modules.
    """
    written = _written_by_magic(parts)
    found: list[Part] = []
    looked_at: set[str] = set()
    waiting = list(parts)
    while waiting and len(found) < MODULES_LIMIT:
        new = [name for name in imported_modules(waiting) if name not in looked_at]
        looked_at |= set(new)
        waiting = [part for name in new if (part := _own_module(name, _first_of(written, find), names))]
        found += waiting
    return [*parts, *found[:MODULES_LIMIT]]


def _written_by_magic(parts: Iterable[Part]) -> dict[str, tuple[str, bytes]]:
    """Return {module: (name for messages, bytes)} of the files that cells write by `%%writefile NAME.py`; the last one counts."""
    written = {}
    for part in parts:
        for node in part.tree.body if part.tree else []:
            call = node.value if isinstance(node, ast.Expr) else None
            if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith("run_cell_magic"):
                continue
            texts = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if len(texts) == len(call.args) == 3 and texts[0] in ("writefile", "file"):
                file = texts[1].strip()
                if re.fullmatch(r"\w+\.py", file):
                    written[file.removesuffix(".py")] = f"{part.name}, {file}", texts[2].encode()
    return written


def _first_of(written: Mapping[str, tuple[str, bytes]], find: Find) -> Find:
    return lambda dotted: written.get(dotted) or find(dotted)


def _own_module(dotted: str, find: Find, names: Collection[str]) -> Part | None:
    file = find(dotted) if not _is_installed(dotted.split(".")[0]) else None
    if file is None:
        return None
    name, raw = file
    part = parsed(name, text_of(raw), dotted)
    defines = {name for statement in part.tree.body for name in bound(statement)} if part.tree else written_in(part.source)
    return part if not _is_in_the_kit(dotted) or defines & set(names) else None


@functools.cache
def _is_installed(package: str) -> bool:
    """Return whether a package is Python's own or was installed; what is in the current folder or the kit's is neither."""
    if package in sys.stdlib_module_names:
        return True
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return False
    places = [*(found.submodule_search_locations or []), found.origin] if found else []
    not_installed = {Path.cwd(), ROOT}
    first = places[0] if places else None
    return bool(first) and Path(str(first)).resolve().parent not in not_installed


def _is_in_the_kit(dotted: str) -> bool:
    return dotted.split(".")[0] == PACKAGE and any((ROOT / name).is_file() for name in file_names(dotted))


def file_names(dotted: str) -> tuple[str, str]:
    """Return the paths that a module may have, below a folder from which Python imports.

    Parameters
    ----------
    dotted : str
        The module's name.

    Returns
    -------
    (str, str)
        That of a file, and that of a package.
    """
    path = dotted.replace(".", "/")
    return f"{path}.py", f"{path}/__init__.py"


def on_disk(*folders: str | os.PathLike[str]) -> Find:
    """Return a `find` for `with_own_modules` that looks in folders.

    Parameters
    ----------
    *folders : str or os.PathLike
        The first one first.

    Returns
    -------
    callable
        From a dotted name to (name for messages, bytes), or None.
    """

    def find(dotted: str) -> tuple[str, bytes] | None:
        for folder in map(Path, folders):
            for name in file_names(dotted):
                if (folder / name).is_file():
                    return name, (folder / name).read_bytes()
        return None

    return find


def among(paths: Iterable[str], home: str, read: Callable[[str], bytes]) -> Find:
    """Return a `find` for `with_own_modules` that looks among the files of an archive.

    Of a module whose folder was lost on the way (an upload of single files), the file's name alone counts.

    Parameters
    ----------
    paths : iterable of str
        Those of the files, with "/".
    home : str
        The folder of the notebook there, "" for the archive's root.
    read : callable
        From a path to the file's content.

    Returns
    -------
    callable
        From a dotted name to (name for messages, bytes), or None.
    """
    own = [path for path in paths if not NOT_OWN & set(PurePosixPath(path).parts)]

    def find(dotted: str) -> tuple[str, bytes] | None:
        folders = [home, *map(str, PurePosixPath(home).parents)] if home else [""]
        places = [str(PurePosixPath(folder, name)) for folder in folders for name in file_names(dotted)]
        found = [path for path in places if path in own] or _with_lost_folder(dotted, own)
        return (found[0], read(found[0])) if found else None

    return find


def _with_lost_folder(dotted: str, paths: Iterable[str]) -> list[str]:
    """Return the paths of files that are named as a module is, perhaps with what an LMS put before the name or behind it."""
    last = re.escape(dotted.rpartition(".")[2])
    named = re.compile(rf"(?:.*(?:[0-9]|file)_)?{last}(?:[-_ ]?\(?[0-9]+\)?)?\.py", re.I)
    return sorted((path for path in paths if named.fullmatch(PurePosixPath(path).name)), key=len)
