"""Find the submissions in a folder, as a learning platform, nbgrader or a person has filled it, and account for every file.

What a student handed in is only looked at from outside here: names, sizes, times. It is opened in the sandbox.
"""

import contextlib
import hashlib
import re
import stat
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path

from ..sandbox.inside.archives import advice, unread_kind
from ..sandbox.inside.reading import is_expected, kind
from . import layouts
from .layouts import Owner, is_folder, stem

SIZE_LIMIT = 300_000_000  # bytes
FOLDERS_LIMIT = 5000  # that are looked into for one student
OUTER_LIMIT = 8  # folders around the students' own
MANY = 4  # files with work, or folders for each file beside them: rather several students' than one's
NAMED_LIMIT = 12  # names in one sentence
IGNORED = {"thumbs.db", "desktop.ini", "grades.csv", "__macosx"}
AROUND = (".html", ".htm", ".xlsx", ".xls", ".csv", ".txt")  # what a platform may put beside the folder of an export
CONTAINERS = {"submitted", "submissions", "abgaben"}  # names of a folder around all students
OF_THE_KIT = {"cs231n", "datasets"}  # folders that lie in one student's own folder

# jane-2, jane_2, jane (2), jane-attempt-2
ATTEMPT = re.compile(r"(?P<student>.+?)(?:[-_ ]|[-_ ]?\(|[-_ ]?attempt[-_ ]?)(?P<attempt>[0-9]{1,2})\)?", re.DOTALL)
UNPRINTABLE = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass
class Submission:
    """What counts of a student's attempts.

    student: the key, unique in a run. name: for people. path: the file, or the folder where there is none. shown: the path
    as it is told. problem: a sentence if it can't be opened. earlier: paths of attempts that do not count. ids: by which a
    roster may know the student. members: [(ids, name)] of a group. beside: {name: path} of what is read together with it, see
    handed_in. All strings can be printed and written as UTF-8, whatever the names on the disk are.
    """

    student: str
    name: str
    path: Path
    shown: str
    problem: str = ""
    earlier: list = field(default_factory=list)
    ids: tuple = ()
    members: tuple = ()
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


@dataclass(frozen=True)
class File:
    """What became of one file below the folder of submissions. student: the key of whose it is, "" for nobody's."""

    path: str
    student: str
    counted: bool
    why: str


@dataclass
class Intake:
    """What was found in a folder: submissions, one for each student and sorted; files, a File for every one; notices,
    sentences on what is unusual; absent: the Persons of a roster who handed in nothing."""

    submissions: list
    files: list
    notices: list
    absent: list = field(default_factory=list)


@dataclass
class _Attempt:
    """order: (what counts more, what counts less), as an export tells it; the file's time decides between equal ones."""

    path: Path
    order: tuple

    def rank(self):
        status = self.path.lstat()
        usable = stat.S_ISREG(status.st_mode) and _kind(self.path) > 0
        return usable, self.order, status.st_mtime, _kind(self.path), str(self.path)


@dataclass
class _Student:
    """owner: as the names tell it. entries: files and folders that are this student's. attempts: what can count of them."""

    owner: Owner
    entries: list = field(default_factory=list)
    attempts: list = field(default_factory=list)


def submissions(folder):
    """Return the Submissions in a folder, one for each student, sorted by student. Raises ValueError if there is none."""
    return intake(folder).submissions


