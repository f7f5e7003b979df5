"""What all charts share, by where it stands: sheet, axes, key, names, rows of intervals, marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from figure_checks import (
    PLAIN,
    RATIO,
    at,
    box,
    boxes,
    corners,
    labelled,
    look,
    outside,
    overlaps,
    path,
    paths,
    texts,
    ticks,
    word,
)
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle

from trialpool.effects.scales import IDENTITY, LOGIT
from trialpool.figures import chart, interval_rows, key, labels, style
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.interval_rows import IntervalTable, Row
from trialpool.figures.key import Entry
from trialpool.figures.lettering import width, wrap

STEP = style.LINE_HEIGHT  # of the size of the letters, from one line to the next


def blank(**options: Any) -> tuple[Figure, Axes]:
    with style.context():
        fig, (ax,) = chart.sheet("Title", "Subtitle", **options)
    return fig, ax


# -- sheet --------------------------------------------------------------------------------------


def test_a_sheet_has_its_words_above_its_panel() -> None:
    """Title and subtitle from the margins down, line by line; then the panel within its margins."""
    with style.context():
        fig, (ax,) = chart.sheet("Title", "words " * 25, height=200.0, margins=(70.0, 33.0))
    high = 72 * fig.get_figheight()
    lines = [t for t in texts(fig) if t.get_text().startswith("words ")]
    assert len(lines) == 2
    title = word(fig, "Title")
    assert at(title) == (style.MARGIN, round(high - style.MARGIN, 3))
    first = high - style.MARGIN - STEP * style.TITLE
    assert [at(line)[1] for line in lines] == pytest.approx(
        [first, first - STEP * style.SUBTITLE], abs=0.002
    )
    assert high == pytest.approx(
        200 + style.MARGIN + STEP * (style.TITLE + 2 * style.SUBTITLE) + 10
    )
    assert box(ax) == pytest.approx([70.0, chart.BOTTOM, chart.WIDTH - 33.0, 200.0])
    assert look(title) == ("left", "bold", "normal", style.INK)
    assert look(lines[0]) == ("left", "normal", "normal", style.MUTED)


def test_panels_share_the_width() -> None:
    """Each has the same margins within its part of the sheet."""
    with style.context():
        fig, axes = chart.sheet("Title", panels=2, height=100.0, margins=(40.0, 10.0))
    half = chart.WIDTH / 2
    assert box(axes[0])[::2] == pytest.approx([40.0, half - 10])
    assert box(axes[1])[::2] == pytest.approx([half + 40.0, 2 * half - 10])
    assert [a for a in ("left", "right", "top", "bottom") if axes[0].spines[a].get_visible()] == [
        "left",
        "bottom",
    ]
    assert outside(fig) == []


# -- axes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("along", ["x", "y"])
def test_effects_are_on_the_analysis_scale_and_labelled_as_shown(along: str) -> None:
    """Ticks of ratios stand at their logarithms; limits hold all values and no effect."""
    _, ax = blank()
    low, high = chart.effect_axis(ax, RATIO, [math.log(0.2), math.log(4)], along=along)
    limits = ax.get_xlim() if along == "x" else ax.get_ylim()
    assert limits == (low, high)
    span = math.log(4) - math.log(0.2)
    assert (low, high) == pytest.approx(
        (math.log(0.2) - 0.03 * span, math.log(4) + 0.03 * span), rel=1e-5
    )
    shown = [(round(math.exp(place), 6), label) for place, label in ticks(ax, along)]
    assert shown == [(0.2, "0.2"), (0.5, "0.5"), (1, "1"), (2, "2")]
    assert (ax.get_xlabel() if along == "x" else ax.get_ylabel()) == "Odds ratio"
    other = chart.effect_axis(ax, PLAIN, [-1.0, 2.0], along=along)
    assert other == pytest.approx((-1 - 0.03 * 3, 2 + 0.03 * 3))


def test_a_wide_interval_may_leave_the_axis_where_a_value_may_not() -> None:
    """Of three intervals one is twenty times as wide; a value as far out stretches the axis."""
    _, ax = blank()
    usual = [(0.0, -1.0, 1.0)] * 3
    _, high = chart.effect_axis(ax, PLAIN, [], intervals=[*usual, (0.0, -1.0, 20.0)])
    assert high == pytest.approx(3 + 0.03 * 4)
    assert chart.effect_axis(ax, PLAIN, [20.0], intervals=usual)[1] > 20


@pytest.mark.parametrize(
    ("top", "pad", "labels_shown"),
    [(10.0, 0.05, "0 2 4 6 8 10"), (0.5, 0.0, "0.0 0.1 0.2 0.3 0.4 0.5"),
     (3.0, 0.0, "0.0 0.5 1.0 1.5 2.0 2.5 3.0")],
)  # fmt: skip
@pytest.mark.parametrize("along", ["x", "y"])
def test_amounts_begin_at_nothing(top: float, pad: float, labels_shown: str, along: str) -> None:
    """From 0 to the top, free by `pad` at both ends; labels have equal decimals."""
    _, ax = blank()
    chart.from_zero(ax, top, along=along, pad=pad)
    limits = ax.get_xlim() if along == "x" else ax.get_ylim()
    assert limits == pytest.approx((-pad * top, (1 + pad) * top))
    shown = ticks(ax, along)
    assert " ".join(label for _, label in shown) == labels_shown
    assert [float(label) for _, label in shown] == pytest.approx([place for place, _ in shown])


def test_no_effect_has_a_line_across_the_other_axis() -> None:
    """At 0 of the analysis scale, over the whole panel or a part of it."""
    fig, ax = blank()
    chart.null_line(ax, PLAIN, end=0.8)
    chart.null_line(ax, PLAIN, along="y")
    assert paths(fig, "null") == [[(0, 0), (0, 0.8)], [(0, 0), (1, 0)]]


def test_where_nothing_is_compared_there_is_no_null_and_no_side() -> None:
    """Means of one group: no line, no words below the axis, limits about the values alone."""
    alone = EffectAxis(label="Mean", scale=IDENTITY, null=None, favours_left="", favours_right="")
    fig, ax = blank()
    chart.null_line(ax, alone)
    assert chart.effect_axis(ax, alone, [10.0, 14.0]) == pytest.approx((10 - 0.12, 14 + 0.12))
    chart.write_sides_upright(ax, alone)
    assert paths(fig, "null") == []
    assert not [t for t in texts(fig) if "←" in t.get_text() or "→" in t.get_text()]
    share = EffectAxis(label="Share", scale=LOGIT, null=None, favours_left="", favours_right="")
    low, high = chart.effect_axis(ax, share, [-1.0, 1.0])
    assert math.isfinite(low + high)
    shown = [float(label) for _, label in ticks(ax)]
    places = [place for place, _ in ticks(ax)]
    assert share.scaled(shown) == pytest.approx(places)
    assert low < -1 < 1 < high


def test_the_sides_are_named_at_the_ends_of_a_wide_axis() -> None:
    """Left and right edge of the panel, 36 points below it."""
    fig, ax = blank()
    chart.effect_axis(ax, PLAIN, [-1.0, 2.0])
    left, right = word(fig, "← for A"), word(fig, "for B →")
    x0, y0, x1, _ = box(ax)
    assert at(left) == pytest.approx((x0, y0 - 36), abs=0.002)
    assert at(right) == pytest.approx((x1, y0 - 36), abs=0.002)
    assert (look(left)[0], look(right)[0]) == ("left", "right")
    fig, ax = blank()
    chart.effect_axis(ax, PLAIN, [-1.0, 2.0], sides=False)
    assert not [t for t in texts(fig) if "for A" in t.get_text()]


@pytest.mark.parametrize(
    ("margins", "where"), [((200.0, 200.0), "middle"), ((380.0, 20.0), "edge")]
)
def test_the_sides_of_a_narrow_axis_stand_about_its_middle(
    margins: tuple[float, float], where: str
) -> None:
    """14 points apart, unless the paper ends there."""
    wordy = EffectAxis(
        label="",
        scale=IDENTITY,
        null=0.0,
        favours_left="favours the drug",
        favours_right="favours control",
    )
    fig, ax = blank(margins=margins)
    chart.effect_axis(ax, wordy, [-1.0, 2.0])
    one, other = "← favours the drug", "favours control →"
    start, end = at(word(fig, one))[0], at(word(fig, other))[0]
    both = width(one, style.SMALL) + width(other, style.SMALL) + chart.SIDES_GAP
    assert end - start == pytest.approx(both, abs=0.002)
    if where == "middle":
        assert (start + end) / 2 == pytest.approx(chart.WIDTH / 2, abs=0.002)
    else:
        assert end == pytest.approx(chart.WIDTH - style.MARGIN, abs=0.002)
    fig, ax = blank(margins=(20.0, 380.0))
    chart.effect_axis(ax, wordy, [-1.0, 2.0])
    assert at(word(fig, one))[0] == pytest.approx(style.MARGIN, abs=0.002)


@pytest.mark.parametrize(("height", "together"), [(324.0, True), (110.0, False)])
def test_upright_sides_stand_beside_the_panel(height: float, together: bool) -> None:
    """One from the bottom up, one from the top down; in two columns where one is too short."""
    wordy = EffectAxis(
        label="",
        scale=IDENTITY,
        null=0.0,
        favours_left="favours ketamine",
        favours_right="favours control",
    )
    fig, ax = blank(height=height, margins=(60.0, 60.0))
    with style.context():
        chart.write_sides_upright(ax, wordy, beyond=10.0)
    low, high = word(fig, "← favours ketamine"), word(fig, "favours control →")
    _, y0, x1, y1 = box(ax)
    assert at(low) == pytest.approx((x1 + 18, y0), abs=0.002)
    step = 0.0 if together else style.SMALL * STEP
    assert at(high) == pytest.approx((x1 + 18 + step, y1), abs=0.002)
    assert (low.get_rotation(), high.get_rotation()) == (90, 90)
    assert [t.get_verticalalignment() for t in (low, high)] == ["bottom", "top"]
    assert overlaps(fig) == []


def test_names_of_lines_stand_at_their_heights_or_a_line_apart() -> None:
    """Of two that would touch, the upper one is moved up by what is missing."""
    fig, ax = blank(margins=(60.0, 60.0))
    ax.set_ylim(0, 10)
    chart.name_lines(ax, [(8.0, "far"), (2.1, "upper"), (2.0, "lower")], at=1.02)
    x0, y0, x1, y1 = box(ax)
    unit = (y1 - y0) / 10
    places = [at(word(fig, name)) for name in ("lower", "upper", "far")]
    assert [x for x, _ in places] == pytest.approx([x0 + 1.02 * (x1 - x0)] * 3, abs=0.002)
    step = style.SMALL * STEP
    assert [y for _, y in places] == pytest.approx(
        [y0 + 2 * unit, y0 + 2 * unit + step, y0 + 8 * unit], abs=0.002
    )


def test_shown_values_become_the_analysis_scale() -> None:
    """Ratios as logarithms, differences as they are, one or many."""
    assert RATIO.scaled([1.0, math.e]).tolist() == [0.0, 1.0]
    assert PLAIN.scaled([1.0, -2.0]).tolist() == [1.0, -2.0]
    assert float(RATIO.scaled(0.5)) == -math.log(2)


# -- key ----------------------------------------------------------------------------------------


def test_the_key_stands_beside_the_panel_from_its_top_down() -> None:
    """Signs 12 points to the right, words after them; entries 5 points apart, long ones broken."""
    fig, ax = blank(margins=(60.0, 132.0))
    kinds = ("dot", "open", "diamond", "hexagon", "dashes", "box")
    names = ["a trial", "words " * 9, "three", "four", "five", "six"]
    with style.context():
        entries = [
            Entry(name.strip(), kind, style.MARKED)  # type: ignore[arg-type]
            for name, kind in zip(names, kinds, strict=True)
        ]
        key.write_key(fig, ax, entries)
    _, _, x1, y1 = box(ax)
    line = style.SMALL * STEP
    long = [t for t in texts(fig) if t.get_text().startswith("words")]
    assert len(long) > 1
    lift = style.CAP_MIDDLE * style.SMALL
    down = [0, line + 5, line + 5 + line * len(long) + 5]
    down += [down[-1] + (line + 5) * i for i in (1, 2, 3)]
    heights = [y1 - d - line / 2 - lift for d in down]
    shown = [word(fig, "a trial"), long[0], *(word(fig, n) for n in names[2:])]
    assert [at(t)[1] for t in shown] == pytest.approx(heights, abs=0.002)
    assert {round(at(t)[0], 2) for t in [*shown, *long]} == {round(x1 + 12 + 14 + 5, 2)}
    wide, high = (72 * v for v in fig.get_size_inches())
    signs = [a for a in fig.get_children() if isinstance(a, Line2D)]
    middles = [y1 - d - line / 2 for d in down]
    for sign, kind, y in zip(signs, kinds, middles, strict=False):
        (x, h), *_ = path(sign)
        assert h * high == pytest.approx(y)
        assert x * wide == pytest.approx(x1 + 12 + (0 if kind == "dashes" else 7))
    assert [s.get_marker() for s in signs] == ["o", "o", "D", "h", "None"]
    assert [s.get_markerfacecolor() for s in signs[:3]] == [style.MARKED, style.PAPER, style.MARKED]
    assert [x * wide for x, _ in path(signs[4])] == pytest.approx([x1 + 12, x1 + 26])
    (square,) = (a for a in fig.get_children() if isinstance(a, Rectangle) and a is not fig.patch)
    assert square.get_x() * wide == pytest.approx(x1 + 12)
    assert square.get_width() * wide == pytest.approx(14)
    assert (square.get_y() + square.get_height() / 2) * high == pytest.approx(middles[5])
    assert square.get_height() * high == pytest.approx(line - 2)


# -- names beside dots --------------------------------------------------------------------------


def named(
    places: Sequence[tuple[float, float]], names: Sequence[str], **options: Any
) -> tuple[Figure, Axes, list[int]]:
    """Names beside dots of a panel of 388 by 278 points whose units are points."""
    fig, ax = blank()
    x0, y0, x1, y1 = box(ax)
    ax.set(xlim=(0, x1 - x0), ylim=(0, y1 - y0))
    x, y = np.array(places, dtype=float).T
    with style.context():
        left = labels.write(ax, x, y, names, **options)
    return fig, ax, left


def offset(fig: Figure, ax: Axes, name: str, dot: tuple[float, float]) -> tuple[float, float]:
    """From a dot to the left end of the middle line of its name, in points."""
    (x, y), (x0, y0) = at(word(fig, name)), at((ax, *dot))
    return round(x - x0, 1), round(y + style.CAP_MIDDLE * style.SMALL - y0, 1)


def test_a_name_stands_to_the_right_of_its_dot_where_nothing_is_in_the_way() -> None:
    """5.5 points beside it, on its height, without a thread."""
    fig, ax, left = named([(100, 100)], ["Ash"])
    assert offset(fig, ax, "Ash", (100, 100)) == (5.5, 0.0)
    assert (left, paths(fig, "thread")) == ([], [])


def test_a_name_gives_way_to_dots_names_and_edges() -> None:
    """Left where a dot stands at the right, or the panel ends; above where both sides are taken."""
    fig, ax, _ = named([(100, 100), (112, 100)], ["Ash", ""], wanted=[0])
    wide = width("Ash", style.SMALL) + 1
    assert offset(fig, ax, "Ash", (100, 100)) == (round(-5.5 - wide, 1), 0.0)
    fig, ax, _ = named([(380, 100)], ["Ash"])
    assert offset(fig, ax, "Ash", (380, 100))[0] < 0
    fig, ax, _ = named([(100, 100), (112, 100), (88, 100)], ["Ash", "", ""], wanted=[0])
    up = 5.5 + style.SMALL * STEP / 2
    assert offset(fig, ax, "Ash", (100, 100)) == (round(-wide / 2, 1), round(up, 1))


@pytest.mark.parametrize(("further", "side"), [(8.2, "left"), (8.3, "right")])
def test_a_name_stands_no_nearer_to_another_dot_than_half_as_far_again(
    further: float, side: str
) -> None:
    """5.5 points from its dot and as far from the next one, it would be the name of both."""
    end = 105.5 + width("Ash", style.SMALL) + 1
    for other in ((end + further, 100), (110, 100 + style.SMALL * STEP / 2 + further)):
        fig, ax, _ = named([(100, 100), other], ["Ash", ""], wanted=[0])
        assert (offset(fig, ax, "Ash", (100, 100))[0] > 0) == (side == "right")


def test_a_name_keeps_off_lines_where_it_can() -> None:
    """A line through the right side sends it to the left; it is no hard border."""
    line = np.array([(103.0, 100.0), (300.0, 100.0)])
    fig, ax, _ = named([(100, 100)], ["Ash"], lines=[line])
    assert offset(fig, ax, "Ash", (100, 100))[0] < 0
    across = np.array([(0.0, 100.0), (388.0, 100.0)])
    fig, ax, _ = named([(100, 100)], ["Ash"], lines=[across])
    assert offset(fig, ax, "Ash", (100, 100))[1] > 0
    everywhere = [np.array([(60.0, y), (160.0, y)]) for y in range(50, 150, 2)]
    _, _, left = named([(100, 100)], ["Ash"], lines=everywhere)
    assert left == []


def test_a_far_name_has_a_thread_from_its_dot() -> None:
    """Dots all around leave no room near; the name stands 13 points above, a thread between."""
    near = [(115, 100), (85, 100), (100, 88), (110, 108), (90, 108), (112, 91), (88, 91)]
    fig, ax, left = named([(100, 100), *near], ["Ash"] + [""] * len(near), wanted=[0])
    assert left == []
    up = 13 + style.SMALL * STEP / 2
    wide = width("Ash", style.SMALL) + 1
    assert offset(fig, ax, "Ash", (100, 100)) == (round(-wide / 2, 1), round(up, 1))
    (thread,) = paths(fig, "thread")
    x0, y0, x1, y1 = box(ax)
    ends = [(x * (x1 - x0), y * (y1 - y0)) for x, y in thread]
    assert np.array(ends) == pytest.approx(np.array([(100, 100), (100, 111.5)]))


def test_a_thread_crosses_no_dot_and_no_name() -> None:
    """A dot in its way sends the name elsewhere, or leaves it out."""
    near = [(115, 100), (85, 100), (100, 88), (110, 108), (90, 108), (112, 91), (88, 91)]
    fig, ax, left = named([(100, 100), *near, (100, 106)], ["Ash"] + [""] * 8, wanted=[0])
    if not left:
        assert offset(fig, ax, "Ash", (100, 100))[0] != round(
            -(width("Ash", style.SMALL) + 1) / 2, 1
        )
    full = [(x, y) for x in range(60, 142, 6) for y in range(60, 142, 6)]
    _, _, left = named([(100, 100), *full], ["Ash"] + [""] * len(full), wanted=[0])
    assert left == [0]


def test_the_most_important_dot_has_the_first_choice() -> None:
    """Two dots whose names want one place: the one named first keeps it."""
    places = [(100.0, 100.0), (100.0, 108.0)]
    names = ["Ash", "Elm"]
    for wanted in ([0, 1], [1, 0]):
        fig, ax, left = named(places, names, wanted=wanted)
        first = wanted[0]
        assert offset(fig, ax, names[first], places[first]) == (5.5, 0.0)
        assert left == []
        assert ("Ash", "Elm") not in overlaps(fig)


def test_lines_of_a_name_stand_below_each_other() -> None:
    """A name of two lines about the height of its dot; of more than two, the middle is cut."""
    fig, ax, _ = named([(100, 100)], ["one name of a trial that needs two lines here"])
    shown = [t for t in texts(fig) if t.get_text() not in ("Title", "Subtitle") and t in ax.texts]
    assert len(shown) == 2
    heights = [at(t)[1] + style.CAP_MIDDLE * style.SMALL for t in shown]
    assert heights[0] - heights[1] == pytest.approx(style.SMALL * STEP, abs=0.003)
    assert sum(heights) / 2 == pytest.approx(at((ax, 100, 100))[1], abs=0.003)


def test_two_boxes_meet_only_where_they_share_an_area() -> None:
    """Edges that touch are no meeting, in either direction."""
    one = labels.Box(0, 0, 2, 2)
    assert one.meets(labels.Box(1, 1, 3, 3))
    for beside in ((2, 0, 3, 2), (-1, 0, 0, 2), (0, 2, 2, 3), (0, -1, 2, 0), (3, 3, 4, 4)):
        assert not one.meets(labels.Box(*beside))


# -- rows of intervals --------------------------------------------------------------------------


def interval_table(**changes: Any) -> IntervalTable:
    """A main result, a heading, and rows that leave the axis at either end."""
    nan = math.nan
    rows = (
        Row(label="All", estimate=0.5, low=0.2, high=0.9, cells=("0.5", "60 %"), whole=True),
        Row(label="Kind", estimate=nan, low=nan, high=nan, cells=("", ""), whole=True),
        Row(label="inside", estimate=0.4, low=-0.1, high=0.8, cells=("0.4", "1 %")),
        Row(label="to the left", estimate=0.1, low=-40.0, high=0.6, cells=("0.1", "2 %")),
        Row(label="to the right", estimate=0.3, low=0.0, high=50.0, cells=("0.3", "3 %"),
            marked=True),
        Row(label="inside too", estimate=0.2, low=-0.2, high=0.7, cells=("0.2", "4 %")),
    )  # fmt: skip
    table = {
        "title": "Title", "subtitle": "", "axis": PLAIN, "rows": rows, "label_head": "Left out",
        "heads": ("MD", "I²"), "band": (0.55, 0.25, 0.95),
    } | changes  # fmt: skip
    return IntervalTable(**table)  # type: ignore[arg-type]


def test_an_interval_row_is_cut_with_an_arrow_at_the_end_it_leaves() -> None:
    """The row to the left at the lower limit, the row to the right at the upper, no others."""
    fig = interval_rows.draw(interval_table())
    low, high = fig.axes[0].get_xlim()
    assert -40 < low < high < 50
    middles = row_middles(fig)
    arrows = labelled(fig, "arrow", Line2D)
    assert [(path(a)[0], a.get_marker(), a.get_markerfacecolor()) for a in arrows] == [
        ((low, middles["to the left"]), "<", style.SUMMARY),
        ((high, middles["to the right"]), ">", style.MARKED),
    ]
    ends = [tuple(x for x, _ in line) for line in paths(fig, "ci")]
    assert ends == [(-0.1, 0.8), (low, 0.6), (0.0, high), (-0.2, 0.7)]


def row_middles(fig: Figure) -> dict[str, float]:
    """Height of each row's label, in points below the top of the panel."""
    top = box(fig.axes[0])[3]
    lift = style.CAP_MIDDLE * style.SMALL
    names = ("All", "Kind", "inside", "to the left", "to the right", "inside too")
    return {n: pytest.approx(top - at(word(fig, n))[1] - lift, abs=0.003) for n in names}  # type: ignore[misc]


