"""A learning platform's own CSV file, in which single cells are filled in and every other byte stays as it is."""

import csv
import functools
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DELIMITERS = ",;\t"
MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))  # at the start of a file
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how an Excel file begins, of today and of old
LINE_END = re.compile(r"\r\n|\n|\r")
WITH_COMMA, WITH_POINT = re.compile(r"-?\d+,\d+"), re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True)
class Cell:
    """A cell of a file. start, end: where it is in the file's text, with its quotes. text: what it says."""

    start: int
    end: int
    text: str


class Sheet:
    """A CSV file as a platform wrote it.

    Parameters
    ----------
    path : Path
        Where it is.
    mark : bytes
        The mark of its encoding at its start, or b"".
    encoding : str
        Of the rest.
    text : str
        The rest.
    """

    def __init__(self, path: Path, mark: bytes, encoding: str, text: str) -> None:
        self.path, self.mark, self.encoding, self.text = path, mark, encoding, text
        try:
            self.delimiter = max(DELIMITERS, key=lambda one: len(next(_read(text, one), [])))
            self.cells = _cells(text, self.delimiter)
            if [[cell.text for cell in row] for row in self.cells] != list(_read(text, self.delimiter)):
                raise ValueError("its quotes do not pair")
        except ValueError as error:
            raise ValueError(f"{path} is not a CSV file as a platform writes it: {error}. Download it again.") from None
        if not self.header:
            raise ValueError(f"{path} is empty. Download it again.")

    @classmethod
    def read(cls, path: Path) -> "Sheet":
        """Read a file in UTF-8, UTF-16 or the Western code page; comma, semicolon or tab between cells.

        Raises OSError if it cannot be read, and ValueError, which names it, if it is not such a file.
        """
        raw = path.read_bytes()
        if raw.startswith(WORKBOOKS):
            raise ValueError(f"{path} is an Excel workbook. Pass the file as the platform wrote it (CSV), never opened in Excel.")
        mark, encoding = next(((mark, name) for mark, name in MARKS if raw.startswith(mark)), (b"", ""))
        for name in (encoding,) if encoding else ("utf-8", "cp1252"):
            try:
                return cls(path, mark, name, raw[len(mark) :].decode(name))
            except UnicodeDecodeError:
                continue
        raise ValueError(f"{path} is neither UTF-8 nor UTF-16 nor Windows-1252 text. Download it again as CSV.")

    @property
    def header(self) -> list[str]:
        """The names of the columns, without spaces around them."""
        return [name.strip() for name in self.row(0)] if self.cells else []

    @property
    def rows(self) -> range:
        """The numbers of the rows below the header."""
        return range(1, len(self.cells))

    def row(self, number: int) -> list[str]:
        """Return the texts of a row, as many as the header has or more."""
        texts = [cell.text for cell in self.cells[number]]
        return texts + [""] * (len(self.cells[0]) - len(texts))

    def number(self, value: float) -> str:
        """Return a number with at most two decimals, and a decimal comma if the file writes numbers so."""
        return decimal(value).replace(".", ",") if self._has_decimal_commas else decimal(value)

    @functools.cached_property
    def _has_decimal_commas(self) -> bool:
        texts = [cell.text.strip() for row in self.cells[1:] for cell in row]
        return any(map(WITH_COMMA.fullmatch, texts)) and not any(map(WITH_POINT.fullmatch, texts))

    def filled(self, changes: Mapping[tuple[int, int], str]) -> bytes:
        """Return the file's bytes with {(row, column): text} instead of what was there.

        A cell that was in quotes stays in quotes. A row that ends before the column is made longer.
        """
        parts, at = [], 0
        for (row, column), text in sorted(changes.items()):
            cells = self.cells[row]
            there = column < len(cells)
            start, end = (cells[column].start, cells[column].end) if there else (cells[-1].end, cells[-1].end)
            padding = "" if there else self.delimiter * (column + 1 - len(cells))
            parts += [self.text[at:start], padding, self._written(text, was_quoted=self.text[start:end].startswith('"'))]
            at = end
        whole = "".join([*parts, self.text[at:]])
        self._require_the_rest_the_same(whole, changes)
        return self.mark + whole.encode(self.encoding)

    def _written(self, text: str, was_quoted: bool) -> str:
        needed = was_quoted or any(character in text for character in (self.delimiter, '"', "\r", "\n"))
        return '"' + text.replace('"', '""') + '"' if needed else text

    def _require_the_rest_the_same(self, whole: str, changes: Mapping[tuple[int, int], str]) -> None:
        """Raise ValueError if the new text, read again, is not the old one with the changes."""
        for number, now in enumerate(_read(whole, self.delimiter)):
            before = [cell.text for cell in self.cells[number]]
            for column, text in enumerate(now):
                expected = changes.get((number, column), before[column] if column < len(before) else "")
                if text != expected:
                    raise ValueError(f"{self.path}, row {number + 1}: {expected!r} would become {text!r}. Nothing is written.")


def decimal(value: float) -> str:
    """Return a number with at most two decimals, none that is needless: 12.5, 30."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _read(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a CSV text. Raises ValueError for what Python's own reader cannot read."""
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise ValueError(f"it cannot be read as a CSV file ({error})") from None


def _cells(text: str, delimiter: str) -> list[list[Cell]]:
    """Return the cells of a CSV text, row by row; a blank line is a row without cells."""
    inside = f"[^{re.escape(delimiter)}\r\n]"
    cell = re.compile(rf'"((?:[^"]|"")*)"((?:(?!"){inside})?{inside}*)|{inside}*')
    rows: list[list[Cell]] = []
    row: list[Cell] = []
    at = 0
    while at < len(text) or row:
        if found := cell.match(text, at):  # always: the last alternative fits an empty text, too
            value = found[0] if found[1] is None else found[1].replace('""', '"') + found[2]
            row.append(Cell(found.start(), found.end(), value))
            at = found.end()
        if text.startswith(delimiter, at):
            at += len(delimiter)
            continue
        rows.append([] if len(row) == 1 and row[0].start == row[0].end else row)
        row = []
        end = LINE_END.match(text, at)
        at = end.end() if end else at + 1
    return rows


def written(rows: Iterable[Iterable[str]], delimiter: str = ",", quote_all: bool = False) -> str:
    """Return rows of cells as the text of a CSV file; lines end in CR LF."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL).writerows(rows)
    return text.getvalue()
