"""What looks like a model answer in the reference notebook, what does not, and how each is named."""

import base64
import copy
import json
import re

import pytest
from helpers.places import ROOT

from cs231n.instructor.release.model_answers import labelled_lines, misplaced_answers
from cs231n.instructor.release.reference import Reference

PATH = ROOT / "NetworkVisualization.ipynb"
NOTEBOOK = json.loads(PATH.read_text(encoding="utf-8"))
for each in NOTEBOOK["cells"]:
    if "outputs" in each:
        each["outputs"] = []  # megabytes of pictures
REASON = re.compile(r"looks like a model answer and could reach students: (.*)\. A model answer belongs")


# A line

LABELS = [
    "**Model answer.** No.",
    "__Model answer:__ no",
    "***Model answer***",
    "**Model** **answer.** no",
    "Model answer No",
    "MODEL ANSWER",
    "model  answer: no",
    "Model\N{NO-BREAK SPACE}answer no",
    "Model\N{ZERO WIDTH SPACE} answer no",
    "Ru\N{ZERO WIDTH SPACE}bric: 4",
    "Model answers\N{FULLWIDTH COLON} no",
    "model-answer: no",
    "Modelanswer: no",
    "Model answer\N{FULLWIDTH COLON}no",
    "Model answer\N{IDEOGRAPHIC FULL STOP}no",
    "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}Model answer.\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK} no",
    "Model answer is: no",
    "Model answers:",
    "Sample solution: no",
    "### RUBRIC",
    "rubric",
    "_Rubric_",
    "`Rubric`",
    "~~Rubric~~",
    "> Rubric (4 points): no",
    "* Rubric for question 1",
    "- [ ] Rubric",
    "1. Rubric",
    "a) Rubric",
    "| Rubric | 4 |",
    "**Rubrics:**",
    "Grading rubric. 4: no",
    "Marking scheme",
    "## Question 1 \N{EN DASH} model answer",
    "<details><summary>Model answer</summary>",
    "<b>Model</b> <b>answer</b>",
    "&nbsp;Model answer",
    "<!-- Rubric: 4: no -->",
    "[//]: # (Rubric: 4: no)",
    "Why? <!-- Rubric: 4: no -->",
    "Because of the sign. **Rubric (3 points).** 3: no",
    "No, it does not. Model answer: the sign is lost",
    "some text\nRubric (4 points)",
    "some text\nrubric: 4 points",
]
PROSE = [
    "The rubric is on the course's page.",
    "Rubric and deadline are on the course's page.",
    "Rubrics are published after the deadline.",
    "Model answers are published after the deadline.",
    "Your answers are marked by hand; the\nrubric is published after the deadline.",
    "Answers are marked with a\nrubric. It is on the course's page.",
    "Read the **rubric** on the course's page.",
    "Read the **Rubric**.",
    "**Answers** are marked with a rubric (see the course's page).",
    'The word "rubric" comes from Latin.',
    '"Rubric" comes from Latin.',
    "*Your answer:*",
    "Write your answer below.",
    "Answer in two sentences.",
    "A model answers a question by its scores.",
    "The model answers with 1000 scores.",
    "The small\nmodel answers with 1000 scores.",
    "Does the model answer the question?",
    "Rubrical is a word, too.",
]


@pytest.mark.parametrize("text", LABELS)
def test_a_text_that_begins_like_a_model_answer_is_found_in_whatever_markup(text):
    assert len(labelled_lines(text)) == 1


@pytest.mark.parametrize("text", PROSE)
def test_prose_with_these_words_is_left_alone(text):
    assert not labelled_lines(text)


@pytest.mark.parametrize(
    "code",
    [
        "x = 1  # Rubric: 4: no",
        "# model answer: no",
        "print('Model answer. No')",
        'print("No\\nRubric: 4: no")',
        '"""Rubric (4 points)."""',
        '"""\nWhat it is.\n\nRubric (4 points)\n"""',
        "display(HTML('<b>Model answer</b>'))",
        'points = {"rubric": "4: no"}',
        "MODEL_ANSWER = 'no'",
    ],
)
def test_in_code_comments_and_strings_count(code):
    assert len(labelled_lines(code, code=True)) == 1


