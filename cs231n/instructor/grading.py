"""Grade a folder of submissions: each becomes one record, whatever it holds, and the records become grades and pages.

Everything that a student wrote runs in the sandbox. What is right is known here alone, drawn anew for every run.
"""

import contextlib
import dataclasses
import json
import os
import secrets
import sys
import threading
import time
from concurrent.futures import BrokenExecutor
from functools import partial
from pathlib import Path

import joblib
import nbformat
import torch
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm

from .. import attribution, feature_visualization
from ..checks import EXERCISES, examine
from ..checks.explanations import MISTAKES, NOTES
from ..checks.guard import own_settings
from ..checks.judging import as_array, problem, relative_error, side_effects
from ..checks.report import Report
from ..data_utils import load_imagenet_val
from ..image_utils import preprocess
from ..squeezenet import load_squeezenet
from ..submit import OPTIONAL_QUESTIONS, QUESTIONS
from . import marks as marks_files
from . import pages, writing
from . import roster as rosters
from . import rubric as rubrics
from .cage import PROTECTIONS
from .exam import drawn_exam, drawn_photographs
from .reading import checked_outline
from .sandbox import ROOT, Ended, Sandbox, Stopped
from .submissions import intake

REFERENCE = ROOT / "NetworkVisualization.ipynb"
READING = 40.0  # seconds for reading a file
EXERCISE = 30.0  # seconds for an exercise, by the clock and of the CPU; a right answer takes one
OWN_CHECK = 15.0  # for what the student's own check says of an answer that is not right
SUBMISSION = 120.0  # for all exercises, the optional ones last
ON_PHOTOGRAPHS = {"seconds": 20.0, "calls": 10_000}
CLOSE = 0.02  # relative, on SqueezeNet: what rounding does in its depth is a tenth of that
VERDICTS = {"right", "wrong", "unfinished", "broken", "missing"}
TEXT_LIMIT = 6000
REPORTED = "Your own code's process reported this, and nobody has checked it: "  # a process can say what it likes


class CutShort(Exception):
    """The run ended before all submissions were graded; what is done is kept."""


def add_arguments(parser):
    """Add what `grade` takes to an argparse parser."""
    parser.description = (
        "Grade a folder of submissions into GRADES: grades.csv, feedback pages, marking pages, summary.html, and intake.csv, "
        "which says of every file in SUBMISSIONS whose it is and whether it counted."
    )
    parser.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="the folder with what students handed in")
    parser.add_argument("--out", required=True, type=Path, metavar="GRADES", help="the folder to write; made if it is new")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many submissions at once (default: 1)")
    parser.add_argument("--rubric", type=Path, metavar="FILE", help="a TOML file with what differs from the default rubric")
    parser.add_argument(
        "--roster",
        type=Path,
        metavar="FILE",
        help="a CSV file with the columns id and name, and others that tell a student (email, login ...): gives ids and names; "
        f"who handed in nothing gets a row in grades.csv with the verdict '{pages.NO_SUBMISSION}' and no points",
    )
    parser.add_argument(
        "--gallery",
        nargs="+",
        action="extend",
        default=[],
        metavar="STUDENT",
        help="students whose pictures may be shown, without a name, in summary.html (default: nobody's)",
    )
    parser.add_argument("--resume", action="store_true", help="keep the results in GRADES, grade what is new, merge the marks")
    parser.add_argument("--backend", choices=["loky", "dask"], default="loky", help="where to run: this machine, or Dask")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of Dask's scheduler, such as tcp://10.0.0.1:8786")


def run(options):
    """Grade, and print what came out. Returns 0, or 1 if the run was cut short: `--resume` goes on then."""
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}; expected 1 or more.")
    if (options.backend == "dask") != bool(options.scheduler):
        raise ValueError("--backend dask and --scheduler ADDRESS go together.")
    rubric, roster = rubrics.load(options.rubric), rosters.load(options.roster) if options.roster else None
    try:
        records = grade_folder(
            options.submissions,
            options.out,
            options.jobs,
            rubric,
            options.resume,
            options.scheduler,
            roster=roster,
            gallery=options.gallery,
        )
    except (CutShort, KeyboardInterrupt) as error:
        done = len(list((options.out / "rows").glob("*.json")))
        print(
            f"{str(error) or 'Interrupted.'} {done} results are kept in {options.out}/rows: go on by --resume.", file=sys.stderr
        )
        return 1
    unmarked = pages.waiting(records, rubric, marks_files.read(options.out, rubric))
    print(f"{len(records)} submissions: {options.out}/grades.csv, feedback/, summary.html.")
    print(f"{unmarked} answers to mark: open marking/question-N.html, fill in marking/question-N.csv, then grade --resume.")
    return 0


