"""Judge one submission: read it and run it in the sandbox, and put what was found into a record."""

import dataclasses
import time
from dataclasses import replace
from typing import Any

import torch

from ...checks import examine
from ...checks.explanations import MISTAKES, NOTES
from ...checks.guard import own_settings
from ...checks.report import Report, Verdict
from ..exercises.on_squeezenet import proved
from ..reports.records import Record, Result, State
from ..reports.rendering import said_by
from ..sandbox.inside import limits
from ..sandbox.inside.reading import Outline, checked_outline
from ..sandbox.launcher import Failed
from ..sandbox.sandbox import Ended, Sandbox, Stopped
from .handed_in import opened
from .owners import Submission
from .run import Asked, Run

RIGHT_TO_OWN_CHECK = "It accepts your function, but the grader's tests on other networks, images and targets fail."


def graded(submission: Submission, run: Run, sandbox: Sandbox, network: torch.nn.Module) -> Record:
    """Return the record of a submission.

    Parameters
    ----------
    submission : Submission
        The one to judge.
    run : Run
        What it is examined with.
    sandbox : Sandbox
        Where it runs.
    network : torch.nn.Module
        The grader's own SqueezeNet.
    """
    started = time.monotonic()
    outline = outline_of(submission, run, sandbox)
    if outline.problem:
        return unreadable(submission, run, outline)
    record, notes = empty_record(submission, run), _on_earlier_attempts(submission, outline)
    exercises = {}
    for name in record.exercises:
        left = limits.SUBMISSION_SECONDS - (time.monotonic() - started)
        if name in outline.unfinished:  # most leave the optional part as it is
            exercises[name] = _result(Report(name, Verdict.UNFINISHED), [])
        else:
            exercises[name] = exercise_result(name, outline.parts_for(name), run, sandbox, network, left, same_cage=True)
    newer = [name for name, result in exercises.items() if result.verdict is Verdict.NEWER_PYTHON]
    notes += [f"NOT JUDGED, since it needs a newer Python than this grader's: {', '.join(newer)}."] if newer else []
    return replace(
        record,
        verdict=State.GRADED,
        note=" ".join([*notes, *outline.notes]),
        exercises=exercises,
        answers={question: outline.answers.get(question, "") for question in record.answers},
        answer_notes={question: note for question, note in outline.answer_notes.items() if question in record.answers},
        answer_pictures={question: shown for question, shown in outline.answer_pictures.items() if question in record.answers},
        figures=outline.figures,
        sources={name: source for name, source in outline.sources.items() if name in record.exercises},
        cell_ids=tuple(outline.cell_ids),
        executed_at=tuple(outline.executed_at),
    )


def unreadable(submission: Submission, asked: Asked, outline: Outline) -> Record:
    """Return the record of a submission whose Outline names a problem."""
    notes = [*_on_earlier_attempts(submission, outline), outline.problem]
    return replace(empty_record(submission, asked), note=" ".join(notes))


def _on_earlier_attempts(submission: Submission, outline: Outline) -> list[str]:
    """Return the sentence on earlier attempts that do not count, unless reading took another file, which it says itself."""
    counts = outline.counts
    if not submission.earlier or (submission.beside and counts and not f"{counts}/".startswith(f"{submission.path.name}/")):
        return []
    return [f"Earlier attempts, which do not count: {', '.join(submission.earlier)}."]


def empty_record(submission: Submission, asked: Asked) -> Record:
    """Return the record of a submission of which nothing is known yet: all exercises are missing."""
    return Record(
        student=submission.student,
        sha256=submission.sha256(),
        **submission.as_told(),
        exercises={name: _result(Report(name, Verdict.MISSING), []) for name in asked.exercises},
        answers=dict.fromkeys(asked.questions, ""),
    )


def outline_of(submission: Submission, asked: Asked, sandbox: Sandbox) -> Outline:
    """Return the Outline that reading.outline found in the sandbox, with the problem if it found nothing."""
    if submission.problem:
        return Outline(submission.problem)
    with opened(submission) as (file, name, first):
        try:
            with sandbox.job(
                limits.CLOCK_SECONDS_PER_CPU_SECOND * limits.READING_CPU_SECONDS, limits.READING_CPU_SECONDS, file
            ) as job:
                found, _ = job.ask("outline", name=name, figures=asked.figures, kit=asked.kit, first=first)
        except Stopped as stop:
            return Outline(f"{submission.shown} could not be read. {stop}")
    try:
        return checked_outline(found, asked.figures)
    except ValueError as error:
        return Outline(str(error))


