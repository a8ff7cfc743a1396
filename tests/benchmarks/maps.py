"""Attribution maps under the metrics of Quantus, beside the kit's own two tests, and where both compute the same numbers.

    python tests/benchmarks/maps.py [--images 20] [--samples 8] [--perturbations 10] [--networks 5] [--seed 0]
                                    [--out FILE.md] [--results FILE.json]

Every metric of Quantus is its own code, called on the network, the photographs, their labels and the kit's maps. Before the
maps are measured, ours and Quantus' are compared where they should agree; if they do not, there is no table.
"""

# isort: off
import kit  # noqa: F401 (first: the other imports need it)

# isort: on
import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import quantus
import torch
import torch.nn.functional as F
from benchmark_report import Report, add_options, machine
from map_tables import CENTRE, RANDOM, Better, Metric, Pair, equality_table, orders, require_equal, table
from quantus.helpers.model.pytorch_model import PyTorchModel
from tqdm import tqdm

from cs231n.attribution import (
    compute_grad_cam_maps,
    compute_guided_backpropagation_maps,
    compute_integrated_gradients,
    compute_smoothgrad_maps,
)
from cs231n.attribution_metrics import (
    PATCH,
    area_under,
    centre_maps,
    deletion_curves,
    insertion_curves,
    maps_of,
    random_maps,
    randomised_networks,
    rank_correlation,
)
from cs231n.data_utils import load_imagenet_val
from cs231n.image_utils import blur_image, preprocess
from cs231n.net_visualization_pytorch import compute_saliency_maps
from cs231n.networks import best_device
from cs231n.squeezenet import load_squeezenet

GREY = 0.0  # what replaces a pixel: the mean colour, in the network's input
NOISE = 0.5  # SmoothGrad's standard deviation, in the network's input
RADIUS = 0.2  # of max-sensitivity: uniform noise from -RADIUS to RADIUS, Quantus' default
FLIPS = 42  # steps of pixel flipping; every third of them ends where a fourteenth of the image is replaced
SQUARES = 20  # the first, after each of which ours and Quantus' deletion and insertion are compared
TIED = 1e-6  # two squares whose means differ by less, in parts of the largest, have no order: rounding decides
QUIET = {"disable_warnings": True, "display_progressbar": False}


@dataclass(frozen=True)
class RandomNetwork:
    """A network in which nothing learned is left. alive: (N,), whether the score of an image's label is not exactly 0 in it.

    Where it is 0, the last ReLU is closed everywhere: every gradient is 0, and there is nothing to explain.
    seed: from which Quantus or the kit makes this network.
    """

    seed: int
    network: torch.nn.Module
    alive: torch.Tensor


@dataclass(frozen=True)
class Setting:
    """What all methods are measured on: N images X (N, 3, H, W), their labels y (N,), the network, and the options.

    redrawn: networks that Quantus made, every layer drawn again. shuffled: those of the kit, every layer shuffled.
    """

    X: torch.Tensor
    y: torch.Tensor
    model: torch.nn.Module
    perturbations: int
    seed: int
    redrawn: list[RandomNetwork]
    shuffled: list[RandomNetwork]


@dataclass(frozen=True)
class Explained:
    """A method, called as method(X, y, model), and its maps (N, H, W) of a setting's images."""

    method: Callable
    maps: torch.Tensor


def main(arguments=None):
    """Measure, print the tables and write them. Returns 0, or 2 if something is lacking, which is told."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=20, metavar="N", help="photographs (default: 20)")
    parser.add_argument(
        "--samples", type=int, default=8, metavar="N", help="copies of SmoothGrad, steps of integrated gradients (default: 8)"
    )
    parser.add_argument("--perturbations", type=int, default=10, metavar="N", help="for max-sensitivity (default: 10)")
    parser.add_argument("--networks", type=int, default=5, metavar="N", help="random ones, of each kind (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="of all noise, and of the first random network (default: 0)")
    add_options(parser)
    options = parser.parse_args(arguments)
    if min(options.images, options.samples, options.perturbations, options.networks) < 1:
        parser.error("expected at least one image, sample, perturbation and network.")
    begun = time.perf_counter()
    try:
        report = Report("maps", options.out, options.results)
        setting = setting_of(load_squeezenet(), options)
        explained = {
            name: Explained(method, method(setting.X, setting.y, setting.model))
            for name, method in methods(setting.X, options).items()
        }
        pairs = require_equal(compared(setting, explained))
        found = measured(setting, explained)
    except (ValueError, OSError) as error:
        print(f"maps.py: {error}", file=sys.stderr)
        return 2
    minutes = (time.perf_counter() - begun) / 60
    heading = [settings(setting, options), "", *table(found), "", *orders(found), "", left_out(setting), ""]
    report.write("\n".join([*heading, *equality_table(pairs), "", f"All of this took {minutes:.0f} minutes."]), rows(pairs))
    return 0


def setting_of(model, options):
    """Return the Setting: the first photographs, and random networks from seeds that follow each other."""
    X, y, _ = load_imagenet_val(options.images)
    X, y = torch.cat([preprocess(image) for image in X]).to(best_device()), torch.from_numpy(y).to(best_device())
    seeds = range(options.seed, options.seed + options.networks)
    made = {
        kind: [
            RandomNetwork(seed, network, alive(network, X, y)) for seed, network in ((seed, make(model, seed)) for seed in seeds)
        ]
        for kind, make in {"redrawn": redrawn, "shuffled": shuffled}.items()
    }
    for kind, networks in made.items():
        if not any(one.alive.any() for one in networks):
            raise ValueError(f"In none of the {kind} networks has a label's score another value than 0. Give more --networks.")
    return Setting(X, y, model, options.perturbations, options.seed, **made)


def redrawn(model, seed):
    """Return the network that ends Quantus' randomisation tests: every layer drawn again, as for a new network."""
    *_, (_, network) = PyTorchModel(model).get_random_layer_generator(order="bottom_up", seed=seed)
    return network


