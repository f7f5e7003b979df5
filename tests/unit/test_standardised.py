"""Changes in an SMD: divided by an SD of scores, and never by their own."""

from __future__ import annotations

from math import isnan, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from small import SmallReview

from trialpool.effects.changes import change_by_baseline_sd, change_by_reference_sd
from trialpool.effects.small_sample import small_sample_factor
from trialpool.review.accounts.trace import chain, raw_tables
from trialpool.review.accounts.trace_checks import check_analysis
from trialpool.review.choosing.reasons import not_asked
from trialpool.review.questions.network_data import gather

ASH = "Ash|experimental v control|mood|SCALE||day 7|whole|change"
REFERENCE = "MD, unpooled SDs, of changes; difference / reference SD"
BASELINE = "MD, unpooled SDs, of changes; difference / SD at baseline, exact correction"


def change(small: SmallReview, table: str, like: int, **cells: object) -> None:
    """Append a copy of a row with other cells."""
    rows = small.rows(table)
    new = dict(zip(rows[0], rows[like - 1], strict=True)) | {k: str(v) for k, v in cells.items()}
    small.write(table, [*rows, [new[name] for name in rows[0]]])


def ash_changes(small: SmallReview) -> None:
    """Ash reports changes with their SDs, and no score after treatment."""
    for row, mean, sd in ((2, -11.5, 5), (3, -6.5, 6)):
        small.set("results", row, "outcome_type", "change")
        small.set("results", row, "mean", str(mean))
        small.set("results", row, "sd", str(sd))


def ash_baselines(small: SmallReview) -> None:
    for row, sd in ((2, 7), (3, 8)):
        change(small, "results", row, outcome_type="baseline", time_days=0, mean=30, sd=sd)


def effect(small: SmallReview, start: str = ASH, variant: str = "", **defaults: Any) -> pd.Series:
    effects = small.effects(**defaults)
    hit = effects[
        effects["effect_id"].str.startswith(start) & (effects["variant"].fillna("") == variant)
    ]
    assert len(hit) == 1, hit[["effect_id", "variant"]].to_numpy().tolist()
    return hit.iloc[0]


def test_a_known_sd_adds_nothing_and_corrects_nothing() -> None:
    """-5/8 and (SE/8)^2: 25/20 + 36/19 = 3.144737, over 64 is 0.0491365."""
    made = change_by_reference_sd(-5.0, sqrt(25 / 20 + 36 / 19), 8.0)
    assert float(made.yi) == -0.625
    assert float(made.vi) == pytest.approx(0.0491365132, rel=1e-9)
    assert np.isnan(change_by_reference_sd(1.0, [0.0, 1.0], [1.0, 0.0]).vi).all()


def test_an_sd_at_baseline_is_corrected_and_adds_its_own_error() -> None:
    """J = 1 - 3/(4 x 37 - 1) = 0.979592; g = J 5/10; v = J^2/100 + g^2/(2 x 39)."""
    made = change_by_baseline_sd(5.0, 1.0, 10.0, 39, 37, "approx")
    assert float(made.yi) == pytest.approx(0.489795918, rel=1e-8)
    assert float(made.vi) == pytest.approx(0.959600167 / 100 + 0.239900042 / 78, rel=1e-8)
    assert isnan(float(change_by_baseline_sd(5.0, 1.0, 10.0, 3, 1).yi))


def test_the_variance_is_that_of_many_trials() -> None:
    """Drawn: a normal difference over the root of a scaled chi-squared, 200 people at baseline."""
    draw = np.random.default_rng(1)
    difference = draw.normal(6.0, 2.0, 100_000)
    sd = 8.0 * np.sqrt(draw.chisquare(198, 100_000) / 198)
    g = small_sample_factor(198.0) * difference / sd
    expected = change_by_baseline_sd(6.0, 2.0, 8.0, 200, 198)
    assert g.mean() == pytest.approx(6.0 / 8.0, abs=0.005)
    assert g.var() == pytest.approx(float(expected.vi), rel=0.02)


def test_a_change_is_divided_by_the_reference_sd_and_says_so(small: SmallReview) -> None:
    """SCALE has 8.0 in row 2 of instruments.csv; its own pooled SD of changes would be 5.5."""
    ash_changes(small)
    row = effect(small)
    assert (row["yi"], row["standardiser"], row["reference_sd"]) == (-0.625, 8, 8)
    assert row["vi"] == pytest.approx(0.0491365, rel=1e-5)
    assert (row["formula"], row["mean_experimental"], row["sd_control"]) == (REFERENCE, -11.5, 6)
    assert row["derived"] == "divided by the reference SD of SCALE, 8"
    assert row["records"] == "results.csv:2;results.csv:3;instruments.csv:2"
    assert row["cells"].endswith("results.csv:3 n mean sd; instruments.csv:2 reference_sd")
    assert pd.isna(row["imputed"])
    scores = small.effects().query("outcome_type == 'msd'")
    assert scores["standardiser"].isna().all()
    records = small.records().rows
    assert records["reference_row"].dropna().unique().tolist() == [2]