def intake(folder, roster=None):
    """Return the Intake of a folder of submissions: who handed in what, and what became of every file.

    A student's files may lie in a folder of their own, or carry the student in their names; layouts.py says how platforms
    name them. Attempts are joined only where an export, or a student's own folder, says whose they are; then the latest
    counts, by the number or the date in the name, else by the file's time, and what is neither notebook nor Python file nor
    archive counts only where there is nothing else. Everything else has a row of its own. A hidden file has none, as systems
    write such files beside a student's own, but a notice names it. roster: a Roster, which gives the ids and the names of
    those whom it knows, and says which folder is a student's. Raises ValueError if there is no folder or no submission in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder. Expected the folder that holds the submissions (unpack an export first).")
    places, notices = _places(folder, roster)
    students, nobodys = {}, {}
    if roster and roster.path:
        for place in places:
            nobodys |= {entry: "the roster" for entry in place.entries if entry.resolve() == roster.path.resolve()}
            place.entries = [entry for entry in place.entries if entry not in nobodys]
    for place in places:
        _collect(place, students, nobodys, notices)
    if not students:
        hidden, _ = _hidden(_files_of_all(folder, {}, {}, nobodys))
        raise ValueError(
            f"There is no submission in {folder}."
            + (f" Hidden files never count: {_named(hidden)}. Rename those that are a student's." if hidden else "")
        )
    found = {key: _submission(key, student, folder) for key, student in students.items()}
    files = _files_of_all(folder, students, found, nobodys)
    notices += _look_alikes(students) + _unusual(list(found.values()), files)
    every = sorted(found.values(), key=lambda one: one.student)
    return _by_roster(Intake(every, files, notices), roster) if roster else Intake(every, files, notices)


# Where the students' folders and files lie


@dataclass
class _Place:
    """A folder whose entries are students'. prefix: what goes before their keys. platform, owners: as layouts.recognised()."""

    path: Path
    prefix: str = ""
    platform: str = ""
    owners: dict = field(default_factory=dict)

    def __post_init__(self):
        self.entries = []
        with contextlib.suppress(OSError):  # one that cannot be listed costs the others nothing
            self.entries = sorted(entry for entry in self.path.iterdir() if not _is_ignored(entry))

    def recognised(self):
        """Return the place with what a platform's names say. Raises ValueError for a list that is damaged."""
        self.platform, self.owners = layouts.recognised(self.path, self.entries, _kind)
        return self


def _places(folder, roster):
    """Return ([_Place], notices): the folder itself, the one inside of it, or those in which an instructor sorted students.

    Where the roster knows one of the names, they are the students' own, and what lies in their folders is named by them.
    """
    place, notices = _Place(folder).recognised(), []
    for _ in range(OUTER_LIMIT):
        inner = [entry for entry in place.entries if is_folder(entry)]
        beside = [entry for entry in place.entries if not is_folder(entry)]
        around = len(inner) == 1 and all(entry.suffix.lower() in AROUND for entry in beside)
        if place.platform or _knows_any(roster, place.entries) or not (around and _holds_students(inner[0])):
            break
        place = _Place(inner[0]).recognised()
        notices.append(
            f"{_printable(str(place.path.relative_to(folder)))} is the only folder, and is taken for one around the students: "
            f"each of the {len(place.entries)} files and folders in it is a student's own."
        )
    sections, undecided = ([], []) if place.platform else _sections(place, roster)
    if undecided:
        names = _named([section.path.name for section in undecided])
        notices.append(
            f"{names}: taken for one student's own folder, although there are several folders with work in it; only one of "
            "those counts. If they are several students', move them up one level, or grade that folder on its own."
        )
    if sections:
        folders = [section.path for section in sections]
        names = _named([entry.name for entry in folders])
        notices.append(f"{names}: folders around several students', so each folder in them is taken for a student's own.")
        place.entries = [entry for entry in place.entries if entry not in folders]
    return [place, *sections], notices


def _holds_students(folder):
    """Return whether the only folder there is holds several students' work, or looks like an export."""
    place = _Place(folder)
    with contextlib.suppress(ValueError):  # a student's own file, perhaps; whoever goes in looks again
        if place.recognised().platform in ("Gradescope", *layouts.EXPORTS, "GitHub Classroom"):
            return True
    inner = [entry for entry in place.entries if is_folder(entry)]
    works = [entry for entry in place.entries if not is_folder(entry) and _kind(entry) and entry.suffix.lower() != ".py"]
    if works or any(entry.name in OF_THE_KIT for entry in inner):
        return len(works) > 1 and not any(entry.name in OF_THE_KIT for entry in inner)
    with_work = [entry for entry in inner if _has_work(entry)]
    if len(with_work) == 1:
        return folder.name.lower() in CONTAINERS or _holds_students(with_work[0])
    return len(with_work) > 1


def _knows_any(roster, entries):
    return roster is not None and any(roster.knows(stem(entry)) for entry in entries)


