"""All fits without one study, of a pooled effect or a meta-regression, with the whole fit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialpool.pooling.batch import PooledMany, pool_many
from trialpool.pooling.design import Design
from trialpool.pooling.inference import knapp_hartung
from trialpool.pooling.inputs import as_design
from trialpool.pooling.model import pool
from trialpool.pooling.regression import regress
from trialpool.pooling.subsets import leave_one_out
from trialpool.pooling.tau2 import estimate_tau2
from trialpool.pooling.wald import wald
from trialpool.results import NAN, Array

NOTHING_LEFT = "k = 1: nothing is left without the study"
ONE_LEFT = "k = 2: one study is left, which has no tau2"
FEW_LEFT = "k = p + 1: without the study there are as many coefficients as studies"
ESSENTIAL = "without the study a coefficient cannot be estimated"
NOT_CONVERGED = "not converged"

_RANK = 1e-9  # share of its unweighted effect that a study leaves to the others


class Whole(NamedTuple):
    """The fit to all k studies: `beta` (p,), `vb` (p, p), `hat` and `weights` (k,).

    `factor` is what Knapp and Hartung multiply `vb` by.
    """

    beta: Array
    vb: Array
    tau2: float
    factor: float
    hat: Array
    weights: Array


class Rest(NamedTuple):
    """The k fits without one study: `beta` (k, p), `vb` (k, p, p), the others (k,).

    `why` says, by the kind of number, why it is missing: "all" of what needs a refit, or what
    needs its "tau2".
    """

    beta: Array
    vb: Array
    tau2: Array
    q: Array
    factor: Array
    why: dict[str, str]


def of_one_mean(
    y: Array, v: Array, tau2: str, test: str, level: float
) -> tuple[Whole, Rest, PooledMany | None]:
    """The pooled effect of k >= 1 checked studies, and each time without one of them."""
    k = len(y)
    full = pool(y, v, tau2=tau2, test=test, level=level)
    # One study has no tau2 to estimate; its own variance is all there is.
    t = 0.0 if k == 1 else full.tau2
    whole = Whole(
        np.array([full.beta]),
        np.array([[full.se**2]]),
        t,
        _factor(y - full.beta, v + t, k - 1, test),
        full.weights,
        full.weights,
    )
    if k == 1:
        return whole, _nothing(1, 1, NOTHING_LEFT), None
    many = pool_many(y, v, leave_one_out(k), tau2=tau2, test=test, level=level)
    common = tau2 == "EE"
    left, square = np.zeros(k) if common else many.tau2, many.se**2
    factor = np.ones(k)
    if test in ("knha", "hksj"):
        weights = 1 / (v + left[:, np.newaxis])
        np.fill_diagonal(weights, 0.0)
        factor = square * weights.sum(axis=1)
    why = {} if many.converged.all() else {"all": NOT_CONVERGED}
    if k == 2 and not common:
        why = {"tau2": ONE_LEFT}
    return whole, Rest(many.beta[:, None], square[:, None, None], left, many.q, factor, why), many


def of_regression(
    y: Array, v: Array, X: Any, tau2: str, test: str, level: float
) -> tuple[Array, Whole, Rest]:
    """The design (k, p), the regression on it, and each time without one study, all at once."""
    x, _ = as_design(X, len(y), None)
    full = regress(y, v, x, tau2=tau2, test=test, level=level)
    k, p = x.shape
    factor = _factor(y - full.fitted, v + full.tau2, k - p, test)
    whole = Whole(full.beta, full.vb, full.tau2, factor, full.hat, full.weights)
    if k == p + 1:
        return x, whole, _nothing(k, p, FEW_LEFT)
    basis, _ = np.linalg.qr(x / np.abs(x).max(axis=0))
    can = 1 - (basis * basis).sum(axis=1) > _RANK
    rest = _nothing(k, p, ESSENTIAL)
    if not can.any():
        return x, whole, rest
    others = _others(k)[:, can]
    s = Design(y[others], v[others], np.moveaxis(x[others], 2, 0))
    between = estimate_tau2(tau2, s)
    fit = wald(s, between.tau2, test, [])
    rest.beta[can], rest.vb[can] = fit.beta, fit.vb
    rest.tau2[can], rest.q[can] = between.tau2 * s.unit**2, s.common[1]
    rest.factor[can] = knapp_hartung(s.rss(s.weights(between.tau2)) / s.df, test)
    if can.all():
        rest.why.clear()
    if not np.all(between.converged):
        rest.why["all"] = NOT_CONVERGED
    return x, whole, rest


def _others(k: int) -> NDArray[np.int64]:
    """Places of the other studies, (k - 1, k): column i lacks study i."""
    place = np.arange(k - 1)[:, np.newaxis]
    return place + (place >= np.arange(k))


def _factor(resid: Array, variance: Array, df: int, test: str) -> float:
    """Factor on the variance of the whole fit; 1 for a single study, whose test is "z"."""
    if df == 0:
        return 1.0
    return float(knapp_hartung((resid**2 / variance).sum() / df, test))


def _nothing(k: int, p: int, why: str) -> Rest:
    """No refit at all."""
    t, q, factor = np.full((3, k), NAN)
    return Rest(np.full((k, p), NAN), np.full((k, p, p), NAN), t, q, factor, {"all": why})
