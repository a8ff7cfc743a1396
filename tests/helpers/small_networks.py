"""Small networks of the tests, and a way to see what would make a GPU wait."""

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode


def small_network(classes=7, dtype=torch.float32, seed=0):
    """A smooth little network, so that finite differences are exact; it has no attribute num_classes."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, classes, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        return nn.Sequential(*layers).to(dtype).eval().requires_grad_(False)


class DeadReLU(nn.Module):
    """Class 2's score is 0 everywhere: its last ReLU never opens."""

    def __init__(self):
        super().__init__()
        self.body = small_network(4)

    def forward(self, X):
        return (self.body(X) + torch.tensor([0.0, 0.0, -1e3, 0.0])).relu()


class WithoutLookingAtValues(TorchDispatchMode):
    """Notes every operation that would make a GPU wait for the CPU, or the CPU for it: looking at values, moving tensors."""

    WAITING = "_local_scalar_dense", "equal", "nonzero", "masked_select", "lift_fresh", "is_nonzero", "allclose", "index"

    def __init__(self):
        super().__init__()
        self.count, self.waiting = 0, []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        name = function.overloadpacket.__name__
        moved = name == "_to_copy" and (kwargs or {}).get("device", args[0].device) != args[0].device
        if name in self.WAITING or moved:
            self.waiting.append(name)
        return function(*args, **(kwargs or {}))
