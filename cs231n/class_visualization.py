"""The loop around a class visualization step: it starts from noise and keeps the image natural as it grows.

What happens to an image is passed in as functions: the step, which climbs; the transformation around it, which is undone
afterwards; and the regularisation, which follows.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from PIL import Image
from torchvision.transforms.functional import to_pil_image

from .batches import in_batches
from .console import tell
from .image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD, blur_image, eight_bits, jitter, stretched, unnormalised
from .networks import SIZE, device_of, like_model
from .progress import Bar
from .validation import (
    checked_class,
    checked_labels,
    dead_relu,
    is_dead,
    require_function,
    require_whole_numbers,
)

# img, model, target_y (an int, for a BatchedStep a tensor), l2_reg, learning_rate; changes img in place
UpdateStep = Callable[[torch.Tensor, torch.nn.Module, Any, float, float], object]
# img, generator; img is transformed within the block, and back again after it
Transformation = Callable[[torch.Tensor, torch.Generator | None], contextlib.AbstractContextManager[None]]
# img, iteration; returns what becomes of img
Regularisation = Callable[[torch.Tensor, int], torch.Tensor]
# a picture, or with return_frames a picture and those on the way to it, by iteration
Visualization = Image.Image | tuple[Image.Image, dict[int, Image.Image]]


class NoImageWarning(UserWarning):
    """Says that the image of a class could not be made, and why.

    Parameters
    ----------
    label : int
        The class id.
    why : str
        The reason, a sentence.
    """

    def __init__(self, label: int, why: str) -> None:
        super().__init__(why)
        self.label = label


@dataclass(frozen=True)
class BatchedStep:
    """An update step that takes many images at once, so that create_class_visualization makes them together.

    Parameters
    ----------
    update_step : function
        Called as `update_step(img, model, target_y, l2_reg, learning_rate)`. It changes img in place, a float tensor of shape
        (N, 3, 224, 224); target_y is a long tensor of shape (N,) on the same device.

    Raises
    ------
    ValueError
        For an update_step that is not a function.
    """

    update_step: UpdateStep

    def __post_init__(self) -> None:
        """Refuse what is not a function."""
        _require_step(self.update_step)

    def __call__(
        self, img: torch.Tensor, model: torch.nn.Module, target_y: torch.Tensor, l2_reg: float, learning_rate: float
    ) -> object:
        """Take the step itself."""
        return self.update_step(img, model, target_y, l2_reg, learning_rate)


def in_mixed_precision(update_step: UpdateStep) -> UpdateStep:
    """Return an update step that computes in bfloat16 wherever PyTorch's autocast considers that safe.

    Parameters
    ----------
    update_step : function or BatchedStep
        The step; see create_class_visualization.

    Returns
    -------
    function or BatchedStep
        The same step in mixed precision; img keeps its dtype.

    Raises
    ------
    ValueError
        For an update_step that is not a function.
    """
    if isinstance(update_step, BatchedStep):
        return BatchedStep(in_mixed_precision(update_step.update_step))
    _require_step(update_step)

    def step(img: torch.Tensor, *rest: Any) -> object:
        with torch.autocast(img.device.type, torch.bfloat16):
            return update_step(img, *rest)

    return step


def create_class_visualization(
    target_y: int | Iterable[int],
    model: torch.nn.Module,
    update_step: UpdateStep,
    *,
    l2_reg: float = 1e-3,
    learning_rate: float = 25,
    num_iterations: int = 100,
    blur_every: int = 10,
    max_jitter: int = 16,
    show_every: int = 25,
    seed: int | None = None,
    progress: bool = True,
    return_frames: bool = False,
    class_names: Mapping[int, str] | None = None,
) -> Visualization | list[Visualization]:
    """Make an image that `model` scores highly for one class, or one such image for each of many classes.

    Parameters
    ----------
    target_y : int, or list of int, or integer tensor of shape (N,)
        A class id in [0, C), or many of them.
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).
    update_step : function or BatchedStep
        Called once per iteration as `update_step(img, model, target_y, l2_reg, learning_rate)`. It changes img in place, a
        float tensor of shape (1, 3, 224, 224) on the model's device that requires grad. Many classes are made one after the
        other, unless the step is a BatchedStep: then they are made together, on a CUDA GPU as many as fit in its memory,
        elsewhere eight at a time. See also in_mixed_precision.
    l2_reg : float
        Passed on to update_step.
    learning_rate : float
        Passed on to update_step.
    num_iterations : int
        Number of steps, at least 1.
    blur_every : int
        Blur the image every `blur_every` iterations, 0 for never.
    max_jitter : int
        Shift the image by up to this many pixels, at random, during each step; 0 for never.
    show_every : int
        With return_frames, keep the image every `show_every` iterations, at least 1, and the last one; each forces a GPU sync.
    seed : int or None
        Fixes the noise and the shifts, at least 0. None draws them from PyTorch's global generator.
    progress : bool
        Show a progress bar (see progress.Bar), in a notebook with the image as it climbs. An interrupt then ends the climb, and
        the images are returned as they are at that point; without a bar it raises KeyboardInterrupt, as usual.
    return_frames : bool
        Return the kept images as well.
    class_names : mapping of int to str, or None
        {class id: name}, for what the bar and messages say. None for the ids.

    Returns
    -------
    PIL.Image.Image, or tuple (PIL.Image.Image, dict), or list of these
        An RGB image of 224 x 224 pixels; with return_frames (image, {iteration: image}); for many classes a list of these, in
        their order. All images of a call start from the same noise and get the same shifts, so apart from rounding none
        depends on the others. A NoImageWarning says if a step made an image NaN (it is returned as it was before that step),
        if the score of its class stayed 0, or if no step changed it. After an interrupt, which a sentence reports, an image that
        was not begun is the noise that it would have started from.

    Raises
    ------
    ValueError
        For target_y outside [0, C), numbers out of range, and an update_step that is not a function.

    References
    ----------
    Simonyan et al., 2014, https://arxiv.org/abs/1312.6034
    Yosinski et al., 2015, https://arxiv.org/abs/1506.06579
    """
    _require_step(update_step)
    require_whole_numbers(1, num_iterations=num_iterations, show_every=show_every)
    require_whole_numbers(0, blur_every=blur_every, max_jitter=max_jitter, seed=0 if seed is None else seed)
    labels, many = _class_ids(target_y, model)
    if many and seed is None:
        seed = int(torch.randint(2**31, ()).item())  # one for all images
    names = [_name(label, class_names) for label in labels]
    with Bar(len(labels) * num_iterations, names[0], shown=progress) as bar:
        loop = _Loop(
            model,
            update_step,
            l2_reg,
            learning_rate,
            transformation=partial(jittered, most=max_jitter),
            regularisation=ClipAndBlur(model, blur_every),
            num_iterations=num_iterations,
            kept={*range(0, num_iterations, show_every), num_iterations - 1} if return_frames else set(),
            seed=seed,
            many=many,
            bar=bar if progress else None,
        )
        batches = in_batches(partial(loop.made, labels, names), len(labels), device_of(model), most=None if loop.batched else 1)
        made = [one for batch in batches for one in batch]
        bar.begin(f"{len(labels)} class images" if many else names[0])
    if loop.interrupted is not None:
        tell(f"{loop.interrupted} Interrupt again to stop the cells that follow.")
    for one in made:
        if one.why_not:
            warnings.warn(NoImageWarning(one.label, one.why_not), stacklevel=2)
    results = [(one.image, one.frames) if return_frames else one.image for one in made]
    return results if many else results[0]


# What is passed in


@contextlib.contextmanager
def jittered(img: torch.Tensor, generator: torch.Generator | None, most: int) -> Iterator[None]:
    """Shift img at random within a with block, and back at its end; what leaves on one side comes back on the other.

    Parameters
    ----------
    img : float tensor of shape (N, 3, H, W)
        The images, shifted in place and all in the same way.
    generator : torch.Generator or None
        Where the shift is drawn from, on the CPU; None for PyTorch's global generator.
    most : int
        The largest shift to the right and down, in pixels; at least 0.
    """
    ox, oy = torch.randint(most + 1, (2,), generator=generator).tolist()
    img.data = jitter(img.data, ox, oy)
    yield
    img.data = jitter(img.data, -ox, -oy)


class ClipAndBlur:
    """Regularisation: clip images to what a picture can hold, and blur them by half a pixel every few iterations.

    It returns new images, and never makes a GPU wait.

    Parameters
    ----------
    model : torch.nn.Module
        The network whose device and dtype the images have.
    blur_every : int
        Blur at iteration 0 and every `blur_every` iterations from there, 0 for never.
    """

    def __init__(self, model: torch.nn.Module, blur_every: int) -> None:
        limits = ((colour - SQUEEZENET_MEAN) / SQUEEZENET_STD for colour in (0, 1))
        self._darkest, self._brightest = (like_model(limit[:, None, None], model) for limit in limits)
        self._blur_every = blur_every

    def __call__(self, img: torch.Tensor, iteration: int) -> torch.Tensor:
        """Return what becomes of img, of shape (N, 3, H, W), after the step number `iteration`."""
        clipped = img.clamp(self._darkest, self._brightest)
        return blur_image(clipped, sigma=0.5) if self._blur_every and iteration % self._blur_every == 0 else clipped


# The loop


class Ascent:
    """Images on their way up, and what has become of each, all on one device: `take` never waits for an answer from there.

    Parameters
    ----------
    img : float tensor of shape (N, 3, H, W)
        Where the images start, in the network's input space.
    transformation : function
        `transformation(img)` returns a context manager: img is transformed within the block, and back again after it.
    regularisation : function
        `regularisation(img, iteration)` returns what becomes of img after a step.

    Attributes
    ----------
    img : float tensor of shape (N, 3, H, W)
        The images as they are now, with requires_grad.
    moved : bool tensor of shape (N,)
        Whether a step has changed the image.
    stopped_at : long tensor of shape (N,)
        The iteration in which a step made the image NaN, -1 if none did. From there on the image stays as it was before.
    taken : int
        How many steps were taken.
    """

    def __init__(
        self,
        img: torch.Tensor,
        transformation: Callable[[torch.Tensor], contextlib.AbstractContextManager[None]],
        regularisation: Regularisation,
    ) -> None:
        self.img = img.requires_grad_()
        self.taken = 0
        self.moved = torch.zeros(len(img), dtype=torch.bool, device=img.device)
        self.stopped_at = torch.full((len(img),), -1, device=img.device)
        self._transformation, self._regularisation = transformation, regularisation

    def take(self, step: Callable[[torch.Tensor], object], iteration: int) -> None:
        """Take one step. An interrupt leaves the images as they were before it.

        Parameters
        ----------
        step : function
            Called as `step(img)`; changes img in place.
        iteration : int
            Its number, from 0.
        """
        img, before = self.img, self.img.detach().clone()
        try:
            with self._transformation(img):
                step(img)
            self.moved |= (img != before).flatten(1).any(dim=1)
            after = self._regularisation(img.detach(), iteration)
            fine = after.isfinite().flatten(1).all(dim=1)
            self.stopped_at = self.stopped_at.where(fine | (self.stopped_at >= 0), iteration)
            img.data = after.where(self.stopped_at[:, None, None, None] < 0, before)
            self.taken += 1
        except KeyboardInterrupt:
            img.data = before
            raise

    def pictures(self) -> list[Image.Image]:
        """Return the images as they are now, N PIL images; a GPU has to wait."""
        return [to_pil_image(image) for image in eight_bits(unnormalised(self.img.detach())).cpu()]


@dataclass(frozen=True)
class _Made:
    """What came out for one class: the image, {iteration: image as it was then}, and why it is not one, None if it is."""

    label: int
    image: Image.Image
    frames: dict[int, Image.Image]
    why_not: str | None


@dataclass
class _Loop:
    """The loop, with everything that was passed in; `kept` holds the iterations whose images are kept as frames.

    `bar` is None where nobody watches. `interrupted` says where an interrupt ended it, None if none did.
    """

    model: torch.nn.Module
    update_step: UpdateStep
    l2_reg: float
    learning_rate: float
    transformation: Transformation
    regularisation: Regularisation
    num_iterations: int
    kept: set[int]
    seed: int | None
    many: bool
    bar: Bar | None
    interrupted: str | None = None

    @property
    def batched(self) -> bool:
        return isinstance(self.update_step, BatchedStep)

    def made(self, labels: list[int], names: list[str], part: slice) -> list[_Made]:
        """Make the images of the classes labels[part] together."""
        own = labels[part]
        generator = None if self.seed is None else torch.Generator().manual_seed(int(self.seed))
        noise = like_model(torch.randn(1, 3, SIZE, SIZE, generator=generator), self.model)
        start = noise.repeat(len(own), 1, 1, 1)
        ascent = Ascent(start, lambda img: self.transformation(img, generator), self.regularisation)
        if self.interrupted is not None:
            return self._results(own, ascent, [{0: picture} for picture in ascent.pictures()])
        title = _title(names, part, self.batched)
        if self.bar is not None:
            self.bar.begin(title, at=part.start * self.num_iterations)
            self.bar.picture = lambda: _side_by_side(ascent.pictures())
        frames: list[dict[int, Image.Image]] = [{} for _ in own]
        try:
            self._climb(ascent, own, frames)
        except KeyboardInterrupt:
            if self.bar is None:
                raise
            self.interrupted = f"Interrupted after {ascent.taken} of {self.num_iterations} iterations of {title}."
            if part.stop < len(labels):
                self.interrupted += " The images that follow it are noise."
            _keep(max(ascent.taken - 1, 0), ascent, frames)
        return self._results(own, ascent, frames)

    def _climb(self, ascent: Ascent, labels: list[int], frames: list[dict[int, Image.Image]]) -> None:
        """Take the steps, and keep the frames."""
        step = self._step(labels)
        for iteration in range(self.num_iterations):
            ascent.take(step, iteration)
            if not self.batched and ascent.stopped_at >= 0:  # of a batch it is not asked: a GPU would have to wait for the answer
                return
            if iteration in self.kept:
                _keep(iteration, ascent, frames)
            if self.bar is not None:
                self.bar.update(len(labels))

    def _results(self, labels: list[int], ascent: Ascent, frames: list[dict[int, Image.Image]]) -> list[_Made]:
        why_not = _failures(ascent, labels, self.model, self.many) if ascent.taken else [None] * len(labels)
        return [_Made(*one) for one in zip(labels, ascent.pictures(), frames, why_not, strict=True)]

    def _step(self, labels: list[int]) -> Callable[[torch.Tensor], object]:
        """Return the update step of these classes, a function of img alone."""
        target = torch.tensor(labels, device=device_of(self.model)) if self.batched else labels[0]
        return lambda img: self.update_step(img, self.model, target, self.l2_reg, self.learning_rate)


def _keep(iteration: int, ascent: Ascent, frames: list[dict[int, Image.Image]]) -> None:
    for of_image, picture in zip(frames, ascent.pictures(), strict=True):
        of_image[iteration] = picture


def _require_step(update_step: object) -> None:
    require_function(update_step, "update_step", "class_visualization_update_step")


def _class_ids(target_y: Any, model: torch.nn.Module) -> tuple[list[int], bool]:
    """Return the class ids, a list of int, and whether target_y holds many rather than one; else raise ValueError."""
    if isinstance(target_y, (list, tuple, range)) or getattr(target_y, "ndim", 0) > 0:
        return checked_labels(target_y, model, "target_y").tolist(), True
    return [checked_class(target_y, model, like_model(torch.zeros(1, 3, SIZE, SIZE), model))], False


def _name(label: int, class_names: Mapping[int, str] | None) -> str:
    return class_names[label].split(",")[0] if class_names is not None and label in class_names else f"class {label}"


def _title(names: list[str], part: slice, batched: bool) -> str:
    """Return what the bar says: which classes are being made, and whether together or one after the other."""
    first, last = part.start + 1, min(part.stop, len(names))
    if batched:
        return f"classes {first} to {last} of {len(names)}, together"
    return names[part.start] + (f", {first} of {len(names)}" if len(names) > 1 else "")


def _side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures in one row, their contrast stretched for the eye; many are made smaller."""
    side = max(SIZE // len(pictures), SIZE // 4)
    row = Image.new("RGB", (side * len(pictures), side))
    for place, picture in enumerate(pictures):
        row.paste(stretched(picture).resize((side, side)), (side * place, 0))
    return row


def _failures(ascent: Ascent, labels: list[int], model: torch.nn.Module, many: bool) -> list[str | None]:
    """Return for each image why it could not be made, in words, or None if it could."""
    img = ascent.img.detach()
    with torch.no_grad():
        scores = model(img)[range(len(labels)), labels].tolist()
    outcomes = zip(labels, img.split(1), scores, ascent.stopped_at.tolist(), ascent.moved.tolist(), strict=True)
    return [_failure(*outcome, model, many) for outcome in outcomes]


def _failure(
    label: int,
    image: torch.Tensor,
    score: float,
    stopped_at: int,
    moved: bool,
    model: torch.nn.Module,
    many: bool,
) -> str | None:
    dead = score == 0 and is_dead(image, label, model)
    if stopped_at >= 0:
        why = dead_relu(label) if dead else "does it divide a gradient by 0?"
        return f"Stopped at iteration {stopped_at}{f' of class {label}' if many else ''}, where update_step made NaN: {why}"
    if dead:
        return f"No image of class {label} could be made: {dead_relu(label)}"
    return None if moved else "update_step never changed img: does it take its step in place?"
