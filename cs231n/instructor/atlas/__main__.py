"""python -m cs231n.instructor.atlas --out FILE: Make an image of each ImageNet class, a sheet of all, and a page to browse.

An interrupted run goes on where it stopped when the same command is given again.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence

import torch

from ...data_utils import imagenet_class_names
from ...networks import best_device, device_of
from ...squeezenet import load_squeezenet
from . import ITERATIONS, Atlas, Settings, bfloat16_is_fast, seconds_for


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the atlas. Returns 0, 2 if something is lacking or unclear, which is told, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m cs231n.instructor.atlas", description=__doc__.partition("\n")[0].partition(": ")[2]
    )
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="the sheet, .jpg or .png; FILE.html and a folder are written next to it"
    )
    parser.add_argument("--classes", default="0-999", metavar="FIRST-LAST", help="which classes, by number (default: 0-999)")
    parser.add_argument(
        "--recipe",
        choices=list(ITERATIONS),
        default="class-images",
        help="that of the notebook's section 7.2, the default, or that of exercise 3, which takes a fifth of the time",
    )
    per_recipe = ", ".join(f"{recipe} {steps}" for recipe, steps in ITERATIONS.items())
    parser.add_argument("--iterations", type=int, metavar="N", help=f"steps for each image (default: {per_recipe})")
    parser.add_argument("--seed", type=int, default=0, help="of the noise that all images start from (default: 0)")
    help_precision = "of exercise 3: mixed (bfloat16 where it is safe) or full; by default mixed where that is known to be fast"
    parser.add_argument("--precision", choices=["mixed", "full"], help=help_precision)
    parser.add_argument("--device", help="cpu, cuda or mps; by default the fastest available")
    options = parser.parse_args(arguments)
    try:
        names = imagenet_class_names()
        labels = class_range(options.classes, len(names))
        device = torch.device(options.device or best_device())
        if options.precision == "mixed" and options.recipe == "class-images":
            raise ValueError("--precision mixed is for --recipe exercise-3; class images are made in full precision.")
        mixed = options.recipe == "exercise-3" and (
            options.precision == "mixed" if options.precision else bfloat16_is_fast(device)
        )
        iterations = ITERATIONS[options.recipe] if options.iterations is None else options.iterations
        atlas = Atlas(options.out, Settings(iterations, options.seed, mixed, options.recipe))
        make_and_tell(atlas, labels, load_squeezenet(device=device), names)
    except (ValueError, OSError, RuntimeError, AssertionError) as error:  # the last: a PyTorch without CUDA, asked for it
        print(f"cs231n.instructor.atlas: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def make_and_tell(atlas: Atlas, labels: Sequence[int], model: torch.nn.Module, names: Mapping[int, str]) -> None:
    """Make what is lacking, tell about it, and write sheet and page."""
    lacking, device = atlas.lacking(labels), device_of(model).type
    if lacking:
        there = f", {len(labels) - len(lacking)} are there already" if len(lacking) < len(labels) else ""
        precision = "mixed" if atlas.settings.mixed_precision else "full"
        count = f"{atlas.settings.num_iterations} iterations each, {precision} precision"
        print(f"{len(lacking)} images to make on the {device}, {count}{there}.")
        if device != "cuda":
            print(f"It will take {duration(seconds_for(len(lacking), model, atlas.settings))}, judged by a few iterations.")
        for label, why in atlas.make(lacking, model).items():
            print(f"{names[label]} ({label}): {why}")
    atlas.write(labels, model, names)
    print(f"{atlas.sheet} shows {len(labels)} classes; open {atlas.page} in a browser to look for one.")


def class_range(text: str, count: int) -> list[int]:
    """Return the class ids that "FIRST-LAST" or a single number names; ValueError unless they lie below `count`."""
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal() or not int(first) <= int(last or first) < count:
        raise ValueError(f"--classes got {text!r}; expected FIRST-LAST from 0 to {count - 1}: 151-268 for the dogs.")
    return list(range(int(first), int(last or first) + 1))


def duration(seconds: float) -> str:
    """Return a time for people."""
    return f"about {seconds / 60:.0f} minutes" if seconds > 90 else f"about {seconds:.0f} seconds"


if __name__ == "__main__":
    sys.exit(main())
