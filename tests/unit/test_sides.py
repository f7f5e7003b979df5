"""Sides, benefits and no effect are told only of measures whose record has them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_measures_end_to_end import (
    TRIALS,
    Asked,
    correlations,
    hazards,
    proportions,
    rates,
    scores,
)

from trialpool.effects import MEASURES
from trialpool.review.analysis import Analysed

FILL = {
    "continuous": scores,
    "binary": proportions,
    "rate": rates,
    "association": correlations,
    "time_to_event": hazards,
}
SIDES = re.compile(r"favour|benefit|harm|\bhelps\b", re.IGNORECASE)
NO_EFFECT = re.compile(r"no difference|no effect|excludes? null|found nothing", re.IGNORECASE)
# Every measure that a review can ask for.
ASKED = [code for code, record in MEASURES.items() if record.outcome]
WITHOUT_SIDES = [code for code in ASKED if not MEASURES[code].favours]
WITHOUT_NULL = [code for code in ASKED if MEASURES[code].null is None]


@cache
def made(code: str) -> tuple[Analysed, str, dict[str, str]]:
    """An analysis with a missing trial: its result, its page, and the words of its figures."""
    record = MEASURES[code]
    settings = {} if record.null is None else {"important": 1.3 if record.is_ratio else 0.2}
    with TemporaryDirectory() as folder:
        asked = Asked(Path(folder), record.outcome, code, **settings)
        FILL[record.outcome](asked)
        asked.add("missing_results", [
            {"trial_id": "Fir", "status": "completed_unpublished", "n_total": 140, "what_if": "yes",
             "reason": "not published", "source_url": "https://example.org/made-up"}
        ])  # fmt: skip
        result = asked.result()
        page, figures = asked.page(result)
        return result, page, {name: words(figure) for name, figure in figures.items()}


def words(figure: Figure) -> str:
    texts = [text.get_text() for text in figure.findobj(Text)]
    return " ".join(texts)


def cells(result: Analysed) -> dict[str, str]:
    """The cells of all tables as text; of the columns the names are the same for all measures."""
    tables: dict[str, Any] = {
        "studies": result.studies, "missing": result.missing, "sensitivity": result.sensitivity,
        **result.trust,
    }  # fmt: skip
    return {name: table.to_csv(header=False) for name, table in tables.items()}


def said(code: str) -> dict[str, str]:
    """All that is said of an analysis, by where; without how to read the numbers of any."""
    result, page, figures = made(code)
    read = result.result
    page = re.sub(r"<summary>How to read.*?</details>", "", page, flags=re.DOTALL)
    page = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]*>", " ", page, flags=re.DOTALL)
    verdict = {"verdict": read.verdict.line, "note": read.note}
    return {"page": page, **verdict, **figures, **cells(result)}


@pytest.mark.parametrize("code", WITHOUT_SIDES)
def test_no_side_is_told_of_what_has_none(code: str) -> None:
    """Of one group, of associations and of variability nothing is a benefit of one of two."""
    hits = {place: SIDES.findall(text) for place, text in said(code).items()}
    assert {place: found for place, found in hits.items() if found} == {}
    result = made(code)[0].result
    assert result.posterior is None
    assert "Bayesian" not in result.note
    assert "Bayesian analysis" in result.policy.withheld
    for answer in result.multiverse.questions:
        assert np.isnan([answer.favours_experimental, answer.favours_control]).all()


@pytest.mark.parametrize("code", WITHOUT_NULL)
def test_no_effect_is_not_told_of_where_nothing_is_compared(code: str) -> None:
    hits = {place: NO_EFFECT.findall(text) for place, text in said(code).items()}
    assert {place: found for place, found in hits.items() if found} == {}
    result = made(code)[0]
    assert result.trust["multiverse"]["p_value"].isna().all()
    for answer in result.result.multiverse.questions:
        assert np.isnan([answer.same_sign, answer.excludes_null]).all()
    assert "No trial." not in made(code)[1]


@pytest.mark.parametrize("code", ["SMD", "IRR", "ROM"])
def test_sides_are_told_of_what_has_them(code: str) -> None:
    everything = said(code)
    assert SIDES.search(everything["forest"])
    assert NO_EFFECT.search(everything["specification_curve"])
    assert "a Bayesian analysis leads" in everything["note"]


def test_the_lists_hold_the_measures_meant() -> None:
    assert {"PLO", "MN", "IR", "ZCOR", "VR", "CVR"} <= set(WITHOUT_SIDES)
    assert {"PLO", "MN", "IR"} <= set(WITHOUT_NULL)
    assert not {"SMD", "MD", "OR", "HR", "IRR", "ROM"} & {*WITHOUT_SIDES, *WITHOUT_NULL}
    assert not {"ZCOR", "VR"} & set(WITHOUT_NULL)


@pytest.mark.parametrize("code", ["VR", "CVR"])
def test_the_sides_of_variability_are_more_and_less(code: str) -> None:
    result, page, figures = made(code)
    ends = (result.result.favours_left, result.result.favours_right)
    assert ends == ("less variable with drug", "more variable with drug")
    assert "less variable with drug" in figures["forest"]
    assert " variable with drug" in page


@pytest.mark.parametrize(
    ("code", "size"),
    [("SMD", "by more than 0.20 standard deviations"), ("ROM", "by a ratio of more than 1.30 to 1"),
     ("IRR", "by a ratio of more than 1.30 to 1"), ("HR", "by a ratio of more than 1.30 to 1")],
)  # fmt: skip
def test_a_ratio_is_not_told_in_standard_deviations(code: str, size: str) -> None:
    page = " ".join(made(code)[1].split())
    assert size in page
    assert ("standard deviations)" in page or "by more than" in page) == (code == "SMD")


def test_events_and_time_of_a_rate_are_shown() -> None:
    _, page, figures = made("IRR")
    assert "Drug: events / time" in page
    assert "9 / 210.5" in page
    assert "9/210.5" in figures["forest"]
    assert "Events/time" in figures["forest"]


@pytest.mark.parametrize("code", ["PLO", "MN", "ZCOR"])
def test_one_group_has_no_control_to_explain(code: str) -> None:
    result, page, _ = made(code)
    assert "difference between groups" not in page
    assert "number of people not known" not in page.lower()
    assert "comparator" not in set(result.trust["weights"]["by"])
    # Nor is there a kind of trial by it; the other kinds stay.
    kinds = set(result.trust["subgroups"]["title"])
    assert kinds == set(made("SMD")[0].trust["subgroups"]["title"]) - {"comparator"}
    assert len(result.result.trust.moderators) == len(kinds) > 0
    assert len(TRIALS) == result.result.k


def test_kinds_by_comparator_are_asked_of_comparisons() -> None:
    assert "comparator" in set(made("SMD")[0].trust["subgroups"]["title"])


@pytest.mark.parametrize("code", ["IRR", "HR"])
def test_the_probability_names_the_outcome(code: str) -> None:
    words = {"IRR": "more", "HR": "less"}[code]
    page = " ".join(made(code)[1].split())
    assert f"that the thing is {words} frequent with drug at all" in page
    assert "that it is more frequent" not in page
    assert "that it is less frequent" not in page


@pytest.mark.parametrize("code", WITHOUT_NULL)
def test_why_there_is_no_prior_is_a_whole_sentence(code: str) -> None:
    why = made(code)[0].result.policy.withheld["Bayesian analysis"]
    assert why.startswith("nothing is compared: the priors used here are in ")
