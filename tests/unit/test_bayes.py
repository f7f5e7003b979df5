"""The normal-normal model against brute force, closed forms and another program's printed results.

Two independent integrations: Simpson's rule on a plain grid of both parameters, and adaptive
quadrature over the prior's quantiles with the conditional distributions from linear algebra.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import dblquad, quad_vec
from scipy.special import ndtr, ndtri

from trialpool.bayes import (
    EMPIRICAL,
    WEAK,
    HalfCauchy,
    HalfNormal,
    LogNormal,
    LogStudent,
    Prior,
    Uniform,
    normal_normal,
    sweep,
)
from trialpool.results import Posterior, TrialpoolError

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
    post = normal_normal(y, np.full(10_000, 1e-6), each=False)
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


def test_the_same_bytes_every_time() -> None:
    """Quadrature, not simulation."""
    assert normal_normal(Y, V) == normal_normal(Y, V)


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
def test_bad_settings(options: dict[str, Any], message: str) -> None:
    """The setting and its value are named."""
    with pytest.raises(TrialpoolError, match=message):
        normal_normal(Y, V, **options)
    with pytest.raises(TrialpoolError, match=r"vi\[1\]"):
        normal_normal([0.1, 0.2], [0.1, 0.0])


def _log_t(location: float, scale: float) -> Callable[[float], float]:
    return lambda p: float(np.exp((location + scale * stats.t.ppf(p, 5)) / 2))


def _log_normal(location: float, scale: float) -> Callable[[float], float]:
    return lambda p: float(np.exp((location + scale * ndtri(p)) / 2))


# Each prior with its quantile function, from scipy.
QUANTILES: list[tuple[Prior | str, Callable[[float], float]]] = [
    (HalfNormal(0.5), stats.halfnorm(scale=0.5).ppf),
    (HalfCauchy(0.3), stats.halfcauchy(scale=0.3).ppf),
    (Uniform(2.0), stats.uniform(scale=2.0).ppf),
    ("rhodes_mental_health_placebo", _log_t(-2.99, 2.16)),
    ("rhodes_mental_health_drug", _log_t(-3.27, 2.14)),
    ("turner_mental_health_placebo", _log_normal(-2.12, 1.53)),
    ("turner_adverse_events_placebo", _log_normal(-1.87, 1.52)),
    ("turner_drop_outs_placebo", _log_normal(-2.99, 1.74)),
]


def _given(
    tau: float, mu_sd: float | None, y: NDArray[np.float64] = Y, v: NDArray[np.float64] = V
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Log likelihood of tau; mean and SD given tau of mu, a new study and all true effects.

    Conditions the joint normal distribution on y (kriging, universal where mu has a flat prior).
    """
    k, one = len(y), np.ones(len(y))
    eye = np.eye(k)
    shared = 0.0 if mu_sd is None else mu_sd**2
    K = np.diag(v) + tau**2 * eye + shared
    c = shared + np.column_stack([0 * one, 0 * one, tau**2 * eye])
    c0 = shared + np.array([0.0, *([tau**2] * (k + 1))])
    if mu_sd is None:
        contrasts = eye[1:] - eye[0]
        loglik = stats.multivariate_normal.logpdf(contrasts @ y, cov=contrasts @ K @ contrasts.T)
        bordered = np.block([[K, one[:, None]], [one[None, :], np.zeros((1, 1))]])
        solved = np.linalg.solve(bordered, np.vstack([c, np.ones((1, k + 2))]))
        weight, lagrange = solved[:k], solved[k]
    else:
        loglik = stats.multivariate_normal.logpdf(y, cov=K)
        weight, lagrange = np.linalg.solve(K, c), np.zeros(k + 2)
    var = c0 - (weight * c).sum(axis=0) - lagrange
    return float(loglik), weight.T @ y, np.sqrt(var)


