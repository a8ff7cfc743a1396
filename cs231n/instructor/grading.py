"""Grade a folder of submissions: each becomes one record, whatever it holds, and the records become grades and pages.

Everything that a student wrote runs in the sandbox. What is right is known here alone, drawn anew for every run.
"""

import dataclasses
import json
import os
import secrets
import sys
import threading
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import joblib
import nbformat
import torch
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm

from ..checks import EXERCISES, examine
from ..checks.explanations import MISTAKES, NOTES
from ..checks.guard import own_settings
from ..checks.report import Report
from ..data_utils import load_imagenet_val
from ..image_utils import preprocess
from ..squeezenet import load_squeezenet
from ..submit import OPTIONAL_QUESTIONS, QUESTIONS
from . import pages
from . import rubric as rubrics
from .cage import PROTECTIONS
from .exam import drawn_exam, drawn_photographs
from .on_squeezenet import proved
from .reading import checked_outline
from .sandbox import ROOT, Ended, Sandbox, Stopped
from .submissions import submissions

REFERENCE = ROOT / "NetworkVisualization.ipynb"
READING = 40.0  # seconds for reading a file
EXERCISE = 30.0  # seconds of the CPU for an exercise; a right answer takes one
OWN_CHECK = 15.0  # the same for what the student's own check says of an answer that is not right
PATIENCE = 4.0  # by the clock a job may take so many times as long: a machine can be busy, and a submission can sleep
SUBMISSION = 480.0  # seconds by the clock for all exercises, the optional ones last
VERDICTS = {"right", "wrong", "unfinished", "broken", "missing"}
TEXT_LIMIT = 6000


class CutShort(Exception):
    """The run ended before all submissions were graded; what is done is kept."""


def add_arguments(parser):
    """Add what `grade` takes to an argparse parser."""
    parser.description = "Grade a folder of submissions into GRADES: grades.csv, feedback pages, marking pages, summary.html."
    parser.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="the folder with what students handed in")
    parser.add_argument("--out", required=True, type=Path, metavar="GRADES", help="the folder to write; made if it is new")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many submissions at once (default: 1)")
    parser.add_argument("--rubric", type=Path, metavar="FILE", help="a TOML file with what differs from the default rubric")
    parser.add_argument("--resume", action="store_true", help="keep the results in GRADES, grade what is new, merge the marks")
    parser.add_argument("--backend", choices=["loky", "dask"], default="loky", help="where to run: this machine, or Dask")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of Dask's scheduler, such as tcp://10.0.0.1:8786")


def run(options):
    """Grade, and print what came out. Returns 0, or 1 if the run was cut short: `--resume` goes on then."""
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}; expected 1 or more.")
    if (options.backend == "dask") != bool(options.scheduler):
        raise ValueError("--backend dask and --scheduler ADDRESS go together.")
    rubric = rubrics.load(options.rubric)
    try:
        records = grade_folder(options.submissions, options.out, options.jobs, rubric, options.resume, options.scheduler)
    except (CutShort, KeyboardInterrupt) as error:
        done = len(list((options.out / "rows").glob("*.json")))
        print(f"{error or 'Interrupted.'} {done} results are kept in {options.out}/rows: go on by --resume.", file=sys.stderr)
        return 1
    unmarked = sum(bool(text.strip()) for record in records for text in record["answers"].values())
    print(f"{len(records)} submissions: {options.out}/grades.csv, feedback/, summary.html.")
    print(f"{unmarked} answers to mark: open marking/question-N.html, fill in marking/question-N.csv, then grade --resume.")
    return 0


