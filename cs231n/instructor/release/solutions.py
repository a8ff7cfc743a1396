"""The functions that hold a solution, found by their markers in all files of the package, and those that lack the markers."""

import ast
import contextlib
import functools
import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
LIKE_A_MARKER = re.compile(r"\b(begin|end)[\W_]*solutions?\b", re.I)
FUNCTIONS = ast.FunctionDef, ast.AsyncFunctionDef
PACKAGE_FILES = {".py", ".npz", ".md", ".toml", ".typed"}
NEVER_IN_AN_EDITION = {".git", "instructor", "tests", "__pycache__", ".ipynb_checkpoints"}


@dataclass(frozen=True)
class Marked:
    """A function with a solution in it. module: its dotted name. file: its path. lines: the file's.

    first, last: the function's lines, from 1. regions: ((line of BEGIN SOLUTION, line of END SOLUTION), ...).
    """

    module: str
    file: Path
    lines: tuple[str, ...]
    name: str
    first: int
    last: int
    regions: tuple[tuple[int, int], ...]

    @property
    def place(self) -> str:
        return f"{self.file}:{self.regions[0][0]}"

    def solved(self) -> str:
        """Return the function's source with its solution, without the markers."""
        markers = {line for region in self.regions for line in region}
        return "\n".join(self.lines[i - 1] for i in range(self.first, self.last + 1) if i not in markers)

    def with_solution_replaced(self, *replacement: str) -> str:
        """Return the function's source with these lines, indented, in place of each solution."""
        kept: list[str] = []
        begins = dict(self.regions)
        i = self.first
        while i <= self.last:
            line = self.lines[i - 1]
            if i in begins:
                kept += [line[: len(line) - len(line.lstrip())] + new for new in replacement]
                i = begins[i]
            else:
                kept.append(line)
            i += 1
        return "\n".join(kept)

    def stub(self) -> str:
        """Return the function's source as a student gets it."""
        return self.with_solution_replaced("# YOUR CODE HERE", f'raise NotImplementedError("{self.name} is not implemented yet")')


def marked_functions(kit: Path) -> list[Marked]:
    """Return the Marked functions of all files of the package in the folder `kit`, except the instructor's.

    Raises ValueError with file and line, a sentence for each file, for a marker without its partner, inside of another pair
    or misspelt, for a pair outside of a function, and for a function that would be the same without its solution.
    """
    found: list[Marked] = []
    problems: list[str] = []
    for file in _python_files(kit):
        with noted(problems):
            found += _marked_functions_of(file, kit)
    if problems:
        raise ValueError("\n".join(problems))
    return found


def _marked_functions_of(file: Path, kit: Path) -> list[Marked]:
    text = file.read_text(encoding="utf-8")
    regions = _regions(file, text)
    marked = _functions_around(_module(file, kit), file, text, regions) if regions else []
    for function in marked:
        _require_stub(function)
    return marked


def unmarked_functions(kit: Path, marked: Iterable[Marked], names: Collection[str]) -> list[tuple[str, str, str]]:
    """Return [(module, name, "file:line")] of the functions with one of these names that would go to students as they are.

    marked: the Marked functions of the kit, which will not. A copy in another file counts, and so does a method.
    """
    found = []
    for file in _python_files(kit):
        taken_out = {i for function in marked if function.file == file for i in range(function.first, function.last + 1)}
        for node in nodes_if_named(file, names):
            if isinstance(node, FUNCTIONS) and node.name in names and node.lineno not in taken_out:
                found.append((_module(file, kit), node.name, f"{file}:{node.lineno}"))
    return found


@contextlib.contextmanager
def noted(problems: list[str]) -> Iterator[None]:
    """Append to a list what the ValueError in the block says, if there is one, instead of raising it."""
    try:
        yield
    except ValueError as error:
        problems.append(str(error))


def _python_files(kit: Path) -> list[Path]:
    return [file for file in package_files(kit) if file.suffix == ".py"]


def _module(file: Path, kit: Path) -> str:
    return ".".join(file.relative_to(kit).with_suffix("").parts)


