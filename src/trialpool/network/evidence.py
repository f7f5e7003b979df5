"""Where the evidence of a comparison comes from: direct comparisons and their contributions."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from trialpool.network.model import Network
from trialpool.results import Array


class Evidence(NamedTuple):
    """Weights of direct comparisons in every comparison.

    `pairs` (all pairs) are the rows, `edges` (pairs that some trial compares) the columns of
    `values`, each a pair of places in `net.treatments`.
    """

    pairs: tuple[tuple[int, int], ...]
    edges: tuple[tuple[int, int], ...]
    values: Array


def edges_of(net: Network) -> tuple[tuple[int, int], ...]:
    """Pairs of treatments that some trial compares, first place before second, sorted."""
    pairs = {pair for trial in net.trials for pair in combinations(trial.arms, 2)}
    return tuple(sorted(pairs))


def laplacian(net: Network, model: str = "random") -> Array:
    """Weighted Laplacian (n, n) of the network: off the diagonal minus the edges' weights.

    The weights of a trial of several arms are those that give its contrasts' variances back
    (Rücker & Schwarzer 2014).
    """
    w = 1 / (net.rows.v + net.tau2_of(model))
    out: Array = net.rows.x.T @ (w[:, np.newaxis] * net.rows.x)
    return out


def hat_matrix(net: Network, model: str = "random") -> Evidence:
    """Coefficients of the direct estimates in each network estimate.

    Returns
    -------
    Evidence. In a network of two-armed trials the network estimate of a pair is the row times the
    pooled direct estimates; an edge's own coefficient is its share of direct evidence

    References
    ----------
    Rücker 2012, Res Synth Methods 3:312, eq. 9; Krahn et al. 2013, BMC Med Res Methodol 13:35
    """
    whole = laplacian(net, model)
    inverse = np.linalg.pinv(whole, hermitian=True)
    pairs, edges = tuple(combinations(range(net.n), 2)), edges_of(net)
    to = _incidence(pairs, net.n)
    along = _incidence(edges, net.n)
    weights = np.array([-whole[i, j] for i, j in edges])
    return Evidence(pairs, edges, to @ inverse @ along.T * weights)


def contributions(net: Network, model: str = "random") -> Evidence:
    """Percent contribution of each direct comparison to each network estimate.

    Absolute coefficients of the hat matrix, each row scaled to 100: Chaimani et al. 2013, PLoS ONE
    8:e76654 (after Salanti et al. 2011).
    """
    hat = hat_matrix(net, model)
    size = np.abs(hat.values)
    return hat._replace(values=100 * size / size.sum(axis=1, keepdims=True))


def _incidence(pairs: tuple[tuple[int, int], ...], n: int) -> Array:
    out = np.zeros((len(pairs), n))
    out[np.arange(len(pairs)), [i for i, _ in pairs]] = 1.0
    out[np.arange(len(pairs)), [j for _, j in pairs]] = -1.0
    return out
