"""Writing to a person: lines that fit, in characters that the terminal, the pipe or the notebook can show."""

import sys
import textwrap
from typing import TextIO

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


def tell(paragraph: str, indent: str = "", first: str | None = None, stream: TextIO | None = None) -> None:
    """Print a paragraph in lines that fit.

    Parameters
    ----------
    paragraph : str
        The text.
    indent : str
        What each line begins with.
    first : str or None
        What the first line begins with; None for `indent`.
    stream : text file or None
        See `say`.
    """
    lines = wrapped(writable(paragraph, _encoding(stream)), indent, first)  # in this order: what replaces a sign is longer
    say("\n".join(lines), stream)


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a text, line by line as it is, whatever the encoding of the output is.

    Parameters
    ----------
    text : str
        A sign that the encoding lacks is replaced by a plain one, any other such character by its escape sequence.
    stream : text file or None
        Where to print; None for standard output.
    """
    # Flushed, so that in a pipe it comes before what another process writes.
    print(writable(text, _encoding(stream)), file=stream, flush=True)


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


def _encoding(stream: TextIO | None) -> str:
    return getattr(stream or sys.stdout, "encoding", None) or "utf-8"


def _has(encoding: str, sign: str) -> bool:
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
