"""What lies beside the file that counts is read with it, if it is the same student's."""

import os
import zipfile

from cs231n.instructor.grading.handed_in import EARLIER, opened, with_files_beside
from cs231n.instructor.grading.owners import Submission
from cs231n.instructor.grading.submissions import submissions

NOTEBOOK = "NetworkVisualization.ipynb"


def put(folder, *names, age=0):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        os.utime(path, (1_700_000_000 - age,) * 2)


def beside(folder):
    """{student: the names of what lies beside}."""
    return {one.student: sorted(one.beside) for one in with_files_beside(submissions(folder), folder)}


def archive(submission):
    with opened(submission) as (file, name, first):
        if not first:
            return file.read().decode(), name
        with zipfile.ZipFile(file) as packed:
            return {entry: packed.read(entry).decode() for entry in packed.namelist()}, name, first


def test_in_a_students_own_folder_modules_and_other_notebooks_lie_beside(tmp_path):
    put(tmp_path, f"jane/{NOTEBOOK}", "jane/cs231n/net.py", "jane/report.pdf", "jane/.hidden.py", "jane/__pycache__/x.py")
    put(tmp_path, "jane/scratch.ipynb", "bob/nb.ipynb")
    assert beside(tmp_path) == {"jane": ["cs231n/net.py", "scratch.ipynb"], "bob": []}


def test_what_lies_in_a_folder_of_several_students_is_nobodys(tmp_path):
    put(tmp_path, "jane.ipynb", "bob.ipynb", "helpers.py")
    assert beside(tmp_path) == {"jane": [], "bob": [], "helpers": []}


def test_a_folder_below_in_which_two_students_files_lie_is_nobodys(tmp_path):
    put(tmp_path, "outer/jane.ipynb", "outer/bob.ipynb", "outer/helpers.py", "outer/bob/helpers.py")
    jane, bob, deep = (
        Submission(path.stem, path.stem, path, path.name)
        for path in (tmp_path / "outer" / name for name in ("jane.ipynb", "bob.ipynb", "bob/helpers.py"))
    )
    assert [one.beside for one in with_files_beside([jane, bob], tmp_path)] == [{}, {}]
    assert [one.beside for one in with_files_beside([jane, deep], tmp_path)] == [{}, {}]
    assert list(with_files_beside([jane], tmp_path)[0].beside) == ["bob.ipynb", "helpers.py", "bob/helpers.py"]


def test_of_an_export_without_folders_the_students_other_files_lie_beside(tmp_path):
    put(tmp_path, "doejane_4711_9001_nb.ipynb", "doejane_4711_9002_helpers.py", "rossbob_4712_9003_nb.ipynb")
    assert beside(tmp_path) == {"doejane_4711": [f"{EARLIER}/doejane_4711_9002_helpers.py"], "rossbob_4712": []}


def test_links_are_not_followed(tmp_path):
    put(tmp_path, f"jane/{NOTEBOOK}", "other/nb.ipynb")
    (tmp_path / "jane" / "away.py").symlink_to("/etc/passwd")
    (tmp_path / "jane" / "folder").symlink_to(tmp_path / "other")
    assert beside(tmp_path)["jane"] == []


def test_what_lies_beside_is_packed_with_the_file_that_counts_first(tmp_path):
    put(tmp_path, f"jane/{NOTEBOOK}", "jane/cs231n/net.py", "bob.ipynb")
    both = {one.student: one for one in with_files_beside(submissions(tmp_path), tmp_path)}
    packed, name, first = archive(both["jane"])
    assert packed == {NOTEBOOK: f"jane/{NOTEBOOK}", "cs231n/net.py": "jane/cs231n/net.py"}
    assert (name, first) == ("jane.zip", NOTEBOOK)
    assert archive(both["bob"]) == ("bob.ipynb", "bob.ipynb")


def test_another_module_is_another_submission(tmp_path):
    put(tmp_path, f"jane/{NOTEBOOK}", "jane/net.py")

    def digest():
        (one,) = with_files_beside(submissions(tmp_path), tmp_path)
        return one.sha256()

    before = digest()
    assert digest() == before
    (tmp_path / "jane" / "net.py").write_text("changed")
    assert digest() != before
