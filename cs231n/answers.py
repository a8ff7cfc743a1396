"""Find the answers to the inline questions in a notebook, also those that a tool or a person has moved."""

import ast
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from nbformat import NotebookNode

from .assignment import assignment

# The numbers of the questions; those of the second line give bonus points.
QUESTIONS = tuple(question.number for question in assignment().questions if not question.bonus)
OPTIONAL_QUESTIONS = tuple(question.number for question in assignment().questions if question.bonus)

PLACEHOLDER = re.compile(r"your answer( here)?|type your answer here|[*_#>:.\s]|<!--.*?-->", re.I | re.S)
# The same in front of an answer: "*Your answer:* Because ...", or within its emphasis: "*Your answer: because ...*".
BEFORE_ANSWER = re.compile(r"\s*(?:([*_]{1,3})your answer(?: here)?:?\1:?|your answer(?: here)?:)\s*", re.I)
IN_EMPHASIS = re.compile(r"\s*([*_]{1,3})your answer(?: here)?:\s*(?=\S)", re.I)
# What the kit's own headings begin with, for a notebook of which the kit's cells are not known.
KIT_HEADING = re.compile(r"^#{1,6}[ \t]*(\d+(\.\d+)*\.?[ \t]|(optional )?exercise\b|inline question\b|part \d)", re.I | re.M)
EXERCISE_HEADING = re.compile(r"^#{1,6}[ \t]*((optional )?exercise \d|inline question)", re.I | re.M)
QUESTION_HEADING = re.compile(r"^#+[ \t]*Inline question (\d+)\b.*$", re.I | re.M)
# A line in which a person names a question: "Q3:", "Answer to question 3", "## Inline question 3".
NAMED = r"^[^\w\n]{{0,12}}(?:inline )?(?:question|answer(?: to)?(?: question)?|q|a|iq)[^\w\n]{{0,3}}{number}\b"
SAME = 0.9  # part of a text's words that must be in another one for that to be the text, with something added
LONGEST_PLACEHOLDER = 2000  # characters
COMPARED = 20_000  # characters of a cell that are compared with the kit's
PERHAPS_LIMIT = 3  # places that are shown where the answer was not found


@dataclass
class Answer:
    """An answer, as a person is to read it.

    Attributes
    ----------
    text : str
        Markdown, "" if nothing was found. Pictures attached to its cells are in it, as data: addresses.
    where : str
        A sentence that says where it was found, or that it was not; "" if it is in its own cell.
    places : tuple of str
        Where the text was found, "cell 7, above the question" for example, if it only may be the answer; the text then says so,
        too. Else empty.
    """

    text: str = ""
    where: str = ""
    places: tuple[str, ...] = ()

    @property
    def perhaps(self) -> bool:
        """Whether the text only may be the answer."""
        return bool(self.places)


def answers(notebook: NotebookNode, kit: Mapping[str, str] | None = None) -> dict[str, Answer]:
    """Find the answer to each inline question of a notebook.

    An answer is what its own cell says (by its id, also where Colab or nbgrader keeps it), what else is written between the
    question and the next cell of the kit, and then what was added to the question's own cell. If there is none of these: what may
    be the answer, which is code below the question, a text above it, or one that names the question.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Of nbformat 4.
    kit : mapping of str to str or None
        {cell id: source} of the notebook as it was given out; without it only an answer's own cell and the cells below the
        question are looked at.

    Returns
    -------
    dict of str to Answer
        {"question-1": its answer, ...}, in the order of the notebook.
    """
    looked = _Notebook(notebook, kit or {})
    return {question.key: looked.answer(question.number) for question in assignment().questions}


def is_empty(text: str) -> bool:
    """Return whether a text says nothing beyond the placeholder that was there.

    Parameters
    ----------
    text : str
        Markdown of a cell.

    Returns
    -------
    bool
        Whether there is nothing to read for a person who marks it.
    """
    return not (text.strip() if len(text) > LONGEST_PLACEHOLDER else PLACEHOLDER.sub("", text))


