"""What may go into an exercise: checked before any work starts; the message of a ValueError says what came and what was expected.

This is apart from what a student writes, so that each solution stays as short as its formula.
"""

import contextlib
import contextvars
import numbers
import operator
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from .networks import SIZE, device_of, like_model

_values_known = contextvars.ContextVar("values_known", default=False)


@contextlib.contextmanager
def values_known() -> Iterator[None]:
    """Spare `require_transformation` its look at the numbers in this block.

    It is for a loop that drew them itself: on a GPU each look waits.
    """
    token = _values_known.set(True)
    try:
        yield
    finally:
        _values_known.reset(token)


def number_of_classes(model: torch.nn.Module, X: torch.Tensor) -> int:
    """Return the number of scores that a network gives.

    Parameters
    ----------
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).
    X : float tensor of shape (N, 3, H, W)
        Images on which it is run if it has no attribute `num_classes`.

    Returns
    -------
    int
        C.
    """
    known = getattr(model, "num_classes", None)
    if known is not None:
        return known
    with torch.no_grad():
        return model(X).shape[1]


def checked_batch(X: torch.Tensor, y: torch.Tensor, model: torch.nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Return copies of images and labels on the model's device.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Images.
    y : integer tensor of shape (N,)
        Their labels, each in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).

    Returns
    -------
    X : float tensor of shape (N, 3, H, W)
        In the model's dtype, with requires_grad.
    y : long tensor of shape (N,)
        The labels.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    X = _checked_images(X, model)
    if not isinstance(y, torch.Tensor) or y.dtype.is_floating_point or y.dtype.is_complex or y.dtype == torch.bool:
        raise ValueError(f"y is {_kind(y)}; expected a tensor of class ids, dtype torch.long: torch.tensor([281, 3]).")
    if y.shape != X.shape[:1]:
        raise ValueError(f"y has shape {tuple(y.shape)}; expected ({len(X)},): one label for each of the {len(X)} images of X.")
    C = number_of_classes(model, X)
    outside = y[(y < 0) | (y >= C)]
    if len(outside):
        raise ValueError(f"y holds the label {outside[0].item()}; the model has {C} classes: expected 0 to {C - 1}.")
    return X.requires_grad_(), y.to(X.device, torch.long)


def checked_noise(noise: torch.Tensor, X: torch.Tensor) -> torch.Tensor:
    """Return a copy of the noise on X's device and in its dtype.

    Parameters
    ----------
    noise : float tensor of shape (S, *X.shape)
        What is added to X, S >= 1 times.
    X : float tensor
        Images, as `checked_batch` returns them.

    Returns
    -------
    float tensor of shape (S, *X.shape)
        The copy.

    Raises
    ------
    ValueError
        If `noise` is anything else.
    """
    if not isinstance(noise, torch.Tensor) or not noise.dtype.is_floating_point:
        raise ValueError(f"noise is {_kind(noise)}; expected a float tensor (S, {', '.join(map(str, X.shape))}).")
    if noise.shape[1:] != X.shape or not len(noise):
        raise ValueError(
            f"noise has shape {tuple(noise.shape)}; expected (S, {', '.join(map(str, X.shape))}), S >= 1: a copy of X's shape "
            "for each time that noise is added."
        )
    _require_finite(noise, "noise")
    return noise.detach().to(X.device, X.dtype, copy=True)


def checked_baseline(baseline: torch.Tensor, X: torch.Tensor, num_steps: int) -> torch.Tensor:
    """Return a copy of the baseline on X's device and in its dtype.

    Parameters
    ----------
    baseline : float tensor of X's shape
        Where the path to X starts.
    X : float tensor
        Images, as `checked_batch` returns them.
    num_steps : int
        How many parts the path is cut into, >= 1.

    Returns
    -------
    float tensor of X's shape
        The copy.

    Raises
    ------
    ValueError
        If `baseline` is anything else, or num_steps is not a whole number of at least 1.
    """
    if not isinstance(baseline, torch.Tensor) or not baseline.dtype.is_floating_point:
        raise ValueError(f"baseline is {_kind(baseline)}; expected a float tensor like X: torch.zeros_like(X), for example.")
    if baseline.shape != X.shape:
        raise ValueError(f"baseline has shape {tuple(baseline.shape)}; expected X's shape, {tuple(X.shape)}.")
    require_whole_numbers(1, num_steps=num_steps)
    _require_finite(baseline, "baseline")
    return baseline.detach().to(X.device, X.dtype, copy=True)


def require_feature_map(model: torch.nn.Module) -> None:
    """Raise ValueError unless a network has the two parts of which SqueezeNet consists.

    Parameters
    ----------
    model : torch.nn.Module
        A network that should have `features` and `classifier`.

    Raises
    ------
    ValueError
        If it lacks one of them; the message names it.
    """
    lacking = [part for part in ("features", "classifier") if not isinstance(getattr(model, part, None), torch.nn.Module)]
    if lacking:
        raise ValueError(
            f"The model has no part named {' and none named '.join(lacking)}; expected one like SqueezeNet, whose scores are "
            "model.classifier(model.features(X))."
        )


