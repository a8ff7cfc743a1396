"""How hidden cases are drawn: they play the role of given ones, with other weights, pixels and targets."""

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import torch

from ...checks.cases import Case

CLEAR = 0.1  # by how much the target is ahead of, or behind, every other class, so that rounding changes no step
ALIVE = 0.05  # a score behind a ReLU that is this large at every image
LARGEST_SEED = 2**31


class Draw:
    """Draws cases that play the role of given ones: the same kind of network, other weights, pixels and targets."""

    def __init__(self, random: np.random.Generator):
        self.random = random

    def again(self, case: Any, biases: dict[int, float] | None = None) -> Any:
        """Return a case with another network of the same kind and other images. biases: of the network, if not its own."""
        keywords = {**getattr(case.network, "keywords", {}), "seed": self.number()}
        if biases is not None:
            keywords["biases"] = biases
        network = partial(getattr(case.network, "func", case.network), **keywords)
        return dataclasses.replace(case, network=network, seed=self.number())

    def number(self) -> int:
        """Return a seed."""
        return int(self.random.integers(LARGEST_SEED))

    def labels(self, case: Any) -> Any:
        """Labels at random, of at least three classes in a batch of five; the first one's score can be 0 at all images."""
        one_dead = int(case.dead_class)
        while True:
            drawn = self.again(case)
            scores, count = scores_of(drawn), case.shape[0]
            candidates = np.flatnonzero(scores.min(axis=0) > ALIVE) if one_dead else np.arange(scores.shape[1])
            dead = np.flatnonzero(~scores.any(axis=0))[:one_dead]
            if len(candidates) < 3 or len(dead) < one_dead:
                continue
            target = [*dead, *self.random.choice(candidates, size=count - one_dead)]
            if len(set(target)) >= min(count, 3):
                return dataclasses.replace(drawn, target=tuple(map(int, target)))

    def target(self, drawn: Any) -> Any:
        """Return a case with any class as its target."""
        return dataclasses.replace(drawn, target=int(self.random.integers(scores_of(drawn).shape[1])))

    def dead_class(self, case: Any) -> Any:
        """A class whose score stays 0, also some steps away."""
        while True:
            drawn = self.again(case)
            nearby = drawn.images() + 0.1 * torch.from_numpy(self.random.standard_normal((20, 3, *case.shape[1:])))
            dead = np.flatnonzero(~scores_of(drawn, torch.cat([drawn.images(), nearby])).any(axis=0))
            if len(dead):
                return dataclasses.replace(drawn, target=int(dead[0]))


def scores_of(case: Case, images: Any = None) -> np.ndarray:
    """Return the scores (N, C) that the network of a case gives its images, or others."""
    images = case.images() if images is None else torch.as_tensor(images, dtype=torch.float32)
    with torch.no_grad():
        return case.network()(images).double().numpy()


def margins_in(scores: np.ndarray, target: int) -> np.ndarray:
    """Return by how much the target is ahead of the best other class, (N,), in scores (N, C)."""
    return scores[:, target] - np.delete(scores, target, axis=1).max(axis=1)
