"""Every figure and animation of the notebook. Each function draws one figure and shows it."""

import base64
import contextlib
import inspect
import math
from pathlib import Path

import imageio.v3 as imageio
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import HTML
from PIL import ImageOps
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


def show_source(function):
    """Return the source of a function as coloured HTML, for a notebook cell to show."""
    style = HtmlFormatter(style="friendly", noclasses=True, prestyles="font-family: monospace")
    return HTML(highlight(inspect.getsource(function), PythonLexer(), style))


def plot_predictions(X, y, class_names, scores, top=5):
    """Draw pictures with their labels, and under each the network's `top` guesses with their probabilities.

    X: uint8 (N, H, W, 3). y: int (N,). class_names: {id: name}. scores: float tensor (N, C), raw.
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


def plot_filters(weight):
    """Draw filters as small colour pictures, each stretched to the full range of brightness.

    weight: float tensor (out, 3, kh, kw), a first layer's kernel on RGB.
    """
    columns = 16
    figure, axes = _panels(-(-len(weight) // columns), columns, width=0.6, height=0.6)
    for axis, kernel in zip(axes.flat, weight.detach().cpu(), strict=False):
        axis.imshow(rescale(kernel).permute(1, 2, 0).numpy())
    _show(figure)


def plot_feature_maps(X, maps, channels=7):
    """Draw, one row a layer, the feature maps of one image: the channels that react most strongly, brightest = strongest.

    X: float tensor (1, 3, H, W). maps: {title: float tensor (1, C, h, w)}.
    """
    figure, axes = _panels(len(maps), channels + 1, width=1.35, height=1.35)
    for row, (title, layer) in zip(axes, maps.items(), strict=True):
        layer = layer[0].detach().cpu()
        row[0].imshow(deprocess(X))
        row[0].set_ylabel(f"{title}\n{layer.shape[0]} x {layer.shape[1]} x {layer.shape[2]}", fontsize=8)
        for axis, channel in zip(row[1:], layer.mean(dim=(1, 2)).topk(channels).indices, strict=True):
            axis.imshow(layer[channel].numpy(), cmap="gray")
    _show(figure)


def plot_saliency(X, saliency, titles):
    """Draw pictures, their saliency maps (brightest = most salient), and the pictures seen through them.

    X: uint8 (N, H, W, 3). saliency: float tensor or array (N, H, W), >= 0. titles: N strings.
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


def plot_attributions(X, maps, names):
    """Draw, one row a picture, the maps of all methods side by side, the strongest 1 % of each map being cut off.

    X: uint8 (N, H, W, 3). maps: {method: float tensor (N, H, W), >= 0}: of signed attributions (N, 3, H, W), the absolute
    value of the sum over the colours. names: N strings.
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


def plot_sanity_check(correlations, maps):
    """Draw how the maps of a network change as its weights are shuffled, from the last layer down to the first.

    correlations: {method: {stage: float, the mean rank correlation with the maps of the network as it was}}.
    maps: {method: {stage: float tensor (H, W), >= 0}}, the maps of one picture at some stages, as it was and shuffled.
    """
    stages = list(next(iter(maps.values())))
    figure = plt.figure(figsize=(9.6, 0.5 + 0.95 * len(stages)), dpi=80, layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(0.45, 0.55))
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


def plot_deletion_insertion(parts, deletion, insertion):
    """Draw the mean curves of deletion and of insertion; the legends give the area under each, the best method first.

    parts: S numbers in [0, 1], what part of the picture is grey in deletion, sharp (the rest being blurred) in insertion.
    deletion, insertion: {method: float tensor (N, S)}, the label's probability in N pictures.
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


