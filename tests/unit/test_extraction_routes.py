"""Whatever a paper reports becomes an effect that says how: the routes through the pipeline."""

from __future__ import annotations

from math import isnan, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from small import SmallReview

from trialpool import effect_size
from trialpool.bayes import normal_normal
from trialpool.effects.medians import mean_sd
from trialpool.effects.multiarm import one_estimate, shared_control_covariance
from trialpool.effects.small_sample import small_sample_factor


def change(small: SmallReview, row: int, **cells: object) -> None:
    """Set cells of a row of results.csv."""
    for column, value in cells.items():
        small.set("results", row, column, str(value))


def add(small: SmallReview, table: str, like: int, **cells: object) -> None:
    """Append a copy of a row with other cells."""
    rows = small.rows(table)
    new = dict(zip(rows[0], rows[like - 1], strict=True)) | {k: str(v) for k, v in cells.items()}
    small.write(table, [*rows, [new[name] for name in rows[0]]])


def found(small: SmallReview, start: str, variant: str = "", **defaults: Any) -> pd.Series:
    """The one effect that starts so, as an SMD or in the counts' measure."""
    effects = small.effects(**defaults)
    hit = effects[
        effects["effect_id"].str.startswith(start) & (effects["variant"].fillna("") == variant)
    ]
    assert len(hit) == 1, hit[["effect_id", "variant"]].to_numpy().tolist()
    return hit.iloc[0]


def dropped(small: SmallReview, row: int) -> str:
    """Why a row of results.csv is not used."""
    table = small.cleaned().dropped
    return str(table.loc[table["row"] == row, "reason"].item())


ASH = "Ash|experimental v control|mood|SCALE||day 7"


def quartiles(small: SmallReview, row: int, q1: float, median: float, q3: float) -> None:
    change(small, row, mean="", sd="", q1=q1, median=median, q3=q3)


def test_a_median_is_converted_and_said_to_be(small: SmallReview) -> None:
    """Luo's mean and Wan's SD from three quartiles; the other methods stand beside it."""
    quartiles(small, 2, 12, 18, 23.5)
    row = found(small, ASH)
    want = mean_sd(20, q1=12, median=18, q3=23.5)
    assert row["mean_experimental"] == pytest.approx(want.mean[0], rel=1e-5)
    assert row["sd_experimental"] == pytest.approx(want.sd[0], rel=1e-5)
    assert row["imputed"].startswith("mean and SD from q1, median, q3 (")
    assert row["cells"] == "results.csv:2 n q1 median q3; results.csv:3 n mean sd"
    other = found(small, ASH, "medians: QE")
    want = mean_sd(20, q1=12, median=18, q3=23.5, method="QE")
    assert other["mean_experimental"] == pytest.approx(want.mean[0], rel=1e-5)


def test_a_skewed_median_is_refused_unless_the_protocol_converts_it(small: SmallReview) -> None:
    """The skewness test comes first (Shi 2023); its statistic stands in the reason."""
    quartiles(small, 2, 2, 3, 30)
    row = found(small, ASH)
    assert isnan(row["yi"])
    assert "skew" in row["reason"]
    effects = small.effects()
    variants = effects[effects["effect_id"].str.startswith(ASH)]["variant"].dropna()
    assert variants.empty
    assert np.isfinite(found(small, ASH, medians={"skewed": "convert"})["yi"])


def test_a_median_without_a_spread_is_dropped_with_the_reason(small: SmallReview) -> None:
    """A median alone says nothing on the SD."""
    change(small, 2, mean="", sd="", median=18)
    assert dropped(small, 2) == (
        "no mean, and no median with its quartiles or range to estimate it from"
    )


def with_changes(small: SmallReview) -> None:
    """Baselines of Ash, and an analysis that takes change scores."""
    for row, mean, sd in ((2, 30, 7), (3, 31, 8)):
        add(small, "results", row, outcome_type="baseline", time_days=0, mean=mean, sd=sd)
    path = small.folder / "config" / "review.yaml"
    text = path.read_text(encoding="utf-8")
    extra = "      harm: {title: Any harm, outcome: harm, measure: RR}\n"
    more = "      change: {title: Change, outcome: mood, measure: SMD, outcome_types: [change]}\n"
    path.write_text(text.replace(extra, extra + more, 1), encoding="utf-8")


