"""Read a notebook's file as editors, browsers and people leave it: the one way in which the kit's tools read notebooks.

nbformat refuses a notebook for what no person sees: a byte order mark, an id where the declared version knows none, outputs
under a text, a code cell without a count. So cells are taken here one by one, and each gets the form that nbformat 4 wants.
"""

import codecs
import itertools
import json
import os
import re
import tokenize
import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

MERGE_MARKER = re.compile(r"^(<{7}|={7}|>{7})(\s|$)")
MERGE_LIMIT = 2_000_000  # characters of a damaged file in which marks of a merge are looked for
ASTRAL = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")  # emoji, for one
HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # cannot be written as UTF-8
# How the kit's figures are put into HTML; see figures.tag.
PICTURE_IN_HTML = re.compile(r'<img class="figure" src="data:(?P<kind>image/(?:png|webp));base64,(?P<base64>[A-Za-z0-9+/=]+)"')
# The pictures that outputs and answers may hold, by what their files begin with.
PICTURES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.S),
    "image/gif": re.compile(rb"GIF8[79]a"),
}
# Where a cell's metadata say when it was executed: JupyterLab and nbclient, the extension ExecuteTime, papermill.
EXECUTED = (
    ("execution", "iopub.execute_input"),
    ("execution", "shell.execute_reply.started"),
    ("execution", "iopub.status.busy"),
    ("ExecuteTime", "start_time"),
    ("papermill", "start_time"),
)
ISO_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?", re.ASCII
)
SUFFIXES = (".ipynb", ".ipynb.json", ".ipynb.txt")  # the last two as browsers save what they show or do not know


def is_notebook_name(name: str) -> bool:
    """Return whether a file's name says that it is a notebook.

    Parameters
    ----------
    name : str
        The name, or a path.

    Returns
    -------
    bool
        Whether it ends in one of SUFFIXES, in upper or lower case.
    """
    return name.lower().endswith(SUFFIXES)


def picture_type(raw: bytes) -> str | None:
    """Return the MIME type of a picture, by how its bytes begin.

    Parameters
    ----------
    raw : bytes
        The bytes, or at least the first twelve of them.

    Returns
    -------
    str or None
        One of PICTURES; None for anything else. The rest of the bytes may be damaged.
    """
    return next((kind for kind, beginning in PICTURES.items() if beginning.match(raw)), None)


