"""Read a submission's file: its code, its answers, its figures. This runs in the sandbox, since a file can be made to harm.

What comes out of the sandbox is not trusted either: the grader looks it over by `checked_outline`.
"""

import base64
import dataclasses
import importlib
import io
import json
import re
import struct
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from nbformat import NotebookNode
from PIL import Image, ImageOps

from .... import answers as inline
from ....answers import OPTIONAL_QUESTIONS, QUESTIONS, Answer
from ....checks import EXERCISES
from ....checks.student_file import needed_parts
from ....notebook_file import (
    HALF_CHARACTER,
    ISO_TIME,
    PICTURES,
    is_notebook_name,
    picture_of,
    picture_type,
    text_of,
    without_half_characters,
)
from ....notebook_file import notebook as read_notebook
from ....student_code import (
    MODULES_LIMIT,
    Definition,
    Find,
    Part,
    among,
    cells_of,
    ends_before_it_begins,
    is_stub,
    last_definition,
    parsed,
    source_with_helpers,
    with_own_modules,
    words_of_script,
)
from . import archives, limits

FIGURE_FORMATS = {kind: kind.removeprefix("image/").upper() for kind in PICTURES}  # what Pillow calls them
PICTURE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")  # of what is pasted into an answer
MODULE_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
SOURCE_CUT_CHARACTERS = 60  # of the comment that says how much of a source is left out
CELL_ID = re.compile(rf"[\w-]{{1,{limits.CELL_ID_CHARACTERS}}}", re.ASCII)
# A picture in an answer: in Markdown or HTML, attached to the cell, in the text itself, or elsewhere.
# (The lookahead keeps the expression from going back into the base64, which may have millions of characters.)
DATA = r"data:image/[\w.+-]+;base64,(?=(?P<{0}>[A-Za-z0-9+/=\s]*))(?P={0})"
IN_MARKDOWN = (
    r"!\[(?P<alt>[^\]\n]{0,200})\]\(\s*<?"
    rf"(?:attachment:(?P<file1>[^)>\n]{{1,300}})|{DATA.format('data1')}|(?P<url1>[^)\s]{{1,2000}}))[^)\n]{{0,200}}\)"
)
IN_HTML = (
    r"<img\b[^>]{0,400}?\bsrc\s*=\s*[\"']?"
    rf"(?:attachment:(?P<file2>[^\"'>]{{1,300}})|{DATA.format('data2')}|(?P<url2>[^\"'\s>]{{1,2000}}))[^>]{{0,400}}>"
)
PICTURE = re.compile(f"{IN_MARKDOWN}|{IN_HTML}|{DATA.format('data3')}", re.I)


