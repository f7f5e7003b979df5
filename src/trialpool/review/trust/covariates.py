"""Effects against one covariate of the trials at a time: slope, line, and collinearity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from trialpool import tables
from trialpool.effects import measure_of
from trialpool.pooling.policy import policy
from trialpool.pooling.regression import Regression, regress
from trialpool.results import NAN, Array, TrialpoolError
from trialpool.review.fitting.fit import no_bayes, shown, study_columns
from trialpool.review.protocol.settings import Model, Moderator
from trialpool.review.schema.trust import REGRESSIONS
from trialpool.review.trust.moderator_tests import permuted, regression_model
from trialpool.review.trust.moderator_values import Values, unknown_row
from trialpool.terms import LINE, SLOPE, TRIAL, WITHHELD
from trialpool.trust_facts import CovariateFacts, CovariateSlope

ALONG = 25  # points of a line
TOGETHER = 0.7  # correlation from which two covariates can hardly be told apart

ModeratorValues = Mapping[str, tuple[Values, Mapping[str, str]]]


def covariates(
    declared: Mapping[str, Moderator],
    by_moderator: ModeratorValues,
    studies: pd.DataFrame,
    measure: str,
    model: Model,
) -> tuple[pd.DataFrame, dict[str, CovariateFacts]]:
    """Regress the effects on each covariate alone.

    Parameters
    ----------
    declared : covariates by name
    held : what `values_of` found for each
    studies, measure, model : as for `fit`

    Returns
    -------
    The rows of REGRESSIONS: of each covariate a row `slope` (per `per` units, display scale: of
    ratios the factor), a row per effect (`trial`: `x` and the effect, `weight` in percent), the
    `line` with its 95 % confidence limits, and the trials without a value; or one row `withheld`
    with the reason. `vif` is of the regression on all these covariates at once, blank where there
    are too few trials for it. And what words are made of, by name

    Raises
    ------
    TrialpoolError
        as for `regress`

    References
    ----------
    Knapp & Hartung 2003, Stat Med 22:2693; Thompson & Higgins 2002, Stat Med 21:1559
    """
    rows: list[dict[str, Any]] = []
    facts: dict[str, CovariateFacts] = {}
    for name, each in declared.items():
        about = {"moderator": name, "title": each.title}
        lines, facts[name] = _one(each, by_moderator[name], studies, measure, model, name=name)
        rows += [about | row for row in lines]
    fitted = [name for name in declared if facts[name].slope]
    inflated, note = _inflation([by_moderator[name][0] for name in fitted], studies, model)
    for name, vif in zip(fitted, inflated, strict=True):
        slope = next(row for row in rows if row["moderator"] == name)
        together = _together(name, fitted, by_moderator, declared)
        facts[name] = replace(facts[name], goes_with=together)
        companions = [f"goes with {title} (r = {r:.2f})" for title, r in together.items()]
        slope["vif"] = vif
        slope["note"] = "; ".join(filter(None, [slope["note"], note, *companions]))
    return REGRESSIONS.frame(rows), facts


def _one(
    moderator: Moderator,
    values_and_reasons: tuple[Values, Mapping[str, str]],
    studies: pd.DataFrame,
    measure: str,
    model: Model,
    *,
    name: str,
) -> tuple[list[dict[str, Any]], CovariateFacts]:
    values, why = values_and_reasons
    known = studies[values.notna()]
    x = values[values.notna()].to_numpy(float)
    k = int(known["trial_id"].nunique())
    reason = policy(k, method=model.method, no_bayes=no_bayes(measure, model)).withheld.get(
        "meta-regression", ""
    )
    if not reason and np.ptp(x) == 0:
        reason = f"no contrast: {_with_unit(x[0], moderator)} in all {k} trials"
    fact = CovariateFacts(
        name=name,
        title=moderator.title,
        k=k,
        missing=why,
        reason=reason,
        slope=None,
        goes_with={},
        per=moderator.per,
        unit=moderator.unit,
    )
    unknown = unknown_row(studies, why)
    if reason:
        return [{"kind": WITHHELD, "k": k, "note": reason}, *unknown], fact
    used = regression_model(model)
    y, v = (known[name].to_numpy(float) for name in ("yi", "vi"))
    # About its mean: from year 0 on, the line of a slope by year would lose six digits.
    middle = float(x.mean())
    design = np.column_stack([np.ones(len(x)), x - middle])
    regression = regress(y, v, design, tau2=used.tau2, test=used.test)
    slope = _slope(regression, moderator.per, measure) | {"k": k}
    dealt, note = permuted(known, y, v, design, used)
    slope |= {"note": note}
    if dealt is not None:
        slope |= {"p_permutation": dealt[0], "arrangements": dealt[1]}
    said = CovariateSlope(
        **{key: slope[key] for key in ("estimate", "ci_low", "ci_high", "p_value", "r2")},
        p_permutation=slope.get("p_permutation", NAN),
        exact=note.startswith("exact"),
        arrangements=slope.get("arrangements"),
    )
    fact = replace(fact, slope=said, range=(float(x.min()), float(x.max())))
    return [
        slope,
        *_dots(known, x, regression, measure),
        *_line(regression, x, middle, measure),
        *unknown,
    ], fact


def _with_unit(value: float, moderator: Moderator) -> str:
    return f"{value:.6g} {moderator.unit}".strip()


def _slope(regression: Regression, per: float, measure: str) -> dict[str, Any]:
    """What `per` units change; where that hangs on the start, from the line at the mean on."""
    difference = partial(measure_of(measure).difference, float(regression.beta[0]))
    return {
        "kind": SLOPE,
        "estimate": difference(per * float(regression.beta[1])),
        "ci_low": difference(per * float(regression.ci_lb[1])),
        "ci_high": difference(per * float(regression.ci_ub[1])),
        "p_value": float(regression.pval[1]),
        "ddf": regression.ddf,
        "tau2": NAN if regression.method == "EE" else regression.tau2,
        "r2": regression.r2,
        "method": _method(regression),
    }


def _method(regression: Regression) -> str:
    if regression.test == "z":
        return "common-effect meta-regression, normal quantile"
    return f"meta-regression ({regression.method}), Hartung-Knapp"


def _dots(
    known: pd.DataFrame, x: Array, regression: Regression, measure: str
) -> list[dict[str, Any]]:
    columns = study_columns(known, measure)
    numbers = pd.DataFrame(columns).assign(x=x, weight=100 * regression.weights)
    return [
        {"kind": TRIAL, "study": str(name), **row}
        for name, row in zip(known["study"], tables.records(numbers), strict=True)
    ]


def _line(regression: Regression, x: Array, middle: float, measure: str) -> list[dict[str, Any]]:
    at = np.linspace(x.min(), x.max(), ALONG)
    line = regression.predict(np.column_stack([np.ones(ALONG), at - middle]))
    return [
        {
            "kind": LINE,
            "x": float(here),
            "estimate": shown(float(mid), measure),
            "ci_low": shown(float(low), measure),
            "ci_high": shown(float(high), measure),
        }
        for here, mid, low, high in zip(at, line.pred, line.ci_lb, line.ci_ub, strict=True)
    ]


def _inflation(
    values: list[Values], studies: pd.DataFrame, model: Model
) -> tuple[list[float], str]:
    """Variance inflation of each covariate beside all others, or why it cannot be had."""
    none = [NAN] * len(values)
    if len(values) < 2:
        return none, ""
    both = pd.concat(values, axis=1)
    whole = both.notna().all(axis=1).to_numpy()
    y, v = (studies.loc[whole, name].to_numpy(float) for name in ("yi", "vi"))
    x = np.column_stack([np.ones(whole.sum()), both[whole].to_numpy(float)])
    used = regression_model(model)
    try:
        regression = regress(y, v, x, tau2=used.tau2, test=used.test)
    except TrialpoolError:
        return none, "no VIF: too few trials have all covariates, or one follows from the others"
    return [float(value) for value in regression.vif[1:]], ""


def _together(
    name: str, fitted: list[str], by_moderator: ModeratorValues, declared: Mapping[str, Moderator]
) -> dict[str, float]:
    """Other covariates that rise or fall with this one, by title, with the correlation."""
    values = by_moderator[name][0]
    out = {}
    for other in fitted:
        pair = pd.concat([values, by_moderator[other][0]], axis=1).dropna().to_numpy(float)
        if other == name or len(pair) < 3 or (np.ptp(pair, axis=0) == 0).any():
            continue
        r = float(np.corrcoef(pair.T)[0, 1])
        if abs(r) >= TOGETHER:
            out[declared[other].title] = r
    return out
