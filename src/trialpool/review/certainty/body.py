"""The body of evidence of one analysis as its files say it, and what its intervals reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd

from trialpool import phrases as say
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.conclusions import ABOVE, ACROSS, BELOW, marks_of
from trialpool.effects import measure_of
from trialpool.trust_facts import ShownEstimate

# Shares of the weight, in percent, from which on it counts as a part and as most of it.
PART, MOST = 25.0, 75.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyOfEvidence:
    """A finished analysis: its model.json, tables beside it, and tables of its condition.

    `target` is what the protocol declares to be asked, None where it declares nothing.
    """

    result: AnalysisResult
    studies: pd.DataFrame
    missing: pd.DataFrame
    weights: pd.DataFrame
    multiverse: pd.DataFrame
    trials: pd.DataFrame
    arms: pd.DataFrame
    target: Mapping[str, Any] | None

    @property
    def people(self) -> int:
        """How many people stand behind the result, as far as trials say."""
        if self.result.n is not None:
            return self.result.n
        return int(self.studies.groupby("trial_id")["n"].max().sum())

    @property
    def compares(self) -> bool:
        """Whether there is an interval to hold against no effect."""
        shown = self.result.display
        return marks_of(self.result).side(shown.ci_low, shown.ci_high) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """By how many levels a rule lowers the certainty, None where it cannot tell, and why.

    `numbers` are those it rests on, in signs that a person can type.
    """

    change: int | None
    reason: str
    numbers: str = ""


def reached(result: AnalysisResult, low: float, high: float) -> frozenset[int]:
    """The zones that an interval reaches: BELOW, ACROSS (nothing that matters), ABOVE.

    Where the smallest difference that matters is not known, the sides of no effect; empty without
    an interval.
    """
    marks = marks_of(result)
    if marks.null is None or isnan(low) or isnan(high):
        return frozenset()
    if marks.lower is not None:
        return marks.conclude(ShownEstimate(estimate=low, ci_low=low, ci_high=high)).zones
    sides = {BELOW: low < marks.null, ABOVE: high > marks.null}
    return frozenset(side for side, there in sides.items() if there)


def zone_names(result: AnalysisResult) -> dict[int, str]:
    """The zones in words, by their side."""
    matter = "" if result.important is None else "important "
    lower, upper = ("benefit", "harm") if result.better == "lower" else ("harm", "benefit")
    if not measure_of(result.measure).favours:
        lower, upper = "lower value", "higher value"
    article = "an" if matter else "a"
    return {
        BELOW: f"{article} {matter}{lower}",
        ACROSS: "no important difference",
        ABOVE: f"{article} {matter}{upper}",
    }


def listed(result: AnalysisResult, zones: frozenset[int]) -> str:
    """Zones in a sentence, from below to above."""
    return w.listed(name for zone, name in zone_names(result).items() if zone in zones)


def typed(text: str) -> str:
    """Text in signs of a keyboard, each gap one blank: `-0.62 (-1.71 to 0.48)`."""
    return " ".join(text.replace("−", "-").replace("–", "-").split())


def estimate_of(result: AnalysisResult) -> str:
    """The shown estimate with its interval."""
    return say.effect(result, result.display)
