"""The archive for Gradescope's autograder, and the results.json that Gradescope reads.

The format of both is described at https://gradescope-autograders.readthedocs.io/en/latest/specs/, where "visibility" is one of
hidden, after_due_date, after_published and visible, for everything and for each test. Only the exercises are
graded there; the inline questions are marked by hand, in Gradescope's own outline of the assignment.
"""

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ...checks.report import Verdict
from ...kit import ROOT
from ...whole_file import replacing, write_whole
from ..course import without_late
from ..grading import rubric as rubrics
from ..grading.unchanged import Said
from ..reports import safe
from ..reports.records import Record, Result, State

SCRIPTS = Path(__file__).with_name("autograder")
BESIDE_THE_PACKAGE = (
    "LICENSE",
    "NetworkVisualization.ipynb",
    "README.md",
    "constraints.txt",
    "datasets/README.md",
    "datasets/sources.json",
    "get_datasets.sh",
    "requirements.txt",
)
OWN_RUBRIC, OWN_COURSE = "rubric.toml", "course.toml"  # at the archive's root, if the instructor gave them
AFTER_PUBLISHED = "after-published"  # a file at the archive's root, if students are to see points only when grades are published
CONTAINER_GB = 3.0  # of memory, in Gradescope's choice of sizes; grading needs MEMORY_GB
MEMORY_GB = 2.0
EXECUTABLE = ("setup.sh", "run_autograder", "get_datasets.sh")

UNREAD = "Not read: the reason is above."  # of each exercise and question of a submission that could not be read