def shuffled(model, seed):
    """Return the network that ends the kit's sanity check: the weights of every layer shuffled."""
    *_, (_, network) = randomised_networks(model, seed)
    return network


def alive(network, X, y):
    with torch.no_grad():
        return network(X).gather(1, y[:, None])[:, 0] != 0


def methods(X, options):
    """Return {name: a function of images, labels and network that returns maps (N, H, W)}."""
    generator = torch.Generator().manual_seed(options.seed)
    noise = NOISE * torch.randn(options.samples, 1, *X.shape[1:], generator=generator).to(X)

    def smoothgrad(X, y, model):
        return compute_smoothgrad_maps(X, y, model, noise.expand(-1, len(X), -1, -1, -1))

    def integrated(X, y, model):
        return compute_integrated_gradients(X, y, model, torch.full_like(X, GREY), options.samples).sum(dim=1).abs()

    with_network = {
        "saliency": compute_saliency_maps,
        "SmoothGrad": smoothgrad,
        "integrated gradients": integrated,
        "Grad-CAM": compute_grad_cam_maps,
        "guided backprop": compute_guided_backpropagation_maps,
    }
    controls = {
        RANDOM: lambda X, y, model: random_maps(X, options.seed),
        CENTRE: lambda X, y, model: centre_maps(X),
    }
    return {name: partial(maps_of, method) for name, method in with_network.items()} | controls


# The metrics


def by_quantus(metric, setting, method, maps, X=None):
    """Return what a metric of Quantus says of maps (N, H, W), as a float tensor (N, ...). X: other images than the setting's.

    Raises ValueError for maps that Quantus does not take.
    """

    def explain(model, inputs, targets, **_):
        return method(torch.from_numpy(inputs), torch.from_numpy(targets), model).cpu().numpy()

    np.random.seed(setting.seed)  # Quantus draws from NumPy's global generator: the same noise for all methods
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of maps that are constant, which the tables count
        try:
            scores = metric(
                model=setting.model,
                x_batch=(setting.X if X is None else X).cpu().numpy(),
                y_batch=setting.y.cpu().numpy(),
                a_batch=maps.cpu().numpy().copy(),  # Sparseness adds to what it is given
                channel_first=True,
                explain_func=explain,
                softmax=True,
                device=str(setting.X.device),
                batch_size=len(setting.X),
            )
        except AssertionError as error:  # maps that are 0 for all images, for example
            raise ValueError(f"Quantus refuses the maps: {error}") from error
    return torch.as_tensor(np.asarray(scores)).to(setting.X)


