"""Attribution: which pixels does the score of a class come from?"""

import torch
import torch.nn.functional as F
from torch import nn

from .validation import checked_baseline, checked_batch, checked_noise, require_feature_map


def compute_smoothgrad_maps(X, y, model, noise):
    """Average the squared gradient over noisy copies of each image: SmoothGrad, squared.

    Smilkov et al., 2017, https://arxiv.org/abs/1706.03825; squared as in Hooker et al., 2019, https://arxiv.org/abs/1806.10758

    X: float tensor (N, 3, H, W), preprocessed images.
    y: long tensor (N,), the labels of X, each in [0, C).
    model: network that gives raw scores (N, C); neither its weights nor its mode change.
    noise: float tensor (S, N, 3, H, W); noise[s] is added to X for the s-th noisy copy.

    Returns maps: float tensor (N, H, W), >= 0: the square of the gradient of an image's own score,
    mean over the S copies, then the largest of the three colours.
    Raises ValueError for other shapes or dtypes, labels outside [0, C), an empty batch, NaN.
    """
    X, y = checked_batch(X, y, model)  # copies, on the model's device; X asks for a gradient
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


def compute_integrated_gradients(X, y, model, baseline, num_steps=32):
    """Attribute the difference between two scores to the pixels: integrated gradients.

    Sundararajan et al., 2017, https://arxiv.org/abs/1703.01365

    X: float tensor (N, 3, H, W), preprocessed images.
    y: long tensor (N,), the labels of X, each in [0, C).
    model: network that gives raw scores (N, C); neither its weights nor its mode change.
    baseline: float tensor (N, 3, H, W), where the straight path to X starts.
    num_steps: how many equal parts the path is cut into, at least 1; the gradient is taken at the middle of each.

    Returns attributions: float tensor (N, 3, H, W), of both signs: X - baseline times the mean of the gradients.
    Those of an image sum to about its own score less that of its baseline (completeness).
    Raises ValueError for other shapes or dtypes, labels outside [0, C), an empty batch, NaN.
    """
    X, y = checked_batch(X, y, model)  # copies, on the model's device; X asks for a gradient
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


def compute_grad_cam_maps(X, y, model):
    """Weigh the channels of the last feature map by how much the score rises with each: Grad-CAM.

    Selvaraju et al., 2017, https://arxiv.org/abs/1610.02391

    X: float tensor (N, 3, H, W), preprocessed images.
    y: long tensor (N,), the labels of X, each in [0, C).
    model: network whose raw scores are `model.classifier(model.features(X)).flatten(1)`, of shape (N, C);
        `model.features(X)` is the last feature map (N, K, h, w). Neither its weights nor its mode change.

    Returns maps: float tensor (N, H, W), >= 0: the ReLU of the weighted sum of the K channels, a channel's weight
    being the mean of the gradient over its h x w places; resized to the image, bilinear, corners not aligned.
    Raises ValueError for other shapes or dtypes, labels outside [0, C), an empty batch, NaN, a model without both parts.
    """
    X, y = checked_batch(X, y, model)  # copies, on the model's device; X asks for a gradient
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


def compute_guided_backpropagation_maps(X, y, model):
    """Send the gradient back through the network, without its negative part at each ReLU: guided backpropagation.

    Springenberg et al., 2015, https://arxiv.org/abs/1412.6806

    X, y, model: as in `compute_smoothgrad_maps`; the ReLUs of `model` are modules.

    Returns maps: float tensor (N, H, W), >= 0: the absolute value of what arrives at the image, then the largest of the
    three colours.
    Raises ValueError for other shapes or dtypes, labels outside [0, C), an empty batch, NaN, a model without ReLUs.
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


def _send_back_only_positive(_relu, _inputs, output):
    # A hook on the output: one on the module itself cannot be used with a ReLU that works in place.
    output.register_hook(torch.relu)
