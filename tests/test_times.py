"""When something was handed in, where names do not say so: a list, Moodle's grading worksheet, nbgrader's timestamps.

The worksheet's columns and forms of time are as public tools that read it quote them; nbgrader's are those of its
exchange/default/submit.py.
"""

import pytest

from cs231n.instructor.grading.roster import load
from cs231n.instructor.grading.submissions import intake

WORKSHEET = (
    "\ufeffIdentifier,Full name,ID number,Email address,Status,Grade,Maximum grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    'Participant 4711,Jane Doe,s1,jane@example.edu,Submitted for grading,,40.00,Yes,"Monday, 5 October 2026, 11:59 PM",-,\n'
    'Participant 4712,Bob Ross,s2,bob@example.edu,Submitted for grading,,40.00,Yes,"Tuesday, October 6, 2026, 12:05 AM",-,\n'
    "Participant 40,Li Wei,s3,li@example.edu,No submission,,40.00,Yes,-,-,\n"
)


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def taken(folder, content=None, **more):
    """Return ({student: when}, notices) of a folder with a list of times."""
    path = None
    if content is not None:
        path = folder.parent / "times.csv"
        path.write_text(content, encoding="utf-8")
    found = intake(folder, times=path, **more)
    return {one.student: one.handed_in for one in found.submissions}, found.notices


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def test_a_list_says_when_by_id_or_by_name(folder):
    put(folder, "jane.ipynb", "bob.ipynb", "ada.ipynb", "cy.ipynb")
    found, notices = taken(
        folder, "id;name;time\njane;;2026-10-05 23:59\n7;BOB;2026-10-06T00:01:02+02:00\nada;;2026-10-06 00:01:02.5 UTC\n"
    )
    assert found == {
        "jane": "2026-10-05T23:59:00",
        "bob": "2026-10-06T00:01:02+02:00",
        "ada": "2026-10-06T00:01:02+00:00",
        "cy": "",
    }
    assert notices == []


def test_moodles_grading_worksheet_is_understood(folder):
    put(folder, "Jane Doe_4711_assignsubmission_file/nb.ipynb", "Bob Ross_4712_assignsubmission_file/nb.ipynb")
    found, _ = taken(folder, WORKSHEET)
    assert found == {"Jane Doe_4711": "2026-10-05T23:59:00", "Bob Ross_4712": "2026-10-06T00:05:00"}


def test_a_grade_in_the_worksheet_is_nobodys_id(folder):
    put(folder, "Jane Doe_40_assignsubmission_file/nb.ipynb", "Bob Ross_4712_assignsubmission_file/nb.ipynb")
    found, notices = taken(folder, WORKSHEET.replace("40.00", "40"))
    assert found == {"Jane Doe_40": "2026-10-05T23:59:00", "Bob Ross_4712": "2026-10-06T00:05:00"}  # Jane by her name
    assert notices == ["2 of 2 file names follow Moodle's naming scheme."]


def test_a_list_counts_before_what_a_name_says(folder):
    put(folder, *(f"10{i}-7 - {name} - Oct 5, 2026 1010 AM/nb.ipynb" for i, name in enumerate(("Jane", "Bob"))))
    found, _ = taken(folder, "id,time\n100,2026-10-04 08:00\n")
    assert found == {"Jane_100": "2026-10-04T08:00:00", "Bob_101": "2026-10-05T10:10:00"}


def test_ids_are_also_those_of_the_roster(folder, tmp_path):
    put(folder, "Jane Doe.ipynb")
    roster = tmp_path / "class.csv"
    roster.write_text("id,name\n0042,Jane Doe\n", encoding="utf-8")
    assert taken(folder, "id,time\n'0042,2026-10-04 08:00\n", roster=load(roster))[0] == {"0042": "2026-10-04T08:00:00"}


def test_an_id_counts_before_a_name(folder):
    put(folder, "Li Wei_1_assignsubmission_file/nb.ipynb", "Li Wei_2_assignsubmission_file/nb.ipynb")
    found, _ = taken(folder, "id,name,time\n1,Li Wei,2026-10-04 08:00\n2,Li Wei,2026-10-04 09:00\n")
    assert found == {"Li Wei_1": "2026-10-04T08:00:00", "Li Wei_2": "2026-10-04T09:00:00"}
    with pytest.raises(ValueError, match=r"line 2: this could be Li Wei_1, Li Wei_2"):
        taken(folder, "name,time\nLi Wei,2026-10-04 08:00\n")


