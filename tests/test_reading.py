"""What is read from a submission's file: code, answers, figures, or one sentence that says why it cannot be read."""

import base64
import dataclasses
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile

import nbformat
import numpy as np
import pytest
from helpers.places import ROOT
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from nbformat import v3, v4
from PIL import Image, PngImagePlugin

from cs231n import figures
from cs231n.checks import EXERCISES
from cs231n.instructor.release.edition import edition
from cs231n.instructor.reports.reference import FIGURES
from cs231n.instructor.sandbox.inside import reading
from cs231n.instructor.sandbox.inside.reading import checked_outline, is_expected, kind, outline

NAME = "NetworkVisualization.ipynb"
SOURCE = "def compute_saliency_maps(X, y, model):\n    return X\n"
STUB = "def compute_saliency_maps(X, y, model):\n    raise NotImplementedError"
FIGURE = {"saliency-figure": "show(saliency)"}


def picture(color="red", size=(40, 30), mode="RGB"):
    made = io.BytesIO()
    Image.new(mode, size, color).save(made, "PNG")
    return base64.b64encode(made.getvalue()).decode()


def code(source=SOURCE, name="c", png=None, **others):
    outputs = [{"output_type": "display_data", "metadata": {}, "data": {"image/png": png}}] if png else []
    return {"cell_type": "code", "id": name, "metadata": {}, "execution_count": 1, "source": source, "outputs": outputs, **others}


def markdown(source, name="m", **others):
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source, **others}


def notebook(*cells, **metadata):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}).encode()


def read(raw, name="nb.ipynb", figures=FIGURE):
    """What outline returns, which must always be of its form, also after a journey as JSON."""
    found = outline(name, raw, figures)
    assert dataclasses.asdict(checked_outline(json.loads(json.dumps(found, ensure_ascii=False).encode()), figures)) == found
    return found


def problem(raw, name="nb.ipynb"):
    found = read(raw, name)
    by_name = {key: {} for key in ("answers", "answer_notes", "answer_pictures", "figures", "sources", "needed")}
    lists = {key: [] for key in ("parts", "notes", "cell_ids", "executed_at", "unfinished")}
    assert found == {"problem": found["problem"], "counts": "", **lists, **by_name}
    assert found["problem"].endswith(".")
    return found["problem"]


def sources(raw, name="nb.ipynb"):
    found = read(raw, name)
    assert found["problem"] == ""
    return [source for _, source in found["parts"]]


def opened(encoded):
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


# Code


def test_the_reference_is_read_with_its_answers_and_all_figures():
    cells = {cell.id: cell.source for cell in nbformat.read(ROOT / NAME, as_version=4).cells}
    found = read((ROOT / NAME).read_bytes(), NAME, {name: cells[name] for name in FIGURES})
    assert found["problem"] == ""
    modules = ("net_visualization_pytorch", "attribution", "feature_visualization")
    assert len(found["notes"]) == 3
    assert all(f"imported from cs231n.{name}, and no such file" in found["notes"][i] for i, name in enumerate(modules))
    assert all(len(pictures) == 1 for pictures in found["figures"].values())
    assert found["figures"].keys() == FIGURES.keys()
    assert all(len(text) > 40 for text in found["answers"].values())
    assert len(found["answers"]) == 9
    assert len(json.dumps(found)) < 1_500_000


def test_what_students_are_given_is_certainly_unfinished_and_nothing_else_is():
    given = read(edition()[1][NAME], NAME)
    assert set(given["unfinished"]) == set(EXERCISES)
    begun = "def make_fooling_image(X, y, model):\n    X = X + 1\n    raise NotImplementedError"
    assert read(notebook(code(STUB), code(begun)))["unfinished"] == ["compute_saliency_maps"]
    assert read(notebook(code(STUB), code(begun), code(SOURCE)))["unfinished"] == []


def test_code_cells_are_numbered_from_one_and_others_left_out():
    raw = notebook(
        markdown("def a(): pass"),
        code("x = 1"),
        code(""),
        {**markdown("y"), "cell_type": "raw"},
        code("%matplotlib inline\nz = 3"),
    )
    parts = read(raw)["parts"]
    assert [name for name, _ in parts] == ["nb.ipynb, code cell 1", "nb.ipynb, code cell 2", "nb.ipynb, code cell 3"]
    assert [source for _, source in parts][:2] == ["x = 1", ""]
    assert "matplotlib" in parts[2][1]


def test_lines_ids_and_metadata_may_be_written_in_other_ways():
    cells = [code(["x = 1\n", "y = 2"]), code("z = 3"), code("w = 4")]
    del cells[1]["id"], cells[1]["metadata"], cells[1]["outputs"], cells[1]["execution_count"]
    cells[2]["id"] = cells[0]["id"]
    assert sources(notebook(*cells)) == ["x = 1\ny = 2", "z = 3", "w = 4"]


def test_a_python_file_is_one_part():
    assert read(SOURCE.encode(), "mine.py")["parts"] == [["mine.py", SOURCE]]
    assert read(SOURCE.encode(), "MINE.PY")["parts"] == [["MINE.PY", SOURCE]]
    assert read(SOURCE.encode(), "mine.py")["answers"] == read(SOURCE.encode(), "mine.py")["figures"] == {}


def test_a_notebook_of_format_3_is_read_with_its_figure_and_answer():
    cells = [
        v3.new_code_cell(
            input=SOURCE,
            outputs=[v3.new_output("pyout", output_text="much"), v3.new_output("display_data", output_png=picture())],
        ),
        v3.new_code_cell(input=FIGURE["saliency-figure"], outputs=[v3.new_output("display_data", output_png=picture("blue"))]),
        v3.new_text_cell("markdown", source="### Inline question 2\nWhy?"),
        v3.new_text_cell("markdown", source="Because."),
    ]
    raw = v3.writes_json(v3.new_notebook(worksheets=[v3.new_worksheet(cells=cells)])).encode()
    found = read(raw)
    assert [source.strip() for _, source in found["parts"]] == [SOURCE.strip(), FIGURE["saliency-figure"]]
    assert opened(found["figures"]["saliency-figure"][0]).convert("RGB").getpixel((5, 5)) == (0, 0, 255)
    assert found["answers"]["question-2"] == "Because."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-8 with Windows line ends"])
