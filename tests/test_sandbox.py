"""The sandbox by itself: what an attacker's review found stays mended. The zoo in test_grading.py tries the rest."""

import ast
import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import torch
from helpers.limits import HANGS
from helpers.places import ROOT

from cs231n.checks.exam import own_exam
from cs231n.checks.exercises import saliency_maps
from cs231n.instructor.grading.processes import FORKS
from cs231n.instructor.sandbox import launcher as launchers
from cs231n.instructor.sandbox.inside.caged import CLEARED
from cs231n.instructor.sandbox.launcher import Failed, Launcher
from cs231n.instructor.sandbox.sandbox import Sandbox, Stopped

only_forks = pytest.mark.skipif(not FORKS, reason="sandboxes are not forked here")
CASE = saliency_maps.CASES.main[0]


@pytest.fixture(scope="module", params=["a process of its own", pytest.param("forked", marks=only_forks)])
def sandbox(request, tmp_path_factory):
    """A sandbox, made in either way: all that follows has to hold in both."""
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as ends:
        patch.setenv("SECRET_TOKEN", "xyzzy-4711")
        yield ends.enter_context(Sandbox() if request.param != "forked" else forked(ends.enter_context(Launcher()))[0])


def forked(launcher, count=1):
    """Return so many sandboxes that a Launcher has forked."""
    sandboxes = [Sandbox.begun(None, number, launcher) for number in range(count)]
    launcher.let_go()
    for sandbox in sandboxes:
        sandbox.wait()
    return sandboxes


def called(sandbox, body, seconds=20, cpu_seconds=20, **options):
    """Return the Trial of a compute_saliency_maps with this body. options: of the job."""
    source = "import os, torch\ndef compute_saliency_maps(X, y, model):\n" + "".join(
        f"    {line}\n" for line in body.splitlines()
    )
    with sandbox.job(seconds, cpu_seconds, **options) as job:
        assert job.ask("define", exercise="compute_saliency_maps", parts=[["mine.py", source]])[0] is None
        network = CASE.network()
        return job.run(None, CASE.images(), torch.tensor(CASE.target), network, network=network)


def test_a_result_comes_back_as_it_is(sandbox):
    trial = called(sandbox, "model(X)\nreturn X.sum(dim=1)")
    torch.testing.assert_close(trial.value, CASE.images().sum(dim=1))
    assert (trial.calls, trial.changed, trial.error) == (1, set(), None)


def test_what_a_function_changes_is_seen_here(sandbox):
    images, network = CASE.images(), CASE.network()
    source = "def compute_saliency_maps(X, y, model):\n    X.mul_(2)\n"
    with sandbox.job(20, 20) as job:
        job.ask("define", exercise="compute_saliency_maps", parts=[["mine.py", source]])
        job.run(None, images, torch.tensor(CASE.target), network, network=network)
    assert torch.equal(images, 2 * CASE.images())


def test_what_a_call_changes_back_is_seen_here_as_well(sandbox):
    network, X = CASE.network(), CASE.images()
    given = X.clone()
    source = "def compute_saliency_maps(X, y, model):\n    X.mul_(-1)\n    return X"
    with sandbox.job(20, 20) as job:
        job.ask("define", exercise="compute_saliency_maps", parts=[["mine.py", source]])
        for sign in (-1, 1, -1):
            job.run(None, X, torch.tensor(CASE.target), network, network=network)
            assert torch.equal(X, sign * given)


def test_a_function_that_takes_no_network_is_called_with_all_its_tensors_and_what_it_changes_is_seen(sandbox):
    body = "    angles.zero_()\n    return images * scales.view(-1, 1, 1, 1)\n"
    source = "def transform_images(images, angles, scales, shifts):\n" + body
    images, angles, scales, shifts = torch.rand(2, 3, 4, 4), torch.ones(2), torch.tensor([2.0, 3.0]), torch.rand(2, 2)
    with sandbox.job(20, 20) as job:
        assert job.ask("define", exercise="transform_images", parts=[["mine.py", source]])[0] is None
        trial = job.run(None, images, angles, scales, shifts, network=None)
    torch.testing.assert_close(trial.value, images * torch.tensor([2.0, 3.0]).view(2, 1, 1, 1))
    assert (trial.error, angles.tolist()) == (None, [0, 0])


