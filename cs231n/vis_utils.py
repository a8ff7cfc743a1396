"""Every figure and animation of the notebook. Each function draws one figure and shows it."""

import base64
import inspect
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageOps
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from .image_utils import SQUEEZENET_STD, deprocess, rescale
from .networks import SIZE
from .whole_file import replacing

GIVEN, TARGET, OTHER = "#0072b2", "#d55e00", "#999999"  # colours that stay apart for colour-blind readers
METHODS = {  # how the line of a method looks, the same in every figure
    "saliency": {"color": "#56b4e9", "marker": "o"},
    "SmoothGrad": {"color": "#0072b2", "marker": "s"},
    "integrated gradients": {"color": "#009e73", "marker": "D"},
    "Grad-CAM": {"color": "#cc79a7", "marker": "^"},
    "guided backprop": {"color": "#d55e00", "marker": "v"},
    "random order": {"color": "#999999", "linestyle": ":"},
    "centre blob": {"color": "#555555", "linestyle": "--"},
}


def show_source(function: Callable[..., Any]) -> HTML:
    """Return the source of a function, in colour, for a notebook cell to show.

    Parameters
    ----------
    function : callable
        One that is written in a file.

    Returns
    -------
    IPython.display.HTML
        Its source.
    """
    style = HtmlFormatter(style="friendly", noclasses=True, prestyles="font-family: monospace")
    return HTML(highlight(inspect.getsource(function), PythonLexer(), style))


def plot_predictions(X: np.ndarray, y: np.ndarray, class_names: Mapping[int, str], scores: torch.Tensor, top: int = 5) -> None:
    """Draw pictures with their labels, and under each the network's top predictions with their probabilities.

    Parameters
    ----------
    X : uint8 array of shape (N, H, W, 3)
        The pictures.
    y : int array of shape (N,)
        Their class ids.
    class_names : mapping of int to str
        {class id: name}.
    scores : float tensor of shape (N, C)
        Raw scores.
    top : int
        How many predictions, >= 1.
    """
    figure, axes = _panels(2, len(X), width=2.15, height=2.1)
    top = min(top, scores.shape[1])
    probabilities, classes = scores.softmax(dim=1).topk(top)
    for image, label, bars, guesses, (above, below) in zip(X, y, probabilities.tolist(), classes.tolist(), axes.T, strict=True):
        above.imshow(image)
        above.set_title(f"label: {_name(class_names, label)}", fontsize=9)
        colours = [GIVEN if guess == label else OTHER for guess in guesses]
        below.barh(range(top), bars, color=colours, alpha=0.6)
        for place, (probability, guess) in enumerate(zip(bars, guesses, strict=True)):
            below.text(0.02, place, f"{probability:.2f}  {_name(class_names, guess)}", va="center", fontsize=8)
        below.set(xlim=(0, 1), ylim=(top - 0.5, -0.5))
    _show(figure)


