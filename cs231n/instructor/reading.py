"""Read a submission's file: its code, its answers, its figures. This runs in the sandbox, since a file can be made to harm."""

import base64
import io
import json
import stat
import warnings
import zipfile
from pathlib import Path

import nbformat
from PIL import Image

from ..checks import student_file
from ..submit import answers

SIZE_LIMIT = 300_000_000  # bytes of a file
IMAGE_WIDTH = 720
IMAGE_PIXELS = 20_000_000  # of the largest picture that is opened
SOURCE_LIMIT = 2_000_000  # characters of code
ANSWER_LIMIT = 20_000


def outline(name, raw, figures):
    """Return what of a file matters for its grade, as JSON: {"problem", "parts", "answers", "figures", "notes"}.

    name: the file's. raw: its bytes. figures: {cell id: source} of the reference's cells.
    problem: a sentence if the file cannot be read, else "". parts: [(name, source)] of its code.
    """
    found = {"problem": "", "parts": [], "answers": {}, "figures": {}, "notes": []}
    try:
        if name.endswith(".zip"):
            name, raw = _member(name, raw)
        if name.endswith(".ipynb"):
            notebook = _notebook(name, raw)
            language = str(notebook.metadata.get("kernelspec", {}).get("language", "python")).lower()
            if not language.startswith("python"):
                raise ValueError(f"{name} is a notebook in the language {language[:20]}; expected Python.")
            found["answers"] = {question: text[:ANSWER_LIMIT] for question, text in answers(notebook).items()}
            found["figures"] = {cell: _pictures(notebook, cell, source) for cell, source in figures.items()}
            parts = student_file.parts(name, nbformat.writes(_without_outputs(notebook)))
        else:
            parts = student_file.parts(name, student_file.text_of(raw))
    except ValueError as error:
        return {**found, "problem": str(error)}
    if not any(part.source.strip() for part in parts):
        return {**found, "problem": f"There is no code in {name}."}
    if sum(len(part.source) for part in parts) > SOURCE_LIMIT:
        return {**found, "problem": f"{name} holds more than {SOURCE_LIMIT:,} characters of code."}
    found["parts"] = [(part.name, part.source) for part in parts]
    found["notes"] = [f"{part.reason}" for part in parts if part.tree is None and part.source.strip()][:3]
    return found


def _member(name, raw):
    """Return (name, bytes) of the notebook, or else Python file, in a zip archive. Nothing is written to the disk."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [member for member in archive.infolist() if _is_plain(member)]
            if not members:
                raise ValueError(f"There is no notebook and no Python file in {name}.")
            member = max(members, key=_likelihood)
            with archive.open(member) as file:
                content = file.read(SIZE_LIMIT + 1)
    except ValueError:
        raise
    except Exception as error:  # whatever zipfile and zlib raise for a broken archive, or an encrypted one
        raise ValueError(f"{name} cannot be unpacked ({type(error).__name__}: {str(error)[:100]}).") from None
    if len(content) > SIZE_LIMIT:
        raise ValueError(f"{member.filename[:100]} in {name} unpacks to more than {SIZE_LIMIT // 10**6} MB.")
    return Path(member.filename).name, content


def _is_plain(member):
    """Return whether a member is a file that can be the submission: no link, nothing that a system put beside it."""
    parts = Path(member.filename).parts
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return not (is_link or hidden or member.is_dir()) and member.filename.endswith((".ipynb", ".py"))


def _likelihood(member):
    """Order members: the notebook of the assignment, another notebook, the exercises' file, another; then the latest."""
    name = Path(member.filename).name
    known = "networkvisualization" in name.lower() or name == "net_visualization_pytorch.py"
    return name.endswith(".ipynb"), known, member.date_time


def _notebook(name, raw):
    """Return the notebook; its outputs are cut down to pictures before anything is made of them."""
    text = student_file.text_of(raw)
    try:
        content = json.loads(text)
        for cell in content.get("cells", []):
            for output in cell.get("outputs", []) if isinstance(cell.get("outputs", []), list) else []:
                data = output.get("data")
                picture = data.get("image/png") if isinstance(data, dict) else None
                output.clear()
                output.update(output_type="display_data", metadata={}, data={"image/png": picture} if picture else {})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells without an id
            notebook = nbformat.reads(json.dumps(content), as_version=4)
        for cell in notebook.cells:
            cell.source, cell.metadata = str(cell.source), dict(cell.get("metadata") or {})
        return notebook
    except Exception as error:  # whatever json and nbformat raise for a broken file
        student_file.parts(name, text[:SOURCE_LIMIT])  # it says what is wrong
        raise ValueError(f"{name} is not a notebook, or it is damaged ({type(error).__name__}).") from None


def _without_outputs(notebook):
    cells = [nbformat.v4.new_code_cell(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    return nbformat.v4.new_notebook(cells=cells)


def _named(notebook, name):
    """Return the last cell with this id, or this nbgrader grade_id, or None."""
    for cell in reversed(notebook.cells):
        grade = cell.metadata.get("nbgrader")
        if cell.get("id") == name or (isinstance(grade, dict) and grade.get("grade_id") == name):
            return cell
    return None


def _pictures(notebook, name, source):
    """Return the first picture under a cell as [base64 of a PNG made anew], or []."""
    cell = _named(notebook, name)
    if cell is None:
        same = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip() == source.strip()]
        cell = same[-1] if same else None
    for output in cell.get("outputs", []) if cell is not None else []:
        picture = output.get("data", {}).get("image/png")
        if isinstance(picture, str):
            made = _made_anew(picture)
            return [made] if made else []
    return []


def _made_anew(picture):
    """Decode a picture and return it as a PNG of our own, in base64; None if it is none."""
    Image.MAX_IMAGE_PIXELS = IMAGE_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a picture too large
            image = Image.open(io.BytesIO(base64.b64decode(picture)), formats=["PNG"])
            image.load()
        image = image.convert("RGB")
        image.thumbnail((IMAGE_WIDTH, 4 * IMAGE_WIDTH))
        made = io.BytesIO()
        image.quantize(128, method=Image.Quantize.FASTOCTREE).save(made, "PNG")
        return base64.b64encode(made.getvalue()).decode()
    except Exception:  # Pillow raises all kinds for broken files
        return None
