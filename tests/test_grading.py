"""Grading, whole: the zoo of honest, broken and hostile submissions, resuming after a kill, marks, Dask, the command."""

import base64
import contextlib
import csv
import dataclasses
import io
import itertools
import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
from helpers import zoo
from helpers.grading_runs import AS_USER, COMMAND, forked_command, protections_of_an_ordinary_user
from helpers.limits import HANGS
from helpers.places import ROOT
from PIL import Image

from cs231n.instructor.__main__ import main
from cs231n.instructor.exercises.exam import LATER
from cs231n.instructor.grading import grading, judging, on_dask, rubric
from cs231n.instructor.reports import safe
from cs231n.instructor.reports.records import read_all
from cs231n.instructor.sandbox.inside import cage
from cs231n.instructor.sandbox.sandbox import FIRST_USER, Sandbox

LARGE = 2_000_000  # bytes of output in the largest specimen; 200 MB by hand, see the README of the benchmarks
RIGHT = "\n".join(zoo.RIGHT_CODE.values())
BONUS = ("bonus-loops", "bonus-at-once", "bonus-mistaken-1", "bonus-mistaken-2", "bonus-partly")
NAMED = {*BONUS, "crossentropy", "autograd", "pythonic"}  # by the tests below
SOME, SOME_EVERY = "some of the zoo", 24


class Zoo:
    """All specimens, graded once. heard: connections to the loopback while that went on.

    missing: protections that this machine does not allow. Attacks are let loose only where there are none of these; that they
    run as another user is needed only where they are not isolated.
    """

    def __init__(self, folder, run, which):
        as_ordinary_user = which == "as an ordinary user"
        self.at_least = 15 if which == SOME else 35
        self.temporary = Path(tempfile.gettempdir())
        self.out = folder / "of the grader" / "grades"
        self.out.parent.mkdir()
        self.specimens = zoo.build(folder / "submissions", large=LARGE)
        if as_ordinary_user:
            self._keep(folder / "submissions", filter(zoo.tries_the_cage, self.specimens))
        if which == SOME:
            kinds = ([one for one in self.specimens if one.kind == kind] for kind in ("honest", "broken", "attack"))
            self._keep(folder / "submissions", itertools.chain(*(found[::SOME_EVERY] for found in kinds)))
        protections = protections_of_an_ordinary_user() if as_ordinary_user else _protections()
        self.missing = cage.PROTECTIONS.keys() - set(protections)
        self.missing -= {"other-user"} if protections >= cage.ISOLATION else set()
        if self.missing:
            for path in (path for specimen in self.specimens if specimen.kind == "attack" for path in specimen.files):
                path.unlink()
            self.specimens = [specimen for specimen in self.specimens if specimen.kind != "attack"]
        self.before = {path: path.read_bytes() for path in _plain_files(folder / "submissions")}
        with _listening() as self.heard:
            if as_ordinary_user:
                _grade_as_ordinary_user(folder / "submissions", self.out, run)
                self.records = read_all(self.out / "rows")
            else:
                self.records = grading.grade_folder(folder / "submissions", self.out, jobs=2)
        self.left = zoo.leftovers(self.specimens)
        self.rows = {record.student: record for record in self.records}

    def _keep(self, folder, chosen):
        """Keep some specimens, and what the tests name."""
        names = NAMED | {specimen.name for specimen in chosen}
        kept = [specimen for specimen in self.specimens if specimen.name in names]
        zoo.keep(folder, self.specimens, kept)
        self.specimens = kept


def _grade_as_ordinary_user(submissions, out, run):
    """Grade a folder by the command, on two workers. out: a new folder in one that the user gets. run: a Run."""
    pickled = out.parent.with_name("run.pickle")
    pickled.write_bytes(pickle.dumps(run))
    given = ["--give", str(out.parent), "--give", tempfile.gettempdir()]
    shown = [*given, "--show", str(submissions), "--show", str(pickled)]
    command = [*AS_USER, *shown, "--", sys.executable, "-c", COMMAND, str(pickled), "grade", str(submissions)]
    subprocess.run([*command, "--out", str(out), "--jobs", "2"], cwd=ROOT, check=True, timeout=HANGS)


