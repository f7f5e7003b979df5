"""The same people under both conditions: crossover trials and matched pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.effects.small_sample import CORRECTIONS, small_sample_factor, unbiased_shape
from trialpool.results import NAN, Array
from trialpool.same_rows import same_rows

COLUMNS = ("m1i", "sd1i", "m2i", "sd2i", "ni", "ri")
TOO_FEW = "too few pairs: df <= 1"


@same_rows
def sd_difference(sd1: ArrayLike, sd2: ArrayLike, r: ArrayLike) -> Array:
    """SD of the within-person difference, from the SDs under each condition.

    Parameters
    ----------
    sd1, sd2 : SDs under the two conditions, any shape that broadcasts
    r : correlation of a person's two values, from -1 to 1

    Returns
    -------
    sqrt(sd1^2 + sd2^2 - 2 r sd1 sd2), in the units of the SDs; NaN for impossible input

    References
    ----------
    Cochrane Handbook 6.4, section 23.2.7
    """
    s1, s2, rho = (np.asarray(x, dtype=np.float64) for x in (sd1, sd2, r))
    bad = (s1 < 0) | (s2 < 0) | ~(np.abs(rho) <= 1)
    square = s1**2 + s2**2 - 2 * rho * s1 * s2
    # Rounding can leave -1e-17 where r = 1 and the SDs agree.
    return np.where(bad, NAN, np.sqrt(np.maximum(square, 0)))


@same_rows
def recover_r(sd1: ArrayLike, sd2: ArrayLike, sd_diff: ArrayLike) -> Array:
    """Within-person correlation implied by a reported SD of the differences.

    Parameters
    ----------
    sd1, sd2, sd_diff : SDs under each condition and of the differences, > 0, same units

    Returns
    -------
    r in [-1, 1]; NaN where the three SDs contradict each other (no r could produce them), so a
    wrong extraction is not turned into a number

    References
    ----------
    Cochrane Handbook 6.4, section 6.5.2.8
    """
    s1, s2, sd = (np.asarray(x, dtype=np.float64) for x in (sd1, sd2, sd_diff))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (s1**2 + s2**2 - sd**2) / (2 * s1 * s2)
    valid = (s1 > 0) & (s2 > 0) & (sd >= 0) & (np.abs(r) <= 1 + 1e-12)
    return np.where(valid, np.clip(r, -1, 1), NAN)


def pair_rules(sd1i: Array, sd2i: Array, ni: Array, ri: Array) -> list[Rule]:
    """What no set of pairs can have."""
    return [
        (sd1i < 0, "sd1i < 0"),
        (sd2i < 0, "sd2i < 0"),
        (ni < 1, "ni < 1"),
        (np.abs(ri) > 1, "ri outside -1 to 1"),
    ]


@measure("MC", title="mean change", short="MD", unit="points", needs=COLUMNS)
def mean_change(m1i: Array, sd1i: Array, m2i: Array, sd2i: Array, ni: Array, ri: Array) -> Estimate:
    """Mean under condition 1 minus mean under condition 2, with the paired variance.

    Parameters
    ----------
    m1i, sd1i, m2i, sd2i : (k,) mean and SD under each condition
    ni : (k,) number of persons with both values
    ri : (k,) within-person correlation

    Returns
    -------
    Effects in the units of the scale; where only an SD, ni or ri is missing the difference is
    kept and its variance is NaN

    References
    ----------
    Cochrane Handbook 6.4, section 23.2.7
    """
    vi = sd_difference(sd1i, sd2i, ri) ** 2 / ni
    return Estimate(m1i - m2i, vi, "MC, paired SD", pair_rules(sd1i, sd2i, ni, ri))


@measure(
    "SMCC",
    title="standardised mean change, change-score standardised",
    short="SMD",
    unit="SD",
    needs=COLUMNS,
    choices={"variance": ("LS", "UB"), "correction": CORRECTIONS},
)
def change_by_sd_of_change(
    m1i: Array,
    sd1i: Array,
    m2i: Array,
    sd2i: Array,
    ni: Array,
    ri: Array,
    *,
    variance: str = "LS",
    correction: str = "exact",
) -> Estimate:
    """Paired mean difference over the SD of the differences.

    Not on the scale of an SMD of a parallel trial: see SMCRP for that.

    Parameters
    ----------
    m1i, sd1i, m2i, sd2i, ni, ri : (k,) as for MC
    variance
        "LS": 1/n + g^2/(2 n), the large-sample form;
        "UB": 1/n + (1 - (df - 2)/(df J^2)) g^2, the unbiased form
    correction : "exact", "approx" or "none", with n - 1 degrees of freedom

    Returns
    -------
    Effects in standard deviations of the differences

    References
    ----------
    Gibbons, Hedeker & Davis 1993, J Educ Stat 18:271; Morris & DeShon 2002, Psychol Methods 7:105
    """
    df = ni - 1
    change = sd_difference(sd1i, sd2i, ri)
    j = small_sample_factor(df, correction)
    g = j * (m1i - m2i) / change
    vi = 1 / ni + (g**2 / (2 * ni) if variance == "LS" else unbiased_shape(g, j, df))
    rules = [
        *pair_rules(sd1i, sd2i, ni, ri),
        (change == 0, "SD of the differences is 0"),
        (df <= 1, TOO_FEW),
    ]
    return Estimate(g, vi, f"SMCC, {correction} correction, {variance} variance", rules)


def _by_first(
    m1i: Array, sd1i: Array, m2i: Array, ni: Array, ri: Array, correction: str
) -> tuple[Array, list[Rule]]:
    """Paired mean difference over the SD of condition 1, and where there is none."""
    g = small_sample_factor(ni - 1, correction) * (m1i - m2i) / sd1i
    no_sd2 = np.zeros(len(sd1i))
    rules = [
        *pair_rules(sd1i, no_sd2, ni, ri),
        (sd1i == 0, "sd1i is 0"),
        (ni <= 2, TOO_FEW),
    ]
    return g, rules


@measure(
    "SMCR",
    title="standardised mean change, raw-score standardised",
    short="SMD",
    unit="SD",
    needs=("m1i", "sd1i", "m2i", "ni", "ri"),
    ignores=("sd2i",),
    choices={"correction": CORRECTIONS},
)
def change_by_first_sd(
    m1i: Array, sd1i: Array, m2i: Array, ni: Array, ri: Array, *, correction: str = "exact"
) -> Estimate:
    """Paired mean difference over the SD under condition 1.

    Parameters
    ----------
    m1i, sd1i, m2i, ni, ri : (k,) as for MC; variance 2 (1 - r)/n + g^2/(2 n), which takes the SDs
        under both conditions to be equal
    correction : "exact", "approx" or "none", with n - 1 degrees of freedom

    Returns
    -------
    Effects in standard deviations under condition 1

    References
    ----------
    Becker 1988, Br J Math Stat Psychol 41:257
    """
    g, rules = _by_first(m1i, sd1i, m2i, ni, ri, correction)
    vi = 2 * (1 - ri) / ni + g**2 / (2 * ni)
    return Estimate(g, vi, f"SMCR, {correction} correction", rules)


@measure(
    "SMCRH",
    title="standardised mean change, raw-score standardised, unequal variances",
    short="SMD",
    unit="SD",
    needs=COLUMNS,
    choices={"correction": CORRECTIONS},
)
def change_by_first_sd_unequal_variances(
    m1i: Array,
    sd1i: Array,
    m2i: Array,
    sd2i: Array,
    ni: Array,
    ri: Array,
    *,
    correction: str = "exact",
) -> Estimate:
    """Paired mean difference over the SD under condition 1, for conditions that differ in SD.

    Parameters and effects as for SMCR, and sd2i.

    References
    ----------
    Bonett 2008, Psychol Methods 13:99
    """
    g, rules = _by_first(m1i, sd1i, m2i, ni, ri, correction)
    df = ni - 1
    vi = sd_difference(sd1i, sd2i, ri) ** 2 / sd1i**2 / df + g**2 / (2 * df)
    rules = [*rules, (sd2i < 0, "sd2i < 0")]
    return Estimate(g, vi, f"SMCRH, {correction} correction", rules)


def _by_average(
    m1i: Array, sd1i: Array, m2i: Array, sd2i: Array, ni: Array, ri: Array, correction: str
) -> tuple[Array, Array, list[Rule]]:
    """Paired mean difference over the averaged SD, that SD, and where there is none."""
    standardiser = np.sqrt((sd1i**2 + sd2i**2) / 2)
    # Two correlated variances carry less information than 2 (n - 1) free deviations.
    df = 2 * (ni - 1) / (1 + ri**2)
    g = small_sample_factor(df, correction) * (m1i - m2i) / standardiser
    rules = [
        *pair_rules(sd1i, sd2i, ni, ri),
        (standardiser == 0, "both SDs are 0"),
        (~(df > 1), TOO_FEW),
    ]
    return g, standardiser, rules


@measure(
    "SMCRP",
    title="standardised mean difference",
    form="Hedges g",
    short="SMD",
    unit="SD",
    needs=COLUMNS,
    choices={"variance": ("SMCRP", "Cochrane"), "correction": CORRECTIONS},
)
def standardised_mean_change(
    m1i: Array,
    sd1i: Array,
    m2i: Array,
    sd2i: Array,
    ni: Array,
    ri: Array,
    *,
    variance: str = "SMCRP",
    correction: str | None = None,
) -> Estimate:
    """Paired mean difference over the SD of a single measurement, sqrt((sd1^2 + sd2^2)/2).

    The standardiser is that of a parallel trial, so the result can be pooled with SMDs of
    parallel trials; dividing by the SD of the differences would not allow that.

    Parameters
    ----------
    m1i, sd1i, m2i, sd2i, ni, ri : (k,) as for MC
    variance
        "SMCRP": 2 (1 - r)/n + g^2 (1 + r^2)/(4 n);
        "Cochrane": (1/n + SMD^2/(2 n)) 2 (1 - r), disputed as too small for large r and SMD
    correction
        "exact", "approx" or "none"; not given: exact for SMCRP, none for Cochrane, as the
        Handbook does

    Returns
    -------
    Effects in standard deviations

    References
    ----------
    Cousineau 2020, Quant Methods Psychol 16:418 (df = 2 (n - 1)/(1 + r^2), and the variance);
    Elbourne et al. 2002, Int J Epidemiol 31:140 and Cochrane Handbook 6.4, section 23.2.7
    """
    if correction is None:
        correction = "exact" if variance == "SMCRP" else "none"
    g, _, rules = _by_average(m1i, sd1i, m2i, sd2i, ni, ri, correction)
    vi = {
        "SMCRP": 2 * (1 - ri) / ni + g**2 * (1 + ri**2) / (4 * ni),
        "Cochrane": (1 / ni + g**2 / (2 * ni)) * 2 * (1 - ri),
    }[variance]
    return Estimate(g, vi, f"SMCRP, {correction} correction, {variance} variance", rules)


@measure(
    "SMCRPH",
    title="standardised mean difference, unequal variances",
    short="SMD",
    unit="SD",
    needs=COLUMNS,
    choices={"correction": CORRECTIONS},
)
def standardised_mean_change_unequal_variances(
    m1i: Array,
    sd1i: Array,
    m2i: Array,
    sd2i: Array,
    ni: Array,
    ri: Array,
    *,
    correction: str = "exact",
) -> Estimate:
    """Paired mean difference over sqrt((sd1^2 + sd2^2)/2), for conditions that differ in SD.

    Parameters and effects as for SMCRP.

    References
    ----------
    Bonett 2008, Psychol Methods 13:99; Cousineau 2020, Quant Methods Psychol 16:418 (df)
    """
    g, standardiser, rules = _by_average(m1i, sd1i, m2i, sd2i, ni, ri, correction)
    df = ni - 1
    fourth = sd1i**4 + sd2i**4 + 2 * ri**2 * sd1i**2 * sd2i**2
    vi = sd_difference(sd1i, sd2i, ri) ** 2 / (standardiser**2 * df)
    vi = vi + g**2 * fourth / (8 * standardiser**4 * df)
    return Estimate(g, vi, f"SMCRPH, {correction} correction", rules)