def checked_labels(labels: torch.Tensor | Sequence[int], model: torch.nn.Module, name: str = "labels") -> torch.Tensor:
    """Return class ids as a tensor on the model's device.

    Parameters
    ----------
    labels : integer tensor of shape (N,) or sequence of int
        Class ids in [0, C), at least one.
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).
    name : str
        What a message calls the labels.

    Returns
    -------
    long tensor of shape (N,)
        The labels.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    try:
        labels = torch.as_tensor(labels)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {labels!r}; expected class ids, one for each image: [130, 366].") from None
    if labels.ndim != 1 or not len(labels) or labels.dtype.is_floating_point or labels.dtype in (torch.bool, torch.complex64):
        raise ValueError(f"{name} is {_kind(labels)}; expected class ids, one for each image: [130, 366].")
    C = number_of_classes(model, like_model(torch.zeros(1, 3, SIZE, SIZE), model))
    outside = labels[(labels < 0) | (labels >= C)]
    if len(outside):
        raise ValueError(f"{name} holds {outside[0].item()}; the model has {C} classes: expected 0 to {C - 1}.")
    return labels.to(device_of(model), torch.long)


def require_whole_numbers(least: int, **given: Any) -> None:
    """Raise ValueError unless numbers are whole and large enough.

    Parameters
    ----------
    least : int
        The least that each may be.
    **given : Any
        The numbers, by the names that a message calls them.

    Raises
    ------
    ValueError
        For the first one that is not.
    """
    for name, value in given.items():
        if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} is {value!r}; expected a whole number of at least {least}.")


def require_function(value: object, name: str, example: str) -> None:
    """Raise ValueError unless `value` can be called.

    Parameters
    ----------
    value : object
        What was given.
    name : str
        What the message calls it.
    example : str
        A function that would do.

    Raises
    ------
    ValueError
        If it cannot be called.
    """
    if not callable(value):
        raise ValueError(f"{name} is a {type(value).__name__}; expected a function such as {example}.")


def require_transformation(images: torch.Tensor, angles: torch.Tensor, scales: torch.Tensor, shifts: torch.Tensor) -> None:
    """Raise ValueError unless `transform_images` can work with its arguments.

    Parameters
    ----------
    images : float tensor of shape (N, C, S, S)
        Square images, N >= 1.
    angles : float tensor of shape (N,)
        In radians.
    scales : float tensor of shape (N,)
        Each > 0.
    shifts : float tensor of shape (N, 2)
        As fractions of the side S.

    Raises
    ------
    ValueError
        For anything else, NaN and infinite values.
    """
    given = {"images": images, "angles": angles, "scales": scales, "shifts": shifts}
    for name, tensor in given.items():
        if not isinstance(tensor, torch.Tensor) or not tensor.dtype.is_floating_point:
            raise ValueError(f"{name} is {_kind(tensor)}; expected a float tensor.")
    if images.ndim != 4 or images.shape[2] != images.shape[3] or 0 in images.shape:
        raise ValueError(f"images has shape {tuple(images.shape)}; expected (N, C, S, S): square images, at least one.")
    N = len(images)
    for name, shape in {"angles": (N,), "scales": (N,), "shifts": (N, 2)}.items():
        if given[name].shape != shape:
            raise ValueError(f"{name} has shape {tuple(given[name].shape)}; expected {shape}, for {N} images.")
    if _values_known.get():
        return
    for name in ("angles", "scales", "shifts"):
        _require_finite(given[name], name)
    if not (scales > 0).all():
        raise ValueError(f"scales holds {scales.min().item():g}; expected numbers greater than 0: 2 makes things twice as large.")


def checked_image(X: torch.Tensor, target_y: int, model: torch.nn.Module) -> tuple[torch.Tensor, int]:
    """Return a copy of an image on the model's device, and its target class.

    Parameters
    ----------
    X : float tensor of shape (1, 3, H, W)
        One image.
    target_y : int
        A class id in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).

    Returns
    -------
    X : float tensor of shape (1, 3, H, W)
        In the model's dtype, with requires_grad.
    target_y : int
        The class id.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    X = _checked_images(X, model)
    if len(X) != 1:
        raise ValueError(f"X holds {len(X)} images; expected one, of shape (1, 3, H, W): X[:1], for example.")
    return X.requires_grad_(), checked_class(target_y, model, X)