def plot_filters(weight: torch.Tensor) -> None:
    """Draw filters as small colour pictures, each stretched to the full range of brightness.

    Parameters
    ----------
    weight : float tensor of shape (out, 3, kh, kw)
        A first layer's kernel on RGB.
    """
    columns = 16
    figure, axes = _panels(-(-len(weight) // columns), columns, width=0.6, height=0.6)
    for axis, kernel in zip(axes.flat, weight.detach().cpu(), strict=False):
        axis.imshow(rescale(kernel).permute(1, 2, 0).numpy())
    _show(figure)


def plot_feature_maps(X: torch.Tensor, maps: Mapping[str, torch.Tensor], channels: int = 7) -> None:
    """Draw, one row a layer, the feature maps of one image: the channels that react most strongly, brightest = strongest.

    Parameters
    ----------
    X : float tensor of shape (1, 3, H, W)
        The image, preprocessed.
    maps : mapping of str to float tensor of shape (1, C, h, w)
        {title: the feature map of a layer}.
    channels : int
        How many of each layer.
    """
    figure, axes = _panels(len(maps), channels + 1, width=1.35, height=1.35)
    for row, (title, layer) in zip(axes, maps.items(), strict=True):
        layer = layer[0].detach().cpu()
        row[0].imshow(deprocess(X))
        row[0].set_ylabel(f"{title}\n{layer.shape[0]} x {layer.shape[1]} x {layer.shape[2]}", fontsize=8)
        for axis, channel in zip(row[1:], layer.mean(dim=(1, 2)).topk(channels).indices, strict=True):
            axis.imshow(layer[channel].numpy(), cmap="gray")
    _show(figure)


def plot_saliency(X: np.ndarray, saliency: torch.Tensor | np.ndarray, titles: Sequence[str]) -> None:
    """Draw pictures, their saliency maps (brightest = most salient), and the pictures seen through them.

    Parameters
    ----------
    X : uint8 array of shape (N, H, W, 3)
        The pictures.
    saliency : float tensor or array of shape (N, H, W)
        Their maps, >= 0.
    titles : sequence of str
        N titles.
    """
    maps = [_brightness(one) for one in torch.as_tensor(saliency).detach().cpu()]
    figure, axes = _panels(3, len(X), width=1.5, height=1.5)
    for image, brightness, title, column in zip(X, maps, titles, axes.T, strict=True):
        column[0].imshow(image)
        column[0].set_title(title, fontsize=9)
        column[1].imshow(brightness, cmap="inferno")
        column[2].imshow(image)
        column[2].imshow(brightness, cmap="inferno", alpha=0.65)
    for axis, name in zip(axes[:, 0], ("picture", "saliency map", "overlay"), strict=True):
        axis.set_ylabel(name, fontsize=9)
    _show(figure)


def plot_attributions(X: np.ndarray, maps: Mapping[str, torch.Tensor], names: Sequence[str]) -> None:
    """Draw, one row a picture, the maps of all methods side by side, the strongest 1 % of each map being cut off.

    Parameters
    ----------
    X : uint8 array of shape (N, H, W, 3)
        The pictures.
    maps : mapping of str to float tensor of shape (N, H, W)
        {method: its maps, >= 0}. Of signed attributions (N, 3, H, W), give the absolute value of the sum over the colours.
    names : sequence of str
        N names.
    """
    figure, axes = _panels(len(X), 1 + len(maps), width=1.2, height=1.2)
    for row, image, name in zip(axes, X, names, strict=True):
        row[0].imshow(image)
        row[0].set_ylabel(name.split(",")[0], fontsize=9)
    for column, (method, several) in zip(axes[:, 1:].T, maps.items(), strict=True):
        column[0].set_title(method, fontsize=9)
        for axis, one in zip(column, several, strict=True):
            _show_map(axis, one)
    _show(figure)


def plot_sanity_check(correlations: Mapping[str, Mapping[str, float]], maps: Mapping[str, Mapping[str, torch.Tensor]]) -> None:
    """Draw how the maps of a network change as its weights are shuffled, from the last layer down to the first.

    Parameters
    ----------
    correlations : mapping of str to {str: float}
        {method: {stage: the mean rank correlation with the maps of the original network}}.
    maps : mapping of str to {str: float tensor of shape (H, W)}
        {method: {stage: a map of one picture, >= 0}}, at some stages, of the original network and of shuffled ones.
    """
    stages = list(next(iter(maps.values())))
    figure = plt.figure(figsize=(9.6, 0.5 + 0.95 * len(stages)), dpi=80, layout="constrained")
    ((left, right),) = figure.subfigures(1, 2, squeeze=False, width_ratios=(0.45, 0.55))
    axis = left.subplots()
    for method, line in correlations.items():
        axis.plot(list(line), list(line.values()), label=method, **METHODS.get(method, {}))
    axis.axhline(0, color=OTHER, linewidth=0.8, zorder=0)
    axis.set(xlabel="weights shuffled from the last layer down to", ylabel="rank correlation")
    axis.set_ylim(top=1.05)
    left.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    axes = right.subplots(len(stages), len(maps), squeeze=False)
    for column, (method, of_stages) in zip(axes.T, maps.items(), strict=True):
        column[0].set_title(method.replace(" ", "\n"), fontsize=8)
        for axis, one in zip(column, of_stages.values(), strict=True):
            _show_map(axis, one)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
    for axis, stage in zip(axes[:, 0], stages, strict=True):
        axis.set_ylabel(stage, fontsize=8)
    _show(figure)


def plot_deletion_insertion(
    parts: Sequence[float], deletion: Mapping[str, torch.Tensor], insertion: Mapping[str, torch.Tensor]
) -> None:
    """Draw the mean curves of deletion and of insertion; the legends give the area under each, the best method first.

    Parameters
    ----------
    parts : sequence of float
        S numbers in [0, 1]: the fraction of the picture that is grey in deletion, and sharp (the rest is blurred) in insertion.
    deletion : mapping of str to float tensor of shape (N, S)
        {method: the label's probability in N pictures}.
    insertion : mapping of str to float tensor of shape (N, S)
        {method: the label's probability in N pictures}.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 4), dpi=80, layout="constrained", sharey=True)
    for axis, curves, best_first in ((axes[0], deletion, 1), (axes[1], insertion, -1)):
        means = {method: several.detach().cpu().mean(dim=0) for method, several in curves.items()}
        areas = {method: torch.trapezoid(mean, torch.tensor(parts).to(mean)).item() for method, mean in means.items()}
        for method in sorted(areas, key=lambda method: best_first * areas[method]):
            axis.plot(parts, means[method], label=f"{areas[method]:.3f}  {method}", markersize=4, **METHODS.get(method, {}))
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=8, frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set(title="deletion (less is better)", xlabel="part of the picture that is grey", ylabel="probability of the label")
    axes[1].set(title="insertion (more is better)", xlabel="part of the picture that is sharp")
    for axis in axes:
        axis.title.set_fontsize(10)
    _show(figure)


def plot_fooling(X: torch.Tensor, X_fooling: torch.Tensor, titles: Sequence[str], magnified: float = 10) -> None:
    """Draw a picture, its fooling image, their difference, and the difference magnified; grey means no change.

    Parameters
    ----------
    X : float tensor of shape (1, 3, H, W)
        The picture, preprocessed.
    X_fooling : float tensor of shape (1, 3, H, W)
        Its fooling image.
    titles : sequence of str
        Two: what the network sees in each.
    magnified : float
        The factor of the last panel.
    """
    X, X_fooling = (image.detach().cpu() for image in (X, X_fooling))
    difference = (X_fooling - X)[0].permute(1, 2, 0) * SQUEEZENET_STD  # of pixels in [0, 1]
    figure, axes = _panels(1, 4, width=2.3, height=2.5)
    for axis, image, title in zip(axes[0], (X, X_fooling), titles, strict=False):
        axis.imshow(deprocess(image, should_rescale=False))
        axis.set_title(title, fontsize=9)
    for axis, factor in zip(axes[0, 2:], (1, magnified), strict=True):
        axis.imshow((0.5 + factor * difference).clamp(0, 1).numpy())
        axis.set_title("difference" if factor == 1 else f"difference x {factor}", fontsize=9)
    _show(figure)


def plot_scores(scores: Sequence[torch.Tensor], label: int, target: int, class_names: Mapping[int, str]) -> None:
    """Draw how the scores of two classes, and the best of all others, change along the steps.

    Parameters
    ----------
    scores : sequence of float tensor of shape (C,)
        As `recording.recorded_scores` yields them.
    label : int
        The class of the picture.
    target : int
        The class that the network should see.
    class_names : mapping of int to str
        {class id: name}.
    """
    figure, axis = plt.subplots(figsize=(6, 2.8), dpi=80)
    lines = torch.stack(list(scores))
    others = lines.clone()
    others[:, [label, target]] = -torch.inf
    axis.plot(others.amax(dim=1), color=OTHER, linestyle=":", label="best other class")
    axis.plot(lines[:, label], color=GIVEN, marker="o", label=f"{_name(class_names, label)} (label)")
    axis.plot(lines[:, target], color=TARGET, marker="s", label=f"{_name(class_names, target)} (target)")
    axis.set(xlabel="step", ylabel="score")
    axis.locator_params(axis="x", integer=True)
    axis.legend(fontsize=8, frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    _show(figure)


def plot_iterations(frames_of: Mapping[int, Mapping[int, Image.Image]], class_names: Mapping[int, str]) -> None:
    """Draw, one row a class, how its image grows over the iterations; contrast is stretched for the eye.

    Parameters
    ----------
    frames_of : mapping of int to {int: PIL.Image.Image}
        {class id: {iteration: image}}, the frames as `create_class_visualization` returns them.
    class_names : mapping of int to str
        {class id: name}.
    """
    figure, axes = _panels(len(frames_of), max(map(len, frames_of.values())), width=1.4, height=1.45)
    for row, (label, frames) in zip(axes, frames_of.items(), strict=True):
        row[0].set_ylabel(_name(class_names, label), fontsize=9)
        for axis, (iteration, image) in zip(row, frames.items(), strict=False):
            axis.imshow(stretched(image))
            axis.set_title(f"iteration {iteration}", fontsize=8)
    _show(figure)


def plot_images(images: Mapping[str, Image.Image]) -> None:
    """Draw images side by side, their contrast stretched for the eye.

    Parameters
    ----------
    images : mapping of str to PIL.Image.Image
        {title: image}.
    """
    width = min(2.2, 7.5 / len(images))
    figure, axes = _panels(1, len(images), width, height=width + 0.3)
    for axis, (title, image) in zip(axes[0], images.items(), strict=True):
        axis.imshow(stretched(image))
        axis.set_title(title, fontsize=9)
    _show(figure)


def plot_class_images(
    images: Mapping[str, torch.Tensor],
    labels: Sequence[int],
    class_names: Mapping[int, str],
    ranks: Mapping[str, torch.Tensor],
) -> None:
    """Draw class images, a row for each class and a column for each way of making them, with a judge's verdicts below.

    Parameters
    ----------
    images : mapping of str to float tensor of shape (N, 3, H, W)
        {title: images in [0, 1]}.
    labels : sequence of int
        The N class ids.
    class_names : mapping of int to str
        {class id: name}.
    ranks : mapping of str to long tensor of shape (N,)
        {title: the rank of each image's class in the judge's scores}, 0 for the top-1; {} without a judge.
    """
    figure, axes = _panels(len(labels), len(images), width=1.15, height=1.3)
    for column, (title, made) in enumerate(images.items()):
        axes[0, column].set_title(title, fontsize=7)
        for axis, image, rank in zip(axes[:, column], made, ranks.get(title, [None] * len(made)), strict=True):
            axis.imshow(image.permute(1, 2, 0).numpy())
            if rank is not None:
                axis.set_xlabel(f"guess {rank + 1}", fontsize=8, color="tab:blue" if rank < 5 else "dimgray")
    for axis, label in zip(axes[:, 0], labels, strict=True):
        axis.set_ylabel(_name(class_names, label), fontsize=9)
    _show(figure)


def save_contact_sheet(images: torch.Tensor, titles: Sequence[str], path: str | os.PathLike[str], columns: int = 10) -> None:
    """Write all images with their titles into one picture.

    Parameters
    ----------
    images : float tensor of shape (N, 3, H, W)
        In [0, 1].
    titles : sequence of str
        N titles.
    path : str or os.PathLike
        Ends in .png; the file is replaced only once the new one is whole.
    columns : int
        Images in a row.
    """
    figure, axes = _panels(math.ceil(len(images) / columns), columns, width=1.6, height=1.75)
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image.permute(1, 2, 0).numpy())
        axis.set_title(title, fontsize=6)
    try:
        with replacing(path) as whole:
            figure.savefig(whole, dpi=120)
    finally:
        plt.close(figure)


def stretched(image: Image.Image) -> Image.Image:
    """Stretch the contrast of an image.

    Parameters
    ----------
    image : PIL.Image.Image
        Of mode RGB or L.

    Returns
    -------
    PIL.Image.Image
        A new one; the darkest and the brightest 0.5 % of its pixels are cut off.
    """
    return ImageOps.autocontrast(image, cutoff=0.5)


def save_animation(frames: Iterable[Image.Image], path: str | os.PathLike[str], side: int = SIZE, seconds: float = 4) -> None:
    """Write images as an endless GIF, their contrast stretched for the eye.

    Parameters
    ----------
    frames : iterable of PIL.Image.Image
        At least one.
    path : str or os.PathLike
        Ends in .gif; the file is replaced only once the new one is whole.
    side : int
        The width and height in pixels.
    seconds : float
        How long it takes until it starts again.

    Raises
    ------
    ValueError
        If there are no frames, `path` ends otherwise, or its folder does not exist.
    """
    path = Path(path)
    if path.suffix != ".gif" or not path.parent.is_dir():
        raise ValueError(f"save_animation got {path}; expected a name that ends in .gif, in a folder that exists.")
    pictures = [np.asarray(stretched(frame).resize((side, side))) for frame in frames]
    if not pictures:
        raise ValueError("save_animation got no frames; expected at least one image.")
    with replacing(path) as whole:
        imageio.imwrite(whole, pictures, duration=1000 * seconds / len(pictures), loop=0)


def show_animation(path: str | os.PathLike[str], width: int = SIZE) -> HTML:
    """Return a GIF for a notebook cell to show; it is stored inside the notebook.

    Parameters
    ----------
    path : str or os.PathLike
        The GIF.
    width : int
        In pixels on the page.

    Returns
    -------
    IPython.display.HTML
        An image that holds the whole file.
    """
    content = base64.b64encode(Path(path).read_bytes()).decode()
    return HTML(f'<img src="data:image/gif;base64,{content}" width="{width}" alt="animation: {Path(path).stem}">')


def _panels(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    figure, axes = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), dpi=80, squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure, axes


def _show(figure: Figure) -> None:
    plt.show()
    plt.close(figure)


def _show_map(axis: Axes, one: torch.Tensor) -> None:
    """Draw a map (H, W), the means over 4 x 4 pixels: the strides of the first layers leave a grid that hides the rest."""
    means = F.avg_pool2d(one.detach().cpu()[None], 4, stride=2)[0]
    axis.imshow(_brightness(means, 0.99), cmap="inferno", interpolation="bilinear")


def _name(class_names: Mapping[int, str], label: int) -> str:
    return class_names[int(label)].split(",")[0]


def _brightness(saliency: torch.Tensor, brightest: float = 0.995) -> np.ndarray:
    """Return a saliency map as an array in [0, 1] in which single strong pixels, those above a quantile, do not hide the rest."""
    return (saliency / saliency.quantile(brightest).clamp_min(torch.finfo(saliency.dtype).tiny)).clamp(0, 1).numpy()
