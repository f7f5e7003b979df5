"""Influence by trial, accumulation by year and shares of weight, against refits one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialpool.diagnostics.influence import influence
from trialpool.pooling.model import pool
from trialpool.review.fitting.fit import Leading, fit, leading
from trialpool.review.protocol.settings import Model
from trialpool.review.schema.trust import CUMULATIVE, INFLUENCE
from trialpool.review.trust.influence import (
    cumulative_table,
    influence_table,
    weight_shares,
)

RESULT = ["estimate", "ci_low", "ci_high", "p_value", "k", "tau2", "i2"]
MODELS = [
    Model(),
    Model(tau2="PM", test="z"),
    Model(tau2="DL", test="knha"),
    Model(tau2="EE", test="z"),
    Model(method="MH"),
]
IDS = [f"{m.method} {m.tau2} {m.test}" for m in MODELS]


def trials(k: int, *, seed: int = 1) -> pd.DataFrame:
    """Make k trials of one row each, with counts and effects that agree."""
    rng = np.random.default_rng(seed)
    n1, n2 = rng.integers(20, 80, (2, k)).astype(float)
    a, c = np.floor(n1 * rng.uniform(0.1, 0.6, k)) + 1, np.floor(n2 * rng.uniform(0.2, 0.5, k)) + 1
    return pd.DataFrame(
        {
            "trial_id": [f"t{i}" for i in range(k)],
            "study": [f"Trial {i}" for i in range(k)],
            "year": 2000.0 + rng.permutation(k) // 2,
            "yi": np.log(a * (n2 - c) / c / (n1 - a)),
            "vi": 1 / a + 1 / (n1 - a) + 1 / c + 1 / (n2 - c),
            "event_experimental": a,
            "totaln_experimental": n1,
            "event_control": c,
            "totaln_control": n2,
        }
    )


def split(studies: pd.DataFrame, which: list[int]) -> pd.DataFrame:
    """The same trials, some in two rows of the same effect, each with twice the variance."""
    halves = studies.iloc[which].assign(vi=2 * studies["vi"])
    kept = studies.drop(index=which)
    return pd.concat([halves, kept, halves], ignore_index=True)


def led(model: Model, measure: str = "OR") -> Leading:
    """As an analysis asks it, one effect of each trial."""
    return leading(model, measure, tau_scale=0.5, effects="one", reference_sds={})


def expected(studies: pd.DataFrame, measure: str, model: Model) -> dict[str, Any]:
    """The protocol's own fit of some rows; a common effect has no tau2."""
    found = fit(studies, measure, model)
    pooled = found.pooled
    words = found.beside or found.words
    common = "common" in words or "Mantel" in words or pooled is None
    return {
        **{name: getattr(found, name) for name in RESULT[:4]},
        "k": studies["trial_id"].nunique(),
        "tau2": np.nan if common or pooled is None else pooled.tau2,
        "i2": np.nan if pooled is None else pooled.i2,
    }


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("k", [5, 6, 13])
def test_each_row_is_a_refit_without_the_trial(model: Model, k: int) -> None:
    """Whatever the batch does, one row left out by hand must give the same."""
    studies = trials(k)
    table = influence_table(studies, "OR", model)
    assert list(table.columns) == list(INFLUENCE.names)
    assert len(table) == k
    for i, row in table.iterrows():
        want = expected(studies.drop(index=[i]), "OR", model)
        assert row[RESULT].astype(float).to_dict() == pytest.approx(want, rel=1e-7, nan_ok=True)


@pytest.mark.parametrize("model", MODELS[:4], ids=IDS[:4])
def test_the_measures_are_those_of_the_library(model: Model) -> None:
    """No formula of its own where each trial has one row."""
    studies = trials(7)
    table = influence_table(studies, "OR", model)
    single = influence(studies["yi"], studies["vi"], tau2=model.tau2, test=model.test)
    for name in ("rstudent", "dffits", "cook_d", "cov_r", "hat", "weight", "dfbetas"):
        assert table[name].to_numpy() == pytest.approx(getattr(single, name))
    assert table["q_del"].to_numpy() == pytest.approx(single.qe_del)
    assert list(table["influential"]) == ["yes" if hit else "no" for hit in single.influential]


