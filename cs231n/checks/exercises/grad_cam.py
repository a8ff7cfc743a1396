"""Is a compute_grad_cam_maps right, and if not, which mistake is it?"""

from functools import partial

import torch

from ..arrays import ArrayCheck, Rescaled
from ..cases import Batches, Case
from ..explanations import Explanation
from ..networks import BELOW_0, gelu_parts, relu_parts, softplus_parts, squeezenet_sized_parts, tanh_parts
from . import function_of

KEY, ARGUMENTS = "grad_cam", "X, y, model"
EXERCISE = function_of(KEY)

RIGHT = "Its maps are those expected on several small networks, for batches and feature maps of different sizes."
MISTAKES = {
    "gradient-not-averaged": Explanation(
        "The gradient is not averaged",
        "You multiply gradient and activation place by place. That is another method (HiResCAM); here a channel has one weight.",
        "how many numbers are the weights of one image, and which shape have yours?",
    ),
    "sum-over-space": Explanation(
        "Sum over the places in place of the mean",
        "Your weights are too large by the number of places of the feature map.",
        "what should the weight of a channel be whose gradient is 1 everywhere?",
    ),
    "weights-mix-images": Explanation(
        "The weights mix the images of the batch",
        "You average the gradient over the images, too, so each map depends on the other images.",
        "which dimensions of the gradient are places, and which one is the images?",
    ),
    "negative-weights-lost": Explanation(
        "Negative weights are lost",
        "A channel that lowers the score is left out in your map, or counts as if it raised it.",
        "where in the formula does the ReLU stand, and what is inside of it?",
    ),
    "weights-missing": Explanation(
        "The weights are missing",
        "Your map is that of the activations alone. It is the same for every class.",
        "how does the label get into your map?",
    ),
    "activations-missing": Explanation(
        "The activations are missing",
        "Your map is made of the gradient alone.",
        "what do the weights weigh?",
    ),
    "mean-over-feature-channels": Explanation(
        "Mean over the channels in place of the sum",
        "Your map is too small by the number of channels.",
        "two of 100 channels have the weight 1, the others 0. What does the formula make of them?",
    ),
    "no-relu": Explanation(
        "No ReLU",
        "Places that lower the score are negative in your map.",
        "what should the map say about places that speak against the class?",
    ),
    "relu-too-early": Explanation(
        "The ReLU comes before the sum",
        "You cut each channel's part off at 0. What speaks against the class then no longer counts against what speaks for it.",
        "two channels say 3 and -2 at a place. Which number does the formula give, and which one do you get?",
    ),
    "relu-after-resizing": Explanation(
        "The ReLU comes after the resizing",
        "Negative places have been mixed into their neighbours before they are cut off.",
        "in which order does the docstring name the two?",
    ),
    "absolute-value-in-place-of-relu": Explanation(
        "Absolute value in place of the ReLU",
        "Places that speak against the class look as if they spoke for it.",
        "what does a ReLU make of -2?",
    ),
    "not-resized": Explanation(
        "The map is not resized",
        "Your map has the size of the feature map, not of the image.",
        "which pixel of the image does the value at (0, 0) belong to?",
    ),
    "other-resizing": Explanation(
        "Resized in another way",
        "On the feature map your values are right; between its places they are not.",
        "the docstring names the mode and says something about corners. Which ones does your call use if you do not say?",
    ),
}

CASES = Batches(
    main=(
        Case(name="tanh", network=partial(tanh_parts, seed=10), seed=60, shape=(5, 12, 15), target=(6, 0, 3, 3, 1)),
        Case(
            name="ReLU, with a dead class",
            network=partial(relu_parts, seed=33),
            seed=61,
            shape=(5, 13, 10),
            target=(0, 2, 5, 1, 4),
            dead_class=True,
        ),
        Case(
            name="softplus, scores below 0",
            network=partial(softplus_parts, seed=12, biases=BELOW_0),
            seed=62,
            shape=(5, 14, 18),
            target=(5, 0, 3, 4, 1),
        ),
        Case(name="GELU", network=partial(gelu_parts, seed=10), seed=63, shape=(5, 13, 16), target=(4, 8, 0, 2, 7)),
    ),
    other=(
        Case(name="3 images", network=partial(tanh_parts, seed=11), seed=64, shape=(3, 12, 15), target=(2, 5, 0)),
        Case(name="1 image", network=partial(gelu_parts, seed=11), seed=65, shape=(1, 13, 16), target=(3,)),
    ),
    large=Case(
        name="224 x 224 pixels, 1000 classes",
        network=squeezenet_sized_parts,
        seed=66,
        shape=(5, 224, 224),
        target=(0, 999, 281, 3, 500),
    ),
)


def _evidence(case, n, place, mine, exam):
    network, due = case.network(), exam.known.right(KEY, case)[n]
    with torch.no_grad():
        channels, height, width = network.features(case.images())[n].shape
    said = [
        f"The feature map of this network has {channels} channels of {height} x {width} places. Your map lies between "
        f"{mine.min():.4f} and {mine.max():.4f}, the right one between {due.min():.4f} and {due.max():.4f}."
    ]
    zero = due == 0
    if zero.any() and mine[zero].any():
        share = (mine[zero] != 0).mean()
        said.append(f"Of the places where the right map is 0, {100 * share:.0f} % are not 0 in yours.")
    return said


_check = ArrayCheck(EXERCISE, KEY, "map", _evidence, in_frames=False, rescaled=Rescaled.ALWAYS)
examine = _check.examine
