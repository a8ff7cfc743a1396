"""The sample images with their labels, and the names of ImageNet's 1000 classes."""

import difflib
import os
import re
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.models import SqueezeNet1_1_Weights

from .datasets import DATASETS, sources, verified
from .networks import SIZE
from .one_line import OneLine

SampleImages = Literal["photographs", "imagenet_val_25"]

# What people call things whose classes ImageNet names otherwise: its cats and dogs, for example, are listed by breed.
EVERYDAY_WORDS = {
    "airplane": ("airliner", "warplane", "wing"),
    "ape": ("gorilla", "chimpanzee", "orangutan", "gibbon", "siamang"),
    "apple": ("Granny Smith", "pomegranate", "custard apple"),
    "bag": ("backpack", "purse", "plastic bag", "sleeping bag", "mailbag"),
    "bear": ("brown bear", "American black bear", "ice bear", "sloth bear", "giant panda"),
    "bicycle": ("mountain bike", "bicycle-built-for-two", "tricycle"),
    "bird": ("robin", "goldfinch", "jay", "bald eagle", "flamingo", "hummingbird"),
    "boat": ("canoe", "gondola", "speedboat", "lifeboat", "yawl", "catamaran"),
    "butterfly": ("monarch", "admiral", "cabbage butterfly", "sulphur butterfly", "ringlet", "lycaenid"),
    "car": ("sports car", "convertible", "cab", "limousine", "minivan", "beach wagon"),
    "cat": ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat"),
    "chicken": ("cock", "hen"),
    "clock": ("analog clock", "digital clock", "wall clock", "stopwatch", "hourglass"),
    "computer": ("desktop computer", "laptop", "notebook", "hand-held computer", "monitor"),
    "cow": ("ox", "water buffalo", "bison"),
    "cup": ("coffee mug", "cup", "espresso", "goblet", "beer glass"),
    "dog": ("golden retriever", "German shepherd", "beagle", "pug", "Siberian husky", "Chihuahua"),
    "duck": ("drake", "red-breasted merganser", "goose"),
    "elephant": ("African elephant", "Indian elephant", "tusker"),
    "fish": ("goldfish", "tench", "coho", "anemone fish", "lionfish", "puffer"),
    "flower": ("daisy", "yellow lady's slipper", "rapeseed"),
    "fox": ("red fox", "kit fox", "Arctic fox", "grey fox"),
    "frog": ("bullfrog", "tree frog", "tailed frog"),
    "fruit": ("banana", "orange", "lemon", "strawberry", "pineapple", "fig"),
    "glasses": ("sunglasses", "sunglass"),
    "guitar": ("acoustic guitar", "electric guitar"),
    "hat": ("cowboy hat", "sombrero", "bonnet", "bearskin", "shower cap"),
    "horse": ("sorrel", "zebra", "horse cart"),
    "house": ("palace", "castle", "barn", "yurt", "greenhouse", "birdhouse"),
    "insect": ("bee", "ant", "fly", "ladybug", "grasshopper", "dragonfly"),
    "kitten": ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat"),
    "lizard": ("common iguana", "American chameleon", "African chameleon", "Komodo dragon", "frilled lizard"),
    "monkey": ("macaque", "baboon", "capuchin", "howler monkey", "spider monkey", "squirrel monkey"),
    "motorcycle": ("motor scooter", "moped"),
    "mouse": ("mouse", "hamster"),
    "mushroom": ("mushroom", "agaric", "bolete", "stinkhorn", "hen-of-the-woods"),
    "phone": ("cellular telephone", "dial telephone", "pay-phone"),
    "pig": ("hog", "wild boar", "warthog", "guinea pig"),
    "plane": ("airliner", "warplane", "wing"),
    "puppy": ("golden retriever", "German shepherd", "beagle", "pug", "Siberian husky", "Chihuahua"),
    "rabbit": ("wood rabbit", "hare", "Angora"),
    "shark": ("great white shark", "tiger shark", "hammerhead"),
    "sheep": ("ram", "bighorn"),
    "ship": ("container ship", "liner", "pirate", "aircraft carrier", "schooner"),
    "shoe": ("running shoe", "Loafer", "sandal", "clog", "cowboy boot"),
    "snake": ("garter snake", "boa constrictor", "rock python", "Indian cobra", "green mamba", "diamondback"),
    "spider": ("tarantula", "black widow", "garden spider", "wolf spider", "barn spider"),
    "t shirt": ("jersey",),
    "train": ("steam locomotive", "electric locomotive", "bullet train", "freight car", "passenger car"),
    "truck": ("pickup", "fire engine", "garbage truck", "tow truck", "trailer truck", "moving van"),
    "turtle": ("loggerhead", "leatherback turtle", "box turtle", "mud turtle", "terrapin"),
    "whale": ("grey whale", "killer whale"),
    "wolf": ("timber wolf", "white wolf", "red wolf", "coyote"),
}
OFFERED = 6  # names in a message
LONGEST_SHOWN = 60  # characters of what was typed, in a message