def ids(cell: NotebookNode) -> list[str]:
    """Return the ids of a cell.

    Parameters
    ----------
    cell : nbformat.NotebookNode
        A cell of nbformat 4.

    Returns
    -------
    list of str
        Its own id, and those that Colab and nbgrader keep in its metadata.
    """
    nbgrader = cell.metadata.get("nbgrader")
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    found = (cell.get("id"), cell.metadata.get("id"), grade_id)
    return [name for name in found if isinstance(name, str) and name]


class _Notebook:
    """A notebook's cells, and which of them are the kit's. kit: {cell id: source} of the notebook as it was given out."""

    def __init__(self, notebook: NotebookNode, kit: Mapping[str, str]) -> None:
        self.cells, self.kit = notebook.cells, kit
        by_text = {_flat(source): name for name, source in kit.items() if not name.startswith("answer-")}
        self.names = [self._kit_name(cell, by_text) for cell in self.cells]
        strictly = [self._question(i, strictly=True) for i in range(len(self.cells))]
        loosely = [self._question(i, strictly=False) for i in range(len(self.cells))]
        self.questions = [sure or (0 if other in strictly else other) for sure, other in zip(strictly, loosely, strict=True)]

    def _kit_name(self, cell: NotebookNode, by_text: Mapping[str, str]) -> str:
        """Return the id that a cell has, or had, in the kit; "" for a cell of the student's own."""
        known = next((name for name in ids(cell) if name in self.kit or re.fullmatch(r"answer-\d+", name)), None)
        return known or by_text.get(_flat(cell.source), "")

    def _question(self, i: int, strictly: bool) -> int:
        """Return the number of the question that a cell asks, or 0. strictly: not if it only has the heading of one."""
        named = re.fullmatch(r"question-(\d+)-text", self.names[i])
        heading = QUESTION_HEADING.search(self.cells[i].source)
        found = named or heading
        if self.cells[i].cell_type == "code" or found is None:
            return 0
        number = int(found[1])
        asked = self.kit.get(f"question-{number}-text")
        if named or not strictly or asked is None or is_empty(QUESTION_HEADING.sub("", self.cells[i].source)):
            return number
        return number if _flat(self.cells[i].source) == _flat(asked) or _added(self.cells[i].source, asked) else 0

    def answer(self, number: int) -> Answer:
        """Return the Answer to a question, given by its number."""
        own = [cell for cell in self.cells if f"answer-{number}" in ids(cell)]
        below = [cell for cell in self._below(number) if cell not in own]
        added = self._added_to_question(number)
        texts = [_words(cell) for cell in own + below] + [added]
        text = "\n\n".join(_without_placeholder(text).strip() for text in texts if not is_empty(text))
        if not text:
            return self._perhaps(number, gone=not own)
        if is_empty(added):
            return Answer(text)
        where = f"{'It' if added == text else 'A part of it'} was written into the cell of the question."
        return Answer(text, where)

    def _below(self, number: int) -> list[NotebookNode]:
        """Return the cells with words between a question and the next cell that is the kit's."""
        return [cell for i in self._places_below(number) if not is_empty(_words(cell := self.cells[i]))]

    def _places_below(self, number: int) -> list[int]:
        """Return the places of the cells between a question and the next cell that is the kit's."""
        found = []
        for start in (i for i, asked in enumerate(self.questions) if asked == number):
            for i in range(start + 1, len(self.cells)):
                if self._ends_answer(i, number):
                    break
                found.append(i)
        return found

    def _ends_answer(self, i: int, number: int) -> bool:
        if self.names[i]:
            return self.names[i] != f"answer-{number}"
        cell = self.cells[i]
        if cell.cell_type == "code":
            return not self.kit and is_empty(_words(cell))
        heading = EXERCISE_HEADING if self.kit else KIT_HEADING
        return bool(self.questions[i] or heading.search(cell.source))

    def _added_to_question(self, number: int) -> str:
        """Return what the cell of a question holds beyond the question, "" if that is not known."""
        asked = self.kit.get(f"question-{number}-text")
        found = [_words(cell) for i, cell in enumerate(self.cells) if self.questions[i] == number]
        return "\n\n".join(filter(None, (_added(source, asked) for source in found))) if asked else ""

    # What may be the answer

    def _perhaps(self, number: int, gone: bool) -> Answer:
        places = self._likely_places(number)[:PERHAPS_LIMIT] if self.kit else []
        if not places:
            nothing = "Its cell is gone, and no likely answer was found elsewhere." if gone else "Its cell is empty."
            return Answer(where=nothing)
        shown = [f"*Perhaps this, from {where}:*\n\n{text}" for _, where, text in places]
        where = f"Its cell is {'gone' if gone else 'empty'}. This may or may not be the answer."
        return Answer("\n\n".join(shown), where, places=tuple(place for _, place, _ in places))

    def _likely_places(self, number: int) -> list[tuple[int, str, str]]:
        """Return [(place, where that is, text)] of what may be the answer to a question, the likeliest first."""
        found = [(i, f"cell {i + 1}, code below the question", _as_code(self.cells[i].source)) for i in self._code_below(number)]
        found += [(i, f"cell {i + 1}, where the question was", _words(self.cells[i])) for i in self._overwritten(number)]
        found += [(i, f"cell {i + 1}, which names the question", text) for i, text in self._naming(number)]
        asking = [i for i, asked in enumerate(self.questions) if asked == number]
        found += [(i, f"cell {i + 1}, above the question", _words(self.cells[i])) for i in self._own_above(asking)]
        found += [(i, f"cell {i + 1}, added to a text of the notebook", text) for i, text in self._added_to_neighbours(asking)]
        first = {one[0]: one for one in reversed(found)}
        return [one for one in found if one is first[one[0]] and not is_empty(one[2])]

    def _code_below(self, number: int) -> list[int]:
        below = (i for i in self._places_below(number) if self.cells[i].cell_type == "code" and self.cells[i].source.strip())
        return [i for i in below if not _defines_function(self.cells[i].source)]

    def _overwritten(self, number: int) -> list[int]:
        """Return the places of cells that are the question's, by their id, and hold the question no more."""
        own = [i for i, name in enumerate(self.names) if name == f"question-{number}-text"]
        return [i for i in own if not QUESTION_HEADING.search(self.cells[i].source)]

    def _naming(self, number: int) -> list[tuple[int, str]]:
        """Return [(place, text)] of the student's own texts in which a line begins with the question's number."""
        naming, other = (re.compile(NAMED.format(number=n), re.I | re.M) for n in (number, r"\d+"))
        found = []
        for i, cell in enumerate(self.cells):
            text = _words(cell)
            begins = naming.search(text) if not self.names[i] and not self.questions[i] else None
            if begins:
                ends = other.search(text, begins.end())
                found.append((i, text[begins.start() : ends.start() if ends else len(text)].strip()))
        return found

    def _own_above(self, asking: Iterable[int]) -> list[int]:
        """Return the places of the student's own texts directly above a question, apart from an answer to the one before."""
        found, answers_before = [], self._only_answers()
        for start in asking:
            for i in range(start - 1, -1, -1):
                if self.names[i] or self.questions[i] or i in answers_before or is_empty(_words(self.cells[i])):
                    break
                found.append(i)
        return found

    def _only_answers(self) -> set[int]:
        """Return the places below questions whose own cells are empty: what is written there is the answer."""
        found = set()
        for number in {*self.questions} - {0}:
            own = [cell for cell in self.cells if f"answer-{number}" in ids(cell)]
            if all(is_empty(_words(cell)) for cell in own):
                found |= set(self._places_below(number))
        return found

    def _added_to_neighbours(self, asking: Iterable[int]) -> list[tuple[int, str]]:
        """Return [(place, text)] of what was added to the kit's texts directly above a question and below its answer."""
        found = []
        for start in asking:
            after = next((i for i in range(start + 1, len(self.cells)) if self.names[i] and not self._is_answer(i)), None)
            before = next((i for i in range(start - 1, -1, -1) if self.names[i] and not self._is_answer(i)), None)
            for i in (before, after):
                if i is not None and self.cells[i].cell_type != "code" and not self.questions[i] and self.names[i] in self.kit:
                    found.append((i, _added(self.cells[i].source, self.kit[self.names[i]])))
        return found

    def _is_answer(self, i: int) -> bool:
        return self.names[i].startswith("answer-")


