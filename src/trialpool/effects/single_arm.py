"""One group, continuous outcome: its mean and its spread."""

from __future__ import annotations

import numpy as np

from trialpool.effects.ratios import CORRECTIONS as LOG_CORRECTIONS
from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.effects.scales import LOG
from trialpool.effects.small_sample import CORRECTIONS, small_sample_factor
from trialpool.results import Array

COLUMNS = ("mi", "sdi", "ni")


def _rules(sdi: Array, ni: Array, least: int) -> list[Rule]:
    return [(sdi < 0, "sdi < 0"), (ni < least, f"ni < {least}")]


@measure("MN", title="mean", unit="points", needs=COLUMNS)
def mean(mi: Array, sdi: Array, ni: Array) -> Estimate:
    """Mean.

    Parameters
    ----------
    mi, sdi, ni : (k,) mean, SD of the observations (not the SE), and number

    Returns
    -------
    Effects in the units of the scale; kept without a variance where only sdi or ni is missing

    References
    ----------
    Cochrane Handbook 6.4, section 6.5
    """
    return Estimate(mi, sdi**2 / ni, "mean", _rules(sdi, ni, least=1))


@measure(
    "MNLN",
    title="mean",
    form="pooled as a logarithm",
    short="MN",
    scale=LOG,
    needs=COLUMNS,
    choices={"correction": LOG_CORRECTIONS},
)
def log_mean(mi: Array, sdi: Array, ni: Array, *, correction: str = "exact") -> Estimate:
    """Log of the mean.

    Parameters
    ----------
    mi, sdi, ni : (k,) as for MN, mi > 0
    correction
        "exact": plus sd^2/(2 n m^2), so that the difference of two is ROM; "none": the plain log

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Hedges, Gurevitch & Curtis 1999, Ecology 80:1150; Lajeunesse 2015, Ecology 96:2056 (correction)
    """
    vi = sdi**2 / (ni * mi**2)
    yi = np.log(mi) + (vi / 2 if correction == "exact" else 0)
    rules = [(mi <= 0, "mi <= 0"), *_rules(sdi, ni, least=1)]
    return Estimate(yi, vi, f"log mean, {correction} correction", rules)


@measure(
    "SDLN",
    title="standard deviation",
    form="pooled as a logarithm",
    short="SD",
    scale=LOG,
    needs=("sdi", "ni"),
    ignores=("mi",),
)
def log_sd(sdi: Array, ni: Array) -> Estimate:
    """Log of the SD, corrected for bias; the difference of two is VR.

    Parameters
    ----------
    sdi, ni : (k,) SD > 0 and number, at least 2

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Raudenbush & Bryk 1987, J Educ Stat 12:241; Nakagawa et al. 2015, Methods Ecol Evol 6:143
    """
    half = 1 / (2 * (ni - 1))
    rules = [(sdi == 0, "sdi is 0"), *_rules(sdi, ni, least=2)]
    return Estimate(np.log(sdi) + half, half, "log SD, corrected", rules)


@measure(
    "CVLN",
    title="coefficient of variation",
    form="pooled as a logarithm",
    short="CV",
    scale=LOG,
    needs=COLUMNS,
)
def log_cv(mi: Array, sdi: Array, ni: Array) -> Estimate:
    """Log of the coefficient of variation, corrected for bias; the difference of two is CVR.

    Parameters
    ----------
    mi, sdi, ni : (k,) mean > 0, SD > 0 and number, at least 2

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Nakagawa et al. 2015, Methods Ecol Evol 6:143, eq. 26 and 27; Senior, Viechtbauer & Nakagawa
    2020, Res Synth Methods 11:553 (correction)
    """
    of_mean, half = sdi**2 / (ni * mi**2), 1 / (2 * (ni - 1))
    yi = np.log(sdi / mi) + half - of_mean / 2
    rules = [(mi <= 0, "mi <= 0"), (sdi == 0, "sdi is 0"), *_rules(sdi, ni, least=2)]
    return Estimate(yi, of_mean + half, "log CV, corrected", rules)


@measure(
    "SMN", title="standardised mean", unit="SD", needs=COLUMNS, choices={"correction": CORRECTIONS}
)
def standardised_mean(mi: Array, sdi: Array, ni: Array, *, correction: str = "exact") -> Estimate:
    """Mean, or its distance from a fixed value, over the SD.

    Parameters
    ----------
    mi, sdi, ni : (k,) mean (minus the fixed value), SD > 0 and number, at least 3
    correction : "exact", "approx" or "none", with n - 1 degrees of freedom

    Returns
    -------
    Effects in standard deviations; variance 1/n + g^2/(2 n)

    References
    ----------
    Hedges 1981, J Educ Stat 6:107; Gibbons, Hedeker & Davis 1993, J Educ Stat 18:271
    """
    g = small_sample_factor(ni - 1, correction) * mi / sdi
    rules = [(sdi == 0, "sdi is 0"), *_rules(sdi, ni, least=3)]
    return Estimate(g, 1 / ni + g**2 / (2 * ni), f"SMN, {correction} correction", rules)
