"""Read a student's notebook or Python file, and define from it the three exercises and what they need, nothing else."""

import __future__

import ast
import builtins
import codecs
import dis
import linecache
import re
import sys
import tokenize
import types
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat

from .guard import within
from .report import Report

MERGE_MARKER = re.compile(r"^(<{7}|={7}|>{7})(\s|$)")
SECONDS = 20.0  # for one line of the file outside of the exercises
OWN_PACKAGE = __package__.rpartition(".")[0]


@dataclass
class Part:
    """A cell, or a whole file. name: for messages. tree: its syntax tree, or None if it does not parse, for `reason`."""

    name: str
    source: str
    tree: ast.Module | None = None
    reason: str = ""


class Unavailable:
    """Stands for what cannot be imported or made here; whatever uses it fails with the reason."""

    def __init__(self, reason):
        self._reason = reason

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(self._reason)

    def _fail(self, *_, **__):
        raise ImportError(self._reason)

    __call__ = __getitem__ = __iter__ = __len__ = __bool__ = __float__ = __int__ = __index__ = __neg__ = _fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _fail


class NoShell:
    """Stands for IPython inside of a student's function: its magics and shell commands do nothing."""

    def __getattr__(self, name):
        return lambda *_, **__: None


def functions(path, names):
    """Return {name: the function that the file defines, or a Report of why there is none}.

    path: a .ipynb or .py file. Of the file are executed only the last definitions of `names`, and the imports, assignments
    and definitions that these use. Raises ValueError if there is no such file or it is of another kind.
    """
    path = Path(path)
    if path.suffix not in (".ipynb", ".py"):
        raise ValueError(f"{path} is neither a notebook (.ipynb) nor a Python file (.py).")
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    try:
        found = parts(path.name, text_of(path.read_bytes()))
    except ValueError as error:
        return {name: Report(name, "broken", evidence=[str(error)]) for name in names}
    return defined(found, names)


def defined(parts, names):
    """Return, of the Parts of a file, what `functions` returns."""
    found = {name: _last_definition(parts, name) for name in names}
    wanted = [name for name, part in found.items() if part is not None and part.tree is not None]
    namespace, errors = _execute(parts, wanted)
    answers = {}
    for name, part in found.items():
        if part is None:
            answers[name] = Report(name, "missing", evidence=_imported(parts, name))
        elif part.tree is None:
            answers[name] = Report(name, "broken", evidence=[part.reason])
        elif name in errors or not callable(namespace.get(name)):
            said = errors.get(name, f"{name} is no function")
            answers[name] = Report(name, "broken", evidence=[f"{part.name}, {said}"])
        else:
            answers[name] = namespace[name]
    return answers


def _last_definition(parts, name):
    """Return the last part that defines `name`, if need be one that Python cannot read, or None."""
    for part in reversed(parts):
        if part.tree is not None and name in _bound_by_definition(part.tree):
            return part
        if part.tree is None and re.search(rf"^\s*def\s+{name}\b", part.source, re.M):
            return part
    return None


