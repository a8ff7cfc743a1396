"""Class images that another network recognises, too (Olah et al., 2017; Mordvintsev et al., 2018).

Each ingredient is a function that is passed in: the objective says what an image climbs on, the parameterisation what is learned
and how it becomes an image, the transformation how the network gets to see the image, the perturbation how the network differs.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.transforms.functional import gaussian_blur, to_pil_image
from torchvision.utils import make_grid

from .console import tell
from .image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD
from .networks import SIZE
from .progress import Bar
from .validation import (
    checked_labels,
    require_feature_map,
    require_function,
    require_transformation,
    require_whole_numbers,
    values_known,
)

# Columns: three planes of colour that are not correlated in photographs; rows: the red, green and blue of each.
# The first is lightness, by far the strongest. Figures of ImageNet, from Olah et al., 2017 (github.com/tensorflow/lucid).
NATURAL_COLOURS = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
NATURAL_COLOURS /= NATURAL_COLOURS.norm(dim=0).max()

NOISE = 0.15  # the standard deviation of the factors of the weights, at each step
SMOOTH = 10  # percent of the side: how wide the blur is that makes one area of the pixels that matter

# model, images X (N, 3, H, W), labels (N,): a number (N,) for each image
Objective = Callable[[torch.nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]
# count, generator: where count images start, and the function that turns what is learned into images
Parameterisation = Callable[[int, torch.Generator], tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]]
# images, angles, scales, shifts: the transformed images; transform_images
SpatialTransform = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
# images, the spatial transform to do it with, generator: the images as the network sees them
Transformation = Callable[[torch.Tensor, SpatialTransform, torch.Generator | None], torch.Tensor]
# model, generator on its device: a context in which the network is another one, and after which it is as before
Perturbation = Callable[[torch.nn.Module, torch.Generator], contextlib.AbstractContextManager[None]]


def transform_images(
    images: torch.Tensor,
    angles: torch.Tensor,
    scales: torch.Tensor,
    shifts: torch.Tensor,
) -> torch.Tensor:
    """Rotate, enlarge and shift each image by its own angle, scale and shift: a spatial transformer.

    Parameters
    ----------
    images : float tensor of shape (N, C, S, S)
        Square images.
    angles : float tensor of shape (N,)
        In radians. First the picture is rotated counterclockwise about its centre.
    scales : float tensor of shape (N,)
        Then it grows by this factor, > 0; the centre stays where it is.
    shifts : float tensor of shape (N, 2)
        Then it moves by shifts[:, 0] to the right and by shifts[:, 1] down, as fractions of the side S.

    Returns
    -------
    transformed : float tensor of shape (N, C, S, S)
        The transformed images. Beyond its edges a picture is continued by reflection. Gradients flow
        back to `images`.

    Raises
    ------
    ValueError
        If a shape or dtype is wrong, a value is NaN, or a scale is not greater than 0.

    References
    ----------
    Jaderberg et al., 2015, https://arxiv.org/abs/1506.02025
    """
    require_transformation(images, angles, scales, shifts)
    # theta (N, 2, 3) maps a position (x, y, 1) in the result to the position in the image
    # that gives it its colour. Both run from -1 to 1: x from left to right, y from top to bottom.
    # BEGIN SOLUTION
    cos, sin = angles.cos() / scales, angles.sin() / scales
    turned_back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    moved_back = -turned_back @ (2 * shifts[:, :, None])
    theta = torch.cat([turned_back, moved_back], dim=2)
    # END SOLUTION
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


# Objectives: what an image climbs on


def scores_before_relu(model: torch.nn.Module, X: torch.Tensor) -> torch.Tensor:
    """Return the class scores as they are before the last ReLU of the network; they can be negative.

    Behind the ReLU a class whose score is 0 everywhere has no gradient: it is dead. Before it every class has one.

    Parameters
    ----------
    model : torch.nn.Module
        SqueezeNet, or a network like it, whose classifier ends in a ReLU and the mean over the map of each class.
    X : float tensor of shape (N, 3, H, W)
        The images, as the network takes them.

    Returns
    -------
    float tensor of shape (N, C)
        The scores.

    Raises
    ------
    ValueError
        For a model without the parts `features` and `classifier`.
    """
    require_feature_map(model)
    *layers, _, _ = model.get_submodule("classifier").children()  # the last two are the ReLU and the mean
    return torch.nn.Sequential(*layers)(model.get_submodule("features")(X)).mean(dim=(2, 3))


def scores_after_relu(model: torch.nn.Module, X: torch.Tensor) -> torch.Tensor:
    """Return the class scores as the network gives them.

    Parameters
    ----------
    model : torch.nn.Module
        Any network that gives raw scores.
    X : float tensor of shape (N, 3, H, W)
        The images, as the network takes them.

    Returns
    -------
    float tensor of shape (N, C)
        The scores.
    """
    return model(X)


def log_odds(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return how far each image's own class is ahead of all others together: log(p / (1 - p)), where p is the softmax.

    Where the score alone rises, so do those of similar classes.

    Parameters
    ----------
    scores : float tensor of shape (N, C)
        Raw scores, at least two classes.
    labels : long tensor of shape (N,)
        Class ids in [0, C).

    Returns
    -------
    float tensor of shape (N,)
        The log-odds; unlike the probability they never saturate.
    """
    others = scores.scatter(1, labels[:, None], -torch.inf)
    return scores.gather(1, labels[:, None])[:, 0] - others.logsumexp(dim=1)


