"""How long grading a class takes, here and by nbgrader's autograde, and how much memory our workers take.

    python tests/benchmarks/grading.py [--submissions 300] [--nbgrader 4] [--jobs 2] [--out FILE.md] [--results FILE.json]

A class's notebooks are graded in parts, each followed by one of the same notebooks in nbgrader: what slows the machine down
for a while slows both. Either side is measured as a command, from its start to its end.
"""

# isort: off
from kit import ROOT  # first: the other imports need it

# isort: on
import argparse
import contextlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from benchmark_report import Report, add_options, machine
from helpers import zoo

from cs231n.datasets import sources
from cs231n.instructor.release.edition import NOTEBOOK, edition

RIGHT = {zoo.SALIENCY: 0.73, zoo.FOOLING: 0.49, zoo.STEP: 0.48}  # shares of 91 public solutions
OPTIONAL = 0.3  # of the class solve the optional part, all of it: a guess
RIGHT_CODES = [zoo.RIGHT_CODE, zoo.BY_AUTOGRAD, zoo.BY_HOOKS]
ASSIGNMENT = "viz"
PACKAGES = "torch", "joblib", "nbgrader", "nbclient", "ipykernel"
FOLDERS = 4  # times the size of its notebooks is what a part needs on the disk at most: pages and records hold the figures, too
# In the command line of what the grader starts: how many forks of it are between that and a sandbox.
STARTED = {"inside.child": 0, "inside.launching": 1}
PAUSE = 0.2  # seconds between two looks at the memory
MINUTES, FASTER, WORKER_MIB = 6, 5, 1536  # what was asked for: 300 submissions, against nbgrader, a worker's memory


