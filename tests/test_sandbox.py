"""The sandbox by itself: what an attacker's review found stays mended. The zoo in test_grading.py tries the rest."""

import resource
import subprocess
import sys

import pytest
import torch
from conftest import ROOT

from cs231n.checks import cases
from cs231n.checks.exam import own_exam
from cs231n.instructor.sandbox import Sandbox, Stopped

CASE = cases.SALIENCY_CASES[0]


@pytest.fixture(scope="module")
def sandbox():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_TOKEN", "xyzzy-4711")
        with Sandbox() as sandbox:
            yield sandbox


def called(sandbox, body):
    """Return the Trial of a compute_saliency_maps with this body."""
    source = "import os, torch\ndef compute_saliency_maps(X, y, model):\n" + "".join(
        f"    {line}\n" for line in body.splitlines()
    )
    with sandbox.job(20, 20) as job:
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
    case = own_exam().grad_cam.main[0]
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


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os._exit(0)", "ended in the midst of the call"),
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


def test_a_sandbox_whose_worker_is_killed_with_replies_unread_ends_without_a_word(tmp_path):
    """The kernel then says "connection reset" where it otherwise says that nothing more comes."""
    code = """
import json, select, socket, sys, threading
sys.path.insert(0, sys.argv[1])
import cs231n
from cs231n.instructor import sandbox_child

ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

def die():
    select.select([ours], [], [])
    ours.close()

ours.send(json.dumps({"folders": [], "packages": sys.argv[2], "hidden": [], "scratch": sys.argv[2], "user": None}).encode())
threading.Thread(target=die).start()
sandbox_child.main(theirs)
"""
    scratch = tmp_path / "of the sandbox" / "scratch"
    scratch.mkdir(parents=True)
    command = [sys.executable, "-c", code, str(ROOT), str(scratch)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert not scratch.parent.exists()
