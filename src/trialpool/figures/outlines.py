"""Text as outlines: each line is laid out once, whatever measures it and whatever draws it.

Matplotlib lays a text out anew for every format, and twice for each: to measure it and to draw it.
That was most of the time of a figure of many words and few marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from trialpool.results import Array

LINES = 20_000  # remembered at most; a forest plot of 500 trials has 5,000


class _Font(NamedTuple):
    """What tells fonts apart. Those of artists are copies, and slow to compare."""

    families: tuple[str, ...]
    size: float
    weight: Any
    slant: Any

    @classmethod
    def of(cls, prop: FontProperties) -> _Font:
        families, size = tuple(prop.get_family()), prop.get_size_in_points()
        return cls(families, size, prop.get_weight(), prop.get_style())

    @property
    def prop(self) -> FontProperties:
        return FontProperties(
            family=list(self.families), size=self.size, weight=self.weight, style=self.slant
        )


_plain: Any = TextToPath  # its stubs lack what a subclass needs


class Outlines(_plain):  # type: ignore[misc]
    """Matplotlib's outlines of text with a memory; plain lines only, as the figures have them."""

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any = False
    ) -> tuple[float, float, float]:
        """Extent of a line, in points."""
        wide, high, deep = self._extent(s, _Font.of(prop))
        return wide, high, deep

    def get_glyphs_with_font(
        self,
        font: Any,
        s: str,
        glyph_map: Mapping[str, Any] | None = None,
        return_new_glyphs_only: bool = False,
        **_: Any,
    ) -> tuple[list[Any], Mapping[str, Any], list[Any]]:
        """Where each letter stands in a line, and the outlines of those not in `glyph_map`."""
        placed, shapes = self._letters(s, font)
        known = glyph_map or {}
        new = {name: shape for name, shape in shapes.items() if name not in known}
        return placed, new if return_new_glyphs_only else {**known, **new}, []

    def get_text_path(
        self, prop: FontProperties, s: str, ismath: Any = False, **_: Any
    ) -> tuple[Array, Array]:
        """The outline of a line, at FONT_SCALE."""
        placed, shapes = self._letters(s, self._get_font(prop))
        parts = [shapes[name][0] * scale + (x, y) for name, x, y, scale in placed]
        codes = [shapes[name][1] for name, *_ in placed]
        return np.concatenate([np.empty((0, 2)), *parts]), np.concatenate([np.empty(0), *codes])

    def _get_font(self, prop: FontProperties) -> Any:
        font = self._face(_Font.of(prop))
        font.set_size(self.FONT_SCALE, self.DPI)  # who else draws with it has another size
        return font

    @lru_cache(LINES)  # noqa: B019 - there is one
    def _extent(self, line: str, font: _Font) -> tuple[float, float, float]:
        wide, high, deep = super().get_text_width_height_descent(line, font.prop, ismath=False)
        return wide, high, deep

    @lru_cache(LINES)  # noqa: B019 - there is one
    def _letters(self, line: str, font: Any) -> tuple[list[Any], dict[str, Any]]:
        placed, shapes, _ = super().get_glyphs_with_font(font, line)
        return placed, shapes

    @lru_cache(LINES)  # noqa: B019 - there is one
    def _face(self, font: _Font) -> Any:
        return super()._get_font(font.prop)


OUTLINES = Outlines()
