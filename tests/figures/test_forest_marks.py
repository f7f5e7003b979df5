"""The forest plot by where its marks and words stand, in data units and in points.

Tables are made up so that no two columns agree: the bounds of a trial are not those of the pooled
effect nor of the prediction, and the people randomised are not those analysed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import (
    PLAIN,
    at,
    boxes,
    corners,
    faces,
    labelled,
    look,
    offsets,
    path,
    paths,
    texts,
    ticks,
    word,
)
from forest_cases import ABSENT, DOMAINS, Case, case, counts, judged, scores
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.textpath import TextPath

from trialpool.figures import forest_axis, forest_columns, forest_rows, forest_text, style
from trialpool.figures.forest import ForestTable, draw, rows
from trialpool.figures.forest_axis import ForestAxis
from trialpool.figures.forest_layout import plan
from trialpool.figures.lettering import font, width, wrap
from trialpool.tables import records

ROW = 15.0  # points from one line of the table to the next


def table_of(one: Case) -> ForestTable:
    return rows(one.studies, one.result, one.missing, one.risk_of_bias)


def panel(fig: Figure) -> Axes:
    return next(ax for ax in fig.axes if ax.get_label() == "plot")


def on_linear(*intervals: tuple[float, float, float], **changes: Any) -> ForestTable:
    """Trials with these (estimate, low, high) on an axis from -2 to 2."""
    lines = scores(len(intervals))
    for line, (estimate, low, high) in zip(lines, intervals, strict=True):
        line |= {"estimate": estimate, "ci_low": low, "ci_high": high}
    axis = ForestAxis(
        scale="linear", null=0.0, limits=(-2.0, 2.0), ticks=(-2.0, 0.0, 1.5),
        tick_labels=("−2.0", "0.0", "1.5"),
    )  # fmt: skip
    return replace(table_of(case(lines, **changes)), axis=axis)


def arrows(fig: Figure) -> list[tuple[float, float, object]]:
    """Place and direction of each arrow."""
    return [(*path(line)[0], line.get_marker()) for line in labelled(fig, "arrow", Line2D)]


# -- intervals, arrows, squares ---------------------------------------------------------------


def test_an_interval_that_leaves_the_axis_has_its_arrow_at_that_end_and_only_there() -> None:
    """Cut below, above, at both ends; one that just touches the ends is whole."""
    fig = draw(on_linear((-1, -3, 1), (0.5, -1, 3), (0, -4, 5), (0.1, -2, 2), (0.3, -1, 1.5)))
    y = [round(mark[0][1], 6) for mark in paths(fig, "ci")]
    assert np.diff(y) == pytest.approx([ROW] * 4)
    assert [(x, round(h, 6), sign) for x, h, sign in arrows(fig)] == [
        (-2, y[0], "<"), (2, y[1], ">"), (-2, y[2], "<"), (2, y[2], ">"),
    ]  # fmt: skip
    drawn = [tuple(x for x, _ in ends) for ends in paths(fig, "ci")]
    assert drawn == [(-2, 1), (-1, 2), (-2, 2), (-2, 2), (-1, 1.5)]
    assert all(not line.get_clip_on() for line in labelled(fig, "arrow", Line2D))


def test_a_prediction_bar_is_cut_at_the_axis_too() -> None:
    """Its corners end where the axis does, with an arrow of its own colour on its middle."""
    display = {"estimate": -0.4, "ci_low": -0.9, "ci_high": 0.1, "pi_low": -3.0, "pi_high": 1.7}
    fig = draw(on_linear(*[(-0.5, -1, 0.1)] * 6, display=display))
    (bar,) = labelled(fig, "prediction", Polygon)
    (x, y, sign), (arrow,) = arrows(fig)[0], labelled(fig, "arrow", Line2D)
    assert (x, sign) == (-2, "<")
    assert arrow.get_markerfacecolor() == style.PREDICTION
    half = 2.2
    assert corners(bar) == [(-2, y - half), (1.7, y - half), (1.7, y + half), (-2, y + half)]
    (diamond,) = labelled(fig, "diamond", Polygon)
    middle = corners(diamond)[0][1]
    assert corners(diamond) == [
        (-0.9, middle),
        (-0.4, middle - 5),
        (0.1, middle),
        (-0.4, middle + 5),
    ]
    assert y - middle == pytest.approx(ROW)


def test_the_null_line_spans_the_plot_and_the_pooled_line_ends_in_its_diamond() -> None:
    """Both stand at their values, from the first row's head to the axis or the diamond."""
    fig = draw(on_linear((-1, -1.5, 1), (0.5, -1, 1.2)))
    ax = panel(fig)
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert paths(fig, "null") == [[(0, top), (0, bottom)]]
    (diamond,) = labelled(fig, "diamond", Polygon)
    assert paths(fig, "pooled-line") == [[(-0.5, top), (-0.5, corners(diamond)[0][1])]]