def test_a_change_is_worked_out_from_both_scores_with_a_swept_correlation(
    small: SmallReview,
) -> None:
    """sd^2 = sd0^2 + sd1^2 - 2 r sd0 sd1 (Handbook 6.5.2.8), r assumed, marked and varied."""
    with_changes(small)
    start = f"{ASH}|whole|change"
    row = found(small, start)
    assert row["mean_experimental"] == -12
    assert row["sd_experimental"] == pytest.approx(sqrt(49 + 64 - 56), rel=1e-5)
    assert row["imputed"] == "correlation with baseline assumed 0.5"
    assert row["derived"].startswith("change = mean after - mean before; SD of the change")
    assert row["cells"].startswith("results.csv:19 n mean sd; results.csv:2 n mean sd")
    other = found(small, start, "change scores: r = 0.7")
    assert other["sd_experimental"] == pytest.approx(sqrt(49 + 64 - 2 * 0.7 * 56), rel=1e-5)
    assert small.result("blue", "change").studies["trial_id"].tolist() == ["Ash", "Elm"]


def test_a_reported_change_without_an_sd_takes_it_from_the_scores(small: SmallReview) -> None:
    """The reported mean stays; a reported correlation is no assumption."""
    with_changes(small)
    for arm, mean in ((2, -11.5), (3, -6.5)):
        add(small, "results", arm, outcome_type="change", mean=mean, sd="", correlation=0.6)
    row = found(small, f"{ASH}|whole|change")
    assert row["mean_experimental"] == -11.5
    assert row["sd_experimental"] == pytest.approx(sqrt(49 + 64 - 2 * 0.6 * 56), rel=1e-5)
    assert pd.isna(row["imputed"])


def test_a_reported_sd_of_a_change_is_never_worked_out_anew(small: SmallReview) -> None:
    """Scores before and after are there as well; what is reported stands."""
    with_changes(small)
    for arm, mean in ((2, -11.5), (3, -6.5)):
        add(small, "results", arm, outcome_type="change", mean=mean, sd=5.5)
    row = found(small, f"{ASH}|whole|change")
    assert (row["mean_experimental"], row["sd_experimental"]) == (-11.5, 5.5)
    assert pd.isna(row["imputed"])


def test_a_baseline_of_zero_is_a_number(small: SmallReview) -> None:
    """A mean of exactly 0 is no blank."""
    with_changes(small)
    small.set("instruments", 2, "low", "-60")
    for row in (19, 20):
        change(small, row, mean=0)
    assert found(small, f"{ASH}|whole|change")["mean_experimental"] == 18


def test_a_change_without_any_spread_is_dropped(small: SmallReview) -> None:
    """No baseline SD, no SD of the change."""
    add(small, "results", 2, outcome_type="change", mean=-11.5, sd="")
    assert dropped(small, 19) == (
        "no SD, SE or CI of the change, and no SD before and after to work it out from"
    )


def test_a_count_is_computed_from_a_percentage_and_marked(small: SmallReview) -> None:
    """45.0 % of 20 people are 9; the effect says so."""
    change(small, 10, event="", percent="45.0")
    row = found(small, "Ash|experimental v control|harm")
    assert row["event_experimental"] == 9
    assert row["derived"] == "event = 45.0 % of 20"
    assert row["cells"].startswith("results.csv:10 percent totaln")


def test_a_percentage_of_no_whole_number_gives_no_count(small: SmallReview) -> None:
    """The row is dropped, and the reason names the nearest counts."""
    change(small, 10, event="", percent="47.0")
    assert "47.0 % of 20 is no whole number of people" in dropped(small, 10)


CONTRAST = "Ash|experimental v control|mood|SCALE||day 14|whole|contrast||MD|SMD"


def contrast(small: SmallReview, **cells: object) -> None:
    blank = {"se": "", "ci_low": "", "ci_high": ""}
    for column, value in (blank | cells).items():
        small.set("contrasts", 2, column, str(value))


@pytest.mark.parametrize(
    ("cells", "se", "formula", "used"),
    [
        ({"f": 6.25, "df": 37}, 2.0, "SE = |estimate / sqrt(F)|", "f"),
        ({"t": 2.5}, 2.0, "SE = |estimate / t|", "t"),
        ({"se": 2}, 2.0, "reported estimate and SE", "se"),
        ({"ci_low": 1, "ci_high": 9}, 4 / stats.norm.isf(0.025), "SE = CI width / (2 x 1.96)",
         "ci_low ci_high"),
        (
            {"p_value": 0.02},
            5 / stats.t.isf(0.01, 37),
            "SE = |estimate / t|, t from p and n1 + n2 - 2 df",
            "p_value",
        ),
        ({"p_value": 0.02, "df": 30}, 5 / stats.t.isf(0.01, 30),
         "SE = |estimate / t|, t from p and df", "p_value df"),
    ],
)  # fmt: skip
def test_a_difference_is_standardised_by_the_sd_behind_its_error(
    small: SmallReview, cells: dict[str, object], se: float, formula: str, used: str
) -> None:
    """SD = SE / sqrt(1/n1 + 1/n2), Handbook 6.5.2.3; then g = J MD / SD, from the cells used."""
    contrast(small, **cells)
    row = found(small, CONTRAST)
    sd = se / sqrt(1 / 20 + 1 / 19)
    g = -float(small_sample_factor(37, "exact")) * 5 / sd
    assert row["yi"] == pytest.approx(g, rel=1e-5)
    assert row["vi"] == pytest.approx(1 / 20 + 1 / 19 + g**2 / 78, rel=1e-5)
    assert row["formula"].startswith(formula)
    assert row["basis"] == "contrast, standardised"
    places, *names = str(row["cells"]).split(" ")
    assert places == "contrasts.csv:2"
    assert set(names) == {"estimate", *used.split(), "n_experimental", "n_control"}