def test_the_parts_of_a_network_can_be_called_by_themselves_as_grad_cam_does(sandbox):
    case = own_exam().of("grad_cam").main[0]
    network, images = case.network(), case.images()
    source = "def compute_grad_cam_maps(X, y, model):\n    return model.classifier(model.features(X)).flatten(1)\n"
    with sandbox.job(20, 20) as job:
        job.ask("define", exercise="compute_grad_cam_maps", parts=[["mine.py", source]])
        trial = job.run(None, images, torch.tensor(case.target), network, network=network)
    assert trial.error is None
    torch.testing.assert_close(trial.value, network(images))


def test_a_student_finds_the_package_as_it_is_in_the_student_edition(sandbox):
    look = "from cs231n import attribution\nraise ValueError([name for name in vars(attribution) if name.startswith('compute')])"
    assert str(called(sandbox, look).error) == "['compute_guided_backpropagation_maps']"


def test_a_stray_word_to_end_a_job_ends_nothing(sandbox):
    sandbox._control.send(b"end")
    assert called(sandbox, "return X.sum(dim=1)").error is None


def test_tensors_that_are_huge_on_paper_take_no_memory_here(sandbox):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for change in ("y.data = torch.zeros((), dtype=torch.long).expand(10**10)", "X.data = torch.zeros(()).expand(10**10)"):
        called(sandbox, change)
    called(sandbox, "return torch.zeros(()).expand(10**10)")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_the_instructors_environment_is_not_to_be_found(sandbox):
    look = (
        "import ctypes\n"
        "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"  # PR_SET_DUMPABLE: its own environ can be read again
        "found = str(dict(os.environ))\n"
        "for number in os.listdir('/proc') if os.path.isdir('/proc') else ():\n"
        "    try:\n"
        "        found += open(f'/proc/{number}/environ').read()\n"
        "    except OSError:\n"
        "        pass\n"
        "raise ValueError('seen' if 'xyzzy' in found else 'nothing')"
    )
    assert str(called(sandbox, look).error) == "nothing"


def test_nothing_is_left_for_the_next_job(sandbox):
    called(sandbox, "open('note', 'w').write('for you')\nreturn X")
    assert str(called(sandbox, "raise ValueError(os.listdir())").error) == "[]"


def needs(sandbox, name):
    if name not in sandbox.protections:
        pytest.skip(f"this machine does not allow {name}")


def seen(sandbox, body, **options):
    """Return the text of the ValueError that a function with this body raises. options: of the job."""
    error = called(sandbox, body, **options).error
    assert type(error).__name__ == "ValueError", error
    return str(error)


# The cage of the job before

PROCESS = "raise ValueError(os.getpid())"  # in a new cage always the same number, later ones in one that is used again
LEAVES_ALL = """
open('note', 'w').write('for you')
os.makedirs('a/b')
os.symlink('/', 'a/root')
os.chmod('a', 0)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import time
        time.sleep(300)
    os._exit(0)
return X
"""
OTHERS = """
import threading
own = {os.getpid(), *(thread.native_id for thread in threading.enumerate())}
found = []
for number in range(2, 200):
    try:
        os.kill(number, 0)
        found.append(number)
    except ProcessLookupError:
        pass
raise ValueError((os.listdir(), [number for number in found if number not in own], os.getpid()))
"""


def test_a_job_of_the_same_submission_finds_the_cage_and_nothing_of_the_job_before(sandbox):
    for name in CLEARED:
        needs(sandbox, name)
    first = int(seen(sandbox, PROCESS))
    assert called(sandbox, LEAVES_ALL).error is None
    files, processes, own = ast.literal_eval(seen(sandbox, OTHERS, same_cage=True))
    assert (files, processes) == ([], [])
    assert own > first
    assert called(sandbox, "open('note', 'w').write('for you')\nreturn X", same_cage=True).error is None


def test_a_job_of_another_submission_never_finds_a_cage_that_was_used(sandbox):
    needs(sandbox, "own-processes")
    first = seen(sandbox, PROCESS)
    assert called(sandbox, "return X", same_cage=True).error is None
    assert seen(sandbox, PROCESS) == first