def test_squares_have_the_area_of_their_weight_and_small_ones_a_tick() -> None:
    """The heaviest is 9.5 points wide; below 4 points a tick shows the place, at 4 none does."""
    table = on_linear((-1, -1.5, 1), (0.5, -1, 1.2), (0.2, -0.3, 0.4), (0.7, 0.1, 0.9))
    body = table.body.copy()
    body.loc[:3, "share"] = [90.25, 16.0, 15.9, math.nan]
    fig = draw(replace(table, body=body))
    (squares,) = labelled(fig, "squares", PathCollection)
    assert squares.get_sizes().tolist() == pytest.approx([90.25, 16.0, 15.9, 9.0])
    assert offsets(squares) == [
        (x, ends[0][1]) for x, ends in zip((-1, 0.5, 0.2, 0.7), paths(fig, "ci"), strict=True)
    ]
    y = paths(fig, "ci")[2][0][1]
    assert paths(fig, "tick") == [[(0.2, y - 2.5), (0.2, y + 2.5)]]
    assert faces(squares) == [style.EFFECT] * 3 + [style.PAPER]
    edges = np.asarray(squares.get_edgecolor())
    assert edges[:, 3].tolist() == [0, 0, 0, 1]


def test_without_any_weight_all_squares_are_alike_and_full() -> None:
    """Trials that are shown, not pooled: one size, no tick, no open square."""
    lines = [line | {"weight": math.nan} for line in scores(1)]
    fig = draw(table_of(case(lines)))
    (squares,) = labelled(fig, "squares", PathCollection)
    assert squares.get_sizes().tolist() == [6.5**2]
    assert faces(squares) == [style.EFFECT]
    assert paths(fig, "tick") == []


def test_what_lies_over_what() -> None:
    """Lines of reference below squares, squares below intervals, the diamond over all of them."""
    fig = draw(on_linear((-1, -3, 1), (0.5, -1, 1.2)))
    order = ["null", "squares", "ci", "diamond", "arrow"]
    heights = [min(a.get_zorder() for a in labelled(fig, name, Artist)) for name in order]
    assert heights == sorted(set(heights))


def test_the_shrunken_effect_stands_half_a_row_below_its_trial() -> None:
    """7.5 points lower, cut at the axis like the trial's own interval, in grey."""
    posterior = {
        "theta": [-0.6, 0.2], "theta_lb": [-3.0, -0.4], "theta_ub": [0.3, 0.8], "level": 0.95,
        "prior": "mu flat, tau half-normal(0.5)",
    }  # fmt: skip
    table = on_linear(
        (-1, -1.5, 1), (0.5, -1, 1.2), posterior=posterior, forest={"shrinkage": True}
    )
    fig = draw(table)
    y = [ends[0][1] for ends in paths(fig, "ci")]
    assert paths(fig, "shrunken") == [[(-0.6, y[0] + 7.5)], [(0.2, y[1] + 7.5)]]
    assert paths(fig, "shrunken-ci") == [
        [(-2, y[0] + 7.5), (0.3, y[0] + 7.5)], [(-0.4, y[1] + 7.5), (0.8, y[1] + 7.5)],
    ]  # fmt: skip
    assert [(x, h) for x, h, _ in arrows(fig)] == [(-2, y[0] + 7.5)]
    assert y[1] - y[0] == ROW + 5  # a second mark makes its row taller


