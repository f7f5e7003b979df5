"""The charts of an analysis by where their marks stand; each is drawn from a table made by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from figure_checks import (
    PLAIN,
    at,
    box,
    boxes,
    corners,
    labelled,
    look,
    offsets,
    paths,
    texts,
    ticks,
    word,
)
from matplotlib.artist import Artist
from matplotlib.axes._base import _AxesBase
from matplotlib.collections import FillBetweenPolyCollection, PathCollection
from matplotlib.colors import to_rgba
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon, StepPatch
from matplotlib.transforms import Affine2D

from trialpool.figures import (
    baujat,
    bubble,
    chart,
    funnel,
    gosh,
    missing_effect,
    next_trial,
    priors,
    rho_sweep,
    specification_curve,
    style,
)
from trialpool.figures.lettering import width


def band_of(fig: Figure, label: str) -> list[tuple[float, float, float]]:
    """(x, low, high) along a shaded band."""
    (shade,) = labelled(fig, label, FillBetweenPolyCollection)
    corners = np.asarray(shade.get_paths()[0].vertices)
    out = []
    for x in sorted(set(corners[:, 0].tolist())):
        y = corners[corners[:, 0] == x, 1]
        out.append((x, float(y.min()), float(y.max())))
    return out


# -- funnel -------------------------------------------------------------------------------------


def funnel_table(**changes: Any) -> funnel.FunnelTable:
    table = {
        "title": "Funnel", "subtitle": "", "axis": PLAIN, "names": ("Ash", "Elm"),
        "yi": np.array([-0.4, 0.3]), "sei": np.array([0.1, 0.5]), "filled_yi": np.array([0.7]),
        "filled_sei": np.array([0.2]), "pooled": -0.25,
    } | changes  # fmt: skip
    return funnel.FunnelTable(**table)  # type: ignore[arg-type]


def test_a_funnel_stands_on_standard_errors_that_grow_downwards() -> None:
    """None at the top, 8 % more than the largest at the bottom; dots at their (effect, error)."""
    fig = funnel.draw(funnel_table())
    ax = fig.axes[0]
    deepest = 1.08 * 0.5
    assert ax.get_ylim() == pytest.approx((deepest, 0))
    assert paths(fig, "trials") == [[(-0.4, 0.1), (0.3, 0.5)]]
    assert paths(fig, "filled") == [[(0.7, 0.2)]]
    (trial,), (added,) = labelled(fig, "trials", Line2D), labelled(fig, "filled", Line2D)
    assert (trial.get_markerfacecolor(), added.get_markerfacecolor()) == (
        style.SUMMARY,
        style.PAPER,
    )
    assert (trial.get_markeredgecolor(), added.get_markeredgecolor()) == (style.PAPER, style.MARKED)
    shown = ticks(ax, "y")
    assert [label for _, label in shown] == ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]
    assert [place for place, _ in shown] == pytest.approx([float(label) for _, label in shown])


def test_contours_of_a_funnel_are_at_the_right_effect_for_each_standard_error() -> None:
    """Two-sided p = 0.10, 0.05, 0.01 about no effect; the limits 1.96 errors about the pooled."""
    fig = funnel.draw(funnel_table())
    deepest = 1.08 * 0.5
    zones = labelled(fig, "zone", Polygon)
    colour_at = {1.644854: style.ZONES[0], 1.959964: style.ZONES[1], 2.575829: style.ZONES[2]}
    reach = [max(x for x, _ in corners(zone)) / deepest for zone in zones]
    assert reach == pytest.approx(sorted(colour_at, reverse=True), rel=1e-6)  # wide ones first
    for zone, z in zip(zones, reach, strict=True):
        assert corners(zone) == [(0, 0), (pytest.approx(-z * deepest), deepest), (pytest.approx(z * deepest), deepest)]  # fmt: skip  # noqa: E501
        (colour,) = (c for k, c in colour_at.items() if math.isclose(k, z, rel_tol=1e-6))
        assert Patch(fc=colour).get_facecolor() == zone.get_facecolor()
    z = 1.959964 * deepest
    (limits,) = paths(fig, "limits")
    assert np.array(limits) == pytest.approx(
        np.array([(-0.25 - z, deepest), (-0.25, 0), (-0.25 + z, deepest)]), rel=1e-6
    )
    assert paths(fig, "pooled") == [[(-0.25, 0), (-0.25, pytest.approx(deepest))]]
    low, high = fig.axes[0].get_xlim()
    assert low < -0.25 - z < -0.25 + z < high


def test_a_funnel_of_what_is_not_compared_has_no_zones() -> None:
    """A mean has no effect of 0 to be significant against: no shades, no line, no p in the key."""
    fig = funnel.draw(funnel_table(axis=replace(PLAIN, null=None)))
    assert labelled(fig, "zone", Polygon) == []
    assert paths(fig, "null") == []
    assert not [t for t in texts(fig) if t.get_text().startswith("p ")]
    assert fig.axes[0].get_facecolor() != to_rgba(style.ZONES[-1])


def test_the_key_of_a_funnel_names_what_is_there() -> None:
    """Without a pooled effect no dashes, without filled trials no open dot."""
    full = {t.get_text() for t in texts(funnel.draw(funnel_table()))}
    assert {"trial", "added by trim-and-fill", "pooled effect, 95 %", "p < 0.01"} <= full
    none = np.array([])
    bare = funnel.draw(funnel_table(pooled=math.nan, filled_yi=none, filled_sei=none))
    said = {t.get_text() for t in texts(bare)}
    assert said & {"added by trim-and-fill", "pooled effect, 95 %"} == set()
    assert paths(bare, "limits") == paths(bare, "pooled") == paths(bare, "filled") == []
    order = [funnel.ZONES[i][1] for i in range(4)]
    heights = [at(word(bare, text))[1] for text in order]
    assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize(("k", "shown"), [(12, True), (13, False)])
def test_a_funnel_names_at_most_twelve_trials(k: int, shown: bool) -> None:
    """And none of the filled ones."""
    yi, sei = np.linspace(-1, 1, k), np.linspace(0.1, 0.5, k)
    fig = funnel.draw(funnel_table(names=tuple(f"Trial {i}" for i in range(k)), yi=yi, sei=sei))
    assert (word_count(fig, "Trial") > 0) == shown


def word_count(fig: Figure, start: str) -> int:
    return sum(t.get_text().startswith(start) for t in texts(fig))


# -- Baujat -------------------------------------------------------------------------------------


def test_baujat_axes_end_a_little_beyond_the_farthest_trial() -> None:
    """5 % free at both ends, x and y apart; dots and diamonds at their own values."""
    table = baujat.BaujatTable(
        title="Baujat", subtitle="", names=("Ash", "Elm", "Oak", "Fir"),
        x=np.array([8.0, 0.5, 3.0, 0.85]), y=np.array([0.02, 0.01, 0.2, 0.0]),
        influential=np.array([False, False, True, False]),
    )  # fmt: skip
    fig = baujat.draw(table)
    ax = fig.axes[0]
    assert ax.get_xlim() == pytest.approx((-0.4, 8.4))
    assert ax.get_ylim() == pytest.approx((-0.01, 0.21))
    assert paths(fig, "trials") == [[(8.0, 0.02), (0.5, 0.01), (0.85, 0.0)]]
    assert paths(fig, "influential") == [[(3.0, 0.2)]]
    (dots,), (diamonds,) = (labelled(fig, n, Line2D) for n in ("trials", "influential"))
    assert (dots.get_marker(), diamonds.get_marker()) == ("o", "D")
    assert diamonds.get_markerfacecolor() == style.MARKED
    # a tenth of the axes from the origin, a dot has its name; nearer it has none
    names = [n for n in table.names if any(t.get_text() == n for t in texts(fig))]
    assert names == ["Ash", "Oak", "Fir"]
    nothing = replace(table, x=np.zeros(4), y=np.zeros(4))
    assert baujat.draw(nothing).axes[0].get_xlim() == pytest.approx((-0.05, 1.05))


def test_baujat_names_the_twelve_farthest() -> None:
    """Of twenty trials along the diagonal."""
    n = 20
    far = np.linspace(0.2, 1.0, n)
    table = baujat.BaujatTable(
        title="Baujat", subtitle="", names=tuple(f"T{i:02}" for i in range(n)), x=far, y=far,
        influential=np.zeros(n, dtype=bool),
    )  # fmt: skip
    shown = {t.get_text() for t in texts(baujat.draw(table)) if t.get_text().startswith("T")}
    assert shown <= {f"T{i:02}" for i in range(8, 20)}
    assert "T19" in shown


# -- GOSH ---------------------------------------------------------------------------------------


def gosh_table(n: int, **changes: Any) -> gosh.GoshTable:
    rng = np.random.default_rng(1)
    table = {
        "title": "GOSH", "subtitle": "", "axis": PLAIN, "beta": rng.normal(-0.3, 0.1, n),
        "i2": rng.uniform(0, 100, n), "inside": np.arange(n) % 3 == 0, "name": "Ash",
        "pooled": -0.31, "whole": "all trials",
    } | changes  # fmt: skip
    return gosh.GoshTable(**table)


def test_subsets_are_dots_up_to_300_and_hexagons_above() -> None:
    """Dots at (effect, I2), those with the trial orange diamonds; the axis of I2 is 0 to 100."""
    table = gosh_table(300)
    fig = gosh.draw(table)
    (with_it,), (without,) = paths(fig, "with"), paths(fig, "without")
    assert with_it == list(zip(table.beta[::3].tolist(), table.i2[::3].tolist(), strict=True))
    assert len(without) == 200
    (marked,) = labelled(fig, "with", Line2D)
    assert (marked.get_marker(), marked.get_markerfacecolor()) == ("D", style.MARKED)
    assert labelled(fig, "hexagons", Line2D) == []
    assert [place for place, _ in ticks(fig.axes[0], "y")] == [0, 25, 50, 75, 100]
    assert fig.axes[0].get_ylim() == (-4, 104)
    many = gosh.draw(gosh_table(301))
    assert paths(many, "with") == paths(many, "without") == []
    assert labelled(many, "hexagons", Line2D) != []


def test_the_histogram_stands_above_on_the_same_axis() -> None:
    """8 points above the cloud, 52 high; its counts are those of the subsets without and with."""
    table = gosh_table(300)
    fig = gosh.draw(table)
    below, above = fig.axes
    assert above.get_xlim() == below.get_xlim()
    assert box(above)[1] - box(below)[3] == pytest.approx(8)
    assert box(above)[3] - box(above)[1] == pytest.approx(52)
    assert box(above)[::2] == pytest.approx(box(below)[::2])
    (without, edges, _), (among, part, _) = (
        patch.get_data() for patch in labelled(fig, "histogram", StepPatch)
    )
    assert (without.sum(), among.sum()) == (200, 100)
    assert len(without) == int(2 * math.sqrt(300))
    assert (edges[0], edges[-1]) == pytest.approx(below.get_xlim())
    for counts, ends, chosen in ((without, edges, ~table.inside), (among, part, table.inside)):
        for count, low, high in zip(counts, ends[:-1], ends[1:], strict=True):
            assert count == ((table.beta[chosen] >= low) & (table.beta[chosen] < high)).sum()
    assert among[0] > 0
    assert among[-1] > 0
    assert above.get_ylim() == pytest.approx((0, 1.08 * max(without.max(), among.max())))


@pytest.mark.parametrize(("n", "bins"), [(9, 12), (300, 34), (2000, 44)])
def test_a_histogram_has_twelve_to_forty_four_bins(n: int, bins: int) -> None:
    """Twice the root of the number of subsets in between."""
    without, *_ = labelled(gosh.draw(gosh_table(n)), "histogram", StepPatch)
    assert len(without.get_data()[0]) == bins


def test_the_result_of_all_trials_is_a_line_through_both_panels() -> None:
    """As is no effect; an analysis without a result has none, and the key says nothing of it."""
    fig = gosh.draw(gosh_table(50))
    assert paths(fig, "pooled") == [[(-0.31, 0), (-0.31, 1)]] * 2
    assert paths(fig, "null") == [[(0, 0), (0, 1)]] * 2
    assert word_count(fig, "all trials") == 1
    bare = gosh.draw(gosh_table(50, pooled=math.nan))
    assert paths(bare, "pooled") == []
    assert word_count(bare, "all trials") == 0
    assert word_count(gosh.draw(gosh_table(50, name="", inside=np.zeros(50, bool))), "subset") == 1


def test_a_hexagon_is_as_large_as_its_subsets_and_as_orange_as_its_share() -> None:
    """One subset the smallest, the fullest cell the largest; orange with the trial."""
    at_origin, far = np.zeros((100, 2)), np.array([[80.0, 0.0]])
    inside = np.array([True] * 100 + [False])
    cells = list(gosh._cells(np.vstack([at_origin, far]), inside))
    found = {(round(float(c[0, 0])), size, share) for c, size, share in cells}
    assert found == {(0, 1.0, 1.0), (80, 0.4, 0.0)}
    assert gosh._blend(0.0) == style.EFFECT.lower()
    assert gosh._blend(1.0) == style.MARKED.lower()
    half = tuple(
        (int(style.EFFECT[i : i + 2], 16) + int(style.MARKED[i : i + 2], 16)) / 2 for i in (1, 3, 5)
    )
    shown = tuple(int(gosh._blend(0.5)[i : i + 2], 16) for i in (1, 3, 5))
    assert shown == pytest.approx(half, abs=0.6)


@pytest.mark.parametrize("ends", [(0.1, 0.9), (-0.9, -0.1)])
def test_the_axis_of_subsets_holds_all_of_them(ends: tuple[float, float]) -> None:
    low, high = gosh.draw(gosh_table(50, beta=np.linspace(*ends, 50))).axes[0].get_xlim()
    assert low < min(ends) < max(ends) < high


def test_a_subset_lies_in_the_hexagon_whose_middle_is_nearest() -> None:
    """Middles are 8 points apart in rows 4 √3 points apart, every other row moved by half."""
    rng = np.random.default_rng(3)
    middles = np.array([[8.0 * i + 4.0 * (j % 2), 4.0 * math.sqrt(3) * j]
                        for i in range(-2, 12) for j in range(-2, 16)])  # fmt: skip
    for point in rng.uniform(0, 60, (40, 2)):
        ((centres, _, _),) = gosh._cells(point[np.newaxis], np.array([True]))
        nearest = middles[np.argmin(np.hypot(*(middles - point).T))]
        assert centres[0] == pytest.approx(nearest)


# -- missing effect -----------------------------------------------------------------------------


def missing_table(**changes: Any) -> missing_effect.MissingTable:
    table = {
        "title": "Missing", "subtitle": "", "axis": PLAIN, "assumed": (-2.0, 0.0, 2.0),
        "estimate": (-0.9, -0.5, -0.1), "ci_low": (-1.4, -0.9, -0.6), "ci_high": (-0.4, -0.1, 0.4),
        "lines": ((0.0, "they found nothing"), (-0.6, "they found what the others did")),
        "flips": ((1.0, "1.00"), (1.1, "1.10")), "important": -0.3,
        "important_label": "matters: −0.30", "interval": "95 % CI",
    } | changes  # fmt: skip
    return missing_effect.MissingTable(**table)  # type: ignore[arg-type]


def test_the_pooled_effect_is_drawn_against_what_is_assumed() -> None:
    """Curve, band, upright lines, rings and the threshold at their values."""
    fig = missing_effect.draw(missing_table())
    (ax,) = fig.axes
    assert paths(fig, "estimate") == [[(-2, -0.9), (0, -0.5), (2, -0.1)]]
    assert band_of(fig, "interval") == [(-2, -1.4, -0.4), (0, -0.9, -0.1), (2, -0.6, 0.4)]
    assert ax.get_xlim() == (-2, 2)
    assert paths(fig, "they found nothing") == [[(0, 0), (0, 1)]]
    assert paths(fig, "they found what the others did") == [[(-0.6, 0), (-0.6, 1)]]
    assert paths(fig, "flip") == [[(1.0, 0.0)], [(1.1, 0.0)]]
    assert paths(fig, "important") == [[(0, -0.3), (1, -0.3)]]
    assert paths(fig, "null") == [[(0, 0), (1, 0)]]
    (ring,) = {r.get_markerfacecolor() for r in labelled(fig, "flip", Line2D)}
    assert ring == style.PAPER


def test_labels_of_upright_lines_stand_over_them_each_in_a_row() -> None:
    """5 and 16 points above the panel, centred, moved inside where they would leave it."""
    fig = missing_effect.draw(missing_table())
    (ax,) = fig.axes
    x0, _, x1, y1 = box(ax)
    one, other = word(fig, "they found nothing"), word(fig, "they found what the others did")
    assert at(one) == pytest.approx(((x0 + x1) / 2, y1 + 5), abs=0.003)
    assert at(other) == pytest.approx((x0 + (x1 - x0) * 1.4 / 4, y1 + 16), abs=0.003)
    assert look(one)[0] == "center"
    edge = missing_effect.draw(missing_table(lines=((-2.0, "at the left"), (2.0, "at the right"))))
    found = dict(boxes(edge))
    assert found["at the left"].x0 == pytest.approx(x0, abs=0.6)
    assert found["at the right"].x1 == pytest.approx(x1, abs=0.6)


def test_labels_of_flips_stand_beside_their_rings() -> None:
    """Above the line at the right; the second one, as it would touch, below; left at the edge."""
    fig = missing_effect.draw(missing_table())
    (ax,) = fig.axes
    first, second = word(fig, "1.00"), word(fig, "1.10")
    assert [t.get_verticalalignment() for t in (first, second)] == ["bottom", "top"]
    found = dict(boxes(fig))
    for text, ring in (("1.00", 1.0), ("1.10", 1.1)):
        assert found[text].x0 - at((ax, ring, 0.0))[0] == pytest.approx(6, abs=0.8)
    last = missing_effect.draw(missing_table(flips=((1.95, "1.95"),)))
    box_of = dict(boxes(last))["1.95"]
    assert at((last.axes[0], 1.95, 0.0))[0] - box_of.x1 == pytest.approx(6, abs=0.8)
    apart = missing_effect.draw(missing_table(flips=((-1.0, "−1.00"), (1.0, "1.00"))))
    assert {word(apart, t).get_verticalalignment() for t in ("−1.00", "1.00")} == {"bottom"}


def test_no_upright_line_runs_through_the_label_of_a_flip() -> None:
    """It would make a plus of a minus: the label goes to the left of its ring, if that is free."""
    one = {"flips": ((-0.1, "−0.10"),), "lines": ((0.0, "they found nothing"),)}
    fig = missing_effect.draw(missing_table(**one))
    line, ring = (at((fig.axes[0], x, 0.0))[0] for x in (0.0, -0.1))
    assert ring + 6 < line < ring + 6 + width("−0.10", style.SMALL, "bold")
    assert ring - dict(boxes(fig))["−0.10"].x1 == pytest.approx(6, abs=0.8)
    both = one | {"lines": ((0.0, "they found nothing"), (-0.2, "they found as much"))}
    fig = missing_effect.draw(missing_table(**both))
    ring = at((fig.axes[0], -0.1, 0.0))[0]
    assert dict(boxes(fig))["−0.10"].x0 - ring == pytest.approx(6, abs=0.8)


@pytest.mark.parametrize(("important", "shown"), [(-0.3, True), (-90.0, False), (None, False)])
def test_a_threshold_off_the_axis_is_not_drawn(important: float | None, shown: bool) -> None:
    """Nor one that nobody declared."""
    fig = missing_effect.draw(missing_table(important=important))
    assert bool(paths(fig, "important")) == shown
    assert (word_count(fig, "matters") == 1) == shown
    assert word_count(fig, "95 % CI") == word_count(fig, "no difference") == 1


# -- next trial ---------------------------------------------------------------------------------


def next_table(**changes: Any) -> next_trial.NextTrialTable:
    effects, errors = np.linspace(-2, 2, 41), np.linspace(0.01, 0.5, 21)
    x, s = np.meshgrid(effects, errors)
    table = {
        "title": "Next", "subtitle": "", "axis": PLAIN, "better": "lower",
        "trials": ((-0.4, 0.2), (0.3, 0.46)), "estimate": -0.2, "effects": effects,
        "errors": errors, "low": x / 2 - 0.2 - s, "high": x / 2 + 0.4 + s, "important": 0.5,
        "people": ((0.1, 800), (0.2, 200), (0.21, 190), (0.4, 50)),
    } | changes  # fmt: skip
    return next_trial.NextTrialTable(**table)  # type: ignore[arg-type]


def edges_of(fig: Figure) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """Colour and vertices of each edge of a region."""
    ax = fig.axes[0]
    lines = [c for c in ax.collections if isinstance(c, QuadContourSet) and not c.filled]
    return [
        (tuple(np.asarray(c.get_edgecolor())[0][:3]), np.asarray(c.get_paths()[0].vertices))  # type: ignore[misc]
        for c in lines
    ]


def test_regions_end_where_the_interval_ends_at_no_difference() -> None:
    """Left: pooled + half = 0; right: pooled - half = 0; each in its own colour."""
    fig = next_trial.draw(next_table())
    edges = edges_of(fig)
    assert len(edges) == 2
    for sign, (_, vertices) in zip((1, -1), edges, strict=True):
        x, s = vertices.T
        assert x / 2 + 0.1 + sign * (0.3 + s) == pytest.approx(np.zeros(len(x)), abs=0.001)
    blue, orange = (Patch(fc=c).get_facecolor()[:3] for c in (style.EFFECT, style.PREDICTION))
    assert [colour for colour, _ in edges] == [pytest.approx(blue), pytest.approx(orange)]


def test_the_panel_of_a_next_trial() -> None:
    """Errors grow downwards; trials and the estimate at their values; people at the right edge."""
    fig = next_trial.draw(next_table())
    ax = fig.axes[0]
    assert ax.get_ylim() == (0.5, 0.0)
    assert ax.get_xlim() == (-2, 2)
    assert paths(fig, "trials") == [[(-0.4, 0.2), (0.3, 0.46)]]
    assert paths(fig, "estimate") == [[(-0.2, 0), (-0.2, 1)]]
    assert paths(fig, "null") == [[(0, 0), (0, 1)]]
    (people,) = ax.child_axes
    assert isinstance(people, _AxesBase)
    shown = ticks(people, "y")
    assert shown == [(0.4, "50"), (0.21, "190"), (0.1, "800")]  # 200 would touch 190
    assert [place for place, _ in ticks(ax, "y")] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_people_begin_below_the_heading_of_their_column() -> None:
    """6 points below the top the first number may stand, not nearer; thousands have a comma."""
    fig = next_trial.draw(next_table(people=((0.012, 5000), (0.3, 60))))
    (people,) = fig.axes[0].child_axes
    assert isinstance(people, _AxesBase)
    tall = box(fig.axes[0])[3] - box(fig.axes[0])[1]
    assert 0.012 / 0.5 * tall < 6 < 0.02 / 0.5 * tall
    assert [label for _, label in ticks(people, "y")] == ["60"]
    other = next_trial.draw(next_table(people=((0.02, 5000), (0.3, 60))))
    (people,) = other.axes[0].child_axes
    assert isinstance(people, _AxesBase)
    assert [label for _, label in ticks(people, "y")] == ["60", "5,000"]
    assert next_trial.draw(next_table(people=())).axes[0].child_axes == []


def test_the_key_of_a_next_trial_says_which_side_is_which() -> None:
    """Benefit lies left where lower is better; it has one colour on whichever side it lies."""
    for better, words in (("lower", ("benefit", "harm")), ("higher", ("harm", "benefit"))):
        fig = next_trial.draw(next_table(better=better))
        (legend,) = fig.findobj(Legend)
        assert isinstance(legend, Legend)
        shown = [t.get_text() for t in legend.get_texts()]
        left, right = words
        assert shown == [
            f"excludes no difference: {left}", f"all beyond what matters: {left}",
            f"excludes no difference: {right}", f"all beyond what matters: {right}",
            "includes no difference", "pooled estimate now",
        ]  # fmt: skip
        shades = [h for h in legend.legend_handles if isinstance(h, Patch)]
        colours = {"benefit": style.EFFECT, "harm": style.PREDICTION}
        for shade, side in ((shades[0], left), (shades[2], right)):
            assert shade.get_facecolor()[:3] == Patch(fc=colours[side]).get_facecolor()[:3]
        drawn = [Patch(fc=colours[side]).get_facecolor()[:3] for side in words]
        assert [colour for colour, _ in edges_of(fig)] == [pytest.approx(each) for each in drawn]
    never = next_table(low=np.full((21, 41), -0.5), high=np.full((21, 41), 0.5), important=None)
    (legend,) = next_trial.draw(never).findobj(Legend)
    assert isinstance(legend, Legend)
    assert [t.get_text() for t in legend.get_texts()] == [
        "includes no difference",
        "pooled estimate now",
    ]


@pytest.mark.parametrize(("important", "rows"), [(None, 2), (0.5, 3)])
def test_the_panel_of_a_next_trial_leaves_its_key_the_room_it_needs(
    important: float | None, rows: int
) -> None:
    """The key stands on the panel, and both together are as tall as the panel of a chart."""
    fig = next_trial.draw(next_table(important=important, subtitle="Words above"))
    fig.draw_without_rendering()
    (legend,) = fig.findobj(Legend)
    assert isinstance(legend, Legend)
    ax, scale = fig.axes[0], 72 / fig.dpi
    key, panel = legend.get_window_extent(), box(ax)
    assert key.y0 * scale == pytest.approx(panel[3], abs=2.0)
    assert chart.HEIGHT - 6 < key.y1 * scale < chart.HEIGHT + 1
    assert len({round(t.get_window_extent().y0) for t in legend.get_texts()}) == rows


# -- priors -------------------------------------------------------------------------------------


def prior_table(**changes: Any) -> priors.PriorTable:
    row = priors.PriorRow
    rows = (
        row(label="As reported", estimate=-0.6, low=-1.7, high=0.5, bayes=False),
        row(label="One", estimate=-0.5, low=-1.1, high=0.2, bayes=True, p_benefit="0.91"),
        row(label="Two", estimate=-0.4, low=-0.9, high=0.1, bayes=True, protocol=True,
            p_important="0.40"),
    )  # fmt: skip
    table = {"title": "Priors", "subtitle": "", "rows": rows, "axis": PLAIN,
             "notes": ("First note.", "Second note.")} | changes  # fmt: skip
    return priors.PriorTable(**table)  # type: ignore[arg-type]


def test_priors_stand_on_rows_with_their_names_and_probabilities() -> None:
    """22 points from row to row; names at the left margin, probabilities end at the right one."""
    fig = priors.draw(prior_table())
    (ax,) = fig.axes
    rows = [at((ax, 0.0, i))[1] for i in range(3)]
    assert [rows[0] - rows[1], rows[1] - rows[2]] == pytest.approx([22, 22], abs=0.003)
    for i, name in enumerate(("As reported", "One", "Two")):
        assert at(word(fig, name)) == pytest.approx((style.MARGIN, rows[i]), abs=0.003)
    right = chart.WIDTH - style.MARGIN
    assert at(word(fig, "0.40")) == pytest.approx((right, rows[2]), abs=0.003)
    assert at(word(fig, "P(important)")) == pytest.approx((right, rows[0] + 25), abs=0.003)
    assert at(word(fig, "0.91"))[1] == pytest.approx(rows[1], abs=0.003)
    assert at(word(fig, "0.91"))[0] == at(word(fig, "P(benefit)"))[0] < right - 30
    assert paths(fig, "null") == [[(0, -0.5), (0, 2.5)]]


def test_a_long_name_of_a_prior_has_its_lines_about_its_row() -> None:
    long = "half-normal with a scale of 0.5, as in an earlier review of the same drug in adults"
    table = prior_table()
    first, *others = table.rows
    fig = priors.draw(replace(table, rows=(replace(first, label=long), *others)))
    (ax,) = fig.axes
    lines = [t for t in texts(fig) if t.get_text() and t.get_text() in long and at(t)[0] < 20]
    assert " ".join(t.get_text() for t in lines) == long
    heights = [at(t)[1] - at((ax, 0.0, 0.0))[1] for t in lines]
    step = style.BODY * style.LINE_HEIGHT
    middle = (len(lines) - 1) / 2
    assert len(lines) > 1
    assert heights == pytest.approx([(middle - i) * step for i in range(len(lines))], abs=0.003)


def test_the_sides_of_priors_stand_beside_no_effect_below_the_axis() -> None:
    """5 points to each side, 36 below the panel; the notes below them, the last at the margin."""
    fig = priors.draw(prior_table())
    (ax,) = fig.axes
    null, bottom = at((ax, 0.0, 0.0))[0], box(ax)[1]
    left, right = word(fig, "← for A"), word(fig, "for B →")
    assert at(left) == pytest.approx((null - 5, bottom - 36), abs=0.003)
    assert at(right) == pytest.approx((null + 5, bottom - 36), abs=0.003)
    assert (look(left)[0], look(right)[0]) == ("right", "left")
    first, last = at(word(fig, "First note.")), at(word(fig, "Second note."))
    assert last == (style.MARGIN, style.MARGIN)
    assert first[1] - last[1] == pytest.approx(style.SMALL * style.LINE_HEIGHT, abs=0.003)


def test_marks_of_priors_tell_the_result_from_the_posteriors() -> None:
    """A blue diamond with a bar twice as wide; circles, filled for the protocol's prior."""
    fig = priors.draw(prior_table())
    bars = labelled(fig, "interval", Line2D)
    assert [b.get_linewidth() for b in bars] == [2 * style.MEDIUM, style.MEDIUM, style.MEDIUM]
    assert [b.get_color() for b in bars] == [style.SUMMARY, style.INK, style.INK]
    assert paths(fig, "interval") == [
        [(-1.7, 0), (0.5, 0)], [(-1.1, 1), (0.2, 1)], [(-0.9, 2), (0.1, 2)],
    ]  # fmt: skip
    assert paths(fig, "pooled") == [[(-0.6, 0)]]
    assert paths(fig, "prior") == [[(-0.5, 1)], [(-0.4, 2)]]
    faces = [c.get_markerfacecolor() for c in labelled(fig, "prior", Line2D)]
    assert faces == [style.PAPER, style.INK]


