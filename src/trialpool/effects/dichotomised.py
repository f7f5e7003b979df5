"""Between continuous and dichotomous outcomes: SMDs from counts of events, ORs from means.

Both rest on an outcome that was, or could be, cut in two: normal (N) or logistic (L) in each arm.
"""

from __future__ import annotations

import math

import numpy as np

from trialpool.effects import special
from trialpool.effects.continuous import COLUMNS as MEANS
from trialpool.effects.continuous import cohens_d
from trialpool.effects.registry import Estimate, measure
from trialpool.effects.scales import LOG
from trialpool.effects.zero_cells import CHOICES, COLUMNS, SUMS, Cells, described, two_by_two
from trialpool.results import Array

# Log odds ratio per standard deviation of the outcome.
NORMAL = 1.65
LOGISTIC = math.pi / math.sqrt(3)


def probit_variance(p: Array, n: Array) -> Array:
    """Sampling variance of the normal quantile of a proportion, shape (k,) (delta method)."""
    z = special.ndtri(p)
    return np.asarray(2 * math.pi * p * (1 - p) * np.exp(z**2) / n)


@measure("PBIT", title="probit difference", unit="SD", needs=COLUMNS, sums=SUMS, choices=CHOICES)
def probit_difference(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Difference of the probits of two risks: an SMD if the outcome is normal.

    Parameters and missing values as for OR.

    Returns
    -------
    Effects in standard deviations of the outcome that was cut in two

    References
    ----------
    Sánchez-Meca, Marín-Martínez & Chacón-Moscoso 2003, Psychol Methods 8:448
    """
    a, b, c, d, rules = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00, positive="abcd")
    p1, p2 = a / (a + b), c / (c + d)
    vi = probit_variance(p1, a + b) + probit_variance(p2, c + d)
    return Estimate(
        special.ndtri(p1) - special.ndtri(p2), vi, f"probit difference, {described(add, to)}", rules
    )


def _d_from_counts(cells: Cells, per_sd: float, policy: str) -> Estimate:
    a, b, c, d, rules = cells
    yi = (np.log(a) + np.log(d) - np.log(b) - np.log(c)) / per_sd
    vi = (1 / a + 1 / b + 1 / c + 1 / d) / per_sd**2
    return Estimate(yi, vi, f"log OR / {per_sd:.4g}, {policy}", rules)


@measure(
    "OR2DN",
    title="standardised mean difference",
    form="from odds ratios, normal",
    short="SMD",
    unit="SD",
    needs=COLUMNS,
    sums=SUMS,
    choices=CHOICES,
)
def d_from_or_normal(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Log odds ratio over 1.65: an SMD if the outcome is normal.

    Parameters and missing values as for OR; effects in standard deviations.

    References
    ----------
    Cox & Snell 1989, Analysis of Binary Data, 2nd ed.; Sánchez-Meca et al. 2003, Psychol Methods
    8:448
    """
    cells = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00, positive="abcd")
    return _d_from_counts(cells, NORMAL, described(add, to))


@measure(
    "OR2DL",
    title="standardised mean difference",
    form="from odds ratios, logistic",
    short="SMD",
    unit="SD",
    needs=COLUMNS,
    sums=SUMS,
    choices=CHOICES,
)
def d_from_or_logistic(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Log odds ratio times sqrt(3)/pi: an SMD if the outcome is logistic.

    Parameters and missing values as for OR; effects in standard deviations.

    References
    ----------
    Hasselblad & Hedges 1995, Psychol Bull 117:167; Chinn 2000, Stat Med 19:3127
    """
    cells = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00, positive="abcd")
    return _d_from_counts(cells, LOGISTIC, described(add, to))


def _or_from_means(
    m1i: Array, sd1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array, per_sd: float
) -> Estimate:
    d, _, rules = cohens_d(m1i, sd1i, n1i, m2i, sd2i, n2i)
    vi = 1 / n1i + 1 / n2i + d**2 / (2 * (n1i + n2i))
    return Estimate(per_sd * d, per_sd**2 * vi, f"{per_sd:.4g} Cohen's d, LS variance", rules)


@measure(
    "D2ORN",
    title="odds ratio",
    form="from mean differences, normal",
    short="OR",
    scale=LOG,
    needs=MEANS,
)
def or_from_d_normal(
    m1i: Array, sd1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array
) -> Estimate:
    """Cohen's d times 1.65: a log odds ratio if the outcome is normal.

    Parameters
    ----------
    m1i, sd1i, n1i, m2i, sd2i, n2i : (k,) as for SMD; no small-sample correction is made

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Cox & Snell 1989, Analysis of Binary Data, 2nd ed.; Sánchez-Meca et al. 2003, Psychol Methods
    8:448
    """
    return _or_from_means(m1i, sd1i, n1i, m2i, sd2i, n2i, NORMAL)


@measure(
    "D2ORL",
    title="odds ratio",
    form="from mean differences, logistic",
    short="OR",
    scale=LOG,
    needs=MEANS,
)
def or_from_d_logistic(
    m1i: Array, sd1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array
) -> Estimate:
    """Cohen's d times pi/sqrt(3): a log odds ratio if the outcome is logistic.

    Parameters and effects as for D2ORN.

    References
    ----------
    Hasselblad & Hedges 1995, Psychol Bull 117:167; Chinn 2000, Stat Med 19:3127
    """
    return _or_from_means(m1i, sd1i, n1i, m2i, sd2i, n2i, LOGISTIC)