def main(arguments=None):
    """Measure, print the table and write it. Returns 0; 1 if grading failed, 2 if something is lacking, both told."""
    options = parsed(arguments)
    try:
        report = Report("grading", options.out, options.results)
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            measured = measurements(options, Path(folder))
    except (ValueError, OSError) as error:
        print(f"grading.py: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(f"grading.py: The measurement was given up. {error}", file=sys.stderr)
        return 1
    lines = table(options, measured)
    report.write(lines, rows(options, measured))
    return 0


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--submissions", type=int, default=300, metavar="N", help="size of the class (default: 300)")
    parser.add_argument("--nbgrader", type=int, default=4, metavar="N", help="of these by nbgrader; as many parts (default: 4)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="workers of ours (default: 2)")
    add_options(parser)
    options = parser.parse_args(arguments)
    if options.submissions < 1:
        parser.error(f"--submissions is {options.submissions}; expected 1 or more.")
    if not 1 <= options.nbgrader <= options.submissions:
        parser.error(f"--nbgrader is {options.nbgrader}; expected 1 to {options.submissions}, the number of submissions.")
    if options.jobs < 2:
        parser.error(f"--jobs is {options.jobs}; expected 2 or more, since with one job there is no worker to look at.")
    return options


# What students hand in


@dataclass(frozen=True)
class Student:
    """name: of the student. codes, verdicts: {exercise: source}, {exercise: what grading must say of it}."""

    name: str
    codes: dict
    verdicts: dict


def class_of(count):
    """Return so many Students; the same ones each time. As many are right in an exercise as in the public solutions.

    The optional part is right with some of them and left as it is with the others.
    """
    draw, codes, verdicts = random.Random(231), [{} for _ in range(count)], [{} for _ in range(count)]
    for exercise, share in RIGHT.items():
        right = [i < round(share * count) for i in range(count)]
        draw.shuffle(right)
        for i, is_right in enumerate(right):
            code = draw.choice(RIGHT_CODES) if is_right else draw.choice(zoo.MISTAKEN)[1]
            codes[i][exercise], verdicts[i][exercise] = code[exercise], "right" if is_right else "wrong"
    does_more = set(draw.sample(range(count), round(OPTIONAL * count)))
    for i in range(count):
        for exercise in zoo.OPTIONAL:
            code = draw.choice([zoo.OPTIONAL_CODE, zoo.OPTIONAL_AT_ONCE])[exercise]
            stub = f"def {exercise}(*arguments):\n    raise NotImplementedError\n"
            codes[i][exercise] = code if i in does_more else stub
            verdicts[i][exercise] = "right" if i in does_more else "unfinished"
    return [Student(f"student-{i:03}", *both) for i, both in enumerate(zip(codes, verdicts, strict=True))]


def handed_in(released):
    """Return the student edition's notebook, parsed, with the outputs of the reference, as after "Run all".

    Those of the exercises are not there: in the reference they show the solutions.
    """
    notebook = json.loads(released[NOTEBOOK])
    reference = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))
    executed = {cell["id"]: cell for cell in reference["cells"] if cell["cell_type"] == "code"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and cell["id"] not in zoo.CELLS.values():
            cell |= {name: executed[cell["id"]][name] for name in ("outputs", "execution_count")}
    return notebook


def written(notebook, student):
    """Return the bytes of a student's notebook. notebook: what handed_in() returns.

    Whoever leaves the optional part as it is has no figures there: without the functions nothing is drawn.
    """
    own = {zoo.CELLS[exercise]: code for exercise, code in student.codes.items()}
    own |= {
        f"answer-{number}": f"{student.name} thinks, on question {number}, that the absolute value takes the sign away, and "
        "that the maximum leaves one number where three colours had one each."
        for number in range(1, 10)
    }
    cells = [cell | {"source": own.get(cell["id"], cell["source"])} for cell in notebook["cells"]]
    if "unfinished" in student.verdicts.values():
        first = min(place for place, cell in enumerate(cells) if cell["id"] in {zoo.CELLS[exercise] for exercise in zoo.OPTIONAL})
        cells[first:] = [cell | {"outputs": []} if cell["cell_type"] == "code" else cell for cell in cells[first:]]
    return json.dumps(notebook | {"cells": cells}, indent=1).encode()


def parts_of(students, count):
    """Return `count` lists of students, as equal in length as can be."""
    return [students[i::count] for i in range(count)]


# Ours


@dataclass
class Part:
    """What was measured of one command: `submissions` graded in `seconds`, with so many cores of the machine at work.

    first: seconds until the first of them was graded, None of nbgrader.
    peaks: {"parent" | "worker" | "sandbox" | "submission": {process: the most bytes that were resident}}.
    """

    submissions: int
    seconds: float
    cores: float
    first: float | None
    peaks: dict


def ours(students, notebook, jobs, folder):
    """Grade the students' notebooks by our command and return the Part; what it wrote is deleted."""
    submissions, grades, log = folder / "submissions", folder / "grades", folder / "log.txt"
    submissions.mkdir()
    for student in students:
        (submissions / f"{student.name}.ipynb").write_bytes(written(notebook, student))
    command = [sys.executable, "-m", "cs231n.instructor", "grade", submissions, "--out", grades, "--jobs", str(jobs)]
    first, peaks = None, {role: {} for role in ("parent", "worker", "sandbox", "submission")}
    with Stopwatch() as watch, log.open("w") as said, ended(subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said)) as run:
        while run.poll() is None:
            look_at_memory(run.pid, peaks)
            if first is None and any(grades.glob("rows/*.json")):
                first = watch.so_far()
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(PAUSE)
    require_success(command, run.returncode, log.read_text())
    require_verdicts(students, grades)
    for path in (submissions, grades):
        shutil.rmtree(path)
    return Part(len(students), watch.seconds, watch.cores, first, peaks)


