"""The mistakes that students make in SmoothGrad, integrated gradients and Grad-CAM, and what comes out of each combination.

As in known_mistakes, a choice has ids and the right choice has none; here no more than two mistakes are combined.
"""

import itertools

import torch
import torch.nn.functional as F

from .known_mistakes import BATCH_OBJECTIVES, OBJECTIVES, SCALES, at_once, is_part, joined

SIGNS = (((), 1.0), (("sign-turned",), -1.0))
BATCHES = (((), lambda n: 1.0), (("batch-mean",), lambda n: 1.0 / n))
FREQUENT_OBJECTIVES = ((), ("cross-entropy",), ("softmax",))  # these come together with other mistakes


def combinations(ids, choices, at_most, wanted=None):
    """Return [(ids, values)] for the combinations of choices, each [(ids, value)], that make up to `at_most` mistakes.

    wanted: a frozenset of ids, which all are to be part of; None for any.
    """
    found = [(ids, ())] if is_part(ids, wanted) else []
    for choice in choices:
        found = [
            (joined(ids, more), (*values, value))
            for ids, values in found
            for more, value in choice
            if len({*ids, *more}) <= at_most and is_part(more, wanted)
        ]
    return found


def _exactly(wanted, rows):
    """Return the rows (ids, ...) that make exactly the wanted mistakes; all if None is wanted."""
    return [row for row in rows if wanted in (None, set(row[0]))]


def _objectives():
    """Return [(ids, objective, signs, factors for a batch of n)] of what is differentiated."""
    found = []
    for ids, objective in (*OBJECTIVES, *BATCH_OBJECTIVES):
        loss = "cross-entropy" in ids  # it is a mean over the batch, to be lowered: one mistake, not three
        signs = tuple(((), sign) for _, sign in SIGNS) if loss else SIGNS
        batches = tuple(((), factor) for _, factor in BATCHES) if loss else BATCHES
        found.append((ids, objective, signs, batches))
    return found


def _gradients(objective, model, points, y):
    """Return the gradients (T, N, ...) of the objective at points (T, N, 3, H, W), each batch of N by itself."""
    return torch.cat([_gradients_at_once(objective, model, some, y) for some in points.split(at_once(points[0]))])


def _gradients_at_once(objective, model, points, y):
    points = points.detach().requires_grad_()
    scores = model(points.flatten(0, 1)).unflatten(0, points.shape[:2])
    return torch.autograd.grad(sum(objective(of_a_batch, y).sum() for of_a_batch in scores), points)[0]


# SmoothGrad

# Which copies (T, N, 3, H, W) the gradient is taken at.
COPIES = [
    ((), lambda X, noise: X + noise),
    (("noise-ignored",), lambda X, noise: X.expand_as(noise)),
    (("noise-accumulates",), lambda X, noise: X + noise.cumsum(dim=0)),
    (("one-copy-only",), lambda X, noise: (X + noise)[:1]),
    (("one-copy-only",), lambda X, noise: (X + noise)[-1:]),
    (("noise-averaged-first",), lambda X, noise: (X + noise.mean(dim=0))[None]),
    (("noise-averaged-first",), lambda X, noise: (X + noise.sum(dim=0))[None]),
    (("noise-without-image",), lambda X, noise: noise),
    (("noise-subtracted",), lambda X, noise: X - noise),
]

# From the gradients g (S, N, 3, H, W) to one for each image and colour, or to a map already.
TO_MEANS = [
    ((), lambda g: g.square().mean(dim=0)),
    (("gradient-accumulates",), lambda g: g.cumsum(dim=0).square().mean(dim=0)),
    (("gradient-accumulates", "not-squared"), lambda g: g.cumsum(dim=0).abs().mean(dim=0)),
    (("gradient-accumulates", "sum-over-copies"), lambda g: g.cumsum(dim=0).square().sum(dim=0)),
    (("not-squared",), lambda g: g.abs().mean(dim=0)),
    (("not-squared", "no-absolute-value"), lambda g: g.mean(dim=0)),
    (("not-squared", "no-absolute-value"), lambda g: -g.mean(dim=0)),
    (("not-squared", "sum-over-copies"), lambda g: g.abs().sum(dim=0)),
    (("not-squared", "squared-after-mean"), lambda g: g.mean(dim=0).abs()),
    (("squared-after-mean",), lambda g: g.mean(dim=0).square()),
    (("squared-after-mean",), lambda g: g.abs().mean(dim=0).square()),
    (("squared-after-mean", "sum-over-copies"), lambda g: g.sum(dim=0).square()),
    (("sum-over-copies",), lambda g: g.square().sum(dim=0)),
    (("one-copy-only",), lambda g: g[-1].square() / len(g)),
    (("root-taken",), lambda g: g.square().mean(dim=0).sqrt()),
    (("root-taken", "sum-over-copies"), lambda g: g.square().sum(dim=0).sqrt()),
    (("maximum-before-mean",), lambda g: g.square().amax(dim=2).mean(dim=0)),
    (("maximum-before-mean", "not-squared"), lambda g: g.abs().amax(dim=2).mean(dim=0)),
    (("maximum-before-mean", "sum-over-copies"), lambda g: g.square().amax(dim=2).sum(dim=0)),
    (("maximum-before-mean", "squared-after-mean"), lambda g: g.abs().amax(dim=2).mean(dim=0).square()),
    (("maximum-before-mean", "root-taken"), lambda g: g.square().amax(dim=2).mean(dim=0).sqrt()),
]


