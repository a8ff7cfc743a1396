"""Find the submissions in a folder, as a learning platform, nbgrader or a person has filled it, and account for every file.

What a student handed in is only looked at from outside here: names, sizes, times. It is opened in the sandbox.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from ..reports.records import Member
from .accounting import File, files_of_all, hidden_work, unusual
from .found_files import named, printable
from .groups import read_members, require_one_group_each, with_members
from .owners import Student, Submission, collect, look_alikes, submission_of
from .places import places_in
from .reasons import Reason, Why
from .roster import Person, Roster
from .times import read_times, with_times, with_timestamps


@dataclass
class Intake:
    """What was found in a folder: submissions, one for each student and sorted; files, a File for every one; notices,
    sentences on what is unusual; absent: the Persons of a roster who handed in nothing."""

    submissions: list[Submission]
    files: list[File]
    notices: list[str]
    absent: list[Person] = field(default_factory=list)


def submissions(folder: Path) -> list[Submission]:
    """Return the Submissions in a folder, one for each student, sorted by student. Raises ValueError if there is none."""
    return intake(folder).submissions


def intake(folder: Path, roster: Roster | None = None, members: Path | None = None, times: Path | None = None) -> Intake:
    """Return the Intake of a folder of submissions: who handed in what, and what became of every file.

    A student's files may lie in a folder of their own, or carry the student in their names; layouts.py says how platforms
    name them. Attempts are joined only where an export, or a student's own folder, says whose they are; then the latest
    counts, by the number or the date in the name, else by the file's time, and what is neither notebook nor Python file nor
    archive counts only where there is nothing else. Everything else has a row of its own. A hidden file has none, as systems
    write such files beside a student's own, but a notice names it. roster: a Roster, which gives the ids and the names of
    those whom it knows, and says which folder is a student's. members, times: lists of who handed in together, and of when; see
    groups.py and times.py. Raises ValueError if there is no folder or no submission in it, and for what these lists may not say.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder. Expected the folder that holds the submissions (unpack an export first).")
    places, notices = places_in(folder, roster)
    students: dict[str, Student] = {}
    nobodys: dict[Path, Why] = {}
    listed = {roster.path if roster else None: Reason.ROSTER, members: Reason.LIST_OF_MEMBERS, times: Reason.LIST_OF_TIMES}
    paths = {path.resolve(): Why(reason) for path, reason in listed.items() if path}
    if paths:
        for place in places:
            nobodys |= {entry: paths[entry.resolve()] for entry in place.entries if entry.resolve() in paths}
            place.entries = [entry for entry in place.entries if entry not in nobodys]
    for place in places:
        collect(place, students, nobodys, notices)
    if not students:
        hidden, _ = hidden_work(files_of_all(folder, {}, {}, nobodys))
        raise ValueError(
            f"There is no submission in {folder}."
            + (f" Hidden files never count: {named(hidden)}. Rename those that are a student's." if hidden else "")
        )
    found = {key: submission_of(key, student, folder) for key, student in students.items()}
    files = files_of_all(folder, students, found, nobodys)
    notices += look_alikes(students) + unusual(list(found.values()), files)
    every = sorted(found.values(), key=lambda one: one.student)
    notices += with_members(every, members, read_members(members)) if members else []
    notices += with_timestamps(every)
    whole = Intake(every, files, notices)
    whole = _by_roster(whole, roster) if roster else whole
    require_one_group_each(whole.submissions)
    whole.notices += with_times(whole.submissions, times, read_times(times), roster) if times else []
    return whole


def _by_roster(found: Intake, roster: Roster) -> Intake:
    """Return the Intake with the roster's ids and names for those whom it knows, each at most once.

    An id comes before a name: who hands in a file under another's name takes nobody out of the roster.
    """
    matches: dict[Person, list[Submission]] = defaultdict(list)
    by_name: dict[Person, list[Submission]] = defaultdict(list)
    covered: set[Person | None] = set()
    for one in found.submissions:
        if one.members:
            people = [roster.find(member.ids, member.name) for member in one.members]
            covered |= set(people)
            one.members = tuple(map(_as_listed, one.members, people))
        elif person := roster.find((one.student, *one.ids), one.name):
            is_by_id = roster.find((one.student, *one.ids), "") is not None
            (matches if is_by_id else by_name)[person].append(one)
    known = {one.student for same in (*matches.values(), *by_name.values()) for one in same}
    for person, same in by_name.items():
        if person in matches:
            found.notices.append(
                f"{person.id}, {person.name}: {named([one.shown for one in matches[person]])} matches by id; "
                f"{named([one.shown for one in same])} matches by name only and has its own row."
            )
    matches |= {person: same for person, same in by_name.items() if person not in matches}
    strangers = [one.student for one in found.submissions if one.student not in known and not one.members]
    strangers += [
        f"{member.student} of {one.student}"
        for one in found.submissions
        for member in one.members
        if roster.find(member.ids, member.name) is None
    ]
    if strangers:
        found.notices.append(f"{named(strangers)}: not on the roster, and graded under this name.")
    keys: dict[str, Person] = {}
    for person, same in matches.items():
        if len(same) == 1:
            keys[same[0].student] = person
        else:
            found.notices.append(
                f"{person.id}, {person.name}: {named([one.shown for one in same])} could all be theirs, so each has a row "
                "of its own. Remove all but one, or put them into one folder named after the id."
            )
    keys = {key: person for key, person in keys.items() if printable(person.id) == key or _is_free(person.id, found, keys)}
    for one in found.submissions:
        if person := keys.get(one.student):
            one.student, one.name = printable(person.id), printable(person.name)
    found.files = [
        File(file.path, printable(keys[file.student].id), file.counted, file.why) if file.student in keys else file
        for file in found.files
    ]
    found.submissions.sort(key=lambda one: one.student)
    found.absent = [person for person in roster.people if person not in matches and person not in covered]
    if found.absent:
        found.notices.append(
            f"{len(found.absent)} of the {len(roster.people)} students on the roster handed in nothing: "
            f"{named([f'{person.id} {person.name}' for person in found.absent])}."
        )
    return found


def _as_listed(member: Member, person: Person | None) -> Member:
    """Return a group's member with the id and the name that a roster gives."""
    return Member(printable(person.id), printable(person.name), member.ids) if person else member


def _is_free(student: str, found: Intake, keys: dict[str, Person]) -> bool:
    """Return whether no submission that keeps its own key has this one."""
    return not any(one.student == printable(student) and one.student not in keys for one in found.submissions)
