"""What people get from a graded class: grades.csv, a feedback page for each student, a marking page and a marks file for each
question, a summary for the next lecture, and intake.csv.

Nearly every string in them was written by a student. So each page is made by a template that escapes, carries no script and
asks for nothing from elsewhere (its Content-Security-Policy forbids both), and shows pictures only from its own file.
"""

import base64
import collections
import contextlib
import functools
import hashlib
import io
import re
import signal
import statistics
import threading
import unicodedata
from pathlib import Path
from typing import NamedTuple

import jinja2
import mistune
import nbformat
from bleach.sanitizer import Cleaner
from markupsafe import Markup
from PIL import Image

from ...checks.explanations import EXERCISES, MISTAKES, NOTES, Explanation
from . import marks as marks_files
from .spreadsheets import id_cell, table, text_cell
from .writing import write_whole


class Figure(NamedTuple):
    exercise: str
    caption: str


# The notebook's figures that depend on an exercise, by the id of their cell; of each exercise the most telling one first.
FIGURES = {
    "saliency-figure": Figure("compute_saliency_maps", "Saliency maps"),
    "fooling-figure": Figure("make_fooling_image", "The fooling image"),
    "fooling-scores": Figure("make_fooling_image", "The scores at each step"),
    "class-figure": Figure("class_visualization_update_step", "Class visualizations"),
    "regularisers": Figure("class_visualization_update_step", "Without one regulariser at a time"),
    "own-class": Figure("class_visualization_update_step", "A class of one's own"),
    "attribution-figure": Figure("compute_smoothgrad_maps", "Attribution maps"),
    "transformation-figure": Figure("transform_images", "A picture, transformed"),
    "class-images-figure": Figure("transform_images", "Class images"),
}
VERDICTS = {
    "right": "✓ right",
    "wrong": "✗ wrong",
    "broken": "✗ does not run",
    "stopped": "✗ stopped",
    "unfinished": "… not finished",
    "missing": "… not found",
    "newer-python": "… not judged: newer Python",
}
LEFT_OUT = "left out, which is fine"  # of what gives a bonus
LONGEST = 20_000  # characters of one text on a page
MOST_PICTURES = 4  # of one cell
MOST_MISTAKES = 12  # in the summary
MOST_CHOICE = 5  # students to choose a picture from
RENDER_SECONDS = 0.5  # of the CPU, for one text as Markdown; 20,000 characters of prose take a tenth
RENDER_CHARACTERS = 2000  # of a text that is rendered where time cannot be limited
NO_SUBMISSION = "no submission"  # the verdict in grades.csv on those of a roster who handed in nothing
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.ASCII)  # Windows gives these names to devices
# Characters that turn the direction of those after them or command a terminal, and halves of characters. (Those that join,
# U+200C to U+200F, stay: Hindi, Persian and some emoji are written with them.)
DECEPTIVE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


# Strings and files


