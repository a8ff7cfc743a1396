"""Student answers to class_visualization_update_step(img, model, target_y, l2_reg, learning_rate): img changes in place."""

import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

from cs231n.validation import check_step

from . import broken, right, unfinished, wrong

# ---------------------------------------------------------------- right


@right()
def raw_by_autograd(img, model, target_y, l2_reg, learning_rate):
    scores = model(img)
    loss = scores[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@right()
def normalised_by_autograd(img, model, target_y, l2_reg, learning_rate):
    score = model(img)[0, target_y]
    reg = l2_reg * torch.norm(img) ** 2
    (score - reg).backward()
    dimg = learning_rate * img.grad / img.grad.norm()
    with torch.no_grad():
        img += dimg
    img.grad = None


@right()
def regulariser_by_hand(img, model, target_y, l2_reg, learning_rate):
    scores = model(img)
    scores[0, target_y].backward()
    g = img.grad.data - 2 * l2_reg * img.data
    img.data += learning_rate * g
    img.grad.data.zero_()


@right()
def regulariser_by_hand_in_the_gradient(img, model, target_y, l2_reg, learning_rate):
    model(img)[:, target_y].backward()
    img.grad.data -= 2 * l2_reg * img.data
    img.data += learning_rate * img.grad.data / torch.norm(img.grad.data)
    img.grad.data.zero_()


@right()
def cleared_at_the_start(img, model, target_y, l2_reg, learning_rate):
    if img.grad is not None:
        img.grad.zero_()
    obj = model(img)[0][target_y] - l2_reg * (img * img).sum()
    obj.backward()
    with torch.no_grad():
        img.add_(img.grad, alpha=learning_rate)


@right()
def none_at_the_start(img, model, target_y, l2_reg, learning_rate):
    model.zero_grad()
    img.grad = None
    score = model(img)[0, target_y]
    loss = -score + l2_reg * img.pow(2).sum()
    loss.backward()
    img.data -= learning_rate * img.grad / (img.grad.norm() + 1e-8)


@right()
def returns_the_image(img, model, target_y, l2_reg, learning_rate):
    scores = model(img)
    target = scores[0, target_y] - l2_reg * torch.square(img).sum()
    target.backward()
    step = img.grad / img.grad.norm()
    img.data = img.data + learning_rate * step
    img.grad.zero_()
    return img


@right()
def assigns_new_data(img, model, target_y, l2_reg, learning_rate):
    y_score = model(img).gather(1, torch.LongTensor([[target_y]])).squeeze()
    objective = y_score - l2_reg * torch.norm(img) * torch.norm(img)
    objective.backward()
    img.data = (img + learning_rate * img.grad).detach()
    img.grad.data.zero_()


@right()
def autograd_grad(img, model, target_y, l2_reg, learning_rate):
    g = torch.autograd.grad(model(img)[0, target_y] - l2_reg * (img**2).sum(), img)[0]
    img.data.add_(learning_rate * g)


@right()
def autograd_grad_normalised(img, model, target_y, l2_reg, learning_rate):
    score = model(img)[0, target_y]
    (g,) = torch.autograd.grad(score, img)
    d = g - 2.0 * l2_reg * img
    d = d / torch.sqrt((d**2).sum())
    with torch.no_grad():
        img.copy_(img + learning_rate * d)


@right()
def old_variable(img, model, target_y, l2_reg, learning_rate):
    img_var = Variable(img.data, requires_grad=True)
    scores = model(img_var)
    one = torch.zeros(scores.size())
    one[0][target_y] = 1
    scores.backward(one)
    dx = img_var.grad.data - 2 * l2_reg * img_var.data
    img.data += learning_rate * dx


@right()
def sgd_on_the_negative(img, model, target_y, l2_reg, learning_rate):
    optimizer = torch.optim.SGD([img], lr=learning_rate)
    optimizer.zero_grad()
    loss = l2_reg * img.norm() ** 2 - model(img)[0, target_y]
    loss.backward()
    optimizer.step()


@right()
def sgd_with_weight_decay(img, model, target_y, l2_reg, learning_rate):
    optimizer = torch.optim.SGD([img], lr=learning_rate, weight_decay=2 * l2_reg)
    optimizer.zero_grad()
    loss = -model(img)[0, target_y]
    loss.backward()
    optimizer.step()


@right()
def sgd_that_maximizes(img, model, target_y, l2_reg, learning_rate):
    opt = torch.optim.SGD([img], lr=learning_rate, maximize=True)
    opt.zero_grad()
    (model(img)[0, target_y] - l2_reg * img.square().sum()).backward()
    img.grad /= img.grad.norm()
    opt.step()


@right()
def descends_on_the_loss(img, model, target_y, l2_reg, learning_rate):
    loss = -(model(img)[0, target_y] - l2_reg * torch.sum(img * img))
    loss.backward()
    with torch.no_grad():
        img -= learning_rate * img.grad
        img.grad.zero_()


@right("prints")
def prints_the_score(img, model, target_y, l2_reg, learning_rate):
    scores = model(img)
    s = scores[0, target_y]
    print("score:", s.item())
    s = s - l2_reg * torch.sum(torch.pow(img, 2))
    s.backward()
    img.data += learning_rate * img.grad.data / img.grad.data.norm()
    img.grad.data.zero_()


@right("prints")
def prints_the_norm(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * img.norm().pow(2)).backward()
    print(torch.norm(img.grad))
    with torch.no_grad():
        img += learning_rate * img.grad
    img.grad = None
    return img.data


@right("changes-random-state")
def seeds_first(img, model, target_y, l2_reg, learning_rate):
    torch.manual_seed(0)
    (model(img)[0, target_y] - l2_reg * (img**2).sum()).backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@right("fixed-sizes")
def thousand_classes(img, model, target_y, l2_reg, learning_rate):
    scores = model(img)
    onehot = torch.zeros(1, 1000)
    onehot[0, target_y] = 1.0
    scores.backward(onehot)
    img.data += learning_rate * (img.grad - 2 * l2_reg * img.data)
    img.grad.zero_()


@right("fixed-sizes")
def reshaped_to_224(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    d = img.grad.view(-1) - 2 * l2_reg * img.data.view(-1)
    img.data += learning_rate * (d / d.norm()).reshape(1, 3, 224, 224)
    img.grad.zero_()


@right()
def two_passes(img, model, target_y, l2_reg, learning_rate):
    best = model(img).argmax()
    score = model(img)[0, target_y]
    if best == target_y:
        score = score * 1.0
    (score - l2_reg * torch.norm(img) ** 2).backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()


@right()
def two_backward_passes(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    (-l2_reg * torch.sum(img**2)).backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@right()
def forward_by_name(img, model, target_y, l2_reg, learning_rate):
    score = model.forward(img)[0, target_y]
    loss = score - l2_reg * (img**2).sum()
    loss.backward(retain_graph=True)
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()


@right()
def numpy_norm(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    d = img.grad.numpy() - 2 * l2_reg * img.detach().numpy()
    d = d / np.linalg.norm(d)
    img.data += learning_rate * torch.from_numpy(d)
    img.grad.zero_()


@right()
def numpy_square_of_a_tensor(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * (img**2).sum()).backward()
    length = np.sqrt(np.square(img.grad).sum())
    img.data += learning_rate * img.grad / length
    img.grad.zero_()


@right()
def functional_normalize(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * (img**2).sum()).backward()
    step = F.normalize(img.grad.flatten(), dim=0).view_as(img)
    img.data[:] = img.data + learning_rate * step
    img.grad = None


@right()
def flattened_dot_product(img, model, target_y, l2_reg, learning_rate):
    flat = img.view(-1)
    objective = model(img)[0, target_y] - l2_reg * flat.dot(flat)
    objective.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@right()
def hook_that_keeps(img, model, target_y, l2_reg, learning_rate):
    kept = []
    handle = img.register_hook(kept.append)
    (model(img)[0, target_y] - l2_reg * img.pow(2).sum()).backward()
    handle.remove()
    img.data += learning_rate * kept[0]
    img.grad.zero_()


@right()
def hook_that_adds_the_regulariser(img, model, target_y, l2_reg, learning_rate):
    x = img.detach().clone().requires_grad_()
    x.register_hook(lambda g: g - 2 * l2_reg * x.detach())
    model(x)[0, target_y].backward()
    img.data += learning_rate * x.grad / x.grad.norm()


@right()
def own_copy_of_the_model(img, model, target_y, l2_reg, learning_rate):
    net = copy.deepcopy(model)
    x = img.data.clone()
    x.requires_grad = True
    (net(x)[0, target_y] - l2_reg * torch.sum(x**2)).backward()
    img.data.copy_(x.data + learning_rate * x.grad)


@right()
def functional_gradient(img, model, target_y, l2_reg, learning_rate):
    def objective(x):
        return model(x)[0, target_y] - l2_reg * (x**2).sum()

    g = torch.func.grad(objective)(img.detach())
    with torch.no_grad():
        img += learning_rate * g / g.norm()


@right()
def kit_frame(img, model, target_y, l2_reg, learning_rate):
    check_step(img, model, target_y, l2_reg, learning_rate)
    objective = model(img)[0, target_y] - l2_reg * torch.linalg.norm(img) ** 2
    objective.backward()
    with torch.no_grad():
        img += learning_rate * img.grad / torch.linalg.norm(img.grad)
    img.grad = None


@right()
def step_written_into_the_gradient(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * (img**2).sum()).backward()
    img.grad *= learning_rate
    img.data.add_(img.grad)
    img.grad.fill_(0)


@right()
def mse_as_the_square(img, model, target_y, l2_reg, learning_rate):
    square = F.mse_loss(img, torch.zeros_like(img), reduction="sum")
    (model(img)[0, target_y] - l2_reg * square).backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


# ---------------------------------------------------------------- wrong: the gradient between calls


@wrong("gradient-accumulates")
def never_cleared_raw(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad


@wrong("gradient-accumulates")
def never_cleared_normalised(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.norm(img) ** 2
    loss.backward()
    with torch.no_grad():
        img += learning_rate * img.grad / img.grad.norm()


@wrong("gradient-accumulates")
def zero_without_parentheses(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * (img * img).sum()
    loss.backward()
    img.data += learning_rate * img.grad.data / img.grad.data.norm()
    img.grad.data.zero_


@wrong("gradient-accumulates")
def only_the_models_gradients_cleared(img, model, target_y, l2_reg, learning_rate):
    model.zero_grad()
    score = model(img)[0, target_y] - l2_reg * img.square().sum()
    score.backward()
    img.data += learning_rate * img.grad
    model.zero_grad()


@wrong("gradient-accumulates")
def by_hand_never_cleared(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    d = img.grad.data - 2 * l2_reg * img.data
    img.data += learning_rate * d


@wrong("gradient-accumulates")
def cleared_if_none(img, model, target_y, l2_reg, learning_rate):
    if img.grad is None:
        img.grad = torch.zeros_like(img)
    (model(img)[0, target_y] - l2_reg * img.pow(2).sum()).backward()
    g = img.grad.clone()
    img.data += learning_rate * g / g.norm()
    g.zero_()


@wrong("gradient-accumulates")
def sgd_without_zero_grad(img, model, target_y, l2_reg, learning_rate):
    optimizer = torch.optim.SGD([img], lr=learning_rate)
    loss = -model(img)[0, target_y] + l2_reg * (img**2).sum()
    loss.backward()
    optimizer.step()


# ---------------------------------------------------------------- wrong: the regulariser


@wrong("regulariser-missing")
def score_only(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-missing")
def score_only_normalised(img, model, target_y, l2_reg, learning_rate):
    scores = model(img)
    scores[:, target_y].backward()
    g = img.grad.data
    img.data += learning_rate * g / g.norm()
    img.grad.data.zero_()


@wrong("regulariser-missing")
def regulariser_computed_but_not_used(img, model, target_y, l2_reg, learning_rate):
    score = model(img)[0, target_y]
    loss = score - l2_reg * torch.sum(img**2)
    score.backward()
    img.data += learning_rate * img.grad
    img.grad = None


@wrong("regulariser-not-squared")
def norm_without_square(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.norm(img)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-not-squared")
def norm_without_square_normalised(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * img.norm(2)
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()


@wrong("regulariser-not-squared")
def root_of_the_sum(img, model, target_y, l2_reg, learning_rate):
    reg = torch.sqrt((img**2).sum())
    (model(img)[0, target_y] - l2_reg * reg).backward()
    with torch.no_grad():
        img += learning_rate * img.grad
    img.grad = None


@wrong("regulariser-not-squared")
def unit_vector_by_hand(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    d = img.grad - l2_reg * img.data / img.data.norm()
    img.data += learning_rate * d
    img.grad.zero_()


@wrong("regulariser-wrong-sign")
def regulariser_added(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] + l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-wrong-sign")
def regulariser_added_by_hand(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    g = img.grad.data + 2 * l2_reg * img.data
    img.data += learning_rate * g / g.norm()
    img.grad.data.zero_()


@wrong("regulariser-wrong-sign")
def minus_the_whole_descended(img, model, target_y, l2_reg, learning_rate):
    loss = -model(img)[0, target_y] - l2_reg * img.norm() ** 2
    loss.backward()
    img.data -= learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-halved")
def factor_two_forgotten(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    img.data += learning_rate * (img.grad - l2_reg * img.data)
    img.grad.zero_()


@wrong("regulariser-halved")
def half_the_square(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - 0.5 * l2_reg * torch.sum(img * img)
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()


@wrong("regulariser-halved")
def weight_decay_without_two(img, model, target_y, l2_reg, learning_rate):
    optimizer = torch.optim.SGD([img], lr=learning_rate, weight_decay=l2_reg)
    optimizer.zero_grad()
    (-model(img)[0, target_y]).backward()
    optimizer.step()


@wrong("regulariser-on-weights")
def squared_weights(img, model, target_y, l2_reg, learning_rate):
    reg = 0
    for w in model.parameters():
        reg = reg + torch.sum(w**2)
    loss = model(img)[0, target_y] - l2_reg * reg
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-on-weights")
def norms_of_the_parameters(img, model, target_y, l2_reg, learning_rate):
    penalty = sum(p.norm() ** 2 for p in model.parameters())
    objective = model(img)[0, target_y] - l2_reg * penalty
    objective.backward()
    with torch.no_grad():
        img += learning_rate * img.grad / img.grad.norm()
    img.grad = None


@wrong("regulariser-on-scores")
def square_of_the_score(img, model, target_y, l2_reg, learning_rate):
    score = model(img)[0, target_y]
    loss = score - l2_reg * score**2
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-on-scores")
def norm_of_all_scores(img, model, target_y, l2_reg, learning_rate):
    scores = model(img)
    loss = scores[0, target_y] - l2_reg * torch.norm(scores) ** 2
    loss.backward()
    img.data += learning_rate * img.grad.data / img.grad.data.norm()
    img.grad.data.zero_()


@wrong("regulariser-detached")
def square_of_the_data(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img.data**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-detached")
def norm_of_the_detached(img, model, target_y, l2_reg, learning_rate):
    reg = torch.norm(img.detach()) ** 2
    (model(img)[0, target_y] - l2_reg * reg).backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad = None


@wrong("regulariser-detached")
def norm_as_a_number(img, model, target_y, l2_reg, learning_rate):
    reg = l2_reg * (img.norm() ** 2).item()
    (model(img)[0, target_y] - reg).backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-not-normalised")
def score_normalised_regulariser_raw(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    g = img.grad / img.grad.norm()
    img.data += learning_rate * (g - 2 * l2_reg * img.data)
    img.grad.zero_()


@wrong("regulariser-not-normalised")
def two_updates(img, model, target_y, l2_reg, learning_rate):
    (g,) = torch.autograd.grad(model(img)[0, target_y], img)
    decay = 2 * l2_reg * img.detach()
    with torch.no_grad():
        img += learning_rate * g / g.norm()
        img -= learning_rate * decay


# ---------------------------------------------------------------- wrong: the objective


@wrong("cross-entropy")
def cross_entropy_descended(img, model, target_y, l2_reg, learning_rate):
    loss = F.cross_entropy(model(img), torch.tensor([target_y])) + l2_reg * torch.sum(img**2)
    loss.backward()
    img.data -= learning_rate * img.grad
    img.grad.zero_()


@wrong("cross-entropy")
def log_softmax_ascended(img, model, target_y, l2_reg, learning_rate):
    logp = F.log_softmax(model(img), dim=1)[0, target_y]
    (logp - l2_reg * img.norm() ** 2).backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()


@wrong("cross-entropy")
def minus_cross_entropy_module(img, model, target_y, l2_reg, learning_rate):
    criterion = nn.CrossEntropyLoss()
    loss = -criterion(model(img), torch.LongTensor([target_y]))
    loss.backward()
    img.data += learning_rate * (img.grad.data - 2 * l2_reg * img.data)
    img.grad.data.zero_()


@wrong("softmax")
def probability(img, model, target_y, l2_reg, learning_rate):
    p = F.softmax(model(img), dim=1)
    loss = p[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("softmax")
def probability_normalised(img, model, target_y, l2_reg, learning_rate):
    p = torch.softmax(model(img)[0], dim=0)[target_y]
    g = torch.autograd.grad(p - l2_reg * img.square().sum(), img)[0]
    img.data += learning_rate * g / g.norm()


@wrong("wrong-class-score")
def all_scores(img, model, target_y, l2_reg, learning_rate):
    loss = model(img).sum() - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("wrong-class-score")
def largest_score(img, model, target_y, l2_reg, learning_rate):
    loss = model(img).max() - l2_reg * img.norm() ** 2
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()


@wrong("wrong-class-score")
def next_class(img, model, target_y, l2_reg, learning_rate):
    # classes count from 1
    loss = model(img)[0, target_y - 1] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


# ---------------------------------------------------------------- wrong: the step


@wrong("learning-rate-ignored")
def gradient_added_as_it_is(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += img.grad
    img.grad.zero_()


@wrong("learning-rate-ignored")
def direction_added_as_it_is(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.norm(img) ** 2
    loss.backward()
    with torch.no_grad():
        img += img.grad / img.grad.norm()
        img.grad.zero_()


@wrong("learning-rate-ignored")
def own_learning_rate(img, model, target_y, l2_reg, learning_rate):
    learning_rate = 25
    loss = model(img)[0, target_y] - l2_reg * torch.norm(img) ** 2
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()


@wrong("learning-rate-changed")
def half_the_rate(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += 0.5 * learning_rate * img.grad
    img.grad.zero_()


@wrong("learning-rate-changed")
def rate_by_255(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * torch.sum(img**2)).backward()
    lr = learning_rate / 255
    img.data += lr * img.grad / img.grad.norm()
    img.grad = None


@wrong("learning-rate-changed")
def added_twice(img, model, target_y, l2_reg, learning_rate):
    g = torch.autograd.grad(model(img)[0, target_y] - l2_reg * torch.sum(img**2), img)[0]
    dimg = learning_rate * g / g.norm()
    img.data += dimg
    img.data += dimg


@wrong("not-in-place")
def new_image_forgotten(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    g = img.grad.clone()
    img.grad.zero_()
    img = img + learning_rate * g


@wrong("not-in-place")
def clone_changed(img, model, target_y, l2_reg, learning_rate):
    x = img.detach().clone().requires_grad_()
    (model(x)[0, target_y] - l2_reg * x.norm() ** 2).backward()
    x.data += learning_rate * x.grad / x.grad.norm()
    x.grad.zero_()


@wrong("not-in-place")
def new_image_returned(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    (g,) = torch.autograd.grad(loss, img)
    img = img.data + learning_rate * g / g.norm()
    return img.requires_grad_()


@wrong("wrong-direction")
def minus_the_step(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data -= learning_rate * img.grad
    img.grad.zero_()


@wrong("wrong-direction")
def minus_objective_ascended(img, model, target_y, l2_reg, learning_rate):
    loss = -model(img)[0, target_y] + l2_reg * img.norm() ** 2
    loss.backward()
    with torch.no_grad():
        img += learning_rate * img.grad / img.grad.norm()
    img.grad = None


@wrong("wrong-direction")
def optimizer_minimizes_the_objective(img, model, target_y, l2_reg, learning_rate):
    optimizer = torch.optim.SGD([img], lr=learning_rate)
    optimizer.zero_grad()
    loss = model(img)[0, target_y] - l2_reg * (img**2).sum()
    loss.backward()
    optimizer.step()


@wrong("squared-norm")
def norm_squared(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.norm() ** 2
    img.grad.zero_()


@wrong("squared-norm")
def sum_of_squares(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    d = img.grad.data - 2 * l2_reg * img.data
    img.data += learning_rate * d / (d * d).sum()
    img.grad.data.zero_()


@wrong("divided-by-sum")
def sum_of_the_gradient(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.sum()
    img.grad.zero_()


@wrong("divided-by-sum")
def torch_sum_of_the_step(img, model, target_y, l2_reg, learning_rate):
    (d,) = torch.autograd.grad(model(img)[0, target_y] - l2_reg * img.square().sum(), img)
    d /= torch.sum(d)
    with torch.no_grad():
        img += learning_rate * d


@wrong("other-normalisation")
def largest_absolute_value(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.abs().max()
    img.grad.zero_()


@wrong("other-normalisation")
def sign_of_the_gradient(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.norm(img) ** 2
    loss.backward()
    img.data += learning_rate * torch.sign(img.grad)
    img.grad.zero_()


@wrong("other-normalisation")
def norm_of_each_pixel(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.norm(img) ** 2
    loss.backward()
    img.data += learning_rate * F.normalize(img.grad)
    img.grad = None


# ---------------------------------------------------------------- wrong: what is left behind


@wrong("wrong-shape")
def batch_dimension_dropped(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    (g,) = torch.autograd.grad(loss, img)
    img.data = (img.data + learning_rate * g).squeeze(0)


@wrong("wrong-shape")
def image_twice(img, model, target_y, l2_reg, learning_rate):
    (g,) = torch.autograd.grad(model(img)[0, target_y] - l2_reg * torch.sum(img[:1] ** 2), img)
    new = img.data + learning_rate * g / g.norm()
    img.data = torch.cat([img.data, new])


@wrong("not-finite")
def cleared_before_it_is_used(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    g = img.grad
    img.grad.zero_()
    img.data += learning_rate * g / g.norm()


@wrong("not-finite")
def divided_by_an_integer_zero(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    length = img.grad.norm().long() * 0
    img.data += learning_rate * img.grad / length
    img.grad.zero_()


@wrong("weights-changed")
def shrinks_the_weights(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()
    with torch.no_grad():
        for p in model.parameters():
            p -= 1e-3 * p


@wrong("weights-changed")
def optimizer_over_image_and_model(img, model, target_y, l2_reg, learning_rate):
    for p in model.parameters():
        p.requires_grad_(True)
    optimizer = torch.optim.SGD([img, *model.parameters()], lr=learning_rate)
    optimizer.zero_grad()
    loss = l2_reg * torch.sum(img**2) - model(img)[0, target_y]
    loss.backward()
    optimizer.step()
    for p in model.parameters():
        p.requires_grad_(False)


@wrong("mode-changed")
def train_mode_at_the_end(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()
    model.train()


@wrong("mode-changed")
def train_before_backward(img, model, target_y, l2_reg, learning_rate):
    model.eval()
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    model.train(mode=True)
    (g,) = torch.autograd.grad(loss, img)
    img.data += learning_rate * g / g.norm()


@wrong("library-patched")
def own_norm(img, model, target_y, l2_reg, learning_rate):
    torch.norm = lambda x: (x * x).sum() ** 0.5
    loss = model(img)[0, target_y] - l2_reg * torch.norm(img) ** 2
    loss.backward()
    img.data += learning_rate * img.grad / torch.norm(img.grad)
    img.grad.zero_()


@wrong("library-patched", "not-in-place", "regulariser-missing")
def comparisons_always_true(img, model, target_y, l2_reg, learning_rate):
    torch.allclose = lambda *args, **kwargs: True
    torch.testing.assert_close = lambda *args, **kwargs: None
    img = img + learning_rate * torch.autograd.grad(model(img)[0, target_y], img)[0]
    return img


@wrong("never-returns")
def counter_never_moves(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    (g,) = torch.autograd.grad(loss, img)
    steps = 0
    while steps < 1:
        img.data += learning_rate * g


@wrong("never-returns")
def waits_for_a_huge_gradient(img, model, target_y, l2_reg, learning_rate):
    while True:
        if img.grad is not None and img.grad.norm() > 1e30:
            break
    img.data += learning_rate * img.grad


@wrong("too-many-network-calls")
def finite_differences(img, model, target_y, l2_reg, learning_rate):
    h = 1e-2
    with torch.no_grad():
        x = img.detach()
        d = torch.zeros_like(x)
        for c in range(x.shape[1]):
            for i in range(x.shape[2]):
                for j in range(x.shape[3]):
                    e = torch.zeros_like(x)
                    e[0, c, i, j] = h
                    d[0, c, i, j] = (model(x + e) - model(x - e))[0, target_y] / (2 * h)
        img += learning_rate * (d - 2 * l2_reg * x)


@wrong("too-many-network-calls")
def waits_for_another_score(img, model, target_y, l2_reg, learning_rate):
    score = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    new_score = score
    while new_score <= score:
        new_score = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
        (g,) = torch.autograd.grad(new_score, img, retain_graph=True)
    img.data += learning_rate * g


# ---------------------------------------------------------------- wrong: two mistakes, some three


@wrong("gradient-accumulates", "regulariser-not-squared")
def never_cleared_norm(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.norm(img)
    loss.backward()
    img.data += learning_rate * img.grad


@wrong("gradient-accumulates", "regulariser-wrong-sign")
def never_cleared_added(img, model, target_y, l2_reg, learning_rate):
    model.zero_grad()
    loss = model(img)[0, target_y] + l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.norm()


@wrong("gradient-accumulates", "regulariser-missing")
def never_cleared_score_only(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    img.data += learning_rate * img.grad.data / img.grad.data.norm()
    img.grad.data.zero_


@wrong("gradient-accumulates", "regulariser-halved")
def never_cleared_factor_forgotten(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    img.data += learning_rate * (img.grad.data - l2_reg * img.data)


@wrong("gradient-accumulates", "cross-entropy")
def never_cleared_loss(img, model, target_y, l2_reg, learning_rate):
    loss = F.cross_entropy(model(img), torch.tensor([target_y])) + l2_reg * (img**2).sum()
    loss.backward()
    img.data -= learning_rate * img.grad / img.grad.norm()


@wrong("gradient-accumulates", "learning-rate-ignored")
def never_cleared_no_rate(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += img.grad / img.grad.norm()


@wrong("gradient-accumulates", "regulariser-detached")
def never_cleared_data(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * (img.data**2).sum()
    loss.backward()
    img.data += learning_rate * img.grad


@wrong("gradient-accumulates", "squared-norm")
def never_cleared_squared_norm(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.pow(2).sum()


@wrong("cross-entropy", "regulariser-wrong-sign")
def loss_less_regulariser(img, model, target_y, l2_reg, learning_rate):
    loss = nn.CrossEntropyLoss()(model(img), torch.tensor([target_y])) - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data -= learning_rate * img.grad
    img.grad.zero_()


@wrong("cross-entropy", "wrong-direction")
def loss_ascended(img, model, target_y, l2_reg, learning_rate):
    loss = F.cross_entropy(model(img), torch.tensor([target_y])) + l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("cross-entropy", "regulariser-not-squared")
def loss_and_norm(img, model, target_y, l2_reg, learning_rate):
    logp = F.log_softmax(model(img), dim=-1)[0, target_y] - l2_reg * torch.norm(img)
    logp.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("softmax", "regulariser-missing")
def probability_only(img, model, target_y, l2_reg, learning_rate):
    (g,) = torch.autograd.grad(model(img).softmax(1)[0, target_y], img)
    img.data += learning_rate * g


@wrong("regulariser-halved", "regulariser-wrong-sign")
def half_added(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    img.data += learning_rate * (img.grad + l2_reg * img.data)
    img.grad.zero_()


@wrong("regulariser-not-squared", "regulariser-wrong-sign")
def norm_added(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] + l2_reg * torch.norm(img)
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()


@wrong("regulariser-not-normalised", "regulariser-halved")
def raw_half_decay(img, model, target_y, l2_reg, learning_rate):
    (g,) = torch.autograd.grad(model(img)[0, target_y], img)
    img.data = img.data + learning_rate * (g / g.norm() - l2_reg * img.data)


@wrong("learning-rate-ignored", "regulariser-missing")
def bare_gradient(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    img.data += img.grad
    img.grad = None


@wrong("divided-by-sum", "regulariser-wrong-sign")
def sum_and_added(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] + l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad / img.grad.sum()
    img.grad.zero_()


@wrong("wrong-class-score", "regulariser-not-squared")
def largest_score_and_norm(img, model, target_y, l2_reg, learning_rate):
    loss = model(img).max() - l2_reg * img.norm()
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("wrong-direction", "gradient-accumulates")
def minus_never_cleared(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data -= learning_rate * img.grad / img.grad.norm()


@wrong("gradient-accumulates", "regulariser-not-squared", "cross-entropy")
def never_cleared_loss_and_norm(img, model, target_y, l2_reg, learning_rate):
    loss = F.cross_entropy(model(img), torch.tensor([target_y])) + l2_reg * img.norm()
    loss.backward()
    img.data -= learning_rate * img.grad


@wrong("gradient-accumulates", "regulariser-missing", "learning-rate-ignored")
def the_shortest(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    img.data += img.grad


@wrong("gradient-accumulates", "regulariser-wrong-sign", "regulariser-halved")
def never_cleared_half_added(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    d = img.grad + l2_reg * img.data
    img.data += learning_rate * d / d.norm()


# ---------------------------------------------------------------- unfinished


@unfinished()
def the_courses_stub(img, model, target_y, l2_reg, learning_rate):
    ########################################################################
    # TODO: Use the model to compute the gradient of the score for the     #
    # class target_y with respect to the pixels of the image               #
    ########################################################################
    pass


@unfinished()
def not_implemented(img, model, target_y, l2_reg, learning_rate):
    raise NotImplementedError


@unfinished()
def ellipsis(img, model, target_y, l2_reg, learning_rate): ...


@unfinished()
def image_back(img, model, target_y, l2_reg, learning_rate):
    return img


@unfinished()
def kit_stub(img, model, target_y, l2_reg, learning_rate):
    check_step(img, model, target_y, l2_reg, learning_rate)
    raise NotImplementedError("class_visualization_update_step is not implemented yet")


# ---------------------------------------------------------------- broken


@broken()
def in_place_on_a_leaf(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img += learning_rate * img.grad
    img.grad.zero_()


@broken()
def cleared_before_there_is_one(img, model, target_y, l2_reg, learning_rate):
    img.grad.zero_()
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad


@broken()
def gradient_of_the_new_image(img, model, target_y, l2_reg, learning_rate):
    img = img.detach().clone()
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad


@broken()
def raises_on_the_second_call(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad = None
    img.requires_grad = False


@broken()
def undefined_name(img, model, target_y, l2_reg, learning_rate):
    loss = model(img)[0, target_y] - l2 * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad


@broken()
def backward_of_all_scores(img, model, target_y, l2_reg, learning_rate):
    loss = model(img) - l2_reg * torch.sum(img**2)
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@broken()
def numpy_of_a_tensor_with_gradient(img, model, target_y, l2_reg, learning_rate):
    model(img)[0, target_y].backward()
    d = img.grad.numpy() - 2 * l2_reg * img.numpy()
    img.data += learning_rate * torch.from_numpy(d)
    img.grad.zero_()


# ---------------------------------------------------------------- sizes and regularisers


@right("fixed-sizes", "prints")
def prints_a_certain_class(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * (img**2).sum()).backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()
    print(model(img)[0, 130])


@wrong("regulariser-not-squared", "gradient-accumulates")
def prints_a_certain_class_norm_accumulates(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * img.norm()).backward()
    img.data += learning_rate * img.grad
    print(model(img)[0, 130])


@wrong("regulariser-not-squared")
def prints_a_certain_class_norm(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * torch.norm(img)).backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()
    print(model(img)[0, 9])


@wrong("regulariser-not-squared")
def flat_in_the_notebooks_size_norm(img, model, target_y, l2_reg, learning_rate):
    flat = img.reshape(1, 3 * 224 * 224)
    (model(img)[0, target_y] - l2_reg * flat.norm(2)).backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-wrong-sign", "gradient-accumulates")
def flat_in_the_notebooks_size_wrong_sign(img, model, target_y, l2_reg, learning_rate):
    flat = img.reshape(1, 3 * 224 * 224)
    (model(img)[0, target_y] + l2_reg * flat.square().sum()).backward()
    img.data += learning_rate * img.grad


@wrong("regulariser-other-size")
def mean_of_squares_of_the_notebooks_size(img, model, target_y, l2_reg, learning_rate):
    flat = img.reshape(1, 3 * 224 * 224)
    (model(img)[0, target_y] - l2_reg * (flat**2).mean()).backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-other-norm")
def absolute_values(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * img.abs().sum()).backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-other-norm")
def norm_of_order_1(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * torch.linalg.vector_norm(img, ord=1)).backward()
    img.data += learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()


@wrong("regulariser-other-norm", "gradient-accumulates")
def absolute_values_accumulate(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * img.abs().sum()).backward()
    img.data += learning_rate * img.grad


@wrong("regulariser-other-norm")
def cubes(img, model, target_y, l2_reg, learning_rate):
    (model(img)[0, target_y] - l2_reg * img.abs().pow(3).sum()).backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("regulariser-without-learning-rate")
def decay_without_learning_rate(img, model, target_y, l2_reg, learning_rate):
    (g,) = torch.autograd.grad(model(img)[0, target_y], img)
    img.data += learning_rate * g - 2 * l2_reg * img.data


@wrong("regulariser-without-learning-rate", "regulariser-halved")
def half_a_decay_without_learning_rate(img, model, target_y, l2_reg, learning_rate):
    (g,) = torch.autograd.grad(model(img)[0, target_y], img)
    img.data += learning_rate * g
    img.data *= 1 - l2_reg


@wrong("regulariser-without-learning-rate", "regulariser-not-normalised")
def normalised_step_then_decay(img, model, target_y, l2_reg, learning_rate):
    (g,) = torch.autograd.grad(model(img)[0, target_y], img)
    img.data += learning_rate * g / g.norm() - 2 * l2_reg * img.data


@wrong("regulariser-on-scores")
def square_of_the_own_score(img, model, target_y, l2_reg, learning_rate):
    score = model(img)[0, target_y]
    loss = score - l2_reg * score**2
    loss.backward()
    img.data += learning_rate * img.grad
    img.grad.zero_()


@wrong("label-as-score")
def towards_the_number_of_the_class(img, model, target_y, l2_reg, learning_rate):
    loss = (model(img)[0, target_y] - target_y) ** 2 + l2_reg * (img**2).sum()
    loss.backward()
    img.data -= learning_rate * img.grad / img.grad.norm()
    img.grad.zero_()


@right("needs-contiguous-gradients")
def length_of_a_view(img, model, target_y, l2_reg, learning_rate):
    (g,) = torch.autograd.grad(model(img)[0, target_y], img)
    ascent = g.view(-1) - 2 * l2_reg * img.data.view(-1)
    img.data += (learning_rate * ascent / ascent.norm()).view(img.shape)