def _largest(means):
    return means.amax(dim=1)


# From these (N, 3, H, W) to maps (N, H, W).
OVER_COLOURS = [
    ((), _largest),
    (("mean-over-channels",), lambda means: means.mean(dim=1)),
    (("sum-over-channels",), lambda means: means.sum(dim=1)),
    (("norm-over-channels",), lambda means: means.norm(dim=1)),
    (("min-over-channels",), lambda means: means.amin(dim=1)),
    *((("one-channel",), lambda means, c=c: means[:, c]) for c in range(3)),
]

FACTORS = [((), lambda X: 1.0), (("times-input",), lambda X: X)]


RESCALED = [((), lambda maps: maps), *((("rescaled",), scale) for scale in SCALES)]


def smoothgrad_maps(X, y, model, noise, at_most=2, wanted=None):
    """Yield (ids, maps (N, H, W)) for the combinations of choices that make up to `at_most` mistakes.

    wanted: a frozenset of ids, to yield what makes exactly these mistakes and compute nothing else; None for all.
    """
    for (objective_ids, objective, _, batches), (copies_ids, copies) in itertools.product(_objectives(), COPIES):
        if copies_ids and objective_ids not in FREQUENT_OBJECTIVES:
            continue
        choices = batches, FACTORS, TO_MEANS, OVER_COLOURS, RESCALED
        rows = _exactly(wanted, combinations(joined(objective_ids, copies_ids), choices, at_most, wanted))
        gradients = _gradients(objective, model, copies(X, noise), y) if rows else None
        for ids, (batch, factor, to_means, over_colours, rescaled) in rows:
            means = to_means(batch(len(X)) * gradients * factor(X))
            if means.ndim == 4 or over_colours is _largest:
                yield ids, rescaled(over_colours(means) if means.ndim == 4 else means)


# Integrated gradients


def _middles(n, start=0, end=None):
    return [(step + 0.5) / n for step in range(start, n if end is None else end)]


def _equal(alphas):
    return [1 / len(alphas)] * len(alphas)


def _line(n, start=0.0, end=1.0):
    return torch.linspace(start, end, n).tolist()


def _trapezoid(n):
    return [0.5 / n, *([1 / n] * (n - 1)), 0.5 / n]


# Where on the path the gradient is taken, from 0 to 1, and each place's weight: functions of num_steps.
STEPS = [
    ((), lambda n: (_middles(n), _equal(_middles(n)))),
    (("ends-of-parts",), lambda n: (_line(n, 0, 1 - 1 / n), [1 / n] * n)),
    (("ends-of-parts",), lambda n: (_line(n, 1 / n, 1), [1 / n] * n)),
    (("ends-of-parts",), lambda n: (_line(n), [1 / n] * n)),
    (("ends-of-parts",), lambda n: (_line(n + 1), [1 / (n + 1)] * (n + 1))),
    (("ends-of-parts",), lambda n: (_line(n + 1), _trapezoid(n))),
    (("ends-of-parts",), lambda n: (_line(n + 2)[1:-1], [1 / n] * n)),
    (("ends-of-parts", "steps-off-by-one"), lambda n: (_line(n + 1), [1 / n] * (n + 1))),
    (("ends-of-parts", "steps-off-by-one"), lambda n: (_line(n + 1)[1:-1], [1 / n] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 1), [1 / n] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 1), [1 / (n - 1)] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 0, n - 1), [1 / n] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 0, n - 1), [1 / (n - 1)] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n - 1), [1 / (n - 1)] * (n - 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 0, n + 1), [1 / n] * (n + 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 0, n + 1), [1 / (n + 1)] * (n + 1))),
    (("steps-off-by-one",), lambda n: (_middles(n, 1, n + 1), [1 / n] * n)),
    (("steps-off-by-one",), lambda n: (_middles(n + 1), [1 / (n + 1)] * (n + 1))),
    *((("num-steps-ignored",), lambda n, m=m: (_middles(m), [1 / m] * m)) for m in (1, 10, 20, 32, 50)),
    (("num-steps-ignored",), lambda n: (_middles(32), [1 / n] * 32)),
    (("gradient-at-image-only",), lambda n: ([1.0], [1.0])),
]

PATHS = [
    ((), lambda X, baseline, alpha: baseline + alpha * (X - baseline)),
    (("baseline-not-on-path",), lambda X, baseline, alpha: alpha * X),
    (("path-misses-image",), lambda X, baseline, alpha: baseline + alpha * X),
]

