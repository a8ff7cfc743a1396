"""What of a student's code is the assignment's own: the docstring that the stub brought."""

import functools
import importlib
import inspect
import io
import tokenize

from ...assignment import assignment

KIT = __package__.partition(".")[0]
LONGEST_CHARACTERS = 100_000  # of code that is looked at


def lines_of_given_docstring(exercise: str, source: str) -> range:
    """Return the numbers of the lines, from 1, of the docstring that an exercise's stub has; an empty range if it is not there.

    Only whole lines count, and only if the text is the stub's, apart from how it is indented. The code is only split into
    tokens: a parser can be brought down by what it reads.

    Parameters
    ----------
    exercise : str
        The name of its function.
    source : str
        The student's code.
    """
    docstring = _docstring(exercise)
    if not docstring or len(source) > LONGEST_CHARACTERS:
        return range(0)
    lines = source.split("\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            (first, left), (last, right) = token.start, token.end
            is_alone = token.type == tokenize.STRING and not (lines[first - 1][:left] + lines[last - 1][right:]).strip()
            if is_alone and inspect.cleandoc(token.string.strip("rR").strip("\"'")) == docstring:
                return range(first, last + 1)
    except (tokenize.TokenError, SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        pass
    return range(0)


@functools.lru_cache
def _docstring(exercise: str) -> str:
    module = importlib.import_module(f"{KIT}.{assignment().by_function[exercise].module}")
    return inspect.getdoc(getattr(module, exercise)) or ""