@pytest.mark.parametrize("body", ["os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_after_a_job_that_ends_too_early_the_next_one_of_the_submission_runs(sandbox, body):
    with pytest.raises(Stopped):
        called(sandbox, body)
    assert called(sandbox, "return X", same_cage=True).error is None


def test_after_a_job_that_was_stopped_the_next_one_of_the_submission_has_a_new_cage(sandbox):
    needs(sandbox, "own-processes")
    first = seen(sandbox, PROCESS)
    with pytest.raises(Stopped, match="after 1 seconds"):
        called(sandbox, "while True:\n    pass", seconds=1)
    assert seen(sandbox, PROCESS, same_cage=True) == first


def test_the_limits_of_a_job_are_its_own_in_the_cage_of_another(sandbox):
    look = "import resource\nraise ValueError(resource.getrlimit(resource.RLIMIT_CPU)[0])"
    assert seen(sandbox, look) == "20"
    assert seen(sandbox, look, cpu_seconds=7, same_cage=True) == "7"


def test_of_the_system_it_sees_libraries_and_neither_people_nor_processes_nor_programs(sandbox):
    needs(sandbox, "small-disk")
    look = (
        "found = [path for path in ('/etc/passwd', '/etc/hosts', '/etc/hostname', '/etc/machine-id', '/proc/self/mountinfo',\n"
        "    '/proc/self/environ', '/usr/bin', '/usr/share', '/usr/src', '/bin', '/home', '/var', '/dev/zero', '/dev/shm')\n"
        "    if os.path.exists(path)]\n"
        "raise ValueError(found)"
    )
    assert seen(sandbox, look) == "[]"


def test_no_file_of_the_edition_leads_to_the_kit_and_the_kit_is_not_there(sandbox):
    needs(sandbox, "small-disk")
    look = (
        "import cs231n, sys\n"
        "edition = os.path.dirname(os.path.dirname(cs231n.__file__))\n"
        "links = [name for folder, inner, names in os.walk(edition) for name in inner + names\n"
        "    if os.path.islink(os.path.join(folder, name))]\n"
        f"kit = [path for path in ({str(ROOT)!r}, {str(ROOT / 'datasets')!r}) if os.path.exists(path) and os.listdir(path)]\n"
        f"told = [path for path in sys.path + [sys.prefix] if path.startswith({str(ROOT)!r})]\n"
        "raise ValueError([links, kit, told])"
    )
    assert seen(sandbox, look) == "[[], [], []]"


@pytest.mark.parametrize(
    "name", ["captum", "nbgrader", "scipy", "cs231n.instructor.exercises.exam", "cs231n.net_visualization_pytorch"]
)
def test_what_is_not_for_students_cannot_be_imported(sandbox, name):
    needs(sandbox, "small-disk")
    assert type(called(sandbox, f"import {name}").error).__name__ == "ModuleNotFoundError"


def test_what_students_need_can_be_imported_while_the_function_runs(sandbox):
    look = "import sympy, networkx, imageio, matplotlib.pyplot, torchvision.transforms.v2, h5py\nraise ValueError('all there')"
    assert seen(sandbox, look) == "all there"


def test_it_can_use_temporary_files_where_it_may_write(sandbox):
    look = (
        "import tempfile\n"
        "with tempfile.TemporaryFile() as file:\n"
        "    file.write(b'x')\n"
        "raise ValueError(os.path.samefile(tempfile.gettempdir(), os.getcwd()))"
    )
    assert seen(sandbox, look) == "True"


def test_memory_that_no_process_shows_is_refused_and_other_memory_is_not(sandbox):
    needs(sandbox, "few-calls")
    look = "import mmap\nmmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)[0] = 1\nmmap.mmap(-1, 4096)\n"
    error = called(sandbox, look).error
    assert type(error).__name__ == "PermissionError"
    assert type(called(sandbox, look.rpartition("mmap.mmap")[0]).error).__name__ == "NoneType"


@pytest.mark.parametrize("kind", [0x10000000, 0x20000, 0x40000000], ids=["user", "mount", "net"])
def test_no_namespace_of_its_own_by_clone_and_a_thread_all_the_same(sandbox, kind):
    needs(sandbox, "few-calls")
    number = {"x86_64": 56, "aarch64": 220}
    look = (
        "import ctypes, platform, threading\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"pid = libc.syscall({number}[platform.machine()], {kind} | 17, 0, 0, 0, 0)\n"
        "if pid == 0:\n"
        "    os._exit(0)\n"
        "refused = ctypes.get_errno()\n"
        "thread = threading.Thread(target=int)\n"
        "thread.start()\n"
        "raise ValueError([pid, refused])"
    )
    assert seen(sandbox, look) == str([-1, errno.EPERM])


FORGED = """\
import json, socket, struct, time
size = 5_000_000
content = {{"value": {value}, "error": None, "calls": 1, "changed": [], "patched": [], "left_behind": False}}
content |= {{"after": {{}}, "way": {way}}}
text = json.dumps({{"content": content, "arrays": [["<f4", [size]]]}}).encode()
for number in range(3, 64):
    try:
        connection = socket.socket(fileno=os.dup(number))
        connection.settimeout(5)
        connection.sendall(struct.pack(">QQ", len(text), 4 * size) + text + bytes(4 * size))
    except OSError:
        continue
time.sleep(3)
"""
ARRAY = '{"tensor": 0, "shape": [size], "dtype": "float64"}'


@pytest.mark.parametrize(
    ("value", "way", "taken"),
    [
        (ARRAY, "[0, 0]", True),
        (f'{{"tuple": [{ARRAY}] * 75}}', "[0, 0]", False),
        (f'{{"tuple": [{ARRAY}, {{"numpy": 0}}]}}', "[0, 0]", False),
        (ARRAY, "[0, 1]", False),
    ],
    ids=["once", "75 times", "as two kinds", "also as what the network was given"],
)
def test_an_array_of_an_answer_can_be_named_once(sandbox, value, way, taken):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if taken:
        assert called(sandbox, FORGED.format(value=value, way=way)).value.shape == (5_000_000,)
    else:
        with pytest.raises(Stopped, match="not in the agreed format"):
            called(sandbox, FORGED.format(value=value, way=way))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB


@pytest.mark.long
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os._exit(0)", "ended during the call"),
        ("os.kill(os.getpid(), 11)", "signal 11"),
        ("import time\ntime.sleep = None\nwhile True: [0] * 10**6", None),
    ],
)
def test_a_process_that_ends_is_told_and_the_next_job_runs(sandbox, body, said):
    if said:
        with pytest.raises(Stopped, match=said):
            called(sandbox, body)
    else:
        assert called(sandbox, body).error is not None
    assert called(sandbox, "return X").error is None