def class_score(
    model: torch.nn.Module,
    X: torch.Tensor,
    labels: torch.Tensor,
    scores_of: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor] = scores_before_relu,
) -> torch.Tensor:
    """Return the score of each image's own class, whatever the other scores are: an objective.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    X : float tensor of shape (N, 3, H, W)
        The images, as the network takes them.
    labels : long tensor of shape (N,)
        Class ids in [0, C).
    scores_of : function
        `scores_of(model, X)` returns the scores (N, C): scores_before_relu or scores_after_relu.

    Returns
    -------
    float tensor of shape (N,)
        What each image climbs on.
    """
    return scores_of(model, X).gather(1, labels[:, None])[:, 0]


def mostly_log_odds(
    model: torch.nn.Module,
    X: torch.Tensor,
    labels: torch.Tensor,
    scores_of: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor] = scores_before_relu,
) -> torch.Tensor:
    """Return 0.7 of the log-odds of each image's own class plus 0.3 of its score: an objective.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    X : float tensor of shape (N, 3, H, W)
        The images, as the network takes them.
    labels : long tensor of shape (N,)
        Class ids in [0, C).
    scores_of : function
        `scores_of(model, X)` returns the scores (N, C): scores_before_relu or scores_after_relu.

    Returns
    -------
    float tensor of shape (N,)
        What each image climbs on.
    """
    scores = scores_of(model, X)
    return scores.gather(1, labels[:, None])[:, 0].lerp(log_odds(scores, labels), 0.7)


# Parameterisations: what is learned, and how it becomes an image


def natural_colours(planes: torch.Tensor) -> torch.Tensor:
    """Mix uncorrelated planes into red, green and blue, which are correlated in photographs.

    Parameters
    ----------
    planes : float tensor of shape (N, 3, S, S)
        Lightness first, then two planes of colour; any values.

    Returns
    -------
    float tensor of shape (N, 3, S, S)
        Red, green and blue before the sigmoid.

    References
    ----------
    Olah et al., 2017, "Preconditioning", https://distill.pub/2017/feature-visualization/
    """
    return torch.einsum("cp,nphw->nchw", NATURAL_COLOURS.to(planes, non_blocking=True), planes)


