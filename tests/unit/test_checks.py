"""The checks on numbers that were really printed, and on published examples."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import read_csv
from scipy import stats
from slips import HEADING
from small import ROOT, SmallReview

from trialpool.review.commands.check import look
from trialpool.review.extraction import ready
from trialpool.review.extraction.checking import load
from trialpool.review.extraction.checks import CHECKS, run_checks
from trialpool.review.extraction.checks.granularity import possible_sd, whole_sums
from trialpool.review.extraction.checks.page import checks_page
from trialpool.review.extraction.checks.quantiles import p_of_t, t_of_p
from trialpool.review.extraction.checks.times import days_in_words
from trialpool.review.extraction.problems import Problem, merged_rows
from trialpool.review.extraction.read import read_condition
from trialpool.review.schema.raw import CONFIDENCE

RAW = ROOT / "data/raw"
DEPRESSION = {
    "depressive_symptoms": {"kind": "continuous", "better": "lower"},
    "suicidal_remission": {"kind": "binary", "better": "higher"},
}
Cells = Mapping[str, str]


def found(small: SmallReview, check: str) -> list[Problem]:
    """What one check says of the small review."""
    rules = small.review.outcome_rules()
    _, warnings = load(small.folder / "data/raw", "blue", rules, CONFIDENCE, {})
    return [problem for problem in warnings if problem.check == check]


def put(small: SmallReview, row: int, **cells: str) -> None:
    """Cells of a row of results.csv."""
    for column, value in cells.items():
        small.set("results", row, column, value)


def scale(small: SmallReview, low: str, high: str) -> None:
    """Put the first comparison and the contrast on a scale with the range of a real one."""
    small.set("instruments", 3, "low", low)
    small.set("instruments", 3, "high", high)
    for table, row in (("results", 2), ("results", 3), ("contrasts", 2)):
        small.set(table, row, "instrument", "OTHER")


def test_the_page_of_checks_is_generated_from_them() -> None:
    """`docs/checks.md` is what `checks_page()` writes, and below it what tests/slips.py does."""
    assert (ROOT / "docs/checks.md").read_text(encoding="utf-8").split(HEADING)[0] == checks_page()


def test_every_check_says_its_rule_and_its_fix() -> None:
    """A sentence each; a warning has words for the reader of a figure, an error needs none."""
    for check in CHECKS.values():
        assert check.rule.endswith(".")
        assert check.fix
        assert not check.fix.endswith(".")
        assert bool(check.flag) == (check.severity == "warning")


@pytest.mark.skipif(not (RAW / "depression").is_dir(), reason="another review than ours")
def test_standard_errors_in_both_arms_show_beside_other_trials(tmp_path: Path) -> None:
    """Known suspects of that table: Zhong 2016, Zhang 2018, Kheirabadi 2019.

    Without a reference SD and a range the other trials are the measure. Singh 2015's SD of 3.38 is
    none that ten whole scores can have.
    """
    shutil.copytree(RAW / "depression", tmp_path / "depression")
    scales = read_csv(RAW / "instruments.csv", dtype=str, keep_default_na=False)
    blank = scales.assign(low="", high="", reference_sd="", reference_sd_source="")
    blank.to_csv(tmp_path / "instruments.csv", index=False)
    raw, problems = read_condition(tmp_path, "depression", {})
    assert problems == []
    rows = {row["row"]: str(row["trial_id"]) for row in raw["results"].rows}
    found = [p for p in run_checks(raw, DEPRESSION, CONFIDENCE) if p.file.endswith("results.csv")]
    flagged = [(rows[p.row], p.value) for p in found if p.check == "se_typed_as_sd"]
    assert flagged == [
        ("Kheirabadi2019", "2.6"), ("Kheirabadi2019", "1.5"), ("Zhang2018", "0.95"),
        ("Zhang2018", "1.03"), ("Zhong2016", "0.256"), ("Zhong2016", "0.256"),
    ]  # fmt: skip
    grimmer = [(rows[p.row], p.value) for p in found if p.check == "grimmer"]
    assert ("Singh2015", "3.38") in grimmer


@pytest.mark.parametrize(
    ("high", "experimental", "control", "row"),
    [
        # Anderson 2017, CAS at one month: 4.96 (4.62), n = 33, and 4.43 (0.89), n = 37.
        ("24", ("33", "4.96", "4.62"), ("37", "4.43", "0.89"), 3),
        # Domany 2020, BAI at 3 days: 3.75 (1.64) and 16.45 (6.79), n = 9 each.
        ("63", ("9", "3.75", "1.64"), ("9", "16.45", "6.79"), 2),
    ],
)
def test_a_standard_error_in_one_arm_shows_beside_the_other(
    small: SmallReview,
    high: str,
    experimental: tuple[str, str, str],
    control: tuple[str, str, str],
    row: int,
) -> None:
    """As printed in Marchi 2022's table of anxiety."""
    scale(small, "0", high)
    for at, numbers in ((2, experimental), (3, control)):
        put(small, at, **dict(zip(("n", "mean", "sd"), numbers, strict=True)))
    assert [p.row for p in found(small, "se_typed_as_sd")] == [row]


