"""Between-trial covariance of several coefficients by the method of moments."""

from __future__ import annotations

import numpy as np

from trialpool.results import Array


def covariance_by_moments(coefficients: Array, sampling: Array) -> Array:
    """The covariance between trials, the moment matrix without its negative part.

    Arguments as for `moment_matrix`.
    """
    return nearest_covariance(moment_matrix(coefficients, sampling))


def moment_matrix(coefficients: Array, sampling: Array) -> Array:
    """The symmetric matrix whose expectation is Psi; it need not be positive semi-definite.

    Parameters
    ----------
    coefficients, sampling : (k, p) and (k, p, p) of each trial, and their sampling covariances

    Returns
    -------
    (p, p): the solution of E[sum W r r'] = what is observed, r the residuals of the common-effect
    fit with weights W = S^-1, averaged with its transpose. The univariate case is DerSimonian and
    Laird's estimator before it is set to 0

    References
    ----------
    Jackson, White & Riley 2013, Biom J 55:231, eq. 7 to 9
    """
    k, p = coefficients.shape
    weights = [np.linalg.inv(s) for s in sampling]
    share = np.linalg.inv(np.sum(weights, axis=0))
    beta = share @ sum(w @ y for w, y in zip(weights, coefficients, strict=True))
    observed = np.zeros((p, p))
    expected = np.zeros((p * p, p * p))
    for i, (w, y) in enumerate(zip(weights, coefficients, strict=True)):
        r = y - beta
        observed += w @ np.outer(r, r)
        for j, other in enumerate(weights):
            part = (np.eye(p) if i == j else 0.0) - share @ other
            expected += np.kron(part, w @ part)
    excess = observed - (k - 1) * np.eye(p)
    solution = np.linalg.solve(expected, excess.ravel(order="F")).reshape(p, p, order="F")
    return np.asarray((solution + solution.T) / 2)


def nearest_covariance(matrix: Array, floor: float = 0.0) -> Array:
    """A symmetric matrix with its negative eigenvalues set to `floor`."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.where(values < 0, floor, values)) @ vectors.T)
