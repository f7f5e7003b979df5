"""The answer of a condition in words that need no statistics."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest
from filled import analysis_result

from trialpool.analysis_result import AnalysisResult
from trialpool.review.report.plain_answer import absolute, plain_answer, points
from trialpool.review.schema.findings import SUMMARY_OF_FINDINGS

BLANK: dict[str, Any] = dict.fromkeys(SUMMARY_OF_FINDINGS.names)
WHOM = "people with the blues"


def result(k: int, low: float, high: float, **given: Any) -> AnalysisResult:
    shown = {"estimate": (low + high) / 2, "ci_low": low, "ci_high": high}
    about = {"k": k, "n": 30 * k if k else None, "analysis": "mood", "outcome": "mood",
             "title": "Mood at one week", "outcome_title": "mood", "better": "lower",
             "experimental_label": "Ketamine", "control_label": "Control",
             "display": shown if k else {}}  # fmt: skip
    return analysis_result(**(about | given))


def said(made: AnalysisResult, *others: AnalysisResult, share: float = 0.0, **row: Any) -> str:
    return plain_answer(made, BLANK | row, others, WHOM, share)


@pytest.mark.parametrize(
    ("k", "low", "high", "words"),
    [
        (0, nan, nan, "In people with the blues, no trial shows what ketamine does to mood."),
        (1, -0.9, 0.2, "In people with the blues, it is not shown that ketamine reduces mood: the "
         "one trial (30 people) leans towards a benefit."),
        (2, -0.2, 0.9, "In people with the blues, it is not shown that ketamine reduces mood: two "
         "trials (60 people) lean towards a harm."),
        (12, -0.5, 0.5, "In people with the blues, it is not shown that ketamine reduces mood: 12 "
         "trials (360 people) found no difference."),
    ],
)  # fmt: skip
def test_what_is_not_shown_is_said_with_its_trials(
    k: int, low: float, high: float, words: str
) -> None:
    assert said(result(k, low, high), certainty="low") == words


def test_a_clear_result_of_very_low_certainty_stays_uncertain() -> None:
    assert said(result(3, -0.9, -0.1), certainty="very low") == (
        "In people with the blues, it is very uncertain whether ketamine reduces mood: three "
        "trials (90 people) found it lower with ketamine."
    )


def test_a_harm_is_counted_in_people() -> None:
    made = result(4, 1.5, 3.0, measure="RR", outcome_title="Dissociation")
    told = said(made, per=100, experimental=31, control=5, certainty="moderate")
    assert told.startswith(
        "In people with the blues, dissociation is seen in 31 of 100 people with ketamine and in "
        "5 of 100 without: four trials (120 people) found it more frequent"
    )


@pytest.mark.parametrize(
    ("share", "aside"),
    [
        (nan, ""), (24.9, ""), (25.0, "Some of the people in these trials are not"),
        (74.9, "Some of the people"), (75.0, "Few of the people in these trials are"),
        (99.9, "Few of the people"), (100.0, "No trial is of people with the blues:"),
    ],
)  # fmt: skip
def test_trials_of_other_people_are_said_to_be_so(share: float, aside: str) -> None:
    told = said(result(3, -0.9, 0.2), share=share)
    assert told.startswith("It is not shown" if aside else "In people with the blues, it is not")
    assert (aside in told) if aside else told.endswith("a benefit.")


def test_a_missing_trial_larger_than_all_is_named_by_its_people() -> None:
    largest = {"study": "Big", "n": 158, "larger_than_any_included": True, "estimate": nan}
    told = said(result(3, -0.9, 0.2, largest_missing=largest))
    assert told.endswith("; the largest trial (158 people) gave no usable numbers.")


def test_a_clear_result_at_another_time_is_added() -> None:
    other = result(1, -2.0, -1.0, analysis="day", title="Mood at one day")
    told = said(result(3, -0.9, 0.2), other)
    assert told.endswith("Mood at one day: lower with ketamine in one trial (30 people).")
    assert "one day" not in said(result(3, -0.9, -0.2), other, certainty="low")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("response, computed from the score", "response: 53 of 100 people with ketamine, 29 of"),
        ("mood", "53 of 100 people with ketamine, 29 of 100 without"),
    ],
)
def test_people_of_100_are_counted_by_what(event: str, words: str) -> None:
    row = BLANK | {"per": 100, "experimental": 53, "control": 29, "event": event}
    assert absolute(result(3, -0.9, 0.2), row).startswith(words)


@pytest.mark.parametrize(
    ("value", "scale", "words"),
    [(-12.7, "IES-R", "12.7 points lower on the IES-R"), (0.6, "BDI", "0.6 points higher on the"),
     (nan, "BDI", ""), (1.0, None, "")],
)  # fmt: skip
def test_points_of_a_scale(value: float, scale: str | None, words: str) -> None:
    assert points(BLANK | {"points": value, "instrument": scale}).startswith(words)
    assert bool(points(BLANK | {"points": value, "instrument": scale})) is bool(words)


def test_where_nothing_is_compared_no_side_is_told() -> None:
    made = result(3, 0.2, 0.4, measure="PR")
    assert said(made) == (
        "In people with the blues, the trials give for mood: PR 0.30 (0.20 to 0.40), from three "
        "trials (90 people)."
    )
    none = said(result(0, nan, nan, measure="PR"))
    assert none == "In people with the blues, no trial tells of mood."
