"""Answers that are nearly equal, and how they differ."""

import difflib
import itertools
import re
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from ..reports.safe import plain

GRAM = 5  # characters
# Of all 5-grams of two answers, the fraction that both have. Answers by students who worked apart stay below 0.2; with one word
# in eight changed it is still 0.7.
NEARLY = 0.5
BUCKETS = 1 << 13
MOST = 20  # nearly equal answers of one
MOST_WORDS = 600  # of an answer whose difference is shown
LONGEST = 6000  # characters of it


def nearly_equal(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Return {id: [ids of answers that are nearly equal, the most similar first]} of {id: answer}; each has an entry."""
    names = list(texts)
    grams = [_grams(text) for text in texts.values()]
    near: dict[str, list[str]] = {name: [] for name in names}
    similar = []
    for i, j in _candidates(grams):
        both = len(grams[i] & grams[j])
        if both and both / len(grams[i] | grams[j]) >= NEARLY:
            similar.append((both / len(grams[i] | grams[j]), i, j))
    for _, i, j in sorted(similar, reverse=True):
        near[names[i]].append(names[j])
        near[names[j]].append(names[i])
    return {name: found[:MOST] for name, found in near.items()}


def _grams(text: str) -> set[bytes]:
    flat = f" {' '.join(text.split()).casefold()} ".encode("utf-8", "surrogatepass")
    return {flat[i : i + GRAM] for i in range(max(1, len(flat) - GRAM + 1))}


def _candidates(grams: Sequence[set[bytes]]) -> list[tuple[int, int]]:
    """Return the pairs (i, j), i < j, that may be similar enough: a few of them are not, none is missing.

    Two grams in one bucket only make a pair look more similar.
    """
    present = np.zeros((len(grams), BUCKETS), dtype=np.float32)
    for row, own in zip(present, grams, strict=True):
        row[[zlib.crc32(gram) % BUCKETS for gram in own]] = 1
    both = present @ present.T
    counts = np.array([len(own) for own in grams], dtype=np.float32)
    filled = present.sum(axis=1)
    # Of n grams at least `filled` buckets are left, so what both have is at most what both have in buckets, and the grams lost.
    lost = counts - filled
    most_both = both + np.minimum(lost[:, None], lost[None, :])
    least_any = np.maximum(counts[:, None], counts[None, :])
    rows, columns = np.nonzero(np.triu(most_both >= NEARLY * least_any, k=1))
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


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