def look_at_memory(number, peaks):
    """Note in `peaks` how much is resident now of the command of that process number, and of the processes below it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(number)
        family = [parent, *parent.children(recursive=True)]
        commands = {}
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                commands[process.pid] = process.ppid(), " ".join(process.cmdline())
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess, KeyError):  # KeyError: it has ended meanwhile
                role = role_of(process, parent, commands)
                if role:
                    peaks[role][process] = max(peaks[role].get(process, 0), process.memory_info().rss)


def role_of(process, parent, commands):
    """Return the role of a process, None for others. commands: {number of a process: (number of its parent, its command line)}.

    Workers are forks of the command itself, with its command line, and so are the processes that draw the exam before them.
    Sandboxes are forks of a process that the command starts, or are started themselves.
    """
    above, command = commands[process.pid]
    if process == parent:
        return "parent"
    for started, least in STARTED.items():
        if started in command:
            forks = 0
            while started in commands.get(above, (0, ""))[1]:
                above, forks = commands[above][0], forks + 1
            return None if forks < least else "sandbox" if forks == least else "submission"
    return "worker" if above == parent.pid and command == commands[parent.pid][1] else None


def require_verdicts(students, grades):
    """Raise RuntimeError unless each exercise got the verdict it deserves: what is graded wrongly is no measure of time."""
    for student in students:
        record = json.loads((grades / "rows" / f"{student.name}.json").read_text(encoding="utf-8"))
        given = {exercise: result["verdict"] for exercise, result in record["exercises"].items()}
        if given != student.verdicts:
            raise RuntimeError(f"{student.name} was graded {given}; expected {student.verdicts}.")


# nbgrader's


def new_course(released, course):
    """Make a course of nbgrader that has released the student edition.

    The notebook runs in the folder to which nbgrader copies it, and with it the files that are not notebooks: package, data.
    """
    source = course / "source" / ASSIGNMENT
    for name, content in released.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    for name in data_files():
        (source / "datasets" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "datasets" / name, source / "datasets" / name)
    nbgrader(course, "generate_assignment", ASSIGNMENT)


def data_files():
    """Return the names, below datasets/, of the data that is here. Raises ValueError if what the notebook needs is not."""
    held = {name: source.required for source in sources().values() for name in source.holds}
    missing = [name for name, required in held.items() if required and not (ROOT / "datasets" / name).is_file()]
    if missing:
        raise ValueError(f"datasets/{missing[0]} is not there. Run `make data` first.")
    names = [name for name in held if (ROOT / "datasets" / name).is_file()]
    return names + [f"{name}.sha256" for name in names if (ROOT / "datasets" / f"{name}.sha256").is_file()]


def theirs(student, notebook, course):
    """Grade a student's notebook by nbgrader and return the Part."""
    path = course / "submitted" / student.name / ASSIGNMENT / NOTEBOOK
    path.parent.mkdir(parents=True)
    path.write_bytes(written(notebook, student))
    with Stopwatch() as watch:
        nbgrader(course, "autograde", ASSIGNMENT, "--student", student.name)
    require_executed(course / "autograded" / student.name / ASSIGNMENT / NOTEBOOK)
    return Part(1, watch.seconds, watch.cores, None, {})


