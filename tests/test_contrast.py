"""Text on the pages can be read in light and dark: its contrast is what WCAG 2.1 asks of small text (success criterion 1.4.3)."""

import re

import pytest
from helpers.places import ROOT

ENOUGH = 4.5
# By file: the pairs of colours, by their names, that text and what lies behind it have there.
INSTRUCTOR = ROOT / "cs231n" / "instructor"
PAGES = {
    INSTRUCTOR / "marking" / "page" / "mark.css": [
        *((text, ground) for text in ("ink", "quiet", "accent", "bad", "good") for ground in ("paper", "panel")),
        *(("ink", ground) for ground in ("chosen", "notice", "ins", "del")),
        ("quiet", "notice"),
        ("on-accent", "accent"),
    ],
    INSTRUCTOR / "reports" / "templates" / "base.html": [
        *((text, ground) for text in ("text", "quiet", "link", "good", "bad") for ground in ("page", "soft")),
        *(("text", ground) for ground in ("note", "here")),
        ("quiet", "note"),
    ],
}


def luminance(colour):
    """Return the relative luminance, in [0, 1], of a colour such as #1c2229 or #fff."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    values = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def themes(style):
    """Return the colours by name of each theme that a style has: light, then dark, where what is not named stays."""
    found = [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-fA-F]{3,6})\b", block)) for block in re.findall(r":root\s*{([^}]*)}", style)]
    return {"light": found[0], "dark": found[0] | found[1]}


def test_black_on_white_has_the_greatest_contrast_and_grey_on_grey_none():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777") == 1
    assert contrast("#777", "#fff") < ENOUGH < contrast("#767676", "#fff")  # the pair that WCAG's own authors quote


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_all_text_is_set_off_from_what_lies_behind_it(page, theme):
    colours = themes(page.read_text(encoding="utf-8"))[theme]
    too_faint = {pair: contrast(*map(colours.get, pair)) for pair in PAGES[page]}
    assert {pair: round(found, 2) for pair, found in too_faint.items() if found < ENOUGH} == {}