@dataclass
class _Work:
    """A file that may be what counts of a submission.

    name: for messages. parts: of its code, own modules included. notebook: its cells, or None for plain Python. answers:
    {question: Answer}. exercises, answered: how many are done in it. counts: its path in an archive, "" outside of one.
    """

    name: str
    parts: list[Part]
    notebook: NotebookNode | None
    answers: dict[str, Answer]
    exercises: int = 0
    answered: int = 0
    counts: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outline:
    """What of a file matters for its grade, verified.

    Parameters
    ----------
    problem : str
        A sentence if the file cannot be read, else "".
    counts : str
        The path of the file in the archive, if it was one.
    parts : list of lists
        [name, source] of its code; of a module of the student's own [name, source, dotted name].
    answers : dict of str to str
        By question, the Markdown.
    answer_notes : dict of str to str
        By question, a sentence on where the answer was found, or that there is none.
    answer_pictures : dict of str to list of str
        By question, PNG pictures in base64; the text says [picture N] where the Nth is.
    figures : dict of str to list of str
        By cell of the reference, PNG pictures in base64, at most one each.
    notes : list of str
        Sentences.
    sources : dict of str to str
        By exercise, the code that is judged, as it was written; see student_code.source_with_helpers.
    cell_ids : list of str
        Those of the notebook's cells, in order, "" where one has none.
    executed_at : list of str
        By cell, when it was executed, in ISO 8601, or "".
    unfinished : list of str
        The exercises that need not be called to see that they are unfinished; see student_code.ends_before_it_begins.
    needed : dict of str to list of int
        By exercise, the numbers of the parts that matter for it, all where it has none; see student_file.needed_parts.
    """

    problem: str
    counts: str = ""
    parts: list[list[str]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    answer_notes: dict[str, str] = field(default_factory=dict)
    answer_pictures: dict[str, list[str]] = field(default_factory=dict)
    figures: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    cell_ids: list[str] = field(default_factory=list)
    executed_at: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    needed: dict[str, list[int]] = field(default_factory=dict)

    def parts_for(self, exercise: str) -> list[list[str]]:
        """Return those of the parts that matter for an exercise."""
        return [self.parts[number] for number in self.needed.get(exercise, range(len(self.parts)))]


# In the sandbox


def prepare() -> None:
    """Import what opens and writes pictures, for all jobs: Pillow would look for all its formats in each of them."""
    Image.preinit()
    importlib.import_module("PIL.WebPImagePlugin")


def outline(name: str, raw: bytes, figures: dict[str, str], kit: dict[str, str] | None = None, first: str = "") -> dict[str, Any]:
    """Return what of a file matters for its grade, as JSON: the fields of an Outline.

    name: the file's. raw: its bytes. figures: {cell id: source} of the reference's cells with a figure. kit: {cell id: source}
    of all its cells, by which an answer is found that was moved. first: of an archive that the grader has made of a folder, the
    path of the file that counts unless another one is filled in and this one is not.

    Raises nothing; all strings can be written as UTF-8.
    """
    try:
        found = _outline(name, raw, figures, kit or {}, first)
        size = len(json.dumps(found))
        if size > limits.OUTLINE_BYTES:
            raise ValueError(
                f"{name[:100]} holds {size:,} bytes of code, answers and figures; expected {limits.OUTLINE_BYTES:,}."
            )
        return found
    except ValueError as error:
        problem = str(error)
    except MemoryError:
        problem = f"{name[:100]} takes more memory to read than there is; its outputs may be very large."
    except Exception as error:  # a parser's own: a file can be odd in more ways than one can think of
        problem = f"{name[:100]} cannot be read ({type(error).__name__})."
    return dataclasses.asdict(Outline(_text(problem, limits.NOTE_CHARACTERS)))


def _outline(name: str, raw: bytes, figures: Mapping[str, str], kit: Mapping[str, str], first: str) -> dict[str, Any]:
    unread = archives.unread_kind(name, raw)
    if unread:
        raise ValueError(archives.advice(name, unread))
    opened = archives.is_archive(name, raw)
    work = _in_archive(name, raw, kit, first) if opened else _work(name, raw, kit, lambda dotted: None)
    if not any(text.strip() for text in [part.source for part in work.parts] + [found.text for found in work.answers.values()]):
        raise ValueError(f"There is no code in {work.name}.")
    pictures = _AnswerPictures()
    texts = {question: pictures.taken_out(question, answer) for question, answer in work.answers.items()}
    said = {question: _answer_note(work.answers[question], text) for question, text in texts.items()}
    notes = [
        *work.notes,
        *_lost_modules(work),
        *(part.reason for part in work.parts if part.tree is None and part.source.strip()),
    ]
    more = [f"There are {len(notes) - limits.NOTES + 1} more notes like these."] if len(notes) > limits.NOTES else []
    cells = work.notebook.cells[: limits.CELLS_TOLD] if work.notebook else []
    return {
        "problem": "",
        "counts": _text(work.counts, limits.NOTE_CHARACTERS),
        "parts": [[part.name, part.source, *([part.module] if part.module else [])] for part in work.parts],
        "answers": {question: _text(text, limits.ANSWER_CHARACTERS) for question, text in texts.items()},
        "answer_notes": {question: note for question, note in said.items() if note},
        "answer_pictures": pictures.made,
        "figures": {cell: _pictures(work.notebook, cell, source) for cell, source in figures.items()} if work.notebook else {},
        "notes": [_text(note, limits.NOTE_CHARACTERS) for note in [*notes[: limits.NOTES - len(more)], *more]],
        "sources": {name: source for name in EXERCISES if (source := _source(work.parts, name))},
        "cell_ids": [_cell_id(cell) for cell in cells],
        "executed_at": [cell.metadata.get("executed_at", "") for cell in cells],
        "unfinished": [name for name in EXERCISES if _is_certainly_unfinished(last_definition(work.parts, name))],
        "needed": needed_parts(work.parts, EXERCISES),
    }


def _is_certainly_unfinished(definition: Definition | None) -> bool:
    return definition is not None and definition.statement is not None and ends_before_it_begins(definition.statement)


def _source(parts: Sequence[Part], name: str) -> str:
    """Return the code of an exercise with that of the functions it calls, or "" where there is none."""
    shown = "\n\n\n".join(source_with_helpers(parts, name, EXERCISES, limits.SOURCE_HELPERS))
    cut = len(shown) - limits.SOURCE_CHARACTERS
    return _text(shown, limits.SOURCE_CHARACTERS) + (f"\n# ... {cut:,} more characters" if cut > 0 else "")


def _cell_id(cell: NotebookNode) -> str:
    """Return a cell's id, also where Colab keeps it; "" for what is not an id."""
    told = cell.id or cell.metadata.get("id", "")
    return told if CELL_ID.fullmatch(told) else ""


def _lost_modules(work: _Work) -> list[str]:
    """Return the sentences on modules from which exercises are imported and which were not handed in."""
    lost: dict[str, list[str]] = {}
    for name in EXERCISES:
        definition = last_definition(work.parts, name)
        if definition and definition.imported:
            lost.setdefault(definition.imported, []).append(name)
    return [
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} imported from {module}, and no such file was handed in with "
        f"{work.name}."
        for module, names in lost.items()
    ]


