"""Cook's distance of clusters: how far the coefficients move without each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialpool.multilevel.model import MultilevelFit
from trialpool.multilevel.model import fit as refit
from trialpool.multilevel.terms import as_codes
from trialpool.results import NAN, Array, TrialpoolError


@dataclass(frozen=True, kw_only=True)
class ClusterInfluence:
    """Per cluster: Cook's distance, and the coefficients without it (clusters, p).

    `reasons` maps a cluster whose numbers are NaN to why the model cannot do without it.
    """

    clusters: tuple[str, ...]
    cook_d: Array
    beta_del: Array
    reasons: dict[str, str]


def cooks_distance(fit: MultilevelFit, cluster: ArrayLike) -> ClusterInfluence:
    """Refit without each cluster, variance components included.

    Cook's distance is (b - b_del)' vb^-1 (b - b_del).

    Parameters
    ----------
    cluster : (k,) labels

    References
    ----------
    Cook 1977, Technometrics 19:15; Viechtbauer & Cheung 2010, Res Synth Methods 1:112
    """
    codes, labels = as_codes(cluster, fit.k)
    distance = np.full(len(labels), NAN)
    without = np.full((len(labels), fit.p), NAN)
    reasons: dict[str, str] = {}
    for number, label in enumerate(labels):
        rows = np.flatnonzero(codes != number)
        try:
            part = refit(
                fit.yi[rows],
                fit.problem.sampling.take(rows),
                fit.X[rows],
                random=fit.random,
                data={name: column[rows] for name, column in fit.data.items()},
                method=fit.method,
                names=fit.names,
            )
        except TrialpoolError as error:
            reasons[label] = str(error)
            continue
        moved = fit.beta - part.beta
        without[number] = part.beta
        distance[number] = float(moved @ np.linalg.solve(fit.vb, moved))
    return ClusterInfluence(clusters=labels, cook_d=distance, beta_del=without, reasons=reasons)
