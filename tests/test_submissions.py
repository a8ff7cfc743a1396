"""Who handed in what: by the names that platforms, nbgrader and people give to files and folders.

The names are those that these systems write: Canvas's lib/content_zipper.rb (the sorted name in small letters without spaces,
LATE, the user's number, the file's number, the file's name; anon_... without names; _text.html and _link.html), Moodle's
mod/assign/classes/downloader.php (name, group or Participant, a number, assignsubmission_file or _onlinetext, as folder or
prefix), Gradescope's submission_metadata.yml (names with a colon in front), ILIAS's ilExSubmission (last name, first name,
login and number; "Team" and its number), Blackboard's and Brightspace's as scripts and issues that read them quote them.
"""

import hashlib
import json
import os
import random
import subprocess

import pytest

from cs231n.instructor.grading.roster import load
from cs231n.instructor.grading.submissions import intake, submissions
from cs231n.instructor.reports.records import Member
from cs231n.instructor.reports.safe import file_name
from cs231n.instructor.sandbox.inside import limits

NOTEBOOK = "NetworkVisualization.ipynb"


def put(folder, *names, age=0):
    """Write files that hold their own name, so many seconds old; a name that ends in "/" is an empty folder."""
    for name in names:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name, encoding="utf-8", errors="surrogateescape")
        os.utime(path, (1.7e9 - age, 1.7e9 - age))


def found(folder):
    return {submission.student: submission for submission in submissions(folder)}


def counted(folder):
    """{student: (what counts, what does not)}, as paths in the folder."""
    return {student: (submission.shown, submission.earlier) for student, submission in found(folder).items()}


# Files and folders of a person's own


def test_files_and_folders_carry_the_students_name(tmp_path):
    put(tmp_path, "jane.ipynb", "bob/work.ipynb", "ada.zip", "max.mustermann.py", "Éva Kiš.ipynb", "李伟/nb.ipynb")
    assert counted(tmp_path) == {
        "Éva Kiš": ("Éva Kiš.ipynb", []),
        "ada": ("ada.zip", []),
        "bob": ("bob/work.ipynb", []),
        "jane": ("jane.ipynb", []),
        "max.mustermann": ("max.mustermann.py", []),
        "李伟": ("李伟/nb.ipynb", []),
    }
    assert [(entry.name, entry.problem) for entry in submissions(tmp_path)] == [(name, "") for name in sorted(found(tmp_path))]


def test_the_order_is_that_of_the_students_however_the_disk_lists_them(tmp_path, monkeypatch):
    put(tmp_path, *(f"s{i}.ipynb" for i in range(20)), *(f"s{i}/nb.ipynb" for i in range(20, 40)), "a\nb.ipynb", "aXb.ipynb")
    put(tmp_path, "kim/nb.ipynb", "kim/nb-2.ipynb", "kim/nb-2-3.ipynb")
    first = submissions(tmp_path)
    listed = type(tmp_path).iterdir

    def shuffled(path):
        return iter(random.Random(1).sample(found := list(listed(path)), len(found)))

    monkeypatch.setattr(type(tmp_path), "iterdir", shuffled)
    assert submissions(tmp_path) == first
    assert [entry.student for entry in first] == sorted(entry.student for entry in first)
    assert counted(tmp_path)["kim"] == ("kim/nb-2-3.ipynb", ["kim/nb.ipynb", "kim/nb-2.ipynb"])


def test_nbgraders_submitted_folder_is_taken(tmp_path):
    put(tmp_path, f"jane/viz/{NOTEBOOK}", "jane/viz/timestamp.txt", f"bob/viz/{NOTEBOOK}")
    put(tmp_path, "jane/viz/.ipynb_checkpoints/NetworkVisualization-checkpoint.ipynb", age=-100)
    assert counted(tmp_path) == {"bob": (f"bob/viz/{NOTEBOOK}", []), "jane": (f"jane/viz/{NOTEBOOK}", [])}


def test_in_a_folder_the_notebook_counts_before_the_archive_and_that_before_python(tmp_path):
    put(tmp_path, "jane/a.py", "jane/b.zip", age=0)
    put(tmp_path, "jane/deep/c.ipynb", age=500)
    put(tmp_path, "bob/a.py", "bob/report.pdf", "ada/a.py", age=0)
    put(tmp_path, "ada/b.ZIP", age=500)
    assert {student: shown for student, (shown, _) in counted(tmp_path).items()} == {
        "ada": "ada/b.ZIP",
        "bob": "bob/a.py",
        "jane": "jane/deep/c.ipynb",
    }


def test_in_a_folder_the_assignments_own_file_counts(tmp_path):
    put(tmp_path, "jane/scratch-7.ipynb", "bob/zzz.py")
    put(tmp_path, "jane/My networkvisualization.ipynb", "bob/cs231n/net_visualization_pytorch.py", age=500)
    assert {student: shown for student, (shown, _) in counted(tmp_path).items()} == {
        "bob": "bob/cs231n/net_visualization_pytorch.py",
        "jane": "jane/My networkvisualization.ipynb",
    }


# Several attempts


def test_of_several_attempts_in_a_folder_the_latest_number_counts_else_the_latest_time(tmp_path):
    put(tmp_path, "jane/nb.ipynb", "jane/nb-2.ipynb", "jane/nb_3.ipynb")
    put(tmp_path, "jane/nb (10).ipynb", "jane/nb-attempt-4.ipynb", "jane/nb attempt5.ipynb", age=1000)
    put(tmp_path, "bob/b.ipynb", age=10)
    put(tmp_path, "bob/a.ipynb", age=20)
    assert counted(tmp_path) == {
        "bob": ("bob/b.ipynb", ["bob/a.ipynb"]),
        "jane": (
            "jane/nb (10).ipynb",
            ["jane/nb.ipynb", "jane/nb-2.ipynb", "jane/nb_3.ipynb", "jane/nb-attempt-4.ipynb", "jane/nb attempt5.ipynb"],
        ),
    }


def test_in_a_folder_numbers_count_too(tmp_path):
    put(tmp_path, "jane/NetworkVisualization.ipynb", "jane/NetworkVisualization (1).ipynb")
    put(tmp_path, "jane/NetworkVisualization-2.ipynb", "bob.ipynb", age=1000)
    shown, earlier = counted(tmp_path)["jane"]
    assert (shown, earlier[-1]) == ("jane/NetworkVisualization-2.ipynb", "jane/NetworkVisualization (1).ipynb")


def test_names_that_people_chose_join_nobody(tmp_path):
    """A student could hand in a file with another's name and a larger number, or another ending."""
    put(tmp_path, "s1.ipynb", "s1-2.ipynb", "s1 (3).ipynb", "s1-99.ipynb", "s2/nb.ipynb", "s2-2/nb.ipynb", "kim_20231234.ipynb")
    assert {student: shown for student, (shown, earlier) in counted(tmp_path).items() if not earlier} == {
        "s1": "s1.ipynb",
        "s1 (3)": "s1 (3).ipynb",
        "s1-2": "s1-2.ipynb",
        "s1-99": "s1-99.ipynb",
        "s2": "s2/nb.ipynb",
        "s2-2": "s2-2/nb.ipynb",
        "kim_20231234": "kim_20231234.ipynb",
    }
    (notice,) = intake(tmp_path).notices
    assert notice.startswith(
        "s1 (3), s1-2, s1-99, s2-2: named like another attempt of a row that is there, each with a row of its own."
    )


def test_files_that_differ_by_their_ending_alone_have_rows_of_their_own_and_it_is_said(tmp_path):
    put(tmp_path, "jane.zip", "jane.ipynb", "jane/nb.ipynb", "bob.py", "jane.ipynb.zip")
    assert {student: shown for student, (shown, _) in counted(tmp_path).items()} == {
        "bob": "bob.py",
        "jane": "jane/nb.ipynb",
        "jane.ipynb": "jane.ipynb",
        "jane.ipynb.zip": "jane.ipynb.zip",
        "jane.zip": "jane.zip",
    }
    assert "jane, jane.ipynb, jane.ipynb.zip, jane.zip: the same name, each with a row of its own." in intake(tmp_path).notices[0]


def test_an_ending_of_two_parts_is_not_a_part_of_the_name(tmp_path):
    put(tmp_path, "ada.tar.gz", "ben.ipynb.json", "cy.v2.ipynb", "dan.tgz", "eve.", ".x")
    assert set(found(tmp_path)) == {"ada", "ben", "cy.v2", "dan", "eve."}


