"""Leave-one-out, cumulative and subgroups: what stands in their rows, and where its marks stand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from figure_checks import at as place_of
from figure_checks import box, corners, labelled, path, paths, ticks, word
from filled import analysis_result
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle

from trialpool.analysis_result import AnalysisResult
from trialpool.figures import cumulative, interval_rows, leave_one_out, style, subgroups
from trialpool.figures.chart import Withheld
from trialpool.figures.interval_rows import IntervalTable
from trialpool.pooling.policy import policy
from trialpool.review.fitting.fit import words
from trialpool.review.protocol.settings import FewTrials
from trialpool.terms import LEVEL, TEST, UNKNOWN, WITHHELD

NAN = math.nan
BAND = (-0.5, -0.9, -0.1)


def about(k: int, measure: str = "SMD", **changes: Any) -> AnalysisResult:
    """An analysis of k trials: an effect of −0.5, or a ratio of exp(−0.5)."""
    shown = [math.exp(v) if measure == "RR" else v for v in BAND]
    names = ("estimate", "ci_low", "ci_high")
    about: dict[str, Any] = {
        "title": "Mood", "measure": measure, "k": k, "model": "random effects (REML)",
        "display": dict(zip(names, shown, strict=True)), "favours_left": "for drug",
        "favours_right": "for control", "policy": policy(k, no_bayes=""),
        "pooled": {"i2": 41.6, "level": 0.95},
    }  # fmt: skip
    return analysis_result(**(about | changes))


def lines(*rows: tuple[Any, ...], names: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=names.split())


def drawn(table: IntervalTable | Withheld) -> IntervalTable:
    assert isinstance(table, IntervalTable)
    return table


def down(fig: Figure, label: str) -> float:
    """The height of a label's middle as the panel measures it, points below its top."""
    top = box(fig.axes[0])[3]
    return top - place_of(word(fig, label))[1] - style.CAP_MIDDLE * style.SMALL


def marks(fig: Figure, *labels: str) -> list[float]:
    """Effects of marks, from the top down."""
    found = [path(line)[0] for label in labels for line in labelled(fig, label, Line2D)]
    return [x for x, _ in sorted(found, key=lambda place: place[1])]


def beside(fig: Figure, names: list[str]) -> bool:
    """Whether marks stand at the heights of these labels and nowhere else."""
    lines = labelled(fig, "estimate", Line2D) + labelled(fig, "marked", Line2D)
    heights = sorted(path(line)[0][1] for line in lines)
    return heights == pytest.approx([down(fig, name) for name in names], abs=0.01)


def diamond(fig: Figure) -> tuple[list[float], float]:
    """Effects at the corners of the one diamond, and its height."""
    (shape,) = labelled(fig, "diamond", Polygon)
    return [x for x, _ in corners(shape)], corners(shape)[0][1]


# -- leave-one-out ------------------------------------------------------------------------------


LEFT_OUT = "study estimate ci_low ci_high i2 influential"
FIVE = (
    ("Ash 2011", -0.45, -0.95, 0.05, 50.4, "no"), ("Birch 2012", -0.7, -1.1, -0.3, 12.5, "yes"),
    ("Cedar 2013", -0.5, -1.0, 0.0, NAN, "no"), ("Dogwood 2014", -0.52, -0.9, -0.1, 38.0, "no"),
    ("Elm 2015", NAN, NAN, NAN, NAN, "no"),
)  # fmt: skip


def test_a_leave_one_out_has_all_trials_first_and_a_row_for_each() -> None:
    table = drawn(leave_one_out.rows(lines(*FIVE, names=LEFT_OUT), about(5)))
    assert (table.title, table.label_head) == ("Leave-one-out: Mood", "Left out")
    assert table.heads == ("SMD (95 % CI)", "I²")
    assert [(row.label, *row.cells) for row in table.rows] == [
        ("All trials", "−0.50 (−0.90 to −0.10)", "42 %"),
        ("Ash 2011", "−0.45 (−0.95 to 0.05)", "50 %"),
        ("Birch 2012", "−0.70 (−1.10 to −0.30)", "12 %"),
        ("Cedar 2013", "−0.50 (−1.00 to 0.00)", "–"),
        ("Dogwood 2014", "−0.52 (−0.90 to −0.10)", "38 %"),
        ("Elm 2015", "not estimable", "–"),
    ]
    assert [(row.estimate, row.low, row.high) for row in table.rows[:3]] == [
        BAND, (-0.45, -0.95, 0.05), (-0.7, -1.1, -0.3),
    ]  # fmt: skip
    assert [row.whole for row in table.rows] == [True] + [False] * 5
    assert [row.marked for row in table.rows] == [False, False, True, False, False, False]
    assert table.band == BAND
    assert table.subtitle == (
        "Random effects (REML). Band: the result with all 5 trials. Orange diamonds: trials "
        "influential by the marks of Viechtbauer & Cheung."
    )
    assert (table.axis.favours_left, table.axis.favours_right) == ("for drug", "for control")


