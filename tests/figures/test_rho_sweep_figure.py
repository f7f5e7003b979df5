"""The result against the assumed correlation: its table and what is drawn."""

from __future__ import annotations

from math import isnan, log
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import bytes_of, outside, overlaps
from filled import filled

from trialpool.analysis_result import ResultScale
from trialpool.figures.chart import Withheld
from trialpool.figures.rho_sweep import RhoTable, draw, rows
from trialpool.multilevel.sweep import combine_and_pool, sweep_rho

SIZES = {"two trials": [2, 1], "three": [3, 1, 2], "six": [1, 2, 2, 5, 1, 3], "sixty": [1, 2] * 30}


def case(name: str, measure: str = "SMD", **changes: Any) -> tuple[pd.DataFrame, ResultScale]:
    """A sweep on the display scale and what it measures."""
    sizes = SIZES[name]
    random = np.random.default_rng(len(sizes))
    cluster = np.repeat(range(len(sizes)), sizes)
    vi = random.uniform(0.02, 0.3, len(cluster))
    yi = -0.4 + random.normal(0, 0.3, len(sizes))[cluster] + random.normal(0, np.sqrt(vi))
    sweep = sweep_rho(yi, vi, cluster, [i / 20 for i in range(20)], combine_and_pool(cluster))
    log_scale = measure in ("OR", "RR")
    if log_scale:
        sweep[["estimate", "ci_low", "ci_high"]] = np.exp(sweep[["estimate", "ci_low", "ci_high"]])
    scale = filled(
        ResultScale, title="Symptoms at 1 to 2 weeks", measure=measure,
        scale="log" if log_scale else "identity",
        favours_left="favours ketamine", favours_right="favours control",
    )  # fmt: skip
    return sweep.assign(**changes), scale


def prepared(name: str, measure: str = "SMD") -> RhoTable:
    table = rows(*case(name, measure), assumed=0.6)
    assert isinstance(table, RhoTable)
    return table


@pytest.mark.parametrize("measure", ["SMD", "RR"])
@pytest.mark.parametrize("name", SIZES)
def test_nothing_overlaps_or_is_cut(name: str, measure: str) -> None:
    fig = draw(prepared(name, measure))
    assert overlaps(fig) == []
    assert outside(fig) == []


def test_the_lines_are_the_table() -> None:
    sweep, scale = case("six", "OR")
    table = prepared("six", "OR")
    (ax,) = draw(table).axes
    drawn = {line.get_label(): line for line in ax.lines}
    np.testing.assert_allclose(
        np.asarray(drawn["estimate"].get_ydata(), dtype=float), np.log(sweep["estimate"])
    )
    assert table.assumed is not None
    assert table.assumed == pytest.approx((0.6, log(sweep["estimate"][12])))
    assert [np.asarray(drawn["assumed"].get_xdata())[0]] == [0.6]
    assert ax.get_ylabel() == "Pooled odds ratio"
    assert "Up favours control, down favours ketamine." in table.subtitle
    assert scale.title in table.title


def test_a_correlation_without_a_fit_leaves_a_gap() -> None:
    sweep, scale = case("six")
    sweep.loc[[3, 19], ["estimate", "ci_low", "ci_high"]] = np.nan
    table = rows(sweep, scale)
    assert isinstance(table, RhoTable)
    assert "No fit at ρ = 0.15, 0.95." in table.subtitle
    assert [i for i, y in enumerate(table.estimate) if isnan(y)] == [3, 19]
    assert table.assumed is None
    fig = draw(table)
    assert "assumed" not in [line.get_label() for line in fig.axes[0].lines]
    assert overlaps(fig) == []


def test_nothing_to_show_is_said() -> None:
    sweep, scale = case("six")
    flat = sweep.assign(estimate=-0.5, ci_low=-1.0, ci_high=0.1)
    one = sweep.assign(estimate=[-0.5] + [np.nan] * 19)
    for table, reason in (
        (flat, "no trial has several effects"),
        (one, "fewer than two of the assumed correlations have a fit"),
    ):
        found = rows(table, scale)
        assert isinstance(found, Withheld)
        assert found.reason.startswith(reason)


def test_bytes_repeat_and_stay_small(tmp_path: Path) -> None:
    one, two = (bytes_of(draw(prepared("six")), tmp_path) for _ in range(2))
    assert one == two
    assert len(one["svg"]) < 150_000
