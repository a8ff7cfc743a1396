"""The archive for Gradescope: what is in it, that its two scripts work, and what results.json says of each submission."""

import argparse
import io
import json
import os
import pickle
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from helpers.grading_runs import one_sandbox
from helpers.limits import HANGS
from helpers.places import ROOT

from cs231n import submit
from cs231n.instructor.grading import grading, rubric
from cs231n.instructor.platforms import gradescope
from cs231n.instructor.reports.records import from_json

EXERCISES = submit.EXERCISES
OPTIONAL = submit.OPTIONAL_EXERCISES
RIGHT = {"verdict": "right", "mistakes": [], "notes": [], "message": "✓ It is right.", "seconds": 0.25}

LEFT_OUT = {"verdict": "unfinished", "mistakes": [], "notes": [], "message": "… It is not implemented yet.", "seconds": 0.0}


def record(**changes):
    """A record, as JSON, of a submission in which all exercises are right and questions 1 to 5 are answered; no optional part."""
    graded = {
        "student": "student",
        "name": "student",
        "submission": "student.ipynb",
        "sha256": "ab" * 32,
        "earlier": [],
        "verdict": "graded",
        "note": "",
        "exercises": {name: dict(RIGHT) for name in EXERCISES} | {name: dict(LEFT_OUT) for name in OPTIONAL},
        "answers": {f"question-{number}": "Because." if number < 6 else "" for number in range(1, 10)},
        "figures": {},
    }
    return graded | changes


def results(graded):
    points, graded = rubric.load(), from_json(graded)
    return gradescope.results(graded, points.score(graded, {}), points)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "autograder.zip"
    gradescope.write_archive(path)
    return path


@pytest.fixture
def autograder(archive, tmp_path):
    """A folder like /autograder on Gradescope: the archive unpacked as its `unzip` does it, with the data beside it."""
    root = tmp_path / "autograder of tests"
    for folder in ("source", "submission", "results"):
        (root / folder).mkdir(parents=True)
    with zipfile.ZipFile(archive) as members:
        for member in members.infolist():
            path = Path(members.extract(member, root / "source"))
            path.chmod(stat.S_IMODE(member.external_attr >> 16))
    for data in (ROOT / "datasets").iterdir():
        if not (root / "source" / "datasets" / data.name).exists():
            (root / "source" / "datasets" / data.name).symlink_to(data)
    return root


def with_python(autograder, script):
    """Put a program called python into the autograder's environment that a shell script stands for."""
    python = autograder / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)


