"""From records to an analysis: comparisons, crossovers, contrasts, selection, what-if."""

from __future__ import annotations

from math import isnan, log, sqrt

import pandas as pd
import pytest
from filled import given
from numpy.typing import ArrayLike
from small import SmallReview

from trialpool import effect_size, pool
from trialpool.bayes import normal_normal
from trialpool.results import Posterior
from trialpool.review.fitting.fit import Fit, leading
from trialpool.review.protocol.settings import Model


def one(effects: pd.DataFrame, start: str, measure: str, variant: str = "") -> pd.Series:
    hit = effects[
        effects["effect_id"].str.startswith(start)
        & (effects["measure"] == measure)
        & (effects["variant"].fillna("") == variant)
        & effects["yi"].notna()
    ]
    assert len(hit) == 1, hit["effect_id"].tolist()
    return hit.iloc[0]


def test_an_effect_row_can_be_recomputed_from_the_raw_rows_it_names(small: SmallReview) -> None:
    """Ash: 18.0 (8.0), n = 20 against 24.0 (9.0), n = 19; rows 2 and 3 of results.csv."""
    row = one(small.effects(), "Ash|experimental v control|mood|SCALE||day 7", "SMD")
    es = effect_size("SMD", m1i=[18], sd1i=[8], n1i=[20], m2i=[24], sd2i=[9], n2i=[19])
    assert row["yi"] == pytest.approx(es.yi[0], rel=1e-5)
    assert row["vi"] == pytest.approx(es.vi[0], rel=1e-5)
    assert row["records"] == "results.csv:2;results.csv:3"
    assert row["n"] == 39


def test_a_crossover_is_paired_and_its_alternatives_stand_beside_it(small: SmallReview) -> None:
    """A paired person counts once; r is imputed, swept, and said so."""
    effects = small.effects()
    start = "Cedar|"
    paired = one(effects, start, "SMD")
    es = effect_size("SMCRP", m1i=[15], sd1i=[6], m2i=[18.5], sd2i=[6.5], ni=[16], ri=[0.5])
    assert (paired["yi"], paired["vi"]) == pytest.approx((es.yi[0], es.vi[0]), rel=1e-5)
    assert paired["n"] == 16
    assert paired["imputed"] == "correlation between the two conditions assumed 0.5"
    grid = [one(effects, start, "SMD", f"crossover: r = {r}")["vi"] for r in ("0.3", "0.5", "0.7")]
    assert grid[0] > grid[1] == paired["vi"] > grid[2]
    parallel = one(effects, start, "SMD", "crossover: as parallel")
    es = effect_size("SMD", m1i=[15], sd1i=[6], n1i=[16], m2i=[18.5], sd2i=[6.5], n2i=[16])
    assert parallel["yi"] == pytest.approx(es.yi[0], rel=1e-5)
    assert parallel["n"] == 16


def test_crossovers_can_be_left_out_with_the_reason(small: SmallReview) -> None:
    """A protocol that leaves them out still accounts for them."""
    effects = small.effects(crossover={"handling": "leave_out"})
    row = effects[effects["effect_id"].str.contains("Cedar") & effects["variant"].isna()].iloc[0]
    assert isnan(row["yi"])
    assert row["reason"] == "the protocol leaves out results with both conditions per person"


def test_the_correlation_is_recovered_from_an_sd_of_the_difference(small: SmallReview) -> None:
    """sdc^2 = sd1^2 + sd2^2 - 2 r sd1 sd2, solved for r (Handbook 6.5.2.8)."""
    header, row = small.rows("contrasts")
    cells = dict(zip(header, row, strict=True)) | {
        "trial_id": "Cedar", "period": "both", "time_days": "7", "estimate": "-3.5", "se": "1.25",
        "ci_low": "", "ci_high": "", "n_experimental": "16", "n_control": "16",
        "sd_difference": "5", "contrast": "experimental-control",
    }  # fmt: skip
    small.write("contrasts", [header, [cells[name] for name in header]])
    effects = small.effects()
    paired = effects[effects["effect_id"].str.contains("Cedar.*both.msd...SMD")]
    assert paired["variant"].fillna("").tolist() == [
        "", "crossover: as parallel", "crossover: variance Cochrane",
    ]  # fmt: skip
    r = (6**2 + 6.5**2 - 5**2) / (2 * 6 * 6.5)
    es = effect_size("SMCRP", m1i=[15], sd1i=[6], m2i=[18.5], sd2i=[6.5], ni=[16], ri=[r])
    assert paired.iloc[0]["vi"] == pytest.approx(es.vi[0], rel=1e-5)
    assert "from the SD of the difference (contrasts.csv row 2)" in paired.iloc[0]["derived"]


