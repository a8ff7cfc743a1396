"""Find the submissions in a folder, as Canvas, Moodle, Gradescope, nbgrader or a person has filled it.

What a student handed in is only looked at from outside here: names, sizes, times. It is opened in the sandbox.
"""

import contextlib
import hashlib
import re
import stat
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .archives import advice, unread_kind
from .reading import is_expected, kind, stem

SIZE_LIMIT = 300_000_000  # bytes
FOLDERS_LIMIT = 5000  # that are looked into for one student
GRADESCOPE = "submission_metadata.yml"
IGNORED = {GRADESCOPE, "thumbs.db", "desktop.ini", "grades.csv", "__macosx"}

# doejane_LATE_4711_9988_NetworkVisualization-1.ipynb: name, number of the student, of the file; of an anonymous assignment
# LATE_anon_x7f3q_9988_...; what was written online is doejane_4711_text.html or ..._link.html.
CANVAS = re.compile(
    r"(?:(?P<name>.+?)_(?:LATE_)?(?P<id>[0-9]+)|(?:LATE_)?(?P<anonymous>anon_[A-Za-z0-9]+))"
    r"_(?:(?P<file>[0-9]{3,})_.+|(?:text|link)\.html)",
    re.DOTALL,
)
# Jane Doe_4711_assignsubmission_file: a folder, or, with "_" behind it, the beginning of a file's name. A name holds no "_".
MOODLE = re.compile(r"(?P<name>[^_]+)(?:_(?P<id>[0-9]+))?_assignsubmission_(?:file|onlinetext)(?:_.*)?", re.DOTALL)
# jane-2, jane_2, jane (2), jane-attempt-2
ATTEMPT = re.compile(r"(?P<student>.+?)(?:[-_ ]|[-_ ]?\(|[-_ ]?attempt[-_ ]?)(?P<attempt>[0-9]{1,2})\)?", re.DOTALL)
UNPRINTABLE = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass
class Submission:
    """What counts of a student's attempts.

    student: the key, unique in a run. name: for people. path: the file, or the folder where there is none. shown: the path
    as it is told. problem: a sentence if it can't be opened. earlier: paths of attempts that do not count. beside: {name: path}
    of what is read together with it, see handed_in. All strings can be printed and written as UTF-8, whatever the names on the
    disk are.
    """

    student: str
    name: str
    path: Path
    shown: str
    problem: str = ""
    earlier: list = field(default_factory=list)
    beside: dict = field(default_factory=dict)

    def sha256(self):
        """Return the hash of the file's bytes and of what lies beside it; of the problem where it can't be opened."""
        if self.problem:
            return hashlib.sha256(self.problem.encode()).hexdigest()
        digest = hashlib.sha256()
        for path in (self.path, *self.beside.values()):
            with path.open("rb") as file:
                while part := file.read(2**20):
                    digest.update(part)
        return digest.hexdigest()


@dataclass
class _Attempt:
    """order: (kind, number) as far as the file's name tells, larger for what counts; its time decides between equal ones."""

    name: str
    path: Path
    order: tuple[int, int]

    def rank(self):
        status = self.path.lstat()
        usable = stat.S_ISREG(status.st_mode) and _kind(self.path) > 0
        return usable, self.order, status.st_mtime, _kind(self.path), str(self.path)


def submissions(folder):
    """Return the Submissions in a folder, one for each student, sorted by student. Raises ValueError if there is none.

    A student's files may lie in a folder of their own, or carry the student in their names, as Canvas, Moodle and Gradescope
    export them. Of several attempts the latest counts: by the number in the name, else by the file's time; but what is neither
    notebook nor Python file nor archive counts only where there is nothing else. Hidden files are left out.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder. Expected the folder that holds the submissions (unpack an export first).")
    entries = [entry for entry in folder.iterdir() if not _is_ignored(entry)]
    _refuse_nested(folder, entries)
    exported = {**_from_canvas(entries), **_from_moodle(entries), **_from_gradescope(folder)}
    attempts = {}
    for entry in entries:
        student, name, order = exported.get(entry.name) or (_stem(entry), _stem(entry), (0, 0))
        for path in _files(entry):
            attempts.setdefault(student, []).append(_Attempt(name, path, order if path == entry else (0, _number(path.stem))))
    _join_numbered(attempts, {_stem(entry) for entry in entries if entry.name not in exported})
    if not attempts:
        raise ValueError(f"There is no submission in {folder}.")
    return sorted((_submission(*found, folder) for found in attempts.items()), key=lambda found: found.student)


def _is_ignored(entry):
    return entry.name.startswith(".") or entry.name.lower() in IGNORED


def _is_folder(entry):
    return entry.is_dir() and not entry.is_symlink()


def _stem(entry):
    return entry.name if _is_folder(entry) else stem(entry.name)


def _kind(path):
    """Return the rank of a file's kind; 0 for what is no submission. Of several files the highest counts."""
    return kind(path.name)


def _number(stem):
    numbered = ATTEMPT.fullmatch(stem)
    return int(numbered["attempt"]) if numbered else 0


def _refuse_nested(folder, entries):
    """An export unpacks into one folder more: all would pass for one student's attempts."""
    if len(entries) != 1 or not _is_folder(entries[0]):
        return
    inside = list(entries[0].iterdir())
    students = {student for student, *_ in {**_from_canvas(inside), **_from_moodle(inside)}.values()}
    if len(students) > 1 or any(entry.name == GRADESCOPE for entry in inside):
        raise ValueError(f"{folder} holds one folder with an export in it. Name that folder: {entries[0]}")


