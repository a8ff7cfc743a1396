"""Student answers to compute_integrated_gradients(X, y, model, baseline, num_steps=32) -> (N, 3, H, W)."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

from cs231n.validation import checked_baseline, checked_batch

from . import broken, right, unfinished, wrong

# ---------------------------------------------------------------- right


@right()
def loop_with_a_fresh_leaf(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        alpha = (k + 0.5) / num_steps
        point = (baseline + alpha * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    attributions = (X - baseline) * (total / num_steps)
    return attributions.detach()


@right()
def counted_from_one(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    grads = 0
    for m in range(1, num_steps + 1):
        x = baseline + (m - 1 / 2) / num_steps * (X - baseline)
        s = model(x)[torch.arange(len(y)), y].sum()
        grads = grads + torch.autograd.grad(s, x)[0]
    return ((X - baseline) * grads / num_steps).detach()


@right()
def all_steps_in_one_batch(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    alphas = (torch.arange(num_steps) + 0.5) / num_steps
    path = baseline + alphas.view(-1, 1, 1, 1, 1) * (X.detach() - baseline)
    points = path.flatten(0, 1).requires_grad_()
    own = model(points).gather(1, y.repeat(num_steps)[:, None])
    (g,) = torch.autograd.grad(own.sum(), points)
    return (X.detach() - baseline) * g.view(path.shape).mean(dim=0)


@right()
def one_image_at_a_time(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    X = X.detach()
    attributions = torch.zeros_like(X)
    steps = (torch.arange(num_steps).view(-1, 1, 1, 1) + 0.5) / num_steps
    for i in range(len(X)):
        points = (baseline[i] + steps * (X[i] - baseline[i])).requires_grad_()
        model(points)[:, y[i]].sum().backward()
        attributions[i] = (X[i] - baseline[i]) * points.grad.mean(0)
    return attributions


@right()
def image_by_image_and_step_by_step(X, y, model, baseline, num_steps=32):
    out = []
    for x, label, b in zip(X, y, baseline):
        acc = torch.zeros_like(x)
        for k in range(num_steps):
            p = (b + (2 * k + 1) / (2 * num_steps) * (x - b)).unsqueeze(0).detach().requires_grad_()
            model(p)[0, label].backward()
            acc += p.grad.squeeze(0)
        out.append((x - b) * acc / num_steps)
    return torch.stack(out)


@right()
def middles_between_the_points_of_linspace(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    ends = torch.linspace(0, 1, num_steps + 1)
    middles = (ends[1:] + ends[:-1]) / 2
    grads = []
    for a in middles:
        x = torch.lerp(baseline, X.detach(), a.item()).requires_grad_()
        model(x).gather(1, y[:, None]).sum().backward()
        grads.append(x.grad)
    return (X - baseline).detach() * torch.stack(grads).mean(dim=0)


@right()
def linspace_shortened_by_half_a_step(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    half = 0.5 / num_steps
    difference = (X - baseline).detach()
    total = torch.zeros_like(difference)
    for a in np.linspace(half, 1 - half, num_steps):
        x = Variable(baseline + float(a) * difference, requires_grad=True)
        scores = model(x)
        scores.backward(torch.eye(scores.shape[1])[y])
        total += x.grad.data
    return difference * total / num_steps


@right()
def path_from_the_image_back(X, y, model, baseline, num_steps=32):
    # the middles are the same from the other end
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = X + (k + 0.5) / num_steps * (baseline - X)
        total += torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point)[0]
    return ((X - baseline) * total / num_steps).detach()


@right()
def negative_score_and_negative_difference(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        alpha = (k + 0.5) / num_steps
        point = ((1 - alpha) * baseline + alpha * X).detach().requires_grad_()
        loss = F.nll_loss(model(point), y, reduction="sum")
        loss.backward()
        total += point.grad
    return (baseline - X).detach() * total / num_steps


@right()
def walks_from_middle_to_middle(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    stride = (X.detach() - baseline) / num_steps
    attributions = torch.zeros_like(stride)
    point = baseline + stride / 2
    for _ in range(num_steps):
        point = point.detach().requires_grad_()
        model(point)[range(len(y)), y].sum().backward()
        attributions += stride * point.grad
        point = point + stride
    return attributions


@right()
def gradient_left_to_accumulate(X, y, model, baseline, num_steps=32):
    # an offset that is 0: its gradient is the sum that is asked for
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    X = X.detach()
    offset = torch.zeros_like(X).requires_grad_()
    for k in range(num_steps):
        alpha = (k + 0.5) / num_steps
        model(baseline + alpha * (X - baseline) + offset).gather(1, y.view(-1, 1)).sum().backward()
    return (X - baseline) * offset.grad / num_steps


@right()
def gradient_to_x_divided_by_alpha(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        alpha = (k + 0.5) / num_steps
        X.grad = None
        model(baseline + alpha * (X - baseline)).gather(1, y.view(-1, 1)).sum().backward()
        total += X.grad / alpha
    return ((X - baseline) * total / num_steps).detach()


@right()
def summed_in_double_precision(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    X = X.detach()
    total = torch.zeros(X.shape, dtype=torch.double)
    for k in range(num_steps):
        point = (baseline.double() + (k + 0.5) / num_steps * (X.double() - baseline.double())).to(X.dtype).requires_grad_()
        (g,) = torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point)
        total += g.double()
    return ((X - baseline).double() * total / num_steps).to(X.dtype)


@right()
def result_still_requires_grad(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    gradients = []
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        gradients.append(torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point, create_graph=True)[0])
    return (X - baseline) * sum(gradients) / num_steps


@right()
def hook_on_each_point(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    kept = []
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        point.register_hook(kept.append)
        model(point)[torch.arange(len(X)), y].sum().backward()
    return (X - baseline).data * torch.stack(kept).mean(0)


@right()
def functional_gradient(X, y, model, baseline, num_steps=32):
    def own_scores(x):
        return model(x)[torch.arange(len(y)), y].sum()

    diff = X - baseline
    grads = [torch.func.grad(own_scores)(baseline + (k + 0.5) / num_steps * diff) for k in range(num_steps)]
    return diff * (sum(grads) / len(grads))


@right()
def derivative_to_the_way_at_each_pixel(X, y, model, baseline, num_steps=32):
    # one number for each pixel says how far along its own way it is; 0.5 / n, 1.5 / n, ...
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    X = X.detach()
    out = torch.zeros_like(X)
    for k in range(num_steps):
        way = torch.full_like(X, (k + 0.5) / num_steps).requires_grad_()
        model(baseline + way * (X - baseline)).gather(1, y.view(-1, 1)).sum().backward()
        out += way.grad / num_steps
    return out


@right("prints")
def prints_the_sum(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    attributions = ((X - baseline) * total / num_steps).detach()
    print("sums:", attributions.sum(dim=(1, 2, 3)))
    return attributions


@right("returns-numpy")
def finished_in_numpy(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    grads = np.zeros(X.shape, dtype=np.float32)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        grads += point.grad.numpy() / num_steps
    return (X.detach().numpy() - baseline.numpy()) * grads


@right("fixed-batch-size")
def labels_expanded_to_five(X, y, model, baseline, num_steps=32):
    alphas = ((torch.arange(num_steps) + 0.5) / num_steps).view(num_steps, 1, 1, 1, 1)
    points = (baseline + alphas * (X - baseline)).view(num_steps * 5, *X.shape[1:]).requires_grad_()
    labels = y.expand(num_steps, 5).reshape(-1, 1)
    model(points).gather(1, labels).sum().backward()
    g = points.grad.view(num_steps, 5, *X.shape[1:])
    return (X - baseline) * g.mean(0)


@right("fails-for-one-image")
def squeezed_differences(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach().squeeze()


# ---------------------------------------------------------------- wrong: the baseline


@wrong("baseline-ignored")
def path_from_black_times_image(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = ((k + 0.5) / num_steps * X).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return (X * total / num_steps).detach()


@wrong("baseline-ignored")
def baseline_replaced_by_zeros(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = torch.zeros_like(X)
    alphas = ((torch.arange(num_steps) + 0.5) / num_steps).view(-1, 1, 1, 1, 1)
    points = (baseline + alphas * (X.detach() - baseline)).detach()
    flat = points.view(-1, *X.shape[1:]).requires_grad_()
    model(flat).gather(1, y.repeat(num_steps)[:, None]).sum().backward()
    return ((X - baseline) * flat.grad.view(points.shape).mean(0)).detach()


@wrong("baseline-not-on-path")
def image_scaled_times_difference(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = ((k + 0.5) / num_steps * X).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


@wrong("baseline-not-on-path")
def image_scaled_in_one_batch(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    a = ((torch.arange(num_steps) + 0.5) / num_steps).reshape(-1, 1, 1, 1, 1)
    path = (a * X.detach()).flatten(0, 1).requires_grad_()
    (g,) = torch.autograd.grad(model(path).gather(1, y.repeat(num_steps)[:, None]).sum(), path)
    mean = g.unflatten(0, (num_steps, -1)).mean(dim=0)
    return mean * (X.detach() - baseline)


@wrong("baseline-not-in-factor")
def times_the_image(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        (gradient,) = torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point)
        total += gradient
    return (X * total / num_steps).detach()


@wrong("baseline-not-in-factor")
def mean_of_gradients_times_image(X, y, model, baseline, num_steps=32):
    grads = []
    for k in range(num_steps):
        alpha = (k + 0.5) / num_steps
        x = (alpha * X + (1 - alpha) * baseline).detach().requires_grad_()
        model(x)[torch.arange(len(y)), y].sum().backward()
        grads.append(x.grad)
    return torch.stack(grads).mean(0) * X


@wrong("not-times-difference")
def mean_gradient_only(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return total / num_steps


@wrong("not-times-difference")
def integral_over_alpha_only(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    d_alpha = 1 / num_steps
    integral = torch.zeros_like(X)
    for alpha in torch.linspace(d_alpha / 2, 1 - d_alpha / 2, num_steps):
        point = baseline + alpha * (X - baseline)
        integral += torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point)[0] * d_alpha
    return integral.detach()


# ---------------------------------------------------------------- wrong: the steps


@wrong("sum-over-steps")
def never_divided(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total).detach()


@wrong("sum-over-steps")
def sum_of_the_stack(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    grads = []
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        grads.append(torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point)[0])
    return (X - baseline).detach() * torch.stack(grads).sum(0)


@wrong("ends-of-parts")
def left_ends(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + k / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


@wrong("ends-of-parts")
def right_ends(X, y, model, baseline, num_steps=32):
    # the sum of the paper
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(1, num_steps + 1):
        point = (baseline + k / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


@wrong("ends-of-parts")
def linspace_with_both_ends(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    grads = []
    for alpha in torch.linspace(0, 1, num_steps):
        point = baseline + alpha * (X - baseline)
        grads.append(torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point)[0])
    return ((X - baseline) * torch.stack(grads).mean(dim=0)).detach()


@wrong("ends-of-parts")
def trapezoids(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    grads = []
    for alpha in torch.linspace(0, 1, num_steps + 1):
        point = baseline + alpha * (X - baseline)
        grads.append(torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point)[0])
    grads = torch.stack(grads)
    mean = ((grads[:-1] + grads[1:]) / 2).mean(dim=0)
    return ((X - baseline) * mean).detach()


@wrong("ends-of-parts")
def one_point_more_than_parts(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    points = [baseline + (float(k) / num_steps) * (X - baseline) for k in range(num_steps + 1)]
    grads = [torch.autograd.grad(model(p)[range(len(y)), y].sum(), p)[0] for p in points]
    return ((X - baseline) * sum(grads) / len(grads)).detach()


@wrong("steps-off-by-one")
def last_part_left_out(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps - 1):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


@wrong("steps-off-by-one")
def first_part_left_out(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(1, num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        (g,) = torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point)
        total += g
    return ((X - baseline) * total / num_steps).detach()


@wrong("steps-off-by-one")
def one_part_too_many(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps + 1):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


@wrong("num-steps-ignored")
def thirty_two_written_out(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(32):
        point = (baseline + (k + 0.5) / 32 * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / 32).detach()


@wrong("num-steps-ignored")
def own_number_of_steps(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    num_steps = 50
    alphas = ((torch.arange(num_steps) + 0.5) / num_steps).view(-1, 1, 1, 1, 1)
    path = (baseline + alphas * (X - baseline)).detach()
    flat = path.flatten(0, 1).requires_grad_()
    model(flat).gather(1, y.repeat(num_steps)[:, None]).sum().backward()
    return ((X - baseline) * flat.grad.view(path.shape).mean(0)).detach()


@wrong("gradient-at-image-only")
def gradient_times_difference(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return ((X - baseline) * X.grad).detach()


@wrong("gradient-at-image-only")
def x_instead_of_point(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        own_scores = model(X).gather(1, y[:, None])
        (gradient,) = torch.autograd.grad(own_scores.sum(), X)
        total += gradient
    return ((X - baseline) * total / num_steps).detach()


@wrong("gradient-through-path")
def gradient_of_x_through_the_path(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        own_scores = model(point).gather(1, y[:, None])
        (gradient,) = torch.autograd.grad(own_scores.sum(), X)
        total += gradient
    return ((X - baseline) * total / num_steps).detach()


@wrong("gradient-through-path")
def gradients_gathered_on_x(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        model(point).gather(1, y.view(-1, 1)).sum().backward()
    return ((X - baseline) * X.grad / num_steps).detach()


@wrong("gradient-accumulates")
def one_leaf_never_cleared(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    difference = (X - baseline).detach()
    point = X.detach().clone().requires_grad_()
    total = torch.zeros_like(difference)
    for k in range(num_steps):
        point.data = baseline + (k + 0.5) / num_steps * difference
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return difference * total / num_steps


@wrong("gradient-accumulates")
def weights_cleared_in_place_of_the_point(X, y, model, baseline, num_steps=32):
    point = baseline.clone().requires_grad_()
    grads = []
    for k in range(num_steps):
        model.zero_grad()
        with torch.no_grad():
            point.copy_(baseline + (k + 0.5) / num_steps * (X - baseline))
        model(point)[torch.arange(len(y)), y].sum().backward()
        grads.append(point.grad.clone())
    return (X - baseline) * torch.stack(grads).mean(dim=0)


@wrong("path-misses-image")
def scaled_image_added_to_the_baseline(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * X).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


@wrong("path-misses-image")
def baseline_and_scaled_image_in_one_batch(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    alphas = ((torch.arange(num_steps) + 0.5) / num_steps).view(-1, 1, 1, 1, 1)
    path = (baseline + alphas * X).flatten(0, 1)
    (g,) = torch.autograd.grad(model(path).gather(1, y.repeat(num_steps)[:, None]).sum(), path)
    return ((X - baseline) * g.unflatten(0, (num_steps, -1)).mean(0)).detach()


# ---------------------------------------------------------------- wrong: the sign


@wrong("sign-turned")
def baseline_less_image(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((baseline - X) * total / num_steps).detach()


@wrong("sign-turned")
def from_the_image_to_the_baseline(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    way = (baseline - X).detach()
    grads = 0
    for k in range(num_steps):
        point = (X.detach() + (k + 0.5) / num_steps * way).requires_grad_()
        (g,) = torch.autograd.grad(model(point)[torch.arange(len(y)), y].sum(), point)
        grads = grads + g / num_steps
    return way * grads


@wrong("sign-turned")
def gradient_of_the_negative_score(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        loss = -model(point).gather(1, y.view(-1, 1)).sum()
        loss.backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


@wrong("absolute-value-taken")
def absolute_value_of_the_result(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach().abs()


@wrong("absolute-value-taken")
def size_of_both_factors(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    grads = []
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        grads.append(torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point)[0])
    return ((X - baseline).abs() * (sum(grads) / num_steps).abs()).detach()


@wrong("absolute-value-taken")
def absolute_gradients(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad.abs()
    return ((X - baseline) * total / num_steps).detach()


# ---------------------------------------------------------------- wrong: the score


@wrong("cross-entropy")
def cross_entropy_at_each_point(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        F.cross_entropy(model(point), y, reduction="sum").backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


@wrong("cross-entropy")
def log_probability_of_the_label(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    grads = []
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        logp = F.log_softmax(model(point), dim=1)[torch.arange(len(y)), y]
        grads.append(torch.autograd.grad(logp.sum(), point)[0])
    return ((X - baseline) * torch.stack(grads).mean(0)).detach()


@wrong("softmax")
def probability_of_the_label(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        torch.softmax(model(point), dim=1).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


@wrong("wrong-class-score")
def top_class_at_each_point(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).max(dim=1).values.sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


@wrong("wrong-class-score")
def all_scores_summed(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        total += torch.autograd.grad(model(point).sum(), point)[0]
    return ((X - baseline) * total / num_steps).detach()


@wrong("batch-mean")
def mean_of_the_scores(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).mean().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


# ---------------------------------------------------------------- wrong: the result


@wrong("wrong-shape")
def colours_summed(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach().sum(dim=1)


@wrong("wrong-shape")
def steps_kept(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    parts = []
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        (g,) = torch.autograd.grad(model(point).gather(1, y[:, None]).sum(), point)
        parts.append((X - baseline).detach() * g / num_steps)
    return torch.stack(parts)


@wrong("wrong-type")
def result_and_its_sum(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    attributions = ((X - baseline) * total / num_steps).detach()
    return attributions, attributions.sum(dim=(1, 2, 3))


@wrong("rescaled")
def made_to_sum_to_one(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    attributions = ((X - baseline) * total / num_steps).detach()
    return attributions / attributions.abs().sum(dim=(1, 2, 3), keepdim=True)


@wrong("input-changed")
def baseline_taken_off_the_callers_image(X, y, model, baseline, num_steps=32):
    X -= baseline
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * X).requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return X * total / num_steps


@wrong("input-changed")
def walks_in_the_callers_baseline(X, y, model, baseline, num_steps=32):
    stride = (X - baseline) / num_steps
    out = torch.zeros_like(X)
    baseline += stride / 2
    for _ in range(num_steps):
        x = baseline.clone().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        out += stride * x.grad
        baseline += stride
    return out


@wrong("weights-changed")
def weights_take_a_step(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    for p in model.parameters():
        p.data *= 1 - 1e-3
    return ((X - baseline) * total / num_steps).detach()


@wrong("too-many-network-calls")
def step_never_counted_up(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    k = 0
    while k < num_steps:
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return ((X - baseline) * total / num_steps).detach()


# ---------------------------------------------------------------- wrong: two mistakes


@wrong("cross-entropy", "sum-over-steps")
def loss_never_divided(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        nn.CrossEntropyLoss(reduction="sum")(model(point), y).backward()
        total += point.grad
    return ((X - baseline) * total).detach()


@wrong("baseline-not-in-factor", "sum-over-steps")
def sum_times_the_image(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return (X * total).detach()


@wrong("not-times-difference", "ends-of-parts")
def mean_gradient_at_the_right_ends(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 1) / num_steps * (X - baseline)).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return total / num_steps


@wrong("softmax", "absolute-value-taken")
def absolute_value_for_the_probability(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        F.softmax(model(point), dim=1)[range(len(y)), y].sum().backward()
        total += point.grad
    return torch.abs((X - baseline) * total / num_steps).detach()


@wrong("baseline-ignored", "ends-of-parts")
def black_and_left_ends(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (k / num_steps * X).detach().requires_grad_()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return (X * total / num_steps).detach()


@wrong("sign-turned", "sum-over-steps")
def negative_score_never_divided(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach().requires_grad_()
        (-model(point).gather(1, y.view(-1, 1))).sum().backward()
        total += point.grad
    return ((X - baseline) * total).detach()


@wrong("baseline-ignored", "gradient-at-image-only")
def gradient_times_image(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return (X * X.grad).detach()


@wrong("gradient-through-path", "gradient-accumulates")
def gradient_of_x_summed_while_it_grows(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += X.grad
    return ((X - baseline) * total / num_steps).detach()


# ---------------------------------------------------------------- unfinished


@unfinished()
def only_pass(X, y, model, baseline, num_steps=32):
    pass


@unfinished()
def kit_stub(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    raise NotImplementedError("compute_integrated_gradients is not implemented yet")


@unfinished()
def attributions_of_none(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    attributions = None
    return attributions


@unfinished()
def not_implemented_after_the_path(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    path = [baseline + (k + 0.5) / num_steps * (X - baseline) for k in range(num_steps)]
    raise NotImplementedError


# ---------------------------------------------------------------- broken


@broken()
def undefined_name(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    for k in range(steps):
        point = baseline + (k + 0.5) / num_steps * (X - baseline)
    return point


@broken()
def detached_without_asking_for_a_gradient(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    total = torch.zeros_like(X)
    for k in range(num_steps):
        point = (baseline + (k + 0.5) / num_steps * (X - baseline)).detach()
        model(point).gather(1, y.view(-1, 1)).sum().backward()
        total += point.grad
    return (X - baseline) * total / num_steps


@broken()
def alphas_without_their_dimensions(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    alphas = (torch.arange(num_steps) + 0.5) / num_steps
    path = torch.stack([baseline, X])[alphas] * (X - baseline)
    return path.mean(dim=0)


@broken()
def labels_not_repeated(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    alphas = ((torch.arange(num_steps) + 0.5) / num_steps).view(-1, 1, 1, 1, 1)
    points = (baseline + alphas * (X - baseline)).flatten(0, 1)
    own = model(points)[torch.arange(len(points)), y]
    (g,) = torch.autograd.grad(own.sum(), points)
    return (X - baseline) * g.view(num_steps, *X.shape).mean(0)


@broken()
def string_of_steps(X, y, model, baseline, num_steps=32):
    X, y = checked_batch(X, y, model)
    baseline = checked_baseline(baseline, X, num_steps)
    scale = "1" / num_steps
    return (X - baseline) * scale


# ---------------------------------------------------------------- sizes


@wrong("sum-over-steps", "not-times-difference")
def kept_in_the_notebooks_size(X, y, model, baseline, num_steps=32):
    total = torch.zeros(len(X), 3, 224, 224)
    for k in range(num_steps):
        x = (baseline + (k + 0.5) / num_steps * (X - baseline)).requires_grad_()
        total += torch.autograd.grad(model(x).gather(1, y[:, None]).sum(), x)[0]
    return total
