"""The command `similar`: its options, and what it prints."""

import argparse
import sys
from pathlib import Path

from ...whole_file import write_whole
from . import submissions
from .export import write_export
from .given import given
from .page import page
from .pairs import unusual
from .signs import Class


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `similar` takes to an argparse parser."""
    parser.description = (
        "Write a page of the pairs of submissions that share what hardly anybody else has, side by side. It is for the "
        "instructor alone, and proves nothing: its first lines say what it can and cannot show."
    )
    parser.add_argument("grades", type=Path, metavar="GRADES", help="the folder that `grade --out` wrote")
    parser.add_argument("--last-year", type=Path, metavar="FOLDER", help="last year's GRADES, to compare this year's class with")
    parser.add_argument("--pairs", type=int, default=20, metavar="N", help="how many pairs to show at most (default: 20)")
    parser.add_argument("--out", type=Path, metavar="FILE.html", help="the page (default: GRADES/similar.html)")
    parser.add_argument(
        "--export",
        type=Path,
        metavar="DIR",
        help="also write one file a student, and the given code, for Dolos, JPlag and compare50",
    )
    parser.add_argument(
        "--anonymous", action="store_true", help="for --export: numbers instead of names, and code without comments"
    )


def run(options: argparse.Namespace) -> int:
    """Write the page, and the export if it was asked for. Returns 0. Raises ValueError and OSError, with a sentence."""
    if options.pairs < 1:
        raise ValueError(f"--pairs is {options.pairs}; expected 1 or more.")
    if options.anonymous and not options.export:
        raise ValueError("--anonymous goes with --export DIR; the page itself is for you, and shows names.")
    found, notices = submissions.read(options.grades)
    if options.last_year:
        if options.last_year.resolve() == options.grades.resolve():
            raise ValueError(f"--last-year is {options.last_year}, the same folder as GRADES; expected that of another year.")
        earlier, more = submissions.read(options.last_year, last_year=True)
        found, notices = found + earlier, notices + more
    for notice in notices:
        print(notice, file=sys.stderr)
    kit = given()
    if options.export:
        write_export(options.export, found, kit, options.anonymous)
        whose = _counted(len(found), "submission")
        print(f"{options.export}: the code of {whose}; README.md there has the commands of the three tools.")
    everybody = Class(found, kit)
    signs = everybody.signs()
    pairs = unusual(everybody, signs, options.pairs)
    out = options.out or submissions.home(options.grades) / "similar.html"
    write_whole(out, page(everybody, signs, pairs))
    print(f"{_counted(len(found), 'submission')}, {_counted(len(pairs), 'unusual pair')}: {out}. The page is for you only.")
    return 0


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
