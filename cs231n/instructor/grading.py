"""Grade a folder of submissions: each becomes one record, whatever it holds, and the records become grades and pages.

Everything that a student wrote runs in the sandbox. What is right is known here alone, drawn anew for every run.
"""

import contextlib
import dataclasses
import json
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import BrokenExecutor, as_completed
from functools import partial
from pathlib import Path

import nbformat
import torch
from joblib.externals.loky import ProcessPoolExecutor
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
from . import pages
from . import rubric as rubrics
from .cage import ISOLATION, PROTECTIONS, PROTECTIONS_INSTEAD, mapped
from .exam import drawn_exam, drawn_photographs
from .reading import checked_outline
from .sandbox import ROOT, Ended, Failed, Sandbox, Stopped
from .specimens import examined
from .submissions import submissions

REFERENCE = ROOT / "NetworkVisualization.ipynb"
READING = 40.0  # seconds for reading a file
EXERCISE = 30.0  # seconds for an exercise, by the clock and of the CPU; a right answer takes one
OWN_CHECK = 15.0  # for what the student's own check says of an answer that is not right
SUBMISSION = 120.0  # for all exercises, the optional ones last
ON_PHOTOGRAPHS = {"seconds": 20.0, "calls": 10_000}
CLOSE = 0.02  # relative, on SqueezeNet: what rounding does in its depth is a tenth of that
VERDICTS = {"right", "wrong", "unfinished", "broken", "missing"}
TEXT_LIMIT = 6000
DASK_SECONDS = 20  # for the scheduler to answer
WORKERS_MEMORY = 2 * 2**30  # bytes that grading a submission may take in the worker; an honest one takes a fifth
NOT_ISOLATED = "Graded without isolation: submissions shared this machine's disk and processes with the grader."


class CutShort(Exception):
    """The run ended before all submissions were graded; what is done is kept."""


class NotIsolated(ValueError):
    """The machine does not allow what keeps a submission from the solutions and from the others."""


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
    parser.add_argument(
        "--without-isolation",
        action="store_true",
        help="grade also where submissions cannot be kept from this machine's files and processes; every page then says so",
    )


def run(options):
    """Grade, and print what came out. Returns 0, or 1 if the run was cut short: `--resume` goes on then."""
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}; expected 1 or more.")
    if (options.backend == "dask") != bool(options.scheduler):
        raise ValueError("--backend dask and --scheduler ADDRESS go together.")
    rubric = rubrics.load(options.rubric)
    try:
        records = grade_folder(
            options.submissions,
            options.out,
            options.jobs,
            rubric,
            options.resume,
            options.scheduler,
            without_isolation=options.without_isolation,
        )
    except (CutShort, KeyboardInterrupt) as error:
        done = len(list((options.out / "rows").glob("*.json")))
        print(
            f"{str(error) or 'Interrupted.'} {done} results are kept in {options.out}/rows: go on by --resume.", file=sys.stderr
        )
        return 1
    unmarked = sum(bool(text.strip()) for record in records for text in record["answers"].values())
    print(f"{len(records)} submissions: {options.out}/grades.csv, feedback/, summary.html.")
    print(f"{unmarked} answers to mark: open marking/question-N.html, fill in marking/question-N.csv, then grade --resume.")
    return 0