def _plain_files(folder):
    return (path for path in folder.iterdir() if path.is_file() and not path.is_symlink() and path.stat().st_size < 10**6)


@contextlib.contextmanager
def _listening():
    heard, server = [], socket.create_server(("127.0.0.1", zoo.PORT))
    server.settimeout(0.2)
    over = threading.Event()

    def listen():
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                heard.append(server.accept()[1])

    thread = threading.Thread(target=listen)
    thread.start()
    yield heard
    over.set()
    thread.join()
    server.close()


WHICH = [SOME, *(pytest.param(who, marks=pytest.mark.long) for who in ("as whoever runs the tests", "as an ordinary user"))]


@pytest.fixture(scope="module", params=WHICH)
def graded(tmp_path_factory, run, request):
    """The Zoo: whole, graded as whoever runs the tests; what tries the cage, as an ordinary user; or some of each kind."""
    ordinary = request.param == "as an ordinary user"
    if ordinary and os.geteuid() != 0:
        pytest.skip("whoever runs the tests is an ordinary user")
    if ordinary and not protections_of_an_ordinary_user() >= cage.ISOLATION:
        pytest.skip("this machine does not allow an ordinary user namespaces")
    with pytest.MonkeyPatch.context() as patch:
        quick = dataclasses.replace(run, seconds=5.0)  # of computing: the slowest honest one takes two
        patch.setattr(grading.Run, "drawn", lambda: quick)
        patch.setattr(judging.limits, "OWN_CHECK_CPU_SECONDS", quick.seconds)
        temporary = str(tmp_path_factory.mktemp("temporary"))
        patch.setenv("TMPDIR", temporary)
        patch.setattr(tempfile, "tempdir", temporary)
        return Zoo(tmp_path_factory.mktemp("zoo"), quick, request.param)


def test_every_submission_ends_in_exactly_one_row(graded):
    students = [specimen.name for specimen in graded.specimens]
    assert sorted(graded.rows) == sorted(students)
    with (graded.out / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["student"].lstrip("'") for row in rows) == sorted(students)
    assert len(rows) == len(graded.records) >= graded.at_least
    assert {specimen.kind for specimen in graded.specimens} == {"honest", "broken", "attack"} or graded.missing


@pytest.mark.parametrize("kind", ["honest", "broken", "attack"])
def test_the_verdicts_and_mistakes_are_those_expected(graded, kind):
    if kind == "attack" and graded.missing:
        pytest.skip(f"attacks need a machine that allows all protections; this one lacks {', '.join(sorted(graded.missing))}")
    for specimen in (specimen for specimen in graded.specimens if specimen.kind == kind):
        record = graded.rows[specimen.name]
        assert record.verdict in specimen.verdicts, (specimen.name, record.note)
        for exercise, expected in specimen.expected.items():
            result = record.exercises[exercise]
            assert result.verdict in expected, (specimen.name, exercise, result)
            if exercise in specimen.mistakes:
                assert set(result.mistakes) == set(specimen.mistakes[exercise]), (specimen.name, exercise)


def test_nobody_gets_points_for_what_was_not_solved(graded):
    marking = rubric.load()
    for specimen in graded.specimens:
        points = marking.score(graded.rows[specimen.name], {})
        for exercise, share in specimen.points_at_most.items():
            assert points[exercise] <= share * marking.points[exercise] + 0.01, (specimen.name, exercise)


def test_the_optional_part_gives_its_points_on_top_and_only_where_it_is_solved(graded):
    marking = rubric.load()
    bonus = {name: marking.bonus_of(marking.score(record, {})) for name, record in graded.rows.items()}
    kept = [sum(2 * marking.kept[mistake] for _, mistake in changes.values()) for changes in zoo.OPTIONAL_MISTAKEN]
    expected = {"bonus-loops": 8, "bonus-at-once": 8, "bonus-mistaken-1": kept[0], "bonus-mistaken-2": kept[1], "bonus-partly": 2}
    assert {name: points for name, points in bonus.items() if points} == pytest.approx(expected)
    assert marking.total(marking.score(graded.rows["bonus-loops"], {})) == 29