def test_the_marks_of_a_leave_one_out_stand_at_their_estimates_beside_their_names() -> None:
    fig = leave_one_out.draw(drawn(leave_one_out.rows(lines(*FIVE, names=LEFT_OUT), about(5))))
    assert marks(fig, "estimate", "marked") == [x for _, x, *_ in FIVE[:4]]
    assert marks(fig, "marked") == [-0.7]
    assert beside(fig, [name for name, *_ in FIVE[:4]])
    assert [[x for x, _ in line] for line in paths(fig, "ci")] == [
        [low, high] for _, _, low, high, *_ in FIVE[:4]
    ]
    effects, height = diamond(fig)
    assert effects == [-0.9, -0.5, -0.1, -0.5]
    assert height == pytest.approx(down(fig, "All trials"), abs=0.01)
    (band,) = labelled(fig, "band", Rectangle)
    assert (band.get_x(), band.get_width()) == pytest.approx((-0.9, 0.8))
    low, high = fig.axes[0].get_xlim()
    assert low < -1.1
    assert high > 0.05
    assert [x for x, _ in ticks(fig.axes[0]) if low <= x <= high] == pytest.approx(
        [-1.0, -0.8, -0.6, -0.4, -0.2, 0.0]
    )


def test_ratios_of_a_leave_one_out_are_read_as_ratios_and_drawn_as_logs() -> None:
    rows = [(name, *(math.exp(v) for v in three), NAN, "no") for name, *three, _, _ in FIVE[:4]]
    table = drawn(leave_one_out.rows(lines(*rows, names=LEFT_OUT), about(5, "RR", pooled=None)))
    # Where no I² is known there is no column of it.
    assert table.heads == ("RR (95 % CI)",)
    assert [row.cells for row in table.rows[:2]] == [
        ("0.61 (0.41 to 0.90)",),
        ("0.64 (0.39 to 1.05)",),
    ]
    assert table.subtitle.endswith("No trial is influential by the marks of Viechtbauer & Cheung.")
    fig = leave_one_out.draw(table)
    assert marks(fig, "estimate") == pytest.approx([-0.45, -0.7, -0.5, -0.52])
    assert labelled(fig, "marked", Line2D) == []


@pytest.mark.parametrize(("largest", "cell"), [(9.94, "−0.45"), (-9.95, "−0.5")])
def test_all_rows_have_the_decimals_of_the_largest_estimate(largest: float, cell: str) -> None:
    rows = [FIVE[0], ("Oak", largest, largest - 1, largest + 1, 0.0, "no")]
    table = drawn(leave_one_out.rows(lines(*rows, names=LEFT_OUT), about(5)))
    assert table.rows[1].cells[0].startswith(f"{cell} (")


@pytest.mark.parametrize(("k", "reason"), [(4, "k = 4: needs at least 5 trials"), (5, "")])
def test_four_trials_are_too_few_to_leave_one_out(k: int, reason: str) -> None:
    table = leave_one_out.rows(lines(*FIVE, names=LEFT_OUT), about(k))
    assert (table.reason if isinstance(table, Withheld) else "") == reason


# -- cumulative ---------------------------------------------------------------------------------


STEPS = "study year k estimate ci_low ci_high model"
LED = words(FewTrials(tau_scale=0.5))
GROWN = (
    ("Ash 2011", 2011.0, 1, -0.3, -1.2, 0.6, "single trial"),
    ("Birch", 2012.0, 2, -0.4, -1.0, 0.2, LED),
    ("Cedar", NAN, 3, -0.45, -0.95, 0.05, LED),
    ("Elm", 2015.0, 4, -0.5, -0.9, -0.1, LED),
)


def test_a_cumulative_chart_ends_with_the_result_of_all_trials() -> None:
    table = drawn(cumulative.rows(lines(*GROWN, names=STEPS), about(4)))
    assert (table.title, table.label_head) == ("Cumulative by year: Mood", "Trial added")
    assert table.heads == ("k", "SMD (95 % CI or CrI)")
    assert [(row.label, *row.cells, row.whole) for row in table.rows] == [
        ("Ash 2011", "1", "−0.30 (−1.20 to 0.60)", False),
        ("+ Birch (2012)", "2", "−0.40 (−1.00 to 0.20)", False),
        ("+ Cedar (year not known)", "3", "−0.45 (−0.95 to 0.05)", False),
        ("+ Elm (2015)", "4", "−0.50 (−0.90 to −0.10)", True),
    ]
    assert table.band is None
    assert table.subtitle == (
        "Each row adds a trial. k = 1: single trial; k = 2 to 4: Bayesian random effects, "
        "half-normal(0.5) prior of τ."
    )


