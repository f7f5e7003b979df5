"""What an interval says of no effect, and of the smallest difference that matters.

Whoever asks on which side of a value an interval lies asks here. A limit that lies on a value lies
on both sides of it: an interval from no effect on does not exclude it, and one that ends at the
smallest difference that matters still reaches one that does.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.analysis_result import UnjudgedResult
from trialpool.effects import Measure, measure_of
from trialpool.trust_facts import ShownEstimate

# On which side of a value an interval lies: entirely below, across it, entirely above.
BELOW, ACROSS, ABOVE = -1, 0, 1
Sides = NDArray[np.int64]


def side_of(low: ArrayLike, high: ArrayLike, value: float = 0.0) -> Sides:
    """On which side of a value intervals lie; ACROSS also without an interval (NaN).

    Parameters
    ----------
    low, high : arrays of one shape, the limits
    value : on the scale of the limits

    Returns
    -------
    BELOW, ACROSS (a limit at the value counts) or ABOVE for each
    """
    bottom, top = np.asarray(low), np.asarray(high)
    return np.where(top < value, BELOW, np.where(bottom > value, ABOVE, ACROSS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What an interval says.

    `side` of no effect: BELOW, ACROSS or ABOVE; None without an interval. `zones` are those the
    interval reaches: a difference that matters below no effect (BELOW), none that matters (ACROSS),
    one that matters above (ABOVE); empty without an interval, or where the smallest difference that
    matters is not known.
    """

    side: int | None
    zones: frozenset[int] = frozenset()

    @property
    def excludes_null(self) -> bool | None:
        """Whether no effect lies outside; None without an interval."""
        return None if self.side is None else self.side != ACROSS

    @property
    def excludes_important(self) -> bool:
        """Whether every difference that matters, in either direction, lies outside."""
        return self.zones == {ACROSS}

    def turns(self, other: Conclusion) -> bool:
        """Whether another interval lies on another side; no where either has none."""
        return None not in (self.side, other.side) and self.side != other.side


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The values that intervals are held against, on the scale of their limits.

    `null` is no effect, None where nothing is compared; `lower` and `upper` are the smallest
    differences that matter below and above it, both None where none is known.
    """

    null: float | None
    lower: float | None = None
    upper: float | None = None

    @classmethod
    def of(cls, measure: Measure, important: float | None = None) -> Marks:
        """The marks of a measure on its display scale.

        Parameters
        ----------
        important
            the smallest difference that matters, > 0 on the analysis scale; a ratio that matters is
            as far from 1 in one direction as in the other on the log scale: 1.25, and 0.8
        """
        if important is None or measure.null is None:
            return cls(null=measure.null)
        lower, upper = measure.shown(-important), measure.shown(important)
        return cls(null=measure.null, lower=lower, upper=upper)

    def side(self, low: float, high: float) -> int | None:
        """On which side of no effect an interval lies; None without one (NaN)."""
        missing = self.null is None or isnan(low) or isnan(high)
        return None if missing else int(side_of(low, high, self.null or 0.0))

    def conclude(self, shown: ShownEstimate) -> Conclusion:
        """What an interval says."""
        low, high = shown.ci_low, shown.ci_high
        side = self.side(low, high)
        if side is None:
            return Conclusion(side=None)
        if self.lower is None or self.upper is None:
            return Conclusion(side=side)
        below, above = side_of(low, high, self.lower), side_of(low, high, self.upper)
        reached = {
            BELOW: below != ABOVE,
            ACROSS: below != BELOW and above != ABOVE,
            ABOVE: above != BELOW,
        }
        return Conclusion(side=side, zones=frozenset(zone for zone, hit in reached.items() if hit))


# Of a direction, from which a posterior that leads is said to point there (docs/verdict.md).
PROBABLE = 0.95


def probable_side(result: UnjudgedResult) -> int | None:
    """The side of no effect that a leading posterior makes probable; None where there is none."""
    if not result.policy.bayesian or result.posterior is None:
        return None
    below = result.posterior.p_below_zero
    return BELOW if below >= PROBABLE else ABOVE if 1 - below >= PROBABLE else None


def concluded(result: UnjudgedResult, shown: ShownEstimate | None = None) -> Conclusion:
    """What an interval of an analysis says; without one, what its shown result says."""
    return marks_of(result).conclude(shown or result.display)


def marks_of(result: UnjudgedResult) -> Marks:
    """The marks of an analysis."""
    return Marks.of(measure_of(result.measure), result.important)