@pytest.mark.parametrize(
    ("p", "shown"),
    [(0.0099, "< 0.01"), (0.01, "0.01"), (0.99, "0.99"), (0.9901, "> 0.99"), (math.nan, "")],
)
def test_probabilities_are_never_shown_as_certain(p: float, shown: str) -> None:
    """Below 1 % and above 99 % they are bounds."""
    assert priors._probability(p) == shown


# -- correlation --------------------------------------------------------------------------------


def test_the_sweep_of_correlations_is_drawn_with_its_names() -> None:
    """Curve, band and the assumed point at their values; ticks at tenths within the sweep."""
    table = rho_sweep.RhoTable(
        title="Rho", subtitle="", axis=PLAIN, rho=(0.15, 0.5, 0.8),
        estimate=(-0.5, -0.45, math.nan),
        ci_low=(-0.9, -0.8, math.nan), ci_high=(-0.1, -0.05, math.nan), assumed=(0.5, -0.45),
    )  # fmt: skip
    fig = rho_sweep.draw(table)
    (ax,) = fig.axes
    assert paths(fig, "estimate")[0][:2] == [(0.15, -0.5), (0.5, -0.45)]
    assert band_of(fig, "interval") == [(0.15, -0.9, -0.1), (0.5, -0.8, -0.05)]
    assert paths(fig, "assumed") == [[(0.5, -0.45)]]
    assert paths(fig, "null") == [[(0, 0), (1, 0)]]
    assert ax.get_xlim() == (0.15, 0.8)
    assert [(p, label) for p, label in ticks(ax)] == [(i / 10, f"0.{i}") for i in range(2, 9)]
    x0, _, x1, _ = box(ax)
    for name, value in (("no difference", 0.0), ("estimate", -0.45), ("95 % CI", -0.8)):
        place = x0 + 1.015 * (x1 - x0), at((ax, 0.2, value))[1]
        assert at(word(fig, name)) == pytest.approx(place, abs=0.003)