def test_a_right_python_file_has_all_points_and_a_note_on_its_answers_and_all_were_isolated(graded):
    marking = rubric.load()
    assert marking.total(marking.score(graded.rows["pythonic"], {})) == 21
    assert graded.rows["pythonic"].note == "pythonic.py is a Python file, in which no answer to a question is looked for."
    assert {record.isolation for record in graded.records} == {""}


def test_what_is_stopped_or_cannot_be_read_says_why(graded):
    for record in graded.records:
        for name, result in record.exercises.items():
            assert result.verdict != "stopped" or re.search(rf"{name} was stopped\.\n\w.+[.?)]", result.message)
        assert record.verdict == "graded" or record.note.endswith(".")


def test_no_file_no_process_and_no_connection_is_left(graded):
    assert graded.left == []
    assert list(graded.temporary.glob("grading-*")) == []
    assert _processes_that_stay() == []
    assert graded.heard == []


def _processes_that_stay():
    """Return the processes of submissions that are there for long: other tests may run some meanwhile."""
    stay, deadline = None, time.monotonic() + HANGS
    while stay != [] and time.monotonic() < deadline:
        now = [path for path in Path("/proc").glob("[0-9]*") if _owner(path) >= FIRST_USER]
        stay = now if stay is None else [path for path in stay if path in now]
        time.sleep(0.2)
    return stay


def _owner(path):
    try:
        return path.stat().st_uid
    except OSError:
        return -1


def _protections():
    with Sandbox() as sandbox:
        return set(sandbox.protections)


def test_the_submissions_are_as_they_were(graded):
    for path, content in graded.before.items():
        assert path.read_bytes() == content, path.name


def test_the_pages_hold_nothing_active_and_nothing_of_the_attacks(graded):
    found = [*graded.out.glob("feedback/*.html"), *graded.out.glob("marking/*.html"), graded.out / "summary.html"]
    assert len(found) == len(graded.records) + 10
    for page in found:
        Passive(page.name).feed(page.read_text(encoding="utf-8"))
    assert zoo.MARK not in (graded.out / "grades.csv").read_text(encoding="utf-8")


class Passive(HTMLParser):
    """Fails on anything in a page that acts or asks for something."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def handle_starttag(self, tag, attributes):
        assert tag != "svg" or self.name == "summary.html", self.name  # its charts
        assert tag not in {"script", "iframe", "object", "embed", "link", "form", "base", "audio", "video"}, self.name
        for name, value in attributes:
            assert not name.startswith("on"), (self.name, tag)
            if name == "src":
                assert value.startswith("data:image/"), (self.name, value[:80])
            if name == "href":  # to another page of ours
                assert re.fullmatch(r"#[\w-]+|(feedback|marking)/[\w.-]+\.html", value), (self.name, value[:80])


def test_feedback_shows_own_figures_and_what_was_wrong(graded):
    page = (graded.out / "feedback" / f"{safe.file_name('crossentropy')}.html").read_text(encoding="utf-8")
    assert "Cross-entropy loss instead of the score" in page
    wrong = [result for result in graded.rows["crossentropy"].exercises.values() if result.verdict == "wrong"]
    assert all(result.evidence and result.reported for result in wrong)
    assert page.count("This was reported while your code ran.") == len(wrong) > 0
    page = (graded.out / "feedback" / f"{safe.file_name('autograd')}.html").read_text(encoding="utf-8")
    figure = Image.open(io.BytesIO(base64.b64decode(graded.rows["autograd"].figures["saliency-figure"][0])))
    shown = [Image.open(io.BytesIO(base64.b64decode(found))) for found in re.findall(r"data:image/jpeg;base64,([\w+/=]+)", page)]
    small = [np.asarray(one.convert("RGB").resize((32, 32)), float) for one in (figure, *shown)]
    assert min(np.abs(one - small[0]).mean() for one in small[1:]) < 8  # of 255: it is smaller, and a JPEG


# A few submissions, for what costs a run of its own


@pytest.fixture(scope="module")
def run_file(tmp_path_factory, run):
    """The path of a pickled Run."""
    path = tmp_path_factory.mktemp("run") / "run.pickle"
    path.write_bytes(pickle.dumps(run))
    return path


@pytest.fixture(scope="module")
def command(run_file):
    """The command `grade`, by a Python that has just started, as a list of arguments."""
    return [sys.executable, "-c", COMMAND, str(run_file), "grade"]


@pytest.fixture
def some(tmp_path):
    """A folder of eight submissions, three of them right."""
    folder = tmp_path / "submissions"
    folder.mkdir()
    for name in ("ada", "ben", "cleo"):
        (folder / f"{name}.py").write_text(RIGHT, encoding="utf-8")
    for name in ("dan", "eve", "fay", "gil", "hal"):
        (folder / f"{name}.py").write_text(f"# {name}\nimport time\ntime.sleep(1)\n", encoding="utf-8")
    return folder


def _rows(out):
    return {path.stem: (path.stat().st_mtime_ns, path.read_bytes()) for path in (out / "rows").glob("*.json")}


def _wait_for_rows(out, count, process):
    deadline = time.monotonic() + HANGS
    while len(_rows(out)) < count:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _children(pid):
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def _workers(process):
    """Return the process ids of the grader's workers: they are forks of it, while its sandboxes have a command of their own."""
    own = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    return [pid for pid in _children(process.pid) if Path(f"/proc/{pid}/cmdline").read_bytes() == own]


