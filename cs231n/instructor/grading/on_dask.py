"""Grade many submissions by the workers of a Dask cluster."""

import contextlib
import os
import platform
import sys
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ...kit import ROOT
from ...squeezenet import load_squeezenet
from ..sandbox.inside.cage import ISOLATION
from .kit_hash import kit_hash
from .owners import Submission
from .run import Run
from .worker import Graded, in_worker, with_isolation, with_note

DASK_SECONDS = 20  # for the scheduler to answer
NAMED = 3  # files in one sentence


@contextlib.contextmanager
def checked_cluster(scheduler: str, found: Iterable[Submission]) -> Iterator[Any]:
    """Give a client of the cluster at an address, when all is there that grading the Submissions needs.

    Raises ValueError with a sentence: Dask is not installed here, no scheduler answers, or the scheduler or a worker has not the
    kit, Python and PyTorch of this machine, or a worker has not the data, or does not see a submission.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("--backend dask needs Dask: pip install dask distributed -c constraints.txt") from None
    try:
        client = Client(scheduler, timeout=DASK_SECONDS)
    except (OSError, TimeoutError) as error:
        raise ValueError(f"No scheduler of Dask answers at {scheduler} ({error}). Start it first.") from None
    with client:
        _require_kit(client, scheduler)
        _require_same(client, scheduler, [str(path) for one in found for path in _paths(_absolute(one))])
        yield client


def by_dask(run: Run, found: list[Submission], jobs: int, client: Any) -> Generator[Graded, None, None]:
    """Yield (record, protections) of Submissions, graded by the workers of a Dask cluster, at most `jobs` at once.

    client: what checked_cluster() gives.
    """
    from distributed import KilledWorker
    from distributed import as_completed as as_completed_there

    there = client.scatter(run, broadcast=True)  # once to each worker, not with every submission
    waiting, running = [_absolute(one) for one in reversed(found)], as_completed_there()
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


def _paths(submission: Submission) -> list[Path]:
    return [submission.path, *submission.beside.values()]


def _absolute(submission: Submission) -> Submission:
    """Return a Submission that a worker finds from whatever folder it was started in."""
    beside = {name: path.absolute() for name, path in submission.beside.items()}
    return replace(submission, path=submission.path.absolute(), beside=beside)


def _require_kit(client: Any, scheduler: str) -> None:
    """Raise ValueError with a sentence unless scheduler and workers of Dask can import the kit; wait for the first worker."""
    import pkgutil  # its function is known to every Python, ours only where the kit is

    for who, call in _kinds(client).items():
        if call == client.run and not client.scheduler_info()["workers"]:
            tqdm.write("Waiting for a worker of Dask.", file=sys.stderr)
            client.wait_for_workers(1)  # they may stand in a queue for hours
        try:
            told = call(pkgutil.get_data, __package__, "on_dask.py")
        except Exception as error:  # whatever an import raises there
            raise ValueError(f"{who} at {scheduler} cannot import the kit ({error}). {_need()}") from None
        if any(content != Path(__file__).read_bytes() for content in (told.values() if call == client.run else [told])):
            raise ValueError(f"{who} at {scheduler} has another version of the kit. {_need()}")


def _require_same(client: Any, scheduler: str, paths: Sequence[str]) -> None:
    """Raise ValueError with a sentence unless the scheduler and all workers have what `state` says of this machine."""
    here = state([])
    for who, call in _kinds(client).items():
        is_worker = call == client.run
        try:
            told = call(state, paths if is_worker else [])
        except Exception as error:  # a package of the kit's may be missing there
            raise ValueError(f"{who} at {scheduler} cannot use the kit ({error}). {_need()}") from None
        for address, there in (told if is_worker else {scheduler: told}).items():
            if wrong := _difference(here, there, is_worker):
                raise ValueError(f"{who} at {address} {wrong}")


def _kinds(client: Any) -> dict[str, Callable[..., Any]]:
    return {"The scheduler of Dask": client.run_on_scheduler, "A worker of Dask": client.run}


def _need() -> str:
    return f"Start it in the folder of this very kit ({ROOT.name}), with the packages that constraints.txt names."


def state(paths: list[str]) -> dict[str, Any]:
    """Return what decides whether this process can grade: versions, what is wrong with the data, which `paths` it cannot read."""
    try:
        load_squeezenet(device="cpu")
        data = ""
    except Exception as error:  # that they are missing, or are not the right ones
        data = " ".join(str(error).split())
    return {
        "kit": kit_hash(),
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "PyTorch": torch.__version__.partition("+")[0],
        "data": data,
        "unseen": [path for path in paths if not os.access(path, os.R_OK)],
    }


def _difference(here: Mapping[str, Any], there: Mapping[str, Any], is_worker: bool) -> str:
    """Return what is wrong with a process of the cluster, as the end of a sentence and what to do; "" if nothing is."""
    if there["kit"] != here["kit"]:
        return f"has another version of the kit. {_need()}"
    for name in ("Python", "PyTorch"):
        if there[name] != here[name]:
            return f"has {name} {there[name]}, this machine {here[name]}. Install the same version there."
    if is_worker and there["data"]:
        return f"cannot load SqueezeNet's weights: {there['data']}"
    if is_worker and there["unseen"]:
        unseen = there["unseen"]
        more = f" and {len(unseen) - NAMED} more" if len(unseen) > NAMED else ""
        return (
            f"cannot read {', '.join(unseen[:NAMED])}{more}. Put SUBMISSIONS into a folder that all machines have under the same "
            "path, readable for the user that runs the worker."
        )
    return ""
