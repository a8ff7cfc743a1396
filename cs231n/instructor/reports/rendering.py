"""What all pages share: the templates, how a verdict and a mistake are put in words."""

from pathlib import Path

import jinja2
from markupsafe import Markup

from ...checks.explanations import MISTAKES, Explanation
from ...checks.report import Report, Verdict
from ...formulas import CSS
from .records import Record, Result
from .safe import plain

VERDICTS = {
    Verdict.RIGHT: "✓ right",
    Verdict.WRONG: "✗ wrong",
    Verdict.BROKEN: "✗ does not run",
    Verdict.STOPPED: "✗ stopped",
    Verdict.UNFINISHED: "… not finished",
    Verdict.MISSING: "… not found",
    Verdict.NEWER_PYTHON: "… not judged: newer Python",
}
LEFT_OUT = "left out, which is fine"  # of what gives a bonus


def _shown(value: object) -> object:
    """What a template prints, before it escapes it."""
    if isinstance(value, float):
        return f"{value:g}"
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.globals["formula_css"] = Markup(CSS)
templates.filters["breakable"] = lambda name: Markup("_<wbr>").join(str(name).split("_"))
templates.filters["short"] = lambda text: plain(text, 200)


def isolation_note(records: list[Record]) -> str:
    """Return the sentence that some of the records were graded without isolation, "" if none was."""
    return next((record.isolation for record in records if record.isolation), "")


def title_of(name: str) -> str:
    return f"Inline question {name.removeprefix('question-')}" if name.startswith("question-") else name


def said_by(result: Result | Report) -> str:
    """Return whose words are what was reported about an exercise: those of the student's own check, or of Python."""
    is_unloaded = result.verdict is Verdict.BROKEN and not result.evidence
    return "What Python says about your code:" if is_unloaded else "What the check in your notebook says:"


def explanation_of(mistake: str) -> Explanation:
    return MISTAKES.get(mistake, Explanation(mistake, "", ""))