def grade_folder(folder, out, jobs=1, rubric=None, resume=False, scheduler=None, *, roster=None, gallery=()):
    """Grade the submissions in a folder, write `out`, and return the records, one for each student.

    jobs: how many at once. rubric: a Rubric, by default the kit's. resume: keep the rows that are there. scheduler: the
    address of Dask's, to run there. roster: a Roster. gallery: the students whose pictures may be in the summary.
    Raises ValueError if there is nothing to grade, or if `out` holds another run or is being written; NotWritten for a file
    that the disk has no room for.
    """
    rubric, out = rubric or rubrics.load(), Path(out)
    writing.require_apart(folder, out)
    found = intake(folder, roster)
    _require_known(gallery, found.submissions)
    reference = pages.reference_material(REFERENCE)
    with writing.only_grader(out):
        return _grade_into(out, found, reference, jobs, rubric, resume, scheduler, gallery)


def _grade_into(out, found, reference, jobs, rubric, resume, scheduler, gallery):
    """Grade an Intake into `out`, which no other grader writes meanwhile; return the records."""
    rows = out / "rows"
    if not resume and rows.is_dir() and any(rows.iterdir()):
        raise ValueError(f"{out} holds the results of an earlier run. Go on with it by --resume, or name another folder.")
    if not resume and (out / "marking").is_dir():
        raise ValueError(f"{out}/marking holds marks already. Go on by --resume, or name another folder.")
    marks_files.read(out, rubric)  # what is wrong there is said before the work, not after it
    pages.write_intake(out / "intake.csv", found.files)
    _tell_unusual(found.notices + _set_aside(out, found.submissions), out)
    records = {submission.student: _row(rows, submission) for submission in found.submissions}
    missing = [submission for submission in found.submissions if records[submission.student] is None]
    rows.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(_graded(missing, jobs, scheduler)) as results:
        for record in results:
            _write_row(rows, record)
            records[record["student"]] = record
    records = [records[submission.student] for submission in found.submissions]
    for student, question, points in marks_files.outdated(out, rubric):
        print(
            f"{student}, {question}: the answer has changed since it got {points:g} points. It is to mark again.", file=sys.stderr
        )
    pages.write_pages(out, records, rubric, marks_files.read(out, rubric), reference, found.absent, gallery)
    return records


def _require_known(gallery, found):
    known = {submission.student for submission in found}
    for student in gallery:
        if student not in known:
            raise ValueError(f"--gallery names {student}, of whom there is no submission. Spell the name as grades.csv does.")


def _tell_unusual(notices, out):
    """Print what a person should look at."""
    if notices:
        print(f"Please have a look; {out}/intake.csv has a line for every file:", file=sys.stderr)
    for notice in notices:
        print(f"  {notice}", file=sys.stderr)


def _set_aside(out, found):
    """Move the rows of students who have no submission any more into rows/gone, and back those of whom there is one again.

    Returns a sentence on those who are gone, in a list, or []. Their feedback pages go; their marks stay in the marks files.
    """
    rows, gone = out / "rows", out / "rows" / marks_files.GONE
    here = {f"{pages.file_name(submission.student)}.json" for submission in found}
    for path in sorted(gone.glob("*.json")):
        if path.name in here and not (rows / path.name).exists():
            os.replace(path, rows / path.name)
    left = [path for path in sorted(rows.glob("*.json")) if path.name not in here]
    for path in left:
        gone.mkdir(exist_ok=True)
        os.replace(path, gone / path.name)
        (out / "feedback" / f"{path.stem}.html").unlink(missing_ok=True)
    if not left:
        return []
    students = {f"{pages.file_name(record['student'])}.json": record["student"] for record in marks_files.records(gone)}
    names = [students.get(path.name, path.stem) for path in left]
    return [
        f"{', '.join(names[:12])}{f' and {len(names) - 12} more' if len(names) > 12 else ''}: results of an earlier run, and no "
        f"submission any more. They are in no grades now; what was found is kept in {gone}, and their marks stay in marking/. "
        "If only their ids are others now (by --roster), change these in marking/*.csv."
    ]


def _row(rows, submission):
    """Return the record of an earlier run, if it is of the same bytes and exercises, else None."""
    path = rows / f"{pages.file_name(submission.student)}.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict):
        return None
    same = record.get("sha256") == submission.sha256() and record.get("student") == submission.student
    if not same or record["exercises"].keys() != EXERCISES.keys():
        return None
    return {**record, "name": submission.name, "submission": submission.shown, "earlier": submission.earlier}