def grade_folder(folder, out, jobs=None, rubric=None, resume=False, scheduler=None, without_isolation=False):
    """Grade the submissions in a folder, write `out`, and return the records, one for each student.

    jobs: how many at once, in as many processes; None for one after the other in this very process. rubric: a Rubric, by
    default the kit's. resume: keep the rows that are there. scheduler: the address of Dask's, to run there. without_isolation:
    go on where submissions cannot be kept from the machine's files and processes. Raises ValueError if there is nothing to
    grade, or if `out` holds another run.
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
    for record in _graded(missing, jobs, scheduler, without_isolation):
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


def _graded(found, jobs, scheduler, without_isolation):
    """Yield the records of Submissions as they come, in any order. Raises CutShort with a sentence where it cannot go on."""
    if not found:
        return
    with own_settings():
        run = dataclasses.replace(Run.drawn(), without_isolation=without_isolation)
    told = False
    if scheduler is not None:
        results = _by_dask(run, found, jobs or 1, scheduler)
    else:
        results = _here(run, found) if jobs is None else _by_workers(run, found, jobs)
    with contextlib.closing(results):
        for record, protections in tqdm(results, total=len(found), unit="submission", file=sys.stderr):
            if not told and protections is not None:
                _tell(protections)
                told = True
            yield record


def _here(run, found):
    """Yield (record, protections) of Submissions, graded in this very process."""
    try:
        for submission in found:
            yield _in_worker(run, submission)
    finally:
        _close_sandbox()


def _by_workers(run, found, jobs):
    """Yield (record, protections) of Submissions, graded in worker processes.

    Where a worker ends, those that were being graded are graded again at the end, one at a time; the one with which a worker
    ends a second time gets a row that says so.
    """
    waiting, again, in_vain = list(found), [], 0
    with _own_folder() as folder:
        while waiting or again:
            now, done = waiting or again, []
            try:
                for submission, result in _through_workers(run, now, jobs if waiting else 1, folder):
                    done.append(submission)
                    yield result
            except BrokenExecutor:  # loky's word for a worker that was killed: by a submission, by a person, for want of memory
                begun = {int(path.name) for path in folder.glob("[0-9]*")}
            else:
                begun = set()
            left = [submission for submission in now if submission not in done]
            suspects = [submission for i, submission in enumerate(now) if i in begun and submission in left]
            in_vain = 0 if done or suspects else in_vain + 1
            if in_vain == 3:
                raise CutShort("The worker processes end before they have graded anything: is there enough memory?")
            if not waiting:
                for submission in suspects:
                    protections = _protections_of_a_new_worker(run, folder)
                    record = _with_note(submission, "The grader's worker process ended twice while it graded this submission.")
                    yield _with_isolation(record, protections), protections
            left = [submission for submission in left if submission not in suspects]
            waiting, again = (left, again + suspects) if waiting else ([], left)


@contextlib.contextmanager
def _own_folder():
    """Make a temporary folder, which others can look into; it is gone at the end, with what processes that were killed left."""
    try:
        made = tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
    except OSError as error:
        raise CutShort(f"There is no temporary folder to work in ({error}). Name one in the variable TMPDIR.") from None
    with made as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _protections_of_a_new_worker(run, folder):
    """Return the protections in force in a worker that grades nothing. Raises CutShort if it ends nevertheless."""
    try:
        ((_, (_, protections)),) = _through_workers(run, [None], 1, folder)
        return protections
    except BrokenExecutor:
        raise CutShort("The worker processes end, also without a submission: is there enough memory?") from None


def _through_workers(run, found, jobs, folder):
    """Yield (Submission, what _in_worker returns) from worker processes. Raises BrokenExecutor if one of them ends.

    folder: for their sandboxes, and for a file for each submission that is being graded, named by its number in `found`.
    """
    for path in folder.glob("[0-9]*"):
        path.unlink()
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # the run goes to each worker once, not with every submission
    executor = ProcessPoolExecutor(min(jobs, len(found)), env=threads, initializer=_keep_for_worker, initargs=(run, folder))
    futures, whole = {}, False
    try:
        with _not_interrupted():  # and so the workers: Ctrl-C is for this process, which ends them
            for i, submission in enumerate(found):
                futures[executor.submit(_in_own_process, submission, folder / str(i), os.getpid())] = submission
        for future in as_completed(futures):
            yield futures[future], future.result()
        whole = True
    finally:
        executor.shutdown(wait=True, kill_workers=not whole)  # with the workers their sandboxes end


@contextlib.contextmanager
def _not_interrupted():
    """Ignore Ctrl-C meanwhile; the processes that are started here ignore it for ever."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _keep_for_worker(run, folder):
    _mine.run, _mine.folder = run, folder