@pytest.mark.parametrize("mu_sd", [None, 1.0])
@pytest.mark.parametrize(("prior", "quantile"), QUANTILES)
def test_agrees_with_adaptive_integration(
    prior: Prior | str, quantile: Callable[[float], float], mu_sd: float | None
) -> None:
    """Every probability to 1e-8, over the quantiles of the prior and by generic conditioning."""
    mid = 0.24
    post = normal_normal(Y, V, prior=prior, mu_sd=mu_sd, mid=mid)
    ends = [
        (post.mu_lb, post.new_lb, *post.theta_lb),
        (post.mu, post.new, *post.theta),
        (post.mu_ub, post.new_ub, *post.theta_ub),
        (0.0,) * 5,
        (-mid,) * 5,
    ]

    def joint(p: float) -> NDArray[np.float64]:
        # Where p rounds to an end: a tau beyond which the likelihood is below 1e-12.
        loglik, mean, sd = _given(min(quantile(p), 1e6), mu_sd)
        below = ndtr((np.array(ends) - mean) / np.maximum(sd, 1e-300))
        found: NDArray[np.float64] = np.exp(loglik) * np.append(below.ravel(), 1.0)
        return found

    taus = [post.tau_lb, post.tau, post.tau_ub]
    cuts = [_inverse(quantile, tau) for tau in taus]
    pieces = [
        quad_vec(joint, low, high, epsabs=1e-12, epsrel=1e-12, limit=2000)[0]
        for low, high in zip([0.0, *cuts], [*cuts, 1.0], strict=True)
    ]
    parts = np.cumsum(pieces, axis=0)
    total = parts[-1, -1]
    below = (parts[-1, :-1] / total).reshape(5, 5)
    for row, p in enumerate((0.025, 0.5, 0.975)):
        assert below[row] == pytest.approx(p, abs=1e-8)
        assert parts[row, -1] / total == pytest.approx(p, abs=1e-8)
    assert post.p_below_zero == pytest.approx(below[3, 0], abs=1e-8)
    assert (post.p_benefit, post.p_new_benefit) == pytest.approx(tuple(below[3, :2]), abs=1e-8)
    assert (post.p_mid, post.p_new_mid) == pytest.approx(tuple(below[4, :2]), abs=1e-8)


