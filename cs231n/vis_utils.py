"""Every figure and animation of the notebook. Each function draws one figure and shows it."""

import inspect
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from . import figures
from .figures import INCHES, Content
from .image_utils import SQUEEZENET_STD, deprocess, rescale, stretched
from .networks import SIZE
from .whole_file import replacing

GIVEN, TARGET, OTHER = "#0072b2", "#d55e00", "#999999"  # colours that stay apart for colour-blind readers
METHODS: dict[str, dict[str, Any]] = {  # how the line of a method looks, the same in every figure
    "saliency": {"color": "#56b4e9", "marker": "o"},
    "SmoothGrad": {"color": "#0072b2", "marker": "s"},
    "integrated gradients": {"color": "#009e73", "marker": "D"},
    "Grad-CAM": {"color": "#cc79a7", "marker": "^"},
    "guided backprop": {"color": "#d55e00", "marker": "v"},
    "random order": {"color": "#999999", "linestyle": ":"},
    "centre blob": {"color": "#555555", "linestyle": "--"},
}
KINDS = ["picture", "saliency map", "overlay"]  # the panels of one picture in the saliency figure
LEGEND = 1.85  # inches: below the axis of the sanity check
AREAS = "area under the whole curve"
ANIMATION_WIDTH = 2 * SIZE  # pixels on the page
# Of images that are enlarged four times nothing is lost with a low quality; slower methods make files that are hardly smaller.
ANIMATED: dict[str, Any] = {"quality": 10, "method": 1}
LARGEST = 3.6  # inches: a single image of 224 pixels shows nothing more where it is larger


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
    top = min(top, scores.shape[1])
    probabilities, classes = (tensor.tolist() for tensor in scores.softmax(dim=1).topk(top))
    figure, axes = _panels(2, len(X), top=0.28, above=0)
    told = []
    for image, label, bars, guesses, (above, below) in zip(X, y, probabilities, classes, axes.T, strict=True):
        above.imshow(image)
        above.set_title(f"label: {_name(class_names, label)}", fontsize=10)
        colours = [GIVEN if guess == label else OTHER for guess in guesses]
        below.barh(range(top), bars, color=colours, alpha=0.6)
        for place, (probability, guess) in enumerate(zip(bars, guesses, strict=True)):
            name = _shortened(_name(class_names, guess))
            below.text(0.02, place, f"{probability:.2f}  {name}", va="center", fontsize=9)
        below.set(xlim=(0, 1), ylim=(top - 0.5, -0.5))
        told.append(f"{_name(class_names, label)}, top-1 {_name(class_names, guesses[0])} with {bars[0]:.2f}")
    figures.show(figure, f"{len(X)} pictures, and under each its top-{top} predictions as bars. Labels: {'; '.join(told)}.")


