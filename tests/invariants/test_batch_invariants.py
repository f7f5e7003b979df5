"""What holds for every batch of study sets, whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from fields import differing, infinite
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import trialpool as tp
from trialpool.pooling.tau2 import estimators_of

Table = NDArray[np.float64]
Sets = tuple[Table, Table, NDArray[np.bool_]]
CODES = sorted(estimators_of("effects"))
KINDS = ["DL", "REML", "PM"]  # one of each: closed form, likelihood, root

quick = settings(max_examples=10, deadline=None, derandomize=True)


@st.composite
def batches(draw: st.DrawFn) -> Sets:
    """1 to 5 sets of 1 to 9 studies at scattered places; elsewhere nothing that is a number."""
    rows, width = draw(st.integers(1, 5)), draw(st.integers(2, 9))
    cells = st.lists(st.booleans(), min_size=width, max_size=width).filter(any)
    mask = np.array(draw(st.lists(cells, min_size=rows, max_size=rows)))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    v = 10 ** rng.uniform(-3, 1, mask.shape)
    y = rng.normal(0, np.sqrt(v + rng.choice([0.0, 0.1, 5.0], (rows, 1))))
    return np.where(mask, y, np.nan), np.where(mask, v, -1.0), mask


@pytest.mark.parametrize("code", CODES)
@quick
@given(data=batches(), test=st.sampled_from(["z", "t", "knha", "hksj"]))
def test_a_batch_is_its_sets_one_by_one(code: str, data: Sets, test: str) -> None:
    """`pool_many` and `pool`: relative 1e-12 in every field, the same reasons."""
    y, v, mask = data
    many = tp.pool_many(y, v, mask, tau2=code, test=test)
    for row, used in enumerate(mask):
        one, two = many.row(row), tp.pool(y[row, used], v[row, used], tau2=code, test=test)
        assert not differing(one, two, floor=1e-14)
        assert (one.reasons, one.cautions) == (two.reasons, two.cautions)
        assert not infinite(one)


@pytest.mark.parametrize("code", KINDS)
@quick
@given(data=batches(), seed=st.integers(0, 1000))
def test_order_within_each_set_of_a_batch_is_irrelevant(code: str, data: Sets, seed: int) -> None:
    """Columns shuffled differently in every row: the same results."""
    order = np.random.default_rng(seed).permuted(
        np.tile(np.arange(data[0].shape[1]), (len(data[0]), 1)), axis=1
    )
    y, v, mask = (np.take_along_axis(x, order, axis=1) for x in data)
    one, two = tp.pool_many(*data, tau2=code), tp.pool_many(y, v, mask, tau2=code)
    for row in range(len(one)):
        same = differing(one.row(row), two.row(row), rel=1e-8, floor=1e-11)
        assert not {name for name in same if name != "weights"}
    back = np.take_along_axis(one.weights, order, axis=1)
    assert two.weights == pytest.approx(back, rel=1e-9)


@pytest.mark.parametrize("code", KINDS)
@quick
@given(data=batches(), seed=st.integers(0, 1000))
def test_each_set_of_a_batch_has_its_own_unit_and_origin(code: str, data: Sets, seed: int) -> None:
    """Rows scaled by 1e-8 to 1e8 and moved, all in one batch: each follows its own unit."""
    y, v, mask = data
    rng = np.random.default_rng(seed)
    a, c = 10.0 ** rng.integers(-8, 9, (len(y), 1)), rng.integers(-8, 9, (len(y), 1)) / 4
    one = tp.pool_many(y, v, mask, tau2=code)
    two = tp.pool_many(a * (y + c), a * a * np.abs(v), mask, tau2=code)
    a, c = a[:, 0], c[:, 0]
    tiny = 1e-12 * np.nanmax(np.where(mask, v, np.nan), axis=1).max()
    assert two.beta / a - c == pytest.approx(one.beta, rel=1e-9, abs=1e-10)
    assert two.se / a == pytest.approx(one.se, rel=1e-9)
    for name in ("tau2", "se_tau2", "tau2_ci_lb", "tau2_ci_ub"):
        moved = getattr(two, name) / a**2
        assert moved == pytest.approx(getattr(one, name), rel=1e-7, abs=tiny, nan_ok=True), name
    assert two.i2 == pytest.approx(one.i2, rel=1e-7, abs=1e-7, nan_ok=True)
    assert (two.maxima == one.maxima).all()


@pytest.mark.parametrize("code", ["EE", "ML", "SJ", "PM"])
@quick
@given(data=batches(), copies=st.integers(2, 4))
def test_copies_and_equal_effects_in_a_batch(code: str, data: Sets, copies: int) -> None:
    """M copies of every study divide SE^2 by m where tau2 stays; equal effects have tau2 = 0."""
    y, v, mask = data
    flat = tp.pool_many(np.where(mask, 0.7, np.nan), v, mask, tau2=code)
    several = mask.sum(axis=1) > 1
    assert (flat.tau2[several] == 0).all()
    assert flat.beta == pytest.approx(np.full(len(y), 0.7), rel=1e-14)
    if code in ("EE", "ML"):
        one = (
            tp.pool_many(y[several], v[several], mask[several], tau2=code) if any(several) else None
        )
        if one is not None:
            wide = [np.tile(x[several], copies) for x in data]
            many = tp.pool_many(wide[0], wide[1], wide[2].astype(bool), tau2=code)
            assert many.tau2 == pytest.approx(one.tau2, rel=1e-7, abs=1e-10)
            assert many.se**2 * copies == pytest.approx(one.se**2, rel=1e-7)
