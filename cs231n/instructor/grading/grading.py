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

from ...checks import EXERCISES, examine
from ...checks.explanations import MISTAKES, NOTES
from ...checks.guard import own_settings
from ...checks.report import Report
from ...data_utils import load_imagenet_val
from ...image_utils import preprocess
from ...squeezenet import load_squeezenet
from ...submit import OPTIONAL_QUESTIONS, QUESTIONS
from ..exercises.exam import drawn_exam, drawn_photographs
from ..exercises.on_squeezenet import proved
from ..reports import marks as marks_files
from ..reports import pages, writing
from ..reports.grades import NO_SUBMISSION, write_intake
from ..reports.reference import FIGURES, reference_material
from ..reports.safe import file_name
from ..sandbox.inside.cage import ISOLATION, PROTECTIONS, PROTECTIONS_INSTEAD, mapped
from ..sandbox.inside.reading import checked_outline
from ..sandbox.sandbox import ROOT, Ended, Failed, Sandbox, Stopped
from ..sandbox.specimens import examined
from . import roster as rosters
from . import rubric as rubrics
from .handed_in import opened, with_files_beside
from .submissions import intake

REFERENCE = ROOT / "NetworkVisualization.ipynb"
READING = 40.0  # seconds for reading a file
EXERCISE = 30.0  # seconds of the CPU for an exercise; a right answer takes one
OWN_CHECK = 15.0  # the same for what the student's own check says of an answer that is not right
PATIENCE = 4.0  # by the clock a job may take so many times as long: a machine can be busy, and a submission can sleep
SUBMISSION = 480.0  # seconds by the clock for all exercises, the optional ones last
VERDICTS = {"right", "wrong", "unfinished", "broken", "missing", "newer-python"}
TEXT_LIMIT = 6000
REPORTED = "Reported by the process that ran your code; the grader has not verified it:"  # it can say what it likes
DASK_SECONDS = 20  # for the scheduler to answer
WORKERS_MEMORY = 2 * 2**30  # bytes that grading a submission may take in the worker; an honest one takes a fifth
NOT_ISOLATED = "Graded without isolation: submissions shared this machine's disk and processes with the grader."


class CutShort(Exception):
    """The run ended before all submissions were graded; what is done is kept."""