# -- specification curve ------------------------------------------------------------------------


def curve(n: int = 5, **changes: Any) -> specification_curve.SpecificationCurve:
    y = np.linspace(-0.6, 0.2, n)
    group = specification_curve.Group
    table = {
        "title": "Curve", "subtitle": "", "axis": PLAIN, "estimate": tuple(y.tolist()),
        "low": tuple((y - 0.3).tolist()), "high": tuple((y + 0.5).tolist()), "protocol": 3,
        "groups": (
            group(title="Test", levels=(("one", tuple(range(0, n, 2))),
                                        ("two", tuple(range(1, n, 2))))),
            group(title="Model", levels=(("fixed", tuple(range(n))),)),
        ),
        "others": (("Comparator: placebo", "12", "0.5 (0.1 to 0.9)", "30 %"),),
    } | changes  # fmt: skip
    return specification_curve.SpecificationCurve(**table)  # type: ignore[arg-type]


def segments(fig: Figure, label: str) -> list[list[tuple[float, float]]]:
    """The pieces of a line with gaps."""
    out = []
    for line in paths(fig, label):
        out += [line[i : i + 2] for i in range(0, len(line), 3)]
    return out


def test_specifications_stand_in_order_with_their_intervals() -> None:
    """Upright at 0, 1, 2, ...; those that exclude no difference apart; marks one dot wide."""
    table = curve()
    fig = specification_curve.draw(table)
    top = fig.axes[0]
    assert top.get_xlim() == (-0.5, 4.5)
    drawn = {seg[0][0]: (seg[0][1], seg[1][1]) for name in ("includes", "excludes")
             for seg in segments(fig, name)}  # fmt: skip
    low, high = top.get_ylim()
    for i in range(5):
        assert drawn[i] == pytest.approx((max(table.low[i], low), min(table.high[i], high)))
    assert [seg[0][0] for seg in segments(fig, "excludes")] == [0]  # -0.9 to -0.1
    marks = {
        round((a[0] + b[0]) / 2): (a[1], b[1], b[0] - a[0]) for a, b in segments(fig, "estimates")
    }
    step = (box(top)[2] - box(top)[0]) / 5
    for i in range(5):
        assert marks[i] == pytest.approx((table.estimate[i], table.estimate[i], 2.4 / step))
    (protocol,) = [p for p in paths(fig, "protocol") if len(p) == 1]
    assert protocol == [(3, table.estimate[3])]
    (interval,) = paths(fig, "protocol interval")
    assert [x for x, _ in interval] == [3, 3]
    ends = table.low[3], min(table.high[3], high)
    assert [y for _, y in interval] == pytest.approx(ends)