def _sections(place, roster):
    """Return (a _Place for each folder among which students were sorted, those that look so but may be one student's own).

    A student may keep several folders, too, and names them. So all folders must look so, with nothing beside them, or with
    many times as many folders in them as there are files beside them. No name in one folder may be that of one in another, as
    assignments' are. And the roster must know nobody here, and either somebody in each folder or nobody in any: one student
    alone cannot arrange that.
    """
    inner = [_Place(entry, f"{entry.name}/") for entry in place.entries if is_folder(entry)]
    works = {section.path: [entry for entry in section.entries if is_folder(entry) and _has_work(entry)] for section in inner}
    times = Counter(entry.name for folders in works.values() for entry in folders)
    alike = [section for section in inner if _is_like_a_section(section, works[section.path])]
    beside = len(place.entries) - len(inner)
    all_of_them = not beside and len(inner) > 1 and len(times) > len(inner)
    the_bulk = 0 < MANY * beside < len(times)
    somebody = {_knows_any(roster, works[section.path]) for section in inner}
    is_sorted = (
        len(alike) == len(inner)
        and (all_of_them or the_bulk)
        and max(times.values()) == 1
        and not _knows_any(roster, place.entries)
        and len(somebody) == 1
    )
    if is_sorted:
        return inner, []
    several = [section for section in alike if len(works[section.path]) > 1]
    return [], [section for section in several if any(times[entry.name] == 1 for entry in works[section.path])]


def _is_like_a_section(section, folders):
    """Return whether a folder holds nothing to grade but the folders with work in it, and those are not of one student's kit."""
    loose = any(_kind(entry) for entry in section.entries if not is_folder(entry))
    own = {entry.name for entry in folders}
    of_one = len([entry for entry in folders if _has_work(entry, is_expected)]) == 1  # the others are other assignments
    return bool(own) and not loose and not of_one and not OF_THE_KIT & own


def _has_work(folder, is_wanted=lambda name: is_expected(name) or not name.lower().endswith(".py")):
    """Return whether somewhere in a folder there is a notebook, an archive or the file of the exercises."""
    return any(_kind(path) and is_wanted(path.name) for path in _inside(folder))


# Whose they are


def _collect(place, students, nobodys, notices):
    """Add the entries of a place to students ({key: _Student}) and nobodys ({path: why})."""
    mine, foreign = defaultdict(list), []
    for entry in place.entries:
        if layouts.is_companion(entry, place.platform):
            nobodys[entry] = f"{place.platform}'s own list"
        elif owner := place.owners.get(entry.name):
            mine[owner.student].append((owner, entry))
        else:
            foreign.append(entry)
    own = {student: _Student(found[0][0], [entry for _, entry in found]) for student, found in mine.items()}
    for student, found in mine.items():
        for owner, entry in found:
            own[student].attempts += [] if owner.aside else _attempts(entry, owner.order)
    keys = _keys_of(foreign, own.keys())
    own |= {key: _Student(Owner(key, key, ids=(key,)), [entry], _attempts(entry, (0, 0))) for key, entry in keys.items()}
    for key, student in own.items():
        students[place.prefix + key] = student
    if place.platform:
        notices.append(f"Named as {place.platform} writes it, each a student: {len(mine)} of {len(mine) + len(foreign)}.")
        if foreign:
            notices.append(
                f"{_named([entry.name for entry in foreign])}: not named as {place.platform} does it, so each has a row "
                "of its own."
            )


def _keys_of(entries, taken):
    """Return {key: entry}, all different: names without endings where no other has the same, else whole names."""
    keys = {entry: stem(entry) for entry in entries}
    while True:
        times = Counter(keys.values()) + Counter(taken)
        twice = [entry for entry, key in keys.items() if times[key] > 1 and key != entry.name]
        if not twice:
            break
        keys |= {entry: entry.name for entry in twice}
    free = {}
    for entry, key in keys.items():
        while key in taken or key in free:  # a whole name that is an export's key
            key += " (file)"
        free[key] = entry
    return free


def _attempts(entry, order):
    return [_Attempt(path, (*order, 0 if path == entry else _number(path.stem))) for path in _files(entry)]


def _look_alikes(students):
    """Return sentences on rows that may be one student's. They are not joined: a student could name a file after another."""
    notices = []
    plain = {key: student for key, student in students.items() if student.owner.student == student.owner.name}
    stems = defaultdict(list)
    for student in plain.values():
        for entry in student.entries:
            stems[entry.parent, stem(entry)].append(entry.name)
    for names in stems.values():
        if len(names) > 1:
            notices.append(
                f"{_named(names)}: the same name, each with a row of its own. Put them into one folder if they are one's."
            )
    alike = [key for key in plain if (found := ATTEMPT.fullmatch(key)) and found["student"] in plain]
    if alike:
        notices.append(
            f"{_named(alike)}: named like a further attempt of another row, each with a row of its own. "
            "Put a student's attempts into one folder named after the student."
        )
    names = Counter(student.owner.name for student in students.values() if student.owner.student != student.owner.name)
    if twice := [name for name, times in names.items() if times > 1]:
        notices.append(f"{_named(twice)}: a name that several rows have.")
    return notices


