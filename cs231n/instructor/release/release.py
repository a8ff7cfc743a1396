"""Release the student edition, as a folder and as a zip.

    python -m cs231n.instructor release --out DIR [--course FILE.toml]

Nothing is put into DIR before the edition has proven itself: it holds no solution, it runs, and with the solutions put into
its cells every check is right.
"""

import argparse
import hashlib
import stat
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from .edition import KIT, NAME, draft
from .proofs import require_data, require_no_leaks, require_solutions_right, require_stubs_run, secrets, unpacked
from .solutions import noted

EXECUTABLE = {"get_datasets.sh"}
COMMENT = b"Student edition, made by python -m cs231n.instructor release"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the time of every member of the zip, so that its bytes depend on nothing else


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to an argparse parser."""
    parser.description = "Make the student edition: a folder and a zip, the same bytes every time. Takes about a minute."
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="folder for the edition: new, or of an earlier run"
    )
    parser.add_argument(
        "--kit-url",
        metavar="URL",
        help="address under which you will publish the zip: on Colab the notebook fetches it from there",
    )
    parser.add_argument(
        "--course",
        type=Path,
        metavar="FILE.toml",
        help="what your course changes: title, points, bonus, what is left out, questions of its own",
    )
    parser.add_argument(
        "--github-classroom",
        action="store_true",
        help="put a workflow into the edition with which GitHub Classroom runs the checks after each push, with points",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command; return 0. Raises ValueError or OSError, with a sentence, where the edition cannot be made."""
    archive = release(options.out, options.kit_url, course_file=options.course, github_classroom=options.github_classroom)
    content = archive.read_bytes()
    print(f"{archive.with_suffix('')}/ and {archive}, {len(content) / 1e6:.1f} MB")
    print(f"sha256 {hashlib.sha256(content).hexdigest()}")
    if not options.kit_url:
        print("Without --kit-url the notebook does not know where to fetch the kit on Colab; everywhere else it works.")
    return 0


def release(
    out: Path, kit_url: str | None = None, kit: Path = KIT, course_file: Path | None = None, github_classroom: bool = False
) -> Path:
    """Make the edition in the folder `out`, prove it, and return the path of its zip.

    out: does not exist, is empty, or holds nothing but an edition as an earlier run left it. kit_url: http(s) address.
    kit: folder of the reference. course_file: the course's own file, by default none. github_classroom: whether GitHub
    Classroom's workflow is part of the edition. Raises ValueError, with file and line where
    there is one, if the reference, the course's file or `out` does not allow it or a proof fails; then `out` is as it was.
    """
    out, kit = Path(out).resolve(), Path(kit)
    require_replaceable(out)
    require_data(kit)
    _tell("making the stubs, looking for solutions and model answers in every file")
    made = draft(kit, kit_url, course_file, github_classroom)
    problems = list(made.problems)
    secret: dict[str, str] = {}
    with noted(problems):
        secret = secrets(kit, made.exercises, made.left_out(), made.course.questions)
    require_no_leaks(made.files, secret, made.reference, made.originals(), problems)
    for function in made.left_out():
        _tell(f"leaving out {function.name} ({function.place}), which is not an exercise of this edition")
    exercises, files = made.exercises, made.files
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".release-", dir=out.parent) as folder:
        built = Path(folder) / "edition"
        _write(built, files)
        _require_same(built, files)
        with unpacked(built / f"{NAME}.zip", kit) as root:
            _tell("running all cells of the stub notebook, in a folder with nothing else in it")
            require_stubs_run(root, exercises)
            _tell("running the checks with the solutions in the cells")
            require_solutions_right(root, exercises)
        require_replaceable(out)  # a minute later
        _put_in_place(built, out, Path(folder))
    return out / f"{NAME}.zip"


def _tell(stage: str) -> None:
    print(f"release: {stage} ...", file=sys.stderr, flush=True)


# Folder and zip


def _mode(path: str) -> int:
    return 0o755 if path in EXECUTABLE else 0o644


def _write(built: Path, files: Mapping[str, bytes]) -> None:
    """Write the folder and the zip of an edition into the new folder `built`."""
    built.mkdir()
    # Stored, not compressed: what a compressor makes depends on its version, and the fingerprints are compressed already.
    with zipfile.ZipFile(built / f"{NAME}.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.comment = COMMENT
        for path, content in sorted(files.items()):
            member = zipfile.ZipInfo(f"{NAME}/{path}", LONG_AGO)
            member.create_system, member.external_attr = 3, (stat.S_IFREG | _mode(path)) << 16
            archive.writestr(member, content)
            target = built / NAME / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(_mode(path))


def _require_same(built: Path, files: Mapping[str, bytes]) -> None:
    """Raise OSError unless the folder and the zip in `built` hold the proven files and nothing else."""
    on_disk = {path.relative_to(built / NAME).as_posix(): path for path in (built / NAME).rglob("*") if path.is_file()}
    same = {name: path.read_bytes() for name, path in on_disk.items()} == files
    if not same or _members(built / f"{NAME}.zip") != files:
        raise OSError(f"What was written to {built} is not what was made. Is the disk full? Nothing was released.")


def _members(archive: Path) -> dict[str, bytes]:
    """Return {path: bytes} of a zip that a release made. Raises ValueError for any other file."""
    try:
        with zipfile.ZipFile(archive) as members:
            if members.comment == COMMENT:
                return {name.removeprefix(f"{NAME}/"): members.read(name) for name in members.namelist()}
    except (OSError, zipfile.BadZipFile):
        pass
    raise ValueError(f"{archive} was not made by a release, or it has changed. Name another folder, or move it away.")


def require_replaceable(out: Path) -> None:
    """Raise ValueError unless nothing is lost when the folder `out` is replaced."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ValueError(f"{out} is a file; expected a folder for the edition, a new one for example.")
    there = {path.name for path in out.iterdir()}
    others = sorted(there - {NAME, f"{NAME}.zip"})
    if others:
        raise ValueError(f"{out} holds {', '.join(others[:3])}, which no release has put there. Name another folder.")
    if not there:
        return
    members = _members(out / f"{NAME}.zip")
    for path in sorted((out / NAME).rglob("*")):
        name = path.relative_to(out / NAME).as_posix()
        if path.is_file() and path.parent.name != "__pycache__" and members.get(name) != path.read_bytes():
            raise ValueError(f"{path} is not as the earlier release made it. Name another folder, or move the file away.")


def _put_in_place(built: Path, out: Path, folder: Path) -> None:
    earlier = folder / "earlier"
    if out.exists():
        out.rename(earlier)
    try:
        built.rename(out)
    except OSError:
        if earlier.exists():
            earlier.rename(out)
        raise