def test_scores_and_changes_stand_in_one_analysis(small: SmallReview) -> None:
    """The protocol of the small review names no outcome_types: a change enters its SMD."""
    ash_changes(small)
    studies = small.result("blue", "mood").studies.set_index("trial_id")
    assert list(studies.index) == ["Ash", "Birch", "Cedar", "Elm"]
    assert studies.loc["Ash", "yi"] == -0.625
    assert studies["standardiser"].notna().to_dict() == {
        "Ash": True, "Birch": False, "Cedar": False, "Elm": False}  # fmt: skip


def test_a_score_comes_before_its_change(small: SmallReview) -> None:
    """Both are reported: the score is used, and the other says why it is not."""
    for row, mean in ((2, -11.5), (3, -6.5)):
        change(small, "results", row, outcome_type="change", mean=mean, sd=5)
    result = small.result("blue", "mood")
    assert "|msd|" in str(result.studies.set_index("trial_id").loc["Ash", "effect_id"])
    why = result.selection.set_index("effect_id")["reason"]
    assert why[f"{ASH}|||SMD"] == "another effect of the trial is used: change comes after msd"


def test_the_sd_at_baseline_is_pooled_within_arms(small: SmallReview) -> None:
    """(19 x 49 + 18 x 64)/37 = 56.2973, SD 7.50315; J of 37 df, variance with 39 people."""
    ash_changes(small)
    ash_baselines(small)
    row = effect(small, change={"standardise": "baseline_sd"})
    j = float(small_sample_factor(37))
    assert row["standardiser"] == pytest.approx(7.50315, rel=1e-5)
    assert row["yi"] == pytest.approx(-5 * j / 7.50315, rel=1e-5)
    variance = j**2 * 3.144737 / 56.2973 + row["yi"] ** 2 / (2 * 39)
    assert row["vi"] == pytest.approx(variance, rel=1e-5)
    assert row["formula"] == BASELINE
    assert row["cells"].endswith("results.csv:19 n sd; results.csv:20 n sd")
    beside = effect(small, variant="change scores: divided by the SD at baseline")
    assert beside["yi"] == row["yi"]


@pytest.mark.parametrize("wanted", ["reference_sd", "baseline_sd"])
def test_the_other_sd_stands_in_and_without_either_the_change_stays_out(
    small: SmallReview, wanted: str
) -> None:
    ash_changes(small)
    assert effect(small, change={"standardise": "baseline_sd"})["formula"] == REFERENCE
    for column in ("reference_sd", "reference_sd_source"):
        small.set("instruments", 2, column, "")
    row = effect(small, change={"standardise": wanted})
    assert isnan(row["yi"])
    assert row["reason"] == (
        "there is no reference SD of SCALE in instruments.csv and no SD at baseline of each arm"
    )
    change(small, "results", 2, outcome_type="baseline", time_days=0, mean=30, sd=7)
    assert isnan(effect(small)["yi"])  # of one arm alone
    change(small, "results", 3, outcome_type="baseline", time_days=0, mean=30, sd=8)
    assert effect(small, change={"standardise": wanted})["formula"] == BASELINE


def test_a_protocol_may_leave_changes_out(small: SmallReview) -> None:
    """As what an analysis does not ask for."""
    ash_changes(small)
    row = effect(small, change={"standardise": "leave_out"})
    assert isnan(row["yi"])
    assert row["reason"] == "change scores are not pooled with scores after treatment"
    small.rewrite("conditions:", "defaults: {change: {standardise: leave_out}}\nconditions:")
    left = small.result("blue", "mood").selection.set_index("effect_id")
    assert not_asked(left.loc[row["effect_id"], "rule"])


def test_a_change_in_points_needs_no_other_sd(small: SmallReview) -> None:
    ash_changes(small)
    path = small.folder / "config/review.yaml"
    text = path.read_text(encoding="utf-8")
    extra = "      points: {title: Points, outcome: mood, measure: MD, outcome_types: [change]}\n"
    harm = "      harm: {title: Any harm, outcome: harm, measure: RR}\n"
    path.write_text(text.replace(harm, harm + extra, 1), encoding="utf-8")
    row = small.effects().query("effect_id.str.startswith(@ASH) and measure == 'MD'").iloc[0]
    assert (row["yi"], row["formula"]) == (-5, "MD, unpooled SDs")
    assert isnan(row["standardiser"])