def file_name(student):
    """Return a name for a student's files, without ending: unique, the same each time, and valid on every system.

    student: any string. Names of up to 60 lower-case letters, digits, "_" and "-" stay as they are; others are spelled in these
    and get "~" and a part of their SHA-256, so that no two students meet, not even where capitals count as small letters.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", student) and not RESERVED.fullmatch(student):
        return student
    letters = unicodedata.normalize("NFKD", student[:200]).encode("ascii", "ignore").decode().lower()
    spelled = re.sub(r"[^a-z0-9_]+", "-", letters).strip("-")[:40]
    return f"{spelled or 'student'}~{hashlib.sha256(student.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def plain(text, longest=LONGEST):
    """Return the text with one kind of line end, without deceptive characters, cut to `longest` characters and a note."""
    text, cut = text[:longest], len(text) - longest
    text = DECEPTIVE.sub("\N{REPLACEMENT CHARACTER}", re.sub(r"\r\n?", "\n", text))
    return f"{text} … [{cut} more characters are left out here]" if cut > 0 else text


# What was written by a student, made safe


class _Words(mistune.HTMLRenderer):
    """Markdown without links, pictures and HTML of its own; formulas stay as they were written."""

    def link(self, text, url, title=None):
        return text

    def image(self, text, url, title=None):
        return f"[picture: {text}]"

    def inline_math(self, text):
        return f"${mistune.escape(text)}$"

    def block_math(self, text):
        return f"<div>$${mistune.escape(text)}$$</div>"


_TAGS = {"p", "br", "hr", "div", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li"}
_TAGS |= {"h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
_to_html = mistune.create_markdown(renderer=_Words(escape=True), plugins=["math", "table", "strikethrough"])
_cleaner = Cleaner(tags=_TAGS, attributes={}, protocols=set(), strip=True)


class _TooSlow(BaseException):
    """Rendering took its time; no `except Exception` of a parser stops it."""


@functools.lru_cache(maxsize=4096)  # an answer is on two pages, a question on everybody's
def _html(markdown):
    """Return Markdown as HTML without attributes, links, pictures and whatever is active.

    What a parser cannot read, or takes too long over (one heading of 20,000 spaces costs seconds), is shown as it was written.
    """
    text = plain(markdown)
    try:
        with _limited_time(len(text)):
            return Markup(_cleaner.clean(_to_html(text)))
    except _TooSlow:
        note = "It takes too long to draw this text as Markdown, so it is shown as it was written."
        return Markup('<p class="quiet">{}</p><pre>{}</pre>').format(note, text)
    except Exception:  # a parser's recursion, for one: an answer that it cannot read must not cost the others their pages
        return Markup("<pre>{}</pre>").format(text)


@contextlib.contextmanager
def _limited_time(characters):
    """Raise _TooSlow after RENDER_SECONDS of the CPU; where there is no timer, at once for more than RENDER_CHARACTERS."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        if characters > RENDER_CHARACTERS:
            raise _TooSlow
        yield
        return

    def stop(*_):
        raise _TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, RENDER_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _pictures(encoded):
    """Return the data: addresses of those base64 strings that hold a PNG or JPEG, spelled anew by us."""
    found = []
    for text in encoded[:MOST_PICTURES]:
        try:
            data = base64.b64decode("".join(text.split()), validate=True)
        except ValueError:
            continue
        kind = "png" if data.startswith(b"\x89PNG\r\n\x1a\n") else "jpeg" if data.startswith(b"\xff\xd8\xff") else None
        if kind:
            found.append(Markup(f"data:image/{kind};base64,{base64.b64encode(data).decode()}"))
    return found


# The reference


class Reference(NamedTuple):
    """What the pages take from the reference notebook.

    figures: {cell id: [base64 of a JPEG]}, for the ids of FIGURES. questions, model_answers: {question: Markdown}; a model
    answer ends with its rubric.
    """

    figures: dict
    questions: dict
    model_answers: dict


def reference_material(path):
    """Return the Reference of an executed reference notebook.

    Raises OSError if it cannot be read, and ValueError if it is no notebook or lacks a figure, a question or an answer.
    """
    try:
        cells = {cell.get("id"): cell for cell in nbformat.read(path, as_version=4).cells}
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.NBFormatError) as error:
        raise ValueError(f"{path} is not a notebook: {error}") from None
    numbers = [found[1] for found in (re.fullmatch(r"question-(\d+)-text", name or "") for name in cells) if found]
    wanted = [*FIGURES, *(f"answer-{number}" for number in numbers)] if numbers else ["question-1-text"]
    missing = [name for name in wanted if name not in cells]
    if missing:
        raise ValueError(f"{path} lacks the cells {', '.join(missing)}; expected the kit's reference notebook.")
    figures = {name: [_as_jpeg(png) for png in _pngs(cells[name])] for name in FIGURES}
    if not all(figures.values()):
        empty = ", ".join(name for name in figures if not figures[name])
        raise ValueError(f"{path} has no picture in the cells {empty}. Execute the reference notebook first: make refresh.")
    return Reference(
        figures,
        {f"question-{number}": cells[f"question-{number}-text"].source.partition("\n")[2].strip() for number in numbers},
        {f"question-{number}": cells[f"answer-{number}"].source for number in numbers},
    )


