"""Small drawings in rows of a table: by where things stand."""

from __future__ import annotations

import re
from math import nan
from typing import Any

import pandas as pd
import pytest
from filled import analysis_result

from trialpool.analysis_result import AnalysisResult
from trialpool.review.report.glance import basis, glance, symbols
from trialpool.review.report.grid import number, table, text
from trialpool.review.report.plotted import plotted
from trialpool.review.report.row_plot import BENEFIT, HARM, NEITHER, WIDTH, RowScale, tone
from trialpool.review.schema.findings import SUMMARY_OF_FINDINGS


def result(measure: str = "SMD", better: str = "lower", **given: Any) -> AnalysisResult:
    about = {"k": 3, "n": 90, "measure": measure, "better": better, "analysis": "mood",
             "experimental_label": "Ketamine", "title": "Mood"}  # fmt: skip
    return analysis_result(**(about | given))


def points(path: str) -> list[float]:
    """Horizontal places where a path begins or goes to."""
    return [float(x) for x in re.findall(r"[MLH](-?[\d.]+)", path)]


@pytest.mark.parametrize(
    ("measure", "better", "low", "high", "means"),
    [
        ("SMD", "lower", -0.9, -0.1, BENEFIT), ("SMD", "lower", 0.1, 0.9, HARM),
        ("SMD", "higher", 0.1, 0.9, BENEFIT), ("SMD", "higher", -0.9, -0.1, HARM),
        # A limit at no effect holds no effect.
        ("SMD", "lower", -0.9, 0.0, NEITHER), ("SMD", "lower", -0.9, -1e-9, BENEFIT),
        ("RR", "lower", 1.0, 3.0, NEITHER), ("RR", "lower", 1.001, 3.0, HARM),
        ("RR", "higher", 1.001, 3.0, BENEFIT), ("SMD", "lower", nan, nan, NEITHER),
    ],
)  # fmt: skip
def test_a_colour_is_a_meaning(
    measure: str, better: str, low: float, high: float, means: str
) -> None:
    assert tone(result(measure, better), low, high) == means


def test_values_stand_in_proportion() -> None:
    """Differences on a plain axis, ratios on one of logarithms."""
    rows = [(-1.0, -2.0, 0.0), (0.0, -1.0, 1.0)]
    scale = RowScale.of(result(), rows, [-1.0, 0.0])
    assert scale.at(0.0) - scale.at(-1.0) == pytest.approx(scale.at(1.0) - scale.at(0.0))
    ratio = RowScale.of(result("RR"), [(2.0, 0.5, 8.0)], [2.0])
    assert ratio.at(4.0) - ratio.at(2.0) == pytest.approx(ratio.at(2.0) - ratio.at(1.0))
    assert scale.null == f"{100 * scale.at(0.0) / WIDTH:.2f}%"


def test_an_interval_goes_from_limit_to_limit_and_its_square_about_the_estimate() -> None:
    scale = RowScale.of(result(), [(-1.0, -2.0, 0.0), (0.0, -1.0, 1.0)], [-1.0, 0.0])
    drawn = scale.trial((-1.0, -2.0, 0.0), 50.0, BENEFIT)
    assert drawn is not None
    start, end, corner = points(drawn.path)
    assert start == pytest.approx(scale.at(-2.0), abs=0.06)
    assert end == pytest.approx(scale.at(0.0), abs=0.06)
    side = float(re.findall(r"h([\d.]+)v", drawn.path)[0])
    assert corner + side / 2 == pytest.approx(scale.at(-1.0), abs=0.1)
    large = scale.trial((-1.0, -2.0, 0.0), 100.0, BENEFIT)
    assert large is not None
    assert float(re.findall(r"h([\d.]+)v", large.path)[0]) > side


def test_what_goes_on_beyond_the_axis_has_an_arrow() -> None:
    """A far outlier does not flatten the rest; inside there is no arrow."""
    near = [(-0.5, -1.0, 0.0)] * 6
    scale = RowScale.of(result(), [*near, (-0.5, -90.0, 90.0)], [-0.5])
    inside, beyond = (scale.trial(row, 10.0, NEITHER) for row in (near[0], (-0.5, -90.0, 90.0)))
    assert inside is not None
    assert beyond is not None
    assert inside.path.count("z") == 1
    assert beyond.path.count("z") == 3
    assert max(points(beyond.path)) == WIDTH
    assert scale.at(0.0) - scale.at(-1.0) > WIDTH / 12


@pytest.mark.parametrize("shown", [(nan, nan, nan), (0.1, nan, nan)])
def test_nothing_is_drawn_without_an_interval(shown: tuple[float, float, float]) -> None:
    scale = RowScale.of(result(), [(0.0, -1.0, 1.0)], [0.0])
    assert scale.trial(shown, 10.0, NEITHER) is None
    assert scale.pooled(shown, NEITHER) is None
    assert scale.prediction(shown) is None


def test_a_table_of_results_has_a_drawing_beside_each() -> None:
    """None for a row without an interval, none at all where nothing can be compared."""
    rows: list[dict[str, Any]] = [
        {"name": "a", "estimate": -0.5, "ci_low": -1.0, "ci_high": 0.0},
        {"name": "b", "estimate": None, "ci_low": None, "ci_high": None},
        {"name": "c", "estimate": 0.5, "ci_low": 0.2, "ci_high": 0.8},
    ]
    columns = [text("Name", "name"), number("Estimate", "estimate")]
    made = plotted(result(), rows, table("t", rows, columns))
    assert [column.kind for column in made.columns] == ["text", "plot", "number"]
    assert [cells[1].plot is not None for cells in made.rows] == [True, False, True]
    assert [cells[1].plot.tone for cells in made.rows if cells[1].plot] == [NEITHER, HARM]
    single = table("t", rows[:2], columns)
    assert plotted(result(), rows[:2], single) is single


@pytest.mark.parametrize(
    ("level", "signs"),
    [("very low", "⊕◯◯◯"), ("low", "⊕⊕◯◯"), ("moderate", "⊕⊕⊕◯"), ("high", "⊕⊕⊕⊕"), ("", "")],
)
def test_certainty_has_four_signs(level: str, signs: str) -> None:
    assert symbols(level) == signs


@pytest.mark.parametrize(
    ("k", "n", "said"),
    [(0, None, "no trial"), (1, 20, "1 trial, 20 people"), (2, None, "2 trials")],
)
def test_what_a_row_rests_on(k: int, n: int | None, said: str) -> None:
    assert basis(result(k=k, n=n)) == said


@pytest.mark.parametrize(("better", "side"), [("lower", -1), ("higher", 1)])
def test_left_is_better_whatever_is_counted(better: str, side: int) -> None:
    """Outcomes of both directions share a column; the square stands left of the middle."""
    shown = {"estimate": side * 0.5, "ci_low": side * 0.5 - 0.3, "ci_high": side * 0.5 + 0.3}
    each = Tables(result=result(better=better, display=shown))
    (row,) = glance([each], SUMMARY_OF_FINDINGS.frame())  # type: ignore[list-item]
    assert row.plot is not None
    assert row.tone == BENEFIT
    assert max(points(row.plot.path)) < WIDTH / 2


class Tables:
    """What a row at a glance reads of an analysis."""

    def __init__(self, result: AnalysisResult) -> None:
        self.result, self.name, self.missing = result, result.analysis, pd.DataFrame()