def grade_folder(folder, out, jobs=1, rubric=None, resume=False, scheduler=None):
    """Grade the submissions in a folder, write `out`, and return the records, one for each student.

    jobs: how many at once. rubric: a Rubric, by default the kit's. resume: keep the rows that are there. scheduler: the
    address of Dask's, to run there. Raises ValueError if there is nothing to grade, or if `out` holds another run.
    """
    rubric, out = rubric or rubrics.load(), Path(out)
    rows = out / "rows"
    found = submissions(folder)
    if not resume and rows.is_dir() and any(rows.iterdir()):
        raise ValueError(f"{out} holds the results of an earlier run. Go on with it by --resume, or name another folder.")
    reference = pages.reference_material(REFERENCE)
    if not resume and (out / "marking").is_dir():
        raise ValueError(f"{out}/marking holds marks already. Go on by --resume, or name another folder.")
    marks = pages.read_marks(out, rubric) if (out / "marking").is_dir() else {}
    records = {submission.student: _row(rows, submission) for submission in found}
    missing = [submission for submission in found if records[submission.student] is None]
    rows.mkdir(parents=True, exist_ok=True)
    for record in _graded(missing, jobs, scheduler):
        _write_row(rows, record)
        records[record["student"]] = record
    records = [records[submission.student] for submission in found]
    pages.write_pages(out, records, rubric, marks, reference)
    return records


def _row(rows, submission):
    """Return the record of an earlier run, if it is of the same bytes and exercises, else None."""
    path = rows / f"{pages.file_name(submission.student)}.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = record.get("sha256") == submission.sha256() and record.get("student") == submission.student
    return record if same and record["exercises"].keys() == EXERCISES.keys() else None


def _write_row(rows, record):
    path = rows / f"{pages.file_name(record['student'])}.json"
    whole = path.with_suffix(".part")
    with whole.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(whole, path)


# Many submissions


def _graded(found, jobs, scheduler):
    """Yield the records of Submissions as they come, in any order."""
    if not found:
        return
    with own_settings():
        run = Run.drawn()
    told = False
    with _backend(scheduler, run):
        work = (joblib.delayed(_in_worker)(run, submission, os.getpid()) for submission in found)
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", max_nbytes=None, batch_size=1)
        try:
            for record, protections in tqdm(parallel(work), total=len(found), unit="submission", file=sys.stderr):
                if not told:
                    _tell(protections)
                    told = True
                yield record
        except BrokenExecutor as error:  # loky's word for a worker that was killed, by a person or for want of memory
            raise CutShort(f"A worker was killed ({type(error).__name__}).") from None
    _close_sandbox()
    if jobs > 1 and scheduler is None:
        get_reusable_executor().shutdown(wait=True)  # with the workers their sandboxes end


def _backend(scheduler, run):
    if scheduler is None:
        return joblib.parallel_config(backend="loky")
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("--backend dask needs Dask: pip install dask distributed -c constraints.txt") from None
    client = Client(scheduler, timeout=20)  # joblib takes the newest one
    client.wait_for_workers(1)  # they may stand in a queue for hours
    return joblib.parallel_config(backend="dask", scatter=[run])  # once to each worker, not with every submission


def _tell(protections):
    """Print which protections are in force on the machine that graded first, and which are not."""
    for name, meaning in PROTECTIONS.items():
        tqdm.write(f"{'in force' if name in protections else 'NOT in force'}: {meaning}", file=sys.stderr)


@dataclasses.dataclass(frozen=True)
class Run:
    """What all submissions of a run are examined with. figures: {cell id: source} of the reference. number: its own.

    seconds: of the CPU, at most for an exercise; PATIENCE times as much by the clock.
    """

    exam: object
    photographs: object
    figures: dict
    number: str
    seconds: float

    @classmethod
    def drawn(cls):
        seed = secrets.randbits(63)
        tqdm.write("Drawing the networks, images and targets of this run: some ten seconds.", file=sys.stderr)
        X, _, _ = load_imagenet_val()
        network = load_squeezenet(device="cpu")
        photographs = drawn_photographs(seed, network, torch.cat([preprocess(image) for image in X]))
        cells = {cell.get("id"): cell.source for cell in nbformat.read(REFERENCE, as_version=4).cells}
        return cls(
            exam=drawn_exam(seed),
            photographs=photographs,
            figures={name: cells[name] for name in pages.FIGURES},
            number=secrets.token_hex(8),
            seconds=EXERCISE,
        )


