"""The second route: every pooled result recomputed with statsmodels where it has the method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, stdtr, stdtrit
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.weightstats import DescrStatsW

from trialpool import tables
from trialpool.analysis_result import AnalysisResult
from trialpool.digits import JSON_DIGITS
from trialpool.effects import measure_of
from trialpool.pooling.model import pool
from trialpool.pooling.policy import COUNT_METHODS
from trialpool.results import Array, PooledCounts, TrialpoolError
from trialpool.review.choosing.people import people
from trialpool.review.fitting.posterior import COUNTS, counted
from trialpool.review.fitting.prior import sds_specified
from trialpool.review.schema.results import VERIFICATION

# Both routes start from the same table.
TOLERANCE = 1e-6
# Below this size the tolerance is absolute.
SMALL = 1e-3
# Differences below this are what JSON leaves of ours, and shown as 0.
ROUNDING = 10.0 ** (1 - JSON_DIGITS)
# statsmodels' Paule-Mandel iterates to a tolerance of its own.
ITERATED = 1e-4
_EXACT = "a posterior by the exact likelihood of counts, which statsmodels does not have"
# Places of the grids of tau and mu over which a posterior is summed, and what is left out of it.
_TAUS, _MUS, _LEFT_OUT = 801, 2001, 1e-12
_BY_MODEL = ("estimate", "ci_low", "ci_high", "p_value", "pi_low", "pi_high", "tau2")
_NO_CLUSTERS = "statsmodels has no model of several effects per trial"


class DisagreementError(TrialpoolError):
    """Two independent computations of a result differ."""


def verify(result: AnalysisResult, studies: pd.DataFrame) -> pd.DataFrame:
    """Recompute one analysis from its studies and compare with what the reader is shown.

    Returns
    -------
    One row per quantity; `verdict` is agree, DISAGREE, or not covered with the reason in `note`.
    """
    rows = list(_rows(result, studies))
    same = tables.fingerprint(studies) == result.inputs_sha256
    note = "" if same else "studies.csv is not the table the model was fitted to"
    rows.append({"quantity": "inputs", "verdict": "agree" if same else "DISAGREE", "note": note})
    about = {"condition": result.condition, "analysis": result.analysis}
    return VERIFICATION.frame(about | row for row in rows)


def raise_disagreements(table: pd.DataFrame) -> None:
    """Stop when any row disagrees.

    Raises
    ------
    DisagreementError
        naming each analysis, quantity and the two numbers
    """
    bad = table[table["verdict"] == "DISAGREE"]
    if len(bad):
        lines = [
            f"{r.condition}/{r.analysis}, {r.quantity}: trialpool {r.trialpool:.8g}, "
            f"statsmodels {r.statsmodels:.8g} {r.note}".rstrip()
            for r in bad.itertuples()
        ]
        raise DisagreementError("the second route disagrees\n" + "\n".join(lines))


def _rows(result: AnalysisResult, studies: pd.DataFrame) -> Iterator[dict[str, Any]]:
    yield _compared("k", result.k, studies["trial_id"].nunique())
    several = result.several
    if result.n is None:
        yield _uncovered("n", "the number of people is not known for every trial")
    else:
        yield _compared("n", result.n, people(studies, several))
    if len(studies) == 0:
        return
    if several is not None and several.handling == "che" and result.k > 0:
        yield from (_uncovered(name, _NO_CLUSTERS) for name in _BY_MODEL)
        return
    if result.policy.bayesian and counted(studies, result.measure):
        names = [name for name in _BY_MODEL if name != "tau2"]
        yield from (_uncovered(name, _EXACT) for name in names)
    elif result.policy.bayesian:
        yield from _shown(result, *_integrated(result, studies))
    else:
        yield from _shown(result, *_recomputed(result, studies))
    pooled = result.pooled
    if pooled is None or isinstance(pooled, PooledCounts):
        return
    yi, vi = studies["yi"].to_numpy(float), studies["vi"].to_numpy(float)
    yield from _moments(yi, vi, pooled.method)
    if pooled.method not in ("EE", "DL", "PM"):
        yield _uncovered("tau2", f"statsmodels has no {pooled.method} meta-analysis")


Recomputed = tuple[dict[str, float], dict[str, str]]


def _recomputed(result: AnalysisResult, studies: pd.DataFrame) -> Recomputed:
    """What a reader sees, computed anew on the analysis scale; and what cannot be, with why."""
    pooled = result.pooled
    if isinstance(pooled, PooledCounts):
        return _of_counts(result.measure, pooled.method, studies)
    yi, vi = studies["yi"].to_numpy(float), studies["vi"].to_numpy(float)
    tau2, test = (pooled.tau2, pooled.test) if pooled is not None else (0.0, "z")
    weighted = DescrStatsW(yi, weights=1 / (vi + tau2))
    # With known variances that of the mean is 1/sum(w); the residual one is Hartung-Knapp's q.
    normal, df = float(weighted.sum_weights) ** -0.5, len(yi) - 1
    q = float(weighted.sumsquares) / df if df else 1.0
    factor = {"z": 1.0, "t": 1.0, "knha": q, "hksj": max(1.0, q)}[test] ** 0.5
    beta, se = float(weighted.mean), normal * factor
    out = _interval(beta, se, None if test == "z" else df)
    if pooled is not None:
        out["q"] = float(DescrStatsW(yi, weights=1 / vi).sumsquares)
    if pooled is not None and not isnan(result.display.pi_low):
        freedom = {"k-1": df, "k-2": df - 1}[pooled.pi_method]
        half = float(stdtrit(freedom, 0.975)) * (tau2 + se**2) ** 0.5
        out |= {"pi_low": beta - half, "pi_high": beta + half}
    return out, {}


def _integrated(result: AnalysisResult, studies: pd.DataFrame) -> Recomputed:
    """The posterior of the mean and of a new trial's effect, summed over a plain grid.

    statsmodels has no such model.
    """
    yi, vi = studies["yi"].to_numpy(float), studies["vi"].to_numpy(float)
    asked = result.specification
    # Of differences in points, in SDs of their one instrument.
    unit = max(sds_specified(asked).values(), default=1.0)
    tau, mu, density = _posterior(yi, vi, float(asked["bayes"]["tau_scale"]) * unit)
    marginal, of_tau = density.sum(axis=0), density.sum(axis=1)
    below = CubicSpline(mu, marginal).antiderivative()
    whole = float(below(mu[-1]))
    mean = density @ mu / of_tau
    spread = np.sqrt(density @ mu**2 / of_tau - mean**2 + tau**2)

    def new(x: float, share: float) -> float:
        return float(of_tau @ ndtr((x - mean) / spread) / of_tau.sum()) - share

    out = {
        name: float(below.solve(share * whole, extrapolate=False)[0])
        for name, share in (("estimate", 0.5), ("ci_low", 0.025), ("ci_high", 0.975))
    }
    ends = mu[0] - 10 * spread.max(), mu[-1] + 10 * spread.max()
    for name, share in (("pi_low", 0.025), ("pi_high", 0.975)):
        out[name] = float(brentq(new, *ends, args=(share,)))
    why = {"p_value": result.reasons["p_value"]}
    if isinstance(result.pooled, PooledCounts):
        return out, why
    return out | {"q": float(DescrStatsW(yi, weights=1 / vi).sumsquares)}, why


def _posterior(yi: Array, vi: Array, scale: float) -> tuple[Array, Array, Array]:
    """Grids of tau and of mu, and the joint density at each pair, (taus, mus), but for a factor."""
    tau = np.linspace(0.0, 7 * scale, _TAUS)
    reach = 12 * (scale + float(np.sqrt(vi).max()))
    for _ in range(2):  # the second time where the mass is
        mu = np.linspace(yi.mean() - reach, yi.mean() + reach, _MUS)
        log_density = np.broadcast_to(-((tau / scale) ** 2)[:, np.newaxis] / 2, (_TAUS, _MUS))
        for y, v in zip(yi, vi, strict=True):
            variance = (v + tau**2)[:, np.newaxis]
            log_density = log_density - (y - mu) ** 2 / variance / 2 - np.log(variance) / 2
        density = np.exp(log_density - log_density.max())
        density[[0, -1]] /= 2  # the trapezoid rule
        marginal = density.sum(axis=0)
        mass = np.flatnonzero(marginal > _LEFT_OUT * marginal.max())
        reach = float(np.abs(mu[mass] - yi.mean()).max())
    return tau, mu, density


def _interval(beta: float, se: float, df: float | None) -> dict[str, float]:
    """Estimate, 95 % limits and p value from an estimate and its SE; df None = normal."""
    half = se * float(ndtri(0.975) if df is None else stdtrit(df, 0.975))
    tail = ndtr(-abs(beta / se)) if df is None else stdtr(df, -abs(beta / se))
    return {
        "estimate": beta,
        "ci_low": beta - half,
        "ci_high": beta + half,
        "p_value": 2 * float(tail),
    }


def _of_counts(measure: str, method: str, studies: pd.DataFrame) -> Recomputed:
    if method != "MH":
        why = f"statsmodels does not have {COUNT_METHODS[method]}"
        return {}, dict.fromkeys(("estimate", "ci_low", "ci_high", "p_value"), why)
    a, n1, c, n2 = (studies[name].to_numpy(float) for name in COUNTS)
    table = StratifiedTable(np.stack([np.stack([a, n1 - a]), np.stack([c, n2 - c])]))
    if measure == "OR":
        # Without an event on one side the ratio does not exist, on either route.
        with np.errstate(divide="ignore", invalid="ignore"):
            beta, se = float(table.logodds_pooled), float(table.logodds_pooled_se)
        return _interval(beta, se, None), {}
    limits = ("ci_low", "ci_high", "p_value")
    if measure == "RR":
        why = "statsmodels has no variance of the pooled risk ratio"
        return {"estimate": float(np.log(table.riskratio_pooled))}, dict.fromkeys(limits, why)
    why = "statsmodels has no Mantel-Haenszel risk difference"
    return {}, dict.fromkeys(("estimate", *limits), why)


def _shown(
    result: AnalysisResult, values: Mapping[str, float], uncovered: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Compare with the numbers of summary.csv: the display scale."""
    for name, value in values.items():
        ours = getattr(result.pooled if name == "q" else result.display, name)
        if isnan(ours):
            yield _uncovered(name, result.reasons.get("beta", "not estimated"))
            continue
        as_is = name in ("p_value", "q")
        yield _compared(name, ours, value if as_is else measure_of(result.measure).shown(value))
    for name, why in uncovered.items():
        yield _uncovered(name, why)


