"""Correlations, partial correlations and reliabilities: by hand and from their definitions."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

import trialpool as tp

R, N = 0.5, 100


def test_correlation_in_introduction_to_meta_analysis() -> None:
    """For r = .50, n = 100: variance .0057; z .5493 (.0103) (Borenstein et al. 2009, ch. 6)."""
    r = tp.effect_size("COR", ri=R, ni=N)
    assert round(float(r.vi[0]), 4) == 0.0057
    z = tp.effect_size("ZCOR", ri=R, ni=N)
    assert round(float(z.yi[0]), 4) == 0.5493
    assert round(float(z.vi[0]), 4) == 0.0103


def test_a_t_statistic_stands_for_its_correlation() -> None:
    """With t = r sqrt((n - 2)/(1 - r^2)), for some studies or for all."""
    t = R * math.sqrt(98 / (1 - R**2))
    mixed = tp.effect_size("COR", ri=[R, math.nan], ti=[math.nan, t], ni=N)
    assert mixed.yi == pytest.approx([R, R])
    assert tp.effect_size("ZCOR", ti=-t, ni=N).yi == pytest.approx([-math.atanh(R)])


def test_mean_correlation_in_every_variance() -> None:
    """AV: the mean of r, weighted by n, over studies that have both, and a possible r."""
    columns = {"ri": [0.2, 0.5, np.nan, 7.0], "ni": [30, 10, 50, 60]}
    es = tp.effect_size("COR", **columns, variance="AV")
    mean = (0.2 * 30 + 0.5 * 10) / 40
    assert es.vi[:2] == pytest.approx([(1 - mean**2) ** 2 / 29, (1 - mean**2) ** 2 / 9])
    assert es.reason[2:] == ("ri is missing", "ri outside -1 to 1")
    u = tp.effect_size("UCOR", **columns)
    mean = float(u.yi[:2] @ [30, 10]) / 40
    es = tp.effect_size("UCOR", **columns, variance="AV")
    assert es.vi[:2] == pytest.approx([(1 - mean**2) ** 2 / 29, (1 - mean**2) ** 2 / 9])


def _power_series(a: str, c: str, z: Decimal) -> Decimal:
    """2F1(a, a; c; z), its terms added up in 40 digits."""
    term = total = Decimal(1)
    k = 0
    while term > Decimal("1e-30"):
        term *= (Decimal(a) + k) ** 2 / ((Decimal(c) + k) * (k + 1)) * z
        total += term
        k += 1
    return total


@pytest.mark.parametrize(
    ("r", "n"),
    [("0.5", 5), ("0.3", 6), ("0.07", 18), ("0.04", 10), ("-0.06", 14), ("0.9", 40), ("0.2", 3000)],
)
def test_unbiased_correlation_is_its_power_series(r: str, n: int) -> None:
    """Olkin & Pratt's r 2F1(1/2, 1/2; (n - 2)/2; 1 - r^2), and the unbiased variance."""
    with localcontext() as context:
        context.prec = 40
        rho = Decimal(r)
        z = 1 - rho**2
        corrected = rho * _power_series("0.5", str((n - 2) / 2), z)
        square = 1 - Decimal(n - 3) / (n - 2) * z * _power_series("1", str(n / 2), z)
        expected = float(corrected), float(corrected**2 - square)
    es = tp.effect_size("UCOR", ri=float(r), ni=n, variance="UB")
    assert es.yi == pytest.approx([expected[0]], rel=1e-14)
    assert es.vi == pytest.approx([expected[1]], rel=1e-11)
    ls = tp.effect_size("UCOR", ri=float(r), ni=n)
    assert ls.vi == pytest.approx([(1 - expected[0] ** 2) ** 2 / (n - 1)])


def test_unbiased_correlation_is_unbiased() -> None:
    """Mean over 40,000 samples of 8 pairs with correlation .6, where r itself is low by .02."""
    rng = np.random.default_rng(20)
    x = rng.normal(size=(40_000, 8))
    y = 0.6 * x + 0.8 * rng.normal(size=x.shape)
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    r = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    es = tp.effect_size("UCOR", ri=r, ni=8, variance="UB")
    error = float(r.std()) / math.sqrt(len(r))
    assert abs(float(es.yi.mean()) - 0.6) < 4 * error
    assert 0.6 - float(r.mean()) > 10 * error
    # The unbiased variance has the variance between samples for its mean.
    known = es.vi[np.isfinite(es.vi)]
    assert float(known.sum()) / len(r) == pytest.approx(float(es.yi.var()), rel=0.05)


def test_partial_and_semi_partial_correlation_are_those_of_the_regression() -> None:
    """From the people themselves: residuals on the other predictors; R^2 with and without."""
    rng = np.random.default_rng(3)
    n, m = 40, 3
    x = rng.normal(size=(n, m))
    y = x @ [0.5, 0.3, -0.2] + rng.normal(size=n)
    design = np.column_stack([np.ones(n), x])
    beta, *_ = np.linalg.lstsq(design, y, rcond=None)
    residual = y - design @ beta
    s2 = residual @ residual / (n - m - 1)
    t = beta[1] / math.sqrt(s2 * np.linalg.inv(design.T @ design)[1, 1])
    others = np.delete(design, 1, axis=1)

    def without_others(v: np.ndarray) -> np.ndarray:
        return np.asarray(v - others @ np.linalg.lstsq(others, v, rcond=None)[0])

    left = without_others(x[:, 0])
    r2 = 1 - residual.var() / y.var()
    es = tp.effect_size("PCOR", ti=t, ni=n, mi=m)
    r = np.corrcoef(without_others(y), left)[0, 1]
    assert es.yi == pytest.approx([r])
    assert es.vi == pytest.approx([(1 - r**2) ** 2 / (n - m)])
    assert tp.effect_size("ZPCOR", ti=t, ni=n, mi=m).vi == pytest.approx([1 / (n - m - 2)])
    semi = tp.effect_size("SPCOR", ti=t, ni=n, mi=m, r2i=r2)
    assert semi.yi == pytest.approx([np.corrcoef(y, left)[0, 1]])
    assert tp.effect_size("PCOR", ri=r, ni=n, mi=m).vi == pytest.approx(es.vi)
    z = tp.effect_size("ZSPCOR", ri=semi.yi, ni=n, r2i=r2)
    assert z.vi == pytest.approx(semi.vi / (1 - semi.yi**2) ** 2)


