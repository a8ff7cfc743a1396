"""The mistakes that students make in the first three exercises, as choices that combine, and what comes out of each combination.

A choice has ids, explained in cs231n/checks/README.md; the right choice has none. A combination has the ids of its choices.
"""

import itertools
from functools import cache

import torch
import torch.nn.functional as F

# Up to three of these at once, and up to two of all.
FREQUENT = {
    *("cross-entropy", "softmax", "wrong-direction", "gradient-accumulates", "not-normalised", "squared-norm", "divided-by-sum"),
    *("regulariser-missing", "regulariser-wrong-sign", "regulariser-not-squared", "regulariser-halved"),
    *("regulariser-not-normalised", "learning-rate-ignored", "learning-rate-changed", "regulariser-without-learning-rate"),
}

AT_ONCE = 8 * 3 * 224 * 224  # numbers of images that a network is given at once: its activations take 20 times their memory


# What is differentiated: functions of scores (N, C) and labels y (N,) that give N values to be raised.


def own_score(scores, y):
    return scores.gather(1, y[:, None])[:, 0]


def log_likelihood(scores, y):
    return -F.cross_entropy(scores, y, reduction="none")


def probability(scores, y):
    return own_score(scores.softmax(dim=1), y)


def best_other_score(scores, y):
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


# Saliency maps

# Mistakes that only a batch can have.
BATCH_OBJECTIVES = [
    (("wrong-class-score",), lambda scores, y: scores[:, y].sum(dim=1)),  # the labels of all images, for each image
    (("wrong-class-score",), lambda scores, y: scores[:, y[0]]),
    (("wrong-class-score",), lambda scores, y: scores[0, y]),  # all labels, of the first image alone
    (("cross-entropy",), lambda scores, y: log_likelihood(scores, own_score(scores, y).long().clamp(0, scores.shape[1] - 1))),
]

# How N values become the one that is differentiated: their sum times a function of N. The sign only shows where no absolute
# value is taken.
OVER_BATCH = [
    ((), lambda n: 1),
    ((), lambda n: -1),
    (("batch-mean",), lambda n: 1 / n),
    (("batch-mean",), lambda n: -1 / n),
]


def scaled_to_1(maps):
    return maps / maps.amax(dim=(1, 2), keepdim=True)


def between_0_and_1(maps):
    least, most = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    return (maps - least) / (most - least)


# How maps (N, H, W) are stretched: each by itself, or all together.
SCALES = (
    scaled_to_1,
    between_0_and_1,
    lambda maps: maps / maps.max(),
    lambda maps: (maps - maps.min()) / (maps.max() - maps.min()),
)


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


def saliency_maps(X, y, network, at_most=4, wanted=None):
    """Yield (ids, maps (N, H, W)) for the combinations of choices that make up to `at_most` mistakes.

    wanted: a frozenset of ids, to yield what makes exactly these mistakes and compute nothing else; None for all.
    """
    for objective_ids, objective in (*OBJECTIVES, *BATCH_OBJECTIVES):
        if len(objective_ids) > at_most or not is_part(objective_ids, wanted):
            continue
        X = X.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(objective(network(X), y).sum(), X)
        for (batch_ids, factor), (map_ids, to_maps) in itertools.product(OVER_BATCH, TO_MAPS):
            if {"cross-entropy", "label-as-score"} & set(objective_ids):
                batch_ids = ()  # these losses are means by default: one mistake, not two
            ids = joined(objective_ids, batch_ids, map_ids)
            if len(ids) <= at_most and wanted in (None, set(ids)):
                yield ids, to_maps(factor(len(X)) * gradient, X.detach())


# Fooling images and the class visualization step: what the gradient becomes

SIGNS = (
    ((), 1.0),
    (("wrong-direction",), -1.0),
)

# What is kept of the gradients of earlier steps: nothing; all of them; all of them, divided by the norm each time.
MEMORIES = (
    ((), "none"),
    (("gradient-accumulates",), "sum"),
    (("gradient-accumulates",), "divided sum"),
)


