"""Grad-CAM: the known mistakes, how a hidden case is drawn, and the proof."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F

from ... import attribution
from .arrays import ArrayExercise
from .combining import Ids, combinations, exactly, is_part
from .drawing import Draw
from .objectives import gradients, objectives
from .scales import RESCALED

# From the gradient g (N, K, h, w) at the activations a to each place's weighted part of the map.
PARTS = [
    ((), lambda g, a: _mean(g) * a),
    (("gradient-not-averaged",), lambda g, a: g * a),
    (("sum-over-space",), lambda g, a: g.sum(dim=(2, 3), keepdim=True) * a),
    (("weights-mix-images",), lambda g, a: g.mean(dim=(0, 2, 3), keepdim=True) * a),
    (("sum-over-space", "weights-mix-images"), lambda g, a: g.sum(dim=(0, 2, 3), keepdim=True) * a),
    (("negative-weights-lost",), lambda g, a: _mean(g).relu() * a),
    (("negative-weights-lost",), lambda g, a: _mean(g.relu()) * a),
    (("negative-weights-lost",), lambda g, a: _mean(g).abs() * a),
    (("negative-weights-lost",), lambda g, a: _mean(g.abs()) * a),
    (("negative-weights-lost", "gradient-not-averaged"), lambda g, a: g.relu() * a),
    (("negative-weights-lost", "gradient-not-averaged"), lambda g, a: g.abs() * a),
    (("weights-missing",), lambda g, a: a),
    (("activations-missing",), lambda g, a: g),
    (("activations-missing",), lambda g, a: _mean(g).expand_as(a)),
]

OVER_CHANNELS = [
    ((), lambda parts: parts.sum(dim=1, keepdim=True)),
    (("mean-over-feature-channels",), lambda parts: parts.mean(dim=1, keepdim=True)),
]


def _resized(mode: str, **options: bool) -> Callable[[torch.Tensor, torch.Size], torch.Tensor]:
    return lambda maps, size: F.interpolate(maps, size, mode=mode, **options)


bilinear = _resized("bilinear", align_corners=False)

# From the parts (N, K, h, w) to maps (N, 1, H, W): where the ReLU stands, and how the map grows.
RELUS = [
    ((), lambda parts, over, resized: resized(over(parts).relu())),
    (("no-relu",), lambda parts, over, resized: resized(over(parts))),
    (("relu-too-early",), lambda parts, over, resized: resized(over(parts.relu()))),
    (("relu-after-resizing",), lambda parts, over, resized: resized(over(parts)).relu()),
    (("absolute-value-in-place-of-relu",), lambda parts, over, resized: resized(over(parts).abs())),
]

RESIZED = [
    ((), bilinear),
    (("not-resized",), lambda maps, size: maps),
    (("other-resizing",), _resized("nearest")),
    (("other-resizing",), _resized("nearest-exact")),
    (("other-resizing",), _resized("bicubic", align_corners=False)),
    (("other-resizing",), _resized("bicubic", align_corners=True)),
    (("other-resizing",), _resized("bilinear", align_corners=True)),
    (("other-resizing",), _resized("area")),
]


def _mean(g: torch.Tensor) -> torch.Tensor:
    return g.mean(dim=(2, 3), keepdim=True)


def known_answers(
    X: torch.Tensor, y: torch.Tensor, model: Any, at_most: int = 2, wanted: frozenset[str] | None = None
) -> Iterator[tuple[Ids, torch.Tensor]]:
    """Yield (ids, maps (N, H, W)) for the combinations of choices that make up to `at_most` mistakes.

    wanted: a frozenset of ids, to yield what makes exactly these mistakes and compute little else; None for all.
    """
    with torch.no_grad():
        activations = model.features(X)
    for objective_ids, objective, signs, batches in objectives():
        if not is_part(objective_ids, wanted):
            continue
        (gradient,) = gradients(objective, lambda features: model.classifier(features).flatten(1), activations[None], y)
        choices = signs, batches, PARTS, OVER_CHANNELS, RELUS, RESIZED, RESCALED
        rows = exactly(wanted, combinations(objective_ids, choices, at_most, wanted))
        for ids, (sign, batch, to_parts, over, to_maps, resized, rescaled) in rows:
            parts = to_parts(sign * batch(len(X)) * gradient, activations)
            yield ids, rescaled(to_maps(parts, over, lambda maps, resized=resized: resized(maps, X.shape[2:]))[:, 0])


class _GradCam(ArrayExercise):
    key, noun = "grad_cam", "maps"
    large_mistakes = 1
    solution = staticmethod(attribution.compute_grad_cam_maps)
    known_answers = staticmethod(known_answers)

    def drawn_case(self, case: Any, draw: Draw) -> Any:
        """Return labels of which all but a dead one have something to show on their maps."""
        while True:
            drawn = draw.labels(case)
            maps = self.solution(*drawn.arguments(drawn.network()))
            if ((maps > 0).float().mean(dim=(1, 2)) > 0.1).sum() >= len(maps) - case.dead_class:
                return drawn


EXERCISE = _GradCam()
