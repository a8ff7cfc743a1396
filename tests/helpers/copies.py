"""Classes of students made of the labelled solutions, and copies as a student disguises them."""

import ast
import inspect
import textwrap

from answers import ANSWERS

from cs231n.instructor.reports.records import Record
from helpers.solutions import OF_FILE, REFERENCE

FIRST_THREE = [OF_FILE[key] for key in ("saliency_maps", "fooling_image", "class_visualization_step")]
PREFIXES = "my", "the", "cur", "tmp", "new"
OTHER_WORDS = "really", "thing", "namely", "often", "quite", "this", "much", "also", "itself", "again"
NEW_COMMENTS = "first part", "do the computation here", "now the result", "this is needed", "main loop"


def sources(exercise, verdicts=("right", "wrong")):
    """Return the sources of the labelled solutions to an exercise (by its function's name), as a student hands them in."""
    return [_source(one) for one in ANSWERS if OF_FILE[one.exercise] == exercise and one.verdict in verdicts]


def _source(answer):
    """Return the function without its label, under the name of the exercise's function."""
    lines = textwrap.dedent(inspect.getsource(answer.function)).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("def "))
    head = lines[start].replace(f"def {answer.function.__name__}(", f"def {OF_FILE[answer.exercise]}(", 1)
    return "\n".join([head, *lines[start + 1 :]]) + "\n"


def disguised(source, function, rng):
    """Return a source with all chosen names changed, neighbours that do not depend on each other swapped, and new comments."""
    tree = _Renamed(source, function, rng).visit(ast.parse(source))
    lines = ast.unparse(tree).splitlines()
    for _ in range(2):
        at = rng.randrange(1, len(lines))
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        lines.insert(at, f"{indent}# {rng.choice(NEW_COMMENTS)} {rng.randrange(100)}")
    return "\n".join(lines) + "\n"


class _Renamed(ast.NodeTransformer):
    def __init__(self, source, function, rng):
        fixed = {function, *inspect.signature(REFERENCE[function]).parameters}
        nodes = list(ast.walk(ast.parse(source)))
        stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        helpers = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        self.names = {name: f"{rng.choice(PREFIXES)}_{name}" for name in sorted((stored | helpers) - fixed)}

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_FunctionDef(self, node):
        node.name = self.names.get(node.name, node.name)
        return self._with_swapped_neighbours(node)

    def visit_For(self, node):
        return self._with_swapped_neighbours(node)

    def _with_swapped_neighbours(self, node):
        self.generic_visit(node)
        for i in range(len(node.body) - 1):
            first, second = node.body[i : i + 2]
            if isinstance(first, ast.Assign) and isinstance(second, ast.Assign) and not _depend(first, second):
                node.body[i], node.body[i + 1] = second, first
        return node


def _depend(first, second):
    used, stored = zip(*(_names(one) for one in (first, second)), strict=True)
    return bool(stored[0] & used[1] or stored[1] & used[0])


def _names(statement):
    found = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return {node.id for node in found}, {node.id for node in found if isinstance(node.ctx, ast.Store)}


def reworded(text, rng, every=8):
    """Return a text with one word in `every` replaced."""
    words = text.split()
    for start in range(0, len(words), every):
        at = min(len(words) - 1, start + rng.randrange(every))
        words[at] = rng.choice(OTHER_WORDS)
    return " ".join(words)


def record(number, sources, answers=None, **more):
    """Return the record of a student who is known by a number."""
    student = f"student-{number:03}"
    return Record(student, student, f"{student}.ipynb", f"{number:064x}", sources=sources, answers=answers or {}, **more)
