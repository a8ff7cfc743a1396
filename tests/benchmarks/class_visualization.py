"""How long class visualization takes: ours for one class and for many, the usual loop, and torch-lucent's render_vis.

    python tests/benchmarks/class_visualization.py [--runs 7] [--sheet FILE.png] [--out FILE.md] [--results FILE.json]

All make images of 224 x 224 pixels in the same number of iterations. The peers get the network as torchvision builds it, with the
same weights, in the default memory format; of each there is a second side whose weights ask for no gradients. At the end the
network's own scores say whether mixed precision costs anything: more classes, drawn at random, made in both ways.
"""

# isort: off
import kit  # noqa: F401 (first: the other imports need it)

# isort: on
import argparse
import statistics
import sys
from functools import partial
from pathlib import Path

import torch
from benchmark_report import Report, add_options, machine
from helpers import textbook
from lucent.optvis import objectives, param, render
from side_by_side import (
    RUNS,
    Comparison,
    comparison_table,
    limit_of,
    limit_sides,
    loop_at_limit,
    peak_mib,
    result_rows,
    seconds_of,
)
from torchvision.transforms.functional import to_tensor

from cs231n.class_visualization import BatchedStep, create_class_visualization, in_mixed_precision
from cs231n.data_utils import imagenet_class_names
from cs231n.image_utils import preprocess, stretched
from cs231n.instructor.atlas import batched_class_visualization_update_step
from cs231n.net_visualization_pytorch import class_visualization_update_step
from cs231n.networks import best_device
from cs231n.squeezenet import load_squeezenet
from cs231n.vis_utils import save_contact_sheet

LABELS = [76, 366, 604, 130, 323, 985, 207, 949]  # tarantula, gorilla, hourglass, flamingo, monarch, daisy, ...
OURS = "ours", "ours, together", "ours, together, mixed precision"
LOWER = 0.98  # of the score in full precision: what mixed precision must reach


