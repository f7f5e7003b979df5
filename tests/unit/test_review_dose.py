"""The doses of an analysis: which contrasts, when a slope can be had, and what it says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from time_course_cases import analysis, asked, effects

import trialpool as tp
from trialpool.question_answer import DoseFacts, FittedDose
from trialpool.review.protocol.settings import Model
from trialpool.review.protocol.time_dose_spec import Conversion, Doses
from trialpool.review.questions.dose import dose_tables

IV = Doses(drug="ketamine", route="IV")


def arms(doses: dict[str, float | None], **changes: Any) -> pd.DataFrame:
    """An experimental arm of ketamine and a control of midazolam for each trial."""
    out = []
    for trial, dose in doses.items():
        about = {"dose": None, "dose_mg": None}
        out.append(about | {"trial_id": trial, "arm_id": "ket", "drug": "ketamine",
                            "dose_mg_kg": dose, "route": "IV over 40 min"} | changes)  # fmt: skip
        out.append(about | {"trial_id": trial, "arm_id": "mdz", "drug": "midazolam",
                            "dose_mg_kg": 0.045, "route": "IV"})  # fmt: skip
    return pd.DataFrame(out)


def run(
    doses: dict[str, float | None], slope: float = -1.0, spec: Doses = IV, **changes: Any
) -> tuple[dict[str, pd.DataFrame], DoseFacts]:
    rows = [
        (name, 7.0, slope * (dose or 0.5) + 0.05 * (-1) ** i)
        for i, (name, dose) in enumerate(doses.items())
    ]
    case = asked(analysis(), effects(rows), arms=arms(doses, **changes))
    return dose_tables(case, spec)


FIVE: dict[str, float | None] = {"A": 0.2, "B": 0.2, "C": 0.5, "D": 0.5, "E": 1.0}


@pytest.mark.parametrize(("tau2", "lines"), [("REML", 0), ("ML", 0), ("PM", 1), ("EE", 0)])
def test_another_estimator_than_the_protocols_is_told(tau2: str, lines: int) -> None:
    """Paule-Mandel has no form here; REML takes its place, and the answer says so."""
    rows = [(name, 7.0, -(dose or 0)) for name, dose in FIVE.items()]
    model = Model.model_validate({"tau2": tau2, "test": "z"})
    asked_for = asked(analysis(), effects(rows), arms=arms(FIVE), model=model)
    _, facts = dose_tables(asked_for, IV)
    assert isinstance(facts, FittedDose)
    said = [line for line in facts.cautions if line.startswith("tau2 by REML: the protocol")]
    assert len(said) == lines


def test_a_slope_is_pooled_over_the_trials() -> None:
    """Effect per mg/kg of each trial, random effects, on k - 1 degrees of freedom."""
    tables, facts = run(FIVE)
    dose = np.array([float(d or 0) for d in FIVE.values()])
    y = -dose + 0.05 * np.array([1, -1, 1, -1, 1])
    pooled = tp.pool(y / dose, 0.1 / dose**2)
    term = tables["dose_terms"].iloc[0]
    assert term["estimate"] == pytest.approx(pooled.beta, rel=1e-8)
    assert (term["ci_low"], term["ci_high"]) == pytest.approx((pooled.ci_lb, pooled.ci_ub))
    assert isinstance(facts, FittedDose)
    assert facts.p_slope == pytest.approx(pooled.pval)
    assert facts.p_nonlinear is None
    assert facts.tau2 == pytest.approx((pooled.tau2,))
    assert facts.estimable
    assert facts.reason == ""
    assert facts.levels == {"0.2": 2, "0.5": 2, "1": 1}
    assert "above 0.5 mg/kg the curve rests on E 2020 alone" in facts.cautions
    curve = tables["dose_curve"]
    assert (curve["dose"].iloc[-1], curve["estimate"].iloc[0]) == (1.0, 0.0)
    assert curve["estimate"].iloc[-1] == pytest.approx(pooled.beta)
    points = tables["dose_points"]
    assert set(points["in_model"]) == {"yes"}
    assert points["weight"].sum() == pytest.approx(100)


@pytest.mark.parametrize(
    ("doses", "reason"),
    [
        ({}, "no trial"),
        ({"A": 0.5}, "only one trial has a known dose, 0.5 mg/kg"),
        ({"A": 0.5, "B": 0.5}, "both trials with a known dose used 0.5 mg/kg"),
        ({"A": 0.5, "B": 0.5, "C": 0.5}, "all 3 trials with a known dose used 0.5 mg/kg"),
        ({"A": 0.5, "B": 0.5, "C": 0.2},
         "all trials but one used 0.5 mg/kg (0.2 mg/kg in 1 trial; 0.5 mg/kg in 2 trials)"),
        ({"A": 0.1, "B": 0.5, "C": 0.2}, "fewer than 2 doses were each used in 2 trials or more"),
        ({"A": None, "B": None}, "none of 2 trials has a dose of ketamine IV in mg/kg"),
    ],
)  # fmt: skip
def test_one_dose_is_no_dose_response(doses: dict[str, float | None], reason: str) -> None:
    """Said with the count per dose, and nothing is fitted."""
    tables, facts = run(doses)
    assert not facts.estimable
    assert not isinstance(facts, FittedDose)
    assert reason in facts.reason
    assert len(tables["dose_curve"]) == len(tables["dose_terms"]) == 0
    assert set(tables["dose_points"]["in_model"]) <= {"no"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"drug": "esketamine"}, "esketamine, route IV over 40 min: no conversion"),
        ({"route": "intranasal"}, "ketamine, route intranasal: no conversion"),
        ({"route": "IV and PCA"}, "route IV and PCA: no conversion"),
        ({"route": None}, "route not known: no conversion"),
        ({"dose_mg_kg": None, "dose": "0.2 or 0.5 mg/kg"}, "no dose per kg is known (0.2 or 0.5"),
    ],
)
def test_doses_are_never_invented(changes: dict[str, Any], reason: str) -> None:
    """Another drug or route, or a dose not stated, keeps the trial out, with the reason."""
    tables, facts = run(FIVE, **changes)
    points = tables["dose_points"]
    assert facts.k == 0
    assert points["dose"].isna().all()
    assert all(reason in why for why in points["reason"])
    assert points["estimate"].notna().all()


def test_a_declared_conversion_is_used() -> None:
    """Fixed nasal milligrams as mg/kg of ketamine IV."""
    rule = Conversion(drug="esketamine", route="intranasal", unit="mg", factor=0.005, source="made")
    changes: dict[str, Any] = {
        "drug": "esketamine",
        "route": "intranasal",
        "dose_mg_kg": None,
        "dose_mg": 84.0,
    }
    tables, facts = run(
        {"A": 0.4, "B": 0.4}, spec=IV.model_copy(update={"conversions": (rule,)}), **changes
    )
    assert tables["dose_points"]["dose"].tolist() == pytest.approx([0.42, 0.42])
    assert facts.k == 2


def multi_arm() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Trial F with 0.2 and 0.5 mg/kg against one control of 40, taken as one group."""
    both = {"experimental_arms": "low+high", "effect_id": "F", "mean_control": 20.0,
            "sd_control": 8.0, "n_control": 40.0}  # fmt: skip
    whole = effects([("F", 7.0, -0.4)], **both)
    parts = [
        effects([("F", 7.0, y)], **both | {
            "variant": "several arms: split", "part": arm, "n_experimental": 30.0,
            "mean_experimental": mean, "sd_experimental": 8.0, "n_control": 20.0})
        for arm, y, mean in (("low", -0.2, 18.0), ("high", -0.5, 16.0))
    ]  # fmt: skip
    given = arms({"F": 0.2}).replace({"ket": "low"})
    more = arms({"F": 0.5}).replace({"ket": "high"}).iloc[:1]
    return pd.concat([whole, *parts]), pd.concat([given, more])