def test_calls_into_the_kernel_that_it_has_no_use_for_are_refused(sandbox):
    if "few-calls" not in sandbox.protections:
        pytest.skip("this machine's kernel or architecture has no filter for system calls that we know")
    assert "PermissionError" in type(called(sandbox, "os.memfd_create('x')").error).__name__


@pytest.mark.long
def test_a_sandbox_whose_worker_is_killed_with_replies_unread_ends_without_a_word(tmp_path):
    """The kernel then says "connection reset" where it otherwise says that nothing more comes."""
    code = """
import json, select, socket, sys, threading
sys.path.insert(0, sys.argv[1])
import cs231n
from cs231n.instructor.sandbox.inside import child

ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

def die():
    select.select([ours], [], [])
    ours.close()

ours.send(json.dumps({"folders": [], "packages": sys.argv[2], "hidden": [], "scratch": sys.argv[2], "user": None}).encode())
threading.Thread(target=die).start()
child.main(theirs)
"""
    scratch = tmp_path / "of the sandbox" / "scratch"
    scratch.mkdir(parents=True)
    command = [sys.executable, "-c", code, str(ROOT), str(scratch)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS)
    assert (done.returncode, done.stderr) == (0, "")
    assert not scratch.parent.exists()


# What fails in the sandbox itself


def test_a_job_that_the_sandbox_cannot_start_is_its_own_failure_and_no_submissions():
    with Sandbox() as own:
        needs(own, "small-disk")
        shutil.rmtree(own._folder / "scratch")
        with pytest.raises(Failed, match="could not be started"):
            called(own, "return X")


@pytest.mark.parametrize("code", [119, 0, 1])
def test_an_exit_code_of_a_submissions_choice_is_its_own_doing(sandbox, code):
    with pytest.raises(Stopped, match="ended during the call"):
        called(sandbox, f"os._exit({code})")


