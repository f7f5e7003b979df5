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
from matplotlib.textpath import text_to_path

from trialpool.figures import style

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
    advance, _, _ = text_to_path.get_text_width_height_descent(text, prop, ismath=False)
    return float(advance)


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
        line = ""
        for whole in _BREAK.split(paragraph.strip()):
            word = whole
            trial = f"{line} {word}" if line else word
            if width(trial, size, weight, slant) <= limit:
                line = trial
                continue
            if line:
                lines.append(line)
            while width(word, size, weight, slant) > limit and len(word) > 1:
                cut = _longest(word, limit, size, weight, slant)
                lines.append(word[:cut].rstrip())
                word = word[cut:].lstrip()
            line = word
        lines.append(line)
    return lines


def _longest(word: str, limit: float, size: float, weight: str, slant: str) -> int:
    cut = len(word) - 1
    while cut > 1 and width(word[:cut], size, weight, slant) > limit:
        cut -= 1
    seam = max(word.rfind(sign, 0, cut) for sign in "-/.;,") + 1
    return seam if seam > cut // 3 else cut