def test_without_mantel_haenszel_the_refits_are_its_own_and_the_rest_is_said() -> None:
    """The measures come from the common effect by inverse variance, the weight does not."""
    studies = trials(6)
    table = influence_table(studies, "RR", Model(method="MH"))
    single = influence(studies["yi"], studies["vi"], tau2="EE", test="z")
    assert table["dffits"].to_numpy() == pytest.approx(single.dffits)
    assert table["hat"].to_numpy() == pytest.approx(single.hat)
    pooled = fit(studies, "RR", Model(method="MH")).pooled
    assert pooled is not None
    assert table["weight"].to_numpy() == pytest.approx(100 * pooled.weights)
    assert table["tau2_del"].isna().all()
    assert table["note"].str.contains("inverse-variance common-effect model").all()


def test_a_result_that_cannot_be_given_is_blank_with_its_reason() -> None:
    """Without the only trial with events in the control arms no odds ratio is defined."""
    studies = trials(5)
    studies.loc[1:, "event_control"] = 0.0
    table = influence_table(studies, "OR", Model(method="MH"))
    assert table["estimate"].isna().tolist() == [True, False, False, False, False]
    assert table["note"][0].startswith("no result without the trial: no events in arm 2")


@pytest.mark.parametrize("model", MODELS[:4], ids=IDS[:4])
def test_a_trial_of_several_rows_is_left_out_with_all_of_them(model: Model) -> None:
    """Deletion is by trial: 6 trials in 8 rows make 6 refits."""
    studies = split(trials(6), [2, 4])
    table = influence_table(studies, "OR", model).set_index("trial_id")
    assert len(table) == 6
    for trial, row in table.iterrows():
        want = expected(studies[studies["trial_id"] != trial], "OR", model)
        assert row[RESULT].astype(float).to_dict() == pytest.approx(want, rel=1e-7, nan_ok=True)
    several = table.loc[["t2", "t4"]]
    assert several[["rstudent", "dffits"]].isna().all(axis=None)
    assert several["note"].str.contains("2 rows left out together").all()
    assert several[["cook_d", "cov_r", "dfbetas", "q_del", "hat"]].notna().all(axis=None)
    assert table["hat"].sum() == pytest.approx(1)
    assert table["weight"].sum() == pytest.approx(100)
    single = influence(studies["yi"], studies["vi"], tau2=model.tau2, test=model.test)
    row_of_t0 = studies.index[studies["trial_id"] == "t0"][0]
    assert table.loc["t0", "rstudent"] == pytest.approx(single.rstudent[row_of_t0])


@pytest.mark.parametrize("cook", [0.45, 0.46])
def test_cooks_mark_holds_for_a_trial_of_several_rows(cook: float) -> None:
    """Cook's distance is 0.455 at the median of chi-squared; weight and dfbetas stay below theirs.

    Seven trials of one variance, one of them in two rows: without it the mean moves by its
    distance over 7, and the squared standard error is v/7.
    """
    v = 0.04
    y = np.zeros(7)
    y[0] = 7 * np.sqrt(cook * v / 7)
    studies = split(trials(7).assign(yi=y, vi=v), [0])
    row = influence_table(studies, "MD", Model(tau2="EE", test="z")).iloc[0]
    assert row["cook_d"] == pytest.approx(cook)
    assert row["hat"] < 3 / 7
    assert abs(row["dfbetas"]) < 1
    assert row["influential"] == ("yes" if cook > 0.455 else "no")


def test_two_half_rows_weigh_like_one_whole() -> None:
    """Two rows of one effect with twice the variance say the same as one, under a common effect."""
    studies, model = trials(7), Model(tau2="EE", test="z")
    whole = influence_table(studies, "OR", model).set_index("trial_id")
    halves = influence_table(split(studies, [0, 3]), "OR", model).set_index("trial_id")
    halves = halves.loc[whole.index]
    for name in (*RESULT[:4], "cook_d", "cov_r", "hat", "weight", "dfbetas", "q_del", "baujat_x",
                 "baujat_y"):  # fmt: skip
        assert halves[name].to_numpy() == pytest.approx(whole[name].to_numpy()), name


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_the_order_of_the_rows_does_not_matter(model: Model) -> None:
    """Neither for the influence of a trial nor for the accumulation."""
    studies = trials(9)
    if model.method == "IV":
        studies = split(studies, [5])
    shuffled = studies.sample(frac=1, random_state=3)
    both: list[tuple[Any, Any]] = [(influence_table, model), (cumulative_table, led(model))]
    for make, how in both:
        one = make(studies, "OR", how).set_index("trial_id").sort_index()
        other = make(shuffled, "OR", how).set_index("trial_id").sort_index()
        pd.testing.assert_frame_equal(one, other, rtol=1e-7)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("k", [2, 4, 5, 8])