def test_encodings_and_line_ends_are_understood(encoding):
    text = nbformat.writes(v4.new_notebook(cells=[v4.new_code_cell("x = 'é 😀 李'\ny = 2")]))
    raw = text.replace("\n", "\r\n").encode() if "Windows" in encoding else text.encode(encoding)
    assert sources(raw) == ["x = 'é 😀 李'\ny = 2"]
    assert sources("x = 'é 😀 李'\r\n".encode("utf-16"), "a.py") == ["x = 'é 😀 李'\n"]


def test_halves_of_characters_do_not_come_back():
    raw = notebook(
        code("x = '\ud800'\ny = '\udfff\ud83d'"),
        markdown("\udc00", "answer-1"),
        code("a b '\udcff'"),
        metadata_of="\ud800",
    )
    found = read(raw, "caf\udce9.ipynb")
    assert found["parts"][0] == ["caf\ufffd.ipynb, code cell 1", "x = '\ufffd'\ny = '\ufffd\ufffd'"]
    assert found["answers"]["question-1"] == "\ufffd"
    assert "\ufffd" in found["notes"][0]
    assert "caf\ufffd.ipynb is a notebook in the language \ufffd" in problem(
        notebook(code(), language_info={"name": "\ud800"}), "caf\udce9.ipynb"
    )
    assert sources(b"# -*- coding: utf-7 -*-\nx = '+2AA-'", "a.py")[0].endswith("x = '\ufffd'")


def test_an_emoji_does_not_change_what_is_read():
    text = nbformat.writes(v4.new_notebook(cells=[v4.new_code_cell("x = '😀\U0010ffff é'")]))
    assert "😀" in text
    assert sources(text.encode()) == ["x = '😀\U0010ffff é'"]
    assert sources(text.encode().replace("😀".encode(), b"\xf4\xbf\xbf\xbf"))[0].startswith("x = '\ufffd")


def test_what_does_not_parse_is_noted_and_the_rest_is_kept():
    raw = notebook(
        code("x ="),
        code("<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> mine"),
        code(SOURCE),
        code("y ="),
        code("z ="),
        code("w = " + "9" * 5000 + "9 9"),
    )
    found = read(raw)
    assert len(found["parts"]) == 6
    assert len(found["notes"]) == 5
    assert found["notes"][0].startswith("nb.ipynb, code cell 1, line 1")
    assert "mark of a merge" in found["notes"][1]
    assert len(read(notebook(code("x = 1 1" + " " * 10 + "y" * 5000)))["notes"][0]) <= 600


# What was written for each exercise, and when a cell ran


def test_an_exercises_source_is_what_was_written_with_comments_and_the_functions_it_uses():
    helper = "# My idea.\ndef scaled(x):\n    return x / 2  # half\n"
    written = "@torch.no_grad()\ndef compute_saliency_maps(X, y, model):\n    # first\n    return scaled(X)\n    # last"
    other = "\n\ndef unused(x):\n    return x\n"
    raw = notebook(code(helper + other, "a"), code("x = 1\n\n" + written + other, "b"))
    assert read(raw)["sources"] == {"compute_saliency_maps": f"{written}\n\n\n{helper.strip()}"}


def test_of_several_definitions_the_source_is_that_of_the_last_as_it_is_judged():
    raw = notebook(code(SOURCE, "a"), code(SOURCE.replace("return X", "return y"), "b"))
    assert read(raw)["sources"] == {"compute_saliency_maps": SOURCE.replace("return X", "return y").strip()}


def test_the_source_of_a_cell_that_does_not_parse_is_the_whole_cell():
    broken = "x = 1\n" + SOURCE + "  oops("
    assert read(notebook(code(broken)))["sources"] == {"compute_saliency_maps": broken}


def test_another_exercise_is_not_repeated_as_a_function_that_is_used():
    smooth = "def compute_smoothgrad_maps(X, y, model):\n    return compute_saliency_maps(X, y, model)"
    assert read(notebook(code(SOURCE), code(smooth)))["sources"] == {
        "compute_saliency_maps": SOURCE.strip(),
        "compute_smoothgrad_maps": smooth,
    }


def test_a_source_without_end_is_cut_and_says_how_much_is_left_out():
    long = SOURCE + "    # " + "x" * 50_000
    (source,) = read(notebook(code(long)))["sources"].values()
    assert source.startswith(SOURCE)
    assert source.endswith(f"\n# ... {len(long) - 20_000:,} more characters")


def test_functions_that_are_used_are_bounded_in_number():
    helpers = "".join(f"def h{i}(x):\n    return h{i + 1}(x)\n" for i in range(60))
    (source,) = read(notebook(code(helpers + SOURCE.replace("return X", "return h0(X)"))))["sources"].values()
    assert "def h19(" in source
    assert "def h20(" not in source


def ran(metadata):
    """What is kept of the time of a cell with this metadata."""
    return read(notebook(code(metadata=metadata)))["executed_at"]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"execution": {"iopub.execute_input": "2026-10-05T10:10:10.123456Z"}}, "2026-10-05T10:10:10.123456Z"),
        ({"execution": {"shell.execute_reply.started": "2026-10-05T10:10:10Z"}}, "2026-10-05T10:10:10Z"),
        ({"ExecuteTime": {"start_time": "2026-10-05T10:10:10.5", "end_time": "2027"}}, "2026-10-05T10:10:10.5"),
        ({"papermill": {"start_time": "2026-10-05T10:10:10+02:00"}}, "2026-10-05T10:10:10+02:00"),
        ({"executionInfo": {"timestamp": 1791195010123, "user": {"displayName": "Jane"}}}, "2026-10-05T10:10:10.123+00:00"),
        ({"execution": {"iopub.execute_input": "<b>now</b>"}}, ""),
        ({"execution": {"iopub.execute_input": 7}, "ExecuteTime": ["x"], "executionInfo": {"timestamp": -1}}, ""),
        ({"executionInfo": {"timestamp": 10**30}}, ""),
        ({}, ""),
    ],
)
def test_the_time_of_a_cells_execution_is_kept_as_editors_note_it(metadata, expected):
    assert ran(metadata) == [expected]


