"""Define from a student's notebook or Python file the exercises and what they need, nothing else."""

import __future__

import ast
import builtins
import contextlib
import dis
import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..notebook_file import is_notebook_name, text_of
from ..student_code import (
    Definition,
    Part,
    bound,
    cells_of,
    imported_modules,
    is_import,
    is_star_import,
    last_definition,
    on_disk,
    parsed,
    parts_of,
    source_of,
    with_own_modules,
    written_in,
)
from .guard import within
from .report import Report, Verdict

SECONDS = 20.0  # for one line of the file outside of the exercises
OWN_PACKAGE = __package__.rpartition(".")[0]

Statement = tuple[Part, ast.stmt]  # with the Part that it stands in


class Unavailable:
    """Stands for what cannot be imported or made here; whatever uses it fails with the reason."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(self._reason)

    def _fail(self, *_: Any, **__: Any) -> NoReturn:
        raise ImportError(self._reason)

    __call__ = __getitem__ = __iter__ = __len__ = __bool__ = __float__ = __int__ = __index__ = __neg__ = _fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _fail


class NoShell:
    """Stands for IPython inside of a student's function: its magics and shell commands do nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def functions(path: Path | str, names: Collection[str]) -> dict[str, Callable | Report]:
    """Return {name: the function that the file defines, or a Report of why there is none}.

    path: a .ipynb or .py file. Of the file, and of the student's own modules in its folder that it imports, are executed only
    the last definitions of `names`, and the imports, assignments and definitions that these use. Raises ValueError if there is
    no such file or it is of another kind.
    """
    path = Path(path)
    if not is_notebook_name(path.name) and path.suffix != ".py":
        raise ValueError(f"{path} is neither a notebook (.ipynb) nor a Python file (.py).")
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    try:
        found = parts(path.name, path.read_bytes())
    except ValueError as error:
        return {name: Report(name, Verdict.BROKEN, evidence=[str(error)]) for name in names}
    return defined(with_own_modules(found, on_disk(path.parent), names), names)


def parts(name: str, raw: bytes) -> list[Part]:
    """Return the Parts of a file, given its name and bytes. Raises ValueError for a notebook that cannot be read."""
    notebook = cells_of(name, raw, with_outputs=False)
    return parts_of(notebook, name) if notebook else [parsed(name, text_of(raw))]


def defined(parts: list[Part], names: Collection[str]) -> dict[str, Callable | Report]:
    """Return, of the Parts of a file and of its own modules, what `functions` returns."""
    found = {name: last_definition(parts, name) for name in names}
    program = _Program(parts, [name for name, definition in found.items() if definition and definition.statement])
    return {name: _function(name, definition, program) for name, definition in found.items()}


def needed_parts(parts: Sequence[Part], names: Iterable[str]) -> dict[str, list[int]]:
    """Return by name the numbers of the Parts that its definition needs: `defined` makes the same of these as of all.

    All of them are needed where the student has modules of their own.
    """
    everything = list(range(len(parts)))
    if any(part.module for part in parts):
        return dict.fromkeys(names, everything)
    statements = [(number, one) for number, part in enumerate(parts) if part.tree for one in part.tree.body]
    needs = _Needs([one for _, one in statements])
    unread = {number for number in everything if parts[number].tree is None}
    functions = [(number, one.name) for number, one in statements if isinstance(one, DEFINITIONS)]
    return {
        name: sorted(_with_all_versions({statements[i][0] for i in needs.of({name})[0]} | unread, functions)) for name in names
    }


def _with_all_versions(chosen: set[int], functions: Sequence[tuple[int, str]]) -> set[int]:
    """Return numbers of parts, and those of all other definitions of the functions that these define: the last one counts.

    functions: (number of the part, name) of each.
    """
    while True:
        names = {name for number, name in functions if number in chosen}
        more = {number for number, name in functions if name in names} - chosen
        if not more:
            return chosen
        chosen = chosen | more