def test_the_axis_has_its_ticks_limits_and_scale() -> None:
    """Labels stand at their values; a ratio is on a log scale with no effect at 1."""
    fig = draw(on_linear((-1, -1.5, 1), (0.5, -1, 1.2)))
    ax = panel(fig)
    assert ticks(ax) == [(-2.0, "−2.0"), (0.0, "0.0"), (1.5, "1.5")]
    assert (ax.get_xlim(), ax.get_xscale()) == ((-2.0, 2.0), "linear")
    ratio = draw(table_of(case(counts(4))))
    ax = panel(ratio)
    assert ax.get_xscale() == "log"
    assert paths(ratio, "null")[0][0][0] == 1.0
    for place, label in ticks(ax):
        assert float(label) == pytest.approx(place)
    assert [s for s in ax.spines if ax.spines[s].get_visible()] == ["bottom"]


# -- words --------------------------------------------------------------------------------------


@cache
def annotated() -> tuple[ForestTable, Figure]:
    """Three trials judged on all domains, two without numbers, notes, a pooled row."""
    lines = scores(3)
    for line, name, sign in zip(lines, ("Ash 2001", "Elm 2002", "Oak 2003"), "abc", strict=True):
        line |= {"study": name, "imputed": f"by way {sign}"}
    judgements = judged([*lines, ABSENT[0]])
    table = table_of(case(lines, 2, judgements))
    return table, draw(table)


def test_letters_are_lifted_to_the_middle_of_their_line() -> None:
    """The house lift of a baseline is half of the height of a capital of the font."""
    height = TextPath((0, 0), "H", size=100, prop=font(100)).get_extents().height
    assert height / 200 == pytest.approx(style.CAP_MIDDLE, abs=0.001)
    _, fig = annotated()
    squares = offsets(labelled(fig, "squares", PathCollection)[0])
    for (x, y), name in zip(squares, ("Ash 2001", "Elm 2002", "Oak 2003"), strict=True):
        baseline = at((panel(fig), x, y))[1] - style.CAP_MIDDLE * style.BODY
        assert at(word(fig, name))[1] == pytest.approx(baseline, abs=0.002)


def test_rows_follow_each_other_in_reading_order() -> None:
    """Title, subtitle, heads, trials, missing ones under their heading, result, key, notes."""
    _, fig = annotated()
    order = [
        "PTSD symptoms 1 to 2 weeks after the last infusion", "Trial", "Ash 2001", "Elm 2002",
        "Oak 2003", "Eligible trials without usable results", "Abdallah 2022",
        "Dadabayev 2020 (n = 41)", "favours", "Heterogeneity", "some concerns", "D1 randomisation",
        "Imputed: by way a.", "Imputed: by way b.", "Imputed: by way c.",
    ]  # fmt: skip
    found = boxes(fig)
    heights = []
    for start in order:
        box = next(b for text, b in found if text.startswith((start, f"← {start}")))
        heights.append((box.y0 + box.y1) / 2)
    assert heights == sorted(heights, reverse=True)
    edge = {round(at(word(fig, t))[0], 6) for t in ("Ash 2001", "Abdallah 2022", order[0])}
    assert edge == {style.MARGIN}


def test_marks_of_notes_stand_raised_at_the_end_of_their_names() -> None:
    """In the small size, a little after the name and above its baseline."""
    _, fig = annotated()
    notes = {text.get_text(): text for text in texts(fig) if text.get_fontsize() == style.MARK}
    assert set(notes) == {"a", "b", "c"}
    for name, mark in zip(("Ash 2001", "Elm 2002", "Oak 2003"), "abc", strict=True):
        beside = [t for t in texts(fig) if t.get_text() == mark]
        (x, y), (x0, y0) = max(map(at, beside), key=lambda p: p[1]), at(word(fig, name))
        assert x == pytest.approx(x0 + width(name, style.BODY) + 1.5, abs=0.002)
        assert y == pytest.approx(y0 + 0.42 * style.BODY, abs=0.002)
        # and once more, at the left edge, before the note itself
        note = at(word(fig, f"Imputed: by way {mark}."))
        low = min(map(at, beside), key=lambda p: p[1])
        assert (low[0], note[0] - low[0]) == pytest.approx((style.MARGIN, 11.0), abs=0.002)
        assert low[1] - note[1] == pytest.approx(2.2, abs=0.002)


