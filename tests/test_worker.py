"""A worker: what it does about a sandbox that fails, an examination that fails, and a submission that takes too much memory."""

import contextlib
import dataclasses
import resource
import secrets

import pytest
from helpers import zoo
from helpers.grading_runs import one_sandbox

from cs231n.instructor.__main__ import main
from cs231n.instructor.exercises.exam import LATER, exam_of
from cs231n.instructor.grading import grading, judging, worker
from cs231n.instructor.sandbox import specimens
from cs231n.instructor.sandbox.sandbox import Ended, Failed, Sandbox


def _rows(out):
    return list((out / "rows").glob("*.json"))


@pytest.fixture
def two(tmp_path, run, monkeypatch):
    """A folder of two right submissions, of one exercise, to be graded in this process, with an examination of its own."""
    monkeypatch.setattr(grading.Run, "drawn", lambda: dataclasses.replace(run, number=secrets.token_hex(8)))
    monkeypatch.setattr(
        grading, "started_ahead", lambda count, launcher: contextlib.nullcontext()
    )  # without workers, it grades here
    folder = tmp_path / "submissions"
    folder.mkdir()
    for name in ("ada", "ben"):
        (folder / f"{name}.py").write_text(zoo.RIGHT_CODE[zoo.SALIENCY] + f"# {name}\n", encoding="utf-8")
    return folder


