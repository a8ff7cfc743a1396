"""Grading by an ordinary user, as most instructors are, on a machine with namespaces and on one without."""

import csv
import dataclasses
import json
import os
import pickle
import subprocess
import sys

import pytest
from helpers import zoo
from helpers.grading_runs import AS_USER, COMMAND, forked_command, protections_of_an_ordinary_user
from helpers.limits import HANGS
from helpers.places import ROOT

from cs231n.instructor.grading import worker
from cs231n.instructor.reports import safe
from cs231n.instructor.sandbox.inside import cage

WITHOUT = ("--without-namespaces",)
OLD = ("--without-namespaces", "--without-landlock")  # a kernel that knows neither, or does not allow them
RIGHT = "\n".join(zoo.RIGHT_CODE.values())

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="user namespaces and seccomp are Linux'")


@pytest.fixture(scope="module")
def run_file(run, tmp_path_factory):
    """The path of a pickled Run."""
    path = tmp_path_factory.mktemp("run") / "run.pickle"
    path.write_bytes(pickle.dumps(dataclasses.replace(run, seconds=20.0)))
    return path


@pytest.fixture
def grade(run_file, tmp_path):
    """A function that grades as an ordinary user what is in the folder `submissions`, into the folder `grades`.

    new_python: whether by a Python that has just started, instead of by a fork of one that has imported the grader.
    """
    (tmp_path / "submissions").mkdir()
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()

    def grade(*more, machine=(), jobs=2, new_python=False):
        given = [word for name in ("home", "temporary") for word in ("--give", str(tmp_path / name))]
        user = [*machine, *given, "--show", str(run_file), "--show", str(tmp_path / "submissions")]
        command = ["grade", str(tmp_path / "submissions"), "--out", str(tmp_path / "home" / "grades"), "--jobs", str(jobs), *more]
        environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
        if not new_python:
            return forked_command(run_file, *command, machine=user, environment=environment)
        command = [*AS_USER, *user, "--", sys.executable, "-c", COMMAND, str(run_file), *command]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HANGS)

    grade.submissions, grade.temporary, grade.out = tmp_path / "submissions", tmp_path / "temporary", tmp_path / "home" / "grades"
    return grade


def points(out):
    with (out / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["student"]: row["total"] for row in csv.DictReader(file)}


def records(out):
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (out / "rows").glob("*.json")}


def needs_namespaces():
    if not protections_of_an_ordinary_user() >= cage.ISOLATION:
        pytest.skip("this machine does not allow an ordinary user namespaces")


@pytest.mark.long
def test_all_is_in_force_for_an_ordinary_user_but_that_submissions_are_another_one():
    needs_namespaces()
    assert protections_of_an_ordinary_user() == cage.PROTECTIONS.keys() - {"other-user"}


@pytest.mark.long
def test_without_namespaces_the_sandbox_says_what_is_not_in_force():
    found = protections_of_an_ordinary_user(*OLD)
    assert found == {"limits", "clean-up", "few-calls"}
    assert protections_of_an_ordinary_user(*WITHOUT) - found <= {cage.CLOSED_DISK}


@pytest.mark.long
def test_where_nothing_keeps_submissions_apart_nothing_is_graded_and_one_sentence_says_why(grade):
    (grade.submissions / "ada.py").write_text(RIGHT, encoding="utf-8")
    done = grade(machine=WITHOUT, jobs=1)
    assert done.returncode == 2
    assert "--without-isolation" in done.stderr
    assert cage.PROTECTIONS["small-disk"] in done.stderr
    assert "Traceback" not in done.stderr
    assert not (grade.out / "grades.csv").exists()
    assert records(grade.out) == {}


SOLUTION = zoo.ATTACKS["solution-on-disk"]


def attack(codes):
    """Return the source of an attack, its helpers left out: it acts whatever it finds."""
    return "\n\n".join(["import os, sys, time\nimport torch\n", *codes.values()])


PLANTER = """\
import os, sys
import cs231n

def compute_saliency_maps(X, y, model):
    for folder in [os.path.dirname(os.path.dirname(cs231n.__file__)), os.getcwd()]:
        with open(os.path.join(folder, "wave.py"), "w") as file:
            file.write("raise ImportError('planted')")
"""


@pytest.mark.long
def test_without_isolation_every_page_says_so_and_what_one_submission_plants_harms_no_other(grade):
    (grade.submissions / "a-planter.py").write_text(PLANTER, encoding="utf-8")
    for name in ("b-honest", "c-honest"):
        honest = RIGHT.replace("    X = X.clone()", "    import wave\n    wave.Error\n    X = X.clone()")
        (grade.submissions / f"{name}.py").write_text(f"{honest}\n# {name}\n", encoding="utf-8")
    done = grade("--without-isolation", machine=OLD, jobs=1)
    assert done.returncode == 0, done.stderr
    assert points(grade.out) == {"a-planter": "0", "b-honest": "21", "c-honest": "21"}
    for record in records(grade.out).values():
        assert record["isolation"] == worker.NOT_ISOLATED
        assert worker.NOT_ISOLATED in record["note"]
    files = [grade.out / "summary.html", grade.out / "grades.csv", *grade.out.glob("*/*.html")]
    assert len(files) == 2 + 3 + 9
    for file in files:
        assert safe.plain(worker.NOT_ISOLATED).replace("'", "&#39;") in file.read_text(encoding="utf-8").replace("'", "&#39;")