def checked_class(target_y: Any, model: torch.nn.Module, X: torch.Tensor) -> int:
    """Return a class id as an int.

    Parameters
    ----------
    target_y : int, or what can be used as an index
        A class id in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).
    X : float tensor of shape (N, 3, H, W)
        Images by which `number_of_classes` may find C.

    Returns
    -------
    int
        The class id.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    try:
        target = operator.index(target_y)
    except (TypeError, RuntimeError):
        raise ValueError(f"target_y is {target_y!r}; expected a class id, an int such as 281.") from None
    C = number_of_classes(model, X)
    if not 0 <= target < C:
        raise ValueError(f"target_y is {target}; the model has {C} classes: expected 0 to {C - 1}.")
    return target


def check_step(img: torch.Tensor, model: torch.nn.Module, target_y: int, l2_reg: float, learning_rate: float) -> None:
    """Raise ValueError unless a class visualization step can work with its arguments.

    Parameters
    ----------
    img : float tensor of shape (1, 3, H, W)
        A leaf with requires_grad, on the model's device and in its dtype: it is changed in place, so it cannot be moved.
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).
    target_y : int
        A class id in [0, C).
    l2_reg : float
        Finite, >= 0.
    learning_rate : float
        Finite, > 0.

    Raises
    ------
    ValueError
        For anything else.
    """
    if isinstance(img, torch.Tensor) and img.device != device_of(model):
        raise ValueError(f"img is on {img.device}, the model on {device_of(model)}; expected both on the same device.")
    like_the_model = _checked_images(img, model)
    if len(img) != 1:
        raise ValueError(f"img holds {len(img)} images; expected one, of shape (1, 3, H, W).")
    if img.dtype != like_the_model.dtype:
        raise ValueError(f"img has dtype {img.dtype}, the model {like_the_model.dtype}; expected the model's.")
    if not (img.is_leaf and img.requires_grad):
        raise ValueError("img does not require grad; expected a leaf tensor: call img.requires_grad_() on it once it is made.")
    checked_class(target_y, model, img)
    if not (isinstance(l2_reg, numbers.Real) and 0 <= l2_reg < float("inf")):
        raise ValueError(f"l2_reg is {l2_reg!r}; expected a number of at least 0.")
    if not (isinstance(learning_rate, numbers.Real) and 0 < learning_rate < float("inf")):
        raise ValueError(f"learning_rate is {learning_rate!r}; expected a number greater than 0.")


def is_dead(X: torch.Tensor, target_y: int, model: torch.nn.Module) -> bool:
    """Return whether the score of a class is 0 at an image and all around it, so that no step leads anywhere.

    Parameters
    ----------
    X : float tensor of shape (1, 3, H, W)
        The image.
    target_y : int
        The class id, in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).

    Returns
    -------
    bool
        Whether it is 0 at X and at 8 images around it.
    """
    X = X.detach()
    nudges = 1e-3 * torch.randn(8, *X.shape[1:], generator=torch.Generator().manual_seed(0)).to(X)
    with torch.no_grad():
        return not model(torch.cat([X, X + nudges]))[:, target_y].any()


def dead_relu(target_y: int) -> str:
    """Return the sentence that explains why gradient ascent on a class stands still.

    Parameters
    ----------
    target_y : int
        The class id.

    Returns
    -------
    str
        In lower case, to follow a colon.
    """
    return (
        f"the score of class {target_y} is 0 everywhere around this image, and so is its gradient (a dead ReLU). The "
        "network ends in a ReLU, which passes no gradient where its input is negative. Start from another image or seed."
    )


def warn_not_fooled(X_fooling: torch.Tensor, target_y: int, model: torch.nn.Module) -> None:
    """Warn if gradient ascent ended before the network took an image for the target class.

    Parameters
    ----------
    X_fooling : float tensor of shape (1, 3, H, W)
        The image as it is at the end.
    target_y : int
        The target class, in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).
    """
    with torch.no_grad():
        prediction = model(X_fooling)[0].argmax().item()
    if prediction != target_y:
        why = dead_relu(target_y) if is_dead(X_fooling, target_y, model) else "more steps may help, or another target."
        warnings.warn(f"Not fooled: the network still says class {prediction}, not {target_y}; {why}", stacklevel=3)


def _checked_images(X: Any, model: torch.nn.Module) -> torch.Tensor:
    if not torch.is_grad_enabled():
        raise ValueError("Gradients are switched off, by torch.no_grad() or torch.inference_mode() around this call.")
    if not isinstance(X, torch.Tensor) or not X.dtype.is_floating_point:
        raise ValueError(f"The images are {_kind(X)}; expected a float tensor (N, 3, H, W), such as preprocess(picture) returns.")
    if X.ndim != 4 or X.shape[1] != 3:
        raise ValueError(f"The images have shape {tuple(X.shape)}; expected (N, 3, H, W): images, colours, height, width.")
    if 0 in X.shape:
        raise ValueError(f"The images have shape {tuple(X.shape)}: there is nothing in them; expected at least one image.")
    _require_finite(X, "The images")
    return like_model(X, model)


def _require_finite(tensor: torch.Tensor, name: str) -> None:
    if torch.stack(tensor.aminmax()).isfinite().all():  # one pass; NaN is both the least and the largest
        return
    broken = (~tensor.isfinite()).sum().item()
    if broken:
        raise ValueError(f"{name}: {broken} values are NaN or infinite; expected finite numbers only.")


def _kind(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)} and dtype {value.dtype}"
    return f"a {type(value).__name__}"
