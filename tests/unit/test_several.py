"""Several effects per trial on the made-up review: what each handling pools, and what it says."""

from __future__ import annotations

from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from filled import given
from small import SmallReview, through_csv

from trialpool.analysis_result import AnalysisResult
from trialpool.figures import forest, forest_rows
from trialpool.figures.chart import Withheld
from trialpool.figures.specification_curve import rows as curve
from trialpool.multilevel.aggregate import aggregate
from trialpool.multilevel.covariance import covariance
from trialpool.multilevel.model import fit as fit_multilevel
from trialpool.multilevel.robust import robust_of
from trialpool.multilevel.terms import Nested
from trialpool.review.accounts.trace import chain, raw_tables
from trialpool.review.accounts.trace_checks import check_analysis
from trialpool.review.accounts.verify import verify
from trialpool.review.analysis import Analysed
from trialpool.review.choosing.preference import UndecidedError
from trialpool.review.choosing.several import combined
from trialpool.review.fitting.fit import DEPENDENT
from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.protocol.protocol import resolve
from trialpool.review.report import sentences, sheets

# Made up: on the other scale, and later on the first one.
MORE = (
    ("Ash", "OTHER", "7", ("20", "40.0", "16.0"), ("19", "47.0", "15.0")),
    ("Birch", "OTHER", "7", ("31", "35.0", "14.0"), ("30", "41.0", "15.0")),
    ("Birch", "SCALE", "9", ("31", "20.0", "7.0"), ("30", "24.0", "8.0")),
    ("Elm", "OTHER", "7", ("25", "38.0", "15.0"), ("26", "35.0", "16.0")),
)


@pytest.fixture
def several(tmp_path: Path) -> SmallReview:
    """The made-up review with trials that report several scales and times."""
    made = SmallReview(tmp_path)
    rows = made.rows("results")
    head = rows[0]
    (like,) = [row for row in rows if row[:4] == ["Ash", "control", "mood", "SCALE"]]
    for trial, scale, day, *arms in MORE:
        for arm, (n, mean, sd) in zip(("experimental", "control"), arms, strict=True):
            values = {"trial_id": trial, "arm_id": arm, "instrument": scale, "time_days": day,
                      "n": n, "mean": mean, "sd": sd}  # fmt: skip
            rows.append([values.get(name, cell) for name, cell in zip(head, like, strict=True)])
    made.write("results", rows)
    return made


def under(made: SmallReview, **keys: Any) -> Analysed:
    """The main analysis of the review with other keys."""
    path = made.folder / "config" / "review.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    analysis = config["conditions"]["blue"]["analyses"]["mood"]
    for name in ("effects", "rho", "within", "without", "risk_of_bias", "model"):
        analysis.pop(name, None)
    analysis |= keys
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return made.result("blue", "mood")


def read_back(result: Analysed) -> tuple[AnalysisResult, Any]:
    return result.result, through_csv(result.studies)


def test_all_pools_every_effect_and_warns(several: SmallReview) -> None:
    """Four trials, eight effects; the page and the sentence say that they depend on each other."""
    result = under(several, effects="all")
    model, studies = read_back(result)
    assert (len(studies), model.k, given(model.pooled).k) == (8, 4, 8)
    assert given(model.several).effects == 8
    assert "8 effects of 4 trials are pooled as if they were independent" in model.cautions[0]
    told = sentences.answer(model, studies, result.missing)
    assert told.startswith("Eight effects of four trials (n = 167), all taken as independent, put")


def test_people_count_once(several: SmallReview) -> None:
    """N adds up trials, not effects: as for one effect per trial."""
    assert under(several, effects="all").result.n == under(several).result.n == 167


@pytest.mark.parametrize("which", ["lowest", "highest"])
def test_lowest_and_highest_take_one_of_each_trial(several: SmallReview, which: str) -> None:
    """By the value of the effect; the others are told why they are out."""
    every = under(several, effects="all").studies
    result = under(several, effects=which)
    by_trial = every.groupby("trial_id")["yi"]
    expected = by_trial.min() if which == "lowest" else by_trial.max()
    found = result.studies.set_index("trial_id")["yi"]
    assert found.to_dict() == expected.to_dict()
    why = result.selection["reason"].tolist()
    assert why.count(f"another effect of the trial is used: the {which}") == 4