def package_files(kit: Path) -> list[Path]:
    """Return the paths of the package's files that may go to students, in order."""
    files = (path for path in (Path(kit) / "cs231n").rglob("*") if path.suffix in PACKAGE_FILES and path.is_file())
    return sorted(path for path in files if not NEVER_IN_AN_EDITION & set(path.relative_to(kit).parts))


def tokens(file: Path, text: str) -> list[tokenize.TokenInfo]:
    """Return Python's tokens of a text. file: its name, for the ValueError that is raised if it is no Python."""
    try:
        return list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise ValueError(f"{file} is not Python: {error}. Repair it first.") from None


def _regions(file: Path, text: str) -> list[tuple[int, int]]:
    """Return [(line of BEGIN, line of END)] of a file."""
    if not LIKE_A_MARKER.search(text):  # most files: to take them apart takes a hundred times as long
        return []
    regions: list[tuple[int, int]] = []
    begin = None
    for token in tokens(file, text):
        if token.type != tokenize.COMMENT or not LIKE_A_MARKER.search(token.string):
            continue
        line, marker = token.start[0], token.string
        if marker not in (BEGIN, END) or token.line.strip() != marker:
            raise ValueError(f"{file}:{line}: {marker!r} looks like a marker; expected {BEGIN!r} or {END!r}, alone on its line.")
        if marker == BEGIN:
            if begin is not None:
                raise ValueError(
                    f"{file}:{line}: {BEGIN!r} inside of the solution that began in line {begin}; end that one first."
                )
            begin = line
        elif begin is None:
            raise ValueError(f"{file}:{line}: {END!r} without a {BEGIN!r} above it.")
        else:
            regions.append((begin, line))
            begin = None
    if begin is not None:
        raise ValueError(f"{file}:{begin}: {BEGIN!r} without an {END!r} below it.")
    return regions


def _functions_around(module: str, file: Path, text: str, regions: list[tuple[int, int]]) -> list[Marked]:
    """Return the Marked functions of a file. A function reaches to the next statement: a marker may be its last line."""
    body = parsed(file, text).body
    lines = tuple(text.splitlines())
    starts = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) for node in body]
    found: list[Marked] = []
    inside: list[tuple[int, int]] = []
    for node, start, following in zip(body, starts, [*starts[1:], len(lines) + 1], strict=True):
        own = [(begin, end) for begin, end in regions if start < begin and end < following and lines[begin - 1][0].isspace()]
        if own and isinstance(node, ast.FunctionDef):
            inside += own
            found.append(Marked(module, file, lines, node.name, start, max(node.end_lineno or 0, own[-1][1]), tuple(own)))
    for begin, end in regions:
        if (begin, end) not in inside:
            raise ValueError(f"{file}:{begin}: this solution is not in a function at the top level of the file.")
    return found


def parsed(file: Path | str, text: str) -> ast.Module:
    """Return the syntax tree of a text, not to be changed. file: its name, for the ValueError raised if it is not Python."""
    try:
        return _tree(text)
    except SyntaxError as error:
        raise ValueError(f"{file}:{error.lineno}: Python cannot read this ({error.msg}). Repair it first.") from None


_tree = functools.lru_cache(256)(ast.parse)  # the same text may lie in several folders


def nodes_if_named(file: Path, names: Collection[str]) -> Iterator[ast.AST]:
    """Yield the nodes of a file's syntax tree if one of these names stands anywhere in its text, none otherwise.

    Raises ValueError if it is no Python.
    """
    text = file.read_text(encoding="utf-8")
    tree = parsed(file, text)
    if any(name in text for name in names):  # to walk through a tree takes longer than to make it
        yield from ast.walk(tree)


def _require_stub(marked: Marked) -> None:
    for begin, end in marked.regions:
        lines = [line.strip() for line in marked.lines[begin : end - 1]]
        if all(line in ("", "pass", "...") or line.startswith("#") for line in lines):
            raise ValueError(
                f"{marked.file}:{begin}: the stub of {marked.name} equals its solution: there is no code between the markers."
            )
    try:
        ast.parse(marked.stub())
    except SyntaxError as error:
        raise ValueError(
            f"{marked.place}: the stub of {marked.name} is not Python ({error.msg}). Put the markers around whole statements."
        ) from None