def test_marks_of_rows_stand_at_their_labels() -> None:
    """Dots, marked diamonds and the main diamond at their values and the height of their words."""
    fig = interval_rows.draw(interval_table())
    y = row_middles(fig)
    assert [p[0] for p in paths(fig, "estimate")] == [
        (0.4, y["inside"]), (0.1, y["to the left"]), (0.2, y["inside too"]),
    ]  # fmt: skip
    assert paths(fig, "marked") == [[(0.3, y["to the right"])]]
    (diamond,) = labelled(fig, "diamond", Polygon)
    middle = corners(diamond)[0][1]
    assert middle == y["All"]
    assert corners(diamond) == [
        (0.2, middle),
        (0.5, middle - 4.2),
        (0.9, middle),
        (0.5, middle + 4.2),
    ]
    (marked,) = labelled(fig, "marked", Line2D)
    (dot, *_) = labelled(fig, "estimate", Line2D)
    assert (marked.get_marker(), marked.get_markerfacecolor()) == ("D", style.MARKED)
    assert (dot.get_marker(), dot.get_markerfacecolor()) == ("o", style.SUMMARY)
    assert look(word(fig, "All"))[1] == look(word(fig, "Kind"))[1] == "bold"
    assert look(word(fig, "to the right")) == ("left", "normal", "normal", style.MARKED)
    assert look(word(fig, "inside")) == ("left", "normal", "normal", style.INK)


