"""Names of files that people read, from names of people in any script."""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from ...reports.safe import DECEPTIVE, RESERVED

LONGEST_BYTES = 120  # of a name in UTF-8; file systems take 255 with the ending and what a platform adds
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


def safe_name(text: str) -> str:
    """Return a text as the name of a file without its ending, valid on Windows, macOS and Linux and in a zip.

    Letters of all scripts stay, in Unicode's composed form (NFC). Characters that a system forbids, and those that change the
    direction of writing, become "_"; dots and spaces at the ends go, and so does "~" at the start; a name that Windows gives to
    a device gets a "_" before it. An empty one becomes "student".
    """
    name = unicodedata.normalize("NFC", FORBIDDEN.sub("_", DECEPTIVE.sub("_", " ".join(text.split()))))
    name = name.encode()[:LONGEST_BYTES].decode(errors="ignore").strip(" .").lstrip("~ .") or "student"
    return f"_{name}" if RESERVED.fullmatch(name.split(".")[0].strip().lower()) else name


def readable_names(people: Sequence[tuple[str, str]]) -> list[str]:
    """Return names of files, without their ending, for (key, person's name): unique also where capitals do not count.

    People who share a name get their keys behind it; if these are the same, too, a number.
    """
    names: list[str] = []
    wanted = [safe_name(name) for _, name in people]
    times = Counter(map(_folded, wanted))
    taken: set[str] = set()
    for (key, _), name in zip(people, wanted, strict=True):
        first = safe_name(f"{name} ({key})") if times[_folded(name)] > 1 else name
        names.append(next(one for one in _numbered(first) if _folded(one) not in taken))
        taken.add(_folded(names[-1]))
    return names


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} {number}" for number in itertools.count(2))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
