"""What a multiverse says, question by question: how many agree, and which choice matters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialpool.conclusions import ABOVE, BELOW, side_of
from trialpool.diagnostics.multiverse import Ints, Multiverse
from trialpool.digits import sure
from trialpool.results import NAN

Hits = NDArray[np.bool_]
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How much one factor moves a question's result, over all its specifications.

    `eta2` is the share (0 to 1) of the variance of the estimates that lies between the means of
    the factor's levels; 0 where all estimates are equal. `shift` is the largest difference between
    the means of two levels, from `lowest` to `highest` (blank where it is 0), and `start` the mean
    of the first. `swing` is the largest difference between two levels in the share of intervals
    that exclude zero: what a test moves, which moves no estimate. NaN where there is no estimate at
    all.
    """

    name: str
    kind: str
    eta2: float
    start: float
    shift: float
    swing: float
    lowest: str
    highest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSummary:
    """One combination of the levels of all N factors, its specifications put together.

    Shares (0 to 1), median and range are of the distinct fits that have an estimate, each counted
    once: data that a choice leaves as they are do not vote twice. `same_sign` is against the
    protocol's own result; NaN where that has no sign, or nothing is estimated. `beta`, `ci_lb` and
    `ci_ub` are the question's answer with the protocol's own levels of all other factors. `most`
    is the factor with the largest `eta2`, blank where none moves the estimate.
    """

    levels: dict[str, str]
    specifications: int
    distinct: int
    estimated: int
    without_estimate: dict[str, int]
    same_sign: float
    excludes_zero: float
    below_zero: float
    above_zero: float
    median: float
    lowest: float
    highest: float
    beta: float
    ci_lb: float
    ci_ub: float
    factors: tuple[Moves, ...]
    most: str


def questions(results: Multiverse) -> tuple[QuestionSummary, ...]:
    """One summary per combination of the levels of the N factors, the protocol's own first.

    Notes
    -----
    `specifications` counts all combinations of levels, `distinct` the different fits among them,
    `estimated` those of the distinct fits that have an estimate, and `without_estimate` all
    specifications that have none, by reason.

    References
    ----------
    Del Giudice & Gangestad 2021, Adv Methods Pract Psychol Sci 4:1: non-equivalent choices answer
    different questions, so that their results are not put together
    """
    apart = [i for i, factor in enumerate(results.factors) if factor.kind == "N"]
    sizes = [len(results.factors[i].levels) for i in apart]
    place = np.zeros(len(results), dtype=np.int64)
    for i, size in zip(apart, sizes, strict=True):
        place = place * size + results.place[:, i]
    sign = float(np.sign(results.beta[results.protocol]))
    return tuple(_question(results, np.flatnonzero(place == p), sign) for p in np.unique(place))


def _question(results: Multiverse, rows: Ints, sign: float) -> QuestionSummary:
    first = rows[np.unique(results.fit[rows], return_index=True)[1]]
    known = first[np.isfinite(results.beta[first])]
    beta = results.beta[known]
    below, above = _beyond(results, known)
    lost = results.reason[rows][results.reason[rows] != ""]
    factors = tuple(
        _moves(results, rows, i) for i, factor in enumerate(results.factors) if factor.kind != "N"
    )
    top = max(factors, key=lambda each: -1.0 if math.isnan(each.eta2) else sure(each.eta2))
    # Sets come in any order; the protocol's own levels are the place 0 of each factor.
    free = [i for i, factor in enumerate(results.factors) if factor.kind != "N"]
    protocols = rows[(results.place[rows][:, free] == 0).all(axis=1)]
    answer = [
        float(x[protocols[0]]) if len(protocols) else NAN
        for x in (results.beta, results.ci_lb, results.ci_ub)
    ]
    return QuestionSummary(
        levels={
            f.name: f.levels[results.place[rows[0], i]]
            for i, f in enumerate(results.factors)
            if f.kind == "N"
        },
        specifications=len(rows),
        distinct=len(first),
        estimated=len(known),
        without_estimate={str(w): int((lost == w).sum()) for w in dict.fromkeys(lost)},
        same_sign=_share(np.sign(beta) == sign) if sign in (-1.0, 1.0) else NAN,
        excludes_zero=_share(below | above),
        below_zero=_share(below),
        above_zero=_share(above),
        median=float(np.median(beta)) if len(beta) else NAN,
        lowest=float(beta.min()) if len(beta) else NAN,
        highest=float(beta.max()) if len(beta) else NAN,
        beta=answer[0],
        ci_lb=answer[1],
        ci_ub=answer[2],
        factors=factors,
        most=top.name if top.eta2 > 0 else "",
    )


def _beyond(results: Multiverse, rows: Ints) -> tuple[Hits, Hits]:
    """Whether each interval lies below zero, and above."""
    side = side_of(results.ci_lb[rows], results.ci_ub[rows])
    return side == BELOW, side == ABOVE


def _share(hit: Hits) -> float:
    return float(hit.mean()) if len(hit) else NAN


def _moves(results: Multiverse, rows: Ints, i: int) -> Moves:
    """A factor alone, over all specifications of a question that have an estimate."""
    factor = results.factors[i]
    known = rows[np.isfinite(results.beta[rows])]
    if not len(known):
        return Moves(
            name=factor.name,
            kind=factor.kind,
            eta2=NAN,
            start=NAN,
            shift=NAN,
            swing=NAN,
            lowest="",
            highest="",
        )
    beta, at = results.beta[known], results.place[known, i]
    below, above = _beyond(results, known)
    present, place, count = np.unique(at, return_inverse=True, return_counts=True)
    # Fits to the same data differ in their last digits; against an interval's width that is 0.
    away = beta - beta[0]
    away[np.abs(away) < _ROUNDING * (results.ci_ub[known] - results.ci_lb[known])] = 0.0
    mean = np.bincount(place, away) / count
    outside = np.bincount(place, (below | above).astype(float)) / count
    whole = float(((away - away.mean()) ** 2).sum())
    between = float((count * (mean - away.mean()) ** 2).sum())
    slack = _ROUNDING * float((results.ci_ub[known] - results.ci_lb[known]).max())
    low, high = (
        int((mean <= mean.min() + slack).argmax()),
        int((mean >= mean.max() - slack).argmax()),
    )
    moved = bool(mean[high] - mean[low] > slack)
    return Moves(
        name=factor.name,
        kind=factor.kind,
        eta2=min(1.0, between / whole) if moved else 0.0,
        start=float(beta[0] + mean[low]),
        shift=float(mean[high] - mean[low]) if moved else 0.0,
        swing=float(outside.max() - outside.min()),
        lowest=factor.levels[present[low]] if moved else "",
        highest=factor.levels[present[high]] if moved else "",
    )