@pytest.mark.parametrize(
    "code",
    [
        'points = course["rubric"]',
        "# the points come from the\n# rubric of the course",
        "# See the rubric: it is on the course's page",
        "rubric_file = None",
        "scores = model.answer(x)  # a model answers",
    ],
)
def test_in_code_names_and_prose_do_not(code):
    assert not labelled_lines(code, code=True)


# A notebook


def index(notebook, name):
    return next(i for i, cell in enumerate(notebook["cells"]) if cell["id"] == name)


def cell(notebook, name):
    return notebook["cells"][index(notebook, name)]


def insert(notebook, name, *cells):
    """Put cells below the one with an id."""
    i = index(notebook, name) + 1
    notebook["cells"][i:i] = cells


def markdown(name, source, *tags):
    return {"cell_type": "markdown", "id": name, "metadata": {"tags": list(tags)} if tags else {}, "source": source}


def change(*names, **changes):
    """Return a function that changes these cells of a notebook."""
    return lambda notebook: [cell(notebook, name).update(copy.deepcopy(changes)) for name in names]


def append(name, text):
    return lambda notebook: cell(notebook, name)["source"].append(text)


def findings(tmp_path, edit, **dumped):
    """Return (notebook, sentences) after an edit, which may return another notebook."""
    notebook = copy.deepcopy(NOTEBOOK)
    edited = edit(notebook)
    notebook = edited if isinstance(edited, dict) else notebook
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps(notebook, **{"indent": 1, "ensure_ascii": False} | dumped), encoding="utf-8")
    return notebook, misplaced_answers(Reference(path))


def found(tmp_path, edit):
    """Return {id: [reason]} of the cells that look like a model answer after an edit; fail if a place is not right."""
    notebook, sentences = findings(tmp_path, edit)
    reasons = {}
    for sentence in sentences:
        line, name, i = re.match(
            rf"{re.escape(str(tmp_path))}/notebook\.ipynb:(\d+): cell (\S+) \(index (\d+)\) ", sentence
        ).groups()
        cell = notebook["cells"][int(i)]
        assert cell.get("id", name) == name
        lines = (tmp_path / "notebook.ipynb").read_text(encoding="utf-8").splitlines()
        begins = [number for number, text in enumerate(lines, 1) if text == "  {"] + [len(lines)]
        assert begins[int(i)] <= int(line) < begins[int(i) + 1]
        reasons[name] = REASON.search(sentence)[1].split("; ") if REASON.search(sentence) else [sentence]
    return reasons


def test_the_reference_as_it_is_has_none(tmp_path):
    assert misplaced_answers(Reference(PATH)) == []
    assert findings(tmp_path, lambda notebook: None)[1] == []


def test_without_its_tag_an_answer_is_named_with_line_id_index_and_all_that_speaks_for_it(tmp_path):
    _, (sentence,) = findings(tmp_path, change("answer-1", metadata={}))
    path = tmp_path / "notebook.ipynb"
    line = next(i for i, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if "**Model answer.** No." in text)
    place = f"{path}:{line}: cell answer-1 (index {index(NOTEBOOK, 'answer-1')})"
    assert sentence.startswith(f"{place} looks like a model answer and could reach students: ")
    assert REASON.search(sentence)[1].split("; ") == [
        "its id is answer-1",
        "it is directly below a question",
        'in its source is "Model answer. No. The score rises fastest along the gradient ..."',
        'in its source is "Rubric (4 points)."',
    ]


def test_every_one_is_named_not_only_the_first(tmp_path):
    names = [f"answer-{number}" for number in range(1, 10)]
    assert list(found(tmp_path, change(*names, metadata={}))) == names


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("ascii", [True, False])
def test_lines_are_right_however_the_file_is_written(tmp_path, indent, ascii):
    edit = change("answer-1", metadata={}, source=["No.\n", "**Model answer.** Na\u00efve.\n", "More."])
    _, (sentence,) = findings(tmp_path, edit, indent=indent, ensure_ascii=ascii)
    lines = (tmp_path / "notebook.ipynb").read_text(encoding="utf-8").splitlines()
    assert "**Model answer.** Na" in lines[int(re.search(r":(\d+): cell", sentence)[1]) - 1]


