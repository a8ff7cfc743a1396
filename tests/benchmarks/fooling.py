"""Steps, time and L2 distance of fooling images: ours, one image at a time, and foolbox's targeted L2 attacks, in batches.

    python tests/benchmarks/fooling.py [--images 20] [--targets 7] [--carlini 1] [--seed 0] [--out FILE.md] [--results FILE.json]

All sides get the same network, photographs and random targets. They take turns, a batch each: all photographs, each with one
target. Distances are those between the network's inputs. Ours does not clip; foolbox's keep to the values that a photograph
can have. Foolbox's attacks are at their defaults; those that ask for a largest distance get the median of ours on the same
batch. Carlini and Wagner's takes minutes an image: it gets the first few pairs, after the batches.
Left out: EAD, which looks for a small L1 distance; Brendel and Bethge's, which starts from an image that fools the network
already; DeepFool, which takes no target; FMN, which takes as many steps as DDN and stayed further off (on two pairs).
"""

# isort: off
import kit  # noqa: F401 (first: the other imports need it)

# isort: on
import argparse
import os
import statistics
import sys
import time
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from benchmark_report import Report, add_options, machine
from foolbox import PyTorchModel
from foolbox.attacks import L2PGD, DDNAttack, L2BasicIterativeAttack, L2CarliniWagnerAttack
from foolbox.attacks.base import FixedEpsilonAttack
from foolbox.criteria import TargetedMisclassification
from side_by_side import limit_of, limit_sides, seconds_at, seconds_of
from tqdm import tqdm

from cs231n.data_utils import load_imagenet_val
from cs231n.image_utils import preprocess
from cs231n.net_visualization_pytorch import make_fooling_image
from cs231n.networks import best_device
from cs231n.squeezenet import load_squeezenet

OURS, CARLINI = "ours", "foolbox's Carlini-Wagner"
ATTACKS = {"foolbox's DDN": DDNAttack(), "foolbox's PGD": L2PGD(), "foolbox's BIM": L2BasicIterativeAttack()}
SLOW_ATTACK = L2CarliniWagnerAttack()


@dataclass(frozen=True)
class Fooling:
    """How one photograph became an image of its target. Of images made together, each has its share of what they took."""

    seconds: float
    gradients: float  # of a score or a loss, through the network; a step each
    forwards: float  # passes through the network
    fooled: bool  # the network says the target
    distance: float  # L2, between photograph and image as the network gets them


class Passes:
    """Counts the images that go forward through `model`, and those that a gradient is computed for."""

    def __init__(self, model):
        self.forwards = self.gradients = 0
        model.register_forward_hook(self._count)

    def _count(self, model, inputs, scores):
        self.forwards += len(scores)
        if scores.requires_grad:
            scores.register_hook(self._count_gradients)

    def _count_gradients(self, gradient):
        self.gradients += len(gradient)