def _answer_note(answer: Answer, text: str) -> str:
    cut = (
        f"Only the first {limits.ANSWER_CHARACTERS:,} of its {len(text):,} characters are shown."
        if len(text) > limits.ANSWER_CHARACTERS
        else ""
    )
    return _text(" ".join(filter(None, (answer.where, cut))), limits.NOTE_CHARACTERS)


def is_expected(name: str) -> bool:
    """Return whether a file's name says that it is the assignment's notebook, or the file of its exercises."""
    return "networkvisualization" in name.lower() or name == "net_visualization_pytorch.py"


def kind(name: str) -> int:
    """Return the rank of a file by what its name says that it is: 3 notebook, 2 archive, 1 Python file, 0 nothing of these."""
    if is_notebook_name(name):
        return 3
    return 2 if archives.is_archive_name(name) else int(name.lower().endswith(".py"))


def _text(text: str, longest: int | None = None) -> str:
    return without_half_characters(text[:longest])


def _work(name: str, raw: bytes, kit: Mapping[str, str], find: Find) -> _Work:
    """Return the _Work in a notebook or Python file. find: of its own modules, see student_code.with_own_modules."""
    name = _text(name, 100)
    notebook = cells_of(name, raw, with_outputs=False) if kind(name) else read_notebook(name, raw, with_outputs=False)
    if notebook is None:
        text = _text(text_of(raw))
        sources, words = {name: text}, words_of_script(text)
    else:
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        sources, words = {f"{name}, code cell {number}": source for number, source in enumerate(code, 1)}, notebook
    _refuse_much(name, sources.values())
    parts = with_own_modules([parsed(place, source) for place, source in sources.items()], find, EXERCISES)
    _refuse_much(name, [part.source for part in parts])  # a magic's line is longer as plain Python
    found = inline.answers(words, kit) if words else {}
    notes = [] if words else [f"{name} is a Python file, in which no answer to a question is looked for."]
    exercises = sum(_is_done(last_definition(parts, exercise)) for exercise in EXERCISES)
    answered = sum(bool(answer.text.strip()) and not answer.perhaps for answer in found.values())
    return _Work(name, parts, notebook, found, exercises, answered, notes=notes)


def _is_done(definition: Definition | None) -> bool:
    if definition is None:
        return False
    return bool(definition.imported) or definition.statement is None or not is_stub(definition.statement)


def _refuse_much(name: str, sources: Collection[str]) -> None:
    if len(sources) > limits.CODE_CELLS:
        raise ValueError(f"{name} has {len(sources):,} code cells; expected at most {limits.CODE_CELLS:,}.")
    if sum(map(len, sources)) > limits.CODE_CHARACTERS:
        raise ValueError(f"{name} holds more than {limits.CODE_CHARACTERS:,} characters of code.")


# Archives