def flipping(X):
    """Return Quantus' pixel flipping in FLIPS steps, each value of each colour replaced by grey."""
    return quantus.PixelFlipping(features_in_step=X[0].numel() // FLIPS, perturb_baseline=GREY, **QUIET)


def pixel_flipping(setting, explained):
    """Return the mean probability along the curve. (Quantus' own area fails: it calls np.trapz, which NumPy 2.4 removed.)"""
    return by_quantus(flipping(setting.X), setting, explained.method, explained.maps).mean(dim=1)


def max_sensitivity(setting, explained):
    metric = quantus.MaxSensitivity(nr_samples=setting.perturbations, lower_bound=RADIUS, **QUIET)
    return by_quantus(metric, setting, explained.method, explained.maps)


def sparseness(setting, explained):
    return by_quantus(quantus.Sparseness(**QUIET), setting, explained.method, explained.maps)


def efficient_mprt(setting, explained):
    def scores(random):
        metric = quantus.EfficientMPRT(seed=random.seed, **QUIET)
        return by_quantus(metric, setting, explained.method, explained.maps)

    return mean_where_alive(setting.redrawn, with_maps(setting, explained, scores))


def mprt(setting, explained):
    scores = with_maps(setting, explained, lambda random: last_correlation(setting, explained, random.seed))
    return mean_where_alive(setting.redrawn, scores)


def with_maps(setting, explained, scores):
    """Return scores(random network), or NaN where the network leaves all maps empty: Quantus refuses these."""

    def scores_or_nan(random):
        maps = explained.method(setting.X, setting.y, random.network)
        return scores(random) if maps.any() else torch.full((len(maps),), torch.nan).to(setting.X)

    return scores_or_nan


def last_correlation(setting, explained, seed):
    """Return Quantus' rank correlation (N,) between the maps of the network and those of the same with all layers redrawn."""
    metric = quantus.MPRT(seed=seed, skip_layers=True, return_last_correlation=True, **QUIET)
    return by_quantus(metric, setting, explained.method, explained.maps)


def sanity_check(setting, explained):
    def scores(random):
        return rank_correlation(explained.maps, explained.method(setting.X, setting.y, random.network))

    return mean_where_alive(setting.shuffled, scores)


def mean_where_alive(networks, scores):
    """Return the mean (N,) of scores(random network), each (N,), over those networks in which an image's label is alive."""
    each = torch.stack([scores(random).masked_fill(~random.alive, torch.nan) for random in networks])
    return each.nanmean(dim=0)


def deletion(setting, explained):
    return area_under(_curves(deletion_curves, setting, explained.maps, torch.full_like(setting.X, GREY)))


def insertion(setting, explained):
    return area_under(_curves(insertion_curves, setting, explained.maps, blurred(setting.X)))


def _curves(curves, setting, maps, substrate, *parts):
    return curves(setting.X, setting.y, setting.model, {"these": maps}, substrate, *parts, progress=False)["these"]


def blurred(X):
    return blur_image(X.clone(), sigma=10)


METRICS = [
    Metric("pixel flipping", Better.LOWER, pixel_flipping),
    Metric("deletion (ours)", Better.LOWER, deletion),
    Metric("insertion (ours)", Better.HIGHER, insertion),
    Metric("max-sensitivity", Better.LOWER, max_sensitivity),
    Metric("MPRT", Better.LOWER, mprt),
    Metric("sanity check (ours)", Better.LOWER, sanity_check),
    Metric("efficient MPRT", Better.HIGHER, efficient_mprt),
    Metric("sparseness", Better.HIGHER, sparseness),
]


def measured(setting, explained):
    """Return {metric: {method: scores (N,)}}."""
    found = {metric: {} for metric in METRICS}
    with tqdm(total=len(explained) * len(METRICS), desc="metrics", file=sys.stdout) as bar:
        for name, one in explained.items():
            for metric in METRICS:
                bar.set_description(f"{name}, {metric.title}")
                found[metric][name] = metric.scores(setting, one).cpu()
                bar.update()
    return found


# Where ours and Quantus' compute the same


def compared(setting, explained):
    """Return the Pairs: those that must be equal, then the curves of maps whose squares have no clear order, which need not."""
    clear = torch.cat([clear_order(one.maps) for one in explained.values()])
    curves = [
        regions("deletion", deletion_curves, setting, explained, setting.X, torch.full_like(setting.X, GREY)),
        regions("insertion", insertion_curves, setting, explained, blurred(setting.X), setting.X),
    ]
    tied = f"{int((~clear).sum())} maps whose squares tie"
    return [
        correlations(setting, explained),
        *(replace(pair, ours=pair.ours[clear], theirs=pair.theirs[clear]) for pair in curves),
        flips(setting, explained),
        *(
            replace(pair, what=f"{pair.what}: {tied}", ours=pair.ours[~clear], theirs=pair.theirs[~clear], asked_for=None)
            for pair in curves
        ),
    ]


def clear_order(maps):
    """Return (N,): no two of a map's first SQUARES squares, nor the one after them, are so close that rounding orders them."""
    means = square_means(maps).flatten(1).sort(dim=1, descending=True).values
    gaps = means[:, : SQUARES + 1].diff(dim=1).abs()
    return (gaps > TIED * means[:, :1].abs()).all(dim=1)


def square_means(maps):
    return F.avg_pool2d(maps[:, None], PATCH)[:, 0]


def correlations(setting, explained):
    """Return the Pair of rank correlations with a network that Quantus redrew; a map that is constant there has none."""
    random = setting.redrawn[0]
    ours, ours_s = timed(
        lambda: [rank_correlation(one.maps, one.method(setting.X, setting.y, random.network)) for one in explained.values()]
    )
    theirs, theirs_s = timed(lambda: [last_correlation(setting, one, random.seed) for one in explained.values()])
    ours, theirs = torch.cat(ours), torch.cat(theirs)
    there = ~theirs.isnan()
    what = f"`rank_correlation` with the maps of a network redrawn by Quantus, without {int((~there).sum())} that are constant"
    return Pair(what, "`MPRT`, last correlation", ours[there], theirs[there], ours_s, theirs_s)


def regions(title, curves, setting, explained, start, end):
    """Return the Pair of deletion or insertion curves: what the first SQUARES squares change, on the way from start to end."""
    count = square_means(setting.X[:, 0])[0].numel()
    parts = [place / count for place in range(SQUARES + 1)]
    substrate = end if curves is deletion_curves else start
    metric = quantus.RegionPerturbation(
        patch_size=PATCH,
        regions_evaluation=SQUARES,
        perturb_func=put_in,
        perturb_func_kwargs={"end": end.flatten(1).cpu().numpy()},
        **QUIET,
    )
    maps = {name: one.maps for name, one in explained.items()}
    ours, ours_s = timed(lambda: curves(setting.X, setting.y, setting.model, maps, substrate, parts, progress=False))
    theirs, theirs_s = timed(lambda: [by_quantus(metric, setting, one.method, one.maps, start) for one in explained.values()])
    lost = torch.cat([curve[:, :1] - curve[:, 1:] for curve in ours.values()])  # as Quantus returns it
    what = f"`{curves.__name__}`, the first {SQUARES} squares"
    return Pair(what, f"`RegionPerturbation`, {title}", lost, torch.cat(theirs), ours_s, theirs_s)


def put_in(arr, indices, end, **_):
    """Return images (N, F) with the values of `end` (N, F) at indices (N, I): a perturb_func for Quantus."""
    changed, images = arr.copy(), np.arange(len(arr))[:, None]
    changed[images, indices] = end[images, indices]
    return changed


def flips(setting, explained):
    """Return the Pair of deletion curves for Quantus' pixel flipping, which is given the order of the squares as its map."""
    grey, parts = torch.full_like(setting.X, GREY), [step / FLIPS for step in range(3, FLIPS + 1, 3)]
    maps = {name: squares_in_order(one.maps) for name, one in explained.items()}
    ours, ours_s = timed(lambda: deletion_curves(setting.X, setting.y, setting.model, maps, grey, parts, progress=False))
    metric = flipping(setting.X)
    theirs, theirs_s = timed(lambda: [by_quantus(metric, setting, explained[name].method, maps[name]) for name in maps])
    what = f"`deletion_curves` at {len(parts)} parts, of maps that only order the squares"
    return Pair(
        what, "`PixelFlipping`, every third step", torch.cat([*ours.values()]), torch.cat(theirs)[:, 2::3], ours_s, theirs_s
    )


def squares_in_order(maps):
    """Return maps (N, H, W) whose squares have the same order as before, and clearly so: the last 1, the one before it 2 ..."""
    means = square_means(maps)
    ranks = means.flatten(1).argsort(dim=1, stable=True).argsort(dim=1).view_as(means) + 1.0
    return ranks.repeat_interleave(PATCH, dim=1).repeat_interleave(PATCH, dim=2)


def timed(function):
    """Return what a function returns, and its seconds."""
    before = time.perf_counter()
    result = function()
    return result, time.perf_counter() - before


# The report


def settings(setting, options):
    """Return a sentence on the machine and one on what was measured."""
    with torch.no_grad():
        right = (setting.model(setting.X).argmax(dim=1) == setting.y).sum().item()
    return (
        f"{machine('torch', 'quantus', 'numpy')}. {torch.get_num_threads()} threads. {len(setting.X)} photographs, of which the "
        f"network gets {right} right; {options.samples} copies for SmoothGrad and steps for integrated gradients, "
        f"{options.perturbations} perturbations for max-sensitivity, {options.networks} random networks, seed {options.seed}."
    )


def left_out(setting):
    """Return sentences on the random networks in which a label's score is 0, which the metrics leave out."""
    redrawn, shuffled = (sum(int((~one.alive).sum()) for one in made) for made in (setting.redrawn, setting.shuffled))
    return (
        f"A label's score is exactly 0, so that there is nothing to explain, for {redrawn} of the "
        f"{len(setting.X) * len(setting.redrawn)} pairs of a photograph and a redrawn network (MPRT, efficient MPRT), and for "
        f"{shuffled} of as many pairs of a photograph and a shuffled network (sanity check). They are left out."
    )


def rows(pairs):
    return [
        {
            "row": f"maps: {pair.what}",
            "ours_s": pair.ours_s,
            "peers_s": {"quantus": pair.theirs_s},
            "percent_of_limit": None,
            "peak_mib": None,
        }
        for pair in pairs
        if pair.asked_for is not None
    ]


if __name__ == "__main__":
    sys.exit(main())