def test_a_reported_contrast_is_turned_to_experimental_minus_control(small: SmallReview) -> None:
    """5.0 (0.5 to 9.5), control - experimental: MD -5 with SE 9 / 3.92."""
    rows = small.rows("contrasts", "green")
    small.write("contrasts", rows, "green")
    row = one(small.effects("green"), "Gum|experimental v control|mood|SCALE||day 14", "MD")
    assert row["yi"] == -5
    assert sqrt(row["vi"]) == pytest.approx(9 / (2 * 1.959964), rel=1e-5)
    assert row["formula"] == ("SE = CI width / (2 x 1.96); sign turned to experimental - control")


def test_three_arms_are_combined_into_one_comparison(small: SmallReview) -> None:
    """Two doses against one control give one effect, so that no control is counted twice."""
    arms = small.rows("arms")
    small.write("arms", [*arms, ["Ash", "high", "high", *arms[1][3:]]])
    rows = small.rows("results")
    high = ["Ash", "high", *rows[1][2:]]
    small.write("results", [*rows, high])
    small.set("results", len(rows) + 1, "mean", "16")
    row = one(small.effects(), "Ash|experimental+high v control|mood", "SMD")
    assert row["n_experimental"] == 40
    assert row["mean_experimental"] == 17
    assert row["sd_experimental"] == pytest.approx(sqrt((19 * 64 * 2 + 10 * 4) / 39), rel=1e-5)
    assert row["derived"] == "2 experimental arms combined"


def test_a_trial_gives_one_effect_and_the_others_say_why_not(small: SmallReview) -> None:
    """A second scale of Ash comes after the first in the protocol's order."""
    rows = small.rows("results")
    place = rows[0].index("instrument")
    second = [[*row[:place], "OTHER", *row[place + 1 :]] for row in rows[1:3]]
    small.write("results", [*rows, *second])
    result = small.result("blue", "mood")
    assert result.studies["trial_id"].tolist() == ["Ash", "Birch", "Cedar", "Elm"]
    reasons = dict(zip(result.selection["effect_id"], result.selection["reason"], strict=True))
    assert reasons["Ash|experimental v control|mood|OTHER||day 7|whole|msd|||SMD"] == (
        "another effect of the trial is used: instrument OTHER comes after SCALE"
    )
    assert reasons["Ash|experimental v control|mood|SCALE||day 14|whole|contrast||MD|SMD"] == (
        "day 14 is outside day 5 to 10"
    )


def led_by(yi: ArrayLike, vi: ArrayLike) -> Posterior:
    """The model that leads with two to four trials, under the protocol's prior."""
    return normal_normal(yi, vi, tau_scale=0.5)


def test_pooled_numbers_are_those_of_the_studies_table(small: SmallReview) -> None:
    """model.json can be recomputed from studies.csv with one call, and what stands beside it."""
    result = small.result("blue", "mood")
    led = led_by(result.studies["yi"], result.studies["vi"])
    assert result.result.display.estimate == pytest.approx(led.mu, rel=1e-12)
    assert result.result.display.ci_low == pytest.approx(led.mu_lb, rel=1e-12)
    assert result.result.display.pi_high == pytest.approx(led.new_ub, rel=1e-12)
    again = pool(result.studies["yi"], result.studies["vi"])
    assert given(result.result.pooled).ci_lb == pytest.approx(again.ci_lb, rel=1e-12)
    assert result.result.beside == "random effects (REML), Hartung-Knapp (hksj)"
    assert result.studies["weight"].sum() == pytest.approx(100)


def test_ratios_are_shown_back_transformed(small: SmallReview) -> None:
    """Birch: 4/31 against 0/30, so 0.5 is added to its four cells."""
    result = small.result("blue", "harm")
    birch = result.studies.set_index("trial_id").loc["Birch"]
    assert birch["yi"] == pytest.approx(log((4.5 / 32) / (0.5 / 31)), rel=1e-5)
    assert birch["estimate"] == pytest.approx((4.5 / 32) / (0.5 / 31), rel=1e-5)


