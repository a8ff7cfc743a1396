"""What looks like a model answer. The release empties proper answer cells, so nothing of the kind may be anywhere else.

A proper answer cell is a Markdown cell with the tag `inline-answer`, directly below its question.
"""

import difflib
import functools
import html
import re
import unicodedata
from collections.abc import Sequence

from nbformat import NotebookNode

from .reference import Reference, strings, tagged, texts

TAG = "inline-answer"
ANSWER_ID = re.compile(r"answer[-_ ]?\d+", re.I)
POINTS = re.compile(r"\*\*(Bonus points|Points)\*\* \d")
QUESTION = re.compile(r"^(#+|\*\*|__|<h\d>)([^\w\n]|\d)*((inline|bonus|extra)\W+)?question\W{0,3}(\d|[.:*_]|$)", re.I | re.M)
QUESTION_WITH_POINTS = re.compile(rf"^#+ .*question.*{POINTS.pattern}", re.I | re.M)
HEADING = re.compile(r"\s*(<a\b[^>]*>\s*(</a>)?\s*)*(#{1,3}[^#]|<h[123])", re.I)  # of a section; deeper ones divide a text
TAG_OF_HTML = re.compile(r"</?[A-Za-z][^<>\n]*>")
INVISIBLE = re.compile(r"[\u200b-\u200d\u2060\ufeff]")

# A label opens a line or a sentence, or is emphasised: "**Model answer.** No.", "### RUBRIC", "> a) Rubric (4 points)".
LABEL = r"""
    (?:[^\w\n]|_)*                                                                     # markup, punctuation
    (?:(?:(?:inline|bonus)\s+)?(?:question|answer|q)\W*\d+\W+ | \(?(?:\d+|[a-z])[.)]\s+)?  # Question 1: ..., a) ...
    (?P<label>
        (?:model|sample)(?:[^\w\n.]|_){0,5}(?:answer|solution)(?P<plural>s?)
        | (?:(?:grading|marking|scoring)(?:[^\w\n.]|_){1,5})?rubric(?P<plurals>s?)
        | (?:grading|marking)(?:[^\w\n.]|_){1,5}scheme | answer(?:[^\w\n.]|_){1,5}key
    )
    (?!_*[^\W_])                                                                       # not: rubrical, rubric_file
    (?!["'\u2019\u201d»](?!\s*[:=]))                                                    # not: the word "rubric"
"""
LABELS = {
    False: re.compile(rf"(?:^|(?P<inside>(?<=[.!?。])\s|\*\*|__|<!--)){LABEL}", re.I | re.M | re.X),
    True: re.compile(rf"(?:^|[\"'\#]|\\n|(?P<inside>(?<=[.!?。])\s)){LABEL}", re.I | re.M | re.X),
}
PUNCTUATED = re.compile(r"\s*([.:。(\[]|\d)")
STANDS_ALONE = re.compile(r"[\s*_]*([.:。(\[|\u2013\u2014-]|$)", re.M)
OPENS_A_LIST = re.compile(r"[\s*_]*(:|\(\s*\d)")
GOES_ON = re.compile(r"\s+(and|or|are|is|was|were|will|can|may|has|have|must|should|do|does)\b(?!\s*:)", re.I)


@functools.lru_cache(10_000)  # an edition's texts are searched as cells, as files and once more when it is proven
def labelled_lines(text: str, code: bool = False) -> tuple[str, ...]:
    """Return the lines of a text in which a model answer or a rubric begins.

    code: whether it is Python, in which comments and strings begin inside of lines. Prose with one of these words is left
    alone: "The rubric is ...", "Model answers are ...", a line that only goes on with the sentence of the line above.
    """
    plain = TAG_OF_HTML.sub("**", html.unescape(unicodedata.normalize("NFKC", INVISIBLE.sub("", text))))
    numbers = [plain.count("\n", 0, found.start("label")) for found in LABELS[code].finditer(plain) if _is_label(plain, found)]
    lines = (text if text.count("\n") == plain.count("\n") else plain).split("\n")  # HTML may write a line break as &#10;
    return tuple(lines[number].strip() for number in numbers)


def _is_label(text: str, found: re.Match[str]) -> bool:
    after, label = text[found.end() : found.end() + 80], found["label"]
    if label[0].islower() and (found["inside"] or _continues(text, found.start("label"))):
        return bool(OPENS_A_LIST.match(after))
    if (found["inside"] or "").strip():  # emphasised in the middle of a sentence
        return bool(PUNCTUATED.match(after))
    if found["plural"] or found["plurals"]:
        return bool(STANDS_ALONE.match(after))
    return "answer" in label.lower() or not GOES_ON.match(after)


def _continues(text: str, at: int) -> bool:
    """Return whether a line whose first word is at `at` goes on with the sentence of the line above."""
    start = text.rfind("\n", 0, at) + 1
    above = text[text.rfind("\n", 0, max(start - 1, 0)) + 1 : start].strip(" \t\n#>/")
    return not text[start:at].strip(" \t#>/") and bool(re.search(r"[\w,(\u2013-]$", above))