def test_several_arms_are_put_together_before_they_are_divided(small: SmallReview) -> None:
    """Two arms of 20 with -11.5 (5) and -9.5 (5): -10.5; (39 SD^2 = 38 x 25 + 40 x 1)."""
    ash_changes(small)
    change(small, "arms", 2, arm_id="high", arm="high")
    change(small, "results", 2, arm_id="high", mean=-9.5)
    start = ASH.replace("experimental v", "experimental+high v")
    row = effect(small, start)
    assert row["yi"] == pytest.approx((-10.5 + 6.5) / 8, rel=1e-6)
    assert row["vi"] == pytest.approx(((38 * 25 + 40) / 39 / 40 + 36 / 19) / 64, rel=1e-5)
    parts = small.effects().query("variant == 'several arms: split'").set_index("part")
    assert parts["yi"].to_dict() == {"experimental": -0.625, "high": -0.375}
    # Of the covariance of the arms only the control's variance is shared: 36/19 in points.
    both = effect(small, start, "several arms: covariance")
    assert both["vi"] == pytest.approx((25 / 20 / 2 + 36 / 19) / 64, rel=1e-5)


def test_changes_of_a_crossover_are_divided_too(small: SmallReview) -> None:
    """Cedar: SD of the difference^2 = 16 + 25 - 2 x 0.5 x 20 = 21 of 16 pairs, over 64."""
    for place, mean, sd in ((6, -9, 4), (7, -5.5, 5)):
        small.set("results", place, "outcome_type", "change")
        small.set("results", place, "mean", str(mean))
        small.set("results", place, "sd", str(sd))
    row = effect(small, "Cedar|experimental v control|mood|SCALE||day 7|both|change")
    assert row["yi"] == -3.5 / 8
    assert row["vi"] == pytest.approx(21 / 16 / 64, rel=1e-5)
    assert row["formula"] == "MC, paired SD, of changes; difference / reference SD"
    for like, sd in ((6, 7), (7, 9)):
        change(small, "results", like, outcome_type="baseline", time_days=0, mean=30, sd=sd)
    how = {"standardise": "baseline_sd"}
    row = effect(small, "Cedar|experimental v control|mood|SCALE||day 7|both|change", change=how)
    # The same 16 people under both conditions: 15 degrees of freedom, not 30.
    j = float(small_sample_factor(15))
    assert row["standardiser"] == pytest.approx(sqrt((49 + 81) / 2), rel=1e-5)
    variance = j**2 * 21 / 16 / 65 + row["yi"] ** 2 / (2 * 16)
    assert row["vi"] == pytest.approx(variance, rel=1e-5)


def adjusted(small: SmallReview, **cells: str) -> None:
    for column, value in {"time_days": "7", "adjusted_for": "baseline", **cells}.items():
        small.set("contrasts", 2, column, value)


def test_an_adjusted_difference_is_divided_as_a_change(small: SmallReview) -> None:
    """-5 (0.5 to 9.5, control less experimental): SE 9/3.919928 = 2.295961, over 8.0."""
    adjusted(small)
    start = "Ash|experimental v control|mood|SCALE||day 7|whole|contrast"
    row = effect(small, start)
    assert (row["yi"], row["standardiser"]) == (-0.625, 8)
    assert row["vi"] == pytest.approx((2.295961 / 8) ** 2, rel=1e-5)
    assert row["basis"] == "contrast, standardised"
    assert row["cells"] == "contrasts.csv:2 estimate ci_low ci_high; instruments.csv:2 reference_sd"
    ash_baselines(small)
    row = effect(small, start, "change scores: divided by the SD at baseline")
    assert row["yi"] == pytest.approx(-5 * small_sample_factor(37) / 7.50315, rel=1e-5)
    row = effect(small, start, change={"standardise": "leave_out"})
    assert row["reason"] == "an adjusted mean difference needs sd_pooled to be standardised"
    adjusted(small, sd_pooled="7")  # a reported SD goes before both
    assert "SMD from adjusted MD" in effect(small, start)["formula"]


def test_without_any_sd_an_adjusted_difference_says_so(small: SmallReview) -> None:
    adjusted(small)
    for column in ("reference_sd", "reference_sd_source"):
        small.set("instruments", 2, column, "")
    row = effect(small, "Ash|experimental v control|mood|SCALE||day 7|whole|contrast")
    assert row["reason"] == (
        "an adjusted mean difference has no sd_pooled, and there is no reference SD of SCALE in "
        "instruments.csv and no SD at baseline of each arm"
    )


