"""Class images that another network recognises, too (Olah et al., 2017; Mordvintsev et al., 2018)."""

import math
import sys

import torch
import torch.nn.functional as F
from tqdm import tqdm

from .image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD
from .validation import checked_labels, require_feature_map, require_transformation, require_whole_numbers, values_known

SIZE = 224  # pixels a side

# Columns: three planes of colour that are not correlated in photographs; rows: the red, green and blue of each.
# The first is lightness, by far the strongest. Figures of ImageNet, from Olah et al., 2017 (github.com/tensorflow/lucid).
NATURAL_COLOURS = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
NATURAL_COLOURS /= NATURAL_COLOURS.norm(dim=0).max()


def transform_images(images, angles, scales, shifts):
    """Rotate each image, enlarge it and shift it.

    Spatial transformer, Jaderberg et al., 2015, https://arxiv.org/abs/1506.02025

    images: float tensor (N, C, S, S), square.
    angles: float tensor (N,), in radians: what is in the picture turns counterclockwise about its centre.
    scales: float tensor (N,), > 0: then it grows by this factor, the centre staying in its place.
    shifts: float tensor (N, 2), in parts of the side S: then it moves by shifts[:, 0] to the right and by shifts[:, 1] down.

    Returns the transformed images, a float tensor (N, C, S, S); what comes in over an edge is the picture, mirrored.
    A gradient with respect to the result leads on to `images`. Raises ValueError for other shapes or dtypes, NaN, and scales
    that are not greater than 0.
    """
    require_transformation(images, angles, scales, shifts)
    # theta (N, 2, 3) leads from a place (x, y, 1) in the result to the place in the image whose colour it gets.
    # Places run from -1 to 1: x from the left to the right, y from the top down.
    # BEGIN SOLUTION
    cos, sin = angles.cos() / scales, angles.sin() / scales
    turned_back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    moved_back = -turned_back @ (2 * shifts[:, :, None])
    theta = torch.cat([turned_back, moved_back], dim=2)
    # END SOLUTION
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


# The ingredients, a function each


def scores_before_relu(model, X):
    """Return the scores (N, C) of images X (N, 3, H, W) as they are before the last ReLU of `model`; they can be negative.

    model: SqueezeNet, or a network like it, whose classifier ends in ReLU and the mean over the map of each class.
    Behind the ReLU a class whose score is 0 everywhere has no gradient: it is dead. Before it every class has one.
    """
    return model.classifier[:-2](model.features(X)).mean(dim=(2, 3))


def log_odds(scores, labels):
    """Return by how much each image's own class is ahead of all others together, (N,): log(p / (1 - p)), p being the softmax.

    scores: float tensor (N, C). labels: long tensor (N,). Where the score alone rises, so do those of similar classes.
    """
    others = scores.scatter(1, labels[:, None], -torch.inf)
    return scores.gather(1, labels[:, None])[:, 0] - others.logsumexp(dim=1)


def frequencies(size, device=None):
    """Return the frequencies (size, size // 2 + 1), in waves a pixel, of the waves of which an image consists.

    A constant, which has the frequency 0, counts as one wave across the image. device: torch.device of the result.
    """
    down, across = torch.fft.fftfreq(size, device=device), torch.fft.rfftfreq(size, device=device)
    return torch.hypot(down[:, None], across).clamp(min=1 / size)


def planes_from_waves(amplitudes):
    """Add up waves to planes (N, 3, S, S), each wave scaled by 1 / its frequency: in photographs large forms are strong.

    amplitudes: float tensor (N, 3, S, S // 2 + 1, 2), the real and the imaginary parts. Olah et al., 2017, "Preconditioning".
    """
    size = amplitudes.shape[2]
    waves = torch.view_as_complex(amplitudes) / frequencies(size, amplitudes.device)
    return torch.fft.irfft2(waves, s=(size, size), norm="ortho") / 4


def natural_colours(planes):
    """Mix planes (N, 3, S, S) that are not correlated to red, green and blue, which in photographs are."""
    return torch.einsum("cp,nphw->nchw", NATURAL_COLOURS.to(planes, non_blocking=True), planes)


