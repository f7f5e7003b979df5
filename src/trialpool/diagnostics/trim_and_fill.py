"""Trim and fill: studies that a symmetric funnel would have besides, and their effect.

A sensitivity analysis: the filled studies are mirror images, nobody has seen them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.diagnostics.asymmetry import TOO_FEW, egger, few, missing
from trialpool.digits import NOTHING, ranks
from trialpool.pooling.inputs import as_studies
from trialpool.pooling.model import PoolOptions, pool
from trialpool.pooling.tau2 import check_estimator
from trialpool.results import NAN, Array, Pooled, check_choice
from trialpool.same_rows import same_rows

SIDES = ("left", "right")
_NUMBERS = ("k0", "se_k0", "pval", "pooled")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimAndFill:
    """Number of missing studies, the studies filled in and the pooled effect with them.

    `k0` is a whole number; `se_k0` belongs to the estimate before it is rounded. `pval` tests that
    none is missing, for estimator "R0" alone. `mirrored` (k0,) are the places of the studies whose
    mirror images are `yi_filled` and `vi_filled`, the farthest last. `reasons` maps the name of a
    NaN field, or of `pooled` where it is None, to why it is missing.
    """

    k: int
    k0: float
    se_k0: float
    pval: float
    side: str
    estimator: str
    mirrored: NDArray[np.intp]
    yi_filled: Array
    vi_filled: Array
    pooled: Pooled | None
    reasons: dict[str, str] = field(default_factory=dict)
    caution: str = ""


@same_rows
def trim_and_fill(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    side: str | None = None,
    estimator: str = "L0",
    tau2: str = "REML",
    test: str = "hksj",
    level: float = 0.95,
    trimming: str | None = None,
) -> TrimAndFill:
    """Estimate how many studies are missing on one side of the funnel, and pool with them.

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, vi > 0
    side
        where studies are missing, "left" or "right"; None takes the side that the slope of
        Egger's regression on the standard error points away from
    estimator : of the number missing, "L0", "R0" or "Q0"
    tau2, test, level : of the pooled effect, as for `pool`
    trimming
        estimator of tau2 while studies are trimmed; None takes that of the pooled effect, "EE"
        trims about the common effect, in which small studies have the least say

    Returns
    -------
    TrimAndFill. Without a result, with the reason, where k < 3, where no side can be told, where
    the trimming does not settle, or where Q0 is undefined

    Raises
    ------
    TrialpoolError
        as for `pool`; an unknown side or estimator

    References
    ----------
    Duval & Tweedie 2000, Biometrics 56:455, and J Am Stat Assoc 95:89
    """
    check_choice("estimator", estimator, tuple(_ESTIMATORS))
    if side is not None:
        check_choice("side", side, SIDES)
    PoolOptions(tau2, test, level, "k-1", "QP").check()
    trimmer = tau2 if trimming is None else trimming
    check_estimator("trimming", trimmer, "effects")
    y, v = as_studies(yi, vi)
    where, why = side or "", TOO_FEW if len(y) < 3 else ""
    if not where and not why:
        slope = egger(y, v, tau2=tau2).slope
        where = "" if math.isnan(slope) else "right" if slope < 0 else "left"
        why = "" if where else "all studies have the same standard error: name the side"
    k0, se, pval, centre = NAN, NAN, NAN, NAN
    # Seen so that the missing studies lie on the left: the farthest on the right are trimmed.
    sign = -1.0 if where == "right" else 1.0
    order = np.argsort(sign * y, kind="stable")
    if not why:
        k0, se, pval, centre, why = _trim(sign * y[order], v[order], estimator, trimmer)
    if why:
        none: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        mirrored, fy, fv, pooled = none, np.empty(0), np.empty(0), None
        reasons = missing(_NUMBERS, why)
    else:
        mirrored = order[len(y) - int(k0) :]
        fy, fv = sign * (2 * centre - sign * y[mirrored]), v[mirrored]
        both = np.append(y, fy), np.append(v, fv)
        pooled = pool(*both, tau2=tau2, test=test, level=level)
        reasons = {} if estimator == "R0" else {"pval": f"no test with {estimator}"}
        if math.isnan(se):
            reasons["se_k0"] = "its variance formula is not positive here"
    return TrimAndFill(
        k=len(y),
        k0=k0,
        se_k0=se,
        pval=pval,
        side=where,
        estimator=estimator,
        mirrored=mirrored,
        yi_filled=fy,
        vi_filled=fv,
        pooled=pooled,
        reasons=reasons,
        caution=few(len(y)),
    )


def _trim(y: Array, v: Array, estimator: str, tau2: str) -> tuple[float, float, float, float, str]:
    """K0, its standard error, p, the centre, and why there are none; effects in rising order."""
    k, k0 = len(y), 0
    seen: list[int] = []
    while k0 not in seen:
        seen.append(k0)
        centre = pool(y[: k - k0], v[: k - k0], tau2=tau2, test="z").beta
        raw, se = _ESTIMATORS[estimator](*_ranks(y - centre), k)
        if math.isnan(raw):
            return NAN, NAN, NAN, NAN, f"{estimator} is undefined: nearly all lie on one side"
        k0 = max(0, round(raw))
        if k0 >= k:
            return NAN, NAN, NAN, NAN, f"{estimator} would trim all studies"
    if k0 != seen[-1]:
        return NAN, NAN, NAN, NAN, f"the trimming does not settle: it comes back to {k0}"
    pval = 0.5 ** (k0 + 1) if estimator == "R0" else NAN
    return float(k0), se, pval, centre, ""


def _ranks(deviations: Array) -> tuple[int, int]:
    """Sum of the ranks of |deviation| that are above 0, and how many of the highest ranks are."""
    size = np.abs(deviations)
    above = (deviations > NOTHING * size.max())[np.argsort(ranks(size), kind="stable")]
    others = np.flatnonzero(~above)
    run = len(above) - 1 - int(others[-1]) if others.size else len(above)
    return int((np.flatnonzero(above) + 1).sum()), run


def _r0(_: int, run: int, k: int) -> tuple[float, float]:
    k0 = run - 1.0
    return k0, math.sqrt(2 * max(0.0, k0) + 2)


def _l0(ranks: int, _: int, k: int) -> tuple[float, float]:
    k0 = (4 * ranks - k * (k + 1)) / (2 * k - 1)
    return k0, 4 * _spread(k0, k) / (2 * k - 1)


def _q0(ranks: int, _: int, k: int) -> tuple[float, float]:
    root = 2 * k * k - 4 * ranks + 0.25
    if root < 0:
        return NAN, NAN
    k0 = k - 0.5 - math.sqrt(root)
    return k0, 2 * _spread(k0, k) / math.sqrt(root) if root > 0 else NAN


def _spread(m: float, k: int) -> float:
    """Standard deviation of the rank sum when m of k + m studies are missing; NaN if undefined."""
    cubic = k * (k + 1) * (2 * k + 1) + 10 * m**3 + 27 * m**2 + 17 * m
    variance = (cubic - 18 * k * m**2 - 18 * k * m + 6 * k**2 * m) / 24
    return math.sqrt(variance) if variance > 0 else NAN


_ESTIMATORS: dict[str, Callable[[int, int, int], tuple[float, float]]] = {
    "L0": _l0,
    "R0": _r0,
    "Q0": _q0,
}
