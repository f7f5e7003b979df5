"""The trials of an analysis by level of a moderator, and whether the levels differ."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from trialpool.pooling.inference import chi2_tail
from trialpool.pooling.policy import COMMON_OF_COUNTS, policy
from trialpool.pooling.regression import Regression, regress
from trialpool.results import NAN, Array, PooledCounts
from trialpool.review.fitting.fit import Fit, Leading
from trialpool.review.protocol.settings import Model, Moderator
from trialpool.review.trust.moderator_tests import permuted, regression_model
from trialpool.review.trust.moderator_values import levels_in_order, unknown_row
from trialpool.terms import BY_COUNTS, BY_F, BY_PERMUTATION, BY_Q, BY_Z, LEVEL, TEST, WITHHELD
from trialpool.trust_facts import DifferenceTest, SubgroupFacts, SubgroupLevel

CRUDE = "fewer than ten trials: crude"


def subgroups(
    moderator: Moderator,
    values_and_reasons: tuple[pd.Series, dict[str, str]],
    studies: pd.DataFrame,
    measure: str,
    leading: Leading,
    *,
    name: str,
) -> tuple[list[dict[str, Any]], SubgroupFacts]:
    values, why = values_and_reasons
    model = leading.model
    known = studies[values.notna()]
    k = int(known["trial_id"].nunique())
    levels = levels_in_order(moderator, values)
    allowed = policy(k, method=model.method, no_bayes=leading.no_bayes)
    reason = allowed.withheld.get("subgroups") or (
        f"no contrast: {levels[0]} in all {k} trials" if len(levels) == 1 else ""
    )
    fact = SubgroupFacts(
        name=name,
        title=moderator.title,
        k=k,
        missing=why,
        reason=reason,
        levels=(),
        test=None,
        same_as=(),
    )
    unknown = unknown_row(studies, why)
    if reason:
        return [{"kind": WITHHELD, "k": k, "note": reason}, *unknown], fact
    crude = "meta-regression" in allowed.withheld
    parts = [studies[values == level] for level in levels]
    fits = [leading.fit(part, measure) for part in parts]
    rows = [_level(*each) for each in zip(levels, parts, fits, strict=True)]
    shown = ("level", "k", "n", "estimate", "ci_low", "ci_high")
    described = tuple(SubgroupLevel(**{key: row[key] for key in shown}) for row in rows)
    places = np.array([levels.index(str(value)) for value in values.dropna()])
    tests = [*_regressions(known, places, model), _between(parts, fits, model)]
    for i, row in enumerate(tests):
        row |= {"kind": TEST, "k": k, "shown": "no" if i else "yes"}
    fact = replace(fact, levels=described, test=_difference(tests), crude=crude)
    if crude:
        for row in tests:
            row["note"] = "; ".join(filter(None, (row.get("note", ""), CRUDE)))
    return [*rows, *tests, *unknown], fact


def _level(level: str, part: pd.DataFrame, result: Fit) -> dict[str, Any]:
    pooled = result.pooled
    common = pooled is None or pooled.method in ("EE", *COMMON_OF_COUNTS)
    return {
        "kind": LEVEL,
        "level": level,
        "k": part["trial_id"].nunique(),
        "n": part["n"].astype(float).sum(skipna=False),
        "trials": ", ".join(dict.fromkeys(map(str, part["study"]))),
        "estimate": result.estimate,
        "ci_low": result.ci_low,
        "ci_high": result.ci_high,
        "p_value": result.p_value,
        "tau2": NAN if common or pooled is None else pooled.tau2,
        "method": _words(result),
    }


def _words(result: Fit) -> str:
    common = result.pooled is not None and result.pooled.method == "EE"
    return "common effect, normal quantile" if common else result.words


def _regressions(known: pd.DataFrame, places: Array, model: Model) -> list[dict[str, Any]]:
    """The tests of a difference by regression on the levels, the shown one first."""
    if places.max() + 1 == len(places):
        return [{"method": BY_F, "note": "as many levels as results: no test"}]
    y, v = (known[name].to_numpy(float) for name in ("yi", "vi"))
    x = np.column_stack([np.ones(len(y)), *(places == i for i in range(1, places.max() + 1))])
    used = regression_model(model)
    regression = regress(y, v, x, tau2=used.tau2, test=used.test)
    return [_f_test(regression), _permuted(known, y, v, x, used)]


def _f_test(regression: Regression) -> dict[str, Any]:
    return {
        "method": BY_Z if regression.test == "z" else BY_F,
        "statistic": regression.qm,
        "df": regression.qm_df,
        "ddf": regression.qm_ddf,
        "p_value": regression.qm_pval,
        "tau2": NAN if regression.method == "EE" else regression.tau2,
        "r2": regression.r2,
        "note": f"R2: {regression.reasons['r2']}" if "r2" in regression.reasons else "",
    }


def _permuted(known: pd.DataFrame, y: Array, v: Array, x: Array, model: Model) -> dict[str, Any]:
    dealt, note = permuted(known, y, v, x, model)
    numbers = {} if dealt is None else {"p_value": dealt[0], "arrangements": dealt[1]}
    return {"method": BY_PERMUTATION, **numbers, "note": note}


def _between(parts: list[pd.DataFrame], fits: list[Fit], model: Model) -> dict[str, Any]:
    """Cochran's Q of the levels' means, each weighted by its variance at its own tau2."""
    means = [_mean(part, result) for part, result in zip(parts, fits, strict=True)]
    b, w = np.array([mean for mean, _ in means]), 1 / np.array([var for _, var in means])
    q = float((w * (b - (w @ b) / w.sum()) ** 2).sum())
    df = len(parts) - 1
    return {
        "method": BY_COUNTS.format(by=model.counts) if model.counts else BY_Q,
        "statistic": q,
        "df": df,
        "p_value": float(chi2_tail(q, df)),
        "note": "a level has no estimate" if math.isnan(q) else "too small a p with few trials",
    }


def _mean(part: pd.DataFrame, result: Fit) -> tuple[float, float]:
    """A level's mean with its variance, without what Hartung and Knapp multiply it by."""
    pooled = result.pooled
    if isinstance(pooled, PooledCounts):
        return pooled.beta, pooled.se**2
    w = 1 / (part["vi"].to_numpy(float) + (0.0 if pooled is None else pooled.tau2))
    return float(w @ part["yi"].to_numpy(float) / w.sum()), float(1 / w.sum())


def _difference(tests: list[dict[str, Any]]) -> DifferenceTest | None:
    if "p_value" not in tests[0]:
        return None
    by = {row["method"]: row for row in tests}
    dealt = by.get(BY_PERMUTATION, {})
    return DifferenceTest(
        **{key: tests[0][key] for key in ("method", "statistic", "df", "ddf", "p_value", "r2")},
        p_permutation=dealt.get("p_value", NAN),
        exact=str(dealt.get("note", "")).startswith("exact"),
        arrangements=dealt.get("arrangements"),
        q_p_value=tests[-1]["p_value"],
    )
