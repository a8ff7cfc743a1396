"""The loop around a class visualization step: it starts from noise, and keeps the image natural as it grows."""

import sys
import warnings

import torch
from tqdm import tqdm

from .image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD, blur_image, deprocess, jitter
from .validation import checked_class, dead_relu, is_dead, like_model, require_whole_numbers


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
):
    """Make an image that `model` gives a high score for one class (Simonyan et al., 2014; Yosinski et al., 2015).

    target_y: int in [0, C). model: network that gives raw scores (N, C).
    update_step: called once an iteration as `update_step(img, model, target_y, l2_reg, learning_rate)`; changes img,
        a float tensor (1, 3, 224, 224) on the model's device with requires_grad, in place.
    l2_reg, learning_rate: handed on to update_step.
    num_iterations: how often, at least 1. blur_every: blur at every so many iterations, 0 for never.
    max_jitter: shift the image by up to so many pixels, at random, during each step. seed: int that fixes the noise and
        the shifts; None draws them from PyTorch's global generator. progress: show a bar on standard output.
    show_every: with return_frames, keep every so many iterations the image as it is then, and the last.

    Returns a PIL image of 224 x 224 pixels, or with return_frames (image, {iteration: PIL image}).
    A step that makes NaN ends the loop: the image before it comes back, with a warning; so does one of a class whose
    score stays 0 and one that no step has changed. Raises ValueError for target_y outside [0, C) and numbers out of range.
    """
    if not callable(update_step):
        raise ValueError(f"update_step is a {type(update_step).__name__}; expected a function: class_visualization_update_step.")
    require_whole_numbers(1, num_iterations=num_iterations, show_every=show_every)
    require_whole_numbers(0, blur_every=blur_every, max_jitter=max_jitter, seed=0 if seed is None else seed)
    generator = None if seed is None else torch.Generator().manual_seed(int(seed))
    img = like_model(torch.randn(1, 3, 224, 224, generator=generator), model).requires_grad_()
    target_y = checked_class(target_y, model, img)
    darkest, brightest = ((colour - SQUEEZENET_MEAN) / SQUEEZENET_STD for colour in (0, 1))
    darkest, brightest = (like_model(limit[:, None, None], model) for limit in (darkest, brightest))

    frames, moved = {}, False
    for iteration in tqdm(range(num_iterations), f"class {target_y}", file=sys.stdout, disable=not progress):
        before = img.detach().clone()
        ox, oy = torch.randint(max_jitter + 1, (2,), generator=generator).tolist()
        img.data = jitter(img.data, ox, oy)
        update_step(img, model, target_y, l2_reg, learning_rate)
        img.data = jitter(img.data, -ox, -oy)
        moved = moved or not torch.equal(img, before)
        img.data = img.data.clamp(darkest, brightest)
        if not img.isfinite().all():
            img.data = before
            why = dead_relu(target_y) if is_dead(img, target_y, model) else "is its gradient divided by 0 in update_step?"
            warnings.warn(f"Stopped at iteration {iteration}, where update_step made NaN: {why}", stacklevel=2)
            break
        if blur_every and iteration % blur_every == 0:
            blur_image(img.data, sigma=0.5)
        if return_frames and (iteration % show_every == 0 or iteration == num_iterations - 1):
            frames[iteration] = deprocess(img, should_rescale=False)
    else:
        if is_dead(img, target_y, model):
            warnings.warn(f"No image of class {target_y} came about: {dead_relu(target_y)}", stacklevel=2)
        elif not moved:
            warnings.warn("update_step never changed img: does it take its step in place?", stacklevel=2)
    image = deprocess(img, should_rescale=False)
    return (image, frames) if return_frames else image
