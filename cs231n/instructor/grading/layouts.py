"""Whose a file or folder is, by the names that learning platforms write when they export submissions.

Each layout reads the entries of one folder and returns {entry's name: Owner}. Attempts are joined only where an export says
whose they are: by a number or a user name of the platform's own, in a place of the name that a student does not write. What a
student may have named (the end of a file's name, a file in a student's folder) joins nothing.
"""

import contextlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from ..sandbox.inside.reading import is_expected

GRADESCOPE = "submission_metadata.yml"
TEXT_LIMIT = 4096  # bytes of a platform's note that are read

# doejane_LATE_4711_9988_NetworkVisualization-1.ipynb: name, number of the student, of the file; of an anonymous assignment
# LATE_anon_x7f3q_9988_..., tried first as the file's own name may begin with a number, too, but anon_4711_9988_... is one who
# is called Anon; what was written online is doejane_4711_text.html or ..._link.html.
CANVAS = re.compile(
    r"(?:(?P<late1>LATE_)?(?P<anonymous>anon_(?![0-9]+_)[A-Za-z0-9]+)|(?P<name>.+?)_(?P<late2>LATE_)?(?P<id>[0-9]+))"
    r"_(?:(?P<file>[0-9]{3,})_.+|(?:text|link)\.html)",
    re.DOTALL,
)
# Jane Doe_4711_assignsubmission_file: a folder, or, with "_" behind it, the beginning of a file's name. A name holds no "_".
# Group A_55_..., Default group_...; with blind marking Participant_4711_... or Participant 4711_9_...
MOODLE = re.compile(r"(?P<name>[^_]+)(?:_(?P<id>[0-9]+))?_assignsubmission_[a-z]+(?:_.*)?", re.DOTALL)
# HW3_jane_attempt_2026-10-05-10-10-10_NetworkVisualization.ipynb, and Blackboard's note on the attempt without a file's name.
BLACKBOARD = re.compile(r"(?P<head>.+?)_attempt_(?P<time>[0-9]{4}(?:-[0-9]{2}){5})(?:_(?P<file>.+)|(?P<note>\.txt))", re.DOTALL)
BLACKBOARD_NAME = re.compile(r"Name: *(?P<name>.+?) *\((?P<id>[^()\n]+)\) *(?:\r?\n|$)")
# 12345-67890 - Jane Doe - Oct 5, 2026 1010 AM: a folder, or, with " - " and a file's name behind it, a file.
BRIGHTSPACE = re.compile(
    r"(?P<user>[0-9]+)-(?P<number>[0-9]+) - (?P<name>.+?) - "
    r"(?P<date>(?:[^\W\d_]+\.? [0-9]{1,2}|[0-9]{1,2} [^\W\d_]+\.?),? [0-9]{4} [0-9]{1,4}(?: ?[AaPp]\.?[Mm]\.?)?)"
    r"(?: - (?P<file>.+))?",
    re.DOTALL,
)
# Doe_Jane_jdoe_4711: last name, first name, login, number. Of a team: Team 12/Doe_Jane_jdoe_4711.
ILIAS = re.compile(r"(?P<last>[^_]+)_(?P<first>[^_]+)_(?P<login>.+)_(?P<id>[0-9]+)")
ILIAS_TEAM = re.compile(r"[^\W\d_]+ [0-9]+")
# As YAML, Rails, nbgrader and people write it: 2026-10-05 10:10:10.123456000 -07:00
WRITTEN_TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ](?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,][0-9]+)?"
    r" ?(?P<offset>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
GRADESCOPE_FOLDER = re.compile(r"submission_[0-9]+")
TWO_ENDINGS = re.compile(r"(?<=.)(?:\.tar)?\.(?:gz|bz2|xz|zst)$|(?<=.)(?:\.ipynb)?\.[^.]+$", re.IGNORECASE | re.DOTALL)
GOOGLE = " - "  # Jane Doe - NetworkVisualization.ipynb

Kind = Callable[[Path], int]
Members = tuple[tuple[tuple[str, ...], str], ...]  # ((ids, name), ...)


@dataclass(frozen=True)
class Owner:
    """Whose an entry is, as an export says it.

    student: the key, unique in the export. name: for people. order: of the attempts, larger for what counts. ids: further ids
    by which a roster may know the student. members: [(ids, name)] of a group. aside: whether it is the platform's own note on
    an attempt, which is no attempt. handed_in: when this attempt was, in ISO 8601, "" where the export does not say; without an
    offset in the time of the platform's place. late: whether the platform calls it late, None where it does not say.
    """

    student: str
    name: str
    order: tuple[int, ...] = (0, 0)
    ids: tuple[str, ...] = ()
    members: Members = ()
    aside: bool = False
    handed_in: str = ""
    late: bool | None = None