def parts(name, text):
    """Return the Parts of a file, given its name and text. Raises ValueError for a notebook that cannot be read."""
    if name.endswith(".py"):
        return [parsed(name, text)]
    marker = _merge_marker(text)
    if marker:
        raise ValueError(f"{name}, {marker}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells without an id
            notebook = nbformat.reads(text, as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    except Exception as error:  # whatever nbformat and json raise for a broken file
        said = " ".join(str(error).split())[:200]
        raise ValueError(f"{name} is not a notebook, or it is damaged ({type(error).__name__}: {said}).") from None
    return [parsed(f"{name}, code cell {number}", cell.source) for number, cell in enumerate(cells, 1)]


def text_of(raw):
    """Return the text of a file's bytes, whatever its encoding, with plain line ends."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _with_plain_line_ends(raw.decode("utf-16", errors="replace"))
    try:
        encoding, _ = tokenize.detect_encoding(iter(raw.splitlines(keepends=True)).__next__)
    except SyntaxError:
        encoding = "utf-8"
    return _with_plain_line_ends(raw.decode(encoding, errors="replace").removeprefix("\ufeff"))


def _with_plain_line_ends(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _merge_marker(text):
    """Return the sentence about the first mark of an unfinished merge in a text, or None."""
    lines = list(enumerate(text.splitlines(), 1))
    if not any(line.startswith(("<<<<<<<", ">>>>>>>")) for _, line in lines):
        return None
    number, line = next((number, line) for number, line in lines if MERGE_MARKER.match(line))
    return f"line {number} is a mark of a merge that was not finished: {line.strip()[:60]}. Choose a side and delete the marks."


def parsed(name, source):
    """Return the Part of a cell or file, with its syntax tree, or the reason why it has none."""
    part = Part(name, source)
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
    marker = _merge_marker(part.source)
    part.reason = f"{part.name}, {marker or part.reason}"
    linecache.cache[part.name] = (len(part.source), None, part.source.splitlines(keepends=True), part.name)
    return part


def _without_magics(source):
    """Return IPython's source as plain Python, line for line."""
    from IPython.core.inputtransformer2 import TransformerManager

    lines = source.splitlines(keepends=True)
    if lines and re.match(r"%%(time|timeit|capture|prun)\b", lines[0]):
        lines[0] = "\n"
    return TransformerManager().transform_cell("".join(lines))


def _bound_by_definition(tree):
    return {name for statement in tree.body if not _is_import(statement) for name in _bound(statement)}


def _is_import(statement):
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def _imported(parts, name):
    for part in parts:
        for statement in part.tree.body if part.tree else []:
            if isinstance(statement, ast.ImportFrom) and name in _bound(statement):
                return [f"{part.name} imports it; the file that defines it is the one to check."]
    return []


def _bound(node):
    """Return the names that a statement at the top level gives a value to."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if _is_import(node):
        return {(alias.asname or alias.name.split(".")[0]) for alias in node.names}
    names = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            names.add(child.id)
        elif isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            names.add(child.name)
        elif _is_import(child):
            names |= _bound(child)
    return names


def _used(statement):
    """Return the global names that a statement reads, also inside of the functions that it defines."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = [compile(ast.Module([statement], []), "<names>", "exec")]
    names = set()
    while code:
        current = code.pop()
        code += [constant for constant in current.co_consts if isinstance(constant, types.CodeType)]
        names |= {step.argval for step in dis.get_instructions(current) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return names


def _execute(parts, names):
    """Execute what the definitions of `names` need, in the file's order; return (namespace, {name: error message})."""
    statements = [(part, statement) for part in parts if part.tree for statement in part.tree.body]
    imported = {name for _, statement in statements if _is_import(statement) for name in _bound(statement)}
    wanted, chosen = set(names), set()
    while True:
        more = {
            i
            for i, (_, statement) in enumerate(statements)
            if i not in chosen
            and (wanted & _bound(statement) or _is_star_import(statement) or _changed(statement) in wanted - imported)
        }
        if not more:
            break
        chosen |= more
        wanted |= {name for i in more for name in _used(statements[i][1])}
    module = types.ModuleType("student")
    module.__dict__.update(__builtins__=builtins, __package__=OWN_PACKAGE, get_ipython=NoShell)
    sys.modules["student"] = module  # dataclasses and pickle look a class's module up
    errors = {}
    from_elsewhere = wanted - {name for _, statement in statements for name in _bound(statement)} - vars(builtins).keys()
    for i in sorted(chosen):
        part, statement = statements[i]
        if _is_import(statement):
            _import(statement, module.__dict__, from_elsewhere)
            continue
        try:
            code = compile(ast.Module([statement], []), part.name, "exec", flags=_future(part.tree), dont_inherit=True)
            within(SECONDS, exec, (code, module.__dict__))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a student's line raises, SystemExit too
            for name in _bound(statement):
                errors[name] = f"line {statement.lineno} raises {type(error).__name__}: {error}"
                if name not in names:
                    module.__dict__[name] = Unavailable(f"{name} has no value, since {part.name}, {errors[name]}")
        else:
            for name in _bound(statement):
                errors.pop(name, None)
    return module.__dict__, errors


def _changed(statement):
    """Return the name of the object that a statement changes: D in `D["x"] = 1`, `D.x = 1` and `D.append(1)`; else None."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        node = statement.value.func
    elif isinstance(statement, (ast.Assign, ast.AugAssign)):
        node = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    else:
        return None
    if not isinstance(node, (ast.Attribute, ast.Subscript)):
        return None
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _future(tree):
    """Return the compiler's flags for the `from __future__ import ...` of a file or cell."""
    names = {
        alias.name
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        for alias in statement.names
    }
    return sum({getattr(__future__, name).compiler_flag for name in names if hasattr(__future__, name)})


def _is_star_import(statement):
    return isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"


def _import(statement, namespace, from_elsewhere):
    """Carry out an import, name by name; what cannot be imported here gets a stand-in that says so when it is used.

    from_elsewhere: names that the file uses and does not define, so that an `import *` may be what defines them.
    """
    for alias in statement.names:
        single = ast.copy_location(_with_names(statement, [alias]), statement)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile(ast.fix_missing_locations(ast.Module([single], [])), "<import>", "exec"), namespace)
        except Exception as error:
            names = from_elsewhere - namespace.keys() if alias.name == "*" else [alias.asname or alias.name.split(".")[0]]
            for name in names:
                namespace[name] = Unavailable(f"{ast.unparse(single)} fails here: {error}")


def _with_names(statement, names):
    if isinstance(statement, ast.Import):
        return ast.Import(names)
    return ast.ImportFrom(statement.module, names, statement.level)
