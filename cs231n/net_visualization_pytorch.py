"""The three exercises, solved. Between BEGIN SOLUTION and END SOLUTION stands what a student writes."""

import torch

from .validation import check_step, checked_batch, checked_image, warn_not_fooled


def compute_saliency_maps(X, y, model):
    """Compute a class saliency map for each image.

    Simonyan et al., 2014, section 3.1, https://arxiv.org/abs/1312.6034

    X: float tensor (N, 3, H, W), preprocessed images.
    y: long tensor (N,), the labels of X, each in [0, C).
    model: network that gives raw scores (N, C); neither its weights nor its mode change.

    Returns saliency: float tensor (N, H, W), >= 0: how strongly the score of an image's own label
    reacts to each pixel, the largest absolute value among the three colours.
    Raises ValueError for other shapes or dtypes, labels outside [0, C), an empty batch, NaN.
    """
    X, y = checked_batch(X, y, model)  # copies, on the model's device; X asks for a gradient
    # BEGIN SOLUTION
    own_scores = model(X).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), X)
    saliency = gradient.abs().amax(dim=1)
    # END SOLUTION
    return saliency


def make_fooling_image(X, target_y, model):
    """Change an image until the network takes it for another class.

    After Szegedy et al., 2014, https://arxiv.org/abs/1312.6199

    X: float tensor (1, 3, H, W), a preprocessed image; it is not changed.
    target_y: int in [0, C), the class that the network shall see.
    model: network that gives raw scores (N, C); neither its weights nor its mode change.

    Returns X_fooling: float tensor (1, 3, H, W) that the model classifies as target_y; X's own
    values if it already does. After 100 steps without success the image comes back as it is then,
    with a warning. Raises ValueError for another shape or dtype, target_y outside [0, C), NaN.
    """
    X_fooling, target_y = checked_image(X, target_y, model)  # a copy that asks for a gradient
    learning_rate = 1
    # BEGIN SOLUTION
    for _ in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        (gradient,) = torch.autograd.grad(scores[0, target_y], X_fooling)
        with torch.no_grad():
            X_fooling += learning_rate * gradient / (gradient.norm() + 1e-12)  # never 0 / 0
    else:
        warn_not_fooled(X_fooling, target_y, model)
    # END SOLUTION
    return X_fooling.detach()


def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    """Take one step of gradient ascent on `score of target_y - l2_reg * ||img||_2^2`.

    Simonyan et al., 2014, section 2, https://arxiv.org/abs/1312.6034

    img: float tensor (1, 3, H, W) with requires_grad, on the model's device; it is changed in place.
    model: network that gives raw scores (N, C); neither its weights nor its mode change.
    target_y: int in [0, C), the class to show. l2_reg: weight of the regulariser, >= 0.
    learning_rate: length of the step in the L2 norm, > 0.

    Returns nothing. Raises ValueError for another shape or dtype, target_y outside [0, C), NaN.
    """
    check_step(img, model, target_y, l2_reg, learning_rate)
    # BEGIN SOLUTION
    objective = model(img)[0, target_y] - l2_reg * img.square().sum()
    (ascent,) = torch.autograd.grad(objective, img)
    with torch.no_grad():
        img += learning_rate * ascent / (ascent.norm() + 1e-12)  # never 0 / 0
    # END SOLUTION
