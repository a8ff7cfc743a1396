"""What is taken off a student's points as a whole, such as for being late: a line of its own in grades and feedback."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Deduction:
    """A line below a student's points.

    Parameters
    ----------
    title : str
        What it is for, in a few words: "Late by 2 days".
    points : float
        What it changes: negative, or 0 where free late days cover it.
    explanation : str
        A sentence or two for the student on how it comes about, or "".
    """

    title: str
    points: float
    explanation: str = ""
