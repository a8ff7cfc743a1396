"""The student edition, made in memory: the notebook with stubs, the package without the solutions, and the files beside them."""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

from .solutions import BEGIN, END, LIKE_A_MARKER, Marked, marked_functions, package_files, parsed

KIT = Path(__file__).resolve().parent.parent.parent
NAME = "NetworkVisualization"
NOTEBOOK = f"{NAME}.ipynb"
AS_THEY_ARE = [
    "LICENSE",
    "constraints.txt",
    "datasets/README.md",
    "datasets/sources.json",
    "get_datasets.sh",
    "requirements.txt",
]
FROM_THE_INSTRUCTOR = {"README.md": "student_README.md", "Makefile": "student_Makefile"}
FREE_CELLS = {"setup", "own-class", "submit"}  # students may change them
EMPTY_ANSWER = "*Your answer:*"
LINE_LENGTH = 130
NO_KIT_URL = f"https://YOUR-COURSE/{NAME}.zip"  # never the reference's own address: the solutions lie there


@dataclass(frozen=True)
class Exercise:
    """An exercise of the notebook: the cell that imports its Marked function, its points, and its check's cell, by id.

    points: those that count for full marks, 0 for an exercise that gives bonus points.
    """

    cell: str
    marked: Marked
    points: int
    check: str
    solved: str  # what stands in the cell when a student has written the solution


def edition(kit=KIT, kit_url=None):
    """Return ([Exercise], {path in the edition: bytes}).

    Raises ValueError with file and line for what marked_functions refuses, an exercise without points, minutes, a check or
    markers, a marked function without an exercise or that the package uses, a question without points, and an address that is
    none.
    """
    kit = Path(kit)
    if kit_url is not None and not re.fullmatch(r"https?://[^\s\"'\\]+", kit_url):
        raise ValueError(f"--kit-url got {kit_url!r}; expected an address that begins with https:// or http://.")
    marked = marked_functions(kit)
    package = package_without(marked, kit)
    reference = Reference(kit / NOTEBOOK)
    exercises = _exercises(reference, marked, package)
    files = {name: (kit / name).read_bytes() for name in AS_THEY_ARE}
    files |= {name: (kit / "cs231n" / "instructor" / source).read_bytes() for name, source in FROM_THE_INSTRUCTOR.items()}
    files |= package
    files[NOTEBOOK] = _student_notebook(reference, exercises, package, kit_url or NO_KIT_URL)
    files["cs231n/notebook_cells.json"] = _cells(files[NOTEBOOK])
    return exercises, dict(sorted(files.items()))


def package_without(marked, kit):
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
            content = (re.sub(r"\n{4,}", "\n\n\n", _without_unused_imports(rest, text)).strip() + "\n").encode()
        package[name] = content
    return package


def _require_unused(tree, removed):
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for function in removed:
        if function.name in used:
            raise ValueError(
                f"{function.file}:{function.first}: {function.name} is an exercise, and the rest of the file uses it, which "
                "students get without it. Take it as an argument there."
            )


