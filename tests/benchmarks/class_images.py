"""How often a second network recognises class images, with all ingredients and with one left out, and how long they take.

    python tests/benchmarks/class_images.py [--classes 100] [--seed 0] [--sheet FILE.png] [--out FILE.md] [--results FILE.json]

The classes are drawn at random and not picked. All variants make their images of some classes in turn before the next classes
come, so what slows the machine down for a while slows all of them. Making the images is timed, not judging them.
"""

# isort: off
import kit  # noqa: F401 (first: the other imports need it)

# isort: on
import argparse
import statistics
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from benchmark_report import Report, add_options, machine
from torchvision.transforms.functional import normalize, to_pil_image, to_tensor
from tqdm import tqdm

from cs231n.class_visualization import create_class_visualization
from cs231n.data_utils import imagenet_class_names
from cs231n.feature_visualization import (
    class_score,
    create_class_images,
    fourier_image,
    mostly_log_odds,
    pixel_image,
    plain_colours,
    scores_after_relu,
    transform_images,
)
from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD
from cs231n.judge import load_judge, verdicts
from cs231n.net_visualization_pytorch import class_visualization_update_step
from cs231n.squeezenet import load_squeezenet
from cs231n.vis_utils import save_contact_sheet

ALL, EXERCISE_3 = "all ingredients", "exercise 3's loop, 100 steps"
VARIANTS = {
    ALL: {},
    "score alone, not the log-odds": {"objective": class_score},
    "scores after the ReLU": {"objective": partial(mostly_log_odds, scores_of=scores_after_relu)},
    "pixels, no waves": {"image": pixel_image},
    "plain colours": {"image": partial(fourier_image, colours=plain_colours)},
    "no transformations": {"transformation": None},
}
FIRST, IN_FIVE, SECONDS = 0.35, 0.60, 8  # what was asked for of all ingredients together


@dataclass
class Made:
    """What one variant made: ranks of each image's class among the judge's guesses, seconds an image of each batch, images."""

    ranks: list = field(default_factory=list)
    seconds: list = field(default_factory=list)
    images: list = field(default_factory=list)


def main(arguments=None):
    """Measure, print the table and write it. Returns 0, or 2 if something is lacking, which is told."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--classes", type=int, default=100, metavar="N", help="how many, drawn at random (default: 100)")
    parser.add_argument("--ablations", type=int, default=40, metavar="N", help="of these for the other variants (default: 40)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw and of the images (default: 0)")
    parser.add_argument("--iterations", type=int, metavar="N", help="steps; by default those of create_class_images")
    parser.add_argument("--batch", type=int, default=10, metavar="N", help="classes at a time (default: 10)")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="where a contact sheet of all images goes")
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        report = Report("class images", options.out, options.results)
        model, judge = load_squeezenet(), load_judge()
        labels = torch.randperm(1000, generator=torch.Generator().manual_seed(options.seed))[: options.classes].tolist()
        found = measured(labels, model, judge, options)
    except (ValueError, OSError) as error:
        print(f"class_images.py: {error}", file=sys.stderr)
        return 2
    report.write(table(found, options), rows(found))
    if options.sheet:
        titles = titled(labels, found[ALL].ranks)
        save_contact_sheet(torch.cat(found[ALL].images), titles, options.sheet)
    return 0


def measured(labels, model, judge, options):
    """Return {variant: Made}, all ingredients for every label and the others for the first options.ablations of them."""
    found = {name: Made() for name in (ALL, EXERCISE_3, *VARIANTS)}
    more = {"num_iterations": options.iterations} if options.iterations else {}
    create_class_images(labels[:1], model, transform_images, num_iterations=2, progress=False)  # what is done once only
    starts = range(0, len(labels), options.batch)
    for start in tqdm(starts, "batches of classes", file=sys.stdout):
        batch = labels[start : start + options.batch]
        for name, made in found.items():
            if name != ALL and start >= options.ablations:
                continue
            seed = options.seed + start
            before = time.perf_counter()
            if name == EXERCISE_3:
                images = torch.stack([exercise_3(label, model, seed) for label in batch])
            else:
                settings = {"seed": seed, "progress": False, **more, **VARIANTS[name]}
                images = create_class_images(batch, model, transform_images, **settings)
            made.seconds.append((time.perf_counter() - before) / len(batch))
            pictures = torch.stack([to_tensor(to_pil_image(image)) for image in images])  # 8 bits, as in a file
            X = normalize(pictures, SQUEEZENET_MEAN.tolist(), SQUEEZENET_STD.tolist())
            made.ranks += verdicts(judge, X, batch).tolist()
            made.images.append(pictures)
    return found


def exercise_3(label, model, seed):
    step = class_visualization_update_step
    return to_tensor(create_class_visualization(label, model, step, seed=seed, progress=False))


def titled(labels, ranks):
    """Return the title of each image on the contact sheet: the class, and its place among the judge's guesses."""
    names = imagenet_class_names()
    return [f"{names[label]} ({rank + 1})" for label, rank in zip(labels, ranks, strict=True)]


def table(found, options):
    threads = f"{torch.get_num_threads()} threads, batches of {options.batch}, seed {options.seed}"
    steps = options.iterations or create_class_images.__kwdefaults__["num_iterations"]
    lines = [
        f"{machine('torch', 'torchvision')}. {threads}, {steps} steps.",
        "",
        "| variant | classes | judge's first guess | among its first five | seconds an image: median | least to most |",
        "|---|---|---|---|---|---|",
    ]
    for name, made in with_the_same(found).items():
        count = len(made.ranks)
        first, in_five = (sum(rank < places for rank in made.ranks) for places in (1, 5))
        spread = f"{min(made.seconds):.1f} to {max(made.seconds):.1f}"
        shares = f"{first} ({first / count:.0%}) | {in_five} ({in_five / count:.0%})"
        lines.append(f"| {name} | {count} | {shares} | {statistics.median(made.seconds):.1f} | {spread} |")
    lines.append(f"| *asked for* | 100 | {FIRST:.0%} | {IN_FIVE:.0%} | {SECONDS} | |")
    return "\n".join(lines)


def with_the_same(found):
    """Return `found` without empty entries, and after all ingredients those of their images whose classes the others have."""
    everything, others = found[ALL], found[EXERCISE_3]
    count = len(others.ranks)
    same = Made(everything.ranks[:count], everything.seconds[: len(others.seconds)]) if count < len(everything.ranks) else Made()
    entries = {ALL: everything, f"{ALL}, the same {count}": same, **found}
    return {name: made for name, made in entries.items() if made.ranks}


def rows(found):
    peers = {name: statistics.median(made.seconds) for name, made in found.items() if made.seconds}
    ours = peers.pop(ALL)
    return [{"row": "class images: one image", "ours_s": ours, "peers_s": peers, "percent_of_limit": None, "peak_mib": None}]


if __name__ == "__main__":
    sys.exit(main())