def test_what_if_a_missing_trial_found_nothing(small: SmallReview) -> None:
    """Fir (70 + 68 people) enters with an effect of 0 and variance 1/70 + 1/68."""
    result = small.result("blue", "mood")
    row = result.missing.iloc[0]
    assert (row["trial_id"], row["yi"]) == ("Fir", 0)
    assert row["vi"] == pytest.approx(1 / 70 + 1 / 68)
    # Four and one are still led by the model of four: what changes is the trial's doing.
    again = led_by([*result.studies["yi"], 0], [*result.studies["vi"], 1 / 70 + 1 / 68])
    assert row["estimate_if_null"] == pytest.approx(again.mu)
    assert given(result.result.largest_missing).study == "Fir 2021"
    assert given(result.result.largest_missing).estimate == pytest.approx(again.mu)
    assert given(result.result.what_if).ci_high == pytest.approx(again.mu_ub)


@pytest.mark.parametrize(
    ("keep", "words", "k"),
    [
        ([], "no trial", 0),
        (["Ash"], "single trial", 1),
        (["Ash", "Elm"], "Bayesian", 2),
    ],
)
def test_few_trials_get_what_the_policy_allows(
    small: SmallReview, keep: list[str], words: str, k: int
) -> None:
    """Nothing is pooled below two trials, and two get a Bayesian interval."""
    rows = small.rows("results")
    kept = [row for row in rows[1:] if row[0] in keep]
    small.write("results", [rows[0], *kept])
    model = small.result("blue", "mood").result
    assert model.k == k
    assert model.model.startswith(words)
    assert (model.pooled is None) == (k < 2)
    assert isnan(model.display.pi_low) == (k < 2)
    assert ("prediction interval" in model.policy.withheld) == (k < 2)


def test_flipping_every_sign_changes_no_conclusion(small: SmallReview) -> None:
    """Scores mirrored on their scale give the mirrored result, and the same p value beside it."""
    before = small.result("blue", "mood").result
    rows = small.rows("results")
    place = rows[0].index("mean")
    for row in rows[1:]:
        row[place] = f"{60 - float(row[place]):g}" if row[place] else ""
    small.write("results", rows)
    after = small.result("blue", "mood").result
    assert after.display.estimate == pytest.approx(-before.display.estimate)
    assert after.display.ci_low == pytest.approx(-before.display.ci_high)
    assert given(after.pooled).pval == pytest.approx(given(before.pooled).pval)
    below = given(before.posterior).p_below_zero
    assert given(after.posterior).p_below_zero == pytest.approx(1 - below)
    assert given(after.pooled).tau2 == pytest.approx(given(before.pooled).tau2)


def test_an_alternative_set_of_participants_is_a_variant(small: SmallReview) -> None:
    """One arm with a disputed participant is compared with the main set's other arm."""
    rows = small.rows("results")
    extra = list(rows[1])
    for column, value in (("analysis_set", "plus one"), ("n", "21"), ("mean", "17.5")):
        extra[rows[0].index(column)] = value
    small.write("results", [*rows, extra])
    result = small.result("blue", "mood")
    assert result.result.k == 4
    varied = result.sensitivity.set_index("label").loc["plus one"]
    es = effect_size("SMD", m1i=[17.5], sd1i=[8], n1i=[21], m2i=[24], sd2i=[9], n2i=[19])
    studies = result.studies.set_index("trial_id")
    yi = studies["yi"].where(studies.index != "Ash", es.yi[0])
    vi = studies["vi"].where(studies.index != "Ash", es.vi[0])
    assert varied["estimate"] == pytest.approx(led_by(yi, vi).mu, rel=1e-5)


def test_a_known_time_comes_before_an_unknown_one(small: SmallReview) -> None:
    """With no window, a blank time must not win for being at distance zero."""
    config = small.folder / "config/review.yaml"
    text = config.read_text(encoding="utf-8").replace("        time_days: [5, 10]\n", "")
    config.write_text(text, encoding="utf-8")
    rows = small.rows("results")
    place = rows[0].index("time_days")
    small.write("results", [*rows, *([*r[:place], "", *r[place + 1 :]] for r in rows[1:3])])
    result = small.result("blue", "mood")
    assert result.studies.set_index("trial_id").loc["Ash", "time_days"] == 7