def test_a_sandbox_that_cannot_be_made_stops_the_run_and_gives_nobody_0_points(two, tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise Failed("There is no room.")

    monkeypatch.setattr(worker, "Sandbox", refuse)
    assert main(["grade", str(two), "--out", str(tmp_path / "grades")]) == 1
    assert "There is no room. 0 results are kept" in capsys.readouterr().err
    assert _rows(tmp_path / "grades") == []


@pytest.fixture(scope="module")
def kept_sandbox():
    """The sandbox that each Broken one is: its process imports PyTorch, which takes longer than what these tests grade."""
    with Sandbox() as Broken.kept:
        yield


class Broken(Sandbox):
    """A sandbox in which jobs cannot be started, or whose process seems to end, so many times from the third job on.

    Each is the one that is kept, so none is closed.
    """

    times, error, kept = 0, Failed, None

    def __init__(self, folder=None):
        vars(self).update(vars(self.kept))

    def close(self):
        pass

    def job(self, *arguments, **options):
        Broken.jobs += 1
        if Broken.jobs > 3 and Broken.times:
            Broken.times -= 1
            raise Broken.error("It broke.")
        return super().job(*arguments, **options)


def break_sandbox(monkeypatch, times, error=Failed):
    """Have the worker's next sandboxes be Broken ones, which break so many times."""
    for name, value in {"jobs": 0, "times": times, "error": error}.items():
        monkeypatch.setattr(Broken, name, value, raising=False)
    monkeypatch.setattr(worker, "Sandbox", Broken)


@pytest.mark.long
@pytest.mark.usefixtures("kept_sandbox")
@pytest.mark.parametrize("error", [Failed, Ended])
def test_a_failure_of_the_sandbox_is_tried_again_and_its_row_is_as_if_there_had_been_none(two, tmp_path, monkeypatch, error):
    break_sandbox(monkeypatch, 1, error)
    records = grading.grade_folder(two, tmp_path / "grades")
    assert Broken.times == 0
    assert [record.exercises[zoo.SALIENCY].verdict for record in records] == ["right", "right"]
    of_python_files = "is a Python file, in which no answer to a question is looked for."
    assert [record.note for record in records] == [f"{name}.py {of_python_files}" for name in ("ada", "ben")]


@pytest.mark.usefixtures("kept_sandbox")
def test_a_sandbox_that_fails_twice_stops_the_run_and_the_row_is_not_kept(two, tmp_path, monkeypatch):
    break_sandbox(monkeypatch, 2, Failed)
    with pytest.raises(worker.CutShort, match="It broke"):
        grading.grade_folder(two, tmp_path / "grades")
    assert _rows(tmp_path / "grades") == []


@pytest.mark.long
@pytest.mark.usefixtures("kept_sandbox")
@pytest.mark.parametrize("times", [2, 20], ids=["and no other", "and everything else"])
def test_a_submission_that_ends_the_sandbox_twice_has_a_row_unless_the_sandbox_ends_without_it(two, tmp_path, monkeypatch, times):
    break_sandbox(monkeypatch, times, Ended)
    if times == 2:
        ada, ben = grading.grade_folder(two, tmp_path / "grades")
        assert (ada.verdict, ada.note) == ("unreadable", "It broke. This happened twice.")
        assert ben.exercises[zoo.SALIENCY].verdict == "right"
    else:
        with pytest.raises(worker.CutShort, match="It broke"):
            grading.grade_folder(two, tmp_path / "grades")
        assert _rows(tmp_path / "grades") == []


@pytest.mark.usefixtures("kept_sandbox")
def test_a_grader_that_errs_about_its_own_specimen_stops_before_the_first_submission(two, tmp_path, monkeypatch, capsys):
    break_sandbox(monkeypatch, 0)
    monkeypatch.setattr(specimens, "SPECIMEN", specimens.SPECIMEN._replace(wrong=specimens.SPECIMEN.right))
    assert main(["grade", str(two), "--out", str(tmp_path / "grades")]) == 1
    assert (
        "The grader's self-test failed, so nothing is graded: a sample solution that is wrong was judged as right."
        in capsys.readouterr().err
    )
    assert _rows(tmp_path / "grades") == []


UNFINISHED = {
    zoo.SMOOTHGRAD: "def compute_smoothgrad_maps(X, y, model, noise):\n    raise NotImplementedError('not yet')\n",
    zoo.INTEGRATED: "def compute_integrated_gradients(X, y, model, baseline, num_steps=32):\n    pass\n",
    zoo.GRAD_CAM: "def compute_grad_cam_maps(X, y, model):\n    ...\n",
    zoo.TRANSFORMATION: "def transform_images(images, angles, scales, shifts):\n    raise NotImplementedError\n",
}
TRIED = {
    zoo.SMOOTHGRAD: UNFINISHED[zoo.SMOOTHGRAD],
    zoo.INTEGRATED: UNFINISHED[zoo.INTEGRATED],
    zoo.GRAD_CAM: "def compute_grad_cam_maps(X, y, model):\n    return X.no_such_name\n",
    zoo.TRANSFORMATION: zoo.OPTIONAL_CODE[zoo.TRANSFORMATION],
}


def test_an_optional_exercise_is_drawn_for_whom_attempts_it_and_for_nobody_else(tmp_path, run, monkeypatch):
    required = {key: cases for key, cases in run.exam.cases.items() if key not in LATER}
    arrays = {name: array for name, array in run.exam.known.arrays.items() if name.split("/")[1] in required}
    begun = dataclasses.replace(run, exam=exam_of(run.exam.cases.seed, required, arrays), number=secrets.token_hex(8))
    monkeypatch.setattr(grading, "started_ahead", lambda count, launcher: contextlib.nullcontext())
    monkeypatch.setattr(grading.Run, "drawn", lambda: begun)
    with one_sandbox():
        for name, codes, expected, drawn in (
            ("ada", UNFINISHED, ["unfinished"] * 4, []),
            ("ben", TRIED, ["unfinished", "unfinished", "broken", "right"], ["grad_cam", "transformation"]),
        ):
            (tmp_path / name).mkdir()
            (tmp_path / name / f"{name}.py").write_text("import torch\n" + "\n".join(codes.values()), encoding="utf-8")
            (record,) = grading.grade_folder(tmp_path / name, tmp_path / f"grades-{name}")
            assert [record.exercises[exercise].verdict for exercise in zoo.OPTIONAL] == expected
            assert list(begun.exam.cases) == [*required, *drawn]


def test_a_submission_begins_in_a_cage_of_its_own_and_its_exercises_follow_in_it(two, tmp_path, monkeypatch):
    (two / "ben.py").write_text(zoo.RIGHT_CODE[zoo.SALIENCY].replace("abs()", "neg()") + "# ben\n", encoding="utf-8")
    orders, start = [], Sandbox.start

    def noted(sandbox, order, descriptors):
        orders.append("reads" * (len(descriptors) == 2) + "in the same" * order.same_cage)
        start(sandbox, order, descriptors)

    monkeypatch.setattr(Sandbox, "start", noted)
    with one_sandbox():
        ada, ben = grading.grade_folder(two, tmp_path / "grades")
    assert [record.exercises[zoo.SALIENCY].verdict for record in (ada, ben)] == ["right", "wrong"]
    read = orders.index("reads")  # before it come the grader's own specimens
    assert orders[read:] == [
        "reads",
        "in the same",
        "reads",
        "in the same",
        "",
    ]  # the last is ben's own check, which sees no trace of an exam


@pytest.mark.long
def test_grading_a_submission_has_a_bound_on_the_workers_memory_and_nothing_else_has(two, tmp_path, monkeypatch):
    monkeypatch.setattr(worker.limits, "WORKER_BYTES", 2**28)
    judge, before = judging.exercise_result, resource.getrlimit(resource.RLIMIT_AS)

    def greedy(name, parts, *arguments, **options):
        if any("# ada" in source for _, source in parts):
            bytearray(2**32)  # more than anything that is freed meanwhile
        return judge(name, parts, *arguments, **options)

    monkeypatch.setattr(judging, "exercise_result", greedy)
    with one_sandbox():
        ada, ben = grading.grade_folder(two, tmp_path / "grades")
    assert "exceeded the memory limit, twice" in ada.note
    assert ben.exercises[zoo.SALIENCY].verdict == "right"
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert len(bytearray(2**29)) == 2**29