def test_every_cell_has_its_id_and_time_in_order_whatever_its_kind():
    colab = code(metadata={"id": "Colab_1"})
    del colab["id"]
    bad = code(name="<script>")
    raw = notebook(markdown("a", "words"), code(name="first"), colab, bad)
    assert read(raw)["cell_ids"] == ["words", "first", "Colab_1", ""]
    assert read(raw)["executed_at"] == [""] * 4
    assert read(SOURCE.encode(), "mine.py")["cell_ids"] == []


def test_a_notebook_of_format_3_has_no_ids():
    raw = v3.writes_json(v3.new_notebook(worksheets=[v3.new_worksheet(cells=[v3.new_code_cell(input=SOURCE)])])).encode()
    assert read(raw)["cell_ids"] == [""]


# What cannot be read


def test_a_file_that_is_no_notebook_says_so():
    whole = notebook(code())
    for raw in (
        b"",
        b"[]",
        b"7",
        b"{}",
        b"null",
        b'"text"',
        whole[:-3],
        b"\x89PNG\r\n",
        b"[" * 100_000,
        b"<html>Please log in</html>",
        b'{"cells": 7}',
        b'{"cells": {"a": 1}}',
        b'{"worksheets": [7]}',
        b'{"cells": [' + b"9" * 10_000 + b"]}",
    ):
        assert "nb.ipynb is not a notebook, or it is damaged (" in problem(raw), raw[:20]


def test_a_merge_that_was_not_finished_is_told_with_its_line():
    text = nbformat.writes(v4.new_notebook(cells=[v4.new_code_cell(SOURCE)]))
    assert "nb.ipynb, line 1 is a mark of a merge" in problem(f"<<<<<<< HEAD\n{text}\n=======\n{{}}\n>>>>>>> mine\n".encode())


@pytest.mark.parametrize("raw", [notebook(), notebook(code("  \n")), notebook(markdown("# Only words"))])
def test_a_notebook_without_code_and_answers_says_so(raw):
    assert problem(raw) == "There is no code in nb.ipynb."
    assert problem(b"\n\n", "mine.py") == "There is no code in mine.py."


def test_answers_without_code_are_read():
    found = read(notebook(markdown("My words.", "answer-3")))
    assert (found["problem"], found["parts"], found["answers"]["question-3"]) == ("", [], "My words.")


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "language": "R"}},
        {"language_info": {"name": "julia"}},
        {"kernelspec": {"name": "x", "language": "python"}, "language_info": {"name": "Scala"}},
    ],
)
def test_another_language_is_refused(metadata):
    assert "is a notebook in the language" in problem(notebook(code(), **metadata))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "colab": {}},
        {"kernelspec": None, "language_info": 7},
        {"kernelspec": {"language": "Python3"}},
        {"kernelspec": {"language": ["R"]}, "language_info": {"name": ""}},
        {"language_info": {"name": "python"}},
    ],
)
def test_python_is_taken_however_it_is_told(metadata):
    assert sources(notebook(code(), **metadata)) == [SOURCE]


def test_odd_cells_cost_the_others_nothing():
    odd = [
        None,
        7,
        "text",
        [],
        {},
        {"cell_type": "code"},
        code(None),
        code({"a": 1}),
        code([1, "x = 1", None]),
        code("y = 2", {"id": 1}),
    ]
    odd += [
        code("z = 3", metadata="odd", outputs="odd"),
        code("a = 4", metadata={"nbgrader": "odd"}, outputs=[None, 7, {"data": 7}, {"data": {"image/png": 7}}]),
    ]
    odd += [{"cell_type": ["code"], "source": "b = 5"}, markdown("c", metadata=[])]
    assert [source for source in sources(notebook(*odd)) if source] == ["x = 1", "y = 2", "z = 3", "a = 4"]


def test_odd_metadata_and_numbers_cost_nothing():
    raw = notebook(code()).replace(b'"metadata": {}', b'"metadata": {"x": [NaN, -Infinity, 1e999]}')
    assert sources(raw) == [SOURCE]
    assert sources(b'{"metadata": "odd", "cells": [%s]}' % json.dumps(code()).encode()) == [SOURCE]


def test_the_amount_of_code_is_limited(monkeypatch):
    monkeypatch.setattr(reading.limits, "CODE_CHARACTERS", 200)
    monkeypatch.setattr(reading.limits, "CODE_CELLS", 5)
    half = "#" * 100
    assert sources(notebook(code(half), code(half))) == [half, half]
    assert problem(notebook(code(half), code(half), code("#"))) == "nb.ipynb holds more than 200 characters of code."
    assert problem(b"#" * 201, "mine.py") == "mine.py holds more than 200 characters of code."
    assert "holds more than 200 characters" in problem(notebook(code("!\n" * 100)))
    assert len(sources(notebook(*[code("#")] * 5))) == 5
    assert problem(notebook(*[code("#")] * 6)) == "nb.ipynb has 6 code cells; expected at most 5."


def test_too_much_code_is_refused_before_it_is_parsed(monkeypatch):
    monkeypatch.setattr(reading, "parsed", None)
    assert problem(b"#" * 2_000_001, "mine.py") == "mine.py holds more than 2,000,000 characters of code."
    assert problem(notebook(*[code("")] * 20_000, code("#"))) == "nb.ipynb has 20,001 code cells; expected at most 20,000."


def test_what_comes_back_is_limited_as_a_whole(monkeypatch):
    assert sources(notebook(code("x = 1")))
    monkeypatch.setattr(reading.limits, "OUTLINE_BYTES", 300)
    assert "bytes of code, answers and figures; expected 300." in problem(notebook(code("# " + "\0é" * 30)))


def test_a_parser_that_fails_in_its_own_way_costs_no_traceback(monkeypatch):
    for error, told in (
        (MemoryError(), "takes more memory to read than there is"),
        (KeyError("x"), "cannot be read (KeyError)"),
        (RecursionError(), "cannot be read (RecursionError)"),
    ):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(reading, "parsed", fail)
        assert told in problem(notebook(code()))
    assert problem(b"# -*- coding: hex -*-\nx = 1", "mine.py") == "mine.py cannot be read (LookupError)."


