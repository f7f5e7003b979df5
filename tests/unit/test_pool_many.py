"""`pool_many` is `pool`, set by set: field by field, whatever the layout of what it is given."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bcg import V as BCG_V
from bcg import Y as BCG_Y
from fields import differing, missing
from hard import PRECISE_AND_VAGUE, SEEDS, heavy_tailed
from numpy.typing import NDArray

import trialpool as tp
from trialpool.pooling import batch
from trialpool.pooling.batch import PooledMany
from trialpool.pooling.tau2 import estimators_of
from trialpool.results import Pooled

CODES = estimators_of("effects")
TESTS = ("z", "t", "knha", "hksj")
Table = NDArray[np.float64]
Mask = NDArray[np.bool_]

WIDTH, SETS = 12, 36
JUNK = (np.nan, np.inf, -1.0, 0.0, 1e300)


def ragged() -> tuple[Table, Table, Mask]:
    """Sets of 1 to 12 studies, three of each k, at scattered places; elsewhere there is junk.

    Some sets are homogeneous, some are not; variances spread over four orders of magnitude.
    """
    rng = np.random.default_rng(20)
    y, v = rng.choice(JUNK, (2, SETS, WIDTH))
    mask = np.zeros((SETS, WIDTH), dtype=bool)
    for row in range(SETS):
        k, spread = row // 3 + 1, (0.0, 0.1, 3.0)[row % 3]
        place = rng.choice(WIDTH, k, replace=False)
        mask[row, place] = True
        v[row, place] = own = 10 ** rng.uniform(-3, 1, k)
        y[row, place] = rng.normal(0.3, np.sqrt(own + spread))
    return y, v, mask


Y, V, MASK = ragged()


def alone(row: int, y: Table = Y, v: Table = V, mask: Mask = MASK, **options: Any) -> Pooled:
    """One of the sets through `pool`."""
    return tp.pool(y[row, mask[row]], v[row, mask[row]], **{"test": "z", **options})


def unequal(one: PooledMany, two: PooledMany, rel: float = 1e-12) -> dict[str, Any]:
    """Fields in which two batches differ, relative to the largest number of the field."""
    return differing(one, two, rel=rel, floor=1e-14)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("code", CODES)
def test_every_field_is_that_of_pool(code: str, test: str) -> None:
    """Nine estimators by four tests on ragged sets: relative 1e-12, and NaN in the same places.

    A row brings the same reasons, cautions and names as well.
    """
    many = tp.pool_many(Y, V, MASK, tau2=code, test=test)
    for row in range(SETS):
        one, other = many.row(row), alone(row, tau2=code, test=test)
        assert not differing(one, other), row
        assert missing(one) == set(one.reasons)
        for name in ("reasons", "cautions", "method", "test", "level", "pi_method",
                     "tau2_ci_method"):  # fmt: skip
            assert getattr(one, name) == getattr(other, name), (row, name)
    assert (many.k == MASK.sum(axis=1)).all()
    assert (many.method, many.test, many.level, len(many)) == (code, test, 0.95, SETS)


@pytest.mark.parametrize(
    "options",
    [
        {"tau2": "ML", "tau2_ci": "PL", "level": 0.9},
        {"tau2": "REML", "tau2_ci": "PL", "pi": "z"},
        {"tau2": "PM", "pi": "k-2", "level": 0.8},
        {"tau2": "EE", "pi": "k-2", "level": 0.999},
    ],
)
def test_options_mean_the_same(options: dict[str, Any]) -> None:
    """Profile likelihood, level and degrees of freedom of the prediction interval."""
    many = tp.pool_many(Y, V, MASK, **options)
    for row in range(SETS):
        other = alone(row, **options)
        assert not differing(many.row(row), other), row
        assert many.row(row).pi_method == other.pi_method
        assert many.row(row).tau2_ci_method == other.tau2_ci_method


def test_several_maxima_in_a_batch() -> None:
    """Sets whose likelihood has one, two and three maxima, side by side: each its own answer."""
    sets = [(BCG_Y[:4], BCG_V[:4]), PRECISE_AND_VAGUE]
    sets += [heavy_tailed(seed) for seeds in SEEDS.values() for seed in seeds]
    y, v = np.full((2, len(sets), 12), np.nan)
    for row, (own, variances) in enumerate(sets):
        y[row, : len(own)], v[row, : len(own)] = own, variances
    for code in ("REML", "ML"):
        many = tp.pool_many(y, v, np.isfinite(y), tau2=code)
        for row, (own, variances) in enumerate(sets):
            other = tp.pool(own, variances, tau2=code, test="z")
            assert not differing(many.row(row), other)
            assert many.row(row).cautions == other.cautions
        assert many.maxima[0] == 1
        assert many.maxima.max() == 3


def test_all_subsets_of_shared_columns() -> None:
    """Columns (k,) with a mask (B, k): as the subset alone, and as the columns written out."""
    k = 6
    y, v = BCG_Y[:k], BCG_V[:k]
    mask = (np.arange(1, 2**k)[:, np.newaxis] >> np.arange(k)) % 2 == 1
    many = tp.pool_many(y, v, mask, tau2="REML", test="hksj")
    for row in range(len(mask)):
        other = tp.pool(y[mask[row]], v[mask[row]], tau2="REML", test="hksj")
        assert not differing(many.row(row), other)
    full = np.tile(y, (len(mask), 1)), np.tile(v, (len(mask), 1))
    assert not unequal(many, tp.pool_many(*full, mask, tau2="REML", test="hksj"))


def test_what_is_shared_is_spread_over_the_sets() -> None:
    """Any of yi, vi and mask may be (k,) or (1, k), as long as one says how many sets there are."""
    v, mask = BCG_V, np.arange(13) < 9
    y = np.random.default_rng(4).normal(0, np.sqrt(v + 0.2), (5, 13))
    shown = tp.pool_many(y, np.tile(v, (5, 1)), np.tile(mask, (5, 1)))
    assert not unequal(shown, tp.pool_many(y, v, mask))
    assert not unequal(shown, tp.pool_many(y, v[np.newaxis], mask[np.newaxis]))
    one = tp.pool_many(y[0], v, mask[np.newaxis])
    assert len(one) == 1
    assert one.beta[0] == pytest.approx(shown.beta[0], rel=1e-13)


def test_a_mask_of_true_is_no_mask() -> None:
    """All used, said or not said; and the unused columns of a table are as if cut off."""
    y, v = Y[-3:, MASK[-3:].all(axis=0)], V[-3:, MASK[-3:].all(axis=0)]
    plain = tp.pool_many(y, v)
    assert not unequal(plain, tp.pool_many(y, v, np.ones(y.shape, dtype=bool)))
    wide = np.hstack([np.full((3, 4), np.nan), y])
    masked = tp.pool_many(wide, np.hstack([np.zeros((3, 4)), v]), np.isfinite(wide))
    for row in range(3):
        assert not differing(masked.row(row), plain.row(row))


@pytest.mark.parametrize("code", CODES)
def test_the_order_of_the_sets_is_irrelevant(code: str) -> None:
    """Shuffled rows give shuffled results: no set is influenced by its neighbours."""
    order = np.random.default_rng(3).permutation(SETS)
    one = tp.pool_many(Y, V, MASK, tau2=code)
    two = tp.pool_many(Y[order], V[order], MASK[order], tau2=code)
    for place, row in enumerate(order):
        assert not differing(two.row(place), one.row(int(row)))


@pytest.mark.parametrize("size", [1, WIDTH, 5 * WIDTH, 35 * WIDTH, 10**6])
def test_chunks_leave_no_trace(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One set at a time, a few, all but one or all: the same numbers."""
    whole = [tp.pool_many(Y, V, MASK, tau2=code, test="hksj") for code in ("REML", "PM", "DL")]
    monkeypatch.setattr(batch, "_CHUNK", size)
    for code, before in zip(("REML", "PM", "DL"), whole, strict=True):
        assert not unequal(before, tp.pool_many(Y, V, MASK, tau2=code, test="hksj"))
    # No mask, shared columns: what is cut is cut the same way.
    y = np.tile(BCG_Y, (11, 1)) + np.arange(11)[:, np.newaxis]
    many = tp.pool_many(y, BCG_V)
    assert np.diff(many.beta) == pytest.approx(np.ones(10), rel=1e-12)
    assert all(one == pytest.approx(two, rel=1e-12) for one, two in pairwise(many.tau2))