def test_combined_is_least_squares_of_correlated_effects(several: SmallReview) -> None:
    """Effect and variance of each trial are those of `aggregate`; words and cells are kept."""
    every = under(several, effects="all").studies
    result = under(several, effects="combined", rho=0.3)
    expected = aggregate(every["yi"], every["vi"], every["trial_id"], rho=0.3)
    assert result.studies["trial_id"].tolist() == list(expected.cluster)
    assert result.studies["yi"].to_numpy(float) == pytest.approx(expected.yi, rel=1e-5)
    assert result.studies["vi"].to_numpy(float) == pytest.approx(expected.vi, rel=1e-5)
    birch = result.studies.set_index("trial_id").loc["Birch"]
    assert birch["instrument"] == "OTHER; SCALE"
    assert birch["formula"] == "3 effects combined, correlation 0.3"
    assert birch["n"] == 61
    assert len(set(birch["records"].split(";"))) == 6


def test_effects_of_arms_with_one_label_are_combined(several: SmallReview) -> None:
    """`within: arm` goes by the label in arms.csv, not by the arm's identifier."""
    every = under(several, effects="all").studies
    held = several.tables("blue")
    rows = held.effects[held.effects["effect_id"].isin(every["effect_id"])]
    rows = rows[rows["variant"].isna()].assign(
        experimental_arms=lambda t: np.where(t["instrument"] == "OTHER", "second", "experimental")
    )
    apart = combined(rows, held.arms, rho=0.6, within="arm")
    assert len(apart) == 7
    arms = held.arms.assign(arm="same")
    second = arms[arms["arm_id"] == "experimental"].assign(arm_id="second")
    both = np.concatenate([arms.to_numpy(), second.to_numpy()])
    assert len(combined(rows, type(arms)(both, columns=arms.columns), rho=0.6, within="arm")) == 4


def test_che_is_the_multilevel_model_with_robust_variance(several: SmallReview) -> None:
    """Against `multilevel.fit` and CR2, from the studies table: estimate, limits, both levels."""
    result = under(several, effects="che", rho=0.4)
    model, studies = result.result, result.studies
    trials = studies["trial_id"].tolist()
    vi = studies.groupby("trial_id")["vi"].transform("mean")
    direct = fit_multilevel(
        studies["yi"],
        covariance(vi, trials, rho=0.4).dense(),
        random=[Nested("trial", "row")],
        data={"trial": trials, "row": list(range(len(trials)))},
    )
    robust = robust_of(direct, trials)
    pooled, levels = given(model.pooled), given(given(model.several).levels)
    assert (levels.sigma2_between, levels.sigma2_within) == pytest.approx(direct.sigma2)
    assert pooled.tau2 == pytest.approx(sum(direct.sigma2))
    for name in ("beta", "se", "ddf", "pval", "ci_lb", "ci_ub"):
        assert getattr(pooled, name) == pytest.approx(float(getattr(robust, name)[0])), name
    assert pooled.i2 == pytest.approx(levels.i2_between + levels.i2_within)
    assert (pooled.test, model.specification["model"]["rho"]) == ("CR2", 0.4)
    assert studies["weight"].sum() == pytest.approx(100)
    # t on the number of trials less one, Fir having no result of this time.
    reach = 3.182446305284263 * np.sqrt(pooled.tau2 + pooled.se**2)
    assert pooled.pi_ub - pooled.beta == pytest.approx(reach)
    told = sentences.answer(model, through_csv(studies), result.missing)
    assert told.startswith(
        "Eight effects of four trials (n = 167), their correlation within trials assumed, put"
    )


def test_che_of_trials_with_one_effect_each_has_one_level(several: SmallReview) -> None:
    """Where no trial has several effects there is nothing within trials to estimate."""
    made = SmallReview(several.folder / "plain")
    levels = given(given(under(made, effects="che").result.several).levels)
    assert levels.sigma2_within == 0
    assert levels.sigma2_between >= 0


def test_che_of_two_trials_is_a_common_effect(several: SmallReview) -> None:
    """The policy of few trials holds: no random effects, normal quantile, no prediction."""
    several.write("trials", [row for row in several.rows("trials") if row[0] != "Cedar"])
    for table in ("arms", "results", "contrasts", "risk_of_bias", "missing_results"):
        several.write(table, [r for r in several.rows(table) if r[0] not in ("Cedar", "Ash")])
    several.write("trials", [row for row in several.rows("trials") if row[0] != "Ash"])
    model = under(several, effects="che").result
    pooled = given(model.pooled)
    assert (model.k, pooled.method, pooled.test, pooled.tau2) == (2, "EE", "z", 0)
    assert isnan(model.display.pi_low)
    assert model.model == "common effect, correlation 0.6 within trials, normal quantile"


