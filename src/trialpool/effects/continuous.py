"""Two independent arms, continuous outcome: mean difference and standardised mean difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from trialpool.effects.registry import Rule, choice, finish, measure, none_of, reasons_for
from trialpool.results import NAN, Array, EffectSizes

COLUMNS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
CORRECTIONS = ("exact", "approx", "none")
# Each variance formula goes with the small-sample correction its authors use.
VARIANCES = {"LS": "exact", "UB": "exact", "RevMan": "approx", "Metapsy": "approx"}

# gamma(x + 1/2)/(gamma(x) sqrt(x)) in powers of 1/x: below rounding error from x = 50 on.
_SERIES_FROM = 100.0
_GAMMA_RATIO = (1, -1 / 8, 1 / 128, 5 / 1024, -21 / 32768, -399 / 262144, 869 / 4194304)


def small_sample_factor(df: ArrayLike, correction: str = "exact") -> Array:
    """Factor J that removes the small-sample bias of a standardised difference, g = J d.

    Parameters
    ----------
    df : degrees of freedom of the standardiser, any shape
    correction : "exact" (ratio of gamma functions), "approx" (1 - 3/(4 df - 1)) or "none" (1)

    Returns
    -------
    J, same shape as df; NaN where df <= 1, where no unbiased factor exists

    References
    ----------
    Hedges 1981, J Educ Stat 6:107, eq. 6e (exact) and its approximation; Tricomi & Erdelyi 1951,
    Pac J Math 1:133 (series of the gamma ratio)
    """
    choice("correction", correction, CORRECTIONS)
    m = np.asarray(df, dtype=np.float64)
    usable = np.where(m > 1, m, NAN)
    if correction == "none":
        return np.where(m > 0, 1.0, NAN)
    if correction == "approx":
        return np.asarray(1 - 3 / (4 * usable - 1))
    # Log-gamma keeps the small ones exact; for large df its difference cancels, and the
    # asymptotic series of the ratio is exact instead.
    small, large = np.minimum(usable, _SERIES_FROM), np.maximum(usable, _SERIES_FROM)
    log_j = gammaln(small / 2) - np.log(small / 2) / 2 - gammaln((small - 1) / 2)
    series = np.polynomial.polynomial.polyval(2 / (large - 1), _GAMMA_RATIO)
    return np.where(usable < _SERIES_FROM, np.exp(log_j), np.sqrt(1 - 1 / large) * series)


@measure("MD", needs=COLUMNS)
def mean_difference(
    m1i: Array, sd1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array
) -> EffectSizes:
    """Mean of arm 1 minus mean of arm 2, in the units of the scale, without pooling the SDs.

    Where only an SD or a number is missing the difference is kept and its variance is NaN.
    """
    columns = dict(zip(COLUMNS, (m1i, sd1i, n1i, m2i, sd2i, n2i), strict=True))
    rules: list[Rule] = [
        (sd1i < 0, "sd1i < 0"),
        (sd2i < 0, "sd2i < 0"),
        (n1i < 1, "n1i < 1"),
        (n2i < 1, "n2i < 1"),
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        vi = sd1i**2 / n1i + sd2i**2 / n2i
    return finish(
        m1i - m2i,
        vi,
        measure="MD",
        formula="MD, unpooled SDs",
        reason=reasons_for(columns, rules),
        known=none_of(rules) & np.isfinite(m1i - m2i),
    )


@measure("SMD", needs=COLUMNS)
def standardised_mean_difference(
    m1i: Array,
    sd1i: Array,
    n1i: Array,
    m2i: Array,
    sd2i: Array,
    n2i: Array,
    *,
    variance: str = "LS",
    correction: str | None = None,
) -> EffectSizes:
    """Mean difference over the pooled SD, corrected for small samples (Hedges' g).

    Parameters
    ----------
    m1i, sd1i, n1i, m2i, sd2i, n2i : (k,) mean, SD and number analysed per arm; n1i + n2i > 3
    variance
        "LS": 1/n1 + 1/n2 + g^2/(2 N), the large-sample form, as metafor;
        "UB": 1/n1 + 1/n2 + (1 - (df - 2)/(df J^2)) g^2, the unbiased form;
        "RevMan": 1/n1 + 1/n2 + g^2/(2 (N - 3.94)), as RevMan and statsmodels;
        "Metapsy": 1/n1 + 1/n2 + d^2/(2 N), with d before correction, as the Metapsy databases
    correction
        "exact", "approx" or "none"; not given: the one that belongs to the variance (exact for
        LS and UB, approx for RevMan and Metapsy)

    Returns
    -------
    EffectSizes, yi and vi of shape (k,), in standard deviations and their square

    Raises
    ------
    TrialpoolError
        for an unknown variance or correction

    References
    ----------
    Hedges 1981, J Educ Stat 6:107; Hedges & Olkin 1985, p. 86 (LS);
    Hedges 1983, Psychol Bull 93:388 (UB);
    Deeks & Higgins 2010, Statistical algorithms in Review Manager 5 (RevMan)
    """
    choice("variance", variance, tuple(VARIANCES))
    correction = VARIANCES[variance] if correction is None else correction
    choice("correction", correction, CORRECTIONS)
    total = n1i + n2i
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.sqrt(((n1i - 1) * sd1i**2 + (n2i - 1) * sd2i**2) / (total - 2))
        d = (m1i - m2i) / pooled
        df = total - 2
        j = small_sample_factor(df, correction)
        g = j * d
        shape = {
            "LS": g**2 / (2 * total),
            "UB": (1 - (df - 2) / (df * j**2)) * g**2,
            "RevMan": g**2 / (2 * (total - 3.94)),
            "Metapsy": d**2 / (2 * total),
        }[variance]
        vi = 1 / n1i + 1 / n2i + shape
    columns = dict(zip(COLUMNS, (m1i, sd1i, n1i, m2i, sd2i, n2i), strict=True))
    reason = reasons_for(
        columns,
        [
            (sd1i < 0, "sd1i < 0"),
            (sd2i < 0, "sd2i < 0"),
            (n1i < 1, "n1i < 1"),
            (n2i < 1, "n2i < 1"),
            (total < 4, "n1i + n2i < 4"),
            (pooled == 0, "pooled SD is 0"),
        ],
    )
    formula = f"SMD, {correction} correction, {variance} variance"
    return finish(g, vi, measure="SMD", formula=formula, reason=reason)
