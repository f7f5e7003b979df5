"""Which studies to pool together: masks (B, k) for `pool_many`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.results import TrialpoolError

Mask = NDArray[np.bool_]

MAX_ALL = 20  # studies beyond which all subsets are too many to list


def leave_one_out(k: int) -> Mask:
    """All studies but one: row i leaves out study i; shape (k, k), k >= 2."""
    if k < 2:
        raise TrialpoolError(f"k = {k}: nothing is left when one study is left out")
    return ~np.eye(k, dtype=np.bool_)


def cumulative(order: ArrayLike) -> Mask:
    """The first, the first two, ... of the studies in the given order; shape (k, k)."""
    place = np.argsort(np.asarray(order))
    return np.asarray(place[np.newaxis, :] <= np.arange(len(place))[:, np.newaxis])


def all_subsets(k: int) -> Mask:
    """Every subset that holds a study; shape (2^k - 1, k), study j is bit j of the row number."""
    if k > MAX_ALL:
        raise TrialpoolError(f"k = {k}: {2.0**k:.3g} subsets; list all for k <= {MAX_ALL} only")
    return np.asarray((np.arange(1, 2**k)[:, np.newaxis] >> np.arange(k)) & 1, dtype=np.bool_)
