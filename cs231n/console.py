"""Writing to a person: lines that fit, in characters that the terminal, the pipe or the notebook can show."""

import sys
import textwrap

WIDTH = 88  # columns
PLAIN = {"✓": "[ok]", "✗": "[x]", "…": "...", "±": "+-"}  # for encodings that lack these signs, such as Windows' cp1252


def wrapped(paragraph: str, indent: str = "", first: str | None = None) -> list[str]:
    """Break a paragraph into lines, between words only.

    Parameters
    ----------
    paragraph : str
        The text.
    indent : str
        What each line begins with.
    first : str or None
        What the first line begins with; None for `indent`.

    Returns
    -------
    list of str
        At least one line. A line has at most WIDTH columns, unless a single word is longer.
    """
    begin = indent if first is None else first
    lines = textwrap.wrap(
        paragraph, WIDTH, initial_indent=begin, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return lines or [""]


def say(text: str) -> None:
    """Print a text on standard output, whatever its encoding is.

    Parameters
    ----------
    text : str
        A sign that the encoding lacks is replaced by a plain one, any other such character by its escape sequence.
    """
    print(writable(text, getattr(sys.stdout, "encoding", None) or "utf-8"))


def writable(text: str, encoding: str) -> str:
    """Return a text in the characters of an encoding.

    Parameters
    ----------
    text : str
        Any text.
    encoding : str
        Such as "cp1252".

    Returns
    -------
    str
        The same text if the encoding has all of its characters.
    """
    for sign, plain in PLAIN.items():
        if not _has(encoding, sign):
            text = text.replace(sign, plain)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _has(encoding: str, sign: str) -> bool:
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