def _inverse(quantile: Callable[[float], float], tau: float) -> float:
    """The probability whose quantile is tau, by bisection to the last digit."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(middle) < tau else (low, middle)
    return (low + high) / 2


def test_one_study_without_heterogeneity_is_the_conjugate_normal() -> None:
    """Prior N(0, s^2), effect y with variance v: mean y s^2/(s^2 + v), variance v s^2/(s^2 + v)."""
    y, v, s = -0.8, 0.09, 0.5
    post = normal_normal([y], [v], mu_sd=s, tau_scale=1e-9, mid=0.3)
    mean, sd = y * s**2 / (s**2 + v), np.sqrt(v * s**2 / (v + s**2))
    assert post.mu == pytest.approx(mean, abs=1e-10)
    assert post.mu_ub == pytest.approx(mean + 1.959963984540054 * sd, abs=1e-10)
    assert post.theta[0] == pytest.approx(mean, abs=1e-9)
    assert post.p_benefit == pytest.approx(ndtr(-mean / sd), abs=1e-10)
    assert post.p_mid == pytest.approx(ndtr((-0.3 - mean) / sd), abs=1e-10)


def test_two_studies_with_tau_held_at_a_value() -> None:
    """Held at 0.3 by a tight prior: everything is normal with weights 1/(v + 0.09)."""
    tau, y, v = 0.3, np.array([-0.9, 0.1]), np.array([0.04, 0.10])
    post = normal_normal(y, v, prior=LogNormal(2 * np.log(tau), 1e-7), mid=0.2)
    w = 1 / (v + tau**2)
    mean, var = (w * y).sum() / w.sum(), 1 / w.sum()
    assert post.tau_lb == pytest.approx(tau, rel=1e-6)
    assert post.tau_ub == pytest.approx(tau, rel=1e-6)
    assert post.mu == pytest.approx(mean, abs=1e-8)
    assert post.mu - post.mu_lb == pytest.approx(1.959963984540054 * np.sqrt(var), rel=1e-8)
    assert post.new_ub - post.new == pytest.approx(
        1.959963984540054 * np.sqrt(var + tau**2), rel=1e-7
    )
    own = tau**2 * w
    assert post.theta == pytest.approx(tuple(own * y + (1 - own) * mean), abs=1e-8)
    spread = np.sqrt(own * v + (1 - own) ** 2 * var)
    assert post.theta_ub[0] - post.theta[0] == pytest.approx(
        1.959963984540054 * spread[0], rel=1e-7
    )
    assert post.p_new_mid == pytest.approx(ndtr((-0.2 - mean) / np.sqrt(var + tau**2)), abs=1e-8)


SCHOOLS = [28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16]
SCHOOLS_SE = np.array([14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6])


def _schools(**options: Any) -> Posterior:
    chosen: dict[str, Any] = {"prior": HalfCauchy(25), "mu_sd": 50.0, "better": "higher"}
    return normal_normal(SCHOOLS, SCHOOLS_SE**2, **chosen | options)


def test_eight_schools_as_bayesmeta_prints_them() -> None:
    """Vignette of bayesmeta (Roever, CRAN): Rubin 1981, half-Cauchy(25), mu N(0, 50^2).

    tau is held to the digits printed. bayesmeta computes mu and the true effects from a mixture on
    a few values of tau, within a stated divergence (its delta and epsilon), here 0.0002 SD for mu
    and 0.002 SD for the true effects; the integration above holds ours to more.
    """
    post = _schools()
    assert post.tau == pytest.approx(4.758539, abs=5e-7)
    assert post.tau_lb == pytest.approx(0.2199559, abs=5e-8)
    assert post.tau_ub == pytest.approx(18.0531718, abs=5e-8)
    assert _schools(level=0.9).tau_ub == pytest.approx(15.16589, abs=5e-6)
    sd = 4.995762
    assert post.mu == pytest.approx(7.962961, abs=2e-4 * sd)
    assert _schools(level=0.9).mu_ub == pytest.approx(16.11009, abs=2e-4 * sd)
    assert post.p_benefit == pytest.approx(0.9487521, abs=5e-5)
    # The printed interval is the shortest one; 5 % of the posterior lies outside it.
    above, below = _schools(mid=17.824562).p_mid, _schools(mid=1.823353, better="lower").p_mid
    assert above is not None
    assert below is not None
    assert above + below == pytest.approx(0.05, abs=1e-4)
    for school, median, spread in ((0, 10.093581, 7.901084), (6, 9.786985, 6.631039),
                                   (7, 8.266594, 7.456906)):  # fmt: skip
        assert post.theta[school] == pytest.approx(median, abs=0.0025 * spread)


def test_eight_schools_by_adaptive_integration() -> None:
    """Where bayesmeta's mixture is coarse: mu and the true effects of the schools to 1e-8."""
    post = _schools()
    ends = np.array([post.mu, post.new, *post.theta])

    def joint(p: float) -> NDArray[np.float64]:
        tau = min(25 * np.tan(np.pi * p / 2), 1e9)
        loglik, mean, sd = _given(tau, 50.0, np.array(SCHOOLS), SCHOOLS_SE**2)
        found: NDArray[np.float64] = np.exp(loglik + 30) * np.append(ndtr((ends - mean) / sd), 1.0)
        return found

    found = quad_vec(joint, 0.0, 1.0, epsabs=1e-14, epsrel=1e-12, limit=2000)[0]
    assert found[:-1] / found[-1] == pytest.approx(0.5, abs=1e-8)


# Hedges' g with its 95 % interval of twelve trials of psilocybin for depression, from
# Back 2024 to von Rotz 2023, as SYPRES prints them (pennlinc/sypres-docs, "Reproducibility Guide").
PSILOCYBIN = [
    (-1.4215, -2.2271, -0.6160), (-2.4807, -3.5637, -1.3976), (-0.7092, -1.0308, -0.3876),
    (-1.2731, -1.8827, -0.6635), (-1.7297, -2.7230, -0.7365), (-0.3347, -1.0987, 0.4294),
    (-0.8700, -1.2941, -0.4459), (-0.3806, -1.0314, 0.2701), (-0.1417, -0.8599, 0.5765),
    (-0.7940, -1.5967, 0.0086), (-0.8275, -1.5562, -0.0988), (-0.9384, -1.5120, -0.3648),
]  # fmt: skip