def is_folder(entry: Path) -> bool:
    return entry.is_dir() and not entry.is_symlink()


def stem(entry: Path) -> str:
    """Return a name without its ending, also where that has two parts (.tar.gz, .ipynb.json)."""
    return entry.name if is_folder(entry) else TWO_ENDINGS.sub("", entry.name) or entry.stem


def recognised(folder: Path, entries: list[Path], kind: Kind) -> tuple[str, dict[str, Owner]]:
    """Return (the platform's name or "", {entry's name: Owner}) for the entries of a folder.

    kind: a function that ranks a file by its ending, 0 for what is no submission. A platform is recognised by its name on more
    than half of the entries: an export names all of them, and one name may be a student's idea. Raises ValueError for a list
    of Gradescope's that it has not written.
    """
    if is_gradescope(folder, entries):
        return "Gradescope", _from_gradescope(folder, entries)
    found = {name: layout(entries, kind) for name, layout in EXPORTS.items()}
    name = max(found, key=lambda name: len(found[name]))  # of equal ones the first: the last two depend on a file's own name
    if 2 * len(found[name]) > len([entry for entry in entries if not is_companion(entry, name)]):
        return name, found[name]
    for name, layout in NAMES_ONLY.items():
        if owners := layout(entries):
            return name, owners
    return "", {}


def written_time(text: str) -> str:
    """Return a time such as 2026-10-05 23:59, with or without seconds and an offset, in ISO 8601; "" for what is not one."""
    found = WRITTEN_TIME.fullmatch(text.strip())
    if not found:
        return ""
    offset = found["offset"] or ""
    offset = "+00:00" if offset in ("Z", "UTC") else offset if ":" in offset or not offset else f"{offset[:3]}:{offset[3:]}"
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(f"{found['day']}T{found['clock']}{offset}").isoformat()
    return ""


def is_companion(entry: Path, platform: str) -> bool:
    """Return whether a platform puts a file of this name beside the students' own."""
    if platform == "Gradescope":
        return entry.name == GRADESCOPE
    if platform == "Brightspace":
        return entry.name.lower() == "index.html"
    return platform == "ILIAS" and not is_folder(entry) and entry.suffix.lower() in (".xlsx", ".xls", ".csv", ".html")


# Exports that say whose an attempt is


def _matches(pattern: re.Pattern[str], entries: Iterable[Path]) -> dict[Path, re.Match[str]]:
    """Return {entry: match} of the entries whose whole name a pattern fits."""
    return {entry: found for entry in entries if (found := pattern.fullmatch(entry.name))}


def _from_moodle(entries: list[Path], kind: Kind) -> dict[str, Owner]:
    """Moodle exports the last attempt, which may have several files."""
    return {
        entry.name: Owner(
            f"{found['name']}_{found['id']}" if found["id"] else found["name"],
            found["name"],
            (kind(entry), 0),
            (found["id"],) if found["id"] else (),
        )
        for entry, found in _matches(MOODLE, entries).items()
    }


def _from_brightspace(entries: list[Path], kind: Kind) -> dict[str, Owner]:
    """The first number is the user's where it tells names apart; where it does not, both numbers together are."""
    fitting = _matches(BRIGHTSPACE, entries)
    told = {entry: found for entry, found in fitting.items() if bool(found["file"]) != is_folder(entry)}
    names: dict[str, set[str]] = defaultdict(set)
    for found in told.values():
        names[found["user"]].add(found["name"])
    is_users = all(len(same) == 1 for same in names.values()) and len(names) > 1
    owners = {}
    for entry, found in told.items():
        number = found["user"] if is_users else f"{found['user']}-{found['number']}"
        handed_in = _brightspaces_time(found["date"])
        order = (handed_in.toordinal() * 1440 + handed_in.hour * 60 + handed_in.minute if handed_in else 0, kind(entry))
        told_time = handed_in.isoformat() if handed_in else ""
        owners[entry.name] = Owner(f"{found['name']}_{number}", found["name"], order, (number,), handed_in=told_time)
    return owners