# What became of every file


def _files_of_all(folder, students, found, nobodys):
    """Return a File for every file below the folder, sorted by path; links and what cannot be listed are files, too."""
    owners = {entry: key for key, student in students.items() for entry in student.entries}
    counting = {found[key].path: key for key in found}
    others = {attempt.path: key for key, student in students.items() for attempt in student.attempts}
    files, waiting, seen = [], deque([(folder, "", "")]), Counter()
    while waiting:
        here, key, hidden = waiting.popleft()
        seen[key] += 1
        try:
            entries = sorted(here.iterdir())
        except OSError as error:
            files.append(File(_shown(here, folder), _printable(key), False, f"cannot be listed: {error.strerror}"))
            continue
        if key and seen[key] > FOLDERS_LIMIT:
            files.append(File(_shown(here, folder), _printable(key), False, f"beyond {FOLDERS_LIMIT} folders: not looked into"))
            continue
        for entry in entries:
            whose = key or owners.get(entry, "")
            why = hidden or nobodys.get(entry) or _left_by_a_system(entry)
            if is_folder(entry):
                waiting.append((entry, whose, why))
            else:
                files.append(_file(entry, whose, why, counting, others, found, folder))
    listed = {file.student for file in files}
    empty = [one for one in found.values() if one.student not in listed]
    files += [File(f"{one.shown}/", one.student, False, one.problem) for one in empty]
    return sorted(files, key=lambda file: file.path)


def _file(entry, key, why, counting, others, found, folder):
    path, student = _shown(entry, folder), _printable(key)
    if entry in counting:
        return File(path, student, not found[counting[entry]].problem, found[counting[entry]].problem)
    if not why and not key:
        why = "nobody's"
    elif not why and entry.is_symlink():
        why = "a link, not followed"
    elif not why and entry.name == layouts.GRADESCOPE:
        why = "handed in, so it is not believed"
    elif not why and entry in others:
        why = f"another attempt; {found[key].shown} counts"
    elif not why:
        why = f"beside {found[key].shown}, which counts" if not found[key].problem else "nothing that can be graded"
    return File(path, student, False, why)


def _left_by_a_system(entry):
    if entry.name.startswith("."):
        return "hidden"
    return "left by a system" if entry.name.lower() in IGNORED or entry.name.startswith("__") else ""


def _unusual(found, files):
    """Return sentences on what an instructor should look at."""
    notices = []
    if problems := [f"{one.student}: {one.problem}" for one in found if one.problem]:
        notices.append(f"Submissions that cannot be graded: {len(problems)}. {' '.join(problems[:NAMED_LIMIT])}")
    if several := [one.student for one in found if one.earlier]:
        notices.append(f"{_named(several)}: several attempts, of which the latest counts.")
    if crowded := [one.student for one in found if len(one.earlier) >= MANY]:
        notices.append(
            f"{_named(crowded)}: so many files could count that there may be several students' in one folder or under one name. "
            "If so, name that folder as SUBMISSIONS."
        )
    if len(found) == 1 and not found[0].problem and found[0].path.suffix.lower() not in (".ipynb", ".py"):
        notices.append(f"{found[0].shown} is all there is. If it is the export of a whole class, unpack it first.")
    looked_at = (
        ("a link, not followed", "links, which are not followed"),
        ("handed in, so it is not believed", "a list of Gradescope's form that a student handed in; it is not believed"),
        ("nobody's", "files that are nobody's"),
    )
    for why, words in looked_at:
        if paths := [file.path for file in files if file.why == why]:
            notices.append(f"{_named(paths)}: {words}.")
    rowless, hidden = _hidden(files)
    if rowless:
        notices.append(
            f"{_named(rowless)}: hidden files, which never count, and no row is theirs. "
            "If one is a student's, rename it so that it does not begin with a dot, and grade again."
        )
    if hidden:
        notices.append(f"{_named(hidden)}: hidden files, which never count.")
    if closed := [file.path for file in files if file.why.startswith(("cannot be listed", "beyond"))]:
        notices.append(f"{_named(closed)}: folders that could not be looked into.")
    return notices


