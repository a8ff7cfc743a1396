"""What takes long to make is made once for all of pytest's processes."""

import contextlib
import pickle

try:
    import fcntl
except ImportError:  # Windows: each process makes its own
    fcntl = None


def made_once(tmp_path_factory, name, make):
    """Return what make() returns, which is pickled for the other processes of this run of pytest."""
    folder = tmp_path_factory.getbasetemp()
    if fcntl is not None and folder.name.startswith("popen-"):  # a process of pytest-xdist has a folder of its own below
        folder = folder.parent
    path = folder / f"{name}.pickle"
    with _locked(path.with_suffix(".lock")):
        if not path.exists():
            path.write_bytes(pickle.dumps(make()))
    return pickle.loads(path.read_bytes())


@contextlib.contextmanager
def _locked(path):
    with path.open("w") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
