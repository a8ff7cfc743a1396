"""How long an atlas of many classes takes: ours in batches of several sizes, and the usual loop, one class at a time.

    python tests/benchmarks/atlas.py [--classes 1000] [--batches 125 250 500 1000] [--out FILE.md] [--results FILE.json]

Made for a GPU, where it says which batch and precision to choose; on a CPU the defaults are small. The time is that of the
images alone, without writing them to files. Of the usual loop only a few classes are made, and their time taken for all: it
makes one at a time.
"""

# isort: off
import kit  # noqa: F401 (first: the other imports need it)

# isort: on
import argparse
import sys
from functools import partial

import torch
from benchmark_report import Report, add_options, machine
from helpers import textbook
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

from cs231n.class_visualization import BatchedStep, create_class_visualization, in_mixed_precision
from cs231n.instructor.atlas import batched_class_visualization_update_step
from cs231n.networks import best_device
from cs231n.squeezenet import load_squeezenet

ITERATIONS = 100


def main(arguments=None):
    """Measure, print the table and write it. Returns 0, or 2 if something is lacking, which is told."""
    device = best_device()
    on_gpu = device.type == "cuda"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"of each side (default: {RUNS})")
    parser.add_argument("--classes", type=int, default=1000 if on_gpu else 16, metavar="N", help="how many, from 0 on")
    parser.add_argument("--batches", type=int, nargs="+", default=[125, 250, 500, 1000] if on_gpu else [4, 8], metavar="N")
    parser.add_argument("--textbook", type=int, default=2 if on_gpu else 1, metavar="N", help="classes of the usual loop")
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        report = Report("atlas", options.out, options.results)
        model = load_squeezenet(device=device)
    except (ValueError, OSError) as error:
        print(f"atlas.py: {error}", file=sys.stderr)
        return 2
    comparisons, limits = measured(model, device, options)
    heading = (
        f"{machine('torch')}, {torch.get_num_threads()} threads, {device_name(device)}. {options.classes} classes, {ITERATIONS} "
        f"iterations. Limit: {limits[0]}; in bfloat16 {limits[1]}."
    )
    report.write("\n".join([heading, "", *comparison_table(comparisons, "an image")]), result_rows("atlas", comparisons))
    return 0


def measured(model, device, options):
    """Return a Comparison for each batch size and precision, and the Limits in single precision and in bfloat16."""
    frozen, limits = textbook.plain_squeezenet(model).requires_grad_(False), []
    for dtype in (torch.float32, torch.bfloat16):
        of_machine, work = limit_sides(device, dtype)
        limits.append(limit_of(seconds_of(of_machine, options.runs), work))
    kinds = [(size, mixed) for size in options.batches for mixed in (False, True)]
    ours = {kind: partial(images, model, options.classes, *kind, ITERATIONS) for kind in kinds}
    few = {kind: partial(images, model, options.classes, *kind, 2) for kind in kinds}
    peer = f"textbook, weights frozen, from {options.textbook} of them"
    ours[peer] = lambda: [textbook.class_visualization(label, frozen, ITERATIONS) for label in range(options.textbook)]
    few[peer] = lambda: textbook.class_visualization(0, frozen, 2)
    found = seconds_of(ours, options.runs, warm_ups=few)
    of_peer = [seconds * options.classes / options.textbook for seconds in found.pop(peer)]
    comparisons = []
    for (size, mixed), seconds in found.items():
        what = f"{min(size, options.classes)} at a time, {'mixed' if mixed else 'full'} precision"
        at_limit = loop_at_limit(limits[mixed], partial(partial, images, model, options.classes, size, mixed), ITERATIONS)
        sides, peak = {"ours": seconds, peer: of_peer}, peak_mib(few[size, mixed])
        comparisons.append(Comparison(what, options.classes, sides, **at_limit, peak=peak))
    return comparisons, limits


def images(model, count, size, mixed, iterations):
    """Make the images of `count` classes, `size` at a time."""
    step = BatchedStep(batched_class_visualization_update_step)
    step = in_mixed_precision(step) if mixed else step
    for first in range(0, count, size):
        labels = list(range(first, min(first + size, count)))
        create_class_visualization(labels, model, step, seed=0, num_iterations=iterations, progress=False)


def device_name(device):
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


if __name__ == "__main__":
    sys.exit(main())