def _in_archive(name: str, raw: bytes, kit: Mapping[str, str], first: str) -> _Work:
    """Return the _Work that counts in an archive: of its notebooks, or else Python files, the one that is filled in."""
    found = archives.listing(name, raw)
    files = [file for file in found.files if kind(file.name) in (1, 3)]
    notebooks = [file for file in files if kind(file.name) == 3]
    candidates = sorted(notebooks or files, key=lambda file: _likelihood(file, first), reverse=True)
    if not candidates:
        raise ValueError(_nothing_in(name, found))
    read: list[tuple[archives.File, _Work]] = []
    problems: list[str] = []
    for file in candidates[: limits.CANDIDATE_FILES]:
        try:
            read.append((file, _work(file.name[-100:], file.read(), kit, _finder(file, files))))
        except archives.TooMuch:
            raise
        except ValueError as error:
            problems.append(str(error))
        if read and min(read[-1][1].exercises, read[-1][1].answered) >= limits.ENOUGH_DONE:
            break
    if not read:
        raise ValueError(" ".join(_first_ones(problems)))
    chosen, work = _filled_in(read)
    work.counts = chosen.path
    others = [file for file in candidates if file is not chosen]
    kinds = [(file.name, archives.unread_kind(file.name)) for file in found.files]
    unread = [archives.advice(name, kind) for name, kind in kinds if kind and kind.is_archive]
    work.notes += [*_other_files(chosen, work, notebooks, others, files), *_first_ones(problems), *found.problems, *unread]
    return work


def _first_ones(problems: Sequence[str]) -> list[str]:
    """Return the first sentences of many, with one that counts the others."""
    more = len(problems) - limits.NAMED_PROBLEMS
    return [*problems[: limits.NAMED_PROBLEMS], *([f"There are {more} more files that cannot be read."] if more > 0 else [])]


def _filled_in(read: list[tuple[archives.File, _Work]]) -> tuple[archives.File, _Work]:
    """Return, of [(File, _Work)], the first in which at least half as much is done as in the fullest: exercises, then answers."""
    for key in ("exercises", "answered"):
        most = max(getattr(work, key) for _, work in read)
        read = [(file, work) for file, work in read if 2 * getattr(work, key) >= most]
    return read[0]


def _likelihood(file: archives.File, first: str) -> tuple[bool, bool, tuple[int, ...]]:
    """Order files: the first one, the notebook or file of the assignment, another; then the latest."""
    is_first = bool(first) and f"{file.path}/".startswith(f"{first}/")
    return is_first, is_expected(file.name), file.date


def _finder(file: archives.File, files: Sequence[archives.File]) -> Find:
    """Return the `find` for the modules that a file of an archive imports."""
    by_path = {other.path: other for other in files if kind(other.name) == 1 and other is not file}
    home = str(PurePosixPath(file.path).parent)
    return among(list(by_path), "" if home == "." else home, lambda path: by_path[path].read())


def _nothing_in(name: str, found: archives.Listing) -> str:
    """Return the sentence on an archive without a notebook and without Python: what it holds instead."""
    held = [file.path[-60:] for file in found.files]
    listed = f" It holds {', '.join(held[:5])}{f' and {len(held) - 5} more' if len(held) > 5 else ''}." if held else ""
    unread = [archives.advice(file.name, told) for file in found.files if (told := archives.unread_kind(file.name))][:2]
    return " ".join([f"There is no notebook and no Python file in {name[:100]}.{listed}", *unread, *found.problems])


def _other_files(
    chosen: archives.File,
    work: _Work,
    notebooks: Sequence[archives.File],
    others: Sequence[archives.File],
    files: Sequence[archives.File],
) -> list[str]:
    """Return the sentences on what lies beside the file that counts."""
    notes = []
    if len(others) and notebooks:
        named = ", ".join(file.path[-100:] for file in others[:5])
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        notes.append(f"{chosen.path[-100:]} counts: it is filled in, and the later or likelier one. Beside it: {named}{more}.")
    used = {part.name for part in work.parts}
    for file in [file for file in files if kind(file.name) == 1 and file is not chosen and file.path not in used][
        : limits.SEARCHED_FILES
    ]:
        try:
            notes += _exercises_beside(file, work)
        except ValueError as error:
            notes.append(str(error))
    return notes


def _exercises_beside(file: archives.File, work: _Work) -> list[str]:
    """Return the sentences on exercises that a file defines which nothing imports, and take those that are nowhere else."""
    module = "beside." + re.sub(r"\W", "_", file.path.removesuffix(".py"), flags=re.ASCII)
    part = parsed(file.path[-100:], _text(text_of(file.read()), limits.CODE_CHARACTERS), module)
    defined = {name: last_definition([part], name, module) for name in EXERCISES}
    done = [name for name, found in defined.items() if found and not found.imported and _is_done(found)]
    own = {name: last_definition(work.parts, name) for name in done}
    lost = [name for name, found in own.items() if found is None or found.imported]
    hidden = [name for name, found in own.items() if name not in lost and not _is_done(found)]
    if lost:
        work.parts.append(part)
    notes = [f"{', '.join(lost)}: taken from {part.name}, which {work.name} does not import."] if lost else []
    return notes + (
        [f"{part.name} defines {', '.join(hidden)}, of which {work.name} has a stub, which counts."] if hidden else []
    )


