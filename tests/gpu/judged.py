"""Stage 6: class images of many classes at once, their time, and what a second network sees in them."""

import argparse

import torch
from class_images import ALL, measured, rows, table
from plan import Outcome

from cs231n.judge import judge_is_there, load_judge
from cs231n.squeezenet import load_squeezenet

ASKED = 60  # seconds for 100 classes on an H100 or H200
SEED = 0  # the CPU benchmark's: of 100 classes the judge then named 67, and 83 among its first five


def stage(plan):
    """Return the Outcome of making the images in one batch and judging them."""
    if not judge_is_there():
        sentence = "The judge's weights are not in datasets/. Run ./get_datasets.sh where there is a network, and copy them."
        return Outcome([sentence], [], [sentence])
    count = plan.sizes.class_images
    labels = torch.randperm(1000, generator=torch.Generator().manual_seed(SEED))[:count].tolist()
    options = argparse.Namespace(iterations=plan.sizes.steps, batch=count, ablations=0, seed=SEED)
    found = measured(labels, load_squeezenet(device=plan.device), load_judge(plan.device), options)
    seconds = found[ALL].seconds[0] * count
    failed = []
    if plan.on_gpu and seconds > ASKED:
        failed.append(f"The images of {count} classes took {seconds:.1f} s; asked for: under {ASKED}.")
    lines = [table(found, options), "", f"All {count} in one batch: **{seconds:.1f} s** (asked for: under {ASKED}).", *failed]
    return Outcome(lines, [{**row, "row": "gpu class-images: one image"} for row in rows(found)], failed)