def test_che_of_one_trial_is_not_pooled(several: SmallReview) -> None:
    """Its effects are combined with the correlation, and it is shown."""
    for table in ("arms", "results", "contrasts", "risk_of_bias", "missing_results", "trials"):
        rows = several.rows(table)
        several.write(table, [rows[0], *(row for row in rows[1:] if row[0] == "Birch")])
    result = under(several, effects="che")
    own = aggregate(result.studies["yi"], result.studies["vi"], ["Birch"] * 3, rho=0.6)
    assert result.result.pooled is None
    assert result.result.display.estimate == pytest.approx(own.yi[0])


@pytest.mark.parametrize("handling", ["all", "che"])
def test_what_takes_one_effect_per_trial_is_withheld_with_the_reason(
    several: SmallReview, handling: str
) -> None:
    """Tables are empty, charts say why, and none of them breaks."""
    result = under(several, effects=handling)
    model, trust = result.result, {n: through_csv(t) for n, t in result.trust.items()}
    for name in ("influence", "cumulative", "small_studies", "missing_effect", "next_trial"):
        assert len(trust[name]) == 0, name
    assert model.policy.withheld["cumulative"] == DEPENDENT
    assert trust["priors"]["note"].tolist() == [DEPENDENT]
    assert model.posterior is None
    tables = {"studies": result.studies, "missing": result.missing,
              "risk_of_bias": several.tables("blue").risk_of_bias,
              "flags": several.flags()}  # fmt: skip
    held = {name: through_csv(table) for name, table in tables.items()} | trust
    sheet = dict(sheets.sheets(model, held))["cumulative"]
    assert isinstance(sheet, Withheld)
    assert "depend on each other" in sheet.reason
    varied = curve(trust["multiverse"], model.multiverse, model)
    assert isinstance(varied, Withheld)
    assert "one effect of each trial" in varied.reason


def test_the_forest_plot_names_effects_and_trials(several: SmallReview) -> None:
    """Rows of one trial have their scale or time as label; n of arms is not added up."""
    result = under(several, effects="che")
    held = several.tables("blue")
    studies = through_csv(result.studies)
    table = forest.rows(studies, result.result, result.missing, held.risk_of_bias)
    labels = table.body["label"].tolist()
    assert "Pooled effect (8 effects of 4 trials, n = 167)" in labels
    assert len(set(labels)) == len(labels)
    pooled = table.body.set_index("kind").loc["pooled"]
    assert pooled.experimental_n == ""
    assert "between trials" in table.heterogeneity


def test_labels_fall_back_on_the_names_of_arms() -> None:
    """Two arms of one drug, on one scale at one time."""
    line = {"study": "Oak 2020", "comparison": "drug v saline", "experimental_arms": "low",
            "control_arm": "c"}  # fmt: skip
    other = {**line, "experimental_arms": "high"}
    assert forest_rows.labels([line, other]) == ["Oak 2020, low v c", "Oak 2020, high v c"]


def test_the_sensitivity_table_has_every_other_handling(several: SmallReview) -> None:
    """Each with its own number of effects; the same numbers as under its own key."""
    table = under(several, effects="che").sensitivity
    rows = table[table["group"] == "several effects"]
    assert rows["note"].tolist() == ["8 effects", "4 effects", "4 effects", "4 effects"]
    for label, handling in zip(
        rows["label"], ("all", "lowest", "highest", "combined"), strict=True
    ):
        own = under(several, effects=handling).result.display
        assert rows.set_index("label").loc[label, "estimate"] == pytest.approx(own.estimate)


def test_outliers_go_after_a_first_fit_and_are_told(several: SmallReview) -> None:
    """An effect whose interval does not overlap the pooled one is left out, with its reason."""
    place = [[*row[:4], row[6]] for row in several.rows("results")]
    row = place.index(["Elm", "experimental", "mood", "OTHER", "7"]) + 1
    several.set("results", row, "mean", "90.0")
    result = under(several, effects="all", without="outliers")
    gone = result.selection[result.selection["reason"].str.startswith("outlier")]
    assert gone["effect_id"].str.contains(r"Elm.*OTHER").all()
    assert len(gone) == 1
    assert "because of what they found (outliers): 1." in result.result.cautions[1]


def test_influential_effects_are_those_of_influence(several: SmallReview) -> None:
    """With one effect per trial: the trial that influence.csv marks is left out."""
    several.set("results", 2, "mean", "2.0")
    result = under(several, without="influential", model={"test": "z"})
    assert "Ash" not in set(result.studies["trial_id"])
    assert result.result.specification["without"] == "influential"