def test_judgements_stand_in_their_columns_and_rows() -> None:
    """Each dot below the head of its domain, at the height of its trial, in the judged colour."""
    table, fig = annotated()
    sheet = plan(table)
    assert sheet.plot is not None
    wanted = set()
    for y, row in zip(sheet.middles, table.body.to_dict("records"), strict=True):
        for domain in DOMAINS:
            if row[domain]:
                head = word(fig, "Overall" if domain == "overall" else domain)
                wanted.add((at(head)[0], round(y, 3), row[domain]))
    drawn, key = set(), {}
    for dots in labelled(fig, "dots", PathCollection):
        (kind,) = (k for k, v in style.JUDGEMENTS.items() if {v[0]} == set(faces(dots)))
        places = [(round(x, 3), round(y, 3)) for x, y in offsets(dots)]
        drawn |= {(x, y, kind) for x, y in places if y < sheet.plot[3]}
        key[kind] = max(places, key=lambda place: place[1])
    assert drawn == wanted
    assert len(wanted) == 24
    # the key: a dot of each kind, and its words half a dot and a little to the right, on one line
    for kind, (x, y) in key.items():
        words = at(word(fig, style.JUDGEMENTS[kind][3]))
        assert words[0] == pytest.approx(x + forest_columns.DOT / 2 + 2.5, abs=0.002)
        lift = style.CAP_MIDDLE * style.SMALL
        assert words[1] == pytest.approx(sheet.height - y - lift, abs=0.002)
    assert fig.axes[0].get_ylim() == (sheet.height, 0)


def test_numbers_of_a_column_stand_on_their_decimal_points() -> None:
    """Whatever the digits before it, the point of each number of a column has one place."""
    lines = scores(3)
    for line, mean in zip(lines, (5.25, 33.0, 124.04), strict=True):
        line |= {"mean_experimental": mean, "sd_experimental": mean / 3}
    fig = draw(table_of(case(lines)))
    points = set()
    for number in ("5.2", "33.0", "124.0"):
        text = word(fig, number)
        whole = number.split(".")[0]
        points.add(round(at(text)[0] + width(whole, style.BODY), 2))
    assert len(points) == 1
    # the brackets after them begin after the longest number, a little more than a space on
    longest = at(word(fig, "124.0"))[0] + width("124.0", style.BODY)
    spreads = [at(word(fig, f"({m / 3:.1f})"))[0] for m in (5.25, 33.0, 124.04)]
    assert min(spreads) == pytest.approx(longest + forest_columns.TOKEN_GAP, abs=0.002)


def test_columns_lie_side_by_side_with_gaps_by_group() -> None:
    """9 points between the columns of an arm, 16 between others, none between domains."""
    table, _ = annotated()
    placed = forest_columns.place(table)
    assert placed[0].left == style.MARGIN
    gaps = {}
    for one, two in pairwise(placed):
        gaps[one.column.key, two.column.key] = round(two.left - one.right, 6)
    assert gaps["label", "experimental"] == 16
    assert gaps["experimental", "experimental_n"] == 9
    assert gaps["experimental_n", "control"] == 16
    assert gaps["control_n", "plot"] == gaps["plot", "effect"] == gaps["effect", "weight"] == 16
    assert gaps["D1", "D2"] == gaps["D5", "overall"] == 0
    plot = next(p for p in placed if p.column.key == "plot")
    assert plot.right - plot.left == pytest.approx(210)


def test_heads_stand_over_their_columns() -> None:
    """An arm's name and its rule over all its columns, each head over the middle of its own."""
    table, fig = annotated()
    placed = {p.column.key: p for p in forest_columns.place(table)}
    span = placed["control"].left, placed["control_n"].right
    assert at(word(fig, "Control"))[0] == pytest.approx(sum(span) / 2, abs=0.002)
    rules = [[x for x, _ in ends] for ends in paths(fig, "rule")]
    assert list(span) in rules
    # From margin to margin: above and below the heads, and above the result.
    wide = 72 * fig.get_figwidth()
    assert rules.count([style.MARGIN, wide - style.MARGIN]) == 3
    middle = (placed["effect"].left + placed["effect"].right) / 2
    head = word(fig, "SMD (95 % CI)")
    assert at(head)[0] == pytest.approx(middle, abs=0.002)
    assert look(head) == ("center", "bold", "normal", style.INK)
    assert look(word(fig, "Trial"))[0] == "left"
    assert look(word(fig, "D1")) == ("center", "normal", "normal", style.INK)