def test_rows_follow_at_one_distance_below_their_heads() -> None:
    """A line and five points from row to row; the head's rule lies above the first."""
    fig = interval_rows.draw(interval_table())
    pitch = style.SMALL * STEP + 5
    top = box(fig.axes[0])[3]
    order = ("Left out", "All", "Kind", "inside", "to the left", "to the right", "inside too")
    down = [top - at(word(fig, n))[1] - style.CAP_MIDDLE * style.SMALL for n in order]
    assert down == pytest.approx([pitch * (i + 0.5) for i in range(7)], abs=0.003)
    assert fig.axes[0].get_ylim() == pytest.approx((7 * pitch + 4, 0))
    (rule,) = paths(fig, "rule")
    wide, high = (72 * v for v in fig.get_size_inches())
    assert [x * wide for x, _ in rule] == pytest.approx([style.MARGIN, wide - style.MARGIN])
    assert rule[0][1] * high == pytest.approx(top - pitch)


def test_lines_of_reference_end_below_the_heads() -> None:
    """No effect, and the band with its own estimate, from the axis up to the rule."""
    fig = interval_rows.draw(interval_table())
    ax = fig.axes[0]
    height = ax.get_ylim()[0]
    end = 1 - (style.SMALL * STEP + 5) / height
    (null,) = paths(fig, "null")
    assert null == [(0, 0), (0, pytest.approx(end))]
    (estimate,) = paths(fig, "band-line")
    assert estimate == [(0.55, 0), (0.55, pytest.approx(end))]
    (band,) = labelled(fig, "band", Rectangle)
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((0.25, 0.95))
    assert (band.get_y(), band.get_height()) == pytest.approx((0.0, end))
    without = interval_rows.draw(interval_table(band=None))
    assert labelled(without, "band", Rectangle) == []