def test_levels_stand_in_rows_below_the_curve() -> None:
    """A heading and a line per level, 9.6 points apart, marks under their specifications."""
    fig = specification_curve.draw(curve())
    top, _, matrix = fig.axes
    assert box(top)[1] == pytest.approx(box(matrix)[3])
    assert box(top)[::2] == pytest.approx(box(matrix)[::2])
    assert box(top)[3] - box(top)[1] == pytest.approx(190)
    height = 9.6 * 5 + 9.0 * 2
    assert matrix.get_ylim() == pytest.approx((0, height))
    want = {"Test": height - 9 - 4.8, "one": height - 9 - 14.4, "two": height - 9 - 24.0,
            "Model": height - 18 - 33.6, "fixed": height - 18 - 43.2}  # fmt: skip
    for name, y in want.items():
        text = word(fig, name)
        assert dict(boxes(fig))[name].x0 == pytest.approx(
            style.MARGIN + (7 if name.islower() else 0), abs=0.8
        )
        middle = (dict(boxes(fig))[name].y0 + dict(boxes(fig))[name].y1) / 2
        assert middle == pytest.approx(box(matrix)[1] + y, abs=2.0)
        assert look(text)[3] == (style.MUTED if name.islower() else style.INK)
    for level, places in (("one", [0, 2, 4]), ("two", [1, 3]), ("fixed", [0, 1, 2, 3, 4])):
        pieces = segments(fig, level)
        assert [round((a[0] + b[0]) / 2, 6) for a, b in pieces] == places
        assert {round(a[1], 6) for a, _ in pieces} == {round(want[level], 6)}
    rule = [p for p in paths(fig, "protocol") if len(p) == 2]
    assert rule == [[(3, 0), (3, 1)]]


