"""The notebook as a course gives it: what needs something that is left out goes, and texts say what is there.

Three things in the reference say what needs what, each where it is read anyway:

* a cell's metadata, `{"needs": ["smoothgrad", "7.1"]}`: the cell goes with any of these exercises, questions and sections. On a
  section's heading, and on what an exercise or a question says, it is what the course may not leave out without them;
* `if ready(function):` in a code cell that stays: such a statement goes with the exercise;
* comments in a text. `<!-- needs: smoothgrad -->only then<!-- otherwise: else this --><!-- end -->` stands for one of the two
  texts, and a line with `<!-- needs: smoothgrad -->` alone goes as a whole. Besides exercises, questions and sections, `bonus`
  says that something gives bonus points, and `bonus 7` that all that is asked in section 7 does; a comma means "and".

A section goes when nothing that it asks is left. Numbers stay as they are.
"""

import ast
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...assignment import Assignment, Question, plain
from ..course import Course
from ..late_policy import told
from .reference import Reference

SPAN = re.compile(
    r"<!-- needs: (?P<needs>[^>]*) -->(?P<text>(?:(?!<!--).)*)(?:<!-- otherwise: (?P<other>(?:(?!-->).)*) -->)?<!-- end -->"
)
LINE = re.compile(r" *<!-- needs: (?P<needs>[^>]*) -->")
HTML_BLOCK = re.compile(r" *([*+-] +|\d+[.)] +|> ?)*<!-- (needs|otherwise|end)\b.*-->.*\S")  # to CommonMark, the whole line
COMMENT = re.compile(r"<!-- (needs|otherwise|end)\b")
SECTION = re.compile(r"^#{2,3} (\d+(?:\.\d+)?)\b", re.M)
POINTS = re.compile(r"\*\*(Bonus points|Points)\*\* \d+(\.\d+)?")
TOTALS = {  # in the title's cell and the README
    "points": re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?= points\b)"),
    "bonus points": re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?= bonus points\b)"),
    "minutes for the exercises": re.compile(r"(?<![\w.])\d+(?= minutes for the exercises\b)"),
}
MENTION = re.compile(r"\b(?P<what>[Ss]ection|[Ee]xercise|[Qq]uestion) (?P<number>\d+(?:\.\d+)?)")
LINK = re.compile(r"\]\(#([\w-]+)\)")
ANCHOR = re.compile(r'<a id="([\w-]+)">')


@dataclass(frozen=True)
class Kept:
    """What of the kit's assignment a course keeps.

    Parameters
    ----------
    kits : Assignment
        All that there is.
    course : Course
        What the course makes of it.
    """

    kits: Assignment
    course: Course

    def has(self, name: str) -> bool:
        """Return whether an exercise or a question is kept, or something of a section. Raises ValueError for what is neither."""
        named = _tasks(self.kits, name)
        if not named:
            raise ValueError(f"{name!r} is not an exercise, a question or a section with one; known are {_known(self.kits)}.")
        return any(task.key not in self.course.left_out for task in named)

    def has_section(self, number: str) -> bool:
        """Return whether a section stays: something of it is kept, or it never asked anything."""
        return not _tasks(self.kits, number) or self.has(number)

    def holds(self, condition: str) -> bool:
        """Return whether a condition of a text holds. Raises ValueError for what is not a condition."""
        return all(self._holds(name.strip()) for name in condition.split(","))

    def _holds(self, name: str) -> bool:
        if name == "bonus":
            return self.course.assignment.points(bonus=True) > 0
        word, _, of = name.rpartition(" ")
        if word == "bonus":
            return self.has(of) and all(task.bonus for task in _tasks(self.course.assignment, of))
        return self.has(name)


def _tasks(listed: Assignment, name: str) -> list:
    """Return the tasks that a key or a section's number means."""
    return [task for task in listed.tasks if name in (task.key, task.section, task.section.partition(".")[0])]


def _known(listed: Assignment) -> str:
    return ", ".join({**listed.by_key, **dict.fromkeys(task.section for task in listed.tasks)})


# Texts


def fitted(text: str, kept: Kept) -> str:
    """Return a text without its comments on what needs what, and without what needs something that is left out.

    Raises ValueError for a comment that is not complete, and for an unknown condition; the message names the line.
    """
    lines = []
    for line in text.split("\n"):
        if HTML_BLOCK.match(line):
            raise ValueError(
                f"{line.strip()[:80]!r} begins with a comment, so its Markdown is shown as it is; begin with a word."
            )
        try:
            filled = SPAN.sub(lambda found: found["text"] if kept.holds(found["needs"]) else found["other"] or "", line)
            whole = [kept.holds(found["needs"]) for found in LINE.finditer(filled)]
        except ValueError as error:
            raise ValueError(f"{line.strip()[:80]!r}: {error}") from None
        filled = LINE.sub("", filled)
        if COMMENT.search(filled):
            raise ValueError(
                f"{line.strip()[:80]!r} lacks a part of `<!-- needs: ... -->`, `<!-- otherwise: ... -->`, `<!-- end -->`."
            )
        if all(whole) and (filled.strip() or not line.strip()):
            lines.append(filled)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) if COMMENT.search(text) else text


def with_points(text: str, points: float, bonus: bool) -> str:
    """Return the text above an exercise or an answer, with these points in it."""
    return POINTS.sub(f"**{'Bonus points' if bonus else 'Points'}** {plain(points)}", text)


