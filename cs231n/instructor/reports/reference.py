"""What the pages take from the reference notebook: figures, questions, model answers."""

import base64
import io
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode
from PIL import Image

from ...assignment import assignment
from ...kit import ROOT
from ...notebook_file import picture_of

REFERENCE = ROOT / "NetworkVisualization.ipynb"
WIDTH = 1000  # pixels of a figure on a page; it has half of the page, beside the student's own


class Figure(NamedTuple):
    exercise: str
    caption: str


# The notebook's figures that depend on an exercise, by the id of their cell; of each exercise the most telling one first.
FIGURES = {
    cell: Figure(exercise.function, caption) for exercise in assignment().exercises for cell, caption in exercise.figures.items()
}


class Reference(NamedTuple):
    """What the pages take from the reference notebook.

    figures: {cell id: [base64 of a JPEG]}, for the ids of FIGURES. questions, model_answers: {question: Markdown}; a model
    answer ends with its rubric.
    """

    figures: Mapping[str, list[str]]
    questions: dict[str, str]
    model_answers: dict[str, str]


def reference_material(path: Path) -> Reference:
    """Return the Reference of an executed reference notebook.

    Raises OSError if it cannot be read, and ValueError if it is no notebook or lacks a figure, a question or an answer.
    """
    try:
        cells = {cell.get("id"): cell for cell in nbformat.read(path, as_version=4).cells}
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.NBFormatError) as error:
        raise ValueError(f"{path} is not a notebook: {error}") from None
    numbers = [found[1] for found in (re.fullmatch(r"question-(\d+)-text", name or "") for name in cells) if found]
    wanted = [*FIGURES, *(f"answer-{number}" for number in numbers)] if numbers else ["question-1-text"]
    missing = [name for name in wanted if name not in cells]
    if missing:
        raise ValueError(f"{path} lacks the cells {', '.join(missing)}; expected the kit's reference notebook.")
    figures = {name: tuple(_pictures(cells[name])) for name in FIGURES}
    if not all(figures.values()):
        empty = ", ".join(name for name in figures if not figures[name])
        raise ValueError(f"{path} has no picture in the cells {empty}. Execute the reference notebook first: make refresh.")
    return Reference(
        _Jpegs(figures),
        {f"question-{number}": cells[f"question-{number}-text"].source.partition("\n")[2].strip() for number in numbers},
        {f"question-{number}": cells[f"answer-{number}"].source for number in numbers},
    )


class _Jpegs(Mapping[str, list[str]]):
    """Pictures as JPEGs, each made when it is first asked for: a run waits for its first result, not for the pages."""

    def __init__(self, pictures: Mapping[str, tuple[str, ...]]) -> None:
        self._pictures = pictures

    def __getitem__(self, cell: str) -> list[str]:
        return list(map(_as_jpeg, self._pictures[cell]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._pictures)

    def __len__(self) -> int:
        return len(self._pictures)


def _pictures(cell: NotebookNode) -> list[str]:
    return [found[1] for output in cell.get("outputs", []) if (found := picture_of(output))]


@cache
def _as_jpeg(picture: str) -> str:
    """Smaller, since every feedback page holds all reference figures."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    image.thumbnail((WIDTH, image.height))
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=80)
    return base64.b64encode(jpeg.getvalue()).decode()
