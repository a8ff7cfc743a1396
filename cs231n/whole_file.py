"""Writing a file whole: afterwards it has its new content or, if anything went wrong, it is as it was before."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = ".part-"  # of the folder in which a file is written; only a crash of the whole process leaves one behind


class NotWritten(OSError):
    """A file could not be written; the message says which and why.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    error : OSError
        What the system said; `errno` is taken from it.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{path} could not be written: {error.strerror or error}. What was there before is still there.")
        self.errno = error.errno


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], durable: bool = False) -> Iterator[Path]:
    """Write a file in a `with` block, which gets a temporary path to write to; the file is replaced when the block ends.

    To verify what was written, read it back inside the block and raise an OSError if it is not what it should be. An exception
    in the block, KeyboardInterrupt included, leaves the file as it was and removes the temporary one.

    Parameters
    ----------
    path : str or os.PathLike
        The file to replace, or to make. Folders above it are made.
    durable : bool
        Whether to wait until the new content is on the disk before it replaces the old one.

    Yields
    ------
    pathlib.Path
        Where to write: a file of the same name, on the same disk, which does not exist yet.

    Raises
    ------
    NotWritten
        For each OSError, in the block or around it.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=PREFIX, ignore_cleanup_errors=True) as folder:
            whole = Path(folder) / path.name
            yield whole
            if durable:
                _wait_for_disk(whole)
            os.replace(whole, path)
    except OSError as error:
        raise NotWritten(path, error) from error


def write_whole(path: str | os.PathLike[str], content: str | bytes, durable: bool = False) -> None:
    """Write a text or bytes into a file.

    Parameters
    ----------
    path : str or os.PathLike
        The file to replace, or to make. Folders above it are made.
    content : str or bytes
        A text is written as UTF-8, with its line ends as they are. Half a character, as file names may hold it, is written so
        that it can be read back with `errors="surrogatepass"`.
    durable : bool
        Whether to wait until the new content is on the disk before it replaces the old one.

    Raises
    ------
    NotWritten
        If the file cannot be written; it is then as it was before.
    """
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    with replacing(path, durable) as whole:
        whole.write_bytes(raw)


def _wait_for_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
