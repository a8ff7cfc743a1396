"""A student's code as parts with their syntax trees, read and never run: what it defines, imports, and leaves as a stub."""

import ast
import functools
import importlib.util
import linecache
import re
import sys
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from . import newer_python
from .kit import ROOT
from .notebook_file import is_notebook_name, merge_marker, notebook, text_of

PACKAGE = __package__
MODULES_LIMIT = 40  # own modules that are read
# In a script: a string of its own, or lines of comment.
BLOCK = re.compile(r"^[rR]?(\"\"\"(.*?)\"\"\"|'''(.*?)''')|(?:^#[^\n]*(?:\n|\Z))+", re.M | re.S)
NOT_OWN = {"site-packages", "dist-packages", "venv", ".venv", "env", "__pycache__", "node_modules"}


@dataclass
class Part:
    """A cell, or a whole file.

    name: for messages. tree: its syntax tree, or None if it does not parse, for `reason`. newer: the (major, minor) of the
    Python that reads it, if that is newer than this one. module: the dotted name by which other parts import it, "" for the
    notebook or file itself.
    """

    name: str
    source: str
    tree: ast.Module | None = None
    reason: str = ""
    newer: tuple | None = None
    module: str = ""


def parsed(name, source, module=""):
    """Return the Part of a cell or file, with its syntax tree, or the reason why it has none."""
    part = Part(name, source, module=module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in strings
        for rewrite in (lambda source: source, _without_magics):
            try:
                part.source = rewrite(part.source)
                part.tree = ast.parse(part.source, part.name)
                break
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two for what is nested too deeply
                said = f"line {error.lineno}: {(error.text or '').strip()}. " if getattr(error, "lineno", None) else ""
                part.reason = f"{said}Python cannot read this: {getattr(error, 'msg', error) or 'it is nested too deeply'}."
    marker = merge_marker(part.source)
    if part.tree is None and not marker:
        part.newer = newer_python.needed(part.source)
    if part.newer:
        part.reason = f"{said}This needs Python {_version(part.newer)} or newer; this grader runs {_version(sys.version_info)}."
    part.reason = f"{part.name}, {marker or part.reason}" if part.tree is None else ""
    linecache.cache[part.name] = (len(part.source), None, part.source.splitlines(keepends=True), part.name)
    return part


def _version(numbers):
    return f"{numbers[0]}.{numbers[1]}"


def _without_magics(source):
    """Return IPython's source as plain Python, line for line."""
    from IPython.core.inputtransformer2 import TransformerManager

    lines = source.splitlines(keepends=True)
    if lines and re.match(r"%%(time|timeit|capture|prun)\b", lines[0]):
        lines[0] = "\n"
    return TransformerManager().transform_cell("".join(lines))


def cells_of(name, raw, with_outputs=True):
    """Return the notebook of a .ipynb file, or of a marimo one, as notebook_file.notebook does; None for plain Python.

    Raises ValueError with a sentence for a notebook that cannot be read.
    """
    if is_notebook_name(name):
        return notebook(name, raw, with_outputs)
    return _of_marimo(text_of(raw)) if b"marimo" in raw else None


def parts_of(notebook, name):
    """Return the Parts of a notebook's code cells, numbered from 1."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return [parsed(f"{name}, code cell {number}", source) for number, source in enumerate(code, 1)]


def words_of_script(text):
    """Return a notebook with what Python text says in comments and in strings of their own, where it asks a question; or None.

    So a notebook looks that was saved as a script, by Colab or by Jupyter.
    """
    import nbformat

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


def _of_marimo(text):
    """Return the notebook that a marimo file is, or None if it is none."""
    import nbformat

    part = parsed("marimo", text)
    if part.tree is None or not any("marimo" in ast.unparse(node) for node in part.tree.body if is_import(node)):
        return None
    cells = [cell for statement in part.tree.body if (cell := _cell_of_marimo(statement, text))]
    return nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}) if cells else None


def _cell_of_marimo(statement, text):
    """Return the cell of an `@app.cell` function, an `@app.function` or class, or a `with app.setup:`; None for others."""
    if isinstance(statement, ast.With) and "app.setup" in ast.unparse(statement.items[0]):
        return _cell("code", _lines(text, statement.body))
    decorators = [ast.unparse(node).partition("(")[0] for node in getattr(statement, "decorator_list", [])]
    if {"app.function", "app.class_definition"} & set(decorators):
        statement.decorator_list = []
        return _cell("code", ast.unparse(statement))
    if "app.cell" not in decorators:
        return None
    body = [line for line in statement.body if not isinstance(line, ast.Return)]
    words = _markdown_of_marimo(body)
    return _cell("markdown", words) if words is not None else _cell("code", _lines(text, body))


def _markdown_of_marimo(body):
    """Return the text of a cell that is nothing but `mo.md("...")`, or None."""
    call = body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None
    if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(".md") and len(call.args) == 1:
        words = call.args[0]
        if isinstance(words, ast.Constant) and isinstance(words.value, str):
            return textwrap.dedent(words.value).strip()
        if isinstance(words, ast.JoinedStr):
            return ast.unparse(words)
    return None


def _lines(text, body):
    """Return the source of statements that stand in a block, as it would stand outside of it."""
    if not body:
        return ""
    first = min([body[0].lineno, *(node.lineno for node in getattr(body[0], "decorator_list", []))])
    source = textwrap.dedent("\n".join(text.split("\n")[first - 1 : body[-1].end_lineno]))
    return source if newer_python.is_read(source) else "\n".join(map(ast.unparse, body))


def _cell(kind, source):
    cell = {"id": "", "cell_type": kind, "metadata": {}, "source": source}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


# What is defined


def is_import(statement):
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def is_star_import(statement):
    return isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"


def bound(node):
    """Return the names that a statement at the top level gives a value to."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if is_import(node):
        return {(alias.asname or alias.name.split(".")[0]) for alias in node.names}
    names = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            names.add(child.id)
        elif isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            names.add(child.name)
        elif is_import(child):
            names |= bound(child)
    return names


def written_in(source):
    """Return the names that a source which does not parse seems to define."""
    return set(re.findall(r"^\s*(?:async\s+)?(?:def|class)\s+(\w+)", source, re.M))


@dataclass
class Definition:
    """Where a name gets its value last.

    part: the one in which. statement: None where the part does not parse, and for an import that could not be followed.
    imported: the module of such an import. name: by which it goes in the part; an import can have changed it.
    """

    name: str
    part: Part
    statement: ast.stmt | None = None
    imported: str = ""


def last_definition(parts, name, module="", seen=frozenset()):
    """Return the Definition of a name in a module of `parts` ("": the notebook or file itself), or None.

    What is imported from another of the parts is followed there; an import from elsewhere counts only if there is nothing
    else.
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
    if not seen:  # used as module.name, or handed in beside the rest
        for own in {part.module: None for part in parts if part.module}:
            found = last_definition(parts, name, own, frozenset({module}))
            if found and not found.imported:
                return found
    return elsewhere


def _imports_of(statement, name, module):
    """Return [(module, name there)] from which a `from ... import ...` can give `name` its value."""
    if not isinstance(statement, ast.ImportFrom):
        return []
    source = source_of(statement, module)
    given = [alias.name for alias in statement.names if alias.name == "*" or name == (alias.asname or alias.name)]
    return [(source, name if original == "*" else original) for original in given]


def source_of(statement, module):
    """Return the dotted name of the module that a `from ... import ...` in `module` imports from."""
    if not statement.level:
        return statement.module or ""
    package = (module or f"{PACKAGE}.notebook").split(".")[: -statement.level]
    return ".".join([*package, *([statement.module] if statement.module else [])])


def imported_modules(parts, modules=None):
    """Return the dotted names of all modules that parts import, in order; of `modules` only those."""
    found = {}
    for part in parts:
        for node in ast.walk(part.tree) if part.tree else []:
            if isinstance(node, ast.Import):
                found |= dict.fromkeys(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                source = source_of(node, part.module)
                found |= dict.fromkeys([source, *(f"{source}.{alias.name}" for alias in node.names if alias.name != "*")])
    return [name for name in found if modules is None or name in modules]


def is_stub(statement):
    """Return whether a definition still raises NotImplementedError, or does nothing at all."""
    raised = [node.exc for node in ast.walk(statement) if isinstance(node, ast.Raise) and node.exc]
    if any("NotImplementedError" in ast.unparse(error) for error in raised):
        return True
    return isinstance(statement, ast.FunctionDef) and all(map(_does_nothing, statement.body))


def _does_nothing(line):
    """Return whether a line is a docstring, `...`, `pass`, or returns nothing."""
    if isinstance(line, ast.Return):
        return line.value is None or (isinstance(line.value, ast.Constant) and line.value.value is None)
    return isinstance(line, ast.Pass) or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))


# Modules of the student's own


def with_own_modules(parts, find, names):
    """Return parts together with those of the student's own modules that they import, and that these import.

    find: dotted name -> (name for messages, bytes) or None. names: of the exercises: a file of the kit's name that defines one
    of them is the student's; of other files the kit has its own, which count. So do installed packages: a file torch.py beside
    the notebook is not what `import torch` means.
    """
    written = _written_by_magic(parts)
    found, looked_at, waiting = [], set(), list(parts)
    while waiting and len(found) < MODULES_LIMIT:
        new = [name for name in imported_modules(waiting) if name not in looked_at]
        looked_at |= set(new)
        waiting = [part for name in new if (part := _own_module(name, _first_of(written, find), names))]
        found += waiting
    return [*parts, *found[:MODULES_LIMIT]]


def _written_by_magic(parts):
    """Return {module: (name for messages, bytes)} of the files that cells write by `%%writefile NAME.py`; the last one counts."""
    written = {}
    for part in parts:
        for node in part.tree.body if part.tree else []:
            call = ast.unparse(node.value.func) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else ""
            values = [getattr(argument, "value", None) for argument in node.value.args] if call.endswith("run_cell_magic") else []
            if len(values) == 3 and values[0] in ("writefile", "file") and re.fullmatch(r"\w+\.py", str(values[1]).strip()):
                file = values[1].strip()
                written[file.removesuffix(".py")] = f"{part.name}, {file}", values[2].encode()
    return written


def _first_of(written, find):
    return lambda dotted: written.get(dotted) or find(dotted)


def _own_module(dotted, find, names):
    file = find(dotted) if not _is_installed(dotted.split(".")[0]) else None
    if file is None:
        return None
    name, raw = file
    part = parsed(name, text_of(raw), dotted)
    defines = {name for statement in part.tree.body for name in bound(statement)} if part.tree else written_in(part.source)
    return part if not _is_in_the_kit(dotted) or defines & set(names) else None


@functools.cache
def _is_installed(package):
    """Return whether a package is Python's own or was installed; what lies in the present folder or the kit's is neither."""
    if package in sys.stdlib_module_names:
        return True
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return False
    places = [*(found.submodule_search_locations or []), found.origin] if found else []
    not_installed = {Path.cwd(), ROOT}
    return bool(places and places[0]) and Path(places[0]).resolve().parent not in not_installed


def _is_in_the_kit(dotted):
    return dotted.split(".")[0] == PACKAGE and any((ROOT / name).is_file() for name in file_names(dotted))


def file_names(dotted):
    """Return the paths, below a folder from which Python imports, that a module may have."""
    path = dotted.replace(".", "/")
    return f"{path}.py", f"{path}/__init__.py"


def on_disk(*folders):
    """Return a `find` for with_own_modules that looks in folders, the first one first."""

    def find(dotted):
        for folder in map(Path, folders):
            for name in file_names(dotted):
                if (folder / name).is_file():
                    return name, (folder / name).read_bytes()
        return None

    return find


def among(paths, home, read):
    """Return a `find` for with_own_modules that looks among the files of an archive.

    paths: theirs, with "/". home: the folder of the notebook there, "" for the archive's root. read: path -> bytes.
    Of a module whose folder was lost on the way (an upload of single files), the file's name alone counts.
    """
    own = [path for path in paths if not NOT_OWN & set(PurePosixPath(path).parts)]

    def find(dotted):
        folders = [home, *map(str, PurePosixPath(home).parents)] if home else [""]
        places = [str(PurePosixPath(folder, name)) for folder in folders for name in file_names(dotted)]
        found = [path for path in places if path in own] or _with_lost_folder(dotted, own)
        return (found[0], read(found[0])) if found else None

    return find


def _with_lost_folder(dotted, paths):
    """Return the paths of files that are named as a module is, perhaps with what an LMS put before the name or behind it."""
    last = re.escape(dotted.rpartition(".")[2])
    named = re.compile(rf"(?:.*(?:[0-9]|file)_)?{last}(?:[-_ ]?\(?[0-9]+\)?)?\.py", re.I)
    return sorted((path for path in paths if named.fullmatch(PurePosixPath(path).name)), key=len)
