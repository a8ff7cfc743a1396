"""Measuring several ways to do one thing side by side, beside what the machine could do at best, for tests/benchmarks/."""

import ctypes
import gc
import math
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

RUNS = 7
MIB = 2**20


def seconds_of(sides, runs=RUNS, warm_ups=None):
    """Return {name: seconds of each run}. sides: {name: function without arguments}.

    The sides take turns, so what slows the machine for a while slows all of them. Every timed call follows an untimed one of
    the same side, which brings its data back into the caches; on a GPU a call ends when its work is done.
    warm_ups: {name: a shorter function to call untimed instead}, for sides that take long.
    """
    found = {name: [] for name in sides}
    for _ in range(runs):
        for name, function in sides.items():
            (warm_ups or sides)[name]()
            _wait()
            before = time.perf_counter()
            function()
            _wait()
            found[name].append(time.perf_counter() - before)
    return found


def _wait():
    if torch.cuda.is_available():
        torch.cuda.synchronize()


@dataclass(frozen=True)
class Limit:
    """What this machine can do at best: floating-point operations a second, and bytes read or written a second."""

    flops: float
    bytes: float

    def __str__(self):
        return f"{self.flops / 1e9:,.0f} GFLOP/s in the largest matrix product, {self.bytes / 1e9:,.0f} GB/s in a copy"


def limit_sides(device="cpu", dtype=torch.float32):
    """Return the sides that measure a Limit, a product of large matrices and a copy of a large tensor, and what limit_of needs.

    On a GPU the product may use TF32 if convolutions may.
    """
    device = torch.device(device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    side, length = (8192, 2**29) if device.type == "cuda" else (2048, 2**25)
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    source, target = (torch.ones(length, device=device) for _ in range(2))
    operations, moved = 2 * side**3, 2 * source.nbytes
    return {"matrix product": lambda: left @ right, "copy": lambda: target.copy_(source)}, (operations, moved)


def limit_of(found, work):
    """Return the Limit from the seconds of limit_sides and the operations and bytes of one call of each: the best run counts."""
    operations, moved = work
    return Limit(operations / min(found["matrix product"]), moved / min(found["copy"]))


def seconds_at(limit, function):
    """Return how long the PyTorch operations that `function` calls would take at this Limit, one after the other.

    An operation reads its inputs and writes its outputs once; it takes the longer of its arithmetic and of these bytes.
    """
    with _Operations() as operations:
        function()
    return sum(max(flops / limit.flops, moved / limit.bytes) for flops, moved in operations.found)


def arithmetic_seconds_at(limit, function):
    """Return how long the arithmetic alone of the matrix products and convolutions that `function` calls would take."""
    return seconds_at(Limit(limit.flops, math.inf), function)


def at_limit(limit, function):
    """Return the fields of a Comparison that say how long a call of `function`, ours, would take at this Limit."""
    return {"at_limit": seconds_at(limit, function), "arithmetic": arithmetic_seconds_at(limit, function)}


def loop_at_limit(limit, loop, iterations):
    """Return the same for loop(iterations), without what it does once: from the difference between 12 iterations and 2."""
    few, more = at_limit(limit, loop(2)), at_limit(limit, loop(12))
    return {field: (more[field] - few[field]) / 10 * iterations for field in few}


class _Operations(TorchDispatchMode):
    """Notes floating-point operations and bytes of each operation that PyTorch carries out; views cost nothing."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        if not function.is_view:
            count = flop_registry.get(function.overloadpacket)
            flops = count(*args, **kwargs, out_val=result) if count else 0
            tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor)]
            self.found.append((flops, sum(tensor.nbytes for tensor in tensors)))
        return result


def peak_mib(function):
    """Return by how many MiB this process (or the GPU's memory, if there is one) grew at most while `function` ran.

    None where it cannot be told: elsewhere than on Linux and CUDA.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        return (torch.cuda.max_memory_allocated() - before) / MIB
    if not sys.platform.startswith("linux"):
        return None
    ctypes.CDLL(None).malloc_trim(0)  # else memory that was freed and kept would be used again unseen
    before = psutil.Process().memory_info().rss
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    function()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak) / 1024 - before / MIB


@dataclass(frozen=True)
class Comparison:
    """One row: what was done, for how many units (images, iterations) in one call, and the seconds of each side's calls.

    seconds: {side: seconds of each run}, ours first. at_limit: seconds of ours at the machine's Limit; arithmetic: of these,
    the arithmetic alone. peak: of ours, MiB.
    """

    what: str
    units: int
    seconds: dict
    at_limit: float | None = None
    arithmetic: float | None = None
    peak: float | None = None

    @property
    def ours(self):
        return statistics.median(next(iter(self.seconds.values())))

    @property
    def peers(self):
        return {name: statistics.median(seconds) for name, seconds in list(self.seconds.items())[1:]}

    @property
    def percent_of_limit(self):
        return None if self.at_limit is None else 100 * self.at_limit / self.ours

    @property
    def percent_of_arithmetic(self):
        return None if self.arithmetic is None else 100 * self.arithmetic / self.ours


def comparison_table(comparisons, unit):
    """Return lines of Markdown: for each side milliseconds a unit, median and spread; how often ours fits in; share of limit."""
    sides = list(dict.fromkeys(name for comparison in comparisons for name in comparison.seconds))
    lines = [
        f"| ms {unit}: median (least to most); times ours | {' | '.join(sides)} | ours, % of limit | "
        "arithmetic alone, % | ours, MiB |",
        "|---" * (len(sides) + 4) + "|",
    ]
    for comparison in comparisons:
        cells = [_cell(comparison, side) for side in sides]
        last = comparison.percent_of_limit, comparison.percent_of_arithmetic, comparison.peak
        cells += ["" if value is None else f"{value:.0f}" for value in last]
        lines.append(f"| {comparison.what} | {' | '.join(cells)} |")
    return lines


def _cell(comparison, side):
    if side not in comparison.seconds:
        return ""
    each = [1000 * seconds / comparison.units for seconds in comparison.seconds[side]]
    times = comparison.peers.get(side, 0) / comparison.ours
    text = f"{statistics.median(each):.3g} ({min(each):.3g} to {max(each):.3g})"
    return f"{text}; **{times:.2g}x**" if times else text


def result_rows(name, comparisons):
    """Return the rows for results.json. name: of the benchmark."""
    return [
        {
            "row": f"{name}: {comparison.what}",
            "ours_s": comparison.ours,
            "peers_s": comparison.peers,
            "percent_of_limit": comparison.percent_of_limit,
            "peak_mib": comparison.peak,
        }
        for comparison in comparisons
    ]