def test_arms_of_different_doses_are_taken_apart() -> None:
    """Against the whole control, with Hedges' g over all arms; the slope uses their covariance."""
    table, about = multi_arm()
    rows = [(name, 7.0, -1.0 * float(d or 0)) for name, d in FIVE.items()]
    both = pd.concat([effects(rows), table])
    case = asked(analysis(), both, arms=pd.concat([arms(FIVE), about]))
    tables, facts = dose_tables(case, IV)
    apart = tables["dose_points"][tables["dose_points"]["trial_id"] == "F"]
    assert apart["arms"].tolist() == ["low", "high"]
    assert apart["dose"].tolist() == [0.2, 0.5]
    j = 1 - 3 / (4 * 97 - 1)
    assert apart["estimate"].tolist() == pytest.approx([-0.25 * j, -0.5 * j], rel=1e-4)
    assert facts.levels == {"0.2": 3, "0.5": 3, "1": 1}
    assert facts.k == 6


def test_arms_whose_numbers_are_not_known_are_told() -> None:
    """A combined group without its parts."""
    table, about = multi_arm()
    alone = table[table["variant"].isna()]
    tables, _ = dose_tables(asked(analysis(), alone, arms=about), IV)
    reason = tables["dose_points"]["reason"].iloc[0]
    assert reason == "the numbers of its arms, which have different doses, are not known"