@pytest.mark.parametrize(
    "tag",
    ["inline_answer", "Inline-Answer", "inline answer", "inline-anwser", "inline-answers", "answer", "model-answer", "rubric"],
)
def test_a_misspelt_tag_is_named(tmp_path, tag):
    reasons = found(tmp_path, change("answer-1", metadata={"tags": [tag]}, source="No."))
    assert f"its tag `{tag}` is nearly `inline-answer`" in reasons["answer-1"]


@pytest.mark.parametrize("tag", ["hide-input", "remove-cell", "online", "slide"])
def test_other_tags_are_left_alone(tmp_path, tag):
    assert found(tmp_path, change("saliency-seen", metadata={"tags": [tag]})) == {}


def split(after, *lengths):
    """Return a function that splits an answer cell into cells of so many lines, the later ones without a tag."""

    def edit(notebook):
        lines = cell(notebook, after)["source"]
        parts = []
        for length in lengths:
            parts.append(lines[:length])
            lines = lines[length:]
        cell(notebook, after)["source"] = parts[0]
        insert(notebook, after, *(markdown(f"part-{i}", part) for i, part in enumerate(parts[1:], 1)))

    return edit


def test_each_part_of_an_answer_that_was_split_is_found_also_without_a_label(tmp_path):
    reasons = found(tmp_path, split("answer-3", 1, 1, 0, 1))
    continues = ["it continues below an answer without the heading of a new section"]
    assert reasons == {"part-1": continues, "part-3": continues}


@pytest.mark.parametrize("source", ["#### Why", "No.\n\n### The reason", "<i>No.</i>"])
def test_headings_inside_of_an_answer_do_not_hide_its_second_part(tmp_path, source):
    assert list(found(tmp_path, lambda notebook: insert(notebook, "answer-3", markdown("part", source)))) == ["part"]


@pytest.mark.parametrize("source", ["### Now look", "<a id='x'></a>\n## Now look", "\n# Now look", "<h2>Now look</h2>", " "])
def test_a_new_section_below_an_answer_is_left_alone(tmp_path, source):
    assert found(tmp_path, lambda notebook: insert(notebook, "answer-3", markdown("section", source))) == {}


def moved(name, below):
    def edit(notebook):
        taken = notebook["cells"].pop(index(notebook, name))
        insert(notebook, below, taken)

    return edit


def test_an_answer_that_was_moved_away_from_its_question_is_found_and_so_is_the_question(tmp_path):
    reasons = found(tmp_path, moved("answer-2", "autograd"))
    assert "has the tag `inline-answer`, but no question is directly above it" in reasons["answer-2"][0]
    assert "no cell with the tag `inline-answer` or `exercise` is directly below it" in reasons["question-2-text"][0]
    assert len(reasons) == 2


def test_a_second_answer_cell_below_the_first_is_found(tmp_path):
    reasons = found(tmp_path, lambda notebook: insert(notebook, "answer-2", markdown("again", "No.", "inline-answer")))
    assert list(reasons) == ["again"]


@pytest.mark.parametrize("kind", ["code", "raw"])
@pytest.mark.parametrize("tags", [["inline-answer"], []])
def test_an_answer_that_became_another_kind_of_cell_is_found(tmp_path, kind, tags):
    def edit(notebook):
        cell(notebook, "answer-1").update(cell_type=kind, metadata={"tags": tags})
        if kind == "code":
            cell(notebook, "answer-1").update(outputs=[], execution_count=None)

    reasons = found(tmp_path, edit)
    assert list(reasons) == ["answer-1"]
    assert (f"it has the tag `inline-answer` and is a {kind} cell" in reasons["answer-1"]) == bool(tags)


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def stream(text):
    return [{"output_type": "stream", "name": "stdout", "text": [text]}]


