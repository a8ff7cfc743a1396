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


EXERCISES: dict[str, str] = {}  # {name of an exercise's function: what is said after "is right."}
LIMITED = "It gives what is expected, but not for every input that the exercise allows."

# Those that several exercises share; `add` brings those of one.
MISTAKES = {
    "cross-entropy": Explanation(
        "Cross-entropy loss in place of the score",
        "What you differentiate behaves as the cross-entropy loss does (the logarithm of the softmax). Its gradient mixes the "
        "scores of all classes, so the picture looks similar and is not the same.",
        "the loss falls when other classes' scores fall. Which one entry of `scores` speaks about the label alone?",
    ),
    "softmax": Explanation(
        "Probability in place of the score",
        "What you differentiate behaves as the softmax probability does. It depends on the scores of all classes, and where "
        "it is near 0 or 1 its gradient vanishes.",
        "the exercise asks about the network's raw output. What happens to it between the network and your derivative?",
    ),
    "log-of-score": Explanation(
        "Logarithm of the score",
        "The gradient is divided by the score itself, as that of a logarithm is (where its length is divided out, that of the "
        "score's square looks the same); for a score of 0 or below it is no use.",
        "is anything done to the score before it is differentiated?",
    ),
    "squared-score": Explanation(
        "Square of the score",
        "The gradient is multiplied by the score itself, as that of a square is; for a score below 0 it points the wrong way.",
        "is anything done to the score before it is differentiated?",
    ),
    "score-difference": Explanation(
        "Difference of scores in place of the score",
        "What you differentiate falls when the strongest other class rises.",
        "which one entry of `scores` does the exercise name?",
    ),
    "wrong-class-score": Explanation(
        "The score of other classes",
        "What you differentiate holds scores of other classes than the one asked for: of all of them, of the strongest one, or "
        "those of the other images' labels.",
        "print the indices with which you pick from `scores`, for a batch of two. How many numbers do you get, and whose?",
    ),
    "label-as-score": Explanation(
        "The label is taken for a score",
        "You differentiate the squared difference between the score and the number of the class, as if that number were the "
        "value that the score should have.",
        "a label is a position in `scores`. What would change if the classes were numbered in another order?",
    ),
    "batch-mean": Explanation(
        "Mean over the batch",
        "Every map is smaller than expected by the same factor, the number of images. An image's map depends on how many others "
        "are computed with it.",
        "the N scores have to become one number before the backward pass. Which way of doing so leaves each one's weight at 1?",
    ),
    "no-absolute-value": Explanation(
        "No absolute value",
        "Where the gradient is negative, your map does not show its strength.",
        "a score that falls when a pixel grows reacts as strongly as one that rises. What does your map say for -3?",
    ),
    "mean-over-channels": Explanation(
        "Mean over the colours in place of the maximum",
        "Your map gives each pixel the average over its three colours.",
        "what does the formula ask for at a pixel whose three values are 3, 0 and 0?",
    ),
    "sum-over-channels": Explanation(
        "Sum over the colours in place of the maximum",
        "Your map gives each pixel the total of its three colours.",
        "what does the formula ask for at a pixel whose three values are 3, 2 and 1?",
    ),
    "norm-over-channels": Explanation(
        "Length over the colours in place of the maximum",
        "Your map gives each pixel the L2 norm of its three values.",
        "what does the formula ask for at a pixel whose three values are 4, 3 and 0?",
    ),
    "min-over-channels": Explanation(
        "Minimum over the colours",
        "Your map gives each pixel the value of the colour that matters least.",
        "which of the three colours does the formula ask for?",
    ),
    "one-channel": Explanation(
        "One colour only",
        "Your map shows the gradient of a single colour.",
        "a pixel has three. Over which dimension of the gradient do they lie?",
    ),
    "times-input": Explanation(
        "Gradient times input",
        "Your map is multiplied by the image. That is another method; it shows nothing where the image is 0.",
        "does the formula hold the image itself?",
    ),
    "rescaled": Explanation(
        "Rescaled maps",
        "Your maps are correct up to a constant factor or offset for each image or batch. A map should say how strongly the "
        "score reacts, in the score's own unit.",
        "what do you divide by, multiply by or subtract once you have the gradient? Stretching for the eye is the plot's job.",
    ),
    "sign-turned": Explanation(
        "The sign is turned",
        "What raises the score counts as lowering it.",
        "what is subtracted from what, and is it the score that you differentiate or the score times -1?",
    ),
    "gradient-accumulates": Explanation(
        "The gradient accumulates",
        "From the second gradient on, you use the sum of all gradients so far instead of the one at the current image alone.",
        "`backward()` adds to the `.grad` that is there. Whose gradient do you clear, and is it really cleared before it is used "
        "again? (A name without parentheses calls nothing; a model's weights are not the image.)",
    ),
    "wrong-direction": Explanation(
        "Downhill in place of uphill",
        "The image is moved so that the score of the class falls.",
        "is what you differentiate something that should grow or something that should shrink, and do you add or subtract?",
    ),
    "squared-norm": Explanation(
        "Divided by the squared norm",
        "Your steps are short where the gradient is long, and long where it is short.",
        "divide a vector of length 5 by 25: how long is it then? And by which number does it get length 1?",
    ),
    "divided-by-sum": Explanation(
        "Divided by the sum",
        "The sum of a gradient's values can be close to 0 or negative; then a step is huge, or leads back.",
        "which measure of a vector's length cannot be negative?",
    ),
    "other-normalisation": Explanation(
        "Normalised in another way",
        "Your steps do not have the length that the L2 norm of the whole gradient gives them.",
        "which norm does the formula name, and over which numbers does it run?",
    ),
    "learning-rate-changed": Explanation(
        "Another learning rate",
        "Your steps have the right direction, but are longer or shorter than they should be.",
        "where does the number come from by which you multiply the direction, and how often is it used?",
    ),
    "returns-input": Explanation(
        "It returns the image that came in",
        "Whatever was computed on the way, what comes back is what came in.",
        "which of your tensors holds the result?",
    ),
    "wrong-type": Explanation("It does not return a float tensor", "", "which of the things you have is the result?"),
    "wrong-shape": Explanation(
        "The result has the wrong shape",
        "",
        "print the shape after each line. Which dimension should have gone, and which stayed?",
    ),
    "not-finite": Explanation(
        "NaN or infinite values",
        "",
        "print the first value that is not finite. What is divided by what there, or whose logarithm is taken?",
    ),
    "input-changed": Explanation(
        "The input is changed",
        "What came in holds other values after the call than before; the next one who uses it gets the changed values.",
        "which of your lines writes into an argument itself, and not into a copy?",
    ),
    "weights-changed": Explanation(
        "The network is changed", "Its weights or buffers are others after the call.", "what in your code writes to the model?"
    ),
    "mode-changed": Explanation(
        "The network's mode is changed",
        "It runs, or is left, in training mode. There dropout makes the scores random, and batch normalisation mixes the images.",
        "does the exercise need a mode other than the one in which the model came?",
    ),
    "library-patched": Explanation(
        "A library is changed",
        "Functions of torch or numpy were replaced during the call. They have been put back.",
        "give your own helper a name of its own.",
    ),
    "never-returns": Explanation(
        "It does not come to an end",
        "The check waits for some seconds, then stops the call.",
        "which condition ends your loop, and can it become true?",
    ),
    "too-many-network-calls": Explanation(
        "It calls the network again and again",
        "The call was interrupted; your kernel goes on as before.",
        "how many forward passes does the exercise need?",
    ),
}

