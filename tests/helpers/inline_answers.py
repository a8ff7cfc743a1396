"""Answers to two of the inline questions, each in the words of another student: some right, some half right, some wrong."""

ANSWERS = {
    "question-1": [
        "No. A saliency map only has absolute values, so you can not see any more whether a pixel should get brighter or "
        "darker. If the gradient was negative there, adding the map goes the wrong way and the score drops.",
        "I would say he is wrong, because M is the max over the channels. The three colours all get the same update even "
        "though the network wants, say, more red and less blue. And everything is positive, which means the picture just "
        "becomes brighter.",
        "The friend is not right: the direction of steepest ascent is the gradient itself. Taking abs() throws the sign "
        "away, and max throws away two of three numbers per pixel. What is left tells us how important a pixel is, not "
        "what to do with it.",
        "Partly. For those pixels whose gradient happens to be positive in the strongest channel it works, and for the "
        "rest it does the opposite of what we want. On average I'd expect about half of the pixels to be pushed in the "
        "wrong direction.",
        "Not a good idea. First of all the shapes do not match, M has no channel axis. Even if we repeat it three times "
        "we have lost the information about whether more or less intensity helps.",
        "Yes, because large saliency means that the class score depends a lot on that pixel, so changing it will change "
        "the score.",
        'No: saliency answers "where does the network look", while for ascent one needs "which way is up". Consider one '
        "pixel with dS/dI = -2 in every channel. M is +2, we add 2 alpha, and the score changes by -12 alpha or so.",
        "Wrong, since a step along |g| is not a step along g. The inner product of the two is the sum of g times |g|, "
        "which can be zero or below, so the score can even fall in first order.",
        "I don't think so. Suppose the sky has to become darker for the network to believe in a hay stack. The map is "
        "bright at the sky as it matters, and the update would make the sky lighter still.",
        "It fails for two reasons: signs are gone (abs) and colours are merged (max). You can fix it by using the raw "
        "gradient, exactly as we do later for the fooling images.",
        "The suggestion confuses sensitivity with direction. High M says: touch this pixel and the score will react. It "
        "is silent on whether the reaction is up or down, so half the time you lose.",
        "My guess was yes at first, but I tried it in a cell: after ten steps with M the probability went from 0.6 to "
        "0.1, whereas with the true gradient it went to 0.99. The reason must be the missing minus signs.",
    ],
    "question-3": [
        "A random vector in 150528 dimensions is almost orthogonal to the gradient. So the dot product with g is tiny, "
        "around the norm divided by the root of D, that's 388 times smaller than for a change along g.",
        "Because of cancellation. With random signs half of the contributions raise the score and the other half lower "
        "it, so in total nearly nothing remains. When the signs follow the gradient each of the pixels contributes a bit "
        "and 150 thousand bits are a lot.",
        "The first order change is delta times g. It is maximal if both point the same way (Cauchy-Schwarz). For noise "
        "the angle is close to ninety degrees, cos is roughly 1/sqrt(D) = 0.0026.",
        "Random noise is high frequency and the convolutions average it out, so the later layers hardly see it. The "
        "fooling change is structured, which passes through the filters.",
        "Think of D coin flips: their sum is of order sqrt(D), not D. The noise is such a sum. The fooling perturbation "
        "is like having all coins show heads.",
        "There are many more directions that do nothing than directions that matter. The gradient picks one of the few "
        "that matter, and a random one will contain only a small component of it, about one part in 400.",
        "Since the network was trained on augmented images it is robust to noise. It was never trained against "
        "adversarial changes, which is why they succeed with the same L2 norm.",
        "Linearise: s(x+d) = s(x) + g.d. Given the length of d, g.d is largest for d parallel to g. For a random d we get"
        " a normal distribution with mean 0 and standard deviation |g||d|/sqrt(D), which is negligible with D = 150 528.",
        "In high dimensions two random vectors are practically perpendicular. Hence moving at random is like walking "
        "along a contour line of the score: one gets far without climbing.",
        "The length is equal but not the direction. Only the projection onto the gradient counts and for the random "
        "change this projection is on the order of 1/388 of its length.",
        "A random change distributes its energy evenly over all 150528 axes, whereas the score reacts mainly to one "
        "special direction. So we waste almost the whole budget.",
        "I computed it: g.d for the fooling change was 9.1, for the noises between -0.04 and 0.05. So they are two "
        "hundred times weaker, since plus and minus cancel each other.",
    ],
}
