"""Read a submission's file: its code, its answers, its figures. This runs in the sandbox, since a file can be made to harm.

What comes out of the sandbox is not trusted either: the grader looks it over by `checked_outline`.
"""

import base64
import io
import json
import re
import stat
import struct
import warnings
import zipfile
from pathlib import PureWindowsPath

import nbformat
from PIL import Image

from ..checks import student_file
from ..submit import OPTIONAL_QUESTIONS, QUESTIONS, answers

SIZE_LIMIT = 300_000_000  # bytes of a file
IMAGE_WIDTH, IMAGE_HEIGHT = 720, 2880
IMAGE_PIXELS = 20_000_000  # of the largest picture that is opened
IMAGE_LIMIT = 1_000_000  # characters of a picture in base64
SOURCE_LIMIT = 2_000_000  # characters of code
PARTS_LIMIT = 20_000  # cells with code
ANSWER_LIMIT = 20_000
TEXT_LIMIT = 600  # characters of a problem, a note, the name of a part
NOTES_LIMIT = 3
OUTLINE_LIMIT = 15_000_000  # bytes of the whole as JSON
PNG = b"\x89PNG\r\n\x1a\n"
ASTRAL = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")  # emoji, for one
HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # cannot be written as UTF-8


# In the sandbox


def outline(name, raw, figures):
    """Return what of a file matters for its grade, as JSON: {"problem", "parts", "answers", "figures", "notes"}.

    name: the file's. raw: its bytes. figures: {cell id: source} of the reference's cells. problem: a sentence if the file
    cannot be read, else "". parts: [[name, source]] of its code. answers: {question: Markdown}. figures: {cell id: [base64
    of a PNG made anew]}, at most one each. notes: sentences. Raises nothing; all strings can be written as UTF-8.
    """
    try:
        found = _outline(name, raw, figures)
        size = len(json.dumps(found))
        if size > OUTLINE_LIMIT:
            raise ValueError(f"{name[:100]} holds {size:,} bytes of code, answers and figures; expected {OUTLINE_LIMIT:,}.")
        return found
    except ValueError as error:
        problem = str(error)
    except MemoryError:
        problem = f"{name[:100]} takes more memory to read than there is; its outputs may be very large."
    except Exception as error:  # a parser's own: a file can be odd in more ways than one can think of
        problem = f"{name[:100]} cannot be read ({type(error).__name__})."
    return {"problem": _text(problem, TEXT_LIMIT), "parts": [], "answers": {}, "figures": {}, "notes": []}


def _outline(name, raw, figures):
    if _ends(name, ".zip"):
        name, raw = _member(name, raw)
    name, written, pictures = _text(name, 100), {}, {}
    if _ends(name, ".py"):
        sources = {name: _text(student_file.text_of(raw))}
    else:
        notebook = _notebook(name, raw)
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        sources = {f"{name}, code cell {number}": source for number, source in enumerate(code, 1)}
        written = {question: text[:ANSWER_LIMIT] for question, text in answers(notebook).items()}
        pictures = {cell: _pictures(notebook, cell, source) for cell, source in figures.items()}
    if not any(text.strip() for text in (*sources.values(), *written.values())):
        raise ValueError(f"There is no code in {name}.")
    _refuse_much(name, sources.values())
    parts = [student_file.parsed(place, source) for place, source in sources.items()]
    _refuse_much(name, [part.source for part in parts])  # a magic's line is longer as plain Python
    notes = [part.reason for part in parts if part.tree is None and part.source.strip()]
    return {
        "problem": "",
        "parts": [[part.name, part.source] for part in parts],
        "answers": written,
        "figures": pictures,
        "notes": [_text(note, TEXT_LIMIT) for note in notes[:NOTES_LIMIT]],
    }


def is_expected(name):
    """Return whether a file's name says that it is the assignment's notebook, or the file of its exercises."""
    return "networkvisualization" in name.lower() or name == "net_visualization_pytorch.py"


def _ends(name, suffix):
    return name.lower().endswith(suffix)


def _text(text, longest=None):
    return HALF_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text[:longest])


def _refuse_much(name, sources):
    if len(sources) > PARTS_LIMIT:
        raise ValueError(f"{name} has {len(sources):,} code cells; expected at most {PARTS_LIMIT:,}.")
    if sum(map(len, sources)) > SOURCE_LIMIT:
        raise ValueError(f"{name} holds more than {SOURCE_LIMIT:,} characters of code.")


