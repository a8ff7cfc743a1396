"""The rows that `grade` wrote, followed as they change, without what takes much memory."""

import contextlib
import dataclasses
from pathlib import Path

from ..reports import records
from ..reports.records import Record


class Rows:
    """The records in GRADES/rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: list[Record] = []
        self._files: dict[Path, tuple[tuple[int, int], Record | None]] = {}
        self._path_of: dict[str, Path] = {}

    def refresh(self) -> bool:
        """Read what has changed; return whether anything has. A damaged row counts as none, as it does for `grade`."""
        present = {path: _state(path) for path in self.folder.glob("*.json")}
        known = {path: state for path, (state, _) in self._files.items()}
        if present == known:
            return False
        for path, state in present.items():
            if state is not None and known.get(path) != state:
                self._files[path] = state, _light(path)
        self._files = {path: kept for path, kept in self._files.items() if present.get(path) is not None}
        self._path_of = {record.student: path for path, (_, record) in self._files.items() if record is not None}
        self.records = sorted((one for _, one in self._files.values() if one is not None), key=lambda record: record.student)
        return True

    def figures(self, student: str) -> dict[str, list[str]]:
        """Return a student's figures by cell, PNG in base64."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            return dict(records.read(self._path_of[student]).figures)
        return {}


def _state(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):  # it was replaced or set aside a moment ago
        state = path.stat()
        return state.st_mtime_ns, state.st_size
    return None


def _light(path: Path) -> Record | None:
    try:
        return dataclasses.replace(records.read(path), figures={}, sources={}, cell_ids=(), executed_at=())
    except (OSError, ValueError):
        return None
