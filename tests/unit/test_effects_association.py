"""Tetrachoric, biserial and point-biserial correlations, against their own definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import ndtr, ndtri
from sound import ARMS

import trialpool as tp
from trialpool.effects.tetrachoric import bivariate_normal_cdf, tetrachoric

quick = settings(max_examples=40, deadline=None, derandomize=True)


def _array(*values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def _by_quadrature(h: float, k: float, rho: float) -> float:
    """P(X < h, Y < k) as the integral over x of the conditional probability of y."""
    s = math.sqrt(1 - rho**2)
    value, _ = quad(
        lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi) * ndtr((k - rho * x) / s),
        -12,
        h,
        epsabs=1e-13,
        limit=200,
    )
    return float(value)


@pytest.mark.parametrize("rho", [-0.99, -0.5, 0.0, 0.3, 0.95])
@pytest.mark.parametrize("h", [-2.0, -0.1, 0.0, 1.5])
@pytest.mark.parametrize("k", [-1.0, 0.0, 0.7])
def test_bivariate_normal_probabilities(h: float, k: float, rho: float) -> None:
    """Owen's formula against the double integral, the bounds at 0 among them."""
    ours = bivariate_normal_cdf(_array(h), _array(k), _array(rho))
    assert ours[0] == pytest.approx(_by_quadrature(h, k, rho), abs=1e-12)


def test_sheppards_quadrant_probability() -> None:
    """Both cut at the median: P = 1/4 + asin(rho)/(2 pi), so .3 gives rho = sin(pi/10)."""
    es = tp.effect_size("RTET", ai=30, bi=20, ci=20, di=30)
    assert es.yi == pytest.approx([math.sin(math.pi / 10)], rel=1e-14)


def test_pearsons_smallpox_table() -> None:
    """Scar and recovery, 1562, 42, 383, 94: r = .595, probable error .0272 (Pearson 1900)."""
    es = tp.effect_size("RTET", ai=1562, bi=42, ci=383, di=94)
    assert es.yi == pytest.approx([0.5954], abs=5e-4)
    assert round(0.6745 * float(es.sei[0]), 4) == 0.0272


@quick
@given(cells=st.lists(st.integers(1, 3000), min_size=4, max_size=4))
def test_tetrachoric_reproduces_the_table(cells: list[int]) -> None:
    """The probability of the first cell under the estimate is its share, to rounding."""
    a, b, c, d = (_array(x) for x in cells)
    rho, _ = tetrachoric(a, b, c, d)
    n = a + b + c + d
    share = bivariate_normal_cdf(ndtri((a + b) / n), ndtri((a + c) / n), rho)
    assert share == pytest.approx(a / n, abs=2e-15)


def test_tetrachoric_variance_is_the_curvature_of_the_likelihood() -> None:
    """Inverse of the observed information of (h, k, rho), by finite differences."""
    counts = _array(22, 9, 14, 35)
    n = counts.sum()

    def log_likelihood(parameters: NDArray[np.float64]) -> float:
        h, k, rho = (_array(x) for x in parameters)
        both = bivariate_normal_cdf(h, k, rho)[0]
        p, q = ndtr(h)[0], ndtr(k)[0]
        return float(counts @ np.log([both, p - both, q - both, 1 - p - q + both]))

    rho, vi = tetrachoric(*(counts[i : i + 1] for i in range(4)))
    at = np.array([ndtri((22 + 9) / n), ndtri((22 + 14) / n), rho[0]])
    step = 1e-4
    unit = np.eye(3) * step

    def second(i: int, j: int) -> float:
        corners = (
            log_likelihood(at + s * unit[i] + t * unit[j]) * s * t for s in (1, -1) for t in (1, -1)
        )
        return sum(corners) / (4 * step**2)

    information = -np.array([[second(i, j) for j in range(3)] for i in range(3)])
    assert vi[0] == pytest.approx(np.linalg.inv(information)[2, 2], rel=1e-5)


@pytest.mark.parametrize(("cells", "limit"), [((5, 0, 3, 9), 1.0), ((0, 5, 3, 9), -1.0)])
def test_tetrachoric_with_a_zero_cell_is_at_its_limit(
    cells: tuple[int, int, int, int], limit: float
) -> None:
    """The estimate stands, without a variance; a half in the cells gives both."""
    table = dict(zip(("ai", "bi", "ci", "di"), cells, strict=True))
    es = tp.effect_size("RTET", **table)
    assert es.yi[0] == limit
    assert math.isnan(es.vi[0])
    assert es.reason == ("a cell is 0: the correlation is at its limit, without variance",)
    half = tp.effect_size("RTET", **table, add=0.5)
    assert abs(half.yi[0]) < 1
    assert half.vi[0] > 0


def test_an_empty_row_or_column_has_no_correlation() -> None:
    """Both phi and tetrachoric; the reason of the counts comes first where it applies."""
    for measure in ("PHI", "RTET"):
        es = tp.effect_size(measure, ai=[0, 4], bi=[6, 0], ci=[0, 5], di=[7, 0], drop00=False)
        assert es.reason == ("a whole row or column of the table is empty",) * 2
        assert np.isnan(es.yi).all()


def test_point_biserial_is_the_correlation_of_the_people() -> None:
    """Pearson correlation of a 0/1 group and the outcome, from the people themselves."""
    rng = np.random.default_rng(8)
    groups = [rng.normal(1, 2, 7), rng.normal(0, 3, 11)]
    outcome = np.concatenate(groups)
    member = np.repeat([1.0, 0.0], [7, 11])
    es = tp.effect_size(
        "RPB",
        m1i=groups[0].mean(),
        sd1i=groups[0].std(ddof=1),
        n1i=7,
        m2i=groups[1].mean(),
        sd2i=groups[1].std(ddof=1),
        n2i=11,
    )
    assert es.yi == pytest.approx([np.corrcoef(outcome, member)[0, 1]], rel=1e-13)


def test_biserial_of_equal_groups_by_hand() -> None:
    """Cut at the median: r_b = r sqrt(pi/2); variance (r^4 - 2.5 r^2 + pi/2)/(n - 1)."""
    equal = {**ARMS, "n2i": ARMS["n1i"]}
    r = float(tp.effect_size("RPB", **equal).yi[0])
    es = tp.effect_size("RBIS", **equal)
    rb = r * math.sqrt(math.pi / 2)
    assert es.yi == pytest.approx([rb])
    assert es.vi == pytest.approx([(rb**4 - 2.5 * rb**2 + math.pi / 2) / 23])


def test_a_biserial_correlation_beyond_1_has_the_variance_at_1() -> None:
    """A large difference of equal groups: Soper's variance would grow again."""
    far = {**ARMS, "m1i": 60.0, "n2i": ARMS["n1i"]}
    es = tp.effect_size("RBIS", **far)
    assert es.yi[0] > 1
    assert es.vi == pytest.approx([(1 - 2.5 + math.pi / 2) / 23])
