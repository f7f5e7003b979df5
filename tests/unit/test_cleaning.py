"""Cleaning: every raw row is accounted for, and completed where a formula allows."""

from __future__ import annotations

from math import sqrt

import pytest
from scipy import stats
from small import SmallReview


def test_rows_in_are_rows_used_plus_rows_dropped(small: SmallReview) -> None:
    """The account balances for every raw table, and each dropped row says why."""
    small.set("results", 2, "sd", "")
    cleaned = small.cleaned()
    account = cleaned.rows
    assert (account["rows_in"] == account["rows_used"] + account["rows_dropped"]).all()
    assert list(account["table"]) == [
        "trials", "arms", "results", "contrasts", "risk_of_bias", "missing_results", "excluded",
        "search",
    ]  # fmt: skip
    assert len(cleaned.dropped) == account["rows_dropped"].sum() == 3
    assert cleaned.dropped[["table", "row", "rule", "reason"]].to_numpy().tolist() == [
        ["results", 2, "incomplete", "no SD, and no SE or CI of the mean to compute it from"],
        [
            "results",
            3,
            "no partner",
            "no experimental arm has a usable result with the same outcome, instrument, "
            "definition, period, time_days, outcome_type, stratum and analysis_set",
        ],
        ["results", 18, "extractor", "made up twice"],
    ]


def test_an_sd_is_computed_from_a_standard_error(small: SmallReview) -> None:
    """SD = SE sqrt(n), Cochrane Handbook 6.5.2.2; the record says so."""
    small.set("results", 2, "sd", "")
    small.set("results", 2, "se", "1.5")
    record = small.cleaned().tables["records"].query("table == 'results' and row == 2").iloc[0]
    assert record["sd"] == pytest.approx(1.5 * sqrt(20))
    assert record["computed"] == "SD = SE x sqrt(n)"


def test_an_sd_is_computed_from_a_confidence_interval_with_t(small: SmallReview) -> None:
    """Small groups need the t quantile, Handbook 6.5.2.2."""
    for column, value in (("sd", ""), ("ci_low", "14"), ("ci_high", "22")):
        small.set("results", 2, column, value)
    record = small.cleaned().tables["records"].query("table == 'results' and row == 2").iloc[0]
    assert record["sd"] == pytest.approx(sqrt(20) * 8 / (2 * stats.t.ppf(0.975, 19)))


def test_of_two_sources_of_one_result_the_most_trusted_is_used(small: SmallReview) -> None:
    """The other row is dropped with a pointer to the one used."""
    rows = small.rows("results")
    other = list(rows[1])
    header = rows[0]
    for column, value in (("source", "review"), ("confidence", "secondary"), ("mean", "17.5")):
        other[header.index(column)] = value
    small.write("results", [header, other, *rows[1:]])
    cleaned = small.cleaned()
    assert cleaned.dropped.iloc[0].tolist() == [
        "results", 2, "Ash", "mood", "superseded",
        "the same result is taken from row 3 (primary source)",
    ]  # fmt: skip


def test_an_eligible_trial_stays_listed_when_none_of_its_results_can_be_used(
    small: SmallReview,
) -> None:
    """A slip in one cell must not take a trial off the page."""
    small.set("results", 8, "sd", "")
    cleaned = small.cleaned()
    assert cleaned.dropped["trial_id"].tolist().count("Elm") == 2
    assert "Elm" in cleaned.tables["trials"]["trial_id"].tolist()


def test_an_sd_far_below_the_other_arms_is_flagged(small: SmallReview) -> None:
    """A warning, not an error: the number is used, and the page says what looks wrong."""
    small.set("results", 3, "sd", "1.9")
    flags = small.flags()
    assert flags[["row", "column", "check"]].to_numpy().tolist() == [[3, "sd", "se_typed_as_sd"]]
    assert flags["words"].tolist() == ["the SD may be a standard error"]
    assert flags["rule"][0] == (
        "4.2 times smaller than the other arm's SD (8, row 2) on SCALE; looks like a standard error"
    )
    small.set("results", 3, "checked", "se_typed_as_sd")
    small.set("results", 3, "notes", "the paper says SD")
    assert small.flags().empty


def test_a_result_equal_to_baseline_is_flagged(small: SmallReview) -> None:
    """A posting error repeats the baseline to the digit (row 16 is Elm's baseline)."""
    for column in ("n", "mean", "sd"):
        rows = small.rows("results")
        small.set("results", 8, column, rows[15][rows[0].index(column)])
    flags = small.flags()
    assert flags[["row", "check"]].to_numpy().tolist() == [[8, "equal_to_baseline"]]


def test_one_source_gives_all_arms_of_a_comparison(small: SmallReview) -> None:
    """Arms of two sources are never mixed; a source with both sides comes first."""
    rows = small.rows("results")
    header = rows[0]
    other = [list(row) for row in rows[1:3]]
    for row, n in zip(other, ("10", "10"), strict=True):
        for column, value in (("source", "review"), ("confidence", "secondary"), ("n", n)):
            row[header.index(column)] = value
    # The primary source's control arm is unusable, so the review's pair is used whole.
    rows[2][header.index("exclude_reason")] = "illegible"
    small.write("results", [*rows, *other])
    cleaned = small.cleaned()
    ash = cleaned.tables["records"].query("trial_id == 'Ash' and table == 'results'")
    assert ash[ash["outcome"] == "mood"]["source"].tolist() == ["review", "review"]
    assert cleaned.dropped[["row", "rule"]].to_numpy().tolist() == [
        [2, "superseded"],
        [3, "extractor"],
        [18, "extractor"],
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [("time_days", "8"), ("time_days", ""), ("definition", "other"), ("outcome_type", "change")],
)
def test_an_arm_without_a_partner_is_dropped_with_the_reason(
    small: SmallReview, column: str, value: str
) -> None:
    """A typing error in one arm must not take a trial out in silence."""
    small.set("results", 3, column, value)
    dropped = small.cleaned().dropped
    assert dropped[dropped["rule"] == "no partner"]["row"].tolist() == [2, 3]
