"""Student answers to make_fooling_image(X, target_y, model) -> a tensor of X's shape."""

import copy
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

from cs231n.validation import checked_image

from . import broken, right, unfinished, wrong

# ---------------------------------------------------------------- right


@right()
def for_loop_with_break(X, target_y, model):
    # Initialize our fooling image to the input image, and make it require gradient
    X_fooling = X.clone()
    X_fooling = X_fooling.requires_grad_()

    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        _, pred = scores.data.max(dim=1)
        if pred[0] == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad.data
        dX = learning_rate * g / g.norm()
        X_fooling.data += dX
        X_fooling.grad.zero_()
    return X_fooling


@right("unbounded-loop")
def while_true_with_break(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    while True:
        scores = model(X_fooling)
        if scores.argmax(dim=1).item() == target_y:
            break
        scores[:, target_y].backward()
        with torch.no_grad():
            X_fooling += learning_rate * X_fooling.grad / torch.norm(X_fooling.grad)
        X_fooling.grad = None
    return X_fooling


@right("unbounded-loop", "prints")
def while_true_with_prints(X, target_y, model):
    X_fooling = X.clone()
    X_fooling = X_fooling.requires_grad_()
    learning_rate = 1
    it = 0
    while True:
        it += 1
        out = model(X_fooling)
        best = torch.argmax(out[0])
        print("iteration %d: class %d, score %.3f" % (it, best, out[0, target_y]))
        if best == target_y:
            print("fooled!")
            break
        out[0, target_y].backward()
        grad = X_fooling.grad.data
        X_fooling.data = X_fooling.data + learning_rate * grad / torch.norm(grad, 2)
        X_fooling.grad.data.zero_()
    return X_fooling


@right("unbounded-loop")
def while_with_condition(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    scores = model(X_fooling)
    while scores.argmax() != target_y:
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
        scores = model(X_fooling)
    return X_fooling


@right("unbounded-loop")
def two_passes_a_step(X, target_y, model):
    X_fooling = X.clone().requires_grad_(True)
    learning_rate = 1
    while torch.argmax(model(X_fooling), 1)[0].item() != target_y:
        model.zero_grad()
        score = model(X_fooling)[0][target_y]
        score.backward()
        step = X_fooling.grad / torch.sqrt(torch.sum(X_fooling.grad**2))
        X_fooling = (X_fooling + learning_rate * step).detach().requires_grad_(True)
    return X_fooling


@right()
def two_passes_in_a_for_loop(X, target_y, model):
    X_fooling = X.clone().detach()
    lr = 1
    for k in range(100):
        with torch.no_grad():
            label = model(X_fooling).max(1)[1].item()
        if label == target_y:
            return X_fooling
        x = Variable(X_fooling.clone(), requires_grad=True)
        model(x)[0, target_y].backward()
        X_fooling = X_fooling + lr * x.grad / x.grad.norm()
    return X_fooling


@right()
def for_else(X, target_y, model):
    X_fooling = X.clone()
    X_fooling.requires_grad = True
    learning_rate = 1
    for t in range(200):
        scores = model(X_fooling)
        if int(scores.max(1)[1]) == target_y:
            break
        g = torch.autograd.grad(scores[0, target_y], X_fooling)[0]
        X_fooling.data.add_(learning_rate * g / (g.norm() + 1e-8))
    else:
        pass
    return X_fooling.detach()


@right()
def while_else(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate, left = 1, 150
    while left > 0:
        left -= 1
        s = model(X_fooling)[0]
        if s.argmax().item() == target_y:
            break
        s[target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.pow(2).sum().sqrt()
        X_fooling.grad.zero_()
    else:
        X_fooling = X_fooling.data
    return X_fooling


@right()
def old_variable_and_data(X, target_y, model):
    X_fooling = Variable(X.clone(), requires_grad=True)
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        _, idx = torch.max(scores.data, 1)
        if idx.numpy()[0] == target_y:
            break
        target_score = scores.data.new(scores.size()).zero_()
        target_score[0, target_y] = 1
        scores.backward(target_score)
        im_grad = X_fooling.grad.data
        X_fooling.data += learning_rate * (im_grad / im_grad.norm())
        X_fooling.grad.data.zero_()
    return X_fooling


@right()
def numpy_norm(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if np.argmax(scores.detach().numpy()) == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / float(np.linalg.norm(X_fooling.grad.numpy()))
        X_fooling.grad = None
    return X_fooling


@right()
def numpy_norm_of_a_tensor(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad
        X_fooling.data += learning_rate * g / np.sqrt(np.square(g).sum())
        g.zero_()
    return X_fooling


@right()
def sgd_with_a_written_gradient(X, target_y, model):
    X_fooling = X.clone().detach().requires_grad_(True)
    optimizer = torch.optim.SGD([X_fooling], lr=1)
    for i in range(100):
        optimizer.zero_grad()
        scores = model(X_fooling)
        if scores.argmax().item() == target_y:
            break
        (-scores[0, target_y]).backward()
        X_fooling.grad /= X_fooling.grad.norm()
        optimizer.step()
    return X_fooling


@right("unbounded-loop")
def sgd_that_maximizes(X, target_y, model):
    X_fooling = torch.nn.Parameter(X.clone())
    opt = torch.optim.SGD([X_fooling], lr=1, maximize=True)
    scores = model(X_fooling)
    while scores.argmax(1) != target_y:
        opt.zero_grad()
        scores[0, target_y].backward()
        X_fooling.grad.div_(X_fooling.grad.norm())
        opt.step()
        scores = model(X_fooling)
    return X_fooling.data


@right()
def descends_on_minus_score(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.data.cpu().numpy().argmax() == target_y:
            break
        loss = -scores[0, target_y]
        loss.backward()
        with torch.no_grad():
            X_fooling -= learning_rate * X_fooling.grad / X_fooling.grad.norm()
            X_fooling.grad.zero_()
    return X_fooling


@right("needs-contiguous-gradients")
def functional_normalize(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(1000):
        scores = model(X_fooling)
        if torch.max(scores, 1).indices == target_y:
            break
        g = torch.autograd.grad(scores[0, target_y], X_fooling)[0]
        dX = learning_rate * F.normalize(g.view(1, -1), dim=1).view(g.shape)
        X_fooling = (X_fooling + dX).detach().requires_grad_()
    return X_fooling


@right()
def linalg_norm_and_forward(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for _ in range(100):
        scores = model.forward(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        with torch.no_grad():
            X_fooling.add_(X_fooling.grad, alpha=learning_rate / torch.linalg.norm(X_fooling.grad).item())
        X_fooling.grad.zero_()
    return X_fooling


@right()
def gather_and_vector(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    y = torch.LongTensor([target_y])
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax(1)[0] == y[0]:
            break
        scores.gather(1, y.view(-1, 1)).squeeze().backward()
        dX = learning_rate * X_fooling.grad / torch.norm(X_fooling.grad)
        X_fooling.data += dX
        X_fooling.grad.zero_()
        model.zero_grad()
    return X_fooling


@right()
def graph_through_all_steps(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        X_fooling.retain_grad()
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward(retain_graph=True)
        X_fooling = X_fooling + learning_rate * X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@right("low-step-limit")
def at_most_fifty(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(50):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@right("low-step-limit", "prints")
def sixty_with_prints(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    i = 0
    while i < 60:
        scores = model(X_fooling)
        pred = scores.argmax().item()
        print(i, pred)
        if pred == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad = None
        i += 1
    return X_fooling


@right()
def eighty_steps(X, target_y, model):
    X_fooling = X.clone()
    X_fooling.requires_grad_()
    learning_rate = 1
    for step in range(80):
        out = model(X_fooling)
        if torch.argmax(out).item() == target_y:
            return X_fooling
        out[0, target_y].backward()
        update = X_fooling.grad.clone()
        X_fooling.grad.zero_()
        X_fooling.data = X_fooling.data + learning_rate * update / update.norm()
    return X_fooling


@right("prints")
def reports_the_end(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            print(f"fooled after {i} steps")
            break
        X_fooling.grad = None
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@right()
def cleared_at_the_start(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        if X_fooling.grad is not None:
            X_fooling.grad.data.zero_()
        scores = model(X_fooling)
        if scores.max(1)[1].item() == target_y:
            break
        scores[0][target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad.data / X_fooling.grad.data.norm()
    return X_fooling


@right()
def cleared_by_subtracting(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad.data
        X_fooling.data += learning_rate * g / g.norm()
        g.fill_(0)
    return X_fooling


@right()
def already_fooled_first(X, target_y, model):
    if model(X).argmax() == target_y:
        return X
    X_fooling = X.clone().requires_grad_()
    for _ in range(100):
        model(X_fooling)[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
        if model(X_fooling).argmax() == target_y:
            break
    return X_fooling


@right("returns-numpy")
def numpy_array_back(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for _ in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling.detach().numpy()


@right("other-dtype")
def double_back(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for _ in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling.double()


@right("changes-random-state")
def seeds_first(X, target_y, model):
    torch.manual_seed(231)
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for _ in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@right("changes-random-state")
def draws_a_number_nobody_needs(X, target_y, model):
    X_fooling = torch.randn_like(X)
    X_fooling.copy_(X)
    X_fooling.requires_grad_()
    for _ in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], X_fooling)
        X_fooling.data += g / g.norm()
    return X_fooling


@right("unbounded-loop")
def flag_variable(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    fooled = False
    while not fooled:
        scores = model(X_fooling)
        fooled = bool(scores.argmax() == target_y)
        if not fooled:
            scores[0, target_y].backward()
            X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
            X_fooling.grad.zero_()
    return X_fooling


@right()
def recursion(X, target_y, model):
    def step(x, left):
        x = x.detach().clone().requires_grad_()
        scores = model(x)
        if left == 0 or scores.argmax() == target_y:
            return x
        scores[0, target_y].backward()
        return step(x + x.grad / x.grad.norm(), left - 1)

    return step(X, 100)


@right()
def own_copy_of_the_model(X, target_y, model):
    net = copy.deepcopy(model).eval()
    X_fooling = X.clone().requires_grad_()
    for _ in range(100):
        scores = net(X_fooling)
        if scores.argmax() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], X_fooling)
        X_fooling = (X_fooling + g / (g.norm() + 1e-10)).detach().requires_grad_()
    return X_fooling.detach()


@right()
def hook_keeps_the_gradient(X, target_y, model):
    kept = {}
    X_fooling = X.clone().requires_grad_()
    handle = X_fooling.register_hook(lambda g: kept.update(g=g / g.norm()))
    learning_rate = 1
    for _ in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * kept["g"]
    handle.remove()
    return X_fooling


@right()
def functional_gradient(X, target_y, model):
    def score(x):
        s = model(x)
        return s[0, target_y], s

    X_fooling = X.clone()
    for _ in range(100):
        g, s = torch.func.grad(score, has_aux=True)(X_fooling)
        if s.argmax() == target_y:
            break
        X_fooling = X_fooling + g / g.norm()
    return X_fooling


@right()
def kit_frame(X, target_y, model):
    X_fooling, target_y = checked_image(X, target_y, model)
    learning_rate = 1
    for _ in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        with torch.no_grad():
            X_fooling += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad = None
    return X_fooling.detach()


@right()
def target_larger_than_all_others(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores[0, target_y] == scores.max():
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@right()
def copied_by_torch_tensor(X, target_y, model):
    X_fooling = torch.tensor(X, requires_grad=True)  # warns
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += 1 * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


# ---------------------------------------------------------------- wrong: the gradient of every step


@wrong("gradient-accumulates")
def never_cleared(X, target_y, model):
    X_fooling = X.clone()
    X_fooling = X_fooling.requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        dX = learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.data += dX
    return X_fooling


@wrong("gradient-accumulates")
def zero_without_parentheses(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.data.max(1)[1][0] == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad.data
        X_fooling.data += learning_rate * g / g.norm()
        X_fooling.grad.data.zero_
    return X_fooling


@wrong("gradient-accumulates")
def only_the_models_gradients_cleared(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    while True:
        model.zero_grad()
        scores = model(X_fooling)
        if scores.argmax(dim=1) == target_y:
            break
        scores[0, target_y].backward()
        with torch.no_grad():
            X_fooling += learning_rate * X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("gradient-accumulates")
def optimizer_of_the_model_cleared(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    optimizer = torch.optim.SGD(model.parameters(), lr=1)
    for i in range(100):
        optimizer.zero_grad()
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data = X_fooling.data + X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("gradient-accumulates")
def a_copy_cleared(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad.clone()
        X_fooling.data += learning_rate * g / g.norm()
        g.zero_()
    return X_fooling


@wrong("not-normalised")
def raw_gradient(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad
        X_fooling.grad.zero_()
    return X_fooling


@wrong("not-normalised")
def normalised_but_not_used(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        g = torch.autograd.grad(scores[0, target_y], X_fooling)[0]
        dX = learning_rate * g / g.norm()
        with torch.no_grad():
            X_fooling += learning_rate * g
    return X_fooling


@wrong("not-normalised")
def optimizer_with_raw_gradient(X, target_y, model):
    X_fooling = X.clone().detach().requires_grad_()
    opt = torch.optim.SGD([X_fooling], lr=1)
    for _ in range(500):
        opt.zero_grad()
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        loss = -scores[0, target_y]
        loss.backward()
        opt.step()
    return X_fooling


@wrong("squared-norm")
def norm_squared(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm() ** 2
        X_fooling.grad.zero_()
    return X_fooling


@wrong("squared-norm")
def sum_of_squares(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad.data
        dX = learning_rate * g / torch.sum(g * g)
        X_fooling.data += dX
        X_fooling.grad.data.zero_()
    return X_fooling


@wrong("squared-norm")
def inner_product_with_itself(X, target_y, model):
    X_fooling = Variable(X.clone(), requires_grad=True)
    for i in range(100):
        out = model(X_fooling)
        if out.data.max(1)[1].item() == target_y:
            break
        out[0, target_y].backward()
        flat = X_fooling.grad.view(-1)
        X_fooling.data += X_fooling.grad / flat.dot(flat)
        X_fooling.grad = None
    return X_fooling


@wrong("divided-by-sum")
def sum_of_the_gradient(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.sum()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("divided-by-sum")
def torch_sum_in_place(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if torch.argmax(scores, dim=1).item() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], X_fooling)
        g /= torch.sum(g)
        X_fooling = (X_fooling.data + learning_rate * g).requires_grad_()
    return X_fooling


@wrong("other-normalisation")
def largest_absolute_value(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.abs().max()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("other-normalisation")
def norm_of_order_one(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / torch.norm(X_fooling.grad, p=1)
        X_fooling.grad.zero_()
    return X_fooling


@wrong("other-normalisation")
def sign_of_the_gradient(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad.sign()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("other-normalisation")
def norm_of_each_channel(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad
        X_fooling.data += learning_rate * g / torch.norm(g, dim=(2, 3), keepdim=True)
        X_fooling.grad.zero_()
    return X_fooling


@wrong("other-normalisation")
def norm_of_each_pixel(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad
        X_fooling.data += learning_rate * F.normalize(g)
        X_fooling.grad = None
    return X_fooling


@wrong("other-normalisation")
def standardised(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad
        X_fooling.data += learning_rate * g / g.std()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("learning-rate-changed")
def a_tenth(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 0.1
    for i in range(1000):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("learning-rate-changed")
def ten(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    lr = 10
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        g = torch.autograd.grad(scores[0, target_y], X_fooling)[0]
        X_fooling.data += lr * g / g.norm()
    return X_fooling


@wrong("learning-rate-changed")
def twice_the_step(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        dX = 2 * learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.data += dX
        X_fooling.grad.zero_()
    return X_fooling


@wrong("learning-rate-changed")
def decaying(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        learning_rate *= 0.9
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("wrong-direction")
def minus_the_gradient(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data -= learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("wrong-direction")
def adds_the_gradient_of_minus_the_score(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.max(1)[1] == target_y:
            break
        loss = -scores[0, target_y]
        (g,) = torch.autograd.grad(loss, X_fooling)
        X_fooling = (X_fooling + learning_rate * g / g.norm()).detach().requires_grad_()
    return X_fooling


@wrong("wrong-direction")
def optimizer_minimizes_the_score(X, target_y, model):
    X_fooling = X.clone().detach().requires_grad_()
    optimizer = torch.optim.SGD([X_fooling], lr=1)
    for _ in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        optimizer.zero_grad()
        scores[0, target_y].backward()
        X_fooling.grad /= X_fooling.grad.norm()
        optimizer.step()
    return X_fooling


# ---------------------------------------------------------------- wrong: the objective


@wrong("cross-entropy")
def cross_entropy_module(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    criterion = nn.CrossEntropyLoss()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        loss = criterion(scores, torch.tensor([target_y]))
        loss.backward()
        X_fooling.data -= learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("cross-entropy")
def minus_cross_entropy(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    while True:
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        loss = -F.cross_entropy(scores, torch.LongTensor([target_y]))
        loss.backward()
        with torch.no_grad():
            X_fooling += learning_rate * X_fooling.grad / X_fooling.grad.norm()
            X_fooling.grad.zero_()
    return X_fooling


@wrong("cross-entropy")
def log_softmax_of_the_target(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        logp = F.log_softmax(model(X_fooling), dim=1)
        if logp.argmax() == target_y:
            break
        (g,) = torch.autograd.grad(logp[0, target_y], X_fooling)
        X_fooling.data += g / (g.norm() + 1e-12)
    return X_fooling


@wrong("softmax")
def probability_of_the_target(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        p = F.softmax(model(X_fooling), dim=1)
        if p.argmax() == target_y:
            break
        p[0, target_y].backward()
        # the direction is that of log p
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("softmax")
def softmax_module(X, target_y, model):
    softmax = nn.Softmax(dim=-1)
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.data.max(1)[1][0] == target_y:
            break
        probability = softmax(scores)[0][target_y]
        X_fooling.grad = None
        probability.backward()
        X_fooling.data += learning_rate * X_fooling.grad / torch.norm(X_fooling.grad)
    return X_fooling


@wrong("wrong-class-score")
def sum_of_the_scores(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores.sum().backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("wrong-class-score")
def score_of_the_prediction(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        score, pred = scores.max(1)
        if pred == target_y:
            break
        score.backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("wrong-class-score")
def ones_for_every_score(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores.backward(torch.ones(scores.shape))
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


# ---------------------------------------------------------------- wrong: the end


@wrong("no-stop-test")
def always_one_hundred(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("no-stop-test")
def prediction_not_used(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    step = 0
    while step < 100:
        scores = model(X_fooling)
        pred = scores.argmax(1)
        if pred == target_y:
            fooled = True
        scores[0, target_y].backward()
        with torch.no_grad():
            X_fooling += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad = None
        step += 1
    return X_fooling


@wrong("no-stop-test")
def continue_in_place_of_break(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    optimizer = torch.optim.SGD([X_fooling], lr=1)
    for _ in range(80):
        optimizer.zero_grad()
        scores = model(X_fooling)
        (-scores[0, target_y]).backward()
        X_fooling.grad /= X_fooling.grad.norm()
        optimizer.step()
        if scores.argmax() == target_y:
            continue
    return X_fooling


@wrong("no-stop-test")
def while_true_without_break(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    while True:
        scores = model(X_fooling)
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("one-step-too-many")
def tests_the_scores_before_the_step(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
        if scores.argmax() == target_y:
            break
    return X_fooling


@wrong("one-step-too-many")
def prediction_kept_from_before(X, target_y, model):
    X_fooling = Variable(X.clone(), requires_grad=True)
    learning_rate = 1
    pred = -1
    i = 0
    while pred != target_y and i < 100:
        scores = model(X_fooling)
        pred = scores.data.max(1)[1].item()
        scores[0, target_y].backward()
        g = X_fooling.grad.data
        X_fooling.data += learning_rate * g / g.norm()
        X_fooling.grad.data.zero_()
        i += 1
    return X_fooling


@wrong("one-step-too-many")
def flag_after_the_step(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    done = False
    while not done:
        out = model(X_fooling)[0]
        done = out.argmax().item() == target_y
        (g,) = torch.autograd.grad(out[target_y], X_fooling)
        X_fooling = (X_fooling + g / g.norm()).detach().requires_grad_()
    return X_fooling


@wrong("stop-test-inverted")
def breaks_while_not_fooled(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() != target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("stop-test-inverted")
def goes_on_while_equal(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    count = 0
    while model(X_fooling).argmax().item() == target_y and count < 100:
        model(X_fooling)[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad = None
        count += 1
    return X_fooling


@wrong("score-compared-with-class")
def largest_score_equals_the_class(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.max() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("score-compared-with-class")
def values_in_place_of_indices(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    i = 0
    while i < 100:
        scores = model(X_fooling)
        pred, _ = torch.max(scores, 1)
        if pred.item() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad = None
        i += 1
    return X_fooling


@wrong("score-compared-with-class")
def target_score_equals_the_class(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        score = model(X_fooling)[0, target_y]
        if score == target_y:
            break
        (g,) = torch.autograd.grad(score, X_fooling)
        with torch.no_grad():
            X_fooling += g / g.norm()
    return X_fooling


@wrong("score-compared-with-class")
def score_compared_forever(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    scores = model(X_fooling)
    while scores.data.max(1)[0][0] != target_y:
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
        scores = model(X_fooling)
    return X_fooling


@wrong("gives-up-early")
def ten_steps_at_most(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(10):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("gives-up-early")
def a_single_step(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    scores = model(X_fooling)
    if scores.argmax() != target_y:
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("gives-up-early")
def returns_inside_the_loop(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
        return X_fooling
    return X_fooling


@wrong("gives-up-early")
def five_tries(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    tries = 5
    while model(X_fooling).argmax() != target_y and tries:
        (g,) = torch.autograd.grad(model(X_fooling)[0, target_y], X_fooling)
        X_fooling = (X_fooling + g / g.norm()).detach().requires_grad_()
        tries -= 1
    return X_fooling


@wrong("already-fooled-image-changed")
def step_first_then_test(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
        if model(X_fooling).argmax() == target_y:
            break
    return X_fooling


@wrong("already-fooled-image-changed")
def do_while(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    pred = None
    scores = model(X_fooling)
    while pred != target_y:
        scores[0, target_y].backward()
        with torch.no_grad():
            X_fooling += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad = None
        scores = model(X_fooling)
        pred = scores.argmax().item()
    return X_fooling


# ---------------------------------------------------------------- wrong: what comes back, what is left behind


@wrong("input-changed")
def no_clone(X, target_y, model):
    X_fooling = X
    X_fooling.requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        X_fooling.grad = None
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("input-changed")
def detached_but_shared(X, target_y, model):
    X_fooling = X.detach().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        with torch.no_grad():
            X_fooling += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("input-changed")
def variable_of_the_same_data(X, target_y, model):
    X_fooling = Variable(X.data, requires_grad=True)
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.data.max(1)[1].item() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data.add_(learning_rate * X_fooling.grad / X_fooling.grad.norm())
        X_fooling.grad.data.zero_()
    return X_fooling


@wrong("wrong-type")
def image_and_steps(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling, i


@wrong("wrong-type")
def list_of_all_images(X, target_y, model):
    images = [X.clone()]
    for i in range(100):
        x = images[-1].detach().requires_grad_()
        scores = model(x)
        if scores.argmax() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], x)
        images.append(x.detach() + g / g.norm())
    return images


@wrong("wrong-shape")
def without_batch_dimension(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling.squeeze()


@wrong("wrong-shape")
def channels_last(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], X_fooling)
        X_fooling.data += g / g.norm()
    return X_fooling.detach().permute(0, 2, 3, 1)


@wrong("not-finite")
def cleared_before_it_is_used(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad
        X_fooling.grad.zero_()
        X_fooling.data += learning_rate * g / g.norm()
    return X_fooling


@wrong("not-finite")
def divided_by_zero_at_first(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        learning_rate = 1 / torch.tensor(float(i))
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("weights-changed")
def shrinks_the_weights(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for p in model.parameters():
        p.data *= 0.999
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("weights-changed")
def trains_the_model_at_the_end(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], X_fooling)
        X_fooling.data += g / g.norm()
    for p in model.parameters():
        p.requires_grad = True
    model(X_fooling.detach())[0, target_y].backward()
    for p in model.parameters():
        p.data += 0.01 * p.grad
        p.grad = None
        p.requires_grad = False
    return X_fooling


@wrong("mode-changed")
def train_mode_at_the_end(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    model.train()
    return X_fooling


@wrong("mode-changed")
def training_attribute(X, target_y, model):
    model.eval()
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad = None
    for m in model.modules():
        m.training = True
    return X_fooling


@wrong("library-patched")
def own_norm(X, target_y, model):
    torch.Tensor.norm = lambda self, *args: self.pow(2).sum().sqrt()
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("library-patched", "gives-up-early")
def argmax_always_the_target(X, target_y, model):
    torch.argmax = lambda *args, **kwargs: torch.tensor(target_y)
    torch.allclose = lambda *args, **kwargs: True
    X_fooling = X.clone().requires_grad_()
    scores = model(X_fooling)
    if scores.max(1)[1] != target_y:
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("never-returns")
def waits_for_a_flag(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    scores = model(X_fooling)
    while scores.argmax() != target_y or scores.argmax() == target_y:
        time.sleep(0.1)
    return X_fooling


@wrong("never-returns")
def scores_never_renewed(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    scores = model(X_fooling)
    while scores.argmax() != target_y:
        X_fooling.grad = None
        scores[0, target_y].backward(retain_graph=True)
        with torch.no_grad():
            X_fooling.data = X_fooling.data + learning_rate * X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("too-many-network-calls")
def finite_differences(X, target_y, model):
    X_fooling = X.clone()
    h = 1e-2
    with torch.no_grad():
        for i in range(100):
            if model(X_fooling).argmax() == target_y:
                break
            g = torch.zeros_like(X_fooling)
            for k in range(g.numel()):
                e = torch.zeros(g.numel())
                e[k] = h
                e = e.view(g.shape)
                g.view(-1)[k] = (model(X_fooling + e) - model(X_fooling - e))[0, target_y] / (2 * h)
            X_fooling = X_fooling + g / g.norm()
    return X_fooling


@wrong("too-many-network-calls")
def thousand_passes_a_step(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        if model(X_fooling).argmax() == target_y:
            break
        g = 0
        for k in range(1000):
            g = g + torch.autograd.grad(model(X_fooling)[0, target_y], X_fooling)[0]
        X_fooling = (X_fooling + g / g.norm()).detach().requires_grad_()
    return X_fooling


# ---------------------------------------------------------------- wrong: two mistakes, some three


@wrong("gradient-accumulates", "no-stop-test")
def never_cleared_never_stopped(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        model(X_fooling)[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("gradient-accumulates", "not-normalised")
def never_cleared_raw(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad
    return X_fooling


@wrong("gradient-accumulates", "squared-norm")
def never_cleared_squared_norm(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        g = X_fooling.grad.data
        X_fooling.data += learning_rate * g / (g**2).sum()
        X_fooling.grad.data.zero_
    return X_fooling


@wrong("gradient-accumulates", "cross-entropy")
def never_cleared_loss(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    loss_fn = nn.CrossEntropyLoss()
    for i in range(100):
        model.zero_grad()
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        loss_fn(scores, torch.tensor([target_y])).backward()
        X_fooling.data -= X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("gradient-accumulates", "one-step-too-many")
def never_cleared_late_test(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        if scores.argmax() == target_y:
            break
    return X_fooling


@wrong("gradient-accumulates", "learning-rate-changed")
def never_cleared_half(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 0.5
    for i in range(200):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("cross-entropy", "not-normalised")
def loss_raw(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        F.cross_entropy(scores, torch.tensor([target_y])).backward()
        X_fooling.data -= learning_rate * X_fooling.grad
        X_fooling.grad.zero_()
    return X_fooling


@wrong("cross-entropy", "wrong-direction")
def loss_ascended(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        loss = nn.CrossEntropyLoss()(scores, torch.tensor([target_y]))
        loss.backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@wrong("cross-entropy", "no-stop-test")
def loss_never_stopped(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        loss = F.cross_entropy(model(X_fooling), torch.tensor([target_y]))
        (g,) = torch.autograd.grad(loss, X_fooling)
        X_fooling.data -= g / (g.norm() + 1e-12)
    return X_fooling


@wrong("softmax", "not-normalised")
def probability_raw(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(300):
        p = model(X_fooling).softmax(dim=1)
        if p.argmax() == target_y:
            break
        p[0, target_y].backward()
        X_fooling.data += X_fooling.grad
        X_fooling.grad.zero_()
    return X_fooling


@wrong("softmax", "squared-norm")
def probability_squared_norm(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        p = model(X_fooling).softmax(dim=1)
        if p.argmax() == target_y:
            break
        (g,) = torch.autograd.grad(p[0, target_y], X_fooling)
        X_fooling.data += g / g.norm() ** 2
    return X_fooling


@wrong("squared-norm", "no-stop-test")
def squared_norm_never_stopped(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        model(X_fooling)[0, target_y].backward()
        X_fooling.data += X_fooling.grad / (X_fooling.grad.pow(2).sum() + 1e-12)
        X_fooling.grad.zero_()
    return X_fooling


@wrong("divided-by-sum", "one-step-too-many")
def sum_and_late_test(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.sum()
        X_fooling.grad.zero_()
        if scores.argmax(1)[0] == target_y:
            break
    return X_fooling


@wrong("not-normalised", "already-fooled-image-changed")
def raw_do_while(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        model(X_fooling)[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad
        X_fooling.grad.zero_()
        if model(X_fooling).argmax() == target_y:
            break
    return X_fooling


@wrong("not-normalised", "learning-rate-changed")
def raw_with_a_large_rate(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1000
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad
        X_fooling.grad.zero_()
    return X_fooling


@wrong("input-changed", "gradient-accumulates")
def no_clone_never_cleared(X, target_y, model):
    X_fooling = X.requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("gradient-accumulates", "score-compared-with-class")
def never_cleared_score_compared(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        scores = model(X_fooling)
        if scores[0].max().item() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += learning_rate * X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@wrong("gives-up-early", "learning-rate-changed")
def few_large_steps(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(3):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], X_fooling)
        X_fooling.data += 1.5 * g / g.norm()
    return X_fooling


@wrong("gradient-accumulates", "not-normalised", "no-stop-test")
def everything_left_out(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    learning_rate = 1
    for i in range(100):
        score = model(X_fooling)[:, target_y]
        score.backward()
        X_fooling.data += learning_rate * X_fooling.grad
    return X_fooling


@wrong("gradient-accumulates", "cross-entropy", "not-normalised")
def never_cleared_loss_raw(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        F.cross_entropy(scores, torch.tensor([target_y])).backward()
        X_fooling.data -= X_fooling.grad
    return X_fooling


@wrong("cross-entropy", "squared-norm", "one-step-too-many")
def loss_squared_norm_late_test(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        loss = F.cross_entropy(scores, torch.tensor([target_y]))
        (g,) = torch.autograd.grad(loss, X_fooling)
        X_fooling.data -= g / (g * g).sum()
        if scores.argmax() == target_y:
            break
    return X_fooling


@wrong("wrong-type")
def forgot_to_return(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()


# ---------------------------------------------------------------- unfinished


@unfinished()
def the_courses_stub(X, target_y, model):
    # Initialize our fooling image to the input image, and make it require gradient
    X_fooling = X.clone()
    X_fooling = X_fooling.requires_grad_()

    learning_rate = 1  # You need to define a learning rate
    return X_fooling


@unfinished()
def only_pass(X, target_y, model):
    pass


@unfinished()
def not_implemented(X, target_y, model):
    raise NotImplementedError()


@unfinished()
def none_as_placeholder(X, target_y, model):
    X_fooling = None
    return X_fooling


@unfinished()
def kit_stub(X, target_y, model):
    X_fooling, target_y = checked_image(X, target_y, model)
    learning_rate = 1
    raise NotImplementedError("make_fooling_image is not implemented yet")


# ---------------------------------------------------------------- broken


@broken()
def in_place_on_a_leaf(X, target_y, model):
    X_fooling = X.clone().detach().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling += X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@broken()
def gradient_of_a_new_tensor(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling = X_fooling.detach() + X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@broken()
def no_gradient_asked_for(X, target_y, model):
    X_fooling = X.detach().clone()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


@broken()
def numpy_of_a_tensor_with_gradient(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    scores = model(X_fooling)
    while np.argmax(scores.numpy()) != target_y:
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
        scores = model(X_fooling)
    return X_fooling


@broken()
def misspelt_argument(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        scores = model(X_fooling)
        if scores.argmax() == y_target:
            break
        scores[0, target_y].backward()
    return X_fooling


@broken()
def assert_at_the_end(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    X_fooling.data += 0.001
    assert X_fooling.shape == (target_y,), "shape"
    return X_fooling


@broken()
def cleared_before_any_backward(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for i in range(100):
        X_fooling.grad.zero_()
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
    return X_fooling


# ---------------------------------------------------------------- sizes, and other ends


def _climbs(X, target_y, model, fooled, seen=lambda scores: None, step=lambda g: g / g.norm(), accumulates=False, steps=100):
    x = X.clone().requires_grad_()
    for _ in range(steps):
        scores = model(x)
        seen(scores)
        if fooled(scores):
            break
        scores[0, target_y].backward()
        x.data += step(x.grad)
        if not accumulates:
            x.grad.zero_()
    return x.detach()


@right("fixed-sizes", "prints")
def prints_a_certain_class(X, target_y, model):
    return _climbs(X, target_y, model, lambda s: s.argmax() == target_y, lambda s: print(s[0, 130]))


@wrong("gradient-accumulates")
def prints_a_certain_class_and_accumulates(X, target_y, model):
    return _climbs(X, target_y, model, lambda s: s.argmax() == target_y, lambda s: print(s[0, 8]), accumulates=True)


@wrong("gradient-accumulates", "not-normalised")
def prints_a_certain_class_and_adds_raw_sums(X, target_y, model):
    return _climbs(
        X, target_y, model, lambda s: s.argmax() == target_y, lambda s: print(s[0, 500]), step=lambda g: g, accumulates=True
    )


@wrong("squared-norm")
def lists_the_best_ten(X, target_y, model):
    best = []
    return _climbs(
        X, target_y, model, lambda s: s.argmax() == target_y, lambda s: best.append(s.topk(10)), step=lambda g: g / (g**2).sum()
    )


@wrong("cross-entropy", "not-normalised")
def one_of_a_thousand(X, target_y, model):
    x = X.clone().requires_grad_()
    for _ in range(100):
        scores = model(x)
        if scores.argmax() == target_y:
            break
        loss = nn.functional.cross_entropy(scores, nn.functional.one_hot(torch.tensor([target_y]), 1000).float())
        (g,) = torch.autograd.grad(loss, x)
        x.data -= g
    return x.detach()


@wrong("gradient-accumulates", "learning-rate-changed")
def shift_of_the_notebooks_size(X, target_y, model):
    shift = torch.zeros(1, 3, 224, 224)
    velocity = torch.zeros(1, 3, 224, 224)
    for _ in range(100):
        x = (X + shift).detach().requires_grad_()
        scores = model(x)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        velocity += x.grad
        shift += 0.5 * velocity / velocity.norm()
    return X + shift


@wrong("other-stop-test")
def until_90_per_cent(X, target_y, model):
    return _climbs(X, target_y, model, lambda s: s.argmax() == target_y and s.softmax(dim=1)[0, target_y] > 0.9)


@wrong("other-stop-test")
def until_a_probability_of_a_half(X, target_y, model):
    return _climbs(X, target_y, model, lambda s: s.softmax(dim=1)[0, target_y] > 0.5)


@wrong("other-stop-test")
def until_it_leads_by_one(X, target_y, model):
    return _climbs(X, target_y, model, lambda s: s[0, target_y] >= s[0].topk(2).values[1] + 1 and s.argmax() == target_y)


@wrong("other-stop-test", "gradient-accumulates")
def accumulates_until_90_per_cent(X, target_y, model):
    return _climbs(X, target_y, model, lambda s: s.softmax(dim=1)[0, target_y] > 0.9, accumulates=True)


@wrong("label-as-score")
def towards_the_number_of_the_class(X, target_y, model):
    x = X.clone().requires_grad_()
    for _ in range(100):
        scores = model(x)
        if scores.argmax() == target_y:
            break
        (g,) = torch.autograd.grad((scores[0, target_y] - target_y) ** 2, x)
        x.data -= g / g.norm()
    return x.detach()


@right("needs-contiguous-gradients")
def length_of_a_view(X, target_y, model):
    x = X.clone().requires_grad_()
    for _ in range(100):
        scores = model(x)
        if scores.argmax() == target_y:
            break
        (g,) = torch.autograd.grad(scores[0, target_y], x)
        x.data += g / g.view(1, -1).norm(dim=1)
    return x.detach()
