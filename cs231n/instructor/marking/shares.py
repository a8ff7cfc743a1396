"""Who marks what, in which order, and what students are called as long as their names are hidden."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...whole_file import write_whole

PLAN = "shares.json"  # in the folder of the journals
ALIASES = "aliases.json"


@dataclass(frozen=True)
class Share:
    """A marker's share of all answers.

    Parameters
    ----------
    number : int
        From 1.
    of : int
        Among how many markers the answers are shared.
    twice : float
        Which percentage of the answers two markers mark independently: the one whose share it is, and the next one.
    """

    number: int = 1
    of: int = 1
    twice: float = 0.0

    @classmethod
    def read(cls, text: str, twice: float) -> "Share":
        """Return the share that a text such as "1/2" names. Raises ValueError if it names none."""
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= 100):
            raise ValueError(f"--share is {text!r}; expected a share such as 1/2, the first of two.")
        return cls(int(number), int(of), twice)

    def is_mine(self, question: str, item: str) -> bool:
        """Return whether an answer is in this share."""
        return self._owner(question, item) == self.number

    def is_twice(self, question: str, item: str) -> bool:
        """Return whether an answer is one that this marker and another mark independently."""
        if self.of == 1 or drawn("twice", question, item) * 100 >= self.twice:
            return False
        owner = self._owner(question, item)
        return self.number in (owner, owner % self.of + 1)

    def _owner(self, question: str, item: str) -> int:
        return int(drawn("share", question, item) * self.of) + 1

    def __str__(self) -> str:
        """Return the share as the command takes it, "" if it is everything."""
        return f"{self.number}/{self.of}" if self.of > 1 else ""


def drawn(*what: str) -> float:
    """Return a number from 0 to 1 that looks random and is the same each time."""
    return int(hashlib.sha256("\0".join(what).encode("utf-8", "surrogatepass")).hexdigest()[:12], 16) / 16**12


def require_same_plan(folder: Path, share: Share) -> None:
    """Keep how the answers are shared; raise ValueError if other markers share them in another way, or NotWritten."""
    if share.of == 1:
        return
    plan, path = {"of": share.of, "twice": share.twice}, folder / PLAN
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        write_whole(path, json.dumps(plan), durable=True)
        return
    except ValueError:
        kept = None
    if kept != plan:
        raise ValueError(
            f"The answers in {folder.parent.parent} are shared in another way already, or {path} is damaged: it says {kept}, and "
            f"you ask for {plan}. All markers have to give the same number of shares and the same --twice. To share them "
            f"differently from now on, remove {path}; no mark is lost by that."
        )


def aliases(folder: Path, students: Iterable[str]) -> dict[str, int]:
    """Return {student: number}, the same each time; a new student gets a new number. Raises NotWritten.

    Numbers are drawn, so that they say nothing about names. No other process may do this at the same time.
    """
    path = folder / ALIASES
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        known = {str(student): int(number) for student, number in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        known = {}
    new = sorted(set(students) - known.keys(), key=lambda student: drawn("alias", student))
    first = max(known.values(), default=0) + 1
    known |= {student: number for number, student in enumerate(new, first)}
    if new:
        write_whole(path, json.dumps(known, indent=0), durable=True)
    return known
