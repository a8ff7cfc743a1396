"""The words of the checks: what each mistake and each note means, and what PyTorch's errors mean.

What belongs to one exercise is in its file; `cs231n.checks` adds it here.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple


class Explanation(NamedTuple):
    """title: the mistake's name. meaning: what is wrong about it. think: a hint toward the fix."""

    title: str
    meaning: str
    think: str


EXERCISES: dict[str, str] = {}  # {name of an exercise's function: what is said after "is correct."}
LIMITED = "passes, but not with every input that the exercise allows: see the note."
LIKE_A_LOGARITHM = (
    "Where the gradient of the score is divided by its length, the square of the score gives the same step as its logarithm."
)

# Those that several exercises share; `add` brings those of one.
MISTAKES = {
    "cross-entropy": Explanation(
        "Cross-entropy loss instead of the score",
        "What you differentiate behaves like the cross-entropy loss (minus the log of the softmax). Its gradient mixes the "
        "scores of all classes, so the picture looks similar but is not the same.",
        "the loss also falls when the scores of other classes fall. Which single entry of `scores` is about the label alone?",
    ),
    "softmax": Explanation(
        "Probability instead of the score",
        "What you differentiate behaves like the softmax probability. It depends on the scores of all classes, and its gradient "
        "vanishes where the probability is near 0 or 1.",
        "the exercise asks for the network's raw output. What happens to it before you differentiate?",
    ),
    "log-of-score": Explanation(
        "Logarithm of the score",
        "The gradient is divided by the score itself, as for a logarithm. This fails for scores of 0 or below.",
        "what do you do to the score before you differentiate it?",
    ),
    "squared-score": Explanation(
        "Square of the score",
        "The gradient is multiplied by the score itself, as for a square. For scores below 0 it points the wrong way.",
        "what do you do to the score before you differentiate it?",
    ),
    "score-difference": Explanation(
        "Difference of scores instead of the score",
        "What you differentiate falls when the strongest other class rises.",
        "which single entry of `scores` does the exercise ask for?",
    ),
    "wrong-class-score": Explanation(
        "The score of other classes",
        "What you differentiate includes scores of classes other than the one asked for: those of all classes, of the strongest "
        "one, or of the other images' labels.",
        "print the indices that you use to pick from `scores`. How many do you get, and whose are they?",
    ),
    "label-as-score": Explanation(
        "The label is used as a score",
        "You differentiate the squared difference between the score and the class number, as if that number were the value that "
        "the score should have.",
        "a label is a position in `scores`. What would change if the classes were numbered in another order?",
    ),
    "batch-mean": Explanation(
        "Mean over the batch",
        "Every map is too small by the same factor, the number of images. So an image's map depends on how many other images are "
        "in the batch.",
        "the N scores have to become one number before the backward pass. How can you do that so that each keeps the weight 1?",
    ),
    "no-absolute-value": Explanation(
        "No absolute value",
        "Where the gradient is negative, your map does not show how strong it is.",
        "a score that falls when a pixel gets brighter reacts as strongly as one that rises. What does your map show for -3?",
    ),
    "mean-over-channels": Explanation(
        "Mean over the colours instead of the maximum",
        "Your map gives each pixel the average over its three colours.",
        "what does the formula give for a pixel with the values 3, 0 and 0?",
    ),
    "sum-over-channels": Explanation(
        "Sum over the colours instead of the maximum",
        "Your map gives each pixel the total over its three colours.",
        "what does the formula give for a pixel with the values 3, 2 and 1?",
    ),
    "norm-over-channels": Explanation(
        "L2 norm over the colours instead of the maximum",
        "Your map gives each pixel the L2 norm of its three values.",
        "what does the formula give for a pixel with the values 4, 3 and 0?",
    ),
    "min-over-channels": Explanation(
        "Minimum over the colours",
        "Your map gives each pixel the value of the colour that matters least.",
        "which of the three colours does the formula ask for?",
    ),
    "one-channel": Explanation(
        "One colour only",
        "Your map shows the gradient of a single colour.",
        "a pixel has three colours. Which dimension of the gradient are they in?",
    ),
    "times-input": Explanation(
        "Gradient times input",
        "Your map is multiplied by the image. That is a different method, which shows nothing where the image is 0.",
        "does the image itself appear in the formula?",
    ),
    "rescaled": Explanation(
        "Rescaled maps",
        "Your maps are correct up to a constant factor or offset for each image or batch. A map should say how strongly the "
        "score reacts, in units of the score.",
        "what do you divide by, multiply by or subtract once you have the gradient? Adjusting the contrast is the plot's job.",
    ),
    "sign-turned": Explanation(
        "The sign is reversed",
        "What raises the score counts as lowering it.",
        "what do you subtract from what, and do you differentiate the score or the score times -1?",
    ),
    "gradient-accumulates": Explanation(
        "The gradient accumulates",
        "From the second gradient on, you use the sum of all gradients so far instead of the one at the current image alone.",
        "`backward()` adds to whatever is in `.grad`. Whose gradient do you clear, and is it really cleared before you use it "
        "again? (A method name without parentheses calls nothing, and the model's weights are not the image.)",
    ),
    "wrong-direction": Explanation(
        "Downhill instead of uphill",
        "Your steps lower the score of the class.",
        "should the quantity that you differentiate grow or shrink? And do you add or subtract?",
    ),
    "squared-norm": Explanation(
        "Divided by the squared norm",
        "Your steps are short where the gradient is long, and long where it is short.",
        "divide a vector of length 5 by 25: how long is it then? And what do you have to divide by to get length 1?",
    ),
    "divided-by-sum": Explanation(
        "Divided by the sum",
        "The sum of a gradient's values can be close to 0 or negative. Then a step is huge, or goes backwards.",
        "which measure of a vector's length is never negative?",
    ),
    "other-normalisation": Explanation(
        "A different normalisation",
        "Your steps do not have the length that dividing by the L2 norm of the whole gradient gives them.",
        "which norm does the formula use, and over which numbers?",
    ),
    "learning-rate-changed": Explanation(
        "A different learning rate",
        "Your steps have the right direction, but the wrong length.",
        "where does the number that you multiply the direction by come from, and how often do you use it?",
    ),
    "returns-input": Explanation(
        "It returns its input",
        "Whatever you compute on the way, you return the image that you were given.",
        "which of your tensors holds the result?",
    ),
    "wrong-type": Explanation("It does not return a float tensor", "", "which of your variables is the result?"),
    "wrong-shape": Explanation(
        "The result has the wrong shape",
        "",
        "print the shape after each line. Which dimension should have gone, and which should have stayed?",
    ),
    "not-finite": Explanation(
        "NaN or infinite values",
        "",
        "find the first value that is not finite. Is something divided by 0 there, or is a logarithm taken?",
    ),
    "input-changed": Explanation(
        "The input is changed",
        "After the call, the arguments no longer hold the same values: any later code gets the changed ones.",
        "which of your lines writes into an argument itself instead of a copy?",
    ),
    "weights-changed": Explanation(
        "The network is changed", "Its weights or buffers differ after the call.", "which of your lines writes to the model?"
    ),
    "mode-changed": Explanation(
        "The network's mode is changed",
        "The network runs, or is left, in training mode. There dropout makes the scores random, and batch normalisation mixes "
        "the images.",
        "does the exercise need a different mode from the one in which you got the model?",
    ),
    "library-patched": Explanation(
        "A library is changed",
        "Functions of torch or numpy were replaced during the call. They have been restored.",
        "does your code assign to a name in torch or numpy? Give your function a name of its own.",
    ),
    "never-returns": Explanation(
        "It does not return",
        "The check waits a few seconds, then tries to stop the call.",
        "which condition ends your loop, and can it become true?",
    ),
    "too-many-network-calls": Explanation(
        "It calls the network again and again",
        "The call was stopped; your kernel is still running.",
        "how many forward passes does the exercise need?",
    ),
}

