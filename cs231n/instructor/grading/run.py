"""What all submissions of a run are examined with: drawn anew for every run, and known to the grader alone."""

import dataclasses
import secrets
import sys

import nbformat
import torch
from tqdm import tqdm

from ...data_utils import load_imagenet_val
from ...image_utils import preprocess
from ...kit import ROOT
from ...squeezenet import load_squeezenet
from ..exercises.exam import drawn_exam, drawn_photographs
from ..reports.reference import FIGURES
from ..sandbox.inside import limits

REFERENCE = ROOT / "NetworkVisualization.ipynb"


@dataclasses.dataclass(frozen=True)
class Run:
    """What all submissions of a run are examined with. figures: {cell id: source} of the reference. number: its own.

    kit: {cell id: source} of all cells of the reference but the model answers. seconds: of the CPU, at most for an exercise;
    more by the clock, see limits.CLOCK_SECONDS_PER_CPU_SECOND. without_isolation: whether submissions may run where they can
    reach the solutions.
    """

    exam: object
    photographs: object
    figures: dict
    number: str
    seconds: float
    kit: dict = dataclasses.field(default_factory=dict)
    without_isolation: bool = False

    @classmethod
    def drawn(cls):
        seed = secrets.randbits(63)
        tqdm.write("Drawing the networks, images and targets of this run: some ten seconds.", file=sys.stderr)
        X, _, _ = load_imagenet_val()
        network = load_squeezenet(device="cpu")
        photographs = drawn_photographs(seed, network, torch.cat([preprocess(image) for image in X]))
        cells = {cell.get("id"): cell.source for cell in nbformat.read(REFERENCE, as_version=4).cells}
        return cls(
            exam=drawn_exam(seed),
            photographs=photographs,
            figures={name: cells[name] for name in FIGURES},
            number=secrets.token_hex(8),
            seconds=limits.EXERCISE_CPU_SECONDS,
            kit={name: source for name, source in cells.items() if name and not name.startswith("answer-")},
        )
