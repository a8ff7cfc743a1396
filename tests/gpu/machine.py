"""Stage 1: which GPU this is, and what it can do at best."""

import functools
import shutil
import subprocess

import torch
from benchmark_report import machine
from plan import Outcome, precision
from side_by_side import limit_of, limit_sides, seconds_of

QUERY = {
    "driver": "driver_version",
    "memory": "memory.total",
    "SM clock now": "clocks.sm",
    "SM clock at most": "clocks.max.sm",
    "memory clock now": "clocks.mem",
    "power limit": "power.limit",
}


def stage(plan):
    """Return the Outcome of looking at the machine and measuring its limits."""
    limits = limits_of(plan)
    lines = [
        f"{device_name(plan.device)}. {machine('torch', 'torchvision')}; CUDA {torch.version.cuda}.",
        *(f"{name}: {value}." for name, value in told_by_driver(plan).items()),
        "",
        "| precision | largest matrix product, TFLOP/s | copy, GB/s read or written |",
        "|---|---|---|",
        *(f"| {name} | {limit.flops / 1e12:.3g} | {limit.bytes / 1e9:,.3g} |" for name, limit in limits.items()),
    ]
    rows = [
        {"row": f"gpu machine: {name}", "flops_per_s": limit.flops, "bytes_per_s": limit.bytes} for name, limit in limits.items()
    ]
    return Outcome(lines, rows, [])


@functools.lru_cache
def limits_of(plan):
    """Return {precision: Limit} of the plan's device, measured once."""
    limits = {}
    for name in plan.precisions:
        with precision(name):
            sides, work = limit_sides(plan.device, torch.bfloat16 if name == "bf16" else torch.float32)
            limits[name] = limit_of(seconds_of(sides, plan.sizes.runs), work)
        del sides
    return limits


def device_name(device):
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"No GPU: the {device}"


def told_by_driver(plan):
    """Return what nvidia-smi tells about the GPU, {name: value}; nothing where there is none."""
    if not plan.on_gpu or not shutil.which("nvidia-smi"):
        return {}
    command = ["nvidia-smi", f"--query-gpu={','.join(QUERY.values())}", "--format=csv,noheader"]
    told = subprocess.run(command, capture_output=True, text=True)
    first = next(iter(told.stdout.splitlines()), "")
    return dict(zip(QUERY, (value.strip() for value in first.split(",")), strict=False))
