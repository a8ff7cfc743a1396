"""How surprising it is that two submissions share a thing: by how few pairs of the class share it."""

import itertools
import math
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence

import numpy as np

SHARE, FEW = 8, 4  # what more than one in SHARE submissions has, and more than FEW, says nothing
SMALLEST = 12  # a class counts as at least so large; in a smaller one nothing would be rare
BLOCK = 4096  # things at once in a product of matrices


def most_holders(submissions: int) -> int:
    """Return how many of so many submissions may have a thing that is called rare."""
    return max(FEW, submissions // SHARE)


class Shared:
    """The things that at least two submissions have, and few of all.

    A thing that k of n submissions have is shared by k (k - 1) / 2 of n (n - 1) / 2 pairs; it is worth minus the logarithm of
    this share, to base 2: 1 for what one pair in two shares, 10 for one in a thousand. What one submission alone has would be
    worth as much as what two have.

    Parameters
    ----------
    things : sequence of collections
        By submission, what it has.
    """

    def __init__(self, things: Sequence[Collection[Hashable]]) -> None:
        self.submissions = len(things)
        everywhere: dict[Hashable, list[int]] = defaultdict(list)
        for i, own in enumerate(things):
            for thing in dict.fromkeys(own):
                everywhere[thing].append(i)
        most = most_holders(self.submissions)
        self.holders = {thing: tuple(who) for thing, who in everywhere.items() if 2 <= len(who) <= most}
        self._order = {thing: place for place, thing in enumerate(self.holders)}
        self.own = np.zeros(self.submissions)  # what all that a submission has is worth
        for everyone in everywhere.values():
            self.own[everyone] += self._worth(len(everyone))
        self._rare: list[set[Hashable]] = [set() for _ in things]
        for thing, who in self.holders.items():
            for i in who:
                self._rare[i].add(thing)

    @property
    def largest(self) -> float:
        """What a thing is worth that only two submissions share."""
        return self._worth(2)

    def worth(self, thing: Hashable) -> float:
        """Return what sharing a thing in `holders` is worth."""
        return self._worth(len(self.holders[thing]))

    def _worth(self, holders: int) -> float:
        pairs = math.comb(max(self.submissions, SMALLEST), 2)
        return math.log2(pairs / min(pairs, max(1, math.comb(holders, 2))))

    def between(self, a: int, b: int) -> list[Hashable]:
        """Return the things in `holders` that two submissions share, the rarest first."""
        both = self._rare[a] & self._rare[b]
        return sorted(both, key=lambda thing: (len(self.holders[thing]), self._order[thing]))

    def summed(self) -> np.ndarray:
        """Return what all things that two submissions share are worth together, by submission and submission."""
        total = np.zeros((self.submissions, self.submissions))
        for block in _blocks(self.holders.items(), BLOCK):
            table = np.zeros((self.submissions, len(block)))
            for column, (thing, who) in enumerate(block):
                table[list(who), column] = math.sqrt(self.worth(thing))
            total += table @ table.T
        return total

    def rarest(self) -> np.ndarray:
        """Return what the rarest thing that two submissions share is worth, by submission and submission."""
        total = np.zeros((self.submissions, self.submissions))
        for thing, who in self.holders.items():
            total[np.ix_(who, who)] = np.maximum(total[np.ix_(who, who)], self.worth(thing))
        return total


def _blocks(things: Iterable, size: int) -> Iterable[list]:
    things = iter(things)
    return iter(lambda: list(itertools.islice(things, size)), [])