def test_a_judgement_that_is_not_asked_for_leaves_the_trial_out(several: SmallReview) -> None:
    """By the overall judgement; a trial nobody judged is out too."""
    result = under(several, risk_of_bias=["low"])
    judged = several.tables("blue").risk_of_bias
    low = judged[(judged["domain"] == "overall") & (judged["judgement"] == "low")]
    assert set(result.studies["trial_id"]) <= set(low["trial_id"])
    assert result.selection["reason"].str.startswith("risk of bias is").any()


def test_one_effect_per_trial_says_nothing_of_several(several: SmallReview) -> None:
    """The default leaves no trace in model.json."""
    model = under(several).result
    assert model.several is None
    assert not {"effects", "rho", "within", "without", "risk_of_bias"} & set(model.specification)
    assert model.multiverse.withheld is None


def test_a_result_reported_twice_is_one_effect(several: SmallReview) -> None:
    """Arm data and a contrast of the same comparison, scale and time: arm data count."""
    rows = several.rows("contrasts")
    place = rows[0].index("time_days")
    several.write("contrasts", [*rows, [*rows[1][:place], "7", *rows[1][place + 1 :]]])
    result = under(several, effects="all")
    assert len(result.studies) == 8
    assert result.selection["reason"].str.contains("a reported contrast").any()


@pytest.mark.parametrize("handling", ["all", "lowest", "combined", "che"])
def test_the_second_route(several: SmallReview, handling: str) -> None:
    """It agrees where it has the method; of correlated effects it says that it has none."""
    result = under(several, effects=handling)
    found = verify(result.result, through_csv(result.studies))
    assert "DISAGREE" not in set(found["verdict"])
    told = found.set_index("quantity").loc["estimate"]
    assert (told["verdict"] == "not covered") == (handling == "che")
    assert found.set_index("quantity").loc["n", "verdict"] == "agree"


@pytest.mark.parametrize("handling", ["all", "highest", "combined", "che"])
def test_the_chain_to_the_raw_cells_holds(several: SmallReview, handling: str) -> None:
    """Every number is recomputed; each effect of a trial leads to its own rows."""
    result = under(several, effects=handling)
    studies, records = through_csv(result.studies), several.records("blue")
    raw = raw_tables(several.path("results").parent, {})
    checks = check_analysis(result.result, studies, records, raw)
    assert [each.differences for each in checks] == [()] * len(checks)
    cells = chain(result.result, studies, records.rows, raw)
    # Two raw rows for each effect.
    assert cells.loc[cells["level"] == "raw cell", "row"].nunique() == (
        8 if handling == "highest" else 16
    )


def test_a_combined_effect_that_is_off_is_found(several: SmallReview) -> None:
    """The check of combined effects can fail."""
    result = under(several, effects="combined")
    studies = through_csv(result.studies)
    studies.loc[studies["trial_id"] == "Birch", "yi"] += 0.01
    raw = raw_tables(several.path("results").parent, {})
    found = check_analysis(result.result, studies, several.records("blue"), raw)
    assert any("Birch" in told for each in found for told in each.differences)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"effects": "che", "without": "outliers"}, "leave one of the two out"),
        ({"effects": "che", "model": {"tau2": "DL"}}, "model.tau2 = DL: effects che needs REML"),
        ({"effects": "both"}, "effects = 'both': input should be 'one', 'all'"),
        ({"rho": 1}, "rho = 1: input should be less than 1"),
    ],
)
def test_settings_that_do_not_go_together(
    several: SmallReview, keys: dict[str, Any], told: str
) -> None:
    """Each is told with its key before anything is written."""
    with pytest.raises(ProtocolError, match=told):
        under(several, **keys)


def test_counts_of_mantel_haenszel_are_of_one_effect_per_trial(several: SmallReview) -> None:
    """Its variance knows nothing of counts that share people, or that were put together."""
    config = several.review.model_dump(mode="json")
    asked = config["conditions"]["green"]["analyses"]["harm_odds"]
    for handling in ("combined", "che"):
        asked["effects"] = handling
        with pytest.raises(ProtocolError, match="effects that are put together have none"):
            resolve(config)
    asked["effects"] = "all"
    asked_all = resolve(config).conditions["green"].analyses["harm_odds"]
    case = several.case("green", "harm_odds")
    twice = case.tables.effects
    twice = pd.concat(
        [twice, twice.assign(effect_id="later " + twice["effect_id"], time_days=99.0)]
    )
    both = replace(case, spec=asked_all, tables=replace(case.tables, effects=twice))
    with pytest.raises(UndecidedError, match="no rule says which counts"):
        both.chosen()
    timed = both.but(prefer_time=99.0).chosen()
    assert len(timed.chosen) == len(case.chosen().chosen)
    assert timed.chosen["effect_id"].str.startswith("later").all()