@pytest.mark.parametrize("code", ["EE", "REML", "SJ"])
def test_weights_are_shares_of_the_studies_used(code: str) -> None:
    """(B, k), 1/(vi + tau2) over its sum where used, 0 elsewhere."""
    many = tp.pool_many(Y, V, MASK, tau2=code)
    assert many.weights.shape == Y.shape
    assert (many.weights[~MASK] == 0).all()
    assert many.weights.sum(axis=1) == pytest.approx(np.ones(SETS), rel=1e-14)
    for row in range(3, SETS):  # k = 1 has no tau2 and weight 1
        w = 1 / (V[row, MASK[row]] + many.tau2[row])
        assert many.weights[row, MASK[row]] == pytest.approx(w / w.sum(), rel=1e-13)
    assert (many.weights[:3][MASK[:3]] == 1).all()


def test_layout_in_memory_is_irrelevant_and_nothing_is_changed() -> None:
    """Transposed, reversed, strided, column by column, read-only: numbers and input stay."""
    y, v, mask = (x.copy() for x in (Y, V, MASK))
    for x in (y, v, mask):
        x.flags.writeable = False
    plain = tp.pool_many(y, v, mask)
    wide = np.repeat(np.repeat(y, 2, axis=0), 3, axis=1)[::2, ::3]
    layouts = [
        (np.asfortranarray(y), np.asfortranarray(v), np.asfortranarray(mask)),
        (y.T.copy().T, v, mask.T.copy().T),
        (wide, v[::-1][::-1], mask[:, ::-1][:, ::-1]),
    ]
    for layout in layouts:
        assert not unequal(plain, tp.pool_many(*layout))
    turned = tp.pool_many(y[:, ::-1], v[:, ::-1], mask[:, ::-1])
    assert turned.tau2 == pytest.approx(plain.tau2, rel=1e-11, abs=1e-13, nan_ok=True)
    assert turned.weights[:, ::-1] == pytest.approx(plain.weights, rel=1e-11)
    np.testing.assert_array_equal(y, Y)
    np.testing.assert_array_equal(v, V)
    one = tp.pool(y[-1, mask[-1]][::-1], v[-1, mask[-1]][::-1], test="z")
    assert one.beta == pytest.approx(plain.beta[-1], rel=1e-13)


