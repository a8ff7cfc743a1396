"""An atlas of what a network sees: an image of every class, as one large picture and as a page to browse by class name.

Its images are those of the notebook's section 7.2, or those of exercise 3, made with a step for many images at once. Both are
answers to exercises: never part of a student edition.
"""

import contextlib
import functools
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, cast

import jinja2
import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps
from torchvision.transforms.functional import to_pil_image
from tqdm import tqdm

from ...batches import IMAGES_AT_ONCE, in_batches
from ...class_visualization import BatchedStep, NoImageWarning, UpdateStep, create_class_visualization, in_mixed_precision
from ...feature_visualization import create_class_images, transform_images
from ...image_utils import load_image, preprocess
from ...networks import device_of
from ...validation import require_whole_numbers

IMAGES_ON_GPU = 250  # at a time; after each batch its images are written
SUFFIXES = {".jpg", ".jpeg", ".png"}
THUMBNAIL, TITLE = 112, 14  # pixels: an image's side on the sheet, and the height of the line below it
QUALITY = 90  # of the JPEG files, out of 100


def batched_class_visualization_update_step(
    img: torch.Tensor, model: torch.nn.Module, target_y: torch.Tensor, l2_reg: float, learning_rate: float
) -> None:
    """Take one step of gradient ascent on `score - l2_reg * ||img||_2^2` for each of many images and its own class.

    Simonyan et al., 2014, section 2, https://arxiv.org/abs/1312.6034

    img: float tensor (N, 3, H, W) with requires_grad, on the model's device; it is changed in place.
    target_y: long tensor (N,) on the same device, a class for each image. model, l2_reg, learning_rate: as in
    `class_visualization_update_step`. It checks nothing: on a GPU each look at a value would make the CPU wait.
    """
    own_scores = model(img).gather(1, target_y[:, None])
    (ascent,) = torch.autograd.grad(own_scores.sum(), img)  # no image appears in the score of another
    with torch.no_grad():
        ascent -= 2 * l2_reg * img  # the regulariser's gradient, written down: autograd would read and write every image thrice
        lengths = ascent.flatten(1).norm(dim=1)[:, None, None, None]
        img.addcmul_(ascent, learning_rate / (lengths + 1e-12))  # never 0 / 0


@contextlib.contextmanager
def fastest_convolutions() -> Iterator[None]:
    """Have cuDNN try its algorithms for each shape once and take the fastest: all batches of an atlas have one shape."""
    before = torch.backends.cudnn.benchmark
    try:
        torch.backends.cudnn.benchmark = True
        yield
    finally:
        torch.backends.cudnn.benchmark = before


Recipe = Literal["class-images", "exercise-3"]
ITERATIONS: dict[Recipe, int] = {"class-images": 280, "exercise-3": 100}


class Settings(NamedTuple):
    """What the images depend on: iterations of the loop, its seed, whether it computes in mixed precision, and the recipe.

    Class images, those of section 7.2, are always made in full precision.
    """

    num_iterations: int = 100
    seed: int = 0
    mixed_precision: bool = True
    recipe: Recipe = "exercise-3"


