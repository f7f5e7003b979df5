"""Change scores from scores before and after, and the correlation that links the two."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialpool.effects.generic import sd_from_se, se_from_p, se_from_t
from trialpool.effects.paired import recover_r, sd_difference
from trialpool.results import Array


class ChangeScore(NamedTuple):
    """Mean and SD of the change of one arm, end minus start, each of shape (k,) or ()."""

    mean: Array
    sd: Array


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