def test_a_remitted_arm_has_little_room_to_vary(small: SmallReview) -> None:
    """A mean of 1 on a scale from 0 comes with a small SD; that is no sign of an SE."""
    put(small, 2, mean="1.0", sd="1.2")
    assert found(small, "se_typed_as_sd") == []
    put(small, 2, mean="9.0", sd="1.2")
    assert [p.row for p in found(small, "se_typed_as_sd")] == [2]


def test_a_posting_that_repeats_the_baseline_is_flagged(small: SmallReview) -> None:
    """Feder 2014, QIDS-SR at 24 h: 12.4 (5.2), n = 22, and 11.3 (5.6), n = 19, as at baseline."""
    for row, baseline, numbers in ((8, 16, ("22", "12.4", "5.2")), (9, 17, ("19", "11.3", "5.6"))):
        for at in (row, baseline):
            put(small, at, **dict(zip(("n", "mean", "sd"), numbers, strict=True)))
    assert [p.row for p in found(small, "equal_to_baseline")] == [8, 9]
    put(small, 8, exclude_reason="identical to the baseline values: posting error")
    assert [p.row for p in found(small, "equal_to_baseline")] == [9]


def qi_2024(small: SmallReview, **cells: str) -> list[Problem]:
    """STAI-S on day 1: 37.52 (7.14) and 41.03 (9.66), n = 60 each, and the printed p."""
    scale(small, "20", "80")
    for at, mean, sd in ((2, "37.52", "7.14"), (3, "41.03", "9.66")):
        put(small, at, n="60", mean=mean, sd=sd)
    for column in ("estimate", "ci_low", "ci_high"):
        small.set("contrasts", 2, column, "")
    for column, value in {"time_days": "7", **cells}.items():
        small.set("contrasts", 2, column, value)
    return found(small, "p_contradicts_means")


def test_a_p_value_that_the_means_contradict(small: SmallReview) -> None:
    """Qi 2024 prints P = 0.39; Welch's test on the printed means gives 0.026."""
    p = stats.ttest_ind_from_stats(37.52, 7.14, 60, 41.03, 9.66, 60, equal_var=False).pvalue
    assert p == pytest.approx(0.026, abs=5e-4)
    reported, arm = qi_2024(small, p_value="0.39")
    assert (reported.column, reported.value) == ("p_value", "0.39")
    assert (arm.file.rsplit("/")[-1], arm.row, arm.column) == ("results.csv", 2, "mean")
    assert all(problem.rule.endswith("gives p = 0.026") for problem in (reported, arm))


@pytest.mark.parametrize(
    "cells",
    [
        {"p_value": "0.03"},
        {"p_value": "0.05", "p_bound": "yes"},
        {"p_value": "0.39", "adjusted_for": "baseline"},
        {"p_value": "0.39", "time_days": "8"},
    ],
)
def test_a_p_value_that_the_means_do_not_contradict(small: SmallReview, cells: Cells) -> None:
    """Near enough, a bound that holds, an adjusted test, and another time."""
    assert qi_2024(small, **cells) == []


