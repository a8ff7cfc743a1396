"""Who handed in what: by the names that Canvas, Moodle, Gradescope, nbgrader and people give to files and folders.

The names are those that these systems write: Canvas's lib/content_zipper.rb (the sorted name in small letters without spaces,
LATE, the user's number, the file's number, the file's name; anon_... without names; _text.html and _link.html), Moodle's
mod/assign/classes/downloader.php (name or group, its number, assignsubmission_file or _onlinetext, as folder or prefix),
Gradescope's submission_metadata.yml (names with a colon in front).
"""

import hashlib
import json
import os
import random
import subprocess

import pytest

from cs231n.instructor import submissions as module
from cs231n.instructor.pages import file_name
from cs231n.instructor.submissions import submissions

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
    put(tmp_path, "kim.ipynb", "kim-2.ipynb", "kim-2-3.ipynb")
    first = submissions(tmp_path)
    listed = type(tmp_path).iterdir

    def shuffled(path):
        return iter(random.Random(1).sample(found := list(listed(path)), len(found)))

    monkeypatch.setattr(type(tmp_path), "iterdir", shuffled)
    assert submissions(tmp_path) == first
    assert [entry.student for entry in first] == sorted(entry.student for entry in first)
    assert counted(tmp_path)["kim"] == ("kim-2.ipynb", ["kim.ipynb", "kim-2-3.ipynb"])


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


def test_of_several_attempts_the_latest_number_counts_else_the_latest_time(tmp_path):
    put(tmp_path, "jane.ipynb", "jane-2.ipynb", "jane_3.zip")
    put(tmp_path, "jane (10).ipynb", "jane-attempt-4.ipynb", "jane attempt5/nb.ipynb", age=1000)
    put(tmp_path, "bob.zip", age=10)
    put(tmp_path, "bob.ipynb", "bob/nb.ipynb", age=20)
    assert counted(tmp_path) == {
        "bob": ("bob.zip", ["bob.ipynb", "bob/nb.ipynb"]),
        "jane": (
            "jane (10).ipynb",
            ["jane.ipynb", "jane-2.ipynb", "jane_3.zip", "jane-attempt-4.ipynb", "jane attempt5/nb.ipynb"],
        ),
    }
    assert found(tmp_path)["jane"].name == "jane"


def test_in_a_folder_numbers_count_too(tmp_path):
    put(tmp_path, "jane/NetworkVisualization.ipynb", "jane/NetworkVisualization (1).ipynb")
    put(tmp_path, "jane/NetworkVisualization-2.ipynb", age=1000)
    shown, earlier = counted(tmp_path)["jane"]
    assert (shown, earlier[-1]) == ("jane/NetworkVisualization-2.ipynb", "jane/NetworkVisualization (1).ipynb")


def test_of_the_same_age_the_notebook_counts(tmp_path):
    put(tmp_path, "jane.ipynb", "jane.py", "jane.zip")
    assert counted(tmp_path) == {"jane": ("jane.ipynb", ["jane.py", "jane.zip"])}


def test_a_number_is_an_attempt_only_of_somebody_who_is_there(tmp_path):
    put(tmp_path, "jane-2.ipynb", "jane-3.ipynb", "kim.ipynb", "kim_20231234.ipynb", "kim2.ipynb")
    assert set(found(tmp_path)) == {"jane-2", "jane-3", "kim", "kim_20231234", "kim2"}


def test_a_number_that_an_export_has_written_is_no_attempt(tmp_path):
    put(tmp_path, "doejane.ipynb", "doejane_12_998801_nb.ipynb", "Li Wei.ipynb", "Li Wei_7_assignsubmission_file_nb.ipynb")
    assert set(found(tmp_path)) == {"doejane", "doejane_12", "Li Wei", "Li Wei_7"}


def test_a_file_of_another_kind_never_outdoes_a_submission(tmp_path):
    put(tmp_path, "jane.pdf", "jane-9.docx", "jane")
    put(tmp_path, "jane-1.ipynb", age=1000)
    (tmp_path / "jane-8.ipynb").symlink_to("/etc/passwd")
    shown, earlier = counted(tmp_path)["jane"]
    assert shown == "jane-1.ipynb"
    assert sorted(earlier) == ["jane", "jane-8.ipynb", "jane-9.docx", "jane.pdf"]


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


