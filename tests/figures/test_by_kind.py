"""Subgroups and bubble plots: what stands in them, and that nothing in them overlaps."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import bytes_of, outside, overlaps, shown, texts
from filled import analysis_result
from matplotlib.collections import PathCollection

from trialpool.analysis_result import AnalysisResult
from trialpool.figures import bubble, subgroups
from trialpool.figures.bubble import BubbleTable
from trialpool.figures.chart import Withheld
from trialpool.figures.interval_rows import IntervalTable
from trialpool.pooling.policy import policy
from trialpool.terms import BY_F, LEVEL, LINE, SLOPE, TEST, TRIAL, UNKNOWN, WITHHELD

SIZES = (1, 2, 3, 6, 10, 13, 60)


def result(k: int, measure: str = "SMD") -> AnalysisResult:
    facts = [
        {"name": name, "title": title, "kind": "covariate", "unit": unit, "per": per,
         "slope": {"p_value": 0.04, "p_permutation": p} if k >= 10 else None}
        for name, title, unit, per, p in (
            ("dose", "dose", "mg/kg", 0.1, None),
            ("year", "year of publication", "years", 10, 0.05),
        )
    ]  # fmt: skip
    log = measure == "RR"
    shown = dict(zip(("estimate", "ci_low", "ci_high"), (0.8, 0.5, 1.2), strict=True))
    return analysis_result(
        title="Mood", measure=measure, scale="log" if log else "identity", k=k,
        favours_left="favours drug", favours_right="favours control", display=shown,
        policy=policy(k, no_bayes=""), trust={"moderators": facts},
    )  # fmt: skip


def levels(k: int) -> pd.DataFrame:
    """Two kinds of trials; of the first, one trial is not known."""
    rows: list[dict[str, Any]] = []
    for name, title in (("comparator", "comparator"), ("setting", "where the trial took place")):
        for i, level in enumerate(("active placebo", "an inert placebo that looks the same")):
            rows.append(
                {
                    "moderator": name,
                    "title": title,
                    "kind": LEVEL,
                    "level": level,
                    "k": k // 2 + i,
                    "estimate": 0.5 + i,
                    "ci_low": 0.1,
                    "ci_high": 2.5 + i,
                }
            )
        rows.append(
            {
                "moderator": name,
                "title": title,
                "kind": TEST,
                "method": BY_F,
                "shown": "yes",
                "p_value": 0.031 if name == "setting" else math.nan,
            }
        )
        rows.append({"moderator": name, "title": title, "kind": TEST, "method": "another",
                     "shown": "no", "p_value": 0.5})  # fmt: skip
    rows.append({"moderator": "comparator", "title": "comparator", "kind": UNKNOWN, "k": 1})
    return pd.DataFrame(rows)


def effects(k: int, measure: str = "SMD") -> pd.DataFrame:
    """Two covariates, each with its trials and a line; doses are only two different ones."""
    to = np.exp if measure == "RR" else np.asarray
    i = np.arange(k)
    rows: list[dict[str, Any]] = []
    for name, x in (("dose", 0.2 + 0.3 * (i % 2)), ("year", 1990.0 + i % 31)):
        rows.append(
            {
                "moderator": name,
                "kind": SLOPE,
                "estimate": 1.1,
                "ci_low": 0.9,
                "ci_high": 1.4,
                "method": "meta-regression (REML), Hartung-Knapp",
            }
        )
        rows += [
            {
                "moderator": name,
                "kind": TRIAL,
                "study": f"Investigator {j} and others",
                "x": x[j],
                "estimate": to(np.sin(j)),
                "weight": 1.0 + j % 5,
            }
            for j in i
        ]
        for at in np.linspace(x.min(), x.max(), 5):
            low, mid, high = to(np.array([-0.4, 0.1, 0.6]))
            rows.append({"moderator": name, "kind": LINE, "x": at, "estimate": mid, "ci_low": low,
                         "ci_high": high})  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("measure", ["SMD", "RR"])
@pytest.mark.parametrize("k", [k for k in SIZES if k >= 5])
def test_nothing_overlaps_nothing_is_cut_and_bytes_repeat(
    k: int, measure: str, tmp_path: Path
) -> None:
    about = result(k, measure)
    for module, table in ((subgroups, levels(k)), (bubble, effects(k, measure))):
        rows = module.rows(table, about)
        if k < 10 and module is bubble:
            assert isinstance(rows, Withheld)
            continue
        fig = module.draw(rows)
        assert not overlaps(fig)
        assert not outside(fig)
        first = bytes_of(fig, tmp_path)
        again = bytes_of(module.draw(module.rows(table, about)), tmp_path)
        assert first == again
        assert len(first["svg"]) < 150_000


def test_subgroups_stand_under_their_headings_with_the_shown_test() -> None:
    table = subgroups.rows(levels(6), result(6))
    assert isinstance(table, IntervalTable)
    assert [row.label for row in table.rows] == [
        "All trials",
        "Comparator (1 not known)", "active placebo", "an inert placebo that looks the same",
        "Where the trial took place", "active placebo", "an inert placebo that looks the same",
    ]  # fmt: skip
    assert [row.cells[2] for row in table.rows if row.whole] == ["", "–", "p = 0.031"]
    assert [row.cells[0] for row in table.rows] == ["6", "", "3", "4", "", "3", "4"]
    assert "one τ², Hartung-Knapp" in table.subtitle
    assert "crude" in table.subtitle
    fig = subgroups.draw(table)
    (ax,) = fig.axes
    drawn = [artist.get_label() for artist in ax.get_children()]
    # A heading has neither diamond nor interval.
    assert (drawn.count("diamond"), drawn.count("ci"), drawn.count("estimate")) == (1, 4, 4)


@pytest.mark.parametrize(("k", "reason"), [(3, "k = 3: needs at least 5 trials"), (6, "")])
def test_figures_that_are_not_drawn_say_why(k: int, reason: str) -> None:
    note = "no contrast: parallel in all 6 trials"
    lines = pd.DataFrame(
        [{"moderator": "design", "title": "design", "kind": WITHHELD, "note": note}]
    )
    found = subgroups.rows(lines, result(k))
    assert found == Withheld(reason=reason or f"design: {note}")
    plot = bubble.rows(lines, result(k))
    assert isinstance(plot, Withheld)
    assert plot.reason == f"k = {k}: needs at least 10 trials"


def test_reasons_where_k_would_allow_it() -> None:
    """Nothing declared, or no covariate with a contrast."""
    about = result(12)
    about = replace(about, trust=replace(about.trust, moderators=()))
    none = effects(12).iloc[:0]
    assert bubble.rows(none, about) == Withheld(reason="no covariate is declared")
    lines = pd.DataFrame([{"title": "dose", "kind": WITHHELD, "note": "no contrast: 0.5 in all"}])
    found = bubble.rows(lines, about)
    assert isinstance(found, Withheld)
    assert found.reason == "dose: no contrast: 0.5 in all"
    undeclared = subgroups.rows(levels(12).iloc[:0], about)
    assert isinstance(undeclared, Withheld)
    assert undeclared.reason == "no kind of trial is declared"


def test_bubbles_have_the_area_of_their_weight_and_the_line_of_the_fit() -> None:
    table = bubble.rows(effects(13, "RR"), result(13, "RR"))
    assert isinstance(table, BubbleTable)
    dose, year = table.panels
    assert (dose.label, year.label) == ("Dose (mg/kg)", "Year of publication")
    assert dose.words == "Ratio per 0.1 mg/kg: 1.10 (0.90 to 1.40), p = 0.040"
    assert year.words.startswith("Ratio per 10 years")
    assert year.words.endswith("; by permutation p = 0.050")
    weights = np.array([1.0 + j % 5 for j in range(13)])
    order = np.argsort(-weights, kind="stable")
    assert dose.y == pytest.approx(np.sin(order))
    fig = bubble.draw(table)
    ax = fig.axes[0]
    dots = next(c for c in ax.collections if isinstance(c, PathCollection))
    sizes = np.asarray(dots.get_sizes())
    assert sizes / sizes.max() == pytest.approx(weights[order] / 5)
    line = next(one for one in ax.lines if one.get_label() == "line")
    assert np.asarray(line.get_ydata()) == pytest.approx(0.1)


@pytest.mark.parametrize(("k", "named"), [(12, True), (13, False)])
def test_names_stand_beside_few_bubbles(k: int, named: bool) -> None:
    fig = bubble.draw(shown(bubble.rows(effects(k), result(k))))
    assert any("Investigator" in text.get_text() for text in texts(fig)) == named
