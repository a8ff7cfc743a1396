"""Student answers to compute_saliency_maps(X, y, model) -> (N, H, W)."""

import copy
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

from cs231n.validation import checked_batch

from . import broken, right, unfinished, wrong

# ---------------------------------------------------------------- right


@right()
def gather_and_sum(X, y, model):
    # Make sure the model is in "test" mode
    model.eval()

    # Make input tensor require gradient
    X.requires_grad_()

    scores = model(X)
    correct_scores = scores.gather(1, y.view(-1, 1)).squeeze()
    loss = correct_scores.sum()
    loss.backward()
    saliency, _ = torch.max(X.grad.abs(), dim=1)
    return saliency


@right()
def fancy_indexing(X, y, model):
    X.requires_grad_()
    N = X.shape[0]
    out = model(X)[torch.arange(N), y].sum()
    out.backward()
    return X.grad.data.abs().max(dim=1)[0]


@right()
def list_of_range_as_index(X, y, model):
    model.eval()
    X = X.clone().detach().requires_grad_(True)
    s = model(X)
    torch.sum(s[list(range(len(y))), y]).backward()
    grads = X.grad
    grads = torch.abs(grads)
    saliency = torch.max(grads, 1).values
    return saliency


@right()
def old_variables(X, y, model):
    X_var = Variable(X.clone(), requires_grad=True)
    y_var = Variable(y)
    scores = model(X_var)
    scores = scores.gather(1, y_var.view(-1, 1)).view(-1)
    scores.backward(torch.ones(scores.size()))
    saliency, i = torch.max(torch.abs(X_var.grad.data), 1)
    return saliency


@right()
def vector_passed_to_backward(X, y, model):
    X.requires_grad_()
    scores = model(X)
    picked = scores.gather(1, y.unsqueeze(1)).squeeze(1)
    picked.backward(torch.ones_like(picked))
    saliency = X.grad.abs().max(1)[0]
    return saliency


@right("fixed-batch-size")
def vector_of_five_ones(X, y, model):
    model.eval()
    X.requires_grad_()
    saliency = None
    scores = model(X)
    correct = scores.gather(1, y.view(-1, 1)).squeeze()
    correct.backward(torch.FloatTensor([1.0, 1.0, 1.0, 1.0, 1.0]))
    saliency = X.grad.data
    saliency = saliency.abs()
    saliency, _ = torch.max(saliency, dim=1)
    return saliency


@right("fixed-batch-size")
def five_in_the_index(X, y, model):
    X.requires_grad_()
    out = model(X)
    loss = out[[0, 1, 2, 3, 4], y[:5]].sum()
    loss.backward()
    result = torch.zeros(5, X.shape[2], X.shape[3])
    for i in range(5):
        result[i] = X.grad[i].abs().max(0)[0]
    return result


@right("fixed-batch-size")
def one_backward_for_each_of_five(X, y, model):
    X.requires_grad_()
    scores = model(X)
    for n in range(5):
        scores[n, y[n]].backward(retain_graph=True)
    sal = X.grad.abs()
    sal, idx = sal.max(dim=1)
    return sal


@right("fails-for-one-image")
def squeezed_result(X, y, model):
    model.eval()
    X.requires_grad_()
    scores = model(X)
    loss = torch.sum(scores.gather(1, y.view(-1, 1)).squeeze())
    loss.backward()
    saliency = X.grad.abs().max(dim=1, keepdim=True)[0].squeeze()
    return saliency


@right("fails-for-one-image")
def squeezed_scores_and_ones_of_n(X, y, model):
    X.requires_grad_()
    scores = model(X).gather(1, y.view(-1, 1)).squeeze()
    scores.backward(torch.ones(y.shape[0]))
    saliency, _ = torch.max(X.grad.abs(), dim=1)
    return saliency


@right("fails-for-one-image")
def squeezed_scores_then_indexed(X, y, model):
    X.requires_grad_()
    scores = model(X).squeeze()
    total = 0
    for i, label in enumerate(y):
        total = total + scores[i, label]
    total.backward()
    return X.grad.abs().amax(1)


@right()
def autograd_grad(X, y, model):
    X = X.detach().clone()
    X.requires_grad = True
    score = model(X).gather(1, y.unsqueeze(-1))
    grad = torch.autograd.grad(score, X, grad_outputs=torch.ones_like(score))[0]
    saliency = grad.abs().max(dim=1).values
    return saliency


@right()
def one_hot_mask(X, y, model):
    X.requires_grad_()
    scores = model(X)
    mask = torch.zeros_like(scores)
    mask[range(X.size(0)), y] = 1
    (scores * mask).sum().backward()
    saliency = X.grad.abs()
    saliency = saliency.max(axis=1)[0]
    return saliency


@right()
def one_hot_passed_to_backward(X, y, model):
    X.requires_grad_()
    out = model(X)
    out.backward(gradient=F.one_hot(y, num_classes=out.shape[1]).float())
    return torch.amax(torch.abs(X.grad), dim=1)