def run_script(autograder, name, **variables):
    """Run setup.sh or run_autograder as Gradescope does: from the root folder, with nothing of this process's path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"AUTOGRADER": str(autograder), **variables}
    script = autograder / "source" / name
    return subprocess.run([script], cwd=autograder, env=environment, capture_output=True, text=True, timeout=HANGS)


def written(autograder):
    return json.loads((autograder / "results" / "results.json").read_text(encoding="utf-8"))


# The archive


def test_the_scripts_lie_at_the_root_and_may_be_executed(archive):
    with zipfile.ZipFile(archive) as members:
        for name in ("setup.sh", "run_autograder", "get_datasets.sh"):
            assert stat.S_IMODE(members.getinfo(name).external_attr >> 16) == 0o755


def test_the_archive_holds_the_kit_with_the_instructors_part_and_nothing_else(archive):
    with zipfile.ZipFile(archive) as members:
        names = set(members.namelist())
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "cs231n").rglob("*.py")}
    assert package <= names
    assert "cs231n/checks/fingerprints.npz" in names
    assert {"cs231n/instructor/grading/rubric.toml", "cs231n/instructor/requirements.txt"} <= names
    assert {"NetworkVisualization.ipynb", "constraints.txt", "requirements.txt", "datasets/sources.json"} <= names
    tops = {name.split("/")[0] for name in names}
    assert not tops & {"tests", ".git", ".venv", "build"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".pth", ".jpg"))]


def test_the_same_kit_gives_the_same_bytes(archive, tmp_path):
    again = tmp_path / "again.zip"
    gradescope.write_archive(again)
    assert again.read_bytes() == archive.read_bytes()


def test_an_own_rubric_is_packed(tmp_path):
    own = tmp_path / "mine.toml"
    own.write_text("[points]\nmake_fooling_image = 9\n", encoding="utf-8")
    gradescope.write_archive(tmp_path / "autograder.zip", own)
    with zipfile.ZipFile(tmp_path / "autograder.zip") as members:
        assert members.read("rubric.toml") == own.read_bytes()


COURSE = 'left-out = ["smoothgrad", "question-2", "7.2"]\n[points]\nsaliency_maps = 7.5\n'


def test_what_a_course_says_of_late_students_is_not_packed_and_it_is_said(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    gradescope.add_arguments(parser)
    own = tmp_path / "own.toml"
    rest = '[question-3]\npoints = 1\ntext = "[late]"\nrubric = """\nsoon\n"""\n'
    own.write_text('title = "Seeing"\n[late]\ndue = 2026-10-05\n[late.extensions]\nzebediah = 3\n' + rest, encoding="utf-8")
    assert gradescope.run(parser.parse_args(["--out", str(tmp_path / "autograder.zip"), "--course", str(own)])) == 0
    assert "Late days are not in it" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "autograder.zip") as members:
        assert members.read("course.toml").decode() == 'title = "Seeing"\n' + rest
        assert not [name for name in members.namelist() if b"zebediah" in members.read(name)]


def test_a_courses_own_file_is_packed_and_what_it_leaves_out_is_nowhere(tmp_path, capsys):
    own = tmp_path / "spring.toml"
    own.write_text(COURSE, encoding="utf-8")
    parser = argparse.ArgumentParser()
    gradescope.add_arguments(parser)
    assert gradescope.run(parser.parse_args(["--out", str(tmp_path / "autograder.zip"), "--course", str(own)])) == 0
    printed = capsys.readouterr().out
    assert "with 21.5 points for the autograder" in printed
    assert "for the 7 inline questions" in printed
    assert "their 4 points are extra credit" in printed
    with zipfile.ZipFile(tmp_path / "autograder.zip") as members:
        assert members.read("course.toml") == own.read_bytes()
    points, everything = (
        rubric.load(None, own),
        from_json(record(exercises={name: dict(RIGHT) for name in (*EXERCISES, *OPTIONAL)})),
    )
    found = gradescope.results(everything, points.score(everything, {}), points)
    names = " ".join(box["name"] for box in found["tests"])
    assert not any(name in names for name in ("compute_smoothgrad_maps", "transform_images", "question 2", "question 8"))
    assert (found["tests"][0]["max_score"], found["score"]) == (7.5, 21.5 + 4)
    assert "(16 points)" in found["output"]
    assert "up to 8 points on top" in found["output"]


def test_an_earlier_archive_is_replaced_and_nothing_is_left_beside_it(archive, tmp_path):
    out = tmp_path / "autograder.zip"
    out.write_bytes(archive.read_bytes())
    gradescope.write_archive(out)
    assert [path.name for path in tmp_path.iterdir()] == ["autograder.zip"]


@pytest.mark.parametrize("content", [b"notes", None], ids=["text", "another zip"])
def test_a_file_that_is_no_archive_is_never_overwritten(tmp_path, content):
    out = tmp_path / "thesis.zip"
    if content is None:
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("thesis.txt", "years of work")
    else:
        out.write_bytes(content)
    before = out.read_bytes()
    with pytest.raises(FileExistsError, match="is left as it is"):
        gradescope.write_archive(out)
    assert out.read_bytes() == before


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        gradescope.write_archive(tmp_path / "nowhere" / "autograder.zip")


def test_a_disk_that_loses_bytes_leaves_no_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile.ZipFile, "testzip", lambda self: "setup.sh")
    with pytest.raises(OSError, match=r"setup\.sh.*Try again"):
        gradescope.write_archive(tmp_path / "autograder.zip")
    assert list(tmp_path.iterdir()) == []


# results.json


def test_right_exercises_give_their_points_and_pass():
    found = results(record())
    assert found["score"] == 21
    assert [(box["name"], box["score"], box["max_score"], box["status"]) for box in found["tests"][:3]] == [
        (name, 7.0, 7.0, "passed") for name in EXERCISES
    ]
    assert found["execution_time"] == 0.75


def test_a_wrong_exercise_keeps_what_the_rubric_says_and_tells_why():
    graded = record()
    graded["exercises"]["make_fooling_image"] |= {"verdict": "wrong", "mistakes": ["batch-mean"], "message": "✗ It is wrong: ..."}
    found = results(graded)
    box = found["tests"][1]
    assert 0 < box["score"] < 7
    assert box["status"] == "failed"
    assert box["output"] == "✗ It is wrong: ..."
    assert found["score"] == pytest.approx(14 + box["score"])


def test_inline_questions_are_shown_without_points_because_they_are_marked_by_hand():
    boxes = results(record())["tests"][3:]
    assert [box["name"] for box in boxes] == [f"Inline question {number}: marked by hand" for number in range(1, 7)]
    assert all("score" not in box and "max_score" not in box for box in boxes)
    assert [box["output"] for box in boxes] == ["Because."] * 5 + ["There is no answer in your notebook."]


def test_an_unreadable_submission_gets_no_points_and_the_reason():
    missing = {"verdict": "missing", "mistakes": [], "notes": [], "message": "", "seconds": 0.0}
    found = results(
        record(verdict="unreadable", note="It is not JSON.", exercises=dict.fromkeys((*EXERCISES, *OPTIONAL), missing))
    )
    assert found["score"] == 0
    assert "It is not JSON." in found["output"]
    assert {box["output"] for box in found["tests"]} == {gradescope.UNREAD}  # not that nothing was written


def test_bonus_points_are_extra_credit_and_what_is_left_out_has_no_box():
    graded = record()
    assert [box["name"] for box in results(graded)["tests"]] == [
        *EXERCISES,
        *(f"Inline question {number}: marked by hand" for number in range(1, 7)),
    ]
    wrong = {"verdict": "wrong", "mistakes": ["batch-mean"], "message": "✗ It is wrong: ..."}
    graded["exercises"] |= {OPTIONAL[0]: dict(RIGHT), OPTIONAL[2]: {**RIGHT, **wrong}}
    graded["answers"]["question-8"] = "Because of the bonus."
    found = results(graded)
    boxes = {box["name"]: box for box in found["tests"]}
    assert len(boxes) == 3 + 2 + 6 + 1
    right, mistaken = (boxes[f"{name} (bonus: up to 2 points on top)"] for name in (OPTIONAL[0], OPTIONAL[2]))
    assert (right["score"], right["max_score"], right["status"]) == (2, 0, "passed")
    assert (mistaken["score"], mistaken["max_score"], mistaken["status"]) == (1.6, 0, "failed")
    assert boxes["Inline question 8 (bonus): marked by hand"]["output"] == "Because of the bonus."
    assert found["score"] == 24.6
    assert sum(box.get("max_score", 0) for box in found["tests"]) == 21
    assert "up to 14 points on top; leaving it out is fine." in found["output"]


def test_without_a_bonus_in_the_rubric_nothing_is_said_of_one(tmp_path):
    (tmp_path / "own.toml").write_text("[points]\n" + "\n".join(f"{name} = 0" for name in rubric.load().bonus))
    points = rubric.load(tmp_path / "own.toml")
    found = gradescope.results(from_json(record()), points.score(from_json(record()), {}), points)
    assert "on top" not in found["output"]


def test_the_command_tells_the_points_to_enter_without_the_bonus(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    gradescope.add_arguments(parser)
    assert gradescope.run(parser.parse_args(["--out", str(tmp_path / "autograder.zip")])) == 0
    printed = capsys.readouterr().out
    assert "with 21 points for the autograder" in printed
    assert "their 8 points are extra credit" in printed


def test_students_see_points_at_once_or_when_grades_are_published_and_at_once_that_a_file_cannot_be_read():
    graded, points = from_json(record()), rubric.load()
    for after_published, visibility in ((False, "visible"), (True, "after_published")):
        found = gradescope.results(graded, points.score(graded, {}), points, after_published)
        assert {found["visibility"], *(box["visibility"] for box in found["tests"])} == {visibility}
        assert found["stdout_visibility"] == "hidden"
    unread = from_json(record(verdict="unreadable", note="It is not JSON."))
    found = gradescope.results(unread, points.score(unread, {}), points, after_published=True)
    assert {found["visibility"], *(box["visibility"] for box in found["tests"])} == {"visible"}


def test_when_students_see_points_is_in_the_archive_and_the_container_is_named(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    gradescope.add_arguments(parser)
    for more in ([], ["--after-published"]):
        out = tmp_path / f"{len(more)}.zip"
        assert gradescope.run(parser.parse_args(["--out", str(out), *more])) == 0
        printed = capsys.readouterr().out
        assert f"container with {gradescope.CONTAINER_GB:g} GB of memory" in printed
        assert ("once you publish the grades" in printed) == bool(more)
        with zipfile.ZipFile(out) as members:
            assert (gradescope.AFTER_PUBLISHED in members.namelist()) == bool(more)


def test_all_that_a_student_wrote_is_shown_as_plain_text_without_control_characters():
    graded = record()
    graded["answers"]["question-1"] = "<script>alert(1)</script>\x00\x1b[31m\ud800 **bold**" + "x" * 1_000_000
    found = results(graded)
    assert {box["output_format"] for box in found["tests"]} == {found["output_format"]} == {"text"}
    shown = found["tests"][3]["output"]
    assert "<script>" in shown  # Gradescope escapes plain text
    assert not {"\x00", "\x1b", "\ud800"} & set(shown)
    assert len(shown) < 30_000
    json.dumps(found, ensure_ascii=False).encode("utf-8")


def test_only_keys_of_the_documented_format_are_written():
    top = {"score", "execution_time", "output", "output_format", "visibility", "stdout_visibility", "tests", "extra_data"}
    each = {"score", "max_score", "status", "name", "name_format", "output", "output_format", "visibility"}
    found = results(record())
    assert set(found) <= top
    assert all(set(box) <= each for box in found["tests"])
    assert {box["visibility"] for box in found["tests"]} <= {"hidden", "after_due_date", "after_published", "visible"}
    assert {box.get("status", "passed") for box in found["tests"]} <= {"passed", "failed"}


# The two scripts


def test_the_scripts_are_valid_bash(archive):
    for name in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", gradescope.SCRIPTS / name], check=True)


def test_setup_installs_what_is_needed_and_ends_with_a_kit_that_starts(autograder, tmp_path):
    """Only pip and apt have stand-ins: the first writes down what it is asked, and the second must not be needed."""
    tools, asked = tmp_path / "tools", tmp_path / "asked"
    tools.mkdir()
    real = f'exec "{sys.executable}" "$@"'
    venv_python = f'#!/bin/sh\ncase "$*" in "-m pip "*) echo "$*" >>"{asked}"; exit 0;; esac\n{real}\n'
    (tmp_path / "venv_python").write_text(venv_python, encoding="utf-8")
    make_venv = f'mkdir -p "$3/bin" && cp "{tmp_path}/venv_python" "$3/bin/python" && chmod +x "$3/bin/python"; exit'
    (tools / "python3").write_text(f'#!/bin/sh\ncase "$1 $2" in "-m venv") {make_venv};; esac\n{real}\n', encoding="utf-8")
    (tools / "python3").chmod(0o755)
    done = run_script(autograder, "setup.sh", PATH=f"{tools}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert "the autograder is ready" in done.stdout
    wanted = asked.read_text(encoding="utf-8")
    assert wanted.count("-c ") == 2
    (of_pytorch,) = [line for line in wanted.splitlines() if "--index-url" in line]
    assert of_pytorch.endswith("torch torchvision")
    assert "--no-deps" in of_pytorch  # its index lacks versions that constraints.txt names
    for name in ("requirements.txt", "cs231n/instructor/requirements.txt"):
        assert f"-r {autograder}/source/{name}" in wanted
    for secret in ("cs231n", "cs231n/net_visualization_pytorch.py", "NetworkVisualization.ipynb"):
        assert stat.S_IMODE((autograder / "source" / secret).stat().st_mode) & 0o077 == 0


SALIENCY = """
import torch

