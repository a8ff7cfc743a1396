"""Check the exercises in a file: python -m cs231n.checks NetworkVisualization.ipynb"""

import argparse
import contextlib
import io
import json
import os
import sys

from ..assignment import assignment
from ..console import say
from . import EXERCISES, OPTIONAL, examine
from .report import Report, Verdict
from .student_file import functions


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if all exercises are correct, else 1. Exits with 2 if there is no such file to read.

    An optional exercise may be unfinished, or not be there, unless it is named by --only.
    """
    parser = argparse.ArgumentParser(
        prog="python -m cs231n.checks",
        description="Say for each exercise in a file whether it is correct and, if not, what the mistake is. "
        "The exit code is 0 if all are correct (those of the optional section may be missing, unless --only names them), 1 if "
        "not, also for a damaged notebook, and 2 if there is no such file, if it is neither a notebook nor a Python file, or if "
        "--only names no exercise.",
    )
    parser.add_argument("file", help="a notebook (.ipynb) or Python file (.py) that defines the functions")
    functions_by_key = {exercise.key: exercise.function for exercise in assignment().exercises}
    parser.add_argument(
        "--only",
        action="append",
        choices=[*functions_by_key, *functions_by_key.values()],
        metavar="EXERCISE",
        help=f"check this exercise alone; may be repeated. One of: {', '.join(functions_by_key)}",
    )
    parser.add_argument("--json", action="store_true", help="print verdicts and ids of mistakes and notes as JSON")
    parser.add_argument("--device", default="cpu", help='where the small networks run, such as "cuda" (default: cpu)')
    options = parser.parse_args(arguments)
    chosen = [functions_by_key.get(name, name) for name in options.only or ()]
    may_be_missing = () if chosen else OPTIONAL
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found = functions(options.file, chosen or EXERCISES)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    reports = {
        name: function if isinstance(function, Report) else examine(name, function, options.device)
        for name, function in found.items()
    }
    if options.json:
        say(json.dumps({name: report.as_json() for name, report in reports.items()}, indent=2))
    else:
        left_out = {name for name in may_be_missing if reports[name].verdict is Verdict.MISSING}
        say("\n\n".join(report.text() for name, report in reports.items() if name not in left_out))
    allowed = {
        name: (Verdict.RIGHT, Verdict.UNFINISHED, Verdict.MISSING) if name in may_be_missing else (Verdict.RIGHT,)
        for name in reports
    }
    return int(any(report.verdict not in allowed[name] for name, report in reports.items()))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # Python's own way out would abort in the midst of a student's function that could not be ended