def test_what_each_side_means_begins_beside_no_effect() -> None:
    """5 points to the left and to the right of the null, below the numbers of the axis."""
    _, fig = annotated()
    null = at((panel(fig), 0.0, 0.0))[0]
    left, right = word(fig, "← favours ketamine"), word(fig, "favours control →")
    assert at(left)[0] == pytest.approx(null - 5, abs=0.002)
    assert at(right)[0] == pytest.approx(null + 5, abs=0.002)
    assert (look(left)[0], look(right)[0]) == ("right", "left")
    assert at(left)[1] == at(right)[1]


def test_a_missing_trial_says_what_it_reported_where_its_effect_would_stand() -> None:
    """In italics and grey, from the left edge of the column of effects."""
    table, fig = annotated()
    said = word(fig, "no effect, no numbers")
    effect = next(p for p in forest_columns.place(table) if p.column.key == "effect")
    assert at(said)[0] == pytest.approx(effect.left, abs=0.002)
    assert look(said) == ("left", "normal", "italic", style.MUTED)
    assert word(fig, "Ash 2001").get_fontstyle() == "normal"


def test_the_pooled_row_is_bold_below_a_rule() -> None:
    """The rule lies two points under the last trial and ends with the last column."""
    table, fig = annotated()
    pooled = word(fig, f"Pooled effect (k = 3, n = {case(scores(3)).result.n})")
    assert pooled.get_fontweight() == "bold"
    right = forest_columns.place(table)[-1].right
    y = plan(table).middles[-1] - ROW / 2 - 2
    rules = [np.round(ends, 3).tolist() for ends in paths(fig, "rule")]
    assert np.round([[style.MARGIN, y], [right, y]], 3).tolist() in rules


# -- cells and totals ---------------------------------------------------------------------------


def events() -> pd.DataFrame:
    """Three trials of counts; 4 to 9 people more were randomised than analysed."""
    lines = []
    for i, (a, n1, c, n2) in enumerate(((3, 20, 6, 30), (0, 41, 9, 50), (7, 60, 1, 70))):
        line = counts(3)[i] | {
            "event_experimental": a, "totaln_experimental": n1, "n_experimental": n1 + 4 + i,
            "event_control": c, "totaln_control": n2, "n_control": n2 + 7 + i, "yi": -9.0,
        }  # fmt: skip
        lines.append(line)
    return pd.DataFrame(lines)


def test_events_are_of_those_analysed_and_so_are_their_totals() -> None:
    """3 of 20 analysed, not of the 24 randomised; the pooled row adds events and denominators."""
    table = table_of(case(records(events())))
    body = table.body.set_index("label")
    first, pooled = body.iloc[0], body.iloc[3]
    assert (first["experimental"], first["control"]) == ("3/20 (15 %)", "6/30 (20 %)")
    assert body["experimental"].tolist()[:3] == ["3/20 (15 %)", "0/41 (0 %)", "7/60 (12 %)"]
    assert (pooled["experimental"], pooled["control"]) == ("10/121 (8 %)", "16/150 (11 %)")
    assert (pooled["experimental_n"], pooled["control_n"]) == ("136", "174")


@pytest.mark.parametrize("lost", ["event_control", "totaln_control", "n_control"])
def test_a_total_with_an_unknown_part_is_not_given(lost: str) -> None:
    """The sum over trials of which one does not tell is no sum."""
    lines = events()
    lines[lost] = lines[lost].astype(float)
    lines.loc[1, lost] = math.nan
    pooled = table_of(case(records(lines))).body.iloc[3]
    assert pooled["experimental"] == "10/121 (8 %)"
    assert (pooled["control"] == "") == (lost != "n_control")
    assert (pooled["control_n"] == "") == (lost == "n_control")


def test_a_denominator_that_is_not_given_is_the_people_of_the_arm() -> None:
    """Without totaln the share is of n; without both there is a dash."""
    lines = events().astype(
        {"totaln_experimental": float, "n_control": float, "totaln_control": float}
    )
    lines.loc[0, ["totaln_experimental", "totaln_control", "n_control"]] = math.nan
    body = table_of(case(records(lines))).body
    assert body["experimental"][0] == "3/24 (12 %)"
    assert (body["control"][0], body["control_n"][0]) == ("–", "–")


