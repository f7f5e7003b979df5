"""Text of figures: laid out once, in lines that fit, on pages of a size that can be opened."""

from __future__ import annotations

import base64
import io
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.textpath import TextToPath
from PIL import Image

from trialpool.figures import lettering, style, svg_text, writing
from trialpool.figures.lettering import font, look, shortened, width, wrap
from trialpool.figures.outlines import OUTLINES, Outlines

WORDS = st.lists(
    st.sampled_from(["a", "trials", "heterogeneity", "k = 3:", "95 % CI", "v midazolam", "0.71"]),
    max_size=25,
)
# What stays on one line.
UNBROKEN = ("a", "trials", "heterogeneity", "k = 3:", "95 %", "CI", "v", "midazolam", "0.71")


@pytest.mark.parametrize("text", ["gap, fi", "AVATAR  ", "  x", "→ τ² −0.5", " ", "…"])
@pytest.mark.parametrize(("weight", "slant"), [("normal", "normal"), ("bold", "italic")])
def test_a_line_has_the_extent_and_outline_that_matplotlib_gives_it(
    text: str, weight: str, slant: str
) -> None:
    """Kerning, blanks at the ends, letters below the line, and a second face."""
    prop, theirs = font(style.SMALL, weight, slant), TextToPath()
    assert OUTLINES.get_text_width_height_descent(
        text, prop
    ) == theirs.get_text_width_height_descent(text, prop, ismath=False)
    expected, _ = theirs.get_text_path(prop, text)
    assert np.array_equal(OUTLINES.get_text_path(prop, text)[0], np.reshape(expected, (-1, 2)))


@settings(deadline=None, max_examples=60)
@given(words=WORDS, limit=st.floats(75, 300))
def test_lines_are_as_long_as_fits(words: list[str], limit: float) -> None:
    """No line is too wide, no word is lost, and the next word never had room."""
    text = " ".join(words)
    lines = wrap(text, limit, style.BODY)
    assert " ".join(lines) == text
    for line, after in pairwise(lines):
        first = next(word for word in UNBROKEN if after.startswith(word))
        assert width(line, style.BODY) <= limit < width(f"{line} {first}", style.BODY)


@pytest.mark.parametrize(
    ("text", "lines"), [("", [""]), ("a  b", ["a", "b"]), ("one\ntwo", ["one", "two"])]
)
def test_no_line_begins_with_a_space(text: str, lines: list[str]) -> None:
    assert wrap(text, width("one", style.BODY) if "\n" in text else 6.0, style.BODY) == lines


def lettered(words: str) -> Figure:
    with style.context():
        figure = Figure(figsize=(2, 1), facecolor=style.PAPER)
        figure.text(0.1, 0.5, words, **look())
    return figure


def test_a_text_is_laid_out_once_for_all_that_draw_it(tmp_path: Path) -> None:
    """To lay out text was most of the time of a figure: three formats, two times each."""
    before = Outlines._line.cache_info().misses
    for kind in ("svg", "png", "svg"):
        style.save(lettered("Laid out in no other test"), [tmp_path / f"figure.{kind}"])
    assert Outlines._line.cache_info().misses == before + 1


@pytest.mark.parametrize(("pixels", "dpi"), [(300 * 600, 300), (300 * 600 - 1, 299)])
def test_a_page_too_large_for_300_dpi_gets_fewer(
    pixels: int, dpi: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_PIXELS", pixels)
    style.save(lettered("two inches by one"), [tmp_path / "figure.png"])
    with Image.open(tmp_path / "figure.png") as image:
        assert image.size == (2 * dpi, dpi)
        assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)
        assert set(image.info) == {"dpi"}


def test_a_users_settings_are_left_as_they_were() -> None:
    """And they do not reach a figure."""
    with mpl.rc_context({"axes.linewidth": 7.0}):
        with style.context():
            assert mpl.rcParams["axes.linewidth"] == mpl.rcParamsDefault["axes.linewidth"]
            assert mpl.rcParams["svg.hashsalt"] == "trialpool"
        assert mpl.rcParams["axes.linewidth"] == 7.0


def svg_of(words: str, tmp_path: Path, name: str = "figure", **look_of: Any) -> str:
    with style.context():
        figure = Figure(figsize=(2, 1), facecolor=style.PAPER)
        figure.text(0.1, 0.5, words, **look(**look_of))
    style.save(figure, [tmp_path / f"{name}.svg"], "What is <seen> & how")
    return (tmp_path / f"{name}.svg").read_text("utf-8")


def faces_in(svg: str) -> list[TTFont]:
    data = re.findall(r"data:font/ttf;base64,([^)]+)\)", svg)
    return [TTFont(io.BytesIO(base64.b64decode(one))) for one in data]


def test_an_svg_has_real_text_a_title_and_the_letters_it_needs(tmp_path: Path) -> None:
    svg = svg_of("τ² < 0.3 & more", tmp_path, weight="bold")
    root = ElementTree.fromstring(svg)
    name = "{http://www.w3.org/2000/svg}"
    assert [line.text for line in root.iter(f"{name}text")] == ["τ² < 0.3 & more"]
    assert root.get("role") == "img"
    title, desc = (root.find(f"{name}{tag}") for tag in ("title", "desc"))
    assert title is not None
    assert desc is not None
    assert (title.text, desc.text) == ("τ² < 0.3 & more", "What is <seen> & how")
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    (face,) = faces_in(svg)
    # Its own letters and all of ASCII, no others.
    assert set(face.getBestCmap()) == {*map(ord, "τ²"), *range(0x20, 0x7F)}
    assert "sans-serif" in svg
    assert "font-weight: 700" in svg


def test_a_reader_without_the_font_sets_each_line_as_long(tmp_path: Path) -> None:
    svg = svg_of("Trials", tmp_path)
    (length,) = re.findall(r'textLength="([\d.]+)"', svg)
    assert float(length) == pytest.approx(width("Trials", style.SMALL), abs=0.01)


def test_an_svg_is_the_same_bytes_twice(tmp_path: Path) -> None:
    first = svg_of("The same", tmp_path)
    svg_text.embedded.cache_clear()
    assert svg_of("The same", tmp_path, "again") == first


def test_figures_on_one_page_do_not_share_a_font_name(tmp_path: Path) -> None:
    """Each has its own letters: under one name the second would lack what the first left out."""
    names = {
        re.findall(r"font-family: (trialpool-\w+)", svg_of(words, tmp_path))[0]
        for words in ("abc τ", "abc ²")
    }
    assert len(names) == 2


def test_a_pdf_embeds_truetype(tmp_path: Path) -> None:
    style.save(lettered("Trials"), [tmp_path / "figure.pdf"])
    data = (tmp_path / "figure.pdf").read_bytes()
    assert b"/FontFile2" in data
    assert b"/Type3" not in data


@pytest.mark.parametrize("text", ["trial of a drug " * 125, "x" * 2000])
def test_to_wrap_takes_time_in_proportion_to_the_text(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line measured all that was left: 17 s for a label of 2,000 letters."""
    measured = 0

    def counted(line: str, *look_of: object) -> float:
        nonlocal measured
        measured += len(line)
        return 4.0 * len(line)

    monkeypatch.setattr(lettering, "width", counted)
    lettering.wrap(text, 165.0, style.BODY)
    assert measured < 12 * len(text)


@pytest.mark.parametrize(("letters", "shown"), [(240, 240), (241, 240)])
def test_a_label_beyond_the_limit_ends_in_an_ellipsis(letters: int, shown: int) -> None:
    cut = shortened("y" * letters, 240)
    assert len(cut) == shown
    assert cut.endswith("…") == (letters > 240)