# Who handed in what: {name of the file or folder: (student, name, order)}


def _from_canvas(entries):
    """By Canvas's names; its numbers of files are unique, so names that share one only look alike.

    Canvas exports the last attempt, which may have several files.
    """
    found, stems = {}, {}
    for entry in entries:
        told = CANVAS.fullmatch(entry.name)
        if told:
            student = told["anonymous"] or f"{told['name']}_{told['id']}"
            found[entry.name] = student, told["anonymous"] or told["name"], (_kind(entry), int(told["file"] or 0))
            stems.setdefault((student, told["file"] or entry.name), set()).add(_stem(entry))
    ambiguous = {stem for same in stems.values() if len(same) > 1 for stem in same}
    return {entry.name: found[entry.name] for entry in entries if entry.name in found and _stem(entry) not in ambiguous}


def _from_moodle(entries):
    """By Moodle's names. It exports the last attempt, which may have several files."""
    told = {entry: MOODLE.fullmatch(entry.name) for entry in entries}
    return {
        entry.name: (f"{found['name']}_{found['id']}" if found["id"] else found["name"], found["name"], (_kind(entry), 0))
        for entry, found in told.items()
        if found
    }


def _from_gradescope(folder):
    """By Gradescope's list, if there is one. A group is one student: its numbers joined by "+"."""
    path = folder / GRADESCOPE
    if not path.is_file():
        return {}
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # all values as strings (007 is no number), whatever their tags
    try:
        listed = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        found = {}
        for key, entry in listed.items():
            people = [{name: _value(person, name) for name in (":name", ":sid", ":email")} for person in entry[":submitters"]]
            keys = [person[":sid"] or person[":email"] or f"{person[':name']} {key}" for person in people]
            if people:
                found[key] = "+".join(keys), ", ".join(person[":name"] for person in people), (0, 0)
        return found
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is not as Gradescope writes it ({type(error).__name__}). Remove it to go by folder names."
        ) from None


def _value(person, name):
    value = person.get(name)
    return value if isinstance(value, str) and value not in ("~", "null") else ""


def _files(entry):
    """Return the attempts in a folder: files of the most telling kind and name; the entry itself where there is none."""
    inside = [path for path in (_inside(entry) if _is_folder(entry) else []) if _kind(path)]
    best = max(((_kind(path), is_expected(path.name)) for path in inside), default=None)
    return [path for path in inside if (_kind(path), is_expected(path.name)) == best] or [entry]


def _inside(folder):
    """Return the ordinary files in a folder and below it, the nearest first; without hidden ones, without following links."""
    found, waiting, seen = [], deque([folder]), 0
    while waiting and seen < FOLDERS_LIMIT:
        seen += 1
        with contextlib.suppress(OSError):  # a path can be too long to be opened
            for entry in sorted(waiting.popleft().iterdir()):
                if entry.name.startswith((".", "__")) or entry.is_symlink():
                    continue
                if entry.is_dir():
                    waiting.append(entry)
                elif entry.is_file():
                    found.append(entry)
    return found


def _join_numbered(attempts, plain):
    """Count jane-2 as an attempt of jane, where there is a jane. plain: students whose names no export has written."""
    for student in sorted(plain & attempts.keys(), key=len, reverse=True):  # jane-2-3 before jane-2
        numbered = ATTEMPT.fullmatch(student)
        if numbered and numbered["student"] in attempts:
            for attempt in attempts.pop(student):
                joined = _Attempt(numbered["student"], attempt.path, (0, int(numbered["attempt"])))
                attempts[numbered["student"]].append(joined)


def _submission(student, attempts, folder):
    *earlier, last = sorted(attempts, key=_Attempt.rank)
    shown = [_printable(str(attempt.path.relative_to(folder))) for attempt in earlier]
    path = last.path
    name = _printable(last.name or student)
    return Submission(_printable(student), name, path, _printable(str(path.relative_to(folder))), _problem(path), shown)


def _printable(text):
    """Return a text that prints in one line and can be written as UTF-8; different texts stay different."""
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _unread_in(folder):
    """Return the sentences on archives in a folder that cannot be opened, each with a space before it."""
    names = [_printable(path.name) for path in _inside(folder)]
    return "".join(f" {advice(name, told)}" for name in names[:5] if "archive" in (told := unread_kind(name)))


def _problem(path):
    """Return why a file can't be opened as a submission, in a sentence, or ""."""
    status, name = path.lstat(), _printable(path.name)
    if stat.S_ISLNK(status.st_mode):
        return f"{name} is a link, not a file."
    if stat.S_ISDIR(status.st_mode):
        return f"There is no notebook, no Python file and no zip archive in the folder {name}.{_unread_in(path)}"
    if not stat.S_ISREG(status.st_mode):
        return f"{name} is no ordinary file."
    if not _kind(path) and "archive" in unread_kind(name):
        return advice(name, unread_kind(name))
    if not _kind(path):
        return f"{name} is neither a notebook (.ipynb) nor a Python file (.py) nor a zip archive."
    if status.st_size > SIZE_LIMIT:
        return f"{name} has {status.st_size / 10**6:.1f} MB; expected at most {SIZE_LIMIT // 10**6} MB."
    try:
        path.open("rb").close()
    except OSError as error:
        return f"{name} cannot be opened: {error.strerror}."
    return ""