def test_a_key_that_an_export_gives_is_never_that_of_a_persons_own_file(tmp_path):
    put(tmp_path, "doejane_12_998801_nb.ipynb", "roebob_13_998802_nb.ipynb", "lim_14_998803_nb.ipynb")
    put(tmp_path, "xu_15_998804_nb.ipynb", "doejane_12.ipynb", "doejane.ipynb", "lim_14")
    assert {student: shown for student, (shown, _) in counted(tmp_path).items()} == {
        "doejane": "doejane.ipynb",
        "doejane_12": "doejane_12_998801_nb.ipynb",
        "doejane_12.ipynb": "doejane_12.ipynb",
        "lim_14": "lim_14_998803_nb.ipynb",
        "lim_14 (file)": "lim_14",
        "roebob_13": "roebob_13_998802_nb.ipynb",
        "xu_15": "xu_15_998804_nb.ipynb",
    }
    assert (
        "doejane.ipynb, doejane_12.ipynb, lim_14: not named in Canvas's way, so each has a row of its own."
        in intake(tmp_path).notices
    )


def test_an_export_is_recognised_only_where_most_names_are_its_own(tmp_path):
    """Where students name their files themselves, two that look like an export are not one student's attempts."""
    put(tmp_path, "viz_1_2024_jane.ipynb", "viz_1_2025_bob.ipynb", "max.ipynb", "ada.ipynb")
    assert len(found(tmp_path)) == 4
    assert all(not earlier for _, earlier in counted(tmp_path).values())


def test_a_file_of_another_kind_never_outdoes_a_submission(tmp_path):
    put(tmp_path, "jane_1_9001_nb.ipynb", age=1000)
    put(tmp_path, "jane_1_9002_nb.pdf", "jane_1_9003_nb.docx", "bob_2_9004_nb.ipynb", "kim_3_9005_nb.ipynb")
    (tmp_path / "jane_1_9009_nb.ipynb").symlink_to("/etc/passwd")
    shown, earlier = counted(tmp_path)["jane_1"]
    assert shown == "jane_1_9001_nb.ipynb"
    assert sorted(earlier) == ["jane_1_9002_nb.pdf", "jane_1_9003_nb.docx", "jane_1_9009_nb.ipynb"]


# Canvas


def test_canvas_names_are_understood(tmp_path):
    put(
        tmp_path,
        f"doejane_4711_998801_{NOTEBOOK}",
        "mustermannmax_LATE_4712_998802_submission-1.zip",
        "o_neillürsüla_4713_998803_my_12_345_solution (1).ipynb",
        "van-dyke_4714_998804_nb-3.ipynb",
        "李伟_4715_998805_nb.ipynb",
        "anon_x7F3q_998806_nb.ipynb",
        "LATE_anon_Zz9ab_998807_nb.ipynb",
        "textwriter_4716_text.html",
        "linker_LATE_4717_link.html",
        "linker_4717_text.html",
        "nosuffix_4718_998808_notebook",
    )
    told = {student: (entry.name, entry.problem == "") for student, entry in found(tmp_path).items()}
    assert told == {
        "doejane_4711": ("doejane", True),
        "mustermannmax_4712": ("mustermannmax", True),
        "o_neillürsüla_4713": ("o_neillürsüla", True),
        "van-dyke_4714": ("van-dyke", True),
        "李伟_4715": ("李伟", True),
        "anon_x7F3q": ("anon_x7F3q", True),
        "anon_Zz9ab": ("anon_Zz9ab", True),
        "textwriter_4716": ("textwriter", False),
        "linker_4717": ("linker", False),
        "nosuffix_4718": ("nosuffix", False),
    }


def test_an_anonymous_file_whose_own_name_begins_with_a_number_is_still_anonymous(tmp_path):
    put(tmp_path, "anon_x7f3q_9900_2026_hw3.ipynb", "LATE_anon_Zz9ab_9901_2026_hw3.ipynb", "anon_4711_9902_2026_hw3.ipynb")
    put(tmp_path, "anon_x7f3q_9903_nb-1.ipynb", age=1000)
    assert {student: (entry.name, entry.shown, entry.ids) for student, entry in found(tmp_path).items()} == {
        "anon_x7f3q": ("anon_x7f3q", "anon_x7f3q_9903_nb-1.ipynb", ("anon_x7f3q",)),
        "anon_Zz9ab": ("anon_Zz9ab", "LATE_anon_Zz9ab_9901_2026_hw3.ipynb", ("anon_Zz9ab",)),
        "anon_4711": ("anon", "anon_4711_9902_2026_hw3.ipynb", ("4711",)),  # a student who is called Anon
    }


def test_of_canvas_files_the_largest_number_counts_whatever_its_time(tmp_path):
    put(tmp_path, "doejane_4711_9988_nb.ipynb", "doejane_LATE_4711_10001_nb-1.ipynb", "doejane_4711_text.html")
    put(tmp_path, "doejane_4711_10002_nb-2.ipynb", age=1000)
    assert counted(tmp_path) == {
        "doejane_4711": (
            "doejane_4711_10002_nb-2.ipynb",
            ["doejane_4711_text.html", "doejane_4711_9988_nb.ipynb", "doejane_LATE_4711_10001_nb-1.ipynb"],
        )
    }


def test_of_several_files_in_canvas_last_attempt_the_notebook_counts(tmp_path):
    put(tmp_path, "doejane_4711_9001_nb.ipynb", "doejane_4711_9002_helpers.py", "doejane_4711_9003_report.pdf")
    assert counted(tmp_path)["doejane_4711"][0] == "doejane_4711_9001_nb.ipynb"


def test_an_archive_of_canvas_that_was_unpacked_beside_it_is_the_same_students(tmp_path):
    put(tmp_path, "doejane_4711_9001_submission.zip", f"doejane_4711_9001_submission/{NOTEBOOK}")
    assert list(found(tmp_path)) == ["doejane_4711"]


@pytest.mark.parametrize(
    "names",
    [
        ["viz_2024_11_jane.ipynb", "viz_2024_11_bob.ipynb"],
        ["group_3_1_viz.ipynb", "group_3_2_viz.ipynb"],
        ["viz_1_2024_jane.ipynb", "viz_1_2024_bob.ipynb"],
    ],
)
def test_names_that_only_look_like_canvas_do_not_join_different_students(tmp_path, names):
    put(tmp_path, *names)
    assert sorted(entry.shown for entry in submissions(tmp_path)) == sorted(names)


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (["evans_4711_9988_Bob Ross_7_assignsubmission_file_x.ipynb", "evans_4711_9989_doejane_1_9999_x.ipynb"], ["evans_4711"]),
        (["evans_4711_9988_HW_jane_attempt_2026-10-05-10-10-10_x.ipynb", "doe_1_9989_x.ipynb"], ["doe_1", "evans_4711"]),
        (
            [
                "Eve_12_assignsubmission_file_Bob Ross_7_assignsubmission_file_x.ipynb",
                "Eve_12_assignsubmission_file_d_1_9999_x.ipynb",
            ],
            ["Eve_12"],
        ),
        (["HW_eve_attempt_2026-10-05-10-10-10_HW_jane_attempt_2027-10-05-10-10-10_x.ipynb"], ["eve"]),
        (["1-2 - Eve - Oct 5, 2026 1010 AM - 3-4 - Bob - Oct 6, 2026 1010 AM - x.ipynb"], ["Eve_1-2"]),
    ],
)
def test_a_students_own_file_name_does_not_make_another_student_of_it(tmp_path, names, students):
    put(tmp_path, *names)
    assert sorted(found(tmp_path)) == students


# Moodle


def test_moodle_folders_and_prefixes_are_understood(tmp_path):
    put(
        tmp_path,
        f"Jane Doe_4711_assignsubmission_file_/{NOTEBOOK}",
        f"Max Mustermann_4712_assignsubmission_file/deep er/{NOTEBOOK}",
        f"Zoë O'Neill-Smith_4713_assignsubmission_file_{NOTEBOOK}",
        "Participant_4714_assignsubmission_file_submission.zip",
        f"Participant 123_456_assignsubmission_file_/{NOTEBOOK}",
        f"Group A_55_assignsubmission_file/{NOTEBOOK}",
        f"Default group_assignsubmission_file/{NOTEBOOK}",
        "Li Wei_4715_assignsubmission_onlinetext/onlinetext.html",
        "Li Wei_4716_assignsubmission_onlinetext_onlinetext.html",
        "Empty Handed_4717_assignsubmission_file_/",
    )
    told = {student: (entry.name, entry.problem == "") for student, entry in found(tmp_path).items()}
    assert told == {
        "Jane Doe_4711": ("Jane Doe", True),
        "Max Mustermann_4712": ("Max Mustermann", True),
        "Zoë O'Neill-Smith_4713": ("Zoë O'Neill-Smith", True),
        "Participant_4714": ("Participant", True),
        "Participant 123_456": ("Participant 123", True),
        "Group A_55": ("Group A", True),
        "Default group": ("Default group", True),
        "Li Wei_4715": ("Li Wei", False),
        "Li Wei_4716": ("Li Wei", False),
        "Empty Handed_4717": ("Empty Handed", False),
    }