@pytest.mark.parametrize(("n", "one_line"), [(60, False), (80, True)])
def test_marks_that_touch_are_one_line(n: int, one_line: bool) -> None:
    """A mark is 4.8 points wide, or as wide as a specification where these are narrower."""
    fig = specification_curve.draw(curve(n))
    pieces = segments(fig, "fixed")
    assert (len(pieces) == 1) == one_line
    if one_line:
        assert [x for x, _ in pieces[0]] == [-0.5, n - 0.5]
    else:
        step = (box(fig.axes[0])[2] - box(fig.axes[0])[0]) / n
        assert (pieces[0][1][0] - pieces[0][0][0]) * step == pytest.approx(4.8)


def test_intervals_beyond_the_axis_are_cut_and_counted() -> None:
    """One of forty intervals is absurd: it is cut at the edge, and the key says how many are."""
    n = 40
    table = curve(n)
    low = list(table.low)
    low[5] = -50.0
    fig = specification_curve.draw(replace(table, low=tuple(low)))
    bottom, _ = fig.axes[0].get_ylim()
    assert bottom > -2
    cut = next(s for s in [*segments(fig, "includes"), *segments(fig, "excludes")] if s[0][0] == 5)
    assert cut[0][1] == bottom
    assert word_count(fig, "1 interval cut at the edge") + word_count(fig, "3 intervals cut") >= 1
    whole = specification_curve.draw(curve(5, low=(-0.5,) * 5, high=(0.5,) * 5))
    assert word_count(whole, "1 interval") == 0


