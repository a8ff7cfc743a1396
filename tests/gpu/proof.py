"""Stage 2: on the GPU everything comes out as on the CPU, no loop waits, and a batch that does not fit is halved."""

import gc
import importlib
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import torch
from answers import ANSWERS
from helpers.fooling_pairs import fooled_pairs
from plan import Outcome, precision
from side_by_side import MIB

from cs231n import attribution
from cs231n.checks import EXERCISES, examine
from cs231n.class_visualization import BatchedStep, create_class_visualization
from cs231n.data_utils import load_imagenet_val
from cs231n.feature_visualization import create_class_images, transform_images
from cs231n.image_utils import blur_image, preprocess
from cs231n.instructor.atlas import batched_class_visualization_update_step
from cs231n.net_visualization_pytorch import class_visualization_update_step, compute_saliency_maps, make_fooling_image
from cs231n.squeezenet import load_squeezenet

EQUAL = 1e-5  # in double precision, of the largest value: what the CPU's tests ask for
CLOSE = 0.02  # in single precision, relative L2 error: what the grader takes for rounding in SqueezeNet's depth
PATHS = {"fooling image"}  # they stop at a step that rounding may move: compared in double precision only
EXERCISE_OF = dict(
    zip(
        (
            "saliency_maps",
            "fooling_image",
            "class_visualization_step",
            "smoothgrad",
            "integrated_gradients",
            "grad_cam",
            "transformation",
        ),
        EXERCISES,
        strict=True,
    )
)
STEPS = 12  # of a loop that must not wait
SMALL_MIB = 768  # of GPU memory, for a batch that must not fit
WORKERS = 14  # processes that check answers; each takes about half a GiB of a GPU


@dataclass(frozen=True)
class Finding:
    """One thing to prove: what was found, what was expected, and whether that is the same; None if it cannot be seen here."""

    what: str
    found: str
    expected: str
    fine: bool | None

    def line(self):
        said = {True: "yes", False: "**NO**", None: "not proven"}[self.fine]
        return f"| {self.what} | {self.found} | {self.expected} | {said} |"

    def row(self):
        return {"row": f"gpu proof: {self.what}", "found": self.found, "expected": self.expected, "fine": self.fine}


def stage(plan):
    """Return the Outcome of all proofs."""
    with precision("fp32"):
        findings = [
            *techniques(plan),
            *waiting(plan),
            *memory(plan),
            fooling(plan),
            *answers(plan),
        ]
    lines = ["| what | found | expected | as expected |", "|---|---|---|---|", *(finding.line() for finding in findings)]
    failed = [f"{one.what}: {one.found}; expected {one.expected}." for one in findings if one.fine is False]
    return Outcome(lines, [one.row() for one in findings], failed)


def photographs(count):
    """Return the first of the kit's photographs, preprocessed, (N, 3, 224, 224), and their labels (N,)."""
    X, y, _ = load_imagenet_val(count)
    return torch.cat([preprocess(image) for image in X]), torch.from_numpy(y)


# The techniques


def techniques(plan):
    """Yield a Finding for each technique: in double precision, and in single precision, against double on the CPU."""
    X, y = photographs(2)
    on_cpu = results(X, y, torch.device("cpu"), torch.float64)
    exact, single = (results(X, y, plan.device, dtype) for dtype in (torch.float64, torch.float32))
    for name, expected in on_cpu.items():
        off = ((exact[name] - expected).abs().max() / expected.abs().max()).item()
        yield Finding(f"{name}, double precision", f"{off:.1e} of the largest value off", f"at most {EQUAL:.0e}", off <= EQUAL)
        if name not in PATHS:
            error = ((single[name] - expected).norm() / expected.norm()).item()
            yield Finding(f"{name}, single precision", f"{error:.1e} off (L2)", f"at most {CLOSE}", error <= CLOSE)


def results(X, y, device, dtype):
    """Return {technique: what it returns, as double on the CPU} for images X and labels y."""
    model = load_squeezenet(device=device).to(dtype)
    random = torch.Generator().manual_seed(0)
    noise = 0.3 * torch.randn(3, *X.shape, generator=random)
    X, y, noise = X.to(device, dtype), y.to(device), noise.to(device, dtype)
    img, img_of_many = X[:1].clone().requires_grad_(), X.clone().requires_grad_()
    for _ in range(2):
        class_visualization_update_step(img, model, 76, 1e-3, 25)
        batched_class_visualization_update_step(img_of_many, model, y, 1e-3, 25)
    numbers = (torch.tensor([0.3, -0.2]), torch.tensor([1.3, 0.8]), torch.tensor([[0.1, 0.0], [0.0, -0.05]]))
    found = {
        "saliency maps": compute_saliency_maps(X, y, model),
        "fooling image": make_fooling_image(X[:1], 889, model),
        "class visualization, two steps": img,
        "class visualization, two steps of many": img_of_many,
        "SmoothGrad": attribution.compute_smoothgrad_maps(X, y, model, noise),
        "integrated gradients": attribution.compute_integrated_gradients(X, y, model, torch.zeros_like(X), 4),
        "Grad-CAM": attribution.compute_grad_cam_maps(X, y, model),
        "guided backpropagation": attribution.compute_guided_backpropagation_maps(X, y, model),
        "transformation": transform_images(X, *(number.to(device, dtype) for number in numbers)),
        "blur": blur_image(X.clone(), sigma=1.0),
    }
    return {name: result.detach().double().cpu() for name, result in found.items()}


# The students' checks


