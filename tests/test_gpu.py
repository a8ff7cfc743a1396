"""The command that proves and measures the kit on a GPU: here it is rehearsed, on the CPU and at small sizes."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import torch
from gpu import prove
from helpers.places import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

wheels = prove.wheels


def run(*arguments, **options):
    command = [sys.executable, ROOT / "tests" / "gpu" / "prove.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, **options)


@pytest.mark.long
def test_the_rehearsal_passes_every_stage_and_writes_its_tables_and_its_numbers(tmp_path):
    done = run("--rehearsal", "--out", tmp_path, "--wheels", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    tables = dict(prove.MARKED.findall((tmp_path / "tables.md").read_text(encoding="utf-8")))
    assert list(tables) == list(prove.STAGES)
    for table in tables.values():
        assert prove.NOT_MEASURED not in table
        assert "it proves and measures nothing" in table
    rows = {row["row"]: row for row in json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))}
    for name in prove.STAGES:
        assert rows[f"gpu {name}: the stage itself"]["seconds"] > 0
    assert rows["gpu proof: labelled answers, verdicts"]["fine"] is True
    assert rows["gpu proof: loop of class visualization, 12 steps"]["fine"] is None  # no GPU: not proven, and said so
    assert rows["gpu notebook: whole"]["cells"].keys() >= {"setup", "imports", "network", "data", "feature-maps"}
    assert "not proven" in tables["proof"]


def test_the_tables_have_their_places_in_the_readme_of_the_benchmarks():
    found = prove.MARKED.findall((ROOT / "tests" / "benchmarks" / "README.md").read_text(encoding="utf-8"))
    assert [name for name, _ in found] == list(prove.STAGES)


def test_the_tables_of_a_run_go_to_their_places_in_that_readme(monkeypatch, tmp_path):
    readme, tables = tmp_path / "README.md", tmp_path / "tables.md"
    readme.write_text(prove.README.read_text(encoding="utf-8"), encoding="utf-8")
    tables.write_text("<!-- gpu proof: begin -->\n\n| it holds |\n\n<!-- gpu proof: end -->\n", encoding="utf-8")
    monkeypatch.setattr(prove, "README", readme)
    assert prove.main(["--put", str(tables)]) == 0
    found = dict(prove.MARKED.findall(readme.read_text(encoding="utf-8")))
    assert found["proof"] == "| it holds |"
    assert list(found) == list(prove.STAGES)
    assert prove.main(["--put", str(tmp_path / "none.md")]) == 2
    assert prove.main(["--put", str(ROOT / "LICENSE")]) == 2


def stages(monkeypatch, **modules):
    """Have prove.py run these stages, {name with _ for a space: function of a plan}, instead of its own."""
    monkeypatch.setattr(prove, "STAGES", {name: (f"stage_{name}", name) for name in modules})
    for name, function in modules.items():
        module = type(sys)(f"stage_{name}")
        module.stage = function
        monkeypatch.setitem(sys.modules, module.__name__, module)


def outcome(sentence, failed=()):
    from plan import Outcome

    return lambda plan: Outcome([sentence], [{"row": f"gpu {sentence}", "found": 1}], list(failed))


def test_a_stage_that_breaks_is_named_and_the_others_keep_and_write_theirs(monkeypatch, tmp_path, capsys):
    def broken(plan):
        raise torch.OutOfMemoryError("CUDA out of memory\nwith details")

    stages(monkeypatch, first=outcome("first: fine"), second=broken, third=outcome("third: fine", ["too slow"]))
    assert prove.main(["--rehearsal", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "second: stopped by OutOfMemoryError: CUDA out of memory\n" in said
    assert "third: too slow" in said
    tables = (tmp_path / "tables.md").read_text(encoding="utf-8")
    assert re.search("first: fine.*second: stopped by OutOfMemoryError.*third: fine", tables, re.DOTALL)
    rows = [row["row"] for row in json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))]
    assert rows == ["gpu first: fine", "gpu first: the stage itself", "gpu third: fine", "gpu third: the stage itself"]


def test_what_was_found_stays_when_a_run_is_cut_off(monkeypatch, tmp_path):
    def cut_off(plan):
        raise KeyboardInterrupt

    stages(monkeypatch, first=outcome("first: fine"), second=cut_off)
    assert prove.main(["--rehearsal", "--out", str(tmp_path)]) == 130
    assert "first: fine" in (tmp_path / "tables.md").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))[0]["row"] == "gpu first: fine"


@pytest.mark.long
def test_a_stage_that_hangs_is_ended_when_the_time_is_up_and_the_next_does_not_begin(monkeypatch, tmp_path, capsys):
    stages(monkeypatch, first=lambda plan: time.sleep(600), second=outcome("second: fine"))
    assert prove.main(["--rehearsal", "--out", str(tmp_path), "--minutes", "0.1"]) == 1
    said = capsys.readouterr().err
    assert "first: stopped by TimeIsUp" in said
    assert "second: not run" in said


def test_no_stage_begins_when_the_time_is_up_and_each_says_so(monkeypatch, tmp_path, capsys):
    stages(monkeypatch, first=outcome("first: fine"))
    assert prove.main(["--rehearsal", "--out", str(tmp_path), "--minutes", "0"]) == 1
    assert "first: not run" in capsys.readouterr().err


def test_a_stage_can_be_left_out_and_its_earlier_result_stays(monkeypatch, tmp_path):
    stages(monkeypatch, first=outcome("first: fine"), second=outcome("second: fine"))
    assert prove.main(["--rehearsal", "--out", str(tmp_path)]) == 0
    stages(monkeypatch, first=outcome("first: otherwise"), second=outcome("second: otherwise"))
    assert prove.main(["--rehearsal", "--out", str(tmp_path), "--without", "second"]) == 0
    tables = (tmp_path / "tables.md").read_text(encoding="utf-8")
    assert "first: otherwise" in tables
    assert "second: fine" in tables


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU: the command would run")
def test_without_a_gpu_one_sentence_says_what_to_run_instead(tmp_path):
    done = run("--out", tmp_path / "out")
    assert done.returncode == 2
    assert "finds no CUDA GPU here. `make gpu-rehearsal`" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_gpu_with_too_little_free_memory_is_refused_in_one_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (3 * 2**30, 80 * 2**30))
    assert prove.main(["--out", str(tmp_path)]) == 2
    assert "3.0 GiB of the GPU's memory are free; expected at least 16" in capsys.readouterr().err


def test_missing_data_are_named_with_what_to_do(tmp_path):
    for name in ("cs231n", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "answers"))
    (tmp_path / "datasets").mkdir()
    shutil.copy(ROOT / "datasets" / "sources.json", tmp_path / "datasets")
    command = [sys.executable, tmp_path / "tests" / "gpu" / "prove.py", "--rehearsal"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert re.search(r"squeezenet1_1\.pth is missing .* Run get_datasets\.sh .* copy datasets/ along", done.stderr)


# The wheels that travel with the kit


def lacking(monkeypatch, name="a_package_of_ours"):
    monkeypatch.setattr(wheels, "NEEDED", (name,))
    return name


def test_missing_packages_without_wheels_are_named_with_the_command_that_fetches_them(monkeypatch, tmp_path, capsys):
    lacking(monkeypatch)
    assert prove.main(["--rehearsal", "--out", str(tmp_path / "out"), "--wheels", str(tmp_path / "none")]) == 2
    said = capsys.readouterr().err
    assert "a_package_of_ours cannot be imported" in said
    assert "make gpu-wheels" in said


def test_wheels_for_another_python_are_refused_with_the_command_that_fetches_those_for_this_one(monkeypatch, tmp_path, capsys):
    lacking(monkeypatch)
    (tmp_path / "a_package_of_ours-1.0-cp27-cp27m-manylinux1_x86_64.whl").write_bytes(b"")
    assert prove.main(["--rehearsal", "--out", str(tmp_path / "out"), "--wheels", str(tmp_path)]) == 2
    assert f"make gpu-wheels GPU_PYTHON={sys.version_info.major}.{sys.version_info.minor}" in capsys.readouterr().err


def test_wheels_are_installed_into_a_folder_beside_them_and_nowhere_else(monkeypatch, tmp_path):
    name = lacking(monkeypatch)
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels" / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "found = True\n")
        wheel.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{name}-1.0.dist-info/RECORD", "")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "")
    stages(monkeypatch, first=outcome("first: fine"))
    assert prove.main(["--rehearsal", "--out", str(tmp_path / "out"), "--wheels", str(tmp_path / "wheels")]) == 0
    __import__(name)
    assert Path(sys.modules.pop(name).__file__).parent == tmp_path / "wheels-installed"


def test_the_list_of_wheels_holds_whatever_the_needed_packages_need_and_versions_of_all_are_fixed():
    listed = {canonicalize_name(Requirement(line).name) for line in wheels.LIST.read_text().splitlines() if line[0] != "#"}
    fixed = {canonicalize_name(line.partition("==")[0]) for line in wheels.VERSIONS.read_text().splitlines() if "==" in line}
    assert listed <= fixed
    assert listed >= with_dependencies(wheels.NEEDED, besides=wheels.BARE.values())


def with_dependencies(names, besides):
    found, waiting = set(), [canonicalize_name(name) for name in names]
    besides = {canonicalize_name(name) for name in besides}
    while waiting:
        name = waiting.pop()
        if name not in found | besides:
            found.add(name)
            needs = [Requirement(text) for text in importlib.metadata.requires(name) or []]
            waiting += [canonicalize_name(need.name) for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
    return found


def test_a_wheel_that_cannot_be_had_is_said_and_the_folder_stays_as_it_was(monkeypatch, tmp_path, capsys):
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "old.whl").write_bytes(b"old")
    monkeypatch.setattr(wheels, "LIST", tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text("no-such-package-as-this-one\n")
    assert wheels.main([str(folder)]) == 2
    assert "pip could not download the wheels" in capsys.readouterr().err
    assert (folder / "old.whl").read_bytes() == b"old"


def test_the_wheels_together_stay_small_enough_to_travel(tmp_path, capsys):
    assert wheels.main([str(tmp_path / "wheels")]) == 0
    sizes = [wheel.stat().st_size for wheel in (tmp_path / "wheels").iterdir()]
    assert len(sizes) == len([line for line in wheels.LIST.read_text().splitlines() if line[0] != "#"])
    assert sum(sizes) < wheels.MOST_MB * 1e6