def test_cells_end_below_the_end_of_their_heads() -> None:
    """Right-aligned in columns 12 points apart; the last ends at the margin."""
    fig = interval_rows.draw(interval_table())
    last = {at(word(fig, t))[0] for t in ("I²", "60 %", "1 %", "4 %")}
    first = {at(word(fig, t))[0] for t in ("MD", "0.5", "0.4")}
    assert last == {chart.WIDTH - style.MARGIN}
    wide = max(width(t, style.SMALL, "bold") for t in ("I²", "60 %", "4 %"))
    assert first == {round(chart.WIDTH - style.MARGIN - wide - 12, 3)}
    assert look(word(fig, "I²"))[:2] == ("right", "bold")
    one = max(width(t, style.SMALL, "bold") for t in ("MD", "0.5"))
    edge = box(fig.axes[0])[2]
    assert min(first) - one - edge == pytest.approx(12, abs=0.01)


def test_a_long_label_makes_its_row_taller() -> None:
    """Its lines stand about the middle of the row, which its mark has too."""
    long = "a label that has to be broken as it is wider than the room for labels"
    rows = (
        Row(label=long, estimate=0.4, low=-0.1, high=0.8),
        Row(label="next", estimate=0.4, low=-0.1, high=0.8),
    )
    fig = interval_rows.draw(interval_table(rows=rows, heads=(), band=None))
    lines = wrap(long, 150.0, style.SMALL)
    assert len(lines) > 1
    top, lift = box(fig.axes[0])[3], style.CAP_MIDDLE * style.SMALL
    down = [top - at(word(fig, line))[1] - lift for line in lines]
    (first,), (second,) = paths(fig, "estimate")
    assert sum(down) / len(down) == pytest.approx(first[1], abs=0.003)
    assert down[1] - down[0] == pytest.approx(style.SMALL * STEP, abs=0.003)
    pitch = style.SMALL * STEP
    assert second[1] - first[1] == pytest.approx(pitch * (len(lines) + 1) / 2 + 5)


