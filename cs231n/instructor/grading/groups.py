"""Who handed in together: the members of groups, by an export or by a list that is given, each in one group alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..reports import spreadsheets
from ..reports.records import Member
from .found_files import named, printable
from .owners import Submission
from .roster import FIRST, ID, LAST, NAME, closest, folded

GROUP = ("submission", "group", "team")  # the column that says which, the first that is there


def read_members(path: Path) -> dict[str, list[Member]]:
    """Return {group: members} of a CSV file with the columns group (or submission) and id, a line for each member.

    A name, and further ids such as an e-mail address, may have columns of their own. Raises OSError if it cannot be read, and
    ValueError, with file and line, for what is not such a file, and for a member of two groups.
    """
    _, header, rows = spreadsheets.read_table(path)
    group, one = (next((header.index(name) for name in names if name in header), None) for names in (GROUP, ID))
    if group is None or one is None:
        raise ValueError(f"{path}, line 1: the columns are {', '.join(header)!r}; expected group (or submission) and id.")
    called = [header.index(name) for name in NAME if name in header][:1]
    called = called or [header.index(name) for names in (FIRST, LAST) for name in names if name in header]
    groups: dict[str, list[Member]] = defaultdict(list)
    lines: dict[str, int] = {}
    for line, row in rows:
        cells = [printable(spreadsheets.unguarded(cell.strip())) for cell in row]
        student, name = cells[one], " ".join(filter(None, (cells[column] for column in called)))
        if not student or not cells[group]:
            raise ValueError(f"{path}, line {line}: the group is {cells[group]!r} and the id {student!r}; expected both.")
        if folded(student) in lines:
            raise ValueError(
                f"{path}, line {line}: {student} is in line {lines[folded(student)]}, too. A student has one "
                "group: remove one of the lines."
            )
        lines[folded(student)] = line
        others = [cell for column, cell in enumerate(cells) if cell and column not in (group, one, *called)]
        groups[cells[group]].append(Member(student, name or student, (student, *others)))
    return dict(groups)


def with_members(found: Sequence[Submission], path: Path, groups: Mapping[str, list[Member]]) -> list[str]:
    """Give submissions the members that a list says, and return sentences on groups without a submission.

    A group is found by a submission's key, by an id of the platform's, by its name, or by the name of its file or folder.
    Raises ValueError if a group could be several submissions, or if none of them is one.
    """
    places: dict[str, dict[int, Submission]] = defaultdict(dict)
    for one in found:
        for key in (one.student, one.name, *one.ids, one.shown, one.shown.partition("/")[0]):
            places[folded(key)][id(one)] = one
    missing = [group for group in groups if folded(group) not in places]
    if groups and len(missing) == len(groups):
        raise ValueError(
            f"{path}: none of its groups matches a submission. It lists {named(missing[:3])}; the submissions are called "
            f"{named([one.student for one in found[:3]])}. Use these names."
        )
    for group, members in groups.items():
        matches = list(places.get(folded(group), {}).values())
        if len(matches) > 1:
            raise ValueError(f"{path}: {group} could be {named([one.shown for one in matches])}. Write the name of the file.")
        for one in matches:
            if (
                len({*map(folded, (one.student, *one.ids))} & {folded(member.student) for member in members})
                and len(members) == 1
            ):
                continue  # a group of one, under the student's own key
            one.members = tuple(members)
    near = [
        f"{group}{f' (closest: {close[0]})' if close else ''}"
        for group in missing
        for close in [closest(group, [one.student for one in found if not one.members], most=1)]
    ]
    return [f"{named(near)}: groups in {path} that match no submission."] if near else []


def require_one_group_each(found: Iterable[Submission]) -> None:
    """Raise ValueError if a member of a group is in another group, or handed in alone, too: nobody knows which counts."""
    found = list(found)
    first: dict[str, Submission] = {}
    for one in sorted(found, key=lambda one: not one.members):
        people = [(member.student, *member.ids) for member in one.members] or [(one.student, *one.ids)]
        for person in people:
            for key in {folded(name) for name in person}:
                other = first.setdefault(key, one)
                if other is not one and other.members:
                    raise ValueError(
                        f"{person[0]} is a member of {other.student} ({other.shown}) and handed in {one.shown}, too. Say which "
                        "counts: move one of the two out of SUBMISSIONS, or take the student out of the list of --members."
                    )
