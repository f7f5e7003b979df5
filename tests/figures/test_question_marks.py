"""The charts of a condition's questions (dose, time, networks) by where their marks stand."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import (
    PLAIN,
    at,
    box,
    boxes,
    corners,
    labelled,
    look,
    overlaps,
    paths,
    texts,
    ticks,
    word,
)
from matplotlib.collections import FillBetweenPolyCollection, LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon, Rectangle
from matplotlib.text import Annotation
from question_answers import network_answer

from trialpool.figures import (
    chart,
    comparison_adjusted_funnel,
    dose_response,
    net_heat,
    network_forest,
    network_graph,
    style,
    time_course,
)
from trialpool.figures.chart import Withheld
from trialpool.figures.dose_response import DoseTable
from trialpool.figures.lettering import wrap
from trialpool.figures.net_heat import HeatTable
from trialpool.figures.network_graph import NetworkGraph
from trialpool.figures.time_course import TimeTable, TrialCourse
from trialpool.question_answer import NetworkAnswer


def zorders(fig: Figure, *names: str) -> list[float]:
    return [
        min(a.get_zorder() for a in fig.findobj(lambda x, n=name: x.get_label() == n))  # type: ignore[misc]
        for name in names
    ]


# -- dose ---------------------------------------------------------------------------------------


def by_dose(**changes: Any) -> DoseTable:
    table = {
        "title": "Dose", "subtitle": "", "axis": PLAIN, "unit": "Dose (mg)",
        "dose": np.array([1.0, 1.0, 2.0, 1.0]), "estimate": np.array([-0.2, -0.5, -0.9, -0.35]),
        "low": np.array([-0.6, -1.1, -1.2, -0.8]), "high": np.array([0.3, 0.2, -0.5, 0.1]),
        "weight": np.array([4.0, 16.0, 8.0, 0.5]),
        "curve": np.array([(0.0, 0.0, 0.0, 0.0), (2.5, -1.0, -1.6, -0.3)]),
    } | changes  # fmt: skip
    return DoseTable(**table)  # type: ignore[arg-type]


def test_trials_of_one_dose_stand_side_by_side_about_it() -> None:
    """7 points apart, in the order of the table; one alone stands at its dose."""
    fig = dose_response.draw(by_dose())
    (ax,) = fig.axes
    places = [p[0] for p in paths(fig, "trial")]
    assert [y for _, y in places] == [-0.2, -0.5, -0.35, -0.9]
    wide, span = box(ax)[2] - box(ax)[0], ax.get_xlim()
    assert span == pytest.approx((-0.07 * 2.5, 1.07 * 2.5))
    step = 7 * (span[1] - span[0]) / wide
    assert [x for x, _ in places] == pytest.approx([1 - step, 1, 1 + step, 2])
    for (x, _), (low, high) in zip(places, paths(fig, "interval"), strict=True):
        assert low[0] == high[0] == x
    assert [(a[1], b[1]) for a, b in paths(fig, "interval")] == [
        (-0.6, 0.3), (-1.1, 0.2), (-0.8, 0.1), (-1.2, -0.5),
    ]  # fmt: skip


def test_many_trials_of_one_dose_move_together() -> None:
    """32 points from the first to the last at most, and half of the way to the next dose."""
    n = 20
    flat = {name: np.full(n + 1, v) for name, v in
            (("estimate", -0.3), ("low", -0.5), ("high", 0.1), ("weight", 1.0))}  # fmt: skip
    fig = dose_response.draw(by_dose(dose=np.array([1.0] * n + [2.0]), **flat))
    (ax,) = fig.axes
    unit = (box(ax)[2] - box(ax)[0]) / (ax.get_xlim()[1] - ax.get_xlim()[0])
    x = [p[0][0] for p in paths(fig, "trial")]
    assert (x[1] - x[0]) * unit == pytest.approx(32 / n)
    near = dose_response.draw(by_dose(dose=np.array([1.0] * n + [1.05]), **flat))
    x = [p[0][0] for p in paths(near, "trial")]
    assert x[1] - x[0] == pytest.approx(0.05 / (n + 1))


def test_the_area_of_a_dot_is_its_precision() -> None:
    """The heaviest 11 points wide, none below 3."""
    fig = dose_response.draw(by_dose())
    sizes = [line.get_markersize() for line in labelled(fig, "trial", Line2D)]
    assert sizes == pytest.approx([11 / 2, 11, 3, 11 * math.sqrt(0.5)])


def test_the_curve_of_doses_has_its_band_and_its_axes() -> None:
    """Curve and band at their values; the sides named upright; doses labelled as they are."""
    fig = dose_response.draw(by_dose())
    (ax,) = fig.axes
    assert paths(fig, "curve") == [[(0, 0), (2.5, -1.0)]]
    (band,) = labelled(fig, "band", FillBetweenPolyCollection)
    y = np.asarray(band.get_paths()[0].vertices)[:, 1]
    assert (y.min(), y.max()) == (-1.6, 0)
    low, high = ax.get_ylim()
    assert low < -1.6 < 0 < high
    assert paths(fig, "null") == [[(0, 0), (1, 0)]]
    assert ax.get_xlabel() == "Dose (mg)"
    assert [(float(label), p) for p, label in ticks(ax)] == [(p, p) for p, _ in ticks(ax)]
    assert at(word(fig, "← for A"))[0] == pytest.approx(box(ax)[2] + 8, abs=0.003)
    assert zorders(fig, "band", "null", "curve", "interval", "trial") == sorted(
        set(zorders(fig, "band", "null", "curve", "interval", "trial"))
    )


def test_the_axis_of_doses_ends_with_the_farther_of_curve_and_trials() -> None:
    """A trial beyond the curve stretches the axis."""
    far = dose_response.draw(by_dose(dose=np.array([1.0, 1.0, 4.0, 1.0])))
    assert far.axes[0].get_xlim() == pytest.approx((-0.28, 4.28))


# -- time ---------------------------------------------------------------------------------------


def course(name: str, day: list[float], estimate: list[float]) -> TrialCourse:
    y = np.array(estimate)
    return TrialCourse(name=name, day=np.array(day), estimate=y, low=y - 0.2, high=y + 0.3)


def over_time(*trials: TrialCourse, **changes: Any) -> TimeTable:
    made = trials or (
        course("Ash", [1.0, 7.0], [-0.9, -0.4]),
        course("Elm", [7.0, 30.0], [-0.6, -0.45]),
        course("Oak", [1 / 24], [-0.1]),
    )
    table = {
        "title": "Time", "subtitle": "", "axis": PLAIN, "trials": made,
        "curve": np.array([(1 / 24, -0.1, -0.4, 0.1), (30.0, -0.5, -0.8, -0.2)]),
    } | changes  # fmt: skip
    return TimeTable(**table)  # type: ignore[arg-type]


def test_effects_stand_at_their_days_and_those_of_one_day_side_by_side() -> None:
    """5 points apart about the day, in the order of the trials; joined within a trial."""
    fig = time_course.draw(over_time())
    (ax,) = fig.axes
    assert ax.get_xscale() == "log"
    ash, elm, oak = paths(fig, "trial")
    point = np.log(ax.get_xlim()[1] / ax.get_xlim()[0]) / (box(ax)[2] - box(ax)[0])
    assert ash[0] == (1.0, -0.9)
    assert oak == [(1 / 24, -0.1)]
    assert ash[1][0] == pytest.approx(7 * math.exp(-2.5 * point))
    assert elm[0][0] == pytest.approx(7 * math.exp(2.5 * point))
    assert elm[1] == (30.0, -0.45)
    for bars, line in zip(labelled(fig, "interval", LineCollection), (ash, elm, oak), strict=True):
        want = [[(x, y - 0.2), (x, y + 0.3)] for x, y in line]
        assert np.array(bars.get_segments()) == pytest.approx(np.array(want))


def test_days_that_lie_close_keep_their_order() -> None:
    """Effects of one day take no more than their part of the way to the next day."""
    many = [course(f"T{i}", [10.0], [-0.1 * i]) for i in range(6)]
    fig = time_course.draw(over_time(*many, course("Next", [10.2], [0.3])))
    x = [p[0][0] for p in paths(fig, "trial")]
    assert x == sorted(x)
    steps = np.diff(np.log(x[:6]))
    assert steps == pytest.approx([math.log(10.2 / 10) / 7] * 5)
    alone = [course(f"T{i}", [10.0], [-0.1 * i]) for i in range(6)]
    fig = time_course.draw(over_time(*alone, course("Far", [300.0], [0.3])))
    (ax,) = fig.axes
    point = np.log(ax.get_xlim()[1] / ax.get_xlim()[0]) / (box(ax)[2] - box(ax)[0])
    x = [p[0][0] for p in paths(fig, "trial")]
    assert np.diff(np.log(x[:6])) == pytest.approx([24 * point / 6] * 5)


def test_an_interval_of_a_course_ends_at_the_axis() -> None:
    """An absurd one is cut, the others are whole."""
    usual = [course(f"T{i}", [1.0 + i], [-0.3]) for i in range(4)]
    wide = replace(usual[0], low=np.array([-90.0]), high=np.array([0.1]))
    fig = time_course.draw(over_time(wide, *usual[1:]))
    low, _ = fig.axes[0].get_ylim()
    assert low > -10
    first, second, *_ = labelled(fig, "interval", LineCollection)
    assert first.get_segments()[0][:, 1].tolist() == pytest.approx([low, 0.1])
    assert second.get_segments()[0][:, 1].tolist() == pytest.approx([-0.5, 0.0])


def test_the_axis_of_days_names_those_that_a_reader_knows() -> None:
    """At their places, well known ones first, 26 points apart."""
    fig = time_course.draw(over_time())
    (ax,) = fig.axes
    known = {1 / 24: "1 h", 1.0: "1 d", 7.0: "1 wk", 30.0: "1 mo", 14.0: "2 wk", 3.0: "3 d",
             4 / 24: "4 h", 60.0: "2 mo"}  # fmt: skip
    shown = dict(ticks(ax))
    assert all(known[place] == label for place, label in shown.items())
    assert {1 / 24, 1.0, 7.0, 30.0} <= set(shown)
    unit = (box(ax)[2] - box(ax)[0]) / np.log(ax.get_xlim()[1] / ax.get_xlim()[0])
    gaps = [abs(math.log(a / b)) * unit for a, b in combinations(shown, 2)]
    assert min(gaps) >= 26
    left_out = [d for d in known if d not in shown and ax.get_xlim()[0] <= d <= ax.get_xlim()[1]]
    assert all(min(abs(math.log(d / o)) * unit for o in shown) < 26 for d in left_out)
    pad = math.log(1 / 24 / ax.get_xlim()[0])
    assert pad == pytest.approx(math.log(ax.get_xlim()[1] / 30))
    span, wide = math.log(30 * 24), box(ax)[2] - box(ax)[0]
    assert pad == pytest.approx(max(24 * span / (wide - 48), 0.3))
    one_day = time_course.draw(over_time(course("Ash", [1.0], [-0.3])))
    assert one_day.axes[0].get_xlim() == pytest.approx((math.exp(-0.3), math.exp(0.3)))


def test_names_of_courses_stand_at_the_heights_of_their_last_dots() -> None:
    """Beside the panel, each with a thread to its dot; the sides of the axis beyond them."""
    fig = time_course.draw(over_time())
    (ax,) = fig.axes
    x1 = box(ax)[2]
    wanted = {"Ash": -0.4, "Elm": -0.45, "Oak": -0.1}
    heights = {name: at(word(fig, name))[1] for name in wanted}
    assert heights["Oak"] == pytest.approx(at((ax, 1.0, -0.1))[1], abs=0.003)
    assert heights["Ash"] - heights["Elm"] >= 9 - 0.01
    assert {round(at(word(fig, n))[0], 2) for n in wanted} == {round(x1 + 7.8, 2)}
    threads = [a for a in ax.texts if isinstance(a, Annotation)]
    assert len(threads) == 3
    for thread, line, name in zip(threads, paths(fig, "trial"), wanted, strict=True):
        assert thread.xy == pytest.approx(line[-1])
        xytext = thread.xyann
        assert xytext[0] == pytest.approx(1 + 6 / (x1 - box(ax)[0]))
        tall = box(ax)[3] - box(ax)[1]
        assert box(ax)[1] + xytext[1] * tall == pytest.approx(heights[name], abs=0.003)
    assert at(word(fig, "← for A"))[0] > max(b.x1 for t, b in boxes(fig) if t in wanted)
    many = [course(f"T{i}", [1.0 + i], [-0.3]) for i in range(13)]
    assert not any(t.get_text() == "T3" for t in texts(time_course.draw(over_time(*many))))


@pytest.mark.parametrize(
    ("wanted", "tall", "placed"),
    [([50.0, 10.0], 100.0, [50.0, 10.0]), ([50.0, 52.0, 48.0], 100.0, [57.0, 66.0, 48.0]),
     ([99.0, 98.0], 100.0, [95.5, 86.5]), ([-5.0, 0.0], 100.0, [4.5, 13.5]),
     ([95.5, 95.5, 95.5], 100.0, [77.5, 86.5, 95.5])],
)  # fmt: skip
def test_heights_are_moved_apart_within_the_panel(
    wanted: list[float], tall: float, placed: list[float]
) -> None:
    """Nine points between two, half of that from the ends, in the order that was wanted."""
    assert time_course._spread(wanted, tall) == pytest.approx(placed)


def test_a_course_without_a_model_has_no_curve() -> None:
    """And with one, the curve and its band at their values."""
    fig = time_course.draw(over_time())
    assert paths(fig, "curve") == [[(1 / 24, -0.1), (30.0, -0.5)]]
    (band,) = labelled(fig, "band", FillBetweenPolyCollection)
    y = np.asarray(band.get_paths()[0].vertices)[:, 1]
    assert (y.min(), y.max()) == (-0.8, 0.1)
    bare = time_course.draw(over_time(curve=np.empty((0, 4))))
    assert paths(bare, "curve") == []
    assert labelled(bare, "band", FillBetweenPolyCollection) == []
    names = ("band", "null", "interval", "trial", "curve")
    assert zorders(fig, *names) == sorted(set(zorders(fig, *names)))


# -- networks: graph ----------------------------------------------------------------------------


def graph(n: int = 4, **changes: Any) -> NetworkGraph:
    table = {
        "title": "Graph", "subtitle": "", "names": tuple(f"Node {i}" for i in range(n)),
        "people": tuple(100.0 * (i + 1) for i in range(n)),
        "edges": ((0, 1, 1), (0, 2, 3), (1, 2, 2), (2, 3, 1)), "several": ((0, 1, 2),),
    } | changes  # fmt: skip
    return NetworkGraph(**table)


def test_nodes_stand_on_a_circle_clockwise_from_the_top() -> None:
    """Their areas are as the people, none smaller than 4 points; unknown people are smallest."""
    fig = network_graph.draw(graph(people=(100.0, 400.0, math.nan, 1.0)))
    nodes = labelled(fig, "node", Circle)
    centres = [tuple(round(float(v), 6) for v in node.center) for node in nodes]
    assert centres == [(0, 112), (112, 0), (0, -112), (-112, 0)]
    assert [node.get_radius() for node in nodes] == pytest.approx([7.5, 15, 4, 4])
    (ax,) = fig.axes
    unit = (box(ax)[2] - box(ax)[0]) / (ax.get_xlim()[1] - ax.get_xlim()[0])
    assert unit == pytest.approx(1)  # data units are points
    assert (box(ax)[3] - box(ax)[1]) / (ax.get_ylim()[1] - ax.get_ylim()[0]) == pytest.approx(1)
    assert ax.get_xlim() == pytest.approx((-chart.WIDTH / 2, chart.WIDTH / 2))
    assert box(ax) == pytest.approx([0.0, style.MARGIN / 2, chart.WIDTH, 356.0])


def test_edges_are_as_wide_as_their_trials() -> None:
    """From 0.8 points for one trial to 7 for the most; each between its nodes, with its number."""
    fig = network_graph.draw(graph())
    drawn = {line.get_linewidth(): paths(fig, "edge")[i]
             for i, line in enumerate(labelled(fig, "edge", Line2D))}  # fmt: skip
    assert sorted(drawn) == pytest.approx([0.8, 3.9, 7.0])
    for width, ends in drawn.items():
        places = [tuple(np.round(p, 6)) for p in ends if not math.isnan(p[0])]
        if width == pytest.approx(7.0):
            assert places == [(0, 112), (0, -112)]
        if width == pytest.approx(3.9):
            assert places == [(112, 0), (0, -112)]
        if width == pytest.approx(0.8):
            assert places == [(0, 112), (112, 0), (0, -112), (-112, 0)]
    assert [t.get_text() for t in fig.axes[0].texts][:4] == ["1", "3", "2", "1"]
    (first, *_) = (t for t in fig.axes[0].texts if t.get_text() == "3")
    assert first.get_position() == pytest.approx((0, 0), abs=1e-6)


def test_numbers_of_edges_keep_off_each_other_and_other_edges() -> None:
    """Two edges that cross in the middle: at most one number stands there."""
    cross = graph(edges=((0, 2, 5), (1, 3, 6)), several=())
    fig = network_graph.draw(cross)
    numbers = [np.array(t.get_position()) for t in fig.axes[0].texts if t.get_text() in "56"]
    assert len(numbers) == 2
    assert float(np.hypot(*(numbers[0] - numbers[1]))) > 2 * 7
    # each is more than 7 points from the other's edge
    assert abs(numbers[0][1]) > 7
    assert abs(numbers[1][0]) > 7


def test_distances_from_a_line_end_at_its_ends() -> None:
    """Beside it, the height above it; beyond it, the way to its end."""
    line = np.array([(0.0, 0.0), (10.0, 0.0)])
    for place, far in (((5, 3), 3), ((13, 4), 5), ((-3, -4), 5), ((10, 0), 0)):
        assert network_graph._distance(np.array(place, float), line) == pytest.approx(far)


def test_trials_of_several_arms_are_shaded_behind_all() -> None:
    """The polygon of their nodes."""
    fig = network_graph.draw(graph())
    (shade,) = labelled(fig, "several", Polygon)
    assert {tuple(np.round(c, 6)) for c in corners(shade)} == {(0, 112), (112, 0), (0, -112)}
    names = ("several", "edge", "node")
    assert zorders(fig, *names) == sorted(set(zorders(fig, *names)))


def test_names_around_the_circle_stand_outside_their_nodes() -> None:
    """5 points beyond the node: above the top one, beside those at the sides, with people below."""
    fig = network_graph.draw(graph(people=(100.0, 400.0, 900.0, math.nan)))
    ax = fig.axes[0]
    radii = [node.get_radius() for node in labelled(fig, "node", Circle)]
    right, left = word(fig, "Node 1"), word(fig, "Node 3")
    assert right.get_position()[0] == pytest.approx(112 + radii[1] + 5)
    assert left.get_position()[0] == pytest.approx(-112 - radii[3] - 5)
    assert [look(t)[0] for t in (right, left, word(fig, "Node 0"))] == ["left", "right", "center"]
    line = style.SMALL * style.LINE_HEIGHT
    lift = style.CAP_MIDDLE * style.SMALL
    top = word(fig, "Node 0").get_position()[1]
    assert top == pytest.approx(112 + radii[0] + 5 + 2 * line - line / 2 - lift)
    below = word(fig, "Node 2").get_position()[1]
    assert below == pytest.approx(-112 - radii[2] - 5 - line / 2 - lift)
    assert right.get_position()[1] == pytest.approx(line / 2 - lift)
    people = word(fig, "n = 400")
    assert right.get_position()[1] - people.get_position()[1] == pytest.approx(line)
    assert (look(right)[1], look(people)[1]) == ("bold", "normal")
    assert (look(right)[3], look(people)[3]) == (style.INK, style.MUTED)
    assert not any("nan" in t.get_text() for t in ax.texts)


@pytest.mark.parametrize(("n", "columns"), [(10, False), (11, True)])
def test_many_names_stand_in_two_columns(n: int, columns: bool) -> None:
    """From eleven nodes on; each name has a line to its node, and none touches another."""
    edges = tuple((0, i, 1) for i in range(1, n))
    fig = network_graph.draw(graph(n, edges=edges, several=()))
    leaders = paths(fig, "leader")
    assert len(leaders) == (n if columns else 0)
    if not columns:
        return
    nodes = [tuple(np.round(c.center, 6)) for c in labelled(fig, "node", Circle)]
    assert {tuple(np.round(line[0], 6)) for line in leaders} == set(nodes)
    assert {abs(line[1][0]) for line in leaders} == {98.0 + 20.0}
    assert all((line[0][0] > -1e-6) == (line[1][0] > 0) for line in leaders)
    for side in (1, -1):
        heights = [line[1][1] for line in leaders if line[1][0] * side > 0]
        assert heights == sorted(heights, reverse=True)
        assert min(-np.diff(heights)) >= style.SMALL * style.LINE_HEIGHT - 1e-9
        wanted = [line[0][1] for line in leaders if line[1][0] * side > 0]
        assert np.mean(heights) == pytest.approx(np.mean(wanted))
    assert overlaps(fig) == []
    name = next(t for t in fig.axes[0].texts if t.get_text() == "Node 1 (n = 200)")
    assert name.get_position()[0] == pytest.approx(98 + 20 + 5)
    assert look(name)[:2] == ("left", "normal")


def test_a_line_from_a_node_ends_at_the_middle_of_its_name() -> None:
    """Also where names of several lines push the others of their side away from their nodes."""
    n = 26
    long = "a treatment with a name of three lines that has to be broken and broken again, "
    names = tuple(f"{long * 3 if i in (2, 3) else 'Node'} {i}" for i in range(n))
    edges = tuple((0, i, 1) for i in range(1, n))
    table = graph(n, names=names, edges=edges, several=())
    fig = network_graph.draw(table)
    ends = {tuple(np.round(start, 3)): end for start, end in paths(fig, "leader")}
    nodes = [tuple(np.round(c.center, 3)) for c in labelled(fig, "node", Circle)]
    at_height = {t.get_text(): t.get_position()[1] for t in fig.axes[0].texts}
    lift, pushed = style.CAP_MIDDLE * style.SMALL, 0
    for i, node in enumerate(nodes):
        if i not in (2, 3):
            _, y = ends[node]
            assert at_height[f"Node {i} (n = {100 * (i + 1)})"] + lift == pytest.approx(y, abs=0.01)
            pushed += abs(y - node[1]) > 10
    assert pushed > 3


def test_the_graph_counts_trials_and_pairs() -> None:
    """A trial of three arms is three contrasts and one shade; the order of a pair is no matter."""
    contrasts = pd.DataFrame(
        [("t1", "a", "b"), ("t2", "b", "a"), ("t3", "a", "b"), ("t3", "a", "c"), ("t3", "b", "c")],
        columns=["trial_id", "treatment_1", "treatment_2"],
    )
    nodes = pd.DataFrame({"treatment": ["a", "b", "c"], "people": [10.0, 20.0, math.nan]})
    table = network_graph.rows(contrasts, nodes, network_answer())
    assert isinstance(table, NetworkGraph)
    assert table.edges == ((0, 1, 3), (0, 2, 1), (1, 2, 1))
    assert table.several == ((0, 1, 2),)
    assert table.subtitle.startswith("3 trials. Circles: people. Lines and numbers")
    assert "three arms" in table.subtitle
    few = network_graph.rows(contrasts, nodes.iloc[:2], network_answer())
    assert isinstance(few, Withheld)


# -- networks: heat -----------------------------------------------------------------------------


def heat() -> HeatTable:
    return HeatTable(
        title="Heat", subtitle="", designs=("1  a v b", "2  b v c", "3  a v c"),
        change=np.array([[4.0, -2.0, 0.1], [-1.0, 1.0, 0.0], [0.04, 2.0, -4.0]]),
        share=np.array([[0.64, 0.01, 0.0], [0.25, 0.5, 0.011], [0.04, 0.3, 0.36]]),
    )  # fmt: skip


def test_cells_of_the_heat_stand_in_rows_and_columns() -> None:
    """Row i down, column j across, 46 points a side; orange above 0, blue below, paler near 0."""
    fig = net_heat.draw(heat())
    cells = {(c.get_x(), c.get_y()): c for c in labelled(fig, "cell", Rectangle)}
    assert set(cells) == {(0, 0), (46, 0), (0, 46), (46, 46), (46, 92), (92, 92)}
    assert {(c.get_width(), c.get_height()) for c in cells.values()} == {(46, 46)}
    colour = {place: np.array(to_rgb(cell.get_facecolor())) for place, cell in cells.items()}
    assert colour[0, 0][0] > colour[0, 0][2]
    assert colour[92, 92][0] < colour[92, 92][2]
    assert colour[0, 0][2] < colour[46, 92][2] < colour[46, 46][2]  # 4, 2, 1
    mixed = 0.25 * np.array(to_rgb(style.PAPER)) + 0.75 * np.array(to_rgb(style.MARKED))
    assert colour[0, 0] == pytest.approx(mixed)
    (ax,) = fig.axes
    assert ax.get_ylim() == pytest.approx((138, -(style.SMALL * style.LINE_HEIGHT + 4)))
    assert ax.get_xlim() == (0, 138)
    assert box(ax)[2] - box(ax)[0] == pytest.approx(138)
    assert box(ax)[1] == pytest.approx(style.MARGIN)


def test_squares_of_the_heat_have_the_area_of_their_share() -> None:
    """In the middle of their cells; a hundredth or less is not seen."""
    fig = net_heat.draw(heat())
    squares = {
        (round(s.get_x() + s.get_width() / 2), round(s.get_y() + s.get_height() / 2)): s.get_width()
        for s in labelled(fig, "share", Rectangle)
    }
    want = {(23, 23): 0.64, (23, 69): 0.25, (69, 69): 0.5, (115, 69): 0.011, (23, 115): 0.04,
            (69, 115): 0.3, (115, 115): 0.36}  # fmt: skip
    assert set(squares) == set(want)
    for place, share in want.items():
        assert squares[place] == pytest.approx(46 * math.sqrt(share))


def test_cells_have_their_numbers_and_lines_their_names() -> None:
    """A plus where it does not round to 0; names end 6 points before the first column."""
    fig = net_heat.draw(heat())
    numbers = {tuple(t.get_position()): t.get_text() for t in fig.axes[0].texts
               if look(t)[0] == "center" and t.get_position()[1] > 0}  # fmt: skip
    assert numbers == {
        (23, 23): "+4.0", (69, 23): "−2.0", (115, 23): "+0.1", (23, 69): "−1.0", (69, 69): "+1.0",
        (115, 69): "0.0", (23, 115): "0.0", (69, 115): "+2.0", (115, 115): "−4.0",
    }  # fmt: skip
    lift = style.CAP_MIDDLE * style.SMALL
    for i, name in enumerate(heat().designs):
        assert word(fig, name).get_position() == pytest.approx((-6, 46 * (i + 0.5) + lift))
    heads = [t for t in fig.axes[0].texts if t.get_text() in "123" and t.get_position()[1] == -5]
    assert [t.get_position()[0] for t in heads] == [23, 69, 115]


def test_a_long_design_has_two_lines_about_its_row_the_second_cut() -> None:
    """What would be a third line is an ellipsis; two lines are whole."""
    two = "1  an active placebo that looks the same v waiting list"
    three = f"2  {two} v usual care and attention by the same people"
    fig = net_heat.draw(replace(heat(), designs=(two, three, "3  a v c")))
    whole, cut = (wrap(name, 140.0, style.SMALL) for name in (two, three))
    assert (len(whole), len(cut) > 2) == (2, True)
    shown = [t for t in fig.axes[0].texts if t.get_position()[0] == -6]
    assert [t.get_text() for t in shown] == [*whole, cut[0], f"{cut[1][:-1]}…", "3  a v c"]
    heights = [t.get_position()[1] - style.CAP_MIDDLE * style.SMALL for t in shown]
    half = style.SMALL * style.LINE_HEIGHT / 2
    assert heights == pytest.approx([23 - half, 23 + half, 69 - half, 69 + half, 115])


def test_the_heat_shows_the_twelve_designs_with_most_of_q() -> None:
    """In their order; nine have no numbers in their cells, eight have."""
    d = 14
    part_q = np.array([5.0, 0.1, 4, 3, 2, 6, 7, 8, 9, 0.2, 11, 12, 13, 14])
    names = [f"a{i:02}:b" for i in range(d)]
    heat_table = pd.DataFrame(
        [{"design": names[i], "other_design": names[j], "change": part_q[i] if i == j else 0.01 * i,
          "share": 0.1} for i in range(d) for j in range(d)]
    )  # fmt: skip
    answer = network_answer(q_between=9.87, q_between_df=5, q_between_pval=0.03)
    table = net_heat.rows(heat_table, answer)
    assert isinstance(table, HeatTable)
    kept = [name for i, name in enumerate(names) if i not in (1, 9)]
    assert table.designs == tuple(
        f"{i + 1}  {name.replace(':', ' v ')}" for i, name in enumerate(kept)
    )
    assert np.diag(table.change).tolist() == [v for v in part_q if v not in (0.1, 0.2)]
    assert "The 12 of 14 designs" in table.subtitle
    assert "Q between designs 9.9 on 5 df (p = 0.030)" in table.subtitle
    for n, numbered in ((8, True), (9, False)):
        part = replace(
            table, designs=table.designs[:n], change=table.change[:n, :n], share=table.share[:n, :n]
        )
        cells = [
            t for t in net_heat.draw(part).axes[0].texts if t.get_verticalalignment() == "center"
        ]
        assert (len(cells) == n * n) == numbered
        assert bool(cells) == numbered


# -- networks: funnel and forest ----------------------------------------------------------------


def contrasts(n: int = 10) -> pd.DataFrame:
    """Trials of two comparisons, some turned round, and one comparison of a single trial."""
    lines: list[tuple[str, str, str, float, float]] = []
    for i in range(n - 4):
        pair, sign = (("a", "ref"), 1) if i % 2 else (("ref", "a"), -1)
        lines.append((f"t{i}", *pair, sign * (-0.3 - 0.1 * i), 0.1 + 0.02 * i))
    lines += [(f"u{i}", "b", "a", 0.2 * i, 0.2) for i in range(4)]
    lines += [("v", "b", "ref", 9.0, 0.1)]
    return pd.DataFrame(lines, columns=["trial_id", "treatment_1", "treatment_2", "yi", "vi"])


def of_ref(**facts: Any) -> NetworkAnswer:
    return network_answer(nodes=["ref", "a", "b"], reference="ref", **facts)


def test_dots_of_the_adjusted_funnel_are_about_the_mean_of_their_comparison() -> None:
    """Turned to one direction (a over the reference), less their common effect."""
    table = comparison_adjusted_funnel.rows(contrasts(), of_ref())
    assert isinstance(table, comparison_adjusted_funnel.AdjustedFunnel)
    assert table.comparisons == ("a v ref", "a v b")
    y = np.array([-0.3 - 0.1 * i for i in range(6)])
    v = np.array([0.1 + 0.02 * i for i in range(6)])
    other = -np.array([0.2 * i for i in range(4)])
    want = [*(y - (y / v).sum() / (1 / v).sum()), *(other - other.mean())]
    assert table.away == pytest.approx(want)
    assert table.sei == pytest.approx([*np.sqrt(v), *[math.sqrt(0.2)] * 4])
    assert table.subtitle.startswith("10 results of 2 comparisons")
    fig = comparison_adjusted_funnel.draw(table)
    deepest = 1.08 * float(table.sei.max())
    assert fig.axes[0].get_ylim() == pytest.approx((deepest, 0))
    (dots,) = paths(fig, "trials")
    assert np.array(dots) == pytest.approx(np.column_stack([table.away, table.sei]))
    (limits,) = paths(fig, "limits")
    reach = 1.959964 * deepest
    assert np.array(limits) == pytest.approx(
        np.array([(-reach, deepest), (0, 0), (reach, deepest)]), rel=1e-6
    )
    assert fig.axes[0].get_xlim()[0] < -reach
    names = ("null", "limits", "trials")
    assert zorders(fig, *names) == sorted(set(zorders(fig, *names)))


@pytest.mark.parametrize(("n", "drawn"), [(9, False), (10, True)])
def test_the_adjusted_funnel_needs_ten_trials(n: int, drawn: bool) -> None:
    """In comparisons of two or more: the single one does not count."""
    table = comparison_adjusted_funnel.rows(contrasts(n), of_ref())
    assert isinstance(table, Withheld) != drawn
    if isinstance(table, Withheld):
        assert table.reason == "9 trials in comparisons of two trials or more, and 10 are needed"


def test_the_network_forest_orders_by_p_score_then_name() -> None:
    """The best first; equal ones by name; numbers in their columns."""
    effects = pd.DataFrame(
        [("random", "b", -0.2, -0.5, 0.1, 3.0), ("random", "c", -0.6, -0.9, -0.3, 0.0),
         ("random", "a", -0.1, -0.4, 0.2, 12.0), ("common", "a", 9.0, 8.0, 10.0, 1.0)],
        columns=["model", "treatment", "estimate", "ci_low", "ci_high", "k"],
    )  # fmt: skip
    scores = pd.DataFrame(
        {"treatment": ["ref", "a", "b", "c"], "p_score": [0.126, 0.5, 0.5, 0.987]}
    )
    answer = of_ref(k=15, n=4, method="REML", tau2=0.0312, cautions=["Few trials."])
    table = network_forest.rows(effects, scores, answer)
    assert not isinstance(table, Withheld)
    assert [(r.label, r.estimate, r.low, r.high, r.cells) for r in table.rows] == [
        ("c", -0.6, -0.9, -0.3, ("−0.60 (−0.90 to −0.30)", "0", "0.99")),
        ("a", -0.1, -0.4, 0.2, ("−0.10 (−0.40 to 0.20)", "12", "0.50")),
        ("b", -0.2, -0.5, 0.1, ("−0.20 (−0.50 to 0.10)", "3", "0.50")),
    ]
    assert "15 trials, 4 treatments; random effects (REML), τ² = 0.031." in table.subtitle
    assert table.subtitle.endswith("ref has 0.13. Few trials.")