def test_other_questions_are_lines_of_numbers_below() -> None:
    """Heads and cells begin at the same places; the first line follows its head."""
    fig = specification_curve.draw(curve())
    for head, cell, x in (
        ("Other questions, kept apart", "Comparator: placebo", style.MARGIN),
        ("different", "12", 200.0),
        ("median (range)", "0.5 (0.1 to 0.9)", 265.0),
        ("exclude null", "30 %", 385.0),
    ):
        assert at(word(fig, head))[0] == at(word(fig, cell))[0] == x
        assert at(word(fig, head))[1] - at(word(fig, cell))[1] == pytest.approx(11, abs=0.003)
        assert (look(word(fig, head))[3], look(word(fig, cell))[3]) == (style.MUTED, style.INK)
    assert at(word(fig, "Other questions, kept apart"))[1] == pytest.approx(
        style.MARGIN + 4 * 11 - 1.6 * 11, abs=0.003
    )


def test_the_key_of_a_curve_names_the_protocol_only_where_it_is_drawn() -> None:
    """Each sign ten points before its words, on one line above the curve."""
    fig = specification_curve.draw(curve())
    words = ("excludes no difference", "includes it", "the protocol's own")
    places = [at(word(fig, w)) for w in words]
    assert places[0][0] == pytest.approx(style.MARGIN + 10, abs=0.003)
    assert {y for _, y in places} == {places[0][1]}
    signs = list(fig.axes[1].lines)
    assert [s.get_marker() for s in signs] == ["s", "s", "D"]
    assert [s.get_color() for s in signs] == [style.SUMMARY, style.MUTED, style.PREDICTION]
    for sign, (x, _) in zip(signs, places, strict=True):
        assert float(np.asarray(sign.get_xdata())[0]) == pytest.approx(x - 7, abs=0.003)
        middle = at((fig.axes[1], 0.0, float(np.asarray(sign.get_ydata())[0])))[1]
        assert middle == pytest.approx(places[0][1], abs=0.003)
    bare = specification_curve.draw(curve(protocol=None))
    assert word_count(bare, "the protocol's own") == 0
    assert paths(bare, "protocol") == paths(bare, "protocol interval") == []


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0 %"), (0.0049, "<1 %"), (0.005, "<1 %"), (0.0051, "1 %"), (0.5, "50 %"),
     (0.9949, "99 %"),
     (0.995, ">99 %"), (1.0, "100 %")],
)  # fmt: skip
def test_shares_of_nearly_all_or_nothing_say_so(share: float, shown: str) -> None:
    """Only what is all or nothing reads so, half a percent from either included."""
    assert specification_curve._percent(share) == shown


