"""Many posteriors at once: each is that of `normal_normal`, and the protocol's where none leads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trialpool.bayes import normal_normal
from trialpool.bayes.many import pool_sets, posterior_many
from trialpool.pooling.batch import PooledMany, pool_many
from trialpool.results import TrialpoolError


@pytest.mark.parametrize("scale", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("k", [2, 4, 12, 20])
def test_each_is_the_posterior_of_its_set(k: int, scale: float) -> None:
    """To 1e-6 of the interval's width, with precise and imprecise trials, alike and apart."""
    rng = np.random.default_rng(k)
    y = rng.normal(0.3, [[0.05], [0.5], [2.0]], (3, k))
    v = rng.uniform(0.002, 0.6, (3, k))
    many = posterior_many(y, v, tau_scale=scale, level=0.9)
    assert many.converged.all()
    for i in range(3):
        one = normal_normal(y[i], v[i], tau_scale=scale, level=0.9, each=False)
        found, near = many.row(i), 1e-6 * (one.mu_ub - one.mu_lb)
        assert found == pytest.approx((one.mu, one.mu_lb, one.mu_ub), rel=0, abs=near)


def test_a_set_holds_the_trials_of_its_mask() -> None:
    """What stands in the other places is not looked at."""
    rng = np.random.default_rng(3)
    y, v = rng.normal(size=(40, 6)), rng.uniform(0.02, 0.5, (40, 6))
    used = rng.random((40, 6)) > 0.4
    used[:, :2] = True
    many = posterior_many(np.where(used, y, 1e3), np.where(used, v, 1e-4), used, tau_scale=0.5)
    assert many.k.tolist() == used.sum(axis=1).tolist()
    for i in range(0, 40, 8):
        one = normal_normal(y[i][used[i]], v[i][used[i]], tau_scale=0.5, each=False)
        near = 1e-6 * (one.mu_ub - one.mu_lb)
        assert many.row(i) == pytest.approx((one.mu, one.mu_lb, one.mu_ub), rel=0, abs=near)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mask": [[True, False, False]]}, "set 0: one study"),
        ({"tau_scale": 0.0}, "tau_scale"),
        ({"tau_scale": -0.5}, "tau_scale"),
        ({"level": 1.0}, "level"),
        ({"level": 0.0}, "level"),
    ],
)
def test_what_cannot_be_asked_is_refused(changes: dict[str, Any], message: str) -> None:
    asked: dict[str, Any] = {"yi": [[0.1, 0.2, 0.3]], "vi": [[0.1, 0.1, 0.1]], "tau_scale": 0.5}
    with pytest.raises(TrialpoolError, match=message):
        posterior_many(**(asked | changes))


def test_without_a_prior_sets_are_pooled_by_the_model() -> None:
    rng = np.random.default_rng(1)
    y, v = rng.normal(size=(5, 4)), rng.uniform(0.1, 0.5, (5, 4))
    plain = pool_sets(y, v, tau2="PM", test="knha", level=0.9)
    truth = pool_many(y, v, tau2="PM", test="knha", level=0.9)
    assert isinstance(plain, PooledMany)
    assert plain.ci_lb.tolist() == truth.ci_lb.tolist()
    led = pool_sets(y, v, tau2="PM", test="knha", level=0.9, tau_scale=0.5)
    assert led.ci_lb.tolist() == posterior_many(y, v, tau_scale=0.5, level=0.9).ci_lb.tolist()
