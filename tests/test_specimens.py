"""The grader examines itself: what is as it should be passes, and a hole or a judge that errs is named."""

import json
import socket
from types import SimpleNamespace

import pytest

from cs231n.instructor.sandbox import specimens
from cs231n.instructor.sandbox.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def judge(exercise, parts, seconds):
    """Judge as the grader should."""
    return SimpleNamespace(verdict="right" if ".abs()" in parts[0][1] else "wrong", message="As it is.")


def test_a_sandbox_that_holds_and_a_judge_who_is_right_pass(sandbox):
    assert specimens.examined(sandbox, judge) == ""


@pytest.mark.parametrize("verdict", ["wrong", "broken", "stopped"])
def test_a_right_specimen_that_does_not_come_out_right_is_named_with_what_was_said(sandbox, verdict):
    said = specimens.examined(sandbox, lambda *_: SimpleNamespace(verdict=verdict, message="✗ Out of\n  memory."))
    assert f"a sample solution that is right was judged as {verdict}" in said
    assert "Out of memory." in said


def test_a_wrong_specimen_that_comes_out_right_is_named(sandbox):
    said = specimens.examined(sandbox, lambda *_: SimpleNamespace(verdict="right", message=""))
    assert "a sample solution that is wrong was judged as right" in said


@pytest.mark.parametrize(
    ("hole", "named"),
    [
        ("found['small-disk'] = 'it read a file'", "it read a file, although 'small-disk' is in force"),
        ("found['no-network'] = 'it called home'", "it called home, although 'no-network' is in force"),
        ("os._exit(0)", "returned nothing"),
    ],
)
def test_what_the_prying_specimen_finds_is_named(sandbox, monkeypatch, hole, named):
    if not {"small-disk", "no-network"} <= set(sandbox.protections):
        pytest.skip("this machine does not allow what is found broken here")
    code = specimens.PRYING.replace("    raise ValueError", f"    {hole}\n    raise ValueError")
    monkeypatch.setattr(specimens, "PRYING", code)
    assert named in specimens.examined(sandbox, judge)


def test_what_it_finds_where_no_protection_is_promised_is_no_failure(sandbox, monkeypatch):
    code = specimens.PRYING.replace("    raise ValueError", "    found['other-disk'] = 'it read'\n    raise ValueError")
    monkeypatch.setattr(specimens, "PRYING", code)
    assert specimens.examined(sandbox, judge) == ""


def test_the_prying_specimen_sees_what_there_is_to_see_outside_of_a_sandbox():
    """Else it would find nothing anywhere."""
    given = {}
    with socket.create_server(("127.0.0.1", 0)) as server:
        exec(specimens.pried_with(server.getsockname()[1]), given)
        with pytest.raises(ValueError, match="small-disk") as told:
            given[specimens.EXERCISE]()
    assert json.loads(str(told.value)).keys() == {"small-disk", "own-processes", "no-network"}