def _function(name: str, definition: Definition | None, program: "_Program") -> Callable | Report:
    """Return the function that a Definition gives in a program, or the Report of why it gives none."""
    if definition is None:
        return Report(name, Verdict.MISSING)
    part = definition.part
    if definition.imported:
        said = f"{part.name} imports it from {definition.imported}, but there is no such file next to it. Both are needed."
        return Report(name, Verdict.MISSING, evidence=[said])
    unread = part if definition.statement is None else program.newer_part(definition)
    if unread:
        return Report(name, Verdict.NEWER_PYTHON if unread.newer else Verdict.BROKEN, evidence=[unread.reason])
    value, error = program.value(definition)
    if error or not callable(value):
        return Report(name, Verdict.BROKEN, evidence=[f"{part.name}, {error or f'{name} is not a function'}"])
    return value


class _Program:
    """The Parts of a file and of its own modules, of which is executed what the definitions of `names` need, in order."""

    def __init__(self, parts: Sequence[Part], names: Iterable[str]) -> None:
        self.parts, self.names = parts, set(names)
        self.modules = {part.module for part in parts} - {""}
        self.errors: dict[str, dict[str, str]] = {}  # module -> {name: message}
        self._made: dict[str, types.ModuleType] = {}  # module -> the module object

    def value(self, definition: Definition) -> tuple[Any, str | None]:
        """Return (value, error message) of what a Definition gives a value to."""
        module = definition.part.module
        return self.namespace(module).get(definition.name), self.errors[module].get(definition.name)

    def newer_part(self, definition: Definition) -> Part | None:
        """Return the part in newer Python from which a Definition needs something, or None."""
        module = definition.part.module
        newer = [part for part in self.parts if part.newer and part.module == module]
        if not newer:
            return None
        _, used = _Needs([statement for _, statement in self._statements(module)]).of({definition.name})
        missing = used - {name for _, statement in self._statements(module) for name in bound(statement)}
        return next((part for part in newer if missing & written_in(part.source)), None)

    def _statements(self, module: str) -> list[Statement]:
        return [(part, line) for part in self.parts if part.module == module and part.tree for line in part.tree.body]

    def namespace(self, module: str) -> dict[str, Any]:
        """Return the namespace of a module, "" for the file itself; it is executed when it is first asked for."""
        if module not in self._made:
            self._execute(module)
        return self._made[module].__dict__

    def _execute(self, module: str) -> None:
        made = self._made[module] = types.ModuleType(module or "student")
        package = module.rpartition(".")[0] if module else OWN_PACKAGE
        made.__dict__.update(__builtins__=builtins, __package__=package, get_ipython=NoShell)
        errors: dict[str, str] = {}
        self.errors[module] = errors
        if not module or not _is_importable(module):
            sys.modules[module or "student"] = made  # dataclasses and pickle look a class's module up
        statements = self._statements(module)
        everything = {name for _, statement in statements for name in bound(statement)}
        wanted = (_mentioned(self.parts) | self.names) & everything if module else self.names
        chosen, used = _Needs([statement for _, statement in statements]).of(wanted)
        for part in (part for part in self.parts if part.module == module and part.tree is None):
            made.__dict__.update({name: Unavailable(part.reason) for name in written_in(part.source) & used - everything})
        for i in sorted(chosen):
            part, statement = statements[i]
            if is_import(statement):
                self._import(statement, module, used - everything)
                continue
            for own in imported_modules([Part("", "", ast.Module([statement], []), module=module)], self.modules):
                self.namespace(own)  # what a function imports when it is called
            try:
                flags = _future(part) | __future__.annotations.compiler_flag  # no annotation is evaluated
                code = compile(ast.Module([statement], []), part.name, "exec", flags=flags, dont_inherit=True)
                within(SECONDS, exec, (code, made.__dict__))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # whatever a student's line raises, SystemExit too
                for name in bound(statement):
                    errors[name] = f"{_place(statement)} raises {type(error).__name__}: {error}"
                    if module or name not in self.names:
                        made.__dict__[name] = Unavailable(f"{name} has no value, since {part.name}, {errors[name]}")
            else:
                for name in bound(statement):
                    errors.pop(name, None)

    def _import(self, statement: ast.Import | ast.ImportFrom, module: str, unknown: Collection[str]) -> None:
        """Carry out an import, name by name; what cannot be imported here gets a stand-in that says so when it is used.

        unknown: names that are used and that nothing else gives a value to; they may come from an `import *` that fails.
        """
        namespace, errors = self._made[module].__dict__, self.errors[module]
        for alias in statement.names:
            single = ast.copy_location(_with_names(statement, [alias]), statement)
            if self._from_own_modules(single, alias, module):
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    exec(compile(ast.fix_missing_locations(ast.Module([single], [])), "<import>", "exec"), namespace)
            except Exception as error:
                reason = f"{ast.unparse(single)} fails here: {error}"
                if alias.name == "*":
                    lost = {name for name in unknown if name not in namespace and not hasattr(builtins, name)}
                    stand_ins = {name: Unavailable(f"{name} has no value: {reason}") for name in lost}
                else:
                    stand_ins = {alias.asname or alias.name.split(".")[0]: Unavailable(reason)}
                namespace.update({name: value for name, value in stand_ins.items() if name not in namespace})
            else:
                for name in bound(single):
                    errors.pop(name, None)

    def _from_own_modules(self, single: ast.Import | ast.ImportFrom, alias: ast.alias, module: str) -> bool:
        """Carry out the import of one name if it is, or comes from, a module of the student's own; return whether it does."""
        namespace, name = self._made[module].__dict__, alias.asname or alias.name
        source = source_of(single, module) if isinstance(single, ast.ImportFrom) else ""
        inner = f"{source}.{alias.name}" if source else alias.name
        if source in self.modules and alias.name == "*":
            there = self.namespace(source)
            namespace.update({key: there[key] for key in there.get("__all__", there) if key in there and key[:1] != "_"})
        elif source in self.modules and alias.name in {**self.namespace(source), **self.errors[source]}:
            if alias.name in self.errors[source]:
                self.errors[module][name] = self.errors[source][alias.name]
            namespace[name] = self.namespace(source).get(alias.name)
        elif inner in self.modules:
            self.namespace(inner)
            first = name.split(".")[0]
            namespace[first] = self._made[inner] if first == name else _nested(inner, self._made, namespace.get(first))
        else:
            return False
        return True