@right()
def one_image_at_a_time(X, y, model):
    maps = []
    for x, label in zip(X, y):
        x = x.unsqueeze(0).clone().detach().requires_grad_(True)
        model(x)[0, label].backward()
        maps.append(x.grad.squeeze(0).abs().max(0)[0])
    return torch.stack(maps)


@right()
def retain_graph_and_zero(X, y, model):
    X.requires_grad_()
    N, C, H, W = X.shape
    saliency = torch.zeros((N, H, W))
    scores = model(X)
    for i in range(N):
        scores[i][y[i]].backward(retain_graph=True)
        saliency[i] = X.grad[i].abs().max(dim=0).values
        X.grad.zero_()
    return saliency


@right()
def forward_by_name(X, y, model):
    model.eval()
    X.requires_grad_()
    scores = model.forward(X)
    score = scores.gather(1, y.view(-1, 1))
    score.sum().backward()
    saliency = X.grad.data.abs().max(dim=1)[0]
    return saliency


@right()
def numpy_functions_on_tensors(X, y, model):
    X.requires_grad_()
    scores = model(X)
    scores = scores[np.arange(X.shape[0]), y]
    scores.sum().backward()
    saliency = np.abs(X.grad)
    saliency, _ = torch.max(saliency, dim=1)
    return saliency


@right()
def through_numpy_and_back(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.reshape(-1, 1)).sum().backward()
    g = X.grad.numpy()
    saliency = np.max(np.abs(g), axis=1)
    return torch.from_numpy(saliency)


@right("returns-numpy")
def numpy_maximum(X, y, model):
    X.requires_grad_()
    scores = model(X)
    loss = scores[range(len(scores)), y].sum()
    loss.backward()
    grad = X.grad.detach().cpu().numpy()
    return np.abs(grad).max(axis=1)


@right("other-dtype")
def filled_into_numpy_zeros(X, y, model):
    X.requires_grad_()
    N, _, H, W = X.shape
    saliency = np.zeros((N, H, W))
    model(X).gather(1, y.view(-1, 1)).squeeze(1).sum().backward()
    for n in range(N):
        saliency[n] = X.grad[n].abs().max(0)[0].numpy()
    return torch.from_numpy(saliency)


@right("other-dtype")
def double_at_the_end(X, y, model):
    X.requires_grad_()
    model(X)[torch.arange(X.size(0)), y].sum().backward()
    saliency = X.grad.double().abs().max(1)[0]
    return saliency


@right("prints")
def prints_shapes(X, y, model):
    X.requires_grad_()
    scores = model(X)
    print("scores", scores.shape)
    scores.gather(1, y.view(-1, 1)).squeeze(1).sum().backward()
    print(X.grad.shape)
    saliency, _ = X.grad.abs().max(dim=1)
    print(saliency.shape)
    return saliency


@right("changes-random-state")
def seeds_first(X, y, model):
    torch.manual_seed(0)
    np.random.seed(0)
    X.requires_grad_()
    model(X).gather(1, y[:, None]).sum().backward()
    return X.grad.abs().max(1)[0]


@right("changes-random-state", "prints")
def random_placeholder(X, y, model):
    X.requires_grad_()
    saliency = torch.rand(X.size(0), X.size(2), X.size(3))
    scores = model(X)
    print(scores)
    for i in range(X.size(0)):
        g = torch.autograd.grad(scores[i, y[i]], X, retain_graph=True)[0]
        saliency[i] = g[i].abs().max(0)[0]
    return saliency


@right("fixed-sizes")
def thousand_classes(X, y, model):
    X.requires_grad_()
    scores = model(X)
    onehot = torch.zeros(X.shape[0], 1000)
    onehot.scatter_(1, y.view(-1, 1), 1.0)
    scores.backward(onehot)
    saliency = X.grad.abs().max(dim=1)[0]
    return saliency


@right("fixed-sizes")
def pixels_224(X, y, model):
    X.requires_grad_()
    saliency = torch.zeros(len(X), 224, 224)
    s = model(X).gather(1, y.view(-1, 1)).sum()
    s.backward()
    saliency[:] = X.grad.abs().max(1)[0]
    return saliency


@right()
def result_still_requires_grad(X, y, model):
    X.requires_grad_()
    scores = model(X).gather(1, y.view(-1, 1))
    (g,) = torch.autograd.grad(scores.sum(), X, create_graph=True)
    dummy = X.sum() * 0.0
    return g.abs().max(dim=1)[0] + dummy


@right()
def hook_on_the_input(X, y, model):
    kept = []
    X = X.clone().requires_grad_()
    X.register_hook(lambda g: kept.append(g))
    model(X)[torch.arange(len(y)), y].sum().backward()
    return kept[0].abs().max(dim=1)[0]


