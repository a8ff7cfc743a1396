"""The different answers to a question, each once: what a person marks."""

import collections
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .records import Record


@dataclass(frozen=True)
class Item:
    """An answer, given by one student or, except for spaces and capitals, by several.

    Parameters
    ----------
    id : str
        Of its text and pictures: the same in every run.
    answer : str
        The Markdown, as the first of the students wrote it.
    students : tuple of str
        All who gave it, sorted.
    notes : dict of str to str
        By student, where the answer was found, if not in its cell.
    pictures : tuple of str
        Those in it, PNG in base64.
    """

    id: str
    answer: str
    students: tuple[str, ...]
    notes: Mapping[str, str]
    pictures: tuple[str, ...]


def item_id(record: Record, question: str) -> str:
    """Return the id of a student's answer with its pictures; spaces and capitals make no difference."""
    text = "\0".join([" ".join(record.answer(question).split()).casefold(), *record.answer_pictures.get(question, [])])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def items(question: str, records: Sequence[Record]) -> dict[str, Item]:
    """Return {id: Item} of the answers to a question, without those that are empty."""
    groups = collections.defaultdict(list)
    for record in sorted(records, key=lambda record: record.student):
        if record.answer(question).strip():
            groups[item_id(record, question)].append(record)
    return {name: _item(name, question, group) for name, group in groups.items()}


def _item(name: str, question: str, group: Sequence[Record]) -> Item:
    notes = {record.student: record.answer_notes[question] for record in group if record.answer_notes.get(question)}
    pictures = tuple(group[0].answer_pictures.get(question, []))
    return Item(name, group[0].answer(question), tuple(record.student for record in group), notes, pictures)
