"""What a student writes into the exercises' cells first, which is wrong. The right solutions are the reference's."""

import re

TO_WRITE = re.compile(r"^    # YOUR CODE HERE\n    raise NotImplementedError.*$", re.M)

# {id of the exercise's cell: the lines that take the place of the stub's two}
WRONG = {
    "exercise-1": [
        "loss = torch.nn.functional.cross_entropy(model(X), y)",
        "(gradient,) = torch.autograd.grad(loss, X)",
        "saliency = gradient.abs().amax(dim=1)",
    ],
    "exercise-2": [
        "for _ in range(100):",
        "    scores = model(X_fooling)",
        "    if scores.argmax() == target_y:",
        "        break",
        "    scores[0, target_y].backward()",
        "    X_fooling.data += X_fooling.grad / X_fooling.grad.norm()",
    ],
    "exercise-3": [
        "(ascent,) = torch.autograd.grad(model(img)[0, target_y], img)",
        "img.data += learning_rate * ascent / ascent.norm()",
    ],
}
MISTAKES = {"exercise-1": "cross-entropy", "exercise-2": "gradient-accumulates", "exercise-3": "regulariser-missing"}


def filled_in(stub, lines):
    """Return the source of an exercise's cell with these lines where the stub has its two."""
    body = "\n".join(f"    {line}" for line in lines)
    source, count = TO_WRITE.subn(lambda _: body, stub)
    assert count == 1, stub
    return source
