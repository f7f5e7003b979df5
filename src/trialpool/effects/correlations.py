"""Correlations of two continuous variables: raw, unbiased, Fisher's z."""

from __future__ import annotations

import numpy as np

from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.effects.scales import FISHER_Z
from trialpool.effects.small_sample import mean_by_size
from trialpool.results import Array

COLUMNS = ("ri", "ni")


def correlation_from_t(ti: Array, ni: Array) -> Array:
    """Correlation from the t statistic that tests it, t = r sqrt((n - 2)/(1 - r^2)); (k,)."""
    return np.asarray(ti / np.sqrt(ti**2 + ni - 2))


DERIVED = {"ri": (("ti", "ni"), correlation_from_t)}


def correlation_rules(ri: Array, ni: Array, more_than: int) -> list[Rule]:
    """What a correlation cannot be, and how many people its formula needs."""
    return [
        (np.abs(ri) > 1, "ri outside -1 to 1"),
        (ni <= more_than, f"ni <= {more_than}"),
    ]


@measure(
    "COR",
    title="correlation",
    short="r",
    needs=COLUMNS,
    derived=DERIVED,
    choices={"variance": ("LS", "AV")},
)
def correlation(ri: Array, ni: Array, *, variance: str = "LS") -> Estimate:
    """Pearson correlation.

    Parameters
    ----------
    ri, ni : (k,) correlation and number of people; ti, the t statistic of the correlation, may
        stand in for ri
    variance
        "LS": (1 - r^2)^2/(n - 1); "AV": the same, with the mean of all r, weighted by n, in place
        of each study's own

    Returns
    -------
    Effects from -1 to 1

    References
    ----------
    Borenstein 2009, in Cooper, Hedges & Valentine, eq. 12.27
    """
    rules = correlation_rules(ri, ni, more_than=1)
    r = mean_by_size(ri, ni, rules) if variance == "AV" else ri
    vi = (1 - r**2) ** 2 / (ni - 1)
    return Estimate(ri, vi, f"r, {variance} variance", rules)


@measure(
    "ZCOR",
    title="correlation",
    form="pooled as Fisher's z",
    short="r",
    scale=FISHER_Z,
    needs=COLUMNS,
    derived=DERIVED,
)
def fisher_z(ri: Array, ni: Array) -> Estimate:
    """Fisher's z of the Pearson correlation.

    Parameters
    ----------
    ri, ni : (k,) as for COR, |ri| < 1

    Returns
    -------
    Effects on the scale of z = atanh(r); the variance 1/(n - 3) needs more than 3 people

    References
    ----------
    Fisher 1921, Metron 1:3
    """
    rules = [*correlation_rules(ri, ni, more_than=1), (np.abs(ri) == 1, "ri is -1 or 1")]
    return Estimate(np.arctanh(ri), 1 / (ni - 3), "Fisher's z", rules, [(ni <= 3, "ni <= 3")])


@measure(
    "UCOR",
    title="correlation",
    form="unbiased",
    short="r",
    needs=COLUMNS,
    derived=DERIVED,
    choices={"variance": ("LS", "UB", "AV")},
)
def unbiased_correlation(ri: Array, ni: Array, *, variance: str = "LS") -> Estimate:
    """Pearson correlation corrected for its bias toward 0 (Olkin & Pratt).

    Parameters
    ----------
    ri, ni : (k,) as for COR, more than 4 people
    variance
        "LS" and "AV" as for COR, from the corrected correlations; "UB": the unbiased form

    Returns
    -------
    Effects from -1 to 1

    References
    ----------
    Olkin & Pratt 1958, Ann Math Stat 29:201, eq. 2.3; Hedges 1989, J Appl Psychol 74:469 (UB)
    """
    rules = correlation_rules(ri, ni, more_than=4)
    usable = np.where(ni > 4, ni, np.nan)
    corrected = ri * _gauss_2f1(1 / 2, (usable - 2) / 2, ri**2)
    if variance == "UB":
        # Unbiased for the square of the correlation in the population.
        square = 1 - (ni - 3) / (ni - 2) * (1 - ri**2) * _gauss_2f1(1, usable / 2, ri**2)
        vi = corrected**2 - square
    else:
        r = mean_by_size(corrected, ni, rules) if variance == "AV" else corrected
        vi = (1 - r**2) ** 2 / (ni - 1)
    return Estimate(corrected, vi, f"unbiased r, {variance} variance", rules)


# Grid of the integral below: at this step the trapezoid rule is exact to rounding, and beyond
# these ends the integrand is below 1e-17 of its sum for every n > 4.
_STEP, _END = 0.25, 80.0
_TOGETHER = 64  # correlations worked on at a time: 40,000 at once would take a gigabyte


def _gauss_2f1(a: float, c: Array, square: Array) -> Array:
    """Gauss' hypergeometric function 2F1(a, a; c; 1 - r^2) for c >= 3/2, square = r^2; (k,).

    Euler's integral, in the logarithm of its variable: over the whole line the trapezoid rule
    converges exponentially. (scipy's hyp2f1 is NaN for small correlations of many people when n
    is even.)

    References
    ----------
    Abramowitz & Stegun 1972, eq. 15.3.1; Trefethen & Weideman 2014, SIAM Rev 56:385
    """
    size, of = np.unique(c, return_inverse=True)
    x = np.arange(-_END, _END, _STEP) - np.log(size)[:, None]
    grow = np.logaddexp(0, x)
    weight = np.exp(a * x - size[:, None] * grow)
    log_square = np.log(np.maximum(square, 1e-300))[:, None]
    parts = [np.empty(0)]
    for start in range(0, len(c), _TOGETHER):
        here = slice(start, start + _TOGETHER)
        at = of[here]
        ratio = np.exp(a * (grow[at] - np.logaddexp(0, x[at] + log_square[here])))
        parts.append((weight[at] * ratio).sum(axis=1) / weight[at].sum(axis=1))
    return np.concatenate(parts)
