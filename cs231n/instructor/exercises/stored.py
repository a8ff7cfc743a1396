"""The cases of an exam as JSON: for each what differs from the students' own case of the same role."""

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

from ...checks.exam import Exam, own_exam
from ...checks.fingerprints import Fingerprints
from .exam import LATER

OWN = own_exam(known=Fingerprints({}))


def as_json(exam: Exam) -> dict[str, Any]:
    """Return the JSON of an exam's cases, by exercise, as far as they have been drawn."""
    return {key: _told(cases, OWN.of(key)) for key, cases in exam.cases.items()}


def from_json(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cases, by exercise, of which `told` is the JSON.

    Raises KeyError, TypeError, ValueError or AttributeError for what as_json() has not made.
    """
    return {key: _case(told[key], given) for key, given in OWN.cases.items() if key in told or key not in LATER}


def _told(drawn: Any, given: Any) -> Any:
    """Return the JSON of a case, of several or of something in one. given: the students' own one."""
    if dataclasses.is_dataclass(drawn):
        pairs = {field.name: (getattr(drawn, field.name), getattr(given, field.name)) for field in dataclasses.fields(drawn)}
        return {name: _told(*pair) for name, pair in pairs.items() if pair[0] != pair[1]}
    if _are_cases(given):
        return [_told(*pair) for pair in zip(drawn, given, strict=True)]
    if callable(given):
        own = getattr(given, "keywords", {})  # a draw changes numbers; layers, which are no JSON, stay the given ones
        return {name: _plain(value) for name, value in drawn.keywords.items() if name not in own or _is_plain(own[name])}
    return _plain(drawn)


def _case(told: Any, given: Any) -> Any:
    """Return what _told() was given as `drawn`."""
    if dataclasses.is_dataclass(given) and not isinstance(given, type):
        return dataclasses.replace(given, **{name: _case(value, getattr(given, name)) for name, value in told.items()})
    if _are_cases(given):
        return tuple(_case(*pair) for pair in zip(told, given, strict=True))
    if callable(given):
        own, changed = getattr(given, "keywords", {}), {name: _restored(value) for name, value in told.items()}
        return partial(getattr(given, "func", given), **{**own, **changed})
    return _restored(told)


def _are_cases(given: Any) -> bool:
    return isinstance(given, tuple) and all(dataclasses.is_dataclass(one) for one in given)


def _plain(value: Any) -> Any:
    """Return a number, a tuple of numbers or {int: number} for JSON, which has no other keys than strings. Raises TypeError."""
    if isinstance(value, dict):
        return {"by number": [[int(key), _plain(one)] for key, one in value.items()]}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise TypeError(f"A case holds a {type(value).__name__}, which is not stored.")


def _is_plain(value: Any) -> bool:
    try:
        _plain(value)
    except TypeError:
        return False
    return True


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _restored(one) for key, one in value["by number"]}
    return tuple(map(_restored, value)) if isinstance(value, list) else value
