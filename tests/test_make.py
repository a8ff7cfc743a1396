"""`make`, in the kit and in a student edition: what it installs from where, in which folders it works, what it says if it cannot.

Each test runs the real Makefile with the real constraints.txt, and installs tiny wheels from a package index on this machine.
"""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from helpers.places import ROOT
from helpers.web import answer

MAKEFILES = {"kit": ROOT / "Makefile", "student": ROOT / "cs231n" / "instructor" / "release" / "student_Makefile"}
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
TORCH, TORCHVISION, JUPYTERLAB = (
    re.search(rf"^{name}==(\S+)", CONSTRAINTS, re.M)[1] for name in ("torch", "torchvision", "jupyterlab")
)
LAB = "import random, sys\nrandom.random()\nprint('lab of', sys.prefix, 'opens', sys.argv[1:])\n"
OURS = "import sys\nprint(__name__, __spec__.name, sys.argv[1:])\n"


def wheel(folder, name, version, needs=(), code=""):
    """Write a wheel that holds the package `name` with this code as its __main__."""
    information = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = "".join(
        ["Metadata-Version: 2.1\n", f"Name: {name}\nVersion: {version}\n", *(f"Requires-Dist: {n}\n" for n in needs)]
    )
    files = {
        f"{name.replace('-', '_')}/__init__.py": "",
        f"{name.replace('-', '_')}/__main__.py": code,
        f"{information}/METADATA": metadata,
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{information}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as archive:
        for path, content in (files | {f"{information}/RECORD": record}).items():
            archive.writestr(path, content)


@pytest.fixture
def indexes(serve, tmp_path):
    """The addresses of two package indexes: pip's own, and one with CPU wheels, a newer torch, and a package of the other."""
    own, cpu = tmp_path / "indexes" / "own", tmp_path / "indexes" / "cpu"
    wheel(own, "torch", TORCH, needs=["of-torch", "cuda-of-torch"])
    wheel(own, "torchvision", TORCHVISION, needs=[f"torch=={TORCH}"])
    wheel(own, "jupyterlab", JUPYTERLAB, code=LAB)
    wheel(own, "of-torch", "1.0")
    wheel(own, "cuda-of-torch", "1.0")
    for version in (TORCH, "99.0"):
        wheel(cpu, "torch", f"{version}+cpu", needs=["of-torch"])
    wheel(cpu, "torchvision", f"{TORCHVISION}+cpu", needs=[f"torch=={TORCH}"])
    wheel(cpu, "of-torch", "99.0")

    def handler(request):
        parts = request.path.strip("/").replace("%2B", "+").split("/")
        folder = tmp_path / "indexes" / parts[0]
        if parts[-1].endswith(".whl"):
            return answer(request, (folder / parts[-1]).read_bytes())
        wheels = folder.glob(f"{parts[-1].replace('-', '_')}-*.whl")
        links = "".join(f'<a href="/{parts[0]}/{path.name.replace("+", "%2B")}">{path.name}</a>' for path in wheels)
        return answer(request, links.encode(), status=200 if links else 404, content_type="text/html")

    address = serve(handler)
    return f"{address}/own", f"{address}/cpu"


@pytest.fixture(params=MAKEFILES)
def folder(request, tmp_path):
    """A folder, with a space and an umlaut in its name, in which a student has a random.py of their own."""
    made = tmp_path / "Übung 1"
    (made / "cs231n").mkdir(parents=True)
    (made / "Makefile").write_bytes(MAKEFILES[request.param].read_bytes())
    (made / "constraints.txt").write_text(CONSTRAINTS)
    (made / "requirements.txt").write_text("torch>=2.6\ntorchvision>=0.21\njupyterlab\n")
    (made / "random.py").write_text("raise RuntimeError('a dice game, not the module of Python')\n")
    for name in ("__init__", "download", "checks", "submit"):
        (made / "cs231n" / f"{name}.py").write_text(OURS if name != "__init__" else "")
    return made


def make(folder, index, *arguments, **options):
    """Run make with this as pip's own index, and with PIP_USER, which some machines set. options: of subprocess.run."""
    ours = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index, "PIP_USER": "1", "PIP_NO_CACHE_DIR": "1"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE", "PYTHON"))}
    command = ["make", f"PYTHON={sys.executable}", *arguments]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(command, cwd=folder, env=inherited | ours, text=True, timeout=600, **options)


def make_in_a_terminal(folder, index, *arguments):
    """Run make as `make` does, with a terminal for what it prints. Return (exit status, what it printed)."""
    ours, theirs = pty.openpty()
    printed = []

    def collect():
        with contextlib.suppress(OSError):  # when nobody has the other end any more
            while piece := os.read(ours, 65536):
                printed.append(piece)

    reading = threading.Thread(target=collect)
    reading.start()
    done = make(folder, index, *arguments, stdout=theirs, stderr=theirs)
    os.close(theirs)
    reading.join()
    os.close(ours)
    return done.returncode, b"".join(printed).decode()


def installed(folder):
    """Return {name: version} of what is installed in a folder's environment, without what every environment has."""
    code = "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    listed = subprocess.run([folder / ".venv/bin/python", "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    return {name: version for name, version in json.loads(listed).items() if name not in ("pip", "setuptools", "wheel")}


@pytest.mark.long
def test_pytorch_comes_from_the_index_named_and_all_else_from_pips_own(folder, indexes):
    own, cpu = indexes
    done = make(folder, own, "lab", f"TORCH_INDEX={cpu}")
    assert done.returncode == 0, done.stderr
    versions = {"torch": f"{TORCH}+cpu", "torchvision": f"{TORCHVISION}+cpu", "jupyterlab": JUPYTERLAB, "of-torch": "1.0"}
    assert installed(folder) == versions
    assert f"PyTorch from {cpu}" in done.stdout
    assert "Collecting" not in done.stdout  # a log is not a terminal
    # It stays so, without being asked again, also after a change of what is required.
    os.utime(folder / "requirements.txt")
    assert make(folder, own, "data").returncode == 0
    assert installed(folder) == versions
    # Another index would leave two builds of PyTorch mixed.
    for other in ("http://127.0.0.1:9/other", ""):
        refused = make(folder, own, "data", f"TORCH_INDEX={other}")
        assert refused.returncode != 0
        assert f"PyTorch is already installed in .venv, from {cpu}. To replace it, run make clean first" in refused.stdout
        assert installed(folder) == versions
    assert make(folder, own, "clean", "TORCH_INDEX=http://127.0.0.1:9/other").returncode == 0
    assert not (folder / ".venv").exists()


@pytest.mark.long
def test_pip_and_jupyterlab_run_next_to_a_random_py_and_again_after_the_folder_was_moved(folder, indexes):
    own, _ = indexes
    status, printed = make_in_a_terminal(folder, own, "lab")
    assert status == 0, printed
    assert f"Downloading {own}/torch-{TORCH}-py3-none-any.whl" in printed or f"Downloading torch-{TORCH}-" in printed
    expected = {"torch": TORCH, "torchvision": TORCHVISION, "jupyterlab": JUPYTERLAB, "of-torch": "1.0", "cuda-of-torch": "1.0"}
    assert installed(folder) == expected
    moved = folder.rename(folder.with_name("Übung 2, moved"))
    again = make(moved, own, "lab")
    assert again.returncode == 0, again.stderr
    assert f"lab of {moved / '.venv'} opens ['NetworkVisualization.ipynb']" in again.stdout
    assert "__main__ cs231n.download []" in again.stdout
    assert "Installing" not in again.stdout
    if "\ncheck:" in (moved / "Makefile").read_text():
        for target, module in (("check", "checks"), ("submit", "submit")):
            done = make(moved, own, target)
            assert done.stdout.splitlines()[-1] == f"__main__ cs231n.{module} ['NetworkVisualization.ipynb']", done.stderr


@pytest.mark.parametrize("version", [(3, 9), (3, 15)])
def test_an_unsupported_python_is_named_and_nothing_is_made(folder, version, tmp_path):
    python = tmp_path / "python3.x"
    python.write_text(
        f"""#!/bin/sh\nexec '{sys.executable}' -c 'import sys; sys.version_info = {version}; exec(sys.argv[-1])' "$@"\n"""
    )
    python.chmod(0o755)
    for name in (python, tmp_path / "not there"):
        done = make(folder, "http://127.0.0.1:9", "lab", f"PYTHON={name}" if name == python else "PYTHON=no-such-python")
        assert done.returncode != 0
        assert re.search(r"(3\.x|no-such-python) is not Python 3\.10 to 3\.14\. Name one that is: make PYTHON=", done.stdout)
        assert not (folder / ".venv").exists()


@pytest.mark.parametrize(
    "name", ["constraints.txt", "README.md", ".github/CONTRIBUTING.md", "cs231n/instructor/release/student_README.md"]
)
def test_the_documents_give_the_range_of_pythons_that_make_accepts(name):
    assert "Python 3.10 to 3.14" in (ROOT / name).read_text(encoding="utf-8")
    assert (3, 10) <= sys.version_info[:2] <= (3, 14)


@pytest.mark.parametrize("makefile", MAKEFILES.values(), ids=MAKEFILES)
def test_no_command_of_the_environment_is_called_but_python(makefile):
    """The others hold the address of the folder in their first line."""
    assert set(re.findall(r"(?:\$\(BIN\)|\.venv/bin)/(\w+)", makefile.read_text(encoding="utf-8"))) == {"python"}


def test_the_container_makes_what_both_makefiles_have():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    command, target, option = container["postCreateCommand"].split()
    assert command == "make"
    for makefile in MAKEFILES.values():
        text = makefile.read_text(encoding="utf-8")
        assert f"\n{target}:" in text
        assert option in text  # `make` alone names it
    python = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert Path(python).relative_to("${containerWorkspaceFolder}") == Path(".venv/bin/python")
