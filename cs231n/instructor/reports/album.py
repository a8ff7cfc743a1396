"""The pictures of a page, together as large as the page's bytes allow.

A page for a student has to travel: through a learning platform, by mail, onto a phone. So its pictures share what its text
leaves of the bytes that it may have: all get the same width and quality, the best with which they fit. Where even the smallest
are too large together, the least important are left out, and a sentence in their place says so.
"""

import base64
import functools
import hashlib
import io
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from markupsafe import Markup
from PIL import Image

from .safe import MOST_PICTURES, picture_bytes

# Width in pixels and JPEG's quality of all pictures of a page, the best first. (WebP is hardly smaller, and takes three times as
# long: a class has thousands of pictures.)
SIZES = ((720, 70), (640, 65), (560, 60), (520, 60), (480, 60), (440, 55), (400, 50), (360, 50), (320, 45), (240, 40))
HIGHEST = 1.25  # of a picture, in widths
OPENED_PIXELS = 5_000_000  # of the largest picture that is opened
PLACE = re.compile(r"<!--picture (\d+)-->")
FORMATS = ("PNG", "JPEG", "WEBP")
TAG_BYTES = 200  # around a picture's address, or instead of it, apart from what it shows
BYTES_PER_PIXEL = 0.15  # of a figure, at quality 60: says where to begin
SMALLER = "Pictures are shown smaller here than in your notebook, so that this page stays small."
LEFT_OUT = "This picture is left out, so that this page stays small. It is in your notebook."
DAMAGED = "This picture cannot be shown: it is damaged or too large."


class Picture(NamedTuple):
    """encoded: base64 of a picture's file. alt: what it shows, in words. rank: of two, the one with the higher goes first."""

    encoded: str
    alt: str
    rank: int


class Album:
    """The pictures of one page. While its text is being made, a comment stands for each: nobody else can write one there, since
    everything that people wrote is escaped.
    """

    note = Markup("<!--smaller-->")  # stands for the sentence that pictures are smaller, where they are

    def __init__(self) -> None:
        self._pictures: list[Picture] = []

    def added(self, encoded: list[str], alt: str, rank: int) -> list[Markup]:
        """Return what stands for pictures, for those that are of a known kind.

        Parameters
        ----------
        encoded : list of str
            The base64 of the pictures' files.
        alt : str
            What they show, in our words.
        rank : int
            How soon they are left out; 0 last.
        """
        known = [text for text in encoded[:MOST_PICTURES] if picture_bytes(text)]
        places = [Markup(f"<!--picture {len(self._pictures) + number}-->") for number in range(len(known))]
        for number, text in enumerate(known, 1):
            self._pictures.append(Picture(text, f"{alt}, {number} of {len(known)}" if len(known) > 1 else alt, rank))
        return places

    def version(self, text: str) -> str:
        """Return a SHA-256 of a text with its pictures, which is another one when the page would be another one."""
        described = PLACE.sub(lambda found: _digest(self._pictures[int(found[1])]), text)
        return hashlib.sha256(f"{SIZES} {described}".encode("utf-8", "surrogatepass")).hexdigest()

    def filled(self, text: str, most_bytes: int) -> str:
        """Return a page with its pictures.

        Parameters
        ----------
        text : str
            HTML with what stands for them.
        most_bytes : int
            How large the page may be. Its text should be smaller.
        """
        fixed = sum(TAG_BYTES + len(picture.alt.encode()) for picture in self._pictures) + len(SMALLER)
        size, shown = _fitting(self._pictures, most_bytes - len(text.encode("utf-8", "surrogatepass")) - fixed)
        tags = [_tag(picture, shown.get(number)) for number, picture in enumerate(self._pictures)]
        smaller = SMALLER if shown and size != SIZES[0] else ""
        return PLACE.sub(lambda found: tags[int(found[1])], text).replace(self.note, smaller)


def _digest(picture: Picture) -> str:
    return hashlib.sha256(f"{picture.rank} {picture.alt} {picture.encoded}".encode("utf-8", "surrogatepass")).hexdigest()


def _tag(picture: Picture, address: str | None) -> str:
    if not address:
        return f'<p class="none">{DAMAGED if address == "" else LEFT_OUT}</p>'
    return f'<img src="{address}" alt="{Markup.escape(picture.alt)}">'


def _fitting(pictures: list[Picture], most: int) -> tuple[tuple[int, int], dict[int, str]]:
    """Return the best of SIZES in which pictures have at most so many characters, and {number: address} of those that stay.

    An address is "" for a picture that cannot be read.
    """
    place = next((place for place, size in enumerate(SIZES) if _expected(pictures, *size) <= most), len(SIZES) - 1)
    while True:
        size = SIZES[place]
        addresses = {number: _address(picture.encoded, *size) for number, picture in enumerate(pictures)}
        if sum(map(len, addresses.values())) <= most:
            return size, addresses
        place += 1
        if place == len(SIZES):
            return size, _most_important(pictures, addresses, most)


def _most_important(pictures: list[Picture], addresses: Mapping[int, str], most: int) -> dict[int, str]:
    kept = {}
    for number in sorted(addresses, key=lambda number: pictures[number].rank):
        if len(addresses[number]) <= most:
            kept[number] = addresses[number]
            most -= len(addresses[number])
    return kept


def _expected(pictures: Collection[Picture], width: int, quality: int) -> float:
    """Return about how many characters pictures will have; trying each size would take its time."""
    sizes = [_within(shape, width) for picture in pictures if (shape := _shape(picture.encoded))]
    return sum(4 / 3 * BYTES_PER_PIXEL * quality / 60 * across * down for across, down in sizes)


def _within(shape: tuple[int, int], width: int) -> tuple[int, int]:
    """Return (width, height) of a picture, made to fit into a width and the height that goes with it."""
    scale = min(1.0, width / shape[0], HIGHEST * width / shape[1])
    return max(1, round(scale * shape[0])), max(1, round(scale * shape[1]))


def _opened(encoded: str) -> Image.Image:
    """Open a picture without reading its pixels. Raises ValueError if there are too many, and whatever Pillow raises."""
    image = Image.open(io.BytesIO(picture_bytes(encoded) or b""), formats=FORMATS)
    if image.width * image.height > OPENED_PIXELS:
        raise ValueError(f"{image.width} x {image.height} pixels are too many")
    return image


@functools.lru_cache(maxsize=512)
def _shape(encoded: str) -> tuple[int, int] | None:
    try:
        return _opened(encoded).size
    except Exception:  # Pillow raises all kinds for broken files
        return None


@functools.lru_cache(maxsize=512)  # the reference's pictures are on everybody's page
def _address(encoded: str, width: int, quality: int) -> str:
    """Return the data: address of a picture as a JPEG of ours, "" if it cannot be read."""
    try:
        made, image = io.BytesIO(), _on_white(_opened(encoded))
        image = image.resize(_within(image.size, width), Image.Resampling.HAMMING)
        image.save(made, "JPEG", quality=quality, optimize=True, progressive=True)
    except Exception:
        return ""
    return f"data:image/jpeg;base64,{base64.b64encode(made.getvalue()).decode()}"


def _on_white(image: Image.Image) -> Image.Image:
    """Return a picture without transparency, in RGB."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