def _moments(yi: Any, vi: Any, method: str) -> Iterator[dict[str, Any]]:
    """DerSimonian-Laird and Paule-Mandel as statsmodels fits them from the same effects."""
    for code, name, tolerance in (("DL", "chi2", TOLERANCE), ("PM", "iterated", ITERATED)):
        # A negative tau2 makes statsmodels take the root of a negative number.
        with np.errstate(invalid="ignore"):
            other = combine_effects(yi, vi, method_re=name)
        ours = pool(yi, vi, tau2=code, test="z")
        # statsmodels does not truncate at zero, and then its estimate means nothing.
        row = _compared(f"tau2 ({code})", ours.tau2, float(np.maximum(other.tau2, 0.0)), tolerance)
        if code == "PM" and method != "PM" and row["verdict"] != "agree":
            # Its iteration can stop early; that is no reason to stop a review that does not use it.
            yield _uncovered("tau2 (PM)", "statsmodels' iteration did not reach the root")
            continue
        yield row
        if other.tau2 >= 0:
            yield _compared(f"beta ({code})", ours.beta, float(other.mean_effect_re), tolerance)
        else:
            yield _uncovered(f"beta ({code})", "statsmodels' tau2 is negative")


def _compared(
    quantity: str, ours: float, theirs: float, tolerance: float = TOLERANCE
) -> dict[str, Any]:
    difference = abs(ours - theirs)
    # Rounding differs between processors, and the table is compared byte by byte: two digits of a
    # difference are enough, and none of what is rounding.
    tiny = difference <= ROUNDING * max(SMALL, abs(theirs))
    difference = 0.0 if tiny else float(f"{difference:.1e}")
    agree = abs(ours - theirs) <= tolerance * max(SMALL, abs(theirs))
    return {
        "quantity": quantity,
        "trialpool": ours,
        "statsmodels": theirs,
        "difference": difference,
        "tolerance": tolerance,
        "verdict": "agree" if agree else "DISAGREE",
        "note": "",
    }


def _uncovered(quantity: str, why: str) -> dict[str, Any]:
    numbers = dict.fromkeys(("trialpool", "statsmodels", "difference", "tolerance"), float("nan"))
    return {"quantity": quantity, **numbers, "verdict": "not covered", "note": why}
