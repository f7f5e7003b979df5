"""Text measured with the renderer's own metrics, and text broken into lines that fit.

The measure is the one the SVG writer uses: unhinted, so that a layout computed from it is the
same at every resolution.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from matplotlib.font_manager import FontProperties

from trialpool.figures import style
from trialpool.figures.outlines import OUTLINES

# No line ends between a sign and its number: "k = 3", "95 % CI", "p < 0.001".
_BREAK = re.compile(r"(?<![=<>≤≥]) (?![=<>≤≥%])")


@lru_cache(maxsize=256)
def font(size: float, weight: str = "normal", slant: str = "normal") -> FontProperties:
    """The house font; `slant` is normal or italic."""
    return FontProperties(family=[style.FONT], size=size, weight=weight, style=slant)  # type: ignore[arg-type]


def look(
    colour: str = style.INK,
    size: float = style.SMALL,
    weight: str = "normal",
    slant: str = "normal",
) -> dict[str, Any]:
    """Colour and font of a text, as the options of an artist."""
    return {"color": colour, "fontproperties": font(size, weight, slant)}


@lru_cache(maxsize=8192)
def width(text: str, size: float, weight: str = "normal", slant: str = "normal") -> float:
    """Width of one line of text, in points."""
    if not text:
        return 0.0
    prop = font(size, weight, slant)
    return OUTLINES.get_text_width_height_descent(text, prop)[0]


def widest(
    lines: Iterable[str], size: float, weight: str = "normal", slant: str = "normal"
) -> float:
    """Width of the widest line, in points; 0 without lines."""
    return max((width(line, size, weight, slant) for line in lines), default=0.0)


def wrap(
    text: str, limit: float, size: float, weight: str = "normal", slant: str = "normal"
) -> list[str]:
    """Break text into lines no wider than `limit` points.

    A word wider than the limit (an address, a registry number) is broken inside; a newline
    always ends a line.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        words = _BREAK.split(paragraph.strip())
        while words:
            while not words[0] and len(words) > 1:
                del words[0]  # no line begins with a space
            fitting = _fitting(words, limit, size, weight, slant)
            if not fitting:
                cut = _longest(words[0], limit, size, weight, slant)
                lines.append(words[0][:cut].rstrip())
                words[0] = words[0][cut:].lstrip()
                continue
            lines.append(" ".join(words[:fitting]))
            del words[:fitting]
    return lines


def _fitting(words: list[str], limit: float, size: float, weight: str, slant: str) -> int:
    """How many words make a line within the limit; one character is never too wide.

    To measure is slow, so the first guess is that all characters are alike.
    """
    whole = " ".join(words)
    wide = width(whole, size, weight, slant)
    if wide <= limit:
        return len(words)

    def fits(n: int) -> bool:
        return n == 0 or width(" ".join(words[:n]), size, weight, slant) <= limit

    n = whole.count(" ", 0, int(len(whole) * limit / wide))
    n = min(n, len(words) - 1)
    while not fits(n):
        n -= 1
    while n + 1 < len(words) and fits(n + 1):
        n += 1
    return n or int(len(words[0]) <= 1)


def _longest(word: str, limit: float, size: float, weight: str, slant: str) -> int:
    cut = len(word) - 1
    while cut > 1 and width(word[:cut], size, weight, slant) > limit:
        cut -= 1
    seam = max(word.rfind(sign, 0, cut) for sign in "-/.;,") + 1
    return seam if seam > cut // 3 else cut
