"""Whether more of the drug does more: the dose-response of one analysis, or why there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialpool.doseresponse.curves import PERCENTILES
from trialpool.doseresponse.model import DoseResponse, dose_response
from trialpool.doseresponse.trials import DoseTrial
from trialpool.effects import measure_of
from trialpool.pooling.policy import policy
from trialpool.pooling.tau2 import estimators_of
from trialpool.question_answer import DoseFacts, FittedDose
from trialpool.review.case import Case
from trialpool.review.fitting.fit import TEST_WORDS, shown
from trialpool.review.protocol.settings import Model
from trialpool.review.protocol.time_dose_spec import Doses
from trialpool.review.questions.dose_trials import Offer, offers
from trialpool.review.schema.packed import ARM_IDS
from trialpool.review.schema.questions import DOSE_CURVE, DOSE_LEVELS, DOSE_POINTS, DOSE_TERMS
from trialpool.tables import records

# A slope needs at least this many doses, each in at least this many trials.
LEAST_DOSES, LEAST_TRIALS = 2, 2
# A bend needs so many of such doses, and so many trials in all.
DOSES_FOR_SPLINE, TRIALS_FOR_SPLINE = 3, 6
STEPS = 60  # of the curve
_NO_BAYES = "the dose-response model is fitted by likelihood alone"
NOT_RANDOM = "trials chose their doses: except within a trial, doses are not compared at random"


def dose_tables(case: Case, doses: Doses) -> tuple[dict[str, pd.DataFrame], DoseFacts]:
    """The dose-response of an analysis, from the effects it chooses.

    Parameters
    ----------
    doses : the drug and route compared, and declared conversions of others

    Returns
    -------
    tables
        "dose_points" (a row per contrast, and per trial without one, with the reason),
        "dose_levels" (trials for each dose), "dose_curve" and "dose_terms" (empty where no model
        is fitted); effects on the display scale, `dose_terms` on the analysis scale
    facts
        a `FittedDose` where a model is fitted
    """
    measure = case.measure
    offered = offers(case.one_each(), case, doses)
    usable = [offer.trial for offer in offered if offer.trial is not None]
    levels = _levels(usable)
    reason = _why_not(usable, len(offered), levels, doses)
    facts = DoseFacts(
        estimable=not reason,
        reason=reason,
        unit=f"mg/kg {doses.drug} {doses.route}",
        levels={f"{row['dose']:g}": int(row["trials"]) for row in records(levels)},
        k=len(usable),
    )
    tables = {
        "dose_points": _points(offered, measure, fitted=not reason),
        "dose_levels": levels,
        "dose_curve": DOSE_CURVE.frame(),
        "dose_terms": DOSE_TERMS.frame(),
    }
    if reason:
        return tables, facts
    fit = _fit(usable, levels, case.model)
    tables["dose_curve"] = _curve(fit, usable, measure)
    tables["dose_terms"] = _terms(fit)
    return tables, _fitted(facts, fit, levels, case.model.tau2)


def _levels(usable: list[DoseTrial]) -> pd.DataFrame:
    """For each dose other than a trial's reference, how many trials gave it, and which."""
    by: dict[float, list[str]] = {}
    for trial in usable:
        for dose in sorted(set(trial.dose.tolist())):
            by.setdefault(dose, []).append(trial.name)
    rows = [(dose, len(names), "; ".join(names)) for dose, names in sorted(by.items())]
    return DOSE_LEVELS.frame(rows)


def _why_not(usable: list[DoseTrial], total: int, levels: pd.DataFrame, doses: Doses) -> str:
    """Why no dose-response is fitted; blank where it is."""
    what = f"{doses.drug} {doses.route} in mg/kg"
    if not usable:
        return f"none of {total} trials has a dose of {what}" if total else "no trial"
    often = levels[levels["trials"] >= LEAST_TRIALS]
    if len(often) >= LEAST_DOSES:
        return ""
    counts = "; ".join(
        f"{row['dose']:g} mg/kg in {row['trials']} trial{'s' if row['trials'] > 1 else ''}"
        for row in records(levels)
    )
    k, most = len(usable), max(records(levels), key=lambda row: int(row["trials"]))
    others = k - int(most["trials"])
    if k == 1:
        lead = f"only one trial has a known dose, {most['dose']:g} mg/kg"
    elif others == 0 and len(levels) == 1:
        all_of = "both" if k == 2 else f"all {k}"
        lead = f"{all_of} trials with a known dose used {most['dose']:g} mg/kg"
    elif others <= 1 and k > 2:
        lead = f"all trials but one used {most['dose']:g} mg/kg"
    else:
        lead = f"fewer than {LEAST_DOSES} doses were each used in {LEAST_TRIALS} trials or more"
    return f"not estimable: {lead}" + (f" ({counts})" if len(levels) > 1 else "")