def test_of_a_groups_members_the_latest_time_counts(folder, tmp_path):
    put(folder, "team.ipynb", "solo.ipynb")
    members = tmp_path / "members.csv"
    members.write_text("group,id\nteam,1\nteam,2\n", encoding="utf-8")
    times = "id,time\n1,2026-10-04 08:00\n2,2026-10-04 09:00\nsolo,2026-10-04 07:00\n"
    assert taken(folder, times, members=members)[0] == {"team": "2026-10-04T09:00:00", "solo": "2026-10-04T07:00:00"}


def test_a_line_with_a_time_and_without_a_submission_is_said(folder):
    put(folder, "jane.ipynb")
    _, notices = taken(folder, "id,time\njane,2026-10-04 08:00\nzoe,2026-10-04 08:00\nmax,-\n")
    assert [notice.partition(":")[0] for notice in notices] == ["zoe"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,name\njane,x\n", "line 1: the columns are 'id, name'; expected id and time"),
        ("time\n2026-10-04 08:00\n", "line 1: the columns are 'time'"),
        ("id,time\njane,yesterday\n", "line 2: the time is 'yesterday'; expected one such as 2026-10-05 23:59"),
        ("id,time\njane,2026-99-05 23:59\n", "line 2: the time is"),
        ("id,time\njane,2026-10-04 08:00\nJANE,2026-10-05 08:00\n", "line 3: jane is in line 2, too"),
        ("id,time\nzoe,2026-10-04 08:00\n", "none of its lines matches a submission. It lists zoe; the submissions are of bob"),
        ("id,login,time\njane,bob,2026-10-04 08:00\n", "line 2: this could be bob, jane"),
    ],
)
def test_what_a_list_may_not_say_is_refused_with_its_line(folder, content, said):
    put(folder, "jane.ipynb", "bob.ipynb")
    with pytest.raises(ValueError, match=r"times\.csv") as refused:
        taken(folder, content)
    assert said in str(refused.value)


def test_a_list_among_the_submissions_is_nobodys(folder):
    put(folder, "jane.ipynb")
    (folder / "times.csv").write_text("id,time\njane,2026-10-04 08:00\n", encoding="utf-8")
    found = intake(folder, times=folder / "times.csv")
    assert [(one.student, one.handed_in) for one in found.submissions] == [("jane", "2026-10-04T08:00:00")]
    assert [(file.path, str(file.why)) for file in found.files if not file.counted] == [("times.csv", "the list of times")]


def test_nbgraders_timestamps_say_when(folder):
    put(folder, *(f"{name}/viz/nb.ipynb" for name in ("jane", "bob", "ada")))
    (folder / "jane/viz/timestamp.txt").write_text("2026-10-05 10:10:10.123456 UTC", encoding="utf-8")
    (folder / "bob/viz/timestamp.txt").write_text("about noon\n", encoding="utf-8")
    found, notices = taken(folder)
    assert found == {"jane": "2026-10-05T10:10:10+00:00", "bob": "", "ada": ""}
    assert {one.student: one.platform for one in intake(folder).submissions} == {"jane": "nbgrader", "bob": "nbgrader", "ada": ""}
    assert notices == ["2 of 3 have a timestamp.txt of nbgrader's, which says when they were handed in."]


def test_a_timestamp_that_a_student_handed_in_or_linked_says_nothing(folder):
    put(folder, "jane/viz/nb.ipynb", "bob/viz/nb.ipynb")
    (folder / "jane/viz/timestamp.txt").write_text("2026-10-05 10:10:10.123456 UTC", encoding="utf-8")
    assert taken(folder) == ({"jane": "", "bob": ""}, [])
    (folder / "bob/viz/timestamp.txt").symlink_to(folder / "jane/viz/timestamp.txt")
    assert taken(folder)[0] == {"jane": "", "bob": ""}
    other = folder.parent / "canvas"
    put(other, "doejane_4711_9988_nb.ipynb", "rossbob_4712_9989_nb.ipynb", "timestamp.txt")
    assert taken(other)[0]["doejane_4711"] == ""
