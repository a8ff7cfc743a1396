"""Every package that the code imports is declared where it is needed, pinned, and in the students' list only if they need it."""

import ast
import re
import sys
from importlib.metadata import packages_distributions

import pytest
from helpers.places import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cs231n.instructor.release.edition import edition, student_requirements

STUDENT, INSTRUCTOR = ROOT / "requirements.txt", ROOT / "cs231n" / "instructor" / "requirements.txt"
TESTS, BENCHMARKS = ROOT / "tests" / "requirements.txt", ROOT / "tests" / "benchmarks" / "requirements.txt"
BROWSER = ROOT / "tests" / "browser" / "requirements.txt"
STAFF = {"instructor", "atlas"}  # folders of the package that no student edition has
TOOLS = {"jupyter", "nbval", "dask"}  # needed, but never imported by name: commands, a plugin, a backend of joblib
NOT_INSTALLED = {"lucent": "torch-lucent"}  # {module: its package} where the names differ and the tests do without the package
OPTIONAL = re.compile(r"^# ([\w-]+[<>=]=\S+) ", re.M)  # a line for a package that only one option needs

PACKAGE = [path for path in sorted((ROOT / "cs231n").rglob("*.py")) if not STAFF & set(path.relative_to(ROOT).parts)]
STAFFS = [path for path in sorted((ROOT / "cs231n").rglob("*.py")) if STAFF & set(path.relative_to(ROOT).parts)]
MEASURING = sorted((ROOT / "tests" / "benchmarks").rglob("*.py"))
BROWSING = sorted((ROOT / "tests" / "browser").rglob("*.py"))
TESTING = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path not in MEASURING + BROWSING]
OWN = {"cs231n", *(name for path in TESTING + MEASURING + BROWSING for name in (path.stem, path.parent.name))}


def declared(*files):
    """Return the names of the packages that requirements files declare, those that they include with -r as well."""
    names = set()
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            wanted = line.partition("#")[0].strip()
            if wanted.startswith("-r "):
                names |= declared(file.parent / wanted.removeprefix("-r ").strip())
            elif wanted:
                names.add(canonicalize_name(Requirement(wanted).name))
    return names


def optional(file):
    return {canonicalize_name(Requirement(line).name) for line in OPTIONAL.findall(file.read_text(encoding="utf-8"))}


FOR_MYPY = {"_typeshed"}  # imported only where types are checked; mypy brings it


def modules(source):
    """Return the top-level names of the modules that a Python text imports, without those of Python and of the kit."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - OWN - FOR_MYPY


def packages(files):
    """Return [(file, names of the packages of which one holds the module)] for each module that the files import."""
    installed = packages_distributions()
    found = []
    for file in files:
        for module in sorted(modules(file.read_text(encoding="utf-8"))):
            holders = installed.get(module, [NOT_INSTALLED.get(module, module)])
            found.append((file, {canonicalize_name(name) for name in holders}))
    return found


def undeclared(files, names):
    """Return "file: package" for each package that the files import and `names` lacks."""
    return [f"{file}: {', '.join(sorted(holders))}" for file, holders in packages(files) if not holders & names]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (PACKAGE, declared(STUDENT)),
        (STAFFS, declared(STUDENT, INSTRUCTOR) | optional(INSTRUCTOR)),
        (TESTING, declared(STUDENT, TESTS)),
        (MEASURING, declared(STUDENT, BENCHMARKS)),
        (BROWSING, declared(STUDENT, BROWSER)),
        ([ROOT / ".github" / "make_overview.py"], declared(STUDENT)),
    ],
    ids=["student", "instructor", "tests", "benchmarks", "browser", "overview"],
)
def test_what_is_imported_is_declared(files, names):
    assert undeclared(files, names) == []


def test_an_import_that_is_not_declared_is_found(tmp_path):
    (tmp_path / "code.py").write_text("import os\nimport numpy.linalg\n\ndef late():\n    from yaml import safe_load\n")
    (tmp_path / "base.txt").write_text("numpy>=1\n")
    (tmp_path / "more.txt").write_text("# more\n-r base.txt\n")
    files, names = [tmp_path / "code.py"], declared(tmp_path / "more.txt")
    assert undeclared(files, names) == [f"{tmp_path / 'code.py'}: pyyaml"]
    (tmp_path / "more.txt").write_text("-r base.txt\nPyYAML>=6  # for a note\n")
    assert undeclared(files, declared(tmp_path / "more.txt")) == []


@pytest.mark.parametrize(
    ("names", "files"),
    [(declared(STUDENT), PACKAGE), (declared(INSTRUCTOR) | optional(INSTRUCTOR), STAFFS)],
    ids=["student", "instructor"],
)
def test_what_is_declared_is_imported_or_a_tool(names, files):
    imported = {name for _, holders in packages(files) for name in holders}
    assert names - imported - TOOLS == set()


def test_the_optional_packages_are_those_that_the_tests_need_as_well():
    """So no option of the instructor's commands goes untested for lack of its package."""
    assert {"nbgrader", "distributed"} <= optional(INSTRUCTOR) <= declared(TESTS)


def test_what_is_declared_is_pinned():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")}
    assert declared(STUDENT, INSTRUCTOR, TESTS, BENCHMARKS, BROWSER) - pinned == set()


# What students install


def test_students_install_all_that_the_kit_needs_except_what_only_its_tests_use():
    released = edition()[1]["requirements.txt"].decode()
    kits = STUDENT.read_text(encoding="utf-8")
    assert "nbval" in declared(STUDENT)
    assert "nbval" not in released
    assert set(kits.splitlines()) - set(released.splitlines()) == {"nbval>=0.11"}
    assert set(released.splitlines()) <= set(kits.splitlines())


@pytest.mark.parametrize("line", ["nbval\n", "nbval>=0.11\n", "NBVal==0.11 ; python_version > '3'  # a comment\n", "nbval[x]"])
def test_a_line_that_asks_for_a_package_of_the_tests_is_left_out(line):
    assert student_requirements(f"torch>=2.6\n{line}") == "torch>=2.6\n"


@pytest.mark.parametrize("line", ["# nbval\n", "\n", "nbval-lookalike>=1\n", "jupyter>=1.0  # nbval\n", "-r nbval.txt\n", "h5py"])
def test_any_other_line_stays(line):
    assert student_requirements(f"torch>=2.6\n{line}") == f"torch>=2.6\n{line}"
