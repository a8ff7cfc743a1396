"""Attribution: which pixels does the score of a class come from?"""

import torch
import torch.nn.functional as F
from torch import nn

from .validation import checked_baseline, checked_batch, checked_noise, require_feature_map


def compute_smoothgrad_maps(
    X: torch.Tensor,
    y: torch.Tensor,
    model: torch.nn.Module,
    noise: torch.Tensor,
) -> torch.Tensor:
    """Average the squared gradient over noisy copies of each image: SmoothGrad, squared.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images.
    y : long tensor of shape (N,)
        The labels of X, each in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C). Its weights and mode must stay unchanged.
    noise : float tensor of shape (S, N, 3, H, W)
        noise[k] is added to X for the k-th noisy copy.

    Returns
    -------
    maps : float tensor of shape (N, H, W)
        The square of the gradient of the score of the image's label, averaged over the S copies, then
        the largest of the three colours, >= 0.

    Raises
    ------
    ValueError
        If a shape or dtype is wrong, a label is outside [0, C), the batch is empty, or a value is
        NaN.

    References
    ----------
    Smilkov et al., 2017, https://arxiv.org/abs/1706.03825
    Squared as in Hooker et al., 2019, https://arxiv.org/abs/1806.10758
    """
    X, y = checked_batch(X, y, model)  # copies, on the model's device; X requires grad
    noise = checked_noise(noise, X)
    # BEGIN SOLUTION
    squares = torch.zeros_like(X)
    for disturbance in noise:
        noisy = X + disturbance
        own_scores = model(noisy).gather(1, y[:, None])
        (gradient,) = torch.autograd.grad(own_scores.sum(), noisy)
        squares += gradient.square()
    maps = (squares / len(noise)).amax(dim=1)
    # END SOLUTION
    return maps


def compute_integrated_gradients(
    X: torch.Tensor, y: torch.Tensor, model: torch.nn.Module, baseline: torch.Tensor, num_steps: int = 32
) -> torch.Tensor:
    """Attribute the difference between two scores to the pixels: integrated gradients.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images.
    y : long tensor of shape (N,)
        The labels of X, each in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C). Its weights and mode must stay unchanged.
    baseline : float tensor of shape (N, 3, H, W)
        Where the straight path to X starts.
    num_steps : int
        How many equal parts the path is cut into, >= 1. The gradient is taken at the middle of each.

    Returns
    -------
    attributions : float tensor of shape (N, 3, H, W)
        (X - baseline) times the mean gradient, elementwise; values can have either sign. For each
        image they sum to about its score minus the score of its baseline (completeness).

    Raises
    ------
    ValueError
        If a shape or dtype is wrong, a label is outside [0, C), the batch is empty, or a value is
        NaN.

    References
    ----------
    Sundararajan et al., 2017, https://arxiv.org/abs/1703.01365
    """
    X, y = checked_batch(X, y, model)  # copies, on the model's device; X requires grad
    baseline = checked_baseline(baseline, X, num_steps)
    # BEGIN SOLUTION
    total = torch.zeros_like(X)
    for step in range(num_steps):
        point = baseline + (step + 0.5) / num_steps * (X - baseline)
        own_scores = model(point).gather(1, y[:, None])
        (gradient,) = torch.autograd.grad(own_scores.sum(), point)
        total += gradient
    attributions = (X - baseline) * total / num_steps
    # END SOLUTION
    return attributions.detach()


def compute_grad_cam_maps(X: torch.Tensor, y: torch.Tensor, model: torch.nn.Module) -> torch.Tensor:
    """Weight the channels of the last feature map by how much the score rises with each: Grad-CAM.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images.
    y : long tensor of shape (N,)
        The labels of X, each in [0, C).
    model : torch.nn.Module
        A network whose raw scores, of shape (N, C), are
        `model.classifier(model.features(X)).flatten(1)`; `model.features(X)` are the last feature maps,
        of shape (N, K, h, w). Its weights and mode must stay unchanged.

    Returns
    -------
    maps : float tensor of shape (N, H, W)
        The weighted sum of the K channels, then ReLU (so >= 0), then resized to H x W, with
        mode="bilinear", align_corners=False. A channel's weight is the mean of the gradient over its
        h x w positions.

    Raises
    ------
    ValueError
        If a shape or dtype is wrong, a label is outside [0, C), the batch is empty, a value is NaN, or
        the model lacks `features` or `classifier`.

    References
    ----------
    Selvaraju et al., 2017, https://arxiv.org/abs/1610.02391
    """
    X, y = checked_batch(X, y, model)  # copies, on the model's device; X requires grad
    require_feature_map(model)
    # BEGIN SOLUTION
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    maps = F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    # END SOLUTION
    return maps.detach()


def compute_guided_backpropagation_maps(X: torch.Tensor, y: torch.Tensor, model: torch.nn.Module) -> torch.Tensor:
    """Send the gradient back through the network, without its negative part at each ReLU: guided backpropagation.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images.
    y : long tensor of shape (N,)
        The labels of X, each in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C), and whose ReLUs are modules. Neither its weights nor its mode change.

    Returns
    -------
    maps : float tensor of shape (N, H, W)
        The absolute value of what arrives at the image, then the largest of the three colours, >= 0.

    Raises
    ------
    ValueError
        For other shapes or dtypes, labels outside [0, C), an empty batch, NaN, a model without ReLUs.

    References
    ----------
    Springenberg et al., 2015, https://arxiv.org/abs/1412.6806
    """
    X, y = checked_batch(X, y, model)
    relus = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    if not relus:
        raise ValueError("The model has no torch.nn.ReLU among its modules; guided backpropagation changes what these send back.")
    hooks = [relu.register_forward_hook(_send_back_only_positive) for relu in relus]
    try:
        scores = model(X)
    finally:
        for hook in hooks:
            hook.remove()
    of_labels = scores[range(len(X)), y]
    arrived = torch.autograd.grad(of_labels.sum(), X)[0]
    return arrived.abs().amax(dim=1)


def _send_back_only_positive(_relu: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
    # A hook on the output: one on the module itself cannot be used with a ReLU that works in place.
    output.register_hook(torch.relu)