def exercise_result(
    name: str,
    parts: list[list[str]],
    run: Run,
    sandbox: Sandbox,
    network: torch.nn.Module,
    left: float,
    same_cage: bool = False,
) -> Result:
    """Return the Result of an exercise. left: seconds by the clock for this submission. same_cage: see Sandbox.job."""
    if not any(name in source for _, source, *_ in parts):  # no need of a process then
        return _result(Report(name, Verdict.MISSING), [])
    if left <= 1:
        return _stopped(
            name, f"The exercises before it used up the time for this submission, {limits.SUBMISSION_SECONDS:.0f} seconds.", 0
        )
    started, reason, doubt = time.monotonic(), "", ""
    reported: list[str] = []  # by the process that ran the code, which can say what it likes
    try:
        seconds = min(limits.CLOCK_SECONDS_PER_CPU_SECOND * run.seconds, left)
        with sandbox.job(seconds, run.seconds, same_cage=same_cage) as job:
            refused, _ = job.ask("define", exercise=name, parts=parts)
            if refused:
                report, reported = _undefined(name, refused), _sentences(refused)
            else:
                report = examine(name, None, exam=dataclasses.replace(run.exam, run=job.run))
                with own_settings():
                    report, reason = proved(report, job, run, network)
    except Stopped as stop:
        return _stopped(name, str(stop), time.monotonic() - started)
    except (Ended, Failed):
        raise
    except Exception as error:  # what came back was so odd that judging it failed
        return _stopped(name, f"It could not be judged ({type(error).__name__}).", time.monotonic() - started)
    if not refused and report.verdict in (Verdict.WRONG, Verdict.BROKEN) and "never-returns" not in report.mistakes:
        report, reported, doubt = _as_students_see_it(report, parts, sandbox)
        if reason and report.mistakes and not report.explained:
            report.evidence += [f"{reason} So it earns no points; your instructor has been asked to look at it."]
    return _result(report, reported, time.monotonic() - started, doubt or reason)


def _undefined(name: str, told: dict[str, Any]) -> Report:
    possible = {verdict.value: verdict for verdict in (Verdict.BROKEN, Verdict.MISSING, Verdict.NEWER_PYTHON)}
    said = told.get("verdict")
    return Report(name, possible.get(said, Verdict.BROKEN) if isinstance(said, str) else Verdict.BROKEN)


def _sentences(told: Any) -> list[str]:
    """Return the evidence in what the sandbox told, as sentences of bounded length."""
    evidence = told.get("evidence") if isinstance(told, dict) else None
    evidence = evidence[: limits.EVIDENCE_SENTENCES] if isinstance(evidence, list) else []
    return [str(sentence)[: limits.SENTENCE_CHARACTERS] for sentence in evidence]


def _as_students_see_it(report: Report, parts: list[list[str]], sandbox: Sandbox) -> tuple[Report, list[str], str]:
    """Return (report, reported, doubt): what the student's own check says, in a process that has seen nothing of our exam.
    reported: its sentences. doubt: a sentence for the instructor, "" if the two agree.

    Which mistake it is, is the exam's word; only of a regulariser without effect the own check, which sees inside, knows more.
    """
    try:
        seconds = limits.OWN_CHECK_CPU_SECONDS
        with sandbox.job(limits.CLOCK_SECONDS_PER_CPU_SECOND * seconds, seconds) as job:  # not even the same cage
            job.ask("define", exercise=report.exercise, parts=parts)
            told, _ = job.ask("own_check", exercise=report.exercise)
    except Stopped:
        return report, [], ""
    told = told if isinstance(told, dict) else {}
    if told.get("verdict") == Verdict.RIGHT:
        seen = report.evidence if report.verdict is Verdict.WRONG else report.evidence[-1:]  # an error's text is the student's
        doubt = f"Correct according to the student's own check, {report.verdict} according to the grader. {' '.join(seen)}"
        doubt = doubt[: limits.DOUBT_CHARACTERS]
        return report, [RIGHT_TO_OWN_CHECK], doubt
    inside = {"regulariser-detached", "regulariser-on-scores", "regulariser-on-weights"} & _names(told.get("mistakes"))
    if "regulariser-missing" in report.mistakes and inside:
        report.mistakes = [name for name in report.mistakes if name != "regulariser-missing"] + sorted(inside)
    same = told.get("verdict") == report.verdict
    return report, [sentence for sentence in _sentences(told) if sentence not in report.evidence] if same else [], ""


def _names(told: Any) -> set[str]:
    return {name for name in told if isinstance(name, str)} if isinstance(told, list) else set()


def _result(report: Report, reported: list[str], seconds: float = 0.0, look: str = "") -> Result:
    evidence = [sentence[: limits.SENTENCE_CHARACTERS] for sentence in report.evidence[: limits.EVIDENCE_SENTENCES]]
    return Result(
        report.verdict,
        mistakes=tuple(sorted(name for name in report.mistakes if name in MISTAKES)),
        notes=tuple(sorted(name for name in report.notes if name in NOTES)),
        explained=report.explained,
        look=look,
        message=_message(report, evidence, reported)[: limits.MESSAGE_CHARACTERS],
        evidence=tuple(evidence),
        reported=tuple(reported),
        seconds=round(seconds, 2),
    )


def _message(report: Report, evidence: list[str], reported: list[str]) -> str:
    """Return all that a student is told, as a plain text of one paragraph a line: what is wrong, then what was seen."""
    paragraphs = [report.headline()]
    for mistake in report.mistakes:
        explanation = MISTAKES[mistake]
        paragraphs += [f"{explanation.title}. {explanation.meaning}", f"Think: {explanation.think}"]
    paragraphs += evidence
    paragraphs += [said_by(report), *reported] if reported else []
    paragraphs += [f"Note: {NOTES[note]}" for note in report.notes]
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _stopped(name: str, reason: str, seconds: float) -> Result:
    return _result(Report(name, Verdict.STOPPED, evidence=[reason]), [], seconds, reason)
