"""Stage 4: how fast saliency maps and class visualization are, in each precision, beside captum and the usual loop."""

import time
import warnings
from functools import partial

import torch
from captum.attr import Saliency
from helpers import textbook
from machine import limits_of
from plan import Outcome, low_precision, precision
from proof import photographs
from side_by_side import Comparison, at_limit, comparison_table, loop_at_limit, peak_mib, result_rows, seconds_of

from cs231n.class_visualization import BatchedStep, NoImageWarning, create_class_visualization, in_mixed_precision
from cs231n.instructor.atlas import batched_class_visualization_update_step
from cs231n.net_visualization_pytorch import class_visualization_update_step, compute_saliency_maps
from cs231n.squeezenet import load_squeezenet

CLOSE = {"fp32": 0.02, "TF32": 0.15, "bf16": 0.35}  # relative L2 error between ways: TF32 keeps 10 bits, bfloat16 8
COMPILED_MAPS, COMPILED_CLASSES = 25, 64  # torch.compile takes part at these sizes only: each costs tens of seconds


def stage(plan):
    """Return the Outcome of both comparisons."""
    model = load_squeezenet(device=plan.device)
    plain = textbook.plain_squeezenet(model)
    maps, of_maps = saliency(plan, model, plain)
    images, of_images = class_visualization(plan, model, plain)
    lines = [
        f"All sides of a table take turns, {plan.sizes.runs} runs each. Captum and the usual form have torchvision's network in "
        "the same precision, its weights requiring grad. A share of the limit is that of the same precision.",
        "",
        "Saliency maps:",
        "",
        *comparison_table(maps, "an image"),
        "",
        *of_maps,
        f"Class visualization, {plan.sizes.iterations} iterations, the usual loop from at most {plan.sizes.textbook} classes:",
        "",
        *comparison_table(images, "an image and iteration"),
        "",
        *of_images,
    ]
    return Outcome(lines, [*result_rows("gpu speed: saliency", maps), *result_rows("gpu speed: classes", images)], [])


# Saliency maps


def saliency(plan, model, plain):
    """Return a Comparison for each number of images, precision and way of ours, and sentences on what was left out."""
    found, notes = [], []
    X, y = (tensor.to(plan.device) for tensor in photographs(20))
    for N in plan.sizes.saliency:
        repeated = torch.arange(N) % len(X)
        sides, more = saliency_sides(plan, X[repeated], y[repeated], model, plain)
        notes += more
        seconds = seconds_of(sides, plan.sizes.runs)
        for name in plan.precisions:
            limit = limits_of(plan)[name]
            eager = sides["ours", name]
            shares = {**at_limit(limit, eager), "peak": peak_mib(eager)}
            peers = {side: seconds[side, name] for side in ("captum", "textbook")}
            for way in ("ours", "ours, CUDA graph", "ours, compiled"):
                if (way, name) in seconds:
                    what = f"N = {N}, {name}{way.removeprefix('ours')}"
                    found.append(Comparison(what, N, {"ours": seconds[way, name], **peers}, **shares))
    return found, notes


def saliency_sides(plan, X, y, model, plain):
    """Return ({(way, precision): function}, sentences): all of them checked against ours."""
    captum, sides, notes = Saliency(plain), {}, []
    for name in plan.precisions:
        run = partial(_in_precision, name, plan.device)
        ways = {
            "ours": partial(compute_saliency_maps, X, y, model),
            "captum": lambda: captum.attribute(X.clone().requires_grad_(), target=y).amax(dim=1),
            "textbook": partial(textbook.saliency_maps, X, y, plain),
        }
        if plan.sizes.graphs:
            ways["ours, CUDA graph"] = _tried(
                notes, f"CUDA graph, N = {len(X)}, {name}", partial(run, partial(graphed_maps, X, y, model))
            )
            if len(X) == COMPILED_MAPS and name == plan.usual:
                ways["ours, compiled"] = _tried(
                    notes, "torch.compile, saliency maps", partial(run, partial(compiled_maps, X, y, model, notes))
                )
        expected = run(ways["ours"])
        for way, function in ways.items():
            if function is not None:
                _require_close(f"{way}, N = {len(X)}, {name}", run(function), expected, CLOSE[name])
                sides[way, name] = partial(run, function)
    return sides, notes


def compiled_maps(X, y, model, notes):
    """Return a function that computes bare_maps with the network compiled, after a sentence in `notes` on the compiling."""
    network = torch.compile(model)

    def maps():
        return bare_maps(X.clone().requires_grad_(), y, network)

    notes.append(_compile_time(f"saliency maps, N = {len(X)}", maps))
    return maps


def bare_maps(X, y, model):
    """Return what compute_saliency_maps does, (N, H, W), without looking whether X (N, 3, H, W) and y (N,) are right ones."""
    (gradient,) = torch.autograd.grad(model(X).gather(1, y[:, None]).sum(), X)
    return gradient.abs().amax(dim=1)


def graphed_maps(X, y, model):
    """Return a function that copies X into a CUDA graph of bare_maps and replays it."""
    given = X.clone().requires_grad_()
    replay, result = captured(lambda: bare_maps(given, y, model))

    def maps():
        given.data.copy_(X)
        replay()
        return result

    return maps


