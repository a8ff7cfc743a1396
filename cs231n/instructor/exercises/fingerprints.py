"""Make cs231n/checks/fingerprints.npz: what comes out of the reference and of the known mistakes.

    python -m cs231n.instructor.exercises.fingerprints

Run it after a change to the exercises, to the checks' cases or to the known mistakes; a test says when.
"""

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
import torch

from ... import attribution, feature_visualization
from ... import net_visualization_pytorch as reference
from ...checks.cases import STEP_CALLS
from ...checks.exam import ARRAYS, own_exam
from ...checks.fingerprints import PATH, TOLERANCE, Fingerprints, distance, fingerprint, least_change
from ...checks.guard import gradient_of
from . import known_attribution_mistakes, known_mistakes, known_transformation_mistakes

FOOLING_STEPS = 8  # the first steps are enough to tell the known mistakes apart

# Of the exercises that return an array: the reference, and the known mistakes in it.
OF_ARRAYS = {
    "saliency_maps": (reference.compute_saliency_maps, known_mistakes.saliency_maps),
    "smoothgrad": (attribution.compute_smoothgrad_maps, known_attribution_mistakes.smoothgrad_maps),
    "integrated_gradients": (attribution.compute_integrated_gradients, known_attribution_mistakes.integrated_gradients),
    "grad_cam": (attribution.compute_grad_cam_maps, known_attribution_mistakes.grad_cam_maps),
    "transformation": (feature_visualization.transform_images, known_transformation_mistakes.transformed_images),
}


def fingerprints(exam):
    """Return ({name: array}, [what could not be told apart: (exercise, ids, the ids that they look like)]) for an exam."""
    arrays, not_told_apart = of_steps(exam)
    for key in ARRAYS:
        more, same = of_arrays(key, getattr(exam, key))
        arrays |= more
        not_told_apart += same
    return arrays, not_told_apart


@np.errstate(all="ignore")  # some mistakes lead to NaN
def of_steps(exam):
    """Return what `fingerprints` returns, of the fooling images and the class visualization step."""
    right = {"fooling_image": _right_fooling(exam), "class_visualization_step": _right_steps(exam)}
    known = {
        "fooling_image": {case: _known_fooling(case, FOOLING_STEPS) for case in exam.fooling_cases},
        "class_visualization_step": {case: _known_steps(case) for case in exam.step_cases},
        # large: single mistakes only
        "fooling_image-224": {exam.fooling_224: _known_fooling(exam.fooling_224, 4, at_most=1)},
        "class_visualization_step-224": {exam.step_224: _known_steps(exam.step_224, at_most=1)},
    }
    return _collected(right, known)


@np.errstate(all="ignore")
def of_arrays(key, batches):
    """Return what `fingerprints` returns, of an exercise that returns an array: one of ARRAYS. batches: its Batches."""
    right = {key: {case: _right_array(key, case) for case in (*batches.main, *batches.other)}}
    known = {key: {case: _known_arrays(key, case) for case in batches.main}}
    if batches.large is not None:  # single mistakes only, and where they would take long, none
        at_most = int(key in ("saliency_maps", "grad_cam"))
        known[f"{key}-224"] = {batches.large: _known_arrays(key, batches.large, at_most=at_most)}
    arrays, not_told_apart = _collected(right, known)
    if key == "saliency_maps":
        arrays |= {f"gradient/saliency_maps/{case.name}": _gradient(case, maps) for case, maps in right[key].items()}
    if key == "transformation":
        arrays |= {f"gradient/transformation/{case.name}": _gradient_of_pictures(case) for case in batches.main}
    return arrays, not_told_apart


def _collected(right, known):
    arrays, not_told_apart = {}, []
    for exercise, found in right.items():
        arrays |= {f"right/{exercise}/{case.name}": array.astype(np.float32) for case, array in found.items()}
    for exercise, found in known.items():
        ids = [name for name, _ in next(iter(found.values()))]
        marks = {case: np.stack([mark for _, mark in answers]) for case, answers in found.items()}
        keep, same = _distinct(ids, marks, least_change(exercise))
        not_told_apart += [(exercise, *pair) for pair in same]
        arrays[f"mistakes/{exercise}"] = np.array(["+".join(ids[i]) for i in keep])
        arrays |= {f"known/{exercise}/{case.name}": values[keep].astype(np.float32) for case, values in marks.items()}
    return arrays, not_told_apart


def _right_array(key, case):
    function, _ = OF_ARRAYS[key]
    return function(*_arguments(case)).numpy()


def _known_arrays(key, case, **limit):
    _, known = OF_ARRAYS[key]
    return [(ids, fingerprint(array[None].numpy())) for ids, array in known(*_arguments(case), **limit)]


def _arguments(case):
    """Return what an exercise is called with, in double precision."""
    arguments = case.arguments(_network(case) if case.network else None)
    return [value.double() if torch.is_tensor(value) and value.is_floating_point() else value for value in arguments]


def _gradient(case, maps):
    """The gradient (N, 3, H, W) from which `maps` came, so that a message can show all three colours of a pixel."""
    X, y = _images(case).requires_grad_(), torch.tensor(case.target)
    (gradient,) = torch.autograd.grad(known_mistakes.own_score(_network(case)(X), y).sum(), X)
    np.testing.assert_allclose(gradient.abs().amax(dim=1), maps)
    return gradient.numpy().astype(np.float32)


def _gradient_of_pictures(case):
    images, *numbers = _arguments(case)
    function, _ = OF_ARRAYS["transformation"]
    return gradient_of(function(images.requires_grad_(), *numbers), images).numpy().astype(np.float32)


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
        like, worst = np.array(keep, dtype=int), np.zeros(len(keep))  # the answers that no case has told apart from it
        for values in marks.values():
            worst = np.maximum(worst, distance(values[i], values[like], least))
            close = worst <= 5 * TOLERANCE
            like, worst = like[close], worst[close]
        if not len(like) or (not ids[i] and worst.min() > 1e-6):
            keep.append(i)
        elif ids[i] != ids[like[worst.argmin()]]:
            same.add((ids[i], ids[like[worst.argmin()]]))
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