# Answers


def test_answers_are_those_of_submit_cut_to_a_length():
    raw = notebook(
        code(),
        markdown("*Your answer:* one", "answer-1"),
        markdown("two", "x", metadata={"nbgrader": {"grade_id": "answer-2"}}),
        markdown("## Inline question 3\nWhy?"),
        markdown("x" * 30_000),
        markdown("*Your answer:*", "answer-4"),
        markdown("five", "x", metadata={"nbgrader": {"grade_id": ["answer-5"]}}),
    )
    assert read(raw)["answers"] == {
        "question-1": "one",
        "question-2": "two",
        "question-3": "x" * 20_000,
        "question-4": "",
        "question-5": "",
        "question-6": "",
        "question-7": "",
        "question-8": "",
        "question-9": "",
    }


# Figures


def figure(*cells):
    found = read(notebook(code(), *cells))["figures"]["saliency-figure"]
    return [opened(encoded) for encoded in found]


def colour(image):
    return image.convert("RGB").getpixel((1, 1))


def test_a_figure_is_found_by_id_by_grade_id_or_by_the_same_source():
    graded = {"nbgrader": {"grade_id": "saliency-figure"}}
    for cell in (
        code("mine", "saliency-figure", picture()),
        code("mine", "x", picture(), metadata=graded),
        code(" show(saliency)\n", "x", picture()),
    ):
        assert [colour(image) for image in figure(cell)] == [(255, 0, 0)]
    by_id, by_source = code("mine", "saliency-figure", picture("lime")), code("show(saliency)", "x", picture("blue"))
    assert [colour(image) for image in figure(by_id, by_source)] == [(0, 255, 0)]
    assert figure(code("other", "x", picture())) == figure(markdown("show(saliency)", "x")) == figure() == []


def test_of_several_cells_the_last_counts_and_of_its_pictures_the_first():
    both = code("mine", "saliency-figure")
    both["outputs"] = [
        {"data": {"text/plain": "x"}},
        {"data": {"image/png": picture("lime")}},
        {"data": {"image/png": picture("blue")}},
    ]
    assert [colour(image) for image in figure(code("mine", "saliency-figure", picture()), both)] == [(0, 255, 0)]


def test_a_figure_of_the_kit_is_read_out_of_its_html(monkeypatch):
    drawing, shown = Figure(figsize=(4, 2), facecolor="lime"), []

    def display(one):
        data = DisplayFormatter().format(one)[0]  # a kernel sends bytes as base64
        shown.append({kind: base64.b64encode(it).decode() if isinstance(it, bytes) else it for kind, it in data.items()})

    monkeypatch.setattr(figures, "display", display)
    figures.show(drawing, "all green")
    cell = code("mine", "saliency-figure", outputs=[{"output_type": "display_data", "metadata": {}, "data": shown[0]}])
    (image,) = figure(cell)
    assert image.format == "PNG"
    assert image.size == (720, 360)
    assert np.abs(np.subtract(colour(image), (0, 255, 0))).max() < 8


def test_a_picture_in_several_lines_is_one():
    encoded = picture()
    assert [colour(image) for image in figure(code("m", "saliency-figure", [encoded[:40] + "\n", encoded[40:]]))] == [(255, 0, 0)]


@pytest.mark.parametrize(
    ("mode", "drawn", "seen"),
    [
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("LA", (0, 0), (255, 255, 255)),
        ("L", 0, (0, 0, 0)),
        ("1", 1, (255, 255, 255)),
        ("P", 0, (0, 0, 0)),
    ],
)
def test_pictures_of_all_kinds_are_drawn_on_white(mode, drawn, seen):
    assert [colour(image) for image in figure(code("m", "saliency-figure", picture(drawn, (5, 5), mode)))] == [seen]


def test_a_launcher_has_imported_what_reads_a_notebooks_pictures_and_pillow_looks_for_no_other_formats():
    code = (
        "import sys; from pathlib import Path; from cs231n.instructor.sandbox.inside import child, reading\n"
        "child.prepared(); before = set(sys.modules)\n"
        "path = Path('NetworkVisualization.ipynb')\n"
        "found = reading.outline(path.name, path.read_bytes(), {'saliency-figure': ''})\n"
        "print(len(found['figures']['saliency-figure']), [name for name in sys.modules.keys() - before if 'ImagePlugin' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 []"


@pytest.mark.parametrize(
    ("size", "made"), [((1440, 300), (720, 150)), ((30, 5760), (15, 2880)), ((720, 2880), (720, 2880)), ((1, 1), (1, 1))]
)
def test_a_large_picture_becomes_smaller(size, made):
    assert [image.size for image in figure(code("m", "saliency-figure", picture("red", size)))] == [made]


def test_a_picture_that_does_not_pack_becomes_smaller_still():
    noise = io.BytesIO()
    Image.frombytes("RGB", (720, 1500), os.urandom(720 * 1500 * 3)).save(noise, "PNG", compress_level=1)
    (encoded,) = read(notebook(code(), code("m", "saliency-figure", base64.b64encode(noise.getvalue()).decode())))["figures"][
        "saliency-figure"
    ]
    assert len(encoded) <= reading.limits.PICTURE_CHARACTERS
    assert opened(encoded).size == (360, 750)


def test_a_picture_is_made_anew_without_what_it_carried():
    made, extra = io.BytesIO(), PngImagePlugin.PngInfo()
    extra.add_text("Comment", "<script>alert(1)</script>")
    Image.new("RGB", (9, 9), "red").save(made, "PNG", pnginfo=extra)
    raw = notebook(code(), code("m", "saliency-figure", base64.b64encode(made.getvalue() + b"<script>").decode()))
    (encoded,) = read(raw)["figures"]["saliency-figure"]
    assert b"script" in made.getvalue()
    assert b"script" not in base64.b64decode(encoded)


def pretended(width, height):
    raw = bytearray(base64.b64decode(picture()))
    raw[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_figure_is_read_in_each_kind_that_notebooks_hold_and_becomes_a_png(kind):
    content = io.BytesIO()
    Image.new("RGB", (12, 8), "red").save(content, kind)
    cell = code("m", "saliency-figure")
    data = {f"image/{kind.lower()}": base64.b64encode(content.getvalue()).decode(), "text/plain": "<Figure>"}
    cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data}]
    (found,) = figure(cell)
    assert (found.format, found.size) == ("PNG", (12, 8))
    assert max(abs(a - b) for a, b in zip(found.convert("RGB").getpixel((3, 3)), (255, 0, 0), strict=True)) < 9