def captured(function):
    """Return (replay, result) of a CUDA graph of function(); the result is written again with each replay."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    low = torch.is_autocast_enabled("cuda")
    with torch.autocast("cuda", torch.bfloat16, enabled=low, cache_enabled=False):  # a cache would lie outside of the graph
        with torch.cuda.stream(stream):
            for _ in range(3):
                function()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = function()
    return graph.replay, result


def _in_precision(name, device, function):
    with precision(name), low_precision(name, device):
        return function()


def _require_close(what, found, expected, most):
    off = ((found.float() - expected.float()).norm() / expected.float().norm()).item()
    if not off <= most:
        raise ValueError(f"{what} differs from ours by {off:.1e} (L2); expected at most {most}. Nothing was timed.")


def _tried(notes, what, make):
    """Return make(), or None with a sentence in `notes`: what this GPU or PyTorch cannot do is left out, and said."""
    try:
        return make()
    except Exception as error:  # of the compiler or of CUDA, whatever it is
        notes.append(f"Left out: {what} ({type(error).__name__}: {str(error).splitlines()[0][:200]}).")
        return None


def _compile_time(what, function):
    """Return a sentence on how long the first call takes, compiling included."""
    torch._dynamo.reset()
    before = time.perf_counter()
    function()
    torch.cuda.synchronize()
    return f"torch.compile, {what}: {time.perf_counter() - before:.1f} s for the first call."


# Class visualization


def class_visualization(plan, model, plain):
    """Return a Comparison for each number of classes, precision and way of ours, and sentences on what was left out."""
    found, notes = [], []
    for N in plan.sizes.classes:
        steps, more = steps_of(plan, N, model)
        notes += more
        sides = {(way, name): partial(loop, plan, N, model, name, step) for (way, name), step in steps.items()}
        few = {way: partial(side, iterations=2) for way, side in sides.items()}
        of_peer = min(N, plan.sizes.textbook)
        for name in plan.precisions:
            sides["textbook", name] = partial(textbook_loop, plan, of_peer, plain, name, plan.sizes.iterations)
            few["textbook", name] = partial(textbook_loop, plan, 1, plain, name, 2)
        seconds = seconds_of(sides, plan.sizes.runs, warm_ups=few)
        for name in plan.precisions:
            own = sides["ours", name]
            shares = loop_at_limit(limits_of(plan)[name], lambda n, own=own: partial(own, iterations=n), plan.sizes.iterations)
            shares["peak"] = peak_mib(few["ours", name])
            peer = {"textbook": [each * N / of_peer for each in seconds["textbook", name]]}
            for way, precision_name in steps:
                if precision_name == name:
                    what = f"{N} class{'es' * (N > 1)}, {name}{way.removeprefix('ours')}"
                    units = N * plan.sizes.iterations
                    found.append(Comparison(what, units, {"ours": seconds[way, name], **peer}, **shares))
    return found, notes


def steps_of(plan, N, model):
    """Return ({(way, precision): update step}, sentences) for N classes at once."""
    steps, notes = {}, []
    for name in plan.precisions:
        steps["ours", name] = batched_class_visualization_update_step
        if N == 1:
            steps["ours, exercise 3", name] = _of_one_image
        if plan.sizes.graphs:
            steps["ours, CUDA graph", name] = GraphedStep()
            if N == COMPILED_CLASSES and name == "bf16":
                step = _tried(notes, f"torch.compile, {N} classes", partial(compiled_step, plan, N, model, name, notes))
                steps |= {("ours, compiled", name): step} if step else {}
    return steps, notes


def compiled_step(plan, N, model, name, notes):
    """Return the batched step with the network compiled, after a sentence in `notes` on the compiling."""
    network = torch.compile(model)

    def step(img, model, target_y, l2_reg, learning_rate):
        batched_class_visualization_update_step(img, network, target_y, l2_reg, learning_rate)

    notes.append(_compile_time(f"{N} classes, {name}", partial(loop, plan, N, model, name, step, iterations=1)))
    return step


def loop(plan, N, model, name, step, iterations=None):
    """Make the images of the first N classes. Raises ValueError if they do not fit at once: another batch is another thing."""

    def whole(img, *rest):
        if len(img) != N:
            raise ValueError(f"{N} images at once do not fit in this GPU's memory. Nothing was timed.")
        step(img, *rest)

    options = {"num_iterations": iterations or plan.sizes.iterations, "seed": 0, "progress": False}
    with precision(name), warnings.catch_warnings():
        warnings.simplefilter("ignore", NoImageWarning)  # after two iterations many a class is still dead
        whole_step = BatchedStep(in_mixed_precision(whole) if name == "bf16" else whole)
        create_class_visualization(range(N), model, whole_step, **options)


def textbook_loop(plan, count, plain, name, iterations):
    with precision(name), low_precision(name, plan.device):
        for label in range(count):
            textbook.class_visualization(label, plain, iterations)


def _of_one_image(img, model, target_y, l2_reg, learning_rate):
    """Take the step of exercise 3, which looks at what it is given."""
    class_visualization_update_step(img, model, target_y.item(), l2_reg, learning_rate)


class GraphedStep:
    """The batched step as a CUDA graph, captured when the first batch comes; all must have its size."""

    def __init__(self):
        self._replay = None

    def __call__(self, img, model, target_y, l2_reg, learning_rate):
        if self._replay is None:
            self._img, self._target = img.detach().clone().requires_grad_(), target_y.clone()
            self._replay, _ = captured(
                lambda: batched_class_visualization_update_step(self._img, model, self._target, l2_reg, learning_rate)
            )
        self._img.data.copy_(img.data)
        self._target.copy_(target_y)
        self._replay()
        img.data.copy_(self._img.data)