def test_ratios_of_rows_stand_at_their_logarithms() -> None:
    """And what has no logarithm has no mark."""
    rows = (
        Row(label="good", estimate=2.0, low=1.0, high=4.0),
        Row(label="none", estimate=0.0, low=-1.0, high=2.0),
        Row(label="half", estimate=1.0, low=0.0, high=2.0),
    )
    fig = interval_rows.draw(interval_table(rows=rows, heads=(), axis=RATIO, band=(2.0, 1.0, 3.0)))
    assert [p[0][0] for p in paths(fig, "estimate")] == [pytest.approx(math.log(2))]
    assert [[x for x, _ in p] for p in paths(fig, "ci")] == [[0.0, pytest.approx(math.log(4))]]
    assert paths(fig, "band-line")[0][0][0] == pytest.approx(math.log(2))


def test_references_lie_below_intervals_and_these_below_marks() -> None:
    """Band, null, interval, dot and diamond, arrow."""
    fig = interval_rows.draw(interval_table())
    heights = [
        labelled(fig, "band", Rectangle)[0].get_zorder(),
        labelled(fig, "null", Line2D)[0].get_zorder(),
        labelled(fig, "ci", Line2D)[0].get_zorder(),
        labelled(fig, "estimate", Line2D)[0].get_zorder(),
        labelled(fig, "arrow", Line2D)[0].get_zorder(),
    ]
    assert heights == sorted(set(heights))
    assert labelled(fig, "diamond", Polygon)[0].get_zorder() == heights[3]