# What results.json holds when grading itself failed: no score, so that Gradescope tells of an error and gives no points.
FAILURE = {
    "output": "Your work arrived and could not be graded. Please tell your instructor.",
    "output_format": "text",
    "stdout_visibility": "hidden",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `gradescope` takes to an argparse parser."""
    parser.description = "Make the archive to upload to Gradescope, on the page Configure Autograder of a programming assignment."
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the zip to write, for example autograder.zip")
    parser.add_argument("--course", type=Path, metavar="FILE", help="the course's own TOML file, as for `release`")
    parser.add_argument(
        "--rubric",
        type=Path,
        metavar="FILE",
        help="a TOML file with the fraction of the points that a mistake keeps, where yours differs from the kit's",
    )
    parser.add_argument(
        "--after-published",
        action="store_true",
        help="students see points and messages only once you publish the grades; if a file cannot be read, they see that at once",
    )


def run(options: argparse.Namespace) -> int:
    """Write the archive options.out. Returns 0. Raises ValueError and OSError, with a sentence, before anything is written."""
    rubric = rubrics.load(options.rubric, options.course)
    for notice in rubric.notices:
        print(notice, file=sys.stderr)
    write_archive(options.out, options.rubric, options.course, options.after_published)
    points, bonus = rubric.full_marks(rubric.exercises), rubric.most_bonus(rubric.exercises)
    print(f"Wrote {options.out}. In Gradescope make a programming assignment with {points:g} points for the autograder,")
    print(
        f"enable manual grading for the {len(rubric.questions)} inline questions, and upload the file under Configure Autograder."
    )
    if rubric.course.late:
        print("Late days are not in it: give the due date, and students' extensions, in Gradescope's own settings.")
    print(f"Choose a container with {CONTAINER_GB:g} GB of memory or more: grading takes up to {MEMORY_GB:g} GB.")
    if options.after_published:
        print(
            "Students see points and messages only once you publish the grades; if a file cannot be read, they see that at once."
        )
    if bonus:
        print(f"Leave the optional exercises out of the {points:g}: their {bonus:g} points are extra credit on top.")
    return 0


def write_archive(
    out: Path, rubric_file: Path | None = None, course_file: Path | None = None, after_published: bool = False
) -> None:
    """Write the zip `out`: setup.sh and run_autograder at its root, and beside them the kit that they need.

    What the course's file says of late days, with its students' extensions, is not in it: Gradescope counts these itself.
    The same kit gives the same bytes. after_published: whether students see points only then. Raises FileExistsError if `out` is
    something other than an earlier archive, and FileNotFoundError if its folder is not there.
    """
    out = Path(out)
    if not out.parent.is_dir():
        raise FileNotFoundError(f"The folder {out.parent} does not exist. Make it, or name another file for --out.")
    if out.exists() and not _is_archive(out):
        raise FileExistsError(f"{out} exists and is not an autograder archive. It is left as it is; name another file for --out.")
    members = {name: path.read_bytes() for name, path in _members(rubric_file, course_file).items()}
    if course_file:
        members[OWN_COURSE] = without_late(course_file).encode()
    if after_published:
        members[AFTER_PUBLISHED] = b"Students see points and messages only once the grades are published.\n"
    with replacing(out) as whole:
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(members):
                archive.writestr(_zip_info(name), members[name])
        _verify(whole, members)


def _is_archive(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return {"setup.sh", "run_autograder"} <= set(archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def _members(rubric_file: Path | None, course_file: Path | None) -> dict[str, Path]:
    """Return {name in the archive: the file to take}."""
    package = (path for path in (ROOT / "cs231n").rglob("*") if path.is_file() and path.suffix != ".pyc")
    paths = [path for path in package if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)]
    members = {path.relative_to(ROOT).as_posix(): path for path in [*paths, *(ROOT / name for name in BESIDE_THE_PACKAGE)]}
    members |= {name: SCRIPTS / name for name in ("setup.sh", "run_autograder")}
    own = {OWN_RUBRIC: rubric_file, OWN_COURSE: course_file}
    return members | {name: Path(path) for name, path in own.items() if path}


def _zip_info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.create_system = 3  # Unix, wherever it is made, so that the permissions below count
    info.external_attr = (0o100755 if name in EXECUTABLE else 0o100644) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _verify(path: Path, members: Collection[str]) -> None:
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
        if damaged or set(archive.namelist()) != set(members):
            raise OSError(
                f"The archive could not be read back ({damaged or 'members are missing'}). Is the disk full? Try again."
            )


def results(
    record: Record, columns: dict[str, float | None], rubric: rubrics.Rubric, after_published: bool = False
) -> dict[str, Any]:
    """Return what results.json holds: the exercises with their points, the answers without, to be marked by hand.

    record: what grading one submission yields. columns: its points, from rubric.score(). All texts are shown as plain text.
    Bonus points are extra credit: their box has 0 as its largest score. What a student left out of the optional part has none.
    after_published: whether students see it only when the grades are published. What could not be read is always shown at once,
    so that it can be handed in again; it says nothing about the grading.
    """
    is_read = record.verdict is State.GRADED
    done = [name for name in rubric.exercises if not (name in rubric.bonus and _is_left_out(record.exercises[name]))]
    exercises = [_exercise_box(name, record.exercises[name], columns[name], rubric) for name in done]
    answers = {name: record.answer(name) for name in rubric.questions}
    questions = [
        _question_box(name, text, name in rubric.bonus)
        for name, text in answers.items()
        if text.strip() or name not in rubric.bonus
    ]
    tests = exercises + questions if is_read else [{**box, "output": UNREAD} for box in exercises + questions]
    visibility = "after_published" if after_published and is_read else "visible"
    return {
        "score": round(sum(box["score"] for box in exercises), 2),
        "execution_time": round(sum(record.exercises[name].seconds for name in rubric.exercises), 2),
        "output": safe.plain(_headline(record, rubric)),
        "output_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "tests": [{**box, "visibility": visibility} for box in tests],
        "extra_data": {"sha256": record.sha256},
    }


def _headline(record: Record, rubric: rubrics.Rubric) -> str:
    if record.verdict is not State.GRADED:
        advice = "Fix the file, try it with `python -m cs231n.submit`, and hand it in again."
        reason = record.note.removesuffix(record.isolation).strip()  # that is for instructors
        return f"Your submission could not be read: {reason}\n{advice}"
    questions = rubric.full_marks(rubric.questions)
    told = f"Graded: {Path(record.submission).name}. The inline questions ({questions:g} points) are marked by hand."
    if not rubric.most_bonus():
        return told
    return f"{told} The optional part gives up to {rubric.most_bonus():g} points on top; leaving it out is fine."


def _is_left_out(result: Result) -> bool:
    return result.verdict in (Verdict.MISSING, Verdict.UNFINISHED)


def _exercise_box(name: str, result: Result, points: float | None, rubric: rubrics.Rubric) -> dict[str, Any]:
    bonus = name in rubric.bonus
    return {
        "name": f"{name} (bonus: up to {rubric.points[name]:g} points on top)" if bonus else name,
        "name_format": "text",
        "score": points,
        "max_score": 0.0 if bonus else rubric.points[name],
        "status": "passed" if result.verdict is Verdict.RIGHT else "failed",
        "output": safe.plain(result.message),
        "output_format": "text",
    }


def _question_box(name: str, answer: str, bonus: bool) -> dict[str, Any]:
    return {
        "name": f"{name.replace('question-', 'Inline question ')}{' (bonus)' if bonus else ''}: marked by hand",
        "name_format": "text",
        "output": safe.plain(answer) if answer.strip() else "There is no answer in your notebook.",
        "output_format": "text",
    }


def graded(submission: Path, rubric: rubrics.Rubric) -> Record:
    """Return the record of the one student whose files lie in the folder `submission`."""
    from ..grading.grading import grade_folder  # here, because writing the archive has no use for it

    with tempfile.TemporaryDirectory(prefix="gradescope-") as folder:
        inbox, grades = Path(folder, "submissions"), Path(folder, "grades")
        inbox.mkdir()
        packed, own = _pack(Path(submission), inbox)
        # Gradescope's containers allow no namespaces; there is one for each submission, in which nobody else's work lies
        records = grade_folder(inbox, grades, rubric=rubric, without_isolation=True, said=_ForClasses())
    if len(records) != 1:
        raise ValueError(f"Grading one submission gave {len(records)} records; expected one.")
    return _renamed(records[0], packed, own)


class _ForClasses(Said):
    """Keeps for itself what a run says of a class, and of a folder that is gone when somebody reads it."""

    def notice(self, sentence: str) -> None:
        self.errors.append(sentence)

    def news(self, sentence: str) -> None:
        self.errors.append(sentence)


def _pack(submission: Path, inbox: Path) -> tuple[str, str]:
    """Put what a student handed in into `inbox`, as the one file that it is, or as a zip of several. Links are left out.

    Gradescope unpacks a zip that comes alone; archives beside other files, and other kinds, it leaves packed. They stay so here:
    reading a submission opens an archive, and archives in it, wherever they are from. A file gets a name that belongs to nobody:
    its own might look like that of another platform, or be hidden. Returns (that name, the one that the student knows).
    """
    files = [path for path in sorted(submission.rglob("*")) if path.is_file() and not path.is_symlink()]
    target = inbox / "submission"
    if len(files) == 1:
        suffixes = files[0].suffixes[-2:]
        is_tar = len(suffixes) == 2 and suffixes[0].lower() == ".tar"  # .tar.gz is one suffix, .final.ipynb is not
        target = target.with_name(target.name + ("".join(suffixes) if is_tar else files[0].suffix))
        shutil.copyfile(files[0], target)
        return target.name, files[0].name
    target = target.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", strict_timestamps=False) as archive:
        for path in files:
            archive.write(path, path.relative_to(submission))
    return target.name, target.name


def _renamed(record: Record, packed: str, own: str) -> Record:
    """Return a record in which the file has the name that its student gave it."""
    results = {name: dataclasses.replace(one, message=one.message.replace(packed, own)) for name, one in record.exercises.items()}
    note, submission = (text.replace(packed, own) for text in (record.note, record.submission))
    return dataclasses.replace(record, exercises=results, note=note, submission=submission)


def main(arguments: list[str] | None = None) -> int:
    """Grade one submission on Gradescope; run_autograder calls this. Returns 0, or 1 if grading itself failed."""
    parser = argparse.ArgumentParser(prog="python -m cs231n.instructor.platforms.gradescope", description=main.__doc__)
    parser.add_argument("submission", type=Path, help="the folder with the student's files")
    parser.add_argument("results", type=Path, help="the results.json to write")
    options = parser.parse_args(arguments)
    try:
        rubric = rubrics.load(*(path if path.is_file() else None for path in (ROOT / OWN_RUBRIC, ROOT / OWN_COURSE)))
        record = graded(options.submission, rubric)
        found, code = results(record, rubric.score(record, {}), rubric, (ROOT / AFTER_PUBLISHED).is_file()), 0
        print(f"{record.submission}: {record.verdict}. {record.note}")
        if record.isolation:
            print("Gradescope's container keeps this submission from other students' work, not from the kit's own files: look")
            print("at a submission that earns more than you expect.")
    except Exception:  # whatever it is, Gradescope gets a file that says so, and the instructor the traceback
        traceback.print_exc()
        found, code = FAILURE, 1
    write_whole(options.results, json.dumps(found, indent=1))
    return code


if __name__ == "__main__":
    sys.exit(main())