def _nested(dotted: str, made: Mapping[str, types.ModuleType], package: Any) -> types.ModuleType:
    """Return the object that `import a.b.c` binds to a. package: what a is already, if it is anything."""
    first, *inner = dotted.split(".")
    outer = types.ModuleType(first)
    with contextlib.suppress(ImportError):
        outer.__dict__.update((package or importlib.import_module(first)).__dict__)
    place = outer
    for depth, name in enumerate(inner, 2):
        here = ".".join([first, *inner[: depth - 1]])
        following = made.get(here) or getattr(place, name, None) or types.ModuleType(here)
        setattr(place, name, following)
        place = following
    return outer


def _is_importable(dotted: str) -> bool:
    """Return whether Python finds a module of this name by itself."""
    try:
        return importlib.util.find_spec(dotted) is not None
    except (ImportError, ValueError, AttributeError):  # its package is not there, or is none
        return False


def _mentioned(parts: Iterable[Part]) -> set[str]:
    """Return all names that parts read, set, import, or take from another object."""
    names: set[str] = set()
    for part in parts:
        for node in ast.walk(part.tree) if part.tree else []:
            names |= {getattr(node, key) for key in ("id", "attr") if hasattr(node, key)}
            names |= {alias.name for alias in node.names} if is_import(node) else set()
    return names


def _place(statement: ast.stmt) -> str:
    """Return where a statement is, with its decorators: one that cannot be applied here keeps a function from being made."""
    decorators = " ".join(f"@{ast.unparse(node)}" for node in getattr(statement, "decorator_list", []))
    return f"line {statement.lineno}, with the decorator {decorators}," if decorators else f"line {statement.lineno}"