def picture_of(output: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the picture in an output of a cell: one of its own type, or the one that a figure of the kit puts into HTML.

    Parameters
    ----------
    output : mapping
        Of nbformat 4.

    Returns
    -------
    (str, str) or None
        Its MIME type, one of PICTURES, and its base64; None if the output holds no such picture.
    """
    data = output.get("data")
    if not isinstance(data, Mapping):
        return None
    found = PICTURE_IN_HTML.search(joined(data.get("text/html")))
    if found:  # beside it is only a preview
        return found["kind"], found["base64"]
    return next(((kind, picture) for kind in PICTURES if (picture := joined(data.get(kind)))), None)


def text_of(raw: bytes) -> str:
    """Return the text of a file, whatever its encoding.

    Parameters
    ----------
    raw : bytes
        The file's content.

    Returns
    -------
    str
        With plain line ends and without a byte order mark.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return with_plain_line_ends(raw.decode("utf-16", errors="replace"))
    try:
        encoding, _ = tokenize.detect_encoding(iter(raw.splitlines(keepends=True)).__next__)
    except SyntaxError:
        encoding = "utf-8"
    return with_plain_line_ends(raw.decode(encoding, errors="replace").removeprefix("\ufeff"))


def with_plain_line_ends(text: str) -> str:
    """Return a text whose lines end in a line feed alone.

    Parameters
    ----------
    text : str
        With line ends of any system.

    Returns
    -------
    str
        The text.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n")


def without_half_characters(text: str) -> str:
    """Return a text that can be written as UTF-8.

    Parameters
    ----------
    text : str
        Perhaps with half a surrogate pair.

    Returns
    -------
    str
        The text, with a replacement character for each half.
    """
    return HALF_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)


def merge_marker(text: str) -> str | None:
    """Find the first mark of an unfinished merge.

    Parameters
    ----------
    text : str
        The text of a file.

    Returns
    -------
    str or None
        A sentence that names its line and says what to do; None if there is no such mark.
    """
    lines = list(enumerate(text.splitlines(), 1))
    if not any(line.startswith(("<<<<<<<", ">>>>>>>")) for _, line in lines):
        return None
    number, line = next((number, line) for number, line in lines if MERGE_MARKER.match(line))
    return f"line {number} is a mark of a merge that was not finished: {line.strip()[:60]}. Choose a side and delete the marks."


def notebook(name: str, raw: bytes, with_outputs: bool = True) -> NotebookNode:
    """Read a notebook.

    Parameters
    ----------
    name : str
        What messages call the file.
    raw : bytes
        The file's content.
    with_outputs : bool
        Whether to keep all outputs; if not, of each code cell only the first picture, and none of the rest is held in memory
        twice.

    Returns
    -------
    nbformat.NotebookNode
        Of nbformat 4, each cell with all fields, each of the type that it should have. Cells keep their own ids, which may be
        missing ("") or occur twice; `metadata` holds only what the kit uses, with the time of a cell's execution, where the
        notebook says it, as `executed_at` in ISO 8601.

    Raises
    ------
    ValueError
        For a file that is not a notebook, and for a notebook in another language than Python; the message is a sentence.
    """
    raw = raw.removeprefix(codecs.BOM_UTF8)
    # With a single one of these characters Python would take four bytes for every character of the file.
    text = text_of(ASTRAL.sub(_escaped, raw) if raw.startswith(b"{") else raw)
    try:
        content = json.loads(text)
        if isinstance(content.get("worksheets"), list):
            content = _in_format_4(content, with_outputs)
        language = _language(content.get("metadata"))
        if not isinstance(content["cells"], list):
            raise TypeError("its cells are not a list")
        cells = [_plain_cell(cell, with_outputs) for cell in content["cells"] if isinstance(cell, dict)]
    except MemoryError:
        raise
    except Exception as error:  # whatever json and nbformat raise for a broken file
        marker = merge_marker(text[:MERGE_LIMIT])
        if marker:
            raise ValueError(f"{name}, {marker}") from None
        said = " ".join(without_half_characters(str(error)).split())[:120]
        raise ValueError(f"{name} is not a notebook, or it is damaged ({type(error).__name__}: {said}).") from None
    if not language.startswith("python"):
        raise ValueError(f"{name} is a notebook in the language {without_half_characters(language[:20])}; expected Python.")
    return nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def mended(raw: bytes) -> bytes:
    """Return a notebook's file in the form that Jupyter opens.

    Parameters
    ----------
    raw : bytes
        The file's content, a notebook as `notebook` reads it.

    Returns
    -------
    bytes
        The same bytes if they are in that form, or if what is wrong with them is not known here. Else with ids of their own for
        all cells, without outputs under texts, states of widgets that hold no state, and a byte order mark.
    """
    try:
        content = json.loads(text_of(raw))
        if raw.lstrip().startswith(b"{") and _is_valid(content):
            return raw
        taken: set[str] = set()
        content["cells"] = [_mended_cell(cell, taken) for cell in content["cells"] if isinstance(cell, dict)]
        metadata = content["metadata"] if isinstance(content.get("metadata"), dict) else {}
        content |= {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata}
        if not _has_states(metadata):
            del metadata["widgets"]
        made = json.dumps(content, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        return made if _is_valid(json.loads(made)) else raw
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):  # of another format, or broken in another way
        return raw


def sources_of(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the sources of a notebook's cells by their ids.

    Parameters
    ----------
    path : str or os.PathLike
        The notebook's file.

    Returns
    -------
    dict of str to str
        {id: source}, in the notebook's order; of cells with the same id the last, and none for a cell without an id.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not a notebook in Python.
    """
    path = Path(path)
    return {cell.id: cell.source for cell in notebook(path.name, path.read_bytes()).cells if cell.id}


def _is_valid(content: Any) -> bool:
    if not _has_states(content.get("metadata", {})):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of ids that are missing or occur twice
            nbformat.validate(nbformat.from_dict(content))
    except (nbformat.ValidationError, Warning):
        return False
    return True


def _has_states(metadata: Mapping[str, Any]) -> bool:
    """Return whether the widgets in a notebook's metadata have the states without which Jupyter's tools fail."""
    widgets = metadata.get("widgets", {})
    return isinstance(widgets, dict) and all(isinstance(of, dict) and "state" in of for of in widgets.values())


def _mended_cell(cell: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    """Return a cell in the form of nbformat 4.5. taken: the ids of the cells before it, which its own joins."""
    kind = cell["cell_type"] if cell.get("cell_type") in ("code", "markdown") else "raw"
    name = cell.get("id")
    if not (isinstance(name, str) and re.fullmatch(r"[\w-]{1,64}", name, re.ASCII)) or name in taken:
        name = next(one for number in itertools.count(1) if (one := f"cell-{number}") not in taken)
    taken.add(name)
    metadata = cell["metadata"] if isinstance(cell.get("metadata"), dict) else {}
    made = {**cell, "cell_type": kind, "id": name, "metadata": metadata, "source": cell.get("source", "")}
    if kind == "code":
        made.pop("attachments", None)
        return made | {"outputs": made.get("outputs") or [], "execution_count": made.get("execution_count")}
    return {key: value for key, value in made.items() if key not in ("outputs", "execution_count")}


def _escaped(found: re.Match[bytes]) -> bytes:
    return json.dumps(found[0].decode("utf-8", "replace"))[1:-1].encode()


def _in_format_4(content: dict[str, Any], with_outputs: bool) -> NotebookNode:
    """Return a notebook of format 3, which has its cells in worksheets, in format 4."""
    for cell in (cell for sheet in content["worksheets"] for cell in sheet["cells"]):
        outputs = cell.get("outputs")
        if with_outputs and isinstance(outputs, list):
            continue
        pictures = [output["png"] for output in outputs if "png" in output] if isinstance(outputs, list) else []
        cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "png": picture} for picture in pictures[:1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells without an id
        converted = nbformat.reads(json.dumps(content), as_version=4)
    for cell in converted.cells:
        cell.pop("id", None)  # a random one of nbformat's, other than the next time
    return converted


def _language(metadata: Any) -> str:
    metadata = metadata if isinstance(metadata, dict) else {}
    for place, key in (("language_info", "name"), ("kernelspec", "language")):
        told = metadata.get(place)
        if isinstance(told, dict) and isinstance(told.get(key), str) and told[key]:
            return told[key].lower()
    return "python"


# Cells


def _plain_cell(cell: Mapping[str, Any], with_outputs: bool) -> dict[str, Any]:
    """Return of a cell what is needed, each thing of the type that it should have."""
    kind = cell["cell_type"] if cell.get("cell_type") in ("code", "markdown") else "raw"
    plain = {
        "id": cell["id"] if isinstance(cell.get("id"), str) else "",
        "cell_type": kind,
        "metadata": _plain_metadata(cell.get("metadata")),
        "source": without_half_characters(joined(cell.get("source"))),
    }
    if kind != "code":
        plain["attachments"] = _plain_attachments(cell.get("attachments"))
    else:
        count = cell.get("execution_count")
        plain["execution_count"] = count if type(count) is int else None
        outputs = cell["outputs"] if isinstance(cell.get("outputs"), list) else []
        plain["outputs"] = _plain_outputs(outputs) if with_outputs else _first_picture(outputs)
    return plain


def _plain_metadata(metadata: Any) -> dict[str, Any]:
    metadata = metadata if isinstance(metadata, dict) else {}
    kept = {"nbgrader": dict, "id": str}  # Colab moves a cell's id to its metadata
    executed_at = _executed_at(metadata)
    plain = {name: metadata[name] for name, kind in kept.items() if isinstance(metadata.get(name), kind)}
    jupyter = metadata.get("jupyter")
    is_folded = isinstance(jupyter, dict) and jupyter.get("source_hidden") is True
    folded = {"jupyter": {"source_hidden": True}} if is_folded else {}
    return plain | folded | ({"executed_at": executed_at} if executed_at else {})


def _executed_at(metadata: dict[str, Any]) -> str:
    """Return when a cell was executed, in ISO 8601, or ""."""
    for place, key in EXECUTED:
        told = metadata.get(place)
        time = told.get(key) if isinstance(told, dict) else None
        if isinstance(time, str) and ISO_TIME.fullmatch(time):
            return time
    colab = metadata.get("executionInfo")  # Colab counts milliseconds since 1970
    milliseconds = colab.get("timestamp") if isinstance(colab, dict) else None
    if type(milliseconds) is int and 0 < milliseconds < 4 * 10**12:
        return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).isoformat(timespec="milliseconds")
    return ""


def _plain_attachments(attachments: Any) -> dict[str, dict[str, str]]:
    """Return {file name: {MIME type: base64}}."""
    attachments = attachments if isinstance(attachments, dict) else {}
    return {
        without_half_characters(name): {kind: joined(data) for kind, data in bundle.items()}
        for name, bundle in attachments.items()
        if isinstance(bundle, dict)
    }


def joined(lines: Any) -> str:
    """Return a text that is one string or a list of strings, as notebooks hold it.

    Parameters
    ----------
    lines : Any
        What a notebook holds.

    Returns
    -------
    str
        "" for anything else.
    """
    if isinstance(lines, list):
        return "".join(line for line in lines if isinstance(line, str))
    return lines if isinstance(lines, str) else ""


def _first_picture(outputs: Iterable[Any]) -> list[dict[str, Any]]:
    for output in outputs:
        found = picture_of(output) if isinstance(output, dict) else None
        if found:
            return [{"output_type": "display_data", "metadata": {}, "data": dict([found])}]
    return []


def _plain_outputs(outputs: Iterable[Any]) -> list[dict[str, Any]]:
    plain = (_plain_output(output) for output in outputs if isinstance(output, dict))
    return [output for output in plain if output]


def _plain_output(output: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an output in the form that nbformat 4 wants, or None for what is not an output."""
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": kind, "name": name, "text": joined(output.get("text"))}
    if kind == "error":
        lines = output["traceback"] if isinstance(output.get("traceback"), list) else []
        told = {key: joined(output.get(key)) for key in ("ename", "evalue")}
        return {"output_type": kind, **told, "traceback": [line for line in lines if isinstance(line, str)]}
    data = output.get("data")
    if kind not in ("display_data", "execute_result") or not isinstance(data, dict):
        return None
    texts = {mime: value if _is_json(mime) else joined(value) for mime, value in data.items()}
    count = {"execution_count": None} if kind == "execute_result" else {}
    return {"output_type": kind, "metadata": _picture_metadata(output), "data": texts, **count}


def _picture_metadata(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return {MIME type: {"alt": text, "width": number, "height": number}} of an output's pictures, as far as it says so."""
    metadata = output.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    found = {}
    for kind in PICTURES:
        own = metadata.get(kind)
        told = {**metadata, **own} if isinstance(own, dict) else metadata
        kept: dict[str, Any] = {"alt": without_half_characters(told["alt"])} if isinstance(told.get("alt"), str) else {}
        kept |= {side: told[side] for side in ("width", "height") if type(told.get(side)) in (int, float) and told[side] > 0}
        if kept and kind in output["data"]:
            found[kind] = kept
    return found


def _is_json(mime: str) -> bool:
    return mime.endswith("json") and not mime.startswith("text/")
