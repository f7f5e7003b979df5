"""Medians to means and SDs: properties, fitted distributions, and every refusal."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv, ndtri

from trialpool.effects import quantiles
from trialpool.effects.medians import METHODS, SCENARIOS, mean_sd
from trialpool.effects.quantiles import normal_mean_sd, skewness_test
from trialpool.results import TrialpoolError

NAN = math.nan
FIVE: dict[str, Any] = {"minimum": 2.0, "q1": 4.0, "median": 6.0, "q3": 10.0, "maximum": 14.0}
PARTS = {
    "S1": ("minimum", "median", "maximum"),
    "S2": ("q1", "median", "q3"),
    "S3": tuple(FIVE),
}


def given_in(scenario: str, five: dict[str, Any] = FIVE) -> dict[str, Any]:
    """The quantiles that a scenario reports."""
    return {name: five[name] for name in PARTS[scenario]}


def test_each_scenario_by_hand() -> None:
    """With n = 16, n^0.75 = 8. Ends 8 apart from 6 by 2, quarters 7; Luo, Wan, Shi."""
    s1 = mean_sd(16, **given_in("S1"))
    assert s1.mean == pytest.approx([6 + 2 * 4 / 12])
    assert s1.sd == pytest.approx([12 / (2 * ndtri(15.625 / 16.25))])
    s2 = mean_sd(16, **given_in("S2"))
    assert s2.mean == pytest.approx([6 + (0.7 + 0.39 / 16)])
    assert s2.sd == pytest.approx([6 / (2 * ndtri(11.875 / 16.25))])
    s3 = mean_sd(16, **given_in("S3"))
    assert s3.mean == pytest.approx([6 + 2 * 2.2 / 10.2 + (0.7 - 0.72 / 16**0.55)])
    # Shi 2020 eq. 10, the shortcut with theta1 and theta2.
    theta1 = (2 + 0.14 * 16**0.6) * ndtri(15.625 / 16.25)
    theta2 = (2 + 2 / (0.07 * 16**0.6)) * ndtri(11.875 / 16.25)
    assert s3.sd == pytest.approx([12 / theta1 + 6 / theta2])
    assert s3.formula == ("mean: Luo 2018 eq. 15; SD: Shi 2020 eq. 10",)
    assert s3.reason == ("",)


def test_studies_may_report_different_quantiles() -> None:
    """Each study gets the formulas of what it reports, as if it were alone."""
    columns: dict[str, Any] = {
        name: [given_in(scenario).get(name, NAN) for scenario in PARTS] for name in FIVE
    }
    together = mean_sd([16, 20, 24], **columns)
    for i, (scenario, n) in enumerate(zip(PARTS, (16, 20, 24), strict=True)):
        alone = mean_sd(n, **given_in(scenario))
        assert together.mean[i] == alone.mean[0]
        assert together.sd[i] == alone.sd[0]
        assert together.formula[i] == alone.formula[0]


@given(
    scenario=st.sampled_from(sorted(PARTS)),
    steps=st.lists(st.floats(0.1, 10), min_size=4, max_size=4),
    n=st.integers(5, 500),
    shift=st.floats(-100, 100),
    scale=st.floats(0.01, 100),
)
def test_lws_follows_shift_and_scale(
    scenario: str, steps: list[float], n: int, shift: float, scale: float
) -> None:
    """Mean to shift + scale mean, SD to scale SD, and the skewness statistic stays."""
    x = np.cumsum([1.0, *steps])[SCENARIOS[scenario]]
    size = np.array(float(n))
    mean, sd = normal_mean_sd(scenario, size, x)
    moved = normal_mean_sd(scenario, size, shift + scale * x)
    assert moved[0] == pytest.approx(shift + scale * mean, abs=1e-9)
    assert moved[1] == pytest.approx(scale * sd)
    assert skewness_test(scenario, size, shift + scale * x)[0] == pytest.approx(
        skewness_test(scenario, size, x)[0], abs=1e-7
    )


@pytest.mark.parametrize("method", ["LWS", "QE"])
@pytest.mark.parametrize("scenario", sorted(PARTS))
def test_symmetric_quantiles_give_the_median_as_mean(method: str, scenario: str) -> None:
    """Whatever the weights, and whatever n."""
    symmetric: dict[str, Any] = {
        "minimum": -9.0,
        "q1": -2.0,
        "median": 1.0,
        "q3": 4.0,
        "maximum": 11.0,
    }
    found = mean_sd([10, 30, 400], method=method, **given_in(scenario, symmetric))
    assert found.mean == pytest.approx([1.0] * 3)
    assert found.skewness == pytest.approx([0.0] * 3)


@pytest.mark.parametrize("scenario", sorted(PARTS))
def test_lws_is_unbiased_for_normal_data(scenario: str) -> None:
    """Over 4000 normal samples of 41 the average mean is 0 and the average SD 1, within 1 %."""
    samples = np.sort(np.random.default_rng(20).standard_normal((4000, 41)), axis=1)
    x = samples[:, [0, 10, 20, 30, 40]][:, SCENARIOS[scenario]]
    mean, sd = normal_mean_sd(scenario, np.full(4000, 41.0), x)
    assert abs(mean.mean()) < 0.01
    assert sd.mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("scenario", sorted(PARTS))
@pytest.mark.parametrize("n", [21, 201])
def test_skewness_is_found_in_one_of_twenty_normal_samples(scenario: str, n: int) -> None:
    """The published critical values hold their level: between 4 and 6 % of 10,000 samples."""
    samples = np.sort(np.random.default_rng(n).standard_normal((10_000, n)), axis=1)
    x = np.quantile(samples, [0, 0.25, 0.5, 0.75, 1], axis=1).T[:, SCENARIOS[scenario]]
    statistic, critical = skewness_test(scenario, np.full(10_000, float(n)), x)
    assert 0.04 < (statistic > critical).mean() < 0.06


def test_skewed_quantiles_are_refused_with_the_numbers() -> None:
    """Statistic, critical value and reference stand in the reason; test=False converts."""
    skewed: dict[str, Any] = FIVE | {"q3": 14.0, "maximum": 20.0}
    found = mean_sd(20, **skewed)
    assert np.isnan([found.mean[0], found.sd[0]]).all()
    assert found.formula == ("",)
    assert found.reason[0].startswith("quantiles are skewed: statistic 0.818 > 0.666")
    assert "n = 20 (Shi 2023)" in found.reason[0]
    assert found.skewness[0] > found.critical[0]
    assert math.isfinite(mean_sd(20, **skewed, test=False).mean[0])
    assert mean_sd(20, **skewed, method="QE").reason == ("",)
    assert mean_sd(20, **skewed, method="MLN").reason == ("",)
    # With a negative value QE has the normal distribution only, so symmetry matters again.
    below: dict[str, Any] = {name: value - 5 for name, value in skewed.items()}
    assert "skewed" in mean_sd(20, **below, method="QE").reason[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("n", "columns", "reason"),
    [
        (20, {"median": 6}, "needs the median with minimum and maximum, or with both quartiles"),
        (20, {"q1": 4, "q3": 10}, "needs the median with"),
        (20, FIVE | {"median": math.inf}, "needs the median with"),
        (NAN, FIVE, "n is missing"),
        (4, FIVE, "n = 4: at least 5 people are needed"),
        (20, FIVE | {"q1": 7}, "q1 = 7 is above median = 6"),
        (20, given_in("S2") | {"maximum": 9}, "q3 = 10 is above maximum = 9"),
        (20, {"q1": 6, "median": 6, "q3": 6}, "q1 and q3 are both 6: no spread"),
        (20, FIVE | {"q1": 6, "q3": 6}, "q1 and q3 are both 6: no spread"),
    ],
)
def test_impossible_quantiles_have_a_reason(
    method: str, n: float, columns: dict[str, Any], reason: str
) -> None:
    """NaN, no formula, and one sentence; the study beside it is converted."""
    both: dict[str, Any] = {name: [columns.get(name, NAN), FIVE[name]] for name in FIVE}
    found = mean_sd([n, 20], **both, method=method)
    assert np.isnan([found.mean[0], found.sd[0]]).all()
    assert found.formula[0] == ""
    assert found.reason[0].startswith(reason)
    assert found.reason[1] == ""
    assert math.isfinite(found.mean[1])


def test_mln_says_what_it_cannot_take() -> None:
    """Box-Cox needs positive values, the likelihood of order statistics different ones."""
    zero = mean_sd(20, **FIVE | {"minimum": 0.0}, method="MLN")
    assert zero.reason == ("lowest quantile = 0: MLN needs values > 0",)
    tied = mean_sd(20, **FIVE | {"q1": 6.0}, method="MLN")
    assert tied.reason == ("two quantiles are equal: MLN needs them to differ",)


@pytest.mark.parametrize("method", ["QE", "MLN"])
def test_fits_beyond_the_data_are_refused(method: str) -> None:
    """Quartiles 0.4 and 55 around 1.7: a log-normal with a mean in the thousands, and no mean."""
    found = mean_sd(20, q1=0.372, median=1.703, q3=54.66, method=method)
    assert np.isnan([found.mean[0], found.sd[0]]).all()
    assert found.formula == ("",)
    assert re.match(
        r"fitted mean \S+ is outside the reported 0.372 to 54.66: too skewed", found.reason[0]
    )


def test_no_sd_is_larger_than_the_range_allows() -> None:
    """QE takes the lowest of 5 for the 20th percentile, and makes the SD 20/0.8416 = 23.76."""
    found = mean_sd(5, minimum=0.0, median=20.0, maximum=40.0, method="QE")
    assert found.reason == ("fitted SD 23.76 is above 22.36, the largest that the range allows",)


def test_wrong_calls_are_errors() -> None:
    """An unknown method; columns that do not fit."""
    with pytest.raises(TrialpoolError, match="method = 'BC': allowed are LWS, QE, MLN"):
        mean_sd(20, **FIVE, method="BC")
    with pytest.raises(TrialpoolError, match=r"have 2, 1, 3, 1, 1, 1 values: give one per study"):
        mean_sd([20, 30], q1=[1, 2, 3])


N = 80
P = np.array([1 / N, 0.25, 0.5, 0.75, 1 - 1 / N])
KNOWN = {
    "normal": (50 + 8 * ndtri(P), 50, 8),
    "log-normal": (
        np.exp(3 + 0.5 * ndtri(P)),
        math.exp(3.125),
        math.exp(3.125) * math.sqrt(math.expm1(0.25)),
    ),
    "gamma": (5 * gammaincinv(3, P), 15, 5 * math.sqrt(3)),
    "Weibull": (
        10 * (-np.log1p(-P)) ** 0.5,
        10 * math.gamma(1.5),
        10 * math.sqrt(1 - math.gamma(1.5) ** 2),
    ),
    "beta": (betaincinv(2, 5, P), 2 / 7, math.sqrt(10 / 8) / 7),
}


@pytest.mark.parametrize("scenario", sorted(PARTS))
@pytest.mark.parametrize("name", sorted(KNOWN))
def test_quantile_estimation_recovers_a_known_distribution(name: str, scenario: str) -> None:
    """From its own exact quantiles: the distribution by name, its mean and SD."""
    x, mean, sd = KNOWN[name]
    columns: dict[str, Any] = dict(zip(FIVE, map(float, x), strict=True))
    found = mean_sd(N, **given_in(scenario, columns), method="QE")
    assert found.mean == pytest.approx([mean], rel=1e-5)
    assert found.sd == pytest.approx([sd], rel=1e-4)
    assert f"{name} fits best" in found.formula[0]


@pytest.mark.parametrize("scenario", sorted(PARTS))
@pytest.mark.parametrize("spread", [0.1, 0.5])
def test_mln_comes_near_a_known_log_normal(spread: float, scenario: str) -> None:
    """From where its ordered values are expected (Blom 1958): mean and SD within 5 %."""
    ranks = np.array([1, (N + 3) / 4, (N + 1) / 2, (3 * N + 1) / 4, N])
    x = np.exp(3 + spread * ndtri((ranks - 0.375) / (N + 0.25)))
    columns: dict[str, Any] = dict(zip(FIVE, map(float, x), strict=True))
    mean = math.exp(3 + spread**2 / 2)
    found = mean_sd(N, **given_in(scenario, columns), method="MLN")
    assert found.mean == pytest.approx([mean], rel=0.05)
    assert found.sd == pytest.approx([mean * math.sqrt(math.expm1(spread**2))], rel=0.05)
    assert "Box-Cox power" in found.formula[0]


@pytest.mark.parametrize("method", ["QE", "MLN"])
def test_fits_follow_the_unit_of_the_scale(method: str) -> None:
    """Ten times the quantiles: ten times mean and SD."""
    tenfold: dict[str, Any] = {name: 10 * value for name, value in FIVE.items()}
    one, ten = mean_sd(40, **FIVE, method=method), mean_sd(40, **tenfold, method=method)
    assert ten.mean == pytest.approx(10 * one.mean, rel=1e-6)
    assert ten.sd == pytest.approx(10 * one.sd, rel=1e-5)


def test_the_fit_to_order_statistics_is_a_stationary_point() -> None:
    """Central differences of the log-likelihood give its slope, which is 0 where MLN ends."""
    y, counts = np.array([-1.1, -0.3, 0.2, 0.9, 2.4]), np.array([0, 5, 5, 5, 5, 0])
    at, step = np.array([0.1, -0.2]), 1e-5

    def value(x: NDArray[np.float64]) -> float:
        return quantiles._log_likelihood(y, float(x[0]), float(np.exp(x[1])), counts)

    by_hand = [(value(at + e) - value(at - e)) / (2 * step) for e in step * np.eye(2)]
    np.testing.assert_allclose(quantiles._score(at, y, counts), by_hand, rtol=1e-8)


def test_mln_has_all_its_digits() -> None:
    """A unit of the data scales the result to the last digits; a search by values keeps eight."""
    data: dict[str, Any] = {"minimum": 1.0, "q1": 3.0, "median": 4.0, "q3": 8.0, "maximum": 20.0}
    one = mean_sd(25, **data, method="MLN")
    scaled: dict[str, Any] = {name: 3.7 * x for name, x in data.items()}
    other = mean_sd(25, **scaled, method="MLN")
    np.testing.assert_allclose(other.mean, 3.7 * one.mean, rtol=1e-12)
    np.testing.assert_allclose(other.sd, 3.7 * one.sd, rtol=1e-12)
