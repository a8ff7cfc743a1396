"""The student edition, made in memory: the notebook with stubs, the package without the solutions, and the files beside them."""

import ast
import itertools
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from packaging.utils import canonicalize_name

from ...assignment import Assignment, Question, read, written
from ..course import Course, course
from . import github_classroom as github_classrooms
from .adapting import Kept, fitted, with_due, with_title
from .agreement import LISTED, Asked, disagreements, disagreements_of_readme, not_asked
from .model_answers import asks, is_answer, labelled_lines, misplaced_answers
from .package import package_without, without_what_nothing_reaches
from .reference import Reference, tagged
from .solutions import (
    BEGIN,
    END,
    FUNCTIONS,
    LIKE_A_MARKER,
    Marked,
    marked_functions,
    noted,
    parsed,
    unmarked_functions,
)
from .student_notebook import Exercise, exercise_minutes, source_of_cell, student_notebook

KIT = Path(__file__).resolve().parents[3]
NAME = "NetworkVisualization"
CELLS = "cs231n/notebook_cells.json"  # {id: source} of the cells of the edition's own notebook, for submit
NOTEBOOK = f"{NAME}.ipynb"
CHECKS = "cs231n/checks/exercises"  # a file for each exercise, named by its key
AS_THEY_ARE = [
    ".devcontainer/devcontainer.json",
    ".gitignore",
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
COMMENT_LIKE_A_MARKER = re.compile(r"#\s*" + LIKE_A_MARKER.pattern, re.I)
NO_KIT_URL = f"https://YOUR-COURSE/{NAME}.zip"  # never the reference's own address: the solutions lie there


@dataclass(frozen=True)
class Draft:
    """An edition as far as it can be made. problems: why it may not be released, sentences; if there are any, a part may lack.

    course: what it follows. marked: all Marked functions, those that are left out as well. exercises: those that students get.
    files: {path in the edition: bytes}.
    """

    reference: Reference
    course: Course
    marked: list[Marked]
    exercises: list[Exercise]
    files: dict[str, bytes]
    problems: list[str]

    def left_out(self) -> list[Marked]:
        """Return the Marked functions without an exercise in the edition: students get neither their stub nor their solution."""
        own = [exercise.marked for exercise in self.exercises]
        return [function for function in self.marked if function not in own]

    def originals(self) -> dict[str, tuple[str, str]]:
        """Return {path: (its file in the kit, text)} of the files that differ from those in the kit, apart from the notebook.

        Solutions are blank lines there, so that what is found in the rest keeps its line.
        """
        kit, found = self.reference.path.parent, {}
        for path, source in FROM_THE_INSTRUCTOR.items():
            found[path] = source, (kit / source).read_text(encoding="utf-8")
        for function in self.marked:
            path = function.file.relative_to(kit).as_posix()
            lines = found[path][1].split("\n") if path in found else list(function.lines)
            lines[function.first - 1 : function.last] = [""] * (function.last - function.first + 1)
            found[path] = path, "\n".join(lines)
        return found


def edition(
    kit: Path = KIT, kit_url: str | None = None, course_file: Path | None = None, github_classroom: bool = False
) -> tuple[list[Exercise], dict[str, bytes]]:
    """Return ([Exercise], {path in the edition: bytes}). Raises ValueError with all problems of its draft, a line each."""
    made = draft(kit, kit_url, course_file, github_classroom)
    if made.problems:
        raise ValueError("\n".join(made.problems))
    return made.exercises, made.files


def draft(kit: Path = KIT, kit_url: str | None = None, course_file: Path | None = None, github_classroom: bool = False) -> Draft:
    """Return the Draft of an edition.

    Its problems, with file and line: what looks like a model answer or a solution and would go to students, what
    marked_functions refuses, an exercise without points, minutes, a check or markers, a marked function that the package
    uses, a question without points, what the notebook or the README say otherwise than assignment.toml, and what needs
    something that the course leaves out.

    course_file: a course's own file, see `course`. github_classroom: whether GitHub Classroom's workflow is part of it.
    Raises ValueError for a notebook, a list or a course's file that cannot be
    read, and an address that is none.
    """
    kit = Path(kit)
    if kit_url is not None and not re.fullmatch(r"https?://[^\s\"'\\]+", kit_url):
        raise ValueError(f"--kit-url got {kit_url!r}; expected an address that begins with https:// or http://.")
    kits = read(kit / LISTED)
    kept = Kept(kits, course(course_file, kits))
    reference = Reference(kit / NOTEBOOK)
    problems = [*reference.problems_of_ids(), *misplaced_answers(reference)]
    files = {name: (kit / name).read_bytes() for name in AS_THEY_ARE}
    files[REQUIREMENTS] = student_requirements((kit / REQUIREMENTS).read_text(encoding="utf-8")).encode()
    marked, exercises = [], []
    with noted(problems):
        files |= {name: _adapted_text(kit / source, kept) for name, source in FROM_THE_INSTRUCTOR.items()}
        marked = marked_functions(kit)
        package = package_without(marked, kit)
        exercises = _exercises(reference, marked, package, kits, problems)
        asked = _asked(reference, exercises, kits, problems)
        problems += [] if problems else not_asked(reference, kits, asked)  # what is wrong with a cell may be why
        problems += disagreements(reference, kits, asked, exercise_minutes(exercises, kits))
        problems += disagreements_of_readme(kit / "README.md", kits)
        problems += _solutions_in_cells(reference, marked, kits)
        problems += _answers_in_own_questions(course_file, kept.course)
        notebook, before = student_notebook(reference, asked, exercises, kept, package, kit_url or NO_KIT_URL, problems)
        sources = {cell.id: cell.source for cell in notebook.cells}
        if kept.course.left_out:
            package = without_what_nothing_reaches(package, before.values(), sources.values())
        files |= {path: content for path, content in package.items() if path not in _checks_left_out(kept)}
        files[NOTEBOOK] = (nbformat.writes(notebook) + "\n").encode()
        files[CELLS] = json.dumps(sources, indent=1).encode()
        if course_file is not None:
            files[LISTED] = written(kept.course.assignment).encode()
        if github_classroom:
            files[github_classrooms.PATH] = github_classrooms.workflow(kept.course.assignment, NOTEBOOK)
    files = {path: with_unix_line_ends(content) for path, content in files.items()}
    exercises = [exercise for exercise in exercises if exercise.key not in kept.course.left_out]
    return Draft(reference, kept.course, marked, exercises, dict(sorted(files.items())), problems)


def with_unix_line_ends(content: bytes) -> bytes:
    """Return a text's bytes with LF at the end of each line, as a shell and make need them; a binary file's as they are.

    A checkout may have other line ends, on Windows for example. As for git, a file with a zero byte is binary.
    """
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")


def student_requirements(text: str) -> str:
    """Return the text of a requirements.txt without the lines of the packages that are NOT_FOR_STUDENTS."""
    return "".join(line for line in text.splitlines(keepends=True) if _package_of(line) not in NOT_FOR_STUDENTS)


def _package_of(line: str) -> str | None:
    """Return the name of the package that a line of a requirements.txt asks for; None for a comment, an option, an empty line."""
    name = re.match(r"\s*([A-Za-z0-9][\w.-]*)", line)
    return name and canonicalize_name(name[1])


def _adapted_text(path: Path, kept: Kept) -> bytes:
    """Return the bytes of a text for students, as the course has it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".md":
        return text.encode()
    try:
        return with_due(with_title(fitted(text, kept), kept.course.assignment.title), kept.course).encode()
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _answers_in_own_questions(course_file: Path | None, own: Course) -> list[str]:
    """Return a sentence for each line of a course's own question in which a model answer or a rubric begins."""
    return [
        f"{course_file}: the text of [{key}] has {line[:60]!r}, which looks like a model answer; it belongs in rubric."
        for key, question in own.questions.items()
        for line in labelled_lines(question.text)
    ]


def _checks_left_out(kept: Kept) -> set[str]:
    return {f"{CHECKS}/{key}.py" for key in kept.course.left_out}


def _exercises(
    reference: Reference, marked: Sequence[Marked], package: Collection[str], kits: Assignment, problems: list[str]
) -> list[Exercise]:
    """Return the [Exercise] of a notebook; what keeps a cell from being one, and functions without markers, join `problems`."""
    cells = [cell for cell in reference.cells if tagged(cell, "exercise")]
    exercises, unfinished = [], set()
    for cell in cells:
        with noted(problems):
            imported = _imported(reference, cell)
            own = [function for function in marked if (function.module, function.name) in imported]
            if len(own) == 1:
                problems += _labels_in_stub(own[0])
                exercises.append(_exercise(reference, cell, own[0], package, kits))
            else:
                unfinished |= imported
                problems.append(_without_one_solution(reference, cell, imported, marked))
    for module, name, place in unmarked_functions(reference.path.parent, marked, _exercise_names(reference, kits)):
        if (module, name) not in unfinished:
            problems.append(
                f"{place}: {name} is an exercise, and students would get it solved: it has no markers. Put {BEGIN!r} and "
                f"{END!r} around what they write. An exercise that is not in the notebook is left out of the edition anyway."
            )
    return exercises


def _labels_in_stub(marked: Marked) -> list[str]:
    """Return a sentence for each line of a function, outside of its solution, in which a model answer seems to begin."""
    numbers = {line.strip(): number for number, line in enumerate(marked.lines, 1)}
    return [
        f"{marked.file}:{numbers.get(line, marked.first)} has {line!r}, which looks like a model answer; students get the stub."
        for line in labelled_lines(marked.stub(), code=True)
    ]


def _exercise_names(reference: Reference, kits: Assignment) -> set[str]:
    """Return the functions that are exercises of the kit, or that a heading of the notebook calls one."""
    headings = (re.findall(r"^#+ .*\bexercise\b.*`(\w+)`", cell.source, re.M | re.I) for cell in reference.cells)
    return {*kits.by_function, *(name for found in headings for name in found)}


def _imported(reference: Reference, cell: NotebookNode) -> set[tuple[str, str]]:
    """Return {(module, name)} of what a cell imports from the modules of the package."""
    return {
        (node.module, alias.name)
        for node in parsed(reference.place(cell), cell.source).body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("cs231n.")
        for alias in node.names
    }


def _without_one_solution(
    reference: Reference, cell: NotebookNode, imported: Collection[tuple[str, str]], marked: Sequence[Marked]
) -> str:
    names = ", ".join(sorted(name for _, name in imported)) or "nothing"
    bare = unmarked_functions(reference.path.parent, marked, {name for _, name in imported})
    places = " and ".join(place for module, name, place in bare if (module, name) in imported)
    return (
        f"{reference.place(cell)} is an exercise and imports {names} from cs231n; expected one function with a solution "
        f"between {BEGIN!r} and {END!r}" + (f", but there is none in {places}." if places else ".")
    )


def _exercise(reference: Reference, cell: NotebookNode, marked: Marked, package: Collection[str], kits: Assignment) -> Exercise:
    _require_points(reference, cell)
    minutes = _minutes(reference, cell)
    check = _check_of(reference, cell, marked.name)
    known = [name for name in package if name.endswith(".py")]
    listed = kits.by_function.get(marked.name)
    if listed is None or f"cs231n.{listed.module}" != marked.module:
        raise ValueError(
            f"{reference.place(cell)} is the exercise {marked.name} of {marked.module}, which {LISTED} does not list. Add a "
            "table with its function, module, section and points: by that list submissions are looked over and graded."
        )
    return Exercise(listed.key, cell.id, marked, minutes, check.id, source_of_cell(marked, marked.solved(), known))


def _asked(reference: Reference, exercises: Sequence[Exercise], kits: Assignment, problems: list[str]) -> list[Asked]:
    """Return [Asked]: all exercises and questions of the notebook that the list has, in the notebook's order."""
    found, by_cell = [], {exercise.cell: exercise for exercise in exercises}
    for above, cell in itertools.pairwise(reference.cells):
        if cell.id in by_cell:
            exercise = by_cell[cell.id]
            found.append(Asked(kits.by_key[exercise.key], above, cell, exercise.check))
        elif is_answer(cell) and asks(above):  # misplaced_answers has named the others
            with noted(problems):
                _require_points(reference, cell)
                found.append(Asked(_question_of(reference, cell, kits), above, cell, cell.id))
    return found


def _question_of(reference: Reference, cell: NotebookNode, kits: Assignment) -> Question:
    """Return the Question to which an answer cell belongs, by its id. Raises ValueError if there is none."""
    key = cell.id.replace("answer-", "question-", 1)
    question = kits.by_key.get(key)
    if not isinstance(question, Question):
        raise ValueError(
            f"{reference.place(cell)} belongs to no question that {LISTED} lists; expected an id such as answer-3, and a table "
            f"[question-3] with section and points: by that list answers are found and marked."
        )
    return question


def _solutions_in_cells(reference: Reference, marked: Sequence[Marked], kits: Assignment) -> list[str]:
    """Return a sentence for each marker, and each exercise imported or defined, in a cell that is not an exercise's."""
    names = _exercise_names(reference, kits) | {function.name for function in marked}
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


def _given_in(cell: NotebookNode) -> set[str]:
    """Return the names that a code cell imports from the package, and the functions that it defines."""
    plain = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M)  # without magics and shell commands
    try:
        nodes = list(ast.walk(ast.parse(plain)))
    except SyntaxError:  # another language
        return set()
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cs231n")]
    return {alias.name for node in imports for alias in node.names} | {node.name for node in nodes if isinstance(node, FUNCTIONS)}