FIRST_PROCESS = """\
    import resource
    resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3))
    X = X.clone()"""


@pytest.mark.long
def test_who_changes_the_first_process_of_a_cage_changes_nothing_for_the_next_exercise_or_student(grade):
    needs_namespaces()
    limiting = RIGHT.replace("    X = X.clone()", FIRST_PROCESS, 1)
    assert limiting != RIGHT
    (grade.submissions / "a-limiting.py").write_text(limiting, encoding="utf-8")
    (grade.submissions / "b-honest.py").write_text(RIGHT, encoding="utf-8")
    done = grade(jobs=1)
    assert done.returncode == 0, done.stderr
    found = records(grade.out)
    assert points(grade.out)["b-honest"] == "21"
    assert sum(result["verdict"] == "right" for result in found["a-limiting"]["exercises"].values()) >= 2


KILLER = """\
    import os
    pid, above = os.getpid(), []
    while pid > 1:
        with open(f"/proc/{pid}/stat") as file:
            pid = int(file.read().rpartition(")")[2].split()[1])
        above.append(pid)
    for pid in filter(str.isdigit, os.listdir("/proc")):  # a worker is a fork of the grader, which is above this process
        try:
            with open(f"/proc/{pid}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{pid}/cmdline") as own, open(f"/proc/{parent}/cmdline") as its:
                words = own.read()  # a shell above the tests may have forked, too
                is_worker = parent in above and words == its.read() and "Run.drawn" in words
        except OSError:
            continue
        if is_worker:
            os.kill(int(pid), 9)
"""


@pytest.mark.long
def test_a_submission_that_ends_its_worker_twice_gets_a_row_that_says_so_and_the_run_goes_on(grade):
    (grade.submissions / "killer.py").write_text(f"def compute_saliency_maps(X, y, model):\n{KILLER}", encoding="utf-8")
    for name in ("yve", "zoe"):
        (grade.submissions / f"{name}.py").write_text(zoo.RIGHT_CODE[zoo.SALIENCY] + f"\n# {name}\n", encoding="utf-8")
    done = grade("--without-isolation", machine=OLD, new_python=True)  # workers are told by its command line
    assert done.returncode == 0, done.stderr
    assert points(grade.out) == {"yve": "7", "zoe": "7", "killer": "0"}
    assert "ended twice while it graded this submission" in records(grade.out)["killer"]["note"]
    assert all(worker.NOT_ISOLATED in record["note"] for record in records(grade.out).values())
    assert list(grade.temporary.glob("grading-*")) == []


ALSO = {"crossentropy", "bonus-partly"}  # mistakes, and the optional part


@pytest.fixture(scope="module")
def selection(tmp_path_factory):
    """Of the honest and broken submissions of the zoo those that need something of the cage: (folder, Specimens)."""
    folder = tmp_path_factory.mktemp("selection").resolve() / "submissions"
    specimens = zoo.build(folder, large=2_000_000)
    kept = [one for one in specimens if one.kind != "attack" and (zoo.tries_the_cage(one) or one.name in ALSO)]
    zoo.keep(folder, specimens, kept)
    return folder, kept


@pytest.mark.long
def test_without_namespaces_others_get_what_they_get_elsewhere_and_landlock_hides_the_solutions(grade, selection):
    folder, specimens = selection
    grade.submissions.rmdir()
    folder.rename(grade.submissions)
    (grade.submissions / "prying.py").write_text(attack(SOLUTION.codes).replace("zeros(X)", "None"), encoding="utf-8")
    done = grade("--without-isolation", machine=WITHOUT, jobs=1)
    assert done.returncode == 0, done.stderr
    found = records(grade.out)
    prying = [result["verdict"] for result in found.pop("prying")["exercises"].values()]
    assert "right" not in prying or cage.CLOSED_DISK not in protections_of_an_ordinary_user(*WITHOUT)
    assert len(found) == len(specimens) >= 12
    for specimen in specimens:
        record = found[safe.file_name(specimen.name)]
        assert record["verdict"] in specimen.verdicts, (specimen.name, record["note"])
        for exercise, expected in specimen.expected.items():
            result = record["exercises"][exercise]
            assert result["verdict"] in expected, (specimen.name, exercise, result)
            assert set(result["mistakes"]) == set(specimen.mistakes.get(exercise, result["mistakes"])), (specimen.name, exercise)