def main(arguments=None):
    """Measure, print the table and write it. Returns 0, or 2 if something is lacking, which is told."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=20, metavar="N", help="photographs, so pairs in a batch (default: 20)")
    parser.add_argument("--targets", type=int, default=7, metavar="N", help="of each, so batches (default: 7)")
    parser.add_argument("--carlini", type=int, default=1, metavar="N", help="pairs for Carlini-Wagner, 0: none (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="of the targets and of random starts (default: 0)")
    add_options(parser)
    options = parser.parse_args(arguments)
    if options.targets < 1 or not 0 <= options.carlini <= options.images:
        parser.error("expected at least one target, and for --carlini a number from 0 to that of the images.")
    try:
        report = Report("fooling", options.out, options.results)
        model = load_squeezenet()
        X, y, names = load_imagenet_val(options.images)
    except (ValueError, OSError) as error:
        print(f"fooling.py: {error}", file=sys.stderr)
        return 2
    load = os.getloadavg()[0]
    X = torch.cat([preprocess(image) for image in X]).to(best_device())
    targets = random_targets(X, y, model, options)
    found, limit = measured(X, targets, model, options)
    percent = percent_of_limit(found[OURS], limit, X[:1], model)
    heading = [settings(found, options, load), "", best_of(limit, percent), ""]
    ending = ["", not_fooled(found[OURS], targets, names)]
    report.write("\n".join([*heading, *table(found), *ending]), rows(found, percent))
    return 0


def random_targets(X, y, model, options):
    """Return class ids (T, N): T different ones for each of the N images, neither its label y nor what `model` says."""
    generator = torch.Generator().manual_seed(options.seed)
    with torch.no_grad():
        said = model(X).argmax(dim=1).tolist()
    drawn = [torch.randperm(model.num_classes, generator=generator) for _ in said]
    others = [ids[~torch.isin(ids, torch.tensor(own))] for ids, *own in zip(drawn, y, said, strict=True)]
    return torch.stack([ids[: options.targets] for ids in others], dim=1).to(X.device)


def measured(X, targets, model, options):
    """Return {side: batches, lists of Foolings} and the machine's Limit, measured between the batches.

    X: (N, 3, H, W). targets: (T, N), a row for each batch.
    """
    torch.manual_seed(options.seed)  # PGD starts at random
    passes = Passes(model)
    by_us, by_foolbox = ours(model), {name: foolbox_side(attack, model, X.device) for name, attack in ATTACKS.items()}
    for side in (by_us, *by_foolbox.values()):
        side(X[:1], targets[0, :1], 1)  # what is done once only
    found = {name: [] for name in (OURS, *ATTACKS)}
    at_best, work = limit_sides(X.device)
    speeds = {name: [] for name in at_best}
    for row in tqdm(targets, "batches", file=sys.stdout):
        one_by_one = zip(X.split(1), row.split(1), strict=True)
        batch = [fooling for one in one_by_one for fooling in foolings(by_us, *one, None, model, passes)]
        found[OURS].append(batch)
        distance = statistics.median(fooling.distance for fooling in batch)
        for name, side in by_foolbox.items():
            found[name].append(foolings(side, X, row, distance, model, passes))
        for name, seconds in seconds_of(at_best, runs=1).items():
            speeds[name] += seconds
    if options.carlini:
        side, first = foolbox_side(SLOW_ATTACK, model, X.device), slice(options.carlini)
        found[CARLINI] = [foolings(side, X[first], targets[0, first], None, model, passes)]
    return found, limit_of(speeds, work)


def ours(model):
    """Return the side that is the exercise's function; its images X hold one, as the exercise has it."""

    def images(X, targets, distance):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Not fooled")  # the table tells
            return make_fooling_image(X, targets.item(), model)

    return images


def foolbox_side(attack, model, device):
    """Return the side that is one of foolbox's attacks: a function of images, targets and the largest distance allowed."""
    network = PyTorchModel(model, bounds=value_range(), device=device)
    given_distance = isinstance(attack, FixedEpsilonAttack)

    def images(X, targets, distance):
        criterion = TargetedMisclassification(targets)
        return attack(network, X, criterion, epsilons=distance if given_distance else None)[1]

    return images


def value_range():
    """Return the least and the largest value that the network's input can hold: black and white, the extreme channel."""
    black, white = (preprocess(np.full((224, 224, 3), value, np.uint8)) for value in (0, 255))
    return black.min().item(), white.max().item()


def foolings(side, X, targets, distance, model, passes):
    """Let `side` change images X (N, 3, H, W) until they fool `model`, and return the N Foolings."""
    counted = passes.gradients, passes.forwards
    before = time.perf_counter()
    images = side(X, targets, distance)
    images.sum().item()  # a GPU is done when its result is here
    took = time.perf_counter() - before, passes.gradients - counted[0], passes.forwards - counted[1]
    shares = [total / len(X) for total in took]
    with torch.no_grad():
        fooled = model(images).argmax(dim=1) == targets
    distances = (images - X).flatten(1).norm(dim=1)
    return [Fooling(*shares, *own) for own in zip(fooled.tolist(), distances.tolist(), strict=True)]


def percent_of_limit(batches, limit, X, model):
    """Return what share of the time that these batches took is what their passes through `model` take at the Limit.

    X: (1, 3, H, W), any image.
    """
    X = X.clone().requires_grad_()
    step = seconds_at(limit, lambda: torch.autograd.grad(model(X)[0].amax(), X))
    forward = seconds_at(limit, lambda: model(X))
    pairs = pairs_of(batches)
    at_limit = sum(pair.gradients * step + (pair.forwards - pair.gradients) * forward for pair in pairs)
    return 100 * at_limit / sum(pair.seconds for pair in pairs)


