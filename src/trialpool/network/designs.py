"""Heterogeneity within designs and inconsistency between them.

A design is the set of treatments that a trial compares. Trials of one design can differ by
heterogeneity only; designs can contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialpool.network.inputs import Trial
from trialpool.network.rows import NetworkDesign, NetworkRows
from trialpool.pooling.inference import chi2_tail
from trialpool.pooling.tau2 import estimate_tau2
from trialpool.results import NAN, Array, ChiSquared

_NO_LOOP = "no closed loop of designs: nothing can contradict"
_ONE_EACH = "no design has two trials: nothing tells heterogeneity from inconsistency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistency:
    """Cochrane's Q of a network taken apart (common effect), and the test under random effects.

    `designs` names each design by its treatments, `trials` counts its trials; `q_designs` (d,) and
    `df_designs` (d,) are Q within each. `full` is the design-by-treatment test with `tau2_within`,
    the generalised DL estimate from the differences within designs.
    """

    designs: tuple[str, ...]
    trials: tuple[int, ...]
    q_designs: Array
    df_designs: tuple[int, ...]
    within: ChiSquared
    between: ChiSquared
    tau2_within: float
    full: ChiSquared


class DesignModel(NamedTuple):
    """The rows with the effects of each design on their own: `x` (r, sum of arms - 1)."""

    names: tuple[str, ...]
    arms: tuple[tuple[int, ...], ...]
    of_row: NDArray[np.int64]
    x: Array


def design_model(
    treatments: Sequence[str], trials: Sequence[Trial], rows: NetworkRows
) -> DesignModel:
    """The design-by-treatment interaction model: each design has effects of its own."""
    arms = sorted({trial.arms for trial in trials}, key=lambda a: (len(a), a))
    at = {design: i for i, design in enumerate(arms)}
    of_row = np.array([at[trials[i].arms] for i in rows.trial])
    blocks = []
    for i, design in enumerate(arms):
        columns = np.where((of_row == i)[:, np.newaxis], rows.x[:, list(design)], 0.0)
        blocks.append(columns[:, 1:])  # against the first treatment of the design
    names = tuple(":".join(treatments[j] for j in design) for design in arms)
    return DesignModel(names, tuple(arms), of_row, np.hstack(blocks))


def decompose(
    treatments: Sequence[str], trials: Sequence[Trial], rows: NetworkRows, q: float, df: int
) -> Inconsistency:
    """Q within and between designs, and the interaction test with tau2 from within designs.

    References
    ----------
    Krahn, Binder & König 2013, BMC Med Res Methodol 13:35; Jackson et al. 2014, Stat Med 33:3639
    (design-by-treatment interaction)
    """
    model = design_model(treatments, trials, rows)
    s = NetworkDesign(rows.z, rows.v, model.x.T)
    counts = [sum(trial.arms == design for trial in trials) for design in model.arms]
    parts = np.array([_q(rows, model, i) for i in range(len(model.arms))])
    dfs = tuple((c - 1) * (len(a) - 1) for c, a in zip(counts, model.arms, strict=True))
    df_within, q_within = sum(dfs), float(parts.sum())
    df_between = df - df_within
    tau2, full = NAN, ChiSquared(stat=NAN, df=df_between, pval=NAN, reason=_ONE_EACH)
    if df_within:
        tau2 = float(estimate_tau2("DL", s).tau2) * float(s.unit) ** 2
        spread = rows._replace(v=rows.v + tau2)
        apart = sum(_q(spread, model, i) for i in range(len(model.arms)))
        full = _test(_q_network(spread) - apart, df_between, _NO_LOOP)
    return Inconsistency(
        designs=model.names,
        trials=tuple(counts),
        q_designs=parts,
        df_designs=dfs,
        within=_test(q_within, df_within, _ONE_EACH),
        between=_test(q - q_within, df_between, _NO_LOOP),
        tau2_within=tau2,
        full=full,
    )


def _q(rows: NetworkRows, model: DesignModel, design: int) -> float:
    """Q of one design's trials about the design's own effects, 0 for a single trial."""
    of = model.of_row == design
    arms = model.arms[design]
    if int(of.sum()) < len(arms):
        return 0.0
    return _rss(rows.z[of], rows.v[of], rows.x[np.ix_(of, list(arms[1:]))])


def _q_network(rows: NetworkRows) -> float:
    return _rss(rows.z, rows.v, rows.x[:, 1:])


def _rss(z: Array, v: Array, x: Array) -> float:
    root = 1 / np.sqrt(v)
    q, _ = np.linalg.qr(root[:, np.newaxis] * x)
    e = root * z
    e = e - q @ (q.T @ e)
    return float(e @ e)


def _test(stat: float, df: int, why_not: str) -> ChiSquared:
    if df == 0:
        return ChiSquared(stat=0.0, df=0, pval=NAN, reason=why_not)
    stat = max(0.0, stat)
    return ChiSquared(stat=stat, df=df, pval=float(chi2_tail(stat, df)))
