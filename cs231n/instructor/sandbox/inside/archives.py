"""Look into archives without unpacking them to the disk: zip, tar and what is compressed, one in another, within bounds.

This runs in the sandbox: an archive can be made to harm.
"""

import bz2
import enum
import gzip
import io
import lzma
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PureWindowsPath
from typing import Any

from . import limits

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".gz", ".bz2", ".xz")


class Unread(enum.Enum):
    """A kind of file that cannot be opened here, in the words of messages."""

    SEVEN_ZIP = "a 7-Zip archive"
    RAR = "a RAR archive"
    ZSTANDARD = "a Zstandard archive"
    DISK_IMAGE = "a disk image"
    PDF = "a PDF"
    WEB_PAGE = "a web page"
    WORD = "a Word document"
    PAGES = "a document of Pages"
    GOOGLE_LINK = "a link to a document at Google"

    @property
    def is_archive(self) -> bool:
        """Whether a submission may be in it, packed."""
        return self in (Unread.SEVEN_ZIP, Unread.RAR, Unread.ZSTANDARD)


UNREAD = {
    ".7z": Unread.SEVEN_ZIP,
    ".rar": Unread.RAR,
    ".zst": Unread.ZSTANDARD,
    ".dmg": Unread.DISK_IMAGE,
    ".pdf": Unread.PDF,
    ".html": Unread.WEB_PAGE,
    ".docx": Unread.WORD,
    ".pages": Unread.PAGES,
    ".gdoc": Unread.GOOGLE_LINK,
}
COMPRESSED: dict[bytes, Callable[[io.BytesIO], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
MAGIC = {b"7z\xbc\xaf'\x1c": Unread.SEVEN_ZIP, b"Rar!": Unread.RAR}


@dataclass
class File:
    """A file in an archive.

    path: its path there, with "/"; behind the name of an archive inside, where it lies in one. date: (year, ..., second), or
    () if it is not known. size: bytes, as the archive says. read: a function without arguments that returns the bytes.
    """

    path: str
    date: tuple[int, ...]
    size: int
    read: Callable[[], bytes]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass
class Listing:
    """What an archive holds. files: the Files. problems: sentences on what in it could not be opened."""

    files: list[File] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class TooMuch(ValueError):
    """An archive unpacks to more than the limit."""


def is_archive_name(name: str) -> bool:
    """Return whether a file's name says that it is an archive that can be opened here."""
    return name.lower().endswith(SUFFIXES)


def is_archive(name: str, raw: bytes) -> bool:
    """Return whether a file is an archive that can be opened here, by its content or, where that is broken, by its name."""
    return raw.startswith((b"PK\x03\x04", b"PK\x05\x06", *COMPRESSED)) or raw[257:262] == b"ustar" or is_archive_name(name)


def unread_kind(name: str, raw: bytes = b"") -> Unread | None:
    """Return what a file is that cannot be opened here, by its content or else by its name; None if it is of no such kind."""
    by_name = next((kind for suffix, kind in UNREAD.items() if name.lower().endswith(suffix)), None)
    return next((kind for magic, kind in MAGIC.items() if raw.startswith(magic)), by_name)


def advice(name: str, kind: Unread) -> str:
    """Return the sentence on a file of a kind that cannot be opened."""
    expected = "expected a notebook (.ipynb), a Python file, or a zip or tar archive with these"
    return f"{name[-100:]} is {kind.value}, which cannot be opened here; {expected}."


def listing(name: str, raw: bytes) -> Listing:
    """Return the Listing of an archive, with what lies in archives inside of it.

    Links, hidden files and what a system put beside (__MACOSX) are left out. Raises ValueError, with a sentence, if the
    archive itself cannot be unpacked; TooMuch is a ValueError.
    """
    return _Opened(name).listing(name, raw)


class _Opened:
    """One archive with all inside of it, which share the limits. outer: its name, for messages."""

    def __init__(self, outer: str) -> None:
        self.outer = outer[:100]
        self.left = limits.UNPACKED_BYTES
        self.count = 0

    def listing(self, name: str, raw: bytes, prefix: str = "", depth: int = 1) -> Listing:
        try:
            files = self._files(name, raw, prefix)
        except (TooMuch, MemoryError):
            raise
        except Exception as error:  # whatever zipfile, tarfile and their like raise for a broken archive
            said = f"{type(error).__name__}: {str(error)[:100]}"
            raise ValueError(f"{name[-100:]} cannot be unpacked ({said}).") from None
        found = Listing()
        for file in files:
            if is_archive_name(file.name):
                self._open(file, found, depth)
            else:
                found.files.append(file)
        return found

    def _open(self, file: File, found: Listing, depth: int) -> None:
        """Add what is in an archive inside to what is found."""
        if depth == limits.ARCHIVES_IN_ARCHIVES:
            found.problems.append(f"{file.path[-100:]} is an archive in an archive in an archive; it was not opened.")
            return
        try:
            inside = self.listing(file.name, file.read(), f"{file.path}/", depth + 1)
        except ValueError as error:
            found.problems.append(str(error))
        else:
            found.files += inside.files
            found.problems += inside.problems

    def _files(self, name: str, raw: bytes, prefix: str) -> list[File]:
        opened = next((opener for magic, opener in COMPRESSED.items() if raw.startswith(magic)), None)
        if opened:
            raw = self._bounded(opened(io.BytesIO(raw)).read, name)
            if raw[257:262] != b"ustar":
                inner = name.rpartition(".")[0] or name
                return [File(prefix + inner, (), len(raw), lambda: raw)]
        if raw[257:262] == b"ustar" or name.lower().endswith(".tar"):
            return self._of_tar(tarfile.open(fileobj=io.BytesIO(raw), mode="r:"), prefix)
        return self._of_zip(zipfile.ZipFile(io.BytesIO(raw)), prefix)

    def _of_zip(self, archive: zipfile.ZipFile, prefix: str) -> list[File]:
        found = []
        for member in archive.infolist():
            is_link = stat.S_ISLNK(member.external_attr >> 16)
            if not is_link and not member.is_dir() and _is_plain(member.filename):
                self._count()
                read = _reader(self, archive.open, member, member.filename)
                if member.flag_bits & 1:
                    read = _refused(f"{self.outer} is encrypted; expected an archive without a password.")
                found.append(File(prefix + _slashed(member.filename), member.date_time, member.file_size, read))
        return found

    def _of_tar(self, archive: tarfile.TarFile, prefix: str) -> list[File]:
        found = []
        for member in archive:
            self._count()
            if member.isreg() and _is_plain(member.name):
                date = _date(member.mtime)
                read = _reader(self, archive.extractfile, member, member.name)
                found.append(File(prefix + _slashed(member.name), date, member.size, read))
        return found

    def _count(self) -> None:
        self.count += 1
        if self.count > limits.ARCHIVE_FILES:
            raise TooMuch(f"{self.outer} holds more than {limits.ARCHIVE_FILES:,} files.")

    def _bounded(self, read: Callable[[int], bytes], name: str) -> bytes:
        """Return what `read` gives, a function of a number of bytes. Raises TooMuch for more than what is left."""
        content = read(self.left + 1)
        if len(content) > self.left:
            raise TooMuch(f"{name[-100:]} in {self.outer} unpacks to more than {limits.UNPACKED_BYTES // 10**6} MB.")
        self.left -= len(content)
        return content


def _reader(opened: _Opened, open_member: Callable[[Any], Any], member: object, name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with open_member(member) as file:
                return opened._bounded(file.read, name)
        except (TooMuch, MemoryError):
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {str(error)[:100]}"
            raise ValueError(f"{opened.outer} cannot be unpacked ({said}).") from None

    return read


def _refused(sentence: str) -> Callable[[], bytes]:
    def read() -> bytes:
        raise ValueError(sentence)

    return read


def _date(seconds: float) -> tuple[int, ...]:
    return tuple(time.gmtime(min(max(seconds, 0), 2**33))[:6])


def _slashed(name: str) -> str:
    return "/".join(PureWindowsPath(name).parts)  # which knows both kinds of slashes


def _is_plain(name: str) -> bool:
    """Return whether a name is that of a file that a person put there: nothing hidden, nothing that a system put beside it."""
    parts = PureWindowsPath(name).parts
    return bool(parts) and not name.endswith(("/", "\\")) and not any(part.startswith((".", "__MACOSX")) for part in parts)
