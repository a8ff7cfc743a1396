"""What the pages take from the reference, as a course asks it: its own questions, and a word where its points differ."""

from ...assignment import assignment, plain
from ..reports.reference import Reference
from .rubric import Rubric


def as_asked(reference: Reference, rubric: Rubric) -> Reference:
    """Return the reference with a course's own questions and rubrics, and without the questions that it leaves out."""
    questions, answers = {}, {}
    for name in rubric.questions:
        own = rubric.course.questions.get(name)
        questions[name] = own.text if own else reference.questions[name]
        answers[name] = _with_rubric(own.rubric, rubric.points[name]) if own else reference.model_answers[name]
        ours = assignment().by_key[name].points
        if own is None and rubric.points[name] != ours:
            told = f"**Your course gives {plain(rubric.points[name])} points here, this rubric {plain(ours)}.**"
            answer, heading, lines = answers[name].rpartition("**Rubric")
            answers[name] = f"{answer}{told}\n\n{heading}{lines}"
    return reference._replace(questions=questions, model_answers=answers)


def _with_rubric(text: str, points: float) -> str:
    return f"**Rubric ({plain(points)} points).**\n\n{text}"
