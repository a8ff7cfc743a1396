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
    "compute_smoothgrad_maps": "Its maps are those expected on several small networks, for batches and noise of different sizes.",
    "compute_integrated_gradients": "Its attributions are those expected on several small networks, for batches of different "
    "sizes, several numbers of steps and baselines that are not 0.",
    "compute_grad_cam_maps": "Its maps are those expected on several small networks, for batches and feature maps of different "
    "sizes.",
    "transform_images": "Its pictures are those expected, of dots and of noise, for batches and images of different sizes.",
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
    "label-as-score": Explanation(
        "The label is taken for a score",
        "You differentiate the squared difference between the score and the number of the class, as if that number were the "
        "value that the score should have.",
        "a label is a position in `scores`. What would change if the classes were numbered in another order?",
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
    "squared-gradient": Explanation(
        "Square of the gradient",
        "Strong pixels are exaggerated: each value is squared.",
        "a reaction twice as strong should be twice as bright.",
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
    # SmoothGrad
    "not-squared": Explanation(
        "No square",
        "Your map averages the strength of the gradient, not its square.",
        "two copies have the gradients 1 and 3. Which number does the formula give, and which one do you get?",
    ),
    "squared-after-mean": Explanation(
        "The mean comes before the square",
        "You average first and square (or take the absolute value) then. What differs between the copies in sign or strength is "
        "lost before it counts.",
        "two copies have the gradients 2 and -2. Which number does the formula give, and which one do you get?",
    ),
    "maximum-before-mean": Explanation(
        "The maximum comes before the mean",
        "You take the strongest colour of each copy and average those. The strongest colour can be another one in each copy.",
        "in which order does the exercise name the mean and the maximum? Try it by hand with two copies and two colours.",
    ),
    "sum-over-copies": Explanation(
        "Sum over the copies in place of the mean",
        "Your map grows with the number of copies.",
        "what should the map be with twice as many copies?",
    ),
    "root-taken": Explanation(
        "A root is taken",
        "Your map is the square root of the right one.",
        "which operation of yours comes after the mean and is not in the formula?",
    ),
    "noise-ignored": Explanation(
        "The noise is ignored",
        "Every gradient is taken at the image itself.",
        "print how far apart two of the inputs are that you give the network.",
    ),
    "noise-accumulates": Explanation(
        "The noise accumulates",
        "The second copy still holds the noise of the first one, and so on.",
        "what does each copy start from? Does a line of yours change the image that the next copy is made of?",
    ),
    "one-copy-only": Explanation(
        "Only one copy counts",
        "Your map comes from the first or the last copy alone.",
        "what happens to the result of a copy when the next one is there? And does a `return` stand in the loop?",
    ),
    "noise-averaged-first": Explanation(
        "The noise is put together first",
        "You take one gradient, at the image with all of the noise. Noise that is averaged cancels.",
        "how many gradients does the formula average?",
    ),
    "noise-without-image": Explanation(
        "Noise without the image",
        "The gradient is taken at the noise alone.",
        "what does a noisy copy of an image consist of?",
    ),
    "noise-subtracted": Explanation(
        "The noise is subtracted",
        "Your copies are the image less the noise. For noise without end that is the same; for the noise that you are given, it "
        "is not.",
        "what does the docstring say about noise[s] and X?",
    ),
    # integrated gradients
    "baseline-ignored": Explanation(
        "The baseline is ignored",
        "You compute what a baseline of 0 would give.",
        "where does the path start, and what is the difference that is to be shared out among the pixels?",
    ),
    "baseline-not-on-path": Explanation(
        "The path does not start at the baseline",
        "Your path leads from 0 to the image.",
        "put 0 and 1 into your formula for a point of the path. Which images come out?",
    ),
    "baseline-not-in-factor": Explanation(
        "The factor is the image alone",
        "You multiply by the image and not by its difference from the baseline.",
        "what should the attribution of a pixel be that is the same in both?",
    ),
    "path-misses-image": Explanation(
        "The path does not end at the image",
        "Your path leads from the baseline to the sum of baseline and image.",
        "put 0 and 1 into your formula for a point of the path. Which images come out?",
    ),
    "not-times-difference": Explanation(
        "Not multiplied by the difference",
        "What you return is the mean gradient. It has the unit score per pixel value, so it cannot sum to a score.",
        "what stands before the integral?",
    ),
    "sum-over-steps": Explanation(
        "Sum over the steps in place of the mean",
        "Your attributions grow with the number of steps.",
        "what should they be with twice as many steps?",
    ),
    "ends-of-parts": Explanation(
        "The gradients are taken at the ends of the parts",
        "The path is cut into equal parts, and your gradients belong to places where a part begins or ends.",
        "draw the path with num_steps = 2. Where is the middle of each part?",
    ),
    "steps-off-by-one": Explanation(
        "One step too few or too many",
        "The number of your gradients, or of your parts, is not num_steps.",
        "for num_steps = 2, write down the places at which you take a gradient, and what you divide by.",
    ),
    "num-steps-ignored": Explanation(
        "num_steps is ignored",
        "Your attributions stay the same when num_steps changes.",
        "which of the function's arguments do you never use?",
    ),
    "gradient-at-image-only": Explanation(
        "The gradient at the image only",
        "You take one gradient, at the end of the path. Where the score has levelled off there, it misses how it rose.",
        "at how many places, and at which, does the exercise ask for the gradient?",
    ),
    "gradient-through-path": Explanation(
        "The gradient goes through the path",
        "You differentiate with respect to X and not to the point on the path. By the chain rule each gradient is multiplied by "
        "how far along the path its point lies.",
        "if X changes by 1, by how much does the point half way change?",
    ),
    "sign-turned": Explanation(
        "The sign is turned",
        "What raises the score counts as lowering it.",
        "what is subtracted from what, and is it the score that you differentiate or the score times -1?",
    ),
    "absolute-value-taken": Explanation(
        "An absolute value is taken",
        "Your attributions have lost their sign, so they no longer sum to a difference of scores.",
        "what does a negative attribution say, and which line of yours removes it?",
    ),
    # Grad-CAM
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
    # transformations
    "degrees": Explanation(
        "Degrees and radians are mixed up",
        "Your angles are too small or too large by a factor of 57.3.",
        "which unit do the angles have, which one does torch.sin take, and is there anything to convert?",
    ),
    "rotates-the-other-way": Explanation(
        "It rotates the other way",
        "What is in your pictures turns clockwise where it should turn counterclockwise.",
        "the second coordinate grows downwards here, and theta leads from the result to the image. What does each of the two do "
        "to the sign of an angle?",
    ),
    "rotation-ignored": Explanation(
        "The rotation is ignored",
        "Your pictures stay the same when the angles change.",
        "which of the function's arguments do you never use?",
    ),
    "scale-inverted": Explanation(
        "Things shrink where they should grow",
        "A scale of 2 makes things half as large in your pictures.",
        "theta leads from a place in the result to a place in the image. Something shall look twice as large: how far apart in "
        "the image are the places that two neighbours in the result look at?",
    ),
    "scale-ignored": Explanation(
        "The scale is ignored",
        "Your pictures stay the same when the scales change.",
        "which of the function's arguments do you never use?",
    ),
    "shift-ignored": Explanation(
        "The shift is ignored",
        "Your pictures stay the same when the shifts change.",
        "which of the function's arguments do you never use?",
    ),
    "shift-wrong-way": Explanation(
        "It shifts the wrong way",
        "Along one axis at least, things move in the direction against the one asked for.",
        "theta leads from the result to the image. Where must it look for a thing that has moved to the right?",
    ),
    "shift-half": Explanation(
        "Half the shift",
        "Things move half as far as they should.",
        "how long is a side in the coordinates that theta works with?",
    ),
    "shift-in-pixels": Explanation(
        "The shift has another unit",
        "Things move too little, or too far, by a factor that depends on the number of pixels.",
        "in which unit are the shifts given, and in which one does theta count? Does the number of pixels matter to either?",
    ),
    "shift-axes-swapped": Explanation(
        "The axes of the shift are swapped",
        "What should move to the right moves down.",
        "which coordinate comes first in theta, which one first in `shifts`?",
    ),
    "shift-not-turned-back": Explanation(
        "The shift is not turned back",
        "Rotation and scale are right, and alone the shift would be, too; together they are as if the shift came first.",
        "things are rotated and enlarged first, then moved. Undo that, step by step: what comes first on the way back, and what "
        "then happens to the shift?",
    ),
    "not-inverted": Explanation(
        "The transformation is not inverted",
        "Your theta leads from the image to the result. So everything is undone where it should be done.",
        "for each place in the result, theta is asked where to look. In which direction is that?",
    ),
    "same-for-all-images": Explanation(
        "The same for all images",
        "Every image gets the rotation, scale and shift of the first one.",
        "which shape should theta have, and does its first dimension hold different values?",
    ),
    "other-padding": Explanation(
        "Other colours come in over the edges",
        "What comes in from outside of the image is not the mirrored picture.",
        "which padding does the docstring ask for?",
    ),
    "aligned-corners": Explanation(
        "Corners are aligned",
        "Grid and sampling do not agree with the exercise on where -1 and 1 lie: at the edges of the image or at the middles of "
        "its outermost pixels.",
        "was something changed about align_corners?",
    ),
    "other-interpolation": Explanation(
        "Interpolated in another way",
        "Your colours are not mixed bilinearly from the nearest pixels.",
        "was something changed about the mode in which the image is sampled?",
    ),
    # steps
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
    "other-stop-test": Explanation(
        "Another stop test",
        "More steps follow although the network already says the target class, until something else is true, such as a "
        "probability above a threshold or a lead over the other classes.",
        "when is the network fooled, and does your condition become true at that very image?",
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
        "Whatever was computed on the way, what comes back is what came in.",
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
    "regulariser-other-norm": Explanation(
        "Another norm in the regulariser",
        "You penalise something other than the sum of the image's squares, such as the sum of its absolute values (the L1 norm) "
        "or of their third powers.",
        "which power does the L2 norm squared take of each value, and what is the derivative of that?",
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
    "regulariser-without-learning-rate": Explanation(
        "The learning rate is missing from the regulariser",
        "The score's part of your step is multiplied by the learning rate, the regulariser's part is not, so their proportion "
        "depends on the learning rate.",
        "which vector is the direction of steepest ascent of the whole objective, and what is multiplied by the learning rate?",
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
    "gradient-cut": Explanation(
        "No gradient leads back to the images",
        "Your pictures are right, but PyTorch cannot follow how all of them came about, and class images are made by the "
        "gradient that leads back.",
        ".detach(), .data, .item(), NumPy, torch.no_grad() and torch.tensor() end a graph. Where does the one of `images` end?",
    ),
    # form
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


def meaning_of(kind, message, own_line=True):
    """Return the sentence that explains an error, or None. own_line: whether it came up in the student's own code."""
    if not own_line and re.search(r"positional argument|unexpected keyword", message):
        return "The function is called as in the exercise; does its signature still have the exercise's arguments?"
    return next((sentence for pattern, sentence in ERRORS if re.search(pattern, f"{kind}: {message}")), None)
