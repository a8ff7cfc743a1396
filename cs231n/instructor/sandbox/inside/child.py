"""The process in which submissions run. It is started once for each worker, and forks a fresh process for every job.

    grader's worker -> this process -> (A: waits, in the outer namespaces) -> (B: sets the cage up) -> C: reads or runs

This process holds no expectation, no seed and no solution: the package that it imports is a copy without them. C gets its
inputs through a socket, and whatever it answers is verified by the worker. If A or B ends, so does all that C left behind.
"""

import base64
import contextlib
import itertools
import json
import os
import pickle
import resource
import select
import shutil
import signal
import socket
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from .... import checks, student_code
from ....checks import guard, student_file
from ....checks.report import Report
from ....squeezenet import load_squeezenet
from . import cage
from .reading import outline
from .wire import BadMessage, receive, send

MEMORY = 1024 * 2**20  # bytes for each process of a submission, on top of what PyTorch has mapped
MEMORY_IN_ALL = 1536 * 2**20
PROCESSES = 24  # and threads
OF_OTHERS = 512  # that the user may start meanwhile, where Linux counts these, too
REFUSED = 119  # exit code of a job whose cage could not be set up
LARGEST = 4_000_000  # numbers of a tensor that are sent back


def main(control):
    """Serve jobs until the other side of the socket `control` is closed.

    The first message is the configuration: {"folders", "packages", "hidden": what submissions see of the disk and what not, as
    cage.small_disk takes it, "scratch": folder, "user": number or None}.
    """
    configuration = json.loads(control.recv(2**18))
    cage.end_with_parent(False)  # it will clean up first
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with contextlib.suppress(OSError):
        cage.adopt_orphans()
    cage.close_to_others()
    checks.fingerprints.stored()
    network = without_dropout(load_squeezenet(device="cpu"))
    configuration["mapped"] = cage.mapped()
    protections = _possible(configuration)
    edition = Path(checks.__file__).parents[2]
    before = None if "small-disk" in protections else _state(edition)
    with contextlib.suppress(OSError):
        control.send(json.dumps(sorted(protections)).encode())
    while True:
        message, descriptors = _received(control)
        if not message:
            break
        if message == b"end":  # of a job that had ended by itself when this was sent
            continue
        job = json.loads(message)
        code, started = _supervised(job, descriptors, configuration, protections, control, network)
        spoiled = before is not None and _state(edition) != before
        with contextlib.suppress(OSError):  # the worker was killed: the next look finds the socket closed
            control.send(json.dumps({"code": code, "started": started, "spoiled": spoiled}).encode())
    shutil.rmtree(Path(configuration["scratch"]).parent, ignore_errors=True)  # the worker may have been killed


def _received(control):
    """Return the next message and its file descriptors; no message if the other side is closed, or was killed."""
    try:
        message, descriptors, *_ = socket.recv_fds(control, 4096, 2)
    except ConnectionResetError:  # killed before it had read what was sent to it
        return b"", []
    return message, descriptors