def test_moodles_numbers_tell_people_of_the_same_name_apart(tmp_path):
    put(tmp_path, "Li Wei_1_assignsubmission_file_/nb.ipynb", "Li Wei_2_assignsubmission_file_/nb.ipynb")
    assert set(found(tmp_path)) == {"Li Wei_1", "Li Wei_2"}
    assert "Li Wei: more than one row has this name." in intake(tmp_path).notices


def test_moodles_text_beside_a_file_does_not_count(tmp_path):
    put(tmp_path, "Jane Doe_4711_assignsubmission_file/nb.ipynb", "Bob_4712_assignsubmission_file_nb.ipynb", age=100)
    put(tmp_path, "Jane Doe_4711_assignsubmission_onlinetext/onlinetext.html")
    put(tmp_path, "Bob_4712_assignsubmission_onlinetext_onlinetext.html", "Bob_4712_assignsubmission_file_helpers.py")
    assert {student: shown for student, (shown, _) in counted(tmp_path).items()} == {
        "Bob_4712": "Bob_4712_assignsubmission_file_nb.ipynb",
        "Jane Doe_4711": "Jane Doe_4711_assignsubmission_file/nb.ipynb",
    }


# When, by the names and lists of platforms


def times(folder):
    """{student: (platform, when, whether the platform calls it late)}"""
    return {student: (entry.platform, entry.handed_in, entry.late) for student, entry in found(folder).items()}


def test_canvas_says_who_is_late_and_not_when(tmp_path):
    put(
        tmp_path,
        "doejane_LATE_4711_9988_nb.ipynb",
        "rossbob_4712_9989_nb.ipynb",
        "LATE_anon_x7_9990_nb.ipynb",
        "anon_x8_9991_nb.ipynb",
    )
    assert times(tmp_path) == {
        "doejane_4711": ("Canvas", "", True),
        "rossbob_4712": ("Canvas", "", False),
        "anon_x7": ("Canvas", "", True),
        "anon_x8": ("Canvas", "", False),
    }


def test_brightspaces_and_blackboards_names_say_when_the_attempt_that_counts_was_handed_in(tmp_path):
    d2l, bb = tmp_path / "d2l", tmp_path / "bb"
    put(d2l, f"101-7 - Jane Doe - Sept 30, 2026 1159 PM/{NOTEBOOK}", f"101-7 - Jane Doe - Oct 5, 2026 1210 AM/{NOTEBOOK}")
    put(d2l, f"102-7 - Bob - 5 October, 2026 2359/{NOTEBOOK}", f"103-7 - Ada - 5 Dezember, 2026 2359/{NOTEBOOK}")
    assert times(d2l) == {
        "Jane Doe_101": ("Brightspace", "2026-10-05T00:10:00", None),
        "Bob_102": ("Brightspace", "2026-10-05T23:59:00", None),
        "Ada_103": ("Brightspace", "", None),
    }
    put(bb, "HW_s1_attempt_2026-10-06-11-11-11_nb.ipynb", "HW_s2_attempt_2026-99-05-12-00-00_nb.ipynb")
    put(bb, "HW_s1_attempt_2026-10-05-10-10-10_nb.ipynb", age=-1000)
    assert times(bb) == {"s1": ("Blackboard", "2026-10-06T11:11:11", None), "s2": ("Blackboard", "", None)}


def test_where_nobody_says_when_the_time_of_a_file_does_not(tmp_path):
    put(tmp_path, "jane.ipynb", "bob/nb.ipynb")
    assert times(tmp_path) == {"jane": ("", "", None), "bob": ("", "", None)}
    put(tmp_path / "moodle", "Jane Doe_4711_assignsubmission_file/nb.ipynb")
    assert times(tmp_path / "moodle") == {"Jane Doe_4711": ("Moodle", "", None)}


# Gradescope

GRADESCOPE = """---
submission_1001:
  :submitters:
  - :name: Jane Doe
    :sid: 0042
    :email: jane@example.org
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2024-11-02 03:04:05.678901000 Z
  :score: 0.0
  :results: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
    tests:
    - output: ":submitters: none"
submission_1002:
  :submitters:
  - :name: Bob Ross
    :sid: '200'
    :email: bob@example.org
  - :name: Ada King
    :sid:
    :email: ada@example.org
  :created_at: 2024-11-02 03:04:05.678901234 -07:00
submission_1003:
  :submitters:
  - :name: Li Wei
submission_1004:
  :submitters:
  - :name: Li Wei
    :sid: ~
    :email: null
submission_1005:
  :submitters: []
"""


def test_gradescopes_list_tells_who_handed_in(tmp_path):
    put(tmp_path, *(f"submission_100{i}/nb.ipynb" for i in range(1, 7)))
    (tmp_path / "submission_metadata.yml").write_text(GRADESCOPE)
    told = {student: (entry.name, entry.shown) for student, entry in found(tmp_path).items()}
    assert told == {
        "0042": ("Jane Doe", "submission_1001/nb.ipynb"),
        "200+ada@example.org": ("Bob Ross, Ada King", "submission_1002/nb.ipynb"),
        "Li Wei submission_1003": ("Li Wei", "submission_1003/nb.ipynb"),
        "Li Wei submission_1004": ("Li Wei", "submission_1004/nb.ipynb"),
        "submission_1005": ("submission_1005", "submission_1005/nb.ipynb"),
        "submission_1006": ("submission_1006", "submission_1006/nb.ipynb"),
    }
    assert {entry.handed_in for entry in found(tmp_path).values()} == {
        "2024-11-02T03:04:05+00:00",
        "2024-11-02T03:04:05-07:00",
        "",
    }
    assert found(tmp_path)["200+ada@example.org"].members == (
        Member("200", "Bob Ross", ("200", "bob@example.org")),
        Member("ada@example.org", "Ada King", ("ada@example.org",)),
    )


def test_a_list_that_a_student_handed_in_is_not_believed(tmp_path):
    """In the student's folder, or between files that students named themselves."""
    listed = "{student}:\n  :submitters:\n  - :name: Jane Doe\n    :sid: s1\n    :email: s1@example.org\n"
    put(tmp_path, "s1/nb.ipynb", "s2/nb.ipynb", "s2/submission_1/nb.ipynb", "s3.ipynb")
    for name in ("submission_metadata.yml", "s2/submission_metadata.yml"):
        (tmp_path / name).write_text("".join(listed.format(student=name) for name in ("submission_1", "s2", "s3.ipynb")))
    assert {student: entry.name for student, entry in found(tmp_path).items()} == {
        **{name: name for name in ("s1", "s2", "s3", "submission_metadata")}
    }
    assert any(
        notice.startswith("s2/submission_metadata.yml: a Gradescope list inside a submission")
        for notice in intake(tmp_path).notices
    )


def test_gradescopes_list_speaks_only_of_gradescopes_folders(tmp_path):
    put(tmp_path, "submission_1/nb.ipynb", "s1.ipynb")
    (tmp_path / "submission_metadata.yml").write_text(
        "".join(f"{name}:\n  :submitters:\n  - :name: Jane\n    :sid: '1'\n" for name in ("submission_1", "s1.ipynb"))
    )
    assert {student: entry.shown for student, entry in found(tmp_path).items()} == {
        "1": "submission_1/nb.ipynb",
        "s1": "s1.ipynb",
    }


def test_without_its_list_gradescopes_folders_are_the_students(tmp_path):
    put(tmp_path, "submission_1001/nb.ipynb", "submission_1002/nb.zip")
    assert set(found(tmp_path)) == {"submission_1001", "submission_1002"}


