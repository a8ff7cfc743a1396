"""Prove and measure the kit on a GPU: `make gpu`, in at most eight minutes on an H100 or H200.

    python3 tests/gpu/prove.py [--out build/gpu] [--only STAGE ...] [--without STAGE ...] [--rehearsal]

The machine needs Python with PyTorch, torchvision, NumPy, Matplotlib, Pillow, imageio, h5py, tqdm and pytest, the kit with its
`datasets/`, and no network: what else is needed is installed from a folder of wheels (see wheels.py) into a folder beside it.
The cheap and important stages come first, and each writes what it found before the next begins. `--rehearsal` runs every stage
on the CPU at small sizes, which shows that the command works, and proves and measures nothing.
"""

import argparse
import importlib
import os
import re
import signal
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "benchmarks"), str(HERE)]

import wheels  # noqa: E402

import cs231n  # noqa: E402, F401  (before torch: it sets how threads wait)

# {stage: (its module, its title in the tables)}, in the order in which they run.
STAGES = {
    "machine": ("machine", "The machine"),
    "proof": ("proof", "Proof"),
    "notebook": ("notebook", "The notebook"),
    "speed": ("speed", "Saliency maps and class visualization"),
    "atlas": ("many_classes", "The atlas"),
    "class-images": ("judged", "Class images"),
}
MARKED = re.compile(r"<!-- gpu ([a-z-]+): begin -->\s*(.*?)\s*<!-- gpu \1: end -->", re.DOTALL)
README = ROOT / "tests" / "benchmarks" / "README.md"
NOT_MEASURED = "Not measured yet."
LEAST_GIB = 16  # of GPU memory that is free
MINUTES = 8


class NotHere(Exception):
    """Something that the run needs is not there; the text says what, and what to do."""


def main(arguments=None):
    """Run the stages. Returns 0; 1 if something is not as it should be; 2 if the run could not start. Each is said."""
    options = parsed(arguments)
    if options.put:
        return put(options.put)
    try:
        get_ready(options)
        plan = planned(options)
    except NotHere as problem:
        print(f"prove.py: {problem}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGALRM, time_is_up)
    signal.setitimer(signal.ITIMER_REAL, 60 * options.minutes)  # a stage that hangs ends there; what was found before is written
    try:
        failed = [sentence for name in options.stages for sentence in ran(name, plan, options)]
    except KeyboardInterrupt:
        print(f"prove.py: interrupted. What was found so far is in {options.out}.", file=sys.stderr)
        return 130
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    for sentence in failed:
        print(f"NOT as it should be: {sentence}", file=sys.stderr)
    print(f"Tables: {options.out / 'tables.md'}. Numbers: {options.out / 'results.json'}.")
    return 1 if failed else 0


class TimeIsUp(Exception):
    """The minutes of the run are over."""


def time_is_up(*_):
    raise TimeIsUp("the minutes of the run are over")


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gpu", metavar="DIR", help="where tables and numbers go")
    folder = ROOT / "build" / "gpu-wheels"
    parser.add_argument("--wheels", type=Path, default=folder, metavar="DIR", help="the folder that wheels.py has filled")
    parser.add_argument("--only", nargs="+", choices=STAGES, metavar="STAGE", help=f"of: {', '.join(STAGES)}")
    parser.add_argument("--without", nargs="+", choices=STAGES, default=[], metavar="STAGE", help="stages to leave out")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"for all stages (default: {MINUTES})")
    parser.add_argument("--rehearsal", action="store_true", help="every stage on the CPU, at small sizes")
    parser.add_argument("--put", type=Path, metavar="TABLES.md", help="run nothing: put these tables into the benchmarks' README")
    options = parser.parse_args(arguments)
    options.started = time.monotonic()
    options.stages = [name for name in options.only or STAGES if name not in options.without]
    return options


# What has to be there


