"""Notebooks are read as editors, browsers and people leave them; what is no notebook says so in a sentence."""

import io
import json

import nbformat
import pytest
from PIL import Image

from cs231n.figures import tag as figures_tag
from cs231n.notebook_file import is_notebook_name, notebook, picture_of, picture_type, sources_of, text_of


def written(cells, minor=5, **metadata):
    return json.dumps({"nbformat": 4, "nbformat_minor": minor, "metadata": metadata, "cells": cells}).encode()


CODE = {"cell_type": "code", "id": "c", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": 1}
TEXT = {"cell_type": "markdown", "id": "m", "metadata": {}, "source": ["a\n", "b"]}


@pytest.mark.parametrize(
    "raw",
    [
        written([CODE, TEXT]),
        b"\xef\xbb\xbf" + written([CODE, TEXT]),
        written([CODE, TEXT]).decode().encode("utf-16"),
        written([CODE, TEXT], minor=2),
        written([{**CODE, "outputs": None}, {**TEXT, "outputs": [], "execution_count": None}]),
        written([CODE, TEXT], widgets={"application/vnd.jupyter.widget-state+json": {"a": {"model_name": "HBoxModel"}}}),
    ],
    ids=["plain", "byte order mark", "utf-16", "ids in an older format", "outputs under a text", "widgets without state"],
)
def test_what_an_editor_leaves_is_read_and_comes_back_in_valid_form(raw):
    found = notebook("nb.ipynb", raw)
    assert [cell.source for cell in found.cells] == ["x = 1", "a\nb"]
    assert [cell.id for cell in found.cells] == ["c", "m"]
    nbformat.validate(found)


def test_a_code_cell_without_a_count_was_not_run():
    cell = {key: value for key, value in CODE.items() if key not in ("execution_count", "outputs")}
    (found,) = notebook("nb.ipynb", written([cell])).cells
    assert (found.execution_count, found.outputs) == (None, [])


def test_outputs_of_all_kinds_are_kept_in_valid_form_or_of_each_cell_one_picture():
    outputs = [
        {"output_type": "stream", "text": ["one\n", "two"]},
        {"output_type": "display_data", "data": {"text/plain": ["<Figure>"], "image/png": "QUJD"}},
        {"output_type": "execute_result", "data": {"application/json": {"a": 1}}},
        {"output_type": "error", "ename": "KeyError", "evalue": None, "traceback": ["line", 7]},
        {"output_type": "unheard of"},
        None,
    ]
    raw = written([{**CODE, "outputs": outputs}])
    found = notebook("nb.ipynb", raw)
    nbformat.validate(found)
    assert [output.output_type for output in found.cells[0].outputs] == [output["output_type"] for output in outputs[:4]]
    assert found.cells[0].outputs[0].text == "one\ntwo"
    (picture,) = notebook("nb.ipynb", raw, with_outputs=False).cells[0].outputs
    assert picture.data == {"image/png": "QUJD"}


FIGURE = figures_tag(b"ABC", 1000, "a yurt")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"image/png": ["QU", "JD"]}, ("image/png", "QUJD")),
        ({"text/html": FIGURE, "text/plain": "a yurt"}, ("image/webp", "QUJD")),
        ({"text/html": [FIGURE[:30], FIGURE[30:]]}, ("image/webp", "QUJD")),
        ({"text/html": FIGURE, "image/jpeg": "REVG"}, ("image/webp", "QUJD")),  # the small one is a preview
        ({"text/html": figures_tag(b"ABC", 300, "a film", kind="animation")}, None),
        ({"text/html": FIGURE.replace("image/webp", "image/svg+xml")}, None),
        ({"text/html": FIGURE.replace("QUJD", "QUJD' onload='alert(1)")}, None),
        ({"text/html": "<img class=figure src=x>", "text/plain": "x"}, None),
        ({"text/html": 7, "image/png": {"a": 1}}, None),
        (None, None),
    ],
)
def test_the_picture_of_an_output_is_a_png_or_one_of_our_figures(data, found):
    assert picture_of({"data": data}) == found
    cell = {**CODE, "outputs": [{"output_type": "display_data", "data": data}]}
    kept = notebook("nb.ipynb", written([cell]), with_outputs=False).cells[0].outputs
    assert [output.data for output in kept] == ([dict([found])] if found else [])


