"""Change scores from scores before and after, and the correlation that links the two."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialpool.effects.generic import sd_from_se, se_from_p, se_from_t
from trialpool.effects.paired import recover_r, sd_difference
from trialpool.effects.small_sample import small_sample_factor
from trialpool.results import NAN, Array
from trialpool.same_rows import same_rows


class ChangeScore(NamedTuple):
    """Mean and SD of the change of one arm, end minus start, each of shape (k,) or ()."""

    mean: Array
    sd: Array


class StandardisedChange(NamedTuple):
    """A difference of changes in SDs of scores, its variance, and the formula by name."""

    yi: Array
    vi: Array
    formula: str


@same_rows
def change_sd(sd0: ArrayLike, sd1: ArrayLike, r: ArrayLike) -> Array:
    """SD of the change of one arm, from its SDs before and after.

    Parameters
    ----------
    sd0, sd1 : SD at the start and at the end, any shape that broadcasts
    r : correlation of a person's two values; from a trial that reports the SD of the change
        (`paired.recover_r`), or assumed, and then marked and varied

    Returns
    -------
    sqrt(sd0^2 + sd1^2 - 2 r sd0 sd1), NaN for impossible input

    References
    ----------
    Cochrane Handbook 6.4, section 6.5.2.8
    """
    return sd_difference(sd0, sd1, r)


@same_rows
def change_from_scores(
    m0: ArrayLike, sd0: ArrayLike, m1: ArrayLike, sd1: ArrayLike, r: ArrayLike
) -> ChangeScore:
    """Mean and SD of the change of one arm, from its scores before and after.

    Parameters
    ----------
    m0, sd0, m1, sd1 : mean and SD at the start and at the end, of the same people: those with
        both values, whose number is that of the change
    r : as for `change_sd`

    Returns
    -------
    Change, end minus start

    References
    ----------
    Cochrane Handbook 6.4, section 6.5.2.8
    """
    start, end = (np.asarray(x, dtype=np.float64) for x in (m0, m1))
    return ChangeScore(np.asarray(end - start), change_sd(sd0, sd1, r))


@same_rows
def change_by_reference_sd(
    difference: ArrayLike, se: ArrayLike, sd: ArrayLike
) -> StandardisedChange:
    """Difference of two arms' changes over an SD of scores that is known, as of a reference group.

    On the scale of an SMD of scores after treatment, which the SD of the changes would not be.

    Parameters
    ----------
    difference, se : difference of mean changes and its SE, any shape that broadcasts
    sd : SD of scores, a constant of the scale, > 0

    Returns
    -------
    difference/sd with variance (se/sd)^2: a constant has no sampling error to allow for, nor a
    bias to correct. NaN where se <= 0 or sd <= 0

    References
    ----------
    Cochrane Handbook 6.4, sections 10.5.2 (changes and scores have different SDs) and
    15.5.3.2 (an SD of a reference population)
    """
    diff, error, unit = (np.asarray(x, dtype=np.float64) for x in (difference, se, sd))
    unit, error = (np.where(x > 0, x, NAN) for x in (unit, error))
    return StandardisedChange(
        np.asarray(diff / unit), np.asarray((error / unit) ** 2), "difference / reference SD"
    )


@same_rows
def change_by_baseline_sd(
    difference: ArrayLike,
    se: ArrayLike,
    sd: ArrayLike,
    n: ArrayLike,
    df: ArrayLike,
    correction: str = "exact",
) -> StandardisedChange:
    """Difference of two arms' changes over the SD of their scores at baseline.

    Parameters
    ----------
    difference, se : difference of mean changes and its SE, any shape that broadcasts
    sd, n, df : SD at baseline, pooled within arms, > 0; its people and its degrees of freedom
    correction : "exact", "approx" or "none"

    Returns
    -------
    g = J difference/sd with variance (J se/sd)^2 + g^2/(2 n), the large-sample form: the means and
    the SD of normal scores are independent. NaN where se <= 0, sd <= 0 or df <= 1

    Raises
    ------
    TrialpoolError
        for an unknown correction

    References
    ----------
    Becker 1988, Br J Math Stat Psychol 41:257; Morris 2008, Organ Res Methods 11:364
    (d_ppc2, of two arms with one SD at baseline)
    """
    known = change_by_reference_sd(difference, se, sd)
    j = small_sample_factor(df, correction)
    g = np.asarray(j * known.yi)
    vi = np.asarray(j**2 * known.vi + g**2 / (2 * np.asarray(n, dtype=np.float64)))
    return StandardisedChange(g, vi, f"difference / SD at baseline, {correction} correction")


@same_rows
def r_from_t(
    difference: ArrayLike, t: ArrayLike, sd1: ArrayLike, sd2: ArrayLike, n: ArrayLike
) -> Array:
    """Within-person correlation from a paired t test and the SDs under each condition.

    Parameters
    ----------
    difference, t : mean within-person difference and its paired t, any shape that broadcasts
    sd1, sd2 : SD under each condition
    n : number of people with both values

    Returns
    -------
    r in [-1, 1], from SD of the differences = |difference| sqrt(n)/|t|. NaN where t or the
    difference is 0, or where no r could produce the numbers: they contradict each other. A t near
    0 is printed with few digits and leaves r uncertain

    References
    ----------
    Cochrane Handbook 6.4, sections 23.2.7 and 6.5.2.8
    """
    return recover_r(sd1, sd2, sd_from_se(se_from_t(difference, t), n))


@same_rows
def r_from_p(
    difference: ArrayLike, p: ArrayLike, sd1: ArrayLike, sd2: ArrayLike, n: ArrayLike
) -> Array:
    """Within-person correlation from the two-sided p of a paired t test.

    Parameters
    ----------
    difference, sd1, sd2, n : as for `r_from_t`
    p : exact two-sided p, from t with n - 1 degrees of freedom; a bound such as "p < .05" gives a
        bound of r, not r: the true r is larger

    Returns
    -------
    As for `r_from_t`; NaN where p is outside (0, 1) or n < 2

    References
    ----------
    Cochrane Handbook 6.4, sections 23.2.7 and 6.5.2.8
    """
    size = np.asarray(n, dtype=np.float64)
    df = np.where(size > 1, size - 1, np.nan)
    return recover_r(sd1, sd2, sd_from_se(se_from_p(difference, p, df), size))