def get_ready(options):
    """See that packages and data are there, installing the wheels where they are needed. Raises NotHere."""
    if lacking := wheels.missing(wheels.BARE):
        raise NotHere(f"{', '.join(wheels.BARE[name] for name in lacking)} cannot be imported; expected a Python for PyTorch.")
    if wheels.missing(wheels.NEEDED):
        site = options.wheels.with_name(f"{options.wheels.name}-installed")
        try:
            wheels.installed(options.wheels, site)
        except (ValueError, OSError) as problem:
            raise NotHere(str(problem)) from None
        sys.path.insert(0, str(site))
        os.environ["PYTHONPATH"] = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])  # for the notebook's kernel
        importlib.invalidate_caches()
        print(f"Installed the wheels of {options.wheels} into {site}.")
    require_data()


def require_data():
    from cs231n.datasets import State, sources, states

    for source in sources().values():
        for path, state in states(source).items():
            if source.required and state is not State.VERIFIED:
                raise NotHere(
                    f"{path} is {state.value} ({source.title}). {source.repair} Where there is no network, copy datasets/ along."
                )


def planned(options):
    """Return the Plan. Raises NotHere if there is no CUDA GPU, or too little of its memory is free."""
    import torch
    from plan import REHEARSAL, WHOLE, Plan

    if options.rehearsal:
        return Plan(torch.device("cpu"), REHEARSAL, options.out)
    if not torch.cuda.is_available():
        raise NotHere(
            f"PyTorch {torch.__version__} finds no CUDA GPU here. `make gpu-rehearsal` runs the same on the CPU, small."
        )
    free = torch.cuda.mem_get_info()[0] / 2**30
    if free < LEAST_GIB:
        raise NotHere(f"{free:.1f} GiB of the GPU's memory are free; expected at least {LEAST_GIB}. Does something else use it?")
    return Plan(torch.device("cuda"), WHOLE, options.out)


# The stages


def ran(name, plan, options):
    """Run one stage and write what it found. Returns a sentence for each thing that is not as it should be."""
    from benchmark_report import Report

    module, title = STAGES[name]
    tables = options.out / "tables.md"
    if not tables.exists():
        write_empty(tables)
    report = Report(f"gpu {name}", tables, options.out / "results.json")
    used = time.monotonic() - options.started
    if used > 60 * options.minutes:
        sentence = f"{title}: not run, {used / 60:.1f} of {options.minutes:g} minutes were used up before."
        report.write(sentence, [])
        return [sentence]
    print(f"\n== {title} (after {used:.0f} s)", flush=True)
    try:
        outcome = importlib.import_module(module).stage(plan)
    except Exception as error:  # the stages after it still count
        traceback.print_exc()
        sentence = f"{title}: stopped by {type(error).__name__}: {(str(error).strip().splitlines() or ['no message'])[0]}"
        report.write(sentence, [])
        return [sentence]
    seconds = time.monotonic() - options.started - used
    kind = " A rehearsal on the CPU at small sizes: it proves and measures nothing." if options.rehearsal else ""
    lines = [*outcome.lines, "", f"(This stage took {seconds:.0f} s.{kind})"]
    report.write("\n".join(lines), [*outcome.rows, {"row": f"gpu {name}: the stage itself", "seconds": seconds}])
    return [f"{title}: {sentence}" for sentence in outcome.failed]


def write_empty(tables):
    """Write the file of all tables, each still without numbers."""
    parts = [f"### {title}\n\n{marked(name)}\n" for name, (_, title) in STAGES.items()]
    tables.parent.mkdir(parents=True, exist_ok=True)
    tables.write_text("\n".join(parts), encoding="utf-8")


def put(tables):
    """Put the tables of an earlier run into the benchmarks' README. Returns 0, or 2 if there are none, which is said."""
    from benchmark_report import Report

    try:
        found = MARKED.findall(tables.read_text(encoding="utf-8"))
    except OSError as error:
        print(f"prove.py: {tables} cannot be read: {error.strerror}.", file=sys.stderr)
        return 2
    if not found:
        print(f"prove.py: {tables} holds no tables; expected the tables.md that a run has written.", file=sys.stderr)
        return 2
    for name, table in found:
        Report(f"gpu {name}", README, None).write(table, [])
    return 0


def marked(name):
    return f"<!-- gpu {name}: begin -->\n\n{NOT_MEASURED}\n\n<!-- gpu {name}: end -->"


if __name__ == "__main__":
    sys.exit(main())