NOTES = {
    "fixed-batch-size": "right for a batch of 5 images, but it fails for 3. Is there a number where a length of X should be?",
    "fails-for-one-image": "right for several images, but for a batch of one it fails or gives another shape (squeeze() "
    "removes every dimension of length 1).",
    "fixed-sizes": "right for images of 224 x 224 pixels and 1000 classes, but it fails for smaller ones: a size, or the number "
    "of a class, is written into the code.",
    "needs-contiguous-gradients": "it would fail on a network whose gradients are strided (channels_last), where .view() raises "
    "an error. .reshape() works for every network.",
    "unbounded-loop": "the loop has no bound that we met. Where the network cannot be fooled, it runs for (nearly) ever.",
    "low-step-limit": "it gives up before 71 steps, which the hardest of the notebook's images takes.",
    "fails-when-not-fooled": "where the network cannot be fooled, it raises an error or returns nothing.",
    "nan-on-dead-class": "for a class whose score and gradient are 0 it divides 0 by 0, and the image becomes NaN.",
    "prints": "it prints. That is fine while you look for a mistake; take it out when it is found.",
    "changes-random-state": "it sets or uses your notebook's random numbers, which were put back. Nothing here needs them.",
    "changes-settings": "it changes settings of PyTorch (gradients on or off, threads, dtype), which have been put back.",
    "changes-model-gradients": "it asks for gradients of the network's weights. Nobody needs them; they cost time and memory.",
    "returns-numpy": "it returns a NumPy array; the notebook expects a tensor.",
    "other-dtype": "the result has another dtype than X.",
    "other-device": "the result is on another device than X.",
    "cpu-only": "it works on the CPU, where grading runs, but not on the GPU of this notebook: there it raises the error above.",
}