# -- letters and numbers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.00049, "<0.001"), (0.0005, "0.001"), (0.0094, "0.009"), (0.0095, "0.01"), (9.99, "9.99"),
     (9.995, "10.0"), (99.94, "99.9"), (99.95, "100"), (9999.4, "9999"), (9999.5, ">9999")],
)  # fmt: skip
def test_a_ratio_has_the_digits_of_its_size(value: float, shown: str) -> None:
    """Each change of precision, just inside and just outside."""
    assert style.ratio(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.00099, "p < 0.001"), (0.001, "p = 0.001"), (0.0994, "p = 0.099"), (0.0995, "p = 0.10")],
)
def test_a_p_value_has_the_digits_of_its_size(value: float, shown: str) -> None:
    """Three decimals below 0.1, two above, and none below 0.001."""
    assert style.p_value(value) == shown


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(0.0001, 2, "0.00010"), (0.000099, 2, "<0.0001"), (-0.00005, 2, "<0.0001"), (0.0, 3, "0"),
     (-0.126, 2, "−0.13"),
     (1234.0, 2, "1234"), (0.5, 3, "0.500"), (0.995, 2, "0.99"), (0.999, 2, "1.0"),
     (math.nan, 2, "–")],
)  # fmt: skip
def test_significant_digits_have_no_exponent(value: float, digits: int, shown: str) -> None:
    """Too small to show is said; rounding up to the next power keeps the count of digits."""
    assert style.significant(value, digits) == shown