# Pictures


def _pictures(notebook: NotebookNode, name: str, source: str) -> list[str]:
    """Return the first picture under a cell as [base64 of a re-encoded PNG], or []."""
    cells = [cell for cell in notebook.cells if name in (cell.id, cell.metadata.get("nbgrader", {}).get("grade_id"))]
    same = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip() == source.strip()]
    found = (cells or same)[-1:]
    encoded = [picture_of(output) for cell in found for output in cell.get("outputs", [])]
    return [picture for one in encoded if one and (picture := _made_anew(one[1], (FIGURE_FORMATS[one[0]],)))]


def _made_anew(picture: str, formats: tuple[str, ...]) -> str | None:
    """Decode a picture and return it as a PNG of our own, in base64; None if it is none. formats: that it may have."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a picture too large
            image: Image.Image = Image.open(io.BytesIO(base64.b64decode(picture)), formats=formats)
        image.draft(
            "RGB", (2 * limits.PICTURE_WIDTH_PIXELS, 2 * limits.PICTURE_HEIGHT_PIXELS)
        )  # a large photograph is opened smaller
        if image.width * image.height > limits.OPENED_PIXELS:
            return None
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        wanted = "RGBA" if image.has_transparency_data else "RGB"
        image = image if image.mode == wanted else image.convert(wanted)  # which would copy it all the same
        if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):  # as Matplotlib's figures are
            image = image.convert("RGB")
        # in a quarter of the time of Pillow's default, and nearly as good: averages of whole pixels, then a filter for the rest
        most = limits.PICTURE_WIDTH_PIXELS, limits.PICTURE_HEIGHT_PIXELS
        image.thumbnail(most, Image.Resampling.HAMMING, reducing_gap=1.0)
        if image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
        while len(made := _encoded(image)) > limits.PICTURE_CHARACTERS:
            image = image.reduce(2)
        return made
    except Exception:  # Pillow raises all kinds for broken files
        return None


def _encoded(image: Image.Image) -> str:
    made = io.BytesIO()
    # level 5 takes half as long as the usual 6
    image.quantize(96, method=Image.Quantize.FASTOCTREE).save(made, "PNG", compress_level=5)
    return base64.b64encode(made.getvalue()).decode()


class _AnswerPictures:
    """The pictures of a notebook's answers. made: {question: [base64 of a re-encoded PNG]}."""

    def __init__(self) -> None:
        self.made: dict[str, list[str]] = {}
        self._left = limits.ANSWER_PICTURES_CHARACTERS

    def taken_out(self, question: str, answer: Answer) -> str:
        """Return an answer's text with "[picture 1]" where a picture is, and keep the picture; else the text says why not."""
        return PICTURE.sub(lambda found: self._told(question, found.groupdict("")), answer.text)

    def _told(self, question: str, found: Mapping[str, str]) -> str:
        url = found["url1"] or found["url2"]
        if url and not url.lower().startswith("data:"):
            return f"[picture that is not in the notebook: {url[:200]}]"
        name = found["file1"] or found["file2"] or found["alt"]
        if len(self.made.get(question, [])) >= limits.ANSWER_PICTURES:
            return f"[one more picture, of which {limits.ANSWER_PICTURES} are shown: {name}]"
        picture = _made_anew(found["data1"] or found["data2"] or found["data3"], PICTURE_FORMATS)
        if picture is None or len(picture) > self._left:
            return f"[picture that cannot be shown: {name}]"
        self._left -= len(picture)
        self.made.setdefault(question, []).append(picture)
        return f"[picture {len(self.made[question])}]"


# In the grader


