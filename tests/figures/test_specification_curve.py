"""The specification curve: what is drawn is in the table, in order, and fits the sheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import bytes_of, outside, overlaps
from filled import filled

from trialpool.analysis_result import MultiverseResult, ResultHeading
from trialpool.figures.chart import Withheld
from trialpool.figures.specification_curve import MOST, SpecificationCurve, draw, rows

FACTORS: list[dict[str, Any]] = [
    {"name": "comparators", "title": "Comparator", "kind": "N", "levels": ["both", "placebo"]},
    {"name": "flagged", "title": "Flagged results", "kind": "U", "levels": ["kept", "left out"]},
    {"name": "r", "title": "Crossover trials", "kind": "U",
     "levels": [f"paired, r = 0.{i}" for i in range(1, 9)]},
    {"name": "test", "title": "Test", "kind": "E",
     "levels": ["Hartung-Knapp (hksj)", "normal quantile", "Knapp-Hartung (knha)"]},
]  # fmt: skip


def question(n: int, name: str = "Comparator: both", **changed: Any) -> dict[str, Any]:
    return {
        "question": name, "specifications": 2 * n, "distinct": n, "with_estimate": n,
        "same_sign": 0.999, "excludes_null": 0.2, "favours_experimental": 0.2,
        "favours_control": 0.0, "median": 0.8, "lowest": 0.5, "highest": 1.2,
        "most": "Flagged results",
        "factors": [{"factor": "Flagged results", "eta2": 0.4}],
    } | changed  # fmt: skip


def made(
    n: int, scale: str = "log", seed: int = 1
) -> tuple[pd.DataFrame, MultiverseResult, ResultHeading]:
    """Specifications of two questions, n of the first, its own first."""
    rng = np.random.default_rng(seed)
    half = np.abs(rng.normal(0.3, 0.2, 2 * n)) + 0.05
    y = rng.normal(-0.2, 0.15, 2 * n)
    cells: dict[str, Any] = {
        f["name"]: rng.choice(f["levels"], 2 * n).astype(object) for f in FACTORS
    }
    for f in FACTORS:
        cells[f["name"]][0] = f["levels"][0]
    cells["comparators"] = np.array(["both"] * n + ["placebo"] * n, dtype=object)
    # Only the first row is the protocol's own.
    own = (cells["flagged"] == "kept") & (cells["r"] == "paired, r = 0.1")
    cells["flagged"][1:][own[1:]] = "left out"
    to = np.exp if scale == "log" else np.asarray
    numbers = {"estimate": to(y), "ci_low": to(y - half), "ci_high": to(y + half)}
    summary = filled(MultiverseResult, factors=FACTORS, questions=[
        question(n), question(n, "Comparator: placebo"),
        question(n, "Comparator: any of a long list of controls; Time window: day 2 to 20",
                 with_estimate=0, median=None),
    ])  # fmt: skip
    heading = filled(
        ResultHeading, title="Mood at one week", measure="RR" if scale == "log" else "SMD",
        scale=scale, favours_left="favours drug", favours_right="favours control",
        experimental_label="Drug", control_label="Control",
    )  # fmt: skip
    return pd.DataFrame({**cells, **numbers, "note": None}), summary, heading


def prepared(n: int, scale: str = "log") -> SpecificationCurve:
    table = rows(*made(n, scale))
    assert isinstance(table, SpecificationCurve)
    return table


@pytest.mark.parametrize("scale", ["log", "identity"])
@pytest.mark.parametrize("n", [1, 2, 5, 60, 5000])
def test_nothing_overlaps_or_is_cut_at_any_number(n: int, scale: str, tmp_path: Path) -> None:
    """Readable with one specification and with thousands, and light enough for a page."""
    fig = draw(prepared(n, scale))
    assert overlaps(fig) == []
    assert outside(fig) == []
    assert len(bytes_of(fig, tmp_path)["svg"]) < 150_000


def test_the_curve_is_the_first_question_in_the_order_of_its_estimates() -> None:
    """Results of another question are no part of the curve."""
    table, summary, heading = made(40)
    curve = rows(table, summary, heading)
    assert isinstance(curve, SpecificationCurve)
    assert curve.estimate == pytest.approx(sorted(np.log(table["estimate"][:40])))
    assert curve.protocol is not None
    assert curve.estimate[curve.protocol] == pytest.approx(np.log(table["estimate"][0]))
    assert [group.title for group in curve.groups] == [
        "Flagged results",
        "Crossover trials",
        "Test",
    ]
    for group in curve.groups:
        # Each specification has one level of each factor.
        assert sorted(i for _, places in group.levels for i in places) == list(range(40))
    assert curve.others[0][0] == "Comparator: placebo"
    assert curve.others[1][2] == "no estimate"


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("three trials: Bayesian random effects, half-normal(0.5) prior of tau", True),
        ("two trials: common effect, normal quantile", False),
        (None, False),
    ],
)
def test_the_subtitle_says_where_neither_model_nor_test_is_that_of_its_row(
    note: str | None, said: bool
) -> None:
    """Nor for specifications of another question, whatever leads there."""
    table, summary, heading = made(40)
    table.loc[3, "note"] = note
    table.loc[41, "note"] = "two trials: Bayesian random effects"
    curve = rows(table, summary, heading)
    assert isinstance(curve, SpecificationCurve)
    words = " With 2 to 4 trials a Bayesian model leads, whatever model and test."
    assert curve.subtitle.endswith(words) == said


def test_thousands_are_thinned_evenly_and_the_subtitle_says_so() -> None:
    """First, last and the protocol's own are always there."""
    table, summary, heading = made(5000)
    curve = rows(table, summary, heading)
    assert isinstance(curve, SpecificationCurve)
    assert MOST <= len(curve.estimate) <= MOST + 1
    everything = np.sort(np.log(table["estimate"][:5000]))
    assert (curve.estimate[0], curve.estimate[-1]) == pytest.approx(everything[[0, -1]])
    assert np.median(curve.estimate) == pytest.approx(np.median(everything), abs=0.005)
    assert curve.protocol is not None
    assert f"{len(curve.estimate)} drawn at even steps" in curve.subtitle


