"""The normal-normal model against brute-force integration over a plain grid of both parameters."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from trialpool.bayes import normal_normal
from trialpool.results import TrialpoolError

Y = np.array([-0.35, 0.10, -0.62])
V = np.array([0.05, 0.09, 0.07])


def _crossing(x: NDArray[np.float64], cdf: NDArray[np.float64], p: float) -> float:
    """Where a tabulated CDF reaches p, by a cubic through the four nearest points."""
    j = int(np.searchsorted(cdf, p))
    near = slice(j - 2, j + 2)
    return float(np.polyval(np.polyfit(cdf[near] - p, x[near], 3), 0.0))


def _brute_force(mu_sd: float | None, tau_scale: float) -> dict[str, float]:
    """Simpson's rule on the joint density of (mu, tau); shares no formula with the library."""
    tau = np.linspace(0, 12 * tau_scale, 2001)
    mu = np.linspace(-8, 8, 4001)
    simpson = np.ones(tau.size)
    simpson[1:-1:2], simpson[2:-1:2] = 4, 2
    log_joint = -((tau[:, None] / tau_scale) ** 2) / 2 + np.zeros((tau.size, mu.size))
    if mu_sd is not None:
        log_joint = log_joint - (mu[None, :] / mu_sd) ** 2 / 2
    for y, v in zip(Y, V, strict=True):
        s2 = (v + tau**2)[:, None]
        log_joint = log_joint - np.log(s2) / 2 - (y - mu[None, :]) ** 2 / (2 * s2)
    joint = np.exp(log_joint - log_joint.max())
    total = (simpson @ joint).sum()
    # The trapezoidal rule is exact to rounding for the smooth density of mu, and its running
    # sum shifted by half a cell is the CDF at the cell edges.
    density = simpson @ joint / total
    cdf_mu = np.cumsum(density) - density / 2 - (np.gradient(density)) / 12
    by_tau = joint.sum(axis=1)
    h = tau[1] - tau[0]
    slope = np.gradient(by_tau, h, edge_order=2)
    cells = h * (by_tau[:-1] + by_tau[1:]) / 2 - h**2 * (slope[1:] - slope[:-1]) / 12
    cdf_tau = np.concatenate([[0], np.cumsum(cells)]) / cells.sum()
    weight = simpson[:, None] * joint / total
    out = {"p_below_zero": float(np.interp(0, mu, cdf_mu))}
    for p, end in ((0.025, "_lb"), (0.5, ""), (0.975, "_ub")):
        out["mu" + end] = _crossing(mu, cdf_mu, p)
        out["tau" + end] = _crossing(tau, cdf_tau, p)
    # P(new < x) = sum over (mu, tau) of the normal CDF of (x - mu)/tau; a few tau = 0 terms aside.
    thin = weight[:, ::4] * 4
    for end in ("_lb", "_ub"):
        x = getattr(normal_normal(Y, V, tau_scale=tau_scale, mu_sd=mu_sd), "new" + end)
        with np.errstate(divide="ignore"):
            below = ndtr((x - mu[None, ::4]) / tau[:, None])
        out["p_new" + end] = float((thin * below).sum())
    return out


@pytest.mark.parametrize(("mu_sd", "tau_scale"), [(None, 0.5), (1.0, 0.5), (None, 0.25)])
def test_agrees_with_brute_force_integration(mu_sd: float | None, tau_scale: float) -> None:
    """Every number of the posterior to 1e-6, from an independent integration."""
    ours = normal_normal(Y, V, tau_scale=tau_scale, mu_sd=mu_sd)
    truth = _brute_force(mu_sd, tau_scale)
    for name in ("mu", "mu_lb", "mu_ub", "tau", "tau_lb", "tau_ub", "p_below_zero"):
        assert getattr(ours, name) == pytest.approx(truth[name], abs=1e-6), name
    assert truth["p_new_lb"] == pytest.approx(0.025, abs=1e-5)
    assert truth["p_new_ub"] == pytest.approx(0.975, abs=1e-5)


