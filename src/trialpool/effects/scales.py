"""The scale an effect is pooled on, and the one that tables, axes and sentences show it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from trialpool.results import Array

ScaleName = Literal["identity", "log", "logit", "Fisher's z"]
Transform = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A pair of scales: `to_display` and its inverse take arrays; `bounds` are of the display."""

    name: ScaleName
    to_display: Transform
    to_analysis: Transform
    bounds: tuple[float, float] = (-inf, inf)

    def shown(self, values: ArrayLike) -> Array:
        """Effects of the analysis scale on the display scale; beyond what a float holds, inf."""
        with np.errstate(over="ignore"):
            return np.asarray(self.to_display(np.asarray(values, dtype=np.float64)))

    @property
    def even(self) -> bool:
        """Whether a step is the same from any start as displayed: a difference, or a ratio."""
        return self.name in ("identity", "log")

    def difference(self, start: ArrayLike, by: ArrayLike) -> Array:
        """What effects at `start` that move by `by`, both of the analysis scale, gain as displayed.

        On an even scale that is one difference, of logs one ratio, wherever they start. On others
        the start decides: as a proportion 0.1 logits are more at 0.5 than at 0.01.
        """
        if self.even:
            return self.shown(by)
        return self.shown(np.add(start, by)) - self.shown(start)

    def analysed(self, values: ArrayLike) -> Array:
        """Displayed effects on the analysis scale; at a bound plus or minus inf, beyond it NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.to_analysis(np.asarray(values, dtype=np.float64)))


IDENTITY = Scale(name="identity", to_display=np.asarray, to_analysis=np.asarray)
LOG = Scale(name="log", to_display=np.exp, to_analysis=np.log, bounds=(0.0, inf))
LOGIT = Scale(
    name="logit",
    to_display=lambda x: 1 / (1 + np.exp(-x)),
    to_analysis=lambda p: np.log(p) - np.log1p(-p),
    bounds=(0.0, 1.0),
)
FISHER_Z = Scale(name="Fisher's z", to_display=np.tanh, to_analysis=np.arctanh, bounds=(-1.0, 1.0))
