"""Ingredients of class images that were tried and did not pay: activity as on photographs, and random light.

They are passed to create_class_images like the kit's own: an objective, and a transformation.
"""

import contextlib

import torch

from cs231n.feature_visualization import random_view


@contextlib.contextmanager
def channel_statistics(model):
    """Collect (mean (N, C), variance (N, C)) of each channel's map before every pooling of SqueezeNet and after its last layer.

    Yields a list, empty at first, to which each pass of N images appends an entry for each of these layers.
    """
    found = []

    def look_at(maps):
        variance, mean = torch.var_mean(maps, dim=(2, 3), correction=0)
        found.append((mean, variance))

    poolings = [layer for layer in model.features if isinstance(layer, torch.nn.MaxPool2d)]
    hooks = [layer.register_forward_pre_hook(lambda _, given: look_at(given[0])) for layer in poolings]
    hooks.append(model.features.register_forward_hook(lambda _, __, maps: look_at(maps)))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def usual_activity(model, photographs):
    """Return (centres, spreads): the averages and the standard deviations of the channel statistics of photographs.

    photographs: (M, 3, H, W), preprocessed. A tenth of a layer's average spread is added to each, for channels that hardly
    respond to any of them.
    """
    with torch.no_grad(), channel_statistics(model) as found:
        model.features(photographs)
    centres = [(mean.mean(dim=0), variance.mean(dim=0)) for mean, variance in found]
    return centres, [(_spread(mean), _spread(variance)) for mean, variance in found]


def _spread(values):
    spread = values.std(dim=0)
    return spread + spread.mean() / 10


def unusual(found, centres, spreads):
    """Return how far the activity of each image is from what is usual, (N,): squared deviations in spreads, each at most 100.

    The average over channels and layers of those of the means, plus 0.3 times that of the variances. After Yin et al., 2020
    (https://arxiv.org/abs/1912.08795), who compare with what batch normalisation has stored; SqueezeNet has none.
    """

    def deviation(values, centre, spread):
        return ((values - centre) / spread).square().clamp(max=100).mean(dim=1)

    of_layers = [
        deviation(mean, centre[0], spread[0]) + 0.3 * deviation(variance, centre[1], spread[1])
        for (mean, variance), centre, spread in zip(found, centres, spreads, strict=True)
    ]
    return torch.stack(of_layers).mean(dim=0)


def with_usual_activity(objective, model, photographs, weight=0.7):
    """Return an objective: the given one, less `weight` times what `unusual` says of each image."""
    centres, spreads = usual_activity(model, photographs)

    def climbed(model, X, labels):
        with channel_statistics(model) as found:
            heights = objective(model, X, labels)
        return heights - weight * unusual(found, centres, spreads)

    return climbed


def random_light(images, generator=None):
    """Return each image multiplied by a random number from 0.7 to 1.3, plus one from -0.15 to 0.15."""
    factor, more = torch.rand(2, len(images), 1, 1, 1, generator=generator).to(images.device, non_blocking=True)
    return images * (0.7 + 0.6 * factor) + 0.3 * (more - 0.5)


def random_view_in_random_light(images, transform, generator=None):
    """What random_view does, and then random_light: a transformation."""
    return random_light(random_view(images, transform, generator), generator)