def test_a_bound_of_p_is_used_and_marked(small: SmallReview) -> None:
    """`p < .05` is taken as .05, the largest SE that fits."""
    contrast(small, p_value=0.05, p_bound="yes")
    row = found(small, CONTRAST)
    assert row["imputed"] == "p < 0.05 taken as p = 0.05, which gives the largest SE"


def test_an_adjusted_difference_needs_the_sd_of_the_scores(small: SmallReview) -> None:
    """The SE of an adjusted difference is no way to the SD; with the SD it keeps what it gained."""
    contrast(small, se=2, adjusted_for="baseline")
    left_out = {"standardise": "leave_out"}
    assert found(small, CONTRAST, change=left_out)["reason"] == (
        "an adjusted mean difference needs sd_pooled to be standardised"
    )
    contrast(small, se=2, sd_pooled=8, adjusted_for="baseline")
    row = found(small, CONTRAST)
    j = float(small_sample_factor(37, "exact"))
    assert row["yi"] == pytest.approx(-j * 5 / 8, rel=1e-5)
    assert row["vi"] == pytest.approx((j * 2 / 8) ** 2 + (j * 5 / 8) ** 2 / 78, rel=1e-5)
    assert row["formula"].endswith("adjusted for baseline")


CEDAR = "Cedar|experimental v control|mood|SCALE||day 7|both"


def paired_test(small: SmallReview, **cells: object) -> None:
    contrast(small, trial_id="Cedar", period="both", time_days=7, estimate=-3.5,
             contrast="experimental-control", n_experimental=16, n_control=16, **cells)  # fmt: skip


def test_the_correlation_is_recovered_from_a_paired_t(small: SmallReview) -> None:
    """SD of the difference = |MD| sqrt(n) / t, then r (Handbook 23.2.7.2)."""
    paired_test(small, t=2.8)
    row = found(small, f"{CEDAR}|msd")
    r = (6**2 + 6.5**2 - (3.5 * 4 / 2.8) ** 2) / (2 * 6 * 6.5)
    es = effect_size("SMCRP", m1i=[15], sd1i=[6], m2i=[18.5], sd2i=[6.5], ni=[16], ri=[r])
    assert row["vi"] == pytest.approx(es.vi[0], rel=1e-5)
    assert f"r = {r:.3g} from the paired t test (contrasts.csv row 2)" in str(row["derived"])
    assert pd.isna(row["imputed"])


def test_the_first_period_is_an_option_of_its_own(small: SmallReview) -> None:
    """With `first_period` the paired result has no number; the first period's stands."""
    for row in (6, 7):
        add(small, "results", row, period="first", n=8)
    both = found(small, f"{CEDAR}|msd", crossover={"handling": "first_period"})
    assert both["reason"] == "the protocol takes the first period of a crossover only"
    varied = small.result("blue", "mood").sensitivity.set_index("label")
    assert varied.loc["first period only", "note"] == "changes Cedar 2016"


def test_a_crossover_without_a_first_period_drops_out_of_that_row(small: SmallReview) -> None:
    """The table says which trial is lost."""
    varied = small.result("blue", "mood").sensitivity.set_index("label")
    assert varied.loc["first period only", "k"] == 3
    assert "without Cedar 2016" in str(varied.loc["first period only", "note"])


def test_both_variances_of_a_crossover_stand_beside_each_other(small: SmallReview) -> None:
    """Cousineau's by default; Cochrane's by name (disputed, doi 10.1002/sim.8669)."""
    given = {"m1i": [15], "sd1i": [6], "m2i": [18.5], "sd2i": [6.5], "ni": [16], "ri": [0.5]}
    for variant, name in (("", "SMCRP"), ("crossover: variance Cochrane", "Cochrane")):
        es = effect_size("SMCRP", variance=name, **given)
        row = found(small, f"{CEDAR}|msd", variant)
        assert (row["yi"], row["vi"]) == pytest.approx((es.yi[0], es.vi[0]), rel=1e-5)