# Archives


def _member(name, raw):
    """Return (name, bytes) of the notebook, or else Python file, in a zip archive. Nothing is written to the disk."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            member = max(filter(_is_plain, archive.infolist()), key=_likelihood, default=None)
            content, locked = b"", member is not None and member.flag_bits & 1
            if member is not None and not locked:
                with archive.open(member) as file:
                    content = file.read(SIZE_LIMIT + 1)
    except Exception as error:  # whatever zipfile and zlib raise for a broken archive, or an encrypted one
        raise ValueError(f"{name[:100]} cannot be unpacked ({type(error).__name__}: {str(error)[:100]}).") from None
    if member is None:
        raise ValueError(f"There is no notebook and no Python file in {name[:100]}.")
    if locked:
        raise ValueError(f"{name[:100]} is encrypted; expected an archive without a password.")
    if len(content) > SIZE_LIMIT:
        raise ValueError(f"{member.filename[:100]} in {name[:100]} unpacks to more than {SIZE_LIMIT // 10**6} MB.")
    return _path(member).name[-100:], content  # the ending tells its kind


def _path(member):
    return PureWindowsPath(member.filename)  # which knows both kinds of slashes


def _is_plain(member):
    """Return whether a member is a file that can be the submission: no link, nothing that a system put beside it."""
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    hidden = any(part.startswith((".", "__MACOSX")) for part in _path(member).parts)
    return not (is_link or hidden) and member.filename.lower().endswith((".ipynb", ".py"))


def _likelihood(member):
    """Order members: the notebook of the assignment, another notebook, the exercises' file, another; then the latest."""
    name = _path(member).name
    return _ends(name, ".ipynb"), is_expected(name), member.date_time


# Notebooks


def _notebook(name, raw):
    """Return the notebook in nbformat 4, of its outputs only the first picture of each cell: `cell.picture`, base64."""
    # With a single one of these characters Python would take four bytes for every character of the file.
    text = student_file.text_of(ASTRAL.sub(_escaped, raw) if raw.startswith(b"{") else raw)
    try:
        content = json.loads(text)
        if isinstance(content.get("worksheets"), list):
            content = _in_format_4(content)
        language = _language(content.get("metadata"))
        if not isinstance(content["cells"], list):
            raise TypeError
        cells = [_plain_cell(cell) for cell in content["cells"] if isinstance(cell, dict)]
    except MemoryError:
        raise
    except Exception as error:  # whatever json and nbformat raise for a broken file
        student_file.parts(name, text[:SOURCE_LIMIT])  # it says what is wrong
        raise ValueError(f"{name} is not a notebook, or it is damaged ({type(error).__name__}).") from None
    if not language.startswith("python"):
        raise ValueError(f"{name} is a notebook in the language {language[:20]}; expected Python.")
    return nbformat.from_dict({"cells": cells})


def _escaped(found):
    return json.dumps(found[0].decode("utf-8", "replace"))[1:-1].encode()


def _in_format_4(content):
    """Return a notebook of format 3, which has its cells in worksheets, in format 4. Its outputs are cut down first."""
    for cell in (cell for sheet in content["worksheets"] for cell in sheet["cells"]):
        outputs = cell.get("outputs")
        pictures = [output["png"] for output in outputs if "png" in output] if isinstance(outputs, list) else []
        cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "png": picture} for picture in pictures[:1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells without an id
        return nbformat.reads(json.dumps(content), as_version=4)


def _language(metadata):
    metadata = metadata if isinstance(metadata, dict) else {}
    for place, key in (("language_info", "name"), ("kernelspec", "language")):
        told = metadata.get(place)
        if isinstance(told, dict) and isinstance(told.get(key), str) and told[key]:
            return told[key].lower()
    return "python"


def _plain_cell(cell):
    """Return of a cell what is needed, each thing of the type that it should have."""
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return {
        "id": cell["id"] if isinstance(cell.get("id"), str) else "",
        "cell_type": cell["cell_type"] if cell.get("cell_type") in ("code", "markdown") else "raw",
        "metadata": {"nbgrader": nbgrader} if isinstance(nbgrader, dict) else {},
        "source": _text(_joined(cell.get("source"))),
        "picture": _first_picture(cell.get("outputs")),
    }


def _joined(lines):
    """Return a text that is one string, or a list of strings."""
    if isinstance(lines, list):
        return "".join(line for line in lines if isinstance(line, str))
    return lines if isinstance(lines, str) else ""


def _first_picture(outputs):
    for output in outputs if isinstance(outputs, list) else []:
        data = output.get("data") if isinstance(output, dict) else None
        picture = _joined(data.get("image/png")) if isinstance(data, dict) else ""
        if picture:
            return picture
    return ""


# Pictures


def _pictures(notebook, name, source):
    """Return the first picture under a cell as [base64 of a PNG made anew], or []."""
    cells = [cell for cell in notebook.cells if name in (cell.id, cell.metadata.get("nbgrader", {}).get("grade_id"))]
    same = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip() == source.strip()]
    found = (cells or same)[-1:]
    made = [_made_anew(cell.picture) for cell in found if cell.picture]
    return [picture for picture in made if picture]


