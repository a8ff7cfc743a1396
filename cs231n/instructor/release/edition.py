"""The student edition, made in memory: the notebook with stubs, the package without the solutions, and the files beside them."""

import ast
import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from packaging.utils import canonicalize_name

from ... import submit
from .model_answers import asks, is_answer, labelled_lines, misplaced_answers
from .reference import Reference, tagged
from .solutions import (
    BEGIN,
    END,
    FUNCTIONS,
    LIKE_A_MARKER,
    Marked,
    marked_functions,
    nodes_if_named,
    noted,
    package_files,
    parsed,
    unmarked_functions,
)

KIT = Path(__file__).resolve().parents[3]
NAME = "NetworkVisualization"
CELLS = "cs231n/notebook_cells.json"  # {id: source} of the cells of the edition's own notebook, for submit
NOTEBOOK = f"{NAME}.ipynb"
AS_THEY_ARE = [
    "LICENSE",
    "constraints.txt",
    "datasets/README.md",
    "datasets/sources.json",
    "get_datasets.sh",
]
REQUIREMENTS = "requirements.txt"
NOT_FOR_STUDENTS = {"nbval"}  # packages in the kit's requirements that only its own tests need
FOR_STUDENTS = "cs231n/instructor/release"
FROM_THE_INSTRUCTOR = {"README.md": f"{FOR_STUDENTS}/student_README.md", "Makefile": f"{FOR_STUDENTS}/student_Makefile"}
KEPT_METADATA = "kernelspec", "language_info", "accelerator"
COMMENT_LIKE_A_MARKER = re.compile(r"#\s*" + LIKE_A_MARKER.pattern, re.I)
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


@dataclass(frozen=True)
class Draft:
    """An edition as far as it can be made. problems: why it may not be released, sentences; if there are any, a part may lack.

    marked: all Marked functions, those that the notebook leaves out as well. files: {path in the edition: bytes}.
    """

    reference: Reference
    marked: list[Marked]
    exercises: list[Exercise]
    files: dict[str, bytes]
    problems: list[str]

    def left_out(self):
        """Return the Marked functions without an exercise in the notebook: students get neither their stub nor their solution."""
        own = [exercise.marked for exercise in self.exercises]
        return [function for function in self.marked if function not in own]

    def originals(self):
        """Return {path: (its file in the kit, text)} of the files that differ from those in the kit, apart from the notebook.

        Solutions are blank lines there, so that what is found in the rest keeps its line.
        """
        found = {}
        for path, source in FROM_THE_INSTRUCTOR.items():
            found[path] = source, self.files[path].decode()
        for function in self.marked:
            path = function.file.relative_to(self.reference.path.parent).as_posix()
            lines = found[path][1].split("\n") if path in found else list(function.lines)
            lines[function.first - 1 : function.last] = [""] * (function.last - function.first + 1)
            found[path] = path, "\n".join(lines)
        return found


def edition(kit=KIT, kit_url=None):
    """Return ([Exercise], {path in the edition: bytes}). Raises ValueError with all problems of its draft, a line each."""
    made = draft(kit, kit_url)
    if made.problems:
        raise ValueError("\n".join(made.problems))
    return made.exercises, made.files


