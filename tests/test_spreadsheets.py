"""Cells that a spreadsheet keeps as they are, and files as Excel, LibreOffice and editors save them."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cs231n.instructor.reports import spreadsheets
from cs231n.instructor.reports.spreadsheets import Ids, id_cell, text_cell, unguarded

CHANGED = [
    "007",
    "0",
    "12345678901234",
    "1-2",
    "1/2",
    "3.50",
    "2026-10-05",
    "10:30",
    "1e5",
    "12E3",
    "5 May",
    "2-oct-26",
    "MARCH1",
]
CHANGED += ["sept2", "Dez 5", "10 %", "1,5", "TRUE", "false", "12 am", ".5"]
KEPT = [
    "7",
    "4711",
    "12345678901",
    "jane",
    "s1-2",
    "4711_doe",
    "2024kim",
    "julia1",
    "marco2",
    "e5",
    "Mayer",
    "2x",
    "0x1f",
    "January",
]


@pytest.mark.parametrize("student", [one for one in CHANGED if one != "0"])
def test_an_id_that_a_spreadsheet_would_change_carries_an_apostrophe(student):
    assert id_cell(student) == f"'{student}"
    assert unguarded(id_cell(student)) == student


@pytest.mark.parametrize("student", ["0", *KEPT])
def test_an_id_that_a_spreadsheet_keeps_is_not_touched(student):
    assert id_cell(student) == student


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "'=", "''-", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_begins_as_a_formula_does(start):
    for cell in (id_cell(f"{start}1+1"), text_cell(f"{start}1+1")):
        assert not re.match("[=+@\uff1d\uff0b\uff0d\uff20\t\r]|-", cell)


@given(st.text())
def test_a_texts_cell_is_one_line_that_no_spreadsheet_divides(text):
    cell = text_cell(text)
    assert not set(cell) & set(";\t\r\n")


@given(st.lists(st.text(st.characters(exclude_characters="\\")), unique=True, max_size=8))
@example(["", " "])
def test_every_id_is_found_again_by_its_cell_and_by_no_others(ids):
    found = Ids(ids)
    cells = [id_cell(one) for one in ids]
    assert len(set(cells)) == len(ids)
    assert [found.find(cell) for cell in cells] == ids
    assert not [cell for cell in cells if set(cell) & set(";\t\r\n")]


def test_an_id_is_found_with_spaces_around_it_or_without_its_apostrophe_where_only_one_fits():
    found = Ids(["007", "jane", "Zoe\u0301"])
    assert [found.find(cell) for cell in ("007", " jane ", "Zoé", "7", "Jane")] == ["007", "jane", "Zoe\u0301", None, None]
    assert Ids(["jane", "jane "]).find(" jane") is None
    assert Ids(["jane", "jane "]).find("jane ") == "jane "


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_is_read_as_spreadsheets_save_it(tmp_path, encoding, delimiter):
    path = tmp_path / "saved.csv"
    path.write_bytes(_saved(encoding, delimiter))
    assert spreadsheets.read_table(path) == (
        delimiter,
        ["student", "points", ""],
        [(2, ["Zoë", "2,5", ""]), (4, ["jane", "", ""])],
    )


def _saved(encoding, delimiter):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(
        [["Student", "Points", ""], ["Zoë", "2,5", ""], ["", "", ""], ["jane", "", ""]]
    )
    return text.getvalue().encode(encoding)


def test_a_row_that_does_not_fit_its_header_is_told_with_its_line(tmp_path):
    path = tmp_path / "saved.csv"
    path.write_text("a,b\n1,2\n1,2,3\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"saved\.csv, line 3: 3 cells, expected 2\. Put a text that contains"):
        spreadsheets.read_table(path)


def test_every_cell_is_in_quotes():
    assert spreadsheets.table([["a", ""], ['b"', "c,d"]]) == '"a",""\r\n"b""","c,d"\r\n'
