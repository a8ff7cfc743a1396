"""The exam of a run, kept in GRADES for `--resume`: drawing another one takes longer than grading a late submission.

Only what the small networks ask is kept: of all exercises at the end of a run; before, and where a run was cut short, with the
seed of the optional ones that nobody had attempted, which follow from it. What is asked on SqueezeNet is drawn in every run, and
nothing earns points without it. The file is for its owner alone, and it is neither written nor used where a submission might see
the disk.
"""

import contextlib
import json
import platform
import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch

from ...checks.exam import Exam
from ...whole_file import replacing
from ..exercises.exam import DrawnCases, exam_of
from ..exercises.stored import as_json, from_json
from ..sandbox.inside.cage import ISOLATION
from .kit_hash import kit_hash

NAME = "exam.npz"
ABOUT = "about"  # in the file: the JSON of its cases, and of what drew them; all else is what is known of them


def keep(out: Path, exam: Exam, protections: Collection[str]) -> bool:
    """Write an exam into a folder, if what is in force keeps submissions from reading it there; return whether it does.

    Raises NotWritten.
    """
    if not set(protections) >= ISOLATION:
        return False
    assert isinstance(exam.cases, DrawnCases), "the exam of a run is a drawn one"
    about = json.dumps({"origin": _origin(), "seed": exam.cases.seed, "cases": as_json(exam)})
    with replacing(out / NAME) as whole:
        whole.touch(mode=0o600)
        with whole.open("wb") as file:
            np.savez(file, **{ABOUT: np.array(about)}, **exam.known.arrays)  # type: ignore[arg-type]
    return True


def kept_exam(out: Path, without_isolation: bool) -> Exam | None:
    """Return the exam in a folder; None if there is none, or none that this kit has drawn with this machine's packages.

    without_isolation: whether submissions may run where they can read it; then it is removed.
    """
    path = out / NAME
    if without_isolation:
        path.unlink(missing_ok=True)
        return None
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile):
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop(ABOUT)))
        if about["origin"] == _origin():
            return exam_of(int(about["seed"]), from_json(about["cases"]), arrays)
    return None


def _origin() -> list[str]:
    """Return what decides how an exam is drawn and judged: code, packages, processor."""
    versions = [platform.python_version(), torch.__version__, np.__version__]
    return [kit_hash(), *versions, platform.machine(), torch.backends.cpu.get_cpu_capability()]