def draft(kit=KIT, kit_url=None):
    """Return the Draft of an edition.

    Its problems, with file and line: what looks like a model answer or a solution and would go to students, what
    marked_functions refuses, an exercise without points, minutes, a check or markers, a marked function that the package
    uses, and a question without points. Raises ValueError for a notebook that cannot be read and an address that is none.
    """
    kit = Path(kit)
    if kit_url is not None and not re.fullmatch(r"https?://[^\s\"'\\]+", kit_url):
        raise ValueError(f"--kit-url got {kit_url!r}; expected an address that begins with https:// or http://.")
    reference = Reference(kit / NOTEBOOK)
    problems = [*reference.problems_of_ids(), *misplaced_answers(reference)]
    files = {name: (kit / name).read_bytes() for name in AS_THEY_ARE}
    files[REQUIREMENTS] = student_requirements((kit / REQUIREMENTS).read_text(encoding="utf-8")).encode()
    files |= {name: (kit / source).read_bytes() for name, source in FROM_THE_INSTRUCTOR.items()}
    marked, exercises = [], []
    with noted(problems):
        marked = marked_functions(kit)
        package = package_without(marked, kit)
        exercises = _exercises(reference, marked, package, problems)
        problems += _solutions_in_cells(reference, marked)
        files |= package
        files[NOTEBOOK] = _student_notebook(reference, exercises, package, kit_url or NO_KIT_URL, problems)
        files[CELLS] = _cells(files[NOTEBOOK])
    return Draft(reference, marked, exercises, dict(sorted(files.items())), problems)


def student_requirements(text):
    """Return the text of a requirements.txt without the lines of the packages that are NOT_FOR_STUDENTS."""
    return "".join(line for line in text.splitlines(keepends=True) if _package_of(line) not in NOT_FOR_STUDENTS)


def _package_of(line):
    """Return the name of the package that a line of a requirements.txt asks for; None for a comment, an option, an empty line."""
    name = re.match(r"\s*([A-Za-z0-9][\w.-]*)", line)
    return name and canonicalize_name(name[1])


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
    for node in nodes_if_named(file, [name for _, name in names]):
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


def _exercises(reference, marked, package, problems):
    """Return the [Exercise] of a notebook; what keeps a cell from being one, and functions without markers, join `problems`."""
    cells = [cell for cell in reference.cells if tagged(cell, "exercise")]
    exercises, unfinished = [], set()
    for cell in cells:
        with noted(problems):
            imported = _imported(reference, cell)
            own = [function for function in marked if (function.module, function.name) in imported]
            if len(own) == 1:
                problems += _labels_in_stub(own[0])
                exercises.append(_exercise(reference, cell, own[0], package))
            else:
                unfinished |= imported
                problems.append(_without_one_solution(reference, cell, imported, marked))
    for module, name, place in unmarked_functions(reference.path.parent, marked, _exercise_names(reference)):
        if (module, name) not in unfinished:
            problems.append(
                f"{place}: {name} is an exercise, and students would get it solved: it has no markers. Put {BEGIN!r} and "
                f"{END!r} around what they write. An exercise that is not in the notebook is left out of the edition anyway."
            )
    return exercises


def _labels_in_stub(marked):
    """Return a sentence for each line of a function, outside of its solution, in which a model answer seems to begin."""
    numbers = {line.strip(): number for number, line in enumerate(marked.lines, 1)}
    return [
        f"{marked.file}:{numbers.get(line, marked.first)} has {line!r}, which looks like a model answer; students get the stub."
        for line in labelled_lines(marked.stub(), code=True)
    ]


def _exercise_names(reference):
    """Return the functions that are exercises of the kit, or that a heading of the notebook calls one."""
    headings = (re.findall(r"^#+ .*\bexercise\b.*`(\w+)`", cell.source, re.M | re.I) for cell in reference.cells)
    return {*submit.EXERCISES, *submit.OPTIONAL_EXERCISES, *(name for found in headings for name in found)}


def _imported(reference, cell):
    """Return {(module, name)} of what a cell imports from the modules of the package."""
    return {
        (node.module, alias.name)
        for node in parsed(reference.place(cell), cell.source).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cs231n.")
        for alias in node.names
    }


def _without_one_solution(reference, cell, imported, marked):
    names = ", ".join(sorted(name for _, name in imported)) or "nothing"
    bare = unmarked_functions(reference.path.parent, marked, {name for _, name in imported})
    places = " and ".join(place for module, name, place in bare if (module, name) in imported)
    return (
        f"{reference.place(cell)} is an exercise and imports {names} from cs231n; expected one function with a solution "
        f"between {BEGIN!r} and {END!r}" + (f", but there is none in {places}." if places else ".")
    )