def _require_not_imported(file, marked):
    names = {(function.module.rpartition(".")[2], function.name) for function in marked}
    for node in ast.walk(parsed(file, file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if ((node.module or "").rpartition(".")[2], alias.name) in names:
                    raise ValueError(
                        f"{file}:{node.lineno}: {alias.name} is an exercise, which students get without its solution. Take it as "
                        "an argument there."
                    )


def _without_unused_imports(tree, text):
    """Return a text without what it imports at its top level and does not name. tree: the text's."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = text.split("\n")
    for statement in reversed([statement for statement in tree.body if _is_import(statement)]):
        kept = [alias for alias in statement.names if (alias.asname or alias.name.split(".")[0]) in used]
        if len(kept) < len(statement.names):
            first, after = statement.lineno - 1, statement.end_lineno
            alone = not kept and lines[first - 1 : first] + lines[after : after + 1] == ["", ""]
            lines[first : after + alone] = _import_lines(statement, kept)
    return "\n".join(lines)


def _import_lines(statement, names):
    """Return the lines of an import of these names alone, [] if there are none."""
    if not names:
        return []
    statement.names = names
    line = ast.unparse(statement)
    if len(line) <= LINE_LENGTH:
        return [line]
    start = line[: line.index(" import ")]
    return [f"{start} import (", *(f"    {ast.unparse(alias)}," for alias in names), ")"]


def _is_import(statement):
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def _is_text(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


class Reference:
    """The reference notebook. path: of its file. text: the file's. cells: its cells."""

    def __init__(self, path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.cells = nbformat.reads(self.text, as_version=4).cells

    def place(self, cell):
        """Return file, line and id of a cell, for people."""
        line = self.text[: self.text.index(f'"id": "{cell.id}"')].count("\n") + 1
        return f"{self.path}:{line}: cell {cell.id}"

    def above(self, cell):
        """Return the source of the cell above a cell, "" if it is the first."""
        i = self.cells.index(cell)
        return self.cells[i - 1].source if i else ""


def tagged(cell, tag):
    """Return whether a cell has a tag."""
    return tag in cell.metadata.get("tags", [])


def _exercises(reference, marked, package):
    cells = [cell for cell in reference.cells if tagged(cell, "exercise")]
    exercises = [_exercise(reference, cell, marked, package) for cell in cells]
    for function in marked:
        if function not in [exercise.marked for exercise in exercises]:
            raise ValueError(
                f"{function.place}: {function.name} holds a solution, but no cell with the tag `exercise` in {reference.path} "
                "imports it. Write the exercise, or take the markers away."
            )
    return exercises


def _exercise(reference, cell, marked, package):
    imported = {
        (node.module, alias.name)
        for node in parsed(reference.place(cell), cell.source).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cs231n.")
        for alias in node.names
    }
    own = [function for function in marked if (function.module, function.name) in imported]
    if len(own) != 1:
        names = ", ".join(sorted(name for _, name in imported)) or "nothing"
        raise ValueError(
            f"{reference.place(cell)} is an exercise and imports {names} from cs231n; expected one function with a solution "
            f"between {BEGIN!r} and {END!r}."
        )
    points = _points(reference, cell)
    _number(reference, cell, "Minutes")
    check = _check_of(reference, cell, own[0].name)
    known = [name for name in package if name.endswith(".py")]
    return Exercise(cell.id, own[0], points, check.id, _source_of_cell(own[0], own[0].solved(), known))


def _points(reference, cell):
    """Return the number behind **Points** in the cell above an exercise or an answer; 0 where it says **Bonus points**."""
    bonus = "**Bonus points**" in reference.above(cell)
    points = _number(reference, cell, "Bonus points" if bonus else "Points")
    return 0 if bonus else points


def _number(reference, cell, what):
    """Return the number behind **Points**, **Bonus points** or **Minutes** in the cell above an exercise or an answer."""
    found = re.search(rf"\*\*{what}\*\* (\d+)", reference.above(cell))
    if found is None:
        raise ValueError(
            f"{reference.place(cell)}: the cell above it names no {what.lower()}; expected `**{what}** N` in its text."
        )
    return int(found[1])


def _check_of(reference, cell, name):
    for later in reference.cells[reference.cells.index(cell) + 1 :]:
        if tagged(later, "exercise"):
            break
        if tagged(later, "check") and re.search(rf"\b{name}\b", later.source):
            return later
    raise ValueError(
        f"{reference.place(cell)}: no check of {name} follows; expected a cell with the tag `check` before the next exercise."
    )


def _source_of_cell(marked, function, known):
    """Return the source of an exercise's cell: `function`, its stub or its solved source, below the imports that it needs.

    known: the package's files in the edition. Imported are whole modules that the solved function uses, too.
    """
    used, used_when_solved = _names(function), _names(marked.solved())
    module = marked.module
    plain, grouped = [], {}
    for statement in parsed(marked.file, "\n".join(marked.lines)).body:
        if isinstance(statement, ast.Import):
            plain += [
                ast.unparse(ast.Import([a])) for a in statement.names if (a.asname or a.name.split(".")[0]) in used_when_solved
            ]
        elif isinstance(statement, ast.ImportFrom):
            above = module.split(".")[: -statement.level] if statement.level else []
            source = ".".join([*above, *([statement.module] if statement.module else [])])
            grouped.setdefault(source, []).extend(
                ast.unparse(alias) for alias in statement.names if (alias.asname or alias.name) in used
            )
        elif f"{module.replace('.', '/')}.py" in known:
            grouped.setdefault(module, []).extend(sorted(_defined(statement) & used - {marked.name}))
    imports = [f"from {source} import {', '.join(sorted(names))}" for source, names in sorted(grouped.items()) if names]
    paragraphs = ["\n".join(lines) for lines in (plain, imports) if lines]
    return "\n\n".join(paragraphs) + "\n\n\n" + function


def _names(source):
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _defined(statement):
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


# The notebook


def _student_notebook(reference, exercises, package, kit_url):
    """Return the notebook as students get it, bytes. Every graded, locked or answered cell has nbgrader's metadata."""
    notebook = nbformat.reads(reference.text, as_version=4)
    by_cell, by_check = {e.cell: e for e in exercises}, {e.check: e for e in exercises}
    known = [name for name in package if name.endswith(".py")]
    texts = {
        notebook.cells[i - 1].id for i, cell in enumerate(notebook.cells) if cell.id in by_cell or tagged(cell, "inline-answer")
    }
    for old, cell in zip(reference.cells, notebook.cells, strict=True):
        tags = [tag for tag in cell.metadata.get("tags", []) if not tag.startswith("nbval")]
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if cell.cell_type == "code" and LIKE_A_MARKER.search(cell.source):
            raise ValueError(f"{reference.place(old)} holds a marker of a solution; solutions belong into the package.")
        if cell.id in by_cell:
            marked = by_cell[cell.id].marked
            cell.source = _source_of_cell(marked, marked.stub(), known)
            _for_nbgrader(cell, solution=True)
        elif cell.id in by_check:
            _for_nbgrader(cell, grade=True, locked=True, points=by_check[cell.id].points)
        elif tagged(cell, "inline-answer"):
            _for_nbgrader(cell, grade=True, solution=True, points=_points(reference, old))
            cell.source = EMPTY_ANSWER
        elif cell.id in texts or (cell.cell_type == "code" and cell.id not in FREE_CELLS):
            _for_nbgrader(cell, locked=True)
        if cell.id == "setup":
            cell.source = _with_kit_url(reference, old, kit_url)
    nbformat.validate(notebook)
    return (nbformat.writes(notebook) + "\n").encode()


def _cells(notebook):
    """Return {cell id: source} of a notebook as JSON: by it `submit` tells what a student added to a question."""
    cells = json.loads(notebook)["cells"]
    return json.dumps({cell["id"]: "".join(cell["source"]) for cell in cells}, indent=1).encode()


def _for_nbgrader(cell, grade=False, solution=False, locked=False, points=None):
    cell.metadata["nbgrader"] = {
        "grade": grade,
        "grade_id": cell.id,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
        **({} if points is None else {"points": points}),
    }


def _with_kit_url(reference, cell, kit_url):
    source, count = re.subn(r'^KIT_URL = ".*"$', lambda _: f'KIT_URL = "{kit_url}"', cell.source, flags=re.M)
    if count != 1:
        raise ValueError(f'{reference.place(cell)} holds {count} lines `KIT_URL = "..."`; expected one.')
    return source