def _over_norm(g):
    return g / g.norm().clamp(min=1e-100)  # no 0 / 0 for a dead class


LENGTHS = (
    ((), lambda g, x: _over_norm(g)),
    (("not-normalised",), lambda g, x: g),
    (("squared-norm",), lambda g, x: g / g.square().sum().clamp(min=1e-200)),
    (("divided-by-sum",), lambda g, x: g / g.sum()),
    (("other-normalisation",), lambda g, x: g / x.norm()),
    (("other-normalisation",), lambda g, x: g / g.abs().amax()),
    (("other-normalisation",), lambda g, x: g / g.abs().sum()),
    (("other-normalisation",), lambda g, x: g / g.abs().mean()),
    (("other-normalisation",), lambda g, x: g / g.mean()),
    (("other-normalisation",), lambda g, x: g / g.amax()),
    (("other-normalisation",), lambda g, x: g / g.std()),
    (("other-normalisation",), lambda g, x: g / g.norm().sqrt()),
    (("other-normalisation",), lambda g, x: g / g.norm(dim=0, keepdim=True).clamp(min=1e-12)),
    (("other-normalisation",), lambda g, x: g / g.norm(dim=(1, 2), keepdim=True)),
    (("other-normalisation",), lambda g, x: g / g.norm(dim=1, keepdim=True)),
    (("other-normalisation",), lambda g, x: g / g.norm(dim=2, keepdim=True)),
    (("other-normalisation",), lambda g, x: g.sign()),
)

LEARNING_RATES = (
    ((), 1.0),
    *((("learning-rate-changed",), rate) for rate in (0.01, 0.1, 0.5, 2.0, 5.0, 10.0, 25.0, 100.0)),
)


def _remembered(memory, kept, gradient):
    """Return (the gradient that the step uses, what is kept of it for the next one)."""
    total = gradient if memory == "none" else kept + gradient
    return total, _over_norm(total) if memory == "divided sum" else total


def fooling_paths(network, X, target, steps, at_most=3, wanted=None):
    """Return [(ids, path (steps + 1, 3, H, W))] for the combinations of up to `at_most` choices, without a stop test.

    wanted: as in saliency_maps.
    """
    found = []
    for (objective_ids, objective), rows in _rows(at_most, wanted, OBJECTIVES, SIGNS, MEMORIES, LENGTHS, LEARNING_RATES):
        x, kept = X.expand(len(rows), -1, -1, -1), [0.0] * len(rows)
        paths = [x]
        for _ in range(steps):
            gradients = _gradients(objective, network, x, target)
            changes = []
            for row, (_, (sign, memory, to_length, rate)) in enumerate(rows):
                gradient, kept[row] = _remembered(memory, kept[row], sign * gradients[row])
                changes.append(rate * to_length(gradient, x[row]))
            x = x + torch.stack(changes)
            paths.append(x)
        found += [(joined(objective_ids, ids), path) for (ids, _), path in zip(rows, torch.stack(paths, dim=1), strict=True)]
    return found


# The class visualization step