@pytest.mark.parametrize(
    "content",
    [
        b"- a list",
        b"submission_1: 7",
        b"submission_1:\n  :submitters: [7]",
        b"a: [",
        b"a: {}",
        b"",
        b"\xff\xfe\xfd",
        b"&a [*a, *b]",
    ],
)
def test_a_list_that_gradescope_did_not_write_is_refused_by_name(tmp_path, content):
    put(tmp_path, "submission_1/nb.ipynb")
    (tmp_path / "submission_metadata.yml").write_bytes(content)
    with pytest.raises(ValueError, match=r"submission_metadata\.yml is not as Gradescope writes it \(\w+\)\. Remove it to go by"):
        submissions(tmp_path)


# Blackboard


def test_blackboards_attempts_are_joined_and_its_notes_belong_to_them(tmp_path):
    put(
        tmp_path,
        "HW 3_s1_attempt_2026-10-05-10-10-10_NetworkVisualization.ipynb",
        "HW 3_s1_attempt_2026-10-05-10-10-10_helpers.py",
        "HW 3_s1-2_attempt_2026-10-05-12-00-00_NetworkVisualization.ipynb",
        "HW 3_j_doe_attempt_2026-10-05-12-00-00_work.zip",
    )
    put(tmp_path, "HW 3_s1_attempt_2026-10-06-11-11-11_NetworkVisualization.ipynb", age=1000)
    for student, name, times in (
        ("s1", "Student (One) Three", ("2026-10-05-10-10-10", "2026-10-06-11-11-11")),
        ("s1-2", "Student Two", ("2026-10-05-12-00-00",)),
    ):
        for time in times:
            (tmp_path / f"HW 3_{student}_attempt_{time}.txt").write_text(f"Name: {name} ({student})\nAssignment: HW 3\n")
    first, second = (f"HW 3_s1_attempt_{time}" for time in ("2026-10-05-10-10-10", "2026-10-06-11-11-11"))
    assert {student: (entry.name, entry.shown, entry.earlier) for student, entry in found(tmp_path).items()} == {
        "s1": (
            "Student (One) Three",
            f"{second}_NetworkVisualization.ipynb",
            [f"{first}_helpers.py", f"{first}_NetworkVisualization.ipynb"],
        ),
        "s1-2": ("Student Two", "HW 3_s1-2_attempt_2026-10-05-12-00-00_NetworkVisualization.ipynb", []),
        "j_doe": ("j_doe", "HW 3_j_doe_attempt_2026-10-05-12-00-00_work.zip", []),
    }


def test_blackboards_student_who_only_wrote_a_text_has_a_row(tmp_path):
    put(tmp_path, "HW3_s1_attempt_2026-10-05-10-10-10_nb.ipynb", "HW3_s2_attempt_2026-10-05-12-00-00.txt")
    assert {student: bool(entry.problem) for student, entry in found(tmp_path).items()} == {"s1": False, "s2": True}


def test_blackboards_user_names_that_end_alike_are_different_students(tmp_path):
    put(tmp_path, *(f"HW3_{user}_attempt_2026-10-05-10-10-1{i}_nb.ipynb" for i, user in enumerate(("a_doe", "b_doe", "doe"))))
    assert set(found(tmp_path)) == {"a_doe", "b_doe", "doe"}


def test_notes_of_blackboards_with_the_same_user_name_join_nobody(tmp_path):
    for user in ("a_doe", "b_doe"):
        put(tmp_path, f"HW3_{user}_attempt_2026-10-05-10-10-10_nb.ipynb")
        (tmp_path / f"HW3_{user}_attempt_2026-10-05-10-10-10.txt").write_text("Name: Jane Doe (doe)\n")
    assert [entry.shown for entry in submissions(tmp_path)] == [
        f"HW3_{user}_attempt_2026-10-05-10-10-10_nb.ipynb" for user in ("a_doe", "b_doe")
    ]


# Brightspace


@pytest.mark.parametrize("ending", [f"/{NOTEBOOK}", f" - {NOTEBOOK}"])
def test_brightspaces_attempts_are_joined_by_the_users_number_and_the_latest_date_counts(tmp_path, ending):
    put(
        tmp_path,
        f"101-7 - Jane Doe - Sept 30, 2026 1159 PM{ending}",
        f"101-7 - Jane Doe - Oct 5, 2026 1210 AM{ending}",
        f"102-7 - Bob - Ross - Oct 5, 2026 930 AM{ending}",
        f"103-7 - Jane Doe - 5 October, 2026 10 AM{ending}",
        "index.html",
    )
    put(tmp_path, f"101-7 - Jane Doe - Oct 5, 2026 1010 AM{ending}", age=1000)
    assert {student: (entry.name, entry.shown, len(entry.earlier)) for student, entry in found(tmp_path).items()} == {
        "Jane Doe_101": ("Jane Doe", f"101-7 - Jane Doe - Oct 5, 2026 1010 AM{ending}", 2),
        "Bob - Ross_102": ("Bob - Ross", f"102-7 - Bob - Ross - Oct 5, 2026 930 AM{ending}", 0),
        "Jane Doe_103": ("Jane Doe", f"103-7 - Jane Doe - 5 October, 2026 10 AM{ending}", 0),
    }


def test_where_brightspaces_first_number_is_not_the_users_both_numbers_tell_people_apart(tmp_path):
    put(tmp_path, *(f"7-{i} - {name} - Oct 5, 2026 1010 AM/nb.ipynb" for i, name in enumerate(("Li Wei", "Li Wei", "Jane Doe"))))
    assert set(found(tmp_path)) == {"Li Wei_7-0", "Li Wei_7-1", "Jane Doe_7-2"}


# ILIAS, GitHub Classroom, Google Classroom


def test_ilias_folders_are_students_whatever_lies_around_them(tmp_path):
    inside = "Exercise 3/Abgaben"
    put(
        tmp_path,
        f"{inside}/Doe_Jane_jdoe_41/nb.ipynb",
        f"{inside}/van Dyke_Max_m_dyke_42/{NOTEBOOK}",
        "Exercise 3/Exercise_3.xlsx",
    )
    assert {student: (entry.name, entry.shown) for student, entry in found(tmp_path).items()} == {
        "Doe_Jane_jdoe_41": ("Jane Doe", f"{inside}/Doe_Jane_jdoe_41/nb.ipynb"),
        "van Dyke_Max_m_dyke_42": ("Max van Dyke", f"{inside}/van Dyke_Max_m_dyke_42/{NOTEBOOK}"),
    }


def test_of_an_ilias_team_the_latest_of_its_members_files_counts(tmp_path):
    put(tmp_path, "Ex/Abgaben/Team 12/Doe_Jane_jdoe_41/nb.ipynb", "Ex/Abgaben/Team 13/Lim_Kim_klim_43/nb.ipynb", age=10)
    put(tmp_path, "Ex/Abgaben/Team 12/Ray_Bob_bray_42/nb.ipynb")
    assert {student: (entry.name, entry.shown) for student, entry in found(tmp_path).items()} == {
        "Team 12": ("Jane Doe, Bob Ray", "Ex/Abgaben/Team 12/Ray_Bob_bray_42/nb.ipynb"),
        "Team 13": ("Kim Lim", "Ex/Abgaben/Team 13/Lim_Kim_klim_43/nb.ipynb"),
    }


def test_github_classrooms_clones_are_named_by_their_user(tmp_path):
    for user in ("jane", "jane-1", "bob-ross"):
        put(tmp_path, f"viz-submissions/net-viz-{user}/{NOTEBOOK}", f"viz-submissions/net-viz-{user}/.git/config")
    assert set(found(tmp_path)) == {"jane", "jane-1", "bob-ross"}


def test_folders_that_are_no_clones_keep_their_names(tmp_path):
    put(tmp_path, f"anna-lena/{NOTEBOOK}", f"anna-maria/{NOTEBOOK}")
    assert set(found(tmp_path)) == {"anna-lena", "anna-maria"}


def test_google_classrooms_files_are_named_by_their_student_unless_two_have_the_same_name(tmp_path):
    put(
        tmp_path, f"Jane Doe - {NOTEBOOK}", f"Bob Ross - {NOTEBOOK}", "Bob Ross - Copy of NetworkVisualization.ipynb", "own.ipynb"
    )
    assert {student: shown for student, (shown, _) in counted(tmp_path).items()} == {
        "Jane Doe": f"Jane Doe - {NOTEBOOK}",
        "Bob Ross - NetworkVisualization": f"Bob Ross - {NOTEBOOK}",
        "Bob Ross - Copy of NetworkVisualization": "Bob Ross - Copy of NetworkVisualization.ipynb",
        "own": "own.ipynb",
    }