def test_a_percentage_of_another_denominator(small: SmallReview) -> None:
    """Abbar 2022: 46 of 73 is 63.0 %, as printed; 25 of 83 is not 31.6 %, which fits 25 of 79."""
    put(small, 10, event="46", totaln="73", percent="63.0")
    put(small, 11, event="25", totaln="83", percent="31.6")
    for row in (2, 3, 4, 5, 6):
        small.set("trials", row, "n_randomised", "")
    (problem,) = found(small, "percent_contradicts_count")
    assert (problem.row, problem.column, problem.value) == (11, "percent", "31.6")
    assert problem.rule == "25 of 83 is 30.1 %; 31.6 % fits 25 of 79"
    put(small, 11, event="")
    (problem,) = found(small, "percent_impossible")
    assert problem.rule.startswith("no whole number of 83 people: 26 is 31.33 % and 27 is 32.53 %")
    assert "25 of 79" in problem.rule


@given(st.lists(st.integers(0, 60), min_size=2, max_size=60), st.integers(1, 2))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_true_means_and_sds_are_never_suspected(scores: list[int], places: int) -> None:
    """GRIM and GRIMMER accept what whole scores give, rounded to any printed decimals."""
    n, total, half = len(scores), sum(scores), 0.5 * 10.0**-places
    mean = float(f"{np.mean(scores):.{places}f}")
    sd = float(f"{np.std(scores, ddof=1):.{places}f}")
    sums = whole_sums(mean, half, n)
    assert total in sums
    assert possible_sd(total, n, sd, half)


