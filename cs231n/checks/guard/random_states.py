"""The states of the random numbers that a call uses: seen, and put back."""

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

# Python's, NumPy's, and torch's of the CPU and of each GPU; the first two in the form that their own setstate takes.
RandomStates = tuple[Any, Any, torch.Tensor, list[torch.Tensor]]


@contextlib.contextmanager
def restored(note: Callable[[str], None]) -> Iterator[None]:
    """Put back the random states. note: called with the id of what was changed."""
    seeds = _random_states()
    try:
        yield
    finally:
        if not _same(seeds, _random_states()):
            note("changes-random-state")
            _restore_random_states(seeds)


def _random_states() -> RandomStates:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda


def _same(seeds: RandomStates, others: RandomStates) -> bool:
    (python, numpy, cpu, cuda), (other_python, other_numpy, other_cpu, other_cuda) = seeds, others
    numpy_same = numpy[0] == other_numpy[0] and np.array_equal(numpy[1], other_numpy[1]) and numpy[2:] == other_numpy[2:]
    cuda_same = len(cuda) == len(other_cuda) and all(map(torch.equal, cuda, other_cuda))
    return python == other_python and numpy_same and torch.equal(cpu, other_cpu) and cuda_same


def _restore_random_states(seeds: RandomStates) -> None:
    python, numpy, cpu, cuda = seeds
    random.setstate(python)
    np.random.set_state(numpy)
    torch.set_rng_state(cpu)
    if cuda:
        torch.cuda.set_rng_state_all(cuda)
