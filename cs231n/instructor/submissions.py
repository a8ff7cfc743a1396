"""Find the submissions in a folder, as Canvas, Moodle, Gradescope, nbgrader or a person has filled it.

What a student handed in is only looked at from outside here: names, sizes, times. It is opened in the sandbox.
"""

import hashlib
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

import yaml

KINDS = (".ipynb", ".zip", ".py")  # where a folder holds several files, the first kind counts
SIZE_LIMIT = 300_000_000  # bytes
IGNORED = {"submission_metadata.yml", "thumbs.db", "desktop.ini", "grades.csv"}

# jane_LATE_4711_9988_NetworkVisualization-2.ipynb: name, number of the student, of the submission, attempt
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_(?P<submission>\d+)_.*?(?:-(?P<attempt>\d+))?(?:\.\w+)?")
# Jane Doe_4711_assignsubmission_file_: a folder, or the beginning of a file's name
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_file_?.*")
GRADESCOPE = re.compile(r"submission_(?P<id>\d+)")
ATTEMPT = re.compile(r"(?P<student>.+?)[-_ ]?(?:\(|attempt[-_ ]?|-|_| )(?P<attempt>\d+)\)?")


@dataclass
class Submission:
    """What counts of a student's attempts.

    student: the key, unique in a run. name: for people. path: the file, or the folder where there is none. shown: the path
    as it is told. problem: a sentence if it can't be opened. earlier: paths of attempts that do not count.
    """

    student: str
    name: str
    path: Path
    shown: str
    problem: str = ""
    earlier: list = field(default_factory=list)

    def sha256(self):
        """Return the hash of the file's bytes; of nothing for what is no readable file."""
        if self.problem:
            return hashlib.sha256(self.problem.encode()).hexdigest()
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def _digest(file):  # Python 3.10 has no hashlib.file_digest
    digest = hashlib.sha256()
    while part := file.read(2**20):
        digest.update(part)
    return digest.hexdigest()


def submissions(folder):
    """Return the Submissions in a folder, one for each student, sorted by student. Raises ValueError if there is none.

    A student's files may lie in a folder of their own, or carry the student in their names, as Canvas, Moodle and Gradescope
    export them. Of several attempts the latest counts: by the number in the name, else by the file's time.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder. Expected the folder that holds the submissions (unpack an export first).")
    people, attempts = _people(folder), {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((".", "__MACOSX")) or entry.name.lower() in IGNORED:
            continue
        student, name, order = _identity(entry, people)
        for path in _files(entry):
            attempts.setdefault(student, []).append((order, _time(path), path, name))
    _join_numbered(attempts)
    if not attempts:
        raise ValueError(f"There is no submission in {folder}.")
    return [_submission(student, found, folder) for student, found in sorted(attempts.items())]


def _people(folder):
    """Return {name of the folder: (student, name)} from Gradescope's list, if there is one."""
    path = folder / "submission_metadata.yml"
    if not path.is_file():
        return {}
    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = {}
        for key, entry in listed.items():
            people = entry[":submitters"]
            names = [str(person.get(":name", "")) for person in people]
            keys = [str(person.get(":sid") or person.get(":email") or person.get(":name")) for person in people]
            found[key] = "+".join(keys), ", ".join(names)
        return found
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is not as Gradescope writes it ({type(error).__name__}). Remove it to go by folder names."
        ) from None


def _identity(entry, people):
    """Return (student, name, order of the attempt) by the name of a file or folder."""
    if entry.name in people:
        return (*people[entry.name], 0)
    moodle = MOODLE.fullmatch(entry.name)
    if moodle:
        return f"{moodle['name']}_{moodle['id']}", moodle["name"], 0
    canvas = CANVAS.fullmatch(entry.name) if entry.suffix else None
    if canvas:
        order = (int(canvas["submission"]), int(canvas["attempt"] or 0))
        return f"{canvas['name']}_{canvas['id']}", canvas["name"], order
    name = entry.name if entry.is_dir() and not entry.is_symlink() else entry.stem
    return name, name, 0


def _files(entry):
    """Return what a student handed in: the files of the most telling kind, or the entry itself where there is none."""
    if entry.is_symlink() or not entry.is_dir():
        return [entry]
    inside = [
        path
        for path in sorted(entry.rglob("*"))
        if path.suffix in KINDS and path.is_file() and not path.is_symlink() and not _is_hidden(path.relative_to(entry))
    ]
    for kind in KINDS:
        found = [path for path in inside if path.suffix == kind]
        if found:
            return found
    return [entry]


def _is_hidden(path):
    return any(part.startswith((".", "__")) for part in path.parts)


def _time(path):
    return path.lstat().st_mtime


def _join_numbered(attempts):
    """Count jane-2 as an attempt of jane, where there is a jane."""
    for student in list(attempts):
        numbered = ATTEMPT.fullmatch(student)
        if numbered and numbered["student"] in attempts:
            joined = [(int(numbered["attempt"]), *rest) for _, *rest in attempts.pop(student)]
            attempts[numbered["student"]] += joined


def _submission(student, found, folder):
    found = sorted(found, key=lambda attempt: (_numbers(attempt[0]), attempt[1], attempt[2].name))
    *earlier, (_, _, path, name) = found
    shown = [str(attempt[2].relative_to(folder)) for attempt in earlier]
    return Submission(student, name, path, str(path.relative_to(folder)), _problem(path), shown)


def _numbers(order):
    return order if isinstance(order, tuple) else (order, 0)


def _problem(path):
    """Return why a file can't be opened as a submission, in a sentence, or ""."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"{path.name} is a link, not a file."
    if stat.S_ISDIR(status.st_mode):
        return f"There is no notebook, no Python file and no zip archive in the folder {path.name}."
    if not stat.S_ISREG(status.st_mode):
        return f"{path.name} is no ordinary file."
    if path.suffix not in KINDS:
        return f"{path.name} is neither a notebook (.ipynb) nor a Python file (.py) nor a zip archive."
    if status.st_size > SIZE_LIMIT:
        return f"{path.name} has {status.st_size // 10**6} MB; expected at most {SIZE_LIMIT // 10**6} MB."
    return ""
