"""The reference's figures, as a record holds those of a student who has drawn them all."""

import nbformat

from cs231n.instructor.reports.reference import FIGURES
from cs231n.instructor.sandbox.inside.reading import outline
from cs231n.notebook_file import picture_of
from helpers.places import ROOT

NOTEBOOK = ROOT / "NetworkVisualization.ipynb"


def own_figures():
    """Return {cell: [base64 of a PNG]}, read as a submission is read."""
    cells = {cell.get("id"): cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells}
    assert all(any(picture_of(output) for output in cells[name].outputs) for name in FIGURES)
    found = outline(NOTEBOOK.name, NOTEBOOK.read_bytes(), {name: cells[name].source for name in FIGURES})
    return found["figures"]
