"""Make cs231n/checks/fingerprints.npz: what comes out of the reference and of the known mistakes.

    python -m cs231n.instructor.fingerprints

Run it after a change to the exercises, to the checks' cases or to the known mistakes; a test says when.
"""

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
import torch

from .. import net_visualization_pytorch as reference
from ..checks.cases import STEP_CALLS
from ..checks.exam import own_exam
from ..checks.fingerprints import LEAST_CHANGE, PATH, TOLERANCE, Fingerprints, distance, fingerprint
from . import known_mistakes

FOOLING_STEPS = 8  # the first steps are enough to tell the known mistakes apart


@np.errstate(all="ignore")  # some mistakes lead to NaN
def fingerprints(exam):
    """Return ({name: array}, [what could not be told apart: (exercise, ids, the ids that they look like)]) for an exam."""
    right = {"saliency": _right_maps(exam), "fooling": _right_fooling(exam), "step": _right_steps(exam)}
    known = {
        "saliency": {case: _known_maps(case) for case in exam.saliency_cases},
        "fooling": {case: _known_fooling(case, FOOLING_STEPS) for case in exam.fooling_cases},
        "step": {case: _known_steps(case) for case in exam.step_cases},
        # large: single mistakes only
        "saliency-224": {exam.saliency_224: _known_maps(exam.saliency_224, at_most=1)},
        "fooling-224": {exam.fooling_224: _known_fooling(exam.fooling_224, 4, at_most=1)},
        "step-224": {exam.step_224: _known_steps(exam.step_224, at_most=1)},
    }
    arrays, not_told_apart = {}, []
    for exercise, found in right.items():
        arrays |= {f"right/{exercise}/{case.name}": array.astype(np.float32) for case, array in found.items()}
    arrays |= {f"gradient/saliency/{case.name}": _gradient(case, right["saliency"][case]) for case in right["saliency"]}
    for exercise, found in known.items():
        ids = [name for name, _ in next(iter(found.values()))]
        marks = {case: np.stack([mark for _, mark in answers]) for case, answers in found.items()}
        keep, same = _distinct(ids, marks, 0.0 if exercise.startswith("saliency") else LEAST_CHANGE)
        not_told_apart += [(exercise, *pair) for pair in same]
        arrays[f"mistakes/{exercise}"] = np.array(["+".join(ids[i]) for i in keep])
        arrays |= {f"known/{exercise}/{case.name}": values[keep].astype(np.float32) for case, values in marks.items()}
    return arrays, not_told_apart


def _right_maps(exam):
    return {
        case: reference.compute_saliency_maps(_images(case), torch.tensor(case.target), _network(case)).numpy()
        for case in [*exam.saliency_cases, *exam.other_batch_sizes]
    }


def _gradient(case, maps):
    """The gradient (N, 3, H, W) from which `maps` came, so that a message can show all three colours of a pixel."""
    X, y = _images(case).requires_grad_(), torch.tensor(case.target)
    (gradient,) = torch.autograd.grad(known_mistakes.own_score(_network(case)(X), y).sum(), X)
    np.testing.assert_allclose(gradient.abs().amax(dim=1), maps)
    return gradient.numpy().astype(np.float32)


def _known_maps(case, at_most=4):
    found = known_mistakes.saliency_maps(_network(case), _images(case), torch.tensor(case.target), at_most)
    return [(ids, fingerprint(maps[None].numpy())) for ids, maps in found]


def _right_fooling(exam):
    """The images on the reference's way, seen by the network, the last of them being its result."""
    found = {}
    for case in [*exam.fooling_cases, exam.already_fooled, exam.score_is_a_class_id, exam.long_way]:
        network, way = _network(case), []
        network.on_call = lambda X, scores, way=way: way.append(X.detach()[0].numpy().copy())
        result = reference.make_fooling_image(_images(case), case.target, network)
        assert np.array_equal(way[-1], result[0])
        found[case] = np.stack(way) if case in exam.fooling_cases else way[-1][None]
    return found


def _known_fooling(case, steps, at_most=3):
    found = known_mistakes.fooling_paths(_network(case), _images(case), case.target, steps, at_most)
    return [(ids, _changes(path)) for ids, path in found]


def _right_steps(exam):
    """The reference's way, normalised, after the raw one, which counts as right as well."""
    found = {}
    for case in exam.step_cases:
        raw, normalised = (path.numpy() for ids, path in _step_paths(case, at_most=0))
        network, img = _network(case), _images(case).requires_grad_()
        way = [img.detach()[0].numpy().copy()]
        for _ in range(STEP_CALLS):
            reference.class_visualization_update_step(img, network, case.target, case.l2_reg, case.learning_rate)
            way.append(img.detach()[0].numpy().copy())
        np.testing.assert_allclose(normalised, way, atol=1e-9)
        found[case] = np.stack([raw, normalised])
    return found


def _known_steps(case, at_most=3):
    return [(ids, _changes(path)) for ids, path in _step_paths(case, at_most)]


def _step_paths(case, at_most=3):
    arguments = _network(case), _images(case), case.target, case.l2_reg, case.learning_rate
    return known_mistakes.step_paths(*arguments, STEP_CALLS, at_most)


def _changes(path):
    return fingerprint((path[1:] - path[:1]).numpy())


def _network(case):
    return case.network().double()


def _images(case):
    return case.images().double()


def _distinct(ids, marks, least):
    """Return (the answers to keep, the ids that look like others): of answers that look the same the simplest is kept."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    keep, same = [], set()
    for i in order:
        gaps = [distance(values[i], values[keep], least) for values in marks.values()] if keep else [np.array([np.inf])]
        worst = np.max(gaps, axis=0)
        if worst.min() > 5 * TOLERANCE or (not ids[i] and worst.min() > 1e-6):
            keep.append(i)
        elif ids[i] != ids[keep[worst.argmin()]]:
            same.add((ids[i], ids[keep[worst.argmin()]]))
    return keep, sorted(same)


def write(path=PATH):
    """Write the file (its old version stays until the new one is whole); return what could not be told apart."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the reference warns of an image that it could not fool
        arrays, not_told_apart = fingerprints(own_exam(known=Fingerprints({})))
    whole = Path(path).with_suffix(".part.npz")
    np.savez_compressed(whole, **arrays)
    os.replace(whole, path)
    return not_told_apart


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Make the fingerprints that the checks compare with.")
    parser.parse_args(arguments)
    not_told_apart = write()
    print(f"{PATH}: {PATH.stat().st_size / 1e6:.1f} MB")
    for exercise, ids, like in not_told_apart:
        print(f"{exercise}: {' + '.join(ids)} looks like {' + '.join(like) or 'a right answer'}")


if __name__ == "__main__":
    main()
