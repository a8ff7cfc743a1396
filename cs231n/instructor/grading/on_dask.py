"""Grade many submissions by the workers of a Dask cluster."""

import sys
from collections.abc import Collection, Generator
from typing import Any

from tqdm import tqdm

from ...kit import ROOT
from ..sandbox.inside.cage import ISOLATION
from .owners import Submission
from .run import Run
from .worker import Graded, in_worker, with_isolation, with_note

DASK_SECONDS = 20  # for the scheduler to answer


def by_dask(run: Run, found: list[Submission], jobs: int, scheduler: str) -> Generator[Graded, None, None]:
    """Yield (record, protections) of Submissions, graded by the workers of a Dask cluster, at most `jobs` at once."""
    try:
        from distributed import Client, KilledWorker
        from distributed import as_completed as as_completed_there
    except ImportError:
        raise ValueError("--backend dask needs Dask: pip install dask distributed -c constraints.txt") from None
    try:
        client = Client(scheduler, timeout=DASK_SECONDS)
    except (OSError, TimeoutError) as error:
        raise ValueError(f"No scheduler of Dask answers at {scheduler} ({error}). Start it first.") from None
    with client:
        _require_kit(client, scheduler)
        there = client.scatter(run, broadcast=True)  # once to each worker, not with every submission
        waiting, running = list(reversed(found)), as_completed_there()
        futures: dict[Any, Submission] = {}
        known: Collection[str] = ISOLATION  # what was in force on the worker that answered last
        while waiting or futures:
            while waiting and len(futures) < jobs:
                future = client.submit(in_worker, there, waiting[-1], pure=False)
                futures[future] = waiting.pop()
                running.add(future)
            future = next(running)
            submission = futures.pop(future)
            try:
                record, protections = future.result()
                known = protections
                yield record, protections
            except KilledWorker:
                record = with_note(submission, run, "Workers of Dask ended, several times, while they graded this submission.")
                yield with_isolation(record, known), None


def _require_kit(client, scheduler):
    """Raise ValueError with a sentence unless the scheduler and all workers of Dask have this kit; wait for the first worker."""
    import pkgutil  # its function is known to every Python, ours only where the kit is

    wanted = pkgutil.get_data(__package__, "grading.py")
    need = f"Start it in the folder of this very kit ({ROOT.name}), with the packages that constraints.txt names."
    kinds = {"The scheduler of Dask": client.run_on_scheduler, "A worker of Dask": client.run}
    for who, call in kinds.items():
        if call == client.run and not client.scheduler_info()["workers"]:
            tqdm.write("Waiting for a worker of Dask.", file=sys.stderr)
            client.wait_for_workers(1)  # they may stand in a queue for hours
        try:
            told = call(pkgutil.get_data, __package__, "grading.py")
        except Exception as error:  # whatever an import raises there
            raise ValueError(f"{who} at {scheduler} cannot import the kit ({error}). {need}") from None
        if any(content != wanted for content in (told.values() if isinstance(told, dict) else [told])):
            raise ValueError(f"{who} at {scheduler} has another version of the kit. {need}")
