"""Answers that are nearly equal, and how they differ."""

import difflib
import itertools
import re
from collections.abc import Mapping

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ..reports.safe import plain

GRAM = 5  # characters
# Of all 5-grams of two answers, the fraction that both have. Answers by students who worked apart stay below 0.2; with one word
# in eight changed it is still 0.7.
NEARLY = 0.5
HASHES = 256  # the fraction is estimated from as many; the standard error at one half is 0.03
FACTOR = np.uint64(0x9E3779B97F4A7C15)
MOST = 20  # nearly equal answers of one
MOST_WORDS = 600  # of an answer whose difference is shown
LONGEST = 6000  # characters of it, and of one that is compared


def nearly_equal(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Return {id: [ids of answers that are nearly equal, the most similar first]} of {id: answer}; each has an entry.

    By minimum hashing (Broder, 1997): of two sets, the smallest hashes are equal as often as a member of either is one of both.
    """
    names = list(texts)
    smallest = np.array([_smallest_hashes(text) for text in texts.values()], dtype=np.uint64).reshape(len(names), HASHES)
    near: dict[str, list[str]] = {}
    for i, name in enumerate(names):
        same = (smallest == smallest[i]).mean(axis=1)
        same[i] = 0
        order = np.argsort(-same, kind="stable")[:MOST]
        near[name] = [names[j] for j in order if same[j] >= NEARLY]
    return near


def _smallest_hashes(text: str) -> NDArray[np.uint64]:
    """Return the smallest value (HASHES,) that each of the hashes has on the 5-grams of a text."""
    flat = f"{' '.join(text[:LONGEST].split()).casefold():{GRAM}}"
    characters = np.frombuffer(flat.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    grams = np.zeros(len(characters) - GRAM + 1, dtype=np.uint64)
    for i in range(GRAM):
        grams = (grams + characters[i : i + len(grams)] + np.uint64(1)) * FACTOR
    grams = np.unique(grams ^ (grams >> np.uint64(29)))
    return np.min(grams * _FACTORS[:, None] + _SUMMANDS[:, None], axis=1)


_random = np.random.default_rng(0)
_FACTORS = _random.integers(0, 1 << 63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SUMMANDS = _random.integers(0, 1 << 63, HASHES, dtype=np.uint64)


def difference(before: str, after: str) -> Markup:
    """Return the second of two answers as HTML, with what the first has not in <ins> and what only the first has in <del>."""
    old, new = _words(before), _words(after)
    parts = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            parts.append(Markup("{}").format("".join(new[c:d])))
            continue
        if a < b:
            parts.append(Markup("<del>{}</del>").format("".join(old[a:b])))
        if c < d:
            parts.append(Markup("<ins>{}</ins>").format("".join(new[c:d])))
    return Markup("").join(parts)


def _words(text: str) -> list[str]:
    found = re.finditer(r"\s+|[^\W_]+|[\W_]", plain(text, LONGEST))
    words = [word[0] for word in itertools.islice(found, 2 * MOST_WORDS + 1)]
    return [*words[: 2 * MOST_WORDS], "…"] if len(words) > 2 * MOST_WORDS else words
