"""Where in a student's code a mistake is, as far as that is known: nowhere is better than somewhere else.

It is known in two cases: a message quotes the line on which the code fails; or a mistake is made by calling a certain function,
and a single line of the code calls it. The code is only split into tokens: a parser can be brought down by what it reads.
"""

import functools
import importlib
import inspect
import io
import itertools
import re
import tokenize
from collections.abc import Collection
from typing import NamedTuple

from ...assignment import assignment
from ...checks.report import Verdict
from .records import Result
from .rendering import explanation_of

# The calls by which a mistake is made.
CALLS = {
    "cross-entropy": {"cross_entropy", "CrossEntropyLoss", "log_softmax", "LogSoftmax", "nll_loss", "NLLLoss"},
    "softmax": {"softmax", "Softmax"},
    "log-of-score": {"log"},
    "label-as-score": {"mse_loss", "MSELoss"},
    "batch-mean": {"mean"},
    "mean-over-channels": {"mean"},
    "mean-over-feature-channels": {"mean"},
    "min-over-channels": {"min", "amin"},
    "norm-over-channels": {"norm", "vector_norm"},
    "absolute-value-taken": {"abs", "absolute"},
    "absolute-value-in-place-of-relu": {"abs", "absolute"},
    "mode-changed": {"train"},
    "root-taken": {"sqrt"},
}
KIT = __package__.partition(".")[0]
QUOTED = re.compile(r"\bline \d+: (.*)", re.S)
LONGEST_CHARACTERS = 100_000  # of code that is looked at


class Place(NamedTuple):
    """line: its number in the code that is shown, from 1. why: a sentence on what is known about it."""

    line: int
    why: str


def places(exercise: str, source: str, result: Result) -> list[Place]:
    """Return what is known about where the mistakes of an exercise are.

    Parameters
    ----------
    exercise : str
        The name of its function.
    source : str
        The student's code.
    result : Result
        What was found about it.
    """
    if len(source) > LONGEST_CHARACTERS:
        return []
    if result.verdict is Verdict.BROKEN:
        line = _quoted_line(source, result.message)
        return [Place(line, f"The message quotes line {line}.")] if line else []
    return _calls(exercise, source, result.mistakes) if result.verdict is Verdict.WRONG else []


def _quoted_line(source: str, message: str) -> int | None:
    """Return the number of the only line with the text that a message quotes after "line N:"; None if there are several."""
    quoted = QUOTED.search(" ".join(message.split()))
    if not quoted:
        return None
    lines = [" ".join(line.split()) for line in source.split("\n")]
    texts = {line for line in lines if line and f"{quoted[1]} ".startswith((f"{line} ", f"{line}. "))}
    longest = max(texts, key=len, default=None)
    return lines.index(longest) + 1 if longest is not None and lines.count(longest) == 1 else None


def _calls(exercise: str, source: str, mistakes: Collection[str]) -> list[Place]:
    """Return the lines that alone call what a mistake calls; a call that two mistakes might be made by is not looked for."""
    found = []
    for mistake in mistakes:
        others: set[str] = set().union(*(CALLS.get(other, set()) for other in mistakes if other != mistake))
        names = CALLS.get(mistake, set()) - in_solution(exercise)
        lines = {line for line, name in called(source) if name in names}
        if len(lines) == 1 and not names & others:
            (line,) = lines
            title = explanation_of(mistake).title
            name = next(name for number, name in called(source) if number == line and name in names)
            found.append(Place(line, f"{title}: line {line} is the only one that calls {name}()."))
    return sorted(found)


@functools.lru_cache
def in_solution(exercise: str) -> frozenset[str]:
    """Return what the solution of an exercise calls itself: a call of that says nothing about a mistake."""
    module = importlib.import_module(f"{KIT}.{assignment().by_function[exercise].module}")
    return frozenset(name for _, name in called(inspect.getsource(getattr(module, exercise))))


def called(source: str) -> list[tuple[int, str]]:
    """Return [(line, name)] of the calls in a code, by the last part of each function's name; [] for what is not Python."""
    try:
        tokens = [
            token
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type not in (tokenize.NL, tokenize.COMMENT)
        ]
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [
        (token.start[0], token.string)
        for token, after in itertools.pairwise(tokens)
        if token.type == tokenize.NAME and after.string == "("
    ]