def _in_own_process(submission, marker, parent):
    """_in_worker, in a process that `parent` has started. marker: a file that is there as long as this goes on."""
    if os.getppid() == parent and not hasattr(_mine, "watch"):
        _mine.watch = threading.Thread(target=_end_with, args=(parent,), daemon=True)
        _mine.watch.start()
    marker.touch()
    try:
        return _in_worker(_mine.run, submission)
    finally:
        marker.unlink(missing_ok=True)


def _by_dask(run, found, jobs, scheduler):
    """Yield (record, protections) of Submissions, graded by the workers of a Dask cluster, at most `jobs` at once."""
    try:
        from distributed import Client, KilledWorker
        from distributed import as_completed as as_completed_there
    except ImportError:
        raise ValueError("--backend dask needs Dask: pip install dask distributed -c constraints.txt") from None
    try:
        client = Client(scheduler, timeout=DASK_SECONDS)
    except (OSError, TimeoutError) as error:
        raise ValueError(f"No scheduler of Dask answers at {scheduler} ({error}). Start it first.") from None
    with client:
        _require_kit(client, scheduler)
        there = client.scatter(run, broadcast=True)  # once to each worker, not with every submission
        waiting, futures = list(reversed(found)), {}
        running, protections = as_completed_there(), ISOLATION
        while waiting or futures:
            while waiting and len(futures) < jobs:
                future = client.submit(_in_worker, there, waiting[-1], pure=False)
                futures[future] = waiting.pop()
                running.add(future)
            future = next(running)
            submission = futures.pop(future)
            try:
                record, protections = future.result()
                yield record, protections
            except KilledWorker:
                record = _with_note(submission, "Workers of Dask ended, several times, while they graded this submission.")
                yield _with_isolation(record, protections), None


def _require_kit(client, scheduler):
    """Raise ValueError with a sentence unless the scheduler and all workers of Dask have this kit; wait for the first worker."""
    import pkgutil  # its function is known to every Python, ours only where the kit is

    wanted = pkgutil.get_data("cs231n.instructor", "grading.py")
    need = f"Start it in the folder of this very kit ({ROOT.name}), with the packages that constraints.txt names."
    kinds = {"The scheduler of Dask": client.run_on_scheduler, "A worker of Dask": client.run}
    for who, call in kinds.items():
        if call == client.run and not client.scheduler_info()["workers"]:
            tqdm.write("Waiting for a worker of Dask.", file=sys.stderr)
            client.wait_for_workers(1)  # they may stand in a queue for hours
        try:
            told = call(pkgutil.get_data, "cs231n.instructor", "grading.py")
        except Exception as error:  # whatever an import raises there
            raise ValueError(f"{who} at {scheduler} cannot import the kit ({error}). {need}") from None
        if any(content != wanted for content in (told.values() if isinstance(told, dict) else [told])):
            raise ValueError(f"{who} at {scheduler} has another version of the kit. {need}")


def _tell(protections):
    """Print which protections are in force on the machine that graded first, and which are not."""
    instead = {name: meaning for name, meaning in PROTECTIONS_INSTEAD.items() if name in protections}
    for name, meaning in (PROTECTIONS | instead).items():
        tqdm.write(f"{'in force' if name in protections else 'NOT in force'}: {meaning}", file=sys.stderr)


@dataclasses.dataclass(frozen=True)
class Run:
    """What all submissions of a run are examined with. figures: {cell id: source} of the reference. number: its own.

    optional: {exercise of the optional part: (what it is given on photographs besides the network, what is right)}.
    seconds: at most for an exercise. without_isolation: whether submissions may run where they can reach the solutions.
    """

    exam: object
    photographs: object
    optional: dict
    figures: dict
    number: str
    seconds: float
    without_isolation: bool = False

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


