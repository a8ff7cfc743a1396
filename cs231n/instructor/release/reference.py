"""The reference notebook: its cells, and where in the file they are."""

import base64
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

GAP = re.compile(r"[\s,:]*")  # between two values of JSON


class Reference:
    """The reference notebook. path: of its file. text: the file's. notebook: nbformat 4. cells: its cells.

    An id that an editor has moved into the cell's metadata, as Colab does, is taken from there. A cell without an id of its
    own gets one for the time being, since a notebook must have them. Raises ValueError, with the line where there is one, for a
    file that is not a notebook of nbformat 4.
    """

    def __init__(self, path: Path, text: str | None = None) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8-sig") if text is None else text
        try:
            content = json.loads(self.text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{error.lineno}: this is not a notebook ({error.msg}). Repair it first.") from None
        cells = content.get("cells") if isinstance(content, dict) and content.get("nbformat") == 4 else None
        if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
            raise ValueError(f"{path} is not a notebook of format 4. Open it in Jupyter and save it.")
        self._lost = _with_ids(cells)
        content["nbformat_minor"] = max(5, content.get("nbformat_minor", 0))  # earlier formats have no ids
        try:
            nbformat.validate(content)
        except nbformat.ValidationError as error:
            raise ValueError(f"{path} is not a valid notebook: {str(error)[:300]} Open it in Jupyter and save it.") from None
        self.notebook = v4.reads(json.dumps(content))
        self.cells = self.notebook.cells
        self._spans = _spans(self.text)

    def index(self, cell: NotebookNode) -> int:
        """Return the index of a cell. Cells may be equal, so this goes by identity."""
        return next(i for i, other in enumerate(self.cells) if other is cell)

    def place(self, cell: NotebookNode, written: str | None = None) -> str:
        """Return file, line and id of a cell, for people. written: a line of the cell; by default the line of its id."""
        return f"{self.path}:{self._line(cell, cell.id if written is None else written)}: cell {cell.id}"

    def _line(self, cell: NotebookNode, written: str) -> int:
        start, end = self._spans[self.index(cell)]
        forms = [json.dumps(written, ensure_ascii=ascii)[1:-1] for ascii in (False, True)]
        found = [at for form in forms if form and (at := self.text.find(form, start, end)) >= 0]
        return self.text[: min(found, default=start)].count("\n") + 1

    def problems_of_ids(self) -> list[str]:
        """Return [a sentence on the cells without an id of their own], or []."""
        if not self._lost:
            return []
        places = ", ".join(f"line {self._line(self.cells[i], '')} (index {i})" for i in self._lost[:5])
        return [
            f"{self.path}: cells without an id of their own: {len(self._lost)} of {len(self.cells)}, at {places}"
            f"{' and so on' if len(self._lost) > 5 else ''}. Some editors lose the ids, by which answers and checks are found: "
            "restore them from an earlier version of the notebook."
        ]

    def above(self, cell: NotebookNode) -> str:
        """Return the source of the cell above a cell, "" if it is the first."""
        i = self.index(cell)
        return self.cells[i - 1].source if i else ""


def tagged(cell: NotebookNode, tag: str) -> bool:
    """Return whether a cell has a tag."""
    return tag in cell.metadata.get("tags", [])


def texts(cell: NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield (where, text) of all that is in a cell: "source", "outputs", "metadata", "attachments", also decoded."""
    for where, content in cell.items():
        yield from ((where, text) for text in strings(content))
    for attachment in cell.get("attachments", {}).values():
        for encoded in strings(list(attachment.values())):
            with contextlib.suppress(ValueError):  # not base64, so it was searched as it is
                yield "attachments", base64.b64decode(encoded).decode("utf-8", errors="replace")


def strings(node: Any) -> Iterator[str]:
    """Yield every string in parsed JSON; a list of strings, as notebooks store a text, is one."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from strings(value)
    elif isinstance(node, list):
        if node and all(isinstance(value, str) for value in node):
            yield "".join(node)
        else:
            for value in node:
                yield from strings(value)


def _with_ids(cells: list[dict[str, Any]]) -> list[int]:
    """Give every cell of a notebook an id, in place; return the indices of those that had none, or another cell's."""
    lost, seen = [], set()
    for i, cell in enumerate(cells):
        cell["id"] = cell.get("id") or cell.get("metadata", {}).get("id") or ""
        if not cell["id"] or cell["id"] in seen:
            lost.append(i)
            cell["id"] = f"without-id-{i}"
        seen.add(cell["id"])
    return lost


def _spans(text: str) -> list[tuple[int, int]]:
    """Return [(start, end)] of the cells in the JSON of a notebook, whose keys may be in any order."""
    decode = json.JSONDecoder().raw_decode
    key, at = None, text.index("{") + 1
    while key != "cells":
        if key is not None:
            _, at = decode(text, at)
        key, at = decode(text, _after_gap(text, at))
        at = _after_gap(text, at)
    spans: list[tuple[int, int]] = []
    at += 1
    while text[at := _after_gap(text, at)] != "]":
        spans.append((at, decode(text, at)[1]))
        at = spans[-1][1]
    return spans


def _after_gap(text: str, at: int) -> int:
    """Return where the next value begins."""
    found = GAP.match(text, at)
    return found.end() if found else at
