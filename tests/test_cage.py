"""What a process in the cage can open of the disk, in both ways to close it. test_sandbox.py tries the whole from inside."""

import json
import subprocess
import sys

import pytest
from helpers.limits import HANGS
from helpers.places import ROOT

from cs231n.instructor.sandbox.inside import cage

# Closes the disk, then says as JSON what can be read, where can be written, and whether the names in a folder can be listed.
CODE = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from cs231n.instructor.sandbox.inside import cage

how, folder = sys.argv[2:]
shown, kit, scratch = folder + "/shown", folder + "/shown/kit", folder + "/scratch"
places = [[shown], folder + "/packages", [kit], scratch]
try:
    if how == "small_disk":
        cage.separate(["mount"])
        cage.small_disk(*places)
    else:
        cage.close_disk(*places)
except OSError as error:
    sys.exit(f"not here: {error}")

def can(how, path):
    try:
        open(folder + "/" + path, how).close()
        return True
    except OSError:
        return False

read = ["shown/library.py", "packages/package/module.py", "packages/single.py", "shown/kit/solution.py", "beside.py"]
read += ["shown/kit/venv/other/module.py", "../../../../../../etc/passwd"]
write = ["scratch/new", "shown/new", "packages/package/new", "shown/library.py", "new"]
print(json.dumps([[path for path in read if can("r", path)], [path for path in write if can("a", path)]]))
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a library, in which lies a kit, in which lies a package that is shown and one that is not."""
    files = ["shown/library.py", "shown/kit/solution.py", "shown/kit/venv/package/module.py", "shown/kit/venv/other/module.py"]
    for name in [*files, "shown/kit/venv/single.py", "beside.py", "packages/x", "scratch/x"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("content")
    for name in ("packages/x", "scratch/x"):
        (tmp_path / name).unlink()
    for name in ("package", "single.py"):
        (tmp_path / "packages" / name).symlink_to(tmp_path / "shown" / "kit" / "venv" / name)
    return tmp_path


@pytest.mark.parametrize("how", ["small_disk", "close_disk"])
def test_what_is_shown_can_be_read_and_neither_the_kit_within_it_nor_what_is_beside_it(folder, how):
    command = [sys.executable, "-c", CODE, str(ROOT), how, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS)
    if "not here" in done.stderr:
        pytest.skip(f"this machine does not allow it ({done.stderr.strip()})")
    readable, writable = json.loads(done.stdout)
    assert readable == ["shown/library.py", "packages/package/module.py", "packages/single.py"]
    assert writable == ["scratch/new"]
    assert not (folder / "shown" / "new").exists()


def test_what_is_in_the_folder_can_be_read_where_nothing_is_closed(folder):
    """Else the above would find nothing anywhere."""
    for name in ("shown/kit/solution.py", "beside.py", "packages/package/module.py"):
        assert (folder / name).read_text() == "content"


def test_a_process_that_is_not_the_first_of_its_namespace_ends_no_others(monkeypatch):
    ended = []
    monkeypatch.setattr(cage.os, "kill", lambda *given: ended.append(given))
    with pytest.raises(OSError, match="not the first one"):
        cage.cleared("/nowhere")
    assert ended == []
