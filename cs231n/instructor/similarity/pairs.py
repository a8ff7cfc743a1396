"""The most unusual pairs of a class: those who share what is most surprising, all signs together."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from .signs import Class, Sign

ENOUGH = 2.0  # times what a thing is worth that only two share: what makes a pair unusual
TOLD = 0.5  # times the same: what a sign has to be worth to be told of
SAME = 0.5  # of a pair's worth: if so much was told of an earlier pair, the pair is named there
TRIED = 50  # pairs looked at for each that is shown


@dataclass(frozen=True)
class Finding:
    """What two submissions share by one sign. things: those of the sign that both have, the rarest first."""

    sign: Sign
    things: tuple[Hashable, ...]


@dataclass
class Pair:
    """Two submissions, and what they share.

    Parameters
    ----------
    a, b : int
        Their places in the class.
    findings : tuple of Finding
        The most surprising first.
    others : list of (int, int)
        Pairs that share mostly the same things.
    """

    a: int
    b: int
    findings: tuple[Finding, ...]
    others: list[tuple[int, int]] = field(default_factory=list)


def unusual(found: Class, signs: Sequence[Sign], most: int) -> list[Pair]:
    """Return the most unusual pairs, the most surprising first.

    Left out are pairs within last year's class, pairs of one person's own work, and whatever is worth less than ENOUGH times a
    thing that only two of the class share. Where several share the same things, there is one pair, which names the others.

    found: the class. signs: those of the class. most: how many pairs at most.
    """
    pairs: list[Pair] = []
    told: list[set[tuple[int, Hashable]]] = []
    for a, b in _in_order(found, signs, TRIED * most):
        shared = _shared(signs, a, b)
        whole = sum(shared.values())
        same = (sum(worth for thing, worth in shared.items() if thing in earlier) for earlier in told)
        place = next((i for i, worth in enumerate(same) if worth >= SAME * whole), None)
        if place is not None:
            pairs[place].others.append((a, b))
        elif len(pairs) < most:
            pairs.append(Pair(a, b, _findings(signs, a, b)))
            told.append(set(shared))
    return pairs


def _in_order(found: Class, signs: Sequence[Sign], most: int) -> Iterator[tuple[int, int]]:
    """Yield the unusual pairs as places in the class, the most surprising first, at most so many."""
    n = len(found.submissions)
    if n < 2:
        return
    worth = sum((sign.worth for sign in signs), np.zeros((n, n)))
    rows, columns = np.triu_indices(n, 1)
    values = np.where(~same_person(found) & ~_earlier(found), worth, 0.0)[rows, columns]
    enough = ENOUGH * signs[0].shared.largest
    for k in np.argsort(-values, kind="stable")[:most]:
        if values[k] < enough:
            return
        yield int(rows[k]), int(columns[k])


def same_person(found: Class) -> np.ndarray:
    """Return, by submission and submission, whether somebody has a part in both, by the keys and ids in their records."""
    same = np.zeros((len(found.submissions),) * 2, dtype=bool)
    holders: dict[str, list[int]] = {}
    for i, one in enumerate(found.submissions):
        for person in one.people:
            holders.setdefault(person, []).append(i)
    for who in holders.values():
        same[np.ix_(who, who)] = True
    return same


def _earlier(found: Class) -> np.ndarray:
    earlier = np.array([one.last_year for one in found.submissions])
    return earlier[:, None] & earlier[None]


def _shared(signs: Sequence[Sign], a: int, b: int) -> dict[tuple[int, Hashable], float]:
    """Return {(number of the sign, thing): its part of what the sign is worth} of all that two submissions share."""
    shared: dict[tuple[int, Hashable], float] = {}
    for number, sign in enumerate(signs):
        if sign.worth[a, b] > 0:
            worths = {thing: sign.shared.worth(thing) for thing in sign.shared.between(a, b)}
            scale = sign.worth[a, b] / sum(worths.values())
            shared |= {(number, thing): scale * worth for thing, worth in worths.items()}
    return shared


def _findings(signs: Sequence[Sign], a: int, b: int) -> tuple[Finding, ...]:
    found = [sign for sign in signs if sign.worth[a, b] >= TOLD * sign.shared.largest]
    found.sort(key=lambda sign: -sign.worth[a, b])
    return tuple(Finding(sign, tuple(sign.shared.between(a, b))) for sign in found)