def is_answer(cell: NotebookNode) -> bool:
    """Return whether a cell of the reference is an answer cell, which the release empties."""
    return cell.cell_type == "markdown" and tagged(cell, TAG)


def asks(cell: NotebookNode) -> bool:
    """Return whether a text asks a question, or gives points for an exercise."""
    is_text = cell.cell_type == "markdown" and not is_answer(cell)
    return is_text and bool(POINTS.search(cell.source) or QUESTION.search(cell.source))


def misplaced_answers(reference: Reference) -> list[str]:
    """Return a sentence for everything in a Reference that looks like a model answer outside of a proper answer cell.

    All texts of a cell count, its outputs, metadata and attachments too. Questions without an answer cell, answers without a
    question and questions inside of an answer cell are reported as well.
    """
    cells, sentences = reference.cells, []
    reasons = [[] if is_answer(cell) else _reasons(cells, i) for i, cell in enumerate(cells)]
    for i, cell in enumerate(cells):
        labelled = next((line for _, line in _labels_of(cell)), None) if reasons[i] else None
        if is_answer(cell):
            wrong = _wrong_with_answer(cells, i)
        elif reasons[i]:
            wrong = (
                f"looks like a model answer and could reach students: {'; '.join(reasons[i])}. A model answer belongs in a "
                f"Markdown cell with the tag `{TAG}` directly below its question, and nothing else may look like one."
            )
        else:
            wrong = "" if any(reasons[i + 1 : i + 2]) else _wrong_with_question(cells, i)  # the cell below is reported
        if wrong:
            sentences.append(f"{reference.place(cell, labelled)} (index {i}) {wrong}")
    for line in (line for text in strings(reference.notebook.metadata) for line in labelled_lines(text)):
        sentences.append(f"{reference.path}: its metadata has {_quoted(line)}, which looks like a model answer. Take it out.")
    return sentences


def _wrong_with_answer(cells: Sequence[NotebookNode], i: int) -> str:
    if not (i and asks(cells[i - 1])):
        return (
            f"has the tag `{TAG}`, but no question is directly above it. Put it below its question, or into the cell with the "
            "rest of the answer."
        )
    if QUESTION_WITH_POINTS.search(cells[i].source):
        return f"has the tag `{TAG}` and holds a question, which students would not get. Put the question into a cell of its own."
    return ""


def _wrong_with_question(cells: Sequence[NotebookNode], i: int) -> str:
    below = cells[i + 1 : i + 2]
    if not asks(cells[i]) or (below and (is_answer(below[0]) or tagged(below[0], "exercise"))):
        return ""
    return (
        f"asks a question or gives points, and no cell with the tag `{TAG}` or `exercise` is directly below it. Add the cell, or "
        "the tag."
    )


def _reasons(cells: list[NotebookNode], i: int) -> list[str]:
    """Return why a cell looks like a model answer, [] if it does not."""
    cell, tags = cells[i], cells[i].metadata.get("tags", [])
    ids = dict.fromkeys([cell.id, cell.metadata.get("id"), cell.metadata.get("nbgrader", {}).get("grade_id")])
    return [
        *([f"it has the tag `{TAG}` and is a {cell.cell_type} cell"] if TAG in tags else []),
        *(f"its tag `{tag}` is nearly `{TAG}`" for tag in tags if _is_nearly_the_tag(tag)),
        *(f"its id is {name}" for name in ids if name and ANSWER_ID.fullmatch(name)),
        *_position(cells, i),
        *(f"in its {where} is {_quoted(line)}" for where, line in _labels_of(cell)),
    ]


def _is_nearly_the_tag(tag: str) -> bool:
    plain = re.sub(r"[^a-z]", "", tag.lower())
    return tag != TAG and (
        "answer" in plain or "rubric" in plain or difflib.SequenceMatcher(None, plain, "inlineanswer").ratio() > 0.75
    )


def _position(cells: Sequence[NotebookNode], i: int) -> list[str]:
    """Return [why the place of a cell makes it look like an answer], or []."""
    if asks(cells[i]) or not _is_running_text(cells[i]) or not cells[i].source.strip():
        return []
    for above in reversed(cells[:i]):
        if is_answer(above):
            return ["it continues below an answer without the heading of a new section"]
        if asks(above):
            return ["it is directly below a question"]
        if not _is_running_text(above):
            break
    return []


def _is_running_text(cell: NotebookNode) -> bool:
    return cell.cell_type != "code" and not HEADING.match(cell.source)


def _labels_of(cell: NotebookNode) -> list[tuple[str, str]]:
    """Return [(part of the cell, line in which a model answer begins)]."""
    found = (
        (where, line)
        for where, text in texts(cell)
        for line in labelled_lines(text, code=where == "source" and cell.cell_type == "code")
    )
    return list(dict.fromkeys(found))


def _quoted(line: str) -> str:
    line = line.replace("**", "").strip("* ")
    return f'"{line[:60]}{" ..." if len(line) > 60 else ""}"'