def plain_colours(planes: torch.Tensor) -> torch.Tensor:
    """Take the planes for red, green and blue, each by itself.

    Parameters
    ----------
    planes : float tensor of shape (N, 3, S, S)
        Any values.

    Returns
    -------
    float tensor of shape (N, 3, S, S)
        The same.
    """
    return planes


def frequencies(size: int, device: torch.device | None = None) -> torch.Tensor:
    """Return the frequencies of the waves that make up an image.

    Parameters
    ----------
    size : int
        Side of the image in pixels.
    device : torch.device or None
        Device of the result; None for the CPU.

    Returns
    -------
    float tensor of shape (size, size // 2 + 1)
        In waves per pixel. A constant, whose frequency is 0, counts as one wave across the image.
    """
    down, across = torch.fft.fftfreq(size, device=device), torch.fft.rfftfreq(size, device=device)
    return torch.hypot(down[:, None], across).clamp(min=1 / size)


def planes_from_waves(amplitudes: torch.Tensor) -> torch.Tensor:
    """Add up waves to planes, each wave scaled by 1 / its frequency: in photographs large forms are strong.

    Parameters
    ----------
    amplitudes : float tensor of shape (N, 3, S, S // 2 + 1, 2)
        Their real and imaginary parts.

    Returns
    -------
    float tensor of shape (N, 3, S, S)
        The planes.

    References
    ----------
    Olah et al., 2017, "Preconditioning", https://distill.pub/2017/feature-visualization/
    """
    size = amplitudes.shape[2]
    waves = torch.view_as_complex(amplitudes * _strengths(size, amplitudes.device))
    return torch.fft.irfft2(waves, s=(size, size), norm="ortho")


@cache  # the same at every step
def _strengths(size: int, device: torch.device) -> torch.Tensor:
    """Return the factors (size, size // 2 + 1, 1) of the waves' amplitudes."""
    return (0.25 / frequencies(size, device))[:, :, None]


def fourier_image(
    count: int,
    generator: torch.Generator,
    colours: Callable[[torch.Tensor], torch.Tensor] = natural_colours,
    size: int = SIZE,
) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]:
    """Learn the amplitudes of waves, of which each image is the sum: a parameterisation.

    Parameters
    ----------
    count : int
        Number of images.
    generator : torch.Generator
        Where the start is drawn from, on the CPU.
    colours : function
        Turns planes (N, 3, S, S) into colours: natural_colours or plain_colours.
    size : int
        The side S of the images in pixels, even.

    Returns
    -------
    amplitudes : float tensor of shape (count, 3, S, S // 2 + 1, 2)
        Where they start, on the CPU.
    images_of : function
        Turns amplitudes into images, a float tensor of shape (count, 3, S, S) in [0, 1].

    References
    ----------
    Mordvintsev et al., 2018, https://distill.pub/2018/differentiable-parameterizations/
    """
    amplitudes = 0.01 * torch.randn(count, 3, size, size // 2 + 1, 2, generator=generator)
    return amplitudes, lambda learned: colours(planes_from_waves(learned)).sigmoid()


def pixel_image(
    count: int,
    generator: torch.Generator,
    colours: Callable[[torch.Tensor], torch.Tensor] = natural_colours,
    size: int = SIZE,
) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]:
    """Learn every pixel by itself: a parameterisation.

    Parameters
    ----------
    count : int
        Number of images.
    generator : torch.Generator
        Where the start is drawn from, on the CPU.
    colours : function
        Turns planes (N, 3, S, S) into colours: natural_colours or plain_colours.
    size : int
        The side S of the images in pixels.

    Returns
    -------
    planes : float tensor of shape (count, 3, S, S)
        Where they start, on the CPU.
    images_of : function
        Turns planes into images, a float tensor of shape (count, 3, S, S) in [0, 1].
    """
    planes = 0.01 * torch.randn(count, 3, size, size, generator=generator)
    return planes, lambda learned: colours(learned).sigmoid()


# Transformations: how the network gets to see an image


