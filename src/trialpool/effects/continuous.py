"""Two independent arms, continuous outcome: differences of means, raw and standardised."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.effects.small_sample import (
    CORRECTIONS,
    mean_by_size,
    small_sample_factor,
    unbiased_shape,
)
from trialpool.results import Array

COLUMNS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
# Each variance formula goes with the small-sample correction its authors use.
VARIANCES = {
    "LS": "exact",
    "UB": "exact",
    "RevMan": "approx",
    "Metapsy": "approx",
    "LS2": "exact",
    "AV": "exact",
}


def arm_rules(sd1i: Array, sd2i: Array, n1i: Array, n2i: Array, least: int = 1) -> list[Rule]:
    """What no arm can have: a negative SD, fewer people than the formula needs."""
    return [
        (sd1i < 0, "sd1i < 0"),
        (sd2i < 0, "sd2i < 0"),
        (n1i < least, f"n1i < {least}"),
        (n2i < least, f"n2i < {least}"),
    ]


class CohensD(NamedTuple):
    """Mean difference over the pooled SD, its degrees of freedom, and where there is none."""

    d: Array
    df: Array
    rules: list[Rule]


def pooled_variance(sd1i: Array, n1i: Array, sd2i: Array, n2i: Array) -> Array:
    """Variance within arms, weighted by degrees of freedom; shape (k,)."""
    return np.asarray(((n1i - 1) * sd1i**2 + (n2i - 1) * sd2i**2) / (n1i + n2i - 2))


def cohens_d(m1i: Array, sd1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array) -> CohensD:
    """Cohen's d before any correction; all shapes (k,)."""
    pooled = np.sqrt(pooled_variance(sd1i, n1i, sd2i, n2i))
    rules = [
        *arm_rules(sd1i, sd2i, n1i, n2i),
        (n1i + n2i < 4, "n1i + n2i < 4"),
        (pooled == 0, "pooled SD is 0"),
    ]
    return CohensD((m1i - m2i) / pooled, n1i + n2i - 2, rules)


@measure(
    "MD",
    title="mean difference",
    unit="points",
    paired="MC",
    reported=("MD",),
    needs=COLUMNS,
    choices={"variance": ("LS", "HO")},
)
def mean_difference(
    m1i: Array,
    sd1i: Array,
    n1i: Array,
    m2i: Array,
    sd2i: Array,
    n2i: Array,
    *,
    variance: str = "LS",
) -> Estimate:
    """Mean of arm 1 minus mean of arm 2.

    Parameters
    ----------
    m1i, sd1i, n1i, m2i, sd2i, n2i : (k,) mean, SD and number analysed per arm
    variance : "LS": each arm has its own SD; "HO": one pooled SD for both arms

    Returns
    -------
    Effects in the units of the scale. Where only an SD or a number is missing the difference is
    kept and its variance is NaN

    References
    ----------
    Borenstein 2009, in Cooper, Hedges & Valentine, eq. 12.5 (LS) and 12.3 (HO)
    """
    if variance == "HO":
        vi = pooled_variance(sd1i, n1i, sd2i, n2i) * (1 / n1i + 1 / n2i)
    else:
        vi = sd1i**2 / n1i + sd2i**2 / n2i
    formula = "MD, pooled SD" if variance == "HO" else "MD, unpooled SDs"
    return Estimate(m1i - m2i, vi, formula, arm_rules(sd1i, sd2i, n1i, n2i))


@measure(
    "SMD",
    title="standardised mean difference",
    form="Hedges g",
    unit="SD",
    paired="SMCRP",
    reported=("D", "G", "MD"),
    needs=COLUMNS,
    choices={"variance": tuple(VARIANCES), "correction": CORRECTIONS},
)
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
) -> Estimate:
    """Mean difference over the pooled SD, corrected for small samples (Hedges' g).

    Parameters
    ----------
    m1i, sd1i, n1i, m2i, sd2i, n2i : (k,) mean, SD and number analysed per arm; n1i + n2i > 3
    variance
        "LS": 1/n1 + 1/n2 + g^2/(2 N), the large-sample form, as metafor;
        "UB": 1/n1 + 1/n2 + (1 - (df - 2)/(df J^2)) g^2, the unbiased form;
        "RevMan": 1/n1 + 1/n2 + g^2/(2 (N - 3.94)), as RevMan and statsmodels;
        "Metapsy": 1/n1 + 1/n2 + d^2/(2 N), with d before correction, as the Metapsy databases;
        "LS2": J^2 (1/n1 + 1/n2 + d^2/(2 N)), as Borenstein;
        "AV": as LS, with the mean of all g, weighted by N, in place of each study's own
    correction
        "exact", "approx" or "none"; not given: the one that belongs to the variance (approx for
        RevMan and Metapsy, exact for the others)

    Returns
    -------
    Effects in standard deviations

    References
    ----------
    Hedges 1981, J Educ Stat 6:107; Hedges & Olkin 1985, p. 86 (LS);
    Hedges 1983, Psychol Bull 93:388 (UB); Borenstein 2009, in Cooper, Hedges & Valentine,
    eq. 12.17 (LS2);
    Deeks & Higgins 2010, Statistical algorithms in Review Manager 5 (RevMan)
    """
    correction = VARIANCES[variance] if correction is None else correction
    d, df, rules = cohens_d(m1i, sd1i, n1i, m2i, sd2i, n2i)
    total = n1i + n2i
    j = small_sample_factor(df, correction)
    g = j * d
    sizes = 1 / n1i + 1 / n2i
    vi = {
        "LS": lambda: sizes + g**2 / (2 * total),
        "UB": lambda: sizes + unbiased_shape(g, j, df),
        "RevMan": lambda: sizes + g**2 / (2 * (total - 3.94)),
        "Metapsy": lambda: sizes + d**2 / (2 * total),
        "LS2": lambda: j**2 * (sizes + d**2 / (2 * total)),
        "AV": lambda: sizes + mean_by_size(g, total, rules) ** 2 / (2 * total),
    }[variance]()
    return Estimate(g, vi, f"SMD, {correction} correction, {variance} variance", rules)