@pytest.mark.parametrize("named", [1, 2, 3])
def test_names_as_google_classroom_writes_them_say_who_it_is_only_where_most_have_them(tmp_path, named):
    """One's own idea of a name does not become another student."""
    put(tmp_path, *(f"Student {i} - {NOTEBOOK}" for i in range(named)), "alice.ipynb", "bob.ipynb")
    assert ("Student 0" in found(tmp_path)) == (named > 2)
    assert {"alice", "bob"} <= set(found(tmp_path))


def test_a_folder_as_ilias_names_it_says_who_it_is_only_where_most_are_named_so(tmp_path):
    put(tmp_path, f"Ross_Bob_bob_4711/{NOTEBOOK}", "alice.ipynb", "bob.ipynb")
    assert {one.name for one in submissions(tmp_path)} == {"Ross_Bob_bob_4711", "alice", "bob"}
    seen = with_roster(tmp_path, "id,name\nbob,Bob Ross\n")
    assert {one.shown: one.student for one in seen.submissions}["bob.ipynb"] == "bob"
    (tmp_path / "bob.ipynb").rename(tmp_path / "Exercise.xlsx")
    (tmp_path / "alice.ipynb").rename(tmp_path / "Exercise.csv")
    assert [one.name for one in submissions(tmp_path)] == ["Bob Ross"]


# Folders around the students


STUDENTS = [f"s{i:02}" for i in range(60)]


@pytest.mark.parametrize("around", ["", "export/", "HW3/submitted/", "a/b/c/"])
@pytest.mark.parametrize("form", ["{}.ipynb", "{}/nb.ipynb", "{}/viz/NetworkVisualization.ipynb", "{}.zip"])
def test_no_student_is_lost_in_a_folder_around_all_of_them(tmp_path, around, form):
    put(tmp_path, *(around + form.format(student) for student in STUDENTS))
    assert list(found(tmp_path)) == STUDENTS
    assert all(entry.earlier == [] for entry in submissions(tmp_path))
    notices = [notice for notice in intake(tmp_path).notices if "is taken to hold the class" in notice]
    assert len(notices) == around.count("/")


def test_no_student_is_lost_where_something_lies_beside_the_folder_around_them(tmp_path):
    put(tmp_path, *(f"export/{student}/nb.ipynb" for student in STUDENTS), "late.ipynb", "README.md")
    assert set(found(tmp_path)) == {*(f"export/{student}" for student in STUDENTS), "late", "README"}


def test_students_that_were_sorted_into_folders_have_a_row_each_and_it_is_said(tmp_path):
    put(tmp_path, "Monday/s1/nb.ipynb", "Monday/s2/nb.ipynb", "Friday/s3/nb.ipynb")
    assert set(found(tmp_path)) == {"Monday/s1", "Monday/s2", "Friday/s3"}
    assert intake(tmp_path).notices[0].startswith("Friday, Monday: folders that hold several students")


def test_a_students_versions_in_folders_are_one_students_and_it_is_said(tmp_path):
    put(tmp_path, *(f"eve/{version}/{NOTEBOOK}" for version in ("v1", "v2", "final", "final2", "final3")))
    put(tmp_path, f"alice/{NOTEBOOK}", "bob.ipynb")
    assert set(found(tmp_path)) == {"alice", "bob", "eve"}
    assert (
        intake(tmp_path)
        .notices[0]
        .startswith("eve: taken to be one student's own folder, although it holds several folders with work; ")
    )


@pytest.mark.parametrize(("beside", "rows"), [(("README.md",), 9), (("README.md", "late.ipynb"), 4)])
def test_students_in_sections_have_rows_of_their_own_where_they_are_many_times_what_lies_beside(tmp_path, beside, rows):
    put(tmp_path, *(f"Monday/s{i}/nb.ipynb" for i in range(4)), *(f"Friday/s{i}/nb.ipynb" for i in range(4, 8)), *beside)
    assert len(found(tmp_path)) == rows
    assert any("taken to be one student's own folder" in notice for notice in intake(tmp_path).notices) == (rows == 4)


def test_many_folders_of_one_among_many_students_files_are_that_students_own(tmp_path):
    put(tmp_path, *(f"{student}.ipynb" for student in STUDENTS), *(f"eve/{name}/{NOTEBOOK}" for name in STUDENTS))
    assert set(found(tmp_path)) == {*STUDENTS, "eve"}


def test_sections_beside_a_students_own_folder_are_not_guessed_but_named(tmp_path):
    put(tmp_path, "Monday/s1/nb.ipynb", "Monday/s2/nb.ipynb", "Friday/s3/nb.ipynb", "Friday/s4/nb.ipynb", "late/nb.ipynb")
    assert set(found(tmp_path)) == {"Monday", "Friday", "late"}
    assert intake(tmp_path).notices[0].startswith("Friday, Monday: taken to be one student's own folder, although")


def test_a_student_in_two_sections_is_no_reason_to_be_silent_about_the_others(tmp_path):
    put(tmp_path, *(f"Monday/s{i}/nb.ipynb" for i in range(3)), *(f"Friday/s{i}/nb.ipynb" for i in range(2, 5)))
    assert set(found(tmp_path)) == {"Monday", "Friday"}
    assert intake(tmp_path).notices[0].startswith("Friday, Monday: taken to be one student's own folder, although")


def test_folders_of_the_same_assignments_give_no_notice(tmp_path):
    put(tmp_path, *(f"{student}/{name}/nb.ipynb" for student in ("jane", "bob", "kim") for name in ("hw1", "hw2")))
    assert set(found(tmp_path)) == {"jane", "bob", "kim"}
    assert not any("taken to be one student's own folder" in notice for notice in intake(tmp_path).notices)


def test_a_students_several_folders_are_one_students(tmp_path):
    put(tmp_path, "jane/viz/NetworkVisualization.ipynb", "jane/hw1/hw1.ipynb", "bob/viz/NetworkVisualization.ipynb")
    put(tmp_path, "kim/cs231n/net_visualization_pytorch.py", "kim/work/nb.ipynb", "kim/old/nb.ipynb", age=10)
    assert set(found(tmp_path)) == {"jane", "bob", "kim"}


def test_a_student_who_hands_in_all_assignments_at_once_is_one_student(tmp_path):
    put(tmp_path, *(f"jane/{name}/nb.ipynb" for name in ("hw1", "hw2", "hw3", "hw4")), f"jane/viz/{NOTEBOOK}", "bob/nb.ipynb")
    assert set(found(tmp_path)) == {"jane", "bob"}
    assert counted(tmp_path)["jane"][0] == f"jane/viz/{NOTEBOOK}"


def test_many_files_in_one_students_folder_are_pointed_out(tmp_path):
    put(tmp_path, *(f"export/{student}.ipynb" for student in STUDENTS), "late.ipynb")
    assert any(notice.startswith("export: so many files could count") for notice in intake(tmp_path).notices)


def test_an_archive_that_is_all_there_is_is_pointed_out(tmp_path):
    put(tmp_path, "submissions.zip")
    assert "submissions.zip is all there is. If it is the export of a whole class, unpack it first." in intake(tmp_path).notices


# What lies beside submissions, and what is none


def test_what_systems_leave_behind_is_ignored(tmp_path):
    put(tmp_path, "jane.ipynb", ".DS_Store", "._jane.ipynb", ".git/config", ".ipynb_checkpoints/jane-checkpoint.ipynb")
    put(tmp_path, "__MACOSX/._jane.ipynb", "Thumbs.db", "desktop.ini", "grades.csv")
    put(tmp_path, "bob/nb.ipynb", age=100)
    put(tmp_path, "bob/__MACOSX/._nb.ipynb", "bob/.ipynb_checkpoints/nb.ipynb", "bob/__pycache__/x.ipynb", "bob/.hidden.ipynb")
    assert counted(tmp_path) == {"bob": ("bob/nb.ipynb", []), "jane": ("jane.ipynb", [])}


def test_every_entry_ends_in_exactly_one_submission(tmp_path):
    put(tmp_path, "a.ipynb", "a.zip", "a-1.py", "b.txt", "c/", "E_1_assignsubmission_file/", "e_1_2345_f.tex", "g", "-.py", "d/x")
    (tmp_path / "link").symlink_to(tmp_path / "a.ipynb")
    os.mkfifo(tmp_path / "pipe.ipynb")
    seen = [path for entry in submissions(tmp_path) for path in (entry.shown, *entry.earlier)]
    assert sorted(seen) == sorted(entry.name for entry in tmp_path.iterdir())


