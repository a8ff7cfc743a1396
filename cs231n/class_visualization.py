"""The loop around a class visualization step: it starts from noise, and keeps the image natural as it grows."""

import contextlib
import sys
import warnings

import torch
from torchvision.transforms.functional import to_pil_image
from tqdm import tqdm

from .batches import in_batches
from .image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD, blur_image, eight_bits, jitter, unnormalised
from .validation import checked_class, checked_labels, dead_relu, device_of, is_dead, like_model, require_whole_numbers

SIZE = 224  # pixels a side


class NoImageWarning(UserWarning):
    """Says that the image of a class did not come about, and why. label: the class id."""

    def __init__(self, label, why):
        super().__init__(why)
        self.label = label


def create_class_visualization(
    target_y,
    model,
    update_step,
    *,
    l2_reg=1e-3,
    learning_rate=25,
    num_iterations=100,
    blur_every=10,
    max_jitter=16,
    show_every=25,
    seed=None,
    progress=True,
    return_frames=False,
    batched=False,
    mixed_precision=False,
):
    """Make an image that `model` gives a high score for one class, or such an image for each of many classes.

    Simonyan et al., 2014; Yosinski et al., 2015.

    target_y: int in [0, C), or many of them: a list or a long tensor (N,). model: network that gives raw scores (N, C).
    update_step: called once an iteration as `update_step(img, model, target_y, l2_reg, learning_rate)`; changes img,
        a float tensor (1, 3, 224, 224) on the model's device with requires_grad, in place.
    l2_reg, learning_rate: handed on to update_step.
    num_iterations: how often, at least 1. blur_every: blur at every so many iterations, 0 for never.
    max_jitter: shift the image by up to so many pixels, at random, during each step. seed: int that fixes the noise and
        the shifts; None draws them from PyTorch's global generator. progress: show a bar on standard output.
    show_every: with return_frames, keep every so many iterations the image as it is then, and the last; a GPU has to wait then.
    batched: with False, update_step is one for a single image, and many classes are made one after the other. True says that
        it takes many images at once, img (N, 3, 224, 224) and target_y (N,), a long tensor; then they are made together:
        on a CUDA GPU all, or as many as fit in its memory, elsewhere eight at a time. The bar names the path that is taken.
    mixed_precision: let update_step compute in bfloat16 where PyTorch's autocast holds that safe; img stays as it is.

    Returns a PIL image of 224 x 224 pixels, or with return_frames (image, {iteration: PIL image}); for many classes a list
    of these. All images of a call start from the same noise and get the same shifts, so one does not depend on the others,
    but for rounding.
    An image of which a step makes NaN comes back as it was before, with a NoImageWarning; so does one of a class whose
    score stays 0 and one that no step has changed. Raises ValueError for target_y outside [0, C) and numbers out of range.
    """
    if not callable(update_step):
        raise ValueError(f"update_step is a {type(update_step).__name__}; expected a function: class_visualization_update_step.")
    require_whole_numbers(1, num_iterations=num_iterations, show_every=show_every)
    require_whole_numbers(0, blur_every=blur_every, max_jitter=max_jitter, seed=0 if seed is None else seed)
    device, many = device_of(model), isinstance(target_y, (list, tuple, range)) or getattr(target_y, "ndim", 0) > 0
    if many:
        labels = checked_labels(target_y, model, "target_y").tolist()
        seed = torch.randint(2**31, ()).item() if seed is None else seed  # one for all images
    else:
        labels = [checked_class(target_y, model, like_model(torch.zeros(1, 3, SIZE, SIZE), model))]

    def made_together(part):
        """Return [(PIL image, {iteration: PIL image}, why it failed or None)] for the classes labels[part]."""
        own = labels[part]
        target = torch.tensor(own, device=device) if batched else own[0]
        generator = None if seed is None else torch.Generator().manual_seed(int(seed))
        noise = like_model(torch.randn(1, 3, SIZE, SIZE, generator=generator), model)
        ascent, frames = _Ascent(noise.repeat(len(own), 1, 1, 1)), [{} for _ in own]

        def step():
            with torch.autocast(device.type, torch.bfloat16) if mixed_precision else contextlib.nullcontext():
                update_step(ascent.img, model, target, l2_reg, learning_rate)

        for iteration in tqdm(range(num_iterations), _title(labels, part, batched), file=sys.stdout, disable=not progress):
            ox, oy = torch.randint(max_jitter + 1, (2,), generator=generator).tolist()
            ascent.take(step, iteration, ox, oy, blur=blur_every and iteration % blur_every == 0)
            if not batched and ascent.stopped_at >= 0:  # of a batch it is not asked: a GPU would have to wait for the answer
                break
            if return_frames and (iteration % show_every == 0 or iteration == num_iterations - 1):
                for kept, image in zip(frames, ascent.pictures(), strict=True):
                    kept[iteration] = image
        return list(zip(ascent.pictures(), frames, _failures(ascent, own, model, many), strict=True))

    results = []
    for batch in in_batches(made_together, len(labels), device, most=None if batched else 1):
        for image, frames, why_not in batch:
            if why_not:
                warnings.warn(NoImageWarning(labels[len(results)], why_not), stacklevel=2)
            results.append((image, frames) if return_frames else image)
    return results if many else results[0]


