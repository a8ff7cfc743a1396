"""Make cs231n/checks/fingerprints.npz: what comes out of the reference and of the known mistakes.

    python -m cs231n.instructor.exercises.fingerprints

Run it after a change to the exercises, to the checks' cases or to the known mistakes; a test says when.
"""

import argparse
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...checks.exam import Exam, own_exam
from ...checks.fingerprints import PATH, TOLERANCE, Fingerprints, distance
from . import exercise
from .combining import Ids
from .marks import Marks

LARGE = "-224"  # ends the name of what is known of the case of the notebook's sizes
SAME = 5 * TOLERANCE  # by how much answers that look the same differ at most

LookAlike = tuple[str, Ids, Ids]  # an exercise, the mistakes of an answer, those of the answer that it looks like


def fingerprints(exam: Exam) -> tuple[dict[str, np.ndarray], list[LookAlike]]:
    """Return ({name: array}, [what could not be told apart: (exercise, ids, the ids that they look like)]) for an exam."""
    arrays: dict[str, np.ndarray] = {}
    not_told_apart: list[LookAlike] = []
    for key, cases in exam.cases.items():
        more, same = of_exercise(key, cases)
        arrays |= more
        not_told_apart += same
    return arrays, not_told_apart


def of_exercise(key: str, cases: Any) -> tuple[dict[str, np.ndarray], list[LookAlike]]:
    """Return what `fingerprints` returns, of one exercise. cases: as its file in checks/exercises defines them."""
    (arrays, same), (more, more_same) = of_small_cases(key, cases), of_large_case(key, cases)
    return arrays | more, same + more_same


@np.errstate(all="ignore")  # some mistakes lead to NaN
def of_small_cases(key: str, cases: Any) -> tuple[dict[str, np.ndarray], list[LookAlike]]:
    """Return of this all but what is known of the case of the notebook's sizes."""
    own = exercise(key)
    right = own.right(cases)
    arrays = {f"right/{key}/{case.name}": array.astype(np.float32) for case, array in right.items()}
    gradients = own.gradients(cases, right)
    arrays |= {f"gradient/{key}/{case.name}": array.astype(np.float32) for case, array in gradients.items()}
    more, same = _of_known(key, own.known(cases), own.least)
    return arrays | more, same


@np.errstate(all="ignore")
def of_large_case(key: str, cases: Any) -> tuple[dict[str, np.ndarray], list[LookAlike]]:
    """Return the rest of it: nothing if the exercise has no case of the notebook's sizes."""
    own = exercise(key)
    found = own.known_large(cases)
    return _of_known(f"{key}{LARGE}", found, own.least) if found else ({}, [])


def _of_known(name: str, found: Mapping[Any, Marks], least: float) -> tuple[dict[str, np.ndarray], list[LookAlike]]:
    """Return the arrays of known answers {case: Marks} under a name, without those that look like others, and these pairs."""
    ids = [mistakes for mistakes, _ in next(iter(found.values()))]
    marks = {case: np.stack([mark for _, mark in answers]) for case, answers in found.items()}
    keep, same = _distinct(ids, marks, least)
    arrays = {f"known/{name}/{case.name}": values[keep].astype(np.float32) for case, values in marks.items()}
    return {f"mistakes/{name}": np.array(["+".join(ids[i]) for i in keep])} | arrays, [(name, *pair) for pair in same]


def _distinct(ids: Sequence[Ids], marks: Mapping[Any, np.ndarray], least: float) -> tuple[list[int], list[tuple[Ids, Ids]]]:
    """Return (the answers to keep, the ids that look like others): of answers that look the same the simplest is kept."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    lengths = np.stack([np.linalg.norm(values[:, 0], axis=1) for values in marks.values()])  # (cases, answers)
    kept, count = np.empty(len(ids), dtype=np.intp), 0
    same: set[tuple[Ids, Ids]] = set()
    for i in order:
        like = kept[:count]
        like = like[_alike_in_length(lengths[:, like], lengths[:, i, None], least).all(axis=0)]
        worst = np.zeros(len(like))  # of the answers that no case has told apart from it
        for values in marks.values():
            if not len(like):
                break
            worst = np.maximum(worst, distance(values[i], values[like], least))
            close = worst <= SAME
            like, worst = like[close], worst[close]
        if not len(like) or (not ids[i] and worst.min() > 1e-6):
            kept[count] = i
            count += 1
        elif ids[i] != ids[like[worst.argmin()]]:
            same.add((ids[i], ids[like[worst.argmin()]]))
    return kept[:count].tolist(), sorted(same)


def _alike_in_length(known: np.ndarray, found: np.ndarray, least: float) -> np.ndarray:
    """Return where fingerprints can be the same, by their lengths alone: no two are nearer to each other than their lengths."""
    return ~(np.abs(known - found) > 1.001 * SAME * np.maximum(known, max(least, 1e-30)))  # so NaN can be


def write(path: Path = PATH) -> list[LookAlike]:
    """Write the file (its old version stays until the new one is whole); return what could not be told apart."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the reference warns of an image that it could not fool
        arrays, not_told_apart = fingerprints(own_exam(known=Fingerprints({})))
    whole = Path(path).with_suffix(".part.npz")
    np.savez_compressed(whole, **arrays)  # type: ignore[arg-type]
    os.replace(whole, path)
    return not_told_apart


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make the fingerprints that the checks compare with.")
    parser.parse_args(arguments)
    not_told_apart = write()
    print(f"{PATH}: {PATH.stat().st_size / 1e6:.1f} MB")
    for name, ids, like in not_told_apart:
        print(f"{name}: {' + '.join(ids)} looks like {' + '.join(like) or 'a right answer'}")


if __name__ == "__main__":
    main()