def problems(folder):
    return {entry.student: entry.problem for entry in submissions(folder)}


def test_each_problem_is_told_in_a_sentence(tmp_path, monkeypatch):
    put(tmp_path, "report.pdf", "noending", "empty/", "other/report.docx", "large.ipynb", "fine.ipynb")
    (tmp_path / "secret.ipynb").symlink_to("/etc/passwd")
    (tmp_path / "nowhere.ipynb").symlink_to(tmp_path / "gone")
    (tmp_path / "root").symlink_to("/")
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "nb.ipynb").symlink_to("/etc/passwd")
    (tmp_path / "inner" / "all").symlink_to("/")
    os.mkfifo(tmp_path / "inner" / "x.ipynb")
    with (tmp_path / "large.ipynb").open("ab") as file:
        file.truncate(limits.SUBMISSION_BYTES + 1)
    with (tmp_path / "fine.ipynb").open("ab") as file:
        file.truncate(limits.SUBMISSION_BYTES)
    nothing = "There is no notebook, no Python file and no zip archive in the folder"
    assert problems(tmp_path) == {
        "empty": f"{nothing} empty.",
        "fine": "",
        "inner": f"{nothing} inner.",
        "large": "large.ipynb has 300.0 MB; expected at most 300 MB.",
        "noending": "noending is neither a notebook (.ipynb) nor a Python file (.py) nor a zip archive.",
        "nowhere": "nowhere.ipynb is a link, not a file.",
        "other": f"{nothing} other.",
        "pipe": "pipe.ipynb is not an ordinary file.",
        "report": "report.pdf is neither a notebook (.ipynb) nor a Python file (.py) nor a zip archive.",
        "root": "root is a link, not a file.",
        "secret": "secret.ipynb is a link, not a file.",
    }


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    put(tmp_path, "jane.ipynb", "bob.ipynb")
    opened = type(tmp_path).open

    def denied(path, mode):  # who runs the tests as root may read everything
        if path.name == "jane.ipynb":
            raise PermissionError(13, "Permission denied")
        return opened(path, mode)

    monkeypatch.setattr(type(tmp_path), "open", denied)
    assert problems(tmp_path) == {"bob": "", "jane": "jane.ipynb cannot be opened: Permission denied."}


def test_a_folder_that_cannot_be_listed_costs_the_others_nothing(tmp_path, monkeypatch):
    put(tmp_path, "jane/locked/nb.ipynb", "jane/open/nb.ipynb", "bob.ipynb")
    listed = type(tmp_path).iterdir

    def denied(path):  # who runs the tests as root may list everything
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(type(tmp_path), "iterdir", denied)
    assert counted(tmp_path) == {"bob": ("bob.ipynb", []), "jane": ("jane/open/nb.ipynb", [])}