@pytest.mark.parametrize(
    ("mean", "sd", "shown"),
    [(12.345, 0.99, "12.35 (0.99)"), (12.345, 1.0, "12.3 (1.0)"), (-3.2, 14.0, "−3.2 (14.0)"),
     (math.nan, 2.0, "–"), (5.0, math.nan, "5.0 (–)")],
)  # fmt: skip
def test_scores_have_a_digit_more_where_they_hardly_vary(
    mean: float, sd: float, shown: str
) -> None:
    """Two decimals below an SD of 1, else one."""
    line = scores(1)[0] | {"mean_control": mean, "sd_control": sd}
    assert table_of(case([line])).body["control"][0] == shown


@pytest.mark.parametrize(("largest", "places"), [(9.94, 2), (9.95, 1)])
def test_effects_have_two_decimals_until_one_of_them_reads_ten(largest: float, places: int) -> None:
    """9.94 is below ten at one decimal; 9.95 is 10.0. The sign does not matter, nor a NaN."""
    effects = [(-largest, -12.0, -1.0), (0.5, 0.1, 0.9), (math.nan,) * 3]
    assert forest_rows.decimals({"study": effects}) == places
    assert forest_rows.effect(effects[1], places, PLAIN) == (
        "0.50 (0.10 to 0.90)" if places == 2 else "0.5 (0.1 to 0.9)"
    )


def test_several_effects_of_a_trial_are_counted_as_such() -> None:
    """Their people are the same: no total is given, and the label tells effects from trials."""
    lines = scores(3)
    table = table_of(case(lines, k=2, several={"effects": 3}, n=99))
    pooled = table.body.iloc[3]
    assert pooled["label"] == "Pooled effect (3 effects of 2 trials, n = 99)"
    assert (pooled["experimental_n"], pooled["control_n"]) == ("", "")
    same = table_of(case(lines, k=3, several={"effects": 3}, n=99)).body.iloc[3]
    assert same["label"] == "Pooled effect (k = 3, n = 99)"
    assert same["control_n"] != ""


def test_missing_people_are_told_by_arm_or_as_a_total() -> None:
    """A total only where no arm is known; counts show it as an unknown share."""
    table = table_of(case(counts(2), 3))
    gone = table.body[table.body["kind"] == "missing"]
    assert gone["label"].tolist() == ["Abdallah 2022", "Dadabayev 2020 (n = 41)", "NCT02727998"]
    assert gone["experimental"].tolist() == ["–/51", "", ""]
    assert gone["control_n"].tolist() == ["54", "", ""]
    assert gone["reported"].tolist()[2] == "completed 2019, no results posted"


def test_columns_only_where_they_say_something() -> None:
    """No column of n beside counts alone; both where some trials give means."""
    keys = [c.key for c in table_of(case(counts(3))).columns]
    assert "experimental_n" not in keys
    mixed = [counts(2)[0], scores(2)[1]]
    keys = [c.key for c in table_of(case(mixed)).columns]
    assert keys[:5] == ["label", "experimental", "experimental_n", "control", "control_n"]
    heading = {c.key: c.heading for c in table_of(case(mixed)).columns}["control"]
    assert heading == "Mean (SD) or Events/n (%)"
    none = [line | dict.fromkeys(("n_experimental", "n_control"), math.nan) for line in scores(2)]
    blank = table_of(case(none)).columns
    assert [c.key for c in blank if c.key.endswith("_n")] == ["experimental_n", "control_n"]


def test_between_and_within_trials_are_told_apart() -> None:
    """The two variances of a model of several levels, each under its own name."""
    levels = {"sigma2_between": 0.31, "sigma2_within": 0.07}
    line = forest_text.heterogeneity(case(scores(3), several={"levels": levels}).result, 3)
    assert "τ² = 0.12 (95 % CI 0 to 3.4) (0.31 between trials, 0.070 within)" in line


