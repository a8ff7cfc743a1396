"""What a sandbox's process is started with, and the process that imports PyTorch once and forks the sandboxes of a run.

PyTorch is not imported here: the command `grade` starts a Launcher before it imports PyTorch itself.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from ...datasets import record_of, sources
from ...kit import ROOT
from ..release.package import package_without
from ..release.solutions import marked_functions
from .inside import cage
from .inside.messages import Configuration
from .packages import student_packages

NOT_STARTED = "The process that runs submissions could not be started; its message, if any, is above."


class Failed(Exception):
    """The sandbox could not be set up, or a job could not be started in it. That is never a submission's doing."""


class Launcher:
    """A process that imports PyTorch once, in an edition without solutions, and forks sandboxes from then on. Close it after use.

    It runs nothing of any submission, and a sandbox that it has forked has a session, a socket, a folder and a user of its own.
    It ends when all its sandboxes have ended, and they end with it.

    Attributes
    ----------
    folder : Path
        Holds the edition and the packages, which the sandboxes share.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """folder: where to make its own; the temporary folder by default. Raises Failed with a sentence if it cannot be made."""
        self._asked = False
        self.folder = new_folder(folder)
        with undone(self.close, self.folder):
            set_up(self.folder)
            scratch = self.folder / "scratch"  # for what PyTorch puts there while it is imported
            scratch.mkdir()
            self._control, theirs = socket_pair()
            self._process = started("launching", theirs, self.folder, scratch)

    def fork(self, control: socket.socket) -> None:
        """Have it fork a sandbox, as soon as it can, which is controlled through the other end of this socket. Closes `control`.

        Raises OSError if it has ended.
        """
        self._asked = True
        with control:
            socket.send_fds(self._control, [b"sandbox"], [control.fileno()])

    def let_go(self) -> None:
        """Have it fork no more sandboxes than it was asked for."""
        self._control.close()

    def close(self) -> None:
        """End it. Sandboxes that are still there are ended with it."""
        if hasattr(self, "_control"):
            self._control.close()
        if hasattr(self, "_process"):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10 if self._asked else 0)
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Launcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def new_folder(folder: Path | None) -> Path:
    """Return a new temporary folder, which others can look into. folder: where; None for the usual place. Raises Failed."""
    try:
        made = Path(tempfile.mkdtemp(prefix="grading-", dir=folder))
    except OSError as error:
        raise Failed(f"There is no temporary folder to work in ({error}). Name one in the variable TMPDIR.") from None
    made.chmod(0o755)
    return made


@contextlib.contextmanager
def undone(close: Callable[[], None], folder: Path) -> Iterator[None]:
    """Call `close` if what is done meanwhile fails. An OSError becomes a Failed, with a sentence on the folder's disk.

    Unless it is of a socket: then a process that was being started has ended before it was told what to do.
    """
    try:
        yield
    except BaseException as error:
        close()
        if isinstance(error, ConnectionError):
            raise Failed(NOT_STARTED) from None
        if isinstance(error, OSError):
            raise Failed(
                f"The sandbox could not be made in {folder.parent} ({error.strerror or error}). Make room there, or name another "
                "folder in the variable TMPDIR."
            ) from None
        raise


def set_up(folder: Path) -> None:
    """Put the edition and the packages into a folder: the package without solutions, and links to what students may import."""
    _copy_without_solutions(folder / "edition")
    (folder / "packages").mkdir()
    for name, path in student_packages(ROOT / "requirements.txt").items():
        (folder / "packages" / name).symlink_to(path)
    cage.close_to_others()


def configuration(ground: Path, scratch: Path, user: int) -> Configuration:
    """Return the Configuration of a sandbox. ground: a folder as set_up() leaves it."""
    folders = _pythons_folders()
    return Configuration(
        folders=[*folders, str(ground / "edition")],
        packages=str(ground / "packages"),
        hidden=[str(ROOT), *_package_folders(folders)],
        scratch=str(scratch),
        user=user,
    )


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return two ends, of which each message arrives whole where the system has that."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_STREAM)


def started(module: str, theirs: socket.socket, ground: Path, scratch: Path) -> subprocess.Popen[bytes]:
    """Start a Python in which main() of a module in the folder inside/ is given a socket, which is closed here.

    ground: a folder as set_up() leaves it. scratch: where temporary files go.
    """
    edition, packages = str(ground / "edition"), str(ground / "packages")
    code = (
        f"import sys; sys.path[:0] = [{edition!r}]; sys.path += [{packages!r}]\n"
        "from cs231n.instructor.sandbox.inside.cage import end_with_parent; end_with_parent()\n"  # main() does so by itself
        "import socket\n"
        "from cs231n.instructor.sandbox.inside.quick_start import import_torchvision; import_torchvision()\n"
        f"from cs231n.instructor.sandbox.inside.{module} import main\n"
        f"main(socket.socket(fileno={theirs.fileno()}))"
    )
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # no other variable: /proc/self/environ shows them to submissions where there is a /proc
    own = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    own["TMPDIR"] = str(scratch)  # what PyTorch and Matplotlib put there, and where submissions, which inherit it, may write
    more = {"USER": "student", "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg"}  # PyTorch asks who it is; not all have a name
    # One arena for all threads: what a student's function takes in its thread is memory that is there, not new memory.
    more["GLIBC_TUNABLES"] = "glibc.malloc.arena_max=1"
    with theirs:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", code],  # -S: what .pth files lead to is not for submissions
            pass_fds=[theirs.fileno()],
            env={**own, **threads, **more},
            cwd=ground,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the grader, which ends this process
        )


def _copy_without_solutions(folder: Path) -> None:
    """Copy the package as the sandbox's process imports it: what students have, and of the instructor's the folder inside/."""
    for name, content in _files_without_solutions().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    _copy_weights(folder / "datasets")


@cache
def _files_without_solutions() -> dict[str, bytes]:
    files = package_without(marked_functions(ROOT), ROOT)
    inside = Path(cage.__file__).parent
    packages = [ROOT / "cs231n" / "instructor" / "__init__.py", inside.parent / "__init__.py"]
    return files | {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in (*packages, *inside.glob("*.py"))}


def _copy_weights(folder: Path) -> None:
    """Copy the network's weights, with what they are verified by; a link would lead to the kit."""
    folder.mkdir()
    given = ROOT / "datasets"
    weights = [name for name in sources(given)["weights"].holds if (given / name).is_file()]
    records = [name for name in (str(record_of(name)) for name in weights) if (given / name).is_file()]
    for name in ("sources.json", *weights, *records):
        shutil.copyfile(given / name, folder / name)


def _pythons_folders() -> list[str]:
    """Return the folders of Python's own modules and libraries, without those of installed packages."""
    libraries = [Path(sys.base_prefix) / name for name in ("lib", "lib64")]
    base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}  # a virtual environment's own hold packages alone
    modules = [sysconfig.get_path(name, vars=base) for name in ("stdlib", "platstdlib")]
    return sorted({str(path) for path in (*libraries, *map(Path, modules)) if path.is_dir()})


def _package_folders(folders: Iterable[str]) -> list[str]:
    """Return the folders of installed packages that lie within `folders` or where the system has its libraries."""
    kinds = ("site-packages", "dist-packages")
    found = {path for folder in map(Path, (*folders, *cage.SYSTEM)) for kind in kinds for path in folder.glob(f"python3*/{kind}")}
    return sorted(map(str, found | {Path(folder, kind) for folder in folders for kind in kinds}))
