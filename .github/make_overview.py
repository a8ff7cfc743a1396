"""Put the README's picture together from figures of the committed notebook. `make refresh` runs it."""

import base64
import io
import sys
from pathlib import Path

import nbformat
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from cs231n.notebook_file import picture_of  # noqa: E402

WIDTH = 1800  # pixels, at most


def figure(notebook, cell_id):
    """Return the figure that the cell with this id shows, as a PIL image on white."""
    cell = next(cell for cell in notebook.cells if cell.id == cell_id)
    _, encoded = next(filter(None, (picture_of(output) for output in cell.outputs)))
    return Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")


def overview(notebook):
    """Return one PIL image: saliency maps over fooling images on the left, class visualizations on the right."""
    saliency, fooling, classes = (figure(notebook, name) for name in ("saliency-figure", "fooling-figure", "class-figure"))
    fooling = fooling.resize((saliency.width, fooling.height * saliency.width // fooling.width))
    height = saliency.height + fooling.height
    classes = classes.resize((classes.width * height // classes.height, height))
    picture = Image.new("RGB", (saliency.width + classes.width, height), "white")
    picture.paste(saliency, (0, 0))
    picture.paste(fooling, (0, saliency.height))
    picture.paste(classes, (saliency.width, 0))
    picture.thumbnail((WIDTH, picture.height))
    return picture


if __name__ == "__main__":
    notebook = nbformat.read(HERE.parent / "NetworkVisualization.ipynb", as_version=4)
    overview(notebook).save(HERE / "overview.jpg", quality=88)