def test_what_is_no_whole_png_is_left_out():
    jpeg, whole = io.BytesIO(), picture()
    Image.new("RGB", (9, 9)).save(jpeg, "JPEG")
    svg = base64.b64encode(b"<svg onload='alert(1)'/>").decode()
    for png in (
        "no base64",
        "é",
        svg,
        base64.b64encode(jpeg.getvalue()).decode(),
        whole[:60],
        pretended(50_000, 50_000),
        pretended(0, 5),
        "A" * 100_000,
    ):
        assert figure(code("m", "saliency-figure", png)) == []


def test_more_pixels_than_the_limit_are_not_opened(monkeypatch):
    monkeypatch.setattr(reading.limits, "OPENED_PIXELS", 1200)
    assert len(figure(code("m", "saliency-figure", picture(size=(40, 30))))) == 1
    assert figure(code("m", "saliency-figure", picture(size=(40, 31)))) == []


# Archives


def zipped(members, **attributes):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, attributes.get("date", (2024, 1, 1, 0, 0, 0)))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return made.getvalue()


def chosen(*members):
    """The name of the member that is read; each holds its own name."""
    archive = zipped(
        [(name, notebook(code(f"# {name}")) if name.lower().endswith(".ipynb") else f"# {name}") for name in members]
    )
    (source,) = sources(archive, "nb.zip")
    return source.removeprefix("# ")


@pytest.mark.parametrize(
    "members",
    [
        ["work.ipynb"],
        ["NetworkVisualization.ipynb", "zzz.ipynb", "NetworkVisualization.html"],
        ["work.ipynb", "net_visualization_pytorch.py"],
        ["my networkvisualization (1).ipynb", "other.ipynb", "net_visualization_pytorch.py"],
        ["a/b/c/work.ipynb", "a/setup.py"],
        ["a\\b\\work.ipynb", "a\\.ipynb_checkpoints\\NetworkVisualization-checkpoint.ipynb"],
        ["work.ipynb", ".ipynb_checkpoints/NetworkVisualization.ipynb", "__MACOSX/NetworkVisualization.ipynb"],
        ["net_visualization_pytorch.py", "zzz.py"],
        ["cs231n/net_visualization_pytorch.py", "cs231n/data_utils.py", "README.md"],
        ["WORK.IPYNB", "a.py"],
        ["MINE.PY"],
    ],
)
def test_of_an_archive_the_likeliest_file_is_read(members):
    assert chosen(*members) == members[0]
    assert chosen(*reversed(members)) == members[0]


def test_of_two_alike_the_later_counts():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for folder, year in (("a", 2023), ("b", 2025), ("c", 2024)):
            archive.writestr(zipfile.ZipInfo(f"{folder}/nb.ipynb", (year, 1, 1, 0, 0, 0)), notebook(code(f"# {folder}")))
    assert sources(made.getvalue(), "nb.zip") == ["# b"]


def test_links_and_folders_in_an_archive_are_not_read(tmp_path):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        link = zipfile.ZipInfo("NetworkVisualization.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("folder.ipynb/", b"")
        archive.writestr("folder.py/", b"")
        archive.writestr("../../outside.ipynb", notebook(code()))
    assert problem(made.getvalue(), "nb.zip") == "There is no notebook and no Python file in nb.zip."
    assert list(tmp_path.iterdir()) == []


def encrypted(raw):
    raw = bytearray(raw)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + offset] |= 1
    return bytes(raw)


def test_an_archive_that_cannot_be_unpacked_says_why():
    whole = zipped([("nb.ipynb", notebook(code("x = 1\n" * 500)))])
    damaged = whole[:60] + bytes(20) + whole[80:]
    for raw, told in (
        (b"<html>", "BadZipFile"),
        (b"", "BadZipFile"),
        (whole[:50], "BadZipFile"),
        (damaged, "cannot be unpacked"),
    ):
        said = problem(raw, "nb.zip")
        assert said.startswith("nb.zip cannot be unpacked (")
        assert told in said
    assert problem(encrypted(whole), "nb.zip") == "nb.zip is encrypted; expected an archive without a password."
    broken_name = bytearray(zipped([("é.ipynb", notebook(code()))]))
    broken_name[broken_name.rindex("é".encode())] = 0xFF
    assert problem(bytes(broken_name), "nb.zip").startswith("nb.zip cannot be unpacked (")
    assert problem(zipped([]), "nb.zip") == "There is no notebook and no Python file in nb.zip."
    held = problem(zipped([("report.docx", b""), ("work.7z", b"")]), "NB.ZIP")
    assert held.startswith("There is no notebook and no Python file in NB.ZIP. It holds report.docx, work.7z. ")
    assert "work.7z is a 7-Zip archive, which cannot be opened here" in held


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(reading.limits, "UNPACKED_BYTES", 1_000_000)
    bomb = zipped([("nb.ipynb", bytes(50_000_000))])
    tracemalloc.start()
    try:
        assert problem(bomb, "nb.zip") == "nb.ipynb in nb.zip unpacks to more than 1 MB."
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert "not a notebook" in problem(zipped([("nb.ipynb", bytes(1_000_000))]), "nb.zip")


def test_the_name_in_an_archive_is_cut():
    name = "x" * 5000 + ".ipynb"
    ((place, _),) = read(zipped([(name, notebook(code()))]), "nb.zip")["parts"]
    assert place == f"{name[-100:]}, code cell 1"


