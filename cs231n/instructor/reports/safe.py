"""What was written by a student, made safe: file names, texts, Markdown, pictures.

Nearly every string on a page was written by a student, so nothing of it may act there.
"""

import base64
import contextlib
import functools
import hashlib
import re
import signal
import threading
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import mistune
from bleach.sanitizer import Cleaner
from markupsafe import Markup

from ...formulas import Waiting
from ...notebook_file import picture_type

LONGEST = 20_000  # characters of one text on a page
MOST_PICTURES = 4  # of one cell
RENDER_SECONDS = 0.5  # of the CPU, for one text as Markdown; 20,000 characters of prose take a tenth
RENDER_CHARACTERS = 2000  # of a text that is rendered where time cannot be limited
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.ASCII)  # Windows gives these names to devices
# Characters that turn the direction of those after them or command a terminal, and halves of characters. (Those that join,
# U+200C to U+200F, stay: Hindi, Persian and some emoji are written with them.)
DECEPTIVE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def file_name(student: str) -> str:
    """Return a name for a student's files, without ending: unique, the same each time, and valid on every system.

    student: any string. Names of up to 60 lower-case letters, digits, "_" and "-" stay as they are; others are spelled in these
    and get "~" and a part of their SHA-256, so that no two students meet, not even where capitals count as small letters.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", student) and not RESERVED.fullmatch(student):
        return student
    letters = unicodedata.normalize("NFKD", student[:200]).encode("ascii", "ignore").decode().lower()
    spelled = re.sub(r"[^a-z0-9_]+", "-", letters).strip("-")[:40]
    return f"{spelled or 'student'}~{hashlib.sha256(student.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def plain(text: str, longest: int = LONGEST) -> str:
    """Return the text with one kind of line end, without deceptive characters, cut to `longest` characters and a note."""
    text, cut = text[:longest], len(text) - longest
    text = DECEPTIVE.sub("\N{REPLACEMENT CHARACTER}", re.sub(r"\r\n?", "\n", text))
    return f"{text} … [{cut} more characters are left out here]" if cut > 0 else text


class _Words(mistune.HTMLRenderer):
    """Markdown without links, pictures and HTML of its own. A formula leaves a word, which is replaced after the cleaning."""

    def __init__(self) -> None:
        super().__init__(escape=True)
        self.formulas = Waiting()

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return f"[picture: {text}]"

    def inline_math(self, text: str) -> str:
        return self.formulas.word(text)

    def block_math(self, text: str) -> str:
        return self.formulas.word(text, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


_TAGS = {"p", "br", "hr", "div", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li"}
_TAGS |= {"h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
_cleaner = Cleaner(tags=_TAGS, attributes={}, protocols=set(), strip=True)


def _to_html(markdown: str) -> str:
    """Return Markdown as HTML, read as notebooks' pages read it, cleaned, with its formulas drawn."""
    words = _Words()
    plugins = [mistune.import_plugin(name) for name in ("table", "strikethrough")]
    return words.formulas.filled(_cleaner.clean(_notebooks_markdown()(renderer=words, plugins=plugins).render(markdown)))


@functools.cache
def _notebooks_markdown() -> Callable[..., Any]:
    """Return nbconvert's reader of Markdown: imported when the first text is drawn, since no result has to wait for it."""
    from nbconvert.filters.markdown_mistune import MarkdownWithMath

    return MarkdownWithMath


class _TooSlow(BaseException):
    """Rendering took its time; no `except Exception` of a parser stops it."""


@functools.lru_cache(maxsize=4096)  # an answer is on two pages, a question on everybody's
def html(markdown: str) -> Markup:
    """Return Markdown as HTML without attributes, links, pictures and whatever is active; formulas are drawn as MathML.

    What a parser cannot read, or takes too long over (one heading of 20,000 spaces costs seconds), is shown as it was written.
    """
    text = plain(markdown)
    _notebooks_markdown()  # before the time is limited
    try:
        with _limited_time(len(text)):
            return Markup(_to_html(text))
    except _TooSlow:
        note = "It takes too long to draw this text as Markdown, so it is shown as it was written."
        return Markup('<p class="quiet">{}</p><pre>{}</pre>').format(note, text)
    except Exception:  # a parser's recursion, for one: an answer that it cannot read must not cost the others their pages
        return Markup("<pre>{}</pre>").format(text)


@contextlib.contextmanager
def _limited_time(characters: int) -> Iterator[None]:
    """Raise _TooSlow after RENDER_SECONDS of the CPU; where there is no timer, at once for more than RENDER_CHARACTERS."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        if characters > RENDER_CHARACTERS:
            raise _TooSlow
        yield
        return

    def stop(*_: object) -> NoReturn:
        raise _TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, RENDER_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def picture_bytes(encoded: str) -> bytes | None:
    """Return the bytes of a picture of a known kind, as they begin, from their base64; None for anything else."""
    try:
        data = base64.b64decode("".join(encoded.split()), validate=True)
    except ValueError:
        return None
    return data if picture_type(data) else None


def picture_addresses(encoded: list[str]) -> list[Markup]:
    """Return the data: addresses of those base64 strings that hold a picture of a known kind, spelled out again by us."""
    found = [data for text in encoded[:MOST_PICTURES] if (data := picture_bytes(text))]
    return [Markup(f"data:{picture_type(data)};base64,{base64.b64encode(data).decode()}") for data in found]
