"""The colours of the page, computed: nobody has to squint, in the light or in the dark."""

from __future__ import annotations

import re

import pytest

from perf.report.html import style

TEXTS = ("ink", "muted", "met", "missed", "inconclusive", "better")


def colours(rules):
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", rules))


def schemes():
    light, rest = style().split("@media (prefers-color-scheme: dark)")
    printed = rest.split("@media print")[1]
    return {
        "light": colours(light),
        "dark": colours(rest.split("}\n}")[0]),
        "print": colours(printed),
    }


def luminance(colour):
    """Return the relative luminance of WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_gives_the_known_extremes():
    """Black on white is 21:1 and a colour on itself 1:1, as WCAG defines them."""
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#57606a", "#57606a") == 1


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
@pytest.mark.parametrize("text", TEXTS)
def test_text_stands_out_from_the_page(scheme, text):
    """Every text colour has a contrast of 6:1 to the page."""
    held = schemes()[scheme]
    assert contrast(held[text], held["page"]) >= 6


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("text", TEXTS)
def test_text_stays_readable_on_the_row_under_the_pointer(scheme, text):
    """On the tint of a pointed-at row every text colour keeps the 4.5:1 of WCAG AA."""
    held = schemes()[scheme]
    assert contrast(held[text], held["soft"]) >= 4.5


def test_the_colours_are_the_agreed_ones():
    """Light and dark use the palette of the report's rules."""
    assert schemes()["light"]["missed"] == "#b3261e"
    assert schemes()["dark"]["missed"] == "#ff8a80"