@pytest.mark.parametrize("code", ["REML", "DL"])
def test_any_kind_of_numbers(code: str) -> None:
    """float32, integers, lists, tables: as the same numbers in double precision."""
    y, v = np.round(Y[-4:], 1), np.ceil(V[-4:])
    mask = MASK[-4:] & (v > 0) & (v < 1e3)
    y, v = np.where(mask, y, 0.0), np.where(mask, v, 1.0)
    short = y.astype(np.float32), v.astype(np.float32)
    double = [x.astype(np.float64) for x in short]
    expected = tp.pool_many(double[0], double[1], mask, tau2=code)
    assert not unequal(expected, tp.pool_many(*short, mask, tau2=code))
    for row in range(4):
        own = [x[row, mask[row]] for x in short]
        assert not differing(tp.pool(*own, tau2=code, test="z"), expected.row(row))
    plain = tp.pool_many(y, v, mask, tau2=code)
    assert not unequal(plain, tp.pool_many(y.tolist(), v.tolist(), mask.tolist(), tau2=code))
    assert not unequal(plain, tp.pool_many(y, v.astype(np.int64), mask, tau2=code))
    frames = [pd.DataFrame(x) for x in (y, v, mask)]
    assert not unequal(plain, tp.pool_many(frames[0], frames[1], frames[2], tau2=code))
    assert not unequal(plain, tp.pool_many(y.astype(object), v.astype(object), mask, tau2=code))


def test_single_results_take_any_kind_of_numbers() -> None:
    """`pool` likewise: a pandas column, integers, tuples, an index that does not start at 0."""
    y, v = [1, 3, 2, 6], [1, 2, 1, 3]
    expected = tp.pool(np.array(y, dtype=float), np.array(v, dtype=float))
    table = pd.DataFrame({"y": y, "v": v}, index=[7, 3, 9, 1])
    for own in ((y, v), (tuple(y), tuple(v)), (np.array(y), np.array(v)), (table["y"], table["v"])):
        assert not differing(tp.pool(*own), expected)


def test_types_of_the_fields() -> None:
    """Counts are whole numbers, `converged` is true or false, all others are floats (B,)."""
    many = tp.pool_many(Y, V, MASK)
    for name in ("k", "q_df", "maxima"):
        assert getattr(many, name).dtype == np.int64
    assert many.converged.dtype == np.bool_
    for name in ("beta", "tau2", "pi_lb", "aicc"):
        assert (getattr(many, name).shape, getattr(many, name).dtype) == ((SETS,), np.float64)
    row = many.row(-1)
    assert all(type(x) is not np.float64 for x in row.as_dict().values())
    assert type(row.k) is int
    assert type(row.converged) is bool