def test_a_share_that_is_not_everything_does_not_read_so() -> None:
    """99.9 % is not 100 %."""
    assert "Same side as the protocol's: >99 %." in prepared(5).subtitle


def test_lines_and_marks_stand_at_their_numbers() -> None:
    """Intervals and the protocol's mark are where the table says; colours say what excludes."""
    table = prepared(6, "identity")
    fig = draw(table)
    ax = fig.axes[0]
    lines = {line.get_label(): line for line in ax.lines}
    (x,), (y,) = (np.asarray(v) for v in lines["protocol"].get_data())
    assert (x, y) == (table.protocol, table.estimate[table.protocol or 0])
    beyond = [lo > 0 or hi < 0 for lo, hi in zip(table.low, table.high, strict=True)]
    ends = np.asarray(lines["excludes"].get_xdata()).reshape(-1, 3)
    assert ends[:, 0].tolist() == [i for i, out in enumerate(beyond) if out]


def test_each_specification_has_its_own_mark_until_they_touch() -> None:
    """Two neighbours of one level are two marks on a sparse sheet, one line on a dense one."""
    for n, alone in ((5, True), (120, False)):
        table = prepared(n)
        lines = {line.get_label(): line for line in draw(table).axes[2].lines}
        level, places = table.groups[0].levels[1]
        ends = np.asarray(lines[level].get_xdata()).reshape(-1, 3)
        assert (len(ends) == len(places)) == alone
        covered = {i for i in range(n) for lo, hi, _ in ends if lo < i < hi}
        assert covered == set(places)


def test_without_any_estimate_the_figure_says_so() -> None:
    """No specification has a trial: a sentence, no empty axes."""
    table, summary, heading = made(3)
    told = rows(table.assign(estimate=np.nan), summary, heading)
    assert isinstance(told, Withheld)
    assert "no specification of this question has an estimate" in told.reason


def test_a_protocol_without_an_estimate_is_not_marked() -> None:
    """Other specifications may still have one."""
    table, summary, heading = made(5)
    table.loc[0, ["estimate", "ci_low", "ci_high"]] = np.nan
    curve = rows(table, summary, heading)
    assert isinstance(curve, SpecificationCurve)
    assert curve.protocol is None
    assert "The protocol's own has no estimate." in curve.subtitle
    assert overlaps(draw(curve)) == []


def test_the_bytes_are_the_same_on_every_run(tmp_path: Path) -> None:
    """A rebuilt figure is the same file."""
    assert bytes_of(draw(prepared(30)), tmp_path) == bytes_of(draw(prepared(30)), tmp_path)


SIDES = "Intervals that exclude no difference: 20 % favour drug, 0 % favour control."
MOVED = "Most moved by flagged results (40 % of the variance)."


@pytest.mark.parametrize(
    ("changed", "subtitle"),
    [
        ({}, "10 specifications, 5 different. Equal fits stand under the first of their choices. "
         f"Same side as the protocol's: >99 %. {SIDES} {MOVED}"),
        ({"specifications": 5, "with_estimate": 4},
         f"5 specifications, 4 with an estimate. Same side as the protocol's: >99 %. {SIDES} "
         f"{MOVED}"),
        ({"specifications": 1, "distinct": 1, "with_estimate": 1, "most": ""},
         f"1 specification. Same side as the protocol's: >99 %. {SIDES}"),
        ({"specifications": 5, "same_sign": float("nan")}, f"5 specifications. {SIDES} {MOVED}"),
    ],
)  # fmt: skip
def test_the_subtitle_says_only_what_differs(changed: dict[str, Any], subtitle: str) -> None:
    table, summary, heading = made(5)
    asked = replace(summary.questions[0], **changed)
    prepared = rows(table, replace(summary, questions=(asked, *summary.questions[1:])), heading)
    assert isinstance(prepared, SpecificationCurve)
    assert prepared.subtitle == subtitle


def test_a_protocol_without_an_estimate_has_no_side() -> None:
    table, summary, heading = made(5)
    table.loc[0, ["estimate", "ci_low", "ci_high"]] = np.nan
    prepared = rows(table, summary, heading)
    assert isinstance(prepared, SpecificationCurve)
    assert prepared.protocol is None
    assert "choices. The protocol's own has no estimate. Intervals" in prepared.subtitle
