"""The exam that GRADES keeps for --resume: the same one comes back, or none, and nobody else can read it."""

import json
import stat
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import zoo
from helpers.grading_runs import one_sandbox

from cs231n.checks.exam import own_exam
from cs231n.checks.fingerprints import Fingerprints
from cs231n.instructor.exercises import stored
from cs231n.instructor.exercises.exam import LATER, exam_of
from cs231n.instructor.grading import grading, kept_exam
from cs231n.instructor.grading.kept_exam import NAME, keep
from cs231n.instructor.grading.run import draw_the_rest
from cs231n.instructor.sandbox.inside.cage import ISOLATION, PROTECTIONS


def cases_of(exam, key):
    """Return the cases of an exercise, by the names of the fields of what holds them."""
    found = vars(exam.of(key)).values()
    return [case for some in found if some for case in (some if isinstance(some, tuple) else [some])]


def weights(case):
    return [parameter.detach() for parameter in case.network().parameters()]


def assert_same(exam, other):
    assert list(exam.cases) == list(other.cases)
    for key in exam.cases:
        for one, again in zip(cases_of(exam, key), cases_of(other, key), strict=True):
            fields = [{name: value for name, value in vars(case).items() if name != "network"} for case in (one, again)]
            assert fields[0] == fields[1]
            assert [type(value) for value in fields[0].values()] == [type(value) for value in fields[1].values()]
            if one.network:
                assert all(map(torch.equal, weights(one), weights(again)))


def test_an_exam_comes_back_as_it_was(drawn, tmp_path):
    keep(tmp_path, drawn, PROTECTIONS)
    again = kept_exam.kept_exam(tmp_path, without_isolation=False)
    assert_same(drawn, again)
    assert again.known.arrays.keys() == drawn.known.arrays.keys()
    assert all(
        np.array_equal(again.known.arrays[name], array, equal_nan=array.dtype.kind == "f")
        for name, array in drawn.known.arrays.items()
    )
    assert again.known.mistakes("grad_cam-224") == drawn.known.mistakes("grad_cam-224") != []


def test_what_had_not_been_drawn_of_an_exam_that_comes_back_is_drawn_as_it_would_have_been(drawn, tmp_path):
    required = {key: cases for key, cases in drawn.cases.items() if key not in LATER}
    arrays = {name: array for name, array in drawn.known.arrays.items() if name.split("/")[1] in required}
    begun = exam_of(drawn.cases.seed, required, arrays)
    keep(tmp_path, begun, PROTECTIONS)
    assert not set(begun.cases) & set(LATER)  # to keep it draws nothing
    again = kept_exam.kept_exam(tmp_path, without_isolation=False)
    assert list(again.cases) == list(required)
    draw_the_rest(again)
    assert sorted(again.cases) == sorted(drawn.cases)
    assert_same(drawn, replace(again, cases={key: again.of(key) for key in drawn.cases}))
    for name, array in drawn.known.arrays.items():
        np.testing.assert_array_equal(again.known.arrays[name], array)


def test_what_is_known_of_the_notebooks_sizes_is_the_same_with_any_number_of_threads(drawn):
    name = f"known/class_visualization_step-224/{drawn.cases['class_visualization_step'].large.name}"
    found, threads = [], torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(exam_of(drawn.cases.seed, drawn.cases, {}).known.arrays[name])
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(*found)


def test_the_students_own_exam_differs_in_nothing_from_itself():
    own = own_exam(known=Fingerprints({}))
    assert_same(own, replace(own, cases=stored.from_json(stored.as_json(own))))


def test_it_is_for_its_owner_alone(drawn, tmp_path):
    keep(tmp_path, drawn, PROTECTIONS)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("lacking", sorted(ISOLATION))
def test_it_is_not_kept_where_a_submission_may_see_the_disk(drawn, tmp_path, lacking):
    keep(tmp_path, drawn, set(PROTECTIONS) - {lacking})
    assert list(tmp_path.iterdir()) == []


def test_it_is_neither_used_nor_left_where_a_submission_may_see_the_disk(drawn, tmp_path):
    keep(tmp_path, drawn, PROTECTIONS)
    assert kept_exam.kept_exam(tmp_path, without_isolation=True) is None
    assert list(tmp_path.iterdir()) == []


def test_that_of_another_version_of_the_kit_is_not_used(drawn, tmp_path, monkeypatch):
    keep(tmp_path, drawn, PROTECTIONS)
    monkeypatch.setattr(kept_exam, "kit_hash", lambda: "another")
    assert kept_exam.kept_exam(tmp_path, without_isolation=False) is None


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:1000], lambda whole: b"PK" + whole[2:-9000]])
def test_a_damaged_file_is_not_used(drawn, tmp_path, damage):
    keep(tmp_path, drawn, PROTECTIONS)
    (tmp_path / NAME).write_bytes(damage((tmp_path / NAME).read_bytes()))
    assert kept_exam.kept_exam(tmp_path, without_isolation=False) is None


@pytest.mark.parametrize("cases", [{}, [], {"saliency_maps": 3}, {"saliency_maps": {"main": [{}]}}, {"saliency_maps": {}}])
def test_a_file_with_other_cases_is_not_used(drawn, tmp_path, cases):
    keep(tmp_path, drawn, PROTECTIONS)
    with np.load(tmp_path / NAME) as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays["about"])) | {"cases": cases}
    np.savez(tmp_path / NAME, **arrays | {"about": np.array(json.dumps(about))})
    assert kept_exam.kept_exam(tmp_path, without_isolation=False) is None


@pytest.mark.long
def test_resuming_asks_a_late_submission_what_the_others_were_asked_and_draws_no_other_exam(run, tmp_path, monkeypatch):
    submissions, grades, drawn = tmp_path / "submissions", tmp_path / "grades", []
    submissions.mkdir()
    right, wrong = zoo.RIGHT_CODE[zoo.SALIENCY], zoo.RIGHT_CODE[zoo.SALIENCY].replace("abs()", "neg()")
    assert wrong != right
    monkeypatch.setattr(grading.Run, "drawn", lambda: drawn.append(run) or run)
    with one_sandbox():
        for name, code in (("ada", right), ("ben", right), ("cat", wrong)):
            (submissions / f"{name}.py").write_text(f"{code}# {name}\n", encoding="utf-8")
            records = grading.grade_folder(submissions, grades, resume=name != "ada")
    assert len(drawn) == 1
    assert [record.exercises[zoo.SALIENCY].verdict for record in records] == ["right", "right", "wrong"]
    assert_same(run.exam, kept_exam.kept_exam(grades, without_isolation=False))


@pytest.mark.long
def test_resuming_where_the_kept_exam_is_of_no_use_draws_another(run, tmp_path, monkeypatch):
    submissions, drawn = tmp_path / "submissions", []
    submissions.mkdir()
    monkeypatch.setattr(grading.Run, "drawn", lambda: drawn.append(run) or run)
    with one_sandbox():
        for name in ("ada", "ben"):
            (submissions / f"{name}.py").write_text(f"{zoo.RIGHT_CODE[zoo.SALIENCY]}# {name}\n", encoding="utf-8")
            grading.grade_folder(submissions, tmp_path / "grades", resume=name != "ada")
            (tmp_path / "grades" / NAME).write_bytes(b"")
    assert len(drawn) == 2
