"""Line endings: what a shell or make reads has LF everywhere, also in a checkout on Windows."""

from fnmatch import fnmatch

from helpers.places import ROOT


def scripts():
    """Return the files of the kit that a shell or make reads: with #! in their first line, or named Makefile."""
    names = [*ROOT.glob("*"), *(ROOT / ".ci").glob("*"), *(ROOT / "cs231n").rglob("*"), *(ROOT / "tests").rglob("*")]
    files = [path for path in names if path.is_file() and "__pycache__" not in path.parts]
    return [path for path in files if path.name.endswith("Makefile") or path.read_bytes()[:2] == b"#!"]


def test_scripts_and_makefiles_have_unix_line_endings():
    found = scripts()
    names = {path.name for path in found}
    assert {"run", "get_datasets.sh", "Makefile", "student_Makefile", "setup.sh", "run_autograder"} <= names
    assert [path for path in found if b"\r" in path.read_bytes()] == []


def test_git_keeps_the_line_endings_of_scripts_on_every_system():
    """The last rule of .gitattributes that matches a script says eol=lf."""
    rules = [line.split() for line in (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()]
    rules = [rule for rule in rules if rule and not rule[0].startswith("#")]
    for path in scripts():
        name = path.relative_to(ROOT).as_posix()
        matching = [rest for pattern, *rest in rules if fnmatch(name, pattern.lstrip("/")) or fnmatch(path.name, pattern)]
        assert "eol=lf" in matching[-1], name