def main(arguments=None):
    """Measure, print the table and write it. Returns 0, or 2 if something is lacking, which is told."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"of each side (default: {RUNS})")
    parser.add_argument("--iterations", type=int, default=100, metavar="N", help="of each image (default: 100)")
    parser.add_argument("--scored", type=int, default=40, metavar="N", help="classes for the comparison of scores (default: 40)")
    parser.add_argument("--device", default=best_device(), type=torch.device, help="by default the fastest that there is")
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE.png", help="where images in full and in mixed precision go, side by side"
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        report = Report("class visualization", options.out, options.results)
        model = load_squeezenet(device=options.device)
    except (ValueError, OSError) as error:
        print(f"class_visualization.py: {error}", file=sys.stderr)
        return 2
    comparisons, limits = measured(model, options)
    limit, low_limit = limits
    lines = [
        f"{machine('torch', 'torch-lucent')}, {torch.get_num_threads()} threads, {options.device}, {options.iterations} "
        f"iterations an image. Limit: {limit}; in bfloat16 {low_limit}.",
        "",
        *comparison_table(comparisons, "an image and iteration"),
        "",
        *score_lines(model, options),
    ]
    report.write("\n".join(lines), result_rows("class visualization", comparisons))
    return 0


def measured(model, options):
    """Return a Comparison for each way of ours with all peers, for one class and for all of LABELS, and the two Limits."""
    found, limits = {}, []
    for labels in (LABELS[:1], LABELS):
        sides, few = sides_of(labels, model, options.iterations), sides_of(labels, model, 2)
        found[len(labels)] = seconds_of(sides, options.runs, warm_ups=few)
    for dtype in (torch.float32, torch.bfloat16):
        of_machine, work = limit_sides(options.device, dtype)
        limits.append(limit_of(seconds_of(of_machine, options.runs), work))
    comparisons = []
    for N, seconds in found.items():
        peers = {name: times for name, times in seconds.items() if name not in OURS}
        for ours in (name for name in OURS if name in seconds):

            def loop(iterations, labels=LABELS[:N], ours=ours):
                return sides_of(labels, model, iterations)[ours]

            what = f"{N} class{'es' * (N > 1)}{ours.removeprefix('ours')}"
            at_limit = loop_at_limit(limits["mixed" in ours], loop, options.iterations)
            sides = {"ours": seconds[ours], **peers}
            comparisons.append(Comparison(what, N * options.iterations, sides, **at_limit, peak=peak_mib(loop(10))))
    return comparisons, limits


def sides_of(labels, model, iterations):
    """Return {name: function} for images of these classes."""
    plain, frozen = textbook.plain_squeezenet(model), textbook.plain_squeezenet(model).requires_grad_(False)
    ours = partial(create_class_visualization, labels, model, seed=0, num_iterations=iterations, progress=False)
    step = BatchedStep(batched_class_visualization_update_step)
    sides = {
        "ours": partial(ours, update_step=class_visualization_update_step),
        "ours, together": partial(ours, update_step=step),
        "ours, together, mixed precision": partial(ours, update_step=in_mixed_precision(step)),
        "textbook": lambda: [textbook.class_visualization(label, plain, iterations) for label in labels],
        "textbook, weights frozen": lambda: [textbook.class_visualization(label, frozen, iterations) for label in labels],
        "torch-lucent": lambda: lucent_images(labels, textbook.plain_squeezenet(model), iterations),
        "torch-lucent, weights frozen": lambda: lucent_images(
            labels, textbook.plain_squeezenet(model).requires_grad_(False), iterations
        ),
    }
    return sides if len(labels) > 1 else {name: side for name, side in sides.items() if "together" not in name}


def lucent_images(labels, network, iterations):
    """Return images of these classes made by torch-lucent in one batch, at its defaults except for their size and number.

    network: one of its own for each call, since torch-lucent leaves its hooks on it.
    """
    objective = sum(objectives.channel("classifier_3", label, batch=i) for i, label in enumerate(labels))
    images = partial(param.image, 224, batch=len(labels))
    return render.render_vis(network, objective, images, thresholds=(iterations,), show_image=False, progress=False)


def score_lines(model, options):
    """Return lines on what the network scores for images made in full and in mixed precision; write them to options.sheet."""
    drawn = torch.randperm(1000, generator=torch.Generator().manual_seed(0))[: options.scored].tolist()
    step = BatchedStep(batched_class_visualization_update_step)
    make = partial(create_class_visualization, LABELS + drawn, model, seed=0, num_iterations=options.iterations, progress=False)
    full, mixed = make(step), make(in_mixed_precision(step))
    scores = [own_scores(images, LABELS + drawn, model) for images in (full, mixed)]
    there = scores[0] > 0  # a dead class has no image in either way
    ratios = (scores[1][there] / scores[0][there]).tolist()
    mean = (scores[1][there].mean() / scores[0][there].mean()).item()
    if options.sheet:
        shown = [image for pair in zip(full[:8], mixed[:8], strict=True) for image in pair]
        names = imagenet_class_names()
        titles = [f"{names[label]}{kind}" for label in LABELS for kind in ("", ", mixed")]
        save_contact_sheet(torch.stack([to_tensor(stretched(image)) for image in shown]), titles, options.sheet, columns=8)
    quarters = statistics.quantiles(ratios, n=4)
    return [
        f"Scores in mixed precision over those in full precision, {len(ratios)} classes ({len(there) - len(ratios)} more are "
        f"dead): mean score {mean:.3f} times, median class {statistics.median(ratios):.3f}, middle half of the classes "
        f"{quarters[0]:.3f} to {quarters[2]:.3f}. Asked for: at least {LOWER}."
    ]


def own_scores(images, labels, model):
    X = torch.cat([preprocess(image) for image in images])
    scores = []
    with torch.no_grad():
        for first in range(0, len(X), 8):
            scores.append(model(X[first : first + 8].to(next(model.parameters()).device)).cpu())
    return torch.cat(scores)[range(len(labels)), labels]


if __name__ == "__main__":
    sys.exit(main())
