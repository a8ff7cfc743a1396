"""What an exercise is examined with: the cases, what is known of them, and how a student's function is called."""

from collections.abc import Callable
from dataclasses import dataclass

from . import cases
from .cases import Case
from .fingerprints import Fingerprints, stored
from .guard import run


@dataclass(frozen=True)
class Exam:
    """The cases of all three exercises. known: what is known of them. device: where the small networks are.
    run: how a function is called: guard.run, or what does the same elsewhere.

    Each case has its role under its own name, in every exam; networks, images and targets differ from exam to exam.
    """

    known: Fingerprints
    saliency_cases: tuple[Case, ...]
    other_batch_sizes: tuple[Case, ...]
    saliency_224: Case
    fooling_cases: tuple[Case, ...]
    already_fooled: Case
    score_is_a_class_id: Case
    own_score_is_its_id: Case
    long_way: Case
    never_fooled: Case
    dead_target: Case
    fooling_224: Case
    already_fooled_224: Case
    step_cases: tuple[Case, ...]
    step_dead: Case
    step_224: Case
    device: str = "cpu"
    run: Callable = run


def own_exam(device="cpu", known=None):
    """Return the exam that the students' own checks hold, always the same one. known: by default what the file holds."""
    return Exam(
        known=known or stored(),
        saliency_cases=tuple(cases.SALIENCY_CASES),
        other_batch_sizes=tuple(cases.OTHER_BATCH_SIZES),
        saliency_224=cases.SALIENCY_224,
        fooling_cases=tuple(cases.FOOLING_CASES),
        already_fooled=cases.ALREADY_FOOLED,
        score_is_a_class_id=cases.SCORE_IS_A_CLASS_ID,
        own_score_is_its_id=cases.OWN_SCORE_IS_ITS_ID,
        long_way=cases.LONG_WAY,
        never_fooled=cases.NEVER_FOOLED,
        dead_target=cases.DEAD_TARGET,
        fooling_224=cases.FOOLING_224,
        already_fooled_224=cases.ALREADY_FOOLED_224,
        step_cases=tuple(cases.STEP_CASES),
        step_dead=cases.STEP_DEAD,
        step_224=cases.STEP_224,
        device=device,
    )