class _Ascent:
    """Images (N, 3, H, W) on their way up, and what became of each, all on one device: `take` waits for no answer from there."""

    def __init__(self, img):
        self.img = img.requires_grad_()
        self.moved = torch.zeros(len(img), dtype=torch.bool, device=img.device)
        self.stopped_at = torch.full((len(img),), -1, device=img.device)  # the iteration that made NaN; -1 for none
        limits = ((colour - SQUEEZENET_MEAN) / SQUEEZENET_STD for colour in (0, 1))
        self.darkest, self.brightest = (limit[:, None, None].to(img) for limit in limits)

    def take(self, step, iteration, ox, oy, blur):
        """Take one step, on shifted images, and keep them natural. One in which a step makes NaN stays as it was before."""
        img, before = self.img, self.img.detach().clone()
        img.data = jitter(img.data, ox, oy)
        step()
        img.data = jitter(img.data, -ox, -oy)
        self.moved |= (img != before).flatten(1).any(dim=1)
        img.data = img.data.clamp(self.darkest, self.brightest)
        fine = img.isfinite().flatten(1).all(dim=1)
        self.stopped_at = self.stopped_at.where(fine | (self.stopped_at >= 0), iteration)
        if blur:
            blur_image(img.data, sigma=0.5)
        img.data = img.data.where(self.stopped_at[:, None, None, None] < 0, before)

    def pictures(self):
        """Return the images as they are now, a list of N PIL images."""
        return [to_pil_image(image) for image in eight_bits(unnormalised(self.img.detach())).cpu()]


def _title(labels, part, batched):
    """Return what the bar says: which classes are being made, and whether together or one after the other."""
    first, last = part.start + 1, min(part.stop, len(labels))
    if batched:
        return f"classes {first} to {last} of {len(labels)}, together"
    return f"class {labels[part.start]}" + (f", {first} of {len(labels)}" if len(labels) > 1 else "")


def _failures(ascent, labels, model, many):
    """Return for each image why it did not come about, in words, or None if it did."""
    img = ascent.img.detach()
    with torch.no_grad():
        scores = model(img)[range(len(labels)), labels].tolist()
    outcomes = zip(labels, img.split(1), scores, ascent.stopped_at.tolist(), ascent.moved.tolist(), strict=True)
    return [_failure(*outcome, model, many) for outcome in outcomes]


def _failure(label, image, score, stopped_at, moved, model, many):
    dead = score == 0 and is_dead(image, label, model)
    if stopped_at >= 0:
        why = dead_relu(label) if dead else "is its gradient divided by 0 in update_step?"
        return f"Stopped at iteration {stopped_at}{f' of class {label}' if many else ''}, where update_step made NaN: {why}"
    if dead:
        return f"No image of class {label} came about: {dead_relu(label)}"
    return None if moved else "update_step never changed img: does it take its step in place?"