class UnknownClass(OneLine, ValueError):
    """There is no such class; the message, one line, offers names that are close."""


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
    UnknownClass
        If there is no such class; a ValueError whose message offers names that are close.
    """
    wanted = str(name_or_id).strip()
    if not isinstance(name_or_id, str | int | np.integer) or isinstance(name_or_id, bool):
        raise UnknownClass(f"There is no class {_short(name_or_id)}; expected a number from 0 to {max(class_names)}, or a name.")
    if re.fullmatch(r"-?\d+", wanted):
        if int(wanted) not in class_names:
            raise UnknownClass(f"There is no class {wanted}; expected a number from 0 to {max(class_names)}, or a name.")
        return int(wanted)
    exact = {name: label for label, name in class_names.items()}
    in_any_case = {name.lower(): label for name, label in exact.items()}
    if wanted in exact:  # first: "Cardigan" is a dog, "cardigan" a garment
        return exact[wanted]
    if wanted.lower() in in_any_case:
        return in_any_case[wanted.lower()]
    close = close_names(wanted, exact)
    offer = f"Did you mean {', '.join(close)}?" if close else "class_names lists all of them."
    raise UnknownClass(f"There is no class named {_short(name_or_id)}. {offer}")


def _short(given: object) -> str:
    """Return what was given as Python writes it, in one line; the middle of what is long is left out."""
    shown = reprlib.Repr()
    shown.maxstring = shown.maxother = LONGEST_SHOWN
    return " ".join(shown.repr(given).split())


def close_names(wanted: str, names: Iterable[str]) -> list[str]:
    """Return names that somebody may have meant, the likeliest first.

    These are, in this order: what ImageNet calls an everyday word; names with the same words, whatever their case, hyphens and
    plurals; names that contain the text; names spelled similarly; and, if there are none of these, names with a word spelled
    similarly.

    Parameters
    ----------
    wanted : str
        What was typed.
    names : iterable of str
        The names that exist.

    Returns
    -------
    list of str
        At most OFFERED of `names`; none if nothing is close.
    """
    words_of = {name: _words(name) for name in names}
    words = _words(wanted)
    if not words:
        return []
    everyday = [name for name in EVERYDAY_WORDS.get(" ".join(words), ()) if name in words_of]
    same = sorted((name for name, its in words_of.items() if set(words) <= set(its)), key=lambda name: words_of[name] != words)
    containing = [name for name in words_of if len(wanted) > 3 and wanted.lower() in name.lower()]
    joined = {" ".join(its): name for name, its in words_of.items()}
    similar = [joined[text] for text in difflib.get_close_matches(" ".join(words), joined, OFFERED, cutoff=0.75)]
    vocabulary = {word for its in words_of.values() for word in its}
    similar_words = {word for one in words for word in difflib.get_close_matches(one, vocabulary, 2, cutoff=0.8)}
    sharing = [name for name, its in words_of.items() if similar_words & set(its)]
    return list(dict.fromkeys([*everyday, *same, *containing, *similar] or sharing))[:OFFERED]


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case and in the singular: "Tiger cats" gives ["tiger", "cat"]."""
    return [_singular(word) for word in re.findall(r"[^\W_]+", name.lower())]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def imagenet_val_is_there(folder: str | os.PathLike[str] = DATASETS) -> bool:
    """Return whether the course's 25 ImageNet-val images, which are optional, are in a folder.

    Parameters
    ----------
    folder : str or os.PathLike
        Where they should be. Only `load_imagenet_val` compares them with their SHA-256.

    Returns
    -------
    bool
        Whether the file exists.
    """
    return all((Path(folder) / name).exists() for name in sources(folder)["imagenet_val"].holds)


def load_imagenet_val(
    num: int | None = None, folder: str | os.PathLike[str] = DATASETS, *, source: SampleImages = "photographs"
) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Load labelled sample images, and print which.

    Parameters
    ----------
    num : int or None
        How many, from the first on; None for all.
    folder : str or os.PathLike
        Where the files are.
    source : {"photographs", "imagenet_val_25"}
        The kit's 20 photographs, which the notebook's text describes, or the course's 25 images of the ImageNet validation set,
        which are optional: `get_datasets.sh --imagenet-val` fetches them.

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
        If `num` is not between 1 and the number of images, `source` is neither of the two, or a file is damaged.
    FileNotFoundError
        If a file is missing; the message says how to fetch it.

    References
    ----------
    Deng et al., 2009; Russakovsky et al., 2015, https://arxiv.org/abs/1409.0575
    """
    if source not in get_args(SampleImages):
        expected = " or ".join(f'"{one}"' for one in get_args(SampleImages))
        raise ValueError(f"load_imagenet_val got source={source!r}; expected {expected}.")
    X, y = (_photographs if source == "photographs" else _imagenet_val)(folder)
    if num is not None and (not isinstance(num, (int, np.integer)) or isinstance(num, bool) or not 1 <= num <= len(X)):
        raise ValueError(f"load_imagenet_val got num={num!r}; there are {len(X)} images: expected 1 to {len(X)}, or None.")
    X, y = X[:num], y[:num]
    kind = "photographs with ImageNet labels" if source == "photographs" else "images of the ImageNet validation set"
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
