"""What an eye would complain about in a page: blurred pictures, pictures without words, what is wider than its place."""

from dataclasses import dataclass

from helpers.places import ROOT

SCREEN = {"width": 1280, "height": 800}
PIXELS = 2  # of the screen for each of the page, to the side and down
SCREENSHOTS = ROOT / "build" / "browser"
SHARP = 0.95  # of a picture's pixels for each of the screen: what rounding may cost

PICTURES = """cells => cells.flatMap((cell, number) =>
    [...cell.querySelectorAll('.jp-OutputArea-output img')].map(image => ({
        cell: number, natural: image.naturalWidth, shown: image.getBoundingClientRect().width,
        alt: image.getAttribute('alt') || '', drawn: image.src.startsWith('data:image/svg'),
    })))"""

# Rendered text, formulas, code and outputs, with what scrolls inside them.
WIDE = """cells => cells.flatMap((cell, number) =>
    [cell, ...cell.querySelectorAll('.jp-RenderedHTMLCommon, .jp-OutputArea-output, pre, .cm-scroller, mjx-container[display]')]
        .filter(part => part.clientWidth && part.scrollWidth > part.clientWidth + 1)
        .map(part => ({cell: number, part: part.className || part.tagName, width: part.scrollWidth, room: part.clientWidth})))"""

# The page itself, and what a notebook scrolls in.
SCROLLS = """() => [document.documentElement, ...document.querySelectorAll('.jp-WindowedPanel-outer')]
    .filter(part => part.scrollWidth > part.clientWidth)
    .map(part => `${part.className || part.tagName}: ${part.scrollWidth} in ${part.clientWidth}`)"""

OVERLAP = 40  # pixels of the page that two screenshots share

# Scrolls so far down; the number of the first cell then in sight, -1 below the last.
SCROLLED = """(panel, top) => {
    panel.scrollTop = top
    return [...panel.querySelectorAll('.jp-Notebook-cell')]
        .findIndex(cell => cell.getBoundingClientRect().bottom > panel.getBoundingClientRect().top + 20)
}"""


@dataclass(frozen=True)
class Picture:
    """A picture below a cell: its width in its own pixels, and in the page's. drawn: of lines, sharp in any size."""

    cell: str
    natural: int
    shown: float
    alt: str
    drawn: bool

    def is_sharp(self):
        """Return whether it has a pixel for each of the screen."""
        return self.drawn or self.natural >= SHARP * PIXELS * self.shown > 0


def pictures(student):
    """Return the Pictures that a notebook shows."""
    found = student.cells().evaluate_all(PICTURES)
    return [Picture(**one | {"cell": student.ids[one["cell"]]}) for one in found]


def too_wide(student):
    """Return a sentence for each part of a notebook that is wider than its room, and so scrolls or is cut."""
    parts = student.cells().evaluate_all(WIDE)
    inside = [f"{student.ids[part['cell']]}: {part['part']} is {part['width']} wide, in {part['room']}" for part in parts]
    return inside + student.page.evaluate(SCROLLS)


def photographed(student, folder, last=None):
    """Save screenshots of a notebook from its top to its end, or to the cell `last`, named after the cell at the top of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    panel = student.page.locator(".jp-WindowedPanel-outer")
    height, whole = panel.evaluate("panel => [panel.clientHeight, panel.scrollHeight]")
    for number, top in enumerate(range(0, whole, height - OVERLAP)):
        first = panel.evaluate(SCROLLED, top)
        if first < 0 or (last and student.ids.index(last) < first):
            return
        student.page.screenshot(path=folder / f"{number:02}-{student.ids[first]}.png")
