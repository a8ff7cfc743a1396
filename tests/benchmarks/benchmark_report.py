"""What the benchmarks in tests/benchmarks/ have in common: a sentence on the machine, and writing tables and numbers."""

import contextlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil


def machine(*packages):
    """Return a sentence on this machine and what runs on it, without its full stop. packages: those whose version counts."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    memory = psutil.virtual_memory().total / 2**30
    return f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {versions}"


def _processor():
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def add_options(parser):
    """Add --out and --results, which every benchmark takes."""
    parser.add_argument(
        "--out", type=Path, metavar="FILE.md", help="where the table goes: between its two markers, or a new file"
    )
    parser.add_argument("--results", type=Path, metavar="FILE.json", help="where the numbers go; other rows in it stay")


class Report:
    """Where one benchmark writes to: the file `out` for its table and `results` for its numbers, either may be None.

    name: the benchmark's, with which its rows and its two markers begin. Raises ValueError if `out` is there and has no
    markers, or `results` is no list of rows: before any work starts.
    """

    def __init__(self, name, out, results):
        self.name, self.out, self.results = name, out, results
        self.markers = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        self.others = self._other_rows()
        if out and out.exists():
            self._with_table("")

    def write(self, lines, rows):
        """Print the table and write both files. lines: Markdown. rows: dicts, whose "row" begins with the benchmark's name."""
        print(lines)
        if self.out:
            _write(self.out, self._with_table(lines))
        if self.results:
            _write(self.results, json.dumps([*self.others, *rows], indent=1) + "\n")

    def _with_table(self, lines):
        """Return the text of `out` with the table between its markers; of a new file, both markers and the table."""
        text = self.out.read_text(encoding="utf-8") if self.out.exists() else "\n".join(self.markers) + "\n"
        before, first, rest = text.partition(self.markers[0])
        _, second, after = rest.partition(self.markers[1])
        if not first or not second:
            wanted = " and then ".join(self.markers)
            raise ValueError(f"{self.out} is there and does not hold {wanted}. Add these lines, or name a new file.")
        return f"{before}{first}\n\n{lines}\n\n{second}{after}"

    def _other_rows(self):
        if self.results is None or not self.results.exists():
            return []
        try:
            found = json.loads(self.results.read_text(encoding="utf-8"))
            return [entry for entry in found if not entry["row"].startswith(self.name)]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError(f"{self.results} is there and holds no list of rows. Name another file for --results.") from None


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(f"{path.name}.part")
    whole.write_text(text, encoding="utf-8")
    os.replace(whole, path)