_mine = threading.local()  # the sandbox of this worker; Dask's workers are threads


def _in_worker(run, submission, parent):
    """Return (record, protections), in a sandbox that this worker keeps from one submission to the next."""
    torch.set_num_threads(1)
    if os.getppid() == parent and not hasattr(_mine, "watch"):
        _mine.watch = threading.Thread(target=_end_with, args=(parent,), daemon=True)
        _mine.watch.start()
    for attempt in (1, 2):
        if getattr(_mine, "number", None) != run.number:
            _close_sandbox()
            _mine.sandbox, _mine.number, _mine.network = Sandbox(), run.number, load_squeezenet(device="cpu")
        try:
            return graded(submission, run, _mine.sandbox, _mine.network), _mine.sandbox.protections
        except Ended as end:  # whoever caused that, this submission gets a second, fresh one
            protections = _mine.sandbox.protections
            _close_sandbox()
            if attempt == 2:
                return {**_empty_record(submission), "note": f"{end} Twice, with this submission."}, protections
        except BaseException:
            _close_sandbox()
            raise


def _end_with(parent):
    """End this worker soon after the process that started it was killed; its sandbox ends with it."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _close_sandbox():
    if getattr(_mine, "sandbox", None) is not None:
        _mine.sandbox.close()
    _mine.sandbox = _mine.number = None


# One submission


def graded(submission, run, sandbox, network):
    """Return the record of a Submission. network: the grader's own SqueezeNet."""
    started = time.monotonic()
    record = _empty_record(submission)
    notes = [f"Earlier attempts, which do not count: {', '.join(submission.earlier)}."] if submission.earlier else []
    outline = {"problem": submission.problem} if submission.problem else _outline(submission, run, sandbox)
    if outline["problem"]:
        return {**record, "note": " ".join([*notes, outline["problem"]])}
    for name in EXERCISES:
        left = SUBMISSION - (time.monotonic() - started)
        record["exercises"][name] = _exercise(name, outline["parts"], run, sandbox, network, left)
    record["answers"] |= {name: text for name, text in outline["answers"].items() if name in record["answers"]}
    return {**record, "verdict": "graded", "figures": outline["figures"], "note": " ".join([*notes, *outline["notes"]])}


def _empty_record(submission):
    return {
        "student": submission.student,
        "name": submission.name,
        "submission": submission.shown,
        "sha256": submission.sha256(),
        "earlier": submission.earlier,
        "verdict": "unreadable",
        "note": "",
        "exercises": {name: _result(Report(name, "missing"), []) for name in EXERCISES},
        "answers": {f"question-{number}": "" for number in (*QUESTIONS, *OPTIONAL_QUESTIONS)},
        "figures": {},
    }


def _outline(submission, run, sandbox):
    """Return what reading.outline found in the sandbox; {"problem": sentence} if it came to nothing."""
    with submission.path.open("rb") as file:
        try:
            with sandbox.job(PATIENCE * READING, READING, file) as job:
                found, _ = job.ask("outline", name=submission.path.name, figures=run.figures)
        except Stopped as stop:
            return {"problem": f"{submission.shown} could not be read. {stop}"}
    try:
        return checked_outline(found, run.figures)
    except ValueError as error:
        return {"problem": str(error)}