def test_the_assignments_own_files_are_known_by_name():
    assert is_expected("NetworkVisualization.ipynb")
    assert is_expected("doe_networkvisualization-2.ipynb")
    assert is_expected("net_visualization_pytorch.py")
    assert not is_expected("my_net_visualization_pytorch.py.txt")


# Several files


def stub(*others):
    return notebook(code("def compute_saliency_maps(X, y, model):\n    raise NotImplementedError"), *others)


def dated(members):
    """A zip. members: {name: bytes}, each a year younger than the one before."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for year, (name, content) in enumerate(members.items(), 2020):
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content)
    return made.getvalue()


FILLED = notebook(code(SOURCE), markdown("My words.", "answer-1"))


def test_of_several_notebooks_the_one_that_is_filled_in_counts_and_the_others_are_named():
    found = read(dated({"work_solved.ipynb": FILLED, f"kit/{NAME}": stub()}), "nb.zip")
    assert (found["counts"], found["answers"]["question-1"]) == ("work_solved.ipynb", "My words.")
    assert found["notes"] == [f"work_solved.ipynb counts: it is filled in, and the later or likelier one. Beside it: kit/{NAME}."]


def test_of_two_in_which_as_much_is_done_the_assignments_name_and_then_the_date_decide():
    assert read(dated({NAME: FILLED, "later.ipynb": FILLED}), "nb.zip")["counts"] == NAME
    assert read(dated({"a.ipynb": FILLED, "b.ipynb": FILLED}), "nb.zip")["counts"] == "b.ipynb"
    assert read(dated({"a.ipynb": stub(), "b.ipynb": stub()}), "nb.zip")["counts"] == "b.ipynb"


def test_where_the_exercises_are_the_same_the_answers_decide():
    same = notebook(code(SOURCE), markdown("*Your answer:*", "answer-1"))
    assert read(dated({"answered.ipynb": FILLED, "later.ipynb": same}), "nb.zip")["counts"] == "answered.ipynb"


def test_the_first_file_of_a_folder_counts_unless_nothing_is_done_in_it():
    packed = dated({"first.ipynb": FILLED, NAME: FILLED})
    assert outline("s.zip", packed, {}, first="first.ipynb")["counts"] == "first.ipynb"
    assert outline("s.zip", packed, {})["counts"] == NAME
    assert outline("s.zip", dated({"first.ipynb": stub(), NAME: FILLED}), {}, first="first.ipynb")["counts"] == NAME


def test_a_notebook_that_cannot_be_read_is_named_and_the_other_counts():
    found = read(dated({"work.ipynb": FILLED, NAME: b"{"}), "nb.zip")
    assert found["counts"] == "work.ipynb"
    assert any(f"{NAME} is not a notebook" in note for note in found["notes"])


def test_archives_in_archives_and_other_kinds_of_archives_are_read():
    inner, tar = zipped([("nb.ipynb", FILLED)]), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        info = tarfile.TarInfo("hw/nb.ipynb")
        info.size = len(FILLED)
        archive.addfile(info, io.BytesIO(FILLED))
    for name, raw, path in (
        ("w.zip", zipped([("submission.zip", inner)]), "submission.zip/nb.ipynb"),
        ("w.tgz", tar.getvalue(), "hw/nb.ipynb"),
        ("w.ipynb", inner, "nb.ipynb"),
    ):
        assert (read(raw, name)["problem"], read(raw, name)["counts"]) == ("", path)


@pytest.mark.parametrize("name", ["nb.ipynb.json", "nb.ipynb.txt", "NB.IPYNB", "nb.bak"])
def test_a_notebook_is_one_whatever_a_browser_has_called_it(name):
    assert sources(FILLED, name) == [SOURCE]


@pytest.mark.parametrize(("name", "raw"), [("work.7z", b""), ("work.zip", b"7z\xbc\xaf'\x1c"), ("work.rar", b"Rar!")])
def test_an_archive_that_cannot_be_opened_is_named(name, raw):
    said = problem(raw, name)
    assert said.startswith(f"{name} is a ")
    assert said.endswith(
        "archive, which cannot be opened here; expected a notebook (.ipynb), a Python file, or a zip or tar archive with these."
    )


def test_the_names_alone_tell_notebooks_archives_and_python_apart():
    assert [kind(name) for name in ("a.ipynb", "a.ipynb.txt", "a.zip", "a.tar.gz", "a.py", "a.txt", "a.7z")] == [
        3,
        3,
        2,
        2,
        1,
        0,
        0,
    ]


# Modules of the student's own


def test_modules_that_the_notebook_imports_come_with_it_under_their_names():
    main = notebook(code("from cs231n.net_visualization_pytorch import compute_saliency_maps"))
    for path in ("kit/cs231n/net_visualization_pytorch.py", "net_visualization_pytorch.py"):
        found = read(zipped([("kit/nb.ipynb", main), (path, SOURCE), ("kit/unused.py", "x = 1")]), "nb.zip")
        assert found["parts"][1:] == [[path, SOURCE, "cs231n.net_visualization_pytorch"]]
        assert found["notes"] == []


def test_a_module_that_was_not_handed_in_is_told():
    found = read(notebook(code("from cs231n.net_visualization_pytorch import compute_saliency_maps")))
    assert found["notes"] == [
        "compute_saliency_maps is imported from cs231n.net_visualization_pytorch, and no such file was handed in with nb.ipynb."
    ]


def test_an_exercise_that_is_only_in_a_file_that_nothing_imports_is_taken_from_there_and_that_is_told():
    found = read(zipped([("nb.ipynb", notebook(code("x = 1"))), ("my work.py", SOURCE)]), "nb.zip")
    assert found["parts"][1:] == [["my work.py", SOURCE, "beside.my_work"]]
    assert found["notes"] == ["compute_saliency_maps: taken from my work.py, which nb.ipynb does not import."]
    found = read(zipped([("nb.ipynb", stub()), ("mine.py", SOURCE)]), "nb.zip")
    assert len(found["parts"]) == 1
    assert found["notes"] == ["mine.py defines compute_saliency_maps, of which nb.ipynb has a stub, which counts."]


def test_the_exercises_may_lie_in_several_python_files():
    fooling = "def make_fooling_image(X, target_y, model):\n    return X\n"
    found = read(zipped([("a.py", SOURCE), ("b.py", fooling)]), "nb.zip")
    assert sorted(source for _, source, *_ in found["parts"]) == sorted([SOURCE, fooling])


def test_the_code_of_modules_counts_to_the_limit(monkeypatch):
    monkeypatch.setattr(reading.limits, "CODE_CHARACTERS", 200)
    main, large = notebook(code("import mine")), "#" * 190
    assert "more than 200 characters of code" in problem(zipped([("nb.ipynb", main), ("mine.py", large)]), "nb.zip")


# Pictures in answers


def answered(*texts, **attachments):
    cells = [markdown(text, f"answer-{number}") for number, text in enumerate(texts, 1)]
    cells[0]["attachments"] = {name: {"image/png": data} for name, data in attachments.items()}
    return read(notebook(code(), *cells))


@pytest.mark.parametrize(
    "text",
    [
        "see ![a sketch](attachment:sketch) here",
        'see ![](attachment:sketch "title") here',
        "see <img width=3 src='attachment:sketch'/> here",
        "see ![x](data:image/png;base64,DATA) here",
        'see <img src="data:image/png;base64,DATA" alt="x"> here',
        "see data:image/png;base64,DATA\n",
    ],
)
def test_a_picture_in_an_answer_is_made_anew_and_its_place_is_marked(text):
    found = answered(text.replace("DATA", picture("lime")), sketch=picture("lime"))
    encoded, *_ = found["answer_pictures"]["question-1"]
    assert colour(opened(encoded)) == (0, 255, 0)
    assert found["answers"]["question-1"].startswith("see [picture 1]")


def test_photographs_are_shown_upright_and_small():
    photograph, orientation = io.BytesIO(), Image.Exif()
    orientation[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (4000, 3000), "red").save(photograph, "JPEG", exif=orientation)
    found = answered(f"![x](data:image/jpeg;base64,{base64.b64encode(photograph.getvalue()).decode()})")
    (encoded,) = found["answer_pictures"]["question-1"]
    assert opened(encoded).format == "PNG"
    assert opened(encoded).size == (720, 960)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![x](data:image/png;base64,QUJD)", "[picture that cannot be shown: x]"),
        ("![x](data:image/svg+xml;base64,PHN2Zy8+)", "[picture that cannot be shown: x]"),
        ("![x](attachment:gone.png)", "[picture that cannot be shown: gone.png]"),
        ("![x](sketch.jpg)", "[picture that is not in the notebook: sketch.jpg]"),
        ("![](https://example.org/a.png)", "[picture that is not in the notebook: https://example.org/a.png]"),
        ("<img src=https://example.org/a.png>", "[picture that is not in the notebook: https://example.org/a.png]"),
    ],
)
def test_a_picture_that_cannot_be_shown_leaves_a_word(text, expected):
    found = answered(text)
    assert (found["answers"]["question-1"], found["answer_pictures"]) == (expected, {})


def test_the_pictures_of_answers_are_bounded_one_by_one_and_in_all(monkeypatch):
    one = f"![x](data:image/png;base64,{picture()})"
    found = answered(one * 6)
    assert len(found["answer_pictures"]["question-1"]) == 4
    assert found["answers"]["question-1"].endswith("[one more picture, of which 4 are shown: x]" * 2)
    monkeypatch.setattr(reading.limits, "ANSWER_PICTURES_CHARACTERS", len(found["answer_pictures"]["question-1"][0]) + 10)
    found = answered(one, one)
    assert found["answers"]["question-2"] == "[picture that cannot be shown: x]"


def test_much_base64_that_does_not_end_well_is_looked_through_quickly():
    found = answered("![x](data:image/png;base64," + "A" * 3_000_000 + "!")
    assert "cannot be shown" in found["answers"]["question-1"]


def test_where_an_answer_was_found_is_said_and_a_cut_one_too():
    kit = {"question-1-text": "### Inline question 1\n\nWhy is the sign of the gradient lost in a saliency map?"}
    raw = notebook(
        code(), markdown(kit["question-1-text"] + "\n\nBecause.", "question-1-text"), markdown("x" * 30_000, "answer-2")
    )
    found = outline("nb.ipynb", raw, {}, kit)
    assert found["answers"]["question-1"] == "Because."
    assert found["answer_notes"]["question-1"] == "It was written into the cell of the question."
    assert found["answer_notes"]["question-2"] == "Only the first 20,000 of its 30,000 characters are shown."
    assert found["answer_notes"]["question-3"] == "Its cell is gone, and no likely answer was found elsewhere."


def test_a_python_file_says_that_no_answer_is_looked_for_unless_it_asks_the_questions():
    assert read(SOURCE.encode(), "mine.py")["notes"] == [
        "mine.py is a Python file, in which no answer to a question is looked for."
    ]
    script = f'"""### Inline question 2\nWhy?"""\n\n"""So."""\n\n{SOURCE}'
    assert read(script.encode(), "mine.py")["answers"]["question-2"] == "So."


