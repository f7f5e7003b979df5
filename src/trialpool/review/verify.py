"""The second route: every pooled result recomputed with statsmodels where it has the method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.special import ndtri, stdtrit
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.meta_analysis import combine_effects

from trialpool.pooling.model import pool
from trialpool.results import TrialpoolError

COLUMNS = ("condition", "analysis", "quantity", "trialpool", "statsmodels", "difference",
           "tolerance", "verdict", "note")  # fmt: skip

# JSON keeps 10 and tables 6 significant digits: a result recomputed from the tables can differ
# from the stored one by about the rounding of its inputs.
TOLERANCE = 1e-5
# statsmodels' Paule-Mandel iterates to a tolerance of its own.
ITERATED = 1e-4

_COUNTS = ("event_experimental", "totaln_experimental", "event_control", "totaln_control")


class DisagreementError(TrialpoolError):
    """Two independent computations of a result differ."""


def verify(model: Mapping[str, Any], studies: pd.DataFrame) -> pd.DataFrame:
    """Compare one analysis with statsmodels.

    Returns
    -------
    One row per quantity; `verdict` is agree, DISAGREE, or not covered with the reason in `note`.
    """
    rows = list(_rows(model, studies))
    frame = pd.DataFrame(rows, columns=list(COLUMNS[2:]))
    frame.insert(0, "analysis", model["analysis"])
    frame.insert(0, "condition", model["condition"])
    return frame


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
            f"statsmodels {r.statsmodels:.8g}"
            for r in bad.itertuples()
        ]
        raise DisagreementError("the second route disagrees\n" + "\n".join(lines))


def _rows(model: Mapping[str, Any], studies: pd.DataFrame) -> Iterator[dict[str, Any]]:
    pooled = model["pooled"]
    if pooled is None:
        yield _uncovered("all", f"k = {model['k']}: nothing is pooled")
        return
    if pooled["method"] == "MH":
        yield from _mantel_haenszel(model, studies)
        return
    yi, vi = studies["yi"].to_numpy(float), studies["vi"].to_numpy(float)
    yield from _given_tau2(pooled, yi, vi)
    yield from _moments(yi, vi)
    if pooled["method"] not in ("EE", "DL", "PM"):
        yield _uncovered("tau2", f"statsmodels has no {pooled['method']} meta-analysis")


def _given_tau2(pooled: Mapping[str, Any], yi: Any, vi: Any) -> Iterator[dict[str, Any]]:
    """Weighted least squares at the model's tau2: estimate, SE, interval, Q."""
    fitted = sm.WLS(yi, np.ones_like(yi), weights=1 / (vi + pooled["tau2"])).fit()
    # With the scale fixed at 1 the covariance is 1/sum(w); the residual scale is Hartung-Knapp's q.
    normal = float(np.sqrt(fitted.normalized_cov_params[0, 0]))
    q = float(fitted.scale)
    factor = {"z": 1.0, "t": 1.0, "knha": np.sqrt(q), "hksj": np.sqrt(max(1.0, q))}[pooled["test"]]
    se = normal * float(factor)
    upper = 0.5 + pooled["level"] / 2
    df = len(yi) - 1
    quantile = float(ndtri(upper) if pooled["test"] == "z" else stdtrit(df, upper))
    beta = float(fitted.params[0])
    yield _compared("beta", pooled["beta"], beta)
    yield _compared("se", pooled["se"], se)
    yield _compared("ci_lb", pooled["ci_lb"], beta - quantile * se)
    yield _compared("ci_ub", pooled["ci_ub"], beta + quantile * se)
    fixed = sm.WLS(yi, np.ones_like(yi), weights=1 / vi).fit()
    yield _compared("q", pooled["q"], float(fixed.scale) * df)


def _moments(yi: Any, vi: Any) -> Iterator[dict[str, Any]]:
    """DerSimonian-Laird and Paule-Mandel as statsmodels fits them from the same effects."""
    for code, method, tolerance in (("DL", "chi2", TOLERANCE), ("PM", "iterated", ITERATED)):
        # A negative tau2 makes statsmodels take the root of a negative number.
        with np.errstate(invalid="ignore"):
            other = combine_effects(yi, vi, method_re=method)
        ours = pool(yi, vi, tau2=code, test="z")
        # statsmodels does not truncate at zero, and then its estimate means nothing.
        yield _compared(f"tau2 ({code})", ours.tau2, max(0.0, float(other.tau2)), tolerance)
        if other.tau2 >= 0:
            yield _compared(f"beta ({code})", ours.beta, float(other.mean_effect_re), tolerance)
        else:
            yield _uncovered(f"beta ({code})", "statsmodels' tau2 is negative")


def _mantel_haenszel(model: Mapping[str, Any], studies: pd.DataFrame) -> Iterator[dict[str, Any]]:
    a, n1, c, n2 = (studies[name].to_numpy(float) for name in _COUNTS)
    cells = np.stack([np.stack([a, n1 - a]), np.stack([c, n2 - c])])
    table = StratifiedTable(cells)
    pooled = model["pooled"]
    if model["measure"] == "OR":
        yield _compared("beta", pooled["beta"], float(table.logodds_pooled))
        yield _compared("se", pooled["se"], float(table.logodds_pooled_se))
    elif model["measure"] == "RR":
        yield _compared("beta", pooled["beta"], float(np.log(table.riskratio_pooled)))
        yield _uncovered("se", "statsmodels has no variance of the pooled risk ratio")
    else:
        yield _uncovered("all", "statsmodels has no Mantel-Haenszel risk difference")


def _compared(
    quantity: str, ours: float, theirs: float, tolerance: float = TOLERANCE
) -> dict[str, Any]:
    difference = abs(ours - theirs)
    agree = difference <= tolerance * max(1.0, abs(theirs))
    return {
        "quantity": quantity, "trialpool": ours, "statsmodels": theirs, "difference": difference,
        "tolerance": tolerance, "verdict": "agree" if agree else "DISAGREE", "note": "",
    }  # fmt: skip


def _uncovered(quantity: str, why: str) -> dict[str, Any]:
    nan = float("nan")
    return {
        "quantity": quantity, "trialpool": nan, "statsmodels": nan, "difference": nan,
        "tolerance": nan, "verdict": "not covered", "note": why,
    }  # fmt: skip
