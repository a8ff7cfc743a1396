"""The package as students get it: without the solutions, and without what only something that is left out needs."""

import ast
import copy
import functools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from .solutions import Marked, nodes_if_named, package_files, parsed

LINE_LENGTH = 130


def package_without(marked: Sequence[Marked], kit: Path) -> dict[str, bytes]:
    """Return {path: bytes} of the package without the marked functions, and without files in which nothing else is.

    Imports that nothing needs any more are gone, too. Raises ValueError with file and line where the rest uses such a function.
    """
    package = {}
    for file in package_files(kit):
        content, name = file.read_bytes(), file.relative_to(kit).as_posix()
        if file.suffix == ".py":
            _require_not_imported(file, marked)
        own = [function for function in marked if function.file == file]
        if own:
            gone = {i for function in own for i in range(function.first, function.last + 1)}
            text = "\n".join(line for i, line in enumerate(own[0].lines, 1) if i not in gone)
            rest = parsed(file, text)
            if all(_is_import(statement) or _is_text(statement) for statement in rest.body):
                continue
            _require_unused(rest, own)
            unused = _bound_by_imports(rest) - _names(rest)
            content = (re.sub(r"\n{4,}", "\n\n\n", without_imports(rest, text, unused)).strip() + "\n").encode()
        package[name] = content
    return package


def _require_unused(tree: ast.Module, removed: Iterable[Marked]) -> None:
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for function in removed:
        if function.name in used:
            raise ValueError(
                f"{function.file}:{function.first}: {function.name} is an exercise, and the rest of the file uses it, which "
                "students get without it. Take it as an argument there."
            )


def _require_not_imported(file: Path, marked: Iterable[Marked]) -> None:
    names = {(function.module.rpartition(".")[2], function.name) for function in marked}
    for node in nodes_if_named(file, [name for _, name in names]):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if ((node.module or "").rpartition(".")[2], alias.name) in names:
                    raise ValueError(
                        f"{file}:{node.lineno}: {alias.name} is an exercise, which students get without its solution. Take it as "
                        "an argument there."
                    )


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _imports(tree: ast.Module) -> list[ast.Import | ast.ImportFrom]:
    """Return what a file imports at its top level."""
    return [statement for statement in tree.body if isinstance(statement, (ast.Import, ast.ImportFrom))]


def _bound_by_imports(tree: ast.Module) -> set[str]:
    return {_bound_by(alias) for statement in _imports(tree) for alias in statement.names}


def _bound_by(alias: ast.alias) -> str:
    """Return the name that an import makes known."""
    return alias.asname or alias.name.split(".")[0]


def without_imports(tree: ast.Module, text: str, unused: Collection[str]) -> str:
    """Return a text without what it imports at its top level under one of these names. tree: the text's."""
    lines = text.split("\n")
    for statement in reversed(_imports(tree)):
        kept = [alias for alias in statement.names if _bound_by(alias) not in unused]
        if len(kept) < len(statement.names):
            first, after = statement.lineno - 1, statement.end_lineno or statement.lineno
            alone = not kept and lines[first - 1 : first] + lines[after : after + 1] == ["", ""]
            lines[first : after + alone] = _import_lines(statement, kept)
    return "\n".join(lines)


def _import_lines(statement: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> list[str]:
    """Return the lines of an import of these names alone, [] if there are none."""
    if not names:
        return []
    statement = copy.copy(statement)
    statement.names = names
    line = ast.unparse(statement)
    if len(line) <= LINE_LENGTH:
        return [line]
    start = line[: line.index(" import ")]
    return [f"{start} import (", *(f"    {ast.unparse(alias)}," for alias in names), ")"]


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


# What is reached


def without_what_nothing_reaches(package: Mapping[str, bytes], before: Iterable[str], after: Iterable[str]) -> dict[str, bytes]:
    """Return the files of a package without those that only code which is gone imports.

    package: {path: bytes}. before, after: code of the notebook, a list of sources, with what is left out and without it. A file
    that no code of the notebook ever reached, directly or through others, stays: it is a command, or data.
    """
    imports = {path: _imported_by(package, path, content.decode()) for path, content in package.items() if path.endswith(".py")}
    ever, still = (
        _reached(imports, [path for source in code for path in _imported_by(package, "", source)]) for code in (before, after)
    )
    still |= _reached(imports, imports.keys() - ever)
    return {path: content for path, content in package.items() if path in still or path not in imports}


def _reached(imports: Mapping[str, list[str]], paths: Iterable[str]) -> set[str]:
    """Return these paths of files, and those of the files that they import, directly or through each other."""
    found: set[str] = set()
    todo = list(paths)
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += imports[path]
    return found


def _imported_by(package: Mapping[str, bytes], path: str, source: str) -> list[str]:
    """Return the paths of the package's files that code names in its imports. path: of its own file, "" for a cell."""
    modules: list[str] = []
    for module, level, names in _named_in_imports(source):
        above = path.split("/")[:-level] if level else []
        base = ".".join([*above, *([module] if module else [])])
        modules += [base, *(f"{base}.{name}" for name in names)]
    places = [form.format(module.replace(".", "/")) for module in modules for form in ("{}.py", "{}/__init__.py")]
    return [place for place in places if place in package]


@functools.lru_cache(1_000)
def _named_in_imports(source: str) -> tuple[tuple[str | None, int, tuple[str, ...]], ...]:
    """Return (module, level, names) of each import in code, as `from` has them; of a plain import without names."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a cell with a magic, or a shell command
        return ()
    plain = [(alias.name, 0, ()) for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    of_names = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return (*plain, *((node.module, node.level, tuple(alias.name for alias in node.names)) for node in of_names))
