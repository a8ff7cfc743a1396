"""How time and memory grow: with the number of images, their side, the number of classes, and the number of iterations.

    python tests/benchmarks/growth.py [--runs 7] [--device cpu] [--out FILE.md] [--results FILE.json]

Ours alone; the peers are in the other benchmarks. All sizes of a curve take turns. Memory is by how much the process grows.
"""

# isort: off
import kit  # noqa: F401 (first: the other imports need it)

# isort: on
import argparse
import statistics
import sys
from functools import partial

import numpy as np
import torch
from benchmark_report import Report, add_options, machine
from side_by_side import RUNS, limit_of, limit_sides, peak_mib, seconds_at, seconds_of

from cs231n.batches import maps_in_batches
from cs231n.class_visualization import BatchedStep, create_class_visualization, in_mixed_precision
from cs231n.instructor.atlas import batched_class_visualization_update_step
from cs231n.net_visualization_pytorch import compute_saliency_maps
from cs231n.networks import best_device
from cs231n.squeezenet import load_squeezenet

COUNTS = 1, 2, 4, 8, 16, 32, 64
SIDES = 128, 224, 320, 448  # pixels
ITERATIONS = 10, 100, 300
WHOLE = "saliency maps, 224 pixels"  # all images at once: memory is a straight line


def main(arguments=None):
    """Measure, print the tables and write them. Returns 0, or 2 if something is lacking, which is told."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"of each size (default: {RUNS})")
    parser.add_argument("--device", default=best_device(), type=torch.device, help="by default the fastest that there is")
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        report = Report("growth", options.out, options.results)
        model = load_squeezenet(device=options.device)
    except (ValueError, OSError) as error:
        print(f"growth.py: {error}", file=sys.stderr)
        return 2
    of_machine, work = limit_sides(options.device)
    limit = limit_of(seconds_of(of_machine, options.runs), work)
    heading = f"{machine('torch')}, {torch.get_num_threads()} threads, {options.device}. Limit: {limit}."
    curves = {
        WHOLE: (saliency_by_count(model), "images", 1),
        "saliency maps in batches, 224 pixels": (saliency_by_count(model, in_batches=True), "images", 1),
        "saliency maps, 4 images": (saliency_by_side(model), "pixels a side", None),
        "class visualization, together, 10 iterations": (classes(model), "classes", 10),
        "class visualization, together, mixed precision, 10 iterations": (classes(model, True), "classes", 10),
    }
    lines, rows = [heading], []
    for name, (sides, unit, iterations) in curves.items():
        found = seconds_of(sides, options.runs, warm_ups=dict.fromkeys(sides, next(iter(sides.values()))))
        peaks = {size: peak_mib(side) for size, side in sides.items()}
        percents = {size: share_of_limit(limit, sides[size], found[size], name) for size in sides}
        lines += ["", *table(name, unit, iterations, found, peaks, percents)]
        rows += [row(f"{name}, {size} {unit}", found[size], peaks[size], percents[size]) for size in sides]
    lines += ["", *memory_by_iterations(model)]
    report.write("\n".join(lines), rows)
    return 0


def saliency_by_count(model, in_batches=False):
    X, y = torch.randn(max(COUNTS), 3, 224, 224), torch.arange(max(COUNTS))
    X, y = (tensor.to(next(model.parameters()).device) for tensor in (X, y))
    maps = partial(maps_in_batches, compute_saliency_maps) if in_batches else compute_saliency_maps
    return {N: partial(maps, X[:N], y[:N], model) for N in COUNTS}


def saliency_by_side(model):
    device = next(model.parameters()).device
    y = torch.arange(4, device=device)
    return {side: partial(compute_saliency_maps, torch.randn(4, 3, side, side, device=device), y, model) for side in SIDES}


def classes(model, mixed_precision=False):
    step = BatchedStep(batched_class_visualization_update_step)
    step = in_mixed_precision(step) if mixed_precision else step
    make = partial(create_class_visualization, model=model, update_step=step, num_iterations=10, seed=0, progress=False)
    return {N: partial(make, range(70, 70 + N)) for N in COUNTS}


def memory_by_iterations(model):
    """Return a line on the memory that 8 classes take, by the number of iterations."""
    step = BatchedStep(batched_class_visualization_update_step)
    make = partial(create_class_visualization, range(70, 78), model, step, seed=0, progress=False)
    peaks = {n: peak_mib(partial(make, num_iterations=n)) for n in ITERATIONS}
    told = ", ".join(f"{n}: {peak:.0f} MiB" for n, peak in peaks.items() if peak is not None)
    return [f"Memory of 8 classes together, by the number of iterations: {told}."]


def share_of_limit(limit, side, seconds, name):
    """Return per cent of the machine's limit, None in mixed precision, for which this limit does not count."""
    return None if "mixed" in name else 100 * seconds_at(limit, side) / statistics.median(seconds)


def table(name, unit, iterations, found, peaks, percents):
    """Return lines of Markdown. iterations: by which the seconds are divided, with the images; None for 4 images of each size."""
    lines = [
        f"| {name}: {unit} | ms an image{' and iteration' if iterations and iterations > 1 else ''}: median (least to most) | "
        "% of limit | MiB |",
        "|---|---|---|---|",
    ]
    for size, seconds in found.items():
        each = [1000 * one / (size * iterations if iterations else 4) for one in seconds]
        percent, peak = ("" if value is None else f"{value:.0f}" for value in (percents[size], peaks[size]))
        lines.append(f"| {size} | {statistics.median(each):.3g} ({min(each):.3g} to {max(each):.3g}) | {percent} | {peak} |")
    if name == WHOLE and None not in peaks.values():
        slope, offset = np.polyfit(list(peaks), list(peaks.values()), 1)
        lines += ["", f"Memory as a straight line: {offset:.0f} MiB and {slope:.1f} MiB for each of the {unit}."]
    return lines


def row(what, seconds, peak, percent):
    return {
        "row": f"growth: {what}",
        "ours_s": statistics.median(seconds),
        "peers_s": {},
        "percent_of_limit": percent,
        "peak_mib": peak,
    }


if __name__ == "__main__":
    sys.exit(main())