def compute_saliency_maps(X, y, model):
    X = X.clone().requires_grad_()
    model(X).gather(1, y[:, None]).sum().backward()
    return X.grad.abs().amax(dim=1)
"""


@pytest.mark.long
def test_run_autograder_grades_several_files_and_hides_points_until_grades_are_published_if_the_archive_says_so(autograder):
    with_python(autograder, f'exec "{sys.executable}" "$@"')
    (autograder / "source" / gradescope.AFTER_PUBLISHED).touch()
    (autograder / "submission" / "answers.py").write_text(SALIENCY, encoding="utf-8")
    (autograder / "submission" / "notes.txt").write_text("Thank you for grading.", encoding="utf-8")
    (autograder / "submission" / "passwords.ipynb").symlink_to("/etc/passwd")
    done = run_script(autograder, "run_autograder")
    assert done.returncode == 0, done.stdout + done.stderr
    found = written(autograder)
    assert (found["score"], found["visibility"]) == (7, "after_published")
    assert [box["status"] for box in found["tests"][:3]] == ["passed", "failed", "failed"]


@pytest.fixture(scope="module")
def sandbox():
    """One sandbox for all that is graded in this process from now on."""
    with one_sandbox():
        yield


def _zipped(name, content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def _tarred(name, content):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.long
@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    "files",
    [
        {"notes.txt": b"Thank you.", "work.zip": _zipped("answers.py", SALIENCY.encode())},
        {"work.tar.gz": _tarred("answers.py", SALIENCY.encode())},
        {"all.zip": _zipped("work.zip", _zipped("answers.py", SALIENCY.encode()))},
    ],
    ids=["a zip beside a file", "a tar archive", "a zip in a zip"],
)
def test_what_gradescope_leaves_packed_is_unpacked(files, tmp_path, run, monkeypatch, capsys):
    monkeypatch.setattr(grading.Run, "drawn", lambda: run)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = gradescope.graded(tmp_path, rubric.load())
    assert found.exercises["compute_saliency_maps"].verdict == "right"
    assert found.submission == (next(iter(files)) if len(files) == 1 else "submission.zip")
    assert "export of a whole class" not in "".join(capsys.readouterr())


@pytest.mark.usefixtures("sandbox")
def test_a_file_that_cannot_be_read_is_refused_before_an_exam_is_drawn(tmp_path, monkeypatch):
    def drawn():
        raise AssertionError("it was drawn")

    monkeypatch.setattr(grading.Run, "drawn", drawn)
    (tmp_path / "work.ipynb").write_text("{", encoding="utf-8")
    found = gradescope.graded(tmp_path, rubric.load())
    assert found.verdict == "unreadable"
    assert found.submission == "work.ipynb"
    assert found.note.startswith("work.ipynb is not a notebook")
    (tmp_path / "work.ipynb").unlink()
    (tmp_path / "work.py").write_text(SALIENCY, encoding="utf-8")
    with pytest.raises(AssertionError, match="it was drawn"):
        gradescope.graded(tmp_path, rubric.load())


# Python, with an exam that is given, since drawing one takes longer than the rest: python taking.py RUN.pickle -m MODULE ...
TAKING_FOR_DRAWN = """
import pickle, runpy, sys
from pathlib import Path
sys.path.insert(0, "")
from cs231n.instructor.grading import run