def _exercise(reference, cell, marked, package):
    points = _points(reference, cell)
    _number(reference, cell, "Minutes")
    check = _check_of(reference, cell, marked.name)
    known = [name for name in package if name.endswith(".py")]
    return Exercise(cell.id, marked, points, check.id, _source_of_cell(marked, marked.solved(), known))


def _solutions_in_cells(reference, marked):
    """Return a sentence for each marker, and each exercise imported or defined, in a cell that is not an exercise's."""
    names = _exercise_names(reference) | {function.name for function in marked}
    sentences = []
    for cell in reference.cells:
        marker = LIKE_A_MARKER if cell.cell_type == "code" else COMMENT_LIKE_A_MARKER  # prose: "in the end, solutions are"
        if marker.search(cell.source):
            sentences.append(f"{reference.place(cell)} holds a marker of a solution; solutions belong in the package.")
        if cell.cell_type == "code" and not tagged(cell, "exercise"):
            for name in sorted(names & _given_in(cell)):
                sentences.append(
                    f"{reference.place(cell)} imports or defines {name}, which is an exercise, but lacks the tag `exercise`, so "
                    "students would get it as it is. Add the tag, or take the function out of the cell."
                )
    return sentences


def _given_in(cell):
    """Return the names that a code cell imports from the package, and the functions that it defines."""
    plain = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M)  # without magics and shell commands
    try:
        nodes = list(ast.walk(ast.parse(plain)))
    except SyntaxError:  # another language
        return set()
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cs231n")]
    return {alias.name for node in imports for alias in node.names} | {node.name for node in nodes if isinstance(node, FUNCTIONS)}


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


def _student_notebook(reference, exercises, package, kit_url, problems):
    """Return the notebook as students get it, bytes. Every graded, locked or answered cell has nbgrader's metadata.

    What is wrong with a cell joins `problems`. Of the notebook's own metadata only KEPT_METADATA stay: editors put widgets'
    states there, for example, and Colab the address of the file in the instructor's Drive.
    """
    notebook = copy.deepcopy(reference.notebook)
    notebook.metadata = nbformat.from_dict({key: notebook.metadata[key] for key in KEPT_METADATA if key in notebook.metadata})
    by_cell, by_check = {e.cell: e for e in exercises}, {e.check: e for e in exercises}
    known = [name for name in package if name.endswith(".py")]
    texts = {notebook.cells[i - 1].id for i, cell in enumerate(notebook.cells) if cell.id in by_cell or is_answer(cell)}
    for above, old, cell in zip([None, *reference.cells], reference.cells, notebook.cells, strict=False):
        tags = [tag for tag in cell.metadata.get("tags", []) if not tag.startswith("nbval")]
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if cell.id in by_cell:
            marked = by_cell[cell.id].marked
            cell.source = _source_of_cell(marked, marked.stub(), known)
            _for_nbgrader(cell, solution=True)
        elif cell.id in by_check:
            _for_nbgrader(cell, grade=True, locked=True, points=by_check[cell.id].points)
        elif is_answer(cell):
            cell.source = EMPTY_ANSWER
            cell.pop("attachments", None)
            with noted(problems):
                points = _points(reference, old) if above and asks(above) else 0  # misplaced_answers has named it
                _for_nbgrader(cell, grade=True, solution=True, points=points)
        elif cell.id in texts or (cell.cell_type == "code" and cell.id not in FREE_CELLS):
            _for_nbgrader(cell, locked=True)
        if cell.id == "setup":
            with noted(problems):
                cell.source = _with_kit_url(reference, old, kit_url)
    if not any(cell.id == "setup" for cell in notebook.cells):
        problems.append(
            f"{reference.path} has no cell with the id setup, whose `KIT_URL` leads to the solutions. Restore the id."
        )
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