def _brightspaces_time(date: str) -> datetime | None:
    """Return Brightspace's date (Oct 5, 2026 1010 AM; the hour without ":"); None for one in another language."""
    day, clock = re.split(r"(?<= [0-9]{4}) ", date, maxsplit=1)
    day = re.sub(r"[^\W\d_]+", lambda month: month[0][:3], day.replace(".", "").replace(",", ""))
    digits = re.sub(r"\D", "", clock)
    hour, minute = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    if re.search("[AaPp]", clock):
        hour = hour % 12 + 12 * ("p" in clock.lower())
    for form in ("%b %d %Y", "%d %b %Y"):
        with contextlib.suppress(ValueError):
            return datetime.strptime(day, form).replace(hour=hour, minute=minute)
    return None


def _from_blackboard(entries: list[Path], kind: Kind) -> dict[str, Owner]:
    """The user name is what differs before "_attempt_"; Blackboard's note on an attempt has it with the person's name."""
    told = _matches(BLACKBOARD, entries)
    heads = sorted({found["head"] for found in told.values()})
    notes = {found["head"]: _blackboards_note(entry) for entry, found in told.items() if found["note"]}
    keys = _user_names(heads, {head: note[1] for head, note in notes.items() if note})
    files = Counter((found["head"], found["time"]) for found in told.values() if not found["note"])
    owners = {}
    for entry, found in told.items():
        head = found["head"]
        note = notes.get(head)
        name = note[0] if note else keys[head]
        order = (int(found["time"].replace("-", "")), kind(entry))
        aside = bool(found["note"]) and files[head, found["time"]] > 0
        handed_in = _blackboards_time(found["time"])
        owners[entry.name] = Owner(keys[head], name, order, (keys[head],), aside=aside, handed_in=handed_in)
    return owners


def _blackboards_time(digits: str) -> str:
    """Return the time in a name (2026-10-05-10-10-10) in ISO 8601, "" for what is not a time."""
    with contextlib.suppress(ValueError):
        return datetime.strptime(digits, "%Y-%m-%d-%H-%M-%S").isoformat()
    return ""


def _blackboards_note(entry: Path) -> tuple[str, str] | None:
    """Return (name, user name) of the first line of Blackboard's note, or None."""
    try:
        with entry.open("rb") as file:
            found = BLACKBOARD_NAME.match(file.read(TEXT_LIMIT).decode("utf-8", "replace").lstrip("\ufeff"))
    except OSError:
        return None
    return (found["name"], found["id"]) if found else None


def _user_names(heads: list[str], told: dict[str, str]) -> dict[str, str]:
    """Return {head: user name}, all different. heads: ASSIGNMENT_USERNAME. told: {head: user name} by Blackboard's notes."""
    common = os.path.commonprefix(heads) if len(heads) > 1 else "".join(heads)  # noqa: RUF071
    common = common[: common.rfind("_") + 1]
    keys = {head: told[head] if head in told and head.endswith(f"_{told[head]}") else head.removeprefix(common) for head in heads}
    return keys if len(set(keys.values())) == len(heads) else {head: head for head in heads}


def _from_canvas(entries: list[Path], kind: Kind) -> dict[str, Owner]:
    """Canvas's numbers of files are unique, so names that share one only look alike.

    It exports the last attempt, which may have several files.
    """
    told = _matches(CANVAS, entries)
    owners: dict[str, Owner] = {}
    stems: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry, found in told.items():
        student = found["anonymous"] or f"{found['name']}_{found['id']}"
        order = (kind(entry), int(found["file"] or 0))
        late = bool(found["late1"] or found["late2"])
        owners[entry.name] = Owner(student, found["anonymous"] or found["name"], order, (found["id"] or student,), late=late)
        stems[student, found["file"] or entry.name].add(stem(entry))
    ambiguous = {name for same in stems.values() if len(same) > 1 for name in same}
    shared = Counter(file for _, file in stems if file.isdigit())
    return {
        entry.name: owners[entry.name]
        for entry, found in told.items()
        if stem(entry) not in ambiguous and shared.get(found["file"] or "", 1) == 1
    }


def _from_ilias_teams(entries: list[Path], kind: Kind) -> dict[str, Owner]:
    """A team is one submission: what its members handed in counts for all of them."""
    owners = {}
    for entry in entries:
        if is_folder(entry) and ILIAS_TEAM.fullmatch(entry.name):
            inner = [one for one in sorted(entry.iterdir()) if is_folder(one)]
            people = _matches(ILIAS, inner)
            if people and len(people) == len(inner):
                members = tuple(((found["login"], found["id"]), _ilias_name(found)) for found in people.values())
                owners[entry.name] = Owner(entry.name, ", ".join(name for _, name in members), members=members)
    return owners