def test_a_warning_about_the_reference_sd_goes_with_the_effect(small: SmallReview) -> None:
    ash_changes(small)
    small.set("instruments", 2, "reference_sd_source", "")
    assert effect(small)["flags"] == "reference_sd_source"


def test_the_multiverse_takes_changes_by_either_sd_or_not_at_all(small: SmallReview) -> None:
    ash_changes(small)
    ash_baselines(small)
    data = small.result("blue", "mood").result.multiverse
    levels = {factor.name: tuple(factor.levels) for factor in data.factors}
    assert levels["change_standardised"] == (
        "by the reference SD", "by the SD at baseline", "left out")  # fmt: skip
    table = small.result("blue", "mood").trust["multiverse"]
    table = table[table["missing"] == "not added"]
    most = table.groupby("change_standardised")["k"].max().to_dict()
    assert most == {"by the reference SD": 4, "by the SD at baseline": 4, "left out": 3}


def test_a_level_that_gives_the_same_numbers_counts_once(small: SmallReview) -> None:
    """No SD at baseline is known: that level is the reference SD again."""
    ash_changes(small)
    data = small.result("blue", "mood").result.multiverse
    levels = {factor.name: tuple(factor.levels) for factor in data.factors}
    assert levels["change_standardised"] == ("by the reference SD", "left out")


def traced(small: SmallReview) -> tuple[pd.DataFrame, list[str]]:
    """The trace of the analysis and what its checks find."""
    result, records = small.result("blue", "mood"), small.records()
    raw = raw_tables(small.folder / "data/raw/blue", {})
    table = chain(result.result, result.studies, records.rows, raw)
    checks = check_analysis(result.result, result.studies, records, raw)
    return table, [words for check in checks for words in check.differences]


def test_the_trace_leads_to_the_row_of_the_instrument(small: SmallReview) -> None:
    ash_changes(small)
    table, differences = traced(small)
    assert differences == []
    cell = table[table["quantity"] == "reference_sd"].iloc[0]
    assert (cell["value"], cell["how"]) == ("8.0", "used")
    assert (cell["file"], cell["row"]) == ("data/raw/instruments.csv", 2)
    assert cell["locator"] == "made up"
    divisor = table[table["quantity"] == "standardiser"]
    assert divisor["value"].tolist() == ["8"]


def test_a_changed_reference_sd_breaks_the_chain(small: SmallReview) -> None:
    ash_changes(small)
    result, records = small.result("blue", "mood"), small.records()
    small.set("instruments", 2, "reference_sd", "9")
    raw = raw_tables(small.folder / "data/raw/blue", {})
    checks = check_analysis(result.result, result.studies, records, raw)
    (words,) = [words for check in checks for words in check.differences]
    assert words.endswith("row 2: reference_sd was 8, is 9; run the review again")


NODES = {
    "outcome": "mood", "measure": "SMD", "title": "Net", "reference": "saline",
    "nodes": {"low": {"drug": ["drug"], "dose_max": 1}, "high": {"drug": ["drug"], "dose_min": 2},
              "saline": {"drug": ["saline"]}},
}  # fmt: skip


def test_three_nodes_of_changes_close_and_share_the_divisor(small: SmallReview) -> None:
    """-11.5, -9.5 and -6.5 over 8.0: differences of -0.25, -0.625 and -0.375."""
    ash_changes(small)
    change(small, "arms", 2, arm_id="high", arm="high", dose_mg_kg=2)
    small.set("arms", 2, "dose_mg_kg", "1")
    change(small, "results", 2, arm_id="high", mean=-9.5)
    small.write("contrasts", small.rows("contrasts")[:1])
    path = small.folder / "config/review.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["conditions"]["blue"]["networks"] = {"net": NODES}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    review = small.review
    made = gather(
        small.tables("blue"), small.records(), review.conditions["blue"].networks["net"], review
    )
    ash = made.contrasts[made.contrasts["trial_id"] == "Ash"]
    pairs = {(a, b): y for a, b, y in ash[["treatment_1", "treatment_2", "yi"]].to_numpy()}
    assert pairs == {("high", "low"): 0.25, ("high", "saline"): -0.375, ("low", "saline"): -0.625}
    assert ash["vi"].iloc[0] == pytest.approx(2 * 25 / 20 / 64)
    assert set(ash["formula"]) == {"MD of 3 arms, of changes; difference / reference SD"}