# What becomes of the weights w of the places a: functions of both.
SUMS = [
    ((), lambda w, a: w),
    (("sum-over-steps",), lambda w, a: torch.ones_like(w)),
    (("gradient-through-path",), lambda w, a: w * a),
    (("gradient-through-path", "sum-over-steps"), lambda w, a: a),
    (("gradient-accumulates",), lambda w, a: w.flip(0).cumsum(dim=0).flip(0)),
    (("gradient-accumulates", "sum-over-steps"), lambda w, a: torch.arange(len(w), 0, -1).to(w)),
    (("gradient-accumulates", "gradient-through-path"), lambda w, a: w.flip(0).cumsum(dim=0).flip(0) * a),
]

OF_GRADIENTS = [((), lambda g: g), (("absolute-value-taken",), torch.abs)]

TO_ATTRIBUTIONS = [
    ((), lambda mean, X, baseline: mean * (X - baseline)),
    (("baseline-not-in-factor",), lambda mean, X, baseline: mean * X),
    (("not-times-difference",), lambda mean, X, baseline: mean),
    (("absolute-value-taken",), lambda mean, X, baseline: (mean * (X - baseline)).abs()),
    (("absolute-value-taken",), lambda mean, X, baseline: mean.abs() * (X - baseline)),
    (("absolute-value-taken", "not-times-difference"), lambda mean, X, baseline: mean.abs()),
]

# Two choices that are one mistake.
AS_ONE = (
    ({"baseline-not-on-path", "baseline-not-in-factor"}, {"baseline-ignored"}),
    ({"gradient-at-image-only", "baseline-not-in-factor"}, {"gradient-at-image-only", "baseline-ignored"}),
)


def integrated_gradients(X, y, model, baseline, num_steps, at_most=2, wanted=None):
    """Yield (ids, attributions (N, 3, H, W)) for the combinations of choices that make up to `at_most` mistakes.

    wanted: as in smoothgrad_maps.
    """
    parts = _parts_of(wanted)
    for (objective_ids, objective, signs, batches), (step_ids, steps), (path_ids, path) in itertools.product(
        _objectives(), STEPS, PATHS
    ):
        if (step_ids or path_ids) and objective_ids not in FREQUENT_OBJECTIVES:
            continue
        if step_ids in (("gradient-at-image-only",), ("num-steps-ignored",)) and (path_ids or objective_ids):
            continue  # there is no path, or it would take long
        choices = signs, batches, OF_GRADIENTS, SUMS, TO_ATTRIBUTIONS
        rows = combinations(joined(objective_ids, step_ids, path_ids), choices, at_most + 1, parts)
        rows = [(ids, values) for ids, values in ((_as_one(ids), values) for ids, values in rows) if len(ids) <= at_most]
        rows = _exactly(wanted, rows)
        if not rows:
            continue
        alphas, weights = (torch.tensor(numbers, dtype=X.dtype) for numbers in steps(num_steps))
        gradients = _gradients(objective, model, path(X, baseline, alphas.view(-1, 1, 1, 1, 1)), y)
        for ids, (sign, batch, of_gradients, to_weights, to_attributions) in rows:
            total = torch.einsum("t,tnchw->nchw", to_weights(weights, alphas), of_gradients(gradients))
            yield ids, to_attributions(sign * batch(len(X)) * total, X, baseline)


def _as_one(ids):
    for both, one in AS_ONE:
        if both <= set(ids):
            return joined(set(ids) - both | one)
    return ids


def _parts_of(wanted):
    """Return the wanted ids and those that count as one of them together; None if any are wanted."""
    return wanted and wanted.union(*(both for both, one in AS_ONE if one <= wanted))


# Grad-CAM

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


def _resized(mode, **options):
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


def _mean(g):
    return g.mean(dim=(2, 3), keepdim=True)


def grad_cam_maps(X, y, model, at_most=2, wanted=None):
    """Yield (ids, maps (N, H, W)) for the combinations of choices that make up to `at_most` mistakes.

    wanted: as in smoothgrad_maps.
    """
    with torch.no_grad():
        activations = model.features(X)
    for objective_ids, objective, signs, batches in _objectives():
        if not is_part(objective_ids, wanted):
            continue
        (gradient,) = _gradients(objective, lambda features: model.classifier(features).flatten(1), activations[None], y)
        choices = signs, batches, PARTS, OVER_CHANNELS, RELUS, RESIZED, RESCALED
        rows = _exactly(wanted, combinations(objective_ids, choices, at_most, wanted))
        for ids, (sign, batch, to_parts, over, to_maps, resized, rescaled) in rows:
            parts = to_parts(sign * batch(len(X)) * gradient, activations)
            yield ids, rescaled(to_maps(parts, over, lambda maps, resized=resized: resized(maps, X.shape[2:]))[:, 0])
