"""The smallest difference that matters: where it comes from, why, and what is said on each side."""

from __future__ import annotations

from math import log
from typing import Any

import pandas as pd
import pytest
from filled import analysis_result
from small import SmallReview

from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.protocol.protocol import Review
from trialpool.review.report import certainty_tables, sentences

HALF, QUARTER = "(Norman 2003", "(Guyatt 2011"


def changed(small: SmallReview, old: str, new: str) -> Review:
    small.rewrite(old, new)
    return small.review


def test_without_a_word_it_is_the_convention_and_says_so(small: SmallReview) -> None:
    asked = small.review.conditions["blue"].analyses
    mood, harm = (small.review.important_of(asked[name]) for name in ("mood", "harm"))
    assert mood.value == 0.5
    assert HALF in mood.reason
    assert harm.value == pytest.approx(log(1.25))
    assert QUARTER in harm.reason


def test_an_outcome_goes_before_all_and_an_analysis_before_its_outcome(small: SmallReview) -> None:
    own = "important: {smd: 0.3, reason: patients were asked}"
    review = changed(
        small, "title: mood, kind: continuous", f"title: mood, kind: continuous, {own}"
    )
    blue, green = (review.conditions[name].analyses for name in ("blue", "green"))
    assert review.important_of(blue["mood"]) == (0.3, "patients were asked")
    # A mean difference is in points of a scale: the outcome's threshold is in SDs of it.
    assert review.important_of(green["mood"]).value is None
    in_points = review.important_of(green["mood"], 8.0, "reference SD")
    assert in_points.value == pytest.approx(2.4)
    assert in_points.reason == "0.3 times the reference SD (8); patients were asked"
    review = changed(
        small, "        measure: SMD\n", "        measure: SMD\n        important: 0.2\n"
    )
    asked = review.conditions["blue"].analyses["mood"]
    assert review.important_of(asked) == (0.2, "declared for this analysis")


@pytest.mark.parametrize(
    ("kind", "important", "told"),
    [
        ("continuous", "{smd: 0.3}", "reason"),
        ("continuous", "{reason: why not}", "give smd, or ratio with the reason"),
        ("binary", "{reason: why not}", "give ratio with the reason"),
        ("binary", "{smd: 0.3, reason: why not}", "binary outcomes are no scores; give a ratio"),
        ("binary", "{ratio: 1, reason: why not}", "ratio"),
    ],
)
def test_a_threshold_without_a_sense_is_refused(
    small: SmallReview, kind: str, important: str, told: str
) -> None:
    word = "mood" if kind == "continuous" else "any harm"
    old = f"title: {word}, kind: {kind}"
    with pytest.raises(ProtocolError, match=told):
        changed(small, old, f"{old}, important: {important}")


@pytest.mark.parametrize(
    ("important", "taken"),
    [
        ("{smd: 0.5}", True),
        ("{smd: 0.4}", False),
        ("{smd: 0.4, reason_smd: a survey}", True),
        ("{ratio: 1.5}", False),
        ("{ratio: 1.5, reason_smd: a survey}", False),
        ("{ratio: 1.5, reason_ratio: a survey}", True),
    ],
)
def test_another_default_needs_its_reason(small: SmallReview, important: str, taken: bool) -> None:
    def read() -> Review:
        return changed(
            small, "\nconditions:", f"\ndefaults: {{important: {important}}}\nconditions:"
        )

    if taken:
        assert read().defaults.important.smd in (0.4, 0.5)
    else:
        with pytest.raises(ProtocolError, match="give reason_"):
            read()


# -- words -------------------------------------------------------------------------------------


def result(estimate: float, low: float, high: float, below: float | None = None) -> Any:
    posterior = {} if below is None else {"posterior": {"p_below_zero": below}}
    return analysis_result(
        k=3, measure="SMD", scale="identity", better="lower", important=0.5,
        important_reason="a survey", experimental_label="Ketamine",
        display={"estimate": estimate, "ci_low": low, "ci_high": high},
        policy={"bayesian": below is not None}, **posterior,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("estimate", "low", "high", "said"),
    [
        (0.01, -0.9, 0.9, "little difference in the estimate; the interval includes"),
        (0.49, -0.1, 1.1, "little difference in the estimate; the interval includes"),
        (0.5, -0.1, 1.1, "higher with ketamine, but the interval includes"),
        (-0.49, -1.1, 0.1, "little difference in the estimate; the interval includes"),
        (-0.5, -1.1, 0.1, "lower with ketamine, but the interval includes"),
        # The interval says which way, however small.
        (0.01, 0.005, 0.02, "higher with ketamine, and the interval excludes"),
    ],
)
def test_a_small_estimate_has_no_direction_unless_its_interval_has(
    estimate: float, low: float, high: float, said: str
) -> None:
    assert sentences.interval_says(result(estimate, low, high)).startswith(said)


@pytest.mark.parametrize(
    ("below", "lead", "chance"),
    [
        (0.94, "little difference", "; the probability that it is lower with ketamine is 94 %"),
        (0.95, "lower with ketamine", "; the probability of this direction is 95 %"),
        # The estimate and the larger part of the posterior may lie on different sides.
        (0.4, "little difference", "; the probability that it is lower with ketamine is 40 %"),
    ],
)
def test_a_posterior_says_the_probability_of_the_side_that_is_named(
    below: float, lead: str, chance: str
) -> None:
    about = result(-0.3, -0.8, 0.1, below)
    assert sentences.interval_says(about).startswith(lead)
    assert sentences.probability(about) == chance


def test_the_threshold_stands_with_its_reason() -> None:
    said = sentences.threshold(result(0.1, -1, 1))
    assert said == "Smallest difference that matters: 0.50 (a survey)."


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (["100 %", "100 %"], "No trial here is of them."),
        (["100 %", "79 %", "90 %"], "In one analysis of 3 no trial is of them; in the others "
         "79 to 90 % of the weight is of other people."),
        (["100 %", "0 %"], "In one analysis of 2 no trial is of them; in the others all "
         "trials are."),
        (["25 %", "0 %"], "Up to 25 % of the weight is of people other than them."),
        (["24 %", "0 %"], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_how_many_trials_are_of_other_people(shares: list[str], said: str) -> None:
    rows = pd.DataFrame({
        "domain": ["indirectness"] * len(shares),
        "numbers": [f"outside: population {s}; drug 0 %; comparator 0 %; time 0 %" for s in shares],
    })  # fmt: skip
    assert certainty_tables.of_other_people(rows, "them") == said


@pytest.mark.parametrize(
    ("sd", "important", "of"),
    [("8", 4.0, "reference SD of the instrument"), ("", None, "SD within the groups")],
)
def test_a_difference_in_points_takes_the_reference_sd_of_its_scale(
    small: SmallReview, sd: str, important: float | None, of: str
) -> None:
    row = 1 + next(i for i, row in enumerate(small.rows("instruments")) if row[0] == "SCALE")
    small.set("instruments", row, "reference_sd", sd)
    small.set("instruments", row, "reference_sd_source", "https://example.org/sd" if sd else "")
    result = small.result("green", "mood").result
    assert result.important is not None
    assert of in result.important_reason
    if important is not None:
        assert result.important == important