@pytest.mark.parametrize(
    ("pooled", "line"),
    [
        ({}, "Heterogeneity: τ² = 0.12 (95 % CI 0 to 3.4); I² = 45 %; Q = 3.6, df = 2, p = 0.16."),
        ({"tau2_ci_ub": None, "q_pval": None},
         "Heterogeneity: τ² = 0.12; I² = 45 %; Q = 3.6, df = 2."),
        ({"i2": None, "q": None}, "Heterogeneity: τ² = 0.12 (95 % CI 0 to 3.4)."),
        # A common effect supposes that there is none; 0 would look like a finding.
        ({"method": "EE", "q": None}, "Heterogeneity: I² = 45 %."),
        ({"tau2": None, "i2": None, "q": None}, ""),
    ],
)  # fmt: skip
def test_the_line_of_heterogeneity_has_what_is_known(pooled: dict[str, Any], line: str) -> None:
    known = {"beta": -0.5, "level": 0.95, "method": "REML", "tau2": 0.12, "tau2_ci_lb": 0.0,
             "tau2_ci_ub": 3.4, "i2": 45.2, "q": 3.64, "q_df": 2, "q_pval": 0.162}  # fmt: skip
    result = case(scores(3), pooled=known | pooled, model="random effects").result
    said = f"{line} Model: random effects."
    assert forest_text.heterogeneity(result, 3) == said.strip()


@pytest.mark.parametrize(
    ("k", "changes", "pooled", "prediction"),
    [
        (5, {}, 1, 1),
        (4, {}, 1, 0),  # the policy withholds it
        (1, {}, 0, 0),
        (5, {"display": {"estimate": -0.5, "ci_low": None, "ci_high": None}}, 0, 0),
        (5, {"display": {"estimate": -0.5, "ci_low": -1.0, "ci_high": 0.0}}, 1, 0),
    ],
)
def test_a_pooled_row_needs_two_trials_and_an_interval(
    k: int, changes: dict[str, Any], pooled: int, prediction: int
) -> None:
    lines = scores(k)
    shown = forest_rows.shown(lines, case(lines, **changes).result)
    assert [len(shown[kind]) for kind in ("study", "pooled", "prediction")] == [
        k, pooled, prediction,
    ]  # fmt: skip


def test_nothing_pooled_says_why() -> None:
    """With the reason of the pooled effect, or without any."""
    result = case(scores(3), pooled=None).result
    assert forest_text.heterogeneity(result, 3) == "3 trials: shown, not pooled."
    told = replace(result, reasons={"pooled": "two scales"})
    assert forest_text.heterogeneity(told, 3) == "3 trials: shown, not pooled: two scales."


# -- the axis -----------------------------------------------------------------------------------


def test_an_interval_counts_up_to_three_typical_half_widths() -> None:
    """Half-widths 1, 1, 1 and one of 3: it is whole; of 4, it is cut at 3 from its estimate."""
    usual = [(0.0, -1.0, 1.0)] * 3

    def low(half: float) -> float:
        axis = forest_axis.build([*usual, (0.0, -half, 1.0)], [], log=False, null=0.0)
        return axis.limits[0]

    span = 3 + 1
    assert low(3.0) == pytest.approx(-3 - 0.03 * span)
    assert low(4.0) == low(3.0)
    assert low(2.9) > low(3.0)


@pytest.mark.parametrize("low", [0.0, math.nan])
def test_a_ratio_whose_interval_has_no_logarithm_leaves_the_axis_as_it_is(low: float) -> None:
    """An end of zero (exp(-800) is zero) has no place on an axis of ratios, nor one not known."""
    usual = [(0.8, 0.5, 1.3), (0.6, 0.3, 1.2), (1.1, 0.7, 1.8)]
    axis = forest_axis.build([*usual, (1.0, low, 5.0)], [], log=True, null=1.0)
    assert axis == forest_axis.build(usual, [], log=True, null=1.0)


def test_of_two_trials_the_narrower_is_the_yardstick() -> None:
    """A median of two would be half the absurd one."""
    axis = forest_axis.build([(0.0, -1.0, 1.0), (0.0, -90.0, 90.0)], [], log=False, null=0.0)
    assert axis.limits == pytest.approx((-3 - 0.03 * 6, 3 + 0.03 * 6))


def test_a_prediction_reaches_no_further_than_the_width_of_all_else() -> None:
    """From its estimate one width of the rest to either side; within that it is whole."""
    usual = [(0.0, -1.0, 1.0)] * 3
    wide = forest_axis.build(usual, [], [(0.5, -50.0, 50.0)], log=False, null=0.0).limits
    assert wide == pytest.approx((-1.5 - 0.03 * 4, 2.5 + 0.03 * 4))
    whole = forest_axis.build(usual, [], [(0.0, -1.2, 1.4)], log=False, null=0.0).limits
    assert whole == pytest.approx((-1.2 - 0.03 * 2.6, 1.4 + 0.03 * 2.6))