def random_transformation(images, transform, generator=None):
    """Mirror each image or not; turn it by up to 25 degrees, scale it by 1/1.6 to 1.6, shift it by up to 0.15 of its side.

    images: float tensor (N, 3, S, S). transform: function like transform_images. generator: torch.Generator on the CPU.
    Raises ValueError if what transform returns is no such tensor, or if no gradient leads through it.
    """
    drawn = torch.rand(5, len(images), generator=generator).to(images.device, non_blocking=True)
    mirrored, angle, scale, *shift = 2 * drawn - 1
    given = torch.where(mirrored[:, None, None, None] < 0, images.flip(3), images)
    with values_known():
        seen = transform(given, angle * math.radians(25), 1.6**scale, 0.15 * torch.stack(shift, dim=1))
    if not isinstance(seen, torch.Tensor) or seen.shape != images.shape:
        found = f"shape {tuple(seen.shape)}" if isinstance(seen, torch.Tensor) else type(seen).__name__
        raise ValueError(f"transform returned {found}; expected images of the shape that it got, {tuple(images.shape)}.")
    if images.requires_grad and not seen.requires_grad:
        raise ValueError("No gradient leads through what transform returned. Is there a detach(), or NumPy, in it?")
    return seen


def random_fading(images, generator=None):
    """Take each image (N, 3, S, S) a random part of the way to grey, up to 0.7, so that colour alone does not make a class."""
    share = 0.7 * torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device, non_blocking=True)
    return images.lerp(images.mean(dim=1, keepdim=True).expand_as(images), share)


# The whole


def create_class_images(
    labels,
    model,
    transform,
    *,
    ahead=True,
    before_relu=True,
    waves=True,
    decorrelated=True,
    num_iterations=320,
    learning_rate=0.05,
    seed=0,
    show_every=None,
    progress=True,
):
    """Make an image of each class that other networks recognise, too (Olah et al., 2017; Mordvintsev et al., 2018).

    labels: class ids, a list or long tensor (N,); the N images are made in one batch.
    model: SqueezeNet, or one like it, in evaluation mode; it is left as it is.
    transform: function like transform_images, called at every step with random numbers; None leaves it and the fading out.
    ahead: climb on 0.7 of the log-odds of the class and 0.3 of its score, or on its score alone. before_relu: on scores before
    the last ReLU, or behind it. waves: learn amplitudes of waves, or pixels. decorrelated: in natural colours, or in red, green
    and blue each for itself.
    num_iterations: steps of Adam (Kingma and Ba, 2015), at least 1, with this learning_rate. seed: int, fixes the start and all
    that is random. show_every: also return the images after every so many iterations. progress: show a bar.

    Returns images: float tensor (N, 3, 224, 224) in [0, 1], on the CPU; with show_every (images, {iteration: images}).
    Raises ValueError for labels outside [0, C), numbers out of range, a model without `features` and `classifier`, and a
    transform that returns something else or cuts the gradient.
    """
    labels = checked_labels(labels, model)
    require_whole_numbers(1, num_iterations=num_iterations, show_every=show_every or 1)
    require_whole_numbers(0, seed=seed)
    require_feature_map(model)
    scores_of = scores_before_relu if before_relu else torch.nn.Module.__call__
    generator = torch.Generator().manual_seed(seed)
    side = (SIZE // 2 + 1, 2) if waves else (SIZE,)
    learned = 0.01 * torch.randn(len(labels), 3, SIZE, *side, generator=generator)
    learned = learned.to(labels.device).requires_grad_()
    optimizer = torch.optim.Adam([learned], lr=learning_rate, maximize=True)
    # by hand below: torchvision's normalize looks at the values, and a GPU would have to wait at every step
    mean, std = (values[:, None, None].to(labels.device) for values in (SQUEEZENET_MEAN, SQUEEZENET_STD))

    def images():
        planes = planes_from_waves(learned) if waves else learned
        return (natural_colours(planes) if decorrelated else planes).sigmoid()

    frames = {}
    for iteration in tqdm(range(num_iterations), f"{len(labels)} class images", file=sys.stdout, disable=not progress):
        seen = images() if transform is None else random_fading(random_transformation(images(), transform, generator), generator)
        X = ((seen - mean) / std).contiguous(memory_format=torch.channels_last)
        scores = scores_of(model, X)
        objective = scores.gather(1, labels[:, None])[:, 0]
        if ahead:
            objective = objective.lerp(log_odds(scores, labels), 0.7)
        (learned.grad,) = torch.autograd.grad(objective.sum(), learned)
        optimizer.step()
        if show_every and (iteration + 1) % show_every == 0:
            frames[iteration + 1] = images().detach().cpu()
    result = images().detach().cpu()
    return (result, frames) if show_every else result
