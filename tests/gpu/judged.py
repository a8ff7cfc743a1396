"""Stage 6: class images of all classes, their time, and what the jury sees in them."""

import argparse
import statistics

import torch
from class_images import ALL, SEED, drawn, measured, rows, table
from plan import Outcome

from cs231n.data_utils import imagenet_class_names
from cs231n.judge import JURY, juror_is_there, load_juror
from cs231n.networks import SIZE
from cs231n.squeezenet import load_squeezenet

ASKED = 60  # seconds for 100 classes on an H100 or H200
AT_ONCE = 100
WORST = 20


def stage(plan):
    """Return the Outcome of making the images in batches and having the jury judge them."""
    if lacking := [juror.title for juror in JURY if not juror_is_there(juror)]:
        sentence = f"{', '.join(lacking)}: no weights in datasets/. Run `make jury` where there is a network, and copy them."
        return Outcome([sentence], [], [sentence])
    count = plan.sizes.class_images
    labels, jury = drawn(count, SEED), {juror: load_juror(juror, plan.device) for juror in JURY}
    batch = min(count, AT_ONCE)
    options = argparse.Namespace(iterations=plan.sizes.steps, size=SIZE, batch=batch, ablations=0, only=None, seed=SEED)
    found = measured(labels, load_squeezenet(device=plan.device), jury, options)
    seconds = statistics.median(found[ALL].seconds) * AT_ONCE
    failed = []
    if plan.on_gpu and seconds > ASKED:
        failed.append(f"The images of {AT_ONCE} classes took {seconds:.1f} s; asked for: under {ASKED}.")
    told = f"{AT_ONCE} classes, by the median of batches of {options.batch}: **{seconds:.1f} s** (asked for: under {ASKED})."
    lines = [table(found, options), "", told, *failed, "", *by_class(labels, found[ALL].ranks)]
    return Outcome(lines, [{**row, "row": "gpu class-images: one image"} for row in rows(found)], failed)


def by_class(labels, ranks):
    """Return a table of the classes that the jury recognises least, by the mean logarithm of the ranks (from 1)."""
    names, jurors = imagenet_class_names(), list(ranks)
    of_all = torch.tensor([ranks[juror] for juror in jurors]) + 1
    worst = of_all.log().mean(dim=0).argsort(descending=True)[:WORST].tolist()
    lines = [f"The {len(worst)} classes that the jury recognises least, with their ranks:", ""]
    lines += [f"| class | {' | '.join(juror.title for juror in jurors)} |", f"|---|{'---|' * len(jurors)}"]
    return lines + [f"| {names[labels[i]]} | {' | '.join(map(str, of_all[:, i].tolist()))} |" for i in worst]
