"""Masks for repeated fits, against the fits one by one."""

from __future__ import annotations

import numpy as np
import pytest

import trialpool as tp
from trialpool.pooling.subsets import all_subsets, cumulative, leave_one_out
from trialpool.results import TrialpoolError

Y = np.array([0.1, 0.5, -0.2, 0.9])
V = np.array([0.04, 0.1, 0.08, 0.05])


def test_leave_one_out_is_pooling_without_each_study() -> None:
    """Row i is the fit without study i."""
    many = tp.pool_many(Y, V, leave_one_out(4))
    for i in range(4):
        assert many.beta[i] == pytest.approx(tp.pool(np.delete(Y, i), np.delete(V, i)).beta)


def test_cumulative_follows_the_order() -> None:
    """Row j pools the first j + 1 studies in the order given, and the last row all."""
    order = [2, 0, 3, 1]
    many = tp.pool_many(Y, V, cumulative(order))
    for j in range(4):
        first = order[: j + 1]
        assert many.beta[j] == pytest.approx(tp.pool(Y[first], V[first]).beta)
        assert many.k[j] == j + 1


def test_all_subsets_are_all_different() -> None:
    """2^k - 1 of them, none empty, each once."""
    mask = all_subsets(5)
    assert mask.shape == (31, 5)
    assert mask.any(axis=1).all()
    assert len(np.unique(mask, axis=0)) == 31


def test_what_cannot_be_listed_is_refused() -> None:
    """Nothing left of one study; too many subsets of 30."""
    with pytest.raises(TrialpoolError, match="k = 1: nothing is left"):
        leave_one_out(1)
    with pytest.raises(TrialpoolError, match="k = 30"):
        all_subsets(30)