def checked_outline(found: Any, figures: Mapping[str, str]) -> Outline:
    """Return the Outline in `found` if it is what `outline` returns, in form and sizes; raise ValueError if not.

    found: JSON from the sandbox, where a parser's bug may have let the file take over. figures: the known cell ids.
    """
    keys = {one.name for one in dataclasses.fields(Outline)}
    _expect(type(found) is dict and found.keys() == keys, "its keys")
    _expect(_is_text(found["problem"], limits.NOTE_CHARACTERS), "the problem")
    _expect(_is_text(found["counts"], limits.NOTE_CHARACTERS), "the path of what counts")
    parts = _list(found["parts"], limits.CODE_CELLS + MODULES_LIMIT + limits.SEARCHED_FILES, "the list of parts")
    for part in parts:
        _expect(type(part) is list and len(part) in (2, 3), "a part")
        _expect(
            _is_text(part[0], limits.NOTE_CHARACTERS) and _is_text(part[1], limits.CODE_CHARACTERS),
            "the name or source of a part",
        )
        _expect(
            len(part) == 2 or (_is_text(part[2], limits.NOTE_CHARACTERS) and bool(MODULE_NAME.fullmatch(part[2]))),
            "a module's name",
        )
    _expect(sum(len(source) for _, source, *_ in parts) <= limits.CODE_CHARACTERS, "the length of the code")
    _expect(type(found["answers"]) is dict, "the answers")
    known = {f"question-{number}" for number in (*QUESTIONS, *OPTIONAL_QUESTIONS)}
    for question, text in found["answers"].items():
        _expect(question in known and _is_text(text, limits.ANSWER_CHARACTERS), "an answer")
    _expect(type(found["answer_notes"]) is dict and found["answer_notes"].keys() <= known, "the notes on answers")
    _expect(all(_is_text(note, limits.NOTE_CHARACTERS) for note in found["answer_notes"].values()), "a note on an answer")
    _expect(type(found["answer_pictures"]) is dict and found["answer_pictures"].keys() <= known, "the pictures of answers")
    for pictures in found["answer_pictures"].values():
        shown = _list(pictures, limits.ANSWER_PICTURES, "the list of an answer's pictures")
        _expect(all(_is_small_png(picture) for picture in shown), "a picture of an answer")
    _expect(type(found["figures"]) is dict and found["figures"].keys() <= set(figures), "the figures")
    for pictures in found["figures"].values():
        _expect(all(_is_small_png(picture) for picture in _list(pictures, 1, "the list of pictures")), "a picture")
    _expect(
        all(_is_text(note, limits.NOTE_CHARACTERS) for note in _list(found["notes"], limits.NOTES, "the list of notes")), "a note"
    )
    _expect(type(found["sources"]) is dict and found["sources"].keys() <= set(EXERCISES), "the sources")
    most = limits.SOURCE_CHARACTERS + SOURCE_CUT_CHARACTERS
    _expect(all(_is_text(source, most) for source in found["sources"].values()), "a source")
    for cell in _list(found["cell_ids"], limits.CELLS_TOLD, "the list of cells"):
        _expect(type(cell) is str and (not cell or bool(CELL_ID.fullmatch(cell))), "a cell's id")
    for time in _list(found["executed_at"], limits.CELLS_TOLD, "the list of times"):
        _expect(type(time) is str and (not time or bool(ISO_TIME.fullmatch(time))), "the time of a cell")
    for name in _list(found["unfinished"], len(EXERCISES), "the list of unfinished exercises"):
        _expect(type(name) is str and name in EXERCISES, "an unfinished exercise")
    _expect(type(found["needed"]) is dict and found["needed"].keys() <= set(EXERCISES), "the parts that are needed")
    for numbers in found["needed"].values():
        _expect(all(type(number) is int for number in _list(numbers, len(parts), "a list of numbers of parts")), "such a number")
        _expect(set(numbers) <= set(range(len(parts))) and len(set(numbers)) == len(numbers), "the numbers of parts")
    return Outline(**found)


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"What came back from reading the file is not in the agreed format: {what}.")


def _list(found: Any, longest: int, what: str) -> list[Any]:
    _expect(type(found) is list and len(found) <= longest, what)
    return found


def _is_text(text: Any, longest: int) -> bool:
    return type(text) is str and len(text) <= longest and not HALF_CHARACTER.search(text)


def _is_small_png(text: Any) -> bool:
    """Return whether a text is the base64 of a PNG, within the size that outline makes."""
    if not _is_text(text, limits.PICTURE_CHARACTERS):
        return False
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    if picture_type(raw) != "image/png" or raw[12:16] != b"IHDR" or len(raw) < 24:
        return False
    width, height = struct.unpack(">II", raw[16:24])
    return 0 < width <= limits.PICTURE_WIDTH_PIXELS and 0 < height <= limits.PICTURE_HEIGHT_PIXELS