def _without_placeholder(text: str) -> str:
    """Return an answer without the words that its empty cell begins with."""
    if found := BEFORE_ANSWER.match(text):
        return text[found.end() :]
    return IN_EMPHASIS.sub(r"\1", text, count=1) if IN_EMPHASIS.match(text) else text


def _flat(text: str) -> str:
    return " ".join(text.split())


def _words(cell: NotebookNode) -> str:
    """Return what a cell says in words: its text, or the comments and strings of a code cell without code; "" for code."""
    if cell.cell_type != "code":
        return _with_attachments(cell.source, cell.get("attachments") or {})
    source = re.sub(r"^\s*%%(markdown|html|latex)\b.*\n", "", cell.source)
    if source != cell.source:
        return source
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source if _is_prose(source) else ""
    if not tree.body:  # comments alone
        return "\n".join(re.sub(r"^\s*#+ ?", "", line) for line in source.splitlines()).strip()
    constants = [getattr(getattr(line, "value", None), "value", None) for line in tree.body]
    texts = [text.strip() for text in constants if isinstance(text, str)]
    return "\n\n".join(texts) if len(texts) == len(constants) else ""


def _with_attachments(text: str, attachments: Mapping[str, Mapping[str, str]]) -> str:
    """Return a text with the pictures attached to its cell in it, those that it does not mention at its end."""
    for name, bundle in attachments.items():
        kind, data = next(((kind, data) for kind, data in bundle.items() if kind.startswith("image/")), ("", ""))
        if kind and re.fullmatch(r"[A-Za-z0-9+/=\s]+", data):
            address = f"data:{kind};base64,{data}"
            mentioned = [place for place in (f"attachment:{name}", f"attachment:{quote(name)}") if place in text]
            text = text.replace(mentioned[0], address) if mentioned else f"{text}\n\n![{name}]({address})"
    return text