def test_huge_prior_scale_of_mu_is_flat() -> None:
    """N(0, 1e6) and a flat prior are the same to the digits shown."""
    flat, wide = normal_normal(Y, V), normal_normal(Y, V, mu_sd=1e6)
    assert wide.mu == pytest.approx(flat.mu, abs=1e-9)
    assert wide.tau_ub == pytest.approx(flat.tau_ub, abs=1e-9)


def test_no_heterogeneity_prior_gives_the_common_effect() -> None:
    """With tau held near 0 mu is the inverse-variance normal."""
    post = normal_normal(Y, V, tau_scale=1e-7)
    w = 1 / V
    assert post.mu == pytest.approx((w * Y).sum() / w.sum(), abs=1e-9)
    assert post.mu_ub - post.mu == pytest.approx(1.959963984540054 / np.sqrt(w.sum()), rel=1e-9)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e8])
def test_scale_of_the_data_does_not_matter(scale: float) -> None:
    """Effects, SEs and prior in another unit: the posterior in that unit."""
    base = normal_normal(Y, V)
    other = normal_normal(Y * scale, V * scale**2, tau_scale=0.5 * scale)
    for name in ("mu", "mu_lb", "mu_ub", "tau", "tau_lb", "tau_ub", "new_lb", "new_ub"):
        assert getattr(other, name) / scale == pytest.approx(getattr(base, name), rel=1e-9)
    assert other.p_below_zero == pytest.approx(base.p_below_zero, rel=1e-9)


def test_sharp_posteriors_are_not_stepped_over() -> None:
    """10,000 precise studies: tau near its true 0.3 with an interval of about 2 %."""
    rng = np.random.default_rng(2)
    y = rng.normal(0.1, 0.3, size=10_000)
    post = normal_normal(y, np.full(10_000, 1e-6))
    sd = y.std(ddof=1)
    assert post.tau == pytest.approx(sd, rel=1e-3)
    assert (post.tau_ub - post.tau_lb) / sd == pytest.approx(2 * 1.96 / np.sqrt(2e4), rel=0.01)


def test_data_that_contradict_the_prior_are_followed() -> None:
    """Studies 100 apart under tau ~ half-normal(0.5): tau far beyond the prior, still finite."""
    post = normal_normal([0.0, 100.0, 200.0], [0.01, 0.01, 0.01])
    assert post.tau > 3
    assert post.mu == pytest.approx(100, abs=1e-6)


def test_mirror_image() -> None:
    """Turning every sign turns mu, and P(mu < 0) to its complement."""
    one, two = normal_normal(Y, V), normal_normal(-Y, V)
    assert one.mu_lb == pytest.approx(-two.mu_ub, abs=1e-12)
    assert one.p_below_zero == pytest.approx(1 - two.p_below_zero, abs=1e-12)
    assert one.tau == pytest.approx(two.tau, rel=1e-12)


def test_deterministic_and_quick() -> None:
    """The same bytes every time; k = 3 within 50 ms (no simulation)."""
    assert normal_normal(Y, V) == normal_normal(Y, V)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        normal_normal(Y, V)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


def test_one_study_needs_a_prior_of_mu() -> None:
    """A flat prior with one study leaves tau to the prior alone."""
    with pytest.raises(TrialpoolError, match="k = 1 with a flat prior"):
        normal_normal([0.2], [0.1])
    assert normal_normal([0.2], [0.1], mu_sd=1.0).mu > 0
    assert normal_normal(Y, V, mu_sd=1.0).prior == "mu normal(0, 1), tau half-normal(0.5)"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"tau_scale": 0.0}, "tau_scale = 0"), ({"mu_sd": -1.0}, "mu_sd"), ({"level": 95}, "level")],
)
def test_bad_settings(options: dict[str, float], message: str) -> None:
    """The setting and its value are named."""
    with pytest.raises(TrialpoolError, match=message):
        normal_normal(Y, V, **options)
    with pytest.raises(TrialpoolError, match=r"vi\[1\]"):
        normal_normal([0.1, 0.2], [0.1, 0.0])