def test_ids_in_the_metadata_and_attachments_are_kept():
    cell = {**TEXT, "metadata": {"id": "answer-1", "colab": {}}, "attachments": {"a.png": {"image/png": ["QU", "JD"]}, "odd": 7}}
    (found,) = notebook("nb.ipynb", written([cell])).cells
    assert found.metadata == {"id": "answer-1"}
    assert found.attachments == {"a.png": {"image/png": "QUJD"}}


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"cells": 7}', b'{"cells": [', b"\xff\xfe\x00", b"<html>"])
def test_what_is_no_notebook_is_refused_by_name(raw):
    with pytest.raises(ValueError, match=r"^nb\.ipynb is not a notebook, or it is damaged \(\w+: .*\)\.$"):
        notebook("nb.ipynb", raw)


def test_a_merge_that_was_not_finished_is_named_with_its_line():
    with pytest.raises(ValueError, match=r"^nb\.ipynb, line 1 is a mark of a merge"):
        notebook("nb.ipynb", b"<<<<<<< HEAD\n" + written([CODE]) + b"\n=======\n{}\n>>>>>>> mine\n")


def test_another_language_is_refused():
    with pytest.raises(ValueError, match="in the language r; expected Python"):
        notebook("nb.ipynb", written([CODE], kernelspec={"language": "R"}))


def test_names_that_browsers_give_to_notebooks_are_known():
    assert all(map(is_notebook_name, ["a.ipynb", "A.IPYNB", "a.ipynb.json", "a.ipynb.txt"]))
    assert not any(map(is_notebook_name, ["a.json", "a.txt", "a.ipynb.zip", "ipynb", "a.py"]))


def test_text_has_plain_line_ends_whatever_its_encoding():
    assert text_of("é\r\nb\rc".encode("utf-8-sig")) == text_of("é\r\nb\rc".encode("utf-16")) == "é\nb\nc"
    assert text_of("# -*- coding: latin-1 -*-\né".encode("latin-1")).endswith("é")


def test_sources_are_found_by_the_cells_ids(tmp_path):
    cells = [{"cell_type": "markdown", "id": "text", "metadata": {}, "source": ["# A", "\n", "b"]}]
    cells += [{"cell_type": "code", "metadata": {}, "source": "1", "outputs": [], "execution_count": None}]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    assert sources_of(tmp_path / "n.ipynb") == {"text": "# A\nb"}


def test_sources_of_what_is_not_a_notebook_are_refused_by_its_name(tmp_path):
    (tmp_path / "n.ipynb").write_text("[]")
    with pytest.raises(ValueError, match=r"n\.ipynb is not a notebook"):
        sources_of(tmp_path / "n.ipynb")


@pytest.mark.parametrize("raw", [b"", b"\x89PNG", b" \x89PNG\r\n\x1a\n"], ids=["nothing", "half a beginning", "not at the start"])
def test_what_does_not_begin_as_a_picture_is_none(raw):
    assert picture_type(raw) is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_a_pictures_type_is_known_by_how_it_begins(kind):
    content = io.BytesIO()
    Image.new("RGB", (2, 2)).save(content, kind)
    assert picture_type(content.getvalue()) == (None if kind == "BMP" else f"image/{kind.lower()}")
    assert picture_type(b" " + content.getvalue()) is None


def test_of_a_pictures_metadata_its_text_and_its_size_are_kept():
    told = {
        "image/jpeg": {"alt": "a map", "width": 300, "height": "9", "onerror": "x"},
        "width": 20,
        "image/png": {"alt": "no picture"},
    }
    output = {"output_type": "display_data", "data": {"image/jpeg": "QUJD"}, "metadata": told}
    (found,) = notebook("nb.ipynb", written([{**CODE, "outputs": [output]}])).cells[0].outputs
    assert found.metadata == {"image/jpeg": {"alt": "a map", "width": 300}}