def _require_points(reference: Reference, cell: NotebookNode) -> None:
    """Raise ValueError unless the cell above an exercise or an answer names its points."""
    bonus = "**Bonus points**" in reference.above(cell)
    _number(reference, cell, "Bonus points" if bonus else "Points")


def _minutes(reference: Reference, cell: NotebookNode) -> int:
    return int(_number(reference, cell, "Minutes"))


def _number(reference: Reference, cell: NotebookNode, what: str) -> float:
    """Return the number behind **Points**, **Bonus points** or **Minutes** in the cell above an exercise or an answer."""
    found = re.search(rf"\*\*{what}\*\* (\d+(\.\d+)?)", reference.above(cell))
    if found is None:
        raise ValueError(
            f"{reference.place(cell)}: the cell above it names no {what.lower()}; expected `**{what}** N` in its text."
        )
    return float(found[1])


def _check_of(reference: Reference, cell: NotebookNode, name: str) -> NotebookNode:
    for later in reference.cells[reference.cells.index(cell) + 1 :]:
        if tagged(later, "exercise"):
            break
        if tagged(later, "check") and re.search(rf"\b{name}\b", later.source):
            return later
    raise ValueError(
        f"{reference.place(cell)}: no check of {name} follows; expected a cell with the tag `check` before the next exercise."
    )