# What errors mean: pattern in "Type: message", sentence. The first that fits is shown.
ERRORS = [
    (
        r"does not require grad and does not have a grad_fn",
        "What you differentiate does not depend on a tensor that asks for a gradient. Was the chain cut by .data, .detach(), "
        "no_grad, argmax, or by a new tensor made from numbers?",
    ),
    (
        r"a (leaf|view of a leaf) Variable that requires grad",
        "A tensor that asks for a gradient may not be changed in place while PyTorch records. Changes to the image itself are "
        "no part of the graph: torch.no_grad() is for that.",
    ),
    (
        r"multi-target not supported",
        "cross_entropy wants one label per image, a vector of shape (N,); these labels have one dimension more. But does the "
        "exercise ask for this loss at all?",
    ),
    (
        r"retain_variables",
        "Today's PyTorch calls this argument retain_graph. If the graph is run only once, nothing needs to be retained.",
    ),
    (r"grad can be implicitly created only for scalar", "backward() starts from one number; what you called it on has several."),
    (
        r"Trying to backward through the graph a second time",
        "A graph is used up by its first backward pass. Run the network again on the present image, so that there is a new one.",
    ),
    (
        r"NoneType",
        "Something is None here. A `.grad` is None before the first backward pass, and for every tensor that is not a leaf "
        "(one that was computed from others).",
    ),
    (r"Can't call numpy\(\) on Tensor that requires grad", "NumPy takes no tensor that is a part of a graph: detach it first."),
    (
        r"0-dim tensor",
        "A tensor that holds one number is indexed as if it held several; `.item()` takes the number out.",
    ),
    (
        r"CUDA|NVIDIA|cuda|\bmps\b|\bMPS\b",
        "The code names a GPU that this machine does not have. Take the device from X (`X.device`), and it runs everywhere.",
    ),
    (r"to be on the same device", "Two tensors lie on different devices. New ones go where X is: device=X.device."),
    (r"modified by an inplace operation", "A tensor that the backward pass needs was changed in between."),
    (
        r"mat1 and mat2|size of tensor|shape|[Ss]ize does not match|dimension|out of bounds|must match|is invalid for input",
        "Two shapes do not fit, or an index is too large. Print the shapes just before this line; a size written as a number "
        "fits one network only.",
    ),
    (
        r"NameError|UnboundLocalError",
        "This name has no value here: a misspelling, a missing import, or a line that was not reached.",
    ),
    (r"import .* fails here|ModuleNotFoundError", "A module that is used here is not installed, or has moved."),
    (
        r"[Bb]oolean value of Tensor|cannot be converted to Scalar|only one element tensors",
        "One number is needed here, and the tensor holds several.",
    ),
    (
        r"[Oo]nly Tensors of floating point",
        "Whole numbers have no gradient. Which tensor should require grad: the image or the labels?",
    ),
    (
        r"unexpected keyword argument",
        "The function that is called here has no argument of this name; look it up in its documentation.",
    ),
    (r"dtype|Long|Double|Float", "Two tensors have different dtypes."),
    (r"SystemExit", "exit() and quit() end the whole program; a function ends with return."),
]


def add(exercise: str, right: str, mistakes: Mapping[str, Explanation]) -> None:
    """Add the words of one exercise.

    Parameters
    ----------
    exercise : str
        The name of its function.
    right : str
        What is said after "is right.".
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
        return "The function is called as in the exercise; does its signature still have the exercise's arguments?"
    return next((sentence for pattern, sentence in ERRORS if re.search(pattern, f"{kind}: {message}")), None)
