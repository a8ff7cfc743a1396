"""Fill a folder with the wheels that a bare GPU machine lacks, where there is a network: `make gpu-wheels`.

    python3 tests/gpu/wheels.py build/gpu-wheels [--python 3.12]

The folder then travels with the kit; `prove.py` installs from it, and needs no network. Versions are those of
constraints.txt.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST, VERSIONS = Path(__file__).with_name("requirements.txt"), ROOT / "constraints.txt"
# What a machine for PyTorch is expected to have: {name to import: name to install}.
BARE = {
    **{name: name for name in ("torch", "torchvision", "numpy", "matplotlib", "imageio", "h5py", "tqdm", "pytest")},
    "PIL": "pillow",
}
NEEDED = "ipykernel", "nbclient", "nbformat", "captum", "jinja2", "psutil"  # to import; requirements.txt lists theirs, too
PLATFORMS = "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_12_x86_64"
MOST_MB = 25


def main(arguments=None):
    """Fill the folder. Returns 0, or 2 if a wheel could not be had or they are too large together, which is said."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the wheels go; what is there is replaced once all are here")
    parser.add_argument("--python", default="3.12", metavar="X.Y", help="the Python of the GPU machine (default: 3.12)")
    options = parser.parse_args(arguments)
    options.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder.parent) as temporary:
        fetched = Path(temporary) / "wheels"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--python-version", options.python, "--implementation", "cp"]
        command += [argument for platform in PLATFORMS for argument in ("--platform", platform)]
        done = subprocess.run([*command, "-r", LIST, "-c", VERSIONS, "-d", fetched], capture_output=True, text=True)
        if done.returncode:
            print(f"wheels.py: pip could not download the wheels. {last_line(done.stderr)}", file=sys.stderr)
            return 2
        megabytes = sum(wheel.stat().st_size for wheel in fetched.iterdir()) / 1e6
        if megabytes > MOST_MB:
            print(f"wheels.py: the wheels have {megabytes:.0f} MB; expected at most {MOST_MB}.", file=sys.stderr)
            return 2
        shutil.rmtree(options.folder, ignore_errors=True)
        fetched.rename(options.folder)
    print(f"{len(list(options.folder.iterdir()))} wheels, {megabytes:.1f} MB, for Python {options.python}: {options.folder}")
    return 0


def missing(names):
    """Return those of `names`, of modules, that cannot be imported."""
    return [name for name in names if importlib.util.find_spec(name) is None]


def installed(folder, target):
    """Install all wheels of `folder` into the folder `target`. Raises ValueError with a sentence if that fails."""
    wheels = sorted(Path(folder).glob("*.whl")) if Path(folder).is_dir() else []
    lacking = f"{', '.join(missing(NEEDED))} cannot be imported"
    if not wheels:
        raise ValueError(
            f"{lacking}, and {folder} holds no wheels. Run `make gpu-wheels` where there is a network; copy the folder."
        )
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    done = subprocess.run([*command, "--upgrade", "--target", target, *wheels], capture_output=True, text=True)
    if done.returncode:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ValueError(
            f"{lacking}, and pip could not install the wheels in {folder}: {last_line(done.stderr)} This is Python {version}: "
            f"`make gpu-wheels GPU_PYTHON={version}` fetches those for it."
        )


def last_line(text):
    """Return the last line of what pip said that says what went wrong."""
    said = (
        [line for line in text.strip().splitlines() if line.startswith("ERROR")]
        or text.strip().splitlines()
        or ["It said nothing."]
    )
    return said[-1]


if __name__ == "__main__":
    sys.exit(main())