# The regulariser's part of the direction: functions of the image x, l2_reg, and the gradients of the sum of the squares of the
# scores, of their norm, and of the square of the own score.
REGULARISERS = (
    ((), lambda x, reg, squares, norm, own: -2 * reg * x),
    (("regulariser-missing",), lambda x, reg, squares, norm, own: 0 * x),
    (("regulariser-wrong-sign",), lambda x, reg, squares, norm, own: 2 * reg * x),
    (("regulariser-not-squared",), lambda x, reg, squares, norm, own: -reg * _over_norm(x)),
    (("regulariser-not-squared", "regulariser-wrong-sign"), lambda x, reg, squares, norm, own: reg * _over_norm(x)),
    (("regulariser-halved",), lambda x, reg, squares, norm, own: -reg * x),
    (("regulariser-halved", "regulariser-wrong-sign"), lambda x, reg, squares, norm, own: reg * x),
    (("regulariser-on-scores",), lambda x, reg, squares, norm, own: -reg * squares),
    (("regulariser-on-scores",), lambda x, reg, squares, norm, own: -reg * norm),
    (("regulariser-on-scores",), lambda x, reg, squares, norm, own: -reg * own),
    (("regulariser-on-scores", "regulariser-wrong-sign"), lambda x, reg, squares, norm, own: reg * squares),
    (("regulariser-not-squared",), lambda x, reg, squares, norm, own: -2 * reg * _over_norm(x)),
    (("regulariser-not-squared",), lambda x, reg, squares, norm, own: -reg * x / x.norm(dim=0, keepdim=True)),
    (("regulariser-not-squared",), lambda x, reg, squares, norm, own: -reg * x / x.norm(dim=(1, 2), keepdim=True)),
    (("regulariser-other-norm",), lambda x, reg, squares, norm, own: -reg * x.sign()),
    (("regulariser-other-norm",), lambda x, reg, squares, norm, own: -2 * reg * x.sign()),
    (("regulariser-other-norm",), lambda x, reg, squares, norm, own: -3 * reg * x * x.abs()),
    (("regulariser-other-norm",), lambda x, reg, squares, norm, own: -4 * reg * x**3),
    (("regulariser-other-norm", "regulariser-wrong-sign"), lambda x, reg, squares, norm, own: reg * x.sign()),
    (("regulariser-constant",), lambda x, reg, squares, norm, own: -reg * torch.ones_like(x)),
    (("regulariser-constant",), lambda x, reg, squares, norm, own: reg * torch.ones_like(x)),
    (("regulariser-other-size",), lambda x, reg, squares, norm, own: -2 * reg * x / x.numel()),
    (("regulariser-other-size",), lambda x, reg, squares, norm, own: -4 * reg * x),
    (("regulariser-other-size",), lambda x, reg, squares, norm, own: -2 * x),
    (("regulariser-other-size",), lambda x, reg, squares, norm, own: -2 * reg**2 * x),
)

# From the score's gradient g and the regulariser's part r to the change of the image, for the learning rate.
STEPS = (
    ((), lambda g, r, rate: rate * (g + r)),
    ((), lambda g, r, rate: rate * _over_norm(g + r)),
    (("regulariser-not-normalised",), lambda g, r, rate: rate * (_over_norm(g) + r)),
    (("regulariser-not-normalised", "regulariser-without-learning-rate"), lambda g, r, rate: rate * _over_norm(g) + r),
    (("regulariser-without-learning-rate",), lambda g, r, rate: rate * g + r),
    (("learning-rate-ignored",), lambda g, r, rate: g + r),
    (("learning-rate-ignored",), lambda g, r, rate: _over_norm(g + r)),
    (("learning-rate-ignored", "regulariser-not-normalised"), lambda g, r, rate: _over_norm(g) + r),
    (("squared-norm",), lambda g, r, rate: rate * (g + r) / (g + r).square().sum()),
    (("divided-by-sum",), lambda g, r, rate: rate * (g + r) / (g + r).sum()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).abs().amax()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).abs().sum()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).abs().mean()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).std()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r).sign()),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).norm(dim=0, keepdim=True).clamp(min=1e-12)),
    (("other-normalisation",), lambda g, r, rate: rate * (g + r) / (g + r).norm(dim=(1, 2), keepdim=True)),
    (("learning-rate-changed",), lambda g, r, rate: rate**2 * (g + r)),
    (("learning-rate-changed",), lambda g, r, rate: rate**2 * _over_norm(g + r)),
)

# "sum": the regulariser is in the gradient that is kept; "score only": it is added by hand, afresh each time.
STEP_MEMORIES = (
    *MEMORIES,
    (("gradient-accumulates",), "score only"),
    (("gradient-accumulates",), "score only, divided"),
)

