"""Which newer Python a source needs that this one cannot read."""

import ast
import re
import sys
import warnings

QUOTED = re.compile(r"([A-Za-z]{0,2})('''|\"\"\"|'|\")")
PARAMETERS = re.compile(r"^(\s*(?:async\s+def|def|class)\s+\w+)\[", re.M)
ALIAS = re.compile(r"^(\s*)type\s+(\w+)(?=\s*=)", re.M)
GENERIC_ALIAS = re.compile(r"^\s*type\s+\w+\[", re.M)
FIELD_END = re.compile(r"[}:]|!(?!=)|=\s*[}:!]")
EXCEPT_STAR = re.compile(r"^(\s*except)\s*\*", re.M)
EXCEPT_WITHOUT_PARENTHESES = re.compile(r"^(\s*except\s+)([\w.]+\s*(?:,\s*[\w.]+\s*)+):", re.M)
LONGEST = 200_000  # characters that are looked at


def needed(source: str) -> tuple[int, int] | None:
    """Return which Python first reads a source that this Python refuses.

    What newer versions brought is written in older words, version by version, until this Python reads it: so a plain mistake is
    never taken for newer syntax.

    Parameters
    ----------
    source : str
        Python without magics.

    Returns
    -------
    (int, int) or None
        The (major, minor) of that Python; None if this one reads it, or no newer one is known to.
    """
    if len(source) > LONGEST or is_read(source):
        return None
    for version, rewrite in REWRITES:
        if version > sys.version_info[:2]:
            try:
                source = rewrite(source)
            except (ValueError, RecursionError):  # a string that no Python reads
                return None
            if is_read(source):
                return version
    return None


def is_read(source: str) -> bool:
    """Return whether this Python can read a source.

    Parameters
    ----------
    source : str
        Python without magics.

    Returns
    -------
    bool
        Whether it parses.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in strings
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _with_plain_except_star(source: str) -> str:
    return EXCEPT_STAR.sub(r"\1", source)


def _of_312(source: str) -> str:
    """Write quotes inside of f-strings, type parameters and aliases of types (PEP 701, PEP 695) in older words."""
    source = _without_formatted_strings(source, "f")
    return _without_parameters(_with_assigned_aliases(source))


def _of_314(source: str) -> str:
    """Write template strings (PEP 750) and `except A, B:` (PEP 758) in older words."""
    return EXCEPT_WITHOUT_PARENTHESES.sub(r"\1(\2):", _without_formatted_strings(source, "t"))


REWRITES = (((3, 11), _with_plain_except_star), ((3, 12), _of_312), ((3, 14), _of_314))


def _with_assigned_aliases(source: str) -> str:
    return ALIAS.sub(r"\1\2", _without_brackets(source, GENERIC_ALIAS))


def _without_parameters(source: str) -> str:
    """Return a source without the type parameters of its functions and classes: `def f[T: int](x)` is `def f(x)`."""
    return _without_brackets(source, PARAMETERS)


def _without_brackets(source: str, opened: re.Pattern[str]) -> str:
    """Return a source without the brackets and what is in them, of what `opened` finds, which ends behind a bracket."""
    made, i = [], 0
    while found := opened.search(source, i):
        end = _closing_bracket(source, found.end())
        made += [source[i : found.end() - 1]]
        i = end
    return "".join([*made, source[i:]])


def _closing_bracket(source: str, start: int) -> int:
    """Return the place behind the bracket that closes one opened before `start`; the end of the source if none does."""
    depth = 1
    for i in range(start, len(source)):
        depth += {"[": 1, "]": -1}.get(source[i], 0)
        if depth == 0:
            return i + 1
    return len(source)


# Strings


def _without_formatted_strings(source: str, letter: str) -> str:
    """Return a source in which each string with `letter` in its prefix is the string "0".

    Raises ValueError if one of them is not closed, or holds something that is not Python.
    """
    made, i = [], 0
    while i < len(source):
        found = _string_at(source, i)
        if found is not None:
            prefix, quote, start = found
            end = _end_of_string(source, start, prefix, quote)
            made.append('"0"' if letter in prefix else source[i:end])
        elif source[i] == "#":
            end = source.find("\n", i) % (len(source) + 1)
            made.append(source[i:end])
        else:
            end = i + 1
            made.append(source[i])
        i = end
    return "".join(made)


def _string_at(source: str, i: int) -> tuple[str, str, int] | None:
    """Return (prefix in small letters, quote, place behind the quote) of the string that begins at i, or None."""
    if i and (source[i - 1].isalnum() or source[i - 1] == "_"):
        return None
    found = QUOTED.match(source, i)
    if found is None or set(found[1].lower()) - set("rbuft"):
        return None
    return found[1].lower(), found[2], found.end()


def _end_of_string(source: str, i: int, prefix: str, quote: str) -> int:
    """Return the place behind a string whose text begins at i."""
    formatted = bool({"f", "t"} & set(prefix))
    while not source.startswith(quote, i):
        if i >= len(source) or (len(quote) == 1 and source[i] == "\n"):
            raise ValueError("a string is not closed")
        if formatted and source.startswith(("{{", "}}"), i):
            i += 2
        elif formatted and source[i] == "{":
            i = _end_of_field(source, i + 1)
        else:
            i += 2 if source[i] == "\\" else 1
    return i + len(quote)


def _end_of_field(source: str, i: int) -> int:
    """Return the place behind the brace that closes a field of an f-string, whose expression begins at i."""
    read, depth = [], 0
    while i < len(source) and (depth or not FIELD_END.match(source, i)):
        found = _string_at(source, i)
        if found is not None:
            prefix, quote, start = found
            end = _end_of_string(source, start, prefix, quote)
            read.append(source[i:end] if prefix in ("", "r", "b", "u", "rb", "br") else '"0"')
        else:
            end = i + 1
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(source[i], 0)
            read.append(source[i])
        i = end
    expression = "".join(read).strip()
    if not is_read(f"({expression}\n)"):
        raise ValueError(f"{expression} is not Python")
    while i < len(source) and source[i] != "}":  # what comes behind the expression: =, !r, and how it is formatted
        i = _end_of_field(source, i + 1) if source[i] == "{" else i + 1
    if i >= len(source):
        raise ValueError("a field is not closed")
    return i + 1