@pytest.mark.parametrize(
    ("measure", "limits", "shown"),
    [
        ("SMD", (-1.63, -0.004), "−0.40 (−1.63 to −0.004)"),
        ("SMD", (-1.63, 0.004), "−0.40 (−1.63 to 0.004)"),
        ("SMD", (-1.63, -0.006), "−0.40 (−1.63 to −0.01)"),
        ("RR", (0.998, 3.2), "1.40 (0.998 to 3.20)"),
        ("RR", (0.994, 3.2), "1.40 (0.99 to 3.20)"),
    ],
)
def test_a_limit_beside_no_difference_tells_its_side(
    measure: str, limits: tuple[float, float], shown: str
) -> None:
    """As on the pages; at two decimals it was no difference itself, 0.00."""
    estimate = 1.4 if measure == "RR" else -0.4
    step = ("Ash 2011", 2011.0, 1, estimate, *limits, "single trial")
    scale = "log" if measure == "RR" else "identity"
    given = about(2, measure, scale=scale)
    table = drawn(cumulative.rows(lines(step, *GROWN[1:2], names=STEPS), given))
    assert table.rows[0].cells[1] == shown


@pytest.mark.parametrize(
    ("models", "head"),
    [(("single trial", "common effect"), "CI"), ((LED, LED), "CrI"), ((LED, "z"), "CI or CrI")],
)
def test_a_cumulative_chart_names_the_intervals_it_has(models: tuple[str, ...], head: str) -> None:
    steps = [(*row[:-1], model) for row, model in zip(GROWN, models, strict=False)]
    table = drawn(cumulative.rows(lines(*steps, names=STEPS), about(2)))
    assert table.heads[-1] == f"SMD (95 % {head})"


def test_the_marks_of_a_cumulative_chart_follow_the_years() -> None:
    table = drawn(cumulative.rows(lines(*GROWN, names=STEPS), about(4)))
    fig = cumulative.draw(table)
    assert marks(fig, "estimate") == [-0.3, -0.4, -0.45]
    assert beside(fig, [row.label for row in table.rows[:3]])
    assert [[x for x, _ in line] for line in paths(fig, "ci")] == [
        [-1.2, 0.6], [-1.0, 0.2], [-0.95, 0.05],
    ]  # fmt: skip
    effects, height = diamond(fig)
    assert effects == [-0.9, -0.5, -0.1, -0.5]
    assert height == pytest.approx(down(fig, "+ Elm (2015)"), abs=0.01)


def test_ratios_of_a_cumulative_chart_are_drawn_as_logs() -> None:
    rows = [(*row[:3], *(math.exp(v) for v in row[3:6]), row[6]) for row in GROWN]
    table = drawn(cumulative.rows(lines(*rows, names=STEPS), about(4, "RR")))
    assert table.rows[0].cells == ("1", "0.74 (0.30 to 1.82)")
    assert marks(cumulative.draw(table), "estimate") == pytest.approx([-0.3, -0.4, -0.45])


@pytest.mark.parametrize(
    ("withheld", "reason"),
    [
        ({}, ""),
        ({"cumulative": "years are not known"}, "years are not known"),
        ({"cumulative": "b", "pooling": "a", "leave-one-out": "c"}, "a"),
        ({"leave-one-out": "c"}, ""),
    ],
)
def test_why_a_cumulative_chart_is_not_drawn(withheld: dict[str, str], reason: str) -> None:
    given = about(4, policy=replace(policy(4, no_bayes=""), withheld=withheld))
    table = cumulative.rows(lines(*GROWN, names=STEPS), given)
    assert (table.reason if isinstance(table, Withheld) else "") == reason


# -- subgroups ----------------------------------------------------------------------------------


KINDS = "moderator title kind level k estimate ci_low ci_high method shown p_value note"


def level(moderator: str, name: str, k: int, *effect: float) -> tuple[Any, ...]:
    return moderator, moderator, LEVEL, name, k, *effect, None, None, NAN, None


def asked(moderator: str, p: float, method: str = "F", shown: str = "yes") -> tuple[Any, ...]:
    return moderator, moderator, TEST, None, None, NAN, NAN, NAN, method, shown, p, None


