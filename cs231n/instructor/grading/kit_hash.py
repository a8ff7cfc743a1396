"""Which version of the kit this is, down to the last byte."""

import hashlib

from ...kit import PACKAGE, ROOT


def kit_hash() -> str:
    """Return a hash of the names and the contents of all files of the package."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
