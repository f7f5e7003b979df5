"""Likelihood of trials whose curves vary about a common one, and where it is greatest."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from trialpool.results import Array

_STARTS = (0.3, 1.0, 3.0)  # SDs between trials, in typical standard errors
_POLISH = 8  # of Newton's steps after the search
_STEP = 1e-5  # of the numerical slope of the gradient
_EVEN = 1e-9  # loglik lost that still counts as none


class TrialBlock(NamedTuple):
    """One trial: yi (m,), X (m, p) and S (m, m) its sampling covariance."""

    y: Array
    X: Array
    S: Array


class CurveFit(NamedTuple):
    """Coefficients (p,) and their covariance (p, p) for given between-trial covariance."""

    beta: Array
    vcov: Array
    rss: float
    loglik: float


class Mixed:
    """Trials with y = X (beta + b) + e, b ~ N(0, Psi), e ~ N(0, S).

    Works in units in which the mean trial's information is the identity, so that terms of very
    different size (a dose, its square) are alike; all results are in the units given.
    """

    def __init__(self, blocks: list[TrialBlock]) -> None:
        information = sum(b.X.T @ np.linalg.solve(b.S, b.X) for b in blocks) / len(blocks)
        # L with L L' = information^-1: the units of the coefficients.
        self.units = np.linalg.cholesky(np.linalg.inv(np.asarray(information)))
        self.blocks = [TrialBlock(b.y, b.X @ self.units, b.S) for b in blocks]
        self.p = self.units.shape[0]
        self.n = sum(len(b.y) for b in blocks)
        self.log_xx = float(np.linalg.slogdet(sum(b.X.T @ b.X for b in self.blocks))[1])

    def fit(self, psi: Array, *, restricted: bool) -> CurveFit:
        """Generalised least squares at a given Psi, with the (restricted) log likelihood."""
        inner = np.linalg.solve(self.units, np.linalg.solve(self.units, psi).T)
        scaled, _, _ = self._at(inner, restricted=restricted)
        vcov = self.units @ scaled.vcov @ self.units.T
        return CurveFit(self.units @ scaled.beta, vcov, scaled.rss, scaled.loglik)

    def maximum(self, *, restricted: bool) -> Array:
        """The Psi (p, p) of the greatest (restricted) likelihood; on its boundary where that is.

        Searched for over its Cholesky factor from several starts, finished by Newton's steps.
        """
        starts = [scale * np.eye(self.p) for scale in _STARTS]
        zero = np.zeros((self.p, self.p))
        roots = [self._climb(start, restricted) for start in starts]
        best = max([*roots, zero], key=lambda root: self._loglik(root @ root.T, restricted))
        psi = self._on_boundary(best @ best.T, restricted)
        return np.asarray(self.units @ psi @ self.units.T)

    def _loglik(self, psi: Array, restricted: bool) -> float:
        return self._at(psi, restricted=restricted)[0].loglik

    def _at(self, psi: Array, *, restricted: bool) -> tuple[CurveFit, list[Array], list[Array]]:
        """The fit, and each trial's X'W and residuals, in the units of the class."""
        weighted = [
            np.asarray(np.linalg.solve(b.S + b.X @ psi @ b.X.T, b.X).T) for b in self.blocks
        ]
        xwx = np.asarray(sum(w @ b.X for w, b in zip(weighted, self.blocks, strict=True)))
        xwy = np.asarray(sum(w @ b.y for w, b in zip(weighted, self.blocks, strict=True)))
        vcov = np.linalg.inv(xwx)
        beta = vcov @ xwy
        residuals = [b.y - b.X @ beta for b in self.blocks]
        rss, log_v = 0.0, 0.0
        for b, r in zip(self.blocks, residuals, strict=True):
            v = b.S + b.X @ psi @ b.X.T
            rss += float(r @ np.linalg.solve(v, r))
            log_v += float(np.linalg.slogdet(v)[1])
        value = -self.n * math.log(2 * math.pi) - log_v - rss
        if restricted:
            value += self.p * math.log(2 * math.pi) + self.log_xx
            value -= float(np.linalg.slogdet(xwx)[1])
        return CurveFit(beta, vcov, rss, value / 2), weighted, residuals

    def _value_and_slope(self, x: Array, restricted: bool) -> tuple[float, Array]:
        """Minus the log likelihood and its derivative by the Cholesky factor, both at `x`."""
        root = self._factor(x)
        fit, weighted, residuals = self._at(root @ root.T, restricted=restricted)
        slope = np.zeros((self.p, self.p))
        for b, w, r in zip(self.blocks, weighted, residuals, strict=True):
            pull, hold = w @ r, w @ b.X
            slope += np.outer(pull, pull) - hold
            if restricted:
                slope += hold @ fit.vcov @ hold
        return -fit.loglik, -np.asarray(slope @ root)[np.tril_indices(self.p)]

    def _factor(self, x: Array) -> Array:
        root = np.zeros((self.p, self.p))
        root[np.tril_indices(self.p)] = x
        return root

    def _climb(self, start: Array, restricted: bool) -> Array:
        from scipy.optimize import minimize  # slow to import

        x = start[np.tril_indices(self.p)]
        solution = minimize(
            self._value_and_slope,
            x,
            (restricted,),
            "BFGS",
            jac=True,
            options={"gtol": 1e-8, "maxiter": 500},
        )
        return self._factor(self._polished(np.asarray(solution.x), restricted))

    def _polished(self, x: Array, restricted: bool) -> Array:
        """Newton's steps, as long as they make the slope smaller."""
        _, slope = self._value_and_slope(x, restricted)
        for _ in range(_POLISH):
            sides = [
                [self._value_and_slope(x + sign * _STEP * e, restricted)[1] for sign in (1, -1)]
                for e in np.eye(len(x))
            ]
            bend = np.array([(up - down) / (2 * _STEP) for up, down in sides])
            new = x - np.linalg.lstsq((bend + bend.T) / 2, slope, rcond=1e-8)[0]
            _, new_slope = self._value_and_slope(new, restricted)
            if not np.abs(new_slope).max() < np.abs(slope).max():
                break
            x, slope = new, new_slope
        return x

    def _on_boundary(self, psi: Array, restricted: bool) -> Array:
        """Psi with its smallest roots set to 0 wherever that costs no likelihood."""
        values, vectors = np.linalg.eigh(psi)
        best = self._loglik(psi, restricted)
        for i in range(self.p):
            less = np.where(np.arange(self.p) <= i, 0.0, np.maximum(values, 0.0))
            smaller = (vectors * less) @ vectors.T
            if self._loglik(smaller, restricted) < best - _EVEN:
                break
            psi = smaller
        return psi