class _Needs:
    """What definitions need of the statements of a module."""

    def __init__(self, statements: Sequence[ast.stmt]) -> None:
        self.statements = statements
        self.imported = {name for statement in statements if is_import(statement) for name in bound(statement)}
        by_calling = _changed_by_calling(statements)
        self.changed = [_changed(statement, by_calling) for statement in statements]

    def of(self, wanted: Collection[str]) -> tuple[set[int], set[str]]:
        """Return (numbers of the statements that definitions of `wanted` need, all names that these read)."""
        wanted = set(wanted)
        chosen: set[int] = set()
        while True:
            more = {
                i
                for i, statement in enumerate(self.statements)
                if i not in chosen
                and (wanted & bound(statement) or is_star_import(statement) or self.changed[i] & (wanted - self.imported))
            }
            if not more:
                return chosen, wanted
            chosen |= more
            wanted |= {name for i in more for name in _used(self.statements[i])}


def _used(statement: ast.stmt) -> set[str]:
    """Return the global names that a statement reads, also inside of the functions that it defines.

    A statement that parses and cannot be compiled, such as a `break` outside a loop, reads none: executing it reports the error.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = [compile(ast.Module([statement], []), "<names>", "exec")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names: set[str] = set()
    while code:
        current = code.pop()
        code += [constant for constant in current.co_consts if isinstance(constant, types.CodeType)]
        names |= {step.argval for step in dis.get_instructions(current) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return names


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
FUNCTIONS = (*DEFINITIONS, ast.Lambda)


def _changed(statement: ast.stmt, by_calling: Mapping[str, Collection[str]]) -> set[str]:
    """Return the names of the objects that a statement changes without binding them, in its loops and conditions, too.

    D in `D["x"] = 1`, `D.x = 1`, `D.append(1)`, `setattr(D, "x", 1)` and `init.zeros_(D)`, whose underscore says so in PyTorch.
    by_calling: {function of the student's own: what a call of it changes}; a decorator is called as well.
    """
    decorators = getattr(statement, "decorator_list", [])
    called = [name for decorator in decorators if (name := _base(decorator)) is not None]
    names: set[str | None] = set().union(*(by_calling.get(name, ()) for name in called))
    for node in _walk_outside_of_functions(statement):
        if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            names.add(_base(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            names |= _changed_by_call(node.value, by_calling)
    return {name for name in names if name is not None}


def _changed_by_call(call: ast.Call, by_calling: Mapping[str, Collection[str]]) -> set[str | None]:
    arguments = [_base(argument) for argument in call.args]
    if isinstance(call.func, ast.Name):
        return {*by_calling.get(call.func.id, ()), *arguments[: call.func.id == "setattr"]}
    in_place = isinstance(call.func, ast.Attribute) and call.func.attr.endswith("_")
    return {_base(call.func), *(arguments if in_place else [])}


def _walk_outside_of_functions(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes of a statement that are executed where it stands."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, FUNCTIONS):
            yield node
            waiting += ast.iter_child_nodes(node)


def _base(node: ast.expr) -> str | None:
    """Return the name from which attributes, items and calls lead to a node: D of `D["x"].y`; None if there is none."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _changed_by_calling(statements: Iterable[ast.stmt]) -> dict[str, set[str]]:
    """Return {name of a function: the global names that it binds, and those whose objects it changes}."""
    changed = {}
    for function in (statement for statement in statements if isinstance(statement, DEFINITIONS)):
        inner = [node for node in ast.walk(function) if isinstance(node, ast.stmt) and node is not function]
        own = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        own |= {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
        of_all = {name for node in inner if isinstance(node, ast.Global) for name in node.names}
        changed[function.name] = of_all | (set().union(*(_changed(node, {}) for node in inner)) - own)
    return changed


def _future(part: Part) -> int:
    """Return the compiler's flags for the `from __future__ import ...` of a file or cell."""
    names = {
        alias.name
        for statement in (part.tree.body if part.tree else [])
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        for alias in statement.names
    }
    return sum({getattr(__future__, name).compiler_flag for name in names if hasattr(__future__, name)})


def _with_names(statement: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> ast.Import | ast.ImportFrom:
    if isinstance(statement, ast.Import):
        return ast.Import(names)
    return ast.ImportFrom(statement.module, names, statement.level)