def _exercise(name, parts, run, sandbox, network, left):
    """Return the result of an exercise, as it stands in the record. left: seconds by the clock for this submission."""
    if not any(name in source for _, source in parts):  # no need of a process then: most leave the optional part out
        return _result(Report(name, "missing"), [])
    if left <= 1:
        return _stopped(name, f"The time for this submission, {SUBMISSION:.0f} seconds, was used up before.", 0)
    started, evidence, reason, doubt = time.monotonic(), [], "", ""
    try:
        with sandbox.job(min(PATIENCE * run.seconds, left), run.seconds) as job:
            refused, _ = job.ask("define", exercise=name, parts=parts)
            if refused:
                report, evidence = _undefined(name, refused), _sentences(refused)
            else:
                report = examine(name, None, exam=dataclasses.replace(run.exam, run=job.run))
                with own_settings():
                    report, reason = proved(report, job, run, network)
                evidence = report.evidence
    except Stopped as stop:
        return _stopped(name, str(stop), time.monotonic() - started)
    except Ended:
        raise
    except Exception as error:  # what came back was so odd that judging it failed
        return _stopped(name, f"It could not be judged ({type(error).__name__}).", time.monotonic() - started)
    if not refused and report.verdict in ("wrong", "broken") and "never-returns" not in report.mistakes:
        report, evidence, doubt = _as_students_see_it(report, parts, sandbox)
        if reason and report.mistakes and not report.explained:
            evidence = [*evidence, f"{reason} So it earns no points; your instructor is asked to look at it."]
    return _result(report, evidence, time.monotonic() - started, doubt or reason)


def _undefined(name, told):
    return Report(name, told["verdict"] if told.get("verdict") in ("broken", "missing") else "broken")


def _sentences(told):
    """Return the evidence in what the sandbox told, as sentences of bounded length."""
    evidence = told.get("evidence") if isinstance(told, dict) else None
    return [str(sentence)[:1000] for sentence in evidence[:12]] if isinstance(evidence, list) else []


def _as_students_see_it(report, parts, sandbox):
    """Return (report, evidence, doubt): what the student's own check says, in a process that has seen nothing of our exam.
    doubt: a sentence for the instructor, "" if the two agree.

    Which mistake it is, is the exam's word; only of a regulariser without effect the own check, which sees inside, knows more.
    """
    try:
        with sandbox.job(PATIENCE * OWN_CHECK, OWN_CHECK) as job:
            job.ask("define", exercise=report.exercise, parts=parts)
            told, _ = job.ask("own_check", exercise=report.exercise)
    except Stopped:
        return report, report.evidence, ""
    told = told if isinstance(told, dict) else {}
    if told.get("verdict") == "right":
        seen = report.evidence if report.verdict == "wrong" else report.evidence[-1:]  # an error's text is the student's
        doubt = f"Right to the student's own check, {report.verdict} to the grader. {' '.join(seen)}"[:600]
        evidence = ["Your own check calls it right. On other networks, images and targets it is not:", *report.evidence]
        return report, evidence, doubt
    inside = {"regulariser-detached", "regulariser-on-scores", "regulariser-on-weights"} & _names(told.get("mistakes"))
    if "regulariser-missing" in report.mistakes and inside:
        report.mistakes = [name for name in report.mistakes if name != "regulariser-missing"] + sorted(inside)
    same = told.get("verdict") == report.verdict
    return report, _sentences(told) if same else report.evidence, ""


def _names(told):
    return {name for name in told if isinstance(name, str)} if isinstance(told, list) else set()


def _result(report, evidence, seconds=0.0, look=""):
    told = Report(report.exercise, report.verdict, report.mistakes, report.notes, evidence)
    return {
        "verdict": report.verdict,
        "mistakes": sorted(name for name in report.mistakes if name in MISTAKES),
        "notes": sorted(name for name in report.notes if name in NOTES),
        "explained": report.explained,
        "look": look,
        "message": told.text()[:TEXT_LIMIT],
        "seconds": round(seconds, 2),
    }


def _stopped(name, reason, seconds):
    message = f"✗ {name} was stopped.\n  {reason}"
    return {"verdict": "stopped", "mistakes": [], "notes": [], "look": reason, "message": message, "seconds": round(seconds, 2)}
