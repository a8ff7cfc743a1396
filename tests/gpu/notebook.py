"""Stage 3: the whole notebook, executed on the GPU, with the seconds of each cell."""

import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from plan import ROOT, Outcome

NOTEBOOK = ROOT / "NetworkVisualization.ipynb"
CELL_SECONDS = 120  # at most
SLOWEST = 12  # cells in the table; the JSON file has all
ASKED = 35  # seconds, for the whole notebook on an H100 or H200


def stage(plan):
    """Return the Outcome of executing the notebook, or its first sections in a rehearsal."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = notebook.cells if plan.sizes.sections is None else first_sections(notebook.cells, plan.sizes.sections)
    seconds, whole, stopped = executed(notebook, cells)
    what = "The whole notebook" if plan.sizes.sections is None else f"Sections 1 to {plan.sizes.sections} of the notebook"
    lines = [
        f"{what}: {whole:.1f} s, the kernel's start included (asked for: under {ASKED}).",
        "",
        f"| cell, the slowest {SLOWEST} | s |",
        "|---|---|",
        *(f"| `{name}` | {took:.2f} |" for name, took in sorted(seconds.items(), key=lambda found: -found[1])[:SLOWEST]),
    ]
    rows = [{"row": "gpu notebook: whole", "seconds": whole, "cells": seconds}]
    failed = [stopped] if stopped else []
    if plan.on_gpu and plan.sizes.sections is None and whole > ASKED:
        failed.append(f"The notebook took {whole:.1f} s; asked for: under {ASKED}.")
    return Outcome([*lines, "", *failed], rows, failed)


def first_sections(cells, count):
    """Return the cells before the heading of section count + 1."""
    last = next(i for i, cell in enumerate(cells) if cell.source.startswith(f"## {count + 1}."))
    return cells[:last]


def executed(notebook, cells):
    """Return ({cell id: seconds}, seconds of all with the kernel's start, why it stopped or None)."""
    notebook.cells, seconds, stopped = cells, {}, None
    client = NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
    start = time.perf_counter()
    with client.setup_kernel():
        for index, cell in enumerate(cells):
            before = time.perf_counter()
            try:
                client.execute_cell(cell, index)
            except (CellExecutionError, CellTimeoutError, RuntimeError) as error:  # the last: the kernel died
                stopped = f"Cell {cell.id} failed: {str(error).strip().splitlines()[-1]}"
                break
            if cell.cell_type == "code":
                seconds[cell.id] = time.perf_counter() - before
        whole = time.perf_counter() - start
    return seconds, whole, stopped
