"""How long an instructor waits for `grade`: for the first result of a few files, of one more file, and with nothing new.

    python tests/benchmarks/grading_wait.py [--submissions 2] [--jobs 2] [--rounds 3] [--kit FOLDER ...]

With several kits, such as a checkout of an earlier commit beside this one, each round asks one after the other. Beside the
seconds by the clock are those of computing, of all processes until the command's end: other work on the machine changes them
less.
"""

# isort: off
from kit import ROOT  # first: the other imports need it

# isort: on
import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmark_report import Report, add_options, machine
from grading import class_of, handed_in, written

from cs231n.instructor.release.edition import edition

NEW = "a new run, its first result"
ONE_MORE, NOTHING = "`--resume` with one more file, its first result", "`--resume`, nothing new, its end"
PAUSE = 0.02  # seconds between two looks for a result


def main(arguments=None):
    """Measure, print the table and write it. Returns 0, or 1 if grading failed."""
    options = parsed(arguments)
    report = Report("grading wait", options.out, options.results)
    load, waits = os.getloadavg()[0], {}
    notebook, students = handed_in(edition()[1]), class_of(options.submissions + 1)
    try:
        for _ in range(options.rounds):
            for kit in options.kit:
                with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
                    for name, seconds in waits_of(kit, students, notebook, options.jobs, Path(folder)):
                        print(f"{kit}: {name}: {seconds[0]:.1f} s, {seconds[1]:.1f} s of computing", file=sys.stderr)
                        waits.setdefault((name, kit), []).append(seconds)
    except RuntimeError as error:
        print(f"grading_wait.py: {error}", file=sys.stderr)
        return 1
    report.write(table(options, waits, load), rows(waits))
    return 0


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--submissions", type=int, default=2, metavar="N", help="files of the new run (default: 2)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="workers (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often (default: 3)")
    parser.add_argument("--kit", type=Path, nargs="+", default=[ROOT], metavar="FOLDER", help="the kits (default: this one)")
    add_options(parser)
    options = parser.parse_args(arguments)
    for name in ("submissions", "jobs", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; expected 1 or more.")
    return options


def waits_of(kit, students, notebook, jobs, folder):
    """Yield (what was waited for, (seconds by the clock, seconds of computing until the end)) of one kit's three runs."""
    submissions, grades = folder / "submissions", folder / "grades"
    submissions.mkdir()
    for student in students[:-1]:
        (submissions / f"{student.name}.ipynb").write_bytes(written(notebook, student))
    yield NEW, wait(kit, submissions, grades, jobs)
    (submissions / f"{students[-1].name}.ipynb").write_bytes(written(notebook, students[-1]))
    yield ONE_MORE, wait(kit, submissions, grades, jobs, "--resume")
    yield NOTHING, wait(kit, submissions, grades, jobs, "--resume", until_the_end=True)


def wait(kit, submissions, grades, jobs, *more, until_the_end=False):
    """Run `grade`; return (seconds until its first new result or its end, seconds of computing). Raises RuntimeError."""
    command = [sys.executable, "-m", "cs231n.instructor", "grade", submissions, "--out", grades, "--jobs", str(jobs), *more]
    before, computed, first = set(grades.glob("rows/*.json")), _computed(), None
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        run = subprocess.Popen(command, cwd=kit, stdout=said, stderr=said)
        while run.poll() is None:
            if first is None and not until_the_end and set(grades.glob("rows/*.json")) - before:
                first = time.perf_counter() - started
            time.sleep(PAUSE)
        ended = time.perf_counter() - started
        if run.returncode != 0:
            said.seek(0)
            raise RuntimeError(f"`{' '.join(map(str, command))}` ended with exit code {run.returncode}:\n{said.read()[-3000:]}")
    return ended if first is None else first, _computed() - computed


def _computed():
    """Return the seconds that processes have computed which this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def medians(waits):
    """Return {(what was waited for, kit): (seconds by the clock, seconds of computing)}, the medians of all rounds."""
    return {key: tuple(map(statistics.median, zip(*seconds, strict=True))) for key, seconds in waits.items()}


def table(options, waits, load):
    """Return the machine and the measurements in Markdown."""
    heads = [f"{kit.name}: {kind}, s" for kit in options.kit for kind in ("clock", "computing")]
    lines = [
        f"{machine('torch', 'joblib')}. Load before: {load:.1f}. Submissions: {options.submissions}, workers: {options.jobs}. "
        f"Medians of {options.rounds} rounds.",
        "",
        f"| seconds until | {' | '.join(heads)} |",
        f"|{'---|' * (len(heads) + 1)}",
    ]
    found = medians(waits)
    for name in (NEW, ONE_MORE, NOTHING):
        lines.append(f"| {name} | {' | '.join(f'{number:.1f}' for kit in options.kit for number in found[name, kit])} |")
    return "\n".join(lines)


def rows(waits):
    """Return the entries of results.json."""
    common = {"percent_of_limit": None, "peak_mib": None, "peers_s": {}}
    return [
        {"row": f"grading wait, {name} ({kit.name})", "ours_s": round(clock, 3), **common}
        for (name, kit), (clock, _) in medians(waits).items()
    ]


if __name__ == "__main__":
    sys.exit(main())
