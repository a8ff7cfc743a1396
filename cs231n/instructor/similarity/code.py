"""Code as it is compared: its tokens, with the names that a student chose blanked, and its comments, each with its place.

Nothing is run, and nothing has to parse: a function that does not work is compared all the same.
"""

import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

LONGEST = 20_000  # characters of the code for one exercise that are compared and shown
LAYOUT = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
NOT_CHOSEN = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | {"self"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text as it is compared.

    Parameters
    ----------
    text : str
        What is compared.
    chosen : bool
        Whether it is a name of the student's own choice: what it is called does not count then, only where it comes again.
    start, end : int
        Where it is in the text, in characters.
    """

    text: str
    chosen: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Code:
    """What is compared of a student's code for an exercise.

    Parameters
    ----------
    source : str
        As it was written, with "\\n" at the end of its lines, cut to LONGEST characters.
    tokens : tuple of Token
        Without comments, docstrings and layout.
    words : tuple of Token
        The comments that hold a letter, in small letters and with single spaces.
    """

    source: str
    tokens: tuple[Token, ...] = ()
    words: tuple[Token, ...] = ()


def read(source: str, function: str = "", parameters: Sequence[str] = (), known: Collection[str] = ()) -> Code:
    """Return what is compared of a source.

    Parameters
    ----------
    source : str
        Python, perhaps broken; it counts as far as Python's tokenizer gets.
    function : str
        The name of the exercise's function.
    parameters : sequence of str
        The names that the assignment gives to its parameters; a student may have changed them.
    known : collection of str
        Names that come from elsewhere: from libraries and from the kit. Neither they nor attributes, keywords of calls and
        builtins are chosen.
    """
    source = re.sub(r"\r\n?", "\n", source[:LONGEST])
    found = list(_tokenized(source))
    offsets = [0]
    for line in source.split("\n"):
        offsets.append(offsets[-1] + len(line) + 1)
    given = dict(zip(_parameters(found, function), parameters, strict=False))
    fixed = NOT_CHOSEN | set(known) | {function, *parameters}
    tokens, words, brackets = [], [], 0
    for i, one in enumerate(found):
        start, end = (min(offsets[min(row, len(offsets)) - 1] + column, len(source)) for row, column in (one.start, one.end))
        if one.type == tokenize.COMMENT:
            text = " ".join(one.string.lstrip("#!: ").split()).casefold()
            words += [Token(text, False, start, end)] if re.search(r"[^\W\d_]", text) else []
        elif one.type not in LAYOUT and one.string.strip() and not _is_docstring(found, i):
            brackets += (one.string in "([{") - (one.string in ")]}")
            text = given.get(one.string, one.string) if one.type == tokenize.NAME and not _is_attribute(found, i) else one.string
            chosen = one.type == tokenize.NAME and text not in fixed and not _is_attribute(found, i)
            tokens.append(Token(text, chosen and not (brackets and _is_keyword_of_call(found, i)), start, end))
    return Code(source, tuple(tokens), tuple(words))


def without_words(source: str) -> str:
    """Return a source without comments and docstrings, in which a student may have written a name.

    What follows a place that Python's tokenizer cannot read is left out: comments cannot be told from code there.
    """
    source = re.sub(r"\r\n?", "\n", source)
    found = list(_tokenized(source))
    lines = source.split("\n")
    if not found or found[-1].type != tokenize.ENDMARKER:
        lines = lines[: found[-1].end[0] - 1] if found else []
    for i in range(len(found) - 1, -1, -1):
        one = found[i]
        (row, start), (last, end) = one.start, one.end
        if last <= len(lines) and (one.type == tokenize.COMMENT or _is_docstring(found, i)):
            kept = "" if one.type == tokenize.COMMENT else '""'  # a function may consist of its docstring
            lines[row - 1 : last] = [f"{lines[row - 1][:start]}{kept}{lines[last - 1][end:]}".rstrip()]
    return "\n".join(lines)


def _tokenized(source: str) -> Iterator[tokenize.TokenInfo]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in (tokenize.NL, tokenize.ENCODING):
                yield token
    except (tokenize.TokenError, SyntaxError, ValueError):
        return


def _is_docstring(found: Sequence[tokenize.TokenInfo], i: int) -> bool:
    """Return whether a token is a string that is a statement of its own."""
    before = next((one.type for one in reversed(found[max(0, i - 8) : i]) if one.type != tokenize.COMMENT), tokenize.NEWLINE)
    after = next((one.type for one in found[i + 1 : i + 4] if one.type != tokenize.COMMENT), tokenize.NEWLINE)
    return found[i].type == tokenize.STRING and before in LAYOUT and after in LAYOUT


def _is_attribute(found: Sequence[tokenize.TokenInfo], i: int) -> bool:
    return i > 0 and found[i - 1].string == "."


def _is_keyword_of_call(found: Sequence[tokenize.TokenInfo], i: int) -> bool:
    return found[i - 1].string in ("(", ",") and i + 1 < len(found) and found[i + 1].string == "="


def _parameters(found: Sequence[tokenize.TokenInfo], function: str) -> list[str]:
    """Return the names of the parameters of the last function of this name; [] if there is none."""
    starts = [i for i in range(1, len(found)) if found[i].string == function and found[i - 1].string == "def"]
    names, depth = [], 0
    for i in range(starts[-1] + 1, len(found)) if starts else []:
        depth += (found[i].string in "([{") - (found[i].string in ")]}")
        if depth == 0:
            break
        if depth == 1 and found[i].type == tokenize.NAME and found[i - 1].string in ("(", ","):
            names.append(found[i].string)
    return names
