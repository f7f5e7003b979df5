"""Contrasts as papers report them: an estimate with its SE, CI, t, F or p."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trialpool.effects import special
from trialpool.effects.registry import Estimate, measure
from trialpool.effects.scales import LOG
from trialpool.effects.small_sample import small_sample_factor
from trialpool.results import NAN, Array, TrialpoolError
from trialpool.same_rows import same_rows


@measure("GEN", title="effect", needs=("yi", "sei"))
def reported(yi: Array, sei: Array) -> Estimate:
    """Reported estimate (a ratio on the log scale) with its standard error.

    Parameters
    ----------
    yi, sei : (k,) estimate and its standard error, sei > 0

    Returns
    -------
    The estimates as they are; NaN where there is no standard error

    References
    ----------
    Cochrane Handbook 6.4, section 10.3
    """
    rules = [(np.isnan(sei), "sei is missing"), (sei <= 0, "sei <= 0")]
    return Estimate(yi, sei**2, "estimate as reported", rules)


@measure(
    "HR",
    title="hazard ratio",
    scale=LOG,
    kind="time_to_event",
    reported=("HR",),
    needs=("yi", "sei"),
)
def log_hazard_ratio(yi: Array, sei: Array) -> Estimate:
    """Log hazard ratio of arm 1 over arm 2, as reported.

    Parameters
    ----------
    yi, sei : (k,) log of the hazard ratio and its standard error, sei > 0

    Returns
    -------
    The estimates as they are, on the log scale; NaN where there is no standard error

    References
    ----------
    Parmar, Torri & Stewart 1998, Stat Med 17:2815
    """
    return reported(yi, sei)._replace(formula="log HR as reported")


def _floats(*values: ArrayLike) -> list[Array]:
    return [np.asarray(value, dtype=np.float64) for value in values]


def _critical(upper_tail: ArrayLike, df: ArrayLike | None) -> Array:
    """Quantile that leaves `upper_tail` above it: of t with df, of the normal without."""
    tail = np.asarray(upper_tail, dtype=np.float64)
    # From the lower tail with its sign turned: 1 - p loses the digits of a small p.
    if df is None:
        return np.asarray(-special.ndtri(tail), dtype=np.float64)
    return np.asarray(-special.stdtrit(np.asarray(df, dtype=np.float64), tail), dtype=np.float64)


def _tail(level: float) -> float:
    if not 0 < level < 1:
        raise TrialpoolError(f"level = {level}: must lie between 0 and 1, such as 0.95")
    return (1 - level) / 2


def _positive(value: Array) -> Array:
    """Standard errors that are real numbers > 0, NaN elsewhere."""
    return np.where(np.isfinite(value) & (value > 0), value, NAN)


@same_rows
def se_from_ci(
    low: ArrayLike, high: ArrayLike, level: float = 0.95, df: ArrayLike | None = None
) -> Array:
    """Standard error behind a symmetric confidence interval.

    Parameters
    ----------
    low, high : bounds, any shape that broadcasts; of a ratio: take logs first
    level : of the interval, between 0 and 1
    df : degrees of freedom if the interval used t; None: normal

    Returns
    -------
    SE in the units of the bounds; NaN where high <= low

    Raises
    ------
    TrialpoolError
        if level is not between 0 and 1

    References
    ----------
    Cochrane Handbook 6.4, section 6.3.1
    """
    lo, hi = _floats(low, high)
    return _positive((hi - lo) / (2 * _critical(_tail(level), df)))


@same_rows
def se_from_t(estimate: ArrayLike, t: ArrayLike) -> Array:
    """Standard error from an estimate and its t (or z) statistic; NaN where either is 0."""
    est, stat = _floats(estimate, t)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _positive(np.abs(est / stat))


@same_rows
def se_from_f(estimate: ArrayLike, f: ArrayLike) -> Array:
    """Standard error from an estimate and the F(1, df) that tests it: F = t^2."""
    (stat,) = _floats(f)
    return se_from_t(estimate, np.sqrt(np.where(stat > 0, stat, NAN)))


@same_rows
def se_from_p(estimate: ArrayLike, p: ArrayLike, df: ArrayLike | None = None) -> Array:
    """Standard error from an estimate and its two-sided p value.

    Parameters
    ----------
    estimate : difference, or log of a ratio, any shape that broadcasts
    p : two-sided p value, 0 < p < 1; a bound such as "p < .05" is not a p value, and entering
        .05 for it gives the largest SE that fits
    df : degrees of freedom if the test used t; None: normal

    Returns
    -------
    SE in the units of the estimate; NaN where p is outside (0, 1) or the estimate is 0

    References
    ----------
    Cochrane Handbook 6.4, section 6.5.2.3
    """
    (prob,) = _floats(p)
    inside = np.where((prob > 0) & (prob < 1), prob, NAN)
    return se_from_t(estimate, _critical(inside / 2, df))


@same_rows
def sd_from_se(se: ArrayLike, n: ArrayLike) -> Array:
    """SD of one arm from the standard error of its mean; n is the number analysed."""
    error, size = _floats(se, n)
    return _positive(error * np.sqrt(np.where(size > 0, size, NAN)))


@same_rows
def sd_from_ci(low: ArrayLike, high: ArrayLike, n: ArrayLike, level: float = 0.95) -> Array:
    """SD of one arm from the t interval of its mean (Cochrane Handbook 6.4, 6.5.2.2)."""
    (size,) = _floats(n)
    return sd_from_se(se_from_ci(low, high, level, df=np.where(size > 1, size - 1, NAN)), n)


@same_rows
def sd_from_difference(se: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Array:
    """SD within arms from the standard error of an unadjusted difference of their means.

    Parameters
    ----------
    se : SE of the difference, any shape that broadcasts
    n1, n2 : number analysed per arm

    Returns
    -------
    SE/sqrt(1/n1 + 1/n2): one SD, taken as that of both arms; NaN for impossible input. The SE of
    an adjusted difference would give the residual SD, which is too small to standardise by

    References
    ----------
    Cochrane Handbook 6.4, section 6.5.2.3
    """
    error, a, b = _floats(se, n1, n2)
    sizes = 1 / np.where(a > 0, a, NAN) + 1 / np.where(b > 0, b, NAN)
    return _positive(error / np.sqrt(sizes))


@same_rows
def smd_from_md(
    md: ArrayLike,
    se: ArrayLike,
    sd: ArrayLike,
    n1: ArrayLike,
    n2: ArrayLike,
    correction: str = "exact",
    *,
    adjusted: bool = False,
) -> tuple[Array, Array, str]:
    """Reported mean difference as an SMD, standardised by a pooled SD of the scores.

    Parameters
    ----------
    md, se : difference of means and its SE; the SE is read only where adjusted
    sd : pooled SD within arms of the scores themselves, not the residual SD of a model
    n1, n2 : number analysed per arm; the SD has n1 + n2 - 2 degrees of freedom
    correction : "exact", "approx" or "none"
    adjusted
        False: g = J md/sd, variance 1/n1 + 1/n2 + g^2/(2 (n1 + n2)), as for SMD;
        True, for a difference adjusted for baseline or other covariates (ANCOVA, mixed model):
        variance (J se/sd)^2 + g^2/(2 (n1 + n2)), for the SE knows what the adjustment gained

    Returns
    -------
    (g, variance, name of the formula); NaN where sd <= 0, a number is < 1 or, adjusted, se <= 0

    Raises
    ------
    TrialpoolError
        for an unknown correction

    References
    ----------
    Hedges 1981, J Educ Stat 6:107; Borenstein 2009, in Cooper, Hedges & Valentine, section on
    analysis of covariance, whose (1 - R^2)(1/n1 + 1/n2) is (se/sd)^2
    """
    diff, error, unit, a, b = _floats(md, se, sd, n1, n2)
    a, b, unit = np.where(a >= 1, a, NAN), np.where(b >= 1, b, NAN), _positive(unit)
    factor = small_sample_factor(a + b - 2, correction)
    g = np.asarray(factor * diff / unit)
    means = (factor * _positive(error) / unit) ** 2 if adjusted else 1 / a + 1 / b
    kind = "adjusted MD, variance from its SE" if adjusted else "MD, LS variance"
    vi = np.asarray(means + g**2 / (2 * (a + b)))
    return g, vi, f"SMD from {kind}, {correction} correction"


@same_rows
def d_to_g(
    d: ArrayLike, se: ArrayLike, df: ArrayLike, correction: str = "exact"
) -> tuple[Array, Array]:
    """Hedges' g from a reported Cohen's d.

    Parameters
    ----------
    d, se : standardised difference without small-sample correction, and its SE
    df : degrees of freedom of the SD, n1 + n2 - 2 for two independent arms
    correction : "exact", "approx" or "none"

    Returns
    -------
    (g, SE of g), both by the same factor J; NaN where df <= 1

    Raises
    ------
    TrialpoolError
        for an unknown correction

    References
    ----------
    Hedges 1981, J Educ Stat 6:107, eq. 6e
    """
    value, error = _floats(d, se)
    factor = small_sample_factor(df, correction)
    return np.asarray(factor * value), np.asarray(factor * error)


@same_rows
def log_ratio(
    ratio: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    level: float = 0.95,
    df: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """Log of a reported ratio and its standard error, from the confidence interval.

    Parameters
    ----------
    ratio, low, high : odds, risk or hazard ratio with its bounds, > 0, any shape that broadcasts
    level, df : as in `se_from_ci`

    Returns
    -------
    (log ratio, SE), NaN where a value is not positive

    Raises
    ------
    TrialpoolError
        if level is not between 0 and 1
    """
    logs = [np.log(np.where(x > 0, x, NAN)) for x in _floats(ratio, low, high)]
    return logs[0], se_from_ci(logs[1], logs[2], level, df)