def nbgrader(course, *arguments):
    """Run a command of nbgrader in the course's folder, as in the activated environment."""
    environment = {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=course, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    require_success(command, done.returncode, done.stdout)


def require_executed(path):
    """Raise RuntimeError unless the notebook ran with package and data: up to the first exercise nothing may fail."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["id"] in zoo.CELLS.values():
            return
        failed = [output for output in cell.get("outputs", []) if output["output_type"] == "error"]
        if failed:
            raise RuntimeError(f"In nbgrader the cell {cell['id']} failed: {failed[0]['ename']}: {failed[0]['evalue']}")


# Measuring


class Stopwatch:
    """A context; afterwards `seconds` is how long it took, and `cores` how many of the machine's were at work on average."""

    def __enter__(self):
        self._started, self._before = time.perf_counter(), _work()
        return self

    def so_far(self):
        return time.perf_counter() - self._started

    def __exit__(self, *_):
        self.seconds = self.so_far()
        self.cores = (_work() - self._before) / self.seconds


def _work():
    times = psutil.cpu_times()
    return times.user + times.system


@contextlib.contextmanager
def ended(process):
    """The process of a Popen, which is killed if the context is left too early."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def require_success(command, code, said):
    if code != 0:
        raise RuntimeError(f"`{' '.join(map(str, command))}` ended with exit code {code}:\n{said[-3000:]}")


@dataclass
class Measured:
    """ours, theirs: Parts. start: seconds that nbgrader takes to start. size: of a notebook, bytes. load: before the run."""

    ours: list
    theirs: list
    start: float
    size: int
    load: float


def measurements(options, folder):
    """Measure all, part by part, and return the Measured. Raises ValueError if something is lacking, before the start."""
    released = edition()[1]
    notebook, students = handed_in(released), class_of(options.submissions)
    parts = parts_of(students, options.nbgrader)
    size = len(written(notebook, students[0]))
    require_space(folder, FOLDERS * size * len(parts[0]))
    course, load = folder / "course", os.getloadavg()[0]
    new_course(released, course)
    found = Measured([], [], nbgraders_start(course), size, load)
    for number, part in enumerate(parts, 1):
        found.ours.append(ours(part, notebook, options.jobs, folder))
        found.theirs.append(theirs(part[0], notebook, course))
        own, other = each_of(found.ours)[-1], each_of(found.theirs)[-1]
        told = f"ours {own:.2f} s a submission, nbgrader {other:.1f} s"
        print(f"Part {number} of {len(parts)}: {told}", file=sys.stderr)
    return found


def require_space(folder, needed):
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ValueError(f"{folder.parent} has {free / 1e9:.1f} GB left; {needed / 1e9:.1f} GB are needed. Set TMPDIR.")


def nbgraders_start(course):
    """Return the seconds that nbgrader's command takes before it does anything, the median of three."""
    seconds = []
    for _ in range(3):
        with Stopwatch() as watch:
            nbgrader(course, "autograde", "--version")
        seconds.append(watch.seconds)
    return statistics.median(seconds)


# What is told


def rows(options, found):
    """Return the entries of results.json."""
    each, whole = statistics.median(each_of(found.ours)), sum(part.seconds for part in found.ours)
    peers = {"nbgrader": round(statistics.median(each_of(found.theirs)), 3)}
    common = {"percent_of_limit": None, "peak_mib": round(max(peaks(found, "worker")), 1)}
    return [
        {"row": "grading, a submission", "ours_s": round(each, 3), "peers_s": peers, **common},
        {"row": f"grading, {options.submissions} submissions", "ours_s": round(whole, 1), "peers_s": {}, **common},
    ]


def each_of(parts):
    return [part.seconds / part.submissions for part in parts]


def later_starts(options, found):
    """Return the seconds that the parts but the first took to start, rather too few.

    A part's first result comes after its start and a worker's time for one submission.
    """
    start = min(part.first for part in found.ours) - options.jobs * statistics.median(each_of(found.ours))
    return max(0, start) * (len(found.ours) - 1)


def peaks(found, role):
    """Return the peaks of a role's processes in all parts, in MiB."""
    return [size / 2**20 for part in found.ours for size in part.peaks[role].values()]


def table(options, found):
    """Return the machine and the measurements in Markdown."""
    ours, theirs = each_of(found.ours), each_of(found.theirs)
    ratios = [(other - found.start) / own for own, other in zip(ours, theirs, strict=True)]
    parts, asked = sum(part.seconds for part in found.ours), MINUTES * options.submissions / 300
    return "\n".join(
        [
            f"{machine(*PACKAGES)}. Load before the run: {found.load:.1f}. Threads: ours one for each of {options.jobs} workers; "
            f"nbgrader's kernel as many as PyTorch takes by itself. Size of a notebook: {found.size / 1e6:.1f} MB.",
            "",
            f"| {options.submissions} submissions (parts: {len(ours)}; also in nbgrader: {len(theirs)}) | median | least to most "
            "| asked for |",
            "|---|---|---|---|",
            row("ours: seconds a submission, with a start for each part", ours, 2),
            row(f"ours: minutes for all {options.submissions}, with a start for each part", [parts / 60], 1),
            row(
                f"ours: minutes for all {options.submissions} in one run, so with one start",
                [(parts - later_starts(options, found)) / 60],
                1,
                f"at most {asked:.1f}",
            ),
            row("ours: seconds from a part's start to its first result", [part.first for part in found.ours], 1),
            row("nbgrader: seconds a submission", theirs, 1),
            row("nbgrader: its own start, of these seconds", [found.start], 1),
            row("times as many a minute, nbgrader's start not counted", ratios, 0, f"at least {FASTER}"),
            row("ours: cores at work", [part.cores for part in found.ours], 1),
            row("nbgrader: cores at work", [part.cores for part in found.theirs], 1),
            row("peak of a worker, MiB", peaks(found, "worker"), 0, f"at most {WORKER_MIB}"),
            row("peak of a worker's sandbox, MiB", peaks(found, "sandbox"), 0),
            row("peak of a submission's own processes, MiB, most of it the sandbox's", peaks(found, "submission"), 0),
            row("peak of the command itself, MiB", peaks(found, "parent"), 0),
            row("sandboxes in a part", counts(found, "sandbox"), 0, f"{options.jobs}: forks of one that imported PyTorch"),
        ]
    )


def row(text, values, digits, asked=""):
    """Return a row of the table: the median of the values, and what they lie between if there are several."""
    between = f"{min(values):.{digits}f} to {max(values):.{digits}f}" if len(values) > 1 else ""
    return f"| {text} | {statistics.median(values):.{digits}f} | {between} | {asked} |"


def counts(found, role):
    return [len(part.peaks[role]) for part in found.ours]


if __name__ == "__main__":
    sys.exit(main())