STEP_SIGNS = (
    ((), (1.0, 1.0)),
    (("wrong-direction",), (-1.0, -1.0)),
    (("wrong-direction",), (-1.0, 1.0)),
)


def step_paths(network, X, target, l2_reg, learning_rate, steps, at_most=3, wanted=None):
    """Return [(ids, path (steps + 1, 3, H, W))] of several calls for the combinations of up to `at_most` choices.

    Two are right: first the raw step, then the normalised one. wanted: as in saliency_maps.
    """
    found = []
    choices = OBJECTIVES, STEPS, STEP_SIGNS, REGULARISERS, STEP_MEMORIES
    for (objective_ids, objective), rows in _rows(at_most, wanted, *choices):
        x, kept = X.expand(len(rows), -1, -1, -1), [0.0] * len(rows)
        on_scores = [row for row, (ids, _) in enumerate(rows) if "regulariser-on-scores" in ids]
        paths = [x]
        for _ in range(steps):
            gradients = _gradients(objective, network, x, target)
            squares = dict(zip(on_scores, _gradients(_sum_of_squares, network, x[on_scores], target), strict=True))
            norms = dict(zip(on_scores, _gradients(_norm, network, x[on_scores], target), strict=True))
            own = dict(zip(on_scores, _gradients(_own_square, network, x[on_scores], target), strict=True))
            changes = []
            for row, (_, (step, (sign, reg_sign), regulariser, memory)) in enumerate(rows):
                of_scores = squares.get(row), norms.get(row), own.get(row)
                g, r = sign * gradients[row], reg_sign * regulariser(x[row], l2_reg, *of_scores)
                if memory.startswith("score only"):
                    g, kept[row] = _remembered({"score only": "sum", "score only, divided": "divided sum"}[memory], kept[row], g)
                else:
                    total, kept[row] = _remembered(memory, kept[row], g + r)
                    g = total - r  # the step adds r once more
                changes.append(step(g, r, learning_rate))
            x = x + torch.stack(changes)
            paths.append(x)
        found += [(joined(objective_ids, ids), path) for (ids, _), path in zip(rows, torch.stack(paths, dim=1), strict=True)]
    return found


@cache
def _rows(at_most, wanted, objectives, *others):
    """Return each objective with its combinations of the other choices that are likely enough, or wanted."""
    found = []
    others = [[choice for choice in choices if is_part(choice[0], wanted)] for choices in others]
    for objective in objectives:
        rows = []
        for choices in itertools.product(*others):
            ids = joined(*(choice_ids for choice_ids, _ in choices))
            together = joined(objective[0], ids)
            if wanted in (None, set(together)) and len(together) <= min(at_most, 3 if FREQUENT.issuperset(together) else 2):
                rows.append((ids, tuple(choice for _, choice in choices)))
        if rows:
            found.append((objective, rows))
    return found


def _sum_of_squares(scores, _):
    return scores.square().sum(dim=1)


def _norm(scores, _):
    return scores.norm(dim=1)


def _own_square(scores, y):
    return own_score(scores, y).square()


def _gradients(objective, network, x, target):
    """Return the gradients of the objective at images x (N, 3, H, W), each by itself, in the same shape."""
    return torch.cat([_gradients_at_once(objective, network, some, target) for some in x.split(at_once(x[:1]))])


def _gradients_at_once(objective, network, x, target):
    x = x.detach().requires_grad_()
    y = torch.full((len(x),), target)
    return torch.autograd.grad(objective(network(x), y).sum(), x)[0]


def at_once(one):
    """Return how many like `one`, an image or a batch, a network is given at once."""
    return max(1, AT_ONCE // max(1, one.numel()))


def is_part(ids, wanted):
    """Return whether a choice with these ids can belong to what makes the `wanted` mistakes; None stands for any."""
    return wanted is None or wanted.issuperset(ids)


def joined(*parts):
    """Return the ids of choices that are made together: sorted, each one once."""
    return tuple(sorted({name for part in parts for name in part}))
