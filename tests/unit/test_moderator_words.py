"""What the pages say of kinds of trials, from facts worked by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from filled import analysis_result

from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.moderator_tables import moderator_grids
from trialpool.review.report.moderator_words import moderator_words
from trialpool.review.schema.trust import REGRESSIONS, SUBGROUPS
from trialpool.terms import BY_F, LEVEL, SLOPE, TEST, UNKNOWN, WITHHELD

TESTED = {"p_value": 0.4, "p_permutation": 0.3, "exact": True}
GROUP: dict[str, Any] = {
    "name": "comparator", "title": "comparator", "kind": "group", "k": 6, "crude": True,
    "missing": {}, "reason": "", "same_as": [], "test": TESTED,
    "levels": [
        {"level": "active placebo", "k": 3, "estimate": -0.2, "ci_low": -0.6, "ci_high": 0.2},
        {"level": "inert placebo", "k": 3, "estimate": -0.8, "ci_low": -1.4, "ci_high": -0.2},
    ],
}  # fmt: skip
DOSE: dict[str, Any] = {
    "name": "dose", "title": "dose", "kind": "covariate", "k": 12, "missing": {}, "reason": "",
    "per": 0.1, "unit": "mg/kg", "goes_with": {}, "range": [0.2, 1.0],
    "slope": {"estimate": -0.05, "ci_low": -0.09, "ci_high": -0.01, "p_value": 0.02,
              "p_permutation": 0.03, "exact": False},
}  # fmt: skip


def analysis(*facts: dict[str, Any], scale: str = "identity", **trust: Any) -> AnalysisTables:
    measure = "RR" if scale == "log" else "SMD"
    result = analysis_result(measure=measure, scale=scale, trust={"moderators": list(facts)})
    empty = pd.DataFrame()
    return AnalysisTables(
        result=result, studies=empty, missing=empty, sensitivity=empty, trust=trust
    )


def told(fact: dict[str, Any], **changes: Any) -> str:
    (only,) = moderator_words(analysis(fact | changes))
    return only.text


def test_a_difference_that_few_trials_do_not_show() -> None:
    assert told(GROUP) == (
        "SMD by level: active placebo (k = 3) −0.20 (−0.60 to 0.20); inert placebo (k = 3) "
        "−0.80 (−1.40 to −0.20). No difference is shown (p = 0.40; exact permutation p = 0.30); "
        "with so few trials this cannot tell."
    )


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({"crude": False}, "p = 0.30), which does not show that there is none."),
        (
            {"test": TESTED | {"p_value": 0.01, "p_permutation": None}},
            "The levels differ (p = 0.010), in six trials only: crude. Such trials differ in other "
            "things too, so this is no proof of a cause.",
        ),
        (
            {"test": None},
            "There are as many levels as results, so no difference can be tested.",
        ),
        ({"test": TESTED | {"p_value": None}}, "The test of a difference has no result."),
        (
            {"same_as": ["design"]},
            "It parts the trials exactly as design: they cannot be told apart.",
        ),
        ({"missing": {"Feder 2014": "not stated"}}, "One trial has no known value (Feder 2014)."),
        ({"missing": dict.fromkeys("ABCDE", "not stated")}, "Five trials have no known value."),
    ],
)
def test_what_else_stands_behind_a_difference(changes: dict[str, Any], ends: str) -> None:
    assert told(GROUP, **changes).endswith(ends)


def test_a_slope_is_told_per_step_with_its_range() -> None:
    assert told(DOSE) == (
        "Per 0.1 mg/kg the SMD changes by −0.05 (−0.09 to −0.01), among 12 trials from 0.2 to 1; a "
        "trend (p = 0.020; sampled permutation p = 0.030). Such trials differ in other things too, "
        "so this is no proof of a cause."
    )
    flat = told(DOSE, slope=DOSE["slope"] | {"p_value": 0.2}, goes_with={"year": 0.9})
    assert "; no trend is shown (p = 0.20;" in flat
    assert flat.endswith("It rises or falls with year: they cannot be told apart.")


@pytest.mark.parametrize(("p", "shown"), [(0.0499, True), (0.05, False)])
def test_differences_and_trends_are_shown_below_five_percent(p: float, shown: bool) -> None:
    assert ("The levels differ" in told(GROUP, test=TESTED | {"p_value": p})) == shown
    assert ("a trend (" in told(DOSE, slope=DOSE["slope"] | {"p_value": p})) == shown


def test_up_to_four_trials_without_a_value_are_named() -> None:
    missing = dict.fromkeys(("A", "B", "C", "D"), "not stated")
    assert told(GROUP, missing=missing).endswith("Four trials have no known value (A, B, C and D).")
    assert told(DOSE, missing=missing).endswith("Four trials have no known value (A, B, C and D).")
    five = told(DOSE, missing=missing | {"E": "not stated"})
    assert five.endswith("Five trials have no known value.")


def test_a_slope_of_ratios_is_a_factor() -> None:
    (only,) = moderator_words(analysis(DOSE | {"per": 1.0, "unit": ""}, scale="log"))
    assert only.text.startswith("Per unit the RR is multiplied by ")


def test_moderators_without_an_answer_have_no_words() -> None:
    none = analysis(GROUP | {"levels": [], "test": None}, DOSE | {"slope": None})
    assert moderator_words(none) == []


def table(columns: tuple[str, ...], *rows: dict[str, Any]) -> pd.DataFrame:
    made = pd.DataFrame(list(rows), columns=list(columns))
    words = {"moderator", "title", "kind", "level", "trials", "method", "shown", "note", "study"}
    return made.astype({name: float for name in columns if name not in words})


def test_grids_hold_levels_tests_slopes_and_reasons() -> None:
    about = {"moderator": "comparator", "title": "comparator"}
    groups = table(
        SUBGROUPS.names,
        about | {"kind": LEVEL, "level": "active placebo", "k": 3, "n": 90, "trials": "A, B, C",
                 "estimate": -0.2, "ci_low": -0.6, "ci_high": 0.2, "p_value": 0.2, "tau2": 0.1,
                 "method": "random effects"},
        about | {"kind": TEST, "method": BY_F, "shown": "yes", "k": 6, "statistic": 1.5, "df": 1,
                 "ddf": 4, "p_value": 0.4, "r2": 12.0, "note": "crude"},
        about | {"kind": UNKNOWN, "k": 1, "note": "not stated: D"},
        {"moderator": "design", "title": "design", "kind": WITHHELD, "k": 4,
         "note": "k = 4: needs at least 5 trials"},
        {"moderator": "design", "title": "design", "kind": UNKNOWN, "k": 3,
         "note": "not stated: E"},
    )  # fmt: skip
    slopes = table(
        REGRESSIONS.names,
        {"moderator": "dose", "title": "dose", "kind": SLOPE, "k": 12, "estimate": -0.05,
         "ci_low": -0.09, "ci_high": -0.01, "p_value": 0.02, "p_permutation": 0.03, "vif": 1.2,
         "note": "exact: all 10 arrangements; tau2 by DL"},
    )  # fmt: skip
    grids = moderator_grids(analysis(GROUP, DOSE, subgroups=groups, regressions=slopes))
    by_kind, covariates, withheld = grids.values()
    shown = [[" ".join(cell.lines) for cell in row] for row in by_kind.rows]
    assert shown[0] == ["Comparator"]
    assert shown[1][:4] == ["active placebo", "3", "90", "−0.20 (−0.60 to 0.20)"]
    assert by_kind.notes == (("a", "random effects"),)
    assert shown[2][0] == "F test of the levels, one τ², Hartung-Knapp (shown)"
    assert shown[2][5:] == ["1.50 (df 1, 4)", "p = 0.40", "12 %", "crude"]
    assert shown[3][0] == "Not known"
    assert shown[3][-1] == "not stated: D"
    row = [" ".join(cell.lines) for cell in covariates.rows[0]]
    assert row[:4] == ["Dose", "0.1 mg/kg", "12", "−0.05 (−0.09 to −0.01)"]
    assert row[-2:] == ["1.20", "Exact: all 10 arrangements; τ² by DL."]
    assert [" ".join(cell.lines) for cell in withheld.rows[0]] == [
        "Design", "4", "k = 4: needs at least 5 trials.", "not stated: E"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "scale", "starts"),
    [
        ("PLO", "logit", "Per 0.1 mg/kg above the mean the PR changes by "),
        ("ZCOR", "Fisher's z", "Per 0.1 mg/kg above the mean the r changes by "),
        ("IRLN", "log", "Per 0.1 mg/kg the IR is multiplied by "),
        ("SMD", "identity", "Per 0.1 mg/kg the SMD changes by "),
    ],
)
def test_a_slope_says_from_where_its_change_counts(measure: str, scale: str, starts: str) -> None:
    """Where a step hangs on its start; a log's slope is a factor also where nothing is compared."""
    result = analysis_result(measure=measure, scale=scale, trust={"moderators": [DOSE]})
    tables = replace(analysis(), result=result)
    (only,) = moderator_words(tables)
    assert only.text.startswith(starts)