def _in_worker(run, submission):
    """Return (record, protections), in a sandbox that this worker keeps from one submission to the next.

    submission: None to do all but grade. Raises CutShort where the sandbox itself fails, which gives nobody 0 points.
    """
    torch.set_num_threads(1)
    for attempt in (1, 2):
        try:
            sandbox = _own_sandbox(run)
            if submission is None:
                return None, sandbox.protections
            with _memory_limited():
                record = graded(submission, run, sandbox, _mine.network)
            if sandbox.spoiled:
                _close_sandbox()
            return _with_isolation(record, sandbox.protections), sandbox.protections
        except (Ended, Failed, MemoryError) as end:  # whoever caused that, this submission gets a second, fresh one
            _close_sandbox()
            if attempt == 2:
                return _after_two_ends(run, submission, end)
        except BaseException:
            _close_sandbox()
            raise


def _own_sandbox(run):
    """Return this worker's sandbox. The first one of a run has to pass an examination, as has one `after` a failure."""
    if getattr(_mine, "number", None) == run.number:
        return _mine.sandbox
    _close_sandbox()
    _mine.sandbox, _mine.network = Sandbox(getattr(_mine, "folder", None)), load_squeezenet(device="cpu")
    missing = sorted(ISOLATION - set(_mine.sandbox.protections))
    if missing and not run.without_isolation:
        raise NotIsolated(
            "This machine does not allow what keeps submissions from the solutions and from each other. Not in force: "
            f"{'; '.join(PROTECTIONS[name] for name in missing)}. Grade on a Linux machine that allows user namespaces, or as "
            "root outside of a container; or add --without-isolation if you trust all students, and every page will say so."
        )
    if getattr(_mine, "examined", None) != run.number:
        problem = examined(_mine.sandbox, partial(_judged, run, _mine.sandbox, _mine.network))
        if problem:
            raise CutShort(f"The grader has examined itself, and stops: {problem}")
        _mine.examined = run.number
    _mine.number = run.number
    return _mine.sandbox


def _judged(run, sandbox, network, name, parts, seconds):
    return _exercise(name, parts, run, sandbox, network, seconds)


def _after_two_ends(run, submission, end):
    """Return what _in_worker does for a submission with which the sandbox ended twice, if it is not the sandbox's own doing."""
    if isinstance(end, Failed) or submission is None:
        raise CutShort(str(end)) from None
    _mine.examined = None
    try:
        protections = _own_sandbox(run).protections
    except (Ended, Failed) as again:
        raise CutShort(str(again)) from None
    finally:
        _close_sandbox()
    said = "It takes more memory to judge than a submission is given." if isinstance(end, MemoryError) else str(end)
    return _with_isolation(_with_note(submission, f"{said} Twice, with this submission."), protections), protections


def _with_note(submission, note):
    return {**_empty_record(submission), "note": note}


def _with_isolation(record, protections):
    """Return the record, with the sentence that it was graded without isolation if that is so."""
    if set(protections) >= ISOLATION:
        return record
    return {**record, "isolation": NOT_ISOLATED, "note": " ".join(filter(None, (record["note"], NOT_ISOLATED)))}


_limited = {"lock": threading.Lock(), "now": 0, "before": None}  # Dask's workers grade in several threads


@contextlib.contextmanager
def _memory_limited():
    """Let this process take no more than WORKERS_MEMORY on top of what it has: the rest of it fails with MemoryError."""
    if sys.platform != "linux":
        yield
        return
    import resource

    with _limited["lock"]:
        if not _limited["now"]:
            _limited["before"] = soft, hard = resource.getrlimit(resource.RLIMIT_AS)
            wanted = mapped() + WORKERS_MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (wanted if soft == resource.RLIM_INFINITY else min(soft, wanted), hard))
        _limited["now"] += 1
    try:
        yield
    finally:
        with _limited["lock"]:
            _limited["now"] -= 1
            if not _limited["now"]:
                resource.setrlimit(resource.RLIMIT_AS, _limited["before"])


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
    except (Ended, Failed):
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
    return [str(sentence)[:1000] for sentence in evidence[:12]] if isinstance(evidence, list) else []


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