PLACES = {
    "a comment": ("climb", append("climb", "\n# Rubric: 4: no"), 'in its source is "# Rubric: 4: no"'),
    "a text in code": ("climb", append("climb", "\nprint('Model answer: no')"), "in its source is \"print('Model answer: no')\""),
    "the question's cell": ("question-1-text", append("question-1-text", "\n\n*Model answer:* no"), "in its source is"),
    "an output": ("climb", change("climb", outputs=stream("Rubric: 4\n")), 'in its outputs is "Rubric: 4"'),
    "metadata": ("climb", change("climb", metadata={"rubric": {"4": "no"}}), 'in its metadata is "rubric"'),
    "a collapsed cell": (
        "fooling-seen",
        change("fooling-seen", metadata={"collapsed": True, "jupyter": {"source_hidden": True}}, source="Rubric: 4"),
        'in its source is "Rubric: 4"',
    ),
    "an attached text": (
        "learned",
        change("learned", attachments={"a.txt": {"text/plain": encoded("Rubric: 4")}}),
        'in its attachments is "Rubric: 4"',
    ),
    "an attached drawing": (
        "learned",
        change("learned", attachments={"a.svg": {"image/svg+xml": encoded("<svg><text>Rubric (4)</text></svg>")}}),
        'in its attachments is "<svg><text>Rubric (4)</text></svg>"',
    ),
    "an attachment's name": (
        "learned",
        change("learned", attachments={"model_answer.png": {"image/png": "iVBORw0KGgo="}}),
        'in its attachments is "model_answer.png"',
    ),
    "an id in the metadata": ("learned", change("learned", metadata={"id": "answer-9"}), "its id is answer-9"),
    "nbgrader's id": ("learned", change("learned", metadata={"nbgrader": {"grade_id": "answer_9"}}), "its id is answer_9"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_model_answer_is_found_in_all_parts_of_a_cell(tmp_path, place):
    name, edit, reason = PLACES[place]
    ((found_in, (said,)),) = found(tmp_path, edit).items()
    assert (found_in, said[: len(reason)]) == (name, reason)


def test_a_raw_cell_with_a_model_answer_is_found(tmp_path):
    raw = {"cell_type": "raw", "id": "raw", "metadata": {}, "source": "Model answer: no"}
    assert found(tmp_path, lambda notebook: insert(notebook, "imports", raw)) == {"raw": ['in its source is "Model answer: no"']}


def test_the_notebooks_own_metadata_are_searched(tmp_path):
    _, (sentence,) = findings(tmp_path, lambda notebook: notebook["metadata"].update(notes=["x", {"y": "Model answer: no"}]))
    assert 'notebook.ipynb: its metadata has "Model answer: no", which looks like a model answer' in sentence


def test_a_picture_is_none(tmp_path):
    assert found(tmp_path, change("learned", attachments={"image.png": {"image/png": "iVBORw0KGgo="}})) == {}


@pytest.mark.parametrize(
    "question",
    [
        "### Inline question 9 · **Points** 2\n\nWhy?",
        "### Inline question\n\nWhy?",
        "#### Question 9\n\nWhy?",
        "**Question 9.** Why?",
        "**Question:** Why?",
        "### Bonus question\n\nWhy?",
        "<h3>Question 9</h3>\nWhy?",
        "Why? **Bonus points** 2",
    ],
)
def test_the_text_below_a_new_question_needs_the_tag(tmp_path, question):
    def edit(*tags):
        return lambda notebook: insert(notebook, "learned", markdown("new", question), markdown("text", "Because.", *tags))

    assert found(tmp_path, edit()) == {"text": ["it is directly below a question"]}
    assert found(tmp_path, edit("inline-answer")) == {}


@pytest.mark.parametrize(
    "text",
    [
        "### Looking back at question 3",
        "**In question 3** the sum was the answer.",
        "## Open questions",
        "This is an open\nquestion. Think about it.",
        "The question: what does it see?",
    ],
)
def test_a_text_about_questions_asks_none(tmp_path, text):
    assert found(tmp_path, lambda notebook: insert(notebook, "learned", markdown("a", text), markdown("b", "More."))) == {}


@pytest.mark.parametrize(
    "below", [[], [{"cell_type": "code", "id": "c", "metadata": {}, "source": "", "outputs": [], "execution_count": None}]]
)
def test_a_question_without_an_answer_cell_is_found(tmp_path, below):
    def edit(notebook):
        del notebook["cells"][index(notebook, "answer-4")]
        insert(notebook, "question-4-text", *below)

    assert "is directly below it. Add the cell, or the tag." in found(tmp_path, edit)["question-4-text"][0]


def test_a_question_at_the_end_is_found(tmp_path):
    reasons = found(tmp_path, lambda notebook: notebook["cells"].append(markdown("q", "### Question 9")))
    assert list(reasons) == ["q"]


def test_an_exercise_that_lost_its_tag_is_found(tmp_path):
    assert list(found(tmp_path, change("exercise-6", metadata={}))) == ["exercise-6-text"]


def test_a_question_that_was_merged_with_its_answer_is_found(tmp_path):
    def edit(notebook):
        cell(notebook, "question-2-text")["source"] += ["\n\n", *cell(notebook, "answer-2")["source"]]
        del notebook["cells"][index(notebook, "answer-2")]

    assert list(found(tmp_path, edit)) == ["question-2-text"]


def test_an_answer_that_was_merged_with_the_next_question_is_found(tmp_path):
    def edit(notebook):
        cell(notebook, "answer-1")["source"] += ["\n\n", *cell(notebook, "question-2-text")["source"]]
        del notebook["cells"][index(notebook, "question-2-text")]

    reasons = found(tmp_path, edit)
    assert list(reasons) == ["answer-1", "answer-2"]
    assert "holds a question, which students would not get" in reasons["answer-1"][0]


# As editors save it


def as_colab_saves_it(notebook):
    """Ids are in the metadata, and the cells come last."""
    for each in notebook["cells"]:
        each["metadata"] = {"id": each.pop("id"), **each["metadata"]}
    notebook["metadata"]["colab"] = {"provenance": [{"file_id": "1aBc"}], "cells": []}
    return {"nbformat": 4, "nbformat_minor": 0, "metadata": notebook["metadata"], "cells": notebook["cells"]}


def test_ids_that_colab_moved_are_taken_from_there(tmp_path):
    assert findings(tmp_path, as_colab_saves_it)[1] == []
    reference = Reference(tmp_path / "notebook.ipynb")
    assert [each.id for each in reference.cells] == [each["id"] for each in NOTEBOOK["cells"]]
    assert reference.problems_of_ids() == []
    assert "answer-1" in found(
        tmp_path, lambda notebook: as_colab_saves_it(change("answer-1", metadata={})(notebook) and notebook)
    )


def test_an_answer_without_its_tag_is_found_in_what_colab_saved(tmp_path):
    def edit(notebook):
        change("answer-1", metadata={})(notebook)
        return as_colab_saves_it(notebook)

    assert found(tmp_path, edit)["answer-1"][0] == "its id is answer-1"


def test_where_the_ids_are_lost_that_is_said_and_answers_are_found_all_the_same(tmp_path):
    def edit(notebook):
        change("answer-1", metadata={})(notebook)
        for each in notebook["cells"]:
            del each["id"]
        notebook["nbformat_minor"] = 4

    assert list(found(tmp_path, edit)) == [f"without-id-{index(NOTEBOOK, 'answer-1')}"]
    (said,) = Reference(tmp_path / "notebook.ipynb").problems_of_ids()
    cells = len(NOTEBOOK["cells"])
    assert f"cells without an id of their own: {cells} of {cells}, at line 3 (index 0), " in said


def test_an_id_that_two_cells_have_is_said(tmp_path):
    findings(tmp_path, lambda notebook: notebook["cells"].append(markdown("learned", "x")))
    (said,) = Reference(tmp_path / "notebook.ipynb").problems_of_ids()
    cells = len(NOTEBOOK["cells"])
    assert f"1 of {cells + 1}, at line " in said
    assert f"(index {cells})" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"cells": [\n', r"ipynb:2: this is not a notebook \(Expecting value\)"),
        ("[]", "is not a notebook of format 4"),
        ('{"nbformat": 3, "worksheets": []}', "is not a notebook of format 4"),
        ('{"nbformat": 4, "metadata": {}, "cells": [1]}', "is not a notebook of format 4"),
        ('{"nbformat": 4, "metadata": {}, "cells": [{"source": ""}]}', "is not a valid notebook: "),
    ],
)
def test_what_is_not_a_notebook_is_refused_in_a_sentence(tmp_path, text, said):
    path = tmp_path / "notebook.ipynb"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        Reference(path)
