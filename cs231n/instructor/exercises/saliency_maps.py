"""Saliency maps: the known mistakes, and the proof."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ... import net_visualization_pytorch as reference
from ...checks.cases import Batches, Case
from .arrays import ArrayExercise, double_images, double_network
from .base import Specimen
from .combining import Ids, is_part, joined
from .objectives import BATCH_OBJECTIVES, OBJECTIVES, own_score
from .scales import SCALES

# How N values become the one that is differentiated: their sum times a function of N. The sign only shows where no absolute
# value is taken.
OVER_BATCH = [
    ((), lambda n: 1),
    ((), lambda n: -1),
    (("batch-mean",), lambda n: 1 / n),
    (("batch-mean",), lambda n: -1 / n),
]

# From the gradient g (N, 3, H, W) at the images x to maps (N, H, W).
TO_MAPS = [
    ((), lambda g, x: g.abs().amax(dim=1)),
    (("no-absolute-value",), lambda g, x: g.amax(dim=1)),
    (("no-absolute-value",), lambda g, x: g.clamp(min=0).amax(dim=1)),
    (("absolute-value-too-late",), lambda g, x: g.amax(dim=1).abs()),
    (("mean-over-channels",), lambda g, x: g.abs().mean(dim=1)),
    (("mean-over-channels", "no-absolute-value"), lambda g, x: g.mean(dim=1)),
    (("mean-over-channels", "absolute-value-too-late"), lambda g, x: g.mean(dim=1).abs()),
    (("sum-over-channels",), lambda g, x: g.abs().sum(dim=1)),
    (("sum-over-channels", "no-absolute-value"), lambda g, x: g.sum(dim=1)),
    (("sum-over-channels", "absolute-value-too-late"), lambda g, x: g.sum(dim=1).abs()),
    (("norm-over-channels",), lambda g, x: g.norm(dim=1)),
    (("min-over-channels",), lambda g, x: g.abs().amin(dim=1)),
    (("min-over-channels", "no-absolute-value"), lambda g, x: g.amin(dim=1)),
    (("min-over-channels", "absolute-value-too-late"), lambda g, x: g.amin(dim=1).abs()),
    (("squared-gradient",), lambda g, x: g.square().amax(dim=1)),
    (("squared-gradient", "sum-over-channels"), lambda g, x: g.square().sum(dim=1)),
    (("squared-gradient", "mean-over-channels"), lambda g, x: g.square().mean(dim=1)),
    (("times-input",), lambda g, x: (g * x).abs().amax(dim=1)),
    (("times-input", "no-absolute-value"), lambda g, x: (g * x).amax(dim=1)),
    (("times-input", "sum-over-channels"), lambda g, x: (g * x).abs().sum(dim=1)),
    (("times-input", "sum-over-channels", "no-absolute-value"), lambda g, x: (g * x).sum(dim=1)),
    (("times-input", "sum-over-channels", "absolute-value-too-late"), lambda g, x: (g * x).sum(dim=1).abs()),
    *((("rescaled",), lambda g, x, scale=scale: scale(g.abs().amax(dim=1))) for scale in SCALES),
    *((("rescaled", "sum-over-channels"), lambda g, x, scale=scale: scale(g.abs().sum(dim=1))) for scale in SCALES),
    *((("rescaled", "no-absolute-value"), lambda g, x, scale=scale: scale(g.amax(dim=1))) for scale in SCALES),
    (("one-channel",), lambda g, x: g.abs()[range(len(g)), g.abs().sum(dim=(2, 3)).argmax(dim=1)]),
    *((("one-channel",), lambda g, x, c=c: g[:, c].abs()) for c in range(3)),
    *((("one-channel", "no-absolute-value"), lambda g, x, c=c: g[:, c]) for c in range(3)),
]


def known_answers(
    X: torch.Tensor, y: torch.Tensor, network: torch.nn.Module, at_most: int = 4, wanted: frozenset[str] | None = None
) -> Iterator[tuple[Ids, torch.Tensor]]:
    """Yield (ids, maps (N, H, W)) for the combinations of choices that make up to `at_most` mistakes.

    wanted: a frozenset of ids, to yield what makes exactly these mistakes and compute nothing else; None for all.
    """
    X = X.detach().requires_grad_()
    scores = network(X) if wanted is None else None  # of a few mistakes one gradient is often enough, and SqueezeNet large
    for objective_ids, objective in (*OBJECTIVES, *BATCH_OBJECTIVES):
        if len(objective_ids) > at_most or not is_part(objective_ids, wanted):
            continue
        reached = objective(network(X) if scores is None else scores, y).sum()
        (gradient,) = torch.autograd.grad(reached, X, retain_graph=scores is not None)
        scaled = [(batch_ids, factor(len(X)) * gradient) for batch_ids, factor in OVER_BATCH]
        for (batch_ids, of_batch), (map_ids, to_maps) in itertools.product(scaled, TO_MAPS):
            if {"cross-entropy", "label-as-score"} & set(objective_ids):
                batch_ids = ()  # these losses are means by default: one mistake, not two
            ids = joined(objective_ids, batch_ids, map_ids)
            if len(ids) <= at_most and wanted in (None, set(ids)):
                yield ids, to_maps(of_batch, X.detach())


SPECIMEN = """\
def compute_saliency_maps(X, y, model):
    images = X.detach().clone().requires_grad_()
    model(images).gather(1, y[:, None]).sum().backward()
    return images.grad.abs().amax(dim=1)
"""


class _SaliencyMaps(ArrayExercise):
    key, noun = "saliency_maps", "maps"
    specimen = Specimen(SPECIMEN, SPECIMEN.replace(".abs()", ""))
    photographs = 5
    large_mistakes = 1
    solution = staticmethod(reference.compute_saliency_maps)
    known_answers = staticmethod(known_answers)

    def gradients(self, cases: Batches, right: dict[Any, np.ndarray]) -> dict[Any, np.ndarray]:
        """The gradients (N, 3, H, W) from which the maps came, so that a message can show all three colours of a pixel."""
        return {case: _gradient(case, maps) for case, maps in right.items()}


def _gradient(case: Case, maps: np.ndarray) -> np.ndarray:
    X, y = double_images(case).requires_grad_(), torch.tensor(case.target)
    (gradient,) = torch.autograd.grad(own_score(double_network(case)(X), y).sum(), X)
    np.testing.assert_allclose(gradient.abs().amax(dim=1), maps)
    return gradient.numpy()


EXERCISE = _SaliencyMaps()