def _have_ended(pids):
    deadline = time.monotonic() + HANGS
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.long
def test_a_run_goes_on_without_a_worker_that_is_killed_and_is_finished_by_resume_after_its_parent_is(
    command, run_file, some, tmp_path
):
    out = tmp_path / "grades"
    command = [*command, some, "--out", out, "--jobs", "2"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _wait_for_rows(out, 1, process)
    os.kill(_workers(process)[0], signal.SIGKILL)
    _wait_for_rows(out, 3, process)
    workers = _workers(process)
    process.kill()
    _, said = process.communicate()
    assert "Traceback" not in said
    for meaning in cage.PROTECTIONS.values():
        assert f"in force: {meaning}" in said
    first = _rows(out)
    assert 3 <= len(first) < 8
    assert _have_ended(workers)

    done = forked_command(run_file, "grade", some, "--out", out, "--jobs", "1", "--resume")
    assert done.returncode == 0, done.stderr
    last = _rows(out)
    assert {name: last[name] for name in first} == first
    with (out / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        assert [(row["student"], row["total"]) for row in csv.DictReader(file)] == [
            *((name, "21") for name in ("ada", "ben", "cleo")),
            *((name, "0") for name in ("dan", "eve", "fay", "gil", "hal")),
        ]


@pytest.mark.long
@pytest.mark.parametrize("rows", [0, 1], ids=["while the workers start", "while they grade"])
def test_ctrl_c_ends_all_with_one_sentence_and_leaves_nothing_but_the_rows(command, some, tmp_path, rows):
    out, temporary = tmp_path / "grades", tmp_path / "temporary"
    temporary.mkdir()
    started = {"cwd": ROOT, "env": {**os.environ, "TMPDIR": str(temporary)}, "stderr": subprocess.PIPE, "text": True}
    # whoever started the tests may have had Ctrl-C ignored, as a shell has it for what it runs in the background
    started |= {"start_new_session": True, "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    process = subprocess.Popen([*command, some, "--out", out, "--jobs", "2"], **started)
    if rows:
        _wait_for_rows(out, rows, process)
    while not list(temporary.glob("grading-*/grading-*/scratch")) or not _workers(process):
        assert process.poll() is None
        time.sleep(0.05)
    workers = _workers(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all that it started
    _, said = process.communicate(timeout=HANGS)
    assert process.returncode == 1
    kept = len(_rows(out))
    results = "1 result is" if kept == 1 else f"{kept} results are"
    assert f"Interrupted. {results} kept in {out}/rows: continue with --resume." in said
    assert "Traceback" not in said
    assert _have_ended(workers)
    assert list(temporary.glob("grading-*")) == []


@pytest.mark.long
def test_a_temporary_folder_without_room_ends_the_run_with_one_sentence(command, some, tmp_path):
    out, temporary = tmp_path / "grades", tmp_path / "small"
    temporary.mkdir()
    full = "import ctypes, os, sys\nfrom pathlib import Path\nlibc = ctypes.CDLL(None)\n"
    full += "libc.unshare(0x20000)\nlibc.mount(None, b'/', None, 1 << 18 | 1 << 14, None)\n"
    full += "failed = libc.mount(b'none', os.fsencode(sys.argv[1]), b'tmpfs', 0, b'size=2m')\n"
    full += "os.execvp(sys.argv[2], sys.argv[2:]) if not failed else sys.exit(77)\n"
    some = [*command, some, "--out", out, "--jobs", "2"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run(
        [sys.executable, "-c", full, temporary, *some], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HANGS
    )
    if done.returncode == 77:
        pytest.skip("only root can mount a small disk")
    assert done.returncode == 1, done.stderr
    assert "No space left on device" in done.stderr
    assert "TMPDIR" in done.stderr
    assert "0 results are kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert _rows(out) == {}


def _notebook(folder, name, answer):
    cells = [
        nbformat.v4.new_code_cell(zoo.RIGHT_CODE[zoo.SALIENCY]),
        nbformat.v4.new_markdown_cell("### Inline question 1 · **Points** 4\n\nIs your friend right?"),
        nbformat.v4.new_markdown_cell(answer),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{name}.ipynb")


@pytest.mark.long
def test_marks_are_merged_and_what_was_graded_is_kept_unless_the_file_has_changed(tmp_path, run, monkeypatch):
    monkeypatch.setattr(grading.Run, "drawn", lambda: run)
    monkeypatch.setattr(
        grading, "started_ahead", lambda count, launcher: contextlib.nullcontext()
    )  # without workers, it grades here
    folder, out = tmp_path / "submissions", tmp_path / "grades"
    folder.mkdir()
    _notebook(folder, "ada", "No: the sign is lost.")
    _notebook(folder, "ben", "Yes.")
    _notebook(folder, "dan", "Perhaps.")
    grading.grade_folder(folder, out)
    rows = _rows(out)
    marks = out / "marking" / "question-1.csv"
    filled = marks.read_text(encoding="utf-8-sig").replace('"ada","",""', '"ada","3.5","Well seen"')
    marks.write_text(filled, encoding="utf-8")
    _notebook(folder, "ben", "No.")
    without = json.loads((out / "rows" / "dan.json").read_text(encoding="utf-8"))  # as a kit without the optional part wrote it
    del without["exercises"]["transform_images"]
    (out / "rows" / "dan.json").write_text(json.dumps(without), encoding="utf-8")
    (folder / "cleo.py").write_text("def compute_saliency_maps(X, y, model):\n    return None\n", encoding="utf-8")
    assert main(["grade", str(folder), "--out", str(out), "--resume"]) == 0
    assert {name for name, row in _rows(out).items() if row != rows.get(name)} == {"ben", "cleo", "dan"}
    with (out / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        found = {row["student"]: (row["question-1"], row["total"]) for row in csv.DictReader(file)}
    assert found == {"ada": ("3.5", "10.5"), "ben": ("", "7"), "cleo": ("0", "0"), "dan": ("", "7")}
    assert '"ada","3.5","Well seen"' in marks.read_text(encoding="utf-8-sig")
    assert "Well seen" in (out / "feedback" / f"{safe.file_name('ada')}.html").read_text(encoding="utf-8")
    assert json.loads((out / "rows" / "ben.json").read_text(encoding="utf-8"))["answers"]["question-1"] == "No."


def test_two_runs_draw_other_inputs(monkeypatch):
    seeds = []

    def exam(seed, computed, later):
        assert later == LATER
        seeds.append(seed)
        assert list(computed(lambda key: key.upper(), ["a", "b"])) == [("a", "A"), ("b", "B")]

    monkeypatch.setattr("cs231n.instructor.grading.run.drawn_exam", exam)
    monkeypatch.setattr("cs231n.instructor.grading.run.drawn_photographs", lambda seed, *_: seeds.append(seed) or "photographs")
    monkeypatch.setattr("cs231n.instructor.grading.processes.FORKS", False)  # so that it is drawn in this very process
    monkeypatch.setattr("cs231n.instructor.grading.run.exercise", lambda key: types.SimpleNamespace(drawing_seconds=1))
    assert grading.Run.drawn().photographs == grading.Run.drawn().photographs == "photographs"
    assert len(set(seeds)) == 4


def test_an_earlier_run_is_not_overwritten(some, tmp_path, capsys):
    out = tmp_path / "grades"
    (out / "rows").mkdir(parents=True)
    (out / "rows" / "ada.json").write_text("{}", encoding="utf-8")
    assert main(["grade", str(some), "--out", str(out)]) == 2
    assert "--resume" in capsys.readouterr().err
    assert (out / "rows" / "ada.json").read_text(encoding="utf-8") == "{}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "--out", "grades"], "nowhere is not a folder"),
        (["empty", "--out", "grades"], "There is no submission in"),
        (["some", "--out", "grades", "--jobs", "0"], "--jobs is 0; expected 1 or more"),
        (["some", "--out", "grades", "--rubric", "none.toml"], "none.toml"),
        (["some", "--out", "grades", "--backend", "dask"], "--backend dask and --scheduler ADDRESS go together"),
        (["some", "--out", "grades", "--scheduler", "tcp://127.0.0.1:1"], "--backend dask and --scheduler ADDRESS go together"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("some").mkdir()
    Path("some/ada.py").write_text(RIGHT, encoding="utf-8")
    assert main(["grade", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not Path("grades").exists()


def _wait_for_port(port, process):
    """Wait until a process listens: on a busy machine its start takes longer than the grader waits for an answer."""
    while True:
        assert process.poll() is None
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)


@contextlib.contextmanager
def _cluster(tmp_path, scheduler_in, workers_in):
    """A cluster of Dask: yields its address. scheduler_in, workers_in: the folders to start its scheduler and workers in."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    start = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    join = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", "1", "--nthreads", "1", "--no-dashboard"]
    local = [*join, "--local-directory", str(tmp_path)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [(start, scheduler_in), *((local, folder) for folder in workers_in)]
    cluster = [subprocess.Popen(command, cwd=folder, **quiet) for command, folder in started]
    try:
        _wait_for_port(port, cluster[0])
        yield address
    finally:
        for process in reversed(cluster):
            process.terminate()
        for process in cluster:
            process.wait(HANGS)


@pytest.mark.long
def test_a_dask_cluster_grades_as_this_machine_does(run_file, some, tmp_path):
    for name in ("ben", "cleo", "gil", "hal"):
        (some / f"{name}.py").unlink()
    with _cluster(tmp_path, ROOT, [ROOT, ROOT]) as address:
        more = ["--jobs", "2", "--backend", "dask", "--scheduler", address]
        done = forked_command(run_file, "grade", some, "--out", tmp_path / "grades", *more)
    assert done.returncode == 0, done.stderr
    records = read_all(tmp_path / "grades" / "rows")
    verdicts = {record.student: [result.verdict for result in record.exercises.values()] for record in records}
    assert verdicts == {
        "ada": ["right"] * 3 + ["missing"] * 4,
        **{name: ["missing"] * 7 for name in ("dan", "eve", "fay")},
    }


@pytest.mark.long
@pytest.mark.parametrize("without", ["scheduler", "worker"])
def test_a_dask_cluster_without_the_kit_is_refused_with_one_sentence(run_file, some, tmp_path, without):
    scheduler, worker = (tmp_path if without == name else ROOT for name in ("scheduler", "worker"))
    with _cluster(tmp_path, scheduler, [worker]) as address:
        more = ["--jobs", "2", "--backend", "dask", "--scheduler", address]
        done = forked_command(run_file, "grade", some, "--out", tmp_path / "grades", *more)
    assert done.returncode == 2, done.stderr
    assert f"{without} of Dask at {address} cannot import the kit (No module named 'cs231n')" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_scheduler_that_does_not_answer_is_named(some, tmp_path, run, monkeypatch, capsys):
    monkeypatch.setattr(grading.Run, "drawn", lambda: run)
    monkeypatch.setattr(on_dask, "DASK_SECONDS", 1)
    address = "tcp://127.0.0.1:9"
    assert main(["grade", str(some), "--out", str(tmp_path / "grades"), "--backend", "dask", "--scheduler", address]) == 2
    assert f"No scheduler of Dask answers at {address}" in capsys.readouterr().err
