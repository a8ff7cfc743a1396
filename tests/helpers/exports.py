"""A class of sixty, as learning platforms hand it to an instructor: the downloads of submissions, and the gradebooks.

By hand, a class in which no two notebooks are the same:

    python tests/helpers/exports.py FOLDER    # writes canvas/, canvas.csv, moodle/, moodle.csv and members.csv into FOLDER
"""

import csv
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from helpers import zoo

COUNT = 60
NAMES = [  # (first, last), of the first in the class; two of them share one
    ("Jane", "Doe"),
    ("Jane", "Doe"),
    ("Žofie", "Nováková"),
    ("小明", "王"),
    ("محمد", "علي"),
    ("Siobhán", "O'Brien-Smith"),
    ("José María", "García López"),
    ("Ἀλέξανδρος", "Παπαδόπουλος"),
    ("Вера", "Соколова"),  # noqa: RUF001
    ("=1+1", "@Formula"),
]
MISTAKEN = {what: codes for what, codes, _ in zoo.MISTAKEN[:3]}
CODES = [zoo.RIGHT_CODE | zoo.OPTIONAL_CODE, zoo.RIGHT_CODE, zoo.BY_AUTOGRAD, *MISTAKEN.values()]


@dataclass(frozen=True)
class Pupil:
    """One of the class. number: the platform's own. content: the bytes of what is handed in, b"" for nothing."""

    number: int
    first: str
    last: str
    file: str
    content: bytes
    late: bool

    @property
    def name(self):
        return f"{self.first} {self.last}"


def class_of_sixty(alike=True):
    """Return the Pupils; two more handed in nothing, or on Moodle as a group.

    alike: whether those with the same solution hand in the same bytes.
    """
    found = []
    for index in range(COUNT):
        first, last = NAMES[index] if index < len(NAMES) else (f"First{index}", f"Last{index}")
        said = "The absolute value takes the sign away." if alike else f"{first} {last} thinks that the sign is lost."
        notebook = zoo._written(zoo._notebook(CODES[index % len(CODES)], answers=said))
        is_zip = index % len(CODES) > 0  # so that as few different ones as there are solutions are graded
        content = zoo._zip({"NetworkVisualization.ipynb": notebook}) if is_zip else notebook
        file = f"submission{'' if index % 7 else '-1'}.zip" if is_zip else "NetworkVisualization.ipynb"
        found.append(Pupil(4700 + index, first, last, file, content, late=index % 11 == 3))
    found[30] = Pupil(4730, "Cannot", "Be Read", "submission.zip", b"PK but no zip", late=False)
    return [*found, Pupil(4790, "Nora", "Gruber", "", b"", late=False), Pupil(4791, "Omar", "Haddad", "", b"", late=False)]


def write_canvas(folder, pupils):
    """Write a download of submissions as Canvas names them (see layouts.py)."""
    folder.mkdir(parents=True)
    for pupil in pupils:
        name = re.sub(r"\W", "", f"{pupil.last}{pupil.first}".lower())
        if pupil.content:
            start = f"{name}_{'LATE_' if pupil.late else ''}{pupil.number}_{pupil.number + 90000}"
            (folder / f"{start}_{pupil.file}").write_bytes(pupil.content)


def canvas_gradebook(pupils):
    """Return the bytes of Canvas's gradebook, in which an earlier assignment has its points."""
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Homework 1 (501)", "Network Visualization (502)"]
    rows = [
        [*header, "Current Score", "Final Score"],
        ["", "", "", "", "", "", "Manual Posting", "", ""],
        ["    Points Possible", "", "", "", "", "10.00", "69.00", "(read only)", "(read only)"],
        *(
            [f"{one.last}, {one.first}", one.number, f"00{one.number}", f"u{one.number}", "Lecture", "7.50", "", "75.00", "8.00"]
            for one in sorted(pupils, key=lambda one: one.last)
        ),
        ["Student, Test", 9999, "", "", "Lecture", "", "", "", ""],
    ]
    return _csv(rows, lineterminator="\r\n")


def write_moodle(folder, pupils):
    """Write a download of submissions as Moodle names them (see layouts.py), a folder for each, and one for the group."""
    group = folder / "Group A_55_assignsubmission_file"
    group.mkdir(parents=True)
    (group / "submission.zip").write_bytes(next(pupil for pupil in pupils if pupil.file == "submission.zip").content)
    for pupil in pupils:
        if pupil.content:
            own = folder / f"{pupil.name.replace('_', ' ')}_{pupil.number}_assignsubmission_file"
            own.mkdir(parents=True)
            (own / pupil.file).write_bytes(pupil.content)


def moodle_worksheet(pupils):
    """Return the bytes of the assignment's grading worksheet."""
    header = ["Identifier", "Full name", "ID number", "Email address", "Status", "Grade", "Maximum grade", "Grade can be changed"]
    rows = [
        [*header, "Last modified (submission)", "Last modified (grade)", "Feedback comments"],
        *(
            [
                f"Participant {one.number}",
                one.name,
                f"00{one.number}",
                f"u{one.number}@example.edu",
                "Submitted for grading - ",
                "",
                "100.00",
                "Yes",
                "Monday, 5 October 2026, 10:10 AM",
                "-",
                "",
            ]
            for one in pupils
        ),
    ]
    return b"\xef\xbb\xbf" + _csv(rows, lineterminator="\n")


def members_list(pupils):
    """Return the bytes of a list of a group's members: those who handed in nothing by themselves. The ids are the course's."""
    rows = [["group", "id", "name"], *(["Group A", f"00{one.number}", one.name] for one in pupils if not one.content)]
    return _csv(rows)


def _csv(rows, **form):
    text = io.StringIO(newline="")
    csv.writer(text, **form).writerows(rows)
    return text.getvalue().encode()


def main(folder):
    """Write both downloads and both gradebooks."""
    pupils = class_of_sixty(alike=False)
    write_canvas(folder / "canvas", pupils)
    write_moodle(folder / "moodle", pupils)
    (folder / "canvas.csv").write_bytes(canvas_gradebook(pupils))
    (folder / "moodle.csv").write_bytes(moodle_worksheet(pupils))
    (folder / "members.csv").write_bytes(members_list(pupils))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