def answers(plan):
    """Yield Findings on the labelled answers: verdicts, and the names of mistakes, against the labels, which are the CPU's."""
    chosen = range(0, len(ANSWERS), plan.sizes.answers_step)
    context = multiprocessing.get_context("spawn")
    workers = min(WORKERS, len(os.sched_getaffinity(0)))
    try:
        with ProcessPoolExecutor(workers, context, initializer=_get_ready, initargs=(str(plan.device),)) as pool:
            found = list(pool.map(_verdict_and_names, chosen, [str(plan.device)] * len(chosen), chunksize=4))
    except BrokenProcessPool as error:
        yield Finding("labelled answers", f"a process ended: {error}", f"verdicts of {len(chosen)}", False)
        return
    pairs = [(ANSWERS[i], *told) for i, told in zip(chosen, found, strict=True)]
    off = [f"{a.exercise}-{a.function.__name__}: {verdict}" for a, verdict, _ in pairs if verdict != a.verdict]
    yield Finding("labelled answers, verdicts", _agreement(len(pairs), off), "the CPU's, every one", not off)
    off = [f"{a.exercise}-{a.function.__name__}: {sorted(names)}" for a, _, names in pairs if names != a.mistakes]
    yield Finding("labelled answers, names of mistakes", _agreement(len(pairs), off), "the CPU's, every one", not off)


def _agreement(count, off):
    return f"{count - len(off)} of {count} the same" + (f"; not {', '.join(off[:60])}" if off else "")


def _get_ready(device):
    """Have a worker do once what the first check would have to do within its time."""
    torch.set_num_threads(1)
    importlib.import_module("torch._dynamo")  # torch.optim and torch.func import it when they are first used
    for exercise in EXERCISES:
        examine(exercise, lambda *_: None, device)


def _verdict_and_names(index, device):
    report = examine(EXERCISE_OF[ANSWERS[index].exercise], ANSWERS[index].function, device)
    return report.verdict, frozenset(report.mistakes)


# Fooling images


def fooling(plan):
    """Return the Finding on the pairs of photograph and target class that the CPU's test takes, too."""
    X, _ = photographs(plan.sizes.photographs)
    found = fooled_pairs(X, load_squeezenet(device=plan.device), plan.sizes.targets)
    enough = len(found.fooled) >= 0.98 * len(found.pairs) and max(pair.steps for pair in found.fooled) < 100
    honest = all(pair.says_target == (not pair.warnings) for pair in found.pairs)
    expected = "98 % of them in under 100 steps, a warning for the others"
    return Finding(f"{len(found.pairs)} fooling images", found.summary(), expected, enough and honest)


# No loop waits


def waiting(plan):
    """Yield Findings on the two loops, run while CUDA raises an error wherever the CPU waits for the GPU."""
    model = load_squeezenet(device=plan.device)

    def class_visualizations(step_taken):
        def step(*arguments):
            step_taken()
            batched_class_visualization_update_step(*arguments)

        create_class_visualization([1, 2], model, BatchedStep(step), num_iterations=STEPS, seed=0, progress=False)

    def class_images(step_taken):
        def transform(*arguments):
            step_taken()
            return transform_images(*arguments)

        create_class_images([1, 2], model, transform, num_iterations=STEPS, progress=False)

    for name, loop in {"class visualization": class_visualizations, "class images": class_images}.items():
        yield _no_wait(name, loop, plan.on_gpu)


def _no_wait(name, loop, on_gpu):
    """Return the Finding on a loop: whether the CPU waits for the GPU between the second step and the last."""
    taken = []

    def step_taken():
        taken.append(1)
        if on_gpu and len(taken) in (2, STEPS):
            torch.cuda.set_sync_debug_mode("error" if len(taken) == 2 else "default")

    what = f"loop of {name}, {STEPS} steps"
    try:
        loop(step_taken)
    except RuntimeError as error:
        said = str(error).splitlines()[0]
        return Finding(what, f"stopped after {len(taken)} steps: {said}", "no wait", False)
    finally:
        if on_gpu:
            torch.cuda.set_sync_debug_mode("default")
    if len(taken) != STEPS:
        return Finding(what, f"{len(taken)} steps", f"{STEPS} steps", False)
    return Finding(what, "no wait", "no wait", True) if on_gpu else Finding(what, "no GPU to wait for", "no wait", None)


# Memory


def memory(plan):
    """Yield Findings on a batch that does not fit into the GPU's memory, and on the memory after it."""
    if not plan.on_gpu:
        yield Finding("a batch that does not fit", "no GPU whose memory could be too small", "halved", None)
        return
    model, sizes = load_squeezenet(device=plan.device), []
    before = _in_use()
    total = torch.cuda.get_device_properties(plan.device).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + SMALL_MIB * MIB) / total)

    def step(img, *rest):
        sizes.append(len(img))
        batched_class_visualization_update_step(img, *rest)

    try:
        images = create_class_visualization(range(64), model, BatchedStep(step), num_iterations=2, seed=0, progress=False)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    halved = len(images) == 64 and max(sizes) == 64 and min(sizes) < 64
    yield Finding(f"64 images in {SMALL_MIB} MiB", f"batches of {sorted(set(sizes), reverse=True)}", "halved, 64 images", halved)
    kept = (_in_use() - before) / MIB
    yield Finding("memory after that", f"{kept:.0f} MiB more than before", "at most 64 MiB more", kept <= 64)


def _in_use():
    gc.collect()
    torch.cuda.empty_cache()
    return torch.cuda.memory_allocated()
