"""The command `grade`: its options, and the shortest run, in which nothing has changed. PyTorch is not imported for it."""

import argparse
import contextlib
import sys
from pathlib import Path

from ..reports.absent import NO_SUBMISSION
from . import unchanged


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `grade` takes to an argparse parser."""
    parser.description = (
        "Grade a folder of submissions into GRADES: grades.csv, feedback pages, marking pages, summary.html, and intake.csv, "
        "which says for every file in SUBMISSIONS whose it is and whether it counted."
    )
    parser.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="the folder with what students handed in")
    parser.add_argument("--out", required=True, type=Path, metavar="GRADES", help="the folder to write; made if it is new")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many submissions at once (default: 1)")
    parser.add_argument(
        "--course",
        type=Path,
        metavar="FILE",
        help="the course's own TOML file, as for `release`; GRADES remembers it, and --resume uses it again",
    )
    parser.add_argument(
        "--rubric",
        type=Path,
        metavar="FILE",
        help="a TOML file with the fraction of the points that a mistake keeps, where yours differs from the kit's; GRADES "
        "remembers it",
    )
    parser.add_argument(
        "--roster",
        type=Path,
        metavar="FILE",
        help="a CSV file with the columns id and name, and others that identify a student (email, login ...): gives ids and "
        f"names; whoever handed in nothing gets a row in grades.csv with the verdict '{NO_SUBMISSION}'; GRADES remembers it",
    )
    parser.add_argument(
        "--members",
        type=Path,
        metavar="FILE",
        help="a CSV file with the columns group (or submission) and id, one line per member of a group: each gets a row in "
        "grades.csv; GRADES remembers it",
    )
    parser.add_argument(
        "--times",
        type=Path,
        metavar="FILE",
        help="a CSV file with the columns id and time, or Moodle's grading worksheet: when each submission was handed in, "
        "instead of the times in the file names; GRADES remembers it",
    )
    parser.add_argument(
        "--days-used",
        type=Path,
        metavar="FILE",
        help="a CSV file with the columns id and days used: the free late days used in earlier assignments; GRADES remembers it",
    )
    parser.add_argument(
        "--gallery",
        nargs="+",
        action="extend",
        default=[],
        metavar="STUDENT",
        help="students whose pictures may be shown, without a name, in summary.html (default: nobody's)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep the results in GRADES, grade what is new or has changed, and add the points given to answers",
    )
    parser.add_argument(
        "--backend", choices=["loky", "dask"], default="loky", help="where to grade: on this machine (loky), or on a Dask cluster"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="the address of Dask's scheduler, such as tcp://10.0.0.1:8786")
    parser.add_argument(
        "--without-isolation",
        action="store_true",
        help="grade even if submissions cannot be isolated from this machine's files and processes; every page then says so",
    )


def run(options: argparse.Namespace) -> int:
    """Grade, and print what came out. Returns 0, or 1 if the run was cut short: `--resume` goes on then."""
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}; expected 1 or more.")
    if (options.backend == "dask") != bool(options.scheduler):
        raise ValueError("--backend dask and --scheduler ADDRESS go together.")
    given = options.course, options.rubric, options.roster, options.members, options.times, options.days_used
    if options.resume and not any(given):
        said = unchanged.said_before(options.submissions, options.out, options.gallery)
        if said is not None:
            print("Nothing has changed since the last run.", file=sys.stderr)
            said.repeat()
            return 0
    from ..sandbox.inside.quick_start import import_torchvision
    from ..sandbox.launcher import Failed, Launcher

    with contextlib.ExitStack() as ends:
        launcher = None
        if options.backend != "dask" and sys.platform == "linux":  # elsewhere no worker can take over what it forks
            with contextlib.suppress(Failed):  # the next one that is started says why
                launcher = ends.enter_context(Launcher())
        import_torchvision()  # with PyTorch, for seconds; meanwhile the launcher does
        from .carried_out import carried_out

        return carried_out(options, launcher)
