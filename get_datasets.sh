#!/bin/sh
# Brings the pretrained weights and the sample images into datasets/, from any working directory: see --help.
# Lines end in a comment, so that `sh get_datasets.sh` also works in a copy with Windows' line ends.
set -eu #
script=$(readlink -f -- "$0" 2>/dev/null || echo "$0") #
here=$(CDPATH='' cd -- "$(dirname -- "$script")" && pwd) #
python=${PYTHON:-$here/.venv/bin/python} #
[ -x "$python" ] || python=${PYTHON:-python3} #
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { #
    echo "get_datasets: $python is not Python 3.10 or newer. Name one: PYTHON=python3.12 $0" >&2 #
    exit 1 #
} #
# The kit comes first on the path: the working directory may hold another cs231n.
exec "$python" -c 'import sys; sys.path.insert(0, sys.argv.pop(1)); from cs231n.download import main; sys.exit(main())' "$here" "$@" #
