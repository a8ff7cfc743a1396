"""The kinds of cases: calls of an exercise with a small network, alone or in the corner of larger images.

Networks and images are made from fixed seeds of NumPy's RandomState, whose numbers never change, so nothing has to be stored.
What comes out right is in the fingerprints.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F

from .networks import SmallNetwork, Window, more_classes, normal, strided

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SIDE = 224  # of the notebook's images

CaseOfAnExercise = TypeVar("CaseOfAnExercise", bound="Case")
CasesOfAnExercise = TypeVar("CasesOfAnExercise", bound="DataclassInstance")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call of an exercise.

    Parameters
    ----------
    name : str
        Also of what the fingerprints hold of it.
    network : function
        Makes the network.
    seed : int
        Of the images.
    shape : tuple
        (N, H, W) of the images.
    target : tuple or int
        The N labels, or, where an exercise takes one image, the class.
    dead_class : bool
        Whether the class, or the first label, is dead: the network gives it the score 0, whatever the image is.
    """

    name: str
    network: Callable[[], SmallNetwork]
    seed: int
    shape: tuple[int, int, int]
    target: Any
    dead_class: bool = False

    def images(self) -> torch.Tensor:
        """Return the float tensor (N, 3, H, W), the same at every call, in memory of its own."""
        n, height, width = self.shape
        return normal(np.random.RandomState(self.seed), (n, 3, height, width), 1.0)

    def arguments(self, network: SmallNetwork) -> tuple[Any, ...]:
        """Return what an exercise on N labelled images is called with."""
        return self.images(), torch.tensor(self.target), network

    @property
    def result_shape(self) -> tuple[int, ...]:
        return self.shape

    def about(self) -> str:
        """Describe the images: "5 images of 8 x 11 pixels"."""
        n, height, width = self.shape
        return f"{n} image{'s' * (n > 1)} of {height} x {width} pixels"

    def about_image(self, n: int) -> str:
        """Describe the n-th image and where it comes from."""
        return f"A small network ({self.name}), {self.about()}. Image {n}, its label {self.target[n]}"

    def numbers(self, shape: tuple[int, ...], scale: float) -> torch.Tensor:
        """Return a float tensor of normally distributed values that are not those of the images."""
        return normal(np.random.RandomState([self.seed, 1]), shape, scale)


@dataclass(frozen=True)
class Batches:
    """The cases of an exercise that returns one array.

    Parameters
    ----------
    main : tuple
        Batches of five; what comes out of them names a mistake.
    other : tuple
        Batches of other sizes.
    large : Case, optional
        Images of the notebook's size, for code that works for nothing else.
    """

    main: tuple[Any, ...]
    other: tuple[Any, ...]
    large: Case | None = None


@dataclass(frozen=True)
class Framed:
    """A case whose images lie in the top left corner of ones of SIDE x SIDE pixels, 0 elsewhere; the network sees the corner.

    What is right for the case is right for the corner, and what a mistake makes of the case it makes of the corner.
    """

    inner: Case

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.inner, name)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.inner.shape[0], SIDE, SIDE

    @property
    def result_shape(self) -> tuple[int, ...]:
        return *self.inner.result_shape[:-2], SIDE, SIDE

    def network(self) -> SmallNetwork:
        network = more_classes(self.inner.network)
        network.parts[0].insert(0, Window(*self.inner.shape[1:]))
        return network.eval()

    def images(self) -> torch.Tensor:
        return self._framed(self.inner.images())

    def arguments(self, network: SmallNetwork) -> tuple[Any, ...]:
        arguments = self.inner.arguments(network)
        return tuple(self._framed(value) if torch.is_tensor(value) and value.ndim >= 4 else value for value in arguments)

    def _framed(self, images: torch.Tensor) -> torch.Tensor:
        _, height, width = self.inner.shape
        return F.pad(images, (0, SIDE - width, 0, SIDE - height))

    def about(self) -> str:
        return Case.about(self)  # type: ignore[arg-type]

    def about_image(self, n: int) -> str:
        return Case.about_image(self, n)  # type: ignore[arg-type]


SomeCase = Case | Framed


def cropped(case: Any, array: np.ndarray) -> np.ndarray:
    """Return the part of an array (..., H, W) that the known results of a case speak about."""
    if not isinstance(case, Framed):
        return array
    _, height, width = case.inner.shape
    return array[..., :height, :width]


def with_more_classes(case: CaseOfAnExercise) -> CaseOfAnExercise:
    """Return a case whose network has CLASSES classes; those that are added change nothing."""
    return replace(case, network=partial(more_classes, case.network))


def with_strided_gradients(case: CaseOfAnExercise) -> CaseOfAnExercise:
    """Return a case whose network hands out its gradients, and the feature map of two parts, as one in channels_last does."""
    return replace(case, network=partial(strided, case.network))


def with_cases(cases: CasesOfAnExercise, change: Callable[[Case], Any]) -> CasesOfAnExercise:
    """Return the cases of an exercise, in which each small one with a network is change(case).

    Those of the notebook's sizes stay, and what is the same case in several roles stays the same one.

    Parameters
    ----------
    cases : dataclass
        Whose fields are the roles: each a case, None, or a tuple of cases.
    change : function
        Of a Case; it returns another, or a Framed one.
    """
    changed: dict[Case, Any] = {}

    def new(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(new, value))
        if not isinstance(value, Case) or value.shape[1:] == (SIDE, SIDE):
            return value
        if value not in changed:
            changed[value] = change(value)
        return changed[value]

    return replace(cases, **{role.name: new(getattr(cases, role.name)) for role in fields(cases)})