def _made_anew(picture):
    """Decode a picture and return it as a PNG of our own, in base64; None if it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a picture too large
            image = Image.open(io.BytesIO(base64.b64decode(picture)), formats=["PNG"])
        if image.width * image.height > IMAGE_PIXELS:
            return None
        image.load()
        image = image.convert("RGBA")
        image.thumbnail((IMAGE_WIDTH, IMAGE_HEIGHT))
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
        while len(made := _encoded(image)) > IMAGE_LIMIT:
            image = image.reduce(2)
        return made
    except Exception:  # Pillow raises all kinds for broken files
        return None


def _encoded(image):
    made = io.BytesIO()
    image.quantize(128, method=Image.Quantize.FASTOCTREE).save(made, "PNG")
    return base64.b64encode(made.getvalue()).decode()


# In the grader


def checked_outline(found, figures):
    """Return `found` if it is what `outline` returns in its documented form and sizes; raise ValueError if not.

    found: JSON from the sandbox, where a parser's bug may have let the file take over. figures: the known cell ids.
    """
    _expect(type(found) is dict and found.keys() == {"problem", "parts", "answers", "figures", "notes"}, "its keys")
    _expect(_is_text(found["problem"], TEXT_LIMIT), "the problem")
    parts = _list(found["parts"], PARTS_LIMIT, "the list of parts")
    for part in parts:
        _expect(type(part) is list and len(part) == 2, "a part")
        _expect(_is_text(part[0], TEXT_LIMIT) and _is_text(part[1], SOURCE_LIMIT), "the name or source of a part")
    _expect(sum(len(source) for _, source in parts) <= SOURCE_LIMIT, "the length of the code")
    _expect(type(found["answers"]) is dict, "the answers")
    known = {f"question-{number}" for number in (*QUESTIONS, *OPTIONAL_QUESTIONS)}
    for question, text in found["answers"].items():
        _expect(question in known and _is_text(text, ANSWER_LIMIT), "an answer")
    _expect(type(found["figures"]) is dict and found["figures"].keys() <= set(figures), "the figures")
    for pictures in found["figures"].values():
        _expect(all(_is_png(picture) for picture in _list(pictures, 1, "the list of pictures")), "a picture")
    _expect(all(_is_text(note, TEXT_LIMIT) for note in _list(found["notes"], NOTES_LIMIT, "the list of notes")), "a note")
    return found


def _expect(holds, what):
    if not holds:
        raise ValueError(f"What came back from reading the file is not of the agreed form: {what}.")


def _list(found, longest, what):
    _expect(type(found) is list and len(found) <= longest, what)
    return found


def _is_text(text, longest):
    return type(text) is str and len(text) <= longest and not HALF_CHARACTER.search(text)


def _is_png(text):
    """Return whether a text is the base64 of a PNG, within the size that outline makes."""
    if not _is_text(text, IMAGE_LIMIT):
        return False
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    if raw[:8] != PNG or raw[12:16] != b"IHDR" or len(raw) < 24:
        return False
    width, height = struct.unpack(">II", raw[16:24])
    return 0 < width <= IMAGE_WIDTH and 0 < height <= IMAGE_HEIGHT