def test_the_weight_of_each_design_is_reported(small: SmallReview) -> None:
    """Curtin 2002: how much of the weight hangs on crossovers."""
    result = small.result("blue", "mood")
    shares = result.result.weight_by_design
    assert set(shares) == {"parallel", "crossover, paired"}
    assert sum(shares.values()) == pytest.approx(100)
    cedar = result.studies.set_index("trial_id").loc["Cedar", "weight"]
    assert shares["crossover, paired"] == pytest.approx(cedar)


def three_arms(small: SmallReview) -> None:
    """A second dose of Ash against the same control."""
    arms = small.rows("arms")
    small.write("arms", [*arms, ["Ash", "high", "high", *arms[1][3:]]])
    add(small, "results", 2, arm_id="high", mean=16, n=18)


THREE = "Ash|experimental+high v control|mood"


def test_a_shared_control_can_be_split(small: SmallReview) -> None:
    """Each dose against half of the control; the trial still counts once."""
    three_arms(small)
    effects = small.effects()
    parts = effects[
        effects["effect_id"].str.startswith(THREE) & (effects["variant"] == "several arms: split")
    ].set_index("part")
    es = effect_size("SMD", m1i=[16], sd1i=[8], n1i=[18], m2i=[24], sd2i=[9], n2i=[9.5])
    assert parts.loc["high", "yi"] == pytest.approx(es.yi[0], rel=1e-5)
    assert parts.loc["high", "vi"] == pytest.approx(es.vi[0], rel=1e-5)
    assert parts["n_control"].sum() == 19
    result = small.result("blue", "mood")
    varied = result.sensitivity.set_index("label").loc["split"]
    told = "changes Ash 2011; its 5 comparisons are counted as independent"
    assert (varied["k"], varied["note"]) == (4, told)
    others = result.studies[result.studies["trial_id"] != "Ash"]
    every, spread = [*parts["yi"], *others["yi"]], [*parts["vi"], *others["vi"]]
    again = normal_normal(every, spread, tau_scale=0.5)
    assert varied["estimate"] == pytest.approx(again.mu, rel=1e-5)


def test_a_split_control_as_the_protocols_choice_counts_trials(small: SmallReview) -> None:
    """Four trials, five comparisons: k is the trials, and all people are counted once."""
    three_arms(small)
    path = small.folder / "config" / "review.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "defaults: {multi_arm: {handling: split}}\n", encoding="utf-8")
    result = small.result("blue", "mood")
    assert (result.result.k, len(result.studies)) == (4, 5)
    assert result.studies.loc[result.studies["trial_id"] == "Ash", "n"].sum() == 20 + 18 + 19


def test_a_shared_control_can_keep_its_covariance(small: SmallReview) -> None:
    """Both comparisons with the whole control, put together with Gleser and Olkin's covariance."""
    three_arms(small)
    row = found(small, THREE, "several arms: covariance")
    es = effect_size(
        "SMD", m1i=[18, 16], sd1i=[8, 8], n1i=[20, 18], m2i=[24] * 2, sd2i=[9] * 2, n2i=[19] * 2
    )
    want = one_estimate(es.yi, shared_control_covariance(es.yi, [20, 18], 19))
    assert (row["yi"], row["vi"]) == pytest.approx((want.yi, want.vi), rel=1e-5)


def test_flagged_results_stand_with_and_without_and_read_as_errors(small: SmallReview) -> None:
    """An SD that looks like an SE: without the trial, and with SD = SE sqrt(n)."""
    change(small, 3, sd=1.2)
    result = small.result("blue", "mood")
    assert result.studies.set_index("trial_id").loc["Ash", "flags"] == "se_typed_as_sd"
    varied = result.sensitivity.set_index("label")
    assert varied.loc["without Ash 2011", "k"] == 3
    label = "with suspected SDs read as standard errors"
    es = effect_size("SMD", m1i=[18], sd1i=[8], n1i=[20], m2i=[24], sd2i=[1.2 * sqrt(19)], n2i=[19])
    row = found(small, ASH, f"flagged data: {label}")
    assert row["yi"] == pytest.approx(es.yi[0], rel=1e-5)
    assert "taken for a standard error" in row["imputed"]
    assert varied.loc[label, "k"] == 4


def test_a_single_flagged_trial_leaves_nothing(small: SmallReview) -> None:
    """The row without it says that no trial is left."""
    change(small, 3, sd=1.2)
    for row in (4, 5, 6, 7, 8, 9):
        change(small, row, exclude_reason="made up")
    result = small.result("blue", "mood")
    varied = result.sensitivity.set_index("label")
    assert result.result.k == 1
    assert varied.loc["without Ash 2011", "k"] == 0