def _write_row(rows, record):
    path = rows / f"{pages.file_name(record['student'])}.json"
    writing.write_whole(path, json.dumps(record, indent=1), durable=True)


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

    optional: {exercise of the optional part: (what it is given on photographs besides the network, what is right)}.
    seconds: at most for an exercise.
    """

    exam: object
    photographs: object
    optional: dict
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
            optional=_optional_part(seed, network, photographs),
            figures={name: cells[name] for name in pages.FIGURES},
            number=secrets.token_hex(8),
            seconds=EXERCISE,
        )


def _optional_part(seed, network, photographs):
    """Return {exercise: (arguments without the network, right result)} for the first two of the Photographs."""
    random = torch.Generator().manual_seed(seed)
    X, y = photographs.X[:2].clone(), photographs.y[:2].clone()
    N = len(X)
    noise = 0.3 * torch.randn(4, *X.shape, generator=random)
    baseline = 0.5 * torch.randn(N, 3, 1, 1, generator=random) + 0.1 * torch.randn(X.shape, generator=random)
    angles, scales = torch.rand(N, generator=random) - 0.5, 0.7 + 0.6 * torch.rand(N, generator=random)
    shifts = 0.4 * torch.rand(N, 2, generator=random) - 0.2
    given = {
        "compute_smoothgrad_maps": (X, y, noise),
        "compute_integrated_gradients": (X, y, baseline, 4),
        "compute_grad_cam_maps": (X, y),
        "transform_images": (X, angles, scales, shifts),
    }
    right = {
        "compute_smoothgrad_maps": attribution.compute_smoothgrad_maps(X, y, network, noise),
        "compute_integrated_gradients": attribution.compute_integrated_gradients(X, y, network, baseline, 4),
        "compute_grad_cam_maps": attribution.compute_grad_cam_maps(X, y, network),
        "transform_images": feature_visualization.transform_images(X, angles, scales, shifts),
    }
    return {name: (given[name], right[name].detach()) for name in given}


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
        left = min(run.seconds, SUBMISSION - (time.monotonic() - started))
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
            with sandbox.job(READING, READING, file) as job:
                found, _ = job.ask("outline", name=submission.path.name, figures=run.figures)
        except Stopped as stop:
            return {"problem": f"{submission.shown} could not be read. {stop}"}
    try:
        return checked_outline(found, run.figures)
    except ValueError as error:
        return {"problem": str(error)}


def _exercise(name, parts, run, sandbox, network, seconds):
    """Return the result of an exercise, as it stands in the record."""
    if not any(name in source for _, source in parts):  # no need of a process then: most leave the optional part out
        return _result(Report(name, "missing"), [])
    if seconds <= 1:
        return _stopped(name, f"The time for this submission, {SUBMISSION:.0f} seconds, was used up before.", 0)
    started, evidence = time.monotonic(), []
    try:
        with sandbox.job(seconds, seconds) as job:
            refused, _ = job.ask("define", exercise=name, parts=parts)
            if refused:
                report, evidence = _undefined(name, refused), _sentences(refused)
            else:
                report = examine(name, None, exam=dataclasses.replace(run.exam, run=job.run))
                if report.verdict == "right":
                    with own_settings():
                        report = ON_SQUEEZENET[name](job, run, network) or report
    except Stopped as stop:
        return _stopped(name, str(stop), time.monotonic() - started)
    except Ended:
        raise
    except Exception as error:  # what came back was so odd that judging it failed
        return _stopped(name, f"It could not be judged ({type(error).__name__}).", time.monotonic() - started)
    if not refused and report.verdict in ("wrong", "broken") and "never-returns" not in report.mistakes:
        report, evidence = _as_students_see_it(report, parts, sandbox)
    return _result(report, evidence, time.monotonic() - started)


def _undefined(name, told):
    return Report(name, told["verdict"] if told.get("verdict") in ("broken", "missing") else "broken")


def _sentences(told):
    """Return the evidence in what the sandbox told, as sentences of bounded length."""
    evidence = told.get("evidence") if isinstance(told, dict) else None
    return [REPORTED + str(sentence)[:1000] for sentence in evidence[:12]] if isinstance(evidence, list) else []


def _as_students_see_it(report, parts, sandbox):
    """Return (report, evidence): what the student's own check says, in a process that has seen nothing of our exam.

    Which mistake it is, is the exam's word; only of a regulariser without effect the own check, which sees inside, knows more.
    """
    try:
        with sandbox.job(OWN_CHECK, OWN_CHECK) as job:
            job.ask("define", exercise=report.exercise, parts=parts)
            told, _ = job.ask("own_check", exercise=report.exercise)
    except Stopped:
        return report, []
    told = told if isinstance(told, dict) else {}
    if told.get("verdict") == "right":
        return report, ["Your own check calls it right. On other networks, images and targets it is not."]
    inside = {"regulariser-detached", "regulariser-on-scores", "regulariser-on-weights"} & _names(told.get("mistakes"))
    if "regulariser-missing" in report.mistakes and inside:
        report.mistakes = [name for name in report.mistakes if name != "regulariser-missing"] + sorted(inside)
    same = told.get("verdict") == report.verdict
    return report, _sentences(told) if same else []


def _names(told):
    return {name for name in told if isinstance(name, str)} if isinstance(told, list) else set()


def _result(report, evidence, seconds=0.0):
    told = Report(report.exercise, report.verdict, report.mistakes, report.notes, evidence)
    return {
        "verdict": report.verdict,
        "mistakes": sorted(name for name in report.mistakes if name in MISTAKES),
        "notes": sorted(name for name in report.notes if name in NOTES),
        "explained": report.explained,
        "message": told.text()[:TEXT_LIMIT],
        "seconds": round(seconds, 2),
    }


def _stopped(name, reason, seconds):
    message = f"✗ {name} was stopped.\n  {reason}"
    return {"verdict": "stopped", "mistakes": [], "notes": [], "message": message, "seconds": round(seconds, 2)}


# The proof on SqueezeNet: None, or the Report of what is not as it should be


def _on_squeezenet(name, trial):
    return problem(name, trial, "SqueezeNet and a photograph") or (
        Report(name, "wrong", side_effects([trial])[0]) if side_effects([trial])[0] else None
    )


def _failed(name, seen):
    return Report(name, "wrong", evidence=[f"It is right on small networks. On SqueezeNet and photographs {seen}"])


def _unlike(name, trial, X, right, seen):
    """Return the Report of a call that does not return, but for rounding, the tensor that is right; X: what it was given."""
    found = None if trial.error else as_array(trial, trial.value, X)
    failure = _on_squeezenet(name, trial)
    if failure is not None:
        return failure
    if found is None or found.shape != tuple(right.shape) or relative_error(found, right.double().numpy()) > CLOSE:
        return _failed(name, seen)
    return None


def _saliency(job, run, network):
    X, y = run.photographs.X.clone(), run.photographs.y.clone()
    trial = job.run(None, X, y, network, network=network, **ON_PHOTOGRAPHS)
    return _unlike("compute_saliency_maps", trial, X, run.photographs.maps, "its maps are not those expected.")


def _attribution(name, job, run, network):
    (X, y, *more), right = run.optional[name]
    X, y, *more = (_copy(argument) for argument in (X, y, *more))
    trial = job.run(None, X, y, network, *more, network=network, **ON_PHOTOGRAPHS)
    return _unlike(name, trial, X, right, "its maps are not those expected.")


def _transformation(job, run, network):
    name = "transform_images"
    given, right = run.optional[name]
    images, *more = (_copy(argument) for argument in given)
    trial = job.run(None, images, *more, network=None, **ON_PHOTOGRAPHS)
    return _unlike(name, trial, images, right, "its images are not those expected.")


def _copy(argument):
    """What is sent is changed here, too, where a submission changes it."""
    return argument.clone() if isinstance(argument, torch.Tensor) else argument


def _fooling(job, run, network):
    given = run.photographs
    name, X = "make_fooling_image", given.X[:1].clone()
    trial = job.run(None, X, given.target, network, network=network, **ON_PHOTOGRAPHS)
    image = None if trial.error else as_array(trial, trial.value, X)
    failure = _on_squeezenet(name, trial)
    if failure is not None:
        return failure
    if image is None or image.shape != tuple(X.shape) or not torch.from_numpy(image).isfinite().all():
        return _failed(name, "no image of the right form comes back.")
    image = torch.from_numpy(image).float()
    with torch.no_grad():
        fooled = network(image).argmax().item() == given.target
    if not fooled or (image - given.X[:1]).norm() > 2 * given.distance:
        return _failed(name, "the image that comes back is not taken for the target class, or is too far from the given one.")
    return None


def _step(job, run, network):
    given = run.photographs
    name, img = "class_visualization_update_step", given.X[1:2].clone().requires_grad_()
    for _ in range(2):
        trial = job.run(
            None, img, network, given.step_target, given.l2_reg, given.learning_rate, network=network, **ON_PHOTOGRAPHS
        )
        failure = _on_squeezenet(name, trial)
        if failure is not None:
            return failure
    change = (img.detach() - given.X[1:2]).double().numpy() if img.shape == given.X[1:2].shape else None
    if change is None or all(relative_error(change, right.double().numpy()) > CLOSE for right in given.steps.values()):
        return _failed(name, "the image is not the one expected after two calls.")
    return None


ON_SQUEEZENET = {
    "compute_saliency_maps": _saliency,
    "make_fooling_image": _fooling,
    "class_visualization_update_step": _step,
    "compute_smoothgrad_maps": partial(_attribution, "compute_smoothgrad_maps"),
    "compute_integrated_gradients": partial(_attribution, "compute_integrated_gradients"),
    "compute_grad_cam_maps": partial(_attribution, "compute_grad_cam_maps"),
    "transform_images": _transformation,
}