drawn = pickle.loads(Path(sys.argv[1]).read_bytes())
run.Run.drawn = lambda: drawn
sys.argv[:4] = sys.argv[3:4]
runpy.run_module(sys.argv[0], run_name="__main__")
"""


@pytest.mark.long
def test_in_a_container_without_namespaces_it_grades_and_tells_instructors_alone_what_is_not_in_force(autograder, run):
    as_in_docker = f'"{sys.executable}" "{ROOT}/tests/helpers/as_user.py" --as-root --without-namespaces --'
    (autograder / "run.pickle").write_bytes(pickle.dumps(run))
    (autograder / "taking.py").write_text(TAKING_FOR_DRAWN, encoding="utf-8")
    with_python(autograder, f'exec {as_in_docker} "{sys.executable}" "{autograder}/taking.py" "{autograder}/run.pickle" "$@"')
    (autograder / "submission" / "answers.py").write_text(SALIENCY, encoding="utf-8")
    done = run_script(autograder, "run_autograder")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not from the kit's own files" in done.stdout
    found = written(autograder)
    assert (found["score"], found["visibility"]) == (7, "visible")  # the archive does not say that they are hidden
    assert found["output"].startswith("Graded: answers.py.")
    assert "isolation" not in json.dumps(found)


def test_a_grader_that_fails_leaves_results_without_a_score(autograder):
    with_python(autograder, f'exec "{sys.executable}" "$@"')
    (autograder / "source" / "cs231n" / "instructor" / "grading" / "rubric.toml").write_text("broken", encoding="utf-8")
    done = run_script(autograder, "run_autograder")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert written(autograder) == gradescope.FAILURE
    assert "score" not in gradescope.FAILURE
    assert "tests" not in gradescope.FAILURE


def test_results_are_written_although_python_is_killed(autograder):
    with_python(autograder, "kill -9 $$")
    (autograder / "results" / "results.json").write_text('{"score": 21}', encoding="utf-8")
    done = run_script(autograder, "run_autograder")
    assert done.returncode == 137
    assert "score" not in written(autograder)
    assert "could not be graded" in written(autograder)["output"]


def test_run_autograder_hides_submission_and_results_from_other_users(autograder):
    with_python(autograder, "exit 1")
    run_script(autograder, "run_autograder")
    for folder in ("submission", "results"):
        assert stat.S_IMODE((autograder / folder).stat().st_mode) & 0o077 == 0