def test_semi_partial_variance_by_hand() -> None:
    """With r = .3, R^2 = .4, n = 50: (.16 - .8 + .31 + 1 - .0961)/50 (Aloe & Becker 2012)."""
    es = tp.effect_size("SPCOR", ri=0.3, ni=50, r2i=0.4)
    assert es.vi == pytest.approx([(0.16 - 0.8 + 0.31 + 1 - 0.31**2) / 50])


def test_alpha_by_hand() -> None:
    """Alpha = .8 of 10 items in 50 people, raw and transformed; all grow with alpha."""
    columns = {"ai": [0.8, 0.9], "mi": 10, "ni": 50}
    expected = {
        "ARAW": (0.8, 2 * 10 * 0.04 / (9 * 48)),
        "ABT": (-math.log(0.2), 2 * 10 / (9 * 48)),
        "AHW": (1 - 0.2 ** (1 / 3), 18 * 10 * 49 * 0.2 ** (2 / 3) / (9 * 439**2)),
    }
    for measure, (yi, vi) in expected.items():
        es = tp.effect_size(measure, **columns)
        assert es.yi[0] == pytest.approx(yi)
        assert es.vi[0] == pytest.approx(vi)
        assert es.yi[1] > es.yi[0]


REASONS = [
    *((m, {"ri": 1.2, "ni": 20}, "ri outside -1 to 1") for m in ("COR", "ZCOR", "UCOR")),
    ("COR", {"ri": 0.2, "ni": 1}, "ni <= 1"),
    ("ZCOR", {"ri": -1, "ni": 20}, "ri is -1 or 1"),
    ("UCOR", {"ri": 0.2, "ni": 4}, "ni <= 4"),
    ("PCOR", {"ri": 1.2, "ni": 20, "mi": 2}, "ri outside -1 to 1"),
    ("PCOR", {"ri": 0.2, "ni": 20, "mi": 0}, "mi < 1"),
    ("PCOR", {"ri": 0.2, "ni": 4, "mi": 3}, "ni <= mi + 1"),
    ("ZPCOR", {"ri": 1, "ni": 20, "mi": 3}, "ri is -1 or 1"),
    ("SPCOR", {"ri": -1.2, "ni": 20, "r2i": 0.5}, "ri outside -1 to 1"),
    ("SPCOR", {"ri": 0.2, "ni": 20, "r2i": 1.5}, "r2i outside 0 to 1"),
    ("SPCOR", {"ri": 0.8, "ni": 20, "r2i": 0.5}, "ri^2 > r2i"),
    ("SPCOR", {"ri": 0.2, "ni": 0, "r2i": 0.5}, "ni < 1"),
    ("ZSPCOR", {"ri": 1, "ni": 20, "r2i": 1}, "ri is -1 or 1"),
    *((m, {"ai": 1.1, "mi": 5, "ni": 20}, "ai > 1") for m in ("ARAW", "AHW", "ABT")),
    ("ABT", {"ai": 1.0, "mi": 5, "ni": 20}, "ai is 1"),
    ("ARAW", {"ai": 0.8, "mi": 1, "ni": 20}, "mi < 2"),
    ("AHW", {"ai": 0.8, "mi": 5, "ni": 2}, "ni < 3"),
]


@pytest.mark.parametrize(("measure", "columns", "reason"), REASONS)
def test_why_there_is_no_effect(measure: str, columns: dict[str, float], reason: str) -> None:
    """Every rule, by name."""
    es = tp.effect_size(measure, **columns)
    assert es.reason == (reason,)
    assert np.isnan([es.yi[0], es.vi[0]]).all()


@pytest.mark.parametrize(
    ("measure", "columns", "reason"),
    [
        ("COR", {"ri": 1, "ni": 20}, "sampling variance is 0 or undefined"),
        ("COR", {"ri": 0.2, "ni": math.nan}, "ni is missing"),
        ("ZCOR", {"ri": 0.2, "ni": 3}, "ni <= 3"),
        ("ZPCOR", {"ri": 0.2, "ni": 5, "mi": 3}, "ni <= mi + 2"),
        ("ARAW", {"ai": 0.8, "mi": math.nan, "ni": 20}, "mi is missing"),
    ],
)
def test_an_effect_without_a_variance_stands(
    measure: str, columns: dict[str, float], reason: str
) -> None:
    """It can be shown, not pooled."""
    es = tp.effect_size(measure, **columns)
    assert math.isfinite(es.yi[0])
    assert math.isnan(es.vi[0])
    assert es.reason == (reason,)


def test_what_could_stand_for_a_correlation_is_named() -> None:
    """The error lists the columns that would do."""
    with pytest.raises(ValueError, match=r"PCOR needs ri, ni, mi: missing ri \(or ti, ni, mi\)"):
        tp.effect_size("PCOR", ni=20, mi=3)