def test_each_step_is_a_fit_of_the_trials_so_far(model: Model, k: int) -> None:
    """By the model that leads with them: the first alone, up to four by the Bayesian one."""
    studies = trials(k)
    ordered = studies.sort_values(["year", "study"], ignore_index=True)
    table = cumulative_table(studies, "OR", led(model))
    assert list(table["study"]) == list(ordered["study"])
    assert list(table["step"]) == list(table["k"]) == list(range(1, k + 1))
    columns = [name for name in RESULT if name != "i2"]
    for i, row in table.iterrows():
        so_far = ordered.iloc[: int(str(i)) + 1]
        want = {name: expected(so_far, "OR", led(model).of(len(so_far)))[name] for name in columns}
        assert row[columns].astype(float).to_dict() == pytest.approx(want, rel=1e-7, nan_ok=True)
        assert row["model"] == led(model).fit(so_far, "OR").words
        assert ("Bayesian" in row["model"]) == (2 <= row["k"] <= 4)


def test_a_trial_without_year_comes_last() -> None:
    """And the table says so; a trial of two rows is one step."""
    studies = split(trials(5), [1])
    studies.loc[studies["trial_id"] == "t3", "year"] = np.nan
    table = cumulative_table(studies, "SMD", led(Model(), "SMD"))
    assert len(table) == 5
    assert table["trial_id"].iloc[-1] == "t3"
    assert list(table["note"]) == ["", "", "", "", "year not known: added last"]
    assert table["estimate"].iloc[-1] == pytest.approx(fit(studies, "SMD", Model()).estimate)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_below_five_trials_nothing_is_left_out(k: int) -> None:
    """Policy: the table is there, with its columns and no rows."""
    table = influence_table(trials(k), "OR", Model())
    assert list(table.columns) == list(INFLUENCE.names)
    assert len(table) == 0


def test_one_trial_has_nothing_to_accumulate() -> None:
    """Not even where it has two rows."""
    table = cumulative_table(split(trials(1), [0]), "OR", led(Model()))
    assert list(table.columns) == list(CUMULATIVE.names)
    assert len(table) == 0


def test_an_outlier_is_called_influential() -> None:
    """A trial far from five that agree passes the marks of Viechtbauer & Cheung; they do not."""
    studies = trials(6).assign(yi=[0.1, 0.12, 0.08, 0.11, 0.09, 4.0], vi=0.05)
    table = influence_table(studies, "SMD", Model())
    assert list(table["influential"]) == ["no"] * 5 + ["yes"]
    assert table["rstudent"].abs().idxmax() == 5


def test_baujat_adds_up_to_q() -> None:
    """The contributions of the trials are those to Cochran's Q, however many rows they have."""
    studies = split(trials(6), [1])
    table = influence_table(studies, "OR", Model())
    whole = pool(studies["yi"], studies["vi"])
    assert table["baujat_x"].sum() == pytest.approx(whole.q)


def shares_of() -> tuple[pd.DataFrame, list[str]]:
    studies = trials(3).assign(
        weight=[50.0, 30.0, 20.0],
        design=["parallel", "parallel", "crossover, paired"],
        comparator_class=["placebo", "active_placebo", "placebo"],
        flags=pd.array(["grim", pd.NA, pd.NA], dtype="str"),
        imputed=pd.array([pd.NA, pd.NA, "correlation"], dtype="str"),
        confidence=pd.array(["primary", pd.NA, "primary"], dtype="str"),
    )
    return studies, ["high", "low", "not assessed"]


def test_shares_of_the_weight_add_up() -> None:
    """Each property divides the same 100 % and the same three trials."""
    table = weight_shares(*shares_of(), "SMD")
    for _, part in table.groupby("by"):
        assert part["weight"].sum() == pytest.approx(100)
        assert part["k"].sum() == 3
    bias = table[table["by"] == "risk of bias"].set_index("level")
    assert list(bias.index) == ["low", "high", "not assessed"]
    assert bias["weight"].to_dict() == {"low": 30, "high": 50, "not assessed": 20}
    stated = table[table["by"] == "confidence"].set_index("level")
    assert stated.loc["not stated", "trials"] == "Trial 1"
    flagged = table[table["by"] == "flagged"].set_index("level")
    assert flagged["weight"].to_dict() == {"no": 50, "yes": 50}


def test_without_weights_the_shares_are_blank() -> None:
    """One trial is not pooled: it is counted, and has no share."""
    studies, judged = shares_of()
    table = weight_shares(studies.iloc[:1].assign(weight=None), judged[:1], "SMD")
    assert table["weight"].isna().all()
    assert (table["k"] == 1).all()
