"""The workflow for continuous integration: it runs what the kit has, on the systems that students use."""

import importlib.util
import re

import pytest
import yaml
from helpers.places import ROOT

from cs231n.instructor.release.edition import NAME, edition

JOBS = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]


def commands(job):
    """Return the shell commands of a job, a text."""
    return "\n".join(step["run"] for step in JOBS[job]["steps"] if "run" in step)


def test_linux_runs_what_continuous_integration_runs_anywhere():
    assert JOBS["tests"]["runs-on"].startswith("ubuntu-")
    assert ".ci/run" in commands("tests").splitlines()
    run = ROOT / ".ci" / "run"
    assert run.stat().st_mode & 0o100
    lines = [line.strip() for line in run.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if line.startswith("make ")] == ["make test", "make test-long", "make lint", "make browser"]
    assert any(line.startswith('echo "NOT RUN: make browser.') for line in lines)


def commands_on(system):
    """Return the shell commands of the student's job on "macos" or "windows", a text."""
    (there,) = [one for one in JOBS["student"]["strategy"]["matrix"]["include"] if one["os"].startswith(f"{system}-")]
    return re.sub(r"\$\{\{ matrix\.([\w-]+) \}\}", lambda found: there[found[1]], commands("student"))


def test_the_students_part_runs_on_macos_and_windows_without_make_and_shell_scripts():
    systems = [one["os"] for one in JOBS["student"]["strategy"]["matrix"]["include"]]
    assert {system.partition("-")[0] for system in systems} == {"macos", "windows"}
    assert not re.search(r"\bmake\b|\.sh\b", commands("student"))


@pytest.mark.parametrize(("system", "language"), [("windows", "powershell"), ("macos", "sh")])
def test_the_students_part_runs_the_lines_of_the_students_readme(system, language):
    """All of them, except that it asks JupyterLab, which would wait for somebody, only whether it is there."""
    readme = edition()[1]["README.md"].decode()
    (block,) = [block for block in re.findall(rf"^```{language}\n(.*?)^```", readme, re.M | re.S) if "-m venv" in block]
    *lines, lab = [line for line in block.splitlines() if "--index-url" not in line]
    assert len(lines) == 2
    start = lab.removesuffix(f"{NAME}.ipynb")
    assert start.endswith("-m jupyterlab ")
    ran = commands_on(system).splitlines()
    first = ran.index(lines[0])
    assert ran[first : first + 3] == [*lines, f"{start}--version"]


@pytest.mark.filterwarnings("ignore:Setuptools is replacing distutils:UserWarning")  # once torch has compiled
@pytest.mark.parametrize("job", JOBS)
def test_every_module_that_a_job_calls_is_there(job):
    for module in re.findall(r"-m ([\w.]+)", commands(job)):
        assert importlib.util.find_spec(module), module


def test_the_students_part_calls_what_the_edition_holds():
    files = edition()[1]
    for module in re.findall(r"-m (cs231n[\w.]*)", commands("student")):
        path = module.replace(".", "/")
        assert {f"{path}.py", f"{path}/__main__.py"} & files.keys()
    for name in ("requirements.txt", "constraints.txt", f"{NAME}.ipynb"):
        assert name in commands("student")
        assert name in files


def test_what_one_job_leaves_the_other_takes():
    (left,) = [step["with"] for step in JOBS["edition"]["steps"] if "upload-artifact" in step.get("uses", "")]
    (taken,) = [step["with"] for step in JOBS["student"]["steps"] if "download-artifact" in step.get("uses", "")]
    assert left["name"] == taken["name"]
    assert JOBS["student"]["needs"] == "edition"
    assert left["path"] == f"build/release/{NAME}.zip"
    assert f"zipfile -e {NAME}.zip student" in commands("student")
    assert JOBS["student"]["defaults"]["run"]["working-directory"] == f"student/{NAME}"
