"""What may go into an exercise: checked before any work starts, and refused in words.

This stands outside the part that a student writes, so that each solution stays as short as its formula.
"""

import contextlib
import contextvars
import numbers
import operator
import warnings

import torch

_values_known = contextvars.ContextVar("values_known", default=False)


@contextlib.contextmanager
def values_known():
    """Spare require_transformation its look at the numbers, for a loop that drew them itself: on a GPU each look waits."""
    token = _values_known.set(True)
    try:
        yield
    finally:
        _values_known.reset(token)


def device_of(model):
    """Return the torch.device of the parameters of `model` (cpu if it has none). Raises ValueError if it is no Module."""
    if not isinstance(model, torch.nn.Module):
        raise ValueError(f"The model is a {type(model).__name__}; expected a torch.nn.Module, as load_squeezenet() returns it.")
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def like_model(X, model):
    """Return a copy of the tensor X on the device and in the dtype of the parameters of `model`."""
    device = device_of(model)
    dtype = next((parameter.dtype for parameter in model.parameters()), X.dtype)
    return X.detach().to(device, dtype, copy=True)


def number_of_classes(model, X):
    """Return C, the number of scores that `model` gives: its attribute `num_classes`, else found by running it on X."""
    if hasattr(model, "num_classes"):
        return model.num_classes
    with torch.no_grad():
        return model(X).shape[1]


def checked_batch(X, y, model):
    """Return copies of X and y on the model's device, X in its dtype and with `requires_grad`.

    X: float tensor (N, 3, H, W). y: integer tensor (N,), each in [0, C). Raises ValueError if they are anything else.
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


def checked_noise(noise, X):
    """Return a copy of `noise`, a float tensor (S, *X.shape) with S >= 1, on X's device; else raise ValueError."""
    if not isinstance(noise, torch.Tensor) or not noise.dtype.is_floating_point:
        raise ValueError(f"noise is {_kind(noise)}; expected a float tensor (S, {', '.join(map(str, X.shape))}).")
    if noise.shape[1:] != X.shape or not len(noise):
        raise ValueError(
            f"noise has shape {tuple(noise.shape)}; expected (S, {', '.join(map(str, X.shape))}), S >= 1: a copy of X's shape "
            "for each time that noise is added."
        )
    _require_finite(noise, "noise")
    return noise.detach().to(X.device, X.dtype, copy=True)


def checked_baseline(baseline, X, num_steps):
    """Return a copy of `baseline`, a float tensor of X's shape, on X's device.

    Raises ValueError if it is anything else, or if num_steps is no whole number of at least 1.
    """
    if not isinstance(baseline, torch.Tensor) or not baseline.dtype.is_floating_point:
        raise ValueError(f"baseline is {_kind(baseline)}; expected a float tensor like X: torch.zeros_like(X), for example.")
    if baseline.shape != X.shape:
        raise ValueError(f"baseline has shape {tuple(baseline.shape)}; expected X's shape, {tuple(X.shape)}.")
    require_whole_numbers(1, num_steps=num_steps)
    _require_finite(baseline, "baseline")
    return baseline.detach().to(X.device, X.dtype, copy=True)


def require_feature_map(model):
    """Raise ValueError unless `model` has the two parts of which SqueezeNet consists: features and classifier."""
    lacking = [part for part in ("features", "classifier") if not isinstance(getattr(model, part, None), torch.nn.Module)]
    if lacking:
        raise ValueError(
            f"The model has no part named {' and none named '.join(lacking)}; expected one like SqueezeNet, whose scores are "
            "model.classifier(model.features(X))."
        )


def checked_labels(labels, model, name="labels"):
    """Return class ids, a list or integer tensor (N,), as a long tensor on the model's device; ValueError if they are none."""
    try:
        labels = torch.as_tensor(labels)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {labels!r}; expected class ids, one for each image: [130, 366].") from None
    if labels.ndim != 1 or not len(labels) or labels.dtype.is_floating_point or labels.dtype in (torch.bool, torch.complex64):
        raise ValueError(f"{name} is {_kind(labels)}; expected class ids, one for each image: [130, 366].")
    C = number_of_classes(model, like_model(torch.zeros(1, 3, 224, 224), model))
    outside = labels[(labels < 0) | (labels >= C)]
    if len(outside):
        raise ValueError(f"{name} holds {outside[0].item()}; the model has {C} classes: expected 0 to {C - 1}.")
    return labels.to(device_of(model), torch.long)


def require_whole_numbers(least, **given):
    """Raise ValueError unless each of the numbers `given` by name is whole and at least `least`."""
    for name, value in given.items():
        if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} is {value!r}; expected a whole number of at least {least}.")


def require_function(value, name, example):
    """Raise ValueError unless `value` can be called; name: what the message calls it, example: a function that would do."""
    if not callable(value):
        raise ValueError(f"{name} is a {type(value).__name__}; expected a function such as {example}.")