def test_a_full_temporary_folder_is_named_and_nothing_is_left_in_it(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(launchers.shutil, "copyfile", full)
    with pytest.raises(Failed, match=f"{tmp_path}.*No space left on device.*TMPDIR"):
        Sandbox()
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_folder_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(Failed, match="TMPDIR"):
        Sandbox()


@pytest.mark.long
def test_a_sandbox_that_does_not_start_is_a_failure_and_leaves_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(launchers, "student_packages", lambda _: {})
    with pytest.raises(Failed, match="could not be started"):
        Sandbox()
    assert "No module named" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


# Sandboxes that one process has forked


@pytest.fixture
def two(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Launcher() as launcher, contextlib.ExitStack() as ends:
        pair = forked(launcher, 2)
        for sandbox in pair:
            ends.callback(sandbox.close)
        yield launcher, *pair


def processes_of(launcher):
    """Return the process ids of a launcher and of the sandboxes that it has forked."""
    pid = launcher._process.pid
    return pid, [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@only_forks
def test_forked_sandboxes_share_no_session_socket_folder_or_user(two):
    launcher, *pair = two
    pid, children = processes_of(launcher)
    assert len(children) == 2
    assert len({os.getsid(0), *map(os.getsid, (pid, *children))}) == 4
    sockets = [
        {link for entry in Path(f"/proc/{child}/fd").iterdir() if (link := str(entry.readlink())).startswith("socket:")}
        for child in (pid, *children)
    ]
    assert [len(of_one) for of_one in sockets] == [0, 1, 1], "each has its own, and the launcher none of theirs"
    assert len(set.union(*sockets)) == 2
    scratches = {str(sandbox._folder / "scratch") for sandbox in pair}
    assert {Path(f"/proc/{child}/cwd").readlink() for child in children} == {sandbox._folder for sandbox in pair}
    assert {str(called(sandbox, "raise OSError(os.environ['TMPDIR'])").error) for sandbox in pair} == scratches
    users = [called(sandbox, "raise OSError(str(os.getuid()))").error for sandbox in pair]
    if "other-user" in pair[0].protections:
        assert len(set(map(str, users))) == 2


@only_forks
def test_what_one_forked_sandbox_writes_or_remembers_the_other_does_not_have(two):
    _, first, second = two
    needs(first, "small-disk")
    look = "import sys\nraise OSError(str([hasattr(torch, 'left'), os.listdir(os.environ['TMPDIR'])]))"
    with first.job(20, 20) as job:
        source = (
            "import os, time, torch\ndef compute_saliency_maps(X, y, model):\n    torch.left = 1\n"
            "    open(os.environ['TMPDIR'] + '/mine', 'w').close()\n    return X\n"
        )
        assert job.ask("define", exercise="compute_saliency_maps", parts=[["mine.py", source]])[0] is None
        network = CASE.network()
        assert job.run(None, CASE.images(), torch.tensor(CASE.target), network, network=network).error is None
        assert str(called(second, look).error) == "[False, []]"
    assert str(called(first, look).error) == "[False, []]"


@only_forks
def test_a_forked_sandbox_reports_what_one_of_its_own_process_does(two):
    with Sandbox() as own:
        assert [sandbox.protections for sandbox in two[1:]] == [own.protections] * 2


@only_forks
def test_one_forked_sandbox_that_is_closed_ends_and_the_other_goes_on(two):
    launcher, first, second = two
    first.close()
    assert not first._folder.exists()
    assert _ended_soon(lambda: len(processes_of(launcher)[1]) == 1)
    assert called(second, "return X").error is None


@only_forks
def test_with_a_launcher_that_is_killed_its_sandboxes_end(two):
    launcher, *_ = two
    _, children = processes_of(launcher)
    launcher._process.kill()
    assert _ended_soon(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


@only_forks
def test_a_launcher_ends_with_its_last_sandbox_and_leaves_nothing(two, tmp_path):
    launcher, *pair = two
    for sandbox in pair:
        sandbox.close()
    assert launcher._process.wait(HANGS) == 0
    assert list(tmp_path.iterdir()) == []


@only_forks
def test_a_launcher_that_is_not_asked_for_anything_ends_at_once(tmp_path):
    with Launcher(tmp_path) as launcher:
        assert launcher._process.poll() is None
    assert launcher._process.poll() is not None
    assert list(tmp_path.iterdir()) == []


@only_forks
def test_a_sandbox_whose_launcher_has_ended_is_a_failure(tmp_path):
    with Launcher(tmp_path) as launcher:
        launcher._process.kill()
        launcher._process.wait()
        with pytest.raises(Failed, match="could not be started"):
            Sandbox.begun(tmp_path, 0, launcher).wait()


def _ended_soon(has_ended):
    deadline = time.monotonic() + HANGS
    while not has_ended() and time.monotonic() < deadline:
        time.sleep(0.05)
    return has_ended()