class NotIsolated(ValueError):
    """The machine does not allow what keeps a submission from the solutions and from the others."""


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
        f"who handed in nothing gets a row in grades.csv with the verdict '{NO_SUBMISSION}' and no points",
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
    rubric, roster = rubrics.load(options.rubric), rosters.load(options.roster) if options.roster else None
    try:
        records = grade_folder(
            options.submissions,
            options.out,
            options.jobs,
            rubric,
            options.resume,
            options.scheduler,
            without_isolation=options.without_isolation,
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


def grade_folder(
    folder, out, jobs=None, rubric=None, resume=False, scheduler=None, *, without_isolation=False, roster=None, gallery=()
):
    """Grade the submissions in a folder, write `out`, and return the records, one for each student.

    jobs: how many at once, in as many processes; None for one after the other in this very process. rubric: a Rubric, by
    default the kit's. resume: keep the rows that are there. scheduler: the address of Dask's, to run there. without_isolation:
    go on where submissions cannot be kept from the machine's files and processes. roster: a Roster. gallery: the students
    whose pictures may be in the summary. Raises ValueError if there is nothing to grade, or if `out` holds another run or is
    being written; NotWritten for a file that the disk has no room for.
    """
    rubric, out = rubric or rubrics.load(), Path(out)
    writing.require_apart(folder, out)
    found = intake(folder, roster)
    found.submissions = with_files_beside(found.submissions, folder)
    _require_known(gallery, found.submissions)
    reference = reference_material(REFERENCE)
    with writing.only_grader(out):
        return _grade_into(out, found, reference, jobs, rubric, resume, scheduler, gallery, without_isolation)


def _grade_into(out, found, reference, jobs, rubric, resume, scheduler, gallery, without_isolation):
    """Grade an Intake into `out`, which no other grader writes meanwhile; return the records."""
    rows = out / "rows"
    if not resume and rows.is_dir() and any(rows.iterdir()):
        raise ValueError(f"{out} holds the results of an earlier run. Go on with it by --resume, or name another folder.")
    if not resume and (out / "marking").is_dir():
        raise ValueError(f"{out}/marking holds marks already. Go on by --resume, or name another folder.")
    marks_files.read(out, rubric)  # what is wrong there is said before the work, not after it
    write_intake(out / "intake.csv", found.files)
    _tell_unusual(found.notices + _set_aside(out, found.submissions), out)
    records = {submission.student: _row(rows, submission) for submission in found.submissions}
    missing = [submission for submission in found.submissions if records[submission.student] is None]
    rows.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(_graded(missing, jobs, scheduler, without_isolation)) as results:
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
    here = {f"{file_name(submission.student)}.json" for submission in found}
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
    students = {f"{file_name(record['student'])}.json": record["student"] for record in marks_files.records(gone)}
    names = [students.get(path.name, path.stem) for path in left]
    return [
        f"{', '.join(names[:12])}{f' and {len(names) - 12} more' if len(names) > 12 else ''}: results of an earlier run, and no "
        f"submission any more. They are in no grades now; what was found is kept in {gone}, and their marks stay in marking/. "
        "If only their ids are others now (by --roster), change these in marking/*.csv."
    ]


def _row(rows, submission):
    """Return the record of an earlier run, if it is of the same bytes and exercises, else None."""
    path = rows / f"{file_name(submission.student)}.json"
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
    path = rows / f"{file_name(record['student'])}.json"
    writing.write_whole(path, json.dumps(record, indent=1), durable=True)


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
        with contextlib.nullcontext() if whole else _threads_end_silently():
            executor.shutdown(wait=True, kill_workers=not whole)  # with the workers their sandboxes end


@contextlib.contextmanager
def _threads_end_silently():
    """Let threads end without a traceback meanwhile: loky's own can trip over the workers that are taken from it."""
    before, threading.excepthook = threading.excepthook, lambda _: None
    try:
        yield
    finally:
        threading.excepthook = before


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

    wanted = pkgutil.get_data(__package__, "grading.py")
    need = f"Start it in the folder of this very kit ({ROOT.name}), with the packages that constraints.txt names."
    kinds = {"The scheduler of Dask": client.run_on_scheduler, "A worker of Dask": client.run}
    for who, call in kinds.items():
        if call == client.run and not client.scheduler_info()["workers"]:
            tqdm.write("Waiting for a worker of Dask.", file=sys.stderr)
            client.wait_for_workers(1)  # they may stand in a queue for hours
        try:
            told = call(pkgutil.get_data, __package__, "grading.py")
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

    kit: {cell id: source} of all cells of the reference but the model answers. seconds: of the CPU, at most for an exercise;
    PATIENCE times as much by the clock. without_isolation: whether submissions may run where they can reach the solutions.
    """

    exam: object
    photographs: object
    figures: dict
    number: str
    seconds: float
    kit: dict = dataclasses.field(default_factory=dict)
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
            figures={name: cells[name] for name in FIGURES},
            number=secrets.token_hex(8),
            seconds=EXERCISE,
            kit={name: source for name, source in cells.items() if name and not name.startswith("answer-")},
        )


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
    outline = {"problem": submission.problem} if submission.problem else _outline(submission, run, sandbox)
    notes = _on_earlier_attempts(submission, outline)
    if outline["problem"]:
        return {**record, "note": " ".join([*notes, outline["problem"]])}
    for name in EXERCISES:
        left = SUBMISSION - (time.monotonic() - started)
        record["exercises"][name] = _exercise(name, outline["parts"], run, sandbox, network, left)
    record["answers"] |= {name: text for name, text in outline["answers"].items() if name in record["answers"]}
    newer = [name for name, result in record["exercises"].items() if result["verdict"] == "newer-python"]
    notes += [f"NOT JUDGED, since it needs a newer Python than this grader's: {', '.join(newer)}."] if newer else []
    kept = {key: outline[key] for key in ("figures", "answer_notes", "answer_pictures")}
    return {**record, **kept, "verdict": "graded", "note": " ".join([*notes, *outline["notes"]])}


def _on_earlier_attempts(submission, outline):
    """Return the sentence on earlier attempts that do not count, unless reading took another file, which it says itself."""
    counts = outline.get("counts", "")
    if not submission.earlier or (submission.beside and counts and not f"{counts}/".startswith(f"{submission.path.name}/")):
        return []
    return [f"Earlier attempts, which do not count: {', '.join(submission.earlier)}."]


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
        "answer_notes": {},
        "answer_pictures": {},
        "figures": {},
    }


def _outline(submission, run, sandbox):
    """Return what reading.outline found in the sandbox; {"problem": sentence} if it came to nothing."""
    with opened(submission) as (file, name, first):
        try:
            with sandbox.job(PATIENCE * READING, READING, file) as job:
                found, _ = job.ask("outline", name=name, figures=run.figures, kit=run.kit, first=first)
        except Stopped as stop:
            return {"problem": f"{submission.shown} could not be read. {stop}"}
    try:
        return checked_outline(found, run.figures)
    except ValueError as error:
        return {"problem": str(error)}


def _exercise(name, parts, run, sandbox, network, left):
    """Return the result of an exercise, as it stands in the record. left: seconds by the clock for this submission."""
    if not any(name in source for _, source, *_ in parts):  # no need of a process then: most leave the optional part out
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
    except (Ended, Failed):
        raise
    except Exception as error:  # what came back was so odd that judging it failed
        return _stopped(name, f"It could not be judged ({type(error).__name__}).", time.monotonic() - started)
    if not refused and report.verdict in ("wrong", "broken") and "never-returns" not in report.mistakes:
        report, evidence, doubt = _as_students_see_it(report, parts, sandbox)
        if reason and report.mistakes and not report.explained:
            evidence = [*evidence, f"{reason} So it earns no points; your instructor is asked to look at it."]
    return _result(report, evidence, time.monotonic() - started, doubt or reason)


def _undefined(name, told):
    return Report(name, told["verdict"] if told.get("verdict") in ("broken", "missing", "newer-python") else "broken")


def _sentences(told):
    """Return the evidence in what the sandbox told, as sentences of bounded length, after the one that says whose they are."""
    evidence = told.get("evidence") if isinstance(told, dict) else None
    sentences = [str(sentence)[:1000] for sentence in evidence[:12]] if isinstance(evidence, list) else []
    return [REPORTED, *sentences] if sentences else []


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
