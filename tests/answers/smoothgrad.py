"""Student answers to compute_smoothgrad_maps(X, y, model, noise) -> (N, H, W)."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

from cs231n.validation import checked_batch, checked_noise

from . import broken, right, unfinished, wrong

# ---------------------------------------------------------------- right


@right()
def backward_on_a_fresh_copy(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    S = noise.shape[0]
    maps = torch.zeros_like(X)
    for s in range(S):
        noisy = (X + noise[s]).detach().requires_grad_()
        scores = model(noisy)
        scores.gather(1, y.view(-1, 1)).sum().backward()
        maps += noisy.grad**2
    maps = maps / S
    maps, _ = maps.max(dim=1)
    return maps


@right()
def gradient_of_x_cleared_each_time(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = 0
    for n in noise:
        X.grad = None
        model(X + n)[torch.arange(len(y)), y].sum().backward()
        total = total + X.grad.pow(2)
    return (total / len(noise)).max(1)[0]


@right()
def gradient_of_x_zeroed_after_use(X, y, model, noise):
    X.requires_grad_()
    squares = torch.zeros(X.shape)
    for s in range(len(noise)):
        scores = model(X + noise[s])
        loss = sum(scores[i, y[i]] for i in range(len(y)))
        loss.backward()
        squares += X.grad.data * X.grad.data
        X.grad.zero_()
    saliency, _ = torch.max(squares / len(noise), dim=1)
    return saliency


@right()
def all_copies_in_one_batch(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    S, N = noise.shape[:2]
    batch = (X.detach() + noise).flatten(0, 1).requires_grad_()
    labels = y.repeat(S)
    own = model(batch).gather(1, labels[:, None])
    (g,) = torch.autograd.grad(own.sum(), batch)
    return g.view(S, N, *X.shape[1:]).square().mean(dim=0).amax(dim=1)


@right()
def batch_with_the_image_first(X, y, model, noise):
    # (N, S, 3, H, W) instead of (S, N, 3, H, W)
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X).transpose(0, 1)
    N, S, C, H, W = noise.shape
    noisy = (X.unsqueeze(1) + noise).reshape(N * S, C, H, W).detach()
    noisy.requires_grad = True
    target = torch.repeat_interleave(y, S)
    model(noisy)[range(N * S), target].backward(torch.ones(N * S))
    return (noisy.grad.reshape(N, S, C, H, W) ** 2).mean(1).max(1).values


@right()
def each_image_with_all_its_copies(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    maps = torch.zeros(X.shape[0], X.shape[2], X.shape[3])
    for i in range(X.shape[0]):
        copies = (X[i] + noise[:, i]).detach().requires_grad_(True)
        model(copies)[:, y[i]].sum().backward()
        maps[i] = copies.grad.square().mean(0).max(0)[0]
    return maps


@right()
def image_by_image_and_copy_by_copy(X, y, model, noise):
    out = []
    for i in range(len(X)):
        acc = torch.zeros_like(X[i])
        for s in range(len(noise)):
            x = (X[i : i + 1] + noise[s, i : i + 1]).clone().detach().requires_grad_()
            score = model(x)[0, y[i]]
            score.backward()
            acc += x.grad[0] ** 2 / len(noise)
        out.append(acc.max(dim=0)[0])
    return torch.stack(out)


@right()
def list_of_squares_stacked(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = []
    for disturbance in noise:
        noisy = X + disturbance
        score = model(noisy).gather(1, y.unsqueeze(1)).squeeze(1).sum()
        g = torch.autograd.grad(score, X)[0]
        squares.append(torch.square(g))
    maps = torch.stack(squares).mean(0).amax(1)
    return maps


@right()
def running_mean(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    mean = torch.zeros_like(X)
    for k, eps in enumerate(noise, start=1):
        x = (X + eps).detach().requires_grad_()
        (g,) = torch.autograd.grad(model(x).gather(1, y[:, None]).sum(), x)
        mean = mean + (g**2 - mean) / k
    return mean.max(dim=1)[0]


@right()
def summed_in_double_precision(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros(X.shape, dtype=torch.float64)
    for s in range(len(noise)):
        x = (X + noise[s]).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad.double() ** 2
    return (total / len(noise)).amax(dim=1).float()


@right("other-dtype")
def double_left_as_it_is(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros(X.shape).double()
    for s in range(len(noise)):
        x = (X + noise[s]).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


@right()
def result_still_requires_grad(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = torch.zeros_like(X)
    for disturbance in noise:
        own = model(X + disturbance).gather(1, y[:, None]).sum()
        (g,) = torch.autograd.grad(own, X, create_graph=True)
        squares = squares + g.square()
    return (squares / len(noise)).amax(dim=1) + 0 * X.sum()


@right()
def hook_collects_the_gradients(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    kept = []
    for disturbance in noise:
        noisy = X + disturbance
        noisy.register_hook(lambda g: kept.append(g * g))
        model(noisy)[torch.arange(X.shape[0]), y].sum().backward()
    return (sum(kept) / len(kept)).max(dim=1)[0]


@right()
def retained_gradient(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    maps = torch.zeros_like(X)
    for s in range(noise.size(0)):
        noisy = X + noise[s]
        noisy.retain_grad()
        out = model(noisy)
        onehot = torch.zeros_like(out)
        onehot[torch.arange(len(y)), y] = 1
        out.backward(onehot)
        maps += noisy.grad.abs() ** 2
    return torch.max(maps / noise.size(0), dim=1)[0]


@right()
def negative_score_squared(X, y, model, noise):
    # the square does not see the sign
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = []
    for n in noise:
        x = (X.data + n).requires_grad_()
        F.nll_loss(model(x), y, reduction="sum").backward()
        squares.append(x.grad**2)
    return sum(squares).div(len(squares)).max(1).values


@right()
def functional_gradient(X, y, model, noise):
    def own_scores(x):
        return model(x)[torch.arange(len(y)), y].sum()

    gradient = torch.func.grad(own_scores)
    squares = [gradient(X + n).pow(2) for n in noise]
    return torch.mean(torch.stack(squares), dim=0).max(dim=1)[0]


@right()
def second_moment_from_mean_and_variance(X, y, model, noise):
    # E[g^2] = Var[g] + E[g]^2
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    g = []
    for n in noise:
        x = (X + n).detach().requires_grad_()
        g.append(torch.autograd.grad(model(x).gather(1, y[:, None]).sum(), x)[0])
    g = torch.stack(g)
    return (g.var(dim=0, unbiased=False) + g.mean(dim=0) ** 2).amax(dim=1)


@right("returns-numpy")
def averaged_in_numpy(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    grads = []
    for s in range(len(noise)):
        x = Variable(X.data + noise[s], requires_grad=True)
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        grads.append(x.grad.numpy())
    return np.mean(np.array(grads) ** 2, axis=0).max(axis=1)


@right()
def through_numpy_and_back(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    grads = []
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        grads.append(x.grad.cpu().numpy())
    g2 = np.square(np.stack(grads)).mean(axis=0)
    return torch.from_numpy(g2.max(axis=1)).to(X.dtype)


@right("prints")
def prints_the_step(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    acc = torch.zeros_like(X)
    for i, n in enumerate(noise):
        print("sample", i + 1, "of", len(noise))
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        acc += x.grad**2
    return (acc / len(noise)).max(dim=1)[0]


@right("fixed-batch-size")
def five_images_in_the_view(X, y, model, noise):
    S = noise.shape[0]
    H, W = X.shape[2], X.shape[3]
    flat = (X + noise).view(S * 5, 3, H, W).requires_grad_()
    scores = model(flat)
    scores.gather(1, y.repeat(S).view(-1, 1)).sum().backward()
    g = flat.grad.view(S, 5, 3, H, W)
    return (g * g).mean(0).max(1)[0]


@right("fails-for-one-image")
def squeezed_at_the_end(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    acc = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        acc += x.grad**2
    return F.max_pool3d(acc / len(noise), (3, 1, 1)).squeeze()


# ---------------------------------------------------------------- wrong: what is averaged


@wrong("not-squared")
def mean_of_absolute_gradients(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for s in range(len(noise)):
        noisy = (X + noise[s]).detach().requires_grad_()
        model(noisy).gather(1, y.view(-1, 1)).sum().backward()
        total += noisy.grad.abs()
    return (total / len(noise)).max(dim=1)[0]


@wrong("not-squared")
def absolute_gradients_in_one_batch(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    S, N, C, H, W = noise.shape
    x = (X.detach() + noise).view(-1, C, H, W).requires_grad_()
    (g,) = torch.autograd.grad(model(x).gather(1, y.repeat(S)[:, None]).sum(), x)
    return torch.abs(g).view(S, N, C, H, W).mean(0).amax(1)


@wrong("not-squared")
def root_of_each_square(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    grads = []
    for n in noise:
        own = model(X + n)[range(len(y)), y].sum()
        g = torch.autograd.grad(own, X)[0]
        grads.append((g**2).sqrt())
    return torch.stack(grads).mean(dim=0).max(dim=1).values


@wrong("squared-after-mean")
def square_of_the_mean_gradient(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    g = torch.zeros_like(X)
    for disturbance in noise:
        noisy = X + disturbance
        own_scores = model(noisy).gather(1, y[:, None])
        g += torch.autograd.grad(own_scores.sum(), noisy)[0]
    g = g / len(noise)
    return (g**2).amax(dim=1)


@wrong("squared-after-mean")
def one_backward_for_the_mean_score(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    loss = 0
    for s in range(len(noise)):
        loss = loss + model(X + noise[s]).gather(1, y.view(-1, 1)).sum()
    loss = loss / len(noise)
    loss.backward()
    maps, _ = X.grad.pow(2).max(dim=1)
    return maps


@wrong("squared-after-mean")
def gradients_gathered_on_x_then_squared(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    for n in noise:
        model(X + n)[range(len(y)), y].sum().backward()
    mean = X.grad / noise.shape[0]
    return mean.square().max(dim=1)[0]


@wrong("squared-after-mean", "not-squared")
def absolute_value_of_the_mean_gradient(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    g = 0
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        g = g + x.grad / len(noise)
    return g.abs().max(dim=1)[0]


@wrong("gradient-accumulates")
def gradient_of_x_never_cleared(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for s in range(len(noise)):
        model(X + noise[s]).gather(1, y.view(-1, 1)).sum().backward()
        total += X.grad**2
    return (total / len(noise)).max(dim=1)[0]


@wrong("gradient-accumulates")
def model_cleared_in_place_of_x(X, y, model, noise):
    X.requires_grad_()
    squares = []
    for n in noise:
        model.zero_grad()
        scores = model(X + n)
        scores[torch.arange(len(y)), y].sum().backward()
        squares.append(X.grad.data.pow(2))
    return torch.stack(squares).mean(0).max(1)[0]


@wrong("sum-over-copies")
def never_divided(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    maps = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        maps += x.grad**2
    return maps.max(dim=1)[0]


@wrong("sum-over-copies")
def sum_over_the_first_dimension(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    S = len(noise)
    x = (X.detach() + noise).flatten(0, 1).requires_grad_()
    model(x).gather(1, y.repeat(S).view(-1, 1)).sum().backward()
    g2 = x.grad.unflatten(0, (S, -1)).square()
    return g2.sum(dim=0).amax(dim=1)


@wrong("root-taken")
def root_of_the_mean_square(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    maps = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        maps += x.grad**2
    maps = torch.sqrt(maps / len(noise))
    return maps.max(dim=1)[0]


@wrong("root-taken")
def root_of_the_finished_maps(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = []
    for disturbance in noise:
        noisy = X + disturbance
        (g,) = torch.autograd.grad(model(noisy).gather(1, y[:, None]).sum(), noisy)
        squares.append(g.square())
    return (sum(squares) / len(squares)).amax(dim=1) ** 0.5


@wrong("maximum-before-mean")
def maximum_of_each_copy(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    maps = torch.zeros_like(X[:, 0])
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        maps += (x.grad**2).max(dim=1)[0]
    return maps.detach() / len(noise)


@wrong("maximum-before-mean")
def square_of_the_saliency_maps(X, y, model, noise):
    def saliency(x):
        x = x.detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        return x.grad.abs().max(dim=1)[0]

    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    return torch.stack([saliency(X + n) ** 2 for n in noise]).mean(dim=0)


# ---------------------------------------------------------------- wrong: the noise


@wrong("noise-ignored")
def gradient_at_the_clean_image(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = torch.zeros_like(X)
    for disturbance in noise:
        noisy = X + disturbance
        own_scores = model(X).gather(1, y[:, None])
        (gradient,) = torch.autograd.grad(own_scores.sum(), X)
        squares += gradient.square()
    return (squares / len(noise)).amax(dim=1)


@wrong("noise-ignored")
def squared_saliency(X, y, model, noise):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return (X.grad**2).max(dim=1)[0]


@wrong("noise-ignored")
def sum_thrown_away(X, y, model, noise):
    X.requires_grad_()
    total = torch.zeros_like(X)
    for n in noise:
        X.grad = None
        X.add(n)
        model(X).gather(1, y.view(-1, 1)).sum().backward()
        total += X.grad**2
    return (total / len(noise)).max(dim=1)[0]


@wrong("noise-accumulates")
def x_grows_noisier(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = torch.zeros_like(X)
    for s in range(len(noise)):
        X = (X + noise[s]).detach().requires_grad_()
        model(X).gather(1, y.view(-1, 1)).sum().backward()
        squares += X.grad**2
    return (squares / len(noise)).max(dim=1)[0]


@wrong("noise-accumulates")
def noise_added_in_place(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = 0
    for n in noise:
        X.data += n
        X.grad = None
        model(X)[range(len(y)), y].sum().backward()
        total = total + X.grad.pow(2)
    return total.div(len(noise)).max(dim=1)[0]


@wrong("one-copy-only")
def return_inside_the_loop(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        squares = x.grad**2
        return squares.max(dim=1)[0]


@wrong("one-copy-only")
def noise_of_index_zero(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = []
    for s in range(noise.shape[0]):
        noisy = X + noise[0]
        (g,) = torch.autograd.grad(model(noisy).gather(1, y[:, None]).sum(), noisy)
        squares.append(g**2)
    return torch.stack(squares).mean(0).amax(1)


@wrong("one-copy-only")
def last_copy_overwrites_the_others(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        squares = x.grad**2
    return squares.max(dim=1)[0]


@wrong("one-copy-only")
def last_copy_divided_by_their_number(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = torch.zeros_like(X)
    for disturbance in noise:
        noisy = X + disturbance
        own_scores = model(noisy).gather(1, y[:, None])
        (gradient,) = torch.autograd.grad(own_scores.sum(), noisy)
    squares += gradient.square()
    return (squares / len(noise)).amax(dim=1)


@wrong("noise-averaged-first")
def mean_of_the_noise_added(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    noisy = (X + noise.mean(dim=0)).detach().requires_grad_()
    model(noisy).gather(1, y.view(-1, 1)).sum().backward()
    return noisy.grad.square().max(dim=1)[0]


@wrong("noise-averaged-first")
def mean_of_the_noisy_images(X, y, model, noise):
    X.requires_grad_()
    noisy = (X + noise).mean(0)
    (g,) = torch.autograd.grad(model(noisy)[range(len(y)), y].sum(), noisy)
    return (g**2).amax(dim=1)


@wrong("noise-averaged-first")
def all_noise_added_then_one_gradient(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    noisy = X
    for n in noise:
        noisy = noisy + n
    (g,) = torch.autograd.grad(model(noisy).gather(1, y[:, None]).sum(), noisy)
    return g.pow(2).max(dim=1)[0]


@wrong("noise-without-image")
def gradient_at_the_noise(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        n.requires_grad_()
        (g,) = torch.autograd.grad(model(n).gather(1, y[:, None]).sum(), n)
        total += g.square()
    return (total / len(noise)).amax(dim=1)


@wrong("noise-without-image")
def noise_as_one_batch(X, y, model, noise):
    S, N = noise.shape[0], noise.shape[1]
    x = noise.reshape(S * N, *noise.shape[2:]).clone().requires_grad_()
    model(x)[torch.arange(S * N), y.repeat(S)].sum().backward()
    return x.grad.view(noise.shape).pow(2).mean(dim=0).max(dim=1)[0]


@wrong("noise-subtracted")
def image_less_noise(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X - n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


# ---------------------------------------------------------------- wrong: the score


@wrong("cross-entropy")
def cross_entropy_of_each_copy(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        F.cross_entropy(model(x), y, reduction="sum").backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


@wrong("cross-entropy")
def log_softmax_of_the_label(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = []
    for n in noise:
        x = (X + n).detach().requires_grad_()
        logp = model(x).log_softmax(dim=1)
        squares.append(torch.autograd.grad(logp[range(len(y)), y].sum(), x)[0] ** 2)
    return torch.stack(squares).mean(0).max(1)[0]


@wrong("softmax")
def probability_of_the_label(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        p = F.softmax(model(x), dim=1)
        p.gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


@wrong("wrong-class-score")
def predicted_class_of_each_copy(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).max(dim=1)[0].sum().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


@wrong("wrong-class-score")
def all_scores_summed(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = X + n
        (g,) = torch.autograd.grad(model(x).sum(), x)
        total += g.square()
    return (total / len(noise)).amax(dim=1)


@wrong("batch-mean")
def mean_of_the_scores(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).mean().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


# ---------------------------------------------------------------- wrong: the colours, the result


@wrong("mean-over-channels")
def mean_over_the_colours(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).mean(dim=1)


@wrong("sum-over-channels")
def sum_over_the_colours(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = []
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        squares.append((x.grad**2).sum(dim=1))
    return torch.stack(squares).mean(dim=0)


@wrong("one-channel")
def red_alone(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise))[:, 0]


@wrong("min-over-channels")
def smallest_colour(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).amin(dim=1)


@wrong("norm-over-channels")
def length_over_the_colours(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).norm(dim=1)


@wrong("times-input")
def gradient_times_image_squared(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        noisy = X + n
        (g,) = torch.autograd.grad(model(noisy).gather(1, y[:, None]).sum(), noisy)
        total += (g * X).detach() ** 2
    return (total / len(noise)).amax(dim=1)


@wrong("not-squared")
def signed_mean_gradient(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad
    return (total / len(noise)).max(dim=1)[0]


@wrong("log-of-score")
def log_of_the_own_score(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).log().sum().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


@wrong("rescaled")
def divided_by_the_largest_value(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    maps = (total / len(noise)).max(dim=1)[0]
    return maps / maps.amax(dim=(1, 2), keepdim=True)


@wrong("wrong-shape")
def colours_kept(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    squares = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        squares += x.grad**2
    return squares / len(noise)


@wrong("wrong-shape")
def samples_kept(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    maps = []
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        maps.append((x.grad**2).max(dim=1)[0])
    return torch.stack(maps)


@wrong("wrong-type")
def values_and_indices(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)


@wrong("input-changed", "noise-accumulates")
def noise_left_in_the_callers_images(X, y, model, noise):
    total = torch.zeros_like(X)
    for n in noise:
        X += n
        x = X.clone().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


@wrong("input-changed")
def image_added_to_the_callers_noise(X, y, model, noise):
    noise += X
    total = torch.zeros_like(X)
    for n in noise:
        x = n.clone().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


@wrong("mode-changed")
def training_mode(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    model.train()
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


@wrong("never-returns")
def sample_never_counted_up(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    x = (X + noise[0]).detach().requires_grad_()
    model(x).gather(1, y.view(-1, 1)).sum().backward()
    s = 0
    total = torch.zeros_like(X)
    while s < len(noise):
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


@wrong("too-many-network-calls")
def forward_in_a_loop_that_never_ends(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    s = 0
    while s < len(noise):
        x = (X + noise[s]).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).max(dim=1)[0]


# ---------------------------------------------------------------- wrong: two mistakes


@wrong("cross-entropy", "not-squared")
def loss_and_absolute_value(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        nn.CrossEntropyLoss(reduction="sum")(model(x), y).backward()
        total += x.grad.abs()
    return (total / len(noise)).max(dim=1)[0]


@wrong("not-squared", "mean-over-channels")
def absolute_value_and_mean(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad.abs()
    return (total / len(noise)).mean(dim=1)


@wrong("not-squared", "sum-over-copies")
def absolute_values_summed(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad.abs()
    return total.max(dim=1)[0]


@wrong("squared-after-mean", "sum-over-channels")
def square_of_the_mean_summed(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    grads = []
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        grads.append(x.grad)
    return torch.stack(grads).mean(dim=0).square().sum(dim=1)


@wrong("noise-accumulates", "not-squared")
def noisier_and_absolute(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        X = (X + n).detach().requires_grad_()
        model(X).gather(1, y.view(-1, 1)).sum().backward()
        total += X.grad.abs()
    return (total / len(noise)).max(dim=1)[0]


@wrong("softmax", "root-taken")
def root_of_the_probabilitys_square(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).softmax(dim=1).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    return (total / len(noise)).sqrt().amax(dim=1)


@wrong("maximum-before-mean", "not-squared")
def mean_of_saliency_maps(X, y, model, noise):
    def saliency(x):
        x = x.detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        return x.grad.abs().max(dim=1)[0]

    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    return sum(saliency(X + n) for n in noise) / len(noise)


@wrong("noise-ignored", "not-squared")
def plain_saliency(X, y, model, noise):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().max(dim=1)[0]


@wrong("wrong-type")
def forgot_to_return(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        x = (X + n).detach().requires_grad_()
        model(x).gather(1, y.view(-1, 1)).sum().backward()
        total += x.grad**2
    maps = (total / len(noise)).max(dim=1)[0]


# ---------------------------------------------------------------- unfinished


@unfinished()
def only_pass(X, y, model, noise):
    pass


@unfinished()
def kit_stub(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    raise NotImplementedError("compute_smoothgrad_maps is not implemented yet")


@unfinished()
def maps_of_none(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    maps = None
    return maps


# ---------------------------------------------------------------- broken


@broken()
def undefined_name(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    for s in range(num_samples):
        noisy = X + noise[s]
    return noisy.amax(dim=1)


@broken()
def gradient_of_a_sum(X, y, model, noise):
    # X + n is no leaf: its .grad is None
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    total = torch.zeros_like(X)
    for n in noise:
        noisy = X + n
        model(noisy).gather(1, y.view(-1, 1)).sum().backward()
        total += noisy.grad**2
    return (total / len(noise)).max(dim=1)[0]


@broken()
def labels_not_repeated(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    x = (X.detach() + noise).flatten(0, 1).requires_grad_()
    scores = model(x)
    scores[torch.arange(len(x)), y].sum().backward()
    return x.grad.view(noise.shape).pow(2).mean(0).amax(1)


@broken()
def five_dimensions_into_the_network(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    noisy = X + noise
    own_scores = model(noisy).gather(1, y[:, None])
    (g,) = torch.autograd.grad(own_scores.sum(), noisy)
    return g.square().mean(dim=0).amax(dim=1)


@broken()
def in_place_on_a_leaf(X, y, model, noise):
    X, y = checked_batch(X, y, model)
    noise = checked_noise(noise, X)
    for n in noise:
        X += n
        model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.pow(2).amax(dim=1)


# ---------------------------------------------------------------- scales


@wrong("rescaled")
def stretched_from_0_to_1(X, y, model, noise):
    total = torch.zeros_like(X)
    for e in noise:
        x = (X + e).requires_grad_()
        total += torch.autograd.grad(model(x).gather(1, y[:, None]).sum(), x)[0] ** 2
    maps = (total / len(noise)).amax(dim=1)
    return (maps - maps.min()) / (maps.max() - maps.min())


@wrong("label-as-score")
def squared_distance_to_the_label(X, y, model, noise):
    total = torch.zeros_like(X)
    for e in noise:
        x = (X + e).requires_grad_()
        scores = model(x).gather(1, y[:, None])[:, 0]
        total += torch.autograd.grad(((scores - y) ** 2).sum(), x)[0] ** 2
    return (total / len(noise)).amax(dim=1)
