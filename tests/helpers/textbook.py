"""The techniques as they are usually written down: what the benchmarks compare with. Plain, and on purpose not tuned.

The network comes as torchvision builds it, in PyTorch's default memory format, and its weights ask for gradients.
"""

import numpy as np
import torch
from torchvision.models import squeezenet1_1

from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD


def plain_squeezenet(model):
    """Return SqueezeNet with the weights of `model` on its device, otherwise as torchvision builds it."""
    plain = squeezenet1_1()
    plain.load_state_dict(model.state_dict())
    return plain.eval().to(next(model.parameters()).device)


def saliency_maps(X, y, model):
    """Return the maps (N, H, W) of images X (N, 3, H, W) for the labels y (N,)."""
    X = X.clone().requires_grad_()
    scores = model(X)
    own = scores[torch.arange(len(X)), y]
    own.backward(torch.ones_like(own))
    return X.grad.abs().max(dim=1).values


def class_visualization(target, model, num_iterations=100, l2_reg=1e-3, learning_rate=25, max_jitter=16, blur_every=10, seed=0):
    """Return an image (1, 3, 224, 224) of one class, made pixel by pixel; jitter by concatenation, blur by SciPy."""
    device = next(model.parameters()).device
    rng = np.random.default_rng(seed)
    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(seed)).to(device)
    for iteration in range(num_iterations):
        across, down = rng.integers(max_jitter + 1, size=2)
        image = shifted(image, across, down).detach().requires_grad_()
        score = model(image)[0, target] - l2_reg * (image**2).sum()
        score.backward()
        with torch.no_grad():
            image = image + learning_rate * image.grad / image.grad.norm()
            image = shifted(image, -across, -down)
            for channel in range(3):
                mean, std = SQUEEZENET_MEAN[channel].item(), SQUEEZENET_STD[channel].item()
                image[:, channel] = image[:, channel].clamp(-mean / std, (1 - mean) / std)
            if iteration % blur_every == 0:
                image = blurred(image, sigma=0.5)
    return image


def shifted(image, across, down):
    """Return the image, shifted; what leaves on one side comes back on the other."""
    if across:
        image = torch.cat([image[..., -across:], image[..., :-across]], dim=3)
    if down:
        image = torch.cat([image[..., -down:, :], image[..., :-down, :]], dim=2)
    return image


def blurred(image, sigma):
    """Return the image, blurred on the host as SciPy's gaussian_filter1d does it along both axes; SciPy need not be there."""
    radius = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    pixels = image.cpu().numpy()
    for axis in (2, 3):
        mirrored = np.pad(pixels, [(radius, radius) if side == axis else (0, 0) for side in range(4)], mode="symmetric")
        neighbours = np.lib.stride_tricks.sliding_window_view(mirrored, len(weights), axis=axis)
        pixels = (neighbours @ weights).astype(pixels.dtype)  # added up in double precision, as SciPy does it
    return torch.from_numpy(pixels).to(image.device)
