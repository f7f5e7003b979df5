"""Direct against indirect evidence, comparison by comparison."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from trialpool.network.model import Network
from trialpool.pooling.inference import p_value
from trialpool.results import NAN, Array

_ALL = 1e-8  # a share of direct evidence nearer to 1 leaves no indirect evidence
NO_DIRECT = "no trial compares the two"
NO_INDIRECT = "no other route through the network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One row per pair of treatments (p,): `pairs` are places, effects first minus second.

    `k` counts the trials that compare the pair and `share` is their proportion of the evidence.
    `difference` is direct minus indirect. NaN has its reason in `reason` ("" where all is there).
    """

    pairs: tuple[tuple[int, int], ...]
    k: tuple[int, ...]
    share: Array
    direct: Array
    se_direct: Array
    indirect: Array
    se_indirect: Array
    difference: Array
    se_difference: Array
    pval: Array
    reason: tuple[str, ...]


def split(net: Network, model: str = "random") -> Split:
    """Direct and indirect evidence of every comparison, by back-calculation.

    The direct estimate pools the trials that compare the two, each with the tau2 of the network;
    the indirect one is what is left of the network estimate, taking both as independent.

    Notes
    -----
    A trial of three arms gives direct and, through its third arm, indirect evidence on one pair.
    Back-calculation takes all of it as direct; a comparison of such trials is approximate.

    References
    ----------
    Dias et al. 2010, Stat Med 29:932, section 3.1; König, Krahn & Binder 2013, Stat Med 32:5414
    """
    pairs = tuple(combinations(range(net.n), 2))
    at = {pair: i for i, pair in enumerate(pairs)}
    tau2 = net.tau2_of(model)
    weight, total = np.zeros(len(pairs)), np.zeros(len(pairs))
    count = np.zeros(len(pairs), dtype=np.int64)
    for trial in net.trials:
        for i, j in combinations(range(len(trial.arms)), 2):
            p = at[trial.arms[i], trial.arms[j]]
            w = 1 / (trial.v[i, j] + tau2)
            weight[p] += w
            total[p] += w * trial.y[i, j]
            count[p] += 1
    estimates = net.of(model)
    first, second = np.array(pairs).T
    effect, se = estimates.effect[first, second], estimates.se[first, second]
    has = count > 0
    with np.errstate(all="ignore"):
        direct, se_direct = total / weight, 1 / np.sqrt(weight)
        share = np.where(has, np.minimum(se**2 * weight, 1.0), 0.0)
        left = 1 - share
        both = left > _ALL
        indirect = np.where(both, (effect - share * np.where(has, direct, 0.0)) / left, NAN)
        se_indirect = np.where(both, se / np.sqrt(left), NAN)
        difference = np.where(has, direct - indirect, NAN)
        se_difference = np.sqrt(se_direct**2 + se_indirect**2)
        pval = p_value(difference / se_difference, np.full(len(pairs), NAN))
    unknown = net.reasons.get(model, "")
    reason = tuple(
        unknown or (NO_DIRECT if not h else "" if b else NO_INDIRECT)
        for h, b in zip(has, both, strict=True)
    )
    return Split(
        pairs=pairs,
        k=tuple(int(c) for c in count),
        share=share,
        direct=np.where(has, direct, NAN),
        se_direct=np.where(has, se_direct, NAN),
        indirect=indirect,
        se_indirect=se_indirect,
        difference=difference,
        se_difference=np.where(np.isfinite(difference), se_difference, NAN),
        pval=np.asarray(pval),
        reason=reason,
    )
