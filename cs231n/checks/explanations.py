"""The words of the checks: what each mistake and each note means, and what PyTorch's errors mean."""

import re
from typing import NamedTuple


class Explanation(NamedTuple):
    """title: the mistake's name. meaning: what is wrong about it. think: a thought that leads to the repair."""

    title: str
    meaning: str
    think: str


# What stands behind "is right."
EXERCISES = {
    "compute_saliency_maps": "Its maps are those expected on several small networks, for batches of different sizes, "
    "with scores below 0 and a dead class.",
    "make_fooling_image": "Its images are those expected on seven small networks, on short ways and a long one, "
    "and where the image is of the target class already.",
    "class_visualization_update_step": "Three calls in a row change the image as expected on five small networks, "
    "for several regularisers and learning rates, and for a dead class.",
}
LIMITED = "It gives what is expected, but not for every input that the exercise allows."

MISTAKES = {
    # what is differentiated
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
    # saliency maps
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
    "absolute-value-too-late": Explanation(
        "Absolute value after the colours were put together",
        "Negative values lost against smaller positive ones, or cancelled with them, before their sign was taken away.",
        "go through your steps by hand for one pixel with the gradient (-3, 1, 2).",
    ),
    "mean-over-channels": Explanation(
        "Mean over the colours in place of the maximum",
        "Your map gives each pixel the average over its three colours.",
        "what does the formula for M ask for at a pixel whose three values are 3, 0 and 0?",
    ),
    "sum-over-channels": Explanation(
        "Sum over the colours in place of the maximum",
        "Your map gives each pixel the total of its three colours.",
        "what does the formula for M ask for at a pixel whose three values are 3, 2 and 1?",
    ),
    "norm-over-channels": Explanation(
        "Length over the colours in place of the maximum",
        "Your map gives each pixel the L2 norm of its three values.",
        "what does the formula for M ask for at a pixel whose three values are 4, 3 and 0?",
    ),
    "min-over-channels": Explanation(
        "Minimum over the colours",
        "Your map gives each pixel the value of the colour that matters least.",
        "which of the three colours does the formula for M ask for?",
    ),
    "one-channel": Explanation(
        "One colour only",
        "Your map shows the gradient of a single colour.",
        "a pixel has three. Over which dimension of the gradient do they lie?",
    ),
    "squared-gradient": Explanation(
        "Square of the gradient",
        "Strong pixels are exaggerated: each value is squared.",
        "a reaction twice as strong should be twice as bright.",
    ),
    "times-input": Explanation(
        "Gradient times input",
        "Your map is multiplied by the image. That is another method; it shows nothing where the image is 0.",
        "does the formula for M hold the image itself?",
    ),
    "rescaled": Explanation(
        "Rescaled maps",
        "Your maps are the right ones but for a factor. A map should say how strongly the score reacts, in its own unit.",
        "is anything divided or multiplied after the gradient is there? Stretching for the eye is the plot's business.",
    ),
    # steps
    "gradient-accumulates": Explanation(
        "The gradient accumulates",
        "The first step is as it should be, the second is not: it follows the sum of the gradients so far, not the gradient "
        "at the present image.",
        "`backward()` adds to the `.grad` that is there. Whose gradient do you clear, and is it really cleared before it is used "
        "again? (A name without parentheses calls nothing; a model's weights are not the image.)",
    ),
    "wrong-direction": Explanation(
        "Downhill in place of uphill",
        "The image is moved so that the score of the class falls.",
        "is what you differentiate something that should grow or something that should shrink, and do you add or subtract?",
    ),
    "not-normalised": Explanation(
        "The gradient is not normalised",
        "Your steps are as long as the gradient is, long where the score is steep and short where it is flat.",
        "how long shall a step be, and what does the learning rate alone say about that?",
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
    "learning-rate-ignored": Explanation(
        "The learning rate is ignored",
        "Your change of the image stays the same when the learning rate changes.",
        "which of the function's arguments do you never use?",
    ),
    # fooling images
    "no-stop-test": Explanation(
        "Goes on after the network is fooled",
        "More steps follow although the network says the target class already.",
        "when is the goal reached, and which comparison says so? Compare class with class, at the image as it is now.",
    ),
    "one-step-too-many": Explanation(
        "One step too many",
        "The network is fooled, and you take one more step before you notice.",
        "which image do the scores belong to that your test looks at: the one before the step or the one after it?",
    ),
    "stop-test-inverted": Explanation(
        "The stop test is inverted",
        "It stops at once where the network is not fooled yet.",
        "read your condition aloud: under which circumstance does the loop end?",
    ),
    "score-compared-with-class": Explanation(
        "A score is compared with a class",
        "The loop ends when a score happens to be the number of the class (here a score of 3.0, with class 3 as the target), "
        "and else it does not.",
        "a maximum has a value and a place. Which of the two is a class?",
    ),
    "gives-up-early": Explanation(
        "Gives up early",
        "It ends before the network is fooled.",
        "how many steps does the exercise speak of, and what ends your loop?",
    ),
    "returns-input": Explanation(
        "It returns the image that came in",
        "The network was given other images on the way, but what comes back is X.",
        "which of your tensors holds the result?",
    ),
    "image-never-changed": Explanation(
        "The image never changes",
        "The network was asked again and again about the same image.",
        "what is it that your step changes, and is it what the network is given next?",
    ),
    "already-fooled-image-changed": Explanation(
        "An image that is of the target class already is changed",
        "It takes a step before it looks at the scores for the first time.",
        "what should come back if there is nothing to do?",
    ),
    # class visualization
    "regulariser-missing": Explanation(
        "The regulariser has no effect",
        "Your change of the image stays the same when l2_reg changes.",
        "follow l2_reg through your code: by which path does it reach the image?",
    ),
    "regulariser-detached": Explanation(
        "The regulariser is cut off from the gradient",
        "You compute it, but from a copy of the image that is not a part of the graph (`.data`, `.detach()`, or under no_grad), "
        "so its gradient is 0 and it has no effect.",
        "which tensor must the regulariser be computed from so that `backward()` finds its way to the image?",
    ),
    "regulariser-on-weights": Explanation(
        "The regulariser is on the weights",
        "You penalise the size of the network's weights. They do not depend on the image, so that has no effect on it.",
        "whose values shall stay small?",
    ),
    "regulariser-on-scores": Explanation(
        "The regulariser is on the scores",
        "You penalise the size of the scores and not of the image.",
        "whose values shall stay small?",
    ),
    "regulariser-not-squared": Explanation(
        "The regulariser is not squared",
        "You penalise the norm of the image, not its square. For an image of the notebook that is hundreds of times too weak.",
        "what does the formula say over the norm? What is the gradient of each of the two?",
    ),
    "regulariser-wrong-sign": Explanation(
        "The regulariser has the wrong sign",
        "It makes large values larger: the image is pushed away from 0.",
        "do you climb on something or descend on it, and which sign must the penalty have then?",
    ),
    "regulariser-halved": Explanation(
        "Half the regulariser",
        "The regulariser's part of the step is half as large as it should be.",
        "what is the derivative of x squared?",
    ),
    "regulariser-constant": Explanation(
        "The regulariser is a constant",
        "The same number is added to every pixel, or taken from it, whatever the image is.",
        "large values shall be pulled back more than small ones. Whose values must stand beside l2_reg, then?",
    ),
    "regulariser-other-size": Explanation(
        "The regulariser has another size",
        "The score's part is right, the regulariser's part is too strong or too weak.",
        "write down the derivative of l2_reg times the sum of squares, and compare each factor.",
    ),
    "regulariser-not-normalised": Explanation(
        "Only the score's gradient is normalised",
        "The regulariser is added after the division by the norm, so the two do not have the weights that the objective "
        "gives them.",
        "which vector is the direction of steepest ascent of the whole objective? Divide that one, or none.",
    ),
    "not-in-place": Explanation(
        "The image is not changed in place",
        "Whoever called the function still has the old image.",
        "does your last line change the tensor that came in, or does it give its name to a new one?",
    ),
    # form
    "wrong-type": Explanation("It returns something else than a float tensor", "", "which of the things you have is the result?"),
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
        "X holds other values after the call than before; the next one who uses it gets the changed image.",
        "which of your lines writes into X itself, and not into a copy?",
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
    "fixed-sizes": "right for images of 224 x 224 pixels and 1000 classes, but for no others: a size is written as a number.",
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
        r"CUDA|NVIDIA|cuda",
        "The code asks for a GPU by name. Take the device from X or from the model, then it runs everywhere.",
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
    (r"dtype|Long|Double|Float", "Two tensors have different dtypes."),
    (r"SystemExit", "exit() and quit() end the whole program; a function ends with return."),
]


def meaning_of(kind, message, own_line=True):
    """Return the sentence that explains an error, or None. own_line: whether it came up in the student's own code."""
    if not own_line and re.search(r"positional argument|unexpected keyword", message):
        return "The function is called as in the exercise; does its signature still have the exercise's arguments?"
    return next((sentence for pattern, sentence in ERRORS if re.search(pattern, f"{kind}: {message}")), None)