def test_a_bend_needs_three_doses_in_two_trials_each() -> None:
    """Then a spline in one stage, and its test of a straight line."""
    six: dict[str, float | None] = {"A": 0.2, "B": 0.2, "C": 0.5, "D": 0.5, "E": 1.0, "F": 1.0}
    tables, facts = run(six)
    assert isinstance(facts, FittedDose)
    assert facts.shape == "spline"
    assert facts.p_slope is None
    assert facts.p_nonlinear is not None
    assert 0 < facts.p_nonlinear <= 1
    assert len(facts.knots) == 3
    assert tables["dose_terms"]["term"].tolist() == ["dose", "spline 1"]
    straight = run(FIVE)[1]
    assert isinstance(straight, FittedDose)
    assert (straight.shape, straight.knots) == ("linear", ())


def test_every_column_of_the_dose_tables_has_its_value() -> None:
    """Of a trial with a dose and one without; 1.96 standard errors about each effect."""
    tables, _ = run({"A": 0.2, "B": 0.2, "C": 0.5, "D": 0.5, "E": None})
    first, *_, last = tables["dose_points"].to_dict("records")
    half = 1.959964 * 0.1**0.5
    common = {"year": 2020, "arms": "ket"}
    assert first == pytest.approx(
        {**common, "trial_id": "A", "study": "A 2020", "dose": 0.2, "reference_dose": 0.0,
         "estimate": -0.15, "ci_low": -0.15 - half, "ci_high": -0.15 + half, "weight": 25.0,
         "in_model": "yes", "reason": math.nan},
        nan_ok=True,
    )  # fmt: skip
    assert last == pytest.approx(
        {**common, "trial_id": "E", "study": "E 2020", "dose": math.nan,
         "reference_dose": math.nan, "estimate": -0.45, "ci_low": -0.45 - half,
         "ci_high": -0.45 + half, "weight": math.nan, "in_model": "no",
         "reason": "arm ket: no dose per kg is known"},
        nan_ok=True,
    )  # fmt: skip
    assert tables["dose_levels"].to_dict("records") == [
        {"dose": 0.2, "trials": 2, "studies": "A 2020; B 2020"},
        {"dose": 0.5, "trials": 2, "studies": "C 2020; D 2020"},
    ]
    dose = np.array([0.2, 0.2, 0.5, 0.5])
    pooled = tp.pool((-dose + 0.05 * np.array([1, -1, 1, -1])) / dose, 0.1 / dose**2, test="hksj")
    (term,) = tables["dose_terms"].to_dict("records")
    assert term == pytest.approx(
        {"term": "dose", "estimate": pooled.beta, "se": pooled.se, "ci_low": pooled.ci_lb,
         "ci_high": pooled.ci_ub, "p_value": pooled.pval}
    )  # fmt: skip
    top = tables["dose_curve"].to_dict("records")[-1]
    slopes = {"estimate": pooled.beta, "ci_low": pooled.ci_lb, "ci_high": pooled.ci_ub,
              "pi_low": pooled.pi_lb, "pi_high": pooled.pi_ub}  # fmt: skip
    assert top == pytest.approx({"dose": 0.5} | {name: 0.5 * v for name, v in slopes.items()})