# Memory


@pytest.mark.parametrize("output", ["plain lines", "lines with an emoji", "one long line", "a picture", "format 3"])
def test_much_output_takes_few_times_its_size(output):
    line = "step 1 of very many: the loss is nan and so is all that depends on it\n"
    size = 8_000_000
    text = {
        "plain lines": [line] * (size // 75),
        "lines with an emoji": ["😀\n", *[line] * (size // 75)],
        "one long line": "x" * size,
    }
    data = {"image/png": "A" * size} if output == "a picture" else {"text/plain": text.get(output)}
    cell = code(outputs=[{"output_type": "display_data", "metadata": {}, "data": data}])
    raw = json.dumps(json.loads(notebook(cell)), ensure_ascii=False).encode()
    if output == "format 3":
        cell = v3.new_code_cell(input=SOURCE, outputs=[v3.new_output("stream", output_text="x" * size)])
        raw = v3.writes_json(v3.new_notebook(worksheets=[v3.new_worksheet(cells=[cell])])).encode()
    assert len(raw) > 7_000_000
    tracemalloc.start()
    try:
        found = outline("nb.ipynb", raw, FIGURE)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(raw)
    finally:
        tracemalloc.stop()
    ((_, source),) = found["parts"]
    assert source.strip() == SOURCE.strip()
    assert len(json.dumps({**found, "answer_notes": {}, "needed": {}})) < 700


# What the grader makes of it


def good():
    return {
        "problem": "",
        "parts": [["nb.ipynb, code cell 1", SOURCE]],
        "counts": "",
        "answers": {"question-1": "Because."},
        "answer_notes": {"question-1": "It was written into the cell of the question."},
        "answer_pictures": {"question-1": [picture()]},
        "figures": {"saliency-figure": [picture()]},
        "notes": ["A note."],
        "sources": {"compute_saliency_maps": SOURCE},
        "cell_ids": ["c", ""],
        "executed_at": ["2026-10-05T10:10:10.123456Z", ""],
        "unfinished": ["make_fooling_image"],
        "needed": {"compute_saliency_maps": [0], "make_fooling_image": []},
    }


def test_an_outline_of_the_agreed_form_passes_as_it_is():
    found = good()
    assert dataclasses.asdict(checked_outline(found, FIGURE)) == good()


BAD = {
    "problem": [None, 7, ["x"], "x" * 601, "\ud800"],
    "parts": [
        None,
        {},
        "ab",
        [["a"]],
        [["a", "b", "no name"]],
        [["a", "b", "c", "d"]],
        [["a", "b", 7]],
        [["a", "b", "a..b"]],
        [("a", "b")],
        ["ab"],
        [["a", 7]],
        [[None, "b"]],
        [["a", "\udfff"]],
        [["a" * 601, "b"]],
        [["a", "#" * 2_000_001]],
        [["a", "#" * 1_000_001], ["b", "#" * 1_000_001]],
        [["a", "b"]] * 20_081,
    ],
    "answers": [
        None,
        [],
        {"question-10": "x"},
        {"question-1": None},
        {"question-1": "x" * 20_001},
        {"question-1": "\ud800"},
        {"": ""},
    ],
    "counts": [None, 7, "x" * 601, "\ud800"],
    "answer_notes": [None, [], {"question-10": "x"}, {"question-1": None}, {"question-1": "x" * 601}, {"question-1": "\ud800"}],
    "answer_pictures": [
        None,
        [],
        {"question-10": []},
        {"question-1": None},
        {"question-1": picture()},
        {"question-1": [picture()] * 5},
        {"question-1": ['"><script>alert(1)</script>']},
        {"question-1": [picture(size=(721, 1))]},
    ],
    "figures": [
        None,
        [],
        {"other": []},
        {"saliency-figure": None},
        {"saliency-figure": picture()},
        {"saliency-figure": [picture(), picture()]},
        {"saliency-figure": [None]},
        {"saliency-figure": [""]},
        {"saliency-figure": ["é"]},
        {"saliency-figure": [picture() + "<script>"]},
        {"saliency-figure": ['"><script>alert(1)</script>']},
        {"saliency-figure": [base64.b64encode(b"<svg/>").decode()]},
        {"saliency-figure": [base64.b64encode(base64.b64decode(picture())[:20]).decode()]},
        {"saliency-figure": [picture().replace("iVBORw", "iVBORx", 1)]},
        {"saliency-figure": [picture(size=(721, 1))]},
        {"saliency-figure": [picture(size=(1, 2881))]},
        {"saliency-figure": [pretended(0, 1)]},
        {"saliency-figure": [picture() + "AAAA" * 250_000]},
    ],
    "notes": [None, "note", [None], ["x" * 601], ["\ud800"], ["a"] * 9],
    "sources": [
        None,
        [],
        {"os.system": "x"},
        {"make_fooling_image": None},
        {"make_fooling_image": "x" * 20_061},
        {"make_fooling_image": "\ud800"},
    ],
    "cell_ids": [None, "c", [None], ["<script>"], ["x" * 65], ["c\n"], ["c"] * 2001],
    "executed_at": [None, "now", [None], ["yesterday"], ["2026-10-05T10:10:10<b>"], ["2026-10-05T10:10:10\n"], [""] * 2001],
    "unfinished": [None, "make_fooling_image", [None], ["other"], ["make_fooling_image"] * 8],
    "needed": [
        None,
        [],
        {"os.system": [0]},
        {"make_fooling_image": None},
        {"make_fooling_image": ["0"]},
        {"make_fooling_image": [True]},
        {"make_fooling_image": [[0]]},
        {"make_fooling_image": [-1]},
        {"make_fooling_image": [1]},
        {"make_fooling_image": [0, 0]},
    ],
}


@pytest.mark.parametrize(("key", "number"), [(key, number) for key, values in BAD.items() for number in range(len(values))])
def test_an_outline_of_another_form_is_refused(key, number):
    with pytest.raises(ValueError, match=r"^What came back from reading the file is not in the agreed format: .+\.$"):
        checked_outline({**good(), key: BAD[key][number]}, FIGURE)


def test_of_two_parts_neither_can_be_named_twice():
    two = {**good(), "parts": [["a", "b"], ["c", "d"]]}
    assert checked_outline({**two, "needed": {"make_fooling_image": [1, 0]}}, FIGURE).parts_for("make_fooling_image") == [
        ["c", "d"],
        ["a", "b"],
    ]
    with pytest.raises(ValueError, match="the numbers of parts"):
        checked_outline({**two, "needed": {"make_fooling_image": [1, 1]}}, FIGURE)


def test_of_an_exercise_whose_parts_are_not_told_all_are_given():
    found = checked_outline({**good(), "needed": {}}, FIGURE)
    assert found.parts_for("compute_saliency_maps") == good()["parts"]


@pytest.mark.parametrize(
    "found", [None, [], "x", {}, {**good(), "more": 1}, {key: value for key, value in good().items() if key != "notes"}]
)
def test_an_outline_with_other_keys_is_refused(found):
    with pytest.raises(ValueError, match="not in the agreed format: its keys"):
        checked_outline(found, FIGURE)
