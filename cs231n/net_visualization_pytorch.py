"""The three exercises, solved. What a student writes is between BEGIN SOLUTION and END SOLUTION."""

import torch

from .validation import check_step, checked_batch, checked_image, warn_not_fooled


def compute_saliency_maps(X: torch.Tensor, y: torch.Tensor, model: torch.nn.Module) -> torch.Tensor:
    """Compute a class saliency map for each image.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Preprocessed images.
    y : long tensor of shape (N,)
        The labels of X, each in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C). Its weights and mode must stay unchanged.

    Returns
    -------
    saliency : float tensor of shape (N, H, W)
        How strongly the score of the image's label reacts to each pixel: the largest absolute value
        among the three colours, >= 0.

    Raises
    ------
    ValueError
        If a shape or dtype is wrong, a label is outside [0, C), the batch is empty, or a value is
        NaN.

    References
    ----------
    Simonyan et al., 2014, section 3.1, https://arxiv.org/abs/1312.6034
    """
    X, y = checked_batch(X, y, model)  # copies, on the model's device; X requires grad
    # BEGIN SOLUTION
    own_scores = model(X).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), X)
    saliency = gradient.abs().amax(dim=1)
    # END SOLUTION
    return saliency


def make_fooling_image(X: torch.Tensor, target_y: int, model: torch.nn.Module) -> torch.Tensor:
    """Change an image until the network takes it for another class.

    Parameters
    ----------
    X : float tensor of shape (1, 3, H, W)
        A preprocessed image. It is not changed.
    target_y : int
        The class that the network should see, in [0, C).
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C). Its weights and mode must stay unchanged.

    Returns
    -------
    X_fooling : float tensor of shape (1, 3, H, W)
        An image that the model classifies as target_y; a copy of X if the model already does
        so for X. After 100 steps without success, the image as it is at that point.

    Raises
    ------
    ValueError
        If a shape or dtype is wrong, target_y is outside [0, C), or a value is NaN.

    References
    ----------
    After Szegedy et al., 2014, https://arxiv.org/abs/1312.6199
    """
    X_fooling, target_y = checked_image(X, target_y, model)  # a copy that requires grad
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


def class_visualization_update_step(
    img: torch.Tensor, model: torch.nn.Module, target_y: int, l2_reg: float, learning_rate: float
) -> None:
    """Take one step of gradient ascent on `score of target_y - l2_reg * ||img||_2^2`.

    Parameters
    ----------
    img : float tensor of shape (1, 3, H, W)
        An image with requires_grad, on the model's device. It is changed in place.
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C). Its weights and mode must stay unchanged.
    target_y : int
        The class to show, in [0, C).
    l2_reg : float
        The weight of the regulariser, >= 0.
    learning_rate : float
        Factor on the step's direction, > 0. If the direction has length 1, it is the step's length in
        the L2 norm.

    Raises
    ------
    ValueError
        If a shape or dtype is wrong, target_y is outside [0, C), or a value is NaN.

    References
    ----------
    Simonyan et al., 2014, section 2, https://arxiv.org/abs/1312.6034
    """
    check_step(img, model, target_y, l2_reg, learning_rate)
    # BEGIN SOLUTION
    objective = model(img)[0, target_y] - l2_reg * img.square().sum()
    (ascent,) = torch.autograd.grad(objective, img)
    with torch.no_grad():
        img += learning_rate * ascent / (ascent.norm() + 1e-12)  # never 0 / 0
    # END SOLUTION