def plot_fooling(X, X_fooling, titles, magnified=10):
    """Draw a picture, its fooling image, their difference, and the difference magnified; grey means no change.

    X, X_fooling: float tensor (1, 3, H, W), preprocessed. titles: two strings, what the network sees in each.
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


@contextlib.contextmanager
def recorded_scores(model):
    """Yield a list that fills with the scores, each float tensor (C,), of every image that `model` sees meanwhile.

    Scores that repeat those before them are left out: looking twice at one image is not a step.
    """
    scores = []

    def record(_module, _inputs, output):
        for row in output.detach().cpu().reshape(len(output), -1):
            if not (scores and torch.equal(scores[-1], row)):
                scores.append(row)

    last = list(model.children())[-1]  # its hook is called even by model.forward(X), which passes the model's own by
    handle = last.register_forward_hook(record)
    try:
        yield scores
    finally:
        handle.remove()


def plot_scores(scores, label, target, class_names):
    """Draw how the scores of two classes, and the best of all others, change along the steps.

    scores: list of float tensors (C,), as `recorded_scores` gives them. label, target: class ids.
    """
    figure, axis = plt.subplots(figsize=(6, 2.8), dpi=80)
    scores = torch.stack(scores)
    others = scores.clone()
    others[:, [label, target]] = -torch.inf
    axis.plot(others.amax(dim=1), color=OTHER, linestyle=":", label="best other class")
    axis.plot(scores[:, label], color=GIVEN, marker="o", label=f"{_name(class_names, label)} (label)")
    axis.plot(scores[:, target], color=TARGET, marker="s", label=f"{_name(class_names, target)} (target)")
    axis.set(xlabel="step", ylabel="score")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend(fontsize=8, frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    _show(figure)


def plot_iterations(frames_of, class_names):
    """Draw, one row a class, how its image grows over the iterations; contrast is stretched for the eye.

    frames_of: {class id: {iteration: PIL image}}, as `create_class_visualization` returns the frames.
    """
    figure, axes = _panels(len(frames_of), max(map(len, frames_of.values())), width=1.4, height=1.45)
    for row, (label, frames) in zip(axes, frames_of.items(), strict=True):
        row[0].set_ylabel(_name(class_names, label), fontsize=9)
        for axis, (iteration, image) in zip(row, frames.items(), strict=False):
            axis.imshow(stretched(image))
            axis.set_title(f"iteration {iteration}", fontsize=8)
    _show(figure)


def plot_images(images):
    """Draw PIL images side by side, their contrast stretched for the eye. images: {title: PIL image}."""
    width = min(2.2, 7.5 / len(images))
    figure, axes = _panels(1, len(images), width, height=width + 0.3)
    for axis, (title, image) in zip(axes[0], images.items(), strict=True):
        axis.imshow(stretched(image))
        axis.set_title(title, fontsize=9)
    _show(figure)


def plot_class_images(images, labels, class_names, ranks):
    """Draw class images, a row for each class and a column for each way of making them, with a judge's verdicts below.

    images: {title: float tensor (N, 3, H, W) in [0, 1]}. labels: the N class ids. ranks: {title: the place of each image's
    class among the judge's guesses, (N,), 0 being the first}, or {} without a judge.
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


def save_contact_sheet(images, titles, path, columns=10):
    """Write all images with their titles into one picture.

    images: float tensor (N, 3, H, W) in [0, 1]. titles: N strings. path: ends in .png; replaced only once the new file is whole.
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


def stretched(image):
    """Return a PIL image whose contrast is stretched, the darkest and brightest 0.5 % of the pixels being cut off."""
    return ImageOps.autocontrast(image, cutoff=0.5)


def save_animation(frames, path, side=SIZE, seconds=4):
    """Write PIL images as an endless GIF, their contrast stretched for the eye.

    frames: PIL images, at least one. path: ends in .gif; replaced only once the new file is whole.
    side: width and height in pixels. seconds: length of a round. Raises ValueError if there are no frames or path is other.
    """
    path = Path(path)
    if path.suffix != ".gif" or not path.parent.is_dir():
        raise ValueError(f"save_animation got {path}; expected a name that ends in .gif, in a folder that exists.")
    frames = [np.asarray(stretched(frame).resize((side, side))) for frame in frames]
    if not frames:
        raise ValueError("save_animation got no frames; expected at least one image.")
    with replacing(path) as whole:
        imageio.imwrite(whole, frames, duration=1000 * seconds / len(frames), loop=0)


def show_animation(path, width=SIZE):
    """Return a GIF for a notebook cell to show; it is stored inside the notebook. width: in pixels on the page."""
    content = base64.b64encode(Path(path).read_bytes()).decode()
    return HTML(f'<img src="data:image/gif;base64,{content}" width="{width}" alt="animation: {Path(path).stem}">')


def _panels(rows, columns, width, height):
    figure, axes = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), dpi=80, squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure, axes


def _show(figure):
    plt.show()
    plt.close(figure)


def _show_map(axis, one):
    """Draw a map (H, W), the means over 4 x 4 pixels: the strides of the first layers leave a grid that hides the rest."""
    means = F.avg_pool2d(one.detach().cpu()[None], 4, stride=2)[0]
    axis.imshow(_brightness(means, 0.99), cmap="inferno", interpolation="bilinear")


def _name(class_names, label):
    return class_names[int(label)].split(",")[0]


def _brightness(saliency, brightest=0.995):
    """Return a saliency map as an array in [0, 1] in which single strong pixels, those above a quantile, do not hide the rest."""
    return (saliency / saliency.quantile(brightest).clamp_min(torch.finfo(saliency.dtype).tiny)).clamp(0, 1).numpy()