@given(st.integers(2, 9), st.integers(0, 40), st.integers(0, 400))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_grimmer_is_the_search_over_all_sums_of_squares(
    n: int, total: int, hundredths: int
) -> None:
    """Against the definition: some whole S, as odd or even as the sum, prints as the SD."""
    sd = hundredths / 100
    found = False
    for square in range(total * total // n, total * total + 16 * n + 2):
        variance = (square - total * total / n) / (n - 1)
        if (square - total) % 2 == 0 and variance >= 0:
            found = found or abs(sqrt(variance) - sd) <= 0.005 + 1e-9
    assert possible_sd(total, n, sd, 0.005) == found


def test_the_published_example_of_grim() -> None:
    """Brown & Heathers 2017: a mean of 5.19 is no mean of 28 whole scores; 5.18 and 5.21 are."""
    assert not whole_sums(5.19, 0.005, 28)
    assert list(whole_sums(5.18, 0.005, 28)) == [145]
    assert list(whole_sums(5.21, 0.005, 28)) == [146]


@pytest.mark.parametrize(
    ("row", "n", "mean", "ok"),
    [
        # Domany 2020 prints 3.75 with n = 9, which fits 8; with one decimal nothing can be said.
        (2, "9", "3.75", False),
        (2, "8", "3.75", True),
        (2, "9", "3.8", True),
        # 100 people have every mean of two decimals, and 101 too.
        (2, "100", "3.75", True),
        (2, "101", "3.77", True),
    ],
)
def test_grim_in_a_table(small: SmallReview, row: int, n: str, mean: str, ok: bool) -> None:
    """Only where n is at most 10 to the power of the printed decimals."""
    small.set("instruments", 2, "step", "1")
    small.set("trials", 2, "n_randomised", "")
    put(small, row, n=n, mean=mean, sd="8")
    assert (found(small, "grim") == []) == ok
    put(small, row, derived="mean of two groups")
    assert found(small, "grim") == []


def test_the_nearest_mean_and_the_n_that_fit_are_named(small: SmallReview) -> None:
    """Of 9 scores 33 / 9 and 34 / 9; 30 / 8 and 45 / 12 print as 3.75, of 6, 7, 10, 11 none."""
    small.set("instruments", 2, "step", "1")
    put(small, 2, n="9", mean="3.75", sd="8")
    (problem,) = found(small, "grim")
    assert str(problem).count("the nearest are 3.667 and 3.778; n = 8 or 12 would fit") == 1
    # Half points: 7.5 / 9 and 8 / 9.
    small.set("instruments", 2, "step", "0.5")
    put(small, 2, mean="0.87")
    (problem,) = found(small, "grim")
    assert "in steps of 0.5 have this mean: the nearest are 0.833 and 0.889" in str(problem)


def test_how_far_a_mean_is_off_the_middle_of_its_interval_is_said(small: SmallReview) -> None:
    """20 is 2 of 8 points from 22."""
    put(small, 2, mean="20.0", ci_low="18.0", ci_high="26.0", sd="")
    (problem,) = found(small, "mean_off_centre")
    assert "25 % of the width away from the middle of its interval, 18 to 26" in str(problem)


def test_a_ratio_is_held_against_the_middle_of_its_logs(small: SmallReview) -> None:
    """1 lies log 2 below 2, the middle of 0.5 to 8, which are log 16 apart: a quarter."""
    ratio = {"outcome": "harm", "instrument": "", "effect_measure": "OR", "estimate": "1.000",
             "ci_low": "0.500", "ci_high": "8.000"}  # fmt: skip
    for column, value in ratio.items():
        small.set("contrasts", 2, column, value)
    (problem,) = found(small, "estimate_off_centre")
    assert "25 % of the width away from the middle (on the log scale)" in str(problem)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([2], ""),
        ([2, 9], " (as in row 9)"),
        ([2, 5, 4, 9], " (as in rows 4, 5 and 9)"),
        ([2, 4, 5, 6], " (as in rows 4 to 6)"),
        ([2, *range(4, 16, 2)], " (as in rows 4, 6, 8, 10, 12 and 14)"),
        ([2, *range(4, 18, 2), 17], " (as in rows 4, 6, 8, 10, 12, 14 and 2 more)"),
    ],
)
def test_a_problem_of_many_rows_is_said_once(rows: list[int], words: str) -> None:
    """The further rows in words, six ranges of them at most."""
    one = Problem(file="f.csv", row=2, column="n", value="NA", rule="no number", fix="Leave blank",
                  check="c")  # fmt: skip
    other = replace(one, value="-")
    merged = merged_rows([*(replace(one, row=row) for row in rows), other])
    assert merged == [replace(one, rule=f"no number{words}"), other]


def test_the_nearest_sds_are_named(small: SmallReview) -> None:
    """Sum 73 of 4: the sum of squares is odd, 1539 or 1541, 1332.25 of which are the mean's."""
    small.set("instruments", 2, "step", "1")
    put(small, 2, n="4", mean="18.25", sd="8.31")
    (problem,) = found(small, "grimmer")
    below, above = (sqrt((square - 1332.25) / 3) for square in (1539, 1541))
    assert f"the nearest are {below:.3f} and {above:.3f}" in str(problem)
    put(small, 2, sd="8.34")
    assert found(small, "grimmer") == []


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("24 h", (1.0,)),
        ("24h", (1.0,)),
        ("day 7", (7.0,)),
        ("Day 7 (end of treatment)", (7.0,)),
        ("2 weeks", (14.0,)),
        ("week 2", (14.0,)),
        ("after the 2-week course", (14.0,)),
        ("1 month", (30.44,)),
        ("40 min post infusion", (40 / 1440,)),
        ("postoperative day 3", (3.0,)),
        ("not stated", ()),
        ("0.5 mg/kg", ()),
        ("phase 2", ()),
        ("7 MADRS items", ()),
    ],
)
def test_times_in_words(words: str, days: tuple[float, ...]) -> None:
    """As sources write them."""
    assert days_in_words(words) == pytest.approx(days)