# -- bubbles ------------------------------------------------------------------------------------


def bubble_table(n: int = 2, **changes: Any) -> bubble.BubbleTable:
    panel = bubble.Panel(
        label="Dose (mg/kg)", words="Slope per 0.1 mg/kg: 1.10", names=("Ash", "Elm", "Oak"),
        x=np.array([1.0, 3.0, 5.0]), y=np.array([-0.5, 0.2, 0.4]), area=np.array([1.0, 0.5, 0.01]),
        line=np.array([[1.0, -0.4, -0.8, 0.1], [5.0, 0.3, -0.1, 0.9]]),
    )  # fmt: skip
    return bubble.BubbleTable(
        title="Bubbles", subtitle="", axis=PLAIN, panels=(panel, replace(panel, label="Year"))[:n]
    )


def test_bubbles_lines_and_bands_stand_at_their_values() -> None:
    """Area by weight but never below 8; the axis of the covariate 6 % beyond the trials."""
    fig = bubble.draw(bubble_table(1))
    (ax,) = fig.axes
    (dots,) = labelled(fig, "trials", PathCollection)
    assert offsets(dots) == [(1.0, -0.5), (3.0, 0.2), (5.0, 0.4)]
    assert dots.get_sizes().tolist() == [90.0, 45.0, 8.0]
    assert paths(fig, "line") == [[(1.0, -0.4), (5.0, 0.3)]]
    assert band_of(fig, "band") == [(1.0, -0.8, 0.1), (5.0, -0.1, 0.9)]
    assert paths(fig, "null") == [[(0, 0), (1, 0)]]
    assert ax.get_xlim() == pytest.approx((1 - 0.24, 5 + 0.24))
    assert [(p, label) for p, label in ticks(ax)] == [(i, str(i)) for i in range(1, 6)]
    assert ax.get_xlabel() == "Dose (mg/kg)"
    heights = [
        labelled(fig, name, Artist)[0].get_zorder() for name in ("band", "null", "line", "trials")
    ]
    assert heights == sorted(set(heights))
    words = word(fig, bubble_table(1).panels[0].words)
    left, _, _, top = box(ax)
    assert at(words)[0] == pytest.approx(left, abs=0.002)
    assert top < at(words)[1] < top + 22 - style.SMALL  # above the panel, within its own room


