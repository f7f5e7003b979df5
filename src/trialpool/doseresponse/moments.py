"""Between-trial covariance of several coefficients by the method of moments."""

from __future__ import annotations

import numpy as np

from trialpool.doseresponse.likelihood import Block
from trialpool.results import Array


def moment_matrix(blocks: list[Block]) -> Array:
    """The symmetric matrix whose expectation is Psi; it need not be positive semi-definite.

    Parameters
    ----------
    blocks : coefficients of each trial, X the identity (a second stage)

    Returns
    -------
    (p, p): the solution of E[sum W r r'] = what is observed, r the residuals of the common-effect
    fit with weights W = S^-1, averaged with its transpose. The univariate case is DerSimonian and
    Laird's estimator before it is set to 0

    References
    ----------
    Jackson, White & Riley 2013, Biom J 55:231, eq. 7 to 9
    """
    p, m = len(blocks[0].y), len(blocks)
    weights = [np.linalg.inv(b.S) for b in blocks]
    share = np.linalg.inv(np.sum(weights, axis=0))
    beta = share @ sum(w @ b.y for w, b in zip(weights, blocks, strict=True))
    observed = np.zeros((p, p))
    expected = np.zeros((p * p, p * p))
    for i, (w, b) in enumerate(zip(weights, blocks, strict=True)):
        r = b.y - beta
        observed += w @ np.outer(r, r)
        for j, other in enumerate(weights):
            part = (np.eye(p) if i == j else 0.0) - share @ other
            expected += np.kron(part, w @ part)
    excess = observed - (m - 1) * np.eye(p)
    found = np.linalg.solve(expected, excess.ravel(order="F")).reshape(p, p, order="F")
    return np.asarray((found + found.T) / 2)


def nearest_covariance(matrix: Array, floor: float = 0.0) -> Array:
    """A symmetric matrix with its negative eigenvalues set to `floor`."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.where(values < 0, floor, values)) @ vectors.T)
