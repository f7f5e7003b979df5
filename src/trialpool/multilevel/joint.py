"""Degrees of freedom of robust variances, and tests of several contrasts at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, fdtrc

from trialpool.multilevel.sandwich import Sandwich
from trialpool.results import NAN, Array

WALD_TESTS = ("HTZ", "F", "chi2")

_SINGULAR = 1e-12  # least eigenvalue of a correlation matrix that can still be inverted


class JointTest(NamedTuple):
    """A Wald test of several contrasts; `reason` says why it is NaN."""

    stat: float
    df: int
    ddf: float
    pval: float
    reason: str = ""


def satterthwaite(parts: Sandwich, contrast: Array) -> float:
    """Degrees of freedom of the variance of a contrast: 2 E^2 / Var under the working model.

    Pustejovsky & Tipton 2018, J Bus Econ Stat 36:672.
    """
    p = parts.products(contrast, contrast)
    return float(np.trace(p) ** 2 / (p * p).sum())


def joint_test(parts: Sandwich, beta: Array, contrasts: Array, test: str) -> JointTest:
    """Whether all contrasts (q, p) of full row rank are 0."""
    m, p = len(parts.a), len(beta)
    q = len(contrasts)
    covariance = contrasts @ parts.vb @ contrasts.T
    size = np.sqrt(np.diag(covariance))
    if not (size > 0).all():
        return JointTest(NAN, q, NAN, NAN, "standard error is 0")
    # In units of the standard errors the matrix to solve is a correlation matrix.
    correlation = covariance / (size[:, None] * size)
    if np.linalg.eigvalsh(correlation)[0] < _SINGULAR:
        return JointTest(NAN, q, NAN, NAN, f"too little is left of {m} clusters for {q} contrasts")
    z = contrasts @ beta / size
    stat = float(z @ np.linalg.solve(correlation, z))
    if test == "chi2":
        return JointTest(stat, q, NAN, float(chdtrc(q, stat)))
    if test == "F":
        ddf, stat = float(m - p), stat / q
    else:
        eta = hotelling(parts, contrasts)
        ddf, stat = eta - q + 1, stat * (eta - q + 1) / (eta * q)
    if not ddf > 0:
        return JointTest(NAN, q, ddf, NAN, "no degrees of freedom left")
    return JointTest(stat, q, ddf, float(fdtrc(q, ddf, stat)))


def hotelling(parts: Sandwich, c: Array) -> float:
    """Degrees of freedom of the Wishart whose total variance is that of C vb C'.

    eta = q(q + 1) over the sum of the variances of the elements of Omega^-1/2 C vb C' Omega^-1/2,
    with Omega the expectation of C vb C' under the working model (Tipton & Pustejovsky 2015,
    J Educ Behav Stat 40:604; the sum does not depend on which root is taken).
    """
    values, vectors = np.linalg.eigh(c @ parts.expected() @ c.T)
    g = (vectors / np.sqrt(values)).T @ c
    q = len(g)
    squares = [parts.products(g[s], g[s]) for s in range(q)]
    total = 0.0
    for s in range(q):
        for t in range(q):
            cross = parts.products(g[s], g[t])
            total += float((squares[s] * squares[t]).sum() + (cross * cross.T).sum())
    return q * (q + 1) / total