def report_an_odds_ratio_of_larch(small: SmallReview) -> None:
    """In the place of the green contrast."""
    header, row = small.rows("contrasts", "green")
    cells = dict(zip(header, row, strict=True)) | {
        "trial_id": "Larch", "outcome": "harm", "instrument": "", "effect_measure": "OR",
        "estimate": "1.5", "ci_low": "0.5", "ci_high": "4.5",
    }  # fmt: skip
    small.write("contrasts", [header, [cells[name] for name in header]], "green")


def test_mantel_haenszel_leaves_out_a_contrast_with_the_reason(small: SmallReview) -> None:
    """A reported odds ratio has no counts."""
    report_an_odds_ratio_of_larch(small)
    result = small.result("green", "harm_odds")
    assert result.result.k == 3
    reasons = result.selection.set_index("trial_id")["reason"]
    assert reasons["Larch"] == "a reported contrast has no counts for Mantel-Haenszel"


def test_mantel_haenszel_is_another_choice_only_where_all_have_counts(small: SmallReview) -> None:
    """Beside a model of effects, as soon as one of them is a reported ratio it cannot be had."""
    config = small.folder / "config/review.yaml"
    text = config.read_text(encoding="utf-8").replace("model: {method: MH}", "model: {method: IV}")
    config.write_text(text, encoding="utf-8")
    counted = small.result("green", "harm_odds")
    assert "Mantel-Haenszel" in set(counted.sensitivity["label"])
    report_an_odds_ratio_of_larch(small)
    reported = small.result("green", "harm_odds")
    assert reported.result.k == counted.result.k + 1
    assert "Mantel-Haenszel" not in set(reported.sensitivity["label"])
    assert "DerSimonian-Laird, normal quantile" in set(reported.sensitivity["label"])


@pytest.mark.parametrize(
    ("column", "value", "rows"),
    [
        ("time_to_days", "3", 0),
        ("time_from_days", "11", 0),
        ("time_from_days", "10", 1),
        ("what_if", "no", 1),
    ],
)
def test_a_missing_result_outside_the_analysis_is_not_missing_from_it(
    small: SmallReview, column: str, value: str, rows: int
) -> None:
    """A trial measured on days 1 to 3 says nothing about days 5 to 10."""
    small.set("missing_results", 2, column, value)
    result = small.result("blue", "mood")
    assert len(result.missing) == rows
    added = rows and value != "no"
    assert (result.result.what_if is not None) == bool(added)


def test_people_of_a_missing_crossover_count_once(small: SmallReview) -> None:
    """At no effect the variance of a paired SMD is 2 (1 - r)/n, n people."""
    for table, column, value in (
        ("trials", "design", "crossover"),
        ("missing_results", "period", "both"),
        ("missing_results", "n_experimental", ""),
        ("missing_results", "n_control", ""),
        ("missing_results", "n_total", "40"),
    ):
        small.set(table, 6 if table == "trials" else 2, column, value)
    row = small.result("blue", "mood").missing.iloc[0]
    assert row["vi"] == pytest.approx(2 * (1 - 0.5) / 40)


def test_names_that_look_like_numbers_stay_names(small: SmallReview) -> None:
    """A trial called 007 is not trial 7."""
    for table in ("trials", "arms", "results", "contrasts", "risk_of_bias"):
        path = small.path(table)
        path.write_text(path.read_text(encoding="utf-8").replace("Ash", "007"), encoding="utf-8")
    assert "007" in small.result("blue", "mood").studies["trial_id"].tolist()


@pytest.mark.parametrize("k", [3, 4])
def test_a_trial_that_agrees_removes_no_conclusion(k: int) -> None:
    """Two trials conclude; each further one finds what they came to, and they still do."""
    how = leading(Model(), "SMD", tau_scale=0.5, effects="one", reference_sds={})

    def limits(trials: int) -> Fit:
        ids = [f"T{i}" for i in range(trials)]
        yi = [-0.7, -0.9, *[-0.8] * (trials - 2)]
        return how.fit(pd.DataFrame({"trial_id": ids, "yi": yi, "vi": 0.05}), "SMD")

    assert limits(2).ci_high < 0
    assert limits(k).ci_high < 0
    assert limits(k).policy.bayesian
