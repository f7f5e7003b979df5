"""Effect by dose and over time: marks at their values, words that can be read, the same bytes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import boxes, bytes_of, outside, overlaps
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from question_answers import RATIO, dose_answer, time_answer

from trialpool.figures import dose_response, time_course
from trialpool.figures.chart import Withheld
from trialpool.figures.dose_response import DoseTable
from trialpool.figures.time_course import TimeTable


def question(**changes: Any) -> dict[str, Any]:
    """Words as long as those of the shipped review."""
    return {
        "outcome_title": "PTSD symptoms",
        "favours_left": "favours ketamine or esketamine",
        "favours_right": "favours control",
    } | changes


def shown(values: Any, changes: dict[str, Any]) -> Any:
    return np.exp(values) if changes.get("scale") == "log" else np.asarray(values)


def band(x: Any, mean: Any, name: str, changes: dict[str, Any]) -> pd.DataFrame:
    half = 0.3 + 0.1 * np.abs(mean)
    return pd.DataFrame({
        name: x, "estimate": shown(mean, changes), "ci_low": shown(mean - half, changes),
        "ci_high": shown(mean + half, changes)})  # fmt: skip


def by_dose(k: int, **changes: Any) -> DoseTable:
    """Trials, most at 0.5 mg/kg."""
    rng = np.random.default_rng(k)
    dose = np.array([(0.5, 0.5, 0.2, 0.5, 1.0)[i % 5] for i in range(k)])
    y = -dose + rng.normal(0, 0.3, k)
    points = band(dose, y, "dose", changes).assign(weight=rng.uniform(0.5, 20, k), in_model="yes")
    out = points.iloc[:1].assign(in_model="no", dose=math.nan, weight=math.nan)
    x = np.linspace(0, 1, 61)
    answer = dose_answer(
        asked=question(**changes),
        unit="mg/kg ketamine IV",
        k=k,
        p_slope=0.03,
        words="linear in dose, random effects (REML)",
    )
    table = dose_response.rows(pd.concat([points, out]), band(x, -x, "dose", changes), answer)
    assert isinstance(table, DoseTable)
    return table


def over_time(k: int, *, fitted: bool = True, **changes: Any) -> TimeTable:
    """Trials with one to four days each, from an hour to half a year."""
    rng = np.random.default_rng(k)
    parts = []
    for i in range(k):
        day = np.array([1 / 24, 1.0, 7.0, 14.0, 30.0, 182.0])[: 1 + (i % 6)]
        y = -1 + 0.2 * np.log(day) + rng.normal(0, 0.3)
        name = f"Trial number {i} 20{i:02}"
        parts.append(band(day, y, "day", changes).assign(trial_id=f"T{i}", study=name))
    points = pd.concat(parts)
    x = np.geomspace(1 / 24, 182, 61)
    curve = band(x, -1 + 0.2 * np.log(x), "day", changes)
    of_model = {"words": "line in log days, REML"} if fitted else {}
    answer = time_answer(
        "" if fitted else "not estimable: too few trials",
        asked=question(**changes),
        k=k,
        points=len(points),
        **of_model,
    )
    table = time_course.rows(points, curve if fitted else curve.iloc[:0], answer)
    assert isinstance(table, TimeTable)
    return table


def by_label(fig: Figure, label: str) -> list[Line2D]:
    return [line for line in fig.axes[0].lines if line.get_label() == label]


def words(fig: Figure) -> list[str]:
    return [text for text, _ in boxes(fig)]


def test_trials_stand_at_their_doses_and_the_curve_begins_at_none() -> None:
    """Side by side about their dose, the effect untouched; the heaviest has the largest dot."""
    table = by_dose(6)
    fig = dose_response.draw(table)
    dots = by_label(fig, "trial")
    assert len(dots) == 6
    got = sorted(float(np.asarray(d.get_ydata())[0]) for d in dots)
    assert got == pytest.approx(sorted(table.estimate.tolist()))
    near = sorted(float(np.asarray(d.get_xdata())[0]) for d in dots)
    assert near == pytest.approx(sorted(table.dose.tolist()), abs=0.08)
    largest = max(dots, key=lambda d: d.get_markersize())
    heaviest = table.estimate[table.weight.argmax()]
    assert float(np.asarray(largest.get_ydata())[0]) == heaviest
    (curve,) = by_label(fig, "curve")
    assert np.asarray(curve.get_xydata())[0].tolist() == [0.0, 0.0]
    assert "Dose (mg/kg ketamine IV)" in words(fig)
    assert "slope p = 0.03" in " ".join(words(fig))


def test_a_trial_is_a_line_over_its_days() -> None:
    """Joined in order; a band only with a model; days named."""
    table = over_time(6)
    fig = time_course.draw(table)
    lines = by_label(fig, "trial")
    assert [len(np.asarray(line.get_xdata())) for line in lines] == [1, 2, 3, 4, 5, 6]
    day = np.asarray(lines[5].get_xdata(), dtype=float)
    assert np.abs(np.log(day / [1 / 24, 1, 7, 14, 30, 182])).max() < 0.45
    assert (np.diff(day) > 0).all()
    assert {"1 h", "1 d", "1 wk", "1 mo"} <= set(words(fig))
    assert len(by_label(fig, "curve")) == 1
    without = time_course.draw(over_time(6, fitted=False))
    assert by_label(without, "curve") == []
    assert "No model of the course: too few trials." in " ".join(words(without))


@pytest.mark.parametrize("draw", [by_dose, over_time])
def test_ratios_are_drawn_as_logs_and_labelled_as_ratios(draw: Any) -> None:
    """The same made-up values, once as they are and once as ratios, are drawn alike."""
    plain, ratio = draw(4), draw(4, **RATIO)
    if isinstance(plain, TimeTable):
        assert ratio.trials[3].low == pytest.approx(plain.trials[3].low)
    else:
        assert ratio.low == pytest.approx(plain.low)
    assert ratio.curve == pytest.approx(plain.curve)
    assert ratio.axis.log


def test_not_estimable_is_withheld_with_the_reason() -> None:
    """Doses all alike, or no day known."""
    reason = "not estimable: all 3 trials used 0.5 mg/kg"
    none = pd.DataFrame({"in_model": []})
    dose = dose_response.rows(none, none, dose_answer(reason))
    time = time_course.rows(none, none, time_answer(reason))
    assert isinstance(dose, Withheld)
    assert isinstance(time, Withheld)
    assert dose.reason == time.reason == reason


@pytest.mark.parametrize("k", [1, 2, 3, 6, 12, 60])
@pytest.mark.parametrize("changes", [{}, RATIO])
def test_nothing_overlaps_or_leaves_the_sheet(k: int, changes: dict[str, Any]) -> None:
    """From one trial to more than can be named."""
    for fig in (
        dose_response.draw(by_dose(k, **changes)),
        time_course.draw(over_time(k, **changes)),
        time_course.draw(over_time(k, fitted=False, **changes)),
    ):
        assert overlaps(fig) == []
        assert outside(fig) == []


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    """SVG, PNG and PDF; a light SVG."""
    one, two = (tmp_path / name for name in ("one", "two"))
    one.mkdir()
    two.mkdir()
    for k in (3, 60):
        first = bytes_of(dose_response.draw(by_dose(k)), one)
        assert first == bytes_of(dose_response.draw(by_dose(k)), two)
        assert len(first["svg"]) < 150_000
        course = bytes_of(time_course.draw(over_time(k)), one)
        assert course == bytes_of(time_course.draw(over_time(k)), two)
        assert len(course["svg"]) < 150_000


@pytest.mark.parametrize(
    ("k", "fitted", "start", "end"),
    [
        (1, False, "1 trial, 1 effect; vertical", "No model of the course: too few trials."),
        (2, False, "2 trials, 3 effects; vertical", "No model of the course: too few trials."),
        (3, True, "3 trials, 6 effects; vertical",
         "Shaded: 95 % interval of the mean (line in log days, REML)."),
    ],
)  # fmt: skip
def test_what_is_said_above_a_course(k: int, fitted: bool, start: str, end: str) -> None:
    subtitle = over_time(k, fitted=fitted).subtitle
    assert subtitle.startswith(start)
    assert subtitle.endswith(f"those of one day stand side by side. {end}")


@pytest.mark.parametrize(
    ("facts", "tests"),
    [
        ({"p_slope": 0.03}, "slope p = 0.030"),
        ({"p_slope": None, "p_nonlinear": 0.2}, "bend p = 0.20"),
        ({"p_slope": 0.03, "p_nonlinear": 0.2}, "slope p = 0.030, bend p = 0.20"),
    ],
)
def test_what_is_said_above_a_dose_response(facts: dict[str, Any], tests: str) -> None:
    """Which test is of what; trials that are not in the model are not drawn."""
    line = band(np.array([0.0, 1.0]), np.array([0.0, -1.0]), "dose", {})
    points = pd.concat([line.assign(weight=2.0, in_model=said) for said in ("yes", "no")])
    table = dose_response.rows(points, line, dose_answer(asked=question(), **facts))
    assert isinstance(table, DoseTable)
    assert table.subtitle.startswith(f"6 trials: linear; {tests}. Shaded: 95 % interval")
    assert (table.title, table.unit) == ("Effect by dose: Mood by dose", "Dose (mg/kg drug IV)")
    assert table.dose.tolist() == [0.0, 1.0]
    assert table.curve[:, 0].tolist() == [0.0, 1.0]
    assert (table.curve[:, 1] == line["estimate"]).all()
    assert (table.low <= table.estimate).all()
    assert (table.curve[:, 2] < table.curve[:, 3]).all()


def test_what_stands_in_a_course_is_what_the_tables_hold() -> None:
    """Trials in the order of the table, each by its days; the curve with its limits."""
    points = pd.DataFrame(
        [("T1", "Elm", 7.0, -0.5, -0.9, -0.2), ("T0", "Ash", 1.0, -0.3, -0.6, 0.1),
         ("T1", "Elm", 1.0, -0.4, -0.8, 0.3)],
        columns=["trial_id", "study", "day", "estimate", "ci_low", "ci_high"],
    )  # fmt: skip
    curve = pd.DataFrame({"day": [1.0, 7.0], "estimate": [-0.35, -0.5], "ci_low": [-0.7, -0.8],
                          "ci_high": [0.0, -0.25]})  # fmt: skip
    table = time_course.rows(points, curve, time_answer(asked=question()))
    assert isinstance(table, TimeTable)
    assert table.title == "Course over time: PTSD symptoms"
    assert [trial.name for trial in table.trials] == ["Elm", "Ash"]
    first = table.trials[0]
    shown = [each.tolist() for each in (first.day, first.estimate, first.low, first.high)]
    assert shown == [[1.0, 7.0], [-0.4, -0.5], [-0.8, -0.9], [0.3, -0.2]]
    assert table.curve.tolist() == [[1.0, -0.35, -0.7, 0.0], [7.0, -0.5, -0.8, -0.25]]