def with_totals(text: str, totals: Mapping[str, float]) -> str:
    """Return a text with these totals in it, {name in TOTALS: number}."""
    for name, number in totals.items():
        text = TOTALS[name].sub(plain(number), text)
    return text


def with_title(text: str, title: str) -> str:
    """Return a text whose first line, a heading, is this one."""
    return re.sub(r"\A# .*", lambda _: f"# {title}", text)


def with_due(text: str, course: Course) -> str:
    """Return a text with the date on which the work is due below its heading, if the course says one, and nobody's extension."""
    if course.late is None:
        return text
    heading, _, rest = text.partition("\n")
    return f"{heading}\n\n**Due** {told(course.late.due, course.late.zone_name)}\n{rest}"


def with_own_text(text: str, own: str) -> str:
    """Return the text of a question with the heading that it has, and a text of the course's own."""
    return f"{text.splitlines()[0]}\n\n{own}"


def without_lost_references(text: str, lost: Iterable[str]) -> str:
    """Return a text without the items of its lists that lead to one of these addresses."""
    return "\n".join(line for line in text.split("\n") if not (line.startswith("* ") and any(f"({at})" in line for at in lost)))


def addresses(text: str) -> set[str]:
    """Return the addresses on the web to which a text leads."""
    return set(re.findall(r"\]\((https?://[^)\s]+)\)", text))


# Cells


def cells_that_go(reference: Reference, kept: Kept, of_tasks: Mapping[str, str], problems: list[str]) -> set[str]:
    """Return the ids of the cells that go.

    Parameters
    ----------
    reference : Reference
        The notebook.
    kept : Kept
        What the course keeps.
    of_tasks : mapping of str to str
        {cell id: key} of the cells of the exercises and questions: text, cell, check, answer.
    problems : list of str
        Joined by a sentence, with cell and line, for each cell that has to stay and needs what is left out.
    """
    gone, section = set(), ""
    for cell in reference.cells:
        headings = SECTION.findall(cell.source) if cell.cell_type == "markdown" else []
        section = headings[-1] if headings else section
        task = of_tasks.get(cell.id)
        try:
            lacking = [name for name in cell.metadata.get("needs", []) if not kept.has(name)]
        except ValueError as error:
            problems.append(f"{reference.place(cell, 'needs')}: `needs` in its metadata: {error}")
            continue
        if (task is not None and not kept.has(task)) or (task is None and not kept.has_section(section)):
            gone.add(cell.id)
        elif lacking and task in kept.course.questions:
            pass  # the course's own text needs what it needs
        elif lacking and (task is not None or headings):
            what = task or f"section {section}"
            is_question = isinstance(kept.kits.by_key.get(task or ""), Question)
            problems.append(
                f"{reference.place(cell)}: {what} is kept and needs {_spoken(lacking)}, which the course leaves out. Leave "
                f"{what} out, too" + (f", or replace it: [{task}] with points, text and rubric." if is_question else ".")
            )
        elif lacking:
            gone.add(cell.id)
    return gone


def _spoken(names: Iterable[str]) -> str:
    return ", ".join(f"section {name}" if name[0].isdigit() else name for name in names)


def without_unready(source: str, functions: Iterable[str]) -> str:
    """Return code without the statements `if ready(function):` for these functions."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a magic, or a shell command
        return source
    unready = set(functions)
    gone: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and not node.orelse and unready & _asked_for(node.test):
            gone.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return "\n".join(line for number, line in enumerate(source.split("\n"), 1) if number not in gone)


def _asked_for(test: ast.expr) -> set[str]:
    """Return the functions that have to be ready for a test to hold."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    calls = [part for part in parts if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "ready"]
    return {argument.id for call in calls for argument in call.args if isinstance(argument, ast.Name)}


# What the notebook that is left must not say


def mentions_of_what_is_gone(text: str, kept: Kept) -> list[str]:
    """Return what a text calls by its number and students do not get: ["section 5", "Exercise 4"]."""
    numbers = {
        "exercise": {str(exercise.number): exercise.key for exercise in kept.kits.exercises},
        "question": {str(question.number): question.key for question in kept.kits.questions},
    }
    found = []
    for mention in MENTION.finditer(text):
        what, number = mention["what"].lower(), mention["number"]
        left_out = what != "section" and numbers[what].get(number) in kept.course.left_out
        if left_out or (what == "section" and not kept.has_section(number)):
            found.append(mention[0])
    return found


def links_to_nowhere(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Return {id: targets} of the links inside of a notebook that lead to nothing in it. texts: {id: source}."""
    anchors = {anchor for text in texts.values() for anchor in ANCHOR.findall(text)}
    found = {name: [target for target in LINK.findall(text) if target not in anchors] for name, text in texts.items()}
    return {name: targets for name, targets in found.items() if targets}


@functools.lru_cache(1_000)
def names_in(source: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return (the names that code reads, the names that it defines) of a cell; nothing for what is not Python alone."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return frozenset(), frozenset()
    names = [node for node in nodes if isinstance(node, ast.Name)]
    imported = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    functions = [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    arguments = [node.arg for node in nodes if isinstance(node, ast.arg)]
    defined = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    defined |= {(alias.asname or alias.name).split(".")[0] for alias in imported} | {*functions, *arguments}
    return frozenset(name.id for name in names if isinstance(name.ctx, ast.Load)), frozenset(defined)