def plot_filters(weight: torch.Tensor) -> None:
    """Draw filters as small colour pictures, each stretched to the full range of brightness.

    Parameters
    ----------
    weight : float tensor of shape (out, 3, kh, kw)
        A first layer's kernel on RGB.
    """
    columns = 16
    figure, axes = _panels(math.ceil(len(weight) / columns), columns, above=0)
    for axis, kernel in zip(axes.flat, weight.detach().cpu(), strict=False):
        axis.imshow(rescale(kernel).permute(1, 2, 0).numpy())
    height, width = weight.shape[2:]
    figures.show(figure, f"The {len(weight)} filters of {height} x {width} pixels as small colour pictures.", Content.LINES)


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
    figure, axes = _panels(len(maps), channels + 1, left=0.5, above=0)
    told = []
    for row, (title, layer) in zip(axes, maps.items(), strict=True):
        layer = layer[0].detach().cpu()
        size = " x ".join(map(str, layer.shape))
        strongest = layer.mean(dim=(1, 2)).topk(channels).indices
        row[0].imshow(deprocess(X))
        row[0].set_ylabel(f"{title}\n{size}", fontsize=9)
        for axis, channel in zip(row[1:], strongest, strict=True):
            axis.imshow(layer[channel].numpy(), cmap="gray")
        told.append(f"{title} ({size}) channels {', '.join(str(channel.item()) for channel in strongest)}")
    figures.show(figure, f"A picture, and beside it the feature maps that react most strongly: {'; '.join(told)}.")


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
    columns = len(X) > 2  # a picture each; one or two fill the page as rows
    figure, axes = _panels(*((3, len(X)) if columns else (len(X), 3)), left=0.25, top=0.3, above=0)
    grid = axes if columns else axes.T
    for image, brightness, (picture, alone, both) in zip(X, maps, grid.T, strict=True):
        picture.imshow(image)
        alone.imshow(brightness, cmap="inferno")
        both.imshow(image)
        both.imshow(brightness, cmap="inferno", alpha=0.65)
    names = [_shortened(title, 26) for title in titles]
    above, beside = (names, KINDS) if columns else (KINDS, names)
    for axis, name in zip(axes[0], above, strict=True):
        axis.set_title(name, fontsize=10)
    for axis, name in zip(axes[:, 0], beside, strict=True):
        axis.set_ylabel(name, fontsize=10)
    told = "; ".join(f"{name} ({_place(one)})" for name, one in zip(titles, maps, strict=True))
    figures.show(figure, f"Pictures, their saliency maps and both overlaid; in brackets where a map is bright: {told}.")


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
    figure, axes = _panels(len(X), 1 + len(maps), left=0.25, top=0.3, above=0)
    for row, image, name in zip(axes, X, names, strict=True):
        row[0].imshow(image)
        row[0].set_ylabel(name.split(",")[0], fontsize=10)
    for column, (method, several) in zip(axes[:, 1:].T, maps.items(), strict=True):
        column[0].set_title(method, fontsize=10)
        for axis, one in zip(column, several, strict=True):
            _show_map(axis, one)
    told = "; ".join(
        f"{name.split(',')[0]}: " + ", ".join(f"{method} {_place(several[row])}" for method, several in maps.items())
        for row, name in enumerate(names)
    )
    figures.show(figure, f"One picture per row, with its maps next to it. Where they are bright: {told}.")


