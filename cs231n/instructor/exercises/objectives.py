"""What is differentiated: functions of scores (N, C) and labels y (N,) that give N values to be raised."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from .combining import Choices, Ids, at_once


def own_score(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the score of each one's label."""
    return scores.gather(1, y[:, None])[:, 0]


def log_likelihood(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of the softmax for each one's label."""
    return -F.cross_entropy(scores, y, reduction="none")


def probability(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the softmax for each one's label."""
    return own_score(scores.softmax(dim=1), y)


def best_other_score(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the best score of another class than each one's label."""
    return scores.scatter(1, y[:, None], -torch.inf).amax(dim=1)


OBJECTIVES = (
    ((), own_score),
    (("cross-entropy",), log_likelihood),
    (("softmax",), probability),
    (("softmax", "cross-entropy"), lambda scores, y: log_likelihood(scores.softmax(dim=1), y)),
    (("log-of-score",), lambda scores, y: own_score(scores, y).log()),
    (("wrong-class-score",), lambda scores, y: scores.sum(dim=1)),
    (("wrong-class-score",), lambda scores, y: scores.mean(dim=1)),
    (("wrong-class-score",), lambda scores, y: scores.amax(dim=1)),
    (("wrong-class-score",), lambda scores, y: own_score(scores.roll(1, dims=1), y)),
    (("wrong-class-score",), lambda scores, y: own_score(scores.roll(-1, dims=1), y)),
    (("score-difference",), lambda scores, y: own_score(scores, y) - best_other_score(scores, y)),
    (("score-difference",), lambda scores, y: own_score(scores, y) - scores.amax(dim=1)),
    (("squared-score",), lambda scores, y: own_score(scores, y).square()),
    (("label-as-score",), lambda scores, y: -(own_score(scores, y) - y).square()),
)

# Mistakes that only a batch can have.
BATCH_OBJECTIVES = [
    (("wrong-class-score",), lambda scores, y: scores[:, y].sum(dim=1)),  # the labels of all images, for each image
    (("wrong-class-score",), lambda scores, y: scores[:, y[0]]),
    (("wrong-class-score",), lambda scores, y: scores[0, y]),  # all labels, of the first image alone
    (("cross-entropy",), lambda scores, y: log_likelihood(scores, own_score(scores, y).long().clamp(0, scores.shape[1] - 1))),
]

# The sign, and how the N values become one: their sum times a function of N.
SIGNS = (((), 1.0), (("sign-turned",), -1.0))
BATCHES = (((), lambda n: 1.0), (("batch-mean",), lambda n: 1.0 / n))
FREQUENT_OBJECTIVES = ((), ("cross-entropy",), ("softmax",))  # these come together with other mistakes


def objectives() -> list[tuple[Ids, Callable, Choices, Choices]]:
    """Return [(ids, objective, signs, factors for a batch of n)] of what is differentiated."""
    found: list[tuple[Ids, Callable, Choices, Choices]] = []
    for ids, objective in (*OBJECTIVES, *BATCH_OBJECTIVES):
        loss = "cross-entropy" in ids  # it is a mean over the batch, to be lowered: one mistake, not three
        signs = tuple(((), sign) for _, sign in SIGNS) if loss else SIGNS
        batches = tuple(((), factor) for _, factor in BATCHES) if loss else BATCHES
        found.append((ids, objective, signs, batches))
    return found


def gradients(objective: Callable, model: Callable, points: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the gradients (T, N, ...) of the objective at points (T, N, 3, H, W), each batch of N by itself."""
    return torch.cat([_gradients_of_some(objective, model, some, y) for some in points.split(at_once(points[0]))])


def _gradients_of_some(objective: Callable, model: Callable, points: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    points = points.detach().requires_grad_()
    scores = model(points.flatten(0, 1)).unflatten(0, points.shape[:2])
    return torch.autograd.grad(sum(objective(of_a_batch, y).sum() for of_a_batch in scores), points)[0]