def test_a_students_own_file_name_does_not_make_another_student_of_it(tmp_path):
    put(
        tmp_path,
        "evans_4711_9988_Bob Ross_7_assignsubmission_file_x.ipynb",
        "evans_4711_9989_doejane_1_9999_x.ipynb",
        "Eve_12_assignsubmission_file_Bob Ross_7_assignsubmission_file_x.ipynb",
        "Eve_12_assignsubmission_file_doejane_1_9999_x.ipynb",
    )
    assert sorted(found(tmp_path)) == ["Eve_12", "evans_4711"]


# Moodle


def test_moodle_folders_and_prefixes_are_understood(tmp_path):
    put(
        tmp_path,
        f"Jane Doe_4711_assignsubmission_file_/{NOTEBOOK}",
        f"Max Mustermann_4712_assignsubmission_file/deep er/{NOTEBOOK}",
        f"Zoë O'Neill-Smith_4713_assignsubmission_file_{NOTEBOOK}",
        "Participant_4714_assignsubmission_file_submission.zip",
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
        "Group A_55": ("Group A", True),
        "Default group": ("Default group", True),
        "Li Wei_4715": ("Li Wei", False),
        "Li Wei_4716": ("Li Wei", False),
        "Empty Handed_4717": ("Empty Handed", False),
    }


def test_moodles_text_beside_a_file_does_not_count(tmp_path):
    put(tmp_path, "Jane Doe_4711_assignsubmission_file/nb.ipynb", "Bob_4712_assignsubmission_file_nb.ipynb", age=100)
    put(tmp_path, "Jane Doe_4711_assignsubmission_onlinetext/onlinetext.html")
    put(tmp_path, "Bob_4712_assignsubmission_onlinetext_onlinetext.html", "Bob_4712_assignsubmission_file_helpers.py")
    assert {student: shown for student, (shown, _) in counted(tmp_path).items()} == {
        "Bob_4712": "Bob_4712_assignsubmission_file_nb.ipynb",
        "Jane Doe_4711": "Jane Doe_4711_assignsubmission_file/nb.ipynb",
    }


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
        file.truncate(module.SIZE_LIMIT + 1)
    with (tmp_path / "fine.ipynb").open("ab") as file:
        file.truncate(module.SIZE_LIMIT)
    nothing = "There is no notebook, no Python file and no zip archive in the folder"
    assert problems(tmp_path) == {
        "empty": f"{nothing} empty.",
        "fine": "",
        "inner": f"{nothing} inner.",
        "large": "large.ipynb has 300.0 MB; expected at most 300 MB.",
        "noending": "noending is neither a notebook (.ipynb) nor a Python file (.py) nor a zip archive.",
        "nowhere": "nowhere.ipynb is a link, not a file.",
        "other": f"{nothing} other.",
        "pipe": "pipe.ipynb is no ordinary file.",
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
    monkeypatch.setattr(module, "FOLDERS_LIMIT", 5)
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
    put(tmp_path, ".hidden.ipynb", "grades.csv")
    with pytest.raises(ValueError, match=r"^There is no submission in "):
        submissions(tmp_path)


@pytest.mark.parametrize("name", ["gone", "export.zip"])
def test_what_is_no_folder_is_refused(tmp_path, name):
    put(tmp_path, "export.zip")
    with pytest.raises(ValueError, match=rf"{name} is no folder\. Expected the folder that holds the submissions \(unpack"):
        submissions(tmp_path / name)


@pytest.mark.parametrize(
    "names",
    [
        ["submission_metadata.yml", "submission_1/nb.ipynb"],
        ["A_1_assignsubmission_file/nb.ipynb", "B_2_assignsubmission_file/nb.ipynb"],
        ["doejane_4711_998801_nb.ipynb", "rossbob_4712_998802_nb.ipynb"],
    ],
)
def test_an_export_in_a_folder_of_its_own_does_not_pass_for_one_student(tmp_path, names):
    put(tmp_path, ".DS_Store", *(f"export of today/{name}" for name in names))
    with pytest.raises(ValueError, match=r"holds one folder with an export in it\. Name that folder: .*export of today$"):
        submissions(tmp_path)


def test_a_single_student_in_a_folder_is_taken(tmp_path):
    put(tmp_path, "jane/nb.ipynb", "jane/doejane_4711_998801_nb.ipynb")
    assert list(found(tmp_path)) == ["jane"]