def require_transformation(images, angles, scales, shifts):
    """Raise ValueError unless these can go into transform_images.

    images: float tensor (N, C, S, S), square. angles, scales: float tensors (N,), scales > 0. shifts: float tensor (N, 2).
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


def checked_image(X, target_y, model):
    """Return a copy of X on the model's device, in its dtype and with `requires_grad`, and target_y as an int.

    X: float tensor (1, 3, H, W). target_y: int in [0, C). Raises ValueError if they are anything else.
    """
    X = _checked_images(X, model)
    if len(X) != 1:
        raise ValueError(f"X holds {len(X)} images; expected one, of shape (1, 3, H, W): X[:1], for example.")
    return X.requires_grad_(), checked_class(target_y, model, X)


def checked_class(target_y, model, X):
    """Return target_y as an int if it is a class id of `model`, in [0, C); else raise ValueError."""
    try:
        target = operator.index(target_y)
    except (TypeError, RuntimeError):
        raise ValueError(f"target_y is {target_y!r}; expected a class id, an int such as 281.") from None
    C = number_of_classes(model, X)
    if not 0 <= target < C:
        raise ValueError(f"target_y is {target}; the model has {C} classes: expected 0 to {C - 1}.")
    return target


def check_step(img, model, target_y, l2_reg, learning_rate):
    """Raise ValueError unless these can go into a class visualization step.

    img: float tensor (1, 3, H, W), a leaf with `requires_grad`, on the model's device (it is changed in place, so it
    cannot be moved). target_y: int in [0, C). l2_reg, learning_rate: finite numbers, l2_reg >= 0, learning_rate > 0.
    """
    if isinstance(img, torch.Tensor) and img.device != device_of(model):
        raise ValueError(f"img is on {img.device}, the model on {device_of(model)}; expected both on the same device.")
    like_the_model = _checked_images(img, model)
    if len(img) != 1:
        raise ValueError(f"img holds {len(img)} images; expected one, of shape (1, 3, H, W).")
    if img.dtype != like_the_model.dtype:
        raise ValueError(f"img has dtype {img.dtype}, the model {like_the_model.dtype}; expected the model's.")
    if not (img.is_leaf and img.requires_grad):
        raise ValueError("img does not ask for a gradient; expected a leaf tensor: img.requires_grad_() after it is made.")
    checked_class(target_y, model, img)
    if not (isinstance(l2_reg, numbers.Real) and 0 <= l2_reg < float("inf")):
        raise ValueError(f"l2_reg is {l2_reg!r}; expected a number of at least 0.")
    if not (isinstance(learning_rate, numbers.Real) and 0 < learning_rate < float("inf")):
        raise ValueError(f"learning_rate is {learning_rate!r}; expected a number greater than 0.")


def is_dead(X, target_y, model):
    """Return whether the score of class target_y is 0 at X (1, 3, H, W) and all around it, so that no step leads on."""
    X = X.detach()
    nudges = 1e-3 * torch.randn(8, *X.shape[1:], generator=torch.Generator().manual_seed(0)).to(X)
    with torch.no_grad():
        return not model(torch.cat([X, X + nudges]))[:, target_y].any()


def dead_relu(target_y):
    """Return the sentence that explains why gradient ascent on class target_y stands still."""
    return (
        f"the score of class {target_y} is 0 everywhere around this image, and so is its gradient: dead ReLU. The network "
        "ends in a ReLU, which passes no gradient where its input is negative. Start from another image or seed."
    )


def warn_not_fooled(X_fooling, target_y, model):
    """Warn that gradient ascent ended before `model` took X_fooling (1, 3, H, W) for class target_y, if that is so."""
    with torch.no_grad():
        prediction = model(X_fooling)[0].argmax().item()
    if prediction != target_y:
        why = dead_relu(target_y) if is_dead(X_fooling, target_y, model) else "more steps may help, or another target."
        warnings.warn(f"Not fooled: the network still says class {prediction}, not {target_y}; {why}", stacklevel=3)


def _checked_images(X, model):
    if not torch.is_grad_enabled():
        raise ValueError("Gradients are switched off, by torch.no_grad() or torch.inference_mode() around this call.")
    if not isinstance(X, torch.Tensor) or not X.dtype.is_floating_point:
        raise ValueError(f"The images are {_kind(X)}; expected a float tensor (N, 3, H, W), as preprocess(picture) makes it.")
    if X.ndim != 4 or X.shape[1] != 3:
        raise ValueError(f"The images have shape {tuple(X.shape)}; expected (N, 3, H, W): images, colours, height, width.")
    if 0 in X.shape:
        raise ValueError(f"The images have shape {tuple(X.shape)}: there is nothing in them; expected at least one image.")
    _require_finite(X, "The images")
    return like_model(X, model)


def _require_finite(tensor, name):
    if torch.stack(tensor.aminmax()).isfinite().all():  # one pass; NaN is both the least and the largest
        return
    broken = (~tensor.isfinite()).sum().item()
    if broken:
        verb = "hold" if name == "The images" else "holds"
        raise ValueError(f"{name} {verb} {broken} values that are NaN or infinite; expected finite numbers only.")


def _kind(value):
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)} and dtype {value.dtype}"
    return f"a {type(value).__name__}"