def test_a_bubble_is_round() -> None:
    """Flattened, every point of its edge is half a diameter from its middle."""
    (dots,) = labelled(bubble.draw(bubble_table(1)), "trials", PathCollection)
    large = Affine2D().scale(200.0).transform_path(dots.get_paths()[0])
    (polygon,) = large.to_polygons(closed_only=False)
    edge = np.asarray(polygon)
    assert np.hypot(*edge.T) == pytest.approx(np.full(len(edge), 100.0), abs=0.1)
    assert len(edge) > 12


def test_panels_of_covariates_stand_below_each_other() -> None:
    """216 points each, the first on top, with its words above it."""
    fig = bubble.draw(bubble_table(2))
    one, two = (box(ax) for ax in fig.axes)
    assert one[1] - two[1] == pytest.approx(216)
    assert two[1] == pytest.approx(chart.BOTTOM)
    assert one[3] - one[1] == pytest.approx(216 - chart.BOTTOM - 22)
    assert one[::2] == pytest.approx([chart.LEFT, chart.WIDTH - chart.RIGHT])
    assert [ax.get_xlabel() for ax in fig.axes] == ["Dose (mg/kg)", "Year"]
    words = [at(t) for t in texts(fig) if t.get_text().startswith("Slope per")]
    assert words == [pytest.approx((b[0], b[3] + 22 / 3), abs=0.003) for b in (one, two)]