def _pngs(cell):
    return [output.data["image/png"] for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


def _as_jpeg(png):
    """A fifth of the size: every feedback page holds all reference figures."""
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB").save(jpeg, "JPEG", quality=85)
    return base64.b64encode(jpeg.getvalue()).decode()


# Pages


def _shown(value):
    """What a template prints, before it escapes it."""
    if isinstance(value, float):
        return f"{value:g}"
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["short"] = lambda text: plain(text, 200)


def _isolation(records):
    """Return the sentence that some of the records were graded without isolation, "" if none was."""
    return next((record["isolation"] for record in records if record.get("isolation")), "")


def feedback(record, columns, rubric, marks, reference):
    """Return the page that a student gets: points, messages, own figures beside the reference's, answers with marks.

    columns: what rubric.score() gave. marks: {question: (points, comment)} of this student. Model answers are not on it: it
    may be read while others still write theirs.
    """
    return _templates.get_template("feedback.html").render(
        isolation=_isolation([record]),
        record=record,
        total=round(rubric.total(columns) - rubric.bonus_of(columns), 2),
        most=rubric.full_marks(),
        bonus=rubric.bonus_of(columns),
        most_bonus=rubric.most_bonus(),
        waiting=sum(points is None for points in columns.values()),
        parts=[_part(name, record, columns, rubric, marks, reference) for name in rubric.columns],
    )


def _part(name, record, columns, rubric, marks, reference):
    bonus = name in rubric.bonus
    part = {"name": name, "title": _title(name), "points": columns[name], "most": rubric.points[name], "bonus": bonus}
    if name in EXERCISES:
        found = _exercise(record["exercises"].get(name))
        if bonus and found["kind"] in ("missing", "unfinished"):
            found = {**found, "kind": "", "verdict": LEFT_OUT, "message": ""}
        return {**part, **found, "figures": _figures(name, record, reference)}
    answer = record["answers"].get(name, "")
    return {
        **part,
        "question": _html(reference.questions[name]),
        "answer": _html(answer) if answer.strip() else None,
        "answer_note": record.get("answer_notes", {}).get(name, ""),
        "answer_pictures": _pictures(record.get("answer_pictures", {}).get(name, [])),
        "comment": marks[name][1] if name in marks else "",
        "verdict": "marked" if name in marks else "not marked yet" if answer.strip() else LEFT_OUT if bonus else "no answer",
    }


def _title(name):
    return name if name in EXERCISES else f"Inline question {name.removeprefix('question-')}"


def _exercise(result):
    if result is None:
        return {"kind": "missing", "verdict": VERDICTS["missing"], "message": "", "mistakes": [], "notes": []}
    return {
        "kind": result["verdict"] if result["verdict"] in VERDICTS else "",
        "verdict": VERDICTS.get(result["verdict"], result["verdict"]),
        "message": result["message"],
        "mistakes": [_explanation(mistake) for mistake in result["mistakes"] if not _told(mistake, result["message"])],
        "notes": [NOTES[note] for note in result["notes"] if note in NOTES and NOTES[note] not in _flat(result["message"])],
    }


def _explanation(mistake):
    return MISTAKES.get(mistake, Explanation(mistake, "", ""))


def _told(mistake, message):
    """A check's own message explains its mistakes already."""
    return mistake in MISTAKES and f"{MISTAKES[mistake].title}. " in _flat(message)


def _flat(message):
    return " ".join(message[:LONGEST].split())


def _figures(exercise, record, reference):
    return [
        {
            "caption": figure.caption,
            "own": _pictures(record["figures"].get(cell, [])),
            "reference": _pictures(reference.figures[cell]),
        }
        for cell, figure in FIGURES.items()
        if figure.exercise == exercise
    ]


def marking(question, records, rubric, reference, marks=None, before=None):
    """Return the page for marking one question: its text, the model answer with its rubric, and every student's answer.

    marks: {student: {question: (points, comment)}}. before: {student: the old mark in words} of answers that have changed.
    """
    groups, given, before = _groups(question, records), marks or {}, before or {}
    points = {student: answers[question][0] for student, answers in given.items() if question in answers}
    return _templates.get_template("marking.html").render(
        isolation=_isolation(records),
        name=question,
        title=_title(question),
        most=rubric.points[question],
        bonus=question in rubric.bonus,
        question=_html(reference.questions[question]),
        model_answer=_html(reference.model_answers[question]),
        groups=[
            (
                _html(answer),
                [(one, points.get(one), before.get(one, "")) for one in students],
                [note] if note else [],
                _pictures(pictures),
            )
            for answer, students, note, pictures in groups
        ],
        answers=sum(len(students) for _, students, *_ in groups),
        waiting=sum(student not in points for _, students, *_ in groups for student in students),
        empty=len(records) - sum(len(students) for _, students, *_ in groups),
    )


def _groups(question, records):
    """Return [(answer, [students], note, pictures)]: answers that are the same except for spaces and capitals once, the most
    frequent first. note: where the answer was found, if not in its cell. pictures: those in it, base64; they must be the same.
    """
    groups = collections.defaultdict(list)
    for record in sorted(records, key=lambda record: record["student"]):
        answer = record["answers"].get(question, "")
        note, pictures = (record.get(key, {}).get(question) for key in ("answer_notes", "answer_pictures"))
        if answer.strip():
            key = " ".join(answer.split()).casefold(), note or "", tuple(pictures or [])
            groups[key].append((answer, record["student"]))
    same = [(group[0][0], [student for _, student in group], note, list(shown)) for (_, note, shown), group in groups.items()]
    return sorted(same, key=lambda group: (-len(group[1]), group[1]))


# The summary


def summary(records, rubric, all_columns, reference, gallery=(), absent=0):
    """Return the page on the whole class: points, verdicts, the most frequent mistakes, what to look at.

    all_columns: {student: what rubric.score() gave}. gallery: the students whose pictures may be shown, without their names;
    a class sees this page, and a picture can hold anything. absent: how many of the roster handed in nothing. Names are only
    in the part that is folded.
    """
    bonuses = [rubric.bonus_of(columns) for columns in all_columns.values()]
    totals = [rubric.total(columns) - bonus for columns, bonus in zip(all_columns.values(), bonuses, strict=True)]
    return _templates.get_template("summary.html").render(
        isolation=_isolation(records),
        records=records,
        most=rubric.full_marks(),
        mean=statistics.fmean(totals) if totals else 0.0,
        median=statistics.median(totals) if totals else 0.0,
        most_bonus=rubric.most_bonus(),
        with_bonus=sum(bonus > 0 for bonus in bonuses),
        mean_bonus=statistics.fmean(bonuses) if bonuses else 0.0,
        points_chart=_points_chart(rubric, all_columns.values()),
        verdicts_chart=_verdicts_chart(records, rubric),
        rows=[_column_row(name, rubric, all_columns.values()) for name in rubric.columns],
        waiting=sum(points is None for columns in all_columns.values() for points in columns.values()),
        exercises=[_class_mistakes(name, records, reference, gallery) for name in rubric.exercises],
        absent=absent,
        look=[look for record in records if (look := _look(record))],
    )


def _column_row(name, rubric, all_columns):
    given = [columns[name] for columns in all_columns if columns[name] is not None]
    return {
        "name": name,
        "title": _title(name),
        "most": rubric.points[name],
        "bonus": name in rubric.bonus,
        "mean": statistics.fmean(given) if given and len(given) == len(all_columns) else None,
        "full": sum(points == rubric.points[name] for points in given),
        "none": sum(points == 0 for points in given),
        "waiting": len(all_columns) - len(given),
    }


def _class_mistakes(exercise, records, reference, gallery):
    results = [record["exercises"].get(exercise, {"mistakes": []}) for record in records]
    counts = collections.Counter(mistake for result in results for mistake in result["mistakes"])
    counts = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_MISTAKES]
    cell = _first_figure(exercise)
    return {
        "name": exercise,
        "caption": FIGURES[cell].caption if cell else "",
        "reference": _pictures(reference.figures[cell]) if cell else [],
        "mistakes": [
            {
                "explanation": _explanation(mistake),
                "count": count,
                "percent": round(100 * count / len(records)),
                "pictures": _example(exercise, mistake, records, gallery) if cell else [],
                "choice": _with_pictures(exercise, mistake, records)[:MOST_CHOICE] if cell else [],
            }
            for mistake, count in counts
        ],
    }