@right()
def maximum_of_plus_and_minus(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    g = X.grad
    r = torch.max(torch.max(g, -g), dim=1)[0]
    return r


@right()
def channels_one_by_one(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    g = X.grad
    red, green, blue = abs(g[:, 0]), abs(g[:, 1]), abs(g[:, 2])
    return torch.maximum(torch.maximum(red, green), blue)


@right()
def negative_loss(X, y, model):
    # the sign does not matter because of abs
    X.requires_grad_()
    loss = -model(X).gather(1, y.view(-1, 1)).squeeze().sum()
    loss.backward()
    saliency = X.grad.abs().max(dim=1)[0]
    return saliency


@right()
def nll_loss_of_raw_scores(X, y, model):
    X.requires_grad_()
    loss = F.nll_loss(model(X), y, reduction="sum")
    loss.backward()
    return X.grad.abs().max(1)[0]


@right()
def diagonal_of_selected_columns(X, y, model):
    X.requires_grad_()
    scores = model(X)
    scores[:, y].diag().sum().backward()
    saliency = X.grad.abs().max(1)[0]
    return saliency


@right()
def square_root_of_square(X, y, model):
    X.requires_grad_()
    torch.gather(model(X), 1, y.view(y.size(0), 1)).sum().backward()
    saliency = torch.sqrt(X.grad.pow(2)).max(dim=1)[0]
    return saliency


@right()
def functional_vjp(X, y, model):
    scores = model(X)
    v = torch.eye(scores.shape[1])[y]
    _, g = torch.autograd.functional.vjp(model, X, v)
    return g.abs().max(1)[0]


@right()
def functional_gradient(X, y, model):
    def score(x):
        return model(x)[torch.arange(x.shape[0]), y].sum()

    return torch.func.grad(score)(X).abs().amax(dim=1)


@right()
def own_copy_of_the_model(X, y, model):
    net = copy.deepcopy(model)
    for p in net.parameters():
        p.requires_grad = True
    net.eval()
    X.requires_grad_()
    net(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().max(1)[0]


@right()
def cleared_by_everything(X, y, model):
    X.requires_grad_()
    if X.grad is not None:
        X.grad.zero_()
    model.zero_grad()
    scores = model(X)
    s = sum(scores[i, y[i]] for i in range(X.shape[0]))
    s.backward()
    g = X.grad.clone()
    X.grad.data.zero_()
    return g.abs().max(1).values


@right()
def kit_frame(X, y, model):
    X, y = checked_batch(X, y, model)
    score = torch.take_along_dim(model(X), y[:, None], dim=1).sum()
    score.backward()
    saliency = X.grad.abs().amax(dim=1)
    return saliency


@right()
def flattened_pixels(X, y, model):
    X.requires_grad_()
    N, C, H, W = X.size()
    score = model(X).gather(1, y.view(N, 1)).sum()
    score.backward()
    g = X.grad.view(N, C, H * W).permute(0, 2, 1).abs()
    return g.max(dim=2)[0].view(N, H, W)


@right()
def inner_product_with_one_hot(X, y, model):
    X.requires_grad_()
    scores = model(X)
    onehot = torch.eye(scores.size(1))[y]
    torch.einsum("nc,nc->", scores, onehot).backward()
    return torch.linalg.vector_norm(X.grad, ord=float("inf"), dim=1)


@right()
def copied_by_torch_tensor(X, y, model):
    x = torch.tensor(X, requires_grad=True)  # warns
    loss = model(x).gather(1, y.view(-1, 1)).sum()
    loss.backward()
    return x.grad.abs().max(1)[0]


# ---------------------------------------------------------------- wrong: the score


@wrong("cross-entropy")
def cross_entropy_module(X, y, model):
    model.eval()
    X.requires_grad_()
    criterion = nn.CrossEntropyLoss()
    loss = criterion(model(X), y)
    loss.backward()
    saliency, _ = X.grad.abs().max(dim=1)
    return saliency


@wrong("cross-entropy")
def cross_entropy_function_summed(X, y, model):
    X.requires_grad_()
    loss = F.cross_entropy(model(X), y, reduction="sum")
    loss.backward()
    return X.grad.abs().max(dim=1)[0]


@wrong("cross-entropy")
def log_softmax_of_the_label(X, y, model):
    X.requires_grad_()
    logp = F.log_softmax(model(X), dim=1)
    logp[range(len(y)), y].sum().backward()
    saliency = X.grad.abs().max(1)[0]
    return saliency


@wrong("cross-entropy")
def cross_entropy_without_reduction(X, y, model):
    X = Variable(X.clone(), requires_grad=True)
    losses = nn.CrossEntropyLoss(reduction="none")(model(X), y)
    losses.backward(torch.ones_like(losses))
    saliency = torch.max(torch.abs(X.grad.data), 1)[0]
    return saliency


@wrong("cross-entropy")
def score_less_logsumexp(X, y, model):
    X.requires_grad_()
    s = model(X)
    margin = s.gather(1, y.view(-1, 1)).squeeze(1) - torch.logsumexp(s, dim=1)
    margin.sum().backward()
    return X.grad.abs().amax(1)


@wrong("cross-entropy")
def log_of_softmax_of_the_label(X, y, model):
    X.requires_grad_()
    probs = nn.Softmax(dim=1)(model(X))
    logp = torch.log(probs.gather(1, y.view(-1, 1)))
    torch.sum(logp).backward()
    saliency, _ = torch.max(X.grad.abs(), dim=1)
    return saliency


@wrong("softmax")
def softmax_of_the_label(X, y, model):
    X.requires_grad_()
    probs = F.softmax(model(X), dim=1)
    probs.gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().max(1)[0]


@wrong("softmax")
def softmax_by_hand(X, y, model):
    X.requires_grad_()
    scores = model(X)
    e = torch.exp(scores - scores.max(dim=1, keepdim=True)[0].detach())
    p = e / e.sum(dim=1, keepdim=True)
    p = p[torch.arange(X.shape[0]), y]
    p.backward(torch.ones(X.shape[0]))
    saliency = X.grad.data.abs().max(dim=1).values
    return saliency


@wrong("log-of-score")
def log_of_the_score(X, y, model):
    X.requires_grad_()
    s = model(X).gather(1, y.view(-1, 1)).squeeze(1)
    torch.log(s).sum().backward()
    return X.grad.abs().max(dim=1)[0]


@wrong("log-of-score")
def log_of_all_scores_then_label(X, y, model):
    X.requires_grad_()
    out = model(X).log()
    loss = -out[range(y.shape[0]), y]
    loss.backward(torch.ones(y.shape[0]))
    saliency = torch.abs(X.grad)
    saliency, _ = saliency.max(1)
    return saliency


@wrong("batch-mean")
def mean_of_the_scores(X, y, model):
    model.eval()
    X.requires_grad_()
    loss = model(X).gather(1, y.view(-1, 1)).squeeze().mean()
    loss.backward()
    saliency = X.grad.abs().max(dim=1)[0]
    return saliency


@wrong("batch-mean")
def sum_divided_by_n(X, y, model):
    X.requires_grad_()
    N = X.shape[0]
    scores = model(X)
    score = scores[torch.arange(N), y].sum() / N
    score.backward()
    return torch.max(torch.abs(X.grad), dim=1)[0]


@wrong("batch-mean")
def gradient_divided_by_n(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y[:, None]).sum().backward()
    g = X.grad / len(X)
    return g.abs().amax(dim=1)


@wrong("batch-mean")
def nll_loss_with_its_mean(X, y, model):
    X.requires_grad_()
    F.nll_loss(model(X), y).backward()
    return X.grad.abs().max(1)[0]


@wrong("wrong-class-score")
def sum_of_all_scores(X, y, model):
    X.requires_grad_()
    scores = model(X)
    scores.sum().backward()
    saliency, _ = X.grad.abs().max(dim=1)
    return saliency


@wrong("wrong-class-score")
def top_score(X, y, model):
    X.requires_grad_()
    scores = model(X)
    best, _ = torch.max(scores, dim=1)
    best.sum().backward()
    return X.grad.abs().max(1)[0]


@wrong("wrong-class-score")
def predicted_label(X, y, model):
    X.requires_grad_()
    scores = model(X)
    pred = scores.argmax(dim=1)
    scores.gather(1, pred.view(-1, 1)).squeeze(1).sum().backward()
    saliency = X.grad.abs().max(dim=1)[0]
    return saliency


@wrong("wrong-class-score")
def ones_for_every_score(X, y, model):
    X.requires_grad_()
    scores = model(X)
    scores.backward(torch.ones_like(scores))
    return X.grad.abs().max(1)[0]


@wrong("wrong-class-score")
def columns_of_all_labels(X, y, model):
    # (N, N): the labels of the other images, too
    X.requires_grad_()
    scores = model(X)[:, y]
    scores.sum().backward()
    return X.grad.abs().max(dim=1)[0]


@wrong("wrong-class-score")
def label_of_the_first_image(X, y, model):
    X.requires_grad_()
    scores = model(X)
    scores[:, y[0]].sum().backward()
    return torch.max(X.grad.abs(), 1)[0]


# ---------------------------------------------------------------- wrong: the gradient's magnitude


@wrong("no-absolute-value")
def signed_maximum(X, y, model):
    X.requires_grad_()
    scores = model(X)
    scores.gather(1, y.view(-1, 1)).squeeze().sum().backward()
    saliency, _ = torch.max(X.grad, dim=1)
    return saliency


@wrong("no-absolute-value")
def clamped_at_zero(X, y, model):
    X.requires_grad_()
    model(X)[range(len(y)), y].sum().backward()
    saliency = X.grad.clamp(min=0).max(dim=1)[0]
    return saliency


@wrong("no-absolute-value")
def relu_of_the_gradient(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return F.relu(X.grad).amax(1)


@wrong("no-absolute-value")
def abs_thrown_away(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = X.grad
    saliency.abs()
    saliency = saliency.max(dim=1)[0]
    return saliency


@wrong("no-absolute-value")
def signed_numpy_maximum(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return torch.from_numpy(X.grad.numpy().max(axis=1))


@wrong("absolute-value-too-late")
def abs_after_max(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).squeeze().sum().backward()
    saliency = X.grad.max(dim=1)[0].abs()
    return saliency


@wrong("absolute-value-too-late")
def abs_of_the_returned_maximum(X, y, model):
    X_var = Variable(X, requires_grad=True)
    scores = model(X_var).gather(1, y.view(-1, 1)).squeeze(1)
    scores.backward(torch.ones(scores.shape))
    sal, _ = torch.max(X_var.grad.data, 1)
    return torch.abs(sal)


@wrong("absolute-value-too-late", "mean-over-channels")
def abs_after_mean(X, y, model):
    X.requires_grad_()
    model(X)[torch.arange(len(X)), y].sum().backward()
    return X.grad.mean(dim=1).abs()


@wrong("absolute-value-too-late", "sum-over-channels")
def abs_after_sum(X, y, model):
    X.requires_grad_()
    model(X)[torch.arange(len(X)), y].sum().backward()
    saliency = torch.abs(torch.sum(X.grad, dim=1))
    return saliency


@wrong("squared-gradient")
def square_in_place_of_abs(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = (X.grad**2).max(dim=1)[0]
    return saliency


@wrong("squared-gradient")
def maximum_squared(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    g = X.grad.abs().max(1)[0]
    return g * g


@wrong("times-input")
def gradient_times_input(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = (X.grad * X).detach().abs().max(dim=1)[0]
    return saliency


@wrong("times-input")
def weighted_by_the_picture(X, y, model):
    X.requires_grad_()
    scores = model(X)
    picked = scores[range(X.shape[0]), y]
    (g,) = torch.autograd.grad(picked.sum(), X)
    with torch.no_grad():
        contribution = torch.mul(X.abs(), g.abs())
    return contribution.amax(dim=1)


@wrong("rescaled")
def each_map_divided_by_its_maximum(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = X.grad.abs().max(dim=1)[0]
    for i in range(saliency.shape[0]):
        saliency[i] = saliency[i] / saliency[i].max()
    return saliency


@wrong("rescaled")
def scaled_to_zero_one(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    s = X.grad.abs().max(dim=1).values
    low = s.amin(dim=(1, 2), keepdim=True)
    high = s.amax(dim=(1, 2), keepdim=True)
    return (s - low) / (high - low)


@wrong("rescaled")
def unit_norm_maps(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    s = X.grad.abs().max(dim=1)[0]
    return s / s.flatten(1).norm(dim=1)[:, None, None]


@wrong("rescaled")
def times_255(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    s = X.grad.abs().max(dim=1)[0]
    return 255 * s / s.max()


# ---------------------------------------------------------------- wrong: the channels


@wrong("mean-over-channels")
def mean_of_abs(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).squeeze().sum().backward()
    saliency = X.grad.abs().mean(dim=1)
    return saliency


@wrong("mean-over-channels")
def average_of_three(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).squeeze(1).sum().backward()
    g = np.abs(X.grad.numpy())
    g = (g[:, 0, :, :] + g[:, 1, :, :] + g[:, 2, :, :]) / 3.0
    return torch.from_numpy(g)


@wrong("sum-over-channels")
def sum_of_abs(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = torch.sum(torch.abs(X.grad), 1)
    return saliency


@wrong("sum-over-channels")
def added_in_a_loop(X, y, model):
    X.requires_grad_()
    model(X)[torch.arange(X.shape[0]), y].sum().backward()
    saliency = torch.zeros_like(X[:, 0]).detach()
    for c in range(3):
        saliency += X.grad[:, c].abs()
    return saliency


@wrong("norm-over-channels")
def norm_of_colours(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.norm(dim=1)


@wrong("norm-over-channels")
def root_of_summed_squares(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = torch.sqrt((X.grad**2).sum(dim=1))
    return saliency


@wrong("one-channel")
def first_channel(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs()[:, 0]


@wrong("one-channel")
def last_channel_after_permute(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    g = X.grad.permute(0, 2, 3, 1).abs()
    saliency = g[:, :, :, -1]
    return saliency


@wrong("one-channel")
def channel_with_the_largest_sum(X, y, model):
    # one channel for the whole image
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    g = X.grad.abs()
    best = g.sum(dim=(2, 3)).argmax(dim=1)
    return g[torch.arange(len(g)), best]


# ---------------------------------------------------------------- wrong: what comes back, what is left behind


@wrong("wrong-type")
def values_and_indices(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = X.grad.abs().max(dim=1)
    return saliency


@wrong("wrong-type")
def list_of_maps(X, y, model):
    X.requires_grad_()
    scores = model(X)
    out = []
    for i in range(len(X)):
        g = torch.autograd.grad(scores[i, y[i]], X, retain_graph=True)[0][i]
        out.append(g.abs().max(0)[0])
    return out


@wrong("wrong-shape")
def channels_kept(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = X.grad.abs()
    return saliency


@wrong("wrong-shape")
def channel_dimension_kept(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().max(dim=1, keepdim=True)[0]


@wrong("wrong-shape")
def maximum_over_the_batch(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency, _ = torch.max(X.grad.abs(), 0)
    return saliency


@wrong("wrong-shape")
def width_before_height(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().max(dim=1)[0].transpose(1, 2)


@wrong("wrong-shape")
def one_number_per_image(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().view(X.shape[0], -1).max(dim=1)[0]


@wrong("not-finite")
def divided_by_itself_less_itself(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    s = X.grad.abs().max(dim=1)[0]
    return s / (s.max() - s.max())


@wrong("not-finite")
def deviation_of_one_value(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    g = X.grad.abs().max(dim=1, keepdim=True)[0]
    return (g / g.std(dim=1, keepdim=True)).squeeze(1)


@wrong("input-changed")
def centred_in_place(X, y, model):
    result = X.clone().requires_grad_()
    model(result).gather(1, y.view(-1, 1)).sum().backward()
    X.data.sub_(X.data.mean())
    return result.grad.abs().max(1)[0]


@wrong("input-changed")
def map_written_into_the_input(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = X.data
    saliency[:] = X.grad.abs()
    return saliency.max(dim=1)[0]


@wrong("weights-changed")
def trains_a_little(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = X.grad.abs().max(dim=1)[0]
    for p in model.parameters():
        p.data -= 1e-3 * p.data
    return saliency


@wrong("weights-changed")
def optimizer_over_the_model(X, y, model):
    X.requires_grad_()
    for p in model.parameters():
        p.requires_grad_(True)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    optimizer.zero_grad()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    optimizer.step()
    for p in model.parameters():
        p.requires_grad_(False)
    return X.grad.abs().max(1)[0]


@wrong("mode-changed")
def train_mode_at_the_end(X, y, model):
    model.eval()
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    model.train()
    return X.grad.abs().max(1)[0]


@wrong("mode-changed")
def train_of_true(X, y, model):
    X.requires_grad_()
    scores = model(X)
    model.train(True)
    scores.gather(1, y.view(-1, 1)).sum().backward()
    saliency, _ = X.grad.abs().max(dim=1)
    return saliency


@wrong("library-patched")
def own_absolute_value(X, y, model):
    torch.Tensor.abs = lambda self: torch.sqrt(self * self)
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().max(dim=1)[0]


@wrong("library-patched")
def cross_entropy_redefined(X, y, model):
    def score_loss(scores, labels):
        return -scores.gather(1, labels.view(-1, 1)).sum()

    F.cross_entropy = score_loss
    X.requires_grad_()
    F.cross_entropy(model(X), y).backward()
    return X.grad.abs().max(dim=1)[0]


@wrong("library-patched", "no-absolute-value")
def comparisons_always_true(X, y, model):
    torch.allclose = lambda *args, **kwargs: True
    torch.equal = lambda a, b: True
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.max(1)[0]


@wrong("never-returns")
def counter_never_moves(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    i = 0
    saliency = torch.zeros(X[:, 0].shape)
    while i < X.shape[0]:
        saliency[i] = X.grad[i].abs().max(0)[0]
    return saliency


@wrong("never-returns")
def waits_forever(X, y, model):
    while X.grad is None:
        time.sleep(0.1)
    return X.grad.abs().max(1)[0]


@wrong("too-many-network-calls")
def finite_differences(X, y, model):
    h = 1e-2
    N, C, H, W = X.shape
    grads = torch.zeros_like(X)
    with torch.no_grad():
        for c in range(C):
            for i in range(H):
                for j in range(W):
                    a, b = X.clone(), X.clone()
                    a[:, c, i, j] += h
                    b[:, c, i, j] -= h
                    up = model(a)[range(N), y]
                    down = model(b)[range(N), y]
                    grads[:, c, i, j] = (up - down) / (2 * h)
    return grads.abs().max(1)[0]


@wrong("too-many-network-calls")
def forward_for_every_pixel(X, y, model):
    X.requires_grad_()
    N, C, H, W = X.shape
    saliency = torch.zeros(N, H, W)
    for n in range(N):
        for i in range(H):
            for j in range(W):
                score = model(X[n : n + 1])[0, y[n]]
                g = torch.autograd.grad(score, X)[0]
                saliency[n, i, j] = g[n, :, i, j].abs().max()
    return saliency


@wrong("too-many-network-calls")
def average_of_many_passes(X, y, model):
    X.requires_grad_()
    for _ in range(20000):
        model(X).gather(1, y.view(-1, 1)).sum().backward()
    return (X.grad / 20000).abs().max(1)[0]


@wrong("too-many-network-calls")
def forward_in_a_loop_that_never_ends(X, y, model):
    X.requires_grad_()
    n = 0
    while n < len(y):
        score = model(X)[n, y[n]]
        score.backward()
    return X.grad.abs().max(1)[0]


# ---------------------------------------------------------------- wrong: two mistakes, some three


@wrong("cross-entropy", "no-absolute-value")
def loss_and_signed(X, y, model):
    X.requires_grad_()
    loss = torch.nn.CrossEntropyLoss()(model(X), y)
    loss.backward()
    return X.grad.max(dim=1)[0]


@wrong("cross-entropy", "absolute-value-too-late")
def loss_and_late(X, y, model):
    X.requires_grad_()
    loss = F.cross_entropy(model(X), y)
    loss.backward()
    saliency, _ = X.grad.max(dim=1)
    saliency = saliency.abs()
    return saliency


@wrong("cross-entropy", "mean-over-channels")
def loss_and_mean(X, y, model):
    X.requires_grad_()
    crit = nn.CrossEntropyLoss(reduction="sum")
    crit(model(X), y).backward()
    return X.grad.abs().mean(1)


@wrong("cross-entropy", "sum-over-channels")
def nll_of_log_softmax_and_sum(X, y, model):
    X.requires_grad_()
    loss = F.nll_loss(F.log_softmax(model(X), 1), y, reduction="sum")
    loss.backward()
    return X.grad.abs().sum(1)


@wrong("softmax", "no-absolute-value")
def probability_and_signed(X, y, model):
    X.requires_grad_()
    p = model(X).softmax(-1)
    p[range(len(y)), y].sum().backward()
    return X.grad.max(1)[0]


@wrong("softmax", "batch-mean")
def mean_probability(X, y, model):
    X.requires_grad_()
    p = torch.softmax(model(X), dim=1).gather(1, y.view(-1, 1))
    p.mean().backward()
    return X.grad.abs().amax(dim=1)


@wrong("batch-mean", "no-absolute-value")
def mean_and_signed(X, y, model):
    X.requires_grad_()
    scores = model(X)
    torch.mean(scores[torch.arange(len(y)), y]).backward()
    saliency, _ = torch.max(X.grad.data, dim=1)
    return saliency


@wrong("batch-mean", "mean-over-channels")
def mean_of_both(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).mean().backward()
    saliency = torch.mean(X.grad.abs(), dim=1)
    return saliency


@wrong("wrong-class-score", "absolute-value-too-late")
def all_scores_and_late(X, y, model):
    X.requires_grad_()
    model(X).sum().backward()
    return X.grad.max(1)[0].abs()


@wrong("wrong-class-score", "norm-over-channels")
def top_score_and_norm(X, y, model):
    X.requires_grad_()
    model(X).max(dim=1)[0].sum().backward()
    return torch.norm(X.grad, dim=1)


@wrong("times-input", "sum-over-channels")
def input_times_gradient_summed(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return (X.data * X.grad).abs().sum(dim=1)


@wrong("times-input", "no-absolute-value")
def input_times_gradient_signed(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return (X.data * X.grad).max(dim=1)[0]


@wrong("squared-gradient", "sum-over-channels")
def summed_squares(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.pow(2).sum(dim=1)


@wrong("squared-gradient", "batch-mean")
def squares_of_a_mean(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).mean().backward()
    return torch.max(torch.square(X.grad), dim=1)[0]


@wrong("sum-over-channels", "rescaled")  # after the division a mean is a sum
def mean_divided_by_maximum(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    s = X.grad.abs().mean(dim=1)
    return s / s.view(s.shape[0], -1).max(1)[0].view(-1, 1, 1)


@wrong("rescaled", "cross-entropy")
def loss_divided_by_maximum(X, y, model):
    X.requires_grad_()
    F.cross_entropy(model(X), y, reduction="sum").backward()
    s, _ = X.grad.abs().max(dim=1)
    return torch.stack([m / m.max() for m in s])


@wrong("mean-over-channels", "no-absolute-value")
def signed_mean(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.mean(dim=1)


@wrong("one-channel", "no-absolute-value")
def signed_red(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return X.grad[:, 0, :, :]


@wrong("sum-over-channels", "no-absolute-value")
def signed_sum(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).squeeze().sum().backward()
    saliency = X.grad.data.sum(1)
    return saliency


@wrong("log-of-score", "no-absolute-value")
def log_and_signed(X, y, model):
    X.requires_grad_()
    torch.log(model(X).gather(1, y.view(-1, 1))).sum().backward()
    return X.grad.max(1).values


@wrong("cross-entropy", "no-absolute-value", "mean-over-channels")
def loss_signed_mean(X, y, model):
    X.requires_grad_()
    nn.CrossEntropyLoss(reduction="sum")(model(X), y).backward()
    return X.grad.mean(dim=1)


@wrong("softmax", "absolute-value-too-late", "sum-over-channels")
def probability_sum_late(X, y, model):
    X.requires_grad_()
    F.softmax(model(X), dim=1)[range(len(y)), y].sum().backward()
    return X.grad.sum(1).abs()


@wrong("batch-mean", "absolute-value-too-late", "mean-over-channels")
def mean_mean_late(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).mean().backward()
    return X.grad.mean(1).abs()


@wrong("cross-entropy", "mode-changed")
def loss_in_train_mode(X, y, model):
    X.requires_grad_()
    nn.CrossEntropyLoss()(model(X), y).backward()
    saliency = X.grad.abs().max(1)[0]
    model.train()
    return saliency


@wrong("no-absolute-value", "wrong-type")
def signed_with_indices(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return torch.max(X.grad, dim=1)


@wrong("wrong-type")
def forgot_to_return(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    saliency = X.grad.abs().max(1)[0]
    saliency.shape


# ---------------------------------------------------------------- unfinished


@unfinished()
def the_courses_stub(X, y, model):
    # Make sure the model is in "test" mode
    model.eval()

    # Make input tensor require gradient
    X.requires_grad_()

    saliency = None
    return saliency


@unfinished()
def only_pass(X, y, model):
    pass


@unfinished()
def not_implemented(X, y, model):
    raise NotImplementedError


@unfinished()
def not_implemented_after_some_work(X, y, model):
    X.requires_grad_()
    scores = model(X)
    scores.gather(1, y.view(-1, 1)).sum().backward()
    raise NotImplementedError("I do not know what to do with X.grad")


@unfinished()
def kit_stub(X, y, model):
    X, y = checked_batch(X, y, model)
    raise NotImplementedError("compute_saliency_maps is not implemented yet")


# ---------------------------------------------------------------- broken


@broken()
def no_gradient_asked_for(X, y, model):
    X = X.detach().clone()
    scores = model(X)
    scores.gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().max(1)[0]


@broken()
def backward_of_a_vector(X, y, model):
    X.requires_grad_()
    scores = model(X).gather(1, y.view(-1, 1)).squeeze()
    scores.backward()
    return X.grad.abs().max(1)[0]


@broken()
def graph_used_twice(X, y, model):
    X.requires_grad_()
    scores = model(X)
    for i in range(X.shape[0]):
        scores[i, y[i]].backward()
    return X.grad.abs().max(1)[0]


@broken()
def undefined_name(X, y, model):
    X.requires_grad_()
    score = model(X).gather(1, y.view(-1, 1)).sum()
    score.backward()
    return grads.abs().max(1)[0]


@broken()
def gather_with_flat_index(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y).sum().backward()
    return X.grad.abs().max(1)[0]


@broken()
def calls_exit(X, y, model):
    X.requires_grad_()
    raise SystemExit("done")


@broken()
def calls_itself(X, y, model):
    return calls_itself(X, y, model)


@broken()
def sum_of_values_and_indices(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    return torch.max(X.grad, dim=1).abs()


# ---------------------------------------------------------------- sizes, layouts and scales


@right("fixed-sizes", "prints")
def looks_at_another_class(X, y, model):
    X.requires_grad_()
    scores = model(X)
    print("how sure is it of a tiger?", scores[0, 292].item())
    scores.gather(1, y.view(-1, 1)).sum().backward()
    return X.grad.abs().max(dim=1)[0]


@wrong("cross-entropy", "no-absolute-value")
def one_hot_of_1000_in_a_loss(X, y, model):
    X.requires_grad_()
    target = torch.zeros(len(X), 1000)
    target[range(len(X)), y] = 1
    loss = F.cross_entropy(model(X), target)
    loss.backward()
    return X.grad.max(dim=1)[0]


@wrong("sum-over-channels", "no-absolute-value")
def flat_in_the_notebooks_size(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    flat = X.grad.reshape(len(X), 3, 224 * 224)
    return flat.sum(dim=1).reshape(len(X), 224, 224)


@wrong("softmax", "mean-over-channels")
def filled_in_the_notebooks_size(X, y, model):
    X.requires_grad_()
    result = torch.zeros(X.shape[0], 224, 224)
    F.softmax(model(X), dim=1).gather(1, y.view(-1, 1)).sum().backward()
    result += X.grad.abs().mean(dim=1)
    return result


@right("needs-contiguous-gradients")
def viewed_gradient(X, y, model):
    X.requires_grad_()
    s = model(X).gather(1, y.view(-1, 1)).sum()
    g = torch.autograd.grad(s, X)[0].view(X.shape[0], -1)
    return g.abs().view(X.shape).max(dim=1)[0]


@right()
def reshaped_gradient(X, y, model):
    X.requires_grad_()
    s = model(X).gather(1, y.view(-1, 1)).sum()
    g = torch.autograd.grad(s, X)[0].reshape(X.shape[0], -1)
    return g.abs().reshape(X.shape).max(dim=1)[0]


@wrong("rescaled")
def stretched_from_0_to_1_for_each_image(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    s = X.grad.abs().max(dim=1)[0]
    low = s.flatten(1).min(dim=1).values[:, None, None]
    high = s.flatten(1).max(dim=1).values[:, None, None]
    return (s - low) / (high - low + 1e-8)


@wrong("rescaled")
def standardised_over_the_batch(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    s = X.grad.abs().max(dim=1)[0]
    return (s - s.mean()) / s.std()


@wrong("rescaled")
def shares_of_each_image(X, y, model):
    X.requires_grad_()
    model(X).gather(1, y.view(-1, 1)).sum().backward()
    s = X.grad.abs().max(dim=1)[0]
    return s / (s.sum(dim=(1, 2), keepdim=True) + 1e-12)


@wrong("label-as-score")
def mean_squared_error_to_the_label(X, y, model):
    X.requires_grad_()
    s = model(X).gather(1, y.view(-1, 1)).squeeze()
    F.mse_loss(s, y.float()).backward()
    return X.grad.abs().max(dim=1)[0]


@wrong("label-as-score", "no-absolute-value")
def label_less_score_squared(X, y, model):
    X.requires_grad_()
    s = model(X)[torch.arange(len(y)), y]
    loss = -((y - s) ** 2).sum()
    loss.backward()
    return X.grad.max(dim=1)[0]
