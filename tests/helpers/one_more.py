"""An eighth exercise, gradient times input, as somebody adds it to a copy of the kit: what stands in each of its places."""

import subprocess
import sys

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

KEY = "gradient_times_input"

TABLE = """
[gradient_times_input]
function = "compute_gradient_times_input"
module = "attribution"
section = "7.2"
points = 1.5
bonus = true
"""

SOLUTION = '''

def compute_gradient_times_input(X, y, model):
    """Return (N, 3, H, W), the gradient of each label's score, times the image."""
    # BEGIN SOLUTION
    images = X.detach().clone().requires_grad_()
    scores = model(images).gather(1, y[:, None]).sum()
    return torch.autograd.grad(scores, images)[0] * X
    # END SOLUTION
'''

OF_THE_CHECKS = '''
"""Is a compute_gradient_times_input right, and if not, which mistake is it?"""

from dataclasses import dataclass
from functools import partial

from ...assignment import assignment
from ..arrays import ArrayCheck
from ..cases import Batches, Case
from ..explanations import Explanation
from ..networks import gelu_network, tanh_network

KEY, ARGUMENTS = "gradient_times_input", "X, y, model"
EXERCISE = assignment().by_key[KEY].function
RIGHT = "Its products are those expected."
MISTAKES = {"not-times-input": Explanation("Not times input", "It is the gradient alone.", "what is it multiplied by?")}


class ColourCase(Case):
    @property
    def result_shape(self):
        n, height, width = self.shape
        return n, 3, height, width


CASES = Batches(
    main=(
        ColourCase(name="tanh", network=partial(tanh_network, seed=70), seed=80, shape=(5, 8, 11), target=(6, 0, 3, 3, 1)),
        ColourCase(name="GELU", network=partial(gelu_network, seed=70), seed=81, shape=(5, 9, 11), target=(4, 8, 0, 2, 7)),
    ),
    other=(ColourCase(name="1 image", network=partial(tanh_network, seed=71), seed=82, shape=(1, 8, 11), target=(2,)),),
)

_check = ArrayCheck(EXERCISE, KEY, "product", lambda case, n, place, mine, exam: [])
examine = _check.examine
'''

OF_THE_INSTRUCTOR = '''
"""Gradient times input: the known mistakes, and the proof."""

import torch

from ... import attribution
from .arrays import ArrayExercise
from .combining import combinations, exactly
from .objectives import gradients, objectives

PRODUCTS = [((), lambda g, X: g * X), (("not-times-input",), lambda g, X: g)]


def known_answers(X, y, model, at_most=2, wanted=None):
    for ids, objective, signs, batches in objectives():
        rows = exactly(wanted, combinations(ids, (signs, batches, PRODUCTS), at_most, wanted))
        found = gradients(objective, model, X[None], y)[0] if rows else None
        for ids, (sign, batch, product) in rows:
            yield ids, product(sign * batch(len(X)) * found, X)


class _GradientTimesInput(ArrayExercise):
    key, noun = "gradient_times_input", "products"
    solution = staticmethod(attribution.compute_gradient_times_input)
    known_answers = staticmethod(known_answers)


EXERCISE = _GradientTimesInput()
'''

CELLS = (
    new_markdown_cell(
        "### Exercise 8: `compute_gradient_times_input`\n\n**Difficulty** ●○○ · **Minutes** 5 · **Bonus points** 1.5\n\n"
        "Multiply the gradient of the label's score by the image.",
        id="exercise-8-text",
    ),
    new_code_cell(
        "from cs231n.attribution import compute_gradient_times_input\n\nvis_utils.show_source(compute_gradient_times_input)",
        id="exercise-8",
        metadata={"tags": ["exercise"]},
    ),
    new_code_cell(
        "from cs231n.checks import check_gradient_times_input\n\ncheck_gradient_times_input(compute_gradient_times_input)",
        id="check-8",
        metadata={"tags": ["check"]},
    ),
)

FINGERPRINTS = """
import numpy as np
from cs231n.checks.exam import own_exam
from cs231n.checks.fingerprints import PATH, stored
from cs231n.instructor.exercises.fingerprints import of_exercise

arrays, _ = of_exercise("gradient_times_input", own_exam().of("gradient_times_input"))
np.savez_compressed(PATH, **stored().arrays, **arrays)
"""


def add(kit):
    """Add an exercise to a copy of the kit: a table, the solution, and its two files."""
    package = kit / "cs231n"
    for path, text in (("assignment.toml", TABLE), ("attribution.py", SOLUTION)):
        with (package / path).open("a", encoding="utf-8") as file:
            file.write(text)
    (package / "checks" / "exercises" / f"{KEY}.py").write_text(OF_THE_CHECKS.lstrip(), encoding="utf-8")
    (package / "instructor" / "exercises" / f"{KEY}.py").write_text(OF_THE_INSTRUCTOR.lstrip(), encoding="utf-8")


def add_to_notebook(kit):
    """Add its cells at the end of section 7, and make the totals of the notebook and the README agree, as a release asks for."""
    path = kit / "NetworkVisualization.ipynb"
    notebook = nbformat.read(path, as_version=4)
    names = [cell.id for cell in notebook.cells]
    at = names.index("answer-9") + 1
    notebook.cells[at:at] = CELLS
    title = notebook.cells[names.index("title")]
    title.source = title.source.replace("14 bonus points", "15.5 bonus points")
    nbformat.write(notebook, path)
    readme = kit / "README.md"
    text = readme.read_text(encoding="utf-8").replace("14 bonus points", "15.5 bonus points")
    readme.write_text(text.replace("| 4 bonus |", "| 5.5 bonus |"), encoding="utf-8")


def add_fingerprints(kit):
    """Put what is known of it into the copy's fingerprints, as the command for all of them would."""
    subprocess.run([sys.executable, "-c", FINGERPRINTS], cwd=kit, check=True)
