"""One pooled effect: the normal model with common or random effects."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincc, ndtr, ndtri, stdtr, stdtrit

from trialpool.pooling.quantities import as_studies, generalised_q, log_likelihood, trace_p
from trialpool.pooling.tau2 import ESTIMATORS, q_profile, tau2_estimate, tau2_se
from trialpool.results import NAN, Array, Pooled, TrialpoolError

TESTS = ("z", "t", "knha", "hksj")
PI_DF = {"k-1": 1, "k-2": 2}

_COMMON = "common-effect model"
_ONE = "k < 2"


def pool(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau2: str = "REML",
    test: str = "hksj",
    level: float = 0.95,
    pi: str = "k-1",
) -> Pooled:
    """Pooled effect of k independent studies, with its uncertainty and the heterogeneity.

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, vi > 0, k >= 1
    tau2 : EE DL HE HS SJ ML REML EB PM; EE is the common-effect model
    test
        "z" normal; "t" same SE, t with k - 1 df; "knha" Knapp-Hartung SE, t with k - 1 df;
        "hksj" the same, its factor q never below 1, so never narrower than "z"
    level : of every interval, between 0 and 1
    pi
        degrees of freedom of the prediction interval, "k-1" or "k-2"; holds for every test,
        "z" included: the uncertainty of tau2 does not go away with the choice of test

    Returns
    -------
    Pooled. `q` is Cochran's Q, `q_pval` its chi-squared p value, `weights` add up to 1, `loglik`
    is restricted for REML and full for every other estimator, the CI of tau2 is Q-profile and
    does not depend on the estimator. `i2` and `h2` come from tau2 and the typical variance of
    Higgins & Thompson; under EE, which has no tau2, from Q. What k does not allow is NaN with
    its reason: k = 1 gives the study with its z interval, k = 2 no prediction interval

    Raises
    ------
    TrialpoolError
        no study, different lengths, a value that is not finite, vi <= 0 (the index is named);
        an unknown estimator, test or pi; level outside (0, 1)

    References
    ----------
    Viechtbauer 2005, J Educ Behav Stat 30:261 (estimators); Knapp & Hartung 2003, Stat Med
    22:2693; Roever, Knapp & Friede 2015, BMC Med Res Methodol 15:99 (hksj); Higgins & Thompson
    2002, Stat Med 21:1539 (I2); Higgins, Thompson & Spiegelhalter 2009, J R Stat Soc A 172:137,
    and Partlett & Riley 2017, Stat Med 36:301 (prediction interval)
    """
    _check_options(tau2, test, level, pi)
    y, v = as_studies(yi, vi)
    if len(y) == 1:
        return _one_study(float(y[0]), float(v[0]), method=tau2, level=level)
    k, df = len(y), len(y) - 1
    random = tau2 != "EE"
    reasons: dict[str, str] = {}

    t2 = tau2_estimate(tau2, y, v)
    w = 1 / (v + t2)
    origin = float(y[np.argmin(v)])
    beta = origin + float((w * (y - origin)).sum() / w.sum())
    factor = _knapp_hartung(generalised_q(y, v, t2) / df, test)
    se = math.sqrt(factor / float(w.sum()))
    ddf = NAN if test == "z" else float(df)
    zval, pval = _test(beta, se, ddf)
    half = -_quantile((1 - level) / 2, ddf) * se
    if test == "z":
        reasons["ddf"] = "z test: normal distribution"
    if not math.isfinite(zval):
        reasons["zval"] = reasons["pval"] = "standard error is 0"

    se_t2, t2_ci = tau2_se(tau2, y, v, t2), (NAN, NAN)
    if random:
        t2_ci = q_profile(y, v, level)
    else:
        reasons |= dict.fromkeys(("se_tau2", "tau2_ci_lb", "tau2_ci_ub"), _COMMON)
    reasons |= {"se_tau2": "no formula"} if random and math.isnan(se_t2) else {}

    pi_half = NAN
    if not random:
        reasons |= dict.fromkeys(("pi_lb", "pi_ub"), _COMMON)
    elif k < 3:
        reasons |= dict.fromkeys(("pi_lb", "pi_ub"), "k < 3")
    else:
        pi_half = -_quantile((1 - level) / 2, float(k - PI_DF[pi])) * math.sqrt(t2 + se**2)

    q = generalised_q(y, v, 0.0)
    i2_q = i_squared(q, df)
    typical = df / float(trace_p(1 / v))
    return Pooled(
        k=k,
        beta=beta,
        se=se,
        zval=zval,
        ddf=ddf,
        pval=pval,
        ci_lb=beta - half,
        ci_ub=beta + half,
        pi_lb=beta - pi_half,
        pi_ub=beta + pi_half,
        tau2=t2,
        se_tau2=se_t2,
        tau2_ci_lb=t2_ci[0],
        tau2_ci_ub=t2_ci[1],
        i2=100 * t2 / (t2 + typical) if random else i2_q,
        i2_q=i2_q,
        h2=1 + t2 / typical if random else q / df,
        q=q,
        q_df=df,
        q_pval=chi2_tail(q, df),
        loglik=log_likelihood(y, v, t2, restricted=tau2 == "REML"),
        converged=True,  # every root is bracketed
        method=tau2,
        test=test,
        level=level,
        weights=w / w.sum(),
        pi_method=pi if math.isfinite(pi_half) else "",
        reasons=reasons,
        cautions=_cautions(k, random=random, test=test),
    )


def i_squared(q: float, df: int) -> float:
    """Share of Q beyond its expectation, in percent, never below 0; 0 where Q is 0."""
    return max(0.0, 100 * (q - df) / q) if q > 0 else 0.0


def chi2_tail(q: float, df: int) -> float:
    """Probability of a chi-squared value above q; 1 with no degrees of freedom."""
    return float(gammaincc(df / 2, q / 2)) if df > 0 else 1.0


def _check_options(tau2: str, test: str, level: float, pi: str) -> None:
    for name, value, allowed in (
        ("tau2", tau2, tuple(ESTIMATORS)),
        ("test", test, TESTS),
        ("pi", pi, tuple(PI_DF)),
    ):
        if value not in allowed:
            raise TrialpoolError(f"{name} = {value!r}: allowed are {', '.join(allowed)}")
    check_level(level)


def check_level(level: float) -> None:
    """Raise unless level is a proportion between 0 and 1."""
    if not 0 < level < 1:
        raise TrialpoolError(f"level = {level}: must lie between 0 and 1, such as 0.95")


def _knapp_hartung(q: float, test: str) -> float:
    """Factor on the squared standard error."""
    if test == "knha":
        return q
    return max(1.0, q) if test == "hksj" else 1.0


def _quantile(p: float, ddf: float) -> float:
    """Quantile of t with ddf degrees of freedom, of the normal where ddf is NaN."""
    return float(ndtri(p)) if math.isnan(ddf) else float(stdtrit(ddf, p))


def _test(beta: float, se: float, ddf: float) -> tuple[float, float]:
    """Test statistic of beta = 0 and its two-sided p value; NaN where the SE is 0."""
    if se == 0:
        return NAN, NAN
    stat = beta / se
    # The lower tail, doubled: 1 - cdf would round small p values to 0.
    below = ndtr(-abs(stat)) if math.isnan(ddf) else stdtr(ddf, -abs(stat))
    return stat, 2 * float(below)


def _cautions(k: int, *, random: bool, test: str) -> tuple[str, ...]:
    if k == 2 and random:
        spread = "" if test == "z" else "; with 1 degree of freedom the interval says very little"
        return (f"k = 2: tau2 cannot be estimated usefully from two studies{spread}.",)
    return ()


def _one_study(y: float, v: float, *, method: str, level: float) -> Pooled:
    se = math.sqrt(v)
    stat, pval = _test(y, se, NAN)
    half = -_quantile((1 - level) / 2, NAN) * se
    undefined = ("tau2", "se_tau2", "tau2_ci_lb", "tau2_ci_ub", "i2", "i2_q", "h2", "loglik")
    reasons = dict.fromkeys(undefined, _ONE)
    reasons |= {"pi_lb": "k < 3", "pi_ub": "k < 3", "ddf": "z test: normal distribution"}
    weights: Array = np.ones(1)
    return Pooled(
        k=1,
        beta=y,
        se=se,
        zval=stat,
        ddf=NAN,
        pval=pval,
        ci_lb=y - half,
        ci_ub=y + half,
        pi_lb=NAN,
        pi_ub=NAN,
        tau2=NAN,
        se_tau2=NAN,
        tau2_ci_lb=NAN,
        tau2_ci_ub=NAN,
        i2=NAN,
        i2_q=NAN,
        h2=NAN,
        q=0.0,
        q_df=0,
        q_pval=1.0,
        loglik=NAN,
        converged=True,
        method=method,
        test="z",
        level=level,
        weights=weights,
        pi_method="",
        reasons=reasons,
        cautions=("k = 1: the study itself, with a normal interval; nothing was pooled.",),
    )
