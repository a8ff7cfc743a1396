"""Answers are found where they were given out to be written, and where a tool or a person has moved them."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cs231n.answers import OPTIONAL_QUESTIONS, QUESTIONS, answers

WORDS = "The sign is lost by the absolute value."
ASKED = {
    1: "### Inline question 1 · **Points** 4\n\nA friend suggests to take the map in place of the gradient. Is your friend "
    "right? Give your reasons, and name what is lost on the way from the one to the other.",
    2: "### Inline question 2 · **Points** 3\n\nWhat are the values of this map like?",
}
EMPTY = "Its cell is empty."


def given_out():
    """The kit's cells: {id: source}."""
    return {
        "seen": "The maps are brightest where the object is.",
        "question-1-text": ASKED[1],
        "question-2-text": ASKED[2],
        "after": "## 5. Fooling images\n\nThe gradient tells how to change pixels.",
        "check": "check(f)",
    }


def notebook(**others):
    """The kit's notebook, in which nothing is written. others: {id with "_" for "-": source}."""
    sources = {
        "seen": "",
        "question-1-text": "",
        "answer-1": "*Your answer:*",
        "question-2-text": "",
        "answer-2": "*Your answer:*",
    }
    sources |= given_out() | {name.replace("_", "-"): source for name, source in others.items()}
    cells = [new_markdown_cell(source, id=name) for name, source in sources.items() if name != "check"]
    return new_notebook(cells=[*cells, new_code_cell(sources["check"], id="check")])


def at(notebook, name):
    return [cell.id for cell in notebook.cells].index(name)


def put(notebook, before, *cells):
    """Insert cells before the one with an id."""
    place = at(notebook, before)
    notebook.cells[place:place] = cells
    return notebook


def words(source):
    return new_markdown_cell(source, id="x")


def found(notebook, number=1, kit=None):
    return answers(notebook, given_out() if kit is None else kit)[f"question-{number}"]


def test_each_question_has_an_answer_and_nothing_is_empty_without_a_word():
    everything = answers(notebook(answer_1=WORDS), given_out())
    assert list(everything) == [f"question-{number}" for number in (*QUESTIONS, *OPTIONAL_QUESTIONS)]
    assert [(answer.text, answer.where, answer.perhaps) for answer in everything.values()][:2] == [
        (WORDS, "", False),
        ("", EMPTY, False),
    ]
    assert all(answer.text or answer.where for answer in everything.values())


@pytest.mark.parametrize(
    "text", ["*Your answer:*", "", " \n", "**Your answer:**\n\n> ", "Type your answer here", "<!-- a hint -->", "..."]
)
def test_what_stood_there_is_no_answer(text):
    assert (found(notebook(answer_1=text)).text, found(notebook(answer_1=text)).where) == ("", EMPTY)


def test_a_cell_is_found_by_the_id_that_colab_or_nbgrader_keeps():
    for metadata in ({"id": "answer-1"}, {"nbgrader": {"grade_id": "answer-1"}}):
        moved = notebook()
        moved.cells.pop(at(moved, "answer-1"))
        moved.cells.append(new_markdown_cell(WORDS, id="other", metadata=metadata))
        assert found(moved).text == WORDS
    assert found(notebook(), kit={}).text == ""


@pytest.mark.parametrize("kit", [None, {}], ids=["the kit is known", "the kit is not known"])
@pytest.mark.parametrize("text", [WORDS, f"# My reasons\n\n{WORDS}", f"### Why not\n{WORDS}"])
def test_without_any_ids_what_is_below_the_question_is_the_answer_headings_included(text, kit):
    lost = notebook(answer_1=text)
    for cell in lost.cells:
        cell.id = "lost"
    assert (found(lost, kit=kit).text, found(lost, kit=kit).perhaps) == (text, False)
    assert found(lost, 2, kit).text == ""


def test_further_cells_below_the_question_belong_to_the_answer_up_to_the_next_cell_of_the_kit():
    more = put(notebook(answer_1="One."), "question-2-text", words("# 1. Two\n\nmore"), new_code_cell("# Three,\n# in a comment"))
    assert found(more).text == "One.\n\n# 1. Two\n\nmore\n\nThree,\nin a comment"
    assert found(more, 2).perhaps  # it lies directly above that question, too, which has no answer


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (WORDS, WORDS),
        ("# The sign\n# is lost.", "The sign\nis lost."),
        ('"""The sign is lost."""', "The sign is lost."),
        ("%%markdown\nThe *sign* is lost", "The *sign* is lost"),
    ],
)
def test_words_in_a_code_cell_are_an_answer(source, expected):
    assert found(put(notebook(), "question-2-text", new_code_cell(source))).text == expected
    own = notebook()
    own.cells[at(own, "answer-1")] = new_code_cell(source, id="answer-1")
    assert found(own).text == expected


def test_what_was_written_into_the_cell_of_the_question_is_found_and_said():
    for asked in (f"{ASKED[1]}\n\n{WORDS}", ASKED[1].replace("right? ", f"right? {WORDS} ")):
        answer = found(notebook(question_1_text=asked))
        assert (answer.text, answer.where) == (WORDS, "It was written into the cell of the question.")
    both = found(notebook(question_1_text=f"{ASKED[1]}\n\nNo.", answer_1=WORDS))
    assert (both.text, both.where) == (f"{WORDS}\n\nNo.", "A part of it was written into the cell of the question.")