def _first_figure(exercise):
    """Return the id of the cell with an exercise's most telling figure; None if it has none."""
    return next((cell for cell, figure in FIGURES.items() if figure.exercise == exercise), None)


def _example(exercise, mistake, records, gallery):
    """Return the pictures of one of the gallery who made this mistake, if possible no other."""
    chosen = [record for record in records if record["student"] in gallery]
    return next(iter(pictures for _, pictures in _with_pictures(exercise, mistake, chosen)), [])


def _with_pictures(exercise, mistake, records):
    """Return [(student, pictures)] of those who made a mistake and have a picture; who made no other comes first."""
    made = [record for record in records if mistake in record["exercises"].get(exercise, {"mistakes": []})["mistakes"]]
    made.sort(key=lambda record: len(record["exercises"][exercise]["mistakes"]))
    shown = [(record["student"], _pictures(record["figures"].get(_first_figure(exercise), [])[:1])) for record in made]
    return [(student, pictures) for student, pictures in shown if pictures]


def _look(record):
    """Return what an instructor should look at in a submission, or None."""
    reasons = ["it could not be read"] if record["verdict"] == "unreadable" else []
    for name, result in record["exercises"].items():
        look = result.get("look", "")
        reasons += [f"{name}: {look}"] if look else []
        if result["verdict"] == "stopped" and not look:
            reasons.append(f"{name} was stopped")
        if result["verdict"] == "newer-python":
            reasons.append(f"{name} was not judged and has 0 points: it needs a newer Python than this grader's")
        if result["verdict"] == "wrong" and not look and not (result["mistakes"] and result.get("explained", True)):
            reasons.append(f"{name} is wrong for a reason that has no name")
    reasons += [record["note"]] if record["note"] else []
    page = f"feedback/{file_name(record['student'])}.html"
    return (
        {"student": record["student"], "submission": record["submission"], "reasons": reasons, "page": page} if reasons else None
    )


