"""The code of a class as Dolos, JPlag and compare50 want it: one file a student, and what was given as a template.

Dolos reads a CSV file with the columns filename, full_name, label and created_at, and takes a template by --ignore
(https://dolos.ugent.be/docs/adding-metadata.html, docs/docs/running.md in its repository). JPlag takes a folder with a folder
for each submission, the template's by -bc and last year's by --old (its CliOptions.java). compare50 takes a path for each
submission, -d for the template and -a for last year's, which it does not compare with one another (its docs/source/index.rst).
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ...whole_file import write_whole
from ..reports.safe import file_name
from ..reports.spreadsheets import id_cell, table, text_cell
from .code import without_words
from .given import Given
from .submissions import Submission

FILE = "solutions.py"
THIS_YEAR, LAST_YEAR, TEMPLATE = "submissions", "last-year", "template"
README = """# For Dolos, JPlag and compare50

`submissions/` has a folder for each submission, with the code for all exercises in one file{last_year}; `template/` has the code
that every student was given, and nobody else's. Run these in this folder. All three tools work on your own machine.

```sh
dolos run --language python --ignore template/{file} --output-format web info.csv
java -jar jplag.jar --language python3 --base-code template {old}submissions
compare50 submissions/* --distro template/*{archive} --output compare50
```

Their percentages say nothing on short functions like these, which many people write alike: look at what two students share and
nobody else does. What a file holds was written by a student; none of the tools runs it.
"""


def write_export(folder: Path, found: Sequence[Submission], given: Given, anonymous: bool = False) -> None:
    """Write the folder. found: the submissions of this year and the one before. anonymous: numbers for names, no comments.

    Who has which number is then in a file next to the folder, not in it. A name in the code itself, in a string, stays there.

    Raises
    ------
    FileExistsError
        If there is something there already.
    OSError
        If it cannot be written; nothing is left behind then.
    """
    folder = folder.resolve()
    names_file = folder.with_name(f"{folder.name}-names.csv")
    for path in (folder, *([names_file] if anonymous else [])):
        if path.exists():
            raise FileExistsError(
                f"{path} is there already, and is left as it is. Remove it, or name another folder for --export."
            )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as made:
        whole = Path(made) / folder.name
        named = list(_named(found, anonymous))
        for place, one in named:
            _write(whole / place, _code(one.record.sources, given, anonymous))
        _write(whole / TEMPLATE / FILE, "\n\n\n".join(given.stubs.values()) + "\n")
        _write(whole / "info.csv", table([("filename", "full_name", "label", "created_at"), *_infos(named, anonymous)]))
        earlier = any(one.last_year for one in found)
        _write(whole / "README.md", _readme(earlier))
        if anonymous:
            write_whole(names_file, table([("number", "student", "name"), *_numbers(named)]))
        shutil.move(whole, folder)


def _readme(earlier: bool) -> str:
    return README.format(
        file=FILE,
        last_year=f"; `{LAST_YEAR}/` has the same of last year" if earlier else "",
        old=f"--old {LAST_YEAR} --new " if earlier else "",
        archive=f" --archive {LAST_YEAR}/*" if earlier else "",
    )


def _named(found: Sequence[Submission], anonymous: bool) -> Iterator[tuple[str, Submission]]:
    """Yield (path of the file, submission) of all that have code."""
    with_code = [one for one in found if one.record.sources]
    if anonymous:  # in the order of the alphabet, numbers would say who is who
        with_code.sort(
            key=lambda one: hashlib.sha256(f"{one.record.sha256} {one.record.student}".encode(errors="replace")).digest()
        )
    for number, one in enumerate(with_code, 1):
        own = f"{number:04}" if anonymous else file_name(one.record.student)
        yield f"{LAST_YEAR if one.last_year else THIS_YEAR}/{own}/{FILE}", one


def _code(sources: Mapping[str, str], given: Given, anonymous: bool) -> str:
    """Return the code for all exercises, each once, in the order of the kit."""
    ordered = [name for name in given.stubs if name in sources] + sorted(name for name in sources if name not in given.stubs)
    texts = dict.fromkeys(sources[name].strip("\n") for name in ordered)
    return "\n\n\n".join(without_words(text) if anonymous else text for text in texts) + "\n"


def _infos(named: Iterable[tuple[str, Submission]], anonymous: bool) -> Iterator[tuple[str, str, str, str]]:
    for path, one in named:
        name = path.split("/")[1] if anonymous else text_cell(", ".join(one.names))
        yield path, name, LAST_YEAR if one.last_year else "", "" if anonymous else one.record.handed_in


def _numbers(named: Iterable[tuple[str, Submission]]) -> Iterator[tuple[str, str, str]]:
    for path, one in named:
        yield path.split("/")[1], id_cell(one.record.student), text_cell(", ".join(one.names))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace")
