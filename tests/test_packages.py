"""What a submission can import: the students' requirements with what they need, and nothing else that is installed."""

import importlib.metadata

import pytest
from helpers.places import ROOT

from cs231n.instructor.sandbox.packages import student_packages


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs a package: its name, its files, what it requires; the folder of packages is its `folder`."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def install(name, files, requires=()):
        told = folder / f"{name}-1.0.dist-info"
        told.mkdir()
        for file in files:
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {more}" for more in requires)]
        (told / "METADATA").write_text("\n".join(lines) + "\n")
        (told / "RECORD").write_text("".join(f"{file},,\n" for file in (*files, f"{name}-1.0.dist-info/METADATA")))

    install.folder = folder
    return install


def of(tmp_path, *wanted):
    (tmp_path / "requirements.txt").write_text("# what students need\n" + "\n".join(wanted) + "\n")
    return student_packages(tmp_path / "requirements.txt")


def test_of_this_kit_students_have_pytorch_and_what_it_needs_and_not_what_is_there_for_the_tests():
    found = student_packages(ROOT / "requirements.txt")
    assert {"torch", "torchvision", "numpy", "matplotlib", "PIL", "sympy", "typing_extensions.py"} <= found.keys()
    assert not {"captum", "nbgrader", "scipy", "hypothesis", "dask", "joblib", "cs231n"} & found.keys()
    assert all(path.exists() for path in found.values())


def test_what_a_requirement_needs_comes_with_it_also_round_a_circle(installed, tmp_path):
    installed("zooone", ["zooone/__init__.py"], ["zootwo>=1"])
    installed("zootwo", ["zootwo.py", "zootwo.libs/lib.so"], ["zooone"])
    installed("zoothree", ["zoothree.py"])
    found = of(tmp_path, "zooone>=0.5  # a comment")
    assert found == {name: installed.folder / name for name in found}
    assert found.keys() == {"zooone", "zootwo.py", "zootwo.libs", "zooone-1.0.dist-info", "zootwo-1.0.dist-info"}


def test_what_an_extra_needs_comes_only_where_the_extra_is_asked_for(installed, tmp_path):
    installed("zoomain", ["zoomain.py"], ["zooextra; extra == 'more'", "zooold; python_version < '3'"])
    installed("zooextra", ["zooextra.py"])
    installed("zooold", ["zooold.py"])
    assert "zooextra.py" not in of(tmp_path, "zoomain")
    found = of(tmp_path, "zoomain[more]")
    assert "zooextra.py" in found
    assert "zooold.py" not in found


def test_files_that_lead_elsewhere_are_left_out(installed, tmp_path):
    leading = ["zoolead.pth", "__editable__.zoolead.pth", "__editable___zoolead_finder.py", "../bin/zoolead"]
    installed("zoolead", ["zoolead.py", *leading])
    assert of(tmp_path, "zoolead").keys() == {"zoolead.py", "zoolead-1.0.dist-info"}


def test_a_requirement_that_is_not_installed_is_left_out(tmp_path):
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution("zoo-not-there")
    assert of(tmp_path, "zoo-not-there>=1") == {}
