"""What every stage on a GPU works with: the device, how much of each thing to do, and in which precision."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Sizes:
    """How much of each thing a run does.

    answers_step: every how manieth of the labelled answers goes through the checks. photographs, targets: of the fooling
    pairs. sections: of the notebook, the first so many; None for all. saliency, classes: images or classes at a time.
    iterations: of class visualization. runs: of each side. graphs, compiled: whether CUDA graphs and torch.compile take part.
    atlas: classes. batches: at a time, for the atlas. atlas_iterations: of its images; explored: of those that only choose a
    batch. textbook: classes of the usual loop. class_images, steps: of the class images.
    """

    answers_step: int
    photographs: int
    targets: int
    sections: int | None
    saliency: tuple[int, ...]
    classes: tuple[int, ...]
    iterations: int
    runs: int
    graphs: bool
    atlas: int
    batches: tuple[int, ...]
    atlas_iterations: int
    explored: int
    textbook: int
    class_images: int
    steps: int


WHOLE = Sizes(
    answers_step=1,
    photographs=20,
    targets=8,
    sections=None,
    saliency=(1, 25, 256),
    classes=(1, 8, 64, 250),
    iterations=50,
    runs=3,
    graphs=True,
    atlas=1000,
    batches=(250, 500),
    atlas_iterations=100,
    explored=10,
    textbook=3,
    class_images=1000,
    steps=280,
)
REHEARSAL = Sizes(
    answers_step=60,
    photographs=2,
    targets=1,
    sections=3,
    saliency=(1, 2),
    classes=(1, 2),
    iterations=2,
    runs=1,
    graphs=False,
    atlas=4,
    batches=(2, 4),
    atlas_iterations=2,
    explored=2,
    textbook=1,
    class_images=2,
    steps=2,
)


@dataclass(frozen=True)
class Plan:
    """device: where everything runs. sizes: how much of it. folder: where files of the run go."""

    device: torch.device
    sizes: Sizes
    folder: Path

    @property
    def on_gpu(self):
        return self.device.type == "cuda"

    @property
    def precisions(self):
        """The names of the precisions to measure, for `precision`; only a GPU has TF32."""
        return ("fp32", "TF32", "bf16") if self.on_gpu else ("fp32", "bf16")

    @property
    def usual(self):
        """The precision that PyTorch's own settings lead to: what a peer gets."""
        return "TF32" if self.on_gpu else "fp32"


@dataclass(frozen=True)
class Outcome:
    """What a stage found: Markdown, rows for the JSON file, and a sentence for each thing that is not as it should be."""

    lines: list[str]
    rows: list[dict]
    failed: list[str]


@contextlib.contextmanager
def precision(name):
    """Have convolutions and matrix products computed in "fp32", or in "TF32", which rounds their inputs to 10 bits.

    "bf16" counts as TF32 here: what is not computed in bfloat16 may then be rounded that way.
    """
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = name != "fp32"
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def low_precision(name, device):
    """Return the context in which PyTorch computes in bfloat16 where that is safe if `name` is "bf16", else an empty one."""
    return torch.autocast(device.type, torch.bfloat16) if name == "bf16" else contextlib.nullcontext()
