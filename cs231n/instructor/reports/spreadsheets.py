"""CSV files that people open in a spreadsheet, change and save: how cells are written, and how they are read back.

A spreadsheet reads a CSV file its own way: what begins with "=" becomes a formula, 007 becomes 7, 1-2 becomes a date, and
where the list separator is ";" a row is divided there, quoted or not. So a cell here never begins a formula, holds no ";", no
tab and no line break, and an id that would be changed carries an apostrophe, which stays in the file. (The form ="007" would
be a formula itself.)
"""

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import Path

ENCODING = "utf-8-sig"  # with its mark at the start, by which Excel tells that it is UTF-8
# What a spreadsheet takes for a formula, also in the wide forms of East Asian keyboards; and what looks like that behind an
# apostrophe of ours.
FORMULA = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
DIVIDERS = re.compile("[;\t\r\n\x0b\x0c\x85\u2028\u2029]")
WHOLE_NUMBER = re.compile(r"[1-9][0-9]{0,10}|0")  # a spreadsheet shows and saves these as they are
MONTHS = (
    r"jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz?|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?"
    r"|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?"
)
# Ids that a spreadsheet takes for a number, a date, a time or a truth value: 007, 1-2, 1e5, 3/4, 10:30, 5 May, MARCH1, TRUE.
CHANGED = re.compile(
    rf"'*(?:[0-9.,](?:[0-9.,:/+%\s-]|e|[ap]m?|{MONTHS})*|(?:{MONTHS})[ ./-]?[0-9]{{1,4}}|true|false|wahr|falsch)", re.IGNORECASE
)
LONGEST_NUMBER = 60  # characters; a longer id is text to a spreadsheet


def text_cell(text: str) -> str:
    """Return a text in one line that no spreadsheet takes for a formula or divides; ";" becomes ","."""
    text = DIVIDERS.sub(lambda found: "," if found[0] == ";" else " ", text)
    return f"'{text}" if FORMULA.match(text) else text


def id_cell(text: str) -> str:
    """Return an id that a spreadsheet keeps as it is. Different ids have different cells; Ids finds them again."""
    text = DIVIDERS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return f"'{text}" if _is_changed(text) or FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """Return the text of a cell without the apostrophe that text_cell or id_cell put before it."""
    return cell[1:] if cell.startswith("'") and (_is_changed(cell) or FORMULA.match(cell)) else cell


def _is_changed(text: str) -> bool:
    return len(text) <= LONGEST_NUMBER and bool(CHANGED.fullmatch(text)) and not WHOLE_NUMBER.fullmatch(text)


class Ids:
    """Finds ids by the cells that a person or a spreadsheet made of them."""

    def __init__(self, ids: Collection[str]) -> None:
        self._exact = {id_cell(one): one for one in ids}
        self._loose: dict[str, list[str]] = {}
        for one in ids:
            self._loose.setdefault(_loosely(id_cell(one)), []).append(one)

    def find(self, cell: str) -> str | None:
        """Return the id of a cell, exactly or, if only one fits, apart from spaces around it and the apostrophe; or None."""
        loose = self._loose.get(_loosely(cell), [])
        return self._exact.get(cell, loose[0] if len(loose) == 1 else None)


def _loosely(cell: str) -> str:
    return unicodedata.normalize("NFC", unguarded(cell.strip()))


def table(rows: Iterable[Iterable[str]], delimiter: str = ",") -> str:
    """Return rows of cells as the text of a CSV file, each cell in quotes."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


def decoded(path: Path) -> str:
    """Return the text of a CSV file as Excel, LibreOffice or an editor saves it: UTF-8, UTF-16 or the Western code page.

    Names may hold half a character (a file's name that is no UTF-8); they come back as they were written.
    """
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8", "surrogatepass").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def read_table(path: Path) -> tuple[str, list[str], list[tuple[int, list[str]]]]:
    """Return (delimiter, header in small letters, [(line, cells)] of the rows that are not empty) of a CSV file.

    Comma, semicolon and tab divide cells. Rows are as long as the header. Raises OSError if the file cannot be read, and
    ValueError, with file and line, if a row does not fit the header.
    """
    content = decoded(path)
    delimiter = max(",;\t", key=content.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    try:
        lines = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}.") from None
    header = [name.strip().lower() for name in lines[0][1]] if lines else []
    rows = [(line, cells) for line, cells in lines[1:] if any(cells)]
    for line, cells in rows:
        if any(cells[len(header) :]):
            raise ValueError(
                f"{path}, line {line}: {len(cells)} cells, expected {len(header)}. "
                "Put a text that contains the character between cells into double quotes."
            )
    return delimiter, header, [(line, [*cells, *[""] * len(header)][: len(header)]) for line, cells in rows]
