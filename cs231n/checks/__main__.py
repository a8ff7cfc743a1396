"""Check the exercises in a file: python -m cs231n.checks NetworkVisualization.ipynb"""

import argparse
import contextlib
import io
import json
import os
import sys

from . import EXERCISES, examine
from .report import Report
from .student_file import functions


def main(arguments=None):
    """Run the command; return 0 if all three exercises are right, else 1 (2 where there is nothing to read)."""
    parser = argparse.ArgumentParser(
        prog="python -m cs231n.checks",
        description="Say for each of the three exercises in a file whether it is right, and if not, which mistake it is. "
        "The exit code is 0 only if all three are right.",
    )
    parser.add_argument("file", help="a notebook (.ipynb) or Python file (.py) that defines the three functions")
    parser.add_argument("--json", action="store_true", help="print verdicts and ids of mistakes and notes as JSON")
    parser.add_argument("--device", default="cpu", help='where the small networks run, such as "cuda" (default: cpu)')
    options = parser.parse_args(arguments)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found = functions(options.file, EXERCISES)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    reports = {
        name: function if isinstance(function, Report) else examine(name, function, options.device)
        for name, function in found.items()
    }
    if options.json:
        print(json.dumps({name: report.as_json() for name, report in reports.items()}, indent=2))
    else:
        print("\n\n".join(report.text() for report in reports.values()))
    return int(any(report.verdict != "right" for report in reports.values()))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # Python's own way out would abort in the midst of a student's function that could not be ended