def _ilias_name(found: re.Match[str]) -> str:
    return f"{found['first']} {found['last']}"


def is_gradescope(folder: Path, entries: list[Path]) -> bool:
    """Return whether a folder is Gradescope's export: its list, and beside it the folders that it lists."""
    folders = any(is_folder(entry) for entry in _matches(GRADESCOPE_FOLDER, entries))
    return folders and (folder / GRADESCOPE).is_file() and not (folder / GRADESCOPE).is_symlink()


def _from_gradescope(folder: Path, entries: list[Path]) -> dict[str, Owner]:
    """By Gradescope's list. A group is one student: its numbers joined by "+". Only folders that Gradescope names are listed."""
    path = folder / GRADESCOPE
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # all values as strings (007 is no number), whatever their tags
    here = {entry.name for entry in _matches(GRADESCOPE_FOLDER, entries) if is_folder(entry)}
    try:
        listed = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        found = {}
        for key, entry in listed.items():
            people = [{name: _value(person, name) for name in (":name", ":sid", ":email")} for person in entry[":submitters"]]
            keys = [person[":sid"] or person[":email"] or f"{person[':name']} {key}" for person in people]
            if people and key in here:
                members = tuple((tuple(filter(None, (person[":sid"], person[":email"]))), person[":name"]) for person in people)
                name = ", ".join(person[":name"] for person in people)
                ids = members[0][0] if len(members) == 1 else ()
                found[key] = Owner(
                    "+".join(keys),
                    name,
                    ids=ids,
                    members=members if len(members) > 1 else (),
                    handed_in=_gradescopes_time(entry.get(":created_at")),
                )
        return found
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is not as Gradescope writes it ({type(error).__name__}). Remove it to go by folder names."
        ) from None


def _gradescopes_time(told: object) -> str:
    """Return the time that Gradescope's list has, which may be an object of Rails's, in ISO 8601, or ""."""
    told = told.get("utc") if isinstance(told, dict) else told
    return written_time(told) if isinstance(told, str) else ""


def _value(person: dict[str, Any], name: str) -> str:
    value = person.get(name)
    return value if isinstance(value, str) and value not in ("~", "null") else ""


EXPORTS: dict[str, Callable[[list[Path], Kind], dict[str, Owner]]] = {
    "Moodle": _from_moodle,
    "Brightspace": _from_brightspace,
    "ILIAS": _from_ilias_teams,
    "Blackboard": _from_blackboard,
    "Canvas": _from_canvas,
}


# Names that join nothing and only say who it is. They, too, take more than half of the entries: see recognised()


def _from_ilias(entries: list[Path]) -> dict[str, Owner]:
    folders = [entry for entry in entries if is_folder(entry)]
    told = _matches(ILIAS, folders)
    own = [entry for entry in entries if not is_companion(entry, "ILIAS")]
    if len(told) < len(folders) or 2 * len(told) <= len(own):
        return {}
    return {entry.name: Owner(entry.name, _ilias_name(found), ids=(found["login"], found["id"])) for entry, found in told.items()}


def _from_github(entries: list[Path]) -> dict[str, Owner]:
    """GitHub Classroom clones into ASSIGNMENT-USERNAME; the assignment is what all the folders' names begin with."""
    if len(entries) < 2 or not all(is_folder(entry) and (entry / ".git").exists() for entry in entries):
        return {}
    common = os.path.commonprefix([entry.name for entry in entries])  # noqa: RUF071
    common = common[: common.rfind("-") + 1]
    users = {entry.name: entry.name.removeprefix(common) for entry in entries}
    return {name: Owner(user, user, ids=(user, name)) for name, user in users.items()} if common and all(users.values()) else {}


def _from_google(entries: list[Path]) -> dict[str, Owner]:
    """Classroom puts the name before the file's; as a student may do the same, a name that occurs twice says nothing."""
    parts = {entry.name: entry.name.rpartition(GOOGLE) for entry in entries if not is_folder(entry)}
    told = {whole: name.strip() for whole, (name, _, file) in parts.items() if name.strip() and is_expected(file)}
    if 2 * len(told) <= len(entries):
        return {}
    times = Counter(told.values())
    return {file: Owner(name, name) for file, name in told.items() if times[name] == 1}


NAMES_ONLY = {"ILIAS": _from_ilias, "GitHub Classroom": _from_github, "Google Classroom": _from_google}