@pytest.mark.parametrize(
    ("words", "time", "ok"),
    [
        ("24 h", "1", True),
        ("24 h", "24", False),
        ("2 h", "0", True),
        ("day 7", "6", True),  # the day of the dose is day 1
        ("day 2", "1", True),
        ("day 1", "2", False),
        ("1 month", "28", True),
        ("week 2", "2", False),
        ("day 7 (5 days after the infusion)", "5", True),
        ("4 weeks", "30", True),
        ("3 months", "28", False),
    ],
)
def test_words_and_days_of_a_time_point(
    small: SmallReview, words: str, time: str, ok: bool
) -> None:
    """They may differ by rounding, by a factor below 1.6, and in which day is day 1."""
    put(small, 2, timepoint=words, time_days=time)
    assert (found(small, "time_contradicts_words") == []) == ok


def test_quantiles_of_the_checks_are_those_of_scipy_stats() -> None:
    """Two-sided, and the normal distribution where df is infinite."""
    assert t_of_p(0.05, 12) == pytest.approx(stats.t.isf(0.025, 12), rel=1e-12)
    assert t_of_p(0.05, np.inf) == pytest.approx(stats.norm.isf(0.025), rel=1e-12)
    assert p_of_t(-2.1, 7) == pytest.approx(2 * stats.t.sf(2.1, 7), rel=1e-12)
    assert p_of_t(2.1, np.inf) == pytest.approx(2 * stats.norm.sf(2.1), rel=1e-12)


def contrast(small: SmallReview, **cells: str) -> list[str]:
    """What the checks of one reported difference say, by name."""
    for column, value in cells.items():
        small.set("contrasts", 2, column, value)
    _, warnings = load(
        small.folder / "data/raw", "blue", small.review.outcome_rules(), CONFIDENCE, {}
    )
    return [p.check for p in warnings if p.file.endswith("contrasts.csv")]


RATIO = {"outcome": "harm", "instrument": "", "effect_measure": "OR"}


@pytest.mark.parametrize(
    "cells",
    [
        # Feder 2014: 12.7 (2.5 to 22.8), P = .02, under both conditions of a crossover
        {"estimate": "12.7", "ci_low": "2.5", "ci_high": "22.8", "p_value": "0.02"},
        # Feder 2021: d = 1.13 (0.36 to 1.91), 15 and 15 people
        {"effect_measure": "D", "estimate": "1.13", "ci_low": "0.36", "ci_high": "1.91",
         "n_experimental": "15", "n_control": "15"},
        # Duek 2023: -7.48, SE 6.7 (-21.35 to 6.38), p = 0.276, 13 and 13 people
        {"estimate": "-7.48", "se": "6.7", "ci_low": "-21.35", "ci_high": "6.38",
         "p_value": "0.276", "n_experimental": "13", "n_control": "13",
         "contrast": "experimental-control"},
        # Abbar 2022, one stratum: OR 3.7 (0.9 to 17.3), P = 0.07
        {**RATIO, "estimate": "3.7", "ci_low": "0.9", "ci_high": "17.3", "p_value": "0.07"},
    ],
)  # fmt: skip
def test_printed_contrasts_that_fit_are_left_alone(small: SmallReview, cells: Cells) -> None:
    """Rounding, t or normal quantiles, and the skew of ratios explain these."""
    assert contrast(small, **cells) == []


@pytest.mark.parametrize(
    "cells",
    [
        {"p_value": "0.3"},
        {"t": "1.1"},
        {"f": "1.2", "df": "37"},
        {"se": "1.1"},
        {**RATIO, "estimate": "2.0", "ci_low": "0.6", "ci_high": "6.7", "p_value": "0.001"},
    ],
)
def test_printed_contrasts_that_do_not_fit_are_flagged(small: SmallReview, cells: Cells) -> None:
    """5.0 (0.5 to 9.5) has a standard error of 2.3, t = 2.2 and p = 0.04."""
    assert contrast(small, **cells) == ["contrast_contradicts"]