def _fit(usable: list[DoseTrial], levels: pd.DataFrame, model: Model) -> DoseResponse:
    """Linear; a spline where there are doses and trials enough. Few trials: a common effect."""
    method = model.tau2 if model.tau2 in estimators_of("dose-response") else "REML"
    test = model.test
    if policy(len(usable), no_bayes=_NO_BAYES).common_effect_only:
        method, test = "EE", "z"
    often = levels.loc[levels["trials"] >= LEAST_TRIALS, "dose"].tolist()
    if len(often) >= DOSES_FOR_SPLINE and len(usable) >= TRIALS_FOR_SPLINE:
        knots = np.percentile([0.0, *often], PERCENTILES[3]).tolist()
        return dose_response(usable, shape_name="spline", knots=knots, method=method, test=test)
    # In two stages the test of one slope is that of the trials' slopes, on k - 1 degrees.
    return dose_response(usable, stages=2, method=method, test=test)


def _curve(fit: DoseResponse, usable: list[DoseTrial], measure: str) -> pd.DataFrame:
    """The curve from dose 0 to the largest dose given, against dose 0."""
    top = max(float(trial.dose.max()) for trial in usable)
    at = fit.predict(np.linspace(0.0, top, STEPS + 1))
    values = (at.pred, at.ci_lb, at.ci_ub, at.pi_lb, at.pi_ub)
    columns = {n: _display(v, measure) for n, v in zip(DOSE_CURVE.names[1:], values, strict=True)}
    return pd.DataFrame({"dose": at.dose, **columns})


def _terms(fit: DoseResponse) -> pd.DataFrame:
    columns = (fit.shape.terms, fit.beta, fit.se, fit.ci_lb, fit.ci_ub, fit.pval)
    return pd.DataFrame(dict(zip(DOSE_TERMS.names, columns, strict=True)))


def _fitted(facts: DoseFacts, fit: DoseResponse, levels: pd.DataFrame, asked: str) -> FittedDose:
    """The facts with what the fitted curve says; `asked` is the protocol's estimator of tau2."""
    how = "common effect" if fit.method == "EE" else f"random effects ({fit.method})"
    straight = fit.shape.name == "linear"
    shape = "linear in dose" if straight else "restricted cubic spline in dose"
    cautions = (*fit.cautions, *_other_estimator(fit.method, asked), NOT_RANDOM, *_thin(levels))
    return FittedDose(
        estimable=True,
        reason="",
        unit=facts.unit,
        levels=facts.levels,
        k=facts.k,
        shape="linear" if straight else "spline",
        knots=tuple(fit.shape.knots),
        words=f"{shape}, {how}, {TEST_WORDS[fit.test]}",
        p_slope=float(fit.pval[0]) if straight else None,
        p_nonlinear=None if straight else fit.nonlinear.pval,
        tau2=tuple(np.diag(fit.psi).tolist()),
        cautions=cautions,
    )


def _other_estimator(used: str, asked: str) -> list[str]:
    """That the protocol's estimator of tau2 could not be used; nothing where it was, or no tau2."""
    if used in (asked, "EE"):
        return []
    return [f"tau2 by {used}: the protocol's {asked} has no form for a dose-response"]


def _thin(levels: pd.DataFrame) -> list[str]:
    """Where the upper end of the curve hangs on single trials."""
    top = float(levels.loc[levels["trials"] >= LEAST_TRIALS, "dose"].max())
    above = levels.loc[levels["dose"] > top, "studies"].tolist()
    return [f"above {top:g} mg/kg the curve rests on {'; '.join(above)} alone"] if above else []


def _points(offered: list[Offer], measure: str, *, fitted: bool) -> pd.DataFrame:
    """A row per contrast with its share of the precision, and per trial that offers none."""
    rows: list[dict[str, Any]] = []
    for offer in offered:
        about = {"trial_id": offer.trial_id, "study": offer.study, "year": offer.year}
        if offer.trial is None:
            why = {"arms": ARM_IDS.write(offer.arms[0]), "in_model": "no", "reason": offer.reason}
            rows.append(about | why | _shown(offer.yi, offer.vi, measure))
            continue
        trial = offer.trial
        for i, arms in enumerate(offer.arms):
            v = float(trial.V[i, i])
            contrast = {
                "arms": ARM_IDS.write(arms),
                "dose": float(trial.dose[i]),
                "reference_dose": trial.reference,
                "weight": 1 / v,
                "in_model": "yes" if fitted else "no",
            }
            rows.append(about | contrast | _shown(float(trial.yi[i]), v, measure))
    table = DOSE_POINTS.frame(rows)
    weight = table["weight"].astype(float)
    return table.assign(weight=100 * weight / weight.sum() if weight.notna().any() else weight)


def _shown(yi: float, vi: float, measure: str) -> dict[str, float]:
    """An effect with its 95 % limits, display scale."""
    half = float(ndtri(0.975)) * vi**0.5
    values = {"estimate": yi, "ci_low": yi - half, "ci_high": yi + half}
    return {name: shown(value, measure) for name, value in values.items()}


def _display(values: Any, measure: str) -> Any:
    return measure_of(measure).scale.shown(values)