def bfloat16_is_fast(device: torch.device) -> bool:
    """Return whether this torch.device computes in bfloat16 by itself; where it does not, mixed precision is slow."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    asked = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in asked)


class Atlas:
    """The files of an atlas: the sheet, the page beside it, and a folder with an image of each class and the settings.

    sheet: path that ends in .jpg, .jpeg or .png. settings: of the images. Raises ValueError for another ending, for
    numbers out of range, and for a folder of that name that holds images of other settings, or is no atlas's.
    """

    def __init__(self, sheet: str | os.PathLike[str], settings: Settings | None = None) -> None:
        self.sheet, self.settings = Path(sheet), settings or Settings()
        if self.sheet.suffix.lower() not in SUFFIXES:
            raise ValueError(f"{sheet} is no picture's name; expected one that ends in .jpg or .png.")
        require_whole_numbers(1, num_iterations=self.settings.num_iterations)
        require_whole_numbers(0, seed=self.settings.seed)
        self.page, self.folder = self.sheet.with_suffix(".html"), self.sheet.with_suffix("")
        self._note = self.folder / "atlas.json"
        if self.folder.exists():
            self._require_own_folder()

    def _require_own_folder(self) -> None:
        try:
            noted = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            if self.folder.is_dir() and not any(self.folder.iterdir()):
                return
            raise ValueError(f"{self.folder} is there and is not an atlas's folder. Name another file for --out.") from None
        if noted != self.settings._asdict():
            raise ValueError(
                f"{self.folder} holds images of other settings: {noted}; now they are {self.settings._asdict()}. "
                "Name another file, or delete that folder."
            )

    def image(self, label: int) -> Path:
        """Return the path of the image of a class."""
        return self.folder / f"{label:03}.jpg"

    def lacking(self, labels: Sequence[int]) -> list[int]:
        """Return those of `labels`, class ids, of which there is no whole image yet."""
        return [label for label in labels if not _is_whole(self.image(label))]

    def make(self, labels: Sequence[int], model: torch.nn.Module, progress: bool = True) -> dict[int, str]:
        """Make and write the images that are lacking, batch by batch. Returns {class id: why its image did not come about}.

        labels: class ids. model: network that gives raw scores (N, C). Whatever ends it, what is written stays, and the next
        call goes on from there.
        """
        labels, most = self.lacking(labels), _most(model)
        failed: dict[int, str] = {}
        _write(self._note, lambda path: path.write_text(json.dumps(self.settings._asdict()), encoding="utf-8"))
        with tqdm(total=len(labels), desc="classes", unit="image", file=sys.stdout, disable=not progress) as bar:
            for batch in (labels[first : first + most] for first in range(0, len(labels), most)):
                images, failures = _images(batch, model, self.settings)
                for label, image in zip(batch, images, strict=True):
                    _write(self.image(label), functools.partial(image.save, format="JPEG", quality=QUALITY))
                failed |= failures
                bar.update(len(batch))
        return failed

    def write(self, labels: Sequence[int], model: torch.nn.Module, class_names: Mapping[int, str]) -> None:
        """Write the sheet and the page of these classes from their images."""
        probabilities = self._probabilities(labels, model)
        names = {label: class_names[label] for label in labels}
        sheet = contact_sheet([self.image(label) for label in labels], list(names.values()))
        _write(self.sheet, lambda path: sheet.save(path, quality=QUALITY))
        loader = jinja2.PackageLoader("cs231n.instructor.atlas", ".")
        template = jinja2.Environment(loader=loader, autoescape=True).get_template("page.html")
        entries = [(label, name, self.image(label).name, probabilities[label]) for label, name in names.items()]
        page = template.render(entries=entries, folder=self.folder.name, sheet=self.sheet.name, settings=self.settings)
        _write(self.page, lambda path: path.write_text(page, encoding="utf-8"))

    def _probabilities(self, labels: Sequence[int], model: torch.nn.Module) -> dict[int, float]:
        """Return {class id: the network's probability for it, given the image as it is in its file}."""

        def probabilities(part: slice) -> list[float]:
            X = torch.cat([preprocess(load_image(self.image(label))) for label in labels[part]])
            with torch.no_grad():
                scores = model(X.to(device_of(model)))
            return scores.softmax(dim=1)[range(len(X)), labels[part]].tolist()

        batches = in_batches(probabilities, len(labels), device_of(model), _most(model))
        return dict(zip(labels, (one for batch in batches for one in batch), strict=True))


def seconds_for(count: int, model: torch.nn.Module, settings: Settings) -> float:
    """Return how long `count` images will take on the model's device, estimated from one batch and a few iterations."""
    batch = list(range(min(count, _most(model))))

    def seconds(num_iterations: int) -> float:
        before = time.perf_counter()
        _images(batch, model, settings._replace(num_iterations=num_iterations))
        return time.perf_counter() - before

    seconds(1)  # what is done once only
    first, few = seconds(1), 4
    one_more = max(0.0, seconds(few) - first) / (few - 1)  # something else may have slowed the first
    return (first + one_more * (settings.num_iterations - 1)) * count / len(batch)


def contact_sheet(paths: Sequence[Path], titles: Sequence[str]) -> Image.Image:
    """Return one PIL image that shows the pictures in these files, each with its title below, about twice as wide as high."""
    columns = math.ceil(math.sqrt(2 * len(paths)))
    rows = math.ceil(len(paths) / columns)
    sheet = Image.new("RGB", (columns * THUMBNAIL, rows * (THUMBNAIL + TITLE)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=10)
    for i, (path, title) in enumerate(zip(paths, titles, strict=True)):
        x, y = i % columns * THUMBNAIL, i // columns * (THUMBNAIL + TITLE)
        with Image.open(path) as image:
            small = image.resize((THUMBNAIL - 2, THUMBNAIL - 2))
        sheet.paste(ImageOps.autocontrast(small, cutoff=0.5, preserve_tone=True), (x, y))  # contrast stretched for the eye
        shown = max(range(len(title) + 1), key=lambda length: length * (draw.textlength(title[:length], font) < THUMBNAIL - 4))
        draw.text((x + 1, y + THUMBNAIL - 2), title[:shown], "black", font)
    return sheet


def _most(model: torch.nn.Module) -> int:
    return IMAGES_ON_GPU if device_of(model).type == "cuda" else IMAGES_AT_ONCE


def _images(labels: Sequence[int], model: torch.nn.Module, settings: Settings) -> tuple[list[Image.Image], dict[int, str]]:
    """Return the PIL images of these classes, a list, and {class id: why its image did not come about}."""
    if settings.recipe == "class-images":
        with fastest_convolutions():
            made = create_class_images(
                labels,
                model,
                transform_images,
                num_iterations=settings.num_iterations,
                seed=settings.seed,
                progress=False,
            )
        return [to_pil_image(image) for image in cast(torch.Tensor, made)], {}
    step: UpdateStep = BatchedStep(batched_class_visualization_update_step)
    step = in_mixed_precision(step) if settings.mixed_precision else step
    with warnings.catch_warnings(record=True) as caught, fastest_convolutions():
        warnings.simplefilter("always")
        images = create_class_visualization(
            labels, model, step, num_iterations=settings.num_iterations, seed=settings.seed, progress=False
        )
    failed = {}
    for warning in caught:
        if isinstance(warning.message, NoImageWarning):
            failed[warning.message.label] = str(warning.message)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return cast(list[Image.Image], images), failed  # a picture of each class: it was given a list, and no frames are asked for


def _is_whole(path: Path) -> bool:
    try:
        load_image(path)
    except (FileNotFoundError, ValueError):
        return False
    return True


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Have write(path) fill a temporary file, then give it its name: a file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(f".part-{path.name}")
    write(whole)
    os.replace(whole, path)