def test_a_chain_of_a_thousand_folders_is_looked_through(tmp_path):
    put(tmp_path, "bob.ipynb", "jane/")
    here = os.open(tmp_path / "jane", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        here, above = os.open("d", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(os.open("nb.ipynb", os.O_CREAT, dir_fd=here))
    os.close(here)
    try:
        assert problems(tmp_path) == {"bob": "", "jane": ""}
    finally:
        subprocess.run(["rm", "-r", tmp_path / "jane"], check=True)  # shutil.rmtree cannot before Python 3.13


def test_folders_without_end_are_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "FOLDERS_OF_STUDENT", 5)
    put(tmp_path, *(f"jane/{i}/" for i in range(6)), "jane/9/nb.ipynb", "bob/1/2/nb.ipynb")
    assert {student: bool(problem) for student, problem in problems(tmp_path).items()} == {"bob": False, "jane": True}


# Odd names

ODD = [
    b"new\nline.ipynb",
    b"tab\t.ipynb",
    b"..ipynb",
    b"...ipynb",
    b"a..b.ipynb",
    b"bell\x07\x1b[31m.ipynb",
    b"x" * 249 + b".ipynb",
]
ODD += [
    b"caf\xe9.ipynb",
    b"caf\xe8.ipynb",
    b"caf\\udce9.ipynb",
    b"\xed\xa0\x80.ipynb",
    b"\xe2\x80\xaetxet.ipynb",
    b"back\\slash.ipynb",
]
ODD += [
    b"caf\xeb.txt",
    b"caf\xea/",
    b"'=1+1.ipynb",
    b"<b>.ipynb",
    b"jane.ipynb",
    b"Jane.ipynb",
    b"JANE.ipynb",
    b" .ipynb",
    b"con.ipynb",
]


@pytest.fixture
def odd(tmp_path):
    for name in ODD:
        path = tmp_path / os.fsdecode(name)
        path.mkdir() if name.endswith(b"/") else path.touch()
    return tmp_path


def test_odd_names_are_kept_apart_and_can_be_written_in_one_line_of_utf_8(odd):
    entries = submissions(odd)
    visible = [name for name in ODD if not name.startswith(b".")]
    assert len(entries) == len(visible)
    assert len({entry.student for entry in entries}) == len(visible)
    assert len({file_name(entry.student).lower() for entry in entries}) == len(visible)
    for entry in entries:
        told = [entry.student, entry.name, entry.shown, entry.problem, *entry.earlier]
        assert json.loads(json.dumps(told, ensure_ascii=False).encode()) == told
        assert all(len(text.splitlines()) <= 1 and "\x1b" not in text for text in told)
        assert len(entry.sha256()) == 64


def test_a_name_that_cannot_be_printed_is_told_by_its_codes(odd):
    shown = {entry.shown for entry in submissions(odd)}
    assert {r"new\nline.ipynb", r"caf\udce9.ipynb", r"caf\\udce9.ipynb", r"\u202etxet.ipynb", r"back\\slash.ipynb"} <= shown


def test_names_that_differ_by_capitals_alone_are_two_students_with_files_of_their_own(tmp_path):
    put(tmp_path, "jane.ipynb", "Jane.ipynb")
    assert len({file_name(entry.student).lower() for entry in submissions(tmp_path)}) == 2


# The whole


def test_the_hash_is_that_of_the_bytes(tmp_path):
    put(tmp_path, "jane.ipynb", "bob.pdf")
    content = os.urandom(3_000_000)
    (tmp_path / "jane.ipynb").write_bytes(content)
    jane, bob = found(tmp_path)["jane"], found(tmp_path)["bob"]
    assert jane.sha256() == hashlib.sha256(content).hexdigest()
    assert bob.sha256() == hashlib.sha256(bob.problem.encode()).hexdigest()


def test_a_folder_without_submissions_is_refused(tmp_path):
    put(tmp_path, "grades.csv", ".DS_Store")
    with pytest.raises(ValueError, match=r"^There is no submission in .*\d\.$"):
        submissions(tmp_path)


def test_where_all_that_there_is_is_hidden_it_is_named(tmp_path):
    put(tmp_path, ".hidden.ipynb", "grades.csv")
    with pytest.raises(ValueError, match=r"^There is no submission in .*\. Hidden files never count: \.hidden\.ipynb\. Rename"):
        submissions(tmp_path)


@pytest.mark.parametrize("name", ["gone", "export.zip"])
def test_what_is_no_folder_is_refused(tmp_path, name):
    put(tmp_path, "export.zip")
    with pytest.raises(ValueError, match=rf"{name} is not a folder\. Expected the folder that holds the submissions \(unpack"):
        submissions(tmp_path / name)


@pytest.mark.parametrize(
    "names",
    [
        ["submission_metadata.yml", "submission_1001/nb.ipynb", "submission_1002/nb.ipynb"],
        ["A_1_assignsubmission_file/nb.ipynb", "B_2_assignsubmission_file/nb.ipynb"],
        ["doejane_4711_998801_nb.ipynb", "rossbob_4712_998802_nb.ipynb"],
    ],
)
def test_an_export_in_a_folder_of_its_own_does_not_pass_for_one_student(tmp_path, names):
    put(tmp_path, ".DS_Store", *(f"export of today/{name}" for name in names))
    if (listed := tmp_path / "export of today" / "submission_metadata.yml").exists():
        listed.write_text(GRADESCOPE)
    assert len(found(tmp_path)) == 2
    assert all(entry.shown.startswith("export of today/") for entry in submissions(tmp_path))


def test_a_single_student_in_a_folder_is_taken(tmp_path):
    put(tmp_path, "jane/nb.ipynb", "jane/helpers.py", "jane/old/nb-2.ipynb", "jane/notes.txt")
    assert list(found(tmp_path)) == ["jane"]


def test_a_single_students_copy_of_the_kit_is_one_students(tmp_path):
    put(tmp_path, f"jane/{NOTEBOOK}", "jane/submission.zip", "jane/cs231n/submit.py", "jane/datasets/README.md")
    assert list(found(tmp_path)) == ["jane"]


# What became of every file


def told(folder):
    return {file.path: (file.student, file.counted, str(file.why)) for file in intake(folder).files}


def test_every_file_has_a_line_that_says_whose_it_is_whether_it_counts_and_why_not(tmp_path):
    put(
        tmp_path, "jane/nb.ipynb", "jane/nb-2.ipynb", "jane/data/x.csv", "jane/.hidden.ipynb", "jane/__pycache__/x.pyc", "bob.pdf"
    )
    put(tmp_path, ".git/config", "Thumbs.db", "empty/", "jane/submission_metadata.yml")
    (tmp_path / "jane" / "link.ipynb").symlink_to("/etc/passwd")
    (tmp_path / "jane" / "all").symlink_to("/")
    os.mkfifo(tmp_path / "jane" / "pipe.py")
    beside = "beside jane/nb-2.ipynb, which counts"
    assert told(tmp_path) == {
        ".git/config": ("", False, "hidden"),
        "Thumbs.db": ("", False, "made by a program, not by a student"),
        "bob.pdf": ("bob", False, "bob.pdf is neither a notebook (.ipynb) nor a Python file (.py) nor a zip archive."),
        "empty/": ("empty", False, "There is no notebook, no Python file and no zip archive in the folder empty."),
        "jane/.hidden.ipynb": ("jane", False, "hidden"),
        "jane/__pycache__/x.pyc": ("jane", False, "made by a program, not by a student"),
        "jane/all": ("jane", False, "a link, not followed"),
        "jane/data/x.csv": ("jane", False, beside),
        "jane/link.ipynb": ("jane", False, "a link, not followed"),
        "jane/nb-2.ipynb": ("jane", True, ""),
        "jane/nb.ipynb": ("jane", False, "another attempt; jane/nb-2.ipynb counts"),
        "jane/pipe.py": ("jane", False, beside),
        "jane/submission_metadata.yml": ("jane", False, "a Gradescope list inside a submission; ignored"),
    }


def test_every_file_below_the_folder_has_a_line_however_deep_it_lies(tmp_path):
    names = [f"{'d/' * depth}f{depth}" for depth in range(40)] + ["x/y/nb.ipynb", "x/.git/a/b", "__MACOSX/._x", "n.ipynb"]
    put(tmp_path, *names)
    assert set(told(tmp_path)) == set(names)


def test_a_folder_that_cannot_be_listed_has_a_line_and_is_pointed_out(tmp_path, monkeypatch):
    put(tmp_path, "jane/locked/nb.ipynb", "jane/open/nb.ipynb")
    listed = type(tmp_path).iterdir

    def denied(path):  # who runs the tests as root may list everything
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(type(tmp_path), "iterdir", denied)
    assert told(tmp_path)["jane/locked"] == ("jane", False, "cannot be listed: Permission denied")
    assert any(notice.startswith("jane/locked: folders that could not be looked into") for notice in intake(tmp_path).notices)


@pytest.mark.parametrize("name", ["beyond my time.pdf", "cannot be listed.pdf", "nobody's", "hidden"])
def test_a_file_is_pointed_out_for_what_it_is_and_not_for_how_it_is_called(tmp_path, name):
    put(tmp_path, "jane/nb.ipynb", name)
    sentence = f"{name} is neither a notebook (.ipynb) nor a Python file (.py) nor a zip archive."
    assert told(tmp_path)[name] == (name.removesuffix(".pdf"), False, sentence)
    assert intake(tmp_path).notices == [f"Submissions that cannot be graded: 1. {name.removesuffix('.pdf')}: {sentence}"]


def test_folders_beyond_the_limit_have_a_line_and_are_pointed_out(tmp_path, monkeypatch):
    monkeypatch.setattr("cs231n.instructor.sandbox.inside.limits.FOLDERS_OF_STUDENT", 2)
    put(tmp_path, "jane/nb.ipynb", "jane/a/b.csv", "jane/b/c.csv")
    assert told(tmp_path)["jane/b"] == ("jane", False, "beyond 2 folders: not looked into")
    assert "jane/b: folders that could not be looked into." in intake(tmp_path).notices


def test_a_hidden_notebook_is_pointed_out_and_what_jupyter_keeps_is_not(tmp_path):
    put(tmp_path, "jane/nb.ipynb", "jane/.mine.ipynb", "jane/.ipynb_checkpoints/nb-checkpoint.ipynb")
    assert [notice for notice in intake(tmp_path).notices if "hidden" in notice] == [
        "jane/.mine.ipynb: hidden files, which never count."
    ]


def test_a_hidden_file_that_nobody_has_a_row_for_is_pointed_out_with_what_to_do(tmp_path):
    put(tmp_path, "jane.ipynb", ".hidden.ipynb", "..%2f..%2fgrades.py", "._jane.ipynb", "._kim.zip", ".lim/nb.ipynb", ".note")
    put(tmp_path, ".my checkpoint.ipynb", ".ipynb_checkpoints/jane-checkpoint.ipynb")
    assert set(found(tmp_path)) == {"jane"}
    assert [notice for notice in intake(tmp_path).notices if "hidden" in notice] == [
        "..%2f..%2fgrades.py, ._kim.zip, .hidden.ipynb, .lim/nb.ipynb, .my checkpoint.ipynb: hidden files, which never count "
        "and belong to no student here. If one is a student's, rename it so that it does not begin with a dot, and grade again.",
        "._jane.ipynb: hidden files, which never count.",
    ]


def test_a_usual_folder_gives_no_notice(tmp_path):
    put(tmp_path, "jane/nb.ipynb", "bob/nb.ipynb", "kim.zip", ".DS_Store", "bob/.ipynb_checkpoints/nb-checkpoint.ipynb")
    assert intake(tmp_path).notices == []


# A roster


def with_roster(folder, content):
    path = folder.parent / f"{folder.name} roster.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return intake(folder, load(path))


@pytest.mark.parametrize("start", ["\ufeff", ""])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_roster_gives_ids_and_names_and_lists_who_handed_in_nothing(tmp_path, delimiter, start):
    put(tmp_path, "doejane_4711_998801_nb.ipynb", "roebob_4712_998802_nb.ipynb", "stranger_9_998803_nb.ipynb")
    lines = ["NAME,Section,Id,Canvas", "Jane Doe,A,0042,4711", "Bob Roe,A,0043,", "Kim Lim,A,0044,4713"]
    seen = with_roster(tmp_path, start + "\r\n".join(line.replace(",", delimiter) for line in lines))
    assert {one.student: one.name for one in seen.submissions} == {
        "0042": "Jane Doe",
        "0043": "Bob Roe",
        "stranger_9": "stranger",
    }
    assert [(person.id, person.name) for person in seen.absent] == [("0044", "Kim Lim")]
    assert {file.path: file.student for file in seen.files}["doejane_4711_998801_nb.ipynb"] == "0042"
    assert "stranger_9: not on the roster, and graded under this name." in seen.notices
    assert "1 of the 3 students on the roster handed in nothing: 0044 Kim Lim." in seen.notices


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("S1/nb.ipynb", "s1,Jane Doe,"),
        ("Jane Doe_4711_assignsubmission_file_/nb.ipynb", 's1,"Doe, Jane",'),
        ("doejane_4711_998801_nb.ipynb", "s1,Jane Doe,"),
        ("vandykemaryann_4711_998801_nb.ipynb", "s1,Mary Ann van Dyke,"),
        ("HW3_jdoe_attempt_2026-10-05-10-10-10_nb.ipynb", "s1,Somebody,jdoe"),
        ("101-7 - Zoë Doe - Oct 5, 2026 1010 AM/nb.ipynb", "s1,Zoe Doe,"),
        ("Doe_Jane_jdoe_41/nb.ipynb", "s1,Somebody,JDOE"),
        ("Jane Doe - NetworkVisualization.ipynb", "s1,Jane Doe,"),
    ],
)
def test_a_submission_is_matched_by_id_by_another_id_or_by_name(tmp_path, name, line):
    put(tmp_path, name)
    seen = with_roster(tmp_path, f"id,name,login\n{line}\ns2,Somebody Else,other\n")
    assert [one.student for one in seen.submissions] == ["s1"]
    assert [person.id for person in seen.absent] == ["s2"]