def _hidden(files):
    """Return (hidden paths that nobody has a row for, other hidden paths), of what could count if it were not hidden.

    Jupyter's checkpoints are not among them; what macOS writes beside a file of the same name is among the others.
    """
    paths = {file.path for file in files}
    rowless, others = [], []
    for file in files:
        path = Path(file.path)
        if file.why == "hidden" and _kind(path) and ".ipynb_checkpoints" not in path.parts:
            is_twin = path.name.startswith("._") and str(path.with_name(path.name[2:])) in paths
            (others if file.student or is_twin else rowless).append(file.path)
    return rowless, others


def _named(names):
    """Return names in one line, the first dozen and how many more there are."""
    shown = ", ".join(_printable(name) for name in names[:NAMED_LIMIT])
    return f"{shown} and {len(names) - NAMED_LIMIT} more" if len(names) > NAMED_LIMIT else shown


# With a roster


def _by_roster(found, roster):
    """Return the Intake with the roster's ids and names for those whom it knows, each at most once.

    An id comes before a name: who hands in a file under another's name takes nobody out of the roster.
    """
    matches, by_name, covered = defaultdict(list), defaultdict(list), set()
    for one in found.submissions:
        if one.members:
            covered |= {roster.find(ids, name) for ids, name in one.members}
        elif person := roster.find((one.student, *one.ids), one.name):
            is_by_id = roster.find((one.student, *one.ids), "") is not None
            (matches if is_by_id else by_name)[person].append(one)
    known = {one.student for same in (*matches.values(), *by_name.values()) for one in same}
    for person, same in by_name.items():
        if person in matches:
            found.notices.append(
                f"{person.id}, {person.name}: {_named([one.shown for one in matches[person]])} is theirs by id; "
                f"{_named([one.shown for one in same])} could be theirs by name alone, and has a row of its own."
            )
    matches |= {person: same for person, same in by_name.items() if person not in matches}
    strangers = [one.student for one in found.submissions if one.student not in known and not one.members]
    if strangers:
        found.notices.append(f"{_named(strangers)}: not in the roster, and graded under this name.")
    keys = {}
    for person, same in matches.items():
        if len(same) == 1:
            keys[same[0].student] = person
        else:
            found.notices.append(
                f"{person.id}, {person.name}: {_named([one.shown for one in same])} could all be theirs, so each has a row "
                "of its own. Remove all but one, or put them into one folder named after the id."
            )
    keys = {key: person for key, person in keys.items() if _printable(person.id) == key or _is_free(person.id, found, keys)}
    for one in found.submissions:
        if person := keys.get(one.student):
            one.student, one.name = _printable(person.id), _printable(person.name)
    found.files = [
        File(file.path, _printable(keys[file.student].id), file.counted, file.why) if file.student in keys else file
        for file in found.files
    ]
    found.submissions.sort(key=lambda one: one.student)
    found.absent = [person for person in roster.people if person not in matches and person not in covered]
    if found.absent:
        found.notices.append(
            f"{len(found.absent)} of the {len(roster.people)} in the roster handed in nothing: "
            f"{_named([f'{person.id} {person.name}' for person in found.absent])}."
        )
    return found


def _is_free(student, found, keys):
    """Return whether no submission that keeps its own key has this one."""
    return not any(one.student == _printable(student) and one.student not in keys for one in found.submissions)


# Of one student


def _is_ignored(entry):
    return entry.name.startswith(".") or entry.name.lower() in IGNORED


def _kind(path):
    """Return the rank of a file's kind; 0 for what is no submission. Of several files the highest counts."""
    return kind(path.name)


def _number(stem):
    numbered = ATTEMPT.fullmatch(stem)
    return int(numbered["attempt"]) if numbered else 0


def _files(entry):
    """Return the attempts in a folder: files of the most telling kind and name; the entry itself where there is none."""
    inside = [path for path in (_inside(entry) if is_folder(entry) else []) if _kind(path)]
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


def _submission(key, student, folder):
    *earlier, last = sorted(student.attempts or [_Attempt(student.entries[0], ())], key=_Attempt.rank)
    shown = [_shown(attempt.path, folder) for attempt in earlier]
    path, owner = last.path, student.owner
    name = _printable(owner.name if owner.name != owner.student else key)
    return Submission(_printable(key), name, path, _shown(path, folder), _problem(path), shown, owner.ids, owner.members)


def _shown(path, folder):
    return _printable(str(path.relative_to(folder)))


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
        return f"{name} is not an ordinary file."
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