def random_transformation(
    images: torch.Tensor, transform: SpatialTransform, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Mirror half of the images, and rotate, scale and shift each at random: a transformation.

    Parameters
    ----------
    images : float tensor of shape (N, 3, S, S)
        The images, on any device.
    transform : function
        Called like transform_images: with the images, angles of up to 25 degrees either way, scales from 1/1.6 to 1.6 and
        shifts of up to 0.15 of the side.
    generator : torch.Generator or None
        Where the numbers are drawn from, on the CPU; None for PyTorch's global generator.

    Returns
    -------
    float tensor of shape (N, 3, S, S)
        The transformed images.

    Raises
    ------
    ValueError
        If transform does not return a tensor of this shape, or cuts the gradient.
    """
    drawn = torch.rand(5, len(images), generator=generator).to(images.device, non_blocking=True)
    mirrored, angle, scale, *shift = 2 * drawn - 1
    given = torch.where(mirrored[:, None, None, None] < 0, images.flip(3), images)
    with values_known():
        seen = transform(given, angle * math.radians(25), 1.6**scale, 0.15 * torch.stack(shift, dim=1))
    _require_images(seen, images, "transform")
    return seen


def random_fading(images: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
    """Fade each image towards grey by a random fraction, so that colour alone does not make a class.

    Parameters
    ----------
    images : float tensor of shape (N, 3, S, S)
        The images, on any device.
    generator : torch.Generator or None
        Where the fractions, from 0 to 0.7, are drawn from, on the CPU; None for PyTorch's global generator.

    Returns
    -------
    float tensor of shape (N, 3, S, S)
        The faded images.
    """
    share = 0.7 * torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device, non_blocking=True)
    return images.lerp(images.mean(dim=1, keepdim=True).expand_as(images), share)


def random_view(images: torch.Tensor, transform: SpatialTransform, generator: torch.Generator | None = None) -> torch.Tensor:
    """Apply random_transformation, then random_fading: a transformation.

    Parameters
    ----------
    images : float tensor of shape (N, 3, S, S)
        The images, on any device.
    transform : function
        See random_transformation.
    generator : torch.Generator or None
        See random_transformation.

    Returns
    -------
    float tensor of shape (N, 3, S, S)
        The images as the network sees them.

    Raises
    ------
    ValueError
        If transform does not return a tensor of this shape, or cuts the gradient.
    """
    return random_fading(random_transformation(images, transform, generator), generator)


# Perturbations: what is different about the network at each step


@contextlib.contextmanager
def noisy_weights(model: torch.nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Multiply each weight by a random number around 1, so that nothing hangs on the exact weights of one network.

    A context manager, within which the network works with noisy weights, forward and backward. So it is another network at each
    step, and what pleases all of them is more likely to please one that somebody else trained.

    Parameters
    ----------
    model : torch.nn.Module
        The network. Its biases stay, and after the context its weights are as before.
    generator : torch.Generator
        Where the factors are drawn from, on the device of the network; normally distributed, mean 1, standard deviation 0.15.

    References
    ----------
    Bykov et al., 2022, https://arxiv.org/abs/2106.10185 (NoiseGrad: explanations averaged over noisy weights)
    """
    layers = [(weights, weights.data) for weights in model.parameters() if weights.dim() > 1]
    try:
        for weights, before in layers:
            weights.data = before * torch.empty_like(before).normal_(1, NOISE, generator=generator)
        yield
    finally:
        for weights, before in layers:
            weights.data = before


@contextlib.contextmanager
def shared_pooling(model: torch.nn.Module, generator: torch.Generator | None = None) -> Iterator[None]:
    """Let half of the gradient of each max pooling go to all values of its window alike; the other half to the largest, as usual.

    A context manager, within which this holds; forward nothing changes. If the largest value takes all, the gradient arrives at
    few places, which favours grids of fine dots.

    Parameters
    ----------
    model : torch.nn.Module
        The network. After the context it is as before.
    generator : torch.Generator or None
        Not used; there, so that it is a perturbation.

    References
    ----------
    Olah et al., 2018, https://distill.pub/2018/building-blocks/, whose code smooths the gradient of max pooling.
    """

    def shared(pooling: torch.nn.Module, given: tuple[torch.Tensor], largest: torch.Tensor) -> torch.Tensor:
        of_window = pooling.kernel_size, pooling.stride, pooling.padding, pooling.ceil_mode
        mean = F.avg_pool2d(given[0], *of_window, count_include_pad=False)
        half = largest.lerp(mean, 0.5)
        return half + (largest - half).detach()

    hooks = [layer.register_forward_hook(shared) for layer in model.modules() if isinstance(layer, torch.nn.MaxPool2d)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextlib.contextmanager
def another_network(model: torch.nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Apply noisy_weights and shared_pooling for as long as this context lasts: a perturbation.

    Parameters
    ----------
    model : torch.nn.Module
        See noisy_weights.
    generator : torch.Generator
        See noisy_weights.
    """
    with noisy_weights(model, generator), shared_pooling(model):
        yield


# The loop


def create_class_images(
    labels: Sequence[int] | torch.Tensor,
    model: torch.nn.Module,
    transform: SpatialTransform,
    *,
    objective: Objective = mostly_log_odds,
    image: Parameterisation = fourier_image,
    transformation: Transformation | None = random_view,
    perturbation: Perturbation | None = another_network,
    num_iterations: int = 280,
    learning_rate: float = 0.05,
    seed: int = 0,
    show_every: int | None = None,
    progress: bool = True,
    class_names: Mapping[int, str] | None = None,
) -> torch.Tensor | tuple[torch.Tensor, dict[int, torch.Tensor]]:
    """Make an image of each class that other networks recognise, too.

    Gradient ascent with Adam. What the images climb on, what is learned, how the network gets to see it, and how the network is
    perturbed at each step are passed in.

    Parameters
    ----------
    labels : list of int, or integer tensor of shape (N,)
        Class ids in [0, C); the N images are made in one batch.
    model : torch.nn.Module
        SqueezeNet, or a network like it, in evaluation mode; it is left as it is.
    transform : function
        Called by `transformation` with random numbers: transform_images.
    objective : function
        `objective(model, X, labels)` returns what each image climbs on, a float tensor of shape (N,). X is what the network
        takes. For example mostly_log_odds or class_score.
    image : function
        `image(N, generator)` returns the start of what is learned, a tensor, and a function that turns it into images of shape
        (N, 3, S, S) in [0, 1]. For example fourier_image or pixel_image.
    transformation : function or None
        `transformation(images, transform, generator)` returns the images as the network sees them in one step. For example
        random_view or random_transformation. With None it sees the images themselves.
    perturbation : function or None
        `perturbation(model, generator)` returns a context manager that changes the network for one step and then changes it back.
        For example another_network or noisy_weights. With None the network stays as it is.
    num_iterations : int
        Number of steps, at least 1.
    learning_rate : float
        Adam's, > 0.
    seed : int
        Fixes the start and everything random, at least 0.
    show_every : int or None
        Also return the images after every `show_every` iterations, at least 1; each time forces a GPU sync.
    progress : bool
        Show a progress bar (see progress.Bar), in a notebook with the images as they climb. An interrupt then ends the climb, and
        the images are returned as they are at that point; without a bar it raises KeyboardInterrupt, as usual.
    class_names : mapping of int to str, or None
        {class id: name}, for what the bar says. None for the ids.

    Returns
    -------
    float tensor of shape (N, 3, S, S), or tuple (float tensor, dict)
        The images in [0, 1], on the CPU; with show_every (images, {iteration: images}). S is the side that `image` gives them, by
        default 224. After an interrupt, which a sentence reports, the last of the frames is the result.

    Raises
    ------
    ValueError
        For labels outside [0, C), numbers out of range, a model that the objective cannot use, and for something passed in
        that is not a function, returns another shape or NaN, or cuts the gradient.

    References
    ----------
    Olah et al., 2017, https://distill.pub/2017/feature-visualization/
    Mordvintsev et al., 2018, https://distill.pub/2018/differentiable-parameterizations/
    Noisy weights: Bykov et al., 2022, https://arxiv.org/abs/2106.10185
    Adam: Kingma and Ba, 2015, https://arxiv.org/abs/1412.6980
    """
    y = checked_labels(labels, model)
    require_whole_numbers(1, num_iterations=num_iterations, show_every=show_every or 1)
    require_whole_numbers(0, seed=seed)
    _require_ingredients(transform, objective, transformation)
    require_function(image, "image", "fourier_image")
    if perturbation is not None:
        require_function(perturbation, "perturbation", "another_network; perturbation=None leaves the network as it is")
    generator = torch.Generator().manual_seed(seed)
    of_network = torch.Generator(y.device).manual_seed(seed)  # a million numbers a step, drawn where they are used
    start, images_of = image(len(y), generator)
    learned = start.detach().to(y.device).requires_grad_()
    optimizer = torch.optim.Adam([learned], lr=learning_rate, maximize=True)
    # by hand below: torchvision's normalize looks at the values, and a GPU would have to wait at every step
    mean, std = (values[:, None, None].to(y.device) for values in (SQUEEZENET_MEAN, SQUEEZENET_STD))
    frames: dict[int, torch.Tensor] = {}

    def step() -> None:
        images = images_of(learned)
        seen = images if transformation is None else transformation(images, transform, generator)
        _require_images(seen, images, "transformation")
        X = ((seen - mean) / std).contiguous(memory_format=torch.channels_last)
        with contextlib.nullcontext() if perturbation is None else _context(perturbation(model, of_network)):
            heights = objective(model, X, y)
            _require_heights(heights, len(y))
            (learned.grad,) = torch.autograd.grad(heights.sum(), learned)
        optimizer.step()

    def now() -> torch.Tensor:
        return images_of(learned).detach().cpu()

    taken = 0
    with Bar(num_iterations, _title(y.tolist(), class_names), shown=progress) as bar:
        bar.picture = lambda: _in_a_row(now())
        try:
            while taken < num_iterations:
                step()
                taken += 1
                if show_every and taken % show_every == 0:
                    frames[taken] = now()
                bar.update()
        except KeyboardInterrupt:
            if not progress:
                raise
            frames[taken] = now()
    if taken < num_iterations:
        tell(f"Interrupted after {taken} of {num_iterations} iterations. Interrupt again to stop the cells that follow.")
    made = now()
    if not made.isfinite().all():
        raise ValueError("The images became NaN. Does what was passed in return NaN, or divide a gradient by 0?")
    return (made, frames) if show_every else made


def importance_masks(
    images: torch.Tensor,
    labels: Sequence[int] | torch.Tensor,
    model: torch.nn.Module,
    transform: SpatialTransform,
    *,
    objective: Objective = mostly_log_odds,
    transformation: Transformation = random_view,
    views: int = 16,
    seed: int = 0,
) -> torch.Tensor:
    """Return where in an image its class depends on the pixels: the size of the gradients, summed over random views.

    Parameters
    ----------
    images : float tensor of shape (N, 3, S, S)
        In [0, 1], on any device.
    labels : list of int, or integer tensor of shape (N,)
        Class ids in [0, C).
    model : torch.nn.Module
        The network, in evaluation mode.
    transform : function
        As for create_class_images.
    objective : function
        As for create_class_images.
    transformation : function
        As for create_class_images.
    views : int
        How many random views each image is seen in, at least 1.
    seed : int
        Fixes the views, at least 0.

    Returns
    -------
    float tensor of shape (N, S, S)
        From 0, where it does not matter, to 1, for the fiftieth of the pixels that matter most; on the CPU. 0 everywhere in an
        image without a gradient.

    Raises
    ------
    ValueError
        For labels outside [0, C), numbers out of range, and for something passed in that is not a function, returns another
        shape, or cuts the gradient.

    References
    ----------
    Fel et al., 2023, https://arxiv.org/abs/2306.06805, who use such masks as the transparency of class images.
    """
    y = checked_labels(labels, model)
    require_whole_numbers(1, views=views)
    require_whole_numbers(0, seed=seed)
    _require_ingredients(transform, objective, transformation)
    generator = torch.Generator().manual_seed(seed)
    mean, std = (values[:, None, None].to(y.device) for values in (SQUEEZENET_MEAN, SQUEEZENET_STD))
    pixels = images.detach().to(y.device).requires_grad_()
    summed = torch.zeros_like(pixels[:, 0])
    for _ in range(views):
        seen = transformation(pixels, transform, generator)
        _require_images(seen, pixels, "transformation")
        heights = objective(model, (seen - mean) / std, y)
        _require_heights(heights, len(y))
        (gradient,) = torch.autograd.grad(heights.sum(), pixels)
        summed += gradient.abs().amax(dim=1)
    smooth = gaussian_blur(summed[:, None], kernel_size=2 * (SMOOTH * images.shape[2] // 200) + 1)[:, 0]
    most = smooth.flatten(1).quantile(0.98, dim=1)[:, None, None]
    return (smooth / most.clamp(min=torch.finfo(most.dtype).tiny)).clamp(max=1).cpu()


def _title(labels: list[int], class_names: Mapping[int, str] | None, most: int = 4) -> str:
    """Return what the bar says: the names of the classes, or how many they are."""
    if len(labels) > most:
        return f"{len(labels)} class images"
    if class_names is None:
        return f"class {', '.join(map(str, labels))}"
    return ", ".join(class_names[label].split(",")[0] for label in labels)


def _in_a_row(images: torch.Tensor) -> Image.Image:
    return to_pil_image(make_grid(images, nrow=len(images), padding=0))


def _require_ingredients(transform: object, objective: object, transformation: object) -> None:
    require_function(transform, "transform", "transform_images; transformation=None leaves the transformations out")
    require_function(objective, "objective", "mostly_log_odds")
    if transformation is not None:
        require_function(transformation, "transformation", "random_view")


def _require_images(seen: object, images: torch.Tensor, name: str) -> None:
    """Raise ValueError unless what the function `name` made of images is a tensor of their shape with a gradient to them."""
    if not isinstance(seen, torch.Tensor) or seen.shape != images.shape:
        found = f"shape {tuple(seen.shape)}" if isinstance(seen, torch.Tensor) else type(seen).__name__
        raise ValueError(f"{name} returned {found}; expected images of the shape that it got, {tuple(images.shape)}.")
    if images.requires_grad and not seen.requires_grad:
        raise ValueError(f"No gradient passes through what {name} returned. Is there a detach(), or NumPy, in it?")


def _context(perturbed: object) -> contextlib.AbstractContextManager[None]:
    """Return what a perturbation returned. Raises ValueError unless it is a context manager."""
    if not isinstance(perturbed, contextlib.AbstractContextManager):
        found = type(perturbed).__name__
        raise ValueError(f"perturbation returned a {found}; expected a context manager, such as another_network returns.")
    return perturbed


def _require_heights(heights: object, count: int) -> None:
    """Raise ValueError unless what an objective returned is a number for each of `count` images, with a gradient to them."""
    if not isinstance(heights, torch.Tensor) or heights.shape != (count,):
        found = f"shape {tuple(heights.shape)}" if isinstance(heights, torch.Tensor) else type(heights).__name__
        raise ValueError(f"objective returned {found}; expected a number for each image, a float tensor ({count},).")
    if not heights.requires_grad:
        raise ValueError("No gradient passes through what objective returned. Is there a detach(), or NumPy, in it?")