def _state(folder):
    """Return what tells whether a file below a folder has been changed, added or removed."""
    return {
        (path, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        for path in folder.rglob("*")
        for found in (path.lstat(),)
    }


# The cage


def _possible(configuration):
    """Return the names of the protections that this machine allows, each one tried in a process of its own."""
    found = {"limits"}
    with contextlib.suppress(OSError):
        cage.adopt_orphans()
        found.add("clean-up")
    for name in ("no-network", "small-disk", cage.CLOSED_DISK, "own-processes", "few-calls", "other-user"):
        if name == cage.CLOSED_DISK and "small-disk" in found:
            continue
        needed = {name, *(found & {"small-disk"})} if name == "other-user" else {name}
        pid = os.fork()
        if pid == 0:
            code = REFUSED
            with contextlib.suppress(BaseException):
                code = _in_cage(_python_is_there, configuration, needed)
            os._exit(code)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
            found.add(name)
    return found | ({"clean-up"} if "own-processes" in found else set())


def _python_is_there():
    """Return 0 if this process can read Python's own files and the packages', which may lie below a folder closed to others."""
    return 0 if all(os.access(module.__file__, os.R_OK) for module in (os, torch, checks)) else REFUSED


def _in_cage(work, configuration, protections):
    """Run `work` in a new process (C) within the cage; return its exit code. This process (A) waits for B, B for C."""
    names = {
        *(["net", "ipc"] if "no-network" in protections else []),
        *(["mount"] if protections & {"small-disk", "own-processes"} else []),
        *(["pid"] if "own-processes" in protections else []),
    }
    configuration = {**configuration, "processes": _most_processes(protections, names)}
    if names:
        cage.separate(names)
    cage_builder = os.fork()
    if cage_builder:
        return _exit_code(cage_builder)
    code = REFUSED
    try:
        cage.end_with_parent()
        if "small-disk" in protections:
            cage.small_disk(*_disk(configuration))
        elif "own-processes" in protections:
            cage.own_processes()
        inmate = os.fork()
        if inmate == 0:
            _run(work, configuration, protections)
        code = _exit_code(inmate)
    finally:
        os._exit(code)


def _disk(configuration):
    return [configuration[name] for name in ("folders", "packages", "hidden", "scratch")]


def _run(work, configuration, protections):
    code = REFUSED
    try:
        if "own-processes" not in protections:
            cage.end_with_parent()
        os.chdir(configuration["scratch"])
        cage.limit(configuration["mapped"] + MEMORY, configuration.get("cpu_seconds", 60), configuration["processes"])
        cage.give_up_rights(configuration["user"] if "other-user" in protections else None)
        if cage.CLOSED_DISK in protections:
            cage.close_disk(*_disk(configuration))
        if "few-calls" in protections:
            cage.refuse_calls()
        if "started" in configuration:
            os.write(configuration["started"], b".")
            os.close(configuration["started"])
        code = work() or 0
    finally:
        os._exit(code)


def _most_processes(protections, namespaces):
    """Return how many processes and threads Linux is to allow the user, counted as it counts them."""
    if "other-user" in protections or (namespaces and os.geteuid() != 0 and cage.counted_by_namespace()):
        return PROCESSES
    tasks = cage.tasks_of_user()
    return None if tasks is None else tasks + OF_OTHERS  # _supervised counts a submission's own


def _exit_code(pid):
    """Wait for a child and return its exit code, 128 + the signal if one ended it."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _supervised(job, descriptors, configuration, protections, control, network):
    """Fork A for a job and watch over it: its time, its memory, its processes, and whether the worker wants it to end.

    Return (its code, whether its cage was set up: what fails before is not the submission's doing).
    """
    deadline, before = time.monotonic() + job["seconds"], _resident(os.getpid())
    started, theirs = os.pipe()
    os.set_blocking(started, False)
    pid = os.fork()
    if pid == 0:
        code = REFUSED
        try:
            control.close()
            cage.end_with_parent()
            os.setsid()
            here = {**configuration, "cpu_seconds": job["cpu_seconds"], "started": theirs}
            code = _in_cage(lambda: _serve(descriptors, configuration, network), here, protections)
        finally:
            os._exit(code)
    for descriptor in (theirs, *descriptors):
        os.close(descriptor)
    code, looked = None, time.monotonic()
    while code is None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            break
        wanted, _, _ = select.select([control], [], [], 0.01)
        if wanted:
            if not control.recv(16):
                _end(pid)
                break
            code = -1
        elif time.monotonic() > deadline:
            code = -2
        elif time.monotonic() > looked + 0.2:
            looked = time.monotonic()
            below = _descendants(pid)
            if _taken(below, before) > MEMORY_IN_ALL:
                code = -3
            elif sum(map(_tasks, below)) > PROCESSES + 2:  # this process's own: A, B
                code = -4
    _end(pid)
    if "small-disk" not in protections:
        _empty(Path(configuration["scratch"]))
    with os.fdopen(started, "rb") as file:
        return code, bool(file.read(1))


def _end(pid):
    """End a process, its group and its descendants, and whatever of them has become a child of this process."""
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    while True:
        for child in _descendants(os.getpid()):
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _descendants(pid):
    """Return the numbers of all processes below one, by /proc; none where there is no /proc."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found, more = set(), {pid}
    while more:
        more = {child for child, parent in parents.items() if parent in more} - found
        found |= more
    return found


def _resident(pid):
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return 0


def _tasks(pid):
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/task"))
    return 0


def _taken(pids, before):
    """Return how many bytes of memory processes take besides the `before` that they share with this one."""
    if sum(map(_resident, pids)) < MEMORY_IN_ALL:  # the exact number costs milliseconds
        return 0
    try:
        return sum(map(_share, pids)) - before
    except (OSError, ValueError, IndexError):  # not told to this user, or a process has just ended
        return sum(max(0, _resident(pid) - before) for pid in pids)


def _share(pid):
    """Return the memory of a process, what it shares with n others counted as an n-th."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("\nPss:")[2].split()[0]) * 1024


def _empty(folder):
    for entry in folder.iterdir():
        with contextlib.suppress(OSError):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


# What the inmost process does


def _serve(descriptors, configuration, network):
    """Answer the worker's requests, one after the other, until it closes the socket.

    descriptors: the socket, and the file to be read, if there is one; everything else that is open is closed.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    _close_all_but({0, 1, 2, *descriptors})
    os.environ.clear()
    own = dict.fromkeys(("HOME", "TMPDIR"), configuration["scratch"])
    os.environ.update(own, USER="student", PATH="/usr/bin:/bin", MPLBACKEND="agg")
    connection, *files = descriptors
    connection, student = socket.socket(fileno=connection), _Student(network, files)
    while True:
        try:
            request, _ = receive(connection, 600)
        except BadMessage:
            return 0
        content, arrays = getattr(student, request["do"])(**request["with"])
        send(connection, content, arrays)


def _close_all_but(keep):
    last = resource.getrlimit(resource.RLIMIT_NOFILE)[0] + 4096
    for before, after in itertools.pairwise([*sorted(keep), last]):
        if after > before + 1:  # of an empty range os.closerange(0, 0) makes all there is
            os.closerange(before + 1, after)


class _Student:
    """One student's code in this process: what the worker may ask for."""

    def __init__(self, network, files):
        self.known = {"squeezenet": network}  # what came with earlier requests
        self.files = files
        self.function = None

    def outline(self, name, figures, kit, first):
        """Read the file that came with the job; see reading.outline."""
        with os.fdopen(self.files[0], "rb") as file:
            return outline(name, file.read(), figures, kit, first), []

    def define(self, exercise, parts):
        """Define an exercise from the parts of an outline; return None, or the report of why that is not possible."""
        parts = [student_code.parsed(*part) for part in parts]
        found = student_file.defined(parts, [exercise])[exercise]
        if isinstance(found, Report):
            return _as_json(found), []
        self.function = found
        return None, []

    def own_check(self, exercise):
        """Return what the student's own check says."""
        return _as_json(checks.examine(exercise, self.function)), []

    def call(self, arguments, network, limits, new, watched):
        """Call the function. arguments: numbers, or {"known": name}. network: a name or None.

        new: {name: pickled tensor or network} from the worker. watched: whether SqueezeNet says what it is given.
        """
        if watched:
            watch(self.known["squeezenet"])
        for name, pickled in new.items():
            self.known[name] = pickle.loads(base64.b64decode(pickled))  # from the grader, never from a student
        values = [self.known[a["known"]] if isinstance(a, dict) else a for a in arguments]
        trial = guard.run(self.function, *values, network=self.known.get(network), **limits)
        return _told(trial, {name: value for name, value in self.known.items() if isinstance(value, torch.Tensor)})


def without_dropout(network):
    """Return SqueezeNet so that training mode changes no score: that mode is noticed by itself, and the values can be judged."""
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return network


def watch(network):
    """Have SqueezeNet call its `on_call` with what it is given, as a SmallNetwork does."""
    network.on_call = None
    network.features.register_forward_pre_hook(lambda _, given: network.on_call and network.on_call(given[0], None))


def _as_json(report):
    return {**report.as_json(), "text": report.text(), "evidence": report.evidence}


def _told(trial, tensors):
    """Return a Trial as (JSON, arrays)."""
    arrays = []

    def told(value, deep=True):
        for name, tensor in tensors.items():
            if value is tensor:
                return {"known": name}
        if isinstance(value, torch.Tensor):
            return _told_tensor(value, arrays)
        if isinstance(value, np.ndarray):
            if value.dtype.kind == "f" and value.size < LARGEST:
                arrays.append(np.array(value, dtype="<f8" if value.dtype.itemsize > 4 else "<f4"))
                return {"numpy": len(arrays) - 1}
            return {"numpy_of": [str(value.dtype), list(value.shape)]}
        if isinstance(value, tuple) and deep:
            return {"tuple": [told(element, deep=False) for element in value[:8]]}
        return None if value is None else {"other": type(value).__name__[:80]}

    after = {}
    content = {
        "value": told(trial.value),
        "error": _told_error(trial),
        "calls": trial.calls,
        "changed": sorted(trial.changed),
        "patched": trial.patched[:20],
        "left_behind": trial.left_behind,
        "after": after,
    }
    for name, tensor in tensors.items():
        after[name] = _told_tensor(tensor, arrays)
    content["way"] = [len(arrays), len(trial.way)]
    arrays += [np.asarray(seen, dtype="<f4") for seen in trial.way]
    return content, arrays


def _told_tensor(tensor, arrays):
    shape, dtype = [int(size) for size in tensor.shape], str(tensor.dtype).removeprefix("torch.")
    told = {"tensor": None, "shape": shape, "dtype": dtype}
    if tensor.dtype == torch.long and tensor.numel() < 1000:
        return {**told, "values": tensor.flatten().tolist()}
    if tensor.dtype.is_floating_point and tensor.numel() < LARGEST:
        with contextlib.suppress(Exception):  # sparse, meta, or of a class of its own
            arrays.append(tensor.detach().to("cpu", torch.float64).resolve_neg().numpy())
            told["tensor"] = len(arrays) - 1
    return told


def _told_error(trial):
    error = trial.error
    if error is None:
        return None
    try:
        said = " ".join(str(error).split())[:300]
    except Exception:  # an exception's own text can raise one
        said = ""
    kind = next((kind for kind in ("TimeIsUp", "TooManyCalls") if isinstance(error, getattr(guard, kind))), None)
    kind = "NotImplementedError" if type(error) is NotImplementedError else kind
    return {"kind": kind, "name": type(error).__name__[:80], "said": said, "where": trial.where}
