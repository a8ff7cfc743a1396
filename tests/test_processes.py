"""Processes of the grader: how many there are, what they share, and that what begins ahead is used."""

import dataclasses
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from helpers import zoo
from helpers.limits import HANGS
from helpers.places import ROOT

from cs231n.instructor.exercises.exam import LATER, exam_of
from cs231n.instructor.grading import grading, kept_exam, worker
from cs231n.instructor.grading.pool import started_ahead
from cs231n.instructor.grading.processes import FORKS, in_processes, not_interrupted, processors
from cs231n.instructor.reports import writing
from cs231n.instructor.sandbox.inside.watching import descendants
from cs231n.instructor.sandbox.sandbox import Sandbox

only_forks = pytest.mark.skipif(not FORKS, reason="workers are forks on Linux only")


def _own_number(_):
    return os.getpid()


@only_forks
def test_work_is_done_in_other_processes_even_in_one():
    found = dict(in_processes(_own_number, ["a", "b", "c"], 2))
    assert sorted(found) == ["a", "b", "c"]
    assert os.getpid() not in found.values()
    assert len(set(found.values())) <= 2
    ((_, number), (_, same)) = in_processes(_own_number, ["a", "b"], 1)
    assert number == same != os.getpid()
    assert list(in_processes(_own_number, [], 2)) == []


def _fails(item):
    raise ArithmeticError(f"It failed on {item}.")


@only_forks
def test_what_fails_in_another_process_is_raised_here():
    with pytest.raises(ArithmeticError, match="It failed on b"):
        list(in_processes(_fails, ["b", "b"], 2))


GROWING = """
import os, time, warnings
from cs231n.instructor.grading.processes import in_processes


def grows(item):
    vars(os).setdefault("kept", []).append(bytearray(b"x") * 200_000_000)  # in a module: this function's own names are copied
    time.sleep(1.1)  # how long memory goes unlooked at
    return os.getpid()


warnings.simplefilter("error")  # as in a test of pytest's, or where somebody has asked Python for it
found = dict(in_processes(grows, list(range(8)), 2))
print(sorted(found), len(set(found.values())) > 2)
"""


@only_forks
def test_a_process_that_has_grown_is_replaced_without_a_word_and_all_work_is_done():
    done = subprocess.run([sys.executable, "-c", GROWING], cwd=ROOT, capture_output=True, text=True, timeout=HANGS)
    assert done.stdout == "[0, 1, 2, 3, 4, 5, 6, 7] True\n", done.stderr
    assert done.stderr == ""


FREEING = """
import os, time
import cs231n
from cs231n.instructor.grading.processes import in_processes


def frees(item):
    blocks = [bytearray(b"x") * 2_000_000 for _ in range(200 if item else 1)]  # of a size that the heap keeps
    last = bytearray(100_000)  # above them
    del blocks
    time.sleep(1.1)
    return os.getpid(), last


found = [number for number, _ in dict(in_processes(frees, list(range(6)), 1)).values()]
print(len(found), len(set(found)))
"""


@only_forks
def test_a_process_that_has_freed_what_it_took_is_kept():
    done = subprocess.run([sys.executable, "-c", FREEING], cwd=ROOT, capture_output=True, text=True, timeout=HANGS)
    assert done.stdout == "6 1\n", done.stderr


def test_ctrl_c_that_comes_while_it_is_put_off_takes_effect_afterwards_and_is_not_lost():
    reached = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (what is in the block, too, is tested)
        with not_interrupted():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end of the block")
        reached.append("what follows it")
    assert reached == ["the end of the block"]


def test_without_ctrl_c_nothing_is_raised_and_ctrl_c_means_what_it_did():
    before = signal.getsignal(signal.SIGINT)
    with not_interrupted():
        pass
    assert signal.getsignal(signal.SIGINT) is before


def _takes_no_notice(_):
    signal.raise_signal(signal.SIGINT)
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@only_forks
def test_a_worker_and_what_it_starts_ignore_ctrl_c():
    assert dict(in_processes(_takes_no_notice, ["a", "b"], 2)) == {"a": True, "b": True}


def test_there_is_a_processor():
    assert processors() >= 1


@pytest.fixture
def submissions(tmp_path):
    folder = tmp_path / "submissions"
    folder.mkdir()
    for name in ("ada", "ben"):
        (folder / f"{name}.py").write_text(zoo.RIGHT_CODE[zoo.SALIENCY] + f"# {name}\n", encoding="utf-8")
    return folder


