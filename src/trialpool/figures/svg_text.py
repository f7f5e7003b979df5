"""SVG with real text: searchable, read aloud, and set in letters that the file brings along.

Each face is embedded once, with the letters that the figure uses and those of ASCII. Its name holds
a digest of its bytes, so figures on one page do not take each other's letters. A reader that
refuses embedded fonts takes its own sans-serif; every line states its length, so the layout stays.
"""
# mypy: disable-error-code="no-untyped-call,no-untyped-def"

from __future__ import annotations

import base64
import hashlib
import io
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.colors import to_hex

from trialpool.figures.outlines import OUTLINES

# Always embedded: figures then differ in few letters, and one subset serves many of them.
_PLAIN = frozenset(map(chr, range(0x20, 0x7F)))
_DROPPED = ["FFTM", "GDEF", "GSUB", "MATH", "gasp"]


@lru_cache(maxsize=256)
def embedded(path: str, letters: str) -> bytes:
    """The face in the file `path` with these letters, as TrueType; the same bytes each time.

    Not WOFF: its compression hangs on the machine's zlib.
    """
    options = subset.Options(
        layout_features=["kern"],
        hinting=False,
        name_IDs=[],
        bidi_closure=False,
        drop_tables=[*subset.Options._drop_tables_default, *_DROPPED],
    )
    face = TTFont(path, recalcTimestamp=False, lazy=True)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=letters)
    subsetter.subset(face)
    stream = io.BytesIO()
    face.save(stream)
    return stream.getvalue()


class SvgText(RendererSVG):
    """Matplotlib's SVG renderer, but a text is a `text` of a class that stands for its face."""

    def __init__(self, *place: Any, **options: Any) -> None:
        super().__init__(*place, **options)
        self._text2path = OUTLINES
        self._letters: dict[str, set[str]] = {}
        self._lines: list[tuple[float, str]] = []

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None) -> None:
        """Write one line, its baseline's left end at (x, y) in points."""
        if not s.strip():
            return
        path, size = font_manager.findfont(prop), prop.get_size_in_points()
        self._letters.setdefault(path, set()).update(s)
        self._lines.append((size, s))
        length = OUTLINES.get_text_width_height_descent(s, prop)[0]
        face = list(self._letters).index(path)
        turned = {"transform": f"rotate({-angle:g} {x:.2f} {y:.2f})"} if angle else {}
        colour = gc.get_rgb()
        self.writer.element(
            "text",
            s,
            attrib={
                "class": f"f{face}",
                "x": f"{x:.2f}",
                "y": f"{y:.2f}",
                "font-size": f"{size:g}",
                "fill": to_hex(colour),
                "textLength": f"{length:.2f}",
                "lengthAdjust": "spacingAndGlyphs",
                **({"opacity": f"{colour[3]:g}"} if colour[3] != 1 else {}),
                **turned,
            },
        )

    def heading(self) -> str:
        """The text in the largest letters: the title of the figure."""
        largest = max((size for size, _ in self._lines), default=0.0)
        return " ".join(line for size, line in self._lines if size == largest)

    def faces(self) -> str:
        """The style sheet: each face as a data URI, and the class of the texts set in it."""
        rules = []
        for face, (path, letters) in enumerate(self._letters.items()):
            data = embedded(path, "".join(sorted(letters | _PLAIN)))
            name = f"trialpool-{hashlib.sha256(data).hexdigest()[:8]}"
            entry = font_manager.get_font(path)
            weight = 700 if "Bold" in entry.style_name else 400
            slant = "italic" if "Oblique" in entry.style_name else "normal"
            address = f"data:font/ttf;base64,{base64.b64encode(data).decode()}"
            rules.append(
                f"@font-face {{font-family: {name}; src: url({address}); "
                f"font-weight: {weight}; font-style: {slant}}}\n"
                f".f{face} {{font-family: {name}, sans-serif; font-weight: {weight}; "
                f"font-style: {slant}; white-space: pre}}"
            )
        return "\n".join(rules)


def with_words(svg: str, heading: str, description: str, sheet: str) -> str:
    """The SVG with its title, description and style sheet before all else."""
    key = hashlib.sha256(f"{heading}\n{description}".encode()).hexdigest()[:8]
    title, desc = f"title-{key}", f"desc-{key}"
    start = svg.index("<svg")
    end = svg.index(">", start)
    words = (
        f' role="img" aria-labelledby="{title} {desc}">\n'
        f' <title id="{title}">{escape(heading)}</title>\n'
        f' <desc id="{desc}">{escape(description)}</desc>\n'
        f" <style>\n{sheet}\n </style>"
    )
    return svg[:end] + words + svg[end + 1 :]