def _is_prose(text: str) -> bool:
    """Return whether a text that is not Python reads like sentences."""
    words = re.findall(r"(?<![\w.(\[])[A-Za-z']+(?=[\s,;:!?]|\.\s|\.?$)", text)
    signs = re.findall(r"[=\[\]{}_@]|\bdef\b|\bimport\b|^\s*[!%]", text, re.M)
    return len(words) >= 5 and len(words) > 3 * len(signs)


def _defines_function(source: str) -> bool:
    return re.search(r"^\s*(async\s+)?def\s", source, re.M) is not None


def _as_code(source: str) -> str:
    return "\n".join(f"    {line}" for line in source.strip().splitlines())


def _added(text: str, given: str) -> str:
    """Return what a text holds beyond one that was given; "" if it is not that text with something added."""
    text, given = text.strip(), given.strip()
    if text.startswith(given):
        return text[len(given) :].strip()
    words = list(re.finditer(r"\S+", text[:COMPARED]))
    before, after = given.split(), [word[0] for word in words]
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    same = sum(end - start for kind, start, end, *_ in changes if kind == "equal")
    if same < SAME * len(before):
        return ""
    added = [(start, end) for kind, a, b, start, end in changes if _is_addition(kind, b - a, end - start, end == len(after))]
    pieces = [text[words[start].start() : words[end - 1].end()] for start, end in added]
    return "\n\n".join([*pieces, *([text[COMPARED:]] if len(text) > COMPARED else [])])


def _is_addition(kind: str, removed: int, added: int, at_end: bool) -> bool:
    """Return whether a change of so many words adds something, rather than to say the same in other words."""
    return (kind == "insert" and (at_end or added > 2)) or (kind == "replace" and added > 2 * removed + 3)
