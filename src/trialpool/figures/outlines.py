"""Text as outlines: each line is laid out once, whatever measures it and whatever draws it.

Matplotlib lays a text out anew for every format, and twice for each: to measure it and to draw it.
Here a line is measured by where its letters stand, and each letter's outline is read once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib import _text_helpers
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import LoadFlags
from matplotlib.textpath import TextToPath

from trialpool.results import Array

LINES = 20_000  # remembered at most; a forest plot of 500 trials has 5,000
UNITS = 64  # of a letter, to the point


class _Glyph(NamedTuple):
    """A letter at FONT_SCALE: its name, its outline, how far it moves the pen, and its ends."""

    name: str
    outline: tuple[Array, Array]
    advance: float
    bottom: float
    top: float


class _LaidOut(NamedTuple):
    """A line at FONT_SCALE: where its letters stand, their outlines, and its extent."""

    placed: list[tuple[str, float, float, float]]
    shapes: dict[str, tuple[Array, Array]]
    extent: tuple[float, float, float]


_plain: Any = TextToPath  # its stubs lack what a subclass needs


class Outlines(_plain):  # type: ignore[misc]
    """Matplotlib's outlines of text with a memory; plain lines only, as the figures have them."""

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any = False
    ) -> tuple[float, float, float]:
        """Extent of a line, in points."""
        scale = prop.get_size_in_points() / self.FONT_SCALE
        wide, high, deep = self._line(s, self._get_font(prop)).extent
        return wide * scale, high * scale, deep * scale

    def get_glyphs_with_font(
        self,
        font: Any,
        s: str,
        glyph_map: Mapping[str, Any] | None = None,
        return_new_glyphs_only: bool = False,
        **_: Any,
    ) -> tuple[list[Any], Mapping[str, Any], list[Any]]:
        """Where each letter stands in a line, and the outlines of those not in `glyph_map`."""
        line, known = self._line(s, font), glyph_map or {}
        new = {name: shape for name, shape in line.shapes.items() if name not in known}
        return line.placed, new if return_new_glyphs_only else {**known, **new}, []

    def get_text_path(
        self, prop: FontProperties, s: str, ismath: Any = False, **_: Any
    ) -> tuple[Array, Array]:
        """The outline of a line, at FONT_SCALE."""
        line = self._line(s, self._get_font(prop))
        parts = [line.shapes[name][0] * scale + (x, y) for name, x, y, scale in line.placed]
        codes = [line.shapes[name][1] for name, *_ in line.placed]
        return np.concatenate([np.empty((0, 2)), *parts]), np.concatenate([np.empty(0), *codes])

    def _get_font(self, prop: FontProperties) -> Any:
        # Fonts of artists are copies, and slow to compare.
        font = self._face(tuple(prop.get_family()), prop.get_weight(), prop.get_style())
        font.set_size(self.FONT_SCALE, self.DPI)  # who else draws with it has another size
        return font

    @lru_cache(LINES)  # noqa: B019 - there is one
    def _line(self, line: str, font: Any) -> _LaidOut:
        # Since 3.11 where letters stand can be asked without loading each, which takes as long.
        if hasattr(font, "_layout"):
            items = font._layout(line, LoadFlags.NO_HINTING)
        else:
            items = list(_text_helpers.layout(line, font))
        letters = [self._letter(item.ft_object, item.glyph_index) for item in items]
        xs = [item.x for item in items]
        ys = [getattr(item, "y", 0.0) for item in items]  # none before 3.11
        wide = xs[-1] + letters[-1].advance if items else 0.0
        low = min((y + letter.bottom for y, letter in zip(ys, letters, strict=True)), default=0.0)
        top = max((y + letter.top for y, letter in zip(ys, letters, strict=True)), default=0.0)
        names = [letter.name for letter in letters]
        return _LaidOut(
            placed=[(name, x, y, 1.0) for name, x, y in zip(names, xs, ys, strict=True)],
            shapes={letter.name: letter.outline for letter in letters},
            extent=(wide, top - low, -low),
        )

    @lru_cache(LINES)  # noqa: B019 - there is one
    def _letter(self, font: Any, index: int) -> _Glyph:
        glyph = font.load_glyph(index, flags=LoadFlags.NO_HINTING)
        _, bottom, _, top = glyph.bbox
        advance, ends = glyph.horiAdvance / UNITS, (bottom / UNITS, top / UNITS)
        return _Glyph(f"{font.postscript_name}-{index:x}", font.get_path(), advance, *ends)

    @lru_cache  # noqa: B019 - there is one
    def _face(self, families: tuple[str, ...], weight: Any, slant: Any) -> Any:
        return super()._get_font(FontProperties(family=list(families), weight=weight, style=slant))


OUTLINES = Outlines()