@pytest.mark.long
@only_forks
def test_at_the_end_of_a_run_with_workers_the_whole_exam_is_kept_although_nobody_attempted_the_optional_part(
    submissions, run, tmp_path, monkeypatch
):
    required = {key: cases for key, cases in run.exam.cases.items() if key not in LATER}
    arrays = {name: array for name, array in run.exam.known.arrays.items() if name.split("/")[1] in required}
    begun = dataclasses.replace(run, exam=exam_of(run.exam.cases.seed, required, arrays))
    kept = []

    def keep(out, exam, protections):
        kept.append(list(exam.cases))
        return kept_exam.keep(out, exam, protections)

    monkeypatch.setattr(grading.Run, "drawn", lambda: begun)
    monkeypatch.setattr(grading, "keep", keep)
    grading.grade_folder(submissions, tmp_path / "grades", jobs=1)
    assert [set(keys) - set(required) for keys in kept] == [set(), set(LATER)]  # the first result has not waited for it
    again = kept_exam.kept_exam(tmp_path / "grades", without_isolation=False)
    assert set(again.cases) == {*required, *LATER}
    for name, array in run.exam.known.arrays.items():
        if "-224" not in name:
            np.testing.assert_array_equal(again.known.arrays[name], array)


@pytest.mark.long
@only_forks
def test_workers_take_over_the_sandboxes_that_began_before_the_exam_was_drawn(submissions, run, tmp_path, monkeypatch):
    """They begin before it is drawn, as many as there are workers, and no worker starts another."""
    begun, begin = [], Sandbox.begun

    def counted(folder, number, launcher):
        begun.append(number)
        return begin(folder, number, launcher)

    def drawn():
        assert begun == [0, 1], "the sandboxes begin first"
        return run

    def refuse(*_):
        raise AssertionError("a worker started a sandbox of its own")

    monkeypatch.setattr(Sandbox, "begun", counted)
    monkeypatch.setattr(grading.Run, "drawn", drawn)
    monkeypatch.setattr(worker, "Sandbox", refuse)  # workers are forks, and know it
    records = grading.grade_folder(submissions, tmp_path / "grades", jobs=2)
    assert [record.exercises[zoo.SALIENCY].verdict for record in records] == ["right", "right"]
    assert begun == [0, 1]

    def unwanted(*_):
        raise AssertionError("there is nothing to grade")

    monkeypatch.setattr(grading.Run, "drawn", unwanted)
    monkeypatch.setattr(Sandbox, "begun", unwanted)
    again = grading.grade_folder(submissions, tmp_path / "grades", jobs=2, resume=True)
    assert [record.student for record in again] == ["ada", "ben"]


@pytest.mark.long
@only_forks
def test_sandboxes_that_nobody_takes_over_end_and_leave_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    of_others = descendants(os.getpid())  # what tests before this one keep
    with started_ahead(2) as ahead:
        for sandbox in ahead.sandboxes:
            sandbox.wait()
        below = descendants(os.getpid()) - of_others
        assert len(below) == 3, "one process that has imported PyTorch, and its two forks"
        assert len(list(tmp_path.glob("grading-*/grading-*/scratch"))) == 3
        assert len(list(tmp_path.glob("grading-*/grading-*/edition"))) == 1
    assert not below & descendants(os.getpid())
    assert list(tmp_path.iterdir()) == []


@only_forks
def test_each_sandbox_has_a_user_of_its_own(tmp_path, monkeypatch):
    users = []
    monkeypatch.setattr(Sandbox, "_start", lambda self, user, launcher: users.append(user))
    monkeypatch.setattr(Sandbox, "wait", lambda self: None)
    for make in (lambda: Sandbox(tmp_path), lambda: Sandbox.begun(tmp_path, 0, None), lambda: Sandbox.begun(tmp_path, 1, None)):
        make()
    assert len(set(users)) == 3
    assert all(61000 <= user < 65000 for user in users)


LEAVES_A_FORK = """
import os, sys, time
from pathlib import Path
from cs231n.instructor.reports.writing import only_grader

with only_grader(Path(sys.argv[1])):
    if os.fork() == 0:
        print("forked", flush=True)
        time.sleep(600)
    os._exit(0)  # as if it were killed
"""


@only_forks
def test_a_worker_that_outlives_a_killed_grader_does_not_hold_its_lock(tmp_path):
    command = [sys.executable, "-c", LEAVES_A_FORK, str(tmp_path / "grades")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout.readline() == "forked\n"
        process.wait(HANGS)
        with writing.only_grader(tmp_path / "grades"):
            pass
    finally:
        os.killpg(process.pid, 9)  # the fork, which has not ended by itself
        process.stdout.close()
