#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the autograder's image; the archive lies unpacked in /autograder/source.
set -euo pipefail
root=${AUTOGRADER:-/autograder}
kit=$root/source
python=$root/venv/bin/python

if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    apt-get update
    apt-get install -y python3-venv
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "setup.sh: Python 3.10 or newer is needed. Choose the base image Ubuntu 22.04 or newer on the page Configure Autograder." >&2
    exit 1
}
python3 -m venv "$root/venv"
pip() { "$python" -m pip install --quiet --disable-pip-version-check -c "$kit/constraints.txt" "$@"; }
# There is no GPU there: PyTorch's build for the CPU is a tenth of the size. Without it the next line installs the other one.
# --no-deps: what PyTorch needs comes from pip's own index, with the next line; the versions that constraints.txt names may be
# missing in PyTorch's.
pip --no-deps --index-url https://download.pytorch.org/whl/cpu torch torchvision ||
    echo "setup.sh: PyTorch's CPU build is not available; installing the larger default build." >&2
pip -r "$kit/requirements.txt" -r "$kit/cs231n/instructor/requirements.txt"
PYTHON=$python "$kit/get_datasets.sh" --no-imagenet-val --no-judge

# The solutions are not for the user that students' code runs as.
chmod -R go= "$kit/cs231n" "$kit/NetworkVisualization.ipynb"
cd "$kit"
"$python" -m cs231n.instructor.platforms.gradescope --help >/dev/null
echo "setup.sh: the autograder is ready."