def test_no_effect_keeps_its_distance_from_the_ends() -> None:
    """All effects on one side: 14 % of the span beyond the null, and 3 % of margin."""
    axis = forest_axis.build([(2.0, 1.0, 3.0)] * 3, [], log=False, null=0.0)
    assert axis.limits == pytest.approx((0 - 0.14 * 3 - 0.03 * 3, 3 + 0.03 * 3))
    other = forest_axis.build([(-2.0, -3.0, -1.0)] * 3, [], log=False, null=0.0)
    assert other.limits == pytest.approx((-axis.limits[1], -axis.limits[0]))


def test_values_off_the_scale_are_left_out() -> None:
    """A ratio of 0 or below, and what is not a number, have no place."""
    good = [(0.8, 0.5, 1.3)] * 3
    bad = [(0.8, 0.0, 1.3), (math.nan, 0.2, 0.4), (0.8, 0.2, math.inf)]
    plain = forest_axis.build(good, [0.7], log=True, null=1.0)
    assert forest_axis.build([*good, *bad], [0.7, 0.0, -1.0, math.inf], log=True, null=1.0) == plain
    assert forest_axis.build([], [], log=False, null=0.0).limits == pytest.approx((-0.17, 0.17))


@pytest.mark.parametrize(
    ("limits", "ticks_shown"),
    [((0.1, 10.0), "0.1 1 10"), ((0.3, 3.2), "0.5 1 2"), ((0.02, 60), "0.1 1 10"),
     ((1e-4, 1e4), "0.0001 0.01 1 100 10000"), ((0.5, 1.24), "0.6 0.8 1.0 1.2"),
     ((0.8, 2.6), "1.0 1.5 2.0"), ((0.28, 1.2), "0.3 0.5 0.7 1"), ((0.8, 7.5), "1 2 5")],
)  # fmt: skip
def test_ratios_have_round_ticks(limits: tuple[float, float], ticks_shown: str) -> None:
    """The roundest grid that still has three ticks; a narrow axis has evenly spaced ones."""
    low, high = (math.log(v) for v in limits)
    values = forest_axis._log_ticks(low, high)
    labels = forest_axis._labels(values, log=True)
    assert " ".join(labels) == ticks_shown


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [(-1.0, 1.0, "−1.0 −0.5 0 0.5 1.0"), (-2.0, 3.0, "−2 −1 0 1 2 3"),
     (-2.1, 3.9, "−2 −1 0 1 2 3"), (-2.1, 4.0, "−2 0 2 4"),
     (-0.034, 0.02, "−0.03 −0.02 −0.01 0 0.01 0.02")],
)  # fmt: skip
def test_differences_have_at_most_six_ticks(low: float, high: float, shown: str) -> None:
    """Steps of 1, 2 or 5; the seventh tick makes the next step."""
    values = forest_axis._linear_ticks(low, high)
    assert " ".join(forest_axis._labels(values, log=False)) == shown


def test_the_column_of_names_is_as_wide_as_its_longest_line() -> None:
    """Of a broken name the first line may be the longest; behind the last one stands its mark."""
    long = "Efficacy and Safety of Esketamine in Depression Study Group, A"
    lines = scores(3)
    lines[0] |= {"study": long, "imputed": None}
    table = table_of(case(lines, 0, judged(lines)))
    broken = wrap(long, table.label_points, style.BODY)
    assert len(broken) > 1
    assert width(broken[0], style.BODY) > width(broken[-1], style.BODY) + 30
    label = forest_columns.place(table)[0]
    widest = max(width(line, style.BODY) for line in broken)
    assert label.right - label.left == pytest.approx(widest, abs=0.01)
    lines[0] |= {"study": broken[0], "imputed": "by a way of its own"}
    marked = forest_columns.place(table_of(case(lines, 0, judged(lines))))[0]
    more = 1.5 + width("a", style.MARK)
    assert marked.right - marked.left == pytest.approx(
        width(broken[0], style.BODY) + more, abs=0.01
    )