def test_twelve_trials_as_bayesmeta_prints_them() -> None:
    """The same page's output of bayesmeta: half-normal(0.5), mu N(0, 1), to 1e-4.

    The prior of this project on SMDs. The effects are printed to four decimals, which moves the
    posterior by less than that. Its intervals are the shortest ones: that of tau starts at 0, so
    its end is the 95 % quantile; 5 % of the posterior of mu lies outside the other.
    """
    y, low, high = np.array(PSILOCYBIN).T
    v = ((high - low) / (2 * 1.959963984540054)) ** 2
    post = normal_normal(y, v, mu_sd=1.0, tau_scale=0.5)
    assert post.tau == pytest.approx(0.2990692, abs=1e-4)
    assert post.mu == pytest.approx(-0.8714675, abs=1e-4)
    ninety = normal_normal(y, v, mu_sd=1.0, tau_scale=0.5, level=0.9)
    assert ninety.tau_ub == pytest.approx(0.6373571, abs=1e-4)
    beyond = [normal_normal(y, v, mu_sd=1.0, mid=end).p_mid for end in (1.1694173, 0.5981181)]
    assert None not in beyond
    far, near = (float(p or 0) for p in beyond)
    assert far + 1 - near == pytest.approx(0.05, abs=1e-4)


def test_double_integral_over_mu_and_tau() -> None:
    """Another route, to 1e-6: likelihood times priors integrated over the plane by `dblquad`.

    Nothing is worked out given tau: one density of mu and tau, cut at the medians and at 0.
    """
    post = normal_normal(Y, V, mu_sd=1.0, tau_scale=0.5)

    def density(mu: float, tau: float) -> float:
        spread = [v + tau**2 for v in V.tolist()]
        squares = sum((y - mu) ** 2 / v for y, v in zip(Y.tolist(), spread, strict=True))
        return math.exp(-(squares + mu**2 + (tau / 0.5) ** 2) / 2) / math.sqrt(math.prod(spread))

    def mass(low: float, high: float, top: float) -> float:
        value, _ = dblquad(density, 0.0, top, low, high, epsabs=1e-11, epsrel=1e-9)
        return float(value)

    below, between, above = mass(-8.0, post.mu, 4.0), mass(post.mu, 0.0, 4.0), mass(0.0, 8.0, 4.0)
    whole = below + between + above
    assert below / whole == pytest.approx(0.5, abs=1e-6)
    assert (below + between) / whole == pytest.approx(post.p_below_zero, abs=1e-6)
    assert mass(-8.0, 8.0, post.tau) / whole == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(("prior", "quantile"), QUANTILES[3:])
def test_what_location_and_scale_mean(prior: str, quantile: Callable[[float], float]) -> None:
    """A study that says nothing leaves tau to the prior, here as scipy has it for log tau^2."""
    post = normal_normal([0.0], [1e36], prior=prior, mu_sd=1.0)
    found = (post.tau_lb, post.tau, post.tau_ub)
    assert found == pytest.approx([quantile(p) for p in (0.025, 0.5, 0.975)], rel=1e-5)


def test_true_effects_are_drawn_to_the_mean() -> None:
    """Each between its own result and mu; the less precise it is and the smaller tau, the more."""
    post = normal_normal(Y, V)
    for y, theta in zip(Y, post.theta, strict=True):
        assert min(y, post.mu) < theta < max(y, post.mu)
    held = normal_normal(Y, V, tau_scale=1e-9)
    assert held.theta == pytest.approx([held.mu] * 3, abs=1e-8)
    free = normal_normal(Y, V, prior=LogNormal(12, 0.01))
    assert free.theta == pytest.approx(tuple(Y), abs=1e-5)
    assert free.theta_ub == pytest.approx(tuple(Y + 1.959963984540054 * np.sqrt(V)), abs=1e-5)


def test_benefit_follows_the_direction() -> None:
    """The same results with signs turned and higher as better: the same probabilities."""
    low, high = normal_normal(Y, V, mid=0.3), normal_normal(-Y, V, mid=0.3, better="higher")
    for name in ("p_benefit", "p_new_benefit", "p_mid", "p_new_mid"):
        assert getattr(high, name) == pytest.approx(getattr(low, name), abs=1e-12)
    assert low.p_benefit == low.p_below_zero
    assert normal_normal(Y, V, better="higher").p_benefit == pytest.approx(1 - low.p_below_zero)
    assert normal_normal(Y, V).p_mid is None


