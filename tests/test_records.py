"""The record of a submission: what is written into GRADES is read again, also what an older kit wrote; the rest is refused."""

import dataclasses
import json

import pytest

from cs231n.checks.report import Verdict
from cs231n.instructor.reports.records import Member, Record, Result, State, as_json, from_json, read, read_all, write

RECORD = Record(
    student="jane",
    name="Jane Doe",
    submission="jane/work.ipynb",
    sha256="ab" * 32,
    earlier=("jane/work-1.ipynb",),
    verdict=State.GRADED,
    note="Two attempts.",
    exercises={
        "compute_saliency_maps": Result(
            Verdict.WRONG, ("batch-mean",), ("unbounded-loop",), False, "Look.", "It is wrong.", 1.25
        ),
        "make_fooling_image": Result(Verdict.STOPPED, look="It was stopped."),
    },
    answers={"question-1": "Because. \ud800"},
    answer_notes={"question-1": "It was written into another cell."},
    answer_pictures={"question-1": ["AAAA"]},
    figures={"saliency-figure": ["BBBB"]},
)


WITH_ALL = dataclasses.replace(
    RECORD,
    isolation="Graded without isolation.",
    platform="Canvas",
    ids=("4711",),
    members=(Member("jane", "Jane Doe", ("4711", "jane@example.edu")), Member("max", "Max Roe")),
    handed_in="2026-10-05T23:59:00",
    late=False,
    sources={"compute_saliency_maps": "def compute_saliency_maps(X, y, model):\n    return X  # the same"},
    cell_ids=("setup", "saliency"),
    exercises={
        "make_fooling_image": Result(Verdict.RIGHT, message="✓ right", evidence=()),
        "compute_saliency_maps": Result(
            Verdict.WRONG,
            ("batch-mean",),
            message="It is wrong.",
            evidence=("5 images.", "It is 5 times too small."),
            reported=("1",),
        ),
    },
    executed_at=("2026-10-05T20:00:00Z", ""),
)


@pytest.mark.parametrize("record", [RECORD, WITH_ALL], ids=["what is needed", "everything"])
def test_a_record_is_read_as_it_was_written(tmp_path, record):
    write(tmp_path / "jane.json", record)
    assert read(tmp_path / "jane.json") == record


def test_the_file_has_the_keys_that_older_kits_wrote():
    told = json.loads(json.dumps(as_json(RECORD)))
    assert list(told) == [
        *("student", "name", "submission", "sha256", "earlier", "verdict", "note", "exercises", "answers", "answer_notes"),
        *("answer_pictures", "figures"),
    ]
    assert told["verdict"] == "graded"
    assert told["exercises"]["compute_saliency_maps"] == {
        "verdict": "wrong",
        "mistakes": ["batch-mean"],
        "notes": ["unbounded-loop"],
        "explained": False,
        "look": "Look.",
        "message": "It is wrong.",
        "seconds": 1.25,
    }


def test_what_an_older_kit_wrote_is_read(tmp_path):
    told = json.loads(json.dumps(as_json(RECORD)))
    del told["answer_notes"], told["answer_pictures"]
    told["exercises"]["make_fooling_image"] = {"verdict": "stopped", "mistakes": [], "notes": [], "message": "", "seconds": 3}
    (tmp_path / "jane.json").write_text(json.dumps(told), encoding="utf-8")
    found = read(tmp_path / "jane.json")
    assert (found.answer_notes, found.answer_pictures) == ({}, {})
    assert found.exercises["make_fooling_image"] == Result(Verdict.STOPPED, seconds=3)
    assert found.exercises["compute_saliency_maps"] == RECORD.exercises["compute_saliency_maps"]


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "fine"},
        {"verdict": None},
        {"exercises": []},
        {"exercises": {"compute_saliency_maps": {"verdict": "perfect"}}},
        {"exercises": {"compute_saliency_maps": {}}},
        {"earlier": 3},
    ],
)
def test_what_is_not_a_record_is_refused_with_its_file_and_left_out_of_a_folder(tmp_path, change):
    write(tmp_path / "jane.json", RECORD)
    told = json.loads(json.dumps(as_json(RECORD)))
    (tmp_path / "ben.json").write_text(json.dumps({**told, **change}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"ben\.json is not the record of a submission"):
        read(tmp_path / "ben.json")
    assert read_all(tmp_path) == [RECORD]


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "null", '{"student": "jane"}'])
def test_a_damaged_file_is_not_a_record(tmp_path, content):
    (tmp_path / "jane.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"jane\.json is not the record"):
        read(tmp_path / "jane.json")
    assert read_all(tmp_path) == []


def test_a_result_that_is_not_there_is_missing_and_an_answer_empty():
    assert RECORD.result("compute_grad_cam_maps").verdict is Verdict.MISSING
    assert RECORD.answer("question-2") == ""
    with pytest.raises(ValueError, match="not a record"):
        from_json(None)
