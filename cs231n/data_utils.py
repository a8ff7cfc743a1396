"""The sample images with their labels, and the names of ImageNet's 1000 classes."""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.models import SqueezeNet1_1_Weights

from .datasets import DATASETS, State, sources, states, verified
from .networks import SIZE


def imagenet_class_names() -> dict[int, str]:
    """Return the names of all 1000 classes of ImageNet.

    Returns
    -------
    dict of int to str
        {class id: name}, as torchvision lists them.
    """
    return dict(enumerate(SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"]))


def find_class(name_or_id: str | int, class_names: Mapping[int, str]) -> int:
    """Return the id of a class, given by its id or by its name.

    Parameters
    ----------
    name_or_id : str or int
        An id, or a name as ImageNet spells it, in upper or lower case.
    class_names : mapping of int to str
        {class id: name}.

    Returns
    -------
    int
        The class id.

    Raises
    ------
    ValueError
        If there is no such class; the message offers names that are close.
    """
    wanted = str(name_or_id).strip()
    if re.fullmatch(r"-?\d+", wanted):
        if int(wanted) not in class_names:
            raise ValueError(f"There is no class {wanted}; expected a number from 0 to {max(class_names)}, or a name.")
        return int(wanted)
    exact = {name: label for label, name in class_names.items()}
    ids = {name.lower(): label for name, label in exact.items()}
    if wanted in exact:  # first: "Cardigan" is a dog, "cardigan" a garment
        return exact[wanted]
    wanted = wanted.lower()
    if wanted not in ids:
        close = [name for name in ids if wanted and wanted in name] or difflib.get_close_matches(wanted, ids, cutoff=0.5)
        offer = f"Did you mean {', '.join(close[:6])}?" if close else "class_names lists all of them."
        raise ValueError(f"There is no class named {name_or_id!r}. {offer}")
    return ids[wanted]


def load_imagenet_val(
    num: int | None = None, folder: str | os.PathLike[str] = DATASETS
) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Load labelled sample images, and print which.

    They are the course's 25 images of the ImageNet validation set if get_datasets.sh could fetch them, else its 20 photographs.

    Parameters
    ----------
    num : int or None
        How many, from the first on; None for all.
    folder : str or os.PathLike
        Where the files are.

    Returns
    -------
    X : uint8 array of shape (N, 224, 224, 3)
        The images.
    y : int64 array of shape (N,)
        Their class ids.
    class_names : dict of int to str
        {class id: name}, all 1000.

    Raises
    ------
    ValueError
        If `num` is not between 1 and the number of images, or a file is damaged.
    FileNotFoundError
        If there are no images.

    References
    ----------
    Deng et al., 2009; Russakovsky et al., 2015, https://arxiv.org/abs/1409.0575
    """
    has_imagenet_val = State.MISSING not in states(sources(folder)["imagenet_val"], folder).values()
    X, y = (_imagenet_val if has_imagenet_val else _photographs)(folder)
    if num is not None and (not isinstance(num, (int, np.integer)) or isinstance(num, bool) or not 1 <= num <= len(X)):
        raise ValueError(f"load_imagenet_val got num={num!r}; there are {len(X)} images: expected 1 to {len(X)}, or None.")
    X, y = X[:num], y[:num]
    kind = "images of the ImageNet validation set" if has_imagenet_val else "photographs with ImageNet labels"
    print(f"Loaded {len(X)} {kind}.")
    return X, y, imagenet_class_names()


def _imagenet_val(folder: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    (path,) = verified("imagenet_val", folder)
    with np.load(path, allow_pickle=False) as file:
        return file["X"], file["y"]


def _photographs(folder: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    paths = verified("photographs", folder)  # .../imagenet_07_609.jpg: number 7, class 609
    return np.stack([_square(path) for path in paths]), np.array([int(path.stem.split("_")[2]) for path in paths])


def _square(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(F.center_crop(F.resize(image.convert("RGB"), SIZE), SIZE))
