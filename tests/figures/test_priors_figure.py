"""The chart of priors: what stands in it, where, and that it stays legible from 2 to 60 trials."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import boxes, bytes_of, outside, overlaps
from filled import analysis_result
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trialpool.analysis_result import AnalysisResult
from trialpool.figures import style
from trialpool.figures.chart import Withheld
from trialpool.figures.priors import PriorTable, draw, rows

PRIORS = ("tau half-normal(0.25)", "tau half-normal(0.5)", "tau half-normal(1)")
RHODES = "Rhodes, Turner, Higgins 2015, J Clin Epidemiol 68:52"


def result(k: int, *, measure: str = "SMD", **changes: Any) -> AnalysisResult:
    log = measure in ("OR", "RR")
    shown = {"estimate": 0.7, "ci_low": 0.4, "ci_high": 1.2} if log else {
        "estimate": -0.6, "ci_low": -1.7, "ci_high": 0.5}  # fmt: skip
    about: dict[str, Any] = {
        "title": "PTSD symptoms at 1 to 2 weeks", "k": k, "measure": measure,
        "scale": "log" if log else "identity", "favours_left": "favours ketamine or esketamine",
        "favours_right": "favours control", "display": shown,
        "pooled": {"k": k, "level": 0.95},
        "model": "random effects (REML), Hartung-Knapp (hksj)",
    }  # fmt: skip
    return analysis_result(**(about | changes))


def priors(k: int, *, measure: str = "SMD", important: bool = True) -> pd.DataFrame:
    """Made-up posteriors whose widths fall with k; the empirical prior for SMDs only."""
    lines: list[dict[str, Any]] = []
    for i, name in enumerate(PRIORS):
        half = (1 + 0.4 * i) / math.sqrt(k)
        ends = np.array([-0.6 - half, -0.6, -0.6 + half])
        low, mid, high = np.exp(ends) if measure in ("OR", "RR") else ends
        lines.append(
            {
                "prior": name, "reference": "Roever et al. 2021", "mu": mid, "mu_low": low,
                "mu_high": high, "protocol": "yes" if i == 1 else "no",
                "p_benefit": 0.999 - 0.03 * i, "p_important": 0.66 if important else math.nan,
                "note": None,
            }
        )  # fmt: skip
    if measure == "SMD":
        lines.append(lines[0] | {
            "prior": "tau^2 log-t5(-3.27, 2.14)", "reference": RHODES,
            "note": "control is another drug in 3 of 3 trials; mental-health outcome"})  # fmt: skip
    else:
        lines.append({"prior": "empirical", "protocol": "no", "note": "made for log odds ratios"})
    return pd.DataFrame(lines)


def table(k: int, **options: Any) -> PriorTable:
    found = rows(priors(k, **options), result(k, measure=options.get("measure", "SMD")))
    assert isinstance(found, PriorTable)
    return found


def by_label(fig: Figure, label: str) -> list[Line2D]:
    return [line for line in fig.axes[0].lines if line.get_label() == label]


def words(fig: Figure) -> list[str]:
    return [text for text, _ in boxes(fig)]


def test_rows_of_an_analysis() -> None:
    """The result as reported on top, then a line per prior; notes say what and why."""
    found = table(3)
    assert [(r.label, r.bayes, r.protocol, r.p_benefit, r.p_important) for r in found.rows] == [
        ("As reported: random effects (REML), Hartung-Knapp (hksj)", False, False, "", ""),
        ("Half-normal(0.25)", True, False, "> 0.99", "0.66"),
        ("Half-normal(0.5)", True, True, "0.97", "0.66"),
        ("Half-normal(1)", True, False, "0.94", "0.66"),
        ("Empirical (Rhodes 2015)", True, False, "> 0.99", "0.66"),
    ]
    assert found.rows[0].low == -1.7
    assert found.rows[1].high == pytest.approx(-0.6 + 1 / math.sqrt(3))
    assert found.notes == (
        "P(benefit): that the mean effect favours the experimental side; P(important): by more "
        "than the smallest difference that matters.",
        "Empirical: τ² log-t5(−3.27, 2.14); control is another drug in 3 of 3 trials; "
        "mental-health outcome.",
    )


def test_a_posterior_that_leads_is_the_row_of_its_prior() -> None:
    """It is filled and said to be the result; no second row has the same numbers."""
    about = result(3, policy={"bayesian": True})
    found = rows(priors(3), about)
    assert isinstance(found, PriorTable)
    assert [(row.bayes, row.protocol) for row in found.rows] == [
        (True, False), (True, True), (True, False), (True, False),
    ]  # fmt: skip
    assert "filled: as reported, by the prior of the protocol" in found.subtitle
    assert "Diamond" not in found.subtitle
    fig = draw(found)
    assert by_label(fig, "pooled") == []
    assert overlaps(fig) == []
    assert outside(fig) == []
    assert "Diamond and bar: the result of the analysis (95 % CI)." in table(3).subtitle


def test_ratios_are_drawn_as_logs_and_labelled_as_ratios() -> None:
    """Values are logs, ticks ratios; a prior left out is a note, not a row."""
    found = table(3, measure="RR")
    assert found.rows[0].estimate == pytest.approx(math.log(0.7))
    assert found.rows[1].estimate == pytest.approx(-0.6)
    assert len(found.rows) == 4
    assert found.notes[-1] == "No empirical prior; made for log odds ratios."
    assert "1" in words(draw(found))


def test_marks_stand_at_their_values() -> None:
    """One diamond, a circle per prior, the protocol's filled; each on its own row."""
    found = table(3)
    fig = draw(found)
    (diamond,) = by_label(fig, "pooled")
    assert np.asarray(diamond.get_xydata()).tolist() == [[-0.6, 0.0]]
    circles = by_label(fig, "prior")
    assert [float(np.asarray(c.get_ydata())[0]) for c in circles] == [1, 2, 3, 4]
    filled = [c.get_markerfacecolor() != style.PAPER for c in circles]
    assert filled == [False, True, False, False]
    ends = [np.asarray(line.get_xdata()).tolist() for line in by_label(fig, "interval")]
    assert ends == [[r.low, r.high] for r in found.rows]


def test_no_threshold_no_column() -> None:
    """Where no difference is known to matter, nothing is said of it."""
    fig = draw(table(3, important=False))
    assert "P(benefit)" in words(fig)
    assert "P(important)" not in words(fig)


def test_without_a_posterior_it_is_withheld_with_the_reason() -> None:
    """One trial, or the units of a scale."""
    empty = pd.DataFrame([{"prior": None, "mu": None, "note": "k = 1: needs at least 2 trials"}])
    found = rows(empty, result(1))
    assert isinstance(found, Withheld)
    assert found.reason == "k = 1: needs at least 2 trials"


@pytest.mark.parametrize("k", [2, 3, 6, 60])
@pytest.mark.parametrize("measure", ["SMD", "RR"])
def test_nothing_overlaps_or_leaves_the_sheet(k: int, measure: str) -> None:
    """Long names of both sides, wide and narrow intervals."""
    fig = draw(table(k, measure=measure))
    assert overlaps(fig) == []
    assert outside(fig) == []


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    """SVG, PNG and PDF; a light SVG."""
    one, two = (tmp_path / name for name in ("one", "two"))
    one.mkdir()
    two.mkdir()
    first, second = bytes_of(draw(table(3)), one), bytes_of(draw(table(3)), two)
    assert first == second
    assert len(first["svg"]) < 150_000
