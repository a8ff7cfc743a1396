"""Known mistakes of many rows, computed together: nothing comes out that would not come out one by one."""

import numpy as np
import torch

from cs231n.checks.fingerprints import fingerprint
from cs231n.checks.networks import tanh_network
from cs231n.instructor.exercises import fingerprints
from cs231n.instructor.exercises.marks import marks_of
from cs231n.instructor.exercises.objectives import log_likelihood, own_score
from cs231n.instructor.exercises.steps import ByFunction, Keeps, Memory, gradients_at, over_norm


def _images(count):
    return torch.from_numpy(np.random.default_rng(3).standard_normal((count, 3, 8, 11)))


def test_fingerprints_of_many_answers_are_those_of_each_whatever_their_shapes():
    random = np.random.default_rng(1)
    answers = [(i, random.standard_normal((2, 3, size, size))) for i, size in enumerate((4, 6, 4, 4, 5))]
    found = marks_of(iter(answers))
    assert [ids for ids, _ in found] == [0, 1, 2, 3, 4]
    for (_, outputs), (_, marks) in zip(answers, found, strict=True):
        np.testing.assert_allclose(marks, fingerprint(outputs), rtol=1e-12)


def test_gradients_of_several_objectives_are_those_of_each_image_by_itself():
    network, x = tanh_network(5).double(), _images(4)
    objectives = [own_score, log_likelihood, log_likelihood, own_score]
    for images in (x, x[:1]):
        found = gradients_at(network, 2, objectives, images)
        for n, objective in enumerate(objectives):
            image = images[n % len(images)][None].clone().requires_grad_()
            (alone,) = torch.autograd.grad(objective(network(image), torch.tensor([2])).sum(), image)
            torch.testing.assert_close(found[n], alone[0])


def test_each_row_goes_through_its_own_function():
    functions = [over_norm, torch.sign, over_norm, lambda x: x / x.mean()]
    x = _images(4)
    found = ByFunction(functions)(x)
    for function, row, made in zip(functions, x, found, strict=True):
        torch.testing.assert_close(made, function(row))


def test_each_row_remembers_as_its_memory_says():
    memory, g = Memory([Keeps.NOTHING, Keeps.SUM, Keeps.DIVIDED_SUM]), _images(1).expand(3, -1, -1, -1)
    first, second = memory.remembered(g), memory.remembered(g)
    torch.testing.assert_close(first, g)
    torch.testing.assert_close(second, torch.stack([g[0], 2 * g[0], g[0] + over_norm(g[0])]))


def test_which_answers_look_the_same_is_found_as_by_comparing_each_with_each(monkeypatch):
    random = np.random.default_rng(7)
    marks = np.concatenate([random.standard_normal((40, 2, 6)), np.full((2, 2, 6), np.nan), np.zeros((2, 2, 6))])
    marks = np.concatenate([marks, marks * (1 + 0.004 * random.standard_normal((44, 1, 1)))])  # some within the tolerance
    marks[50:55] *= -1  # as long as others, and not the same
    ids = [(str(i),) for i in range(len(marks))]
    found = fingerprints._distinct(ids, {"a": marks, "b": marks[::-1].copy()}, 1e-3)
    monkeypatch.setattr(fingerprints, "_alike_in_length", lambda known, *_: np.ones(known.shape, dtype=bool))
    assert fingerprints._distinct(ids, {"a": marks, "b": marks[::-1].copy()}, 1e-3) == found
    assert 40 < len(found[0]) < len(marks)