def test_a_roster_among_the_submissions_is_nobodys(tmp_path):
    put(tmp_path, "s1.ipynb")
    (tmp_path / "roster.csv").write_text("id,name\ns1,Jane Doe\n", encoding="utf-8")
    seen = intake(tmp_path, load(tmp_path / "roster.csv"))
    assert [one.student for one in seen.submissions] == ["s1"]
    assert {file.path: str(file.why) for file in seen.files} == {"roster.csv": "the roster", "s1.ipynb": ""}


def test_a_column_that_tells_nobody_apart_matches_nobody(tmp_path):
    put(tmp_path, "A.ipynb")
    seen = with_roster(tmp_path, "id,name,section\n8,Jane Doe,A\n9,Bob Roe,A\n")
    assert [one.student for one in seen.submissions] == ["A"]
    assert [person.id for person in seen.absent] == ["8", "9"]


def test_a_name_that_two_people_have_matches_nobody_and_nobody_is_dropped(tmp_path):
    put(tmp_path, "Li Wei_1_assignsubmission_file_/nb.ipynb", "Li Wei_2_assignsubmission_file_/nb.ipynb")
    seen = with_roster(tmp_path, "id,name\n8,Li Wei\n9,Li Wei\n")
    assert {one.student for one in seen.submissions} == {"Li Wei_1", "Li Wei_2"}
    assert "Li Wei_1, Li Wei_2: not on the roster, and graded under this name." in seen.notices


def test_two_submissions_that_could_be_one_students_are_not_joined(tmp_path):
    put(tmp_path, "s1.ipynb", "Jane Doe.ipynb")
    seen = with_roster(tmp_path, "id,name\ns1,Jane Doe\n")
    assert {one.student for one in seen.submissions} == {"s1", "Jane Doe"}
    assert "s1, Jane Doe: s1.ipynb matches by id; Jane Doe.ipynb matches by name only and has its own row." in seen.notices
    assert seen.absent == []


def test_two_submissions_with_the_same_persons_name_are_not_joined(tmp_path):
    put(tmp_path, "Doe, Jane.ipynb", "Jane Doe.ipynb")
    seen = with_roster(tmp_path, "id,name\ns1,Jane Doe\n")
    assert {one.student for one in seen.submissions} == {"Doe, Jane", "Jane Doe"}
    assert any(notice.startswith("s1, Jane Doe: Doe, Jane.ipynb, Jane Doe.ipynb could all be theirs") for notice in seen.notices)


def test_a_file_under_a_persons_name_takes_nobody_out_of_the_roster(tmp_path):
    put(tmp_path, "b7.ipynb", "Bob Bee.ipynb", "Kim Lim.ipynb")
    seen = with_roster(tmp_path, "id,name\nb7,Bob Bee\nk8,Kim Lim\n")
    assert {one.student: (one.name, one.shown) for one in seen.submissions} == {
        "b7": ("Bob Bee", "b7.ipynb"),
        "Bob Bee": ("Bob Bee", "Bob Bee.ipynb"),
        "k8": ("Kim Lim", "Kim Lim.ipynb"),
    }


def test_a_file_named_as_google_classroom_does_it_takes_nobody_out_of_the_roster(tmp_path):
    put(tmp_path, *(f"{student}.ipynb" for student in CLASS if student != "eve"), f"bob - {NOTEBOOK}")
    seen = with_roster(tmp_path, ROSTER)
    assert {one.shown: one.student for one in seen.submissions}["bob.ipynb"] == "bob"
    assert [person.id for person in seen.absent] == ["eve"]


CLASS = ("alice", "bob", "dave", "erin", "eve")
ROSTER = "id,name\n" + "".join(f"{student},{student.title()} Miller\n" for student in CLASS)


@pytest.mark.parametrize(
    "others", [(), (f"alice/{NOTEBOOK}", "bob/nb.ipynb"), ("alice/a/nb.ipynb", "alice/b/nb.ipynb"), ("alice.txt",)]
)
@pytest.mark.parametrize("inside", ["alice", "zed"])
@pytest.mark.parametrize("around", ["", "HW3/"])
@pytest.mark.parametrize("form", ["{}/NetworkVisualization.ipynb", "{}.ipynb", "{}_1_assignsubmission_file/nb.ipynb"])
def test_names_in_a_students_folder_give_nobody_a_row_and_take_none(tmp_path, others, inside, around, form):
    put(tmp_path, *(f"{around}eve/{form.format(name)}" for name in ("dave", "erin", "mallory", "bob", inside)))
    put(tmp_path, *(around + name for name in others))
    seen = with_roster(tmp_path, ROSTER)
    handed_in = {"eve", *(name.partition("/")[0].partition(".")[0] for name in others)}
    assert {one.student for one in seen.submissions} == handed_in
    assert {person.id for person in seen.absent} == {*CLASS} - handed_in


def test_a_folder_is_a_students_own_also_where_two_have_its_name(tmp_path):
    put(tmp_path, *(f"Li Wei/{name}/nb.ipynb" for name in ("dave", "erin", "alice")))
    seen = with_roster(tmp_path, f"{ROSTER}8,Li Wei\n9,Li Wei\n")
    assert {one.student for one in seen.submissions} == {"Li Wei"}


def test_students_in_sections_are_found_in_the_roster(tmp_path):
    put(tmp_path, "Monday/alice/nb.ipynb", "Monday/stranger/nb.ipynb", "Friday/bob/nb.ipynb")
    seen = with_roster(tmp_path, ROSTER)
    assert {one.student for one in seen.submissions} == {"alice", "Monday/stranger", "bob"}


def test_students_in_the_only_folder_are_found_in_the_roster(tmp_path):
    put(tmp_path, *(f"HW3/{student}/nb.ipynb" for student in CLASS))
    assert {one.student for one in with_roster(tmp_path, ROSTER).submissions} == {*CLASS}


def test_a_folder_with_names_of_the_roster_beside_folders_without_is_nobodys_section(tmp_path):
    """Whoever is not known to the roster cannot be handed others' rows by naming folders after them."""
    put(tmp_path, "x1/viz/nb.ipynb", "x2/work/nb.ipynb", "x3/dave/nb.ipynb", "x3/erin/nb.ipynb")
    seen = with_roster(tmp_path, ROSTER)
    assert {one.student for one in seen.submissions} == {"x1", "x2", "x3"}
    assert any(notice.startswith("x3: taken to be one student's own folder, although") for notice in seen.notices)


def test_the_members_of_a_group_have_handed_in(tmp_path):
    put(tmp_path, "Team 12/Doe_Jane_jdoe_41/nb.ipynb", "Team 12/Ray_Bob_bray_42/notes.txt", "Team 13/Lim_Kim_klim_43/nb.ipynb")
    seen = with_roster(tmp_path, "id,name\njdoe,Jane Doe\nb2,Bob Ray\nk,Kim Lim\nzoe,Zoe Xu\n")
    assert [person.id for person in seen.absent] == ["zoe"]
    assert {one.student for one in seen.submissions} == {"Team 12", "Team 13"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"login,name\njane,Jane\n", r"line 1: the columns are 'login, name'; expected id and name"),
        (b"id\n1\n", r"line 1: .*expected id and name"),
        (b"id,name\n,Jane\n", r"line 2: there is no id"),
        (b"id,name\n1,Jane\n2,Bob\n1,Kim\n", r"line 4: the id 1 is in line 2, too"),
        (b"id,name\n", r"lists nobody"),
        (b"", r"line 1: "),
        (b"id,name\n1,Jane,Doe\n", r"line 2: 3 cells, expected 2"),
    ],
)
def test_what_is_not_a_roster_is_refused_with_its_line(tmp_path, content, said):
    put(tmp_path, "s1.ipynb")
    with pytest.raises(ValueError, match=rf"roster\.csv.*{said}"):
        with_roster(tmp_path, content)


def test_a_roster_in_the_western_code_page_with_first_and_last_names_is_read(tmp_path):
    put(tmp_path, "0042.ipynb")
    seen = with_roster(tmp_path, "Last name;First name;ID number\nDoe;Zoë;'0042\n".encode("cp1252"))
    assert [one.name for one in seen.submissions] == ["Zoë Doe"]