BY_KIND = (
    level("setting", "in hospital", 4, -0.8, -1.2, -0.4),
    level("setting", "at home", 2, -0.1, -0.6, 0.4),
    asked("setting", 0.5, "Q", "no"), asked("setting", 0.0314, "one tau2, F"),
    ("setting", "setting", UNKNOWN, None, 3, NAN, NAN, NAN, None, None, NAN, None),
    level("design", "crossover", 1, -0.6, -1.6, 0.4),
    level("design", "parallel", 8, NAN, NAN, NAN),
    asked("design", NAN),
)  # fmt: skip


def test_kinds_of_trials_stand_under_their_headings() -> None:
    table = drawn(subgroups.rows(lines(*BY_KIND, names=KINDS), about(9)))
    assert (table.title, table.label_head) == ("By kind of trial: Mood", "Trials")
    assert table.heads == ("k", "SMD (95 % CI or CrI)", "Difference")
    assert [(row.label, *row.cells, row.whole) for row in table.rows] == [
        ("All trials", "9", "−0.50 (−0.90 to −0.10)", "", True),
        ("Setting (3 not known)", "", "", "p = 0.031", True),
        ("in hospital", "4", "−0.80 (−1.20 to −0.40)", "", False),
        ("at home", "2", "−0.10 (−0.60 to 0.40)", "", False),
        ("Design", "", "", "–", True),
        ("crossover", "1", "−0.60 (−1.60 to 0.40)", "", False),
        ("parallel", "8", "not estimable", "", False),
    ]
    assert table.band == BAND
    assert "(one: itself; 2 to 4: a Bayesian model)" in table.subtitle
    assert "Difference: one τ², F. Band: the result with all 9 trials." in table.subtitle


def test_kinds_without_a_prior_have_confidence_intervals() -> None:
    """Where there can be no posterior, two trials have a common effect."""
    without = policy(9, no_bayes="no prior in these units")
    table = drawn(subgroups.rows(lines(*BY_KIND, names=KINDS), about(9, policy=without)))
    assert table.heads[1] == "SMD (95 % CI)"
    assert "(one: itself; two: a common effect)" in table.subtitle
    many = [line for line in BY_KIND if line[4] is None or line[4] not in (2, 4)]
    table = drawn(subgroups.rows(lines(*many, names=KINDS), about(9)))
    assert table.heads[1] == "SMD (95 % CI)"
    assert "(one: itself). Difference" in table.subtitle
    large = [level("setting", "in hospital", 5, -0.8, -1.2, -0.4), asked("setting", 0.5)]
    table = drawn(subgroups.rows(lines(*large, names=KINDS), about(9)))
    assert table.subtitle.startswith("Each line: its own trials. Difference: F. ")


def test_the_marks_of_kinds_stand_beside_their_names() -> None:
    table = drawn(subgroups.rows(lines(*BY_KIND, names=KINDS), about(9)))
    fig = subgroups.draw(table)
    assert marks(fig, "estimate") == [-0.8, -0.1, -0.6]
    assert beside(fig, ["in hospital", "at home", "crossover"])
    assert [[x for x, _ in line] for line in paths(fig, "ci")] == [
        [-1.2, -0.4], [-0.6, 0.4], [-1.6, 0.4],
    ]  # fmt: skip
    effects, height = diamond(fig)
    assert effects[0] == -0.9
    assert height == pytest.approx(down(fig, "All trials"), abs=0.01)


@pytest.mark.parametrize(("k", "crude"), [(9, True), (10, False)])
def test_kinds_of_fewer_than_ten_trials_are_crude(k: int, crude: bool) -> None:
    table = drawn(subgroups.rows(lines(*BY_KIND, names=KINDS), about(k)))
    assert ("Fewer than ten trials: crude." in table.subtitle) == crude


def test_why_there_are_no_kinds() -> None:
    none = [("setting", "setting", WITHHELD, None, None, NAN, NAN, NAN, None, None, NAN, note)
            for note in ("one level only",)]  # fmt: skip
    none.append(("design", "design", *none[0][2:-1], "all alike"))
    table = subgroups.rows(lines(*none, names=KINDS), about(9))
    assert table == Withheld(reason="setting: one level only; design: all alike")
    few = subgroups.rows(lines(*BY_KIND, names=KINDS), about(4))
    assert isinstance(few, Withheld)
    assert few.reason == "k = 4: needs at least 5 trials"


def test_columns_stand_where_they_stand_on_any_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten tenths are 1; by `sum` they are only from Python 3.12 on, and the bytes show it."""
    table = drawn(leave_one_out.rows(lines(*FIVE, names=LEFT_OUT), about(5)))
    monkeypatch.setattr(interval_rows, "GAP", 0.0)
    monkeypatch.setattr(interval_rows, "widest", lambda *words: 0.1)
    plan = interval_rows._plan(replace(table, rows=(), heads=("head",) * 10))
    assert plan.ends[-1] == 1.0
