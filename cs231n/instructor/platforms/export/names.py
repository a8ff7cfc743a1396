"""Names of files that people read, from names of people in any script."""

import re
import unicodedata
from collections.abc import Mapping

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


def readable_names(people: Mapping[str, str]) -> dict[str, str]:
    """Return {key: name of a file} for {key: person's name}: unique also where capitals count as small letters.

    People who share a name get their keys behind it; keys that look the same, too, a number.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    wanted = {key: safe_name(name) for key, name in people.items()}
    folded = [_folded(name) for name in wanted.values()]
    for key, name in wanted.items():
        first = safe_name(f"{name} ({key})") if folded.count(_folded(name)) > 1 else name
        names[key] = next(one for one in _numbered(first) if _folded(one) not in taken)
        taken.add(_folded(names[key]))
    return names


def _numbered(name: str):
    yield name
    for number in range(2, 10**6):
        yield f"{name} {number}"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