NOTES = {
    "fixed-batch-size": "correct for a batch of 5 images, but it fails for 3. Is there a number where a length of X should be?",
    "fails-for-one-image": "correct for several images, but a batch of one makes it fail or return another shape (squeeze() "
    "removes every dimension of length 1).",
    "fixed-sizes": "correct for images of 224 x 224 pixels and 1000 classes, but it fails for smaller ones: a size or a class "
    "number is hard-coded.",
    "needs-contiguous-gradients": "it fails on a network whose gradients are not contiguous (channels_last). If you use "
    ".view(), use .reshape() instead, which works for every network.",
    "unbounded-loop": "the loop does not seem to have a limit. If the network cannot be fooled, it runs practically forever.",
    "low-step-limit": "it gives up early: the exercise allows 100 steps, and hard pairs of image and target need more than 70.",
    "fails-when-not-fooled": "if the network cannot be fooled, it raises an error or returns nothing.",
    "nan-on-dead-class": "for a class whose score and gradient are 0 it divides 0 by 0, and the image becomes NaN.",
    "prints": "it prints. That is fine while you are debugging; remove it when you are done.",
    "changes-random-state": "it sets or uses your notebook's random state, which has been restored. Nothing here needs it.",
    "changes-settings": "it changes PyTorch settings (gradients on or off, threads, dtype), which have been restored.",
    "changes-model-gradients": "it makes the network's weights require grad. Nothing needs that, and it costs time and memory.",
    "returns-numpy": "it returns a NumPy array; the notebook expects a tensor.",
    "other-dtype": "the result has a different dtype from X.",
    "other-device": "the result is on a different device from X.",
    "cpu-only": "it works on the CPU, where grading runs, but not on this notebook's GPU: there it raises the error above.",
}

