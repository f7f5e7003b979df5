"""Ratios of means and of variability: two independent arms, or the same people twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from trialpool.effects.continuous import COLUMNS, arm_rules, pooled_variance
from trialpool.effects.paired import COLUMNS as PAIRED
from trialpool.effects.paired import pair_rules
from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.effects.scales import LOG
from trialpool.results import Array

# The correction of a logarithm is of second order; it bears the name "exact" so that one value
# of `correction` means "corrected" for all measures.
CORRECTIONS = ("exact", "none")

_OF_CV = "ratio of coefficients of variation"
# Neither more nor less variability is a benefit, whatever a review says of the scores.
_SPREAD: dict[str, Any] = {"above": "more variable", "below": "less variable", "valued": False}


def _signs(m1i: Array, m2i: Array) -> Rule:
    return ~(m1i * m2i > 0), "means are 0 or of opposite sign"


def _positive(**columns: Array) -> list[Rule]:
    return [(column <= 0, f"{name} <= 0") for name, column in columns.items()]


@measure(
    "ROM",
    title="ratio of means",
    short="RoM",
    scale=LOG,
    paired="ROMC",
    reported=("ROM",),
    needs=COLUMNS,
    choices={"variance": ("LS", "HO"), "correction": CORRECTIONS},
)
def log_ratio_of_means(
    m1i: Array,
    sd1i: Array,
    n1i: Array,
    m2i: Array,
    sd2i: Array,
    n2i: Array,
    *,
    variance: str = "LS",
    correction: str = "exact",
) -> Estimate:
    """Log of the mean of arm 1 over the mean of arm 2 (log response ratio).

    Parameters
    ----------
    m1i, sd1i, n1i, m2i, sd2i, n2i : (k,) mean, SD and number per arm; means of the same sign, of
        a scale with a true zero
    variance : "LS": each arm has its own SD; "HO": one pooled SD for both arms
    correction
        "exact": plus (sd1^2/(n1 m1^2) - sd2^2/(n2 m2^2))/2, which removes the bias of the
        logarithm to second order; "none": the plain log ratio, which needs no SD

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Hedges, Gurevitch & Curtis 1999, Ecology 80:1150; Lajeunesse 2015, Ecology 96:2056 (correction)
    """
    c1, c2 = sd1i**2 / (n1i * m1i**2), sd2i**2 / (n2i * m2i**2)
    yi = np.log(m1i / m2i)
    if correction == "exact":
        yi = yi + (c1 - c2) / 2
    if variance == "HO":
        both = pooled_variance(sd1i, n1i, sd2i, n2i)
        vi = both * (1 / (n1i * m1i**2) + 1 / (n2i * m2i**2))
    else:
        vi = c1 + c2
    rules = [_signs(m1i, m2i), *arm_rules(sd1i, sd2i, n1i, n2i)]
    return Estimate(yi, vi, f"ROM, {correction} correction, {variance} variance", rules)


@measure("CVR", title=_OF_CV, scale=LOG, **_SPREAD, paired="CVRC", needs=COLUMNS)
def log_ratio_of_cv(
    m1i: Array, sd1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array
) -> Estimate:
    """Log of the coefficient of variation of arm 1 over that of arm 2, corrected for bias.

    Parameters
    ----------
    m1i, sd1i, n1i, m2i, sd2i, n2i : (k,) mean > 0, SD > 0 and number, at least 2, per arm

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Nakagawa et al. 2015, Methods Ecol Evol 6:143, eq. 11 and 12; Senior, Viechtbauer & Nakagawa
    2020, Res Synth Methods 11:553 (correction)
    """
    c1, c2 = sd1i**2 / (n1i * m1i**2), sd2i**2 / (n2i * m2i**2)
    h1, h2 = 1 / (2 * (n1i - 1)), 1 / (2 * (n2i - 1))
    yi = np.log(sd1i / m1i) - np.log(sd2i / m2i) + (h1 - h2) - (c1 - c2) / 2
    rules = [*_positive(m1i=m1i, m2i=m2i, sd1i=sd1i, sd2i=sd2i), *_at_least_2(n1i, n2i)]
    return Estimate(yi, c1 + c2 + h1 + h2, "log CVR, corrected", rules)


def _at_least_2(n1i: Array, n2i: Array) -> list[Rule]:
    return [(n1i < 2, "n1i < 2"), (n2i < 2, "n2i < 2")]


@measure(
    "VR",
    title="ratio of standard deviations",
    scale=LOG,
    **_SPREAD,
    paired="VRC",
    needs=("sd1i", "n1i", "sd2i", "n2i"),
    ignores=("m1i", "m2i"),
)
def log_ratio_of_sd(sd1i: Array, n1i: Array, sd2i: Array, n2i: Array) -> Estimate:
    """Log of the SD of arm 1 over the SD of arm 2, corrected for bias.

    Parameters
    ----------
    sd1i, n1i, sd2i, n2i : (k,) SD > 0 and number, at least 2, per arm

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Nakagawa et al. 2015, Methods Ecol Evol 6:143, eq. 9 and 10
    """
    h1, h2 = 1 / (2 * (n1i - 1)), 1 / (2 * (n2i - 1))
    rules = [*_positive(sd1i=sd1i, sd2i=sd2i), *_at_least_2(n1i, n2i)]
    return Estimate(np.log(sd1i / sd2i) + (h1 - h2), h1 + h2, "log VR, corrected", rules)


@measure(
    "ROMC",
    title="ratio of means",
    short="RoM",
    scale=LOG,
    needs=PAIRED,
    choices={"correction": CORRECTIONS},
)
def paired_log_ratio_of_means(
    m1i: Array,
    sd1i: Array,
    m2i: Array,
    sd2i: Array,
    ni: Array,
    ri: Array,
    *,
    correction: str = "exact",
) -> Estimate:
    """Log of the mean under condition 1 over the mean under condition 2, in the same people.

    Parameters
    ----------
    m1i, sd1i, m2i, sd2i, ni, ri : (k,) as for MC; means of the same sign
    correction : "exact" or "none", as for ROM

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Lajeunesse 2011, Ecology 92:2049; Lajeunesse 2015, Ecology 96:2056 (correction)
    """
    v1, v2 = sd1i / m1i, sd2i / m2i
    yi = np.log(m1i / m2i)
    if correction == "exact":
        yi = yi + (v1**2 - v2**2) / (2 * ni)
    vi = (v1**2 + v2**2 - 2 * ri * v1 * v2) / ni
    rules = [_signs(m1i, m2i), *pair_rules(sd1i, sd2i, ni, ri)]
    return Estimate(yi, vi, f"ROMC, {correction} correction", rules)


@measure("CVRC", title=_OF_CV, scale=LOG, **_SPREAD, needs=PAIRED)
def paired_log_ratio_of_cv(
    m1i: Array, sd1i: Array, m2i: Array, sd2i: Array, ni: Array, ri: Array
) -> Estimate:
    """Log of the coefficient of variation under condition 1 over that under condition 2.

    Parameters
    ----------
    m1i, sd1i, m2i, sd2i, ni, ri : (k,) as for MC; means and SDs > 0, at least 2 pairs

    Returns
    -------
    Effects on the log scale, corrected for bias

    References
    ----------
    Nakagawa et al. 2015, Methods Ecol Evol 6:143; Senior, Viechtbauer & Nakagawa 2020, Res Synth
    Methods 11:553
    """
    v1, v2 = sd1i / m1i, sd2i / m2i
    yi = np.log(v1) - np.log(v2) - (v1**2 - v2**2) / (2 * ni)
    means = (v1**2 + v2**2 - 2 * ri * v1 * v2) / ni
    vi = means + (1 - ri**2) / (ni - 1)
    rules = [
        *pair_rules(sd1i, sd2i, ni, ri),
        *_positive(m1i=m1i, m2i=m2i, sd1i=sd1i, sd2i=sd2i),
        (ni < 2, "ni < 2"),
    ]
    return Estimate(yi, vi, "log CVR, paired, corrected", rules)


@measure(
    "VRC",
    title="ratio of standard deviations",
    scale=LOG,
    **_SPREAD,
    needs=("sd1i", "sd2i", "ni", "ri"),
    ignores=("m1i", "m2i"),
)
def paired_log_ratio_of_sd(sd1i: Array, sd2i: Array, ni: Array, ri: Array) -> Estimate:
    """Log of the SD under condition 1 over the SD under condition 2, in the same people.

    Parameters
    ----------
    sd1i, sd2i, ni, ri : (k,) as for MC; SDs > 0, at least 2 pairs

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Nakagawa et al. 2015, Methods Ecol Evol 6:143
    """
    rules = [
        *pair_rules(sd1i, sd2i, ni, ri),
        *_positive(sd1i=sd1i, sd2i=sd2i),
        (ni < 2, "ni < 2"),
    ]
    return Estimate(np.log(sd1i / sd2i), (1 - ri**2) / (ni - 1), "log VR, paired", rules)
