"""Several arms of one trial made into one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialpool.results import NAN, Array, TrialpoolError


class Arm(NamedTuple):
    """Number analysed, mean and SD of a combined arm, each a scalar array or of shape (k,)."""

    n: Array
    mean: Array
    sd: Array


class Counts(NamedTuple):
    """Events and total of a combined arm, each a scalar array or of shape (k,)."""

    event: Array
    totaln: Array


def combine_arms(n: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Arm:
    """Number, mean and SD of the participants of several arms taken as one group.

    Parameters
    ----------
    n, mean, sd : (arms,) or (k, arms), n >= 1 and sd >= 0; arms lie along the last axis

    Returns
    -------
    Arm with fields of shape () or (k,): exactly the values of the raw data put together. NaN
    where any arm has a missing or impossible value

    Raises
    ------
    TrialpoolError
        if the shapes differ

    References
    ----------
    Cochrane Handbook 6.4, table 6.5.a, for any number of arms at once
    """
    ni, mi, si = (np.asarray(x, dtype=np.float64) for x in (n, mean, sd))
    if not (ni.shape == mi.shape == si.shape) or ni.ndim == 0:
        raise TrialpoolError(
            f"combine_arms: n, mean and sd must have one shape, with the arms along the last axis,"
            f" got {ni.shape}, {mi.shape}, {si.shape}"
        )
    bad = ~((ni >= 1) & (si >= 0)).all(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = ni.sum(axis=-1)
        # Deviations from the common mean, not squares of means: no digits are lost when the
        # means are large against their differences.
        grand = (ni * mi).sum(axis=-1) / total
        between = (ni * (mi - grand[..., np.newaxis]) ** 2).sum(axis=-1)
        within = ((ni - 1) * si**2).sum(axis=-1)
        spread = np.sqrt((within + between) / (total - 1))
    # A blank mean blanks the whole arm: n without a mean would be pooled as if complete.
    bad = bad | ~np.isfinite(grand)
    return Arm(*(np.where(bad, NAN, x) for x in (total, grand, spread)))


def combine_counts(event: ArrayLike, totaln: ArrayLike) -> Counts:
    """Events and total of several arms taken as one group.

    Parameters
    ----------
    event, totaln : (arms,) or (k, arms), 0 <= event <= totaln; arms lie along the last axis

    Returns
    -------
    Counts with fields of shape () or (k,); NaN where any arm has a missing or impossible value

    Raises
    ------
    TrialpoolError
        if the shapes differ
    """
    ei, ti = np.asarray(event, dtype=np.float64), np.asarray(totaln, dtype=np.float64)
    if ei.shape != ti.shape or ei.ndim == 0:
        raise TrialpoolError(
            f"combine_counts: event and totaln must have one shape, with the arms along the last"
            f" axis, got {ei.shape}, {ti.shape}"
        )
    bad = ~((ei >= 0) & (ei <= ti)).all(axis=-1)
    return Counts(*(np.where(bad, NAN, x.sum(axis=-1)) for x in (ei, ti)))