def test_zero_has_no_sign_and_minus_is_a_minus() -> None:
    """-0.00 reads 0.00; a hyphen before a digit is U+2212."""
    assert [style.minus(t) for t in ("-0.00", "-0.10", "-9", "1e-3")] == [
        "0.00",
        "−0.10",
        "−9",
        "1e−3",
    ]
    assert style.fixed(math.nan, 1) == "–"


def test_words_are_broken_between_words_and_at_seams() -> None:
    """At the last space that fits, exactly at the limit; a longer word at its last hyphen."""
    size = style.BODY
    limit = width("one two", size)
    assert wrap("one two three", limit, size) == ["one two", "three"]
    assert wrap("one two three", limit - 0.01, size) == ["one", "two", "three"]
    assert wrap("first\nsecond", 500, size) == ["first", "second"]
    assert wrap("", 500, size) == [""]
    assert wrap("k = 3 of 9", width("k = 3", size), size) == ["k = 3", "of 9"]
    word_limit = width("abcdefgh-ij", size)
    assert wrap("abcdefgh-ijklm", word_limit, size) == ["abcdefgh-", "ijklm"]
    # a seam in the first third would leave a stub
    assert wrap("a-bcdefghijklm", word_limit, size)[0] != "a-"
    assert "".join(wrap("abcdefghijklmnopqrstuvwxyz", 30.0, size)) == "abcdefghijklmnopqrstuvwxyz"
    assert all(width(part, size) <= 30 for part in wrap("abcdefghijklmnopqrstuvwxyz", 30.0, size))


def test_every_word_of_a_sheet_is_in_the_boxes() -> None:
    """The checks of overlap see what is drawn."""
    fig, _ = blank()
    assert {text for text, _ in boxes(fig)} >= {"Title", "Subtitle"}
