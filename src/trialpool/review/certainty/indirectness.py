"""Indirectness: how much of the weight is of other people, drugs, comparators or times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from trialpool import tables
from trialpool import words as w
from trialpool.results import NAN, Array
from trialpool.review.certainty.body import MOST, PART, BodyOfEvidence, Proposal, typed
from trialpool.review.choosing.reasons import why_not

POPULATION = "population"

Row = Mapping[str, Any]


def indirectness(body: BodyOfEvidence) -> Proposal:
    """By the share of the weight from outside the declared target, in any of its four parts."""
    if body.target is None:
        why = "no target is declared in the protocol"
        return Proposal(change=None, reason=f"not judged: {why}", numbers="no target")
    outside = _outside(body, body.target)
    weights = effect_weights(body)
    shares = {part: float(weights @ there) for part, there in outside.items()}
    together = float(weights @ np.any(list(outside.values()), axis=0))
    several = sum(share >= PART for share in shares.values()) > 1
    # Shares are sums of rounded weights.
    if round(shares[POPULATION], 3) >= 100 or (together >= MOST and several):
        change = -2
    else:
        change = -1 if together >= PART else 0
    numbers = "; ".join(f"{part} {w.percent(share)}" for part, share in shares.items())
    parts = [f"{part} {w.percent(share)}" for part, share in shares.items() if share]
    detail = f" ({', '.join(parts)})" if parts else ""
    said = f"{w.percent(together)} of the weight is from outside the declared target{detail}"
    return Proposal(change=change, reason=said, numbers=typed(f"outside: {numbers}"))


def other_people(numbers: object) -> float:
    """The share of the weight from other people, in percent, by the cell `numbers` of its row.

    NaN where there is no target or no trial.
    """
    _, _, said = w.text(numbers).partition(f"{POPULATION} ")
    return float(said.partition(" %")[0]) if said else NAN


def effect_weights(body: BodyOfEvidence) -> Array:
    """The share of each row of studies.csv, in percent; alike where the model has no weights."""
    weights = body.studies["weight"].to_numpy(float)
    if np.isnan(weights).any():
        weights = np.ones(len(weights))
    shares: Array = 100 * weights / weights.sum()
    return shares


def _outside(body: BodyOfEvidence, target: Mapping[str, Any]) -> dict[str, Array]:
    """Which rows lie outside, in each part of the target; what is not stated does."""
    trials = {row["trial_id"]: row for row in tables.records(body.trials)}
    drugs = {(row["trial_id"], row["arm_id"]): row["drug"] for row in tables.records(body.arms)}

    def population(row: Row) -> bool:
        return bool(why_not(trials[row["trial_id"]], target["include"], target["exclude"]))

    def drug(row: Row) -> bool:
        arms = str(row["experimental_arms"]).split("+")
        given = {drugs.get((row["trial_id"], arm)) for arm in arms}
        return bool(target["drug"]) and not given <= set(target["drug"])

    def comparator(row: Row) -> bool:
        return bool(target["comparators"]) and row["comparator_class"] not in target["comparators"]

    def time(row: Row) -> bool:
        if target["time_days"] is None:
            return False
        low, high = target["time_days"]
        return not low <= row["time_days"] <= high

    parts: Mapping[str, Callable[[Row], bool]] = {
        POPULATION: population, "drug": drug, "comparator": comparator, "time": time,
    }  # fmt: skip
    rows = tables.records(body.studies)
    return {part: np.array([away(row) for row in rows], float) for part, away in parts.items()}
