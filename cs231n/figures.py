"""How a page shows a picture: as wide as the page, sharp on a screen with twice the pixels, and described."""

import base64
import enum
import html
import io
from dataclasses import dataclass

from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

INCHES = 10.0  # the width of the page; a font of size 10 is then as large as the text around the figure
PAGE_DPI = 100  # so a figure is 1000 pixels wide on the page, and shrinks with a narrower one
PREVIEW_WIDTH = 400  # pixels
DENSITY = 2  # pixels of the stored picture, across, for one on the page


class Content(enum.Enum):
    """What a figure is made of, which decides how it is compressed."""

    PHOTOGRAPHS = "photographs"  # or noise: small losses are not seen, and without them the file is five times as large
    SMALL = "small"  # photographs in panels of about an inch, where one looks for what is bright, not for detail
    LINES = "lines"  # or flat colours, of which every pixel stays as it is


COMPRESSION = {
    Content.PHOTOGRAPHS: {"quality": 60, "method": 2},  # half the time of 5, for files that are a twentieth larger
    Content.SMALL: {"quality": 40, "method": 5},
    Content.LINES: {"lossless": True, "method": 2},
}


def show(figure: Figure, description: str, content: Content = Content.PHOTOGRAPHS) -> None:
    """Show a figure below the cell; where there are no pictures, as in a terminal, its description.

    Every front end gets HTML: in other forms JupyterLab gives a picture no alternative text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Its size in inches, at PAGE_DPI, is the one on the page.
    description : str
        The alternative text: what is seen.
    content : Content
        What the figure is made of.
    """
    width = round(figure.get_figwidth() * PAGE_DPI)
    picture = encoded(figure, content)
    display(_Element(tag(picture, width, description), preview(picture), description))


@dataclass(repr=False)
class _Element:
    html: str
    preview: bytes
    description: str

    def _repr_html_(self) -> str:
        return self.html

    def _repr_jpeg_(self) -> bytes:
        return self.preview

    def __repr__(self) -> str:
        return self.description


def preview(picture: bytes) -> bytes:
    """Return a small JPEG for what shows no HTML, such as an export to LaTeX.

    Parameters
    ----------
    picture : bytes
        A WebP file.

    Returns
    -------
    bytes
        The file.
    """
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.thumbnail((PREVIEW_WIDTH, image.height))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=55)
    return file.getvalue()


def encoded(figure: Figure, content: Content) -> bytes:
    """Return a figure as a WebP file.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Any.
    content : Content
        What it is made of.

    Returns
    -------
    bytes
        The file, DENSITY times as wide as the figure is shown.
    """
    file = io.BytesIO()
    figure.savefig(file, format="webp", dpi=PAGE_DPI * DENSITY, pil_kwargs=COMPRESSION[content])
    return file.getvalue()


def tag(picture: bytes, width: int, description: str, kind: str = "figure") -> str:
    """Return the HTML of a picture, with the picture in it.

    Parameters
    ----------
    picture : bytes
        A WebP file.
    width : int
        In pixels on the page; a narrower page shrinks it.
    description : str
        The alternative text.
    kind : str
        The element's class, by which `notebook_file.picture_of` finds figures.

    Returns
    -------
    str
        One element.
    """
    address = f"data:image/webp;base64,{base64.b64encode(picture).decode()}"
    style = "display: block; margin: 0 auto; max-width: 100%; border-radius: 6px"
    return f'<img class="{kind}" src="{address}" width="{width}" alt="{html.escape(description)}" style="{style}">'
