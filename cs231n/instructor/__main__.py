"""What an instructor does from the command line: python -m cs231n.instructor COMMAND, see COMMANDS."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = {
    "release": ("release.release", "make the student edition"),
    "grade": ("grading.command", "grade a folder of submissions"),
    "mark": ("marking.command", "mark the answers in the browser"),
    "similar": ("similarity.command", "show unusually similar submissions"),
    "export": ("platforms.export.command", "write grades and feedback for upload to a learning platform"),
    "gradescope": ("platforms.gradescope", "make an autograder for Gradescope"),
    "nbgrader": ("platforms.gradebook", "put grades into nbgrader's gradebook, and fetch marks from it"),
}

# Those that compute in several processes. Threads of NumPy's own would only wait there, and take a processor for it.
IN_PROCESSES = {"grade", "gradescope"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code, 2 for what cannot be done as it was asked for."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m cs231n.instructor", description="Commands for instructors.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (place, purpose) in COMMANDS.items():
        command = commands.add_parser(name, help=purpose)
        if name in arguments[:1]:  # only what is asked for is imported
            if name in IN_PROCESSES:
                os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy reads it when it is imported
            module = importlib.import_module(f".{place}", __package__)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, OSError) as error:
        print(f"{parser.prog} {options.command}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