# What errors mean: pattern in "Type: message", sentence. The first that fits is shown, so what is specific comes first.
ERRORS = [
    (
        r"does not require grad and does not have a grad_fn",
        "What you differentiate does not depend on a tensor that requires grad. Was the graph cut by .data, .detach(), no_grad, "
        "argmax, or by making a new tensor from numbers?",
    ),
    (
        r"a (leaf|view of a leaf) Variable that requires grad",
        "A tensor that requires grad must not be changed in place while PyTorch records the graph. Changing the image is not "
        "part of the graph: use torch.no_grad() for that.",
    ),
    (
        r"multi-target not supported",
        "cross_entropy expects one label per image, a vector of shape (N,); these labels have an extra dimension. But does the "
        "exercise ask for this loss at all?",
    ),
    (
        r"retain_variables",
        "In today's PyTorch this argument is called retain_graph. If you use the graph only once, you do not need it.",
    ),
    (r"grad can be implicitly created only for scalar", "backward() needs a single number; here it was called on several."),
    (
        r"Trying to backward through the graph a second time",
        "A graph can be used for one backward pass only. Run the network again on the current image to get a new one.",
    ),
    (
        r"NoneType",
        "Something is None here. `.grad` is None before the first backward pass, and always for a tensor that is not a leaf "
        "(one that was computed from others).",
    ),
    (
        r"Can't call numpy\(\) on Tensor that requires grad",
        "NumPy cannot read a tensor that is in a graph: detach it first.",
    ),
    (
        r"0-dim tensor",
        "A tensor that holds one number is indexed as if it held several; `.item()` gets the number.",
    ),
    (
        r"on the same device|torch\.(cuda|mps)\.\w*Tensor|Placeholder storage has not been allocated",
        "Two tensors are on different devices. Create new ones where X is: device=X.device.",
    ),
    (r"can't convert (cuda|mps)\S* device type tensor to numpy", "NumPy reads only tensors on the CPU: call .cpu() first."),
    (r"CUDA out of memory|MPS backend out of memory", "The GPU's memory is full. Restart the kernel to free it."),
    (
        r"device-side assert",
        "An index was out of range on the GPU, which cannot be used any more: restart the kernel. Does each label lie in [0, C)?",
    ),
    (
        r"not compiled with CUDA|NVIDIA driver|No CUDA GPUs|CUDA is not available|cuda\.is_available|invalid device ordinal"
        r"|not linked with support for mps|MPS backend is supported",
        "The code names a GPU that this machine does not have. Use X's device (`X.device`), and it runs everywhere.",
    ),
    (r"modified by an inplace operation", "A tensor that the backward pass needs was changed in the meantime."),
    (
        r"[Oo]nly Tensors of floating point",
        "Whole numbers have no gradient. Which tensor should require grad: the image or the labels?",
    ),
    (
        r"dtype|scalar type|used as indices must be|\b(Long|Int|Half|Float|Double)(Tensor)?\b|\(\w+\) and (bias|weight) type",
        "A tensor has the wrong dtype. The image and the weights are float32; labels and indices are long.",
    ),
    (
        r"mat1 and mat2|size of tensor|shape|[Ss]ize does not match|[Dd]imension|channels, but got"
        r"|out of bounds|must match|is invalid for input",
        "Two shapes do not match, or an index is too large. Print the shapes just before this line; a hard-coded size fits only "
        "one network.",
    ),
    (
        r"NameError|UnboundLocalError",
        "This name has no value here: a typo, a missing import, or a line that was not reached.",
    ),
    (r"import .* fails here|ModuleNotFoundError", "A module that is used here is not installed, or has moved."),
    (
        r"[Bb]oolean value of Tensor|cannot be converted to Scalar|only one element tensors",
        "A single number is needed here, and the tensor holds several.",
    ),
    (
        r"unexpected keyword argument",
        "The function that is called here has no argument of this name; look it up in its documentation.",
    ),
    (r"SystemExit", "exit() and quit() end the whole program; to end a function, use return."),
]


def add(exercise: str, right: str, mistakes: Mapping[str, Explanation]) -> None:
    """Add the words of one exercise.

    Parameters
    ----------
    exercise : str
        The name of its function.
    right : str
        What is said after "is correct.".
    mistakes : dict
        {id: Explanation} of its own mistakes.

    Raises
    ------
    ValueError
        If one of these ids is explained elsewhere in other words: a mistake has one meaning in all exercises.
    """
    for name, explanation in mistakes.items():
        if MISTAKES.setdefault(name, explanation) != explanation:
            raise ValueError(
                f"The mistake {name!r} of {exercise} is explained twice: as {explanation.title!r}, and elsewhere as "
                f"{MISTAKES[name].title!r}. Give it an id of its own, or use the explanation that is there."
            )
    EXERCISES[exercise] = right


def meaning_of(kind: str, message: str, own_line: bool = True) -> str | None:
    """Return the sentence that explains an error, or None. own_line: whether it came up in the student's own code."""
    if not own_line and re.search(r"positional argument|unexpected keyword", message):
        return "The check calls the function as the exercise does. Does its signature still have the exercise's arguments?"
    return next((sentence for pattern, sentence in ERRORS if re.search(pattern, f"{kind}: {message}")), None)
