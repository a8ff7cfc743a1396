"""What an exercise is examined with: the cases, what is known of them, and how a student's function is called."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from . import cases
from .cases import Case, Framed, TransformationCase
from .fingerprints import Fingerprints, stored
from .guard import run


@dataclass(frozen=True)
class Batches:
    """The cases of an exercise that returns one array.

    main: batches of five; what comes out of them names a mistake. other: batches of other sizes. large: images of the
    notebook's size, for code that works for nothing else.
    """

    main: tuple[Case | TransformationCase, ...]
    other: tuple[Case | TransformationCase, ...]
    large: Case | None = None


# The exercises that return one array: the names of their roles in an Exam, and of what the fingerprints hold of them.
ARRAYS = ("saliency_maps", "smoothgrad", "integrated_gradients", "grad_cam", "transformation")


@dataclass(frozen=True)
class Exam:
    """The cases of all exercises. known: what is known of them. device: where the small networks are.
    run: how a function is called: guard.run, or what does the same elsewhere.

    Each case has its role under its own name, in every exam; networks, images and targets differ from exam to exam.
    """

    known: Fingerprints
    saliency_maps: Batches
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
    smoothgrad: Batches
    integrated_gradients: Batches
    grad_cam: Batches
    transformation: Batches
    device: str = "cpu"
    run: Callable = run

    @property
    def is_framed(self):
        return isinstance(self.long_way, Framed)

    def with_cases(self, change):
        """Return the exam in which each small case is change(case); those of the notebook's sizes stay."""
        changed = {}

        def new(value):
            if isinstance(value, tuple):
                return tuple(map(new, value))
            if isinstance(value, Batches):
                return replace(value, main=new(value.main), other=new(value.other))
            if not isinstance(value, Case):
                return value
            if value not in changed:  # the same case has the same successor in all of its roles
                changed[value] = change(value)
            return changed[value]

        roles = [field.name for field in fields(self) if not field.name.endswith("_224")]
        return replace(self, **{role: new(getattr(self, role)) for role in roles})


def own_exam(device="cpu", known=None):
    """Return the exam that the students' own checks hold, always the same one. known: by default what the file holds."""
    return Exam(
        known=known or stored(),
        saliency_maps=Batches(tuple(cases.SALIENCY_CASES), tuple(cases.OTHER_BATCH_SIZES), cases.SALIENCY_224),
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
        smoothgrad=Batches(tuple(cases.SMOOTHGRAD_CASES), tuple(cases.SMOOTHGRAD_OTHER), cases.SMOOTHGRAD_224),
        integrated_gradients=Batches(tuple(cases.PATH_CASES), tuple(cases.PATH_OTHER), cases.PATH_224),
        grad_cam=Batches(tuple(cases.GRAD_CAM_CASES), tuple(cases.GRAD_CAM_OTHER), cases.GRAD_CAM_224),
        transformation=Batches(tuple(cases.TRANSFORMATION_CASES), tuple(cases.TRANSFORMATION_OTHER)),
        device=device,
    )