def test_sweep_keeps_the_order_and_the_options() -> None:
    """One posterior per prior, each what `normal_normal` gives, each with its name and source."""
    priors: list[Prior | str] = [*WEAK, "rhodes_mental_health_placebo"]
    found = sweep(Y, V, priors, mid=0.3, mu_sd=1.0)
    assert [p.prior.partition(", tau")[2] for p in found] == [
        " half-normal(0.25)", " half-normal(0.5)", " half-normal(1)", "^2 log-t5(-2.99, 2.16)",
    ]  # fmt: skip
    assert found[0] == normal_normal(Y, V, tau_scale=0.25, mid=0.3, mu_sd=1.0)
    assert found[3] == normal_normal(Y, V, prior=priors[3], mid=0.3, mu_sd=1.0)
    assert "Rhodes" in found[3].prior_reference
    assert {prior.measure for prior in EMPIRICAL.values()} == {"SMD", "OR"}


def test_improper_uniform_prior_is_the_limit_of_wide_ones() -> None:
    """Proper with three studies; the tail falls as tau^-2, so a wide end costs its inverse."""
    free, wide = normal_normal(Y, V, prior=Uniform()), normal_normal(Y, V, prior=Uniform(1e9))
    assert free.prior == "mu flat, tau uniform"
    assert wide.tau_ub == pytest.approx(free.tau_ub, rel=1e-6)
    with pytest.raises(TrialpoolError, match="too few studies"):
        normal_normal(Y[:2], V[:2], prior=Uniform())


@pytest.mark.parametrize("prior", [HalfCauchy(0.5), Uniform(), *EMPIRICAL])
def test_other_priors_give_the_same_bytes_every_time(prior: Prior | str) -> None:
    assert normal_normal(Y, V, prior=prior, mid=0.3) == normal_normal(Y, V, prior=prior, mid=0.3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prior": "rhodes"}, "prior = 'rhodes': allowed are rhodes_mental_health_placebo, "),
        ({"prior": 0.5}, "prior = 0.5: allowed are"),
        ({"prior": HalfNormal(1), "tau_scale": 0.5}, "tau_scale = 0.5 beside prior"),
        ({"tau_scale": float("nan")}, "tau_scale = nan: must be a number > 0"),
        ({"tau_scale": "wide"}, "tau_scale = wide: must be a number > 0"),
        ({"mu_sd": 1e300}, "mu_sd = 1e"),
        ({"mid": 0.0}, "mid = 0.0: must be a number > 0"),
        ({"better": "up"}, "better = 'up': allowed are lower, higher"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    """The option, its value and what is allowed."""
    with pytest.raises(TrialpoolError, match=message):
        normal_normal(Y, V, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HalfNormal(0), "half-normal scale = 0"),
        (lambda: HalfCauchy(-1), "half-Cauchy scale = -1"),
        (lambda: Uniform(float("inf")), "uniform upper = inf"),
        (lambda: LogNormal(float("nan"), 1), "log-normal location = nan"),
        (lambda: LogNormal(-2, 0), "log-normal scale = 0"),
        (lambda: LogStudent(1e4, 1), "log-t location = 10000"),
        (lambda: LogStudent(-2, 1, df=0.5), "log-t df = 0.5"),
        (lambda: sweep(Y, V, []), "priors is empty"),
        (lambda: sweep(Y, V, ["half"]), "prior = 'half'"),
    ],
)
def test_bad_priors(make: Callable[[], object], message: str) -> None:
    """A prior refuses its parameters when it is made, a sweep a name before it starts."""
    with pytest.raises(TrialpoolError, match=message):
        make()


def test_without_the_true_effects_all_else_is_the_same() -> None:
    """They are left out, of one prior and of several."""
    whole, less = normal_normal(Y, V), normal_normal(Y, V, each=False)
    assert less == replace(whole, theta=(), theta_lb=(), theta_ub=())
    assert len(whole.theta) == 3
    assert sweep(Y, V, [HalfNormal(0.5)], each=False) == [less]