COLOURS = {
    "right": "#2e7d32",
    "wrong": "#e08a1e",
    "broken": "#b3402e",
    "stopped": "#6d2a5e",
    "unfinished": "#9e9e9e",
    "missing": "#d0d0d0",
    "newer-python": "#c2185b",
}


def _points_chart(rubric, all_columns):
    """Two histograms: of the exercises' points, which stand at once, and of all points so far."""
    from matplotlib.figure import Figure as Drawing  # imported here: reading marks has no use for it, and it takes its time

    drawing = Drawing(figsize=(9, 3), layout="constrained")
    for axis, names, title in zip(
        drawing.subplots(1, 2), (rubric.exercises, rubric.columns), ("The exercises", "Everything so far"), strict=True
    ):
        most, bonus = rubric.full_marks(names), rubric.most_bonus(names)
        width = max(1, -(-(most + bonus) // 20))
        edges = [width * i for i in range(int((most + bonus) // width) + 2)]
        axis.hist(
            [sum(columns[name] or 0 for name in names) for columns in all_columns], edges, color="#33658a", edgecolor="white"
        )
        title += f": {most:g} points" + (f"\nand {bonus:g} bonus points" if bonus else "")
        axis.set(title=title, xlabel="points", ylabel="students", xlim=(0, edges[-1]))
        axis.locator_params(integer=True)
        axis.spines[["top", "right"]].set_visible(False)
    return _drawn(drawing)


def _verdicts_chart(records, rubric):
    """A bar for each exercise, divided by verdict."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(9, 1.4 + 0.5 * len(rubric.exercises)), layout="constrained")
    axis = drawing.subplots()
    start = [0] * len(rubric.exercises)
    for verdict, colour in COLOURS.items():
        counts = [
            sum(record["exercises"].get(name, {}).get("verdict") == verdict for record in records) for name in rubric.exercises
        ]
        bars = axis.barh(rubric.exercises, counts, left=start, color=colour, label=VERDICTS[verdict][2:])
        dark = verdict not in ("wrong", "unfinished", "missing")
        axis.bar_label(bars, [count or "" for count in counts], label_type="center", color="white" if dark else "black")
        start = [sum(pair) for pair in zip(start, counts, strict=True)]
    axis.invert_yaxis()
    axis.set(xlabel="students", xlim=(0, max(1, len(records))))
    axis.locator_params("x", integer=True)
    axis.spines[["top", "right"]].set_visible(False)
    drawing.legend(loc="outside upper center", ncols=4, frameon=False)
    return _drawn(drawing)


def _drawn(drawing):
    png = io.BytesIO()
    drawing.savefig(png, format="png", dpi=160)
    return _pictures([base64.b64encode(png.getvalue()).decode()])[0]


# Everything that a spreadsheet opens


def write_pages(folder, records, rubric, marks, reference, absent=(), gallery=()):
    """Write grades.csv, then marking/*.csv and *.html, feedback/*.html and summary.html into a folder, each when it is whole.

    marks: {student: {question: (points, comment)}}, as marks.read() gives them. absent: the Persons of a roster who handed in
    nothing; they have a row in grades.csv. gallery: the students whose pictures may be in the summary.
    """
    folder = Path(folder)
    all_columns = {record["student"]: rubric.score(record, marks.get(record["student"], {})) for record in records}
    write_whole(folder / "grades.csv", "\ufeff" + table(_grades(records, rubric, all_columns, absent)))
    for question in rubric.questions:
        order = [student for _, group, *_ in _groups(question, records) for student in group]
        before = marks_files.update(folder / "marking" / f"{question}.csv", records, order)
        write_whole(folder / "marking" / f"{question}.html", marking(question, records, rubric, reference, marks, before))
    for record in records:
        student = record["student"]
        page = feedback(record, all_columns[student], rubric, marks.get(student, {}), reference)
        write_whole(folder / "feedback" / f"{file_name(student)}.html", page)
    write_whole(folder / "summary.html", summary(records, rubric, all_columns, reference, gallery, len(absent)))


def waiting(records, rubric, marks):
    """Return how many answers are not marked yet."""
    columns = (rubric.score(record, marks.get(record["student"], {})) for record in records)
    return sum(points is None for one in columns for points in one.values())


def _grades(records, rubric, all_columns, absent):
    """Return the rows of grades.csv: a header, the records, and the Persons who handed in nothing, without points."""
    columns = (*rubric.exercises, *rubric.questions)
    header = ["student", "name", *columns, "bonus", "total", "verdict", "mistakes", "note", "submission"]
    nothing = [""] * (len(columns) + 2)
    missing = [[id_cell(person.id), _cell(person.name), *nothing, NO_SUBMISSION, "", "", ""] for person in absent]
    return [header, *(_grades_row(record, rubric, all_columns[record["student"]]) for record in records), *missing]


def _grades_row(record, rubric, columns):
    points = [columns[name] for name in (*rubric.exercises, *rubric.questions)]
    mistakes = [f"{name}: {' '.join(result['mistakes'])}" for name, result in record["exercises"].items() if result["mistakes"]]
    return [
        id_cell(record["student"]),
        _cell(record["name"]),
        *("" if value is None else f"{value:g}" for value in (*points, rubric.bonus_of(columns), rubric.total(columns))),
        *map(_cell, (record["verdict"], " | ".join(mistakes), record["note"], record["submission"])),
    ]


def _cell(text):
    return text_cell(plain(text, 2000))


def write_intake(path, files):
    """Write intake.csv: a line for every File below SUBMISSIONS."""
    rows = [[_cell(file.path), id_cell(file.student), "yes" if file.counted else "no", _cell(file.why)] for file in files]
    write_whole(path, "\ufeff" + table([["file", "student", "counted", "why"], *rows]))