@measure(
    "SMDH",
    title="standardised mean difference, unequal variances",
    short="SMD",
    unit="SD",
    paired="SMCRPH",
    needs=COLUMNS,
    choices={"correction": CORRECTIONS},
)
def smd_unequal_variances(
    m1i: Array,
    sd1i: Array,
    n1i: Array,
    m2i: Array,
    sd2i: Array,
    n2i: Array,
    *,
    correction: str = "exact",
) -> Estimate:
    """Mean difference over sqrt((sd1^2 + sd2^2)/2), for arms with different variances.

    Parameters
    ----------
    m1i, sd1i, n1i, m2i, sd2i, n2i : (k,) as for SMD, at least 2 people per arm
    correction : "exact", "approx" or "none", with n1 + n2 - 2 degrees of freedom

    Returns
    -------
    Effects in standard deviations

    References
    ----------
    Bonett 2008, Psychol Methods 13:99; Bonett 2009, Psychol Methods 14:225
    """
    square = (sd1i**2 + sd2i**2) / 2
    g = small_sample_factor(n1i + n2i - 2, correction) * (m1i - m2i) / np.sqrt(square)
    df1, df2 = n1i - 1, n2i - 1
    means = (sd1i**2 / df1 + sd2i**2 / df2) / square
    vi = means + g**2 * (sd1i**4 / df1 + sd2i**4 / df2) / (8 * square**2)
    rules = [*arm_rules(sd1i, sd2i, n1i, n2i, least=2), (square == 0, "both SDs are 0")]
    return Estimate(g, vi, f"SMD, averaged variances, {correction} correction", rules)


def _glass(
    m1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array, correction: str
) -> tuple[Array, list[Rule]]:
    """Mean difference over the SD of arm 2, and where there is none."""
    rules = [
        (sd2i < 0, "sd2i < 0"),
        (n1i < 1, "n1i < 1"),
        (n2i < 3, "n2i < 3"),
        (sd2i == 0, "sd2i is 0"),
    ]
    return small_sample_factor(n2i - 1, correction) * (m1i - m2i) / sd2i, rules


@measure(
    "SMD1",
    title="standardised mean difference",
    form="Glass' delta",
    short="SMD",
    unit="SD",
    needs=("m1i", "n1i", "m2i", "sd2i", "n2i"),
    ignores=("sd1i",),
    choices={"correction": CORRECTIONS},
)
def smd_by_second_arm(
    m1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array, *, correction: str = "exact"
) -> Estimate:
    """Mean difference over the SD of arm 2, the control (Glass' delta).

    Parameters
    ----------
    m1i, n1i, m2i, sd2i, n2i : (k,) as for SMD, at least 3 people in arm 2
    correction : "exact", "approx" or "none", with n2 - 1 degrees of freedom

    Returns
    -------
    Effects in standard deviations of arm 2; the variance takes both arms' SDs to be equal

    References
    ----------
    Glass 1976, Educ Res 5:3; Hedges 1981, J Educ Stat 6:107
    """
    g, rules = _glass(m1i, n1i, m2i, sd2i, n2i, correction)
    vi = 1 / n1i + 1 / n2i + g**2 / (2 * n2i)
    return Estimate(g, vi, f"SMD by arm 2, {correction} correction", rules)


@measure(
    "SMD1H",
    title="standardised mean difference, unequal variances",
    form="Glass' delta",
    short="SMD",
    unit="SD",
    needs=COLUMNS,
    choices={"correction": CORRECTIONS},
)
def smd_by_second_arm_unequal_variances(
    m1i: Array,
    sd1i: Array,
    n1i: Array,
    m2i: Array,
    sd2i: Array,
    n2i: Array,
    *,
    correction: str = "exact",
) -> Estimate:
    """Mean difference over the SD of arm 2, for arms with different variances.

    Parameters and effects as for SMD1, with at least 2 people in arm 1.

    References
    ----------
    Bonett 2008, Psychol Methods 13:99; Bonett 2009, Psychol Methods 14:225
    """
    g, rules = _glass(m1i, n1i, m2i, sd2i, n2i, correction)
    df1, df2 = n1i - 1, n2i - 1
    vi = sd1i**2 / sd2i**2 / df1 + 1 / df2 + g**2 / (2 * df2)
    rules = [*rules, (sd1i < 0, "sd1i < 0"), (n1i < 2, "n1i < 2")]
    return Estimate(g, vi, f"SMD by arm 2, unequal variances, {correction} correction", rules)
