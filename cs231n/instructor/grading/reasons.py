"""Why a file below the folder of submissions does not count."""

import enum
from dataclasses import dataclass


class Reason(enum.Enum):
    """Why a file does not count. The value is what intake.csv shows, in which a detail may have a place."""

    NONE = ""  # it counts
    PROBLEM = "{detail}"  # a sentence
    UNREADABLE = "could not be read"
    NOBODYS = "nobody's"
    HIDDEN = "hidden"
    OF_A_SYSTEM = "made by a program, not by a student"
    ROSTER = "the roster"
    LIST_OF_MEMBERS = "the list of members"
    LIST_OF_TIMES = "the list of times"
    LIST_OF_A_PLATFORM = "{detail}'s own list"  # the platform's name
    LINK = "a link, not followed"
    NOT_BELIEVED = "a Gradescope list inside a submission; ignored"
    OTHER_ATTEMPT = "another attempt; {detail} counts"  # the path of the one that counts
    BESIDE = "beside {detail}, which counts"  # the same
    NOTHING_TO_GRADE = "nothing that can be graded"
    NOT_LISTED = "cannot be listed: {detail}"  # what the system says
    TOO_MANY_FOLDERS = "beyond {detail} folders: not looked into"  # how many are


@dataclass(frozen=True)
class Why:
    """A Reason with its detail, if it has one. As a string it is what intake.csv shows."""

    reason: Reason = Reason.NONE
    detail: str = ""

    def __str__(self) -> str:
        return self.reason.value.format(detail=self.detail)

    @classmethod
    def problem(cls, sentence: str) -> "Why":
        """Return why a submission with this problem does not count; "" is that of one that does."""
        return cls(Reason.PROBLEM, sentence) if sentence else cls()