def test_a_text_that_shares_some_words_with_the_question_is_not_the_question_with_something_added():
    other = "### Inline question 1\n\nYour friend gives reasons. " + "Is the map right, and is nothing lost on any way? " * 9
    assert found(notebook(question_1_text=other)).text == ""


def test_a_question_in_other_words_is_no_answer():
    reworded = ASKED[1].replace("in place of", "instead of").replace("Points** 4", "Points** 5")
    assert found(notebook(question_1_text=reworded)).text == ""
    assert found(notebook(question_1_text="### Inline question 1\n\nSomething quite different is asked here.")).text == ""


def test_what_may_be_the_answer_is_shown_as_that_with_its_place():
    nearby = {
        "cell 2, above the question": put(notebook(), "question-1-text", words(WORDS)),
        "cell 4, code below the question": put(notebook(), "question-2-text", new_code_cell("print('The sign is lost')")),
        "cell 2, where the question was": notebook(question_1_text=WORDS),
        "cell 7, which names the question": put(notebook(), "check", words(f"# My answers\n\nQ1: {WORDS}\n\nQ2: flat")),
        "cell 1, added to a text of the notebook": notebook(seen=f"{given_out()['seen']}\n\n{WORDS} So no, it is not."),
        "cell 6, added to a text of the notebook": notebook(after=f"{WORDS}\n\n{given_out()['after']} {WORDS}"),
    }
    for place, moved in nearby.items():
        answer = found(moved, 2 if place.startswith("cell 6") else 1)
        assert answer.perhaps
        assert answer.places[0] == place
        assert answer.text.startswith(f"*Perhaps this, from {place}:*\n\n")
        assert "sign is lost" in answer.text
        assert "flat" not in answer.text
        assert answer.where == "Its cell is empty. This may or may not be the answer."


def test_a_heading_of_the_question_elsewhere_with_words_below_it_is_shown_or_found():
    together = put(notebook(), "check", words(f"### Inline question 1\n{WORDS}"))
    assert found(together).perhaps
    assert WORDS in found(together).text
    apart = put(notebook(), "check", words("### Inline question 1"), words(WORDS))
    assert (found(apart).text, found(apart).perhaps) == (WORDS, False)


def test_an_answer_to_the_question_before_is_not_taken_for_one_to_the_next():
    below = put(notebook(), "question-2-text", words(WORDS))
    assert found(below).text == WORDS
    assert (found(below, 2).text, found(below, 2).where) == ("", EMPTY)


def test_a_function_below_the_question_is_no_answer():
    assert found(put(notebook(), "question-2-text", new_code_cell("def f(X):\n    return X"))).text == ""


def test_a_cell_that_is_gone_is_named_as_gone():
    gone = notebook()
    gone.cells.pop(at(gone, "answer-1"))
    assert found(gone).where == "Its cell is gone, and no likely answer was found elsewhere."


def test_an_untouched_notebook_gives_nothing_at_all():
    assert {(answer.text, answer.perhaps) for answer in answers(notebook(), given_out()).values()} == {("", False)}
    lost = notebook()
    for cell in lost.cells:
        cell.id = "lost"
    assert {(answer.text, answer.perhaps) for answer in answers(lost, given_out()).values()} == {("", False)}


def test_attached_pictures_are_in_the_text_each_cells_own():
    attached = notebook(answer_1="see ![image.png](attachment:image.png)")
    attached.cells[at(attached, "answer-1")].attachments = {"image.png": {"image/png": "QUFB"}}
    second = words("![image.png](attachment:image.png)")
    second.attachments = {"image.png": {"image/png": "QkJC"}, "unused.jpg": {"image/jpeg": "Q0ND"}}
    text = found(put(attached, "question-2-text", second)).text
    assert text == (
        "see ![image.png](data:image/png;base64,QUFB)\n\n![image.png](data:image/png;base64,QkJC)\n\n"
        "![unused.jpg](data:image/jpeg;base64,Q0ND)"
    )


def test_an_answer_that_is_only_a_picture_is_one():
    picture = notebook(answer_1="")
    picture.cells[at(picture, "answer-1")].attachments = {"a.png": {"image/png": "QUFB"}}
    assert found(picture).text == "![a.png](data:image/png;base64,QUFB)"


def test_cells_with_odd_ids_are_no_answers():
    odd = nbformat.from_dict({"cells": [{"cell_type": "markdown", "metadata": {"id": 7, "nbgrader": 7}, "source": WORDS}]})
    assert answers(odd, given_out())["question-1"].text == ""


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("*Your answer:* Because.", "Because."),
        ("*Your answer:*\n\nBecause.", "Because."),
        ("**Your answer**: Because.", "Because."),
        ("Your answer: Because.", "Because."),
        ("*Your answer: because of it.*", "*because of it.*"),
        ("Your answer depends on the score.", "Your answer depends on the score."),
        ("*Because* your answer: no.", "*Because* your answer: no."),
    ],
)
def test_the_words_of_the_empty_cell_are_no_part_of_the_answer(written, answer):
    assert found(notebook(answer_1=written)).text == answer
