"""Common effect straight from counts: Mantel-Haenszel and Peto, made for rare events."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialpool.effects import effect_size
from trialpool.effects.binary import one_sided
from trialpool.pooling.inference import check_level, chi2_tail, i_squared
from trialpool.results import NAN, Array, Pooled, TrialpoolError

_COMMON = "common-effect model"
_RANDOM_ONLY = (
    "tau2",
    "se_tau2",
    "tau2_ci_lb",
    "tau2_ci_ub",
    "i2",
    "i2_ci_lb",
    "i2_ci_ub",
    "h2_ci_lb",
    "h2_ci_ub",
    "pi_lb",
    "pi_ub",
)
_LIKELIHOOD_ONLY = ("loglik", "aic", "bic", "aicc")
_NO_ESTIMATE = ("beta", "se", "zval", "pval", "ci_lb", "ci_ub")


class _Fit(NamedTuple):
    """Estimate, its variance, raw weights (k,), effects and variances that make up Q."""

    beta: float
    var: float
    weight: Array
    yi: Array
    vi: Array


def pool_counts(
    ai: ArrayLike,
    n1i: ArrayLike,
    ci: ArrayLike,
    n2i: ArrayLike,
    *,
    measure: str = "OR",
    method: str = "MH",
    level: float = 0.95,
) -> Pooled:
    """Common effect of k two-by-two tables, without correcting zero cells.

    Parameters
    ----------
    ai, n1i, ci, n2i : (k,) events and totals of arm 1 and arm 2
    measure : "OR", "RR" (both on the log scale) or "RD"; Peto knows OR only
    method : "MH" Mantel-Haenszel or "Peto"
    level : of the interval, between 0 and 1

    Returns
    -------
    Pooled with test "z". `k` counts the studies that contribute: for OR those with events in
    some but not all participants, for RR those with any event, for RD all. `weights` (k given
    studies, summing to 1) are 0 for the others. `q` sums inverse-variance squared distances from
    the estimate over the studies with a defined effect of their own (0.5 added where a cell is
    zero; for Peto the one-step effects). Where no study informs the ratio the estimate is NaN
    with the reason

    Raises
    ------
    TrialpoolError
        no study, different lengths, counts that are missing, negative or above their total
        (column and index are named); unknown measure or method; Peto with RR or RD

    References
    ----------
    Mantel & Haenszel 1959, J Natl Cancer Inst 22:719; Robins, Breslow & Greenland 1986,
    Biometrics 42:311 (variance of OR); Greenland & Robins 1985, Biometrics 41:55 (RR); Sato,
    Greenland & Robins 1989, Biometrics 45:1323 (RD); Yusuf et al. 1985, Prog Cardiovasc Dis
    27:335 (Peto)
    """
    if (method, measure) not in _FITS:
        known = ", ".join(f"{m} {e}" for m, e in _FITS)
        raise TrialpoolError(f"method {method!r} with measure {measure!r}: known are {known}")
    check_level(level)
    a, n1, c, n2 = _as_tables(ai, n1i, ci, n2i)
    fit = _FITS[(method, measure)](a, n1, c, n2)
    none, everyone = one_sided(a, n1, c, n2)
    informs = ~(none | everyone)
    # A table with events in everyone pulls the risk ratio towards 1, but leaves the OR alone.
    contributes = {"OR": informs, "RR": ~none, "RD": np.ones_like(informs)}[measure]
    k = int(contributes.sum())

    reasons = dict.fromkeys(_RANDOM_ONLY, _COMMON)
    reasons |= dict.fromkeys(_LIKELIHOOD_ONLY, "not a likelihood method")
    reasons["ddf"] = "z test: normal distribution"
    beta, se = fit.beta, math.sqrt(fit.var) if fit.var > 0 else NAN
    if not (math.isfinite(beta) and math.isfinite(se)):
        beta = se = NAN
        reasons |= dict.fromkeys((*_NO_ESTIMATE, "q", "q_pval", "i2_q", "h2"), _why(a, n1, c, n2))
    zval, half = beta / se, -float(ndtri((1 - level) / 2)) * se

    # Tables without any contrast say nothing on heterogeneity: left out of Q for RD as well.
    used = informs & np.isfinite(fit.yi)
    df = max(0, int(used.sum()) - 1)
    q = float(((fit.yi - beta) ** 2 / fit.vi)[used].sum()) if math.isfinite(beta) else NAN
    if math.isfinite(q) and df == 0:
        reasons |= dict.fromkeys(("i2_q", "h2"), "k < 2")
    total = float(fit.weight.sum())
    return Pooled(
        k=k,
        beta=beta,
        se=se,
        zval=zval,
        ddf=NAN,
        pval=2 * float(ndtr(-abs(zval))),
        ci_lb=beta - half,
        ci_ub=beta + half,
        pi_lb=NAN,
        pi_ub=NAN,
        tau2=NAN,
        se_tau2=NAN,
        tau2_ci_lb=NAN,
        tau2_ci_ub=NAN,
        i2=NAN,
        i2_q=i_squared(q, df) if math.isfinite(q) and df else NAN,
        h2=q / df if df else NAN,
        q=q,
        q_df=df,
        q_pval=chi2_tail(q, df) if math.isfinite(q) else NAN,
        loglik=NAN,
        converged=True,
        method=method,
        test="z",
        level=level,
        weights=fit.weight / total if total > 0 else np.zeros_like(fit.weight),
        reasons=reasons,
    )


def _as_tables(*given: ArrayLike) -> tuple[Array, Array, Array, Array]:
    names = ("ai", "n1i", "ci", "n2i")
    a, n1, c, n2 = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in given)
    columns = dict(zip(names, (a, n1, c, n2), strict=True))
    if a.ndim != 1 or len({x.shape for x in columns.values()}) > 1:
        shapes = ", ".join(f"{name} {x.shape}" for name, x in columns.items())
        raise TrialpoolError(f"ai, n1i, ci, n2i must be columns of one length, got {shapes}")
    if a.size == 0:
        raise TrialpoolError("ai is empty (k = 0): there is no study to pool")
    for name, x in columns.items():
        _reject(~np.isfinite(x), name, x, "must be a finite number; leave the study out")
        _reject(x < 0, name, x, "a count cannot be negative")
    _reject(n1 == 0, "n1i", n1, "an arm needs participants")
    _reject(n2 == 0, "n2i", n2, "an arm needs participants")
    _reject(a > n1, "ai", a, "more events than participants in n1i")
    _reject(c > n2, "ci", c, "more events than participants in n2i")
    return a, n1, c, n2


def _reject(bad: np.ndarray, name: str, column: Array, rule: str) -> None:
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        raise TrialpoolError(f"{name}[{i}] = {column[i]:g}: {rule}")


def _why(a: Array, n1: Array, c: Array, n2: Array) -> str:
    """Why no common effect exists, in a reader's words."""
    if not (a.any() or c.any()):
        return "no events in either arm of any study"
    if not a.any() or not c.any():
        return f"no events in arm {1 if not a.any() else 2} of any study"
    if (a == n1).all() or (c == n2).all():
        return f"events in every participant of arm {1 if (a == n1).all() else 2} in all studies"
    return "no study has events and non-events on which the arms could differ"


