"""The sample images with their labels, and the names of ImageNet's 1000 classes."""

import difflib
import re

import numpy as np
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.models import SqueezeNet1_1_Weights

from .datasets import DATASETS, State, sources, states, verified
from .networks import SIZE


def imagenet_class_names():
    """Return {class id: name} for all 1000 classes of ImageNet, as torchvision lists them."""
    return dict(enumerate(SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"]))


def find_class(name_or_id, class_names):
    """Return the id of a class, given by its id or by its name as ImageNet spells it (upper or lower case).

    class_names: {id: name}. Raises ValueError if there is none such; the message offers names that are close.
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


def load_imagenet_val(num=None, folder=DATASETS):
    """Load labelled sample images, and print which.

    num: how many, from the first on; None for all. folder: where the files lie. The images are the course's 25 of
    the ImageNet validation set (Deng et al., 2009; Russakovsky et al., 2015) if get_datasets.sh could fetch them,
    else its 20 photographs.

    Returns X: uint8 array (N, 224, 224, 3); y: int64 array (N,) of class ids; class_names: {class id: name}, all 1000.
    Raises ValueError if num is not between 1 and the number of images or a file is damaged, FileNotFoundError if
    there are no images.
    """
    has_imagenet_val = State.MISSING not in states(sources(folder)["imagenet_val"], folder).values()
    X, y = (_imagenet_val if has_imagenet_val else _photographs)(folder)
    if num is not None and (not isinstance(num, (int, np.integer)) or isinstance(num, bool) or not 1 <= num <= len(X)):
        raise ValueError(f"load_imagenet_val got num={num!r}; there are {len(X)} images: expected 1 to {len(X)}, or None.")
    X, y = X[:num], y[:num]
    kind = "images of the ImageNet validation set" if has_imagenet_val else "photographs with ImageNet labels"
    print(f"Loaded {len(X)} {kind}.")
    return X, y, imagenet_class_names()


def _imagenet_val(folder):
    (path,) = verified("imagenet_val", folder)
    with np.load(path, allow_pickle=False) as file:
        return file["X"], file["y"]


def _photographs(folder):
    paths = verified("photographs", folder)  # .../imagenet_07_609.jpg: number 7, class 609
    return np.stack([_square(path) for path in paths]), np.array([int(path.stem.split("_")[2]) for path in paths])


def _square(path):
    with Image.open(path) as image:
        return np.asarray(F.center_crop(F.resize(image.convert("RGB"), SIZE), SIZE))
