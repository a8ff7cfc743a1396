import base64
import io
import re

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from PIL import Image

from cs231n import figures
from cs231n.figures import Content

ELEMENT = re.compile(r'<img class="figure" src="data:image/webp;base64,([^"]+)" width="(\d+)" alt="([^"]*)" style="([^"]*)">')


@pytest.fixture
def displayed(monkeypatch):
    """What is shown, as {MIME type: content}."""
    bundles = []
    monkeypatch.setattr(figures, "display", lambda shown: bundles.append(DisplayFormatter().format(shown)[0]))
    return bundles


def noise(inches=(10, 3)):
    figure = Figure(figsize=inches)
    figure.add_axes((0, 0, 1, 1)).imshow(np.random.default_rng(0).random((150, 500, 3)), interpolation="bicubic")
    return figure


@pytest.mark.parametrize("content", Content)
@pytest.mark.parametrize("inches", [(10, 3), (4.8, 4.8)])
def test_a_figure_has_twice_the_pixels_that_it_is_shown_with(displayed, content, inches):
    figures.show(noise(inches), "noise", content)
    encoded, width, _, style = ELEMENT.fullmatch(displayed[0]["text/html"]).groups()
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
        assert picture.width >= 1.9 * int(width)
    assert int(width) == pytest.approx(100 * inches[0])
    assert "max-width: 100%" in style  # of a narrow page


def test_the_description_is_the_alternative_text_and_what_a_terminal_shows(displayed):
    figures.show(noise(), 'a "yurt" & <b>a violin</b>')
    assert ELEMENT.fullmatch(displayed[0]["text/html"])[3] == "a &quot;yurt&quot; &amp; &lt;b&gt;a violin&lt;/b&gt;"
    assert displayed[0]["text/plain"] == 'a "yurt" & <b>a violin</b>'


def test_where_there_are_no_pictures_the_description_is_printed(capsys):
    figures.show(noise(), "noise, in all colours")
    assert capsys.readouterr().out == "noise, in all colours\n"


def test_lines_keep_every_pixel_and_noise_becomes_small():
    exact = io.BytesIO()
    noise().savefig(exact, format="png", dpi=200)
    pixels = np.asarray(Image.open(exact).convert("RGB"))
    lines, photograph = (figures.encoded(noise(), content) for content in (Content.LINES, Content.PHOTOGRAPHS))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(lines)).convert("RGB")), pixels)
    assert len(photograph) < len(exact.getvalue()) / 2
    difference = np.asarray(Image.open(io.BytesIO(photograph)).convert("RGB"), float) - pixels
    assert np.abs(difference).mean() < 12  # of 255


def test_a_figure_is_an_opaque_card_which_both_themes_show(displayed):
    figures.show(Figure(figsize=(3, 3)), "nothing")
    encoded = ELEMENT.fullmatch(displayed[0]["text/html"])[1]
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")).min() > 250


def test_what_shows_no_html_gets_a_small_jpeg():
    picture = figures.encoded(Figure(figsize=(10, 4), facecolor="lime"), figures.Content.PHOTOGRAPHS)
    image = Image.open(io.BytesIO(figures.preview(picture)))
    assert (image.format, image.size) == ("JPEG", (400, 160))
