"""How long saliency maps take: ours, captum's Saliency, and the form in which the technique is usually written.

    python tests/benchmarks/saliency.py [--runs 7] [--device cpu] [--out FILE.md] [--results FILE.json]

The peers get the network as torchvision builds it, with the same weights: in the default memory format, its weights asking for
gradients. For captum there is a second side with our network, which says what remains if both get the same. Before anything
is timed, the maps are compared, in double precision: else rounding opens or closes a ReLU here and there.
"""

# isort: off
import kit  # noqa: F401 (first: the other imports need it)

# isort: on
import argparse
import sys

import torch
from benchmark_report import Report, add_options, machine
from captum.attr import Saliency
from helpers.textbook import plain_squeezenet, saliency_maps
from side_by_side import RUNS, Comparison, at_limit, comparison_table, limit_of, limit_sides, peak_mib, result_rows, seconds_of

from cs231n.batches import maps_in_batches
from cs231n.data_utils import load_imagenet_val
from cs231n.image_utils import preprocess
from cs231n.net_visualization_pytorch import compute_saliency_maps
from cs231n.networks import best_device
from cs231n.squeezenet import load_squeezenet

SIZES = 1, 5, 25
EQUAL = 1e-6  # of the largest value of all maps


def main(arguments=None):
    """Measure, print the table and write it. Returns 0, or 2 if something is lacking, which is told."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"of each side (default: {RUNS})")
    parser.add_argument("--device", default=best_device(), type=torch.device, help="by default the fastest that there is")
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        report = Report("saliency", options.out, options.results)
        model = load_squeezenet(device=options.device)
        X, y = images(max(SIZES), options.device)
        require_equal(X, y)
    except (ValueError, OSError) as error:
        print(f"saliency.py: {error}", file=sys.stderr)
        return 2
    comparisons, limit = measured(X, y, model, options)
    heading = f"{machine('torch', 'captum')}, {torch.get_num_threads()} threads, {options.device}. Limit: {limit}."
    report.write("\n".join([heading, "", *comparison_table(comparisons, "an image")]), result_rows("saliency", comparisons))
    return 0


def images(count, device):
    """Return `count` images (N, 3, 224, 224) with their labels (N,): the sample images, again and again."""
    X, y, _ = load_imagenet_val()
    places = torch.arange(count) % len(X)
    return torch.cat([preprocess(image) for image in X])[places].to(device), torch.from_numpy(y)[places].to(device)


def measured(X, y, model, options):
    """Return a Comparison for each number of images, and the Limit."""
    plain, comparisons = plain_squeezenet(model), []
    of_machine, work = limit_sides(options.device)
    limits = {name: [] for name in of_machine}
    for N in SIZES:
        sides = sides_of(X[:N], y[:N], model, plain)
        found = seconds_of(sides | of_machine, options.runs)
        for name in limits:
            limits[name] += found.pop(name)
        comparisons.append((f"N = {N}", N, found, sides))
    limit = limit_of(limits, work)
    rows = []
    for what, N, found, sides in comparisons:
        for ours in ("ours", "ours, in batches"):
            if ours in found:
                seconds = {"ours": found[ours]} | {name: times for name, times in found.items() if not name.startswith("ours")}
                limits = at_limit(limit, sides[ours])
                rows.append(Comparison(what + ours.removeprefix("ours"), N, seconds, **limits, peak=peak_mib(sides[ours])))
    return rows, limit


def sides_of(X, y, model, plain):
    def captum(network):
        return Saliency(network).attribute(X.clone().requires_grad_(), target=y).amax(dim=1)

    sides = {
        "ours": lambda: compute_saliency_maps(X, y, model),
        "captum": lambda: captum(plain),
        "captum, our network": lambda: captum(model),
        "textbook": lambda: saliency_maps(X, y, plain),
    }
    return sides | ({"ours, in batches": lambda: maps_in_batches(compute_saliency_maps, X, y, model)} if len(X) > 8 else {})


def require_equal(X, y):
    """Raise ValueError unless all sides return the same maps."""
    exact = load_squeezenet(device="cpu").double()
    found = {name: side() for name, side in sides_of(X.cpu().double(), y.cpu(), exact, plain_squeezenet(exact).double()).items()}
    for name, maps in found.items():
        off = ((maps - found["ours"]).abs().max() / found["ours"].max()).item()
        if off > EQUAL:
            raise ValueError(f"The maps of {name} are off by {off:.1e} of the largest value; expected at most {EQUAL}.")


if __name__ == "__main__":
    sys.exit(main())