def _log_ratio(top: float, bottom: float) -> float:
    return math.log(top / bottom) if top > 0 and bottom > 0 else NAN


def _own_effects(measure: str, a: Array, n1: Array, c: Array, n2: Array) -> tuple[Array, Array]:
    effects = effect_size(measure, ai=a, n1i=n1, ci=c, n2i=n2)
    return effects.yi, effects.vi


def _mh_or(a: Array, n1: Array, c: Array, n2: Array) -> _Fit:
    b, d, n = n1 - a, n2 - c, n1 + n2
    r, s = a * d / n, b * c / n
    p, q = (a + d) / n, (b + c) / n
    R, S = float(r.sum()), float(s.sum())
    var = NAN
    if R > 0 and S > 0:
        cross = float((p * s + q * r).sum()) / (R * S)
        var = (float((p * r).sum()) / R**2 + cross + float((q * s).sum()) / S**2) / 2
    return _Fit(_log_ratio(R, S), var, s, *_own_effects("OR", a, n1, c, n2))


def _mh_rr(a: Array, n1: Array, c: Array, n2: Array) -> _Fit:
    n = n1 + n2
    r, s = a * n2 / n, c * n1 / n
    R, S = float(r.sum()), float(s.sum())
    spread = float((n1 * n2 * (a + c) / n**2 - a * c / n).sum())
    var = spread / (R * S) if R > 0 and S > 0 else NAN
    return _Fit(_log_ratio(R, S), var, s, *_own_effects("RR", a, n1, c, n2))


def _mh_rd(a: Array, n1: Array, c: Array, n2: Array) -> _Fit:
    n = n1 + n2
    w = n1 * n2 / n
    W = float(w.sum())
    rd = float(((a * n2 - c * n1) / n).sum()) / W
    p = (n1**2 * c - n2**2 * a + n1 * n2 * (n2 - n1) / 2) / n**2
    q = (a * (n2 - c) + c * (n1 - a)) / (2 * n)
    var = (rd * float(p.sum()) + float(q.sum())) / W**2
    return _Fit(rd, var, w, *_own_effects("RD", a, n1, c, n2))


def _peto(a: Array, n1: Array, c: Array, n2: Array) -> _Fit:
    n, events = n1 + n2, a + c
    excess = a - events * n1 / n
    # Variance of a under the central hypergeometric distribution; n >= 2 as no arm is empty.
    v = events * (n - events) * n1 * n2 / (n**2 * (n - 1))
    total = float(v.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        yi, vi = np.where(v > 0, excess / v, NAN), np.where(v > 0, 1 / v, NAN)
    if total <= 0:
        return _Fit(NAN, NAN, v, yi, vi)
    return _Fit(float(excess.sum()) / total, 1 / total, v, yi, vi)


_FITS = {
    ("MH", "OR"): _mh_or,
    ("MH", "RR"): _mh_rr,
    ("MH", "RD"): _mh_rd,
    ("Peto", "OR"): _peto,
}
