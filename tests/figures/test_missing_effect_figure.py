"""The pooled effect against what the missing trials found: its table and what is drawn."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from pathlib import Path

import cases
import numpy as np
import pandas as pd
import pytest
from figure_checks import bytes_of, outside, overlaps, texts
from filled import filled

from trialpool.analysis_result import ResultScale
from trialpool.figures.chart import Withheld
from trialpool.figures.missing_effect import MissingTable, draw, rows
from trialpool.review.schema.results import MISSING
from trialpool.review.trust.missing_effect import missing_effect
from trialpool.review.trust.what_if import WhatIf
from trialpool.trust_facts import MissingEffectFacts, TippingAnswer, Unanswered

CASES = {
    "k = 1": (1, 1, "SMD"),
    "k = 2": (2, 1, "RR"),
    "k = 3": (3, 2, "SMD"),
    "k = 6": (6, 3, "OR"),
    "k = 60": (60, 20, "SMD"),
}


def case(k: int, m: int, measure: str) -> tuple[pd.DataFrame, MissingEffectFacts, ResultScale]:
    rng = np.random.default_rng(k)
    studies = pd.DataFrame(
        {"trial_id": [f"T{i}" for i in range(k)], "yi": rng.normal(-0.5, 0.2, k),
         "vi": rng.uniform(0.03, 0.2, k)}
    )  # fmt: skip
    lines = [
        {"trial_id": f"M{i}", "study": f"Someone {2000 + i}", "what_if": "yes", "yi": 0.0,
         "vi": 0.04 + 0.01 * i, "n_total": 80.0}
        for i in range(m)
    ]  # fmt: skip
    absent = WhatIf(missing=MISSING.frame(lines), joint=None, added=())
    result = missing_effect(cases.case(measure, important=0.5), studies, absent)
    assert isinstance(result.facts, MissingEffectFacts)
    scale = filled(
        ResultScale, title="Symptoms", measure=measure,
        scale="identity" if measure == "SMD" else "log",
        favours_left="favours ketamine", favours_right="favours control",
    )  # fmt: skip
    return result.curve, result.facts, scale


def prepared(name: str) -> MissingTable:
    table = rows(*case(*CASES[name]))
    assert isinstance(table, MissingTable)
    return table


@pytest.mark.parametrize(
    ("name", "interval"),
    [("k = 1", "95 % CrI"), ("k = 3", "95 % CrI"), ("k = 6", "95 % CI")],
)
def test_the_band_is_called_by_the_model_that_leads_without_the_missing(
    name: str, interval: str
) -> None:
    """It stands beside the band's edge."""
    table = prepared(name)
    assert table.interval == interval
    assert interval in [text.get_text() for text in texts(draw(table))]
    assert ("prior of τ" in table.subtitle) == (interval == "95 % CrI")


def test_the_table_is_on_the_analysis_scale() -> None:
    curve, facts, scale = case(*CASES["k = 6"])
    table = rows(curve, facts, scale)
    assert isinstance(table, MissingTable)
    assert table.assumed[0] == pytest.approx(log(curve["assumed"].iloc[0]))
    assert table.lines[0] == (0.0, "they found nothing")
    assert exp(table.lines[1][0]) == pytest.approx(facts.estimate)
    assert table.important == pytest.approx(-0.5)
    assert table.important_label == "matters: 0.61"
    assert "Someone 2000, Someone 2001, Someone 2002 (n = 240), k = 9" in table.subtitle


def test_many_missing_trials_are_counted() -> None:
    assert "and 16 more (n = 1600), k = 80" in prepared("k = 60").subtitle


@pytest.mark.parametrize("name", CASES)
def test_nothing_overlaps_or_is_cut(name: str) -> None:
    fig = draw(prepared(name))
    assert overlaps(fig) == []
    assert outside(fig) == []


def test_the_flips_lie_on_the_line_of_no_difference() -> None:
    table = prepared("k = 3")
    assert table.flips
    (ax,) = draw(table).axes
    rings = [line for line in ax.lines if line.get_label() == "flip"]
    drawn = [(float(np.asarray(r.get_xdata())[0]), float(np.asarray(r.get_ydata())[0]))
             for r in rings]  # fmt: skip
    assert drawn == [(x, 0.0) for x, _ in sorted(table.flips)]
    assert [line for line in ax.lines if line.get_label() == "important"]


def test_the_sentences_say_what_is_and_what_is_not_found() -> None:
    curve, facts, scale = case(*CASES["k = 3"])
    answers = (
        TippingAnswer(question="interval excludes no difference, benefit", reached=True,
                      at_null=False, assumed=-0.25),
        TippingAnswer(question="interval excludes no difference, harm", reached=False,
                      at_null=False, assumed=None),
        TippingAnswer(question="estimate no longer reaches the important difference", reached=True,
                      at_null=True, assumed=0.0),
    )  # fmt: skip
    table = rows(curve, replace(facts, answers=answers, searched=(-3.0, 3.0)), scale)
    assert table.subtitle.endswith(  # type: ignore[union-attr]
        "From −0.25 on, the interval excludes no difference (benefit). No common effect between "
        "−3.00 and 3.00 is found from which the interval excludes no difference (harm). Even if "
        "they found nothing, the estimate falls short of the smallest difference that matters."
    )


def test_a_reason_is_shown_instead() -> None:
    _, _, scale = case(*CASES["k = 3"])
    table = rows(pd.DataFrame(), Unanswered(reason="no trial is in the analysis"), scale)
    assert isinstance(table, Withheld)
    assert table.reason == "no trial is in the analysis"


def test_bytes_repeat_and_stay_small(tmp_path: Path) -> None:
    one, two = (
        bytes_of(draw(prepared("k = 60")), tmp_path),
        bytes_of(draw(prepared("k = 60")), tmp_path),
    )
    assert one == two
    assert len(one["svg"]) < 150_000
