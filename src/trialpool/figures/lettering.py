"""Text measured with the renderer's own metrics, and text broken into lines that fit.

The measure is the one the SVG writer uses: unhinted, so that a layout computed from it is the
same at every resolution.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
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
    look_of = (size, weight, slant)
    for paragraph in text.split("\n"):
        words = _BREAK.split(paragraph.strip())
        start = 0
        while start < len(words):
            while not words[start] and start + 1 < len(words):
                start += 1  # no line begins with a space
            fitting = _fitting(words, start, limit, look_of)
            if not fitting:
                cut = _longest(words[start], limit, look_of)
                lines.append(words[start][:cut].rstrip())
                words[start] = words[start][cut:].lstrip()
                continue
            lines.append(" ".join(words[start : start + fitting]))
            start += fitting
    return lines


def shortened(text: str, most: int) -> str:
    """Text of at most `most` characters, an ellipsis in place of what is cut."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _letters_within(text: str, limit: float, look_of: tuple[float, str, str]) -> int:
    """How many letters, set one by one, stay within the limit; looks no further than that."""
    x = 0.0
    for count, letter in enumerate(text):
        x += width(letter, *look_of)
        if x > limit:
            return count
    return len(text)


def _fitting(words: list[str], start: int, limit: float, look_of: tuple[float, str, str]) -> int:
    """How many words from `start` on make a line within the limit; one letter is never too wide.

    What follows the line is not looked at: to measure all that is left for each line takes time
    in proportion to the square of the text. Single letters are the first guess, since kerning
    moves a line by a word at most.
    """
    room, count = limit, 0
    for word in islice(words, start, None):
        if _letters_within(word, room, look_of) < len(word):
            break
        room -= math.fsum(width(letter, *look_of) for letter in f"{word} ")
        count += 1

    def fits(n: int) -> bool:
        # A word far beyond the limit is not measured again for each line cut from it.
        far = _letters_within(words[start + n - 1], 2 * limit, look_of)
        line = words[start : start + n]
        return far == len(line[-1]) and width(" ".join(line), *look_of) <= limit

    while count and not fits(count):
        count -= 1
    while start + count < len(words) and fits(count + 1):
        count += 1
    return count or int(len(words[start]) <= 1)


def _longest(word: str, limit: float, look_of: tuple[float, str, str]) -> int:
    cut = min(max(_letters_within(word, limit, look_of), 1), len(word) - 1)
    while cut > 1 and width(word[:cut], *look_of) > limit:
        cut -= 1
    while cut + 1 < len(word) and width(word[: cut + 1], *look_of) <= limit:
        cut += 1
    seam = max(word.rfind(sign, 0, cut) for sign in "-/.;,") + 1
    return seam if seam > cut // 3 else cut
