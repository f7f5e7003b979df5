"""The look of every figure: colours, sizes, fonts, number formats, and how a figure is written.

Colours are after Okabe & Ito 2008 (colour universal design), darkened or lightened until their
greys differ; nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialpool.words import fixed, minus, p_value, ratio, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["fixed", "minus", "p_value", "ratio", "significant"]  # numbers as on the pages

FONT = "DejaVu Sans"

# Colours
INK = "#1C1C1C"
MUTED = "#636363"
RULE = "#8C8C8C"
HAIRLINE = "#C8C8C8"
PAPER = "#FFFFFF"
EFFECT = "#6FA8D6"
SUMMARY = "#0B4F83"
PREDICTION = "#B4521E"
MARKED = PREDICTION  # a trial or a row that stands out
BAND = "#E3ECF4"  # the result others are held against
# of a funnel, from no effect outwards: the paler, the smaller p
ZONES = ("#FFFFFF", "#CBD3DA", "#DFE5EA", "#F0F3F5")
# judgement -> (fill, colour of the sign, sign, words); the sign carries it in greyscale
JUDGEMENTS: dict[str, tuple[str, str, str, str]] = {
    "low": ("#3B9B7A", PAPER, "+", "low"),
    "some_concerns": ("#F2CF5B", INK, "–", "some concerns"),
    "high": ("#C23B22", PAPER, "×", "high"),
    "no_information": ("#D3D9DF", INK, "?", "no information"),
}

# Sizes, in points
TITLE = 11.0
SUBTITLE = 8.5
BODY = 8.0
SMALL = 7.25
MARK = 6.0  # print takes no smaller letters
MARGIN = 12.0
LINE_HEIGHT = 1.32  # of the font size
CAP_MIDDLE = 0.365  # half of DejaVu's cap height: lifts a baseline to the middle of a line

THIN = 0.6
DASHES = (0, (3, 2.5))
MEDIUM = 1.0

RC: Any = {
    "font.family": [FONT],
    "font.size": BODY,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a label is a dollar sign
    "text.usetex": False,
    "axes.unicode_minus": True,
    "figure.dpi": 100.0,
    "savefig.bbox": None,
    "text.hinting": "no_hinting",  # else horizontal strokes are fattened in a bitmap
    "svg.hashsalt": "trialpool",
    "pdf.fonttype": 42,  # TrueType: many journals refuse Type 3
    "pdf.compression": 6,
    "path.simplify": False,
}


@contextmanager
def context() -> Iterator[None]:
    """Matplotlib's defaults plus the house settings, whatever a user's matplotlibrc says."""
    import matplotlib as mpl  # slow to import, and the pages need only colours and number formats

    with mpl.rc_context():
        # Checked once; after that as matplotlib itself takes settings back, or each figure would
        # check three hundred of them twice.
        settings: Any = mpl.rcParams
        dict.update(settings, _settings())
        yield


@lru_cache
def _settings() -> dict[str, Any]:
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        settings: Any = mpl.rcParams
        return dict(settings)


def save(fig: Figure, paths: Iterable[str | Path], description: str = "") -> None:
    """Write a figure to each path, in the format of its suffix, with the same bytes every time.

    Parameters
    ----------
    fig : the figure
    paths : files ending in .svg, .png (300 dpi) or .pdf; their folder must exist
    description : what a reader sees in it, for who hears an SVG; its title where there is none

    Raises
    ------
    ValueError
        if a suffix is none of the three
    """
    from trialpool.figures.writing import WRITERS  # slow to import, as above

    targets = [Path(path) for path in paths]
    for target in targets:
        if target.suffix not in WRITERS:
            raise ValueError(f"{target}: suffix must be .svg, .png or .pdf")
    with context():
        for target in targets:
            try:
                WRITERS[target.suffix](fig, target, description)
            except OSError:
                target.unlink(missing_ok=True)  # a full disk leaves half a figure
                raise
