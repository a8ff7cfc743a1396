"""What a network is shown while a function works with it."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

MOST_CALLS = 400  # forward passes; the hardest of the notebook's images takes 71 steps, of one to three passes each


class TooManyCalls(BaseException):
    """Ends a block that calls the network again and again; `except Exception` in the block does not catch it."""


@contextlib.contextmanager
def recorded_scores(model: torch.nn.Module, most_calls: int = MOST_CALLS) -> Iterator[list[torch.Tensor]]:
    """Record the scores of every image that a network sees in this block.

    Scores that repeat those before them are left out: looking twice at one image is not a step.

    Parameters
    ----------
    model : torch.nn.Module
        A network that returns raw scores of shape (N, C).
    most_calls : int
        The number of forward passes after which the block is ended, >= 1.

    Yields
    ------
    list of float tensor of shape (C,)
        Fills while the block runs.

    Raises
    ------
    TooManyCalls
        After `most_calls` forward passes: a loop in the block has no limit.
    """
    scores: list[torch.Tensor] = []
    calls = 0

    def record(_module: torch.nn.Module, _inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        nonlocal calls
        if calls == most_calls:
            raise TooManyCalls(f"The network was called {calls} times with no end in sight. Does the loop have a limit?")
        calls += 1
        for row in output.detach().cpu().reshape(len(output), -1):
            if not (scores and torch.equal(scores[-1], row)):
                scores.append(row)

    last = list(model.children())[-1]  # its hook is called even by model.forward(X), which bypasses the model's own
    handle = last.register_forward_hook(record)
    try:
        yield scores
    finally:
        handle.remove()