def plot_answers(
    pictures: Mapping[str, torch.Tensor],
    scores: Mapping[str, torch.Tensor],
    maps: Mapping[str, Mapping[str, torch.Tensor]],
    labels: Sequence[int],
    class_names: Mapping[int, str],
) -> None:
    """Draw all versions of a few pictures in one row, each with what a network says and with maps of why it says so.

    Parameters
    ----------
    pictures : mapping of str to float tensor of shape (N, 3, H, W)
        {version: N pictures, preprocessed}.
    scores : mapping of str to float tensor of shape (N, C)
        {version: the network's raw scores}.
    maps : mapping of str to {str: float tensor of shape (N, H, W)}
        {version: {method: maps of the pictures, >= 0}}; {version: {}} for a version without maps.
    labels : sequence of int
        The class ids of the N pictures.
    class_names : mapping of int to str
        {class id: name}.
    """
    figure, axes = _panels(1, len(labels) * sum(1 + len(maps[version]) for version in pictures), above=0.45, below=0.25)
    panels, told = iter(axes[0]), []
    for number, label in enumerate(labels):
        for version, several in pictures.items():
            sure, answer = scores[version][number].detach().cpu().softmax(dim=0).max(dim=0)
            said = f"{_name(class_names, int(answer))} {sure:.2f}"
            panel = next(panels)
            panel.imshow(deprocess(several[number : number + 1], should_rescale=False))
            panel.set_title(f"{_name(class_names, label)}\n{version}", fontsize=10)
            panel.set_xlabel(said, fontsize=10, color=GIVEN if answer == label else TARGET)
            for method, of in maps[version].items():
                panel = next(panels)
                _show_map(panel, of[number])
                panel.set_title(method, fontsize=10)
            bright = [f"{method} is bright {_place(of[number])}" for method, of in maps[version].items()]
            told.append(", ".join([f"{_name(class_names, label)} {version}: it says {said}", *bright]))
    figures.show(figure, f"Pictures, what the network says and its maps. {'; '.join(told)}.", Content.SMALL)


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
    left, gap, top, columns = 3.3, 0.05, 0.55, len(maps)
    side = min((INCHES - left - 0.5 - gap * columns) / columns, LARGEST / 2)
    height = max(top + len(stages) * (side + gap) + 0.1, LEGEND + 2.5)
    figure = Figure(figsize=(INCHES, height))
    axis = figure.add_axes((0.07, LEGEND / height, left / INCHES - 0.07, (height - top - LEGEND) / height))
    for method, line in correlations.items():
        axis.plot(list(line), list(line.values()), label=method, **METHODS.get(method, {}))
    axis.axhline(0, color=OTHER, linewidth=0.8, zorder=0)
    axis.tick_params(axis="x", rotation=60)
    axis.set(xlabel="weights shuffled from the last layer down to", ylabel="rank correlation")
    axis.set_ylim(top=1.05)
    figure.legend(loc="lower left", bbox_to_anchor=(0.005, 0.01), ncols=2, fontsize=9, frameon=False, columnspacing=1)
    axis.spines[["top", "right"]].set_visible(False)
    for column, (method, of_stages) in enumerate(maps.items()):
        for row, (stage, one) in enumerate(of_stages.items()):
            x, y = left + 0.5 + column * (side + gap), height - top - side - row * (side + gap)
            panel = figure.add_axes((x / INCHES, y / height, side / INCHES, side / height))
            _show_map(panel, one)
            _bare(panel)
            if not row:
                panel.set_title(method.replace(" ", "\n"), fontsize=10)
            if not column:
                panel.set_ylabel(stage, fontsize=10)
    told = "; ".join(
        f"{method} from {line[0]:.2f} to {line[-1]:.2f}"
        for method, line in ((method, list(of_stages.values())) for method, of_stages in correlations.items())
    )
    figures.show(
        figure,
        f"Rank correlation of the maps with the original ones as the weights are shuffled: {told}. "
        f"To the right, one picture's maps at the stages {', '.join(stages)}.",
    )


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
    figure = Figure(figsize=(INCHES, 4.6), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    axes = figure.subplots(1, 2, sharey=True)
    told = []
    for axis, curves, best_first in ((axes[0], deletion, 1), (axes[1], insertion, -1)):
        means = {method: several.detach().cpu().mean(dim=0) for method, several in curves.items()}
        errors = {method: _standard_error(several.detach().cpu()) for method, several in curves.items()}
        areas = {method: torch.trapezoid(mean, torch.tensor(parts).to(mean)).item() for method, mean in means.items()}
        ordered = sorted(areas, key=lambda method: best_first * areas[method])
        for method in ordered:
            look = METHODS.get(method, {})
            (line,) = axis.plot(parts, means[method], label=f"{areas[method]:.3f}  {method}", markersize=4, **look)
            low, high = means[method] - errors[method], means[method] + errors[method]
            axis.fill_between(parts, low, high, color=line.get_color(), alpha=0.12, linewidth=0)
        axis.set_xlim(0, _last_change(parts, list(means.values())))
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, fontsize=9, frameon=False, title=AREAS)
        axis.spines[["top", "right"]].set_visible(False)
        told.append(", ".join(f"{method} {areas[method]:.3f}" for method in ordered))
    axes[0].set(xlabel="fraction of the picture that is grey", ylabel="probability of the label")
    axes[1].set(xlabel="fraction of the picture that is sharp")
    for axis, title in zip(axes, ("deletion (lower is better)", "insertion (higher is better)"), strict=True):
        end = axis.get_xlim()[1]
        axis.set_title(title if end == parts[-1] else f"{title}; almost constant beyond {end:g}", fontsize=10)
    figures.show(
        figure,
        "Curves of the label's probability, with bands of one standard error. "
        f"Areas in deletion, best first: {told[0]}; in insertion: {told[1]}.",
        Content.LINES,
    )


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
    figure, axes = _panels(1, 4)
    for axis, image, title in zip(axes[0], (X, X_fooling), titles, strict=False):
        axis.imshow(deprocess(image, should_rescale=False))
        axis.set_title(title, fontsize=10)
    for axis, factor in zip(axes[0, 2:], (1, magnified), strict=True):
        axis.imshow((0.5 + factor * difference).clamp(0, 1).numpy())
        axis.set_title("difference" if factor == 1 else f"difference x {factor:g}", fontsize=10)
    figures.show(
        figure,
        f"From left to right: the picture, seen as {titles[0]}; the fooling image, seen as {titles[1]}; their difference, "
        f"at most {255 * difference.abs().max():.0f} of 255 levels; the difference magnified {magnified:g} times. "
        "Grey is no change.",
    )


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
    figure = Figure(figsize=(INCHES, 3.6), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    axis = figure.subplots()
    lines = torch.stack(list(scores))
    others = lines.clone()
    others[:, [label, target]] = -torch.inf
    axis.plot(others.amax(dim=1), color=OTHER, linestyle=":", label="best other class")
    axis.plot(lines[:, label], color=GIVEN, marker="o", label=f"{_name(class_names, label)} (label)")
    axis.plot(lines[:, target], color=TARGET, marker="s", label=f"{_name(class_names, target)} (target)")
    axis.set(xlabel="step", ylabel="score")
    axis.locator_params(axis="x", integer=True)
    axis.legend(fontsize=10, frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    told = " and ".join(f"{_name(class_names, one)} from {lines[0, one]:.1f} to {lines[-1, one]:.1f}" for one in (label, target))
    best = f"that of the best other class from {others[0].max():.1f} to {others[-1].max():.1f}"
    figures.show(figure, f"Scores along {len(lines) - 1} steps: the score of {told}, {best}.", Content.LINES)


def plot_iterations(frames_of: Mapping[int, Mapping[int, Image.Image]], class_names: Mapping[int, str]) -> None:
    """Draw, one row a class, how its image grows over the iterations; contrast is stretched for the eye.

    Parameters
    ----------
    frames_of : mapping of int to {int: PIL.Image.Image}
        {class id: {iteration: image}}, the frames as `create_class_visualization` returns them.
    class_names : mapping of int to str
        {class id: name}.

    Raises
    ------
    ValueError
        If there is no frame.
    """
    if not any(frames_of.values()):
        raise ValueError("There are no frames to draw: no image was kept, or none was finite.")
    figure, axes = _panels(len(frames_of), max(map(len, frames_of.values())), left=0.25)
    for row, (label, frames) in zip(axes, frames_of.items(), strict=True):
        row[0].set_ylabel(_name(class_names, label), fontsize=10)
        for axis, (iteration, image) in zip(row, frames.items(), strict=False):
            axis.imshow(stretched(image))
            axis.set_title(f"iteration {iteration}", fontsize=10)
    told = "; ".join(f"{_name(class_names, label)} at {', '.join(map(str, frames))}" for label, frames in frames_of.items())
    figures.show(figure, f"Class images, one class per row, at several iterations: {told}.")


def plot_images(images: Mapping[str, Image.Image]) -> None:
    """Draw images side by side, their contrast stretched for the eye.

    Parameters
    ----------
    images : mapping of str to PIL.Image.Image
        {title: image}.
    """
    lines = max(title.count("\n") for title in images) + 1
    figure, axes = _panels(1, len(images), above=0.08 + 0.2 * lines)
    for axis, (title, image) in zip(axes[0], images.items(), strict=True):
        axis.imshow(stretched(image))
        axis.set_title(title, fontsize=10)
    told = "; ".join(title.replace("\n", ", ") for title in images)
    figures.show(figure, f"Images side by side: {told}." if len(images) > 1 else f"An image: {told}.")


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
    figure, axes = _panels(len(labels), len(images), left=0.25, top=0.45, above=0, below=0.25 if ranks else 0)
    for column, (title, made) in enumerate(images.items()):
        axes[0, column].set_title(_in_two_lines(title), fontsize=10)
        for axis, image, rank in zip(axes[:, column], made, ranks.get(title, [None] * len(made)), strict=True):
            axis.imshow(image.permute(1, 2, 0).numpy())
            if rank is not None:
                axis.set_xlabel(f"rank {rank + 1}", fontsize=10, color="tab:blue" if rank < 5 else "dimgray")
    names = [_name(class_names, label) for label in labels]
    for axis, name in zip(axes[:, 0], names, strict=True):
        axis.set_ylabel(name, fontsize=10)
    guesses = {title: ", ".join(str(rank + 1) for rank in of.tolist()) for title, of in ranks.items()}
    told = "; ".join(f"{title}: {guesses[title]}" if title in guesses else title for title in images)
    numbers = ", with the rank that the judge gives the class" if ranks else ""
    figures.show(figure, f"Class images of {', '.join(names)}, one class per row, and a column for each way{numbers}. {told}.")


def plot_made_and_found(
    images: torch.Tensor,
    masks: torch.Tensor,
    labels: Sequence[int],
    photographs: Sequence[np.ndarray],
    of: Sequence[int],
    class_names: Mapping[int, str],
) -> None:
    """Draw, for each class, what matters of the image that was made, and beside it a photograph that was found.

    Parameters
    ----------
    images : float tensor of shape (N, 3, H, W)
        In [0, 1].
    masks : float tensor of shape (N, H, W)
        1 where the image is to be seen, 0 where the ground shows instead.
    labels : sequence of int
        The N class ids.
    photographs : sequence of uint8 arrays of shape (H, W, 3)
        N photographs.
    of : sequence of int
        The photographs' own N class ids.
    class_names : mapping of int to str
        {class id: name}.
    """
    figure, axes = _panels(1, 2 * len(labels), top=0.25, above=0, below=0.25)
    told = []
    for i, (label, other) in enumerate(zip(labels, of, strict=True)):
        made, found = axes[0, 2 * i : 2 * i + 2]
        made.imshow(np.dstack([images[i].permute(1, 2, 0).numpy(), masks[i].numpy()]))
        made.set_title("made", fontsize=10)
        made.set_xlabel(_name(class_names, label), fontsize=10)
        found.imshow(photographs[i])
        found.set_title("found", fontsize=10)
        found.set_xlabel(_name(class_names, other), fontsize=10)
        told.append(f"{_name(class_names, label)}, beside it a photograph of {_name(class_names, other)}")
    description = f"Class images where they matter, each beside the photograph with the highest score: {'; '.join(told)}."
    figures.show(figure, description, Content.SMALL)


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
    figure, axes = _panels(math.ceil(len(images) / columns), columns)
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image.permute(1, 2, 0).numpy())
        axis.set_title(title, fontsize=6)
    with replacing(path) as whole:
        figure.savefig(whole, dpi=190)


def save_animation(
    frames: Iterable[Image.Image], path: str | os.PathLike[str], side: int = figures.DENSITY * ANIMATION_WIDTH, seconds: float = 4
) -> None:
    """Write images as an endless animation, their contrast stretched for the eye.

    Parameters
    ----------
    frames : iterable of PIL.Image.Image
        At least one.
    path : str or os.PathLike
        Ends in .webp; the file is replaced only once the new one is whole.
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
    if path.suffix != ".webp" or not path.parent.is_dir():
        raise ValueError(f"save_animation got {path}; expected a name that ends in .webp, in a folder that exists.")
    pictures = [np.asarray(stretched(frame).resize((side, side), Image.Resampling.LANCZOS)) for frame in frames]
    if not pictures:
        raise ValueError("save_animation got no frames; expected at least one image.")
    with replacing(path) as whole:
        imageio.imwrite(whole, pictures, duration=1000 * seconds / len(pictures), loop=0, **ANIMATED)


def show_animation(path: str | os.PathLike[str], width: int = ANIMATION_WIDTH, description: str = "") -> HTML:
    """Return an animation for a notebook cell to show; it is stored inside the notebook.

    Parameters
    ----------
    path : str or os.PathLike
        A WebP file.
    width : int
        In pixels on the page.
    description : str
        The alternative text; by default the name of the file.

    Returns
    -------
    IPython.display.HTML
        An image that holds the whole file.
    """
    path = Path(path)
    return HTML(figures.tag(path.read_bytes(), width, description or f"animation: {path.stem}", kind="animation"))


def _panels(
    rows: int, columns: int, left: float = 0, top: float = 0, above: float = 0.28, below: float = 0
) -> tuple[Figure, np.ndarray]:
    """Return a figure as wide as the page, or narrower where the panels would be too large, and its square panels.

    left, top: inches for the rows' and the columns' titles. above, below: inches around each panel for its own.
    """
    margin, gap = 0.12, 0.08
    side = min((INCHES - 2 * margin - left - (columns - 1) * gap) / columns, LARGEST)
    width = 2 * margin + left + columns * side + (columns - 1) * gap
    height = 2 * margin + top + rows * (above + side + below) + (rows - 1) * gap
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": (margin + left) / width,
            "right": 1 - margin / width,
            "bottom": (margin + below) / height,
            "top": 1 - (margin + top + above) / height,
            "wspace": gap / side,
            "hspace": (above + below + gap) / side,
        },
    )
    for axis in axes.flat:
        _bare(axis)
    return figure, axes


def _bare(axis: Axes) -> None:
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def _standard_error(curves: torch.Tensor) -> torch.Tensor:
    """Return the standard error of the mean over N curves (N, S): 0 of a single one, of which nothing is known."""
    return curves.std(dim=0, correction=min(1, len(curves) - 1)) / len(curves) ** 0.5


def _last_change(parts: Sequence[float], means: Sequence[torch.Tensor]) -> float:
    """Return the part from which on no mean curve moves by more than a hundredth."""
    moves = torch.stack([(mean - mean[-1]).abs() for mean in means]).amax(dim=0) > 0.01
    return parts[min(int(moves.nonzero().max()) + 1 if moves.any() else len(parts) - 1, len(parts) - 1)]


def _place(one: torch.Tensor | np.ndarray) -> str:
    """Return in words in which ninth of a map (H, W) the brightness is largest."""
    ninths = F.adaptive_avg_pool2d(torch.as_tensor(one).detach().cpu().float()[None], 3)[0]
    if not ninths.max() > 0:
        return "nowhere"
    down, right = divmod(int(ninths.argmax()), 3)
    return f"{('top', '', 'bottom')[down]} {('left', '', 'right')[right]}".strip() or "centre"


def _show_map(axis: Axes, one: torch.Tensor) -> None:
    """Draw a map (H, W), the means over 4 x 4 pixels: the strides of the first layers leave a grid that hides the rest."""
    means = F.avg_pool2d(one.detach().cpu()[None], 4, stride=2)[0]
    axis.imshow(_brightness(means, 0.99), cmap="inferno", interpolation="bilinear")


def _name(class_names: Mapping[int, str], label: int) -> str:
    return class_names[int(label)].split(",")[0]


def _in_two_lines(title: str) -> str:
    """Return a title broken at the space nearest to its middle."""
    spaces = [place for place, character in enumerate(title) if character == " "]
    middle = min(spaces, key=lambda place: abs(2 * place - len(title)), default=len(title))
    return f"{title[:middle]}\n{title[middle + 1 :]}".rstrip()


def _shortened(name: str, characters: int = 22) -> str:
    return name if len(name) <= characters else f"{name[: characters - 1].rstrip()}…"


def _brightness(saliency: torch.Tensor, brightest: float = 0.995) -> np.ndarray:
    """Return a saliency map as an array in [0, 1] in which single strong pixels, those above a quantile, do not hide the rest."""
    return (saliency / saliency.quantile(brightest).clamp_min(torch.finfo(saliency.dtype).tiny)).clamp(0, 1).numpy()