def test_the_source_that_is_used_is_named(small: SmallReview) -> None:
    """Price 2014, STAI-S: 41.91 in the paper and 42.31 in a review; dropped.csv says the same."""
    rows = small.rows("results")
    header = rows[0]
    review = [dict(zip(header, rows[at], strict=True)) for at in (1, 2)]
    for row, mean in zip(review, ("42.31", "24.0"), strict=True):
        row |= {"source": "review", "confidence": "secondary", "mean": mean}
    small.write("results", [*rows, *([row[c] for c in header] for row in review)])
    (problem,) = found(small, "sources_differ")
    assert problem.rule == (
        "differs from row 2: mean 42.31 against 18.0; review (secondary) against paper (primary); "
        "the cleaning step takes row 2 (see dropped.csv)"
    )
    dropped = small.cleaned().dropped
    assert dropped[dropped["rule"] == "superseded"]["row"].tolist() == [19, 20]
    raw, _ = read_condition(small.folder / "data/raw", "blue", {})
    order = ("secondary", "abstract", "primary")
    (problem,) = (
        p
        for p in run_checks(raw, small.review.outcome_rules(), order)
        if p.check == "sources_differ"
    )
    assert (problem.row, problem.value) == (2, "18.0")
    assert problem.rule.endswith("the cleaning step takes row 19 (see dropped.csv)")
    config = small.folder / "config/review.yaml"
    text = config.read_text("utf-8") + f"confidence_order: [{', '.join(order)}]\n"
    config.write_text(text, "utf-8")
    _, warnings = ready.check(small.review, small.folder / "data/raw")
    assert [p.row for p in warnings["blue"] if p.check == "sources_differ"] == [2]


def test_two_sources_of_one_kind_with_different_numbers_are_an_error(small: SmallReview) -> None:
    """Nothing but the order of rows would decide; alike, or of another kind, they are none."""
    rows = small.rows("results")
    header = rows[0]

    def second(mean: str, confidence: str) -> None:
        review = [dict(zip(header, rows[at], strict=True)) for at in (1, 2)]
        for row, value in zip(review, (mean, "24.0"), strict=True):
            row |= {"source": "review", "confidence": confidence, "mean": value}
        small.write("results", [*rows, *([row[c] for c in header] for row in review)])

    second("42.31", "primary")
    (problem,) = small.problems()
    assert problem.startswith(
        "data/raw/blue/results.csv row 19, mean = 42.31: differs from row 2: "
    )
    assert "; sources of one kind, so that nothing says which counts. Look both up" in problem
    second("18.0", "primary")
    assert small.problems() == []
    second("42.31", "secondary")
    assert small.problems() == []
    assert len(found(small, "sources_differ")) == 1


def test_the_tables_that_ship_are_usable() -> None:
    """No error; what is flagged there stands in flags.csv of each condition."""
    assert look(ROOT / "config/review.yaml", ROOT / "data/raw").of("error") == []


@pytest.mark.parametrize(("sd", "rows"), [("5.9", []), ("5.94", [2])])
def test_an_sd_of_one_decimal_may_be_that_of_a_change_by_chance(
    small: SmallReview, sd: str, rows: list[int]
) -> None:
    """The motive: GAD-7 of TRANSFORM-1 with the SDs of its changes, 5.94 and 6.01."""
    for column, value in {"trial_id": "Ash", "n": "20", "outcome_type": "change", "sd": sd}.items():
        small.set("results", 8, column, value)
    small.set("results", 2, "sd", sd)
    assert [p.row for p in found(small, "change_sd_as_score")] == rows


@pytest.mark.parametrize(("age", "fires"), [("41", False), ("14", True), ("", False)])
def test_a_trial_is_described_alike_in_two_conditions(
    small: SmallReview, age: str, *, fires: bool
) -> None:
    """Gum of green stands in blue as well; a blank contradicts nothing."""
    rows = small.rows("trials", "green")
    gum = dict(zip(rows[0], rows[1], strict=True))
    small.write("trials", [*small.rows("trials"), list((gum | {"mean_age": age}).values())])
    small.set("trials", 2, "mean_age", "41", condition="green")
    problems = look(small.folder / "config/review.yaml", small.folder / "data/raw").problems
    told = [(p.row, p.column, p.value) for p in problems if p.check == "described_differently"]
    assert told == ([(2, "mean_age", "41")] if fires else [])
