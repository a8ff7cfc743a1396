"""What an instructor does from the command line: python -m cs231n.instructor COMMAND, see COMMANDS."""

import argparse
import importlib
import sys
from collections.abc import Sequence

COMMANDS = {
    "release": ("release.release", "make the student edition"),
    "grade": ("grading.command", "grade a folder of submissions"),
    "mark": ("marking.command", "mark the answers in the browser"),
    "similar": ("similarity.command", "show pairs of submissions that share what hardly anybody else has"),
    "export": ("platforms.export.command", "write the grades and the feedback that a learning platform takes back"),
    "gradescope": ("platforms.gradescope", "make an autograder for Gradescope"),
    "nbgrader": ("platforms.gradebook", "put grades into nbgrader's gradebook, and fetch marks from it"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code, 2 for what cannot be done as it was asked for."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m cs231n.instructor", description="What an instructor does with the kit.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (place, purpose) in COMMANDS.items():
        command = commands.add_parser(name, help=purpose)
        if name in arguments[:1]:  # only what is asked for is imported
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
