"""How a figure becomes a file: matplotlib's renderers on one layout of the text.

Every field a writer would fill by itself (dates, versions) is switched off.
"""
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_pdf import PdfFile, RendererPdf
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL import Image

from trialpool.figures.outlines import OUTLINES
from trialpool.figures.svg_text import SvgText, with_words

POINTS = 72  # to the inch, in SVG and PDF
DPI = 300  # of PNG, on pages of up to
MOST_PIXELS = 60e6  # (forest plots of some 250 trials); larger ones get fewer


class _Agg(RendererAgg):
    """Letters are filled outlines: at 300 dpi nobody sees a difference from a rendered font."""

    def __init__(self, *size: Any) -> None:
        super().__init__(*size)
        self._text2path = OUTLINES

    draw_text = RendererBase.draw_text

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        wide, high, deep = OUTLINES.get_text_width_height_descent(s, prop)
        scale = self.dpi / POINTS
        return wide * scale, high * scale, deep * scale


class _Pdf(RendererPdf):
    """Letters stay letters, so that the text can be searched and copied."""

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        return OUTLINES.get_text_width_height_descent(s, prop)


@contextmanager
def _at(fig: Figure, dpi: float) -> Iterator[None]:
    before = fig.dpi
    fig.set_dpi(dpi)
    try:
        yield
    finally:
        fig.set_dpi(before)


def svg(fig: Figure, target: Path, description: str) -> None:
    """Write SVG, its text as text with the letters embedded; titled for a screen reader."""
    width, height = fig.get_size_inches() * POINTS
    blank = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    stream = io.StringIO()
    with _at(fig, POINTS):
        renderer = SvgText(width, height, stream, metadata=blank)
        fig.draw(renderer)
        renderer.finalize()
    heading = renderer.heading()
    whole = with_words(stream.getvalue(), heading, description or heading, renderer.faces())
    target.write_text(whole, encoding="utf-8", newline="\n")


def png(fig: Figure, target: Path, _: str) -> None:
    """Write PNG at 300 dpi, or at fewer where that would be too many pixels."""
    width, height = fig.get_size_inches().tolist()
    dpi = min(DPI, int(math.sqrt(MOST_PIXELS / (width * height))))
    with _at(fig, dpi):
        renderer = _Agg(int(width * dpi), int(height * dpi), dpi)
        fig.draw(renderer)
    # Paper is opaque. The fastest compression: a fifth of the time of the default, 2 % more bytes.
    image = Image.fromarray(np.asarray(renderer.buffer_rgba())).convert("RGB")
    image.save(target, "png", compress_level=1, dpi=(dpi, dpi))


def pdf(fig: Figure, target: Path, _: str) -> None:
    """Write PDF."""
    width, height = fig.get_size_inches()
    blank = dict.fromkeys(("Creator", "Producer", "CreationDate", "ModDate"))
    file = PdfFile(target, metadata=blank)
    try:
        file.newPage(width, height)
        with _at(fig, POINTS):
            renderer = _Pdf(file, POINTS, height, width)
            fig.draw(renderer)
        renderer.finalize()
        file.finalize()
    finally:
        file.close()


WRITERS: Mapping[str, Callable[[Figure, Path, str], None]] = {".svg": svg, ".png": png, ".pdf": pdf}