def settings(found, options, load):
    attacks = [*ATTACKS.values(), *([SLOW_ATTACK] if CARLINI in found else [])]
    given = [statistics.median(pair.distance for pair in batch) for batch in found[OURS]]
    return (
        f"{machine('torch', 'foolbox')}, on the {best_device().type}. {torch.get_num_threads()} threads. "
        f"Load before the run: {load:.1f}. "
        f"{options.images} photographs, targets of each: {options.targets}, seed {options.seed}. "
        f"Foolbox's settings: {', '.join(map(str, attacks))}. "
        f"Largest distance for PGD and BIM: {min(given):.2f} to {max(given):.2f}, by batch."
    )


def best_of(limit, percent):
    return f"This machine: {limit}. Of our time, {percent:.0f}% is what the passes through the network take at this limit."


def table(found):
    """Return lines of Markdown, a row for each side and one for those of our pairs that the slow attack got."""
    lines = [
        "| side | pairs | fooled | steps (gradients) an image: median; largest | forward passes an image: median; largest "
        "| seconds an image, by batch: median (least to most); behind it how many times ours "
        "| L2 distance, if fooled: median | largest |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [table_row(name, found[name], found[OURS]) for name in (OURS, *ATTACKS)]
    if CARLINI in found:
        same = same_pairs(found)
        lines.append(table_row(f"ours, the first {len(same[0])}", same, same))
        lines.append(table_row(CARLINI, found[CARLINI], same))
    return lines


def table_row(name, batches, our_batches):
    pairs = pairs_of(batches)
    fooled = [pair for pair in pairs if pair.fooled]
    steps, forwards = ([getattr(pair, what) for pair in pairs] for what in ("gradients", "forwards"))
    distances = [pair.distance for pair in fooled]
    near, far = (f"{of(distances):.2f}" if fooled else "" for of in (statistics.median, max))
    cells = [name, len(pairs), len(fooled), *(f"{statistics.median(n):g}; {max(n):g}" for n in (steps, forwards))]
    cells += [duration(batches, our_batches), near, far]
    return f"| {' | '.join(map(str, cells))} |"


def duration(batches, our_batches):
    each = seconds_by_batch(batches)
    text = f"{statistics.median(each):.3g}"
    if len(each) > 1:
        text += f" ({min(each):.3g} to {max(each):.3g})"
    if batches is our_batches:
        return text
    return f"{text}; **{statistics.median(each) / statistics.median(seconds_by_batch(our_batches)):.2g}x**"


def pairs_of(batches):
    return [pair for batch in batches for pair in batch]


def seconds_by_batch(batches):
    """Return the seconds an image of each batch."""
    return [statistics.mean(pair.seconds for pair in batch) for batch in batches]


def same_pairs(found):
    """Return the one batch of ours that holds the pairs of the slow attack."""
    return [found[OURS][0][: len(found[CARLINI][0])]]


def not_fooled(batches, targets, names):
    """Return a sentence on the pairs in which our image does not fool the network. names: {class id: name}."""
    missed = [
        f"photograph {number} to {names[target]} ({pair.gradients:g} steps, distance {pair.distance:.2f})"
        for batch, row in zip(batches, targets.tolist(), strict=True)
        for number, (pair, target) in enumerate(zip(batch, row, strict=True), 1)
        if not pair.fooled
    ]
    return f"Not fooled by ours: {', '.join(missed) or 'none'}."


def rows(found, percent):
    middle = {name: statistics.median(seconds_by_batch(batches)) for name, batches in found.items() if name != CARLINI}
    comparisons = [("one image", middle.pop(OURS), middle, percent)]
    if CARLINI in found:
        same = same_pairs(found)
        (seconds,) = seconds_by_batch(found[CARLINI])
        comparisons.append((f"one image, the first {len(same[0])}", *seconds_by_batch(same), {CARLINI: seconds}, None))
    return [
        {"row": f"fooling: {what}", "ours_s": own, "peers_s": peers, "percent_of_limit": percent, "peak_mib": None}
        for what, own, peers, percent in comparisons
    ]


if __name__ == "__main__":
    sys.exit(main())
